"""From targets to files: verify (or look up), compose, write; an unfinished build leaves the old file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from proofs_check.ledger import Ledger
from theory.files import read
from theory.papers import NAMES

from ..targets import Target
from ..verifying import Options, Row, go_through, size_of
from ..writing import write_whole
from .appendix import appendix, count
from .compose import chapter
from .document import Chapter, Document, Text
from .stamp import bears, stamp

DEFAULT = Options()
FORMATS = ("html", "pdf", "tex", "ipynb", "md")

Report = Callable[[str, float], None]


class CannotBuild(ValueError):
    """Notes that cannot be made; the text says why and what to do."""


def build(
    targets: Sequence[Target],
    to: Sequence[str],
    out: Path,
    ledger: Ledger,
    *,
    options: Options = DEFAULT,
    title: str = "",
    since: bool = False,
    report: Report = lambda said, share: None,
) -> tuple[Path, ...]:
    """Let targets, formats and a path be given: the notes, written there with the ending of each format; the paths of the files.

    What the ledger knows is not checked again. With `since`, a format whose file was made from what there is today is left alone, and its path is not
    among those returned. LaTeX and Markdown come with a folder of figures beside them. `report` is told what is being done, and the share that is
    done. Raises `CannotBuild`, `BadProse`, and `BudgetSpent` when the time given ran out; then nothing was written.
    """
    wrong = [form for form in to if form not in FORMATS]
    if wrong or not to:
        raise CannotBuild(f"the format {', '.join(wrong) or 'none'} was given; there are {', '.join(FORMATS)}")
    if not targets:
        raise CannotBuild("no target was given; give a paper or a theory file")
    for target in targets:
        if "md" in to and target.name.endswith(".toml") and _beside(target).resolve() == path_of(out, "md").resolve():
            raise CannotBuild(f"{_beside(target)} is where the prose of {target.name} stands; give another name with --output")
    if since:
        mark = stamp(targets, list(map(prose_of, targets)), options, title)
        to = [form for form in to if not bears(path_of(out, form), mark)]
        if not to:
            return ()
    document = compose(targets, ledger, options=options, title=title, report=report)
    files: dict[Path, bytes] = {}
    for n, form in enumerate(to):
        report(f"writing {form}", 0.9 + 0.1 * n / len(to))
        files |= written(document, form, path_of(out, form))
    for path, content in reversed(files.items()):  # the notes last, when everything they refer to is there
        write_whole(path, content)
    return tuple(files)


def path_of(out: Path, to: str) -> Path:
    """Where the notes are written in a format: the path that was given, with the ending of the format."""
    stem = out.with_suffix("") if out.suffix.removeprefix(".") in FORMATS else out
    return stem.with_name(f"{stem.name}.{to}")


def compose(
    targets: Sequence[Target],
    ledger: Ledger,
    *,
    options: Options = DEFAULT,
    title: str = "",
    report: Report = lambda said, share: None,
) -> Document:
    """The document, with everything in it checked or looked up."""
    prose = [prose_of(target) for target in targets]
    mark = stamp(targets, prose, options, title)  # of what is read now: what is edited while this runs makes the notes old
    steps, done = sum(map(size_of, targets)) or 1, 0
    chapters: list[Chapter] = []
    everything: list[Row] = []
    outcomes: dict[str, dict[str, str]] = {}
    for target, source in zip(targets, prose, strict=True):
        rows: list[Row] = []
        for step in go_through(target, ledger, options):
            if not rows or rows[-1] is not step.row:
                rows.append(step.row)
            done += 1
            report(f"{step.row.id} {step.label}", 0.8 * done / steps)

        def working(said: str, share: float = 0.8 * done / steps) -> None:
            report(said, share)

        composed = chapter(target, rows, source, digits=options.digits, conventions=not chapters, report=working)
        chapters.append(composed)
        everything += rows
        outcomes[composed.given] = {row.id: row.outcome for row in rows if row.statement is not None}
    given = [one.given for one in chapters]
    if len({one.anchor for one in chapters}) < len(chapters):
        raise CannotBuild(f"of {', '.join(given)} two have the same name; give one of the files another")
    titles = [part for one in chapters for part in (Text(" · "), *one.title)][1:]
    return Document((Text(title),) if title else tuple(titles), tuple(chapters), appendix(given, options), count(everything), outcomes, mark)


def prose_of(target: Target) -> str:
    """The Markdown beside a target, theory/papers/NAME/notes.md or my_model.md beside my_model.toml; without one, the text of the theory file."""
    if target.name in NAMES:
        beside = files("theory.papers") / target.name / "notes.md"
        return beside.read_text() if beside.is_file() else ""
    if not target.name.endswith(".toml"):
        return ""
    return _beside(target).read_text() if _beside(target).is_file() else f"\n---\n{read(Path(target.name)).text}"


def _beside(target: Target) -> Path:
    """Where the prose of a theory file is looked for."""
    return Path(target.name).with_suffix(".md")


def written(document: Document, to: str, out: Path) -> Mapping[Path, bytes]:
    """A document in a format: every file with its content, the notes first."""
    match to:
        case "html":
            from .writers.html import write_html

            return {out: write_html(document)}
        case "pdf":
            from .writers.pdf import write_pdf

            return {out: write_pdf(document)}
        case "tex":
            from .writers.tex import write_tex

            return write_tex(document, out)
        case "ipynb":
            from .writers.notebook import write_notebook

            return {out: write_notebook(document, out)}
        case _:
            from .writers.markdown import write_markdown

            return write_markdown(document, out)
