"""What a lecturer would change in a formula: an index used twice, a minus drawn out of a sum, needless brackets, a constant among coordinates."""

from __future__ import annotations

import pytest
import sympy as sp

from polarflow.formula import assertion, latex, latex_lines, layout
from theory.statements import Gradient
from theory.symbols import Variable, index, size, total

N = size("N")
i, j, l = index("i"), index("j"), index("l")
u, x = Variable("u", (N,), "parameter", "positive"), Variable("x", (N,))
kappa, m = Variable("kappa", (), "constant", "positive")[()], Variable("m", (), "constant", "positive")[()]

SNAPSHOTS = [
    (total(x[i] / total(u[i], (i, N)), (i, N)), r"\sum_{i} \frac{x_{i}}{\sum_{j} u_{j}}"),
    (total(x[i] * total(u[j] * total(u[i], (i, N)), (j, N)), (i, N)), r"\sum_{i} x_{i}\sum_{j} u_{j}\sum_{l} u_{l}"),
    (-(m + 2) * kappa, r"-(m + 2)\kappa"),
    (-(2 - m) * kappa, r"(m - 2)\kappa"),
    ((m + 2) / kappa, r"\frac{m + 2}{\kappa}"),
    (kappa / (m + 2), r"\frac{\kappa}{m + 2}"),
    ((m + 2) * kappa / m, r"\frac{(m + 2)\kappa}{m}"),
    (x[sp.Integer(0)] - 3 + 2 * x[sp.Integer(1)], "x_{0} + 2x_{1} - 3"),
    (1 - m, "1 - m"),
]


@pytest.mark.parametrize(("e", "told"), SNAPSHOTS)
def test_formulas(e, told):
    assert latex(layout(e)) == told


def test_a_sum_within_a_sum_keeps_clear_of_the_index_of_the_claim():
    inner = total(sp.exp(u[j]), (j, N))
    shown = assertion(Gradient(total(x[i] * sp.log(inner), (i, N)), u, total(x[i], (i, N)) * sp.exp(u[j]) / total(sp.exp(u[i]), (i, N)), ((j, N),)))
    told = latex_lines(shown.lines)
    assert r"\sum_{i} x_{i}\log\left(\sum_{l} \mathrm{e}^{u_{l}}\right)" in told
    assert r"\sum_{j}" not in told
