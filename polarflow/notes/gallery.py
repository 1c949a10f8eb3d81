"""The gallery: notes of every shipped paper as pages, PDF and Markdown, and an index; written by python -m polarflow.notes.gallery FOLDER."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path

from proofs_check.ledger import Ledger, default_path, opened
from theory.papers import NAMES

from ..targets import resolve
from .build import build, path_of

FORMS = ("html", "pdf", "md")
STYLE = (
    ":root { color-scheme: light dark; } body { font: 1.05rem/1.5 Georgia, serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem; } "
    "li { margin: 1rem 0; } p { margin: .2rem 0; }"
)


def gallery(folder: Path, ledger: Ledger, names: Sequence[str] = NAMES) -> tuple[Path, ...]:
    """Let a folder be given: in it the notes of the papers, those that are as they would be built now left alone, and index.html; their paths.

    Raises what `build` raises.
    """
    items = []
    for name in names:
        build([resolve(name)], FORMS, folder / name, ledger, since=True)
        page = path_of(folder / name, "html").read_text(encoding="utf-8")
        found = re.search(r'<h1>(.*?)</h1><p class="lead">(.*?)</p>', page)
        assert found is not None  # of how the page opens
        others = ", ".join(f'<a href="{escape(name)}.{form}">{form} of {escape(name)}</a>' for form in FORMS if form != "html")
        items.append(f'<li><p><a href="{escape(name)}.html">{found[1]}</a></p><p>{found[2]}</p><p>Also: {others}</p></li>')
    index = folder / "index.html"
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Gallery</title><style>{STYLE}</style>'
    body = f"<main><h1>Lecture notes of the shipped papers</h1><ul>{''.join(items)}</ul></main>"
    index.write_text(f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>{body}</body></html>\n', encoding="utf-8")
    return (*(path_of(folder / name, form) for name in names for form in FORMS), index)


if __name__ == "__main__":
    with opened(default_path()) as book:
        for path in gallery(Path(sys.argv[1]), book):
            print(path)
