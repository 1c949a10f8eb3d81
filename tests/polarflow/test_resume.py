"""A run of `verify` that is killed: what a terminal has shown is in the ledger, and the next run goes on from there."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HEAD = """
[sizes]
N = 3
M = 2
[data]
A = "M x N"
y = "M"
[parameters]
u = "N"
v = "N"
[model]
predictor = "x[i] = u[i]*v[i]"
loss = "square(A, y)"
"""
CLAIMS = "".join(f'[[claim]]\nid = "law-{n}"\nconserved = "(u[i]**2 - v[i]**2)**{n} + {n}*dot(u, u) - {n}*dot(v, v)"\n' for n in range(1, 9))
SHOWN = re.compile(r"proved: (law-\d|-)")


@pytest.fixture(scope="module")
def theory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("resume") / "laws.toml"
    path.write_text(HEAD + CLAIMS, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def uninterrupted(theory: Path) -> Any:
    """What a run finds that nobody kills."""
    return finished(theory, theory.with_name("whole.sqlite"))


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "polarflow.cli", *map(str, arguments)]


def finished(theory: Path, ledger: Path) -> Any:
    """The findings of a run to the end, in JSON."""
    done = subprocess.run(command("verify", theory, "--ledger", ledger, "--json", "-"), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def screen(primary: int) -> Iterator[str]:
    """Everything a terminal has shown, each time it shows more."""
    shown = ""
    while True:
        try:
            more = os.read(primary, 4096)
        except OSError:  # Linux's word for the end of a terminal
            return
        if not more:
            return
        shown += more.decode("utf-8", "replace")
        yield shown


def killed(theory: Path, ledger: Path, after: int) -> set[str]:
    """The claims a terminal has shown as proved when the run is killed: as soon as it shows law number `after` or a later one, a derivation for 0."""
    primary, secondary = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "160", "LINES": "40"}
    run = subprocess.Popen(command("verify", theory, "--ledger", ledger), stdin=secondary, stdout=secondary, stderr=secondary, env=environment)
    os.close(secondary)
    shown: set[str] = set()
    try:
        for text in screen(primary):
            shown = set(SHOWN.findall(text))
            if any(int(name.removeprefix("law-").replace("-", "0")) >= after for name in shown):
                break
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
        os.close(primary)
    assert run.returncode == -signal.SIGKILL  # it was not finished
    return shown - {"-"}


def filed(ledger: Path) -> dict[tuple[str, str, str], tuple[str, str]]:
    """What stands in a ledger, and when it was filed, read with SQLite alone."""
    with sqlite3.connect(ledger) as book:
        assert book.execute("pragma integrity_check").fetchone() == ("ok",)
        rows = book.execute("select digest, claim, label, findings, filed from verdicts").fetchall()
    book.close()
    return {(digest, claim, label): (findings, when) for digest, claim, label, findings, when in rows}


def without_seconds(told: Any) -> Any:
    if isinstance(told, dict):
        return {key: without_seconds(value) for key, value in told.items() if key != "seconds"}
    return [without_seconds(part) for part in told] if isinstance(told, list) else told


@pytest.mark.parametrize("after", [0, 2])
def test_a_killed_run_is_gone_on_with(theory: Path, uninterrupted: Any, tmp_path: Path, after: int) -> None:
    ledger = tmp_path / "ledger.sqlite"
    shown = killed(theory, ledger, after)
    before = filed(ledger)
    outcomes = {claim.rpartition("/")[2]: [f["outcome"] for f in json.loads(findings)] for (_, claim, _), (findings, _) in before.items()}
    assert before
    assert all("proved" in outcomes[claim] for claim in shown)  # nothing that was shown is lost
    assert "law-8" not in outcomes  # it was killed in the middle
    resumed = finished(theory, ledger)
    after_it = filed(ledger)
    assert {key: after_it[key] for key in before} == before  # neither checked again nor written again
    assert len(after_it) > len(before)
    assert without_seconds(resumed) == without_seconds(uninterrupted)


def test_what_was_found_before_the_kill_is_shown(theory: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    killed(theory, ledger, 1)
    shown = subprocess.run(command("show", f"{theory}/law-1", "--ledger", ledger), capture_output=True, text=True, check=True)
    assert re.search(r"last verdict, .*: proved", shown.stdout)
    never = subprocess.run(command("show", f"{theory}/law-8", "--ledger", ledger), capture_output=True, text=True, check=True)
    assert "last verdict" not in never.stdout


def test_a_pipe_is_shown_the_table_alone(theory: Path, tmp_path: Path) -> None:
    done = subprocess.run(command("verify", theory, "--ledger", tmp_path / "ledger.sqlite"), capture_output=True, text=True, check=True)
    assert "\x1b" not in done.stdout
    assert "proved: " not in done.stdout
    assert not done.stderr
