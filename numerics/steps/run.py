"""Taking steps: one start exactly or in float64, or many starts at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..batch.field import Columns, arrays, columns, field
from ..batch.trajectories import Trajectories
from ..errors import IntegrationFailed, InvalidProblem
from ..exact import entries
from ..integrate.trajectory import Trajectory
from ..problem import Problem
from .rule import Ground, Rule, State

BITS = 200_000


def iterate(
    problem: Problem, rule: Rule, *, steps: int, every: int = 1, exact: bool = False, seed: int = 0, report: Callable[[int], None] = lambda _: None
) -> Trajectory:
    """Let a rule take `steps` steps from the start of a problem: the states after every `every` of them, at the times $n\\,\\eta$.

    The times of the problem play no part. With `exact` the states are `Fraction`s and nothing is rounded; their size doubles with every step of a
    quadratic map, so that few steps can be taken. `seed` is that of a stochastic rule.

    Raises `IntegrationFailed` where a step leaves the declared signs or the finite numbers, or the fractions grow beyond bound; `InvalidProblem`
    where the rule does not fit; `Unsupported` where exact values are not rational.
    """
    clock = time.perf_counter()
    start = np.empty((problem.layout.size, 1), dtype=object if exact else np.float64)
    start[:, 0] = problem.layout.pack(problem.start)
    times, states = [], []
    for state in _steps(problem, rule, start, steps, every, exact, seed, None):
        column = state.theta[:, 0]
        _check(problem, rule, state, exact)
        if state.count % every == 0:
            times.append(state.time)
            states.append(problem.layout.unpack(list(column)) if exact else problem.layout.unpack_arrays(column))
        report(state.count)
    options = _options(rule, steps, seed)
    name = f"{rule.name}, exact" if exact else rule.name
    return Trajectory(problem, tuple(times), tuple(states), 50 if exact else 15, name, options, time.perf_counter() - clock)


def iterate_batch(
    problem: Problem, rule: Rule, starts: Mapping[str, Any], *, steps: int, every: int = 1, data: Mapping[str, Any] | None = None, seed: int = 0
) -> Trajectories:
    """Let `starts` give every block an array of the shape $(B, \\ldots)$: the rule's steps from each, in float64, as `iterate`.

    A state that is no longer finite, or leaves the declared signs, is NaN from there on, and `reached` is the time before.
    """
    clock = time.perf_counter()
    start = columns(problem.layout, starts)
    lanes = {name: np.asarray(value, dtype=np.float64) for name, value in (data or {}).items()}
    alive = np.ones(start.shape[1], dtype=bool)
    reached, counts = np.zeros(start.shape[1]), np.zeros(start.shape[1], dtype=np.int64)
    times, found = [], []
    with np.errstate(all="ignore"):  # a lane that leaves the finite numbers is marked below
        for state in _steps(problem, rule, start, steps, every, False, seed, lanes):
            alive &= np.isfinite(state.theta).all(axis=0) & ~_signs(problem, state.theta).any(axis=0)
            reached[alive], counts[alive] = float(state.time), state.count
            if state.count % every == 0:
                times.append(state.time)
                found.append(arrays(problem.layout, np.where(alive, state.theta, np.nan)))
    stacked = {name: np.stack([moment[name] for moment in found], axis=1) for name in problem.layout.names}
    options = _options(rule, steps, seed)
    return Trajectories(problem, tuple(times), stacked, reached, counts, rule.name, options, time.perf_counter() - clock)


def _options(rule: Rule, steps: int, seed: int) -> dict[str, float | int | str]:
    """What a run is told by, exactly."""
    return {**{name: str(value) for name, value in rule.options.items()}, "steps": steps, **({"seed": seed} if rule.chance else {})}


def _steps(
    problem: Problem, rule: Rule, start: Columns, steps: int, every: int, exact: bool, seed: int, data: Mapping[str, NDArray[np.float64]] | None
) -> Iterator[State]:
    if steps < 1 or every < 1 or steps % every:
        raise InvalidProblem(
            f"{steps} steps, of which every {every} is kept, were asked for; "
            "wanted are whole numbers of at least 1, the first a multiple of the second"
        )
    assert problem.setting.flow is not None
    spheres = problem.setting.flow.space.spheres
    if spheres and not rule.on_spheres:
        names = ", ".join(name for group in spheres for name in group)
        raise InvalidProblem(
            f"{names} lies on a sphere, which a step of {rule.name} leaves; "
            "use projected(...), or state the flow in free parameters (weight normalisation)"
        )
    step = rule.build(Ground(problem, field(problem, exact=exact, data=data), exact, np.random.default_rng(seed)))
    state = State(0, Fraction(0), start)
    yield state
    for _ in range(steps):
        state = step(state)
        yield state


def _signs(problem: Problem, theta: Columns) -> NDArray[np.bool_]:
    """Which entries have a sign that was not declared."""
    wrong = np.zeros(theta.shape, dtype=bool)
    row = 0
    for block in problem.program.parameters:
        rows = slice(row, row + len(entries(problem.start[block.name])))
        row = rows.stop
        if block.sign == "positive":
            wrong[rows] = theta[rows] <= 0
        elif block.sign == "nonnegative":
            wrong[rows] = theta[rows] < 0
        elif block.sign == "nonzero":
            wrong[rows] = theta[rows] == 0
    return wrong


def _check(problem: Problem, rule: Rule, state: State, exact: bool) -> None:
    column = state.theta[:, 0]
    last = f"step {state.count} of {rule.name} ({', '.join(f'{name} = {value}' for name, value in rule.options.items())})"
    if exact:
        if max(entry.numerator.bit_length() + entry.denominator.bit_length() for entry in column) > BITS:
            raise IntegrationFailed(f"{last} has fractions of more than {BITS} bits; take fewer exact steps, or float64", reached=float(state.time))
    elif not np.all(np.isfinite(column)):
        raise IntegrationFailed(f"{last} is no longer finite; take shorter steps", reached=float(state.time))
    wrong = np.flatnonzero(_signs(problem, state.theta)[:, 0])
    if wrong.size:
        names = [(name, place) for name in problem.layout.names for place, _ in entries(problem.start[name])]
        name, place = names[int(wrong[0])]
        sign = next(block.sign for block in problem.program.parameters if block.name == name)
        entry = name + "".join(f"[{n}]" for n in place)
        raise IntegrationFailed(
            f"{last} makes {entry} = {float(column[wrong[0]]):.6g}, and {name} is declared {sign}; take shorter steps, or declare it real",
            reached=float(state.time),
        )
