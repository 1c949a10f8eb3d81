"""Layered networks of symbolic widths, deep linear or with frozen ReLU patterns, each as a setting with its flow."""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from ..settings import Flow, Setting, Space
from ..symbols import Family, Indices, Variable, index, size, total


def linear_network(depth: int, *, rates: Mapping[str, sp.Expr] | None = None, given: tuple[Variable, ...] = ()) -> Setting:
    """Let $W_\\ell \\in \\mathbb R^{d_\\ell \\times d_{\\ell-1}}$, $1 \\le \\ell \\le L$: the flow of $X = W_L \\cdots W_1$ for every loss $f(X)$.

    The blocks are `W1` to `W`*depth*, the widths the sizes `d0` to `d`*depth*; the gradient $G \\in \\mathbb R^{d_L \\times d_0}$ of the loss is a
    cotangent. `rates` gives a layer its learning rate, 1 where it says nothing; `given` are the constants they mention.

    Raises `ValueError` for a depth below 1, or a rate for a block that is not there.

    >>> linear_network(2).flow.pairing
    Sum(G[i2, i0]*Sum(W1[i1, i0]*W2[i2, i1], (i1, 0, d1 - 1)), (i0, 0, d0 - 1), (i2, 0, d2 - 1))
    """
    layers = _layers(depth)
    names = _names(depth)
    product = layers[0][names[1][0], names[0][0]]
    for l in range(1, depth):
        product = total(layers[l][names[l + 1][0], names[l][0]] * product, names[l])
    G = Variable("G", (size(f"d{depth}"), size("d0")), "cotangent")
    pairing = total(G[names[depth][0], names[0][0]] * product, names[0], names[depth])
    return _flowing(layers, (G,), pairing, rates, given)


def relu_network(depth: int, *, bias: bool = False, rates: Mapping[str, sp.Expr] | None = None, given: tuple[Variable, ...] = ()) -> Setting:
    """Let $h_0$ be the input, $h_\\ell = a_\\ell \\odot (W_\\ell h_{\\ell-1} + b_\\ell)$ for $\\ell < L$, and $x = W_L h_{L-1}$ the output.

    The patterns $a_\\ell \\in \\mathbb R^{d_\\ell}$ (`a1`, `a2`, ...; in a ReLU network 1 where a neuron is active and 0 elsewhere), the input
    $h_0 \\in \\mathbb R^{d_0}$ (`h0`) and the gradient $G \\in \\mathbb R^{d_L}$ are cotangents: a law of this flow holds for every loss and every
    sequence of examples. The biases $b_\\ell$ (`b1`, ...) are those of the hidden layers, as in the experiments of Marcotte, Gribonval and Peyre
    (NeurIPS 2023, arXiv:2307.00144). Weights, widths, `rates` and `given` are as in `linear_network`.

    Raises `ValueError` for a depth below 1, or a rate for a block that is not there.

    >>> [block.name for block in relu_network(3, bias=True).flow.space.parameters]
    ['W1', 'W2', 'W3', 'b1', 'b2']
    """
    layers = _layers(depth)
    names = _names(depth)
    biases = tuple(Variable(f"b{l}", (size(f"d{l}"),), "parameter") for l in range(1, depth)) if bias else ()
    patterns = tuple(Variable(f"a{l}", (size(f"d{l}"),), "cotangent") for l in range(1, depth))
    entry = Variable("h0", (size("d0"),), "cotangent")
    # Sums stay inside one another: expanded, a pairing is a sum over paths, of which there are as many as the product of the widths.
    signal = entry[names[0][0]]
    for l in range(1, depth + 1):
        own = names[l][0]
        signal = total(layers[l - 1][own, names[l - 1][0]] * signal, names[l - 1])
        if l < depth:
            signal = patterns[l - 1][own] * (signal + biases[l - 1][own] if bias else signal)
    G = Variable("G", (size(f"d{depth}"),), "cotangent")
    pairing = total(G[names[depth][0]] * signal, names[depth])
    return _flowing((*layers, *biases), (*patterns, entry, G), pairing, rates, given)


def _layers(depth: int) -> tuple[Variable, ...]:
    if depth < 1:
        raise ValueError(f"a network has at least one layer, and the depth {depth} was given")
    return tuple(Variable(f"W{l}", (size(f"d{l}"), size(f"d{l - 1}")), "parameter") for l in range(1, depth + 1))


def _names(depth: int) -> Indices:
    return tuple((index(f"i{l}"), size(f"d{l}")) for l in range(depth + 1))


def _flowing(
    blocks: tuple[Variable, ...],
    cotangents: tuple[Variable, ...],
    pairing: sp.Expr,
    rates: Mapping[str, sp.Expr] | None,
    given: tuple[Variable, ...],
) -> Setting:
    rates = rates or {}
    unknown = [name for name in rates if name not in {block.name for block in blocks}]
    if unknown:
        raise ValueError(f"rates were given for {', '.join(unknown)}; the blocks are {', '.join(block.name for block in blocks)}")
    families = {block.name: Family(block.indices, sp.sympify(rates.get(block.name, 1))) for block in blocks}
    return Setting((*blocks, *given, *cotangents)).along(Flow(Space(blocks), pairing, ("G",), families))
