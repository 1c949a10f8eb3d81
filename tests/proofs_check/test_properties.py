"""The laws of the polar flow over random rational problems: exactly at random points, and along trajectories at 40 digits."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import sympy as sp
from flint import fmpq_mat
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mpmath import mpf

from numerics import drift, integrate, problem
from proofs_check.kernel.language import read_statement
from proofs_check.kernel.points import residual_at
from theory.papers.chou_rauhut_ward import R0, K, N, any_of_A, in_kernel, j, least_squares, log_law, power_law, u
from theory.statements import Evolves, Part, statement_tree
from theory.symbols import total

rationals = st.builds(Fraction, st.integers(-6, 6), st.integers(1, 4))
positive = st.builds(Fraction, st.integers(1, 9), st.integers(1, 6))


@st.composite
def sphere_points(draw: st.DrawFn, length: int) -> list[Fraction]:
    """A positive rational point of the unit sphere: the image of a rational point of the open positive orthant inside the unit ball."""
    free = [Fraction(draw(st.integers(1, 5)), 6 * length) for _ in range(length - 1)]
    norm = sum((t * t for t in free), Fraction(0))
    return [2 * t / (1 + norm) for t in free] + [(1 - norm) / (1 + norm)]


@st.composite
def problems(draw: st.DrawFn) -> dict[str, Any]:
    """Data with a kernel vector, a start on the sphere, a ratio that is not 1: the setting of the laws, in exact rationals."""
    rows = draw(st.integers(1, 3))
    columns = draw(st.integers(rows + 1, 5))
    A = [[Fraction(draw(st.integers(-3, 3))) for _ in range(columns)] for _ in range(rows)]
    reduced, rank = fmpq_mat([[int(q) for q in row] for row in A]).rref()
    pivots = [next(c for c in range(columns) if reduced[r, c] != 0) for r in range(rank)]
    free = draw(st.sampled_from([c for c in range(columns) if c not in pivots]))
    z = [Fraction(0)] * columns
    z[free] = Fraction(1)
    for row, pivot in enumerate(pivots):
        z[pivot] = Fraction(-int(reduced[row, free].p), int(reduced[row, free].q))
    return {
        "A": A,
        "z": z,
        "y": [draw(rationals) for _ in range(rows)],
        "r": draw(positive),
        "u": draw(sphere_points(columns)),
        "kappa": draw(positive.filter(lambda q: q != 1)),
        "eta_r": draw(positive),
    }


def point(given: dict[str, Any], level: Fraction, nu: list[Fraction]) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        return [plain(v) for v in value] if isinstance(value, list) else str(value)

    names = ("A", "z", "y", "r", "u", "kappa", "eta_r")
    values = {name: plain(given[name]) for name in names} | {"L": str(level), "nu": plain(nu)}
    return {"sizes": {"N": len(given["u"]), "M": len(given["A"])}, "values": values, "bits": 200}


@given(problems(), st.sampled_from([1, 2, 3, 4, Fraction(5, 2), Fraction(7, 3)]), st.data())
def test_the_laws_hold_exactly_at_random_points(given: dict[str, Any], level: Fraction, data: st.DataObject) -> None:
    L = sp.Rational(*Fraction(level).as_integer_ratio())
    nu = [data.draw(rationals) for _ in given["A"]]
    law = log_law() if level == 2 else power_law(2 - L)
    found = residual_at(read_statement(statement_tree(Part(in_kernel(any_of_A(L)), Evolves(law)))), point(given, Fraction(level), nu))
    assert all(ball.contains(0) and ball.rad() < mpf(2) ** -60 for ball in found.values())  # of terms up to exp(kappa r^2/2), 2^104


@given(problems(), st.sampled_from([1, 2, 3, 4]), st.data())
def test_the_sign_flipped_law_fails_wherever_it_can(given: dict[str, Any], level: int, data: st.DataObject) -> None:
    """The flipped law differs from the true one by a multiple of the motion of r and of sum z theta: where both are there, it fails."""
    nu = [data.draw(rationals) for _ in given["A"]]
    setting = in_kernel(any_of_A(sp.Integer(level)))
    part = Part(setting, Evolves(log_law(-K) if level == 2 else power_law(sp.Integer(2 - level), -K)))
    radius = Part(setting, Evolves(R0))
    where = point(given, Fraction(level), nu)
    moving = residual_at(read_statement(statement_tree(radius)), where)[()]
    weight = sum(given["z"]) if level == 2 else sum(z * u ** (2 - level) for z, u in zip(given["z"], given["u"], strict=True))
    assume(not moving.contains(0) and weight != 0)
    assert not residual_at(read_statement(statement_tree(part)), where)[()].contains(0)


@settings(max_examples=12)
@given(problems(), st.sampled_from([1, 2, 3]))
def test_the_laws_hold_along_trajectories_at_40_digits(given: dict[str, Any], level: int) -> None:
    L = sp.Integer(level)
    given |= {name: 2 * given[name] / (1 + given[name]) for name in ("r", "kappa")}  # below 2, so that exp(kappa r^2/2) costs no digits
    data = {name: given[name] for name in ("A", "y", "kappa", "eta_r")}
    posed = problem(least_squares(L), data=data, start={"r": given["r"], "u": given["u"]}, times=(0, Fraction(1, 50)))
    run = integrate(posed, digits=40)
    law = log_law() if level == 2 else power_law(2 - L)
    assert drift(run, law, extra={"z": given["z"]}) < mpf(10) ** -30
    assert drift(run, total(u[j] ** 2, (j, N))) < mpf(10) ** -30
