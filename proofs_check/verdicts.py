"""Verdicts: what is known of a claim, on which evidence; never a bool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["proved", "refuted", "supported", "unknown"]
Grade = Literal["rocq", "exact", "enclosed", "sampled"]
GRADES: tuple[Grade, ...] = ("sampled", "enclosed", "exact", "rocq")  # weakest first


@dataclass(frozen=True)
class Finding:
    """What one route of checking established.

    `route` names it ("all sizes", "N=4 M=2 L=3", "60 digits"); `certificate` is what the kernel accepted, `witness` the rational point of a
    counterexample, `reason` says in a sentence what is known and why no more.
    """

    route: str
    outcome: Outcome
    grade: Grade | None = None
    reason: str = ""
    certificate: Mapping[str, Any] | None = None
    conditions: tuple[str, ...] = ()
    digits: int | None = None
    samples: int | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """The findings of all routes, and what follows from them together."""

    findings: tuple[Finding, ...] = field(default=())

    @property
    def outcome(self) -> Outcome:
        """Refuted when the kernel accepted a counterexample, proved when it accepted a proof, and unknown when it accepted both.

        A proof that holds only under conditions yields to a counterexample outside them.
        """
        outcomes = {finding.outcome for finding in self.findings}
        if self.contradictory:
            return "unknown"
        for outcome in ("refuted", "proved", "supported"):
            if outcome in outcomes:
                return outcome
        return "unknown"

    @property
    def contradictory(self) -> bool:
        """Whether an unconditional proof stands against a counterexample that it covers: then one of the engines is wrong.

        A proof at explicit sizes does not cover a counterexample at others.
        """
        proved = {finding.route for finding in self.findings if finding.outcome == "proved" and not finding.conditions}
        refuted = {finding.route.removeprefix("points, ") for finding in self.findings if finding.outcome == "refuted"}
        return bool(refuted) and (not proved.isdisjoint({"all sizes", "exact"}) or not proved.isdisjoint(refuted))

    @property
    def decisive(self) -> Finding | None:
        """The finding that carries the outcome furthest: for all sizes, then without conditions, then the strongest."""
        carrying = [finding for finding in self.findings if finding.outcome == self.outcome]

        def reach(finding: Finding) -> tuple[bool, bool, int]:
            return finding.route in ("all sizes", "exact"), not finding.conditions, GRADES.index(finding.grade) if finding.grade else -1

        return max(carrying, key=reach, default=None)

    @property
    def scope(self) -> str:
        """For what the outcome stands: "all sizes", or the explicit sizes of the decisive route."""
        return self.decisive.route.removeprefix("points, ") if self.decisive else ""

    @property
    def grade(self) -> Grade | None:
        return self.decisive.grade if self.decisive else None
