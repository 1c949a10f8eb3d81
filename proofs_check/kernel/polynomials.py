"""Polynomials in lambda: what a flow does to a whole set of starts and constants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import add
from typing import TypeAlias, assert_never

from flint import arb_mat, fmpq

from .language import Function
from .passes import Ring, Value
from .rings import raised

Exponents: TypeAlias = tuple[int, ...]
Polynomial: TypeAlias = Mapping[Exponents, Value]  # the coefficient of each monomial that has one; that of 1 is always there


@dataclass(frozen=True)
class Polynomials:
    """Polynomials in `width` variables, cut off beyond a total `degree`, with coefficients of the ring `scalars`.

    Functions are taken degree by degree: with p(z) = sum_l p_l z^l, p_l of degree l, f(p)' = f'(p) p' says l f_l = sum_i i p_i g_(l-i), g = f'(p).
    """

    scalars: Ring
    width: int
    degree: int

    @property
    def _one(self) -> Exponents:
        return (0,) * self.width

    def number(self, q: fmpq) -> Polynomial:
        return {self._one: self.scalars.number(q)}

    def plus(self, a: Polynomial, b: Polynomial) -> Polynomial:
        found = dict(a)
        for powers, c in b.items():
            found[powers] = self.scalars.plus(found[powers], c) if powers in found else c
        return found

    def times(self, a: Polynomial, b: Polynomial) -> Polynomial:
        found: dict[Exponents, Value] = {}
        plus, times = self.scalars.plus, self.scalars.times
        for one, p in a.items():
            room = self.degree - sum(one)
            for other, q in b.items():
                if sum(other) <= room:
                    powers = tuple(map(add, one, other))
                    found[powers] = plus(found[powers], times(p, q)) if powers in found else times(p, q)
        return found

    def power(self, a: Polynomial, q: fmpq) -> Polynomial:
        first = a[self._one]
        if q.q == 1 and q > 0:
            return raised(self.times, a, int(q.p))
        found = self._of(self.scalars.power(first, q))
        if len(a) > 1:  # l p_0 f_l = sum_i (q i - (l - i)) p_i f_(l-i)
            inverse = self._of(self.scalars.power(first, fmpq(-1)))
            for n in range(1, self.degree + 1):
                parts = [self._scaled(self.times(self._part(a, i), self._part(found, n - i)), q * i - (n - i)) for i in range(1, n + 1)]
                found = self._joined(found, self._scaled(self.times(inverse, self._sum(parts)), fmpq(1, n)))
        return found

    def function(self, name: Function, a: Polynomial) -> Polynomial:
        first = a[self._one]
        value = self._of(self.scalars.function(name, first))
        if len(a) == 1:
            return value
        one, square = self.number(fmpq(1)), self.times(a, a)
        match name:
            case "abs":
                return self.times(self.times(value, self._of(self.scalars.power(first, fmpq(-1)))), a)  # its sign times a
            case "log":
                return self._integrated(value, self.power(a, fmpq(-1)), a)
            case "asinh":
                return self._integrated(value, self.power(self.plus(one, square), fmpq(-1, 2)), a)
            case "atan":
                return self._integrated(value, self.power(self.plus(one, square), fmpq(-1)), a)
            case "atanh":
                return self._integrated(value, self.power(self.plus(one, self._scaled(square, fmpq(-1))), fmpq(-1)), a)
            case "exp":
                for n in range(1, self.degree + 1):
                    value = self._joined(value, self._next(value, a, n))
                return value
            case "sin" | "cos":
                sine, cosine = self._of(self.scalars.function("sin", first)), self._of(self.scalars.function("cos", first))
                for n in range(1, self.degree + 1):
                    up, down = self._next(cosine, a, n), self._scaled(self._next(sine, a, n), fmpq(-1))
                    sine, cosine = self._joined(sine, up), self._joined(cosine, down)
                return sine if name == "sin" else cosine
        assert_never(name)

    def image(self, matrix: arb_mat, values: Sequence[Polynomial]) -> list[Polynomial]:
        zero = self.scalars.number(fmpq(0))
        found: list[dict[Exponents, Value]] = [{} for _ in range(matrix.nrows())]
        for powers in dict.fromkeys(powers for a in values for powers in a):
            for own, image in zip(found, self.scalars.image(matrix, [a.get(powers, zero) for a in values]), strict=True):
                own[powers] = image
        return list(found)

    def _of(self, scalar: Value) -> Polynomial:
        return {self._one: scalar}

    def _part(self, a: Polynomial, degree: int) -> Polynomial:
        return {powers: c for powers, c in a.items() if sum(powers) == degree}

    def _scaled(self, a: Polynomial, q: fmpq) -> Polynomial:
        factor = self.scalars.number(q)
        return {powers: self.scalars.times(c, factor) for powers, c in a.items()}

    def _sum(self, parts: Sequence[Polynomial]) -> Polynomial:
        found = parts[0]
        for part in parts[1:]:
            found = self.plus(found, part)
        return found

    def _joined(self, a: Polynomial, b: Polynomial) -> Polynomial:
        return {**a, **b}

    def _next(self, slope: Polynomial, a: Polynomial, n: int) -> Polynomial:
        """The part of degree n of the function with that slope."""
        parts = [self._scaled(self.times(self._part(a, i), self._part(slope, n - i)), fmpq(i, n)) for i in range(1, n + 1)]
        return self._sum(parts)

    def _integrated(self, value: Polynomial, slope: Polynomial, a: Polynomial) -> Polynomial:
        for n in range(1, self.degree + 1):
            value = self._joined(value, self._next(slope, a, n))
        return value
