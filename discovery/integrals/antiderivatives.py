"""Antiderivatives that are read off: those of partial fractions with quadratic denominators, and of reciprocals of roots of quadratic polynomials.

Nothing general is tried, so that nothing takes long; what is not read off here remains an integral.
"""

from __future__ import annotations

from itertools import product

import sympy as sp

HIGHEST_DEGREE = 8
MOST_REGIONS = 4


def antiderivatives(f: sp.Expr, x: sp.Symbol) -> list[sp.Expr]:
    """Functions F(x) with F' = f; several where the formula depends on the sign of a constant, each real in a region of its own.

    Empty where f is not of a form that is known here.
    """
    f = sp.powsimp(f)
    root = _reciprocal_root(f, x)
    if root is not None:
        return [root]
    monomial = _monomial(f, x)
    if monomial is not None:
        return [monomial]
    if not f.is_rational_function(x) or not _small(f, x):
        return []
    regions = [_simple_fraction(term, x) for term in sp.Add.make_args(sp.apart(sp.together(f), x))]
    found = list(product(*regions))
    return [sp.Add(*terms) for terms in found] if 0 < len(found) <= MOST_REGIONS else []


def _small(f: sp.Expr, x: sp.Symbol) -> bool:
    above, below = sp.fraction(sp.together(f))
    return all(part.is_polynomial(x) and sp.degree(part, x) <= HIGHEST_DEGREE for part in (above, below))


def _monomial(f: sp.Expr, x: sp.Symbol) -> sp.Expr | None:
    """q x^k."""
    q, rest = f.as_independent(x, as_Add=False)
    base, k = rest.as_base_exp()
    if rest == 1:
        return q * x
    if base != x or not k.is_Rational:
        return None
    return q * sp.log(x) if k == -1 else q * x ** (k + 1) / (k + 1)


def _reciprocal_root(f: sp.Expr, x: sp.Symbol) -> sp.Expr | None:
    """k / sqrt(a x^2 + b x + c), with a number a: a logarithm for a > 0, an arctangent for a < 0, the root itself for a = 0."""
    k, rest = f.as_independent(x, as_Add=False)
    if not (isinstance(rest, sp.Pow) and rest.exp == sp.Rational(-1, 2) and rest.base.is_polynomial(x) and sp.degree(rest.base, x) <= 2):
        return None
    q = sp.Poly(rest.base, x)
    a, b = q.coeff_monomial(x**2), q.coeff_monomial(x)
    c, y = q.coeff_monomial(1), sp.sqrt(rest.base)
    if a == 0:
        return 2 * k * y / b
    if not a.is_Rational:
        return None
    centred = x + b / (2 * a)
    if a > 0 and b == 0 and c.is_Rational and c > 0:
        return k * sp.asinh(sp.sqrt(a / c) * x) / sp.sqrt(a)
    return k * sp.log(sp.sqrt(a) * centred + y) / sp.sqrt(a) if a > 0 else k * sp.atan(sp.sqrt(-a) * centred / y) / sp.sqrt(-a)


def _simple_fraction(term: sp.Expr, x: sp.Symbol) -> list[sp.Expr]:
    """A monomial, a power of a linear form, or (p x + q)/(a x^2 + b x + c)."""
    monomial = _monomial(term, x)
    if monomial is not None:
        return [monomial]
    above, below = sp.fraction(sp.factor(term))
    k, rest = below.as_independent(x, as_Add=False)
    base, n = rest.as_base_exp()
    if sp.degree(base, x) == 1 and not above.has(x):
        slope = sp.diff(base, x)
        return [above / k * (sp.log(base) if n == 1 else base ** (1 - n) / (1 - n)) / slope]
    if sp.degree(base, x) != 2 or n != 1 or sp.degree(above, x) > 1:
        return []
    quadratic, line = sp.Poly(base, x), sp.Poly(above, x)
    a, b, c = (quadratic.coeff_monomial(x**m) for m in (2, 1, 0))
    p, q = line.coeff_monomial(x), line.coeff_monomial(1)
    part = p * sp.log(base) / (2 * a)
    rest = q - p * b / (2 * a)
    if rest == 0:
        return [part / k]
    discriminant, w = sp.factor(4 * a * c - b**2), 2 * a * x + b
    ways = []
    if not discriminant.is_negative:
        s = sp.sqrt(discriminant)
        ways.append(2 * sp.atan(w / s) / s)
    if not discriminant.is_positive:
        s, scale = sp.sqrt(-discriminant), sp.sqrt(4 * abs(a)) if a.is_Rational else sp.S.One
        known = sp.log(base if a.is_Rational else 4 * a * base)
        ways.append((known - 2 * sp.log(sp.expand((w + s) / scale))) / s)  # log((w - s)/(w + s)), since (w - s)(w + s) = 4 a base
    return [(part + rest * way) / k for way in ways]
