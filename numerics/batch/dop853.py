"""Many trajectories at once by the method of Dormand and Prince of order 8, each with a step size of its own.

The steps of all trajectories are taken together, so that Python's cost is shared by all of them; how long each step is, and whether it is accepted,
is decided for each trajectory alone. Those that have arrived are taken out. The batch is gone through in blocks that fit into the cache.

Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I, II.5 and II.10; the tableau is SciPy's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import DOP853

from .field import Field

Floats = NDArray[np.float64]

STAGES = 12
# In this order a combination is one stretch of stages, all of them of this step: 1 and 2 serve only the first few.
ORDER = (2, 1, 0, *range(3, 13))
PLACE = {stage: place for place, stage in enumerate(ORDER)}
CACHE = 1 << 15  # numbers in one stage of a block
_SMALLEST, _LARGEST, _SAFETY = 0.2, 10.0, 0.9


def _row(coefficients: Any) -> tuple[slice, Floats]:
    """The coefficients of a combination of stages, in the order they are stored, from the first to the last that is not zero."""
    stored = np.zeros(13)
    for stage, value in enumerate(coefficients):
        stored[PLACE[stage]] = value
    used = np.flatnonzero(stored)
    places = slice(int(used[0]), int(used[-1]) + 1)
    return places, np.ascontiguousarray(stored[places])


_A = [_row(DOP853.A[stage, :stage]) for stage in range(1, STAGES)]
_B, _E5, _E3 = _row(DOP853.B), _row(DOP853.E5), _row(DOP853.E3)


def follow_all(
    velocity: Field,
    y: Floats,
    times: Floats,
    tolerances: tuple[float, float],
    max_steps: int,
    found: Floats,
    reached: Floats,
    steps: NDArray[np.int64],
) -> None:
    """Fill in `found`, `reached` and `steps` for the columns of `y`, block by block."""
    size, count = y.shape
    width = max(8, CACHE // max(size, 1))
    with np.errstate(all="ignore"):  # what a step did is judged by its result
        for first in range(0, count, width):
            part = slice(first, min(first + width, count))
            lanes = velocity.take(np.arange(count)[part])
            follow(lanes, y[:, part], times, tolerances, max_steps, found[:, :, part], reached[part], steps[part])


def follow(
    velocity: Field, y: Floats, times: Floats, tolerances: tuple[float, float], max_steps: int, found: Floats, reached: Floats, steps: Any
) -> None:
    """Fill in `found`, `reached` and `steps` for one block."""
    rtol, atol = tolerances
    size, width = y.shape
    lane = np.arange(width)  # which trajectory stands in which column
    y = np.ascontiguousarray(y)
    t = np.zeros(width)
    found[0] = y
    slopes = np.empty((13, size, width))
    slope = velocity(t, y)
    h = first_step(velocity, y, slope, times[-1], rtol, atol)
    goal = np.ones(width, dtype=np.intp)
    rejected = np.zeros(width, dtype=bool)
    count = 0
    while lane.size:
        count += 1
        wanted = times[goal]
        last = t + h * (1 + 1e-12) >= wanted
        step = np.where(last, wanted - t, h)
        slopes[PLACE[0]] = slope
        for stage in range(1, STAGES):
            velocity(t + DOP853.C[stage] * step, y + step * combined(slopes, _A[stage - 1]), slopes[PLACE[stage]])
        new = y + step * combined(slopes, _B)
        velocity(t + step, new, slopes[PLACE[12]])
        error = error_norm(slopes, np.abs(step), atol + rtol * np.maximum(np.abs(y), np.abs(new)))
        error = np.where(np.isfinite(error), error, np.inf)
        accepted = error < 1
        factor = np.clip(_SAFETY * np.maximum(error, 1e-300) ** -0.125, _SMALLEST, _LARGEST)
        factor = np.where(rejected & accepted, np.minimum(factor, 1), factor)
        np.copyto(y, new, where=accepted)
        np.copyto(slope, slopes[PLACE[12]], where=accepted)
        moved = np.where(last, wanted, t + step)
        t = np.where(accepted, moved, t)
        # A step cut short to meet a time says nothing against the length that was meant.
        h = np.where(accepted & last, np.maximum(h, step * factor), step * factor)
        rejected = ~accepted
        arrived = accepted & last
        if arrived.any():
            places = np.flatnonzero(arrived)
            found[goal[places], :, lane[places]] = y[:, places].T
            goal[places] += 1
        gone = (goal == len(times)) | (h < 8 * np.spacing(np.maximum(t, times[-1] * 1e-12))) | (count >= max_steps)
        if gone.any():
            reached[lane[gone]], steps[lane[gone]] = t[gone], count
            kept = np.flatnonzero(~gone)
            velocity, lane = velocity.take(kept), lane[kept]
            y, slope = np.ascontiguousarray(y[:, kept]), np.ascontiguousarray(slope[:, kept])
            t, h, goal, rejected = t[kept], h[kept], goal[kept], rejected[kept]
            slopes = np.empty((13, size, kept.size))


def combined(slopes: Floats, row: tuple[slice, Floats]) -> Floats:
    """A combination of stages."""
    places, coefficients = row
    _, size, width = slopes.shape
    result: Floats = (coefficients @ slopes[places].reshape(len(coefficients), size * width)).reshape(size, width)
    return result


def error_norm(slopes: Floats, step: Floats, scale: Floats) -> Floats:
    """The error of a step in units of the tolerance, of order 8, from the two embedded formulas."""
    fifth = combined(slopes, _E5)
    third = combined(slopes, _E3)
    fifth /= scale
    third /= scale
    a, b = (np.einsum("dz,dz->z", part, part) for part in (fifth, third))
    below = np.sqrt((a + 0.01 * b) * scale.shape[0])
    return np.where(below > 0, step * a / np.where(below > 0, below, 1), np.where(np.isnan(below), np.inf, 0.0))


def first_step(velocity: Field, y: Floats, slope: Floats, end: float, rtol: float, atol: float) -> Floats:
    """A first step size for each trajectory (Hairer, Norsett, Wanner, II.4)."""
    scale = atol + rtol * np.abs(y)
    size = np.sqrt(np.mean((y / scale) ** 2, axis=0))
    speed = np.sqrt(np.mean((slope / scale) ** 2, axis=0))
    guess = np.where((size < 1e-5) | (speed < 1e-5), 1e-6, 0.01 * size / np.where(speed > 0, speed, 1))
    guess = np.minimum(guess, end)
    bend = np.sqrt(np.mean(((velocity(guess, y + guess * slope) - slope) / scale) ** 2, axis=0)) / guess
    largest = np.maximum(speed, bend)
    other = np.where(largest <= 1e-15, np.maximum(1e-6, guess * 1e-3), (0.01 / np.where(largest > 0, largest, 1)) ** 0.125)
    found = np.minimum(np.minimum(100 * guess, other), end)
    return np.where(np.isfinite(found) & (found > 0), found, 1e-6 * end)
