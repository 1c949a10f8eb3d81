"""Whether the radius of the polar flow stays away from 0, or tends to it; docs/limit.md has the proofs.

Either the flow collapses, r -> 0, or r is bounded away from 0 and the flow converges to a solution. Each function below checks one inequality in
balls that decides it, and puts it in words; or that an enclosure of the trajectory comes to rest. Plain gradient flow does not collapse unless y = 0:
its divergence D(z, x) is unbounded for x -> 0 and z other than 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from flint import arb, fmpq, fmpq_mat

from .diagonal import recognised
from .instance import rational
from .language import Json, Rejected, read_statement
from .leaf import Leaf, Polar, dot
from .settle import check_settle


def _paired(a: Sequence[fmpq], b: Sequence[arb]) -> arb:
    return sum((arb(p) * q for p, q in zip(a, b, strict=True) if p != 0), arb(0))


# ---- staying -----------------------------------------------------------------------------------------------------------------------------------


def by_kind(polar: Polar, start: Leaf, reason: Json, limit: Sequence[arb]) -> str:
    """Plain gradient flow; for it this is the only reason there is."""
    return "plain gradient flow does not collapse"


def by_loss(polar: Polar, start: Leaf, reason: Json, limit: Sequence[arb]) -> str:
    """The loss never increases, and it starts below what it is at x = 0."""
    residual = [_paired(row, start.x) - arb(value) for row, value in zip(polar.matrix, polar.target, strict=True)]
    begin, origin = sum((e**2 for e in residual), arb(0)) / 2, arb(sum((value**2 for value in polar.target), fmpq(0))) / 2
    if not begin < origin:
        raise Rejected(f"the loss at the start, {_short(begin)}, is not certainly below its value at 0, {_short(origin)}")
    return f"the loss starts at {_short(begin)}, below its value {_short(origin)} at 0"


def by_divergence(polar: Polar, start: Leaf, reason: Json, limit: Sequence[arb]) -> str:
    """The Bregman divergence D(z, x) of a solution z never increases, and it starts below its least limit for x -> 0."""
    assert start.kappa is not None
    z = limit if reason["solution"] == "limit" else _solution(polar, reason["solution"])
    total = sum(z, arb(0))
    if not total > 0:
        raise Rejected("the solution is not certainly other than 0")
    positive = [(value, n) for n, value in enumerate(z) if not value.is_zero()]  # a ball around 0 is not 0
    if start.two:
        room = start.kappa * start.radius2 * (total - start.radius2 / 2)
        spent = sum((value * (value * start.radius2 / (total * start.weights2[n])).log() for value, n in positive), arb(0))
    else:
        L, b = start.depth, (start.depth / 2 - 1) * start.kappa
        room = sum((value ** (2 / L) for value, _ in positive), arb(0)) ** (L / 2)
        spent = sum((-value * start.dual[n] for value, n in positive), arb(0)) + b ** (-L / 2) * (b * start.radius2).gamma_lower(L / 2 + 1)
    if not spent < room:
        raise Rejected(f"the divergence from the solution is not certainly below its limit at 0: {_short(spent)} < {_short(room)} is wanted")
    return f"the divergence from a solution starts below its limit at 0: {_short(spent)} < {_short(room)}"


def _solution(polar: Polar, node: Json) -> list[arb]:
    z = [rational(entry) for entry in node]
    if len(z) != len(polar.values) or not all(value >= 0 for value in z):
        raise Rejected(f"a solution needs {len(polar.values)} numbers, none of them negative")
    if any(dot(row, z) != value for row, value in zip(polar.matrix, polar.target, strict=True)):
        raise Rejected("A z = y does not hold for the solution given")
    return [arb(value) for value in z]


def by_pairs(polar: Polar, start: Leaf, reason: Json, limit: Sequence[arb]) -> str:
    """The columns come in pairs a, -a with equal weights at the start: then r never goes below its value there."""
    partner, columns = reason["partner"], polar.columns
    if not isinstance(partner, list) or any(isinstance(n, bool) or not isinstance(n, int) for n in partner):
        raise Rejected("partner is a list of the numbers of columns")
    if sorted(partner) != list(range(len(columns))) or any(partner[p] != n for n, p in enumerate(partner)):
        raise Rejected("the partner of a column's partner is the column itself")
    for n, p in enumerate(partner):
        if polar.values[n] != polar.values[p] or any(a != -b for a, b in zip(columns[n], columns[p], strict=True)):
            raise Rejected(f"the columns {n} and {p} are not opposite to each other with equal weights at the start")
    return "the columns come in opposite pairs with equal weights at the start"


def by_one_row(polar: Polar, start: Leaf, reason: Json, limit: Sequence[arb]) -> str:
    """One row: the flow moves along one multiplier, on which |omega|^2 is convex."""
    row = _upward(polar)
    if reason["between"] is None:
        if not _paired(row, start.x) >= 0:
            raise Rejected("sign(y) <a, x> is not certainly at least 0 at the start")
        return "sign(y) <a, x> >= 0 at the start"
    low, high = map(rational, reason["between"])
    if not low < high:
        raise Rejected(f"{low} < {high} is wanted")
    norm, falling = along(start, row, low)
    _, rising = along(start, row, high)
    if not (falling < 0 < rising):
        raise Rejected("|omega|^2 is not certainly falling at the first multiplier and rising at the second")
    least = norm + falling * arb(high - low)
    if not least > 1:
        raise Rejected(f"the least |omega|^2, at least {_short(least)}, is not certainly above 1")
    return f"|omega|^2 is at least {_short(least)} > 1 on the whole leaf"


def by_rest(polar: Polar, start: Leaf, reason: Json, limit: Sequence[arb]) -> str:
    """The trajectory is enclosed up to some time, and stays from then on in a ball where r is positive; what it tends to does not matter."""
    told, enclosure = check_settle(reason["settle"]), reason["settle"]["enclosure"]
    statement = read_statement(enclosure["statement"])
    if rational(enclosure["radius"]) != 0 or enclosure["radii"]:
        raise Rejected("the enclosure is of many trajectories; one start and one value of every constant are wanted")
    followed, _ = recognised(statement, enclosure, reason["flow"])
    if followed != polar or statement.symbols[reason["flow"]["radius"]].sign != "positive":
        raise Rejected("the enclosure is of another flow, or its radius is not declared positive")
    return f"an enclosure ends in a ball which the flow does not leave, and where r > 0: {told}"


# ---- collapse ----------------------------------------------------------------------------------------------------------------------------------


def falls_by_one_row(polar: Polar, start: Leaf, reason: Json) -> str:
    """One row: |omega|^2 falls from the start on and reaches 1 in the direction the flow takes."""
    row, place = _upward(polar), rational(reason["multiplier"])
    if not (place > 0 and _paired(row, start.x) < 0):
        raise Rejected("sign(y) <a, x> is not certainly negative at the start, or the multiplier is not positive")
    norm, _ = along(start, row, place)
    if not norm < 1:
        raise Rejected(f"|omega|^2 = {_short(norm)} is not certainly below 1 at the multiplier")
    return f"|omega|^2 reaches {_short(norm)} < 1 along the leaf"


def falls_by_comparison(polar: Polar, start: Leaf, reason: Json) -> str:
    """While R is at most what it was, theta <= theta(start) + clock (A^T y + B R^(L/2)), where B bounds -<a_i, a_j>; there |omega|^2 reaches 1."""
    clock = rational(reason["clock"])
    if not clock > 0:
        raise Rejected(f"the clock is positive, and {clock} is given")
    _, norm = start.norm([arb(clock) * rate for rate in fastest(polar, start)])
    if not norm < 1:
        raise Rejected(f"|omega|^2 is only known to be at most {_short(norm)} at the clock given, and less than 1 is wanted")
    assert start.kappa is not None
    return f"|omega|^2 falls from {_short((start.kappa * start.radius2).exp())} to 1 before the clock shows {_short(arb(clock))}"


def falls_by_no_target(polar: Polar, start: Leaf, reason: Json) -> str:
    """y = 0 and A^T nu > 0: then R' = -2 L <G, x> = -4 L F in the time with eta_r = 1, and sqrt(2 F) |nu| >= <nu, A x> >= c |x|_1 with c > 0."""
    nu = [rational(entry) for entry in reason["normal"]]
    if len(nu) != len(polar.target) or any(value != 0 for value in polar.target) or not all(dot(column, nu) > 0 for column in polar.columns):
        raise Rejected("y = 0 and a vector nu with A^T nu > 0 are wanted")
    return "y = 0, no z >= 0 but 0 has A z = 0, and |w|^2 falls at the rate 4 L F"


def fastest(polar: Polar, start: Leaf) -> list[arb]:
    """A^T y + B R^(L/2), which no dual coordinate outruns while R is at most what it was."""
    matrix = fmpq_mat(len(polar.matrix), len(polar.values), [a for row in polar.matrix for a in row])
    steepest = max(fmpq(0), *(-product for product in (matrix.transpose() * matrix).entries()))
    back = arb(steepest) * start.radius2 ** (start.depth / 2)
    return [arb(dot(column, polar.target)) + back for column in polar.columns]


def _upward(polar: Polar) -> list[fmpq]:
    """The only row, times the sign of the target."""
    if len(polar.matrix) != 1 or polar.target[0] == 0:
        raise Rejected("the matrix needs one row, and the target to be other than 0")
    return [a if polar.target[0] > 0 else -a for a in polar.matrix[0]]


def along(start: Leaf, row: Sequence[fmpq], multiplier: fmpq) -> tuple[arb, arb]:
    """|omega|^2 and its derivative by the multiplier."""
    squares, norm = start.norm([arb(a * multiplier) for a in row])
    if start.two:
        return norm, _paired(row, squares)
    return norm, 2 / (start.depth - 2) * _paired(row, [square ** (start.depth / 2) for square in squares])


def _short(value: arb) -> str:
    return str(value.upper().str(3, radius=False) if value.contains(0) else value.str(8, radius=False))


STAYS: Final[dict[str, Callable[[Polar, Leaf, Json, Sequence[arb]], str]]] = {
    "plain": by_kind,
    "loss": by_loss,
    "divergence": by_divergence,
    "pairs": by_pairs,
    "one row": by_one_row,
    "rest": by_rest,
}
FALLS: Final[dict[str, Callable[[Polar, Leaf, Json], str]]] = {
    "one row": falls_by_one_row,
    "comparison": falls_by_comparison,
    "no target": falls_by_no_target,
}
