"""Damaged theory files, a few of those that `python -m bench.fuzz` reads for minutes; and that the watch would see what it watches for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.fuzz.mutation import CANARY, INJECTED, corpus, mutant
from bench.fuzz.reading import Reader, finding
from bench.fuzz.shrinking import shrunk
from bench.fuzz.watching import watched

TEXTS = corpus()
PATIENCE = 120.0  # seconds: the five of the long run would make this test depend on the machine


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    made = Reader(tmp_path_factory.mktemp("fuzz"), PATIENCE)
    yield made
    made.close()


@given(seed=st.integers(0, 2**64))
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_is_read_or_refused_in_words(reader: Reader, seed: int) -> None:
    raw = mutant(Random(seed), TEXTS)
    told = reader.read(raw)
    assert finding(told) is None, (told, raw)


@pytest.mark.parametrize("text", INJECTED)
def test_a_formula_is_not_executed(reader: Reader, text: str) -> None:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    told = reader.read(f'[parameters]\nu = "scalar"\n[[claim]]\nid = "a"\nidentity = "{quoted} = u"\n'.encode())
    assert finding(told) is None, told
    assert told["outcome"] == "refused"
    assert not (reader.folder / CANARY).exists()


def test_the_shipped_files_are_read(reader: Reader) -> None:
    assert [reader.read(text.encode())["outcome"] for text in TEXTS] == ["read"] * len(TEXTS)


# ---- the watch itself ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("1 + 1", "compile"),
        ("__import__('os').system('true')", "os.system"),
        ("__import__('this_module_is_nowhere')", "import"),
        ("open('/dev/null').close()", "open"),
        ("__import__('subprocess').run(['true'])", "subprocess.Popen"),
    ],
)
def test_what_is_executed_is_seen(tmp_path: Path, text: str, event: str) -> None:
    """A reader that evaluates, as it must not."""
    with watched(str(tmp_path / "file.toml")) as events, contextlib.suppress(ImportError):
        eval(text)
    assert any(seen.startswith(event) for seen in events)


def test_opening_the_file_itself_is_none_of_it(tmp_path: Path) -> None:
    path = tmp_path / "file.toml"
    path.write_text("a = 1")
    with watched(str(path)) as events:
        path.read_text()
    assert events == []


def test_another_file_is(tmp_path: Path) -> None:
    with watched(str(tmp_path / "file.toml")) as events:
        (tmp_path / "other.toml").touch()
    assert events


def test_shrinking_keeps_what_fails() -> None:
    raw = b"first\nsecond line with a fault in it\nthird\n" * 3
    assert shrunk(raw, lambda less: b"fault" in less) == b"fault"
