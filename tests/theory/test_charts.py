"""Charts over the registry: the inverse undoes the map, and transport is rederivation with the metric carried along."""

from __future__ import annotations

import pytest
import sympy as sp

from proofs_check.exact import verdict
from theory.charts import Reparametrisation, direction, polar, rederive, sphere_metric, transport, weight_norm
from theory.dynamics import gradient_flow
from theory.losses import any_loss
from theory.models import power
from theory.settings import Setting, substitute
from theory.statements import Equal, Evolves, Part
from theory.symbols import Family, Variable, index, size, total

N = size("N")
i, j = index("i"), index("j")
w = Variable("w", (N,), "parameter", "positive")
L = Variable("L", (), "constant", "positive")
eta = Variable("eta", (), "constant", "positive")
CHARTS = {"polar": polar(w), "weight norm": weight_norm(w)}


@pytest.mark.parametrize("name", CHARTS)
def test_the_inverse_undoes_the_map(name: str) -> None:
    """w -> new -> w, for every chart that has an inverse."""
    chart = CHARTS[name]
    if not chart.backward:
        with pytest.raises(ValueError, match="inverse"):
            transport(gradient_flow(power(w, L[()]), any_loss((N,)), {"w": eta[()]}, given=(L, eta)), chart)
        return
    back = substitute(chart.forward["w"].value, dict(chart.backward))
    assert verdict(Part(Setting((w,)), Equal(back, w[i], ((i, N),)))).outcome == "proved"


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_says_where_it_is_singular(name: str) -> None:
    assert CHARTS[name].singular


def plain() -> Setting:
    return gradient_flow(power(w, L[()]), any_loss((N,)), {"w": eta[()]}, given=(L, eta))


def in_polar(rate: sp.Expr) -> Setting:
    return rederive(power(w, L[()]), any_loss((N,)), polar(w), {"r": eta[()], "u": rate}, given=(L, eta))


def test_plain_gradient_flow_is_the_polar_flow_with_ratio_1_over_r_squared() -> None:
    moved, r = transport(plain(), polar(w)), Variable("r", (), "parameter", "positive")[()]
    assert moved.flow is not None
    same = in_polar(eta[()] / r**2)
    for block, velocity in moved.flow.velocities.items():
        own = tuple(name for name, _ in velocity.indices)
        part = Part(same, Evolves(same[block][own], velocity.value, velocity.indices))
        assert verdict(part).outcome == "proved"


def test_transport_is_not_rederivation() -> None:
    moved = transport(plain(), polar(w))
    assert moved.flow is not None
    other = in_polar(eta[()])
    velocity = moved.flow.velocities["u"]
    assert verdict(Part(other, Evolves(other["u"][i], velocity.value, velocity.indices))).outcome == "refuted"


@pytest.mark.parametrize("dimension", [2, 3, 4, 5])
def test_angles_give_points_of_the_sphere_and_its_metric(dimension: int) -> None:
    u = direction(dimension)
    phi = [sp.Symbol(f"phi{n}", real=True) for n in range(1, dimension)]
    assert sp.simplify(sum(entry**2 for entry in u)) == 1
    names = {symbol.name: symbol for entry in u for symbol in entry.free_symbols}
    for n, angle in enumerate(phi):
        own = names[angle.name]
        for other in phi:
            inner = sum(sp.diff(entry, own) * sp.diff(entry, names[other.name]) for entry in u)
            wanted = 1 / sphere_metric(dimension)[f"phi{n + 1}"] if own.name == other.name else 0
            assert sp.simplify(inner - wanted) == 0


def test_a_sphere_needs_a_dimension_of_two() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        direction(1)


def test_a_chart_is_its_two_maps() -> None:
    chart: Reparametrisation = polar(w)
    norm = sp.sqrt(total(w[i] ** 2, (i, N)))
    assert chart.backward["r"] == Family((), norm)
