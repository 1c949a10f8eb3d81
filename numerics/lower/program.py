"""The program of a velocity as statements on whole arrays."""

from __future__ import annotations

import sympy as sp

from ..program import Program, Step
from .arrays import Array, ArrayProgram
from .expression import Scope, expression
from .labelled import align
from .share import share


def lower(program: Program) -> ArrayProgram:
    """Let a program in index notation be given: the same as array operations, common subexpressions computed once.

    The passes, in this order: every step by itself (`expression`, with the sums by `contract`); fitted to its own shape; then, over all steps
    together, what occurs twice gets a name (`share`).
    """
    shapes = {variable.name: variable.shape for variable in program.variables}
    values = []
    for step in program.steps:
        values.append((step.name, _fitted(step, shapes, program)))
        shapes[step.name] = step.shape
    names = [program.time_name, *(variable.name for variable in program.variables), *(length.name for length in program.sizes)]
    return share(values, taken=names, results=[step.name for step in program.velocities])


def _fitted(step: Step, shapes: dict[str, tuple[sp.Expr, ...]], program: Program) -> Array:
    own = tuple(index for index, _ in step.family.indices)
    scope = Scope(shapes, dict(step.family.indices), own, frozenset(program.sizes))
    # (r u)^L becomes r^L u^L first, so that u^L is seen to be the one of the other steps.
    found = expression(sp.expand_power_base(step.family.value), scope)
    value = align(found, own)
    if value.shape != step.shape:
        value = Array("broadcast", (value,), step.shape)
    return value
