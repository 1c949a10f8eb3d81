"""The theory files shipped as examples and those kept here: every law they state is proved for all sizes, every near miss is refuted."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

import theory.files
from proofs_check.exact import all_sizes, at_instance, verdict
from theory.files import read
from theory.statements import Part

HERE = Path(__file__).parent
EXAMPLES = sorted((HERE.parents[2] / "examples").glob("*.toml"))
FILES = [*EXAMPLES, *sorted((HERE / "data").glob("*.toml"))]
# Laws that are true, and that index calculus does not prove yet; at explicit sizes they are proved. A law that comes to be proved leaves this table.
SIGMOID = "e^-s/(1 + e^-s) and 1/(1 + e^s) under a sum are not seen to be equal"
NOT_YET = {
    "logistic_loss-decrease": SIGMOID,
    "logistic_written_out-balance": SIGMOID,
    "logistic_written_out-decrease": SIGMOID,
    "tanh-c0": SIGMOID,
    "tanh-c1": SIGMOID,
    "power_activation-c0": "S^p and S S^(p-1) under a sum over an index of S are not seen to be equal",
    "weight_norm_columns-c0": "conditions with a free index are compared by the name of the index",
    "weight_norm_columns-c1": "conditions with a free index are compared by the name of the index",
    "weight_norm_columns-c3": "conditions with a free index are compared by the name of the index",
    "crowded_names-one": "a derived gradient has indices with names of declared sizes",
    "crowded_names-two": "a derived gradient has indices with names of declared sizes",
}
SCHEMA = json.loads((Path(theory.files.__file__).parent / "schema.json").read_text())


def _marks(name: str) -> list[pytest.MarkDecorator]:
    return [pytest.mark.xfail(reason=NOT_YET[name], strict=True)] if name in NOT_YET else []


def parts(expect: str, *, not_yet: bool = False) -> list[object]:
    return [
        pytest.param(part, id=f"{path.stem}-{statement.id}-{number}", marks=_marks(f"{path.stem}-{statement.id}") if not_yet else [])
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


@pytest.mark.parametrize("part", parts("proved", not_yet=True))
def test_a_law_is_proved_for_all_sizes(part: Part) -> None:
    finding = all_sizes(part)
    assert finding.outcome == "proved", finding.reason


@pytest.mark.parametrize("part", parts("proved"))
def test_a_law_is_proved_at_the_explicit_sizes(part: Part) -> None:
    finding = at_instance(part, part.setting.instances[0])
    assert finding.outcome == "proved", finding.reason


@pytest.mark.parametrize("part", parts("refuted"))
def test_a_near_miss_is_refuted(part: Part) -> None:
    assert all_sizes(part).outcome != "proved"
    assert verdict(part).outcome == "refuted"
