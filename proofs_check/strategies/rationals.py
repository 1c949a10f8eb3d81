"""Rational numbers of bounded height, the simple ones first."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

from hypothesis import strategies as st

from numerics.exact import rational
from theory.symbols import Sign

from .errors import Impossible

HEIGHT = 7


def rationals(sign: Sign = "real", *, height: int = HEIGHT, least: Any = None, most: Any = None, strict: bool = False) -> st.SearchStrategy[Fraction]:
    """Let $|p|, q \\le$ height: the rationals $p/q$ of the sign that is wanted, with least $\\le p/q \\le$ most, or $<$ on both sides where `strict`.

    Every such number can come. They shrink towards small denominators, then small numerators: 0, 1, -1, 2, ..., 1/2, -1/2, 3/2, ...

    Raises `Impossible` when there is none.
    """
    if height < 1:
        raise Impossible(f"the height {height} was given, the largest numerator and denominator; a whole number of at least 1 is wanted")
    return _within(sign, height, None if least is None else rational(least, "least"), None if most is None else rational(most, "most"), strict)


@cache
def _within(sign: Sign, height: int, low: Fraction | None, high: Fraction | None, strict: bool) -> st.SearchStrategy[Fraction]:
    def wanted(value: Fraction) -> bool:
        if strict and value in (low, high):
            return False
        return has_sign(value, sign) and (low is None or low <= value) and (high is None or value <= high)

    simple = sorted(range(-height, height + 1), key=lambda p: (abs(p), p < 0))
    rows = [[Fraction(p, q) for p in simple if wanted(Fraction(p, q))] for q in range(1, height + 1)]
    if not any(rows):
        between = f" between {'-oo' if low is None else low} and {'oo' if high is None else high}" if (low, high) != (None, None) else ""
        raise Impossible(f"there is no {sign} rational{between} with numerator and denominator up to {height}; raise the height, or widen the range")
    # The denominator first, and then the numerator: each shrinks by itself, whatever a counterexample asks of their quotient.
    return st.sampled_from([st.sampled_from(row) for row in rows if row]).flatmap(lambda row: row)


def has_sign(value: Fraction, sign: Sign) -> bool:
    """Whether a number is what a declaration says."""
    match sign:
        case "positive":
            return value > 0
        case "nonnegative":
            return value >= 0
        case "nonzero":
            return value != 0
    return True
