"""Functions on [0, 1] by what they are worth at Chebyshev's points.

Let theta_j = (2j + 1) pi / (2m) and s_j = (1 + cos theta_j)/2 for 0 <= j < m, let T_k be Chebyshev's polynomials, and let I g be the polynomial of a
degree below m that is g at all s_j. It is sum_k c_k T_k(2s - 1) with c_k = (2 - [k = 0])/m sum_j g(s_j) cos(k theta_j), so that |I g| <= sum_k |c_k|
on [0, 1].

Let E be the ellipse with the foci 0 and 1 and the half axes (rho + 1/rho)/4 and (rho - 1/rho)/4, rho > 1. Let g be holomorphic on E and the inside of
it, and differ there from a constant by at most M. Then g = sum_k a_k T_k(2s - 1), with |a_k| <= 2 M rho^-k for k >= 1. At the points s_j every T_k
is 0 or, up to its sign, one of the T_i with i < m, so that |T_k - I T_k| <= 2 and

    |g - I g| <= 2 sum_(k >= m) |a_k| <= 4 M rho^(1 - m) / (rho - 1)    on [0, 1].

Polynomials of a degree below m are their own I g. The ellipse lies in the disc |s| <= 1/2 + (rho + 1/rho)/4.
"""

from __future__ import annotations

from functools import lru_cache
from operator import mul

import flint
from flint import arb, arb_mat, fmpq


def powers(count: int, length: int) -> arb_mat:
    """s_j^k, a column for each of the points, for 0 <= k < length."""
    return _powers(count, length, flint.ctx.prec)


def rates(count: int, length: int) -> arb_mat:
    """k s_j^(k-1), likewise."""
    return _rates(count, length, flint.ctx.prec)


def transform(count: int) -> arb_mat:
    """What a row of values at the points is multiplied by to become the row of the c_k."""
    return _transform(count, flint.ctx.prec)


def points(count: int) -> list[arb]:
    """The s_j."""
    return [(1 + arb.cos_pi_fmpq(fmpq(2 * j + 1, 2 * count))) / 2 for j in range(count)]


def remainder(count: int, disc: fmpq) -> arb:
    """4 rho^(1 - m) / (rho - 1) for the largest ellipse in the disc |s| <= `disc`, which is more than 1."""
    axis = arb(disc - fmpq(1, 2))  # (rho + 1/rho)/4
    rho = 2 * axis + (4 * axis**2 - 1).sqrt()
    return 4 * rho ** (1 - count) / (rho - 1)


@lru_cache(maxsize=64)
def _powers(count: int, length: int, bits: int) -> arb_mat:
    at, rows = points(count), [[arb(1)] * count]
    for _ in range(length - 1):
        rows.append(list(map(mul, rows[-1], at)))
    return arb_mat(rows)


@lru_cache(maxsize=64)
def _rates(count: int, length: int, bits: int) -> arb_mat:
    rows = _powers(count, length, bits).tolist()
    return arb_mat([[arb(0)] * count, *([k * c for c in row] for k, row in enumerate(rows[:-1], 1))])


@lru_cache(maxsize=64)
def _transform(count: int, bits: int) -> arb_mat:
    cosines = [arb.cos_pi_fmpq(fmpq(k, 2 * count)) * fmpq(2, count) for k in range(4 * count)]
    flat = [cosines[k * (2 * j + 1) % (4 * count)] if k else arb(fmpq(1, count)) for j in range(count) for k in range(count)]
    return arb_mat(count, count, flat)
