"""A pytest plugin: every claim of a theory file, or of a claim module, is a test.

`pytest my_model.toml` verifies the claims of a theory file. Without a path, theory files are found where pytest looks for tests: they are TOML files
with a [[claim]], never `pyproject.toml`. A claim module is a Python file `claims_*.py` with a function `statements()` that gives `Statement`s of
`theory.statements`.

Nothing is imported here but pytest and the standard library, and no other file is opened than those that end in .toml: a project without theory files
does not notice the plugin. The markers say which evidence a claim asks for, and what is expected to be refuted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from theory.statements import Part, Statement

    from .verdicts import Verdict

MARKERS = {
    "rocq": "a claim that asks for a proof by Rocq",
    "exact": "a claim that asks for a proof by exact certificates",
    "enclosed": "a claim that asks for rigorous enclosures",
    "sampled": "a claim that asks for evidence at many digits or points",
    "mutant": "a false variant, which has to be refuted",
}
CLAIM = re.compile(rb"^[ \t]*\[\[[ \t]*claim[ \t]*\]\]", re.MULTILINE)
LARGEST = 1_000_000  # bytes, as for theory files
SHRINKING = 20.0  # seconds at most, for a counterexample that is easier to read


def pytest_configure(config: pytest.Config) -> None:
    for name, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning} (polarflow)")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.suffix == ".toml" and file_path.name != "pyproject.toml":
        if parent.session.isinitpath(file_path) or holds_claims(file_path):
            return TheoryFile.from_parent(parent, path=file_path)
    elif file_path.suffix == ".py" and file_path.name.startswith("claims_"):
        return ClaimModule.from_parent(parent, path=file_path)
    return None


def holds_claims(path: Path) -> bool:
    """Whether a TOML file has a [[claim]]; a file that cannot be read has none."""
    try:
        return path.stat().st_size <= LARGEST and CLAIM.search(path.read_bytes()) is not None
    except OSError:
        return False


class TheoryFile(pytest.File):
    """The claims of a theory file."""

    def collect(self) -> Iterator[pytest.Item]:
        from theory.files import TheoryFileError, read

        try:
            theory = read(self.path)
        except TheoryFileError as error:
            raise self.CollectError(str(error)) from None
        if not theory.statements:
            raise self.CollectError(f"{self.path} makes no claim; add a [[claim]] to it, or leave it out of the tests")
        yield from _items(self, theory.statements)


class ClaimModule(pytest.Module):
    """The statements that `statements()` of a Python file gives."""

    def collect(self) -> Iterator[pytest.Item]:
        from theory.statements import Statement

        give = getattr(self.obj, "statements", None)
        found = list(give()) if callable(give) else None
        if found is None or not all(isinstance(one, Statement) for one in found):
            was = "no such function" if found is None else f"one that gives {', '.join(sorted({type(one).__name__ for one in found}))}"
            raise self.CollectError(f"{self.path}: a function statements() that gives theory.statements.Statement was wanted; there is {was}")
        yield from _items(self, found)


def _items(parent: pytest.Collector, statements: Iterable[Statement]) -> Iterator[Claim]:
    for statement in statements:
        yield Claim.of(parent, statement.id, statement, statement.parts, statement.expect)
        for mutant in statement.mutants:
            yield Claim.of(parent, f"{statement.id}[{mutant.label}]", statement, (mutant,), "refuted")


class Claim(pytest.Item):
    """One claim, which passes when every part of it comes out as it has to, on the evidence that is asked for."""

    statement: Statement
    parts: tuple[Part, ...]
    wanted: str

    @classmethod
    def of(cls, parent: pytest.Collector, name: str, statement: Statement, parts: tuple[Part, ...], wanted: str) -> Claim:
        item: Claim = cls.from_parent(parent, name=name)
        item.statement, item.parts, item.wanted = statement, parts, wanted
        item.add_marker(statement.required)
        if wanted == "refuted":
            item.add_marker("mutant")
        return item

    def runtest(self) -> None:
        from .exact import verdict

        results = [(part, verdict(part)) for part in self.parts]
        wrong = [(part, found) for part, found in results if not self._as_wanted(found)]
        refuted = self.wanted == "refuted" and any(found.outcome == "refuted" for _, found in results)
        if wrong and not refuted:
            raise NotAsClaimed("\n".join(line for part, found in wrong for line in self._told(part, found)))

    def _as_wanted(self, found: Verdict) -> bool:
        from .verdicts import GRADES

        enough = found.grade is not None and GRADES.index(found.grade) >= GRADES.index(self.statement.required)
        return found.outcome == self.wanted and enough

    def _told(self, part: Part, found: Verdict) -> Iterator[str]:
        """The formula, the verdict, and the counterexample or the reasons."""
        evidence = f" ({found.grade})" if found.grade else ""
        yield f"{part.label or self.name}: {found.outcome}{evidence}; wanted: {self.wanted} ({self.statement.required})"
        yield f"    {_formula(part)}"
        if found.contradictory:
            yield "    the routes contradict each other: one of the engines is wrong. Please report this."
        if found.outcome == "refuted":
            yield from _witness(part, found)
        else:
            yield from (f"    {finding.route or 'exact'}: {finding.outcome}; {finding.reason}"[:400] for finding in found.findings)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        return str(excinfo.value) if isinstance(excinfo.value, NotAsClaimed) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, self._line(), self.name

    def _line(self) -> int | None:
        """Where the claim is written, for the editor to jump to."""
        if self.path.suffix != ".toml":
            return None
        quoted = re.compile(rf"""^\s*id\s*=\s*["']{re.escape(self.statement.id)}["']""", re.MULTILINE)
        text = self.path.read_text(encoding="utf-8", errors="replace")
        found = quoted.search(text)
        return text.count("\n", 0, found.end()) if found else None


class NotAsClaimed(Exception):
    """A claim that did not come out as it has to; the text says how it did."""


def _formula(part: Part) -> str:
    from theory.statements import AtMost, Equal, Evolves

    match part.assertion:
        case Evolves(quantity, rate, indices):
            told = f"d/dt [{quantity}] = {rate}"
        case Equal(left, right, indices):
            told = f"{left} = {right}"
        case AtMost(left, right, indices, strict):
            told = f"{left} {'<' if strict else '<='} {right}"
        case other:
            return str(other)[:400]
    return told + (f"   for all {', '.join(str(name) for name, _ in indices)}" if indices else "")


def _witness(part: Part, found: Verdict) -> Iterator[str]:
    """The smallest counterexample that can be found in a short time, and otherwise the one that refuted."""
    from .falsify import falsify

    shrunk = falsify(part, budget=SHRINKING).finding
    finding = shrunk if shrunk.certificate is not None else found.decisive
    if finding is None or finding.certificate is None:
        return
    yield f"    {finding.reason}"
    if finding.certificate["kind"] == "counterexample":
        yield from (f"      {name} = {_nested(value)}" for name, value in {**finding.certificate["sizes"], **finding.certificate["values"]}.items())


def _nested(value: Any) -> str:
    return f"({', '.join(map(_nested, value))})" if isinstance(value, list) else str(value)
