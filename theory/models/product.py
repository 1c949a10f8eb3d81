"""Products of layers: of matrices (deep linear networks) or of vectors, entry by entry (untied diagonal networks)."""

from __future__ import annotations

from itertools import pairwise

import sympy as sp

from ..settings import Space
from ..symbols import Family, Variable, index, total
from .model import Model


def product(*layers: Variable) -> Model:
    """Let $W_\\ell \\in \\mathbb R^{n_\\ell \\times n_{\\ell-1}}$, first layer first: $X = W_L \\cdots W_1$."""
    for earlier, later in pairwise(layers):
        if earlier.shape[0] != later.shape[1]:
            raise ValueError(f"{later.name} takes {later.shape[1]} values and {earlier.name} gives {earlier.shape[0]}")
    names = [index(letter) for letter in ["j", *(f"h{n}" for n in range(1, len(layers))), "i"]]
    entries = [layer[names[n + 1], names[n]] for n, layer in enumerate(layers)]
    inner = [(names[n + 1], layer.shape[0]) for n, layer in enumerate(layers[:-1])]
    indices = ((names[-1], layers[-1].shape[0]), (names[0], layers[0].shape[1]))
    return Model(Space(layers), Family(indices, total(sp.Mul(*entries), *inner)))


def hadamard(*layers: Variable) -> Model:
    """Let $w^{(\\ell)} \\in \\mathbb R^N$: $x_i = w^{(1)}_i \\cdots w^{(L)}_i$."""
    i = index("i")
    return Model(Space(layers), Family(((i, layers[0].shape[0]),), sp.Mul(*(layer[i] for layer in layers))))
