"""Weight normalisation on the diagonal linear model: the polar flow, its dual coordinates, laws and mirror potential.

The setting is that of H.-H. Chou, H. Rauhut, R. Ward, "Robust implicit regularization via weight normalization", arXiv:2305.05448, Information
and Inference 13(3), 2024. The formulas below were re-derived from that setting and are checked here; none is a quotation of a theorem.

Let $A \\in \\mathbb R^{M \\times N}$, $x = w^{\\odot L}$ with $w = r u$, $r > 0$, $\\|u\\| = 1$, $u_i > 0$, and $G = \\nabla F(x)$.
The radius moves with rate $\\eta_r$ and the direction with $\\kappa\\eta_r$. The ratio $\\kappa$ is not scale free:
$(x, y) \\to c\\,(x, y)$ takes $\\kappa$ to $\\kappa c^{-2/L}$.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as Q
from itertools import permutations

import sympy as sp
from sympy.combinatorics import Permutation

from ..charts import angle_space, angles, direction, polar, rederive, sphere_metric, transport, weight_norm
from ..derivations import energy_dissipation, equations_of_motion
from ..dynamics import gradient_flow
from ..losses import Loss, any_loss, any_loss_of, square
from ..mirror import MirrorMap, in_predictions, mirror_map
from ..models import Model, difference, power
from ..separable import dual_coordinates
from ..settings import Flow, Instance, Setting, Space, substitute
from ..statements import Complete, Equal, Evolves, Experiment, Gradient, Paper, Part, Statement, Watched
from ..symbols import Family, Variable, index, size, total

CITATION = "Chou, Rauhut, Ward: Robust implicit regularization via weight normalization, arXiv:2305.05448, Information and Inference 13(3), 2024"
PROVENANCE = "re-derived from the setting of the paper"

N, M = size("N"), size("M")
i, j, k = index("i"), index("j"), index("k")
HALF = sp.Rational(1, 2)

w = Variable("w", (N,), "parameter", "positive")
r = Variable("r", (), "parameter", "positive")
u = Variable("u", (N,), "parameter", "positive")
depth = Variable("L", (), "constant", "positive")
kappa = Variable("kappa", (), "constant", "positive")
eta_r = Variable("eta_r", (), "constant", "positive")
A = Variable("A", (M, N))
y = Variable("y", (M,))
z = Variable("z", (N,))
KERNEL = Family(((k, M),), total(A[k, i] * z[i], (i, N)))

L, K, ETA = depth[()], kappa[()], eta_r[()]
R0, U = r[()], u[i]
TWO = sp.Integer(2)


def _at(level: int | None = None, *, rows: int = 2, columns: int = 4) -> Instance:
    values = {} if level is None else {"L": Q(level)}
    return Instance({"N": columns, "M": rows}, values)


def _polar(level: sp.Expr, loss: Loss, *instances: Instance) -> Setting:
    return rederive(power(w, level), loss, polar(w), {"r": ETA, "u": K * ETA}, given=(depth, kappa, eta_r, A, y), instances=instances)


def any_of_A(level: sp.Expr = L, *instances: Instance) -> Setting:
    """The polar flow for every loss f(Ax)."""
    return _polar(level, any_loss_of(A, (N,)), *instances)


def least_squares(level: sp.Expr = L, *instances: Instance) -> Setting:
    """The polar flow for the square loss."""
    return _polar(level, square(A, y, (N,)), *instances)


def in_kernel(setting: Setting) -> Setting:
    """The setting with a vector z of the kernel of A."""
    return setting.having(z, hypotheses=(KERNEL,))


def _statement(
    name: str, title: str, parts: list[Part], mutants: list[Part], *, domain: str = "r > 0, u_i > 0, |u| = 1", given: tuple[str, ...] = ()
) -> Statement:
    return Statement(name, title, tuple(parts), tuple(mutants), domain, given, CITATION, PROVENANCE)


# ---- A. Dynamics -------------------------------------------------------------------------------------------------------------------------------


def c1() -> Statement:
    """The polar flow."""
    setting = least_squares(L, _at(2), _at(3))
    G = setting["G"]
    inner = total(G[j] * u[j] ** L, (j, N))
    radial = -ETA * L * R0 ** (L - 1) * inner
    tangential = -K * ETA * L * R0**L * (G[i] * U ** (L - 1) - U * inner)
    free = Setting((Variable("x", (N,), "parameter", "positive"), A, y), setting.definitions[1:], instances=(Instance({"N": 3, "M": 2}),))
    two = least_squares(TWO, _at())
    x2, G2 = two["x"], two["G"]
    s = total(x2[j], (j, N))
    mean = total(G2[j] * x2[j], (j, N)) / s
    return _statement(
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
        power(w, L), any_loss((N,)), weight_norm(w), {"g": eta_g[()], "v": eta_v[()]}, given=(depth, eta_g, eta_v), instances=(_at(2), _at(3))
    )
    square_norm = total(v[j] ** 2, (j, N))
    norm = sp.sqrt(square_norm)
    G = normalised["G"]
    inner = total(G[j] * (v[j] / norm) ** L, (j, N))

    def tangential(ratio: sp.Expr) -> sp.Expr:
        return -ratio * eta_g[()] * L * g[()] ** L * (G[i] * (v[i] / norm) ** (L - 1) - v[i] / norm * inner)

    ratio = eta_v[()] / (eta_g[()] * square_norm)
    plain = gradient_flow(power(w, L), any_loss((N,)), {"w": ETA}, given=(depth, eta_r), instances=(_at(2), _at(3)))
    size_of_w = sp.sqrt(total(w[j] ** 2, (j, N)))
    own = transport(plain, polar(w))
    assert own.flow is not None
    to_w = {"r": Family((), size_of_w), "u": Family(((i, N),), w[i] / size_of_w)}
    return _statement(
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


def unprojected(level: sp.Expr, *instances: Instance) -> Setting:
    """The flow with the plain gradient in u in place of the projected one."""
    model = power(w, level).after(Space((r, u)), {"w": Family(((i, N),), R0 * U)})
    return gradient_flow(model, any_loss_of(A, (N,)), {"r": ETA, "u": K * ETA}, given=(depth, kappa, eta_r, A), instances=instances)


def c3() -> Statement:
    """The norm of the direction."""
    projected, raw = any_of_A(L, _at(2), _at(3)), unprojected(L, _at(2), _at(3))
    norm = total(u[j] ** 2, (j, N))
    return _statement(
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
    return _statement(
        "C4",
        "Hyperspherical angles give the polar flow with the sphere's metric, and only for N = 2 without it",
        parts,
        mutants,
        domain="r > 0, all sines nonzero",
    )


def c5() -> Statement:
    """Energy dissipation."""
    setting = least_squares(L, _at(2), _at(3))
    G, F = setting["G"], setting["F"][()]
    h = L * G[i] * (R0 * U) ** (L - 1)
    along = total(u[j] * h.xreplace({i: j}), (j, N))

    def rate(radial: sp.Expr, tangential: sp.Expr) -> sp.Expr:
        return -(ETA * radial * along**2 + K * ETA * tangential)

    projected = total((h - U * along) ** 2, (i, N))
    return _statement(
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


# ---- B. Conserved quantities -------------------------------------------------------------------------------------------------------------------


def log_law(ratio: sp.Expr = K, factor: sp.Expr = HALF) -> sp.Expr:
    """sum_i z_i (log u_i + kappa r^2/2)."""
    return total(z[i] * (sp.log(U) + factor * ratio * R0**2), (i, N))


def power_law(exponent: sp.Expr, ratio: sp.Expr = K, factor: sp.Expr = HALF) -> sp.Expr:
    """sum_i z_i (u_i exp(kappa r^2/2))^exponent."""
    return total(z[i] * (U * sp.exp(factor * ratio * R0**2)) ** exponent, (i, N))


def c6() -> Statement:
    """The main laws."""
    two, general = any_of_A(TWO, _at()), any_of_A(L, _at(1), _at(3), _at(4))
    at_two, at_general = in_kernel(two), in_kernel(general)
    three = in_kernel(any_of_A(sp.Integer(3), _at()))
    dual = (U * sp.exp(K * R0**2 / 2)) ** (2 - L)
    return _statement(
        "C6",
        "Dual coordinates: for z in ker A, L = 2: sum z (log u + kappa r^2/2); L != 2: sum z (u exp(kappa r^2/2))^(2-L)",
        [
            Part(
                general,
                Evolves(sp.log(U) + K * R0**2 / 2, -K * ETA * L * R0**L * general["G"][i] * U ** (L - 2), ((i, N),)),
                "rate of log u_i + kappa r^2/2",
            ),
            Part(
                general,
                Evolves(dual, (L - 2) * K * ETA * L * R0**L * sp.exp(-(L - 2) * K * R0**2 / 2) * general["G"][i], ((i, N),)),
                "rate of (u_i exp(kappa r^2/2))^(2-L)",
            ),
            Part(at_two, Evolves(log_law()), "L = 2"),
            Part(at_general, Evolves(power_law(2 - L)), "every real L"),
        ],
        [
            Part(at_two, Evolves(log_law(-K)), "L = 2: sign flipped"),
            Part(at_two, Evolves(log_law(factor=sp.S.One)), "L = 2: 1/2 missing"),
            Part(at_two, Evolves(log_law(1 / K)), "L = 2: 1/kappa for kappa"),
            Part(at_two, Evolves(log_law(sp.S.One)), "L = 2: kappa set to 1"),
            Part(at_two, Evolves(total(z[i] * sp.log(R0 * U), (i, N))), "L = 2: the law of plain gradient flow"),
            Part(at_two, Evolves(total(z[i] * sp.log(U), (i, N))), "L = 2: no term in r"),
            Part(three, Evolves(power_law(sp.Integer(-1), -K)), "L = 3: sign flipped"),
            Part(three, Evolves(power_law(sp.Integer(-1), factor=sp.S.One)), "L = 3: 1/2 missing"),
            Part(three, Evolves(power_law(sp.Integer(-1), 1 / K)), "L = 3: 1/kappa for kappa"),
            Part(three, Evolves(power_law(sp.Integer(-1), sp.S.One)), "L = 3: kappa set to 1"),
            Part(three, Evolves(total(z[i] / (R0 * U), (i, N))), "L = 3: the law of plain gradient flow"),
            Part(three, Evolves(total(z[i] / U, (i, N))), "L = 3: no term in r"),
            Part(three, Evolves(power_law(sp.S.One)), "L = 3: exponent L-2"),
            Part(three, Evolves(log_law()), "L = 3: the logarithm"),
            Part(at_general, Evolves(power_law(L - 2)), "every L: exponent L-2"),
            Part(any_of_A(L, _at(3)).having(z), Evolves(power_law(2 - L)), "z not in the kernel"),
            Part(unprojected(TWO, _at()).having(z, hypotheses=(KERNEL,)), Evolves(log_law()), "L = 2: the unprojected flow"),
        ],
        given=("A z = 0",),
    )


def c7() -> Statement:
    """How many laws there are."""
    parts, mutants = [], []
    norm = Family((), total(u[j] ** 2, (j, N)))
    for level in (2, 3, 4):
        law = log_law() if level == 2 else power_law(sp.Integer(2 - level))
        setting = in_kernel(any_of_A(sp.Integer(level), _at()))
        parts.append(Part(setting, Complete(3, (norm, Family((), law))), f"L = {level}, N = 4, M = 2: |u| and N - M more"))
        mutants.append(Part(setting, Complete(4, (norm, Family((), law))), f"L = {level}: one law more"))
        mutants.append(Part(setting, Complete(2, (norm, Family((), law))), f"L = {level}: the norm forgotten"))
    return _statement(
        "C7",
        "The laws valid for every loss f(Ax) are |u| and N - rank A more, and no others",
        parts,
        mutants,
        given=("A of full rank, in general position",),
    )


# ---- Signed models -----------------------------------------------------------------------------------------------------------------------------


def signed(level: sp.Expr, *, joint: bool, loss: Loss, instances: tuple[Instance, ...] = ()) -> Setting:
    """x = (w+)^L - (w-)^L with the two directions on one sphere (joint) or on one each (separate radii)."""
    plus, minus = Variable("up", (N,), "parameter", "positive"), Variable("um", (N,), "parameter", "positive")
    names = ("r", "r") if joint else ("rp", "rm")
    first, second = (Variable(name, (), "parameter", "positive") for name in names)
    weights = Variable("wp", (N,), "parameter", "positive"), Variable("wm", (N,), "parameter", "positive")
    model: Model = difference(power(weights[0], level), power(weights[1], level))
    radial = (first,) if joint else (first, second)
    spheres = (("up", "um"),) if joint else (("up",), ("um",))
    space = Space((*radial, plus, minus), spheres)
    composed = model.after(space, {"wp": Family(((i, N),), first[()] * plus[i]), "wm": Family(((i, N),), second[()] * minus[i])})
    rates = {**{v.name: ETA for v in radial}, "up": K * ETA, "um": K * ETA}
    return gradient_flow(composed, loss, rates, given=(depth, kappa, eta_r, A), instances=instances)


def c8() -> Statement:
    """Signed models: joint and separate normalisation, and two normalised layers."""
    up, um = Variable("up", (N,), "parameter", "positive"), Variable("um", (N,), "parameter", "positive")
    zp, zm = Variable("zp", (N,)), Variable("zm", (N,))
    data = any_loss_of(A, (N,))
    both = Family(((k, M),), total(A[k, i] * (zp[i] - zm[i]), (i, N)))
    grow = sp.exp(K * R0**2 / 2)

    joint2 = signed(TWO, joint=True, loss=data, instances=(_at(),)).having(zp, zm, hypotheses=(both,))
    joint = signed(L, joint=True, loss=data, instances=(_at(3),)).having(zp, zm, hypotheses=(both,))
    free2 = signed(TWO, joint=True, loss=any_loss((N,)), instances=(_at(),))
    free = signed(L, joint=True, loss=any_loss((N,)), instances=(_at(3),))
    rp, rm = Variable("rp", (), "parameter", "positive")[()], Variable("rm", (), "parameter", "positive")[()]
    apart2 = signed(TWO, joint=False, loss=data, instances=(_at(),))
    apart_z, apart_L = in_kernel(apart2), in_kernel(signed(L, joint=False, loss=data, instances=(_at(3),)))

    u1, u2 = Variable("u1", (N,), "parameter"), Variable("u2", (N,), "parameter")
    r1, r2 = Variable("r1", (), "parameter", "positive"), Variable("r2", (), "parameter", "positive")
    layers = Model(Space((r1, r2, u1, u2), (("u1",), ("u2",))), Family(((i, N),), r1[()] * u1[i] * r2[()] * u2[i]))
    rates = {"r1": ETA, "r2": ETA, "u1": K * ETA, "u2": K * ETA}
    two = gradient_flow(layers, any_loss((N,)), rates, given=(kappa, eta_r), instances=(_at(),))
    two_z = in_kernel(gradient_flow(layers, data, rates, given=(kappa, eta_r, A), instances=(_at(),)))
    layer_law = total(z[i] * (sp.log(sp.Abs(u1[i] + u2[i])) + K * r1[()] ** 2 / 2), (i, N))
    layer_minus = total(z[i] * (sp.log(sp.Abs(u1[i] - u2[i])) + K * r1[()] ** 2 / 2), (i, N))
    gap = (u1[i] ** 2 - u2[i] ** 2) * sp.exp(K * r1[()] ** 2)
    joint_law = total(zp[i] * (sp.log(up[i]) + K * R0**2 / 2) + zm[i] * (sp.log(um[i]) + K * R0**2 / 2), (i, N))
    plus_law, minus_law = (total(z[i] * (sp.log(block[i]) + K * radius**2 / 2), (i, N)) for block, radius in ((up, rp), (um, rm)))

    def norm_of(*blocks: Variable) -> Family:
        return Family((), total(sp.Add(*(block[j] ** 2 for block in blocks)), (j, N)))

    def at(setting: Setting, *sizes: int) -> Setting:
        return replace(setting, instances=(Instance({"N": sizes[0], "M": sizes[1]}),))

    counts = [
        Part(at(joint2, 3, 2), Complete(5, (norm_of(up, um), Family((), joint_law))), "joint, L = 2, N = 3, M = 2: 2N - M and the norm"),
        Part(
            at(apart_z, 4, 2),
            Complete(6, (norm_of(up), norm_of(um), Family((), plus_law), Family((), minus_law))),
            "separate, L = 2, N = 4, M = 2: 2(N - M) and the norms",
        ),
        Part(
            at(two_z, 3, 2),
            Complete(6, (norm_of(u1), norm_of(u2), Family((), r1[()] ** 2 - r2[()] ** 2), Family(((i, N),), gap), Family((), layer_law))),
            "two layers, N = 3, M = 2: 2N - M and the norms",
        ),
    ]
    return _statement(
        "C8",
        "Signed models: which laws survive joint, separate and layerwise normalisation",
        [
            Part(joint2, Evolves(joint_law), "joint, L = 2"),
            Part(joint, Evolves(total(zp[i] * (up[i] * grow) ** (2 - L) + zm[i] * (um[i] * grow) ** (2 - L), (i, N))), "joint, every L"),
            Part(free2, Evolves(up[i] * um[i] * sp.exp(K * R0**2), sp.S.Zero, ((i, N),)), "joint, L = 2, every f(x)"),
            Part(free, Evolves((up[i] * grow) ** (2 - L) + (um[i] * grow) ** (2 - L), sp.S.Zero, ((i, N),)), "joint, every L, every f(x)"),
            Part(apart_z, Evolves(plus_law), "separate, L = 2: plus"),
            Part(apart_z, Evolves(minus_law), "separate, L = 2: minus"),
            Part(apart_L, Evolves(total(z[i] * (up[i] * sp.exp(K * rp**2 / 2)) ** (2 - L), (i, N))), "separate, every L: plus"),
            Part(two, Evolves(r1[()] ** 2 - r2[()] ** 2), "two layers: radii"),
            Part(two, Evolves(gap, sp.S.Zero, ((i, N),)), "two layers: directions"),
            Part(two_z, Evolves(layer_law), "two layers: log|u1 + u2|"),
            Part(two_z, Evolves(layer_minus), "two layers: log|u1 - u2|"),
            *counts,
        ],
        [
            Part(free2, Evolves(up[i] * um[i] * R0**2, sp.S.Zero, ((i, N),)), "joint: the law of plain gradient flow w+ w-"),
            Part(free2, Evolves(up[i] * um[i] * sp.exp(-K * R0**2), sp.S.Zero, ((i, N),)), "joint: sign flipped"),
            Part(free2, Evolves(up[i] / um[i], sp.S.Zero, ((i, N),)), "joint: quotient for product"),
            Part(apart2, Evolves(sp.log(up[i] * um[i]) + K * (rp**2 + rm**2) / 2, sp.S.Zero, ((i, N),)), "separate: the joint law with both radii"),
            Part(two, Evolves(r1[()] ** 2 + r2[()] ** 2), "two layers: sign flipped between the radii"),
            Part(two, Evolves(u1[i] ** 2 - u2[i] ** 2, sp.S.Zero, ((i, N),)), "two layers: no factor exp(kappa r1^2)"),
            Part(two, Evolves((u1[i] ** 2 - u2[i] ** 2) * sp.exp(K * r1[()] ** 2 / 2), sp.S.Zero, ((i, N),)), "two layers: 1/2 in the exponent"),
        ],
        domain="all radii > 0, directions on their spheres, positive in the signed model",
        given=("A z = 0 where z occurs",),
    )


# ---- C. Mirror structure -----------------------------------------------------------------------------------------------------------------------


x = Variable("x", (N,), "parameter", "positive")


def _mirror(level: sp.Expr, *instances: Instance) -> tuple[Setting, Setting, Family, MirrorMap]:
    """The polar flow with the square loss, the flow of its predictions, that flow's field, and the mirror map."""
    setting = least_squares(level, *instances)
    chart = polar(w)
    mirror = mirror_map(dual_coordinates(setting)[0], level, TWO if level == 2 else -sp.S.One)
    composed = power(w, level).after(chart.new, dict(chart.forward))
    flow, field = in_predictions(setting, composed, mirror.x, level)
    return setting, flow, field, mirror


def _hessian(level: sp.Expr) -> tuple[list[Part], Setting, sp.Expr, list[sp.Symbol]]:
    """At N = 3: the second derivatives of the potential, each checked, and their determinant."""
    points = [Variable(f"x{n}", (), "parameter", "positive") for n in (1, 2, 3)]
    symbols = [point[()] for point in points]
    norm = sp.Add(*(symbol ** (2 / level) for symbol in symbols))
    if level == 2:
        slopes = [sp.log(symbol) - sp.log(norm) + K * norm for symbol in symbols]
    else:
        slopes = [-(norm ** (level / 2 - 1)) * sp.exp((2 - level) * K * norm / 2) * symbol ** (2 / level - 1) for symbol in symbols]
    setting = Setting((*points, kappa), instances=(Instance({}),))
    entries = [[sp.diff(slope, symbol) for symbol in symbols] for slope in slopes]
    parts = [
        Part(setting, Gradient(slopes[a], points[b], entries[a][b]), f"L = {level}, N = 3: second derivative {a + 1}{b + 1}")
        for a in range(3)
        for b in range(a, 3)
    ]
    terms = (Permutation(order).signature() * entries[0][order[0]] * entries[1][order[1]] * entries[2][order[2]] for order in permutations(range(3)))
    return parts, setting, sp.Add(*terms), symbols


def c9() -> Statement:
    """The predictions are a mirror flow."""
    parts, mutants = [], []
    s, total_x = total(x[j], (j, N)), total(x[j] ** (2 / L), (j, N))
    psi = total_x ** (L / 2 - 1) * sp.exp(-(L - 2) * K * total_x / 2)
    rho = sp.Symbol("rho", positive=True)
    stated = {
        TWO: (
            total(x[i] * (sp.log(x[i]) - sp.log(s)), (i, N)) + K * s**2 / 2,
            sp.log(x[i] / s) + K * s,
            4 * K * ETA * s,
        ),
        L: (
            -L / 2 * sp.Integral(rho ** (L / 2 - 1) * sp.exp(-(L - 2) * K * rho / 2), (rho, 0, total_x)),
            -psi * x[i] ** (2 / L - 1),
            (L - 2) * L * K * ETA * total_x ** (L / 2) * sp.exp(-(L - 2) * K * total_x / 2),
        ),
    }
    for level, (potential, slope, speed) in stated.items():
        polar_flow, flow, field, mirror = _mirror(level, _at() if level == 2 else _at(4))
        name = "L = 2" if level == 2 else "every L"
        own = ((i, N),)
        pushed = substitute(field.value, {"x": polar_flow.definitions[0].family})
        constants = Setting((x, depth, kappa, eta_r), instances=flow.instances)
        parts += [
            Part(polar_flow, Evolves(polar_flow["x"][i], pushed, own), f"{name}: the predictions move by a field of their own"),
            Part(constants, Equal(mirror.potential, potential), f"{name}: the potential found by integration along rays"),
            Part(constants, Gradient(potential, x, slope, own), f"{name}: its gradient"),
            Part(flow, Evolves(slope, -speed * flow["G"][i], own), f"{name}: mirror flow"),
        ]
        mutants += [
            Part(flow, Evolves(slope, -speed / K * flow["G"][i], own), f"{name}: kappa missing in the speed"),
            Part(flow, Evolves(slope, speed * flow["G"][i], own), f"{name}: speed of the wrong sign"),
        ]
    two = _mirror(TWO, _at())[1]
    mutants.append(Part(two, Evolves(sp.log(x[i]), -4 * K * ETA * s * two["G"][i], ((i, N),)), "L = 2: the potential of plain gradient flow"))
    mutants.append(Part(two, Evolves(sp.log(x[i] / s) + K * s / 2, -4 * K * ETA * s * two["G"][i], ((i, N),)), "L = 2: kappa/2 for kappa"))

    xi = Variable("xi", (N,), "parameter")
    lse = sp.log(total(sp.exp(xi[j]), (j, N)))
    conjugate = Setting((xi, kappa), instances=(Instance({"N": 3}),))
    softmax = sp.exp(xi[i]) / total(sp.exp(xi[j]), (j, N))
    constants = Setting((x, depth, kappa), instances=(Instance({"N": 3}, {"L": Q(4)}),))
    omega2 = total((x[i] ** (1 / L) / sp.sqrt(total_x) * sp.exp(K * total_x / 2)) ** 2, (i, N))
    parts += [
        Part(conjugate, Gradient(lse**2 / (2 * K), xi, lse / K * softmax, ((i, N),)), "L = 2: gradient of the conjugate"),
        Part(constants, Equal(sp.log(total(sp.exp(sp.log(x[i] / s) + K * s), (i, N))), K * s), "L = 2: it inverts the mirror map"),
        Part(constants, Equal(sp.log(omega2) / K, total_x), "every L: R = log|omega|^2 / kappa"),
    ]
    for level in (2, 3, 4):
        seconds, setting, determinant, points = _hessian(sp.Integer(level))
        norm = sp.Add(*(point ** sp.Rational(2, level) for point in points))
        product = sp.Mul(*points)
        if level == 2:
            wanted = K * norm / product
        else:
            strength = (1 - sp.Rational(2, level)) * norm ** sp.Rational(level - 2, 2) * sp.exp(-sp.Rational(level - 2, 2) * K * norm)
            wanted = strength**3 * product ** (sp.Rational(2, level) - 2) * K * norm
        parts += [*seconds, Part(setting, Equal(determinant, wanted), f"L = {level}, N = 3: determinant of the Hessian")]
        mutants.append(Part(setting, Equal(determinant, wanted / K), f"L = {level}, N = 3: determinant without kappa"))
    return _statement(
        "C9",
        "The predictions are a time-changed mirror flow with an explicit potential",
        parts,
        mutants,
        domain="x_i > 0; L > 2 for convexity",
    )


def c10() -> Statement:
    """Bregman decay."""
    parts, mutants = [], []
    solution = Family(((k, M),), total(A[k, i] * z[i], (i, N)) - y[k])
    for level in (TWO, L):
        _, flow, _, mirror = _mirror(level, _at() if level == 2 else _at(4))
        name = "L = 2" if level == 2 else "every L"
        divergence = -mirror.potential - total(mirror.gradient.value * (z[i] - x[i]), (i, N))
        at_solution, F = flow.having(z, hypotheses=(solution,)), flow["F"][()]
        parts.append(Part(at_solution, Evolves(divergence, -2 * mirror.speed * F), f"{name}: dD/dt = -2 tau' F"))
        mutants += [
            Part(at_solution, Evolves(divergence, -mirror.speed * F), f"{name}: factor 2 missing"),
            Part(at_solution, Evolves(divergence, 2 * mirror.speed * F), f"{name}: sign flipped"),
            Part(flow.having(z), Evolves(divergence, -2 * mirror.speed * F), f"{name}: z not a solution"),
        ]
    return _statement(
        "C10",
        "Bregman decay: for every z with A z = y, d/dt D(z, x) = -2 tau' F, up to the constant Phi(z)",
        parts,
        mutants,
        domain="x_i > 0, |u| = 1",
        given=("A z = y",),
    )


# ---- Experiments -------------------------------------------------------------------------------------------------------------------------------


def _experiments() -> tuple[Experiment, ...]:
    """The reference instances I1 (L = 2), I2 (L = 3) and I6 (L = 1), each with the laws of C6 and the variants that must be seen to move."""
    basis4 = ((Q(-1, 5), Q(3, 5), Q(1), Q(0)), (Q(-3, 5), Q(-1, 5), Q(0), Q(1)))
    basis5 = (
        (Q(1, 3), Q(-4, 3), Q(1, 3), Q(1), Q(0)),
        (Q(-7, 3), Q(1, 3), Q(2, 3), Q(0), Q(1)),
    )
    matrix4 = ((Q(1), Q(2), Q(-1), Q(1)), (Q(2), Q(-1), Q(1), Q(1)))
    matrix5 = ((Q(1), Q(0), Q(2), Q(-1), Q(1)), (Q(0), Q(1), Q(1), Q(1), Q(-1)), (Q(1), Q(1), Q(0), Q(1), Q(2)))
    signed_u = Variable("u", (N,), "parameter", "real")
    linear = Model(Space((r, signed_u), (("u",),)), Family(((i, N),), R0 * signed_u[i]))
    of_sign = gradient_flow(linear, square(A, y, (N,)), {"r": ETA, "u": K * ETA}, given=(depth, kappa, eta_r, A, y))

    def watched(label: str, law: sp.Expr, basis: tuple[tuple[Q, ...], ...]) -> Watched:
        return Watched(label, law, tuple({"z": vector} for vector in basis))

    def real(law: sp.Expr) -> sp.Expr:
        return substitute(law, {"u": Family(((i, N),), signed_u[i])})

    minus = sp.Integer(-1)
    norm = Watched("|u|^2", total(u[j] ** 2, (j, N)))
    unit = {"eta_r": Q(1)}
    return (
        Experiment(
            "I1",
            "C6",
            least_squares(TWO),
            {"A": matrix4, "y": (Q(3), Q(2)), "kappa": Q(1), "L": Q(2), **unit},
            {"r": Q(1), "u": (Q(1, 2),) * 4},
            (Q(1, 4), Q(1), Q(2), Q(4)),
            (watched("sum z (log u + kappa r^2/2)", log_law(), basis4), norm),
            (
                watched("sign flipped", log_law(-K), basis4),
                watched("1/2 missing", log_law(factor=sp.S.One), basis4),
                watched("plain gradient flow", total(z[i] * sp.log(R0 * U), (i, N)), basis4),
                watched("no term in r", total(z[i] * sp.log(U), (i, N)), basis4),
            ),
        ),
        Experiment(
            "I2",
            "C6",
            least_squares(sp.Integer(3)),
            {"A": matrix5, "y": (Q(4), Q(1, 2), Q(4)), "kappa": Q(1, 2), "L": Q(3), **unit},
            {"r": Q(5, 4), "u": (Q(1, 4), Q(1, 4), Q(1, 4), Q(1, 2), Q(3, 4))},
            (Q(1, 4), Q(1), Q(4), Q(16)),
            (watched("sum z (u exp(kappa r^2/2))^(-1)", power_law(minus), basis5), norm),
            (
                watched("sign flipped", power_law(minus, -K), basis5),
                watched("1/2 missing", power_law(minus, factor=sp.S.One), basis5),
                watched("1/kappa for kappa", power_law(minus, 1 / K), basis5),
                watched("kappa set to 1", power_law(minus, sp.S.One), basis5),
                watched("plain gradient flow", total(z[i] / (R0 * U), (i, N)), basis5),
                watched("no term in r", total(z[i] / U, (i, N)), basis5),
                watched("exponent L-2", power_law(sp.S.One), basis5),
                watched("the logarithm", log_law(), basis5),
            ),
        ),
        Experiment(
            "I6",
            "C6",
            of_sign,
            {"A": matrix4, "y": (Q(3), Q(2)), "kappa": Q(2), "L": Q(1), **unit},
            {"r": Q(1), "u": (Q(1, 2), Q(-1, 2), Q(1, 2), Q(1, 2))},
            (Q(1, 4), Q(1), Q(4)),
            (watched("sum z u exp(kappa r^2/2)", real(power_law(sp.S.One)), basis4), Watched("|u|^2", total(signed_u[j] ** 2, (j, N)))),
            (
                watched("sign flipped", real(power_law(sp.S.One, -K)), basis4),
                watched("1/2 missing", real(power_law(sp.S.One, factor=sp.S.One)), basis4),
                watched("1/kappa for kappa", real(power_law(sp.S.One, 1 / K)), basis4),
                watched("kappa set to 1", real(power_law(sp.S.One, sp.S.One)), basis4),
                watched("plain gradient flow", real(total(z[i] * R0 * U, (i, N))), basis4),
                watched("no term in r", real(total(z[i] * U, (i, N))), basis4),
            ),
        ),
    )


def paper() -> Paper:
    """The statements C1 to C10, the derivations they rest on, and the experiments."""
    setting = least_squares(L)
    duals = dual_coordinates(setting)
    derivations = (equations_of_motion(setting), energy_dissipation(setting)[1], *(dual.derivation for dual in duals))
    return Paper(
        "chou_rauhut_ward",
        "Robust implicit regularization via weight normalization: the polar flow",
        CITATION,
        setting,
        tuple(build() for build in (c1, c2, c3, c4, c5, c6, c7, c8, c9, c10)),
        derivations,
        _experiments(),
    )
