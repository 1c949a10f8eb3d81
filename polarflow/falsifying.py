"""Going through a target in search of counterexamples: one claim or variant after another, and what is told of each."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from proofs_check.falsify import SAMPLES, Falsification, falsify
from proofs_check.ledger import default_path, versions
from proofs_check.strategies.points import LARGEST_SIZE
from theory.statements import Part

from .printing import formula, kind
from .tables import STYLE, witness
from .targets import Target

SCHEMA = "polarflow.falsify/1"


@dataclass(frozen=True)
class Options:
    """How hard to look."""

    seed: int = 0
    samples: int = SAMPLES
    largest: int = LARGEST_SIZE
    budget: float | None = None


@dataclass(frozen=True)
class Sought:
    """A claim, or a variant that is to be refuted, with what the search found; nothing if there was no time left for it."""

    id: str
    part: Part
    false: bool  # whether a counterexample is wanted
    found: Falsification | None

    @property
    def against(self) -> bool:
        """Whether a claim has a counterexample, or a variant was searched and has none."""
        if self.found is None or (self.false and self.found.spent):
            return False
        return self.found.tried > 0 and (self.found.certificate is None) == self.false

    @property
    def unfinished(self) -> bool:
        return self.found is None or (self.found.spent and self.found.certificate is None)


def wanted(target: Target, *, mutants: bool = False) -> list[tuple[str, Part, bool]]:
    """The parts of the claims of a target, or their mutants: the claim, the part, and whether a counterexample is wanted."""
    if mutants:
        return [(statement.id, part, True) for statement in target.statements for part in statement.mutants]
    return [(statement.id, part, statement.expect == "refuted") for statement in target.statements for part in statement.parts]


def seek(target: Target, options: Options, *, mutants: bool = False, report: Callable[[str, int], None] = lambda *_: None) -> Iterator[Sought]:
    """One search after another. Of the budget that is left, each has its equal share; where none is left, nothing is searched."""
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(default_path().parent / "hypothesis"))  # where it keeps what it read of local modules
    deadline = None if options.budget is None else time.monotonic() + options.budget
    todo = wanted(target, mutants=mutants)
    for n, (name, part, false) in enumerate(todo):
        share = None if deadline is None else (deadline - time.monotonic()) / (len(todo) - n)
        if share is not None and share <= 0:
            yield Sought(name, part, false, None)
            continue
        label = f"{name} {part.label}".strip()
        found = falsify(
            part,
            samples=options.samples,
            seed=options.seed,
            largest=options.largest,
            budget=share,
            report=lambda tried, label=label: report(label, tried),  # type: ignore[misc]
        )
        yield Sought(name, part, false, found)


def table(target: Target, rows: list[Sought]) -> Table:
    """One line for each search: what came of it, at how many points."""
    told = Table(
        title=target.title, title_justify="left", title_style="bold", header_style="bold", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0)
    )
    told.add_column("claim", no_wrap=True)
    told.add_column("statement", min_width=18, ratio=1)
    told.add_column("found", no_wrap=True)
    told.add_column("points", justify="right", no_wrap=True)
    told.add_column("vacuous", justify="right", no_wrap=True)
    told.add_column("s", justify="right", no_wrap=True)
    for row in rows:
        found = row.found
        told.add_row(
            Text(row.id),
            Text(row.part.label or formula(row.part.assertion)),
            _outcome(row),
            str(found.tried) if found and found.tried else "",
            str(found.empty) if found and found.tried else "",
            f"{found.seconds:.2f}" if found else "",
        )
    return told


def _outcome(row: Sought) -> Text:
    if row.found is None or not row.found.tried:
        return Text("not searched" if row.found else "no time left", style=STYLE["unknown"])
    said = {"refuted": "counterexample", "supported": "nothing", "unknown": "unknown"}[row.found.outcome]
    told = said + (" (expected)" if row.false and row.found.certificate is not None else " !" if row.against else "")
    return Text(told, style="bold red" if row.against else "" if row.found.outcome != "unknown" else STYLE["unknown"])


def details(rows: list[Sought]) -> Iterator[RenderableType]:
    """Every counterexample in exact rationals with what the kernel says of it; what could not be tried, and why."""
    unsearched: dict[str, list[str]] = {}
    for row in rows:
        if row.found is None:
            continue
        if not row.found.tried:
            unsearched.setdefault(row.found.text, []).append(row.id)
        elif row.found.outcome != "supported":
            heading = Text.assemble((f"{row.id}  {row.part.label}".strip(), "bold"), "  ", _outcome(row))
            lines = [heading, Text(f"    {formula(row.part.assertion)}"), Text(f"    {row.found.text}")]
            lines += [Text(f"      {line}") for line in witness(row.found.finding)]
            if row.found.certificate and row.found.spent:
                lines.append(Text("    the budget ran out before it was as small as it gets", style="dim"))
            yield Group(*lines)
    for reason, names in unsearched.items():
        yield Text(f"{reason}: {', '.join(dict.fromkeys(names))}", style="dim")


def summary(rows: list[Sought]) -> str:
    """The last line. That nothing was found is no proof, and it says so."""
    searched = [row for row in rows if row.found is not None and row.found.tried]
    refuted = sum(row.found.certificate is not None for row in searched if row.found)
    points = sum(row.found.tried - row.found.empty for row in searched if row.found)
    told = f"{refuted} of {len(searched)} refuted; {points} points that are not vacuous"
    left = len(rows) - len(searched)
    told += f"; {left} not searched" if left else ""
    return told + ("." if refuted == len(rows) else ". Where nothing was found, nothing is proved: use polarflow verify.")


def as_json(target: Target, rows: list[Sought], options: Options) -> dict[str, Any]:
    """What was found, in the schema `polarflow.falsify/1`; certificates are for `polarflow check`."""
    return {
        "schema": SCHEMA,
        "target": target.name,
        "title": target.title,
        "versions": dict(versions()),
        "seed": options.seed,
        "samples": options.samples,
        "largest": options.largest,
        "budget": options.budget,
        "claims": [_told(row) for row in rows],
    }


def _told(row: Sought) -> dict[str, Any]:
    found = row.found
    certificate = found.certificate if found else None
    return {
        "id": row.id,
        "label": row.part.label,
        "kind": kind(row.part.assertion),
        "formula": formula(row.part.assertion),
        "wanted": "refuted" if row.false else "not refuted",
        "verdict": found.outcome if found else "unknown",
        "reason": found.text if found else "the budget ran out before it was searched",
        "points": {"tried": found.tried, "non_vacuous": found.tried - found.empty, "vacuous": found.empty, "why": found.why_empty} if found else None,
        "spent": found.spent if found else True,
        "seconds": round(found.seconds, 3) if found else 0.0,
        "gap": found.gap if found else None,
        "witness": {"sizes": certificate["sizes"], "values": certificate["values"]} if certificate else None,
        "certificate": certificate,
    }
