"""The limit of the polar flow on the diagonal linear model: the identities behind C11 to C16 and C21.

The leaf of a start is parametrised by multipliers $\\lambda \\in \\mathbb R^M$: the dual coordinates of two of its points differ by $A^T\\lambda$.
Here the limit with weights $w$ and $x = w^{\\odot L}$, is free and the start is found from it, so that $Az = Ax$ can hold at rational points.
What is made of the identities, and what is a proof by hand, is in docs/limit.md.
"""

from __future__ import annotations

from fractions import Fraction as Q

import sympy as sp

from ..settings import Instance, Setting
from ..statements import Equal, Gradient, Part, Statement
from ..symbols import Family, Variable, index, size, total
from .chou_rauhut_ward import CITATION, PROVENANCE

N, M = size("N"), size("M")
i, j, k = index("i"), index("j"), index("k")

w = Variable("w", (N,), "parameter", "positive")
z = Variable("z", (N,), "constant", "positive")
v = Variable("v", (N,), "constant", "positive")
h = Variable("h", (N,))
d = Variable("d", (N,), "parameter", "positive")
lam = Variable("lam", (M,))
A = Variable("A", (M, N))
depth = Variable("L", (), "constant", "positive")
kappa = Variable("kappa", (), "constant", "positive")

L, K = depth[()], kappa[()]
TWO = sp.Integer(2)
HERE = (Instance({"N": 3, "M": 2}),)
AT_FOUR = (Instance({"N": 3, "M": 2}, {"L": Q(4)}),)


def _statement(name: str, title: str, parts: list[Part], mutants: list[Part], *, domain: str, given: tuple[str, ...] = ()) -> Statement:
    return Statement(name, title, tuple(parts), tuple(mutants), domain, given, CITATION, PROVENANCE)


def _moved(at: sp.Symbol = i) -> sp.Expr:
    """(A^T lambda)_i."""
    return total(A[k, at] * lam[k], (k, M))


def _radius2(block: Variable) -> sp.Expr:
    return total(block[j] ** 2, (j, N))


def _started(level: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Expr, sp.Expr]:
    """R of the limit; omega_i^2 of the start, their sum, and R of the start."""
    R = _radius2(w)
    if level == 2:
        squares = w[i] ** 2 / R * sp.exp(K * R - _moved())
    else:
        squares = ((w[i] / sp.sqrt(R) * sp.exp(K * R / 2)) ** (2 - L) + _moved()) ** (2 / (2 - L))
    norm = total(squares.xreplace({i: j}), (j, N))
    return R, squares, norm, sp.log(norm) / K


def c11() -> Statement:
    """What decides against a collapse."""
    S, s = total(z[j], (j, N)), total(v[j], (j, N))
    slope = sp.log(v[i]) - sp.log(s) + K * s
    potential = [total(b[i] * sp.log(b[i]), (i, N)) - t * sp.log(t) + K * t**2 / 2 for b, t in ((z, S), (v, s))]
    divergence = potential[0] - potential[1] - total(slope * (z[i] - v[i]), (i, N))
    relative = total(z[i] * (sp.log(z[i]) - sp.log(S) - sp.log(v[i]) + sp.log(s)), (i, N))
    setting = Setting((z, v, kappa), instances=HERE)
    return _statement(
        "C11",
        "The divergence in closed form, and how far it starts below its least limit at 0",
        [
            Part(setting, Equal(divergence, K / 2 * (S - s) ** 2 + relative), "L = 2: D(z, x) = kappa/2 (S_z - s)^2 + S_z KL(p_z | p)"),
            Part(setting, Equal(K * S**2 / 2 - divergence, K * s * (S - s / 2) - relative), "L = 2: the room below the limit at 0"),
        ],
        [
            Part(setting, Equal(divergence, K / 2 * (S - s) ** 2 + relative / S), "L = 2: S_z missing before KL"),
            Part(setting, Equal(divergence, K * (S - s) ** 2 + relative), "L = 2: kappa for kappa/2"),
            Part(setting, Equal(K * S**2 / 2 - divergence, K * s * (S - s) - relative), "L = 2: s for s/2"),
            Part(
                setting, Equal(divergence, K / 2 * (S - s) ** 2 + total(v[i] * (sp.log(v[i] / s) - sp.log(z[i] / S)), (i, N))), "L = 2: KL reversed"
            ),
        ],
        domain="z > 0, x > 0",
    )


def _reached(level: sp.Expr, factor: sp.Expr) -> Equal:
    """Plain gradient flow from w_0/rho reaches the limit, rho^2 being the factor."""
    R, squares, norm, begin = _started(level)
    start = begin * squares / norm  # the squares of the weights of the start
    if level == 2:
        return Equal(sp.log(w[i] ** 2), sp.log(start) - sp.log(factor) + _moved(), ((i, N),))
    scale = (sp.sqrt(R) * sp.exp(-K * R / 2)) ** (2 - L)
    return Equal((start / factor) ** (1 - L / 2), w[i] ** (2 - L) + scale * _moved(), ((i, N),))


def c12() -> Statement:
    """Effective initialisation."""
    end, first = _radius2(w), sp.log(total(d[j], (j, N))) / K  # d is omega^2 of the start
    points = Setting((w, d, kappa), instances=(Instance({"N": 3}),))
    begins, scaled = first * d[i] / total(d[j], (j, N)), end * sp.exp(-K * end) * d[i]
    shrunk = begins * end / first
    parts = [Part(points, Equal(shrunk * sp.exp(K * (first - end)), scaled, ((i, N),)), "every L: w_0/rho = c omega_0, with w_inf = c omega_inf")]
    mutants = [
        Part(points, Equal(begins * sp.exp(K * (first - end)), scaled, ((i, N),)), "every L: r_0/r_inf missing in rho"),
        Part(points, Equal(shrunk * sp.exp(K * (first - end) / 2), scaled, ((i, N),)), "every L: 1/2 twice in rho"),
    ]
    for level, name, setting in (
        (TWO, "L = 2", Setting((w, A, lam, kappa), instances=HERE)),
        (L, "L > 2", Setting((w, A, lam, kappa, depth), instances=AT_FOUR)),
    ):
        R, _, _, begin = _started(level)
        rho2 = begin / R * sp.exp(K * (R - begin))
        parts.append(Part(setting, _reached(level, rho2), f"{name}: x_inf is on the leaf of plain gradient flow from w_0/rho"))
        mutants += [
            Part(setting, _reached(level, sp.exp(K * (R - begin))), f"{name}: r_0/r_inf missing in rho"),
            Part(setting, _reached(level, 1 / rho2), f"{name}: 1/rho"),
            Part(setting, _reached(level, begin / R * sp.exp(2 * K * (R - begin))), f"{name}: 1/2 missing in the exponent"),
            Part(setting, _reached(level, begin / R * sp.exp((R - begin) / K)), f"{name}: 1/kappa for kappa"),
            Part(setting, _reached(level, sp.S.One), f"{name}: rho = 1"),
        ]
    return _statement(
        "C12",
        "Effective initialisation: the polar flow from w_0 ends where plain gradient flow from w_0/rho does",
        parts,
        mutants,
        domain="w > 0, K > 1 at the start",
    )


def c13() -> Statement:
    """The derivative of the predictions by the dual coordinates, which the dual is solved with."""
    parts, mutants = [], []
    xi = Variable("xi", (N,), "parameter")
    for level, name, block, setting in (
        (TWO, "L = 2", xi, Setting((xi, h, kappa), instances=(Instance({"N": 3}),))),
        (L, "L > 2", d, Setting((d, h, kappa, depth), instances=(Instance({"N": 3}, {"L": Q(4)}),))),
    ):
        two = level == 2
        square = sp.exp(block[j]) if two else block[j] ** (2 / (2 - L))  # omega^2; d is -theta = omega^(2-L)
        norm = total(square, (j, N))
        R = sp.log(norm) / K
        x = (R * square / norm) ** (level / 2)
        along = total(h[i] * (R * square.xreplace({j: i}) / norm) ** (level / 2), (i, N))
        diagonal = x if two else L / (L - 2) * x * square ** (L / 2 - 1)
        rank_one = (1 / K - R) / R**2 if two else L / (L - 2) * (1 / R - K) / K * norm ** (L / 2 - 1) * R ** (-L / 2)
        sign = 1 if two else -1
        variants = {
            f"{name}: dx = a dtheta + c x <x, dtheta>": (diagonal, rank_one),
            f"{name}: no rank one term": (diagonal, sp.S.Zero),
            f"{name}: kappa missing in c": (diagonal, K * rank_one),
            f"{name}: R on the diagonal": (diagonal * R, rank_one),
        }
        stated = [Part(setting, Gradient(along, block, sign * (a * h[j] + c * x * along), ((j, N),)), label) for label, (a, c) in variants.items()]
        parts.append(stated[0])
        mutants += stated[1:]
    return _statement(
        "C13",
        "The derivative of the predictions by the dual coordinates: diagonal and a rank one term",
        parts,
        mutants,
        domain="K > 1",
    )


def c14() -> Statement:
    """The excess of the norm, L = 2."""
    R, squares, norm, begin = _started(TWO)
    S = total(z[j], (j, N))
    # logarithms of the profiles p_z, p_inf and p_0
    of_z, of_limit, of_start = sp.log(z[i]) - sp.log(S), sp.log(w[i] ** 2) - sp.log(R), sp.log(squares) - sp.log(norm)
    against_start, against_limit = (total(z[i] * (of_z - other), (i, N)) for other in (of_start, of_limit))
    own = total(w[i] ** 2 * (of_limit - of_start), (i, N))
    setting = Setting((w, z, A, lam, kappa), hypotheses=(Family(((k, M),), total(A[k, i] * (z[i] - w[i] ** 2), (i, N))),), instances=HERE)
    left = K * (R - begin) * (R - S)
    free = Setting((w, z, A, lam, kappa), instances=HERE)
    return _statement(
        "C14",
        "L = 2: kappa (s_inf - s_0)(s_inf - S_z) = S_z [KL(p_z | p_0) - KL(p_z | p_inf)] - s_inf KL(p_inf | p_0)",
        [Part(setting, Equal(left, against_start - against_limit - own), "the excess of the norm")],
        [
            Part(setting, Equal(left, against_start + against_limit - own), "sign of KL(p_z | p_inf)"),
            Part(setting, Equal(left, against_start - against_limit + own), "sign of KL(p_inf | p_0)"),
            Part(setting, Equal(left / K, against_start - against_limit - own), "kappa missing"),
            Part(setting, Equal(K * R * (R - S), against_start - against_limit - own), "s_0 missing"),
            Part(free, Equal(left, against_start - against_limit - own), "A z other than A x"),
        ],
        domain="w > 0, z > 0, K > 1 at the start",
        given=("A z = A x",),
    )


def c15() -> Statement:
    """The excess of the weighted norm, L > 2."""

    def psi(R: sp.Expr) -> sp.Expr:
        return R ** (L / 2 - 1) * sp.exp(-(L / 2 - 1) * K * R)

    R, weights2 = _radius2(w), _radius2(v)
    omega = (w[i] / sp.sqrt(R) * sp.exp(K * R / 2)) ** (2 - L) + _moved()
    gap = -total(omega * h[i], (i, N))
    pulled = total((w[i] ** L + h[i]) * w[i] ** (2 - L), (i, N))
    hypothesis = Family(((k, M),), total(A[k, i] * h[i], (i, N)))  # z = x + h
    setting = Setting((w, h, A, lam, kappa, depth), hypotheses=(hypothesis,), instances=AT_FOUR)
    free = Setting((w, h, A, lam, kappa, depth), instances=AT_FOUR)
    start = Setting((v, kappa, depth), instances=(Instance({"N": 3}, {"L": Q(4)}),))
    own = (v[i] / sp.sqrt(weights2) * sp.exp(K * weights2 / 2)) ** (2 - L)
    alpha = Variable("alpha", (), "constant", "positive")
    even = Setting((alpha, w, kappa, depth), instances=(Instance({"N": 3}, {"L": Q(4)}),))
    ends, begins = psi(R) * R, psi(N * alpha[()] ** 2) * alpha[()] ** (2 - L)

    def bound(power: sp.Expr) -> sp.Expr:
        return R ** (L / 2) * N**power * sp.exp(-(L / 2 - 1) * K * (R - N * alpha[()] ** 2))

    return _statement(
        "C15",
        "L > 2: sum_i psi(R_0) w_{0i}^(2-L) (x_i - z_i) = psi(R_inf) [R_inf - sum_i z_i w_i^(2-L)]",
        [
            Part(setting, Equal(gap, psi(R) * (R - pulled)), "the excess of the weighted norm"),
            Part(start, Equal(own, psi(weights2) * v[i] ** (2 - L), ((i, N),)), "the weights, omega_i^(2-L) = psi(R) w_i^(2-L)"),
            Part(even, Equal(ends / begins, bound(1 - L / 2)), "from equal weights: the bound"),
        ],
        [
            Part(setting, Equal(gap, psi(R) * (R + pulled)), "sign of the second term"),
            Part(setting, Equal(gap, R - pulled), "psi missing"),
            Part(setting, Equal(-total(h[i], (i, N)), psi(R) * (R - pulled)), "the weights forgotten"),
            Part(free, Equal(gap, psi(R) * (R - pulled)), "A z other than A x"),
            Part(start, Equal(own, psi(weights2) * v[i] ** (L - 2), ((i, N),)), "weights inverted"),
            Part(even, Equal(ends / begins, bound(L / 2 - 1)), "from equal weights: the power of N inverted"),
        ],
        domain="w > 0",
        given=("A z = A x",),
    )


def c16() -> Statement:
    """The ratio of frameworks."""
    after, before = Variable("after", (), "constant", "positive"), Variable("before", (), "constant", "positive")
    R, R0 = after[()], before[()]
    setting = Setting((after, before), instances=(Instance({}),))
    t = R / R0

    def twice_log_rho(ratio: sp.Expr) -> sp.Expr:
        return sp.log(R0) - sp.log(R) + ratio * (R - R0)

    wanted = t - 1 - sp.log(t)
    return _statement(
        "C16",
        "With kappa r_0^2 = 1: 2 log rho = t - 1 - log t >= 0, t = R_inf/R_0",
        [Part(setting, Equal(twice_log_rho(1 / R0), wanted), "2 log rho")],
        [
            Part(setting, Equal(twice_log_rho(2 / R0), wanted), "kappa r_0^2 = 2"),
            Part(setting, Equal(twice_log_rho(1 / (2 * R0)), wanted), "kappa r_0^2 = 1/2"),
            Part(setting, Equal(twice_log_rho(1 / R0), t - 1 + sp.log(t)), "sign of the logarithm"),
        ],
        domain="R_0, R_inf > 0",
    )


def c21() -> Statement:
    """The threshold of the collapse for one row."""
    a = Variable("a", (N,))
    along = Variable("t", (), "parameter")
    setting = Setting((a, v, along), instances=(Instance({"N": 2}),))
    whole = total(v[i] * sp.exp(a[i] * along[()]), (i, N))
    mean = total(v[i] * a[i] * sp.exp(a[i] * along[()]), (i, N)) / whole
    half = sp.Rational(1, 2)
    least = half * (TWO ** sp.Rational(1, 3) + TWO ** sp.Rational(-2, 3))
    rising = half * TWO ** sp.Rational(1, 3) - TWO ** sp.Rational(-2, 3)
    numbers = Setting((), instances=(Instance({}),))
    third = sp.Rational(1, 3)
    weights = (sp.Rational(2, 3), third)
    relative = sp.Add(*(p * (sp.log(p) - sp.log(half)) for p in weights))
    return _statement(
        "C21",
        "One row, L = 2: from p_0 = (1/2, 1/2) with a = (1, -2), y > 0 the flow collapses iff kappa r_0^2 <= log(32/27)/3",
        [
            Part(setting, Gradient(sp.log(whole), along, mean), "the derivative of log K"),
            Part(numbers, Equal(rising, sp.S.Zero), "K' = 0 where e^(3 lambda) = 2"),
            Part(numbers, Equal(3 * sp.log(least), sp.log(27) - sp.log(32)), "log K - kappa r_0^2 there"),
            Part(numbers, Equal(3 * relative, sp.log(32) - sp.log(27)), "the same as the relative entropy of (2/3, 1/3) to p_0"),
        ],
        [
            Part(setting, Gradient(sp.log(whole), along, mean * whole), "the derivative of K for that of log K"),
            Part(numbers, Equal(3 * sp.log(least), sp.log(32) - sp.log(27)), "sign of the threshold"),
            Part(numbers, Equal(sp.log(least), sp.log(27) - sp.log(32)), "1/3 missing in the threshold"),
        ],
        domain="v > 0",
    )


def statements() -> tuple[Statement, ...]:
    """What the limit rests on."""
    return (c11(), c12(), c13(), c14(), c15(), c16(), c21())
