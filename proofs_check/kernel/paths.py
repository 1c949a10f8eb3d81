"""What an enclosure is about: a flow at explicit sizes, polynomials in time and lambda that follow it, and paths through the set these fill."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import comb
from typing import Any, Final, TypeAlias

from flint import arb, arb_mat, arb_poly, fmpq, fmpz

from . import chebyshev
from .graph import Graph, Motion, Place
from .passes import Pass, planned
from .polynomials import Exponents

PARTIAL: Final = frozenset({"^", "log", "atanh", "abs"})  # not defined, or not smooth, everywhere

Rows: TypeAlias = tuple[tuple[int, ...], ...]  # for each coordinate the coefficients of a polynomial in s
Times: TypeAlias = tuple[fmpq, fmpq]


@dataclass(frozen=True)
class Still:
    """What does not move, and is a polynomial in lambda: the coefficient of each monomial, that of 1 among them."""

    terms: Mapping[Exponents, arb]

    @property
    def value(self) -> arb:
        return next(c for powers, c in self.terms.items() if not any(powers))

    @property
    def reach(self) -> arb:
        """How far from the value it gets."""
        return sum((abs(c) for powers, c in self.terms.items() if any(powers)), arb(0))

    @property
    def wide(self) -> arb:
        """All of its values."""
        return self.value + around(self.reach)


@dataclass(frozen=True)
class Piece:
    """From time `start` on, for a time `length`: the coordinate i moves as sum_k rows[i][k] s^k / 2^bits, with s from 0 to 1.

    To this every monomial in lambda of `across` adds itself times a polynomial given in the same way.
    """

    start: fmpq
    length: fmpq
    bits: int
    rows: Rows
    across: tuple[tuple[Exponents, Rows], ...] = ()

    def coefficients(self, i: int) -> list[arb]:
        """Exact if the precision is more than `bits` and a few."""
        return self._numbers(self.rows[i])

    def changes(self, i: int) -> dict[Exponents, list[arb]]:
        """The same for what is multiplied by monomials."""
        return {powers: self._numbers(rows[i]) for powers, rows in self.across}

    def _numbers(self, row: tuple[int, ...]) -> list[arb]:
        unit = arb(fmpq(1, fmpz(2) ** self.bits))
        return [arb(c) * unit for c in row]

    def monomials(self, width: int) -> tuple[Exponents, ...]:
        """That of 1, of `width` lambdas, and those of `across`."""
        return (0,) * width, *(powers for powers, _ in self.across)

    def sampled(self, count: int) -> tuple[arb_mat, arb_mat]:
        """At Chebyshev's points the coordinates, then what each monomial is multiplied by, in rows; and their derivatives by s."""
        lines = [row + (0,) * (self.longest - len(row)) for rows in (self.rows, *(rows for _, rows in self.across)) for row in rows]
        coefficients = arb_mat(lines) * arb(fmpq(1, fmpz(2) ** self.bits))
        return coefficients * chebyshev.powers(count, self.longest), coefficients * chebyshev.rates(count, self.longest)

    @property
    def longest(self) -> int:
        return max(len(row) for rows in (self.rows, *(rows for _, rows in self.across)) for row in rows)

    @property
    def degree(self) -> int:
        return max((sum(powers) for powers, _ in self.across), default=0)

    @property
    def first(self) -> list[list[fmpq]]:
        """Where the coordinates are at s = 0, and what each monomial is multiplied by there."""
        return [[fmpq(row[0], fmpz(2) ** self.bits) for row in rows] for rows in (self.rows, *(rows for _, rows in self.across))]

    @property
    def last(self) -> list[list[fmpq]]:
        """The same at s = 1."""
        return [[fmpq(sum(row), fmpz(2) ** self.bits) for row in rows] for rows in (self.rows, *(rows for _, rows in self.across))]


@dataclass(frozen=True)
class Field:
    """The flow at explicit sizes, pulled to what it keeps: coordinates, their weights, the nodes of their velocities, constants with lambda."""

    motion: Motion
    coordinates: tuple[Place, ...]
    clock: tuple[Place, ...]
    velocities: tuple[int, ...]
    weights: tuple[fmpq, ...]
    constants: Mapping[Place, Still]
    width: int  # the number of lambdas

    @cached_property
    def velocity(self) -> Pass:
        return planned(self.graph, self.velocities)

    @cached_property
    def elsewhere(self) -> Pass:
        """What the flow is written with and its velocities do not need, if it is not defined everywhere."""
        needed = set(self.graph.under(self.velocities))
        return planned(self.graph, [n for n in range(self.motion.stated) if n not in needed and self.graph.nodes[n][0] in PARTIAL])

    @property
    def graph(self) -> Graph:
        return self.motion.graph


@dataclass(frozen=True)
class Path:
    """Taylor coefficients along a path, and balls that hold them at all of its points: of each coordinate, of the time, and of the constants."""

    lines: Sequence[Sequence[arb]]
    clock: Sequence[arb]
    constants: Mapping[Place, Sequence[arb]]

    def known(self, flow: Field, coordinate: Callable[[int, Sequence[arb]], Any], still: Callable[[Sequence[arb]], Any]) -> dict[Place, Any]:
        """What the places of the flow are worth."""
        found = {place: coordinate(i, line) for i, (place, line) in enumerate(zip(flow.coordinates, self.lines, strict=True))}
        return found | {place: still(self.clock) for place in flow.clock} | {place: still(line) for place, line in self.constants.items()}


def through_time(flow: Field, piece: Piece, times: Times, tube: arb, length: int) -> Path:
    """From s on, at every s between the times: p with the tube around it, for all lambda."""
    lines = []
    for i, weight in enumerate(flow.weights):
        line = _taylor(piece.coefficients(i), times, length)
        others = [_taylor(row, times, length) for row in piece.changes(i).values()]
        line = [a + around(sum((abs(other[k]) for other in others), arb(0))) for k, a in enumerate(line)] if others else line
        lines.append([line[0] + around(tube / arb(weight)), *line[1:]])
    return Path(lines, [_now(piece, times), arb(piece.length)], {place: [c.wide] for place, c in flow.constants.items()})


def through_lambda(flow: Field, piece: Piece, times: Times, tube: arb, length: int) -> Path:
    """From z on, at every z from 0 to 1 and every s between the times: p of z lambda and z v, for all lambda and all |v| <= tube."""
    lines = []
    for i, weight in enumerate(flow.weights):
        terms = {powers: _taylor(row, times, 1)[0] for powers, row in piece.changes(i).items()}
        lines.append(outwards(_taylor(piece.coefficients(i), times, 1)[0], terms, length, tube / arb(weight)))
    return Path(lines, [_now(piece, times)], {place: outwards(c.value, c.terms, length) for place, c in flow.constants.items()})


def outwards(value: arb, terms: Mapping[Exponents, arb], length: int, tube: arb | None = None) -> list[arb]:
    """The Taylor coefficients at every z from 0 to 1 of a value + the terms at z lambda + z v, for all lambda and all |v| <= tube."""
    reach = [arb(0)] * (max(map(sum, terms), default=0) + 2)  # by degree
    for powers, c in terms.items():
        reach[sum(powers)] += abs(c)
    reach[1] += tube if tube is not None else arb(0)
    first, *rest = (around(sum((comb(n, k) * reach[n] for n in range(max(k, 1), len(reach))), arb(0))) for k in range(length))
    return [value + first, *rest]


def towards(flow: Field, piece: Piece, s: fmpq, j: int) -> Path:
    """From the centre in the direction of lambda_j."""
    change = unit(flow.width, j)
    lines = [[_at(piece.coefficients(i), s), _at(piece.changes(i).get(change, [arb(0)]), s)] for i in range(len(flow.weights))]
    return Path(lines, [_now(piece, (s, s))], {place: [c.value, c.terms.get(change, arb(0))] for place, c in flow.constants.items()})


def sideways(flow: Field, piece: Piece, s: fmpq, tube: arb) -> Path:
    """From the centre along all v with |v| <= tube."""
    lines = [[_at(piece.coefficients(i), s), around(tube / arb(weight))] for i, weight in enumerate(flow.weights)]
    return Path(lines, [_now(piece, (s, s))], {place: [c.value] for place, c in flow.constants.items()})


def unit(width: int, j: int) -> Exponents:
    return tuple(int(n == j) for n in range(width))


def _taylor(coefficients: list[arb], times: Times, length: int) -> list[arb]:
    """The Taylor coefficients below `length` of a polynomial at all times between two."""
    s, line, poly = _between(times), [], arb_poly(coefficients)
    for k in range(length):
        line.append(poly(s))
        poly = poly.derivative() * (arb(1) / (k + 1))
    return line


def _at(coefficients: list[arb], s: fmpq) -> arb:
    return arb_poly(coefficients)(arb(s))


def _now(piece: Piece, times: Times) -> arb:
    return arb(piece.start) + arb(piece.length) * _between(times)


def _between(times: Times) -> arb:
    return arb(times[0]).union(arb(times[1])) if times[0] != times[1] else arb(times[0])


def around(radius: arb) -> arb:
    """All numbers of at most that absolute value."""
    return arb(0, radius.abs_upper())
