"""polarflow: derive, check and integrate gradient flows.

>>> import polarflow as pf
>>> pf.papers()
('chou_rauhut_ward',)

The names below are loaded when they are first used, so that the import itself costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from discovery.discover import Discovery, discover
    from discovery.family import every_loss
    from numerics import drift, integrate, problem, source
    from numerics.exponent import estimate_exponent, geometric_times
    from proofs_check.certifying import Certified, certify
    from proofs_check.enclosing import Enclosure, enclose
    from proofs_check.exact import verdict
    from proofs_check.kernel import check
    from proofs_check.settling import Settled, settle
    from proofs_check.verdicts import Finding, Verdict
    from theory.calculus import along, gradient, tidy
    from theory.charts import polar, rederive, transport, weight_norm
    from theory.derivations import energy_dissipation, equations_of_motion
    from theory.descent import one_step
    from theory.dynamics import gradient_flow, vector_field
    from theory.files import read
    from theory.inequalities import above_tangent, box
    from theory.lojasiewicz import convergence, exponent, germ, homogeneous_inequality, metric_floor, metric_form, polar_inequality
    from theory.losses import any_loss, any_loss_of, exponential, logistic, square, square_to
    from theory.mirror import mirror_map
    from theory.models import Model, difference, hadamard, linear_network, power, product, relu_network
    from theory.papers import paper
    from theory.separable import dual_coordinates
    from theory.settings import Definition, Flow, Instance, Setting, Space
    from theory.statements import AtMost, Complete, Equal, Evolves, Gradient, Part, Statement, TimeDerivative
    from theory.symbols import Family, Variable, index, size, total

    from .notebook import load_ipython_extension
    from .simulate import Simulation, simulate

_WHERE = {
    "discovery.discover": ("Discovery", "discover"),
    "discovery.family": ("every_loss",),
    "numerics": ("drift", "integrate", "problem", "source"),
    "numerics.exponent": ("estimate_exponent", "geometric_times"),
    "polarflow.notebook": ("load_ipython_extension",),
    "polarflow.simulate": ("Simulation", "simulate"),
    "proofs_check.certifying": ("Certified", "certify"),
    "proofs_check.enclosing": ("Enclosure", "enclose"),
    "proofs_check.exact": ("verdict",),
    "proofs_check.kernel": ("check",),
    "proofs_check.settling": ("Settled", "settle"),
    "proofs_check.verdicts": ("Finding", "Verdict"),
    "theory.calculus": ("along", "gradient", "tidy"),
    "theory.charts": ("polar", "rederive", "transport", "weight_norm"),
    "theory.derivations": ("energy_dissipation", "equations_of_motion"),
    "theory.descent": ("one_step",),
    "theory.dynamics": ("gradient_flow", "vector_field"),
    "theory.files": ("read",),
    "theory.inequalities": ("above_tangent", "box"),
    "theory.lojasiewicz": ("convergence", "exponent", "germ", "homogeneous_inequality", "metric_floor", "metric_form", "polar_inequality"),
    "theory.losses": ("any_loss", "any_loss_of", "exponential", "logistic", "square", "square_to"),
    "theory.mirror": ("mirror_map",),
    "theory.models": ("Model", "difference", "hadamard", "linear_network", "power", "product", "relu_network"),
    "theory.papers": ("paper",),
    "theory.separable": ("dual_coordinates",),
    "theory.settings": ("Definition", "Flow", "Instance", "Setting", "Space"),
    "theory.statements": ("AtMost", "Complete", "Equal", "Evolves", "Gradient", "Part", "Statement", "TimeDerivative"),
    "theory.symbols": ("Family", "Variable", "index", "size", "total"),
}
_MODULES = {name: module for module, names in _WHERE.items() for name in names}

__all__ = [
    "AtMost",
    "Certified",
    "Complete",
    "Definition",
    "Discovery",
    "Enclosure",
    "Equal",
    "Evolves",
    "Family",
    "Finding",
    "Flow",
    "Gradient",
    "Instance",
    "Model",
    "Part",
    "Setting",
    "Settled",
    "Simulation",
    "Space",
    "Statement",
    "TimeDerivative",
    "Variable",
    "Verdict",
    "above_tangent",
    "along",
    "any_loss",
    "any_loss_of",
    "box",
    "certify",
    "check",
    "convergence",
    "difference",
    "discover",
    "drift",
    "dual_coordinates",
    "enclose",
    "energy_dissipation",
    "equations_of_motion",
    "estimate_exponent",
    "every_loss",
    "exponent",
    "exponential",
    "geometric_times",
    "germ",
    "gradient",
    "gradient_flow",
    "hadamard",
    "homogeneous_inequality",
    "index",
    "integrate",
    "linear_network",
    "load_ipython_extension",
    "logistic",
    "metric_floor",
    "metric_form",
    "mirror_map",
    "one_step",
    "paper",
    "papers",
    "polar",
    "polar_inequality",
    "power",
    "problem",
    "product",
    "read",
    "rederive",
    "relu_network",
    "settle",
    "simulate",
    "size",
    "source",
    "square",
    "square_to",
    "tidy",
    "total",
    "transport",
    "vector_field",
    "verdict",
    "weight_norm",
]


def papers() -> tuple[str, ...]:
    """The names of the shipped papers."""
    from theory.papers import NAMES

    return NAMES


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"polarflow has no {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_MODULES[name]), name)
