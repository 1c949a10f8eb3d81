"""What the limit is compared with: the loss, the effective initialisation, the excess of the l1 norm, the divergence; at any precision, by mpmath."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from mpmath import exp, fsum, gammainc, log, mpf, sqrt, workdps

from .polar import Polar


def _mp(value: Any) -> mpf:
    return mpf(value.numerator) / value.denominator if isinstance(value, Fraction) else mpf(value)


def weights(polar: Polar) -> list[mpf]:
    """The weights of the start."""
    return [_mp(value) ** _mp(polar.exponent) for value in polar.values]


def loss(polar: Polar, x: Sequence[Any]) -> mpf:
    """$\\frac12\\|Ax - y\\|^2$."""
    return (
        fsum((fsum(_mp(a) * _mp(v) for a, v in zip(row, x, strict=True)) - _mp(t)) ** 2 for row, t in zip(polar.matrix, polar.target, strict=True))
        / 2
    )


def effective(polar: Polar, x: Sequence[Any], *, digits: int = 30) -> mpf:
    """The factor $\\rho = \\frac{r_0}{r_\\infty}e^{\\kappa(r_\\infty^2 - r_0^2)/2}$: plain gradient flow from $w_0/\\rho$ ends at the same $x$."""
    with workdps(digits):
        before = fsum(w**2 for w in weights(polar))
        after = fsum(_mp(v) ** (2 / _mp(polar.depth)) for v in x)
        return sqrt(before / after) * exp(_mp(polar.kappa) * (after - before) / 2)


def excess(x: Sequence[Any], least: Any, *, digits: int = 30) -> mpf:
    """$\\|x\\|_1 - Q$."""
    with workdps(digits):
        return fsum(_mp(v) for v in x) - _mp(least)


def bregman(polar: Polar, z: Sequence[Any], x: Sequence[Any], *, digits: int = 30) -> mpf:
    """The divergence $D_\\Phi(z, x)$ of the mirror potential of the flow, for $z \\ge 0$ and $x > 0$."""
    with workdps(digits):
        return _potential(polar, z) - _potential(polar, x) - fsum(g * (_mp(v) - _mp(e)) for g, v, e in zip(_slope(polar, x), z, x, strict=True))


def _potential(polar: Polar, x: Sequence[Any]) -> mpf:
    kappa, L, values = _mp(polar.kappa), _mp(polar.depth), [_mp(v) for v in x]
    if L == 2:
        s = fsum(values)
        return fsum(v * log(v / s) for v in values if v) + kappa / 2 * s**2
    b = (L / 2 - 1) * kappa
    return -L / 2 * b ** (-L / 2) * gammainc(L / 2, 0, b * fsum(v ** (2 / L) for v in values))


def _slope(polar: Polar, x: Sequence[Any]) -> list[mpf]:
    kappa, L, values = _mp(polar.kappa), _mp(polar.depth), [_mp(v) for v in x]
    R = fsum(v ** (2 / L) for v in values)
    if L == 2:
        return [log(v / R) + kappa * R for v in values]
    psi = R ** (L / 2 - 1) * exp(-(L / 2 - 1) * kappa * R)
    return [-psi * v ** (2 / L - 1) for v in values]
