"""Expressions along a trajectory, as a program: the loss, a law entry by entry, a norm."""

from __future__ import annotations

from collections.abc import Mapping

from theory.settings import Setting
from theory.symbols import Family

from ..errors import Unsupported
from ..program import Program, Step, names_in, program


def quantities(setting: Setting, wanted: Mapping[str, Family]) -> Program:
    """Let families have names: the program that computes them from the parameters of the setting, in this order, in place of the velocity.

    Raises `Unsupported` for a family that mentions a name the setting does not have.
    """
    flow = program(setting)
    parameters = {block.name for block in flow.parameters}
    steps = [Step(f"value_of_{n}", family) for n, family in enumerate(wanted.values(), 1)]
    needed: set[str] = set().union(*(names_in(step.family) for step in steps))
    definitions: list[Step] = []
    for definition in reversed(setting.definitions):
        if definition.name in needed:
            definitions.insert(0, Step(definition.name, definition.family))
            needed |= names_in(definition.family)
    inputs = tuple(v for v in setting.variables if v.name in needed and v.name not in parameters and v.role != "time")
    time = next((v for v in setting.variables if v.name in needed and v.role == "time"), None)
    known = parameters | {v.name for v in inputs} | {d.name for d in definitions} | {n.name for n in flow.sizes} | ({time.name} if time else set())
    if needed - known:
        raise Unsupported(f"{', '.join(sorted(needed - known))} is no name of the setting; known are {', '.join(sorted(known))}")
    return Program(flow.parameters, inputs, tuple(definitions), tuple(steps), flow.sizes, time)
