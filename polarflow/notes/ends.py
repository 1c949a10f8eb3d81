"""What is said of limits: the data of an instance once for a claim, the numbers that are the same but for their value in one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby

import sympy as sp

from theory.settings import Values
from theory.statements import AtLimit, Ending, Observed, Order

from ..formula import EQUALS, Shown, Style, assertion, decimal, expression, letter, number
from ..formula.house import LONG, flat
from ..formula.layout import Layout, Letter, Script, Sign, row
from ..verifying import PartResult
from .badges import of_verdict
from .document import Block, Display, Formula, Inline, Listing, Paragraph, Styled, Table, Text
from .figures import against_scale
from .words import words

OF = {"x": "the limit", "rho": "the magnification", "rate": "the rate in the end"}
LEAST_ROWS = 2  # of a table
LEAST_POINTS = 4  # of a curve
MOST_PLACES = 80  # of a decimal

Data = tuple[tuple[tuple[Fraction, ...], ...], tuple[Fraction, ...]]


@dataclass(frozen=True)
class Named:
    """The pairs of a matrix and a target that occur in a claim, each with a name."""

    names: Mapping[Data, str]

    def told(self, style: Style) -> Iterator[Block]:
        """A paragraph with the data."""
        if not self.names:
            return
        told = [(*valued("A", matrix, style), Text(", "), *valued("y", target, style)) for matrix, target in self.names]
        if self.several:
            yield Listing(tuple((Paragraph((Text(f"{name}: "), *one, Text("."))),) for name, one in zip(self.names.values(), told, strict=True)))
        else:
            yield Paragraph((Styled("emphasis", (Text("Data:"),)), Text(" "), *told[0], Text(".")))

    def of(self, end: Ending) -> str:
        return self.names[end.matrix, end.target]

    @property
    def several(self) -> bool:
        return len(self.names) > 1


def named(parts: Sequence[PartResult]) -> Named:
    """Names for the data of these parts, in the order in which they occur."""
    ends = [end for one in parts if isinstance(one.part.assertion, AtLimit) for end in one.part.assertion.ends.values()]
    pairs = dict.fromkeys((end.matrix, end.target) for end in ends)
    return Named({pair: f"data {n + 1}" for n, pair in enumerate(pairs)})


def note(stated: AtLimit | Observed | Order, data: Named, style: Style) -> tuple[Inline, ...]:
    """What the letters of an assertion about an instance stand for."""
    told: list[Inline] = []
    match stated:
        case AtLimit(_, ends, given):
            for name, end in ends.items():
                told += [Text("; " if told else ""), Formula(letter(name, style)), Text(f" is {OF[end.of]} of "), *_flow(end, style)]
                told += [*_on(data, end), Text(", from "), *_start(end.start, style)]
            told += [one for name, value in given.items() for one in (Text("; "), *valued(name, value, style))]
        case Observed(_, _, _, within, given, start):
            told += [one for n, off in enumerate(within) for one in (Text(", " if n else "within "), Formula(decimal(sp.Rational(off))))]
            told += [Text(", for "), *_numbers({**given, **start}, style)]
        case Order(data=given, start=start, sign=sign):
            if sign != "any":
                told += [Formula(row(letter("C", style), Sign(">" if sign == "positive" else "<", "relation"), number(sp.S.Zero))), Text(", ")]
            told += [Text("for "), *_numbers({**given, **start}, style)]
    return tuple(told)


def _numbers(given: Mapping[str, Values], style: Style) -> Iterator[Inline]:
    for n, (name, value) in enumerate(given.items()):
        yield Text(", " if n else "")
        yield from valued(name, value, style)


def grouped(parts: Sequence[PartResult]) -> Iterator[tuple[PartResult, ...]]:
    """Neighbouring parts that say which value one expression has, or the same of several limits; every other part alone."""
    for key, run in groupby(parts, key=lambda one: _shape(one) or _same(one)):
        own = tuple(run)
        if key is not None and len(own) >= LEAST_ROWS:
            yield own
        else:
            yield from ((one,) for one in own)


def table(name: str, parts: Sequence[PartResult], data: Named, style: Style) -> Iterator[Block]:
    """Values of one expression: a row for each part, with its verdict; and a picture, if they are for several scales of the start.

    What is the same formula for several limits is printed once, with a row for each part.
    """
    first = parts[0].part.assertion
    assert isinstance(first, AtLimit)
    if _shape(parts[0]) is None:
        yield from _alike(parts, data, style)
        return
    value, _ = _value(first)
    ((symbol, end),) = first.ends.items()
    ends = [end for one in parts if isinstance(one.part.assertion, AtLimit) for end in one.part.assertion.ends.values()]
    same = len({data.of(own) for own in ends}) == 1
    said: list[Inline] = [Formula(letter(symbol, style)), Text(f" is {OF[end.of]} of the flow"), *(_on(data, end) if same else ())]
    said += [one for key, entry in first.data.items() for one in (Text(", "), *valued(key, entry, style))]
    shown = expression(value, style)
    called = {one.part.label.rpartition(": ")[2] for one in parts}
    label = words(next(iter(called)), style) if len(called) == 1 else (Text("Values"),)
    if value.is_Symbol:
        yield Paragraph((*said, Text(":")))
    else:
        yield Display(Shown(shown.lines, None, "", shown.where), label, None, tuple(said))
    head = tuple((Text(told),) for told in ("flow", "from", "value", "off by at most", "verdict"))
    rows: list[tuple[tuple[Inline, ...], ...]] = []
    for one in parts:
        stated = one.part.assertion
        assert isinstance(stated, AtLimit)
        (own,) = stated.ends.values()
        _, middle = _value(stated)
        cells = (Formula(decimal(middle)),), (Formula(decimal(stated.holds.right)),), (of_verdict(one.verdict),)
        rows.append(((*_flow(own, style), *(() if same else _on(data, own))), tuple(_start(own.start, style)), *cells))
    yield Table(head, tuple(rows))
    if (series := _series(parts)) and len(called) == 1:
        yield against_scale(name, series, next(iter(called)))


def _alike(parts: Sequence[PartResult], data: Named, style: Style) -> Iterator[Block]:
    """A formula, and what it holds for, each with its verdict."""
    shown = assertion(parts[0].part.assertion, style)
    yield Display(Shown(shown.lines, shown.every, "", shown.where), (Text("The same for each of these:"),))
    items = []
    for one in parts:
        assert isinstance(one.part.assertion, AtLimit)
        label, told = words(one.part.label, style), note(one.part.assertion, data, style)
        items.append((Paragraph((Styled("emphasis", label), Text(": "), *told, Text(". "), of_verdict(one.verdict))),))
    yield Listing(tuple(items))


def _series(parts: Sequence[PartResult]) -> Mapping[str, Sequence[tuple[Fraction, Fraction]]]:
    """Scale of the start and value, by flow, for those with enough points to make a curve."""
    found: dict[str, list[tuple[Fraction, Fraction]]] = {}
    for one in parts:
        stated = one.part.assertion
        assert isinstance(stated, AtLimit)
        (end,) = stated.ends.values()
        squares = end.start.get("w^2")
        middle = Fraction(str(_value(stated)[1]))
        if isinstance(squares, tuple) and len(set(squares)) == 1 and middle > 0:
            flow = "plain gradient flow" if end.kappa is None else rf"$\kappa = {end.kappa}$"
            scale = sum((Fraction(str(entry)) for entry in squares), Fraction(0))
            found.setdefault(f"{flow}, $L = {end.depth}$", []).append((scale, middle))
    return {flow: points for flow, points in found.items() if len(points) >= LEAST_POINTS}


def _shape(one: PartResult) -> tuple[sp.Expr, str, str, str] | None:
    """What a table is about: the expression, its numbers, and the letters; None for a part that is no value of anything, or was not proved."""
    stated = one.part.assertion
    if not isinstance(stated, AtLimit) or len(stated.ends) != 1 or one.verdict.outcome != "proved":
        return None
    if not isinstance(stated.holds.left, sp.Abs) or not stated.holds.right.is_Rational or stated.holds.indices or stated.holds.where:
        return None
    ((name, end),) = stated.ends.items()
    value, middle = _value(stated)
    return (value, repr(dict(stated.data)), name, end.of) if middle.is_Rational and value.free_symbols else None


def _same(one: PartResult) -> str | None:
    """The formula of a part that was proved about limits; None for any other."""
    stated = one.part.assertion
    return repr(stated.holds) if isinstance(stated, AtLimit) and one.verdict.outcome == "proved" and one.part.label else None


def _value(stated: AtLimit) -> tuple[sp.Expr, sp.Expr]:
    """|E - c| as E and c."""
    inner = stated.holds.left.args[0]
    constant, rest = inner.as_coeff_Add()
    return (rest, -constant) if not rest.could_extract_minus_sign() else (-rest, constant)


def _flow(end: Ending, style: Style) -> Iterator[Inline]:
    yield Text("plain gradient flow, " if end.kappa is None else "the polar flow, ")
    yield from valued("L", end.depth, style)
    if end.kappa is not None:
        yield from (Text(", "), *valued("kappa", end.kappa, style))


def _on(data: Named, end: Ending) -> tuple[Inline, ...]:
    return (Text(f", {data.of(end)}"),) if data.several else ()


def _start(start: Mapping[str, Values], style: Style) -> Iterator[Inline]:
    for n, (name, value) in enumerate(start.items()):
        stem, _, power = name.partition("^")
        base = letter(stem, style)
        yield Text(", " if n else "")
        if isinstance(value, tuple) and len(set(value)) == 1:  # equal weights
            base, value = Script(base, Letter("i"), _power(power)), value[0]
        else:
            base = Script(base, None, _power(power)) if power else base
        yield from _equal(base, value)


def valued(name: str, value: Values, style: Style) -> Iterator[Inline]:
    """A name and its value; that of a vector is text, since it may be longer than a line."""
    yield from _equal(letter(name, style), value)


def _power(told: str) -> Layout | None:
    return number(sp.Integer(told)) if told else None


def _equal(left: Layout, value: Values) -> Iterator[Inline]:
    if isinstance(value, tuple | list):
        yield from (Formula(left), Text(f" = {_listed(value)}"))
    else:
        exact = sp.Rational(str(value))
        yield Formula(row(left, EQUALS, flat(decimal(exact) if exact.q > LONG else number(exact))))


def _listed(value: Values) -> str:
    if isinstance(value, tuple | list):
        return f"({', '.join(map(_listed, value))})"
    places = next((n for n in range(MOST_PLACES) if (value * 10**n).denominator == 1), None)
    if value.denominator < LONG or places is None:
        return str(value).replace("-", "−")
    whole, rest = divmod(abs(int(value * 10**places)), 10**places)
    return f"{'−' if value < 0 else ''}{whole}.{str(rest).rjust(places, '0')}"
