"""Notes of a theory file with a true law and a false one, in all formats; and of the shipped papers, that no claim is left out."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
import sympy
from typer.testing import CliRunner

from polarflow.cli import app
from polarflow.notes import FORMATS, BadProse, CannotBuild, build, compose, written
from polarflow.notes.build import prose_of
from polarflow.notes.compose import chapter
from polarflow.notes.document import Badge, Claim, Details, Display, Heading, Listing, Paragraph, Table, text_of
from polarflow.notes.prose import read_prose
from polarflow.notes.variants import DOTS, changed_side, why_of
from polarflow.notes.writers.pdf import typst_source
from polarflow.targets import resolve
from polarflow.verifying import PartResult, Row
from proofs_check.ledger import opened
from proofs_check.verdicts import Finding, Verdict
from theory.papers import NAMES, paper
from theory.statements import Equal, Evolves

THEORY = """
title = "Kernel laws"
text = "What *stays* for $z$ in the kernel.\\n\\n---\\n\\nNo more."
[sizes]
N = 3
M = 1
[constants]
kappa = { sign = "positive", value = 1 }
[data]
A = { shape = "M x N", value = [[1, 2, 1]] }
y = { shape = "M", value = [2] }
[parameters]
r = "positive scalar"
u = "N, positive, sphere"
[model]
predictor = "x[i] = (r*u[i])**2"
loss = "square(A, y)"
[flow]
rates = { r = 1, u = "kappa" }
[start]
r = 1
u = ["1/3", "2/3", "2/3"]
[run]
times = [1]

[[claim]]
id = "log-law"
conserved = "sum(i, z[i]*(log(u[i]) + kappa*r**2/2))"
where = { z = "kernel(A)" }

[[claim]]
id = "half-missing"
conserved = "sum(i, z[i]*(log(u[i]) + kappa*r**2))"
where = { z = "kernel(A)" }
"""
PROSE = """mean kappa = a ratio & more
---
# Laws <b>and</b> slips

## half-missing A slip of 50% #1 _of_ the pen

Text with $\\kappa r^2$, `code_x`, 100 % and \\$5.

### Exercise 1

Find it.

#### Solution

[[half-missing]]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("notes")
    (path / "laws.toml").write_text(THEORY)
    (path / "laws.md").write_text(PROSE)
    return path


@pytest.fixture(scope="module")
def files(folder):
    with opened(folder / "ledger.sqlite") as book:
        build([resolve(str(folder / "laws.toml"))], FORMATS, folder / "out" / "notes", book)
    return folder / "out"


class Page(HTMLParser):
    """What a page refers to, what it is referred to by, and whether every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.levels: list[int] = []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        assert tag != "script"
        assert not [name for name in found if name.startswith("on")]
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found["href"]] if tag == "a" else []
        self.fetched += [found[name] for name in ("src", "xlink:href", "href") if name in found and tag not in ("a", "use")]
        if re.fullmatch(r"h\d", tag):
            self.levels.append(int(tag[1]))
        if tag not in ("meta", "mspace", "path", "use", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag in ("path", "use"):
            return
        assert self.open.pop() == tag


def test_the_page_is_whole_and_fetches_nothing(files):
    page = Page()
    text = (files / "notes.html").read_text()
    page.feed(text)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert page.fetched == []
    assert not re.findall(r"url\((?!data:|#|\"?#)[^)]*\)", text)
    assert page.levels[0] == 1
    assert all(after <= before + 1 for before, after in zip(page.levels, page.levels[1:], strict=False))  # no level is left out
    assert "Laws &lt;b&gt;and&lt;/b&gt; slips" in text


@pytest.mark.parametrize("form", FORMATS)
def test_a_false_claim_is_told_with_its_witness(files, folder, form):
    if form == "pdf":
        with opened(folder / "ledger.sqlite") as book:
            text = typst_source(compose([resolve(str(folder / "laws.toml"))], book))
    else:
        text = (files / f"notes.{form}").read_text()
    plain = re.sub(r"\\allowbreak\{\}|\\", "", text).replace("\u2212", "-").replace("$-$", "-").replace("ensuremath{-}", "-")
    assert "Refuted claim half-missing" in plain
    assert re.search(r"refuted, at N = 3, M = 1", plain)
    assert "Witness" in plain
    assert re.search(r"is -?\d+(/\d+)?, not 0", plain)
    assert "1 proved, 1 refuted" in plain


def test_the_pdf_is_tagged_embedded_and_the_same_every_time(files, folder):
    content = (files / "notes.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert b"/StructTreeRoot" in content
    assert b"/FontFile" in content
    with opened(folder / "ledger.sqlite") as book:
        document = compose([resolve(str(folder / "laws.toml"))], book)
    assert written(document, "pdf", files / "notes.pdf")[files / "notes.pdf"] == content
    assert written(document, "html", files / "notes.html")[files / "notes.html"] == (files / "notes.html").read_bytes()


def test_every_claim_has_a_badge_and_every_part_too(folder):
    with opened(folder / "ledger.sqlite") as book:
        document = compose([resolve(str(folder / "laws.toml"))], book)
    claims = [block for block in document.chapters[0].blocks if isinstance(block, Claim)]
    assert {claim.recheck: claim.badge.standing for claim in claims} == {"log-law": "proved", "half-missing": "refuted"}
    for claim in claims:  # of one part without a name, whose verdict is that of the claim and not repeated
        (part,) = [block for block in claim.inside if isinstance(block, Display)]
        assert (part.badge, part.label) == (None, ())


def test_the_notebook_runs_and_compares(files, tmp_path):
    notebook = nbformat.read(files / "notes.ipynb", as_version=4)
    nbformat.validate(notebook)
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert any("'half-missing'], 'refuted'" in cell for cell in cells)
    script = tmp_path / "run.py"
    script.write_text("\n".join(cells))
    done = subprocess.run([sys.executable, script], cwd=files, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "proved     log-law" in done.stdout
    script.write_text("\n".join(cells).replace("'half-missing'], 'refuted'", "'half-missing'], 'proved'"))  # notes that say something false
    done = subprocess.run([sys.executable, script], cwd=files, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1
    assert "the notes say proved, and this run found refuted" in done.stderr


def test_figures_stand_beside_what_cannot_hold_them(files):
    for form, ending in (("tex", "pdf"), ("md", "svg")):
        text = (files / f"notes.{form}").read_text()
        named = re.findall(rf"notes-figures/[\w-]+\.{ending}", text)
        assert len(named) == 3
        assert all((files / name).stat().st_size > 1000 for name in named)
    notebook = json.loads((files / "notes.ipynb").read_text())
    attached = [name for cell in notebook["cells"] for name in cell.get("attachments", {})]
    assert len(attached) == 3


def test_what_cannot_be_built_leaves_the_old_file(folder, tmp_path):
    target = tmp_path / "bad.toml"
    target.write_text(THEORY)
    (tmp_path / "bad.md").write_text("# T\n\n[[no such claim]]\n")
    out = tmp_path / "notes.html"
    out.write_text("old")
    with opened(folder / "ledger.sqlite") as book, pytest.raises(BadProse, match="wanted is a claim"):
        build([resolve(str(target))], ["html"], out, book)
    assert out.read_text() == "old"
    with opened(None) as book, pytest.raises(CannotBuild, match="html, pdf"):
        build([resolve(str(target))], ["docx"], out, book)


def test_without_a_file_of_prose_the_text_of_the_theory_is_printed(folder):
    shutil.copy(folder / "laws.toml", folder / "alone.toml")
    with opened(folder / "ledger.sqlite") as book:
        document = compose([resolve(str(folder / "alone.toml"))], book)
    told = written(document, "md", folder / "x.md")[folder / "x.md"].decode()
    assert "# Kernel laws\n\n2 claims: 1 proved, 1 refuted.\n\nWhat *stays* for $`z`$ in the kernel.\n\nNo more." in told


def test_a_course_of_two_has_one_of_everything(files, folder):
    shutil.copy(folder / "laws.toml", folder / "more.toml")
    with opened(folder / "ledger.sqlite") as book:
        document = compose([resolve(str(folder / name)) for name in ("laws.toml", "more.toml")], book, title="A course")
    page = Page()
    page.feed(written(document, "html", folder / "x.html")[folder / "x.html"].decode())
    assert len(page.ids) == len(set(page.ids))
    assert document.count.startswith("4 claims: 2 proved, 2 refuted.")
    assert written(document, "pdf", folder / "x.pdf")[folder / "x.pdf"].startswith(b"%PDF")  # no level of headings left out, no label twice
    tex = written(document, "tex", folder / "x.tex")[folder / "x.tex"].decode()
    labels = re.findall(r"\\label\{([^}]+)\}", tex)
    assert len(labels) == len(set(labels))
    assert set(re.findall(r"\\hyperref\[([^]]+)\]", tex)) <= set(labels)
    told = " ".join(text_of(block.inside) for chapter in document.chapters for block in chapter.blocks if isinstance(block, Paragraph))
    assert told.count("Sums run over all values of their index") == 1


@pytest.mark.parametrize("name", NAMES)
def test_every_variant_is_in_a_table_or_a_formula_or_named_as_too_long(name):
    target = resolve(name)
    found = Verdict((Finding("invented", "refuted", "exact", "at the point given the difference of the two sides is -3/2, not 0"),))
    rows = [Row(s.id, s.title, s, [PartResult(part, "proved", found) for part in s.parts]) for s in target.statements]
    for row in rows:
        row.mutants = [PartResult(part, "refuted", found) for part in row.statement.mutants]
    claims = {block.recheck: block for block in chapter(target, rows).blocks if isinstance(block, Claim)}
    kinds = set()
    for row in rows:
        if not row.mutants:
            continue
        (variants,) = [block for block in claims[row.id].inside if isinstance(block, Details) and "variants" in block.title]
        shown = [block for block in variants.inside if isinstance(block, Display)]
        tables = [cells for block in variants.inside if isinstance(block, Table) for cells in block.rows]
        named = [one for block in variants.inside if isinstance(block, Paragraph) for one in block.inside if isinstance(one, Badge)]
        assert len(shown) + len(tables) + len(named) == len(row.mutants), row.id
        assert all(block.badge.standing == "refuted" for block in shown)
        assert all(one.standing == "refuted" for cells in tables for one in cells[2] if isinstance(one, Badge))
        kinds |= {kind for kind, own in (("shown", shown), ("table", tables), ("named", named)) if own}
        if named:
            assert f"polarflow show {name}/{row.id}" in " ".join(text_of(block.inside) for block in variants.inside if isinstance(block, Paragraph))
    assert kinds == {"shown", "table", "named"} or name != "chou_rauhut_ward"


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("at the point given the difference of the two sides is 63/20, not 0", "the sides differ by 63/20"),
        ("at the point given the difference of the two sides at the entry [0] is about -24.135, not 0", "the sides differ by about -24.135"),
        ("at the point given the left side less the right one is about 0.4", "the left side is greater by about 0.4"),
        (
            "it is not so that in every entry the left side is at most the right side: about 1 against about 1e-60. x is the limit of this flow",
            "the sides are about 1 and about 1e-60",
        ),
        (
            "it is not so that in every entry the left side is at most the right side: about 0.04 against 1/100; about 0.07 against 1/100",
            "the sides are about 0.04 and 1/100; about 0.07 and 1/100",
        ),
        (
            "near the point and for its constants, 3 independent laws hold whatever G is, and no more, the norms on its spheres counted",
            "there are 3 independent laws",
        ),
        ("something that nobody foresaw.", "something that nobody foresaw"),
    ],
)
def test_what_refutes_a_variant_is_told_in_few_words(reason, told):
    assert why_of(reason) == told


def test_dots_stand_for_the_side_of_a_variant_that_is_right():
    """Taking the dots for the side of the claim gives the variant back, for every variant that is shortened."""
    shortened = 0
    for name in NAMES:
        for s in paper(name).statements:
            results = [PartResult(part, "proved", Verdict(())) for part in s.parts]
            for mutant in s.mutants:
                changed = changed_side(mutant.assertion, results)
                if changed is None:
                    continue
                shortened += 1
                match mutant.assertion:
                    case Evolves(quantity, rate, indices):
                        assert (changed.left, changed.right, changed.indices) == (DOTS, rate, indices)
                        assert any(isinstance(part.assertion, Evolves) and part.assertion.quantity == quantity for part in s.parts)
                    case Equal(left, right, indices):
                        kept, own = (right, left) if changed.left == DOTS else (left, right)
                        assert changed == (Equal(DOTS, kept, indices) if changed.left == DOTS else Equal(kept, DOTS, indices))
                        assert any(isinstance(part.assertion, Equal) and own in (part.assertion.left, part.assertion.right) for part in s.parts)
    assert shortened > 20


@pytest.mark.parametrize("name", NAMES)
def test_one_claim_brings_its_own_section_alone(name):
    for s in paper(name).statements:
        target = resolve(f"{name}/{s.id}")
        found = Verdict((Finding("invented", "unknown"),))
        row = Row(s.id, s.title, s, [PartResult(part, s.expect, found) for part in s.parts])
        row.mutants = [PartResult(part, "refuted", found) for part in s.mutants]
        blocks = chapter(target, [row], prose_of(target)).blocks
        assert [block.recheck for block in blocks if isinstance(block, Claim)] == [s.id]
        titles = [text_of(block.inside) for block in blocks if isinstance(block, Heading) and block.level == 2]
        assert [title for title in titles if title.split()[0] == s.id] == [titles[1]]


def test_two_of_one_name_are_refused(folder):
    (folder / "other").mkdir()
    shutil.copy(folder / "laws.toml", folder / "other" / "laws.toml")
    with opened(folder / "ledger.sqlite") as book, pytest.raises(CannotBuild, match="the same name"):
        compose([resolve(str(folder / "laws.toml")), resolve(str(folder / "other" / "laws.toml"))], book)


@pytest.mark.parametrize("name", NAMES)
def test_the_prose_of_a_paper_speaks_of_claims_that_there_are(name):
    statements = {s.id: s for s in paper(name).statements}
    asked: list[str] = []

    def insert(wanted, style):
        asked.append(wanted)
        return []

    target = resolve(name)
    prose = read_prose(prose_of(target), list(statements), insert)
    assert {claim for claim, _ in prose.sections if claim} == set(statements)
    for wanted in asked:
        wanted = wanted.removeprefix("phase ").partition(";")[0]
        claim, _, label = wanted.partition(" / ")
        known = [part.label for part in (*statements[claim].parts, *statements[claim].mutants)]
        assert label in known, wanted
    assert len(asked) >= 8


def badges(block) -> int:
    """How many verdicts a block shows, those of its variants apart."""
    match block:
        case Display():
            return int(block.badge is not None)
        case Table():
            return sum(isinstance(one, Badge) for cells in block.rows for cell in cells for one in cell)
        case Listing(items):
            return sum(isinstance(one, Badge) for (item,) in items for one in getattr(item, "inside", ()))
        case Details(title, inside, _):
            return 0 if "variants" in title else sum(map(badges, inside))
        case _:
            return 0


@pytest.mark.parametrize("outcome", ["proved", "refuted", "supported", "unknown"])
@pytest.mark.parametrize("name", NAMES)
def test_every_part_of_every_claim_shows_its_verdict(name, outcome):
    """Whatever the verdicts are: the notes are composed from invented ones, and must not improve on them."""
    target = resolve(name)
    grade = {"proved": "enclosed", "refuted": "exact", "supported": "sampled"}.get(outcome)
    found = Verdict((Finding("invented", outcome, grade, "for the sake of the test"),))
    rows = [
        Row(s.id, s.title, s, [PartResult(part, s.expect, found) for part in s.parts], [PartResult(part, "refuted", found) for part in s.mutants])
        for s in target.statements
    ]
    claims = {block.recheck: block for block in chapter(target, rows).blocks if isinstance(block, Claim)}
    assert list(claims) == [s.id for s in target.statements]
    for s in target.statements:
        assert claims[s.id].badge.standing == outcome
        assert sum(map(badges, claims[s.id].inside)) == len(s.parts), s.id
    assert any(isinstance(block, Table) for block in claims["C17"].inside) == (outcome == "proved")  # only what is proved stands in a table of values


def test_a_table_of_values_tells_what_was_proved():
    target = resolve("chou_rauhut_ward/C20")
    (statement,) = target.statements
    found = Verdict((Finding("limit", "proved", "enclosed"),))
    row = Row(statement.id, statement.title, statement, [PartResult(part, "proved", found) for part in statement.parts])
    (claim,) = [block for block in chapter(target, [row]).blocks if isinstance(block, Claim)]
    (table,) = [block for block in claim.inside if isinstance(block, Table)]
    told = [[text_of(cell) for cell in cells] for cells in table.rows]
    for cells, part in zip(told, statement.parts, strict=True):
        ((_, end),) = part.assertion.ends.items()
        assert ("plain" in cells[0]) == (end.kappa is None)
        value, off = (Fraction(cell.replace(r" \cdot 10^{", "e").replace("}", "")) for cell in cells[2:4])
        x = part.assertion.holds.left.free_symbols.pop()
        for probe in (value - 2 * off, value, value + 2 * off):  # |x - value| <= off says the same as the part
            holds = part.assertion.holds.left.subs(x, sympy.Rational(probe)) <= part.assertion.holds.right
            assert bool(holds) == (abs(probe - value) <= off)


def test_what_was_seen_is_told_with_its_tolerance_and_numbers():
    target = resolve("chou_rauhut_ward/C20-seen")
    (statement,) = target.statements
    found = Verdict((Finding("20 digits", "supported", "sampled"),))
    row = Row(statement.id, statement.title, statement, [PartResult(part, "supported", found) for part in statement.parts])
    (claim,) = [block for block in chapter(target, [row]).blocks if isinstance(block, Claim)]
    (shown,) = [block for block in claim.inside if isinstance(block, Display)]
    told = text_of(shown.note)
    for part in ("t = 100", r"within 5 \cdot 10^{-8}", "A = ((1, 0, 0), (0, 1, 1))", "r = 1", "u = (2/3, 1/3, 2/3)"):
        assert part in told, told


def test_the_command(folder, monkeypatch):
    monkeypatch.chdir(folder)
    runner, ledger = CliRunner(), ["--ledger", str(folder / "ledger.sqlite")]
    done = runner.invoke(app, ["notes", "laws.toml", "--to", "md,html", "-o", "deep/my.notes.html", *ledger])
    assert done.exit_code == 0, done.output
    assert (folder / "deep" / "my.notes.html").exists()
    assert (folder / "deep" / "my.notes.md").exists()
    done = runner.invoke(app, ["notes", "laws.toml", "--to", "md", "--to", "html, md", "-o", "deep", *ledger])
    assert done.exit_code == 0, done.output
    assert {"laws-notes.md", "laws-notes.html"} <= {Path(line).name for line in done.stdout.split()}
    assert (folder / "deep" / "laws-notes.html").exists()
    assert runner.invoke(app, ["notes", "laws.toml", "--to", "docx", *ledger]).exit_code == 2
    assert runner.invoke(app, ["notes", "absent.toml", *ledger]).exit_code == 2
    done = runner.invoke(app, ["notes", "laws.toml", "--to", "md", "-o", "laws", *ledger])  # would be read as prose the next time
    assert done.exit_code == 2
    assert (folder / "laws.md").read_text() == PROSE
    (folder / "deep" / "my.notes.md").write_text("old")
    done = runner.invoke(app, ["notes", "laws.toml", "--to", "md", "-o", "deep/my.notes", "--budget", "0", "--ledger", str(folder / "new.sqlite")])
    assert done.exit_code == 3
    assert (folder / "deep" / "my.notes.md").read_text() == "old"


def test_the_files_are_found_from_an_installed_package():
    from importlib.resources import files as resources

    assets = resources("polarflow.notes") / "assets"
    assert all((assets / name).is_file() for name in ("notes.css", "notes.typ", "notes.tex", "math.woff2", "regular.woff2"))
    assert Path(str(assets / "README.md")).exists()
