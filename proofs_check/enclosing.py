"""The producer of enclosures: polynomials from `numerics.enclose`, tubes and numbers around them that the kernel accepts, step by step."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from math import ceil, comb, log2
from time import perf_counter
from typing import Any

from flint import arb, arb_mat, arb_poly, fmpq

from numerics.enclose import Bundle, Piece, Pieces, gentlest, inverse, slope
from numerics.errors import IntegrationFailed, InvalidProblem
from numerics.exact import entries, rational
from numerics.problem import Problem
from theory.statements import Evolves, Part

from .balls import flint, fraction
from .exact import all_sizes
from .kernel import FORMAT, chebyshev, paths, tube
from .kernel.enclosure import MOST_DEGREE, Start, read_start
from .kernel.language import Rejected, read_statement
from .kernel.passes import planned
from .kernel.rings import Jets, working
from .written import flow_alone, numbers, plain

DISCS = (fmpq(3, 2), *map(fmpq, (2, 3, 4, 5, 6, 8, 10, 12, 15)))
KAPPAS = tuple(map(Fraction, (0, 1, 2, 5, 10, 20, 50, 100)))
MIDDLE = fmpq(1, 2)  # of a step
EVERY = 5  # steps between two choices of kappa and of a disc
HALVINGS = 6
SPARE = 16  # bits beyond the digits asked for
# What interpolation may add to the logarithmic norm, or to its integral along a step, before it has more parts: for one trajectory, for sets.
BENDS = 0.1, 0.03
MOST_PARTS = 64
MOST_MONOMIALS = 100
ROOM = 1.25  # of a tube, over what the distance is expected to be


@dataclass(frozen=True)
class Enclosure:
    """Let $x$ be a solution of a problem, or of any in a set around it: $\\|x(t) - q(t)\\|_2 \\le$ `radius_at(t)` for $0 \\le t \\le$ `reached`.

    The polynomials $q$ are in the certificate. `reason` says why `reached` is not `until`, and is empty where it is.
    """

    problem: Problem
    until: Fraction
    reached: Fraction
    certificate: Mapping[str, Any]
    reason: str = ""
    seconds: float = field(default=0.0, compare=False)

    @property
    def outcome(self) -> str:
        return "unknown" if self.reason else "proved"

    def radius_at(self, t: Any) -> Fraction:
        """Raises `ValueError` for a time that was not reached."""
        step, s = self._place(rational(t, "t"))
        reach = self._reach(step, s)
        with working(self.certificate["bits"], 1):
            around = sum((a**2 for a in reach), arb(0)).sqrt() + arb(flint(_distance(step, s))) if step["across"] else None
            return _distance(step, s) if around is None else _short(around)

    def widths_at(self, t: Any) -> dict[str, Any]:
        """Blocks of bounds, entry by entry, of $|x(t) - q(t)|$."""
        step, s = self._place(rational(t, "t"))
        with working(self.certificate["bits"], 1):
            return self._blocks([_short(reach + arb(flint(_distance(step, s)))) for reach in self._reach(step, s)])

    def centre_at(self, t: Any) -> dict[str, Any]:
        """The blocks of $q(t)$, exactly."""
        step, s = self._place(rational(t, "t"))
        unit = Fraction(1, 2 ** self.certificate["bits"])
        return self._blocks([unit * sum(c * s**k for k, c in enumerate(row)) for row in step["polynomials"]])

    def _reach(self, step: Mapping[str, Any], s: Fraction) -> list[arb]:
        """How far from the centre the polynomials in lambda get, entry by entry."""
        bits = self.certificate["bits"]
        with working(bits + tube.GUARD, 1):
            unit, at = arb(2) ** -bits, arb(flint(s))
            lines = [[abs(arb_poly(row)(at)) * unit for row in rows] for _, rows in step["across"]]
            return [sum(column, arb(0)) for column in zip(*lines, strict=True)] if lines else [arb(0) for _ in step["polynomials"]]

    def _blocks(self, values: Sequence[Fraction]) -> dict[str, Any]:
        where = dict(zip(_coordinates(self.problem), values, strict=True))
        layout = self.problem.layout
        return layout.unpack([where[name, place] for name in layout.names for place, _ in entries(self.problem.start[name])])

    def _place(self, t: Fraction) -> tuple[Mapping[str, Any], Fraction]:
        """The step that t lies in, and where: the earlier one at a time between two."""
        if not 0 <= t <= self.reached or not self.certificate["steps"]:
            raise ValueError(f"t = {t} was given, and the enclosure holds for 0 <= t <= {float(self.reached):.6g}; ask for an earlier time")
        number = min(bisect_left(self._ends, t), len(self._ends) - 1)
        step = self.certificate["steps"][number]
        length = Fraction(step["length"])
        return step, (t - self._ends[number] + length) / length

    @cached_property
    def _ends(self) -> list[Fraction]:
        return list(accumulate(Fraction(step["length"]) for step in self.certificate["steps"]))


def _distance(step: Mapping[str, Any], s: Fraction) -> Fraction:
    """From the polynomials."""
    return Fraction(step["out"] if s == 1 else step["tube"])


def law(part: Part, choices: Sequence[Mapping[str, Any]] = ({},)) -> dict[str, Any]:
    """Let a part state that a quantity is conserved: the law for `enclose`, proved, at these choices of the constants the flow does not mention.

    Raises `InvalidProblem` if the kernel accepts no proof of it for all sizes.
    """
    if not isinstance(part.assertion, Evolves) or part.assertion.rate != 0:
        raise InvalidProblem("a conserved quantity is wanted, and the part states something else")
    found = all_sizes(part)
    if found.certificate is None:
        raise InvalidProblem(f"the quantity is not proved to be conserved: {found.reason}")
    return {"certificate": found.certificate, "values": [{name: plain(value) for name, value in choice.items()} for choice in choices]}


def enclose(
    problem: Problem,
    *,
    until: Any,
    digits: int = 30,
    radius: Any = 0,
    radii: Mapping[str, Any] | None = None,
    degree: int | None = None,
    laws: Sequence[Any] = (),
    kappa: Any = None,
    longest: Any = None,
    most_steps: int = 100_000,
) -> Enclosure:
    """Let a problem, a time and a number of digits be given: an enclosure of its solution up to that time, whose certificate the kernel accepts.

    The polynomials have a defect of about 10^-digits, and the radius is what the flow makes of it. `radii` are those of parameters and constants,
    of their shape or one for all of their entries: every start and every constant within them is enclosed, by polynomials of this `degree` in what
    they depart by. A higher degree holds wider sets and costs more; by default it is 3 for up to 6 departures, 2 for up to 12, and 1. `radius` is how
    far from such a start, in the Euclidean norm, a solution may begin, with nothing more known of it. Starts on spheres stay on them.

    `laws` (see `law`) are conserved quantities that the flow is pulled to; without them it is pulled to its spheres. `kappa` is how hard; by default
    this is chosen as the steps go, and laws are left alone where it would not help. `longest` is the longest step allowed.

    Where the kernel accepts no further step, the enclosure ends there, with the reason. Raises `ValueError` for times that are not positive,
    `InvalidProblem` for a radius or kappa that is negative, or of an unknown name, and for laws of another flow, `Unsupported` for a flow that is
    not analytic.
    """
    clock, end = perf_counter(), rational(until, "until")
    if end <= 0:
        raise ValueError(f"until = {end} was given; a positive time is wanted")
    if degree is not None and not 1 <= degree <= MOST_DEGREE:
        raise ValueError(f"degree = {degree} was given; a number from 1 to {MOST_DEGREE} is wanted")
    bits = ceil(digits * log2(10)) + SPARE
    tree = flow_alone(problem.setting)
    where: dict[str, Any] = {
        **numbers(problem),
        "radii": {name: _radii(problem, name, value) for name, value in (radii or {}).items()},
        "radius": str(_not_negative(radius, "radius")),
        "weights": {block.name: 1 for block in problem.program.parameters},
        "bits": bits,
        "laws": list(laws),
    }
    where["degree"] = _degree(_count(list(where["radii"].values()))) if degree is None else degree
    asked = None if kappa is None else _not_negative(kappa, "kappa")
    most = None if longest is None else rational(longest, "longest")
    if most is not None and most <= 0:
        raise ValueError(f"longest = {most} was given; a positive time is wanted")
    steps: list[Any] = []
    reason = ""
    try:
        begin = read_start(read_statement(tree), {**where, "statement": tree})
    except Rejected as error:
        raise InvalidProblem(str(error)) from error
    pieces = Pieces(problem, bits, _bundle(problem, begin, where["degree"]))
    try:
        walk = _Walk(begin, pieces, _order(pieces, problem), asked, most, where["degree"])
        while pieces.time < end:
            if len(steps) == most_steps:
                raise Rejected(f"the budget of {most_steps} steps is spent; raise most_steps")
            steps.append(walk.step(end))
    except (Rejected, IntegrationFailed) as error:
        reason = f"no further than t = {float(pieces.time):.6g} of {float(end):.6g}: {error}"
    certificate = {"format": FORMAT, "kind": "enclosure", "statement": tree, **where, "steps": steps}
    return Enclosure(problem, end, pieces.time, certificate, reason, perf_counter() - clock)


@dataclass
class _Walk:
    """The steps taken so far, as far as the next one needs to know them."""

    begin: Start
    pieces: Pieces
    order: tuple[int, ...]
    asked: Fraction | None  # the kappa asked for
    longest: Fraction | None
    degree: int
    pull: tuple[tuple[Fraction, ...], ...] = ()
    kappa: Fraction = Fraction(0)
    taken: int = 0
    chosen: int = -1  # how many steps were taken when the pull was chosen
    entry: arb | None = None
    steepest: float = 0.0  # the largest bound of the logarithmic norm in the last step
    parts: int = 1
    disc: int = len(DISCS) // 2

    def step(self, end: Fraction) -> dict[str, Any]:
        """The longest step the kernel accepts, of a few lengths."""
        length = min(self.pieces.follow(), end - self.pieces.time, *([self.longest] if self.longest is not None else []))
        for halving in range(HALVINGS + 1):
            piece = self.pieces.piece(length / 2**halving)
            try:
                told = self._accepted(piece)
            except Rejected as error:
                if halving == HALVINGS:
                    raise
                last = error
                continue
            self.pieces.accept(piece)
            self.taken += 1
            return told
        raise last

    def _accepted(self, piece: Piece) -> dict[str, Any]:
        given = self._given(piece)
        with working(tube.COARSE, 1):
            entry = self.begin.distance(given) if self.entry is None else self.entry
        if self.taken % EVERY == 0 and self.chosen != self.taken:
            self._choose(given, entry)
            self.chosen = self.taken
        flow = self.begin.pulled(flint(self.kappa), _pull(self.pull))
        self.disc, terms = _disc(flow, given, self.disc, (1 if self.taken else len(DISCS)) if self.taken % EVERY == 0 else 0)
        degree = self.degree
        gap = tube.defect(flow, given, terms, degree, DISCS[self.disc])
        slopes: list[Fraction] = []

        def guess(number: int, matrices: list[arb_mat]) -> fmpq:
            slopes.append(max(slope(_floats(matrix)) for matrix in matrices))
            return flint(slopes[-1])

        with working(tube.COARSE, 1):
            growth = (arb(flint(piece.length)) * arb(max(0.0, self.steepest))).exp()
            left = arb(given.length) * tube.left_out(flow, given, (fmpq(0), fmpq(1)), degree)
            expected = (entry + gap + left) * growth + arb(2) ** -given.bits  # a tube is not empty, even where polynomials are exact
        for room in (ROOM, 2 * ROOM, 6 * ROOM):
            wide = _short(expected * room)
            slopes.clear()
            try:
                reached = tube.followed(flow, given, gap, degree, entry, flint(wide), self.parts, guess)
                self.begin.stays(flow, given, flint(wide))
                break
            except Rejected:
                if room == 6 * ROOM:
                    raise
        out = _short(reached.out)
        self.entry = arb(flint(out))
        self.steepest = max(map(float, slopes)) + float(reached.bend)
        bend = float(reached.bend) * max(1.0, float(piece.length))
        self.parts = max(1, min(MOST_PARTS, ceil(self.parts * (bend / BENDS[bool(self.begin.radii)]) ** 0.5)))
        return {
            "length": str(piece.length),
            "kappa": str(self.kappa),
            "polynomials": [list(row) for row in given.rows],
            "across": [[list(powers), [list(row) for row in rows]] for powers, rows in given.across],
            "pull": [[str(q) for q in b] for b in self.pull],
            "terms": terms,
            "disc": str(DISCS[self.disc]),
            "tube": str(wide),
            "slopes": [str(q) for q in slopes],
            "out": str(out),
        }

    def _given(self, piece: Piece) -> paths.Piece:
        lines = (tuple(rows[n] for n in self.order) for rows in (piece.rows, *(rows for _, rows in piece.across)))
        first, rest = next(lines), tuple(zip((powers for powers, _ in piece.across), lines, strict=True))
        return paths.Piece(flint(piece.start), flint(piece.length), piece.bits, first, rest)

    def _choose(self, piece: paths.Piece, entry: arb) -> None:
        """What the flow is pulled to, as is best in the middle of a step, and how hard: laws, if the distance then grows by less than with spheres.

        It grows at the rate of the logarithmic norm, and by what the polynomials miss the laws by, or is not known of these at the start.
        """
        begin = self.begin
        self.kappa, self.pull = self._gentlest(piece, begin.pulled(fmpq(1))), ()
        if begin.kept.laws:
            unit, missed = self._towards(piece)
            share = self._gentlest(piece, begin.pulled(fmpq(0), _pull(unit)))
            pull = tuple(tuple(share * q for q in b) for b in unit)
            slower, faster = (self._rate(piece, begin.pulled(*how)) for how in ((flint(self.kappa), ()), (fmpq(0), _pull(pull))))
            if self.asked is not None or faster * float(entry) + float(share) * missed <= slower * float(entry):
                self.kappa, self.pull = Fraction(0), pull

    def _gentlest(self, piece: paths.Piece, pulled: paths.Field) -> Fraction:
        """The smallest pull with nearly the least logarithmic norm; the matrix is affine in the pull."""
        if self.asked is not None:
            return self.asked
        one, other = (_floats(_symmetric(flow, piece, MIDDLE)) for flow in (self.begin.pulled(fmpq(0)), pulled))
        return gentlest(one, other, KAPPAS)

    def _rate(self, piece: paths.Piece, flow: paths.Field) -> float:
        """The mean of the logarithmic norms at both ends."""
        return sum(float(slope(_floats(_symmetric(flow, piece, fmpq(s))))) for s in (0, 1)) / 2

    def _towards(self, piece: paths.Piece) -> tuple[tuple[tuple[Fraction, ...], ...], float]:
        """A vector for every quantity that is kept: a change along it changes this quantity alone, and by as much. And how fast this pull moves the
        polynomials, which should not be moved at all."""
        begin, flow, width = self.begin, self.begin.pulled(fmpq(0)), len(self.begin.coordinates)
        with working(piece.bits + tube.GUARD, 1):
            ring, path = Jets(1, width), paths.sideways(flow, piece, MIDDLE, arb(0))
            known = path.known(flow, lambda i, line: ring.coordinate(line, i, 1 / arb(flow.weights[i])), ring.still)
            values = planned(flow.graph, begin.kept.nodes).values(ring, known)
            found = [values[n] for n in begin.kept.nodes]
            rows = [[0.0] * width if jet.rows is None else [float(c) for c in jet.rows.entries()] for jet in found]
            unit = tuple(tuple(q / fraction(w) for q, w in zip(b, flow.weights, strict=True)) for b in inverse(rows))
            missed = [abs(jet.value[0] - begin.constants[begin.kept.value_at_start(k)].value) for k, jet in enumerate(found)]
            moved = [sum((abs(arb(flint(b[i]))) * by for b, by in zip(unit, missed, strict=True)), arb(0)) for i in range(width)]
            return unit, float(tube.norm(flow.weights, moved).upper())


def _symmetric(flow: paths.Field, piece: paths.Piece, s: fmpq) -> arb_mat:
    """S on the polynomials, at the centre."""
    return tube.symmetric(flow, paths.sideways(flow, piece, s, arb(0)), 1)[0]


def _pull(vectors: Sequence[Sequence[Fraction]]) -> tuple[tuple[fmpq, ...], ...]:
    return tuple(tuple(map(flint, b)) for b in vectors)


def _disc(flow: paths.Field, piece: paths.Piece, near: int, apart: int) -> tuple[int, int]:
    """Of the discs next to the last one chosen: the number of the one on which Cauchy's inequality needs the fewest terms, and these."""
    chosen = [n for n in range(near - apart, near + apart + 1) if 0 <= n < len(DISCS)]
    found = {n: terms for n in chosen if (terms := _terms(flow, piece, DISCS[n])) is not None}
    if not found:
        found = {n: terms for n in range(near) if (terms := _terms(flow, piece, DISCS[n])) is not None}
    if not found:
        raise Rejected("the field is not certainly holomorphic on any disc of complex times around the step")
    best = min(found, key=lambda n: found[n])
    return best, min(found[best], tube.MOST_TERMS)


def _terms(flow: paths.Field, piece: paths.Piece, disc: fmpq) -> int | None:
    """How many points leave about a unit of the polynomials to Cauchy's inequality, or None where the field is not holomorphic."""
    try:
        bound = float(tube.spread(flow, piece, disc)) * float(piece.length)
    except Rejected:
        return None
    if not bound < 1e100:
        return None
    one, two = (log2(float(chebyshev.remainder(count, disc))) for count in (1, 2))
    return max(1 + ceil((piece.bits + log2(max(bound, 1e-100)) + one) / (one - two)), piece.longest)


def _coordinates(problem: Problem) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """The entries of the state in the order of certificates."""
    names = [v.name for v in problem.setting.variables if v.role == "parameter"]
    return tuple((name, place) for name in names for place, _ in entries(problem.start[name]))


def _bundle(problem: Problem, begin: Start, degree: int) -> Bundle:
    """What each lambda moves, in the order of the layout."""
    number = {place: n for n, place in enumerate(_coordinates(problem))}
    layout = [number[name, place] for name in problem.layout.names for place, _ in entries(problem.start[name])]
    start = {powers: tuple(fraction(line[n]) for n in layout) for powers, line in begin.across.items()}
    constants = {j: (place, fraction(radius)) for j, (place, radius) in enumerate(begin.radii.items()) if place not in number}
    return Bundle(len(begin.radii), degree if begin.radii else 0, start, constants)


def _order(pieces: Pieces, problem: Problem) -> tuple[int, ...]:
    number = {place: n for n, place in enumerate(pieces.places)}
    return tuple(number[place] for place in _coordinates(problem))


def _short(value: arb) -> Fraction:
    """A little more, with few bits."""
    mantissa, exponent = value.upper().mid().man_exp()
    upper = Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
    unit = Fraction(2) ** (int(mantissa).bit_length() + int(exponent) - 16)
    return -(-upper // unit) * unit


def _not_negative(value: Any, what: str) -> Fraction:
    found = rational(value, what)
    if found < 0:
        raise InvalidProblem(f"{what} is {found}; a number of at least 0 is wanted")
    return found


def _floats(matrix: arb_mat) -> list[list[float]]:
    return [[float(c) for c in row] for row in matrix.tolist()]


def _radii(problem: Problem, name: str, given: Any) -> Any:
    """Radii of the shape of what they are radii of; one number stands for all."""
    known = {**problem.data, **problem.start}
    if name not in known:
        raise InvalidProblem(f"a radius is given for {name}; constants and parameters with values are {', '.join(known) or 'none'}")

    def like(value: Any, radius: Any) -> Any:
        if isinstance(value, tuple):
            parts = radius if isinstance(radius, list | tuple) else [radius] * len(value)
            if len(parts) != len(value):
                raise InvalidProblem(f"{len(parts)} radii are given for the {len(value)} entries of {name}")
            return [like(entry, part) for entry, part in zip(value, parts, strict=True)]
        return str(_not_negative(radius, f"the radius of {name}"))

    return like(known[name], given)


def _count(radii: Any) -> int:
    """How many departures there are."""
    return sum(map(_count, radii)) if isinstance(radii, list) else int(Fraction(radii) > 0)


def _degree(departures: int) -> int:
    """The largest up to 3 with no more monomials than `MOST_MONOMIALS`; 1 at least."""
    return max((degree for degree in (1, 2, 3) if departures and comb(departures + degree, degree) <= MOST_MONOMIALS), default=int(departures > 0))
