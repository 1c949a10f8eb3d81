"""Indices with names of their own: no bound index hides another one, or anything declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import sympy as sp

from ..settings import Definition, Flow, Setting
from ..symbols import Family, index

_LETTERS = "ijklmnpqabcdefghsuvw"


def apart(expression: sp.Expr, taken: frozenset[str]) -> sp.Expr:
    """The expression with its summation indices renamed away from `taken` and from the sums around them.

    >>> from theory.symbols import Variable, size, total
    >>> N, i = size("N"), index("i")
    >>> u = Variable("u", (N,))
    >>> apart(total(u[i], (i, N)), frozenset({"i"}))
    Sum(u[j], (j, 0, N - 1))
    """
    if isinstance(expression, sp.Sum):
        names = {}
        for bound in expression.variables:
            if bound.name in taken:
                names[bound] = unused(taken | _names(expression))
            taken = taken | {names.get(bound, bound).name}
        limits = [(names.get(v, v), lower, upper) for v, lower, upper in expression.limits]
        return sp.Sum(apart(expression.function.xreplace(names), taken), *limits)
    if not expression.args or isinstance(expression, sp.Indexed) or not expression.has(sp.Sum):
        return expression
    arguments = [apart(argument, taken) for argument in expression.args]
    return expression if all(new is old for new, old in zip(arguments, expression.args, strict=True)) else expression.func(*arguments)


def unused(names: frozenset[str]) -> sp.Symbol:
    """An index whose name is not among these."""
    for letter in (*_LETTERS, *(f"i{number}" for number in range(1, len(names) + 2))):
        if letter not in names:
            return index(letter)
    raise AssertionError("there are more names than names")


def _names(expression: sp.Expr) -> frozenset[str]:
    bound = {v for node in expression.atoms(sp.Sum) for v in node.variables}
    return frozenset(str(getattr(symbol, "name", symbol)) for symbol in expression.free_symbols | bound)


def family_apart(family: Family, taken: frozenset[str]) -> Family:
    """The family with its own indices and its sums named apart."""
    names: dict[sp.Symbol, sp.Symbol] = {}
    for own, _ in family.indices:
        if own.name in taken:
            names[own] = unused(taken | _names(family.value) | {other.name for other, _ in family.indices} | {new.name for new in names.values()})
    indices = tuple((names.get(own, own), length) for own, length in family.indices)
    value = apart(family.value, taken | {own.name for own, _ in indices} | {own.name for own in names})
    return Family(indices, value.xreplace(names))


def setting_apart(setting: Setting) -> Setting:
    """The setting with every index named apart from everything it declares; the same flow, if nothing had to be renamed in it."""
    taken = frozenset({*(v.name for v in setting.variables), *(d.name for d in setting.definitions), *map(str, setting.sizes)})

    def families(given: Mapping[str, Family]) -> dict[str, Family]:
        return {name: family_apart(family, taken) for name, family in given.items()}

    flow = setting.flow
    if flow is not None:
        renamed = Flow(flow.space, apart(flow.pairing, taken), flow.held, families(flow.rates), families(flow.drift))
        flow = flow if renamed == flow else renamed
    definitions = tuple(Definition(d.name, family_apart(d.family, taken)) for d in setting.definitions)
    return replace(setting, definitions=definitions, hypotheses=tuple(family_apart(h, taken) for h in setting.hypotheses), flow=flow)
