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
        """Proved when a kernel accepted a proof and no route contradicts; refuted when it accepted a counterexample and none proves.

        Routes that contradict each other leave the claim unknown: one of the engines is wrong.
        """
        outcomes = {finding.outcome for finding in self.findings}
        if "proved" in outcomes:
            return "unknown" if "refuted" in outcomes else "proved"
        for outcome in ("refuted", "supported"):
            if outcome in outcomes:
                return outcome
        return "unknown"

    @property
    def contradictory(self) -> bool:
        return {"proved", "refuted"} <= {finding.outcome for finding in self.findings}

    @property
    def decisive(self) -> Finding | None:
        """The strongest finding that carries the outcome."""
        carrying = [finding for finding in self.findings if finding.outcome == self.outcome]
        return max(carrying, key=lambda finding: GRADES.index(finding.grade) if finding.grade else -1, default=None)

    @property
    def grade(self) -> Grade | None:
        return self.decisive.grade if self.decisive else None
