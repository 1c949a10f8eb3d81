"""Nondegenerate up to one direction: the exponent is read off the order of a function of one variable.

Let the Hessian $H$ at $a$ have rank $r \\ge n - 1$. By the splitting lemma $f - f(a)$ is, in suitable coordinates, a nondegenerate quadratic form
in $r$ of them plus a function $h$ of the last one, if there is one. The exponent of a sum in separate variables is the larger one of the summands'
(for $h \\ne 0$), so that $\\theta = 1/2$ for $r = n$, and $\\theta = 1 - 1/m$ where $h$ has the order $m$. Functions of one variable are contained
in this.

The function $h$ is $f$ on the curve where the derivatives by the other variables vanish. On a curve where they only vanish to the order $k$ it is
seen up to the order $2k - 1$, since $f$ is stationary there in the other variables.
"""

from __future__ import annotations

import sympy as sp

from .answer import Condition, Exponent, unknown
from .germs import Germ

ORDERS = 48  # to which the function of one variable is developed, if need be


def by_splitting(f: Germ) -> Exponent:
    """Let $f$ have a Hessian of corank at most one: $1/2$, or $1 - 1/m$.

    >>> from ..symbols import Variable
    >>> from .germs import germ
    >>> x, y = Variable("x", (), "parameter"), Variable("y", (), "parameter")
    >>> by_splitting(germ((x[()] - y[()] ** 2) ** 2 + y[()] ** 6, (x, y))).value
    5/6
    """
    regular = pivots(f)
    corank = len(f.symbols) - len(regular)
    if corank > 1:
        return unknown(f"the Hessian has corank {corank}: the splitting lemma leaves a function of {corank} variables")
    if corank == 0:
        return Exponent(sp.Rational(1, 2), "exact", "the Hessian is invertible", independent(f, regular))
    (last,) = set(range(len(f.symbols))) - set(regular)
    # for h of order m the critical point has, over the complex numbers, the multiplicity m - 1, which Bezout's theorem bounds by (deg f - 1)^n
    most = (f.polynomial.total_degree() - 1) ** len(f.symbols) + 1
    reach = 2
    while reach < min(most, ORDERS):
        reach = min(2 * reach, most, ORDERS)
        found = _of_order(f, regular, last, reach)
        if found is not None:
            return found
    if reach < most:
        return unknown(f"the function of one variable that the splitting lemma leaves vanishes to the order {reach}, and was developed no further")
    text = f"h vanishes to the order {most}, for which a critical point of this degree has no room, so that h = 0"
    conditions = (*independent(f, regular), Condition(text))
    return Exponent(sp.Rational(1, 2), "exact", "the splitting lemma: f is a quadratic form in some coordinates, constant in the last", conditions)


def pivots(f: Germ) -> tuple[int, ...]:
    """As many variables as the rank of the Hessian, such that the minor of their rows and columns is invertible."""
    return tuple(f.hessian.rref()[1])  # independent columns of a symmetric matrix: the minor of the same rows is invertible, too


def independent(f: Germ, regular: tuple[int, ...]) -> tuple[Condition, ...]:
    """That the derivatives by these variables have independent gradients at the point: combinations of them begin with one of the variables each."""
    if not regular:
        return ()
    inverse = f.hessian.extract(list(regular), list(regular)).inv()
    parts = []
    for k, own in enumerate(regular):
        combined = sp.Add(*(inverse[k, n] * f.stated(f.partials[j]) for n, j in enumerate(regular)))
        expanded = sum((inverse[k, n] * f.partials[j] for n, j in enumerate(regular)), sp.Poly(0, *f.symbols, domain=sp.QQ))
        parts.append(f.equal(combined, f.stated(expanded), f"begins with {f.variables[own].name}, and no other of these"))
    names = ", ".join(f.variables[j].name for j in regular)
    return (Condition(f"the derivatives of f by {names} have independent gradients", (*f.gradient(*regular), *parts)),)


def _of_order(f: Germ, regular: tuple[int, ...], last: int, reach: int) -> Exponent | None:
    """The exponent, if the function of one variable has an order up to the one given."""
    z = f.symbols[last]
    enough = reach // 2 + 1  # the derivatives vanish to this order, and so f is wrong by terms of twice this order only
    curve = _solved(f, regular, last, enough)
    along = _on(f, f.polynomial, curve, z)
    order = _order(along)
    if order is None or order > reach:
        return None
    slopes = {j: _on(f, f.partials[j], curve, z) for j in regular}
    place = {f.symbols[j]: f.point[j] + f.stated(value) for j, value in curve.items()}
    parts = [f.equal(f.value.xreplace(place), f.value.xreplace(dict(zip(f.symbols, f.point, strict=True))) + f.stated(along), "f along the curve")]
    for j, slope in slopes.items():
        parts.append(f.equal(f.stated(f.partials[j]).xreplace(place), f.stated(slope), f"derivative by {f.variables[j].name} along the curve"))
    text = f"f is of order {order} in {z}"
    if place:
        shown = ", ".join(f"{symbol} = {value}" for symbol, value in place.items())
        text += f" along {shown}, where the derivatives by the other variables are of order {enough} or more"
    conditions = (*independent(f, regular), Condition(text, tuple(parts)))
    return Exponent(1 - sp.Rational(1, order), "exact", "the splitting lemma: a quadratic form, and a function of one variable", conditions)


def _solved(f: Germ, regular: tuple[int, ...], last: int, enough: int) -> dict[int, sp.Poly]:
    """The other displacements as polynomials in the last one, such that their derivatives vanish to the order given."""
    z = f.symbols[last]
    zero = sp.Poly(0, z, domain=sp.QQ)
    curve = dict.fromkeys(regular, zero)
    inverse = f.hessian.extract(list(regular), list(regular)) ** -1 if regular else sp.zeros(0, 0)
    for order in range(1, enough):  # Newton's method with the derivative at the point gains one order in each round
        slopes = [_cut(_on(f, f.partials[j], curve, z), order) for j in regular]
        curve = {j: curve[j] - sum((inverse[k, n] * slope for n, slope in enumerate(slopes)), zero) for k, j in enumerate(regular)}
    return curve


def _on(f: Germ, polynomial: sp.Poly, curve: dict[int, sp.Poly], z: sp.Symbol) -> sp.Poly:
    """A polynomial in the displacement, on the curve."""
    return sp.Poly(polynomial.as_expr().xreplace({f.symbols[j]: value.as_expr() for j, value in curve.items()}), z, domain=sp.QQ)


def _cut(polynomial: sp.Poly, order: int) -> sp.Poly:
    """The terms up to this order."""
    kept = {power: coefficient for power, coefficient in polynomial.terms() if power[0] <= order}
    return sp.Poly(kept or {(0,): 0}, *polynomial.gens, domain=sp.QQ)


def _order(polynomial: sp.Poly) -> int | None:
    return None if polynomial.is_zero else min(power for (power,) in polynomial.monoms())
