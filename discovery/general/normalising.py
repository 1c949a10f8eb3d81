"""Laws in the form a person would write: no common factors, no constants that only divide."""

from __future__ import annotations

from math import gcd, lcm

from flint import fmpq

from proofs_check.kernel.index import Atom, Poly, Term, add, of_atom, scale

from .opened import Motion


def whole(poly: Poly) -> Poly:
    """The multiple with coprime integer coefficients."""
    above, below = 0, 1
    for coefficient in poly.terms.values():
        above, below = gcd(above, int(coefficient.p)), lcm(below, int(coefficient.q))
    return scale(poly, fmpq(below, above)) if above else poly


def cleared_of_constants(motion: Motion, value: Poly) -> Poly:
    """The multiple of a law without constants that all its terms share, or that some divide by; and without terms that are constants."""
    value = Poly({term: coefficient for term, coefficient in value.terms.items() if motion.algebra.moves(Poly({term: coefficient}))})
    symbolic = {atom for term in value.terms for atom, exponent in term.factors if isinstance(exponent, Poly)}
    exponents: dict[Atom, list[fmpq]] = {}
    for term in value.terms:
        for atom, exponent in term.factors:
            if (
                isinstance(exponent, fmpq)
                and atom not in symbolic
                and "~" not in atom.key
                and "#" not in atom.key
                and not motion.algebra.moves(of_atom(atom))
            ):
                exponents.setdefault(atom, []).append(exponent)
    least: dict[Atom, fmpq] = {}
    for atom, found in exponents.items():
        lowest = min([*found, *([fmpq(0)] if len(found) < len(value.terms) else [])], default=fmpq(0))
        if lowest != 0:
            least[atom] = -lowest
    if not least:
        return value
    parts = []
    for term, coefficient in value.terms.items():
        factors = dict(term.factors)
        for atom, exponent in least.items():
            own = factors.get(atom, fmpq(0))
            assert isinstance(own, fmpq)
            factors[atom] = own + exponent
        kept = tuple(sorted(((a, e) for a, e in factors.items() if e != fmpq(0)), key=lambda item: item[0].key))
        parts.append(Poly({Term(term.bound, kept, term.power): coefficient}))
    return add(*parts)
