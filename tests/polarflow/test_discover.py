"""`polarflow discover` from outside: what is printed, exit codes, files, and the messages of bad input."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from polarflow.cli import app

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "discovery.md").read_text(encoding="utf-8")


def run(*arguments: str, code: int = 0) -> str:
    found = CliRunner().invoke(app, ["discover", *arguments])
    assert found.exit_code == code, found.output
    return found.output


def block(language: str) -> str:
    found, *_ = re.findall(rf"```{language}\n(.*?)```", DOCUMENT, flags=re.DOTALL)
    return found


def test_the_document_shows_what_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "126")
    command, _, shown = block("console").partition("\n")
    found = run(*command.removeprefix("$ polarflow discover ").split())
    assert [line.rstrip() for line in found.strip().splitlines()] == [line.rstrip() for line in shown.strip().splitlines()]


def test_the_theory_file_of_the_document_is_complete(tmp_path: Path) -> None:
    (tmp_path / "relu.toml").write_text(block("toml"), encoding="utf-8")
    assert "complete: 2 independent laws" in run(str(tmp_path / "relu.toml"))


def test_the_python_of_the_document_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    exec(compile(block("python"), "discovery.md", "exec"), {})


def test_json_goes_to_a_file_that_check_reads(tmp_path: Path) -> None:
    run("linear_network:2,2,1", "--json", str(tmp_path / "laws.json"))
    told = json.loads((tmp_path / "laws.json").read_text(encoding="utf-8"))
    assert told["complete"] is True
    checked = CliRunner().invoke(app, ["check", "--brief", str(tmp_path / "laws.json")])
    assert checked.exit_code == 0
    assert len(checked.output.splitlines()) == 2


def test_json_on_standard_output_is_nothing_else() -> None:
    found = CliRunner().invoke(app, ["discover", "linear_network:2,2,1", "--json", "-"])
    assert json.loads(found.stdout)["possible"] == 3


def test_latex_is_one_formula_a_line() -> None:
    assert run("linear_network:2,2,1", "--format", "latex").strip() == r"\sum_{k} W_{1, ik}W_{1, jk} - \sum_{k} W_{2, ki}W_{2, kj}"


def test_sizes_can_be_chosen() -> None:
    assert "complete: 5 independent laws" in run(str(ROOT / "examples" / "plain_diagonal.toml"), "--set", "N=5")


def test_an_incomplete_list_has_another_exit_code() -> None:
    assert "incomplete: 0 independent laws found of at most 3, 3 missing" in run(str(ROOT / "examples/conservation/random_quadratic.toml"), code=1)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("linear_network",), "linear_network:5,3,2"),
        (("linear_network:5",), "two or more widths"),
        (("linear_network:5,x",), "two or more widths"),
        (("linear_network:5,0,2",), "from 1 to"),
        (("linear_networks:5,3",), "neither a shipped paper"),
        (("linear_network:2,2,1", "--set", "Q=3"), "the sizes of this flow are d"),
        (("linear_network:2,2,1", "--set", "d1"), "--set N=6"),
        (("linear_network:2,2,1", "--set", "d1=0"), "--set N=6"),
        (("nowhere.toml",), "nowhere.toml"),
    ],
)
def test_bad_input_is_one_message(arguments: tuple[str, ...], told: str) -> None:
    found = run(*arguments, code=2)
    assert told in found
    assert "Traceback" not in found
