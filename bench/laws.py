"""Conservation laws: the random networks of Marcotte, Gribonval and Peyre, and every system of examples/conservation, each found, proved and counted.

    python -m bench.laws

The seconds are CPU time on one core, from the setting to the certificate that the kernel accepted; what is imported before is not in them. A law that
is met again at other widths keeps its proof, which is for all widths. The peer,
run on the smallest networks in the same process, is the usual way: symbolic Lie brackets until nothing new comes.
"""

from __future__ import annotations

import importlib.util
import json
import resource
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

from discovery.discover import Discovery, Search
from polarflow.discovering import cases
from polarflow.targets import resolve

ROOT = Path(__file__).resolve().parent.parent
NETWORKS = json.loads((ROOT / "bench" / "data" / "random_networks.json").read_text(encoding="utf-8"))
PEER_PARAMETERS = 12


def measured(target: str, losses: str = "every") -> tuple[Discovery, float]:
    """The laws of a target, and the CPU seconds they took."""
    (case,) = cases(resolve(target), losses, {})  # type: ignore[arg-type]
    start = time.process_time()
    search = Search(case.setting, case.instance)
    for _ in search.run():
        pass
    return search.result(), time.process_time() - start


def networks(kind: str, goal: float) -> None:
    """All networks of one kind: how many came out complete with the known number of laws, the time for all, the largest."""
    right, total, worst, largest = 0, 0.0, 0.0, ""
    for network in NETWORKS[kind]:
        name = "linear_network" if kind == "linear" else "relu_network_bias" if network["bias"] else "relu_network"
        target = f"{name}:{','.join(map(str, network['widths']))}"
        found, seconds = measured(target)
        right += found.complete is True and found.found == network["laws"]
        total += seconds
        if seconds > worst:
            worst, largest = seconds, target
    count = len(NETWORKS[kind])
    print(
        f"{count} random {kind} networks: {right} complete with the known number; {total:.2f} s (goal {goal:g}), the longest {worst:.2f} s, {largest}"
    )


def peer() -> None:
    """Symbolic brackets against this, on the networks small enough for both."""
    oracle = _module("bracket_oracle")
    for network in NETWORKS["linear"]:
        widths = network["widths"]
        if sum(a * b for a, b in pairwise(widths)) > PEER_PARAMETERS:
            continue
        target = f"linear_network:{','.join(map(str, widths))}"
        (case,) = cases(resolve(target), "every", {})
        start = time.process_time()
        count = oracle.possible_laws(oracle.system(case.setting), depth=4)
        theirs = time.process_time() - start
        found, ours = measured(target)
        print(f"{target:24} brackets {theirs:7.2f} s, {count} laws;  polarflow {ours:6.3f} s, {found.found} laws;  ratio {theirs / ours:6.0f}")


def systems() -> None:
    """The table of examples/conservation."""
    print(f"{'system':34} {'D':>3} {'possible':>8} {'found':>5} {'quadr.':>6} {'verdict':>10} {'s':>6}")
    for expected in _module("systems").SYSTEMS:
        found, seconds = measured(str(expected.path), expected.losses)
        verdict = "complete" if found.complete else "unknown" if found.complete is None else "incomplete"
        row = (found.dimension, found.possible, found.found, len(found.quadratures))
        mark = "" if (found.dimension, found.possible) == (expected.dimension, expected.possible) else "  differs from the list"
        print(f"{expected.file:34} {row[0]:3} {row[1]!s:>8} {row[2]:5} {row[3]:6} {verdict:>10} {seconds:6.2f}{mark}", flush=True)


def _module(name: str) -> ModuleType:
    """A module of tests/discovery, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tests" / "discovery" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def main() -> None:
    steps: tuple[tuple[Callable[..., None], tuple[Any, ...]], ...] = (
        (networks, ("linear", 3.3)),
        (networks, ("relu", 10.95)),
        (peer, ()),
        (systems, ()),
    )
    for step, arguments in steps:
        step(*arguments)
    print(f"largest memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
