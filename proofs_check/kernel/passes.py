"""A graph evaluated over any kind of numbers: which nodes are needed, in which order, and which sums are taken together.

A network or a sensing matrix makes many sums of the same nodes with different rational weights. Such sums are one product of a matrix with what these
nodes are worth, and the single products q * node they were written with need not be computed at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol, TypeAlias, assert_never

import flint
from flint import arb, arb_mat, fmpq

from .graph import Graph, Node, Place
from .language import Function, Rejected

Value: TypeAlias = Any  # whatever a ring computes with
FEWEST_TERMS: Final = 4  # a sum of fewer is added up as it stands


class Ring(Protocol):
    """A kind of numbers that contains the true values, or raises `Rejected` where these are not certainly defined."""

    def number(self, q: fmpq) -> Value: ...

    def plus(self, a: Value, b: Value) -> Value: ...

    def times(self, a: Value, b: Value) -> Value: ...

    def power(self, a: Value, q: fmpq) -> Value: ...

    def function(self, name: Function, a: Value) -> Value: ...

    def image(self, matrix: arb_mat, values: Sequence[Value]) -> list[Value]:
        """The product of a matrix with a column of values."""
        ...


@dataclass(frozen=True)
class Sums:
    """The nodes `members` = `weights` times the nodes `bases`, plus `constants`."""

    members: tuple[int, ...]
    bases: tuple[int, ...]
    weights: tuple[tuple[fmpq, ...], ...]
    constants: tuple[fmpq, ...]

    @cached_property
    def _matrices(self) -> dict[int, arb_mat]:
        return {}

    @property
    def matrix(self) -> arb_mat:
        """The weights as balls of the present precision."""
        bits = flint.ctx.prec
        if bits not in self._matrices:
            self._matrices[bits] = arb_mat(len(self.members), len(self.bases), [arb(q) for row in self.weights for q in row])
        return self._matrices[bits]


@dataclass(frozen=True)
class Pass:
    """What is to be computed for some nodes, in order: the number of a node, or sums that are taken together."""

    graph: Graph
    steps: tuple[int | Sums, ...]

    @cached_property
    def program(self) -> tuple[tuple[str, Any, Any, Any], ...]:
        """A verb, the number of a node or sums, and what the verb is about, for every step."""
        return tuple(self._told(step) for step in self.steps)

    def _told(self, step: int | Sums) -> tuple[str, Any, Any, Any]:
        if isinstance(step, Sums):
            return "sums", step, None, None
        node: Node = self.graph.nodes[step]
        match node:
            case [("number" | "place" | "held") as verb, a]:
                return verb, step, a, None
            case ["+", [first, *rest]]:
                return "+", step, first, tuple(rest)
            case [("*" | "^") as verb, a, b]:
                return verb, step, a, b
            case [name, a]:
                return "function", step, a, name
        assert_never(node)

    def values(self, ring: Ring, known: Mapping[Place, Value]) -> dict[int, Value]:
        """What the nodes are worth where the places have the values known."""
        found: dict[int, Value] = {}
        plus, times = ring.plus, ring.times
        for verb, n, a, b in self.program:
            if verb == "*":
                found[n] = times(found[a], found[b])
            elif verb == "+":
                total = found[a]
                for other in b:
                    total = plus(total, found[other])
                found[n] = total
            elif verb == "^":
                found[n] = ring.power(found[a], b)
            elif verb == "place":
                if a not in known:
                    raise Rejected(f"{a[0]}{list(a[1])} has no value, and the flow needs it")
                found[n] = known[a]
            elif verb == "sums":
                images = ring.image(n.matrix, [found[base] for base in n.bases])
                for member, image, q in zip(n.members, images, n.constants, strict=True):
                    found[member] = plus(image, ring.number(q)) if q != 0 else image
            elif verb == "number":
                found[n] = ring.number(a)
            else:
                found[n] = found[a] if verb == "held" else ring.function(b, found[a])
        return found


def planned(graph: Graph, tops: Iterable[int]) -> Pass:
    """The pass that computes some nodes of a graph."""
    tops = list(tops)
    sums = _together(graph, tops)
    leader = {n: together for together in sums for n in together.members}
    needed, waiting = set[int](), tops
    while waiting:
        n = waiting.pop()
        if n not in needed:
            needed.add(n)
            waiting += leader[n].bases if n in leader else graph.parts(n)
    steps: list[int | Sums] = []
    done = set[int]()
    for n in sorted(needed):
        if n not in done:
            steps.append(leader.get(n, n))  # the members have the same bases, and all of these come before the first of them
            done |= set(leader[n].members) if n in leader else {n}
    return Pass(graph, tuple(steps))


def _together(graph: Graph, tops: Iterable[int]) -> list[Sums]:
    """The sums of the same nodes."""
    groups: dict[tuple[int, ...], list[tuple[int, dict[int, fmpq], fmpq]]] = {}
    for n in graph.under(tops):
        if graph.nodes[n][0] == "+" and len(graph.nodes[n][1]) >= FEWEST_TERMS:
            weights, constant = _weights(graph, graph.nodes[n][1])
            groups.setdefault(tuple(sorted(weights)), []).append((n, weights, constant))
    return [
        Sums(tuple(n for n, _, _ in group), bases, tuple(tuple(w[b] for b in bases) for _, w, _ in group), tuple(q for _, _, q in group))
        for bases, group in groups.items()
        if bases and (len(group) > 1 or any(q != 1 for q in group[0][1].values()))
    ]


def _weights(graph: Graph, args: Sequence[int]) -> tuple[dict[int, fmpq], fmpq]:
    """A sum as weights of other nodes, and a constant."""
    weights: dict[int, fmpq] = {}
    constant = fmpq(0)
    for a in args:
        q, node = graph.rational(a), graph.nodes[a]
        if q is not None:
            constant += q
            continue
        factor = graph.rational(node[2]) if node[0] == "*" else None
        base = a if factor is None else node[1]
        weights[base] = weights.get(base, fmpq(0)) + (fmpq(1) if factor is None else factor)
    return weights, constant
