"""NumPy source: whole arrays, matrix products, one line per named value."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp

from ..exact import Exact
from ..lower import Array, lower
from ..program import Program
from .emitter import Emitter
from .text import assignment, documentation, header, lengths_used, power, shape, signature

_NAMES: Mapping[str, str] = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh"}

# How tightly an operation binds in Python.
_ADD, _MULTIPLY, _UNARY, _POWER, _ATOM = range(5)


def emit(program: Program, title: str) -> str:
    """The source of `velocity` for NumPy, a module that imports nothing else."""
    arrays = lower(program)
    lines = [header(program, title, "NumPy"), "import numpy as np", "", "", signature(program, program.time_name), *documentation(program)]
    used = {length for statement in arrays.statements for length in _sizes(statement.value)}
    for length, name, axis in lengths_used(program, used):
        lines.append(f"    {length} = {name}.shape[{axis}]")
    for statement in arrays.statements:
        lines += assignment(statement.name, _text(statement.value, _ADD), shape(statement.value.shape))
    lines.append(f"    return {', '.join(arrays.results)}{',' if len(arrays.results) == 1 else ''}")
    return "\n".join(lines) + "\n"


def _sizes(value: Array) -> set[sp.Symbol]:
    found: set[sp.Symbol] = set().union(*(_sizes(operand) for operand in value.operands))
    if value.op == "size":
        found.add(value.detail)
    if value.op in ("broadcast", "range"):
        found |= {symbol for length in value.shape for symbol in sp.sympify(length).free_symbols}
    return found


def _text(value: Array, room: int) -> str:
    """The text, in brackets when it binds less tightly than its surroundings."""
    text, strength = _printed(value)
    return text if strength >= room else f"({text})"


def _printed(value: Array) -> tuple[str, int]:
    inner = value.operands
    match value.op:
        case "name" | "size":
            return str(value.detail), _ATOM
        case "number":
            return number(value.detail)
        case "range":
            return f"np.arange({value.shape[0]})", _ATOM
        case "pick":
            entries = ["" if entry is None else str(entry) for entry in value.detail]  # type: ignore[attr-defined]
            while entries[-1] == "":
                entries.pop()
            return f"{_text(inner[0], _ATOM)}[{', '.join(entry or ':' for entry in entries)}]", _ATOM
        case "diagonal":
            return f"np.diagonal({_text(inner[0], _ADD)})", _ATOM
        case "add":
            return " + ".join(_text(term, _MULTIPLY) for term in inner), _ADD
        case "subtract":
            return f"{_text(inner[0], _ADD)} - {_text(inner[1], _MULTIPLY)}", _ADD
        case "negate":
            # -(A @ x) and not -A @ x, which would copy the matrix.
            return f"-{_text(inner[0], _UNARY if _leads_with_matmul(inner[0]) else _MULTIPLY)}", _UNARY
        case "multiply":
            first, *rest = inner
            return " * ".join([_text(first, _MULTIPLY), *(_text(factor, _UNARY) for factor in rest)]), _MULTIPLY
        case "divide":
            return f"{_text(inner[0], _MULTIPLY)} / {_text(inner[1], _UNARY)}", _MULTIPLY
        case "power":
            return power(_text(inner[0], _ATOM), _text(inner[1], _ATOM)), _POWER
        case "call":
            return f"np.{_NAMES.get(str(value.detail), str(value.detail))}({_text(inner[0], _ADD)})", _ATOM
        case "matmul":
            # In brackets everywhere but alone: `*` and `@` bind equally, and the order of the operations is part of the cost.
            return f"{_text(inner[0], _UNARY)} @ {_text(inner[1], _UNARY)}", _MULTIPLY
        case "einsum":
            return f'np.einsum("{value.detail}", {", ".join(_text(operand, _ADD) for operand in inner)})', _ATOM
        case "total":
            axes = value.detail
            if axes is None:
                return f"np.sum({_text(inner[0], _ADD)})", _ATOM
            axis = axes[0] if len(axes) == 1 else axes  # type: ignore[arg-type, index]
            return f"np.sum({_text(inner[0], _ADD)}, axis={axis})", _ATOM
        case "transpose":
            if value.detail == (1, 0):
                return f"{_text(inner[0], _ATOM)}.T", _ATOM
            return f"np.transpose({_text(inner[0], _ADD)}, {value.detail})", _ATOM
        case "expand":
            return f"{_text(inner[0], _ATOM)}[{', '.join(':' if keep else 'None' for keep in value.detail)}]", _ATOM  # type: ignore[attr-defined]
        case "broadcast":
            return f"np.broadcast_to({_text(inner[0], _ADD)}, {shape(value.shape)})", _ATOM


def _leads_with_matmul(value: Array) -> bool:
    return value.op == "matmul" or (value.op in ("multiply", "divide") and _leads_with_matmul(value.operands[0]))


def number(value: object) -> tuple[str, int]:
    """An exact number: integers that a float holds as they are, quotients as quotients, larger ones as floats."""
    if isinstance(value, sp.Rational):
        top, bottom = (str(part) if abs(part) <= 2**53 else repr(float(part)) for part in (int(value.p), int(value.q)))
        if value.q != 1:
            return f"{top} / {bottom}", _MULTIPLY
        return top, _UNARY if value < 0 else _ATOM
    if value == sp.pi:
        return "np.pi", _ATOM
    if value == sp.E:
        return "np.e", _ATOM
    return repr(float(sp.sympify(value))), _ATOM


def values(value: Exact) -> Any:
    """Exact numbers as arrays of float64. A whole scalar stays one, so that powers with it are exact."""
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 and abs(value) < 2**31 else float(value)
    return np.array(_floats(value))


def _floats(value: Exact) -> Any:
    return float(value) if isinstance(value, Fraction) else [_floats(entry) for entry in value]


EMITTER = Emitter(emit, values, 15)
