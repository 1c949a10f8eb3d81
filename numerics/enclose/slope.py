"""The largest eigenvalues of symmetric matrices, by LAPACK: guesses for others to check."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import ArrayLike

ROOM = 1e-7
NEARLY = 0.02


def slope(matrix: ArrayLike) -> Fraction:
    """Let $S$ be symmetric: a number that exceeds $\\lambda_{\\max}(S)$ by about $10^{-7} \\|S\\|$, room enough for a factorisation in double."""
    values = np.linalg.eigvalsh(np.asarray(matrix, dtype=np.float64))
    room = ROOM * max(abs(float(values[0])), abs(float(values[-1])), 1e-6)
    return Fraction(ceil((float(values[-1]) + room) * 2**40), 2**40)


def gentlest(still: ArrayLike, pulled: ArrayLike, choices: Sequence[Fraction]) -> Fraction:
    """Let $S(\\kappa) = S(0) + \\kappa (S(1) - S(0))$ be symmetric: the first choice of $\\kappa$ with nearly the least $\\lambda_{\\max}$."""
    at_zero, at_one = np.asarray(still, dtype=np.float64), np.asarray(pulled, dtype=np.float64)
    values = [float(np.linalg.eigvalsh(at_zero + float(kappa) * (at_one - at_zero))[-1]) for kappa in choices]
    least = min(values)
    return next(kappa for kappa, value in zip(choices, values, strict=True) if value <= least + NEARLY * (1 + abs(least)))


def inverse(gradients: ArrayLike) -> tuple[tuple[Fraction, ...], ...]:
    """Let the rows be gradients of quantities: for each a vector, orthogonal to the other gradients, along which it changes at the rate 1."""
    columns = np.linalg.pinv(np.asarray(gradients, dtype=np.float64)).T
    return tuple(tuple(Fraction(round(float(c) * 2**20), 2**20) for c in column) for column in columns)
