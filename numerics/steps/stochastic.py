"""Stochastic steps, each under the convention of the equation it solves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from math import prod, sqrt
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from theory.symbols import Family

from ..batch.field import Field, values_of
from ..batch.quantities import quantities
from ..errors import InvalidProblem, Unsupported
from ..problem import Problem, size_value
from .rule import Ground, Rule, State, Step, positive

Floats: TypeAlias = NDArray[np.float64]
Increments: TypeAlias = Callable[[int, tuple[int, int]], Floats]


def euler_maruyama(dt: Any, diffusion: Mapping[str, Family], *, increments: Increments | None = None) -> Rule:
    """Let $d\\theta = v\\,dt + b\\,dW$ in the sense of Ito: $\\theta^+ = \\theta + v\\,\\Delta t + b\\,\\Delta W$ with $b$ at $\\theta$.

    `diffusion` gives $b$ for each block that is shaken: over the indices of the block, every entry then having a Wiener process of its own, or over
    one index more, which numbers the entries of one Wiener process that all blocks share. `increments(n, shape)` gives $\\Delta W$ in step $n$, a row
    for each entry and a column for each point, in place of random ones.

    Strong order 1/2. Kloeden, Platen, Numerical Solution of Stochastic Differential Equations, 10.2.
    """
    length = positive(dt, "dt")

    def build(ground: Ground) -> Step:
        noise = _Noise(ground, diffusion, length, increments)

        def step(state: State) -> State:
            shaken = noise(state, state.theta, noise.draw(state))
            theta = state.theta + float(length) * ground.at(state) + shaken
            return replace(state, count=state.count + 1, time=state.time + length, theta=theta)

        return step

    return Rule("Euler-Maruyama", build, {"dt": length, "convention": "Ito"}, chance="Ito")


def heun(dt: Any, diffusion: Mapping[str, Family], *, increments: Increments | None = None) -> Rule:
    """Let $d\\theta = v\\,dt + b \\circ dW$ in the sense of Stratonovich, with `diffusion` and `increments` as for `euler_maruyama`.

    With $\\tilde\\theta = \\theta + v\\,\\Delta t + b\\,\\Delta W$, the step adds the means of $v$ and of $b$ at $\\theta$ and $\\tilde\\theta$.
    A law of the flow is a law of this equation when $b$ is tangent to its level sets as well.

    Strong order 1 for one Wiener process, 1/2 in general. Kloeden, Platen, 11.1.
    """
    length = positive(dt, "dt")

    def build(ground: Ground) -> Step:
        noise = _Noise(ground, diffusion, length, increments)

        def step(state: State) -> State:
            drawn, slope = noise.draw(state), ground.at(state)
            shaken = noise(state, state.theta, drawn)
            later = replace(state, time=state.time + length, theta=state.theta + float(length) * slope + shaken)
            theta = state.theta + float(length) / 2 * (slope + ground.at(later)) + (shaken + noise(later, later.theta, drawn)) / 2
            return replace(later, count=state.count + 1, theta=theta)

        return step

    return Rule("Heun", build, {"dt": length, "convention": "Stratonovich"}, chance="Stratonovich")


class _Noise:
    """$b(\\theta)\\,\\Delta W$ on columns."""

    def __init__(self, ground: Ground, diffusion: Mapping[str, Family], length: Fraction, increments: Increments | None) -> None:
        if ground.exact:
            raise Unsupported("random increments are not rational; run a stochastic rule in float64")
        self.ground, self.increments, self.root = ground, increments, sqrt(length)
        posed = ground.problem
        self.names = list(diffusion)
        self.shared = _wiener(posed, diffusion)
        self.values: Field = values_of(posed, quantities(posed.setting, diffusion))
        self.entries = self.shared if self.shared is not None else posed.layout.size

    def draw(self, state: State) -> Floats:
        wanted = self.entries, state.theta.shape[1]
        if self.increments is None:
            return self.root * self.ground.random.standard_normal(wanted)
        drawn = np.asarray(self.increments(state.count, wanted), dtype=np.float64)
        if drawn.shape != wanted:
            raise InvalidProblem(f"increments gave the shape {drawn.shape}; wanted is {wanted}, a row for each entry and a column for each point")
        return drawn

    def __call__(self, state: State, theta: Floats, drawn: Floats) -> Floats:
        width = theta.shape[1]
        found = self.values(self.ground.moments(state.time, theta), theta)
        moved = np.zeros_like(theta)
        start = at = 0
        places = {}
        for name, lengths in zip(self.ground.problem.layout.names, self.ground.problem.layout.shapes, strict=True):
            places[name] = slice(start, start + prod(lengths))
            start += prod(lengths)
        for name, lengths in zip(self.names, self.values.results.shapes, strict=True):
            part = found[at : at + prod(lengths)]
            at += prod(lengths)
            rows = places[name]
            if self.shared is None:
                moved[rows] = part * drawn[rows]
            else:
                moved[rows] = np.einsum("dmz,mz->dz", part.reshape(-1, self.shared, width), drawn)
        return moved


def _wiener(posed: Problem, diffusion: Mapping[str, Family]) -> int | None:
    """The length of the Wiener process that all blocks share, None where every entry has its own."""
    found: set[int | None] = set()
    for name, family in diffusion.items():
        if name not in posed.layout.names:
            raise InvalidProblem(f"diffusion has an unknown block {name}; the blocks are {', '.join(posed.layout.names)}")
        lengths = tuple(size_value(length, posed.sizes) for _, length in family.indices)
        own = posed.layout.shapes[posed.layout.names.index(name)]
        if lengths[: len(own)] != own or len(lengths) > len(own) + 1:
            raise InvalidProblem(f"the diffusion of {name} has the shape {lengths}; wanted is {own}, or {own} and the length of one Wiener process")
        found.add(lengths[-1] if len(lengths) > len(own) else None)
    if len(found) != 1:
        raise InvalidProblem("the blocks are shaken by Wiener processes of different kinds or lengths; give all of them the same last index, or none")
    return found.pop()
