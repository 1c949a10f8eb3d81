"""What an enclosure is made of before anyone believes it: polynomials in time along a trajectory, and a bound of eigenvalues."""

from .pieces import Piece, Pieces
from .slope import gentlest, slope

__all__ = ["Piece", "Pieces", "gentlest", "slope"]
