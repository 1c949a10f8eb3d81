"""Directions along which $f$ does not change: they are divided out.

Let $w_i \\cdot \\nabla f = 0$ for independent vectors $w_1, \\ldots, w_s$. Then $f$ is its restriction to a complement of their span, after a linear
projection along them. A projection changes the norm of a gradient by bounded factors, so that $f$ and the restriction have the same exponent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import sympy as sp

from .answer import Condition, Exponent, unknown
from .germs import Germ


def by_directions(f: Germ, known: Callable[[Germ], Exponent]) -> Exponent:
    """Let $f$ be constant along some directions: the exponent of its restriction to a complement, as far as that is `known`.

    >>> from ..symbols import Variable
    >>> from .germs import germ
    >>> from .theorems import exponent
    >>> x, y = Variable("x", (), "parameter"), Variable("y", (), "parameter")
    >>> by_directions(germ((x[()] + y[()]) ** 4, (x, y)), exponent).value
    3/4
    """
    still, dropped = _constant_along(f)
    if not still:
        return unknown("f changes in every direction")
    kept = tuple(n for n in range(len(f.symbols)) if n not in dropped)
    fixed = {f.symbols[n]: f.point[n] for n in dropped}
    found = known(Germ(tuple(f.variables[n] for n in kept), f.value.xreplace(fixed), tuple(f.point[n] for n in kept)))
    parts = [f.equal(sp.Add(*(w * f.stated(g) for w, g in zip(vector, f.partials, strict=True))), sp.S.Zero, f"along {vector}") for vector in still]
    names = ", ".join(f.variables[n].name for n in kept)
    condition = Condition(f"f is constant along {', '.join(map(str, still))}", (*f.gradient(*range(len(f.symbols))), *parts))
    return replace(found, theorem=f"as a function of {names}: {found.theorem}", conditions=(condition, *found.conditions))


def _constant_along(f: Germ) -> tuple[tuple[tuple[sp.Rational, ...], ...], tuple[int, ...]]:
    """A basis of the directions, and as many variables, in which they are the unit vectors: those can be fixed."""
    monomials = sorted({power for slope in f.partials for power in slope.monoms()})
    coefficients = sp.Matrix([[slope.coeff_monomial(power) for slope in f.partials] for power in monomials])
    pivots = coefficients.rref()[1]
    return tuple(tuple(vector) for vector in coefficients.nullspace()), tuple(n for n in range(len(f.symbols)) if n not in pivots)
