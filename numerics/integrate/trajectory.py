"""What every integrator returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from ..flat import Layout
from ..problem import Problem


@dataclass(frozen=True, eq=False)
class States(Sequence[Mapping[str, Any]]):
    """Let `rows` be packed states, of the shape (T, D): the states block by block, each unpacked when it is asked for."""

    layout: Layout
    rows: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, place: int) -> Mapping[str, Any]: ...
    @overload
    def __getitem__(self, place: slice) -> States: ...
    def __getitem__(self, place: int | slice) -> Mapping[str, Any] | States:
        return States(self.layout, self.rows[place]) if isinstance(place, slice) else self.layout.unpack_arrays(self.rows[place])


@dataclass(frozen=True)
class Trajectory:
    """Let a problem be integrated: the states at its times, block by block, as `mpf` in nested tuples or as NumPy arrays.

    `digits` is what was asked for, not a bound on the error. `achieved`, where it is known, says that $10^{-\\mathrm{achieved}} \\max(1, |x|)$ is
    more than the error of every entry x, by comparison with a run of other precision, order and step sizes. `options` records tolerances and
    budgets. `seconds` is wall time, and no part of the value.
    """

    problem: Problem
    times: tuple[Fraction, ...]
    states: Sequence[Mapping[str, Any]]
    digits: int
    method: str
    options: Mapping[str, float | int | str] = field(default_factory=dict)
    seconds: float | None = field(default=None, compare=False)
    achieved: int | None = None

    def __getitem__(self, name: str) -> tuple[Any, ...]:
        """One block at all times."""
        return tuple(state[name] for state in self.states)
