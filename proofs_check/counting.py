"""The producer of counts: a random rational point, brackets until the rank settles, a basis of the laws, a minor of their gradients."""

from __future__ import annotations

import time
from itertools import product
from random import Random
from typing import Any

from flint import arb, fmpq

from theory.settings import Setting
from theory.statements import Complete, Evolves, Part, gradient_tree, statement_tree

from .cofactors import search
from .instances import instances_of, label
from .kernel import FORMAT, check
from .kernel.all_sizes import residual
from .kernel.language import Rejected, read_statement
from .kernel.points import Place, precision
from .kernel.rank import fields_rank, law_gradients, vector_fields
from .sampling import NoPoint, Point, Sizes, assignment, basis, sample
from .verdicts import Finding, Outcome

BITS = 333
DEEPEST = 3


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
        statement = read_statement(tree)
        constants = {n: v for n, v in where["values"].items() if statement.symbols[n].role == "constant"}
        family = vector_fields(statement, {"sizes": where["sizes"], "values": constants})
        at = {place: fmpq(point[place].numerator, point[place].denominator) for place in family.moving}
        words = _brackets(family, at)
        rank = fields_rank(family, words, at)
        with precision(BITS):
            rows = [row for law in laws for row in law_gradients(tree, law, where)]
            minor = _minor(rows, family.moving)
        laws_found = len(minor["rows"])
        if laws_found + rank != len(family.moving):
            reason = f"{laws_found} independent laws, brackets of rank {rank}, {len(family.moving)} parameters: the count is open"
            return Finding(route, "unknown", reason=reason, seconds=time.perf_counter() - start)
        certificate = {
            "format": FORMAT,
            "kind": "count",
            "statement": {**tree, "claim": {**tree["claim"], "count": laws_found}},
            "point": where,
            "brackets": words,
            "laws": laws,
            "minor": minor,
        }
        accepted = check(certificate)
        outcome: Outcome = "proved" if laws_found == claim.count else "refuted"
        return Finding(route, outcome, "exact", accepted.text, certificate, accepted.conditions, seconds=time.perf_counter() - start)
    except (Rejected, NoPoint, NotImplementedError) as error:
        return Finding(route, "unknown", reason=str(error), seconds=time.perf_counter() - start)


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


def _brackets(family: Any, at: Any) -> list[Any]:
    """Words whose brackets are independent at the point: the fields, then brackets with the fields while the rank grows."""
    kept: list[Any] = []
    layer: list[Any] = list(range(len(family.fields)))
    for _ in range(DEEPEST):
        grown = []
        for word in layer:
            if fields_rank(family, [*kept, word], at) > len(kept):
                kept.append(word)
                grown.append(word)
        if not grown:
            break
        layer = [[n, word] for n, word in product(range(len(family.fields)), grown) if n != word]
    return kept


def _minor(rows: list[Any], moving: tuple[Place, ...]) -> dict[str, list[int]]:
    """Rows and columns of a large minor, by elimination with the largest pivot."""
    work = [[arb(row.get(place, fmpq(0))) for place in moving] for row in rows]
    chosen: list[int] = []
    columns: list[int] = []
    for n, row in enumerate(work):
        candidates = [c for c in range(len(moving)) if c not in columns and (row[c] > 0 or row[c] < 0) and abs(row[c]).mid() > arb(2) ** (-BITS // 2)]
        if not candidates:
            continue
        pivot = max(candidates, key=lambda c: float(abs(row[c]).mid()))
        chosen.append(n)
        columns.append(pivot)
        for later in work[n + 1 :]:
            factor = later[pivot] / row[pivot]
            for c in range(len(moving)):
                later[c] -= factor * row[c]
    return {"rows": chosen, "columns": columns}
