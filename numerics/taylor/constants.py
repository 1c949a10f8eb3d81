"""Constants of a tape, as arrays of exact rationals; what is not rational is taken to a number of bits far beyond those wanted."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import sympy as sp
from mpmath import mp
from numpy.typing import NDArray

from ..errors import OutOfDomain, Unsupported
from ..exact import Exact

Constant: TypeAlias = NDArray[Any]


def folded(value: Exact) -> Constant:
    """Nested tuples as an array of `Fraction`s."""
    return np.asarray(_nested(value), dtype=object) if not isinstance(value, Fraction) else _single(value)


def _nested(value: Exact) -> Any:
    return value if isinstance(value, Fraction) else [_nested(entry) for entry in value]


def _single(value: Fraction) -> Constant:
    found = np.empty((), dtype=object)
    found[()] = value
    return found


def scalar(number: sp.Expr, bits: int) -> Constant:
    """A number of an expression: a rational as it is, pi and e to `bits` bits."""
    if isinstance(number, sp.Rational):
        return _single(Fraction(int(number.p), int(number.q)))
    with mp.workprec(bits):
        return _single(_fraction({sp.pi: mp.pi, sp.E: mp.e}[number] + 0))


def call(name: str, value: Constant, bits: int) -> Constant:
    """A function of a constant, entry by entry. Raises `OutOfDomain` where it has no real value."""
    if name in ("Abs", "sign"):
        signs = [abs(entry) if name == "Abs" else Fraction((entry > 0) - (entry < 0)) for entry in value.reshape(-1)]
        return _like(signs, value)
    with mp.workprec(bits):
        return _like([_real(getattr(mp, name)(mp.mpf(x.numerator) / x.denominator), name, x) for x in value.reshape(-1)], value)


def power(base: Constant, exponent: Constant, bits: int) -> Constant:
    """Entrywise powers of constants, exact where the exponent is whole."""
    shape = np.broadcast_shapes(base.shape, exponent.shape)
    pairs = zip(np.broadcast_to(base, shape).reshape(-1), np.broadcast_to(exponent, shape).reshape(-1), strict=True)
    found = np.empty(shape, dtype=object)
    found.reshape(-1)[:] = [_power(x, p, bits) for x, p in pairs]
    return found


def _power(base: Fraction, exponent: Fraction, bits: int) -> Fraction:
    if exponent.denominator == 1:
        if base == 0 and exponent < 0:
            raise OutOfDomain(f"the velocity has {base}**{exponent}, which divides by 0")
        return base ** int(exponent)
    with mp.workprec(bits):
        value = (mp.mpf(base.numerator) / base.denominator) ** (mp.mpf(exponent.numerator) / exponent.denominator)
        return _real(value, f"the power {exponent}", base)


def einsum(subscripts: str, operands: Sequence[Constant]) -> Constant:
    return np.asarray(np.einsum(subscripts, *operands, optimize=False), dtype=object)


def _like(entries: list[Any], value: Constant) -> Constant:
    found = np.empty(value.shape, dtype=object)
    found.reshape(-1)[:] = entries
    return found


def _real(value: Any, name: str, at: Fraction) -> Fraction:
    if isinstance(value, mp.mpc) or not mp.isfinite(value):
        raise OutOfDomain(f"{name} has no real value at {at}")
    return _fraction(value)


def _fraction(value: Any) -> Fraction:
    if not isinstance(value, mp.mpf):
        raise Unsupported(f"{value} is no real number")
    sign, mantissa, exponent, _ = value._mpf_
    whole = int(-mantissa if sign else mantissa)
    return Fraction(whole * 2**exponent) if exponent >= 0 else Fraction(whole, 2**-exponent)
