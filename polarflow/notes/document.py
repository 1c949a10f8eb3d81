"""Lecture notes as data: blocks and inlines that every format is written from."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from ..formula import EQUALS, Layout, Lines, Shown
from ..formula.layout import row

Standing = Literal["proved", "refuted", "supported", "unknown"]


# ---- Within a line -----------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Text:
    text: str


@dataclass(frozen=True)
class Styled:
    style: Literal["emphasis", "strong", "code"]
    inside: tuple[Inline, ...]


@dataclass(frozen=True)
class Formula:
    layout: Layout


@dataclass(frozen=True)
class Link:
    """A link to an anchor of the document (#C6) or to an address."""

    to: str
    inside: tuple[Inline, ...]


@dataclass(frozen=True)
class Badge:
    """What is known of a claim: a word, on which evidence, and what that means. Nothing but a verdict makes one."""

    standing: Standing
    word: str
    detail: str
    meaning: str


LEAST_HEADINGS = 12  # of a table of contents
LARGEST = 32_000  # bytes of a certificate that is held within a page


@dataclass(frozen=True)
class Certificate:
    """A certificate by its fingerprint; the text of its file, and a name for that, are for formats that can hold files."""

    fingerprint: str
    name: str
    text: str


Inline: TypeAlias = Text | Styled | Formula | Link | Badge | Certificate


# ---- Blocks ------------------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Paragraph:
    inside: tuple[Inline, ...]


@dataclass(frozen=True)
class Heading:
    level: int
    inside: tuple[Inline, ...]
    anchor: str


@dataclass(frozen=True)
class Display:
    """A displayed formula: what its short names stand for is said below it, the verdict beside it where it has one."""

    shown: Shown
    label: tuple[Inline, ...] = ()
    badge: Badge | None = None
    note: tuple[Inline, ...] = ()

    @property
    def below(self) -> tuple[Inline, ...]:
        """The line below the formula: the indices it holds for, what is said of it, what its short names stand for."""
        told: list[tuple[Inline, ...]] = []
        if self.shown.every is not None:
            told.append((Text("for all "), Formula(self.shown.every)))
        if self.note:
            told.append(self.note)
        if self.shown.where:
            pairs = [Formula(row(name, EQUALS, value)) for name, value in self.shown.where]
            told.append((Text("where "), *(one for n, pair in enumerate(pairs) for one in ((Text(", "),) if n else ()) + (pair,))))
        return tuple(one for n, part in enumerate(told) for one in ((Text("; "),) if n else ()) + part)


@dataclass(frozen=True)
class Listing:
    items: tuple[tuple[Block, ...], ...]
    ordered: bool = False


@dataclass(frozen=True)
class Code:
    text: str
    language: str = ""


@dataclass(frozen=True)
class Table:
    head: tuple[tuple[Inline, ...], ...]
    rows: tuple[tuple[tuple[Inline, ...], ...], ...]
    caption: tuple[Inline, ...] = ()


@dataclass(frozen=True)
class StepShown:
    """A step of a derivation with its reason; a step that only gives a name has no badge."""

    lines: Lines
    reason: tuple[Inline, ...]
    badge: Badge | None


@dataclass(frozen=True)
class Steps:
    """A derivation; its evidence is folded, and stands at the end of the chapter on paper."""

    title: tuple[Inline, ...]
    steps: tuple[StepShown, ...]
    evidence: Details


@dataclass(frozen=True)
class Claim:
    """A claim in its box, below its heading: `recheck` is the identifier by which its target knows it."""

    anchor: str
    name: str
    badge: Badge
    inside: tuple[Block, ...]
    recheck: str


@dataclass(frozen=True)
class Details:
    """What a reader may skip: folded on a screen, in smaller type on paper.

    What is `deferred` stands at the end of the chapter on paper, under the name of its claim.
    """

    title: str
    inside: tuple[Block, ...]
    deferred: bool = False


@dataclass(frozen=True)
class Exercise:
    name: str
    inside: tuple[Block, ...]
    solution: tuple[Block, ...]


@dataclass(frozen=True)
class Figure:
    """A picture, drawn when a format asks for it as svg, pdf or png; `told` says what is seen to those who do not see it."""

    name: str
    picture: Callable[[str], bytes]
    caption: tuple[Inline, ...]
    told: str


Block: TypeAlias = Paragraph | Heading | Display | Listing | Code | Table | Steps | Claim | Details | Exercise | Figure


@dataclass(frozen=True)
class Chapter:
    """The notes of one target; `given` is how the command line and a notebook find it."""

    title: tuple[Inline, ...]
    given: str
    anchor: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Document:
    title: tuple[Inline, ...]
    chapters: tuple[Chapter, ...]
    appendix: tuple[Block, ...]
    count: str
    outcomes: dict[str, dict[str, str]] = field(default_factory=dict)  # by target and claim: what a notebook must find again
    stamp: str = ""  # a digest of all that the notes were made from

    @property
    def long(self) -> bool:
        """Whether there are enough sections for a table of contents on paper."""
        return sum(isinstance(block, Heading) and block.level == 2 for chapter in self.chapters for block in chapter.blocks) >= LEAST_HEADINGS


def plain(inside: tuple[Inline, ...]) -> str:
    """Inlines for where there is nothing but characters, such as the title of a window."""
    return re.sub(r"\\[,;:!]|[\\{}]", "", text_of(inside)).strip()


def text_of(inside: tuple[Inline, ...]) -> str:
    """Inlines as plain text, formulas in LaTeX."""
    from ..formula import latex

    told = []
    for one in inside:
        match one:
            case Text(text):
                told.append(text)
            case Styled(_, inner) | Link(_, inner):
                told.append(text_of(inner))
            case Formula(layout):
                told.append(latex(layout))
            case Badge(_, word, _, _):
                told.append(word)
            case Certificate(fingerprint):
                told.append(fingerprint)
    return "".join(told)


def evidence_of(late: tuple[tuple[Claim | Steps, tuple[Details, ...]], ...]) -> str:
    """A heading for what stands at the end of a chapter."""
    return "Evidence, and variants that are false" if any(len(details) > 1 for _, details in late) else "Evidence"


def without_deferred(blocks: tuple[Block, ...]) -> tuple[tuple[Block, ...], tuple[tuple[Claim | Steps, tuple[Details, ...]], ...]]:
    """The blocks without what is deferred, and that, by the claim or the derivation: for formats that have nothing to fold."""
    kept: list[Block] = []
    late: list[tuple[Claim | Steps, tuple[Details, ...]]] = []
    for block in blocks:
        inner = (*block.inside, *block.solution) if isinstance(block, Exercise) else (block,)
        late += [(one, (one.evidence,)) for one in inner if isinstance(one, Steps)]
        if isinstance(block, Claim):
            own = tuple(one for one in block.inside if isinstance(one, Details) and one.deferred)
            late += [(block, own)] if own else []
            block = replace(block, inside=tuple(one for one in block.inside if one not in own))
        kept.append(block)
    return tuple(kept), tuple(late)
