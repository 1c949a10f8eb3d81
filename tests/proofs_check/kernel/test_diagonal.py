"""Flows recognised as the polar flow, or as plain gradient flow: with other names and numbers, and not where they are not."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from numerics import Problem, problem
from proofs_check.certifying import NotDiagonal, certify, recognise
from proofs_check.kernel import Rejected, check
from theory.files import read_text

POLAR = """
title = "other names"
[sizes]
P = 2
Q = 1
[constants]
ratio = {{ sign = "positive", value = "3/2" }}
speed = {{ sign = "positive", value = 2 }}
[data]
B = {{ shape = "Q x P", value = [[1, -2]] }}
t = {{ shape = "Q", value = [1] }}
[parameters]
rho = "positive scalar"
d = "P, positive, sphere"
[model]
predictor = "x[i] = {predictor}"
loss = "square(B, t)"
[flow]
rates = {rates}
[start]
rho = 2
d = ["3/5", "4/5"]
[run]
T = 1
"""
PLAIN = """
title = "plain gradient flow"
[sizes]
N = 2
M = 1
[data]
A = { shape = "M x N", value = [[1, 2]] }
y = { shape = "M", value = [1] }
[parameters]
v = "N, positive"
[model]
predictor = "x[i] = v[i]**3"
loss = "square(A, y)"
[flow]
rates = { v = "1/2" }
[start]
v = [1, "1/2"]
[run]
T = 1
"""


def posed(text: str) -> Problem:
    theory = read_text(text)
    return problem(theory.setting, data=theory.data, start=theory.start, times=(0, 1))


def polar(predictor: str = "(rho*d[i])**2", rates: str = '{ rho = "speed", d = "ratio*speed" }') -> Problem:
    return posed(POLAR.format(predictor=predictor, rates=rates))


def test_names_and_rates_are_read_off() -> None:
    found = recognise(polar())
    assert (str(found.polar.kappa), str(found.polar.depth), str(found.rate)) == ("3/2", "2", "2")
    assert found.polar.values == (2 * found.polar.values[0] / 2, found.polar.values[0] * 4 / 3)
    assert {found.flow[key] for key in ("radius", "weights", "matrix", "target")} == {"rho", "d", "B", "t"}


def test_plain_gradient_flow_is_recognised() -> None:
    found = recognise(posed(PLAIN))
    assert found.polar.kappa is None
    assert (int(found.polar.depth), str(found.rate)) == (3, "1/2")


@pytest.mark.parametrize(
    ("predictor", "rates"),
    [
        ("2*(rho*d[i])**2", '{ rho = "speed", d = "ratio*speed" }'),  # another model
        ("rho*d[i]**2", '{ rho = "speed", d = "ratio*speed" }'),
        ("rho*d[i]", '{ rho = "speed", d = "ratio*speed" }'),  # L = 1
        ("(rho*d[i])**2", '{ rho = "speed", d = "ratio*speed/rho**2" }'),  # a ratio that moves
        ("(rho*d[i])**2 + d[i]", '{ rho = "speed", d = "ratio*speed" }'),
    ],
)
def test_other_flows_are_not(predictor: str, rates: str) -> None:
    with pytest.raises(NotDiagonal):
        recognise(polar(predictor, rates))


def certificate() -> Any:
    found = certify(polar(), digits=20)
    assert found.certificate is not None
    return copy.deepcopy(dict(found.certificate))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kappa": None}, "a radius comes with a ratio"),
        ({"radius": None}, "a radius comes with a ratio"),
        ({"radius": "d"}, "something else moves"),
        ({"matrix": "t"}, "a matrix of constants"),
        ({"target": "B"}, "a matrix of constants"),
        ({"depth": 3}, "residual is not zero"),
        ({"depth": ["+", 2, ["*", 0, "rho"]]}, "rho"),
        ({"rate": 2}, "residual is not zero"),
        ({"kappa": "speed"}, "residual is not zero"),
        ({"cofactors": [[]]}, "as many lists"),
    ],
)
def test_what_the_certificate_says_of_the_flow_is_checked(change: Any, message: str) -> None:
    given = certificate()
    given["flow"] = {**given["flow"], **change}
    if change == {"depth": ["+", 2, ["*", 0, "rho"]]}:  # it is 2 all the same
        assert check(given).outcome == "proved"
        return
    with pytest.raises(Rejected, match=message):
        check(given)


def test_a_hypothesis_that_the_data_do_not_satisfy_is_no_help() -> None:
    """With the hypothesis t = 0 the flow of the loss with target 0 would be that with any target."""
    given = certificate()
    given["statement"]["hypotheses"].append({"indices": [["k", "Q"]], "zero": ["at", "t", "k"]})
    with pytest.raises(Rejected, match="no hypothesis"):
        check(given)


def test_a_limit_of_other_data_is_rejected() -> None:
    given, other = certificate(), certify(polar(rates='{ rho = "speed", d = "2*ratio*speed" }'), digits=20).certificate
    assert other is not None
    given["limit"] = other["limit"]
    with pytest.raises(Rejected, match="another flow"):
        check(given)


def test_data_without_values_and_a_radius_of_many_entries() -> None:
    given = certificate()
    del given["values"]["B"]
    with pytest.raises(Rejected, match="B is given no value"):
        check(given)
    given = certificate()
    given["statement"]["symbols"]["rho"]["shape"] = ["P"]
    with pytest.raises(Rejected):
        check(given)


def test_a_radius_is_one_number() -> None:
    """A flow of two vectors with no pairing is a statement like any other, and none about a radius."""
    given = certificate()
    given["statement"]["symbols"]["rho"]["shape"] = ["P"]
    given["statement"]["definitions"] = []
    given["statement"]["flow"] |= {"pairing": 0, "held": []}
    for rate in given["statement"]["flow"]["rates"].values():
        rate["value"] = 1
    given["statement"]["flow"]["rates"]["rho"]["indices"] = [["k", "P"]]
    with pytest.raises(Rejected, match="the radius is one number"):
        check(given)


def test_a_flow_that_is_not_defined_everywhere() -> None:
    """The same loss, divided and multiplied by t, which may be 0."""
    given = certificate()
    given["statement"]["flow"]["pairing"] = [
        "*",
        ["sum", "k", "Q", ["at", "t", "k"]],
        ["^", ["sum", "k", "Q", ["at", "t", "k"]], -1],
        given["statement"]["flow"]["pairing"],
    ]
    with pytest.raises(Rejected, match=r"only defined where|not the derivative"):
        check(given)
