"""A claim at one rational point: exact where arithmetic is rational, in Arb balls elsewhere.

Let every symbol have a rational value. The residual of the claim (d/dt quantity - rate along the flow, left - right, or d of/d by - value) is
computed with forward-mode dual numbers: a value, and derivatives in finitely many directions, each a rational or a ball that contains the true
number. A ball that excludes zero, at a point that satisfies every hypothesis exactly, refutes the claim. What is not certainly defined is `Rejected`.

This module shares no evaluation code with `instance`, so that each can be tested against the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeAlias, assert_never

import flint
from flint import acb, arb, fmpq

from .instance import Entry, Summands, entries, read_sizes, read_value
from .language import (
    Add,
    Equal,
    Evolves,
    Family,
    Flow,
    Fn,
    Function,
    Gradient,
    Integral,
    Json,
    Mul,
    Number,
    Pow,
    Ref,
    Rejected,
    Size,
    Statement,
    Sum,
    Tree,
    refusing,
)

Value: TypeAlias = fmpq | arb
Place: TypeAlias = tuple[str, Entry]
Motion: TypeAlias = Callable[[Place], Mapping[Place, Value]]

MOST_BITS: Final = 100_000
LARGEST_EXPONENT: Final = 10_000
LARGEST_ROOT: Final = 64
FLOW: Final[Place] = ("", ())  # the direction of the flow
ONE: Final = fmpq(1)

_told = partial(refusing, "the point cannot be evaluated")


@contextmanager
def precision(bits: Json) -> Iterator[None]:
    """Arb at `bits` bits inside, and as it was outside."""
    if isinstance(bits, bool) or not isinstance(bits, int) or not 2 <= bits <= MOST_BITS:
        raise Rejected(f"the precision {bits!r} is not an integer between 2 and {MOST_BITS}")
    before = flint.ctx.prec
    flint.ctx.prec = bits
    try:
        yield
    finally:
        flint.ctx.prec = before


def _plus(a: Value, b: Value) -> Value:
    return a + b if isinstance(a, fmpq) and isinstance(b, fmpq) else arb(a) + arb(b)


def _times(a: Value, b: Value) -> Value:
    if not (isinstance(a, fmpq) and isinstance(b, fmpq)):
        return arb(a) * arb(b)
    product = a * b
    if product.height_bits() > MOST_BITS:
        raise Rejected(f"a number has more than {MOST_BITS} bits")
    return product


def _inverse(a: Value) -> Value:
    if not (a > 0 or a < 0):
        raise Rejected(f"division by {a}, which is not certainly nonzero")
    return ONE / a if isinstance(a, fmpq) else 1 / a


def _integer_power(a: Value, n: int) -> Value:
    if abs(n) > LARGEST_EXPONENT:
        raise Rejected(f"the exponent {n} is larger than {LARGEST_EXPONENT}")
    if n < 0:
        return _inverse(_integer_power(a, -n))
    result: Value = ONE
    for bit in bin(n)[2:]:
        result = _times(result, result)
        result = _times(result, a) if bit == "1" else result
    return result


def _positive(a: Value, what: str) -> Value:
    if not a > 0:
        raise Rejected(f"{what} of {a}, which is not certainly positive")
    return a


def _power(a: Value, e: Value) -> Value:
    """a^e for a > 0; exact if a is a perfect power."""
    _positive(a, "a power that is not an integer")
    if isinstance(a, fmpq) and isinstance(e, fmpq) and e.q <= LARGEST_ROOT and abs(e.p) <= LARGEST_EXPONENT:
        order = int(e.q)
        above, below = a.p.root(order), a.q.root(order)
        if above**order == a.p and below**order == a.q:
            return _integer_power(fmpq(above, below), int(e.p))
    return arb(a) ** arb(e)


def _function(name: Function, x: Value) -> tuple[Value, Callable[[], Value]]:
    """The function at x, and its derivative there to be computed if it is needed."""
    square = _plus(ONE, _times(x, x))
    origin = isinstance(x, fmpq) and x == 0
    match name:
        case "log":
            _positive(x, "the logarithm")
            return (fmpq(0) if isinstance(x, fmpq) and x == 1 else arb(x).log()), lambda: _inverse(x)
        case "exp":
            value: Value = ONE if origin else arb(x).exp()
            return value, lambda: value
        case "sin":
            return (x if origin else arb(x).sin()), lambda: ONE if origin else arb(x).cos()
        case "cos":
            return (ONE if origin else arb(x).cos()), lambda: x if origin else -arb(x).sin()
        case "asinh":
            return (x if origin else arb(x).asinh()), lambda: _inverse(_power(square, fmpq(1, 2)))
        case "atan":
            return (x if origin else arb(x).atan()), lambda: _inverse(square)
        case "atanh":
            gap = _positive(_plus(ONE, _times(fmpq(-1), _times(x, x))), "atanh needs 1 - e^2, and the sign")
            return (x if origin else arb(x).atanh()), lambda: _inverse(gap)
        case "abs":
            size = max(x, -x) if isinstance(x, fmpq) else x.abs_lower().union(x.abs_upper())
            return size, lambda: _times(size, _inverse(x))
    assert_never(name)


@dataclass(frozen=True)
class Dual:
    """A value and its derivatives in the directions where they are not zero."""

    value: Value
    tangents: Mapping[Place, Value] = field(default_factory=dict)


def _chain(value: Value, *parts: tuple[Dual, Callable[[], Value]]) -> Dual:
    """The tangents of f(parts) by the chain rule; a slope is computed only if its part moves."""
    tangents: dict[Place, Value] = {}
    for part, slope in parts:
        if part.tangents:
            factor = slope()
            for way, tangent in part.tangents.items():
                step = _times(factor, tangent)
                tangents[way] = _plus(tangents[way], step) if way in tangents else step
    return Dual(value, tangents)


def _unit() -> Value:
    return ONE


@dataclass
class _Point:
    """A statement at a point: what each tree is worth, and how fast it changes as the entries move by `motion`, the held names not at all."""

    statement: Statement
    sizes: Mapping[str, int]
    values: Mapping[Place, Value]
    motion: Motion = lambda _: {}
    held: frozenset[str] = frozenset()
    memory: dict[Place, Dual] = field(default_factory=dict)
    summands: Summands = field(default_factory=Summands)

    def moving(self, motion: Motion, held: frozenset[str] = frozenset()) -> _Point:
        return _Point(self.statement, self.sizes, self.values, motion, held)

    def size(self, size: Size) -> int:
        return size if isinstance(size, int) else self.sizes[size]

    def scope(self, family: Family, entry: Entry) -> dict[str, int]:
        if any(k >= self.size(size) for k, (_, size) in zip(entry, family.indices, strict=True)):
            raise Rejected(f"the entry {list(entry)} is outside its shape")
        return {name: k for (name, _), k in zip(family.indices, entry, strict=True)}

    def at(self, family: Family, entry: Entry) -> Dual:
        return self.dual(family.value, self.scope(family, entry), {})

    def entry(self, place: Place) -> Dual:
        if place[0] in self.sizes:
            return Dual(fmpq(self.sizes[place[0]]))
        if place not in self.memory:
            if place[0] in self.statement.definitions:
                found = self.at(self.statement.definitions[place[0]], place[1])
            elif place in self.values:
                found = Dual(self.values[place], {} if place[0] in self.held else self.motion(place))
            else:
                raise Rejected(f"{place[0]}{list(place[1])} has no value: it is outside its shape, or left open")
            self.memory[place] = Dual(found.value) if place[0] in self.held else found
        return self.memory[place]

    def dual(self, tree: Tree, at: Mapping[str, int], bound: Mapping[str, Dual]) -> Dual:
        match tree:
            case Number(value):
                return Dual(value)
            case Ref(name, indices):
                return bound[name] if name in bound else self.entry((name, tuple(at[i] if isinstance(i, str) else i for i in indices)))
            case Add(args):
                return self.total([self.dual(arg, at, bound) for arg in args])
            case Sum(index, size, body):
                return self.total([self.dual(body, {**at, index: k}, bound) for k in self.summands.over(self.size(size))])
            case Mul(args):
                return self.product([self.dual(arg, at, bound) for arg in args])
            case Pow(base, exponent):
                return self.power(self.dual(base, at, bound), self.dual(exponent, at, bound))
            case Fn(name, arg):
                inner = self.dual(arg, at, bound)
                result, slope = _function(name, inner.value)
                return _chain(result, (inner, slope))
            case Integral(variable, upper, body):
                end = self.dual(upper, at, bound)
                return _chain(self.integral(body, variable, end.value, at), (end, lambda: self.dual(body, at, {variable: Dual(end.value)}).value))
        assert_never(tree)

    @staticmethod
    def total(parts: list[Dual]) -> Dual:
        value: Value = fmpq(0)
        for part in parts:
            value = _plus(value, part.value)
        return _chain(value, *((part, _unit) for part in parts))

    @staticmethod
    def product(parts: list[Dual]) -> Dual:
        total = Dual(ONE)
        for part in parts:
            before, factor = total.value, part.value
            total = _chain(_times(before, factor), (total, lambda f=factor: f), (part, lambda b=before: b))  # type: ignore[misc]
        return total

    @staticmethod
    def power(base: Dual, exponent: Dual) -> Dual:
        a, e = base.value, exponent.value
        if isinstance(e, fmpq) and e.q == 1 and not exponent.tangents:
            n = int(e)
            return Dual(ONE) if n == 0 else _chain(_integer_power(a, n), (base, lambda: _times(e, _integer_power(a, n - 1))))
        value = _power(a, e)
        return _chain(value, (base, lambda: _times(_times(e, value), _inverse(a))), (exponent, lambda: _times(value, _function("log", a)[0])))

    def integral(self, body: Tree, variable: str, upper: Value, at: Mapping[str, int]) -> Value:
        """The integral from 0 to u of f(v) dv as that from 0 to 1 of u f(u t) dt, enclosed by Petras' algorithm."""
        end = arb(upper)
        self.complex(body, at, variable, acb(end))  # refuses here what may not stand in an integrand
        found = acb.integral(lambda t, _: end * self.complex(body, at, variable, end * t), 0, 1)
        if not (found.real.is_finite() and found.imag.contains(0)):
            raise Rejected("an integral was not enclosed: its integrand is singular, or not real, between 0 and the upper limit")
        return found.real

    def complex(self, tree: Tree, at: Mapping[str, int], variable: str, v: acb) -> acb:
        """The analytic continuation of an integrand near the positive axis; not a number where a log or a root might leave its branch."""
        match tree:
            case Number(value):
                return acb(arb(value))
            case Ref(name, indices):
                if name == variable:
                    return v
                entry = tuple(at[i] if isinstance(i, str) else i for i in indices)
                if name in self.statement.definitions:
                    family = self.statement.definitions[name]
                    return self.complex(family.value, self.scope(family, entry), "", v)
                if name not in self.sizes and self.statement.symbols[name].role != "constant":
                    raise Rejected(f"an integrand mentions {name}: it may depend on constants and on its variable only")
                found = self.entry((name, entry))
                if found.tangents:
                    raise Rejected("an integral is differentiated by a constant of its integrand")
                return acb(arb(found.value))
            case Add(args):
                return sum((self.complex(arg, at, variable, v) for arg in args), acb(0))
            case Sum(index, size, body):
                return sum((self.complex(body, {**at, index: k}, variable, v) for k in self.summands.over(self.size(size))), acb(0))
            case Mul(args):
                result = acb(1)
                for arg in args:
                    result = result * self.complex(arg, at, variable, v)
                return result
            case Pow(base, exponent):
                z, e = self.complex(base, at, variable, v), self.exponent(exponent, at)
                if isinstance(e, fmpq) and e.q == 1:
                    return z ** int(e)
                return z ** acb(arb(e)) if z.real > 0 else _nowhere()
            case Fn(name, arg):
                return _continued(name, self.complex(arg, at, variable, v))
        raise Rejected("an integrand holds an integral")

    def exponent(self, tree: Tree, at: Mapping[str, int]) -> Value:
        """An exponent in an integrand: a constant, so that no branch moves."""
        found = self.moving(lambda place: {} if self.statement.symbols[place[0]].role == "constant" else {FLOW: ONE}).dual(tree, at, {})
        if found.tangents:
            raise Rejected("an exponent in an integrand is not a constant")
        return found.value


def _nowhere() -> acb:
    return acb(arb.nan(), arb.nan())


def _continued(name: str, z: acb) -> acb:
    match name:
        case "exp":
            return z.exp()
        case "sin":
            return z.sin()
        case "cos":
            return z.cos()
        case "log":
            return z.log() if z.real > 0 else _nowhere()
        case "atan":
            return z.atan() if abs(z.imag) < 1 else _nowhere()
    raise Rejected(f"the function {name} in an integrand cannot be integrated")


def _read(statement: Statement, assignment: Json) -> _Point:
    """The point, if shapes and signs are as declared and every hypothesis vanishes exactly."""
    sizes, given = read_sizes(statement, assignment["sizes"]), assignment["values"]
    if set(given) != set(statement.symbols):
        raise Rejected(f"the point gives {sorted(given)}, and the statement has {sorted(statement.symbols)}")
    values = {(name, entry): q for name, node in given.items() for entry, q in read_value(statement, name, node, sizes).items()}
    point = _Point(statement, sizes, values)
    for number, family in enumerate(statement.hypotheses):
        for entry in entries((size for _, size in family.indices), sizes):
            zero = point.at(family, entry).value
            if not isinstance(zero, fmpq):
                raise Rejected(f"hypothesis {number}, entry {list(entry)}, cannot be evaluated exactly at this point")
            if zero != 0:
                raise Rejected(f"the point violates hypothesis {number}, entry {list(entry)}: it is {zero}, not 0")
    return point


def _velocities(point: _Point, flow: Flow) -> dict[Place, Value]:
    """theta' = -rate P(gradient of the pairing) + drift, with P g = g - theta (theta . g) on each sphere."""
    statement, zero = point.statement, fmpq(0)
    moving = {place: ONE for place in point.values if statement.symbols[place[0]].role == "parameter"}
    slopes = point.moving(lambda place: {place: ONE} if place in moving else {}, flow.held)
    gradient = slopes.dual(flow.pairing, {}, {}).tangents
    velocities: dict[Place, Value] = {}
    for place in moving:
        name, entry = place
        normal: Value = zero
        for other in (other for group in flow.spheres if name in group for other in moving if other[0] in group):
            normal = _plus(normal, _times(point.values[other], gradient.get(other, zero)))
        tangential = _plus(gradient.get(place, zero), _times(-point.values[place], normal))
        rate = point.at(flow.rates[name], entry).value if name in flow.rates else zero
        drift = point.at(flow.drift[name], entry).value if name in flow.drift else zero
        velocities[place] = _plus(_times(fmpq(-1), _times(rate, tangential)), drift)
    return velocities


def _along(point: _Point, flow: Flow) -> _Point:
    velocities = _velocities(point, flow)

    def motion(place: Place) -> Mapping[Place, Value]:
        role = point.statement.symbols[place[0]].role
        if role == "constant":
            return {}
        if role == "time":
            return {FLOW: ONE}
        if place not in velocities:
            raise Rejected(f"the flow does not say how {place[0]} moves, and the claim differentiates it")
        return {FLOW: velocities[place]}

    return point.moving(motion)


def _residual(statement: Statement, assignment: Json) -> dict[Entry, Value]:
    point, claim = _read(statement, assignment), statement.claim
    wanted = entries((size for _, size in claim.indices), point.sizes)
    match claim:
        case Equal(indices, first, second):
            moved = point
        case Evolves(indices, first, second):
            if statement.flow is None:
                raise Rejected("the claim is about a flow, and the statement has none")
            moved = _along(point, statement.flow)
        case Gradient(of, by, indices, value):
            slopes = point.moving(lambda place: {place: ONE} if place[0] == by else {}).dual(of, {}, {}).tangents
            gaps = {entry: point.at(Family(indices, value), entry).value for entry in wanted}
            return {entry: _plus(slopes.get((by, entry), fmpq(0)), _times(fmpq(-1), gaps[entry])) for entry in wanted}
        case _:
            raise Rejected("the claim has no residual: it is not an identity")
    result = {}
    for entry in wanted:
        found, target = moved.at(Family(indices, first), entry), point.at(Family(indices, second), entry)
        known = found.value if isinstance(claim, Equal) else found.tangents.get(FLOW, fmpq(0))
        result[entry] = _plus(known, _times(fmpq(-1), target.value))
    return result


def residual_at(statement: Statement, assignment: Json) -> dict[Entry, arb]:
    """The residual of the claim, entry by entry, at {"sizes": ..., "values": ..., "bits": 333}; or `Rejected`.

    A point that comes back satisfies the signs and hypotheses, and everything in the statement is defined there: the claim is not empty.
    """
    with _told(), precision(assignment["bits"]):
        return {entry: arb(value) for entry, value in _residual(statement, assignment).items()}


def check_counterexample(statement: Statement, certificate: Json) -> tuple[Entry, str, str | None]:
    """(entry, ball, rational) where the residual certainly does not vanish, the last if it was computed exactly; otherwise `Rejected`.

    The certificate is {"sizes": {...}, "values": {name: rational or nested lists}, "bits": 333} with a value for every symbol.
    """
    with _told(), precision(certificate["bits"]):
        found = _residual(statement, certificate)
        for entry, value in found.items():
            if (value > 0 or value < 0) and arb(value).is_finite():
                return entry, arb(value).str(30), str(value) if isinstance(value, fmpq) else None
        raise Rejected(f"no entry of the residual certainly differs from zero: {', '.join(arb(v).str(10) for v in found.values())}"[:400])


def gradients_at(statement: Statement, indices: Sequence[tuple[str, Size]], quantity: Tree, assignment: Json) -> list[Mapping[Place, Value]]:
    """The gradient of a quantity by time and every entry of a parameter, for each value of its indices, at a point that meets every hypothesis."""
    with _told():
        point = _read(statement, assignment)
        slopes = point.moving(lambda place: {place: ONE} if statement.symbols[place[0]].role in ("parameter", "time") else {})
        wanted = entries((size for _, size in indices), point.sizes)
        return [slopes.at(Family(tuple(indices), quantity), entry).tangents for entry in wanted]


def sides_at(statement: Statement, sides: Equal, sizes: Mapping[str, int], values: Mapping[Place, Value]) -> list[tuple[Value, Value]]:
    """Both sides, entry by entry, where every symbol has a value or a ball; shapes, signs and hypotheses are the caller's to check."""
    with _told():
        point = _Point(statement, sizes, values)
        wanted = entries((size for _, size in sides.indices), sizes)
        families = (Family(sides.indices, sides.left), Family(sides.indices, sides.right))
        return [(point.at(families[0], entry).value, point.at(families[1], entry).value) for entry in wanted]
