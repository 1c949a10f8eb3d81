"""The flow of every loss: what is left of a setting when its loss is forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import sympy as sp

from numerics.program import names_in
from theory.settings import Definition, Flow, Setting, substitute
from theory.symbols import Family

from .general.opened import opened, with_time


def every_loss(setting: Setting) -> Setting:
    """Let a flow with a definite loss be given: the flow of every loss of the same kind, $f(Ax)$ or $f(x)$.

    The residual $\\nu$ in $G = A^T\\nu$, or the gradient G itself, becomes a cotangent; what the flow does not need any more is left out. A setting
    whose loss is open, or that has none, comes back without what its flow does not need.

    Raises `ValueError` when the setting has no flow.
    """
    flow = setting.flow
    if flow is None:
        raise ValueError("the setting has no flow, and so no loss that could be left open")
    left = opened(setting)
    definitions = {definition.name: definition for definition in left.definitions}
    needed = _needed(flow, definitions)
    known = needed | {size.name for size in setting.sizes}
    return replace(
        left,
        variables=tuple(variable for variable in left.variables if variable.role == "parameter" or variable.name in needed),
        definitions=tuple(definition for definition in left.definitions if definition.name in needed),
        hypotheses=tuple(hypothesis for hypothesis in left.hypotheses if names_in(hypothesis) <= known),
    )


def in_time(setting: Setting) -> Setting:
    """The setting with a variable of time, if something moves whatever the controls do: what decays may be conserved with a growing factor."""
    flow = setting.flow
    controls = {v.name: Family(v.indices, sp.S.Zero) for v in setting.variables if v.role == "cotangent"}
    if flow is None or not controls:
        return setting
    left = [substitute(setting.unfold(velocity.value), controls) for velocity in flow.velocities.values()]
    return with_time(setting)[0] if any(expression.doit() != 0 for expression in left) else setting


def _needed(flow: Flow, definitions: Mapping[str, Definition]) -> set[str]:
    """The names on which the flow depends, through the definitions."""
    waiting = [Family((), flow.pairing), *flow.rates.values(), *flow.drift.values()]
    found: set[str] = set()
    while waiting:
        for name in names_in(waiting.pop()) - found:
            found.add(name)
            if name in definitions:
                waiting.append(definitions[name].family)
    return found
