"""What is conserved, and how much can be: C6 to C8."""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from ...dynamics import gradient_flow
from ...losses import Loss, any_loss, any_loss_of
from ...models import Model, difference, power
from ...settings import Instance, Setting, Space
from ...statements import Complete, Evolves, Part, Statement
from ...symbols import Family, Variable, total
from .setting import (
    ETA,
    KERNEL,
    R0,
    TWO,
    A,
    K,
    L,
    M,
    N,
    U,
    any_of_A,
    at_sizes,
    depth,
    eta_r,
    i,
    in_kernel,
    j,
    k,
    kappa,
    log_law,
    power_law,
    statement,
    u,
    unprojected,
    z,
)


def c6() -> Statement:
    """The main laws."""
    two, general = any_of_A(TWO, at_sizes()), any_of_A(L, at_sizes(1), at_sizes(3), at_sizes(4))
    at_two, at_general = in_kernel(two), in_kernel(general)
    three = in_kernel(any_of_A(sp.Integer(3), at_sizes()))
    dual = (U * sp.exp(K * R0**2 / 2)) ** (2 - L)
    return statement(
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
            Part(any_of_A(L, at_sizes(3)).having(z), Evolves(power_law(2 - L)), "z not in the kernel"),
            Part(unprojected(TWO, at_sizes()).having(z, hypotheses=(KERNEL,)), Evolves(log_law()), "L = 2: the unprojected flow"),
        ],
        given=("A z = 0",),
    )


def c7() -> Statement:
    """How many laws there are."""
    parts, mutants = [], []
    norm = Family((), total(u[j] ** 2, (j, N)))
    for level in (2, 3, 4):
        law = log_law() if level == 2 else power_law(sp.Integer(2 - level))
        setting = in_kernel(any_of_A(sp.Integer(level), at_sizes()))
        parts.append(Part(setting, Complete(3, (norm, Family((), law))), f"L = {level}, N = 4, M = 2: |u| and N - M more"))
        mutants.append(Part(setting, Complete(4, (norm, Family((), law))), f"L = {level}: one law more"))
        mutants.append(Part(setting, Complete(2, (norm, Family((), law))), f"L = {level}: the norm forgotten"))
    return statement(
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

    joint2 = signed(TWO, joint=True, loss=data, instances=(at_sizes(),)).having(zp, zm, hypotheses=(both,))
    joint = signed(L, joint=True, loss=data, instances=(at_sizes(3),)).having(zp, zm, hypotheses=(both,))
    free2 = signed(TWO, joint=True, loss=any_loss((N,)), instances=(at_sizes(),))
    free = signed(L, joint=True, loss=any_loss((N,)), instances=(at_sizes(3),))
    rp, rm = Variable("rp", (), "parameter", "positive")[()], Variable("rm", (), "parameter", "positive")[()]
    apart2 = signed(TWO, joint=False, loss=data, instances=(at_sizes(),))
    apart_z, apart_L = in_kernel(apart2), in_kernel(signed(L, joint=False, loss=data, instances=(at_sizes(3),)))

    u1, u2 = Variable("u1", (N,), "parameter"), Variable("u2", (N,), "parameter")
    r1, r2 = Variable("r1", (), "parameter", "positive"), Variable("r2", (), "parameter", "positive")
    layers = Model(Space((r1, r2, u1, u2), (("u1",), ("u2",))), Family(((i, N),), r1[()] * u1[i] * r2[()] * u2[i]))
    rates = {"r1": ETA, "r2": ETA, "u1": K * ETA, "u2": K * ETA}
    two = gradient_flow(layers, any_loss((N,)), rates, given=(kappa, eta_r), instances=(at_sizes(),))
    two_z = in_kernel(gradient_flow(layers, data, rates, given=(kappa, eta_r, A), instances=(at_sizes(),)))
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
    return statement(
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
