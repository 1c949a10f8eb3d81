"""A tape with the memory it works in: the series of one step at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import ceil, log2
from typing import Any

import numpy as np
from flint import arb, ctx
from numpy.typing import NDArray

from . import digits
from .codes import coded, segments
from .coefficients import entries, longest_row
from .limbs import Format, fitting
from .magnitudes import OutOfReach
from .simd import LANES, TILE
from .tape import Linear, Product, Quotient, Register, Start, Tape

VALUES: Mapping[str, Callable[[Any], Any]] = {
    "inverse": lambda x: 1 / x,
    **{name: getattr(arb, name) for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{name: getattr(arb, name) for name in ("asin", "acos", "atan", "asinh", "acosh", "atanh")},
}

# Zeros on either side of the limbs of a component, beyond those of its own length: what a shift by a few limbs reads.
_MARGIN = 16

# The bound of a reciprocal is that of its value at the start of a step; over the step it may grow so much.
_GROWTH = 16


class Machine:
    """Let a tape be run in fixed point to a given order, with numbers of at least `bits` bits below the largest of their register.

    States go in and out as integers $x 2^{\\mathrm{self.bits}}$, one list for all blocks, finer than any limb.
    """

    def __init__(self, tape: Tape, *, order: int, bits: int) -> None:
        self.tape, self.order = tape, order
        linear = [op for op in tape.operations if isinstance(op, Linear)]
        # How long rows are depends on the limbs, and these on how long rows are: the narrowest limbs give the longest rows.
        longest = max((longest_row(op, Format(20, ceil(bits / 20))) for op in linear), default=1)
        self.format = fitting(bits, order=order, longest=longest)
        self.bits = self.format.width * (self.format.count + 4)
        self._allocate()
        self._compile(linear)
        self._set_table(0, Fraction(1))

    # Memory.

    def _allocate(self) -> None:
        """A history for every register whose past is asked for, rows for those that linear maps read, and room for the sums."""
        count = self.format.count
        length = count * LANES
        # The time is integrated from the constant 1, whose order 0 must then stay.
        deep = {*self.tape.states, *([self.tape.one] if self.tape.timed else [])}
        rowed = set()
        for op in self.tape.operations:
            match op:
                case Product(_, a, b):
                    deep |= {a, b}
                case Quotient(out, _, b, _):
                    deep |= {out, b}
                case Linear():
                    rowed |= set(op.sources.tolist())
        self.stride = 2 * count + _MARGIN
        # The first row is 0 and stays so.
        regs, at, row, reach = [], 0, self.stride, 0
        for register in self.tape.registers:
            depth = self.order + 1 if register in deep else 1
            blocks = ceil(register.size / LANES)
            regs.append([at, depth, blocks, register.size, row if register.at in rowed else -1, reach])
            at += blocks * depth * length
            row += register.size * self.stride if register.at in rowed else 0
            reach += blocks * (count // TILE)
        self.regs = np.array(regs, dtype=np.int64)
        self.tables = np.array([[at, 0], [at + (self.order + 1) * length, 0]], dtype=np.int64)
        self.history = np.zeros(at + (2 * (self.order + 1) + 1) * length, dtype=np.int32)
        self.rows = np.zeros(row + _MARGIN, dtype=np.int32)
        self.reach = np.full(reach, -1, dtype=np.int64)
        self.sums = np.zeros((digits.FRONT + 3 * count + LANES) * LANES, dtype=np.int64)
        self.buffer = np.zeros(count + 2 * LANES, dtype=np.int64)
        self.exps = np.zeros(len(self.tape.registers), dtype=np.int64)
        self.inner = np.zeros(len(self.tape.operations), dtype=np.int64)

    def _compile(self, linear: list[Linear]) -> None:
        """The operations as numbers, and all linear maps in one list of entries."""
        self.ops = coded(self.tape)
        found = [entries(op, self.format) for op in linear]
        nothing = np.zeros(0, dtype=np.int64)
        counts = np.cumsum([0, *(len(entry.rows) for entry in found)])
        rows = [start + np.searchsorted(entry.rows, np.arange(op.out.size + 1)) for start, entry, op in zip(counts, found, linear, strict=False)]
        self.pointers = np.concatenate([nothing, *rows])
        self.factors = np.concatenate([nothing, *(entry.limbs for entry in found)]).astype(np.int32)
        self.sources = np.concatenate([nothing, *(entry.sources for entry in found)])
        self.targets = np.concatenate([nothing, *(np.full(len(entry.rows), op.out.at) for entry, op in zip(found, linear, strict=True))])
        self.powers = np.concatenate([nothing, *(entry.powers for entry in found)])
        components = np.concatenate([nothing, *(entry.components for entry in found)])
        self.homes = self.regs[self.sources, 4] + components * self.stride + self.format.count
        self.places: NDArray[np.int64] | None = None
        # For each linear map its place, its register, and the registers it reads with the highest power of B before them.
        self.reads: list[tuple[int, int, list[tuple[int, int]]]] = []
        places = [n for n, op in enumerate(self.tape.operations) if isinstance(op, Linear)]
        for n, op, entry in zip(places, linear, found, strict=True):
            reads = [(int(source), int(entry.powers[entry.sources == source].max())) for source in np.unique(entry.sources)]
            self.reads.append((n, op.out.at, reads))

    def _lanes(self, register: Register) -> Any:
        """The history of a register: blocks, orders, limbs, components of the block."""
        at, depth, blocks, *_ = (int(entry) for entry in self.regs[register.at])
        return self.history[at : at + blocks * depth * self.format.count * LANES].reshape(blocks, depth, self.format.count, LANES)

    # Exponents.

    def exponent(self, size: float) -> int:
        """The least e with size <= 4 B^e, not below what can be told from 0."""
        if size == 0:
            return -self.format.count
        return max(ceil((log2(size) - 2) / self.format.width), -self.format.count)

    def _set_exponents(self, bounds: NDArray[np.float64]) -> None:
        exps = np.array([self.exponent(float(bound)) for bound in bounds], dtype=np.int64)
        for n, op in enumerate(self.tape.operations):
            if isinstance(op, Start) and op.name == "inverse":
                exps[op.out.at] = self.exponent(_GROWTH * float(bounds[op.out.at]))
            if isinstance(op, Quotient):
                # What is divided: b_0 c_k.
                self.inner[n] = self.exponent(float(bounds[op.below.at] * bounds[op.out.at]))
        for n, out, reads in self.reads:
            # Below this there is nothing but the rounding of what is read.
            top = max((int(exps[source]) + power for source, power in reads), default=int(exps[out]))
            exps[out] = max(int(exps[out]), top - digits.FRONT + 2)
            self.inner[n] = max(0, top - int(exps[out]))
        if self.places is None or not np.array_equal(exps, self.exps):
            offsets = exps[self.targets] - exps[self.sources] - self.powers
            # What is too small for the result is read from the row of zeros.
            self.places = np.where(offsets > self.format.count, 0, self.homes - offsets)
        self.exps = exps

    def _set_table(self, which: int, step: Fraction) -> None:
        """The limbs of step/k for every order k."""
        count, exponent = self.format.count, self.exponent(float(step))
        scaled = step * Fraction(2) ** (self.format.width * (count - exponent))
        top, bottom = scaled.numerator, scaled.denominator
        limbs = self.format.limbs([0, *((2 * top + bottom * k) // (2 * bottom * k) for k in range(1, self.order + 1))])
        at = self.tables[which, 0]
        self.history[at : at + limbs.size * LANES] = np.repeat(limbs.reshape(-1), LANES)
        self.tables[which, 1] = exponent

    # The series.

    def expand(self, state: list[int], step: Fraction, bounds: NDArray[np.float64]) -> None:
        """Fill the memory with the series of a state in $\\tau = (t - t_0)/\\mathrm{step}$; register n has $\\sum_k |x_k| \\le \\mathrm{bounds}_n$.

        Raises `OutOfReach` where a function has no finite real value, `OverflowError` where a bound is exceeded.
        """
        self._set_table(1, step)
        self._set_exponents(bounds)
        self._begin(state)
        one = self.tape.one
        self._lanes(one)[:, 1 if self.regs[one.at, 1] > 1 else 0 :] = 0
        if self.regs[one.at, 4] >= 0:
            row = self.regs[one.at, 4]
            self.rows[row : row + self.stride] = 0
        for order in range(1, self.order + 1):
            self._stage(order, 0, len(self.ops))

    def _begin(self, state: list[int]) -> None:
        """Everything of order 0."""
        self.reach[:] = -1
        self._put(self.tape.one, [1 << self.bits])
        for register, values in zip(self.tape.states, self.split(state), strict=True):
            self._put(register, values)
        for begin, end, start in segments(self.tape):
            self._stage(0, begin, end)
            if start is not None:
                self._put(start.out, [self._value(start, value) for value in self._get(start.of)])

    def _value(self, start: Start, value: int) -> int:
        with ctx.workprec(self.bits + 64):
            x, unit = arb(value) / arb(2) ** self.bits, arb(2) ** self.bits
            y = VALUES[start.name](x) if start.exponent is None else x ** (arb(start.exponent.numerator) / start.exponent.denominator)
            if not y.is_finite():
                raise OutOfReach
            mantissa, power = (y * unit).mid().man_exp()
        return int(mantissa) << int(power) if power >= 0 else int(mantissa) >> -int(power)

    def _stage(self, order: int, begin: int, end: int) -> None:
        memory = self.history, self.rows, self.reach
        maps = self.pointers, self.places, self.factors
        numbers = self.ops, self.regs, self.exps, self.inner, self.tables
        digits.stage(order, begin, end, *numbers, *memory, *maps, self.sums, self.buffer, self.format.width, self.format.count)

    # In and out.

    def split(self, state: list[int]) -> list[list[int]]:
        """A state block by block."""
        found, at = [], 0
        for register in self.tape.states:
            found.append(state[at : at + register.size])
            at += register.size
        return found

    def doubles(self, state: list[int]) -> list[list[float]]:
        """A state in double precision."""
        down = max(0, self.bits - 500)
        return [[_double(value >> down, down - self.bits) for value in values] for values in self.split(state)]

    def _put(self, register: Register, values: list[int]) -> None:
        """The coefficient of order 0."""
        count = self.format.count
        down = self.bits - self.format.width * (count - int(self.exps[register.at]))
        limbs = self.format.limbs([(value + (1 << down >> 1)) >> down if down >= 0 else value << -down for value in values])
        _, _, blocks, size, row, reach = (int(entry) for entry in self.regs[register.at])
        padded = np.zeros((blocks * LANES, count), dtype=np.int32)
        padded[: len(limbs) if size > 1 else LANES] = limbs
        self._lanes(register)[:, 0] = padded.reshape(blocks, LANES, count).transpose(0, 2, 1)
        self.reach[reach : reach + blocks * (count // TILE)] = 0
        if row >= 0:
            self.rows[row : row + size * self.stride].reshape(size, self.stride)[:, count : 2 * count] = limbs

    def _get(self, register: Register, order: int = 0) -> list[int]:
        """The coefficient of an order, the last one of a register without history."""
        return self._whole(register, self._lanes(register)[:, order % int(self.regs[register.at, 1])])

    def _whole(self, register: Register, lanes: Any) -> list[int]:
        limbs = lanes.transpose(0, 2, 1).reshape(-1, self.format.count)[: register.size]
        up = self.bits - self.format.width * (self.format.count - int(self.exps[register.at]))
        return [value << up if up >= 0 else value >> -up for value in self.format.whole(limbs)]

    def end(self) -> list[int]:
        """The states at $\\tau = 1$."""
        return [value for register in self.tape.states for value in self._whole(register, self._lanes(register).sum(axis=1, dtype=np.int64))]

    def slope(self) -> list[int]:
        """The derivatives of the states by $\\tau$ at $\\tau = 1$."""
        orders = np.arange(self.order + 1)[None, :, None, None]
        return [value for register in self.tape.states for value in self._whole(register, (self._lanes(register) * orders).sum(axis=1))]

    def inside(self, tau: Fraction) -> list[int]:
        """The states at a rational $0 \\le \\tau \\le 1$, by Horner's rule."""
        found = []
        for register in self.tape.states:
            total = [0] * register.size
            for order in range(self.order, -1, -1):
                total = [x * tau.numerator // tau.denominator + c for x, c in zip(total, self._get(register, order), strict=True)]
            found += total
        return found

    def velocity(self, state: list[int], bounds: NDArray[np.float64]) -> list[int]:
        """The derivatives by t at a state, with bounds of all registers there; the series is lost."""
        self._set_exponents(bounds)
        self._begin(state)
        return [value for register in self.tape.velocities for value in self._get(register)]


def _double(value: int, power: int) -> float:
    return float(value) * 2.0**power if abs(value) < 1 << 1000 else float("inf")
