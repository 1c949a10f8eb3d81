"""Where the polar flow on the diagonal model ends: convergence to a point enclosed in balls, or collapse to 0.

Let A be an M x N matrix, y a vector of M numbers, F(x) = 1/2 |Ax - y|^2, G = A^T (Ax - y), x_i = (r u_i)^L with L >= 2, r > 0, |u| = 1, u_i > 0, and

    r' = -eta_r L r^(L-1) sum_j G_j u_j^L,    u_i' = -kappa eta_r L r^L (G_i u_i^(L-1) - u_i sum_j G_j u_j^L).

Let theta be the dual coordinates of `leaf`.

Theorem. The solution exists for all t >= 0. Let z_i = 0 outside a support S for every z >= 0 with A z = y. Let x* be positive on S and 0 elsewhere,
A x* = y, and theta_S(x*_S) - theta_S(x(0)) = A_S^T lambda for some lambda. If r does not come near 0, x(t) tends to x*; if it does, r tends to 0.
Moreover x* is the only minimiser of the Bregman divergence from x(0) among the z >= 0 with A z = y, and the limit of the gradient flow of w from
w(0)/rho, with

    rho = r(0)/r* exp(kappa (r*^2 - r(0)^2)/2),    r*^2 = sum_i x*_i^(2/L).

The proof is in docs/limit.md and is a proof on paper; what it assumes is checked here. `stays` has what decides that r does not come near 0, or
that it tends to 0.

The support. If A^T nu >= 0 and <nu, y> <= 0, then z_i = 0 wherever (A^T nu)_i > 0, since 0 <= <A^T nu, z> = <nu, y>. A full support needs no nu.

Existence of x*. Write A for A_S. With rows A_I that span the row space, H(lambda) = A_I x(theta(x(0)) + A_I^T lambda) - y_I has the derivative
J = A_I (diag(a) + c x x^T) A_I^T. Let X be the box of half-widths d around a centre m, C any matrix, and, in every row,

    |C H(m)| + |1 - C J(X)| d < d.

Then lambda - C H(lambda) maps X to itself and is a contraction for the largest entry relative to d, so that it has one fixed point in X. C J is
regular, so that C is, and the fixed point is the zero of H; J is, so that the rows A_I are independent. If [A | y] has the rank |I|, then A x* = y.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm

from flint import arb, arb_mat, fmpq, fmpz, fmpz_mat

from .decimals import about, above, below
from .diagonal import recognised
from .falling import in_the_end, throughout, weighed
from .instance import rational
from .language import Json, Rejected, read_statement
from .leaf import Leaf, Point, Polar, dot, leaf, read_polar
from .points import precision
from .stays import FALLS, STAYS

FEWEST_BITS = 32
MOST_WORK = 10**12  # bits in the products of a matrix with its transpose


@dataclass(frozen=True)
class Ending:
    """What a certificate establishes, in words and in balls: the limit, the magnification, the rate in the end; None where it says nothing."""

    text: str
    x: list[arb] | None = None
    rho: arb | None = None
    rate: arb | None = None


def check_limit(certificate: Json) -> str:
    """Accept the certificate and say what it establishes, or raise `Rejected`."""
    return ending(certificate).text


def ending(certificate: Json) -> Ending:
    """What the certificate establishes, in balls of the precision it asks for."""
    polar, bits, outcome = read_polar(certificate), certificate["bits"], certificate["outcome"]
    if isinstance(bits, bool) or not isinstance(bits, int) or bits < FEWEST_BITS:
        raise Rejected(f"{bits!r} bits are given, and at least {FEWEST_BITS} are wanted")
    if len(polar.target) ** 2 * len(polar.values) * bits > MOST_WORK:
        raise Rejected(f"{bits} bits for a matrix of {len(polar.target)} rows and {len(polar.values)} columns are more than this kernel works with")
    with precision(bits):
        match outcome:
            case "convergence":
                return _convergence(polar, certificate)
            case "either":
                return _either(polar, certificate)
            case "collapse":
                return _collapse(polar, certificate["reason"])
            case "no solution":
                return Ending(_no_solution(polar, certificate["normal"]))
    raise Rejected(f"the outcome {outcome!r} is not one this kernel knows; 'convergence', 'collapse', 'either' and 'no solution' are")


def check_ends(certificate: Json) -> str:
    """A `limit` of the flow of a `statement`, which is that polar flow: accept it and say what is established, or raise `Rejected`."""
    polar, rate = recognised(read_statement(certificate["statement"]), certificate, certificate["flow"])
    if read_polar(certificate["limit"]) != polar:
        raise Rejected("the limit is that of another flow than the one stated")
    kind = "plain gradient flow" if polar.kappa is None else f"the polar flow with kappa = {polar.kappa}"
    clock = "" if rate == 1 else f" in the time {rate} t"
    return f"the flow stated is {kind} and L = {polar.depth} on the diagonal model{clock}: {check_limit(certificate['limit'])}"


def _convergence(polar: Polar, certificate: Json) -> Ending:
    start, reason = leaf(polar), certificate["reason"]
    if reason["by"] not in STAYS or (polar.kappa is None) != (reason["by"] == "plain"):
        raise Rejected(f"{reason['by']!r} is not a reason against a collapse this kernel knows; {', '.join(STAYS)} are")
    point, x = enclosed(polar, start, certificate)
    within = _claimed(certificate, x)
    stays = STAYS[reason["by"]](polar, start, reason, x)
    rho = magnification(start, point)
    told = [_near(certificate["rho"], rho, "rho")] if polar.kappa is not None else []
    told += bias(polar, start, x, certificate["bias"])
    final, steady = certificate["rate"], certificate["trap"]
    rate = None
    if final is not None:
        told.append(in_the_end(polar, certificate["rows"], start, point, final))
        rate = arb(rational(final["value"])) + arb(0, arb(rational(final["within"])).abs_upper())
    if steady is not None:
        told.append(throughout(polar, certificate["rows"], start, point, steady))
    whose = "the limit of plain gradient flow from w/rho" if polar.kappa is not None else "by plain gradient flow"
    text = (
        f"from the start given the flow exists for all times and x(t) converges to a point within {above(within)} of the one "
        f"given in every coordinate, {whose}; {'; '.join([*told, f'no collapse: {stays}'])}"
    )
    return Ending(text, x, rho, rate)


def _either(polar: Polar, certificate: Json) -> Ending:
    """Where nothing decides whether r tends to 0."""
    if polar.kappa is None:
        raise Rejected("plain gradient flow does not collapse unless y = 0")
    _, x = enclosed(polar, leaf(polar), certificate)
    within = _claimed(certificate, x)
    return Ending(
        f"from the start given the flow exists for all times, and x(t) converges to a point within {above(within)} of the one given in every "
        "coordinate, or to 0: which of the two is not established"
    )


def _collapse(polar: Polar, reason: Json) -> Ending:
    if polar.kappa is None and reason["by"] != "no target":
        raise Rejected("plain gradient flow does not collapse unless y = 0")
    if reason["by"] not in FALLS:
        raise Rejected(f"{reason['by']!r} is not a reason for a collapse this kernel knows; {', '.join(FALLS)} are")
    told = FALLS[reason["by"]](polar, leaf(polar), reason)
    return Ending(f"from the start given the flow exists for all times and x(t) tends to 0: {told}", [arb(0)] * len(polar.values))


def _no_solution(polar: Polar, normal: Json) -> str:
    """A^T nu >= 0 and <nu, y> < 0: for x >= 0, |Ax - y| |nu| >= <nu, Ax - y> >= -<nu, y>."""
    nu = [rational(entry) for entry in normal]
    if len(nu) != len(polar.target):
        raise Rejected(f"the normal vector needs {len(polar.target)} numbers")
    height = dot(nu, polar.target)
    if not height < 0 or any(dot(column, nu) < 0 for column in polar.columns):
        raise Rejected("the normal vector nu does not show that there is no solution: A^T nu >= 0 and <nu, y> < 0 are wanted")
    return (
        "from the start given the flow exists for all times, and no z >= 0 has A z = y: "
        f"the loss is always at least {below(height**2 / dot(nu, nu) / 2)}; where x(t) tends to, if it does, is not established"
    )


@dataclass(frozen=True)
class _Face:
    """The leaf of a face, the rows chosen there with their targets, and the centre of the multipliers."""

    polar: Polar
    support: list[int]
    rows: list[int]
    leaf: Leaf
    data: arb_mat
    centre: list[fmpq]

    def at(self, multipliers: Sequence[arb]) -> Point:
        return self.leaf.at((self.data.transpose() * _column(multipliers)).entries())

    def step(self) -> tuple[arb_mat, list[arb]]:
        """C, and an upper bound of every |C H(m)|."""
        exact = self.at([arb(m) for m in self.centre])
        gap = self.data * _column(exact.x) - _column([arb(self.polar.target[k]) for k in self.rows])
        try:
            inverse = _jacobian(self.data, exact).mid().inv().mid()
        except ZeroDivisionError as error:
            raise Rejected("the derivative at the centre could not be inverted: the rows are dependent, or known to too few bits") from error
        return inverse, [arb(entry.abs_upper()) for entry in (inverse * gap).entries()]


def read_face(polar: Polar, start: Leaf, certificate: Json) -> _Face:
    """`support` and `normal`, `rows` and `centre`."""
    support = _support(polar, certificate["support"], certificate["normal"])
    rows = _rows(polar, support, certificate["rows"])
    centre = [rational(node) for node in certificate["centre"]]
    if len(centre) != len(rows):
        raise Rejected(f"{len(centre)} multipliers are given for {len(rows)} rows")
    data = arb_mat(len(rows), len(support), [arb(polar.matrix[k][n]) for k in rows for n in support])
    return _Face(polar, support, rows, start.on(support), data, centre)


def enclosed(polar: Polar, start: Leaf, certificate: Json) -> tuple[Point, list[arb]]:
    """The point of the face with A x = y, from the box around `centre` that contains its multipliers; and all of its coordinates."""
    face = read_face(polar, start, certificate)
    wide = [rational(node) for node in certificate["half_widths"]]
    if len(wide) != len(face.rows) or not all(d > 0 for d in wide):
        raise Rejected(f"{len(face.rows)} positive half-widths are wanted")
    inverse, step = face.step()
    box = face.at([arb(m - d).union(arb(m + d)) for m, d in zip(face.centre, wide, strict=True)])
    rest = (_identity(len(wide)) - inverse * _jacobian(face.data, box)).table()
    for n, (row, d) in enumerate(zip(rest, wide, strict=True)):
        spread = sum((arb(entry.abs_upper()) * arb(e) for entry, e in zip(row, wide, strict=True)), arb(0))
        if not step[n] + spread < arb(d):
            raise Rejected(f"the box is not certainly mapped into itself: multiplier {n} is not within {above(d)} of its centre")
    place = dict(zip(face.support, box.x, strict=True))
    return box, [place.get(n, arb(0)) for n in range(len(polar.values))]


def _numbers(node: Json, below: int, name: str) -> list[int]:
    """Some of the numbers 0, 1, ..., in order."""
    if not isinstance(node, list) or any(isinstance(n, bool) or not isinstance(n, int) for n in node):
        raise Rejected(f"{name} is a list of numbers")
    if not node or node != sorted(set(node)) or not 0 <= node[0] <= node[-1] < below:
        raise Rejected(f"{name} = {node} are not some of the numbers below {below}, in order")
    return node


def _support(polar: Polar, node: Json, normal: Json) -> list[int]:
    """The support, if every z >= 0 with A z = y vanishes outside it."""
    support = _numbers(node, len(polar.values), "support")
    if len(support) < len(polar.values):
        nu = [rational(entry) for entry in normal]
        if len(nu) != len(polar.target):
            raise Rejected(f"the normal vector needs {len(polar.target)} numbers")
        heights = [dot(column, nu) for column in polar.columns]
        outside = set(range(len(heights))) - set(support)
        if not dot(nu, polar.target) <= 0 or any(h < 0 for h in heights) or any(heights[n] == 0 for n in outside):
            raise Rejected("the normal vector nu does not show that solutions vanish outside the support: A^T nu >= 0, positive there, <nu, y> <= 0")
    return support


def _rows(polar: Polar, support: Sequence[int], node: Json) -> list[int]:
    """The rows chosen, if on the support the others with their targets are combinations of them."""
    rows = _numbers(node, len(polar.target), "rows")
    if len(rows) < len(polar.target):
        together = [_whole([*(row[n] for n in support), value]) for row, value in zip(polar.matrix, polar.target, strict=True)]
        if fmpz_mat(together).rank() != len(rows):
            raise Rejected("a row that is left out, with its target, is not a combination of the rows chosen")
    return rows


def _whole(row: Sequence[fmpq]) -> list[fmpz]:
    """A multiple of the row with entries in Z."""
    scale = lcm(*(int(a.q) for a in row))
    return [a.p * (scale // int(a.q)) for a in row]


def _column(entries: Sequence[arb]) -> arb_mat:
    return arb_mat(len(entries), 1, list(entries))


def _identity(size: int) -> arb_mat:
    return arb_mat(size, size, [int(n == k) for n in range(size) for k in range(size)])


def _jacobian(data: arb_mat, point: Point) -> arb_mat:
    """A (diag(a) + c x x^T) A^T."""
    image = data * _column(point.x)
    return weighed(data, point.diagonal) + image * (image.transpose() * point.rank_one)


def _claimed(certificate: Json, x: Sequence[arb]) -> fmpq:
    """The distance claimed of the limit from the point given, if it is right in every coordinate."""
    limit, within = [rational(node) for node in certificate["limit"]], rational(certificate["within"])
    if len(limit) != len(x):
        raise Rejected(f"the limit has {len(limit)} coordinates, and {len(x)} are wanted")
    for n, (entry, claimed) in enumerate(zip(x, limit, strict=True)):
        if not arb((entry - arb(claimed)).abs_upper()) <= arb(within):
            raise Rejected(f"the coordinate {n} of the limit is {entry}, not certainly within {below(within)} of the one given")
    return within


def magnification(start: Leaf, point: Point) -> arb:
    """rho, which is 1 for plain gradient flow."""
    if start.kappa is None:
        return arb(1)
    return (start.radius2 / point.radius2).sqrt() * (start.kappa * (point.radius2 - start.radius2) / 2).exp()


def _near(node: Json, value: arb, name: str) -> str:
    claimed, within = rational(node["value"]), rational(node["within"])
    if not arb((value - arb(claimed)).abs_upper()) <= arb(within):
        raise Rejected(f"{name} is {value}, not certainly within {below(within)} of the value given")
    return f"{name} = {about(claimed, within)}"


# ---- bias --------------------------------------------------------------------------------------------------------------------------------------


def bias(polar: Polar, start: Leaf, x: Sequence[arb], node: Json) -> list[str]:
    """How much larger |x*|_1 is than the least norm Q of a solution z >= 0; Q is shown by a `solution` and a `dual` vector.

    `excess` is a bound of |x*|_1 - Q, and `bound` one of what the theorem on the bias allows, if it applies.
    """
    if node is None:
        return []
    z, dual = [rational(entry) for entry in node["solution"]], [rational(entry) for entry in node["dual"]]
    if len(z) != len(polar.values) or len(dual) != len(polar.target) or not all(value >= 0 for value in z):
        raise Rejected("the solution has a number for every column, none negative, and the dual vector one for every row")
    if any(dot(row, z) != value for row, value in zip(polar.matrix, polar.target, strict=True)):
        raise Rejected("A z = y does not hold for the solution of least norm")
    if any(dot(column, dual) > 1 for column in polar.columns) or dot(dual, polar.target) != sum(z, fmpq(0)):
        raise Rejected("the dual vector nu does not show that the solution is one of least norm: A^T nu <= 1 and <nu, y> = |z|_1 are wanted")
    least, excess = sum(z, fmpq(0)), rational(node["excess"])
    if not sum(x, arb(0)) - arb(least) <= arb(excess):
        raise Rejected(f"|x|_1 is {sum(x, arb(0))}, and does not certainly exceed {least} by at most {below(excess)}")
    told = f"|x|_1 exceeds the least norm {least} of a solution by at most {above(excess)}"
    if node["bound"] is None:
        return [told]
    bound = rational(node["bound"])
    allowed = allowance(polar, start, z)
    if not allowed <= arb(bound):
        raise Rejected(f"the theorem allows {allowed}, which is not certainly at most {below(bound)}")
    return [f"{told}, and the theorem on the bias allows {above(bound)}"]


def allowance(polar: Polar, start: Leaf, z: Sequence[fmpq]) -> arb:
    """What |x*|_1 can exceed Q = |z|_1 by: Q KL(p_z | p_0) / (kappa (Q - |x_0|_1)) for L = 2, for plain gradient flow with log(Q/|x_0|_1) in place
    of kappa (Q - |x_0|_1); for L > 2 from equal weights Q N^(-(L-2)/2) exp(-(L-2)/2 kappa (Q^(2/L) - R_0)).

    `Rejected` where the theorem does not apply."""
    least, L = arb(sum(z, fmpq(0))), start.depth
    if start.two:
        room = least - start.radius2
        if not room > 0:
            raise Rejected("the theorem on the bias is about starts with |x|_1 < Q, which is not certain here")
        spent = sum((arb(v) * (arb(v) * start.radius2 / (least * start.weights2[n])).log() for n, v in enumerate(z) if v != 0), arb(0))
        return spent / (start.kappa * room if start.kappa is not None else (least / start.radius2).log())
    if start.kappa is None:
        raise Rejected("for plain gradient flow the theorem on the bias is about L = 2")
    if len(set(polar.values)) > 1:
        raise Rejected("for L > 2 the theorem on the bias is about starts with equal weights")
    if not (least > 0 and start.kappa * least ** (2 / L) >= L / (L - 2)):
        raise Rejected("for L > 2 the theorem on the bias asks for kappa Q^(2/L) >= L/(L-2), which is not certain here")
    decay = (-(L / 2 - 1) * start.kappa * (least ** (2 / L) - start.radius2)).exp()
    return least * arb(len(z)) ** (1 - L / 2) * decay
