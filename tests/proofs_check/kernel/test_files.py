"""Files of certificates, re-checked by the kernel alone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from proofs_check.kernel import __main__ as program
from proofs_check.kernel.files import Unreadable, certificates, recheck

FOLDER = Path(__file__).parent / "certificates"
LAW, WITNESS = FOLDER / "all-sizes.json", FOLDER / "counterexample.json"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "proofs_check.kernel", *map(str, arguments)], capture_output=True, text=True, check=False)


def changed(path: Path, folder: Path) -> Path:
    certificate = json.loads(path.read_text(encoding="utf-8"))
    certificate["statement"]["claim"]["rate"] = 1
    file = folder / "changed.json"
    file.write_text(json.dumps(certificate), encoding="utf-8")
    return file


def test_certificates_are_found_wherever_they_lie() -> None:
    one, two = {"format": "a", "kind": "b"}, {"format": "a", "kind": "b", "inner": {"format": "c", "kind": "d"}}
    assert list(certificates({"claims": [{"parts": [one]}, 3, "text", None], "more": two})) == [one, two]


def test_what_is_established_is_said_with_its_statement() -> None:
    said: list[str] = []
    assert recheck([LAW, WITNESS], said.append)
    assert said[0] == f"{LAW}: proved: the rate of change along the flow is as stated, for all N, M"
    assert "    claim: d/dt of sum(i < N, (1/2*kappa*r**2 + log(u[i]))*z[i]) = 0" in said
    short: list[str] = []
    assert recheck([LAW, WITNESS], short.append, brief=True)
    assert short == [line for line in said if not line.startswith("    ")]
    assert len(short) == 2


def test_what_is_conditional_is_said_to_be(tmp_path: Path) -> None:
    divided = json.loads(LAW.read_text(encoding="utf-8"))
    divided["statement"]["claim"] = {"kind": "equal", "indices": [], "left": ["*", "r", ["^", "z0", -1], "z0"], "right": "r"}
    divided["statement"]["symbols"]["z0"] = {"role": "constant", "shape": [], "sign": "real"}
    divided |= {"gradient": {}, "cofactors": []}
    (tmp_path / "c.json").write_text(json.dumps(divided), encoding="utf-8")
    said: list[str] = []
    assert recheck([tmp_path / "c.json"], said.append, brief=True)
    assert "; where z0" in said[0]


def test_the_example_of_the_documentation(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).resolve().parents[3]
    text = (root / "docs" / "certificates.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```console\n\$ polarflow check (\S+)\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(root)
    said: list[str] = []
    assert recheck([Path(example[0])], said.append)
    assert "\n".join(said) == example[1].strip("\n")


def test_one_rejected_certificate_is_enough(tmp_path: Path) -> None:
    said: list[str] = []
    assert not recheck([changed(LAW, tmp_path), LAW], said.append, brief=True)
    assert [line.split(": ")[1] for line in said] == ["rejected", "proved"]


@pytest.mark.parametrize("text", ["", "{", "{}", "[1, 2]", "[" * 100_000])
def test_a_file_without_a_certificate(text: str, tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(Unreadable, match="wanted is what"):
        recheck([file], print)


def test_the_kernel_as_a_program(tmp_path: Path) -> None:
    accepted = run("--brief", LAW, WITNESS)
    assert (accepted.returncode, accepted.stderr, accepted.stdout.count("\n")) == (0, "", 2)
    assert run(changed(LAW, tmp_path)).returncode == 1
    missing = run(tmp_path / "nowhere.json")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "nowhere.json cannot be read" in missing.stderr


@pytest.mark.parametrize(("files", "code"), [((LAW,), 0), ((LAW, "nowhere.json"), 2)])
def test_its_exit_code_in_this_process(files: tuple[Path | str, ...], code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["kernel", *map(str, files)])
    assert program.main() == code


def test_it_imports_flint_and_the_standard_library_alone() -> None:
    def loaded(modules: str) -> set[str]:
        code = f"import sys, {modules}; print(*{{name.partition('.')[0] for name in sys.modules}} - sys.stdlib_module_names)"
        return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())

    assert loaded("flint, proofs_check.kernel.__main__") - loaded("flint") == {"proofs_check"}
