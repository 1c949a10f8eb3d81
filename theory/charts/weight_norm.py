"""Weight normalisation: a gain and an unconstrained direction, one parameter more than needed."""

from __future__ import annotations

import sympy as sp

from ..settings import Space
from ..symbols import Family, Variable, index, total
from .chart import Reparametrisation


def weight_norm(weight: Variable, gain: str = "g", direction: str = "v") -> Reparametrisation:
    """Let $g > 0$ and $v \\in \\mathbb R^N \\setminus 0$: $w = g\\,v/\\|v\\|$; redundant ($v$ and $cv$ give the same $w$), singular at $v = 0$."""
    ((i, length),) = weight.indices
    g = Variable(gain, (), "parameter", "positive")
    v = Variable(direction, weight.shape, "parameter", weight.sign)
    l = index("l")
    norm = sp.sqrt(total(v[l] ** 2, (l, length)))
    return Reparametrisation(
        "weight normalisation",
        Space((weight,)),
        Space((g, v)),
        forward={weight.name: Family(((i, length),), g[()] * v[i] / norm)},
        backward={},
        singular=f"{direction} = 0",
        metric={},
    )
