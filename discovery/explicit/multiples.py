"""Polynomial laws whose coefficients are themselves laws: combinations of monomials m and of products h m with laws h."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import sympy as sp

from .candidate import Candidate
from .independence import Independence
from .modular import P, independent_columns, nullspace
from .polynomials import FRESH, MOST_COLUMNS, SPARE, combined, polynomial_space
from .recognition import integer_vectors
from .system import Points, System, evaluated


def laws_over_laws(
    system: System, known: Sequence[sp.Expr], *, random: np.random.Generator, degree: int = 2, most_columns: int = MOST_COLUMNS
) -> Iterator[Candidate]:
    """Let $h_1, \\ldots, h_n$ be the rational ones of the laws known, $h_0 = 1$, and $m_r$ monomials: the laws $\\sum a_{jr} h_j m_r$, a integers.

    Only those independent of the known ones, for $\\dot h = 0$ makes every product of laws one. Of the monomials, as many degrees as make no more
    than `most_columns` products.
    """
    laws = [law for law in known if law.is_rational_function(*system.symbols)]
    while degree and (space := polynomial_space(system, degree)).terms.count * (1 + len(laws)) > most_columns:
        degree -= 1
    if not degree or not laws:
        return
    found = Independence(system, random)
    for law in known:
        found.adds(law)
    terms, factors = space.terms, [sp.S.One, *laws]

    def products(points: Points, rows: np.ndarray) -> np.ndarray:
        values = evaluated(factors, dict(zip(system.symbols, points.x, strict=True)), random)
        return np.concatenate([value * rows % P for value in values])

    points, fresh = (system.on_domain(count, random) for count in (terms.count * len(factors) + SPARE, FRESH))
    kept = np.array(independent_columns(products(points, terms.values(points.x)).T), dtype=np.int64)
    kernel = nullspace(products(points, terms.rates(points.x, system.velocity(points)))[kept].T)
    rates = products(fresh, terms.rates(fresh.x, system.velocity(fresh)))[kept]
    for vector in integer_vectors(kernel):
        spread = np.zeros(terms.count * len(factors), dtype=object)
        spread[kept] = vector
        law = sp.Add(
            *(
                factor * terms.combination(part, system.symbols)
                for factor, part in zip(factors, spread.reshape(len(factors), -1).tolist(), strict=True)
            )
        )
        if not combined(vector, rates).any() and found.adds(law):
            yield Candidate(law, "polynomial", f"linear algebra on the rates of the {space.text}, and of their products with the laws known")
