"""Certificates for all sizes: those of the paper are accepted, and no tampering survives."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import pytest

from proofs_check.exact import all_sizes
from proofs_check.kernel import Rejected, check
from proofs_check.kernel import all_sizes as all_sizes_module
from proofs_check.kernel.all_sizes import check_all_sizes, residual
from proofs_check.kernel.language import Count, read_statement
from theory.papers import chou_rauhut_ward
from theory.statements import Equal, Evolves, Gradient, Part

Json = Any
IDENTITIES = (Equal, Evolves, Gradient)
# C12 has sums of powers with a symbolic exponent, and is proved at explicit sizes for L > 2.
PARTS: Mapping[str, Part] = {
    f"{statement.id}, {part.label}": part
    for statement in chou_rauhut_ward.paper().statements
    for part in statement.parts
    if isinstance(part.assertion, IDENTITIES) and not (statement.id == "C12" and "L > 2" in part.label)
}
MUTANTS: Mapping[str, Part] = {
    f"{statement.id}, {part.label}": part
    for statement in chou_rauhut_ward.paper().statements
    for part in statement.mutants
    if isinstance(part.assertion, IDENTITIES)
}
HALF = ["/", 1, 2]


@cache
def certificate(name: str) -> Json:
    found = all_sizes(PARTS[name])
    assert found.outcome == "proved", found.reason
    return found.certificate


# ---- tampering -----------------------------------------------------------------------------------------------------------------------------------


def claim_changed(node: Json) -> Iterator[Json]:
    side = {"evolves": "rate", "equal": "right", "gradient": "value"}[node["statement"]["claim"]["kind"]]
    changed = copy.deepcopy(node)
    changed["statement"]["claim"][side] = ["+", changed["statement"]["claim"][side], ["/", 1, 1000]]
    yield changed


def cofactors_changed(node: Json) -> Iterator[Json]:
    for n, cofactor in enumerate(node["cofactors"]):
        scaled, dropped = copy.deepcopy(node), copy.deepcopy(node)
        scaled["cofactors"][n]["times"] = ["*", ["/", 1001, 1000], cofactor["times"]]
        del dropped["cofactors"][n]
        yield from (scaled, dropped)
        for index in cofactor["at"]:
            moved = copy.deepcopy(node)
            moved["cofactors"][n]["at"][index] = 0
            yield moved


def gradient_changed(node: Json) -> Iterator[Json]:
    for block, family in node["gradient"].items() if node["statement"]["claim"]["kind"] == "evolves" else ():
        scaled, missing = copy.deepcopy(node), copy.deepcopy(node)
        scaled["gradient"][block]["value"] = ["*", ["/", 999, 1000], family["value"]]
        del missing["gradient"][block]
        yield from (scaled, missing)


def hypothesis_changed(node: Json) -> Iterator[Json]:
    for n in {cofactor["hypothesis"] for cofactor in node["cofactors"]}:
        if n < len(node["statement"]["hypotheses"]):  # those of the spheres are not written
            for wrong in (lambda zero: ["*", -1, zero], lambda zero: ["+", 1, zero]):
                changed = copy.deepcopy(node)
                entry = changed["statement"]["hypotheses"][n]
                entry["zero"] = wrong(entry["zero"])
                yield changed
        else:
            changed = copy.deepcopy(node)
            changed["statement"]["flow"]["spheres"] = []
            yield changed


def form_changed(node: Json) -> Iterator[Json]:
    yield node | {"format": "polarflow.certificate/0"}
    yield node | {"kind": "instance"}
    yield {key: value for key, value in node.items() if key != "cofactors"}


TAMPERINGS: Mapping[str, Callable[[Json], Iterator[Json]]] = {
    "claim": claim_changed,
    "cofactors": cofactors_changed,
    "gradient": gradient_changed,
    "hypothesis": hypothesis_changed,
    "form": form_changed,
}


@pytest.mark.parametrize("name", PARTS)
def test_the_paper_is_accepted_and_its_certificates_cannot_be_tampered_with(name: str) -> None:
    node = certificate(name)
    kept = copy.deepcopy(node)
    assert check(node).outcome == "proved"
    for kind, tampering in TAMPERINGS.items():
        for changed in tampering(node):
            with pytest.raises(Rejected):
                pytest.fail(f"accepted after the {kind} was changed: {check(changed).text}")
    assert node == kept


def test_every_kind_of_tampering_was_met() -> None:
    law = certificate("C6, every real L")
    assert all(any(True for _ in tampering(law)) for tampering in TAMPERINGS.values())


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_of_the_paper_is_not_proved(name: str) -> None:
    assert all_sizes(MUTANTS[name]).outcome == "unknown"


def test_an_exponent_changed_in_the_law_is_rejected() -> None:
    node = copy.deepcopy(certificate("C6, every real L"))

    def places(tree: Json) -> Iterator[tuple[Json, int]]:
        for n, part in enumerate(tree if isinstance(tree, list) else ()):
            if isinstance(part, int) and tree[0] != "at":
                yield tree, n
            yield from places(part)

    found = list(places(node["statement"]["claim"]["quantity"]))
    assert found
    for tree, n in found:
        tree[n] += 1
        with pytest.raises(Rejected):
            check(node)
        tree[n] -= 1
    assert check(node)


# ---- forged certificates -------------------------------------------------------------------------------------------------------------------------


def sym(shape: list[Json], role: str, sign: str = "real") -> Json:
    return {"shape": shape, "role": role, "sign": sign}


def family(indices: list[Json], value: Json, key: str = "value") -> Json:
    return {"indices": indices, key: value}


def at(name: str, *indices: Json) -> Json:
    return ["at", name, *indices]


def total(index: str, size: Json, body: Json) -> Json:
    return ["sum", index, size, body]


SQUARE = ["+", total("s", "N", ["^", at("u", "s"), 2]), -1]
I, IJ = [["i", "N"]], [["i", "N"], ["j", "N"]]


def setting(claim: Json, **changes: Json) -> Json:
    """u on a sphere and W free, paired with arbitrary cotangents; A z = 0."""
    return {
        "sizes": ["N", "M"],
        "symbols": {
            "u": sym(["N"], "parameter"),
            "W": sym(["N", "N"], "parameter"),
            "h": sym(["N"], "cotangent"),
            "H": sym(["N", "N"], "cotangent"),
            "A": sym(["M", "N"], "constant"),
            "z": sym(["N"], "constant"),
            "c": sym([], "constant", "positive"),
            "t": sym([], "time"),
        },
        "definitions": [{"name": "G", **family([["i", "N"]], ["*", at("h", "i"), at("u", "i")])}],
        "hypotheses": [family([["k", "M"]], total("i", "N", ["*", at("A", "k", "i"), at("z", "i")]), "zero")],
        "flow": {
            "pairing": [
                "+",
                total("i", "N", ["*", at("h", "i"), at("u", "i")]),
                total("i", "N", total("j", "N", ["*", at("H", "i", "j"), at("W", "i", "j")])),
            ],
            "held": [],
            "rates": {"u": family(I, "c"), "W": family(IJ, 1)},
            "spheres": [["u"]],
            "drift": {},
        },
        "claim": claim,
    } | changes


GRADIENT = {"u": family(I, at("h", "i")), "W": family(IJ, at("H", "i", "j"))}


def cofactor(number: int, times: Json, at_: Json = None, bound: Json = ()) -> Json:
    return {"hypothesis": number, "at": at_ or {}, "bound": list(bound), "times": times}


def equal(left: Json, right: Json, indices: Json = ()) -> Json:
    return {"kind": "equal", "indices": list(indices), "left": left, "right": right}


def evolves(quantity: Json, rate: Json, indices: Json = ()) -> Json:
    return {"kind": "evolves", "indices": list(indices), "quantity": quantity, "rate": rate}


def run(statement: Json, cofactors: Json = (), gradient: Json = None) -> list[str]:
    return check_all_sizes(read_statement(statement), {"gradient": gradient or GRADIENT, "cofactors": list(cofactors)})


NORM = total("s", "N", ["^", at("u", "s"), 2])
INNER = total("s", "N", ["*", at("u", "s"), at("h", "s")])
HYPOTHESIS_ON_J = total("i", "N", ["*", at("A", "k", "i"), at("z", "i")])


def test_the_flow_of_the_setting() -> None:
    assert run(setting(evolves(NORM, 0)), [cofactor(1, ["*", 2, "c", INNER])]) == []
    assert run(setting(evolves(at("u", "a"), ["*", "c", ["+", ["*", -1, at("h", "a")], ["*", at("u", "a"), INNER]]], [["a", "N"]]))) == []
    assert run(setting(evolves(at("W", "b", "a"), ["*", -1, at("H", "b", "a")], [["a", "N"], ["b", "N"]]))) == []
    assert run(setting(evolves(["*", "t", at("W", 0, 0)], ["+", at("W", 0, 0), ["*", -1, "t", at("H", 0, 0)]]))) == []
    assert run(setting(evolves(at("W", "a", "a"), ["*", -1, at("H", "a", "a")], [["a", "N"]]))) == []
    assert (
        run(
            setting(equal(total("p", "M", ["*", 7, total("i", "N", ["*", at("A", "p", "i"), at("z", "i")])]), 0)),
            [cofactor(0, 7, {"k": "q"}, [["q", "M"]])],
        )
        == []
    )


FORGED: Mapping[str, tuple[Json, list[Json], Json]] = {
    "transposed velocity": (setting(evolves(at("W", "b", "a"), ["*", -1, at("H", "a", "b")], [["a", "N"], ["b", "N"]])), [], None),
    "gradient in the other order of indices": (
        setting(evolves(at("W", "b", "a"), ["*", -1, at("H", "a", "b")], [["a", "N"], ["b", "N"]])),
        [],
        GRADIENT | {"W": family(IJ, at("H", "j", "i"))},
    ),
    "one divided by a hypothesis": (setting(equal(7, 0)), [cofactor(1, ["*", 7, ["^", SQUARE, -1]])], None),
    "a power of a hypothesis": (setting(equal(7, 0)), [cofactor(1, ["*", 7, ["^", SQUARE, ["/", -1, 2]], ["^", SQUARE, ["/", -1, 2]]])], None),
    "a hypothesis divided by itself in the gradient": (
        setting(evolves(at("u", "a"), 0, [["a", "N"]])),
        [cofactor(1, ["*", "c", ["+", ["*", -1, at("h", "a")], ["*", at("u", "a"), INNER]], ["^", SQUARE, -1]])],
        GRADIENT | {"u": family(I, ["*", at("h", "i"), SQUARE, ["^", SQUARE, -1]])},
    ),
    "a statement that divides by a hypothesis": (
        setting(equal(["*", 7, SQUARE, ["^", SQUARE, -1]], 0)),
        [cofactor(1, ["*", 7, ["^", SQUARE, -1]])],
        None,
    ),
    "a log in a cofactor": (
        setting(evolves(NORM, 0)),
        [cofactor(1, ["+", ["*", 2, "c", INNER], ["log", at("z", 0)], ["*", -1, ["log", at("z", 0)]]])],
        None,
    ),
    "a cofactor over an index of the claim": (
        setting(equal(HYPOTHESIS_ON_J, 0, [["k", "M"]])),
        [cofactor(0, 1, {"k": "k"}, [["k", "M"]])],
        None,
    ),
    "a cofactor at an index of another size": (
        setting(equal(total("i", "N", ["*", at("A", 0, "i"), at("z", "i")]), 0)),
        [cofactor(0, 1, {"k": "b"}, [["b", "N"]])],
        None,
    ),
    "a cofactor at a number beyond a symbolic size": (
        setting(equal(total("i", "N", ["*", at("A", 3, "i"), at("z", "i")]), 0)),
        [cofactor(0, 1, {"k": 3})],
        None,
    ),
    "a cofactor at a negative number": (setting(equal(1, 0)), [cofactor(0, 1, {"k": -1})], None),
    "a cofactor of a hypothesis that is none": (setting(equal(1, 0)), [cofactor(2, 1)], None),
    "a cofactor of a truth value": (setting(equal(1, 0)), [cofactor(True, 1)], None),
    "a cofactor at a truth value": (setting(equal(1, 0)), [cofactor(0, 1, {"k": True})], None),
    "a cofactor at no index": (setting(equal(1, 0)), [cofactor(0, 1, {"k": "p"})], None),
    "a cofactor that names nothing": (setting(equal(1, 0)), [cofactor(0, "nothing", {"k": "b"}, [["b", "M"]])], None),
    "a hypothesis that is positive": (
        setting(equal(1, 0), hypotheses=[family([], ["+", 1, NORM], "zero")], flow=None),
        [cofactor(0, ["^", ["+", 1, NORM], -1])],
        None,
    ),
    "a hypothesis that is a number": (setting(equal(1, 0), hypotheses=[family([], 1, "zero")], flow=None), [cofactor(0, 1)], None),
    "a gradient that is none": (setting(evolves(NORM, 0)), [cofactor(1, ["*", 2, "c", INNER])], GRADIENT | {"u": family(I, 0)}),
    "a gradient of the wrong shape": (setting(evolves(NORM, 0)), [], GRADIENT | {"u": family(IJ, at("H", "i", "j"))}),
    "a gradient of another size": (setting(evolves(NORM, 0)), [], GRADIENT | {"u": family([["i", "M"]], 0)}),
    "a gradient with a symbol of its own": (setting(evolves(NORM, 0)), [], GRADIENT | {"u": family(I, at("d:u", "i"))}),
    "a moving cotangent": (setting(evolves(at("h", 0), 0)), [], None),
    "a definition with a moving cotangent": (setting(evolves(at("G", 0), 0)), [], None),
    "no flow": (setting(evolves(NORM, 0), flow=None), [], None),
    "a count": (setting({"kind": "count", "indices": [], "count": 1}), [], None),
}

REASONS: Mapping[str, str] = {
    "transposed velocity": "the residual is not zero",
    "gradient in the other order of indices": "not the derivative",
    "one divided by a hypothesis": "the certificate, and not the statement",
    "a power of a hypothesis": "the certificate, and not the statement",
    "a hypothesis divided by itself in the gradient": "the certificate, and not the statement",
    "a statement that divides by a hypothesis": "contradicts a hypothesis",
    "a log in a cofactor": "the certificate, and not the statement",
    "a cofactor over an index of the claim": "an index of the claim",
    "a cofactor at an index of another size": "should run over M",
    "a cofactor at a number beyond a symbolic size": "outside its range",
    "a cofactor at a negative number": "outside its range",
    "a cofactor of a hypothesis that is none": "not the number of a hypothesis",
    "a cofactor of a truth value": "not the number of a hypothesis",
    "a cofactor at a truth value": "not an index",
    "a cofactor at no index": "should run over M",
    "a cofactor that names nothing": "not declared",
    "a hypothesis that is positive": "about nothing",
    "a hypothesis that is a number": "about nothing",
    "a gradient that is none": "not the derivative",
    "a gradient of the wrong shape": "shape",
    "a gradient of another size": "shape",
    "a gradient with a symbol of its own": "not declared",
    "a moving cotangent": "is not known",
    "a definition with a moving cotangent": "is not known",
    "no flow": "has none",
    "a count": "not an identity",
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_certificate_is_rejected(name: str) -> None:
    statement, cofactors, gradient = FORGED[name]
    with pytest.raises(Rejected, match=REASONS[name]):
        check(
            {
                "format": "polarflow.certificate/1",
                "kind": "all-sizes",
                "statement": statement,
                "gradient": gradient or GRADIENT,
                "cofactors": cofactors,
            }
        )


def test_a_held_definition_is_put_in_after_the_differentiation() -> None:
    held = setting(evolves(total("i", "N", ["^", at("u", "i"), 2]), ["*", -2, total("i", "N", ["*", at("u", "i"), at("G", "i")])]))
    flow = held["flow"] | {
        "pairing": total("i", "N", ["*", at("G", "i"), at("u", "i")]),
        "rates": {"u": family(I, 1)},
        "spheres": [],
        "drift": {"W": family([["p", "N"], ["q", "N"]], 0)},
    }
    assert run(held | {"flow": flow | {"held": ["G"]}}, gradient={"u": family(I, at("G", "i"))}) == []
    with pytest.raises(Rejected, match="not the derivative"):
        run(held | {"flow": flow}, gradient={"u": family(I, at("G", "i"))})
    with pytest.raises(Rejected, match="not zero"):
        run(held | {"flow": flow}, gradient={"u": family(I, ["*", 2, at("h", "i"), at("u", "i")])})


def test_rates_and_drifts_with_indices_of_their_own() -> None:
    """W' = -c_ij H_ij + W_ji with the rate's and the drift's indices named against the gradient's."""
    node = setting(evolves(at("W", "p", "q"), ["+", ["*", -1, at("A2", "p", "q"), at("H", "p", "q")], at("W", "q", "p")], [["p", "N"], ["q", "N"]]))
    node["symbols"]["A2"] = sym(["N", "N"], "constant")
    node["flow"]["rates"]["W"] = family([["j", "N"], ["i", "N"]], at("A2", "j", "i"))
    node["flow"]["drift"] = {"W": family([["q", "N"], ["p", "N"]], at("W", "p", "q"))}
    assert run(node) == []
    node["flow"]["drift"] = {"W": family([["q", "N"], ["p", "N"]], at("W", "q", "p"))}
    with pytest.raises(Rejected, match="not zero"):
        run(node)


def test_a_sphere_of_two_blocks() -> None:
    both = ["+", NORM, total("s", "N", ["^", at("v", "s"), 2])]
    node = setting(evolves(both, 0))
    node["symbols"]["v"] = sym(["N"], "parameter")
    node["flow"] |= {"rates": {"u": family(I, "c"), "v": family([["p", "N"]], "c"), "W": family(IJ, 1)}, "spheres": [["u", "v"]]}
    gradient = GRADIENT | {"v": family([["p", "N"]], 0)}
    assert run(node, [cofactor(1, ["*", 2, "c", INNER])], gradient) == []
    node["claim"] = evolves(NORM, 0)  # of one block alone
    with pytest.raises(Rejected, match="not zero"):
        run(node, [cofactor(1, ["*", 2, "c", INNER])], gradient)


def test_conditions_are_those_of_the_whole_statement() -> None:
    node = setting(evolves(["^", at("u", 1), -1], ["*", ["^", at("u", 1), -2], "c", ["+", at("h", 1), ["*", -1, at("u", 1), INNER]]]))
    assert run(node) == ["N > 1", "u[1] != 0"]
    node["flow"]["rates"]["W"] = family(IJ, ["^", total("s", "N", at("z", "s")), -1])
    assert run(node) == ["N > 1", "sum_#0.0<N z[#0.0] != 0", "u[1] != 0"]


def test_a_certificate_may_use_other_names_for_indices_than_the_statement() -> None:
    node = setting(evolves(NORM, 0), hypotheses=[])
    node["flow"] |= {"pairing": total("j", "N", ["*", at("z", "j"), ["^", at("u", "j"), "c"]]), "rates": {"u": family(I, 1)}, "spheres": []}
    del node["symbols"]["W"]
    node["claim"]["rate"] = total("p", "N", ["*", -2, "c", at("z", "p"), ["^", at("u", "p"), "c"]])
    gradient = {"u": family([["b", "N"]], ["*", "c", at("z", "b"), ["^", at("u", "b"), ["+", "c", -1]]])}
    assert len(run(node, gradient=gradient)) == 1


def test_too_deep_a_certificate_is_rejected_in_words() -> None:
    tree: Json = at("u", 0)
    for _ in range(180):
        tree = ["sin", ["+", tree, 1]] if len(str(tree)) < 10**5 else tree
    with pytest.raises(Rejected):
        check({"format": "polarflow.certificate/1", "kind": "all-sizes", "statement": setting(equal(tree, 0)), "gradient": {}, "cofactors": []})


def test_a_count_has_no_residual() -> None:
    statement = read_statement(setting({"kind": "count", "indices": [], "count": 1}))
    assert isinstance(statement.claim, Count)
    with pytest.raises(Rejected, match="not an identity"):
        residual(statement, GRADIENT)


def test_a_hypothesis_with_an_index_of_known_size_may_be_taken_at_a_number() -> None:
    """sum_i T_ki z_i = 0 for k < 3, taken at 2."""
    row = total("i", "N", ["*", at("T", "k", "i"), at("z", "i")])
    node = setting(equal(total("i", "N", ["*", 5, at("T", 2, "i"), at("z", "i")]), 0), hypotheses=[family([["k", 3]], row, "zero")], flow=None)
    node["symbols"]["T"] = sym([3, "N"], "constant")
    assert run(node, [cofactor(0, 5, {"k": 2})]) == []
    for wrong, words in ((1, "not zero"), (3, "outside its range")):
        with pytest.raises(Rejected, match=words):
            run(node, [cofactor(0, 5, {"k": wrong})])


def test_the_certificates_accepted_last_are_remembered_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """More certificates than are remembered, each met twice and once with a cofactor changed: a memory of one, and of two."""
    laws = [
        (setting(evolves(["^", at("u", n), 2], ["*", 2, "c", at("u", n), ["+", ["*", -1, at("h", n)], ["*", at("u", n), INNER]]])), n)
        for n in range(3)
    ]
    for most in (1, 2):
        monkeypatch.setattr("proofs_check.kernel.all_sizes.MOST_REMEMBERED", most)
        monkeypatch.setattr("proofs_check.kernel.all_sizes._ACCEPTED", {})
        for statement, n in [*laws, *laws, *reversed(laws)]:
            assert run(statement) == ([f"N > {n}"] if n else [])
            with pytest.raises(Rejected, match="not zero"):
                run(statement, [cofactor(1, 1)])
            assert len(all_sizes_module._ACCEPTED) <= most
