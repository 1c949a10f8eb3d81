"""What runs show: values along an integration, and the order at which steps depart from a flow. Evidence, not proof: `supported` at best.

A run that shows something else refutes nothing, since no kernel has seen it; the finding is unknown then, and says what was seen.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import mpmath

from numerics import IntegrationFailed, InvalidProblem, OutOfDomain, Unsupported, integrate, problem
from numerics.observe import observe
from numerics.steps import explicit, iterate, projected
from theory.statements import Observed, Order, Part

from .verdicts import Finding, Grade

NEAR = 0.15  # how far a slope may be from the order
Failures = (IntegrationFailed, InvalidProblem, OutOfDomain, Unsupported)


def observed(part: Part) -> Finding:
    """The values of a quantity along the flow, by one integration at the digits asked for."""
    start, claim = time.perf_counter(), part.assertion
    assert isinstance(claim, Observed)
    route = f"{claim.digits} digits"

    def done(outcome: Any, reason: str) -> Finding:
        grade: Grade | None = "sampled" if outcome == "supported" else None
        return Finding(route, outcome, grade, reason, digits=claim.digits, samples=len(claim.times), seconds=time.perf_counter() - start)

    try:
        posed = problem(part.setting, data=claim.data, start=claim.start, times=(0, *claim.times))
        rows = observe(integrate(posed, digits=claim.digits), [part.setting.unfold(claim.quantity)])[1:]
    except Failures as error:
        return done("unknown", str(error))
    told, agrees = [], True
    for when, value, within, (seen,) in zip(claim.times, claim.values, claim.within, rows, strict=True):
        near = abs(seen - mpmath.mpf(value.numerator) / value.denominator) <= mpmath.mpf(within.numerator) / within.denominator
        agrees = agrees and bool(near)
        told.append(f"{mpmath.nstr(seen, 10)} at t = {when}" + ("" if near else f", not within {float(within):g} of {float(value):.10g}"))
    return done("supported" if agrees else "unknown", "; ".join(told))


def order(part: Part) -> Finding:
    """The slopes of a drift over halved steps."""
    start, claim = time.perf_counter(), part.assertion
    assert isinstance(claim, Order)
    lengths = [claim.first / 2**n for n in range(claim.halvings + 1)]

    def done(outcome: Any, reason: str) -> Finding:
        grade: Grade | None = "sampled" if outcome == "supported" else None
        return Finding("steps", outcome, grade, reason, digits=15, samples=len(lengths), seconds=time.perf_counter() - start)

    try:
        drifts = [_drift(part, claim, h) for h in lengths]
    except Failures as error:
        return done("unknown", str(error))
    if not all(drifts):
        return done("unknown", "the quantity did not move at all")
    slopes = [float(mpmath.log(abs(a / b), 2)) for a, b in pairwise(drifts)]
    told = f"drifts {_list(drifts, 3)} over steps {claim.first} and its halves: slopes {', '.join(f'{slope:.4g}' for slope in slopes)}"
    signs = {drift > 0 for drift in drifts}
    straight = claim.sign == "any" or signs == {claim.sign == "positive"}
    return done("supported" if straight and all(abs(slope - claim.order) <= NEAR for slope in slopes) else "unknown", told)


def _drift(part: Part, claim: Order, length: Fraction) -> Any:
    count = claim.until / length
    if count.denominator != 1:
        raise InvalidProblem(f"{claim.until} is not a whole number of steps of length {length}")
    posed = problem(part.setting, data=claim.data, start=claim.start, times=(0, claim.until))
    rule = explicit(length)
    walked = iterate(posed, projected(rule) if claim.rule == "projected" else rule, steps=int(count), every=int(count))
    (first,), (last,) = observe(walked, [part.setting.unfold(claim.quantity)], digits=15)
    return last - first


def _list(values: Sequence[Any], digits: int) -> str:
    return ", ".join(mpmath.nstr(value, digits) for value in values)
