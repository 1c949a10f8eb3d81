"""From a part to its mutants: one slip each, in the formula or in what it presupposes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import sympy as sp

from ..settings import Setting
from ..statements import Assertion, AtLimit, AtMost, Complete, Equal, Evolves, Gradient, Part, TimeDerivative
from .places import places
from .slips import SLIPS, Shapes

KINDS = (*SLIPS, "condition", "domain", "direction", "strict", "count")


@dataclass(frozen=True)
class Mutant:
    """A claim with one slip of a kind: `after` is written for `before`; for a condition that is missing, nothing is."""

    kind: str
    part: Part
    before: sp.Basic | str
    after: sp.Basic | str = ""


def mutants(part: Part) -> Iterator[Mutant]:
    """Let a true claim be given: claims that differ from it by one slip, each once, always in the same order.

    Most are false. Some are not, as when the sign changes on both sides of an equation, or a condition was not needed. What is only observed
    (`Observed`, `Order`) has none: no counterexample could refute it. Flow and definitions stay as they are.
    """
    yield from _of_formula(part)
    if isinstance(part.assertion, Evolves | Equal | Gradient | AtMost):  # a count is of laws under these conditions, and a limit is of data
        yield from _of_conditions(part)
        yield from _of_signs(part)
    yield from _of_claim(part)


def _of_formula(part: Part) -> Iterator[Mutant]:
    """One node of one side written otherwise. A multiple of a law is the same law, and no slip."""
    shapes, assertion, sides = _shapes(part), part.assertion, _sides(part.assertion)
    law = isinstance(assertion, Evolves) and assertion.rate == 0
    for side, expression in sides.items():
        seen = {expression}
        for place in places(expression, getattr(assertion, "indices", ())):
            for kind, slip in SLIPS.items():
                for written in slip(place, shapes):
                    whole = place.put(written)
                    if whole not in seen and not (law and _multiple(whole, expression)):
                        seen.add(whole)
                        yield Mutant(kind, replace(part, assertion=_with_side(assertion, side, whole)), place.node, written)


def _multiple(written: sp.Expr, expression: sp.Expr) -> bool:
    """Whether one is the other, or the other without its number, times 1, -1 or 2."""
    return any(written == number * one for number in (1, -1, 2) for one in (expression, expression.as_coeff_Mul()[1]))


def _of_conditions(part: Part) -> Iterator[Mutant]:
    """A hypothesis, a sphere, or a condition of an inequality left out."""
    setting, flow = part.setting, part.setting.flow
    for hypothesis in setting.hypotheses:
        fewer = tuple(one for one in setting.hypotheses if one is not hypothesis)
        yield Mutant("condition", replace(part, setting=replace(setting, hypotheses=fewer)), hypothesis.value)
    for sphere in flow.space.spheres if flow else ():
        assert flow is not None
        space = replace(flow.space, spheres=tuple(one for one in flow.space.spheres if one != sphere))
        free = replace(part, setting=setting.along(replace(flow, space=space)))
        yield Mutant("condition", free, f"|{', '.join(sphere)}| = 1")
    if isinstance(part.assertion, AtMost):
        for condition in part.assertion.where:
            wider = replace(part.assertion, where=tuple(one for one in part.assertion.where if one is not condition), because=None)
            yield Mutant("condition", replace(part, assertion=wider), condition.family.value)


def _of_signs(part: Part) -> Iterator[Mutant]:
    """A sign that is not declared of something the claim mentions. What a certificate states has its signs from the variables of the setting."""
    setting = part.setting
    named = {symbol.name for side in _sides(part.assertion).values() for symbol in side.free_symbols}
    for variable in setting.variables:
        if variable.sign != "real" and variable.name in named:
            signs = tuple(replace(one, sign="real") if one is variable else one for one in setting.variables)
            yield Mutant("domain", replace(part, setting=replace(setting, variables=signs)), f"{variable.name} {variable.sign}")


def _of_claim(part: Part) -> Iterator[Mutant]:
    """An inequality the other way round or strict, or another number of laws."""
    changes: list[tuple[str, Assertion, str, str]]
    match part.assertion:
        case AtMost(left, strict=strict):
            changes = [] if isinstance(left, TimeDerivative) else [("direction", replace(_turned(part.assertion), because=None), "<", ">")]
            if not strict:
                changes.append(("strict", replace(part.assertion, strict=True, because=None), "<=", "<"))
        case AtLimit(holds):
            changes = [("direction", replace(part.assertion, holds=_turned(holds)), "<", ">")]
        case Complete(count):
            changes = [("count", replace(part.assertion, count=other), str(count), str(other)) for other in (count - 1, count + 1)]
        case _:
            return
    for kind, assertion, before, after in changes:
        yield Mutant(kind, replace(part, assertion=assertion), before, after)


def _turned(assertion: AtMost) -> AtMost:
    return replace(assertion, left=assertion.right, right=assertion.left)


def _sides(assertion: Assertion) -> dict[str, sp.Expr]:
    """The expressions of a claim in which a slip is made, with the names of their fields."""
    match assertion:
        case Evolves(quantity, rate):
            return {"quantity": quantity, "rate": rate}
        case Equal(left, right):
            return {"left": left, "right": right}
        case Gradient(value=value):
            return {"value": value}
        case AtMost(left, right):
            return {"left": left.args[0] if isinstance(left, TimeDerivative) else left, "right": right}
        case AtLimit(AtMost(left, right)):
            return {"left": left, "right": right}
    return {}


def _with_side(assertion: Assertion, side: str, written: sp.Expr) -> Assertion:
    if isinstance(assertion, AtLimit):
        return replace(assertion, holds=replace(assertion.holds, **{side: written}))
    if isinstance(assertion, AtMost):
        moving = side == "left" and isinstance(assertion.left, TimeDerivative)
        return replace(assertion, **{side: TimeDerivative(written) if moving else written}, because=None)
    return replace(assertion, **{side: written})


def _shapes(part: Part) -> Shapes:
    setting: Setting = part.setting
    return {entry.name: entry.shape for entry in (*setting.variables, *(one.variable for one in setting.definitions))}
