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
from math import inf, isnan, ulp
from typing import Any, Literal

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
from ..errors import IntegrationFailed, OutOfDomain
from ..flat import Layout
from ..kept import kept
from ..native import LOOKS, ROUNDS, Pieces, Walk, Watch, Watched, compiled, joined, watched
from ..problem import Problem
from ..program import Program
from ..special import specialised
from .trajectory import States, Trajectory

Floats = NDArray[np.float64]

METHODS: Mapping[str, Any] = {"DOP853": DOP853, "RK45": RK45, "RK23": RK23, "Radau": Radau, "BDF": BDF, "LSODA": LSODA}
_LOOKS = np.arange(LOOKS) / LOOKS  # where in a step an event is looked for, and at its end, so that two crossings in one step are seen
_DIRECTIONS = {"both": 0, "up": 1, "down": -1}
_LEAST = 100 * float(np.finfo(float).eps)  # the least relative tolerance of SciPy, for which an error is not rounding alone
_COST = 17  # evaluations that a compiled step takes at most


@dataclass(frozen=True)
class Event:
    """Let $q(t, \\theta)$ be an expression: the times where it crosses zero in a direction; the integration ends there if `ends`.

    Where it starts from zero, it has not crossed; where it changes its sign by a pole, neither.
    """

    quantity: sp.Expr
    direction: Literal["both", "up", "down"] = "both"
    ends: bool = False


@dataclass(frozen=True)
class Crossing:
    """Let `event` take place at `time`, where the state is packed in `row`."""

    event: Event
    time: float
    layout: Layout
    row: Floats

    @property
    def state(self) -> Mapping[str, Any]:
        """The state block by block."""
        return self.layout.unpack_arrays(self.row)


@dataclass(frozen=True)
class Followed:
    """A trajectory with the states between its times, and the crossings of its events in the order of time; `end` is where it stops."""

    trajectory: Trajectory
    crossings: tuple[Crossing, ...]
    end: float
    solution: Any

    def __call__(self, times: Any) -> dict[str, Any]:
        """The blocks at times from 0 to `end`, a number or an array of them, whose axis comes first.

        Raises `ValueError` for other times, and where the states in between were not kept.
        """
        if self.solution is None:
            raise ValueError("the states in between were not kept; follow the flow with dense=True")
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
    dense: bool = True,
    max_evaluations: int = 10_000_000,
    report: Callable[[float], None] | None = None,
) -> Followed:
    """Let a problem be given: its trajectory as a function of time (dense output), with the crossings of `events`.

    The states at the times of the problem are as good as the tolerance. In between they are a polynomial of order 7, whose error is not controlled
    and can be a hundred times as large where steps are long. Unless `dense`, they are used for the events and not kept.

    After an event that `ends` the integration, the trajectory has the times of the problem up to there. An event is looked for at nine places of
    every step, so that one that comes and goes within an eighth of a step is not seen.

    Raises what `integrate` raises, `Unsupported` for a quantity that no array program computes, and `OutOfDomain` for one that is not a real number
    somewhere on the way.
    """
    clock = time.perf_counter()
    engine, path = _path(problem, method, rtol, atol, max_evaluations, events, dense, report)
    found = tuple([Crossing(event, moment, problem.layout, row) for event, moment, row in path.crossings])
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
    if velocity is not None and method == "DOP853":
        seen = kept(problem, ("watched", *events), lambda: _watched(problem, events)) if events else None
        if seen is not None or not events:
            walk, watch = velocity.walk(), None if seen is None else seen.watch()
            walk.afresh(rtol=max(rtol, _LEAST), atol=atol, dense=dense or watch is not None, watch=watch)
            path = _walked(walk, velocity.times, max_evaluations, watch, events, dense, report)
            walk.rest()
            if watch is not None:
                watch.rest()
            return "C", path
    looks = kept(problem, ("events", *events), lambda: _Watch(problem, tuple(events))) if events else None
    times = np.array([float(t) for t in problem.times])
    start = problem.layout.pack_arrays([values(problem.start[name]) for name in problem.layout.names])
    right = velocity.velocity() if velocity else _interpreted(problem)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what a step did is judged by its result
        solver = METHODS[method](right, 0.0, start, times[-1], rtol=rtol, atol=atol)
        return "C" if velocity else "NumPy", _followed(solver, start, times, method, looks, dense, report, max_evaluations)


def _trajectory(problem: Problem, method: str, rtol: float, atol: float, engine: str, path: _Path, clock: float) -> Trajectory:
    options: dict[str, float | int | str] = {"rtol": rtol, "atol": atol, "evaluations": path.evaluations, "engine": engine}
    states = States(problem.layout, path.states)
    return Trajectory(problem, problem.times[: len(path.states)], states, 15, method, options, time.perf_counter() - clock)


@dataclass(slots=True)
class _Path:
    states: Floats
    crossings: Sequence[tuple[Event, float, Floats]]
    end: float
    evaluations: int
    solution: Any


def _walked(
    walk: Walk, times: Floats, budget: int, watch: Watch | None, events: Sequence[Event], dense: bool, report: Callable[[float], None] | None
) -> _Path:
    """The states at the times by compiled steps, some hundred at a time."""
    pieces: list[Pieces] = []
    crossings: list[tuple[Event, float, Floats]] = []
    going, before, evaluations, end = True, 0.0, 0, times[-1]
    while going:
        rounds = (budget - evaluations) // _COST
        if rounds < 1:
            raise _failed("DOP853", walk.time, end, _spent(budget))
        going = walk.on(min(ROUNDS, rounds))
        evaluations = walk.evaluations
        if dense:
            pieces.append(walk.pieces)
        if watch is not None:
            crossings += [(events[int(row[0])], float(row[1]), row[2:]) for row in watch.crossings]
            if watch.ended:
                last = crossings[-1][1]
                return _Path(walk.found[0][times <= last], crossings, last, evaluations, joined(pieces) if dense else None)
            if watch.undefined is not None:
                which, moment = watch.undefined
                raise _undefined(events[which], moment)
        if not going and walk.reached[0] < end:
            raise _failed("DOP853", walk.reached[0], end, "The step size collapsed.")
        if report is not None and (until := walk.time) > before:
            before = until
            report(until / end)
    return _Path(walk.found[0], crossings, float(end), evaluations, joined(pieces) if dense else None)


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
    known, ends, pieces, until = [*times.tolist(), inf], [0.0], [], float(times[-1])
    differences = len(start) if method in ("Radau", "BDF") else 0  # evaluations for a matrix of derivatives, which SciPy does not count
    evaluations, nothing = 0, np.zeros_like(start)
    while solver.status == "running":
        before = solver.t
        try:
            message = solver.step()
        except (ValueError, np.linalg.LinAlgError) as error:
            raise _failed(method, before, times[-1], str(error)) from error
        if solver.status == "failed":
            raise _failed(method, before, times[-1], message)
        now, y = solver.t, solver.y
        evaluations = solver.nfev + (differences * solver.njev if differences else 0)
        if evaluations > budget:
            raise _failed(method, before, times[-1], _spent(budget))
        if isnan(nothing.dot(y)):  # zero times what is infinite is no number
            raise _failed(method, before, times[-1], "The state is no longer finite.")
        if now - before <= 2 * ulp(before) and solver.status == "running":
            raise _failed(method, before, times[-1], "The step size collapsed.")
        next_known = known[len(states)]
        inside = solver.dense_output() if dense or watch is not None or next_known < now else None
        until, ended = now, None
        if watch is not None:
            found, ended = watch.until_the_end(np.array([before, now]), inside)
            crossings += found
            until = now if ended is None else ended
        if next_known <= until:
            passed = known[len(states) : bisect_right(known, until)]
            states.extend(y.copy() if moment == now else inside(moment) for moment in passed)  # type: ignore[misc]
        if dense:
            ends.append(now)
            pieces.append(inside)
        if report is not None:
            report(until / times[-1])
        if ended is not None:
            break
    return _Path(np.array(states), crossings, until, evaluations, OdeSolution(ends, pieces) if dense else None)


def _program(problem: Problem, events: Sequence[Event]) -> Program:
    return quantities(problem.setting, {str(n): Family((), event.quantity) for n, event in enumerate(events)})


def _watched(problem: Problem, events: Sequence[Event]) -> Watched | None:
    """The quantities of events in machine code."""
    return watched(problem, _program(problem, events), [_DIRECTIONS[event.direction] for event in events], [event.ends for event in events])


class _Watch:
    """The quantities of events, and where they cross zero within a step of SciPy."""

    def __init__(self, problem: Problem, events: tuple[Event, ...]) -> None:
        self.events = events
        self.values = values_of(problem, _program(problem, events))

    def until_the_end(self, ends: Floats, inside: Any) -> tuple[list[tuple[Event, float, Floats]], float | None]:
        """Let a step be between two `ends`: the crossings in it, in the order of time, and the time of one that ends the integration."""
        moments = np.append(ends[0] + _LOOKS * (ends[1] - ends[0]), ends[1])
        values = self.values(moments, inside(moments))
        found = self._crossings(moments, values, inside)
        last = next((n for n, (event, _, _) in enumerate(found) if event.ends), None)
        until = None if last is None else found[last][1]
        for row, column in np.argwhere(np.isnan(values)):
            if until is None or moments[column] < until:
                raise _undefined(self.events[row], moments[column])
        return found if last is None else found[: last + 1], until

    def _crossings(self, moments: Floats, values: Floats, inside: Any) -> list[tuple[Event, float, Floats]]:
        found = []
        for row, (event, seen) in enumerate(zip(self.events, np.sign(values), strict=True)):
            turns = np.diff(seen)  # NaN beside NaN
            for n in np.flatnonzero((turns * seen[:-1] < 0) & (turns * _DIRECTIONS[event.direction] >= 0)):
                moment, value = self._root(row, moments[n], moments[n + 1], inside)
                sides = np.abs(values[row, n : n + 2])
                if abs(value) <= sides[np.isfinite(sides)].max(initial=0.0):  # nowhere is a zero larger than the values on its sides
                    found.append((event, moment, inside(moment)))
        return sorted(found, key=lambda crossing: crossing[1])

    def _root(self, row: int, low: float, high: float, inside: Any) -> tuple[float, float]:
        """Where a quantity is zero, and its value there, which is large at a pole."""

        def value(moment: float) -> float:
            found = float(self.values(np.array([moment]), inside(np.array([moment])))[row, 0])
            if isnan(found):
                raise _undefined(self.events[row], moment)
            return found

        # At a zero of higher order Brent's method bisects and more.
        root = float(brentq(value, low, high, xtol=4 * np.spacing(high), rtol=4 * np.finfo(float).eps, maxiter=10_000))
        return root, value(root)


def _undefined(event: Event, moment: float) -> OutOfDomain:
    return OutOfDomain(f"the quantity of an event, {event.quantity}, is not a real number near t = {moment:.6g}; let the trajectory end before")


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
