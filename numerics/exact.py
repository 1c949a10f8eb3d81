"""Exact rationals from what people write: 3, Fraction(5, 4), "5/4", "0.5", nested lists of these; never a float."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from numbers import Rational
from typing import Any, TypeAlias

import numpy as np
import sympy as sp

from .errors import InvalidProblem

Exact: TypeAlias = "Fraction | tuple[Exact, ...]"


def exact(value: Any, what: str = "the value") -> Exact:
    """Let a number or nested sequences of numbers be given: the same as `Fraction`s in nested tuples.

    Raises `InvalidProblem` for floats, NaN, infinities, words, and rows of different lengths; `what` names the place in the message.

    >>> exact([1, "5/4", "0.1"])
    (Fraction(1, 1), Fraction(5, 4), Fraction(1, 10))
    """
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, str):
        entries = tuple(exact(entry, f"{what}[{n}]") for n, entry in enumerate(value))
        shapes = {shape(entry) for entry in entries}
        if len(shapes) > 1:
            raise InvalidProblem(f"{what} has rows of different shapes, {_listed(shapes)}; every row of a tensor has the same length")
        return entries
    return rational(value, what)


def rational(value: Any, what: str = "the value") -> Fraction:
    """One number as an exact rational."""
    if isinstance(value, bool | np.bool_):
        raise InvalidProblem(f"{what} is the truth value {value}; write 1 or 0 if a number is meant")
    if isinstance(value, Rational):
        return Fraction(int(value.numerator), int(value.denominator))
    if isinstance(value, sp.Rational) and value.is_finite:
        return Fraction(int(value.p), int(value.q))
    if isinstance(value, str):
        try:
            return Fraction(value.strip())
        except (ValueError, ZeroDivisionError):
            raise InvalidProblem(f"{what} is {value!r}, which is not a rational number; write an integer, '5/4' or '0.5'") from None
    if isinstance(value, float | np.floating):
        if not np.isfinite(value):
            raise InvalidProblem(f"{what} is {value}; a finite rational number is wanted")
        raise InvalidProblem(f"{what} is the float {float(value)!r}, which is exact only by accident; write {_suggestion(float(value))}")
    raise InvalidProblem(f"{what} is {value!r} of type {type(value).__name__}; an integer, a Fraction or a string like '5/4' is wanted")


def _suggestion(value: float) -> str:
    near = Fraction(value).limit_denominator(1000)
    return f"{near} as '{near}', or the decimal string '{Decimal(repr(value))}'"


def _listed(shapes: set[tuple[int, ...]]) -> str:
    return " and ".join(str(found) for found in sorted(shapes))


def shape(value: Any) -> tuple[int, ...]:
    """The lengths of nested tuples, outermost first; a number has the empty shape."""
    if isinstance(value, np.ndarray):
        return tuple(value.shape)
    if not isinstance(value, list | tuple):
        return ()
    return (len(value), *shape(value[0])) if value else (0,)


def entries(value: Any, place: tuple[int, ...] = ()) -> list[tuple[tuple[int, ...], Any]]:
    """The numbers of nested tuples with their places, in row-major order."""
    if not isinstance(value, list | tuple):
        return [(place, value)]
    return [found for n, entry in enumerate(value) for found in entries(entry, (*place, n))]


def at(value: Any, place: Sequence[int]) -> Any:
    """The entry of nested tuples, or of an array, at a place."""
    for n in place:
        value = value[n]
    return value
