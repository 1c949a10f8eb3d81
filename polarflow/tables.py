"""What a terminal shows: tables of claims, derivations line by line, reasons and witnesses."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from discovery.discover import Discovery, Law
from proofs_check.instances import label
from proofs_check.verdicts import GRADES, Finding, Outcome
from theory.derivations import Derivation
from theory.statements import Statement

from .discovering import Case, heading, scope, step_change, verdict, where
from .printing import condition, essential, formula, text
from .targets import Target
from .verifying import PartResult, Row

LONG = 200  # characters of a condition
LONG_FORMULA = 80  # characters of a formula in the place of a title
STYLE: dict[Outcome, str] = {"proved": "bold green", "refuted": "bold red", "supported": "yellow", "unknown": "magenta"}


def claims(target: Target, rows: list[Row]) -> Table:
    """One line for each claim: what was found, on which evidence, by which routes."""
    table = _table(target.title)
    table.add_column("claim", no_wrap=True)
    table.add_column("statement", min_width=18, ratio=1)
    table.add_column("verdict", no_wrap=True)
    table.add_column("evidence", no_wrap=True)
    table.add_column("for all", justify="right", no_wrap=True)
    table.add_column("at size", justify="right", no_wrap=True)
    table.add_column("mutants", justify="right", no_wrap=True)
    table.add_column("s", justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            Text(row.id),
            Text((_titled(row.statement) if row.statement else row.title) + _expected(row)),
            Text(row.outcome + ("" if row.passed else " !"), style=STYLE[row.outcome]),
            _evidence(row),
            _routes(row, general=True),
            _routes(row, general=False),
            f"{sum(m.passed for m in row.mutants)}/{len(row.mutants)}" if row.mutants else "",
            f"{row.seconds:.2f}",
        )
    return table


def _table(title: str) -> Table:
    return Table(
        title=title, title_justify="left", title_style="bold", header_style="bold", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0)
    )


def _titled(statement: Statement) -> str:
    """The title; of a claim that has none, its formula, cut where it is long."""
    if statement.title != statement.id:
        return statement.title
    told = formula(statement.parts[0].assertion)
    return told if len(told) <= LONG_FORMULA else told[: LONG_FORMULA - 3] + "..."


def _expected(row: Row) -> str:
    return " (expected)" if row.expect == "refuted" and row.passed else ""


def _evidence(row: Row) -> str:
    if row.drifts:
        return f"{row.drifts[0].finding.digits} digits"
    return row.grade or ""


def _routes(row: Row, *, general: bool) -> str:
    """Accepted proofs by route, of those tried; a route that is another's only fallback is not counted against it."""
    tried = (f for r in row.parts for f in r.verdict.findings if not f.route.startswith("points") and f.grade != "rocq" and f.route != "rocq")
    wanted = [f for f in tried if (f.route in ("all sizes", "exact")) == general]
    proofs = [f for f in wanted if f.outcome == "proved"]
    return f"{len(proofs)}/{len(wanted)}" if wanted else ""


def summary(rows: list[Row]) -> str:
    """The last line: how many claims, mutants and experiments came out as they should."""
    statements = [row for row in rows if row.statement is not None]
    derivations = [row for row in rows if row.statement is None and not row.drifts]
    experiments = [row for row in rows if row.drifts]
    mutants = [m for row in statements for m in row.mutants]
    told = [f"{sum(r.passed for r in statements)} of {len(statements)} claims as required"]
    if mutants:
        told.append(f"{sum(m.passed for m in mutants)} of {len(mutants)} mutants refuted")
    if derivations:
        told.append(f"{sum(len(r.parts) for r in derivations)} derivation steps, {sum(not r.passed for r in derivations)} derivations in doubt")
    if experiments:
        told.append(f"{sum(r.passed for r in experiments)} of {len(experiments)} experiments agree")
    return "; ".join(told) + "."


def details(rows: list[Row], *, everything: bool = False) -> list[RenderableType]:
    """Below the table: every refuted claim with its witness, everything that fell short with the reason, the conditions under which proofs hold."""
    told: list[RenderableType] = []
    for row in rows:
        shown = [r for r in (*row.parts, *row.mutants) if everything or not r.passed or (r.verdict.outcome == "refuted" and r in row.parts)]
        told += [_detail(row, result) for result in shown]
        strays = [d for d in row.drifts if d.finding.outcome != ("supported" if d.conserved else "refuted")]
        told += [Text(f"{row.id}  {d.label}: {d.finding.reason}", style="yellow") for d in strays]
        narrow = [
            r for r in row.parts if r.verdict.outcome == "proved" and r.part.setting.sizes and r.verdict.scope not in ("all sizes", "limit", "")
        ]
        told += [Text(f"{row.id}  {r.part.label or 'the claim'}: proved at {r.verdict.scope}, and not for all sizes", style="dim") for r in narrow]
        told += [Text(f"{row.id}  {line}", style="dim") for result in row.parts for line in _less(row, result)]
        conditions = _conditions(row)
        if conditions and row.statement is not None:
            told.append(Text(f"{row.id}  proved where {', '.join(conditions[:6])}{', ...' if len(conditions) > 6 else ''}", style="dim"))
    return told


def _less(row: Row, result: PartResult) -> list[str]:
    """Why a part is proved with less evidence than was asked for."""
    verdict = result.verdict
    if verdict.outcome != "proved" or verdict.grade is None or GRADES.index(verdict.grade) >= GRADES.index(row.required):
        return []
    name = result.part.label or "the claim"
    told = [f"{name}: {f.reason}" for f in verdict.findings if f.route == "rocq"]
    for accepted in (f for f in verdict.findings if f.grade == "rocq"):
        where = f", where {_short('; '.join(accepted.conditions))}" if accepted.conditions else ""
        told.append(f"{name}: Rocq accepts less than is proved: {accepted.route}{where}")
    return told


def _conditions(row: Row) -> list[str]:
    """What the proofs of a row need of the domain beyond the declared signs; what is positive is not also said to be nonzero."""
    decisive = [r.verdict.decisive for r in row.parts if r.verdict.outcome == "proved"]
    found = {condition for finding in decisive if finding for condition in finding.conditions}
    return sorted(map(_short, map(condition, found - {c.removesuffix("> 0") + "!= 0" for c in found if c.endswith("> 0")})))


def _short(told: str) -> str:
    """A long condition by its beginning and its end; the whole of it stands in the JSON."""
    return told if len(told) <= LONG else f"{told[: LONG - 20].rstrip()} ... {told[-10:].lstrip()}"


def _detail(row: Row, result: PartResult) -> RenderableType:
    decisive = result.verdict.decisive
    name = f"{row.id}  {result.part.label}" if result.part.label else row.id
    heading = Text.assemble((name, "bold"), "  ", (result.verdict.outcome, STYLE[result.verdict.outcome]))
    lines = [heading, Text(f"    {formula(result.part.assertion)}")]
    if result.verdict.contradictory:
        lines.append(Text("    the routes contradict each other: one of the engines is wrong. Please report this.", style="bold red"))
    if decisive is not None and decisive.outcome == "refuted":
        lines.append(Text(f"    {decisive.reason}"))
        lines += [Text(f"      {line}") for line in witness(decisive)]
    elif result.verdict.outcome != "proved":
        lines += [Text(f"    {f.route}: {f.outcome}; {f.reason}"[:400], style="dim") for f in result.verdict.findings]
    return Group(*lines)


def witness(finding: Finding) -> list[str]:
    """The rational point of a counterexample, a line for each symbol."""
    if finding.certificate is None or finding.certificate["kind"] != "counterexample":
        return []
    return [f"{name} = {_nested(value)}" for name, value in (finding.certificate["sizes"] | finding.certificate["values"]).items()]


def _nested(value: Any) -> str:
    return f"({', '.join(map(_nested, value))})" if isinstance(value, list) else str(value)


def derivation(derived: Derivation) -> Table:
    """The steps, each with its reason."""
    table = Table(title=derived.title, title_justify="left", show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("left", justify="right")
    table.add_column("right", ratio=1, overflow="fold")
    table.add_column("reason", style="dim", ratio=1)
    for step in derived.steps:
        table.add_row(Text(text(step.left)), Text(f"= {text(step.right)}"), Text(step.reason))
    return table


def statements(target: Target) -> Table:
    """The claims of a target, unverified."""
    table = _table(target.title)
    table.add_column("claim", no_wrap=True)
    table.add_column("statement", ratio=1)
    table.add_column("parts", justify="right")
    table.add_column("mutants", justify="right")
    for statement in target.statements:
        table.add_row(Text(statement.id), Text(_titled(statement)), str(len(statement.parts)), str(len(statement.mutants)))
    return table


def card(statement: Statement) -> list[RenderableType]:
    """One claim in full: its formulas, domain, preconditions, source, and the variants that must be refuted."""
    told: list[RenderableType] = [Text(statement.id if statement.title == statement.id else f"{statement.id}  {statement.title}", style="bold")]
    if statement.domain:
        told.append(Text(f"domain: {statement.domain}"))
    if statement.given:
        told.append(Text(f"given: {'; '.join(statement.given)}"))
    told += [Text(f"  {part.label + ': ' if part.label else ''}{formula(part.assertion)}") for part in statement.parts]
    if statement.mutants:
        told.append(Text("must be refuted:"))
        told += [Text(f"  {m.label}: {formula(m.assertion)}", style="dim") for m in statement.mutants]
    if statement.citation:
        told.append(Text(f"source: {statement.citation} ({statement.provenance})", style="dim"))
    return told


def discovery(case: Case, found: Discovery, *, steps: bool = False) -> Group:
    """The laws of a flow, one in each row, and whether there are more."""
    table = _table(heading(case))
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("conserved", ratio=1, min_width=24)
    table.add_column("kind", no_wrap=True)
    table.add_column("laws", justify="right", no_wrap=True)
    table.add_column("proved for", no_wrap=True)
    for number, law in enumerate(found.laws, 1):
        table.add_row(str(number), _law_lines(law, steps), law.kind, str(law.adds), scope(law))
    for number, quadrature in enumerate(found.quadratures, len(found.laws) + 1):
        table.add_row(str(number), Text(quadrature.text), "integral", "1", label(case.setting, case.instance) or "exact")
    style = "bold green" if found.complete else "bold yellow" if found.complete is None else "bold red"
    told = [Text(verdict(found), style=style)]
    if found.count is not None and found.count.outcome == "proved":
        told.append(Text(found.count.reason, style="dim"))
    if not found.complete:
        told.append(Text("searched: " + "; ".join(found.searched), style="dim"))
    return Group(*([table] if found.laws or found.quadratures else [Text(heading(case), style="bold")]), *told)


def _law_lines(law: Law, steps: bool) -> Text:
    told = Text(text(law.quantity.value))
    names = [str(index) for index, _ in law.quantity.indices]
    if names:
        told.append(f"   for all {', '.join(names)}", style="dim")
    for line in where(law):
        told.append(f"\nwhere {line}", style="dim")
    for line in essential(law.finding.conditions):
        told.append(f"\nwhere {condition(line)}", style="dim")
    changed = step_change(law) if steps else None
    if changed is not None:
        told.append(f"\none step adds {text(changed.change)}", style="dim")
    return told
