"""How a setting with a flow is computed: problems, source code, trajectories, observations."""

from .emit import EMITTERS, compile, source
from .errors import IntegrationFailed, InvalidProblem, OutOfDomain, Unsupported
from .evaluate import evaluate
from .flat import Layout
from .integrate import METHODS, Trajectory, integrate
from .observe import drift, observe
from .problem import Problem, problem
from .program import Program, program
from .sphere import point_on_sphere

__all__ = [
    "EMITTERS",
    "METHODS",
    "IntegrationFailed",
    "InvalidProblem",
    "Layout",
    "OutOfDomain",
    "Problem",
    "Program",
    "Trajectory",
    "Unsupported",
    "compile",
    "drift",
    "evaluate",
    "integrate",
    "observe",
    "point_on_sphere",
    "problem",
    "program",
    "source",
]
