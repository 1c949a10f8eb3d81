"""The producer of counts: a random rational point, controls that reach as far as they can, a basis of each law's own constants."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from theory.settings import Setting
from theory.statements import Complete, Evolves, Part, gradient_tree, statement_tree

from .cofactors import search
from .instances import instances_of, label
from .kernel import FORMAT, check, language
from .kernel.all_sizes import residual
from .kernel.graph import Motion, Place
from .kernel.language import Rejected, read_statement
from .kernel.points import gradients_at, precision
from .kernel.rank import located
from .kernel.reach import independent, reached
from .sampling import NoPoint, Point, Sizes, assignment, basis, sample
from .verdicts import Finding, Outcome

BITS = 333
PRIME = 2**31 - 1
ORDERS = (0, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 26, 33, 41, 50, 60)


@dataclass(frozen=True)
class Reach:
    """The dimension of a flow, the rank that its controls were seen to reach, and these controls."""

    dimension: int
    rank: int
    controls: dict[str, Any]

    @property
    def possible(self) -> int:
        """How many independent laws there can be at most, which the kernel will confirm."""
        return self.dimension - self.rank


def reach(tree: Any, where: Any, *, seed: int = 0) -> Iterator[Reach]:
    """Longer and longer series until the rank grows no more, the best so far at every step; for a statement's tree and a point of it.

    Raises `Rejected` where the flow cannot be evaluated at the point.
    """
    place = located(read_statement(tree), where)
    moved = place.motion
    dimension, best = len(moved.moving), -1
    prime = None if _transcendental(moved) else PRIME
    for order in ORDERS:
        controls = {"prime": prime, "width": dimension + 4, "order": order, "seed": seed}
        with precision(where["bits"]):
            rank = reached(moved, place.at, controls)
        if rank <= best and order > ORDERS[1]:
            return
        if rank > best:
            best = rank
            yield Reach(dimension, rank, controls)
        if rank == dimension:
            return


def _transcendental(moved: Motion) -> bool:
    """Whether the velocities hold roots or functions, which have no values modulo a prime."""
    for n in moved.graph.under(moved.velocities.values()):
        node = moved.graph.nodes[n]
        if node[0] not in ("number", "place", "held", "+", "*", "^") or (node[0] == "^" and node[2].q != 1):
            return True
    return False


def count(part: Part, *, seed: int = 0) -> Finding:
    """How many independent laws the flow has at the setting's first instance, by a certificate whose number decides the claim."""
    start = time.perf_counter()
    claim, setting = part.assertion, part.setting
    assert isinstance(claim, Complete)
    instance = instances_of(setting)[0]
    route = label(setting, instance)
    try:
        point = sample(setting, instance, Random(seed))
        where = assignment(setting, instance, point, bits=BITS)
        laws = [_law(setting, law.indices, law.value, Sizes(instance.sizes), point) for law in claim.laws]
        tree = statement_tree(part)
        known = _independent(laws, where)
        for found in reach(tree, where, seed=seed):
            if found.possible <= known:
                break
        certificate = count_certificate(tree, where, found, laws)
        accepted = check(certificate)
        outcome: Outcome = "proved" if found.possible == claim.count else "refuted"
        return Finding(route, outcome, "exact", accepted.text, certificate, accepted.conditions, seconds=time.perf_counter() - start)
    except (Rejected, NoPoint, NotImplementedError) as error:
        return Finding(route, "unknown", reason=str(error), seconds=time.perf_counter() - start)


def _independent(laws: Sequence[Any], where: Any) -> int:
    """How many of the laws are independent at the point, which says when to stop reaching further."""
    rows: list[Mapping[Place, Any]] = []
    with precision(where["bits"]):
        for law in laws:
            statement = read_statement(law["certificate"]["statement"])
            claim = statement.claim
            assert isinstance(claim, language.Evolves)
            for values in law["values"]:
                rows += gradients_at(statement, claim.indices, claim.quantity, {**where, "values": {**where["values"], **values}})
        return independent(rows, tuple({place: None for row in rows for place in row}))


def count_certificate(
    tree: Any, where: Any, reached: Reach, laws: Sequence[Any], quadratures: Sequence[Any] = (), *, least: int | None = None
) -> dict[str, Any]:
    """The certificate that there are as many laws as the reach leaves room for; at least as many as said, where not so many are given."""
    claim: dict[str, Any] = {"kind": "count", "count": reached.possible, "indices": []}
    if least is not None and least != reached.possible:
        claim = {"kind": "between", "least": least, "most": reached.possible, "indices": []}
    statement = {**tree, "claim": claim}
    found = {"format": FORMAT, "kind": "count", "statement": statement, "point": where, "controls": reached.controls, "laws": list(laws)}
    return {**found, "quadratures": list(quadratures)} if quadratures else found


def _law(setting: Setting, indices: Any, quantity: Any, sizes: Sizes, point: Point) -> dict[str, Any]:
    """A law with its proof for all sizes, and a basis of the constants it may choose."""
    part = Part(setting, Evolves(quantity, indices=indices))
    tree, gradient = statement_tree(part), gradient_tree(setting)
    statement = read_statement(tree)
    cofactors, rest = search(statement, residual(statement, gradient))
    if rest:
        raise Rejected(f"a law is not proved: {rest.key[:200]} is left")
    certificate = {"kind": "all-sizes", "statement": tree, "gradient": gradient, "cofactors": cofactors}
    return {"certificate": certificate, "values": basis(setting, quantity, sizes, point)}
