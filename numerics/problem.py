"""A setting with numbers: sizes, data, a start and the times asked for, all exact rationals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any

import sympy as sp

from theory.settings import Setting
from theory.symbols import Sign, Variable

from .errors import InvalidProblem
from .exact import Exact, entries, exact, rational, shape
from .flat import Layout
from .program import Program, program

_HOLDS: Mapping[Sign, Callable[[Fraction], bool]] = {
    "positive": lambda value: value > 0,
    "nonnegative": lambda value: value >= 0,
    "nonzero": lambda value: value != 0,
    "real": lambda value: True,
}


@dataclass(frozen=True)
class Problem:
    """Let a setting have sizes, data, a start at time 0, and times $0 = t_0 < t_1 < \\cdots$; build one by `problem`, which checks it all."""

    setting: Setting
    sizes: Mapping[str, int]
    data: Mapping[str, Exact]
    start: Mapping[str, Exact]
    times: tuple[Fraction, ...]

    @cached_property
    def program(self) -> Program:
        return program(self.setting)

    @cached_property
    def layout(self) -> Layout:
        blocks = self.program.parameters
        return Layout(tuple(block.name for block in blocks), tuple(shape(self.start[block.name]) for block in blocks))


def problem(
    setting: Setting,
    *,
    data: Mapping[str, Any],
    start: Mapping[str, Any],
    times: Sequence[Any],
    sizes: Mapping[str, int] | None = None,
) -> Problem:
    """Let values be given as integers, `Fraction`s, strings like "5/4" or "0.5", or nested lists of these: the problem they state.

    Sizes are read off the shapes. Required in `data` are the constants that the velocity uses; other constants of the setting are welcome.

    Raises `InvalidProblem`, with one clear sentence, for anything that does not fit: shapes, names, signs, spheres, times, floats.
    """
    needed = program(setting)
    known = {v.name: v for v in setting.variables if v.role == "constant"} | {v.name: v for v in needed.inputs}
    for variable in needed.inputs:
        if variable.role == "cotangent":
            raise InvalidProblem(
                f"{variable.name} is an unknown function of time, so the flow cannot be computed; choose a loss with a value, such as square(A, y)"
            )
    _check_names("data", data, [v.name for v in needed.inputs], list(known))
    _check_names("start", start, [v.name for v in needed.parameters], [v.name for v in needed.parameters])
    values = {name: exact(value, name) for name, value in data.items()}
    first = {block.name: exact(start[block.name], block.name) for block in needed.parameters}
    declared = [(known[name], value) for name, value in values.items()] + [(block, first[block.name]) for block in needed.parameters]
    lengths = _sizes(needed, declared, dict(sizes or {}))
    for variable, value in declared:
        _check_sign(variable, value)
    _check_spheres(setting, first)
    return Problem(setting, lengths, values, first, _times(times))


def _check_names(what: str, given: Mapping[str, Any], required: Sequence[str], allowed: Sequence[str]) -> None:
    missing = [name for name in required if name not in given]
    unknown = [name for name in given if name not in allowed]
    if missing or unknown:
        said = [f"no {', '.join(missing)}"] * bool(missing) + [f"an unknown {', '.join(unknown)}"] * bool(unknown)
        raise InvalidProblem(f"{what} has {' and '.join(said)}; wanted are {', '.join(required) or 'no names'}")


def _sizes(needed: Program, declared: Sequence[tuple[Variable, Exact]], given: dict[str, int]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    source: dict[str, str] = {}
    for name, length in given.items():
        if name not in {length.name for length in needed.sizes}:
            raise InvalidProblem(f"sizes has an unknown {name}; the sizes are {', '.join(length.name for length in needed.sizes) or 'all numbers'}")
        if not isinstance(length, int) or isinstance(length, bool) or length < 1:
            raise InvalidProblem(f"the size {name} = {length!r} was given; a whole number of at least 1 is wanted")
        sizes[name], source[name] = length, "sizes"
    for variable, value in declared:
        found = shape(value)
        if 0 in found:
            raise InvalidProblem(f"{variable.name} was given with the shape {found}, and {_wanted(variable)} is wanted, every length at least 1")
        if len(found) != len(variable.shape):
            raise InvalidProblem(f"{variable.name} was given with the shape {found}, and {_wanted(variable)} is wanted")
        for symbol, number in zip(variable.shape, found, strict=True):
            if isinstance(symbol, sp.Symbol):
                if sizes.setdefault(symbol.name, number) != number:
                    raise InvalidProblem(
                        f"{variable.name} has the shape {found} and makes {symbol} = {number}, but {source[symbol.name]} made {symbol} = "
                        f"{sizes[symbol.name]}; give {variable.name} as {_wanted(variable)}"
                    )
                source.setdefault(symbol.name, variable.name)
    for variable, value in declared:
        wanted = tuple(size_value(length, sizes) for length in variable.shape)
        if shape(value) != wanted:
            raise InvalidProblem(f"{variable.name} was given with the shape {shape(value)}, and {wanted} is wanted ({_wanted(variable)})")
    missing = [symbol.name for symbol in needed.sizes if symbol.name not in sizes and _used(symbol, needed)]
    if missing:
        raise InvalidProblem(f"the size {missing[0]} cannot be read off the data; add sizes={{{missing[0]!r}: ...}}")
    return sizes


def size_value(length: sp.Expr, sizes: Mapping[str, int]) -> int:
    """The number of a length such as $N$ or $N + 1$ at given sizes."""
    length = sp.sympify(length)
    return int(length.xreplace({symbol: sp.Integer(sizes[symbol.name]) for symbol in length.free_symbols}))


def _used(length: sp.Symbol, needed: Program) -> bool:
    return any(length in step.family.value.free_symbols or length in step.shape for step in needed.steps)


def _wanted(variable: Variable) -> str:
    if not variable.shape:
        return "a number"
    return f"{' x '.join(map(str, variable.shape))} {'numbers' if len(variable.shape) == 1 else 'table of numbers'}"


def _check_sign(variable: Variable, value: Exact) -> None:
    for place, entry in entries(value):
        if not _HOLDS[variable.sign](entry):
            where = variable.name + "".join(f"[{n}]" for n in place)
            declared = f"{variable.name} is declared {variable.sign}"
            raise InvalidProblem(f"{where} = {entry} was given, and {declared}; change the value, or the declaration")


def _check_spheres(setting: Setting, start: Mapping[str, Exact]) -> None:
    assert setting.flow is not None
    for group in setting.flow.space.spheres:
        square = sum((entry**2 for name in group for _, entry in entries(start[name])), Fraction(0))
        if square != 1:
            raise InvalidProblem(
                f"{', '.join(group)} starts off its sphere: the sum of squares is {square}, and exactly 1 is wanted; "
                f"take a rational point such as (3/5, 4/5), or numerics.point_on_sphere near your direction"
            )


def _times(times: Sequence[Any]) -> tuple[Fraction, ...]:
    found = tuple(rational(time, f"times[{n}]") for n, time in enumerate(times))
    if len(found) < 2 or found[0] != 0 or any(later <= earlier for earlier, later in pairwise(found)):
        given = ", ".join(map(str, found))
        raise InvalidProblem(f"the times ({given}) were given; at least two are wanted, increasing strictly, the first of them 0")
    return found
