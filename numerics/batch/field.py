"""A velocity, or any other quantities, at many points at once: columns in, columns out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..emit.load import compile
from ..errors import InvalidProblem, Unsupported
from ..exact import Exact, shape
from ..flat import Layout
from ..problem import Problem, size_value
from ..program import Program
from ..special import specialised
from .source import emit

Columns = NDArray[Any]


@dataclass(frozen=True)
class Field:
    """Let $B$ states be the columns of a $D \\times B$ array: the values of a program at each, as the columns of another.

    `layout` says where the blocks stand in a column, `results` where the values do; `constants` that stand in `lanes` have the axis of the points.
    """

    source: str
    layout: Layout
    results: Layout
    constants: Mapping[str, Any]
    lanes: tuple[str, ...]
    exact: bool
    velocity: Callable[..., tuple[Any, ...]]

    def __call__(self, t: Any, state: Columns, out: Columns | None = None) -> Columns:
        """The values at times `t`, a number or one for each column. Raises `Unsupported` when exact values are not rational."""
        width = state.shape[1]
        try:
            found = self.velocity(t, *blocks(self.layout, state), **self.constants)
        except TypeError as error:
            if not self.exact:
                raise
            raise Unsupported(f"the velocity has no rational value here ({error}); run it in float64") from error
        if out is None:
            out = np.empty((self.results.size, width), dtype=object if self.exact else np.float64)
        start = 0
        for value, lengths in zip(found, self.results.shapes, strict=True):
            stop = start + prod(lengths)
            if lengths:
                out[start:stop].reshape(*lengths, width)[...] = value
            else:
                out[start] = value
            start = stop
        if self.exact and not all(isinstance(entry, Fraction | int) for entry in out.flat):
            raise Unsupported("a power with a fraction as exponent has no rational value here; run it in float64")
        return out

    def take(self, kept: NDArray[np.intp]) -> Field:
        """The same for some of the columns."""
        if not self.lanes:
            return self
        return replace(self, constants={name: value[..., kept] if name in self.lanes else value for name, value in self.constants.items()})


def field(posed: Problem, *, exact: bool = False, data: Mapping[str, NDArray[np.float64]] | None = None) -> Field:
    """The velocity of a problem; `data` gives constants that differ from point to point, their first axis the points'."""
    return values_of(posed, posed.program, exact=exact, data=data)


def values_of(
    posed: Problem,
    program: Program,
    *,
    exact: bool = False,
    data: Mapping[str, NDArray[np.float64]] | None = None,
    extra: Mapping[str, Exact] | None = None,
) -> Field:
    """The values of a program whose parameters are the problem's; `extra` are exact values for inputs that the problem does not have.

    Raises `InvalidProblem` where a value is missing or has another shape.
    """
    lanes = dict(data or {})
    fixed = {name: value for name, value in {**posed.data, **(extra or {})}.items() if name not in lanes}
    check_lanes(posed, program, lanes)
    special = specialised(program, fixed)
    constants: dict[str, Any] = {}
    for variable in special.inputs:
        if variable.name in lanes:
            constants[variable.name] = np.ascontiguousarray(np.moveaxis(np.asarray(lanes[variable.name], dtype=np.float64), 0, -1))
        elif variable.name in fixed:
            constants[variable.name] = _constant(fixed[variable.name], exact)
        else:
            raise InvalidProblem(f"{variable.name} has no value; give one in the data of the problem")
    moving = frozenset([*(block.name for block in special.parameters), *lanes, *([special.time.name] if special.time else [])])
    source = emit(special, moving, exact=exact)
    results = Layout(
        tuple(step.name for step in special.velocities),
        tuple(tuple(size_value(length, posed.sizes) for length in step.shape) for step in special.velocities),
    )
    return Field(source, posed.layout, results, constants, tuple(name for name in constants if name in lanes), exact, compile(source))


def check_lanes(posed: Problem, program: Program, lanes: Mapping[str, Any]) -> None:
    """Raises `InvalidProblem` where constants that differ from point to point have another shape than their variables."""
    for variable in program.inputs:
        if variable.name in lanes:
            wanted, given = tuple(size_value(length, posed.sizes) for length in variable.shape), np.shape(lanes[variable.name])
            if given[1:] != wanted:
                raise InvalidProblem(f"{variable.name} was given with the shape {given}; wanted is (number of points, {str(wanted)[1:]}")


def _constant(value: Exact, exact: bool) -> Any:
    if not exact:
        return float(value) if isinstance(value, Fraction) else np.array(value, dtype=object).astype(np.float64)
    found = np.empty(shape(value), dtype=object)
    found[...] = np.array(value, dtype=object)
    return found


def blocks(layout: Layout, state: Columns) -> list[Columns]:
    """The blocks as views, with the axis of the points last."""
    found, start = [], 0
    for lengths in layout.shapes:
        stop = start + prod(lengths)
        found.append(state[start:stop].reshape(*lengths, state.shape[1]) if lengths else state[start])
        start = stop
    return found


def columns(layout: Layout, given: Mapping[str, Any]) -> NDArray[np.float64]:
    """Arrays with the axis of the points first, block by block, as columns.

    Raises `InvalidProblem` for blocks that are missing, unknown, or of another shape.
    """
    if set(given) != set(layout.names):
        raise InvalidProblem(f"starts were given for {', '.join(given) or 'no block'}; wanted are {', '.join(layout.names)}")
    arrays = [np.asarray(given[name], dtype=np.float64) for name in layout.names]
    count = arrays[0].shape[0] if arrays[0].ndim else 0
    for name, lengths, array in zip(layout.names, layout.shapes, arrays, strict=True):
        if array.shape != (count, *lengths) or count == 0:
            wanted = ", ".join(map(str, ("points", *lengths)))
            raise InvalidProblem(
                f"{name} was given with the shape {array.shape}; wanted is ({wanted}), with the same number of points, at least 1, for all blocks"
            )
    return np.ascontiguousarray(np.concatenate([array.reshape(count, -1) for array in arrays], axis=1).T)


def arrays(layout: Layout, state: Columns) -> dict[str, Columns]:
    """Columns as arrays with the axis of the points first."""
    return {name: np.ascontiguousarray(np.moveaxis(block, -1, 0)) for name, block in zip(layout.names, blocks(layout, state), strict=True)}
