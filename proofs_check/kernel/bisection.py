"""Inequalities on a box, cut into cells until each can be decided in balls.

Let the claim be f <= g at explicit sizes, and let every entry that f, g or a condition depends on be bounded: from below by its sign or a condition
a x + b >= 0, a > 0, from above by a condition with a < 0, on both sides by lying on a sphere. The certificate says how the box is cut in halves,
a list in which a number is the coordinate that is cut, first half first, and -1 is a cell left whole. A cell is decided when on all of it

    a condition is negative, or a hypothesis is not zero: the domain has no point there; or
    g - f >= 0 (> 0 if strict) by the value of g - f in balls, or by its value at the centre and its derivatives in balls (the mean value theorem).

Before that, a coordinate in which g - f certainly increases on the cell is set to its least value there, and in which it decreases to its largest:
what holds on that face holds on the cell. Everything is evaluated on whole cells, so that the statement is defined on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

from flint import arb, arb_mat, fmpq

from .graph import Graph, Motion, Place, motion, read_places
from .instance import entries, entry_name, read_sizes
from .instance import residual as residual_at_instance
from .language import Equal, Evolves, Family, Json, Rejected, Statement, Tree
from .nonnegative import claimed, inhabited, member
from .passes import Pass, planned
from .points import precision

Cell: TypeAlias = tuple[tuple[fmpq, fmpq], ...]

LEAF: Final = -1
MOST_CELLS: Final = 100_000


@dataclass(frozen=True)
class Balls:
    """Balls of real numbers that may be wide."""

    def number(self, q: fmpq) -> arb:
        return arb(q)

    def plus(self, a: arb, b: arb) -> arb:
        return a + b

    def times(self, a: arb, b: arb) -> arb:
        return a * b

    def power(self, a: arb, q: fmpq) -> arb:
        if q < 0 and not (a > 0 or a < 0):
            raise Rejected(f"a denominator is not certainly different from zero: {a}")
        if q.q != 1:
            if not a > 0:
                raise Rejected(f"the base of a root is not certainly positive: {a}")
            return a ** arb(q)
        n = int(q.p)  # monotone between the ends, which are taken for themselves: wide balls lose less so
        low, high = (a.abs_lower(), a.abs_upper()) if n % 2 == 0 else (a.lower(), a.upper())
        return (low**n).union(high**n)

    def function(self, name: str, a: arb) -> arb:
        match name:
            case "log" if a > 0:
                return a.log()
            case "exp" | "sin" | "cos" | "asinh" | "atan":
                return getattr(a, name)()
            case "atanh" if abs(a) < 1:
                return a.atanh()
            case "abs":
                return a.abs_lower().union(a.abs_upper())
        raise Rejected(f"{name} of {a} is not certainly defined")

    def image(self, matrix: arb_mat, values: Sequence[arb]) -> list[arb]:
        return (matrix * arb_mat(len(values), 1, list(values))).entries()


@dataclass(frozen=True)
class Gap:
    """g - f at one entry of the claim, with its derivatives by the coordinates it depends on, and what has to hold on the domain."""

    graph: Graph
    value: int
    slopes: Mapping[Place, int]
    nonnegative: tuple[int, ...]
    zero: tuple[int, ...]
    strict: bool
    box: Mapping[Place, tuple[fmpq, fmpq]]

    @cached_property
    def places(self) -> tuple[Place, ...]:
        return tuple(self.box)

    @property
    def whole(self) -> Cell:
        return tuple(self.box.values())

    @cached_property
    def _inside(self) -> Pass:
        return planned(self.graph, [self.value, *self.slopes.values()])

    @cached_property
    def _domain(self) -> Pass:
        return planned(self.graph, [*self.nonnegative, *self.zero])

    def _balls(self, cell: Cell) -> dict[Place, arb]:
        return {place: arb(low) if low == high else arb(low).union(arb(high)) for place, (low, high) in zip(self.places, cell, strict=True)}

    def empty(self, cell: Cell) -> bool:
        """Whether the domain certainly has no point in the cell."""
        try:
            found = self._domain.values(Balls(), self._balls(cell))
        except Rejected:
            return False
        return any(found[n] < 0 for n in self.nonnegative) or any(found[n] > 0 or found[n] < 0 for n in self.zero)

    def slopes_on(self, cell: Cell) -> dict[Place, arb]:
        """The derivatives on the cell; `Rejected` where they are not certainly defined."""
        found = self._inside.values(Balls(), self._balls(cell))
        return {place: found[n] for place, n in self.slopes.items()}

    def face(self, cell: Cell) -> Cell:
        """The face of the cell on which g - f is certainly least, as far as its derivatives have a sign."""
        for _ in self.places:
            slopes = self.slopes_on(cell)
            smaller = tuple(
                (low, low) if place in slopes and slopes[place] >= 0 else (high, high) if place in slopes and slopes[place] <= 0 else (low, high)
                for place, (low, high) in zip(self.places, cell, strict=True)
            )
            if smaller == cell:
                break
            cell = smaller
        return cell

    def decided(self, cell: Cell) -> bool:
        """Whether the inequality certainly holds on what the cell has of the domain."""
        if self.empty(cell):
            return True
        try:
            face = self.face(cell)
            inside = self._inside.values(Balls(), self._balls(face))
            centre = tuple(((low + high) / 2, (low + high) / 2) for low, high in face)
            mean = self._inside.values(Balls(), self._balls(centre))[self.value]
        except Rejected:
            return False
        for place, (low, high) in zip(self.places, face, strict=True):
            if place in self.slopes and low != high:
                half = (high - low) / 2
                mean += inside[self.slopes[place]] * arb(-half).union(arb(half))
        return any(value > 0 or (value >= 0 and not self.strict) for value in (inside[self.value], mean))


def halves(cell: Cell, coordinate: int) -> tuple[Cell, Cell]:
    low, high = cell[coordinate]
    middle = (low + high) / 2
    return (*cell[:coordinate], (low, middle), *cell[coordinate + 1 :]), (*cell[:coordinate], (middle, high), *cell[coordinate + 1 :])


def gaps(statement: Statement, instance: Json) -> list[Gap]:
    """g - f for every entry of the claim, on the box that the statement bounds; `Rejected` where it bounds none."""
    claim, sizes = claimed(statement), read_sizes(statement, instance["sizes"])
    for name in instance["values"]:
        if name not in statement.symbols or statement.symbols[name].role != "constant":
            raise Rejected(f"a value is given for {name}, which is not a constant")
    values = read_places(statement, instance["values"], sizes)
    moved = motion(statement, sizes, values) if isinstance(claim.sides, Evolves) else None
    graph = moved.graph if moved else Graph(statement, sizes, values)

    def every(families: Iterable[Family]) -> tuple[int, ...]:
        return tuple(graph.family(family, e) for family in families for e in entries((size for _, size in family.indices), sizes))

    nonnegative, zero = every(statement.definitions[name] for name in claim.where), every(statement.hypotheses)
    bounds = _bounds(statement, instance, sizes)
    found = []
    for entry in entries((size for _, size in claim.indices), sizes):
        at = {name: k for (name, _), k in zip(claim.indices, entry, strict=True)}
        if isinstance(claim.sides, Equal):
            left, right = graph.walk(claim.sides.left, at), graph.walk(claim.sides.right, at)
        else:
            left, right = _rate(graph, claim.sides.quantity, at, moved), graph.walk(claim.sides.rate, at)
        value = graph.total([right, graph.times(left, graph.number(-1))])
        used = graph.places([value, *nonnegative, *zero])
        for place in used:
            if place not in bounds or None in bounds[place]:
                raise Rejected(
                    f"{entry_name(*place)} is not bounded on both sides: the box of a subdivision is read from signs, spheres and conditions"
                )
        box = {place: (low, high) for place, (low, high) in bounds.items() if place in used and low is not None and high is not None}
        if any(low > high for low, high in box.values()):
            raise Rejected("the box is empty: the statement is about nothing")
        found.append(Gap(graph, value, graph.gradient(value), nonnegative, zero, claim.strict, box))
    return found


def _rate(graph: Graph, quantity: Tree, at: Mapping[str, int], moved: Motion | None) -> int:
    """d/dt quantity along the flow."""
    parts, velocities = [], moved.velocities if moved else {}
    for place, slope in graph.gradient(graph.walk(quantity, at)).items():
        if place in velocities:
            parts.append(graph.times(slope, velocities[place]))
        elif graph.statement.symbols[place[0]].role != "constant":
            raise Rejected(f"the flow does not say how {place[0]} moves, and the claim differentiates it")
    return graph.total(parts)


def _bounds(statement: Statement, instance: Json, sizes: Mapping[str, int]) -> dict[Place, tuple[fmpq | None, fmpq | None]]:
    """The least and the largest value of every entry, where signs, spheres and conditions on it alone say so."""
    found: dict[Place, tuple[fmpq | None, fmpq | None]] = {}
    round_ = {name for group in (statement.flow.spheres if statement.flow else ()) for name in group}
    for symbol in statement.symbols.values():
        for entry in entries(symbol.shape, sizes):
            low = fmpq(0) if symbol.sign in ("positive", "nonnegative") else fmpq(-1) if symbol.name in round_ else None
            found[symbol.name, entry] = low, fmpq(1) if symbol.name in round_ else None
    places = {entry_name(*place): place for place in found}
    for name in claimed(statement).where:
        for fraction in residual_at_instance(member(statement, name), instance).entries.values():
            affine = {} if fraction.num.total_degree() > 1 else {tuple(map(int, e)): q for e, q in fraction.num.terms()}
            constant = affine.pop((0,) * fraction.num.context().nvars(), fmpq(0))
            if len(affine) != 1 or not fraction.den.is_constant():
                continue
            ((exponents, slope),) = affine.items()
            place = places.get(str(fraction.num.context().name(exponents.index(1))))
            if place is not None:
                (low, high), bound = found[place], -constant / slope
                if slope > 0:
                    found[place] = bound if low is None else max(low, bound), high
                else:
                    found[place] = low, bound if high is None else min(high, bound)
    return found


def check_bisection(statement: Statement, certificate: Json) -> int:
    """The number of cells, if each is decided; otherwise `Rejected`.

    The certificate is {"instance": {"sizes", "values"}, "bits", "splits": [how the box is cut, for each entry of the claim]}, and has a `point`
    where the claim has conditions.
    """
    if claimed(statement).where:
        inhabited(statement, certificate["point"], certificate["instance"])
    found = gaps(statement, certificate["instance"])
    if len(certificate["splits"]) != len(found):
        raise Rejected(f"there are {len(certificate['splits'])} lists of cuts for {len(found)} entries")
    cells = 0
    with precision(certificate["bits"]):
        for gap, splits in zip(found, certificate["splits"], strict=True):
            waiting = [gap.whole]
            if len(splits) > 2 * MOST_CELLS:
                raise Rejected(f"there are more than {MOST_CELLS} cells")
            for coordinate in splits:
                if not waiting:
                    raise Rejected("there are more cuts than cells")
                cell = waiting.pop()
                if coordinate == LEAF:
                    if not gap.decided(cell):
                        raise Rejected(f"the inequality is not decided on the cell {words(gap, cell)}")
                    cells += 1
                elif isinstance(coordinate, int) and not isinstance(coordinate, bool) and 0 <= coordinate < len(cell):
                    waiting += reversed(halves(cell, coordinate))
                else:
                    raise Rejected(f"{coordinate!r} is not the number of a coordinate")
            if waiting:
                raise Rejected(f"{len(waiting)} cells are left undecided")
    return cells


def words(gap: Gap, cell: Cell) -> str:
    """The cell for a reader."""
    return ", ".join(f"{entry_name(*place)} in [{low}, {high}]" for place, (low, high) in zip(gap.places, cell, strict=True))
