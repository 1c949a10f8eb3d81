"""Certificates of enclosures: a start, and step after step polynomials with tubes around them that hold the solution (`tube`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Final

from flint import arb, fmpq

from .graph import Motion, Place, motion
from .instance import entries, rational, read_sizes, read_value
from .language import Equal, Json, Number, Rejected, Statement
from .rings import working
from .tube import COARSE, MOST_TERMS, Field, Piece, Slopes, defect, followed, norm

MOST_BITS: Final = 20_000


@dataclass(frozen=True)
class Start:
    """Where a certificate begins: the flow, its constants that are balls, the weights, the point, and how far from it a solution may start."""

    motion: Motion
    balls: Mapping[Place, tuple[fmpq, fmpq]]
    coordinates: tuple[Place, ...]
    weights: tuple[fmpq, ...]
    point: tuple[fmpq, ...]
    radius: fmpq
    fields: dict[fmpq, Field] = field(default_factory=dict)

    def distance(self, piece: Piece) -> arb:
        """A bound of |x - q(0)| for all starts."""
        return self.jump(self.point, piece.first) + arb(self.radius)

    def jump(self, a: Sequence[fmpq], b: Sequence[fmpq]) -> arb:
        """A bound of |a - b|."""
        return norm(self.weights, [arb(p - q) for p, q in zip(a, b, strict=True)])

    def pulled(self, kappa: fmpq) -> Field:
        """The flow with -kappa (|u|^2 - 1) u added on each sphere."""
        if not kappa >= 0:
            raise Rejected(f"kappa is at least 0, and {kappa} is given")
        if kappa not in self.fields:
            graph, flow, velocities = self.motion.graph, self.motion.graph.statement.flow, dict(self.motion.velocities)
            for group in flow.spheres if flow and kappa != 0 else ():
                blocks = [place for place in self.coordinates if place[0] in group]
                squares = [graph.power(graph.place(*place), fmpq(2)) for place in blocks]
                gap = graph.times(graph.total([*squares, graph.number(-1)]), graph.number(-kappa))
                velocities |= {place: graph.total([velocities[place], graph.times(graph.place(*place), gap)]) for place in blocks}
            clock = tuple(place for place in self.motion.moving if place not in self.coordinates)
            self.fields[kappa] = Field(self.motion, self.coordinates, clock, tuple(velocities[p] for p in self.coordinates), self.weights, self.balls)
        return self.fields[kappa]


def read_start(statement: Statement, where: Json) -> Start:
    """`sizes`, `values` of the constants the flow needs and `radii` of some of them, `start` and `radius`, and `weights`."""
    if not isinstance(statement.claim, Equal) or statement.claim != Equal((), Number(fmpq(0)), Number(fmpq(0))):
        raise Rejected("an enclosure is about the flow alone, and its statement claims something else than 0 = 0")
    sizes = read_sizes(statement, where["sizes"])
    values: dict[Place, fmpq] = {}
    balls: dict[Place, tuple[fmpq, fmpq]] = {}
    start: dict[Place, fmpq] = {}
    weights: dict[Place, fmpq] = {}
    radii = {str(name): rational(node) for name, node in where["radii"].items()}
    for name, symbol in statement.symbols.items():
        if symbol.role == "constant" and name in where["values"]:
            given = {(name, entry): q for entry, q in read_value(statement, name, where["values"][name], sizes).items()}
            radius = radii.pop(name, fmpq(0))
            if radius < 0:
                raise Rejected(f"the radius {radius} of {name} is negative")
            if radius == 0:
                values |= given
            else:
                balls |= {place: (q - radius, q + radius) for place, q in given.items()}
        elif symbol.role == "parameter":
            start |= {(name, entry): q for entry, q in read_value(statement, name, where["start"][name], sizes).items()}
            scale = rational(where["weights"][name])
            weights |= {(name, entry): scale for entry in entries(symbol.shape, sizes)}
    for key, role in (("values", "constant"), ("start", "parameter"), ("weights", "parameter")):
        for name in where[key]:
            if name not in statement.symbols or statement.symbols[name].role != role:
                raise Rejected(f"{name!r} is given in {key}, and is no {role}")
    radius = rational(where["radius"])
    if radii or radius < 0 or any(w <= 0 for w in weights.values()):
        raise Rejected("a radius is given to what is no constant with a value, or is negative, or a weight is not positive")
    for group in statement.flow.spheres if statement.flow else ():
        if sum((q**2 for (name, _), q in start.items() if name in group), fmpq(0)) != 1:
            raise Rejected(f"{', '.join(group)} does not start on its sphere")
    found = motion(statement, sizes, values)
    if found.controls:
        raise Rejected(f"{found.controls[0][0]} is an unknown function of time, so there is no trajectory to enclose; choose a loss with a value")
    coordinates = tuple(place for place in found.moving if place in start)
    return Start(found, balls, coordinates, tuple(weights[p] for p in coordinates), tuple(start[p] for p in coordinates), radius)


def check_enclosure(statement: Statement, certificate: Json) -> str:
    """Accept the certificate and say what it establishes, or raise `Rejected`."""
    begin = read_start(statement, certificate)
    time, largest, out = fmpq(0), fmpq(0), fmpq(0)
    piece: Piece | None = None
    if not certificate["steps"]:
        raise Rejected("the certificate has no steps")
    for number, step in enumerate(certificate["steps"]):
        try:
            flow = begin.pulled(rational(step["kappa"]))
            following = read_piece(len(begin.coordinates), time, certificate["bits"], step)
            with working(COARSE, 1):
                entry = begin.distance(following) if piece is None else begin.jump(piece.last, following.first) + arb(out)
            gap = defect(flow, following, _terms(following, step), rational(step["disc"]))
            tube, out = rational(step["tube"]), rational(step["out"])
            reached = followed(flow, following, gap, entry, tube, len(step["slopes"]) - 1, _told(step["slopes"]))
            if not reached.out <= arb(out):
                raise Rejected(f"at its end the solution is only known to be within {float(reached.out):.6g}, and {float(out):.6g} is claimed")
        except Rejected as error:
            raise Rejected(f"step {number}, from the time {float(time):.6g} on: {error}") from error
        piece, time, largest = following, time + following.length, max(largest, tube)
    return _words(statement, begin, time, largest, out)


def read_piece(width: int, start: fmpq, bits: Json, step: Json) -> Piece:
    """The polynomials of a step."""
    length, rows = rational(step["length"]), step["polynomials"]
    if isinstance(bits, bool) or not isinstance(bits, int) or not 16 <= bits <= MOST_BITS:
        raise Rejected(f"the polynomials need 16 to {MOST_BITS} bits, and {bits!r} is given")
    if not length > 0:
        raise Rejected(f"the length {length} of a step is not positive")
    if len(rows) != width or any(isinstance(c, bool) or not isinstance(c, int) for row in rows for c in row):
        raise Rejected(f"a step needs polynomials with integer coefficients for {width} coordinates")
    if any(not 1 <= len(row) <= MOST_TERMS for row in rows):
        raise Rejected(f"a polynomial needs 1 to {MOST_TERMS} coefficients")
    return Piece(start, length, bits, tuple(map(tuple, rows)))


def _terms(piece: Piece, step: Json) -> int:
    terms = step["terms"]
    if isinstance(terms, bool) or not isinstance(terms, int) or not max(map(len, piece.rows)) <= terms <= MOST_TERMS:
        raise Rejected(f"the defect needs as many terms as the polynomials have, and at most {MOST_TERMS}; {terms!r} are given")
    return terms


def _told(slopes: Json) -> Slopes:
    return lambda k, _: rational(slopes[k])


def _words(statement: Statement, begin: Start, end: fmpq, largest: fmpq, out: fmpq) -> str:
    starts = "the start given"
    if begin.radius != 0:
        starts = f"every start within {_decimal(begin.radius, ROUND_FLOOR)} of it"
        starts += " on the spheres" if statement.flow and statement.flow.spheres else ""
    return (
        f"from {starts} the solution exists for 0 <= t <= {_decimal(end, ROUND_FLOOR)} and stays within {_decimal(largest, ROUND_CEILING)} of the "
        f"polynomials given, within {_decimal(out, ROUND_CEILING)} at the end"
    )


def _decimal(q: fmpq, rounding: str) -> str:
    """A few digits that do not promise more than is known."""
    found = Context(prec=6, rounding=rounding).divide(Decimal(int(q.p)), Decimal(int(q.q))).normalize()
    return f"{found:f}" if q == 0 or -5 < found.adjusted() < 9 else f"{found:e}"
