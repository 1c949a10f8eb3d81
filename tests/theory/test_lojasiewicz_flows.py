"""What follows for flows: rates against equations that are solved, floors of the metric, and variants that must be refuted."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sympy as sp

from proofs_check.exact import verdict
from theory.charts import polar, rederive
from theory.dynamics import gradient_flow
from theory.lojasiewicz import convergence, germ, homogeneous_inequality, metric_floor, metric_form, polar_inequality
from theory.lojasiewicz.rates import F, c, g, start, t
from theory.losses import any_loss, square
from theory.models import hadamard, power, product
from theory.settings import Definition, Instance, Setting, family
from theory.statements import AtMost, Equal, Evolves, Part
from theory.symbols import Variable, index, size, total

Q = sp.Rational
THETAS = (Q(1, 2), Q(2, 3), Q(3, 4), Q(7, 9), Q(5, 6))
N, M = size("N"), size("M")
i, j = index("i"), index("j")
w = Variable("w", (N,), "parameter", "positive")
depth, kappa, eta, m = (Variable(name, (), "constant", "positive") for name in ("L", "kappa", "eta", "m"))
A, y = Variable("A", (M, N)), Variable("y", (M,))
L, K, ETA = depth[()], kappa[()], eta[()]
POLAR = rederive(
    power(w, L),
    square(A, y, (N,)),
    polar(w),
    {"r": ETA, "u": K * ETA},
    given=(depth, kappa, eta, A, y),
    instances=(Instance({"N": 3, "M": 2}, {"L": 2}),),  # type: ignore[dict-item]
)


@pytest.mark.parametrize("theta", THETAS)
def test_every_step_is_proved(theta: sp.Rational) -> None:
    found = convergence(theta)
    assert [verdict(part).outcome for part in found.derivation.parts] == ["proved"] * 3


@pytest.mark.parametrize("theta", THETAS)
def test_the_bounds_are_attained_where_the_inequality_is_an_equality(theta: sp.Rational) -> None:
    """F' = -c^2 F^(2 theta) from F_0, and the speed c F^theta integrates to the length."""
    found = convergence(theta)
    at: dict[Any, Any] = {start: Q(5, 7), c[()]: Q(3, 2), t: Q(11, 4)}
    falls = sp.diff(found.loss, t) + c[()] ** 2 * found.loss ** (2 * theta)
    speed = sp.diff(found.distance, t) + c[()] * found.loss**theta
    assert abs(falls.subs(at).evalf(50)) < Q(1, 10**45)
    assert abs(speed.subs(at).evalf(50)) < Q(1, 10**45)
    assert found.loss.subs(t, 0) == start
    assert abs((found.distance - found.length).subs({**at, t: 0}).evalf(50)) < Q(1, 10**45)
    assert sp.limit(found.distance.subs({start: Q(5, 7), c[()]: Q(3, 2)}), t, sp.oo) == 0


@pytest.mark.parametrize("theta", THETAS)
@pytest.mark.parametrize("which", [1, 2])
@pytest.mark.parametrize("factor", [Q(2), Q(11, 10), -1])
def test_faster_rates_are_refuted(theta: sp.Rational, which: int, factor: sp.Rational) -> None:
    part = convergence(theta).derivation.parts[which]
    assert isinstance(part.assertion, AtMost)
    wrong = replace(part.assertion, right=factor * part.assertion.right, because=None)
    if factor > 0:  # faster than what holds; the negative one is slower and true
        assert verdict(replace(part, assertion=wrong)).outcome == "refuted"
    else:
        assert verdict(replace(part, assertion=wrong)).outcome != "refuted"


def test_a_rate_without_the_inequality_is_refuted() -> None:
    part = convergence(Q(3, 4)).derivation.parts[1]
    assert isinstance(part.assertion, AtMost)
    assert verdict(replace(part, assertion=replace(part.assertion, where=(), because=None))).outcome == "refuted"


def test_the_flow_of_a_setting_begins_with_its_own_energy_identity() -> None:
    parts = convergence(Q(1, 2), POLAR).derivation.parts
    assert len(parts) == 4
    assert isinstance(parts[0].assertion, Evolves)
    assert [verdict(part).outcome for part in parts] == ["proved"] * 4


@pytest.mark.parametrize("theta", [Q(1, 3), Q(1), Q(3, 2), sp.sqrt(2) / 2])
def test_other_exponents_are_refused(theta: sp.Expr) -> None:
    with pytest.raises(ValueError, match="in \\[1/2, 1\\) is wanted"):
        convergence(theta)


# ---- constants ---------------------------------------------------------------------------------------------------------------------------------


X, Y, Z = (Variable(name, (), "parameter") for name in "xyz")
POSITIVE: dict[str, tuple[sp.Expr, tuple[Variable, ...], tuple[int, ...], sp.Rational, tuple[int, ...]]] = {
    # the function, the point, the largest floor, and where it is attained, with equality in the gradient inequality
    "quartic": (X[()] ** 4 + Y[()] ** 4, (X, Y), (0, 0), Q(1, 2), (1, 1)),
    "quadratic": ((X[()] - 1) ** 2 + 3 * Y[()] ** 2, (X, Y), (1, 0), Q(1), (2, 0)),
    "with a product": (X[()] ** 4 + 6 * X[()] ** 2 * Y[()] ** 2 + Y[()] ** 4, (X, Y), (0, 0), Q(1), (1, 0)),
    "sextic in three variables": (X[()] ** 6 + Y[()] ** 6 + Z[()] ** 6, (X, Y, Z), (0, 0, 0), Q(1, 9), (1, 1, 1)),
}


@pytest.mark.parametrize("name", POSITIVE)
def test_the_constant_is_proved_and_attained(name: str) -> None:
    value, variables, point, floor, at = POSITIVE[name]
    found = homogeneous_inequality(germ(value, variables, point), floor)
    assert [verdict(part).outcome for part in found.parts] == ["proved"] * len(found.parts)
    place = {v[()]: entry for v, entry in zip(variables, at, strict=True)}
    slope = sp.sqrt(sum(sp.diff(value, v[()]).subs(place) ** 2 for v in variables))
    assert abs((slope - found.constant * value.subs(place) ** found.theta).evalf(40)) < Q(1, 10**35)


@pytest.mark.parametrize("name", POSITIVE)
def test_a_larger_floor_is_refuted(name: str) -> None:
    value, variables, point, floor, _ = POSITIVE[name]
    *_, last = homogeneous_inequality(germ(value, variables, point), floor + Q(1, 5)).parts
    assert verdict(last).outcome == "refuted"


def test_constants_are_stated_for_homogeneous_functions_of_even_degree() -> None:
    for value in (X[()] ** 2 + Y[()] ** 4, X[()] ** 3 + Y[()] ** 3):
        with pytest.raises(ValueError, match="one even degree is wanted"):
            homogeneous_inequality(germ(value, (X, Y)), Q(1))
    with pytest.raises(ValueError, match="positive rational"):
        homogeneous_inequality(germ(X[()] ** 4, (X,)), Q(0))


# ---- floors ------------------------------------------------------------------------------------------------------------------------------------


def layers() -> Setting:
    u, v = (Variable(name, (N,), "parameter") for name in "uv")
    return gradient_flow(hadamard(u, v), any_loss((N,)), {"u": sp.S.One, "v": sp.S.One}, instances=(Instance({"N": 3}),))


def test_the_metric_is_how_the_predictions_move() -> None:
    """G^T M G against G^T (-dx/dt), with the velocity of the predictions worked out by the kernel from the flow."""
    setting = layers()
    u, v, G = (setting[name] for name in "uvG")
    assert verdict(Part(setting, Evolves(setting["x"][i], -G[i] * (u[i] ** 2 + v[i] ** 2), ((i, N),)))).outcome == "proved"
    assert verdict(Part(setting, Equal(metric_form(setting), total(G[i] ** 2 * (u[i] ** 2 + v[i] ** 2), (i, N))))).outcome == "proved"


def test_a_block_at_rest_adds_nothing_to_the_metric() -> None:
    u, v = (Variable(name, (N,), "parameter") for name in "uv")
    setting = gradient_flow(hadamard(u, v), any_loss((N,)), {"u": sp.S.One, "v": sp.S.Zero})
    assert verdict(Part(setting, Equal(metric_form(setting), total(setting["G"][i] ** 2 * v[i] ** 2, (i, N))))).outcome == "proved"


def test_the_metric_of_a_matrix_product() -> None:
    first, second = Variable("V", (M, N), "parameter"), Variable("W", (size("O"), M), "parameter")
    setting = gradient_flow(product(first, second), any_loss((size("O"), N)), {"V": ETA, "W": sp.S.One}, given=(eta,))
    G, k, o = setting["G"], index("k"), index("o")
    by_first = total(total(second[o, k] * G[o, j], (o, size("O"))) ** 2, (k, M), (j, N))
    by_second = total(total(first[k, j] * G[o, j], (j, N)) ** 2, (o, size("O")), (k, M))
    setting = replace(setting, instances=(Instance({"M": 2, "N": 2, "O": 2}),))
    assert verdict(Part(setting, Equal(metric_form(setting), ETA * by_first + by_second))).outcome == "proved"
    assert verdict(Part(setting, Equal(metric_form(setting), by_first + by_second))).outcome == "refuted"


def test_a_law_gives_a_floor() -> None:
    """u_i^2 - v_i^2 = at least c_i for all time, and so u_i^2 + v_i^2 is."""
    bare = layers()
    level = Variable("c", (N,), "constant")
    setting = bare.having(level)
    u, v, G = (setting[name] for name in "uvG")
    assert verdict(Part(setting, Evolves(u[i] ** 2 - v[i] ** 2, indices=((i, N),)))).outcome == "proved"
    above = Definition("above", family(u[i] ** 2 - v[i] ** 2 - level[i], (i, N)))
    because = total(G[i] ** 2 * (above[i] + 2 * v[i] ** 2), (i, N))
    part = metric_floor(setting, family(level[i], (i, N)), where=(above,), because=because)
    found = verdict(part)
    assert (found.outcome, found.scope) == ("proved", "all sizes")
    assert verdict(metric_floor(setting, family(u[i] ** 2 + 2 * v[i] ** 2, (i, N)))).outcome == "refuted"
    assert verdict(metric_floor(setting, sp.S.One)).outcome == "refuted"


def test_the_polar_flow_with_a_floor_of_the_weighted_data() -> None:
    slow, fast = polar_inequality(POLAR, m, level=L, rate=ETA, ratio=K)
    for part in (slow, fast):
        found = verdict(part)
        assert (found.outcome, found.scope) == ("proved", "all sizes")
    assert isinstance(slow.assertion, AtMost)
    assert isinstance(fast.assertion, AtMost)
    crossed = replace(slow.assertion, right=fast.assertion.right, because=None)
    doubled = replace(slow.assertion, right=2 * slow.assertion.right, because=None)
    unfloored = replace(fast.assertion, where=fast.assertion.where[:1], because=None)
    for wrong in (crossed, doubled, unfloored):
        assert verdict(replace(slow, assertion=wrong)).outcome == "refuted"


def test_a_floor_needs_an_open_gradient_and_a_gradient_flow() -> None:
    with pytest.raises(ValueError, match="for every gradient"):
        metric_floor(POLAR, sp.S.One)
    with pytest.raises(ValueError, match="that of a gradient flow"):
        metric_form(Setting((F, g)))


def test_the_documentation_shows_what_happens() -> None:
    text = (Path(__file__).resolve().parent.parent.parent / "docs" / "lojasiewicz.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    exec(compile(shown, "lojasiewicz.md", "exec"), {})
