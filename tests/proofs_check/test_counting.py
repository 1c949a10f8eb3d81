"""The producer of counts: the number it finds decides the claim, and an open count stays open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proofs_check.counting import count
from proofs_check.kernel import Rejected, check
from theory.dynamics import gradient_flow
from theory.losses import any_loss, any_loss_of
from theory.models import power
from theory.papers import chou_rauhut_ward
from theory.settings import Instance, Setting
from theory.statements import Complete, Part
from theory.symbols import Family, Variable, index, size, total

CLAIMS = {
    f"{statement.id}, {kind}: {part.label}": (part, kind)
    for statement in chou_rauhut_ward.paper().statements
    for kind, parts in (("part", statement.parts), ("mutant", statement.mutants))
    for part in parts
    if isinstance(part.assertion, Complete)
}


@pytest.mark.parametrize("name", CLAIMS)
def test_the_counts_of_the_paper(name: str) -> None:
    part, kind = CLAIMS[name]
    found = count(part)
    assert found.outcome == ("proved" if kind == "part" else "refuted")
    assert found.certificate is not None
    assert isinstance(part.assertion, Complete)
    stated = found.certificate["statement"]["claim"]["count"]
    assert (stated == part.assertion.count) == (kind == "part")
    assert check(found.certificate).text == found.reason


@pytest.mark.parametrize("seed", range(1, 4))
def test_the_count_does_not_depend_on_the_point(seed: int) -> None:
    part, _ = next(iter(CLAIMS.values()))
    assert count(part, seed=seed).outcome == "proved"


N, M = size("N"), size("M")
i, k = index("i"), index("k")
w = Variable("w", (N,), "parameter", "positive")
A, z = Variable("A", (M, N)), Variable("z", (N,))
RATE = Variable("eta", (), "constant", "positive")


def plain(*instances: Instance) -> Setting:
    """x = w^2 under plain gradient flow of f(Ax): sum z log w is conserved for A z = 0."""
    setting = gradient_flow(power(w, 2), any_loss_of(A, (N,)), {"w": RATE[()]}, given=(RATE, A), instances=instances)
    return setting.having(z, hypotheses=(Family(((k, M),), total(A[k, i] * z[i], (i, N))),))


def law(quantity: object) -> tuple[Family, ...]:
    return (Family((), quantity),)


def test_plain_gradient_flow_has_one_law_for_each_vector_of_the_kernel() -> None:
    import sympy as sp

    setting = plain(Instance({"N": 5, "M": 2}))
    laws = law(total(z[i] * sp.log(w[i]), (i, N)))
    assert count(Part(setting, Complete(3, laws))).outcome == "proved"
    assert count(Part(setting, Complete(4, laws))).outcome == "refuted"
    assert count(Part(setting, Complete(2, laws))).outcome == "refuted"


def test_a_law_left_out_leaves_the_count_open() -> None:
    found = count(Part(plain(Instance({"N": 4, "M": 2})), Complete(2, ())))
    assert found.outcome == "unknown"
    assert "0 laws are independent, the flow leaves room for 2" in found.reason


def test_a_law_that_is_none_leaves_the_count_unknown() -> None:
    found = count(Part(plain(Instance({"N": 4, "M": 2})), Complete(2, law(total(z[i] * w[i], (i, N))))))
    assert found.outcome == "unknown"
    assert "not proved" in found.reason


def test_no_law_at_all() -> None:
    setting = gradient_flow(power(w, 2), any_loss((N,)), {"w": RATE[()]}, given=(RATE,), instances=(Instance({"N": 3}),))
    assert count(Part(setting, Complete(0, ()))).outcome == "proved"
    assert count(Part(setting, Complete(1, ()))).outcome == "refuted"


def test_hypotheses_that_cannot_be_met_leave_the_count_unknown() -> None:
    setting = plain(Instance({"N": 3, "M": 2}))
    strange = replace(setting, hypotheses=(Family((), total(z[i] ** 2, (i, N)) - 2),))
    assert count(Part(strange, Complete(0, ()))).outcome == "unknown"


def test_a_forged_number_is_rejected() -> None:
    part, _ = next(iter(CLAIMS.values()))
    node = count(part).certificate
    assert node is not None
    claim = node["statement"]["claim"]
    with pytest.raises(Rejected, match="the statement says"):
        check({**node, "statement": {**node["statement"], "claim": {**claim, "count": claim["count"] + 1}}})
