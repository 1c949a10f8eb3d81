"""Long formulas on several lines: broken at relations, then at plus and minus, and only then inside brackets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .layout import EMPTY, Big, Fence, Fraction, Gap, Layout, Lines, Name, Row, Script, Sign, row, tall, width

WIDEST = 36.0  # em, what a page of a book and a column on a screen can hold
INDENT = Gap(1.0)
TIMES = Sign("·")
LEAST_FILL = 0.45


@dataclass(frozen=True)
class _Piece:
    """Something that stays whole; `depth` says how many brackets a break before it would cut, None that there must be none; a
    `factor` that begins a line is preceded by a sign of multiplication."""

    layout: Layout
    depth: int | None = None
    factor: bool = False


def display(left: Layout, *more: tuple[Sign, Layout], widest: float = WIDEST) -> Lines:
    """Left side, relation, right side, and perhaps further relations: on one line if they fit, aligned at the relations otherwise."""
    whole = row(left, *(part for sign, right in more for part in (sign, right)))
    if width(whole) <= widest or (not more and width(left) <= widest):
        return Lines(((left, row(*(part for sign, right in more for part in (sign, right)))),)) if more else Lines(((EMPTY, left),))
    if width(left) <= 0.3 * widest:
        lines = []
        room = widest - width(left)
        for n, (sign, right) in enumerate(more):
            for m, part in enumerate(broken(right, room - width(sign) - 1)):
                lines.append((left if n == m == 0 else EMPTY, row(sign, part) if m == 0 else row(INDENT, part)))
        return Lines(tuple(lines))
    lines = [(EMPTY, part if n == 0 else row(INDENT, part)) for n, part in enumerate(broken(left, widest - 1))]
    for sign, right in more:
        if width(lines[-1][1]) + width(sign) + width(right) <= widest - 1:
            lines[-1] = (EMPTY, row(lines[-1][1], sign, right))
            continue
        for n, part in enumerate(broken(right, widest - 3)):
            lines.append((EMPTY, row(INDENT, sign, part) if n == 0 else row(INDENT, INDENT, part)))
    return Lines(tuple(lines))


def listed(head: Layout, items: Sequence[Layout], *, widest: float = WIDEST) -> Lines:
    """A heading with a list after it, broken between the items of the list."""
    lines: list[Layout] = [head]
    for n, item in enumerate(items):
        told = row(item, Sign(",", "punctuation")) if n + 1 < len(items) else item
        fits = width(lines[-1]) + width(told) + 1 <= widest
        lines[-1:] = [row(lines[-1], INDENT, told)] if fits else [lines[-1], row(INDENT, INDENT, told)]
    return Lines(tuple((EMPTY, line) for line in lines))


def broken(formula: Layout, room: float) -> list[Layout]:
    """The formula in pieces that are no wider than the room, as far as there are places to break it."""
    lines: list[Layout] = []
    pieces = _pieces(formula, 0, room)
    while pieces:
        n = _first_line(pieces, room)
        times = (TIMES, Gap(0.2)) if lines and pieces[0].factor else ()
        lines.append(row(*times, *(piece.layout for piece in pieces[:n])))
        pieces = pieces[n:]
    return lines or [EMPTY]


def _first_line(pieces: Sequence[_Piece], room: float) -> int:
    """How many pieces go on the next line: to the break that cuts the fewest brackets, and of these the last."""
    used, choices = 0.0, []
    for n, piece in enumerate(pieces):
        if n and piece.depth is not None and used <= room:
            choices.append((n, piece.depth, used))
        used += width(piece.layout)
    if used <= room:
        return len(pieces)
    if not choices:
        return next((n for n, piece in enumerate(pieces) if n and piece.depth is not None), len(pieces))
    full = [choice for choice in choices if choice[2] >= LEAST_FILL * room] or choices
    least = min(depth for _, depth, _ in full)
    return max(n for n, depth, _ in full if depth == least)


def _pieces(formula: Layout, depth: int, room: float) -> list[_Piece]:
    items = formula.items if isinstance(formula, Row) else (formula,)
    found: list[_Piece] = []
    for n, item in enumerate(items):
        if isinstance(item, Sign) and item.kind in ("binary", "relation") and n:
            found.append(_Piece(item, depth))
        elif isinstance(item, Fence) and width(item) > 0.6 * room:
            size = "large " if tall(item.body) else ""
            found.append(_Piece(Sign(size + item.left, "open"), depth + 1 if _follows(items, n) else None, factor=True))
            found += [_Piece(p.layout, p.depth if m else None, p.factor) for m, p in enumerate(_pieces(item.body, depth + 1, room))]
            found.append(_Piece(Sign(size + item.right, "close")))
        elif isinstance(item, Script) and isinstance(item.base, Fence) and width(item) > 0.6 * room:
            inner = _pieces(item.base, depth, room)
            found += inner[:-1]  # the exponent stays with the bracket that closes
            found.append(_Piece(Script(inner[-1].layout, item.below, item.above)))
        elif isinstance(item, Fence | Big | Fraction | Script) and _follows(items, n):
            found.append(_Piece(item, depth + 2, factor=True))  # between factors, if nothing else will do
        else:
            found.append(_Piece(item))
    return found


def _follows(items: Sequence[Layout], n: int) -> bool:
    """Whether something to multiply with stands before place n."""
    return n > 0 and not isinstance(items[n - 1], Sign | Big | Gap | Name)
