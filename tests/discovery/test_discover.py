"""The whole way from a target to a list of laws: counts, completeness, certificates, and what happens when it is cut short."""

from __future__ import annotations

import copy
import importlib.util
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from discovery import discover as module
from discovery.discover import Discovery, Search, discover
from discovery.engines import Engine
from polarflow.discovering import cases, told, verdict
from polarflow.targets import resolve
from proofs_check.kernel import Rejected, check


def beside(name: str) -> ModuleType:
    """A module of this folder, which is no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = loaded
    spec.loader.exec_module(loaded)
    return loaded


SYSTEMS, FOLDER = beside("systems").SYSTEMS, beside("systems").FOLDER
NETWORKS = json.loads((Path(__file__).parents[2] / "bench" / "data" / "random_networks.json").read_text(encoding="utf-8"))


def found_in(target: str, losses: Any = "every") -> Discovery:
    (case,) = cases(resolve(target), losses, {})
    return discover(case.setting, case.instance)


@pytest.mark.parametrize("expected", SYSTEMS, ids=lambda system: system.file)
def test_every_system_comes_out_with_its_count(expected: Any) -> None:
    found = found_in(str(expected.path), expected.losses)
    assert (found.dimension, found.possible) == (expected.dimension, expected.possible)
    assert found.found >= expected.found
    assert found.complete == (found.found == expected.possible) == expected.complete
    assert found.found == sum(law.adds for law in found.laws) + len(found.quadratures)
    for law in found.laws:
        assert check(law.finding.certificate).outcome == "proved"
    assert found.count is not None
    assert check(found.count.certificate).outcome == "proved"


@pytest.mark.parametrize(("kind", "numbers"), [("linear", (0, 2, 3, 7, 17)), ("relu", (0, 3, 8, 30))])
def test_random_networks_are_complete_with_the_known_number(kind: str, numbers: tuple[int, ...]) -> None:
    for network in (NETWORKS[kind][n] for n in numbers):
        name = "linear_network" if kind == "linear" else "relu_network_bias" if network["bias"] else "relu_network"
        found = found_in(f"{name}:{','.join(map(str, network['widths']))}")
        assert (found.complete, found.found) == (True, network["laws"])


@pytest.mark.parametrize(("claim", "counts"), [("C7", (3, 3, 3)), ("C8", (5, 6, 6))])
def test_the_counted_claims_of_the_paper_are_discovered(claim: str, counts: tuple[int, ...]) -> None:
    for case, count in zip(cases(resolve(f"chou_rauhut_ward/{claim}"), "every", {}), counts, strict=True):
        found = discover(case.setting, case.instance)
        assert (found.complete, found.found) == (True, count)


def test_a_count_that_is_changed_is_rejected() -> None:
    found = found_in("linear_network:2,3,2")
    assert found.count is not None
    certificate = found.count.certificate
    for change in (
        lambda c: c["statement"]["claim"].update(count=found.found + 1),
        lambda c: c["statement"]["claim"].update(count=found.found - 1),
        lambda c: c["laws"].clear(),
        lambda c: c["controls"].update(order=0),
        lambda c: c["controls"].update(width=1, order=0),
    ):
        changed = copy.deepcopy(certificate)
        change(changed)
        with pytest.raises(Rejected):
            check(changed)


def test_a_law_given_by_an_integral_completes_the_list() -> None:
    (case,) = cases(resolve(f"{FOLDER}/elliptic_uvw.toml"), "every", {})
    found = discover(case.setting, case.instance)
    assert (found.found, found.possible, found.integrals, found.complete) == (7, 7, 1, True)
    assert sum(law.adds for law in found.laws) == 6
    assert verdict(found).startswith("complete: 7 independent laws found, 1 of them given by an integral")
    shown = told(case, found)
    assert (shown["found"], shown["in_closed_form"], len(shown["quadratures"])) == (7, 6, 1)
    certificate = json.loads(json.dumps(shown["count"]["certificate"]))
    assert "7 independent laws (1 of them the integral of a form)" in check(certificate).text
    for change in (
        lambda c: c["quadratures"].clear(),
        lambda c: c["quadratures"][0]["laws"].pop(),
        lambda c: c["quadratures"][0]["form"].pop(),
        lambda c: c["quadratures"][0]["form"][0].update(component=1),
        lambda c: c["quadratures"][0]["form"][0].update(velocity=0),
        lambda c: c["laws"].pop(),
    ):
        changed = copy.deepcopy(certificate)
        change(changed)
        with pytest.raises(Rejected):
            check(changed)


def test_formulas_that_hold_an_integral_are_told_as_such() -> None:
    (case,) = cases(resolve(f"{FOLDER}/exponential_factor.toml"), "every", {})
    found = discover(case.setting, case.instance)
    assert (found.found, found.integrals, len(found.quadratures), found.complete) == (5, 2, 0, True)
    assert "2 of them given by an integral" in verdict(found)
    assert told(case, found)["in_closed_form"] == 3


def test_an_integral_that_is_not_proved_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that proposes the form with a sign turned, and one that is right but was found before."""
    (case,) = cases(resolve(f"{FOLDER}/elliptic_uvw.toml"), "every", {})
    (right,) = discover(case.setting, case.instance).quadratures
    first, *_ = right.form
    wrong = replace(right, form={**right.form, first: -right.form[first]})
    engine = Engine(lambda _: "integrals", lambda *_: iter([wrong, right, right]))
    monkeypatch.setattr(Search, "room", property(lambda search: None))  # so that the search does not end when the list is complete
    found = discover(case.setting, case.instance, engines=(engine,))
    assert (found.found, len(found.quadratures), found.complete) == (7, 1, True)
    assert any("an integral without a proof" in line for line in found.searched)


class _Cut(KeyboardInterrupt):
    pass


def test_what_was_found_before_an_interruption_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    (case,) = cases(resolve("linear_network:2,2,2,1"), "every", {})
    general = module.general_laws

    def first_only(*arguments: Any, **options: Any) -> Iterator[Any]:
        for law in general(*arguments, **options):
            yield law
            raise _Cut

    monkeypatch.setattr(module, "general_laws", first_only)
    search = Search(case.setting, case.instance)
    laws = []
    with pytest.raises(_Cut):
        laws.extend(search.run())
    search.close()
    found = search.result()
    assert len(found.laws) == 1
    assert found.complete is None
    assert found.possible == 6
    assert "interrupted" in verdict(found)
    assert check(found.count.certificate).outcome == "proved"  # type: ignore[union-attr]


def test_the_json_is_what_is_promised() -> None:
    (case,) = cases(resolve("linear_network:2,2,1"), "every", {})
    shown = told(case, discover(case.setting, case.instance), steps=True)
    again = json.loads(json.dumps(shown))
    assert {"laws", "possible", "complete", "searched", "seconds"} <= again.keys()
    (law,) = again["laws"]
    assert {"expression", "latex", "kind", "certificate"} <= law.keys()
    assert check(law["certificate"]).outcome == "proved"
    assert check(law["step"]["certificate"]).outcome == "proved"
    assert check(again["count"]["certificate"]).outcome == "proved"
    assert (again["possible"], again["complete"]) == (3, True)
