"""Hypotheses met by solving them: each is linear in some constant, which is moved to a solution."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import sympy as sp

from theory.settings import Setting
from theory.symbols import Family, Variable

from ..sampling import NoPoint, Point, Sizes, _linear, _mentions, rational_value
from .tables import packed, unpacked


@dataclass(frozen=True)
class Solving:
    """Let the families vanish, by a choice of the entries of one constant, in which all of them are linear."""

    variable: Variable
    families: tuple[Family, ...]


def solving(setting: Setting, fixed: Iterable[str]) -> tuple[Solving, ...]:
    """Which constants are to be moved so that every hypothesis holds, one after another; those fixed keep their values.

    Of the constants that may be moved, one is taken that meets many hypotheses at once and has many indices, and so much freedom ($A$, not $z$, for
    $A z = 0$). A constant that stands in a hypothesis already met is moved no more.

    Raises `NoPoint` where no constant is left that a hypothesis is linear in.
    """
    waiting = [Family(family.indices, setting.unfold(family.value)) for family in setting.hypotheses]
    free = [variable for variable in setting.variables if variable.role == "constant" and variable.name not in set(fixed)]
    steps = []
    while waiting:
        options = []
        for variable in free:
            mine = [family for family in waiting if _mentions(family.value, variable.name)]
            if mine and all(_linear(family.value, variable) for family in mine):
                options.append((len(mine), len(variable.shape), Solving(variable, tuple(mine))))
        if not options:
            raise NoPoint(f"no constant left to choose so that {waiting[0].value} = 0 holds; it needs one that enters linearly")
        _, _, step = max(options, key=lambda option: option[:2])
        steps.append(step)
        free = [variable for variable in free if not any(_mentions(family.value, variable.name) for family in step.families)]
        waiting = [family for family in waiting if family not in step.families]
    return tuple(steps)


def solved(step: Solving, sizes: Sizes, point: Point) -> Point:
    """The entries of the constant, moved to a solution: those that the hypotheses leave free stay as they are in the point.

    Raises `NoPoint` where the other values leave no solution.
    """
    places = [(step.variable.name, entry) for entry in sizes.entries(step.variable.shape)]
    zero = {**point, **dict.fromkeys(places, Fraction(0))}
    rows = []
    for family in step.families:
        names = [name for name, _ in family.indices]
        for entry in sizes.entries(tuple(length for _, length in family.indices)):
            at: dict[sp.Symbol, int] = dict(zip(names, entry, strict=True))
            constant = rational_value(family.value, zero, sizes, at)
            slopes = [rational_value(family.value, {**zero, place: Fraction(1)}, sizes, at) - constant for place in places]
            rows.append([*slopes, -constant])
    reduced, rank = packed(rows).rref()
    moved = {place: point[place] for place in places}
    for row in unpacked(reduced)[:rank]:
        pivot = next(column for column, entry in enumerate(row) if entry != 0)
        if pivot == len(places):
            raise NoPoint(f"no value of {step.variable.name} meets {step.families[0].value} = 0 with the other values given")
        others = (entry * point[place] for entry, place in zip(row[pivot + 1 : -1], places[pivot + 1 :], strict=True))
        moved[places[pivot]] = row[-1] - sum(others, Fraction(0))  # the others with an entry here are free: they are as they were
    return moved
