"""Identities in polynomial ideals, by linear algebra: what is to be shown, and the factors that show it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sympy as sp
from sympy.polys.matrices import DomainMatrix

Monomial = tuple[int, ...]


def of_degree(degree: int, weights: Sequence[int]) -> Iterator[Monomial]:
    """All exponents $\\alpha$ with $\\sum_i w_i \\alpha_i$ equal to the degree."""
    if not weights:
        if degree == 0:
            yield ()
        return
    for power in range(degree // weights[0] + 1):
        for rest in of_degree(degree - power * weights[0], weights[1:]):
            yield (power, *rest)


def combination(target: sp.Poly, generators: Sequence[sp.Poly], factors: Sequence[Sequence[Monomial]]) -> tuple[sp.Poly, ...] | None:
    """Polynomials $a_j$ with the monomials given and $\\sum_j a_j g_j$ = target, or None when there are none."""
    columns = [(j, monomial) for j, monomials in enumerate(factors) for monomial in monomials]
    rows: dict[Monomial, dict[int, sp.Rational]] = {}
    for n, (j, monomial) in enumerate(columns):
        for power, coefficient in generators[j].terms():
            row = rows.setdefault(tuple(a + b for a, b in zip(power, monomial, strict=True)), {})
            row[n] = row.get(n, 0) + coefficient
    for power, coefficient in target.terms():
        if coefficient != 0:
            rows.setdefault(power, {})[len(columns)] = coefficient
    if not rows:
        return tuple(sp.Poly(0, *target.gens, domain=sp.QQ) for _ in generators)
    exact = {k: {n: sp.QQ(int(c.p), int(c.q)) for n, c in row.items() if c != 0} for k, row in enumerate(rows.values())}
    reduced, pivots = DomainMatrix(exact, (len(rows), len(columns) + 1), sp.QQ).rref()
    if len(columns) in pivots:
        return None
    solved = reduced.to_Matrix()
    found: list[dict[Monomial, sp.Rational]] = [{} for _ in generators]
    for k, n in enumerate(pivots):
        j, monomial = columns[n]
        if solved[k, len(columns)] != 0:
            found[j][monomial] = solved[k, len(columns)]
    return tuple(sp.Poly(terms or {(0,) * len(target.gens): 0}, *target.gens, domain=sp.QQ) for terms in found)


def homogeneous(
    target: Monomial, generators: Sequence[sp.Poly], degrees: Sequence[int], weights: Sequence[int], symbols: Sequence[sp.Symbol]
) -> tuple[sp.Poly, ...] | None:
    """Let $g_j$ be weighted homogeneous of the degrees given: factors with $\\sum_j a_j g_j = x^\\alpha$, or None when there are none.

    The factors can be taken weighted homogeneous, so that this decides membership.
    """
    degree = sum(w * power for w, power in zip(weights, target, strict=True))
    factors = [tuple(of_degree(degree - own, weights)) if degree >= own else () for own in degrees]
    return combination(sp.Poly({target: 1}, *symbols, domain=sp.QQ), generators, factors)
