"""Whole-array expressions: what an array program is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Literal, TypeAlias

import sympy as sp

Shape: TypeAlias = tuple[sp.Expr, ...]

Op = Literal[
    "name",  # detail: the name
    "number",  # detail: the exact number
    "size",  # detail: the symbol of a length
    "range",  # 0, 1, ..., length - 1
    "pick",  # detail: per axis a number or None, A[0, :]
    "diagonal",  # of a square matrix
    "add",
    "subtract",
    "negate",
    "multiply",
    "divide",
    "power",
    "call",  # detail: the name of the function
    "matmul",
    "einsum",  # detail: the subscripts
    "total",  # detail: the axes summed over
    "transpose",  # detail: the permutation
    "expand",  # detail: per axis of the result, whether it is an old one
    "broadcast",  # to its shape
]


@dataclass(frozen=True)
class Array:
    """Let `op` be applied to whole arrays, with a result of the given shape (lengths may be symbols).

    Axes have places and no names, so that $u_i^L$ and $u_j^L$ are one array, computed once.
    """

    op: Op
    operands: tuple[Array, ...] = ()
    shape: Shape = ()
    detail: object = None

    @property
    def is_leaf(self) -> bool:
        return self.op in ("name", "number", "size")


@dataclass(frozen=True)
class Statement:
    """Let `name` be the value of an array expression; `asked` when the program wants it, not set when it only serves others."""

    name: str
    value: Array
    asked: bool


@dataclass(frozen=True)
class ArrayProgram:
    """The statements in order; the velocities are the statements named in `results`."""

    statements: tuple[Statement, ...]
    results: tuple[str, ...]


def number(value: sp.Expr | int) -> Array:
    return Array("number", (), (), sp.sympify(value))


def add(terms: Sequence[Array], shape: Shape) -> Array:
    """The sum of arrays that broadcast to `shape`; terms under a minus sign come last and are subtracted."""
    if not terms:
        return number(0)
    terms = [Array("negate", (number(-term.detail),)) if _is_negative_number(term) else term for term in terms]  # type: ignore[operator]
    plus = [term for term in terms if term.op != "negate"]
    minus = [term.operands[0] for term in terms if term.op == "negate"]
    if not plus:
        return Array("negate", (add(minus, shape),), shape)
    result = plus[0]
    if len(plus) > 1:
        result = Array("add", tuple(plus), reduce(_broadcast, (term.shape for term in plus)))
    for term in minus:
        result = Array("subtract", (result, term), _broadcast(result.shape, term.shape))
    return result


def _broadcast(left: Shape, right: Shape) -> Shape:
    """The shape of a sum, aligned from the right; an axis of length 1 takes the length of the other."""
    if len(left) < len(right):
        left, right = right, left
    front = len(left) - len(right)
    return (*left[:front], *(b if a == 1 else a for a, b in zip(left[front:], right, strict=True)))


def _is_negative_number(term: Array) -> bool:
    return isinstance(term.detail, sp.Rational) and term.op == "number" and term.detail < 0


def multiply(factors: Sequence[Array], shape: Shape) -> Array:
    """The product, numbers and scalars first, a minus sign outermost; adjacent products are one."""
    flat: list[Array] = []
    sign = 1
    for factor in factors:
        if factor.op == "negate":
            sign, factor = -sign, factor.operands[0]
        flat.extend(factor.operands if factor.op == "multiply" else (factor,))
    kept = [factor for factor in flat if factor != number(1)]
    if not kept:
        result = number(1)
    elif len(kept) == 1:
        result = kept[0]
    else:
        result = Array("multiply", tuple(sorted(kept, key=lambda factor: (len(factor.shape), factor.op != "number"))), shape)
    return Array("negate", (result,), result.shape) if sign < 0 else result


def divide(above: Array, below: Array, shape: Shape) -> Array:
    if above.op == "negate":
        return Array("negate", (divide(above.operands[0], below, shape),), shape)
    return above if below == number(1) else Array("divide", (above, below), shape)
