"""Counts of laws: those of the paper are accepted, and every way to count wrongly is refused."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import pytest
from flint import fmpq

from proofs_check.counting import count
from proofs_check.division import certify
from proofs_check.kernel import Rejected, check
from proofs_check.kernel.language import read_statement
from proofs_check.kernel.rank import fields_rank, vector_fields
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
    minor, laws, values = node["minor"], node["laws"], node["point"]["values"]
    symbols = node["statement"]["symbols"]
    moving = next(n for n, s in symbols.items() if s["role"] == "parameter" and s["shape"])
    tampered = [
        changed(name, "statement", "claim", "count", to=node["statement"]["claim"]["count"] + 1),
        changed(name, "statement", "claim", "count", to=node["statement"]["claim"]["count"] - 1),
        changed(name, "point", "values", moving, to=[*values[moving][:-1], "1/3"]),
        changed(name, "point", "values", "kappa", to="-1"),
        changed(name, "point", "bits", to=1),
        changed(name, "brackets", to=node["brackets"][:-1]),
        changed(name, "brackets", to=[*node["brackets"][:-1], [0, 0]]),
        changed(name, "brackets", to=[*node["brackets"][:-1], node["brackets"][0]]),
        changed(name, "brackets", 0, to=99),
        changed(name, "brackets", 0, to=[0, 1, 1]),
        changed(name, "minor", to={"rows": minor["rows"][:-1], "columns": minor["columns"][:-1]}),
        changed(name, "minor", to={"rows": minor["rows"], "columns": minor["columns"][:-1]}),
        changed(name, "minor", "rows", to=[*minor["rows"][:-1], minor["rows"][0]]),
        changed(name, "minor", "rows", to=[*minor["rows"][:-1], 10**6]),
        changed(name, "laws", to=laws[:-1]),
        changed(name, "laws", 0, "certificate", "statement", "claim", "rate", to=["*", 0, 1]),
        changed(name, "laws", 0, "certificate", "statement", "claim", "rate", to=1),
        changed(name, "laws", 0, "certificate", "cofactors", to=[]),
        changed(name, "laws", 0, "certificate", "statement", "sizes", to=["M", "N"]),
        changed(name, "laws", -1, "values", to=[]),
    ]
    for choice, vector in laws[-1]["values"][0].items():
        tampered.append(changed(name, "laws", -1, "values", 0, choice, to=[*vector[:-1], "17/3"]))
    tampered += [changed(name, "laws", -1, "values", 0, to=wrong) for wrong in ({"kappa": "1"}, {moving: values[moving]})]
    for n, node in enumerate(tampered):
        with pytest.raises(Rejected):
            pytest.fail(f"tampering {n} was accepted: {check(node).text}")


@pytest.mark.parametrize("level", [2, 3])  # with rational entries, and with balls
def test_a_dependent_row_makes_no_minor(level: int) -> None:
    name = next(name for name in COUNTS if f"L = {level}" in name)
    node = changed(name, "laws", 0, "values", to=[{}, {}])
    rows = node["minor"]["rows"]
    node["minor"]["rows"] = [0, 1, *rows[2:]]
    with pytest.raises(Rejected, match="not certainly different from zero"):
        check(node)


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


def counted(setting: Json, number: int, values: Json, brackets: Json, laws: Json = (), minor: Json = None) -> Json:
    return {
        "format": "polarflow.certificate/1",
        "kind": "count",
        "statement": {**setting, "claim": {"kind": "count", "count": number, "indices": []}},
        "point": {"sizes": {}, "values": values, "bits": 100},
        "brackets": brackets,
        "laws": list(laws),
        "minor": minor or {"rows": [], "columns": []},
    }


def law(setting: Json, quantity: Json, gradient: Json, values: Json = ({},), cofactors: Json = ()) -> Json:
    statement = {**setting, "claim": {"kind": "evolves", "indices": [], "quantity": quantity, "rate": 0}}
    return {"certificate": {"kind": "all-sizes", "statement": statement, "gradient": gradient, "cofactors": list(cofactors)}, "values": list(values)}


ONE = {"rows": [0], "columns": [0]}


def at_z(value: Json) -> Json:
    """z x is conserved at z = 0, proved at that instance."""
    statement = {**LINE, "claim": {"kind": "evolves", "indices": [], "quantity": ["*", "z", "x"], "rate": 0}}
    found = certify(read_statement(statement), {"sizes": {}, "values": {"z": 0}})
    return {"certificate": {"kind": "instance", "statement": statement, **found}, "values": [{"z": value}]}


def on_circle() -> Json:
    norm = ["sum", "j", 2, ["^", ["at", "u", "j"], 2]]
    inner = ["sum", "j", 2, ["*", ["at", "u", "j"], ["at", "h", "j"]]]
    cofactor = {"hypothesis": 0, "at": {}, "bound": [], "times": ["*", 2, inner]}
    return law(CIRCLE, norm, {"u": family([["i", 2]], ["at", "h", "i"])}, cofactors=[cofactor])


TIMED: Json = {**LINE, "symbols": {"x": sym([], "parameter"), "t": sym([], "time")}, "flow": flow(0, {}, drift={"x": family([], 1)})}


def test_small_counts_are_accepted() -> None:
    assert check(counted(LINE, 0, VALUES, [0])).text.startswith("near the point and for its constants, 0 independent laws")
    circle = counted(CIRCLE, 1, {"u": ["3/5", "4/5"], "h": [0, 0]}, [0], [on_circle()], ONE)
    assert "1 independent laws" in check(circle).text
    still = {**LINE, "flow": flow(["*", "nu", "z"], {"x": family([], 1)})}
    assert "1 independent laws" in check(counted(still, 1, VALUES, [], [law(still, "x", {"x": family([], 0)})], ONE)).text
    with_integrator = check(counted(LINE, 0, VALUES, [0], [at_z(0)]))
    assert "0 independent laws" in with_integrator.text


FALSE: Mapping[str, tuple[Callable[[], Json], str]] = {
    "off the sphere": (lambda: counted(CIRCLE, 0, {"u": [2, 3], "h": [1, 1]}, [0, 1]), "violates hypothesis"),
    "a law proved for another constant": (lambda: counted(LINE, 1, VALUES, [], [at_z(1)], ONE), "other constants"),
    "a law proved at other sizes": (lambda: counted(LINE, 1, VALUES, [], [changed_sizes()], ONE), "neither"),
    "a law that depends on time": (
        lambda: counted(TIMED, 1, {"x": 1, "t": 1}, [], [law(TIMED, ["+", "x", ["*", -1, "t"]], {})], ONE),
        "depend on time",
    ),
    "a law whose condition fails at the point": (
        lambda: counted(
            LINE,
            1,
            VALUES | {"x": -1},
            [],
            [law(LINE, ["+", ["^", ["^", "x", "L"], ["/", 1, 2]], ["*", -1, ["^", "x", ["*", ["/", 1, 2], "L"]]]], {"x": family([], "nu")})],
            ONE,
        ),
        "x > 0",
    ),
    "a law under a condition that cannot be evaluated": (
        lambda: counted(LINE, 1, VALUES, [], [law(LINE, ["integral", "s", "L", ["^", "s", -1]], {"x": family([], "nu")})], ONE),
        "not checked at the point",
    ),
    "a singular flow": (
        lambda: counted({**LINE, "flow": flow(["*", "nu", ["^", "x", -1]], {"x": family([], 1)})}, 0, VALUES | {"x": 0}, [0]),
        "not defined at the point",
    ),
    "a removable singularity": (
        lambda: counted({**LINE, "flow": flow(["*", "nu", "x"], {"x": family([], ["*", "x", ["^", "x", -1]])})}, 0, VALUES | {"x": 0}, [0]),
        "not defined at the point",
    ),
    "not affine in the cotangent": (
        lambda: counted({**LINE, "flow": flow(["*", ["^", "nu", 2], "x"], {"x": family([], 1)})}, 0, VALUES, [0]),
        "not affine",
    ),
    "not rational": (
        lambda: counted({**LINE, "flow": flow(["*", "nu", ["exp", "x"]], {"x": family([], 1)})}, 0, VALUES, [0]),
        "more than the parameters",
    ),
    "an open count": (lambda: counted(LINE, 1, VALUES, []), "open"),
    "a claim that is no count": (
        lambda: counted(LINE, 0, VALUES, [0]) | {"statement": law(LINE, "x", {})["certificate"]["statement"]},
        "does not count",
    ),
    "a bracket too deep": (lambda: counted(LINE, 0, VALUES, [nested(9)]), "deeper"),
    "a bracket too long": (lambda: counted(LINE, 0, VALUES, [0] * 500), "more than"),
    "a bracket of a truth value": (lambda: counted(LINE, 0, VALUES, [True]), "neither"),
    "a list nested without end": (lambda: counted(LINE, 0, VALUES, nested(5000)), "RecursionError"),
    "a minor that names a row twice": (lambda: counted(LINE, 0, VALUES, [0], [at_z(0)], {"rows": [0, 0], "columns": [0, 0]}), "twice"),
    "a law of another flow": (
        lambda: counted(LINE, 1, VALUES, [], [law({**LINE, "flow": flow(0, {"x": family([], 1)})}, "x", {"x": family([], 0)})], ONE),
        "another setting",
    ),
    "a law that chooses a parameter": (
        lambda: counted(LINE, 1, VALUES, [], [law(LINE, "z", {"x": family([], "nu")}, [{"x": 1}])], ONE),
        "constants only",
    ),
    "a law that chooses a constant of the flow": (
        lambda: counted(DRIVEN, 1, VALUES, [], [law(DRIVEN, "L", {"x": family([], ["*", "z", "nu"])}, [{"z": 1}])], ONE),
        "constant of the flow",
    ),
}
DRIVEN: Json = {**LINE, "flow": flow(["*", "z", "nu", "x"], {"x": family([], 1)})}


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


def test_a_bracket_that_grows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofs_check.kernel.rank.MOST_TERMS", 3)
    plane = {
        **LINE,
        "symbols": {"x": sym([], "parameter"), "y": sym([], "parameter"), "nu": sym([2], "cotangent")},
        "flow": flow(
            ["+", ["*", ["at", "nu", 0], ["^", ["+", "x", "y", 1], 3]], ["*", ["at", "nu", 1], "x", "y"]],
            {"x": family([], 1), "y": family([], ["+", 1, "x"])},
        ),
    }
    with pytest.raises(Rejected, match="more than 3 terms"):
        check(counted(plane, 0, {"x": 1, "y": 2, "nu": [1, 1]}, [[0, 1]]))


def test_brackets_of_the_heisenberg_fields() -> None:
    """X = d/dx - y/2 d/dz and Y = d/dy + x/2 d/dz have [X, Y] = d/dz, and nothing further."""
    names = ("x", "y", "z")
    node = {
        **LINE,
        "symbols": {n: sym([], "parameter") for n in names} | {"a": sym([], "cotangent"), "b": sym([], "cotangent")},
        "flow": flow(
            0,
            {},
            drift={"x": family([], "a"), "y": family([], "b"), "z": family([], ["*", ["/", 1, 2], ["+", ["*", "x", "b"], ["*", -1, "y", "a"]]])},
        ),
        "claim": {"kind": "count", "count": 0, "indices": []},
    }
    fields = vector_fields(read_statement(node), {"sizes": {}, "values": {}})
    at = {place: fmpq(n, 3) for n, place in enumerate(fields.moving)}
    bracket = fields.word([0, 1])
    assert [str(bracket[place]) for place in fields.moving] == ["0", "0", "1"]
    assert [fields_rank(fields, words, at) for words in ([], [0], [0, 1], [0, 1, [0, 1]], [0, 1, [1, [0, 1]]])] == [0, 1, 2, 3, 2]
    accepted = check({**counted(node, 0, {**dict.fromkeys(names, 1), "a": 0, "b": 0}, [0, 1, [0, 1]]), "statement": node})
    assert "brackets of rank 3" in accepted.text
