"""Sums of products over bound indices as matrix products, dot products, and `einsum` for the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sympy as sp

from .arrays import Array, multiply
from .labelled import Axes, Labelled, Lengths, align, joined


def contract(factors: Sequence[Labelled], bound: Axes, lengths: Lengths, order: Axes) -> list[Labelled]:
    """Let $\\sum_{\\text{bound}} \\prod_n f_n$ be wanted: a list of arrays without bound indices, whose product it is.

    Indices are summed one after the other, the one first whose factors span the fewest indices together: $W_2 W_1 x$ from the right.
    """
    left = list(factors)
    while bound:

        def cost(index: sp.Symbol, left: Sequence[Labelled] = left, bound: Axes = bound) -> tuple[int, int]:
            spanned = {axis for factor in left if index in factor.axes for axis in factor.axes}
            return len(spanned), len(spanned - set(bound))

        index = min(bound, key=lambda index: (cost(index), bound.index(index)))
        touched = [factor for factor in left if index in factor.axes]
        others = [factor for factor in left if index not in factor.axes]
        # Indices of exactly the same factors go in one operation.
        summed = tuple(axis for axis in bound if all(axis in f.axes for f in touched) and not any(axis in f.axes for f in others))
        left = [*others, _summed(touched, summed, lengths, order)]
        bound = tuple(axis for axis in bound if axis not in summed)
    return left


def _summed(factors: Sequence[Labelled], summed: Axes, lengths: Lengths, order: Axes) -> Labelled:
    """One sum over all of `summed`, of a product whose factors are first multiplied together where that needs no larger array."""
    if len(factors) == 1:
        return _alone(factors[0], summed)
    groups: dict[frozenset[sp.Symbol], list[Labelled]] = {}
    for factor in factors:
        groups.setdefault(frozenset(factor.axes), []).append(factor)
    if len(groups) == 1:
        *rest, last = factors
        return _pair(_entrywise(rest, lengths), last, summed, lengths, order)
    parts = sorted((_entrywise(group, lengths) for group in groups.values()), key=lambda part: len(part.axes))
    while len(parts) > 2 and (host := next((n for n in range(1, len(parts)) if set(parts[0].axes) <= set(parts[n].axes)), None)):
        parts[host] = _entrywise([parts[host], parts[0]], lengths)
        parts = sorted(parts[1:], key=lambda part: len(part.axes))
    if len(parts) == 2:
        return _pair(parts[0], parts[1], summed, lengths, order)
    return _einsum(parts, summed, lengths, order)


def _alone(factor: Labelled, summed: Axes) -> Labelled:
    value = factor.value
    if value.op == "power" and len(factor.axes) == 1 and value.operands[1].detail == 2:
        return Labelled(Array("matmul", (value.operands[0], value.operands[0]), ()), ())
    places = tuple(n for n, axis in enumerate(factor.axes) if axis in summed)
    kept = tuple(n for n, axis in enumerate(factor.axes) if axis not in summed)
    detail = None if not kept else places
    return Labelled(Array("total", (value,), tuple(value.shape[n] for n in kept), detail), tuple(factor.axes[n] for n in kept))


def _entrywise(parts: Sequence[Labelled], lengths: Lengths) -> Labelled:
    if len(parts) == 1:
        return parts[0]
    axes = joined(parts)
    return Labelled(multiply([align(part, axes) for part in parts], tuple(lengths[axis] for axis in axes)), axes)


def _pair(left: Labelled, right: Labelled, summed: Axes, lengths: Lengths, order: Axes) -> Labelled:
    """A matrix product where both have at most two axes and share only the one that is summed."""
    if len(left.axes) > 2 or len(right.axes) > 2 or len(summed) > 1 or set(left.axes) & set(right.axes) != set(summed):
        return _einsum([left, right], summed, lengths, order)
    (index,) = summed
    if len(left.axes) == len(right.axes) == 1:
        return Labelled(Array("matmul", (left.value, right.value), ()), ())
    if len(left.axes) + len(right.axes) == 3:
        vector, matrix = sorted((left, right), key=lambda part: len(part.axes))
        (kept,) = (axis for axis in matrix.axes if axis != index)
        pair = (matrix.value, vector.value) if matrix.axes[1] == index else (vector.value, matrix.value)
        return Labelled(Array("matmul", pair, (lengths[kept],)), (kept,))
    free = {axis: part for part in (left, right) for axis in part.axes if axis != index}
    first, second = sorted(free, key=lambda axis: order.index(axis) if axis in order else len(order))
    a, b = min(((first, second), (second, first)), key=lambda pair: _transposed(pair, free, index, order))
    value = Array("matmul", (align(free[a], (a, index)), align(free[b], (index, b))), (lengths[a], lengths[b]))
    return Labelled(value, (a, b))


def _transposed(pair: Axes, free: Mapping[sp.Symbol, Labelled], index: sp.Symbol, order: Axes) -> int:
    """How many matrices have to be transposed for the product with rows and columns in this order, the result included."""
    rows, columns = pair
    misplaced = all(axis in order for axis in pair) and order.index(rows) > order.index(columns)
    return sum([free[rows].axes[0] == index, free[columns].axes[1] == index, misplaced])


def _einsum(parts: Sequence[Labelled], summed: Axes, lengths: Lengths, order: Axes) -> Labelled:
    parts = sorted(parts, key=lambda part: -len(part.axes))
    letters: dict[sp.Symbol, str] = {}
    for part in parts:
        for axis in part.axes:
            letters.setdefault(axis, "ijklmnopqrstuvw"[len(letters)])
    kept = tuple(axis for axis in joined(parts, order) if axis not in summed)
    if all(axis in order for axis in kept):
        kept = tuple(axis for axis in order if axis in kept)
    subscripts = ",".join("".join(letters[axis] for axis in part.axes) for part in parts) + "->" + "".join(letters[axis] for axis in kept)
    return Labelled(Array("einsum", tuple(part.value for part in parts), tuple(lengths[axis] for axis in kept), subscripts), kept)
