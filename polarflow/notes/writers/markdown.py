"""Markdown: for code hosts, with figures in a folder beside it, and for the cells of notebooks. They differ in how mathematics is marked.

A code host reads Markdown first and mathematics afterwards: between plain dollars it would take `_`, `*` and backslashes for its own. What stands
in backticks between dollars, or in a fence, arrives as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote

from ...formula import Layout, Lines, latex, latex_lines
from ..appendix import APPENDIX
from ..document import (
    Badge,
    Block,
    Certificate,
    Claim,
    Code,
    Details,
    Display,
    Document,
    Exercise,
    Figure,
    Formula,
    Heading,
    Inline,
    Link,
    Listing,
    Paragraph,
    Steps,
    Styled,
    Table,
    Text,
    text_of,
)

MARKS = {"proved": "✅", "refuted": "❌", "supported": "🟡", "unknown": "❔"}
AROUND = {"emphasis": "*", "strong": "**"}
Place = Callable[[Figure], str]


@dataclass(frozen=True)
class Dialect:
    """How mathematics is marked within a line and on lines of its own, and a dollar that marks none."""

    inline: tuple[str, str]
    display: tuple[str, str]
    dollar: str

    def text(self, text: str) -> str:
        """Text in which no markup is seen."""
        return re.sub(r"([\\`*_{}\[\]<>#~|&])", r"\\\1", text).replace("$", self.dollar)


HOST = Dialect(("$`", "`$"), ("```math\n", "\n```"), "<span>&#36;</span>")
CELL = Dialect(("$", "$"), ("$$\n", "\n$$"), "\\$")


def write_markdown(document: Document, out: Path) -> Mapping[Path, bytes]:
    """The text and its figures, by their paths."""
    pictures: dict[Path, bytes] = {}

    def place(figure: Figure) -> str:
        path = out.with_name(f"{out.stem}-figures") / f"{figure.name}.svg"
        # A page of a code host may be dark; the picture brings its own paper.
        pictures[path] = re.sub(rb"(<svg[^>]*)>", rb'\1 style="background:#fff">', figure.picture("svg"), count=1)
        return quote(f"{path.parent.name}/{path.name}")

    writer = _Writer(place, HOST)
    several = len(document.chapters) > 1
    parts = [f"# {writer.inlines(document.title)}", HOST.text(document.count)]
    for chapter in document.chapters:
        parts += [_anchored(chapter.anchor, f"# {writer.inlines(chapter.title)}") if several else "", writer.blocks(chapter.blocks)]
    parts += [_anchored(APPENDIX, f"{'#' if several else '##'} Appendix: how to check this again"), writer.blocks(document.appendix)]
    parts.append(f"<!-- {document.stamp} -->" if document.stamp else "")
    return {out: ("\n\n".join(part for part in parts if part) + "\n").encode(), **pictures}


def markdown(blocks: Sequence[Block], place: Place, dialect: Dialect) -> str:
    """Blocks as Markdown; `place` says where a figure is."""
    return _Writer(place, dialect).blocks(blocks)


def marked(node: Layout) -> str:
    """A formula in the LaTeX that code hosts allow: no bar, which would end the cell of a table, and none of the macros that they forbid."""
    return _allowed(latex(node).strip())


def marked_lines(lines: Lines) -> str:
    """A displayed formula, likewise."""
    return _allowed(latex_lines(lines))


def _allowed(told: str) -> str:
    told = re.sub(r"(?<!\\)\|", r"\\vert ", told)
    return re.sub(r"\\operatorname\{(\w+)\}", r"\\mathop{\\mathrm{\1}}", told)


@dataclass(frozen=True)
class _Writer:
    place: Place
    dialect: Dialect

    def blocks(self, blocks: Sequence[Block]) -> str:
        return "\n\n".join(map(self.block, blocks))

    def block(self, block: Block) -> str:
        match block:
            case Paragraph(inside):
                return _harmless(self.inlines(inside))
            case Heading(level, inside, anchor):
                return _anchored(anchor, f"{'#' * level} {self.inlines(inside)}")
            case Display(shown, label, badge):
                head = " · ".join(part for part in (self.label(label), self.inline(badge) if badge else "") if part)
                below = self.inlines(block.below)
                return "\n\n".join(part for part in (head, self.lines(shown.lines), below) if part)
            case Listing(items, ordered):
                mark = "1." if ordered else "-"
                return "\n".join(f"{mark} " + self.blocks(item).replace("\n", "\n   ") for item in items)
            case Code(text, language):
                return f"```{language}\n{text}\n```"
            case Table(head, rows, caption):
                lines = [self.cells(head), "|" + "---|" * len(head), *map(self.cells, rows)]
                return "\n".join(lines) + (f"\n\n{self.inlines(caption)}" if caption else "")
            case Steps(title, steps, evidence):
                told = [f"### {self.inlines(title)}"]
                for step in steps:
                    told += [_harmless(self.inlines(step.reason)) + (f" · {self.inline(step.badge)}" if step.badge else ""), self.lines(step.lines)]
                return "\n\n".join([*told, self.block(evidence)])
            case Claim(anchor, name, badge, inside, _):
                return _anchored(anchor, f"**{self.dialect.text(name)}.** {self.inline(badge)}\n\n{self.blocks(inside)}")
            case Details(title, inside, _):
                return self.folded(title, inside)
            case Exercise(name, inside, solution):
                answer = f"\n\n{self.folded('Solution', solution)}" if solution else ""
                room = " " if isinstance(inside[0], Paragraph) else "\n\n"
                return f"**{self.dialect.text(name)}.**{room}{self.blocks(inside)}{answer}"
            case Figure(_, _, caption, told):
                return f"![{self.dialect.text(told)}]({self.place(block)})\n\n{self.inlines(caption)}"

    def folded(self, title: str, inside: Sequence[Block]) -> str:
        """The lines of HTML end with the blank line; what stands in them is no Markdown."""
        return f"<details><summary>{escape(title)}</summary>\n\n{self.blocks(inside)}\n\n</details>"

    def lines(self, lines: Lines) -> str:
        return marked_lines(lines).join(self.dialect.display)

    def label(self, label: Sequence[Inline]) -> str:
        return f"*{self.inlines(label)}*" if label else ""

    def cells(self, cells: Sequence[Sequence[Inline]]) -> str:
        """A row of a table, in which bars that are in no formula are marked as such."""
        return "| " + " | ".join(re.sub(r"(?<!\\)\|", r"\\|", self.inlines(cell).replace("\n", " ")) for cell in cells) + " |"

    def inlines(self, inside: Sequence[Inline]) -> str:
        return "".join(map(self.inline, inside))

    def inline(self, one: Inline) -> str:
        match one:
            case Text(text):
                return self.dialect.text(text)
            case Styled("code", inside):
                return _code(text_of(inside))
            case Styled(style, inside):
                return f"{AROUND[style]}{self.inlines(inside)}{AROUND[style]}"
            case Formula(layout):
                return marked(layout).join(self.dialect.inline)
            case Link(to, inside):
                return f"[{self.inlines(inside)}]({quote(to, safe=SAFE)})"
            case Badge(standing, word, detail, _):
                return f"{MARKS[standing]} {self.dialect.text(f'{word}, {detail}' if detail else word)}"
            case Certificate(fingerprint):
                return f"`{fingerprint}`"


SAFE = "/:#?&=%@+,;~!'*$"  # of an address, which is ended by brackets and spaces


def _anchored(anchor: str, told: str) -> str:
    return f'<a id="{anchor}"></a>\n\n{told}' if anchor else told


def _code(text: str) -> str:
    """Code between marks that do not occur in it."""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    room = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{room}{text}{room}{fence}"


def _harmless(told: str) -> str:
    """A paragraph that does not begin as a list or a rule does."""
    return re.sub(r"^(?=[-+=]|\d+[.)]\s)(\d*)", r"\1\\", told)
