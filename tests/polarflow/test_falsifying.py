"""`polarflow falsify`: what it prints, its exit codes and its JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from polarflow.cli import app
from proofs_check.kernel import check

ROOT = Path(__file__).parents[2]
MODEL = """
[sizes]
N = 3
[parameters]
u = "N"
v = "N"
[model]
predictor = "x[i] = u[i]*v[i]"
loss = "any"
"""
TRUE = '[[claim]]\nid = "balance"\nconserved = "u[i]**2 - v[i]**2"\n'
FALSE = '[[claim]]\nid = "plus"\nconserved = "u[i]**2 + v[i]**2"\n'
EXPECTED = FALSE + 'expect = "refuted"\n'
EMPTY = '[[claim]]\nid = "empty"\nidentity = "log(u[i] - 100) = 0"\n'


@pytest.fixture(autouse=True)
def _own_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLARFLOW_LEDGER", str(tmp_path / "ledger.sqlite"))
    monkeypatch.setenv("COLUMNS", "140")


def falsify(folder: Path, text: str, *options: str) -> Result:
    path = folder / "model.toml"
    path.write_text(text, encoding="utf-8")
    return CliRunner().invoke(app, ["falsify", str(path), "--samples", "20", *options])


@pytest.mark.parametrize(
    ("claims", "options", "code"),
    [
        (TRUE, (), 0),
        (TRUE + FALSE, (), 1),
        (EXPECTED, (), 0),
        (TRUE + 'expect = "refuted"\n', (), 1),
        (EMPTY, (), 0),
        (TRUE, ("--budget", "0"), 3),
        (FALSE, ("--budget", "0"), 3),
        ("", (), 2),
        (TRUE, ("--mutants",), 2),
        ("[claims]", (), 2),
    ],
)
def test_exit_codes(tmp_path: Path, claims: str, options: tuple[str, ...], code: int) -> None:
    assert falsify(tmp_path, MODEL + claims, *options).exit_code == code


def test_the_counterexample_is_printed_in_exact_rationals(tmp_path: Path) -> None:
    found = falsify(tmp_path, MODEL + TRUE + FALSE)
    assert "difference of the two sides at the entry [0] is -4, not 0" in found.stdout
    for line in ("N = 1", "u = (1)", "v = (1)", "G = (1)", "1 of 2 refuted"):
        assert line in found.stdout
    assert "nothing is proved" in found.stdout


def test_what_is_vacuous_is_said(tmp_path: Path) -> None:
    found = falsify(tmp_path, MODEL + EMPTY)
    assert "nothing is known" in found.stdout
    assert "logarithm" in found.stdout
    assert "0 points that are not vacuous" in found.stdout


def test_json_and_its_certificates(tmp_path: Path) -> None:
    target = tmp_path / "found.json"
    falsify(tmp_path, MODEL + TRUE + FALSE + EMPTY, "--json", str(target), "--seed", "3")
    told = json.loads(target.read_text())
    assert (told["schema"], told["seed"], told["samples"]) == ("polarflow.falsify/1", 3, 20)
    held, false, empty = told["claims"]
    assert (held["verdict"], held["certificate"]) == ("supported", None)
    assert held["points"]["non_vacuous"] >= 20
    assert false["verdict"] == "refuted"
    assert false["gap"] == {"entry": [0], "difference": "-4", "exact": True, "at_least": "4"}
    assert false["witness"]["values"] == {"u": ["1"], "v": ["1"], "G": ["1"]}
    assert check(false["certificate"]).outcome == "refuted"
    assert (empty["verdict"], empty["points"]["non_vacuous"]) == ("unknown", 0)
    assert CliRunner().invoke(app, ["check", str(target)]).exit_code == 0


def test_the_same_seed_prints_the_same(tmp_path: Path) -> None:
    told = [json.loads(falsify(tmp_path, MODEL + FALSE, "--json", "-", "--seed", "7").stdout) for _ in range(2)]
    for one in told:
        one["claims"][0].pop("seconds")
    assert told[0] == told[1]


def test_the_mutants_of_a_paper() -> None:
    found = CliRunner().invoke(app, ["falsify", "chou_rauhut_ward/C3", "--mutants"])
    assert found.exit_code == 0
    assert found.stdout.count("counterexample (expected)") == 2 * 4
    assert "4 of 4 refuted" in found.stdout


def test_bad_input_is_one_message() -> None:
    found = CliRunner().invoke(app, ["falsify", "no_such_paper"])
    assert found.exit_code == 2
    assert "polarflow list" in found.stderr


def test_the_docs_show_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All but the seconds, with the theory file of the README."""
    (tmp_path / "wn.toml").write_text((ROOT / "README.md").read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    shown = (ROOT / "docs" / "falsify.md").read_text(encoding="utf-8").split("$ polarflow falsify wn.toml\n")[1].split("```")[0]
    printed = CliRunner().invoke(app, ["falsify", "wn.toml"]).stdout

    def lines(text: str) -> list[str]:
        return [re.sub(r"\s+\d+\.\d\d$", "", line.rstrip()) for line in text.strip("\n").splitlines()]

    assert lines(printed) == lines(shown)
