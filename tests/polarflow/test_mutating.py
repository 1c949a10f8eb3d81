"""`polarflow mutate`: what it prints, its exit codes, its JSON, and that the docs show what it prints."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from polarflow import mutating
from polarflow.cli import app
from polarflow.mutating import slips
from polarflow.targets import resolve
from proofs_check.kernel import check
from proofs_check.mutation import Judged
from proofs_check.verdicts import Finding

ROOT = Path(__file__).parents[2]
BALANCE = """
[sizes]
N = 3
[parameters]
u = "N, positive"
v = "N"
[model]
predictor = "x[i] = u[i]*v[i]"
loss = "any"
[[claim]]
id = "balance"
conserved = "u[i]**2 - v[i]**2"
[[claim]]
id = "plus"
conserved = "u[i]**2 + v[i]**2"
expect = "refuted"
"""
UNDECIDED = """
given = ["b**2 = 2"]
[data]
b = "scalar"
[[claim]]
id = "root"
identity = "b**3 = 2*b"
"""


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "140")


@pytest.fixture
def model(tmp_path: Path) -> str:
    path = tmp_path / "model.toml"
    path.write_text(BALANCE, encoding="utf-8")
    return str(path)


def mutate(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["mutate", *arguments])


def test_the_table_and_what_is_true_all_the_same(model: str) -> None:
    found = mutate(model, "-v")
    assert found.exit_code == 0
    assert re.search(r"sign +2 +2 +\d", found.stdout)
    assert re.search(r"domain +1 +1 ", found.stdout)
    assert "true: " in found.stdout
    assert "without u positive" in found.stdout
    assert "no contradiction" in found.stdout


def test_claims_that_should_be_refuted_have_no_mutants(model: str) -> None:
    assert {slip.id for slip in slips(resolve(model))} == {"balance"}
    assert mutate(f"{model}/plus").exit_code == 2


def test_kinds_and_how_many(model: str) -> None:
    everything = [slip.mutant.kind for slip in slips(resolve(model))]
    assert [slip.mutant.kind for slip in slips(resolve(model), kinds=["sign", "term"])] == [kind for kind in everything if kind in ("sign", "term")]
    few = [slip.mutant for slip in slips(resolve(model), most=3)]
    assert [mutant.kind in ("condition", "domain") for mutant in few] == [False] * 3 + [True]
    assert [mutant for mutant in few if mutant not in [slip.mutant for slip in slips(resolve(model))]] == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("no_such_paper",), 2, "polarflow list"),
        (("--kind", "typo"), 2, "--kind sign or --kind factor"),
        (("--kind", "strict"), 2, "no claim that should be proved and can have such a slip"),
        (("--budget", "0"), 3, "the budget is spent: 0 of"),
    ],
)
def test_bad_input_and_a_spent_budget(model: str, arguments: tuple[str, ...], code: int, said: str) -> None:
    found = mutate(*(() if "no_such_paper" in arguments else (model,)), *arguments)
    assert found.exit_code == code
    assert said in found.output


def test_what_is_undecided_is_listed_with_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "root.toml"
    path.write_text(UNDECIDED, encoding="utf-8")
    found = mutate(str(path), "--kind", "sign")
    assert found.exit_code == 1
    assert "undecided: " in found.stdout
    assert "-b**3 for b**3" in found.stdout


def test_a_contradiction_is_loud(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    both = (Finding("all sizes", "proved", "exact"), Finding("points, N=3", "refuted", "exact"))
    monkeypatch.setattr(mutating, "judged", lambda mutant, seed: Judged(mutant, both))
    found = mutate(model, "--kind", "term")
    assert found.exit_code == 1
    assert "One of the engines is wrong" in found.stdout
    assert "2 CONTRADICTIONS" in found.stdout


def test_json_and_its_certificates(model: str, tmp_path: Path) -> None:
    path = tmp_path / "mutants.json"
    assert mutate(model, "--json", str(path)).exit_code == 0
    told = json.loads(path.read_text())
    assert told["schema"] == "polarflow.mutants/1"
    assert sum(told["counts"].values()) == len(told["mutants"])
    for mutant in told["mutants"]:
        assert check(mutant["certificate"]).outcome == ("refuted" if mutant["verdict"] == "refuted" else "proved")
        assert (mutant["witness"] is not None) == (mutant["verdict"] == "refuted")
        assert mutant["verdict"] == "refuted" or mutant["points"] >= 30
    assert CliRunner().invoke(app, ["check", str(path)]).exit_code == 0


def test_the_docs_show_what_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table of one example, but for the seconds."""
    monkeypatch.chdir(ROOT)
    printed = [line.split() for line in mutate("examples/two_layer_linear.toml").stdout.splitlines()]
    shown = (ROOT / "docs" / "mutants.md").read_text(encoding="utf-8").split("$ polarflow mutate examples/two_layer_linear.toml\n")[1].split("```")[0]
    rows = [line.split() for line in shown.splitlines() if line.strip()]
    kinds = [row for row in printed if row and row[0] in (*mutating.KINDS, "all")]
    assert [row[:-1] for row in rows if row[0] in (*mutating.KINDS, "all")] == [row[:-1] for row in kinds]
    assert rows[-1] == printed[-1]
