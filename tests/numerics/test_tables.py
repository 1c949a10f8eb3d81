"""Quantities with constants of their own: many choices together against one after the other, and against the evaluator, which knows no tables."""

from __future__ import annotations

from importlib import import_module
from itertools import product
from typing import Any

import numpy as np
import pytest
import sympy as sp

from numerics import InvalidProblem, Problem, integrate, observe, problem
from numerics.observe import Quantity, along, monitor
from numerics.tables import tabled
from theory.dynamics import vector_field
from theory.settings import Definition, Setting, Space, family
from theory.symbols import Family, Variable, index, size, total

N = size("N")
i, j, c = index("i"), index("j"), index("c")
t, x = Variable("t", (), "time"), Variable("x", (N,), "parameter", "positive")
z, W, s = Variable("z", (N,)), Variable("W", (N, N)), Variable("s", ())
CHOICES: Any = (
    {"z": [1, "-1/2", 3], "W": [[1, 2, 0], ["1/3", 0, 1], [0, 0, 2]], "s": 2},
    {"z": [0, 5, "2/3"], "W": [[0, 1, 0], [1, 1, 1], ["-7/2", 0, 1]], "s": "1/2"},
    {"z": ["-4", 1, 1], "W": [[2, 0, 0], [0, 3, 0], [1, 1, 1]], "s": -3},
)


def decay() -> Problem:
    """x_i' = -x_i/(i + 1) + t/4."""
    setting = vector_field(Setting((x, t)), Space((x,)), {"x": family(-x[i] / (i + 1) + t[()] / 4, (i, N))})
    return problem(setting, data={}, start={"x": [1, 2, "1/2"]}, times=(0, "1/2", 1, 3))


def of_all(posed: Problem) -> dict[str, tuple[Family, Setting]]:
    """A sum, a vector, a matrix, powers, time, indices with the name that the choice would have, and definitions, two of which depend on it."""
    own = posed.setting.having(z, W, s)
    weighed = Definition("weighed", family(z[i] * sp.log(x[i]), (i, N)))
    norm = Definition("norm", family(sp.sqrt(total(x[i] ** 2, (i, N)))))
    product_ = Definition("product", family(norm[()] * weighed[i], (i, N)))
    defined = own.having(definitions=(norm, weighed, product_))
    return {
        "sum": (family(total(z[i] * sp.log(x[i]), (i, N))), own),
        "vector": (family(total(W[i, j] * x[j], (j, N)) + s[()], (i, N)), own),
        "matrix": (family(W[i, j] * x[i] - z[j] * t[()], (i, N), (j, N)), own),
        "power": (family(x[i] ** s[()], (i, N)), own),
        "nothing": (family(x[i] ** 2, (i, N)), own),
        "constant": (family(s[()] + z[i], (i, N)), own),
        "bound": (family(total(z[c] * x[c], (c, N)) * x[i], (i, N)), own),
        "named": (family(z[c] * x[c], (c, N)), own),
        "defined": (family(total(product_[i], (i, N)) + norm[()]), defined),
    }


@pytest.mark.parametrize("name", of_all(decay()))
def test_choices_in_a_table_are_choices_one_by_one(name: str) -> None:
    posed = decay()
    trajectory = integrate(posed)
    value, setting = of_all(posed)[name]
    found = along(trajectory, Quantity(name, value, setting, CHOICES))
    alone = [along(trajectory, Quantity(name, value, setting, (choice,))) for choice in CHOICES]
    assert found == pytest.approx(np.concatenate(alone, axis=1), rel=1e-14, abs=1e-14)
    places = list(product(range(3), repeat=len(value.indices)))
    for n, choice in enumerate(CHOICES):
        rows = observe(integrate(posed, digits=20), [setting.unfold(value.at(place)) for place in places], extra=choice)
        wanted = np.array([[float(entry) for entry in row] for row in rows])
        assert found[:, n * len(places) : (n + 1) * len(places)] == pytest.approx(wanted, rel=1e-10, abs=1e-10)


def test_what_does_not_depend_on_the_choice_stays_a_definition() -> None:
    posed = decay()
    value, setting = of_all(posed)["defined"]
    found, again, values = tabled(value, setting, CHOICES, posed.sizes)
    assert found.indices == ((c, sp.Integer(3)),)
    names = {symbol.name for symbol in found.value.free_symbols}
    assert "norm" in names
    assert "z" in names
    assert not names & {"product", "weighed"}
    assert again["z"].shape == (3, N)  # type: ignore[union-attr]
    assert np.shape(np.array(values["W"], dtype=object)) == (3, 3, 3)


def test_choices_that_do_not_fit_are_refused() -> None:
    posed = decay()
    setting, trajectory = posed.setting.having(z), integrate(posed)
    value = family(total(z[i] * x[i], (i, N)))
    with pytest.raises(InvalidProblem, match=r"z was given with the shape \(2,\); wanted is \(N\), which is \(3\) here; give each"):
        along(trajectory, Quantity("law", value, setting, ({"z": [1, 2, 3]}, {"z": [1, 2]})))
    with pytest.raises(InvalidProblem, match=r"z was given with the shape \(\); wanted is \(N\)"):
        along(trajectory, Quantity("law", value, setting, ({"z": 1},)))
    with pytest.raises(ValueError, match="law was given choices of z; nothing; wanted is at least one, each with values for the same constants"):
        Quantity("law", value, setting, ({"z": [1, 2, 3]}, {}))
    with pytest.raises(ValueError, match="no choice at all"):
        Quantity("law", value, setting, ())


def test_what_is_watched_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a problem; for another it is made again, with its own constants."""
    scale = Variable("scale", (), "constant", "positive")
    setting = vector_field(Setting((x, scale)), Space((x,)), {"x": family(-scale[()] * x[i], (i, N))})
    first, second = (problem(setting, data={"scale": rate}, start={"x": [1, 2]}, times=(0, 1)) for rate in (1, 2))
    quantity = Quantity("scaled", family(scale[()] * x[i], (i, N)), setting)
    values = [along(integrate(posed), quantity) for posed in (first, second)]
    assert values[1] == pytest.approx(2 * values[0] * np.exp([[0], [-1]]), rel=1e-9)

    def forbidden(*_: Any) -> None:
        raise AssertionError("it was made again")

    monkeypatch.setattr(import_module("numerics.observe"), "quantities", forbidden)
    for posed, before in zip((first, second), values, strict=True):
        assert (along(integrate(posed), quantity) == before).all()


def test_two_runs_are_watched_as_each_alone() -> None:
    """Of one problem, and of two with data and times of their own."""
    scale = Variable("scale", (), "constant", "positive")
    setting = vector_field(Setting((x, scale)), Space((x,)), {"x": family(-scale[()] * x[i], (i, N))})
    posed = problem(setting, data={"scale": 1}, start={"x": [1, 2]}, times=(0, 1, 3))
    other = problem(setting, data={"scale": 2}, start={"x": [1, 2]}, times=(0, 2))
    quantity = Quantity("weighed", family(scale[()] * total(z[i] * x[i], (i, N))), setting.having(z), ({"z": [1, 2]}, {"z": [0, 1]}))
    for runs in ((posed, posed), (posed, other)):
        found = [integrate(each, rtol=tolerance) for each, tolerance in zip(runs, (1e-6, 5e-7), strict=True)]
        trajectory, (watched,) = monitor([quantity], lambda tolerance, found=found: found[tolerance < 1e-6], 1e-6)  # type: ignore[misc]
        first, second = (along(each, quantity) for each in found)
        assert trajectory is found[0]
        assert (watched.values == first).all()
        assert (watched.departures == first - first[0]).all()
        assert (watched.halved == second - second[0]).all()
