"""One run of Taylor's method over all times: step sizes, the check of every step, and where it has to stop."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, exp, inf, log, log2

import numpy as np

from ..errors import IntegrationFailed
from ..exact import entries
from ..problem import Problem
from .machine import Machine
from .magnitudes import Magnitudes, OutOfReach
from .record import record

# Orders for each nat of the tolerance. One half would do if all orders cost alike; but high orders carry few limbs, so more of them pay.
_ORDERS = 0.7

# How often a guess of the step is corrected, by a factor of 1000 at most.
_GUESSES = 20

# Guard bits: a limb that the exponents may leave empty, and the errors of the sums.
_GUARD = 34

# A step is taken again when its polynomial misses the equation at the end by so many bits more than its remainder should.
_MISS = 10


@dataclass(frozen=True)
class Run:
    """Let the states at the times be integers $x 2^{\\mathrm{bits}}$, in the order of the layout; `velocity` belongs to the last of them."""

    states: tuple[list[int], ...]
    velocity: list[int]
    bits: int
    order: int
    steps: int
    rejected: int


def run(problem: Problem, *, digits: int, stretch: float = 1.0, max_steps: int = 100_000) -> Run:
    """Let `digits` digits be worked at: every step's remainder is about $10^{-\\mathrm{digits}}$ of the state, its rounding far less.

    `stretch` changes the order, and with it all step sizes; two runs that differ in it share no error but those of the equations.

    Raises `IntegrationFailed` with the time reached when the step size collapses, the state is no longer finite, or `max_steps` are spent.
    """
    bits = ceil(digits * log2(10)) + 4
    order = max(12, ceil(_ORDERS * stretch * bits * log(2)))
    machine = Machine(record(problem, bits=bits + 200), order=order, bits=bits + _GUARD + _spread(problem))
    return _Following(problem, machine, bits, max_steps).run()


def _spread(problem: Problem) -> int:
    """The bits by which the least entry at the start is below the largest of its block, 40 at most: it should have its digits as well."""
    found = 0
    for name in problem.layout.names:
        sizes = [abs(entry) for _, entry in entries(problem.start[name]) if entry]
        if sizes:
            found = max(found, ceil(log2(max(sizes) / min(sizes))))
    return min(found, 40)


class _Following:
    def __init__(self, problem: Problem, machine: Machine, bits: int, max_steps: int) -> None:
        self.machine, self.magnitudes = machine, Magnitudes(machine.tape, machine.order)
        self.start, self.times = problem.layout.pack(problem.start), problem.times
        self.bits, self.max_steps = bits, max_steps
        self.velocity: list[int] = []

    def run(self) -> Run:
        state = [round(entry * 2**self.machine.bits) for entry in self.start] + [0] * self.machine.tape.timed
        found, now, guess, limit, steps, rejected = [state], Fraction(0), 1.0, inf, 0, 0
        while len(found) < len(self.times):
            if steps + rejected >= self.max_steps:
                raise self._failed(now, f"the budget of {self.max_steps} steps is spent; raise max_steps, or ask for earlier times.")
            try:
                length, ratio = self._planned(state, now, min(guess, limit), limit)
                # A step this short has no more digits in it than the answer may be wrong by.
                if length < self.times[-1] / 10**14 and now + length < self.times[-1]:
                    raise self._failed(
                        now, "the step size collapsed, as it does before a blow-up or at the edge of the domain; ask for earlier times."
                    )
                after, passed = self._stepped(state, now, length, ratio, len(found))
            except OutOfReach:
                why = "the state or its velocity is no longer a finite real number, as after a blow-up or outside the domain; ask for earlier times."
                raise self._failed(now, why) from None
            if not after:
                limit, rejected = float(length) / 2, rejected + 1
                continue
            found += passed
            state, now, guess, limit, steps = after, now + length, float(length), 4 * float(length), steps + 1
        size = len(self.start)
        rows = tuple(row[:size] for row in found)
        return Run(rows, self.velocity[:size], self.machine.bits, self.machine.order, steps, rejected)

    def _planned(self, state: list[int], now: Fraction, guess: float, limit: float) -> tuple[Fraction, float]:
        """The length of the next step, a short dyadic unless it is the last, and how many times the one of the magnitudes it is."""
        left = float(self.times[-1] - now)
        doubles, guess = self.machine.doubles(state), min(guess, left)
        for _ in range(_GUESSES):
            self.magnitudes.run(doubles, guess)
            length = min(self._length(guess), limit, left)
            if guess / 4 <= length <= 4 * guess:
                break
            # Far from the guess the powers of the step would leave the range of doubles.
            guess = min(max(length, guess / 1e3), guess * 1e3)
        step = self.times[-1] - now if length >= left else _short(length)
        return step, float(step) / guess

    def _length(self, guess: float) -> float:
        """With $|x_k| \\le s \\rho^{-k}$ for the upper half of the orders: the step h on which $s (h/\\rho)^K$ is the tolerance."""
        order = self.machine.order
        orders, worst = np.arange(order // 2, order + 1), -inf
        for register in self.machine.tape.states:
            peaks = np.abs(self.magnitudes.of(register)).max(axis=1)
            scale = max(peaks[0], peaks[1]) or peaks.max() or 1.0
            with np.errstate(divide="ignore"):
                worst = max(worst, float((np.log(peaks[orders] / scale) / orders).max()))
        return guess * exp(min(-worst - self.bits * log(2) / order, 700.0))

    def _stepped(self, state: list[int], now: Fraction, length: Fraction, ratio: float, known: int) -> tuple[list[int], list[list[int]]]:
        """The state after a step and the states at the times within it; empty when the step has to be taken again, shorter."""
        try:
            bounds = self.magnitudes.bounds(ratio, float(length))
        except OverflowError:
            return [], []
        self.machine.expand(state, length, bounds)
        after, slope = self.machine.end(), self.machine.slope()
        moments = [moment for moment in self.times[known:] if moment <= now + length]
        passed = [after if moment == now + length else self.machine.inside((moment - now) / length) for moment in moments]
        return ([], []) if self._misses(after, slope, length) else (after, passed)

    def _misses(self, after: list[int], slope: list[int], length: Fraction) -> bool:
        """Whether the polynomial fails the equation at its end: then it is not the solution, whatever its coefficients look like."""
        try:
            # Bounds of their own: those of a series that is not the solution may be too small.
            self.magnitudes.run(self.machine.doubles(after), 1.0, order=0)
            self.velocity = self.machine.velocity(after, self.magnitudes.bounds(1.0, 0.0))
        except (OverflowError, OutOfReach):
            return True
        worst = max(abs(s - v * length.numerator // length.denominator) for s, v in zip(slope, self.velocity, strict=True))
        return worst << self.bits > max(1 << self.machine.bits, *map(abs, after)) * self.machine.order << _MISS

    def _failed(self, reached: Fraction, why: str) -> IntegrationFailed:
        where = f"near t = {float(reached):.6g} of {float(self.times[-1]):.6g}"
        return IntegrationFailed(f"Taylor's method stopped {where}: {why}", reached=float(reached))


def _short(length: float) -> Fraction:
    """At most `length`, with 20 bits."""
    bits = 20 - ceil(log2(length))
    return Fraction(int(length * 2.0**bits), 2**bits) if bits >= 0 else Fraction(int(length))
