"""What a piece of code does besides computing: executing text, importing, opening files, starting processes, as Python's audit hooks tell it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

WATCHED = (
    "exec",
    "compile",
    "import",
    "open",
    "os.",
    "subprocess.",
    "socket.",
    "shutil.",
    "ctypes.",
    "pickle.",
    "marshal.",
    "code.__new__",
    "builtins.input",
)
_IMPORTER = "<frozen importlib._bootstrap"
_MONOMIALS = "sympy/polys/monomials.py"  # writes its loops out as code, from the number of variables alone
_seen: list[str] | None = None
_own = ""
_hooked = False


@contextmanager
def watched(own: str) -> Iterator[list[str]]:
    """The list of events inside the block; opening the file `own` is none, and neither is what an installed module does when it is first imported.

    An import is excused where the code that asks for it stands in a file, and everything below Python's importer: both are reached from installed
    code alone, for a text would have to be compiled first, which is seen.
    """
    global _seen, _own, _hooked
    if not _hooked:
        sys.addaudithook(_note)  # for good: a hook cannot be taken away
        _hooked = True
    events: list[str] = []
    _seen, _own = events, own
    try:
        yield events
    finally:
        _seen = None


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    global _seen
    if _seen is None or not event.startswith(WATCHED):
        return
    seen, _seen = _seen, None  # what is done here is not what is watched
    try:
        if not _excused(event, arguments):
            seen.append(f"{event} {arguments!r:.200}")
    finally:
        _seen = seen


def _excused(event: str, arguments: tuple[Any, ...]) -> bool:
    if event == "open" and str(arguments[0]) == _own and arguments[1] in ("r", "rb"):
        return True
    frame: FrameType | None = sys._getframe(2)  # the one that raised the event
    if event == "import" and frame is not None and not frame.f_code.co_filename.startswith("<"):
        return True
    while frame is not None:
        if frame.f_code.co_filename.startswith(_IMPORTER) or frame.f_code.co_filename.endswith(_MONOMIALS):
            return True
        frame = frame.f_back
    return False
