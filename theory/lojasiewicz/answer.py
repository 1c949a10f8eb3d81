"""What is known of an exponent, by which theorem, and on which conditions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import sympy as sp

from ..statements import Part

Relation = Literal["exact", "at most", "unknown"]


@dataclass(frozen=True)
class Condition:
    """What a theorem asks for, in words.

    It can be read off the identities in `parts`, once a kernel has accepted them; without parts it was decided by exact arithmetic here, and by
    nobody else.
    """

    text: str
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Exponent:
    """Let $\\theta$ be least with $|\\nabla f| \\ge c\\,|f - f(a)|^\\theta$ near $a$ for some $c > 0$: equal to `value`, or at most that, or unknown.

    `theorem` says what was applied, or why nothing could be; `citation` is given where the theorem is taken from the literature, and not proved
    in the documentation.
    """

    value: sp.Rational | None
    relation: Relation
    theorem: str
    conditions: tuple[Condition, ...] = ()
    citation: str = ""

    @property
    def parts(self) -> tuple[Part, ...]:
        return tuple(part for condition in self.conditions for part in condition.parts)

    @property
    def certified(self) -> bool:
        """Whether nothing is left to believe but the theorem, once a kernel has accepted the parts."""
        return self.relation != "unknown" and not self.citation and all(condition.parts for condition in self.conditions)


def unknown(reason: str) -> Exponent:
    """No bound, and why."""
    return Exponent(None, "unknown", reason)
