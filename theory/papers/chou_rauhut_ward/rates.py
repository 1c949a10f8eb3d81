"""How fast the polar flow converges, and what steps do to it: C18 to C20 and C22."""

from __future__ import annotations

from fractions import Fraction as Q

import sympy as sp

from ...charts import rederive, weight_norm
from ...losses import square
from ...models import power
from ...settings import Definition, Setting, Values
from ...statements import AtMost, Evolves, Observed, Order, Part, Statement, TimeDerivative
from ...symbols import Family, Variable, total
from . import instances as at
from .instances import I1, I2, S1, at_most, within
from .setting import ETA, R0, TWO, A, K, L, M, N, U, at_sizes, i, in_kernel, j, k, least_squares, log_law, statement, u, w, y, z

SEEN = "seen in integration, not proved"


def _weighted(setting: Setting, level: sp.Expr, own: sp.Symbol = i) -> sp.Expr:
    """h_i = G_i w_i^(L-1)."""
    return (setting["G"][i] * (R0 * U) ** (level - 1)).xreplace({i: own})


def _dissipated(setting: Setting, level: sp.Expr = L) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """sum_i h_i^2, <u, h>^2, and sum_i (h_i - u_i <u, h>)^2."""
    h = _weighted(setting, level)
    along = total(u[j] * _weighted(setting, level, j), (j, N))
    return total(h**2, (i, N)), along**2, total((h - U * along) ** 2, (i, N))


def c18() -> Statement:
    """The Polyak-Lojasiewicz inequality along the flow."""
    setting = least_squares(L, at_sizes(2), at_sizes(3))
    F, scale, speed = setting["F"][()], ETA * L**2, K * R0**2
    whole, radial, tangential = _dissipated(setting)
    falls, floor = TimeDerivative(F), scale * whole
    slow, fast = Definition("slow", Family((), 1 - speed)), Definition("fast", Family((), speed - 1))
    return statement(
        "C18",
        "PL: -dF/dt >= L^2 eta_r min(1, kappa r^2) |D A^T e|^2 with D = diag(w^(L-1)), so at least 2 L^2 eta_r min(1, kappa r^2) lambda_min F",
        [
            Part(setting, Evolves(F, -scale * (speed * whole + (1 - speed) * radial)), "the metric is kappa r^2 and a rank one term"),
            Part(setting, Evolves(F, -scale * (whole + (speed - 1) * tangential)), "the metric is 1 and a projection"),
            Part(setting, AtMost(falls, -speed * floor, where=(slow,), because=scale * slow[()] * radial), "kappa r^2 <= 1"),
            Part(setting, AtMost(falls, -floor, where=(fast,), because=scale * fast[()] * tangential), "kappa r^2 >= 1"),
        ],
        [
            Part(setting, Evolves(F, -scale * speed * whole), "the rank one term forgotten"),
            Part(setting, Evolves(F, -scale * (speed * whole + (1 - speed / R0**2) * radial)), "kappa for kappa r^2"),
            Part(setting, Evolves(F, -scale * (whole + (speed + 1) * tangential)), "sign of 1"),
            Part(setting, AtMost(falls, -floor), "1 for the minimum"),
            Part(setting, AtMost(falls, -speed * floor), "kappa r^2 for the minimum"),
            Part(setting, AtMost(falls, -floor, where=(slow,)), "the cases exchanged"),
        ],
    )


def c19() -> Statement:
    """The rate in the end."""
    setting = least_squares(L, at_sizes(2), at_sizes(3))
    e = total(A[k, i] * setting["x"][i], (i, N)) - y[k]
    speed = K * R0**2
    image = total(A[k, i] * setting["x"][i], (i, N))
    h = _weighted(setting, L)
    pushed = total(A[k, i] * (R0 * U) ** (L - 1) * h, (i, N))
    paired = total(setting["x"][j] * setting["G"][j], (j, N))

    def moves(first: sp.Expr, second: sp.Expr) -> sp.Expr:
        return -ETA * L**2 * (first * pushed + second * image * paired)

    rest = (1 - speed) / R0**2
    return statement(
        "C19",
        "e' = -J e, J = L^2 eta_r (kappa r^2 A D^2 A^T + (1 - kappa r^2)/r^2 (Ax)(Ax)^T): in the end F falls like exp(-2 lambda_min t)",
        [
            Part(setting, Evolves(e, moves(speed, rest), ((k, M),)), "the residual"),
            within("I1: 2 lambda_min", at.rate[()], "46.3752530131", rate=I1.end("rate")),
            within("I2, L = 3: 2 lambda_min", at.rate[()], "38.0101756815", rate=I2.end("rate")),
        ],
        [
            Part(setting, Evolves(e, moves(sp.S.One, sp.S.Zero), ((k, M),)), "the formula of plain gradient flow"),
            Part(setting, Evolves(e, moves(speed, rest * R0**2), ((k, M),)), "r^2 missing in the rank one term"),
            at_most("I1: the rate of the plain formula, 30.66", at.rate[()], sp.Rational(3066, 100), rate=I1.end("rate")),
            at_most("I2: the rate of the plain formula, 25.56", at.rate[()], sp.Rational(2556, 100), rate=I2.end("rate")),
        ],
        required="enclosed",
    )


def c19_seen() -> Statement:
    """The same rate in integration."""
    parts = []
    for name, posed, level, times, wanted in (("I1", I1, TWO, (1, 2), "46.3752530131"), ("I2", I2, L, (2, 4), "38.0101756815")):
        setting = least_squares(level)
        whole, radial, _ = _dissipated(setting, level)
        depth, speed = posed.depth, K * R0**2
        quantity = sp.Rational(depth) ** 2 * ETA * (speed * whole + (1 - speed) * radial) / setting["F"][()]
        assert posed.kappa is not None
        data: dict[str, Values] = {"A": posed.matrix, "y": posed.target, "kappa": posed.kappa, "eta_r": Q(1)}
        if level == L:
            data["L"] = depth
        near = (Q(1, 100), Q(1, 10**6))
        assertion = Observed(quantity, tuple(map(Q, times)), (Q(wanted),) * 2, near, data, posed.start, 60)
        parts.append(Part(setting, assertion, f"{name}: -d log F/dt comes near 2 lambda_min"))
    return statement("C19-seen", f"The rate in the end, {SEEN}", parts, [], required="sampled", expect="supported")


def c20() -> Statement:
    """Rates depend on the start."""
    parts = [
        within(f"S1 from |w_0|^2 = {scale}, {name}: 2 lambda_min", at.rate[()], told, rate=S1(scale, ratio).end("rate"))
        for scale, ratio, name, told in (
            (1, None, "plain gradient flow", "13.04"),
            (1, 1, "kappa = 1", "11.53"),
            (1, 4, "kappa = 4", "0.0202"),
            (12, None, "plain gradient flow", "66.6"),
            (12, 1, "kappa = 1", "434"),
        )
    ]
    return statement(
        "C20",
        "Faster or slower than plain gradient flow depends on the start: the sparser the limit, the smaller lambda_min",
        parts,
        [
            at_most(
                f"S1 from |w_0|^2 = 1: weight normalisation with kappa = {ratio} is faster",
                at.slow[()],
                at.rate[()],
                slow=S1(1, None).end("rate"),
                rate=S1(1, ratio).end("rate"),
            )
            for ratio in (1, 4)
        ]
        + [
            at_most("S1 from |w_0|^2 = 12: and slower", at.rate[()], at.slow[()], slow=S1(12, None).end("rate"), rate=S1(12, 1).end("rate")),
        ],
        required="enclosed",
    )


def c20_seen() -> Statement:
    """No linear rate without a positive solution."""
    setting = least_squares(TWO)
    data: dict[str, Values] = {"A": ((Q(1), Q(0), Q(0)), (Q(0), Q(1), Q(1))), "y": (Q(1), Q(0)), "kappa": Q(1), "eta_r": Q(1)}
    times = (Q(10), Q(100), Q(1000))
    values = (Q("2.591e-4"), Q("3.032e-6"), Q("3.112e-8"))
    near = (Q("5e-8"), Q("5e-10"), Q("5e-12"))
    start: dict[str, Values] = {"r": Q(1), "u": (Q(2, 3), Q(1, 3), Q(2, 3))}
    return statement(
        "C20-seen",
        f"Without a solution z > 0 the rate need not be linear: for z = (1, 0, 0) alone t^2 F tends to 1/32, {SEEN}",
        [Part(setting, Observed(setting["F"][()], times, values, near, data, start, 20), "F at t = 10, 100, 1000")],
        [],
        required="sampled",
        expect="supported",
    )


def c22() -> Statement:
    """Steps."""
    polar_flow = in_kernel(least_squares(TWO))
    vector = (Q(-1, 5), Q(3, 5), Q(1), Q(0))
    data: dict[str, Values] = {"A": I1.matrix, "y": I1.target, "kappa": Q(1), "eta_r": Q(1), "z": vector}
    eta = Variable("eta", (), "constant", "positive")
    g, v = Variable("g", (), "parameter", "positive"), Variable("v", (N,), "parameter", "positive")
    normalised = rederive(power(w, TWO), square(A, y, (N,)), weight_norm(w), {"g": eta[()], "v": eta[()]}, given=(eta, A, y)).having(z)
    squared = total(v[j] ** 2, (j, N))
    law = total(z[i] * (sp.log(v[i] / sp.sqrt(squared)) + g[()] ** 2 / 2), (i, N))
    begins: dict[str, Values] = {"g": Q(1), "v": (Q(1, 2),) * 4}
    numbers: dict[str, Values] = {"A": I1.matrix, "y": I1.target, "eta": Q(1), "z": vector}
    first, end = Q(1, 256), Q(2)
    return statement(
        "C22",
        f"Steps of length h break the laws at order h, and (g, v) steps let |v| grow: {SEEN}",
        [
            Part(polar_flow, Order(log_law(), "projected", first, 4, end, 1, data, I1.start), "I1, projected steps: the law of C6"),
            Part(normalised, Order(law, "explicit", first, 4, end, 1, numbers, begins), "I1, steps in (g, v): the law of C6"),
            Part(normalised, Order(squared, "explicit", first, 4, end, 1, numbers, begins, "positive"), "I1, steps in (g, v): |v|^2 grows"),
        ],
        [],
        required="sampled",
        expect="supported",
    )
