"""What the names of a statement are called in Rocq."""

from __future__ import annotations

from typing import Final

KEYWORDS: Final = frozenset(
    {
        "Axiom",
        "CoFixpoint",
        "Definition",
        "Fixpoint",
        "Hypothesis",
        "IF",
        "Parameter",
        "Prop",
        "SProp",
        "Set",
        "Theorem",
        "Type",
        "Variable",
        "as",
        "at",
        "by",
        "cofix",
        "else",
        "end",
        "exists",
        "exists2",
        "fix",
        "for",
        "forall",
        "fun",
        "if",
        "in",
        "let",
        "match",
        "mod",
        "return",
        "then",
        "using",
        "where",
        "with",
    }
)
USED: Final = frozenset(
    {
        "INR",
        "O",
        "R",
        "Rabs",
        "Rpower",
        "S",
        "conserved",
        "cos",
        "derivable_pt_lim",
        "equal",
        "evolves",
        "exp",
        "gradient",
        "h",
        "left",
        "ln",
        "moves",
        "nat",
        "quantity",
        "rate",
        "right",
        "s",
        "sin",
        "sqrt",
        "sum",
        "t",
        "t0",
        "t1",
        "update",
        "value",
    }
)
RESERVED: Final = KEYWORDS | USED


def rocq_name(name: str) -> str:
    """The name itself, with an underscore after it where Rocq or the exported file has another use for the word; no two names become one.

    >>> rocq_name("kappa"), rocq_name("R"), rocq_name("R_")
    ('kappa', 'R_', 'R__')
    """
    return name + "_" if name.rstrip("_") in RESERVED or name.startswith("_") else name
