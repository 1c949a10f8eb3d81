"""The false variants of a claim, with what refutes each, in as little room as they need."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import sympy as sp

from theory.statements import Assertion, Equal, Evolves

from ..formula import Style, assertion
from ..formula.layout import row, width
from ..verifying import PartResult
from .badges import of_verdict
from .document import Block, Formula, Inline, Paragraph, Styled, Table, Text, text_of
from .ends import named
from .parts import displayed, shortened
from .words import words

LONGEST = 3  # lines of a formula
WIDEST, LONGEST_NOTE = 20.0, 60  # em of one that stands in a table, and characters below it
DOTS = sp.Symbol("⋯")  # for the side of a variant that is as it should be


def variants(name: str, parts: Sequence[PartResult], mutants: Sequence[PartResult], style: Style) -> Iterator[Block]:
    """Short formulas in a table, longer ones displayed, those that would fill a page by name; `name` is how a command knows the claim."""
    data = named(mutants)
    yield from data.told(style)
    rows: list[tuple[tuple[Inline, ...], ...]] = []
    others: list[Block] = []
    left: list[Inline] = []
    dotted = False
    for one in mutants:
        label, badge = words(one.part.label, style), of_verdict(one.verdict)
        decisive = one.verdict.decisive
        why = words(why_of(decisive.reason), style) if decisive is not None else ()
        display = displayed(one, label, data, style)
        changed = changed_side(one.part.assertion, parts) if len(display.shown.lines.lines) > 1 else None
        display = replace(display, shown=assertion(changed, style)) if changed else display
        lines = display.shown.lines.lines
        dotted |= changed is not None and len(lines) <= LONGEST
        if len(lines) > LONGEST:
            left += [*((Text("; "),) if left else ()), Styled("emphasis", label), Text(" "), badge]
        elif len(lines) == 1 and width(row(*lines[0])) <= WIDEST and len(text_of(below := display.below)) <= LONGEST_NOTE:
            rows.append((label, (Formula(row(*lines[0])), *((Text(", "), *below) if below else ())), (badge, *((Text("; "), *why) if why else ()))))
        else:
            others.append(replace(display, note=(*display.note, *((Text("; "),) if display.note and why else ()), *why)))
    if dotted:
        yield Paragraph((Text("Dots stand for a side that is as in the claim."),))
    if rows:
        yield Table(tuple((Text(told),) for told in ("variant", "formula", "verdict")), tuple(rows))
    yield from others
    if left:
        shown = Styled("code", (Text(f"polarflow show {name}"),))
        yield Paragraph((Text("Too long to be printed here, "), shown, Text(" prints them: "), *left, Text(".")))


def changed_side(stated: Assertion, parts: Sequence[PartResult]) -> Equal | None:
    """A false variant with dots for the side that it has in common with a part."""
    for one in parts:
        match stated, one.part.assertion:
            case Evolves(quantity, rate, indices), Evolves(same) if quantity == same:
                return Equal(DOTS, rate, indices)
            case Equal(left, right, indices), Equal(same) if left == same:
                return Equal(DOTS, right, indices)
            case Equal(left, right, indices), Equal(_, same) if right == same:
                return Equal(left, DOTS, indices)
    return None


def why_of(reason: str) -> str:
    """What refutes a variant, in a few words."""
    told = shortened(reason)
    if found := re.fullmatch(r"at the point given the difference of the two sides(?: at the entry \[[^\]]*\])? is (.*), not 0", told):
        return f"the sides differ by {found[1]}"
    if found := re.fullmatch(r"at the point given the left side less the right one is (.*)", told):
        return f"the left side is greater by {found[1]}"
    if found := re.fullmatch(r"it is not so that in every entry the left side is at most the right side: (.*? against .*?)(?:\. \w.*)?", told):
        return f"the sides are {found[1].replace(' against ', ' and ')}"
    if found := re.fullmatch(r"near the point and for its constants, (\d+) independent laws hold\b.*?, and no more.*", told):
        return f"there are {found[1]} independent laws"
    return told.removesuffix(".")
