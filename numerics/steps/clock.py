"""The same orbits at another speed: time-changed flows."""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from theory.settings import Definition, Flow, Setting, Space
from theory.symbols import Family, Variable, total
from theory.trees import declared_names

from ..errors import InvalidProblem


def time_changed(setting: Setting, factor: sp.Expr, *, clock: str | None = None) -> Setting:
    """Let $\\dot\\theta = v(\\theta)$ and $c(\\theta) > 0$: the setting with $d\\theta/ds = c(\\theta)\\,v(\\theta)$, where $dt = c\\,ds$.

    The factor may mention parameters, constants and definitions; that it is positive is not checked. Rates and drift are multiplied by it, so that
    laws are kept and orbits are the same. `clock` names a new scalar block that moves with $dt/ds = c$: started at 0, it is the old time.

    Raises `InvalidProblem` without a flow, and for one that depends on time itself.
    """
    flow = setting.flow
    if flow is None:
        raise InvalidProblem("the setting has no flow, so there is no time to change; build it by gradient_flow, rederive, transport or vector_field")
    families = [*flow.rates.values(), *flow.drift.values(), Family((), flow.pairing), *(d.family for d in setting.definitions)]
    times = {v.name for v in setting.variables if v.role == "time"}
    if any(symbol.name in times for family in families for symbol in family.value.free_symbols):
        raise InvalidProblem(
            f"the flow depends on the time {', '.join(times)}, which a change of time would have to follow; make it a parameter that grows"
        )
    rates = {name: Family(family.indices, family.value * factor) for name, family in flow.rates.items()}
    drift = {name: Family(family.indices, family.value * factor) for name, family in flow.drift.items()}
    space, variables = flow.space, setting.variables
    if clock is not None:
        if clock in declared_names(setting):
            raise InvalidProblem(f"the clock cannot be called {clock!r}, a name of the setting; choose another")
        hand = Variable(clock, (), "parameter")
        space, variables = Space((*space.parameters, hand), space.spheres), (*variables, hand)
        drift[clock] = Family((), sp.sympify(factor))
    return replace(setting, variables=variables, flow=Flow(space, flow.pairing, flow.held, rates, drift))


def by_path_length(setting: Setting, *, clock: str | None = None) -> Setting:
    """Let $\\dot\\theta = v(\\theta) \\ne 0$: the setting with $d\\theta/ds = v/\\|v\\|$, so that $s$ is the length of the path."""
    if setting.flow is None:
        raise InvalidProblem("the setting has no flow, so its orbits have no length")
    squares = []
    for block in setting.flow.space.parameters:
        family = setting.flow.velocities[block.name]
        squares.append(total(family.value**2, *family.indices))
    speed = Definition(_free("speed", setting), Family((), sp.sqrt(sp.Add(*squares))))
    return time_changed(setting.having(definitions=(speed,)), 1 / speed[()], clock=clock)


def by_log_loss(setting: Setting, *, clock: str | None = None) -> Setting:
    """Let the loss $F > 0$ be a definition of the setting: $d\\theta/ds = v/F$, which for a gradient flow is the gradient flow of $\\log F$."""
    loss = next((d for d in setting.definitions if d.name in ("F", "F_loss") and not d.family.indices), None)
    if loss is None:
        raise InvalidProblem("the setting has no loss F with a value, so there is none to take the logarithm of; choose a loss such as square(A, y)")
    return time_changed(setting, 1 / loss[()], clock=clock)


def _free(name: str, setting: Setting) -> str:
    taken = set(declared_names(setting))
    while name in taken:
        name += "_"
    return name
