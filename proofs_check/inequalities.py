"""From an inequality to findings: a proof for all sizes, squares at explicit sizes, a box cut into cells, or a counterexample.

The producers here propose; only what the kernel accepted is called proved or refuted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from random import Random
from typing import Any

import sympy as sp
from flint import arb, fmpq

from theory.settings import Instance, Setting
from theory.statements import AtMost, Part, gradient_tree, statement_tree
from theory.symbols import Family
from theory.trees import Unstatable, declared_names, tree

from .cofactors import search
from .division import certify
from .domains import BITS, Domain
from .instances import elsewhere, instances_of, label, sizes_of
from .kernel import FORMAT, check
from .kernel.all_sizes import residual
from .kernel.bisection import LEAF, Cell, Gap, gaps, halves, words
from .kernel.index import scale
from .kernel.instance import Entry, entries
from .kernel.language import Json, Rejected, Statement, read_family, read_statement
from .kernel.nonnegative import claimed, equation
from .kernel.points import precision
from .multipliers import squares_witness
from .sampling import NoPoint
from .verdicts import Finding
from .witnesses import witness_for_all_sizes

DRAWS = 10  # of points, for each that is wanted
WALKS = 2  # how many points are starts of walks towards a violation
MOST_CELLS = 4000
MOST_CUTS = 40  # of one cell
BALL_BITS = 64


def inequality(part: Part, *, seed: int = 0, samples: int = 6, second_route: bool = True) -> tuple[Finding, ...]:
    """All routes for an inequality: for all sizes and by squares at each instance; without a proof, cells of a box and the search for a violation."""
    instances = instances_of(part.setting)
    general = all_sizes(part, seed=seed)
    found = [general]
    for instance in instances:
        if (part.setting.sizes and second_route) or general.outcome != "proved":
            explicit = at_instance(part, instance, seed=seed, known=general.certificate["witness"] if general.certificate else None)
            found.append(explicit)
            if "proved" not in (general.outcome, explicit.outcome):
                found.append(on_cells(part, instance, seed=seed))
    if not any(finding.outcome == "proved" and finding.route in ("all sizes", "exact") and not finding.conditions for finding in found):
        for instance in (*instances, *elsewhere(part.setting, instances)):
            found.append(violation(part, instance, samples=samples, seed=seed))
            if found[-1].outcome == "refuted":
                break
    return tuple(found)


def all_sizes(part: Part, *, seed: int = 0) -> Finding:
    """A proof for all sizes: right - left is the witness given, or a combination of expressions whose sign is plain."""

    def prove() -> Json:
        statement, gradient = read_statement(statement_tree(part)), gradient_tree(part.setting)
        witness = _given(part, {})
        if witness is None:
            witness = witness_for_all_sizes(statement, gradient)
        parsed = read_family(statement, {"indices": [list(pair) for pair in claimed(statement).indices], "value": witness}).value
        wanted = equation(statement, parsed)
        cofactors, rest = search(wanted, residual(wanted, gradient))
        if rest:
            raise Rejected(f"right - left differs from the witness, by index calculus, by {scale(rest, fmpq(-1)).key[:300]}")
        return {"witness": witness, "gradient": gradient, "cofactors": cofactors}

    return _found(part, "all sizes" if part.setting.sizes else "exact", "inequality", instances_of(part.setting)[0], seed, prove)


def at_instance(part: Part, instance: Instance, *, seed: int = 0, known: Json = None) -> Finding:
    """A proof at explicit sizes: for each entry the witness given or, for a claim without indices, known; or a sum of squares with multipliers."""

    def prove() -> Json:
        statement, where = read_statement(statement_tree(part)), _where(part.setting, instance)
        proofs = []
        for entry, at in _entries(statement, where):
            witness = _given(part, at)
            if witness is None and known is not None and not at:
                witness = known
            if witness is None:
                witness = squares_witness(statement, where, at)
            if witness is None:
                raise Rejected(f"no sum of squares was found{f' for the entry {list(entry)}' if entry else ''}")
            parsed = read_family(statement, {"indices": [], "value": witness}).value
            proofs.append({"witness": witness, "cofactors": certify(equation(statement, parsed, at), where)["cofactors"][0]})
        return {"instance": where, "proofs": proofs}

    return _found(part, _route(part.setting, instance), "inequality", instance, seed, prove)


def on_cells(part: Part, instance: Instance, *, seed: int = 0) -> Finding:
    """A proof at explicit sizes on a box that is cut in halves until every cell is decided in balls."""

    def prove() -> Json:
        statement, where = read_statement(statement_tree(part)), _where(part.setting, instance)
        with precision(BALL_BITS):
            splits = [_cuts(gap) for gap in gaps(statement, where)]
        return {"instance": where, "bits": BALL_BITS, "splits": splits}

    found = _found(part, _route(part.setting, instance), "bisection", instance, seed, prove)
    return replace(found, grade="enclosed") if found.outcome == "proved" else found


def _cuts(gap: Gap) -> list[int]:
    """How the box is cut, first along the coordinate with which right - left may change most.

    `Rejected` after `MOST_CELLS` cells, or `MOST_CUTS` cuts of one.
    """
    splits: list[int] = []
    waiting: list[tuple[Cell, int]] = [(gap.whole, 0)]
    while waiting:
        cell, depth = waiting.pop()
        if gap.decided(cell):
            splits.append(LEAF)
            continue
        if len(splits) > 2 * MOST_CELLS or depth == MOST_CUTS:
            raise Rejected(f"the inequality is not decided on the cell {words(gap, cell)}: it may fail there, or be an equality")
        coordinate = _widest(gap, cell)
        splits.append(coordinate)
        waiting += [(half, depth + 1) for half in reversed(halves(cell, coordinate))]
    return splits


def _widest(gap: Gap, cell: Cell) -> int:
    widths = [float(arb(high - low)) for low, high in cell]
    try:
        slopes = gap.slopes_on(cell)
        reach = [width * float(abs(slopes[place]).upper()) if place in slopes else 0.0 for place, width in zip(gap.places, widths, strict=True)]
    except Rejected:
        reach = []
    return max(range(len(cell)), key=lambda n: reach[n] if any(reach) and max(reach) < float("inf") else widths[n])


def violation(part: Part, instance: Instance, *, samples: int = 6, seed: int = 0) -> Finding:
    """A rational point of the domain where the inequality certainly fails, or the number of points at which it held."""
    start = time.perf_counter()
    named = label(part.setting, instance)
    route, reason, held, random = f"points, {named}" if named else "points", "no point of the domain was found", 0, Random(seed)
    try:
        written = statement_tree(part)
        domain = Domain(part, instance, read_statement(written))
        for drawn in islice(domain.points(random, DRAWS * samples), samples):
            for point in domain.walk(drawn, random) if held < WALKS else (drawn,):
                if domain.excess(point) > 0:
                    certificate = {"format": FORMAT, "kind": "counterexample", "statement": written, **domain.written(point)}
                    told = check(certificate)
                    spent = time.perf_counter() - start
                    return Finding(route, "refuted", "exact", told.text, certificate, told.conditions, samples=held + 1, seconds=spent)
            held += 1
    except (Rejected, Unstatable, NotImplementedError, NoPoint) as error:
        reason = str(error)
    spent = time.perf_counter() - start
    if held:
        reason = f"no counterexample among {held} rational points of the domain, and on the way down from {min(held, WALKS)} of them"
        return Finding(route, "supported", "sampled", reason, digits=int(BITS * 0.30103) - 10, samples=held, seconds=spent)
    return Finding(route, "unknown", reason=reason, seconds=spent)


def _found(part: Part, route: str, kind: str, instance: Instance, seed: int, prove: Callable[[], Json]) -> Finding:
    """What `prove` finds, with a point of the domain where that has conditions, if the kernel accepts it."""
    start = time.perf_counter()
    try:
        written = statement_tree(part)
        certificate = {"format": FORMAT, "kind": kind, "statement": written, **prove()}
        domain = Domain(part, instance, read_statement(written))
        if claimed(domain.statement).where:
            point = next(domain.points(Random(seed), DRAWS * 6), None)
            if point is None:
                raise Rejected("no point was found at which the conditions of the claim are met: it may be about nothing")
            certificate["point"] = domain.written(point)
        told = check(certificate)
        return Finding(route, "proved", "exact", told.text, certificate, told.conditions, seconds=time.perf_counter() - start)
    except (Rejected, Unstatable, NotImplementedError, NoPoint) as error:
        return Finding(route, "unknown", reason=str(error), seconds=time.perf_counter() - start)


def _route(setting: Setting, instance: Instance) -> str:
    """What a proof at the instance is a proof of: everything, if the instance says nothing."""
    return label(setting, instance) or ("the values given" if instance.values else "exact")


def _given(part: Part, at: Mapping[str, int]) -> Json | None:
    """The witness that comes with the claim, its indices replaced by numbers where these are given."""
    assertion = part.assertion
    assert isinstance(assertion, AtMost)
    if assertion.because is None:
        return None
    entries_ = [sp.Integer(at[name.name]) if name.name in at else name for name, _ in assertion.indices]
    declared = declared_names(part.setting.having(definitions=assertion.where))
    return tree(Family(assertion.indices, assertion.because).at(entries_), declared)


def _where(setting: Setting, instance: Instance) -> Json:
    def plain(value: Any) -> Any:
        return [plain(entry) for entry in value] if isinstance(value, tuple | list) else str(value)

    return {"sizes": sizes_of(setting, instance), "values": {name: plain(value) for name, value in instance.values.items()}}


def _entries(statement: Statement, where: Json) -> Iterator[tuple[Entry, dict[str, int]]]:
    indices = claimed(statement).indices
    for entry in entries((size for _, size in indices), where["sizes"]):
        yield entry, {name: k for (name, _), k in zip(indices, entry, strict=True)}
