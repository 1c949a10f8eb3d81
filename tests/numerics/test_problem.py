"""Problems are exact, and bad input is refused with one clear sentence."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as st

from numerics import InvalidProblem, point_on_sphere, problem
from numerics.exact import at, exact
from theory.settings import Setting

Lookup = Callable[[str], Setting]


def stated(**changes: Any) -> dict[str, Any]:
    """I1, with changes such as u=... or A=...; None leaves the name out."""
    data: dict[str, Any] = {"L": 2, "eta_r": 1, "eta_u": "1/2", "A": [[1, 2, -1, 1], [2, -1, 1, 1]], "y": ["3", "0.2"]}
    start: dict[str, Any] = {"r": 1, "u": ["1/2", "0.5", Fraction(1, 2), "1/2"]}
    known: dict[str, Any] = {"data": data, "start": start, "times": (0, "1/4", 1)}
    for name, value in changes.items():
        place = known if name in ("times", "sizes") else start if name in start else data
        place[name] = value
    known["data"] = {name: value for name, value in data.items() if value is not None}
    known["start"] = {name: value for name, value in start.items() if value is not None}
    return known


def test_everything_becomes_an_exact_rational(settings_by_name: Lookup) -> None:
    posed = problem(settings_by_name("polar"), **stated(L=sp.Integer(2), A=np.array([[1, 2, -1, 1], [2, -1, 1, 1]])))
    assert posed.sizes == {"N": 4, "M": 2}
    assert posed.data["y"] == (Fraction(3), Fraction(1, 5))
    assert at(posed.data["A"], (1, 0)) == 2
    assert posed.start["u"] == (Fraction(1, 2),) * 4
    assert posed.times == (Fraction(0), Fraction(1, 4), Fraction(1))


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a float": ({"eta_u": 0.5}, r"eta_u is the float 0\.5.*write 1/2 as '1/2', or the decimal string '0\.5'"),
    "a float inside": ({"A": [[1, 2, -1, 1], [2, -1, 0.1, 1]]}, r"A\[1\]\[2\] is the float 0\.1"),
    "a NumPy float": ({"y": np.array([3.0, 2.0])}, r"y\[0\] is the float 3\.0"),
    "NaN": ({"r": float("nan")}, "r is nan; a finite rational number"),
    "infinity": ({"y": [3, float("inf")]}, r"y\[1\] is inf"),
    "a word": ({"r": "one"}, "r is 'one', which is not a rational number"),
    "the word nan": ({"r": "nan"}, "r is 'nan', which is not a rational number"),
    "a division by zero": ({"r": "1/0"}, "r is '1/0'"),
    "a truth value": ({"r": True}, "r is the truth value True"),
    "nothing": ({"y": [None, 1]}, "of type NoneType"),
    "a vector for a matrix": ({"A": [1, 2, -1, 1]}, r"A was given with the shape \(4,\), and M x N table of numbers is wanted"),
    "rows of different lengths": ({"A": [[1, 2, -1, 1], [2, -1, 1]]}, r"A has rows of different shapes, \(3,\) and \(4,\)"),
    "sizes that disagree": ({"A": [[1, 2, -1], [2, -1, 1]]}, r"u has the shape \(4,\) and makes N = 4, but A made N = 3"),
    "no rows": ({"A": [], "y": []}, r"A was given with the shape \(0,\)"),
    "empty rows": ({"A": [[], []]}, r"A was given with the shape \(2, 0\)"),
    "a missing constant": ({"y": None}, "data has no y; wanted are L, eta_r, eta_u, A, y"),
    "a missing start": ({"u": None}, "start has no u; wanted are r, u"),
    "an unknown name": ({"B": 3}, "data has an unknown B"),
    "a radius of zero": ({"r": 0}, "r = 0 was given, and r is declared positive"),
    "a rate below zero": ({"eta_r": -1}, "eta_r = -1 was given, and eta_r is declared positive"),
    "an entry of the wrong sign": ({"u": ["1/2", "-1/2", "1/2", "1/2"]}, r"u\[1\] = -1/2 was given, and u is declared positive"),
    "a start off the sphere": ({"u": ["1/2", "1/2", "1/2", "1/3"]}, r"u starts off its sphere: the sum of squares is 31/36, and exactly 1"),
    "times from one": ({"times": (1, 2)}, r"the times \(1, 2\) were given"),
    "times that stand still": ({"times": (0, 1, 1)}, "increasing strictly"),
    "one time": ({"times": (0,)}, "at least two"),
    "a time as a float": ({"times": (0, 0.25)}, r"times\[1\] is the float 0\.25"),
    "an unknown size": ({"sizes": {"K": 3}}, "sizes has an unknown K; the sizes are N, M"),
    "a size below one": ({"sizes": {"N": 0}}, "the size N = 0 was given"),
    "a size against the data": ({"sizes": {"N": 5}}, "makes N = 4, but sizes made N = 5"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_in_one_sentence(case: str, settings_by_name: Lookup) -> None:
    changes, said = BAD[case]
    with pytest.raises(InvalidProblem, match=said) as refusal:
        problem(settings_by_name("polar"), **stated(**changes))
    assert "\n" not in str(refusal.value)


def test_a_flow_of_an_unknown_loss_cannot_be_posed() -> None:
    from theory.dynamics import gradient_flow
    from theory.losses import any_loss
    from theory.models import power
    from theory.symbols import Variable, size

    w = Variable("w", (size("N"),), "parameter", "positive")
    setting = gradient_flow(power(w, sp.Integer(2)), any_loss((size("N"),)), {"w": sp.S.One})
    with pytest.raises(InvalidProblem, match="G is an unknown function of time"):
        problem(setting, data={"G": [1]}, start={"w": [1]}, times=(0, 1))


@run(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(st.fractions(-1000, 1000, max_denominator=1000), min_size=1, max_size=8).filter(any), st.integers(10, 60))
def test_points_on_the_sphere_are_exact_and_near(direction: list[Fraction], bits: int) -> None:
    point = point_on_sphere(direction, bits=bits)
    assert sum(entry**2 for entry in point) == 1
    square = sum(entry**2 for entry in direction)
    along = sum(a * b for a, b in zip(point, direction, strict=True))
    assert along > 0
    # |point - d/|d||^2 = 2 - 2 along/|d| is at most N 4^(1 - bits), which is compared without a root.
    assert along**2 >= square * (1 - len(point) * Fraction(4) ** (1 - bits))
    assert all(entry * wanted >= 0 for entry, wanted in zip(point, direction, strict=True))


def test_the_zero_direction_is_refused() -> None:
    with pytest.raises(InvalidProblem, match="direction 0"):
        point_on_sphere([0, 0])


@run(deadline=None, derandomize=True)
@given(st.fractions())
def test_a_rational_survives_being_written(value: Fraction) -> None:
    assert exact(str(value)) == value == at(exact([value]), (0,))
