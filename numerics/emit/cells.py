"""The text of one entry of an array, for targets that write loops."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import sympy as sp

from ..errors import Unsupported
from ..lower import Cell
from ..lower.loops import LoopProgram, Places
from ..program import Program

# How tightly an operation binds.
_ADD, _MULTIPLY, _UNARY, _ATOM = range(4)


@dataclass(frozen=True)
class CellDialect:
    """Let a language write `entry(name, places)`, the double of an integer `name`, and the functions of one number by their names."""

    entry: Callable[[str, Places], str]
    whole: str
    functions: Mapping[str, str]


def text(cell: Cell, dialect: CellDialect, room: int = _ADD) -> str:
    """The text, in brackets when it binds less tightly than its surroundings."""
    found, strength = _printed(cell, dialect)
    return found if strength >= room else f"({found})"


def _printed(cell: Cell, dialect: CellDialect) -> tuple[str, int]:
    inner = cell.operands
    match cell.op:
        case "entry":
            return dialect.entry(str(cell.detail), cell.places), _ATOM
        case "local":
            return str(cell.detail), _ATOM
        case "index" | "size":
            return dialect.whole.format(cell.detail), _ATOM
        case "number":
            return _number(cell.detail)
        case "add":
            return " + ".join(text(term, dialect, _MULTIPLY) for term in inner), _ADD
        case "subtract":
            return f"{text(inner[0], dialect)} - {text(inner[1], dialect, _MULTIPLY)}", _ADD
        case "negate":
            return f"-{text(inner[0], dialect, _MULTIPLY)}", _UNARY
        case "multiply":
            first, *rest = inner
            return " * ".join([text(first, dialect, _MULTIPLY), *(text(factor, dialect, _UNARY) for factor in rest)]), _MULTIPLY
        case "divide":
            return f"{text(inner[0], dialect, _MULTIPLY)} / {text(inner[1], dialect, _UNARY)}", _MULTIPLY
        case "power":
            return _power(inner[0], inner[1], dialect)
        case "call":
            return f"{dialect.functions[str(cell.detail)]}({text(inner[0], dialect)})", _ATOM
    raise Unsupported(f"the operation {cell.op} has no counterpart inside a loop")


def _power(base: Cell, exponent: Cell, dialect: CellDialect) -> tuple[str, int]:
    """Small powers of something named as products."""
    if exponent.detail in (2, 3, 4, 5, 6) and base.op in ("entry", "local"):
        return " * ".join([text(base, dialect)] * int(exponent.detail)), _MULTIPLY
    return f"power({text(base, dialect)}, {text(exponent, dialect)})", _ATOM


def _number(value: object) -> tuple[str, int]:
    """A double: whole numbers and quotients of them as they are where a double holds them, otherwise the nearest double."""
    exact: sp.Expr = sp.sympify(value)
    if isinstance(exact, sp.Rational) and max(abs(exact.p), exact.q) <= 2**53:
        if exact.q == 1:
            return f"{exact.p}.0", _UNARY if exact < 0 else _ATOM
        return f"{exact.p}.0 / {exact.q}.0", _MULTIPLY
    return nearest(exact), _UNARY if exact < 0 else _ATOM


def nearest(value: sp.Expr) -> str:
    """The double nearest to a number, in as many digits as it takes; raises `Unsupported` for numbers that no double is near to."""
    try:
        found = int(value.p) / int(value.q) if isinstance(value, sp.Rational) else float(value)
    except OverflowError:
        found = float("inf")
    if value != 0 and (found in (0, float("inf"), float("-inf"))):
        raise Unsupported(f"the number {value} is out of the range of double precision; rescale the problem, or export to mpmath or arb")
    return repr(found)


def sizes_used(program: Program, nests: LoopProgram) -> tuple[sp.Symbol, ...]:
    """The symbols of lengths that the loops, the shapes of arguments or the values mention."""
    lengths: list[sp.Expr] = [length for variable in program.variables for length in variable.shape]
    cells: list[Cell] = []
    for nest in nests.all_nests:
        lengths += [*nest.shape, *(loop.length for loop in nest.loops), *(loop.length for sum_ in nest.sums for loop in sum_.loops)]
        cells += [nest.value, *(sum_.value for sum_ in nest.sums)]
    found = {symbol for length in lengths for symbol in sp.sympify(length).free_symbols} | set(_sizes_in(cells))
    return tuple(symbol for symbol in program.sizes if symbol in found)


def _sizes_in(cells: Iterable[Cell]) -> list[sp.Symbol]:
    found = []
    for cell in cells:
        if cell.op == "size":
            found.append(cell.detail)
        found += _sizes_in(cell.operands)
    return found
