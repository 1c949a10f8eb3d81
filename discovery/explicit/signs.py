"""The sign flips of the coordinates that a flow cannot see, read off its straight-line program.

A flip changes the signs of some coordinates and of some controls. Where it takes every node of the program to itself or to its negative, and the
velocity of a coordinate goes as the coordinate does, it preserves the family of fields, and so the space of laws. This space is then spanned by laws
that every flip preserves up to a sign, and a search may treat the monomials of one character apart from all others.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .modular import Array
from .system import System

_WORD = 2**62
_ODD = ("sin", "atan")  # f(-a) = -f(a); the other functions of the flow keep their sign, and all but the even cosine ask that a keeps its own


def characters(system: System) -> Array:
    """Let $s \\in \\{\\pm 1\\}^D$ run over the flips that preserve the family: for each coordinate the character $s \\mapsto s_k$, in 62 bits.

    Characters multiply as words are combined by exclusive or. The words of a basis are drawn at random: characters that differ may in principle
    share a word, which merges two classes and loses nothing.
    """
    entries = (*system.places, *system.motion.controls)
    unknown = {place: 1 << k for k, place in enumerate(entries)}
    signs, trivial = _signs(system, unknown)
    pivots: dict[int, int] = {}
    for product in trivial:
        rest = _reduced(product, pivots)
        if rest:
            pivots[rest.bit_length()] = rest
    words = np.random.default_rng(0).integers(1, _WORD, len(entries) + 1).tolist()
    coordinates = [*(unknown[place] for place in system.places), *(_outer(extra.name, signs[extra.of] or 0) for extra in system.adjoined)]
    return np.array([_word(product, pivots, words) for product in coordinates], dtype=np.int64)


def _signs(system: System, unknown: dict[Any, int]) -> tuple[dict[int, int | None], list[int]]:
    """The sign of each node as a product of unknown ones, a bit for each, none for the node 0; and the products that must be 1."""
    signs: dict[int, int | None] = {}
    trivial: list[int] = []
    for n in system.nodes:
        match system.graph.nodes[n]:
            case ["number", q]:
                signs[n] = 0 if q != 0 else None
            case ["place", place]:
                signs[n] = unknown[place]
            case ["held", a]:
                signs[n] = signs[a]
            case ["+", args]:
                signs[n] = signs[args[0]]
                trivial += [(signs[args[0]] or 0) ^ (signs[a] or 0) for a in args[1:]]
            case ["*", a, b]:
                signs[n] = (signs[a] or 0) ^ (signs[b] or 0)
            case ["^", a, q] if q.q == 1:
                signs[n] = (signs[a] or 0) * (int(q) % 2)
            case [str(name), a, *_]:  # a root, an exponential and others
                inner = signs[a] or 0
                signs[n] = _outer(name, inner)
                trivial += [inner] if name not in (*_ODD, "cos") else []
    for place, n in system.motion.velocities.items():
        if signs[n] is not None:
            trivial.append((signs[n] or 0) ^ unknown[place])
    return signs, trivial


def _outer(name: str, inner: int) -> int:
    return inner if name in _ODD else 0


def _reduced(product: int, pivots: dict[int, int]) -> int:
    """The product with its highest bits cancelled, until one is not that of a pivot."""
    while product and (pivot := pivots.get(product.bit_length())):
        product ^= pivot
    return product


def _word(product: int, pivots: dict[int, int], words: list[int]) -> int:
    result = 0
    while product := _reduced(product, pivots):
        top = product.bit_length()
        result ^= words[top]
        product ^= 1 << (top - 1)
    return result
