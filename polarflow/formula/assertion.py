"""Assertions and derivation steps as displayed formulas, with the short names they use."""

from __future__ import annotations

from dataclasses import dataclass, replace

import sympy as sp

from polarflow.printing import formula, text
from theory.derivations import dot
from theory.statements import AtLimit, AtMost, Complete, Equal, Evolves, Gradient, Observed, Order
from theory.symbols import Indices, away_from

from .breaking import display, listed
from .house import PLAIN, Style, _House, _listed
from .latex import escaped, latex, latex_lines
from .layout import EQUALS, Fence, Fraction, Gap, Layout, Lines, Number, Sign, Words, row


@dataclass(frozen=True)
class Shown:
    """A displayed formula, the indices it holds for, what is said of it in words, and what its short names stand for."""

    lines: Lines
    every: Layout | None = None
    note: str = ""
    where: tuple[tuple[Layout, Layout], ...] = ()


def assertion(stated: object, style: Style = PLAIN) -> Shown:
    """An assertion; of a kind that is not known here, its text."""
    indices: Indices = getattr(stated, "indices", ())
    house = _House(style, (i for i, _ in indices))
    match stated:
        case Evolves(quantity, rate, indices):
            taken = {i for i, _ in indices}
            lines = display(house.put(dot(away_from(quantity, taken))), (EQUALS, house.put(away_from(rate, taken))))
        case Equal(left, right, indices):
            taken = {i for i, _ in indices}
            lines = display(house.put(away_from(left, taken)), (EQUALS, house.put(away_from(right, taken))))
        case Gradient(of, by, value, indices):
            own = tuple(i for i, _ in indices)
            entry, of = house.put(by[own]), away_from(of, set(own))
            partial = Sign("∂")
            if isinstance(of, sp.Symbol | sp.Indexed):
                partly: Layout = Fraction(row(partial, house.put(of)), row(partial, entry))
            else:
                partly = row(Fraction(partial, row(partial, entry)), Gap(0.17), Fence("(", house.put(of), ")"))
            lines = display(partly, (EQUALS, house.put(away_from(value, set(own)))))
        case Complete(count, laws):
            head = Words(f"exactly {count} independent laws:")
            lines = listed(head, [house.put(law.value) for law in laws])
            return Shown(lines, None, "", _where(house, style))
        case AtMost(left, right, indices, strict):
            taken = {i for i, _ in indices}
            relation = Sign("<" if strict else "≤", "relation")
            lines = display(house.put(away_from(left, taken)), (relation, house.put(away_from(right, taken))))
            narrowed = [row(house.put(condition.family.value), Sign("≥", "relation"), Number("0")) for condition in stated.where]
            if narrowed:
                lines = Lines((*lines.lines, *listed(Words("where"), narrowed).lines))
        case AtLimit(holds):
            return assertion(holds, style)
        case Observed(quantity) | Order(quantity):
            return Shown(display(house.put(quantity)), None, formula(stated).removeprefix(text(quantity)).strip(), _where(house, style))
        case _:
            return Shown(display(Words("")), None, str(stated))
    every: Layout | None = _listed([house.put(i) for i, _ in indices]) if indices else None
    return Shown(lines, every, "", _where(house, style))


def formula_latex(stated: object, style: Style = PLAIN) -> str:
    """An assertion in LaTeX, without the marks that open and close a display."""
    shown = assertion(stated, style)
    every = rf"\qquad\text{{for all }} {latex(shown.every)}" if shown.every is not None else ""
    return latex_lines(shown.lines) + every + (rf"\quad\text{{{escaped(shown.note)}}}" if shown.note else "")


def expression_latex(e: sp.Basic, style: Style = PLAIN) -> str:
    """An expression in LaTeX."""
    return latex(_House(style).put(e))


def equation(left: sp.Basic, right: sp.Basic, style: Style = PLAIN) -> Shown:
    """left = right."""
    house = _House(style)
    return Shown(display(house.put(left), (EQUALS, house.put(right))), None, "", _where(house, style))


def expression(e: sp.Basic, style: Style = PLAIN) -> Shown:
    """An expression of its own."""
    house = _House(style)
    return Shown(display(house.put(e)), None, "", _where(house, style))


def _where(house: _House, style: Style) -> tuple[tuple[Layout, Layout], ...]:
    """What the short names stand for; a name that is defined by another comes before it."""
    found: dict[str, tuple[Layout, Layout]] = {}
    pending = dict(house.used)
    while pending:
        key, e = pending.popitem()
        inner = _House(replace(style, short={k: v for k, v in style.short.items() if k != key}))
        found[key] = (style.short[key], inner.put(e))
        pending |= {k: v for k, v in inner.used.items() if k not in found}
    return tuple(found[key] for key in style.short if key in found)
