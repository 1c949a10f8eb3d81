"""One HTML file with everything in it: MathML, fonts, pictures; no script, nothing fetched."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from re import DOTALL, match, sub

from ...formula import Lines, mathml, mathml_lines
from ...formula.layout import width
from ..document import (
    LARGEST,
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
    plain,
    text_of,
)

FACES = (
    ("Notes", "regular", "400", "normal"),
    ("Notes", "italic", "400", "italic"),
    ("Notes", "bold", "700", "normal"),
    ("NotesMath", "math", "400", "normal"),
)
NARROW = 19.0  # em, what a telephone shows
TAGS = {"emphasis": "em", "strong": "strong", "code": "code"}


def write_html(document: Document) -> bytes:
    """The document as one page."""
    body = "\n".join(part for chapter in document.chapters for part in (_opening(document, chapter), *_blocks(chapter.blocks)))
    items = "".join(map(_contents, document.chapters) if len(document.chapters) > 1 else _sections(document.chapters[0]))
    title = escape(plain(document.title))
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{title}</title>\n<meta name="generator" content="polarflow {escape(document.stamp)}">\n'
        f"<style>\n{_style()}</style>\n</head>\n<body>\n"
        f'<a class="skip" href="#text">Skip to the text</a>\n<div class="page">\n'
        f'<header><h1>{_inlines(document.title)}</h1><p class="lead">{escape(document.count)}</p></header>\n'
        f'<nav aria-label="Contents"><ol>{items}<li><a href="#appendix">Appendix</a></li></ol></nav>\n<main id="text">\n{body}\n</main>\n'
        f'<footer id="appendix"><h2>Appendix: how to check this again</h2>\n{"".join(_blocks(document.appendix))}</footer>\n'
        "</div>\n</body>\n</html>\n"
    ).encode()


@cache
def _style() -> str:
    assets = files(__package__.rpartition(".")[0]) / "assets"
    faces = []
    for family, name, weight, slant in FACES:
        data = b64encode((assets / f"{name}.woff2").read_bytes()).decode()
        faces.append(
            f"@font-face {{ font-family: {family}; font-weight: {weight}; font-style: {slant}; "
            f'src: url(data:font/woff2;base64,{data}) format("woff2"); }}\n'
        )
    return "".join(faces) + (assets / "notes.css").read_text()


def _opening(document: Document, chapter: Chapter) -> str:
    """The title of a chapter; of a single one it stands at the top of the page."""
    return f'<h1 id="{escape(chapter.anchor)}">{_inlines(chapter.title)}</h1>' if len(document.chapters) > 1 else ""


def _contents(chapter: Chapter) -> str:
    """A chapter in the table of contents."""
    return f'<li class="chapter"><a href="#{escape(chapter.anchor)}">{_inlines(chapter.title)}</a><ol>{"".join(_sections(chapter))}</ol></li>'


def _sections(chapter: Chapter) -> Iterator[str]:
    for block in chapter.blocks:
        if isinstance(block, Heading) and block.level == 2:
            yield f'<li><a href="#{escape(block.anchor)}">{_inlines(block.inside)}</a></li>'


def _blocks(blocks: Sequence[Block]) -> Iterator[str]:
    for block in blocks:
        yield _block(block)


def _block(block: Block) -> str:
    match block:
        case Paragraph(inside):
            return f"<p>{_inlines(inside)}</p>"
        case Heading(level, inside, anchor):
            own = f' id="{escape(anchor)}"' if anchor else ""
            return f"<h{level}{own}>{_inlines(inside)}</h{level}>"
        case Display():
            return _display(block)
        case Listing(items, ordered):
            tag = "ol" if ordered else "ul"
            told = "".join("<li>" + "".join(_blocks(item)) + "</li>" for item in items)
            return f"<{tag}>{told}</{tag}>"
        case Code(text, _):
            return f'<pre tabindex="0"><code>{escape(text)}</code></pre>'
        case Table():
            return _table(block)
        case Steps(title, steps, evidence):
            derived = []
            for step in steps:
                mark = _inlines((step.badge,)) if step.badge else ""
                derived.append(f'<li><div class="label"><span class="reason">{_inlines(step.reason)}</span>{mark}</div>{_scrolled(step.lines)}</li>')
            return f'<section class="derivation"><h3>{_inlines(title)}</h3><ol class="steps">{"".join(derived)}</ol>{_block(evidence)}</section>'
        case Claim(anchor, name, badge, inside, _):
            head = f'<h3><a href="#{escape(anchor)}">{escape(name)}</a></h3>'
            body = "".join(_blocks(inside))
            return f'<section class="claim {badge.standing}" id="{escape(anchor)}"><header>{head}{_inlines((badge,))}</header>{body}</section>'
        case Details(title, inside, deferred):
            kind = ' class="later"' if deferred else ""
            return f"<details{kind}><summary>{escape(title)}</summary>{''.join(_blocks(inside))}</details>"
        case Exercise(name, inside, solution):
            answer = f"<details><summary>Solution</summary>{''.join(_blocks(solution))}</details>" if solution else ""
            return f'<section class="exercise"><h3>{escape(name)}</h3>{"".join(_blocks(inside))}{answer}</section>'
        case Figure(name, picture, caption, told):
            svg = sub(
                r'(<svg[^>]*?) (?:width|height)="[^"]*"', r"\1", sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", picture("svg").decode(), count=1), count=1
            )
            svg = svg.replace("#222222", "currentColor").replace("<svg", f'<svg role="img" aria-label="{escape(told)}"', 1)
            return f'<figure id="figure-{escape(name)}">{svg}<figcaption>{_inlines(caption)}</figcaption></figure>'


def _display(block: Display) -> str:
    head = ""
    if block.label or block.badge:
        head = f'<div class="label"><span>{_inlines(block.label)}</span>{_inlines((block.badge,)) if block.badge else ""}</div>'
    below = f'<p class="below">{_inlines(block.below)}</p>' if block.below else ""
    return f'<div class="part">{head}{_scrolled(block.shown.lines)}{below}</div>'


def _scrolled(lines: Lines) -> str:
    """A displayed formula; one that a narrow screen may have to scroll can be reached from the keyboard."""
    wide = max(width(left) + width(right) for left, right in lines.lines) > NARROW
    reach = ' tabindex="0" role="group" aria-label="Formula"' if wide else ""
    return f'<div class="display"{reach}>{mathml_lines(lines)}</div>'


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col"{_spoken(cell)}>{_inlines(cell)}</th>' for cell in table.head)
    rows = "".join("<tr>" + "".join(f"<td>{_inlines(cell)}</td>" for cell in cells) + "</tr>" for cells in table.rows)
    caption = f"<caption>{_inlines(table.caption)}</caption>" if table.caption else ""
    inner = f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<div class="scroll" tabindex="0" role="group" aria-label="Table">{inner}</div>'


def _spoken(cell: Sequence[Inline]) -> str:
    """A name for a heading that is a formula alone."""
    return "" if any(isinstance(one, Text) for one in cell) else f' aria-label="{escape(text_of(tuple(cell)))}"'


def _inlines(inside: Sequence[Inline]) -> str:
    """Inlines one after the other; browsers would part a formula from the comma after it, and from the bracket before it."""
    told = [_inline(one) for one in inside]
    for n, one in enumerate(inside):
        if isinstance(one, Formula):
            before = match(r"(.*?)([(\[]*)$", told[n - 1], DOTALL) if n and isinstance(inside[n - 1], Text) else None
            after = match(r"[.,;:!?)\]]*", told[n + 1]) if n + 1 < len(inside) and isinstance(inside[n + 1], Text) else None
            opened, closed = before[2] if before else "", after[0] if after else ""
            if opened or closed:
                told[n] = f'<span class="kept">{opened}{told[n]}{closed}</span>'
                if before:
                    told[n - 1] = before[1]
                if after:
                    told[n + 1] = told[n + 1][len(closed) :]
    return "".join(told)


def _inline(one: Inline) -> str:
    match one:
        case Text(text):
            return escape(text, quote=False)
        case Styled(style, inside):
            return f"<{TAGS[style]}>{_inlines(inside)}</{TAGS[style]}>"
        case Formula(layout):
            return mathml(layout)
        case Link(to, inside):
            return f'<a href="{escape(to)}">{_inlines(inside)}</a>'
        case Badge(standing, word, detail, meaning):
            told = f"{word}, {detail}" if detail else word
            return f'<span class="badge {standing}" tabindex="0">{escape(told)}<span class="meaning" role="note">{escape(meaning)}</span></span>'
        case Certificate(fingerprint, name, text):
            if len(text) > LARGEST:
                return f"<code>{fingerprint}</code>"
            held = b64encode(text.encode()).decode()
            return f'<a class="certificate" download="{escape(name)}" href="data:application/json;base64,{held}">{fingerprint}</a>'
