"""Subscripts and permutations: what array operations do to the places of entries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Unsupported
from ..lower import Array


def subscripts(left: int, right: int) -> str:
    """Those of a matrix product, of operands with one or two axes.

    >>> subscripts(2, 1)
    'ij,j->i'
    """
    return f"{'i' * (left == 2)}j,j{'k' * (right == 2)}->{'i' * (left == 2)}{'k' * (right == 2)}"


def total(axes: int, summed: object) -> str:
    """Those of a sum over some axes, over all when None is given.

    >>> total(3, (0, 2))
    'ijk->j'
    """
    letters = "ijklmnop"[:axes]
    places = range(axes) if summed is None else summed
    return f"{letters}->{''.join(letter for n, letter in enumerate(letters) if n not in places)}"  # type: ignore[operator]


def onto(array: NDArray[Any], word: str, letters: str) -> NDArray[Any]:
    """The array with one axis for each letter, of length 1 where it has none."""
    order = sorted(range(len(word)), key=lambda n: letters.index(word[n]))
    array = np.transpose(array, order)
    return array.reshape([array.shape[sum(x in word for x in letters[:n])] if letter in word else 1 for n, letter in enumerate(letters)])


def mover(node: Array, shape: tuple[int, ...]) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """What an operation that only moves entries about does to an array of them."""
    detail: Any = node.detail
    match node.op:
        case "pick":
            return lambda array: np.asarray(array[tuple(slice(None) if entry is None else entry for entry in detail)], dtype=array.dtype)
        case "diagonal":
            return np.diagonal
        case "transpose":
            return lambda array: np.transpose(array, detail)
        case "expand":
            return lambda array: array[tuple(slice(None) if keep else None for keep in detail)]
        case "broadcast":
            return lambda array: np.broadcast_to(array, shape)
    raise Unsupported(f"{node.op} has no Taylor series; use a float64 method")
