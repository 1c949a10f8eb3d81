"""`polarflow certify`: its table, its files, and its answers to bad input."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from polarflow.certifying import answers, certificate_of
from polarflow.cli import app

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "certify.md").read_text(encoding="utf-8")


def run(*words: str) -> Any:
    return CliRunner(env={"COLUMNS": "160"}).invoke(app, ["certify", *words])


def test_the_five_answers_and_the_limit_to_all_digits(tmp_path: Path) -> None:
    file, told = tmp_path / "ends.json", tmp_path / "told.json"
    found = run("chou_rauhut_ward/I1", "--certificate", str(file), "--json", str(told))
    assert found.exit_code == 0, found.output
    for words in ("existence", "46.3752", "|x|_1 - Q <= 0.24087", "x[0] = 1.00169988447560585859086125681251162", "the loss starts at"):
        assert words in found.output
    assert CliRunner().invoke(app, ["check", str(file)]).exit_code == 0
    content = json.loads(told.read_text())
    assert (content["schema"], content["outcome"], len(content["limit"]["x"])) == ("polarflow.certified/1", "converges", 4)
    assert [row["state"] for row in content["answers"]] == ["proved"] * 5


def test_rates_are_in_the_time_of_the_flow() -> None:
    """With eta_r = 3 everything is three times as fast."""
    slow, fast = (certificate_of("chou_rauhut_ward/I1", put={"eta_r": eta}, digits=10) for eta in ("1", "3"))
    assert [answers(found)[2].told.partition(" t)")[0] for found in (slow, fast)] == ["F <= C exp(-46.3752", "F <= C exp(-139.125"]


def test_a_flow_that_is_followed() -> None:
    found = run("chou_rauhut_ward/I6", "--digits", "5")
    assert found.exit_code == 0
    assert "not recognised" in found.output
    assert "u[3]" in found.output
    assert "nu = 0" in found.output


def test_data_from_a_file_and_without_a_solution(tmp_path: Path) -> None:
    file = tmp_path / "y.json"
    file.write_text("[-3, 1]")
    found = run("chou_rauhut_ward/I1", "--set", f"y=@{file}")
    assert found.exit_code == 1
    assert "no z >= 0 has A z = y" in found.output


def test_a_collapse() -> None:
    found = run("chou_rauhut_ward/I1", "--set", 'A=[[1,"-2"]]', "--set", "y=[1]", "--set", 'u=["3/5","4/5"]', "--set", "r=1/10")
    assert found.exit_code == 0, found.output
    assert "it collapses" in found.output
    assert "x = 0" in found.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("examples/two_layer_linear.toml",), "has no start"),
        (("chou_rauhut_ward/I1", "--set", "T=3"), "leave it out"),
        (("chou_rauhut_ward/I1", "--set", "y=@nowhere.json"), "cannot be read"),
        (("chou_rauhut_ward/I1", "--set", "kappa=0"), "kappa"),
        (("chou_rauhut_ward/I1", "--set", "r=-1"), "r"),
        (("chou_rauhut_ward/I1", "--set", "u=[1,0,0,0]"), "u"),
        (("linear_network:3,2",), "no numbers"),
        (("nowhere.toml",), "nowhere.toml"),
    ],
)
def test_bad_input_is_one_message(words: tuple[str, ...], message: str) -> None:
    found = run(*words)
    assert found.exit_code == 2, found.output
    assert found.output.startswith("polarflow: ")
    assert message in found.output
    assert "Traceback" not in found.output


def test_the_page_shows_what_is_printed() -> None:
    (shown,) = re.findall(r"```console\n\$ polarflow certify (\S+)\n(.*?)```", PAGE, flags=re.DOTALL)
    found = CliRunner(env={"COLUMNS": "96"}).invoke(app, ["certify", shown[0]])
    wanted, printed = ([line.rstrip() for line in text.strip().splitlines() if line.strip()] for text in (shown[1], found.stdout))
    assert printed[:-1] == wanted  # the last line has the seconds


def test_the_python_of_the_page_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    exec(compile(code, "certify.md", "exec"), {})
