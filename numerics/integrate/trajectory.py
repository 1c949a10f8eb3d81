"""What every integrator returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ..problem import Problem


@dataclass(frozen=True)
class Trajectory:
    """Let a problem be integrated: the states at its times, block by block, as `mpf` in nested tuples or as NumPy arrays.

    `digits` is what was asked for, not a bound on the error. `achieved`, where it is known, says that $10^{-\\mathrm{achieved}} \\max(1, |x|)$ is
    more than the error of every entry x, by comparison with a run of other precision, order and step sizes. `options` records tolerances and
    budgets. `seconds` is wall time, and no part of the value.
    """

    problem: Problem
    times: tuple[Fraction, ...]
    states: tuple[Mapping[str, Any], ...]
    digits: int
    method: str
    options: Mapping[str, float | int | str] = field(default_factory=dict)
    seconds: float | None = field(default=None, compare=False)
    achieved: int | None = None

    def __getitem__(self, name: str) -> tuple[Any, ...]:
        """One block at all times."""
        return tuple(state[name] for state in self.states)
