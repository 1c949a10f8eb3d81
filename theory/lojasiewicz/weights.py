"""Quasi-homogeneous leading parts: exponents from weights.

Let $w_i > 0$ be weights, let $f - f(a)$ be $f_d$ plus terms of higher weighted degree than $d$, and let $v$ be one of the weights such that the
derivatives $\\partial_j f_d$ with $w_j \\ge v$ vanish together at the origin only. On the unit sphere they are bounded below together, and for s on
it, $x = (\\lambda^{w_i} s_i)$ and small $\\lambda$
$$|\\nabla f(x)| \\ge \\max_{w_j \\ge v} |\\partial_j f(x)| \\ge c\\,\\lambda^{d - v}, \\qquad |f(x) - f(a)| \\le C\\,\\lambda^d ,$$
so that $\\theta \\le 1 - v/d$. The least weight will do if $f_d$ has an isolated critical point; a larger one gives a smaller bound. Where along a
curve $x_i = s_i\\tau^{w_i}$ the gradient is of order $d - v$ at least and $f$ of order $d$, the bound is attained.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import lcm

import sympy as sp

from ..settings import Setting
from ..statements import Equal, Part
from ..symbols import Variable
from .answer import Condition, Exponent, unknown
from .germs import Germ
from .vanishing import only_the_origin

POINTS = 3000  # at which curves are tried, at most


def by_weights(f: Germ) -> Exponent:
    """Let $f$ have a quasi-homogeneous leading part with an isolated critical point: $1 - v/d$, or at most that.

    >>> from .germs import germ
    >>> x, y = Variable("x", (), "parameter"), Variable("y", (), "parameter")
    >>> by_weights(germ(x[()] ** 4 + x[()] ** 2 * y[()] ** 4 + y[()] ** 8, (x, y))).value
    7/8
    """
    reason = "f is not quasi-homogeneous, and not every variable has a power of its own in it"
    for weights, degree in _weights(f):
        found = _with(f, weights, degree)
        if isinstance(found, Exponent):
            return found
        reason = found
    return unknown(reason)


def _weights(f: Germ) -> Iterator[tuple[tuple[int, ...], int]]:
    """Weights in which all of f has one degree, and weights that give the least pure powers one degree and the rest no lower one."""
    support = sp.Matrix(f.polynomial.monoms())
    rows = support.extract(list(support.T.rref()[1]), list(range(support.cols)))
    balanced = rows.T * (rows * rows.T).LUsolve(sp.ones(rows.rows, 1))  # of all solutions the shortest
    found = [tuple(balanced)] if support * balanced == sp.ones(support.rows, 1) else []
    least = [min((power[n] for power in f.polynomial.monoms() if sum(power) == power[n]), default=0) for n in range(support.cols)]
    if all(least):
        found.append(tuple(sp.Rational(1, power) for power in least))
    for weights in dict.fromkeys(found):
        if all(w > 0 for w in weights) and all(value >= 1 for value in support * sp.Matrix(weights)):
            common = lcm(*(int(w.q) for w in weights))
            yield tuple(int(common * w) for w in weights), common


def _with(f: Germ, weights: tuple[int, ...], degree: int) -> Exponent | str:
    leading = sp.Poly({m: c for m, c in f.polynomial.terms() if _weighted(m, weights) == degree}, *f.symbols, domain=sp.QQ)
    best: tuple[int, Condition] | None = None
    for v in sorted(set(weights)):
        heavy = [j for j, w in enumerate(weights) if w >= v]
        slopes = [leading.diff(f.symbols[j]) for j in heavy]
        names = ", ".join(f.variables[j].name for j in heavy)
        condition = only_the_origin(f, slopes, weights, named=f"the derivatives by {names} of the leading part {leading.as_expr()}")
        if condition is None:
            break
        best = v, condition
    shown = ", ".join(f"{variable.name}: {w}" for variable, w in zip(f.variables, weights, strict=True))
    if best is None:
        return f"the leading part {leading.as_expr()} for the weights {shown} was not found to have an isolated critical point"
    v, condition = best
    theorem = f"a quasi-homogeneous leading part, weights {shown}, degree {degree}"
    begins = _begins(f, leading, weights, degree)
    bound = 1 - sp.Rational(v, degree)
    for curve in _curves(weights):
        attained = _attained(f, curve, weights, degree, degree - v)
        if attained is not None:
            return Exponent(bound, "exact", theorem, (begins, condition, attained))
    return Exponent(bound, "at most", theorem, (begins, condition))


def _weighted(power: Sequence[int], weights: Sequence[int]) -> int:
    return sum(w * e for w, e in zip(weights, power, strict=True))


def _begins(f: Germ, leading: sp.Poly, weights: tuple[int, ...], degree: int) -> Condition:
    """Euler's identity for the leading part, and f in terms of it."""
    constant = f.value.xreplace(dict(zip(f.symbols, f.point, strict=True)))
    rest = f.stated(f.polynomial - leading)
    euler = sp.Add(*(w * f.stated(x) * f.stated(leading.diff(x)) for x, w in zip(f.symbols, weights, strict=True)))
    parts = (
        f.equal(f.value, constant + f.stated(leading) + rest, "f and its leading part"),
        *f.gradient_of(leading),
        f.equal(euler, degree * f.stated(leading), "Euler's identity"),
    )
    return Condition(f"f begins with {leading.as_expr()}, and its other terms are of higher weighted degree", parts)


def _curves(weights: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Directions with small whole numbers, those along few axes first."""
    reach = next((n for n in (4, 3, 2, 1) if (2 * n + 1) ** len(weights) <= POINTS), 0)
    values = sorted(range(-reach, reach + 1), key=lambda value: (abs(value), value < 0))
    yield from sorted(product(values, repeat=len(weights)), key=lambda s: sum(map(bool, s)))[1:]


def _attained(f: Germ, curve: tuple[int, ...], weights: tuple[int, ...], degree: int, order: int) -> Condition | None:
    tau = Variable(_unused("tau", {variable.name for variable in f.variables}), (), "constant")
    moved = {x: s * tau[()] ** w for x, s, w in zip(f.symbols, curve, weights, strict=True)}

    def on(polynomial: sp.Poly) -> sp.Poly:
        return sp.Poly(polynomial.as_expr().xreplace(moved), tau[()], domain=sp.QQ)

    along = on(f.polynomial)
    if along.coeff_monomial(tau[()] ** degree) == 0:
        return None
    slopes = [on(slope) for slope in f.partials]
    if any(power < order for slope in slopes for (power,) in slope.monoms() if not slope.is_zero):
        return None
    setting = Setting((tau,))
    place = {x: a + moved[x] for x, a in zip(f.symbols, f.point, strict=True)}
    constant = f.value.xreplace(dict(zip(f.symbols, f.point, strict=True)))
    parts = [*f.gradient(*range(len(f.symbols))), Part(setting, Equal(f.value.xreplace(place), constant + along.as_expr()), "f along the curve")]
    for j, slope in enumerate(slopes):
        left = f.stated(f.partials[j]).xreplace(place)
        parts.append(Part(setting, Equal(left, slope.as_expr()), f"derivative by {f.variables[j].name} along the curve"))
    shown = ", ".join(f"{x} = {value}" for x, value in place.items())
    return Condition(f"attained along {shown}: f is of order {degree}, its gradient of order {order} or more", tuple(parts))


def _unused(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name
