"""Integrators, one per file; they return the same `Trajectory`, and a new one is listed in `METHODS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..problem import Problem
from . import float64, odefun, taylor
from .trajectory import Trajectory

METHODS: Mapping[str, Callable[..., Trajectory]] = {
    "taylor": taylor.integrate,
    "odefun": odefun.integrate,
    **{name: float64.with_method(name) for name in float64.METHODS},
}


def integrate(problem: Problem, *, digits: int = 15, method: str | None = None, **options: Any) -> Trajectory:
    """Let a problem and a number of digits be given: its trajectory, by DOP853 up to 15 digits and by Taylor's method beyond.

    `method` names another of `METHODS`; `options` are passed on to it (`rtol`, `atol` in float64; `max_steps` for Taylor).

    Raises `IntegrationFailed` when the solution cannot be followed to the last time, `ValueError` for an unknown method.
    """
    chosen = method or ("DOP853" if digits <= 15 else "taylor")
    if chosen not in METHODS:
        raise ValueError(f"there is no method {chosen!r}; choose one of {', '.join(METHODS)}")
    return METHODS[chosen](problem, digits=digits, **options)


__all__ = ["METHODS", "Trajectory", "integrate"]
