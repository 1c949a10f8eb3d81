"""LaTeX source for a stock TeX Live, with its figures in a folder beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from ...formula import Lines, latex, latex_lines
from ...formula.latex import escaped
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
    without_deferred,
)

SECTIONS = {1: "section", 2: "section", 3: "subsection*", 4: "subsubsection*"}
MARKS = {"proved": r"$\bullet$", "refuted": r"$\times$", "supported": r"$\circ$", "unknown": "?"}
WHOLE = 7.0  # em of a formula that is not broken at the end of a line
EM = 0.55  # of a character
WIDEST_CELL = 28  # characters; columns with longer cells share what room is left


def write_tex(document: Document, out: Path) -> Mapping[Path, bytes]:
    """The source and its figures, by their paths."""
    writer = _Writer(out)
    preamble = (files(__package__.rpartition(".")[0]) / "assets" / "notes.tex").read_text()
    told = {"TITLE": writer.inlines(document.title), "COUNT": escaped(document.count), "NAME": escaped(plain(document.title))}
    told["CONTENTS"] = "\\tableofcontents\n\\clearpage" if document.long else ""
    preamble = re.sub("|".join(told), lambda name: told[name[0]], preamble)
    several = len(document.chapters) > 1
    chapters = "\n\\clearpage\n".join(writer.chapter(one, several) for one in document.chapters)
    last = rf"\{'part' if several else 'section'}{{Appendix: how to check this again}}\label{{{APPENDIX}}}" + f"\n{writer.blocks(document.appendix)}"
    source = f"{preamble}{chapters}\n{last}\n\\end{{document}}\n% {document.stamp}\n"
    return {out: source.encode(), **writer.pictures}


class _Writer:
    def __init__(self, out: Path) -> None:
        self.folder = out.with_name(f"{out.stem}-figures")
        self.pictures: dict[Path, bytes] = {}
        self.within_table = False

    def chapter(self, chapter: Chapter, titled: bool) -> str:
        blocks, late = without_deferred(chapter.blocks)
        told = [self.heading("part", chapter.title, chapter.anchor) if titled else "", self.blocks(blocks)]
        if late:
            told.append(rf"\section{{{evidence_of(late)}}}")
        for one, details in late:
            if isinstance(one, Claim):
                told.append(rf"\subsection*{{\hyperref[{one.anchor}]{{{escaped(one.name)}}}}}")
            told.append(self.blocks(details))
        return "\n\n".join(told)

    def blocks(self, blocks: Sequence[Block]) -> str:
        return "\n\n".join(map(self.block, blocks))

    def block(self, block: Block) -> str:
        match block:
            case Paragraph(inside):
                return self.inlines(inside)
            case Heading(level, inside, anchor):
                return self.heading(SECTIONS[level], inside, anchor)
            case Display(shown, label, badge):
                told = rf"\labelled{{{self.inlines(label)}}}{{{self.inline(badge) if badge else ''}}}" if label or badge else ""
                told += _display(shown.lines)
                return told + (rf"\aside{{{self.inlines(block.below)}}}" if block.below else "")
            case Listing(items, ordered):
                kind = "enumerate" if ordered else "itemize"
                inner = "\n".join(rf"\item {self.blocks(item)}" for item in items)
                return f"\\begin{{{kind}}}\n{inner}\n\\end{{{kind}}}"
            case Code(text, _):
                return (
                    "\\begin{footnotesize}\\begin{flushleft}\n"
                    + "\\\\\n".join(rf"\texttt{{{escaped(line)}}}" for line in text.splitlines())
                    + "\n\\end{flushleft}\\end{footnotesize}"
                )
            case Table():
                return self.table(block)
            case Steps(title, steps, _):
                told = rf"\subsection*{{{self.inlines(title)}}}"
                for step in steps:
                    told += f"\n\\labelled{{{self.inlines(step.reason)}}}{{{self.inline(step.badge) if step.badge else ''}}}{_display(step.lines)}"
                return told
            case Claim(anchor, name, badge, inside, _):
                head = rf"\claim{{{badge.standing}}}{{{escaped(name)}}}{{{self.inline(badge)}}}"
                return f"{head}\\phantomsection\\label{{{anchor}}}\n\n{self.blocks(inside)}\n\n\\claimend"
            case Details(title, inside, _):
                return f"\\details{{{escaped(title)}}}\n{{\\small\n{self.blocks(inside)}\n\n}}"
            case Exercise(name, inside, solution):
                answer = f"\n\n\\emph{{Solution.}} {self.blocks(solution)}" if solution else ""
                return f"\\paragraph{{{escaped(name)}.}} {self.blocks(inside)}{answer}"
            case Figure(name, picture, caption, _):
                path = self.folder / f"{name}.pdf"
                self.pictures[path] = picture("pdf")
                image = rf"\includegraphics[width=\linewidth]{{{self.folder.name}/{path.name}}}"
                return f"\\begin{{center}}\n{image}\n\n{{\\footnotesize {self.inlines(caption)}}}\n\\end{{center}}"

    def heading(self, kind: str, inside: tuple[Inline, ...], anchor: str) -> str:
        told = self.inlines(inside)
        if any(isinstance(one, Formula) for one in inside):
            told = rf"\texorpdfstring{{{told}}}{{{escaped(plain(inside))}}}"  # bookmarks hold characters alone
        return rf"\{kind}{{{told}}}" + (rf"\label{{{anchor}}}" if anchor else "")

    def table(self, table: Table) -> str:
        self.within_table = True
        cells = [table.head, *table.rows]
        longest = [max(_length(cells_[n]) for cells_ in cells) for n in range(len(table.head))]
        wide = sum(length > WIDEST_CELL for length in longest)
        fixed = sum(min(length, WIDEST_CELL) for length in longest if length <= WIDEST_CELL)
        share = max(0.15, (0.94 - 0.0115 * fixed - 0.02 * len(longest)) / wide) if wide else 0.0
        columns = "".join(rf">{{\raggedright\arraybackslash}}p{{{share:.3f}\linewidth}}" if length > WIDEST_CELL else "l" for length in longest)
        head = " & ".join(rf"\textbf{{{self.inlines(cell)}}}" for cell in table.head)
        body = " \\\\\n".join(" & ".join(self.inlines(cell) for cell in cells_) for cells_ in table.rows)
        self.within_table = False
        caption = f"\n\\begin{{center}}\\footnotesize {self.inlines(table.caption)}\\end{{center}}" if table.caption else ""
        rules = f"\\toprule\n{head} \\\\\n\\midrule\n\\endhead\n{body} \\\\\n\\bottomrule"
        return f"{{\\footnotesize\\setlength{{\\tabcolsep}}{{4pt}}\\begin{{longtable}}{{{columns}}}\n{rules}\n\\end{{longtable}}}}{caption}"

    def inlines(self, inside: Sequence[Inline]) -> str:
        return "".join(map(self.inline, inside))

    def inline(self, one: Inline) -> str:
        match one:
            case Text(text):
                return re.sub(r"\d{12,}", lambda long: re.sub(r"(\d{10})(?=\d)", r"\1\\allowbreak{}", long[0]), escaped(text))
            case Styled("code", inside):
                return rf"\texttt{{{''.join(_breakable(escaped(part.text)) for part in inside if isinstance(part, Text))}}}"
            case Styled(style, inside):
                return rf"\{'emph' if style == 'emphasis' else 'textbf'}{{{self.inlines(inside)}}}"
            case Formula(layout):
                told = latex(layout)
                return rf"\celled{{{told}}}" if self.within_table and r"\left" in told else f"${{{told}}}$" if width(layout) <= WHOLE else f"${told}$"
            case Link(to, inside):
                return (
                    rf"\hyperref[{to[1:]}]{{{self.inlines(inside)}}}" if to.startswith("#") else rf"\href{{{escaped(to)}}}{{{self.inlines(inside)}}}"
                )
            case Badge(standing, word, detail, _):
                return rf"\badge{{{standing}}}{{{MARKS[standing]}~{escaped(f'{word}, {detail}' if detail else word)}}}"
            case Certificate(fingerprint):
                return rf"\texttt{{{fingerprint}}}"


def _display(lines: Lines) -> str:
    return f"\\fitted{{{latex_lines(lines)}}}"


def _breakable(text: str) -> str:
    return text.replace("/", r"/\allowbreak{}").replace(", ", r",\allowbreak{} ")


def _length(inside: Sequence[Inline]) -> int:
    """About how many characters wide a cell is."""
    found = 0
    for one in inside:
        match one:
            case Text(text) | Certificate(text):
                found += len(text)
            case Styled(_, inner) | Link(_, inner):
                found += _length(inner)
            case Formula(layout):
                found += round(width(layout) / EM)
            case Badge(_, word, detail, _):
                found += len(word) + len(detail) + 3
    return found
