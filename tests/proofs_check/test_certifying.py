"""What is proved of where a flow ends, against integration and known limits; and what is said where nothing is proved."""

from __future__ import annotations

from fractions import Fraction as Q
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics import Problem, integrate, problem
from proofs_check.certifying import Certified, certify
from proofs_check.kernel import check
from theory.papers import paper
from theory.papers.chou_rauhut_ward.setting import TWO, least_squares

UNIT = {2: (Q(3, 5), Q(4, 5)), 3: (Q(1, 3), Q(2, 3), Q(2, 3)), 4: (Q(1, 2),) * 4}


def polar(A: Any, y: Any, *, kappa: Q = Q(1), r: Q = Q(1), u: tuple[Q, ...] | None = None) -> Problem:
    setting = least_squares(TWO)
    rows = tuple(tuple(map(Q, row)) for row in A)
    data = {"A": rows, "y": tuple(map(Q, y)), "kappa": kappa, "L": Q(2), "eta_r": Q(1)}
    return problem(setting, data=data, start={"r": r, "u": u or UNIT[len(rows[0])]}, times=(0, 1))


def experiment(name: str) -> Problem:
    chosen = next(one for one in paper("chou_rauhut_ward").experiments if one.id == name)
    return problem(chosen.setting, data=chosen.data, start=chosen.start, times=(0, 1))


def accepted(found: Certified) -> bool:
    return found.certificate is not None and check(found.certificate).text == found.text


def test_the_reference_instances() -> None:
    """I1 and I2 with the printed digits of their limits; I6 has signs, and is followed."""
    first, second, signed = (certify(experiment(name)) for name in ("I1", "I2", "I6"))
    assert all(map(accepted, (first, second, signed)))
    assert [found.outcome for found in (first, second, signed)] == ["converges"] * 3
    assert first.limit is not None
    assert second.limit is not None
    assert signed.limit is None
    assert f"{float(first.limit.x[0]):.12f}" == "1.001699884476"
    assert (f"{float(first.limit.rate or 0):.10f}", f"{float(second.limit.rate or 0):.10f}") == ("46.3752530131", "38.0101756815")
    assert "L >= 2" in signed.apart
    assert signed.settled is not None
    assert signed.settled.residual == "nu"


def test_a_collapse_that_no_inequality_sees_is_left_open_and_one_that_is_followed_is_not() -> None:
    """Two rows, so that no row decides; the start has a larger loss than 0, and its divergence is too large."""
    found = certify(polar([[1, -2, 0], [0, -1, 1]], [1, Q(1, 2)], kappa=Q(1, 10), r=Q(3, 2), u=(Q(1, 3), Q(2, 3), Q(2, 3))), digits=12)
    assert accepted(found)
    assert found.outcome == "converges"
    assert found.certificate is not None
    assert found.certificate["limit"]["reason"]["by"] == "rest"
    assert "does not leave" in found.text


@pytest.mark.parametrize(
    ("A", "y", "outcome", "told"),
    [
        ([[1, 2]], [-1], "no solution", "always at least 0.5"),
        ([[1, 2], [2, 4]], [1, 3], "no solution", "always at least 0.1"),
        ([[1, 2], [2, 4]], [1, 2], "converges", "no collapse"),  # a row that is a multiple of another
        ([[1, 2]], [0], "collapses", "y = 0"),
        ([[1, -2]], [0], "converges", "no collapse"),
        ([[0, 0]], [1], "no solution", "always at least 0.5"),
    ],
)
def test_bad_data_is_answered_with_what_is_true(A: Any, y: Any, outcome: str, told: str) -> None:
    found = certify(polar(A, y))
    assert (found.outcome, accepted(found)) == (outcome, True)
    assert told in found.text


def test_a_matrix_of_zeros_is_left_open() -> None:
    found = certify(polar([[0, 0]], [0]))
    assert (found.outcome, found.certificate) == ("unknown", None)
    assert found.text.startswith("A is 0")


def test_the_limit_at_the_boundary() -> None:
    """Every solution of x_0 = 1, x_1 + x_2 = 0 has x_1 = x_2 = 0: convergence without a rate."""
    found = certify(polar([[1, 0, 0], [0, 1, 1]], [1, 0], u=(Q(2, 3), Q(1, 3), Q(2, 3))))
    assert (found.outcome, accepted(found)) == ("converges", True)
    assert found.limit is not None
    assert found.limit.rate is None
    assert found.limit.x == (1, 0, 0)


@settings(max_examples=12)
@given(
    A=st.lists(st.lists(st.integers(-2, 2), min_size=3, max_size=3), min_size=1, max_size=2),
    z=st.lists(st.integers(0, 3), min_size=3, max_size=3),
    kappa=st.fractions(Q(1, 4), 4, max_denominator=4),
    r=st.fractions(Q(1, 2), 2, max_denominator=2),
)
def test_what_is_proved_agrees_with_integration(A: list[list[int]], z: list[int], kappa: Q, r: Q) -> None:
    """A realisable problem: its end in double precision is near what is proved, within the accuracy of integrating to a finite time."""
    y = [sum(a * q for a, q in zip(row, z, strict=True)) for row in A]
    posed = polar(A, y, kappa=kappa, r=r)
    found = certify(posed, digits=15)
    if found.outcome not in ("converges", "collapses"):
        assert found.outcome == "unknown"
        return
    assert accepted(found)
    assert found.limit is not None
    seen = integrate(problem(posed.setting, data=posed.data, start=posed.start, times=(0, 4000)), method="LSODA").states[-1]
    x = (float(seen["r"]) * np.array(seen["u"], dtype=float)) ** 2
    expected = np.zeros(3) if found.outcome == "collapses" else np.array([float(q) for q in found.limit.x])
    slow = found.outcome == "collapses" or found.limit.rate is None or found.limit.rate < Q(1, 100)
    assert np.abs(x - expected).max() < (0.05 if slow else 1e-5)


def test_digits_are_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        certify(polar([[1, 2]], [1]), digits=0)
