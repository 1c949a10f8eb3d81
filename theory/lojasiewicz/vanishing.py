"""When weighted homogeneous polynomials have no common real zero but the origin."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from ..statements import Part
from .answer import Condition
from .cofactors import homogeneous
from .germs import Germ

UNKNOWNS = 1500  # of a linear system for factors, at most


def only_the_origin(f: Germ, generators: Sequence[sp.Poly], weights: Sequence[int], *, named: str) -> Condition | None:
    """Let $g_j$ be weighted homogeneous in the displacement: the reason why they vanish together at the origin only, or None if none was found.

    Three ways are tried. Signs: a polynomial with even powers and coefficients of one sign, times a monomial, vanishes only where one of its factors
    does, and so forces variables to be 0. Powers: $x_i^k = \\sum_j a_j g_j$ for every $i$, which decides the question over the complex numbers. Real
    roots: in two variables, of the greatest common divisors at $y = \\pm 1$, which decides it over the reals, and gives no identity.
    """
    parts: list[Part] = []
    if _by_signs(f, list(generators), frozenset(f.symbols), parts):
        return Condition(f"{named} have no common zero but the origin: the signs of their terms force the variables to 0 one by one", tuple(parts))
    powers = _by_powers(f, generators, weights)
    if powers:
        return Condition(f"{named} have no common zero but the origin: powers of the variables are combinations of them", powers)
    if len(f.symbols) == 2 and _by_roots(generators, f.symbols):
        return Condition(f"{named} have no common zero but the origin: no real root in common at y = 1, y = -1, nor on y = 0")
    return None


def monomial_times_definite(polynomial: sp.Poly) -> tuple[sp.Poly, sp.Poly] | None:
    """A monomial and a polynomial with even powers and coefficients of one sign, of which the polynomial given is the product; None for others."""
    if polynomial.is_zero:
        return None
    least = tuple(min(column) for column in zip(*polynomial.monoms(), strict=True))
    rest = {tuple(a - b for a, b in zip(power, least, strict=True)): coefficient for power, coefficient in polynomial.terms()}
    if any(entry % 2 for power in rest for entry in power) or len({coefficient > 0 for coefficient in rest.values()}) > 1:
        return None
    return sp.Poly({least: 1}, *polynomial.gens, domain=sp.QQ), sp.Poly(rest, *polynomial.gens, domain=sp.QQ)


def _by_signs(f: Germ, generators: list[sp.Poly], free: frozenset[sp.Symbol], parts: list[Part]) -> bool:
    if not free:
        return True
    gone = {x: sp.S.Zero for x in f.symbols if x not in free}
    for generator in generators:
        restricted = sp.Poly(generator.as_expr().xreplace(gone), *f.symbols, domain=sp.QQ)
        found = monomial_times_definite(restricted)
        if found is None:
            continue
        monomial, definite = found
        cases = [{x} for x, power in zip(f.symbols, monomial.monoms()[0], strict=True) if power]
        if not definite.is_ground:  # all its terms vanish, the pure powers among them
            cases.append({f.symbols[next(n for n, e in enumerate(power) if e)] for power in definite.monoms() if sum(map(bool, power)) == 1})
        attempt: list[Part] = []
        if all(forced and _by_signs(f, generators, free - forced, attempt) for forced in cases):
            shown = f.stated(monomial) * f.stated(definite)
            place = {x: a for x, a in zip(f.symbols, f.point, strict=True) if x not in free}
            parts += [f.equal(f.stated(generator).xreplace(place), shown, "a monomial times terms of one sign"), *attempt]
            return True
    return False


def _by_powers(f: Germ, generators: Sequence[sp.Poly], weights: Sequence[int]) -> tuple[Part, ...]:
    """The identities for all variables, or none."""
    if len(generators) < len(f.symbols):
        return ()  # fewer equations than unknowns: there are other complex zeros
    degrees = [sum(w * e for w, e in zip(weights, g.monoms()[0], strict=True)) if not g.is_zero else 0 for g in generators]
    top = sum(sorted(degrees)[-len(f.symbols) :]) - sum(weights)  # of the quotient by n of them, if that is finite
    parts = []
    for n, x in enumerate(f.symbols):
        for power in range(1, top // weights[n] + 2):
            size = sum(1 for d in degrees if power * weights[n] >= d) * power ** (len(f.symbols) - 1)
            if size > UNKNOWNS:
                return ()
            target = tuple(power if m == n else 0 for m in range(len(f.symbols)))
            factors = homogeneous(target, generators, degrees, weights, f.symbols)
            if factors is not None:
                right = sp.Add(*(f.stated(a) * f.stated(g) for a, g in zip(factors, generators, strict=True)))
                parts.append(f.equal(f.stated(x**power), right, f"a power of {x}"))
                break
        else:
            return ()
    return tuple(parts)


def _by_roots(generators: Sequence[sp.Poly], symbols: Sequence[sp.Symbol]) -> bool:
    x, y = symbols
    for sign in (1, -1):
        if all(g(sign, 0) == 0 for g in generators):
            return False
        common = sp.Poly(0, x, domain=sp.QQ)
        for g in generators:
            common = sp.gcd(common, sp.Poly(g.as_expr().xreplace({y: sp.Integer(sign)}), x, domain=sp.QQ))
        if common.is_zero or (not common.is_ground and common.count_roots() > 0):
            return False
    return True
