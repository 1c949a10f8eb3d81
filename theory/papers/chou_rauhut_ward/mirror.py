"""The predictions are a mirror flow: C9 and C10."""

from __future__ import annotations

from fractions import Fraction as Q
from itertools import permutations

import sympy as sp
from sympy.combinatorics import Permutation

from ...charts import polar
from ...mirror import MirrorMap, in_predictions, mirror_map
from ...models import power
from ...separable import dual_coordinates
from ...settings import Instance, Setting, substitute
from ...statements import Equal, Evolves, Gradient, Part, Statement
from ...symbols import Family, Variable, total
from .setting import (
    ETA,
    TWO,
    A,
    K,
    L,
    M,
    N,
    at_sizes,
    depth,
    eta_r,
    i,
    j,
    k,
    kappa,
    least_squares,
    statement,
    w,
    y,
    z,
)

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
        polar_flow, flow, field, mirror = _mirror(level, at_sizes() if level == 2 else at_sizes(4))
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
    two = _mirror(TWO, at_sizes())[1]
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
    return statement(
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
        _, flow, _, mirror = _mirror(level, at_sizes() if level == 2 else at_sizes(4))
        name = "L = 2" if level == 2 else "every L"
        divergence = -mirror.potential - total(mirror.gradient.value * (z[i] - x[i]), (i, N))
        at_solution, F = flow.having(z, hypotheses=(solution,)), flow["F"][()]
        parts.append(Part(at_solution, Evolves(divergence, -2 * mirror.speed * F), f"{name}: dD/dt = -2 tau' F"))
        mutants += [
            Part(at_solution, Evolves(divergence, -mirror.speed * F), f"{name}: factor 2 missing"),
            Part(at_solution, Evolves(divergence, 2 * mirror.speed * F), f"{name}: sign flipped"),
            Part(flow.having(z), Evolves(divergence, -2 * mirror.speed * F), f"{name}: z not a solution"),
        ]
    return statement(
        "C10",
        "Bregman decay: for every z with A z = y, d/dt D(z, x) = -2 tau' F, up to the constant Phi(z)",
        parts,
        mutants,
        domain="x_i > 0, |u| = 1",
        given=("A z = y",),
    )
