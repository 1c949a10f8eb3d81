"""Exact solutions of linear equations near approximate ones: what turns the floats of linear programming into vectors that show something."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TypeAlias

from flint import fmpq, fmpq_mat

BITS = 40  # of the coordinates that are free

Rows: TypeAlias = Sequence[Sequence[Fraction]]


def near(rows: Rows, right: Sequence[Fraction], guess: Sequence[float]) -> tuple[Fraction, ...] | None:
    """Let a system $Cv = d$ over $\\mathbb Q$ be given: an exact solution whose free coordinates are those of the guess; None if there is none.

    >>> near([[Fraction(1), Fraction(2)]], [Fraction(1)], [0.3, 0.25])
    (Fraction(1, 2), Fraction(1, 4))
    """
    width = len(guess)
    free = [Fraction(round(float(value) * 2**BITS), 2**BITS) for value in guess]
    if not rows:
        return tuple(free)
    entries = [_flint(a) for row, d in zip(rows, right, strict=True) for a in (*row, d)]
    reduced, rank = fmpq_mat(len(rows), width + 1, entries).rref()
    table = [list(row) for row in reduced.tolist()[:rank]]
    pivots = [next(k for k, entry in enumerate(row) if entry != 0) for row in table]
    if width in pivots:
        return None
    values = [_flint(value) for value in free]
    for pivot, row in zip(pivots, table, strict=True):
        values[pivot] = row[width] - sum((row[k] * values[k] for k in range(width) if k != pivot and k not in set(pivots)), fmpq(0))
    return tuple(Fraction(int(value.p), int(value.q)) for value in values)


def product(rows: Rows, vector: Sequence[Fraction]) -> list[Fraction]:
    return [sum((a * b for a, b in zip(row, vector, strict=True)), Fraction(0)) for row in rows]


def _flint(value: Fraction) -> fmpq:
    return fmpq(value.numerator, value.denominator)
