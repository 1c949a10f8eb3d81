"""The solutions $z \\ge 0$ of $Az = y$ of least norm, or what shows that there are none, or 0 alone; by linear programming, made exact."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from scipy.optimize import linprog

from .linear import near, product
from .polar import Polar

TIGHT = 1e-9


def least(polar: Polar) -> tuple[tuple[Fraction, ...], tuple[Fraction, ...]] | None:
    """A solution $z$ of least norm $\\|z\\|_1$ and a $\\nu$ with $A^T\\nu \\le 1$, $\\langle\\nu, y\\rangle = \\|z\\|_1$; None if none were found.

    >>> from numerics.limit import polar
    >>> least(polar([[1, 2]], [2], kappa=1, L=2, start={"w": [1, 1]}))
    ((Fraction(0, 1), Fraction(1, 1)), (Fraction(1, 2),))
    """
    A, y = _floats(polar)
    found = linprog(np.ones(A.shape[1]), A_eq=A, b_eq=y, bounds=(0, None), method="highs-ds")
    if found.status != 0:
        return None
    support = [n for n in range(A.shape[1]) if found.x[n] > TIGHT]
    inside = near([[row[n] for n in support] for row in polar.matrix], polar.target, [found.x[n] for n in support])
    if inside is None or any(value < 0 for value in inside):
        return None
    z = [Fraction(0)] * A.shape[1]
    for n, value in zip(support, inside, strict=True):
        z[n] = value
    guess, columns = found.eqlin.marginals, polar.columns
    slack = 1 - A.T @ guess
    tight = [n for n in range(A.shape[1]) if n in set(support) or slack[n] < TIGHT]
    for chosen in (tight, support):
        nu = near([columns[n] for n in chosen], [Fraction(1)] * len(chosen), guess)
        if nu is not None and all(value <= 1 for value in product(columns, nu)) and product([nu], polar.target)[0] == sum(z):
            return tuple(z), nu
    return None


def separating(polar: Polar) -> tuple[Fraction, ...] | None:
    """A $\\nu$ with $A^T\\nu \\ge 0$ and $\\langle\\nu, y\\rangle < 0$, which shows that no $z \\ge 0$ has $Az = y$; None if none was found.

    >>> from numerics.limit import polar
    >>> separating(polar([[1, 1]], [-1], kappa=1, L=2, start={"w": [1, 1]}))
    (Fraction(1, 1),)
    """
    A, y = _floats(polar)
    found = linprog(y, A_ub=-A.T, b_ub=np.zeros(A.shape[1]), bounds=(-1, 1), method="highs")
    if found.status != 0 or not found.fun < 0:
        return None
    columns = polar.columns
    tight = [n for n in range(A.shape[1]) if A[:, n] @ found.x < TIGHT]
    nu = near([columns[n] for n in tight], [Fraction(0)] * len(tight), found.x)
    return nu if nu is not None and all(value >= 0 for value in product(columns, nu)) and product([nu], polar.target)[0] < 0 else None


def positive(polar: Polar) -> tuple[Fraction, ...] | None:
    """A $\\nu$ with $A^T\\nu > 0$, which shows that no $z \\ge 0$ but 0 has $Az = 0$; None if none was found.

    >>> from numerics.limit import polar
    >>> positive(polar([[1, 2]], [0], kappa=1, L=2, start={"w": [1, 1]}))
    (Fraction(1, 1),)
    """
    A, _ = _floats(polar)
    height, width = A.shape
    cost = np.concatenate([np.zeros(height), [-1.0]])
    above = np.hstack([-A.T, np.ones((width, 1))])
    found = linprog(cost, A_ub=above, b_ub=np.zeros(width), bounds=[(-1, 1)] * height + [(None, 1)], method="highs")
    if found.status != 0:
        return None
    nu = tuple(Fraction(round(entry * 2**40), 2**40) for entry in found.x[:height])
    return nu if all(value > 0 for value in product(polar.columns, nu)) else None


def _floats(polar: Polar) -> tuple[np.ndarray, np.ndarray]:
    return np.array([[float(a) for a in row] for row in polar.matrix]), np.array([float(value) for value in polar.target])
