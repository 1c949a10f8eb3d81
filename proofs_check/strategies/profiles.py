"""Hypothesis profiles for a test suite: dev, ci and nightly."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

EXAMPLES = {"dev": 40, "ci": 40, "nightly": 2000}
VARIABLE = "HYPOTHESIS_PROFILE"


def register(default: str = "dev") -> str:
    """Register the profiles and load the one that `$HYPOTHESIS_PROFILE` names, or the default; its name.

    dev is for work at the desk, ci has the same examples in every run, nightly has many. None of them has a deadline: exact arithmetic is slow
    where numbers are large, and that is no failure. Call it in a `conftest.py`.
    """
    for name, examples in EXAMPLES.items():
        settings.register_profile(
            name,
            deadline=None,
            max_examples=examples,
            derandomize=name == "ci",
            suppress_health_check=[HealthCheck.too_slow],
            print_blob=name != "ci",
        )
    chosen = os.environ.get(VARIABLE, default)
    if chosen not in EXAMPLES:
        raise ValueError(f"{VARIABLE} = {chosen!r} is no profile; choose one of {', '.join(EXAMPLES)}")
    settings.load_profile(chosen)
    return chosen
