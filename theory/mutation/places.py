"""Every place in an expression, and how to put something else there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import sympy as sp

from ..symbols import Indices


@dataclass(frozen=True)
class Place:
    """A node of an expression with what it stands in: its parent, nothing at the root, and the sizes of the indices that may be used there."""

    node: sp.Expr
    parent: sp.Expr | None
    scope: Mapping[sp.Symbol, sp.Expr]
    put: Callable[[sp.Expr], sp.Expr] = field(repr=False)

    @property
    def is_term(self) -> bool:
        """Whether a sign or a factor stands here: at a term of a sum, the argument of an exponential, the root."""
        return self.parent is None or isinstance(self.parent, sp.Add | sp.exp)


def places(expression: sp.Expr, indices: Indices) -> Iterator[Place]:
    """The nodes of an expression from the root down, in the order of their arguments; the ranges of sums are left alone."""
    yield from _below(expression, None, dict(indices), lambda node: node)


def _below(node: sp.Expr, parent: sp.Expr | None, scope: Mapping[sp.Symbol, sp.Expr], put: Callable[[sp.Expr], sp.Expr]) -> Iterator[Place]:
    yield Place(node, parent, scope, put)
    if isinstance(node, sp.Indexed | sp.Integral):
        return
    if isinstance(node, sp.Sum):
        inner = {**scope, **{name: upper + 1 for name, _, upper in node.limits}}
        yield from _below(node.function, node, inner, lambda new: put(sp.Sum(new, *node.limits)))
        return
    for n, argument in enumerate(node.args):
        yield from _below(argument, node, scope, lambda new, n=n: put(node.func(*node.args[:n], new, *node.args[n + 1 :])))  # type: ignore[misc]
