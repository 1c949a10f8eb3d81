"""A trajectory between its steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dop853 import ROWS

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pieces:
    """Let every row be a step: its time $t_0$, its length h, the state $y_0$ before it and $c_0, \\ldots, c_6$.

    With $x = (t - t_0)/h$ the state is $y_0 + x(c_0 + (1 - x)(c_1 + x(c_2 + (1 - x)(c_3 + \\cdots))))$, of order 7.
    Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I, II.6.
    """

    rows: Floats

    def __call__(self, moments: Any) -> Floats:
        """The states at a moment, of the shape (D,), or at many, of the shape (D, T)."""
        wanted = np.atleast_1d(np.asarray(moments, dtype=np.float64))
        which = np.clip(np.searchsorted(self.rows[:, 0], wanted, side="right") - 1, 0, len(self.rows) - 1)
        steps = self.rows[which]
        share = ((wanted - steps[:, 0]) / steps[:, 1])[:, None]
        state, *terms = np.moveaxis(steps[:, 2:].reshape(len(wanted), ROWS, -1), 1, 0)
        value = np.zeros_like(state)
        for n in reversed(range(len(terms))):
            value = (value + terms[n]) * (1 - share if n % 2 else share)
        found: Floats = (state + value).T
        return found if np.ndim(moments) else found[:, 0]
