"""mpmath source, straight from the index notation: comprehensions over indices and exactly rounded sums."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import sympy as sp
from mpmath import mp

from ..exact import Exact
from ..program import Program
from .emitter import Emitter
from .indexed import Dialect, Piece, body
from .text import check_names, documentation, header, signature

_NAMES = ("exp", "log", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "sqrt", "sign")
_DIALECT = Dialect(
    name="mpmath",
    functions={**{getattr(sp, name): f"mp.{name}({{}})" for name in _NAMES}, sp.Abs: "abs({})"},
    constants={sp.pi: "mp.pi", sp.E: "mp.e"},
    whole="mp.mpf({})",
    fraction=lambda value: Piece(f"mp.mpf({value.p}) / {value.q}", 1),
    total="mp.fsum({})",
    dot="mp.fdot(({}, {}) {})",
)


def emit(program: Program, title: str) -> str:
    """The source of `velocity` for mpmath, at whatever precision `mp` has when it is called."""
    check_names(program, ("mp", "abs", "len", "range"), "mpmath")
    lines = [header(program, title, "mpmath"), "from mpmath import mp", "", "", signature(program, program.time_name), *documentation(program)]
    return "\n".join([*lines, *body(program, _DIALECT)]) + "\n"


def values(value: Exact) -> Any:
    """Exact numbers as `mpf` at the precision of now, in nested tuples. Never an int: the quotient of two ints would be a double."""
    if isinstance(value, Fraction):
        return mp.mpf(value.numerator) / value.denominator
    return tuple(values(entry) for entry in value)


EMITTER = Emitter(emit, values, None)
