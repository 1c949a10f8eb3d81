"""The explicit step; for a gradient flow, gradient descent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .rule import Ground, Rule, State, Step, positive


def explicit(eta: Any) -> Rule:
    """Let $\\eta > 0$: $\\theta^+ = \\theta + \\eta\\,v(\\theta)$, block by block with the rates of the flow.

    Gradient descent in $w$ is the explicit step of a flow in $w$, gradient descent in $(g, v)$ that of a flow in $(g, v)$.
    """
    length = positive(eta, "eta")

    def build(ground: Ground) -> Step:
        def step(state: State) -> State:
            theta = state.theta + ground.number(length) * ground.at(state)
            return replace(state, count=state.count + 1, time=state.time + length, theta=theta)

        return step

    return Rule("explicit", build, {"eta": length})
