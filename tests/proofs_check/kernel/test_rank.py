"""Counts of laws: those of the paper are accepted, and every way to count wrongly is refused."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import pytest

from proofs_check.counting import count
from proofs_check.division import certify
from proofs_check.kernel import Rejected, check
from proofs_check.kernel.language import read_statement
from theory.papers import chou_rauhut_ward
from theory.statements import Complete, Part

Json = Any
COUNTS: Mapping[str, Part] = {
    f"{statement.id}, {part.label}": part
    for statement in chou_rauhut_ward.paper().statements
    for part in statement.parts
    if isinstance(part.assertion, Complete)
}


@cache
def certificate(name: str) -> Json:
    found = count(COUNTS[name])
    assert found.outcome == "proved", found.reason
    return found.certificate


def changed(name: str, *path: Any, to: Json) -> Json:
    node = copy.deepcopy(certificate(name))
    place = node
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return node


@pytest.mark.parametrize("name", COUNTS)
def test_a_count_of_the_paper_is_accepted_and_cannot_be_tampered_with(name: str) -> None:
    node = certificate(name)
    assert check(node).outcome == "proved"
    laws, values, controls = node["laws"], node["point"]["values"], node["controls"]
    symbols = node["statement"]["symbols"]
    moving = next(n for n, s in symbols.items() if s["role"] == "parameter" and s["shape"])
    tampered = [
        changed(name, "statement", "claim", "count", to=node["statement"]["claim"]["count"] + 1),
        changed(name, "statement", "claim", "count", to=node["statement"]["claim"]["count"] - 1),
        changed(name, "point", "values", moving, to=[*values[moving][:-1], "1/3"]),
        changed(name, "point", "values", "kappa", to="-1"),
        changed(name, "point", "bits", to=1),
        changed(name, "controls", to={}),
        changed(name, "controls", to=controls | {"width": 1, "order": 0}),
        changed(name, "controls", "prime", to=2**31),
        changed(name, "laws", to=laws[:-1]),
        changed(name, "laws", to=[*laws[:-1], laws[0]]),
        changed(name, "laws", 0, "certificate", "statement", "claim", "rate", to=["*", 0, 1]),
        changed(name, "laws", 0, "certificate", "statement", "claim", "rate", to=1),
        changed(name, "laws", 0, "certificate", "cofactors", to=[]),
        changed(name, "laws", 0, "certificate", "statement", "sizes", to=["M", "N"]),
        changed(name, "laws", -1, "values", to=[]),
        changed(name, "laws", -1, "values", to=[laws[-1]["values"][0]] * len(laws[-1]["values"])) if len(laws[-1]["values"]) > 1 else {},
    ]
    for choice, vector in laws[-1]["values"][0].items():
        tampered.append(changed(name, "laws", -1, "values", 0, choice, to=[*vector[:-1], "17/3"]))
    tampered += [changed(name, "laws", -1, "values", 0, to=wrong) for wrong in ({"kappa": "1"}, {moving: values[moving]})]
    for n, node in enumerate(tampered):
        with pytest.raises(Rejected):
            pytest.fail(f"tampering {n} was accepted: {check(node).text}")


# ---- small flows ---------------------------------------------------------------------------------------------------------------------------------


def sym(shape: list[Json], role: str, sign: str = "real") -> Json:
    return {"shape": shape, "role": role, "sign": sign}


def family(indices: list[Json], value: Json) -> Json:
    return {"indices": indices, "value": value}


def flow(pairing: Json, rates: Json, spheres: Json = (), drift: Json = None) -> Json:
    return {"pairing": pairing, "held": [], "rates": rates, "spheres": list(spheres), "drift": drift or {}}


LINE: Json = {
    "sizes": [],
    "symbols": {"x": sym([], "parameter"), "nu": sym([], "cotangent"), "z": sym([], "constant"), "L": sym([], "constant", "positive")},
    "definitions": [],
    "hypotheses": [],
    "flow": flow(["*", "nu", "x"], {"x": family([], 1)}),
}
VALUES: Json = {"x": 2, "nu": 1, "z": 0, "L": 2}
CIRCLE: Json = {
    "sizes": [],
    "symbols": {"u": sym([2], "parameter"), "h": sym([2], "cotangent")},
    "definitions": [],
    "hypotheses": [],
    "flow": flow(["sum", "i", 2, ["*", ["at", "h", "i"], ["at", "u", "i"]]], {"u": family([["i", 2]], 1)}, [["u"]]),
}


CONTROLS: Json = {"prime": 2**31 - 1, "width": 6, "order": 4, "seed": 0}
BALLS: Json = CONTROLS | {"prime": None}


def counted(setting: Json, number: int, values: Json, laws: Json = (), controls: Json = CONTROLS) -> Json:
    return {
        "format": "polarflow.certificate/1",
        "kind": "count",
        "statement": {**setting, "claim": {"kind": "count", "count": number, "indices": []}},
        "point": {"sizes": {}, "values": values, "bits": 100},
        "controls": controls,
        "laws": list(laws),
    }


def between(least: int, most: int, node: Json) -> Json:
    return {**node, "statement": {**node["statement"], "claim": {"kind": "between", "least": least, "most": most, "indices": []}}}


def law(setting: Json, quantity: Json, gradient: Json, values: Json = ({},), cofactors: Json = ()) -> Json:
    statement = {**setting, "claim": {"kind": "evolves", "indices": [], "quantity": quantity, "rate": 0}}
    return {"certificate": {"kind": "all-sizes", "statement": statement, "gradient": gradient, "cofactors": list(cofactors)}, "values": list(values)}


def at_instance(setting: Json, quantity: Json, given: Json = None, values: Json = ({},)) -> Json:
    """A law proved at an instance."""
    statement = {**setting, "claim": {"kind": "evolves", "indices": [], "quantity": quantity, "rate": 0}}
    found = certify(read_statement(statement), {"sizes": {}, "values": given or {}})
    return {"certificate": {"kind": "instance", "statement": statement, **found}, "values": list(values)}


def at_z(value: Json) -> Json:
    """z x is conserved at z = 0, proved at that instance."""
    return at_instance(LINE, ["*", "z", "x"], {"z": 0}, [{"z": value}])


def on_circle() -> Json:
    """|u|^2 is conserved on the circle."""
    norm = ["sum", "j", 2, ["^", ["at", "u", "j"], 2]]
    inner = ["sum", "j", 2, ["*", ["at", "u", "j"], ["at", "h", "j"]]]
    cofactor = {"hypothesis": 0, "at": {}, "bound": [], "times": ["*", 2, inner]}
    return law(CIRCLE, norm, {"u": family([["i", 2]], ["at", "h", "i"])}, cofactors=[cofactor])


def vanishing_on_circle() -> Json:
    """u_0 (|u|^2 - 1) is conserved on the circle, where it is 0; its gradient is u_0 times that of the norm."""
    return at_instance(CIRCLE, ["*", ["at", "u", 0], ["+", ["^", ["at", "u", 0], 2], ["^", ["at", "u", 1], 2], -1]])


AT_CIRCLE: Json = {"u": ["3/5", "4/5"], "h": [0, 0]}
TIMED: Json = {**LINE, "symbols": {"x": sym([], "parameter"), "t": sym([], "time")}, "flow": flow(0, {}, drift={"x": family([], 1)})}
DRIVEN: Json = {**LINE, "flow": flow(["*", "z", "nu", "x"], {"x": family([], 1)})}
STILL: Json = {**LINE, "flow": flow(["*", "nu", "z"], {"x": family([], 1)})}


def plane(drift_x: Json, drift_y: Json, cotangent: str = "real", parameter: str = "real") -> Json:
    symbols = {"x": sym([], "parameter", parameter), "y": sym([], "parameter"), "a": sym([], "cotangent", cotangent), "b": sym([], "cotangent")}
    return {**LINE, "symbols": symbols | {"L": LINE["symbols"]["L"]}, "flow": flow(0, {}, drift={"x": family([], drift_x), "y": family([], drift_y)})}


IN_PLANE: Json = {"x": 1, "y": "1/2", "a": 1, "b": 1, "L": 2}
DIFFERENCE: Json = ["+", "x", ["*", -1, "y"]]


def test_small_counts_are_accepted() -> None:
    assert check(counted(LINE, 0, VALUES)).text.startswith("near the point and for its constants, 0 independent laws")
    circle = check(counted(CIRCLE, 1, AT_CIRCLE, [on_circle()])).text
    assert "1 independent laws" in circle
    assert "the norms on its spheres counted" in circle
    assert "1 independent laws" in check(counted(STILL, 1, VALUES, [law(STILL, "x", {"x": family([], 0)})])).text
    assert "0 independent laws" in check(counted(LINE, 0, VALUES, [at_z(0)])).text
    moving = check(counted(TIMED, 1, {"x": 1, "t": 1}, [law(TIMED, ["+", "x", ["*", -1, "t"]], {})]))
    assert "1 independent laws" in moving.text
    assert "1 independent laws hold, and no more: of 2 dimensions the flow and its Lie brackets span 1" in moving.text


def test_what_vanishes_on_a_sphere_counts_once_with_its_norm() -> None:
    laws = [on_circle(), vanishing_on_circle()]
    assert "1 independent laws" in check(counted(CIRCLE, 1, AT_CIRCLE, laws)).text
    assert "1 independent laws" in check(counted(CIRCLE, 1, AT_CIRCLE, laws[1:])).text
    with pytest.raises(Rejected, match="the statement says 2"):
        check(counted(CIRCLE, 2, AT_CIRCLE, laws))


def test_a_count_from_below_and_above() -> None:
    open_ = plane(0, 0)
    laws = [law(open_, name, {}) for name in ("x", "y")]
    for least, most, given, accepted in [
        (0, 2, laws[:0], "at least 0"),
        (1, 2, laws[:1], "at least 1"),
        (0, 5, laws[:1], "at least 1"),
        (2, 2, laws, "2 independent laws"),
    ]:
        assert accepted in check(between(least, most, counted(open_, 0, IN_PLANE, given))).text
    for least, most, given in [(1, 2, laws[:0]), (0, 1, laws[:1]), (2, 1, laws), (3, 3, laws), (0, 0, laws[:0])]:
        with pytest.raises(Rejected, match="the statement says"):
            check(between(least, most, counted(open_, 0, IN_PLANE, given)))


def test_a_condition_on_functions_is_left_to_the_quantity_where_the_flow_has_none() -> None:
    """1/(exp x - 2) is conserved where x is, and its gradient cannot be taken at exp x = 2; a flow with functions may need the condition as well."""
    quantity = ["^", ["+", ["exp", "x"], -2], -1]
    rational, other = plane(0, "a"), plane(0, ["*", "a", ["exp", "x"]])
    assert "1 independent laws" in check(counted(rational, 1, IN_PLANE, [at_instance(rational, quantity)])).text
    with pytest.raises(Rejected, match=r"a condition that is not checked at the point: e\^\(x\) - 2 != 0"):
        check(counted(other, 1, IN_PLANE, [at_instance(other, quantity)], BALLS))


def test_more_laws_than_there_is_room_for_is_an_error_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    node = counted(STILL, 1, VALUES, [law(STILL, "x", {"x": family([], 0)})])
    monkeypatch.setattr("proofs_check.kernel.rank.reached", lambda *_: 1)
    for claimed in (node, between(0, 1, node), between(1, 1, node)):
        with pytest.raises(Rejected, match="one of the two is wrong"):
            check(claimed)


@pytest.mark.parametrize("wrong", [-1, True, None, "1", 1.0])
def test_a_number_of_laws_that_is_none_is_rejected(wrong: Json) -> None:
    node = counted(LINE, 0, VALUES)
    for claim in ({"kind": "count", "count": wrong}, {"kind": "between", "least": wrong, "most": 1}, {"kind": "between", "least": 0, "most": wrong}):
        with pytest.raises(Rejected):
            check({**node, "statement": {**node["statement"], "claim": {**claim, "indices": []}}})


FALSE: Mapping[str, tuple[Callable[[], Json], str]] = {
    "off the sphere": (lambda: counted(CIRCLE, 0, {"u": [2, 3], "h": [1, 1]}), "violates hypothesis"),
    "a law proved for another constant": (lambda: counted(LINE, 1, VALUES, [at_z(1)]), "other constants"),
    "a law proved at other sizes": (lambda: counted(LINE, 1, VALUES, [changed_sizes()]), "neither"),
    "a law whose condition fails at the point": (
        lambda: counted(
            LINE,
            1,
            VALUES | {"x": -1},
            [law(LINE, ["+", ["^", ["^", "x", "L"], ["/", 1, 2]], ["*", -1, ["^", "x", ["*", ["/", 1, 2], "L"]]]], {"x": family([], "nu")})],
        ),
        "x > 0",
    ),
    "a law under a condition that cannot be evaluated": (
        lambda: counted(LINE, 1, VALUES, [law(LINE, ["integral", "s", "L", ["^", "s", -1]], {"x": family([], "nu")})]),
        "was not enclosed",
    ),
    "a law for positive cotangents alone": (lambda: counted(HALF, 1, IN_PLANE, [law(HALF, name, {}) for name in "xy"], BALLS), r"a\[\] has no value"),
    "a law at explicit sizes for nonzero cotangents alone": (
        lambda: counted(INVERSE, 1, IN_PLANE, [at_instance(INVERSE, DIFFERENCE)]),
        "depends on a",
    ),
    "a law at explicit sizes whose condition fails at the point": (
        lambda: counted(plane(0, 0), 1, IN_PLANE | {"x": -1}, [at_instance(plane(0, 0), ["log", "x"])]),
        "at the point that is -1",
    ),
    "a singular flow": (
        lambda: counted({**LINE, "flow": flow(["*", "nu", ["^", "x", -1]], {"x": family([], 1)})}, 0, VALUES | {"x": 0}),
        "denominator",
    ),
    "a removable singularity": (
        lambda: counted({**LINE, "flow": flow(["*", "nu", "x"], {"x": family([], ["*", "x", ["^", "x", -1]])})}, 0, VALUES | {"x": 0}),
        "denominator",
    ),
    "a flow that is nowhere defined": (
        lambda: counted({**LINE, "flow": flow(["*", "nu", "x"], {"x": family([], ["+", 1, ["*", 0, ["log", -1]]])})}, 0, VALUES),
        "log of",
    ),
    "a flow whose pairing is nowhere defined": (
        lambda: counted({**LINE, "flow": flow(["+", ["*", "nu", "x"], ["log", -1]], {"x": family([], 1)})}, 0, VALUES),
        "log of",
    ),
    "functions modulo a prime": (lambda: counted({**LINE, "flow": flow(["*", "nu", ["exp", "x"]], {"x": family([], 1)})}, 0, VALUES), "in balls"),
    "series that FLINT would cut": (
        lambda: counted(plane("a", ["+", "a", ["*", "b", "b"], ["*", -1, "b", "b"]]), 0, IN_PLANE, controls=BALLS | {"width": 14}),
        "leaves room for 1",
    ),
    "a law that is missing": (lambda: counted(STILL, 1, VALUES), "0 laws are independent, the flow leaves room for 1"),
    "a law that depends on another": (
        lambda: counted(plane(0, 0), 2, IN_PLANE, [law(plane(0, 0), e, {}) for e in (DIFFERENCE, ["^", DIFFERENCE, 3])]),
        "1 laws are independent, the flow leaves room for 2",
    ),
    "laws whose gradients are parallel at the point": (
        lambda: counted(plane(0, 0), 2, IN_PLANE | {"y": 0}, [law(plane(0, 0), e, {}) for e in ("x", ["+", "x", ["^", "y", 2]])]),
        "1 laws are independent, the flow leaves room for 2",
    ),
    "a claim that is no count": (lambda: counted(LINE, 0, VALUES) | {"statement": law(LINE, "x", {})["certificate"]["statement"]}, "does not count"),
    "a seed nested without end": (lambda: counted(LINE, 0, VALUES, controls=CONTROLS | {"seed": nested(5000)}), "all integers"),
    "a law of another flow": (
        lambda: counted(LINE, 1, VALUES, [law({**LINE, "flow": flow(0, {"x": family([], 1)})}, "x", {"x": family([], 0)})]),
        "another setting",
    ),
    "a law with another sign": (
        lambda: counted(plane(0, 0), 2, IN_PLANE, [law(plane(0, 0, parameter="positive"), e, {}) for e in ("x", "y")]),
        "another setting",
    ),
    "a law that forgets a symbol": (lambda: counted(STILL, 1, VALUES, [forgetful()]), "another setting"),
    "a law that chooses a parameter": (
        lambda: counted(LINE, 1, VALUES, [law(LINE, "z", {"x": family([], "nu")}, [{"x": 1}])]),
        "constants only",
    ),
    "a law that chooses a constant of the flow": (
        lambda: counted(DRIVEN, 1, VALUES, [law(DRIVEN, "L", {"x": family([], ["*", "z", "nu"])}, [{"z": 1}])]),
        "constant of the flow",
    ),
    "a law that brings a cotangent of its own": (lambda: counted(STILL, 1, VALUES, [with_own("cotangent")]), "not a constant"),
    "a law that brings a parameter of its own": (lambda: counted(STILL, 1, VALUES, [with_own("time")]), "not a constant"),
}
# x' = sqrt(a^L) - a^(L/2) is 0 for positive a alone, and y' = 0
HALF: Json = plane(["+", ["^", ["^", "a", "L"], ["/", 1, 2]], ["*", -1, ["^", "a", ["*", ["/", 1, 2], "L"]]]], 0)
INVERSE: Json = plane(["^", "a", -1], ["^", "a", -1])


def forgetful() -> Json:
    found = law(STILL, "x", {"x": family([], 0)})
    statement = found["certificate"]["statement"]
    found["certificate"]["statement"] = {**statement, "symbols": {name: s for name, s in statement["symbols"].items() if name != "L"}}
    return found


def with_own(role: str) -> Json:
    return law({**STILL, "symbols": STILL["symbols"] | {"own": sym([], role)}}, "x", {"x": family([], 0)}, [{"own": 1}])


def nested(depth: int) -> Json:
    word: Json = 0
    for _ in range(depth):
        word = [word, 0]
    return word


def changed_sizes() -> Json:
    found = at_z(0)
    found["certificate"]["instance"]["sizes"] = {"N": 1}
    return found


@pytest.mark.parametrize("name", FALSE)
def test_a_false_count_is_rejected(name: str) -> None:
    build, reason = FALSE[name]
    with pytest.raises(Rejected, match=reason):
        check(build())


# ---- every number changed -------------------------------------------------------------------------------------------------------------------------

PRODUCT: Json = {  # x = u v seen through one vector: u^2 - v^2 entry by entry, and one law more
    **LINE,
    "symbols": {"u": sym([2], "parameter", "positive"), "v": sym([2], "parameter"), "nu": sym([], "cotangent")},
    "flow": flow(
        ["*", "nu", ["+", ["*", 3, ["at", "u", 0], ["at", "v", 0]], ["*", -5, ["at", "u", 1], ["at", "v", 1]]]],
        {"u": family([["i", 2]], 1), "v": family([["i", 2]], 1)},
    ),
}
AT_PRODUCT: Json = {"u": [1, 2], "v": ["1/3", "5/2"], "nu": 1}


def of_product() -> Json:
    sums = [["+", ["at", "u", k], ["at", "v", k]] for k in range(2)]
    quantities = [*(["+", ["^", ["at", "u", k], 2], ["*", -1, ["^", ["at", "v", k], 2]]] for k in range(2))]
    quantities.append(["+", ["*", 5, ["log", sums[0]]], ["*", 3, ["log", sums[1]]]])
    return counted(PRODUCT, 3, AT_PRODUCT, [at_instance(PRODUCT, quantity) for quantity in quantities])


def leaves(node: Json, path: tuple[Json, ...] = ()) -> Iterator[tuple[tuple[Json, ...], Json]]:
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from leaves(value, (*path, key))
    else:
        yield path, node


def perturbed(value: Json) -> list[Json]:
    match value:
        case bool() | None:
            return []
        case int():
            return [value + 1, value - 1, -value - 7]
        case str() if value.lstrip("-")[:1].isdigit():
            return [f"{value.partition('/')[0]}1", "-" + value.lstrip("-"), 0]
    return []


def test_every_number_of_a_certificate_counts() -> None:
    """What may be changed: the point (it is another point of the flow then) and the controls (any of them bound the rank from below)."""
    node = of_product()
    text = check(node).text
    assert "3 independent laws" in text
    harmless, rejected = set(), 0
    for path, value in leaves(node):
        for wrong in perturbed(value):
            tampered = copy.deepcopy(node)
            place = tampered
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = wrong
            try:
                found = check(tampered).text
            except Rejected:
                rejected += 1
                continue
            harmless.add(path[:2])
            assert found == text, path
    assert harmless <= {("point", "values"), ("point", "bits"), ("controls", "width"), ("controls", "order"), ("controls", "seed")}
    assert rejected > 100
