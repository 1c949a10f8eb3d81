"""States as one long vector, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .exact import entries


@dataclass(frozen=True)
class Layout:
    """Let the blocks of a state have names and shapes: their entries, block after block in row-major order, are one vector.

    >>> Layout(("r", "u"), ((), (2,))).pack({"r": 1, "u": (3, 4)})
    [1, 3, 4]
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]

    @cached_property
    def size(self) -> int:
        return sum(prod(shape) for shape in self.shapes)

    @cached_property
    def places(self) -> tuple[tuple[str, slice, tuple[int, ...]], ...]:
        """Every block with its part of the vector and its shape."""
        ends = list(accumulate(map(prod, self.shapes)))
        return tuple((name, slice(end - prod(shape), end), shape) for name, shape, end in zip(self.names, self.shapes, ends, strict=True))

    def pack(self, values: Mapping[str, Any]) -> list[Any]:
        """The vector of numbers of any kind."""
        return [entry for name in self.names for _, entry in entries(values[name])]

    def unpack(self, vector: Sequence[Any]) -> dict[str, Any]:
        """The blocks as nested tuples."""
        return self._split(vector, _nested)

    def pack_arrays(self, blocks: Sequence[Any]) -> NDArray[np.float64]:
        """The vector of arrays given in the order of the names."""
        return np.concatenate([np.ravel(block) for block in blocks]).astype(np.float64, copy=False)

    def unpack_arrays(self, vector: NDArray[np.float64]) -> dict[str, Any]:
        """The blocks as arrays, views of the vector; a scalar block as a NumPy number."""
        return self._split(vector, lambda part, shape: part.reshape(shape) if shape else part[0])

    def _split(self, vector: Any, build: Callable[[Any, tuple[int, ...]], Any]) -> dict[str, Any]:
        if len(vector) != self.size:
            blocks = ", ".join(f"{name} {shape}" for name, shape in zip(self.names, self.shapes, strict=True))
            raise ValueError(f"a vector of {len(vector)} entries was given, and the blocks {blocks} have {self.size}")
        return {name: build(vector[part], shape) for name, part, shape in self.places}


def _nested(part: Sequence[Any], shape: tuple[int, ...]) -> Any:
    if not shape:
        return part[0]
    rest = prod(shape[1:])
    return tuple(_nested(part[n * rest : (n + 1) * rest], shape[1:]) for n in range(shape[0]))
