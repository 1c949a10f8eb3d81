"""Exponents against what is seen on slices: the least |grad f|/|f|^theta where |x| = t >= |y| or |y| = t >= |x|, for two t.

It is found by certified real roots of the polynomial that vanishes where the quotient is stationary.
Nothing is shared with what is tested: no theorem, no curve, no polygon. Every curve to the origin meets one of the slices.
"""

from __future__ import annotations

import math

import pytest
import sympy as sp
from flint import arb, ctx, fmpq, fmpz_poly
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.lojasiewicz import NotAGerm, by_degree, exponent, germ
from theory.lojasiewicz.theorems import REDUCTIONS, THEOREMS
from theory.symbols import Variable

X, Y = (Variable(name, (), "parameter") for name in "xy")
x, y = X[()], Y[()]
Q = sp.Rational
FIRST, SECOND = 30, 60  # t = 2^-30 and t = 2^-60


def order(f: sp.Expr, theta: sp.Rational) -> float:
    """Of the least |grad f|/|f - f(0)|^theta on the slices, as a power of t: above 0 if theta is too small, below 0 if it is larger than needed."""
    above = sp.Poly(f - f.subs({x: 0, y: 0}), x, y)
    found = []
    for v, w in ((x, y), (y, x)):
        for sign in (1, -1):
            first, second = (least(above, theta, v, w, sign, k) for k in (FIRST, SECOND))
            if first is not None and second is not None:
                found.append((first - second) / (SECOND - FIRST))
    return max(found)


def least(f: sp.Poly, theta: sp.Rational, v: sp.Symbol, w: sp.Symbol, sign: int, k: int) -> float | None:
    """The binary logarithm of the least value on the slice w = +-2^-k, |v| <= 2^-k; None if f is zero on it."""
    on = [sp.Poly(g.as_expr().subs(w, sp.Rational(sign, 2**k)), v, domain=sp.QQ) for g in (f, f.diff(x), f.diff(y))]
    value, square = on[0], on[1] ** 2 + on[2] ** 2
    stationary = (2 * theta.p * square * value.diff(v) - theta.q * value * square.diff(v)).clear_denoms()[1]
    found = []
    with ctx.workprec(160 * k):
        whole = fmpz_poly([int(c) for c in stationary.all_coeffs()[::-1]])
        corner = arb(1) / 2**k
        inside = [] if stationary.is_zero else [root.real for root, _ in whole.complex_roots() if root.imag == 0 and abs(root) < corner]
        for place in (*inside, corner, -corner):
            at, slope = (sum((arb(fmpq(int(c.p), int(c.q))) * place**n for (n,), c in g.terms()), arb(0)) for g in (value, square))
            if abs(at) > 0:
                logarithms = slope.log() / 2 - abs(at).log() * theta.p / theta.q
                found.append(float(logarithms.mid()) / math.log(2))
    return min(found, default=None)


# f, the exponent, and why it is here
SEEN: list[tuple[sp.Expr, sp.Rational, str]] = [
    (x**2 + y**4 + 5, Q(3, 4), "f does not vanish at the point"),
    (x**3 + x * y**4, Q(2, 3), "5/6 over the complex numbers"),
    (x**3 - x * y**4, Q(5, 6), "and over the reals with another sign"),
    (x**3 + x * y**3, Q(7, 9), "no power of y alone"),
    (x**2 * y - 2 * x * y**4 + x**9, Q(6, 7), "a polygon that is not convenient at y"),
    (x**5 + x**2 * y**2 + y**7, Q(6, 7), "edges on both sides of the diagonal"),
    (x**2 * y**3 + x**5 * y, Q(11, 13), "no power of its own for either variable"),
    (x**2 - 2 * x * y**2 + y**4 + x * y**5, Q(6, 7), "a degenerate edge"),
    ((x**2 - y**3) ** 2, Q(5, 6), "a double cusp"),
    ((x**2 - y**3) ** 2 * (1 + x - y), Q(5, 6), "with a unit"),
    ((x**2 + y**3) ** 3, Q(8, 9), "and a triple one"),
    ((x + y) ** 3 * (x - 2 * y + x**2) ** 2, Q(4, 5), "lines and curves that cross"),
    ((x + y) ** 5, Q(4, 5), "one direction only"),
    ((x * y + y**3) ** 2, Q(3, 4), "the square of a product"),
    (-(y**3) + x * y**3, Q(2, 3), "one variable times a unit"),
]


@pytest.mark.parametrize(("value", "wanted", "why"), SEEN, ids=[why for *_, why in SEEN])
def test_what_is_exact_is_seen_on_the_slices(value: sp.Expr, wanted: sp.Rational, why: str) -> None:
    found = exponent(germ(value, (X, Y)))
    assert (found.relation, found.value) == ("exact", wanted), why
    assert abs(order(sp.expand(value), wanted)) < 0.01
    assert order(sp.expand(value), wanted - Q(1, 20)) > 0.03  # a smaller one is seen to be too small
    assert order(sp.expand(value), wanted + Q(1, 40)) < -0.01  # and a larger one to be larger than needed


powers = st.tuples(st.integers(0, 5), st.integers(0, 7)).filter(lambda p: sum(p) >= 2)
terms = st.dictionaries(powers, st.integers(-3, 3).filter(bool), min_size=1, max_size=3).map(
    lambda t: sum(c * x**i * y**j for (i, j), c in t.items())
)
roots = st.sampled_from((x - y**2, x**2 - y**3, x + y, x**2 + y**2, x * y + y**3))
polynomials = st.one_of(
    terms, st.tuples(roots, st.integers(1, 2), st.integers(-1, 1), st.integers(3, 7)).map(lambda t: t[0] ** t[1] + t[2] * y ** t[3])
)


@settings(max_examples=25)
@given(polynomials)
def test_no_theorem_says_what_the_slices_contradict(value: sp.Expr) -> None:
    value = sp.expand(value)
    try:
        f = germ(value, (X, Y))
    except NotAGerm:
        return  # the point is not critical
    answers = [*(theorem(f) for theorem in THEOREMS), *(reduction(f, exponent) for reduction in REDUCTIONS), exponent(f), by_degree(f)]
    for theta, relation in {(answer.value, answer.relation) for answer in answers if answer.value is not None}:
        seen = order(value, theta)
        assert seen < 0.01, f"{theta} is too small for {value}"
        assert relation == "at most" or seen > -0.01, f"{theta} is not attained by {value}"
