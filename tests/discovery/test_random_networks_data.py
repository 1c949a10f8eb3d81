"""The random networks on which conservation laws are counted: drawn again from the published description, and counted by a formula.

The description is that of the experiments of Marcotte, Gribonval and Peyre, Abide by the law and follow the flow (NeurIPS 2023, arXiv:2307.00144):
NumPy's global generator with seed 0, a depth from 2 to 4, widths from 2 to 5 (linear) or 2 to 9 (ReLU), and for ReLU networks a coin for the
biases. Between two networks the experiment draws points at which ranks are taken, one number for each parameter, and these move the generator on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import combinations_with_replacement, pairwise
from pathlib import Path

import numpy as np
import pytest
from flint import nmod_mat

DATA = json.loads((Path(__file__).parents[2] / "bench" / "data" / "random_networks.json").read_text())
LINEAR, RELU, WITHOUT_RETRIES = (DATA[name] for name in ("linear", "relu", "linear_without_retries"))
# Where the quick estimate of the rank missed, the experiment drew a third point. It depends on the published program which networks these are.
RETRIED = (2, 12, 14, 29, 31, 32, 37, 47)
PRIME = 2**31 - 1


def parameters(widths: list[int], *, bias: bool = False) -> int:
    return sum(before * after for before, after in pairwise(widths)) + (sum(widths[1:-1]) if bias else 0)


def drawn_linear(points: Iterator[int]) -> list[list[int]]:
    """50 lists of widths, with as many points after each as the iterator says."""
    random, found = np.random.RandomState(0), []
    for _ in range(50):
        found.append(random.randint(2, 6, size=random.randint(2, 5) + 1).tolist())
        for _ in range(next(points)):
            random.rand(parameters(found[-1]))
    return found


def drawn_relu() -> list[tuple[list[int], bool]]:
    random, found = np.random.RandomState(0), []
    for _ in range(50):
        widths = random.randint(2, 10, size=random.randint(2, 5) + 1).tolist()
        found.append((widths, bool(random.rand() < 0.5)))
        random.rand(parameters(widths, bias=found[-1][1]))
    return found


def balanced(widths: list[int]) -> int:
    """The number of independent entries of W_{l+1}^T W_{l+1} - W_l W_l^T at a generic point, by a formula.

    Among the d_l (d_l + 1)/2 entries of a hidden layer a relation is a symmetric S_l with W_{l+1} S_l = S_{l+1} W_{l+1} and S = 0 at both ends.
    At a generic point S_l lives on what neither the layer below reaches nor the layer above sees, of dimension d_l - d_{l-1} - d_{l+1}.
    """
    unseen = [max(0, own - below - above) for below, own, above in zip(widths, widths[1:], widths[2:], strict=False)]
    return sum(d * (d + 1) // 2 for d in widths[1:-1]) - sum(m * (m + 1) // 2 for m in unseen)


def rank_of_balance(widths: list[int], random: np.random.Generator) -> int:
    """The rank of the Jacobian of the balances at a random point modulo a prime: at most the generic rank, and less with negligible probability."""
    shapes = [(after, before) for before, after in pairwise(widths)]
    W = [random.integers(0, PRIME, shape) for shape in shapes]
    at = np.cumsum([0, *(rows * columns for rows, columns in shapes)])
    rows = []
    for l in range(len(W) - 1):
        for p, q in combinations_with_replacement(range(widths[l + 1]), 2):
            row = [0] * int(at[-1])
            for m in range(widths[l]):  # -sum_m W_l[p,m] W_l[q,m]
                row[at[l] + p * widths[l] + m] -= int(W[l][q, m])
                row[at[l] + q * widths[l] + m] -= int(W[l][p, m])
            for m in range(widths[l + 2]):  # +sum_m W_{l+1}[m,p] W_{l+1}[m,q]
                row[at[l + 1] + m * widths[l + 1] + p] += int(W[l + 1][m, q])
                row[at[l + 1] + m * widths[l + 1] + q] += int(W[l + 1][m, p])
            rows.append([value % PRIME for value in row])
    return int(nmod_mat(len(rows), int(at[-1]), [value for row in rows for value in row], PRIME).rank())


def test_the_linear_networks_as_run_are_drawn_again() -> None:
    assert drawn_linear(3 if n in RETRIED else 2 for n in range(50)) == [network["widths"] for network in LINEAR]


def test_without_retries_the_stream_gives_the_other_list() -> None:
    assert drawn_linear(2 for _ in range(50)) == [network["widths"] for network in WITHOUT_RETRIES]


@pytest.mark.parametrize("other", [0, 1, 3])
def test_another_number_of_points_gives_neither_list(other: int) -> None:
    found = drawn_linear(other for _ in range(50))
    assert found not in ([network["widths"] for network in LINEAR], [network["widths"] for network in WITHOUT_RETRIES])


def test_every_retry_is_needed() -> None:
    """The lists part right after a retry that is left out, so that the retries are read off the list and not assumed."""
    wanted = [network["widths"] for network in LINEAR]
    for left_out in RETRIED:
        found = drawn_linear(3 if n in RETRIED and n != left_out else 2 for n in range(50))
        assert found[: left_out + 1] == wanted[: left_out + 1]
        assert found[left_out + 1 :] != wanted[left_out + 1 :]


def test_the_relu_networks_are_drawn_again() -> None:
    assert drawn_relu() == [(network["widths"], network["bias"]) for network in RELU]


@pytest.mark.parametrize("network", LINEAR, ids=lambda network: "-".join(map(str, network["widths"])))
def test_the_known_number_of_laws_of_a_linear_network(network: dict[str, list[int]]) -> None:
    assert balanced(network["widths"]) == network["laws"]
    assert rank_of_balance(network["widths"], np.random.default_rng(1)) == network["laws"]


def test_entries_of_the_balance_may_depend_on_each_other() -> None:
    """Five neurons between two and two: more entries than independent ones, so that counting entries is not enough."""
    widths = [2, 2, 5, 2, 4]
    assert sum(d * (d + 1) // 2 for d in widths[1:-1]) == 21
    assert balanced(widths) == rank_of_balance(widths, np.random.default_rng(2)) == 20


def test_the_formula_agrees_with_ranks_at_uneven_widths() -> None:
    random = np.random.default_rng(3)
    for _ in range(60):
        widths = random.integers(1, 8, size=int(random.integers(3, 7))).tolist()
        assert balanced(widths) == rank_of_balance(widths, random), widths


def test_a_relu_network_has_a_law_for_every_hidden_neuron() -> None:
    for network in RELU:
        assert network["laws"] == sum(network["widths"][1:-1])


def test_the_largest_relu_network_has_biases_on_hidden_layers_only() -> None:
    assert max(parameters(network["widths"], bias=network["bias"]) for network in RELU) == 306
