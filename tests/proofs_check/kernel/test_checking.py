"""The one door: every kind of certificate is let in, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from proofs_check.counting import count
from proofs_check.exact import all_sizes, at_instance, counterexample, instances_of
from proofs_check.kernel import FORMAT, Accepted, Rejected, check
from theory.papers import chou_rauhut_ward
from theory.statements import Complete

Json = Any


@pytest.fixture(scope="module")
def certificates() -> dict[str, Json]:
    """One certificate of each kind, about the laws of the paper."""
    laws = chou_rauhut_ward.c6()
    part, mutant = laws.parts[2], laws.mutants[0]
    counted = next(p for p in chou_rauhut_ward.c7().parts if isinstance(p.assertion, Complete))
    found = {
        "all-sizes": all_sizes(part),
        "instance": at_instance(part, instances_of(part.setting)[0]),
        "counterexample": counterexample(mutant, instances_of(mutant.setting)[0]),
        "count": count(counted),
    }
    assert all(finding.certificate for finding in found.values()), found
    return {kind: finding.certificate for kind, finding in found.items()}


KINDS = ["all-sizes", "instance", "counterexample", "count"]
WORDS = {
    "all-sizes": "the rate of change along the flow is as stated, for all N, M",
    "instance": "the rate of change along the flow is as stated, at N = 4, M = 2",
    "counterexample": "the difference of the two sides",
    "count": "3 independent laws hold whatever nu is, and no more",
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_accepted_in_words(certificates: dict[str, Json], kind: str) -> None:
    accepted = check(certificates[kind])
    assert accepted.outcome == ("refuted" if kind == "counterexample" else "proved")
    assert WORDS[kind] in accepted.text


def test_what_is_not_checked_is_not_said(certificates: dict[str, Json]) -> None:
    """An identity for all sizes has no instance, and words in its place are no part of what is established."""
    told = check(certificates["all-sizes"])
    assert check(certificates["all-sizes"] | {"instance": {"sizes": {"N": "4, and for every flow"}, "values": {}}}) == told
    with pytest.raises(Rejected, match="not an integer"):
        check(certificates["instance"] | {"instance": {"sizes": {"N": "4, and for every flow", "M": 2}, "values": {}}})


@pytest.mark.parametrize("kind", KINDS)
def test_another_format_is_rejected(certificates: dict[str, Json], kind: str) -> None:
    for wrong in ("polarflow.certificate/2", None, 1, ["polarflow.certificate/1"]):
        with pytest.raises(Rejected, match="format"):
            check(certificates[kind] | {"format": wrong})


@pytest.mark.parametrize("kind", KINDS)
def test_another_kind_is_rejected(certificates: dict[str, Json], kind: str) -> None:
    for wrong in {*KINDS, "proof", ""} - {kind}:
        with pytest.raises(Rejected):
            check(certificates[kind] | {"kind": wrong})


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_or_malformed_part_is_rejected(certificates: dict[str, Json], kind: str) -> None:
    node = certificates[kind]
    for key in node:
        with pytest.raises(Rejected):
            check({k: v for k, v in node.items() if k != key})
        for wrong in (None, "nothing", [[]], -7):
            with pytest.raises(Rejected):
                check(node | {key: wrong})


def test_what_is_no_certificate_is_rejected() -> None:
    for node in ({}, [], None, 3, "certificate", {"format": FORMAT}, {"format": FORMAT, "kind": "all-sizes"}):
        with pytest.raises(Rejected):
            check(node)


def test_words_for_each_claim() -> None:
    symbols = {"x": {"shape": [], "role": "parameter", "sign": "positive"}}
    setting = {"sizes": [], "symbols": symbols, "definitions": [], "hypotheses": [], "flow": None}

    def words(claim: Json) -> Accepted:
        return check(
            {"format": FORMAT, "kind": "all-sizes", "statement": {**setting, "claim": {"indices": [], **claim}}, "gradient": {}, "cofactors": []}
        )

    assert words({"kind": "equal", "left": ["log", ["*", "x", "x"]], "right": ["*", 2, ["log", "x"]]}).text == "the two sides are equal, as it stands"
    assert words({"kind": "gradient", "of": ["^", "x", 2], "by": "x", "value": ["*", 2, "x"]}).text == "the gradient is as stated, as it stands"
    conditional = words({"kind": "equal", "left": ["^", ["+", "x", -1], -1], "right": ["^", ["+", "x", -1], -1]})
    assert conditional.conditions == ("1 + -1*x != 0",)
