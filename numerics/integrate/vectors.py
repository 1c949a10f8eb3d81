"""Taylor's method on whole vectors, with the numbers of `numerics.taylor`."""

from __future__ import annotations

from typing import Any

from mpmath import mp

from ..emit.load import compile
from ..emit.mpmath import emit, values
from ..errors import IntegrationFailed
from ..problem import Problem
from ..taylor import Run, run
from .trajectory import Trajectory

# The other of two runs takes longer series, hence longer steps.
_OTHER = 1.15

# The digits that a velocity may have lost to cancellation, against its largest entry.
_LOST = 8


def one_run(problem: Problem, *, digits: int, other: bool = False, confirm: bool = True, max_steps: int = 100_000) -> Trajectory:
    """One run worked at `digits` digits; the `other` one takes other steps.

    Two runs on a wrong velocity would agree. So the last velocity of the run is confirmed by the generated mpmath source, which shares neither the
    array program nor the arithmetic. Raises `IntegrationFailed` when the two differ.
    """
    found = run(problem, digits=digits, stretch=_OTHER if other else 1.0, max_steps=max_steps)
    with mp.workprec(found.bits + 64):
        exact = [[mp.ldexp(mp.mpf(entry), -found.bits) for entry in row] for row in found.states]
    if confirm:
        _confirm(problem, found, exact[-1], digits)
    with mp.workdps(digits + 10):
        states = tuple(problem.layout.unpack([+entry for entry in row]) for row in exact)
    options: dict[str, Any] = {"engine": "vectors", "bits": found.bits, "order": found.order, "steps": found.steps, "rejected": found.rejected}
    return Trajectory(problem, problem.times, states, digits, "taylor", options)


def _confirm(problem: Problem, found: Run, state: list[Any], digits: int) -> None:
    layout = problem.layout
    with mp.workdps(digits + 10):
        constants = {variable.name: values(problem.data[variable.name]) for variable in problem.program.inputs}
        end = values(problem.times[-1])
        blocks = compile(emit(problem.program, ""))(end, *layout.unpack(state).values(), **constants)
        wanted = layout.pack(dict(zip(layout.names, blocks, strict=True)))
        largest = max(mp.one, *map(abs, wanted))
        worst = max(abs(mp.ldexp(mp.mpf(mine), -found.bits) - theirs) for mine, theirs in zip(found.velocity, wanted, strict=True)) / largest
    if worst > mp.mpf(10) ** (_LOST - digits):
        raise IntegrationFailed(
            f"the velocity at t = {float(problem.times[-1]):.6g} is off that of the mpmath source by {mp.nstr(worst, 3)} of its size, at {digits} "
            f"digits; ask for more digits if it cancels much, otherwise this is an error of polarflow, and engine='heyoka' a way round",
            reached=float(problem.times[-1]),
        )
