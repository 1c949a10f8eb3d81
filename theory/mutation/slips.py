"""The slips of the pen in a formula, each a function from a place to what might be written there by mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

import sympy as sp

from .places import Place

Shapes = Mapping[str, tuple[sp.Expr, ...]]


def sign(place: Place, _: Shapes) -> Iterator[sp.Expr]:
    """$-a$ for $a$."""
    if place.is_term:
        yield -place.node


def factor(place: Place, _: Shapes) -> Iterator[sp.Expr]:
    """A factor without an index lost, $b$ for $ab$; or 2 too much, where there is no number."""
    node = place.node
    if isinstance(node, sp.Mul):
        for argument in node.args:
            if argument != -1 and not argument.has(sp.Indexed, sp.Sum):
                yield node / argument
    if place.is_term and abs(node.as_coeff_Mul()[0]) == 1:
        yield 2 * node


def exponent(place: Place, _: Shapes) -> Iterator[sp.Expr]:
    """$a^{n+1}$ or $a$ for $a^n$."""
    if isinstance(place.node, sp.Pow):
        base, power = place.node.args
        yield base ** (power + 1)
        yield base


def ratio(place: Place, _: Shapes) -> Iterator[sp.Expr]:
    """$a/b$ upside down: a power or a scalar to the opposite power."""
    scalar = isinstance(place.node, sp.Symbol) and place.node not in place.scope and isinstance(place.parent, sp.Mul)
    if scalar or isinstance(place.node, sp.Pow):
        yield 1 / place.node


def index(place: Place, shapes: Shapes) -> Iterator[sp.Expr]:
    """Another index of the same range for an index, or two indices of the same range exchanged."""
    node = place.node
    if not isinstance(node, sp.Indexed) or node.base.name not in shapes:
        return
    sizes = shapes[node.base.name]
    for n, (own, size) in enumerate(zip(node.indices, sizes, strict=True)):
        for other, length in place.scope.items():
            if other != own and length == size:
                yield node.base[(*node.indices[:n], other, *node.indices[n + 1 :])]
    for n, (first, second) in enumerate(pairwise(sizes)):
        if first == second:
            yield node.base[(*node.indices[:n], node.indices[n + 1], node.indices[n], *node.indices[n + 2 :])]


def term(place: Place, _: Shapes) -> Iterator[sp.Expr]:
    """A term of a sum dropped."""
    if isinstance(place.node, sp.Add):
        for argument in place.node.args:
            yield place.node - argument


def norm(place: Place, _: Shapes) -> Iterator[sp.Expr]:
    """$\\sum |a_i|$ for $\\sum a_i^2$."""
    if isinstance(place.node, sp.Sum):
        body = place.node.function
        for argument in sp.Mul.make_args(body):
            if isinstance(argument, sp.Pow) and argument.exp == 2 and argument.has(sp.Indexed):
                yield sp.Sum(body / argument * sp.Abs(argument.base), *place.node.limits)


SLIPS: Mapping[str, Callable[[Place, Shapes], Iterator[sp.Expr]]] = {
    "sign": sign,
    "factor": factor,
    "exponent": exponent,
    "ratio": ratio,
    "index": index,
    "term": term,
    "norm": norm,
}
