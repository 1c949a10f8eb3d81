"""The prose of a target: a Markdown file beside it, read into blocks.

The file opens with settings, a line each, up to a line of three dashes: `letter up = u^+` names an identifier, `short s = sum(j, x[j])` gives a
name to an expression, `mean kappa = the ratio of the rates` says in the glossary what a symbol is, `order = kappa eta L r` is the order of
letters in products. A heading of the first level is the title. One of the second level opens a section: `## C6 Title` the prose of a claim,
anything else a section of its own. Within a claim, what follows `### After` stands behind the claim, and `### Exercise` with `#### Solution`
are set as such. A paragraph `[[C6 / L = 2]]` is replaced by the part of that name with its verdict, `[[C6]]` by all parts,
`[[figure I1]]` by a figure, `[[derivation equations of motion]]` by a derivation.

HTML in the prose is text, not markup. Mathematics between dollars is the part of LaTeX that `formula.reading` knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

from ..formula import PLAIN, Lines, Shown, Style, read_math
from ..formula.layout import EMPTY
from .document import Block, Code, Display, Exercise, Formula, Heading, Inline, Link, Listing, Paragraph, Styled, Table, Text

_HARMLESS = ("https://", "http://", "#", "mailto:")


class BadProse(ValueError):
    """A prose file that cannot be used; the text says which line or name, and what is wanted."""


@dataclass(frozen=True)
class Section:
    """What was written under a heading: before the claim, and after it."""

    title: tuple[Inline, ...]
    before: tuple[Block, ...] = ()
    after: tuple[Block, ...] = ()


@dataclass(frozen=True)
class Prose:
    title: tuple[Inline, ...] = ()
    style: Style = PLAIN
    meanings: Mapping[str, tuple[Inline, ...]] = field(default_factory=dict)
    opening: tuple[Block, ...] = ()
    sections: tuple[tuple[str, Section], ...] = ()  # by the id of a claim, "" for sections of their own

    def of(self, claim: str) -> Section | None:
        return next((section for name, section in self.sections if name == claim), None)


Insert = Callable[[str], Sequence[Block]]


def read_prose(source: str, claims: Sequence[str], insert: Callable[[str, Style], Sequence[Block]]) -> Prose:
    """The prose of a target with these claims; `insert` gives the blocks for what stands in double brackets.

    Raises `BadProse` for what is not understood, and what `insert` raises.
    """
    settings, body = _divided(source)
    style = _style(settings)
    reader = _Blocks(lambda name: insert(name, style))
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table").use(dollarmath_plugin, allow_labels=False)
    tokens = markdown.parse(body)
    meant = ((left.split(" ", 1)[1], right) for left, right in (_setting(line) for line in settings) if left.startswith("mean "))
    found = Prose(style=style, meanings={name: reader.inlines(markdown.parseInline(told)[0].children or []) for name, told in meant})
    sections: list[tuple[str, Section]] = []
    for level, title, blocks in _by_heading(reader, tokens):
        plain = title[0].text if title and isinstance(title[0], Text) else ""
        if level == 0:
            found = replace(found, opening=(*found.opening, *blocks))
        elif level == 1:
            found = replace(found, title=title, opening=(*found.opening, *blocks))
        elif level == 2:
            first, _, rest = plain.partition(" ")
            claim = first if first in claims else ""
            if not claim and re.fullmatch(r"[CTP]\d+", first):
                raise BadProse(f"the prose has a section for the claim {first}, and there is none; there are {', '.join(claims)}")
            own = (Text(rest), *title[1:]) if claim else title
            sections.append((claim, Section(own, tuple(blocks))))
        else:
            if not sections:
                raise BadProse(f"the heading {plain!r} of level {level} stands before any section; open one with ##")
            sections[-1] = (sections[-1][0], _under(sections[-1][1], level, title, plain, tuple(blocks)))
    return replace(found, sections=tuple(sections))


def excerpt(source: str, claim: str) -> str:
    """The settings and the section of one claim."""
    settings, body = _divided(source)
    sections = re.split(r"^(?=## )", body, flags=re.MULTILINE)
    own = [section for section in sections if section.split(maxsplit=2)[:2] == ["##", claim]]
    return "\n".join([*settings, "---", *own])


def _under(section: Section, level: int, title: tuple[Inline, ...], plain: str, blocks: tuple[Block, ...]) -> Section:
    if plain == "After":
        return replace(section, after=(*section.after, *blocks))
    if plain.startswith("Exercise"):
        return replace(section, after=(*section.after, Exercise(plain, blocks, ())))
    if plain == "Solution":
        last = section.after[-1] if section.after else None
        if not isinstance(last, Exercise):
            raise BadProse("a heading Solution stands without an Exercise before it")
        return replace(section, after=(*section.after[:-1], replace(last, solution=blocks)))
    heading = Heading(level, title, "")
    return replace(section, after=(*section.after, heading, *blocks))


def _divided(source: str) -> tuple[list[str], str]:
    before, line, after = f"\n{source}".partition("\n---\n")
    if line and not before.lstrip().startswith("#"):
        return [part for part in before.splitlines() if part.strip()], after
    return [], source


def _style(settings: Sequence[str]) -> Style:
    letters, short, order = {}, {}, PLAIN.order
    for setting in settings:
        left, right = _setting(setting)
        word, _, name = left.partition(" ")
        if word == "letter":
            letters[name] = read_math(right)
        elif word == "short":
            short[right] = read_math(name)
        elif word == "order":
            order = tuple(right.split())
    return Style(letters, order, short)


def _setting(line: str) -> tuple[str, str]:
    left, equals, right = (part.strip() for part in line.partition("="))
    if not equals or left.partition(" ")[0] not in ("letter", "short", "mean", "order"):
        raise BadProse(f"the line {line!r} was given before the first heading; wanted is letter, short, mean or order, with = and a value")
    return left, right


def _by_heading(reader: _Blocks, tokens: Sequence[Token]) -> Iterator[tuple[int, tuple[Inline, ...], list[Block]]]:
    level, start = 0, 0
    title: tuple[Inline, ...] = ()
    n = 0
    while n < len(tokens):
        if tokens[n].type == "heading_open" and tokens[n].level == 0:
            yield level, title, reader.blocks(tokens[start:n])
            level, title = int(tokens[n].tag[1]), reader.inlines(tokens[n + 1].children or [])
            n += 3
            start = n
        else:
            n += 1
    yield level, title, reader.blocks(tokens[start:])


class _Blocks:
    def __init__(self, insert: Insert) -> None:
        self.insert = insert

    def blocks(self, tokens: Sequence[Token]) -> list[Block]:
        found: list[Block] = []
        n = 0
        while n < len(tokens):
            token = tokens[n]
            end = _closing(tokens, n)
            inner = tokens[n + 1 : end]
            match token.type:
                case "paragraph_open":
                    found += self._paragraph(inner[0], found)
                case "bullet_list_open" | "ordered_list_open":
                    found.append(Listing(tuple(self._items(inner)), token.type.startswith("ordered")))
                case "blockquote_open":
                    found += self.blocks(inner)
                case "fence" | "code_block":
                    found.append(Code(token.content.rstrip("\n"), token.info.strip()))
                case "math_block":
                    found.append(Display(Shown(Lines(((EMPTY, read_math(token.content)),)))))
                case "table_open":
                    found.append(self._table(inner))
                case "hr":
                    pass
                case _:
                    raise BadProse(
                        f"the prose has {token.type.removesuffix('_open')!r} in line {(token.map or [0])[0] + 1}, which notes have no form for"
                    )
            n = end + 1
        return found

    def _paragraph(self, token: Token, before: Sequence[Block]) -> list[Block]:
        wanted = re.fullmatch(r"\[\[(.+)\]\]", token.content.strip())
        if wanted:  # two parts with the same data say them once
            return [block for block in self.insert(wanted[1].strip()) if not (isinstance(block, Paragraph | Listing) and block in before)]
        return [Paragraph(self.inlines(token.children or []))]

    def _items(self, tokens: Sequence[Token]) -> Iterator[tuple[Block, ...]]:
        n = 0
        while n < len(tokens):
            end = _closing(tokens, n)
            yield tuple(self.blocks(tokens[n + 1 : end]))
            n = end + 1

    def _table(self, tokens: Sequence[Token]) -> Table:
        rows: list[tuple[tuple[Inline, ...], ...]] = []
        cells: list[tuple[Inline, ...]] = []
        for token in tokens:
            if token.type == "inline":
                if len(re.findall(r"(?<!\\)\$", re.sub(r"`[^`]*`", "", token.content))) % 2:
                    raise BadProse(f"the cell {token.content!r} of a table has a formula that does not end; a bar within a table is written \\|")
                cells.append(self.inlines(token.children or []))
            elif token.type == "tr_close":
                rows.append(tuple(cells))
                cells = []
        return Table(rows[0], tuple(rows[1:]))

    def inlines(self, tokens: Sequence[Token]) -> tuple[Inline, ...]:
        found: list[Inline] = []
        n = 0
        while n < len(tokens):
            token = tokens[n]
            end = _closing(tokens, n)
            match token.type:
                case "text":
                    found += [Text(token.content)] if token.content else []
                case "softbreak" | "hardbreak":
                    found.append(Text(" "))
                case "code_inline":
                    found.append(Styled("code", (Text(token.content),)))
                case "math_inline":
                    found.append(Formula(read_math(token.content)))
                case "em_open":
                    found.append(Styled("emphasis", self.inlines(tokens[n + 1 : end])))
                case "strong_open":
                    found.append(Styled("strong", self.inlines(tokens[n + 1 : end])))
                case "link_open":
                    to = str(token.attrs.get("href", ""))
                    inside = self.inlines(tokens[n + 1 : end])
                    found += [Link(to, inside)] if to.startswith(_HARMLESS) else inside
                case _:
                    raise BadProse(f"the prose has {token.type!r} within a line ({token.content[:40]!r}), which notes have no form for")
            n = end + 1
        return tuple(found)


def _closing(tokens: Sequence[Token], n: int) -> int:
    """Where what opens at n closes; n itself for what does not open."""
    if not tokens[n].type.endswith("_open"):
        return n
    wanted, level = tokens[n].type.removesuffix("_open") + "_close", tokens[n].level
    return next(m for m in range(n + 1, len(tokens)) if tokens[m].type == wanted and tokens[m].level == level)
