"""Sums of functions that share no variable: the exponent is the largest of theirs.

Let $f(x, y) = g(x) + h(y)$, both zero and critical at the point. With $\\theta$ the larger exponent,
$|f|^\\theta \\le |g|^\\theta + |h|^\\theta \\le C\\,(|\\nabla g| + |\\nabla h|)$; and where $y$ stays at its point, $f$ is $g$ and $\\nabla f$ is
$\\nabla g$.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from .answer import Condition, Exponent, unknown
from .germs import Germ


def by_sum(f: Germ, known: Callable[[Germ], Exponent]) -> Exponent:
    """Let $f$ be a sum of functions that share no variable: the largest of their exponents, as far as they are `known`.

    >>> from ..symbols import Variable
    >>> from .germs import germ
    >>> from .theorems import exponent
    >>> x, y, z = (Variable(name, (), "parameter") for name in "xyz")
    >>> by_sum(germ(x[()] ** 2 * y[()] ** 2 + z[()] ** 6, (x, y, z)), exponent).value
    5/6
    """
    groups = _groups(f)
    if len(groups) == 1:
        return unknown("f is not a sum of functions that share no variable")
    summands = [_restricted(f, group) for group in groups]
    found = [known(summand) for summand in summands]
    lacking = [answer.theorem for answer in found if answer.value is None]
    if lacking:
        return unknown("; ".join(lacking))
    value = max(answer.value or sp.S.Zero for answer in found)
    exact = any(answer.relation == "exact" and answer.value == value for answer in found)
    constant = f.value.xreplace(dict(zip(f.symbols, f.point, strict=True)))
    split = f.equal(f.value, constant + sp.Add(*(summand.value for summand in summands)), "the summands")
    conditions = (Condition("f is a sum of functions that share no variable", (split,)), *(c for answer in found for c in answer.conditions))
    theorem = "; ".join(f"{summand.value}: {answer.theorem}" for summand, answer in zip(summands, found, strict=True))
    citation = next((answer.citation for answer in found if answer.citation), "")
    return Exponent(value, "exact" if exact else "at most", theorem, conditions, citation)


def _groups(f: Germ) -> list[tuple[int, ...]]:
    """The variables, those together that are connected by terms of f; those that do not occur are left out."""
    groups: list[set[int]] = []
    for power in f.polynomial.monoms():
        met = {n for n, e in enumerate(power) if e}
        touched = [group for group in groups if group & met]
        groups = [group for group in groups if not group & met] + [met.union(*touched)]
    return sorted(tuple(sorted(group)) for group in groups)


def _restricted(f: Germ, group: tuple[int, ...]) -> Germ:
    """The terms of f in these variables, without its value at the point."""
    terms = {power: c for power, c in f.polynomial.terms() if any(power[n] for n in group)}
    value = f.stated(sp.Poly(terms, *f.symbols, domain=sp.QQ))
    return Germ(tuple(f.variables[n] for n in group), value, tuple(f.point[n] for n in group))
