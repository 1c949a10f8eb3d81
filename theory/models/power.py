"""The diagonal linear model: every coordinate a power of its own weight."""

from __future__ import annotations

import sympy as sp

from ..settings import Space
from ..symbols import Family, Variable
from .model import Model


def power(weight: Variable, depth: sp.Expr) -> Model:
    """Let $w \\in \\mathbb R^N_{>0}$ and $L$ real: $x_i = w_i^L$.

    A diagonal linear network of depth $L$ with tied layers (Chou, Rauhut, Ward, arXiv:2305.05448, setting).

    >>> from theory.symbols import size
    >>> power(Variable("w", (size("N"),), "parameter", "positive"), sp.Integer(2)).output.value
    w[i]**2
    """
    ((i, length),) = weight.indices
    return Model(Space((weight,)), Family(((i, length),), weight[i] ** depth))
