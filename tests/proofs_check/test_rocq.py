"""Theorems for Rocq: what is written, what is read back, what is refused, and what is said where there is no Rocq.

Rocq itself is run by `rocq_runs.py`. Here the compiler is a script that answers what it is told to, so that every branch is taken anywhere.
"""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from polarflow.cli import app
from polarflow.rocq import NothingToExport, exported, write
from polarflow.targets import resolve
from proofs_check.rocq import Misread, NotInstalled, Unexportable, check, compiler, export, finding, read_back, rocq_check
from proofs_check.rocq.checking import ALLOWED, theorems_in
from proofs_check.rocq.exporting import HEADER, Module, module
from proofs_check.rocq.reading import name_of
from proofs_check.rocq.words import RESERVED, rocq_name
from proofs_check.verdicts import Finding, Verdict
from theory.files import read_text
from theory.statements import Part

EXAMPLES = Path(__file__).parents[2] / "examples"
FLOW = """
[sizes]
N = 3
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
loss = "{loss}"
[flow]
rates = {{ r = 1, u = "kappa" }}
[[claim]]
id = "claim"
{claim}
"""
LAW = 'conserved = "sum(i, z[i]*(log(u[i]) + kappa*r**2/2))"\nwhere = { z = "kernel(A)" }'
FALSE = 'conserved = "sum(i, z[i]*(log(u[i]) + kappa*r**2))"\nwhere = { z = "kernel(A)" }'


def part_of(claim: str, loss: str = "square(A, y)") -> Part:
    return read_text(FLOW.format(claim=claim, loss=loss)).statements[0].parts[0]


@pytest.fixture(scope="module")
def law() -> Module:
    return module(part_of(LAW), "part_1")


# ---- what is written ----


def test_the_theorem_is_the_flow_and_the_law_in_full(law: Module) -> None:
    """Every line a theorist would have to read, written out by hand."""
    lines = law.text.splitlines()
    assert lines[: lines.index("Lemma moves : forall t, t0 < t < t1 -> derivable_pt_lim quantity t 0.")] == [
        "Module part_1.",
        "Section statement.",
        "Variables N M : nat.",
        "Variable r : R -> R.",
        "Variable u : nat -> R -> R.",
        "Variable kappa : R.",
        "Variable A : nat -> nat -> R.",
        "Variable y : nat -> R.",
        "Variable z : nat -> R.",
        "Variables t0 t1 : R.",
        "Definition x (i : nat) (t : R) : R := r t ^ 2 * u i t ^ 2.",
        "Definition nu (k : nat) (t : R) : R := sum N (fun i => x i t * A k i) - y k.",
        "Definition G (i : nat) (t : R) : R := sum M (fun k => nu k t * A k i).",
        "Hypothesis N_positive : (0 < N)%nat.",
        "Hypothesis M_positive : (0 < M)%nat.",
        "Hypothesis r_positive : forall t, t0 < t < t1 -> 0 < r t.",
        "Hypothesis u_positive : forall i, (i < N)%nat -> forall t, t0 < t < t1 -> 0 < u i t.",
        "Hypothesis kappa_positive : 0 < kappa.",
        "Hypothesis hypothesis_0 : forall k, (k < M)%nat -> sum N (fun i => z i * A k i) = 0.",
        "Hypothesis hypothesis_1 : forall t, t0 < t < t1 -> sum N (fun i' => u i' t ^ 2) - 1 = 0.",
        "Hypothesis r_moves : forall t, t0 < t < t1 -> derivable_pt_lim r t (- 2 * r t * sum N (fun i => u i t ^ 2 * G i t)).",
        "Hypothesis u_moves : forall i, (i < N)%nat -> forall t, t0 < t < t1 -> "
        "derivable_pt_lim (u i) t (2 * kappa * r t ^ 2 * (sum N (fun j => u j t ^ 2 * G j t) - G i t) * u i t).",
        "Definition quantity (t : R) : R := sum N (fun i => (kappa * r t ^ 2 / 2 + ln (u i t)) * z i).",
    ]
    assert "Theorem conserved : forall s t, t0 < s < t1 -> t0 < t < t1 -> quantity s = quantity t." in lines
    assert law.conditions == ()
    assert law.route == "all sizes"
    assert law.theorem == "part_1.conserved"


def test_an_unknown_loss_leaves_its_cotangents_arbitrary_functions_of_time() -> None:
    """Nothing is assumed of nu but that it is a function: no equation, no sign."""
    text = module(part_of(LAW, loss="any(A)"), "part_1").text
    assert "Variable nu : nat -> R -> R." in text
    assert not [line for line in text.splitlines() if line.startswith("Hypothesis nu")]
    assert "Definition G (i : nat) (t : R) : R := sum M (fun k => nu k t * A k i)." in text


def test_a_theorem_says_where_it_is_defined() -> None:
    """A quotient has a value in Rocq at 0, too; the statement is not about that one."""
    one = module(part_of('identity = "1/(r - 1) - 1/(r + 1) = 2/((r - 1)*(r + 1))"'), "part_1")
    assert sum(condition.endswith("<> 0") for condition in one.conditions) == len(one.conditions) == 1
    (line,) = [line for line in one.text.splitlines() if line.startswith("Hypothesis defined")]
    assert line == f"Hypothesis defined_0 : {one.conditions[0]}."
    assert one.conditions[0] in ("r - 1 <> 0", "- 1 + r <> 0")
    with pytest.raises(Misread, match="nothing in it needs"):
        read_back(one.part, None, one.text.replace(line, f"{line}\nHypothesis more : r - 2 <> 0."))


@pytest.mark.parametrize("name", [path.stem for path in sorted(EXAMPLES.glob("*.toml"))])
def test_every_example_has_a_theorem_and_what_is_left_out_has_a_reason(name: str) -> None:
    for statement in resolve(str(EXAMPLES / f"{name}.toml")).statements:
        found = export(statement)
        assert len(found.modules) + len(found.refused) == len(statement.parts)
        assert bool(found.modules) or all(left.reason for left in found.refused)
        assert not (found.modules and statement.expect == "refuted")
        for one in found.modules:
            assert one.text in found.text


# ---- what is read back ----

TAMPERED = {
    "another law": ("kappa * r t ^ 2 / 2 + ln", "kappa * r t ^ 2 / 3 + ln"),
    "another motion": ("derivable_pt_lim r t (- 2 *", "derivable_pt_lim r t (2 *"),
    "a motion that is half as fast": ("t (2 * kappa * r t ^ 2", "t (kappa * r t ^ 2"),
    "a motion at one time": ("Hypothesis r_moves : forall t, t0 < t < t1 -> ", "Hypothesis r_moves : forall t, t0 < t0 < t1 -> "),
    "another hypothesis": ("z i * A k i) = 0.", "z i * A k i) - 1 = 0."),
    "a hypothesis for other indices": ("forall k, (k < M)%nat -> sum N (fun i => z i", "forall k, (k < N)%nat -> sum N (fun i => z i"),
    "another sphere": ("u i' t ^ 2) - 1 = 0.", "u i' t ^ 2) - 4 = 0."),
    "a contradiction": ("Hypothesis N_positive", "Hypothesis more : 0 = 1.\nHypothesis N_positive"),
    "a narrower domain": ("Hypothesis N_positive", "Hypothesis more : forall t, t0 < t < t1 -> 0 < r t - 1.\nHypothesis N_positive"),
    "the sign of a constant without one": ("Hypothesis N_positive", "Hypothesis more : forall k, (k < M)%nat -> 0 < y k.\nHypothesis N_positive"),
    "a sign at some indices": ("forall i, (i < N)%nat -> forall t, t0 < t < t1 -> 0 < u i t", "forall t, t0 < t < t1 -> 0 < u 1 t"),
    "another definition": ("nu k t * A k i).", "nu k t * A k i ^ 2)."),
    "something defined besides": ("Hypothesis N_positive", "Definition more : R := 1.\nHypothesis N_positive"),
    "a constant that moves": ("Variable z : nat -> R.", "Variable z : nat -> R -> R."),
    "a parameter that does not": ("Variable r : R -> R.", "Variable r : R."),
    "a variable twice": ("Variable y : nat -> R.", "Variable y : nat -> R.\nVariable y : nat -> R."),
    "a size of its own": ("Variables N M : nat.", "Variables M : nat.\nDefinition N : nat := 3."),
    "sizes exchanged": ("Variables N M : nat.", "Variables M N : nat."),
    "another theorem": ("quantity s = quantity t.", "quantity s = quantity s."),
    "a theorem about no time": ("t0 < s < t1 -> t0 < t < t1 -> quantity", "t1 < s < t0 -> t0 < t < t1 -> quantity"),
    "a word of Rocq as a name": ("Variable z : nat -> R.", "Variable sum : nat -> R."),
    "an index that hides a symbol": ("sum N (fun i => z i * A k i)", "sum N (fun r => z r * A k r)"),
    "a sentence in a proof": ("Proof.", "Proof.\n  Hypothesis more : False."),
    "a sentence beside a proof": ("Proof.", "Proof.\nHypothesis more : False."),
    "a lemma that takes a name": ("Lemma moves", "Lemma ln"),
    "a notation": ("Hypothesis N_positive", "Notation ln := exp.\nHypothesis N_positive"),
    "an import": ("Hypothesis N_positive", "From Coq Require Import Ranalysis.\nHypothesis N_positive"),
    "two sentences in a line": ("Variable y : nat -> R.", "Variable y : nat -> R. Variable more : 0 = 1."),
    "no theorem": ("Theorem conserved", "Lemma moves"),
}


@pytest.mark.parametrize("change", TAMPERED)
def test_a_text_that_says_something_else_is_not_read_as_the_claim(law: Module, change: str) -> None:
    old, new = TAMPERED[change]
    assert old in law.text
    with pytest.raises(Misread):
        read_back(law.part, None, law.text.replace(old, new, 1))


def test_the_text_as_written_is_read_as_the_claim_and_as_no_other(law: Module) -> None:
    assert read_back(law.part, None, law.text) == ()
    with pytest.raises(Misread, match="quantity"):
        read_back(part_of(FALSE), None, law.text)


def test_a_statement_whose_hypotheses_cannot_be_met_is_not_written() -> None:
    """Where r - 1 > 0 and 1 - r > 0 everything is true, and Rocq would accept it."""
    both = "log(r - 1)*log(1 - r)"
    with pytest.raises(Misread, match="not known that the hypotheses can be met"):
        module(part_of(f'identity = "{both}*(r + 1) = {both}*r + {both}"'), "part_1")


@given(st.text("abRSt_'", min_size=1, max_size=5) | st.sampled_from(sorted(RESERVED)), st.text("abRSt_'", min_size=1, max_size=5))
def test_names_stay_apart(first: str, second: str) -> None:
    assert (rocq_name(first) == rocq_name(second)) == (first == second)
    assert name_of(rocq_name(first)) == first
    assert rocq_name(first) not in RESERVED


# ---- what is refused ----


def test_a_false_law_is_not_written() -> None:
    with pytest.raises(Unexportable, match="the claim leaves"):
        module(part_of(FALSE), "part_1")


@pytest.mark.parametrize(
    ("claim", "reason"),
    [("C7", "a count of laws"), ("C20", "an inequality"), ("C19-seen", "what is observed in a run")],
)
def test_what_has_no_rule_is_left_out_with_the_reason(claim: str, reason: str) -> None:
    with pytest.raises(NothingToExport, match=reason):
        exported(resolve(f"chou_rauhut_ward/{claim}"))


def test_a_function_without_a_rule_is_named() -> None:
    (left,) = export(resolve(str(EXAMPLES / "plain_diagonal.toml/velocity")).statements[0]).refused
    assert "asinh has no rule" in left.reason


# ---- what Rocq says ----

ACCEPTS = """#!/bin/sh
if [ "$1" = --version ]; then echo "The Rocq Prover, version 9.9"; exit 0; fi
for last; do :; done
{before}
echo compiled > "${{last}}o"
if [ "$last" = asked.v ]; then cat <<'EOF'
{printed}
EOF
fi
{after}
"""
AXIOMS = """Axioms:
ClassicalDedekindReals.sig_forall_dec
  : forall P : nat -> Prop,
    {n : nat | ~ P n}
Classical_Prop.classic : forall P : Prop, P \\/ ~ P"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """A compiler that prints this about the assumptions, having done what is asked before and after."""

    def install(printed: str = AXIOMS, *, before: str = "", after: str = "") -> None:
        path = tmp_path / "coqc"
        path.write_text(ACCEPTS.format(printed=printed, before=before, after=after))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("POLARFLOW_COQC", str(path))

    return install


def test_without_rocq_the_answer_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLARFLOW_COQC", "/nowhere/coqc")
    with pytest.raises(NotInstalled, match=r"/nowhere/coqc.*apt-get install --no-install-recommends coq"):
        compiler()
    monkeypatch.delenv("POLARFLOW_COQC")
    monkeypatch.setenv("PATH", "/nowhere")
    found = finding(part_of(LAW))
    assert (found.outcome, found.grade) == ("unknown", None)
    assert "no coqc on the search path" in found.reason
    assert "apt-get install" in found.reason


def test_a_proof_that_was_accepted(told) -> None:  # type: ignore[no-untyped-def]
    told()
    found = finding(part_of(LAW))
    assert (found.outcome, found.grade, found.route) == ("proved", "rocq", "all sizes")
    assert "version 9.9" in found.reason


@pytest.mark.parametrize(
    ("printed", "before", "after", "reason"),
    [
        (AXIOMS, 'if [ "$last" = claim.v ]; then echo "Error: no" >&2; exit 1; fi', "", "Rocq refused claim.v: Error: no"),
        (AXIOMS, "exit 0", "", "Rocq refused GradientFlow.v"),
        (AXIOMS, "", "exit 1", "Rocq refused GradientFlow.v"),
        (AXIOMS, "exec sleep 60", "", "stopped after"),
        (AXIOMS + "\nclaim.part_1.more : False", "", "", "rests on claim.part_1.more"),
        (AXIOMS + "\nmore is assumed to be guarded.", "", "", "not understood"),
        (AXIOMS + "\nAxioms:\n", "", "", "not understood"),
        ("", "", "", "not understood"),
        ("Type hierarchy is collapsed", "", "", "not understood"),
    ],
)
def test_a_proof_that_was_not(told, law: Module, printed: str, before: str, after: str, reason: str) -> None:  # type: ignore[no-untyped-def]
    told(printed, before=before, after=after)
    found = check(f"{HEADER}\n{law.text}", [law.theorem], seconds=1.5 if "sleep" in before else 300)
    assert not found.accepted
    assert reason in found.reason


@pytest.mark.parametrize(
    "line",
    [
        "Axiom more : False.",
        "Parameter more : False.",
        "Lemma more : False. Admitted.",
        "Lemma more : False. admit. Qed.",
        'Add LoadPath "/".',
        "Unset Guard Checking.",
        "#[bypass_check(guard)] Fixpoint f (n : nat) : False := f n.",
        "Load more.",
        "(* a comment (* in it *) *) Conjecture more : False.",
        "Module ClassicalDedekindReals. Hypothesis sig_forall_dec : False. End ClassicalDedekindReals.",
    ],
)
def test_what_could_hide_a_gap_is_refused_before_anything_runs(told, law: Module, line: str) -> None:  # type: ignore[no-untyped-def]
    told()
    assert check(f"{HEADER}\n{law.text}", [law.theorem]).accepted
    found = check(f"{HEADER}\n{line}\n{law.text}", [law.theorem])
    assert not found.accepted
    assert found.axioms == ()
    assert check(f"{HEADER}\n(* {line.replace(chr(34), '')} *)\n{law.text}", [law.theorem]).accepted


def test_the_axioms_allowed_are_those_of_the_reals() -> None:
    assert {name.split(".")[1] for name in ALLOWED} == {"sig_forall_dec", "sig_not_dec", "functional_extensionality_dep", "classic"}


def test_a_file_is_checked_by_all_its_theorems(told, law: Module, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    told(f"{AXIOMS}\nClosed under the global context")
    text = f"{HEADER}\n{law.text}\nModule other.\n(* Theorem hidden : True. *)\nTheorem one : True.\nProof.\n  exact I.\nQed.\nEnd other.\n"
    assert theorems_in(text) == ("part_1.conserved", "other.one")
    (tmp_path / "claim.v").write_text(text)
    assert rocq_check(tmp_path / "claim.v").accepted
    (tmp_path / "empty.v").write_text(HEADER)
    assert "no theorem" in rocq_check(tmp_path / "empty.v").reason


# ---- verdicts and the command line ----


def test_rocq_cannot_make_a_verdict_say_more_than_it_accepted() -> None:
    """A theorem for some sizes, or under conditions, leaves the grade of the proof without them."""
    kernel = Finding("all sizes", "proved", "exact")
    assert Verdict((kernel, Finding("all sizes", "proved", "rocq"))).grade == "rocq"
    for narrower in (Finding("N=3", "proved", "rocq"), Finding("all sizes", "proved", "rocq", conditions=("x > 0",))):
        found = Verdict((kernel, narrower))
        assert (found.grade, found.scope, found.outcome) == ("exact", "all sizes", "proved")
    assert Verdict((kernel, Finding("rocq", "unknown", reason="not installed"))).grade == "exact"


def test_the_command_line(told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    run = CliRunner()
    theory = tmp_path / "law.toml"
    theory.write_text(FLOW.format(claim=LAW, loss="square(A, y)"))
    written = run.invoke(app, ["export", str(theory), "--to", "rocq"])
    assert written.exit_code == 0
    assert "Theorem conserved" in written.output
    assert run.invoke(app, ["export", str(theory), "--to", "rocq", "-o", str(tmp_path / "out")]).exit_code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["GradientFlow.v", "claim.v"]
    asked = ["verify", str(theory), "--evidence", "rocq", "--ledger", str(tmp_path / "ledger"), "--json", str(tmp_path / "found.json")]
    monkeypatch.setenv("POLARFLOW_COQC", "/nowhere/coqc")
    absent = run.invoke(app, asked)
    assert (absent.exit_code, "apt-get install" in absent.output) == (2, True)
    told(AXIOMS + "\nmore : False")
    short = run.invoke(app, [*asked, "--fresh"])
    assert (short.exit_code, "rests on more" in " ".join(short.output.split())) == (1, True)
    told()
    found = run.invoke(app, [*asked, "--fresh"])
    assert found.exit_code == 0, found.output
    assert " rocq " in found.output
    assert '"kind": "all-sizes"' in (tmp_path / "found.json").read_text()  # the kernel's certificate is kept
    assert run.invoke(app, ["check", str(tmp_path / "found.json")]).exit_code == 0


def test_files_do_not_overwrite_each_other(tmp_path: Path) -> None:
    (statement,) = read_text(FLOW.format(claim=LAW, loss="any(A)")).statements
    claims = [export(replace(statement, id=name)) for name in ("a-b", "a_b", "GradientFlow", "1")]
    assert [path.name for path in write(claims, tmp_path)] == ["GradientFlow.v", "a_b.v", "a_b_2.v", "GradientFlow_2.v", "claim_1.v"]
