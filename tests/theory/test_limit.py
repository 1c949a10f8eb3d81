"""What the limit rests on: each part proved by the kernel, each mutant refuted by it."""

from __future__ import annotations

import json

import pytest
import sympy as sp

from proofs_check.exact import verdict
from proofs_check.kernel import check
from theory.papers.chou_rauhut_ward_limit import statements
from theory.statements import Part

PARTS = [(statement.id, part) for statement in statements() for part in statement.parts]
MUTANTS = [(statement.id, part) for statement in statements() for part in statement.mutants]
FOR_ALL = {"C11", "C14", "C15", "C16"}  # proved for all sizes, and those of the others with the same at L = 2


def label(case: tuple[str, Part]) -> str:
    return f"{case[0]}: {case[1].label}"


@pytest.mark.parametrize("case", PARTS, ids=label)
def test_every_part_is_proved(case: tuple[str, Part]) -> None:
    found = verdict(case[1])
    assert found.outcome == "proved", [f.reason for f in found.findings]
    proofs = [f for f in found.findings if f.outcome == "proved"]
    if case[0] in FOR_ALL or "L > 2" not in case[1].label:
        assert {f.route for f in proofs} & {"all sizes", "exact"}
    for finding in proofs:
        assert check(json.loads(json.dumps(finding.certificate))).outcome == "proved"


@pytest.mark.parametrize("case", MUTANTS, ids=label)
def test_every_mutant_is_refuted(case: tuple[str, Part]) -> None:
    found = verdict(case[1])
    assert found.outcome == "refuted", [f.reason for f in found.findings]
    assert not any(f.outcome == "proved" for f in found.findings)


def test_the_threshold_by_minimising() -> None:
    """log(e^t/2 + e^(-2t)/2) is least, -log(32/27)/3, where e^(3t) = 2."""
    q = sp.Symbol("q", positive=True)  # e^t
    value = (q + q**-2) / 2
    (place,) = sp.solve(sp.diff(value, q), q)
    assert place == sp.root(2, 3)
    assert sp.powdenest(value.subs(q, place) ** 3, force=True).equals(sp.Rational(27, 32))
