"""Many trajectories at once by Taylor's method, in the vector registers of the machine: heyoka, eight lanes at a time.

Compiled once for a flow at its sizes, within seconds; after that the fastest for up to a few dozen entries. What heyoka cannot follow to the end,
because one of the lanes leaves the finite numbers, is done again by Dormand and Prince's method, which tells the lanes apart.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..emit.heyoka import emit, values
from ..emit.load import compile
from ..errors import IntegrationFailed, Unsupported
from ..exact import Exact
from ..integrate.trajectory import Trajectory
from ..problem import Problem, size_value
from ..program import Program
from .special import specialised

Floats = NDArray[np.float64]

LANES = 8
_COMPACT = 12  # entries above which heyoka's code is kept small: it takes seconds to compile otherwise
_LOCK = Lock()  # a compiled integrator holds a state


@dataclass(frozen=True)
class _Place:
    """Let a parameter of the equations be an entry of a constant that differs from column to column, row after row."""

    name: str
    entry: int


@dataclass(frozen=True)
class _Compiled:
    solver: Any
    parameters: tuple[_Place, ...]
    finished: Any


def follow(
    problem: Problem, y: Floats, times: Floats, data: Mapping[str, Floats], rtol: float, found: Floats, reached: Floats, steps: NDArray[np.int64]
) -> NDArray[np.intp]:
    """Fill in `found`, `reached` and `steps` for the columns of `y`; the columns returned are those that have still to be done.

    `data` are constants that differ from column to column, the axis of the columns last.

    Raises `Unsupported` without heyoka, and for a flow that is not analytic.
    """
    with _LOCK:
        compiled = _built(problem, frozenset(data), rtol, LANES)
        solver, count = compiled.solver, y.shape[1]
        constants = {name: value.reshape(-1, count) for name, value in data.items()}
        left = []
        for first in range(0, count, LANES):
            columns = np.minimum(np.arange(first, first + LANES), count - 1)  # the last block is filled up with its last column
            solver.set_time(0.0)
            solver.state[:] = y[:, columns]
            for row, place in enumerate(compiled.parameters):
                solver.pars[row] = constants[place.name][place.entry, columns]
            block = columns[: count - first]
            taken = np.zeros(LANES, dtype=np.int64)
            for n, moment in enumerate(times[1:], 1):
                solver.propagate_until([moment] * LANES)
                told = solver.propagate_res
                if any(lane[0] != compiled.finished for lane in told) or not np.isfinite(solver.state).all():
                    left.append(block)
                    break
                taken += [lane[3] for lane in told]
                found[n, :, block] = solver.state.T[: len(block)]
            else:
                reached[block], steps[block] = times[-1], taken[: len(block)]
        return np.concatenate(left) if left else np.array([], dtype=np.intp)


def integrate(problem: Problem, *, digits: int = 15, rtol: float = 1e-15) -> Trajectory:
    """Let a flow be analytic along its solution: the trajectory by Taylor's method in float64, compiled once for a flow with its sizes and data.

    Raises `IntegrationFailed` where the state is no longer finite, `Unsupported` without heyoka and for functions that are not analytic.
    """
    if digits > 15:
        raise ValueError(f"{digits} digits were asked of heyoka in float64, which has 15; use method='taylor'")
    clock = time.perf_counter()
    layout = problem.layout
    with _LOCK:
        compiled = _built(problem, frozenset(), rtol, 1)
        solver = compiled.solver
        solver.time, solver.state[:] = 0.0, [float(entry) for entry in layout.pack(problem.start)]
        states, steps = [solver.state.copy()], 0
        for moment in problem.times[1:]:
            outcome, *_, taken, _, _ = solver.propagate_until(float(moment))
            steps += taken
            if outcome != compiled.finished or not np.isfinite(solver.state).all():
                told = "the state is no longer finite, as after a blow-up or outside the domain of the flow; ask for earlier times."
                raise IntegrationFailed(f"heyoka stopped near t = {solver.time:.6g} of {float(problem.times[-1]):.6g}: {told}", reached=solver.time)
            states.append(solver.state.copy())
    options = {"rtol": rtol, "steps": steps}
    return Trajectory(problem, problem.times, tuple(map(layout.unpack_arrays, states)), 15, "heyoka", options, time.perf_counter() - clock)


def _built(problem: Problem, moving: frozenset[str], rtol: float, lanes: int) -> _Compiled:
    fixed = {name: value for name, value in problem.data.items() if name not in moving}
    special = specialised(problem.program, fixed)
    used = tuple((variable.name, fixed[variable.name]) for variable in special.inputs if variable.name in fixed)
    return _compiled(special, tuple(sorted(problem.sizes.items())), problem.layout.shapes, used, rtol, lanes)


@lru_cache(maxsize=16)
def _compiled(
    program: Program,
    sizes: tuple[tuple[str, int], ...],
    shapes: tuple[tuple[int, ...], ...],
    fixed: tuple[tuple[str, Exact], ...],
    rtol: float,
    lanes: int,
) -> _Compiled:
    """Constants that stand still are doubles in the code, which makes it several times faster than with parameters; the others are parameters."""
    try:
        import heyoka as hy
    except ModuleNotFoundError:
        raise Unsupported("heyoka is not installed; install it (pip install heyoka), or use method='DOP853'") from None
    velocity = compile(emit(program, ""))
    places: list[_Place] = []

    def parameter(name: str, shape: tuple[int, ...]) -> Any:
        if shape:
            return [parameter(name, shape[1:]) for _ in range(shape[0])]
        places.append(_Place(name, sum(place.name == name for place in places)))
        return hy.par[len(places) - 1]

    constants: dict[str, Any] = {name: values(value) for name, value in fixed}
    for variable in program.inputs:
        if variable.name not in constants:
            constants[variable.name] = parameter(variable.name, tuple(size_value(length, dict(sizes)) for length in variable.shape))
    names = iter(f"x_{n}" for n in range(sum(map(prod, shapes))))
    blocks = [_variables(hy, shape, names) for shape in shapes]
    rights = _flat(velocity(hy.time, *blocks, **constants, exactly=float))
    equations = [(variable, hy.expression(0.0) + right) for variable, right in zip(_flat(blocks), rights, strict=True)]
    told: dict[str, Any] = {"tol": rtol, "compact_mode": len(equations) > _COMPACT}
    if places:
        told["pars"] = np.zeros((len(places), lanes))
    if lanes == 1:
        solver = hy.taylor_adaptive(equations, np.ones(len(equations)), **told)
    else:
        solver = hy.taylor_adaptive_batch(equations, np.ones((len(equations), lanes)), **told)
    return _Compiled(solver, tuple(places), hy.taylor_outcome.time_limit)


def _variables(hy: Any, shape: tuple[int, ...], names: Iterator[str]) -> Any:
    return [_variables(hy, shape[1:], names) for _ in range(shape[0])] if shape else hy.make_vars(next(names))


def _flat(value: Any) -> list[Any]:
    return [entry for part in value for entry in _flat(part)] if isinstance(value, list | tuple) else [value]
