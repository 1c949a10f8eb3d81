"""Rational points of the domain of an inequality: signs, spheres, simplices, hypotheses, boxes and other conditions, all met exactly.

Spheres and hypotheses that are linear in a constant are met by construction (`sampling`), and so are a simplex and the sides of a box. Points that
miss another condition are dropped. From a point one may walk to where the two sides come closer or change places.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from random import Random
from typing import Any, TypeAlias

import sympy as sp

from theory.settings import Flow, Instance, Setting, Space
from theory.statements import AtMost, Part
from theory.symbols import Variable

from .kernel.language import Rejected, Statement
from .kernel.nonnegative import claimed, equation, inhabited
from .kernel.points import residual_at
from .sampling import Entry, Point, Sizes, assignment, sample

BITS = 333
SCALES = (Fraction(1), Fraction(1, 8), Fraction(3), Fraction(1, 3), Fraction(1, 30), Fraction(5))
PLAIN = {0: 1, 2: 0}  # the first and the third point have these for entries, where they may: claims fail, or are equalities, at plain points
PARTS = 12  # of a side of a box, its ends included
FACTORS = (Fraction(1, 2), Fraction(2), Fraction(9, 10), Fraction(10, 9), Fraction(-1))
STEPS = (Fraction(1, 4), Fraction(-1, 4), Fraction(1), Fraction(-1))
MOST_MOVES = 200

Bounds: TypeAlias = tuple[Fraction | None, Fraction | None]
Place: TypeAlias = tuple[str, Entry]


@dataclass(frozen=True)
class Domain:
    """The points at which an inequality is claimed, at explicit sizes."""

    part: Part
    instance: Instance
    statement: Statement

    def points(self, random: Random, most: int) -> Iterator[Point]:
        """Points of the domain, among `most` that are drawn."""
        for n in range(most):
            point = self._drawn(random, SCALES[n % len(SCALES)])
            if n in PLAIN:
                point |= {place: Fraction(PLAIN[n]) for place in point if place[0] in self._free}
            try:
                self.excess(point)
            except Rejected:  # a condition fails, or the statement is not defined there
                continue
            yield point

    def written(self, point: Point) -> dict[str, Any]:
        """The point as the kernel reads it."""
        return assignment(self.part.setting, self.instance, point, bits=BITS)

    def excess(self, point: Point) -> float:
        """The largest entry of left - right, roughly; positive only if it certainly is. `Rejected` outside the domain."""
        written = self.written(point)
        inhabited(self.statement, written)
        values = residual_at(equation(self.statement), written).values()
        certain = [value for value in values if value > 0 or (claimed(self.statement).strict and value >= 0)]
        if certain:
            return max(float("1e-300"), *(float(value.mid()) for value in certain))
        return max(-float(abs(value.mid())) for value in values)

    def walk(self, point: Point, random: Random) -> Iterator[Point]:
        """Points of the domain with ever larger left - right, starting from this one.

        A step changes one entry, turns two of a sphere by an angle with rational sine and cosine, or moves weight between two of a simplex.
        """
        best, moves = self.excess(point), [*self._groups, *([place] for place in point if place[0] in self._free)]
        yield point
        for _ in range(MOST_MOVES if moves else 0):
            moved = self._moved(point, random.choice(moves), random)
            try:
                reached = self.excess(moved)
            except Rejected:
                continue
            if reached > best:
                best, point = reached, moved
                yield point

    def _moved(self, point: Point, places: list[Place], random: Random) -> Point:
        if len(places) == 1:
            (place,) = places
            return {**point, place: random.choice([point[place] * f for f in FACTORS] + [point[place] + s for s in STEPS] + [Fraction(0)])}
        first, second = random.sample(places, 2)
        a, b, s = point[first], point[second], random.choice(STEPS) / random.choice((1, 4, 16))
        if first[0] in self._simplices:
            return {**point, first: a + s * b, second: b - s * b}
        cosine, sine = (1 - s * s) / (1 + s * s), 2 * s / (1 + s * s)
        return {**point, first: cosine * a - sine * b, second: sine * a + cosine * b}

    # ---- construction ------------------------------------------------------------------------------------------------------------------------

    @cached_property
    def _spheres(self) -> tuple[str, ...]:
        """Vectors of which a hypothesis says that they lie on the unit sphere."""
        return tuple(v.name for v in self.part.setting.variables for h in self.part.setting.hypotheses if _sums(h.value, v, 2) == -1)

    @cached_property
    def _simplices(self) -> Mapping[str, Fraction]:
        """Vectors with positive or nonnegative entries of which a hypothesis says what they add up to."""
        found = {}
        for variable in self.part.setting.variables:
            for hypothesis in self.part.setting.hypotheses:
                constant = _sums(hypothesis.value, variable, 1)
                if constant is not None and constant < 0 and variable.sign in ("positive", "nonnegative"):
                    found[variable.name] = -constant
        return found

    @cached_property
    def _bounds(self) -> Mapping[str, Bounds]:
        """The sides of boxes: conditions a x + b >= 0 on all entries of a variable alike."""
        found: dict[str, Bounds] = {}
        assert isinstance(self.part.assertion, AtMost)
        for condition in self.part.assertion.where:
            for variable in self.part.setting.variables:
                names = tuple(name for name, _ in condition.family.indices)
                entry = variable[names] if len(names) == len(variable.shape) else None
                if entry is None or not condition.family.value.has(entry):
                    continue
                slope = condition.family.value.coeff(entry)
                constant = sp.expand(condition.family.value - slope * entry)
                if not (slope.is_Rational and constant.is_Rational and slope != 0):
                    continue
                low, high = found.get(variable.name, (None, None))
                bound = Fraction(*map(int, (-constant / slope).as_numer_denom()))
                if slope > 0:
                    found[variable.name] = bound if low is None else max(low, bound), high
                else:
                    found[variable.name] = low, bound if high is None else min(high, bound)
        return found

    @cached_property
    def _free(self) -> frozenset[str]:
        """The variables that may be moved without leaving a sphere or breaking a hypothesis."""
        setting = self.part.setting
        bound = {symbol.name for h in setting.hypotheses for symbol in setting.unfold(h.value).free_symbols}
        bound |= {name for group in (setting.flow.space.spheres if setting.flow else ()) for name in group}
        return frozenset(v.name for v in setting.variables) - bound - set(self.instance.values)

    @cached_property
    def _groups(self) -> list[list[Place]]:
        """The entries of each sphere and each simplex, where there are at least two. A step that breaks another hypothesis is dropped."""
        setting = self.part.setting
        names = [*(setting.flow.space.spheres if setting.flow else ()), *((name,) for name in (*self._spheres, *self._simplices))]
        shapes = {variable.name: variable.shape for variable in setting.variables}
        sizes = Sizes(self.instance.sizes)
        groups = [[(name, entry) for name in group for entry in sizes.entries(shapes[name])] for group in names]
        return [group for group in groups if len(group) > 1]

    @cached_property
    def _samplable(self) -> Setting:
        """The setting as `sampling` can meet it: spheres as spheres of a flow, simplices left for later."""
        setting = self.part.setting
        special = {*self._spheres, *self._simplices}
        kept = tuple(
            h for h in setting.hypotheses if not any(_sums(h.value, v, p) is not None for v in setting.variables if v.name in special for p in (1, 2))
        )
        flow = setting.flow
        if flow is None and self._spheres:
            flow = Flow(Space(setting.variables, tuple((name,) for name in self._spheres)), sp.S.Zero, (), {})
        return replace(setting, hypotheses=kept, flow=flow)

    def _drawn(self, random: Random, scale: Fraction) -> Point:
        point = sample(self._samplable, self.instance, random, scale=scale)
        for variable in self.part.setting.variables:
            places = [(variable.name, entry) for entry in Sizes(self.instance.sizes).entries(variable.shape)]
            if variable.name in self._simplices:
                factor = self._simplices[variable.name] / sum(point[place] for place in places)
                point.update({place: point[place] * factor for place in places})
            elif variable.name in self._bounds and variable.name in self._free:
                point.update({place: _between(random, self._bounds[variable.name], point[place]) for place in places})
        return point


def _between(random: Random, bounds: Bounds, drawn: Fraction) -> Fraction:
    low, high = bounds
    if low is not None and high is not None:
        return low + (high - low) * random.randint(0, PARTS) / PARTS
    return low + abs(drawn) if low is not None else high - abs(drawn) if high is not None else drawn


def _sums(expression: sp.Expr, variable: Variable, power: int) -> Fraction | None:
    """The c for which the expression is the sum over all entries of the variable, each to this power, plus c."""
    if len(variable.shape) != 1:
        return None
    constant, rest = expression.as_coeff_Add()
    if not isinstance(rest, sp.Sum) or not constant.is_Rational or len(rest.limits) != 1:
        return None
    name, _, last = rest.limits[0]
    if rest.function != variable[name] ** power or last + 1 != variable.shape[0]:
        return None
    return Fraction(int(constant.p), int(constant.q))
