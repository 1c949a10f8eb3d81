"""Damped Newton on a convex function."""

from __future__ import annotations

from .dual import Dual, State, Vector

STEEPEST, FLATTEST = 0.9, 0.5  # of the slope at the start of a line: more than the first is too short a step, less than minus the second too long
HALVINGS = 80


def descend(dual: Dual, start: Vector, *, small: float, most: int = 300) -> tuple[Vector, float]:
    """Let a convex function be given by its gradients: multipliers where the gradient is `small`, or what was reached in `most` steps; and its size.

    The length of a step is chosen by the slope along it alone, which for a convex function never decreases; values are not needed.
    """
    place, state = start, dual.at(start)
    best, least, idle = start, float("inf"), 0
    for _ in range(most):
        if state is None or state.size <= small:
            break
        best, least, idle = (place, state.size, 0) if state.size < least else (best, least, idle + 1)
        if idle > 40:
            break
        place, state = _line(dual, place, state)
    return (place, state.size) if state is not None and state.size < least else (best, least)


def _line(dual: Dual, place: Vector, state: State) -> tuple[Vector, State | None]:
    """A place along the step where the slope is flat enough."""
    first = dual.slope(state, state.step)
    low, high, length = 0.0, None, 1.0
    found: tuple[Vector, State | None] = place, state
    for _ in range(HALVINGS):
        there = dual.moved(place, length, state.step)
        reached = dual.at(there)
        slope = None if reached is None else dual.slope(reached, state.step)
        if slope is None or slope > -FLATTEST * first:
            high = length
        else:
            found = there, reached
            if slope >= STEEPEST * first:
                return found
            low = length
        length = 2 * length if high is None else (low + high) / 2
    return found
