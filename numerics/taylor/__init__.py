"""Taylor's method on whole vectors at 16 to some hundred digits.

The passes: `record` turns the array program of a velocity into a `Tape` of operations on vectors of power series; `Machine` runs it, in double
precision to know how large every coefficient is, then in fixed point; `run` takes the steps.
"""

from .machine import Machine
from .record import record
from .steps import Run, run
from .tape import Tape

__all__ = ["Machine", "Run", "Tape", "record", "run"]
