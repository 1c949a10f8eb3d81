"""Drift along an experiment: what is conserved must stay to the last digits, what is not must be seen to move.

Evidence, not proof. At `digits` digits a conserved quantity is accepted when its drift is below 10^-(3/4 digits), and a quantity that should
move is accepted as moving when its drift exceeds 10^-6; anything in between decides nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import mpmath

from numerics import IntegrationFailed, drift, integrate, problem
from theory.statements import Experiment

from .verdicts import Finding

MOVES = mpmath.mpf(10) ** -6


@dataclass(frozen=True)
class Drift:
    """The largest distance of a quantity from its start, over the times of the experiment and the choices of its constants."""

    label: str
    conserved: bool  # what is claimed
    value: Any
    finding: Finding


def measure(experiment: Experiment, *, digits: int = 60) -> tuple[Drift, ...]:
    """Integrate the experiment once and measure every quantity it watches."""
    start = time.perf_counter()
    route = f"{experiment.id}, {digits} digits"
    watched = [(w, True) for w in experiment.conserved] + [(w, False) for w in experiment.moving]
    try:
        posed = problem(experiment.setting, data=experiment.data, start=experiment.start, times=(0, *experiment.times))
        trajectory = integrate(posed, digits=digits)
    except IntegrationFailed as error:
        lost = Finding(route, "unknown", reason=str(error), digits=digits, seconds=time.perf_counter() - start)
        return tuple(Drift(w.label, conserved, None, lost) for w, conserved in watched)
    found = []
    stays = mpmath.mpf(10) ** (-3 * digits // 4)
    for w, conserved in watched:
        value = max(drift(trajectory, w.quantity, extra=choice) for choice in w.choices)
        seconds, start = time.perf_counter() - start, time.perf_counter()
        size = mpmath.nstr(value, 3)
        if value < stays:
            finding = Finding(route, "supported", "sampled", f"drift {size}", digits=digits, samples=1, seconds=seconds)
        elif value > MOVES:
            finding = Finding(route, "refuted", "sampled", f"drift {size}: the quantity moves", digits=digits, samples=1, seconds=seconds)
        else:
            finding = Finding(route, "unknown", None, f"drift {size} decides nothing", digits=digits, samples=1, seconds=seconds)
        found.append(Drift(w.label, conserved, value, finding))
    return tuple(found)
