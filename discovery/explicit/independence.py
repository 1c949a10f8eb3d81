"""Which laws are functions of others: gradients by what moves, at a random point of the domain."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import sympy as sp

from .modular import Array, Echelon, P
from .system import Points, System, gradient


class Independence:
    """Let laws be gathered one after the other: those that depend on the ones before are told.

    The gradients of functions that are independent on the domain are independent at a random point of it; that they are dependent there by chance has
    a probability of about degree / p.
    """

    def __init__(self, system: System, random: np.random.Generator) -> None:
        self.system = system
        self.random = random
        self.place: Points = system.on_domain(1, random)
        self._rows = Echelon()

    @property
    def size(self) -> int:
        return self._rows.size

    def adds(self, law: sp.Expr) -> bool:
        """Take a law in, unless it is a function of the others."""
        return self.adds_slope(gradient(self.system, law, self.place, self.random)[:, 0])

    def adds_slope(self, slope: Array) -> bool:
        """The same, for a law given by its derivatives by all coordinates at `place`."""
        if self._jacobian is None:
            return self._rows.adds(slope[: len(self.system.moving)])
        return self._rows.adds((slope[:, None] * self._jacobian % P).sum(axis=0))

    @cached_property
    def _jacobian(self) -> Array | None:
        """Of all coordinates by what moves; none where the two are the same."""
        return self.system.jacobian(self.place)[:, :, 0] if self.system.adjoined else None
