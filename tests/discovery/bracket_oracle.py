"""How many laws a flow can have, slowly: iterated Lie brackets, in plain SymPy, at a random rational point.

Let theta' = F(theta, c) with cotangents c. F is a polynomial in c, and the fields that multiply its monomials span the same space as all F(., c). A
function that is conserved whatever c does has a gradient that vanishes on these fields and on their brackets, so that there are at most
(number of coordinates) - (rank of brackets) laws. Time, where it is asked for, is one more coordinate with t' = 1.

Nothing here is shared with the kernel or with discovery: index expressions are unrolled into scalar symbols, the pairing is differentiated by SymPy,
and a function such as exp(v), 1/q or sqrt(q) is one more symbol with the derivative that it has, so that all brackets are polynomials.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from random import Random
from typing import Any

import sympy as sp
from sympy.polys.matrices import DomainMatrix
from sympy.polys.rings import PolyElement, ring

from theory.settings import Setting
from theory.symbols import Variable

Field = tuple[PolyElement, ...]


def scalar(name: str, entry: tuple[int, ...]) -> sp.Symbol:
    """The symbol of one entry; it is positive, so that roots and logarithms of it are real."""
    return sp.Symbol("_".join([name, *map(str, entry)]), positive=True)


@dataclass(frozen=True)
class System:
    """A flow at the sizes and values of its file, entry by entry.

    `coordinates` are the entries of the parameters, and the time behind them if it is one; `velocity` has an expression for each of them, in the
    coordinates, the `cotangents` and the `constants` without values.
    """

    coordinates: tuple[sp.Symbol, ...]
    velocity: tuple[sp.Expr, ...]
    cotangents: tuple[sp.Symbol, ...]
    constants: tuple[sp.Symbol, ...]
    spheres: tuple[tuple[sp.Symbol, ...], ...]
    values: Mapping[sp.Symbol, sp.Rational]

    @cached_property
    def fields(self) -> tuple[tuple[sp.Expr, ...], ...]:
        """The coefficients of the monomials in the cotangents."""
        if not self.cotangents:
            return (self.velocity,)
        parts = [dict(sp.Poly(sp.expand(v), *self.cotangents).terms()) for v in self.velocity]
        return tuple(tuple(part.get(power, sp.S.Zero) for part in parts) for power in sorted(set().union(*parts)))

    def point(self, random: Random) -> dict[sp.Symbol, sp.Rational]:
        """Random rational values of coordinates and constants: on every sphere, and where every square root in the velocity is rational."""
        at = {symbol: sp.Rational(random.randint(1, 97), random.randint(98, 200)) for symbol in (*self.constants, *self.coordinates)}
        for group in self.spheres:
            free = [sp.Rational(random.randint(1, 9), 10 * len(group)) for _ in group[1:]]
            norm = sum((t**2 for t in free), sp.S.Zero)
            at |= dict(zip(group, [*(2 * t / (1 + norm) for t in free), (1 - norm) / (1 + norm)], strict=True))
        for radicand in sorted({root.base for v in self.velocity for root in v.atoms(sp.Pow) if _is_root(root)}, key=str):
            own = sorted(radicand.free_symbols & set(self.coordinates), key=str)
            at |= next(there for there in self._trials(own, random) if _rational_root(radicand.subs({**at, **there})))
        return at

    def _trials(self, own: list[sp.Symbol], random: Random) -> Iterator[dict[sp.Symbol, sp.Rational]]:
        while True:
            yield {symbol: sp.Rational(random.randint(1, 24), random.randint(1, 12) if len(own) == 1 else 1) for symbol in own}


def _is_root(power: sp.Pow) -> bool:
    return bool(power.exp.is_Rational) and not power.exp.is_Integer


def _rational_root(value: sp.Rational) -> bool:
    return bool(sp.sqrt(value).is_Rational)


def system(setting: Setting, *, time: bool = False) -> System:
    """The flow of a setting, unrolled at its first instance."""
    flow, (instance,) = setting.flow, setting.instances
    assert flow is not None
    sizes = {name: int(value) for name, value in instance.sizes.items()}
    shapes = {v: [int(length) if length.is_Integer else sizes[str(length)] for length in v.shape] for v in setting.variables}
    values = {}
    for variable, shape in shapes.items():
        for entry in product(*map(range, shape)) if variable.name in instance.values else ():
            number: Any = instance.values[variable.name]
            for n in entry:
                number = number[n]
            values[scalar(variable.name, entry)] = sp.Rational(number.numerator, number.denominator)
    held = {d.name: d for d in setting.definitions if d.name in flow.held}

    def entries(of: Variable) -> list[tuple[int, ...]]:
        return list(product(*map(range, shapes[of])))

    def flat(expression: sp.Expr, at: Mapping[sp.Symbol, int]) -> sp.Expr:
        return unrolled(expression, at, sizes).subs(values)

    pairing = flat(flow.pairing, {})
    put_in = {}
    for name, definition in held.items():
        lengths = [int(length) if length.is_Integer else sizes[str(length)] for _, length in definition.family.indices]
        for entry in product(*map(range, lengths)):
            own = dict(zip((letter for letter, _ in definition.family.indices), entry, strict=True))
            put_in[scalar(name, entry)] = flat(setting.unfold(definition.family.value), own)
    blocks = flow.space.parameters
    slopes = {(b.name, e): sp.diff(pairing, scalar(b.name, e)).subs(put_in) for b in blocks if b.name in flow.rates for e in entries(b)}
    for group in flow.space.spheres:
        own_places = [(b.name, e) for b in blocks if b.name in group for e in entries(b)]
        radial = sp.Add(*(scalar(*place) * slopes[place] for place in own_places))
        slopes |= {place: slopes[place] - scalar(*place) * radial for place in own_places}
    velocity = []
    for block in blocks:
        for entry in entries(block):
            value = sp.S.Zero
            for families, factor in ((flow.rates, -slopes.get((block.name, entry), sp.S.Zero)), (flow.drift, sp.S.One)):
                if block.name in families:
                    family = families[block.name]
                    own = dict(zip((letter for letter, _ in family.indices), entry, strict=True))
                    value += factor * flat(setting.unfold(family.value), own)
            velocity.append(value)
    roles = {role: [scalar(v.name, e) for v in setting.variables if v.role == role for e in entries(v)] for role in ("cotangent", "constant")}
    coordinates = [scalar(b.name, e) for b in blocks for e in entries(b)]
    if time:
        coordinates, velocity = [*coordinates, scalar("t", ())], [*velocity, sp.S.One]
    spheres = tuple(tuple(scalar(b.name, e) for b in blocks if b.name in group for e in entries(b)) for group in flow.space.spheres)
    constants = tuple(symbol for symbol in roles["constant"] if symbol not in values)
    return System(tuple(coordinates), tuple(velocity), tuple(roles["cotangent"]), constants, spheres, values)


def unrolled(expression: sp.Expr, at: Mapping[sp.Symbol, int], sizes: Mapping[str, int]) -> sp.Expr:
    """An index expression at explicit sizes, with one scalar symbol for each entry."""
    if isinstance(expression, sp.Sum):
        (*inner, (letter, _, upper)) = expression.limits
        body = sp.Sum(expression.function, *inner) if inner else expression.function
        count = int(upper.subs({symbol: sizes[symbol.name] for symbol in upper.free_symbols})) + 1
        return sp.Add(*(unrolled(body, {**at, letter: n}, sizes) for n in range(count)))
    if isinstance(expression, sp.Indexed):
        return scalar(expression.base.name, tuple(int(at.get(own, own)) for own in expression.indices))
    if isinstance(expression, sp.Symbol):
        return sp.Integer(sizes[expression.name]) if expression.name in sizes else scalar(expression.name, ())
    return expression.func(*(unrolled(argument, at, sizes) for argument in expression.args)) if expression.args else expression


def possible_laws(system: System, *, depth: int, seed: int = 0) -> int:
    """At most so many independent laws there are, by brackets of `depth` fields at a random point."""
    tower = _Tower(system)
    at = tower.values(system.point(Random(seed)))
    generators = [field for field in (tower.lowered(field) for field in system.fields) if any(field)]
    rows, rank, layer = [], 0, generators
    for level in range(depth):
        if level:
            layer = [word for word in (tower.bracket(g, word) for g, word in product(generators, layer)) if any(word)]
        layer = list(dict.fromkeys(layer))
        rows = [*rows, *([component.evaluate(at) for component in word] for word in layer)]
        before, rank = rank, DomainMatrix(rows, (len(rows), len(system.coordinates)), sp.QQ).rank()
        if rank == before:
            break
    return len(system.coordinates) - rank


class _Tower:
    """Polynomials in the coordinates and in functions of them, each function with its derivatives."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.functions: dict[sp.Expr, sp.Symbol] = {}  # exp(a), 1/q or sqrt(q), arguments before what is made of them
        named = {component: self._named(component) for field in system.fields for component in field}
        for root in [function for function in self.functions if isinstance(function, sp.Pow) and function.exp == sp.S.Half]:
            self._named(1 / root)  # which the derivative of the root needs
        symbols = (*system.coordinates, *system.constants, *self.functions.values())
        self.ring, *_ = ring(symbols, sp.QQ)
        self.polynomials = {component: self.ring(sp.expand(name)) for component, name in named.items()}
        self.generator = dict(zip(symbols, self.ring.gens, strict=True))

    def _named(self, expression: sp.Expr) -> sp.Expr:
        if not expression.args:
            return expression
        if isinstance(expression, sp.exp):
            self._named(expression.exp)
            return self.functions.setdefault(expression, sp.Symbol(f"f{len(self.functions)}"))
        if isinstance(expression, sp.Pow) and not (expression.exp.is_Integer and expression.exp > 0):
            assert getattr(expression.exp, "q", 0) in (1, 2), expression
            base = self._named(expression.base)
            if expression.exp.q == 2:
                base = self.functions.setdefault(sp.sqrt(expression.base), sp.Symbol(f"f{len(self.functions)}"))
            power = abs(expression.exp.p)
            if expression.exp < 0:
                root = sp.sqrt(expression.base) if expression.exp.q == 2 else expression.base
                return self.functions.setdefault(1 / root, sp.Symbol(f"f{len(self.functions)}")) ** power
            return base**power
        return expression.func(*map(self._named, expression.args))

    def lowered(self, field: tuple[sp.Expr, ...]) -> Field:
        return tuple(self.polynomials[component] for component in field)

    @cached_property
    def slopes(self) -> Mapping[sp.Symbol, Mapping[sp.Symbol, PolyElement]]:
        """The derivative of every function by every coordinate, as a polynomial: exp' = exp a', (1/q)' = -q'/q^2, sqrt(q)' = q'/(2 sqrt(q))."""
        found = {}
        for expression, symbol in list(self.functions.items()):
            found[symbol] = {x: self.ring(sp.expand(self._renamed(sp.diff(expression, x)))) for x in self.system.coordinates}
        return found

    def _renamed(self, expression: sp.Expr) -> sp.Expr:
        known = len(self.functions)
        named = self._named(expression)
        assert len(self.functions) == known, f"{expression} needs a function that the velocity does not have"
        return named

    def derivative(self, poly: PolyElement, x: sp.Symbol) -> PolyElement:
        moved = poly.diff(self.generator[x])
        for symbol in self.functions.values():
            inner = poly.diff(self.generator[symbol])
            if inner:
                moved += inner * self.slopes[symbol][x]
        return moved

    def bracket(self, left: Field, right: Field) -> Field:
        xs = self.system.coordinates
        found = []
        for n in range(len(xs)):
            terms = [left[m] * self.derivative(right[n], x) - right[m] * self.derivative(left[n], x) for m, x in enumerate(xs) if left[m] or right[m]]
            found.append(sum(terms, self.ring.zero))
        return tuple(found)

    def values(self, point: Mapping[sp.Symbol, sp.Rational]) -> list[tuple[Any, Any]]:
        """A value for every generator; exp(a) at a rational a is transcendental, and any number may stand for it."""
        at = dict(point)
        for expression, symbol in self.functions.items():
            at[symbol] = sp.Rational(7, 5) + len(at) if isinstance(expression, sp.exp) else expression.subs(point)
            assert at[symbol].is_Rational, (expression, at[symbol])
        return [(self.generator[symbol], sp.QQ(int(value.p), int(value.q))) for symbol, value in at.items() if symbol in self.generator]
