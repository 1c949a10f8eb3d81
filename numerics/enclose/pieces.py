"""A trajectory as polynomials of high degree, one after the other, with coefficients of fixed point: nothing about them is proved here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import factorial, log2, prod
from typing import Any

import heyoka as hy
import numpy as np

from ..errors import IntegrationFailed
from ..exact import entries
from ..integrate.scalars import Equations, equations
from ..problem import Problem

Place = tuple[str, tuple[int, ...]]
Rows = tuple[tuple[int, ...], ...]
Exponents = tuple[int, ...]
_SHORTEST, _LONGEST = 2.0**-40, Fraction(1024)  # where a solution is a polynomial, its series are good for any step
_HIGHER = Fraction(3, 2)  # the order, over that with the least work for a series: a step costs more than its series, and is the longer one
_EFFORT = 0  # of the compiler: the time goes into calls of MPFR, which it cannot make faster


@dataclass(frozen=True)
class Piece:
    """Let $0 \\le s \\le 1$: entry $i$ of the state at the time start + length $s$ is near $2^{-b} \\sum_k \\mathrm{rows}_{ik} s^k$, $b$ bits.

    To this every monomial $\\lambda^\\alpha$ of `across` adds itself times polynomials given in the same way.
    """

    start: Fraction
    length: Fraction
    bits: int
    rows: Rows
    across: tuple[tuple[Exponents, Rows], ...] = ()

    @property
    def end(self) -> Fraction:
        return self.start + self.length


@dataclass(frozen=True)
class Bundle:
    """Let $\\lambda \\in [-1, 1]^m$, m the `width`: a set of starts and constants.

    The start moves by the polynomials `start`, a vector for each monomial, in the order of the layout; some $\\lambda_j$ move a constant by a radius.
    `degree` is that of the polynomials in $\\lambda$ which are to follow it.
    """

    width: int
    degree: int
    start: Mapping[Exponents, tuple[Fraction, ...]]
    constants: Mapping[int, tuple[Place, Fraction]]


ALONE = Bundle(0, 0, {}, {})


@dataclass
class Pieces:
    """Let a problem and a bundle around it be followed with `bits` bits after the point, each piece beginning where the last one accepted ends."""

    problem: Problem
    bits: int
    bundle: Bundle = ALONE
    guard: int = 24

    def __post_init__(self) -> None:
        still = {self._still: self.problem.layout.pack(self.problem.start)}
        around = {powers: line for powers, line in self.bundle.start.items() if sum(powers) <= self.bundle.degree}
        lines = {powers: [[round(value * 2**self.bits)] for value in line] for powers, line in {**still, **around}.items()}
        self.time, self.lines = Fraction(0), lines

    @property
    def _still(self) -> Exponents:
        return (0,) * self.bundle.width

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """The entries of the state, in the order of the rows."""
        return tuple((name, place) for name in self.problem.layout.names for place, _ in entries(self.problem.start[name]))

    @cached_property
    def _equations(self) -> Equations:
        return equations(self.problem)

    @cached_property
    def _moved(self) -> dict[int, Any]:
        """For every lambda what the equations are differentiated by; a constant in an exponent is no variable of theirs, and is missing."""
        states, found = iter(self._equations.names), dict[int, Any]()
        for j in range(self.bundle.width):
            if j not in self.bundle.constants:
                found[j] = hy.expression(next(states))  # the equations of the derivatives are those by any entry
            elif parameters := self._parameters(self.bundle.constants[j][0]):
                found[j] = hy.par[parameters[0]]
        return found

    def _parameters(self, place: Place) -> list[int]:
        """The parameter of the equations that a constant is: the one that changes with it."""
        name, where = place
        data = {**self.problem.data, name: _plus_one(self.problem.data[name], where)}
        other = equations(replace(self.problem, data=data)).parameters
        return [k for k, (a, b) in enumerate(zip(self._equations.parameters, other, strict=False)) if a != b]

    @cached_property
    def _solver(self) -> Any:
        system, precision = self._equations, self._precision
        right: Any = [(hy.expression(name), right) for name, right in zip(system.names, system.right, strict=True)]
        if self._moved:
            right = hy.var_ode_sys(right, args=list(self._moved.values()), order=self.bundle.degree)
        parameters = {"pars": np.array([self._number(value) for value in system.parameters])} if system.parameters else {}
        return hy.taylor_adaptive(
            right,
            np.array([self._number(Fraction(sum(row), 2**self.bits)) for row in self.lines[self._still]]),
            fp_type=hy.real,
            prec=precision,
            tol=self._number(Fraction(1, 2 ** int(self._finer * self.bits))),
            compact_mode=True,
            opt_level=_EFFORT,
            **parameters,
        )

    @cached_property
    def _order(self) -> list[tuple[Exponents, int, Fraction]]:
        """For every number that the equations follow the monomial, the entry, and what it is to be multiplied by: they are derivatives."""
        found: list[tuple[Exponents, int, Fraction]] = []
        for n in range(len(self._solver.state)):
            if not self._moved:
                found.append((self._still, n, Fraction(1)))
                continue
            entry, *powers = self._solver.get_mindex(n)
            power = dict(zip(self._moved, powers, strict=True))
            factor = Fraction(1, prod(map(factorial, powers)))
            for j, k in power.items():
                factor *= self.bundle.constants[j][1] ** k if j in self.bundle.constants else 1
            found.append((tuple(power.get(j, 0) for j in range(self.bundle.width)), entry, factor))
        return found

    @property
    def _finer(self) -> Fraction:
        """Of series in time alone; with derivatives they cost more than all else in a step."""
        return Fraction(1) if self._moved else _HIGHER

    @property
    def _precision(self) -> int:
        return self.bits + self.guard

    def _number(self, value: Any) -> Any:
        if hasattr(value, "numerator"):
            return hy.real(int(value.numerator), self._precision) / hy.real(int(value.denominator), self._precision)
        return hy.real(str(value.evalf(self._precision * 0.30103 + 5)), self._precision)

    def _state(self) -> Any:
        """Where the numbers that the equations follow are now."""
        rest = [[0]] * len(self.places)
        now = [Fraction(sum(self.lines.get(powers, rest)[entry]), 2**self.bits) / factor for powers, entry, factor in self._order]
        return np.array([self._number(value) for value in now])

    def follow(self) -> Fraction:
        """Compute the series at the present time, and say how long a step they are good for.

        Raises `IntegrationFailed` where they are not finite.
        """
        solver = self._solver
        solver.time = self._number(self.time)
        solver.state[:] = self._state()
        outcome, _ = solver.step(self._number(_LONGEST), write_tc=True)
        if outcome == hy.taylor_outcome.err_nf_state or not np.all(np.isfinite(solver.tc)):
            raise IntegrationFailed(f"the series at t = {float(self.time):.6g} are not finite", reached=float(self.time))
        length = self._reach()
        if length < _SHORTEST:
            raise IntegrationFailed(f"the series at t = {float(self.time):.6g} are good for no step at all", reached=float(self.time))
        return _short(length)

    def _reach(self) -> float:
        """The longest step along which the last two terms are no more than a unit, which leaves less than that to those that are missing."""
        coefficients, reach = self._solver.tc, log2(_LONGEST)
        for k in range(coefficients.shape[1] - 2, coefficients.shape[1]):
            if largest := max(map(abs, coefficients[:, k])):
                reach = min(reach, -(float(np.log2(largest)) + self.bits) / k)
        return 2.0**reach

    def piece(self, length: Fraction) -> Piece:
        """The polynomials of the present series, for a time `length`."""
        step, powers = self._number(length), [self._number(Fraction(2**self.bits))]
        for _ in range(self._solver.tc.shape[1] - 1):
            powers.append(powers[-1] * step)
        half, scaled, order = self._number(Fraction(1, 2)), self._solver.tc * np.array(powers), self._order
        lines = {monomial: list(map(list, rows)) for monomial, rows in self.lines.items()}
        for (monomial, entry, factor), line in zip(order, scaled, strict=True):
            rows = lines.setdefault(monomial, [[0] for _ in self.places])
            found = line if factor == 1 else line * self._number(factor)
            rows[entry] = [sum(rows[entry]), *(_nearest(c, half) for c in found[1:])]  # beginning exactly where the last piece ended
        found = {monomial: tuple(map(_trimmed, rows)) for monomial, rows in lines.items()}
        still = found.pop(self._still)
        return Piece(self.time, length, self.bits, still, tuple((m, rows) for m, rows in found.items() if any(map(any, rows))))

    def accept(self, piece: Piece) -> None:
        """Go on from the end of a piece."""
        self.time = piece.end
        self.lines = {monomial: [list(row) for row in rows] for monomial, rows in ((self._still, piece.rows), *piece.across)}


def _plus_one(value: Any, place: tuple[int, ...]) -> Any:
    """A tensor with one entry raised by 1."""
    if not place:
        return value + 1
    return tuple(_plus_one(entry, place[1:]) if n == place[0] else entry for n, entry in enumerate(value))


def _nearest(value: Any, half: Any) -> int:
    return int(value + half) if value >= 0 else -int(half - value)


def _trimmed(row: Sequence[int]) -> tuple[int, ...]:
    end = len(row)
    while end > 1 and row[end - 1] == 0:
        end -= 1
    return tuple(row[:end])


def _short(length: float) -> Fraction:
    """A little less, with few bits."""
    unit = Fraction(2) ** (int(log2(length)) - 12)
    return int(Fraction(length) / unit) * unit
