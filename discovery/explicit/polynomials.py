"""Polynomial laws: combinations of monomials whose derivatives along a flow vanish, by linear algebra modulo p on values at random points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import sympy as sp

from .candidate import Candidate
from .independence import Independence
from .modular import Array, P, nullspace, regular
from .monomials import Monomials, classes, how_many, monomials, words_of
from .recognition import integer_vectors
from .signs import characters
from .system import System

MOST_MONOMIALS = 1_000_000
MOST_COLUMNS = 2000  # of one nullspace
MOST_TOGETHER = 64  # unknowns of one nullspace, where many are looked for at once
MOST_VALUES = 2**20  # held at a time
SPARE = 6  # points beyond as many as there are unknowns
FRESH = 3  # points for the check: at one of them, what is not 0 vanishes with probability degree / p


@dataclass(frozen=True)
class Space:
    """Let `terms` be monomials of degree at most `degree` in the coordinates `moving`, alone and times one of `constants`, where laws are looked for.

    `classes` holds the numbers of those that have the same character under the flips of signs that the flow cannot see, an array for each size.
    """

    system: System
    degree: int
    moving: tuple[int, ...]
    constants: tuple[int, ...]
    terms: Monomials
    classes: tuple[Array, ...]

    @property
    def largest(self) -> int:
        """How many monomials share a character."""
        return self.classes[-1].shape[1] if self.classes else 0

    @property
    def text(self) -> str:
        """What was looked for, in words."""
        names = ", ".join(dict.fromkeys(self.system.places[k][0] for k in self.constants))
        weights = f", with coefficients of degree at most 1 in {names}" if names else ""
        return f"polynomials of degree at most {self.degree} in {len(self.moving)} coordinates{weights}"


def polynomial_space(
    system: System, degree: int = 2, *, adjoined: bool = True, most_monomials: int = MOST_MONOMIALS, most_columns: int = MOST_COLUMNS
) -> Space:
    """The polynomials of at most that degree, in the entries alone or in the adjoined functions as well.

    Where there are more than `most_monomials` of them, or more than `most_columns` of one character, coefficients are numbers, and then the degree is
    lowered, to 1 at least; the space says what it is.
    """
    still = _still(system)
    moving = tuple(k for k in range(system.dimension if adjoined else len(system.places)) if k not in still)
    signs = characters(system)
    choices = [(d, constants) for d in range(degree, 0, -1) for constants in ((still, ()) if still else ((),))]
    for d, constants in choices:
        if how_many(len(moving), d, len(constants)) <= most_monomials or (d, constants) == choices[-1]:
            terms = monomials(system.dimension, d, moving, constants)
            space = Space(system, d, moving, constants, terms, classes(words_of(terms, signs)))
            if space.largest <= most_columns:
                break
    return space


def _still(system: System) -> tuple[int, ...]:
    """The coordinates that are seen to stand still."""
    stuck = [k for k, place in enumerate(system.moving) if system.graph.rational(system.motion.velocities[place]) == 0]
    return (*stuck, *range(len(system.moving), len(system.places)))


def polynomial_laws(
    system: System,
    *,
    random: np.random.Generator,
    degree: int = 2,
    known: Sequence[sp.Expr] = (),
    enough: int | None = None,
    most_monomials: int = MOST_MONOMIALS,
    most_columns: int = MOST_COLUMNS,
) -> Iterator[Candidate]:
    """All polynomial laws of `polynomial_space`, each independent of those before and of those known.

    First come those without adjoined functions, and those of low degree. They hold on the domain of the system, modulo p. Their coefficients are
    short coprime integers, the first one positive; a law with coefficients too large to be told from chance modulo p is passed over. The search ends
    early when there are `enough` laws, the known ones among them.
    """
    found = Independence(system, random)
    for law in known:
        found.adds(law)
    for k in _still(system):
        if k < len(system.moving) and found.adds(system.symbols[k]):
            yield Candidate(system.symbols[k], "polynomial", "the coordinate does not move")
    done = set[tuple[object, ...]]()
    for adjoined in (False, True) if system.adjoined else (False,):
        for d in range(1, degree + 1):
            space = polynomial_space(system, d, adjoined=adjoined, most_monomials=most_monomials, most_columns=most_columns)
            key = space.degree, space.moving, space.constants
            if key not in done:
                done.add(key)
                yield from _laws(space, found, random, enough)


def _laws(space: Space, found: Independence, random: np.random.Generator, enough: int | None) -> Iterator[Candidate]:
    for terms, vectors in relations(space, random):
        for vector in vectors:
            if enough is not None and found.size >= enough:
                return
            if found.adds_slope(terms.slope(vector, found.place.x[:, 0])):
                origin = f"linear algebra on the rates of the {space.text}"
                yield Candidate(terms.combination(vector, space.system.symbols), "polynomial", origin)


def relations(space: Space, random: np.random.Generator) -> Iterator[tuple[Monomials, list[list[int]]]]:
    """Class by class, small ones first: the monomials, and the short integer combinations of them that are conserved."""
    system = space.system
    points, fresh = system.on_domain(space.largest + SPARE, random), system.on_domain(FRESH, random)
    v, w = system.velocity(points), system.velocity(fresh)
    for rows in space.classes:
        for chosen in _dependent(space.terms, rows, points.x, v):
            terms, wanted = space.terms.some(chosen), len(chosen) + SPARE
            kernel = nullspace(terms.rates(points.x[:, :wanted], v[:, :wanted]).T)
            if len(kernel):
                rates = terms.rates(fresh.x, w)
                yield terms, [vector for vector in integer_vectors(kernel) if not combined(vector, rates).any()]


def _dependent(terms: Monomials, rows: Array, x: Array, v: Array) -> Iterator[Array]:
    """Those of many classes of one size in which the rates of the monomials may be dependent: nearly all are sorted out many at a time."""
    count, size = rows.shape
    if size > MOST_TOGETHER:
        yield from rows
        return
    step = max(1, MOST_VALUES // size**2)
    for some in (rows[k : k + step] for k in range(0, count, step)):
        rates = terms.some(some.ravel()).rates(x[:, :size], v[:, :size])
        yield from some[~regular(rates.reshape(len(some), size, size))]


def combined(vector: Sequence[int], rows: Array) -> Array:
    """The combination of rows, modulo p."""
    weights = np.array([c % P for c in vector], dtype=np.int64)
    return (weights[:, None] * rows % P).sum(axis=0) % P
