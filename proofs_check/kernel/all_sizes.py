"""Identities for all sizes at once, re-checked in index polynomials.

Let a statement be given with symbolic sizes. Its certificate holds the gradient of the pairing, block by block, and cofactors. The kernel checks
that the gradient is one (its pairing with an arbitrary direction is the directional derivative), builds the flow from it, differentiates the
claim itself, and subtracts (cofactor) * (hypothesis): what is left must be zero.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from flint import fmpq

from .index import VARIABLE, Algebra, Poly, add, constant, entry, scale, subtract
from .language import AtMost, Count, Equal, Family, Flow, Gradient, Index, Json, Rejected, Statement, read_family, refusing

MOST_REMEMBERED: Final = 256
# The conditions of the certificates accepted last, word for word: a count meets its laws again.
_ACCEPTED: Final[dict[tuple[str, str], Mapping[str, Poly | None]]] = {}

told = partial(refusing, "the normal form cannot be computed")
Velocities = Mapping[str, tuple[tuple[str, ...], Poly]]


@dataclass(frozen=True)
class Residual:
    """What has to vanish on the domain, as a function of the free indices of the claim."""

    algebra: Algebra
    poly: Poly
    hypotheses: tuple[Poly, ...]
    conditions: Mapping[str, Poly | None]  # those of the statement, before the certificate's gradient is read


@told()
def residual(statement: Statement, gradient: Json) -> Residual:
    """The residual of the claim: d/dt quantity - rate, left - right, or a gradient paired with a direction."""
    algebra = Algebra(statement)
    hypotheses = tuple(algebra.of_tree(family.value) for family in statement.hypotheses)
    claim, flow = statement.claim, statement.flow
    if isinstance(claim, Equal):
        poly = subtract(algebra.of_tree(claim.left), algebra.of_tree(claim.right))
        conditions = dict(algebra.conditions)
    elif isinstance(claim, Gradient):
        of, value = algebra.of_tree(claim.of), algebra.of_tree(claim.value)
        conditions = dict(algebra.conditions)
        poly = subtract(_along_direction(algebra, of, {claim.by}), _paired(algebra, claim.by, claim.indices, value))
    elif isinstance(claim, Count | AtMost):
        raise Rejected("the claim is not an identity")
    elif flow is None:
        raise Rejected("the claim is about a flow, and the statement has none")
    else:
        quantity, rate = algebra.of_tree(claim.quantity), algebra.of_tree(claim.rate)
        for tree in (flow.pairing, *(family.value for family in [*flow.rates.values(), *flow.drift.values()])):
            algebra.of_tree(tree)
        algebra.of_tree(flow.pairing, flow.held)
        conditions = dict(algebra.conditions)
        poly = subtract(_along_flow(algebra, quantity, _velocities(algebra, flow, gradient)), rate)
    _refuse_empty(algebra, hypotheses, conditions)
    return Residual(algebra, algebra.cleared(poly), hypotheses, conditions)


def _refuse_empty(algebra: Algebra, hypotheses: tuple[Poly, ...], conditions: Mapping[str, Poly | None]) -> None:
    """Refuse hypotheses that certainly hold nowhere, or only where the statement is not defined."""
    for hypothesis in filter(None, hypotheses):
        if "positive" in (algebra.sign(hypothesis), algebra.sign(scale(hypothesis, fmpq(-1)))):
            raise Rejected(f"a hypothesis reads {hypothesis.key[:200]} = 0: the statement is about nothing")
        for text, poly in conditions.items():
            if poly and algebra.factors(hypothesis) <= algebra.factors(poly):
                raise Rejected(f"the condition {text[:200]} contradicts a hypothesis: the statement is defined nowhere")


def check_all_sizes(statement: Statement, certificate: Json) -> list[str]:
    """Accept the certificate, and return the conditions under which the statement is defined; or raise `Rejected`."""
    return sorted(conditions_of(statement, certificate))


def conditions_of(statement: Statement, certificate: Json) -> Mapping[str, Poly | None]:
    """The conditions under which an accepted certificate holds, each with the polynomial that is to be nonzero or positive; or `Rejected`."""
    key = repr(statement), json.dumps([certificate["gradient"], certificate["cofactors"]])
    if key not in _ACCEPTED:
        found = residual(statement, certificate["gradient"])
        with told():
            _check(statement, certificate, found)
        if len(_ACCEPTED) == MOST_REMEMBERED:
            _ACCEPTED.pop(next(iter(_ACCEPTED)))
        _ACCEPTED[key] = found.conditions
    return _ACCEPTED[key]


def _check(statement: Statement, certificate: Json, found: Residual) -> None:
    algebra, rest = found.algebra, found.poly
    claim = statement.claim
    scope = {} if isinstance(claim, Gradient) else dict(claim.indices)
    for cofactor in certificate["cofactors"]:
        number = cofactor["hypothesis"]
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < len(statement.hypotheses):
            raise Rejected(f"{number!r} is not the number of a hypothesis")
        hypothesis = statement.hypotheses[number]
        bound = {str(name): size for name, size in cofactor["bound"]}
        if set(bound) & set(scope):
            raise Rejected("a cofactor sums over an index of the claim")
        times = read_family(statement, {"indices": [*map(list, {**scope, **bound}.items())], "value": cofactor["times"]})
        at: dict[str, Index] = {}
        for name, size in hypothesis.indices:
            given = cofactor["at"][name]
            if isinstance(given, bool):
                raise Rejected(f"{given!r} is not an index")
            if isinstance(given, int):
                if given < 0 or not isinstance(size, int) or given >= size:
                    raise Rejected(f"the hypothesis index {given} is outside its range")
            elif {**scope, **bound}.get(given) != size:
                raise Rejected(f"the hypothesis index {name} should run over {size}")
            at[name] = given
        product = algebra.multiply(algebra.of_tree(times.value), algebra.rename(found.hypotheses[number], at))
        rest = subtract(rest, algebra.closed(bound.items(), product))
    rest = algebra.cleared(rest)
    if rest:
        raise Rejected(f"the residual is not zero: {rest.key[:400]}")
    for text in algebra.conditions.keys() - found.conditions.keys():  # 0 = (1/h) h for a hypothesis h = 0 would prove everything
        raise Rejected(f"the certificate, and not the statement, needs that {text[:400]}")


def _direction(name: str) -> str:
    return f"d:{name}"


def _along_direction(algebra: Algebra, poly: Poly, blocks: set[str]) -> Poly:
    return algebra.derivative(poly, lambda name, indices: entry(_direction(name), indices) if name in blocks else constant(0))


def _paired(algebra: Algebra, block: str, indices: tuple[tuple[str, int | str], ...], gradient: Poly) -> Poly:
    """The sum over the block of gradient * direction."""
    product = algebra.multiply(gradient, entry(_direction(block), tuple(name for name, _ in indices)))
    return algebra.closed(indices, product)


def _velocities(algebra: Algebra, flow: Flow, gradient: Json) -> Velocities:
    statement = algebra.statement
    parameters = {name for name, symbol in statement.symbols.items() if symbol.role == "parameter"}
    families: dict[str, Family] = {}
    for name in parameters & set(flow.rates):
        families[name] = read_family(statement, gradient[name])
        if tuple(size for _, size in families[name].indices) != statement.symbols[name].shape:
            raise Rejected(f"the gradient given for {name!r} does not have its shape")
    change = _along_direction(algebra, algebra.of_tree(flow.pairing, flow.held), set(families))
    pairing = add(*(_paired(algebra, name, f.indices, algebra.of_tree(f.value, flow.held)) for name, f in families.items()))
    if algebra.cleared(subtract(change, pairing)):
        raise Rejected("the gradient is not the derivative of the pairing")
    slopes = {name: (tuple(i for i, _ in f.indices), algebra.of_tree(f.value)) for name, f in families.items()}
    for group in flow.spheres:
        radial = []
        for name in group:
            ((index,), slope), (size,) = slopes[name], statement.symbols[name].shape
            radial.append(algebra.total(index, size, algebra.multiply(entry(name, (index,)), slope)))
        for name in group:
            indices, slope = slopes[name]
            slopes[name] = indices, subtract(slope, algebra.multiply(entry(name, indices), *[add(*radial)]))
    velocities: dict[str, tuple[tuple[str, ...], Poly]] = {}
    for name in parameters:
        shape = statement.symbols[name].shape
        indices = slopes[name][0] if name in slopes else tuple(f"i{n}'" for n in range(len(shape)))
        velocity = constant(0)
        if name in slopes:
            rate = flow.rates[name]
            own = {index: given for (index, _), given in zip(rate.indices, indices, strict=True)}
            velocity = scale(algebra.multiply(algebra.rename(algebra.of_tree(rate.value), own), slopes[name][1]), fmpq(-1))
        if name in flow.drift:
            drift = flow.drift[name]
            own = {index: given for (index, _), given in zip(drift.indices, indices, strict=True)}
            velocity = add(velocity, algebra.rename(algebra.of_tree(drift.value), own))
        velocities[name] = indices, velocity
    return velocities


def _along_flow(algebra: Algebra, poly: Poly, velocities: Velocities) -> Poly:
    symbols = algebra.statement.symbols

    def of_entry(name: str, indices: tuple[Index, ...]) -> Poly:
        if name in velocities:
            own, velocity = velocities[name]
            return algebra.rename(velocity, dict(zip(own, indices, strict=True)))
        if name == VARIABLE or name in algebra.statement.sizes or symbols[name].role == "constant":
            return constant(0)
        if symbols[name].role == "time":
            return constant(1)
        raise Rejected(f"how {name!r} moves along the flow is not known")

    return algebra.derivative(poly, of_entry)
