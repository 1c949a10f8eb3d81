"""Formulas as they are laid out: a small tree that LaTeX, Typst and MathML are printed from.

Characters are Unicode (κ, ∑, ‖); each printer has its own names for them. Nothing here knows what a formula means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind = Literal["ordinary", "prefix", "binary", "relation", "punctuation", "open", "close"]


@dataclass(frozen=True)
class Letter:
    """A letter, or a name of several letters that is set upright."""

    text: str
    style: Literal["italic", "upright", "bold", "blackboard", "script"] = "italic"


@dataclass(frozen=True)
class Number:
    text: str


@dataclass(frozen=True)
class Sign:
    """A sign with the room around it that its kind asks for."""

    text: str
    kind: Kind = "ordinary"


@dataclass(frozen=True)
class Name:
    """The name of a function: log, exp, sin."""

    text: str


@dataclass(frozen=True)
class Words:
    """Text within a formula."""

    text: str


@dataclass(frozen=True)
class Gap:
    """Room, in em."""

    em: float


@dataclass(frozen=True)
class Row:
    items: tuple[Layout, ...]


@dataclass(frozen=True)
class Fraction:
    above: Layout
    below: Layout


@dataclass(frozen=True)
class Script:
    base: Layout
    below: Layout | None = None
    above: Layout | None = None


@dataclass(frozen=True)
class Big:
    """A sum or an integral sign with its limits."""

    text: str
    below: Layout | None = None
    above: Layout | None = None


@dataclass(frozen=True)
class Root:
    body: Layout
    degree: Layout | None = None


@dataclass(frozen=True)
class Fence:
    """Brackets that grow with what they hold."""

    left: str
    body: Layout
    right: str


@dataclass(frozen=True)
class Accent:
    """A mark over a letter: a dot for the derivative in time, a bar, a hat, a tilde."""

    mark: Literal["dot", "bar", "hat", "tilde"]
    base: Layout


Layout: TypeAlias = Letter | Number | Sign | Name | Words | Gap | Row | Fraction | Script | Big | Root | Fence | Accent


@dataclass(frozen=True)
class Lines:
    """A displayed formula of several lines, each cut in two where it is aligned."""

    lines: tuple[tuple[Layout, Layout], ...]


EMPTY = Row(())
EQUALS = Sign("=", "relation")
PLUS, MINUS = Sign("+", "binary"), Sign("−", "binary")
NEGATIVE = Sign("−", "prefix")


def row(*items: Layout) -> Layout:
    """The items side by side, rows among them opened; one item is itself."""
    flat: list[Layout] = []
    for item in items:
        flat += item.items if isinstance(item, Row) else (item,)
    return flat[0] if len(flat) == 1 else Row(tuple(flat))


_ROOM = {"binary": 0.9, "relation": 1.1, "punctuation": 0.4, "prefix": 0.1, "ordinary": 0.0, "open": 0.0, "close": 0.0}


def width(node: Layout) -> float:
    """About how wide a formula is, in em: rather too much than too little."""
    match node:
        case Letter(text):
            return 0.62 if len(text) == 1 else 0.52 * len(text)
        case Number(text):
            return 0.52 * len(text)
        case Sign(text, kind):
            return 0.45 + _ROOM[kind] + (0.25 if text in "=+−→∞" else 0)
        case Name(text):
            return 0.5 * len(text) + 0.2
        case Words(text):
            return 0.48 * len(text)
        case Gap(em):
            return em
        case Row(items):
            return sum(map(width, items))
        case Fraction(above, below):
            return max(width(above), width(below)) + 0.3
        case Script(base, below, above):
            return width(base) + 0.72 * max((width(part) for part in (below, above) if part is not None), default=0.0)
        case Big(_, below, above):
            return max(1.4, 0.72 * max((width(part) for part in (below, above) if part is not None), default=0.0)) + 0.25
        case Root(body, _):
            return width(body) + 0.9
        case Fence(_, body, _):
            return width(body) + 1.0
        case Accent(_, base):
            return width(base)


def tall(node: Layout) -> bool:
    """Whether a formula is higher than a line of text."""
    match node:
        case Fraction() | Big():
            return True
        case Row(items):
            return any(map(tall, items))
        case Script(base, _, _):
            return tall(base)
        case Root(body, _) | Fence(_, body, _) | Accent(_, body):
            return tall(body)
        case _:
            return False
