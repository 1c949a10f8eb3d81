"""The flow in its charts, and what it dissipates: C1 to C5."""

from __future__ import annotations

import sympy as sp

from ...charts import angle_space, angles, direction, polar, rederive, sphere_metric, transport, weight_norm
from ...dynamics import gradient_flow
from ...losses import any_loss
from ...models import power
from ...settings import Flow, Instance, Setting, substitute
from ...statements import Evolves, Gradient, Part, Statement
from ...symbols import Family, Variable, total
from .setting import (
    ETA,
    R0,
    TWO,
    A,
    K,
    L,
    N,
    U,
    any_of_A,
    at_sizes,
    depth,
    eta_r,
    i,
    j,
    k,
    kappa,
    least_squares,
    r,
    statement,
    u,
    unprojected,
    w,
    y,
)


def c1() -> Statement:
    """The polar flow."""
    setting = least_squares(L, at_sizes(2), at_sizes(3))
    G = setting["G"]
    inner = total(G[j] * u[j] ** L, (j, N))
    radial = -ETA * L * R0 ** (L - 1) * inner
    tangential = -K * ETA * L * R0**L * (G[i] * U ** (L - 1) - U * inner)
    free = Setting((Variable("x", (N,), "parameter", "positive"), A, y), setting.definitions[1:], instances=(Instance({"N": 3, "M": 2}),))
    two = least_squares(TWO, at_sizes())
    x2, G2 = two["x"], two["G"]
    s = total(x2[j], (j, N))
    mean = total(G2[j] * x2[j], (j, N)) / s
    return statement(
        "C1",
        "The polar flow of the diagonal linear model",
        [
            Part(free, Gradient(setting["F"][()], free.variables[0], G[i], ((i, N),)), "G is the gradient of F"),
            Part(setting, Evolves(R0, radial), "the radius"),
            Part(setting, Evolves(U, tangential, ((i, N),)), "the direction"),
            Part(two, Evolves(s, -4 * ETA * s * mean), "L = 2: the norm s = |x|_1"),
            Part(two, Evolves(x2[i] / s, -4 * K * ETA * x2[i] * (G2[i] - mean), ((i, N),)), "L = 2: the profile p = x/s"),
        ],
        [
            Part(setting, Evolves(U, -K * ETA * L * R0**L * G[i] * U ** (L - 1), ((i, N),)), "direction not projected"),
            Part(setting, Evolves(R0, K * radial), "ratio on the radius"),
            Part(setting, Evolves(U, tangential / K, ((i, N),)), "ratio missing on the direction"),
            Part(setting, Evolves(R0, radial * R0), "r^L for r^(L-1)"),
            Part(setting, Evolves(U, tangential / R0, ((i, N),)), "r^(L-1) for r^L"),
        ],
    )


def c2() -> Statement:
    """Weight normalisation is the polar flow, and plain gradient flow is it with a ratio that moves."""
    eta_g, eta_v = Variable("eta_g", (), "constant", "positive"), Variable("eta_v", (), "constant", "positive")
    g, v = Variable("g", (), "parameter", "positive"), Variable("v", (N,), "parameter", "positive")
    normalised = rederive(
        power(w, L),
        any_loss((N,)),
        weight_norm(w),
        {"g": eta_g[()], "v": eta_v[()]},
        given=(depth, eta_g, eta_v),
        instances=(at_sizes(2), at_sizes(3)),
    )
    square_norm = total(v[j] ** 2, (j, N))
    norm = sp.sqrt(square_norm)
    G = normalised["G"]
    inner = total(G[j] * (v[j] / norm) ** L, (j, N))

    def tangential(ratio: sp.Expr) -> sp.Expr:
        return -ratio * eta_g[()] * L * g[()] ** L * (G[i] * (v[i] / norm) ** (L - 1) - v[i] / norm * inner)

    ratio = eta_v[()] / (eta_g[()] * square_norm)
    plain = gradient_flow(power(w, L), any_loss((N,)), {"w": ETA}, given=(depth, eta_r), instances=(at_sizes(2), at_sizes(3)))
    size_of_w = sp.sqrt(total(w[j] ** 2, (j, N)))
    own = transport(plain, polar(w))
    assert own.flow is not None
    to_w = {"r": Family((), size_of_w), "u": Family(((i, N),), w[i] / size_of_w)}
    return statement(
        "C2",
        "Weight normalisation w = g v/|v| is the polar flow with ratio eta_v/(eta_g |v|^2)",
        [
            Part(normalised, Evolves(square_norm), "|v| is conserved for every loss"),
            Part(normalised, Evolves(g[()], -eta_g[()] * L * g[()] ** (L - 1) * inner), "the gain is the radius"),
            Part(normalised, Evolves(v[i] / norm, tangential(ratio), ((i, N),)), "v/|v| is the direction"),
            Part(plain, Evolves(size_of_w, substitute(own.flow.velocities["r"].value, to_w)), "plain gradient flow: the radius"),
            Part(plain, Evolves(w[i] / size_of_w, substitute(own.flow.velocities["u"].value, to_w), ((i, N),)), "plain gradient flow: ratio 1/r^2"),
        ],
        [
            Part(normalised, Evolves(v[i] / norm, tangential(eta_v[()] / eta_g[()]), ((i, N),)), "|v|^2 forgotten in the ratio"),
            Part(normalised, Evolves(v[i] / norm, tangential(eta_v[()] / (eta_g[()] * norm)), ((i, N),)), "|v| not squared in the ratio"),
            Part(normalised, Evolves(v[i] / norm, tangential(1 / ratio), ((i, N),)), "ratio inverted"),
            Part(normalised, Evolves(g[()] ** 2 - square_norm), "balance of g^2 and |v|^2"),
            Part(plain, Evolves(total(w[j] ** 2, (j, N))), "|w| conserved under plain gradient flow"),
        ],
        domain="g > 0, v_i > 0; singular at v = 0",
    )


def c3() -> Statement:
    """The norm of the direction."""
    projected, raw = any_of_A(L, at_sizes(2), at_sizes(3)), unprojected(L, at_sizes(2), at_sizes(3))
    norm = total(u[j] ** 2, (j, N))
    return statement(
        "C3",
        "The norm of the direction is conserved exactly when the gradient is projected",
        [
            Part(projected, Evolves(norm), "projected: |u|^2"),
            Part(raw, Evolves(R0**2 / ETA - norm / (K * ETA)), "not projected: r^2/eta_r - |u|^2/eta_u"),
        ],
        [
            Part(raw, Evolves(norm), "|u|^2 without the projection"),
            Part(raw, Evolves(R0**2 / ETA + norm / (K * ETA)), "sign flipped without the projection"),
            Part(raw, Evolves(R0**2 - norm), "rates forgotten without the projection"),
            Part(projected, Evolves(R0**2 / ETA - norm / (K * ETA)), "the law of the unprojected flow"),
        ],
    )


def angle_flow(dimension: int, *, metric: bool, level: int | None = None, rows: int = 1) -> Setting:
    """The flow in hyperspherical angles: of every loss of w (no level), or of every f(Ax) with x = w^level."""
    phi = angles(dimension)
    turned = direction(dimension)
    space = angle_space(dimension, r)
    inverse = sphere_metric(dimension) if metric else {}
    rates = {"r": Family((), ETA), **{angle.name: Family((), K * ETA * inverse.get(angle.name, sp.S.One)) for angle in phi}}
    if level is None:
        slope = Variable("h", (sp.Integer(dimension),), "cotangent")
        pairing = sp.Add(*(slope[n] * R0 * turned[n] for n in range(dimension)))
        return Setting((r, *phi, kappa, eta_r, slope), flow=Flow(space, pairing, ("h",), rates), instances=(Instance({}),))
    data = Variable("A", (sp.Integer(rows), sp.Integer(dimension)))
    nu = Variable("nu", (sp.Integer(rows),), "cotangent")
    cotangents = [total(data[k, n] * nu[k], (k, sp.Integer(rows))) for n in range(dimension)]
    pairing = sp.Add(*(cotangents[n] * (R0 * turned[n]) ** level for n in range(dimension)))
    return Setting((r, *phi, kappa, eta_r, data, nu), flow=Flow(space, pairing, (), rates), instances=(Instance({}),))


def c4() -> Statement:
    """Angles."""
    parts, mutants = [], []
    for dimension in (2, 3, 4):
        setting = angle_flow(dimension, metric=True)
        turned, h = direction(dimension), setting["h"]
        inner = sp.Add(*(turned[n] * h[n] for n in range(dimension)))
        parts.append(Part(setting, Evolves(R0, -ETA * inner), f"N = {dimension}: the radius"))
        for n in range(dimension):
            wanted = -K * ETA * R0 * (h[n] - turned[n] * inner)
            parts.append(Part(setting, Evolves(turned[n], wanted), f"N = {dimension}: u_{n}"))
            if dimension == 3 and n > 0:
                mutants.append(Part(angle_flow(3, metric=False), Evolves(turned[n], wanted), f"N = 3, Euclidean metric on the angles: u_{n}"))
    flat = angle_flow(2, metric=False)
    inner = sp.Add(*(direction(2)[n] * flat["h"][n] for n in range(2)))
    parts.append(Part(flat, Evolves(direction(2)[0], -K * ETA * R0 * (flat["h"][0] - direction(2)[0] * inner)), "N = 2 needs no metric"))
    for level, theta in ((2, sp.log), (3, lambda value: (value * sp.exp(K * R0**2 / 2)) ** -1)):
        for metric in (True, False):
            setting = angle_flow(3, metric=metric, level=level)
            vector = Variable("z", (sp.Integer(3),))
            data = setting["A"]
            kernel = Family(((k, sp.Integer(1)),), sp.Add(*(data[k, n] * vector[n] for n in range(3))))
            radial = K * R0**2 / 2 if level == 2 else 0
            law = sp.Add(*(vector[n] * (theta(direction(3)[n]) + radial) for n in range(3)))
            name = f"the law of C6 at L = {level}, {'sphere' if metric else 'Euclidean'} metric"
            (parts if metric else mutants).append(Part(setting.having(vector, hypotheses=(kernel,)), Evolves(law), name))
    return statement(
        "C4",
        "Hyperspherical angles give the polar flow with the sphere's metric, and only for N = 2 without it",
        parts,
        mutants,
        domain="r > 0, all sines nonzero",
    )


def c5() -> Statement:
    """Energy dissipation."""
    setting = least_squares(L, at_sizes(2), at_sizes(3))
    G, F = setting["G"], setting["F"][()]
    h = L * G[i] * (R0 * U) ** (L - 1)
    along = total(u[j] * h.xreplace({i: j}), (j, N))

    def rate(radial: sp.Expr, tangential: sp.Expr) -> sp.Expr:
        return -(ETA * radial * along**2 + K * ETA * tangential)

    projected = total((h - U * along) ** 2, (i, N))
    return statement(
        "C5",
        "The energy identity: F decreases by the squared radial and the squared tangential gradient",
        [Part(setting, Evolves(F, rate(sp.S.One, R0**2 * projected)), "dF/dt")],
        [
            Part(setting, Evolves(F, rate(sp.S.One, projected)), "r^2 missing on the tangential term"),
            Part(setting, Evolves(F, rate(sp.S.One, R0**2 * total(h**2, (i, N)))), "tangential term not projected"),
            Part(setting, Evolves(F, rate(K, R0**2 * projected / K)), "ratio on the radial term"),
            Part(setting, Evolves(F, -rate(sp.S.One, R0**2 * projected)), "sign flipped"),
        ],
    )
