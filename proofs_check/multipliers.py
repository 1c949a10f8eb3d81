"""A witness made of squares for an inequality at explicit sizes: which polynomials, multipliers and denominators are tried, in which order.

Let right - left = p/q there, with polynomials p and q. The multipliers are the variables that are positive or nonnegative and the conditions of the
claim, then products of two of them. Some polynomials are nonnegative and no sum of squares, such as Motzkin's x^4 y^2 + x^2 y^4 - 3 x^2 y^2 + 1;
(1 + sum x^2) p may be one even so (Reznick 1995).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from flint import fmpq, fmpq_mpoly

from .kernel.instance import entries, entry_name, residual
from .kernel.language import Json, Rejected, Statement
from .kernel.nonnegative import claimed, equation, member
from .squares import Squares, sum_of_squares

MOST_MULTIPLIERS = 40
REMAINDERS = (fmpq(1), fmpq(1, 10), fmpq(1, 100), fmpq(1, 1000))  # what a strict inequality is tried to leave over


@dataclass(frozen=True)
class Multiplier:
    """A polynomial that is nonnegative on the domain, and how a witness writes it."""

    value: fmpq_mpoly
    tree: Json


@dataclass(frozen=True)
class Attempt:
    """Write factor * p with squares and these multipliers, up to this degree."""

    factor: fmpq_mpoly
    multipliers: tuple[Multiplier, ...]
    degree: int


def squares_witness(statement: Statement, where: Json, at: Mapping[str, int]) -> Json | None:
    """A witness for one entry of the claim, or nothing; `Rejected` where right - left is not a quotient of polynomials in the entries."""
    found = residual(equation(statement, at=at), where)
    (gap,) = (-ratio for ratio in found.entries.values())
    names = _names(statement, where)
    squared = found.ring.sign(gap.den) != "positive"
    p, below = gap.num * gap.den if squared else gap.num, gap.den**2 if squared else gap.den
    hypotheses = [h for h in found.ideal.values() if not h.is_zero()]
    strange = _live((p, below, *hypotheses)) - names.keys()
    if strange:
        told = ", ".join(sorted(found.ring.texts.get(name, name) for name in strange))
        raise Rejected(f"squares are looked for among polynomials in the entries, and right - left depends on {told}")
    known = _multipliers(statement, where, names, p)
    for attempt in _attempts(p, known, bool(hypotheses)):
        for left_over in REMAINDERS if claimed(statement).strict else (fmpq(0),):
            squares = sum_of_squares(attempt.factor * (p - left_over * below), [m.value for m in attempt.multipliers], hypotheses, attempt.degree)
            if squares is not None:
                trees = {str(m.value): [m.tree] for m in attempt.multipliers}
                under = [["^", _written(q, names), -k] for q, k in ((gap.den, 2 if squared else 1), (attempt.factor, 1)) if not q.is_one()]
                return ["+", _number(left_over), *(["*", *under, *_block(block, trees, names)] for block in squares)]
    return None


def _attempts(p: fmpq_mpoly, known: Sequence[Multiplier], constrained: bool) -> Iterator[Attempt]:
    """The cheapest first."""
    one = p.context().constant(1)
    degree = p.total_degree() + p.total_degree() % 2
    yield Attempt(one, (), degree)
    if known:
        yield Attempt(one, tuple(known), degree)
        pairs = tuple(Multiplier(a.value * b.value, ["*", a.tree, b.tree]) for a, b in combinations(known, 2))
        yield Attempt(one, (*known, *pairs), degree)
    live = [p.context().gen(n) for n, d in enumerate(p.degrees()) if d]
    yield Attempt(sum((x**2 for x in live), one), (), degree + 2)
    if constrained:
        yield Attempt(one, (), degree + 2)
    if known:
        yield Attempt(one, (*known, *pairs), degree + 2)


def _multipliers(statement: Statement, where: Json, names: Mapping[str, Json], p: fmpq_mpoly) -> list[Multiplier]:
    context, sizes = p.context(), where["sizes"]
    found = []
    for name in claimed(statement).where:
        for entry, ratio in residual(member(statement, name), where).entries.items():
            if ratio.den.is_constant() and not _live((ratio.num,)) - names.keys():
                found.append(Multiplier(ratio.num.project_to_context(context), ["at", name, *entry] if entry else name))
    relevant = _live((p, *(m.value for m in found)))
    for symbol in statement.symbols.values():
        for entry in entries(symbol.shape, sizes) if symbol.sign in ("positive", "nonnegative") else ():
            name = entry_name(symbol.name, entry)
            if name in relevant:
                found.append(Multiplier(context.gen(context.variable_to_index(name)), names[name]))
    return found[:MOST_MULTIPLIERS]


def _names(statement: Statement, where: Json) -> dict[str, Json]:
    """How a witness writes each generator that is an entry."""
    return {
        entry_name(symbol.name, entry): ["at", symbol.name, *entry] if entry else symbol.name
        for symbol in statement.symbols.values()
        for entry in entries(symbol.shape, where["sizes"])
    }


def _live(polynomials: Sequence[fmpq_mpoly]) -> set[str]:
    return {name for p in polynomials for name, degree in zip(p.context().names(), p.degrees(), strict=True) if degree}


def _block(block: Squares, trees: Mapping[str, list[Json]], names: Mapping[str, Json]) -> list[Json]:
    return [*trees.get(str(block.multiplier), []), ["+", *(["*", _number(d), ["^", _written(q, names), 2]] for d, q in block.squares)]]


def _written(p: fmpq_mpoly, names: Mapping[str, Json]) -> Json:
    terms = []
    for exponents, q in p.terms():
        powers = [[names[name], int(e)] for name, e in zip(p.context().names(), exponents, strict=True) if e]
        terms.append(["*", _number(q), *(base if e == 1 else ["^", base, e] for base, e in powers)])
    return ["+", *terms]


def _number(q: fmpq) -> Json:
    return int(q.p) if q.q == 1 else ["/", int(q.p), int(q.q)]
