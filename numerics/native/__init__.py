"""Compiled code for float64: the velocity of a problem and the steps along it, in C, by the compiler of the machine."""

from .follow import WIDTH, Compiled, Walk, compiled
from .pieces import Pieces, joined

__all__ = ["WIDTH", "Compiled", "Pieces", "Walk", "compiled", "joined"]
