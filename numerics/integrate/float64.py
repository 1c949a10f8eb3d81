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
from fractions import Fraction
from functools import lru_cache
from math import isfinite, prod, ulp
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
from ..errors import IntegrationFailed
from ..native import Pieces, Walk, compiled
from ..problem import Problem
from ..program import Program
from ..special import specialised
from .trajectory import Trajectory

Floats = NDArray[np.float64]

METHODS: Mapping[str, Any] = {"DOP853": DOP853, "RK45": RK45, "RK23": RK23, "Radau": Radau, "BDF": BDF, "LSODA": LSODA}
_LOOKS = np.arange(8) / 8  # where in a step an event is looked for, so that two crossings in one step are seen
_ROUNDS = 256  # compiled steps between two reports
_LEAST = 100 * np.finfo(float).eps  # the least relative tolerance of SciPy, for which an error is not rounding alone
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
        result, start = {}, 0
        for name, lengths in zip(layout.names, layout.shapes, strict=True):
            result[name] = found[:, start : start + prod(lengths)].reshape(len(moments), *lengths)
            start += prod(lengths)
        return result


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
    return _run(problem, method, rtol, atol, max_evaluations, (), False, report).trajectory


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
    return _run(problem, method, rtol, atol, max_evaluations, events, True, report)


def _run(
    problem: Problem,
    method: str,
    rtol: float,
    atol: float,
    max_evaluations: int,
    events: Sequence[Event],
    dense: bool,
    report: Callable[[float], None] | None,
) -> Followed:
    clock = time.perf_counter()
    layout = problem.layout
    times = np.array([float(t) for t in problem.times])
    watch = _Watch(problem, events) if events else None
    velocity = compiled(problem, 1)
    if method == "DOP853" and velocity is not None:
        walk = Walk(velocity, velocity.start[None], times, rtol=max(rtol, _LEAST), atol=atol, max_steps=2**62, rounds=_ROUNDS if dense else 0)
        path = _walked(walk, times, max_evaluations, watch, dense, report)
    else:
        start = layout.pack_arrays([values(problem.start[name]) for name in layout.names])
        right = velocity.velocity() if velocity else _interpreted(problem)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # what a step did is judged by its result
            solver = METHODS[method](right, 0.0, start, times[-1], rtol=rtol, atol=atol)
            path = _followed(solver, start, times, method, watch, dense, report, max_evaluations)
    engine = "C" if velocity else "NumPy"
    options: dict[str, float | int | str] = {"rtol": rtol, "atol": atol, "evaluations": path.evaluations, "engine": engine}
    moments: tuple[Fraction, ...] = problem.times[: len(path.states)]
    trajectory = Trajectory(problem, moments, tuple(map(layout.unpack_arrays, path.states)), 15, method, options, time.perf_counter() - clock)
    found = tuple(Crossing(event, moment, layout.unpack_arrays(state)) for event, moment, state in path.crossings)
    return Followed(trajectory, found, path.end, path.solution)


@dataclass(frozen=True)
class _Path:
    states: Sequence[Floats]
    crossings: Sequence[tuple[Event, float, Floats]]
    end: float
    evaluations: int
    solution: Any


def _walked(walk: Walk, times: Floats, budget: int, watch: _Watch | None, dense: bool, report: Callable[[float], None] | None) -> _Path:
    """The states at the times by compiled steps, some hundred at a time."""
    states, rows, crossings, going = walk.found[0], [], [], True
    while going:
        rounds = (budget - walk.evaluations) // _COST
        if rounds < 1:
            raise _failed("DOP853", walk.time, times[-1], _spent(budget))
        before = walk.time
        going = walk.on(min(_ROUNDS, rounds))
        if not going and walk.reached[0] < times[-1]:
            raise _failed("DOP853", walk.reached[0], times[-1], "The step size collapsed.")
        until = walk.time
        if dense and (pieces := walk.pieces).size:
            rows.append(pieces)
            if watch is not None:
                found, end = watch.until_the_end(np.append(pieces[:, 0], until), Pieces(pieces))
                crossings += found
                if end is not None:
                    return _Path(states[times <= end], crossings, end, walk.evaluations, Pieces(np.concatenate(rows)))
        if report is not None and until > before:
            report(until / times[-1])
    return _Path(states, crossings, float(times[-1]), walk.evaluations, Pieces(np.concatenate(rows)) if rows else None)


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
    return _Path(states, crossings, until, evaluations, OdeSolution(ends, pieces) if dense else None)


class _Watch:
    """The quantities of events, and where they cross zero within a step."""

    def __init__(self, problem: Problem, events: Sequence[Event]) -> None:
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
