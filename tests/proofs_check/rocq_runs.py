"""Rocq run on exported files. Not collected unless it is named, since it needs coqc: pytest tests/proofs_check/rocq_runs.py."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from polarflow.targets import resolve
from proofs_check.rocq import Misread, check, finding, read_back
from proofs_check.rocq.checking import ALLOWED
from proofs_check.rocq.exporting import HEADER, Module, module

EXAMPLES = Path(__file__).parents[2] / "examples"
# One for each kind of proof: sums and powers for all sizes, gradients, sines, absolute values, entries of matrices.
CLAIMS = [
    ("chou_rauhut_ward/C1", 0, "N=3 M=2"),
    ("chou_rauhut_ward/C1", 1, "all sizes"),
    ("chou_rauhut_ward/C3", 0, "all sizes"),
    ("chou_rauhut_ward/C3", 1, "all sizes"),
    ("chou_rauhut_ward/C4", 13, "exact"),
    ("chou_rauhut_ward/C6", 2, "all sizes"),
    ("chou_rauhut_ward/C6", 3, "all sizes"),
    ("chou_rauhut_ward/C8", 9, "all sizes"),
    ("chou_rauhut_ward/C9", 9, "all sizes"),
    (f"{EXAMPLES}/two_layer_linear.toml/balanced", 0, "all sizes"),
]


def written(target: str, number: int) -> Module:
    return module(resolve(target).statements[0].parts[number], "part_1")


@pytest.fixture(scope="module")
def law() -> Module:
    """C6 at L = 2, for all N and M and every loss."""
    return written("chou_rauhut_ward/C6", 2)


@pytest.mark.parametrize(("target", "number", "route"), CLAIMS)
def test_rocq_accepts(target: str, number: int, route: str) -> None:
    found = finding(resolve(target).statements[0].parts[number])
    assert (found.outcome, found.grade, found.route) == ("proved", "rocq", route), found.reason


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("kappa * r t ^ 2 / 2 + ln", "kappa * r t ^ 2 / 3 + ln"),  # the claim
        ("derivable_pt_lim r t (- 2 *", "derivable_pt_lim r t (- 3 *"),  # the flow
        ("Hypothesis hypothesis_0", "Hypothesis hypothesis_00"),  # a hypothesis that the proof needs
    ],
)
def test_rocq_refuses_what_is_false(law: Module, old: str, new: str) -> None:
    """The same proof of another statement; the reader is not asked."""
    assert old in law.text
    found = check(f"{HEADER}\n{law.text.replace(old, new, 1)}", [law.theorem])
    assert not found.accepted
    assert "Rocq refused claim.v" in found.reason


def test_a_contradiction_that_rocq_would_accept_is_seen_by_the_reader(law: Module) -> None:
    """Rocq checks proofs, not whether the statement is meant; that is what reading back is for."""
    theorem = re.search(r"Theorem conserved : .*", law.text)
    assert theorem
    statement = law.text[: law.text.index("Lemma moves")].replace("kappa * r t ^ 2 / 2 + ln", "kappa * r t ^ 2 / 3 + ln")
    statement = statement.replace("Hypothesis N_positive", "Hypothesis more : 0 = 1.\nHypothesis N_positive")
    text = f"{statement}{theorem[0]}\nProof.\n  intros. exfalso. lra.\nQed.\nEnd statement.\nEnd part_1.\n"
    assert check(f"{HEADER}\n{text}", [law.theorem]).accepted
    with pytest.raises(Misread):
        read_back(law.part, None, text)


def test_axioms_are_seen_whatever_they_are_called(law: Module) -> None:
    text = f"{HEADER}\nHypothesis more : 0 = 1.\nTheorem one : 0 = 1.\nProof.\n  exact more.\nQed.\n"
    found = check(text, ["one"])
    assert not found.accepted
    assert "more" in found.reason
    assert set(check(f"{HEADER}\n{law.text}", [law.theorem]).axioms) <= ALLOWED


MODEL = {
    "N M": "Definition N : nat := 2. Definition M : nat := 1.",
    "r": "Definition r : R -> R := fun _ => 1.",
    "u": "Definition u : nat -> R -> R := fun i _ => if Nat.eqb i 0 then 3 / 5 else 4 / 5.",
    "kappa": "Definition kappa : R := 1 / 3.",
    "eta_r": "Definition eta_r : R := 2.",
    "A": "Definition A : nat -> nat -> R := fun _ i => if Nat.eqb i 0 then 4 else -3.",
    "nu": "Definition nu : nat -> R -> R := fun _ _ => 0.",
    "z": "Definition z : nat -> R := fun i => if Nat.eqb i 0 then 3 else 4.",
    "t0 t1": "Definition t0 : R := 0. Definition t1 : R := 1.",
}
TACTICS = """Ltac entries :=
  repeat match goal with
  | H : (?i < _)%nat |- _ =>
      try unfold N, M in H; destruct i as [|[|i]]; [clear H | first [exfalso; lia | clear H] | exfalso; lia]
  end.
Ltac model :=
  intros; entries; unfold G, N, M, r, u, kappa, eta_r, A, nu, z, t0, t1 in *; cbn [sum Nat.eqb];
  first [lia | lra | field | eapply dpl_eq; [apply dpl_const | unfold Rdiv; ring]].
"""


def test_the_hypotheses_of_the_law_have_a_model(law: Module) -> None:
    """Nothing follows from a contradiction here: at rest, N = 2 and M = 1, every hypothesis of the file becomes a theorem.

    The interval of time and u are not trivial, z is not 0, and the law is then an identity between numbers that are not 0 either.
    """
    head = law.text[: law.text.index("Definition quantity")].replace("Hypothesis", f"{TACTICS}Hypothesis", 1)
    lines, lemmas = [], []
    for line in head.splitlines():
        if (variable := re.match(r"Variables? ([^:]*?) :", line)) is not None:
            lines.append(MODEL[variable[1]])
        elif line.startswith("Hypothesis"):
            name = line.split()[1]
            lemmas.append(name)
            lines.append(f"{line.replace('Hypothesis', 'Theorem', 1)}\nProof.\n  model.\nQed.")
        else:
            lines.append(line)
    text = "\n".join([HEADER, *lines, "End statement.", "End part_1."])
    assert {"u_positive", "hypothesis_0", "hypothesis_1", "r_moves", "u_moves"} <= set(lemmas)
    found = check(text, [f"part_1.{name}" for name in lemmas], seconds=60)
    assert found.accepted, found.reason


@pytest.mark.slow
@pytest.mark.parametrize("claim", [f"C{n}" for n in range(1, 11)])
def test_rocq_accepts_all_of_the_paper_that_is_exported(claim: str) -> None:
    """Minutes for all of C1 to C10."""
    left = {"a count of laws", "integrals are not exported"}
    for part in resolve(f"chou_rauhut_ward/{claim}").statements[0].parts:
        found = finding(part)
        assert found.grade == "rocq" or any(reason in found.reason for reason in left), (part.label, found.reason)
