"""Arctangents: the logarithms of complex invariant forms.

Let $x + iy$ divide its rate of change. Then $x^2 + y^2$ does so too, and the argument of $x + iy$, arctan(y/x), has a rate without a denominator.
Where -1 is no square modulo p, such a sum of squares has no zeros to be found at: the pairs of coordinates are tried one by one.
"""

from __future__ import annotations

from itertools import combinations

import sympy as sp

from .combinations import Function
from .jets import Sample
from .modular import P

MOST_PAIRS = 120


def arctangents(sample: Sample) -> list[Function]:
    """$\\log(x^2 + y^2)$ and $\\arctan(x/y)$ for each two coordinates that may be real and imaginary part of an invariant form."""
    pairs = list(combinations(sample.system.symbols, 2))[:MOST_PAIRS]
    return [build(sample, y, x) for build in (_modulus, _angle) for y, x in pairs]


def _modulus(sample: Sample, y: sp.Symbol, x: sp.Symbol) -> Function:
    return Function(sp.log(x**2 + y**2), sample.polynomial(x**2 + y**2).log_rate, "logarithm")


def _angle(sample: Sample, y: sp.Symbol, x: sp.Symbol) -> Function:
    a, b = sample.coordinate(y), sample.coordinate(x)
    rate = (a.rate * b.value % P - a.value * b.rate % P) % P
    square = a * a + b * b
    return Function(sp.atan(y / x), rate * square.raised(-1).value % P, "arctangent")
