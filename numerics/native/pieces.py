"""A trajectory between its steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dop853 import ROWS, stepper

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pieces:
    """Let every row be a step of code compiled with `flags`: its time $t_0$, its length h, the state $y_0$ before it and $c_0, \\ldots, c_6$.

    With $x = (t - t_0)/h$ the state is $y_0 + x(c_0 + (1 - x)(c_1 + x(c_2 + (1 - x)(c_3 + \\cdots))))$, of order 7.
    Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I, II.6.
    """

    rows: Floats
    flags: tuple[str, ...] = ()

    def __call__(self, moments: Any) -> Floats:
        """The states at a moment, of the shape (D,), or at many, of the shape (D, T). Raises `ValueError` for a table of moments."""
        wanted = np.ascontiguousarray(moments, dtype=np.float64)  # at least one axis
        if wanted.ndim > 1:
            raise ValueError(f"times of the shape {wanted.shape} were given; a number, or a list of numbers, is wanted")
        rows = np.ascontiguousarray(self.rows)
        found = np.empty((len(wanted), (rows.shape[1] - 2) // ROWS))
        stepper(1, self.flags).between(rows.ctypes.data, len(rows), found.shape[1], wanted.ctypes.data, len(wanted), found.ctypes.data)
        return found.T if np.ndim(moments) else found[0]


def joined(parts: Sequence[Pieces]) -> Pieces:
    """Pieces one after the other."""
    return parts[0] if len(parts) == 1 else replace(parts[0], rows=np.concatenate([part.rows for part in parts]))
