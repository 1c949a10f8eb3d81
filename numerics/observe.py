"""Quantities along a trajectory, and how far one of them drifts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sympy as sp
from mpmath import mp

from .evaluate import evaluate
from .exact import exact
from .integrate.trajectory import Trajectory


def observe(
    trajectory: Trajectory,
    expressions: Sequence[sp.Expr],
    *,
    extra: Mapping[str, Any] | None = None,
    digits: int | None = None,
) -> list[list[Any]]:
    """Let expressions in the parameters, constants and definitions of the setting be given: their values, one list for each time.

    `extra` gives exact values for names that are not data of the problem, a kernel vector for instance. `digits` are the trajectory's unless given.
    """
    posed = trajectory.problem
    more = {name: exact(value, name) for name, value in (extra or {}).items()}
    clash = sorted(more.keys() & (posed.data.keys() | posed.start.keys()))
    if clash:
        raise ValueError(f"extra gives {', '.join(clash)}, which the problem has already; give only what it does not have")
    fixed: dict[str, Any] = {**posed.data, **more}
    if posed.program.time is not None:
        fixed[posed.program.time.name] = None
    found = []
    for time, state in zip(trajectory.times, trajectory.states, strict=True):
        if posed.program.time is not None:
            fixed[posed.program.time.name] = time
        values = {**fixed, **state}
        found.append([evaluate(e, posed.setting, posed.sizes, values, digits=digits or trajectory.digits) for e in expressions])
    return found


def drift(trajectory: Trajectory, expression: sp.Expr, *, extra: Mapping[str, Any] | None = None) -> Any:
    """Let $I$ be an expression: $\\max_t |I(t) - I(0)|$ over the times of the trajectory, as an `mpf`."""
    # The states carry guard digits; they are used, so that a drift below the last digit is seen as a small number and not as 0.
    digits = trajectory.digits + 10
    (first,), *later = observe(trajectory, [expression], extra=extra, digits=digits)
    with mp.workdps(digits):
        return max((abs(value - first) for (value,) in later), default=mp.zero)
