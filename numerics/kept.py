"""What has been made for a problem is made once."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from .problem import Problem

T = TypeVar("T")

_MOST = 64  # things kept for one problem; who asks for ever new ones has them made anew
_KEPT: dict[int, dict[Hashable, Any]] = {}


def kept(problem: Problem, name: Hashable, make: Callable[[], T]) -> T:
    """What `make()` returns, made once for every name and kept as long as the problem lives, unless it is one of too many.

    Problems hold tables of fractions, which are not compared: two that are equal are two.
    """
    known = _KEPT.get(id(problem))
    if known is None:
        known = _KEPT[id(problem)] = {}
        weakref.finalize(problem, _KEPT.pop, id(problem), None)
    try:
        found: T = known[name]
    except KeyError:
        found = make()
        if len(known) >= _MOST:
            known.pop(next(iter(known)), None)
        known[name] = found
    return found
