"""Thousands of trajectories at once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from ..problem import Problem
from . import dop853, heyoka
from .field import Columns, arrays, columns, field
from .trajectories import Trajectories


def integrate_batch(
    problem: Problem,
    starts: Mapping[str, Any],
    *,
    data: Mapping[str, Any] | None = None,
    method: Literal["DOP853", "heyoka"] = "DOP853",
    rtol: float = 1e-9,
    atol: float = 1e-11,
    max_steps: int = 100_000,
) -> Trajectories:
    """Let `starts` give every block an array of the shape $(B, \\ldots)$: the $B$ trajectories, at the times of the problem, in float64.

    Sizes and data are the problem's; `data` gives those that differ from trajectory to trajectory, as arrays of the shape $(B, \\ldots)$.
    A trajectory that cannot be followed to the end has NaN from there on, and `reached` says how far it came. `heyoka` compiles for some seconds
    and is faster then, for up to a few dozen entries; it knows `rtol` alone.

    Raises `InvalidProblem` for starts that do not fit, `ValueError` for data, tolerances and methods that do not, `Unsupported` where heyoka cannot.
    """
    if method not in ("DOP853", "heyoka"):
        raise ValueError(f"there is no method {method!r} for many trajectories; choose DOP853 or heyoka")
    if not (rtol >= 1e-14 and atol >= 0):
        raise ValueError(f"the tolerances rtol={rtol:g} and atol={atol:g} were given; wanted are rtol of at least 1e-14 and atol of at least 0")
    clock = time.perf_counter()
    state = columns(problem.layout, starts)
    lanes = {name: np.asarray(value, dtype=np.float64) for name, value in (data or {}).items()}
    for name, value in lanes.items():
        if value.ndim == 0 or value.shape[0] != state.shape[1]:
            raise ValueError(f"{name} was given with the shape {value.shape}; its first axis should have the length {state.shape[1]} of the batch")
    velocity = field(problem, data=lanes)
    times = np.array([float(moment) for moment in problem.times])
    size, count = state.shape
    found = np.full((len(times), size, count), np.nan)
    found[0] = state
    reached, steps = np.zeros(count), np.zeros(count, dtype=np.int64)
    left = np.arange(count)
    if method == "heyoka":
        moving = {name: velocity.constants[name] for name in velocity.lanes}
        left = heyoka.follow(problem, state, times, moving, rtol, found, reached, steps)
    if left.size:
        parts = np.empty((len(times), size, left.size)), np.zeros(left.size), np.zeros(left.size, dtype=np.int64)
        parts[0][...] = np.nan
        dop853.follow_all(velocity.take(left), state[:, left], times, (rtol, atol), max_steps, *parts)
        found[:, :, left], reached[left], steps[left] = parts
    options = {"rtol": rtol, "atol": atol, "max_steps": max_steps}
    return Trajectories(problem, problem.times, _stacked(problem, found), reached, steps, f"{method}, batched", options, time.perf_counter() - clock)


def _stacked(problem: Problem, found: Columns) -> dict[str, Columns]:
    per_time = [arrays(problem.layout, moment) for moment in found]
    return {name: np.stack([moment[name] for moment in per_time], axis=1) for name in problem.layout.names}
