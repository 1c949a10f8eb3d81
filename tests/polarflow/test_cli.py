"""The command line as a user meets it: tables, exit codes, JSON, the ledger, and one clear message for every wrong input."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from polarflow.cli import app
from proofs_check.kernel import check

ROOT = Path(__file__).resolve().parents[2]

LAW = """
title = "Weight-normalised diagonal linear network"
[sizes]
N = 4
M = 2
[constants]
kappa = "positive"
[data]
A = "M x N"
y = "M"
[parameters]
r = "positive scalar"
u = "N, positive, sphere"
[model]
predictor = "x[i] = (r*u[i])**2"
loss = "square(A, y)"
[flow]
rates = { r = 1, u = "kappa" }
"""
TRUE = """
[[claim]]
id = "log-law"
conserved = "sum(i, z[i]*(log(u[i]) + kappa*r**2/2))"
where = { z = "kernel(A)" }
"""
FALSE = """
[[claim]]
id = "sign-flipped"
conserved = "sum(i, z[i]*(log(u[i]) - kappa*r**2/2))"
where = { z = "kernel(A)" }
"""
RUN = """
[constants]
kappa = { sign = "positive", value = "1/2" }
[data]
A = { shape = "M x N", value = [[1, 2, -1, 1], [2, -1, 1, 1]] }
y = { shape = "M", value = [3, 2] }
"""


@pytest.fixture(autouse=True)
def _own_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLARFLOW_LEDGER", str(tmp_path / "ledger.sqlite"))
    monkeypatch.setenv("COLUMNS", "140")


def polarflow(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def written(folder: Path, text: str, name: str = "model.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def with_start(start: str, data: str = "") -> str:
    text = LAW.replace('kappa = "positive"', 'kappa = { sign = "positive", value = "1/2" }')
    text = text.replace('A = "M x N"', data or 'A = { shape = "M x N", value = [[1, 2, -1, 1], [2, -1, 1, 1]] }')
    text = text.replace('y = "M"', 'y = { shape = "M", value = [3, 2] }')
    return text + TRUE.replace("z[i]", "u[i]").replace('where = { z = "kernel(A)" }\n', "") + f"[start]\n{start}\n[run]\nT = 1\n"


# ---- what goes well ----------------------------------------------------------------------------------------------------------------------------


def test_list_names_the_papers_and_their_claims() -> None:
    found = polarflow("list")
    assert found.exit_code == 0
    assert all(name in found.stdout for name in ("chou_rauhut_ward", "C1", "C10"))


def test_a_true_law_is_proved_and_a_false_one_refuted_with_its_witness(tmp_path: Path) -> None:
    found = polarflow("verify", written(tmp_path, LAW + TRUE + FALSE), "--json", tmp_path / "out.json")
    assert found.exit_code == 1
    told = json.loads((tmp_path / "out.json").read_text())
    assert told["schema"] == "polarflow.ledger/1"
    law, flipped = told["claims"]
    assert (law["id"], law["verdict"], law["evidence"], law["passed"]) == ("log-law", "proved", "exact", True)
    assert (flipped["verdict"], flipped["passed"]) == ("refuted", False)
    assert set(flipped["witness"]["values"]) == {"r", "u", "kappa", "A", "y", "z"}
    assert "A = (" in found.stdout
    for claim in told["claims"]:
        for certificate in claim["certificate"]:
            assert check(certificate).outcome == claim["verdict"]
    wanted = {
        "id",
        "kind",
        "title",
        "verdict",
        "evidence",
        "digits",
        "samples",
        "seconds",
        "domain",
        "given",
        "citation",
        "provenance",
        "witness",
        "certificate",
    }
    assert wanted <= law.keys()


def test_a_claim_that_expects_to_be_refuted_passes(tmp_path: Path) -> None:
    assert polarflow("verify", written(tmp_path, LAW + TRUE + FALSE + 'expect = "refuted"\n')).exit_code == 0


def test_json_on_standard_output_is_json_alone(tmp_path: Path) -> None:
    found = polarflow("verify", written(tmp_path, LAW + TRUE), "--json", "-")
    assert json.loads(found.stdout)["claims"][0]["verdict"] == "proved"
    assert "log-law" in found.stderr


def test_one_claim_of_a_file_or_a_paper(tmp_path: Path) -> None:
    path = written(tmp_path, LAW + TRUE + FALSE)
    assert polarflow("verify", f"{path}/log-law").exit_code == 0
    assert polarflow("verify", f"{path}/sign-flipped").exit_code == 1
    assert polarflow("verify", "chou_rauhut_ward/C3").exit_code == 0


def test_certificates_are_rechecked_by_the_kernel_and_tampering_is_seen(tmp_path: Path) -> None:
    polarflow("verify", written(tmp_path, LAW + TRUE + FALSE), "--certificates", tmp_path / "certificates")
    files = sorted((tmp_path / "certificates").iterdir())
    assert files
    found = polarflow("check", *files)
    assert found.exit_code == 0
    assert "proved" in found.stdout
    assert "refuted" in found.stdout
    kinds = {json.loads(f.read_text())["kind"]: f for f in files}
    tampered = json.loads(kinds["counterexample"].read_text())
    tampered["values"]["r"] = "-1"
    written(tmp_path, json.dumps(tampered), "tampered.json")
    rejected = polarflow("check", tmp_path / "tampered.json")
    assert rejected.exit_code == 1
    assert "rejected" in rejected.stdout


def test_findings_are_reused_from_the_ledger_and_made_afresh_on_demand(tmp_path: Path) -> None:
    path = written(tmp_path, LAW + TRUE)
    first = polarflow("verify", path, "--json", tmp_path / "1.json")
    again = polarflow("verify", path, "--json", tmp_path / "2.json")
    fresh = polarflow("verify", path, "--fresh", "--json", tmp_path / "3.json")
    assert first.exit_code == again.exit_code == fresh.exit_code == 0
    one, two, three = (json.loads((tmp_path / f"{n}.json").read_text())["claims"][0] for n in (1, 2, 3))
    assert one == two
    assert {**three, "seconds": 0, "parts": []} == {**one, "seconds": 0, "parts": []}


def test_show_prints_the_formula_and_the_last_verdict(tmp_path: Path) -> None:
    path = written(tmp_path, LAW + TRUE)
    assert "last verdict" not in polarflow("show", f"{path}/log-law").stdout
    polarflow("verify", path)
    shown = polarflow("show", f"{path}/log-law").stdout
    assert "log(u[i])" in shown
    assert "last verdict" in shown
    assert r"\sum_{i}" in polarflow("show", f"{path}/log-law", "--format", "latex").stdout
    assert json.loads(polarflow("show", path, "--format", "json").stdout)[0]["id"] == "log-law"


def test_derive_prints_the_equations_of_motion(tmp_path: Path) -> None:
    path = written(tmp_path, LAW)
    assert "d/dt r" in polarflow("derive", path).stdout
    assert r"\dot{r}" in polarflow("derive", path, "--format", "latex").stdout
    told = json.loads(polarflow("derive", path, "--format", "json").stdout)
    assert {derived["title"] for derived in told} == {"equations of motion", "energy dissipation", "dual coordinates"}


def test_a_run_is_integrated_and_its_drift_shown(tmp_path: Path) -> None:
    text = with_start('r = 1\nu = ["1/2", "1/2", "1/2", "1/2"]').replace("sum(i, u[i]*(log(u[i]) + kappa*r**2/2))", "sum(i, u[i]**2)")
    found = polarflow("verify", written(tmp_path, text), "--digits", "30", "--json", tmp_path / "out.json")
    assert found.exit_code == 0, found.stdout
    run = json.loads((tmp_path / "out.json").read_text())["experiments"][0]
    assert run["verdict"] == "supported"
    assert float(run["quantities"][0]["drift"]) < 1e-22


def test_a_budget_stops_between_two_steps(tmp_path: Path) -> None:
    found = polarflow("verify", written(tmp_path, LAW + TRUE), "--budget", "0")
    assert found.exit_code == 3
    assert "budget" in found.stdout


def test_help_teaches() -> None:
    told = polarflow("--help").stdout
    assert all(word in told for word in ("list", "show", "derive", "verify", "check", "Exit codes", "chou_rauhut_ward"))
    assert "ledger" in polarflow("verify", "--help").stdout


# ---- what goes wrong ---------------------------------------------------------------------------------------------------------------------------

BAD_FILES = {
    "malformed TOML": ("title = 1\n[sizes\nN = 4\n", "line 2"),
    "undeclared symbol": (LAW + TRUE.replace("kappa*r", "kapa*r"), "kapa"),
    "shape mismatch": (LAW.replace('A = "M x N"', 'A = "N x M"') + TRUE, "A"),
    "an unknown loss": (LAW.replace("square(A, y)", "cubic(A, y)") + TRUE, "cubic"),
    "zero rows": (with_start("r = 1\nu = [1, 0, 0, 0]", 'A = { shape = "M x N", value = [] }'), "A"),
    "execution": (LAW + TRUE.replace("log(u[i])", "__import__('os').system('echo hi')"), "'"),
    "nesting": (LAW + TRUE.replace("log(u[i])", "(" * 9_000 + "r" + ")" * 9_000), "nested"),
    "more nesting": (LAW + TRUE.replace("log(u[i])", "(" * 10_000 + "r" + ")" * 10_000), "characters"),
    "a huge exponent": (LAW + TRUE.replace("r**2", "r**1000000000"), "exponent"),
    "a tower of exponents": (LAW + TRUE.replace("r**2", "9**9**9"), "9**9"),
    "a non-positive start": (with_start('r = 1\nu = ["1/2", "1/2", "1/2", "-1/2"]'), "u"),
    "r0 = 0": (with_start('r = 0\nu = ["1/2", "1/2", "1/2", "1/2"]'), "r"),
    "|u0| != 1": (with_start('r = 1\nu = ["1/2", "1/2", "1/2", "1/3"]'), "u"),
    "NaN": (with_start('r = nan\nu = ["1/2", "1/2", "1/2", "1/2"]'), "nan"),
    "no claim": (LAW, "claim"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_get_one_message(tmp_path: Path, name: str) -> None:
    text, mentioned = BAD_FILES[name]
    found = polarflow("verify", written(tmp_path, text))
    assert found.exit_code == 2, found.stdout
    assert found.exception is None or isinstance(found.exception, SystemExit)
    assert mentioned in found.stderr
    assert "Traceback" not in found.stderr
    assert len(found.stderr) < 1500


@pytest.mark.parametrize(
    ("target", "mentioned"),
    [
        ("chou_rauhut_ward/C66", "C6"),
        ("chou_rauhut", "chou_rauhut_ward"),
        ("nothing.toml", "nothing.toml"),
        ("model.py", ".toml"),
        ("", "polarflow list"),
    ],
)
def test_unknown_targets_say_what_there_is(tmp_path: Path, target: str, mentioned: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = polarflow("verify", target)
    assert found.exit_code == 2
    assert mentioned in found.stderr


def test_derive_of_a_single_claim_says_what_to_give() -> None:
    found = polarflow("derive", "chou_rauhut_ward/C6")
    assert found.exit_code == 2
    assert "whole paper" in found.stderr


def test_a_ledger_that_is_none(tmp_path: Path) -> None:
    path = written(tmp_path, LAW + TRUE)
    for ledger in (written(tmp_path, "not a database, and longer than a header of one " * 9, "no.sqlite"), path / "below" / "a-file.sqlite"):
        found = polarflow("verify", path, "--ledger", ledger)
        assert found.exit_code == 2
        assert "cannot be used as a ledger" in found.stderr


def test_a_run_with_a_name_that_python_has_taken_is_refused_in_words(tmp_path: Path) -> None:
    text = (ROOT / "examples" / "polar_diagonal.toml").read_text(encoding="utf-8").replace("kappa", "lambda")
    found = polarflow("verify", written(tmp_path, text))
    assert found.exit_code == 2
    assert "'lambda' cannot be the name of an argument in generated source; rename the variable, to 'lambda_' for instance" in found.stderr
    proved = polarflow("verify", written(tmp_path, text[: text.index("[start]")]))  # without a run, the name is no matter
    assert proved.exit_code == 0


def test_files_that_hold_no_certificate(tmp_path: Path) -> None:
    for text in ("{}", "not json", "[1, 2]"):
        found = polarflow("check", written(tmp_path, text, "c.json"))
        assert found.exit_code == 2
        assert "Traceback" not in found.stderr


def test_the_import_is_free_of_heavy_modules() -> None:
    code = "import sys, polarflow; print([m for m in ('sympy', 'numpy', 'scipy', 'heyoka', 'flint', 'mpmath') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_every_public_name_can_be_had() -> None:
    import polarflow as pf

    assert all(getattr(pf, name) is not None for name in pf.__all__)
    with pytest.raises(AttributeError, match="nobody"):
        _ = pf.nobody


def test_a_killed_run_loses_no_verdict_it_has_filed(tmp_path: Path) -> None:
    """Every part is in the ledger before it is shown, so the next run takes it from there."""
    from proofs_check.ledger import opened
    from theory.papers import paper

    found = polarflow("verify", "chou_rauhut_ward/C3", "--ledger", tmp_path / "own.sqlite")
    assert found.exit_code == 0
    with opened(tmp_path / "own.sqlite") as book:
        filed = {label for _, label, _ in book.last("chou_rauhut_ward/C3")}
    statement = next(s for s in paper("chou_rauhut_ward").statements if s.id == "C3")
    assert filed == {part.label for part in (*statement.parts, *statement.mutants)}
