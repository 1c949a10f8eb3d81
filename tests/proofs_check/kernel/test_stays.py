"""What decides whether the radius tends to 0, where test_limit has no certificate by hand: a comparison, and an enclosure that comes to rest."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import pytest

from numerics import Problem, problem
from numerics.limit import polar
from proofs_check.certifying import recognise
from proofs_check.kernel import FORMAT, check
from proofs_check.kernel.language import Rejected
from proofs_check.limiting import limit
from proofs_check.settling import settle
from theory.files import read_text

Json = Any


# ---- collapse by comparison ------------------------------------------------------------------------------------------------------------------------


def compared(row: Json, squares: Json, clock: Json) -> Json:
    """x = w^2, kappa = 1, <row, x> = 1 wanted, w^2 given."""
    return {
        "format": FORMAT,
        "kind": "limit",
        "kappa": 1,
        "depth": 2,
        "matrix": [row],
        "target": [1],
        "start": {"exponent": "1/2", "values": squares},
        "outcome": "collapse",
        "bits": 64,
        "reason": {"by": "comparison", "clock": clock},
    }


def test_one_weight_falls_as_fast_as_the_clock() -> None:
    """-x = 1 from x = 1/4: theta = R falls by the clock at least, and |omega|^2 = exp(theta) is 1 when the clock shows 1/4."""
    text = check(compared([-1], ["1/4"], "26/100")).text
    assert "x(t) tends to 0: |omega|^2 falls from 1.2840254 to 1 before the clock shows 0.26000000" in text
    with pytest.raises(Rejected, match="at the clock given, and less than 1 is wanted"):
        check(compared([-1], ["1/4"], "24/100"))


@pytest.mark.parametrize(("clock", "falls"), [("3/5", False), ("4/5", False), ("5/4", True)])
def test_what_columns_do_to_each_other_counts(clock: str, falls: bool) -> None:
    """x_1 - x_2 = 1: B = 1, so that the rates are 1 + R and -1 + R; without B the collapse would be seen at 3/5 already."""
    squares = ["1/200", "99/200"]
    time, radius = float(Fraction(clock)), 0.5
    norms = {B: math.exp(radius) * (0.01 * math.exp(time * (1 + B * radius)) + 0.99 * math.exp(time * (-1 + B * radius))) for B in (0, 1)}
    assert (norms[0] < 1, norms[1] < 1) == (True, falls)
    if falls:
        assert check(compared([1, -1], squares, clock)).outcome == "proved"
        return
    with pytest.raises(Rejected, match="at the clock given"):
        check(compared([1, -1], squares, clock))


# ---- no collapse, by an enclosure that comes to rest -----------------------------------------------------------------------------------------------

TEXT = """
title = "the polar flow"
[sizes]
N = 2
M = 1
[constants]
kappa = {{ sign = "positive", value = "3/2" }}
[data]
A = {{ shape = "M x N", value = [[1, -2]] }}
y = {{ shape = "M", value = [1] }}
[parameters]
r = "{radius}"
u = "N, positive, sphere"
[model]
predictor = "x[i] = (r*u[i])**2"
loss = "square(A, y)"
[flow]
rates = {{ r = 1, u = "kappa" }}
[start]
r = 1
u = ["4/5", "3/5"]
[run]
T = 1
"""


def posed(radius: str = "positive scalar") -> Problem:
    theory = read_text(TEXT.format(radius=radius))
    return problem(theory.setting, data=theory.data, start=theory.start, times=(0, 1))


def resting(of: Problem, *, kappa: str = "3/2", **more: Any) -> Json:
    """Where the flow ends, with the enclosure of a problem as the reason why it does not collapse."""
    found = limit(polar([[1, -2]], [1], kappa=kappa, L=2, start={"r": 1, "u": ["4/5", "3/5"]})).certificate
    assert found is not None
    settled = settle(of, digits=6, **more)
    assert settled.state == "settles", settled.text
    return json.loads(json.dumps({**found, "reason": {"by": "rest", "settle": settled.certificate, "flow": recognise(of).flow}}))


def test_an_enclosure_that_comes_to_rest_rules_a_collapse_out() -> None:
    """It ends near the limit that the dual gives: x = (r u)^2, found in two ways."""
    told = resting(posed())
    assert "no collapse: an enclosure ends in a ball which the flow does not leave, and where r > 0" in check(told).text
    end = told["reason"]["settle"]["limit"]
    radius = float(Fraction(end["r"]))
    for entry, known in zip(end["u"], told["limit"], strict=True):
        assert (radius * float(Fraction(entry))) ** 2 == pytest.approx(float(Fraction(known)), abs=1e-5)
    nowhere = {**told["reason"]["settle"], "radius": "1/1000000000000000"}
    with pytest.raises(Rejected, match="may leave the ball"):
        check({**told, "reason": {**told["reason"], "settle": nowhere}})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: resting(posed(), kappa="1"), "the enclosure is of another flow"),
        (lambda: resting(posed("scalar")), "its radius is not declared positive"),
        (lambda: resting(posed(), radius="1/1000000"), "the enclosure is of many trajectories"),
        (lambda: resting(posed(), radii={"y": "1/1000000"}), "the enclosure is of many trajectories"),
    ],
    ids=["another kappa", "any sign of r", "many starts", "many targets"],
)
def test_an_enclosure_of_something_else_does_not(wrong: Any, words: str) -> None:
    with pytest.raises(Rejected, match=words):
        check(wrong())
