"""The recursive evaluator, against values known in closed form."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp

from numerics import InvalidProblem, OutOfDomain, Unsupported, evaluate, integrate, observe, problem
from theory.settings import Definition, Setting, family
from theory.symbols import Variable, index, size, total

N, i, j = size("N"), index("i"), index("j")
u, r, C = Variable("u", (N,), "parameter"), Variable("r", (), "parameter"), Variable("C", (N, N))
SQUARE = Definition("s", family(u[i] ** 2, (i, N)))
BARE = Setting((u, r, C), (SQUARE,))
VALUES = {"u": (Fraction(1, 3), Fraction(-2)), "r": Fraction(1, 2), "C": ((1, 2), (3, 4))}


def value(expression: sp.Expr, digits: int = 50) -> Any:
    return evaluate(expression, BARE, {"N": 2}, VALUES, digits=digits)


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        (sp.Rational(1, 3) * u[1], lambda: -mp.mpf(2) / 3),
        (total(u[i], (i, N)), lambda: -mp.mpf(5) / 3),
        (total(C[i, j] * u[j] * i, (i, N), (j, N)), lambda: -mp.mpf(7)),
        (total(SQUARE[i], (i, N)) * N, lambda: mp.mpf(74) / 9),
        (sp.exp(r[()]) + sp.E, lambda: mp.sqrt(mp.e) + mp.e),
        (sp.asinh(r[()]) ** 3 * sp.pi, lambda: mp.asinh(mp.mpf(1) / 2) ** 3 * mp.pi),
        (sp.Abs(u[1]) ** sp.Rational(1, 3), lambda: mp.cbrt(2)),
        (sp.Integral(sp.cos(sp.Symbol("q")), (sp.Symbol("q"), 0, r[()])), lambda: mp.sin(mp.mpf(1) / 2)),
        (u[1] ** 3, lambda: -mp.mpf(8)),
    ],
)
def test_known_values(expression: sp.Expr, wanted: Callable[[], Any]) -> None:
    with mp.workdps(60):
        assert abs(value(expression) - wanted()) < mp.mpf(10) ** -48


@settings(deadline=None, derandomize=True, max_examples=50)
@given(st.lists(st.fractions(max_denominator=50, min_value=-9, max_value=9), min_size=1, max_size=6))
def test_sums_of_squares_are_exact_to_the_digits_asked(entries: list[Fraction]) -> None:
    wanted = sum(entry**2 for entry in entries)
    found = evaluate(total(SQUARE[i], (i, N)), BARE, {"N": len(entries)}, {"u": tuple(entries)}, digits=30)
    with mp.workdps(50):
        assert abs(found - mp.mpf(wanted.numerator) / wanted.denominator) <= mp.mpf(10) ** -27


@pytest.mark.parametrize("expression", [sp.log(u[1]), u[1] ** sp.Rational(1, 2), 1 / (u[1] + 2), sp.acosh(r[()]), sp.log(u[1] + 2)])
def test_no_real_value_is_an_error(expression: sp.Expr) -> None:
    with pytest.raises(OutOfDomain):
        value(expression)


def test_a_name_without_a_value_is_named() -> None:
    with pytest.raises(InvalidProblem, match="q has no value here"):
        value(sp.Symbol("q"))


def test_a_place_that_is_not_there_is_named() -> None:
    with pytest.raises(InvalidProblem, match=r"u was given with the shape \(2,\), and its entry \[2\] is wanted"):
        value(u[2])


@pytest.mark.parametrize("expression", [sp.Float(0.5), sp.gamma(r[()]), sp.oo * r[()]])
def test_what_is_not_known_is_refused(expression: sp.Expr) -> None:
    with pytest.raises(Unsupported):
        value(expression)


def test_the_precision_outside_is_left_alone() -> None:
    before = mp.prec
    value(sp.sqrt(2), digits=200)
    assert mp.prec == before


def test_extra_values_cannot_replace_the_data(settings_by_name: Callable[[str], Setting]) -> None:
    data = {"L": 2, "eta_r": 1, "eta_u": 1, "A": [[1, 1]], "y": [1]}
    posed = problem(settings_by_name("polar"), data=data, start={"r": 1, "u": ["3/5", "4/5"]}, times=(0, "1/9"))
    with pytest.raises(ValueError, match="extra gives y, which the problem has already"):
        observe(integrate(posed), [sp.Symbol("F")], extra={"y": [2]})
