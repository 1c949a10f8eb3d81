"""mpmath's odefun: slow, and independent of everything else here; for checking the others."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

from mpmath import mp

from ..emit.load import compile
from ..emit.mpmath import emit, values
from ..errors import IntegrationFailed
from ..problem import Problem
from .trajectory import Trajectory


def integrate(problem: Problem, *, digits: int = 15, guard: int = 10) -> Trajectory:
    """Let `digits` be wanted: the trajectory by Taylor series from finite differences (mpmath), on the mpmath source. Minutes for long times.

    Raises `IntegrationFailed` where the velocity has no finite real value.
    """
    clock = time.perf_counter()
    velocity, layout = compile(emit(problem.program, "")), problem.layout
    reached = mp.zero

    @lru_cache(maxsize=8)
    def constants(precision: int) -> dict[str, Any]:
        # odefun raises the precision as it goes, and the constants follow it.
        with mp.workprec(precision):
            return {v.name: values(problem.data[v.name]) for v in problem.program.inputs}

    with mp.workdps(digits + guard):

        def field(t: Any, state: list[Any]) -> list[Any]:
            found = velocity(t, *layout.unpack(state).values(), **constants(mp.prec))
            return layout.pack(dict(zip(layout.names, found, strict=True)))

        states = []
        try:
            solution = mp.odefun(field, 0, [values(entry) for entry in layout.pack(problem.start)])
            for moment in problem.times:
                states.append(layout.unpack([mp.mpf(entry) for entry in solution(mp.mpf(moment.numerator) / moment.denominator)]))
                reached = mp.mpf(moment.numerator) / moment.denominator
        except (ZeroDivisionError, TypeError, ValueError) as error:
            raise IntegrationFailed(
                f"odefun stopped after t = {mp.nstr(reached, 6)}: the velocity has no finite real value there ({error}); ask for earlier times",
                reached=float(reached),
            ) from error
    with mp.workdps(digits):
        rounded = tuple({name: _rounded(value) for name, value in state.items()} for state in states)
    return Trajectory(problem, problem.times, rounded, digits, "odefun", {"guard": guard}, time.perf_counter() - clock)


def _rounded(value: Any) -> Any:
    return tuple(_rounded(entry) for entry in value) if isinstance(value, tuple) else +value
