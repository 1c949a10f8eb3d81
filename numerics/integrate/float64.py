"""Double precision, with the integrators of SciPy on the NumPy source."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from ..emit.load import compile
from ..emit.numpy import emit, values
from ..errors import IntegrationFailed
from ..problem import Problem
from .trajectory import Trajectory

METHODS = ("DOP853", "RK45", "RK23", "Radau", "BDF", "LSODA")


def integrate(problem: Problem, *, method: str = "DOP853", rtol: float = 1e-12, atol: float = 1e-14, digits: int = 15) -> Trajectory:
    """Let `method` be one of SciPy's: the trajectory with arrays of float64. Use Radau, BDF or LSODA for stiff flows.

    Raises `IntegrationFailed` with the time reached when the step size collapses or the state is no longer finite.
    """
    if digits > 15:
        raise ValueError(f"{digits} digits were asked of {method}, which has 15; use method='taylor'")
    clock = time.perf_counter()
    velocity, layout = _field(problem), problem.layout
    start = layout.pack_arrays([values(problem.start[name]) for name in layout.names])
    times = np.array([float(t) for t in problem.times])
    reached = [0.0]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # LSODA warns and fails; what it did is judged below
        try:
            found = solve_ivp(partial(_watched, velocity, reached), (0.0, times[-1]), start, method=method, t_eval=times, rtol=rtol, atol=atol)
        except (ValueError, np.linalg.LinAlgError) as error:
            raise _failed(problem, method, reached[0], f"its linear algebra stopped: {error}") from error
    if found.status != 0 or not np.all(np.isfinite(found.y)) or found.y.shape[1] != len(times):
        raise _failed(problem, method, reached[0], str(found.message))
    states = tuple(layout.unpack_arrays(column) for column in np.ascontiguousarray(found.y.T))
    options = {"rtol": rtol, "atol": atol, "evaluations": int(found.nfev)}
    return Trajectory(problem, problem.times, states, 15, method, options, time.perf_counter() - clock)


def with_method(name: str) -> Callable[..., Trajectory]:
    """The integrator with its method chosen."""
    return partial(integrate, method=name)


def _field(problem: Problem) -> Callable[[float, NDArray[np.float64]], NDArray[np.float64]]:
    velocity, layout = compile(emit(problem.program, "")), problem.layout
    constants = {v.name: values(problem.data[v.name]) for v in problem.program.inputs}

    def field(t: float, state: NDArray[np.float64]) -> NDArray[np.float64]:
        return layout.pack_arrays(velocity(t, *layout.unpack_arrays(state).values(), **constants))

    return field


def _watched(velocity: Callable[..., NDArray[np.float64]], reached: list[float], t: float, state: NDArray[np.float64]) -> NDArray[np.float64]:
    """The velocity, with the last time noted at which the state and its velocity were finite."""
    slope = velocity(t, state)
    if np.all(np.isfinite(state)) and np.all(np.isfinite(slope)):
        reached[0] = float(t)
    return slope


def _failed(problem: Problem, method: str, reached: float, why: str) -> IntegrationFailed:
    return IntegrationFailed(
        f"{method} stopped near t = {reached:.6g} of {float(problem.times[-1]):.6g}: {why} "
        f"The solution may leave every bounded set or the domain of the flow there; ask for earlier times, or another method.",
        reached=reached,
    )
