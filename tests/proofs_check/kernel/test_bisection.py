"""Boxes cut into cells: where they come from, what is decided on them, and certificates that leave something out."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from flint import arb, arb_mat, fmpq

from proofs_check.kernel import FORMAT, Rejected, check
from proofs_check.kernel.bisection import MOST_CELLS, Balls, gaps, halves
from proofs_check.kernel.language import read_statement
from proofs_check.kernel.points import residual_at

Json = Any


def condition(name: str, value: Json) -> Json:
    return {"name": name, "indices": [], "value": value}


BETWEEN = [condition("above", ["+", "x", ["*", -1, ["/", 1, 2]]]), condition("below", ["+", 2, ["*", -1, "x"]])]  # 1/2 <= x <= 2


def stated(left: Json, right: Json, *, strict: bool = True, definitions: Json = BETWEEN, sign: str = "real", hypotheses: Json = ()) -> Json:
    where = [definition["name"] for definition in definitions]
    claim = {"kind": "at-most", "indices": [], "left": left, "right": right, "strict": strict, "where": where}
    symbols = {"x": {"role": "constant", "shape": [], "sign": sign}, "y": {"role": "constant", "shape": [], "sign": "nonnegative"}}
    return {"sizes": [], "symbols": symbols, "definitions": list(definitions), "hypotheses": list(hypotheses), "flow": None, "claim": claim}


def certified(splits: list[Json], statement: Json, x: str = "1") -> Json:
    point = {"sizes": {}, "values": {"x": x, "y": 0}, "bits": 64}
    instance = {"sizes": {}, "values": {}}
    return {"format": FORMAT, "kind": "bisection", "statement": statement, "instance": instance, "bits": 64, "splits": [splits], "point": point}


SQUARE = stated(["*", 2, "x"], ["+", ["^", "x", 2], ["/", 11, 10]])  # (x - 1)^2 + 1/10 > 0
ROOT = stated(["log", "x"], ["+", "x", ["/", -9, 10]])


def test_a_box_is_read_from_conditions_and_signs() -> None:
    (gap,) = gaps(read_statement(SQUARE), {"sizes": {}, "values": {}})
    assert gap.whole == ((fmpq(1, 2), fmpq(2)),)
    twice = [condition("c", ["+", 6, ["*", -4, "x"]]), *BETWEEN]
    (gap,) = gaps(read_statement(stated("x", 7, definitions=twice, sign="positive")), {"sizes": {}, "values": {}})
    assert gap.whole == ((fmpq(1, 2), fmpq(3, 2)),)
    with pytest.raises(Rejected, match="y is not bounded"):
        gaps(read_statement(stated("y", 7)), {"sizes": {}, "values": {}})


def test_cells_that_decide() -> None:
    cut = [0, 0, -1, -1, 0, -1, -1]
    assert check(certified(cut, SQUARE)).text.endswith("where above and below >= 0, at the sizes given, on 4 cells that make up the box")
    assert check(certified([0, 0, -1, -1, -1], ROOT)).outcome == "proved"


@pytest.mark.parametrize(
    "splits", [[], [-1], [0, -1], [0, 0, -1, -1], [0, -1, 0, -1, -1], [0, 0, -1, -1, 0, -1, -1, -1], [1, -1, -1], [True, -1, -1], ["0", -1, -1], [-2]]
)
def test_cells_that_do_not(splits: list[Json]) -> None:
    with pytest.raises(Rejected):
        check(certified(splits, SQUARE))


def test_what_fails_somewhere_is_never_decided() -> None:
    """(x - 1)^2 - 1/100 is negative on (9/10, 11/10): no way of cutting hides it."""
    false = stated(["*", 2, "x"], ["+", ["^", "x", 2], ["/", 99, 100]])
    (gap,) = gaps(read_statement(false), {"sizes": {}, "values": {}})
    waiting = [(gap.whole, 0)]
    for cell, depth in waiting:
        ((low, high),) = cell
        if gap.decided(cell):
            assert high <= fmpq(9, 10) or low >= fmpq(11, 10)
        elif depth < 10:
            waiting += [(half, depth + 1) for half in halves(cell, 0)]
    assert len(waiting) > 200


def test_an_equality_at_a_corner_is_decided_by_slopes() -> None:
    weak, strict = (stated("x", ["^", "x", 2], strict=strict, definitions=[condition("c", ["+", "x", -1]), BETWEEN[1]]) for strict in (False, True))
    assert check(certified([-1], weak)).outcome == "proved"
    with pytest.raises(Rejected):
        check(certified([-1], strict))


def test_cells_outside_the_domain_are_empty() -> None:
    """x^2 >= 1 and 1/2 <= x: -x < -1/2 - 1/4 there, though not on the box."""
    outside = condition("outside", ["+", ["^", "x", 2], -1])
    statement = stated(["/", 3, 4], "x", definitions=[*BETWEEN, outside])
    with pytest.raises(Rejected):
        check(certified([-1], statement, "3/2"))
    assert check(certified([0, 0, -1, -1, -1], statement, "3/2")).outcome == "proved"
    with pytest.raises(Rejected):
        check(certified([0, 0, -1, -1, -1], stated(["/", 3, 4], "x"), "3/2"))


def test_a_point_of_the_domain_is_asked_for() -> None:
    with pytest.raises(Rejected, match="not certainly met"):
        check(certified([0, 0, -1, -1, 0, -1, -1], SQUARE, "3"))


def test_functions_that_are_not_defined_on_a_cell_decide_nothing() -> None:
    both = [condition("above", ["+", "x", 1]), BETWEEN[1]]
    for left in (["log", "x"], ["^", "x", -1], ["^", "x", ["/", 1, 2]], ["atanh", "x"]):
        with pytest.raises(Rejected):
            check(certified([-1], stated(left, 1000, definitions=both)))


@pytest.mark.parametrize("exponent", [2, 4, -2, 3, -1])
def test_powers_of_balls_hold_the_powers_of_their_points(exponent: int) -> None:
    for low, high in ((-3, 2), (1, 4), (-5, -1), (0, 2)):
        ball = arb(low).union(arb(high))
        if exponent < 0 and low <= 0 <= high:
            with pytest.raises(Rejected):
                Balls().power(ball, fmpq(exponent))
            continue
        found = Balls().power(ball, fmpq(exponent))
        for n in range(9):
            value = Fraction(low) + Fraction(n * (high - low), 8)
            power = value**exponent
            assert found.contains(arb(fmpq(power.numerator, power.denominator)))
        assert exponent % 2 or found > fmpq(-1, 10**6)


UNIT = [condition("above", "x"), condition("below", ["+", ["/", 1, 2], ["*", -1, "x"]])]  # 0 <= x <= 1/2


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (["exp", "x"], 2),
        (["sin", "x"], ["/", 1, 2]),
        (["atanh", "x"], ["/", 3, 5]),
        (["abs", ["+", "x", -1]], 1),
        (["^", ["+", "x", 1], ["/", 1, 2]], ["/", 5, 4]),
        (["+", ["exp", "x"], ["*", 3, ["cos", "x"]], ["*", -2, ["atan", "x"]], ["asinh", "x"]], 6),
    ],
)
def test_functions_in_balls(left: Json, right: Json) -> None:
    statement = stated(left, right, strict=False, definitions=UNIT)
    assert check(certified([0, 0, -1, -1, 0, -1, -1], statement, "1/4")).outcome == "proved"
    with pytest.raises(Rejected, match="not decided"):
        check(certified([0, 0, -1, -1, 0, -1, -1], stated(right, left, strict=True, definitions=UNIT), "1/4"))


def test_sums_over_the_same_entries_are_one_product() -> None:
    """The value and one slope are sums of the same four nodes: 4 x^4 + 3 x^3 + 2 x^2 + x and its derivative are both in the plan."""
    terms = [["*", n, ["^", "x", n]] for n in (4, 3, 2, 1)]
    assert check(certified([-1], stated(["*", -1, ["+", *terms]], 0, strict=False, definitions=UNIT), "1/4")).outcome == "proved"
    ball = arb(1).union(arb(2))
    assert Balls().image(arb_mat(2, 2, [1, -1, 2, 0]), [ball, arb(3)])[0].overlaps(arb(-2))


def test_a_condition_that_is_not_defined_on_a_cell_empties_nothing() -> None:
    """log(x - 1/4) >= 0 nowhere on the box, and is not defined on its lower half."""
    log = condition("log", ["log", ["+", "x", ["/", -1, 4]]])
    with pytest.raises(Rejected, match=r"logarithm|certainly"):
        check(certified([-1], stated("x", -1, definitions=[*UNIT, log]), "1/2"))
    (gap,) = gaps(read_statement(stated("x", -1, definitions=[*UNIT, log])), {"sizes": {}, "values": {}})
    assert not gap.empty(gap.whole)
    assert gap.empty(((fmpq(1, 3), fmpq(1, 2)),))


def test_a_hypothesis_that_fails_on_a_cell_empties_it() -> None:
    zero = {"indices": [], "zero": ["+", "x", ["/", -1, 4]]}
    (gap,) = gaps(read_statement(stated("x", ["/", 1, 3], definitions=UNIT, hypotheses=[zero])), {"sizes": {}, "values": {}})
    assert [gap.empty(cell) for cell in halves(halves(gap.whole, 0)[1], 0)] == [False, True]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"instance": {"sizes": {}, "values": {"x": 1}}}, "another value"),
        ({"instance": {"sizes": {"N": 1}, "values": {}}}, "sizes given"),
        ({"splits": []}, "0 lists of cuts for 1 entries"),
        ({"splits": [[0] * (2 * MOST_CELLS + 1)]}, "more than"),
        ({"splits": [[-1, -1]]}, "more cuts than cells"),
        ({"bits": 1}, "precision"),
        ({"bits": 10**9}, "precision"),
    ],
)
def test_what_is_refused_in_words(change: Json, words: str) -> None:
    easy = certified([-1], stated("x", 1, definitions=UNIT), "1/4")
    assert check(easy).outcome == "proved"
    with pytest.raises(Rejected, match=words):
        check(easy | change)


def test_a_constant_with_a_value_is_no_coordinate() -> None:
    """x < 19/10 + y on 1/2 <= x <= 2, where y is bounded from below alone: it holds for y = 1/3, and fails at x = 2 for y = 0."""
    told = certified([-1], stated("x", ["+", ["/", 19, 10], "y"]))
    with pytest.raises(Rejected, match="y is not bounded on both sides"):
        check(told)

    def at(y: Json) -> Json:
        return told | {"instance": {"sizes": {}, "values": {"y": y}}, "point": {"sizes": {}, "values": {"x": 1, "y": y}, "bits": 64}}

    assert check(at("1/3")).text.endswith("at y = 1/3, on 1 cells that make up the box")
    for wrong, words in ((0, r"not decided on the cell x in \[1/2, 2\]"), (-1, "is not nonnegative"), ([1], "not a rational")):
        with pytest.raises(Rejected, match=words):
            check(at(wrong))


def test_a_condition_on_a_function_bounds_no_entry() -> None:
    """log x >= 0 on 1/2 <= x <= 2 leaves the box as it is; where it fails the cells are empty, so that 3/4 <= x is decided on the others."""
    statement = stated(["/", 3, 4], "x", definitions=[*BETWEEN, condition("log", ["log", "x"])])
    (gap,) = gaps(read_statement(statement), {"sizes": {}, "values": {}})
    assert gap.whole == ((fmpq(1, 2), fmpq(2)),)
    assert check(certified([0, 0, -1, -1, -1], statement)).outcome == "proved"
    alone = stated(["/", 3, 4], "x", definitions=[condition("log", ["log", "x"])])
    with pytest.raises(Rejected, match="x is not bounded on both sides"):
        check(certified([-1], alone))


def test_a_sphere_bounds_its_entries_without_a_condition() -> None:
    """u_0^3 < 11/10 for |u_0| <= 1, with no condition and so no point; and not u_0^3 <= 1/2, which (1, 0) on the sphere shows."""
    node = moving(0)
    for right, holds in ((["/", 11, 10], True), (["/", 1, 2], False)):
        claim = {"kind": "at-most", "indices": [], "left": ["^", ["at", "u", 0], 3], "right": right, "strict": False, "where": []}
        told = {**certified([-1], {**node, "definitions": [], "claim": claim})}
        del told["point"]
        if holds:
            assert check(told).outcome == "proved"
            continue
        with pytest.raises(Rejected, match="not decided"):
            check(told)
        point = {"sizes": {}, "values": {"x": 1, "y": 0, "c": 1, "u": [1, 0]}, "bits": 64}
        apart = {"kind": "equal", "indices": [], "left": claim["left"], "right": right}
        assert residual_at(read_statement({**node, "definitions": [], "claim": apart}), point)[()] > 0


def test_numbers_are_compared_on_a_box_without_coordinates() -> None:
    """log 2 < 7/10 < log 3: no condition and no hypothesis, one cell."""
    assert check(certified([-1], stated(["log", 2], ["/", 7, 10], definitions=[]))).text.endswith("on 1 cells that make up the box")
    with pytest.raises(Rejected, match="not decided on the cell"):
        check(certified([-1], stated(["log", 3], ["/", 7, 10], definitions=[])))
    with pytest.raises(Rejected, match="0 is not the number of a coordinate"):
        check(certified([0, -1, -1], stated(["log", 2], ["/", 7, 10], definitions=[])))


def test_a_rate_needs_a_flow() -> None:
    with pytest.raises(Rejected, match="the claim is about a flow, and the statement has none"):
        check(at_rest({**moving(6), "flow": None}))


def test_an_empty_box() -> None:
    crossed = [condition("above", ["+", "x", -1]), UNIT[1]]
    with pytest.raises(Rejected, match="the box is empty"):
        gaps(read_statement(stated("x", 1, definitions=crossed)), {"sizes": {}, "values": {}})


def moving(right: Json, *, role: str = "parameter", drift: bool = True) -> Json:
    """On the circle u' = -2 (1 - u u^T) D u with D = diag(1, 0), and c moves as c' = c."""
    node = stated("x", 0, definitions=[condition("above", "c"), condition("below", ["+", 1, ["*", -1, "c"]])])
    node["symbols"] |= {name: {"role": role, "shape": [], "sign": "real"} for name in ("c",)}
    node["symbols"]["u"] = {"role": "parameter", "shape": [2], "sign": "real"}
    node["flow"] = {
        "pairing": ["^", ["at", "u", 0], 2],
        "held": [],
        "rates": {"u": {"indices": [["i", 2]], "value": 1}},
        "spheres": [["u"]],
        "drift": {"c": {"indices": [], "value": "c"}} if drift else {},
    }
    quantity = ["+", ["at", "u", 0], "c", "x"]
    node["claim"] = {"kind": "at-most", "indices": [], "quantity": quantity, "right": right, "strict": False, "where": ["above", "below"]}
    return node


def at_rest(statement: Json) -> Json:
    given = certified([-1], statement)
    return given | {"point": {"sizes": {}, "values": {"x": 1, "y": 0, "c": "1/2", "u": [0, 1]}, "bits": 64}}


def test_rates_on_a_box_with_a_sphere() -> None:
    """|d/dt u_0| = |2 u_0 (1 - u_0^2)| <= 4 for |u_0| <= 1, and c' = c <= 1; x is a constant."""
    assert check(at_rest(moving(6))).outcome == "proved"
    with pytest.raises(Rejected, match="not a constant"):
        check(at_rest(moving(6)) | {"instance": {"sizes": {}, "values": {"u": [0, 1]}}})
    with pytest.raises(Rejected, match="not decided"):
        check(at_rest(moving(["/", 1, 2])))


def test_what_moves_as_it_likes_has_no_rate() -> None:
    with pytest.raises(Rejected, match="does not say how c moves"):
        check(at_rest(moving(5, role="cotangent", drift=False)))
