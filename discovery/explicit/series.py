"""Power series along the flow: the Taylor coefficients of trajectories, at many points at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from proofs_check.kernel.graph import Place

from .modular import Array, P, inverse
from .system import Points, System, _multiple

Series = Array  # [power of t, point]


def product(a: Series, b: Series) -> Series:
    """The product of two series, as far as the shorter one goes."""
    length = min(len(a), len(b))
    return np.stack([(a[: k + 1] * b[k::-1] % P).sum(axis=0) % P for k in range(length)])


@dataclass
class _Trajectory:
    """The coefficients found so far, of the coordinates and of the nodes, one power of t after the other."""

    system: System
    points: Points
    order: int
    coordinates: Array = field(init=False)
    nodes: dict[int, Series] = field(default_factory=dict)
    lead: dict[int, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.coordinates = np.zeros((self.order, self.system.dimension, self.points.count), dtype=np.int64)
        self.coordinates[0] = self.points.x
        zero = np.zeros((self.order, self.points.count), dtype=np.int64)
        self.nodes = {n: zero.copy() for n in self.system.nodes}
        for n, value in self.system.nodes_at(self.points).items():
            self.nodes[n][0] = value

    @cached_property
    def index(self) -> Mapping[Place, int]:
        return {place: row for row, place in enumerate(self.system.places)}

    @cached_property
    def extras(self) -> Mapping[tuple[str, int], int]:
        return {(extra.name, extra.of): len(self.system.places) + k for k, extra in enumerate(self.system.adjoined)}

    def extra(self, name: str, a: int) -> Array:
        """The series of an adjoined coordinate."""
        return self.coordinates[:, self.extras[name, a]]

    def step(self, k: int) -> None:
        """The coefficients of $t^k$ of all nodes, and those of $t^{k+1}$ of what moves."""
        for n in self.system.nodes if k else ():
            self.nodes[n][k] = self.coefficient(n, k)
        if k + 1 < self.order:
            over = pow(k + 1, -1, P)
            for row, place in enumerate(self.system.moving):
                self.coordinates[k + 1, row] = self.nodes[self.system.motion.velocities[place]][k] * over % P

    def coefficient(self, n: int, k: int) -> Array:
        node, nodes = self.system.graph.nodes[n], self.nodes
        match node:
            case ["number", _]:
                return nodes[n][k]
            case ["place", place]:
                row = self.index.get(place)
                return nodes[n][k] if row is None else self.coordinates[k, row]
            case ["held", a]:
                return nodes[a][k]
            case ["+", args]:
                return sum((nodes[a][k] for a in args), np.zeros(self.points.count, dtype=np.int64)) % P
            case ["*", a, b]:
                return (nodes[a][: k + 1] * nodes[b][k::-1] % P).sum(axis=0) % P
            case ["^", a, q] if q.q == 1:
                return self.raised(n, nodes[a], int(q), k)
            case ["^", a, q]:
                return self.raised(n, self.adjoined("root", a, k), int(q.p), k)
            case ["exp", a]:
                base, times = _multiple(self.system.graph, a)
                return self.raised(n, self.adjoined("exp", base, k), times, k)
            case [str(name), a]:
                return self.adjoined(name, a, k)[k]
        raise ValueError(f"{node} is no node")

    def raised(self, n: int, a: Series, exponent: int, k: int) -> Array:
        """$k a_0 y_k = \\sum_{j=1}^k (q j - (k - j)) a_j y_{k-j}$ for $y = a^q$."""
        if n not in self.lead:
            self.lead[n] = inverse(a[0])
        total = np.zeros(self.points.count, dtype=np.int64)
        for j in range(1, k + 1):
            total += (exponent * j - (k - j)) % P * (a[j] * self.nodes[n][k - j] % P) % P
        return total % P * self.lead[n] % P * pow(k, -1, P) % P

    def adjoined(self, name: str, a: int, k: int) -> Series:
        """The series of $y = f(a)$ with the coefficient of $t^k$ put in, from the differential equation of f."""
        y, inner = self.extra(name, a), self.nodes[a]
        if name in ("sin", "cos"):
            s, c = self.extra("sin", a), self.extra("cos", a)
            s[k], c[k] = self.driven(inner, c, k), -self.driven(inner, s, k) % P
            return y
        match name:
            case "exp":
                y[k] = self.driven(inner, y, k)
            case "root":  # 2 y y' = a'
                known = sum((j * (y[j] * y[k - j] % P) % P for j in range(1, k)), np.zeros_like(y[0]))
                y[k] = (k * inner[k] % P * pow(2, -1, P) - known) % P * inverse(y[0]) % P * pow(k, -1, P) % P
            case "log":
                y[k] = self.divided(inner, inner, k, y)
            case "atan":
                square = product(inner[: k + 1], inner[: k + 1])
                square[0] = (square[0] + 1) % P
                y[k] = self.divided(inner, square, k, y)
            case _:
                raise ValueError(f"no differential equation is known of {name}")
        return y

    def driven(self, a: Series, y: Series, k: int) -> Array:
        """The coefficient of the integral of a' y."""
        total = sum((j * (a[j] * y[k - j] % P) % P for j in range(1, k + 1)), np.zeros_like(y[0]))
        return total % P * pow(k, -1, P) % P

    def divided(self, a: Series, b: Series, k: int, y: Series) -> Array:
        """The coefficient of y with b y' = a'."""
        known = sum((j * (y[j] * b[k - j] % P) % P for j in range(1, k)), np.zeros_like(y[0]))
        return (k * a[k] - known) % P * inverse(b[0]) % P * pow(k, -1, P) % P


def trajectory(system: System, points: Points, order: int) -> Array:
    """Let each column of `points` be a start and a constant control: the Taylor coefficients of the coordinates, [power of t, coordinate, point].

    An adjoined coordinate that is not a function of its argument at the start follows its differential equation all the same.
    """
    found = _Trajectory(system, points, order)
    for k in range(order):
        found.step(k)
        for extra in system.adjoined if k else ():
            found.adjoined(extra.name, extra.of, k)
    return found.coordinates


def monomials(series: Array, exponents: Sequence[Mapping[int, int]]) -> Array:
    """The series of monomials in the coordinates, [power of t, monomial, point]; each is {coordinate: exponent}."""
    one = np.zeros((series.shape[0], series.shape[2]), dtype=np.int64)
    one[0] = 1
    found = []
    for monomial in exponents:
        value: Series | None = None
        for row, n in monomial.items():
            for _ in range(n):
                value = series[:, row] if value is None else product(value, series[:, row])
        found.append(one if value is None else value)
    return np.stack(found, axis=1)
