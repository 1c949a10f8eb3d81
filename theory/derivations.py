"""Derivations: lists of steps, each with its reason and the assertion that checks it."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from .calculus import along, tidy
from .settings import Setting
from .statements import Evolves, Gradient, Part, TimeDerivative
from .symbols import Indices, Variable, away_from, total


@dataclass(frozen=True)
class Step:
    """left = right, for the reason given; `part` is what a kernel must accept for the step to stand, if it is more than a naming."""

    reason: str
    left: sp.Expr
    right: sp.Expr
    part: Part | None = None


@dataclass(frozen=True)
class Derivation:
    """Let steps lead from definitions to results."""

    title: str
    steps: tuple[Step, ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        return tuple(step.part for step in self.steps if step.part is not None)


def equations_of_motion(setting: Setting) -> Derivation:
    """Let a gradient flow be given: from the model and the pairing to the velocity of every block."""
    flow = setting.flow
    if flow is None:
        raise ValueError("the setting has no flow to derive equations for")
    steps = []
    for definition in setting.definitions:
        own = tuple(name for name, _ in definition.family.indices)
        steps.append(Step("definition", definition[own], definition.family.value))
    if flow.rates:
        steps.append(Step("the pairing of the model with the gradient of the loss", sp.Symbol("P"), flow.pairing))
    for block in flow.space.parameters:
        velocity = flow.velocities[block.name]
        own = tuple(name for name, _ in velocity.indices)
        if block.name in flow.gradient:
            slope = flow.gradient[block.name]
            steps.append(
                Step(
                    f"the derivative of the pairing by {block.name}",
                    sp.Derivative(sp.Symbol("P"), block[own]),
                    slope.value,
                    Part(_held(setting), Gradient(flow.pairing, block, slope.value, slope.indices), f"derivative by {block.name}"),
                )
            )
        on_sphere = any(block.name in group for group in flow.space.spheres)
        reason = "minus the learning rate times the gradient" + (", projected on the tangent space of the sphere" if on_sphere else "")
        part = Part(setting, Evolves(block[own], velocity.value, velocity.indices), f"velocity of {block.name}")
        steps.append(Step(reason, dot(block[own]), velocity.value, part))
    steps += _predictions(setting)
    return Derivation("equations of motion", tuple(steps))


def _predictions(setting: Setting) -> list[Step]:
    """How the predictions move: $\\dot x = -J\\,\\eta P J^T G$, the metric of the model at work."""
    flow = setting.flow
    x = next((d for d in setting.definitions if d.name == "x"), None)
    if flow is None or x is None:
        return []
    own = tuple(name for name, _ in x.family.indices)
    velocities = flow.velocities
    value = away_from(setting.unfold(x[own]), set())
    if moves_unknown(setting, value):
        return []
    moved = along(value, lambda block, entries: velocities[block].at(entries) if block in velocities else sp.S.Zero)
    rate = tidy(moved, avoid=own)
    part = Part(setting, Evolves(x[own], rate, x.family.indices), "velocity of the predictions")
    return [Step("the chain rule: the metric of the model applied to the gradient of the loss", dot(x[own]), rate, part)]


def energy_dissipation(setting: Setting) -> tuple[sp.Expr, Derivation]:
    """Let $F$ be the value of the loss: $\\dot F = -\\sum_b \\eta_b\\,\\|P_b\\nabla_b\\ell\\|^2$,
    as the sum of the squares of the velocities over their rates.

    Raises `ValueError` when the loss has no value or one that depends on a cotangent, or the flow a drift.
    """
    flow = setting.flow
    if flow is None or flow.drift or not any(definition.name == "F" for definition in setting.definitions):
        raise ValueError("the dissipation identity needs a gradient flow of a loss with a value")
    if moves_unknown(setting, setting.unfold(setting["F"][()])):
        raise ValueError("the loss depends on what differs from example to example, and its rate of change is not known")
    parts = []
    for block in flow.space.parameters:
        velocity, rate = flow.velocities[block.name], flow.rates[block.name]
        own = tuple(name for name, _ in velocity.indices)
        square = away_from(velocity.value**2, set(own)) / rate.at(own)
        parts.append(-tidy_sum(square, velocity.indices))
    rate = sp.Add(*parts)
    value = setting["F"][()]
    part = Part(setting, Evolves(value, rate), "energy dissipation")
    steps = (Step("the chain rule; every block moves against its own gradient", dot(value), rate, part),)
    return rate, Derivation("energy dissipation", steps)


def moves_unknown(setting: Setting, unfolded: sp.Expr) -> bool:
    """Whether an expression mentions a cotangent, so that how fast it changes along the flow is not known."""
    unknown = {variable.name for variable in setting.variables if variable.role == "cotangent"}
    return not unknown.isdisjoint({entry.base.name for entry in unfolded.atoms(sp.Indexed)} | {symbol.name for symbol in unfolded.free_symbols})


def tidy_sum(expression: sp.Expr, indices: Indices) -> sp.Expr:
    """The sum over the indices, with what does not depend on them in front."""
    return sp.factor_terms(total(expression, *indices))


def dot(quantity: sp.Expr) -> sp.Expr:
    """The time derivative of a quantity, for display."""
    return TimeDerivative(quantity)


def _held(setting: Setting) -> Setting:
    """The setting in which the gradient of the loss is a constant, as in the pairing."""
    names = setting.flow.held if setting.flow else ()
    held = [Variable(d.name, d.variable.shape, "cotangent") for d in setting.definitions if d.name in names]
    kept = tuple(d for d in setting.definitions if d.name not in names)
    return Setting((*setting.variables, *held), kept, (), None, ())
