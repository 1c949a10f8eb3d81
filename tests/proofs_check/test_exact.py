"""Verdicts from several routes: what they say together, and what each may not claim."""

from __future__ import annotations

import pytest

from proofs_check.exact import verdict
from proofs_check.verdicts import Finding, Verdict
from theory.files import read_text

NET = """
[sizes]
N = 2
H = {H}
[parameters]
W = "H x N"
a = "H"
[data]
X = "N"
[model]
predictor = "x = sum(h, a[h]*sum(i, W[h,i]*X[i]))"
loss = "any"
[[claim]]
id = "claim"
conserved = "{law}"
"""


def decided(law: str, hidden: int) -> Verdict:
    (statement,) = read_text(NET.format(H=hidden, law=law)).statements
    return verdict(statement.parts[0])


def test_a_claim_that_holds_at_the_sizes_given_alone_is_refuted_at_others() -> None:
    """With one hidden unit the sum over units is its only term; with two the claim is false."""
    found = decided("sum(h, a[h])**2 - sum(h, i, W[h,i]**2)", 1)
    assert found.outcome == "refuted"
    assert found.scope == "H=2 N=3"
    assert not found.contradictory


def test_a_law_for_all_sizes_says_so() -> None:
    found = decided("sum(h, a[h]**2) - sum(h, i, W[h,i]**2)", 1)
    assert (found.outcome, found.scope) == ("proved", "all sizes")


PROOF, PARTIAL = Finding("all sizes", "proved", "exact"), Finding("N=2", "proved", "exact")
CONDITIONAL = Finding("all sizes", "proved", "exact", conditions=("u > 0",))
WITNESS, ELSEWHERE = Finding("points, N=2", "refuted", "exact"), Finding("points, N=3", "refuted", "exact")
HELD, NOTHING = Finding("points, N=2", "supported", "sampled"), Finding("all sizes", "unknown")


@pytest.mark.parametrize(
    ("findings", "outcome", "contradictory"),
    [
        ((PROOF, PARTIAL), "proved", False),
        ((PROOF, WITNESS), "unknown", True),
        ((PARTIAL, WITNESS), "unknown", True),
        ((PARTIAL, ELSEWHERE), "refuted", False),
        ((CONDITIONAL, WITNESS), "refuted", False),
        ((NOTHING, HELD), "supported", False),
        ((NOTHING,), "unknown", False),
        ((), "unknown", False),
    ],
)
def test_findings_together(findings: tuple[Finding, ...], outcome: str, contradictory: bool) -> None:
    found = Verdict(findings)
    assert (found.outcome, found.contradictory) == (outcome, contradictory)
