"""Writing a tape: registers, the operations on them, and views that become registers when a series has to be multiplied."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .tape import Derivative, Integral, Linear, Operation, Product, Quotient, Register, Start, Whole
from .views import Shape, Term, Value, View, alone, array, single, spread

# A matrix of rationals with a common denominator this short goes as whole numbers, of few limbs, with one division for each row.
_SHORT_DENOMINATOR = 64


@dataclass
class Recorder:
    """Operations in the order of recording; none is recorded twice."""

    registers: list[Register] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    known: dict[Hashable, Register] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.one = self.register(1)

    def register(self, size: int, lag: int = 0) -> Register:
        self.registers.append(Register(len(self.registers), size, lag))
        return self.registers[-1]

    def once(self, key: Hashable, build: Callable[[], Register]) -> Register:
        if key not in self.known:
            self.known[key] = build()
        return self.known[key]

    def whole(self, register: Register, shape: Shape | None = None, factor: Fraction = Fraction(1)) -> View:
        """The entries of a register times a number, as a vector unless a shape is given."""
        return View((register.size,) if shape is None else shape, (Term(register, np.arange(register.size), factor),))

    # Linear operations.

    def added(self, parts: Sequence[Value], shape: Shape) -> Value:
        """The sum of arrays that broadcast to `shape`."""
        constants = [np.broadcast_to(part, shape) for part in parts if not isinstance(part, View)]
        moving = [spread(part, shape) for part in parts if isinstance(part, View)]
        constants += [part.constant for part in moving if part.constant is not None]
        constant = array(sum(constants[1:], constants[0])) if constants else None
        if not moving:
            return single(0) if constant is None else constant
        return View(shape, tuple(term for part in moving for term in part.terms), constant)

    def scaled(self, view: View, by: NDArray[Any]) -> View:
        """Entrywise by a constant of a shape that fits."""
        constant = None if view.constant is None else array(view.constant * by)
        if by.shape == ():
            return View(view.shape, tuple(Term(t.register, t.places, t.coefficient * by[()]) for t in view.terms), constant)
        shape = np.broadcast_shapes(view.shape, by.shape)
        factors = np.broadcast_to(by, shape).reshape(-1)
        terms = tuple(Term(t.register, t.places, factors * t.coefficient) for t in spread(view, shape).terms)
        return View(shape, terms, constant)

    def settled(self, value: Value, shape: Shape) -> Register:
        """A register that holds the value, a new one unless it is there."""
        view = spread(value, shape) if isinstance(value, View) else View(shape, (), np.broadcast_to(value, shape))
        found = alone(view)
        if found is not None and found[1] == 1:
            return found[0]
        return self.linear(view, np.arange(prod(shape)), prod(shape))

    def compact(self, view: View) -> View:
        """The same with a single term and a single factor."""
        if view.constant is None and len(view.terms) == 1 and not isinstance(view.terms[0].coefficient, np.ndarray):
            return view
        return self.whole(self.settled(view, view.shape), view.shape)

    def linear(self, view: View, rows: Whole, size: int) -> Register:
        """Let $\\mathrm{out}_i$ be the sum of the entries n of a view with $\\mathrm{rows}_n = i$."""
        terms = list(view.terms)
        if view.constant is not None:
            terms.append(Term(self.one, np.zeros(len(rows), dtype=np.int64), view.constant.reshape(-1)))
        key = ("linear", size, rows.tobytes(), tuple((t.register, t.places.tobytes(), _key(t.coefficient)) for t in terms))
        return self.once(key, lambda: self._linear(terms, rows, size))

    def _linear(self, terms: Sequence[Term], rows: Whole, size: int) -> Register:
        lags = {term.register.lag for term in terms} or {0}
        assert len(lags) == 1, "a derivative was added to what is none"
        nothing = np.zeros(0, dtype=np.int64)
        where = np.concatenate([nothing, *(rows for _ in terms)])
        sources = np.concatenate([nothing, *(np.full(len(rows), term.register.at) for term in terms)])
        entries = np.concatenate([nothing, *(term.places for term in terms)])
        factors = [np.broadcast_to(np.asarray(term.coefficient, dtype=object), rows.shape) for term in terms]
        coefficients = np.concatenate([np.zeros(0, dtype=object), *factors])
        kept = np.flatnonzero(coefficients != 0)
        kept = kept[np.argsort(where[kept], kind="stable")]
        out = self.register(size, *lags)
        common = lcm(*{entry.denominator for entry in coefficients[kept]}) if len(kept) > 2 * size else 1
        shared = common & (common - 1) != 0 and common.bit_length() <= _SHORT_DENOMINATOR
        found = coefficients[kept] * common if shared else coefficients[kept]
        self.operations.append(Linear(out, where[kept], sources[kept], entries[kept], found))
        return self.settled(self.whole(out, None, Fraction(1, common)), (size,)) if shared else out

    def define(self, out: Register, value: Value) -> None:
        """Let a register that is in use already hold the value."""
        found, every = self.settled(value, (out.size,)), np.arange(out.size)
        self.operations.append(Linear(out, every, np.full(out.size, found.at), every, np.full(out.size, Fraction(1), dtype=object)))

    # Products and quotients.

    def product(self, left: View, right: View, shape: Shape) -> View:
        """One product of series for each entry; a factor of a whole register is kept in front."""
        (a, p), (b, q) = self.operand(left, shape), self.operand(right, shape)
        size = max(a.size, b.size)
        if a.size < b.size or (a.size == b.size and a.at > b.at):
            a, b = b, a
        out = self.once(("product", a, b), lambda: self._put(lambda out: Product(out, a, b), size, max(a.lag, b.lag)))
        return spread(self.whole(out, shape if prod(shape) == size else (), p * q), shape)

    def operand(self, view: View, shape: Shape) -> tuple[Register, Fraction]:
        """A register that is the view up to a factor: of all entries, or of a single one where they are all alike."""
        found = alone(view)
        if found is not None and found[0].size in (1, prod(shape)):
            return found
        if all(np.all(t.places == t.places[0]) and not isinstance(t.coefficient, np.ndarray) for t in view.terms) and view.constant is None:
            entry = View((), tuple(Term(t.register, t.places[:1], t.coefficient) for t in view.terms))
            return alone(entry) or (self.settled(entry, ()), Fraction(1))
        return self.settled(spread(view, shape), shape), Fraction(1)

    def quotient(self, a: Register, b: Register) -> Register:
        """Entrywise; the register above may be a single number."""

        def build() -> Register:
            inverse = self.once(("inverse", b), lambda: self.begun(b, "inverse"))
            return self._put(lambda out: Quotient(out, a, b, inverse), b.size, a.lag)

        return self.once(("quotient", a, b), build)

    # What the recurrences of functions are made of.

    def derivative(self, of: Register) -> Register:
        return self.once(("derivative", of), lambda: self._put(lambda out: Derivative(out, of), of.size, 1))

    def begun(self, of: Register, name: str, exponent: Fraction | None = None) -> Register:
        """A register of which only order 0 is known yet, as the function of another's."""
        return self._put(lambda out: Start(out, of, name, exponent), of.size, 0)

    def integrated(self, out: Register, slope: Value) -> Register:
        """The rest of it, from its derivative."""
        self.operations.append(Integral(out, self.settled(slope, (out.size,)), False))
        return out

    def _put(self, build: Callable[[Register], Operation], size: int, lag: int) -> Register:
        out = self.register(size, lag)
        self.operations.append(build(out))
        return out


def _key(coefficient: Fraction | NDArray[Any]) -> Hashable:
    """Equal for equal numbers; an array is only like itself, for hashing all its rationals would cost more than it could save."""
    return object() if isinstance(coefficient, np.ndarray) else coefficient
