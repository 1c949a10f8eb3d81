"""The search for the smallest counterexample: Hypothesis draws and shrinks rational points, balls at rising precision decide, the kernel accepts.

A point is drawn so that every sign, sphere and hypothesis holds there exactly (`strategies.assignments`). It counts only if everything in the claim
is defined there as well, and the difference of the two sides is known well enough to say something. That no counterexample was found proves nothing.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import ROUND_DOWN, Decimal, localcontext
from random import Random
from typing import Any, Literal

from flint import arb
from hypothesis import HealthCheck, Phase, find, reject, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample, Unsatisfiable

from theory.settings import Instance, Setting
from theory.statements import AtMost, Equal, Evolves, Gradient, Part, statement_tree
from theory.trees import Unstatable

from .kernel import FORMAT, check
from .kernel.instance import Entry
from .kernel.language import AtMost as AtMostTree
from .kernel.language import Json, Rejected, Statement, read_statement
from .kernel.nonnegative import check_violation, equation, inhabited
from .kernel.points import check_counterexample, residual_at
from .sampling import NoPoint, Point, assignment
from .strategies.assignments import Recipe, located, recipe, tied
from .strategies.errors import Impossible
from .strategies.points import LARGEST_SIZE
from .verdicts import Finding, Grade

PRECISIONS = (64, 192, 576)  # bits
AGREEMENT = 384  # bits after the point to which the sides must be known to agree, for a point to speak for an identity
SAMPLES = 100
ROUNDS = 8

Seen = Literal["fails", "holds", "empty"]


@dataclass(frozen=True)
class Falsification:
    """What a search found: a certificate of the smallest counterexample that was met, or at how many points the claim held.

    Of the points `tried`, `empty` ones say nothing: the claim is not defined there, its conditions are not met, or the difference of its sides could
    not be told from 0; `why_empty` is the commonest reason. `gap` has the entry where the claim fails and its difference there. `spent` says that the
    budget ran out: before the search was over, or before the counterexample was as small as it gets.
    """

    text: str
    certificate: Mapping[str, Any] | None = None
    gap: Mapping[str, Any] | None = None
    tried: int = 0
    empty: int = 0
    why_empty: str = ""
    spent: bool = False
    seconds: float = 0.0

    @property
    def held(self) -> int:
        """At how many points the claim held, and was not empty."""
        return self.tried - self.empty if self.certificate is None else 0

    @property
    def outcome(self) -> Literal["refuted", "supported", "unknown"]:
        return "refuted" if self.certificate is not None else "supported" if self.held else "unknown"

    @property
    def finding(self) -> Finding:
        """The same as one route to a verdict."""
        grades: dict[str, Grade] = {"refuted": "exact", "supported": "sampled"}
        return Finding(
            "falsify",
            self.outcome,
            grades.get(self.outcome),
            self.text,
            self.certificate,
            digits=int(AGREEMENT * 0.30103) if self.held else None,
            samples=self.tried - self.empty,
            seconds=self.seconds,
        )


def falsify(
    part: Part,
    *,
    samples: int = SAMPLES,
    seed: int = 0,
    largest: int = LARGEST_SIZE,
    budget: float | None = None,
    report: Callable[[int], None] = lambda tried: None,
) -> Falsification:
    """Let a claim be made for all points of a setting: the smallest rational point that was met at which it fails, accepted by the kernel.

    Points are drawn until `samples` of them have said something. Symbolic sizes go from 1 to `largest`, unless the setting has values of their shape;
    these, and the numbers of its instances, are kept. A counterexample is shrunk: fewer entries come first, then smaller numerators and
    denominators. The same arguments give the same result, except where the `budget`, in seconds, ends the search. `report` is told how many points
    there were.
    """
    start = time.monotonic()
    if not isinstance(part.assertion, Evolves | Equal | Gradient | AtMost):
        return Falsification(f"not searched: a point does not refute a claim of the kind {type(part.assertion).__name__}; use verify")
    try:
        tree = statement_tree(part)
        statement = read_statement(tree)
        recipes = tuple(recipe(part.setting, instance) for instance in tied(part.setting))
    except (Rejected, Unstatable, NotImplementedError, Impossible) as error:
        return Falsification(f"not searched: {error}", seconds=time.monotonic() - start)
    hunt = _Hunt(part.setting, statement, None if budget is None else start + budget, report)
    spent = False
    try:
        _hunted(hunt, recipes, samples, Random(seed), largest)
    except _Spent:
        spent = True
    common = hunt.reasons.most_common(1)
    told = Falsification(
        "", tried=len(hunt.seen), empty=hunt.reasons.total(), why_empty=common[0][0] if common else "", spent=spent, seconds=time.monotonic() - start
    )
    return _refuted(told, tree, statement, hunt.smallest.point) if hunt.smallest else replace(told, text=_nothing(told))


def _refuted(told: Falsification, tree: Json, statement: Statement, point: Json) -> Falsification:
    """The counterexample as a certificate, and what the kernel says of it."""
    certificate = {"format": FORMAT, "kind": "counterexample", "statement": tree, **point}
    if isinstance(statement.claim, AtMostTree):
        entry, ball = check_violation(statement, certificate)
        rational = None
    else:
        entry, ball, rational = check_counterexample(statement, certificate)
    least = _rounded_down(_differences(statement, point)[entry].abs_lower()) if rational is None else rational.removeprefix("-")
    gap = {"entry": list(entry), "difference": rational or ball, "exact": rational is not None, "at_least": least}
    return replace(told, text=check(certificate).text, certificate=certificate, gap=gap)


def _nothing(told: Falsification) -> str:
    mostly = f", mostly because: {told.why_empty}" if told.empty else ""
    if not told.held:
        return f"nothing is known: of {told.tried} points none said anything{mostly}"
    return f"no counterexample among {told.held} rational points" + (f"; {told.empty} more said nothing{mostly}" if told.empty else "")


def _hunted(hunt: _Hunt, recipes: tuple[Recipe, ...], samples: int, seeds: Random, largest: int) -> None:
    """Look for a point where the claim fails; where there is one, at smaller sizes; and at last shrink what was found last."""

    def search(recipes: tuple[Recipe, ...], count: int, seed: int, *, shrink: bool = False) -> bool:
        """Whether a counterexample was met that is smaller than those before."""
        before = hunt.smallest
        phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]
        how = settings(max_examples=count, database=None, deadline=None, phases=phases, suppress_health_check=list(HealthCheck))
        with suppress(NoSuchExample, Unsatisfiable):
            find(_drawn(recipes, largest), hunt.fails, settings=how, random=Random(seed))
        return hunt.smallest is not before

    last = recipes, samples, seeds.getrandbits(32)
    for _ in range(ROUNDS):  # Hypothesis repeats itself, beginning with the simplest point, and one that comes again says nothing new
        said = hunt.said
        if search(*last) or not said < hunt.said < samples:
            break
        last = recipes, samples - hunt.said + 1, seeds.getrandbits(32)
    descending = hunt.smallest is not None
    while descending and hunt.smallest is not None:
        descending = False
        for smaller in _smaller(hunt.smallest.instance.sizes, recipes):
            attempt = smaller, samples, seeds.getrandbits(32)
            if search(*attempt):
                last, descending = attempt, True
                break
    if hunt.smallest is not None:
        search(*last, shrink=True)


def _smaller(sizes: Mapping[str, int], recipes: tuple[Recipe, ...]) -> Iterator[tuple[Recipe, ...]]:
    """What is drawn with one of the sizes smaller, if sizes are free. A few points at each size find more than shrinking does, and faster."""
    if not any(one.given.sizes for one in recipes):
        for name, value in sizes.items():
            for fewer in range(1, value):
                yield tuple(replace(one, given=Instance({**sizes, name: fewer}, one.given.values)) for one in recipes)


@st.composite
def _drawn(draw: st.DrawFn, recipes: tuple[Recipe, ...], largest: int) -> tuple[Instance, Point] | str:
    """A point at one of the instances, or the reason why there is none with what was drawn."""
    try:
        return draw(located(draw(st.sampled_from(recipes)), largest))
    except NoPoint as error:
        return str(error)


class _Spent(BaseException):
    """The budget ran out in the middle of the search; not an `Exception`, which Hypothesis would take for a counterexample."""


@dataclass(frozen=True)
class _Smallest:
    measure: tuple[int, int, int]
    instance: Instance
    point: Json


@dataclass
class _Hunt:
    """The points met so far with what each said, and the smallest at which the claim fails."""

    setting: Setting
    statement: Statement
    deadline: float | None
    report: Callable[[int], None]
    seen: dict[str, Seen] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    smallest: _Smallest | None = None

    @property
    def said(self) -> int:
        """How many points said something."""
        return len(self.seen) - self.reasons.total()

    def fails(self, drawn: tuple[Instance, Point] | str) -> bool:
        """Whether the claim certainly fails at a point. One that says nothing is thrown back, so that another takes its place."""
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise _Spent
        key = drawn if isinstance(drawn, str) else json.dumps(assignment(self.setting, *drawn, bits=PRECISIONS[0]))
        if key not in self.seen:
            self.seen[key] = self.without(drawn) if isinstance(drawn, str) else self.judge(*drawn)
            self.report(len(self.seen))
        if self.seen[key] == "empty":
            reject()
        return self.seen[key] == "fails"

    def judge(self, instance: Instance, values: Point) -> Seen:
        """What a point says, at the first precision that is enough."""
        reason = ""
        for bits in PRECISIONS:
            point = assignment(self.setting, instance, values, bits=bits)
            try:
                differences = list(_differences(self.statement, point).values())
            except Rejected as error:
                reason = str(error)
                continue
            if any(_wrong(self.statement, difference) for difference in differences):
                self.keep(_Smallest(_measure(values), instance, point))
                return "fails"
            if all(_right(self.statement, difference) for difference in differences):
                return "holds"
            reason = f"the difference of the two sides is not known well enough at {bits} bits"
        return self.without(reason)

    def without(self, reason: str) -> Seen:
        """A point that says nothing, and why."""
        self.reasons[reason] += 1
        return "empty"

    def keep(self, found: _Smallest) -> None:
        if self.smallest is None or found.measure < self.smallest.measure:
            self.smallest = found


def _measure(values: Point) -> tuple[int, int, int]:
    """How large a point is: the number of its entries, then their numerators and denominators together, then how many are negative."""
    return len(values), sum(abs(value.numerator) + value.denominator - 1 for value in values.values()), sum(value < 0 for value in values.values())


def _differences(statement: Statement, point: Json) -> Mapping[Entry, arb]:
    """The left side less the right one, entry by entry, at a point where everything is defined and every condition met; or `Rejected`."""
    if not isinstance(statement.claim, AtMostTree):
        return residual_at(statement, point)
    inhabited(statement, point)
    return residual_at(equation(statement), point)


def _wrong(statement: Statement, difference: arb) -> bool:
    match statement.claim:
        case AtMostTree(strict=strict):
            return difference.is_finite() and bool(difference > 0 or (strict and difference >= 0))
    return difference.is_finite() and bool(difference > 0 or difference < 0)


def _right(statement: Statement, difference: arb) -> bool:
    """Whether the sides are as claimed, or agree to so many digits that this says something."""
    if isinstance(statement.claim, AtMostTree) and bool(difference < 0 if statement.claim.strict else difference <= 0):
        return True
    return bool(difference.contains(0)) and bool(abs(difference) < arb(2) ** -AGREEMENT)


def _rounded_down(least: arb) -> str:
    """A decimal of six digits that is not above a positive number."""
    bound = least.fmpq()
    with localcontext(prec=6, rounding=ROUND_DOWN):
        return str(Decimal(int(bound.p)) / Decimal(int(bound.q)))
