"""The ledger: what was found of every claim, kept in SQLite so that nothing shown is lost and nothing unchanged is done twice.

A finding is filed under the digest of what was asked (the statement, the route's parameters) and the versions that answered. It is written
before it is shown. A ledger that cannot be opened, or was written by another version, is never mixed with this one's findings.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .verdicts import Finding, Verdict

SCHEMA = "polarflow.ledger/1"
_SOURCES = frozenset({".py", ".c", ".v"})  # engines are in Python and C; what Rocq is given begins with a prelude of ours
_TABLE = """
create table if not exists verdicts (
    digest text primary key,
    claim text not null,
    label text not null,
    findings text not null,
    versions text not null,
    filed text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
)
"""


@cache
def versions() -> Mapping[str, str]:
    """The versions of everything that had a part in a finding, and of the sources themselves."""
    names = ("polarflow", "sympy", "mpmath", "numpy", "scipy", "python-flint", "heyoka", "hypothesis", "clarabel")
    # An edited kernel or engine must not answer with what the one before it found.
    root = Path(__file__).resolve().parent.parent
    files = (path for room in ("theory", "numerics", "proofs_check") for path in sorted((root / room).rglob("*")) if path.suffix in _SOURCES)
    return {**{name: installed(name) for name in names}, "sources": contents(root, files)[:16]}


def installed(name: str) -> str:
    """The version of a distribution, or that there is none."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def contents(root: Path, files: Iterable[Path]) -> str:
    """A digest of files, by their places below the root and what is in them."""
    found = hashlib.sha256()
    for path in files:
        found.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return found.hexdigest()


def digest(question: Any) -> str:
    """The digest of a question: its JSON with sorted keys, and the versions that would answer it."""
    text = json.dumps([question, dict(versions())], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


class NoLedger(ValueError):
    """A file that cannot serve as a ledger; the text says why and what to do."""


class Ledger:
    """Verdicts by the digest of their question, in one SQLite file (or in memory, for `None`)."""

    def __init__(self, path: Path | None) -> None:
        self._where = str(path) if path else ":memory:"
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(self._where, timeout=30)
        self._connection.execute("pragma journal_mode = wal")
        self._connection.execute("pragma synchronous = full")  # a verdict that was shown survives a crash
        self._connection.execute(_TABLE)
        self._connection.commit()

    def close(self) -> None:
        self._connection.close()

    def find(self, key: str) -> Verdict | None:
        row = self._connection.execute("select findings from verdicts where digest = ?", (key,)).fetchone()
        return read_verdict(json.loads(row[0])) if row else None

    def file(self, key: str, claim: str, label: str, verdict: Verdict) -> None:
        """Write a verdict down, durably, before anyone sees it."""
        with self._connection:
            self._connection.execute(
                "insert or replace into verdicts (digest, claim, label, findings, versions) values (?, ?, ?, ?, ?)",
                (key, claim, label, json.dumps([asdict(f) for f in verdict.findings]), json.dumps(dict(versions()))),
            )

    def last(self, claim: str) -> list[tuple[str, str, Verdict]]:
        """Every filed verdict of a claim, the newest first: when, the label of the part, the verdict."""
        rows = self._connection.execute("select filed, label, findings from verdicts where claim = ? order by filed desc", (claim,))
        return [(filed, label, read_verdict(json.loads(findings))) for filed, label, findings in rows]


def read_verdict(findings: list[dict[str, Any]]) -> Verdict:
    return Verdict(tuple(Finding(**{**f, "conditions": tuple(f["conditions"])}) for f in findings))


@contextmanager
def opened(path: Path | None) -> Iterator[Ledger]:
    """A ledger that is closed again; one file may be used by several runs at once.

    Raises `NoLedger` when the file is not one, or cannot be written.
    """
    try:
        ledger = Ledger(path)
    except (sqlite3.Error, OSError) as error:
        raise NoLedger(f"{path} cannot be used as a ledger: {error}; move it away, or name another file with --ledger") from error
    with closing(ledger):
        yield ledger


def default_path() -> Path:
    """`$POLARFLOW_LEDGER`, or `.polarflow/ledger.sqlite` in the current folder."""
    return Path(os.environ.get("POLARFLOW_LEDGER", ".polarflow/ledger.sqlite"))
