"""The certificates that notes hold and name: each is a file that the kernel accepts, and its fingerprint is the one that is printed."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64decode
from pathlib import Path

import pytest
from typer.testing import CliRunner

from polarflow.certificates import as_text, fingerprint, write_certificates
from polarflow.cli import app
from polarflow.notes import compose, written
from polarflow.notes.document import Certificate, Claim, Details, Steps, text_of
from polarflow.notes.writers import html
from polarflow.notes.writers.pdf import typst_source
from polarflow.targets import resolve
from polarflow.verifying import Options, go_through
from proofs_check.kernel import Rejected, check
from proofs_check.ledger import opened

THEORY = Path(__file__).parents[3] / "examples" / "kernel_law.toml"
LINK = re.compile(r'<a class="certificate" download="([^"]+)" href="data:application/json;base64,([^"]+)">([0-9a-f]+)</a>')


@pytest.fixture(scope="module")
def target():
    return resolve(str(THEORY))


@pytest.fixture(scope="module")
def rows(target):
    """What is found without any ledger of what was found before."""
    with opened(None) as book:
        steps = list(go_through(target, book, Options()))
    return list({id(step.row): step.row for step in steps}.values())


@pytest.fixture(scope="module")
def document(target, tmp_path_factory):
    with opened(tmp_path_factory.mktemp("ledger") / "ledger.sqlite") as book:
        compose([target], book)
        return compose([target], book)  # now from the ledger


@pytest.fixture(scope="module")
def links(document):
    page = written(document, "html", Path("notes.html"))[Path("notes.html")].decode()
    return [(name, b64decode(held), told) for name, held, told in LINK.findall(page)]


def certified(rows):
    """The certificates that speak for the verdicts of parts, in order."""
    parts = [(one, finding) for row in rows for one in row.parts for finding in one.verdict.findings]
    return [finding.certificate for one, finding in parts if finding.certificate is not None and finding.outcome == one.verdict.outcome]


def test_every_link_saves_a_file_that_the_kernel_accepts(links, rows, tmp_path):
    assert len(links) == len(certified(rows))
    for name, content, told in links:
        (tmp_path / name).write_bytes(content)
        assert hashlib.sha256(content).hexdigest().startswith(told)
        assert name.endswith(f"-{told}.json")
    done = CliRunner().invoke(app, ["check", *(str(tmp_path / name) for name, _, _ in links)])
    assert done.exit_code == 0, done.output
    assert done.output.count(": proved: ") >= 5
    assert done.output.count(": refuted: ") == 1


def test_what_is_checked_afresh_has_the_same_certificates(links, rows):
    assert [content.decode() for _, content, _ in links] == [as_text(one) for one in certified(rows)]


def test_a_file_that_was_changed_is_rejected_or_has_another_fingerprint(links):
    for _, content, told in links:
        changed = json.loads(content)
        if changed["kind"] == "counterexample":
            changed["values"]["u"] = ["-1"] * len(changed["values"]["u"])  # positive, it says
            with pytest.raises(Rejected):
                check(changed)
        changed["note"] = "another"
        assert fingerprint(as_text(changed)) != told


def test_every_part_that_was_decided_has_a_certificate(document):
    for block in document.chapters[0].blocks:
        if isinstance(block, Claim):
            (evidence,) = [one for one in block.inside if isinstance(one, Details) and one.title == "Evidence"]
        elif isinstance(block, Steps):
            evidence = block.evidence
        else:
            continue
        for (item,) in evidence.inside[0].items:
            parts = text_of(item.inside).count(";") + 1
            assert sum(isinstance(one, Certificate) for one in item.inside) >= 1, parts


def test_all_formats_name_the_same(document, links):
    told = [one for _, _, one in links]
    for form in ("md", "tex", "ipynb"):
        text = written(document, form, Path(f"notes.{form}"))[Path(f"notes.{form}")].decode()
        marks = {"tex": r"\\texttt\{([0-9a-f]{8})\}", "md": r"`([0-9a-f]{8})`", "ipynb": r"`([0-9a-f]{8})`"}[form]
        assert sorted(re.findall(marks, text)) == sorted(told), form
    assert sorted(re.findall(r'#raw\("([0-9a-f]{8})"\)', typst_source(document))) == sorted(told)


def test_what_is_large_is_named_and_not_held(document, links, monkeypatch):
    sizes = sorted(len(content) for _, content, _ in links)
    monkeypatch.setattr(html, "LARGEST", sizes[-1] - 1)
    page = written(document, "html", Path("notes.html"))[Path("notes.html")].decode()
    left = {told for _, _, told in LINK.findall(page)}
    (large,) = [told for _, content, told in links if len(content) == sizes[-1]]
    assert large not in left
    assert f"<code>{large}</code>" in page
    assert len(left) == len({told for _, _, told in links}) - 1


def test_the_files_of_a_folder_are_found_by_their_fingerprints(links, rows, tmp_path):
    paths = write_certificates(tmp_path / "certificates", rows)
    every = [f.certificate for row in rows for one in (*row.parts, *row.mutants) for f in one.verdict.findings if f.certificate is not None]
    assert [json.loads(path.read_text()) for path in paths] == every
    for _, content, told in links:
        assert content in [path.read_bytes() for path in tmp_path.glob(f"certificates/*-{told}.json")]
    for path in paths:
        assert hashlib.sha256(path.read_bytes()).hexdigest().startswith(path.stem.rpartition("-")[2])


def test_the_command_that_is_named_writes_them(links, tmp_path):
    done = CliRunner().invoke(
        app, ["verify", str(THEORY), "--fresh", "--certificates", str(tmp_path / "out"), "--ledger", str(tmp_path / "new.sqlite")]
    )
    assert done.exit_code == 0, done.output
    every = [json.loads(path.read_text()) for path in (tmp_path / "out").iterdir()]
    assert all(json.loads(content) in every for _, content, _ in links)


def test_the_order_of_keys_is_kept():
    """An enclosure counts its coordinates in the order of the symbols; a file that sorted them would say something else."""
    assert as_text({"symbols": {"u": {}, "a": {}}}) == '{"symbols":{"u":{},"a":{}}}\n'
    assert fingerprint(as_text({"a": 1, "b": 2})) != fingerprint(as_text({"b": 2, "a": 1}))
