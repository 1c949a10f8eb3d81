"""Every number of a certificate of every kind is changed, one at a time: it is refused, or says something else, or there is a reason why not.

The certificates are those of the producers, kept as files so that this is quick. This file, run as a program, writes them anew.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import sympy as sp

from numerics import Problem, problem
from proofs_check import exact, inequalities
from proofs_check.at_limit import at_limit
from proofs_check.certifying import certify
from proofs_check.counting import count
from proofs_check.enclosing import enclose
from proofs_check.kernel import KINDS, Rejected, check
from proofs_check.settling import settle
from theory.inequalities import box
from theory.papers import chou_rauhut_ward
from theory.papers.chou_rauhut_ward import least_squares
from theory.papers.chou_rauhut_ward.instances import at_most, rho, threshold
from theory.settings import Instance, Setting
from theory.statements import AtMost, Part
from theory.symbols import Variable

Json = Any
Place = tuple[str | int, ...]

FILES = Path(__file__).parent / "certificates"


# ---- where they come from ------------------------------------------------------------------------------------------------------------------------


def part(statement: str, label: str) -> Part:
    """One of the shipped paper, or one of its mutants."""
    (found,) = (s for s in chou_rauhut_ward.paper().statements if s.id == statement)
    return next(p for p in (*found.parts, *found.mutants) if p.label == label)


SMALL = Instance({"N": 2, "M": 1})


def posed() -> Problem:
    """The polar flow for one equation in two unknowns."""
    data = {"A": [["1/2", -1]], "y": ["1/3"], "kappa": "3/2", "L": 2, "eta_r": 1}
    return problem(least_squares(), data=data, start={"r": 1, "u": ["4/5", "3/5"]}, times=(0, 1))


def resting() -> Problem:
    """One equation in one unknown."""
    data = {"A": [[1]], "y": [1], "kappa": "3/2", "L": 2, "eta_r": 1}
    return problem(least_squares(), data=data, start={"r": "9/10", "u": [1]}, times=(0, 1))


x = Variable("x")
LOW, HIGH = box(x, 0, 1)


def on_the_unit_interval(left: sp.Expr, right: sp.Expr, because: sp.Expr | None = None) -> Part:
    return Part(Setting((x,)), AtMost(left, right, where=(LOW, HIGH), because=because))


PRODUCERS: Mapping[str, Callable[[], Json]] = {
    "all-sizes": lambda: exact.all_sizes(part("C6", "L = 2")).certificate,
    "instance": lambda: exact.at_instance(part("C6", "L = 2"), SMALL).certificate,
    "counterexample": lambda: exact.counterexample(part("C6", "L = 2: sign flipped"), SMALL).certificate,
    "count": lambda: count(part("C7", "L = 2, N = 4, M = 2: |u| and N - M more")).certificate,
    "inequality": lambda: inequalities.all_sizes(on_the_unit_interval(x[()] ** 3, x[()], LOW[()] * HIGH[()] * (1 + LOW[()]))).certificate,
    "bisection": lambda: inequalities.on_cells(on_the_unit_interval(sp.exp(x[()]), 1 + 2 * x[()]), Instance({})).certificate,
    "enclosure": lambda: enclose(posed(), until="1/32", digits=6, kappa=5).certificate,
    "settle": lambda: settle(resting(), digits=1, until=1).certificate,
    "limit": lambda: certify(posed(), digits=12).certificate["limit"],
    "ends": lambda: certify(posed(), digits=12).certificate,
    "at-limit": lambda: at_limit(at_most("", rho[()], sp.Integer(2), rho=threshold(Fraction(1)).end("rho"))).certificate,
}


def stored(kind: str) -> Json:
    return json.loads((FILES / f"{kind}.json").read_text(encoding="utf-8"))


def test_every_kind_has_a_certificate() -> None:
    assert set(PRODUCERS) == set(KINDS)
    assert {file.stem for file in FILES.iterdir()} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_producers_still_make_them(kind: str) -> None:
    """The numbers of a producer that works in floating point may differ from one machine to another; what is stated does not."""
    kept, made = stored(kind), PRODUCERS[kind]()
    assert made["kind"] == kept["kind"] == kind
    assert made.get("statement") == kept.get("statement")
    assert check(made).outcome == check(kept).outcome


# ---- one number changed --------------------------------------------------------------------------------------------------------------------------


def numbers(node: Json, place: Place = ()) -> Iterator[tuple[Place, Json]]:
    """Every number and truth value of a certificate, and where it stands."""
    if isinstance(node, dict | list):
        for key, inner in node.items() if isinstance(node, dict) else enumerate(node):
            yield from numbers(inner, (*place, key))
    elif isinstance(node, int) or (isinstance(node, str) and node.lstrip("-")[:1].isdigit()):
        yield place, node


def perturbed(value: Json) -> list[Json]:
    """Other numbers: one more, of the other sign, and as rationals with another numerator or denominator."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, -value or -1]
    q = Fraction(value)
    above, below = q.numerator, q.denominator
    return [f"{above + 1}/{below}", f"{-above or -1}/{below}", f"{above or 1}/{below + 1}"]


def put(node: Json, place: Place, value: Json) -> Json:
    changed = copy.deepcopy(node)
    inner = changed
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return changed


LIMIT = {
    r"bits": "other balls contain the same numbers",
    r"centre|half_widths": "another box in which the Krawczyk test finds the same zero",
    r"limit|within|rho": "what is said of the limit is wide enough for another number near the one given; the text has fewer digits",
    r"bias/excess|rate/within": "a bound made larger in a digit that is not printed",
    r"rate/(value|vector)": "a number in the middle of the same interval, another multiple of an eigenvector, or one as near to it",
    r"trap": "another trap that the trajectory does not leave either; a rate larger in a digit that is not printed",
}
STEPS = {
    r"steps/\d+/kappa": "another field with the same solutions on the spheres",
    r"steps/\d+/(terms|disc)": "other bounds of the same defect",
    r"steps/\d+/(tube|slopes|out)": "steps in between may be enclosed a little more widely, or the bounds have room",
}
SQUARE_LOSS = {r"statement/definitions/3": "the loss F, which neither the flow nor the claim mentions"}
# The places where a number may be changed so that the certificate is accepted and the same is said: patterns for the whole of a place, and why.
HARMLESS: Mapping[str, Mapping[str, str]] = {
    "all-sizes": {r"statement/definitions/0": "the predictor enters the law through its gradient by w alone, and this is given anew"},
    "instance": {r"statement/definitions/0": "as for all sizes"},
    "counterexample": {
        r"bits": "other balls contain the same numbers",
        r"values/(L|y)": "the claim does not depend on it: another point where it fails",
        r"statement/definitions/0": "as for all sizes",
    },
    "count": {
        r"point/(values|bits)": "another point of the same flow, near which there are as many laws",
        r"controls/(width|order|seed)": "any controls bound the number of laws from above, and these bound it by the same number",
    },
    "inequality": {
        r"point/(values|bits)": "another point that meets the conditions",
    },
    "bisection": {
        r"point/(values|bits)|bits": "another point that meets the conditions, other balls",
        r"statement/claim/right": "e^x <= 2 + 2x and e^x <= 1 + 3x hold on the box as well",
    },
    "enclosure": STEPS | SQUARE_LOSS,
    "limit": LIMIT,
    "ends": {f"limit/({pattern})": why for pattern, why in LIMIT.items()} | SQUARE_LOSS,
    "at-limit": {f"ends/rho/certificate/({pattern})": why for pattern, why in LIMIT.items()} | {r"bits": "other balls contain the same numbers"},
    "settle": {
        **{f"enclosure/({pattern})": why for pattern, why in (STEPS | SQUARE_LOSS).items()},
        r"rate|radius|within": "a bound with room for the last of its digits",
    },
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_number_of_a_certificate_counts(kind: str) -> None:
    given, met, tried = stored(kind), set[str](), 0
    said = check(given)
    for place, value in numbers(given):
        for other in perturbed(value):
            tried += 1
            try:
                if check(put(given, place, other)) != said:
                    continue
            except Rejected:
                continue
            where = "/".join(map(str, place))
            reasons = {pattern for pattern in HARMLESS[kind] if re.fullmatch(f"({pattern})(/.*)?", where)}
            assert reasons, f"accepted, and the same is said, with {other} for {value} at {where}"
            met |= reasons
    assert met == set(HARMLESS[kind])  # no reason is idle
    assert tried > 10


ABSURD = (10**9, 10**30, -(10**30), "1" + "0" * 4000, f"1/{10**30}", "9" * 5000, 1.5, float("nan"), float("inf"), "", None, [], {}, True)


@pytest.mark.parametrize("kind", KINDS)
def test_absurd_numbers_are_refused_in_words(kind: str) -> None:
    """Whatever stands in place of a number: the kernel accepts or refuses, and comes to an end. Of each row of numbers the first is taken."""
    given = stored(kind)
    for place, _ in numbers(given):
        if place[-1] in (0, 1) or isinstance(place[-1], str):
            for other in ABSURD:
                with suppress(Rejected):
                    check(put(given, place, other))


if __name__ == "__main__":
    for kind, made in PRODUCERS.items():
        (FILES / f"{kind}.json").write_text(json.dumps(made(), indent=1) + "\n", encoding="utf-8")
