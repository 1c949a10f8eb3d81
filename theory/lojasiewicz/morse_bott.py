"""Critical points that form a manifold across which $f$ is nondegenerate: exponent 1/2.

Let $r$ be the rank of the Hessian at $a$, and let $r$ of the derivatives of $f$ have independent gradients there. Near $a$ they vanish together on a
manifold $Z$ of dimension $n - r$. If for each other derivative $g$ there are polynomials with $u g = \\sum_p c_p g_p$, summed over the $r$, and
$u(a) \\ne 0$, then $g$ vanishes on $Z$, too: all of $Z$ is critical, $f$ is constant on it, and the Hessian, of rank $r$, is nondegenerate across it.
Then $\\theta = 1/2$ exactly, by the lemma of Morse and Bott.

The converse holds, too: where $f$ is Morse-Bott there are such $u$ and $c_p$, since the ideal of the $g_p$ is prime among quotients $p/q$ with
$q(a) \\ne 0$. Only the degrees that are searched through limit the search.
"""

from __future__ import annotations

from math import comb

import sympy as sp

from ..statements import Part
from .answer import Condition, Exponent, unknown
from .cofactors import combination, of_degree
from .germs import Germ
from .splitting import independent, pivots

UNKNOWNS = 900  # of the linear system for the factors, at most


def by_critical_manifold(f: Germ) -> Exponent:
    """Let $f$ be Morse-Bott at the point: $1/2$.

    >>> from ..symbols import Variable
    >>> from .germs import germ
    >>> x, y = Variable("x", (), "parameter"), Variable("y", (), "parameter")
    >>> by_critical_manifold(germ((x[()] * y[()] - 1) ** 2, (x, y), (1, 1))).value
    1/2
    """
    regular = pivots(f)
    others = tuple(j for j in range(len(f.symbols)) if j not in regular)
    if not regular:
        return unknown("the Hessian vanishes, and f is not constant: it is not Morse-Bott")
    parts = []
    for j in others:
        part = _vanishes(f, j, regular)
        if part is None:
            name = f.variables[j].name
            return unknown(f"the derivative by {name} was not found to vanish where those by {', '.join(f.variables[p].name for p in regular)} do")
        parts.append(part)
    conditions = independent(f, regular)
    if others:
        names = ", ".join(f.variables[j].name for j in others)
        conditions += (Condition(f"the derivatives by {names} vanish where these do", (*f.gradient(*others), *parts)),)
    return Exponent(sp.Rational(1, 2), "exact", f"Morse-Bott: a critical manifold of dimension {len(others)}", conditions)


def _vanishes(f: Germ, which: int, regular: tuple[int, ...]) -> Part | None:
    count, generators = len(f.symbols), [f.partials[p] for p in regular]
    for degree in range(f.polynomial.total_degree()):
        if comb(count + degree, count) * (len(regular) + 1) > UNKNOWNS:
            return None
        monomials = tuple(power for d in range(degree + 1) for power in of_degree(d, (1,) * count))
        # u = 1 + v with v(a) = 0 to be found: v g - sum c_p g_p = -g
        found = combination(-f.partials[which], [f.partials[which], *generators], [monomials[1:], *([monomials] * len(regular))])
        if found is not None:
            unit = sp.Poly(1, *f.symbols, domain=sp.QQ) + found[0]
            left = f.stated(unit) * f.stated(f.partials[which])
            right = sp.Add(*(-f.stated(factor) * f.stated(generator) for factor, generator in zip(found[1:], generators, strict=True)))
            return f.equal(left, right, f"derivative by {f.variables[which].name}")
    return None
