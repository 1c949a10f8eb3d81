"""Exponent 1/2 along the flow, from a floor of the metric that the flow gives the predictions.

Predictions move by $\\dot x = -M(\\theta)\\,G$, with $M = J\\,\\eta P J^T$ the metric of the model. Let $M \\ge m$; then for
$F = \\frac12\\|Ax - y\\|^2$ and $A A^T \\ge \\sigma$
$$\\dot F = -G^T M G \\le -m\\,|A^T\\nu|^2 \\le -2 m\\sigma F ,$$
the inequality of Polyak and Lojasiewicz, exponent 1/2 with $c^2 = 2 m\\sigma$. It holds as long as $m$ does, along the flow or on a level set of its
laws, and says nothing elsewhere.
"""

from __future__ import annotations

import sympy as sp

from ..calculus import tidy
from ..derivations import dot, tidy_sum
from ..settings import Definition, Setting
from ..statements import AtMost, Part
from ..symbols import Family, Variable, away_from, index, total


def metric_form(setting: Setting) -> sp.Expr:
    """Let $\\dot x = -M G$: the quadratic form $G^T M G$, the sum over the blocks of $\\eta_b\\,|P_b \\nabla_b\\,\\mathrm{pairing}|^2$.

    >>> from ..dynamics import gradient_flow
    >>> from ..losses import any_loss
    >>> from ..models import hadamard
    >>> from ..symbols import size
    >>> N = size("N")
    >>> u, v = Variable("u", (N,), "parameter"), Variable("v", (N,), "parameter")
    >>> metric_form(gradient_flow(hadamard(u, v), any_loss((N,)), {"u": sp.S.One, "v": sp.S.One}))
    Sum(G[i]**2*u[i]**2, (i, 0, N - 1)) + Sum(G[i]**2*v[i]**2, (i, 0, N - 1))

    Raises `ValueError` for a setting without a gradient flow.
    """
    flow = setting.flow
    if flow is None or flow.drift or not flow.rates:
        raise ValueError("the metric of a model is that of a gradient flow, without a drift: the setting has none")
    parts = []
    for name, rate in flow.rates.items():
        velocity = flow.velocities[name]
        if velocity.value == 0:
            continue  # a rate of 0: the block is at rest
        own = tuple(i for i, _ in velocity.indices)
        parts.append(tidy_sum(tidy(away_from(velocity.value**2, set(own)) / rate.at(own), avoid=own), velocity.indices))
    return sp.Add(*parts)


def metric_floor(setting: Setting, floor: sp.Expr | Family, *, where: tuple[Definition, ...] = (), because: sp.Expr | None = None) -> Part:
    """Let $G$ be left open (every loss): $m\\,|G|^2 \\le G^T M G$, with one $m$, or one for each prediction, as a family.

    `where` are what has to be nonnegative for it, laws of the flow above all; `because` an expression for the difference whose sign is plain.

    Raises `ValueError` where the setting has a gradient of its own: the metric has to be known for all of them.
    """
    G = next((v for v in setting.variables if v.name == "G" and v.role == "cotangent"), None)
    if G is None:
        raise ValueError("a floor of the metric is stated for every gradient G: take the flow of any_loss, which leaves it open")
    indices = setting["x"].family.indices if isinstance(setting["x"], Definition) else ()
    own = tuple(name for name, _ in indices)
    m = floor.at(own) if isinstance(floor, Family) else floor
    return Part(setting, AtMost(total(m * G[own] ** 2, *indices), metric_form(setting), where=where, because=because), "the floor of the metric")


def polar_inequality(setting: Setting, floor: Variable, *, level: sp.Expr, rate: sp.Expr, ratio: sp.Expr) -> tuple[Part, Part]:
    """Let the setting be the polar flow of $x = (r u)^{\\odot L}$ with rates $\\eta_r$, $\\kappa\\eta_r$ and the loss $\\frac12\\|Ax - y\\|^2$:
    $$\\dot F \\le -2 L^2\\eta_r \\min(1, \\kappa r^2)\\,m\\,F \\quad\\text{where}\\quad m\\,|\\nu|^2 \\le \\sum_i (r u_i)^{2L-2} (A^T\\nu)_i^2 ,$$
    in two parts, $\\kappa r^2 \\le 1$ and $\\kappa r^2 \\ge 1$, for all sizes.

    Here $m$ can be the least eigenvalue of $A\\,\\mathrm{diag}(x^{2-2/L})A^T$. Without the minimum it is false: then $\\kappa r^2 < 1$ is left out.
    """
    i, j, k = index("i"), index("j"), index("k")
    r, u, F, nu, G = setting["r"][()], setting["u"], setting["F"][()], setting["nu"], setting["G"]
    (N,), (M,) = _shape(u), _shape(nu)
    m = floor[()]

    def slope(n: sp.Symbol) -> sp.Expr:
        return level * G[n] * (r * u[n]) ** (level - 1)

    weighed = total((r * u[i]) ** (2 * level - 2) * G[i] ** 2, (i, N)) - m * total(nu[k] ** 2, (k, M))
    above = Definition("above", Family((), weighed))
    radial = total(u[j] * slope(j), (j, N))
    slow, fast = Definition("slow", Family((), 1 - ratio * r**2)), Definition("fast", Family((), ratio * r**2 - 1))
    given = setting.having(floor)
    below = rate * level**2 * above[()]
    parts = (
        (ratio * r**2, slow, ratio * r**2 * below + rate * slow[()] * radial**2),
        (sp.S.One, fast, below + rate * fast[()] * total((slope(i) - u[i] * radial) ** 2, (i, N))),
    )
    first, second = (
        Part(given, AtMost(dot(F), -2 * level**2 * rate * least * m * F, where=(case, above), because=because), f"{case.name} directions")
        for least, case, because in parts
    )
    return first, second


def _shape(entry: Variable | Definition) -> tuple[sp.Expr, ...]:
    return entry.shape if isinstance(entry, Variable) else entry.variable.shape
