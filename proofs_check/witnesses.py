"""The search for a witness for all sizes: right - left as a combination of expressions whose sign is plain, with nonnegative rational coefficients.

Let g be the normal form of right - left, the hypotheses used as rewriting rules. The expressions are made from the terms of g: terms whose sign is
plain; for terms c m^2 and c n^2 that sum over the same indices, c (m - n)^2 and c (m + n)^2, with the indices exchanged in every way; and for every
logarithm and exponential, t - 1 - log t with a factor that goes with it. Which combination of them is g is a linear program. Nothing here is trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, permutations
from typing import TypeAlias

import numpy as np
from flint import fmpq, fmpq_mat
from scipy.optimize import linprog

from .cofactors import poly_tree, search
from .kernel.all_sizes import Residual, residual
from .kernel.index import Algebra, Atom, Exponent, Poly, Term, of_atom, scale
from .kernel.language import Index, Json, Rejected, Size, Statement, read_family
from .kernel.nonnegative import claimed, equation, sign

MOST_CANDIDATES = 80
Bound: TypeAlias = tuple[tuple[str, Size], ...]
Writer: TypeAlias = Callable[[Poly], Json]


@dataclass(frozen=True)
class _Square:
    """A term of g as the sum over bound indices of weight * root^2."""

    bound: Bound
    weight: Poly
    root: Poly


def plain(statement: Statement, witness: Json) -> bool:
    """Whether the sign of a witness is as the claim wants it."""
    claim = claimed(statement)
    found = sign(statement, read_family(statement, {"indices": [list(pair) for pair in claim.indices], "value": witness}).value)
    return found in (("positive",) if claim.strict else ("positive", "nonnegative"))


def witness_for_all_sizes(statement: Statement, gradient: Json) -> Json:
    """A combination that is right - left, or, if none was found, right - left in normal form."""
    base = residual(equation(statement), gradient)
    algebra = base.algebra
    for poly in (base.poly, search(statement, base)[1]):
        gap = scale(poly, fmpq(-1))
        if plain(statement, poly_tree(algebra, gap)):
            return poly_tree(algebra, gap)
    candidates, images = [], []
    for tree in _candidates(statement, algebra, gap):
        try:
            parsed = read_family(statement, {"indices": [list(pair) for pair in claimed(statement).indices], "value": tree}).value
            image = algebra.cleared(algebra.of_tree(parsed))
            images.append(search(statement, Residual(algebra, image, base.hypotheses, {}))[1])
            candidates.append(tree)
        except Rejected:
            continue
        if len(candidates) == MOST_CANDIDATES:
            break
    shares = _shares(gap, images)
    if shares is None:
        return poly_tree(algebra, gap)
    return ["+", *(["*", int(q.p) if q.q == 1 else ["/", int(q.p), int(q.q)], tree] for q, tree in zip(shares, candidates, strict=True) if q != 0)]


def _candidates(statement: Statement, algebra: Algebra, gap: Poly) -> Iterator[Json]:
    for term in gap.terms:
        if plain(statement, poly_tree(algebra, Poly({term: fmpq(1)}))):
            yield poly_tree(algebra, Poly({term: fmpq(1)}))
    squares = [square for term, coefficient in gap.terms.items() if coefficient > 0 for square in _squares(algebra, term)]
    for first, second in combinations_with_replacement(squares, 2):
        yield from _binomials(algebra, first, second)
    yield from _tangents(algebra, gap)


def _squares(algebra: Algebra, term: Term) -> Iterator[_Square]:
    """weight * root^2 with a weight of plain sign, if the term can be written so; a size in the weight may be a sum over an idle index."""
    bound, factors, power = algebra.opened(term)
    weight: dict[Atom, Exponent] = {}
    root: dict[Atom, Exponent] = {}
    for atom, exponent in factors.items():
        if isinstance(exponent, Poly):
            root[atom] = scale(exponent, fmpq(1, 2))
        elif exponent.q == 1 and int(exponent.p) % 2 == 0:
            root[atom] = exponent / 2
        elif algebra.sign(atom) in ("positive", "nonnegative"):
            weight[atom] = exponent
        else:
            return
    half = scale(power, fmpq(1, 2)) if power else None
    squared = algebra.canonical((), root, half, fmpq(1))
    yield _Square(bound, algebra.canonical((), weight, None, fmpq(1)), squared)
    sizes = [atom for atom, exponent in weight.items() if atom.name in algebra.statement.sizes and exponent == fmpq(1)]
    if sizes:
        rest = {atom: exponent for atom, exponent in weight.items() if atom not in sizes}
        yield _Square((*bound, *((algebra.fresh(), atom.name) for atom in sizes)), algebra.canonical((), rest, None, fmpq(1)), squared)


def _binomials(algebra: Algebra, first: _Square, second: _Square) -> Iterator[Json]:
    """weight * (m - n)^2 and weight * (m + n)^2, the indices of n sent to those of m in every way."""
    if len(first.bound) != len(second.bound):
        return
    for order in permutations(first.bound):
        if any(size != other for (_, size), (_, other) in zip(order, second.bound, strict=True)):
            continue
        names: dict[str, Index] = {name: own for (own, _), (name, _) in zip(order, second.bound, strict=True)}
        if algebra.rename(second.weight, names) != first.weight:
            continue
        n = algebra.rename(second.root, names)
        if n != first.root:
            yield from (_binomial(algebra, first, n, factor) for factor in (-1, 1))


def _binomial(algebra: Algebra, first: _Square, n: Poly, factor: int) -> Json:
    return _summed(algebra, first.bound, lambda w: ["*", w(first.weight), ["^", ["+", w(first.root), ["*", factor, w(n)]], 2]])


def _tangents(algebra: Algebra, gap: Poly) -> Iterator[Json]:
    """The sum over bound indices of factor * (t - 1 - log t), for the logarithms and exponentials of g and quotients of two of their arguments."""
    for term in gap.terms:
        bound, factors, power = algebra.opened(term)
        if power:
            t = Poly({Term(power=power): fmpq(1)})
            yield _tangent(algebra, bound, algebra.canonical((), factors, None, fmpq(1)), t)
        for log in [atom for atom, exponent in factors.items() if atom.kind == "log" and exponent == fmpq(1)]:
            rest = algebra.canonical((), {a: e for a, e in factors.items() if a != log}, power, fmpq(1))
            inner = log.inside[0]
            yield _tangent(algebra, bound, rest, inner)
            yield _tangent(algebra, bound, rest, algebra.power(inner, fmpq(-1)))
            if rest.number() is None:
                for atom, exponent in factors.items():
                    if atom.kind == "entry" and exponent == fmpq(1):
                        yield _tangent(algebra, bound, rest, algebra.multiply(inner, algebra.power(of_atom(atom), fmpq(-1))))


def _tangent(algebra: Algebra, bound: Bound, factor: Poly, t: Poly) -> Json:
    return _summed(algebra, bound, lambda w: ["*", w(factor), ["+", w(t), -1, ["*", -1, ["log", w(t)]]]])


def _summed(algebra: Algebra, bound: Bound, body: Callable[[Writer], Json]) -> Json:
    """The sum over the bound indices, which get names that may be written, of what `body` makes with a writer of polynomials."""
    names: dict[str, Index] = {name: f"s{n}_" for n, (name, _) in enumerate(bound)}
    tree = body(lambda poly: poly_tree(algebra, algebra.rename(poly, names)))
    for name, size in bound:
        tree = ["sum", names[name], size, tree]
    return tree


def _shares(gap: Poly, images: Sequence[Poly]) -> list[fmpq] | None:
    """Nonnegative rational shares of the images that make up g, at a vertex of all such; or nothing."""
    if not images:
        return None
    rows = list({term: None for poly in (gap, *images) for term in poly.terms})
    matrix = [[image.terms.get(row, fmpq(0)) for image in images] for row in rows]
    right = [gap.terms.get(row, fmpq(0)) for row in rows]
    found = linprog(
        np.ones(len(images)), A_eq=[[float(int(q.p) / int(q.q)) for q in row] for row in matrix], b_eq=[int(q.p) / int(q.q) for q in right]
    )
    if found.status != 0:
        return None
    support = [n for n, share in enumerate(found.x) if share > 1e-9]
    reduced, rank = fmpq_mat([[row[n] for n in support] + [q] for row, q in zip(matrix, right, strict=True)]).rref()
    pivots = [next(n for n in range(len(support) + 1) if reduced[row, n] != 0) for row in range(rank)]
    if len(support) in pivots:
        return None
    shares = [fmpq(0)] * len(images)
    for row, pivot in enumerate(pivots):
        shares[support[pivot]] = reduced[row, len(support)]
    return shares if all(q >= 0 for q in shares) else None
