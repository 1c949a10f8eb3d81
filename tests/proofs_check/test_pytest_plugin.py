"""The pytest plugin, in projects that know nothing of ours: each test writes one and runs pytest in it, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pytest

pytest_plugins = ["pytester"]

LOADED = (
    "-p",
    next((found.name for found in entry_points(group="pytest11") if found.value == "proofs_check.pytest_plugin"), "proofs_check.pytest_plugin"),
)
BALANCE = """
[sizes]
N = 3
[parameters]
u = "N"
v = "N"
[model]
predictor = "x[i] = u[i]*v[i]"
loss = "any"
[[claim]]
id = "balance"
conserved = "u[i]**2 - v[i]**2"
"""
FALSE = """
[[claim]]
id = "sum-of-squares"
conserved = "u[i]**2 + v[i]**2"
"""
EXPECTED = FALSE + 'expect = "refuted"\n'
MODULE = """
from dataclasses import replace
from pathlib import Path
from theory.files import read_text
from theory.statements import Statement

{balance}, {false} = read_text(Path(__file__).with_name("source.txt").read_text()).statements

def statements():
    yield replace(balance, id="with-mutant", mutants=(replace(false.parts[0], label="plus"),), required="sampled")
"""


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess(*LOADED, "-p", "no:cacheprovider", "--strict-markers", "-W", "error", *arguments)


def test_every_claim_of_a_theory_file_is_a_test(pytester: pytest.Pytester) -> None:
    pytester.makefile(".toml", model=BALANCE + EXPECTED)
    found = run(pytester, "model.toml", "-v")
    found.assert_outcomes(passed=2)
    found.stdout.fnmatch_lines(["*model.toml::balance*PASSED*", "*model.toml::sum-of-squares*PASSED*"])


def test_a_false_claim_fails_with_formula_verdict_and_smallest_counterexample(pytester: pytest.Pytester) -> None:
    pytester.makefile(".toml", model=BALANCE + FALSE)
    found = run(pytester)
    found.assert_outcomes(passed=1, failed=1)
    found.stdout.fnmatch_lines(
        [
            "sum-of-squares: refuted (exact); wanted: proved (exact)",
            "    d/dt [[]u[[]i[]]**2 + v[[]i[]]**2[]] = 0   for all i",
            "    at the point given the difference of the two sides at the entry [[]0[]] is -4, not 0",
            "      N = 1",
            "      u = (1)",
            "      v = (1)",
            "      G = (1)",
        ]
    )
    assert "Traceback" not in found.stdout.str()
    assert "pytest_plugin.py" not in found.stdout.str()


def test_a_claim_that_should_be_refuted_and_is_not_fails(pytester: pytest.Pytester) -> None:
    pytester.makefile(".toml", model=BALANCE + 'expect = "refuted"\n')
    found = run(pytester)
    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["balance: proved (exact); wanted: refuted (exact)"])


def test_one_claim_by_its_node_id(pytester: pytest.Pytester) -> None:
    pytester.makefile(".toml", model=BALANCE + FALSE)
    run(pytester, "model.toml::balance").assert_outcomes(passed=1)
    run(pytester, "model.toml::sum-of-squares").assert_outcomes(failed=1)


def test_markers_by_evidence_and_mutants(pytester: pytest.Pytester) -> None:
    pytester.makefile(".txt", source=BALANCE + FALSE)
    pytester.makepyfile(claims_mine=MODULE.format(balance="balance", false="false"))
    pytester.makefile(".toml", model=BALANCE)
    everything = run(pytester, "--collect-only", "-q").stdout.str()
    assert [line for line in everything.splitlines() if "::" in line] == [
        "claims_mine.py::with-mutant",
        "claims_mine.py::with-mutant[plus]",
        "model.toml::balance",
    ]
    for expression, count in (("mutant", 1), ("sampled", 2), ("exact", 1), ("sampled and not mutant", 1), ("enclosed", 0)):
        found = run(pytester, "-m", expression)
        found.assert_outcomes(passed=count, deselected=3 - count)
    run(pytester, "--markers").stdout.fnmatch_lines(
        ["@pytest.mark.exact: *", "@pytest.mark.enclosed: *", "@pytest.mark.sampled: *", "@pytest.mark.mutant: *"]
    )


def test_other_files_are_left_alone(pytester: pytest.Pytester) -> None:
    pytester.makefile(".toml", pyproject="[[claim]]\nid = 'not ours'\n", settings="[tool]\nclaim = 1\n", broken="= = =")
    pytester.path.joinpath("binary.toml").write_bytes(b"\xff\xfe\x00")
    pytester.path.joinpath("dangling.toml").symlink_to("nowhere")
    pytester.makepyfile(test_own="def test_one(): pass", claims_text="")
    pytester.path.joinpath("claims_text.py").unlink()
    found = run(pytester)
    found.assert_outcomes(passed=1)
    assert "warning" not in found.stdout.str()


def test_what_cannot_be_read_is_one_message(pytester: pytest.Pytester) -> None:
    pytester.makefile(".toml", model=BALANCE.replace("u[i]*v[i]", "u[i]*w[i]"), none="[sizes]\nN = 3\n[data]\na = 'N'\n")
    found = run(pytester, "model.toml")
    found.assert_outcomes(errors=1)
    found.stdout.fnmatch_lines(["*the name w is not declared*"])
    assert "Traceback" not in found.stdout.str()
    found = run(pytester, "none.toml")
    found.assert_outcomes(errors=1)
    found.stdout.fnmatch_lines(["*none.toml makes no claim*"])


@pytest.mark.parametrize(("module", "said"), [("x = 1", "no such function"), ("def statements(): return [3]", "one that gives int")])
def test_a_claim_module_without_statements_says_so(pytester: pytest.Pytester, module: str, said: str) -> None:
    pytester.makepyfile(claims_none=module)
    found = run(pytester)
    found.assert_outcomes(errors=1)
    found.stdout.fnmatch_lines([f"*statements()*{said}*"])


def test_claims_and_ordinary_tests_live_together(pytester: pytest.Pytester) -> None:
    pytester.makefile(".toml", model=BALANCE)
    pytester.makepyfile(test_own="def test_one(): pass", conftest="def pytest_collection_modifyitems(items): items.reverse()")
    run(pytester).assert_outcomes(passed=2)


def test_nothing_is_imported_until_there_is_a_theory_file(pytester: pytest.Pytester) -> None:
    script = pytester.makepyfile(
        probe="""
        import sys
        import pytest
        before = set(sys.modules)
        import proofs_check.pytest_plugin
        new = {name.split(".")[0] for name in set(sys.modules) - before}
        assert new == {"proofs_check"}, new
        """
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
