"""Hyperspherical angles for the direction, at an explicit dimension."""

from __future__ import annotations

import sympy as sp

from ..settings import Space
from ..symbols import Variable


def angles(dimension: int) -> tuple[Variable, ...]:
    """Let $N \\ge 2$: the $N-1$ angles $\\phi_1, \\ldots, \\phi_{N-1}$."""
    if dimension < 2:
        raise ValueError(f"a sphere in dimension {dimension} has no angles; at least 2 is needed")
    return tuple(Variable(f"phi{n}", (), "parameter") for n in range(1, dimension))


def direction(dimension: int) -> tuple[sp.Expr, ...]:
    """$u_1 = \\cos\\phi_1$, $u_2 = \\sin\\phi_1\\cos\\phi_2$, ..., $u_N = \\sin\\phi_1\\cdots\\sin\\phi_{N-1}$.

    >>> direction(2)
    (cos(phi1), sin(phi1))
    """
    phi = [angle[()] for angle in angles(dimension)]
    sines = [sp.Mul(*(sp.sin(angle) for angle in phi[:n])) for n in range(dimension)]
    return (*(sines[n] * sp.cos(phi[n]) for n in range(dimension - 1)), sines[-1])


def sphere_metric(dimension: int) -> dict[str, sp.Expr]:
    """The inverse of the sphere's metric in these angles: $g^{nn} = \\prod_{m<n} \\sin^{-2}\\phi_m$; singular where a sine vanishes."""
    chart = angles(dimension)
    return {chart[n].name: sp.Mul(*(sp.sin(chart[m][()]) ** -2 for m in range(n))) for n in range(dimension - 1)}


def angle_space(dimension: int, radius: Variable) -> Space:
    """The radius with the angles."""
    return Space((radius, *angles(dimension)))
