"""Changes of parameters, and the two ways to carry a flow through one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from ..calculus import along, tidy
from ..dynamics import gradient_flow, vector_field
from ..losses import Loss
from ..models import Model
from ..settings import Instance, Setting, Space, substitute
from ..symbols import Family, Variable, away_from


@dataclass(frozen=True)
class Reparametrisation:
    """Let $\\phi$ map a new space onto an old one, block by block, and let an inverse be given where there is one.

    `forward[block]` is the old block in the new parameters; `backward[block]` the new block in the old ones (a chart), missing entries for a
    redundant reparametrisation. `metric[block]` is the factor $1/g$ of the block's learning rate that makes `rederive` the gradient flow of the
    metric of the old space restricted to the new one's level sets; `singular` says in words where $\\phi$ degenerates.
    """

    name: str
    old: Space
    new: Space
    forward: Mapping[str, Family]
    backward: Mapping[str, Family]
    singular: str
    metric: Mapping[str, sp.Expr]


def rederive(
    model: Model,
    loss: Loss,
    chart: Reparametrisation,
    rates: Mapping[str, sp.Expr],
    *,
    given: tuple[Variable, ...] = (),
    instances: tuple[Instance, ...] = (),
) -> Setting:
    """Gradient flow taken afresh in the new parameters, $\\dot\\theta = -\\eta\\,g^{-1}\\nabla_\\theta f(x(\\phi(\\theta)))$.

    This is another flow than the one in the old parameters, unless the metric is carried along: compare `transport`.
    """
    composed = model.after(chart.new, dict(chart.forward))
    weighted = {name: rate * chart.metric.get(name, sp.S.One) for name, rate in rates.items()}
    return gradient_flow(composed, loss, weighted, given=given, instances=instances)


def transport(setting: Setting, chart: Reparametrisation) -> Setting:
    """The same flow in new coordinates: $\\dot\\theta = D\\phi^{-1}[\\dot w]$ at $w = \\phi(\\theta)$.

    Raises `ValueError` when the reparametrisation has no inverse.
    """
    if setting.flow is None or set(chart.backward) != {block.name for block in chart.new.parameters}:
        raise ValueError(f"{chart.name} cannot transport this flow: a flow and an inverse for every new block are needed")
    velocities = setting.flow.velocities
    field = {}
    for name, inverse in chart.backward.items():
        own = {i for i, _ in inverse.indices}
        moved = along(inverse.value, lambda block, entries: _velocity(velocities, block, entries))
        moved = substitute(away_from(moved, own), dict(chart.forward))
        field[name] = Family(inverse.indices, on_spheres(tidy(moved, avoid=own), chart.new))
    kept = [v for v in setting.variables if v.name not in {block.name for block in chart.old.parameters}]
    definitions = tuple(type(d)(d.name, Family(d.family.indices, substitute(d.family.value, dict(chart.forward)))) for d in setting.definitions)
    renewed = Setting((*chart.new.parameters, *kept), definitions, setting.hypotheses, instances=setting.instances)
    return vector_field(renewed, chart.new, field)


def _velocity(velocities: Mapping[str, Family], block: str, entries: tuple[sp.Expr, ...]) -> sp.Expr:
    return velocities[block].at(entries) if block in velocities else sp.S.Zero


def on_spheres(expression: sp.Expr, space: Space) -> sp.Expr:
    """The expression with the sum of squares of a block that is alone on its sphere replaced by 1."""

    def contract(node: sp.Sum) -> sp.Expr:
        ((i, _, _),) = node.limits if len(node.limits) == 1 else ((None, None, None),)
        for (name,) in (group for group in space.spheres if len(group) == 1):
            if i is not None and node.function == space[name][i] ** 2:
                return sp.S.One
        return node

    return tidy(expression.replace(lambda node: isinstance(node, sp.Sum), contract))
