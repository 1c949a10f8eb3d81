"""What the command line does with Rocq: claims written as files."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from pathlib import Path

from proofs_check.rocq import PRELUDE, Exported, NotInstalled, compiler, export, prelude

from .targets import Target


class NothingToExport(ValueError):
    """A target without a claim that has a rule; the text gives the reasons."""


def exported(target: Target) -> tuple[Exported, ...]:
    """The claims of a target as files of Rocq, in their order.

    Raises `NothingToExport` when no part of any claim can be written.
    """
    found = tuple(export(statement) for statement in target.statements)
    if not any(one.modules for one in found):
        reasons = "; ".join(dict.fromkeys(left.reason for one in found for left in one.refused)) or "it makes no claim"
        raise NothingToExport(f"nothing of {target.name} can be exported to Rocq: {reasons}")
    return found


def write(claims: Sequence[Exported], folder: Path) -> tuple[Path, ...]:
    """The prelude and one file for each claim that has a theorem, in a folder, ready for `coqc -R . "" NAME.v`, the prelude first.

    Raises `OSError` when the folder cannot be written.
    """
    content = {PRELUDE: prelude()}
    for one in claims:
        if one.modules:
            names = (f"{one.name}_{n}" if n > 1 else one.name for n in count(1))
            content[next(name for name in names if name not in content)] = one.text
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in content.items():
        (folder / f"{name}.v").write_text(text, encoding="utf-8")
    return tuple(folder / f"{name}.v" for name in content)


def missing() -> str:
    """Why Rocq cannot be run, with how to install it; the empty text when it can."""
    try:
        compiler()
    except NotInstalled as error:
        return str(error)
    return ""
