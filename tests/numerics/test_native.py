"""Compiled code: velocities against the evaluator, steps against SciPy's, and what happens where nothing can be compiled."""

from __future__ import annotations

import ctypes
import gc
import os
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp
from mpmath import mp
from scipy.integrate import solve_ivp

from numerics import IntegrationFailed, OutOfDomain, Problem, evaluate, integrate, problem, program
from numerics.integrate.float64 import Event, follow
from numerics.kept import kept
from numerics.native import Walk, build, compiled, field
from numerics.native.follow import Compiled, aligned
from theory.dynamics import vector_field
from theory.settings import Setting, Space, family
from theory.symbols import Variable, index, size, total

Lookup = Callable[[str], Setting]
Values = Callable[..., dict[str, Any]]

A = np.array([[1.0, 2, -1, 1], [2, -1, 1, 1]])
DATA: Any = {"L": 3, "eta_r": 1, "eta_u": "1/2", "A": A.astype(int).tolist(), "y": [3, 2]}
START: Any = {"r": 1, "u": ["1/2"] * 4}


def posed_at(setting: Setting, values: dict[str, Any]) -> Problem:
    assert setting.flow is not None
    blocks = [block.name for block in setting.flow.space.parameters]
    start = {name: values[name] for name in blocks}
    if setting.flow.space.spheres:
        start["u"] = [Fraction(1, 2)] * 4
    return problem(setting, data={n: v for n, v in values.items() if n not in blocks}, start=start, times=(0, 1))


def flat(value: Any) -> list[float]:
    return [float(entry) for entry in np.array(value, dtype=object).ravel()]


def called(found: Compiled, times: list[float], states: list[list[float]], own: list[list[float]]) -> Any:
    """The velocities at states, one in each lane; a sentinel stands behind the result."""
    lanes, work = found.lanes, found.memory[1]
    arrays = [
        aligned(lanes),
        aligned(len(states[0]) * lanes),
        aligned((len(states[0]) + 1) * lanes),
        aligned(max(1, len(own[0])) * lanes),
        aligned(work),
    ]
    arrays[0][:] = times
    arrays[1][:] = np.array(states).T.ravel()
    arrays[2][:] = 7
    arrays[3][: len(own[0]) * lanes] = np.array(own).T.ravel()
    t, y, slope, moving, room = (ctypes.c_void_p(array.ctypes.data) for array in arrays)
    found.library.field(t, y, slope, ctypes.c_void_p(ctypes.addressof(found.still)), moving, room)
    assert (arrays[2][-lanes:] == 7).all()
    return arrays[2][:-lanes].reshape(-1, lanes).T


@pytest.mark.parametrize("lanes", [1, 8])
def test_every_lane_has_the_velocity_of_its_point(setting: Setting, lanes: int, some_values: Values, different_sizes: dict[str, int]) -> None:
    """Against the evaluator, which shares no code with the printers; parameters, arrays of constants and time differ from lane to lane."""
    points = [some_values(setting, seed=seed, sizes=different_sizes) for seed in range(lanes)]
    posed = posed_at(setting, points[0])
    needed = program(setting)
    varying = frozenset(v.name for v in needed.inputs if v.shape)
    found = compiled(posed, lanes, varying)
    assert found is not None
    assert {name for name, _ in found.rows} == varying
    times = [n / 4 for n in range(1, lanes + 1)]
    states = [[x for name in posed.layout.names for x in flat(point[name])] for point in points]
    own = [[x for name, _ in found.rows for x in flat(point[name])] for point in points]
    slopes = called(found, times, states, own)
    for n in {0, lanes - 1}:
        still = {name: value for name, value in posed.data.items() if name not in varying}
        values = {**points[n], **still, **({needed.time.name: Fraction(times[n])} if needed.time else {})}
        wanted = [
            float(evaluate(step.family.at([sp.Integer(p) for p in place]), setting, posed.sizes, values, digits=20))
            for step, lengths in zip(needed.velocities, posed.layout.shapes, strict=True)
            for place in np.ndindex(*lengths)
        ]
        assert slopes[n] == pytest.approx(wanted, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    "function",
    [
        sp.log,
        sp.exp,
        sp.sqrt,
        sp.sin,
        sp.tan,
        sp.asin,
        sp.atan,
        sp.cosh,
        sp.asinh,
        sp.atanh,
        sp.Abs,
        sp.sign,
        lambda x: x**7,
        lambda x: x ** sp.Rational(-2, 3),
    ],
)
def test_functions_are_taken_lane_by_lane(function: Any) -> None:
    N, i = size("N"), index("i")
    h, c = Variable("h", (N,), "parameter", "positive"), Variable("c", (), "constant", "positive")
    setting = vector_field(Setting((h, c)), Space((h,)), {"h": family(function(h[i]) + function(c[()] / 3), (i, N))})
    posed = problem(setting, data={"c": "1/2"}, start={"h": ["1/2"] * 3}, times=(0, 1))
    found = compiled(posed, 8)
    assert found is not None
    states = np.linspace(0.1, 0.9, 24).reshape(8, 3)
    slopes = called(found, [0.0] * 8, states.tolist(), [[]] * 8)
    with mp.workdps(20):
        wanted = [[float(function(sp.Float(x, 20)) + function(sp.Rational(1, 6))) for x in row] for row in states]
    assert slopes == pytest.approx(np.array(wanted), rel=1e-14, abs=1e-14)


def by_hand(_: float, state: Any) -> Any:
    r, u = state[0], state[1:]
    G = A.T @ (A @ (r * u) ** 3 - [3, 2])
    return np.concatenate([[-3 * r**2 * (G @ u**3)], -1.5 * r**3 * (G * u**2 - u * (G @ u**3))])


@pytest.mark.parametrize("tolerance", [1e-3, 1e-6])
def test_the_steps_are_those_of_scipy(tolerance: float, settings_by_name: Lookup) -> None:
    """As many of them, and with the same error, at tolerances whose error is many times the rounding: the same tableau and the same control."""
    posed = problem(settings_by_name("polar"), data=DATA, start=START, times=(0, 3))
    mine = follow(posed, rtol=tolerance, atol=tolerance / 100)
    theirs, exact = (
        solve_ivp(by_hand, (0, 3), [1, *[0.5] * 4], method="DOP853", rtol=rtol, atol=rtol / 100, dense_output=True) for rtol in (tolerance, 1e-13)
    )
    assert (mine.trajectory.options["engine"], mine.trajectory.options["evaluations"]) == ("C", theirs.nfev)
    assert mine.solution.rows[:, 0] == pytest.approx(theirs.t[:-1], rel=1e-3)
    for moments in (np.array([3.0]), np.linspace(0, 3, 200)):
        error = np.abs(theirs.sol(moments) - exact.sol(moments)).max()
        assert error > tolerance / 100
        assert np.abs(mine.solution(moments) - theirs.sol(moments)).max() < error / 10


def test_in_between_is_the_polynomial(settings_by_name: Lookup) -> None:
    """Against the formula, step by step in NumPy; moments come in any order, ends of steps among them, and many or one."""
    found = follow(problem(settings_by_name("polar"), data=DATA, start=START, times=(0, 1, 3)), rtol=1e-6, atol=1e-8)
    rows = found.solution.rows
    moments = np.concatenate([np.random.default_rng(0).uniform(0, 3, 300), rows[:, 0], rows[::-1, 0], np.linspace(3, 0, 50), np.linspace(0, 3, 500)])
    for moment, state in zip(moments, found.solution(moments).T, strict=True):
        start, length, *rest = rows[rows[:, 0] <= moment][-1]
        y, *c = np.reshape(rest, (8, -1))
        x = (moment - start) / length
        wanted = y + x * (c[0] + (1 - x) * (c[1] + x * (c[2] + (1 - x) * (c[3] + x * (c[4] + (1 - x) * (c[5] + x * c[6]))))))
        assert state == pytest.approx(wanted, rel=1e-14, abs=1e-15)
        assert (found.solution(moment) == state).all()
    assert np.abs(rows[1:, 2:7] - (rows[:-1, 2:7] + rows[:-1, 7:12])).max() < 1e-15  # where a step ends, the next begins
    assert found.solution(np.array([])).shape == (5, 0)
    with pytest.raises(ValueError, match=r"shape \(2, 1\) were given"):
        found([[1], [2]])


def test_walks_are_taken_again(settings_by_name: Lookup) -> None:
    """What a run finds depends on no run before it or beside it, and stays when others follow."""
    posed, other = (problem(settings_by_name("polar"), data=DATA, start=START, times=(0, 1, 3)) for _ in range(2))
    first = follow(posed, rtol=1e-8)
    before = first.solution.rows.copy(), np.array(first.trajectory["u"])
    with pytest.raises(IntegrationFailed, match="budget"):
        integrate(posed, max_evaluations=100)
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda n: integrate(posed, rtol=10.0**-n), [4, 8, 6, 10] * 20))
    assert (first.solution.rows == before[0]).all()
    assert (np.array(first.trajectory["u"]) == before[1]).all()
    for run in runs:
        alone = integrate(replace(other), rtol=float(run.options["rtol"]))
        assert (np.array(run["u"]) == np.array(alone["u"])).all()
        assert run.options == alone.options


def test_events_are_watched_again(settings_by_name: Lookup) -> None:
    """What is crossed depends on no run before it or beside it, whether that ended early, failed, or crossed more."""
    posed = problem(settings_by_name("polar"), data=DATA, start=START, times=(0, 1, 3))
    loss, r = sp.Symbol("F"), settings_by_name("polar")["r"][()]
    many = [Event(loss - sp.Rational(1, n)) for n in range(1, 40)]
    sets = [many, [Event(loss - 1, "down", ends=True)], [Event(r - sp.Rational(3, 2), "up")], [Event(sp.log(loss - 2))]]

    def run(n: int) -> list[float]:
        try:
            return [crossing.time for crossing in follow(posed, rtol=1e-8, events=sets[n]).crossings]
        except OutOfDomain:
            return [-1.0]

    alone = [run(n) for n in range(4)]
    assert [len(found) for found in alone] == [39, 1, 1, 1]
    assert alone[1][0] == pytest.approx(alone[0][0], rel=1e-14)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, [0, 1, 2, 3] * 30)) == alone * 30


def test_a_problem_that_is_gone_leaves_nothing(settings_by_name: Lookup) -> None:
    posed = problem(settings_by_name("polar"), data=DATA, start=START, times=(0, 1))
    followed = follow(posed, events=[Event(sp.Symbol("r") - 2)])
    (walk,) = velocity.at_rest if (velocity := compiled(posed, 1)) else ()
    assert walk.found.size == 0
    gone = weakref.ref(walk), weakref.ref(posed)
    del posed, followed, velocity, walk
    gc.collect()
    assert [each() for each in gone] == [None, None]


def test_of_what_is_made_for_a_problem_the_latest_is_kept(settings_by_name: Lookup) -> None:
    posed, made = problem(settings_by_name("polar"), data=DATA, start=START, times=(0, 1)), []
    for name in [*range(100), *range(90, 100), 0]:
        assert kept(posed, name, lambda name=name: made.append(name) or f"{name}") == f"{name}"
    assert made == [*range(100), 0]


def test_short_rows_go_number_by_number() -> None:
    x, W = Variable("x", (size("N"),), "parameter"), Variable("W", (size("N"), size("N")), "parameter")
    i, j, k, N = index("i"), index("j"), index("k"), size("N")
    vector = program(vector_field(Setting((x, W)), Space((x,)), {"x": family(total(W[i, j] * x[j], (j, N)), (i, N))}))
    matrix = program(vector_field(Setting((W,)), Space((W,)), {"W": family(total(W[i, k] * W[k, j], (k, N)), (i, N), (j, N))}))
    assert field.flags(vector, [7], 1)
    assert not field.flags(vector, [7], 8)
    assert not field.flags(vector, [8], 1)
    assert not field.flags(matrix, [7], 1)


def test_a_trajectory_is_known_from_its_first_moment_to_its_last(settings_by_name: Lookup) -> None:
    found = follow(problem(settings_by_name("polar"), data=DATA, start=START, times=(0, 1, 3)))
    assert found(0)["r"] == 1
    for n in (1, 2):
        assert found([0, 1, 3])["u"][n] == pytest.approx(found.trajectory["u"][n], rel=1e-14)


def test_the_queue_is_empty_in_the_end(settings_by_name: Lookup) -> None:
    posed = problem(settings_by_name("polar"), data=DATA, start=START, times=(0, 1))
    velocity = compiled(posed, 8)
    assert velocity is not None
    walk = Walk(velocity, np.tile(velocity.start, (19, 1)), np.array([0.0, 1.0]))
    for _ in range(2):  # the second time, nothing is left of the first
        walk.afresh(rtol=1e-8, atol=1e-10, max_steps=1000)
        rounds = 1
        assert walk.on(1)
        assert np.isnan(walk.found[:, 1]).all()
        while walk.on(1):
            rounds += 1
        assert (walk.found == walk.found[0]).all()
        assert rounds + 1 == 3 * walk.steps[0]
        assert not walk.on(5)


# ---- Compilers -------------------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def forgetful() -> Iterator[None]:
    """What is known of the machine is found out anew, before and after."""
    known = (build.compiler, build.library, build._cache)
    for each in known:
        each.cache_clear()
    yield
    for each in known:
        each.cache_clear()


@pytest.mark.usefixtures("forgetful")
def test_without_a_compiler_it_is_numpy(monkeypatch: pytest.MonkeyPatch, settings_by_name: Lookup) -> None:
    posed, again = (problem(settings_by_name("polar"), data=DATA, start=START, times=(0, "1/2", 1)) for _ in range(2))
    with_one = integrate(posed)
    monkeypatch.setenv("CC", "there-is-no-such-compiler")
    build.compiler.cache_clear()
    build.library.cache_clear()
    monkeypatch.setattr("numerics.native.follow.stepper", lambda lanes, flags: build.library("", lanes, flags))
    assert build.compiler() is None
    without = integrate(again)
    assert (with_one.options["engine"], without.options["engine"]) == ("C", "NumPy")
    assert without["u"][1:] == pytest.approx(np.array(with_one["u"][1:]), rel=1e-10)


@pytest.mark.usefixtures("forgetful")
def test_what_is_compiled_is_kept_where_nobody_else_may_write(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    source = "EXPORT double twice(double x) { return 2.0 * x; }\n"
    found = build.library(source, 1)
    found.twice.restype, found.twice.argtypes = ctypes.c_double, [ctypes.c_double]
    assert found.twice(1.5) == 3
    folder = tmp_path / "own" / "polarflow"
    assert folder.stat().st_mode & 0o077 == 0
    first = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert len(first) == 2  # the trial and this one
    build.library.cache_clear()
    build.library(source, 1)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == first
    build._cache.cache_clear()
    os.chmod(folder, 0o777)
    assert build._cache() != folder


def test_source_that_is_refused_is_an_error_of_ours() -> None:
    with pytest.raises(RuntimeError, match="an error of polarflow"):
        build.library("this is no C", 1)


def test_names_of_the_source_are_left_to_it() -> None:
    q = Variable("i__tile", (), "parameter")
    posed = problem(vector_field(Setting((q,)), Space((q,)), {"i__tile": family(-q[()])}), data={}, start={"i__tile": 1}, times=(0, 1))
    found = integrate(posed)
    assert found.options["engine"] == "NumPy"
    assert found["i__tile"][1] == pytest.approx(np.exp(-1), rel=1e-10)
