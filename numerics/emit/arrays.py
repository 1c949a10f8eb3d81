"""The text of whole-array expressions, for NumPy and for what has its functions under another name."""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from ..lower import Array, ArrayProgram
from ..program import Program
from .cells import nearest
from .text import assignment, lengths_used, power, shape

_NAMES: Mapping[str, str] = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh"}

# How tightly an operation binds in Python.
_ADD, _MULTIPLY, _UNARY, _POWER, _ATOM = range(5)


def body(program: Program, arrays: ArrayProgram, module: str) -> list[str]:
    """The lines of the function: lengths, one line per statement, what is returned. The functions are those of `module`."""
    lines = []
    used = {length for statement in arrays.statements for length in _sizes(statement.value)}
    for length, name, axis in lengths_used(program, used):
        lines.append(f"    {length} = {name}.shape[{axis}]")
    for statement in arrays.statements:
        lines += assignment(statement.name, _text(statement.value, _ADD, module), shape(statement.value.shape))
    return [*lines, f"    return {', '.join(arrays.results)}{',' if len(arrays.results) == 1 else ''}"]


def _sizes(value: Array) -> set[sp.Symbol]:
    found: set[sp.Symbol] = set().union(*(_sizes(operand) for operand in value.operands))
    if value.op == "size":
        found.add(value.detail)
    if value.op in ("broadcast", "range"):
        found |= {symbol for length in value.shape for symbol in sp.sympify(length).free_symbols}
    return found


def _text(value: Array, room: int, module: str) -> str:
    """The text, in brackets when it binds less tightly than its surroundings."""
    text, strength = _printed(value, module)
    return text if strength >= room else f"({text})"


def _printed(value: Array, module: str) -> tuple[str, int]:
    inner = value.operands
    match value.op:
        case "name" | "size":
            return str(value.detail), _ATOM
        case "number":
            return _number(value.detail, module)
        case "range":
            return f"{module}.arange({value.shape[0]})", _ATOM
        case "pick":
            entries = ["" if entry is None else str(entry) for entry in value.detail]  # type: ignore[attr-defined]
            while entries[-1] == "":
                entries.pop()
            return f"{_text(inner[0], _ATOM, module)}[{', '.join(entry or ':' for entry in entries)}]", _ATOM
        case "diagonal":
            return f"{module}.diagonal({_text(inner[0], _ADD, module)})", _ATOM
        case "add":
            return " + ".join(_text(term, _MULTIPLY, module) for term in inner), _ADD
        case "subtract":
            return f"{_text(inner[0], _ADD, module)} - {_text(inner[1], _MULTIPLY, module)}", _ADD
        case "negate":
            # -(A @ x) and not -A @ x, which would copy the matrix.
            return f"-{_text(inner[0], _UNARY if _leads_with_matmul(inner[0]) else _MULTIPLY, module)}", _UNARY
        case "multiply":
            first, *rest = inner
            return " * ".join([_text(first, _MULTIPLY, module), *(_text(factor, _UNARY, module) for factor in rest)]), _MULTIPLY
        case "divide":
            return f"{_text(inner[0], _MULTIPLY, module)} / {_text(inner[1], _UNARY, module)}", _MULTIPLY
        case "power":
            base, exponent = inner
            # NumPy has a fast path for squares alone; the third and fourth power of an array cost several times as much as the products.
            if base.op == "name" and base.shape and exponent.detail == 3:
                return " * ".join([str(base.detail)] * 3), _MULTIPLY
            if base.op == "name" and base.shape and exponent.detail == 4:
                return f"({base.detail}**2) ** 2", _POWER
            return power(_text(inner[0], _ATOM, module), _text(inner[1], _ATOM, module)), _POWER
        case "call":
            return f"{module}.{_NAMES.get(str(value.detail), str(value.detail))}({_text(inner[0], _ADD, module)})", _ATOM
        case "matmul":
            # In brackets everywhere but alone: `*` and `@` bind equally, and the order of the operations is part of the cost.
            return f"{_text(inner[0], _UNARY, module)} @ {_text(inner[1], _UNARY, module)}", _MULTIPLY
        case "einsum":
            return f'{module}.einsum("{value.detail}", {", ".join(_text(operand, _ADD, module) for operand in inner)})', _ATOM
        case "total":
            axes = value.detail
            if axes is None:
                return f"{module}.sum({_text(inner[0], _ADD, module)})", _ATOM
            axis = axes[0] if len(axes) == 1 else axes  # type: ignore[arg-type, index]
            return f"{module}.sum({_text(inner[0], _ADD, module)}, axis={axis})", _ATOM
        case "transpose":
            if value.detail == (1, 0):
                return f"{_text(inner[0], _ATOM, module)}.T", _ATOM
            return f"{module}.transpose({_text(inner[0], _ADD, module)}, {value.detail})", _ATOM
        case "expand":
            return f"{_text(inner[0], _ATOM, module)}[{', '.join(':' if keep else 'None' for keep in value.detail)}]", _ATOM  # type: ignore[attr-defined]
        case "broadcast":
            return f"{module}.broadcast_to({_text(inner[0], _ADD, module)}, {shape(value.shape)})", _ATOM


def _leads_with_matmul(value: Array) -> bool:
    return value.op == "matmul" or (value.op in ("multiply", "divide") and _leads_with_matmul(value.operands[0]))


def _number(value: object, module: str) -> tuple[str, int]:
    """A number: integers and their quotients as they are where a double holds them, otherwise the nearest double."""
    exact: sp.Expr = sp.sympify(value)
    if exact in (sp.pi, sp.E):
        return f"{module}.{'pi' if exact == sp.pi else 'e'}", _ATOM
    if isinstance(exact, sp.Rational) and max(abs(exact.p), exact.q) <= 2**53:
        return (str(exact.p), _UNARY if exact < 0 else _ATOM) if exact.q == 1 else (f"{exact.p} / {exact.q}", _MULTIPLY)
    return nearest(exact), _UNARY if exact < 0 else _ATOM
