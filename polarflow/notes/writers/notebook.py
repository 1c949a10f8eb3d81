"""A Jupyter notebook: the text, and after every claim a cell that proves or refutes it again and compares with what the notes say."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..document import Block, Chapter, Claim, Document, Figure, plain
from .markdown import CELL, markdown

SETUP = """\
import polarflow as pf


def recheck(statement, wanted):
    \"\"\"Prove or refute every part afresh, and compare with what the notes say of the claim.\"\"\"
    outcomes = [pf.verdict(part).outcome for part in statement.parts]
    order = ["refuted", "unknown", "supported", "proved"]
    found = min(outcomes, key=order.index)
    assert found == wanted, f"{statement.id}: the notes say {wanted}, and this run found {found}"
    for part, outcome in zip(statement.parts, outcomes):
        print(f"{outcome:10} {part.label or statement.title}")"""


def write_notebook(document: Document, out: Path) -> bytes:
    """The notebook as JSON, without outputs; run it to fill them in."""
    cells: list[Any] = []
    for n, chapter in enumerate(document.chapters):
        cells.append(_text(f"# {plain(chapter.title)}\n\n{document.count if n == 0 else ''}", {}))
        if n == 0:
            cells.append(_code(SETUP))
        cells += _cells(chapter, document.outcomes.get(chapter.given, {}), out)
    cells.append(_text(f"## Appendix: how to check this again\n\n{markdown(document.appendix, lambda figure: '', CELL)}", {}))
    for n, cell in enumerate(cells):
        cell["id"] = f"cell-{n}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    told = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}, "polarflow": document.stamp},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode()


def _cells(chapter: Chapter, outcomes: dict[str, str], out: Path) -> list[Any]:
    if ".toml" in chapter.given:
        path = os.path.relpath(chapter.given.rpartition(".toml")[0] + ".toml", out.parent)
        source = f"statements = {{s.id: s for s in pf.read({path!r}).statements}}"
    else:
        source = f"statements = {{s.id: s for s in pf.paper({chapter.given.split('/')[0]!r}).statements}}"
    cells = [_code(source)] if outcomes else []
    pending: list[Block] = []
    for block in chapter.blocks:
        pending.append(block)
        if isinstance(block, Claim):
            cells += [_blocks(pending), _code(f"recheck(statements[{block.recheck!r}], {outcomes[block.recheck]!r})")]
            pending = []
    return [*cells, _blocks(pending)] if pending else cells


def _blocks(blocks: Sequence[Block]) -> Any:
    attached: dict[str, Any] = {}

    def place(figure: Figure) -> str:
        attached[f"{figure.name}.png"] = {"image/png": base64.b64encode(figure.picture("png")).decode()}
        return f"attachment:{figure.name}.png"

    return _text(markdown(blocks, place, CELL), attached)


def _text(source: str, attached: dict[str, Any]) -> Any:
    cell: dict[str, Any] = {"cell_type": "markdown", "metadata": {}, "source": source}
    return {**cell, "attachments": attached} if attached else cell


def _code(source: str) -> Any:
    return {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [], "source": source}
