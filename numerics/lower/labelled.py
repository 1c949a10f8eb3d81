"""Arrays whose axes are labelled by indices, and how two of them are made to fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import sympy as sp

from .arrays import Array

Axes: TypeAlias = tuple[sp.Symbol, ...]
Lengths: TypeAlias = Mapping[sp.Symbol, sp.Expr]


@dataclass(frozen=True)
class Labelled:
    """Let axis $n$ of an array run over the index `axes[n]`."""

    value: Array
    axes: Axes


def as_scalar(value: Array) -> Labelled:
    return Labelled(value, ())


def joined(parts: Sequence[Labelled], order: Axes = ()) -> Axes:
    """The axes of all parts together: in the wanted order if all are wanted, otherwise as the part with most axes has them, then the rest."""
    found = dict.fromkeys(axis for part in sorted(parts, key=lambda part: -len(part.axes)) for axis in part.axes)
    if all(axis in order for axis in found):
        return tuple(axis for axis in order if axis in found)
    return tuple(found)


def align(part: Labelled, axes: Axes) -> Array:
    """The array transposed and expanded so that it broadcasts against an array with the given axes."""
    value = part.value
    wanted = tuple(axis for axis in axes if axis in part.axes)
    if wanted != part.axes:
        order = tuple(part.axes.index(axis) for axis in wanted)
        value = Array("transpose", (value,), tuple(value.shape[n] for n in order), order)
    first = next((n for n, axis in enumerate(axes) if axis in part.axes), len(axes))
    kept = tuple(axis in part.axes for axis in axes[first:])
    if all(kept):
        return value
    lengths = iter(value.shape)
    return Array("expand", (value,), tuple(next(lengths) if keep else sp.S.One for keep in kept), kept)
