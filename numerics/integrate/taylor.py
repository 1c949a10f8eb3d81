"""Taylor's method at any precision, with heyoka.

Every datum enters as a runtime parameter at full precision: heyoka's constants are doubles, and 1/3 as a double would cost all digits but 16.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from fractions import Fraction
from math import ceil, log2
from typing import Any

import heyoka as hy
import numpy as np
import sympy as sp
from mpmath import mp

from ..errors import IntegrationFailed
from ..problem import Problem
from .scalars import equations
from .trajectory import Trajectory

_OUTCOMES = hy.taylor_outcome


def integrate(problem: Problem, *, digits: int = 15, guard: int = 30, max_steps: int = 100_000) -> Trajectory:
    """Let `digits` be wanted: the trajectory as `mpf`, worked at that precision with `guard` more bits, in double up to 15 digits.

    The flow must be analytic along the solution. Raises `IntegrationFailed` with the time reached when the step size collapses, the state is no
    longer finite, or `max_steps` are spent.
    """
    clock = time.perf_counter()
    number = _Numbers(ceil(digits * log2(10)) + guard) if digits > 15 else _Numbers(None)
    system = equations(problem)
    start = number.array(problem.layout.pack(problem.start))
    solver = hy.taylor_adaptive(
        [(hy.expression(name), right) for name, right in zip(system.names, system.right, strict=True)],
        start,
        compact_mode=True,
        **number.kind,
        **({"pars": number.array(system.parameters)} if system.parameters else {}),
    )
    end = number.of(problem.times[-1])
    # A step this short has no more digits in it than the answer may be wrong by.
    floor = number.of(problem.times[-1] * Fraction(1, 10 ** min(digits, 14)))

    def watch(solver: Any) -> bool:
        return bool(abs(solver.last_h) > floor or solver.time >= end)

    outcome, *_, grid = solver.propagate_grid(number.array(problem.times), max_steps=max_steps, callback=watch)
    reached = float(solver.time)
    if outcome != _OUTCOMES.time_limit or not np.all(np.isfinite(np.array(grid, dtype=float))):
        far = f"Taylor's method stopped near t = {reached:.6g} of {float(problem.times[-1]):.6g}"
        raise IntegrationFailed(f"{far}: {_why(outcome, max_steps)}", reached=reached)
    states = tuple(problem.layout.unpack([number.back(entry) for entry in row]) for row in grid)
    options = {"guard": guard, "bits": number.bits or 53, "order": int(solver.order)}
    return Trajectory(problem, problem.times, states, digits, "taylor", options, time.perf_counter() - clock)


def _why(outcome: Any, max_steps: int) -> str:
    if outcome == _OUTCOMES.step_limit:
        return f"the budget of {max_steps} steps is spent; raise max_steps, or ask for earlier times."
    if outcome == _OUTCOMES.cb_stop:
        return "the step size collapsed, as it does before a blow-up or at the edge of the domain; ask for earlier times."
    return "the state is no longer a finite number, as after a blow-up or outside the domain; ask for earlier times."


class _Numbers:
    """Let $b$ bits be asked for (None: a double): exact rationals as heyoka's numbers, and these as `mpf`."""

    def __init__(self, bits: int | None) -> None:
        self.bits = bits
        self.kind: dict[str, Any] = {"fp_type": hy.real, "prec": bits} if bits else {}

    def of(self, value: Fraction | sp.Expr) -> Any:
        if self.bits is None:
            return float(value)
        if isinstance(value, Fraction | sp.Rational):
            return hy.real(int(value.numerator), self.bits) / hy.real(int(value.denominator), self.bits)
        return hy.real(str(sp.N(value, ceil(self.bits / log2(10)) + 5)), self.bits)

    def array(self, values: Iterable[Fraction | sp.Expr]) -> Any:
        return np.array([self.of(value) for value in values])

    def back(self, value: Any) -> Any:
        if self.bits is None:
            return mp.mpf(float(value))
        with mp.workprec(self.bits):
            return mp.mpf(str(value))
