"""NumPy source for many points at once: every moving array has one more axis, the last, along which the points stand.

The axis is the last one because the entries of one block at all points are then contiguous: a scalar block has the shape `(B,)`, which broadcasts
against `(N, B)` as it is, and a constant matrix times all points is one matrix product.
"""

from __future__ import annotations

import textwrap
from collections.abc import Set
from functools import lru_cache

import sympy as sp

from ..emit.text import MARK, WIDTH, assignment, check_names, entry, lengths_used, power, shape, signature
from ..errors import Unsupported
from ..lower import Array, ArrayProgram, lower
from ..program import Program

_FUNCTIONS = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh"}
_ADD, _MULTIPLY, _UNARY, _POWER, _ATOM = range(5)


@lru_cache(maxsize=256)
def emit(program: Program, batched: frozenset[str], *, exact: bool = False, title: str = "") -> str:
    """Let the arguments named in `batched` have a last axis along which B points stand: the source of `velocity`, whose results have it too.

    With `exact` the arrays hold `Fraction`s, the numbers of the equations are fractions, and functions without rational values are refused.

    Raises `Unsupported` where there is no such source.
    """
    check_names(program, ("np", "Fraction", "batch"), "NumPy")
    printer = _Printer(lower(program), batched, exact)
    imports = ["from fractions import Fraction", ""] if exact else []
    lines = [*_header(program, title, exact), *imports, "import numpy as np", "", "", signature(program, program.time_name)]
    lines.append(f'    """The values of {", ".join(f"{step.name} {shape(step.shape)}" for step in program.velocities)}."""')
    lines += [f"    {length} = {name}.shape[{axis}]" for length, name, axis in lengths_used(program, printer.sizes)]
    if printer.broadcasts:
        lines.append(f"    batch = {next(v.name for v in program.variables if v.name in batched)}.shape[-1]")
    return "\n".join([*lines, *printer.lines]) + "\n"


def _header(program: Program, title: str, exact: bool) -> list[str]:
    """What the source was generated from, and where the points stand."""
    lines = [f"{MARK}, or quantities along it, at many points; written by polarflow, edits will be lost.", ""]
    lines += [f"Generated from: {' '.join(title.split())}".rstrip()]
    for step in program.steps:
        equation = f"{entry(step)} = {step.family.value}"
        lines += textwrap.wrap(equation, WIDTH, initial_indent="    ", subsequent_indent="        ", break_long_words=False)
    note = "Moving arrays have one more axis, the last, along which the points stand." + (" All numbers are fractions." if exact else "")
    return [line.replace("\\", "\\\\") if n else line for n, line in enumerate([*lines, "", note, '"""', ""])]


class _Printer:
    """The statements in text, with what is known of the names met so far: which have the axis of the points."""

    def __init__(self, arrays: ArrayProgram, batched: Set[str], exact: bool) -> None:
        self.batched = set(batched)
        self.exact = exact
        self.sizes: set[sp.Symbol] = set()
        self.broadcasts = False
        self.lines: list[str] = []
        shapes = {}
        for statement in arrays.statements:
            text = self.text(statement.value, _ADD)
            moving = self.moves(statement.value)
            if moving:
                self.batched.add(statement.name)
            shapes[statement.name] = statement.value.shape
            self.lines += assignment(statement.name, text, shape((*statement.value.shape, *(["B"] if moving else []))))
        results = [name if name in self.batched or not shapes[name] else f"{name}[..., None]" for name in arrays.results]
        self.lines.append(f"    return {', '.join(results)}{',' if len(results) == 1 else ''}")

    def moves(self, value: Array) -> bool:
        """Whether the value has the axis of the points."""
        return value.detail in self.batched if value.op == "name" else any(map(self.moves, value.operands))

    def text(self, value: Array, room: int) -> str:
        text, strength = self.printed(value)
        return text if strength >= room else f"({text})"

    def fitted(self, value: Array, room: int, moving: bool) -> str:
        """An operand of an entrywise operation: one that stands still gets an axis of length 1 where others have that of the points."""
        if moving and value.shape and not self.moves(value):
            return f"{self.text(value, _ATOM)}[..., None]"
        return self.text(value, room)

    def printed(self, value: Array) -> tuple[str, int]:
        inner, moving = value.operands, self.moves(value)
        match value.op:
            case "name":
                return str(value.detail), _ATOM
            case "size":
                self.sizes.add(value.detail)
                return f"Fraction({value.detail})" if self.exact else str(value.detail), _ATOM
            case "number":
                return self.number(value.detail)
            case "range":
                self.needs(value.shape)
                return f"np.arange({value.shape[0]})" + (" * Fraction(1)" if self.exact else ""), _MULTIPLY if self.exact else _ATOM
            case "pick":
                entries = [":" if entry is None else str(entry) for entry in value.detail]  # type: ignore[attr-defined]
                return f"{self.text(inner[0], _ATOM)}[{', '.join(entries)}]", _ATOM
            case "diagonal":
                return f'np.einsum("ii...->i...", {self.text(inner[0], _ADD)})', _ATOM
            case "add":
                return " + ".join(self.fitted(term, _MULTIPLY, moving) for term in inner), _ADD
            case "subtract":
                return f"{self.fitted(inner[0], _ADD, moving)} - {self.fitted(inner[1], _MULTIPLY, moving)}", _ADD
            case "negate":
                return f"-{self.text(inner[0], _UNARY if self.leads_with_product(inner[0]) else _MULTIPLY)}", _UNARY
            case "multiply":
                first, *rest = inner
                return " * ".join([self.fitted(first, _MULTIPLY, moving), *(self.fitted(factor, _UNARY, moving) for factor in rest)]), _MULTIPLY
            case "divide":
                return f"{self.fitted(inner[0], _MULTIPLY, moving)} / {self.fitted(inner[1], _UNARY, moving)}", _MULTIPLY
            case "power":
                return self.power(value)
            case "call":
                if self.exact:
                    raise Unsupported(f"{value.detail} has no rational values; run it in float64")
                return f"np.{_FUNCTIONS.get(str(value.detail), str(value.detail))}({self.text(inner[0], _ADD)})", _ATOM
            case "matmul":
                return self.product(*inner)
            case "einsum":
                before, after = str(value.detail).split("->")
                letters = [part + ("z" if self.moves(one) else "") for part, one in zip(before.split(","), inner, strict=True)]
                return self.einsum(letters, after + ("z" if moving else ""), inner), _ATOM
            case "total":
                axes = tuple(range(len(inner[0].shape))) if value.detail is None else value.detail
                axis = axes[0] if len(axes) == 1 else axes  # type: ignore[arg-type, index]
                return f"np.sum({self.text(inner[0], _ADD)}, axis={axis})", _ATOM
            case "transpose":
                order = (*value.detail, len(inner[0].shape)) if moving else value.detail  # type: ignore[misc]
                return f"np.transpose({self.text(inner[0], _ADD)}, {order})", _ATOM
            case "expand":
                return f"{self.text(inner[0], _ATOM)}[{', '.join(':' if keep else 'None' for keep in value.detail)}]", _ATOM  # type: ignore[attr-defined]
            case "broadcast":
                self.needs(value.shape)
                self.broadcasts |= moving
                wanted = shape((*value.shape, *([sp.Symbol("batch")] if moving else [])))
                return f"np.broadcast_to({self.text(inner[0], _ADD)}, {wanted})", _ATOM

    def power(self, value: Array) -> tuple[str, int]:
        """Squares of squares for a small whole exponent: `np.square(u) * u` is many times faster than `u**3`."""
        base, exponent = value.operands
        whole = int(exponent.detail) if exponent.op == "number" and getattr(exponent.detail, "is_Integer", False) else 0  # type: ignore[call-overload]
        if base.op == "name" and 2 <= whole <= 16 and not self.exact:
            return self.chain(str(base.detail), whole)
        moving = self.moves(value)
        if base.op == "number":  # 2**j with whole j is exact in integers alone, where it may be too large
            return f"{self.float_of(base)} ** {self.fitted(exponent, _ATOM, moving)}", _POWER
        return power(self.fitted(base, _ATOM, moving), self.fitted(exponent, _ATOM, moving)), _POWER

    def float_of(self, base: Array) -> str:
        return self.text(base, _ATOM) if self.exact else f"({self.text(base, _ADD)} * 1.0)"

    def chain(self, name: str, whole: int) -> tuple[str, int]:
        if whole == 1:
            return name, _ATOM
        half, strength = self.chain(name, whole // 2)
        assert strength in (_ATOM, _MULTIPLY)
        return (f"np.square({half}) * {name}", _MULTIPLY) if whole % 2 else (f"np.square({half})", _ATOM)

    def product(self, left: Array, right: Array) -> tuple[str, int]:
        """A matrix product whose factors may have the axis of the points, as one product of matrices where only one of them has it."""
        dimensions = len(left.shape), len(right.shape)
        if not self.moves(left) and dimensions in ((1, 1), (2, 1)):
            return f"{self.text(left, _UNARY)} @ {self.text(right, _UNARY)}", _MULTIPLY
        if not self.moves(right) and dimensions in ((1, 1), (1, 2)):
            flipped = f"{self.text(right, _ATOM)}.T" if dimensions[1] == 2 else self.text(right, _UNARY)
            return f"{flipped} @ {self.text(left, _UNARY)}", _MULTIPLY
        if not (self.moves(left) or self.moves(right)):
            return f"{self.text(left, _UNARY)} @ {self.text(right, _UNARY)}", _MULTIPLY
        if not self.moves(left) and dimensions == (2, 2):
            return f"np.tensordot({self.text(left, _ADD)}, {self.text(right, _ADD)}, 1)", _ATOM
        letters = {(1, 1): ("j", "j", ""), (2, 1): ("ij", "j", "i"), (1, 2): ("j", "jk", "k"), (2, 2): ("ij", "jk", "ik")}[dimensions]
        parts = [text + ("z" if self.moves(one) else "") for text, one in zip(letters, (left, right), strict=False)]
        return self.einsum(parts, letters[2] + "z", (left, right)), _ATOM

    def einsum(self, letters: list[str], result: str, operands: tuple[Array, ...]) -> str:
        return f'np.einsum("{",".join(letters)}->{result}", {", ".join(self.text(operand, _ADD) for operand in operands)})'

    def leads_with_product(self, value: Array) -> bool:
        return value.op == "matmul" or (value.op in ("multiply", "divide") and self.leads_with_product(value.operands[0]))

    def needs(self, lengths: tuple[sp.Expr, ...]) -> None:
        self.sizes |= {symbol for length in lengths for symbol in sp.sympify(length).free_symbols}

    def number(self, value: object) -> tuple[str, int]:
        if isinstance(value, sp.Rational):
            if self.exact:  # whole numbers too: the quotient of two ints would be a double
                return f"Fraction({value.p})" if value.q == 1 else f"Fraction({value.p}, {value.q})", _ATOM
            if value.q == 1 and abs(value) <= 2**53:
                return str(value), _UNARY if value < 0 else _ATOM
            return repr(int(value.p) / int(value.q)), _UNARY if value < 0 else _ATOM
        if self.exact:
            raise Unsupported(f"{value} is not rational; run it in float64")
        return repr(float(sp.sympify(value))), _ATOM
