"""One index expression as array operations over its free indices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import sympy as sp

from theory.symbols import away_from

from ..errors import Unsupported
from .arrays import Array, add, divide, multiply, number
from .contract import contract
from .labelled import Axes, Labelled, Lengths, align, as_scalar, joined

FUNCTIONS: tuple[type[sp.Function], ...] = (
    sp.log,
    sp.exp,
    sp.sin,
    sp.cos,
    sp.tan,
    sp.asin,
    sp.acos,
    sp.atan,
    sp.sinh,
    sp.cosh,
    sp.tanh,
    sp.asinh,
    sp.acosh,
    sp.atanh,
    sp.Abs,
    sp.sign,
)


Bound: TypeAlias = tuple[sp.Symbol, sp.Expr]


@dataclass(frozen=True)
class Scope:
    """Let names have shapes and indices have lengths; `order` is the order wanted of the axes of the result."""

    shapes: Mapping[str, tuple[sp.Expr, ...]]
    lengths: Lengths
    order: Axes = ()
    sizes: frozenset[sp.Symbol] = field(default_factory=frozenset)

    def within(self, *bound: tuple[sp.Symbol, sp.Expr]) -> Scope:
        return Scope(self.shapes, {**self.lengths, **dict(bound)}, self.order, self.sizes)


def expression(node: sp.Expr, scope: Scope) -> Labelled:
    """Let the free indices of an expression have lengths in scope: its value for all of them at once.

    Raises `Unsupported` for shifted indices, sums over part of a range, floats, and functions that no backend knows.
    """
    match node:
        case sp.Integer() | sp.Rational() | sp.NumberSymbol():
            return Labelled(number(node), ())
        case sp.Indexed():
            return _entry(node, scope)
        case sp.Symbol():
            return _symbol(node, scope)
        case sp.Add():
            return _sum_of_terms([expression(term, scope) for term in node.as_ordered_terms()], scope)
        case sp.Mul():
            return _product(node, scope)
        case sp.exp():
            return _call("exp", node.exp, scope)
        case sp.Pow():
            return _power(node.base, node.exp, scope)
        case sp.Sum():
            return _sum(node, scope)
    if type(node) in FUNCTIONS:
        return _call(type(node).__name__.lower(), node.args[0], scope)
    if isinstance(node, sp.Float):
        raise Unsupported(f"the float {node} stands in the expression; write an exact rational")
    raise Unsupported(f"{node} has no array counterpart; known are sums, products, powers and {', '.join(f.__name__.lower() for f in FUNCTIONS)}")


def _symbol(node: sp.Symbol, scope: Scope) -> Labelled:
    if node in scope.lengths:
        return Labelled(Array("range", (), (scope.lengths[node],)), (node,))
    if node in scope.sizes:
        return Labelled(Array("size", (), (), node), ())
    return Labelled(Array("name", (), (), node.name), ())


def _entry(node: sp.Indexed, scope: Scope) -> Labelled:
    name = node.base.name
    value = Array("name", (), scope.shapes[name], name)
    fixed: list[int | None] = []
    axes: list[sp.Symbol] = []
    for entry in node.indices:
        if isinstance(entry, sp.Integer):
            fixed.append(int(entry))
        elif entry in scope.lengths:
            fixed.append(None)
            axes.append(entry)
        else:
            raise Unsupported(f"{node} has the entry {entry}; an entry is a number, or an index on its own (no i + 1)")
    if any(entry is not None for entry in fixed):
        value = Array("pick", (value,), tuple(scope.lengths[axis] for axis in axes), tuple(fixed))
    if len(set(axes)) == len(axes):
        return Labelled(value, tuple(axes))
    if len(axes) != 2:
        raise Unsupported(f"{node} repeats an index; only the diagonal W[i, i] of a matrix is known")
    return Labelled(Array("diagonal", (value,), (scope.lengths[axes[0]],)), (axes[0],))


def _call(function: str, argument: sp.Expr, scope: Scope) -> Labelled:
    inner = expression(argument, scope)
    return Labelled(Array("call", (inner.value,), inner.value.shape, function), inner.axes)


def _power(base: sp.Expr, exponent: sp.Expr, scope: Scope) -> Labelled:
    if _is_negative(exponent):
        below = expression(base, scope) if exponent == -1 else _power(base, -exponent, scope)
        return Labelled(divide(number(1), below.value, below.value.shape), below.axes)
    if exponent == sp.Rational(1, 2):
        return _call("sqrt", base, scope)
    parts = [expression(base, scope), expression(exponent, scope)]
    axes = joined(parts, scope.order)
    shape = tuple(scope.lengths[axis] for axis in axes)
    return Labelled(Array("power", tuple(align(part, axes) for part in parts), shape), axes)


def _sum_of_terms(terms: Sequence[Labelled], scope: Scope) -> Labelled:
    return _elementwise(terms, scope, add)


def _times(factors: Sequence[Labelled], scope: Scope) -> Labelled:
    """The product of scalars first, then of the arrays."""
    return _elementwise(factors, scope, multiply)


def _elementwise(parts: Sequence[Labelled], scope: Scope, build: Callable[[Sequence[Array], tuple[sp.Expr, ...]], Array]) -> Labelled:
    if len(parts) == 1:
        return parts[0]
    axes = joined(parts, scope.order)
    return Labelled(build([align(part, axes) for part in parts], tuple(scope.lengths[axis] for axis in axes)), axes)


def _product(node: sp.Expr, scope: Scope) -> Labelled:
    above: list[Labelled] = []
    below: list[Labelled] = []
    coefficient = sp.S.One
    for factor in node.as_ordered_factors():
        if factor.is_Rational:
            coefficient *= factor
        elif isinstance(factor, sp.Pow) and _is_negative(factor.exp):
            below.append(expression(factor.base ** (-factor.exp), scope))
        else:
            above.append(expression(factor, scope))
    sign, coefficient = (-1, -coefficient) if coefficient < 0 else (1, coefficient)
    if coefficient.p != 1:
        above.insert(0, Labelled(number(coefficient.p), ()))
    if coefficient.q != 1:
        below.insert(0, Labelled(number(coefficient.q), ()))
    result = _quotient(above, below, scope)
    return Labelled(Array("negate", (result.value,), result.value.shape), result.axes) if sign < 0 else result


def _quotient(above: list[Labelled], below: list[Labelled], scope: Scope) -> Labelled:
    """Scalars are gathered before an array is touched, so that a product with an array costs one pass."""
    if not below:
        return _times(above, scope)
    scalars = [[part for part in parts if not part.axes] for parts in (above, below)]
    arrays = [[part for part in parts if part.axes] for parts in (above, below)]
    if arrays[0] and not arrays[1] and scalars[0]:
        front = _quotient(scalars[0], scalars[1], scope)
        return _times([front, *arrays[0]], scope)
    over = _times(above, scope) if above else as_scalar(number(1))
    under = _times(below, scope)
    axes = joined([over, under], scope.order)
    return Labelled(divide(align(over, axes), align(under, axes), tuple(scope.lengths[axis] for axis in axes)), axes)


def _sum(node: sp.Sum, scope: Scope) -> Labelled:
    body = node.function
    bound: list[Bound] = []
    for index, lower, upper in node.limits:
        if lower != 0 or (upper + 1).free_symbols - scope.sizes:
            raise Unsupported(f"{node} runs from {lower} to {upper}; a sum runs over the whole range 0, ..., N - 1 of an index")
        bound.append((index, upper + 1))
    inner = scope.within(*bound)
    if isinstance(body, sp.Add):
        return _sum_of_terms([_sum(sp.Sum(term, *node.limits), scope) for term in body.as_ordered_terms()], scope)
    factors, bound = _flattened(_factors(body), bound, set(inner.lengths))
    inner = scope.within(*bound)
    names = {index for index, _ in bound}
    outside = [factor for factor in factors if not factor.free_symbols & names]
    inside = [factor for factor in factors if factor.free_symbols & names]
    reached = set().union(*(factor.free_symbols for factor in inside))
    outside += [length for index, length in bound if index not in reached]
    labelled = [expression(factor, inner) for factor in inside]
    sums = contract(labelled, tuple(index for index, _ in bound if index in reached), inner.lengths, scope.order)
    if not outside:
        return _times(sums, scope) if sums else as_scalar(number(1))
    front = expression(sp.Mul(*outside), scope)
    return _times([front, *sums], scope) if sums else front


def _flattened(factors: list[sp.Expr], bound: list[Bound], taken: set[sp.Symbol]) -> tuple[list[sp.Expr], list[Bound]]:
    """The indices of a sum inside a product join the outer ones: then the cheapest order of contraction can be chosen among all of them."""
    found: list[sp.Expr] = []
    while factors:
        factor = factors.pop(0)
        names = {index for index, _ in bound}
        if isinstance(factor, sp.Sum) and factor.free_symbols & names and not isinstance(factor.function, sp.Add):
            factor = away_from(factor, taken)
            bound = bound + [(index, upper + 1) for index, _, upper in factor.limits]
            taken = taken | set(factor.variables)
            factors = [*_factors(factor.function), *factors]
        else:
            found.append(factor)
    return found, bound


def _factors(body: sp.Expr) -> list[sp.Expr]:
    return list(body.as_ordered_factors()) if isinstance(body, sp.Mul) else [body]


def _is_negative(exponent: sp.Expr) -> bool:
    """Whether every term has a minus sign, as in $-L/2 - 1$ and not in $L - 1$."""
    return all(term.as_coeff_Mul()[0].is_negative for term in sp.Add.make_args(exponent))
