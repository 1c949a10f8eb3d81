"""How many conservation laws a flow has: a lower bound on its Lie algebra, and as many independent laws as that leaves room for.

Let theta' = X(theta, c) on R^D with controls c, the cotangents, that move as they like. A function conserved for all of them has a gradient that
vanishes on the Lie algebra of the fields X(., c). If that has rank r at a point (`reach`), there are at most D - r independent laws near it. The
certificate says how to reach r, and gives the laws with their own certificates; if the gradients of D - r of them are independent at the point, the
count is exact, and every other law is a function of these near the point. Where the statement speaks of time, time is one more coordinate, and
laws may depend on it.

On spheres the fields are tangent, and at their points a bracket depends on nothing outside; laws are conserved there only, and their gradients
vanish on the brackets all the same. The norms are among the laws, so that D - r counts them too; a function that vanishes on a sphere has a
gradient along that of the norm, and adds nothing to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from flint import arb, fmpq, fmpq_mpoly

from .all_sizes import conditions_of, told
from .graph import Motion, Place, motion
from .index import Poly, free_indices, tree_of
from .instance import entry_name, in_tower, proved_at_instance, read_sizes, read_value, value_at
from .language import Count, Equal, Evolves, Json, Number, Rejected, Statement, is_rational, read_statement
from .points import gradients_at, precision, residual_at
from .reach import independent, reached


def check_count(certificate: Json) -> str:
    """Accept the certificate and say what it establishes, or raise `Rejected`."""
    with told():
        return _check_count(certificate)


def _check_count(certificate: Json) -> str:
    statement = read_statement(certificate["statement"])
    if not isinstance(statement.claim, Count):
        raise Rejected("the statement does not count laws")
    point = certificate["point"]
    _check_point(statement, {}, point)
    with precision(point["bits"]):
        place = located(statement, point)
        rank = reached(place.motion, place.at, certificate["controls"])
        laws = independent([row for law in certificate["laws"] for row in law_gradients(certificate["statement"], law, point)], place.motion.moving)
    dimension, claim = len(place.motion.moving), statement.claim
    room = dimension - rank
    if laws > room:
        raise Rejected(f"{laws} laws are independent and the flow leaves room for {room}: one of the two is wrong")
    if claim.least > laws or claim.most < room:
        wanted = str(claim.most) if claim.least == claim.most else f"{claim.least} to {claim.most}"
        raise Rejected(f"{laws} laws are independent, the flow leaves room for {room}, and the statement says {wanted}")
    found = f"{laws} independent laws hold for every cotangent, and no more"
    if laws < room:
        found = f"at least {laws} independent laws hold for every cotangent, and at most {room}"
    norms = ", the norms on its spheres counted" if statement.flow and statement.flow.spheres else ""
    return f"near the point and for its constants, {found}{norms}: {dimension} coordinates, a Lie algebra of rank {rank}"


@dataclass(frozen=True)
class Located:
    """The flow at the sizes of a point, for its constants, and the values of what moves there and of the controls."""

    motion: Motion
    at: Mapping[Place, fmpq]


def located(statement: Statement, point: Json) -> Located:
    sizes, values = read_sizes(statement, point["sizes"]), dict[Place, fmpq]()
    for name in statement.symbols:
        values |= {(name, entry): q for entry, q in read_value(statement, name, point["values"][name], sizes).items()}
    constants = {place: q for place, q in values.items() if statement.symbols[place[0]].role == "constant"}
    found = motion(statement, sizes, constants)
    return Located(found, {place: values[place] for place in (*found.moving, *found.controls)})


def law_gradients(counted: Json, law: Json, point: Json) -> list[Mapping[Place, fmpq | arb]]:
    """The gradients at the point of the quantities a law's certificate proves conserved, for each choice given of its own constants."""
    certificate = law["certificate"]
    proved = certificate["statement"]
    if any(proved[key] != counted[key] for key in ("sizes", "definitions", "flow")) or any(
        proved["symbols"].get(name) != declared for name, declared in counted["symbols"].items()
    ):
        raise Rejected("a law is proved for another setting than that of the count")
    statement = read_statement(proved)
    if any(symbol.role != "constant" for name, symbol in statement.symbols.items() if name not in counted["symbols"]):
        raise Rejected("a law brings a name of its own that is not a constant")
    claim = statement.claim
    if not isinstance(claim, Evolves) or claim.rate != Number(fmpq(0)):
        raise Rejected("a law is not a conserved quantity")
    conditions: Mapping[str, Poly | None] = {}
    explicit: Mapping[str, fmpq_mpoly] = {}
    given: Mapping[str, Json] = {}
    if certificate["kind"] == "all-sizes":
        conditions = conditions_of(statement, certificate)
    elif certificate["kind"] == "instance" and certificate["instance"]["sizes"] == point["sizes"]:
        given = certificate["instance"]["values"]
        explicit = proved_at_instance(statement, certificate).conditions
    else:
        raise Rejected("a law is proved neither for all sizes nor at those of the point")
    rows: list[Mapping[Place, fmpq | arb]] = []
    for values in law["values"]:
        if any(statement.symbols[name].role != "constant" for name in values):
            raise Rejected("a law may choose its constants only")
        if _used(counted["flow"], counted["definitions"]) & set(values):
            raise Rejected("a law may not choose a constant of the flow")
        chosen = {**point, "values": {**point["values"], **values}}
        if any(chosen["values"][name] != value for name, value in given.items()):
            raise Rejected("a law is proved for other constants than those of the point, or than those it chooses")
        _check_point(statement, conditions, chosen)
        _check_values(statement, explicit, chosen)
        rows += gradients_at(statement, claim.indices, claim.quantity, chosen)
    return rows


def _check_point(statement: Statement, conditions: Mapping[str, Poly | None], point: Json) -> None:
    """Refuse a point that violates a sign, a hypothesis or a condition, and a condition that holds for some cotangents only."""
    residual_at(replace(statement, claim=Equal((), Number(fmpq(0)), Number(fmpq(0)))), point)
    known = {name: symbol for name, symbol in statement.symbols.items() if symbol.role != "cotangent"}
    still = replace(statement, symbols=known)  # a law is to hold for every cotangent, so that no condition may depend on their values
    there = {**point, "values": {name: point["values"][name] for name in known}}
    for text, poly in conditions.items():
        if poly is None:
            _leave_to_the_quantity(statement, text)
            continue
        claim = Equal(tuple(free_indices(poly, statement).items()), tree_of(poly), Number(fmpq(0)))
        values = residual_at(replace(still, claim=claim), there).values()
        if not all(value > 0 or (value < 0 and text.endswith("!= 0")) for value in values):
            raise Rejected(f"a law holds only where {text}, and that is not certain at the point")


def _check_values(statement: Statement, conditions: Mapping[str, fmpq_mpoly], point: Json) -> None:
    """The same for the conditions of a proof at explicit sizes."""
    sizes, values = read_sizes(statement, point["sizes"]), dict[str, fmpq]()
    for name in (name for name, symbol in statement.symbols.items() if conditions and symbol.role != "cotangent"):
        values |= {entry_name(name, entry): q for entry, q in read_value(statement, name, point["values"][name], sizes).items()}
    for text, p in conditions.items():
        if not text.endswith(("> 0", "!= 0")) or in_tower(p):
            _leave_to_the_quantity(statement, text)
            continue
        value = value_at(p, values)
        if not (value > 0 or (value < 0 and text.endswith("!= 0"))):
            raise Rejected(f"a law holds only where {text}, and at the point that is {value}")


def _leave_to_the_quantity(statement: Statement, condition: str) -> None:
    """Leave a condition to the evaluation of the quantity in balls, which needs it as well: one on integrals, which no flow holds, or one on other
    functions, if the flow is rational."""
    flow = statement.flow
    assert flow is not None
    families = [*statement.definitions.values(), *flow.rates.values(), *flow.drift.values()]
    if not condition.endswith(" exists") and not all(map(is_rational, [flow.pairing, *(family.value for family in families)])):
        raise Rejected(f"a law holds under a condition that is not checked at the point: {condition}")


def _used(*nodes: Json) -> set[str]:
    """Every name in a tree of JSON."""
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, str):
            names.add(node)
        elif isinstance(node, list):
            names |= _used(*node)
        elif isinstance(node, dict):
            names |= _used(*node.values())
    return names
