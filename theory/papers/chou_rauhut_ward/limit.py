"""Where the polar flow ends: C11 to C17 and C21, identities and instances.

The leaf of a start is parametrised by multipliers $\\lambda \\in \\mathbb R^M$: the dual coordinates of two of its points differ by $A^T\\lambda$.
Here the limit with weights $w$ and $x = w^{\\odot L}$, is free and the start is found from it, so that $Az = Ax$ can hold at rational points.
What is made of the identities, and what is a proof by hand, is in docs/limit.md.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as Q

import sympy as sp

from ...settings import Instance, Setting
from ...statements import Equal, Gradient, Part, Statement
from ...symbols import Family, Variable, total
from . import instances as at
from .instances import I1, I2, S1, at_most, distance, within
from .setting import TWO, A, K, L, M, N, depth, i, j, k, kappa, statement, w

z = Variable("z", (N,), "constant", "positive")
v = Variable("v", (N,), "constant", "positive")
h = Variable("h", (N,))
d = Variable("d", (N,), "parameter", "positive")
lam = Variable("lam", (M,))
HERE = (Instance({"N": 3, "M": 2}),)
AT_FOUR = (Instance({"N": 3, "M": 2}, {"L": Q(4)}),)
excess = Variable("m", (), "constant", "positive")
MORE = excess[()] + 2  # L > 2: with m = L - 2 positive, the signs of powers are known


def _moved(at: sp.Symbol = i) -> sp.Expr:
    """(A^T lambda)_i."""
    return total(A[k, at] * lam[k], (k, M))


def _radius2(block: Variable) -> sp.Expr:
    return total(block[j] ** 2, (j, N))


def _started(level: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Expr, sp.Expr]:
    """R of the limit; omega_i^2 of the start, their sum, and R of the start. For L > 2 the start is given by v = -theta = omega^(2-L) > 0."""
    R = _radius2(w)
    squares = w[i] ** 2 / R * sp.exp(K * R - _moved()) if level == 2 else v[i] ** (2 / (2 - level))
    norm = total(squares.xreplace({i: j}), (j, N))
    return R, squares, norm, sp.log(norm) / K


PAIRS = at.Posed(((Q(2), Q(-1), Q(-2), Q(1)), (Q(1), Q(3), Q(-1), Q(-3))), (Q(0), Q(1, 100)), Q(3), Q(1), {"w": (Q(2), Q(1), Q(2), Q(1))})
FALLING = at.Posed(((Q(1), Q(-1), Q(-2)), (Q(-1), Q(-2), Q(1))), (Q(1), Q(1)), Q(3), Q(3, 2), {"w": (Q(1, 20), Q(1, 10), Q(1, 10))})


def solved(label: str, posed: at.Posed) -> Part:
    """|Ax - y|^2 <= 10^-60 at the limit."""
    residual = sp.Add(
        *(
            (sp.Add(*(sp.Rational(a) * at.x[n] for n, a in enumerate(line))) - sp.Rational(t)) ** 2
            for line, t in zip(posed.matrix, posed.target, strict=True)
        )
    )
    return at_most(label, residual, sp.Rational(1, 10**60), x=posed.end())


def c11() -> Statement:
    """What decides against a collapse."""
    S, s = total(z[j], (j, N)), total(v[j], (j, N))
    slope = sp.log(v[i]) - sp.log(s) + K * s
    potential = [total(b[i] * sp.log(b[i]), (i, N)) - t * sp.log(t) + K * t**2 / 2 for b, t in ((z, S), (v, s))]
    divergence = potential[0] - potential[1] - total(slope * (z[i] - v[i]), (i, N))
    relative = total(z[i] * (sp.log(z[i]) - sp.log(S) - sp.log(v[i]) + sp.log(s)), (i, N))
    setting = Setting((z, v, kappa), instances=HERE)
    return statement(
        "C11",
        "The divergence in closed form, and how far it starts below its least limit at 0",
        [
            Part(setting, Equal(divergence, K / 2 * (S - s) ** 2 + relative), "L = 2: D(z, x) = kappa/2 (S_z - s)^2 + S_z KL(p_z | p)"),
            Part(setting, Equal(K * S**2 / 2 - divergence, K * s * (S - s / 2) - relative), "L = 2: the room below the limit at 0"),
            solved("I1, by the loss at the start: the limit solves A x = y", I1),
            solved("I2, L = 3, by the loss at the start", I2),
            solved("S1 from w = 1, by the divergence", S1(6, 1)),
            solved("opposite pairs of columns, L = 3, by convexity", PAIRS),
            solved("one row, by the least |omega|^2 on the leaf", at.threshold(Q(57, 1000))),
            at_most("one row, L = 2: collapse", at.norm(at.x), sp.S.Zero, x=at.threshold(Q(56, 1000)).end()),
            at_most("two rows, L = 3: collapse by comparison", at.norm(at.x), sp.S.Zero, x=FALLING.end()),
        ],
        [
            Part(setting, Equal(divergence, K / 2 * (S - s) ** 2 + relative / S), "L = 2: S_z missing before KL"),
            Part(setting, Equal(divergence, K * (S - s) ** 2 + relative), "L = 2: kappa for kappa/2"),
            Part(setting, Equal(K * S**2 / 2 - divergence, K * s * (S - s) - relative), "L = 2: s for s/2"),
            Part(
                setting, Equal(divergence, K / 2 * (S - s) ** 2 + total(v[i] * (sp.log(v[i] / s) - sp.log(z[i] / S)), (i, N))), "L = 2: KL reversed"
            ),
            solved("the dual solution is the limit, whether the flow collapses or not", at.threshold(Q(56, 1000))),
        ],
        required="enclosed",
        domain="z > 0, x > 0",
    )


def _reached(level: sp.Expr, factor: sp.Expr) -> Equal:
    """Plain gradient flow from w_0/rho reaches the limit, rho^2 being the factor."""
    R, squares, norm, begin = _started(level)
    start = begin * squares / norm  # the squares of the weights of the start
    if level == 2:
        return Equal(sp.log(w[i] ** 2), sp.log(start) - sp.log(factor) + _moved(), ((i, N),))
    own = (w[i] / sp.sqrt(R) * sp.exp(K * R / 2)) ** (2 - level)
    scale = (sp.sqrt(R) * sp.exp(-K * R / 2)) ** (2 - level)  # v - own is in the range of A^T, and with it any multiple
    return Equal((start / factor) ** (1 - level / 2), w[i] ** (2 - level) + scale * (v[i] - own), ((i, N),))


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
        (MORE, "L > 2, m = L - 2", Setting((w, v, kappa, excess), instances=(Instance({"N": 3}, {"m": Q(2)}),))),
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
    parts += [
        within(f"{name}: rho", at.rho[()], told, rho=posed.end("rho")) for name, posed, told in (("I1", I1, "1.31555340"), ("I2", I2, "1.11353376"))
    ]
    parts.append(within("S1 from |w_0|^2 = 10^-6, kappa = 1: rho < 1", at.rho[()], "0.0084330308", rho=S1(Q(1, 10**6), 1).end("rho")))
    mutants.append(at_most("rho >= 1 always", sp.S.One, at.rho[()], rho=S1(Q(1, 10**6), 1).end("rho")))
    return statement(
        "C12",
        "Effective initialisation: the polar flow from w_0 ends where plain gradient flow from w_0/rho does",
        parts,
        mutants,
        required="enclosed",
        domain="w > 0, and r > 0 at the start: the sum of the omega_i^2, e^(kappa r^2), is more than 1",
    )


LIMIT_1 = tuple(
    map(
        Q,
        (
            "1.001699884475605858590861256812511624101",
            "0.7212844031187083154841415344639686763716",
            "0.08107666244025954393078167328969720250683",
            "0.6368079717272370543716373475492482256623",
        ),
    )
)
LIMIT_2 = tuple(
    map(
        Q,
        (
            "0.06754999604863551656765750647752156044359",
            "0.0968245000991425326987502817650803225857",
            "1.445208501284073983577864070585799372324",
            "0.5838531670285963060601211690185462423841",
            "1.625886168411812822336735521369425937293",
        ),
    )
)


def c13() -> Statement:
    """The derivative of the predictions by the dual coordinates, which the dual is solved with."""
    parts, mutants = [], []
    xi = Variable("xi", (N,), "parameter")
    for level, name, block, setting in (
        (TWO, "L = 2", xi, Setting((xi, h, kappa), instances=(Instance({"N": 3}),))),
        (MORE, "L > 2, m = L - 2", d, Setting((d, h, kappa, excess), instances=(Instance({"N": 3}, {"m": Q(2)}),))),
    ):
        two = level == 2
        square = sp.exp(block[j]) if two else block[j] ** (2 / (2 - level))  # omega^2; d is -theta = omega^(2-L)
        norm = total(square, (j, N))
        R = sp.log(norm) / K
        x = (R * square / norm) ** (level / 2)
        along = total(h[i] * (R * square.xreplace({j: i}) / norm) ** (level / 2), (i, N))
        diagonal = x if two else level / (level - 2) * x * square ** (level / 2 - 1)
        rank_one = (1 / K - R) / R**2 if two else level / (level - 2) * (1 / R - K) / K * norm ** (level / 2 - 1) * R ** (-level / 2)
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
    for name, posed, printed in (("I1", I1, LIMIT_1), ("I2", I2, LIMIT_2)):
        tight, off = sp.Rational(1, 10**34), (sp.Abs(at.x[i] - at.v[i]),)
        parts.append(at_most(f"{name}: the limit to 34 digits", *off, tight, {"v": printed}, each=((i, N),), x=posed.end()))
        twice = tuple(value * (1 + Q(n == 0, 10**30)) for n, value in enumerate(printed))
        mutants.append(at_most(f"{name}: one limit changed in the 30th digit", *off, tight, {"v": twice}, each=((i, N),), x=posed.end()))
    return statement(
        "C13",
        "The derivative of the predictions by the dual coordinates: diagonal and a rank one term",
        parts,
        mutants,
        required="enclosed",
        domain="r > 0: the sum of the omega_i^2, e^(kappa r^2), is more than 1",
    )


RELATIVE = 6 * (sp.log(6) - sp.log(3) / 3 - 2 * sp.log(sp.Rational(3, 2)) / 3)  # Q KL(p_z | p_0) of S1: p_z = (1/3, 2/3), p_0 = 1/6


def _allowed(scale: Q | int, ratio: int) -> sp.Expr:
    """Q KL(p_z | p_0)/(kappa (Q - s_0)) of S1."""
    return RELATIVE / (ratio * (6 - sp.Rational(Q(scale))))


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
    return statement(
        "C14",
        "L = 2: kappa (s_inf - s_0)(s_inf - S_z) = S_z [KL(p_z | p_0) - KL(p_z | p_inf)] - s_inf KL(p_inf | p_0)",
        [
            Part(setting, Equal(left, against_start - against_limit - own), "the excess of the norm"),
            *(
                at_most(
                    f"S1, kappa = {ratio}, |w_0|^2 = {scale}: the bound on the excess",
                    at.norm(at.x) - 6,
                    _allowed(scale, ratio),
                    x=S1(scale, ratio).end(),
                )
                for scale, ratio in ((1, 1), (1, 4), (3, 1), (Q(1, 10), 1))
            ),
            at_most(
                "S1, plain gradient flow from |w_0|^2 = 1: the bound on the excess", at.norm(at.g) - 6, RELATIVE / sp.log(6), g=S1(1, None).end()
            ),
            within("S1, kappa = 1, |w_0|^2 = 1: the norm", at.norm(at.x), "6.11205069461", x=S1(1, 1).end()),
        ],
        [
            at_most("S1, |w_0|^2 = 12: the bound of starts with s_0 < Q", at.norm(at.x) - 6, RELATIVE / 6, x=S1(12, 1).end()),
            at_most("S1, kappa = 4: kappa^2 in the bound", at.norm(at.x) - 6, RELATIVE / (400 * 5), x=S1(1, 4).with_ratio(Q(1, 2)).end()),
            Part(setting, Equal(left, against_start + against_limit - own), "sign of KL(p_z | p_inf)"),
            Part(setting, Equal(left, against_start - against_limit + own), "sign of KL(p_inf | p_0)"),
            Part(setting, Equal(left / K, against_start - against_limit - own), "kappa missing"),
            Part(setting, Equal(K * R * (R - S), against_start - against_limit - own), "s_0 missing"),
            Part(free, Equal(left, against_start - against_limit - own), "A z other than A x"),
        ],
        required="enclosed",
        domain="w > 0, z > 0, and r > 0 at the start: K, the sum of the omega_i^2, e^(kappa r^2), is more than 1",
        given=("A z = A x",),
    )


def _decay(ratio: int) -> sp.Expr:
    """Q N^(-1/2) exp(-kappa (Q^(2/3) - 1)/2), of S1 at L = 3."""
    return 6 / sp.sqrt(6) * sp.exp(-sp.Rational(ratio, 2) * (sp.Integer(6) ** sp.Rational(2, 3) - 1))


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

    return statement(
        "C15",
        "L > 2: sum_i psi(R_0) w_{0i}^(2-L) (x_i - z_i) = psi(R_inf) [R_inf - sum_i z_i w_i^(2-L)]",
        [
            Part(setting, Equal(gap, psi(R) * (R - pulled)), "the excess of the weighted norm"),
            Part(start, Equal(own, psi(weights2) * v[i] ** (2 - L), ((i, N),)), "the weights, omega_i^(2-L) = psi(R) w_i^(2-L)"),
            Part(even, Equal(ends / begins, bound(1 - L / 2)), "from equal weights: the bound"),
            *(
                at_most(f"S1, L = 3, kappa = {ratio}: the bound on the excess", at.norm(at.x) - 6, _decay(ratio), x=S1(1, ratio, 3).end())
                for ratio in (1, 4)
            ),
            at_most(
                "I2: the norm is larger than that of plain gradient flow, although rho > 1",
                at.norm(at.g),
                at.norm(at.x),
                g=I2.plain().end(),
                x=I2.end(),
            ),
        ],
        [
            Part(setting, Equal(gap, psi(R) * (R + pulled)), "sign of the second term"),
            Part(setting, Equal(gap, R - pulled), "psi missing"),
            Part(setting, Equal(-total(h[i], (i, N)), psi(R) * (R - pulled)), "the weights forgotten"),
            Part(free, Equal(gap, psi(R) * (R - pulled)), "A z other than A x"),
            Part(start, Equal(own, psi(weights2) * v[i] ** (L - 2), ((i, N),)), "weights inverted"),
            Part(even, Equal(ends / begins, bound(L / 2 - 1)), "from equal weights: the power of N inverted"),
            at_most("I2: the plain norm is no larger where rho > 1", at.norm(at.x), at.norm(at.g), g=I2.plain().end(), x=I2.end()),
        ],
        required="enclosed",
        domain="w > 0",
        given=("A z = A x",),
    )


THIRDS, TURNED = (Q(2, 3), Q(1, 3), Q(2, 3)), (Q(1, 3), Q(2, 3), Q(2, 3))
DEFAULT = (
    ("I1", I1),
    ("S1 from |w_0|^2 = 1", S1(1, 1)),
    ("S1 from |w_0|^2 = 6", S1(6, Q(1, 6))),
    ("S1 from |w_0|^2 = 12", S1(12, Q(1, 12))),
    ("S1 from |w_0|^2 = 12, L = 3", S1(12, Q(1, 12), 3)),
    ("3 z_1 + z_2 = 3 from |w_0| = 2", at.row((3, 1, 0), 3, Q(1, 4), THIRDS)),
    ("-3 z_1 + 2 z_2 = -7 from |w_0| = 2", at.row((-3, 2, 0), -7, Q(1, 4), TURNED)),
)


def sparser(label: str, posed: at.Posed) -> Part:
    """|x|_1 is at most that of plain gradient flow."""
    return at_most(label, at.norm(at.x), at.norm(at.g), x=posed.end(), g=posed.plain().end())


def c16() -> Statement:
    """The ratio of frameworks."""
    after, before = Variable("after", (), "constant", "positive"), Variable("before", (), "constant", "positive")
    R, R0 = after[()], before[()]
    setting = Setting((after, before), instances=(Instance({}),))
    t = R / R0

    def twice_log_rho(ratio: sp.Expr) -> sp.Expr:
        return sp.log(R0) - sp.log(R) + ratio * (R - R0)

    wanted = t - 1 - sp.log(t)
    return statement(
        "C16",
        "With kappa r_0^2 = 1: 2 log rho = t - 1 - log t >= 0, t = R_inf/R_0",
        [
            Part(setting, Equal(twice_log_rho(1 / R0), wanted), "2 log rho"),
            *(sparser(f"{name}, kappa |w_0|^2 = 1", posed) for name, posed in DEFAULT),
        ],
        [
            sparser("3 z_1 + z_2 = 3 from |w_0| = 2, kappa |w_0|^2 = 2", at.row((3, 1, 0), 3, Q(1, 2), THIRDS)),
            sparser("-3 z_1 + 2 z_2 = -7 from |w_0| = 2, kappa |w_0|^2 = 1/2", at.row((-3, 2, 0), -7, Q(1, 8), TURNED)),
            Part(setting, Equal(twice_log_rho(2 / R0), wanted), "kappa r_0^2 = 2"),
            Part(setting, Equal(twice_log_rho(1 / (2 * R0)), wanted), "kappa r_0^2 = 1/2"),
            Part(setting, Equal(twice_log_rho(1 / R0), t - 1 + sp.log(t)), "sign of the logarithm"),
        ],
        required="enclosed",
        domain="R_0, R_inf > 0",
    )


TABLE_2 = (  # of S1: |w_0|^2, kappa (None for plain gradient flow), |x - z|_2 for the solution z of least norm
    (Q(1, 10**6), None, "9.474e-4"),
    (Q(1, 10**6), 1, "0.111524"),
    (Q(1, 10**6), 4, "1.42624e-5"),
    (Q(1, 10), None, "0.294777"),
    (Q(1, 10), 1, "0.11704"),
    (Q(1, 10), 10, "3.58138e-13"),
    (Q(1, 10), 4, "1.742e-5"),
    (1, None, "0.88189"),
    (1, 1, "0.179905"),
    (1, 4, "0.000105371"),
    (6, None, "2.0704"),
    (6, 1, "1.26186"),
    (6, Q(1, 6), "1.99579"),
    (6, 4, "0.751873"),
    (12, None, "3.287"),
    (12, 1, "3.92602"),
    (12, Q(1, 12), "3.26983"),
    (12, 4, "4.0354"),
    (48, None, "10.7577"),
    (48, 1, "28.3341"),
    (48, 4, "29.0371"),
)
TABLE = (
    *((2, *line) for line in TABLE_2),
    (3, 1, None, "0.41052"),
    (3, 1, 1, "0.041842"),
    (3, 1, 4, "6.24e-8"),
    (4, 1, None, "0.16164"),
    (4, 1, 1, "0.012546"),
    (4, 1, 4, "9.5e-9"),
    (3, 12, None, "4.29"),
    (3, 12, 1, "7.82"),
)


def c17() -> Statement:
    """What may be said of large scales."""
    sparsest = {"v": at.SPARSEST}
    parts = []
    for level, scale, ratio, printed in TABLE:
        flow = "plain gradient flow" if ratio is None else f"kappa = {ratio}"
        parts.append(
            within(
                f"S1, L = {level}, |w_0|^2 = {scale}, {flow}: distance to the sparsest",
                distance(at.x),
                printed,
                sparsest,
                x=S1(scale, ratio, level).end(),
            )
        )
    ones = at.Posed(((Q(1), Q(1), Q(1)), (Q(1), Q(2), Q(4))), (Q(3), Q(8)), Q(2), Q(3), {"r": Q(1), "u": THIRDS})
    apart = sp.Abs(at.x[i] - at.g[i])
    parts += [
        at_most(
            "S1, |w_0|^2 = 24 > Q: the norm grows with kappa, 1/12 to 1", at.norm(at.x), at.norm(at.g), x=S1(24, Q(1, 12)).end(), g=S1(24, 1).end()
        ),
        at_most("S1, |w_0|^2 = 24 > Q: and from 1 to 10", at.norm(at.x), at.norm(at.g), x=S1(24, 1).end(), g=S1(24, 10).end()),
        at_most("S1, |w_0|^2 = 3 < Q: the norm falls with kappa, 1 to 4", at.norm(at.x), at.norm(at.g), x=S1(3, 4).end(), g=S1(3, 1).end()),
        at_most("1 in the row space, L = 2: the limits coincide", apart, sp.Rational(1, 10**34), each=((i, N),), x=ones.end(), g=ones.plain().end()),
    ]
    return statement(
        "C17",
        "Robustness at large scale: for |w_0|^2 < Q the bias sharpens with kappa, for |w_0|^2 > Q it turns into its opposite",
        parts,
        [
            at_most(
                "S1: weight normalisation is nearer to the least norm at any scale",
                at.norm(at.x),
                at.norm(at.g),
                x=S1(24, 10).end(),
                g=S1(24, None).end(),
            ),
            at_most(
                "S1: and the more so, the smaller the scale",
                distance(at.x),
                distance(at.g),
                sparsest,
                x=S1(Q(1, 10**6), 1).end(),
                g=S1(Q(1, 10**6), None).end(),
            ),
            at_most("S1, |w_0|^2 = 24: the norm falls with kappa", at.norm(at.x), at.norm(at.g), x=S1(24, 10).end(), g=S1(24, 1).end()),
            at_most(
                "1 in the row space, L = 3: the limits coincide",
                apart,
                sp.Rational(1, 100),
                each=((i, N),),
                x=replace(ones, depth=Q(3)).end(),
                g=replace(ones, depth=Q(3), kappa=None).end(),
            ),
        ],
        required="enclosed",
        domain="w > 0",
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
    grown = Variable("b", (), "constant", "positive")  # e^lambda
    b, turning = grown[()], Setting((grown,), instances=(Instance({}),))
    numbers = Setting((), instances=(Instance({}),))
    third = sp.Rational(1, 3)
    weights = (sp.Rational(2, 3), third)
    relative = sp.Add(*(p * (sp.log(p) - sp.log(half)) for p in weights))
    return statement(
        "C21",
        "One row, L = 2: from p_0 = (1/2, 1/2) with a = (1, -2), y > 0 the flow collapses iff kappa r_0^2 <= log(32/27)/3",
        [
            Part(setting, Gradient(sp.log(whole), along, mean), "the derivative of log K"),
            Part(turning, Equal(b / 2 - b**-2, (b**3 - 2) / (2 * b**2)), "K' with b = e^lambda, which is 0 at b^3 = 2"),
            Part(numbers, Equal(3 * sp.log(least), sp.log(27) - sp.log(32)), "log K - kappa r_0^2 there"),
            Part(numbers, Equal(3 * relative, sp.log(32) - sp.log(27)), "the same as the relative entropy of (2/3, 1/3) to p_0"),
            at_most("10^-13 below the threshold: collapse", at.norm(at.x), sp.S.Zero, x=at.threshold(Q("0.0566330122650")).end()),
            solved("10^-13 above it: convergence", at.threshold(Q("0.0566330122652"))),
            solved("plain gradient flow from |w_0|^2 = 1/20: convergence", at.threshold(Q(1, 20)).plain()),
        ],
        [
            Part(setting, Gradient(sp.log(whole), along, mean * whole), "the derivative of K for that of log K"),
            Part(numbers, Equal(3 * sp.log(least), sp.log(32) - sp.log(27)), "sign of the threshold"),
            Part(numbers, Equal(sp.log(least), sp.log(27) - sp.log(32)), "1/3 missing in the threshold"),
            solved("the flow never collapses", at.threshold(Q(1, 20))),
        ],
        required="enclosed",
        domain="v > 0",
    )
