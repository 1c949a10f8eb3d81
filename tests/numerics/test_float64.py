"""Double precision: dense output, events and watched quantities, against right sides written by hand and solutions known in closed form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from importlib import import_module
from typing import Any

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from numerics import IntegrationFailed, InvalidProblem, OutOfDomain, Problem, integrate, problem
from numerics.integrate.float64 import METHODS, Event, follow
from numerics.native.build import compiler
from numerics.observe import Quantity, along, departures, monitor
from theory.dynamics import vector_field
from theory.settings import Setting, Space, family
from theory.symbols import Variable, index, size, total

Lookup = Callable[[str], Setting]

A = np.array([[1.0, 2, -1, 1], [2, -1, 1, 1]])
Y = np.array([3.0, 2])
DATA: Any = {"L": 3, "eta_r": 1, "eta_u": "1/2", "A": A.astype(int).tolist(), "y": [3, 2]}
START: Any = {"r": 1, "u": ["1/2"] * 4}
KERNEL: Any = [["-1/5", "3/5", 1, 0], ["-3/5", "-1/5", 0, 1]]
t, q, p = Variable("t", (), "time"), Variable("q", (), "parameter"), Variable("p", (), "parameter")


def by_hand(_: float, state: Any) -> Any:
    r, u = state[0], state[1:]
    G = A.T @ (A @ (r * u) ** 3 - Y)
    radial = G @ u**3
    return np.concatenate([[-3 * r**2 * radial], -1.5 * r**3 * (G * u**2 - u * radial)])


def posed(setting: Setting, *times: Any) -> Problem:
    return problem(setting, data=DATA, start=START, times=(0, *times))


@pytest.mark.parametrize("method", METHODS)
def test_the_trajectory_is_that_of_the_field_written_by_hand(method: str, settings_by_name: Lookup) -> None:
    found = integrate(posed(settings_by_name("polar"), "1/20", 3), method=method, rtol=1e-9, atol=1e-11)
    wanted = solve_ivp(by_hand, (0, 3), [1, *[0.5] * 4], method="DOP853", rtol=1e-12, atol=1e-14, t_eval=[0.05, 3])
    for n in (1, 2):
        assert found["r"][n] == pytest.approx(wanted.y[0, n - 1], rel=1e-6)
        assert np.allclose(found["u"][n], wanted.y[1:, n - 1], rtol=1e-6)


def test_dense_output_is_the_trajectory_in_between(settings_by_name: Lookup) -> None:
    found = follow(posed(settings_by_name("polar"), 3))
    times = np.linspace(0, 3, 50)
    wanted = solve_ivp(by_hand, (0, 3), [1, *[0.5] * 4], method="DOP853", rtol=1e-12, atol=1e-14, t_eval=times)
    blocks = found(times)
    assert blocks["u"].shape == (50, 4)
    assert np.allclose(blocks["r"], wanted.y[0], rtol=1e-9)
    assert np.allclose(blocks["u"], wanted.y[1:].T, rtol=1e-9)
    assert found(1.5)["u"].shape == (4,)
    assert found(3)["r"] == found.trajectory["r"][-1]
    with pytest.raises(ValueError, match="known from 0 to 3"):
        found([1, 3.5])


def test_matrices_keep_their_shapes(settings_by_name: Lookup) -> None:
    weights = {"W1": [["1/2", 1, 0], [0, 1, "1/3"]], "W2": [[1, 0], [1, 1], [0, "1/2"]]}
    stated = problem(settings_by_name("linear net, depth 2"), data={"Y": [[1, 0, 0], [0, 2, 0], [0, 0, 1]]}, start=weights, times=(0, 1))

    def net(_: float, state: Any) -> Any:
        first, second = state[:6].reshape(2, 3), state[6:].reshape(3, 2)
        G = second @ first - np.diag([1.0, 2, 1])
        return -np.concatenate([(second.T @ G).ravel(), (G @ first.T).ravel()])

    found = follow(stated)
    start = np.concatenate([np.array([[float(Fraction(x)) for x in row] for row in weights[name]]).ravel() for name in ("W1", "W2")])
    wanted = solve_ivp(net, (0, 1), start, method="DOP853", rtol=1e-12, atol=1e-14).y[:, -1]
    assert np.allclose(found(1)["W1"].ravel(), wanted[:6], rtol=1e-10)
    assert np.allclose(found.trajectory["W2"][-1].ravel(), wanted[6:], rtol=1e-10)


@pytest.mark.parametrize("method", ["DOP853", "RK45"])
def test_states_are_a_sequence(method: str, settings_by_name: Lookup) -> None:
    """Each is unpacked when it is asked for; what is asked for is what a tuple of them would give."""
    found = integrate(posed(settings_by_name("polar"), 1, 2, 3), method=method).states
    every = tuple(found)
    assert len(found) == len(every) == 4
    assert all((found[n]["u"] == every[n]["u"]).all() and found[n]["r"] == every[n]["r"] for n in (0, 3, -1, -4))
    assert [state["r"] for state in found[1:3]] == [every[1]["r"], every[2]["r"]]
    assert every[0]["r"] == 1
    assert every[0]["u"].tolist() == [0.5] * 4
    with pytest.raises(IndexError):
        found[4]


def spring() -> Problem:
    """q'' = -q from (1, 0): q = cos t, p = -sin t."""
    setting = vector_field(Setting((q, p, t)), Space((q, p)), {"q": family(p[()]), "p": family(-q[()])})
    return problem(setting, data={}, start={"q": 1, "p": 0}, times=(0, 1, 4, 10))


@pytest.fixture(params=["C", "NumPy"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Events in machine code where there is a compiler, and as if there were none."""
    if request.param == "NumPy":
        monkeypatch.setattr(import_module("numerics.integrate.float64"), "compiled", lambda problem, lanes: None)
    return "NumPy" if compiler() is None else str(request.param)


def test_events_are_where_they_are(engine: str) -> None:
    found = follow(spring(), events=[Event(q[()]), Event(q[()], "up"), Event(p[()], "down"), Event(t[()] - 5)])
    assert found.trajectory.options["engine"] == engine
    zeros = [c.time for c in found.crossings if c.event == Event(q[()])]
    assert zeros == pytest.approx([np.pi / 2, 3 * np.pi / 2, 5 * np.pi / 2], abs=1e-10)
    assert [c.time for c in found.crossings if c.event.direction == "up"] == pytest.approx([3 * np.pi / 2], abs=1e-10)
    assert [c.time for c in found.crossings if c.event.direction == "down"] == pytest.approx([2 * np.pi], abs=1e-10)
    assert [c.time for c in found.crossings if c.event == Event(t[()] - 5)] == pytest.approx([5], abs=1e-12)
    assert all(abs(c.state["q"]) < 1e-10 for c in found.crossings if c.event == Event(q[()]))
    assert [c.time for c in found.crossings] == sorted(c.time for c in found.crossings)


def test_events_are_the_sign_changes_of_the_dense_output(engine: str, settings_by_name: Lookup) -> None:
    """Of quantities written by hand: of the loss, of an entry, of one with a sum and a constant. Every crossing is looked for on a fine grid."""
    setting, N, i = settings_by_name("polar"), size("N"), index("i")
    u = setting["u"]
    watched: dict[Event, Callable[[Any, Any], Any]] = {
        Event(sp.Symbol("F") - sp.Rational(1, 2)): lambda r, x: ((A @ (r * x) ** 3 - Y) ** 2).sum() / 2 - 0.5,
        Event(u[1] - sp.Rational(53, 100), "up"): lambda r, x: x[1] - 0.53,
        Event(total((i + 1) * u[i], (i, N)) - setting["r"][()] - sp.Rational(10, 3), "down"): lambda r, x: x @ [1, 2, 3, 4] - r - 10 / 3,
    }
    found = follow(posed(setting, 1), rtol=1e-9, atol=1e-11, events=list(watched))
    grid = np.linspace(0, 1, 5001)
    states = found(grid)
    wanted = []
    for event, value in watched.items():
        values = np.array([value(r, x) for r, x in zip(states["r"], states["u"], strict=True)])
        for n in np.flatnonzero(np.sign(values[1:]) != np.sign(values[:-1])):
            if event.direction == "both" or (values[n + 1] > values[n]) == (event.direction == "up"):

                def at(moment: float, value: Callable[[Any, Any], Any] = value) -> float:
                    blocks = found(moment)
                    return float(value(blocks["r"], blocks["u"]))

                wanted.append((brentq(at, grid[n], grid[n + 1], xtol=1e-15), event))
    assert {event for _, event in wanted} == set(watched)
    assert [c.event for c in found.crossings] == [event for _, event in sorted(wanted, key=lambda each: each[0])]
    assert [c.time for c in found.crossings] == pytest.approx(sorted(moment for moment, _ in wanted), abs=1e-13)
    for crossing in found.crossings:
        assert crossing.state["u"] == pytest.approx(found(crossing.time)["u"], rel=1e-13)
        assert crossing.state["r"] == pytest.approx(found(crossing.time)["r"], rel=1e-13)


def test_hundreds_of_crossings_are_all_seen(engine: str) -> None:
    """More than there is room for between two reports; events close to each other are in the order of time, whatever their own."""
    stated = replace(spring(), times=(Fraction(0), Fraction(1000)))
    later, sooner = Event(q[()] + sp.Rational(1, 1000)), Event(q[()], "down")
    found = follow(stated, rtol=1e-10, atol=1e-12, events=[later, sooner, Event(p[()], "up")])
    turns = np.arange(int(1000 / np.pi))
    assert [c.time for c in found.crossings if c.event == sooner] == pytest.approx(np.pi / 2 + np.pi * turns[turns % 2 == 0], abs=1e-6)
    assert [c.time for c in found.crossings if c.event == Event(p[()], "up")] == pytest.approx(np.pi * turns[turns % 2 == 1], abs=1e-6)
    assert len([c for c in found.crossings if c.event == later]) == len(turns)
    moments = [c.time for c in found.crossings]
    assert moments == sorted(moments)
    assert len(moments) > 600
    together = [Event(n * q[()]) for n in (1, 2, 3)]
    many = follow(stated, rtol=1e-10, atol=1e-12, events=together).crossings
    assert [c.event for c in many] == together * len(turns)
    assert [c.time for c in many] == pytest.approx(np.repeat(np.pi / 2 + np.pi * turns, 3), abs=1e-6)


@pytest.mark.parametrize("power", [1, 3, 9])
def test_flat_and_steep_zeros_are_found(power: int, engine: str) -> None:
    """(t - e)^9 is nearly zero for long, and e^(50(t - 2)) - 1 is nearly -1 until it is large: the chord says little of where they are zero."""
    found = follow(spring(), events=[Event((t[()] - sp.Rational(19, 7)) ** power), Event(sp.exp(50 * (t[()] - 2)) - 1, "up")])
    assert [c.time for c in found.crossings] == pytest.approx([2, 19 / 7], abs=1e-14 if power == 1 else 1e-13)


def test_a_pole_is_no_crossing(engine: str) -> None:
    """Neither within a step nor at its end, where the quantity is infinite and not just large: 4 and 10 are times of the problem."""
    found = follow(spring(), events=[Event(1 / (q[()] - 2 * p[()] / 3)), Event(1 / (t[()] - 5), "up"), Event(1 / (t[()] - 3) + 2)])
    assert [c.time for c in found.crossings] == pytest.approx([2.5], abs=1e-12)
    assert not follow(spring(), events=[Event(1 / (t[()] - 4)), Event(1 / (4 - t[()])), Event((10 - t[()]) ** -3), Event(1 / (t[()] - 10))]).crossings
    reached = follow(spring(), events=[Event(sp.log(abs(t[()] - 4)) + 1)])
    assert [c.time for c in reached.crossings] == pytest.approx([4 - np.exp(-1), 4 + np.exp(-1)], abs=1e-12)


def test_what_is_zero_first_has_not_crossed(engine: str) -> None:
    """sin t and t start from 0, and 1 - cos t never leaves one side."""
    found = follow(spring(), events=[Event(p[()], "both"), Event(t[()]), Event(1 - q[()])])
    assert [(c.event, c.time) for c in found.crossings] == [(Event(p[()], "both"), pytest.approx(np.pi * n, abs=1e-10)) for n in (1, 2, 3)]


def test_an_event_that_is_no_number_is_refused(engine: str) -> None:
    """cos t is negative after pi/2, where it has no logarithm; what ended before is not asked."""
    with pytest.raises(OutOfDomain, match=r"log\(q\), is not a real number near t = 1\.[5-9]"):
        follow(spring(), events=[Event(p[()] + 2), Event(sp.log(q[()]))])
    with pytest.raises(OutOfDomain, match=r"log\(q\), is not a real number near t = 1\.[5-9]"):
        follow(spring(), events=[Event(sp.log(q[()]), "down")])
    with pytest.raises(OutOfDomain, match=r"near t = 0;"):
        follow(spring(), events=[Event(sp.sqrt(-q[()]))])
    narrow = sp.sign(t[()] - sp.Rational(23, 10)) * sp.sqrt((t[()] - sp.Rational(23, 10)) ** 2 - sp.Rational(1, 10**6))
    with pytest.raises(OutOfDomain, match=r"near t = 2\.[2-4]"):  # between two places at which it is looked for
        follow(spring(), events=[Event(narrow)])
    for rtol in (1e-3, 1e-6, 1e-9):
        found = follow(spring(), rtol=rtol, events=[Event(sp.log(q[()])), Event(q[()] - sp.Rational(1, 100), ends=True)])
        assert found.end == pytest.approx(np.arccos(0.01), abs=100 * rtol)


def test_constants_of_an_event_want_values(engine: str) -> None:
    """Names that C has a meaning for are left to NumPy, and those of the source to it."""
    double, value, w = Variable("double"), Variable("value_0", (sp.Integer(2),)), Variable("w")
    setting = vector_field(Setting((q, p, t, double, value, w)), Space((q, p)), {"q": family(p[()]), "p": family(-q[()])})
    stated = problem(setting, data={"double": "1/2", "value_0": [7, "1/4"]}, start={"q": 1, "p": 0}, times=(0, 2))
    events = [[Event(q[()] ** 2 - level)] for level in (double[()], value[1], w[()])]
    assert follow(stated, events=events[0]).crossings[0].time == pytest.approx(np.arccos(np.sqrt(0.5)), abs=1e-10)
    assert follow(stated, events=events[1]).crossings[0].time == pytest.approx(np.arccos(0.5), abs=1e-10)
    with pytest.raises(InvalidProblem, match="w has no value"):
        follow(stated, events=events[2])


def test_two_crossings_in_one_step_are_seen(engine: str) -> None:
    """(t - 300)^2 - 80^2 is negative between 220 and 380, inside the one long step that q' = 0 is followed by."""
    setting = vector_field(Setting((q, t)), Space((q,)), {"q": family(0 * q[()])})
    stated = problem(setting, data={}, start={"q": 1}, times=(0, 1000))
    found = follow(stated, events=[Event((t[()] - 300) ** 2 - 80**2)], rtol=1e-4, atol=1e-4)
    assert int(found.trajectory.options["evaluations"]) < 200
    assert [c.time for c in found.crossings] == pytest.approx([220, 380], abs=1e-9)


def test_an_event_can_end_it(engine: str, settings_by_name: Lookup) -> None:
    """The loss falls below a hundredth once; what comes later is not computed."""
    loss = sp.Symbol("F") - sp.Rational(1, 100)
    times = [Fraction(n, 1000) for n in range(1, 2000)]
    found = follow(posed(settings_by_name("polar"), *times), events=[Event(loss, "down", ends=True)])
    (crossing,) = found.crossings
    assert found.end == crossing.time < 2
    assert found.end - 1e-3 < found.trajectory.times[-1] <= found.end
    assert len(found.trajectory.times) == len(found.trajectory.states) > 10
    x = (crossing.state["r"] * crossing.state["u"]) ** 3
    assert ((A @ x - Y) ** 2).sum() / 2 == pytest.approx(0.01, rel=1e-9)
    with pytest.raises(ValueError, match="is known from 0 to"):
        found(found.end + 1e-6)


@pytest.mark.parametrize("ends", [False, True])
def test_states_in_between_need_not_be_kept(engine: str, ends: bool, settings_by_name: Lookup) -> None:
    told, event = posed(settings_by_name("polar"), "1/20", 2), Event(sp.Symbol("F") - sp.Rational(1, 100), "down", ends)
    bare, whole = follow(told, events=[event], dense=False), follow(told, events=[event])
    assert [crossing.time for crossing in bare.crossings] == [crossing.time for crossing in whole.crossings] != []
    assert np.array_equal(bare.trajectory.states.rows, whole.trajectory.states.rows)  # type: ignore[attr-defined]
    assert bare.end == whole.end
    with pytest.raises(ValueError, match="follow the flow with dense=True"):
        bare(0)


def test_the_share_done_is_reported(settings_by_name: Lookup) -> None:
    told: list[float] = []
    integrate(posed(settings_by_name("polar"), 3), report=told.append)
    assert told == sorted(told)
    assert told[-1] == 1


def test_a_stiff_flow_wants_a_stiff_method() -> None:
    """q' = -1000 (q - t) from 0: close to t - 1/1000."""
    setting = vector_field(Setting((q, t)), Space((q,)), {"q": family(-1000 * (q[()] - t[()]))})
    stated = problem(setting, data={}, start={"q": 0}, times=(0, 20))
    counts = {method: integrate(stated, method=method, rtol=1e-6, atol=1e-9) for method in ("DOP853", "Radau", "BDF", "LSODA")}
    assert all(found["q"][-1] == pytest.approx(20 - 1e-3, abs=1e-6) for found in counts.values())
    assert all(20 * int(counts[m].options["evaluations"]) < int(counts["DOP853"].options["evaluations"]) for m in ("Radau", "BDF", "LSODA"))


def test_spent_evaluations_are_reported(settings_by_name: Lookup) -> None:
    with pytest.raises(IntegrationFailed, match="budget of 20 evaluations is spent"):
        follow(posed(settings_by_name("polar"), 3), max_evaluations=20)


# ---- Quantities along a trajectory ---------------------------------------------------------------------------------------------------------------


def law(setting: Setting, label: str = "law", sign: int = 1) -> Quantity:
    """$\\sum_i z_i (u_i e^{\\kappa r^2/2})^{-1}$, a law for L = 3 and z in the kernel of A; with the sign flipped it is none."""
    i, N, z = index("i"), size("N"), Variable("z", (size("N"),))
    value = total(z[i] / setting["u"][i], (i, N)) * sp.exp(-sign * setting["r"][()] ** 2 / 4)
    return Quantity(label, family(value), setting.having(z), tuple({"z": kernel} for kernel in KERNEL))


def test_what_stays_and_what_moves_are_told_apart(settings_by_name: Lookup) -> None:
    setting = settings_by_name("polar")
    i, N = index("i"), size("N")
    entries = Quantity("u^2", family(setting["u"][i] ** 2, (i, N)), setting)
    watched = [law(setting), law(setting, "flipped", -1), Quantity("norm", family(total(setting["u"][i] ** 2, (i, N))), setting), entries]
    stated = posed(setting, "1/4", 1, 3)
    trajectory, found = monitor(watched, lambda rtol: integrate(stated, rtol=rtol, atol=rtol / 100), 1e-10)
    assert trajectory.options["rtol"] == 1e-10
    assert [one.verdict for one in found] == ["stays", "moves", "stays", "moves"]
    assert [one.values.shape for one in found] == [(4, 2), (4, 2), (4, 1), (4, 4)]
    assert np.allclose(found[3].values, np.array(trajectory["u"]) ** 2, rtol=1e-14)
    assert 0 < found[0].drift < 1e-8 < 1e-3 < found[1].drift
    assert found[1].drift_halved == pytest.approx(found[1].drift, rel=1e-6)


def test_departures_at_many_digits_are_not_rounded_away(settings_by_name: Lookup) -> None:
    """A hundredth of a double's last digit is still seen."""
    setting = vector_field(Setting((q,)), Space((q,)), {"q": family(sp.Rational(1, 10**20) + 0 * q[()])})
    found = integrate(problem(setting, data={}, start={"q": 1}, times=(0, 1)), digits=40)
    quantity = Quantity("q", family(q[()]), setting)
    assert along(found, quantity).tolist() == [[1.0], [1.0]]
    assert departures(found, quantity)[1, 0] == pytest.approx(1e-20, rel=1e-12, abs=0)


def test_an_integral_is_left_to_the_evaluator() -> None:
    s = sp.Symbol("s", positive=True)
    quantity = Quantity("area", family(sp.Integral(sp.exp(-s), (s, 0, q[()] ** 2 + p[()] ** 2))), spring().setting)
    found = along(integrate(spring()), quantity)
    assert found[:, 0] == pytest.approx([1 - np.exp(-1)] * 4, rel=1e-9)


def test_a_value_that_is_none_is_reported() -> None:
    with pytest.raises(OutOfDomain, match="log q has no finite real value"):
        along(integrate(spring()), Quantity("log q", family(sp.log(q[()])), spring().setting))
