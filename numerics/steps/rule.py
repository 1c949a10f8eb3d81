"""What a rule for steps is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from ..batch.field import Columns, Field
from ..errors import InvalidProblem
from ..exact import rational
from ..problem import Problem


@dataclass(frozen=True)
class State:
    """Let $n$ steps be taken and the time be $t$: the points $\\theta$ as columns, and what the rule remembers besides (a momentum)."""

    count: int
    time: Fraction
    theta: Columns
    memory: Columns | None = None


@dataclass(frozen=True)
class Ground:
    """What a rule is built on: the problem, its velocity on columns, whether numbers are fractions, and the source of chance."""

    problem: Problem
    velocity: Field
    exact: bool
    random: np.random.Generator

    def number(self, value: Fraction) -> Any:
        """An exact number as the columns want it."""
        return value if self.exact else float(value)

    def at(self, state: State) -> Columns:
        """The velocity at a state."""
        return self.velocity(self.moments(state.time, state.theta), state.theta)

    def moments(self, time: Fraction, theta: Columns) -> Any:
        """A time, once for each column where the flow depends on it."""
        if self.problem.program.time is None:
            return self.number(time)
        found = np.empty(theta.shape[1], dtype=object if self.exact else np.float64)
        found[:] = self.number(time)
        return found


Step: TypeAlias = Callable[[State], State]


@dataclass(frozen=True)
class Rule:
    """Let `build(ground)` be a map from states to states.

    `on_spheres` says whether it keeps the spheres of the flow; `chance` names the convention of a stochastic rule, and is empty without chance.
    """

    name: str
    build: Callable[[Ground], Step]
    options: Mapping[str, Fraction | str] = field(default_factory=dict)
    on_spheres: bool = False
    chance: str = ""


def positive(value: Any, what: str) -> Fraction:
    """A step size. Raises `InvalidProblem` for what is no positive rational number."""
    found = rational(value, what)
    if found <= 0:
        raise InvalidProblem(f"{what} = {found} was given; a positive number is wanted")
    return found
