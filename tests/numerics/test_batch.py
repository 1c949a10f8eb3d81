"""Many points at once: velocities column by column against the evaluator, trajectories one by one against other integrators."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy as sp
from mpmath import mp
from scipy.integrate import solve_ivp

from numerics import InvalidProblem, Unsupported, evaluate, integrate, problem, program
from numerics.batch import dop853, field, integrate_batch, quantities, values_of
from numerics.batch.field import columns
from theory.dynamics import vector_field
from theory.settings import Setting, Space, family
from theory.symbols import Variable, index, size, total


@pytest.fixture(params=["C", "NumPy"], autouse=True)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Everything twice: compiled, and as where there is no compiler."""
    if request.param == "NumPy":
        monkeypatch.setattr("numerics.batch.integrate.compiled", lambda *_: None)
    return str(request.param)


Lookup = Callable[[str], Setting]
Values = Callable[..., dict[str, Any]]

A: Any = [[1, 2, -1, 1], [2, -1, 1, 1]]
DATA = {"L": 2, "eta_r": 1, "eta_u": "1/2", "A": A, "y": [3, 2]}


def posed_at(setting: Setting, values: dict[str, Any]) -> Any:
    assert setting.flow is not None
    blocks = [block.name for block in setting.flow.space.parameters]
    start = {name: values[name] for name in blocks}
    if setting.flow.space.spheres:
        start["u"] = [Fraction(1, 2)] * 4
    return problem(setting, data={n: v for n, v in values.items() if n not in blocks}, start=start, times=(0, "1/128", "1/64"))


def test_every_column_has_the_velocity_of_its_point(setting: Setting, some_values: Values, different_sizes: dict[str, int]) -> None:
    """Against the evaluator, which shares no code with the printers; three points, two of them other than the start."""
    points = [some_values(setting, seed=seed, sizes=different_sizes) for seed in (5, 6, 7)]
    posed = posed_at(setting, points[0])
    names = posed.layout.names
    starts = {name: np.array([np.array(point[name], dtype=float) for point in points]) for name in names}
    times = np.array([0.25, 0.5, 1.0])
    found = field(posed)(times, columns(posed.layout, starts))
    needed = program(setting)
    for n, point in enumerate(points):
        values = {**point, **posed.data, **({needed.time.name: Fraction(times[n])} if needed.time else {})}
        row = 0
        for step, lengths in zip(needed.velocities, posed.layout.shapes, strict=True):
            for place in np.ndindex(*lengths):
                wanted = evaluate(step.family.at([sp.Integer(p) for p in place]), setting, posed.sizes, values, digits=20)
                assert found[row, n] == pytest.approx(float(wanted), rel=1e-12, abs=1e-12)
                row += 1


@pytest.mark.parametrize("name", ["polar", "plain", "transported", "linear net, depth 3", "sensed net"])
def test_exact_velocities_are_exact(name: str, settings_by_name: Lookup, some_values: Values, different_sizes: dict[str, int]) -> None:
    setting = settings_by_name(name)
    posed = posed_at(
        setting, {**some_values(setting, seed=5, sizes=different_sizes)} | ({"L": Fraction(3)} if name in ("polar", "plain", "transported") else {})
    )
    state = np.empty((posed.layout.size, 1), dtype=object)
    state[:, 0] = posed.layout.pack(posed.start)
    found = field(posed, exact=True)(Fraction(0), state)[:, 0]
    assert all(isinstance(value, Fraction) for value in found)
    row = 0
    for step, lengths in zip(program(setting).velocities, posed.layout.shapes, strict=True):
        for place in np.ndindex(*lengths):
            wanted = evaluate(step.family.at([sp.Integer(p) for p in place]), setting, posed.sizes, {**posed.data, **posed.start}, digits=80)
            with mp.workdps(80):
                assert abs(wanted - mp.mpf(found[row].numerator) / found[row].denominator) <= abs(wanted) * mp.mpf(10) ** -75
            row += 1


def starts(count: int) -> dict[str, Any]:
    dice = np.random.default_rng(4)
    u = dice.uniform(0.2, 1, (count, 4))
    return {"r": dice.uniform(0.5, 1.5, count), "u": u / np.linalg.norm(u, axis=1, keepdims=True)}


def test_trajectories_are_those_followed_one_by_one(settings_by_name: Lookup, engine: str) -> None:
    """Each with its own step sizes, and none disturbed by the others: against SciPy on a right side written by hand."""
    posed = problem(settings_by_name("polar"), data=DATA, start={"r": 1, "u": ["1/2"] * 4}, times=(0, "1/2", 3))
    given = starts(40)
    found = integrate_batch(posed, given, rtol=1e-11, atol=1e-13)
    assert found.options["engine"] == engine
    assert found["u"].shape == (40, 3, 4)
    assert found["r"].shape == (40, 3)
    assert found.finished.all()
    assert np.array_equal(found["u"][:, 0], given["u"])
    assert found.steps.min() < found.steps.max()
    for n in range(40):
        wanted = solve_ivp(by_hand, (0, 3), [given["r"][n], *given["u"][n]], method="DOP853", rtol=1e-13, atol=1e-15, t_eval=[0.5, 3]).y
        assert np.allclose(found["u"][n, 1:], wanted[1:].T, rtol=1e-9)
        assert np.allclose(found["r"][n, 1:], wanted[0], rtol=1e-9)


def by_hand(_: float, state: Any) -> Any:
    r, u, matrix = state[0], state[1:], np.array(A)
    G = matrix.T @ (matrix @ (r * u) ** 2 - [3, 2])
    radial = G @ u**2
    return np.concatenate([[-2 * r * radial], -(r**2) * (G * u - u * radial)])


def exactly(value: Any) -> Any:
    return [Fraction(float(entry)) for entry in value] if np.ndim(value) else Fraction(float(value))


def test_a_tighter_tolerance_is_closer(settings_by_name: Lookup) -> None:
    posed = problem(settings_by_name("polar"), data=DATA, start={"r": 1, "u": ["1/2"] * 4}, times=(0, 3))
    reference = integrate_batch(posed, starts(20), rtol=1e-13, atol=1e-15)
    errors = [np.abs(integrate_batch(posed, starts(20), rtol=10.0**-n, atol=10.0 ** (-n - 2))["u"] - reference["u"]).max() for n in (4, 7, 10)]
    assert errors[0] > 30 * errors[1] > 900 * errors[2] > 0


def test_data_may_differ_from_trajectory_to_trajectory(settings_by_name: Lookup) -> None:
    posed = problem(settings_by_name("polar"), data=DATA, start={"r": 1, "u": ["1/2"] * 4}, times=(0, 1))
    targets = np.array([[3.0, 2.0], [1.0, -1.0], [0.5, 4.0]])
    rates = np.array([0.5, 0.5, 2.0])
    together = integrate_batch(posed, {"r": np.ones(3), "u": np.full((3, 4), 0.5)}, data={"y": targets, "eta_u": rates})
    for n in range(3):
        data = {**DATA, "y": exactly(targets[n]), "eta_u": exactly(rates[n])}
        alone = integrate(problem(posed.setting, data=data, start={"r": 1, "u": ["1/2"] * 4}, times=(0, 1)))
        assert np.allclose(together["u"][n, 1], alone["u"][1], rtol=1e-8)


def growing() -> Setting:
    q = Variable("q", (), "parameter")
    return vector_field(Setting((q,)), Space((q,)), {"q": family(q[()] ** 2)})


def test_a_blow_up_stops_its_own_trajectory_alone() -> None:
    """q' = q^2 leaves every bound at t = 1/q(0)."""
    posed = problem(growing(), data={}, start={"q": 1}, times=(0, "1/10", 2))
    found = integrate_batch(posed, {"q": np.array([0.25, 1.0, 4.0, -1.0])})
    assert found.finished.tolist() == [True, False, False, True]
    assert found.reached[1:3] == pytest.approx([1, 0.25], rel=1e-6)
    assert found["q"][:, 1] == pytest.approx([0.25 / 0.975, 1 / 0.9, 4 / 0.6, -1 / 1.1], rel=1e-8)
    assert np.isnan(found["q"][1:3, 2]).all()
    assert found["q"][[0, 3], 2] == pytest.approx([0.5, -1 / 3], rel=1e-8)
    assert "2 of 4 to t = 2" in repr(found)


def test_a_state_that_overflows_is_not_a_state() -> None:
    """q' = q from 1 is infinite in doubles from t = 709.8 on."""
    q = Variable("q", (), "parameter")
    posed = problem(vector_field(Setting((q,)), Space((q,)), {"q": family(q[()])}), data={}, start={"q": 1}, times=(0, 100, 1000))
    found = integrate_batch(posed, {"q": np.array([1.0, 0.0])})
    assert found.finished.tolist() == [False, True]
    assert 700 < found.reached[0] < 710
    assert np.isnan(found["q"][0, 2])
    assert found["q"][0, 1] == pytest.approx(np.exp(100), rel=1e-6)


def test_company_changes_nothing(settings_by_name: Lookup, engine: str) -> None:
    """Lanes are filled again from a queue; whose neighbour a trajectory was cannot be seen in it."""
    posed = problem(settings_by_name("polar"), data=DATA, start={"r": 1, "u": ["1/2"] * 4}, times=(0, 1, 3))
    given = starts(21)
    given["r"] *= np.linspace(0.5, 2, 21)
    y = np.random.default_rng(3).uniform(0.5, 3, (21, 2))
    together = integrate_batch(posed, given, data={"y": y})
    assert together.steps.max() > 1.5 * together.steps.min()
    for n in range(21):
        alone = integrate_batch(posed, {name: value[n : n + 1] for name, value in given.items()}, data={"y": y[n : n + 1]})
        assert np.allclose(alone["u"][0], together["u"][n], rtol=1e-8, atol=0)
        if engine == "C":
            assert np.array_equal(alone["u"][0], together["u"][n])
            assert alone.steps[0] == together.steps[n]


def test_spent_steps_stop_a_trajectory() -> None:
    posed = problem(growing(), data={}, start={"q": "1/4"}, times=(0, 2))
    found = integrate_batch(posed, {"q": np.array([0.25])}, max_steps=2)
    assert not found.finished.any()
    assert 0 < found.reached[0] < 2


def test_the_time_is_each_trajectorys_own() -> None:
    """q' = t q has q = q0 exp(t^2/2), with the time inside the steps."""
    t, q = Variable("t", (), "time"), Variable("q", (), "parameter")
    posed = problem(vector_field(Setting((q, t)), Space((q,)), {"q": family(t[()] * q[()])}), data={}, start={"q": 1}, times=(0, 1, 2))
    found = integrate_batch(posed, {"q": np.array([1.0, -3.0, 0.125])})
    assert found["q"] == pytest.approx(np.array([[1.0], [-3.0], [0.125]]) * np.exp([0, 0.5, 2]), rel=1e-7)


def test_several_blocks_of_the_cache(monkeypatch: pytest.MonkeyPatch, settings_by_name: Lookup) -> None:
    posed = problem(settings_by_name("polar"), data=DATA, start={"r": 1, "u": ["1/2"] * 4}, times=(0, 1))
    whole = integrate_batch(posed, starts(30))
    monkeypatch.setattr("numerics.batch.dop853.CACHE", 40)
    parts = integrate_batch(posed, starts(30))
    assert np.allclose(whole["u"], parts["u"], rtol=1e-12)


def test_quantities_with_values_of_their_own(settings_by_name: Lookup) -> None:
    setting = settings_by_name("polar")
    i, N = index("i"), size("N")
    z = Variable("z", (N,))
    known = setting.having(z)
    posed = problem(setting, data=DATA, start={"r": 1, "u": ["1/2"] * 4}, times=(0, 1))
    wanted = {"F": family(setting["F"][()]), "z u": family(z[i] * setting["u"][i], (i, N)), "sum": family(total(z[i] * setting["u"][i], (i, N)))}
    found = values_of(posed, quantities(known, wanted), extra={"z": (Fraction(1), Fraction(2), Fraction(0), Fraction(-1))})(
        0.0, np.array([[1, 2], *[[0.5, 0.5]] * 4])
    )
    assert found[0, 0] == pytest.approx(53 / 16)
    assert found[1:5, 1] == pytest.approx([0.5, 1, 0, -0.5])
    assert found[5] == pytest.approx([1, 1])
    with pytest.raises(InvalidProblem, match="z has no value"):
        values_of(posed, quantities(known, wanted))
    with pytest.raises(Unsupported, match="missing is no name"):
        quantities(setting, {"q": family(sp.Symbol("missing"))})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"r": np.ones(2)}, "starts were given for r; wanted are r, u"),
        ({"r": np.ones(2), "u": np.ones((3, 4))}, r"u was given with the shape \(3, 4\); wanted is \(points, 4\)"),
        ({"r": 1.0, "u": np.ones((1, 4))}, "r was given with the shape"),
        ({"r": np.ones(0), "u": np.ones((0, 4))}, "at least 1"),
    ],
)
def test_starts_that_do_not_fit_are_refused(given: dict[str, Any], message: str, settings_by_name: Lookup) -> None:
    posed = problem(settings_by_name("polar"), data=DATA, start={"r": 1, "u": ["1/2"] * 4}, times=(0, 1))
    with pytest.raises(InvalidProblem, match=message):
        integrate_batch(posed, given)


def test_data_and_tolerances_that_do_not_fit_are_refused(settings_by_name: Lookup) -> None:
    posed = problem(settings_by_name("polar"), data=DATA, start={"r": 1, "u": ["1/2"] * 4}, times=(0, 1))
    with pytest.raises(ValueError, match=r"y was given with the shape \(2,\)"):
        integrate_batch(posed, starts(3), data={"y": np.ones(2)})
    with pytest.raises(InvalidProblem, match=r"y was given with the shape \(3, 5\)"):
        integrate_batch(posed, starts(3), data={"y": np.ones((3, 5))})
    with pytest.raises(ValueError, match="rtol of at least 1e-14"):
        integrate_batch(posed, starts(3), rtol=1e-17)


def test_a_step_is_made_of_its_own_stages_alone() -> None:
    """What stands between two stages of a combination is multiplied by 0, and must be finite: a stage computed before, in the same step."""
    for stage, (places, _) in enumerate(dop853._A, 1):
        assert max(dop853.ORDER[places]) < stage


def test_steps_that_are_too_long_are_taken_back() -> None:
    """q' = -500 (q - t) keeps an explicit method at the edge of its stability."""
    t, q = Variable("t", (), "time"), Variable("q", (), "parameter")
    setting = vector_field(Setting((q, t)), Space((q,)), {"q": family(-500 * (q[()] - t[()]))})
    times = (0, *range(1, 6))
    found = integrate_batch(problem(setting, data={}, start={"q": 0}, times=times), {"q": np.array([0.0, 1.0])}, rtol=1e-6, atol=1e-8)
    assert found["q"][:, 1:] == pytest.approx(np.array([[n - 1 / 500 for n in times[1:]]] * 2), abs=1e-5)


def test_a_time_in_between_does_not_shorten_the_steps(settings_by_name: Lookup) -> None:
    setting = settings_by_name("polar")
    few, more = (
        integrate_batch(problem(setting, data=DATA, start={"r": 1, "u": ["1/2"] * 4}, times=times), starts(1))
        for times in ((0, 1, 3), (0, 1, "1.00000000001", 3))
    )
    assert more.steps[0] <= few.steps[0] + 2
