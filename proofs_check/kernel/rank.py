"""How many conservation laws a flow has: a lower bound on its Lie algebra, and as many independent laws as that leaves room for.

Let theta' = X(theta, c) on R^D with controls c, the cotangents, that move as they like. A function conserved for all of them has a gradient that
vanishes on the Lie algebra of the fields X(., c). If that has rank r at a point (`reach`), there are at most D - r independent laws near it. The
certificate says how to reach r, and gives the laws with their own certificates; if the gradients of D - r of them are independent at the point, the
count is exact, and every other law is a function of these near the point. Where the statement speaks of time, time is one more coordinate, and
laws may depend on it.

On spheres the fields are tangent, and at their points a bracket depends on nothing outside; laws are conserved there only, and their gradients
vanish on the brackets all the same. The norms are among the laws, so that D - r counts them too; a function that vanishes on a sphere has a
gradient along that of the norm, and adds nothing to it.

Laws come with proofs of their own (`laws`), or as integrals of forms (`quadrature`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flint import fmpq

from .graph import Motion, Place, motion
from .instance import read_sizes, read_value
from .language import Count, Json, Rejected, Statement, read_statement
from .laws import check_point, law_rows
from .points import precision
from .quadrature import form_gradient
from .reach import independent, reached


def check_count(certificate: Json) -> str:
    """Accept the certificate and say what it establishes, or raise `Rejected`."""
    statement = read_statement(certificate["statement"])
    if not isinstance(statement.claim, Count):
        raise Rejected("the statement does not count laws")
    point = certificate["point"]
    check_point(statement, {}, point)
    with precision(point["bits"]):
        place = located(statement, point)
        rank = reached(place.motion, place.at, certificate["controls"])
        rows = [law_rows(certificate["statement"], law, point) for law in certificate["laws"]]
        forms = [form_gradient(certificate["statement"], form, rows, point) for form in certificate.get("quadratures", [])]
        gradients = [row.gradient for found in rows for row in found]
        laws = independent([*gradients, *forms], place.motion.moving)
        integrals = laws - independent(gradients, place.motion.moving) if forms else 0
    dimension, claim = len(place.motion.moving), statement.claim
    room = dimension - rank
    if laws > room:
        raise Rejected(f"{laws} laws are independent and the flow leaves room for {room}: one of the two is wrong")
    if claim.least > laws or claim.most < room:
        wanted = str(claim.most) if claim.least == claim.most else f"{claim.least} to {claim.most}"
        raise Rejected(f"{laws} laws are independent, the flow leaves room for {room}, and the statement says {wanted}")
    unknown = [name for name, symbol in statement.symbols.items() if symbol.role == "cotangent"]
    hold = f"hold whatever {' and '.join(unknown)} {'is' if len(unknown) == 1 else 'are'}" if unknown else "hold"
    given = f" ({integrals} of them the integral of a form)" if integrals else ""
    found = f"{laws} independent laws{given} {hold}, and no more"
    if laws < room:
        found = f"at least {laws} independent laws{given} {hold}, and at most {room}"
    norms = ", the norms on its spheres counted" if statement.flow and statement.flow.spheres else ""
    return f"near the point and for its constants, {found}{norms}: of {dimension} dimensions the flow and its Lie brackets span {rank}"


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
