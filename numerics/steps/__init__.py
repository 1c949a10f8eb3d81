"""Discrete dynamics of a flow: rules for steps, a file each, and what takes the steps."""

from .clock import by_log_loss, by_path_length, time_changed
from .explicit import explicit
from .mirror import mirror_step
from .momentum import heavy_ball
from .normalise import projected, renormalised
from .rule import Rule
from .run import iterate, iterate_batch
from .stochastic import euler_maruyama, heun

__all__ = [
    "Rule",
    "by_log_loss",
    "by_path_length",
    "euler_maruyama",
    "explicit",
    "heavy_ball",
    "heun",
    "iterate",
    "iterate_batch",
    "mirror_step",
    "projected",
    "renormalised",
    "time_changed",
]
