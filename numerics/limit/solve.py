"""The multipliers of the limit, to any number of bits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction

import flint
from flint import arb, arb_mat, fmpq

from .dual import Balls, Floats
from .face import Face
from .newton import descend
from .polar import Polar

MOST_POLISHING = 60
PATIENCE = 3  # steps no smaller than half the smallest before they are taken for rounding errors
SMALL, FAR = 2.0**-20, 2.0**20


@contextmanager
def working(bits: int) -> Iterator[None]:
    """Balls of so many bits inside, and what it was outside."""
    before = flint.ctx.prec
    flint.ctx.prec = bits
    try:
        yield
    finally:
        flint.ctx.prec = before


@dataclass(frozen=True)
class Multipliers:
    """Let $x = x(\\theta_0 + A_I^T\\lambda)$ on a face, with $A_I x \\approx y_I$: $\\lambda$, all $x_i$, and how large the next step would be."""

    values: tuple[Fraction, ...]
    x: tuple[Fraction, ...]
    step: Fraction


def multipliers(polar: Polar, face: Face, *, bits: int, guess: Multipliers | None = None, most: int = 300) -> Multipliers | None:
    """Let a face be given: the multipliers with $A_I x = y_I$ there, by damped Newton in float64 and then at `bits` bits.

    `guess` saves the work in float64. None when nothing is found, most often because the limit is too near the boundary of its face for so many bits.
    """
    with working(bits):
        dual = Balls(polar, face)
        if guess is None:
            rough = Floats(polar, face)
            scale = max(1.0, max(abs(float(value)) for value in polar.target))
            near, _ = descend(rough, rough.origin(), small=1e-13 * scale, most=most)
            first = arb_mat(len(near), 1, [arb(float(value)) for value in near])
        else:
            first = arb_mat(len(guess.values), 1, [arb(fmpq(value.numerator, value.denominator)) for value in guess.values])
        found = _polished(dual, first)
        for begin in (first, dual.origin()):
            if found is None:
                near, _ = descend(dual, begin, small=2.0 ** -min(bits // 2, 900), most=most)
                found = _polished(dual, near)
        if found is None:
            return None
        place, x, step = found
        where = dict(zip(face.support, x, strict=True))
        zero = arb(0)
        return Multipliers(
            tuple(map(_fraction, place.entries())), tuple(_fraction(where.get(n, zero)) for n in range(len(polar.values))), _fraction(step)
        )


def _polished(dual: Balls, place: arb_mat) -> tuple[arb_mat, list[arb], arb] | None:
    """Newton's method without damping, until its steps are rounding errors; None if it strays."""
    best: tuple[arb_mat, list[arb], arb] | None = None
    idle = 0
    for _ in range(MOST_POLISHING):
        state, x = dual.at(place), dual.x(place)
        if state is None or x is None:
            return None
        step = _largest(state.step)
        idle = 0 if best is None or step < best[2] / 2 else idle + 1
        best = (place, x, step) if best is None or step < best[2] else best
        if idle >= PATIENCE or step == 0:
            return best if best[2] < (1 + _largest(best[0])) * SMALL else None
        if step > FAR * (1 + best[2]):
            return None
        place = dual.moved(place, 1.0, state.step)
    return None


def _largest(column: arb_mat) -> arb:
    return max((abs(entry.mid()) for entry in column.entries()), default=arb(0)).mid()


def _fraction(value: arb) -> Fraction:
    mantissa, exponent = value.mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
