"""Slips of the pen: which are made, that each is one slip, and that none is made twice."""

from __future__ import annotations

import pytest
import sympy as sp

from theory.files import read_text
from theory.mutation import KINDS, Mutant, mutants
from theory.papers import paper
from theory.settings import Definition, Setting
from theory.statements import AtMost, Complete, Equal, Evolves, Observed, Part, TimeDerivative
from theory.symbols import Family, Variable, index, size, total

POLAR = """
[sizes]
N = 4
M = 2
[constants]
kappa = "positive"
[data]
A = "M x N"
y = "M"
[parameters]
r = "positive scalar"
u = "N, positive, sphere"
[model]
predictor = "x[i] = (r*u[i])**2"
loss = "square(A, y)"
[flow]
rates = { r = 1, u = "kappa" }
[[claim]]
id = "law"
conserved = "sum(i, z[i]*(log(u[i]) + kappa*r**2/2))"
where = { z = "kernel(A)" }
"""
LAW = read_text(POLAR).statements[0].parts[0]

N, i, j, k = size("N"), index("i"), index("j"), index("k")
a, b = Variable("a", (N,)), Variable("b", (N,))
W = Variable("W", (N, N))
room = Definition("room", Family(((j, N),), a[j] - 1))


def of_kind(part: Part, kind: str) -> list[Mutant]:
    return [mutant for mutant in mutants(part) if mutant.kind == kind]


def quantities(kind: str) -> set[str]:
    """The bodies of the mutants of the law, each a sum over i."""
    found = set()
    for mutant in of_kind(LAW, kind):
        assert isinstance(mutant.part.assertion, Evolves)
        quantity = mutant.part.assertion.quantity
        found.add(str(quantity.function) if isinstance(quantity, sp.Sum) else str(quantity))
    return found


def equal(left: sp.Expr, right: sp.Expr) -> Part:
    return Part(Setting((a, b, W)), Equal(left, right))


# ---- the slips in a formula ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("sign", {"(-kappa*r**2/2 + log(u[i]))*z[i]", "(kappa*r**2/2 - log(u[i]))*z[i]"}),
        ("factor", {"(kappa*r**2 + log(u[i]))*z[i]", "(r**2/2 + log(u[i]))*z[i]", "(kappa/2 + log(u[i]))*z[i]", "(kappa*r**2/2 + 2*log(u[i]))*z[i]"}),
        ("exponent", {"(kappa*r**3/2 + log(u[i]))*z[i]", "(kappa*r/2 + log(u[i]))*z[i]"}),
        ("ratio", {"(log(u[i]) + r**2/(2*kappa))*z[i]", "(kappa/(2*r**2) + log(u[i]))*z[i]"}),
        ("term", {"log(u[i])*z[i]", "kappa*r**2*z[i]/2"}),
        ("index", set()),
    ],
)
def test_the_slips_in_the_main_law(kind: str, wanted: set[str]) -> None:
    assert quantities(kind) == wanted


def test_indices_are_mixed_up_where_their_ranges_allow_it() -> None:
    pairing = total(W[i, j] * a[j], (j, N))
    part = Part(Setting((a, b, W)), Equal(b[i], pairing, ((i, N),)))
    written = {str(mutant.part.assertion.right.function) for mutant in of_kind(part, "index") if isinstance(mutant.part.assertion, Equal)}
    assert written == {"W[j, j]*a[j]", "W[i, i]*a[j]", "W[j, i]*a[j]", "W[i, j]*a[i]"}


def test_a_size_that_differs_keeps_its_indices() -> None:
    M = size("M")
    A = Variable("A", (M, N))
    part = Part(Setting((a, A)), Equal(total(A[k, j] * a[j], (j, N)), sp.S.Zero, ((k, M),)))
    assert of_kind(part, "index") == []


def test_the_wrong_norm() -> None:
    (found,) = of_kind(equal(total(a[i] ** 2, (i, N)), sp.S.One), "norm")
    assert found.part.assertion == Equal(total(sp.Abs(a[i]), (i, N)), sp.S.One)


def test_a_multiple_of_a_law_is_no_slip_but_one_of_a_rate_is() -> None:
    quantity = total(a[i] ** 2, (i, N))
    law, rate = (Part(Setting((a,)), Evolves(quantity, value)) for value in (sp.S.Zero, quantity))
    multiples = (-quantity, 2 * quantity)
    assert not any(mutant.part.assertion == Evolves(multiple) for mutant in mutants(law) for multiple in multiples)
    for multiple in multiples:
        assert sum(mutant.part.assertion == Evolves(multiple, quantity) for mutant in mutants(rate)) == 1


# ---- what is presupposed, and inequalities ---------------------------------------------------------------------------------------------------


def test_conditions_are_left_out_one_by_one() -> None:
    kernel, sphere = of_kind(LAW, "condition")
    assert (len(kernel.part.setting.hypotheses), len(LAW.setting.hypotheses)) == (0, 1)
    assert sphere.before == "|u| = 1"
    assert sphere.part.setting.flow is not None
    assert LAW.setting.flow is not None
    assert (sphere.part.setting.flow.space.spheres, LAW.setting.flow.space.spheres) == ((), (("u",),))
    assert sphere.part.setting.hypotheses == LAW.setting.hypotheses


def test_signs_of_what_is_mentioned_are_left_out() -> None:
    found = of_kind(LAW, "domain")
    assert sorted(str(mutant.before) for mutant in found) == ["kappa positive", "r positive", "u positive"]
    for mutant in found:
        changed = [(old.name, new.sign) for old, new in zip(LAW.setting.variables, mutant.part.setting.variables, strict=True) if old != new]
        assert changed == [(str(mutant.before).split()[0], "real")]


def test_an_inequality_is_turned_made_strict_and_freed_of_its_conditions() -> None:
    part = Part(Setting((a,)), AtMost(total(a[i], (i, N)), total(a[i] ** 2, (i, N)), where=(room,), because=sp.S.One))
    told = {mutant.kind: mutant.part.assertion for mutant in mutants(part)}
    left, right = total(a[i], (i, N)), total(a[i] ** 2, (i, N))
    assert told["direction"] == AtMost(right, left, where=(room,))
    assert told["strict"] == AtMost(left, right, strict=True, where=(room,))
    assert told["condition"] == AtMost(left, right)
    assert all(assertion.because is None for assertion in told.values() if isinstance(assertion, AtMost))
    moving = Part(Setting((a,)), AtMost(TimeDerivative(left), right))
    assert not of_kind(moving, "direction")
    assert any(m.part.assertion == AtMost(TimeDerivative(-left), right) for m in of_kind(moving, "sign"))


def test_a_count_is_one_off_and_what_is_observed_has_none() -> None:
    count = Part(LAW.setting, Complete(3, ()))
    assert [mutant.part.assertion for mutant in mutants(count)] == [Complete(2, ()), Complete(4, ())]
    assert list(mutants(Part(LAW.setting, Observed(sp.S.One, (), (), (), {}, {})))) == []


# ---- all of them -----------------------------------------------------------------------------------------------------------------------------


def test_each_is_made_once_and_always_in_the_same_order() -> None:
    parts = [part for statement in paper("chou_rauhut_ward").statements if statement.id in ("C1", "C6", "C18") for part in statement.parts]
    for part in parts:
        found = list(mutants(part))
        assert found == list(mutants(part))
        for n, mutant in enumerate(found):
            assert (mutant.part.assertion, mutant.part.setting) != (part.assertion, part.setting)
            assert (mutant.part.assertion == part.assertion) != (mutant.part.setting == part.setting)  # one slip
            assert mutant.part not in [other.part for other in found[:n]]


def test_the_paper_meets_every_kind() -> None:
    """C4 has no sums; inequalities are in C18, counts in C7, sums of squares in C3."""
    chosen = [s for s in paper("chou_rauhut_ward").statements if s.id in ("C3", "C7", "C15", "C16", "C18")]
    assert {mutant.kind for statement in chosen for part in statement.parts for mutant in mutants(part)} == set(KINDS)
