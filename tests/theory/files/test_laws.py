"""The theory files shipped as examples and those kept here: every law they state is proved for all sizes, every near miss is refuted."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

import theory.files
from proofs_check.exact import all_sizes, verdict
from theory.files import read
from theory.statements import Part

HERE = Path(__file__).parent
EXAMPLES = sorted((HERE.parents[2] / "examples").glob("*.toml"))
FILES = [*EXAMPLES, *sorted((HERE / "data").glob("*.toml"))]
SCHEMA = json.loads((Path(theory.files.__file__).parent / "schema.json").read_text())


def parts(expect: str) -> list[object]:
    return [
        pytest.param(part, id=f"{path.stem}-{statement.id}-{number}")
        for path in FILES
        for statement in read(path).statements
        if statement.expect == expect
        for number, part in enumerate(statement.parts)
    ]


def test_there_are_examples() -> None:
    assert {"polar_diagonal", "plain_diagonal", "two_layer_linear"} <= {path.stem for path in EXAMPLES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_has_laws_and_near_misses(path: Path) -> None:
    assert {statement.expect for statement in read(path).statements} == {"proved", "refuted"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_obeys_the_schema(path: Path) -> None:
    jsonschema.validate(tomllib.loads(path.read_text()), SCHEMA)


@pytest.mark.parametrize("part", parts("proved"))
def test_a_law_is_proved_for_all_sizes(part: Part) -> None:
    finding = all_sizes(part)
    assert finding.outcome == "proved", finding.reason


@pytest.mark.parametrize("part", parts("refuted"))
def test_a_near_miss_is_refuted(part: Part) -> None:
    assert all_sizes(part).outcome != "proved"
    assert verdict(part).outcome == "refuted"
