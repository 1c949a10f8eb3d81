"""Rationals in a few decimal digits, rounded the way that keeps a bound true."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

from flint import fmpq


def below(q: fmpq) -> str:
    """At most q."""
    return _decimal(q, Context(prec=6, rounding=ROUND_FLOOR))


def above(q: fmpq) -> str:
    """At least q."""
    return _decimal(q, Context(prec=6, rounding=ROUND_CEILING))


def near(q: fmpq) -> str:
    """Twenty digits, rounded to the nearest."""
    return _decimal(q, Context(prec=20))


def about(q: fmpq, within: fmpq) -> str:
    """Of a number within `within` of q: "a within b", where a has twenty digits and b makes up for those left out."""
    a = near(q)
    return f"{a} within {above(within + abs(q - fmpq(*Decimal(a).as_integer_ratio())))}"


def _decimal(q: fmpq, context: Context) -> str:
    found = context.divide(Decimal(int(q.p)), Decimal(int(q.q))).normalize(context)
    return f"{found:f}" if q == 0 or -5 < found.adjusted() < 9 else f"{found:e}"
