"""Hypothesis strategies for exact mathematics: matrices, points, sparse problems and whole flows, in rationals.

Each is a construction: what it promises holds for every value it gives, and nothing is drawn and thrown away. What cannot be constructed raises
`Impossible` when it is asked for. Matrices are tuples of rows of `Fraction`s.
"""

from .assignments import assignments
from .errors import Impossible
from .matrices import invertible, matrices
from .orthogonal import orthogonal
from .points import points, spheres
from .problems import problems
from .profiles import register as register_profiles
from .rationals import rationals
from .sparse import Sparse, sparse
from .spectra import spd, symmetric, with_condition, with_singular_values

__all__ = [
    "Impossible",
    "Sparse",
    "assignments",
    "invertible",
    "matrices",
    "orthogonal",
    "points",
    "problems",
    "rationals",
    "register_profiles",
    "sparse",
    "spd",
    "spheres",
    "symmetric",
    "with_condition",
    "with_singular_values",
]
