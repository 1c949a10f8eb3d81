"""Mirror descent: the explicit step in the dual coordinates of a mirror map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.calculus import gradient as derivative
from theory.symbols import Family, Variable, total

from ..batch.field import values_of
from ..batch.quantities import quantities
from ..errors import InvalidProblem, Unsupported
from .rule import Ground, Rule, State, Step, positive

Floats = NDArray[np.float64]
_ITERATIONS = 60


def mirror_step(eta: Any, dual: Family) -> Rule:
    """Let $x$ be a vector, $\\nabla\\Phi$ the gradient of a strictly convex $\\Phi$, entry by entry, and $\\dot x = v(x)$ the flow.

    The step is $\\nabla\\Phi(x^+) = \\nabla\\Phi(x) + \\eta\\,\\nabla^2\\Phi(x)\\,v(x)$: explicit in the dual coordinates $\\nabla\\Phi(x)$,
    whose velocity is $\\nabla^2\\Phi\\,v$. For a mirror flow that velocity is $-G$, and the step is mirror descent. `theory.mirror.mirror_map`
    finds $\\Phi$ for the polar flow. The primal point is found by Newton's method, to within rounding.

    Raises `InvalidProblem` where the flow has other blocks than one vector; a point outside the range of $\\nabla\\Phi$ is NaN.
    """
    length = positive(eta, "eta")

    def build(ground: Ground) -> Step:
        to_dual, hessian = _maps(ground, dual)

        def step(state: State) -> State:
            x = state.theta
            wanted = to_dual(x) + float(length) * np.einsum("ijz,jz->iz", hessian(x), ground.at(state))
            return replace(state, count=state.count + 1, time=state.time + length, theta=_solved(x, wanted, to_dual, hessian))

        return step

    return Rule("mirror descent", build, {"eta": length})


def _maps(ground: Ground, dual: Family) -> tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]:
    """$\\nabla\\Phi$ and $\\nabla^2\\Phi$ on columns; the latter column by column, as derivatives along the axes."""
    if ground.exact:
        raise Unsupported("the inverse of a mirror map is found by Newton's method, in float64; run it so")
    posed = ground.problem
    blocks = posed.program.parameters
    if len(blocks) != 1 or len(blocks[0].shape) != 1 or len(dual.indices) != 1:
        raise InvalidProblem(
            f"the flow has the blocks {', '.join(block.name for block in blocks)}; a mirror step wants one vector and its dual coordinates"
        )
    x, (index, length) = blocks[0], dual.indices[0]
    taken = {symbol.name for symbol in dual.value.free_symbols} | {variable.name for variable in posed.setting.variables}
    axis = Variable(next(name for name in ("e", "axis", "axis_of_x") if name not in taken), x.shape)
    value = posed.setting.unfold(dual.value)
    along = derivative(total(axis[index] * value, (index, length)), x, dual.indices)
    coordinates = values_of(posed, quantities(posed.setting, {"dual": dual}))
    size = posed.layout.size
    product = values_of(posed, quantities(posed.setting.having(axis), {"product": along}), data={axis.name: np.zeros((1, size))})

    def hessian(points: Floats) -> Floats:
        count = points.shape[1]
        repeated = np.repeat(points, size, axis=1)
        axes = np.tile(np.eye(size), (1, count))
        found = replace(product, constants={**product.constants, axis.name: axes})(0.0, repeated)
        return np.ascontiguousarray(found.reshape(size, count, size).transpose(0, 2, 1))

    return lambda points: coordinates(0.0, points), hessian


def _solved(start: Floats, wanted: Floats, to_dual: Callable[[Floats], Floats], hessian: Callable[[Floats], Floats]) -> Floats:
    """$x$ with $\\nabla\\Phi(x)$ as wanted, by Newton's method with steps halved until the residual falls; NaN where it does not."""
    with np.errstate(all="ignore"):  # a trial outside the domain is judged by its residual
        x = start.copy()
        residual = to_dual(x) - wanted
        size = np.linalg.norm(residual, axis=0)
        exactly = 8 * np.finfo(float).eps * (1 + np.linalg.norm(wanted, axis=0))
        stuck = np.zeros(size.shape, dtype=bool)
        for _ in range(_ITERATIONS):
            open_ = (size > exactly) & ~stuck
            if not open_.any():
                break
            try:
                move = -np.linalg.solve(np.moveaxis(hessian(x), -1, 0), residual.T[..., None])[..., 0].T
            except np.linalg.LinAlgError:
                break
            share, better = np.where(open_, 1.0, 0.0), ~open_
            for _ in range(50):
                trial = x + share * move
                left = to_dual(trial) - wanted
                after = np.linalg.norm(left, axis=0)
                better |= np.isfinite(after) & (after < size)
                if better.all():
                    break
                share = np.where(better, share, share / 2)
            moved = better & open_
            x, residual, size = np.where(moved, trial, x), np.where(moved, left, residual), np.where(moved, after, size)
            stuck |= open_ & ~better
        # At the limit of rounding the residual no longer falls, a little above what was wanted.
        return np.where(size <= 1e4 * exactly, x, np.nan)
