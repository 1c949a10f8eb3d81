"""Double precision, with the integrators of SciPy on the NumPy source: states at times, in between, and where a quantity crosses zero."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import prod
from typing import Any, Literal

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy.integrate import BDF, DOP853, LSODA, RK23, RK45, OdeSolution, Radau
from scipy.optimize import brentq

from theory.symbols import Family

from ..batch.field import values_of
from ..batch.quantities import quantities
from ..batch.special import specialised
from ..emit.load import compile
from ..emit.numpy import emit, values
from ..errors import IntegrationFailed
from ..problem import Problem
from ..program import Program
from .trajectory import Trajectory

Floats = NDArray[np.float64]

METHODS: Mapping[str, Any] = {"DOP853": DOP853, "RK45": RK45, "RK23": RK23, "Radau": Radau, "BDF": BDF, "LSODA": LSODA}
_LOOKS = np.linspace(0, 1, 9)  # where in a step an event is looked for, so that two crossings in one step are seen


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

    `report` is told after every step which share of the time is done.

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
    start = layout.pack_arrays([values(problem.start[name]) for name in layout.names])
    times = np.array([float(t) for t in problem.times])
    velocity = _Field(problem, max_evaluations)
    watch = _Watch(problem, events) if events else None
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what a step did is judged by its result
        solver = METHODS[method](velocity, 0.0, start, times[-1], rtol=rtol, atol=atol)
        path = _followed(solver, start, times, method, watch, dense, report)
    options = {"rtol": rtol, "atol": atol, "evaluations": velocity.evaluations}
    moments: tuple[Fraction, ...] = problem.times[: len(path.states)]
    trajectory = Trajectory(problem, moments, tuple(map(layout.unpack_arrays, path.states)), 15, method, options, time.perf_counter() - clock)
    found = tuple(Crossing(event, moment, layout.unpack_arrays(state)) for event, moment, state in path.crossings)
    return Followed(trajectory, found, path.end, OdeSolution(path.ends, path.pieces) if dense else None)


@dataclass(frozen=True)
class _Path:
    states: list[Floats]
    crossings: list[tuple[Event, float, Floats]]
    ends: list[float]
    pieces: list[Any]
    end: float


def _followed(
    solver: Any, start: Floats, times: Floats, method: str, watch: _Watch | None, dense: bool, report: Callable[[float], None] | None
) -> _Path:
    """The states at the times, step by step; every way to fail is one exception."""
    path = _Path([start], [], [0.0], [], float(times[-1]))
    while solver.status == "running":
        before = solver.t
        try:
            message = solver.step()
        except (ValueError, np.linalg.LinAlgError, _Spent) as error:
            raise _failed(method, before, times[-1], str(error)) from error
        if solver.status == "failed":
            raise _failed(method, before, times[-1], message)
        if not np.isfinite(solver.y).all():
            raise _failed(method, before, times[-1], "The state is no longer finite.")
        if solver.status == "running" and solver.t - before <= 2 * np.spacing(before):
            raise _failed(method, before, times[-1], "The step size collapsed.")
        passed = times[len(path.states) : int(np.searchsorted(times, solver.t, side="right"))]
        inside = solver.dense_output() if dense or watch or (passed.size and passed[0] < solver.t) else None
        until = solver.t
        if watch is not None:
            found = watch.crossings(before, solver.t, inside)
            ending = next((n for n, (event, _, _) in enumerate(found) if event.ends), None)
            if ending is not None:
                found = found[: ending + 1]
                until = found[-1][1]
            path.crossings.extend(found)
        path.states.extend(solver.y.copy() if moment == solver.t else inside(moment) for moment in passed if moment <= until)  # type: ignore[misc]
        if dense:
            path.ends.append(solver.t)
            path.pieces.append(inside)
        if report is not None:
            report(until / times[-1])
        if until < solver.t:
            return _Path(path.states, path.crossings, path.ends, path.pieces, until)
    return path


class _Watch:
    """The quantities of events, and where they cross zero within a step."""

    def __init__(self, problem: Problem, events: Sequence[Event]) -> None:
        self.events = events
        self.values = values_of(problem, quantities(problem.setting, {str(n): Family((), event.quantity) for n, event in enumerate(events)}))

    def crossings(self, before: float, after: float, inside: Any) -> list[tuple[Event, float, Floats]]:
        """The crossings in a step, in the order of time, with the states there."""
        moments = before + _LOOKS * (after - before)
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


class _Spent(Exception):
    """The evaluations are spent."""


class _Field:
    """The velocity as a function of one vector, with its evaluations counted."""

    def __init__(self, problem: Problem, budget: int) -> None:
        self.evaluations = 0
        self._budget = budget
        special = specialised(problem.program, problem.data)
        self._velocity = compile(_source(special))
        self._constants = {variable.name: values(problem.data[variable.name]) for variable in special.inputs}
        self._size = problem.layout.size
        self._places: list[Any] = []
        self._tensors: dict[int, tuple[int, ...]] = {}
        start = 0
        for n, lengths in enumerate(problem.layout.shapes):
            self._places.append(slice(start, start + prod(lengths)) if lengths else start)
            if len(lengths) > 1:
                self._tensors[n] = lengths
            start += prod(lengths)

    def __call__(self, t: float, state: Floats) -> Floats:
        self.evaluations += 1
        if self.evaluations > self._budget:
            raise _Spent(f"The budget of {self._budget} evaluations is spent; raise max_evaluations.")
        blocks = [state[place] for place in self._places]
        for n, lengths in self._tensors.items():
            blocks[n] = blocks[n].reshape(lengths)
        values = self._velocity(t, *blocks, **self._constants)
        found = np.empty(self._size)
        for n, place in enumerate(self._places):
            found[place] = values[n].ravel() if n in self._tensors else values[n]
        return found


def _failed(method: str, reached: float, end: float, why: str) -> IntegrationFailed:
    return IntegrationFailed(
        f"{method} stopped near t = {reached:.6g} of {end:.6g}: {why} "
        f"The solution may leave every bounded set or the domain of the flow there; ask for earlier times, or another method.",
        reached=float(reached),
    )
