"""What cannot be constructed is refused when the strategy is asked for, with a sentence."""

from __future__ import annotations


class Impossible(ValueError):
    """A request that nothing meets: the text says what was given, why there is no such thing, and what there is."""
