"""What a printer is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from ..exact import Exact
from ..program import Program


@dataclass(frozen=True)
class Emitter:
    """Let `emit(program, title)` be source of a velocity, and `values(exact)` exact numbers as that source wants them.

    `digits` is the precision of its arithmetic, none where the caller sets it; Python source is what `compile` takes.
    """

    emit: Callable[[Program, str], str]
    values: Callable[[Exact], Any]
    digits: int | None
    language: Literal["Python", "C"] = "Python"
