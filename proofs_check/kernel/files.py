"""Certificates in files: found in any JSON, re-checked, and reported in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from .checking import check
from .language import Json, Rejected
from .telling import tell

_WANTED = "wanted is what `polarflow verify --json` or `--certificates` writes"


class Unreadable(ValueError):
    """A file that holds no certificate; the text says why, and what was wanted."""


def certificates(content: Json) -> Iterator[Json]:
    """Every certificate in a piece of JSON, however deep it lies."""
    if isinstance(content, dict):
        if "format" in content and "kind" in content:
            yield content
            return
        content = list(content.values())
    if isinstance(content, list):
        for entry in content:
            yield from certificates(entry)


def recheck(paths: Sequence[Path], say: Callable[[str], None], *, brief: bool = False) -> bool:
    """Whether every certificate in the files is accepted. Each is reported: what it establishes and, unless `brief`, of what; or why it is rejected.

    Raises `Unreadable`.
    """
    accepted = True
    for path in paths:
        try:
            found = list(certificates(json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError, RecursionError) as error:
            raise Unreadable(f"{path} cannot be read as JSON ({error}); {_WANTED}") from error
        if not found:
            raise Unreadable(f"{path} holds no certificate; {_WANTED}")
        for certificate in found:
            try:
                established = check(certificate)
            except Rejected as error:
                accepted = False
                say(f"{path}: rejected: {error}")
                continue
            where = f"; where {', '.join(established.conditions)}" if established.conditions else ""
            say(f"{path}: {established.outcome}: {established.text}{where}")
            for line in () if brief else tell(certificate):
                say(f"    {line}")
    return accepted
