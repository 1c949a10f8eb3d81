"""The producer of enclosures: polynomials from `numerics.enclose`, tubes and numbers around them that the kernel accepts, step by step."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate
from math import ceil, log2
from time import perf_counter
from typing import Any

from flint import arb, arb_mat, fmpq

from numerics.enclose import Piece, Pieces, gentlest, slope
from numerics.errors import IntegrationFailed, InvalidProblem
from numerics.exact import entries, rational
from numerics.problem import Problem
from theory.trees import setting_tree

from .kernel import FORMAT, tube
from .kernel.enclosure import Start, read_start
from .kernel.language import Rejected, read_statement
from .kernel.rings import working

DISCS = (fmpq(3, 2), *map(fmpq, (2, 3, 4, 5, 6, 8, 10, 12, 15)))
KAPPAS = tuple(map(Fraction, (0, 1, 2, 5, 10, 20, 50, 100)))
EVERY = 5  # steps between two choices of kappa and of a disc
HALVINGS = 6
SPARE = 16  # bits beyond the digits asked for
BEND = 0.03  # what interpolation may add to the logarithmic norm before a step is taken in more parts
MOST_PARTS = 64
ROOM = 1.25  # of a tube, over what the distance is expected to be


@dataclass(frozen=True)
class Enclosure:
    """Let $x$ be the solution of a problem: polynomials $q$ with $\\|x(t) - q(t)\\|_2 \\le$ `radius_at(t)` for $0 \\le t \\le$ `reached`.

    The polynomials are in the certificate. `reason` says why `reached` is not `until`, and is empty where it is.
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
        number, s = self._place(rational(t, "t"))
        step = self.certificate["steps"][number]
        return Fraction(step["out"] if s == 1 else step["tube"])

    def centre_at(self, t: Any) -> dict[str, Any]:
        """The blocks of $q(t)$, exactly."""
        number, s = self._place(rational(t, "t"))
        unit = Fraction(1, 2 ** self.certificate["bits"])
        values = [unit * sum(c * s**k for k, c in enumerate(row)) for row in self.certificate["steps"][number]["polynomials"]]
        where = dict(zip(_coordinates(self.problem), values, strict=True))
        layout = self.problem.layout
        return layout.unpack([where[name, place] for name in layout.names for place, _ in entries(self.problem.start[name])])

    def _place(self, t: Fraction) -> tuple[int, Fraction]:
        """The number of the step that t lies in, and where: the earlier one at a time between two."""
        if not 0 <= t <= self.reached or not self.certificate["steps"]:
            raise ValueError(f"t = {t} was given, and the enclosure holds for 0 <= t <= {float(self.reached):.6g}; ask for an earlier time")
        lengths = [Fraction(step["length"]) for step in self.certificate["steps"]]
        ends = list(accumulate(lengths))
        number = min(bisect_right(ends, t), len(ends) - 1)
        if number and t == ends[number - 1]:
            number -= 1
        return number, (t - ends[number] + lengths[number]) / lengths[number]


def enclose(
    problem: Problem,
    *,
    until: Any,
    digits: int = 30,
    radius: Any = 0,
    radii: Mapping[str, Any] | None = None,
    kappa: Any = None,
    longest: Any = None,
    most_steps: int = 100_000,
) -> Enclosure:
    """Let a problem, a time and a number of digits be given: an enclosure of its solution up to that time, whose certificate the kernel accepts.

    The polynomials have a defect of about 10^-digits, and the radius is what the flow makes of it. `radius` is how far from the start of the problem
    a solution may begin, staying on its spheres; `radii` are those of constants. `kappa` is how hard the flow is pulled to its spheres; by default
    it is chosen as the steps go. `longest` is the longest step allowed.

    Where the kernel accepts no further step, the enclosure ends there, with the reason. Raises `ValueError` for times that are not positive,
    `InvalidProblem` for a radius or kappa that is negative or of an unknown constant, `Unsupported` for a flow that is not analytic.
    """
    clock, end = perf_counter(), rational(until, "until")
    if end <= 0:
        raise ValueError(f"until = {end} was given; a positive time is wanted")
    bits = ceil(digits * log2(10)) + SPARE
    tree = {**setting_tree(problem.setting), "claim": {"kind": "equal", "indices": [], "left": 0, "right": 0}}
    where: dict[str, Any] = {
        "sizes": {size.name: problem.sizes[size.name] for size in problem.setting.sizes},
        "values": {v.name: _plain(problem.data[v.name]) for v in problem.setting.variables if v.role == "constant" and v.name in problem.data},
        "radii": {name: str(_not_negative(value, f"the radius of {name}")) for name, value in (radii or {}).items()},
        "start": {name: _plain(value) for name, value in problem.start.items()},
        "radius": str(_not_negative(radius, "radius")),
        "weights": {block.name: 1 for block in problem.program.parameters},
        "bits": bits,
    }
    unknown = [name for name in where["radii"] if name not in where["values"]]
    if unknown:
        raise InvalidProblem(f"a radius is given for {', '.join(unknown)}; the constants with values are {', '.join(where['values']) or 'none'}")
    asked = None if kappa is None else _not_negative(kappa, "kappa")
    most = None if longest is None else rational(longest, "longest")
    if most is not None and most <= 0:
        raise ValueError(f"longest = {most} was given; a positive time is wanted")
    pieces = Pieces(problem, bits)
    steps: list[Any] = []
    reason = ""
    try:
        begin = read_start(read_statement(tree), where)
        walk = _Walk(begin, pieces, _order(pieces, problem), asked, most)
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
    kappa: Fraction = Fraction(0)
    taken: int = 0
    entry: arb | None = None
    steepest: float = 0.0  # the largest bound of the logarithmic norm in the last step
    parts: int = 1
    disc: int = len(DISCS) // 2

    def step(self, end: Fraction) -> dict[str, Any]:
        """The longest step the kernel accepts, of a few lengths."""
        length = min(self.pieces.follow(), end - self.pieces.time, *([self.longest] if self.longest is not None else []))
        if self.taken % EVERY == 0:
            self.kappa = self._gentlest() if self.asked is None else self.asked
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
        flow, given = self.begin.pulled(_flint(self.kappa)), self._given(piece)
        with working(tube.COARSE, 1):
            entry = self.begin.distance(given) if self.entry is None else self.entry
        self.disc, terms = _disc(flow, given, self.disc, 1 if self.taken % EVERY == 0 else 0)
        gap = tube.defect(flow, given, terms, DISCS[self.disc])
        slopes: list[Fraction] = []

        def guess(number: int, matrix: arb_mat) -> fmpq:
            slopes.append(slope(_floats(matrix)))
            return _flint(slopes[-1])

        with working(tube.COARSE, 1):
            growth = (arb(_flint(piece.length)) * arb(max(0.0, self.steepest))).exp()
            expected = (entry + gap) * growth
        for room in (ROOM, 2 * ROOM, 6 * ROOM):
            wide = _short(expected * room)
            slopes.clear()
            try:
                reached = tube.followed(flow, given, gap, entry, _flint(wide), self.parts, guess)
                break
            except Rejected:
                if room == 6 * ROOM:
                    raise
        out = _short(reached.out)
        self.entry = arb(_flint(out))
        self.steepest = max(map(float, slopes)) + float(reached.bend)
        self.parts = max(1, min(MOST_PARTS, ceil(self.parts * (float(reached.bend) / BEND) ** 0.5)))
        return {
            "length": str(piece.length),
            "kappa": str(self.kappa),
            "polynomials": [list(row) for row in given.rows],
            "terms": terms,
            "disc": str(DISCS[self.disc]),
            "tube": str(wide),
            "slopes": [str(q) for q in slopes],
            "out": str(out),
        }

    def _given(self, piece: Piece) -> tube.Piece:
        rows = tuple(piece.rows[n] for n in self.order)
        return tube.Piece(_flint(piece.start), _flint(piece.length), piece.bits, rows)

    def _gentlest(self) -> Fraction:
        """The smallest kappa with nearly the least logarithmic norm where the step begins; the matrix is affine in kappa."""
        flow = self.begin.motion.graph.statement.flow
        if flow is None or not flow.spheres:
            return Fraction(0)
        given, now = self._given(self.pieces.piece(Fraction(1, 2**20))), (fmpq(0), fmpq(0))
        still, pulled = (_floats(tube.symmetric(self.begin.pulled(fmpq(k)), given, now, arb(0), 1)[0]) for k in (0, 1))
        return gentlest(still, pulled, KAPPAS)


def _disc(flow: tube.Field, piece: tube.Piece, near: int, apart: int) -> tuple[int, int]:
    """Of the discs next to the last one chosen: the number of the one on which Cauchy's inequality needs the fewest terms, and these."""
    chosen = [n for n in range(near - apart, near + apart + 1) if 0 <= n < len(DISCS)]
    found = {n: terms for n in chosen if (terms := _terms(flow, piece, DISCS[n])) is not None}
    if not found:
        found = {n: terms for n in range(near) if (terms := _terms(flow, piece, DISCS[n])) is not None}
    if not found:
        raise Rejected("the field is not certainly holomorphic on any disc of complex times around the step")
    best = min(found, key=lambda n: found[n])
    return best, min(found[best], tube.MOST_TERMS)


def _terms(flow: tube.Field, piece: tube.Piece, disc: fmpq) -> int | None:
    """How many terms leave about a unit of the polynomials to Cauchy's inequality, or None where the field is not holomorphic."""
    try:
        bound = float(tube.spread(flow, piece, disc)) * float(piece.length) / (1 - 1 / float(disc))
    except Rejected:
        return None
    if not bound < 1e100:
        return None
    return max(ceil((piece.bits + log2(max(bound, 1e-100))) / log2(float(disc))), *map(len, piece.rows))


def _coordinates(problem: Problem) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """The entries of the state in the order of certificates."""
    names = [v.name for v in problem.setting.variables if v.role == "parameter"]
    return tuple((name, place) for name in names for place, _ in entries(problem.start[name]))


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


def _flint(value: Fraction) -> fmpq:
    return fmpq(value.numerator, value.denominator)


def _plain(value: Any) -> Any:
    return [_plain(entry) for entry in value] if isinstance(value, tuple | list) else str(value)
