"""Numba source: loops in the order of memory, compiled when the source is loaded, for double precision and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp

from ..exact import Exact
from ..lower import Loop, LoopProgram, Nest, Sum, as_loops, fuse, lower
from ..program import Program
from .cells import CellDialect, sizes_used, text
from .emitter import Emitter
from .text import WIDTH, assignment, broken, check_names, documentation, header, lengths_used, shape, signature

_NAMES = ("log", "exp", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "sign")
_FUNCTIONS = {name: f"np.{name}" for name in _NAMES} | {"abs": "abs"}
_FUNCTIONS |= {name: f"np.arc{name[1:]}" for name in ("asin", "acos", "atan", "asinh", "acosh", "atanh")}
_RESERVED = frozenset(["np", "njit", "float64", "range", "float", "abs", "power", "velocity"])
_POWER = """
@njit(float64(float64, float64), error_model="numpy")
def power(x, exponent):
    if exponent == 2.0:
        return x * x
    if exponent == 1.0:
        return x
    if exponent == 3.0:
        return x * x * x
    return x**exponent
"""
_NOTE = (
    "Compiled when it is imported; arguments are floats and C-contiguous arrays of float64, by place. "
    "Sums may be reordered, so that they run in vector registers; NaN and infinity are respected."
)


def emit(program: Program, title: str) -> str:
    """The source of `velocity` for Numba; its constants follow the blocks by place, since compiled functions know no keyword-only arguments."""
    check_names(program, _RESERVED, "Numba")
    names = {*(v.name for v in program.variables), *(n.name for n in program.sizes), program.time_name}
    found = fuse(as_loops(lower(program), taken={*names, *_RESERVED}))
    dialect = CellDialect(lambda name, places: f"{name}[{', '.join(map(str, places))}]" if places else name, "float({})", _FUNCTIONS)
    body = [line for nest in found.nests for line in _nest(nest, dialect)]
    lines = [header(program, title, "Numba", note=_NOTE), "import numpy as np", "from numba import float64, njit", ""]
    if any("power(" in line for line in body):
        lines += [_POWER]
    types = ["float64", *(_type(variable.shape) for variable in program.variables)]
    lines += ["", *_decorator(types), signature(program, program.time_name).replace("*, ", ""), *documentation(program)]
    used = set(sizes_used(program, found)) & _mentioned(found)
    lines += [f"    {length} = {name}.shape[{axis}]" for length, name, axis in lengths_used(program, used)]
    results = ", ".join(found.results)
    return "\n".join([*lines, *body, f"    return {results}{',' if len(found.results) == 1 else ''}"]) + "\n"


def _type(lengths: tuple[sp.Expr, ...]) -> str:
    """`float64`, `float64[::1]`, `float64[:, ::1]`"""
    return f"float64[{', '.join([':'] * (len(lengths) - 1) + ['::1'])}]" if lengths else "float64"


def _decorator(types: Sequence[str]) -> list[str]:
    # Division by zero gives infinity, as in NumPy; an exception for it would keep every loop with a quotient out of vector registers.
    flags = 'fastmath={"reassoc", "contract"}, error_model="numpy"'
    listed = f"({', '.join(types)}{',' if len(types) == 1 else ''})"
    line = f"@njit({listed}, {flags})"
    return [line] if len(line) <= WIDTH else ["@njit(", *broken(f"{listed},", "    "), f"    {flags},", ")"]


def _mentioned(found: LoopProgram) -> set[sp.Symbol]:
    """The lengths that the text needs: of loops and new arrays, and where one is a value."""
    lengths: list[Any] = [length for nest in found.all_nests for length in nest.shape]
    lengths += [loop.length for nest in found.all_nests for loops in (nest.loops, *(sum_.loops for sum_ in nest.sums)) for loop in loops]
    waiting = [cell for nest in found.all_nests for cell in (nest.value, *(sum_.value for sum_ in nest.sums))]
    while waiting:
        cell = waiting.pop()
        waiting.extend(cell.operands)
        if cell.op == "size":
            lengths.append(cell.detail)
    return {symbol for length in lengths for symbol in sp.sympify(length).free_symbols}


def _nest(nest: Nest, dialect: CellDialect) -> list[str]:
    """The lines of one nest; the line that makes the array says its shape."""
    if not nest.shape:
        lines = [line for sum_ in nest.sums for line in _sum(sum_, dialect, 1)]
        if nest.value.op == "local" and nest.value.detail == nest.name:
            return [f"{lines[0]}  # ()", *lines[1:]]
        return [*lines, *assignment(nest.name, text(nest.value, dialect), "()")]
    lines = [_made(each) for each in (nest, *nest.then)] + _looped(nest, dialect, 1)
    return [*lines, *(line for each in nest.then for line in _looped(each, dialect, 2))]


def _made(nest: Nest) -> str:
    size = str(nest.shape[0]) if len(nest.shape) == 1 else shape(nest.shape)
    return f"    {nest.name} = np.{'zeros' if nest.added else 'empty'}({size})  # {shape(nest.shape)}"


def _looped(nest: Nest, dialect: CellDialect, depth: int) -> list[str]:
    lines = []
    for loop in nest.loops:
        lines.append("    " * depth + _for(loop))
        depth += 1
    for sum_ in nest.sums:
        lines += _sum(sum_, dialect, depth)
    return [*lines, *_assigned(dialect.entry(nest.name, nest.places), "+=" if nest.added else "=", text(nest.value, dialect), depth)]


def _sum(sum_: Sum, dialect: CellDialect, depth: int) -> list[str]:
    lines = [f"{'    ' * depth}{sum_.name} = 0.0"]
    for n, loop in enumerate(sum_.loops):
        lines.append("    " * (depth + n) + _for(loop))
    return [*lines, *_assigned(sum_.name, "+=", text(sum_.value, dialect), depth + len(sum_.loops))]


def _assigned(target: str, sign: str, value: str, depth: int) -> list[str]:
    first, *rest = assignment(target, value, "", "    " * depth)
    return [first.replace(f"{target} =", f"{target} {sign}", 1), *rest]


def _for(loop: Loop) -> str:
    return f"for {loop.index} in range({loop.length}):"


def values(value: Exact) -> Any:
    """Exact numbers as floats and arrays of float64."""
    return float(value) if isinstance(value, Fraction) else np.array([values(entry) for entry in value])


EMITTER = Emitter(emit, values, 15)
