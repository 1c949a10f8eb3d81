"""The series of a tape in double precision: how large every coefficient is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import doubles
from .codes import coded, segments
from .tape import Derivative, Integral, Linear, Operation, Product, Quotient, Register, Start, Tape

_VALUES: Mapping[str, Callable[[Any], Any]] = {
    "inverse": np.reciprocal,
    **{name: getattr(np, name) for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{name: getattr(np, "arc" + name[1:]) for name in ("asin", "acos", "atan", "asinh", "acosh", "atanh")},
}


# The sums are worked out in doubles; what is left over is for their relative errors, and the noise for what cancels in them.
_ROOM = 1.05
_EPSILON = 2.0**-44
_NOISY = 2.0**-10


class OutOfReach(ArithmeticError):
    """The velocity, or one of its coefficients, is no finite real number here."""


class Magnitudes:
    """Let a tape be run in double precision to a given order: `series[k]` holds the coefficients of order k of all registers, one after the other."""

    def __init__(self, tape: Tape, order: int) -> None:
        linear = [op for op in tape.operations if isinstance(op, Linear)]
        sizes = np.array([register.size for register in tape.registers], dtype=np.int64)
        self.tape, self.order, self.sizes = tape, order, sizes
        self.bases = np.cumsum(sizes) - sizes
        self.series = np.zeros((order + 1, int(sizes.sum())))
        self.ops = coded(tape)
        counts = [len(op.rows) for op in linear]
        starts = np.cumsum(counts) - counts if counts else counts
        rows = [start + np.searchsorted(op.rows, np.arange(op.out.size + 1)) for start, op in zip(starts, linear, strict=True)]
        nothing = np.zeros(0, dtype=np.int64)
        self.pointers = np.concatenate([nothing, *rows])
        self.columns = np.concatenate([nothing, *(self.bases[op.sources] + op.entries for op in linear)])
        self.factors = np.array([float(x) for op in linear for x in op.coefficients])
        # Rows that read neighbouring components, as those of a full matrix do.
        steps = np.concatenate([[0], np.cumsum(np.diff(self.columns) != 1)]).astype(np.int64) if len(self.columns) else nothing
        begins, ends = self.pointers[:-1], self.pointers[1:]
        full = ends > begins + 1
        self.dense = np.zeros(len(self.pointers), dtype=np.bool_)
        self.dense[:-1][full] = steps[begins[full]] == steps[ends[full] - 1]
        self.norms = {op.out.at: _norms(op) for op in linear}
        self.lags = np.array([register.lag for register in tape.registers])

    def of(self, register: Register) -> Any:
        """The coefficients of a register, orders along the first axis."""
        return self.series[:, self.bases[register.at] : self.bases[register.at] + register.size]

    def run(self, states: list[list[float]], step: float, *, order: int | None = None) -> None:
        """Fill `series` from the states, time measured in steps of the given length, up to an order if one is given.

        Raises `OutOfReach` where a coefficient is not finite.
        """
        self.series[:] = 0
        self.of(self.tape.one)[0] = 1
        for register, values in zip(self.tape.states, states, strict=True):
            self.of(register)[0] = values
        told = self.sizes, self.bases, step, self.pointers, self.dense, self.columns, self.factors, self.series
        with np.errstate(all="ignore"):
            for begin, end, start in segments(self.tape):
                doubles.stage(0, self.ops[begin:end], *told)
                if start is not None:
                    self.of(start.out)[0] = _value(start.name, start.exponent, self.of(start.of)[0])
            for k in range(1, (self.order if order is None else order) + 1):
                doubles.stage(k, self.ops, *told)
        if not np.all(np.isfinite(self.series)):
            raise OutOfReach

    def bounds(self, ratio: float, step: float) -> NDArray[np.float64]:
        """Bounds of $\\sum_k |x_k|$ for every register, for a step of the given length, `ratio` times the one that was run.

        What cancels in double precision is there in all digits: so the sums of what was found, and the noise that may have hidden more. Raises
        `OverflowError` when there is so much of it that the doubles say nothing about the states.
        """
        peaks = np.maximum.reduceat(np.abs(self.series), self.bases, axis=1).T
        sums = (peaks * ratio ** (np.arange(self.order + 1)[None, :] + self.lags[:, None])).sum(axis=1)
        noise = np.zeros(len(sums))
        # Twice, for a state has the noise of its velocity, which is known after it.
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(2):
                for op in self.tape.operations:
                    noise[op.out.at] = self._noise(op, sums, noise, step)
        states = [register.at for register in self.tape.states]
        if not np.all(np.isfinite(noise)) or noise[states].max() > _NOISY * sums[states].max():
            raise OverflowError("the noise of double precision is larger than the series")
        return np.asarray(_ROOM * sums + noise)

    def _noise(self, op: Operation, sums: Any, noise: Any, step: float) -> float:
        """How far the sum of an operation's result may be off, in the largest component."""
        own = _EPSILON * sums[op.out.at]
        match op:
            case Linear():
                return float(sum(norm * (noise[source] + _EPSILON * sums[source]) for source, norm in self.norms[op.out.at]))
            case Product(_, a, b):
                x, y = sums[a.at], sums[b.at]
                return float((x + noise[a.at]) * noise[b.at] + y * noise[a.at] + _EPSILON * x * y)
            case Quotient(out, a, b, inverse):
                lost = noise[a.at] + sums[out.at] * noise[b.at] + _EPSILON * (sums[a.at] + sums[out.at] * sums[b.at])
                return float(lost * sums[inverse.at])
            case Derivative(_, a):
                return float(self.order * (noise[a.at] + own))
            case Integral(_, a, timed):
                return float(max(noise[op.out.at], own, (step if timed else 1.0) * noise[a.at]))
            case Start(_, _, name):
                # Those that keep relative accuracy, and those that may come near 0.
                return float(own if name in ("inverse", "exp", "sqrt", "power") else max(own, _EPSILON))
        return 0.0


def _value(name: str, exponent: Fraction | None, x: Any) -> Any:
    return _VALUES[name](x) if exponent is None else x ** float(exponent)


def _norms(op: Linear) -> list[tuple[int, float]]:
    """For each register that is read, the largest sum of absolute coefficients in a row."""
    sizes = np.abs(op.coefficients.astype(np.float64))
    return [
        (int(source), float(np.bincount(op.rows[op.sources == source], weights=sizes[op.sources == source]).max()))
        for source in np.unique(op.sources)
    ]
