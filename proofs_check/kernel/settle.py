"""Certificates that a trajectory comes to rest: from the end of an enclosure on, a residual that the flow vanishes with decays exponentially.

Let x' = f(x) be the flow at explicit sizes, and e(x) the entries of a definition, the residual of a square loss say, or f(x) itself. Some may be
rational combinations of the others: e = T e_I. Let v(x, s) be the velocity with the entries of e, wherever they occur in it, replaced by T s. Then

    f(x) = v(x, e_I(x)),    and    v(x, 0) = 0 identically    is checked.

Nothing else has to be known of the flow: it may be a gradient flow with any rates, on spheres or not, or no gradient flow. Let B(x) be the mean of
the derivative of v by s over the segment from 0 to e_I(x), J = e_I', and K = -J B. Along the flow, then, x' = B e_I and e_I' = -K e_I. The residual
has the size |e|_L = |L e_I| with an invertible matrix L, or with L = T, where this is the Euclidean norm |e| of all entries. Let S = L^T L and
H = S K, so that (|e|_L^2)' = -2 e_I . H e_I. Let |v|_W be the Euclidean norm of W v, W > 0 diagonal.

Theorem. Let everything the flow is written with be smooth on the ball |x - c|_W <= R, and there, with mu > 0 and beta > 0,

    (1) sym H >= mu S,    (2) B^T W^2 B <= beta sym H.

Let |x(t0) - c|_W <= d, |e(x(t0))|_L <= E and d + sqrt(beta/mu) E < R. Then x exists for all t >= t0 and stays in the ball; for t0 <= s <= t

    |e(x(t))|_L <= |e(x(s))|_L exp(-mu (t - s)),    and x has a length of at most sqrt(beta/mu) |e(x(s))|_L from s on, in the norm of W.

So x tends to a point x* with e(x*) = 0, |x* - c|_W <= d + sqrt(beta/mu) E, and |x(t) - x*|_W <= sqrt(beta/mu) E exp(-mu (t - t0)).

Proof. Let g = |e(x)|_L. If g vanishes once, e does, and f, and x rests there. Otherwise let h = e_I . H e_I. While x is in the ball h >= mu g^2
by (1), so that g' = -h/g <= -mu g; and by (2) |x'|_W <= sqrt(beta h) = sqrt(beta) h / sqrt(h) <= sqrt(beta/mu) h/g = -sqrt(beta/mu) g'. Its length
from s to t is at most sqrt(beta/mu) (g(s) - g(t)), and less than R - d from t0 on: it does not reach |x - c|_W = R. A solution that stays in a
compact set where f is smooth does not end, and one of finite length converges.

For gradient flow of |e|^2/2 with rates eta, B = -eta P J^T with the projection P on the tangent spaces of the spheres. With L = 1, H = J eta P J^T:
(1) is the inequality of Polyak and Lojasiewicz, and (2) holds with beta = 1 for W = eta^(-1/2), and with beta = max eta for W = 1. The largest mu is
then the rate near the limit. For e = f, B = T, and (1) is about -f' where the f_i do not depend on each other: the limit is a sink. Whenever the
eigenvalues of K have real parts above mu at a point, (1) holds there with some L.

J and B are enclosed over the ball, B for all s from 0 to e_I. Linear relations between the entries of e are read off the graph, in exact arithmetic.
What is said of the residual and of distances is said in the Euclidean norms: |e| <= |T L^(-1)| |e|_L, and |v| <= |v|_W / min W.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import Final, assert_never

from flint import arb, arb_mat, arb_series, fmpq, fmpq_mat

from .decimals import above, below
from .enclosure import Start, bits_of, check_enclosure, read_piece, read_start
from .graph import Graph, Motion, Node, Place, read_places
from .instance import rational
from .language import Json, Rejected, Statement, read_statement
from .passes import Pass, planned
from .rings import Jet, Jets, Series, working
from .tube import COARSE, GUARD, excess, norm, signed, upper

MOST_ENTRIES: Final = 500
VELOCITY: Final = "the velocity"
UNIT: Final = -1  # stands for the number 1 in a linear form, where other numbers are those of nodes
TINY: Final = fmpq(1, 2**36)
ROUNDED: Final = 1 + fmpq(1, 2**20)


def check_settle(certificate: Json) -> str:
    """Accept the certificate and say what it establishes, or raise `Rejected`."""
    given = certificate["enclosure"]
    if given["kind"] != "enclosure":
        raise Rejected(f"the trajectory is followed by an enclosure, and not by {given['kind']!r}")
    statement = read_statement(given["statement"])
    check_enclosure(statement, given)
    return settled(read_end(statement, given), certificate)


def settled(end: End, certificate: Json) -> str:
    """What the certificate establishes if its enclosure, which ends there, does; or `Rejected`."""
    named = certificate["residual"]
    residual = read_residual(end.begin.motion, None if named is None else str(named))
    frame = read_frame(residual, certificate["frame"])
    most = residual.most(frame)
    rate, ratio, radius = (_positive(certificate, key) for key in ("rate", "ratio", "radius"))
    size = end.size(residual, frame)
    rest(end, residual, radius).decays(frame, rate, ratio)
    with working(COARSE, 1):
        away = upper(size * arb(ratio / rate).sqrt(), "the distance to the limit")
        stays = end.within + away
        if not stays < radius:
            raise Rejected(f"the trajectory may leave the ball of radius {float(radius):.3g}: it is only known to stay within {float(stays):.3g}")
        limit, within, least = end.read_point(certificate["limit"]), _positive(certificate, "within"), min(end.begin.weights)
        given = norm([fmpq(1)] * len(limit), [arb(p - q) for p, q in zip(limit, end.point, strict=True)])
        known, gap, length = stays / least + upper(given, "the distance given"), size * most, away / least
        if not known <= within:
            raise Rejected(f"the limit is only known to be within {float(known):.6g} of the point given, and {float(within):.6g} is claimed")
    name, decay = residual.name, f"exp(-{below(rate)} (t - T))"
    return (
        f"from {end.starts} the solution exists for all t >= 0 and converges to a point within {above(within)} of the one given, where {name} = 0; "
        f"from T = {above(end.time)} on |{name}| <= {above(gap)} {decay}, and the distance to the limit is at most {above(length)} {decay}"
    )


# ---- the residual --------------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Residual:
    """Let e be the entries of a definition, or the velocities, e = T e_I: their nodes, I, T, and the velocities with e_I as places of their own."""

    name: str
    graph: Graph
    nodes: tuple[int, ...]
    chosen: tuple[int, ...]
    relation: fmpq_mat
    velocities: Mapping[Place, int]

    @property
    def places(self) -> list[Place]:
        """The places that stand for the entries chosen: a definition has no places, so that its name is free, and no symbol has one with spaces."""
        return [(self.name, (k,)) for k in self.chosen]

    @cached_property
    def whole(self) -> Pass:
        return planned(self.graph, self.nodes)

    @cached_property
    def velocity(self) -> Pass:
        return planned(self.graph, self.velocities.values())

    def most(self, frame: fmpq_mat) -> fmpq:
        """A bound of |e| / |e|_L; `Rejected` if there is none."""
        if frame == self.relation:
            return fmpq(1)
        with working(COARSE, 1):
            try:
                back = arb_mat(self.relation) * arb_mat(frame).inv()
            except (ValueError, ZeroDivisionError) as error:
                raise Rejected(f"the frame for {self.name} is not certainly an invertible matrix") from error
            return upper(norm([fmpq(1)] * len(back.entries()), back.entries()), f"the inverse of the frame for {self.name}")


def read_residual(motion: Motion, name: str | None) -> Residual:
    """The definition `name`, or the velocity, as a residual; `Rejected` if the flow is not certain to rest where it vanishes, or it cannot vanish."""
    graph = motion.graph
    moving = [place for place in motion.moving if graph.statement.symbols[place[0]].role == "parameter"]
    velocities = again(graph, [motion.velocities[place] for place in moving], {})
    nodes = velocities if name is None else again(graph, _entries(graph, name), {})
    name = VELOCITY if name is None else name
    if not graph.places([*velocities, *nodes]).isdisjoint(set(motion.moving) - set(moving)):
        raise Rejected("the flow depends on the time, and what is proved here is about flows that do not")
    still = again(graph, velocities, {n: graph.number(0) for n in nodes})
    for place, n in zip(moving, still, strict=True):
        if graph.rational(n) != 0:
            raise Rejected(f"the velocity of {place[0]}{list(place[1])} is not certain to vanish with {name}")
    chosen, relation = related(graph, nodes, name)
    free = [graph.node(("place", (name, (k,)))) for k in chosen]
    by = {n: combination(graph, free, relation, k) for k, n in enumerate(nodes)}
    return Residual(name, graph, tuple(nodes), chosen, relation, dict(zip(moving, again(graph, velocities, by), strict=True)))


def _entries(graph: Graph, name: str) -> list[int]:
    family = graph.statement.definitions.get(name)
    if family is None:
        raise Rejected(f"{name!r} is no definition of the statement, and a residual is wanted")
    lengths = [graph.size(size) for _, size in family.indices]
    if prod(lengths) > MOST_ENTRIES:
        raise Rejected(f"{name} has more than {MOST_ENTRIES} entries, and so many are not looked at")
    return [graph.family(family, entry) for entry in product(*map(range, lengths))]


def read_frame(residual: Residual, node: Json) -> fmpq_mat:
    """L, row by row, or T if none is given."""
    if node is None:
        return residual.relation
    width = len(residual.chosen)
    if len(node) != width or any(len(row) != width for row in node):
        raise Rejected(f"the frame is no matrix of {width} rows and columns, and {width} entries of {residual.name} do not depend on each other")
    return fmpq_mat([[rational(q) for q in row] for row in node])


def again(graph: Graph, tops: Sequence[int], by: Mapping[int, int]) -> list[int]:
    """The nodes with some nodes replaced by others, and with terms and factors in order, so that a sum written in two orders is one node."""
    found: dict[int, int] = {}
    for n in graph.under(tops):
        found[n] = by[n] if n in by else _ordered(graph, n, found)
    return [found[n] for n in tops]


def _ordered(graph: Graph, n: int, found: Mapping[int, int]) -> int:
    node: Node = graph.nodes[n]
    match node:
        case ["number" | "place", _]:
            return n
        case ["held", a]:
            return found[a]
        case ["+", args]:
            return graph.total(sorted(found[a] for a in args))
        case ["*", a, b]:
            return graph.times(*sorted((found[a], found[b])))
        case ["^", a, q]:
            return graph.power(found[a], q)
        case [name, a]:
            return graph.function(name, found[a])
    assert_never(node)


def related(graph: Graph, nodes: Sequence[int], name: str) -> tuple[tuple[int, ...], fmpq_mat]:
    """The numbers I of some nodes and T with node_k = sum_i T_ki node_(I_i), identically; `Rejected` if some combination of the nodes is a number."""
    known: dict[int, dict[int, fmpq]] = {}
    forms = [linear(graph, n, known) for n in nodes]
    atoms = sorted(set().union(*forms) - {UNIT})
    rows = [[form.get(a, fmpq(0)) for form in forms] for a in (*atoms, UNIT)]
    reduced, rank = fmpq_mat(rows).rref()
    if not atoms or fmpq_mat(rows[:-1]).rank() < rank:
        raise Rejected(f"{name} does not vanish anywhere: some combination of its entries is a number that is not 0, or it is 0 itself")
    table = reduced.table()
    chosen = tuple(next(k for k, q in enumerate(table[i]) if q != 0) for i in range(rank))
    return chosen, fmpq_mat([[table[i][k] for i in range(rank)] for k in range(len(nodes))])


def linear(graph: Graph, n: int, known: dict[int, dict[int, fmpq]]) -> dict[int, fmpq]:
    """A node as a combination of others, and of 1; what is known of it is kept in `known`."""
    if n not in known:
        match graph.nodes[n]:
            case ["number", q]:
                parts = [(q, {UNIT: fmpq(1)})]
            case ["+", args]:
                parts = [(fmpq(1), linear(graph, a, known)) for a in args]
            case ["*", a, b] if (factor := graph.rational(b)) is not None:
                parts = [(factor, linear(graph, a, known))]
            case _:
                parts = [(fmpq(1), {n: fmpq(1)})]
        found: dict[int, fmpq] = {}
        for factor, part in parts:
            for a, q in part.items():
                found[a] = found.get(a, fmpq(0)) + factor * q
        known[n] = {a: q for a, q in found.items() if q != 0}
    return known[n]


def combination(graph: Graph, free: Sequence[int], relation: fmpq_mat, k: int) -> int:
    """sum_i T_ki s_i."""
    return graph.total([graph.times(s, graph.number(relation[k, i])) for i, s in enumerate(free)])


# ---- the end of the enclosure, and the ball around it --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class End:
    """At `time` every solution is `within` a distance of a point, which is given to `bits` bits; `starts` says which solutions."""

    begin: Start
    starts: str
    time: fmpq
    bits: int
    point: tuple[fmpq, ...]
    within: fmpq

    def near(self, radius: fmpq) -> dict[Place, arb]:
        """What the flow is made of, in the ball around the point: coordinates, and constants that are known within radii."""
        pairs = zip(self.begin.coordinates, self.point, self.begin.weights, strict=True)
        constants = {place: still.wide for place, still in self.begin.constants.items()}
        return constants | {place: arb(c) + arb(0, (arb(radius) / arb(w)).abs_upper()) for place, c, w in pairs}

    def size(self, residual: Residual, frame: fmpq_mat) -> fmpq:
        """E, a bound of |e|_L at the time."""
        with working(self.bits + GUARD, 1):
            found = residual.whole.values(Series(1), series(self.near(self.within)))
            values = (arb_mat(frame) * arb_mat(len(residual.chosen), 1, [found[residual.nodes[k]][0] for k in residual.chosen])).entries()
        with working(COARSE, 1):
            return upper(norm([fmpq(1)] * len(values), values), f"{residual.name} at the end of the enclosure")

    def read_point(self, node: Json) -> list[fmpq]:
        """A point given block by block."""
        graph = self.begin.motion.graph
        found = read_places(graph.statement, node, graph.sizes)
        if found.keys() != set(self.begin.coordinates):
            raise Rejected("the limit needs a number for every entry of the parameters, and for nothing else")
        return [found[place] for place in self.begin.coordinates]


def read_end(statement: Statement, enclosure: Json) -> End:
    """Where an enclosure ends; it is not checked here."""
    begin, steps = read_start(statement, enclosure), enclosure["steps"]
    time, bits = sum((rational(step["length"]) for step in steps), fmpq(0)), bits_of(enclosure)
    point, *across = read_piece(len(begin.coordinates), time, bits, steps[-1]).last
    with working(COARSE, 1):
        around = sum((norm(begin.weights, list(map(arb, change))) for change in across), arb(0))
        within = rational(steps[-1]["out"]) + upper(around, "the end of the enclosure")
    starts = "the start given"
    if begin.radii or rational(enclosure["radius"]) != 0:
        starts = f"every start{' on the spheres' if statement.flow and statement.flow.spheres else ''}, with all constants, within the radii given"
    return End(begin, starts, time, bits, tuple(point), within)


@dataclass(frozen=True)
class Rest:
    """K and B^T W^2 B in balls that hold them everywhere on a ball."""

    turning: arb_mat
    moving: arb_mat

    def pulling(self, frame: fmpq_mat) -> arb_mat:
        """sym H."""
        half = arb_mat(frame.transpose() * frame) * self.turning * arb(fmpq(1, 2))
        return half + half.transpose()

    def decays(self, frame: fmpq_mat, rate: fmpq, ratio: fmpq) -> None:
        """Refuse unless (1) and (2) hold with this L, mu = rate and beta = ratio."""
        with working(COARSE, 1):
            metric, pulling = arb_mat(frame.transpose() * frame), self.pulling(frame)
            not_positive(metric * arb(rate) - pulling, f"the residual is not certain to decay at the rate {float(rate):.6g}")
            not_positive(self.moving - pulling * arb(ratio), f"the speed is not certainly bounded by the decay: the ratio is {float(ratio):.6g}")


def rest(end: End, residual: Residual, radius: fmpq) -> Rest:
    """The matrices on the ball of this radius; `Rejected` where something is not defined there, or a sign declared may change."""
    begin, field, width, height = end.begin, end.begin.pulled(fmpq(0)), len(end.begin.coordinates), len(residual.chosen)
    _signs(end, radius)
    with working(COARSE, 1):
        near = end.near(radius)
        field.elsewhere.values(Series(1), series(near))
        field.velocity.values(Series(1), series(near))  # what an entry that is 0 multiplies is no part of v, and has to be defined all the same
        state, error = Jets(1, width), Jets(1, height)
        moving = {place: state.coordinate([near[place]], i, 1 / arb(begin.weights[i])) for i, place in enumerate(begin.coordinates)}
        found = residual.whole.values(state, {place: state.still([ball]) for place, ball in near.items()} | moving)
        chosen = [found[residual.nodes[k]] for k in residual.chosen]
        entries = [error.coordinate([arb(0).union(e.value[0])], i, arb(1)) for i, e in enumerate(chosen)]
        shrinking = dict(zip(residual.places, entries, strict=True))
        found = residual.velocity.values(error, {place: error.still([ball]) for place, ball in near.items()} | shrinking)
        moved = _rows([found[residual.velocities[place]] for place in begin.coordinates], height, [arb(w) for w in begin.weights])
        return Rest(-(_rows(chosen, width, [arb(1)] * height) * moved), moved.transpose() * moved)


def series(known: Mapping[Place, arb]) -> dict[Place, arb_series]:
    return {place: Series(1).series([ball]) for place, ball in known.items()}


def _rows(jets: Sequence[Jet], width: int, scales: Sequence[arb]) -> arb_mat:
    """The derivatives, row by row."""
    flat: list[arb] = []
    for jet, scale in zip(jets, scales, strict=True):
        flat += [arb(0)] * width if jet.rows is None else (jet.rows * scale).entries()
    return arb_mat(len(jets), width, flat)


def not_positive(matrix: arb_mat, otherwise: str) -> None:
    """Refuse unless S <= 0 for every symmetric S in the matrix of balls."""
    with working(COARSE, 1):
        table = matrix.tolist()
        wide, tall = ([sum(map(size, row), arb(0)) for row in table] for size in (lambda c: arb(c.rad()), lambda c: arb(c.abs_upper())))
        # The radii take as much, which are known to 30 bits, and a factorisation in floating point hardly any.
        room = ROUNDED * max(upper(a, otherwise) for a in wide) + TINY * max(upper(a, otherwise) for a in tall)
        try:
            beyond = excess(matrix, -room)
        except Rejected as error:
            raise Rejected(otherwise) from error
        if not beyond <= arb(room):  # S <= (beyond - room) I
            raise Rejected(otherwise)


def _signs(end: End, radius: fmpq) -> None:
    """Refuse a ball that is not inside the signs declared."""
    symbols = end.begin.motion.graph.statement.symbols
    for (name, entry), c, w in zip(end.begin.coordinates, end.point, end.begin.weights, strict=True):
        if not signed(symbols[name].sign, c - radius / w, c + radius / w):
            label = f"{name}{list(entry) if entry else ''}"
            raise Rejected(f"{label} is declared {symbols[name].sign}, and {float(c):.3g} +/- {float(radius / w):.3g} need not be")


def _positive(certificate: Json, key: str) -> fmpq:
    value = rational(certificate[key])
    if not value > 0:
        raise Rejected(f"{key} = {value} is not positive")
    return value
