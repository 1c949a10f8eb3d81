"""Where symbols are born: sizes, indices, scalars and tensors, each with its assumptions made once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import sympy as sp

Role = Literal["parameter", "constant", "cotangent", "time"]
Sign = Literal["positive", "nonnegative", "nonzero", "real"]

_ASSUMPTIONS: Mapping[Sign, Mapping[str, bool]] = {
    "positive": {"positive": True},
    "nonnegative": {"nonnegative": True},
    "nonzero": {"real": True, "nonzero": True},
    "real": {"real": True},
}


def size(name: str) -> sp.Symbol:
    """Let $N$ be a positive integer, the number of values of an index."""
    return sp.Symbol(name, integer=True, positive=True)


def index(name: str) -> sp.Symbol:
    """Let $i$ run over the values of an index; which ones is said where it is bound."""
    return sp.Symbol(name, integer=True, nonnegative=True)


@dataclass(frozen=True)
class Variable:
    """Let $v$ be a scalar (empty shape) or a tensor of real numbers.

    A `parameter` moves along the flow, a `constant` does not; a `cotangent` is an unknown function of time, of which only the shape is known.

    >>> u = Variable("u", (size("N"),), "parameter", "positive")
    >>> u[index("i")]
    u[i]
    """

    name: str
    shape: tuple[sp.Expr, ...] = ()
    role: Role = "constant"
    sign: Sign = "real"

    @cached_property
    def symbol(self) -> sp.Symbol | sp.IndexedBase:
        assumptions = _ASSUMPTIONS[self.sign]
        return sp.IndexedBase(self.name, **assumptions) if self.shape else sp.Symbol(self.name, **assumptions)

    def __getitem__(self, entries: sp.Expr | int | tuple[sp.Expr | int, ...]) -> sp.Expr:
        entries = entries if isinstance(entries, tuple) else (entries,)
        if len(entries) != len(self.shape):
            raise IndexError(f"{self.name} has {len(self.shape)} indices and was given {len(entries)}")
        return self.symbol[entries] if entries else self.symbol

    @property
    def indices(self) -> Indices:
        """An index for every length of the shape: i, j, l, p, q, then i1, i2, ... for tensors of higher order (k is left for the rows of data)."""
        names = (*"ijlpq", *(f"i{number}" for number in range(1, len(self.shape))))
        return tuple((index(name), length) for name, length in zip(names, self.shape, strict=False))


Indices: TypeAlias = tuple[tuple[sp.Symbol, sp.Expr], ...]


@dataclass(frozen=True)
class Family:
    """Let $f_{i\\ldots}$ be an expression for every value of its indices, each given with its size."""

    indices: Indices
    value: sp.Expr

    def at(self, entries: Sequence[sp.Expr | int]) -> sp.Expr:
        """The member with the indices replaced, all at once; bound indices that would be hidden are renamed first."""
        own = [name for name, _ in self.indices]
        taken = {entry for entry in entries if isinstance(entry, sp.Symbol)}
        return away_from(self.value, taken | set(own)).xreplace(dict(zip(own, map(sp.sympify, entries), strict=True)))


def total(expression: sp.Expr, *indices: tuple[sp.Symbol, sp.Expr]) -> sp.Expr:
    """The sum over each index of its range, $\\sum_{0 \\le i < N}$."""
    for name, length in indices:
        expression = sp.Sum(expression, (name, 0, length - 1))
    return expression


def away_from(expression: sp.Expr, taken: set[sp.Symbol]) -> sp.Expr:
    """The same expression, its summation indices renamed away from `taken`."""

    if not expression.has(sp.Sum):
        return expression

    def rename(node: sp.Sum) -> sp.Expr:
        names: dict[sp.Symbol, sp.Symbol] = {}
        for bound in node.variables:
            if bound in taken:
                names[bound] = fresh(bound, taken | node.atoms(sp.Symbol) | set(names.values()))  # bound names inside are in the way too
        if not names:
            return node
        limits = [(names.get(v, v), lower, upper) for v, lower, upper in node.limits]
        return sp.Sum(node.function.xreplace(names), *limits)

    return expression.replace(lambda node: isinstance(node, sp.Sum), rename)


def fresh(like: sp.Symbol, taken: set[sp.Symbol]) -> sp.Symbol:
    """An index not among `taken`, named in the habit of the field: i, j, l, ..., then with a number."""
    letters = "ijlnpqs" if like.name[0] in "ijlnpqs" else like.name[0] + "km"
    names = {symbol.name for symbol in taken}
    for name in [*letters, *(f"{like.name[0]}{n}" for n in range(1, 100))]:
        if name not in names:
            return index(name)
    raise ValueError("too many indices in one expression")
