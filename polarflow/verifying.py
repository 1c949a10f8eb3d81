"""Going through a target: every part of every statement, its mutants, the derivations and the experiments, one result at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from proofs_check.drift import Drift, measure
from proofs_check.exact import verdict
from proofs_check.ledger import Ledger, digest, versions
from proofs_check.rocq import finding, installed
from proofs_check.verdicts import GRADES, Finding, Grade, Outcome, Verdict
from theory.statements import AtLimit, AtMost, Complete, Experiment, Observed, Order, Part, Statement, gradient_tree, statement_tree
from theory.trees import Unstatable

from .formula import formula_latex
from .printing import formula, kind
from .targets import Target

SCHEMA = "polarflow.ledger/1"


@dataclass(frozen=True)
class Options:
    """How hard to look, and what to reuse."""

    seed: int = 0
    samples: int = 6
    digits: int = 60
    fresh: bool = False
    budget: float | None = None
    evidence: Grade = "sampled"  # the least that what is to be proved must reach, beyond what each claim requires of itself


@dataclass(frozen=True)
class PartResult:
    """One part with its verdict; `wanted` is what it must come out as."""

    part: Part
    wanted: Outcome
    verdict: Verdict

    @property
    def passed(self) -> bool:
        return self.verdict.outcome == self.wanted


@dataclass
class Row:
    """A statement (or a derivation, or an experiment) with what was found so far."""

    id: str
    title: str
    statement: Statement | None = None
    parts: list[PartResult] = field(default_factory=list)
    mutants: list[PartResult] = field(default_factory=list)
    drifts: tuple[Drift, ...] = ()
    expect: Outcome = "proved"
    least: Grade = "sampled"
    complete: bool = False

    @property
    def outcome(self) -> Outcome:
        """Proved when every part is, refuted when one is, and otherwise what is least certain."""
        if self.drifts:
            agrees = all(d.finding.outcome == ("supported" if d.conserved else "refuted") for d in self.drifts)
            return "supported" if agrees else "refuted" if any(d.conserved and d.finding.outcome == "refuted" for d in self.drifts) else "unknown"
        outcomes = {result.verdict.outcome for result in self.parts}
        if "refuted" in outcomes:
            return "refuted"
        order: tuple[Outcome, ...] = ("unknown", "supported", "proved")
        for outcome in order:
            if outcome in outcomes:
                return outcome
        return "unknown"

    @property
    def grade(self) -> Grade | None:
        if self.drifts:
            return "sampled"
        grades = [r.verdict.grade for r in self.parts if r.verdict.outcome == self.outcome]
        return min((g for g in grades if g), key=GRADES.index, default=None)

    @property
    def passed(self) -> bool:
        if self.drifts:
            return self.outcome == "supported"
        enough = self.grade is not None and GRADES.index(self.grade) >= GRADES.index(self.required)
        return self.complete and self.outcome == self.expect and enough and all(m.passed for m in self.mutants)

    @property
    def required(self) -> Grade:
        """The least evidence: the claim's own, or more where more was asked for and the claim is to be proved."""
        own: Grade = self.statement.required if self.statement else "exact"
        return max(own, self.least, key=GRADES.index) if self.statement and self.expect == "proved" else own

    @property
    def findings(self) -> list[Finding]:
        return [d.finding for d in self.drifts] or [f for r in (*self.parts, *self.mutants) for f in r.verdict.findings]

    @property
    def seconds(self) -> float:
        return sum(f.seconds for f in self.findings)


@dataclass(frozen=True)
class Step:
    """What has just been done, for the progress bar, and whether its row is complete."""

    row: Row
    label: str
    done: bool

    @property
    def outcome(self) -> Outcome:
        """Of what has just been done; the whole row may still be open."""
        return self.row.outcome if self.row.drifts else (*self.row.parts, *self.row.mutants)[-1].verdict.outcome


class BudgetSpent(Exception):
    """The time given ran out before the target was gone through."""


def size_of(target: Target) -> int:
    """The number of steps `go_through` will take."""
    parts = sum(len(s.parts) + len(s.mutants) for s in target.statements)
    return parts + sum(len(d.parts) for d in target.derivations) + len(target.experiments)


def go_through(target: Target, ledger: Ledger, options: Options) -> Iterator[Step]:
    """Every result as it is found; each verdict is in the ledger before it is yielded.

    Raises `BudgetSpent` between two steps.
    """
    deadline = None if options.budget is None else time.monotonic() + options.budget
    prover = installed() if options.evidence == "rocq" else ""  # another version is asked again

    def one(name: str, part: Part, wanted: Outcome, *, step: bool = False) -> PartResult:
        if deadline is not None and time.monotonic() > deadline:
            raise BudgetSpent(f"the budget of {options.budget:g} s is spent")
        asked = options.evidence == "rocq" and wanted == "proved" and not step
        key = digest([question(part, options), step, *(["rocq", prover] if asked else [])])
        known = None if options.fresh else ledger.find(key)
        if known is not None:
            return PartResult(part, wanted, known)
        found = verdict(part, seed=options.seed, samples=options.samples, second_route=not step)
        if asked and found.outcome == "proved":
            found = Verdict((*found.findings, finding(part)))
        ledger.file(key, f"{target.name}/{name}", part.label, found)
        return PartResult(part, wanted, found)

    for derivation in target.derivations:
        row = Row("-", f"derivation: {derivation.title}")
        parts = derivation.parts
        for n, part in enumerate(parts):
            row.parts.append(one(derivation.title, part, "proved", step=True))
            row.complete = n == len(parts) - 1
            yield Step(row, part.label, row.complete)
    for statement in target.statements:
        row = Row(statement.id, statement.title, statement, expect=statement.expect, least=options.evidence)
        last = len(statement.parts) + len(statement.mutants) - 1
        for n, part in enumerate((*statement.parts, *statement.mutants)):
            mutant = n >= len(statement.parts)
            result = one(statement.id, part, "refuted" if mutant else statement.expect)
            (row.mutants if mutant else row.parts).append(result)
            row.complete = n == last
            yield Step(row, part.label, row.complete)
    for experiment in target.experiments:
        if deadline is not None and time.monotonic() > deadline:
            raise BudgetSpent(f"the budget of {options.budget:g} s is spent")
        yield Step(_observed(experiment, options), experiment.id, True)


def _observed(experiment: Experiment, options: Options) -> Row:
    stay, move = len(experiment.conserved), len(experiment.moving)
    title = f"experiment at {options.digits} digits: {stay} conserved, {move} seen to move"
    return Row(experiment.id, title, drifts=measure(experiment, digits=options.digits), complete=True)


def question(part: Part, options: Options) -> Any:
    """All that a verdict on the part depends on, as JSON: the ledger files it under the digest of this."""
    try:
        asked: Any = [statement_tree(part), gradient_tree(part.setting)]
    except (Unstatable, NotImplementedError):
        asked = [str(part.assertion), str(part.setting)]  # two that cannot be stated are still two questions
    match part.assertion:
        case Complete(_, laws):
            more: Any = [str(law) for law in laws]
        case AtMost(because=because):
            more = str(because)
        case AtLimit() | Observed() | Order():
            more = str(part.assertion)
        case _:
            more = []
    return [asked, more, [[dict(i.sizes), {k: str(v) for k, v in i.values.items()}] for i in part.setting.instances], options.seed, options.samples]


def as_json(target: Target, rows: list[Row], *, certificates: bool = True) -> dict[str, Any]:
    """What was found, in the schema `polarflow.ledger/1`."""
    return {
        "schema": SCHEMA,
        "target": target.name,
        "title": target.title,
        "versions": dict(versions()),
        "claims": [_claim(row, certificates) for row in rows if row.statement is not None],
        "derivations": [
            {"title": row.title, "verdict": row.outcome, "passed": row.passed, "steps": [_part(r, certificates) for r in row.parts]}
            for row in rows
            if row.statement is None and not row.drifts
        ],
        "experiments": [
            {
                "id": row.id,
                "verdict": row.outcome,
                "passed": row.passed,
                "digits": row.drifts[0].finding.digits,
                "seconds": row.seconds,
                "quantities": [
                    {"label": d.label, "claimed": "conserved" if d.conserved else "moving", "verdict": d.finding.outcome, "drift": str(d.value)}
                    for d in row.drifts
                ],
            }
            for row in rows
            if row.drifts
        ],
    }


def _claim(row: Row, certificates: bool) -> dict[str, Any]:
    statement = row.statement
    assert statement is not None
    decisive = [r.verdict.decisive for r in row.parts]
    sampled = [f for f in row.findings if f.samples]
    return {
        "id": row.id,
        "kind": kind(statement.parts[0].assertion),
        "title": row.title,
        "verdict": row.outcome,
        "expect": row.expect,
        "passed": row.passed,
        "evidence": row.grade,
        "digits": max((f.digits for f in sampled if f.digits), default=None),
        "samples": sum(f.samples or 0 for f in sampled) or None,
        "seconds": round(row.seconds, 3),
        "domain": statement.domain,
        "given": list(statement.given),
        "citation": statement.citation,
        "provenance": statement.provenance,
        "witness": next((_witness(f) for f in decisive if f and f.outcome == "refuted"), None),
        "certificate": list(filter(None, map(_certificate, row.parts))) if certificates else None,
        "parts": [_part(r, False) for r in row.parts],
        "mutants": [{**_part(r, False), "witness": _witness(r.verdict.decisive)} for r in row.mutants],
    }


def _certificate(result: PartResult) -> Any:
    """What the kernel accepted: of the decisive finding, or, where Rocq has the last word, of the one before it."""
    verdict = result.verdict
    kernel = Verdict(tuple(finding for finding in verdict.findings if finding.grade != "rocq"))
    return kernel.decisive.certificate if kernel.decisive and kernel.outcome == verdict.outcome else None


def _part(result: PartResult, certificates: bool) -> dict[str, Any]:
    assertion = result.part.assertion
    told: dict[str, Any] = {
        "label": result.part.label,
        "kind": kind(assertion),
        "formula": formula(assertion),
        "latex": formula_latex(assertion),
        "verdict": result.verdict.outcome,
        "evidence": result.verdict.grade,
        "scope": result.verdict.scope,
        "conditions": list(dict.fromkeys(c for f in result.verdict.findings for c in f.conditions)),
        "routes": [
            {"route": f.route, "verdict": f.outcome, "evidence": f.grade, "reason": f.reason, "samples": f.samples, "seconds": round(f.seconds, 4)}
            for f in result.verdict.findings
        ],
    }
    if certificates:
        told["certificate"] = [f.certificate for f in result.verdict.findings if f.certificate]
    return told


def _witness(finding: Finding | None) -> dict[str, Any] | None:
    """The counterexample in exact rationals; for a count, what the kernel counted."""
    if finding is None or finding.outcome != "refuted" or finding.certificate is None:
        return None
    if finding.certificate["kind"] == "count":
        return {"count": finding.certificate["statement"]["claim"]["count"], "established": finding.reason}
    return {"sizes": finding.certificate["sizes"], "values": finding.certificate["values"], "established": finding.reason}
