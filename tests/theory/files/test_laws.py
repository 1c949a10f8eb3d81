"""The theory files shipped as examples and those kept here: every law they state is proved for all sizes, every near miss is refuted."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import theory.files
from proofs_check.exact import all_sizes, at_instance, verdict
from theory.files import read
from theory.statements import Part

HERE = Path(__file__).parent
EXAMPLES = sorted((HERE.parents[2] / "examples").glob("*.toml"))
FILES = [*EXAMPLES, *sorted((HERE / "data").glob("*.toml"))]
# True laws that index calculus does not reach: they are proved at explicit sizes, and said to be so. A law that comes to be reached leaves the table.
ONLY_AT_SIZES = {
    "tanh-c0-0": "e^2u and denominators under sums over two indices",
    "tanh-c1-0": "e^2u and denominators under sums over two indices",
    "power_activation-c0-0": "S^p and S S^(p-1) under sums over two indices, one of S",
}
SCHEMA = json.loads((Path(theory.files.__file__).parent / "schema.json").read_text())


def parts(expect: str) -> list[Any]:
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


@pytest.mark.parametrize("part", [p for p in parts("proved") if p.id not in ONLY_AT_SIZES])
def test_a_law_is_proved_for_all_sizes(part: Part) -> None:
    finding = all_sizes(part)
    assert finding.outcome == "proved", finding.reason


@pytest.mark.parametrize("part", [p for p in parts("proved") if p.id in ONLY_AT_SIZES])
def test_a_law_out_of_reach_for_all_sizes_is_proved_at_sizes_and_says_so(part: Part) -> None:
    found = verdict(part)
    assert found.outcome == "proved"
    assert found.scope != "all sizes"
    assert all_sizes(part).outcome == "unknown"


@pytest.mark.parametrize("part", parts("proved"))
def test_a_law_is_proved_at_the_explicit_sizes(part: Part) -> None:
    finding = at_instance(part, part.setting.instances[0])
    assert finding.outcome == "proved", finding.reason


@pytest.mark.parametrize("part", parts("refuted"))
def test_a_near_miss_is_refuted(part: Part) -> None:
    assert all_sizes(part).outcome != "proved"
    assert verdict(part).outcome == "refuted"
