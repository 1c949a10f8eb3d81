"""Rational points on the unit sphere, by stereographic projection."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import isqrt
from typing import Any

from .errors import InvalidProblem
from .exact import rational


def point_on_sphere(direction: Sequence[Any], *, bits: int = 20) -> tuple[Fraction, ...]:
    """Let $d \\in \\mathbb R^N \\setminus 0$: a rational $u$ near $d/\\|d\\|$ with $\\sum u_i^2 = 1$ exactly.

    Each entry is off by about $2^{-\\mathrm{bits}}$ at most. Signs and zeros of the direction are kept, save that an entry smaller than the
    error may become 0.

    >>> sum(x**2 for x in point_on_sphere([1, 1, 1]))
    Fraction(1, 1)
    """
    wanted = [rational(entry, f"direction[{n}]") for n, entry in enumerate(direction)]
    square = sum(entry**2 for entry in wanted)
    if square == 0:
        raise InvalidProblem("the direction 0 was given; a point on the sphere needs an entry that is not zero")
    pole = max(range(len(wanted)), key=lambda n: abs(wanted[n]))
    sign = 1 if wanted[pole] > 0 else -1
    norm = _root(square, bits + 10)
    # From the point opposite the largest entry, q = d_i / (|d| + |d_pole|), so that no denominator is small.
    plane = [Fraction(round(entry / (norm + abs(wanted[pole])) * 2**bits), 2**bits) for n, entry in enumerate(wanted) if n != pole]
    length = sum((entry**2 for entry in plane), Fraction(0))
    rest = iter(2 * entry / (1 + length) for entry in plane)
    return tuple(sign * (1 - length) / (1 + length) if n == pole else next(rest) for n in range(len(wanted)))


def _root(square: Fraction, bits: int) -> Fraction:
    """A rational within a relative error of about $2^{-\\mathrm{bits}}$ of the square root."""
    scale = 4 ** max(0, bits + square.denominator.bit_length() - square.numerator.bit_length() // 2)
    return Fraction(isqrt(square.numerator * square.denominator * scale), square.denominator * isqrt(scale))
