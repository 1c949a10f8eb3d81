"""The import names are generic words, so nothing else installed may own them; and the rooms hold to their rules."""

from __future__ import annotations

import ast
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("theory", "numerics", "proofs_check", "discovery", "polarflow")


@pytest.mark.parametrize("room", ROOMS)
def test_no_other_distribution_owns_our_import_names(room: str) -> None:
    assert set(packages_distributions().get(room, ["polarflow"])) == {"polarflow"}


@pytest.mark.parametrize("path", sorted((ROOT / "theory").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_theory_is_exact(path: Path) -> None:
    """No float literal and no simplify() in theory/."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), f"{path}:{node.lineno}"
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            assert name not in ("simplify", "sympify_string", "eval", "exec", "parse_expr", "nsimplify"), f"{path}:{node.lineno}"


def test_the_face_imports_what_is_always_installed() -> None:
    """At its first level; what an extra brings is imported where it is needed, with an answer for those who lack it."""
    core = {canonicalize_name(Requirement(line).name) for line in requires("polarflow") or () if "extra ==" not in line}
    owners = packages_distributions()
    for path in (ROOT / "polarflow").rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            outside = isinstance(node, ast.ImportFrom) and node.level == 0
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""] if outside else []
            for name in (name.split(".")[0] for name in names):
                owned = {canonicalize_name(owner) for owner in owners.get(name, ())}
                assert name in {*sys.stdlib_module_names, *ROOMS} or owned & core, f"{path}: {name}"


def test_the_kernel_imports_flint_and_the_standard_library_alone() -> None:
    for path in (ROOT / "proofs_check" / "kernel").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            inside = isinstance(node, ast.ImportFrom) and node.level == 1
            for name in names:
                assert inside or name.split(".")[0] in {*sys.stdlib_module_names, "flint"}, f"{path}: {name}"
