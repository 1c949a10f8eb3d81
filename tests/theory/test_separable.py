"""The dual coordinates are found, not typed in: over depths and ratios, and not where the method does not apply."""

from __future__ import annotations

from functools import reduce

import pytest
import sympy as sp

from proofs_check.exact import verdict
from theory.charts import polar, rederive
from theory.losses import any_loss_of
from theory.mirror import mirror_map
from theory.models import power
from theory.separable import NotSeparable, dual_coordinates
from theory.settings import Setting
from theory.symbols import Variable, index, size

N, M = size("N"), size("M")
i = index("i")
w = Variable("w", (N,), "parameter", "positive")
A = Variable("A", (M, N))
L, kappa = Variable("L", (), "constant", "positive"), Variable("kappa", (), "constant", "positive")
r = Variable("r", (), "parameter", "positive")[()]


def flow(depth: sp.Expr, ratio: sp.Expr) -> Setting:
    return rederive(power(w, depth), any_loss_of(A, (N,)), polar(w), {"r": sp.S.One, "u": ratio}, given=(L, kappa, A))


DEPTHS = [sp.Integer(1), sp.Integer(2), sp.Integer(3), sp.Rational(5, 2), sp.Integer(7), L[()]]
RATIOS = {"kappa": kappa[()], "1": sp.S.One, "1/r^2 (plain gradient flow)": r**-2, "kappa r": kappa[()] * r}


@pytest.mark.parametrize("depth", DEPTHS, ids=str)
@pytest.mark.parametrize("ratio", RATIOS.values(), ids=RATIOS)
def test_the_dual_coordinates_move_with_one_rate(depth: sp.Expr, ratio: sp.Expr) -> None:
    for dual in dual_coordinates(flow(depth, ratio)):
        for part in dual.derivation.parts:
            assert verdict(part).outcome == "proved"


def test_the_laws_of_the_paper_are_what_is_found() -> None:
    a = sp.Symbol("a", positive=True)
    k = kappa[()]
    two, other = (next(d for d in dual_coordinates(flow(L[()], k)) if isinstance(d.condition, kind)) for kind in (sp.Eq, sp.Ne))
    assert sp.expand(two.value - (sp.log(a) + k * r**2 / 2)) == 0
    assert other.value == (a * sp.exp(k * r**2 / 2)) ** (2 - L[()])
    assert two.condition == sp.Eq(L[()], 2)


def test_plain_gradient_flow_has_the_laws_in_w() -> None:
    a = sp.Symbol("a", positive=True)
    found = {d.condition: d.value for d in dual_coordinates(flow(L[()], r**-2))}
    assert found[sp.Eq(L[()], 2)] == sp.log(a) + sp.log(r)


def test_a_flow_coupled_otherwise_is_refused() -> None:
    weights = Variable("c", (N,), "constant", "positive")
    from theory.dynamics import gradient_flow
    from theory.models import Model
    from theory.settings import Space
    from theory.symbols import Family

    u, radius = Variable("u", (N,), "parameter", "positive"), Variable("r", (), "parameter", "positive")
    model = Model(Space((radius, u), (("u",),)), Family(((i, N),), r ** weights[i] * u[i]))
    setting = gradient_flow(model, any_loss_of(A, (N,)), {"r": sp.S.One, "u": sp.S.One}, given=(weights, A))
    with pytest.raises(NotSeparable):
        dual_coordinates(setting)


@pytest.mark.parametrize(
    ("rate", "beyond"),
    [
        (sp.log(1 + sp.exp(r)) / (1 + r**3 + sp.tan(r)), "is not integrated"),
        (reduce(lambda inner, _: sp.exp(inner), range(20), r), "is not integrated"),
        ((1 + r**3 + r) ** sp.Rational(1, 3), "is not integrated"),
    ],
)
def test_an_integral_that_is_not_elementary_is_refused_and_not_tried(rate: sp.Expr, beyond: str) -> None:
    with pytest.raises(NotSeparable, match=beyond):
        dual_coordinates(flow(sp.Integer(2), rate))


def test_a_polynomial_times_an_exponential_is_integrated() -> None:
    ratio = sp.exp(3 * r)
    (dual,) = dual_coordinates(flow(sp.Integer(2), ratio))
    a = sp.Symbol("a", positive=True)
    assert sp.expand(sp.diff(dual.value, r) - r * ratio) == 0
    assert sp.diff(dual.value, a) == 1 / a
    assert all(verdict(part).outcome == "proved" for part in dual.derivation.parts)


@pytest.mark.parametrize("depth", [3, 4, 5])
def test_the_mirror_potential_of_a_given_depth(depth: int) -> None:
    mirror = mirror_map(dual_coordinates(flow(sp.Integer(depth), kappa[()]))[0], sp.Integer(depth), -sp.S.One)
    from theory.statements import Gradient, Part

    setting = Setting((mirror.x, kappa))
    assert verdict(Part(setting, Gradient(mirror.potential, mirror.x, mirror.gradient.value, mirror.gradient.indices))).outcome == "proved"
