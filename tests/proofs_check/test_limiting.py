"""Limits with certificates: reference instances, both sides of the threshold of collapse, and random problems against integration."""

from __future__ import annotations

import json
from fractions import Fraction
from math import ceil, log
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mpmath import mpf, workdps
from scipy.integrate import solve_ivp
from scipy.optimize import nnls

from numerics import integrate, problem
from numerics.limit import Polar, polar
from proofs_check.kernel import Rejected, check
from proofs_check.limiting import Limit, limit
from theory.papers.chou_rauhut_ward import least_squares

HALF, QUARTER = Fraction(1, 2), Fraction(1, 4)
MATRIX = [[1, 2, -1, 1], [2, -1, 1, 1]]
SENSING, MEASURED = [[-1, 1, 1, 2, 2, 0], [0, 1, -2, 1, 2, 0], [1, 2, 0, -2, 1, 1]], [6, -6, 4]
SPARSEST: tuple[list[Any], list[Any]] = ([0, 2, 4, 0, 0, 0], [0, "-1/2", "3/4"])


def accepted(found: Limit) -> str:
    """What the kernel says of the certificate once it was written down and read again."""
    return check(json.loads(json.dumps(found.certificate))).text


def test_the_reference_instances_are_enclosed() -> None:
    second = polar(
        [[1, 0, 2, -1, 1], [0, 1, 1, 1, -1], [1, 1, 0, 1, 2]],
        [4, HALF, 4],
        kappa=HALF,
        L=3,
        start={"r": "5/4", "u": [QUARTER, QUARTER, QUARTER, HALF, "3/4"]},
    )
    for data, digits, begins in (
        (
            polar(MATRIX, [3, 2], kappa=1, L=2, start={"r": 1, "u": [HALF] * 4}),
            (
                "1.0016998844756058585908612568125116",
                "0.72128440311870831548414153446396868",
                "0.081076662440259543930781673289697203",
                "0.63680797172723705437163734754924823",
            ),
            "the loss starts at 3.3125000, below its value 6.5000000 at 0",
        ),
        (
            second,
            (
                "0.067549996048635516567657506477521560",
                "0.096824500099142532698750281765080323",
                "1.4452085012840739835778640705857994",
                "0.58385316702859630606012116901854624",
                "1.6258861684118128223367355213694259",
            ),
            "the loss starts at 8.1536573, below its value 16.125000 at 0",
        ),
    ):
        found = limit(data)
        assert found.outcome == "converges"
        assert begins in accepted(found)
        assert found.within is not None
        assert found.within <= Fraction(1, 10**35)
        for value, printed in zip(found.x, digits, strict=True):
            assert abs(value - Fraction(printed)) <= Fraction(1, 10 ** len(printed.split(".")[1])) / 2 + found.within


@pytest.mark.parametrize("digits", [5, 60, 200])
def test_as_many_digits_as_asked_for(digits: int) -> None:
    found = limit(polar(MATRIX, [3, 2], kappa=1, L=2, start={"r": 1, "u": [HALF] * 4}), digits=digits)
    assert found.outcome == "converges"
    assert found.within is not None
    assert found.within <= Fraction(1, 10**digits)


# ---- the dichotomy -----------------------------------------------------------------------------------------------------------------------------


def threshold(square: Any) -> Polar:
    """x_1 - 2 x_2 to 1 from equal weights with r_0^2 = square; collapse up to log(32/27)/3 = 0.05663301226513..."""
    return polar([[1, -2]], [1], kappa=1, L=2, start={"w^2": [Fraction(square) / 2] * 2})


def test_collapse_up_to_the_threshold_and_convergence_beyond() -> None:
    below, above = "56633012265132/1000000000000000", "56633012265133/1000000000000000"
    assert abs(log(32 / 27) / 3 - 0.0566330122651324) < 1e-15
    assert limit(threshold(below)).outcome == "collapses"
    assert limit(threshold(above)).outcome == "converges"
    assert "x(t) tends to 0" in accepted(limit(threshold(Fraction(56, 1000))))


def test_integration_on_both_sides_of_the_threshold() -> None:
    """s and p of C1 written out, log s for s: at 56/1000 s falls to 1.6e-17 by t = 160, at 57/1000 the loss does to rounding errors."""

    def moves(_: float, state: np.ndarray) -> np.ndarray:
        s, p = np.exp(state[0]), state[1:]
        a = np.array([1.0, -2.0])
        residual = s * (a @ p) - 1
        return np.array([-4 * residual * (a @ p), *(-4 * s * p * residual * (a - a @ p))])

    ends = {}
    for square in (0.056, 0.057):
        walked = solve_ivp(moves, (0, 160), [np.log(square), 0.5, 0.5], method="LSODA", rtol=1e-11, atol=1e-14)
        ends[square] = walked.y[:, -1]
    assert np.exp(ends[0.056][0]) == pytest.approx(1.6e-17, rel=0.05)
    x = np.exp(ends[0.057][0]) * ends[0.057][1:]
    assert x[0] - 2 * x[1] == pytest.approx(1, abs=1e-8)
    assert x == pytest.approx([float(v) for v in limit(threshold(Fraction(57, 1000))).x], abs=1e-7)


@pytest.mark.parametrize("L", [2, 3])
def test_starts_near_0_are_all_decided(L: int) -> None:
    """By the sign of <A^T y, weights of the start>: 12 random matrices with signs, solutions with two entries."""
    outcomes = []
    for seed in range(12):
        dice = Random(seed)
        A = [[Fraction(round(64 * dice.gauss(0, 1)), 64) for _ in range(12)] for _ in range(4)]
        y = [row[0] + row[1] for row in A]
        found = limit(polar(A, y, kappa=1, L=L, start={"w^2": [Fraction(1, 10**5)] * 12}))
        rising = sum(a * t for row, t in zip(A, y, strict=True) for a in row) > 0
        outcomes.append(found.outcome)
        assert found.outcome == ("converges" if rising else "collapses"), found.reason
        assert accepted(found) == found.text
    assert set(outcomes) == {"converges", "collapses"}


def test_a_collapse_by_comparison_is_seen_in_integration() -> None:
    A, y = [[1, -1, -2], [-1, -2, 1]], [1, 1]
    found = limit(polar(A, y, kappa="3/2", L=3, start={"w": ["1/20", "1/10", "1/10"]}))
    assert found.outcome == "collapses"
    assert found.certificate is not None
    assert found.certificate["reason"]["by"] == "comparison"
    F, G = np.array(A, float), np.array(y, float)

    def moves(_: float, state: np.ndarray) -> np.ndarray:
        r, u = np.exp(state[0]), state[1:]
        slope = F.T @ (F @ (r * u) ** 3 - G)
        inner = slope @ u**3
        return np.array([-3 * r * inner, *(-1.5 * 3 * r**3 * (slope * u**2 - u * inner))])

    r0 = float(np.sqrt(0.0225))
    walked = solve_ivp(moves, (0, 20000), [np.log(r0), *(np.array([0.05, 0.1, 0.1]) / r0)], method="LSODA", rtol=1e-10, atol=1e-12)
    radii = np.exp(walked.y[0])
    assert radii[-1] < 0.02
    assert np.all(np.diff(radii) < 0)


def test_a_point_of_the_leaf_is_no_limit_without_a_certificate() -> None:
    """The dual has a solution on both sides of the threshold."""
    collapsing = limit(threshold(Fraction(56, 1000)))
    assert collapsing.x == ()
    undecided = limit(polar(SENSING, MEASURED, kappa="1/48", L=2, start={"w^2": [8] * 6}))
    assert undecided.outcome == "unknown"
    assert undecided.certificate is not None  # of just that
    assert "or to 0: which of the two is not established" in check(undecided.certificate).text
    with pytest.raises(Rejected):
        check({**undecided.certificate, "kappa": None})
    assert "the limit unless the flow collapses" in undecided.reason
    assert abs(float(sum(undecided.x)) - 17.9838742316) < 1e-9


def test_each_reason_against_a_collapse() -> None:
    def by(data: Polar, **more: Any) -> Any:
        found = limit(data, **more)
        assert found.certificate is not None, found.reason
        return found.certificate["reason"]

    assert by(polar(MATRIX, [3, 2], kappa=1, L=2, start={"r": 1, "u": [HALF] * 4})) == {"by": "loss"}
    assert by(polar(SENSING, MEASURED, kappa=1, L=2, start={"w^2": [2] * 6})) == {"by": "divergence", "solution": "limit"}
    assert by(polar(SENSING, MEASURED, kappa=1, L=3, start={"w^2": [2] * 6})) == {"by": "divergence", "solution": "limit"}
    signed = [[2, -1, -2, 1], [1, 1, -1, -1]]
    told = by(polar(signed, [0, 1], kappa=1, L=2, start={"w": [3, 1, 3, 1]}))
    assert told in ({"by": "loss"}, {"by": "pairs", "partner": [2, 3, 0, 1]})
    rising = limit(polar([[1, -2]], [1], kappa="1/10", L=2, start={"w^2": [20, 9]})).certificate
    assert rising is not None
    assert "sign(y) <a, x> >= 0 at the start" in check({**rising, "reason": {"by": "one row", "between": None}}).text
    assert by(threshold(Fraction(57, 1000)))["between"] is not None
    assert by(polar(SENSING, MEASURED, kappa=1, L=2, start={"w^2": [1] * 6}), solution=SPARSEST[0])["solution"] == ["0", "2", "4", "0", "0", "0"]
    with pytest.raises(ValueError, match="A z = y does not hold"):
        limit(polar(SENSING, MEASURED, kappa=1, L=2, start={"w^2": [1] * 6}), solution=[0, 2, 4, 0, 0, 1])


def test_signed_models_from_opposite_pairs_never_collapse() -> None:
    """r >= r_0, for a target that the loss says nothing about."""
    found = limit(polar([[2, -1, -2, 1], [1, 3, -1, -3]], [0, "1/100"], kappa=1, L=3, start={"w": [2, 1, 2, 1]}))
    assert found.outcome == "converges"
    assert found.certificate is not None
    paired = {**found.certificate, "reason": {"by": "pairs", "partner": [2, 3, 0, 1]}}
    assert "opposite pairs" in check(paired).text
    assert sum(float(v) ** (2 / 3) for v in found.x) >= 10 - 1e-12


# ---- the bias ----------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("square", "L", "kappa", "excess"),
    [(1, 2, 1, 0.11205069461), (1, 3, 1, 0.03030493853), (1, 3, 4, 4.253e-8)],
)
def test_the_excess_and_its_bound(square: int, L: int, kappa: int, excess: float) -> None:
    found = limit(polar(SENSING, MEASURED, kappa=kappa, L=L, start={"w^2": [Fraction(square, 6)] * 6}), bias=SPARSEST)
    assert found.certificate is not None
    told = found.certificate["bias"]
    assert float(Fraction(told["excess"])) == pytest.approx(excess, rel=1e-3)
    assert "exceeds the least norm 6 of a solution by at most" in accepted(found)
    if L == 2:
        # Q KL(p_z | p_0)/(kappa (Q - s_0)) with p_z = (1/3, 2/3), p_0 = 1/6: log 6 - H
        assert float(Fraction(told["bound"])) == pytest.approx(6 * (log(6) - (log(3) / 3 + 2 * log(1.5) / 3)) / 5, rel=1e-3)
    else:
        assert float(Fraction(told["bound"])) == pytest.approx(6 * 6 ** (1 - L / 2) * np.exp(-(L / 2 - 1) * kappa * (6 ** (2 / L) - 1)), rel=1e-3)
    assert Fraction(told["excess"]) < Fraction(told["bound"])


# ---- what is hard ------------------------------------------------------------------------------------------------------------------------------


def test_a_limit_on_the_boundary() -> None:
    """x = (1, 0, 0) is the only solution, and is approached like 1/t."""
    found = limit(polar([[1, 0, 0], [0, 1, 1]], [1, 0], kappa=1, L=2, start={"r": 1, "u": ["2/3", "1/3", "2/3"]}))
    assert found.outcome == "converges"
    assert found.certificate is not None
    assert found.certificate["support"] == [0]
    assert found.within is not None
    assert abs(found.x[0] - 1) <= found.within
    assert found.x[1:] == (0, 0)


def test_dependent_rows_change_nothing() -> None:
    start = {"r": 1, "u": [HALF] * 4}
    plain = limit(polar(MATRIX, [3, 2], kappa=1, L=2, start=start))
    more = limit(polar([*MATRIX, [3, 1, 0, 2]], [3, 2, 5], kappa=1, L=2, start=start))
    assert more.outcome == plain.outcome == "converges"
    assert plain.within is not None
    assert more.within is not None
    assert max(abs(a - b) for a, b in zip(plain.x, more.x, strict=True)) <= plain.within + more.within


@pytest.mark.parametrize(
    ("A", "y", "least"),
    [([[1, 1]], [-1], 1 / 2), ([[1, 1], [1, 1]], [1, 2], 1 / 4), ([[1, 2], [3, 4]], [1, 0], 2 / 5), ([[1, 0]], [-3], 9 / 2)],
)
def test_without_a_solution_the_loss_stays_away_from_0(A: Any, y: Any, least: float) -> None:
    """The least value of |Az - y|^2/2 over z >= 0, from scipy."""
    found = limit(polar(A, y, kappa=1, L=2, start={"w": [2, 3]}))
    assert found.outcome == "no solution"
    _, norm = nnls(np.array(A, float), np.array(y, float))
    assert norm**2 / 2 == pytest.approx(least)
    told = float(accepted(found).split("at least ")[1].split(";")[0])
    assert 0 < told <= least * (1 + 1e-9)


def test_plain_gradient_flow_has_the_limits_of_the_reference_table() -> None:
    for level, scale, distance in ((2, "1/10", 0.294777), (2, 48, 10.7577), (3, 1, 0.41052), (4, 1, 0.16164)):
        found = limit(polar(SENSING, MEASURED, kappa=None, L=level, start={"w^2": [Fraction(scale) / 6] * 6}))
        assert accepted(found) == found.text
        assert sum((float(a) - float(b)) ** 2 for a, b in zip(found.x, SPARSEST[0], strict=True)) ** 0.5 == pytest.approx(distance, rel=1e-5)


def test_the_magnification_is_the_exact_shift_of_the_start() -> None:
    """The polar flow from w_0 and plain gradient flow from w_0/rho end together, rho to 30 digits."""
    data = polar(SENSING, MEASURED, kappa=1, L=2, start={"w^2": [Fraction(1, 6)] * 6})
    found = limit(data)
    assert found.rho is not None
    moved = polar(SENSING, MEASURED, kappa=None, L=2, start={"w^2": [1 / (6 * found.rho**2)] * 6})
    assert max(abs(a - b) for a, b in zip(found.x, limit(moved).x, strict=True)) < Fraction(1, 10**33)


# ---- rates -------------------------------------------------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(st.lists(st.lists(st.integers(-2, 2), min_size=3, max_size=3), min_size=1, max_size=2), st.sampled_from([2, 3, Fraction(5, 2)]), st.booleans())
def test_rates_against_the_flow(A: list[list[int]], L: Any, plain: bool) -> None:
    """What moves the residual at the limit, by central differences of F along the flow; and F stays below both of its bounds."""
    assume(np.linalg.matrix_rank(np.array(A)) == len(A))
    y = [sum(row) for row in A]
    assume(any(y))
    start = {"r": 1, "u": ["2/3", "1/3", "2/3"]}
    found = limit(polar(A, y, kappa=None if plain else "3/2", L=L, start=start))
    if found.outcome != "converges" or found.rate is None:
        return
    F, t, level = np.array(A, float), np.array(y, float), float(L)

    def moves(_: float, w: np.ndarray) -> np.ndarray:
        slope = level * (F.T @ (F @ w**level - t)) * w ** (level - 1)
        if plain:
            return -slope
        r = np.linalg.norm(w)
        u = w / r
        return -(u @ slope) * u - 1.5 * r**2 * (slope - (u @ slope) * u)

    end = min(60.0, 12 / float(found.rate))
    walked = solve_ivp(moves, (0, end), np.array([2 / 3, 1 / 3, 2 / 3]), method="LSODA", rtol=1e-12, atol=1e-14, dense_output=True)
    losses = np.array([np.sum((F @ walked.sol(s) ** level - t) ** 2) / 2 for s in np.linspace(0, end, 40)])
    times = np.linspace(0, end, 40)
    if found.steady is not None:
        assert np.all(losses <= losses[0] * np.exp(-float(found.steady) * times) + 1e-18)
    w = np.array([float(v) for v in found.x]) ** (1 / level)
    jacobian = level * F * w ** (level - 1)
    metric = np.eye(3) if plain else np.outer(w, w) / (w @ w) + 1.5 * (w @ w * np.eye(3) - np.outer(w, w))
    assert float(found.rate) == pytest.approx(2 * np.linalg.eigvalsh(jacobian @ metric @ jacobian.T)[0], rel=1e-6)


def test_a_zero_target() -> None:
    """x_1 = x_2 on the leaf where theta_1 + theta_2 is constant: 2 log(1/2) + 2 kappa s = log(36/169) + 2 * 13 for A = (1, -1), y = 0."""
    found = limit(polar([[1, -1]], [0], kappa=1, L=2, start={"w": [2, 3]}))
    assert found.outcome == "converges"
    wanted = (log(36 / 169) + 26 + 2 * log(2)) / 4
    assert [float(v) for v in found.x] == pytest.approx([wanted, wanted], rel=1e-14)


def test_a_limit_too_near_the_boundary_is_unknown() -> None:
    found = limit(polar(SENSING, MEASURED, kappa=10**6, L=2, start={"w^2": [Fraction(1, 6 * 10**6)] * 6}))
    assert found.outcome == "unknown"
    assert "too near the boundary" in found.reason


# ---- integration -------------------------------------------------------------------------------------------------------------------------------

SPHERE = [["3/5", "4/5"], ["2/3", "1/3", "2/3"], ["3/7", "2/7", "6/7"], ["1/9", "8/9", "4/9"], ["1/2", "1/2", "1/2", "1/2"]]


@st.composite
def posed(draw: st.DrawFn) -> tuple[Polar, dict[str, Any], dict[str, Any], int]:
    """Small data with a planted positive solution: the data, and the same as a problem to integrate."""
    u = [Fraction(v) for v in draw(st.sampled_from(SPHERE))]
    rows = draw(st.integers(1, len(u) - 1))
    A = draw(st.lists(st.lists(st.integers(-2, 2), min_size=len(u), max_size=len(u)), min_size=rows, max_size=rows))
    assume(np.linalg.matrix_rank(np.array(A)) == rows)
    x = draw(st.lists(st.sampled_from([HALF, Fraction(1), Fraction(3, 2), Fraction(2)]), min_size=len(u), max_size=len(u)))
    y = [sum(a * b for a, b in zip(row, x, strict=True)) for row in A]
    assume(any(y))
    r, kappa, L = (
        draw(st.sampled_from([HALF, Fraction(1), Fraction(5, 4)])),
        draw(st.sampled_from([HALF, Fraction(1), Fraction(2)])),
        draw(st.sampled_from([2, 3])),
    )
    data = {"A": A, "y": y, "kappa": kappa, "eta_r": 1} | ({} if L == 2 else {"L": L})
    return polar(A, y, kappa=kappa, L=L, start={"r": r, "u": u}), data, {"r": r, "u": u}, L


@settings(max_examples=15)
@given(posed())
def test_integration_to_thirty_digits_ends_where_the_certificate_says(case: tuple[Polar, dict[str, Any], dict[str, Any], int]) -> None:
    posed_, data, start, L = case
    found = limit(posed_)
    if found.outcome != "converges":
        return
    assert found.within is not None
    x = np.array([float(v) for v in found.x])
    w = x ** (1 / L)
    A = np.array(data["A"], float)
    r2, D = w @ w, np.diag(w ** (L - 1))
    speed = np.outer(w, w) / r2 + float(data["kappa"]) * (r2 * np.eye(len(w)) - np.outer(w, w))
    rate = np.linalg.eigvalsh(L**2 * A @ D @ speed @ D @ A.T)[0]
    assume(rate > 0.2)
    setting = least_squares(sp.Integer(L)) if L == 2 else least_squares()
    end = ceil(60 / rate) + 10
    last = integrate(problem(setting, data=data, start=start, times=(0, end)), digits=30).states[-1]
    with workdps(40):
        reached = [(last["r"] * v) ** L for v in last["u"]]
        away = max(abs(a - mpf(b.numerator) / b.denominator) for a, b in zip(reached, found.x, strict=True))
        left = [
            sum(a * v for a, v in zip(row, reached, strict=True)) - mpf(t.numerator) / t.denominator
            for row, t in zip(data["A"], data["y"], strict=True)
        ]
        residual = max(map(abs, left))  # what is left of the way is a multiple of it
        assert residual < mpf(10) ** -15
        assert away < mpf(10) ** -25 + 1000 * residual


def test_the_page_is_right() -> None:
    """The example of docs/limit.md runs and gives what it says."""
    page = (Path(__file__).parents[2] / "docs" / "limit.md").read_text(encoding="utf-8")
    code = page.split("```python\n")[1].split("```")[0]
    *lines, last = code.strip().splitlines()
    names: dict[str, Any] = {}
    exec("\n".join(lines), names)
    value, said = last.split("  # ")
    assert repr(eval(value, names)) == f"({said})"
