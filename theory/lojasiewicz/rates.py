"""What a gradient inequality says of a gradient flow: how fast the loss falls, how long the way is, and how far the limit.

Let $\\dot F = -g^2$, where $g$ is the norm of the gradient in the metric of the flow, and so the speed of the flow in that metric. If
$g \\ge c\\,F^\\theta$ along the flow, with $F \\ge 0$ the loss less its least value, then
$$\\tfrac d{dt} F^{1-2\\theta} \\ge (2\\theta - 1)\\,c^2 \\quad (\\theta > \\tfrac12),
\\qquad \\tfrac d{dt}\\log F \\le -c^2 \\quad (\\theta = \\tfrac12),
\\qquad \\tfrac d{dt} F^{1-\\theta} \\le -(1-\\theta)\\,c\\,g .$$
The last of them bounds the length $\\int g\\,dt$. With rates $\\eta_b$ the metric is $\\sum_b |d\\theta_b|^2/\\eta_b$, on spheres that of the sphere.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from ..derivations import Derivation, Step, dot, energy_dissipation
from ..dynamics import vector_field
from ..settings import Definition, Setting, Space
from ..statements import AtMost, Evolves, Part
from ..symbols import Family, Variable

F = Variable("F", (), "parameter", "positive")
g = Variable("g", (), "cotangent", "nonnegative")
c = Variable("c", (), "constant", "positive")
t, start = sp.Symbol("t", nonnegative=True), sp.Symbol("F_0", positive=True)
HALF = sp.Rational(1, 2)


@dataclass(frozen=True)
class Convergence:
    """Let $g \\ge c\\,F^\\theta$ along a gradient flow that starts at $F = F_0$: bounds in $F_0$, $c$ and the time $t$.

    `loss` bounds $F(t)$, `length` all of the way, `distance` what is left of it at time $t$, and so the distance to the limit, which exists.
    Lengths are in the metric of the flow. A flow that starts `length` inside a ball in which the inequality holds does not leave the ball.
    """

    theta: sp.Rational
    loss: sp.Expr
    length: sp.Expr
    distance: sp.Expr
    derivation: Derivation


def convergence(theta: sp.Rational, setting: Setting | None = None) -> Convergence:
    """Let $\\frac12 \\le \\theta < 1$: what follows for every gradient flow; with a setting, for its flow, from its own energy identity on.

    >>> found = convergence(sp.Rational(3, 4))
    >>> found.loss
    (c**2*t/2 + 1/sqrt(F_0))**(-2)
    >>> found.length
    4*F_0**(1/4)/c

    Raises `ValueError` for an exponent outside $[\\frac12, 1)$, and where the setting has no energy identity (see `energy_dissipation`).
    """
    theta = sp.sympify(theta, strict=True)
    if not (theta.is_Rational and HALF <= theta < 1):
        raise ValueError(
            f"the exponent {theta} was given, and a rational number in [1/2, 1) is wanted: below 1/2 no smooth loss has one at a minimum"
        )
    rate = c[()]
    loss = start * sp.exp(-(rate**2) * t) if theta == HALF else (start ** (1 - 2 * theta) + (2 * theta - 1) * rate**2 * t) ** (-1 / (2 * theta - 1))
    steps = energy_dissipation(setting)[1].steps if setting is not None else ()
    return Convergence(
        theta,
        loss,
        start ** (1 - theta) / (rate * (1 - theta)),
        sp.powdenest(loss ** (1 - theta), force=True) / (rate * (1 - theta)),
        Derivation(f"what the exponent {theta} says of a gradient flow", (*steps, *_steps(theta, loss))),
    )


def _steps(theta: sp.Rational, bound: sp.Expr) -> tuple[Step, ...]:
    gap = Definition("gap", Family((), g[()] - c[()] * F[()] ** theta))
    flowing = vector_field(Setting((F, g, c)), Space((F,)), {"F": Family((), -(g[()] ** 2))})
    identity = Part(flowing, Evolves(F[()], -(g[()] ** 2)), "the energy identity")
    falls = Step("the loss falls by the square of the speed", dot(F[()]), -(g[()] ** 2), identity)
    both = g[()] + c[()] * F[()] ** theta
    if theta == HALF:
        quantity, most, because = sp.log(F[()]), -(c[()] ** 2), gap[()] * both / F[()]
    else:
        quantity, most = -(F[()] ** (1 - 2 * theta)), -(2 * theta - 1) * c[()] ** 2
        because = (2 * theta - 1) * F[()] ** (-2 * theta) * gap[()] * both
    way = F[()] ** (1 - theta)
    told = "the gradient inequality, g - c F^theta >= 0"
    rate = Part(flowing, AtMost(dot(quantity), most, where=(gap,), because=because), "the loss")
    length = AtMost(dot(way), -(1 - theta) * c[()] * g[()], where=(gap,), because=(1 - theta) * F[()] ** -theta * g[()] * gap[()])
    return (
        falls,
        Step(told, dot(quantity), most, rate),
        Step("integrated: a function does not grow where its derivative is not positive", F[()], bound),
        Step(told, dot(way), -(1 - theta) * c[()] * g[()], Part(flowing, length, "the length")),
        Step("integrated, from t on", sp.Symbol("length"), F[()] ** (1 - theta) / (c[()] * (1 - theta))),
    )
