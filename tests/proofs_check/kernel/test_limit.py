"""The kernel on limits: certificates by hand where the limit is known, its inequalities against mpmath, and certificates with one number changed."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mpf, workdps

from numerics.limit import bregman, polar
from proofs_check.kernel import FORMAT, check
from proofs_check.kernel.falling import residuals
from proofs_check.kernel.language import Rejected
from proofs_check.kernel.leaf import leaf, read_polar
from proofs_check.kernel.limit import allowance, check_limit
from proofs_check.kernel.points import precision
from proofs_check.kernel.stays import by_divergence
from proofs_check.limiting import limit

Json = Any


def one(**more: Json) -> Json:
    """x = w^2 from w = 1/2 to x = 1: theta = x, so that the multiplier is 3/4, and rho = 1/2 exp(3/8) = 0.7274957..."""
    return {
        "format": FORMAT,
        "kind": "limit",
        "kappa": 1,
        "depth": 2,
        "matrix": [[1]],
        "target": [1],
        "start": {"exponent": 1, "values": ["1/2"]},
        "outcome": "convergence",
        "bits": 64,
        "support": [0],
        "normal": [],
        "rows": [0],
        "centre": ["3/4"],
        "half_widths": ["1/1000000000000"],
        "limit": [1],
        "within": "1/100000000000",
        "rho": {"value": "7274957/10000000", "within": "1/10000000"},
        "bias": {"solution": [1], "dual": [1], "excess": "1/100000000000", "bound": "1/100000000000"},
        "rate": {"value": 8, "within": "1/1000000000", "vector": [1]},
        "trap": {"low": "9/100", "high": "191/100", "floors": ["1/10"], "rate": "647/100000"},
        "reason": {"by": "loss"},
    } | more


def falling(**more: Json) -> Json:
    """x_1 - 2 x_2 from x_1 = x_2 = 1/40 to 1: the threshold of |w|^2 is log(32/27)/3 = 0.0566..., and |w|^2 = 1/20."""
    plain = {name: one()[name] for name in ("format", "kind", "kappa", "depth", "target")}
    start = {"exponent": "1/2", "values": ["1/40", "1/40"]}
    return {**plain, "matrix": [[1, -2]], "start": start, "outcome": "collapse", "bits": 64, "reason": {"by": "one row", "multiplier": "1/4"}} | more


def test_by_hand() -> None:
    accepted = check(json.loads(json.dumps(one())))
    assert accepted.outcome == "proved"
    assert "x(t) converges to a point within 1e-11 of the one given" in accepted.text
    assert "rho = 0.7274957 within 1e-7" in accepted.text
    assert "the loss starts at 0.28125000, below its value 0.50000000 at 0" in accepted.text
    assert "exceeds the least norm 1 of a solution by at most 1e-11" in accepted.text


def plain(**more: Json) -> Json:
    """The same by plain gradient flow of w: theta = log x, so that the multiplier is log 4, which is not rational."""
    limits = {"centre": ["13862943611/10000000000"], "half_widths": ["1/1000000000"], "within": "1/100000000", "reason": {"by": "plain"}}
    bias = {"solution": [1], "dual": [1], "excess": "1/100000000", "bound": "1/100000000"}
    rate = {"value": 8, "within": "1/10000000", "vector": [1]}
    return one(kappa=None, rho=None, trap=None, rate=rate, bias=bias, **limits) | more


def test_plain_gradient_flow_by_hand() -> None:
    text = check(plain()).text
    assert "x(t) converges to a point within 1e-8 of the one given in every coordinate, by plain gradient flow" in text
    assert "F(t) <= C exp(-7.99999 t)" in text
    assert "rho" not in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"centre": ["3/4"]}, "box is not certainly"),
        ({"reason": {"by": "loss"}}, "not a reason against a collapse"),
        ({"trap": {"low": "1/5", "high": 2, "floors": ["1/10"], "rate": "1/1000"}}, "for the polar flow with a positive limit alone"),
        ({"outcome": "collapse"}, "plain gradient flow does not collapse"),
        ({"rate": {"value": "81/10", "within": "1/100", "vector": [1]}}, "not certainly as large"),
    ],
)
def test_plain_gradient_flow_with_one_thing_changed(change: Json, words: str) -> None:
    with pytest.raises(Rejected, match=words):
        check(plain(**change))


@pytest.mark.parametrize(
    ("A", "y", "nu", "words"),
    [
        ([[1, 1]], [-1], [1], ""),
        ([[1, 1]], [1], [1], "does not show that there is no solution"),
        ([[1, -1]], [-1], [1], "does not show that there is no solution"),
        ([[1, 1]], [0], [1], "does not show that there is no solution"),
        ([[1, 1]], [-1], [1, 0], "needs 1 numbers"),
        ([[1, 1]], [-1], [0], "does not show that there is no solution"),
    ],
)
def test_no_solution(A: Json, y: Json, nu: Json, words: str) -> None:
    node = {name: one()[name] for name in ("format", "kind", "kappa", "depth", "bits")}
    node |= {"matrix": A, "target": y, "start": {"exponent": 1, "values": [1, 2]}, "outcome": "no solution", "normal": nu}
    if words:
        with pytest.raises(Rejected, match=words):
            check(node)
    else:
        assert "the loss is always at least 0.5" in check(node).text


def test_a_collapse_by_hand() -> None:
    """At the multiplier 1/4, K = e^(1/20) (e^(1/4) + e^(-1/2))/2 = 0.9938."""
    text = check(falling()).text
    assert "x(t) tends to 0" in text
    assert "|omega|^2 reaches 0.993" in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kappa": "1/2"}, "box is not certainly mapped into itself"),
        ({"kappa": 0}, "kappa > 0"),
        ({"kappa": 1.0}, "not a rational number"),
        ({"depth": 3}, "box is not certainly mapped|dual coordinate"),
        ({"depth": "3/2"}, "L >= 2"),
        ({"matrix": [[2]]}, "box is not certainly"),
        ({"matrix": [[1, 1]]}, "matrix needs 1 rows of 1 numbers"),
        ({"matrix": [[1], [1]]}, "matrix needs 1 rows of 1 numbers"),
        ({"target": ["999999/1000000"]}, "box is not certainly"),
        ({"target": []}, "at least 1"),
        ({"start": {"exponent": 2, "values": ["1/2"]}}, "box is not certainly"),
        ({"start": {"exponent": 0, "values": ["1/2"]}}, "not in the domain"),
        ({"start": {"exponent": 1, "values": ["2/3"]}}, "box is not certainly"),
        ({"start": {"exponent": 1, "values": [0]}}, "not in the domain"),
        ({"start": {"exponent": 1, "values": ["-1/2"]}}, "not in the domain"),
        ({"outcome": "collapse"}, "'loss' is not a reason for a collapse"),
        ({"outcome": "proved"}, "not one this kernel knows"),
        ({"bits": 8}, "at least 32"),
        ({"bits": "64"}, "at least 32"),
        ({"bits": 32}, "box is not certainly"),
        ({"support": []}, "support"),
        ({"support": [1]}, "some of the numbers below 1"),
        ({"support": [0, 0]}, "in order"),
        ({"support": [False]}, "list of numbers"),
        ({"rows": [1]}, "some of the numbers below 1"),
        ({"rows": []}, "rows"),
        ({"centre": ["3/5"]}, "box is not certainly"),
        ({"centre": ["3/4", 0]}, "2 multipliers are given for 1 rows"),
        ({"half_widths": [0]}, "positive half-widths"),
        ({"half_widths": ["-1/1000"]}, "positive half-widths"),
        ({"half_widths": ["1/10000000000000000000000"]}, "box is not certainly"),
        ({"half_widths": [1]}, "not certainly above 1|box is not certainly"),
        ({"limit": ["999/1000"]}, "coordinate 0 of the limit"),
        ({"limit": []}, "0 coordinates, and 1 are wanted"),
        ({"within": "1/10000000000000"}, "coordinate 0 of the limit"),
        ({"within": "-1"}, "coordinate 0 of the limit"),
        ({"rho": {"value": "7274957/10000000", "within": "1/1000000000"}}, "rho is"),
        ({"rho": {"value": "7274959/10000000", "within": "1/10000000"}}, "rho is"),
        ({"reason": {"by": "luck"}}, "not a reason against a collapse"),
        ({"reason": {"by": "one row", "multiplier": 1}}, "not well formed"),
        ({"reason": {"by": "pairs", "partner": [0]}}, "not opposite to each other"),
        ({"reason": {"by": "divergence", "solution": [2]}}, "A z = y does not hold"),
        ({"reason": {"by": "divergence", "solution": [-1]}}, "none of them negative"),
        ({"bias": {"solution": [1], "dual": ["1/2"], "excess": 1, "bound": None}}, "does not show that the solution is one of least norm"),
        ({"bias": {"solution": [2], "dual": [1], "excess": 1, "bound": None}}, "A z = y does not hold"),
        ({"bias": {"solution": [1], "dual": [2], "excess": 1, "bound": None}}, "does not show that the solution is one of least norm"),
        ({"bias": {"solution": [1], "dual": [1], "excess": "-1/1000000000", "bound": None}}, "does not certainly exceed"),
        ({"bias": {"solution": [1], "dual": [1], "excess": 1, "bound": "-1/1000000"}}, "the theorem allows"),
        ({"format": "polarflow.certificate/2"}, "format"),
        ({"rate": {"value": 8, "within": 0, "vector": [1]}}, "not certainly as large as claimed"),
        ({"rate": {"value": "79/10", "within": "1/20", "vector": [1]}}, "does not show that the rate in the end is as small"),
        ({"rate": {"value": 8, "within": "1/1000000000", "vector": [0]}}, "does not show that the rate in the end is as small"),
        ({"rate": {"value": 8, "within": "1/1000000000", "vector": [1, 0]}}, "the vector needs 1 numbers"),
        ({"trap": {"low": 1, "high": 2, "floors": ["1/10"], "rate": "1/1000"}}, "not certainly between the bounds"),
        ({"trap": {"low": "3/10", "high": 2, "floors": ["1/10"], "rate": "1/1000"}}, "not certainly between the bounds"),
        ({"trap": {"low": "1/5", "high": "17/10", "floors": ["1/10"], "rate": "1/1000"}}, "not certainly between the bounds"),
        ({"trap": {"low": "1/5", "high": 2, "floors": ["1/10", "1/10"], "rate": "1/1000"}}, "1 positive floors"),
        ({"trap": {"low": "1/5", "high": 2, "floors": [0], "rate": "1/1000"}}, "1 positive floors"),
        ({"trap": {"low": "1/5", "high": 2, "floors": ["9/10"], "rate": "1/1000"}}, "not certainly above its floor"),
        ({"trap": {"low": "1/5", "high": 2, "floors": ["1/10"], "rate": "33/1000"}}, "from the start on is not certainly as large"),
        ({"trap": {"low": "1/5", "high": 2, "floors": ["1/10"], "rate": 0}}, "from the start on is not certainly as large"),
        ({"reason": {"by": "plain"}}, "not a reason against a collapse"),
        ({"kappa": None}, "not a reason against a collapse"),
    ],
)
def test_one_number_changed(change: Json, words: str) -> None:
    with pytest.raises(Rejected, match=words):
        check(one(**change))


@pytest.mark.parametrize("name", sorted(set(one()) - {"format", "kind"}))
def test_nothing_may_be_missing(name: str) -> None:
    certificate = one()
    del certificate[name]
    with pytest.raises(Rejected, match="not well formed"):
        check(certificate)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"start": {"exponent": "1/2", "values": ["29/1000", "29/1000"]}}, "not certainly below 1"),
        ({"kappa": 2}, "not certainly below 1"),
        ({"target": [-1]}, "not certainly negative at the start"),
        ({"target": [0]}, "other than 0"),
        ({"matrix": [[2, -1]]}, "not certainly negative at the start"),
        ({"matrix": [[1, -2], [1, 1]], "target": [1, 1]}, "one row"),
        ({"reason": {"by": "one row", "multiplier": "1/100"}}, "not certainly below 1"),
        ({"reason": {"by": "one row", "multiplier": "-1/4"}}, "the multiplier is not positive"),
        ({"reason": {"by": "one row", "multiplier": 5}}, "not certainly below 1"),
        ({"reason": {"by": "comparison", "clock": "1/4"}}, "less than 1 is wanted"),
        ({"reason": {"by": "comparison", "clock": 0}}, "the clock is positive"),
        ({"reason": {"by": "divergence", "solution": "limit"}}, "not a reason for a collapse"),
    ],
)
def test_a_collapse_with_one_number_changed(change: Json, words: str) -> None:
    with pytest.raises(Rejected, match=words):
        check(falling(**change))


# ---- every number of certificates that were found --------------------------------------------------------------------------------------------


def places(node: Json, path: tuple[Json, ...] = ()) -> list[tuple[Json, ...]]:
    """Where numbers stand."""
    if isinstance(node, dict):
        return [place for key, value in node.items() if key not in {"format", "kind", "by", "outcome"} for place in places(value, (*path, key))]
    if isinstance(node, list):
        return [place for n, value in enumerate(node) for place in places(value, (*path, n))]
    return [] if node is None or node == "limit" else [path]


FOUND: dict[str, Callable[[], Json]] = {
    "inside": lambda: limit(polar([[1, 2, -1, 1], [2, -1, 1, 1]], [3, 2], kappa=1, L=2, start={"r": 1, "u": ["1/2"] * 4})).certificate,
    "face": lambda: limit(polar([[1, 0, 0], [0, 1, 1], [1, 1, 1]], [1, 0, 1], kappa=1, L=3, start={"r": 1, "u": ["2/3", "1/3", "2/3"]})).certificate,
    "bias": lambda: (
        limit(
            polar([[1, 2]], [2], kappa=3, L=2, start={"w": ["1/2", "1/3"]}),
            bias=([0, 1], ["1/2"]),
        ).certificate
    ),
}
# More bits and wider claims leave a certificate true: these numbers are changed the other way. So do columns outside the support, and other normal
# vectors, which have tests of their own.
WEAKER = {"within", "excess", "bound", "bits"}


@pytest.mark.parametrize("name", FOUND)
def test_no_number_of_a_certificate_may_be_changed(name: str) -> None:
    certificate = FOUND[name]()
    assert check(certificate).outcome == "proved"
    changed = 0
    for place in places(certificate):
        if place[0] == "normal" or (place[0] == "matrix" and place[2] not in certificate["support"]):
            continue
        mutant = copy.deepcopy(certificate)
        node = mutant
        for key in place[:-1]:
            node = node[key]
        before = Fraction(node[place[-1]])
        if isinstance(node[place[-1]], int):
            node[place[-1]] = int(before) + 1 if place[-1] != "bits" else 32
        elif WEAKER & set(map(str, place)) or "half_widths" in place:
            node[place[-1]] = str(-before)
        elif "vector" in place and len(node) == 1:
            continue  # a multiple of a vector shows the same
        else:
            node[place[-1]] = str(before + Fraction(-1 if place[-1] == "high" else 1, 1000))  # a higher upper bound is true, and weaker
        with pytest.raises(Rejected):
            check(mutant)
        changed += 1
    assert changed > 15


@pytest.mark.parametrize("nu", [[0, 0, 0], [0, -1, 0], [-1, 1, 0], [1, 1, 0], [0, 1], ["1/2", 1, 0]])
def test_a_vector_that_does_not_show_the_face(nu: Json) -> None:
    """z_2 + z_3 = 0 is shown by (0, 1, 0), but not by vectors that are 0 there, negative, or above 0 at the target."""
    certificate = FOUND["face"]()
    assert check({**certificate, "normal": [0, 1, 0]}).outcome == "proved"
    with pytest.raises(Rejected, match="normal vector"):
        check({**certificate, "normal": nu})


def test_a_support_that_is_too_small() -> None:
    """z = (2, 0) and z = (0, 1) both solve z_1 + 2 z_2 = 2: no vector shows that z_1 vanishes."""
    certificate = FOUND["bias"]()
    with pytest.raises(Rejected, match=r"normal vector|box is not certainly"):
        check({**certificate, "support": [1], "normal": ["1"]})


def test_no_rate_is_claimed_on_the_boundary() -> None:
    """Where the limit has a coordinate 0 the loss may fall slower than any exponential."""
    certificate = FOUND["face"]()
    assert certificate["rate"] is None
    for name, claim, words in (
        ("rate", {"value": "1/1000", "within": "1/1000", "vector": [1] * len(certificate["rows"])}, "the limit is on the boundary"),
        ("trap", {"low": "1/1000", "high": 9, "floors": ["1/1000"] * 3, "rate": "1/1000"}, "with a positive limit alone"),
    ):
        with pytest.raises(Rejected, match=words):
            check({**certificate, name: claim})


def test_rows_that_are_left_out_must_follow_from_the_others() -> None:
    certificate = {**FOUND["inside"](), "rate": None, "trap": None, "bias": None}  # these are of another loss
    twice = {**certificate, "matrix": [*certificate["matrix"], [3, 1, 0, 2]], "target": [*certificate["target"], 5]}
    assert check(twice).outcome == "proved"
    with pytest.raises(Rejected, match="a row that is left out"):
        check({**twice, "target": [*certificate["target"], 6]})
    with pytest.raises(Rejected, match="a row that is left out"):
        check({**twice, "matrix": [*certificate["matrix"], [3, 1, 0, 1]]})


# ---- the inequalities --------------------------------------------------------------------------------------------------------------------------

positive = st.fractions(Fraction(1, 8), 3, max_denominator=8)


@given(st.lists(positive, min_size=3, max_size=3), st.lists(positive, min_size=3, max_size=3), positive, st.sampled_from([2, Fraction(5, 2), 3, 4]))
def test_the_divergence_is_weighed_against_its_least_limit_at_0(z: list[Fraction], w: list[Fraction], kappa: Fraction, L: Any) -> None:
    """D(z, x) - D(z, x_0) for x -> 0 along the best direction, x^(2/L) ~ z^(2/L), has the sign that the kernel decides."""
    data = polar([z], [sum(v**2 for v in z)], kappa=kappa, L=L, start={"w": w})
    with workdps(30):
        small = [mpf(10) ** -25 * (mpf(v.numerator) / v.denominator) for v in z]
        begin = [(mpf(v.numerator) / v.denominator) ** (mpf(Fraction(L).numerator) / Fraction(L).denominator) for v in w]
        gap = bregman(data, z, small) - bregman(data, z, begin)
    node = {
        "kappa": str(kappa),
        "depth": str(L),
        "matrix": [list(map(str, z))],
        "target": [str(sum(v**2 for v in z))],
        "start": {"exponent": 1, "values": list(map(str, w))},
    }
    given_ = read_polar(node)
    with precision(80):
        start = leaf(given_)
        reason = {"by": "divergence", "solution": list(map(str, z))}
        if gap > mpf(10) ** -6:
            assert "starts below its limit at 0" in by_divergence(given_, start, reason, [])
        elif gap < -(mpf(10) ** -6):
            with pytest.raises(Rejected, match="not certainly below its limit at 0"):
                by_divergence(given_, start, reason, [])


@given(
    st.lists(positive, min_size=3, max_size=3),
    positive,
    st.sampled_from([2, Fraction(5, 2), 3, 4]),
    st.lists(st.integers(-8, 8), min_size=3, max_size=3),
)
def test_points_of_a_leaf_have_the_dual_coordinates_asked_for(w: list[Fraction], kappa: Fraction, L: Any, shift: list[int]) -> None:
    """Against mpmath: from x back to theta, and derivatives against difference quotients."""
    node = {"kappa": str(kappa), "depth": str(L), "matrix": [[1, 1, 1]], "target": [1], "start": {"exponent": 1, "values": list(map(str, w))}}
    with precision(500), workdps(50):
        start = leaf(read_polar(node))
        moved = [arb(fmpq(n, 100)) for n in shift]
        try:
            point = start.at(moved)
        except Rejected:
            return
        level, ratio = (mpf(Fraction(v).numerator) / Fraction(v).denominator for v in (L, kappa))

        def dual(x: list[mpf]) -> list[mpf]:
            R = mpmath.fsum(v ** (2 / level) for v in x)
            omega = [v ** (1 / level) / mpmath.sqrt(R) * mpmath.exp(ratio * R / 2) for v in x]
            return [2 * mpmath.log(o) if level == 2 else -(o ** (2 - level)) for o in omega]

        def plain(values: list[arb]) -> list[mpf]:
            return [mpf(v.mid().str(55, radius=False)) for v in values]

        first = dual([(mpf(v.numerator) / v.denominator) ** level for v in w])
        for a, b, n in zip(dual(plain(point.x)), first, shift, strict=True):
            assert abs(a - b - mpf(n) / 100) < mpf(10) ** -40 * (1 + abs(a))
        tiny = arb(fmpq(1, 10**60))
        for k in range(3):
            ahead = start.at([m + (tiny if n == k else 0) for n, m in enumerate(moved)])
            for n in range(3):
                slope = (ahead.x[n] - point.x[n]) / tiny
                wanted = point.rank_one * point.x[n] * point.x[k] + (point.diagonal[n] if n == k else 0)
                assert abs(float(slope.mid()) - float(wanted.mid())) < 1e-8 * (1 + abs(float(wanted.mid())))


def test_the_bound_on_the_bias() -> None:
    """Q = 2, z = (2, 0), x_0 = (1/4, 1/4): Q KL = 2 log 2 over kappa (Q - s_0) = 3/2 kappa; and for L = 3 from w = 1/2 by hand."""
    two = {"kappa": 1, "depth": 2, "matrix": [[1, 0]], "target": [2], "start": {"exponent": 1, "values": ["1/2", "1/2"]}}
    with precision(60):
        given_ = read_polar(two)
        assert abs(float(allowance(given_, leaf(given_), [fmpq(2), fmpq(0)])) - 2 * float(mpmath.log(2)) / 1.5) < 1e-12
        given_ = read_polar({**two, "depth": 3, "kappa": 2})
        wanted = 2 / mpmath.sqrt(2) * mpmath.exp(-(mpf(2) ** (mpf(2) / 3) - mpf(1) / 2))
        assert abs(float(allowance(given_, leaf(given_), [fmpq(2), fmpq(0)])) - float(wanted)) < 1e-12
        for wrong in (
            {**two, "depth": 3, "kappa": None},
            {**two, "start": {"exponent": 1, "values": [1, 1]}},
            {**two, "depth": 3, "start": {"exponent": 1, "values": [1, 2]}},
            {**two, "depth": 3},
        ):
            given_ = read_polar(wrong)
            with pytest.raises(Rejected, match="theorem on the bias"):
                allowance(given_, leaf(given_), [fmpq(2), fmpq(0)])


def test_the_precision_is_as_before() -> None:
    with precision(77):
        check_limit(one())
        with pytest.raises(Rejected):
            check_limit(one(within=0))
        assert arb(1).exp().rel_accuracy_bits() in range(70, 80)


def test_a_ball_around_zero_is_not_taken_for_zero() -> None:
    """A coordinate known only to be within 1 of 0 may make the divergence large: nothing is certain then."""
    given_ = read_polar({"kappa": 1, "depth": 2, "matrix": [[1, 1]], "target": [1], "start": {"exponent": "1/2", "values": ["1/2", "1/100"]}})
    with precision(64):
        start = leaf(given_)
        assert by_divergence(given_, start, {"solution": "limit"}, [arb(1), arb(0)])
        with pytest.raises(Rejected, match="not certainly below its limit at 0"):
            by_divergence(given_, start, {"solution": "limit"}, [arb(1), arb(0, 0.5)])


# ---- what decides whether r tends to 0 -------------------------------------------------------------------------------------------------------------


def opposite(**more: Json) -> Json:
    """x_1 - x_2 = 1/2 from x = (1, 1), where R stays above 2 by convexity."""
    found = limit(polar([[1, -1]], ["1/2"], kappa=1, L=2, start={"w": [1, 1]}))
    assert found.outcome == "converges"
    return json.loads(json.dumps(found.certificate)) | more


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ({"by": "pairs", "partner": [1, 0]}, ""),
        ({"by": "pairs", "partner": "10"}, "a list of the numbers of columns"),
        ({"by": "pairs", "partner": [True, 0]}, "a list of the numbers of columns"),
        ({"by": "pairs", "partner": [0, 0]}, "the column itself"),
        ({"by": "pairs", "partner": [2, 0]}, "the column itself"),
        ({"by": "pairs", "partner": [0, 1]}, "not opposite"),
        ({"by": "one row", "between": None}, ""),
        ({"by": "one row", "between": ["-1/100", "1/100"]}, ""),
        ({"by": "one row", "between": ["1", "-1"]}, "-1 is wanted"),
        ({"by": "one row", "between": ["1/2", "1"]}, "falling at the first multiplier and rising at the second"),
        ({"by": "one row", "between": ["-3", "3"]}, "not certainly above 1"),
        ({"by": "divergence", "solution": [0, 0]}, "A z = y does not hold"),
    ],
)
def test_reasons_for_one_row(reason: Json, words: str) -> None:
    given_ = opposite(reason=reason)
    if not words:
        assert check(given_).outcome == "proved"
        return
    with pytest.raises(Rejected, match=words):
        check(given_)


def test_one_row_that_points_down_at_the_start() -> None:
    """x_1 - 2 x_2 = 1 from (1, 1), L = 3: <a, x> = -1 there, and |omega|^2 is bounded below along the leaf."""
    found = limit(polar([[1, -2]], [1], kappa=1, L=3, start={"w": [1, 1]}))
    assert found.certificate is not None
    given_ = json.loads(json.dumps(found.certificate))
    assert "on the whole leaf" in check(given_ | {"reason": {"by": "one row", "between": ["1/25", "11/250"]}}).text
    with pytest.raises(Rejected, match="not certainly at least 0 at the start"):
        check(given_ | {"reason": {"by": "one row", "between": None}})


def test_no_divergence_from_zero() -> None:
    given_ = read_polar(one(matrix=[[1]], target=[0]))
    with precision(64), pytest.raises(Rejected, match="not certainly other than 0"):
        by_divergence(given_, leaf(given_), {"solution": [0]}, [])


def still(**more: Json) -> Json:
    """y = 0: the only solution is 0."""
    kept = {name: one()[name] for name in ("format", "kind", "kappa", "depth", "start", "bits")}
    return kept | {"matrix": [[1]], "target": [0], "outcome": "collapse", "reason": {"by": "no target", "normal": [1]}} | more


def test_no_target() -> None:
    for kappa in (1, None):
        assert "no z >= 0 but 0 has A z = 0" in check(still(kappa=kappa)).text
    for wrong in ({"target": [1]}, {"reason": {"by": "no target", "normal": [0]}}, {"reason": {"by": "no target", "normal": [1, 1]}}):
        with pytest.raises(Rejected, match="are wanted"):
            check(still(**wrong))
    with pytest.raises(Rejected, match="does not collapse unless y = 0"):
        check(still(kappa=None, reason={"by": "comparison", "clock": 1}))
    with pytest.raises(Rejected, match="does not collapse unless y = 0"):
        check(plain(outcome="either"))


@pytest.mark.parametrize("sign", ["", "-"])
def test_multipliers_beyond_all_bounds(sign: str) -> None:
    """exp of such numbers is neither bounded nor bounded away from 0."""
    with pytest.raises(Rejected, match=r"not bounded|not certainly"):
        check(plain(centre=[sign + "9" * 400]))


def test_work_beyond_all_bounds_is_refused_before_it_is_begun() -> None:
    with pytest.raises(Rejected, match="more than this kernel works with"):
        check(one(matrix=[["1"] * 100] * 400, target=[1] * 400, start={"exponent": 1, "values": [1] * 100}, bits=100_000))


def test_dependent_rows_and_bounds_that_do_not_fit() -> None:
    """The kernel's least squares of a row that is left out needs rows that span it."""
    twice = polar([[1, 2], [2, 4]], [1, 2], kappa=1, L=2, start={"w": ["1/4", "1/4"]})
    found = limit(twice)
    assert found.certificate is not None
    given_ = json.loads(json.dumps(found.certificate))
    assert check(given_).outcome == "proved"
    with pytest.raises(Rejected):
        check(given_ | {"rows": [0, 1], "centre": given_["centre"] * 2, "half_widths": given_["half_widths"] * 2})
    for name, wrong in (("rate", {"vector": [1, 1]}), ("trap", {"floors": ["1/10"]}), ("trap", {"low": "-1"}), ("trap", {"rate": "-1"})):
        with pytest.raises(Rejected):
            check(given_ | {name: given_[name] | wrong})


def test_a_residual_needs_rows_that_span_it() -> None:
    given_ = read_polar(one(matrix=[[1, 2], [2, 4], [0, 1]], target=[1, 2, 0], start={"exponent": 1, "values": [1, 1]}))
    assert residuals(given_, [0, 2])[0, 0] == 5  # e_0^2 + (2 e_0)^2
    for rows, words in (([0, 1], "are dependent"), ([0], "not a combination")):
        with pytest.raises(Rejected, match=words):
            residuals(given_, rows)
