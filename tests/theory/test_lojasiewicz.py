"""Exponents against explicit curves: no curve may exceed a bound, and one must attain what is called exact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import product

import pytest
import sympy as sp
from hypothesis import assume, given
from hypothesis import strategies as st

from proofs_check.exact import verdict
from theory.lojasiewicz import (
    Exponent,
    Germ,
    NotAGerm,
    by_critical_manifold,
    by_degree,
    by_directions,
    by_factors,
    by_polygon,
    by_splitting,
    by_sum,
    by_weights,
    exponent,
    germ,
)
from theory.lojasiewicz.theorems import THEOREMS
from theory.statements import Equal
from theory.symbols import Variable

VARIABLES = {name: Variable(name, (), "parameter") for name in "xyz"}
x, y, z = (variable[()] for variable in VARIABLES.values())
t = sp.Symbol("t")
Q = sp.Rational

Theorem = Callable[[Germ], Exponent]
Curve = dict[sp.Symbol, sp.Expr]
directions, sums, factors = (partial(reduction, known=exponent) for reduction in (by_directions, by_sum, by_factors))


def near(value: sp.Expr, at: tuple[int | sp.Rational, ...] | None = None) -> Germ:
    return germ(value, [v for v in VARIABLES.values() if v[()] in value.free_symbols], at)


def order(value: sp.Expr) -> int | None:
    """The order in t of a polynomial in t; None of 0."""
    polynomial = sp.Poly(value, t)
    return None if polynomial.is_zero else min(power for (power,) in polynomial.monoms())


def ratio(f: sp.Expr, curve: dict[sp.Symbol, sp.Expr]) -> Fraction | None:
    """ord(grad f)/ord(f - f(a)) along a curve that begins at a; None where f is constant on it. Written with nothing of what is tested."""
    names = sorted(f.free_symbols, key=str)
    begin = f.subs([(name, value.subs(t, 0)) for name, value in curve.items()])
    falls = order(sp.expand(f.subs(curve, simultaneous=True) - begin))
    slopes = [order(sp.expand(sp.diff(f, name).subs(curve, simultaneous=True))) for name in names]
    known = [slope for slope in slopes if slope is not None]
    return None if falls is None or not known else Fraction(min(known), falls)


# f, the point, the exponent, a theorem that gives it, and a curve by hand on which it is attained
EXACT: list[tuple[sp.Expr, tuple[int, ...] | None, sp.Rational, Theorem, Curve]] = [
    (x**4, None, Q(3, 4), by_splitting, {x: t}),
    ((x - 1) ** 3 * (x + 2), (1,), Q(2, 3), by_splitting, {x: 1 + t}),
    (x**2 + y**4, None, Q(3, 4), by_splitting, {x: 0 * t, y: t}),
    (x**2 + y**4, None, Q(3, 4), by_weights, {x: 0 * t, y: t}),
    (x**2 + y**4, None, Q(3, 4), by_polygon, {x: 0 * t, y: t}),
    ((x - y**2) ** 2 + y**6, None, Q(5, 6), by_splitting, {x: t**2, y: t}),
    (x**2 - y**3 + z**2 + x * y * z, None, Q(2, 3), by_splitting, {x: 0 * t, y: t, z: 0 * t}),
    (x * y, None, Q(1, 2), by_splitting, {x: t, y: t}),
    ((x * y - 1) ** 2, (1, 1), Q(1, 2), by_critical_manifold, {x: 1 + t, y: 1 + t}),
    ((x - y**2) ** 2, None, Q(1, 2), by_critical_manifold, {x: t, y: t}),
    ((x * y - 1) ** 2 + (x * z) ** 2, (1, 1, 0), Q(1, 2), by_critical_manifold, {x: 1 + t, y: 1 + t, z: t}),
    (x**2 * y**2, None, Q(3, 4), by_polygon, {x: t, y: t}),
    (x**3 * y**2, None, Q(4, 5), by_polygon, {x: t, y: t}),
    (x**4 + y**4 + z**6, None, Q(5, 6), by_weights, {x: 0 * t, y: 0 * t, z: t}),
    (x**3 + y**3 + z**3, None, Q(2, 3), by_weights, {x: t, y: t, z: t}),
    (x**2 * z + y**2 * z + z**3, None, Q(2, 3), by_weights, {x: t, y: t, z: t}),
    (x**3 + x * y**3, None, Q(7, 9), by_weights, {x: 3 * t**3, y: -3 * t**2}),
    (x**3 + x * y**3, None, Q(7, 9), by_polygon, {x: 3 * t**3, y: -3 * t**2}),
    (x**3 + x * y**4, None, Q(2, 3), by_weights, {x: t, y: 0 * t}),  # over the complex numbers it is 5/6
    (x**3 + x * y**4, None, Q(2, 3), by_polygon, {x: t, y: 0 * t}),
    (x**4 + x**2 * y**4 + y**8, None, Q(7, 8), by_weights, {x: 0 * t, y: t}),
    (x**5 + x**2 * y**2 + y**5, None, Q(4, 5), by_polygon, {x: 0 * t, y: t}),
    (x**4 - x**3 * y**2 + y**8, None, Q(7, 8), by_polygon, {x: 0 * t, y: t}),
    (x**4 + 3 * x**2 * y**2 + y**6, None, Q(5, 6), by_polygon, {x: 0 * t, y: t}),
    (x**3 + x * y**4 + y**7, None, Q(2, 3), by_polygon, {x: t, y: 0 * t}),  # the edge from (0, 7) to (1, 4) is exceptional
    (x**3 - 3 * x * y**4, None, Q(5, 6), by_polygon, {x: t**2, y: t}),
    (x**4 + y**6 + 5 * x**2 * y**3, None, Q(5, 6), by_polygon, {x: 0 * t, y: t}),
    ((x + y + z) ** 4, None, Q(3, 4), directions, {x: t, y: t, z: t}),
    ((x + 2 * y - 3) ** 4, (1, 1), Q(3, 4), directions, {x: 1 + t, y: 1 + 0 * t}),
    (x**2 * y**2 + z**6, None, Q(5, 6), sums, {x: 0 * t, y: 0 * t, z: t}),
    (x**2 * y**2 + z**3, None, Q(3, 4), sums, {x: t, y: t, z: 0 * t}),
    (x**4 + (y * z - 1) ** 2, (0, 1, 1), Q(3, 4), sums, {x: t, y: 1 + 0 * t, z: 1 + 0 * t}),
    (x**2 * y**2 * z**2, None, Q(5, 6), factors, {x: t, y: t, z: t}),
    (x**2 * (x**2 + y**2 + z**2 - 1) ** 2, (0, 1, 0), Q(3, 4), factors, {x: t, y: 1 + t, z: 0 * t}),
    ((x * y + z**2) ** 2, None, Q(3, 4), factors, {x: t, y: t, z: t}),
    ((x**2 - y**3) ** 2 * (1 + x), None, Q(5, 6), factors, {x: 0 * t, y: t}),
    (3 * (x**2 + y**2 * z) ** 3, None, Q(8, 9), factors, {x: 0 * t, y: t, z: t}),
]
NAMES = [f"{f}, {getattr(theorem, 'func', theorem).__name__}" for f, _, _, theorem, _ in EXACT]


@pytest.mark.parametrize("case", EXACT, ids=NAMES)
def test_a_curve_attains_what_is_called_exact(case: tuple[sp.Expr, tuple[int, ...] | None, sp.Rational, Theorem, Curve]) -> None:
    value, at, wanted, theorem, curve = case
    found = theorem(near(value, at))
    assert (found.relation, found.value) == ("exact", wanted)
    assert ratio(value, curve) == Fraction(wanted.p, wanted.q)
    assert exponent(near(value, at)).value == wanted


@pytest.mark.parametrize("case", EXACT, ids=NAMES)
def test_the_kernel_accepts_every_identity(case: tuple[sp.Expr, tuple[int, ...] | None, sp.Rational, Theorem, Curve]) -> None:
    value, at, _, theorem, _ = case
    found = theorem(near(value, at))
    assert found.parts
    assert [verdict(part).outcome for part in found.parts] == ["proved"] * len(found.parts)


def test_what_is_certified_has_identities_for_every_condition() -> None:
    assert exponent(near((x * y - 1) ** 2, (1, 1))).certified
    assert not by_splitting(near((x * y - 1) ** 2, (1, 1))).certified  # h = 0 by Bezout's theorem, which gives no identity
    assert not by_degree(near(x**4)).certified


@pytest.mark.parametrize(
    ("theorem", "value", "at"),
    [
        *((theorem, x**2 + x * y**2 + y**4, None) for theorem in (by_splitting, by_weights, by_polygon)),
        (by_critical_manifold, (x * y - 1) ** 2, (1, 1)),
        (directions, (x + 2 * y) ** 4, None),
        (sums, x**4 + y**3, None),
        (factors, (x**2 - y**3) ** 2, None),
    ],
)
def test_a_wrong_identity_is_refuted(theorem: Theorem, value: sp.Expr, at: tuple[int, ...] | None) -> None:
    found = theorem(near(value, at))
    equalities = [part for part in found.parts if isinstance(part.assertion, Equal)]
    assert equalities
    for part in equalities:
        assert isinstance(part.assertion, Equal)
        wrong = replace(part, assertion=replace(part.assertion, right=part.assertion.right + Q(1, 7)))
        assert verdict(wrong).outcome == "refuted"


# ---- no curve exceeds a bound ------------------------------------------------------------------------------------------------------------------


small = st.integers(-3, 3)
powers = st.tuples(st.integers(0, 6), st.integers(0, 6)).filter(lambda p: sum(p) >= 2)
polynomials = st.dictionaries(powers, small.filter(bool), min_size=1, max_size=4).map(
    lambda terms: sum(c * x**i * y**j for (i, j), c in terms.items())
)
branches = st.tuples(st.integers(1, 4), small, small).map(lambda told: told[1] * t ** told[0] + told[2] * t ** (told[0] + 1))


@given(polynomials, st.lists(st.tuples(branches, branches), min_size=4, max_size=8))
def test_no_curve_exceeds_a_bound(value: sp.Expr, curves: list[tuple[sp.Expr, sp.Expr]]) -> None:
    f = germ(value, (VARIABLES["x"], VARIABLES["y"]))
    found = [answer for answer in (*(theorem(f) for theorem in (*THEOREMS, directions, sums, factors)), exponent(f)) if answer.value is not None]
    general = by_degree(f)
    exact = {answer.value for answer in found if answer.relation == "exact"}
    assert len(exact) <= 1
    assert all(answer.value >= value_ for answer in (*found, general) for value_ in exact)
    for along_x, along_y in curves:
        seen = ratio(value, {x: along_x, y: along_y})
        if seen is not None and {along_x, along_y} != {sp.S.Zero}:
            assert all(seen <= Fraction(answer.value.p, answer.value.q) for answer in (*found, general)), (value, along_x, along_y)


@given(polynomials)
def test_a_square_in_a_new_variable_changes_nothing(value: sp.Expr) -> None:
    first = exponent(germ(value, (VARIABLES["x"], VARIABLES["y"])))
    for theorem in THEOREMS:
        second = theorem(germ(value + z**2, tuple(VARIABLES.values())))
        if first.relation == second.relation == "exact":
            assert first.value == second.value
        elif first.relation == "exact" and second.relation == "at most":
            assert first.value <= second.value


@given(st.integers(3, 6), st.tuples(small, small, small, small), st.tuples(small, small))
def test_exponents_do_not_depend_on_coordinates(m: int, matrix: tuple[int, ...], bend: tuple[int, int]) -> None:
    a, b, c, d = matrix
    assume(a * d - b * c != 0)
    first, second = a * x + b * y + bend[0] * x * y, c * x + d * y + bend[1] * x**2
    assert exponent(germ(sp.expand(first**2 - second**m), (VARIABLES["x"], VARIABLES["y"]))).value == 1 - Q(1, m)


def test_weights_and_the_polygon_agree_on_binomials() -> None:
    for m, n in product(range(2, 7), repeat=2):
        wanted = 1 - Q(1, max(m, n))
        for theorem in (by_weights, by_polygon):
            found = theorem(near(x**m - 2 * y**n))
            assert (found.relation, found.value) == ("exact", wanted)


# ---- what is not known -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "theorem", "told"),
    [
        ((x**2 - y**3) ** 2, by_polygon, "degenerate"),
        ((x**2 + y**3) ** 2, by_polygon, "degenerate"),  # where y < 0
        ((x**2 + y**3) ** 2, by_weights, "isolated"),
        ((x - y**2) ** 2 + y**6, by_polygon, "degenerate"),
        ((x - y**2) ** 2 + y**6, by_critical_manifold, "not found to vanish"),
        ((x**2 - y**3) ** 2, by_weights, "isolated"),
        (x**2 * y**2, by_weights, "isolated"),
        (x**3 + y**3 + z**3 - 3 * x * y * z, by_weights, "isolated"),
        (x**2 + y**3 + z**3, by_splitting, "corank 2"),
        (x**4, by_critical_manifold, "Hessian vanishes"),
        (x**3 + y**3 + z**3, by_polygon, "two variables"),
        (x**2 * y**2, directions, "changes in every direction"),
        (x**2 * y**2 + x**3, sums, "share no variable"),
        (x**3 + x * y**3, factors, "no power stands out"),
    ],
)
def test_what_a_theorem_does_not_cover_is_unknown(value: sp.Expr, theorem: Theorem, told: str) -> None:
    found: Exponent = theorem(near(value))
    assert (found.relation, found.value) == ("unknown", None)
    assert told in found.theorem
    assert not found.certified


def test_the_last_resort_is_the_bound_for_the_degree() -> None:
    found = exponent(near((x**2 - y**3) ** 2 + x**4 * y))
    assert (found.relation, found.value) == ("at most", 1 - Q(1, 6 * 15))
    assert "Kurdyka" in found.citation
    assert "degenerate" in found.theorem
    assert by_degree(near(x**5)).value == Q(4, 5)


@pytest.mark.parametrize(
    ("value", "bound"),
    [
        (x**3 + x * y**8 + y**10, Q(9, 10)),
        (x**3 + x * y**10 + y**12, Q(11, 12)),
        (sp.expand((x - y**4) ** 3 / 3 + y**12 + x * y**10), Q(11, 12)),
    ],
)
def test_a_bound_that_is_not_attained_is_not_called_exact(value: sp.Expr, bound: sp.Rational) -> None:
    """The derivative by x is a sum of squares that vanishes on no curve to a higher order than y^8, y^10, y^10: less than the bound needs."""
    for theorem in (by_weights, by_polygon, exponent):
        found = theorem(near(value))
        assert (found.relation, found.value) == ("at most", bound)


@pytest.mark.parametrize(
    ("value", "at", "told"),
    [
        (x**2, (1,), "not critical"),
        (sp.sin(x) + x, None, "not a polynomial"),
        (sp.sqrt(2) * x**2, None, "not a polynomial"),
        (sp.Float("0.1") * x**2, None, "floating-point"),
        (1 / x, None, "not a polynomial"),
        (x**2 + x * y, (0,), "rational numbers are wanted"),
        (x**2, (sp.sqrt(2),), "rational numbers are wanted"),
    ],
)
def test_what_is_no_germ_is_refused(value: sp.Expr, at: tuple[object, ...] | None, told: str) -> None:
    with pytest.raises(NotAGerm, match=told):
        near(value, at)  # type: ignore[arg-type]


def test_other_names_and_constants_are_refused() -> None:
    with pytest.raises(NotAGerm, match="give numbers for other names"):
        germ(x**2 * y, (VARIABLES["x"],))
    with pytest.raises(NotAGerm, match="constant"):
        germ(sp.Integer(3), (VARIABLES["x"],))
    with pytest.raises(NotAGerm, match="different names"):
        germ(x**2, (VARIABLES["x"], VARIABLES["x"]))
    with pytest.raises(NotAGerm, match="entries of a tensor"):
        germ(x**2, (Variable("w", (sp.Integer(2),), "parameter"),))


def test_near_a_point_all_values_are_wanted() -> None:
    w = Variable("w", (), "parameter", "positive")
    with pytest.raises(NotAGerm, match="may not have all values near"):
        germ(w[()] ** 2, (w,))
    assert exponent(germ((w[()] ** 2 - 1) ** 2, (w,), (1,))).value == Q(1, 2)


def test_text_is_not_executed() -> None:
    with pytest.raises(sp.SympifyError):
        germ("x**2", (VARIABLES["x"],))
