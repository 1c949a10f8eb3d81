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
from numerics.enclose import Bundle, Piece, Pieces, gentlest, inverse, slope
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


@pytest.mark.parametrize(("degree", "error"), [(1, 3e-4), (2, 3e-6), (3, 3e-8)])
def test_the_polynomials_follow_a_bundle(settings_by_name: Lookup, degree: int, error: float) -> None:
    """A start and a constant that depart by a hundredth: trajectories computed from there, with an error that falls with the degree."""
    posed = polar(settings_by_name)
    direction = (Fraction(1, 100), *[Fraction(0)] * 4)
    bundle = Bundle(2, degree, {(1, 0): direction}, {1: (("y", (0,)), Fraction(1, 100))})
    pieces = Pieces(posed, 80, bundle)
    while pieces.time < Fraction(1, 4):
        piece = pieces.piece(min(pieces.follow(), Fraction(1, 4) - pieces.time))
        pieces.accept(piece)
    assert {sum(powers) for powers, _ in piece.across} == set(range(1, degree + 1))
    errors = []
    for a, b in ((1, 1), (1, -1), (-1, 1)):
        start = [c + a * d for c, d in zip(posed.layout.pack(posed.start), direction, strict=True)]
        moved = problem(
            posed.setting, data={**posed.data, "y": [3 + Fraction(b, 100), 2]}, start=posed.layout.unpack(start), times=(0, Fraction(1, 4))
        )
        state = posed.layout.pack(integrate(moved, digits=30).states[-1])
        here = at(piece, Fraction(1))
        for powers, rows in piece.across:
            line = at(Piece(piece.start, piece.length, piece.bits, rows), Fraction(1))
            here = [c + a ** powers[0] * b ** powers[1] * d for c, d in zip(here, line, strict=True)]
        errors.append(max(abs(float(c) - float(d)) for c, d in zip(here, state, strict=True)))
    assert error / 300 < max(errors) < error


def test_a_constant_in_an_exponent_is_no_variable(settings_by_name: Lookup) -> None:
    pieces = Pieces(polar(settings_by_name), 60, Bundle(1, 2, {}, {0: (("L", ()), Fraction(1, 100))}))
    assert pieces.piece(pieces.follow()).across == ()


def test_a_polynomial_is_followed_in_one_step() -> None:
    """q' = 1, whose series end."""
    q = Variable("q", (), "parameter")
    setting = vector_field(Setting((q,)), Space((q,)), {"q": family(1 + 0 * q[()])})
    pieces, found = pieces_to(problem(setting, data={}, start={"q": 1}, times=(0, 2)), 60, Fraction(2))
    assert pieces.time == 2
    assert [at(piece, Fraction(1)) for piece in found] == [[3]]


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


def test_each_vector_changes_its_own_quantity_alone() -> None:
    gradients = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, -1.0]])
    vectors = np.array([[float(c) for c in b] for b in inverse(gradients)])
    assert np.allclose(gradients @ vectors.T, np.eye(2), atol=1e-5)
    assert np.allclose(np.cross(*gradients) @ vectors.T, 0, atol=1e-5)  # and they are the shortest


def test_places_are_those_of_the_layout(settings_by_name: Lookup) -> None:
    data: dict[str, Any] = {"L": 2, "eta_r": 1, "eta_u": 2, "A": [[1, 2]], "y": [1]}
    posed = problem(settings_by_name("polar"), data=data, start={"r": 1, "u": ["3/5", "4/5"]}, times=(0, 1))
    assert [name for name, _ in Pieces(posed, 40).places] == [name for name, value in posed.start.items() for _ in np.ravel(np.array(value))]
