"""How far a flow reaches: a lower bound on the dimension of its Lie algebra at a point.

Let theta' = X(theta, c) with arbitrary controls c. If dh X(., c) = 0 for every c, then dh vanishes on the derivatives of X by c, on derivatives by
the parameters of such fields, and on their brackets. Two kinds of vectors at the point theta_0 come from these, without a bracket being written:

* along a curve c(s) of controls, the coefficients of the power series X(theta_0, c(s));
* along the trajectory theta(t) of one control u(t), with b = X or b = (dX/dc) delta, the values at t = 0 of b, Db, DDb, ..., where
  Db = b' - (dX/dtheta) b: for b = Y(theta(t), t) it is the value of dY/dt + [X, Y].

Their rank is at most that of the Lie algebra, whatever the curves are, and equal to it for generic ones when the series are long enough (Coron's
return method, Sontag's generic controls). On spheres the fields are tangent and the trajectory stays there, so that none of this depends on what
the fields are elsewhere.

The rank is computed modulo a prime p that divides no denominator, of the point, of the flow, or of the factors 1/k of a trajectory, k <= 60 < p: all
vectors are then reductions of rational ones, and a minor that does not vanish modulo p does not vanish. A flow with roots or transcendental functions
is computed in balls, where a pivot counts when it certainly differs from zero.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, assert_never

import flint
from flint import arb, arb_mat, fmpq, fmpq_mat, nmod_mat, nmod_poly

from . import rings
from .graph import Motion, Node, Place
from .language import Function, Json, Rejected

Series: TypeAlias = Any  # nmod_poly or arb_series
Block: TypeAlias = Any  # nmod_mat or arb_mat: a row for each power of t, a column for each direction
MOST_ORDER: Final = 60
MOST_WIDTH: Final = 5000
MERSENNE: Final = (1 << 61) - 1
SMALLEST_PRIME: Final = 1 << 20
LARGEST_PRIME: Final = 1 << 62


class _Numbers(ABC):
    """Truncated power series, and matrices, over one ring."""

    @abstractmethod
    def series(self, coefficients: list[Any], length: int) -> Series: ...

    @abstractmethod
    def number(self, q: fmpq) -> Any: ...

    @abstractmethod
    def coefficients(self, a: Series, length: int) -> list[Any]: ...

    @abstractmethod
    def times(self, a: Series, b: Series, length: int) -> Series: ...

    @abstractmethod
    def power(self, a: Series, q: fmpq, length: int) -> Series: ...

    @abstractmethod
    def function(self, name: Function, a: Series, length: int) -> Series: ...

    @abstractmethod
    def matrix(self, rows: int, columns: int, entries: list[Any]) -> Block: ...

    @abstractmethod
    def rank(self, rows: list[list[Any]]) -> int: ...


@dataclass(frozen=True)
class _Modular(_Numbers):
    p: int

    def series(self, coefficients: list[Any], length: int) -> Series:
        return nmod_poly(coefficients[:length], self.p)

    def number(self, q: fmpq) -> int:
        below = int(q.q) % self.p
        if below == 0:
            raise Rejected(f"the prime {self.p} divides a denominator")
        return int(q.p) * pow(below, -1, self.p) % self.p

    def coefficients(self, a: Series, length: int) -> list[Any]:
        found = [int(c) for c in a.coeffs()[:length]]
        return found + [0] * (length - len(found))

    def times(self, a: Series, b: Series, length: int) -> Series:
        return a.mul_low(b, length)

    def power(self, a: Series, q: fmpq, length: int) -> Series:
        if q.q != 1:
            raise Rejected("a flow with roots is computed in balls, not modulo a prime")
        if q < 0:
            if a[0] == 0:
                raise Rejected("a denominator vanishes at the point, or modulo the prime")
            a = a.inverse_series_trunc(length)
        return rings.raised(lambda b, c: self.times(b, c, length), a, abs(int(q.p)))

    def function(self, name: Function, a: Series, length: int) -> Series:
        raise Rejected(f"a flow with {name} is computed in balls, not modulo a prime")

    def matrix(self, rows: int, columns: int, entries: list[Any]) -> Block:
        return nmod_mat(rows, columns, entries, self.p)

    def rank(self, rows: list[list[Any]]) -> int:
        return int(nmod_mat(len(rows), len(rows[0]), [q for row in rows for q in row], self.p).rank()) if rows else 0


@dataclass(frozen=True)
class _Balls(_Numbers):
    """Enclosures; `_uncut` is to be around whatever computes with the series, or FLINT cuts them at a length of its own."""

    def series(self, coefficients: list[Any], length: int) -> Series:
        return rings.Series(length).series(coefficients)

    def number(self, q: fmpq) -> arb:
        return arb(q)

    def coefficients(self, a: Series, length: int) -> list[Any]:
        return rings.Series(length).coefficients(a)[:length]

    def times(self, a: Series, b: Series, length: int) -> Series:
        return a * b

    def power(self, a: Series, q: fmpq, length: int) -> Series:
        return rings.Series(length).power(a, q)

    def function(self, name: Function, a: Series, length: int) -> Series:
        return rings.Series(length).function(name, a)

    def matrix(self, rows: int, columns: int, entries: list[Any]) -> Block:
        return arb_mat(rows, columns, entries)

    def rank(self, rows: list[list[Any]]) -> int:
        """The number of pivots of an elimination that certainly differ from zero."""
        work, found = [list(row) for row in rows], 0
        while work and work[0]:
            n, c = max(((n, c) for n in range(len(work)) for c in range(len(work[0]))), key=lambda at: work[at[0]][at[1]].abs_lower().mid())
            pivot = work.pop(n)
            if not (pivot[c].is_finite() and (pivot[c] > 0 or pivot[c] < 0)):
                break
            found += 1
            factors = [row[c] / pivot[c] for row in work]
            work = [[q - f * top for k, (q, top) in enumerate(zip(row, pivot, strict=True)) if k != c] for f, row in zip(factors, work, strict=True)]
        return found


@contextmanager
def _uncut(length: int) -> Iterator[None]:
    """Series of balls keep `length` terms inside, and what was usual before outside."""
    before = flint.ctx.cap
    flint.ctx.cap = length
    try:
        yield
    finally:
        flint.ctx.cap = before


def reached(motion: Motion, at: Mapping[Place, fmpq], controls: Json) -> int:
    """The rank of the vectors that the certificate's curves of controls give at the point, where the flow has to be defined.

    The point has a value for every place that moves and for every control; the curves start at the latter. `controls` is {"prime": p, or null for
    balls, "width": the length of the series in s and the number of the directions delta, "order": that of the series in t, 0 for none, "seed": the
    number from which the coefficients of the curves are drawn}. Raises `Rejected` for other controls, and where something is not certainly defined.
    """
    width, order, seed, p = controls["width"], controls["order"], controls["seed"], controls["prime"]
    integers = all(isinstance(n, int) and not isinstance(n, bool) for n in (width, order, seed))
    if not (integers and 1 <= width <= MOST_WIDTH and 0 <= order <= MOST_ORDER):
        raise Rejected(f"the controls need a width of 1 to {MOST_WIDTH}, an order of 0 to {MOST_ORDER}, and a seed, all integers")
    numbers: _Numbers = _Balls()
    if p is not None:
        if isinstance(p, bool) or not isinstance(p, int) or not SMALLEST_PRIME < p < LARGEST_PRIME or not flint.fmpz(p).is_prime():
            raise Rejected(f"{p!r} is not a prime between 2^20 and 2^62")
        numbers = _Modular(p)
    with _uncut(max(width, order)):
        _Search(motion, _Balls(), at, _stream(seed)).evaluated()
        search = _Search(motion, numbers, at, _stream(seed))
        return numbers.rank([*search.along_curve(width), *search.along_trajectory(width, order)])


def independent(rows: list[Mapping[Place, fmpq | arb]], columns: tuple[Place, ...]) -> int:
    """A lower bound on the rank of rows of numbers: modulo a prime where they all are rational, in balls elsewhere."""
    exact = [{place: q for place, q in row.items() if isinstance(q, fmpq)} for row in rows]
    if [*map(len, exact)] != [*map(len, rows)]:
        return _Balls().rank([[arb(row.get(place, fmpq(0))) for place in columns] for row in rows])
    numbers = _Modular(MERSENNE)
    try:
        return numbers.rank([[numbers.number(row[place]) if place in row else 0 for place in columns] for row in exact])
    except Rejected:  # the prime divides a denominator
        return int(fmpq_mat([[row.get(place, fmpq(0)) for place in columns] for row in exact]).rank())


def _stream(seed: int) -> Iterator[int]:
    """Integers below 2^20, the same for everyone: of SHA-256, so that a certificate is short."""
    block = 0
    while True:
        digest = hashlib.sha256(f"{seed}:{block}".encode()).digest()
        for k in range(0, 30, 3):
            yield int.from_bytes(digest[k : k + 3], "big") >> 4
        block += 1


@dataclass(frozen=True)
class _Search:
    motion: Motion
    numbers: _Numbers
    at: Mapping[Place, fmpq]
    stream: Iterator[int]

    def random(self, length: int) -> list[Any]:
        return [self.numbers.number(fmpq(next(self.stream))) for _ in range(length)]

    def curves(self, length: int) -> dict[Place, Series]:
        """The controls on random curves that start at the point."""
        numbers = self.numbers
        return {place: numbers.series([numbers.number(self.at[place]), *self.random(length - 1)], length) for place in self.motion.controls}

    def resting(self, length: int) -> dict[Place, Series]:
        """What moves, at the point."""
        return {place: self.numbers.series([self.numbers.number(self.at[place])], length) for place in self.motion.moving}

    def evaluated(self) -> None:
        """Refuse a point where something the flow is written with is not defined, even if the velocities do not need it."""
        self.values(self.curves(1) | self.resting(1), 1, range(self.motion.stated))

    def along_curve(self, width: int) -> list[list[Any]]:
        """The coefficients of X(theta_0, c(s)), a row for each power of s."""
        width = width if self.motion.controls else 1
        found = self.values(self.curves(width) | self.resting(width), width, self.motion.graph.under(self.motion.velocities.values()))
        columns = [self.numbers.coefficients(found[self.motion.velocities[place]], width) for place in self.motion.moving]
        return [list(row) for row in zip(*columns, strict=True)]

    def along_trajectory(self, width: int, order: int) -> list[list[Any]]:
        """The values at t = 0 of b, Db, DDb, ... for b = X and for b = (dX/dc) delta, with as many directions as the width says."""
        if order == 0:
            return []
        controls, moving, numbers = self.motion.controls, self.motion.moving, self.numbers
        known = self.curves(order)
        trajectory = {place: [numbers.number(self.at[place])] for place in moving}
        nodes = self.motion.graph.under(self.motion.velocities.values())
        for k in range(1, order):
            found = self.values(known | {place: numbers.series(trajectory[place], k) for place in moving}, k, nodes)
            for place in moving:
                trajectory[place].append(numbers.coefficients(found[self.motion.velocities[place]], k)[k - 1] * numbers.number(fmpq(1, k)))
        known |= {place: numbers.series(trajectory[place], order) for place in moving}
        slopes = [b for parts in self.motion.slopes.values() for part in parts for b in part]
        values = self.values(known, order, self.motion.graph.under(slopes + list(self.motion.velocities.values())))
        width = min(width, len(controls))
        first = {place: numbers.matrix(order, width, self.random(width) + [numbers.number(fmpq(0))] * (width * (order - 1))) for place in controls}
        fields = self.tangents(values, first, order, width) if width else {}
        own = {place: numbers.matrix(order, 1, numbers.coefficients(values[self.motion.velocities[place]], order)) for place in moving}
        rows: list[list[Any]] = []
        for block, columns in ((own, 1), (fields, width)):
            for length in range(order, 0, -1) if block else ():
                rows += [[block[place][0, k] for place in moving] for k in range(columns)]
                if length > 1:
                    block = self.bracketed(values, block, length - 1, columns)
        return rows

    def bracketed(self, values: Mapping[int, Series], block: Mapping[Place, Block], length: int, columns: int) -> dict[Place, Block]:
        """Db = b' - (dX/dtheta) b, one power of t shorter."""
        numbers = self.numbers
        zero = numbers.number(fmpq(0))
        rate = numbers.matrix(length, length + 1, [numbers.number(fmpq(k)) if k == j + 1 else zero for j in range(length) for k in range(length + 1)])
        cut = numbers.matrix(length, length + 1, [numbers.number(fmpq(1)) if k == j else zero for j in range(length) for k in range(length + 1)])
        pushed = self.tangents(values, {place: cut * b for place, b in block.items()}, length, columns)
        return {place: rate * block[place] - pushed[place] for place in block}

    def values(self, known: Mapping[Place, Series], length: int, nodes: Iterable[int]) -> dict[int, Series]:
        """The nodes as series."""
        numbers, found = self.numbers, dict[int, Series]()
        for n in nodes:
            node: Node = self.motion.graph.nodes[n]
            match node:
                case ["number", q]:
                    found[n] = numbers.series([numbers.number(q)], length)
                case ["place", place]:
                    if place not in known:
                        raise Rejected(f"{place[0]}{list(place[1])} has no value, and the flow needs it")
                    found[n] = known[place]
                case ["held", a]:
                    found[n] = found[a]
                case ["+", args]:
                    total = found[args[0]]
                    for a in args[1:]:
                        total = total + found[a]
                    found[n] = total
                case ["*", a, b]:
                    found[n] = numbers.times(found[a], found[b], length)
                case ["^", a, q]:
                    found[n] = numbers.power(found[a], q, length)
                case [name, a]:
                    found[n] = numbers.function(name, found[a], length)
                case _:
                    assert_never(node)
        return found

    def tangents(self, values: Mapping[int, Series], moved: Mapping[Place, Block], length: int, columns: int) -> dict[Place, Block]:
        """How the velocities change to first order when the places move as `moved` says."""
        graph, numbers = self.motion.graph, self.numbers
        zero = numbers.number(fmpq(0))
        nothing = numbers.matrix(length, columns, [zero] * (length * columns))
        toeplitz: dict[int, Block] = {}

        def multiplied(a: int, block: Block) -> Block:
            if a not in toeplitz:
                line = numbers.coefficients(values[a], length)
                toeplitz[a] = numbers.matrix(length, length, [line[j - k] if j >= k else zero for j in range(length) for k in range(length)])
            return toeplitz[a] * block

        found: dict[int, Block] = {}
        for n, parts in self.motion.slopes.items():
            node = graph.nodes[n]
            if node[0] == "place" and node[1] in moved:
                found[n] = moved[node[1]]
            elif node[0] == "held" and node[1] in found:
                found[n] = found[node[1]]
            for a, slope in parts:
                if a in found:
                    step = found[a] if node[0] == "+" else multiplied(slope, found[a])
                    found[n] = found[n] + step if n in found else step
        return {place: found.get(self.motion.velocities[place], nothing) for place in self.motion.moving}
