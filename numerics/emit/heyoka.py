"""heyoka source: the equations as heyoka expressions, one for every entry, for its Taylor integrators.

heyoka folds numbers in double precision, whatever the precision of the integrator: `x/3` is `0.333...*x` with 16 digits. So the constants are
parameters `hy.par[...]`, whose values are given at the precision of the integrator, and so is every number of the equations that heyoka would round.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import sympy as sp

from ..exact import Exact
from ..program import Program
from .emitter import Emitter
from .indexed import Dialect, Piece, body
from .text import assignment, check_names, documentation, header, signature

_NAMES = ("exp", "log", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "sqrt")


def _fraction(value: sp.Rational) -> Piece:
    """Exact as a double, or a quotient of parameters."""
    if Fraction(float(value)) == Fraction(value.p, value.q):
        return Piece(repr(float(value)), 4 if value > 0 else 2)
    top = str(value.p) if abs(value.p) <= 2**53 else f"exactly({value.p})"
    return Piece(f"{top} / exactly({value.q})", 1)


_DIALECT = Dialect(
    name="heyoka",
    functions={getattr(sp, name): f"hy.{name}({{}})" for name in _NAMES},  # no abs and no sign: a Taylor series cannot pass a corner
    constants={sp.pi: "hy.pi", sp.E: "hy.exp(exactly(1))"},
    whole="exactly({})",
    fraction=_fraction,
    total="hy.sum([{}])",
    bare_arguments=False,
)
_NOTE = (
    "heyoka knows no arrays: at explicit sizes there is one expression for every entry, so this source is for small sizes. "
    "Constants are parameters hy.par[...], and so are the numbers that heyoka would round to double precision: nothing here is rounded."
)
_RESERVED = ("hy", "len", "range", "exactly", "system", "numbers", "values", "parameters", "entries", "rights", "list", "tuple", "zip")


def emit(program: Program, title: str) -> str:
    """The source of `velocity`, on heyoka expressions, and of `system(...)`, which makes the equations and the values of the parameters."""
    check_names(program, _RESERVED, "heyoka")
    arguments = signature(program, program.time_name)
    arguments = arguments.removesuffix("):") + (", " if program.inputs else ", *, ") + "exactly):"
    lines = [header(program, title, "heyoka", note=_NOTE), "import heyoka as hy", "", "", arguments, *documentation(program)]
    return "\n".join([*lines, *body(program, _DIALECT, _RESERVED), "", _system(program)])


_SYSTEM = '''
def system({arguments}):
    """Equations and values, for hy.taylor_adaptive(equations, state, pars=values) with a state in the order of the blocks, row after row.

    Give the constants as numbers of the integrator: float, or hy.real(...) at its precision; make such numbers of the ints at the end of values.
    """
    values = []

    def parameters(given):
        if isinstance(given, (list, tuple)):
            return [parameters(entry) for entry in given]
        values.append(given)
        return hy.par[len(values) - 1]

    numbers = {{}}

    def exactly(number):
        if number not in numbers:
            numbers[number] = parameters(number)
        return numbers[number]

{blocks}
{constants}
    rights = entries(velocity({given}))
    return [(variable, hy.expression(1.0) * right) for variable, right in zip(entries([{names}]), rights)], values


def entries(blocks):
    """Nested lists as one list, row after row."""
    return [entry for block in blocks for entry in entries(block)] if isinstance(blocks, (list, tuple)) else [blocks]
'''


def _system(program: Program) -> str:
    """The function `system`, which knows the order of the variables and of the parameters."""
    constants = [variable.name for variable in program.inputs]
    sizes = list(dict.fromkeys(str(symbol) for block in program.parameters for length in block.shape for symbol in sp.sympify(length).free_symbols))
    keywords = [*sizes, *constants]
    return _SYSTEM.format(
        arguments=", ".join(["*", *keywords] if keywords else []),
        blocks="\n".join(line for block in program.parameters for line in assignment(block.name, _variables(block.name, block.shape), "")),
        constants="".join(f"    {name} = parameters({name})\n" for name in constants),
        given=", ".join(["hy.time", *(block.name for block in program.parameters), *(f"{name}={name}" for name in constants), "exactly=exactly"]),
        names=", ".join(block.name for block in program.parameters),
    )


def _variables(name: str, lengths: tuple[sp.Expr, ...]) -> str:
    """`[hy.make_vars(f"u[{i}]") for i in range(N)]`"""
    letters = "ijklpq"[: len(lengths)]
    entry = ", ".join(f"{{{letter}}}" for letter in letters)
    text = f'hy.make_vars(f"{name}[{entry}]")' if letters else f'hy.make_vars("{name}")'
    for letter, length in reversed(list(zip(letters, lengths, strict=True))):
        text = f"[{text} for {letter} in range({length})]"
    return text


def values(value: Exact) -> Any:
    """Exact numbers as doubles, in nested lists."""
    return float(value) if isinstance(value, Fraction) else [values(entry) for entry in value]


EMITTER = Emitter(emit, values, 15)
