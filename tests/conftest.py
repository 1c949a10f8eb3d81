"""The Hypothesis profile of the whole suite, by default dev."""

from __future__ import annotations

from proofs_check.strategies import register_profiles

register_profiles()
