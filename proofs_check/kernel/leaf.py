"""The leaf of a start of the polar flow, in balls: the points whose dual coordinates differ from those of the start by a vector of the row space.

Let L >= 2 and w = r u with r > 0, |u| = 1, u_i > 0; x_i = w_i^L, R = r^2 = sum_i w_i^2. Let omega = u e^{kappa R/2}, so that

    K := |omega|^2 = e^{kappa R},    u = omega/|omega|,    x_i = (R omega_i^2/K)^(L/2),

and K > 1 is all that r > 0 asks of omega > 0. The dual coordinates are theta_i = log(omega_i^2) where L = 2, and theta_i = -omega_i^(2-L) < 0 where
L > 2. `at` is the inverse: for a vector v, the point with theta = theta(start) + v. There

    dx_i = a_i dtheta_i + c x_i sum_j x_j dtheta_j,

L = 2:  a_i = x_i,                              c = (R'/R - 1/K) K/R,
L > 2:  a_i = L/(L-2) x_i omega_i^(L-2),        c = L/(L-2) (R'/R - 1/K) (K/R)^(L/2),

R' = dR/dK = 1/(kappa K): from x_i = (R omega_i^2/K)^(L/2), and omega_i^2 = e^theta_i or (-theta_i)^(-2/(L-2)).

Plain gradient flow of w is the polar flow whose ratio moves, kappa = 1/r^2. It has omega = w, so that K = R, and any K > 0 is allowed; `kappa` is
None for it, and c = 0.

The same formulas with fewer coordinates describe points on a face of the orthant, where x_i = 0 outside a support.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from flint import arb, fmpq

from .instance import rational
from .language import Json, Rejected

LARGEST_LENGTH: Final = 2000


@dataclass(frozen=True)
class Polar:
    """The polar flow on 1/2 |Ax - y|^2 from w_i = values[i]^exponent, all numbers exact; without kappa, plain gradient flow."""

    kappa: fmpq | None
    depth: fmpq
    matrix: tuple[tuple[fmpq, ...], ...]
    target: tuple[fmpq, ...]
    exponent: fmpq
    values: tuple[fmpq, ...]

    @property
    def columns(self) -> tuple[tuple[fmpq, ...], ...]:
        return tuple(zip(*self.matrix, strict=True))


def dot(a: Sequence[fmpq], b: Sequence[fmpq]) -> fmpq:
    return sum((p * q for p, q in zip(a, b, strict=True)), fmpq(0))


def read_polar(certificate: Json) -> Polar:
    """`kappa`, `depth`, `matrix`, `target` and `start` with `exponent` and `values`."""
    kappa, depth = None if certificate["kappa"] is None else rational(certificate["kappa"]), rational(certificate["depth"])
    matrix = tuple(tuple(map(rational, row)) for row in certificate["matrix"])
    target = tuple(map(rational, certificate["target"]))
    exponent, values = rational(certificate["start"]["exponent"]), tuple(map(rational, certificate["start"]["values"]))
    if not (kappa is None or kappa > 0) or not depth >= 2:
        raise Rejected(f"the ratio kappa = {kappa} and the depth L = {depth} are given; kappa > 0 and L >= 2 are wanted")
    if not 1 <= len(values) <= LARGEST_LENGTH or not 1 <= len(target) <= LARGEST_LENGTH:
        raise Rejected(f"{len(target)} rows and {len(values)} weights are given; at least 1 and at most {LARGEST_LENGTH} are wanted")
    if len(matrix) != len(target) or any(len(row) != len(values) for row in matrix):
        raise Rejected(f"the matrix needs {len(target)} rows of {len(values)} numbers, as the target and the start have")
    if not all(value > 0 for value in values) or exponent == 0:
        raise Rejected("the start is not in the domain: all weights are positive, and given by their powers with an exponent other than 0")
    return Polar(kappa, depth, matrix, target, exponent, values)


@dataclass(frozen=True)
class Point:
    """A point of the leaf and its derivative by the dual coordinates; each ball contains the true number."""

    squares: list[arb]  # omega_i^2
    norm: arb  # K
    radius2: arb  # R
    x: list[arb]
    diagonal: list[arb]  # a
    rank_one: arb  # c


@dataclass(frozen=True)
class Leaf:
    """The leaf of a start at the present precision."""

    kappa: arb | None  # None for plain gradient flow
    depth: arb
    two: bool  # L = 2
    weights2: list[arb]  # w_i^2 of the start
    radius2: arb  # R of the start
    x: list[arb]  # of the start
    dual: list[arb]  # of the start

    def on(self, support: Sequence[int]) -> Leaf:
        """The same for the points whose other coordinates are 0: the limits of the leaf there."""
        chosen = [[entries[n] for n in support] for entries in (self.weights2, self.x, self.dual)]
        return replace(self, weights2=chosen[0], x=chosen[1], dual=chosen[2])

    def norm(self, shift: Sequence[arb]) -> tuple[list[arb], arb]:
        """The omega_i^2 with theta = theta(start) + shift, and their sum, whether it is above 1 or not."""
        moved = [theta + v for theta, v in zip(self.dual, shift, strict=True)]
        if self.two:
            squares = [theta.exp() for theta in moved]
        else:
            if not all(theta < 0 for theta in moved):
                raise Rejected("a dual coordinate is not certainly negative, and for L > 2 it is on the whole leaf")
            squares = [(-theta) ** (-2 / (self.depth - 2)) for theta in moved]
        total = sum(squares, arb(0))
        if not total.is_finite():
            raise Rejected("|omega|^2 is not bounded: the multipliers are too far from the leaf, or known to too few bits")
        return squares, total

    def at(self, shift: Sequence[arb]) -> Point:
        """The point with theta = theta(start) + shift. `Rejected` where it is not certain that there is one."""
        squares, norm = self.norm(shift)
        radius2, bend = self.radius(norm)
        if self.two:
            x = [radius2 * square / norm for square in squares]
            return Point(squares, norm, radius2, x, x, bend * norm / radius2)
        L = self.depth
        x = [(radius2 * square / norm) ** (L / 2) for square in squares]
        diagonal = [L / (L - 2) * entry * square ** (L / 2 - 1) for entry, square in zip(x, squares, strict=True)]
        return Point(squares, norm, radius2, x, diagonal, L / (L - 2) * bend * (norm / radius2) ** (L / 2))

    def radius(self, norm: arb) -> tuple[arb, arb]:
        """R as a function of K, and R'/R - 1/K."""
        if self.kappa is None:
            if not norm > 0:
                raise Rejected("|w|^2 is not certainly positive")
            return norm, arb(0)
        if not norm > 1:
            raise Rejected("|omega|^2 is not certainly above 1: there may be no point of the leaf with r > 0 there")
        radius2 = norm.log() / self.kappa
        return radius2, (1 / (self.kappa * radius2) - 1) / norm


def leaf(polar: Polar) -> Leaf:
    """The leaf of the start."""
    kappa, L, two = None if polar.kappa is None else arb(polar.kappa), arb(polar.depth), polar.depth == 2
    weights2 = [arb(value) ** arb(2 * polar.exponent) for value in polar.values]
    radius2 = sum(weights2, arb(0))
    x = [square ** (L / 2) for square in weights2]
    squares = weights2 if kappa is None else [square / radius2 * (kappa * radius2).exp() for square in weights2]
    dual = [square.log() if two else -(square ** (1 - L / 2)) for square in squares]
    return Leaf(kappa, L, two, weights2, radius2, x, dual)
