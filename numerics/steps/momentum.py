"""Polyak's heavy ball."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from ..errors import InvalidProblem
from ..exact import rational
from .rule import Ground, Rule, State, Step, positive


def heavy_ball(eta: Any, beta: Any) -> Rule:
    """Let $\\eta > 0$, $0 \\le \\beta < 1$, $p_0 = 0$: $p^+ = \\beta p + v(\\theta)$ and $\\theta^+ = \\theta + \\eta\\,p^+$.

    The same as $\\theta^+ = \\theta + \\eta\\,v(\\theta) + \\beta(\\theta - \\theta^-)$. B. T. Polyak, Some methods of speeding up the convergence of
    iteration methods, 1964.
    """
    length, share = positive(eta, "eta"), rational(beta, "beta")
    if not 0 <= share < 1:
        raise InvalidProblem(f"beta = {share} was given; a number with 0 <= beta < 1 is wanted")

    def build(ground: Ground) -> Step:
        def step(state: State) -> State:
            pushed = ground.at(state)
            momentum = pushed if state.memory is None else ground.number(share) * state.memory + pushed
            theta = state.theta + ground.number(length) * momentum
            return replace(state, count=state.count + 1, time=state.time + length, theta=theta, memory=momentum)

        return step

    return Rule("heavy ball", build, {"eta": length, "beta": Fraction(share)})
