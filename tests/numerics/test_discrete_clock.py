"""Time-changed flows: the same orbits, at the speed that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
import sympy as sp

from numerics import InvalidProblem, drift, integrate, observe, problem
from numerics.steps import by_log_loss, by_path_length, time_changed
from theory.dynamics import gradient_flow, vector_field
from theory.losses import any_loss, square
from theory.models import hadamard
from theory.settings import Setting, Space, family
from theory.symbols import Variable, index, size, total

Lookup = Callable[[str], Setting]
A: Any = [[1, 2, -1, 1], [2, -1, 1, 1]]
KERNEL = ["-1/5", "3/5", 1, 0]
DATA = {"L": 2, "eta_r": 1, "eta_u": "1/2", "A": A, "y": [3, 2]}
START = {"r": 1, "u": ["1/2"] * 4}

CHANGES: dict[str, Callable[[Setting], Setting]] = {
    "path length": lambda setting: by_path_length(setting, clock="clock"),
    "log-loss": lambda setting: by_log_loss(setting, clock="clock"),
    "r": lambda setting: time_changed(setting, setting["r"][()] ** 2, clock="clock"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_orbit_is_the_same(change: str, settings_by_name: Lookup) -> None:
    """Followed to s = 1/8 and then, by the old flow, to the time the clock shows."""
    setting = settings_by_name("polar")
    changed = integrate(problem(CHANGES[change](setting), data=DATA, start={**START, "clock": 0}, times=(0, "1/8")))
    clock = Fraction(float(changed["clock"][1]))
    plain = integrate(problem(setting, data=DATA, start=START, times=(0, clock)))
    assert changed["r"][1] == pytest.approx(plain["r"][1], rel=1e-11)
    assert changed["u"][1] == pytest.approx(plain["u"][1], rel=1e-11)
    assert abs(plain["r"][1] - 1) > 0.01
    assert abs(clock - Fraction(1, 8)) > Fraction(1, 100)


def test_a_law_stays_a_law(settings_by_name: Lookup) -> None:
    setting = by_path_length(settings_by_name("polar"))
    i, N = index("i"), size("N")
    z = Variable("z", (N,))
    law = total(z[i] * (sp.log(setting["u"][i]) + setting["r"][()] ** 2 / 4), (i, N))
    found = integrate(problem(setting, data=DATA, start=START, times=(0, "1/8")))
    assert drift(found, law, extra={"z": KERNEL}) < 1e-11
    assert drift(found, law, extra={"z": [1, 0, 0, 0]}) > 1e-3


def test_the_path_length_is_one(settings_by_name: Lookup) -> None:
    """Chords over steps of 1/64 have that length, but for the bend of the path."""
    times = tuple(Fraction(n, 64) for n in range(10))
    found = integrate(problem(by_path_length(settings_by_name("polar")), data=DATA, start=START, times=times))
    points = [[state["r"], *state["u"]] for state in found.states]
    chords = [sum((a - b) ** 2 for a, b in zip(one, two, strict=True)) ** 0.5 for one, two in pairwise(points)]
    assert chords == pytest.approx([1 / 64] * 9, rel=5e-3)


def test_in_log_loss_time_the_flow_is_that_of_the_logarithm() -> None:
    """x = u v with rate 1: d log F/ds = -|grad F|^2/F^2, against a difference quotient."""
    N, M, i = size("N"), size("M"), index("i")
    u, v = (Variable(name, (N,), "parameter") for name in ("u", "v"))
    data = Variable("A", (M, N)), Variable("y", (M,))
    setting = by_log_loss(gradient_flow(hadamard(u, v), square(*data, (N,)), {"u": sp.Integer(1), "v": sp.Integer(1)}, given=data))
    start = {"u": [1, 2, 1, 1], "v": ["1/2", 1, 1, 1]}
    found = integrate(problem(setting, data={"A": A, "y": [3, 2]}, start=start, times=(0, "1/20000", "1/10000")))
    squared = total(setting["G"][i] ** 2 * (u[i] ** 2 + v[i] ** 2), (i, N)) / sp.Symbol("F") ** 2
    (before, _), (_, slope), (after, _) = observe(found, [sp.log(sp.Symbol("F")), squared])
    assert float(after - before) * 10_000 == pytest.approx(-float(slope), rel=1e-4)


def test_what_cannot_be_changed_is_refused(settings_by_name: Lookup) -> None:
    q, t = Variable("q", (), "parameter"), Variable("t", (), "time")
    timed = vector_field(Setting((q, t)), Space((q,)), {"q": family(t[()] * q[()])})
    with pytest.raises(InvalidProblem, match="depends on the time t"):
        time_changed(timed, sp.Integer(2))
    with pytest.raises(InvalidProblem, match="has no flow"):
        time_changed(Setting((q,)), sp.Integer(2))
    with pytest.raises(InvalidProblem, match="cannot be called 'r'"):
        by_path_length(settings_by_name("polar"), clock="r")
    u, v = (Variable(name, (size("N"),), "parameter") for name in ("u", "v"))
    unknown = gradient_flow(hadamard(u, v), any_loss((size("N"),)), {"u": sp.Integer(1), "v": sp.Integer(1)})
    with pytest.raises(InvalidProblem, match="no loss F with a value"):
        by_log_loss(unknown)
