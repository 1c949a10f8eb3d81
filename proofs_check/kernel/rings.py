"""The kinds of balls an enclosure is checked with: power series, values at points, discs of complex numbers, and power series with derivatives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import add, mul
from typing import TypeVar, assert_never

import flint
from flint import acb, acb_mat, arb, arb_mat, arb_series, fmpq

from .language import Function, Rejected

_Number = TypeVar("_Number")


@contextmanager
def working(bits: int, length: int) -> Iterator[None]:
    """Arb at `bits` bits, with series of up to `length` terms, and as it was outside."""
    before = flint.ctx.prec, flint.ctx.cap
    flint.ctx.prec, flint.ctx.cap = bits, length
    try:
        yield
    finally:
        flint.ctx.prec, flint.ctx.cap = before


def raised(times: Callable[[_Number, _Number], _Number], a: _Number, n: int) -> _Number:
    """a^n for n >= 1, by squarings; `ValueError` for other n."""
    if n < 1:
        raise ValueError(f"the power {n} is given; one that is at least 1 is wanted")
    result = a
    for bit in bin(n)[3:]:
        result = times(result, result)
        result = times(result, a) if bit == "1" else result
    return result


@dataclass(frozen=True)
class Series:
    """Power series of `length` terms with balls for coefficients."""

    length: int

    def series(self, coefficients: Sequence[arb]) -> arb_series:
        return arb_series(list(coefficients[: self.length]), self.length)

    def coefficients(self, a: arb_series) -> list[arb]:
        if a.prec < self.length:
            raise Rejected(f"a series is known to {a.prec} terms, and {self.length} are needed")
        found = a.coeffs()
        return found + [arb(0)] * (self.length - len(found))

    def number(self, q: fmpq) -> arb_series:
        return self.series([arb(q)])

    def plus(self, a: arb_series, b: arb_series) -> arb_series:
        return a + b

    def times(self, a: arb_series, b: arb_series) -> arb_series:
        return a * b

    def power(self, a: arb_series, q: fmpq) -> arb_series:
        if q < 0 and not (a[0] > 0 or a[0] < 0):
            raise Rejected(f"a denominator is not certainly different from zero: {a[0]}")
        if q.q != 1:
            if not a[0] > 0:
                raise Rejected(f"the base of a root is not certainly positive: {a[0]}")
            return (a.log() * self.number(q)).exp()
        return raised(self.times, a.inv() if q < 0 else a, abs(int(q.p)))

    def function(self, name: Function, a: arb_series) -> arb_series:
        match name:
            case "log" if a[0] > 0:
                return a.log()
            case "exp" | "sin" | "cos" | "atan":
                return getattr(a, name)()
            case "abs" if a[0] > 0 or a[0] < 0:
                return a if a[0] > 0 else -a
            case "asinh":
                return (a + self.power(a * a + self.number(fmpq(1)), fmpq(1, 2))).log()
            case "atanh" if abs(a[0]) < 1:
                one = self.number(fmpq(1))
                return ((one + a).log() - (one - a).log()) * self.number(fmpq(1, 2))
        raise Rejected(f"{name} of {a[0]} is not certainly defined and smooth")

    def image(self, matrix: arb_mat, values: Sequence[arb_series]) -> list[arb_series]:
        length = self.length
        found = (matrix * arb_mat(len(values), length, [c for a in values for c in self.coefficients(a)])).entries()
        return [self.series(found[k : k + length]) for k in range(0, len(found), length)]


@dataclass(frozen=True)
class Samples:
    """Lists of balls, one for each of `count` points."""

    count: int

    def number(self, q: fmpq) -> list[arb]:
        return [arb(q)] * self.count

    def plus(self, a: list[arb], b: list[arb]) -> list[arb]:
        return list(map(add, a, b))

    def times(self, a: list[arb], b: list[arb]) -> list[arb]:
        return list(map(mul, a, b))

    def power(self, a: list[arb], q: fmpq) -> list[arb]:
        if q > 0 and q.q == 1:
            return raised(self.times, a, int(q.p))
        return self._each(lambda ring, x: ring.power(x, q), a)

    def function(self, name: Function, a: list[arb]) -> list[arb]:
        return self._each(lambda ring, x: ring.function(name, x), a)

    def image(self, matrix: arb_mat, values: Sequence[list[arb]]) -> list[list[arb]]:
        count = self.count
        found = (matrix * arb_mat(len(values), count, [c for a in values for c in a])).entries()
        return [found[k : k + count] for k in range(0, len(found), count)]

    def _each(self, what: Callable[[Series, arb_series], arb_series], a: list[arb]) -> list[arb]:
        ring = Series(1)
        return [what(ring, ring.series([x]))[0] for x in a]


@dataclass(frozen=True)
class Discs:
    """Rectangles of complex numbers; whatever is computed is holomorphic on all of them, and is `Rejected` otherwise."""

    def number(self, q: fmpq) -> acb:
        return acb(arb(q))

    def plus(self, a: acb, b: acb) -> acb:
        return a + b

    def times(self, a: acb, b: acb) -> acb:
        return a * b

    def power(self, a: acb, q: fmpq) -> acb:
        if q < 0 and a.contains(0):
            raise Rejected(f"a denominator is not certainly different from zero for complex times: {a}")
        if q.q != 1:
            if not a.real > 0:  # so that its logarithm is holomorphic
                raise Rejected(f"the base of a root does not certainly lie in the right half plane for complex times: {a}")
            return (a.log() * acb(arb(q))).exp()
        return raised(self.times, 1 / a if q < 0 else a, abs(int(q.p)))

    def function(self, name: Function, a: acb) -> acb:
        match name:
            case "log" if a.real > 0:
                return a.log()
            case "exp" | "sin" | "cos":
                return getattr(a, name)()
            case "abs" if a.real > 0 or a.real < 0:
                return a if a.real > 0 else -a
            case "atan" if abs(a.imag) < 1:  # the cuts lie on the imaginary axis, from i and from -i
                return a.atan()
            case "asinh" if abs(a.imag) < 1:  # the same cuts; Arb knows nothing of wide arguments, and the mean value theorem does
                centre = acb(a.real.mid(), a.imag.mid())
                return centre.asinh() + (a - centre) * self.power(self.number(fmpq(1)) + a * a, fmpq(-1, 2))
            case "atanh" if abs(a.real) < 1:  # and here on the real one, from 1 and from -1
                return a.atanh()
        raise Rejected(f"{name} of {a} is not certainly holomorphic for complex times")

    def image(self, matrix: arb_mat, values: Sequence[acb]) -> list[acb]:
        return (acb_mat(matrix) * acb_mat(len(values), 1, list(values))).entries()


@dataclass(frozen=True)
class Jet:
    """A power series, and for each power of its variable a row of derivatives by other variables; None is rows of zeros."""

    value: arb_series
    rows: arb_mat | None


@dataclass(frozen=True)
class Jets:
    """Series of `length` terms with their derivatives by `width` other variables."""

    length: int
    width: int

    @property
    def _series(self) -> Series:
        return Series(self.length)

    def number(self, q: fmpq) -> Jet:
        return self.still([arb(q)])

    def still(self, value: Sequence[arb]) -> Jet:
        """What does not change with the other variables."""
        return Jet(self._series.series(value), None)

    def coordinate(self, value: Sequence[arb], n: int, slope: arb) -> Jet:
        """What changes with the other variable n alone, at the rate given."""
        rows = arb_mat(self.length, self.width)
        rows[0, n] = slope
        return Jet(self._series.series(value), rows)

    def plus(self, a: Jet, b: Jet) -> Jet:
        return Jet(a.value + b.value, _sum(a.rows, b.rows))

    def times(self, a: Jet, b: Jet) -> Jet:
        return Jet(a.value * b.value, _sum(self._scaled(a.rows, b.value), self._scaled(b.rows, a.value)))

    def power(self, a: Jet, q: fmpq) -> Jet:
        series = self._series
        return self._along(series.power(a.value, q), a, lambda: series.power(a.value, q - 1) * series.number(q))

    def function(self, name: Function, a: Jet) -> Jet:
        series = self._series
        value = series.function(name, a.value)
        return self._along(value, a, lambda: _slope(series, name, value, a.value))

    def image(self, matrix: arb_mat, values: Sequence[Jet]) -> list[Jet]:
        found, size = self._series.image(matrix, [a.value for a in values]), self.length * self.width
        if all(a.rows is None for a in values):
            return [Jet(value, None) for value in found]
        zeros = [arb(0)] * size
        entries = [c for a in values for c in (zeros if a.rows is None else a.rows.entries())]
        flat = (matrix * arb_mat(len(values), size, entries)).entries()
        return [Jet(value, arb_mat(self.length, self.width, flat[k * size : (k + 1) * size])) for k, value in enumerate(found)]

    def _along(self, value: arb_series, a: Jet, slope: Callable[[], arb_series]) -> Jet:
        return Jet(value, None if a.rows is None else self._scaled(a.rows, slope()))

    def _scaled(self, rows: arb_mat | None, by: arb_series) -> arb_mat | None:
        """The product of a series of rows with a series of numbers."""
        if rows is None:
            return None
        if by.length() <= 1 and by.prec >= self.length:
            return rows * by[0]
        powers = self._series.coefficients(by)
        zeros = [arb(0)] * self.length
        return arb_mat([[*powers[k::-1], *zeros[k + 1 :]] for k in range(self.length)]) * rows


def _sum(a: arb_mat | None, b: arb_mat | None) -> arb_mat | None:
    if a is None or b is None:
        return b if a is None else a
    return a + b


def _slope(series: Series, name: Function, value: arb_series, a: arb_series) -> arb_series:
    """f'(a), where f(a) is the value."""
    one = series.number(fmpq(1))
    match name:
        case "log":
            return series.power(a, fmpq(-1))
        case "exp":
            return value
        case "sin":
            return a.cos()
        case "cos":
            return -a.sin()
        case "asinh":
            return series.power(one + a * a, fmpq(-1, 2))
        case "atan":
            return series.power(one + a * a, fmpq(-1))
        case "atanh":
            return series.power(one - a * a, fmpq(-1))
        case "abs":
            return one if a[0] > 0 else -one
    assert_never(name)
