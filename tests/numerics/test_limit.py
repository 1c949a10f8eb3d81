"""Limits found by the dual, against reference values, against the equations of the leaf written by hand, and against gradient flow."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mpmath import mpf, workdps

from numerics.errors import InvalidProblem
from numerics.limit import Polar, bregman, effective, excess, face, loss, multipliers, polar
from numerics.limit.dual import Floats

HALF, QUARTER = Fraction(1, 2), Fraction(1, 4)
I1 = polar([[1, 2, -1, 1], [2, -1, 1, 1]], [3, 2], kappa=1, L=2, start={"r": 1, "u": [HALF] * 4})
I2 = polar(
    [[1, 0, 2, -1, 1], [0, 1, 1, 1, -1], [1, 1, 0, 1, 2]],
    [4, HALF, 4],
    kappa=HALF,
    L=3,
    start={"r": "5/4", "u": [QUARTER, QUARTER, QUARTER, HALF, "3/4"]},
)
SENSING, MEASURED, SPARSEST = [[-1, 1, 1, 2, 2, 0], [0, 1, -2, 1, 2, 0], [1, 2, 0, -2, 1, 1]], [6, -6, 4], [0, 2, 4, 0, 0, 0]


def sensed(radius2: Any, kappa: Any, L: int) -> Polar:
    """A sparse solution of norm 6, and a start with equal weights."""
    return polar(SENSING, MEASURED, kappa=kappa, L=L, start={"w^2": [Fraction(radius2) / 6] * 6})


def limit_of(data: Polar, *, bits: int = 200) -> list[mpf]:
    where = face(data)
    assert where is not None
    found = multipliers(data, where, bits=bits)
    assert found is not None
    with workdps(bits * 3 // 10):
        return [mpf(v.numerator) / v.denominator for v in found.x]


def test_reference_limits_to_forty_digits() -> None:
    with workdps(60):
        for data, digits in (
            (
                I1,
                (
                    "1.001699884475605858590861256812511624101",
                    "0.7212844031187083154841415344639686763716",
                    "0.08107666244025954393078167328969720250683",
                    "0.6368079717272370543716373475492482256623",
                ),
            ),
            (
                I2,
                (
                    "0.06754999604863551656765750647752156044359",
                    "0.0968245000991425326987502817650803225857",
                    "1.445208501284073983577864070585799372324",
                    "0.5838531670285963060601211690185462423841",
                    "1.625886168411812822336735521369425937293",
                ),
            ),
        ):
            for found, wanted in zip(limit_of(data), digits, strict=True):
                assert _prints(found, wanted)


@pytest.mark.parametrize(
    ("radius2", "kappa", "L", "norm", "error", "rho"),
    [
        ("1/1000000", 1, 2, "6.06721280036", "0.111524", "0.0084330308"),
        ("1/1000000", 4, 2, "6.00000762657", "1.42624e-5", None),
        ("1/1000", 1, 2, "6.06724728444", "0.111578", "0.26654652"),
        ("1/10", 1, 2, "6.07075274809", "0.11704", "2.5404533"),
        ("1/10", 10, 2, "6.0", "3.58138e-13", "8.3678058e+11"),
        ("1", 1, 2, "6.11205069461", "0.179905", "5.2116379"),
        ("1", 4, 2, "6.00005640696", "1.054e-4", None),
        ("3", 1, 2, "6.30128248929", "0.444701", "3.5950964"),
        ("6", "1/6", 2, "8.39874387864", "1.99579", "1.0322429"),
        ("12", 1, 2, "11.7491417533", "3.92602", "0.89148569"),
        ("12", "1/12", 2, "10.6352417741", "3.26983", "1.0035079"),
        ("48", 1, 2, "46.7780654934", "28.3341", "0.54986969"),
        ("48", "1/48", 2, "17.9838742316", "7.7965", "1.1950581"),
        ("1/1000000", 1, 3, "6.00846985814", "0.0119643", "0.0039716514"),
        ("1/10", 10, 3, "6.0", "6.14398e-26", "78495134.0"),
        ("1", 1, 3, "6.03030493853", "0.0418424", "2.510836"),
        ("1", 4, 3, "6.00000004253", "6.24e-8", None),
        ("12", 1, 3, "17.9103220161", "7.82073", "0.78247972"),
        ("48", 1, 3, "55.6488666714", "35.2266", "1.6949271e-6"),
        ("1", 4, 4, None, "9.5e-9", None),
    ],
)
def test_reference_limits_across_scales(radius2: str, kappa: Any, L: int, norm: str | None, error: str, rho: str | None) -> None:
    data = sensed(radius2, kappa, L)
    with workdps(50):
        x = limit_of(data, bits=400)
        away = mpmath.sqrt(mpmath.fsum((v - w) ** 2 for v, w in zip(x, SPARSEST, strict=True)))
        assert _prints(away, error)
        assert norm is None or _prints(6 + excess(x, 6, digits=50), norm)
        assert rho is None or _prints(effective(data, x, digits=50), rho)
        assert loss(data, x) < mpf(10) ** -60


def _prints(value: mpf, digits: str) -> bool:
    """Whether the value, rounded, is what was printed."""
    mantissa, _, exponent = digits.partition("e")
    unit = mpf(10) ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    return bool(abs(value - mpf(digits)) <= unit * mpf("0.5000001"))


# ---- the equations of the leaf, by hand --------------------------------------------------------------------------------------------------------

entry = st.integers(-3, 3).map(Fraction)
positive = st.fractions(Fraction(1, 4), 2, max_denominator=8)


@st.composite
def posed(draw: st.DrawFn) -> Polar:
    """Two rows, four columns, a planted positive solution."""
    A = draw(st.lists(st.lists(entry, min_size=4, max_size=4), min_size=2, max_size=2))
    assume(np.linalg.matrix_rank(np.array(A, dtype=float)) == 2)
    x = draw(st.lists(positive, min_size=4, max_size=4))
    y = [sum(a * b for a, b in zip(row, x, strict=True)) for row in A]
    assume(any(y))
    weights = draw(st.lists(positive, min_size=4, max_size=4))
    return polar(A, y, kappa=draw(positive), L=draw(st.sampled_from([2, Fraction(5, 2), 3, 4])), start={"w": weights})


@given(posed())
def test_the_limit_keeps_the_laws_and_solves_the_equations(data: Polar) -> None:
    x = limit_of(data, bits=256)
    with workdps(50):
        assert loss(data, x) < mpf(10) ** -80
        x = [+v for v in x]  # mpmath's logarithm of 1/4 (1 + 10^-77) is 10^-77 at 50 digits: arguments have to be rounded first
        basis = _kernel(data)
        L, kappa = _mp(data.depth), _mp(data.kappa)
        laws = []
        for weights in ([_mp(v) for v in data.values], [v ** (1 / L) for v in x]):
            r2 = mpmath.fsum(w**2 for w in weights)
            omega = [w / mpmath.sqrt(r2) * mpmath.exp(kappa * r2 / 2) for w in weights]
            dual = [mpmath.log(o) if L == 2 else o ** (2 - L) for o in omega]
            laws.append([mpmath.fsum(_mp(a) * b for a, b in zip(z, dual, strict=True)) for z in basis])
        size = 1 + max(abs(v) for law in laws for v in law)
        assert all(abs(a - b) < mpf(10) ** -40 * size for a, b in zip(*laws, strict=True))


def _mp(value: Fraction) -> mpf:
    return mpf(value.numerator) / value.denominator


def _kernel(data: Polar) -> list[list[Fraction]]:
    """A basis of the kernel of two rows, by Cramer's rule on three columns at a time."""
    (a, b), basis = data.matrix, []
    for n in range(4):
        for m in range(n):
            for k in range(m):
                z = [Fraction(0)] * 4
                z[k], z[m], z[n] = a[m] * b[n] - a[n] * b[m], a[n] * b[k] - a[k] * b[n], a[k] * b[m] - a[m] * b[k]
                basis.append(z)
    return basis


@given(posed())
def test_the_limit_has_the_least_divergence(data: Polar) -> None:
    x = limit_of(data, bits=256)
    begin = [_mp(v) ** _mp(data.depth) for v in data.values]
    with workdps(30):
        here = bregman(data, x, begin)
        assert here >= 0
        for z in _kernel(data):
            step = min(v for v in x) / (4 * max(1, *map(abs, z)))
            for sign in (1, -1):
                assert bregman(data, [v + sign * step * _mp(e) for v, e in zip(x, z, strict=True)], begin) >= here


@pytest.mark.parametrize(("L", "kappa"), [(2, Fraction(1, 3)), (3, Fraction(2)), (4, HALF)])
def test_the_divergence_is_the_integral_of_its_slope(L: int, kappa: Fraction) -> None:
    """D(z, x) is the integral over s in [0, 1] of <slope(x + s (z - x)) - slope(x), z - x>, the slopes written out."""
    z, x = [mpf(1), mpf(2), mpf("0.5")], [mpf("0.25"), mpf(1), mpf(3)]
    data = polar([[1, 1, 1]], [1], kappa=kappa, L=L, start={"w": [1, 1, 1]})

    def slope(v: list[mpf]) -> list[mpf]:
        R = mpmath.fsum(e ** (mpf(2) / L) for e in v)
        u = [e ** (mpf(1) / L) / mpmath.sqrt(R) for e in v]
        if L == 2:
            return [2 * mpmath.log(e) + _mp(kappa) * R for e in u]
        return [-((e * mpmath.exp(_mp(kappa) * R / 2)) ** (2 - L)) for e in u]

    def along(s: mpf) -> mpf:
        there = slope([f + s * (e - f) for e, f in zip(z, x, strict=True)])
        return mpmath.fsum((a - b) * (e - f) for a, b, e, f in zip(there, slope(x), z, x, strict=True))

    with workdps(25):
        assert abs(bregman(data, z, x, digits=25) - mpmath.quad(along, [0, 1])) < mpf(10) ** -18


# ---- gradient flow -----------------------------------------------------------------------------------------------------------------------------


def gradient_flow_limit(data: Polar, scale: mpf) -> list[mpf]:
    """The limit of plain gradient flow from scale * w_0: log w^2, or -w^(2-L), moves in the row space; damped Newton for two rows."""
    L = _mp(data.depth)
    rows = [[_mp(a) for a in row] for row in data.matrix]
    begin = [2 * mpmath.log(scale * _mp(v)) if L == 2 else -((scale * _mp(v)) ** (2 - L)) for v in data.values]

    def at(place: list[mpf]) -> tuple[list[mpf], list[mpf], list[mpf]] | None:
        dual = [t + place[0] * a + place[1] * b for t, a, b in zip(begin, *rows, strict=True)]
        if L != 2 and max(dual) >= 0:
            return None
        x = [mpmath.exp(t) if L == 2 else (-t) ** (L / (2 - L)) for t in dual]
        slopes = x if L == 2 else [L / (L - 2) * v / -t for v, t in zip(x, dual, strict=True)]
        return x, slopes, [mpmath.fdot(row, x) - _mp(t) for row, t in zip(rows, data.target, strict=True)]

    place, here = [mpf(0), mpf(0)], at([mpf(0), mpf(0)])
    for _ in range(200):
        assert here is not None
        x, slopes, gap = here
        size = mpmath.norm(gap)
        if size < mpf(10) ** -35:
            return x
        a, b, c = (mpmath.fsum(p * q * v for p, q, v in zip(rows[m], rows[n], slopes, strict=True)) for m, n in ((0, 0), (0, 1), (1, 1)))
        det = a * c - b * b
        step = [(b * gap[1] - c * gap[0]) / det, (b * gap[0] - a * gap[1]) / det]
        length = mpf(1)
        while (there := at([p + length * q for p, q in zip(place, step, strict=True)])) is None or mpmath.norm(there[2]) > (1 - length / 4) * size:
            length /= 2
        place, here = [p + length * q for p, q in zip(place, step, strict=True)], there
    raise AssertionError("gradient flow's limit was not found")


@pytest.mark.parametrize("L", [2, 3, 4])
def test_gradient_flow_from_the_shrunk_start_has_the_same_limit_and_from_others_not(L: int) -> None:
    data = polar(I1.matrix, I1.target, kappa="3/2", L=L, start={"w": ["1/2", "3/4", "2/3", "1/2"]})
    with workdps(40):
        x = limit_of(data)
        rho = effective(data, x, digits=40)
        R0, R = mpmath.fsum(_mp(v) ** 2 for v in data.values), mpmath.fsum(v ** (mpf(2) / L) for v in x)

        def away(factor: mpf) -> mpf:
            return max(abs(a - b) for a, b in zip(gradient_flow_limit(data, 1 / factor), x, strict=True))

        assert away(rho) < mpf(10) ** -30
        for wrong in (mpf(1), 1 / rho, mpmath.exp(mpf(3) / 4 * (R - R0)), rho * mpmath.exp(mpf(3) / 4 * (R - R0)), mpmath.sqrt(R0 / R)):
            assert away(wrong) > mpf(10) ** -4


@settings(max_examples=8)
@given(st.lists(st.fractions(HALF, 1, max_denominator=8), min_size=4, max_size=4), st.sampled_from([2, 3, 4]))
def test_the_ratio_of_frameworks_is_not_less_sparse_than_gradient_flow(weights: list[Fraction], L: int) -> None:
    data = polar(I1.matrix, I1.target, kappa=1 / sum(w**2 for w in weights), L=L, start={"w": weights})
    with workdps(40):
        x = limit_of(data)
        assert effective(data, x) >= 1
        plain = gradient_flow_limit(data, mpf(1))
        weighted = [mpmath.fsum(_mp(w) ** (2 - L) * v for w, v in zip(weights, end, strict=True)) for end in (x, plain)]
        squares = [mpmath.fsum(v ** (mpf(2) / L) for v in end) for end in (x, plain)]
        assert weighted[0] <= weighted[1] * (1 + mpf(10) ** -25)
        assert squares[0] <= squares[1] * (1 + mpf(10) ** -25)


def test_other_ratios_can_be_less_sparse_than_gradient_flow() -> None:
    """With kappa r_0^2 = 12 the norm is 11.75; of gradient flow from the same start it is 10.66."""
    assert _prints(6 + excess(limit_of(sensed(12, 1, 2)), 6), "11.7491417533")
    assert effective(sensed(12, 1, 2), limit_of(sensed(12, 1, 2))) < 1


# ---- faces -------------------------------------------------------------------------------------------------------------------------------------


def test_a_face_and_the_vector_that_shows_it() -> None:
    data = polar([[1, 0, 0], [0, 1, 1]], [1, 0], kappa=1, L=2, start={"r": 1, "u": ["2/3", "1/3", "2/3"]})
    found = face(data)
    assert found is not None
    assert (found.support, found.rows) == ((0,), (0,))
    heights = [sum(a * b for a, b in zip(column, found.normal, strict=True)) for column in data.columns]
    assert heights[0] == 0
    assert min(heights[1:]) > 0
    assert limit_of(data) == [1, 0, 0]


def test_rows_that_depend_on_others_are_left_out() -> None:
    data = polar([[1, 2, -1, 1], [2, 4, -2, 2], [2, -1, 1, 1]], [3, 6, 2], kappa=1, L=2, start={"r": 1, "u": [HALF] * 4})
    found = face(data)
    assert found is not None
    assert found.rows == (0, 2)
    assert max(abs(a - b) for a, b in zip(limit_of(data), limit_of(I1), strict=True)) < mpf(10) ** -15


@pytest.mark.parametrize("target", [[-1, 1], [1, 3]])
def test_no_face_without_a_solution(target: list[int]) -> None:
    """x_1 + x_2 = -1 has no solution z >= 0, and x_1 + x_2 = 1, 2 x_1 + 2 x_2 = 3 none at all."""
    assert face(polar([[1, 1], [2, 2]], target, kappa=1, L=2, start={"w": [1, 1]})) is None


@given(posed(), st.integers(0, 10**6))
def test_slopes_of_the_dual_are_its_derivatives(data: Polar, seed: int) -> None:
    """The step of Newton's method against difference quotients of the gradient."""
    where = face(data)
    assert where is not None
    dual = Floats(data, where)
    place = np.random.default_rng(seed).normal(size=len(where.rows)) * 1e-3
    state = dual.at(place)
    if state is None or state.size == 0:
        return
    step = state.step / np.linalg.norm(state.step)
    ahead, behind = dual.at(place + 1e-6 * step), dual.at(place - 1e-6 * step)
    assert ahead is not None
    assert behind is not None
    moved = (ahead.gradient - behind.gradient) / 2e-6 * np.linalg.norm(state.step)
    assert np.linalg.norm(moved + state.gradient) < 1e-3 * (1 + state.size)


# ---- what is refused ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kappa": 0}, "kappa = 0 was given; the ratio of the rates is positive"),
        ({"L": 1}, "L = 1 was given; L >= 2 is wanted"),
        ({"L": "3/2"}, "L = 3/2 was given; L >= 2 is wanted"),
        ({"start": {"w": [1, 0]}}, r"w\[1\] = 0 was given; a weight that starts at 0 stays there"),
        ({"start": {"w": [1, -2]}}, r"w\[1\] = -2 was given; the flow starts inside the orthant"),
        ({"start": {"r": 1, "u": [1, 1]}}, "the sum of the squares of u is 2, and exactly 1 is wanted"),
        ({"start": {"r": 0, "u": ["3/5", "4/5"]}}, "r = 0 was given; the radius is positive"),
        ({"start": {"w": [1, 1, 1]}}, "A has 2 columns, and the start has the shape"),
        ({"start": {"w": [1, 1], "x": [1, 1]}}, "the start was given as 'w', 'x'; wanted is"),
        ({"start": {}}, "the start was given as nothing"),
        ({"start": {"w": [[1, 1]]}}, r"w has the shape \(1, 2\); a list of numbers is wanted"),
        ({"y": [1, 2]}, r"A has the shape \(1, 2\) and y \(2,\)"),
        ({"A": [[0.5, 1]]}, "is the float 0.5"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], words: str) -> None:
    given_ = {"A": [[1, -2]], "y": [1], "kappa": 1, "L": 2, "start": {"w": [1, 1]}} | change
    with pytest.raises(InvalidProblem, match=words):
        polar(given_.pop("A"), given_.pop("y"), **given_)
