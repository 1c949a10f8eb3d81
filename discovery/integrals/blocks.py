"""Blocks of coordinates that move along curves of their own: only how fast they go is decided elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from typing import Any

import numpy as np
import sympy as sp

from ..explicit.modular import Array, P, inverse, nullspace
from ..explicit.recognition import integer_vectors
from ..explicit.system import NotRational, Points, System, evaluated

COLUMNS = 3
MOST_TRIES = 24


@dataclass(frozen=True)
class Block:
    """Let $X_i(x, c) = g_i(x_B)\\, s_B(x', c)$ for every coordinate i of a block B, where $x'$ are the coordinates outside it.

    Then every trajectory moves on the integral curves of $g$, and $s_B$ is its speed. `members` are the numbers of the coordinates in B, the adjoined
    functions among them; `fields` gives $g_i$ for those that are entries, in the symbols of the system.
    """

    members: tuple[int, ...]
    fields: Mapping[int, sp.Expr]

    @property
    def entries(self) -> tuple[int, ...]:
        return tuple(self.fields)


def blocks(system: System, random: np.random.Generator) -> Iterator[Block]:
    """The blocks of a system, as small as they can be, whose speeds are related; seen at random points modulo p, and not proved by that.

    Two coordinates are in one block when the ratio of their velocities does not depend on the controls and one enters the velocity of the other.
    What turns out not to have a curve of its own is left out, and so are speeds without a relation to others, before anything is written out.
    """
    still = ~system.velocity(system.random(COLUMNS, random)).any(axis=1)
    groups = [group for group in _groups(system, random) if group[0] < len(system.moving) and _has_a_curve(system, group, still, random)]
    for group in _related(system, groups, still, random):
        fields = _fields(system, group, still)
        if fields:
            yield Block(group, fields)


def _groups(system: System, random: np.random.Generator) -> list[tuple[int, ...]]:
    points = system.random(COLUMNS, random)
    other = Points(points.x, system.random(COLUMNS, random).c)
    here, there = system.velocity(points), system.velocity(other)
    ratios = [tuple(row.tolist()) for row in here * inverse(there) % P]
    moving = [k for k in range(system.dimension) if here[k].any() and there[k].all()]
    neighbours: dict[int, set[int]] = {k: {k} for k in moving}
    for k in moving:
        turned = points.x.copy()
        turned[k] = system.random(COLUMNS, random).x[k]
        changed = (system.velocity(Points(turned, points.c)) != here).any(axis=1)
        for j in moving:
            if changed[j] and ratios[j] == ratios[k]:
                neighbours[j].add(k)
                neighbours[k].add(j)
    found: list[tuple[int, ...]] = []
    waiting = set(moving)
    while waiting:
        group, fresh = set[int](), {min(waiting)}
        while fresh:
            group |= fresh
            fresh = set().union(*(neighbours[k] for k in fresh)) - group
        waiting -= group
        found.append(tuple(sorted(group)))
    return found


def _has_a_curve(system: System, group: Sequence[int], still: Any, random: np.random.Generator) -> bool:
    """Whether the matrix of $X_i(x_B, y)$, with rows (i, x_B) and columns $y = (x', c)$, has rank one; what stands still is one and the same."""
    first, second = (system.random(COLUMNS, random) for _ in range(2))
    second.x[still] = first.x[still]

    def at(curve: Points, rest: Points) -> Array:
        return system.velocity(_mixed(system, group, curve, rest))[list(group)]

    a, b, c, d = at(first, first), at(second, second), at(first, second), at(second, first)
    return all((a[i] * b[j] % P == c[i] * d[j] % P).all() for i, j in product(range(len(group)), repeat=2))


def _mixed(system: System, group: Sequence[int], inside: Points, outside: Points) -> Points:
    """The coordinates of a group from one batch of points, all else from another."""
    rows = np.zeros((system.dimension, 1), dtype=bool)
    rows[list(group)] = True
    return Points(np.where(rows, inside.x, outside.x), outside.c)


def _related(system: System, groups: Sequence[tuple[int, ...]], still: Any, random: np.random.Generator) -> list[tuple[int, ...]]:
    """The groups whose speeds, up to a factor for each, stand in a relation with constant coefficients."""
    if not groups:
        return []
    points, base = system.random(len(groups) + 8, random), system.random(1, random)
    rest = Points(np.where(still[:, None], points.x, base.x), np.repeat(base.c, points.count, axis=1))
    velocity = system.velocity(points)
    speeds = [velocity[group[0]] * inverse(system.velocity(_mixed(system, group, points, rest))[group[0]]) % P for group in groups]
    related = nullspace(np.array(speeds).T.copy())
    return [group for n, group in enumerate(groups) if related[:, n].any()]


def _fields(system: System, group: Sequence[int], still: Any) -> dict[int, sp.Expr]:
    """The $g_i$, the first of them primitive: up to a common factor the velocities where all else that moves is 1, and the controls are small."""
    entries = [k for k in group if k < len(system.moving)]
    written = {k: rational_velocity(system, k) for k in entries}
    outside = {symbol: sp.S.One for k, symbol in enumerate(system.symbols) if k not in group and not still[k]}
    controls = control_symbols(system)
    for values in _small(len(controls)):
        at = outside | dict(zip(controls, values, strict=True))
        found = {k: sp.factor(expression.xreplace(at)) for k, expression in written.items()}
        if all(g != 0 and g.is_finite is not False for g in found.values()):
            common = abs(reduce(sp.gcd, (g.as_coeff_Mul()[0] for g in found.values())))
            sign = -1 if found[entries[0]].as_coeff_Mul()[0] < 0 else 1
            return {k: sp.factor(g / common * sign) for k, g in found.items()}
    return {}


def _small(count: int) -> Iterator[tuple[sp.Integer, ...]]:
    """Small values for the controls: one of them alone, then all together."""
    for k in range(min(count, MOST_TRIES)):
        yield tuple(sp.Integer(k == j) for j in range(count))
    for base in range(1, 4):
        yield tuple(sp.Integer(base + base * j**2) for j in range(count))


def control_symbols(system: System) -> tuple[sp.Symbol, ...]:
    """A symbol for each control."""
    return tuple(sp.Symbol(f"c_{k}", real=True) for k in range(len(system.motion.controls)))


def rational_velocity(system: System, k: int) -> sp.Expr:
    """The velocity of an entry as a rational expression in the symbols of the coordinates, adjoined ones included, and of the controls."""
    places = dict(zip(system.places, system.symbols, strict=False)) | dict(zip(system.motion.controls, control_symbols(system), strict=True))
    extra = {(extra.name, extra.of): symbol for extra, symbol in zip(system.adjoined, system.symbols[len(system.places) :], strict=True)}
    memory: dict[int, sp.Expr] = {}

    def walk(n: int) -> sp.Expr:
        if n not in memory:
            memory[n] = visit(n)
        return memory[n]

    def visit(n: int) -> sp.Expr:
        node = system.graph.nodes[n]
        match node:
            case ["number", q]:
                return sp.Rational(int(q.p), int(q.q))
            case ["place", place]:
                return places[place]
            case ["held", a]:
                return walk(a)
            case ["+", args]:
                return sp.Add(*map(walk, args))
            case ["*", a, b]:
                return walk(a) * walk(b)
            case ["^", a, q]:
                return walk(a) ** int(q.p) if q.q == 1 else extra["root", a] ** int(q.p)
            case ["exp", a] if ("exp", a) not in extra:
                _, base, times = system.graph.nodes[a]
                return extra["exp", base] ** int(system.graph.nodes[times][1])
            case [str(name), a]:
                return extra[name, a]
        raise NotRational(f"{node} is no node")

    return walk(system.motion.velocities[system.moving[k]])


def relations(system: System, found: Sequence[Block], random: np.random.Generator) -> list[list[int]]:
    """Short integer vectors z with $\\sum_B z_B s_B = 0$ for all points and controls, that span all rational ones."""
    points = system.random(len(found) + 8, random)
    at = dict(zip(system.symbols, points.x, strict=True))
    velocity = system.velocity(points)
    leads = [block.entries[0] for block in found]
    below = evaluated([block.fields[k] for block, k in zip(found, leads, strict=True)], at, random)
    speeds = np.array([velocity[k] * inverse(g) % P for k, g in zip(leads, below, strict=True)]).reshape(len(found), points.count)
    return sorted(integer_vectors(nullspace(speeds.T.copy())), key=lambda z: sum(map(bool, z)))
