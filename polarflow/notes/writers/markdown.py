"""Markdown as code hosts render it: mathematics between dollars, figures in a folder beside it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ...formula import Lines, latex, latex_lines
from ...formula.layout import EQUALS, row
from ..document import (
    Badge,
    Block,
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


def write_markdown(document: Document, out: Path) -> Mapping[Path, bytes]:
    """The text and its figures, by their paths."""
    pictures: dict[Path, bytes] = {}

    def place(figure: Figure) -> str:
        path = out.with_name(f"{out.stem}-figures") / f"{figure.name}.svg"
        # A page of a code host may be dark; the picture brings its own paper.
        pictures[path] = re.sub(rb"(<svg[^>]*)>", rb'\1 style="background:#fff">', figure.picture("svg"), count=1)
        return f"{path.parent.name}/{path.name}"

    parts = [f"# {_escaped(document.title)}" if len(document.chapters) > 1 else "", _escaped(document.count)]
    for chapter in document.chapters:
        parts += [f"# {_escaped(chapter.title)}", markdown(chapter.blocks, place)]
    parts += ["## Appendix: how to check this again", markdown(document.appendix, place)]
    parts.append(f"<!-- {document.stamp} -->" if document.stamp else "")
    return {out: ("\n\n".join(part for part in parts if part) + "\n").encode(), **pictures}


def markdown(blocks: Sequence[Block], place: Place) -> str:
    """Blocks as Markdown; `place` says where a figure is."""
    return "\n\n".join(_block(block, place) for block in blocks)


def _block(block: Block, place: Place) -> str:
    match block:
        case Paragraph(inside):
            return inlines(inside)
        case Heading(level, inside, anchor):
            return (f'<a id="{anchor}"></a>\n\n' if anchor else "") + f"{'#' * level} {inlines(inside)}"
        case Display(shown, label, badge, note):
            head = " · ".join(part for part in (inlines(label) and f"*{inlines(label)}*", _inline(badge) if badge else "") if part)
            told = [head, display(shown.lines)] if head else [display(shown.lines)]
            if shown.every is not None:
                told.append(f"for all {_dollars(latex(shown.every))}")
            if note:
                told.append(inlines(note))
            if shown.where:
                told.append("where " + ", ".join(_dollars(latex(row(name, EQUALS, value))) for name, value in shown.where))
            return "\n\n".join(told)
        case Listing(items, ordered):
            mark = "1." if ordered else "-"
            return "\n".join(f"{mark} " + markdown(item, place).replace("\n", "\n   ") for item in items)
        case Code(text, language):
            return f"```{language}\n{text}\n```"
        case Table(head, rows, caption):
            lines = [_cells(head), "|" + "---|" * len(head), *map(_cells, rows)]
            return "\n".join(lines) + (f"\n\n{inlines(caption)}" if caption else "")
        case Steps(title, steps):
            told = [f"### {inlines(title)}"]
            for step in steps:
                told += [inlines(step.reason) + (f" · {_inline(step.badge)}" if step.badge else ""), display(step.lines)]
            return "\n\n".join(told)
        case Claim(anchor, name, badge, inside, _):
            return f'<a id="{anchor}"></a>\n\n**{_escaped(name)}.** {_inline(badge)}\n\n{markdown(inside, place)}'
        case Details(title, inside, _):
            return f"<details><summary>{_escaped(title)}</summary>\n\n{markdown(inside, place)}\n\n</details>"
        case Exercise(name, inside, solution):
            answer = f"\n\n<details><summary>Solution</summary>\n\n{markdown(solution, place)}\n\n</details>" if solution else ""
            return f"**{_escaped(name)}.** {markdown(inside, place)}{answer}"
        case Figure(_, _, caption, told):
            return f"![{_escaped(told)}]({place(block)})\n\n{inlines(caption)}"


def display(lines: Lines) -> str:
    return f"$$\n{latex_lines(lines)}\n$$"


def inlines(inside: Sequence[Inline]) -> str:
    return "".join(map(_inline, inside))


def _inline(one: Inline) -> str:
    match one:
        case Text(text):
            return _escaped(text)
        case Styled("code", inside):
            return f"`{text_of(inside)}`"
        case Styled(style, inside):
            return f"{AROUND[style]}{inlines(inside)}{AROUND[style]}"
        case Formula(layout):
            return _dollars(latex(layout))
        case Link(to, inside):
            return f"[{inlines(inside)}]({to})"
        case Badge(standing, word, detail, _):
            return f"{MARKS[standing]} {_escaped(f'{word}, {detail}' if detail else word)}"


def _dollars(told: str) -> str:
    return f"${told.strip()}$"


def _cells(cells: Sequence[Sequence[Inline]]) -> str:
    return "| " + " | ".join(inlines(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _escaped(text: str) -> str:
    """Text in which Markdown sees no markup."""
    return re.sub(r"([\\`*_{}\[\]<>#$~|])", r"\\\1", text)
