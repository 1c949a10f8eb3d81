"""Memory that compiled code reads and writes."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..problem import Problem

Floats = NDArray[np.float64]

VECTOR = 64  # bytes


def aligned(count: int) -> Floats:
    """So many zeros, where vectors can be loaded from."""
    whole = np.zeros(count + VECTOR // 8)
    first = -whole.ctypes.data % VECTOR // 8
    return whole[first : first + count]


def parts(lengths: Mapping[str, int]) -> tuple[dict[str, Floats], dict[str, int]]:
    """Let names have lengths: so many doubles for each, one after the other, and their addresses. Vectors can be loaded from the first."""
    ends = list(accumulate(lengths.values()))
    room = aligned(ends[-1])
    base = room.ctypes.data
    starts = [end - length for end, length in zip(ends, lengths.values(), strict=True)]
    found = {name: room[start:end] for name, start, end in zip(lengths, starts, ends, strict=True)}
    return found, {name: base + 8 * start for name, start in zip(lengths, starts, strict=True)}


def constants(problem: Problem, names: Sequence[str]) -> tuple[tuple[Floats, ...], Any]:
    """Data of a problem as doubles, and a table of their addresses."""
    found = tuple(np.array(problem.data[name], dtype=object).astype(np.float64).ravel() for name in names)
    return found, (ctypes.c_void_p * (len(found) + 1))(*(array.ctypes.data for array in found))
