"""What an integration of many trajectories returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..problem import Problem


@dataclass(frozen=True)
class Trajectories:
    """Let $B$ trajectories of one flow be followed over $T$ times: block by block, arrays of the shape $(B, T, \\ldots)$.

    `reached` is how far each came; after that its states are NaN, and `steps` counts the steps it took.
    """

    problem: Problem
    times: tuple[Fraction, ...]
    states: Mapping[str, NDArray[np.float64]]
    reached: NDArray[np.float64]
    steps: NDArray[np.int64]
    method: str
    options: Mapping[str, float | int | str] = field(default_factory=dict)
    seconds: float | None = field(default=None, compare=False)

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        """One block of all trajectories at all times."""
        return self.states[name]

    def __len__(self) -> int:
        return len(self.reached)

    @property
    def finished(self) -> NDArray[np.bool_]:
        """Which trajectories came to the last time."""
        found: NDArray[np.bool_] = self.reached == float(self.times[-1])
        return found

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {value.shape}" for name, value in self.states.items())
        return f"Trajectories({shapes}; {int(self.finished.sum())} of {len(self)} to t = {self.times[-1]}, {self.method})"

    def _repr_html_(self) -> str:
        rows: list[tuple[str, Any]] = [
            ("trajectories", f"{len(self)}, of which {int(self.finished.sum())} came to t = {self.times[-1]}"),
            ("times", len(self.times)),
            *((name, f"shape {value.shape}") for name, value in self.states.items()),
            ("steps of each", f"{int(self.steps.min())} to {int(self.steps.max())}"),
            ("method", f"{self.method} {dict(self.options)}"),
        ]
        return "<table>" + "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows) + "</table>"
