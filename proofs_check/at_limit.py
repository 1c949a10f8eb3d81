"""The producer for inequalities at limits: each limit with its certificate, and the inequality one way or the other."""

from __future__ import annotations

import time
from functools import lru_cache

from numerics import InvalidProblem
from numerics.limit import Polar, polar
from theory.settings import Instance
from theory.statements import AtLimit, Ending, Part, statement_tree
from theory.trees import Unstatable

from .instances import sizes_of
from .kernel import FORMAT, check
from .kernel.language import Rejected
from .limiting import Limit, limit
from .verdicts import Finding
from .written import plain

DIGITS = 35
BITS = 200


def at_limit(part: Part) -> Finding:
    """Let an inequality at limits be given: that it holds, or that it fails, with what the kernel accepted; or why neither is known."""
    start = time.perf_counter()
    assertion = part.assertion
    assert isinstance(assertion, AtLimit)
    route = "limit"

    def unknown(reason: str) -> Finding:
        return Finding(route, "unknown", reason=reason, seconds=time.perf_counter() - start)

    ends = {}
    for name, end in assertion.ends.items():
        try:
            found = _limit(_polar(end))
        except InvalidProblem as error:
            return unknown(str(error))
        if found.outcome == "unknown" or found.certificate is None:
            return unknown(f"{name}: {found.reason}")
        ends[name] = {"of": end.of, "certificate": found.certificate}
    try:
        certificate = {
            "format": FORMAT,
            "kind": "at-limit",
            "statement": statement_tree(part),
            "sizes": sizes_of(part.setting, part.setting.instances[0] if part.setting.instances else Instance({})),
            "values": {name: plain(value) for name, value in assertion.data.items()},
            "ends": ends,
            "bits": BITS,
        }
    except (Unstatable, NotImplementedError) as error:
        return unknown(str(error))
    reason = ""
    for holds in (True, False):
        try:
            accepted = check({**certificate, "holds": holds})
        except Rejected as error:
            reason = reason or str(error)
            continue
        return Finding(
            route, accepted.outcome, "enclosed", accepted.text, {**certificate, "holds": holds}, digits=DIGITS, seconds=time.perf_counter() - start
        )
    return unknown(reason)


def _polar(end: Ending) -> Polar:
    return polar(end.matrix, end.target, kappa=end.kappa, L=end.depth, start=end.start)


@lru_cache(maxsize=64)
def _limit(data: Polar) -> Limit:
    return limit(data, digits=DIGITS)
