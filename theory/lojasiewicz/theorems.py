"""All theorems at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .answer import Exponent
from .directions import by_directions
from .factors import by_factors
from .general import by_degree
from .germs import Germ
from .morse_bott import by_critical_manifold
from .polygon import by_polygon
from .splitting import by_splitting
from .sums import by_sum
from .weights import by_weights

# In this order, reductions last: the first exact and certified answer ends the search.
THEOREMS: tuple[Callable[[Germ], Exponent], ...] = (by_splitting, by_critical_manifold, by_weights, by_polygon)
REDUCTIONS: tuple[Callable[[Germ, Callable[[Germ], Exponent]], Exponent], ...] = (by_directions, by_sum, by_factors)


def exponent(f: Germ) -> Exponent:
    """Let $f$ be a polynomial near a critical point: its exponent, or the best bound that one of the theorems here gives.

    Where none applies the bound is that of the literature for the degree, and the theorem says why the others do not apply.

    >>> from ..symbols import Variable
    >>> from .germs import germ
    >>> u, v = Variable("u", (), "parameter"), Variable("v", (), "parameter")
    >>> found = exponent(germ(u[()] ** 2 * v[()] ** 2, (u, v)))
    >>> found.value, found.relation
    (3/4, 'exact')
    """
    answers, reasons = [], []
    for found in _answers(f):
        if found.relation == "exact" and found.certified:
            return found
        if found.relation == "unknown":
            reasons.append(found.theorem)
        else:
            answers.append(found)
    bound = by_degree(f)
    best = min((*answers, bound), key=lambda found: (found.value, found.relation != "exact", bool(found.citation)))
    wrong = next((found for found in answers if found.relation == "exact" and found.value != best.value), None)
    if wrong is not None:
        raise AssertionError(f"two theorems disagree about {f.value}, {wrong.value} is exact and at most {best.value}: one of them is wrong")
    if best is not bound:
        return best
    return Exponent(bound.value, "at most", f"{bound.theorem}; {'; '.join(reasons)}", bound.conditions, bound.citation)


def _answers(f: Germ) -> Iterator[Exponent]:
    yield from (theorem(f) for theorem in THEOREMS)
    yield from (reduction(f, exponent) for reduction in REDUCTIONS)
