"""The papers, one module each; a new one is listed here."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module

from ..statements import Paper

NAMES = ("chou_rauhut_ward",)


@cache
def paper(name: str) -> Paper:
    """The statements of a shipped paper.

    Raises `KeyError` when there is none of that name.
    """
    if name not in NAMES:
        raise KeyError(f"no paper {name!r}; shipped are {', '.join(NAMES)}")
    build: Callable[[], Paper] = import_module(f".{name}", __name__).paper
    return build()
