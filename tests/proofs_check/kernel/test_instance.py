"""Statements at explicit sizes: laws that must be proved, and mutants, traps and tampered certificates that must not."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs_check.division import certify, divide
from proofs_check.kernel.instance import Fraction, check_instance, rational, residual
from proofs_check.kernel.language import Rejected, read_statement
from proofs_check.kernel.points import check_counterexample, residual_at

Json = Any
HALF = ["/", 1, 2]


def sym(shape: list[Json], role: str, sign: str = "real") -> Json:
    return {"shape": shape, "role": role, "sign": sign}


def at(name: str, *indices: Json) -> Json:
    return ["at", name, *indices]


def family(indices: list[Json], value: Json, key: str = "value") -> Json:
    return {"indices": indices, key: value}


def minus(tree: Json) -> Json:
    return ["*", -1, tree]


def total(index: str, size: str, *factors: Json) -> Json:
    return ["sum", index, size, ["*", *factors]]


def evolves(quantity: Json, rate: Json = 0, indices: Json = ()) -> Json:
    return {"kind": "evolves", "indices": list(indices), "quantity": quantity, "rate": rate}


def equal(left: Json, right: Json) -> Json:
    return {"kind": "equal", "indices": [], "left": left, "right": right}


def gradient(of: Json, value: Json, by: str = "x") -> Json:
    return {"kind": "gradient", "indices": [], "of": of, "by": by, "value": value}


KERNEL_OF_A = family([["k", "M"]], total("i", "N", at("A", "k", "i"), at("z", "i")), "zero")
DATA = {"A": sym(["M", "N"], "constant"), "z": sym(["N"], "constant"), "nu": sym(["M"], "cotangent")}
PULLED_BACK = {"name": "G", **family([["i", "N"]], total("k", "M", at("A", "k", "i"), at("nu", "k")))}


def polar(claim: Json, depth: Json = 2, sign: str = "positive", rate_u: Json = "kappa") -> Json:
    """x_i = (r u_i)^L with u on a sphere, for every loss f(A x)."""
    return {
        "sizes": ["N", "M"],
        "symbols": {
            **DATA,
            "kappa": sym([], "constant", "positive"),
            "L": sym([], "constant", "positive"),
            "r": sym([], "parameter", "positive"),
            "u": sym(["N"], "parameter", sign),
        },
        "definitions": [{"name": "x", **family([["i", "N"]], ["^", ["*", "r", at("u", "i")], depth])}, PULLED_BACK],
        "hypotheses": [KERNEL_OF_A],
        "flow": {
            "pairing": total("i", "N", at("G", "i"), at("x", "i")),
            "held": ["G"],
            "rates": {"r": family([], 1), "u": family([["i", "N"]], rate_u)},
            "spheres": [["u"]],
        },
        "claim": claim,
    }


def law_2(half: Json = HALF, ratio: Json = "kappa", sign: int = 1) -> Json:
    return total("i", "N", at("z", "i"), ["+", ["log", at("u", "i")], ["*", sign, half, ratio, ["^", "r", 2]]])


def law(depth: Json, ratio: Json = "kappa") -> Json:
    """sum z u^(2-L) * exp((2-L) kappa r^2/2)."""
    p = ["+", 2, minus(depth)]
    return ["*", total("i", "N", at("z", "i"), ["^", at("u", "i"), p]), ["exp", ["*", HALF, p, ratio, ["^", "r", 2]]]]


def difference(claim: Json) -> Json:
    """x = u^2 - v^2 for every loss f(A x)."""
    return {
        "sizes": ["N", "M"],
        "symbols": {**DATA, "u": sym(["N"], "parameter", "positive"), "v": sym(["N"], "parameter", "positive")},
        "definitions": [PULLED_BACK],
        "hypotheses": [KERNEL_OF_A],
        "flow": {
            "pairing": total("i", "N", at("G", "i"), ["+", ["^", at("u", "i"), 2], minus(["^", at("v", "i"), 2])]),
            "held": ["G"],
            "rates": {"u": family([["i", "N"]], 1), "v": family([["i", "N"]], 1)},
            "spheres": [],
        },
        "claim": claim,
    }


def two_layers(sign: int = -1) -> Json:
    """W2^T W2 - W1 W1^T along the flow of any loss of W2 W1."""
    outer = ["sum", "j", "P", ["*", at("W2", "j", "k"), at("W2", "j", "l")]]
    inner = ["sum", "i", "N", ["*", at("W1", "k", "i"), at("W1", "l", "i")]]
    body = ["sum", "k", "H", ["*", at("G", "j", "i"), at("W2", "j", "k"), at("W1", "k", "i")]]
    return {
        "sizes": ["N", "H", "P"],
        "symbols": {"G": sym(["P", "N"], "cotangent"), "W1": sym(["H", "N"], "parameter"), "W2": sym(["P", "H"], "parameter")},
        "definitions": [],
        "hypotheses": [],
        "flow": {
            "pairing": ["sum", "i", "N", ["sum", "j", "P", body]],
            "held": ["G"],
            "rates": {"W1": family([["k", "H"], ["i", "N"]], 1), "W2": family([["j", "P"], ["k", "H"]], 1)},
            "spheres": [],
        },
        "claim": evolves(["+", outer, ["*", sign, inner]], indices=[["k", "H"], ["l", "H"]]),
    }


def plain(claim: Json, sign: str = "positive", hypotheses: Json = ()) -> Json:
    """Three scalars and a constant, and no flow."""
    return {
        "sizes": [],
        "symbols": {**{name: sym([], "parameter", sign) for name in "xyr"}, "L": sym([], "constant", "positive")},
        "definitions": [],
        "hypotheses": [family([], zero, "zero") for zero in hypotheses],
        "flow": None,
        "claim": claim,
    }


def prove(node: Json, instance: Json | None = None) -> list[str]:
    statement = read_statement(node)
    return check_instance(statement, certify(statement, instance or {"sizes": {}}, pairs=100))


def sizes(n: int, m: int, **values: Json) -> Json:
    return {"sizes": {"N": n, "M": m}, "values": values}


A_2_4 = [[1, 2, 3, 5], ["1/2", -1, 4, 1]]


@pytest.mark.parametrize("instance", [sizes(2, 1), sizes(4, 2), sizes(4, 2, kappa="3/2"), sizes(4, 2, A=A_2_4), sizes(3, 2, L=7)])
@pytest.mark.parametrize("node", [polar(evolves(law_2())), polar(evolves(law(3)), 3), polar(evolves(law(["/", 5, 2])), ["/", 5, 2])])
def test_the_polar_laws_are_proved(node: Json, instance: Json) -> None:
    assert prove(node, instance) == []


@pytest.mark.parametrize("instance", [sizes(4, 2), sizes(4, 2, L=3), sizes(4, 2, L="7/2", A=A_2_4), sizes(3, 1, L=2)])
def test_the_polar_law_of_any_depth_is_proved(instance: Json) -> None:
    assert prove(polar(evolves(law("L")), "L"), instance) == []


MUTANTS = {
    "sign": polar(evolves(law_2(sign=-1))),
    "half": polar(evolves(law_2(half=1))),
    "ratio": polar(evolves(law_2(ratio=["^", "kappa", -1]))),
    "ratio, depth 3": polar(evolves(law(3, ["^", "kappa", -1])), 3),
    "exponent": polar(evolves(law(4)), 3),
    "rate": polar(evolves(law_2()), rate_u=["^", "kappa", 2]),
    "source": polar(evolves(law_2(), rate="r")),
    "no kernel": polar(evolves(law_2())) | {"hypotheses": []},
    "layers": two_layers(sign=1),
    "asinh": difference(evolves(total("i", "N", at("z", "i"), ["asinh", ["*", at("u", "i"), ["^", at("v", "i"), -1]]]))),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_no_mutant_is_proved(name: str) -> None:
    node = MUTANTS[name]
    with pytest.raises(Rejected, match="leaves"):
        prove(node, {"sizes": dict.fromkeys(node["sizes"], 2)})


def test_the_sphere_is_kept_because_of_its_own_equation() -> None:
    square = total("i", "N", at("u", "i"), at("u", "i"))
    assert prove(polar(evolves(square)), sizes(3, 1)) == []
    free = polar(evolves(square))
    free["flow"]["spheres"] = []
    with pytest.raises(Rejected, match="leaves"):
        prove(free, sizes(3, 1))


def test_balancedness_of_two_layers() -> None:
    assert prove(two_layers(), {"sizes": {"N": 3, "H": 2, "P": 2}}) == []


ASINH = ["asinh", ["*", HALF, ["+", ["^", at("u", "i"), 2], minus(["^", at("v", "i"), 2])], ["^", ["*", at("u", "i"), at("v", "i")], -1]]]
LOG_RATIO = ["log", ["*", at("u", "i"), ["^", at("v", "i"), -1]]]


@pytest.mark.parametrize("term", [ASINH, LOG_RATIO])
@pytest.mark.parametrize("instance", [sizes(4, 2), sizes(4, 2, A=A_2_4)])
def test_the_laws_of_a_difference_of_squares(term: Json, instance: Json) -> None:
    assert prove(difference(evolves(total("i", "N", at("z", "i"), term))), instance) == []


def test_asinh_of_that_argument_is_a_logarithm() -> None:
    assert prove(difference({"kind": "equal", "indices": [["i", "N"]], "left": ASINH, "right": LOG_RATIO}), sizes(3, 1)) == []


def product_of(*factors: Json) -> Json:
    return ["*", *factors]


def power(base: Json, *exponent: Json) -> Json:
    return ["^", base, exponent[0] if len(exponent) == 1 else ["/", *exponent]]


IDENTITIES = {
    "root of a product": (power(product_of("r", "x"), 1, 2), product_of(power("r", 1, 2), power("x", 1, 2))),
    "root of a square": (power(power("x", 2), 1, 2), "x"),
    "root of a perfect square": (power(["+", power("x", 2), product_of(2, "x", "y"), power("y", 2)], 1, 2), ["+", "x", "y"]),
    "roots of two orders": (product_of(power("x", 1, 2), power("x", 1, 3)), power("x", 5, 6)),
    "root of a number": (power(12, 1, 2), product_of(2, power(3, 1, 2))),
    "inverse root": (power(power("x", -1), 1, 2), power("x", -1, 2)),
    "square of a root": (power(power(["+", "x", 1], 1, 2), 2), ["+", "x", 1]),
    "exp of a sum": (["exp", ["+", "x", product_of(HALF, "y")]], product_of(["exp", "x"], power(["exp", "y"], 1, 2))),
    "exp of a log": (["exp", product_of("L", ["log", "x"])], power("x", "L")),
    "log of a power": (["log", power("x", "L")], product_of("L", ["log", "x"])),
    "log of an exp": (["log", product_of("x", ["exp", "y"])], ["+", ["log", "x"], "y"]),
    "log of a number": (["log", ["/", 8, 9]], ["+", product_of(3, ["log", 2]), product_of(-2, ["log", 3])]),
    "symbolic power": (product_of(power("x", ["+", "L", -1]), "x"), power("x", "L")),
    "double power": (power("x", product_of(2, "L")), power(power("x", "L"), 2)),
    "symbolic root": (power(power("x", "L"), power("L", -1)), "x"),
    "moving power": (power("x", "y"), ["exp", product_of("y", ["log", "x"])]),
    "circle": (["+", power(["sin", "x"], 2), power(["cos", "x"], 2)], 1),
    "odd and even": (["+", ["sin", minus("x")], ["cos", minus("x")]], ["+", minus(["sin", "x"]), ["cos", "x"]]),
    "absolute value": (["abs", product_of(-2, "x", ["+", "x", minus("y")])], product_of(2, "x", ["abs", ["+", "y", minus("x")]])),
    "absolute value of a number": (["abs", ["+", -3, minus("x"), "x"]], 3),
    "absolute value of what is negative": (["abs", ["+", -3, minus("x")]], ["+", 3, "x"]),
    "log of a denominator with a fraction": (["log", power(["+", "x", HALF], -1)], ["+", ["log", 2], minus(["log", ["+", product_of(2, "x"), 1]])]),
    "its square": (power(["abs", ["+", "x", minus("y")]], 2), power(["+", "x", minus("y")], 2)),
    "functions at zero": (["+", *([name, ["+", "x", minus("x")]] for name in ("sin", "cos", "atan", "asinh", "atanh", "abs", "exp"))], 2),
    "exp of a fraction": (["exp", product_of(2, power(["+", "x", "y"], -1))], power(["exp", power(["+", "x", "y"], -1)], 2)),
    "atan is odd": (["atan", minus("x")], minus(["atan", "x"])),
    "asinh is odd": (["asinh", minus("x")], minus(["asinh", "x"])),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_an_identity_is_proved_on_the_positive_axis(name: str) -> None:
    assert prove(plain(equal(*IDENTITIES[name]))) == []


DERIVATIVES = {
    "log": (["log", "x"], power("x", -1)),
    "exp": (["exp", power("x", 2)], product_of(2, "x", ["exp", power("x", 2)])),
    "sin": (["sin", power("x", 2)], product_of(2, "x", ["cos", power("x", 2)])),
    "cos": (["cos", product_of(3, "x")], product_of(-3, ["sin", product_of(3, "x")])),
    "asinh": (["asinh", "x"], power(["+", 1, power("x", 2)], -1, 2)),
    "atan": (["atan", product_of(2, "x")], product_of(2, power(["+", 1, product_of(4, "x", "x")], -1))),
    "abs": (["abs", "x"], 1),
    "root": (power(["+", "x", "y"], 1, 3), product_of(["/", 1, 3], power(["+", "x", "y"], -2, 3))),
    "symbolic": (power("x", "L"), product_of("L", power("x", ["+", "L", -1]))),
    "moving": (power("x", "x"), product_of(["+", 1, ["log", "x"]], power("x", "x"))),
    "integral": (["integral", "s", power("x", 2), ["exp", product_of(-1, "s", "s")]], product_of(2, "x", ["exp", minus(power("x", 4))])),
    "symbolic integral": (["integral", "s", "x", power(["+", 1, "s"], "L")], power(["+", 1, "x"], "L")),
}

CONDITIONS = {
    "integral": ["the integral of (1)/(e^(s^2)) for s from 0 to x^2 exists"],
    "symbolic integral": ["s + 1 > 0 for s from 0 to x", "the integral of (s + 1)^(L) for s from 0 to x exists"],
}


@pytest.mark.parametrize("name", DERIVATIVES)
def test_a_derivative_is_proved_and_twice_it_is_not(name: str) -> None:
    of, value = DERIVATIVES[name]
    assert prove(plain(gradient(of, value))) == CONDITIONS.get(name, [])
    with pytest.raises(Rejected, match="leaves"):
        prove(plain(gradient(of, product_of(2, value))))


def test_atanh_lists_its_domain() -> None:
    conditions = prove(plain(gradient(["atanh", "x"], power(["+", 1, minus(power("x", 2))], -1))))
    assert conditions == ["(-1)/(x - 1) > 0", "x - 1 != 0"]


def test_asinh_is_defined_everywhere() -> None:
    """Its logarithm is of x + (1 + x^2)^(1/2), which is positive whatever the sign of x."""
    assert prove(plain(gradient(["asinh", "x"], power(["+", 1, power("x", 2)], -1, 2)), "real")) == []


def test_a_derivative_of_an_absolute_value_keeps_its_sign() -> None:
    assert prove(plain(gradient(["log", ["abs", "x"]], power("x", -1)), "real")) == ["abs(x) != 0", "abs(x) > 0", "x != 0"]
    with pytest.raises(Rejected, match="leaves"):
        prove(plain(gradient(["abs", "x"], 1), "real"))


UNPROVED = {
    "the root of a square": (power(power("x", 2), 1, 2), "x"),
    "the absolute value": (["abs", "x"], "x"),
    "the log of a square": (["log", power("x", 2)], product_of(2, ["log", "x"])),
    "a split root": (power(product_of("x", "y"), 1, 2), product_of(power("x", 1, 2), power("y", 1, 2))),
    "a symbolic power of a square": (power(power("x", 2), "L"), power("x", product_of(2, "L"))),
    "a power of a power": (power(power("x", 4), 1, 4), power(power("x", 2), 1, 2)),
    "exp of a fraction": (["exp", product_of(2, power(["+", "x", power("y", 2)], -1))], power(["exp", power(["+", "x", power("y", 2)], -1)], 3)),
    "plainly false": (["+", "x", "y"], product_of("x", "y")),
}


@pytest.mark.parametrize("name", UNPROVED)
def test_nothing_of_unknown_sign_is_split(name: str) -> None:
    with pytest.raises(Rejected, match="leaves"):
        prove(plain(equal(*UNPROVED[name]), "real"))


NOT_EVEN_COMPUTED = {
    "0/0": (product_of(["+", "x", minus("x")], power(["+", "x", minus("x")], -1)), 1),
    "1/0 by cancellation": (power(["+", power(["+", "x", 1], 2), minus(["+", power("x", 2), product_of(2, "x"), 1])], -1), 1),
    "log 0": (["log", 0], 0),
    "log of a negative number": (["log", -1], 0),
    "root of a negative": (power(minus("x"), 1, 2), "x"),
    "a power of zero": (power(0, "L"), 0),
    "a huge power": (power("x", 100000), 1),
    "a huge root": (power("x", 1, 100000), 1),
    "an integrand that moves": (["integral", "s", "x", product_of("s", "y")], 0),
    "a double integral": (["integral", "s", "x", ["integral", "t", 1, "t"]], 0),
}
WHY = {
    "an integrand that moves": "mentions y: it may depend on constants and on its variable only",
    "a double integral": "holds another integral",
    "log of a negative number": "is negative",
    "0/0": "vanishes identically",
}


@pytest.mark.parametrize("name", NOT_EVEN_COMPUTED)
def test_the_undefined_is_rejected(name: str) -> None:
    with pytest.raises(Rejected) as found:
        prove(plain(equal(*NOT_EVEN_COMPUTED[name])))
    assert "leaves" not in str(found.value)
    assert WHY.get(name, "") in str(found.value)


def test_a_fraction_has_a_denominator() -> None:
    ring = residual(read_statement(plain(equal("x", "y"))), {"sizes": {}}).ring
    x = ring.generator(ring.context.variable_to_index("x")).num
    assert Fraction.of(2 * x * x, 4 * x) == Fraction.of(x, x * 0 + 2)
    for num in (x, x * 0):
        with pytest.raises(ZeroDivisionError):
            Fraction.of(num, x * 0)


def test_definitions_that_double_in_an_integrand_take_no_time() -> None:
    node = plain(gradient(["integral", "s", "x", product_of("s", "d59")], product_of("x", "d59")))
    node["definitions"] = [{"name": f"d{n}", **family([], ["+", *[f"d{n - 1}" if n else "L"] * 2])} for n in range(60)]
    (condition,) = prove(node)
    assert condition == f"the integral of {2**60}*L*s for s from 0 to x exists"


def test_roots_that_do_not_settle_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pass through x^(1/2) x^(1/3) y^(1/2) y^(1/3) finds the order of one more root."""
    roots = product_of(*(power(name, 1, n) for name in "xyr" for n in (2, 3)))
    node = plain(equal(roots, product_of(*(power(name, 5, 6) for name in "xyr"))))
    assert prove(node) == []
    monkeypatch.setattr("proofs_check.kernel.instance.MOST_PASSES", 3)
    with pytest.raises(Rejected, match="did not settle"):
        prove(node)


def test_conditions_are_listed_unless_the_signs_give_them() -> None:
    both = equal(product_of(power("x", -1), ["log", ["+", "y", minus("r")]]), product_of(["log", ["+", "y", minus("r")]], power("x", -1)))
    assert prove(plain(both)) == ["y - r > 0"]
    assert prove(plain(both, "nonzero")) == ["y - r > 0"]
    assert prove(plain(both, "real")) == ["x != 0", "y - r > 0"]


@pytest.mark.parametrize("zero", [1, ["+", 1, power("x", 2)], minus(["+", "x", "y"])])
def test_a_hypothesis_that_cannot_hold_is_rejected(zero: Json) -> None:
    with pytest.raises(Rejected, match="about nothing"):
        prove(plain(equal("x", "y"), hypotheses=[zero]))


def test_a_denominator_that_a_hypothesis_makes_zero_is_rejected() -> None:
    gap = ["+", "x", minus("y")]
    with pytest.raises(Rejected, match="defined nowhere"):
        prove(plain(equal(product_of(gap, power(power(gap, 2), -1)), 7), hypotheses=[gap]))
    one = ["+", power(["sin", "x"], 2), power(["cos", "x"], 2), -1]
    with pytest.raises(Rejected, match="defined nowhere"):
        prove(plain(equal(product_of(one, power(one, -1)), 7)))


def test_a_hypothesis_is_used_and_only_where_it_is_stated() -> None:
    assert prove(plain(equal(power("x", 3), power("y", 3)), hypotheses=[["+", "x", minus("y")]])) == []
    with pytest.raises(Rejected, match="leaves"):  # equal on a line is not equal in derivative
        prove(plain(gradient(power("x", 2), power("y", 2)), hypotheses=[["+", "x", minus("y")]]))


def certificate() -> tuple[Any, Json]:
    statement = read_statement(polar(evolves(law(3)), 3))
    return statement, certify(statement, sizes(4, 2))


def test_a_tampered_certificate_is_rejected() -> None:
    statement, good = certificate()
    assert check_instance(statement, good) == []
    row = good["cofactors"][0]
    assert len(row) == 2
    for part in range(len(row)):
        for term in range(len(row[part]["times"])):
            bad = copy.deepcopy(good)
            bad["cofactors"][0][part]["times"][term][0] = "7/3"
            with pytest.raises(Rejected, match="do not give"):
                check_instance(statement, bad)
        bad = copy.deepcopy(good)
        del bad["cofactors"][0][part]
        with pytest.raises(Rejected, match="do not give"):
            check_instance(statement, bad)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.pop("cofactors"),
        lambda c: c["cofactors"].append([]),
        lambda c: c["cofactors"].clear(),
        lambda c: c["cofactors"][0][0].update(of=[9, [0]]),
        lambda c: c["cofactors"][0][0].update(of="0"),
        lambda c: c["cofactors"][0][0].update(times=[["1", {"q": 1}]]),
        lambda c: c["cofactors"][0][0].update(times=[["1", {"r": -1}]]),
        lambda c: c["cofactors"][0][0].update(times=[[1.5, {"r": 1}]]),
        lambda c: c["instance"].update(sizes={"N": 4}),
        lambda c: c["instance"].update(sizes={"N": 4, "M": 0}),
        lambda c: c["instance"].update(sizes={"N": 4, "M": True}),
        lambda c: c["instance"].update(values={"A": [[1, 2]]}),
        lambda c: c["instance"].update(values={"kappa": "-1/2"}),
        lambda c: c["instance"].update(values={"kappa": "1/0"}),
        lambda c: c["instance"].update(values={"kappa": 0.5}),
        lambda c: c["instance"].update(values={"r": 1}),
        lambda c: c["instance"].update(values={"nu": [1, 2]}),
        lambda c: c["instance"].update(values={"x": [1, 2, 3, 4]}),
    ],
)
def test_a_malformed_certificate_is_rejected(change: Any) -> None:
    statement, bad = certificate()
    change(bad)
    with pytest.raises(Rejected):
        check_instance(statement, bad)


def test_a_claim_about_a_flow_needs_one() -> None:
    with pytest.raises(Rejected, match="the claim is about a flow, and the statement has none"):
        prove(plain(evolves("L")))


def test_what_the_flow_does_not_say_is_not_differentiated() -> None:
    with pytest.raises(Rejected, match="how nu moves"):
        prove(polar(evolves(at("G", 0))), sizes(2, 1))
    still = polar(evolves("r"))
    del still["flow"]["rates"]["r"]
    with pytest.raises(Rejected, match="how 'r' moves"):
        prove(still, sizes(2, 1))


def test_a_flow_that_leaves_its_sphere_is_rejected() -> None:
    two_rates = polar(evolves("r"))
    two_rates["symbols"]["v"] = sym(["N"], "parameter")
    two_rates["flow"]["spheres"] = [["u", "v"]]
    two_rates["flow"]["rates"]["v"] = family([["i", "N"]], 2)
    drifting = polar(evolves("r"))
    drifting["flow"]["drift"] = {"u": family([["i", "N"]], at("u", "i"))}
    for node in (two_rates, drifting):
        with pytest.raises(Rejected, match="leaves the sphere"):
            read_statement(node)


def test_an_explicit_size_without_bound_is_rejected() -> None:
    node = polar(evolves(["sum", "s", 10**9, 1]))
    with pytest.raises(Rejected, match="not a declared size"):
        read_statement(node)


def test_a_hypothesis_about_what_moves_is_rejected() -> None:
    node = polar(evolves("r"))
    node["hypotheses"].append({"indices": [], "zero": ["+", "r", -1]})
    with pytest.raises(Rejected, match="not a constant"):
        read_statement(node)


def test_an_entry_outside_its_shape_is_rejected() -> None:
    assert prove(polar({"kind": "equal", "indices": [], "left": at("u", 2), "right": at("u", 2)}), sizes(3, 1)) == []
    for name in ("u", "x"):
        with pytest.raises(Rejected, match="outside its shape"):
            prove(polar({"kind": "equal", "indices": [], "left": at(name, 2), "right": at(name, 2)}), sizes(2, 1))


def test_a_gradient_by_a_constant_with_a_value_is_rejected() -> None:
    node = plain(gradient(power("x", "L"), product_of(["log", "x"], power("x", "L")), "L"))
    assert prove(node) == []
    with pytest.raises(Rejected, match="which has a value"):
        prove(node, {"sizes": {}, "values": {"L": 2}})
    with pytest.raises(Rejected, match="constant of its integrand"):
        prove(plain(gradient(["integral", "s", "x", product_of("s", "L")], 0, "L")))


def test_a_symbol_may_have_any_name() -> None:
    node = plain(equal(["^", "None", "x"], ["exp", "x"]))
    node["symbols"]["None"] = sym([], "constant", "positive")
    with pytest.raises(Rejected, match="leaves"):
        prove(node)
    node = plain(equal(["^", "e", "x"], ["exp", "x"]))
    node["symbols"]["e"] = sym([], "constant", "positive")
    with pytest.raises(Rejected, match="leaves"):
        prove(node)


def test_time_moves_at_rate_one_and_drift_is_added() -> None:
    node = polar(evolves(["+", "r", product_of("t", "t")], ["+", product_of(2, "t"), "t"]))
    node["symbols"]["t"] = sym([], "time")
    node["flow"] |= {"pairing": 0, "drift": {"r": family([], "t")}}
    assert prove(node, sizes(2, 1)) == []


def test_velocities_agree_with_those_at_a_point() -> None:
    node = polar(evolves(["+", product_of(at("u", 0), at("v", 1)), product_of("r", at("u", 1), at("v", 0))], at("v", 0)), 3, "real")
    node["symbols"]["v"] = sym(["N"], "parameter")
    node["definitions"][0]["value"] = ["+", ["^", product_of("r", at("u", "i")), 3], product_of(at("v", "i"), at("u", "i"))]
    node["flow"] |= {"spheres": [["u", "v"]], "drift": {"r": family([], product_of("r", "kappa"))}}
    node["flow"]["rates"] |= {name: family([["i", "N"]], product_of("kappa", "r")) for name in ("u", "v")}
    values: Json = {"A": [[1, 2]], "z": [2, -1], "nu": ["5/3"], "kappa": "3/4", "L": 1, "r": "2/7", "u": ["1/2", "-1/2"], "v": ["1/10", "7/10"]}
    statement = read_statement(node)
    _, _, exact = check_counterexample(statement, {**sizes(2, 1, **values), "bits": 53})
    found = residual(statement, sizes(2, 1))
    flat = {name: value for name, value in values.items() if isinstance(value, str | int)}
    flat |= {f"{name}[{i}]": part for name in ("z", "nu", "u", "v") for i, part in enumerate(values[name])}
    flat |= {f"A[0,{i}]": part for i, part in enumerate(values["A"][0])}
    numbers = [rational(flat.get(name, 0)) for name in found.ring.context.names()]
    fraction = found.entries[()]
    assert exact == str(fraction.num(*numbers) / fraction.den(*numbers)) != "0"


# Trees over x, y > 0, with derivatives by x written out here: a second route to what the kernel computes.
Pair = tuple[Json, Json]


def _sum(a: Pair, b: Pair) -> Pair:
    return ["+", a[0], b[0]], ["+", a[1], b[1]]


def _product(a: Pair, b: Pair) -> Pair:
    return ["*", a[0], b[0]], ["+", ["*", a[1], b[0]], ["*", a[0], b[1]]]


def _power(a: Pair, p: int, q: int) -> Pair:
    return ["^", a[0], ["/", p, q]], ["*", ["/", p, q], ["^", a[0], ["/", p - q, q]], a[1]]


def _exp(a: Pair) -> Pair:
    return ["exp", a[0]], ["*", ["exp", a[0]], a[1]]


def _log(a: Pair) -> Pair:
    return ["log", ["+", 1, a[0]]], ["*", ["^", ["+", 1, a[0]], -1], a[1]]


def _asinh(a: Pair) -> Pair:
    return ["asinh", a[0]], ["*", ["^", ["+", 1, ["*", a[0], a[0]]], ["/", -1, 2]], a[1]]


LEAVES: list[Pair] = [("x", 1), ("y", 0), (["/", 2, 3], 0)]
POSITIVE = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.builds(_sum, inner, inner),
        st.builds(_product, inner, inner),
        st.builds(_power, inner, st.integers(-3, 3), st.integers(1, 3)),
        st.builds(_exp, inner),
        st.builds(_log, inner),
        st.builds(_asinh, inner),
    ),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None)
@given(pair=POSITIVE, wrong=st.integers(1, 3))
def test_derivatives_agree_with_those_written_out_and_with_the_balls(pair: Pair, wrong: int) -> None:
    of, value = pair
    point = {"sizes": {}, "values": {"x": "3/2", "y": "2/3", "r": 1, "L": 1}, "bits": 300}
    assert residual_at(read_statement(plain(gradient(of, value))), point)[()].contains(0)
    assert prove(plain(gradient(of, value))) is not None
    with pytest.raises(Rejected, match="leaves"):
        prove(plain(gradient(of, ["+", value, wrong])))


# Equations that are true on the positive axis, and often false elsewhere, between trees in x, y of any sign and r > 0.
def _rules(a: Pair, b: Pair) -> list[Pair]:
    (p, q), (s, t) = a, b
    return [
        (["+", p, s], ["+", q, t]),
        (["*", p, s], ["*", q, t]),
        (["*", p, ["^", p, -1]], ["^", s, 0]),
        (["^", ["^", p, 2], HALF], q),
        (["^", ["*", p, s], HALF], ["*", ["^", q, HALF], ["^", t, HALF]]),
        (["^", ["*", ["^", p, 2], s], ["/", -1, 2]], ["*", ["^", q, -1], ["^", t, ["/", -1, 2]]]),
        (["^", ["^", p, ["/", 2, 3]], ["/", 3, 2]], q),
        (["^", ["^", p, 2], "L"], ["^", q, ["*", 2, "L"]]),
        (["log", ["*", p, s]], ["+", ["log", q], ["log", t]]),
        (["log", ["^", p, 2]], ["*", 2, ["log", q]]),
        (["exp", ["*", p, ["log", s]]], ["^", t, q]),
        (["exp", ["+", p, ["*", HALF, s]]], ["*", ["exp", q], ["^", ["exp", t], HALF]]),
        (["log", ["exp", p]], q),
        (["abs", ["*", p, s]], ["*", ["abs", q], ["abs", t]]),
        (["abs", p], q),
        (["^", ["abs", p], 3], ["*", ["^", q, 2], ["abs", q]]),
        (["asinh", ["*", -1, p]], ["*", -1, ["asinh", q]]),
        (["cos", ["*", -1, p]], ["cos", q]),
        (["asinh", ["*", HALF, ["+", p, ["*", -1, ["^", p, -1]]]]], ["log", q]),
        (["atanh", ["*", ["+", ["^", p, 2], -1], ["^", ["+", ["^", p, 2], 1], -1]]], ["log", q]),
    ]


RULES = len(_rules(("x", "x"), ("y", "y")))
EQUATIONS = st.recursive(
    st.sampled_from([("x", "x"), ("y", "y"), ("r", "r"), (["+", "x", "y"], ["+", "y", "x"]), (["*", -1, "r"], ["*", "r", -1])]),
    lambda inner: st.builds(lambda a, b, k: _rules(a, b)[k], inner, inner, st.integers(0, RULES - 1)),
    max_leaves=4,
)


@settings(max_examples=200, deadline=None)
@given(pair=EQUATIONS, x=st.sampled_from(["-3/2", "-1", "2/3"]), y=st.sampled_from(["-4", "-1/3", "5/2"]))
def test_what_is_proved_cannot_be_refuted(pair: Pair, x: str, y: str) -> None:
    node = plain(equal(*pair), "real")
    node["symbols"]["r"]["sign"] = "positive"
    try:
        prove(node)
    except Rejected:
        return
    try:
        found = residual_at(read_statement(node), {"sizes": {}, "values": {"x": x, "y": y, "r": "7/5", "L": "5/3"}, "bits": 200})
    except Rejected:  # not defined at this point
        return
    assert found[()].contains(0)


@pytest.mark.parametrize("rule", range(RULES))
def test_each_equation_is_proved_on_the_positive_axis(rule: int) -> None:
    assert prove(plain(equal(*_rules(("x", "x"), ("y", "y"))[rule]))) is not None


def test_division_leaves_what_is_not_in_the_ideal() -> None:
    ring = residual(read_statement(plain(equal("x", "y"))), {"sizes": {}}).ring
    x, y, r = (ring.generator(ring.context.variable_to_index(name)).num for name in "xyr")
    members = [x * y - 1, y * y - x, r * 0]
    for p, inside in ((x**3 - 1, True), (x * x - y, True), (y**2 - 1, False), (x - r, False)):
        cofactors, rest = divide(p, members)
        assert sum((c * g for c, g in zip(cofactors, members, strict=True)), rest) == p
        assert rest.is_zero() == inside
