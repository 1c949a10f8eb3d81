"""The face of the orthant that the solutions $z \\ge 0$ of $Az = y$ lie in, by linear programming, with an exact vector that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np
from flint import fmpz, fmpz_mat
from scipy.optimize import linprog

from .linear import near, product
from .polar import Polar


@dataclass(frozen=True)
class Face:
    """Let $S$ be the support: $z_i = 0$ outside it for every $z \\ge 0$ with $Az = y$, and some such $z$ is positive on all of it.

    `rows` are rows of $A_S$ that span its row space. Unless the support is full, `normal` is a $\\nu$ with $A^T\\nu \\ge 0$, positive outside $S$,
    and $\\langle\\nu, y\\rangle = 0$.
    """

    support: tuple[int, ...]
    rows: tuple[int, ...]
    normal: tuple[Fraction, ...] = ()


def face(polar: Polar) -> Face | None:
    """The face of the solutions; None if there are none, or if linear programming in float64 does not find it."""
    A = np.array([[float(a) for a in row] for row in polar.matrix])
    y = np.array([float(value) for value in polar.target])
    support = _support(A, y)
    if not support:
        return None
    rows = independent(polar, support)
    if rows is None:
        return None
    if len(support) == len(polar.values):
        return Face(support, rows)
    normal = _normal(polar, A, support)
    return None if normal is None else Face(support, rows, normal)


def _support(A: np.ndarray, y: np.ndarray) -> tuple[int, ...]:
    """Where z can be positive: the largest sum of t with A z = s y, z >= t, 0 <= t <= 1, s >= 1."""
    height, width = A.shape
    equal = np.hstack([A, np.zeros((height, width)), -y[:, None]])
    above = np.hstack([-np.eye(width), np.eye(width), np.zeros((width, 1))])
    cost = np.concatenate([np.zeros(width), -np.ones(width), [0.0]])
    bounds = [(0, None)] * width + [(0, 1)] * width + [(1, None)]
    found = linprog(cost, A_ub=above, b_ub=np.zeros(width), A_eq=equal, b_eq=np.zeros(height), bounds=bounds, method="highs")
    return tuple(int(n) for n in np.flatnonzero(found.x[width : 2 * width] > 0.5)) if found.status == 0 else ()


def _normal(polar: Polar, A: np.ndarray, support: tuple[int, ...]) -> tuple[Fraction, ...] | None:
    """nu with A_S^T nu = 0 exactly and the largest least entry of A^T nu elsewhere."""
    height, width = A.shape
    outside = [n for n in range(width) if n not in set(support)]
    above = np.hstack([-A[:, outside].T, np.ones((len(outside), 1))])
    equal = np.hstack([A[:, list(support)].T, np.zeros((len(support), 1))])
    cost = np.concatenate([np.zeros(height), [-1.0]])
    bounds = [(-1, 1)] * height + [(None, 1)]
    found = linprog(cost, A_ub=above, b_ub=np.zeros(len(outside)), A_eq=equal, b_eq=np.zeros(len(support)), bounds=bounds, method="highs")
    if found.status != 0:
        return None
    columns = polar.columns
    normal = near([columns[n] for n in support], [Fraction(0)] * len(support), found.x[:height])
    if normal is None:
        return None
    heights = product(columns, normal)
    return normal if all(heights[n] > 0 for n in outside) else None


def independent(polar: Polar, support: Sequence[int]) -> tuple[int, ...] | None:
    """Rows that span the row space of $A_S$; None if no vector supported there solves $Ax = y$."""
    scaled = [_whole([*(row[n] for n in support), value]) for row, value in zip(polar.matrix, polar.target, strict=True)]
    whole, bare = fmpz_mat(scaled), fmpz_mat([row[:-1] for row in scaled])
    rank = bare.rank()
    if whole.rank() != rank:
        return None
    if rank == len(scaled):
        return tuple(range(rank))
    reduced, _, _ = bare.transpose().rref()
    return tuple(next(n for n, entry in enumerate(row) if entry != 0) for row in reduced.tolist()[:rank])


def _whole(row: Sequence[Fraction]) -> list[fmpz]:
    scale = lcm(*(a.denominator for a in row))
    return [fmpz(a.numerator * (scale // a.denominator)) for a in row]
