"""Two variables: bounds and exponents from the Newton polygon, over the reals.

The exponent is the largest ratio of the orders of $\\nabla f$ and of $f - f(a)$ along analytic curves through $a$ on which $f$ is not constant
(curve selection). A curve $x = \\alpha t^p + \\ldots$, $y = \\beta t^q + \\ldots$ with $\\alpha\\beta \\ne 0$ sees the face of the polygon on which
$p i + q j$ is least, $= d$; let $f_E$ be the part of $f$ on it. The hypothesis is that on no edge $\\nabla f_E$ vanishes off the axes, in
$(\\mathbb R \\setminus 0)^2$. Then on the curve the derivative by $x$ has the order $d - p$, or that by $y$ the order $d - q$, and $f$ has the
order $d$ or more. So the ratio is at most

* on an edge with $p \\ge q$: $1 - q/d$; and $1 - p/d$ if $\\partial_x f_E$ does not vanish off the axes. For $p < q$ exchange x and y;
* on a vertex $(i, j)$ with $i, j \\ge 1$: $1 - \\max(p, q)/(p i + q j)$, largest for $p = q$ if the vertex is seen from there, else beside an edge;
* on a vertex $(0, m)$, and on the curves with $x = 0$: $1 - 1/m$, by the derivative by $y$. If $(1, k)$ is on the edge beside it, with $p > q$, then
  $\\partial_x f$ has the order $k$, and the ratio is $k/m$, the value $1 - p/d$ of that edge. These are Lenarcik's exceptional edges.

Where the largest of these is attained it is exact: on an edge with $p = q$, and wherever $1 - p/d$ counts, by almost any curve; $1 - q/d$ with
$p > q$ if $\\partial_x f_E$ changes sign, by the curve of zeros of $\\partial_x f$ that then exists; $1 - 1/m$ by $x = 0$ if no term $x y^k$ has
$k < m - 1$. No power of its own is asked of x or y, nor that the critical point be isolated.

Over the complex numbers, for isolated critical points, this goes back to A. Lenarcik, On the Lojasiewicz exponent of the gradient of a holomorphic
function, Banach Center Publ. 44 (1998). Over the reals the exponent is smaller at times: for $x^3 + x y^4$ it is 2/3 and not 5/6.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import gcd

import sympy as sp

from ..statements import Part
from .answer import Condition, Exponent, unknown
from .cofactors import homogeneous
from .germs import Germ
from .vanishing import monomial_times_definite

UNKNOWNS = 1500  # of a linear system for factors, at most


@dataclass(frozen=True)
class Edge:
    """Let $p i + q j = d$ on an edge, $p$ and $q$ without common factor: the weights of x and y, the degree, and the part of f on the edge."""

    p: int
    q: int
    degree: int
    part: sp.Poly


@dataclass(frozen=True)
class _Bound:
    """A ratio that no curve of some kind exceeds, whether one attains it, and why."""

    value: sp.Rational
    attained: bool
    conditions: tuple[Condition, ...] = ()


def by_polygon(f: Germ) -> Exponent:
    """Let $f$ have two variables and no degenerate edge: the exponent, or a bound.

    >>> from ..symbols import Variable
    >>> from .germs import germ
    >>> x, y = Variable("x", (), "parameter"), Variable("y", (), "parameter")
    >>> by_polygon(germ(x[()] ** 3 + x[()] * y[()] ** 4, (x, y))).value
    2/3
    """
    if len(f.symbols) != 2:
        return unknown(f"the polygon is that of two variables, and {len(f.symbols)} are given")
    corners = vertices(f.polynomial)
    edges = tuple(_edge(f, first, second) for first, second in pairwise(corners))
    conditions = []
    for edge in edges:
        condition = _nondegenerate(f, edge)
        if condition is None:
            return unknown(f"the edge {edge.part.as_expr()} of the Newton polygon is degenerate: its gradient vanishes off the axes")
        conditions.append(condition)
    bounds = [_on_edge(f, edge) for edge in edges] + _on_axes(f, corners, edges)
    lowest = min(i + j for i, j in corners)
    bounds += [_Bound(1 - sp.Rational(1, lowest), True) for i, j in corners if i and j and i + j == lowest]
    value = max(bound.value for bound in bounds)
    attained = [bound for bound in bounds if bound.value == value and bound.attained]
    conditions += [condition for bound in bounds for condition in bound.conditions]
    whole = f.equal(f.value, f.value.xreplace(dict(zip(f.symbols, f.point, strict=True))) + f.stated(f.polynomial), "the terms of f")
    slopes = [part for edge in edges for part in f.gradient_of(edge.part)]
    conditions = [Condition(f"the polygon has the vertices {', '.join(map(str, corners))}", (whole, *slopes)), *conditions]
    return Exponent(value, "exact" if attained else "at most", "the Newton polygon", tuple(conditions))


def vertices(polynomial: sp.Poly) -> tuple[tuple[int, int], ...]:
    """The vertices of the Newton polygon, the convex hull of the support plus the quadrant, from the y axis on."""
    least: dict[int, int] = {}
    for i, j in polynomial.monoms():
        least[i] = min(j, least.get(i, j))
    hull: list[tuple[int, int]] = []
    for point in sorted(least.items()):
        if hull and point[1] >= hull[-1][1]:
            continue  # not lower than what is to its left
        while len(hull) > 1 and _cross(hull[-2], hull[-1], point) <= 0:
            hull.pop()
        hull.append(point)
    return tuple(hull)


def _cross(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> int:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _edge(f: Germ, first: tuple[int, int], second: tuple[int, int]) -> Edge:
    p, q = first[1] - second[1], second[0] - first[0]
    p, q = p // gcd(p, q), q // gcd(p, q)
    degree = p * first[0] + q * first[1]
    terms = {power: c for power, c in f.polynomial.terms() if p * power[0] + q * power[1] == degree}
    return Edge(p, q, degree, sp.Poly(terms, *f.symbols, domain=sp.QQ))


def _nondegenerate(f: Germ, edge: Edge) -> Condition | None:
    """That the gradient of the edge does not vanish off the axes: decided by common roots, and by a monomial in the ideal where there is one."""
    slopes = [edge.part.diff(x) for x in f.symbols]
    if not all(_off_zero(sp.gcd(*(_at(slope, sign) for slope in slopes))) == 0 for sign in (1, -1)):
        return None
    text = f"the edge {edge.part.as_expr()} is not degenerate"
    degrees = [edge.degree - edge.p, edge.degree - edge.q]
    for power in range(1, 2 * edge.degree):
        for target in ((power, power), (power, 0), (0, power)):
            factors = homogeneous(target, slopes, degrees, (edge.p, edge.q), f.symbols) if 2 * power * edge.degree < UNKNOWNS else None
            if factors is not None:
                right = sp.Add(*(f.stated(a) * f.stated(g) for a, g in zip(factors, slopes, strict=True)))
                left = f.stated(sp.Poly({target: 1}, *f.symbols, domain=sp.QQ))
                return Condition(text + ": a monomial is a combination of its derivatives", (f.equal(left, right, "a monomial"),))
    return Condition(text + ": its derivatives have no real root in common at y = 1 nor at y = -1")


def _at(polynomial: sp.Poly, sign: int, free: int = 0) -> sp.Poly:
    """The polynomial in one of the variables, the other one being 1 or -1."""
    gens = polynomial.gens
    return sp.Poly(polynomial.as_expr().xreplace({gens[1 - free]: sp.Integer(sign)}), gens[free], domain=sp.QQ)


def _off_zero(polynomial: sp.Poly) -> int:
    """How many real roots it has other than 0."""
    if polynomial.is_ground:
        return 0
    return int(polynomial.count_roots()) - int(polynomial(0) == 0)


def _changes_sign(polynomial: sp.Poly) -> tuple[sp.Rational, sp.Rational] | None:
    """Two rational numbers on the same side of 0 at which it has opposite signs, or None when there are none."""
    (x,) = polynomial.gens
    separated = sp.lcm(polynomial, sp.Poly(x, x, domain=sp.QQ)).sqf_part()
    width = sp.Rational(1, 4)
    while True:
        roots = separated.intervals(eps=width)
        (low, _), _ = roots[0]
        (_, high), _ = roots[-1]
        between = [low - 1, *((a[1] + b[0]) / 2 for (a, _), (b, _) in pairwise(roots)), high + 1]
        if all(separated(point) != 0 for point in between):
            break
        width /= 4
    return next(((a, b) for a, b in pairwise(between) if a * b > 0 and polynomial(a) * polynomial(b) < 0), None)


def _on_edge(f: Germ, edge: Edge) -> _Bound:
    if edge.p == edge.q:
        return _Bound(1 - sp.Rational(edge.p, edge.degree), True)
    which = 0 if edge.p > edge.q else 1
    heavy, light = max(edge.p, edge.q), min(edge.p, edge.q)
    slope = edge.part.diff(f.symbols[which])
    values = [_at(slope, sign, which) for sign in (1, -1)]
    name = f.variables[which].name
    if any(_off_zero(value) > 0 for value in values):
        bound = 1 - sp.Rational(light, edge.degree)
        for sign, value in zip((1, -1), values, strict=True):
            ends = _changes_sign(value)
            if ends is not None:
                return _Bound(bound, True, (_opposite(f, slope, which, sign, ends),))
        return _Bound(bound, False)
    found = monomial_times_definite(slope)
    text = f"the derivative by {name} of the edge {edge.part.as_expr()} does not vanish off the axes"
    parts: tuple[Part, ...] = ()
    if found is not None:
        parts = (f.equal(f.stated(slope), f.stated(found[0]) * f.stated(found[1]), "a monomial times terms of one sign"),)
    return _Bound(1 - sp.Rational(heavy, edge.degree), True, (Condition(text, parts),))


def _opposite(f: Germ, slope: sp.Poly, which: int, sign: int, ends: tuple[sp.Rational, sp.Rational]) -> Condition:
    heavy, light = f.symbols[which], f.symbols[1 - which]
    parts = []
    for end in ends:
        place = {heavy: f.point[which] + end, light: f.point[1 - which] + sign}
        parts.append(f.equal(f.stated(slope).xreplace(place), slope(*(end, sign) if which == 0 else (sign, end)), f"at {heavy} = {place[heavy]}"))
    text = f"{slope.as_expr()} has opposite signs at {heavy} = {ends[0]} and {heavy} = {ends[1]}, {light} = {sign}"
    return Condition(text, (*parts,))


def _on_axes(f: Germ, corners: tuple[tuple[int, int], ...], edges: tuple[Edge, ...]) -> list[_Bound]:
    """The vertices on the axes."""
    bounds = []
    ends = [(corners[0], edges[0] if edges else None, 0), (corners[-1], edges[-1] if edges else None, 1)]
    for corner, edge, own in ends:
        m = corner[1 - own]
        if corner[own] != 0:
            continue
        beside = [power[1 - own] for power in f.polynomial.monoms() if power[own] == 1]  # the k of x y^k, for the y axis
        # with (1, k) on the edge that edge has said it all: k = m - p if p > q, and otherwise p = q and k = m - 1
        if edge is None or all(power[own] != 1 for power in edge.part.monoms()):
            bounds.append(_Bound(1 - sp.Rational(1, m), all(k >= m - 1 for k in beside)))
    return bounds
