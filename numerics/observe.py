"""Quantities along a trajectory, and how far one of them drifts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise, product
from typing import Any, Literal

import numpy as np
import sympy as sp
from mpmath import mp
from numpy.typing import NDArray

from theory.settings import Setting
from theory.symbols import Family

from .batch.field import Field, values_of
from .batch.quantities import quantities
from .errors import OutOfDomain, Unsupported
from .evaluate import evaluate
from .exact import exact
from .integrate.trajectory import States, Trajectory
from .kept import kept
from .problem import Problem, size_value
from .tables import tabled

Floats = NDArray[np.float64]


def observe(
    trajectory: Trajectory,
    expressions: Sequence[sp.Expr],
    *,
    extra: Mapping[str, Any] | None = None,
    digits: int | None = None,
) -> list[list[Any]]:
    """Let expressions in the parameters, constants and definitions of the setting be given: their values, one list for each time.

    `extra` gives exact values for names that are not data of the problem, a kernel vector for instance. `digits` are the trajectory's unless given.
    """
    posed = trajectory.problem
    more = {name: exact(value, name) for name, value in (extra or {}).items()}
    clash = sorted(more.keys() & (posed.data.keys() | posed.start.keys()))
    if clash:
        raise ValueError(f"extra gives {', '.join(clash)}, which the problem has already; give only what it does not have")
    fixed: dict[str, Any] = {**posed.data, **more}
    if posed.program.time is not None:
        fixed[posed.program.time.name] = None
    found = []
    for time, state in zip(trajectory.times, trajectory.states, strict=True):
        if posed.program.time is not None:
            fixed[posed.program.time.name] = time
        values = {**fixed, **state}
        found.append([evaluate(e, posed.setting, posed.sizes, values, digits=digits or trajectory.digits) for e in expressions])
    return found


def drift(trajectory: Trajectory, expression: sp.Expr, *, extra: Mapping[str, Any] | None = None) -> Any:
    """Let $I$ be an expression: $\\max_t |I(t) - I(0)|$ over the times of the trajectory, as an `mpf`."""
    # The states carry guard digits; they are used, so that a drift below the last digit is seen as a small number and not as 0.
    digits = trajectory.digits + 10
    (first,), *later = observe(trajectory, [expression], extra=extra, digits=digits)
    with mp.workdps(digits):
        return max((abs(value - first) for (value,) in later), default=mp.zero)


@dataclass(frozen=True, eq=False)
class Quantity:
    """Let $I_{i\\ldots}$ be a family over a setting that may have constants of its own, with values for these in `choices`: what to watch.

    Two that are equal are two: what is made for one is kept by its identity. Raises `ValueError` for no choice, and for choices of different names.
    """

    label: str
    family: Family
    setting: Setting
    choices: tuple[Mapping[str, Any], ...] = ({},)

    def __post_init__(self) -> None:
        if len({frozenset(choice) for choice in self.choices}) != 1:
            given = "; ".join(", ".join(choice) or "nothing" for choice in self.choices) or "no choice at all"
            raise ValueError(f"{self.label} was given choices of {given}; wanted is at least one, each with values for the same constants")


def along(trajectory: Trajectory, quantity: Quantity) -> Floats:
    """Its values, a row for each time and a column for each entry and choice, as doubles; a trajectory of more digits is read with all of them.

    Raises `OutOfDomain` where a value is not a finite real number, `InvalidProblem` for a choice that does not fit the shape of its constant.
    """
    (found,) = _along((trajectory,), quantity)
    return found


def departures(trajectory: Trajectory, quantity: Quantity) -> Floats:
    """$I(t) - I(0)$, as `along`; differences are taken before they are rounded."""
    if trajectory.digits <= 15:
        return _since_the_start(along(trajectory, quantity))
    columns = []
    for choice in quantity.choices:
        for expression in _entries(trajectory, quantity):
            (first,), *later = observe(trajectory, [expression], extra=choice, digits=trajectory.digits + 10)
            with mp.workdps(trajectory.digits + 10):
                columns.append([0.0, *(float(value - first) for (value,) in later)])
    return np.array(columns).T


def _since_the_start(values: Floats) -> Floats:
    return np.asarray(values - values[0])


def _along(runs: Sequence[Trajectory], quantity: Quantity) -> list[Floats]:
    """`along` each run of one problem: by array operations, at all states together, or by the evaluator, which knows more and takes longer."""
    posed = runs[0].problem
    found = kept(posed, quantity, lambda: _field(posed, quantity)) if max(run.digits for run in runs) <= 15 else None
    if found is None:
        tables = [[observe(run, _entries(run, quantity), extra=choice) for choice in quantity.choices] for run in runs]
        values = np.concatenate([np.concatenate([[[float(x) for x in row] for row in rows] for rows in table], axis=1) for table in tables])
    else:
        field, timed = found
        moments = np.array([float(moment) for run in runs for moment in run.times]) if timed else 0.0
        with np.errstate(all="ignore"):
            values = field(moments, np.concatenate([_rows(run) for run in runs]).T).T
    if not np.isfinite(values).all():
        raise OutOfDomain(f"{quantity.label} has no finite real value somewhere along the trajectory")
    ends = accumulate([len(run.states) for run in runs], initial=0)
    return [values[start:end] for start, end in pairwise(ends)]


def _rows(run: Trajectory) -> Floats:
    """The states, each as one row."""
    if isinstance(run.states, States):
        return run.states.rows
    layout = run.problem.layout
    return np.array([layout.pack_arrays([state[name] for name in layout.names]) for state in run.states])


def _field(posed: Problem, quantity: Quantity) -> tuple[Field, bool] | None:
    """The values as a function of time and state, and whether they depend on time; nothing that holds the problem."""
    assert posed.setting.flow is not None
    try:
        family, setting, extra = tabled(quantity.family, quantity.setting, quantity.choices, posed.sizes)
        wanted = quantities(setting.along(posed.setting.flow), {quantity.label: family})
        return values_of(posed, wanted, extra=extra), wanted.time is not None
    except Unsupported:
        return None  # an integral, or a sum over part of a range


def _entries(trajectory: Trajectory, quantity: Quantity) -> list[sp.Expr]:
    lengths = [size_value(length, trajectory.problem.sizes) for _, length in quantity.family.indices]
    return [quantity.setting.unfold(quantity.family.at(place)) for place in product(*map(range, lengths))]


@dataclass(frozen=True)
class Monitored:
    """Let a quantity be watched along two runs, one with half the tolerance of the other: its values and departures, and what these say.

    `scale` is the largest of 1 and the values at the start.
    """

    quantity: Quantity
    values: Floats
    departures: Floats
    halved: Floats
    tolerance: float
    scale: float

    @property
    def drift(self) -> float:
        return float(np.abs(self.departures).max())

    @property
    def drift_halved(self) -> float:
        return float(np.abs(self.halved).max())

    @property
    def verdict(self) -> Literal["stays", "moves", "unclear"]:
        """Stays: the drift is below ten thousand tolerances. Moves: it is above that, and the same at half the tolerance. Evidence, not proof."""
        if max(self.drift, self.drift_halved) <= 1e4 * self.tolerance * self.scale:
            return "stays"
        return "moves" if abs(self.drift - self.drift_halved) <= 0.01 * self.drift else "unclear"


def monitor(wanted: Sequence[Quantity], run: Callable[[float], Trajectory], tolerance: float) -> tuple[Trajectory, tuple[Monitored, ...]]:
    """Let `run(tolerance)` integrate: the trajectory, and every quantity along it and along the one with half the tolerance.

    An integrator's error falls with its tolerance; what moves by the flow moves as far at any.
    """
    first, second = run(tolerance), run(tolerance / 2)
    found = []
    for quantity in wanted:
        if first.problem is second.problem and max(first.digits, second.digits) <= 15:
            values, again = _along((first, second), quantity)
            moved, halved = _since_the_start(values), _since_the_start(again)
        else:
            values, moved, halved = along(first, quantity), departures(first, quantity), departures(second, quantity)
        scale = max(1.0, float(np.abs(values[0]).max()))
        found.append(Monitored(quantity, values, moved, halved, tolerance, scale))
    return first, tuple(found)
