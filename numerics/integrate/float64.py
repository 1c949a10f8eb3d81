"""Double precision, with the integrators of SciPy on the NumPy source."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import BDF, DOP853, LSODA, RK23, RK45, Radau

from ..emit.load import compile
from ..emit.numpy import emit, values
from ..errors import IntegrationFailed
from ..problem import Problem
from .trajectory import Trajectory

METHODS: Mapping[str, Any] = {"DOP853": DOP853, "RK45": RK45, "RK23": RK23, "Radau": Radau, "BDF": BDF, "LSODA": LSODA}


def integrate(
    problem: Problem,
    *,
    method: str = "DOP853",
    rtol: float = 1e-12,
    atol: float = 1e-14,
    digits: int = 15,
    max_evaluations: int = 10_000_000,
) -> Trajectory:
    """Let `method` be one of SciPy's: the trajectory with arrays of float64. Use Radau, BDF or LSODA for stiff flows.

    Raises `IntegrationFailed` with the time reached when the step size collapses, the state is no longer finite, or the evaluations are spent.
    """
    if digits > 15:
        raise ValueError(f"{digits} digits were asked of {method}, which has 15; use method='taylor'")
    clock = time.perf_counter()
    layout = problem.layout
    start = layout.pack_arrays([values(problem.start[name]) for name in layout.names])
    times = np.array([float(t) for t in problem.times])
    field = _Field(problem, max_evaluations)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what a step did is judged by its result
        states = _followed(METHODS[method](field, 0.0, start, times[-1], rtol=rtol, atol=atol), start, times, method)
    options = {"rtol": rtol, "atol": atol, "evaluations": field.evaluations}
    return Trajectory(problem, problem.times, tuple(map(layout.unpack_arrays, states)), 15, method, options, time.perf_counter() - clock)


def _followed(solver: Any, start: NDArray[np.float64], times: NDArray[np.float64], method: str) -> list[NDArray[np.float64]]:
    """The states at the times, step by step; every way to fail is one exception."""
    states = [start]
    while solver.status == "running":
        before = solver.t
        try:
            message = solver.step()
        except (ValueError, np.linalg.LinAlgError, _Spent) as error:
            raise _failed(method, before, times[-1], str(error)) from error
        if solver.status == "failed":
            raise _failed(method, before, times[-1], message)
        if not np.all(np.isfinite(solver.y)):
            raise _failed(method, before, times[-1], "The state is no longer finite.")
        if solver.status == "running" and solver.t - before <= 2 * np.spacing(before):
            raise _failed(method, before, times[-1], "The step size collapsed.")
        passed = times[len(states) : int(np.searchsorted(times, solver.t, side="right"))]
        if passed.size:
            dense = solver.dense_output()
            states += [solver.y.copy() if moment == solver.t else dense(moment) for moment in passed]
    return states


class _Spent(Exception):
    """The evaluations are spent."""


class _Field:
    """The velocity as a function of one vector, with its evaluations counted."""

    def __init__(self, problem: Problem, budget: int) -> None:
        self.evaluations = 0
        self._budget = budget
        self._layout = problem.layout
        self._velocity = compile(emit(problem.program, ""))
        self._constants = {variable.name: values(problem.data[variable.name]) for variable in problem.program.inputs}

    def __call__(self, t: float, state: NDArray[np.float64]) -> NDArray[np.float64]:
        self.evaluations += 1
        if self.evaluations > self._budget:
            raise _Spent(f"The budget of {self._budget} evaluations is spent; raise max_evaluations.")
        return self._layout.pack_arrays(self._velocity(t, *self._layout.unpack_arrays(state).values(), **self._constants))


def _failed(method: str, reached: float, end: float, why: str) -> IntegrationFailed:
    return IntegrationFailed(
        f"{method} stopped near t = {reached:.6g} of {end:.6g}: {why} "
        f"The solution may leave every bounded set or the domain of the flow there; ask for earlier times, or another method.",
        reached=float(reached),
    )
