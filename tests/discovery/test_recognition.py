"""Integer vectors behind a nullspace modulo p: true relations are recognised, and coincidences are not."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from discovery.explicit.modular import Array, Echelon, P, independent_columns, integral, nullspace, rank, regular
from discovery.explicit.recognition import integer_vectors


def modulo(rows: Sequence[Sequence[int]]) -> Array:
    """The reduced basis modulo p of the space that integer vectors span."""
    matrix = np.array([[q % P for q in row] for row in rows], dtype=np.int64)
    return nullspace(nullspace(matrix))


def test_a_random_space_has_no_relations() -> None:
    random = np.random.default_rng(0)
    for rows, columns in ((1, 2), (2, 5), (3, 12), (1, 30), (20, 30)):
        assert integer_vectors(nullspace(random.integers(0, P, (columns - rows, columns), dtype=np.int64))) == []


@pytest.mark.parametrize(("pair", "told"), [((3, -1), True), ((101, -7), True), ((30011, -25013), False)])
def test_one_residue_tells_no_large_fraction(pair: tuple[int, int], told: bool) -> None:
    assert integer_vectors(modulo([pair])) == ([list(pair)] if told else [])


def test_a_coordinate_that_is_alone_is_recognised() -> None:
    assert integer_vectors(np.array([[1]])) == [[1]]
    assert integer_vectors(modulo([[0, 1, 0]])) == [[0, 1, 0]]


def test_short_vectors_are_found_where_the_reduced_basis_is_not_reconstructed() -> None:
    random = np.random.default_rng(3)
    short = random.integers(-3, 4, (9, 24)).tolist()
    kernel = modulo(short)
    assert len(integer_vectors(kernel, most_columns=0)) < 9
    found = integer_vectors(kernel)
    assert len(found) == 9
    assert rank(np.array([[q % P for q in row] for row in found] + kernel.tolist())) == 9
    assert max(abs(q) for row in found for q in row) < 10


def test_all_integer_vectors_of_the_space_are_combinations() -> None:
    found = integral([[Fraction(1), Fraction(0), Fraction(1, 2)], [Fraction(0), Fraction(1), Fraction(1, 2)]])
    minors = [found[0][i] * found[1][j] - found[0][j] * found[1][i] for i, j in ((0, 1), (0, 2), (1, 2))]
    assert gcd(*minors) == 1  # it is 2 for the multiples (2, 0, 1) and (0, 2, 1) of the vectors given
    assert sorted(sum(q * q for q in row) for row in found) == [2, 3]


@given(st.lists(st.lists(st.integers(-4, 4), min_size=6, max_size=6), min_size=1, max_size=4))
def test_integer_relations_are_recovered(rows: list[list[int]]) -> None:
    kernel = modulo(rows)
    found = integer_vectors(kernel)
    assert len(found) == len(kernel)
    assert not len(found) or modulo(found).tolist() == kernel.tolist()


@given(st.lists(st.lists(st.integers(-2, 2), min_size=5, max_size=5), min_size=1, max_size=6))
def test_an_echelon_takes_in_what_is_independent(rows: list[list[int]]) -> None:
    echelon = Echelon()
    taken = [k for k, row in enumerate(rows) if echelon.adds(np.array(row, dtype=np.int64))]
    matrix = np.array(rows, dtype=np.int64) % P
    assert taken == [k for k in range(len(rows)) if rank(matrix[: k + 1]) > (rank(matrix[:k]) if k else 0)]
    assert taken == independent_columns(matrix.T)
    assert echelon.size == rank(matrix)


def test_regular_matrices_are_told_from_singular_ones() -> None:
    random = np.random.default_rng(5)
    stack = random.integers(0, P, (6, 4, 4), dtype=np.int64)
    stack[2, :, 3] = (5 * stack[2, :, 0] + 7 * stack[2, :, 1]) % P
    stack[4, :, 0] = 0
    assert regular(stack).tolist() == [True, True, False, True, False, True]
    assert [rank(matrix) == 4 for matrix in stack] == regular(stack).tolist()
