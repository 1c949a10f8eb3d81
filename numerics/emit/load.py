"""From generated source to a function."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from .text import MARK


@lru_cache(maxsize=256)
def compile(source: str) -> Callable[..., tuple[Any, ...]]:
    """Let `source` be text of one of our printers: its function `velocity`. The same text is compiled once.

    Raises `ValueError` for text that no printer of this package wrote.
    """
    if not source.startswith(MARK):
        raise ValueError("only source written by numerics.emit.source is compiled; the text given does not begin as it does")
    namespace: dict[str, Any] = {}
    exec(source, namespace)  # the text is ours
    found: Callable[..., tuple[Any, ...]] = namespace["velocity"]
    return found
