"""The search for counterexamples: what it finds is true and small, what it does not find it does not call proved, and what is vacuous it says."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
import sympy as sp

from proofs_check.falsify import Falsification, falsify
from proofs_check.kernel import Rejected, check
from theory.files import read_text
from theory.papers import paper
from theory.settings import Definition, Setting
from theory.statements import AtMost, Part
from theory.symbols import Family, Variable, index, size, total

POLAR = """
[sizes]
N = 4
M = 2
[constants]
kappa = "positive"
[data]
A = {A}
y = "M"
[parameters]
r = "positive scalar"
u = "N, positive, sphere"
[model]
predictor = "x[i] = (r*u[i])**2"
loss = "square(A, y)"
[flow]
rates = {{ r = 1, u = "kappa" }}
[[claim]]
id = "law"
conserved = "sum(i, z[i]*(log(u[i]) + {factor}*kappa*r**2))"
where = {{ z = "kernel(A)" }}
"""


def polar(factor: str, A: str = '"M x N"') -> Part:
    return read_text(POLAR.format(factor=factor, A=A)).statements[0].parts[0]


def identity(equation: str, **data: str) -> Part:
    declared = "\n".join(f'{name} = "{what}"' for name, what in data.items())
    text = f"[sizes]\nN = 3\n[data]\n{declared}\n[[claim]]\nid = 'c'\nidentity = '{equation}'"
    return read_text(text).statements[0].parts[0]


def values(found: Falsification) -> dict[str, Any]:
    assert found.certificate is not None
    return dict(found.certificate["values"])


# ---- what is found ---------------------------------------------------------------------------------------------------------------------------


def test_a_false_identity_has_its_smallest_counterexample() -> None:
    found = falsify(identity("sum(i, a[i]*b[i]) = 0", a="N", b="N"))
    assert found.outcome == "refuted"
    assert found.certificate is not None
    assert found.certificate["sizes"] == {"N": 1}
    assert values(found) == {"a": ["1"], "b": ["1"]}
    assert found.gap == {"entry": [], "difference": "1", "exact": True, "at_least": "1"}


def test_a_claim_that_is_false_at_large_sizes_alone() -> None:
    """(sum a)^2 = sum a^2 for one entry; for two it fails where both are not 0."""
    found = falsify(identity("sum(i, a[i])**2 = sum(i, a[i]**2)", a="N"))
    assert found.certificate is not None
    assert found.certificate["sizes"] == {"N": 2}
    assert values(found) == {"a": ["1", "1"]}


def test_the_smallest_point_need_not_be_the_simplest_draw() -> None:
    """a (a - 1) (a + 1) (a - 2) is 0 at the simplest numbers."""
    assert values(falsify(identity("a*(a - 1)*(a + 1)*(a - 2) = 0", a="scalar"))) == {"a": "-2"}


def test_the_counterexample_of_a_law_is_the_kernels_and_meets_every_hypothesis() -> None:
    found = falsify(polar("1"), samples=40)
    assert found.certificate is not None
    assert check(dict(found.certificate)).outcome == "refuted"
    exact = {name: sp.Matrix([sp.Rational(q) for q in values(found)[name]]) for name in ("u", "z")}
    A = sp.Matrix([[sp.Rational(q) for q in row] for row in values(found)["A"]])
    assert exact["u"].dot(exact["u"]) == 1
    assert (A * exact["z"]).is_zero_matrix
    assert found.certificate["sizes"] == {"N": 2, "M": 1}
    assert max(abs(q.p) + q.q for q in (*exact["u"], *exact["z"], *A)) <= 9


def test_the_gap_by_hand() -> None:
    """With x = (r u)^2, residual e = A x - y and G = A^T e, the law without its 1/2 moves by kappa r r' <z, 1>, times 1 as A z = 0."""
    found = falsify(polar("1"), samples=40)
    point = values(found)
    assert found.gap is not None
    r, kappa = Fraction(point["r"]), Fraction(point["kappa"])
    u, z, y = ([Fraction(q) for q in point[name]] for name in ("u", "z", "y"))
    A = [[Fraction(q) for q in row] for row in point["A"]]
    x = [(r * q) ** 2 for q in u]
    e = [sum(a * b for a, b in zip(row, x, strict=True)) - c for row, c in zip(A, y, strict=True)]
    G = [sum(A[k][i] * e[k] for k in range(len(A))) for i in range(len(u))]
    r_dot = -sum(g * 2 * r * q * q for g, q in zip(G, u, strict=True))
    by_u = [g * 2 * r * r * q for g, q in zip(G, u, strict=True)]
    along = sum(s * q for s, q in zip(by_u, u, strict=True))
    u_dot = [-kappa * (s - q * along) for s, q in zip(by_u, u, strict=True)]
    moved = sum(c * (v / q + 2 * kappa * r * r_dot) for c, q, v in zip(z, u, u_dot, strict=True))
    assert Fraction(found.gap["difference"]) == moved != 0


def test_the_same_seed_finds_the_same() -> None:
    first, second = (falsify(polar("1"), samples=20, seed=5) for _ in range(2))
    assert first.certificate == second.certificate
    assert (first.tried, first.empty) == (second.tried, second.empty)


def test_data_of_a_file_are_kept() -> None:
    found = falsify(polar("1", "[[1, 2, -1, 1], [2, -1, 1, 1]]"), samples=20)
    assert found.certificate is not None
    assert found.certificate["sizes"] == {"N": 4, "M": 2}
    assert values(found)["A"] == [["1", "2", "-1", "1"], ["2", "-1", "1", "1"]]


def test_precision_rises_where_it_has_to() -> None:
    """log(2 a) - log(a) - log(2) is 0, and the sides differ by what is added: 64 bits see a millionth, and not 10^-30."""
    for digits, bits in ((6, 64), (30, 192), (90, 576)):
        found = falsify(identity(f"log(2*a) = log(a) + log(2) + 1/10**{digits // 2}/10**{digits - digits // 2}", a="positive scalar"), samples=5)
        assert found.certificate is not None
        assert found.certificate["bits"] == bits
        assert found.gap is not None
        assert not found.gap["exact"]
        assert 0 < Fraction(found.gap["at_least"]) < Fraction(1, 10**digits)


# ---- what is not found -----------------------------------------------------------------------------------------------------------------------


def test_a_true_law_is_supported_and_never_proved() -> None:
    found = falsify(polar("1/2"), samples=30)
    assert found.outcome == "supported"
    assert found.certificate is None
    assert 30 <= found.held == found.tried
    assert found.finding.grade == "sampled"
    assert "prove" not in found.text


def test_points_outside_the_domain_are_counted_apart() -> None:
    found = falsify(identity("log(a - b) = log(a - b)", a="positive scalar", b="positive scalar"), samples=40)
    assert found.outcome == "supported"
    assert found.held >= 40
    assert found.empty > 0
    assert "logarithm" in found.why_empty


def test_a_claim_about_nothing_is_unknown() -> None:
    found = falsify(identity("log(a - 100) = 0", a="scalar"), samples=10)
    assert found.outcome == "unknown"
    assert found.held == 0
    assert found.tried == found.empty > 10
    assert "none said anything" in found.text


def test_a_difference_that_cannot_be_told_from_0_says_nothing() -> None:
    """exp(exp(exp(9 + a^2))) is a ball without end, and the difference of two such could be anything."""
    found = falsify(identity("exp(exp(exp(9 + a**2))) = exp(exp(exp(9 + b**2)))", a="scalar", b="scalar"), samples=3)
    assert found.outcome in ("unknown", "refuted")
    assert found.certificate is None or found.gap is not None


def test_hypotheses_that_cannot_be_solved_are_said() -> None:
    text = 'given = ["a**2 = 2"]\n[data]\na = "scalar"\n[[claim]]\nid = "c"\nidentity = "a = 0"'
    found = falsify(read_text(text).statements[0].parts[0])
    assert (found.outcome, found.tried) == ("unknown", 0)
    assert "no constant left to choose" in found.text


def test_a_count_is_not_searched() -> None:
    (count,) = [s for s in paper("chou_rauhut_ward").statements if s.id == "C7"]
    found = falsify(count.parts[0])
    assert (found.outcome, found.tried) == ("unknown", 0)
    assert "Complete" in found.text


def test_the_budget_is_kept() -> None:
    reported: list[int] = []
    found = falsify(polar("1/2"), samples=10**6, budget=0.0, report=reported.append)
    assert found.spent
    assert (found.tried, reported) == (0, [])
    assert found.outcome == "unknown"
    stopped = falsify(polar("1/2"), samples=10**6, budget=1.0, report=reported.append)
    assert stopped.spent
    assert reported == list(range(1, stopped.tried + 1))


# ---- inequalities ----------------------------------------------------------------------------------------------------------------------------

N, i, a = size("N"), index("i"), Variable("a", (size("N"),), "constant", "real")
SQUARES = total(a[i] ** 2, (i, N))


def at_most(left: sp.Expr, right: sp.Expr, *, strict: bool = False, least: int | None = None) -> Part:
    where = () if least is None else (Definition("room", Family((), SQUARES - least)),)
    return Part(Setting((a,)), AtMost(left, right, strict=strict, where=where))


def test_a_false_inequality() -> None:
    found = falsify(at_most(total(a[i], (i, N)) ** 2, SQUARES))
    assert values(found) == {"a": ["1", "1"]}
    assert found.gap is not None
    assert Fraction(found.gap["at_least"]) == 2


def test_equality_refutes_a_strict_inequality_alone() -> None:
    assert falsify(at_most(SQUARES, SQUARES), samples=20).outcome == "supported"
    assert values(falsify(at_most(SQUARES, SQUARES, strict=True), samples=20)) == {"a": ["0"]}


def test_the_domain_of_an_inequality_is_respected() -> None:
    """|a|^2 <= 4 fails for |a| > 2, and nothing is said of the points where |a|^2 < 9."""
    found = falsify(at_most(SQUARES, sp.Integer(4), least=9))
    assert sum(Fraction(q) ** 2 for q in values(found)["a"]) >= 9
    assert values(found) == {"a": ["3"]}
    held = falsify(at_most(sp.Integer(4), SQUARES, least=9), samples=20)
    assert held.outcome == "supported"
    assert held.empty > 0


# ---- the paper -------------------------------------------------------------------------------------------------------------------------------

MUTANTS = [(s.id, m) for s in paper("chou_rauhut_ward").statements if s.id in ("C1", "C3", "C5", "C6") for m in s.mutants]


@pytest.mark.parametrize("mutant", [m for _, m in MUTANTS], ids=[f"{name}-{m.label}" for name, m in MUTANTS])
def test_the_mutants_of_the_paper_are_refuted_at_small_points(mutant: Part) -> None:
    found = falsify(mutant, samples=60, budget=60)
    assert found.certificate is not None
    assert max(found.certificate["sizes"].values(), default=1) <= 2


def test_a_counterexample_that_is_changed_is_rejected() -> None:
    found = falsify(polar("1"), samples=20)
    assert found.certificate is not None
    point = dict(found.certificate)
    with pytest.raises(Rejected):
        check({**point, "values": {**values(found), "z": ["0"] * len(values(found)["z"])}})
    with pytest.raises(Rejected):
        check({**point, "values": {**values(found), "u": ["1"] * len(values(found)["u"])}})
