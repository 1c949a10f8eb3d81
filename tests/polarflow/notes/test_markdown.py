"""Markdown as a code host reads it: a formula reaches the printer of mathematics as it was written, a table keeps its cells, links have targets.

A host runs Markdown first. So the text is read by a parser that knows no mathematics: what it takes for code between dollars, or for a fence,
it hands on untouched; whatever else it did to a formula would show.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import fields, is_dataclass
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from polarflow.formula import read_math
from polarflow.formula.layout import EMPTY, Lines
from polarflow.notes.build import prose_of, written
from polarflow.notes.compose import chapter
from polarflow.notes.document import (
    Chapter,
    Claim,
    Details,
    Display,
    Document,
    Figure,
    Formula,
    Heading,
    Listing,
    Paragraph,
    Steps,
    Styled,
    Table,
    Text,
)
from polarflow.notes.prose import BadProse, read_prose
from polarflow.notes.writers.markdown import CELL, markdown, marked, marked_lines
from polarflow.targets import resolve
from polarflow.verifying import PartResult, Row
from proofs_check.verdicts import Finding, Verdict
from theory.papers import NAMES

FORBIDDEN = ("operatorname", "mbox", "phantom", "def", "newcommand", "require", "href", "style", "unicode")  # by a well-known host
TRAPS = (
    "x_i^* y_{ij}^*",
    r"\{a, b\}",
    r"\left| u \right|_1 \, v",
    r"\operatorname{KL}(|p|, q)",
    r"a < b > c",
    r"\frac{a_1}{b_1} \quad *c*",
    r"w_1\! *",
)
HTML = re.compile(r'<details><summary>[^<>]+</summary>|</details>|<a id="[^"]+">|</a>|<span>|</span>|<!-- [\w-]+ -->')
OUT = Path("my notes (1).md")


def document(blocks):
    return Document((Text("T"),), (Chapter((Text("T"),), "t", "top", tuple(blocks)),), (), "1 claim", {}, "mark")


def host():
    return MarkdownIt("commonmark").enable("table")


def text(blocks):
    return written(document(blocks), "md", OUT)[OUT].decode()


def arrived(source):
    """The formulas that a parser without mathematics hands on."""
    found = Counter()
    for token in host().parse(source):
        if token.type == "fence" and token.info == "math":
            found[token.content.rstrip("\n")] += 1
        children = token.children or []
        for n, child in enumerate(children):
            if child.type == "code_inline" and 0 < n < len(children) - 1 and children[n - 1].content.endswith("$"):
                assert children[n + 1].content.startswith("$")
                found[child.content] += 1
    return found


def arrived_with_dollars(source):
    """The formulas that a parser with mathematics between dollars finds."""
    found = Counter()
    for token in host().use(dollarmath_plugin).parse(source):
        if token.type == "fence" and token.info == "math":
            found[token.content.rstrip("\n")] += 1
        found.update(child.content.strip("`") for child in token.children or [] if child.type == "math_inline")
    return found


def walk(node):
    """What is printed of a document, with everything in it."""
    yield node
    if isinstance(node, tuple):
        inner = node
    elif isinstance(node, Display):
        inner = (node.label, node.badge, node.shown.lines, node.below)
    elif isinstance(node, Formula | Lines | Figure) or not is_dataclass(node):
        inner = (node.caption,) if isinstance(node, Figure) else ()
    else:
        inner = tuple(getattr(node, field.name) for field in fields(node))
    for one in inner:
        yield from walk(one)


def sent(blocks):
    """The formulas of blocks, in the LaTeX that hosts allow."""
    found = Counter()
    for node in walk(tuple(blocks)):
        if isinstance(node, Formula):
            found[marked(node.layout)] += 1
        if isinstance(node, Lines):
            found[marked_lines(node)] += 1
    return found


def of_paper(name, outcome):
    """The blocks of a paper with invented verdicts, and its prose."""
    target = resolve(name)
    found = Verdict((Finding("N=4 M=2", outcome, "exact", "at the point given the difference of the two sides is about -24.135, not 0"),))
    rows = [
        Row(s.id, s.title, s, [PartResult(part, s.expect, found) for part in s.parts], [PartResult(part, "refuted", found) for part in s.mutants])
        for s in target.statements
    ]
    prose = read_prose(prose_of(target), [s.id for s in target.statements], lambda name, style: [])
    sections = [block for _, section in prose.sections for block in (Heading(2, section.title, ""), *section.before, *section.after)]
    return [*chapter(target, rows).blocks, *prose.opening, *sections]


@pytest.fixture(scope="module", params=[(name, outcome) for name in NAMES for outcome in ("proved", "refuted")])
def blocks(request):
    return of_paper(*request.param)


def test_every_formula_arrives_unbroken(blocks):
    source = text(blocks)
    assert sum(sent(blocks).values()) > 1000
    assert arrived(source) == sent(blocks)
    assert arrived_with_dollars(source) == sent(blocks)


def test_no_macro_is_forbidden(blocks):
    for told in sent(blocks):
        assert not [name for name in FORBIDDEN if re.search(rf"\\{name}(?![A-Za-z])", told)], told


def test_tables_keep_their_rows_and_cells(blocks):
    tables = [node for node in walk(tuple(blocks)) if isinstance(node, Table)]
    assert tables
    kinds = Counter(token.type for token in host().parse(text(blocks)))
    assert kinds["table_open"] == len(tables)
    assert kinds["tr_open"] == sum(1 + len(table.rows) for table in tables)
    for line in re.findall(r"^\|.*\|$", text(blocks), re.MULTILINE):
        assert len(re.findall(r"(?<!\\)\|", line)) >= 3
    widths = [len(table.head) for table in tables for _ in (table.head, *table.rows)]
    rows = re.findall(r"^\|.*\|$", re.sub(r"^\|(---\|)+\n", "", text(blocks), flags=re.MULTILINE), re.MULTILINE)
    assert [len(re.findall(r"(?<!\\)\|", row)) - 1 for row in rows] == widths


def test_emphasis_is_seen_where_it_was_meant(blocks):
    meant = Counter(node.style for node in walk(tuple(blocks)) if isinstance(node, Styled))
    labels = sum(isinstance(node, Display) and bool(node.label) for node in walk(tuple(blocks)))
    names = sum(isinstance(node, Claim) for node in walk(tuple(blocks))) + sum("**Exercise" in line for line in text(blocks).splitlines())
    seen = Counter(child.type for token in host().parse(text(blocks)) for child in token.children or [])
    assert seen["em_open"] == meant["emphasis"] + labels
    assert seen["strong_open"] == meant["strong"] + names


def test_html_is_what_folds_and_what_anchors(blocks):
    found = [token.content for token in host().parse(text(blocks)) if token.type == "html_block"]
    found += [child.content for token in host().parse(text(blocks)) for child in token.children or [] if child.type == "html_inline"]
    assert found
    assert all(HTML.fullmatch(one.strip()) for one in found), [one for one in found if not HTML.fullmatch(one.strip())]
    assert sum(one.startswith("<details>") for one in found) == sum(one.strip() == "</details>" for one in found)


def test_links_have_targets(blocks):
    source = text(blocks)
    ids = re.findall(r'<a id="([^"]+)"></a>', source)
    assert len(ids) == len(set(ids))
    links = [child.attrs["href"] for token in host().parse(source) for child in token.children or [] if child.type == "link_open"]
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert all(link.startswith(("#", "https://")) for link in links)


@pytest.mark.parametrize("told", TRAPS)
def test_traps(told):
    """Beside each other in one line, where one formula could close what another opens; in a table; and in a display."""
    formula = Formula(read_math(told))
    lines = Lines(((EMPTY, read_math(told)),))
    table = Table(((formula,), (Text("a | b"),)), (((formula, Text(" and "), formula), (Styled("code", (Text("x|y"),)),)),))
    folded = Details("a < b", (Paragraph((Text("1. no list"),)),))
    item = Listing(((Paragraph((formula,)), Steps((formula,), (), folded)),))
    blocks = [Paragraph((Text("Costs $5 and $6: "), formula, Text("*, _ "), formula)), table, item]
    source = text(blocks) + "\n" + marked_lines(lines).join(("```math\n", "\n```\n"))
    assert arrived(source) == sent([*blocks, lines])
    assert arrived_with_dollars(source) == sent([*blocks, lines])
    assert Counter(token.type for token in host().parse(source))["td_open"] == 2


def test_between_plain_dollars_formulas_would_break():
    """So that the tests above have something to find."""
    told = markdown([Paragraph((Formula(read_math(r"\{a, b\}")), Text(" and "), Formula(read_math(r"u \, v"))))], lambda figure: "", CELL)
    assert re.fullmatch(r"\$.*\\\{.*\$ and \$.*\\,.*\$", told)
    assert not re.search(r"\\[{},]", host().render(told))


@pytest.mark.parametrize(
    "told", ["- no list", "+ no list", "1. no list", "12) no list", "=== no heading", "# no heading", "> no quotation", "`no code`", "&amp; <b>"]
)
def test_text_is_text(told):
    tokens = host().parse(text([Paragraph((Text("before"),)), Paragraph((Text(told),))]))
    wanted = [token for token in tokens if token.type == "inline" and "".join(child.content for child in token.children) == told]
    assert len(wanted) == 1
    assert tokens[tokens.index(wanted[0]) - 1].type == "paragraph_open"


def test_pictures_are_found_beside_the_text(tmp_path):
    figure = Figure("one", lambda form: b"<svg></svg>", (Text("Caption"),), "what is [seen]")
    files = written(document([figure]), "md", tmp_path / OUT)
    (image,) = [child for token in host().parse(files[tmp_path / OUT].decode()) for child in token.children or [] if child.type == "image"]
    assert tmp_path / unquote(image.attrs["src"]) in files
    assert image.content.replace("\\", "") == "what is [seen]"


def test_a_formula_that_a_table_would_cut_is_refused():
    with pytest.raises(BadProse, match="a bar within a table"):
        read_prose("# T\n\n| a | b |\n|---|---|\n| $|x|$ | 1 |\n", [], lambda name, style: [])
    read_prose("# T\n\n| a | b |\n|---|---|\n| $\\|x\\|$ | `$` \\$ |\n", [], lambda name, style: [])
