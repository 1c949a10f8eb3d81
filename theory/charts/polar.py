"""Polar coordinates: a radius and a direction on the sphere."""

from __future__ import annotations

import sympy as sp

from ..settings import Space
from ..symbols import Family, Variable, total
from .chart import Reparametrisation


def polar(weight: Variable, radius: str = "r", direction: str = "u") -> Reparametrisation:
    """Let $w \\in \\mathbb R^N\\setminus 0$: $w = r u$ with $r = \\|w\\| > 0$ and $\\|u\\| = 1$; singular at $w = 0$.

    The direction moves on the sphere with its own metric. Source: the setting of Chou, Rauhut, Ward, arXiv:2305.05448.
    """
    ((i, length),) = weight.indices
    r = Variable(radius, (), "parameter", "positive")
    u = Variable(direction, weight.shape, "parameter", weight.sign)
    norm = sp.sqrt(total(weight[i] ** 2, (i, length)))
    return Reparametrisation(
        "polar",
        Space((weight,)),
        Space((r, u), ((u.name,),)),
        forward={weight.name: Family(((i, length),), r[()] * u[i])},
        backward={r.name: Family((), norm), u.name: Family(((i, length),), weight[i] / norm)},
        singular=f"{weight.name} = 0",
        metric={},
    )
