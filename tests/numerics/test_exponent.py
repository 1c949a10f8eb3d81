"""Exponents estimated from trajectories, against those that are known: the truth is within the error bar, and 1/2 and 3/4 are told apart."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
import sympy as sp

from numerics import Trajectory, integrate, problem
from numerics.exponent import Estimate, NotSettled, estimate_exponent, geometric_times
from theory.charts import polar, rederive
from theory.lojasiewicz import exponent, germ
from theory.losses import square
from theory.models import power
from theory.settings import Flow, Setting, Space
from theory.symbols import Family, Variable, size

HALF, THREE_QUARTERS = Fraction(1, 2), Fraction(3, 4)
X, Y = (Variable(name, (), "parameter") for name in "xy")
x, y = X[()], Y[()]
DIGITS = 30


def follow(value: sp.Expr, start: dict[str, Any], *, count: int = 45, digits: int = DIGITS) -> Trajectory:
    """The gradient flow of a function of one or two variables."""
    variables = tuple(v for v in (X, Y) if v.name in start)
    rates = {v.name: Family((), sp.S.One) for v in variables}
    setting = Setting(variables, flow=Flow(Space(variables), value, (), rates))
    return integrate(problem(setting, data={}, start=start, times=geometric_times(Fraction(1, 4), Fraction(5, 4), count)), digits=digits)


# f, the start, the least value, the exponent at the critical point that the flow goes to
KNOWN = [
    (x**2 + x**3 / 3, {"x": 1}, 0, HALF),
    (x**4 + x**5 / 3, {"x": 1}, 0, THREE_QUARTERS),
    (x**2 + y**4, {"x": 1, "y": 1}, 0, THREE_QUARTERS),
    (x**2 / 2 + x**2 * y**2 + y**4 + 2, {"x": Fraction(1, 2), "y": 1}, 2, THREE_QUARTERS),
    (x**2 * y**2, {"x": 1, "y": 1}, 0, THREE_QUARTERS),
    ((x - y**2) ** 2 + y**6, {"x": 1, "y": 1}, 0, Fraction(5, 6)),
    (x**4 + x**2 * y**4 + y**8, {"x": 1, "y": 1}, 0, Fraction(7, 8)),
]


@pytest.mark.parametrize(("value", "start", "least", "wanted"), KNOWN, ids=[str(row[0]) for row in KNOWN])
def test_the_error_bar_contains_the_exponent(value: sp.Expr, start: dict[str, Any], least: int, wanted: Fraction) -> None:
    known = exponent(germ(value, [v for v in (X, Y) if v.name in start]))
    assert (known.relation, known.value) == ("exact", sp.Rational(wanted.numerator, wanted.denominator))
    trajectory = follow(value, start)
    for treated in (Fraction(least), None):
        found = estimate_exponent(trajectory, value=value, least=treated)
        assert found.contains(wanted), str(found)
        assert found.error < 0.05
        assert not found.contains(THREE_QUARTERS if wanted == HALF else HALF)
        assert found.least == ("eliminated" if treated is None else "given")


def test_a_trajectory_may_show_less_than_the_exponent_of_the_function() -> None:
    """On the line y = 0 the quartic direction is not seen: the exponent there is 1/2, that of the function 3/4."""
    value = x**2 + y**4
    assert exponent(germ(value, (X, Y))).value == sp.Rational(3, 4)
    found = estimate_exponent(follow(value, {"x": 1, "y": 0}), value=value)
    assert found.contains(HALF)
    assert not found.contains(THREE_QUARTERS)


def test_a_slow_direction_hides_the_exponent_for_a_while() -> None:
    """The error bar knows of the trajectory only: it is small, and it is wrong about the function."""
    value, start = x**2 / 100 + y**4, {"x": Fraction(7, 5), "y": Fraction(13, 10)}
    early = estimate_exponent(follow(value, start, count=25), value=value)
    assert early.contains(HALF)
    assert not early.contains(THREE_QUARTERS)
    late = estimate_exponent(follow(value, start, count=45), value=value)
    assert late.contains(THREE_QUARTERS)
    assert not late.contains(HALF)


def polar_run(matrix: list[list[int]], target: list[int], u: list[Fraction], *, count: int) -> Estimate:
    N, M = size("N"), size("M")
    w, A, b = Variable("w", (N,), "parameter", "positive"), Variable("A", (M, N)), Variable("y", (M,))
    setting = rederive(power(w, sp.Integer(2)), square(A, b, (N,)), polar(w), {"r": sp.S.One, "u": sp.S.One}, given=(A, b))
    times = geometric_times(Fraction(1, 4), Fraction(5, 4), count)
    return estimate_exponent(integrate(problem(setting, data={"A": matrix, "y": target}, start={"r": 1, "u": u}, times=times), digits=DIGITS))


def test_the_polar_flow_with_and_without_a_positive_solution() -> None:
    """The same model: exponent 1/2 where Ax = y has a positive solution, 3/4 where entries have to vanish."""
    inside = polar_run([[1, 2, -1, 1], [2, -1, 1, 1]], [3, 2], [HALF] * 4, count=14)
    assert inside.contains(HALF)
    assert not inside.contains(THREE_QUARTERS)
    edge = polar_run([[1, 0, 0], [0, 1, 1]], [1, 0], [Fraction(2, 3), Fraction(1, 3), Fraction(2, 3)], count=36)
    assert edge.contains(THREE_QUARTERS)
    assert not edge.contains(HALF)
    assert edge.error < 0.02


def test_too_few_samples_are_not_enough() -> None:
    with pytest.raises(NotSettled, match="5 of 5 samples have 8 digits, and 6 are wanted"):
        estimate_exponent(follow(x**4, {"x": 1}, count=4), value=x**4)


def test_digits_that_are_lost_are_not_used() -> None:
    found = estimate_exponent(follow(x**2, {"x": 1}), value=x**2)
    assert found.samples < 46
    assert found.until < 40  # x = exp(-2 t) has 22 digits left at most


def test_a_least_value_that_is_not_reached_is_seen() -> None:
    value = x**4 + 2
    with pytest.raises(NotSettled, match="does not go to 0"):
        estimate_exponent(follow(value, {"x": 1}), value=value)


def test_times_double() -> None:
    assert geometric_times(Fraction(1, 2), 2, 3) == (0, Fraction(1, 2), 1, 2)
