"""Steps that end with a normalisation: back on the spheres of the flow, or of a block by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from math import isqrt, prod

import numpy as np

from ..batch.field import Columns
from ..errors import InvalidProblem, Unsupported
from ..flat import Layout
from .rule import Ground, Rule, State, Step


def projected(rule: Rule) -> Rule:
    """Let the flow have blocks on spheres: the rule's step along the projected gradient, then $u^+ := u^+/\\|u^+\\|$ for the blocks of each sphere.

    Raises `InvalidProblem` for a stochastic rule, whose equation on the sphere this is not.
    """
    if rule.chance:
        raise InvalidProblem(f"{rule.name} followed by a projection is no {rule.chance} equation on the sphere; state the flow in free parameters")

    def build(ground: Ground) -> Step:
        assert ground.problem.setting.flow is not None
        groups = [_rows(ground.problem.layout, group) for group in ground.problem.setting.flow.space.spheres]
        return _after(rule.build(ground), groups, None, ground.exact)

    return replace(rule, name=f"{rule.name}, projected", build=build, on_spheres=True)


def renormalised(rule: Rule, block: str, *, into: str | None = None) -> Rule:
    """Let the rule's step be followed by $v := v/\\|v\\|$ for one block; `into` names a scalar block that is multiplied by $\\|v\\|$ then.

    In $w = g\\,v/\\|v\\|$ this leaves $w$ as it is; with `into` the product $r\\,u$ keeps its value.

    Raises `InvalidProblem` where there is no such block.
    """

    def build(ground: Ground) -> Step:
        layout = ground.problem.layout
        for name in (block, into):
            if name is not None and name not in layout.names:
                raise InvalidProblem(f"there is no block {name!r} to renormalise; the blocks are {', '.join(layout.names)}")
        place = None
        if into is not None:
            rows = _rows(layout, (into,))
            if len(rows) != 1 or into == block:
                raise InvalidProblem(f"into = {into!r} was given; a scalar block other than {block!r} is wanted")
            place = int(rows[0])
        return _after(rule.build(ground), [_rows(layout, (block,))], place, ground.exact)

    name = f"{rule.name}, {block} renormalised" + (f" into {into}" if into else "")
    return replace(rule, name=name, build=build)


def _after(inner: Step, groups: Sequence[np.ndarray], into: int | None, exact: bool) -> Step:
    def step(state: State) -> State:
        moved = inner(state)
        theta = moved.theta.copy()
        for rows in groups:
            length = norm(theta[rows], exact)
            theta[rows] = theta[rows] / length
            if into is not None:
                theta[into] = theta[into] * length
        return replace(moved, theta=theta)

    return step


def _rows(layout: Layout, names: Sequence[str]) -> np.ndarray:
    """Where the blocks stand in a column."""
    found, start = [], 0
    for name, lengths in zip(layout.names, layout.shapes, strict=True):
        if name in names:
            found += list(range(start, start + prod(lengths)))
        start += prod(lengths)
    return np.array(found)


def norm(part: Columns, exact: bool) -> Columns:
    """The norm of each column. Raises `Unsupported` for an exact one that is not rational."""
    squares = (part * part).sum(axis=0)
    if not exact:
        found: Columns = np.sqrt(squares)
        return found
    return np.array([_root(square) for square in squares], dtype=object)


def _root(square: Fraction) -> Fraction:
    top, bottom = isqrt(square.numerator), isqrt(square.denominator)
    if top * top != square.numerator or bottom * bottom != square.denominator:
        raise Unsupported("the norm after this step is not rational, so the step cannot be taken exactly; run it in float64")
    return Fraction(top, bottom)
