"""What a search proposes, before anyone has proved it."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp


@dataclass(frozen=True)
class Candidate:
    """Let `law` be an expression in the symbols of a system's coordinates, conserved at every point where the search has tried it.

    `kind` is one word for it ("polynomial", "logarithm", "rational", "exponential", "arctangent"), `origin` a sentence on how it was found.
    """

    law: sp.Expr
    kind: str
    origin: str
