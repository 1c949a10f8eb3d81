"""Sums taken together are what they are one by one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from flint import arb, arb_mat, fmpq
from hypothesis import given
from hypothesis import strategies as st

from proofs_check.kernel.graph import Motion, motion
from proofs_check.kernel.language import Rejected, read_statement
from proofs_check.kernel.passes import Sums, planned

WIDTH = 5


class Rationals:
    """A ring of exact numbers."""

    def number(self, q: fmpq) -> fmpq:
        return q

    def plus(self, a: fmpq, b: fmpq) -> fmpq:
        return a + b

    def times(self, a: fmpq, b: fmpq) -> fmpq:
        return a * b

    def power(self, a: fmpq, q: fmpq) -> fmpq:
        return a ** int(q)

    def function(self, name: str, a: fmpq) -> fmpq:
        raise Rejected(f"{name} of {a} is not rational")

    def image(self, matrix: arb_mat, values: Sequence[fmpq]) -> list[fmpq]:
        rows = [[arb(c).fmpq() for c in row] for row in matrix.tolist()]
        return [sum((c * v for c, v in zip(row, values, strict=True)), fmpq(0)) for row in rows]


def affine(weights: Sequence[Sequence[int]], constants: Sequence[int], *, square: bool = False) -> Motion:
    """q_k' = sum_j weights[k][j] q_(j mod 5) + constants[k], or with squares for the q_j; a q_j occurs as often as weights are given for it."""
    names = [f"q{n}" for n in range(WIDTH)]
    terms = [["^", name, 2] if square else name for name in names]
    drift = [["+", *(["*", w, terms[j % WIDTH]] for j, w in enumerate(row)), q] for row, q in zip(weights, constants, strict=True)]
    statement = {
        "sizes": [],
        "symbols": {name: {"role": "parameter", "shape": [], "sign": "real"} for name in names},
        "definitions": [],
        "hypotheses": [],
        "flow": {
            "pairing": 0,
            "held": [],
            "spheres": [],
            "rates": {},
            "drift": {n: {"indices": [], "value": v} for n, v in zip(names, drift, strict=True)},
        },
        "claim": {"kind": "equal", "indices": [], "left": 0, "right": 0},
    }
    return motion(read_statement(statement), {}, {})


@given(
    st.lists(st.lists(st.integers(-3, 3), min_size=2 * WIDTH, max_size=2 * WIDTH), min_size=WIDTH, max_size=WIDTH),
    st.lists(st.integers(-2, 2), min_size=WIDTH, max_size=WIDTH),
    st.lists(st.integers(-5, 5), min_size=WIDTH, max_size=WIDTH),
    st.booleans(),
)
def test_sums_are_what_they_are_written(weights: list[list[int]], constants: list[int], point: list[int], square: bool) -> None:
    moved = affine(weights, constants, square=square)
    tops = [moved.velocities[place] for place in moved.moving]
    known = {place: fmpq(value) for place, value in zip(moved.moving, point, strict=True)}
    found = planned(moved.graph, tops).values(Rationals(), known)
    terms = [value**2 if square else value for value in point]
    wanted = [sum(w * terms[j % WIDTH] for j, w in enumerate(row)) + q for row, q in zip(weights, constants, strict=True)]
    assert [found[n] for n in tops] == wanted


def test_a_matrix_is_one_product() -> None:
    moved = affine([[1 + k + j for j in range(WIDTH)] for k in range(WIDTH)], [7] * WIDTH)
    steps = planned(moved.graph, list(moved.velocities.values())).steps
    (together,) = [step for step in steps if isinstance(step, Sums)]
    assert len(together.members) == len(together.bases) == WIDTH
    assert together.constants == (7,) * WIDTH
    assert len(steps) == 1 + WIDTH  # the places, and no product of a number with one of them


def test_what_has_no_value_is_named() -> None:
    moved = affine([[1] * WIDTH] * WIDTH, [0] * WIDTH)
    with pytest.raises(Rejected, match=r"q0\[\] has no value"):
        planned(moved.graph, list(moved.velocities.values())).values(Rationals(), {})
