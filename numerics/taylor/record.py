"""From array operations to a tape: constants are folded exactly, and what is linear waits until a series has to be multiplied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ..errors import OutOfDomain, Unsupported
from ..lower import Array, lower
from ..problem import Problem, size_value
from .constants import Constant, call, einsum, folded, power, scalar
from .functions import RECURRENCES, real_power
from .moves import mover, onto, subscripts, total
from .recorder import Recorder
from .tape import Integral, Register, Tape
from .views import Shape, Value, View, array, single, spread, viewed


def record(problem: Problem, *, bits: int) -> Tape:
    """Let a problem be given: its tape. Constants that are not rational are taken to so many bits.

    Raises `Unsupported` where the velocity is not analytic, `OutOfDomain` where a constant in it has no real value.
    """
    program, layout, time = lower(problem.program), problem.layout, problem.program.time
    reader = _Reader(problem, bits)
    to = reader.to
    states = [to.register(prod(shape)) for shape in layout.shapes]
    for name, shape, register in zip(layout.names, layout.shapes, states, strict=True):
        reader.values[name] = to.whole(register, shape)
    if time is not None:
        states.append(to.register(1))
        reader.values[time.name] = to.whole(states[-1], ())
    for statement in program.statements:
        reader.values[statement.name] = reader.value(statement.value)
    velocities = [to.settled(reader.values[name], shape) for name, shape in zip(program.results, layout.shapes, strict=True)]
    if time is not None:
        velocities.append(to.one)
    # The states come first: at order k they are integrated from velocities of order k - 1, and all else of order k follows from them.
    first = [Integral(state, velocity, True) for state, velocity in zip(states, velocities, strict=True)]
    return Tape(tuple(to.registers), (*first, *to.operations), tuple(states), tuple(velocities), to.one, time is not None)


@dataclass
class _Reader:
    problem: Problem
    bits: int
    to: Recorder = field(default_factory=Recorder)
    values: dict[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in self.problem.data.items():
            self.values[name] = folded(value)

    def value(self, node: Array) -> Value:
        """The value of an array expression: a constant, or a view of registers."""
        shape = tuple(size_value(length, self.problem.sizes) for length in node.shape)
        inner = [self.value(operand) for operand in node.operands]
        match node.op:
            case "name":
                return self.values[str(node.detail)]
            case "number":
                return scalar(sp.sympify(node.detail), self.bits)
            case "size":
                return single(size_value(sp.sympify(node.detail), self.problem.sizes))
            case "range":
                return np.array([Fraction(n) for n in range(shape[0])], dtype=object)
            case "add":
                return self.to.added(inner, shape)
            case "subtract":
                return self.to.added([inner[0], self.negated(inner[1])], shape)
            case "negate":
                return self.negated(inner[0])
            case "multiply":
                return self.multiplied(inner, shape)
            case "divide":
                return self.divided(inner[0], inner[1], shape)
            case "power":
                return self.powered(inner[0], inner[1])
            case "call":
                return self.called(str(node.detail), inner[0])
            case "matmul":
                return self.contracted(subscripts(*(len(operand.shape) for operand in node.operands)), inner, shape)
            case "einsum":
                return self.contracted(str(node.detail), inner, shape)
            case "total":
                return self.contracted(total(len(node.operands[0].shape), node.detail), inner, shape)
        return _moved(inner[0], mover(node, shape), shape)

    def negated(self, value: Value) -> Value:
        return self.to.scaled(value, single(-1)) if isinstance(value, View) else array(-value)

    def multiplied(self, factors: Sequence[Value], shape: Shape) -> Value:
        constants = [factor for factor in factors if not isinstance(factor, View)]
        moving = [factor for factor in factors if isinstance(factor, View)]
        front = single(1)
        for n, constant in enumerate(constants):
            front = constant if n == 0 else array(front * constant)
        if not moving:
            return front
        found = moving[0]
        for factor in moving[1:]:
            found = self.to.product(found, factor, np.broadcast_shapes(found.shape, factor.shape))
        return spread(self.to.scaled(found, front) if constants else found, shape)

    def divided(self, above: Value, below: Value, shape: Shape) -> Value:
        if not isinstance(below, View):
            if any(entry == 0 for entry in below.reshape(-1)):
                raise OutOfDomain("the velocity divides by a constant that is 0")
            return self.to.scaled(above, array(single(1) / below)) if isinstance(above, View) else array(above / below)
        b, q = self.to.operand(below, below.shape)
        if b.size == 1 and prod(shape) > 1:
            # One quotient, and a product for each entry.
            inverse = self.to.whole(self.to.quotient(self.to.one, b), (), 1 / q)
            return self.multiplied([above, inverse], shape)
        b = b if b.size == prod(shape) else self.to.settled(spread(self.to.whole(b, below.shape), shape), shape)
        a, p = self.numerator(above, shape)
        return self.to.whole(self.to.quotient(a, b), shape, p / q)

    def numerator(self, above: Value, shape: Shape) -> tuple[Register, Fraction]:
        """A register and its factor; it may be the constant 1."""
        if isinstance(above, View):
            return self.to.operand(above, shape)
        if above.shape == ():
            return self.to.one, Fraction(above.item())
        return self.to.settled(above, shape), Fraction(1)

    def powered(self, base: Value, exponent: Value) -> Value:
        if isinstance(exponent, View):
            logarithm = self.called("log", base)
            shape = np.broadcast_shapes(exponent.shape, logarithm.shape)
            return self.called("exp", self.multiplied([exponent, logarithm], shape))
        if not isinstance(base, View):
            return power(base, exponent, self.bits)
        if exponent.shape != ():
            raise Unsupported("a power with an array of exponents has no recurrence here; use a single exponent")
        n = Fraction(exponent.item())
        if n.denominator == 1:
            found: Value = single(1) if n == 0 else self.whole_power(base, abs(int(n)))
            return found if n >= 0 else self.divided(single(1), found, base.shape)
        register = self.to.settled(base, base.shape)
        return self.to.whole(self.to.once(("power", register, n), lambda: real_power(self.to, register, n)), base.shape)

    def whole_power(self, base: View, exponent: int) -> View:
        """$b^n$ for $n \\ge 1$ by repeated squaring."""
        if exponent == 1:
            return base
        half = self.whole_power(base, exponent // 2)
        square = self.to.product(half, half, base.shape)
        return square if exponent % 2 == 0 else self.to.product(square, base, base.shape)

    def called(self, name: str, value: Value) -> Value:
        if not isinstance(value, View):
            return call(name, value, self.bits)
        if name not in RECURRENCES:
            raise Unsupported(f"{name} is not analytic, and Taylor's method would step over its corner; use a float64 method")
        register = self.to.settled(value, value.shape)
        return self.to.whole(RECURRENCES[name](self.to, register), value.shape)

    def contracted(self, subscripts: str, operands: Sequence[Value], shape: Shape) -> Value:
        """`numpy.einsum` with series among the operands: products over the whole grid of letters, then one linear map."""
        constants = [operand for operand in operands if not isinstance(operand, View)]
        if len(constants) == len(operands):
            return einsum(subscripts, constants)
        inputs, output = subscripts.split("->")
        words = inputs.split(",")
        ranges = {letter: length for word, operand in zip(words, operands, strict=True) for letter, length in zip(word, operand.shape, strict=True)}
        letters = output + "".join(letter for letter in ranges if letter not in output)
        grid = tuple(ranges[letter] for letter in letters)
        front: Constant | None = None
        found: View | None = None
        for word, operand in zip(words, operands, strict=True):
            axes = tuple(ranges[letter] if letter in word else 1 for letter in letters)

            def move(entries: NDArray[Any], word: str = word) -> NDArray[Any]:
                return onto(entries, word, letters)

            if not isinstance(operand, View):
                front = move(operand) if front is None else array(front * move(operand))
                continue
            # A sum, or a product with a constant, costs less before a contraction than in every row of it.
            placed = _placed(self.to.compact(operand), move, axes)
            found = placed if found is None else self.to.product(found, placed, np.broadcast_shapes(found.shape, axes))
        assert found is not None
        whole = spread(found if front is None else self.to.scaled(found, front), grid)
        rows = np.repeat(np.arange(prod(shape)), prod(grid) // prod(shape))
        return self.to.whole(self.to.linear(whole, rows, prod(shape)), shape)


def _moved(value: Value, move: Callable[[NDArray[Any]], NDArray[Any]], shape: Shape) -> Value:
    return _placed(value, move, shape) if isinstance(value, View) else move(value)


def _placed(view: View, move: Callable[[NDArray[Any]], NDArray[Any]], shape: Shape) -> View:
    """What only moves entries about, done to their places."""
    return viewed(view, move(np.arange(prod(view.shape)).reshape(view.shape)).reshape(-1), shape)
