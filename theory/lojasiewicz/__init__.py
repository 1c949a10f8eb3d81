"""Lojasiewicz's gradient inequality $|\\nabla f| \\ge c\\,|f - f(a)|^\\theta$: exponents of polynomials, and what follows for gradient flows."""

from .answer import Condition, Exponent
from .directions import by_directions
from .factors import by_factors
from .floor import metric_floor, metric_form, polar_inequality
from .general import by_degree
from .germs import Germ, NotAGerm, germ
from .homogeneous import Inequality, homogeneous_inequality
from .morse_bott import by_critical_manifold
from .polygon import by_polygon
from .rates import Convergence, convergence
from .splitting import by_splitting
from .sums import by_sum
from .theorems import exponent
from .weights import by_weights

__all__ = [
    "Condition",
    "Convergence",
    "Exponent",
    "Germ",
    "Inequality",
    "NotAGerm",
    "by_critical_manifold",
    "by_degree",
    "by_directions",
    "by_factors",
    "by_polygon",
    "by_splitting",
    "by_sum",
    "by_weights",
    "convergence",
    "exponent",
    "germ",
    "homogeneous_inequality",
    "metric_floor",
    "metric_form",
    "polar_inequality",
]
