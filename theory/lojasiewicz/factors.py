"""Powers and products: the exponent of $u\\,g^k$ from that of $g$, and of products of functions with independent gradients.

Let $f - f(a) = u\\,g^k$ with $u(a) \\ne 0$, $g(a) = 0$ and $\\nabla g(a) = 0$, and let $g$ have the exponent $\\theta_g < 1$. Then
$\\nabla f = g^{k-1}(k u \\nabla g + g \\nabla u)$. Near $a$, $|g| \\le C |g|^{1 - \\theta_g} |\\nabla g|$ is small against $|\\nabla g|$, so that
$|\\nabla f|$ and $|g|^{k-1} |\\nabla g|$ bound each other, and so do $|f - f(a)|$ and $|g|^k$. Hence
$$1 - \\theta = \\frac{1 - \\theta_g}k .$$

Let $f - f(a) = u\\,g_1^{k_1} \\cdots g_m^{k_m}$ with $u(a) \\ne 0$ and $g_i(a) = 0$, the gradients of the $g_i$ independent at $a$. With the $g_i$ as
coordinates, and $u = 1$ by what was said of units, $|\\nabla f| \\ge c\\,|f - f(a)|/\\min |g_i|$, and $(\\min |g_i|)^K \\le |f - f(a)|/|u|$ with
$K = \\sum k_i$: so $\\theta \\le 1 - 1/K$, and this is attained where all $g_i$ are equal.
"""

from __future__ import annotations

from collections.abc import Callable
from math import gcd

import sympy as sp

from .answer import Condition, Exponent, unknown
from .germs import Germ


def by_factors(f: Germ, known: Callable[[Germ], Exponent]) -> Exponent:
    """Let $f - f(a)$ be a power times a unit, or a product of functions with independent gradients: the exponent, as far as that of $g$ is `known`.

    >>> from ..symbols import Variable
    >>> from .germs import germ
    >>> from .theorems import exponent
    >>> x, y = Variable("x", (), "parameter"), Variable("y", (), "parameter")
    >>> by_factors(germ((x[()] ** 2 - y[()] ** 3) ** 2, (x, y)), exponent).value
    5/6
    """
    leading, factors = f.polynomial.factor_list()
    through = [(g, k) for g, k in factors if g(*f.origin) == 0]
    unit = sp.Mul(leading, *(f.stated(g) ** k for g, k in factors if g(*f.origin) != 0))
    slopes = sp.Matrix([[g.diff(x)(*f.origin) for x in f.symbols] for g, _ in through])
    power = gcd(*(k for _, k in through))
    crossing = slopes.rank() == len(through)
    if not crossing and power == 1 and len(through) == len(factors):
        return unknown("f is irreducible over the rational numbers, or a product in which no power stands out")
    constant = f.value.xreplace(dict(zip(f.symbols, f.point, strict=True)))
    if crossing:
        written = sp.Mul(*(f.stated(g) ** k for g, k in through))
        text = f"f is {written} times a unit, and the gradients of these factors are independent at the point"
        condition = Condition(text, (f.equal(f.value, constant + unit * written, "the factors"),))
        return Exponent(1 - sp.Rational(1, sum(k for _, k in through)), "exact", "a product of coordinates", (condition,))
    root = sp.Mul(*(f.stated(g) ** (k // power) for g, k in through))
    found = known(Germ(f.variables, root, f.point))
    if found.value is None:
        return found
    condition = Condition(f"f is a unit times {root} to the power {power}", (f.equal(f.value, constant + unit * root**power, "the power"),))
    theorem = f"the power {power} of {root}, for which: {found.theorem}"
    return Exponent(1 - (1 - found.value) / power, found.relation, theorem, (condition, *found.conditions), found.citation)
