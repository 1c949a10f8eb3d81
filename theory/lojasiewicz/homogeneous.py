"""Homogeneous functions that are positive: the inequality with its constant, everywhere.

Let $f$ be homogeneous of degree $d$ around $a$ and $f \\ge m\\,|x|^d$ with $m > 0$. Euler's identity and the inequality of Cauchy and Schwarz give
$d f = \\langle x, \\nabla f\\rangle \\le |x|\\,|\\nabla f|$, and with $|x| \\le (f/m)^{1/d}$
$$|\\nabla f| \\ge d\\,m^{1/d}\\,f^{1 - 1/d} .$$
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import sympy as sp

from ..statements import AtMost, Part
from .germs import Germ


@dataclass(frozen=True)
class Inequality:
    """Let $|\\nabla f| \\ge c\\,(f - f(a))^\\theta$ everywhere: it follows from the parts, which a kernel has to accept."""

    theta: sp.Rational
    constant: sp.Expr
    parts: tuple[Part, ...]


def homogeneous_inequality(f: Germ, floor: sp.Rational) -> Inequality:
    """Let $f - f(a)$ be homogeneous of even degree $d$ in $x - a$, and at least $m\\,|x - a|^d$: exponent $1 - 1/d$ with the constant $d\\,m^{1/d}$.

    >>> from ..symbols import Variable
    >>> from .germs import germ
    >>> x, y = Variable("x", (), "parameter"), Variable("y", (), "parameter")
    >>> homogeneous_inequality(germ(x[()] ** 4 + y[()] ** 4, (x, y)), sp.Rational(1, 2)).constant
    2*2**(3/4)

    That $m$ is a floor is one of the parts; it is not looked for. Raises `ValueError` for other functions, and for a floor that is not positive.
    """
    degrees = {sum(power) for power in f.polynomial.monoms()}
    (degree, *more) = sorted(degrees)
    floor = sp.sympify(floor, strict=True)
    if more or degree % 2:
        raise ValueError(f"{f.value} has terms of the degrees {sorted(degrees)} around the point, and one even degree is wanted")
    if not (floor.is_Rational and floor > 0):
        raise ValueError(f"the floor {floor} was given, and a positive rational number is wanted")
    steps = [f.stated(x) for x in f.symbols]
    slopes = [f.stated(slope) for slope in f.partials]
    above = f.stated(f.polynomial)
    radius, square = sp.Add(*(x**2 for x in steps)), sp.Add(*(slope**2 for slope in slopes))
    crossed = sp.Add(*((steps[i] * slopes[j] - steps[j] * slopes[i]) ** 2 for i, j in combinations(range(len(steps)), 2)))
    setting = f.setting
    parts = (
        *f.gradient(*range(len(steps))),
        Part(setting, AtMost(degree**2 * above**2, radius * square, because=crossed), "Euler's identity, Cauchy and Schwarz"),
        Part(setting, AtMost(floor * radius ** (degree // 2), above), "the floor"),
    )
    return Inequality(1 - sp.Rational(1, degree), degree * floor ** sp.Rational(1, degree), parts)
