"""Layered networks of symbolic widths: the laws of their layers are proved for all widths, and what is nearly a law is refuted."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from random import Random

import pytest
import sympy as sp

from proofs_check.exact import all_sizes, counterexample
from proofs_check.sampling import Sizes, rational_value, sample
from theory.models import linear_network, relu_network
from theory.settings import Instance, Setting
from theory.statements import Evolves, Part
from theory.symbols import Indices, Variable, index, size, total

i, j, k = index("i"), index("j"), index("k")
DEPTHS = (2, 3, 4)
LAYERS = [(depth, l) for depth in DEPTHS for l in range(1, depth)]


def hidden(l: int) -> sp.Symbol:
    return size(f"d{l}")


def entries(setting: Setting, l: int, left: sp.Symbol, right: sp.Symbol) -> tuple[sp.Expr, sp.Expr]:
    """(W_{l+1}^T W_{l+1})_{left,right} and (W_l W_l^T)_{left,right}."""
    W, V = setting[f"W{l}"], setting[f"W{l + 1}"]
    return total(V[k, left] * V[k, right], (k, hidden(l + 1))), total(W[left, k] * W[right, k], (k, hidden(l - 1)))


def law(setting: Setting, quantity: sp.Expr, indices: Indices) -> Part:
    return Part(setting, Evolves(quantity, indices=indices))


def refuted(part: Part) -> bool:
    """Neither proved nor supported: a rational point where it fails, at widths 2, 3, 2, ..."""
    assert all_sizes(part).outcome == "unknown"
    sizes = {str(name): 2 + int(str(name)[1:]) % 2 for name in part.setting.sizes}
    return counterexample(part, Instance(sizes)).outcome == "refuted"


@pytest.mark.parametrize(("depth", "l"), LAYERS)
def test_linear_layers_are_balanced_for_all_widths(depth: int, l: int) -> None:
    setting = linear_network(depth)
    above, below = entries(setting, l, i, j)
    assert all_sizes(law(setting, above - below, ((i, hidden(l)), (j, hidden(l))))).outcome == "proved"


@pytest.mark.parametrize(("depth", "l"), LAYERS)
def test_near_balance_of_linear_layers_is_refuted(depth: int, l: int) -> None:
    setting = linear_network(depth)
    above, below = entries(setting, l, i, j)
    own = ((i, hidden(l)), (j, hidden(l)))
    assert refuted(law(setting, above + below, own))
    assert refuted(law(setting, above - 2 * below, own))
    assert refuted(law(setting, above, own))


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("depth", "l"), LAYERS)
def test_relu_neurons_are_balanced_for_all_widths(depth: int, l: int, bias: bool) -> None:
    setting = relu_network(depth, bias=bias)
    above, below = entries(setting, l, i, i)
    quantity = above - below - (setting[f"b{l}"][i] ** 2 if bias else 0)
    assert all_sizes(law(setting, quantity, ((i, hidden(l)),))).outcome == "proved"


@pytest.mark.parametrize(("depth", "l"), LAYERS)
def test_near_balance_of_relu_neurons_is_refuted(depth: int, l: int) -> None:
    setting = relu_network(depth, bias=True)
    above, below = entries(setting, l, i, i)
    square = setting[f"b{l}"][i] ** 2
    assert refuted(law(setting, above - below, ((i, hidden(l)),)))
    assert refuted(law(setting, above - below + square, ((i, hidden(l)),)))
    off_diagonal = sp.Add(*(sign * entry for sign, entry in zip((1, -1), entries(setting, l, i, j), strict=True)))
    assert refuted(law(setting, off_diagonal - setting[f"b{l}"][i] * setting[f"b{l}"][j], ((i, hidden(l)), (j, hidden(l)))))


def test_rates_of_the_layers_weigh_the_law() -> None:
    rho = Variable("rho", (), "constant", "positive")
    setting = linear_network(3, rates={"W2": rho[()]}, given=(rho,))
    above, below = entries(setting, 1, i, j)
    own = ((i, hidden(1)), (j, hidden(1)))
    assert all_sizes(law(setting, above - rho[()] * below, own)).outcome == "proved"
    assert all_sizes(law(setting, above - below, own)).outcome == "unknown"


@pytest.mark.parametrize(("depth", "bias"), [(2, False), (3, True), (4, True)])
def test_the_pairing_is_the_output_of_a_forward_pass(depth: int, bias: bool) -> None:
    """Layers applied to a vector one after another, in fractions, against the index expression."""
    setting = relu_network(depth, bias=bias)
    widths = [2, 3, 2, 3, 2][: depth + 1]
    sizes = {f"d{l}": width for l, width in enumerate(widths)}
    point = sample(setting, Instance(sizes), Random(depth))
    signal = [point["h0", (n,)] for n in range(widths[0])]
    for l in range(1, depth + 1):
        signal = [sum((point[f"W{l}", (m, n)] * signal[n] for n in range(widths[l - 1])), Fraction(0)) for m in range(widths[l])]
        if l < depth:
            shift = [point[f"b{l}", (m,)] if bias else Fraction(0) for m in range(widths[l])]
            signal = [point[f"a{l}", (m,)] * (signal[m] + shift[m]) for m in range(widths[l])]
    wanted = sum((point["G", (m,)] * signal[m] for m in range(widths[-1])), Fraction(0))
    assert setting.flow is not None
    assert rational_value(setting.flow.pairing, point, Sizes(sizes), {}) == wanted


@pytest.mark.parametrize("depth", DEPTHS)
def test_the_pairing_of_a_linear_network_is_that_of_the_product(depth: int) -> None:
    setting = linear_network(depth)
    widths = [3, 2, 3, 2, 3][: depth + 1]
    sizes = {f"d{l}": width for l, width in enumerate(widths)}
    point = sample(setting, Instance(sizes), Random(depth))

    def matrix(name: str, rows: int, columns: int) -> sp.Matrix:
        return sp.Matrix(rows, columns, [sp.Rational(point[name, place].numerator, point[name, place].denominator) for place in entry(rows, columns)])

    found = sp.eye(widths[0])
    for l in range(1, depth + 1):
        found = matrix(f"W{l}", widths[l], widths[l - 1]) * found
    wanted = (matrix("G", widths[-1], widths[0]).T * found).trace()
    assert setting.flow is not None
    assert rational_value(setting.flow.pairing, point, Sizes(sizes), {}) == Fraction(int(wanted.p), int(wanted.q))


def entry(rows: int, columns: int) -> list[tuple[int, int]]:
    return list(product(range(rows), range(columns)))


@pytest.mark.parametrize("setting", [linear_network(6), relu_network(6, bias=True)], ids=["linear", "relu"])
def test_the_pairing_stays_nested(setting: Setting) -> None:
    """Every sum stands directly in another one, so that its passes can be remembered; expanded there would be one sum over all paths."""
    flow = setting.flow
    assert flow is not None
    weights = [block for block in flow.space.parameters if block.name.startswith("W")]
    for block in weights:
        assert sum(found.base.name == block.name for node in sp.preorder_traversal(flow.pairing) if isinstance(found := node, sp.Indexed)) == 1
    deepest = max(len(node.limits) for node in flow.pairing.atoms(sp.Sum))
    assert deepest <= 2


def test_a_block_that_is_not_there_has_no_rate() -> None:
    with pytest.raises(ValueError, match="rates were given for b1; the blocks are W1, W2"):
        linear_network(2, rates={"b1": sp.Integer(2)})
    with pytest.raises(ValueError, match="at least one layer"):
        relu_network(0)


def test_one_layer_has_no_hidden_neurons() -> None:
    assert [block.name for block in relu_network(1, bias=True).flow.space.parameters] == ["W1"]
