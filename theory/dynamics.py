"""Gradient flow of a loss over a model, with a learning rate for each block."""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from .losses import Loss
from .models import Model
from .settings import Flow, Instance, Setting, Space
from .symbols import Family, Variable, total


def gradient_flow(
    model: Model,
    loss: Loss,
    rates: Mapping[str, sp.Expr | Family],
    *,
    given: tuple[Variable, ...] = (),
    instances: tuple[Instance, ...] = (),
) -> Setting:
    """Let $\\ell(\\theta) = f(x(\\theta))$: the setting of $\\dot\\theta_b = -\\eta_b\\,P\\,\\nabla_b\\ell$, block by block.

    `rates` gives $\\eta_b$ for every block $b$, an expression in the constants and the parameters (a diagonal metric); `given` are the constants.

    Raises `KeyError` when a block has no rate.
    """
    families = {}
    for block in model.space.parameters:
        rate = rates[block.name]
        families[block.name] = rate if isinstance(rate, Family) else Family(block.indices, sp.sympify(rate))
    x = model.definition
    own = tuple(name for name, _ in x.family.indices)
    shape = tuple(length for _, length in x.family.indices)
    cotangent = next((d.variable for d in loss.definitions if d.name == "G"), Variable("G", shape, "cotangent"))
    pairing = total(cotangent[own] * x[own], *x.family.indices)
    setting = Setting((*model.space.parameters, *given, *loss.variables), (x, *loss.definitions), instances=instances)
    flow = Flow(model.space, setting.unfold(pairing, keep=("G",)), ("G",), families)
    return setting.along(flow)


def vector_field(setting: Setting, space: Space, field: Mapping[str, Family]) -> Setting:
    """Let $v$ be a vector field on a space: the setting with the flow $\\dot\\theta_b = v_b(\\theta)$, block by block."""
    return setting.along(Flow(space, sp.S.Zero, (), {}, field))
