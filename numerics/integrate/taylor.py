"""Taylor's method, by the engine that is the faster one, and run twice, so that the digits it claims are digits it has.

The rule for the engine: up to 15 digits heyoka in double precision; beyond that `numerics.taylor`, which works on whole vectors, unless numba is not
installed or the velocity has a power with an array of exponents; then heyoka with `real`, which works entry by entry.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.util import find_spec

from mpmath import mp

from ..errors import IntegrationFailed, Unsupported
from ..problem import Problem
from .trajectory import Trajectory

ENGINES = ("vectors", "heyoka")

# How often the digits worked at are raised when two runs agree to fewer than were asked for.
_ROUNDS = 4


def integrate(problem: Problem, *, digits: int = 15, engine: str | None = None, check: bool = True, max_steps: int = 100_000) -> Trajectory:
    """Let `digits` be wanted: the trajectory as `mpf`, in which two runs agree to as many digits and more; `achieved` says to how many.

    `engine` is one of `ENGINES`, chosen by the rule above unless given. Without `check` there is one run, and `achieved` is None; so it is up to 15
    digits, which are doubles. The flow must be analytic along the solution.

    Raises `IntegrationFailed` with the time reached when the step size collapses, the state is no longer finite, `max_steps` are spent, or when runs
    of ever more digits do not come to agree.
    """
    clock = time.perf_counter()
    if engine not in (None, *ENGINES):
        raise ValueError(f"there is no engine {engine!r}; choose one of {', '.join(ENGINES)}")
    found = _integrated(problem, digits, engine, check, max_steps)
    return Trajectory(problem, problem.times, found.states, digits, "taylor", found.options, time.perf_counter() - clock, found.achieved)


def _integrated(problem: Problem, digits: int, engine: str | None, check: bool, max_steps: int) -> Trajectory:
    if engine == "heyoka" or (engine is None and (digits <= 15 or find_spec("numba") is None)):
        return _with_heyoka(problem, digits, check, max_steps)
    from .vectors import one_run  # numba takes a second to load

    try:
        return _checked(
            problem, digits, check, lambda worked, other: one_run(problem, digits=worked, other=other, confirm=check, max_steps=max_steps)
        )
    except Unsupported:
        if engine is not None:
            raise
        return _with_heyoka(problem, digits, check, max_steps)


def _with_heyoka(problem: Problem, digits: int, check: bool, max_steps: int) -> Trajectory:
    from .heyoka import integrate as followed  # heyoka takes a second to load

    if digits <= 15:
        return followed(problem, digits=digits, max_steps=max_steps)
    # Its order goes with the precision, and its steps with the order.
    return _checked(problem, digits, check, lambda worked, other: followed(problem, digits=worked, max_steps=max_steps))


def _checked(problem: Problem, digits: int, check: bool, once: Callable[[int, bool], Trajectory]) -> Trajectory:
    """Runs at more and more digits until one agrees with the run before; each is judged by the next, which is the better one and is returned."""
    found = once(digits + 2, False)
    if not check:
        return found
    worked = digits + 2
    for turn in range(_ROUNDS):
        before, limit = found, worked
        worked += 4
        found = once(worked, turn % 2 == 0)
        agreed = agreement(before, found, limit)
        if agreed >= digits:
            return Trajectory(problem, found.times, found.states, digits, found.method, found.options, None, agreed)
        worked += digits - agreed
    raise IntegrationFailed(
        f"two runs of Taylor's method, the last of them at {worked} digits, agree to {agreed} digits only, and {digits} were asked for: the flow "
        f"loses what is put in. Ask for fewer digits, or for earlier times.",
        reached=float(problem.times[-1]),
    )


def agreement(first: Trajectory, second: Trajectory, limit: int) -> int:
    """Let two runs be given: the least d, limited, with $|x - y| \\le 10^{-d-1} \\max(1, |y|)$ for entries x and y of all times.

    One digit is held back: the second run has an error, too, though a smaller one.
    """
    layout = first.problem.layout
    with mp.workdps(limit + 10):
        worst = mp.zero
        for a, b in zip(first.states, second.states, strict=True):
            for x, y in zip(layout.pack(a), layout.pack(b), strict=True):
                worst = max(worst, abs(x - y) / max(mp.one, abs(y)))
        return limit if worst == 0 else min(limit, int(mp.floor(-mp.log10(worst))) - 1)


__all__ = ["ENGINES", "agreement", "integrate"]
