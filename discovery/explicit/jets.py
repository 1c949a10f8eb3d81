"""Values of functions at sampled points of a system, together with their rates of change along the flow."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import sympy as sp

from .modular import Array, P, element, inverse, power
from .system import Points, System


@dataclass(frozen=True)
class Jet:
    """Let f be a function: its values modulo p at the sampled points, and there $\\frac d{dt} f$."""

    value: Array
    rate: Array

    def __add__(self, other: Jet) -> Jet:
        return Jet((self.value + other.value) % P, (self.rate + other.rate) % P)

    def __mul__(self, other: Jet) -> Jet:
        return Jet(self.value * other.value % P, (self.value * other.rate % P + self.rate * other.value % P) % P)

    def raised(self, n: int) -> Jet:
        """$f^n$, for negative n where f vanishes at none of the points."""
        if n in (1, 2):
            return self if n == 1 else self * self
        if n == 0:
            return Jet(np.ones_like(self.value), np.zeros_like(self.value))
        return Jet(power(self.value, n), n * power(self.value, n - 1) % P * self.rate % P)

    @property
    def log_rate(self) -> Array:
        """The rate of change of log f."""
        return self.rate * inverse(self.value) % P


@dataclass(frozen=True)
class Sample:
    """Let points be given, each with a control of its own: the jets of the coordinates there."""

    system: System
    points: Points
    velocity: Array

    @property
    def count(self) -> int:
        return self.points.count

    def coordinate(self, symbol: sp.Symbol) -> Jet:
        k = self.system.symbols.index(symbol)
        return Jet(self.points.x[k], self.velocity[k])

    def polynomial(self, p: sp.Expr) -> Jet:
        """The jet of a polynomial with rational coefficients in the coordinates."""
        zero = np.zeros(self.count, dtype=np.int64)
        total = Jet(zero, zero)
        used = sorted(p.free_symbols, key=str)
        if not used:
            return Jet(zero + element(Fraction(int(p.p), int(p.q))), zero)
        for exponents, q in sp.Poly(p, *used).terms():
            term = Jet(zero + element(Fraction(int(q.p), int(q.q))), zero)
            for symbol, n in zip(used, exponents, strict=True):
                term = term * self.coordinate(symbol).raised(n) if n else term
            total = total + term
        return total


def sample(system: System, count: int, random: np.random.Generator, *, ambient: bool = False) -> Sample:
    """Points of the domain, or of the whole space, with the velocities there."""
    points = system.random(count, random) if ambient else system.on_domain(count, random)
    return Sample(system, points, system.velocity(points))
