"""The mirror potential of a separable polar flow, found by integrating the dual coordinates along rays.

Let $x_i = (r u_i)^L$ with $\\|u\\| = 1$, so that $r^2 = R := \\sum_i x_i^{2/L}$ and $u_i = x_i^{1/L}/\\sqrt R$, and let $\\theta_i = f(u_i, r)$ move
with $\\dot\\theta_i = \\mathrm{rate}(r)\\,G_i$. In these coordinates $\\theta$ is a gradient, and its potential is found by Poincare's lemma,
$$\\Phi(x) = \\int_0^1 \\sum_i x_i\\,\\theta_i(t x)\\,dt ,$$
so that $x$ is a time-changed mirror flow, $\\frac d{dt}\\nabla\\Phi(x) = \\mathrm{rate}\\cdot\\nabla F(x)$.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from .calculus import along, tidy
from .models import Model
from .separable import DualCoordinate
from .settings import Flow, Setting, Space, substitute
from .symbols import Family, Variable, away_from, index, total


@dataclass(frozen=True)
class MirrorMap:
    """Let $\\Phi$ be the potential, $\\nabla\\Phi$ its gradient entry by entry, with $\\frac d{dt}\\nabla\\Phi_i = -\\tau' G_i$."""

    x: Variable
    potential: sp.Expr
    gradient: Family
    speed: sp.Expr


def mirror_map(dual: DualCoordinate, depth: sp.Expr, scale: sp.Expr) -> MirrorMap:
    """The mirror map whose gradient is `scale` times the dual coordinates, for predictions $x_i = (r u_i)^{\\mathrm{depth}}$.

    Raises `ValueError` when the dual coordinate is not of the form the ray integral is written for.
    """
    length = dual.direction.shape[0]
    x = Variable("x", (length,), "parameter", "positive")
    i, j = index("i"), index("j")
    t, rho = sp.Symbol("t", positive=True), sp.Symbol("rho", positive=True)
    entry, radius2 = sp.Symbol("x_i", positive=True), sp.Symbol("R", positive=True)
    norm = total(x[j] ** (2 / depth), (j, length))

    def sum_over(summand: sp.Expr) -> sp.Expr:
        pieces = [total(piece.subs({entry: x[i], radius2: norm}), (i, length)) for piece in sp.Add.make_args(summand)]
        return sp.Add(*(on_norm(sp.factor_terms(piece)) for piece in pieces))

    def on_norm(piece: sp.Expr) -> sp.Expr:
        return piece.replace(lambda node: node == norm.xreplace({j: i}), lambda node: norm)

    slope = _merged((scale * dual.value).subs({dual.a: entry ** (1 / depth) / sp.sqrt(radius2), dual.radius[()]: sp.sqrt(radius2)}))
    on_ray = _merged(slope.subs({entry: t * entry, radius2: t ** (2 / depth) * radius2}, simultaneous=True))
    if isinstance(slope, sp.Add):  # logarithms and powers: integrated at once
        potential = sum_over(sp.expand(sp.integrate(on_ray, (t, 0, 1))) * entry)
    else:  # one product: written in rho = t^(2/L) R, so that the upper limit is R and x_i^(2/L) sums to R
        density, weight = on_ray.as_independent(t, as_Add=False)
        ray = (rho / radius2) ** (depth / 2)
        outside, inside = _merged(weight.subs(t, ray) * sp.diff(ray, rho)).as_independent(rho, as_Add=False)
        prefactor, per_entry = _merged(outside * density * entry).as_independent(entry, as_Add=False)
        if _merged(per_entry / entry ** (2 / depth)) != 1 or _merged(prefactor * radius2).has(radius2):
            raise ValueError(f"the ray integral of {slope} is not a function of R alone")
        potential = _merged(prefactor * radius2) * sp.Integral(inside, (rho, 0, norm))
    speed = _merged(-scale * dual.rate.subs(dual.radius[()], sp.sqrt(radius2))).subs(radius2, norm)
    return MirrorMap(x, potential, Family(((i, length),), slope.subs({entry: x[i], radius2: norm})), speed)


def _merged(expression: sp.Expr) -> sp.Expr:
    """Logarithms of products as sums, powers of products as products, exponents expanded, equal bases together."""
    spread = sp.expand_power_base(sp.expand_log(sp.powdenest(sp.expand_power_base(expression))))
    merged = sp.powsimp(spread, combine="exp")
    return sp.powsimp(merged.replace(sp.Pow, lambda base, power: base ** sp.expand(power)), combine="exp")


def in_predictions(setting: Setting, model: Model, x: Variable, depth: sp.Expr) -> tuple[Setting, Family]:
    """The flow of the predictions, $\\dot x = Dx[\\dot\\theta]$, written in $x$ alone, with the field itself.

    $r$ becomes $\\sqrt R$ and $u_i$ becomes $x_i^{1/L}/\\sqrt R$, with $R = \\sum_i x_i^{2/L}$.
    """
    assert setting.flow is not None
    velocities = setting.flow.velocities
    i, j = index("i"), index("j")
    length = x.shape[0]
    norm = total(x[j] ** (2 / depth), (j, length))
    moved = along(model.output.at((i,)), lambda block, entries: velocities[block].at(entries) if block in velocities else sp.S.Zero)
    radius = sp.Symbol("R", positive=True)
    back = {"r": Family((), sp.sqrt(radius)), "u": Family(((i, length),), x[i] ** (1 / depth) / sp.sqrt(radius))}
    value = tidy(substitute(away_from(moved, {i}), back), avoid=(i,))
    field = Family(((i, length),), value.subs(radius, norm))
    kept = [v for v in setting.variables if v.name not in {block.name for block in setting.flow.space.parameters}]
    definitions = tuple(d for d in setting.definitions if d.name != "x")
    space = Space((x,))
    flow = Flow(space, sp.S.Zero, (), {}, {x.name: field})
    return Setting((x, *kept), definitions, setting.hypotheses, flow, setting.instances), field
