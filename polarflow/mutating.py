"""Going through the mutants of true claims: what became of each, and the table by kind."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from proofs_check.ledger import versions
from proofs_check.mutation import Fate, Judged, judged
from theory.mutation import KINDS, SLIPS, Mutant, mutants

from .printing import formula, text
from .tables import STYLE
from .targets import Target

SCHEMA = "polarflow.mutants/1"
FATES: tuple[Fate, ...] = ("refuted", "true", "empty", "unknown", "contradiction")
SHOWN = 3  # examples of each reason why nothing is known


@dataclass(frozen=True)
class Slip:
    """A mutant of a part of a claim."""

    target: str
    id: str
    label: str
    mutant: Mutant

    @property
    def change(self) -> str:
        """What was written for what."""
        if not self.mutant.after:
            return f"without {_told(self.mutant.before)}{' = 0' if isinstance(self.mutant.before, sp.Basic) else ''}"
        return f"{_told(self.mutant.after)} for {_told(self.mutant.before)}"


@dataclass(frozen=True)
class Outcome:
    """What became of a slip: `told` is what the JSON says of it."""

    slip: Slip
    fate: Fate
    reason: str
    points: int
    seconds: float
    told: dict[str, Any]


def slips(target: Target, *, kinds: Sequence[str] = (), most: int | None = None) -> Iterator[Slip]:
    """The mutants of all claims that should be proved; of the slips in the formulas of a part at most so many, evenly taken from all."""
    for statement in target.statements:
        for part in statement.parts if statement.expect == "proved" else ():
            found = [mutant for mutant in mutants(part) if not kinds or mutant.kind in kinds]
            written = [mutant for mutant in found if mutant.kind in SLIPS]
            if most is not None and len(written) > most:
                written = [written[n * len(written) // most] for n in range(most)]
            rest = [mutant for mutant in found if mutant.kind not in SLIPS]
            yield from (Slip(target.name, statement.id, part.label, mutant) for mutant in (*written, *rest))


def judge(slip: Slip, *, seed: int = 0, certificates: bool = False) -> Outcome:
    """What becomes of one slip; certificates are kept if they are asked for, since there may be thousands."""
    start = time.perf_counter()
    found = judged(slip.mutant, seed=seed)
    seconds = time.perf_counter() - start
    return Outcome(slip, found.fate, found.reason, found.points, seconds, _record(slip, found, seconds, certificates))


def table(outcomes: Sequence[Outcome]) -> Table:
    """By kind of slip: how many were made, and what became of them."""
    told = Table(title="Mutants of true claims", title_justify="left", title_style="bold", header_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    told.add_column("slip", no_wrap=True)
    for name in ("made", *_fates(outcomes), "s"):
        told.add_column(name, justify="right", no_wrap=True)
    for row in rows(outcomes):
        told.add_row(*row, style="bold" if row[0] == "all" else "")
    return told


def rows(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, ...]]:
    """The lines of the table, the last one for all kinds."""
    counts = Counter((outcome.slip.mutant.kind, outcome.fate) for outcome in outcomes)
    for kind in (*KINDS, "all"):
        mine = [outcome for outcome in outcomes if kind in ("all", outcome.slip.mutant.kind)]
        if mine:
            fates = [sum(counts[one, fate] for one in KINDS if kind in ("all", one)) for fate in _fates(outcomes)]
            yield kind, str(len(mine)), *(str(n) if n else "" for n in fates), f"{sum(outcome.seconds for outcome in mine):.0f}"


def _fates(outcomes: Sequence[Outcome]) -> tuple[Fate, ...]:
    """The fates there are; contradictions have a column only if there is one."""
    return FATES if any(outcome.fate == "contradiction" for outcome in outcomes) else FATES[:-1]


def details(outcomes: Sequence[Outcome], *, everything: bool = False) -> Iterator[RenderableType]:
    """What is wrong, and what is not known, with the reasons; with everything, also what is true all the same."""
    for outcome in outcomes:
        if outcome.fate == "contradiction":
            heading = Text(f"{_where(outcome.slip)}: proved and refuted. One of the engines is wrong; please report this.", style="bold red")
            yield Group(heading, Text(f"    {formula(outcome.slip.mutant.part.assertion)}"))
    unknown: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.fate in ("unknown", "empty"):
            unknown.setdefault(_reason(outcome), []).append(outcome)
    for reason, mine in sorted(unknown.items(), key=lambda item: -len(item[1])):
        lines = [Text(f"{len(mine)} undecided: {reason}", style=STYLE["unknown"])]
        lines += [Text(f"    {_where(outcome.slip)}: {outcome.slip.change}") for outcome in (mine if everything else mine[:SHOWN])]
        yield Group(*lines, *([Text(f"    and {len(mine) - SHOWN} more")] if len(mine) > SHOWN and not everything else []))
    if everything:
        for outcome in outcomes:
            if outcome.fate == "true":
                yield Text(f"true: {_where(outcome.slip)}: {outcome.slip.change}")


def _reason(outcome: Outcome) -> str:
    """The reason without what is special to one mutant."""
    if outcome.fate == "empty":
        return "it is defined at no point that was tried"
    return outcome.reason.split(": ")[0].split(", by index calculus")[0] if outcome.reason else "no reason was given"


def _where(slip: Slip) -> str:
    return f"{slip.target}/{slip.id} {slip.label}".strip()


def summary(outcomes: Sequence[Outcome]) -> str:
    """The last line."""
    counts = Counter(outcome.fate for outcome in outcomes)
    undecided = counts["unknown"] + counts["empty"]
    tested = sum(outcome.points for outcome in outcomes if outcome.fate == "true")
    parts = len({(outcome.slip.target, outcome.slip.id, outcome.slip.label) for outcome in outcomes})
    told = f"{len(outcomes)} mutants of {parts} parts: {counts['refuted']} refuted with a witness, {counts['true']} true all the same"
    told += f" (tested at {tested} points)" if tested else ""
    told += f", {undecided} undecided" if undecided else ""
    return told + (f"; {counts['contradiction']} CONTRADICTIONS." if counts["contradiction"] else "; no contradiction.")


def as_json(targets: Sequence[str], outcomes: Sequence[Outcome], seed: int) -> dict[str, Any]:
    """What was found, in the schema `polarflow.mutants/1`; certificates are for `polarflow check`."""
    counts = Counter(outcome.fate for outcome in outcomes)
    return {
        "schema": SCHEMA,
        "targets": list(targets),
        "versions": dict(versions()),
        "seed": seed,
        "counts": {fate: counts[fate] for fate in FATES},
        "mutants": [outcome.told for outcome in outcomes],
    }


def _record(slip: Slip, found: Judged, seconds: float, certificates: bool) -> dict[str, Any]:
    decisive = found.decisive
    certificate = decisive.certificate if decisive else None
    values = certificate.get("values") if certificate and found.fate == "refuted" else None
    return {
        "claim": f"{slip.target}/{slip.id}",
        "label": slip.label,
        "slip": slip.mutant.kind,
        "change": slip.change,
        "formula": formula(slip.mutant.part.assertion),
        "verdict": found.fate,
        "scope": decisive.route.removeprefix("points, ") if decisive else "",
        "reason": decisive.reason if decisive else found.reason,
        "witness": {"sizes": certificate.get("sizes"), "values": values} if certificate and values is not None else None,
        "certificate": certificate if certificates else None,
        "points": found.points,
        "seconds": round(seconds, 3),
    }


def _told(written: sp.Basic | str) -> str:
    return written if isinstance(written, str) else text(written)
