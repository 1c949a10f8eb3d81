"""A part of a claim as a formula with its verdict, and what was found of it in few words."""

from __future__ import annotations

import re
from fractions import Fraction

from theory.statements import AtLimit, Observed, Order

from ..formula import Style, assertion
from ..verifying import PartResult
from .badges import of_verdict
from .document import Display, Inline, Text
from .ends import Named, note
from .words import words

LONGEST_REASON = 160


def displayed(one: PartResult, label: tuple[Inline, ...], data: Named, style: Style) -> Display:
    """The formula of a part below its label, its verdict beside it."""
    stated = one.part.assertion
    shown = assertion(stated, style)
    told = words(shown.note, style)
    if isinstance(stated, AtLimit | Observed | Order):
        told += (*((Text("; "),) if told else ()), *note(stated, data, style))
    return Display(shown, label, of_verdict(one.verdict), told)


def shortened(reason: str) -> str:
    """A reason with its long numbers to six digits, and no more sentences than there is room for."""

    def brief(match: re.Match[str]) -> str:
        return match[0] if len(match[0]) <= 12 else f"about {float(Fraction(match[0])):.6g}"

    told = re.sub(r"\[(-?[\d.]+(?:e[+-]?\d+)?) \+/- [\d.e+-]+\]", lambda match: f"about {float(match[1]):.6g}", reason)
    told = re.sub(r"-?\d+(?:\.\d+(?:e[+-]?\d+)?|/\d+)?", brief, told)
    if len(told) <= LONGEST_REASON:
        return told
    end = max(told.rfind(stop, 0, LONGEST_REASON) for stop in (". ", ": ", "; "))
    return told[:end] if end > 0 else told[:LONGEST_REASON].rpartition(" ")[0] + " …"
