"""Signs at sight against values in fractions, and what a certificate of an inequality may not get away with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from proofs_check.kernel import FORMAT, Rejected, check
from proofs_check.kernel.language import read_family, read_statement
from proofs_check.kernel.nonnegative import sign

Json = Any
SIGNS = {"p": "positive", "n": "nonnegative", "z": "nonzero", "x": "real", "y": "real"}


def stated(claim: Json, **others: Json) -> Json:
    symbols = {name: {"role": "constant", "shape": [], "sign": given} for name, given in SIGNS.items()}
    symbols |= {"a": {"role": "constant", "shape": ["N"], "sign": "real"}, "b": {"role": "constant", "shape": ["N"], "sign": "real"}}
    claim = {"kind": "at-most", "indices": [], "strict": False, "where": [], **claim}
    return {"sizes": ["N"], "symbols": symbols, "definitions": [], "hypotheses": [], "flow": None, **others, "claim": claim}


def certified(witness: Json, claim: Json, *, cofactors: Json = (), more: Mapping[str, Json] | None = None, **others: Json) -> Json:
    proof = {"witness": witness, "gradient": {}, "cofactors": list(cofactors)}
    return {"format": FORMAT, "kind": "inequality", "statement": stated(claim, **others), **proof, **(more or {})}


def seen(tree: Json, *, where: tuple[str, ...] = ()) -> str:
    room = {"name": "room", "indices": [], "value": ["+", 1, ["*", -1, "x"]]}
    statement = read_statement(stated({"left": 0, "right": 1, "where": list(where)}, definitions=[room]))
    return sign(statement, read_family(statement, {"indices": [], "value": tree}).value)


@pytest.mark.parametrize(
    ("tree", "known"),
    [
        (0, "nonnegative"),
        (["/", -1, 2], "nonzero"),
        ("N", "positive"),
        (["^", "x", 2], "nonnegative"),
        (["^", "x", 3], "real"),
        (["^", "x", 0], "nonnegative"),
        (["^", "z", 2], "positive"),
        (["^", "z", 3], "nonzero"),
        (["^", "n", 3], "nonnegative"),
        (["^", "n", ["/", 1, 2]], "nonnegative"),
        (["^", "x", ["/", 2, 3]], "real"),  # at exponents that are numbers of a symbol, too
        (["^", "x", "p"], "real"),
        (["^", "n", "x"], "real"),
        (["^", "p", "x"], "positive"),
        (["exp", "x"], "positive"),
        (["log", "p"], "real"),
        (["abs", "x"], "nonnegative"),
        (["abs", "z"], "positive"),
        (["atan", "n"], "nonnegative"),
        (["sin", "p"], "real"),
        (["+", "p", "n"], "positive"),
        (["+", "n", "n"], "nonnegative"),
        (["+", "p", "z"], "real"),
        (["+"], "nonnegative"),
        (["*", "p", "n"], "nonnegative"),
        (["*", "p", "z"], "nonzero"),
        (["*", "n", "z"], "real"),
        (["*", -1, "p"], "nonzero"),
        (["sum", "i", "N", ["^", ["at", "a", "i"], 2]], "nonnegative"),
        (["sum", "i", "N", ["exp", ["at", "a", "i"]]], "positive"),
        (["sum", "i", "N", "z"], "real"),
        ("room", "real"),
        (["integral", "v", "p", 1], "real"),
    ],
)
def test_what_is_seen_of_a_sign(tree: Json, known: str) -> None:
    assert seen(tree) == known


def test_a_condition_of_the_claim_is_nonnegative() -> None:
    assert seen("room", where=("room",)) == "nonnegative"
    assert seen(["*", "p", "room"], where=("room",)) == "nonnegative"


@pytest.mark.parametrize("t", ["p", ["*", "p", "x"], ["+", 1, "x"], ["exp", "x"]])
def test_the_logarithm_lies_below_its_tangent(t: Json) -> None:
    minus_log = ["*", -1, ["log", t]]
    parts = t[1:] if t[0] == "+" else [t]
    for tree in (["+", t, -1, minus_log], ["+", minus_log, -1, t], ["+", -1, *parts, minus_log]):
        assert seen(tree) == "nonnegative"
    for tree in (
        ["+", t, -2, minus_log],
        ["+", t, minus_log],
        ["+", t, -1, ["log", t]],
        ["+", t, -1, ["*", -2, ["log", t]]],
        ["+", t, -1, -1, minus_log],
        ["+", t, -1, ["*", -1, ["log", "n"]]],
        ["+", ["*", ["/", 1, 2], t], -1, minus_log],
    ):
        assert seen(tree) == "real"


def random_tree(random: Random, depth: int) -> Json:
    if depth == 0:
        return random.choice([*SIGNS, 0, 1, -2, ["/", 3, 2]])
    kind = random.choice("++**^")
    if kind == "^":
        return ["^", random_tree(random, depth - 1), random.choice([-2, -1, 1, 2, 3])]
    return [kind, *(random_tree(random, depth - 1) for _ in range(random.choice((1, 2, 3))))]


def value(tree: Json, at: Mapping[str, Fraction]) -> Fraction:
    match tree:
        case str():
            return at[tree]
        case int():
            return Fraction(tree)
        case ["/", p, q]:
            return Fraction(p, q)
        case ["+", *args]:
            return sum((value(arg, at) for arg in args), Fraction(0))
        case ["*", *args]:
            product = Fraction(1)
            for arg in args:
                product *= value(arg, at)
            return product
        case ["^", base, exponent]:
            return value(base, at) ** exponent
    raise AssertionError(tree)


def test_signs_are_those_of_values() -> None:
    random = Random(5)
    holds = {"positive": lambda v: v > 0, "nonnegative": lambda v: v >= 0, "nonzero": lambda v: v != 0, "real": lambda v: True}
    told = dict.fromkeys(holds, 0)
    for _ in range(1500):
        tree = random_tree(random, random.choice((1, 2, 3)))
        known = seen(tree)
        told[known] += 1
        for _ in range(8):
            at = {name: Fraction(random.choice((-3, -1, 0, 1, 2)), random.choice((1, 2))) for name in SIGNS}
            at |= {"p": abs(at["p"]) or Fraction(1, 3), "n": abs(at["n"]), "z": at["z"] or Fraction(-1)}
            try:
                found = value(tree, at)
            except ZeroDivisionError:
                continue
            assert holds[known](found), (tree, at)
    assert min(told.values()) > 20  # every answer occurred


CAUCHY = {
    "left": ["^", ["sum", "i", "N", ["*", ["at", "a", "i"], ["at", "b", "i"]]], 2],
    "right": ["*", ["sum", "i", "N", ["^", ["at", "a", "i"], 2]], ["sum", "i", "N", ["^", ["at", "b", "i"], 2]]],
}
MIXED = ["+", ["*", ["at", "a", "i"], ["at", "b", "j"]], ["*", -1, ["at", "a", "j"], ["at", "b", "i"]]]
LAGRANGE = ["*", ["/", 1, 2], ["sum", "i", "N", ["sum", "j", "N", ["^", MIXED, 2]]]]
TANGENT = ["+", "p", -1, ["*", -1, ["log", "p"]]]
ROOM = {"name": "room", "indices": [], "value": ["+", 1, ["*", -1, "x"]]}


def point(**given: Json) -> Json:
    values = {"p": 1, "n": 1, "z": 1, "x": 0, "y": 0, "a": [0, 1], "b": [1, 2], **given}
    return {"sizes": {"N": 2}, "values": values, "bits": 64}


# y' = -y^3 along the gradient flow of y^4/4
FALLING: Json = {
    "pairing": ["*", ["/", 1, 4], ["^", "v", 4]],
    "held": [],
    "rates": {"v": {"indices": [], "value": 1}},
    "spheres": [],
    "drift": {},
}


def moving(claim: Json) -> Json:
    node = stated(claim, flow=FALLING)
    node["symbols"]["v"] = {"role": "parameter", "shape": [], "sign": "real"}
    return node


def under_a_condition(**given: Json) -> Json:
    """x <= 1 where 1 - x >= 0."""
    return certified("room", {"left": "x", "right": 1, "where": ["room"]}, definitions=[ROOM], more={"point": point(**given)})


def test_inequalities_with_their_witnesses() -> None:
    accepted = check(certified(LAGRANGE, CAUCHY))
    assert accepted.text == "the left side is at most the right side, for all N"
    assert check(certified(TANGENT, {"left": ["log", "p"], "right": ["+", "p", -1]})).outcome == "proved"
    assert check(under_a_condition()).text == "the left side is at most the right side, where room >= 0, for all N"


def test_a_witness_of_another_sign_or_value_is_rejected() -> None:
    for witness in (["*", -1, LAGRANGE], ["*", 2, LAGRANGE], ["^", "x", 2], "x", 0):
        with pytest.raises(Rejected):
            check(certified(witness, CAUCHY))


def test_a_strict_inequality_needs_a_positive_witness() -> None:
    assert check(certified(["+", 1, ["^", "x", 2]], {"left": ["*", -1, ["^", "x", 2]], "right": 1, "strict": True})).outcome == "proved"
    with pytest.raises(Rejected, match="positive"):
        check(certified(["^", "x", 2], {"left": 0, "right": ["^", "x", 2], "strict": True}))
    with pytest.raises(Rejected, match="positive"):
        check(certified(LAGRANGE, {**CAUCHY, "strict": True}))


@pytest.mark.parametrize(("bound", "holds"), [(0, True), (["*", -2, ["^", "v", 4]], True), (["*", -3, ["^", "v", 4]], False)])
def test_rates_along_a_flow_with_their_witnesses(bound: Json, holds: bool) -> None:
    """d/dt v^2 = -2 v^4, for all sizes and at explicit ones; that it is at most -3 v^4 fails wherever v is not 0."""
    claim = {"quantity": ["^", "v", 2], "right": bound}
    witness = ["*", 2, ["^", "v", 4]] if bound == 0 else 0
    begin = {"format": FORMAT, "kind": "inequality", "statement": moving(claim)}
    proofs = (
        begin | {"witness": witness, "gradient": {"v": {"indices": [], "value": ["^", "v", 3]}}, "cofactors": []},
        begin | {"instance": {"sizes": {"N": 2}, "values": {}}, "proofs": [{"witness": witness, "cofactors": []}]},
    )
    values = point()["values"] | {"v": "-2/3"}
    violation = begin | {"kind": "counterexample", "sizes": {"N": 2}, "values": values, "bits": 64}
    if holds:
        told = [check(proof).text for proof in proofs]
        assert told == [f"the rate of change along the flow is at most the right side, {where}" for where in ("for all N", "at N = 2")]
        with pytest.raises(Rejected, match="no entry of the inequality certainly fails"):
            check(violation)
        return
    for proof, words in zip(proofs, ("the residual is not zero: v", "do not give the numerator of the residual"), strict=True):
        with pytest.raises(Rejected, match=words):
            check(proof)
    assert "the left side less the right one is [0.19753086419753086" in check(violation).text  # (2/3)^4 = 16/81


def test_conditions_must_be_met_somewhere() -> None:
    with pytest.raises(Rejected, match="room >= 0 is not certainly met"):
        check(under_a_condition(x=2))
    with pytest.raises(Rejected):
        check({key: part for key, part in under_a_condition().items() if key != "point"})
    never = {"name": "room", "indices": [], "value": ["+", -1, ["*", -1, ["^", "x", 2]]]}  # -1 - x^2 >= 0 would prove that 1 <= -x^2
    with pytest.raises(Rejected, match="room >= 0 is not certainly met"):
        check(certified("room", {"left": 1, "right": ["*", -1, ["^", "x", 2]], "where": ["room"]}, definitions=[never], more={"point": point()}))


@pytest.mark.parametrize(("sizes", "values"), [({"N": 3}, {}), ({"N": 2}, {"x": "1/2"}), ({"N": 2}, {"a": [0, 2]})])
def test_the_point_is_one_of_the_instance(sizes: Json, values: Json) -> None:
    def at(own: Json, given: Json) -> Json:
        statement = stated({"left": "x", "right": 1, "where": ["room"]}, definitions=[ROOM])
        proofs = {"instance": {"sizes": own, "values": given}, "proofs": [{"witness": "room", "cofactors": []}]}
        return {"format": FORMAT, "kind": "inequality", "statement": statement, "point": point(), **proofs}

    assert check(at({"N": 2}, {"x": 0})).text.endswith("at N = 2, x = 0")
    with pytest.raises(Rejected):
        check(at(sizes, values))


def test_long_chains_of_definitions_are_read_once() -> None:
    chain: list[Json] = [{"name": "d0", "indices": [], "value": ["^", "x", 2]}]
    chain += [{"name": f"d{n}", "indices": [], "value": ["*", f"d{n - 1}", f"d{n - 1}"]} for n in range(1, 60)]
    statement = read_statement(stated({"left": 0, "right": 1}, definitions=chain))
    assert sign(statement, read_family(statement, {"indices": [], "value": "d59"}).value) == "nonnegative"


def test_a_condition_that_is_not_named_has_no_sign() -> None:
    with pytest.raises(Rejected, match="sign"):
        check(certified("room", {"left": "x", "right": 1}, definitions=[ROOM]))


def test_a_witness_may_not_divide_by_what_vanishes() -> None:
    """With x = 0, -1 - x^-2 = x (-x^-1 - x^-3): a sign, an identity, and nonsense."""
    witness, times = ["^", "x", -2], ["+", ["*", -1, ["^", "x", -1]], ["*", -1, ["^", "x", -3]]]
    cofactors = [{"hypothesis": 0, "at": {}, "bound": [], "times": times}]
    for hypothesis in ("x", ["*", "x", "y"]):
        with pytest.raises(Rejected):
            check(certified(witness, {"left": 1, "right": 0}, cofactors=cofactors, hypotheses=[{"indices": [], "zero": hypothesis}]))


def test_a_witness_may_not_narrow_the_domain() -> None:
    claim = {"left": 0, "right": ["^", "x", 2]}
    assert check(certified(["^", "x", 2], claim)).conditions == ()
    for witness in (["*", ["^", "x", 3], ["^", "x", -1]], ["exp", ["*", 2, ["log", "x"]]]):
        with pytest.raises(Rejected):
            check(certified(witness, claim))


@pytest.mark.parametrize("witness", [["^", ["^", "x", 2], ["/", 1, 2]], ["abs", "x"], ["exp", ["*", ["/", 1, 2], ["log", ["^", "x", 2]]]]])
def test_a_root_of_a_square_is_not_what_was_squared(witness: Json) -> None:
    claim = {"left": 0, "right": "x"}
    with pytest.raises(Rejected):
        check(certified(witness, claim))
    for cofactors in ([], [{"of": ["relation", 0], "times": [["1", {}]]}]):
        proofs = [{"witness": witness, "cofactors": cofactors}]
        with pytest.raises(Rejected):
            check(
                {"format": FORMAT, "kind": "inequality", "statement": stated(claim), "instance": {"sizes": {"N": 1}, "values": {}}, "proofs": proofs}
            )


def at_two(witnesses: list[Json], right: Json = None) -> Json:
    """0 <= a_i^2 + i-th of anything, entry by entry, at N = 2."""
    claim = {"left": 0, "right": right or ["^", ["at", "a", "i"], 2], "indices": [["i", "N"]]}
    proofs = [{"witness": witness, "cofactors": []} for witness in witnesses]
    return {"format": FORMAT, "kind": "inequality", "statement": stated(claim), "instance": {"sizes": {"N": 2}, "values": {}}, "proofs": proofs}


def test_each_entry_has_a_witness_of_its_own() -> None:
    first, second = ["^", ["at", "a", 0], 2], ["^", ["at", "a", 1], 2]
    assert check(at_two([first, second])).text == "the left side is at most the right side, at N = 2"
    for wrong in ([second, first], [first, first], [first], [first, second, second], []):
        with pytest.raises(Rejected):
            check(at_two(wrong))
    with pytest.raises(Rejected):
        check(at_two([first, ["^", ["at", "a", 2], 2]]))


def test_entries_of_an_integral() -> None:
    """0 <= exp of the integral of exp(b_i s^2) from 0 to a_i, with the i-th entries of both in the witness for i."""

    def power(upper: Json, inner: Json) -> Json:
        return ["exp", ["integral", "s", ["at", "a", upper], ["exp", ["*", ["at", "b", inner], ["^", "s", 2]]]]]

    assert check(at_two([power(0, 0), power(1, 1)], power("i", "i"))).outcome == "proved"
    for upper, inner in ((1, 0), (0, 1), (0, 0)):
        with pytest.raises(Rejected, match="do not give the numerator of the residual"):
            check(at_two([power(0, 0), power(upper, inner)], power("i", "i")))


def test_the_conditions_of_the_statement_itself_are_told() -> None:
    claim = {"left": 0, "right": ["^", "x", -2]}
    assert check(certified(["^", "x", -2], claim)).conditions == ("x != 0",)


@pytest.mark.parametrize("strict", [False, True])
def test_violations(strict: bool) -> None:
    def violated(x: Json) -> Json:
        statement = stated({"left": "x", "right": ["^", "x", 2], "strict": strict, "where": ["room"]}, definitions=[ROOM])
        return {"format": FORMAT, "kind": "counterexample", "statement": statement, **point(x=x)}

    assert check(violated("1/2")).outcome == "refuted"
    for x in ("0", "1"):  # equality
        if strict:
            assert check(violated(x)).outcome == "refuted"
        else:
            with pytest.raises(Rejected, match="certainly fails"):
                check(violated(x))
    with pytest.raises(Rejected):
        check(violated("-1"))
    with pytest.raises(Rejected, match="room"):  # outside the domain
        check(violated("3/2"))


def changed(node: Json) -> Iterator[Json]:
    """The certificate with one number changed, in every way that is a number again."""
    if isinstance(node, bool):
        yield not node
    elif isinstance(node, int):
        yield from (node + 1, -node - 1)
    elif isinstance(node, list):
        for n, part in enumerate(node):
            yield from ([*node[:n], other, *node[n + 1 :]] for other in changed(part))
    elif isinstance(node, dict):
        for key, part in node.items():
            yield from ({**node, key: other} for other in changed(part))


@pytest.mark.parametrize(
    "tree",
    [
        ["+", -1, ["*", -1, ["log", "p"]]],  # -1 at p = 1: t is missing
        ["+", "p", ["*", -1, ["log", "p"]], -2],
        ["+", "p", "p", -1, ["*", -1, ["log", "p"]]],
        ["+", "p", -1, ["*", -1, ["log", ["+", "p", "n"]]]],  # a part of t
        ["+", "p", -1, ["log", "p"]],
        ["+", "p", -1, ["*", -2, ["log", "p"]]],
        ["+", ["+", "p", "n"], "p", -1, ["*", -1, ["log", ["+", "p", "n"]]]],
    ],
)
def test_what_is_not_above_its_tangent(tree: Json) -> None:
    assert seen(tree) == "real"
    with pytest.raises(Rejected, match="not seen to be nonnegative"):
        check(certified(tree, {"left": 0, "right": tree}))


@pytest.mark.parametrize("certificate", [certified(LAGRANGE, CAUCHY), certified(TANGENT, {"left": ["log", "p"], "right": ["+", "p", -1]})])
def test_no_number_can_be_changed(certificate: Json) -> None:
    count = 0
    for tampered in changed(certificate):
        count += 1
        with pytest.raises(Rejected):
            check(tampered)
    assert count > 6


@pytest.mark.parametrize(
    "claim",
    [
        {"left": "x", "right": 1, "where": ["x"]},
        {"left": "x", "right": 1, "where": "room"},
        {"left": "x", "right": 1, "strict": 1},
        {"left": "x", "quantity": "x", "right": 1},
        {"right": 1},
        {"quantity": "x", "right": 1},
    ],
)
def test_malformed_claims_are_rejected(claim: Json) -> None:
    with pytest.raises(Rejected):
        check(certified("room", claim, definitions=[ROOM], more={"point": point()}))


def test_other_kinds_do_not_take_inequalities() -> None:
    statement = stated(CAUCHY)
    for kind, rest in (
        ("all-sizes", {"gradient": {}, "cofactors": []}),
        ("instance", {"instance": {"sizes": {"N": 2}, "values": {}}, "cofactors": [[]]}),
    ):
        with pytest.raises(Rejected):
            check({"format": FORMAT, "kind": kind, "statement": statement, **rest})
    identity = {"kind": "equal", "indices": [], "left": 1, "right": 1}
    with pytest.raises(Rejected, match="not an inequality"):
        check({**certified(0, CAUCHY), "statement": {**statement, "claim": identity}})
