"""How fast the loss falls along the polar flow, and along plain gradient flow: from the start on, and in the end. Times are such that eta_r = 1.

Let e = Ax - y and F = |e|^2/2. With D = diag(w^(L-1)), w = r u, the residual moves by e' = -J e,

    J = L^2 A D (u u^T + kappa R (I - u u^T)) D A^T = L^2 (kappa R A D^2 A^T + (1 - kappa R)/R (Ax)(Ax)^T),    D^2 = diag(x_i^(2-2/L)),

since D u = x/r. So -F' = e^T J e >= L^2 min(1, kappa R) e^T A D^2 A^T e. Plain gradient flow is the case kappa R = 1.

In the end. Let x(t) tend to an x* whose entries are all positive, let J* be J there, and lambda the least of e^T J* e/|e|^2 on the column space of A,
which e never leaves. Then F(t) <= C exp(-2 lambda t) for some C, and for no larger number in place of lambda if e has a part in its eigenspace in
the end. Proof: for t large |e|' <= -c |e| with some c > 0, so that |e| and, with x' = -A-combinations of e, the distance |x - x*| fall
exponentially; then |e|' <= -(lambda - |J - J*|) |e|, and |J - J*| can be integrated to infinity.

From the start. Let z > 0 with A z = y and D_0 = D(z, x(0)) for the Bregman divergence of the flow, which never increases. Let Z = sum z_i^(2/L),
p_i = z_i^(2/L)/Z and b = (L/2 - 1) kappa. On the whole trajectory, with q_i = u_i^2,

    D(z, x) >= h(R) + weight(R) (sum over any one i and the rest together of) g_i(q_i),

L = 2:  h(R) = kappa/2 (R - Z)^2,                                     weight = Z,
        g_i(q) = p_i log(p_i/q) + (1 - p_i) log((1 - p_i)/(1 - q)),
L > 2:  h(R) = b int_Z^R (rho^(L/2) - Z^(L/2)) e^(-b rho) d rho,      weight(R) = e^(-b R),
        g_i(q) = z_i q^(1-L/2) + (Z - z_i^(2/L))^(L/2) (1 - q)^(1-L/2) - Z^(L/2),

because D = h + Z KL(p | q) for L = 2, D = h + e^(-bR) (sum z_i q_i^(1-L/2) - Z^(L/2)) for L > 2, and the other coordinates together contribute at
least what one coordinate of their total would (Jensen's, resp. Hoelder's inequality). Both h and g_i fall up to Z, resp. p_i, and rise beyond, and
are 0 there. So h > D_0 at some low < Z and high > Z encloses R, and weight(high) g_i > D_0 at some floor_i < p_i bounds q_i from below. Hence
F(t) <= F(0) exp(-mu t) with mu = 2 L^2 min(1, kappa low) lambda, where lambda is the least eigenvalue of A diag((low floor_i)^(L-1)) A^T.
"""

from __future__ import annotations

from collections.abc import Sequence

from flint import arb, arb_mat, fmpq, fmpq_mat

from .decimals import about, below
from .instance import rational
from .language import Json, Rejected
from .leaf import Leaf, Point, Polar


def weighed(data: arb_mat, weights: Sequence[arb]) -> arb_mat:
    """A diag(d) A^T."""
    width = len(weights)
    return data * arb_mat(data.nrows(), width, [a * weights[n % width] for n, a in enumerate(data.entries())]).transpose()


def definite(matrix: arb_mat) -> bool:
    """Whether every symmetric matrix in it is certainly positive definite, by its pivots."""
    rows = matrix.tolist()
    for k in range(len(rows)):
        if not rows[k][k] > 0:
            return False
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / rows[k][k]
            rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k], strict=True)]
    return True


def residuals(polar: Polar, rows: Sequence[int]) -> fmpq_mat:
    """T^T T, where A = T A_I for the rows I: e = T e_I, and |e|^2 = e_I^T T^T T e_I."""
    if len(rows) == len(polar.matrix):
        return fmpq_mat(len(rows), len(rows), [fmpq(int(n == k)) for n in rows for k in rows])
    width = len(polar.values)
    whole = fmpq_mat(len(polar.matrix), width, [a for row in polar.matrix for a in row])
    chosen = fmpq_mat(len(rows), width, [a for k in rows for a in polar.matrix[k]])
    try:
        back = whole * chosen.transpose() * (chosen * chosen.transpose()).inv()
    except ZeroDivisionError as error:
        raise Rejected("the rows chosen are dependent") from error
    if back * chosen != whole:
        raise Rejected("a row that is left out is not a combination of the rows chosen")
    return back.transpose() * back


def kernel_matrix(polar: Polar, rows: Sequence[int], start: Leaf, point: Point) -> arb_mat:
    """J on the rows chosen, at the point, which has A x = y."""
    width, L = len(polar.values), start.depth
    data = arb_mat(len(rows), width, [arb(a) for k in rows for a in polar.matrix[k]])
    plain = weighed(data, [entry ** (2 - 2 / L) for entry in point.x])
    if start.kappa is None:
        return plain * L**2
    speed = start.kappa * point.radius2
    target = arb_mat(len(rows), 1, [arb(polar.target[k]) for k in rows])
    return (plain * speed + target * (target.transpose() * ((1 - speed) / point.radius2))) * L**2


def in_the_end(polar: Polar, rows: Sequence[int], start: Leaf, point: Point, node: Json) -> str:
    """2 lambda is within `within` of `value`, from below by pivots and from above by the quotient of a `vector`."""
    if len(point.x) != len(polar.values):
        raise Rejected("a rate is claimed where the limit is on the boundary, and the theorem asks for a positive limit")
    value, within = rational(node["value"]), rational(node["within"])
    gram = residuals(polar, rows)
    weigh = arb_mat(gram)
    moved = weigh * kernel_matrix(polar, rows, start, point) * weigh
    if not definite(moved - weigh * arb((value - within) / 2)):
        raise Rejected("the rate in the end is not certainly as large as claimed")
    entries = [arb(rational(entry)) for entry in node["vector"]]
    if len(entries) != len(rows):
        raise Rejected(f"the vector needs {len(rows)} numbers")
    vector = arb_mat(len(rows), 1, entries)
    quotient, norm = ((vector.transpose() * matrix * vector)[0, 0] for matrix in (moved, weigh))
    if not (norm > 0 and 2 * quotient <= arb(value + within) * norm):
        raise Rejected("the vector does not show that the rate in the end is as small as claimed")
    return f"F(t) <= C exp(-{below(value - within)} t) for some C, where 2 lambda = {about(value, within)}"


def throughout(polar: Polar, rows: Sequence[int], start: Leaf, point: Point, node: Json) -> str:
    """F(t) <= F(0) exp(-mu t) with the `rate` mu, from bounds `low`, `high` of R and `floors` of the u_i^2."""
    if start.kappa is None or len(point.x) != len(polar.values):
        raise Rejected("a rate from the start on is claimed for the polar flow with a positive limit alone")
    low, high, rate = (rational(node[name]) for name in ("low", "high", "rate"))
    floors = [rational(entry) for entry in node["floors"]]
    trap = Trap(start, point.x)
    spent, L = trap.spent(), start.depth
    if not (low > 0 and arb(low) < trap.total < arb(high) and trap.radial(arb(low)) > spent and trap.radial(arb(high)) > spent):
        raise Rejected("|w|^2 is not certainly between the bounds given")
    if len(floors) != len(point.x) or not all(q > 0 for q in floors):
        raise Rejected(f"{len(point.x)} positive floors are wanted")
    for n, q in enumerate(floors):
        if not (arb(q) < trap.shares[n] and trap.weight(arb(high)) * trap.angular(n, arb(q)) > spent):
            raise Rejected(f"u[{n}]^2 is not certainly above its floor")
    data = arb_mat(len(rows), len(floors), [arb(a) for k in rows for a in polar.matrix[k]])
    least = (start.kappa * arb(low)).min(arb(1))
    weigh = arb_mat(residuals(polar, rows))
    moved = weigh * weighed(data, [(arb(low) * arb(q)) ** (L - 1) for q in floors]) * weigh * (2 * L**2 * least)
    if not (rate > 0 and definite(moved - weigh * arb(rate))):
        raise Rejected("the rate from the start on is not certainly as large as claimed")
    return f"F(t) <= F(0) exp(-{below(rate)} t) from the start on"


class Trap:
    """The divergence from a solution z > 0, as h and g_i."""

    def __init__(self, start: Leaf, z: Sequence[arb]) -> None:
        assert start.kappa is not None
        self.start, self.z, self.kappa = start, z, start.kappa
        self.squares = [value ** (2 / start.depth) for value in z]
        self.total = sum(self.squares, arb(0))
        self.shares = [square / self.total for square in self.squares]
        self.b = (start.depth / 2 - 1) * start.kappa

    def spent(self) -> arb:
        """D(z, x(0))."""
        start, L = self.start, self.start.depth
        own = [square / start.radius2 for square in start.weights2]
        if start.two:
            off = sum((value * (share / q).log() for value, share, q in zip(self.z, self.shares, own, strict=True)), arb(0))
        else:
            off = sum((value * q ** (1 - L / 2) for value, q in zip(self.z, own, strict=True)), arb(0)) - self.total ** (L / 2)
            off = off * self.weight(start.radius2)
        return self.radial(start.radius2) + off

    def radial(self, R: arb) -> arb:
        """h(R)."""
        if self.start.two:
            return self.kappa / 2 * (R - self.total) ** 2
        L, b, Z = self.start.depth, self.b, self.total

        def part(to: arb) -> arb:
            return b ** (-L / 2) * (b * to).gamma_lower(L / 2 + 1)

        return part(R) - part(Z) + Z ** (L / 2) * ((-b * R).exp() - (-b * Z).exp())

    def weight(self, R: arb) -> arb:
        return self.total if self.start.two else (-self.b * R).exp()

    def angular(self, n: int, q: arb) -> arb:
        """g_n(q)."""
        p, L = self.shares[n], self.start.depth
        rest = sum((share for k, share in enumerate(self.shares) if k != n), arb(0))
        if self.start.two:
            return p * (p / q).log() + (rest * (rest / (1 - q)).log() if len(self.z) > 1 else 0)
        other = (self.total * rest) ** (L / 2) * (1 - q) ** (1 - L / 2) if len(self.z) > 1 else 0
        return self.z[n] * q ** (1 - L / 2) + other - self.total ** (L / 2)
