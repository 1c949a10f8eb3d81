"""Claims at rational points: mutants that must be refuted, true laws that must not be, and witnesses that are none."""

from __future__ import annotations

import copy
from typing import Any

import flint
import pytest
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs_check.kernel.language import Rejected, Statement, read_statement
from proofs_check.kernel.points import check_counterexample, precision, residual_at

Json = Any
HALF = ["/", 1, 2]


def sym(shape: list[Json], role: str, sign: str = "real") -> Json:
    return {"shape": shape, "role": role, "sign": sign}


def at(name: str, *indices: Json) -> Json:
    return ["at", name, *indices]


def family(indices: list[Json], value: Json, key: str = "value") -> Json:
    return {"indices": indices, key: value}


def total(index: str, size: str, *factors: Json) -> Json:
    return ["sum", index, size, ["*", *factors]]


def polar(quantity: Json, depth: Json, rate_u: Json = "kappa") -> Json:
    """x_i = (r u_i)^L with u on a sphere, for every loss f(A x); a sign of u is not asked for."""
    return {
        "sizes": ["N", "M"],
        "symbols": {
            "A": sym(["M", "N"], "constant"),
            "z": sym(["N"], "constant"),
            "nu": sym(["M"], "cotangent"),
            "kappa": sym([], "constant", "positive"),
            "r": sym([], "parameter", "positive"),
            "u": sym(["N"], "parameter", "real"),
        },
        "definitions": [
            {"name": "x", **family([["i", "N"]], ["^", ["*", "r", at("u", "i")], depth])},
            {"name": "G", **family([["i", "N"]], total("k", "M", at("A", "k", "i"), at("nu", "k")))},
        ],
        "hypotheses": [family([["k", "M"]], total("i", "N", at("A", "k", "i"), at("z", "i")), "zero")],
        "flow": {
            "pairing": total("i", "N", at("G", "i"), at("x", "i")),
            "held": ["G"],
            "rates": {"r": family([], 1), "u": family([["i", "N"]], rate_u)},
            "spheres": [["u"]],
        },
        "claim": {"kind": "evolves", "indices": [], "quantity": quantity, "rate": 0},
    }


def law_2(half: Json = HALF, ratio: Json = "kappa", sign: int = 1) -> Json:
    return total("i", "N", at("z", "i"), ["+", ["log", at("u", "i")], ["*", sign, half, ratio, ["^", "r", 2]]])


def law_3(half: Json = ["/", -1, 2], ratio: Json = "kappa") -> Json:  # noqa: B006 (never changed)
    return ["*", total("i", "N", at("z", "i"), ["^", at("u", "i"), -1]), ["exp", ["*", half, ratio, ["^", "r", 2]]]]


POINT: Json = {
    "sizes": {"N": 4, "M": 2},
    "values": {
        "A": [[1, 1, 1, 1], [1, 2, 3, 5]],
        "z": [1, -2, 1, 0],
        "nu": ["1/3", -2],
        "kappa": "3/2",
        "r": "5/4",
        "u": ["1/5", "2/5", "2/5", "4/5"],
    },
    "bits": 333,
}


def with_values(**values: Json) -> Json:
    return {**POINT, "values": {**POINT["values"], **values}}


@pytest.mark.parametrize(("quantity", "depth"), [(law_2(), 2), (law_3(), 3)])
def test_a_law_cannot_be_refuted(quantity: Json, depth: int) -> None:
    statement = read_statement(polar(quantity, depth))
    assert all(value.contains(0) for value in residual_at(statement, POINT).values())
    with pytest.raises(Rejected, match="certainly differs"):
        check_counterexample(statement, POINT)


MUTANTS = {
    "sign": polar(law_2(sign=-1), 2),
    "half": polar(law_2(half=1), 2),
    "ratio": polar(law_2(ratio=["^", "kappa", -1]), 2),
    "depth": polar(law_2(), 3),
    "rate": polar(law_2(), 2, ["^", "kappa", -1]),
    "sign, depth 3": polar(law_3(HALF), 3),
    "half, depth 3": polar(law_3(-1), 3),
    "ratio, depth 3": polar(law_3(ratio=["^", "kappa", -1]), 3),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_refuted(name: str) -> None:
    # A z = 0 with a row of ones makes sum z = 0, where the factor of kappa r^2/2 is lost: this point has another A
    point = with_values(A=[[1, 1, 0, 0], [0, 0, 2, 1]], z=[1, -1, 1, -2])
    entry, ball, exact = check_counterexample(read_statement(MUTANTS[name]), point)
    assert entry == ()
    assert (exact is None) == ("depth 3" in name)
    with precision(333):
        assert not arb(ball).contains(0)
        assert exact is None or arb(ball).contains(fmpq(*map(int, exact.split("/"))))


def test_a_point_where_the_mutant_agrees_does_not_refute_it() -> None:
    with pytest.raises(Rejected, match="certainly differs"):
        check_counterexample(read_statement(MUTANTS["half"]), POINT)


NO_WITNESSES: Json = {
    "z outside the kernel": with_values(z=[1, -2, 1, 1]),
    "off the sphere": with_values(u=["1/5", "2/5", "2/5", "3/5"]),
    "wrong sign": with_values(kappa="-3/2"),
    "wrong shape": with_values(nu=[1, 2, 3]),
    "not a rational": with_values(kappa=1.5),
    "a log of zero": with_values(u=[0, 0, "3/5", "4/5"]),
    "a log of a negative number": with_values(u=["-1/5", "2/5", "2/5", "4/5"]),
    "no precision": {**POINT, "bits": 1},
    "a value for a definition": with_values(G=[1, 1, 1, 1]),
    "a size of zero": {**POINT, "sizes": {"N": 4, "M": 0}},
    "one value less": {**POINT, "values": {name: v for name, v in POINT["values"].items() if name != "nu"}},
}


@pytest.mark.parametrize("name", NO_WITNESSES)
def test_a_bad_witness_is_rejected(name: str) -> None:
    with pytest.raises(Rejected) as found:
        check_counterexample(read_statement(MUTANTS["sign"]), NO_WITNESSES[name])
    assert "certainly differs" not in str(found.value)


def plain(claim: Json, hypotheses: Json = (), sign: str = "real") -> Statement:
    return read_statement(
        {
            "sizes": [],
            "symbols": {"x": sym([], "parameter", sign), "y": sym([], "parameter", sign), "L": sym([], "constant", "positive")},
            "definitions": [],
            "hypotheses": [family([], zero, "zero") for zero in hypotheses],
            "flow": None,
            "claim": claim,
        }
    )


def equal(left: Json, right: Json) -> Json:
    return {"kind": "equal", "indices": [], "left": left, "right": right}


def gradient(of: Json, value: Json, by: str = "x") -> Json:
    return {"kind": "gradient", "indices": [], "of": of, "by": by, "value": value}


def point(x: Json = "3/2", y: Json = "-2/3", exponent: Json = 3, bits: int = 200) -> Json:
    return {"sizes": {}, "values": {"x": x, "y": y, "L": exponent}, "bits": bits}


def test_the_root_of_a_square_is_refuted_at_a_negative_number() -> None:
    statement = plain(equal(["^", ["^", "x", 2], HALF], "x"))
    assert check_counterexample(statement, point(x=-2)) == ((), "4.00000000000000000000000000000", "4")
    with pytest.raises(Rejected, match="certainly differs"):
        check_counterexample(statement, point(x=2))


def test_a_ball_has_a_midpoint_and_a_radius() -> None:
    entry, ball, exact = check_counterexample(plain(equal(["exp", "x"], 4)), point())
    assert (entry, exact) == ((), None)
    assert ball.startswith("[0.481689")
    assert "+/-" in ball


def test_too_little_precision_refutes_nothing() -> None:
    near = ["+", ["exp", "x"], ["/", 1, 10**40]]
    assert check_counterexample(plain(equal(near, ["exp", "x"])), point(bits=333))
    with pytest.raises(Rejected, match="certainly differs"):
        check_counterexample(plain(equal(near, ["exp", "x"])), point(bits=53))


UNDEFINED = {
    "1/0": ["^", ["+", "x", ["/", -3, 2]], -1],
    "0/0": ["*", ["+", "x", ["/", -3, 2]], ["^", ["+", "x", ["/", -3, 2]], -1]],
    "log": ["log", "y"],
    "root": ["^", "y", HALF],
    "symbolic power": ["^", "y", ["*", "L", HALF]],
    "moving power": ["^", "y", ["exp", "x"]],
    "atanh": ["atanh", "x"],
    "log of zero in balls": ["log", ["+", ["^", ["sin", "x"], 2], ["^", ["cos", "x"], 2], -1]],
    "a divergent integral": ["integral", "s", "x", ["^", "s", -1]],
    "a log in an integral": ["integral", "s", "x", ["log", ["+", "s", -1]]],
    "an integrand that moves": ["integral", "s", "x", ["*", "s", "y"]],
    "a double integral": ["integral", "s", "x", ["integral", "t", 1, "t"]],
    "a function whose continuation is not known": ["integral", "s", "x", ["asinh", "s"]],
    "an exponent that moves": ["integral", "s", "x", ["^", "s", "y"]],
    "an exponent beyond all bounds": ["^", "x", 10**30],
}


@pytest.mark.parametrize("name", UNDEFINED)
def test_the_undefined_is_rejected(name: str) -> None:
    with pytest.raises(Rejected) as found:
        residual_at(plain(equal(UNDEFINED[name], 7)), point())
    assert "cannot be evaluated" not in str(found.value)


DERIVATIVES = {
    "log": (["log", "x"], ["^", "x", -1]),
    "exp": (["exp", ["*", "x", "y"]], ["*", "y", ["exp", ["*", "x", "y"]]]),
    "sin": (["sin", ["^", "x", 2]], ["*", 2, "x", ["cos", ["^", "x", 2]]]),
    "cos": (["cos", "x"], ["*", -1, ["sin", "x"]]),
    "asinh": (["asinh", "x"], ["^", ["+", 1, ["^", "x", 2]], ["/", -1, 2]]),
    "atan": (["atan", "x"], ["^", ["+", 1, ["^", "x", 2]], -1]),
    "atanh": (["atanh", ["*", HALF, "x"]], ["*", HALF, ["^", ["+", 1, ["*", ["/", -1, 4], "x", "x"]], -1]]),
    "abs": (["abs", ["*", "x", "y"]], ["*", -1, "y"]),
    "root": (["^", ["+", "x", 1], ["/", 1, 3]], ["*", ["/", 1, 3], ["^", ["+", "x", 1], ["/", -2, 3]]]),
    "root of a function": (["^", ["exp", "x"], HALF], ["*", HALF, ["exp", ["*", HALF, "x"]]]),
    "odd power of a negative": (["^", ["*", "x", "y"], "L"], ["*", "L", "y", ["^", ["*", "x", "y"], ["+", "L", -1]]]),
    "moving power": (["^", "x", "x"], ["*", ["+", 1, ["log", "x"]], ["^", "x", "x"]]),
    "integral": (["integral", "s", ["^", "x", 2], ["exp", ["*", -1, "s", "s"]]], ["*", 2, "x", ["exp", ["*", -1, ["^", "x", 4]]]]),
    "integral of a sine": (["integral", "s", "x", ["sin", ["*", 2, "s"]]], ["sin", ["*", 2, "x"]]),
    "integral of a cosine": (["integral", "s", "x", ["cos", "s"]], ["cos", "x"]),
    "integral of an arc": (["integral", "s", "x", ["+", ["atan", "s"], ["log", ["+", 1, "s"]]]], ["+", ["atan", "x"], ["log", ["+", 1, "x"]]]),
    "integral of a sum": (["integral", "s", "x", ["sum", "i", 2, ["*", "s", "L"]]], ["*", 2, "x", "L"]),
    "integral of a root": (["integral", "s", "x", ["^", ["+", 1, "s"], ["*", "L", HALF]]], ["^", ["+", 1, "x"], ["*", "L", HALF]]),
}


@pytest.mark.parametrize("name", DERIVATIVES)
def test_a_derivative_is_enclosed_and_a_wrong_one_refuted(name: str) -> None:
    of, value = DERIVATIVES[name]
    assert residual_at(plain(gradient(of, value)), point())[()].contains(0)
    assert check_counterexample(plain(gradient(of, ["*", 2, value])), point())


def test_a_gradient_by_a_constant_of_an_integrand_is_rejected() -> None:
    with pytest.raises(Rejected, match="constant of its integrand"):
        residual_at(plain(gradient(["integral", "s", "x", ["*", "s", "L"]], 0, "L")), point())


def test_integrals_are_enclosed() -> None:
    for body, value in (("s", ["/", 9, 8]), (["exp", "s"], ["+", ["exp", "x"], -1]), (["^", ["+", 1, "s"], -1], ["log", ["+", 1, "x"]])):
        found = residual_at(plain(equal(["integral", "s", "x", body], value)), point())[()]
        assert found.contains(0)
        assert abs(found) < arb(2) ** -150
    assert residual_at(plain(equal(["integral", "s", "y", ["*", "s", "s"]], ["*", ["/", 1, 3], ["^", "y", 3]])), point())[()].contains(0)


def test_a_hypothesis_needs_an_exact_value() -> None:
    with pytest.raises(Rejected, match="exactly"):
        residual_at(plain(equal("x", "y"), [["+", ["^", ["sin", "x"], 2], ["^", ["cos", "x"], 2], -1]]), point())
    assert residual_at(plain(equal("x", "y"), [["+", ["^", ["*", 6, "x"], HALF], -3]]), point())


def test_precision_is_as_it_was() -> None:
    before = flint.ctx.prec
    with precision(77):
        assert flint.ctx.prec == 77
    with pytest.raises(Rejected):
        residual_at(plain(equal(["log", "y"], 0)), point())
    assert flint.ctx.prec == before


def test_the_statement_is_not_changed_by_being_read() -> None:
    node = polar(law_2(), 2)
    kept, given_point = copy.deepcopy(node), copy.deepcopy(POINT)
    residual_at(read_statement(node), POINT)
    assert (node, POINT) == (kept, given_point)


RATIONALS = st.fractions(min_value=-5, max_value=5, max_denominator=9)


@settings(max_examples=40, deadline=None)
@given(t=RATIONALS, s=RATIONALS, r=RATIONALS.filter(bool), kappa=RATIONALS.filter(bool), nu=st.tuples(RATIONALS, RATIONALS))
def test_the_depth_3_law_is_enclosed_on_the_whole_sphere(t: Any, s: Any, r: Any, kappa: Any, nu: Any) -> None:
    # the sphere minus a pole, by stereographic projection; the law needs nonzero u only
    square = 1 + t * t + s * s
    u = [2 * t / square, 2 * s / square, 1 - 2 / square]
    values = {"A": [[1, 1, 1], [1, 2, 3]], "z": [1, -2, 1], "nu": nu, "kappa": abs(kappa), "r": abs(r), "u": u}
    node = {"sizes": {"N": 3, "M": 2}, "values": {name: _text(value) for name, value in values.items()}, "bits": 200}
    statement = read_statement(polar(law_3(), 3))
    if all(u):
        assert residual_at(statement, node)[()].contains(0)
    else:
        with pytest.raises(Rejected, match="not certainly nonzero"):
            residual_at(statement, node)


def _text(value: Any) -> Json:
    return [_text(part) for part in value] if isinstance(value, list | tuple) else str(value)


def test_definitions_in_an_integrand() -> None:
    """The integral of 3 c v^2 over 0 <= v <= 2 is 8 c, where 3 c is a definition; one that moves is refused."""
    symbols = {"x": sym([], "parameter"), "c": sym([], "constant")}
    definitions = [{"name": "three", **family([], ["*", 3, "c"])}, {"name": "moving", **family([], "x")}]
    node = {"sizes": [], "symbols": symbols, "definitions": definitions, "hypotheses": [], "flow": None}
    where = {"sizes": {}, "values": {"x": 1, "c": "5/7"}, "bits": 100}

    def over(name: str) -> Json:
        return node | {"claim": equal(["integral", "v", 2, ["*", name, ["^", "v", 2]]], ["*", 8, "c"])}

    assert residual_at(read_statement(over("three")), where)[()].contains(0)
    with pytest.raises(Rejected, match="mentions x"):
        residual_at(read_statement(over("moving")), where)


def flowing(quantity: Json, claim: str = "evolves") -> Json:
    """x' = -y along a flow with time t; y is a cotangent."""
    symbols = {"x": sym([], "parameter"), "y": sym([], "cotangent"), "t": sym([], "time"), "c": sym([], "constant")}
    flow = {"pairing": ["*", "x", "y"], "held": [], "rates": {"x": family([], 1)}, "spheres": [], "drift": {}}
    node = {"sizes": [], "symbols": symbols, "definitions": [], "hypotheses": [], "flow": flow}
    told = {"kind": claim, "indices": [], "quantity": quantity, "rate": 0, "count": 0}
    return read_statement(node | {"claim": told})


def test_a_rate_needs_a_flow() -> None:
    told = {**polar(law_2(), 2), "flow": None}
    with pytest.raises(Rejected, match="the claim is about a flow, and the statement has none"):
        check_counterexample(read_statement(told), POINT)


def test_an_entry_of_a_definition_beyond_its_shape_is_refused() -> None:
    """x_i = (r u_i)^2 has N entries: x_3 is one of four, not of three."""
    third = polar(0, 2) | {"claim": equal(at("x", 3), ["^", ["*", "r", at("u", 3)], 2])}
    assert residual_at(read_statement(third), POINT)[()] == 0
    fewer = with_values(A=[[1, 1, 1], [1, 2, 3]], z=[1, -2, 1], u=["1/3", "2/3", "2/3"]) | {"sizes": {"N": 3, "M": 2}}
    with pytest.raises(Rejected, match=r"the entry \[3\] is outside its shape"):
        residual_at(read_statement(third), fewer)


def test_a_size_is_a_number() -> None:
    """Of N = 4 entries: sum_i 1 = N, and not M = 2."""
    claim = equal(["sum", "i", "N", 1], "N")
    assert residual_at(read_statement(polar(0, 2) | {"claim": claim}), POINT)[()] == 0
    found = check_counterexample(read_statement(polar(0, 2) | {"claim": equal(["sum", "i", "N", 1], "M")}), POINT)
    assert found[2] == "2"


def test_time_constants_and_what_moves_as_it_likes() -> None:
    where = {"sizes": {}, "values": {"x": 1, "y": 2, "t": 3, "c": 4}, "bits": 64}
    assert residual_at(flowing(["+", "x", ["*", "t", "c"]]), where)[()] == 2
    with pytest.raises(Rejected, match="does not say how y moves"):
        residual_at(flowing("y"), where)
    with pytest.raises(Rejected, match="not an identity"):
        residual_at(flowing(0, "count"), where)
