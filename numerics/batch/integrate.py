"""Thousands of trajectories at once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..native import WIDTH, Walk, compiled
from ..problem import Problem
from . import dop853
from .field import check_lanes, columns, field
from .trajectories import Trajectories

Floats = NDArray[np.float64]

_ROUNDS = 1000  # steps of all lanes, after which an interrupt is heard


def integrate_batch(
    problem: Problem,
    starts: Mapping[str, Any],
    *,
    data: Mapping[str, Any] | None = None,
    rtol: float = 1e-9,
    atol: float = 1e-11,
    max_steps: int = 100_000,
) -> Trajectories:
    """Let `starts` give every block an array of the shape $(B, \\ldots)$: the $B$ trajectories, at the times of the problem, in float64.

    Sizes and data are the problem's; `data` gives those that differ from trajectory to trajectory, as arrays of the shape $(B, \\ldots)$.
    A trajectory that cannot be followed to the end has NaN from there on, and `reached` says how far it came. The method is DOP853, with step sizes
    of each trajectory's own: compiled where there is a C compiler, otherwise with NumPy; the `engine` among the options of the result says which.

    Raises `InvalidProblem` for starts and data that do not fit, `ValueError` for tolerances that do not.
    """
    if not (rtol >= 1e-14 and atol >= 0):
        raise ValueError(f"the tolerances rtol={rtol:g} and atol={atol:g} were given; wanted are rtol of at least 1e-14 and atol of at least 0")
    clock = time.perf_counter()
    state = columns(problem.layout, starts)
    lanes = {name: np.asarray(value, dtype=np.float64) for name, value in (data or {}).items()}
    for name, value in lanes.items():
        if value.ndim == 0 or value.shape[0] != state.shape[1]:
            raise ValueError(f"{name} was given with the shape {value.shape}; its first axis should have the length {state.shape[1]} of the batch")
    check_lanes(problem, problem.program, lanes)
    times = np.array([float(moment) for moment in problem.times])
    velocity = compiled(problem, WIDTH, frozenset(lanes))
    if velocity is None:
        found, reached, steps = _with_numpy(problem, state, times, lanes, (rtol, atol), max_steps)
    else:
        walk = Walk(velocity, state.T, times, lanes)
        walk.afresh(rtol=rtol, atol=atol, max_steps=max_steps)
        while walk.on(_ROUNDS):
            pass
        found, reached, steps = walk.found, walk.reached, walk.steps
    options = {"rtol": rtol, "atol": atol, "max_steps": max_steps, "engine": "NumPy" if velocity is None else "C"}
    return Trajectories(problem, problem.times, _blocks(problem, found), reached, steps, "DOP853, batched", options, time.perf_counter() - clock)


def _with_numpy(
    problem: Problem, state: Floats, times: Floats, lanes: Mapping[str, Floats], tolerances: tuple[float, float], max_steps: int
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    size, count = state.shape
    found = np.full((len(times), size, count), np.nan)
    reached, steps = np.zeros(count), np.zeros(count, dtype=np.int64)
    dop853.follow_all(field(problem, data=lanes), state, times, tolerances, max_steps, found, reached, steps)
    return np.ascontiguousarray(found.transpose(2, 0, 1)), reached, steps


def _blocks(problem: Problem, found: Floats) -> dict[str, Floats]:
    """States of the shape (B, T, D), block by block."""
    blocks, start = {}, 0
    for name, lengths in zip(problem.layout.names, problem.layout.shapes, strict=True):
        stop = start + prod(lengths)
        blocks[name] = np.ascontiguousarray(found[:, :, start:stop]).reshape(*found.shape[:2], *lengths)
        start = stop
    return blocks
