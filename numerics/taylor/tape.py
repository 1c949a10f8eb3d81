"""What Taylor's method needs of a velocity: a handful of operations on whole vectors of power series."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Whole: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class Register:
    """Let a vector of `size` power series in $\\tau$ be kept; a register of size 1 fits beside every other.

    A register with `lag` 1 is a derivative by $\\tau$: its coefficient $k - 1$ is known when those of order $k$ of the others are.
    """

    at: int
    size: int
    lag: int = 0


@dataclass(frozen=True)
class Linear:
    """Let $\\mathrm{out}_{\\mathrm{rows}[t]} \\mathrel{+}= \\mathrm{coefficients}[t]\\,x_{\\mathrm{entries}[t]}$, x being register `sources[t]`."""

    out: Register
    rows: Whole
    sources: Whole
    entries: Whole
    coefficients: NDArray[Any]


@dataclass(frozen=True)
class Product:
    """Entrywise, by Cauchy's rule: $c_k = \\sum_j a_j b_{k-j}$."""

    out: Register
    left: Register
    right: Register


@dataclass(frozen=True)
class Quotient:
    """Entrywise: $c_k = (a_k - \\sum_{j \\ge 1} b_j c_{k-j})/b_0$; `inverse` keeps $1/b_0$."""

    out: Register
    above: Register
    below: Register
    inverse: Register


@dataclass(frozen=True)
class Derivative:
    """By $\\tau$: $d_{k-1} = k\\,a_k$."""

    out: Register
    of: Register


@dataclass(frozen=True)
class Integral:
    """$c_k = d_{k-1}/k$ for $k \\ge 1$; `timed` when d is the derivative by t = h tau, so that it is times h."""

    out: Register
    of: Register
    timed: bool


@dataclass(frozen=True)
class Start:
    """The coefficient of order 0 is the function of another's: `name` is one of `functions.VALUES`; `exponent` is that of "power"."""

    out: Register
    of: Register
    name: str
    exponent: Fraction | None = None


Operation: TypeAlias = Linear | Product | Quotient | Derivative | Integral | Start


@dataclass(frozen=True)
class Tape:
    """The operations in the order in which they are done at every order k; `one` is the constant 1.

    `states` are the parameters as one list of registers in the order of the blocks (the time last, where the velocity depends on it).
    """

    registers: tuple[Register, ...]
    operations: tuple[Operation, ...]
    states: tuple[Register, ...]
    velocities: tuple[Register, ...]
    one: Register
    timed: bool
