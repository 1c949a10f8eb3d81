"""From index notation to array operations: `lower` gives the array program of a velocity, never one operation per entry."""

from .arrays import Array, ArrayProgram, Statement
from .program import lower

__all__ = ["Array", "ArrayProgram", "Statement", "lower"]
