"""What is proved of a simulation: bounds of the distance between what an integrator computed and the solutions, with a certificate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics import Trajectory
from numerics.exact import entries
from proofs_check.enclosing import Enclosure, enclose
from proofs_check.kernel import check

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Bounds:
    """Let $x$ be a solution that is enclosed: it is within `radii` of the states computed, in the norm, and its entries within `widths`.

    They are NaN where nothing is known. `text` is what the kernel says of the certificate, and empty where not one step was accepted.
    """

    enclosure: Enclosure
    text: str
    radii: Floats
    widths: Mapping[str, Floats]

    @property
    def words(self) -> str:
        """The verdict, for people."""
        proved = f"proved: {self.text}" if self.text else ""
        unknown = f"unknown: {self.enclosure.reason}" if self.enclosure.reason else ""
        return "\n".join(filter(None, (proved, unknown)))

    def as_json(self) -> dict[str, Any]:
        return {
            "outcome": self.enclosure.outcome,
            "reached": str(self.enclosure.reached),
            "reason": self.enclosure.reason or None,
            "text": self.text or None,
            "radii": [None if math.isnan(r) else r for r in self.radii.tolist()],
        }


def bounds(trajectory: Trajectory, *, digits: int, radii: Mapping[str, Any], laws: Sequence[Any] = ()) -> Bounds:
    """Let a trajectory be computed: an enclosure of its flow with so many digits, accepted by the kernel, and how far the states are from it.

    The `radii` and `laws` are those of `enclose`: all starts and constants within the radii are held. Raises what `enclose` raises.
    """
    found = enclose(trajectory.problem, until=trajectory.times[-1], digits=digits, radii=radii, laws=laws)
    text = check(found.certificate).text if found.certificate["steps"] else ""
    layout = trajectory.problem.layout
    distances = np.full(len(trajectory.times), np.nan)
    widths = {name: np.full((len(trajectory.times), math.prod(shape)), np.nan) for name, shape in zip(layout.names, layout.shapes, strict=True)}
    for n, t in enumerate(trajectory.times):
        if text and t <= found.reached:
            centre, around = found.centre_at(t), found.widths_at(t)
            squares = Fraction(0)
            for name in layout.names:
                pairs = zip(_numbers(trajectory.states[n][name]), _numbers(centre[name]), _numbers(around[name]), strict=True)
                for k, (state, middle, width) in enumerate(pairs):
                    squares += (state - middle) ** 2
                    widths[name][n, k] = _above(abs(state - middle) + width)
            distances[n] = np.nextafter(_above(found.radius_at(t)) + math.sqrt(_above(squares)) * (1 + 1e-15), np.inf)
    return Bounds(found, text, distances, widths)


def _numbers(block: Any) -> list[Fraction]:
    """The entries, exactly."""
    nested = block.tolist() if isinstance(block, np.ndarray) else block
    return [_exact(value) for _, value in entries(_tuples(nested))]


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value


def _exact(value: Any) -> Fraction:
    if isinstance(value, Fraction | int | float):
        return Fraction(value)
    sign, mantissa, exponent, _ = value._mpf_  # an mpf is a fraction, and would be rounded by its own arithmetic
    return Fraction(-mantissa if sign else mantissa) * Fraction(2) ** exponent


def _above(value: Fraction) -> float:
    return float(np.nextafter(float(value), np.inf)) if value else 0.0
