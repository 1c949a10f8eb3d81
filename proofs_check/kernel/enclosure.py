"""Certificates of enclosures: a start, and step after step polynomials with tubes around them that hold the solution (`tube`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import add
from typing import Final, TypeAlias

from flint import arb, fmpq

from .decimals import above, below
from .graph import Motion, Place, motion, read_places
from .instance import entries, rational, read_sizes
from .kept import Kept, read_kept
from .language import Equal, Json, Number, Rejected, Sign, Statement
from .passes import Ring, Value, planned
from .paths import Field, Piece, Rows, Still, around, outwards, through_time, unit
from .polynomials import Exponents, Polynomials
from .rings import Series, working
from .tube import COARSE, GUARD, MOST_TERMS, Slopes, defect, followed, norm, signed, upper

MOST_BITS: Final = 20_000
MOST_DEGREE: Final = 8  # of the polynomials in lambda

Vectors: TypeAlias = Mapping[Exponents, Sequence[fmpq]]  # vectors, each multiplied by a monomial in lambda


@dataclass(frozen=True)
class Start:
    """Where a certificate begins: the flow, what of it depends on lambda, the weights, and the starts.

    Every entry in `radii` has its own lambda, -1 <= lambda <= 1, by which it departs from its value. The starts on the spheres are at most `beside`
    away from `point` + the polynomials `across`.
    """

    motion: Motion
    kept: Kept
    constants: Mapping[Place, Still]
    coordinates: tuple[Place, ...]
    weights: tuple[fmpq, ...]
    point: tuple[fmpq, ...]
    radii: Mapping[Place, fmpq]
    across: Vectors
    beside: arb
    fields: dict[tuple[fmpq, tuple[tuple[fmpq, ...], ...]], Field] = field(default_factory=dict)

    def distance(self, piece: Piece) -> arb:
        """A bound of |x - p(0)| for all starts, each with its lambda."""
        return self._jump({self.still: self.point, **self.across}, self._vectors(piece, piece.first)) + self.beside

    def jumped(self, piece: Piece, following: Piece) -> arb:
        """A bound of |p(1) - p(0)|, of the p of a piece and of the following one."""
        return self._jump(self._vectors(piece, piece.last), self._vectors(following, following.first))

    def _jump(self, a: Vectors, b: Vectors) -> arb:
        """A bound of |a - b| for all lambda."""
        zero = [fmpq(0)] * len(self.coordinates)
        gaps = ([arb(p - q) for p, q in zip(a.get(powers, zero), b.get(powers, zero), strict=True)] for powers in dict.fromkeys((*a, *b)))
        return sum((norm(self.weights, gap) for gap in gaps), arb(0))

    def _vectors(self, piece: Piece, end: Sequence[Sequence[fmpq]]) -> Vectors:
        """One end of a piece, by monomials."""
        return dict(zip((self.still, *(powers for powers, _ in piece.across)), end, strict=True))

    def stays(self, flow: Field, piece: Piece, tube: fmpq) -> None:
        """Refuse a tube where a law is not certainly proved to hold: by its conditions, and the signs of what moves."""
        if not self.kept.laws:
            return
        with working(COARSE, 1):
            ring, path, graph = Series(1), through_time(flow, piece, (fmpq(0), fmpq(1)), arb(tube), 1), self.motion.graph
            for (name, entry), line in zip(self.coordinates, path.lines, strict=True):
                if not signed(graph.statement.symbols[name].sign, line[0], line[0]):
                    raise Rejected(f"a law is proved for {name} of one sign, and {name}{list(entry)} may lose it")
            needed = planned(graph, [*self.kept.positive, *self.kept.nonzero, *self.kept.nodes])
            values = needed.values(ring, path.known(flow, lambda _, line: ring.series(line), ring.series))
            wanted: list[tuple[int, Sign]] = [(n, "positive") for n in self.kept.positive] + [(n, "nonzero") for n in self.kept.nonzero]
            if not all(signed(sign, values[n][0], values[n][0]) for n, sign in wanted):
                raise Rejected("a law is not proved everywhere in the tube")

    @property
    def still(self) -> Exponents:
        return (0,) * len(self.radii)

    def pulled(self, kappa: fmpq, pull: tuple[tuple[fmpq, ...], ...] = ()) -> Field:
        """The flow with -kappa (|u|^2 - 1) u added on each sphere, and -(h - h(start)) b for what is kept, with a vector b for each."""
        if not kappa >= 0:
            raise Rejected(f"kappa is at least 0, and {kappa} is given")
        if pull and (len(pull) != len(self.kept.nodes) or any(len(b) != len(self.coordinates) for b in pull)):
            raise Rejected(f"there are {len(self.kept.nodes)} quantities to pull to, each with a vector of {len(self.coordinates)}")
        if (kappa, pull) not in self.fields:
            graph, flow, velocities = self.motion.graph, self.motion.graph.statement.flow, dict(self.motion.velocities)
            for group in flow.spheres if flow and kappa != 0 else ():
                blocks = [place for place in self.coordinates if place[0] in group]
                squares = [graph.power(graph.place(*place), fmpq(2)) for place in blocks]
                gap = graph.times(graph.total([*squares, graph.number(-1)]), graph.number(-kappa))
                velocities |= {place: graph.total([velocities[place], graph.times(graph.place(*place), gap)]) for place in blocks}
            for k, (node, b) in enumerate(zip(self.kept.nodes, pull, strict=False)):
                gap = graph.total([node, graph.times(graph.node(("place", self.kept.value_at_start(k))), graph.number(-1))])
                velocities |= {p: graph.total([velocities[p], graph.times(gap, graph.number(-q))]) for p, q in zip(self.coordinates, b, strict=True)}
            clock = tuple(place for place in self.motion.moving if place not in self.coordinates)
            moving = tuple(velocities[p] for p in self.coordinates)
            self.fields[kappa, pull] = Field(self.motion, self.coordinates, clock, moving, self.weights, self.constants, len(self.radii))
        return self.fields[kappa, pull]


def read_start(statement: Statement, where: Json) -> Start:
    """`sizes`, `values` of the constants the flow needs, `start`, `radii` of some of both, `radius`, `weights`, `bits`, `degree` and `laws`."""
    if not isinstance(statement.claim, Equal) or statement.claim != Equal((), Number(fmpq(0)), Number(fmpq(0))):
        raise Rejected("an enclosure is about the flow alone, and its statement claims something else than 0 = 0")
    sizes = read_sizes(statement, where["sizes"])
    values: dict[Place, fmpq] = {}
    start: dict[Place, fmpq] = {}
    radii: dict[Place, fmpq] = {}
    weights: dict[Place, fmpq] = {}
    for name, symbol in statement.symbols.items():
        if symbol.role == "parameter" or (symbol.role == "constant" and name in where["values"]):
            known = values if symbol.role == "constant" else start
            known |= read_places(statement, {name: where["values" if symbol.role == "constant" else "start"][name]}, sizes)
            if name in where["radii"]:
                radii |= _radii(statement, name, where["radii"][name], known, sizes)
        if symbol.role == "parameter":
            scale = rational(where["weights"][name])
            weights |= {(name, entry): scale for entry in entries(symbol.shape, sizes)}
    for key, role in (("values", "constant"), ("start", "parameter"), ("weights", "parameter")):
        for name in where[key]:
            if name not in statement.symbols or statement.symbols[name].role != role:
                raise Rejected(f"{name!r} is given in {key}, and is no {role}")
    radius = rational(where["radius"])
    if set(where["radii"]) - set(where["values"]) - set(where["start"]) or radius < 0 or any(w <= 0 for w in weights.values()):
        raise Rejected("a radius is given to what has no value, or is negative, or a weight is not positive")
    groups = statement.flow.spheres if statement.flow else ()
    for group in groups:
        if sum((q**2 for (name, _), q in start.items() if name in group), fmpq(0)) != 1:
            raise Rejected(f"{', '.join(group)} does not start on its sphere")
    found = motion(statement, sizes, {place: q for place, q in values.items() if place not in radii})
    if found.controls:
        raise Rejected(f"{found.controls[0][0]} is an unknown function of time, so there is no trajectory to enclose; choose a loss with a value")
    coordinates = tuple(place for place in found.moving if place in start)
    scales = tuple(weights[p] for p in coordinates)
    still = (0,) * len(radii)
    with working(bits_of(where) + GUARD, 1):
        numbered = [(place, unit(len(radii), n), r) for n, (place, r) in enumerate(radii.items()) if place in values]
        constants = {place: Still({still: arb(values[place]), change: arb(r)}) for place, change, r in numbered}
    curved: dict[Exponents, dict[Place, fmpq]] = {}
    beside = arb(radius)
    for group in groups:
        curved |= _on_sphere(radii, start, group)
        with working(COARSE, 1):
            outward = [arb(start[p] if p[0] in group else 0) for p in coordinates]
            beside += norm(scales, outward) * arb(sum((r**2 for p, r in radii.items() if p[0] in group), fmpq(0))) ** 2 / 8
    free = {unit(len(radii), n): {p: r} for n, (p, r) in enumerate(radii.items()) if p in start and not any(p[0] in group for group in groups)}
    across = {powers: [line.get(p, fmpq(0)) for p in coordinates] for powers, line in {**free, **curved}.items()}
    kept = read_kept(where["statement"], where["laws"], found.graph, tuple(constants)) if where["laws"] else Kept()
    begin = Start(found, kept, constants, coordinates, scales, tuple(start[p] for p in coordinates), radii, across, beside)
    return replace(begin, constants={**constants, **_at_start(begin, len(groups), degree_of(where), bits_of(where))}) if where["laws"] else begin


def _at_start(begin: Start, spheres: int, degree: int, bits: int) -> dict[Place, Still]:
    """What is kept, at all starts: polynomials in lambda, with balls that hold what is beyond their degree, and what the distance from them does."""
    one, width, passed = begin.still, len(begin.radii), planned(begin.motion.graph, begin.kept.nodes)
    clock = [place for place in begin.motion.moving if place not in begin.coordinates]
    terms = [{powers: line[i] for powers, line in begin.across.items()} for i in range(len(begin.coordinates))]

    def values(ring: Ring, coordinate: Callable[[int], Value], still: Callable[[Mapping[Exponents, arb]], Value]) -> list[Value]:
        known = {place: coordinate(i) for i, place in enumerate(begin.coordinates)} | {place: ring.number(fmpq(0)) for place in clock}
        found = passed.values(ring, known | {place: still(constant.terms) for place, constant in begin.constants.items()})
        return [found[node] for node in begin.kept.nodes]

    with working(bits + GUARD, 1):
        exact = Polynomials(Series(1), width, degree)

        def cut(line: Mapping[Exponents, arb]) -> Value:
            return {powers: Series(1).series([c]) for powers, c in line.items() if sum(powers) <= degree}

        known = values(exact, lambda i: cut({one: arb(begin.point[i]), **{powers: arb(q) for powers, q in terms[i].items()}}), cut)
    with working(COARSE, degree + 2):
        series, length = Series(degree + 2), degree + 2

        def out(i: int) -> Value:
            return series.series(outwards(arb(begin.point[i]), {powers: arb(q) for powers, q in terms[i].items()}, length))

        beyond = values(series, out, lambda line: series.series(outwards(line[one], line, length)))

        def aside(i: int) -> Value:
            reach = around(begin.beside / arb(begin.weights[i]))
            return series.series([out(i)[0] + reach, reach])

        beside = values(series, aside, lambda line: series.series(outwards(line[one], line, 1)))
        apart = [around(abs(series.coefficients(a)[-1]) + abs(series.coefficients(b)[1])) for a, b in zip(beyond, beside, strict=True)]
    with working(bits + GUARD, 1):
        found = [{powers: c[0] for powers, c in own.items()} for own in known]
        found = [{**balls, one: balls[one] + ball} for balls, ball in zip(found, apart, strict=True)]
        return {begin.kept.value_at_start(k): Still({one: arb(1)} if k < spheres else balls) for k, balls in enumerate(found)}


def _radii(statement: Statement, name: str, node: Json, values: Mapping[Place, fmpq], sizes: Mapping[str, int]) -> dict[Place, fmpq]:
    """The radii that are not 0; every value within them has the sign of its symbol."""
    symbol = statement.symbols[name]
    unsigned = replace(statement, symbols={**statement.symbols, name: replace(symbol, sign="real")})
    found = {place: radius for place, radius in read_places(unsigned, {name: node}, sizes).items() if radius != 0}
    for place, radius in found.items():
        low, high = values[place] - radius, values[place] + radius
        if radius < 0 or not signed(symbol.sign, low, high):
            raise Rejected(f"the radius {radius} of {name}{list(place[1])} is negative, or takes it where it is not {symbol.sign}")
    return found


def _on_sphere(radii: Mapping[Place, fmpq], start: Mapping[Place, fmpq], group: Sequence[str]) -> dict[Exponents, dict[Place, fmpq]]:
    """The terms of degree 1 and 2 in lambda of P d - u |P d|^2/2, where d = (lambda_j r_j) are departures from the point u of a sphere.

    A point u + d of the sphere has u . d = -|d|^2/2, so that d = P d - u |d|^2/2 with |d|^2 = |P d|^2 + |d|^4/4: what is missing is u |d|^4/8.
    """
    sphere = {p: q for p, q in start.items() if p[0] in group}
    moved = {n: (p, r) for n, (p, r) in enumerate(radii.items()) if p in sphere}
    units = {n: unit(len(radii), n) for n in moved}
    found = {units[n]: {p: (r if p == place else fmpq(0)) - q * sphere[place] * r for p, q in sphere.items()} for n, (place, r) in moved.items()}
    for n, (place, r) in moved.items():
        for m, (other, t) in moved.items():
            if m >= n:  # |P d|^2 = sum_nm lambda_n lambda_m r_n r_m (1 if n = m, less u_n u_m)
                product = r * t * (int(n == m) - sphere[place] * sphere[other]) * (1 if n == m else 2)
                found[tuple(map(add, units[n], units[m]))] = {p: -q * product / 2 for p, q in sphere.items()}
    return found


def check_enclosure(statement: Statement, certificate: Json) -> str:
    """Accept the certificate and say what it establishes, or raise `Rejected`."""
    begin, degree = read_start(statement, certificate), degree_of(certificate)
    time, largest, out = fmpq(0), fmpq(0), fmpq(0)
    piece: Piece | None = None
    if not certificate["steps"]:
        raise Rejected("the certificate has no steps")
    for number, step in enumerate(certificate["steps"]):
        try:
            flow = begin.pulled(rational(step["kappa"]), tuple(tuple(map(rational, b)) for b in step["pull"]))
            following = read_piece(len(begin.coordinates), time, bits_of(certificate), step)
            if following.degree > degree or any(len(powers) != len(begin.radii) for powers, _ in following.across):
                raise Rejected(f"a monomial needs an exponent for each of {len(begin.radii)} radii, and a degree of at most {degree}")
            with working(COARSE, 1):
                entry = begin.distance(following) if piece is None else begin.jumped(piece, following) + arb(out)
            terms = _count(step["terms"], "number of the terms of a step", 1, MOST_TERMS)
            gap = defect(flow, following, terms, degree, rational(step["disc"]))
            tube, out = rational(step["tube"]), rational(step["out"])
            reached = followed(flow, following, gap, degree, entry, tube, len(step["slopes"]) - 1, _told(step["slopes"]))
            begin.stays(flow, following, tube)
            if not reached.out <= arb(out):
                raise Rejected(f"at its end the solution is only known to be within {float(reached.out):.6g}, and {float(arb(out)):.6g} is claimed")
        except Rejected as error:
            raise Rejected(f"step {number}, from the time {float(arb(time)):.6g} on: {error}") from error
        piece, time, largest = following, time + following.length, max(largest, tube)
    assert piece is not None
    return _words(statement, begin, piece, largest, rational(certificate["radius"]), out)


def bits_of(certificate: Json) -> int:
    """The unit of the polynomials is 2^-bits."""
    bits = certificate["bits"]
    if isinstance(bits, bool) or not isinstance(bits, int) or not 16 <= bits <= MOST_BITS:
        raise Rejected(f"the polynomials need 16 to {MOST_BITS} bits, and {bits!r} is given")
    return bits


def read_piece(width: int, start: fmpq, bits: int, step: Json) -> Piece:
    """The polynomials of a step."""
    length = rational(step["length"])
    if not length > 0:
        raise Rejected(f"the length {length} of a step is not positive")
    if any(not isinstance(line, list) or len(line) != 2 for line in step["across"]):
        raise Rejected("every monomial comes with its exponents and its polynomials")
    across = {tuple(powers): _rows(width, rows) for powers, rows in step["across"]}
    for powers in across:
        if any(isinstance(n, bool) or not isinstance(n, int) or n < 0 for n in powers) or not 1 <= sum(powers) <= MOST_DEGREE:
            raise Rejected(f"the exponents of a monomial are at least 0, and 1 to {MOST_DEGREE} in all; {list(powers)} is given")
    if len(across) < len(step["across"]):
        raise Rejected("a monomial is given twice")
    return Piece(start, length, bits, _rows(width, step["polynomials"]), tuple(across.items()))


def _rows(width: int, rows: Json) -> Rows:
    if len(rows) != width or any(isinstance(c, bool) or not isinstance(c, int) for row in rows for c in row):
        raise Rejected(f"a step needs polynomials with integer coefficients for {width} coordinates")
    if any(not 1 <= len(row) <= MOST_TERMS for row in rows):
        raise Rejected(f"a polynomial needs 1 to {MOST_TERMS} coefficients")
    return tuple(map(tuple, rows))


def degree_of(certificate: Json) -> int:
    """Of the polynomials in lambda."""
    return _count(certificate["degree"], "degree in lambda", 1 if certificate["radii"] else 0, MOST_DEGREE)


def _count(found: Json, what: str, least: int, most: int) -> int:
    if isinstance(found, bool) or not isinstance(found, int) or not least <= found <= most:
        raise Rejected(f"the {what} is a number from {least} to {most}, and {found!r} is given")
    return found


def _told(slopes: Json) -> Slopes:
    return lambda k, _: rational(slopes[k])


def _words(statement: Statement, begin: Start, piece: Piece, largest: fmpq, radius: fmpq, out: fmpq) -> str:
    """What is established, in words; the last piece is given."""
    box, ranges = ([place for place in begin.radii if (place in begin.coordinates) == here] for here in (True, False))
    spheres = " on the spheres" if statement.flow and statement.flow.spheres else ""
    starts = f"{'one' if radius != 0 else 'every start'}{spheres} with {_within(begin, box)} of the one given" if box else "the one given"
    if radius != 0:
        starts = f"every start{spheres} within {below(radius)} of {starts}"
    elif not box:
        starts = "the start given"
    constants = f", for all constants with {_within(begin, ranges)} of the values given," if ranges else ""
    end, polynomials = below(piece.start + piece.length), "its polynomials" if begin.radii else "the polynomials given"
    known = f"stays within {above(largest)} of {polynomials}, within {above(out)} at the end"
    if begin.radii:
        with working(COARSE, 1):
            reach = sum((norm(begin.weights, list(map(arb, line))) for line in piece.last[1:]), arb(out))
            known += f", and within {above(upper(reach, 'the end'))} of their centre there"
    return f"from {starts}{constants} the solution exists for 0 <= t <= {end} and {known}"


def _within(begin: Start, places: Sequence[Place]) -> str:
    """Names and radii, a name once where its entries have the same."""
    shapes, sizes = begin.motion.graph.statement.symbols, begin.motion.graph.sizes
    found: dict[str, dict[Place, fmpq]] = {}
    for place in places:
        found.setdefault(place[0], {})[place] = begin.radii[place]
    words = []
    for name, radii in found.items():
        whole = len(set(radii.values())) == 1 and len(radii) == len(entries(shapes[name].shape, sizes))
        labels = {name: next(iter(radii.values()))} if whole else {f"{name}[{','.join(map(str, entry))}]": r for (_, entry), r in radii.items()}
        words += [f"{label} within {below(r)}" for label, r in labels.items()]
    return ", ".join(words)
