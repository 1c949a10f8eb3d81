"""Boxes cut into cells: where they come from, what is decided on them, and certificates that leave something out."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from flint import arb, fmpq

from proofs_check.kernel import FORMAT, Rejected, check
from proofs_check.kernel.bisection import Balls, gaps, halves
from proofs_check.kernel.language import read_statement

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
