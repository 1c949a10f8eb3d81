"""The PDF: Typst source, compiled by the wheel of that name; no TeX is needed. Tagged, its fonts embedded, the same bytes every time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from ...formula import Layout, Lines, latex, latex_lines, typst, typst_lines
from ...formula.layout import width
from ..appendix import APPENDIX
from ..document import (
    Badge,
    Block,
    Certificate,
    Chapter,
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
    evidence_of,
    plain,
    text_of,
    without_deferred,
)

SPECIAL = str.maketrans({c: "\\" + c for c in "\\#$*_`<>@[]~=-+/\"'"})
WHOLE = 7.0  # em of a formula that is not broken at the end of a line
MARKED = {"emphasis": "emph", "strong": "strong", "code": "raw"}


def write_pdf(document: Document) -> bytes:
    """The document as a PDF."""
    import typst as compiler  # eighty megabytes, which the other formats need not load

    writer = _Writer()
    source = writer.document(document)
    sources: Any = {"main.typ": source.encode(), **writer.pictures}
    return bytes(compiler.compile(sources, format="pdf", ignore_system_fonts=True, pdf_standards="ua-1"))


def typst_source(document: Document) -> str:
    """The document in Typst, without its pictures."""
    return _Writer().document(document)


def escaped(text: str) -> str:
    """Text in which Typst sees no markup."""
    return text.translate(SPECIAL)


def string(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class _Writer:
    def __init__(self) -> None:
        self.pictures: dict[str, bytes] = {}

    def document(self, document: Document) -> str:
        preamble = (files(__package__.rpartition(".")[0]) / "assets" / "notes.typ").read_text()
        told = {"TITLE": string(plain(document.title)), "COUNT": string(document.count), "STAMP": string(document.stamp)}
        preamble = re.sub("|".join(told), lambda name: told[name[0]], preamble)
        several = len(document.chapters) > 1
        contents = f"#contents([{self.inlines(document.title)}])" if document.long else ""
        titled = not contents or several  # above the contents the title of the only chapter stands already
        chapters = "\n#pagebreak()\n".join(self.chapter(chapter, titled) for chapter in document.chapters)
        last = f"{'=' if several else '=='} Appendix: how to check this again <{APPENDIX}>\n{self.blocks(document.appendix)}"
        return "\n".join([preamble, contents, chapters, *(["#pagebreak()"] if several else []), last, ""])

    def chapter(self, chapter: Chapter, titled: bool) -> str:
        blocks, late = without_deferred(chapter.blocks)
        told = [*([f"= {self.inlines(chapter.title)} <{chapter.anchor}>"] if titled else []), self.blocks(blocks)]
        if late:
            told.append(f"== {evidence_of(late)}")
        for one, details in late:
            if isinstance(one, Claim):
                told.append(f'=== #link(<{one.anchor}>)[{escaped(one.name)}]; #h(1fr) #text(weight: "regular")[{self.inline(one.badge)}]')
            told.append(self.blocks(details))
        return "\n\n".join(told)

    def blocks(self, blocks: Sequence[Block]) -> str:
        told = []
        for n, block in enumerate(blocks):
            leads = isinstance(block, Paragraph) and n + 1 < len(blocks) and text_of(block.inside).rstrip().endswith(":")
            told.append(f"#block(sticky: true)[{self.block(block)}]" if leads else self.block(block))  # not parted from what it announces
        return "\n\n".join(told)

    def block(self, block: Block) -> str:
        match block:
            case Paragraph(inside):
                return self.inlines(inside)
            case Heading(level, inside, anchor):
                told = self.inlines(inside)
                return f"#heading(level: {level})[{told}] <{anchor}>" if anchor else f"#heading(level: {level}, outlined: false)[{told}]"
            case Display(shown, label, badge):
                told = "#block(breakable: false, width: 100%)[\n"
                told += f"#labelled[{self.inlines(label)}][{self.inlines((badge,)) if badge else ''}]\n" if label or badge else ""
                told += _display(shown.lines)
                told += f"\n#aside[{self.inlines(block.below)}]" if block.below else ""
                return told + "\n]"
            case Listing(items, ordered):
                return f"#{'enum' if ordered else 'list'}({', '.join(f'[{self.blocks(item)}]' for item in items)})"
            case Code(text, _):
                return f'#block(width: 100%, inset: 7pt, fill: rgb("#f7f5f0"), raw({string(text)}, block: true))'
            case Table():
                return self.table(block)
            case Steps(title, steps, _):
                derived = [f"=== {self.inlines(title)}"]
                for step in steps:
                    mark = self.inlines((step.badge,)) if step.badge else ""
                    derived.append(f"#labelled[{self.inlines(step.reason)}][{mark}]\n{_display(step.lines)}")
                return "\n\n".join(derived)
            case Claim(anchor, name, badge, inside, _):
                head = f"#claim({string(badge.standing)}, {string(name)}, [{self.inlines((badge,))}])"
                first = isinstance(inside[0], Paragraph)  # what the claim needs is not left alone at the end of a page
                body = f"#block(sticky: true)[{self.block(inside[0])}]\n\n{self.blocks(inside[1:])}" if first else self.blocks(inside)
                return f"{head}[\n{body}\n] <{anchor}>"
            case Details(title, inside, _):
                return f"#details[{escaped(title)}][\n{self.blocks(inside)}\n]"
            case Exercise(name, inside, solution):
                answer = f"[\n{self.blocks(solution)}\n]" if solution else "none"
                return f"#exercise({string(name)}, [\n{self.blocks(inside)}\n], {answer})"
            case Figure(name, picture, caption, told):
                self.pictures[f"{name}.svg"] = picture("svg")
                image = f"image({string(name + '.svg')}, width: 100%, alt: {string(told)})"
                return f"#figure({image}, caption: [{self.inlines(caption)}], supplement: none, numbering: none)"

    def table(self, table: Table) -> str:
        cells = ", ".join(f"[{self.inlines(cell)}]" for cells in table.rows for cell in cells)
        head = ", ".join(f"[{self.inlines(cell)}]" for cell in table.head)
        caption = f"[{self.inlines(table.caption)}]" if table.caption else "none"
        return f"#shown-table({len(table.head)}, ({head},), ({cells},), {caption})"

    def inlines(self, inside: Sequence[Inline]) -> str:
        return "".join(map(self.inline, inside))

    def inline(self, one: Inline) -> str:
        match one:
            case Text(text):
                return escaped(text)
            case Styled("code", inside):
                return f"#raw({string(''.join(part.text for part in inside if isinstance(part, Text)))});"
            case Styled(style, inside):
                return f"#{MARKED[style]}[{self.inlines(inside)}];"
            case Formula(layout):
                return f"#box[{_inline(layout)}];" if width(layout) <= WHOLE else _inline(layout)
            case Link(to, inside):
                target = f"<{to[1:]}>" if to.startswith("#") else string(to)
                return f"#link({target})[{self.inlines(inside)}];"
            case Badge(standing, word, detail, _):
                told = f"#badge({string(standing)}, {string(f'{word}, {detail}' if detail else word)})"
                return f"{told};" if detail else f"#box[{told}];"
            case Certificate(fingerprint):
                return f"#raw({string(fingerprint)});"


def _inline(layout: Layout) -> str:
    return f"#math.equation(${typst(layout)}$, alt: {string(latex(layout))});"


def _display(lines: Lines) -> str:
    return f"#display(math.equation(block: true, alt: {string(latex_lines(lines))}, $ {typst_lines(lines)} $))"
