"""Many states at once in float64, or exactly: velocities on columns, and thousands of trajectories together."""

from .field import Field, field, values_of
from .integrate import integrate_batch
from .quantities import quantities
from .trajectories import Trajectories

__all__ = ["Field", "Trajectories", "field", "integrate_batch", "quantities", "values_of"]
