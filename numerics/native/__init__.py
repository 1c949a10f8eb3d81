"""Compiled code for float64: the velocity of a problem and the steps along it, in C, by the compiler of the machine."""

from .dop853 import LOOKS
from .events import Watch, Watched, watched
from .follow import ROUNDS, WIDTH, Compiled, Walk, compiled
from .pieces import Pieces, joined

__all__ = ["LOOKS", "ROUNDS", "WIDTH", "Compiled", "Pieces", "Walk", "Watch", "Watched", "compiled", "joined", "watched"]
