"""What becomes of mutants: a proof and a counterexample are tried of each, so that an engine that proves too much is found out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from theory.mutation import Mutant
from theory.statements import AtLimit, AtMost, Complete, Part

from .exact import all_sizes, at_instance, counterexample, verdict
from .falsify import falsify
from .instances import instances_of
from .verdicts import Finding

Fate = Literal["refuted", "true", "empty", "unknown", "contradiction"]
POINTS = 30  # to be drawn at sizes of all kinds, where no counterexample was found at those of the setting


@dataclass(frozen=True)
class Judged:
    """A mutant, and all that was found of it. Its fate is

    * "refuted": the kernel accepted a counterexample;
    * "true": it accepted a proof for all sizes, since the slip gave a theorem, and no point that was tried speaks against it;
    * "empty": the same, but no point was met at which the mutant is defined;
    * "contradiction": it accepted both, so that an engine is wrong;
    * "unknown": neither. A proof at explicit sizes alone is none of the mutant.
    """

    mutant: Mutant
    findings: tuple[Finding, ...]

    @property
    def fate(self) -> Fate:
        proved = {finding.route for finding in self.findings if finding.outcome == "proved"}
        refuted = {finding.route.removeprefix("points, ") for finding in self.findings if finding.outcome == "refuted"}
        of_data = isinstance(self.mutant.part.assertion, AtLimit | Complete)  # stated at explicit sizes, and nothing to be drawn
        general = bool(proved & {"all sizes", "exact"}) or (of_data and bool(proved))
        if refuted and (general or proved & refuted):
            return "contradiction"
        if refuted:
            return "refuted"
        if general:
            return "true" if self.points or of_data else "empty"
        return "unknown"

    @property
    def points(self) -> int:
        """At how many points the mutant was seen to hold."""
        return sum(finding.samples or 0 for finding in self.findings if finding.outcome == "supported")

    @property
    def decisive(self) -> Finding | None:
        """The finding that carries the fate, if there is one."""
        wanted = {"refuted": "refuted", "contradiction": "refuted", "true": "proved", "empty": "proved"}.get(self.fate)
        return next((finding for finding in self.findings if finding.outcome == wanted), None)  # the general proof is the first finding

    @property
    def reason(self) -> str:
        """Why there is no proof, where nothing is known: in the words of the first route, which is the most general."""
        if self.fate != "unknown":
            return ""
        at = ", ".join(finding.route for finding in self.findings if finding.outcome == "proved")
        return f"proved at explicit sizes and exponents alone: {at}" if at else self.findings[0].reason


def judged(mutant: Mutant, *, seed: int = 0) -> Judged:
    """Let a claim have a slip: whether the kernel accepts a proof of it, or a counterexample to it.

    A proof for all sizes is always tried, and so is a counterexample; proofs at explicit sizes, and counterexamples at others, where none was found.
    """
    part = mutant.part
    if isinstance(part.assertion, AtLimit | Complete):
        return Judged(mutant, verdict(part, seed=seed).findings)
    findings = [*verdict(part, seed=seed).findings] if isinstance(part.assertion, AtMost) else [*_tried(part, seed)]
    if not _refuted(findings):
        if findings[0].outcome != "proved" and any(finding.outcome == "proved" for finding in findings):
            part = replace(part, setting=replace(part.setting, instances=()))  # a law of L = 3 alone is no law of every L
        findings.append(falsify(part, samples=POINTS, seed=seed).finding)
    return Judged(mutant, tuple(findings))


def _tried(part: Part, seed: int) -> Iterator[Finding]:
    general = all_sizes(part)
    yield general
    instances = instances_of(part.setting)
    for instance in instances:
        found = counterexample(part, instance, seed=seed)
        yield found
        if found.outcome == "refuted":
            return
    if general.outcome != "proved":
        for instance in instances:
            yield at_instance(part, instance)


def _refuted(findings: list[Finding]) -> bool:
    return any(finding.outcome == "refuted" for finding in findings)
