"""The kernel on trajectories that come to rest: by hand where rate and limit are known, against NumPy, and certificates with one number changed."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy as sp
from flint import arb, arb_mat, fmpq
from hypothesis import given
from hypothesis import strategies as st

from numerics import Problem, problem
from proofs_check.enclosing import enclose
from proofs_check.kernel import FORMAT, check
from proofs_check.kernel.language import Rejected, read_statement
from proofs_check.kernel.settle import not_positive, read_end, read_residual, rest
from proofs_check.settling import settle
from theory.dynamics import vector_field
from theory.papers.chou_rauhut_ward import least_squares
from theory.settings import Definition, Setting, Space, family
from theory.symbols import Sign, Variable, index, size, total

Json = Any
N, M = size("N"), size("M")
i, k = index("i"), index("k")
P, D, y = Variable("P", (M, N)), Variable("D", (N, M)), Variable("y", (M,))
t = Variable("t", (), "time")


# ---- q_i' = sum_k D_ik s(e_k, q_i) along e = P g(q) - y -------------------------------------------------------------------------------------------


def linear(
    rows: Sequence[Sequence[Any]],
    drift: Sequence[Sequence[Any]],
    start: Sequence[Any],
    *,
    target: Sequence[Any] | None = None,
    curve: Callable[[Any], Any] = lambda q: q,
    speed: Callable[[Any, Any], Any] = lambda e, q: e,
    sign: Sign = "real",
    time: bool = False,
) -> Problem:
    q = Variable("q", (N,), "parameter", sign)
    e = Definition("e", family(total(P[k, i] * curve(q[i]), (i, N)) - y[k], (k, M)))
    right = total(D[i, k] * speed(e[k], q[i]), (k, M))
    setting = Setting((q, P, D, y, *([t] if time else [])), (e,))
    told = vector_field(setting, Space((q,)), {"q": family(right, (i, N))})
    return problem(told, data={"P": rows, "D": drift, "y": target or [0] * len(rows)}, start={"q": start}, times=(0, 1))


def resting(posed: Problem, *, until: Any = 1, limit: Sequence[Any], rate: Any, ratio: Any, radius: Any, within: Any, **more: Json) -> Json:
    found = enclose(posed, until=until, digits=15)
    assert not found.reason
    told = {"rate": rate, "ratio": ratio, "radius": radius, "within": within}
    begin = {"format": FORMAT, "kind": "settle", "enclosure": json.loads(json.dumps(found.certificate)), "residual": "e", "frame": None}
    return begin | {key: str(value) for key, value in told.items()} | {"limit": {"q": list(map(str, limit))}} | more


@pytest.fixture(scope="module")
def falling() -> Json:
    """q' = -q from 1, e = q: at t = 1 it is 0.3679 from its limit."""
    return resting(linear([[1]], [[-1]], [1]), limit=[0], rate="999999/1000000", ratio="1000001/1000000", radius="3679/10000", within="73577/100000")


def test_one_line(falling: Json) -> None:
    accepted = check(falling)
    assert accepted.outcome == "proved"
    assert "converges to a point within 0.73577 of the one given, where e = 0; from T = 1 on |e| <= 0.36788 exp(-0.999999 (t - T))" in accepted.text


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"rate": "1000001/1000000"}, "decay at the rate"),
        ({"ratio": "999999/1000000"}, "bounded by the decay"),
        ({"radius": "3678/10000"}, "may leave the ball"),
        ({"within": "735/1000"}, "only known to be within"),
        ({"limit": {"q": ["1/1000"]}, "within": "7357/10000"}, None),
        ({"limit": {"q": ["-1/1000"]}}, "only known to be within"),
        ({"limit": {"q": ["0", "0"]}}, "does not have its shape"),
        ({"limit": {}}, "every entry of the parameters"),
        ({"limit": {"q": ["0"], "y": ["0"]}}, "for nothing else"),
        ({"rate": 0}, "not positive"),
        ({"rate": "-1"}, "not positive"),
        ({"ratio": 0}, "not positive"),
        ({"radius": -1}, "not positive"),
        ({"within": 0}, "not positive"),
        ({"residual": "f"}, "no definition"),
        ({"residual": "q"}, "no definition"),
        ({"residual": None}, None),
        ({"residual": "the velocity"}, "no definition"),
        ({"enclosure": {}}, "not well formed"),
        ({"enclosure": {"kind": "limit"}}, "by an enclosure"),
    ],
)
def test_one_change(falling: Json, more: Json, match: str | None) -> None:
    if match is None:
        assert check(falling | more).outcome == "proved"
    else:
        with pytest.raises(Rejected, match=match):
            check(falling | more)


def test_the_enclosure_is_checked(falling: Json) -> None:
    enclosure = copy.deepcopy(falling["enclosure"])
    enclosure["steps"][-1]["out"] = "1/100000000000000000000000000000000"
    with pytest.raises(Rejected, match="step"):
        check(falling | {"enclosure": enclosure})


def test_a_flow_that_is_no_gradient_flow() -> None:
    """A rotation with friction: sym H = I and B^T B = 26 I."""
    posed = linear([[1, 0], [0, 1]], [[-1, 5], [-5, -1]], [1, 0])
    told: Json = {"limit": [0, 0], "rate": "99/100", "radius": 3, "within": 4}
    assert check(resting(posed, ratio="2601/100", **told)).outcome == "proved"
    with pytest.raises(Rejected, match="bounded by the decay"):
        check(resting(posed, ratio="2599/100", **told))


def sheared() -> Problem:
    """q' = -q + 10 p, p' = -p: the symmetric part of the matrix has the eigenvalues -6 and 4."""
    return linear([[1, 0], [0, 1]], [[-1, 10], [0, -1]], [1, "1/10"])


def test_in_another_norm_what_is_not_normal_falls_too() -> None:
    """|e|_L with L = (1, 0; 0, 20), where the symmetric part has the eigenvalues -3/4 and -5/4; |e| <= sqrt(1 + 1/400) |e|_L."""
    told: Json = {"limit": [0, 0], "ratio": 2, "radius": 5, "within": 9}
    with pytest.raises(Rejected, match="decay at the rate"):
        check(resting(sheared(), rate="1/100", **told))
    framed = {"frame": [[1, 0], [0, "20"]]}
    text = check(resting(sheared(), rate="74/100", **told) | framed).text
    size = np.hypot(2, 2) * np.exp(-1)  # of (q, 20 p) at t = 1, where q = 2/e and p = 1/(10 e)
    assert float(text.partition("|e| <= ")[2].split()[0]) == pytest.approx(size * np.sqrt(1 + 1 / 400), rel=1e-4)
    assert float(text.partition("at most ")[2].split()[0]) == pytest.approx(size * np.sqrt(2 / 0.74), rel=1e-4)
    with pytest.raises(Rejected, match="decay at the rate"):
        check(resting(sheared(), rate="76/100", **told) | framed)
    with pytest.raises(Rejected, match="may leave the ball"):
        check(resting(sheared(), rate="74/100", **told | {"radius": "3/2"}) | framed)


@pytest.mark.parametrize(
    ("frame", "match"),
    [
        ([[0, 0], [0, 0]], "invertible"),
        ([[1, 2], [2, 4]], "invertible"),
        ([[1, 0]], "2 rows and columns"),
        ([[1, 0], [0, 1], [0, 0]], "2 rows and columns"),
        ([[1], [1]], "2 rows and columns"),
        ([], "2 rows and columns"),
        ([["nan", 0], [0, 1]], "not a rational"),
        (7, "not well formed"),
    ],
)
def test_what_is_no_frame_is_refused(frame: Json, match: str) -> None:
    """A singular L measures no residual, and would not see it grow."""
    posed = linear([[1, 0], [0, 1]], [[-1, 0], [0, -1]], [1, 1])
    told = resting(posed, limit=[0, 0], rate="9/10", ratio="11/10", radius=2, within=3)
    assert check(told | {"frame": [[3, 0], [0, 3]], "ratio": "11/90"}).outcome == "proved"
    with pytest.raises(Rejected, match=match):
        check(told | {"frame": frame, "ratio": "11/90"})


def test_a_frame_that_hides_what_grows_is_refused() -> None:
    """e = (q, p) with q' = -q, p' = p: no L makes p fall."""
    posed = linear([[1, 0], [0, 1]], [[-1, 0], [0, 1]], [1, "1/1000"])
    for small in ("0", "1/1000000000000", "1/10000000000000000000000000000000000000000"):
        with pytest.raises(Rejected):
            check(resting(posed, limit=[0, 0], rate="9/10", ratio="11/10", radius=2, within=3) | {"frame": [[1, 0], [0, small]]})


def test_a_frame_of_entries_that_depend_on_each_other() -> None:
    """e = (q, 2 q) = T q: with L = 1, |e|_L = |q| and |e| = sqrt(5) |q|."""
    posed = linear([[1], [2]], [[-1, -2]], [1])
    told = resting(posed, limit=[0], rate="4999/1000", ratio="5001/1000", radius="1/10", within="1/10") | {"frame": [[1]]}
    text = check(told).text
    assert float(text.partition("|e| <= ")[2].split()[0]) == pytest.approx(np.sqrt(5) * np.exp(-5), rel=1e-4)


def test_a_residual_that_does_not_fall() -> None:
    """q' = q."""
    with pytest.raises(Rejected, match="decay at the rate"):
        check(resting(linear([[1]], [[1]], [1]), limit=[0], rate="1/1000", ratio=10**6, radius=10**6, within=10**7))


def test_powers_of_time_are_refused() -> None:
    """q' = -q^3 tends to 0 like t^(-1/2)."""
    posed = linear([[1]], [[-1]], ["1/2"], speed=lambda e, q: e**3)
    with pytest.raises(Rejected, match="decay at the rate"):
        check(resting(posed, limit=[0], rate="1/1000", ratio=10, radius=2, within=3))


def test_a_ball_that_holds_another_rest_point_is_refused() -> None:
    """q' = -(q - q^2): 0 attracts and 1 repels; near 1/2 nothing is pulled."""
    posed = linear([[1]], [[-1]], ["1/4"], curve=lambda q: q - q**2)
    told: Json = {"limit": [0], "within": 1}
    assert check(resting(posed, until=2, rate="1/2", ratio=4, radius="1/6", **told)).outcome == "proved"
    with pytest.raises(Rejected, match="decay at the rate"):
        check(resting(posed, until=2, rate="1/2", ratio=4, radius="1/2", **told))


def test_entries_that_depend_on_each_other() -> None:
    """e = (q, 2 q), q' = -e_0 - 2 e_1 = -5 q; and |e|^2 = 5 q^2."""
    posed = linear([[1], [2]], [[-1, -2]], [1])
    told: Json = {"limit": [0], "ratio": "5001/1000", "radius": "1/10", "within": "1/10"}
    assert "|e| <= 0.015" in check(resting(posed, rate="4999/1000", **told)).text
    with pytest.raises(Rejected, match="decay at the rate"):
        check(resting(posed, rate="5001/1000", **told))
    with pytest.raises(Rejected, match="bounded by the decay"):
        check(resting(posed, rate="4999/1000", **told | {"ratio": "999/1000"}))


def test_a_residual_of_too_many_entries_is_refused(falling: Json) -> None:
    """e_kj = q for 0 <= k < 25 and 0 <= j < 21, 525 of them; 500 are looked at."""

    def told(width: int) -> Json:
        many = copy.deepcopy(falling)
        statement = many["enclosure"]["statement"]
        size = statement["symbols"]["q"]["shape"][0]
        statement["definitions"].append({"name": "many", "indices": [["k", 25], ["j", width]], "value": ["sum", "n", size, ["at", "q", "n"]]})
        return many | {"residual": "many", "radius": "1/2", "within": 1}

    with pytest.raises(Rejected, match="many has more than 500 entries"):
        check(told(21))
    with pytest.raises(Rejected, match="bounded by the decay"):  # |q'|^2 = |e|^2/500
        check(told(20) | {"ratio": "1/501"})
    assert check(told(20) | {"ratio": "1/499"}).outcome == "proved"


def test_entries_that_cannot_vanish_together() -> None:
    posed = linear([[1], [2]], [[-1, -2]], [1], target=[0, 1])
    with pytest.raises(Rejected, match="does not vanish anywhere"):
        check(resting(posed, limit=["2/5"], rate=1, ratio=1, radius=1, within=1))


def test_a_flow_that_goes_on_without_its_residual() -> None:
    posed = linear([[1]], [[-1]], ["1/3"], target=[1], speed=lambda e, q: e + q)
    with pytest.raises(Rejected, match="certain to vanish with e"):
        check(resting(posed, limit=[0], rate=1, ratio=1, radius=1, within=1))


@pytest.mark.parametrize(
    ("drift", "rate", "proved"), [([[-1, 3], [0, -2]], "1/2", True), ([[-1, 3], [0, -2]], "1", False), ([[-1, 0], [0, 1]], "1/2", False)]
)
def test_the_velocity_is_a_residual(drift: Any, rate: str, proved: bool) -> None:
    """q' = D q, -sym D = (1, -3/2; -3/2, 2) in the usual norm; a frame (1, 0; 0, 4) makes it (1, -3/8; -3/8, 2), with 7/8 the least eigenvalue."""
    posed = linear([[1, 0], [0, 1]], drift, [1, "1/100"])
    told = resting(posed, limit=[0, 0], rate=rate, ratio=2, radius=3, within=4) | {"residual": None, "frame": [[1, 0], [0, 4]]}
    if proved:
        assert "where the velocity = 0; from T = 1 on |the velocity| <= " in check(told).text
    else:
        with pytest.raises(Rejected, match="decay at the rate"):
            check(told)


def test_a_velocity_that_cannot_vanish() -> None:
    posed = linear([[1]], [[-1]], [1], speed=lambda e, q: 1 + 0 * e)
    with pytest.raises(Rejected, match="the velocity does not vanish anywhere"):
        check(resting(posed, limit=[0], rate=1, ratio=1, radius=1, within=1) | {"residual": None})


def test_a_flow_that_depends_on_the_time() -> None:
    posed = linear([[1]], [[-1]], [1], speed=lambda e, q: e * (1 + t[()] ** 2), time=True)
    with pytest.raises(Rejected, match="depends on the time"):
        check(resting(posed, limit=[0], rate="1/2", ratio=10, radius=1, within=2))


@pytest.mark.parametrize(
    ("sign", "radius", "fits"), [("positive", "1/2", True), ("positive", "11/10", False), ("nonzero", "11/10", False), ("real", "11/10", True)]
)
def test_the_ball_keeps_its_signs(sign: Sign, radius: str, fits: bool) -> None:
    """q' = 1 - q."""
    told = resting(linear([[1]], [[-1]], ["3/2"], target=[1], sign=sign), until=2, limit=[1], rate="99/100", ratio="101/100", radius=radius, within=1)
    if fits:
        assert check(told).outcome == "proved"
    else:
        with pytest.raises(Rejected, match=f"declared {sign}"):
            check(told)


def test_what_the_flow_is_written_with_is_defined_on_the_ball() -> None:
    """(q - 1) times a root of q - 3/4."""
    posed = linear([[1]], [[-1]], ["5/4"], target=[1], speed=lambda e, q: e * sp.sqrt(q - sp.Rational(3, 4)))
    told: Json = {"until": 8, "limit": [1], "rate": "1/4", "ratio": 2, "within": 1}
    assert check(resting(posed, radius="1/10", **told)).outcome == "proved"
    with pytest.raises(Rejected, match="root"):
        check(resting(posed, radius="3/10", **told))


def test_what_the_velocities_do_not_need_is_defined_on_the_ball() -> None:
    """q' = 1 - q + z log(q - 3/4) with z = 0."""
    q, z = Variable("q", (), "parameter"), Variable("z", ())
    e = Definition("e", family(q[()] - 1))
    setting = vector_field(Setting((q, z), (e,)), Space((q,)), {"q": family(-e[()] + z[()] * sp.log(q[()] - sp.Rational(3, 4)))})
    posed = problem(setting, data={"z": 0}, start={"q": "9/8"}, times=(0, 1))
    found = enclose(posed, until=1, digits=15)
    told = {"enclosure": json.loads(json.dumps(found.certificate)), "residual": "e", "frame": None, "limit": {"q": "1"}, "within": "1"}
    told |= {"format": FORMAT, "kind": "settle", "rate": "99/100", "ratio": "101/100"}
    assert check(told | {"radius": "1/10"}).outcome == "proved"
    with pytest.raises(Rejected, match="log"):
        check(told | {"radius": "3/10"})


def test_what_an_entry_that_is_0_multiplies_is_defined_on_the_ball() -> None:
    """e = (q^2 - 1, q^2 - q^2), and q' = -e_0 - e_1 log(q - 3/4): the logarithm is no part of v, and one of the flow."""
    q, ones = Variable("q", (), "parameter"), Variable("ones", (N,))
    e = Definition("e", family(total(P[k, i] * ones[i] * q[()] ** 2, (i, N)) - y[k], (k, M)))
    right = -e[0] - e[1] * sp.log(q[()] - sp.Rational(3, 4))
    setting = vector_field(Setting((q, ones, P, y), (e,)), Space((q,)), {"q": family(right)})
    posed = problem(setting, data={"P": [[1, 0], [1, -1]], "ones": [1, 1], "y": [1, 0]}, start={"q": "9/8"}, times=(0, 1))
    found = enclose(posed, until=1, digits=15)
    told = {"enclosure": json.loads(json.dumps(found.certificate)), "residual": "e", "frame": None, "limit": {"q": "1"}, "within": "1"}
    told |= {"format": FORMAT, "kind": "settle", "rate": "1", "ratio": "4"}
    assert check(told | {"radius": "1/10"}).outcome == "proved"
    with pytest.raises(Rejected, match="log"):
        check(told | {"radius": "3/10"})


def test_the_mean_of_the_derivative() -> None:
    """q' = -e^3 with e = q: B = -e^2, and not the derivative -3 e^2."""
    found = enclose(linear([[1]], [[-1]], ["1/2"], speed=lambda e, q: e**3), until=1, digits=15)
    end = read_end(read_statement(found.certificate["statement"]), found.certificate)
    residual = read_residual(end.begin.motion, "e")
    where = rest(end, residual, fmpq(0))
    assert where.pulling(residual.relation)[0, 0].contains(end.point[0] ** 2)


@pytest.mark.parametrize("wide", [{"radius": "1/10"}, {"radii": {"q": "1/10"}}], ids=["distance", "intervals"])
def test_the_width_of_the_end_counts(wide: Json) -> None:
    """From 1 within 1/10, q' = -q: at t = 1 within d = 0.037 of 0.368, so that R > d + (0.368 + d) = 0.441 is wanted."""
    told: Json = {
        "limit": {"q": ["0"]},
        "rate": "999/1000",
        "ratio": "1001/1000",
        "within": "9/10",
        "residual": "e",
        "frame": None,
        "format": FORMAT,
        "kind": "settle",
    }
    found = enclose(linear([[1]], [[-1]], [1]), until=1, digits=15, **wide)
    told["enclosure"] = json.loads(json.dumps(found.certificate))
    accepted = check(told | {"radius": "9/20"})
    assert "every start, with all constants, within the radii given" in accepted.text
    with pytest.raises(Rejected, match="may leave the ball"):
        check(told | {"radius": "43/100"})


def test_the_width_of_constants_counts() -> None:
    """q' = y - q with y within 1/10 of 0: d = 0.063 at t = 1, where |q - y| may be 0.368 + d + 1/10, so that R > 0.594 is wanted."""
    told = resting(linear([[1]], [[-1]], [1]), limit=[0], rate="99/100", ratio="101/100", radius="61/100", within=1)
    found = enclose(linear([[1]], [[-1]], [1]), until=1, digits=15, radii={"y": "1/10"})
    told["enclosure"] = json.loads(json.dumps(found.certificate))
    assert "with all constants" in check(told).text
    with pytest.raises(Rejected, match="may leave the ball"):
        check(told | {"radius": "58/100"})


def test_weights_measure_distances() -> None:
    told = resting(linear([[1]], [[-1]], [1]), limit=[0], rate="9/10", ratio="401/100", radius="75/100", within="148/100")
    for step in told["enclosure"]["steps"]:
        step |= {key: str(2 * Fraction(step[key])) for key in ("tube", "out")}
    heavy = told | {"enclosure": told["enclosure"] | {"weights": {"q": 2}}}
    assert check(heavy | {"radius": "78/100", "within": "76/100"}).outcome == "proved"  # 0.776/2 + 0.368
    with pytest.raises(Rejected, match=r"only known to be within 0\.756"):
        check(heavy | {"radius": "78/100", "within": "75/100"})
    with pytest.raises(Rejected, match="may leave the ball"):
        check(heavy)
    with pytest.raises(Rejected, match="bounded by the decay"):
        check(heavy | {"ratio": "399/100"})


def test_small_weights_do_not_make_distances_small() -> None:
    """What is said of the limit is said in the Euclidean norm, whatever the weights: q is 0.368 away from 0 at t = 1."""
    told = resting(linear([[1]], [[-1]], [1]), limit=["3679/10000"], rate="99/100", ratio="101/100", radius=1, within="37/100")
    light = told | {"enclosure": told["enclosure"] | {"weights": {"q": "1/1000"}}, "ratio": "101/100000000", "radius": "1/1000"}
    assert "the distance to the limit is at most 0.37" in check(light | {"within": "38/100"}).text
    with pytest.raises(Rejected, match=r"only known to be within 0\.37"):
        check(light | {"within": "36/100"})


def test_weights_measure_the_ball() -> None:
    """A radius of 7/10 reaches 7/20 from 1 with the weight 2: there log(q + 1/2) is positive, as it is not 7/5 from 1, and q is declared to be."""
    posed = linear([[1]], [[-1]], ["5/4"], target=[1], sign="positive", speed=lambda e, q: e * sp.log(q + sp.Rational(1, 2)))
    told = resting(posed, until=12, limit=[1], rate="1/20", ratio=20, radius="21/20", within=2)
    for step in told["enclosure"]["steps"]:
        step |= {key: str(2 * Fraction(step[key])) for key in ("tube", "out")}
    with pytest.raises(Rejected, match="declared positive"):
        check(told)
    heavy = told | {"enclosure": told["enclosure"] | {"weights": {"q": 2}}}
    assert check(heavy | {"radius": "7/10"}).outcome == "proved"
    with pytest.raises(Rejected, match="decay at the rate"):
        check(heavy)


# ---- matrices -----------------------------------------------------------------------------------------------------------------------------------

ENTRIES = st.fractions(min_value=-3, max_value=3, max_denominator=20)


@given(
    st.integers(1, 5).flatmap(lambda n: st.lists(ENTRIES, min_size=n * (n + 1) // 2, max_size=n * (n + 1) // 2)), st.sampled_from([0, 1e-9, 0.01, 1])
)
def test_nothing_positive_passes(lower: list[Fraction], wide: float) -> None:
    """With largest eigenvalue a, and entries known within w: S - b I is refused if b < a + w, and accepted if b > a + n w."""
    n = int((np.sqrt(8 * len(lower) + 1) - 1) / 2)
    matrix = np.zeros((n, n))
    matrix[np.tril_indices(n)] = [float(c) for c in lower]
    matrix = matrix + np.tril(matrix, -1).T
    largest = float(np.linalg.eigvalsh(matrix)[-1])

    def refused(room: float) -> bool:
        shifted = matrix - (largest + room) * np.eye(n)
        try:
            not_positive(arb_mat(n, n, [arb(float(c), wide) for c in shifted.ravel()]), "no")
        except Rejected:
            return True
        return False

    assert refused(-1e-9)
    assert refused(0.9 * wide)  # the balls hold a matrix with a diagonal that much larger
    assert not refused(1.01 * n * wide + 1e-6)


def test_the_remainder_of_the_factorisation_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofs_check.kernel.settle.excess", lambda matrix, slope: arb(1))
    with pytest.raises(Rejected):
        not_positive(arb_mat(1, 1, [arb(-1)]), "no")


@pytest.mark.parametrize("bad", [arb("nan"), arb(0, float("inf"))])
def test_what_is_no_number_passes_nothing(bad: arb) -> None:
    for place in range(4):
        with pytest.raises(Rejected):
            not_positive(arb_mat(2, 2, [bad if n == place else arb(-1 if n in (0, 3) else 0) for n in range(4)]), "no")


def polar(depth: int) -> Problem:
    data = {"L": depth, "eta_r": 2, "kappa": "3/4", "A": [[1, 2, -1], [2, -1, 1]], "y": [1, 2]}
    return problem(least_squares(), data=data, start={"r": "5/4", "u": ["1/3", "2/3", "2/3"]}, times=(0, 1))


@pytest.mark.parametrize("depth", [2, 3])
def test_the_kernel_of_the_polar_flow(depth: int) -> None:
    """sym H holds L^2 A D (eta_r u u^T + eta_u r^2 P) D A^T, and B^T B the same with the squares of the rates, everywhere on the ball."""
    posed, radius = polar(depth), Fraction(1, 10000)
    found = enclose(posed, until="1/8", digits=10)
    end = read_end(read_statement(found.certificate["statement"]), found.certificate)
    residual = read_residual(end.begin.motion, "nu")
    where = rest(end, residual, fmpq(1, 10000))
    centre = np.array([float(q) for q in end.point])
    A, rng = np.array([[1, 2, -1], [2, -1, 1]], dtype=float), np.random.default_rng(0)
    rates = 2.0, 1.5
    for n in range(6):
        step = rng.standard_normal(4)
        state = centre + (0 if n == 0 else float(radius)) * step / np.linalg.norm(step)
        r, u = state[0], state[1:]
        scaled = A @ np.diag((r * u) ** (depth - 1)) * depth
        project = np.eye(3) - np.outer(u, u)
        slope = np.column_stack([A @ u**depth * depth * r ** (depth - 1), scaled @ np.eye(3) * r])
        back = -np.vstack([rates[0] * slope[:, :1].T, rates[1] * project @ slope[:, 1:].T])
        product = -slope @ back
        for matrix, wanted in ((where.pulling(residual.relation), (product + product.T) / 2), (where.moving, back.T @ back)):
            for row, line in zip(matrix.tolist(), wanted, strict=True):
                for ball, value in zip(row, line, strict=True):
                    assert ball.overlaps(arb(float(value), 1e-9))
                    assert ball.rad() < 0.5
    u = centre[1:]
    on = A @ np.diag((centre[0] * u) ** (depth - 1)) * depth
    printed = on @ (rates[0] * np.outer(u, u) + rates[1] * centre[0] ** 2 * (np.eye(3) - np.outer(u, u))) @ on.T
    assert np.allclose([[float(c) for c in row] for row in where.pulling(residual.relation).tolist()], printed, atol=0.5)


# ---- every number of a certificate ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def told() -> Json:
    data = {"A": [["1/2", -1]], "y": ["1/3"], "kappa": "3/2", "L": 2, "eta_r": 1}
    posed = problem(least_squares(), data=data, start={"r": 1, "u": ["4/5", "3/5"]}, times=(0, 1))
    found = settle(posed, digits=5, until=5)
    assert found.state == "settles", found.text
    return json.loads(json.dumps(found.certificate))


def numbers(node: Json, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all numbers in a tree of JSON."""
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from numbers(value, (*path, key))
    elif isinstance(node, int) or (isinstance(node, str) and node.lstrip("-")[:1].isdigit()):
        yield path


def changed(node: Json, path: tuple[Any, ...], change: Callable[[Fraction], Fraction]) -> Json:
    node = copy.deepcopy(node)
    inner = node
    for key in path[:-1]:
        inner = inner[key]
    value = change(Fraction(inner[path[-1]]))
    inner[path[-1]] = int(value) if value.denominator == 1 else str(value)
    return node


def test_every_number_of_the_end_counts(told: Json) -> None:
    tightened: dict[str, Callable[[Fraction], Fraction]] = {
        "rate": lambda q: q * Fraction(101, 100),
        "ratio": lambda q: q * Fraction(99, 100),
        "radius": lambda q: q / 3,
        "limit": lambda q: q + Fraction(1, 1000),
        "within": lambda q: q / 3,
    }
    tried = set()
    for path in numbers({key: value for key, value in told.items() if key not in ("enclosure", "format")}):
        tried.add(path[0])
        with pytest.raises(Rejected):
            check(changed(told, path, tightened[path[0]]))
    assert tried == set(tightened)


def test_what_is_loosened_says_less(told: Json) -> None:
    """A smaller rate, a larger ratio or distance."""
    for factors in ({}, {"rate": Fraction(19, 20)}, {"ratio": Fraction(21, 20)}):
        weaker = {key: Fraction(told[key]) * factor for key, factor in ({"within": Fraction(3, 2)} | factors).items()}
        text = check(told | {key: str(value) for key, value in weaker.items()}).text
        said = [float(text.partition(before)[2].split()[0]) for before in ("to a point within ", "exp(-")]
        assert said == pytest.approx([float(weaker["within"]), float(weaker.get("rate", Fraction(told["rate"])))], rel=1e-4)


def test_numbers_of_the_problem_count(told: Json) -> None:
    """Another flow, other data, another start."""
    tried = 0
    for key in ("statement", "values", "start"):
        for path in numbers(told["enclosure"][key]):
            if path[0] == "claim" or (path[0] == "definitions" and told["enclosure"]["statement"]["definitions"][path[1]]["name"] == "F"):
                continue  # what the loss is worth moves nothing
            tried += 1
            with pytest.raises(Rejected):
                check(told | {"enclosure": told["enclosure"] | {key: changed(told["enclosure"][key], path, lambda q: q + 1)}})
    assert tried >= 10


def test_a_shorter_enclosure_ends_elsewhere(told: Json) -> None:
    """Without its last steps the enclosure is still one; the limit is too far from where it ends."""
    with pytest.raises(Rejected):
        check(told | {"enclosure": told["enclosure"] | {"steps": told["enclosure"]["steps"][:-3]}})


def test_another_residual_does_not_do(told: Json) -> None:
    """G = A^T nu has two entries that depend on each other: true as well, with numbers of its own. The prediction x does not vanish."""
    with pytest.raises(Rejected):
        check(told | {"residual": "G"})
    with pytest.raises(Rejected, match="certain to vanish with x"):
        check(told | {"residual": "x"})
