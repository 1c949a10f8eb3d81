"""Double precision: states at times, in between, and where a quantity crosses zero.

DOP853 is compiled with the velocity where there is a C compiler. The other methods, and DOP853 without a compiler, are SciPy's; their velocity is
machine code where that is to be had, otherwise the NumPy source. Which it was is the `engine` among the options of the result.
"""

from __future__ import annotations

import time
import warnings
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite, ulp
from typing import Any, Literal, NamedTuple

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy.integrate import BDF, DOP853, LSODA, RK23, RK45, OdeSolution, Radau
from scipy.optimize import brentq

from theory.symbols import Family

from ..batch.field import values_of
from ..batch.quantities import quantities
from ..emit.load import compile
from ..emit.numpy import emit, values
from ..errors import IntegrationFailed
from ..kept import kept
from ..native import Pieces, Walk, compiled, joined
from ..problem import Problem
from ..program import Program
from ..special import specialised
from .trajectory import States, Trajectory

Floats = NDArray[np.float64]

METHODS: Mapping[str, Any] = {"DOP853": DOP853, "RK45": RK45, "RK23": RK23, "Radau": Radau, "BDF": BDF, "LSODA": LSODA}
_LOOKS = np.arange(8) / 8  # where in a step an event is looked for, so that two crossings in one step are seen
_ROUNDS = 256  # compiled steps between two reports
_LEAST = 100 * float(np.finfo(float).eps)  # the least relative tolerance of SciPy, for which an error is not rounding alone
_COST = 17  # evaluations that a compiled step takes at most


@dataclass(frozen=True)
class Event:
    """Let $q(t, \\theta)$ be an expression: the times where it crosses zero in a direction; the integration ends there if `ends`."""

    quantity: sp.Expr
    direction: Literal["both", "up", "down"] = "both"
    ends: bool = False


@dataclass(frozen=True)
class Crossing:
    """Let `event` take place at `time`, at the state `state`."""

    event: Event
    time: float
    state: Mapping[str, Any]


@dataclass(frozen=True)
class Followed:
    """A trajectory with the states between its times, and the crossings of its events in the order of time; `end` is where it stops."""

    trajectory: Trajectory
    crossings: tuple[Crossing, ...]
    end: float
    solution: Any

    def __call__(self, times: Any) -> dict[str, Any]:
        """The blocks at times from 0 to `end`, a number or an array of them, whose axis comes first. Raises `ValueError` for other times."""
        moments = np.asarray(times, dtype=np.float64)
        if moments.size and not (moments.min() >= 0 and moments.max() <= self.end):
            raise ValueError(f"times from {moments.min():g} to {moments.max():g} were asked for; the trajectory is known from 0 to {self.end:g}")
        layout = self.trajectory.problem.layout
        if not moments.ndim:
            return layout.unpack_arrays(self.solution(float(moments)))
        found = self.solution(moments).T
        return {name: found[:, part].reshape(len(moments), *shape) for name, part, shape in layout.places}


def integrate(
    problem: Problem,
    *,
    method: str = "DOP853",
    rtol: float = 1e-12,
    atol: float = 1e-14,
    digits: int = 15,
    max_evaluations: int = 10_000_000,
    report: Callable[[float], None] | None = None,
) -> Trajectory:
    """Let `method` be one of SciPy's: the trajectory with arrays of float64. Use Radau, BDF or LSODA for stiff flows.

    `report` is told now and then which share of the time is done.

    Raises `IntegrationFailed` with the time reached when the step size collapses, the state is no longer finite, or the evaluations are spent.
    """
    if digits > 15:
        raise ValueError(f"{digits} digits were asked of {method}, which has 15; use method='taylor'")
    clock = time.perf_counter()
    engine, path = _path(problem, method, rtol, atol, max_evaluations, (), False, report)
    return _trajectory(problem, method, rtol, atol, engine, path, clock)


def follow(
    problem: Problem,
    *,
    method: str = "DOP853",
    rtol: float = 1e-12,
    atol: float = 1e-14,
    events: Sequence[Event] = (),
    max_evaluations: int = 10_000_000,
    report: Callable[[float], None] | None = None,
) -> Followed:
    """Let a problem be given: its trajectory as a function of time (dense output), with the crossings of `events`.

    The states at the times of the problem are as good as the tolerance. In between they are a polynomial of order 7, whose error is not controlled
    and can be a hundred times as large where steps are long.

    After an event that `ends` the integration, the trajectory has the times of the problem up to there. An event is looked for at nine places of
    every step, so that one that comes and goes within an eighth of a step is not seen.

    Raises what `integrate` raises, and `Unsupported` for a quantity that no array program computes.
    """
    clock = time.perf_counter()
    engine, path = _path(problem, method, rtol, atol, max_evaluations, events, True, report)
    found = tuple(Crossing(event, moment, problem.layout.unpack_arrays(state)) for event, moment, state in path.crossings)
    return Followed(_trajectory(problem, method, rtol, atol, engine, path, clock), found, path.end, path.solution)


def _path(
    problem: Problem,
    method: str,
    rtol: float,
    atol: float,
    max_evaluations: int,
    events: Sequence[Event],
    dense: bool,
    report: Callable[[float], None] | None,
) -> tuple[str, _Path]:
    velocity = compiled(problem, 1)
    watch = kept(problem, ("events", *events), lambda: _Watch(problem, tuple(events))) if events else None
    if velocity is not None and method == "DOP853":
        walk = velocity.walk()
        walk.afresh(rtol=max(rtol, _LEAST), atol=atol, pieces=_ROUNDS if dense else 0)
        path = _walked(walk, velocity.times, max_evaluations, watch, dense, report)
        walk.rest()
        return "C", path
    times = np.array([float(t) for t in problem.times])
    start = problem.layout.pack_arrays([values(problem.start[name]) for name in problem.layout.names])
    right = velocity.velocity() if velocity else _interpreted(problem)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what a step did is judged by its result
        solver = METHODS[method](right, 0.0, start, times[-1], rtol=rtol, atol=atol)
        return "C" if velocity else "NumPy", _followed(solver, start, times, method, watch, dense, report, max_evaluations)


def _trajectory(problem: Problem, method: str, rtol: float, atol: float, engine: str, path: _Path, clock: float) -> Trajectory:
    options: dict[str, float | int | str] = {"rtol": rtol, "atol": atol, "evaluations": path.evaluations, "engine": engine}
    states = States(problem.layout, path.states)
    return Trajectory(problem, problem.times[: len(path.states)], states, 15, method, options, time.perf_counter() - clock)


class _Path(NamedTuple):
    states: Floats
    crossings: Sequence[tuple[Event, float, Floats]]
    end: float
    evaluations: int
    solution: Any


def _walked(walk: Walk, times: Floats, budget: int, watch: _Watch | None, dense: bool, report: Callable[[float], None] | None) -> _Path:
    """The states at the times by compiled steps, some hundred at a time."""
    pieces: list[Pieces] = []
    crossings, going, before, evaluations = [], True, 0.0, 0
    while going:
        rounds = (budget - evaluations) // _COST
        if rounds < 1:
            raise _failed("DOP853", walk.time, times[-1], _spent(budget))
        going = walk.on(min(_ROUNDS, rounds))
        evaluations = walk.evaluations
        if not going and walk.reached[0] < times[-1]:
            raise _failed("DOP853", walk.reached[0], times[-1], "The step size collapsed.")
        if dense and len((latest := walk.pieces).rows):
            pieces.append(latest)
            if watch is not None:
                found, end = watch.until_the_end(np.append(latest.rows[:, 0], walk.time), latest)
                crossings += found
                if end is not None:
                    return _Path(walk.found[0][times <= end], crossings, end, evaluations, joined(pieces))
        if report is not None and (until := walk.time) > before:
            before = until
            report(until / times[-1])
    return _Path(walk.found[0], crossings, float(times[-1]), evaluations, joined(pieces) if dense else None)


def _followed(
    solver: Any,
    start: Floats,
    times: Floats,
    method: str,
    watch: _Watch | None,
    dense: bool,
    report: Callable[[float], None] | None,
    budget: int,
) -> _Path:
    """The states at the times, step by step of SciPy; every way to fail is one exception."""
    states: list[Floats] = [start]
    crossings: list[tuple[Event, float, Floats]] = []
    known, ends, pieces, until = times.tolist(), [0.0], [], float(times[-1])
    evaluations = 0
    while solver.status == "running":
        before = solver.t
        try:
            message = solver.step()
        except (ValueError, np.linalg.LinAlgError) as error:
            raise _failed(method, before, times[-1], str(error)) from error
        if solver.status == "failed":
            raise _failed(method, before, times[-1], message)
        # SciPy does not count what it differentiates by.
        evaluations = solver.nfev + (len(start) * solver.njev if method in ("Radau", "BDF") else 0)
        if evaluations > budget:
            raise _failed(method, before, times[-1], _spent(budget))
        if not isfinite(solver.y.sum()):
            raise _failed(method, before, times[-1], "The state is no longer finite.")
        if solver.status == "running" and solver.t - before <= 2 * ulp(before):
            raise _failed(method, before, times[-1], "The step size collapsed.")
        passed = known[len(states) : bisect_right(known, solver.t)]
        inside = solver.dense_output() if dense or (passed and passed[0] < solver.t) else None
        until, ended = solver.t, None
        if watch is not None:
            found, ended = watch.until_the_end(np.array([before, solver.t]), inside)
            crossings += found
            until = solver.t if ended is None else ended
        if passed:
            states.extend(solver.y.copy() if moment == solver.t else inside(moment) for moment in passed if moment <= until)  # type: ignore[misc]
        if dense:
            ends.append(solver.t)
            pieces.append(inside)
        if report is not None:
            report(until / times[-1])
        if ended is not None:
            break
    return _Path(np.array(states), crossings, until, evaluations, OdeSolution(ends, pieces) if dense else None)


class _Watch:
    """The quantities of events, and where they cross zero within a step."""

    def __init__(self, problem: Problem, events: tuple[Event, ...]) -> None:
        self.events = events
        self.values = values_of(problem, quantities(problem.setting, {str(n): Family((), event.quantity) for n, event in enumerate(events)}))

    def until_the_end(self, ends: Floats, inside: Any) -> tuple[list[tuple[Event, float, Floats]], float | None]:
        """Let steps be between neighbouring `ends`: the crossings in them, in the order of time, and the time of one that ends the integration."""
        found = self.crossings(ends, inside)
        for n, (event, moment, _) in enumerate(found):
            if event.ends:
                return found[: n + 1], moment
        return found, None

    def crossings(self, ends: Floats, inside: Any) -> list[tuple[Event, float, Floats]]:
        moments = np.append((ends[:-1, None] + _LOOKS * np.diff(ends)[:, None]).ravel(), ends[-1])
        signs = np.sign(self.values(moments, inside(moments)))
        found = []
        for event, row, seen in zip(self.events, range(len(self.events)), signs, strict=True):
            for n in np.flatnonzero((seen[:-1] != seen[1:]) & (seen[:-1] != 0)):
                if event.direction == "both" or (seen[n + 1] >= seen[n]) == (event.direction == "up"):
                    moment = self._root(row, moments[n], moments[n + 1], inside)
                    found.append((event, moment, inside(moment)))
        return sorted(found, key=lambda crossing: crossing[1])

    def _root(self, row: int, low: float, high: float, inside: Any) -> float:
        def value(moment: float) -> float:
            return float(self.values(np.array([moment]), inside(np.array([moment])))[row, 0])

        return float(brentq(value, low, high, xtol=4 * np.spacing(high), rtol=4 * np.finfo(float).eps))


@lru_cache(maxsize=256)
def _source(program: Program) -> str:
    """Written once for all starts and data."""
    return emit(program, "")


def _spent(budget: int) -> str:
    return f"The budget of {budget} evaluations is spent; raise max_evaluations."


def _interpreted(problem: Problem) -> Callable[[float, Floats], Floats]:
    """The velocity as a function of one vector, by the NumPy source."""
    special = specialised(problem.program, problem.data)
    velocity = compile(_source(special))
    constants = {variable.name: values(problem.data[variable.name]) for variable in special.inputs}
    layout = problem.layout

    def found(t: float, state: Floats) -> Floats:
        return layout.pack_arrays(velocity(t, *layout.unpack_arrays(state).values(), **constants))

    return found


def _failed(method: str, reached: float, end: float, why: str) -> IntegrationFailed:
    return IntegrationFailed(
        f"{method} stopped near t = {reached:.6g} of {end:.6g}: {why} "
        f"The solution may leave every bounded set or the domain of the flow there; ask for earlier times, or another method.",
        reached=float(reached),
    )
