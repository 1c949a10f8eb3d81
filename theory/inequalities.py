"""Words for stating and proving inequalities: boxes, and the tangent of the logarithm."""

from __future__ import annotations

import sympy as sp

from .settings import Definition
from .symbols import Family, Variable


def box(variable: Variable, low: sp.Expr | int, high: sp.Expr | int) -> tuple[Definition, Definition]:
    """Let every entry of $v$ lie between the two numbers: the conditions $v - \\mathrm{low} \\ge 0$ and $\\mathrm{high} - v \\ge 0$, named after $v$.

    >>> [d.family.value for d in box(Variable("x"), 0, 1)]
    [x, 1 - x]
    """
    own = variable.indices
    entry = variable[tuple(name for name, _ in own)]
    return (
        Definition(f"{variable.name}_above", Family(own, entry - sp.sympify(low))),
        Definition(f"{variable.name}_below", Family(own, sp.sympify(high) - entry)),
    )


def above_tangent(t: sp.Expr) -> sp.Expr:
    """$t - 1 - \\log t$, which is nonnegative for $t > 0$, kept together: SymPy would mix its terms with others.

    >>> x = sp.Symbol("x", positive=True)
    >>> above_tangent(1 + x)
    (x + 1) - log(x + 1) - 1
    """
    return sp.Add(t, sp.S.NegativeOne, sp.Mul(sp.S.NegativeOne, sp.log(t, evaluate=False), evaluate=False), evaluate=False)
