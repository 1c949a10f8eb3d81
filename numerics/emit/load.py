"""From generated source to a function."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from .text import C_MARK, MARK


@lru_cache(maxsize=256)
def compile(source: str) -> Callable[..., tuple[Any, ...]]:
    """Let `source` be text of one of our printers: its function `velocity`. The same text is compiled once.

    Raises `ValueError` for text that no printer of this package wrote, and for C, which a compiler of C takes; `ModuleNotFoundError` when the
    library the source is for is not installed.
    """
    if source.startswith(C_MARK):
        raise ValueError("this is C; write it to a file, compile it as its header says, and load it with ctypes, or choose another target")
    if not source.startswith(MARK):
        raise ValueError("only source written by numerics.emit.source is compiled; the text given does not begin as it does")
    namespace: dict[str, Any] = {}
    exec(source, namespace)  # the text is ours
    found: Callable[..., tuple[Any, ...]] = namespace["velocity"]
    return found
