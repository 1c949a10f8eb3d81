"""What the kernel is offered about the rates at which the loss falls: an eigenvalue in the end, and a trap from the start on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from flint import arb, arb_mat
from scipy.linalg import eigh

from .balls import below, exact, middle
from .kernel import falling
from .kernel.language import Rejected
from .kernel.leaf import Leaf, Point, Polar

STEPS = 12  # of Rayleigh's iteration, which triples the digits
SHORT = 40  # bits of the vector offered, beyond those the digits ask for
HALVINGS = 60
SAFE = Fraction(1, 2**20)  # relative room for rounding


def in_the_end(polar: Polar, rows: Sequence[int], start: Leaf, point: Point, digits: int) -> dict[str, Any] | None:
    """Twice the least eigenvalue of J at the limit, to as many of the digits as the kernel accepts; None on the boundary."""
    if len(point.x) != len(polar.values):
        return None
    gram = arb_mat(falling.residuals(polar, rows))
    moved = (gram * falling.kernel_matrix(polar, rows, start, point) * gram).mid()
    values, vectors = eigh(_floats(moved), _floats(gram))
    vector = arb_mat(len(rows), 1, [arb(float(v)) for v in vectors[:, 0]])
    value = arb(float(values[0]))
    for _ in range(STEPS):
        try:
            turned = (moved - gram * value).solve(gram * vector).mid()
        except ZeroDivisionError:
            break  # as near as the bits allow
        norm = (turned.transpose() * gram * turned)[0, 0].sqrt().mid()
        if not (norm.is_finite() and norm > 0):
            break
        vector = (turned * (1 / norm)).mid()
        value = (vector.transpose() * moved * vector)[0, 0].mid()
    node = {"vector": [str(_few(entry, digits)) for entry in vector.entries()]}
    twice = middle(value * 2)
    for kept in range(digits, 0, -1):
        within = _power(twice, kept)
        offered = {**node, "value": str(_rounded(twice, within / 16)), "within": str(within)}
        try:
            falling.in_the_end(polar, rows, start, point, offered)
        except Rejected:
            continue
        return offered
    return None


def throughout(polar: Polar, rows: Sequence[int], start: Leaf, point: Point) -> dict[str, Any] | None:
    """Bounds of the radius and of the direction from the divergence to the limit; None where it allows a radius of 0, or any."""
    if start.kappa is None or len(point.x) != len(polar.values):
        return None
    trap = falling.Trap(start, point.x)
    spent, total = trap.spent(), below(trap.total)
    low = _crossing(lambda R: trap.radial(arb(R)) > spent, Fraction(0), total)
    high = _rising(lambda R: trap.radial(exact(R)) > spent, total)
    if low is None or high is None:
        return None
    heavy = trap.weight(exact(high))
    floors = []
    for n, share in enumerate(trap.shares):
        floor = _crossing(partial(_outside, trap, n, spent / heavy), Fraction(0), below(share))
        if floor is None:
            return None
        floors.append(floor)
    node = {"low": str(low), "high": str(high), "floors": list(map(str, floors))}
    rate = _least(polar, rows, start, low, floors)
    for room in (SAFE, SAFE * 2**10, Fraction(1, 2)):
        offered = {**node, "rate": str(below(exact(rate * (1 - room))))}
        try:
            falling.throughout(polar, rows, start, point, offered)
        except Rejected:
            continue
        return offered
    return None


def _outside(trap: falling.Trap, n: int, allowed: arb, q: arb) -> bool:
    """Whether u_n^2 = q is more than the divergence allows."""
    return bool(trap.angular(n, q) > allowed)


def _least(polar: Polar, rows: Sequence[int], start: Leaf, low: Fraction, floors: Sequence[Fraction]) -> Fraction:
    """The rate, in float64."""
    assert polar.kappa is not None
    A = np.array([[float(polar.matrix[k][n]) for n in range(len(floors))] for k in rows])
    L = float(polar.depth)
    weights = np.array([float(low * q) for q in floors]) ** (L - 1)
    gram = _floats(arb_mat(falling.residuals(polar, rows)))
    least = eigh(gram @ (A * weights) @ A.T @ gram, gram, eigvals_only=True)[0]
    return Fraction(float(2 * L**2 * min(1.0, float(polar.kappa) * float(low)) * max(least, 0.0)))


def _crossing(holds: Callable[[Any], bool], below_: Fraction, above_: Fraction) -> Fraction | None:
    """A place where something holds, near the end of the places where it does; it holds from the lower end on, if at all."""
    low, high = below_, above_
    found = None
    for _ in range(HALVINGS):
        place = (low + high) / 2 if low > 0 else high / 4
        if holds(exact(place)):
            low = found = place
            if high - low < low / 2**16:
                break
        else:
            high = place
            if low == 0 and high < above_ / 2**50:
                return None
    return found


def _rising(holds: Callable[[Fraction], bool], start: Fraction) -> Fraction | None:
    """A place beyond the start where something holds, near the first."""
    low, high = start, 2 * start
    for _ in range(HALVINGS):
        if holds(high):
            break
        low, high = high, 2 * high
    else:
        return None
    while high - low > low / 2**16:
        place = (low + high) / 2
        low, high = (low, place) if holds(place) else (place, high)
    return high


def _floats(matrix: arb_mat) -> np.ndarray:
    return np.array([[float(entry.mid()) for entry in row] for row in matrix.tolist()])


def _few(value: arb, digits: int) -> Fraction:
    bits = SHORT + 2 * digits
    return Fraction(round(middle(value) * 2**bits), 2**bits)


def _power(value: Fraction, digits: int) -> Fraction:
    """About 10^-digits of the value."""
    size = Fraction(10) ** (len(str(int(value))) - 1 if value >= 1 else -len(str(int(1 / value))))
    return size / 10**digits


def _rounded(value: Fraction, unit: Fraction) -> Fraction:
    return round(value / unit) * unit
