"""Conservation laws of a target: the settings whose laws are asked for, and what is told of those found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import sympy as sp

from discovery.discover import Discovery, Law
from discovery.family import every_loss, in_time
from proofs_check.exact import all_sizes
from proofs_check.instances import instances_of, label, sizes_of
from proofs_check.verdicts import Finding
from theory.descent import NoExactStep, one_step
from theory.settings import Instance, Setting
from theory.statements import Complete

from .formula import expression_latex as latex
from .printing import text
from .targets import Target

SCHEMA = "polarflow.discovery/1"
Losses = Literal["every", "given"]


class NoCase(ValueError):
    """A target without a flow, or sizes that do not fit it; the text says what to do."""


@dataclass(frozen=True)
class Case:
    """A setting at explicit sizes, whose laws are asked for."""

    title: str
    setting: Setting
    instance: Instance


def cases(target: Target, losses: Losses, sizes: Mapping[str, int]) -> list[Case]:
    """The flows of a target: that of a file, model or paper, and for a claim of a paper those whose laws it counts, or its first.

    Raises `NoCase`.
    """
    settings = [(target.title, target.setting)]
    if target.claim:
        parts = [part for statement in target.statements for part in statement.parts if part.setting.flow is not None]
        counted = [part for part in parts if isinstance(part.assertion, Complete)]
        settings = [(part.label or target.title, part.setting) for part in counted or parts[:1]]
    if not settings or any(setting.flow is None for _, setting in settings):
        raise NoCase(f"{target.name} has no flow, and so no conservation laws; give a theory file with a [model] or a [flow], or a model")
    return [_case(title, setting, losses, sizes) for title, setting in settings]


def _case(title: str, setting: Setting, losses: Losses, sizes: Mapping[str, int]) -> Case:
    opened = every_loss(setting) if losses == "every" else setting
    opened = in_time(opened)
    unknown = set(sizes) - {size.name for size in opened.sizes}
    if unknown:
        known = ", ".join(size.name for size in opened.sizes) or "none: all its sizes are numbers"
        raise NoCase(f"--set was given {', '.join(sorted(unknown))}; the sizes of this flow are {known}")
    first = instances_of(opened)[0]
    names = {variable.name for variable in opened.variables}
    values = {name: value for name, value in first.values.items() if name in names and (not sizes or not isinstance(value, tuple))}
    return Case(title, opened, Instance({**first.sizes, **sizes}, values))


def told(case: Case, found: Discovery, *, steps: bool = False) -> dict[str, Any]:
    """The discovery as JSON: every law with its certificate."""
    return {
        "schema": SCHEMA,
        "title": case.title,
        "sizes": sizes_of(case.setting, case.instance),
        "laws": [_law(law, steps) for law in found.laws],
        "quadratures": [{"text": q.text, "latex": q.latex, "origin": q.origin} for q in found.quadratures],
        "found": found.found,
        "in_closed_form": found.found - found.integrals,
        "possible": found.possible,
        "complete": found.complete,
        "dimension": found.dimension,
        "count": found.count and {"outcome": found.count.outcome, "reason": found.count.reason, "certificate": found.count.certificate},
        "searched": list(found.searched),
        "interrupted": found.interrupted,
        "seconds": round(found.seconds, 3),
    }


def _law(law: Law, steps: bool) -> dict[str, Any]:
    changed = step_change(law) if steps else None
    return {
        "expression": text(law.quantity.value),
        "latex": latex(law.quantity.value),
        "indices": [str(index) for index, _ in law.quantity.indices],
        "where": where(law),
        "kind": law.kind,
        "for": scope(law),
        "conditions": list(law.finding.conditions),
        "independent": law.adds,
        "origin": law.origin,
        "certificate": law.finding.certificate,
        **({"step": {"change": text(changed.change), "latex": latex(changed.change), "certificate": changed.finding.certificate}} if changed else {}),
    }


def where(law: Law) -> list[str]:
    """What the law's own constants have to satisfy: A z = 0, entry by entry."""
    own = {variable.name for variable in law.own}
    return [
        f"{text(hypothesis.value)} = 0"
        for hypothesis in law.setting.hypotheses
        if own & {entry.base.name for entry in hypothesis.value.atoms(sp.Indexed)}
    ]


def scope(law: Law) -> str:
    """For what the law is proved: all sizes, or the explicit ones."""
    return "all sizes" if law.finding.route in ("all sizes", "exact") else law.finding.route


@dataclass(frozen=True)
class StepChange:
    """What one step of gradient descent adds to a law, proved for all sizes."""

    change: sp.Expr
    finding: Finding


def step_change(law: Law) -> StepChange | None:
    """The exact change of a quadratic law in one step of gradient descent, if there is a statement and the kernel proves it."""
    try:
        part = one_step(law.setting, law.quantity)
    except (NoExactStep, NotImplementedError):
        return None
    finding = all_sizes(part)
    return StepChange(part.assertion.right, finding) if finding.outcome == "proved" else None  # type: ignore[union-attr]


def verdict(found: Discovery) -> str:
    """The last line: how many laws there are, and whether these are all."""
    laws = f"{found.found} independent {'law' if found.found == 1 else 'laws'} found"
    most = f" of at most {found.possible}"
    if found.integrals:
        laws += f", {found.integrals} of them given by an integral"
        most = "," + most
    if found.possible is None:
        reason = found.count.reason if found.count else "the search was interrupted before the number of laws was bounded"
        return f"unknown: {laws}, and no bound on their number: {reason}"
    if found.complete:
        return f"complete: {laws}, and there can be no more than {found.possible}"
    if found.interrupted:
        return f"unknown: {laws}{most}; the search was interrupted"
    return f"incomplete: {laws}{most}, {found.possible - found.found} missing"


def heading(case: Case) -> str:
    at = label(case.setting, case.instance)
    return f"{case.title}, {at}" if at else case.title
