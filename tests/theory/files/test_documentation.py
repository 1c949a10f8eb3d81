"""Every theory file printed in the reference is read, obeys the schema, and has its claims decided as it says."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import jsonschema
import pytest

import theory.files
from proofs_check.exact import all_sizes, verdict
from theory.files import TheoryFileError, read_text
from theory.files.meaning import FUNCTIONS, OF_TENSORS
from theory.files.tables import TABLES

TEXT = (Path(__file__).parents[3] / "docs" / "theory-file.md").read_text()
BLOCKS = re.findall(r"^```toml\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
SCHEMA = json.loads((Path(theory.files.__file__).parent / "schema.json").read_text())


def test_there_are_blocks() -> None:
    assert len(BLOCKS) == TEXT.count("```toml") >= 5


@pytest.mark.parametrize("block", BLOCKS)
def test_a_printed_file_says_what_is_true(block: str) -> None:
    jsonschema.validate(tomllib.loads(block), SCHEMA)
    for statement in read_text(block).statements:
        for part in statement.parts:
            if statement.expect == "proved":
                assert all_sizes(part).outcome == "proved"
            else:
                assert verdict(part).outcome == "refuted"


def test_the_printed_error_is_the_one_raised() -> None:
    printed = re.search(r"^    (mine\.toml.*?\n    .*?\n    .*?)$", TEXT, re.MULTILINE)
    assert printed is not None
    block = 'title = "Weight-normalised diagonal linear network"\n\n\n' + re.sub(r"^(title|text).*\n", "", BLOCKS[0], flags=re.MULTILINE)
    with pytest.raises(TheoryFileError) as caught:
        read_text(block.replace('"w[i]" = "r*u[i]"', "").replace("x[i] = w[i]**2", "x[i] = (r*w[i])**2"), "mine.toml")
    said, shown = str(caught.value).split("\n", 1), printed[1].replace("\n    ", "\n").split("\n", 1)
    assert re.sub(r"line \d+", "line", said[0]) == re.sub(r"line \d+", "line", shown[0])
    assert said[1] == shown[1]


def test_every_table_and_function_is_named() -> None:
    for name in (*TABLES, *FUNCTIONS, *OF_TENSORS):
        assert f"`{name}" in TEXT or f"[{name}]" in TEXT, name
