"""Packing a state and unpacking it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numerics import Layout

SHAPES = st.lists(st.lists(st.integers(1, 3), max_size=3).map(tuple), min_size=1, max_size=4)


@given(SHAPES)
def test_there_and_back(shapes: list[tuple[int, ...]]) -> None:
    layout = Layout(tuple(f"b{n}" for n in range(len(shapes))), tuple(shapes))
    vector = list(range(layout.size))
    assert layout.pack(layout.unpack(vector)) == vector
    arrays = layout.unpack_arrays(np.arange(layout.size, dtype=float))
    assert [np.shape(block) for block in arrays.values()] == shapes
    assert layout.pack_arrays(list(arrays.values())).tolist() == vector


def test_a_vector_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a vector of 3 entries was given, and the blocks r \(\), u \(3,\) have 4"):
        Layout(("r", "u"), ((), (3,))).unpack([1, 2, 3])
