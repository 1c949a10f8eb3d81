"""What the README shows is what happens: its theory file, the table it prints, its Python."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from polarflow.cli import app

README = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)
    assert len(found) == 1
    return found[0]


def lines(text: str) -> list[str]:
    """The lines without trailing space, and without the seconds, which are the machine's."""
    return [re.sub(r"\s+\d+\.\d\d$", "", line.rstrip()) for line in text.strip("\n").splitlines()]


def test_the_console_shows_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wn.toml").write_text(block("toml"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    command, _, shown = block("console").partition("\n")
    found = CliRunner().invoke(app, command.removeprefix("$ polarflow ").split())
    assert found.exit_code == 1
    assert lines(found.stdout) == lines(shown)


def test_the_python_runs() -> None:
    exec(compile(block("python"), "README.md", "exec"), {})


def test_every_command_exists() -> None:
    known = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    used = set(re.findall(r"^polarflow (\w+).*#", README, flags=re.MULTILINE))
    assert used <= known
