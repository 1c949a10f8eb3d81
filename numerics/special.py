"""A program with its numbers put in: exponents become numbers, so that powers become products, and factors of 1 disappear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

import sympy as sp

from theory.symbols import Family

from .exact import Exact
from .program import Program, Step


def specialised(program: Program, data: Mapping[str, Exact]) -> Program:
    """Let scalar constants have rational values in `data`: the program with these in their place; the rest stay arguments."""
    scalars = {v.name: data[v.name] for v in program.inputs if not v.shape and v.name in data}
    return _specialised(program, tuple((name, value) for name, value in scalars.items() if isinstance(value, Fraction)))


@lru_cache(maxsize=256)
def _specialised(program: Program, scalars: tuple[tuple[str, Fraction], ...]) -> Program:
    values = dict(scalars)
    put: dict[sp.Expr, sp.Expr] = {}
    for variable in program.inputs:
        if variable.name in values:
            put[variable[()]] = sp.Rational(values[variable.name].numerator, values[variable.name].denominator)

    def within(step: Step) -> Step:
        return replace(step, family=Family(step.family.indices, step.family.value.xreplace(put)))

    inputs = tuple(variable for variable in program.inputs if variable.shape or variable[()] not in put) if put else program.inputs
    return replace(program, inputs=inputs, definitions=tuple(map(within, program.definitions)), velocities=tuple(map(within, program.velocities)))
