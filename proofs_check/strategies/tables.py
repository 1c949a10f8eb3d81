"""Matrices as nested tuples of fractions outside, as FLINT's exact matrices inside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import TypeAlias

from flint import fmpq, fmpq_mat

from ..balls import fraction

Vector: TypeAlias = tuple[Fraction, ...]
Matrix: TypeAlias = tuple[Vector, ...]


def packed(rows: Sequence[Sequence[Fraction]], columns: int | None = None) -> fmpq_mat:
    """FLINT's matrix with these rows; the number of columns has to be given where there may be no row."""
    width = len(rows[0]) if columns is None else columns
    return fmpq_mat(len(rows), width, [fmpq(entry.numerator, entry.denominator) for row in rows for entry in row])


def unpacked(matrix: fmpq_mat) -> Matrix:
    """The rows of FLINT's matrix."""
    return tuple(tuple(fraction(matrix[i, j]) for j in range(matrix.ncols())) for i in range(matrix.nrows()))


def diagonal(entries: Iterable[Fraction], rows: int, columns: int) -> fmpq_mat:
    """The matrix of a shape with these entries on its diagonal, and 0 elsewhere."""
    found = fmpq_mat(rows, columns)
    for n, entry in enumerate(entries):
        found[n, n] = fmpq(entry.numerator, entry.denominator)
    return found


def times(matrix: Matrix, vector: Vector) -> Vector:
    """$A v$."""
    return tuple(sum((a * v for a, v in zip(row, vector, strict=True)), Fraction(0)) for row in matrix)


def annihilator(vectors: fmpq_mat) -> fmpq_mat:
    """Rows that are a basis of the $w$ with $V w = 0$."""
    reduced, rank = vectors.rref()
    width = vectors.ncols()
    pivots = [next(column for column in range(width) if reduced[row, column] != 0) for row in range(rank)]
    free = [column for column in range(width) if column not in pivots]
    found = fmpq_mat(len(free), width)
    for n, column in enumerate(free):
        found[n, column] = fmpq(1)
        for row, pivot in enumerate(pivots):
            found[n, pivot] = -reduced[row, column]
    return found
