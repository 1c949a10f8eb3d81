"""Between fractions and balls."""

from __future__ import annotations

from fractions import Fraction

from flint import arb, fmpq

ROUGH = 16  # bits of a bound


def flint(value: Fraction) -> fmpq:
    return fmpq(value.numerator, value.denominator)


def fraction(value: fmpq) -> Fraction:
    return Fraction(int(value.p), int(value.q))


def exact(value: Fraction) -> arb:
    """The ball of the present precision."""
    return arb(flint(value))


def middle(value: arb) -> Fraction:
    mantissa, exponent = value.mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def above(value: arb) -> Fraction:
    """A little more than the upper end, with few bits."""
    return _rough(middle(arb(value.upper())), 1)


def below(value: arb) -> Fraction:
    """A little less than the lower end, with few bits."""
    return _rough(middle(arb(value.lower())), -1)


def _rough(end: Fraction, up: int) -> Fraction:
    if end == 0:
        return end
    unit = Fraction(2) ** (abs(end.numerator).bit_length() - end.denominator.bit_length() - ROUGH)
    return (end // unit + up) * unit
