"""Integrators, one per file; they return the same `Trajectory`, and a new one is listed in `METHODS`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any

from ..problem import Problem
from .trajectory import Trajectory

# The module of each method and what it is told; it is imported when it is asked for, since SciPy and heyoka take a second to load.
METHODS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "taylor": ("taylor", {}),
    "odefun": ("odefun", {}),
    **{name: ("float64", {"method": name}) for name in ("DOP853", "RK45", "RK23", "Radau", "BDF", "LSODA")},
}


def integrate(problem: Problem, *, digits: int = 15, method: str | None = None, **options: Any) -> Trajectory:
    """Let a problem and a number of digits be given: its trajectory, by DOP853 up to 15 digits and by Taylor's method beyond.

    `method` names another of `METHODS`; `options` are passed on to it (`rtol`, `atol` in float64; `max_steps` for Taylor).

    Raises `IntegrationFailed` when the solution cannot be followed to the last time, `ValueError` for an unknown method.
    """
    chosen = method or ("DOP853" if digits <= 15 else "taylor")
    if chosen not in METHODS:
        raise ValueError(f"there is no method {chosen!r}; choose one of {', '.join(METHODS)}")
    module, told = METHODS[chosen]
    found: Trajectory = _loaded(module).integrate(problem, digits=digits, **told, **options)
    return found


@cache
def _loaded(module: str) -> Any:
    return import_module(f".{module}", __package__)


__all__ = ["METHODS", "Trajectory", "integrate"]
