"""Enclosures of trajectories: along polynomials in time, as wide as their defect and the logarithmic norm of the flow allow.

Let x' = f(x), let W > 0 be diagonal, and write |v| for the Euclidean norm of W v. On a step of length h let q be polynomials in s = t/h.

Theorem. Let E > 0, let f be continuously differentiable near the sets q(s) + B with B = {|v| <= E}, and for 0 <= s <= 1 and v in B let

    |q'(s) - h f(q(s))| <= D    and    S(s, v) <= mu(s) I,  where S(s, v) is the symmetric part of W f'(q(s) + v) W^(-1).

Let e' = h mu e + D and e(0) = e0. If e < E on [0, 1], every solution with |x(0) - q(0)| <= e0 exists to the end of the step, and |x - q| <= e.

Proof. Let d = x - q. While |d| <= E the segment from q to x lies in q + B, so that f(x) - f(q) = int_0^1 f'(q + theta d) d dtheta, and the upper
derivative of |d| is at most h mu |d| + D; therefore |d| <= e. As e < E, the first time with |d| = E does not come, and the solution stays in a
compact set where f is smooth, so that it does not end before the step does.

Sets. Starts and constants are polynomials in lambda from the cube [-1, 1]^m, and so are the polynomials in s: p(s, lambda), of a degree d in lambda.
For every lambda the theorem is used with the constants of this lambda and q = p(., lambda). One D, one mu and one e serve all of them.

The defect. Let T be f(p) without what is of a higher degree than d in lambda. By monomials in lambda, g = p' - h T is computed in balls at
Chebyshev's points, and what I g is on [0, 1] is bounded by its coefficients (`chebyshev`). Let f_i(p(s, z lambda)) be holomorphic for |s| <= disc,
disc > 1, and |z| <= 1, and differ there from a constant by at most M_i. By Cauchy's inequality for z, so do the d + 1 homogeneous parts of T_i; with
p' = I p', which has a degree below the number of points m, this leaves |g - I g| <= (d + 1) h |M| 4 rho^(1 - m)/(rho - 1) for the largest ellipse in
the disc. And f(p) - T is the remainder of Taylor's formula for z -> f(p(s, z lambda)) from 0 to 1, which is bounded by the coefficient d + 1 of the
series at all z between.

The logarithmic norm. On a part [a, b] of the step and for fixed lambda and v, S differs from its linear interpolation between a and b by at most
(b - a)^2/8 times the largest norm of its second derivative by s, and the largest eigenvalue of the interpolation is at most the interpolation of the
largest eigenvalues, since these are convex functions of a matrix. At the ends, S(lambda, v) = S(0, 0) + S'(0, 0) (lambda, v) + a remainder of second
order as above; being convex, the largest eigenvalue is largest at a corner of the cube. There S <= (mu + c) I holds when mu I - S = R R^T + C with a
matrix C whose rows sum to at most c in absolute value, whatever R is. R comes from an elimination in floating point, and is not trusted.

Spheres. Off its spheres a flow on spheres may expand. Let g = |u|^2 - 1 on a sphere with blocks u, and f_ext = f - kappa g u there. The blocks share
one rate and have no drift, so that g' = 2 (rate (u . slope) - kappa |u|^2) g along f_ext, which is linear in g. A solution of f_ext that starts on
the spheres stays there, where f_ext = f, so that it is the solution of f. The theorem is used with f_ext, a kappa for every step; what it says of
x' = f(x) it says of starts on the spheres. Other quantities that a flow keeps are pulled to in the same way (`kept`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from operator import mul
from typing import Final, TypeAlias, assert_never

from flint import acb, arb, arb_mat, fmpq

from .chebyshev import points, remainder, transform
from .graph import Place
from .language import Rejected, Sign
from .paths import Field, Path, Piece, around, sideways, through_lambda, through_time, towards
from .polynomials import Exponents, Polynomial, Polynomials
from .rings import Discs, Jets, Samples, Series, working

COARSE: Final = 64  # bits, for what need not be known to more digits
GUARD: Final = 32  # bits added to those of the polynomials
MOST_TERMS: Final = 2000
MOST_PARTS: Final = 1000
MOST_CORNERS: Final = 8  # of the lambdas, those whose corners are looked at one by one

Slopes: TypeAlias = Callable[[int, list[arb_mat]], fmpq]  # for the end k of a part and the matrices S there, a bound of their eigenvalues


def norm(weights: Sequence[fmpq], v: Sequence[arb]) -> arb:
    """An upper bound of |v| = |W v|_2."""
    return arb(sum(((arb(w) * arb(c.abs_upper())) ** 2 for w, c in zip(weights, v, strict=True)), arb(0)).sqrt().abs_upper())


def defect(flow: Field, piece: Piece, terms: int, degree: int, disc: fmpq) -> arb:
    """An upper bound of |p' - h f(p)| for 0 <= s <= 1 and all lambda, but for what is of a higher degree in lambda.

    It is taken from values at `terms` points, more than the degree of p in s, and from Cauchy's inequality on the disc |s| <= disc.
    """
    if terms < piece.longest:
        raise Rejected(f"polynomials with {piece.longest} coefficients need as many points, and {terms} are given")
    with working(piece.bits + GUARD, 1):
        values, moved = piece.sampled(terms)
        found = _velocities(flow, piece, values.tolist(), terms, degree)
        width, monomials = len(found), list(dict.fromkeys((*piece.monomials(flow.width), *(powers for line in found for powers in line))))
        zeros, rows = [arb(0)] * terms, moved.tolist()
        rows += [zeros] * (len(monomials) * width - len(rows))
        pushed = [c for powers in monomials for line in found for c in line.get(powers, zeros)]
        left = arb_mat(rows) - arb_mat(len(rows), terms, pushed) * arb(piece.length)
    with working(COARSE, 1):
        columns = (left * transform(terms)).transpose().tolist()
        bound = sum((norm(flow.weights, column[k : k + width]) for column in columns for k in range(0, len(column), width)), arb(0))
        tail = arb(piece.length) * spread(flow, piece, disc) * remainder(terms, disc)
        return finite(arb((bound + tail * (1 + degree)).upper()), "the defect")


def _velocities(flow: Field, piece: Piece, values: list[list[arb]], terms: int, degree: int) -> list[dict[Exponents, list[arb]]]:
    """f(p) by monomials of up to that degree, at the points where the coordinates, and after them the factors of each monomial, have these values."""
    samples, one, width = Samples(terms), (0,) * flow.width, len(flow.coordinates)
    lines = [dict(zip(piece.monomials(flow.width), values[i::width], strict=True)) for i in range(width)]
    now = [arb(piece.start) + arb(piece.length) * s for s in points(terms)]
    if not flow.width:
        known = {place: line[one] for place, line in zip(flow.coordinates, lines, strict=True)}
        known |= dict.fromkeys(flow.clock, now) | {place: [c.value] * terms for place, c in flow.constants.items()}
        found = flow.velocity.values(samples, known)
        return [{one: found[n]} for n in flow.velocities]
    polynomials: dict[Place, Polynomial] = dict(zip(flow.coordinates, lines, strict=True))
    polynomials |= {place: {one: now} for place in flow.clock}
    polynomials |= {place: {powers: [c] * terms for powers, c in constant.terms.items()} for place, constant in flow.constants.items()}
    found = flow.velocity.values(Polynomials(samples, flow.width, degree), polynomials)
    return [found[n] for n in flow.velocities]


def spread(flow: Field, piece: Piece, disc: fmpq) -> arb:
    """A bound, in the norm, of how far f(p) gets from a constant for |s| <= disc and |lambda_j| <= 1; f(p) is holomorphic there."""
    if not disc > 1:
        raise Rejected(f"the disc needs a radius of more than 1, and {disc} is given")
    with working(COARSE, 1):
        ring, rho = Discs(), arb(disc)
        powers = [rho**k for k in range(piece.longest)]
        known: dict[Place, acb] = {}
        for i, place in enumerate(flow.coordinates):
            first, *rest = piece.coefficients(i)
            around = [abs(c) * p for c, p in zip(rest, powers[1:], strict=False)]
            around += [abs(c) * p for line in piece.changes(i).values() for c, p in zip(line, powers, strict=False)]
            known[place] = _rectangle(first, sum(around, arb(0)))
        known |= {place: _rectangle(arb(piece.start), arb(piece.length) * rho) for place in flow.clock}
        known |= {place: _rectangle(c.value, c.reach) for place, c in flow.constants.items()}
        found = flow.velocity.values(ring, known)
        values = [found[n] for n in flow.velocities]
        return norm(flow.weights, [arb((z - acb(z.real.mid(), z.imag.mid())).abs_upper()) for z in values])


def _rectangle(centre: arb, radius: arb) -> acb:
    return acb(centre + around(radius), around(radius))


def left_out(flow: Field, piece: Piece, times: tuple[fmpq, fmpq], degree: int) -> arb:
    """A bound of what is of a higher degree in lambda in f(p), at every s between the times."""
    if not flow.width:
        return arb(0)
    with working(COARSE, degree + 2):
        ring = Series(degree + 2)
        path = through_lambda(flow, piece, times, arb(0), degree + 2)
        found = flow.velocity.values(ring, path.known(flow, lambda _, line: ring.series(line), ring.series))
        return finite(norm(flow.weights, [ring.coefficients(found[n])[-1] for n in flow.velocities]), "what is left out of the polynomials in lambda")


def symmetric(flow: Field, path: Path, length: int) -> list[arb_mat]:
    """Enclosures of the Taylor coefficients of S below `length` along a path."""
    with working(COARSE, length):
        width = len(flow.coordinates)
        ring = Jets(length, width)
        known = path.known(flow, lambda i, line: ring.coordinate(line, i, 1 / arb(flow.weights[i])), ring.still)
        found = flow.velocity.values(ring, known)
        zeros = arb_mat(length, width)
        halves = [
            (zeros if found[n].rows is None else found[n].rows * (arb(w) / 2)).tolist() for n, w in zip(flow.velocities, flow.weights, strict=True)
        ]
        halved = [arb_mat([rows[k] for rows in halves]) for k in range(length)]
        return [half + half.transpose() for half in halved]


def ends(flow: Field, piece: Piece, s: fmpq, tube: arb) -> list[arb_mat]:
    """Matrices of balls such that every S(s, lambda, v) with |v| <= tube has an eigenvalue no larger than that of some matrix in one of them."""
    with working(COARSE, 3):
        if not flow.width:
            return symmetric(flow, through_time(flow, piece, (s, s), tube, 1), 1)
        centre, beside = symmetric(flow, sideways(flow, piece, s, tube), 2)
        rest = centre + beside + symmetric(flow, through_lambda(flow, piece, (s, s), tube, 3), 3)[2]
        sides = [symmetric(flow, towards(flow, piece, s, j), 2)[1] for j in range(flow.width)]
        for side in sides[MOST_CORNERS:]:
            rest += side * arb(0, 1)
        corners = [rest]
        for side in sides[:MOST_CORNERS]:
            corners = [found for corner in corners for found in (corner + side, corner - side)]
        return corners


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


def followed(flow: Field, piece: Piece, gap: arb, degree: int, entry: arb, tube: fmpq, parts: int, slopes: Slopes) -> Reached:
    """The theorem on one step: `gap` bounds the defect up to a degree in lambda, `entry` the distance at its start; the result holds in the tube."""
    if not (tube > 0 and 1 <= parts <= MOST_PARTS):
        raise Rejected(f"a step needs a tube of positive radius, and 1 to {MOST_PARTS} parts")
    wide = arb(tube)
    norms = [_end(flow, piece, fmpq(k, parts), wide, slopes, k) for k in range(parts + 1)]
    with working(COARSE, 1):
        _defined(flow, piece, wide)
        h, share = arb(piece.length), arb(fmpq(1, parts))
        distance, within, most_bent = entry, entry, arb(0)
        for k in range(parts):
            times = fmpq(k, parts), fmpq(k + 1, parts)
            bend = _bend(flow, piece, times, wide) * share**2 / 8
            push = gap + h * left_out(flow, piece, times, degree)
            most_bent = _largest([most_bent, bend], "the change of the logarithmic norm")
            low, high = norms[k] + bend, norms[k + 1] + bend
            most = (h * share * _largest([arb(0), low, high], "the logarithmic norm")).exp()
            last = (h * share * _largest([low, high], "the logarithmic norm")).exp()
            within = _largest([within, (distance + push * share) * most], "the distance")
            # The integral of exp(z x) for 0 <= x <= 1 is at most the mean of 1 and exp(z).
            distance = arb((distance * (h * share * (low + high) / 2).exp() + push * share * (1 + last) / 2).upper())
        if not (within < wide):
            raise Rejected(f"the solution may leave the tube of radius {float(wide):.3g}: it is only known to stay within {float(within):.3g}")
        return Reached(within, finite(distance, "the distance"), most_bent)


def _end(flow: Field, piece: Piece, s: fmpq, tube: arb, slopes: Slopes, k: int) -> arb:
    matrices = ends(flow, piece, s, tube)
    slope = slopes(k, matrices)
    with working(COARSE, 1):
        return arb(slope) + _largest([excess(matrix, slope) for matrix in matrices], "the logarithmic norm")


def _bend(flow: Field, piece: Piece, times: tuple[fmpq, fmpq], tube: arb) -> arb:
    """The largest norm of the second derivative of S."""
    with working(COARSE, 3):
        second = symmetric(flow, through_time(flow, piece, times, tube, 3), 3)[2]
        return 2 * sum((arb(c.abs_upper()) ** 2 for c in second.entries()), arb(0)).sqrt()


def _defined(flow: Field, piece: Piece, tube: arb) -> None:
    """Refuse a tube where something the flow is written with is not defined, even if the velocities do not need it."""
    if flow.elsewhere.steps:
        ring, path = Series(1), through_time(flow, piece, (fmpq(0), fmpq(1)), tube, 1)
        flow.elsewhere.values(ring, path.known(flow, lambda _, line: ring.series(line), ring.series))


def signed(sign: Sign, low: fmpq | arb, high: fmpq | arb) -> bool:
    """Whether all numbers from low to high certainly have the sign."""
    match sign:
        case "positive":
            return bool(low > 0)
        case "nonnegative":
            return bool(low >= 0)
        case "nonzero":
            return bool(low > 0 or high < 0)
        case "real":
            return True
    assert_never(sign)


def finite(a: arb, what: str) -> arb:
    if not a.is_finite():
        raise Rejected(f"{what} is not bounded")
    return a


def upper(a: arb, what: str) -> fmpq:
    """Its upper end."""
    mantissa, exponent = finite(a, what).upper().mid().man_exp()
    return fmpq(mantissa) * fmpq(2) ** int(exponent)


def _largest(values: list[arb], what: str) -> arb:
    """An upper bound of all of them."""
    found = finite(values[0], what).upper()
    for value in values[1:]:
        upper = finite(value, what).upper()
        found = upper if upper > found else found
    return arb(found)
