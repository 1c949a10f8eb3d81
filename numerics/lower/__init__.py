"""From index notation to array operations: `lower` gives the array program of a velocity, never one operation per entry; `as_loops` its loops."""

from .arrays import Array, ArrayProgram, Statement
from .fuse import fuse
from .loops import Cell, Loop, LoopProgram, Nest, Sum, as_loops
from .program import lower

__all__ = ["Array", "ArrayProgram", "Cell", "Loop", "LoopProgram", "Nest", "Statement", "Sum", "as_loops", "fuse", "lower"]
