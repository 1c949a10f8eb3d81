"""The systems of `systems`: their files are read, brackets allow as many laws as they say, and the laws they list are laws, and independent."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import tomllib
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from types import ModuleType

import jsonschema
import numpy as np
import pytest
import sympy as sp
from typer.testing import CliRunner

import theory.files
from polarflow.cli import app
from proofs_check.exact import at_instance, counterexample
from theory.files import read, read_text
from theory.models import linear_network
from theory.settings import Instance


def beside(name: str) -> ModuleType:
    """A module of this folder, which is no package."""
    spec = importlib.util.spec_from_file_location(f"discovery_{name}", Path(__file__).parent / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


oracle, systems = beside("bracket_oracle"), beside("systems")
SCHEMA = json.loads((Path(theory.files.__file__).parent / "schema.json").read_text())
DEPTHS = {"heavy_ball_linear": 6}  # how many fields are bracketed; 3 where nothing is said
every_system = pytest.mark.parametrize("expected", systems.SYSTEMS, ids=lambda expected: expected.file)


@cache
def unrolled(file: str, time: bool) -> oracle.System:
    return oracle.system(read(systems.FOLDER / f"{file}.toml").setting, time=time)


def formula(law: str, of: oracle.System) -> sp.Expr:
    """A law in the coordinates of a system, read by Python and not by the grammar of theory files."""

    class Tensor:
        def __init__(self, name: str) -> None:
            self.name = name

        def __getitem__(self, entry: int | tuple[int, ...]) -> sp.Symbol:
            return oracle.scalar(self.name, entry if isinstance(entry, tuple) else (entry,))

    names = {str(symbol).split("_")[0]: "_" in str(symbol) for symbol in (*of.coordinates, *of.constants, *of.values)}
    known = {name: Tensor(name) if indexed else oracle.scalar(name, ()) for name, indexed in names.items()}
    functions = {name: getattr(sp, name) for name in ("Integer", "log", "exp", "sqrt", "atan", "asinh")}
    code = re.sub(r"(?<!\w)\d+", r"Integer(\g<0>)", law.replace("lambda", "lambda_"))  # a word of Python; integers whose quotients are exact
    known = {name.replace("lambda", "lambda_"): symbol for name, symbol in known.items()}
    return sp.sympify(eval(code, {"__builtins__": {}}, {**functions, **known})).subs(of.values)


def vanishes(value: sp.Expr) -> bool:
    """Exactly where the value is rational, to 40 of 60 digits elsewhere."""
    return bool(value == 0 if value.is_Rational else abs(sp.N(value, 60, maxn=400)) < sp.Rational(1, 10**40))


def changes(law: sp.Expr, of: oracle.System, seed: int) -> bool:
    """Whether the law changes along one of the fields, at a random rational point."""
    at = of.point(Random(seed))
    slope = [sp.diff(law, x).subs(at) for x in of.coordinates]
    return not all(vanishes(sp.Add(*(s * v.subs(at) for s, v in zip(slope, field, strict=True)))) for field in of.fields)


def rank_of_gradients(laws: list[sp.Expr], of: oracle.System) -> int:
    at = of.point(Random(5))
    rows = [np.array([complex(sp.N(sp.diff(law, x).subs(at), 40)) for x in of.coordinates]) for law in laws]
    return int(np.linalg.matrix_rank(np.array([row / np.abs(row).max() for row in rows]), tol=1e-9)) if rows else 0


def test_every_file_is_expected() -> None:
    assert sorted(expected.path.name for expected in systems.SYSTEMS) == sorted(path.name for path in systems.FOLDER.glob("*.toml"))


@every_system
def test_a_file_says_what_it_is(expected: systems.Expected) -> None:
    text = expected.path.read_text()
    tables = tomllib.loads(text)
    jsonschema.validate(tables, SCHEMA)
    assert text.startswith("# ")
    assert text.splitlines()[1] == ""
    assert tables["title"]
    assert "claim" not in tables
    told = str(expected.possible) if expected.possible else "No law"
    assert tables["text"].startswith(told)
    assert ("incomplete" in tables["text"]) != expected.complete


@every_system
def test_the_equations_of_motion_are_derived(expected: systems.Expected) -> None:
    found = CliRunner().invoke(app, ["derive", str(expected.path)])
    assert found.exit_code == 0, found.output
    assert "d/dt" in found.output


@every_system
def test_the_figures_fit_together(expected: systems.Expected) -> None:
    assert expected.complete == (expected.found + expected.quadratures == expected.possible)
    assert expected.found <= len(expected.laws) <= expected.possible
    assert len(unrolled(expected.file, expected.time).coordinates) == expected.dimension
    assert len(unrolled(expected.file, expected.time).constants) == expected.frozen


@every_system
def test_brackets_allow_as_many_laws_as_are_possible(expected: systems.Expected) -> None:
    """An upper bound on the laws; with as many independent laws, which the next tests see to, it is the number itself."""
    of = unrolled(expected.file, expected.time)
    assert oracle.possible_laws(of, depth=DEPTHS.get(expected.file, 3)) == expected.possible


@every_system
def test_a_listed_law_is_a_law(expected: systems.Expected) -> None:
    of = unrolled(expected.file, expected.time)
    for law in expected.laws:
        for seed in (1, 2):
            assert not changes(formula(law, of), of, seed), law


@every_system
def test_a_listed_law_with_a_coordinate_added_is_none(expected: systems.Expected) -> None:
    of = unrolled(expected.file, expected.time)
    for law in expected.laws:
        assert changes(formula(law, of) + of.coordinates[0], of, 1), law


@every_system
def test_listed_laws_are_independent(expected: systems.Expected) -> None:
    of = unrolled(expected.file, expected.time)
    laws = [formula(law, of) for law in expected.laws]
    assert rank_of_gradients(laws, of) == len(laws)
    if len(laws) > 1:
        assert rank_of_gradients([*laws, laws[0] * laws[1]], of) == len(laws)


@every_system
def test_the_kernel_proves_a_listed_law_at_the_sizes_of_its_file(expected: systems.Expected) -> None:
    """Read by the grammar of theory files this time; and with a coordinate added, it is refuted."""
    (first, *_) = read(expected.path).setting.variables
    coordinate = f"{first.name}[{','.join('0' * len(first.shape))}]" if first.shape else first.name
    claims = [(law, "proved") for law in expected.laws] + [(f"{law} + {coordinate}", "refuted") for law in expected.laws]
    text = "".join(f'\n[[claim]]\nid = "{n}"\nconserved = "{law}"\n' for n, (law, _) in enumerate(claims))
    parts = [statement.parts[0] for statement in read_text(expected.path.read_text() + text).statements]
    for part, (law, outcome) in zip(parts, claims, strict=True):
        finding = at_instance(part, part.setting.instances[0])
        assert (finding.outcome == "proved") == (outcome == "proved"), (law, finding.reason)
        if outcome == "refuted":
            assert counterexample(part, part.setting.instances[0]).outcome == "refuted", law


# ---- the oracle itself -----------------------------------------------------------------------------------------------------------------------


def fields_of(velocity: list[sp.Expr], coordinates: tuple[sp.Symbol, ...], controls: tuple[sp.Symbol, ...]) -> oracle.System:
    return oracle.System(coordinates, tuple(velocity), controls, (), (), {})


def test_brackets_are_needed() -> None:
    """The Heisenberg group: two fields, whose bracket is the third direction."""
    x, y, z, a, b = sp.symbols("x y z a b")
    of = fields_of([a, b, (x * b - y * a) / 2], (x, y, z), (a, b))
    assert oracle.possible_laws(of, depth=1) == 1
    assert oracle.possible_laws(of, depth=2) == 0


def test_rotations_keep_the_norm() -> None:
    x, y, z, a, b = sp.symbols("x y z a b")
    of = fields_of([a * y, -a * x + b * z, -b * y], (x, y, z), (a, b))
    assert oracle.possible_laws(of, depth=3) == 1


def test_a_function_of_a_coordinate_does_not_count() -> None:
    """x' = a exp(x), y' = a sqrt(1 + y^2)/y: one field, one law, whatever it is multiplied by."""
    x, y, a = sp.symbols("x y a", positive=True)
    of = fields_of([a * sp.exp(x), a * sp.sqrt(1 + y**2) / y], (x, y), (a,))
    assert oracle.possible_laws(of, depth=3) == 1
    moved = fields_of([a * sp.exp(x), a * sp.sqrt(1 + y**2) / y + 1], (x, y), (a,))
    assert oracle.possible_laws(moved, depth=3) == 0


# Widths of 1 at both ends would leave a single field, and with it every law that one field has.
@pytest.mark.parametrize(("widths", "laws"), [((2, 2, 2), 3), ((1, 3, 1), 5), ((2, 1, 2), 1), ((1, 2, 2, 2), 6), ((2, 3, 1), 6), ((1, 1, 1, 1), 2)])
def test_linear_networks_have_their_balances(widths: tuple[int, ...], laws: int) -> None:
    setting = linear_network(len(widths) - 1)
    setting = replace(setting, instances=(Instance({f"d{l}": width for l, width in enumerate(widths)}),))
    assert oracle.possible_laws(oracle.system(setting), depth=4) == laws
