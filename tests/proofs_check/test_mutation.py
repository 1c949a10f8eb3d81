"""What becomes of mutants: refuted or proved by the kernel alone, and an engine that proves a false one is found out."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp

from proofs_check import mutation
from proofs_check.kernel import check
from proofs_check.mutation import Judged, judged
from proofs_check.verdicts import Finding
from theory.files import read_text
from theory.mutation import Mutant, mutants
from theory.papers import paper
from theory.settings import Setting
from theory.statements import Equal, Part
from theory.symbols import Variable, index, size, total

N, i, j = size("N"), index("i"), index("j")
a = Variable("a", (N,))
BALANCE = """
[sizes]
N = 3
[constants]
c = "positive"
[parameters]
u = "N, positive"
v = "N"
[model]
predictor = "x[i] = u[i]*v[i]"
loss = "any"
[[claim]]
id = "balance"
conserved = "c*(u[i]**2 - v[i]**2)"
"""


def alone(left: sp.Expr, right: sp.Expr, *variables: Variable) -> Mutant:
    return Mutant("sign", Part(Setting(variables), Equal(left, right)), left, right)


def finding(route: str, outcome: Any, *conditions: str, samples: int | None = None) -> Finding:
    return Finding(route, outcome, "exact", conditions=conditions, samples=samples)


def test_every_mutant_of_a_law_is_refuted_or_true_and_the_kernel_says_so() -> None:
    (statement,) = read_text(BALANCE).statements
    results = [judged(mutant) for mutant in mutants(statement.parts[0])]
    fates = {(result.mutant.kind, str(result.mutant.part.assertion), str(result.mutant.before)): result.fate for result in results}
    true = {key for key, fate in fates.items() if fate != "refuted"}
    law, multiple, inverse = (
        f"Evolves(quantity={q}, rate=0, indices=((i, N),))" for q in ("c*(u[i]**2 - v[i]**2)", "u[i]**2 - v[i]**2", "(u[i]**2 - v[i]**2)/c")
    )
    assert true == {
        ("domain", law, "c positive"),
        ("domain", law, "u positive"),
        ("factor", multiple, law.split("=")[1].split(", rate")[0]),
        ("ratio", inverse, "c"),
    }
    for result in results:
        assert result.decisive is not None
        assert result.decisive.certificate is not None
        wanted = "refuted" if result.fate == "refuted" else "proved"
        assert check(dict(result.decisive.certificate)).outcome == wanted
        assert (result.points >= 30) == (result.fate == "true")


def test_a_law_that_is_none_at_one_size_is_refuted_at_another() -> None:
    """(sum a)^2 = sum a^2 holds for N = 1 alone."""
    found = judged(alone(total(a[i], (i, N)) ** 2, total(a[j] ** 2, (j, N)), a))
    assert found.fate == "refuted"


def test_a_law_of_one_exponent_alone_is_refuted_at_another() -> None:
    """At L = 3, where the setting has its instance, (u exp(kappa r^2/2))^(3-L) is 1."""
    (law,) = [part for part in paper("chou_rauhut_ward").statements[7].parts if part.label == "separate, every L: plus"]
    (constant,) = [mutant for mutant in mutants(law) if str(mutant.after).endswith("**(3 - L)")]
    found = judged(constant)
    assert [finding.route for finding in found.findings if finding.outcome == "proved"] == ["N=4 M=2 L=3"]
    assert found.fate == "refuted"
    assert found.decisive is not None
    assert found.decisive.certificate is not None
    assert found.decisive.certificate["values"]["L"] != "3"


def test_what_is_defined_nowhere_is_not_called_true() -> None:
    b = Variable("b")
    found = judged(alone(sp.log(3 * b[()] - 3000), sp.log(b[()] - 1000) + sp.log(3), b))
    assert found.fate == "empty"
    assert found.points == 0


def test_what_cannot_be_decided_has_a_reason() -> None:
    text = 'given = ["b**2 = 2"]\n[data]\nb = "scalar"\n[[claim]]\nid = "c"\nidentity = "b**3 = 2*b + 1"'
    found = judged(Mutant("term", read_text(text).statements[0].parts[0], "", ""))
    assert found.fate == "unknown"
    assert found.reason
    assert found.decisive is None


def test_an_engine_that_proves_a_false_claim_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    false = alone(total(a[i], (i, N)), total(a[j] ** 2, (j, N)), a)
    assert judged(false).fate == "refuted"
    monkeypatch.setattr(mutation, "all_sizes", lambda part: finding("all sizes", "proved"))
    assert judged(false).fate == "contradiction"


@pytest.mark.parametrize(
    ("findings", "fate"),
    [
        ((finding("all sizes", "proved", "a > 0"), finding("points, N=4", "refuted")), "contradiction"),
        ((finding("exact", "proved"), finding("falsify", "refuted")), "contradiction"),
        ((finding("N=4", "proved"), finding("points, N=4", "refuted")), "contradiction"),
        ((finding("N=4", "proved"), finding("points, N=5", "refuted")), "refuted"),
        ((finding("exact", "proved"), finding("points", "supported", samples=6)), "true"),
        ((finding("all sizes", "unknown"), finding("N=4", "proved"), finding("points, N=4", "supported", samples=6)), "unknown"),
        ((finding("all sizes", "proved"), finding("points, N=4", "unknown")), "empty"),
        ((finding("all sizes", "unknown"), finding("points, N=4", "supported", samples=6)), "unknown"),
    ],
)
def test_the_fate_by_the_findings(findings: tuple[Finding, ...], fate: str) -> None:
    assert Judged(alone(a[0], a[1], a), findings).fate == fate


def test_counts_and_limits_are_judged() -> None:
    chosen = {s.id: s for s in paper("chou_rauhut_ward").statements}
    one_more = [judged(mutant) for mutant in mutants(chosen["C7"].parts[0])]
    assert [result.fate for result in one_more] == ["refuted", "refuted"]
    limit = next(part for part in chosen["C13"].parts if part.label == "I1: the limit to 34 digits")
    turned = next(mutant for mutant in mutants(limit) if mutant.kind == "direction")
    assert judged(turned).fate == "refuted"
