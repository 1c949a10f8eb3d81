"""Every loss with a value: the kernel agrees that G is its gradient; and near-misses are refuted."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sympy as sp

from proofs_check.exact import verdict
from theory.losses import Loss, exponential, logistic, square, square_to
from theory.settings import Instance, Setting
from theory.statements import Gradient, Part
from theory.symbols import Variable, index, size

N, M = size("N"), size("M")
A, y, Y = Variable("A", (M, N)), Variable("y", (M,)), Variable("Y", (N,))
LOSSES = {"square": square(A, y, (N,)), "square_to": square_to(Y), "exponential": exponential(A, (N,)), "logistic": logistic(A, (N,))}


def statement(loss: Loss, factor: int) -> Part:
    x, i = Variable("x", (N,), "parameter"), index("i")
    setting = Setting((x, A, y, Y), loss.definitions, instances=(Instance({"N": 3, "M": 2}),))
    return Part(setting, Gradient(setting["F"][()], x, factor * setting["G"][i], ((i, N),)))


@pytest.mark.parametrize("name", LOSSES)
def test_G_is_the_gradient(name: str) -> None:
    assert verdict(statement(LOSSES[name], 1)).outcome == "proved"


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("factor", [-1, 2])
def test_a_multiple_of_G_is_not(name: str, factor: int) -> None:
    assert verdict(statement(LOSSES[name], factor)).outcome == "refuted"


def test_data_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="should be M x K"):
        square(A, y, (size("K"),))


def test_the_residual_is_not_that_of_half_the_loss() -> None:
    loss = LOSSES["square"]
    halved = replace(
        loss, definitions=tuple(d if d.name != "F" else replace(d, family=replace(d.family, value=d.family.value / 2)) for d in loss.definitions)
    )
    assert verdict(statement(halved, 1)).outcome == "refuted"


def test_values_are_sums_over_the_data() -> None:
    assert all(isinstance(loss.value, sp.Expr) for loss in LOSSES.values())
