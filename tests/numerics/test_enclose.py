"""Polynomials along trajectories against Taylor's method at 60 digits, and guesses of eigenvalues; nothing is proved here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from mpmath import mp

from numerics import IntegrationFailed, Problem, integrate, problem
from numerics.enclose import Piece, Pieces, gentlest, slope
from theory.dynamics import vector_field
from theory.settings import Setting, Space, family
from theory.symbols import Variable

Lookup = Callable[[str], Setting]


def polar(settings_by_name: Lookup) -> Problem:
    data = {"L": 2, "eta_r": 1, "eta_u": 1, "A": [[1, 2, -1, 1], [2, -1, 1, 1]], "y": [3, 2]}
    return problem(settings_by_name("polar"), data=data, start={"r": 1, "u": ["1/2"] * 4}, times=(0, 1))


def pieces_to(posed: Problem, bits: int, end: Fraction) -> tuple[Pieces, list[Piece]]:
    pieces, found = Pieces(posed, bits), []
    while pieces.time < end:
        piece = pieces.piece(min(pieces.follow(), end - pieces.time))
        pieces.accept(piece)
        found.append(piece)
    return pieces, found


def at(piece: Piece, s: Fraction) -> list[Fraction]:
    return [sum((c * s**k for k, c in enumerate(row)), Fraction(0)) / 2**piece.bits for row in piece.rows]


@pytest.mark.parametrize("bits", [60, 150])
def test_the_polynomials_are_the_trajectory(settings_by_name: Lookup, bits: int) -> None:
    posed = polar(settings_by_name)
    pieces, found = pieces_to(posed, bits, Fraction(1, 2))
    inside = [(piece, s) for piece in found for s in (Fraction(0), Fraction(1, 3), Fraction(1))]
    times = sorted({piece.start + s * piece.length for piece, s in inside})
    reference = integrate(replace(posed, times=tuple(times)), digits=60)
    assert len(found) > 1
    assert [place for _, place in pieces.places] == [(), (0,), (1,), (2,), (3,)]
    with mp.workdps(70):
        for piece, s in inside:
            state = posed.layout.pack(reference.states[times.index(piece.start + s * piece.length)])
            gaps = [abs(mp.mpf(a.numerator) / a.denominator - b) for a, b in zip(at(piece, s), state, strict=True)]
            assert max(gaps) < mp.mpf(2) ** (8 - bits)


def test_each_piece_begins_where_the_last_one_ends(settings_by_name: Lookup) -> None:
    _, found = pieces_to(polar(settings_by_name), 80, Fraction(1))
    assert found[-1].end == 1
    for earlier, later in pairwise(found):
        assert (earlier.end, at(earlier, Fraction(1))) == (later.start, at(later, Fraction(0)))


def test_a_blow_up_ends_the_series() -> None:
    q = Variable("q", (), "parameter")
    setting = vector_field(Setting((q,)), Space((q,)), {"q": family(q[()] ** 2)})
    with pytest.raises(IntegrationFailed) as failure:
        pieces_to(problem(setting, data={}, start={"q": 1}, times=(0, 2)), 60, Fraction(2))
    assert failure.value.reached == pytest.approx(1, abs=1e-6)


def test_a_slope_is_a_little_above_the_largest_eigenvalue() -> None:
    for matrix, largest in (([[2, 1], [1, 2]], 3), ([[-5]], -5), (np.diag([1e-9, -1.0, -7.0]), 1e-9), (np.zeros((2, 2)), 0)):
        assert 0 < float(slope(matrix)) - largest < 1e-6


def test_the_gentlest_pull_that_is_nearly_the_best() -> None:
    """S(k) = diag(1 - k, -3) is best from k = 4 on, and nothing is gained beyond."""
    choices = [Fraction(k) for k in (0, 1, 2, 4, 8, 16)]
    still, pulled = np.diag([1.0, -3.0]), np.diag([0.0, -3.0])
    assert gentlest(still, pulled, choices) == 4
    assert gentlest(still, still, choices) == 0


def test_places_are_those_of_the_layout(settings_by_name: Lookup) -> None:
    data: dict[str, Any] = {"L": 2, "eta_r": 1, "eta_u": 2, "A": [[1, 2]], "y": [1]}
    posed = problem(settings_by_name("polar"), data=data, start={"r": 1, "u": ["3/5", "4/5"]}, times=(0, 1))
    assert [name for name, _ in Pieces(posed, 40).places] == [name for name, value in posed.start.items() for _ in np.ravel(np.array(value))]
