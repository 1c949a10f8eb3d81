"""A flow at explicit sizes as a straight-line program: every sum unrolled, every common part computed once.

A node is ("number", q), ("place", (name, entry)), ("held", a), ("+", (a, b, ...)), ("*", a, b), ("^", a, q) with a rational q, or (function, a);
a, b, ... are numbers of earlier nodes. Equal nodes are one node. A part of a tree is visited once for every value of the indices it really depends
on, so that a network of many layers costs as much as its passes, not as its paths. The gradient of the pairing is taken backwards, node by node.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal, TypeAlias, assert_never

from flint import fmpq

from .instance import Entry, Summands, entries, read_value
from .language import Add, Family, Flow, Fn, Function, Integral, Json, Mul, Number, Pow, Ref, Rejected, Size, Statement, Sum, Tree, parts

Place: TypeAlias = tuple[str, Entry]
Node: TypeAlias = (
    tuple[Literal["number"], fmpq]
    | tuple[Literal["place"], Place]
    | tuple[Literal["held"], int]
    | tuple[Literal["+"], tuple[int, ...]]
    | tuple[Literal["*"], int, int]
    | tuple[Literal["^"], int, fmpq]
    | tuple[Function, int]
)

MOST_NODES: Final = 2_000_000
MOST_BITS: Final = 100_000  # of a number
LARGEST_EXPONENT: Final = 1000
LARGEST_ROOT: Final = 64
ONE: Final = fmpq(1)


@dataclass
class Graph:
    """The nodes, each after those it is made of; `values` are the numbers of the constants that have one."""

    statement: Statement
    sizes: Mapping[str, int]
    values: Mapping[Place, fmpq] = field(default_factory=dict)
    nodes: list[Any] = field(default_factory=list)  # each a Node
    known: dict[Node, int] = field(default_factory=dict)
    memory: dict[tuple[int, frozenset[str], tuple[int, ...]], int] = field(default_factory=dict)
    free: dict[int, tuple[Tree, tuple[str, ...]]] = field(default_factory=dict)
    summands: Summands = field(default_factory=Summands)

    def node(self, node: Node) -> int:
        if node not in self.known:
            if len(self.nodes) == MOST_NODES:
                raise Rejected(f"the flow has more than {MOST_NODES} operations at these sizes")
            self.known[node] = len(self.nodes)
            self.nodes.append(node)
        return self.known[node]

    def number(self, q: fmpq | int) -> int:
        if fmpq(q).height_bits() > MOST_BITS:
            raise Rejected(f"a number of the flow has more than {MOST_BITS} bits")
        return self.node(("number", fmpq(q)))

    def rational(self, a: int) -> fmpq | None:
        """The number a node is, if it is one."""
        return self.nodes[a][1] if self.nodes[a][0] == "number" else None

    def total(self, args: list[int]) -> int:
        known = sum((q for q in map(self.rational, args) if q is not None), fmpq(0))
        rest = [a for a in args if self.rational(a) is None]
        if known != 0 or not rest:
            rest.append(self.number(known))
        return rest[0] if len(rest) == 1 else self.node(("+", tuple(rest)))

    def times(self, a: int, b: int) -> int:
        p, q = self.rational(a), self.rational(b)
        if p is not None and q is not None:
            return self.number(p * q)
        if p is not None:
            a, b, p, q = b, a, q, p  # a number stands second
        if q is not None and (q == 0 or q == 1):
            return b if q == 0 else a
        return self.node(("*", a, b))

    def power(self, a: int, q: fmpq) -> int:
        p = self.rational(a)
        if abs(q.p) > LARGEST_EXPONENT or q.q > LARGEST_ROOT:
            raise Rejected(f"the exponent {q} is beyond {LARGEST_EXPONENT}, or a root of order beyond {LARGEST_ROOT}")
        if q == 0 or q == 1:
            return a if q == 1 else self.number(1)
        if p is not None and q.q == 1:
            if p == 0 and q < 0:
                raise Rejected("division by zero: a denominator vanishes")
            if p.height_bits() * abs(int(q)) > MOST_BITS:
                raise Rejected(f"a number of the flow has more than {MOST_BITS} bits")
            return self.number(p ** int(q))
        return self.node(("^", a, q))

    def function(self, name: Function, a: int) -> int:
        return self.node((name, a))

    def place(self, name: str, entry: Entry, held: frozenset[str] = frozenset()) -> int:
        if name in self.sizes:
            return self.number(self.sizes[name])
        indices = self.shape(name)
        if any(k >= self.size(size) for k, size in zip(entry, indices, strict=True)):
            raise Rejected(f"{name}{list(entry)} is outside its shape")
        if name in self.statement.definitions:
            return self.family(self.statement.definitions[name], entry, held)
        return self.number(self.values[name, entry]) if (name, entry) in self.values else self.node(("place", (name, entry)))

    def shape(self, name: str) -> tuple[Size, ...]:
        if name in self.statement.definitions:
            return tuple(size for _, size in self.statement.definitions[name].indices)
        return self.statement.symbols[name].shape

    def size(self, size: Size) -> int:
        return size if isinstance(size, int) else self.sizes[size]

    def family(self, family: Family, entry: Entry, held: frozenset[str] = frozenset()) -> int:
        return self.walk(family.value, dict(zip((name for name, _ in family.indices), entry, strict=True)), held)

    def indices(self, tree: Tree) -> tuple[str, ...]:
        """The indices a tree depends on."""
        if id(tree) not in self.free:
            self.free[id(tree)] = tree, tuple(sorted(_free(tree)))  # the tree is kept, so that no other is given its id
        return self.free[id(tree)][1]

    def walk(self, tree: Tree, at: Mapping[str, int], held: frozenset[str] = frozenset()) -> int:
        """The node of a tree, where its indices have the values `at`."""
        key = id(tree), held, tuple(at[name] for name in self.indices(tree))
        if key not in self.memory:
            self.memory[key] = self.walked(tree, at, held)
        return self.memory[key]

    def walked(self, tree: Tree, at: Mapping[str, int], held: frozenset[str]) -> int:
        match tree:
            case Number(value):
                return self.number(value)
            case Ref(name, indices):
                found = self.place(name, tuple(at[i] if isinstance(i, str) else i for i in indices), held)
                return self.node(("held", found)) if name in held else found
            case Add(args):
                return self.total([self.walk(arg, at, held) for arg in args])
            case Sum(index, size, body):
                return self.total([self.walk(body, {**at, index: k}, held) for k in self.summands.over(self.size(size))])
            case Mul(args):
                product = self.number(1)
                for arg in args:
                    product = self.times(product, self.walk(arg, at, held))
                return product
            case Pow(base, exponent):
                a, b = self.walk(base, at, held), self.walk(exponent, at, held)
                q = self.rational(b)
                return self.power(a, q) if q is not None else self.function("exp", self.times(b, self.function("log", a)))
            case Fn(name, arg):
                return self.function(name, self.walk(arg, at, held))
            case Integral():
                raise Rejected("a tree mentions an integral, which is not unrolled")
        assert_never(tree)

    def under(self, tops: Iterable[int]) -> list[int]:
        """The nodes that some nodes are made of, those included, in order."""
        found, waiting = set[int](), list(tops)
        while waiting:
            a = waiting.pop()
            if a not in found:
                found.add(a)
                waiting += self.parts(a)
        return sorted(found)

    def places(self, tops: Iterable[int]) -> set[Place]:
        """What some nodes depend on."""
        return {self.nodes[a][1] for a in self.under(tops) if self.nodes[a][0] == "place"}

    def parts(self, a: int) -> tuple[int, ...]:
        node: Node = self.nodes[a]
        match node:
            case ["number" | "place", _]:
                return ()
            case ["+", args]:
                return args
            case ["*", b, c]:
                return b, c
            case ["^", b, _]:
                return (b,)
            case [_, b]:
                return (b,)
        assert_never(node)

    def slopes(self, a: int) -> list[tuple[int, int]]:
        """(b, d a / d b) for every node b that a is made of; what is held does not move."""
        node: Node = self.nodes[a]
        match node:
            case ["+", args]:
                return [(b, self.number(1)) for b in args]
            case ["*", b, c]:
                return [(b, c), (c, b)]
            case ["^", b, q]:
                return [(b, self.times(self.power(b, q - 1), self.number(q)))]
            case ["number" | "place" | "held", _]:
                return []
            case [name, b]:
                return [(b, self.slope(name, a, b))]
        assert_never(node)

    def slope(self, name: Function, a: int, b: int) -> int:
        """f'(b), where a = f(b)."""
        match name:
            case "log":
                return self.power(b, fmpq(-1))
            case "exp":
                return a
            case "sin":
                return self.function("cos", b)
            case "cos":
                return self.times(self.function("sin", b), self.number(-1))
            case "asinh":
                return self.power(self.total([self.number(1), self.times(b, b)]), fmpq(-1, 2))
            case "atan":
                return self.power(self.total([self.number(1), self.times(b, b)]), fmpq(-1))
            case "atanh":
                return self.power(self.total([self.number(1), self.times(self.times(b, b), self.number(-1))]), fmpq(-1))
            case "abs":
                return self.times(a, self.power(b, fmpq(-1)))
        assert_never(name)

    def gradient(self, a: int) -> dict[Place, int]:
        """The derivatives of a node by the places it depends on, backwards from it."""
        adjoints: dict[int, list[int]] = {a: [self.number(1)]}
        found: dict[Place, int] = {}
        for b in range(a, -1, -1):
            if b in adjoints:
                weight = self.total(adjoints.pop(b))
                if self.nodes[b][0] == "place":
                    found[self.nodes[b][1]] = weight
                for c, slope in self.slopes(b):
                    adjoints.setdefault(c, []).append(self.times(weight, slope))
        return found


@dataclass(frozen=True)
class Motion:
    """Let the places move with the velocities given by nodes of the graph; `controls` are the entries of the cotangents, which move as they like.

    The first `stated` nodes are what the flow is written with, with what fell out of the velocities: it is defined where all of them are.
    """

    graph: Graph
    moving: tuple[Place, ...]
    controls: tuple[Place, ...]
    velocities: Mapping[Place, int]
    stated: int

    @cached_property
    def slopes(self) -> Mapping[int, list[tuple[int, int]]]:
        """The parts of every node that the velocities are made of, with the derivatives by them, in the order of the nodes."""
        return {a: self.graph.slopes(a) for a in self.graph.under(self.velocities.values())}


def read_places(statement: Statement, given: Mapping[str, Json], sizes: Mapping[str, int]) -> dict[Place, fmpq]:
    """The values given for some symbols, entry by entry, of their shapes and with their signs."""
    return {(name, entry): q for name, node in given.items() for entry, q in read_value(statement, name, node, sizes).items()}


def motion(statement: Statement, sizes: Mapping[str, int], values: Mapping[Place, fmpq]) -> Motion:
    """theta' = -rate P(gradient of the pairing) + drift, with P g = g - theta (theta . g) on each sphere; and t' = 1.

    Constants with values are these numbers. Raises `Rejected` for a statement without a flow and for what cannot be unrolled.
    """
    flow = statement.flow
    if flow is None:
        raise Rejected("the claim is about a flow, and the statement has none")
    graph = Graph(statement, sizes, values)
    places = {name: [(name, entry) for entry in entries(symbol.shape, sizes)] for name, symbol in statement.symbols.items()}

    def of_role(role: str) -> tuple[Place, ...]:
        return tuple(place for name, symbol in statement.symbols.items() if symbol.role == role for place in places[name])

    moving = of_role("parameter")
    gradient = graph.gradient(graph.walk(flow.pairing, {}, flow.held))
    slope = {place: gradient.get(place, graph.number(0)) for place in moving}
    for group in flow.spheres:
        blocks = [place for name in group for place in places[name]]
        radial = graph.total([graph.times(graph.place(*place), slope[place]) for place in blocks])
        inward = graph.times(radial, graph.number(-1))
        slope |= {place: graph.total([slope[place], graph.times(graph.place(*place), inward)]) for place in blocks}
    velocities = {place: _velocity(graph, flow, place, slope[place]) for place in moving}
    velocities |= {place: graph.number(1) for place in of_role("time")}
    return Motion(graph, (*moving, *of_role("time")), of_role("cotangent"), velocities, len(graph.nodes))


def _velocity(graph: Graph, flow: Flow, place: Place, slope: int) -> int:
    name, entry = place
    parts = []
    if name in flow.rates:
        parts.append(graph.times(graph.times(graph.family(flow.rates[name], entry), slope), graph.number(-1)))
    if name in flow.drift:
        parts.append(graph.family(flow.drift[name], entry))
    return graph.total(parts)


def _free(tree: Tree) -> set[str]:
    match tree:
        case Ref(_, indices):
            return {index for index in indices if isinstance(index, str)}
        case Sum(index, _, body):
            return _free(body) - {index}
    return set().union(*map(_free, parts(tree)))
