"""Enclosures of a trajectory: along polynomials in time, as wide as their defect and the logarithmic norm of the flow allow.

Let x' = f(x), let W > 0 be diagonal, and write |v| for the Euclidean norm of W v. On a step of length h let q be polynomials in s = t/h.

Theorem. Let E > 0, let f be continuously differentiable near the sets q(s) + B with B = {|v| <= E}, and for 0 <= s <= 1 and v in B let

    |q'(s) - h f(q(s))| <= D    and    S(s, v) <= mu(s) I,  where S(s, v) is the symmetric part of W f'(q(s) + v) W^(-1).

Let e' = h mu e + D and e(0) = e0. If e < E on [0, 1], every solution with |x(0) - q(0)| <= e0 exists to the end of the step, and |x - q| <= e.

Proof. Let d = x - q. While |d| <= E the segment from q to x lies in q + B, so that f(x) - f(q) = int_0^1 f'(q + theta d) d dtheta, and the upper
derivative of |d| is at most h mu |d| + D; therefore |d| <= e. As e < E, the first time with |d| = E does not come, and the solution stays in a
compact set where f is smooth, so that it does not end before the step does.

The defect. q' - h f(q) is holomorphic where f(q) is. Its first coefficients are computed as power series in balls. If f_i(q) differs from a constant
by at most M_i for |s| <= rho, rho > 1, Cauchy's inequality bounds its coefficient k >= 1 by M_i rho^(-k), and what is left from k = K on, for
|s| <= 1, by h |M| rho^(-K) / (1 - 1/rho).

The logarithmic norm. On a part [a, b] of the step and for fixed v, S(s, v) differs from its linear interpolation between a and b by at most
(b - a)^2/8 times the largest norm of its second derivative by s, and the largest eigenvalue of the interpolation is at most the interpolation of the
largest eigenvalues, since these are convex functions of a matrix. At the ends S <= (mu + c) I holds when mu I - S = R R^T + C with a matrix C whose
rows sum to at most c in absolute value, whatever R is. R comes from an elimination in floating point, and is not trusted.

Spheres. Off its spheres a flow on spheres may expand. Let g = |u|^2 - 1 on a sphere with blocks u, and f_ext = f - kappa g u there. The blocks share
one rate and have no drift, so that g' = 2 (rate (u . slope) - kappa |u|^2) g along f_ext, which is linear in g. A solution of f_ext that starts on
the spheres stays there, where f_ext = f, so that it is the solution of f. The theorem is used with f_ext, a kappa for every step; what it says of
x' = f(x) it says of starts on the spheres.

Intervals. A constant may be a ball: then f is a set of fields, and D and S bound them all. The starts may fill a ball.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from operator import mul
from typing import Final, TypeAlias

from flint import acb, arb, arb_mat, arb_poly, fmpq, fmpz

from .graph import Graph, Motion, Place
from .language import Rejected
from .passes import Pass, planned
from .rings import Discs, Jets, Series, working

COARSE: Final = 64  # bits, for what need not be known to more digits
GUARD: Final = 32  # bits added to those of the polynomials
MOST_BITS: Final = 20_000
MOST_TERMS: Final = 2000
MOST_PARTS: Final = 1000
PARTIAL: Final = frozenset({"^", "log", "atanh", "abs"})  # not defined, or not smooth, everywhere

Slopes: TypeAlias = Callable[[int, arb_mat], fmpq]  # for the end k of a part and the matrix S there, a number that should bound its eigenvalues


@dataclass(frozen=True)
class Piece:
    """From time `start` on, for a time `length`: the coordinate i moves as sum_k rows[i][k] s^k / 2^bits, with s from 0 to 1."""

    start: fmpq
    length: fmpq
    bits: int
    rows: tuple[tuple[int, ...], ...]

    def coefficients(self, i: int) -> list[arb]:
        """Exact if the precision is more than `bits` and a few."""
        unit = arb(fmpq(1, fmpz(2) ** self.bits))
        return [arb(c) * unit for c in self.rows[i]]

    @property
    def first(self) -> list[fmpq]:
        return [fmpq(row[0], fmpz(2) ** self.bits) for row in self.rows]

    @property
    def last(self) -> list[fmpq]:
        return [fmpq(sum(row), fmpz(2) ** self.bits) for row in self.rows]


@dataclass(frozen=True)
class Field:
    """The flow at explicit sizes, pulled to its spheres: coordinates, their weights, the nodes of their velocities, the constants that are balls."""

    motion: Motion
    coordinates: tuple[Place, ...]
    clock: tuple[Place, ...]
    velocities: tuple[int, ...]
    weights: tuple[fmpq, ...]
    balls: Mapping[Place, tuple[fmpq, fmpq]]  # lower and upper ends

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

    def constants(self) -> dict[Place, arb]:
        return {place: arb(low).union(arb(high)) for place, (low, high) in self.balls.items()}


def norm(weights: Sequence[fmpq], v: Sequence[arb]) -> arb:
    """An upper bound of |v| = |W v|_2."""
    return arb(sum(((arb(w) * arb(c.abs_upper())) ** 2 for w, c in zip(weights, v, strict=True)), arb(0)).sqrt().abs_upper())


def defect(flow: Field, piece: Piece, terms: int, disc: fmpq) -> arb:
    """An upper bound of |q' - h f(q)| for 0 <= s <= 1, by `terms` coefficients and Cauchy's inequality on the disc |s| <= disc."""
    with working(piece.bits + GUARD, terms):
        ring, h = Series(terms), arb(piece.length)
        known = {place: ring.series(piece.coefficients(i)) for i, place in enumerate(flow.coordinates)}
        known |= {place: ring.series([arb(piece.start), h]) for place in flow.clock}
        known |= {place: ring.series([ball]) for place, ball in flow.constants().items()}
        found = flow.velocity.values(ring, known)
        columns = []
        for i, n in enumerate(flow.velocities):
            moved = [arb(k) * c for k, c in enumerate(piece.coefficients(i))][1:] + [arb(0)] * terms
            columns.append([a - h * b for a, b in zip(moved, ring.coefficients(found[n]), strict=False)])
    with working(COARSE, terms):
        bound = sum((norm(flow.weights, [column[k] for column in columns]) for k in range(terms)), arb(0))
        tail = arb(piece.length) * spread(flow, piece, disc) * arb(1 / disc) ** terms / (1 - arb(1 / disc))
        return finite(arb((bound + tail).upper()), "the defect")


def spread(flow: Field, piece: Piece, disc: fmpq) -> arb:
    """A bound, in the norm, of how far f(q(s)) gets from a constant for |s| <= disc; f(q) is holomorphic there."""
    if not disc > 1:
        raise Rejected(f"the disc needs a radius of more than 1, and {disc} is given")
    with working(COARSE, 1):
        ring, rho = Discs(), arb(disc)
        powers = [rho**k for k in range(max(map(len, piece.rows)))]
        known: dict[Place, acb] = {}
        for i, place in enumerate(flow.coordinates):
            first, *rest = piece.coefficients(i)
            known[place] = _rectangle(first, sum((abs(c) * p for c, p in zip(rest, powers[1:], strict=False)), arb(0)))
        known |= {place: _rectangle(arb(piece.start), arb(piece.length) * rho) for place in flow.clock}
        known |= {place: acb(ball) for place, ball in flow.constants().items()}
        found = flow.velocity.values(ring, known)
        values = [found[n] for n in flow.velocities]
        return norm(flow.weights, [arb((z - acb(z.real.mid(), z.imag.mid())).abs_upper()) for z in values])


def _rectangle(centre: arb, radius: arb) -> acb:
    around = arb(0, radius.abs_upper())
    return acb(centre + around, around)


def symmetric(flow: Field, piece: Piece, times: tuple[fmpq, fmpq], tube: arb, length: int) -> list[arb_mat]:
    """Enclosures of the Taylor coefficients below `length`, by s at every s between the times, of S(s, v) for all |v| <= tube."""
    with working(COARSE, length):
        ring, width = Jets(length, len(flow.coordinates)), len(flow.coordinates)
        known = {}
        for i, (place, line) in enumerate(zip(flow.coordinates, _along(flow, piece, times, tube, length), strict=True)):
            known[place] = ring.coordinate(line, i, 1 / arb(flow.weights[i]))
        known |= {place: ring.still([arb(piece.start) + arb(piece.length) * _between(times), arb(piece.length)]) for place in flow.clock}
        known |= {place: ring.still([ball]) for place, ball in flow.constants().items()}
        found = flow.velocity.values(ring, known)
        matrices = []
        for k in range(length):
            flat: list[arb] = []
            for n, weight in zip(flow.velocities, flow.weights, strict=True):
                row = found[n].rows[k]
                flat += [arb(0)] * width if row is None else (row * (arb(weight) / 2)).entries()
            half = arb_mat(width, width, flat)
            matrices.append(half + half.transpose())
        return matrices


def _along(flow: Field, piece: Piece, times: tuple[fmpq, fmpq], tube: arb, length: int) -> Iterator[list[arb]]:
    """For each coordinate the Taylor coefficients of q at all times between two, the first of them with the tube around it."""
    s = _between(times)
    for i, weight in enumerate(flow.weights):
        line, poly = [], arb_poly(piece.coefficients(i))
        for k in range(length):
            line.append(poly(s))
            poly = poly.derivative() * (arb(1) / (k + 1))
        yield [line[0] + arb(0, (tube / arb(weight)).abs_upper()), *line[1:]]


def _between(times: tuple[fmpq, fmpq]) -> arb:
    return arb(times[0]).union(arb(times[1])) if times[0] != times[1] else arb(times[0])


def excess(matrix: arb_mat, slope: fmpq) -> arb:
    """A number c >= 0 with S <= (slope + c) I for every symmetric S in the matrix of balls."""
    with working(COARSE, 1):
        n = matrix.nrows()
        shifted = arb_mat(n, n, [arb(slope) if i == j else arb(0) for i in range(n) for j in range(n)]) - matrix
        root = _root([[float(c) for c in row] for row in shifted.tolist()])
        factor = arb_mat(n, n, [c for row in root for c in row])
        rest = (shifted - factor * factor.transpose()).tolist()
        return _largest([sum((arb(c.abs_upper()) for c in row), arb(0)) for row in rest], "the logarithmic norm")


def _root(rows: list[list[float]]) -> list[list[float]]:
    """Cholesky's factor, lower triangular, in floating point."""
    n = len(rows)
    found: list[list[float]] = []
    for i, row in enumerate(rows):
        line: list[float] = []
        for j in range(i):
            line.append((row[j] - sum(map(mul, line, found[j]))) / found[j][j])
        rest = row[i] - sum(map(mul, line, line))
        if not rest > 0:
            raise Rejected("a bound of the logarithmic norm is too small, or has no room for rounding")
        found.append([*line, sqrt(rest)])
    return [line + [0.0] * (n - len(line)) for line in found]


@dataclass(frozen=True)
class Reached:
    """|x - q| <= within along the step, and <= out at its end; `bend` is what interpolation added to the logarithmic norm."""

    within: arb
    out: arb
    bend: arb


def followed(flow: Field, piece: Piece, gap: arb, entry: arb, tube: fmpq, parts: int, slopes: Slopes) -> Reached:
    """The theorem on one step: `gap` bounds the defect, `entry` the distance at its start, and the result holds in the tube."""
    if not (tube > 0 and 1 <= parts <= MOST_PARTS):
        raise Rejected(f"a step needs a tube of positive radius, and 1 to {MOST_PARTS} parts")
    wide = arb(tube)
    ends = [_end(flow, piece, fmpq(k, parts), wide, slopes, k) for k in range(parts + 1)]
    with working(COARSE, 1):
        _defined(flow, piece, wide)
        h, share = arb(piece.length), arb(fmpq(1, parts))
        distance, within, most_bent = entry, entry, arb(0)
        for k in range(parts):
            bend = _bend(flow, piece, (fmpq(k, parts), fmpq(k + 1, parts)), wide) * share**2 / 8
            most_bent = _largest([most_bent, bend], "the change of the logarithmic norm")
            low, high = ends[k] + bend, ends[k + 1] + bend
            most = (h * share * _largest([arb(0), low, high], "the logarithmic norm")).exp()
            last = (h * share * _largest([low, high], "the logarithmic norm")).exp()
            within = _largest([within, (distance + gap * share) * most], "the distance")
            # The integral of exp(z x) for 0 <= x <= 1 is at most the mean of 1 and exp(z).
            distance = arb((distance * (h * share * (low + high) / 2).exp() + gap * share * (1 + last) / 2).upper())
        if not (within < wide):
            raise Rejected(f"the solution may leave the tube of radius {float(tube):.3g}: it is only known to stay within {float(within):.3g}")
        return Reached(within, finite(distance, "the distance"), most_bent)


def _end(flow: Field, piece: Piece, s: fmpq, tube: arb, slopes: Slopes, k: int) -> arb:
    (matrix,) = symmetric(flow, piece, (s, s), tube, 1)
    slope = slopes(k, matrix)
    with working(COARSE, 1):
        return arb(slope) + excess(matrix, slope)


def _bend(flow: Field, piece: Piece, times: tuple[fmpq, fmpq], tube: arb) -> arb:
    """The largest norm of the second derivative of S."""
    second = symmetric(flow, piece, times, tube, 3)[2]
    return 2 * sum((arb(c.abs_upper()) ** 2 for c in second.entries()), arb(0)).sqrt()


def _defined(flow: Field, piece: Piece, tube: arb) -> None:
    """Refuse a tube where something the flow is written with is not defined, even if the velocities do not need it."""
    if flow.elsewhere.steps:
        ring, times = Series(1), (fmpq(0), fmpq(1))
        known = {place: ring.series(line) for place, line in zip(flow.coordinates, _along(flow, piece, times, tube, 1), strict=True)}
        known |= {place: ring.series([arb(piece.start) + arb(piece.length) * _between(times)]) for place in flow.clock}
        known |= {place: ring.series([ball]) for place, ball in flow.constants().items()}
        flow.elsewhere.values(ring, known)


def finite(a: arb, what: str) -> arb:
    if not a.is_finite():
        raise Rejected(f"{what} is not bounded")
    return a


def _largest(values: list[arb], what: str) -> arb:
    """An upper bound of all of them."""
    found = finite(values[0], what).upper()
    for value in values[1:]:
        upper = finite(value, what).upper()
        found = upper if upper > found else found
    return arb(found)
