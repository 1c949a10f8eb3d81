"""From a statement to findings: a proof for all sizes, a proof at explicit sizes, or a counterexample, each accepted by the kernel.

The producers here search; only what the kernel accepted is called proved or refuted.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from random import Random
from typing import Any

from theory.settings import Instance, Setting
from theory.statements import AtLimit, AtMost, Complete, Observed, Order, Part, gradient_tree, statement_tree
from theory.trees import Unstatable

from .cofactors import search
from .counting import count
from .division import certify
from .instances import elsewhere, instances_of, label, sizes_of
from .kernel import FORMAT, check
from .kernel.all_sizes import residual
from .kernel.language import Rejected, read_statement
from .kernel.points import residual_at
from .sampling import NoPoint, assignment, sample
from .verdicts import Finding, Verdict
from .written import plain

BITS = 333
SCALES = (Fraction(1), Fraction(1, 8), Fraction(1, 3), Fraction(1, 100), Fraction(5))


def all_sizes(part: Part, *, expected: bool = False) -> Finding:
    """A proof for all values of the symbolic sizes, by index calculus.

    Where the residual is `expected` to vanish without a hypothesis, no cofactors are looked for before the kernel has had its say.
    """
    start = time.perf_counter()
    route = "all sizes" if part.setting.sizes else "exact"
    try:
        tree = statement_tree(part)
        gradient = gradient_tree(part.setting)
        statement = read_statement(tree)
        certificate = {"format": FORMAT, "kind": "all-sizes", "statement": tree, "gradient": gradient, "cofactors": []}
        if expected:
            with suppress(Rejected):
                return _proved(route, certificate, start)
        cofactors, rest = search(statement, residual(statement, gradient))
        if rest:
            reason = f"the residual does not vanish by index calculus: {rest.key[:300]}"
            return Finding(route, "unknown", reason=reason, seconds=time.perf_counter() - start)
        return _proved(route, {**certificate, "cofactors": cofactors}, start)
    except (Rejected, Unstatable, NotImplementedError) as error:
        return Finding(route, "unknown", reason=str(error), seconds=time.perf_counter() - start)


def at_instance(part: Part, instance: Instance) -> Finding:
    """A proof at explicit sizes: one polynomial identity over the rationals, in FLINT."""
    start = time.perf_counter()
    route = label(part.setting, instance)
    try:
        tree = statement_tree(part)
        where = {"sizes": sizes_of(part.setting, instance), "values": {name: plain(value) for name, value in instance.values.items()}}
        certificate = {"format": FORMAT, "kind": "instance", "statement": tree, **certify(read_statement(tree), where)}
        return _proved(route, certificate, start)
    except (Rejected, Unstatable, NotImplementedError) as error:
        return Finding(route, "unknown", reason=str(error), seconds=time.perf_counter() - start)


def counterexample(part: Part, instance: Instance, *, samples: int = 6, seed: int = 0) -> Finding:
    """A rational point where the claim fails, or the number of points at which it held."""
    start = time.perf_counter()
    random = Random(seed)
    route = f"points, {label(part.setting, instance)}" if label(part.setting, instance) else "points"
    reason, held = "", 0
    try:
        tree = statement_tree(part)
        statement = read_statement(tree)
        for point in _points(part.setting, instance, random, 4 * samples):
            try:
                values = residual_at(statement, point)
            except Rejected as error:  # outside the domain: a logarithm of a negative number, a division by zero
                reason = str(error)
                continue
            if any(not value.contains(0) for value in values.values()):
                certificate = {"format": FORMAT, "kind": "counterexample", "statement": tree, **point}
                accepted = check(certificate)
                return Finding(
                    route, "refuted", "exact", accepted.text, certificate, accepted.conditions, samples=held + 1, seconds=time.perf_counter() - start
                )
            held += 1
            if held == samples:
                break
    except (Rejected, Unstatable, NotImplementedError, NoPoint) as error:
        reason = str(error)
    if held:
        told = f"no counterexample among {held} rational points"
        return Finding(route, "supported", "sampled", told, digits=int(BITS * 0.30103) - 10, samples=held, seconds=time.perf_counter() - start)
    return Finding(route, "unknown", reason=reason, seconds=time.perf_counter() - start)


def verdict(part: Part, *, seed: int = 0, samples: int = 6, second_route: bool = True) -> Verdict:
    """All routes for one part: for all sizes and at each instance; without an unconditional proof, the search for a counterexample.

    Without the second route, explicit sizes are tried only where there is no proof for all of them.
    """
    match part.assertion:
        case Complete():
            return Verdict((count(part, seed=seed),))
        case AtMost():
            from .inequalities import inequality  # a solver takes long to import, and few claims need it

            return Verdict(inequality(part, seed=seed, samples=samples, second_route=second_route))
        case AtLimit():
            from .at_limit import at_limit  # linear programming takes long to import, and few claims need it

            return Verdict((at_limit(part),))
        case Observed() | Order():
            from .observing import observed, order  # so does everything that integrates

            return Verdict((observed(part) if isinstance(part.assertion, Observed) else order(part),))
    instances = instances_of(part.setting)
    general = all_sizes(part)
    findings = [general]
    if (part.setting.sizes and second_route) or general.outcome != "proved":
        findings += [at_instance(part, instance) for instance in instances]
    if general.outcome != "proved" or general.conditions:
        for instance in (*instances, *elsewhere(part.setting, instances)):
            found = counterexample(part, instance, samples=samples, seed=seed)
            findings.append(found)
            if found.outcome == "refuted":
                break
    return Verdict(tuple(findings))


def _points(setting: Setting, instance: Instance, random: Random, most: int) -> Iterator[dict[str, Any]]:
    for n in range(most):
        point = sample(setting, instance, random, scale=SCALES[n % len(SCALES)])
        yield assignment(setting, instance, point, bits=BITS)


def _proved(route: str, certificate: dict[str, Any], start: float) -> Finding:
    accepted = check(certificate)
    return Finding(route, "proved", "exact", accepted.text, certificate, accepted.conditions, seconds=time.perf_counter() - start)
