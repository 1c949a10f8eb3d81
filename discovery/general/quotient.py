"""Exact division of index polynomials: the logarithm of p has a rate without poles where p divides its own rate (p is a Darboux polynomial)."""

from __future__ import annotations

from flint import fmpq

from proofs_check.kernel.index import Algebra, Atom, Poly, Term, add, scale, subtract

MOST_DIVISIONS = 400


def quotient(algebra: Algebra, poly: Poly, divisor: Poly) -> Poly | None:
    """The polynomial q with poly = q * divisor, or None when long division by a power of one entry, or by the constant term, finds none."""
    lead = _lead(divisor)
    if lead is not None:
        return _by_lead(algebra, poly, divisor, *lead)
    return _by_constant(algebra, poly, divisor)


def _lead(divisor: Poly) -> tuple[Atom, int, Term] | None:
    """An entry x, d and the term of the divisor that has x^d, when it has no sums and is the only term with a power of x that large."""
    for term in sorted(divisor.terms, key=lambda term: term.key):
        for x, exponent in term.factors:
            degree = _natural(exponent)
            others = [_natural(dict(other.factors).get(x, fmpq(0))) for other in divisor.terms if other is not term]
            if x.kind == "entry" and x.indices and degree and not term.bound and not term.power and all(d is not None and d < degree for d in others):
                return x, degree, term
    return None


def _by_lead(algebra: Algebra, poly: Poly, divisor: Poly, x: Atom, degree: int, lead: Term) -> Poly | None:
    inverse = algebra.power(Poly({lead: divisor.terms[lead]}), fmpq(-1))
    found: list[Poly] = []
    for _ in range(MOST_DIVISIONS):
        if not poly:
            return add(*found)
        highest = max(poly.terms, key=lambda term: _natural(dict(term.factors).get(x, fmpq(0))) or 0)
        if (_natural(dict(highest.factors).get(x, fmpq(0))) or 0) < degree:
            return None
        step = algebra.multiply(Poly({highest: poly.terms[highest]}), inverse)
        found.append(step)
        poly = subtract(poly, algebra.multiply(step, divisor))
    return None


def _by_constant(algebra: Algebra, poly: Poly, divisor: Poly) -> Poly | None:
    """For a divisor 1 - n, with the quotient in the terms of least degree: poly = q - n q."""
    unit = Term()
    if unit not in divisor.terms or len(divisor.terms) < 2:
        return None
    names = {atom.name for term in divisor.terms for atom, _ in term.factors}

    def degree(term: Term) -> fmpq:
        return sum((e for a, e in term.factors if a.name in names and isinstance(e, fmpq)), fmpq(0))

    least = min(map(degree, poly.terms), default=fmpq(0))
    found = scale(Poly({term: c for term, c in poly.terms.items() if degree(term) == least}), 1 / divisor.terms[unit])
    return found if algebra.multiply(found, divisor) == poly else None


def _natural(exponent: fmpq | Poly) -> int | None:
    return int(exponent.p) if isinstance(exponent, fmpq) and exponent.q == 1 and exponent >= 0 else None
