"""Where the polar flow on the diagonal model ends: the dual of its Bregman projection, solved to any number of digits; nothing is proved here."""

from .face import Face, face
from .least import least, positive, separating
from .polar import Polar, polar
from .quantities import bregman, effective, excess, loss
from .solve import Multipliers, multipliers

__all__ = [
    "Face",
    "Multipliers",
    "Polar",
    "bregman",
    "effective",
    "excess",
    "face",
    "least",
    "loss",
    "multipliers",
    "polar",
    "positive",
    "separating",
]
