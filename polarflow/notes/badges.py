"""Badges: what a verdict is called in notes, and what that means. They are made from verdicts and from nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence

from proofs_check.verdicts import Verdict

from ..formula.house import GREEK
from ..verifying import Row
from .document import Badge, Standing

MEANINGS: dict[str, str] = {
    "rocq": "A proof was checked by the Rocq prover.",
    "exact": "The independent kernel accepted a certificate, in exact arithmetic.",
    "enclosed": "The kernel accepted bounds in ball arithmetic that enclose the true values.",
    "sampled": "It held numerically to the digits stated. This is evidence and no proof.",
    "refuted": "There is an exact counterexample, which the kernel checked.",
    "unknown": "Neither a proof nor a counterexample was found.",
}


def of_verdict(verdict: Verdict) -> Badge:
    """The badge of one part."""
    return _badge(verdict.outcome, verdict.grade, verdict.scope)


def of_row(row: Row) -> Badge:
    """The badge of a claim: that of its weakest part."""
    scopes = list(dict.fromkeys(r.verdict.scope for r in row.parts if r.verdict.outcome == row.outcome))
    scope = scopes[0] if len(scopes) == 1 else _joined(scopes)
    if row.drifts:
        return _badge(row.outcome, "sampled" if row.outcome != "unknown" else None, f"{row.drifts[0].finding.digits} digits")
    return _badge(row.outcome, row.grade, scope)


def place(route: str) -> str:
    """The name of a route as a reader writes it: N=4 kappa=2 as N = 4, κ = 2."""
    told = re.sub(r"(?<!,) (?=\w+=)", ", ", route)
    return re.sub(r"(\w+)=", lambda name: f"{GREEK.get(name[1], name[1])} = ", told)


def _joined(scopes: Sequence[str]) -> str:
    if "all sizes" in scopes:
        return "all sizes; some parts at explicit sizes"
    return "explicit sizes"


def _badge(outcome: Standing, grade: str | None, scope: str) -> Badge:
    words = {"all sizes": "for all sizes", "exact": "", "limit": "", "points": "at a rational point"}
    where = words.get(scope, f"at {place(scope)}" if "=" in scope else scope)
    if outcome == "proved":
        kind = {"rocq": "Rocq", "exact": "exact", "enclosed": "enclosed"}.get(grade or "", grade or "")
        return Badge(outcome, f"proved, {kind}", where, MEANINGS.get(grade or "", ""))
    if outcome == "supported":
        return Badge(outcome, "supported, sampled", where, MEANINGS["sampled"])
    if outcome == "refuted":
        sampled = grade == "sampled"
        return Badge(
            outcome, "refuted" + (", sampled" if sampled else ""), where, "It was seen to fail numerically." if sampled else MEANINGS["refuted"]
        )
    return Badge("unknown", "unknown", "", MEANINGS["unknown"])
