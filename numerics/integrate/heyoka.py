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
_WATCHED = 8
_SLACK = 1.1


def integrate(problem: Problem, *, digits: int = 15, guard: int = 30, max_steps: int = 100_000) -> Trajectory:
    """Let `digits` be wanted: the trajectory as `mpf`, worked at that precision with `guard` more bits, in double up to 15 digits.

    The flow must be analytic along the solution. Raises `IntegrationFailed` with the time reached when the step size collapses, the state is no
    longer finite, or `max_steps` are spent.
    """
    clock = time.perf_counter()
    number = _Numbers(ceil(digits * log2(10)) + guard) if digits > 15 else _Numbers(None)
    system = equations(problem)
    solver = hy.taylor_adaptive(
        [(hy.expression(name), right) for name, right in zip(system.names, system.right, strict=True)],
        number.array(problem.layout.pack(problem.start)),
        compact_mode=True,
        **number.kind,
        **({"pars": number.array(system.parameters)} if system.parameters else {}),
    )
    # A step this short has no more digits in it than the answer may be wrong by.
    floor = number.of(problem.times[-1] * Fraction(1, 10 ** min(digits, 14)))
    rows, steps = _followed(solver, [number.of(moment) for moment in problem.times], floor, max_steps)
    states = tuple(problem.layout.unpack([number.back(entry) for entry in row]) for row in rows)
    options: dict[str, float | int | str] = {
        "engine": "heyoka",
        "guard": guard,
        "bits": number.bits or 53,
        "order": int(solver.order),
        "steps": steps,
    }
    return Trajectory(problem, problem.times, states, digits, "taylor", options, time.perf_counter() - clock)


def _followed(solver: Any, times: list[Any], floor: Any, max_steps: int) -> tuple[list[Any], int]:
    """The states at the times, and the number of steps."""
    rows, steps, end = [solver.state.copy()], 0, times[-1]
    while len(rows) < len(times):
        if steps == max_steps:
            raise _failed(solver.time, end, f"the budget of {max_steps} steps is spent; raise max_steps, or ask for earlier times.")
        before = solver.time
        finite, length = _step(solver, end - before)
        steps += 1
        if not finite:
            raise _failed(before, end, "the state is no longer a finite number, as after a blow-up or outside the domain; ask for earlier times.")
        if length < floor and solver.time < end:
            raise _failed(before, end, "the step size collapsed, as it does before a blow-up or at the edge of the domain; ask for earlier times.")
        while len(rows) < len(times) and times[len(rows)] <= solver.time:
            rows.append(solver.state.copy() if times[len(rows)] == solver.time else solver.update_d_output(times[len(rows)]).copy())
    return rows, steps


def _step(solver: Any, limit: Any) -> tuple[bool, Any]:
    """One step of at most `limit`, taken again shorter when heyoka chose it too long; whether it stayed finite, and its length.

    heyoka judges a series by its last two coefficients. Where these vanish, as for $q' = 1 + q^5$ at $q = 0$, it would step beyond the radius of
    convergence and say nothing; here the last eight are looked at.
    """
    before, state = solver.time, solver.state.copy()
    outcome, length = solver.step(max_delta_t=limit, write_tc=True)
    safe = _safe_length(solver.tc, state)
    if float(length) > _SLACK * safe:
        solver.time = before
        solver.state[:] = state
        outcome, length = solver.step(max_delta_t=min(limit, type(limit)(safe)), write_tc=True)
    finite = outcome != _OUTCOMES.err_nf_state and bool(np.all(np.isfinite(solver.state)))
    return finite, length


def _safe_length(coefficients: Any, state: Any) -> float:
    """With $\\rho_k = (\\max(1, \\|q\\|)/\\|c_k\\|)^{1/k}$ over the last orders k: the least $\\rho_k/e^2$ (Jorba and Zou's rule)."""
    last = coefficients.shape[1] - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        sizes = np.log(np.abs(coefficients[:, last + 1 - _WATCHED :])).astype(float).max(axis=0)
        scale = max(0.0, float(np.log(np.abs(state)).astype(float).max()))
    return float(min(np.exp((scale - size) / order - 2) for order, size in zip(range(last + 1 - _WATCHED, last + 1), sizes, strict=True)))


def _failed(reached: Any, end: Any, why: str) -> IntegrationFailed:
    return IntegrationFailed(f"Taylor's method stopped near t = {float(reached):.6g} of {float(end):.6g}: {why}", reached=float(reached))


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
