"""Notes are built again when something that enters them has changed, and only then."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from polarflow.cli import app
from polarflow.notes import FORMATS, build
from polarflow.notes import stamp as stamps
from polarflow.notes.build import prose_of
from polarflow.targets import resolve
from polarflow.verifying import Options
from proofs_check.ledger import opened

THEORY = Path(__file__).parents[3] / "examples" / "kernel_law.toml"


@pytest.fixture
def folder(tmp_path):
    shutil.copy(THEORY, tmp_path / "law.toml")
    (tmp_path / "law.md").write_text("# A law\n")
    return tmp_path


def rebuilt(folder, to=FORMATS, **asked):
    with opened(folder / "ledger.sqlite") as book:
        return {path.name for path in build([resolve(str(folder / "law.toml"))], to, folder / "notes", book, since=True, **asked)}


def test_what_has_not_changed_is_left_alone(folder):
    notes = {f"notes.{form}" for form in FORMATS}
    assert notes <= rebuilt(folder)
    before = {name: (folder / name).stat().st_mtime_ns for name in notes}
    assert rebuilt(folder) == set()
    assert {name: (folder / name).stat().st_mtime_ns for name in notes} == before
    (folder / "notes.md").write_text("cut short")
    assert rebuilt(folder) == {"notes.md"}
    os.unlink(folder / "notes.pdf")
    assert rebuilt(folder) == {"notes.pdf"}


@pytest.mark.parametrize("changed", ["prose", "theory", "title", "digits", "seed"])
def test_what_has_changed_is_built_again(folder, changed):
    assert rebuilt(folder, ["html"]) == {"notes.html"}
    asked = {}
    match changed:
        case "prose":
            (folder / "law.md").write_text("# The law\n")
        case "theory":
            (folder / "law.toml").write_text((folder / "law.toml").read_text() + "\n# a remark\n")
        case "title":
            asked = {"title": "Another"}
        case "digits":
            asked = {"options": Options(digits=30)}
        case "seed":
            asked = {"options": Options(seed=1)}
    assert rebuilt(folder, ["html"], **asked) == {"notes.html"}
    assert rebuilt(folder, ["html"], **asked) == set()


def test_the_sources_and_versions_are_part_of_it(folder, monkeypatch):
    target = resolve(str(folder / "law.toml"))
    before = stamps.stamp([target], [prose_of(target)], Options(), "")
    assert stamps.stamp([target], [prose_of(target)], Options(fresh=True, budget=1.0), "") == before  # how it is built, not what
    assert stamps.stamp([replace(target, claim="other")], [prose_of(target)], Options(), "") != before
    monkeypatch.setattr(stamps, "versions", lambda: {"sources": "others"})
    assert stamps.stamp([target], [prose_of(target)], Options(), "") != before


def test_a_figure_that_is_gone_is_drawn_again(tmp_path):
    page = tmp_path / "notes.md"
    page.write_text("![](notes-figures/one.svg) polarflow-notes-0")
    assert not stamps.bears(page, "polarflow-notes-0")
    (tmp_path / "notes-figures").mkdir()
    (tmp_path / "notes-figures" / "one.svg").write_text("")
    assert stamps.bears(page, "polarflow-notes-0")
    assert not stamps.bears(page, "polarflow-notes-1")


def test_the_command_says_what_it_left_alone(folder, monkeypatch):
    monkeypatch.chdir(folder)
    asked = ["notes", "law.toml", "--to", "html", "--since", "--ledger", str(folder / "ledger.sqlite")]
    first = CliRunner().invoke(app, asked)
    assert first.exit_code == 0, first.output
    assert "as it would be built now" not in first.output
    second = CliRunner().invoke(app, asked)
    assert second.exit_code == 0
    assert "law-notes.html is as it would be built now" in second.output
