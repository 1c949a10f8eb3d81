"""A trajectory as polynomials of high degree, one after the other, with coefficients of fixed point: nothing about them is proved here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import log2
from typing import Any

import heyoka as hy
import numpy as np

from ..errors import IntegrationFailed
from ..exact import entries
from ..integrate.scalars import equations
from ..problem import Problem

Place = tuple[str, tuple[int, ...]]
_SHORTEST = 2.0**-40
_EFFORT = 0  # of the compiler: the time goes into calls of MPFR, which it cannot make faster


@dataclass(frozen=True)
class Piece:
    """Let $0 \\le s \\le 1$: entry $i$ of the state at the time start + length $s$ is near $2^{-b} \\sum_k \\mathrm{rows}_{ik} s^k$, $b$ bits."""

    start: Fraction
    length: Fraction
    bits: int
    rows: tuple[tuple[int, ...], ...]

    @property
    def end(self) -> Fraction:
        return self.start + self.length


@dataclass
class Pieces:
    """Let a problem be followed with `bits` bits after the point, each piece beginning where the last one accepted ends."""

    problem: Problem
    bits: int
    guard: int = 24

    def __post_init__(self) -> None:
        self.time, self.rows = Fraction(0), [[round(value * 2**self.bits)] for value in self.problem.layout.pack(self.problem.start)]

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """The entries of the state, in the order of the rows."""
        return tuple((name, place) for name in self.problem.layout.names for place, _ in entries(self.problem.start[name]))

    @cached_property
    def _solver(self) -> Any:
        system = equations(self.problem)
        precision = self._precision
        parameters = {"pars": np.array([self._number(value) for value in system.parameters])} if system.parameters else {}
        return hy.taylor_adaptive(
            [(hy.expression(name), right) for name, right in zip(system.names, system.right, strict=True)],
            self._state(),
            fp_type=hy.real,
            prec=precision,
            tol=self._number(Fraction(1, 2**self.bits)),
            compact_mode=True,
            opt_level=_EFFORT,
            **parameters,
        )

    @property
    def _precision(self) -> int:
        return self.bits + self.guard

    def _number(self, value: Any) -> Any:
        if hasattr(value, "numerator"):
            return hy.real(int(value.numerator), self._precision) / hy.real(int(value.denominator), self._precision)
        return hy.real(str(value.evalf(self._precision * 0.30103 + 5)), self._precision)

    def _state(self) -> Any:
        return np.array([self._number(Fraction(sum(row), 2**self.bits)) for row in self.rows])

    def follow(self) -> Fraction:
        """Compute the series at the present time, and say how long a step they are good for.

        Raises `IntegrationFailed` where they are not finite.
        """
        solver = self._solver
        solver.time = self._number(self.time)
        solver.state[:] = self._state()
        outcome, length = solver.step(write_tc=True)
        if outcome == hy.taylor_outcome.err_nf_state or not np.all(np.isfinite(solver.tc)) or float(length) < _SHORTEST:
            raise IntegrationFailed(f"the series at t = {float(self.time):.6g} are not finite, or good for no step at all", reached=float(self.time))
        return _short(float(length))

    def piece(self, length: Fraction) -> Piece:
        """The polynomials of the present series, for a time `length`."""
        step, powers = self._number(length), [self._number(Fraction(2**self.bits))]
        for _ in range(self._solver.tc.shape[1] - 1):
            powers.append(powers[-1] * step)
        half = self._number(Fraction(1, 2))
        scaled = self._solver.tc * np.array(powers)
        rows = [tuple(_nearest(c, half) for c in line) for line in scaled]
        # The piece begins exactly where the last one ended.
        return Piece(self.time, length, self.bits, tuple(_trimmed((sum(old), *new[1:])) for old, new in zip(self.rows, rows, strict=True)))

    def accept(self, piece: Piece) -> None:
        """Go on from the end of a piece."""
        self.time, self.rows = piece.end, [list(row) for row in piece.rows]


def _nearest(value: Any, half: Any) -> int:
    return int(value + half) if value >= 0 else -int(half - value)


def _trimmed(row: Sequence[int]) -> tuple[int, ...]:
    end = len(row)
    while end > 1 and row[end - 1] == 0:
        end -= 1
    return tuple(row[:end])


def _short(length: float) -> Fraction:
    """A little less, with few bits."""
    unit = Fraction(2) ** (int(log2(length)) - 12)
    return int(Fraction(length) / unit) * unit
