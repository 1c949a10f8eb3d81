"""A flow at explicit sizes as a rational vector field over a finite field, evaluated at many points at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
from flint import fmpq

from proofs_check.kernel.graph import Graph, Motion, Place, motion
from proofs_check.kernel.language import read_statement
from theory.settings import Setting, Values
from theory.statements import Complete, Part, statement_tree

from .modular import Array, P, element, inverse, is_square, power, rank, square_root

LARGEST_ROOT = 2


class NotRational(ValueError):
    """A flow whose velocities cannot be made rational by adjoining functions; the text says which function is in the way."""


@dataclass(frozen=True)
class Adjoined:
    """Let $y = f(a)$ be one more coordinate, with $\\dot y = f'(a)\\,\\dot a$, which is rational in y: `name` is f, "root" or "cos" among them.

    `node` is the node of f(a) in the graph and `of` that of a; an exponential may stand for several nodes, exp(n a) = y^n.
    """

    name: str
    of: int


@dataclass(frozen=True)
class Points:
    """Let each column be a point: `x` the coordinates, `c` the controls."""

    x: Array
    c: Array

    @property
    def count(self) -> int:
        return int(self.x.shape[1])


@dataclass(frozen=True)
class System:
    """Let $\\dot x = X(x, c)$ with controls c, on the coordinates x: what moves, constants without a value, and adjoined functions.

    The constants stand still, and laws may depend on them. The fields are those of the flow on the domain, where spheres have radius 1 and
    adjoined roots are roots; elsewhere they are the rational continuation.
    """

    setting: Setting
    sizes: Mapping[str, int]
    values: Mapping[str, Values]
    motion: Motion
    constants: tuple[Place, ...]
    adjoined: tuple[Adjoined, ...]
    nodes: tuple[int, ...]

    @property
    def graph(self) -> Graph:
        return self.motion.graph

    @property
    def moving(self) -> tuple[Place, ...]:
        return self.motion.moving

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """The coordinates that are entries: what moves, then the constants."""
        return (*self.moving, *self.constants)

    @property
    def dimension(self) -> int:
        """The number of all coordinates."""
        return len(self.places) + len(self.adjoined)

    @cached_property
    def symbols(self) -> tuple[sp.Symbol, ...]:
        """A symbol for each coordinate, in which laws are looked for."""
        return tuple(sp.Symbol(f"x_{k}", real=True) for k in range(self.dimension))

    @cached_property
    def meanings(self) -> Mapping[sp.Symbol, sp.Expr]:
        """Each coordinate as an expression in the variables of the setting."""
        found: dict[sp.Symbol, sp.Expr] = {}
        for symbol, (name, entry) in zip(self.symbols, self.places, strict=False):
            found[symbol] = self.setting[name][entry]
        for symbol, extra in zip(self.symbols[len(self.places) :], self.adjoined, strict=True):
            inner = self.expression(extra.of)
            found[symbol] = sp.sqrt(inner) if extra.name == "root" else getattr(sp, extra.name)(inner)
        return found

    def meant(self, law: sp.Expr) -> sp.Expr:
        """A law in the coordinates' symbols, as an expression in the variables of the setting."""
        return law.xreplace(dict(self.meanings))

    def with_roots(self, expression: sp.Expr) -> sp.Expr:
        """The same function on the domain, with the square roots that are coordinates, up to factors without a root, put in as such."""
        symbols = {meaning: symbol for symbol, meaning in self.meanings.items()}
        roots = [(meaning.base.xreplace(symbols), symbol) for meaning, symbol in symbols.items() if meaning.is_Pow]

        def put(base: sp.Expr, exponent: sp.Expr) -> sp.Expr:
            for inner, symbol in roots if exponent.is_Rational and exponent.q == LARGEST_ROOT else ():
                factor = sp.powdenest(sp.sqrt(sp.cancel(base / inner)), force=True)  # of what is positive: it stands in front of a root
                if all(part.exp.is_Integer for part in factor.atoms(sp.Pow)):
                    return (factor * symbol) ** (2 * exponent)
            return base**exponent

        return expression.replace(sp.Pow, put) if roots else expression

    def expression(self, n: int) -> sp.Expr:
        """A node of the graph as an expression."""
        node = self.graph.nodes[n]
        match node:
            case ["number", q]:
                return sp.Rational(int(q.p), int(q.q))
            case ["place", (name, entry)]:
                return self.setting[name][entry]
            case ["held", a]:
                return self.expression(a)
            case ["+", args]:
                return sp.Add(*(self.expression(a) for a in args))
            case ["*", a, b]:
                return self.expression(a) * self.expression(b)
            case ["^", a, q]:
                return self.expression(a) ** sp.Rational(int(q.p), int(q.q))
            case [str(name), a]:
                return (sp.Abs if name == "abs" else getattr(sp, name))(self.expression(a))
        raise NotRational(f"{node} is no node")

    @cached_property
    def _index(self) -> Mapping[Place, int]:
        return {place: k for k, place in enumerate(self.places)}

    @cached_property
    def _extra(self) -> Mapping[tuple[str, int], int]:
        return {(extra.name, extra.of): len(self.places) + k for k, extra in enumerate(self.adjoined)}

    @cached_property
    def _controls(self) -> Mapping[Place, int]:
        return {place: k for k, place in enumerate(self.motion.controls)}

    def random(self, count: int, random: np.random.Generator) -> Points:
        """Points of the whole space: spheres have any radius, and an adjoined function any value."""
        return Points(*(random.integers(1, P, (rows, count), dtype=np.int64) for rows in (self.dimension, len(self.motion.controls))))

    def on_domain(self, count: int, random: np.random.Generator) -> Points:
        """Points where spheres have radius 1, and roots, sines and cosines are what they are called."""
        found: list[Points] = []
        while sum(points.count for points in found) < count:
            points = self.random(2 * count + 8, random)
            self._put_on_spheres(points.x, random)
            keep = self._put_on_roots(points)
            found.append(Points(points.x[:, keep], points.c[:, keep]))
        x, c = (np.concatenate([getattr(points, name) for points in found], axis=1)[:, :count] for name in "xc")
        return Points(x, c)

    def _put_on_spheres(self, x: Array, random: np.random.Generator) -> None:
        """Stereographic projection: $u = (2y, |y|^2 - 1)/(|y|^2 + 1)$."""
        flow = self.setting.flow
        for group in flow.space.spheres if flow else ():
            rows = [k for k, (name, _) in enumerate(self.moving) if name in group]
            y = random.integers(1, P, (len(rows) - 1, x.shape[1]), dtype=np.int64)
            square = (y * y % P).sum(axis=0) % P
            below = inverse((square + 1) % P)
            x[rows[:-1]] = 2 * y % P * below % P
            x[rows[-1]] = (square - 1) % P * below % P

    def _put_on_roots(self, points: Points) -> Any:
        """Give roots, sines and cosines values that fit; true for the points where there are some."""
        keep = np.ones(points.count, dtype=bool)
        for k, extra in enumerate(self.adjoined):
            row = len(self.places) + k
            if extra.name == "root":
                inner = self.nodes_at(points)[extra.of]
                keep &= is_square(inner)
                points.x[row] = square_root(inner)
            elif extra.name == "sin":
                t = points.x[row].copy()
                below = inverse((t * t + 1) % P)
                points.x[row], points.x[self._extra["cos", extra.of]] = 2 * t % P * below % P, (1 - t * t) % P * below % P
        return keep

    def nodes_at(self, points: Points) -> dict[int, Array]:
        """The values of all nodes that the velocities and the adjoined functions are made of."""
        x, c, found = points.x, points.c, dict[int, Array]()
        ones = np.ones(points.count, dtype=np.int64)
        for n in self.nodes:
            match self.graph.nodes[n]:
                case ["number", q]:
                    found[n] = ones * element(Fraction(int(q.p), int(q.q)))
                case ["place", place]:
                    found[n] = x[self._index[place]] if place in self._index else c[self._controls[place]]
                case ["held", a]:
                    found[n] = found[a]
                case ["+", args]:
                    total = found[args[0]]
                    for a in args[1:]:
                        total = total + found[a]
                    found[n] = total % P
                case ["*", a, b]:
                    found[n] = found[a] * found[b] % P
                case ["^", a, q] if q.q == 1:
                    found[n] = power(found[a], int(q))
                case ["^", a, q]:
                    found[n] = power(x[self._extra["root", a]], int(q.p))
                case ["exp", a]:
                    base, times = _multiple(self.graph, a)
                    found[n] = power(x[self._extra["exp", base]], times)
                case [str(name), a]:
                    found[n] = x[self._extra[name, a]]
        return found

    def velocity(self, points: Points) -> Array:
        """$X(x, c)$, a column for each point."""
        return self._derivatives(points)[: self.dimension]

    def _derivatives(self, points: Points) -> Array:
        """The velocities of all coordinates: those of the adjoined functions by the chain rule, node after node."""
        found = self.nodes_at(points)
        result = np.zeros((self.dimension, points.count), dtype=np.int64)
        for k, place in enumerate(self.moving):
            result[k] = found[self.motion.velocities[place]]
        if self.adjoined:
            self._push(points, found, result)
        return result

    def _push(self, points: Points, found: Mapping[int, Array], result: Array) -> None:
        """Given the velocities of the entries, put in those of the adjoined functions."""
        rates: dict[int, Array] = {}
        zero = np.zeros(points.count, dtype=np.int64)
        for n in self.nodes:
            node = self.graph.nodes[n]
            match node:
                case ["place", place]:
                    rates[n] = result[self._index[place]] if place in self._index else zero
                case ["number", _]:
                    rates[n] = zero
                case ["held", a]:
                    rates[n] = rates[a]
                case ["+", args]:
                    rates[n] = sum((rates[a] for a in args), zero) % P
                case ["*", a, b]:
                    rates[n] = (rates[a] * found[b] % P + found[a] * rates[b] % P) % P
                case ["^", a, q] if q.q == 1:
                    rates[n] = element(Fraction(int(q))) * power(found[a], int(q) - 1) % P * rates[a] % P
                case ["^", a, q]:
                    row = self._extra["root", a]
                    self._push_one("root", a, points.x, found, rates, result)
                    rates[n] = element(Fraction(int(q.p))) * power(points.x[row], int(q.p) - 1) % P * result[row] % P
                case ["exp", a]:
                    base, times = _multiple(self.graph, a)
                    row = self._extra["exp", base]
                    self._push_one("exp", base, points.x, found, rates, result)
                    rates[n] = element(Fraction(times)) * power(points.x[row], times - 1) % P * result[row] % P
                case [str(name), a]:
                    self._push_one(name, a, points.x, found, rates, result)
                    rates[n] = result[self._extra[name, a]]
        for extra in self.adjoined:
            self._push_one(extra.name, extra.of, points.x, found, rates, result)

    def _push_one(self, name: str, a: int, x: Array, found: Mapping[int, Array], rates: Mapping[int, Array], result: Array) -> None:
        row, rate = self._extra[name, a], rates[a]
        match name:
            case "root":
                slope = inverse(2 * x[row] % P)
            case "exp":
                slope = x[row]
            case "log":
                slope = inverse(found[a])
            case "atan":
                slope = inverse((1 + found[a] * found[a]) % P)
            case "sin":
                slope = x[self._extra["cos", a]]
            case _:
                slope = -x[self._extra["sin", a]] % P
        result[row] = slope * rate % P

    def jacobian(self, points: Points) -> Array:
        """The derivatives of all coordinates by what moves, at points of the domain: [coordinate, moving, point]."""
        found = self.nodes_at(points)
        result = np.zeros((self.dimension, len(self.moving), points.count), dtype=np.int64)
        for k in range(len(self.moving)):
            column = np.zeros((self.dimension, points.count), dtype=np.int64)
            column[k] = 1
            if self.adjoined:
                self._push(points, found, column)
            result[:, k] = column
        return result


def _multiple(graph: Graph, a: int) -> tuple[int, int]:
    """(b, n) with a = n b for the whole number n that a is written with, so that exp(a) = exp(b)^n."""
    match graph.nodes[a]:
        case ["*", b, q] if (number := graph.rational(q)) is not None and number.q == 1:
            return b, int(number)
    return a, 1


def system(setting: Setting, sizes: Mapping[str, int], values: Mapping[str, Values] | None = None) -> System:
    """Let a setting with a flow, a number for every size, and values for some of its constants be given: the system at these.

    Raises `NotRational` for flows with roots of higher order than two or with functions that have no rational derivative, and what the kernel
    raises for flows that it cannot unroll.
    """
    statement = read_statement(statement_tree(Part(setting, Complete(0, ()))))
    given = {place: fmpq(q.numerator, q.denominator) for name, value in (values or {}).items() for place, q in _entries(name, value)}
    moved = motion(statement, sizes, given)
    graph = moved.graph
    nodes = graph.under(moved.velocities.values())
    adjoined: dict[tuple[str, int], Adjoined] = {}
    for n in nodes:
        node = graph.nodes[n]
        match node:
            case ["number" | "place" | "held" | "+" | "*", *_]:
                continue
            case ["^", a, q] if q.q == 1:
                continue
            case ["^", a, q] if q.q == LARGEST_ROOT:
                wanted: list[tuple[str, int]] = [("root", a)]
            case ["exp", a]:
                wanted = [("exp", _multiple(graph, a)[0])]
            case ["log" | "atan", a]:
                wanted = [(str(node[0]), a)]
            case ["sin" | "cos", a]:
                wanted = [("sin", a), ("cos", a)]
            case _:
                raise NotRational(f"the flow holds {node[0]}, for which no rational coordinate is known")
        adjoined |= {key: Adjoined(*key) for key in wanted if key not in adjoined}
    used = {graph.nodes[n][1] for n in nodes if graph.nodes[n][0] == "place"}
    constants = tuple(place for place in sorted(used) if statement.symbols[place[0]].role == "constant")
    return System(setting, dict(sizes), dict(values or {}), moved, constants, tuple(adjoined.values()), tuple(nodes))


def _entries(name: str, value: Values, entry: tuple[int, ...] = ()) -> list[tuple[Place, Fraction]]:
    if isinstance(value, tuple):
        return [found for k, part in enumerate(value) for found in _entries(name, part, (*entry, k))]
    return [((name, entry), Fraction(value))]


def evaluated(expressions: Sequence[sp.Expr], x: Mapping[sp.Symbol, Array], random: np.random.Generator) -> list[Array]:
    """The values of expressions that are rational but for some functions; each of these is an unknown of its own, with random values.

    So the gradients of log f, of atan f, and of f exp(g) up to the factor exp(g), are what they should be.
    """
    memory: dict[sp.Expr, Array] = {}
    count = next(iter(x.values())).shape

    def walk(node: sp.Expr) -> Array:
        if node not in memory:
            memory[node] = visit(node)
        return memory[node]

    def visit(node: sp.Expr) -> Array:
        match node:
            case sp.Rational():
                return np.full(count, element(Fraction(int(node.p), int(node.q))), dtype=np.int64)
            case sp.Symbol() if node in x:
                return x[node]
            case sp.Add():
                total = walk(node.args[0])
                for arg in node.args[1:]:
                    total = (total + walk(arg)) % P
                return total
            case sp.Mul():
                product = walk(node.args[0])
                for arg in node.args[1:]:
                    product = product * walk(arg) % P
                return product
            case sp.Pow() if node.exp.is_Integer:
                return power(walk(node.base), int(node.exp))
        return random.integers(1, P, count, dtype=np.int64)

    return [walk(expression) for expression in expressions]


def gradient(system: System, law: sp.Expr, points: Points, random: np.random.Generator) -> Array:
    """The derivatives of a law by all coordinates, a column for each point; up to a factor that depends on the point alone."""
    law = law.replace(lambda node: isinstance(node, sp.log), lambda node: sp.log(node.args[0].replace(sp.Abs, lambda inner: inner)))
    at = dict(zip(system.symbols, points.x, strict=True))
    rows = [k for k, symbol in enumerate(system.symbols) if symbol in law.free_symbols]
    result = np.zeros((system.dimension, points.count), dtype=np.int64)
    if rows:
        result[rows] = evaluated([system.with_roots(sp.diff(law, system.symbols[k])) for k in rows], at, random)
    return result


def is_law(system: System, law: sp.Expr, points: Points, random: np.random.Generator) -> bool:
    """Whether the derivative of a law along the flow vanishes at all the points given, modulo p."""
    slopes = gradient(system, law, points, random)
    return not ((slopes * system.velocity(points) % P).sum(axis=0) % P).any()


def independent(system: System, laws: Sequence[sp.Expr], random: np.random.Generator) -> list[int]:
    """The numbers of laws, the first ones preferred, whose gradients by what moves are independent at a random point of the domain."""
    points = system.on_domain(1, random)
    jacobian = system.jacobian(points)[:, :, 0]
    kept: list[int] = []
    rows: list[Array] = []
    for n, law in enumerate(laws):
        slope = gradient(system, law, points, random)[:, 0]
        row = np.array([sum(int(a) * int(b) for a, b in zip(slope, column, strict=True)) % P for column in jacobian.T], dtype=np.int64)
        if rank(np.array([*rows, row])) > len(kept):
            kept.append(n)
            rows.append(row)
    return kept
