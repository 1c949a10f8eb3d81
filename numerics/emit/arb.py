"""Arb source (python-flint), straight from the index notation: every operation on balls, so that what is returned encloses the velocity."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import sympy as sp

from ..exact import Exact
from ..program import Program
from .emitter import Emitter
from .indexed import Dialect, Piece, body
from .text import check_names, documentation, header, signature

_NAMES = ("exp", "log", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "sqrt")
_DIALECT = Dialect(
    name="Arb",
    functions={**{getattr(sp, name): f"{{}}.{name}()" for name in _NAMES}, sp.Abs: "abs({})", sp.sign: "{}.sgn()"},
    constants={sp.pi: "arb.pi()", sp.E: "arb.const_e()"},
    whole="arb({})",
    fraction=lambda value: Piece(f"arb({value.p}) / {value.q}", 1),  # rounded outwards, at the precision of now
    total="sum(({}), arb(0))",
    bare_arguments=False,
)
_NOTE = "Numbers are balls at the precision flint.ctx.prec has when it is called; give constants as arb(fmpq(p, q)), not as floats."


def emit(program: Program, title: str) -> str:
    """The source of `velocity` for `flint.arb`, at whatever precision `flint.ctx` has when it is called."""
    check_names(program, ("arb", "abs", "len", "range", "sum"), "Arb")
    head = header(program, title, "Arb (python-flint)", note=_NOTE)
    lines = [head, "from flint import arb", "", "", signature(program, program.time_name), *documentation(program)]
    return "\n".join([*lines, *body(program, _DIALECT)]) + "\n"


def values(value: Exact) -> Any:
    """Exact numbers as balls that contain them, at the precision of now, in nested tuples."""
    from flint import arb, fmpq  # only who evaluates needs it

    if isinstance(value, Fraction):
        return arb(fmpq(value.numerator, value.denominator))
    return tuple(values(entry) for entry in value)


EMITTER = Emitter(emit, values, None)
