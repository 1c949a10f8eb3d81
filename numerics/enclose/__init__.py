"""What an enclosure is made of before anyone believes it: polynomials in time along a trajectory, and a bound of eigenvalues."""

from .pieces import Bundle, Piece, Pieces
from .slope import gentlest, inverse, slope

__all__ = ["Bundle", "Piece", "Pieces", "gentlest", "inverse", "slope"]
