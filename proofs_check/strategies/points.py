"""Rational points of spheres, orthants and whole spaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import isqrt

import sympy as sp
from hypothesis import strategies as st

from numerics.exact import Exact
from theory.settings import Space
from theory.symbols import Sign, Variable

from ..sampling import Entry, Point, Sizes
from .errors import Impossible
from .rationals import HEIGHT, rationals
from .tables import Vector

LARGEST_SIZE = 4
STEREOGRAPHIC = 5  # numerators of the plane that is projected on the sphere, and how far beyond its least value the denominator goes


def spheres(signs: Sequence[Sign]) -> st.SearchStrategy[Vector]:
    """Let $u$ be a rational point with $\\sum u_i^2 = 1$ exactly, each entry of the sign that is wanted; `["positive"] * n` is an orthant.

    With a whole vector $m$ and a whole number $d > |m|$, $u = (2 d m, d^2 - |m|^2)/(d^2 + |m|^2)$ is on the sphere, its last entry positive; this is
    stereographic projection of the point $m/d$. Which entry is the last, and the signs left open, are drawn. Every rational point of the sphere is
    such a one. They shrink to a unit vector if entries may vanish, and otherwise towards points such as $(4/5, 3/5)$ and $(2/3, 2/3, 1/3)$.
    """
    if not signs:
        raise Impossible("a sphere of no coordinates was asked for, and it has no point; give a sign for each coordinate")
    return _on_sphere(tuple(signs))


@st.composite
def _on_sphere(draw: st.DrawFn, signs: tuple[Sign, ...]) -> Vector:
    return on_sphere(draw, signs)


def on_sphere(draw: st.DrawFn, signs: Sequence[Sign]) -> Vector:
    """The same, drawn."""
    pole = len(signs) - 1 - draw(st.integers(0, len(signs) - 1))
    whole = [0 if k == pole else draw(st.integers(0 if sign in ("real", "nonnegative") else 1, STEREOGRAPHIC)) for k, sign in enumerate(signs)]
    turned = [draw(st.sampled_from((1, -1))) if sign in ("real", "nonzero") else 1 for sign in signs]
    square = sum(m * m for m in whole)
    scale = isqrt(square) + 1 + draw(st.integers(0, STEREOGRAPHIC))
    return tuple(
        sign * Fraction(scale**2 - square if k == pole else 2 * scale * m, scale**2 + square)
        for k, (sign, m) in enumerate(zip(turned, whole, strict=True))
    )


def points(space: Space, *, sizes: Mapping[str, int] | None = None, height: int = HEIGHT) -> st.SearchStrategy[dict[str, Exact]]:
    """Let $\\theta$ be a rational point of a space: a value for every block, with its shape and sign, on its sphere exactly.

    Symbolic sizes that are not given are drawn, from 1 to 4, the small ones first. Entries of blocks on no sphere are rationals of bounded height.
    """
    names = sorted({symbol.name for block in space.parameters for length in block.shape for symbol in sp.sympify(length).free_symbols})
    known_sizes(names, sizes or {})
    return _point_of(space, sizes or {}, names, height)


@st.composite
def _point_of(draw: st.DrawFn, space: Space, given: Mapping[str, int], names: Sequence[str], height: int) -> dict[str, Exact]:
    sizes = draw_sizes(draw, names, given, LARGEST_SIZE)
    spherical = {name for group in space.spheres for name in group}
    point = draw_on_spheres(draw, space, sizes)
    for block in space.parameters:
        if block.name not in spherical:
            point |= draw_entries(draw, block, sizes, height)
    return {block.name: tensor(block, sizes, point) for block in space.parameters}


def draw_sizes(draw: st.DrawFn, names: Sequence[str], given: Mapping[str, int], largest: int) -> Sizes:
    """A number for every symbolic size: the one given, or one from 1 to the largest."""
    return Sizes({name: given[name] if name in given else draw(st.integers(1, largest)) for name in names})


def known_sizes(names: Sequence[str], given: Mapping[str, int]) -> None:
    """Raise `Impossible` for sizes that nothing has, or that are no sizes."""
    unknown = [name for name in given if name not in names]
    if unknown:
        raise Impossible(f"sizes has an unknown {', '.join(unknown)}; the sizes are {', '.join(names) or 'all numbers'}")
    for name, value in given.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise Impossible(f"the size {name} = {value!r} was given; a whole number of at least 1 is wanted")


def draw_entries(draw: st.DrawFn, variable: Variable, sizes: Sizes, height: int) -> Point:
    """A rational of its sign for every entry of a variable."""
    value = rationals(variable.sign, height=height)
    return {(variable.name, entry): draw(value) for entry in sizes.entries(variable.shape)}


def draw_on_spheres(draw: st.DrawFn, space: Space, sizes: Sizes) -> Point:
    """The entries of all blocks that lie on spheres."""
    point: Point = {}
    for group in space.spheres:
        places = [(name, entry) for name in group for entry in sizes.entries(space[name].shape)]
        point.update(zip(places, on_sphere(draw, [space[name].sign for name, _ in places]), strict=True))
    return point


def tensor(variable: Variable, sizes: Sizes, point: Point) -> Exact:
    """The entries of a variable as nested tuples."""

    def build(shape: tuple[sp.Expr, ...], entry: Entry) -> Exact:
        if not shape:
            return point[variable.name, entry]
        return tuple(build(shape[1:], (*entry, n)) for n in range(sizes.of(shape[0])))

    return build(variable.shape, ())
