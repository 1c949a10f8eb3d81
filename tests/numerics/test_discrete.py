"""Discrete dynamics against loops written by hand, exactly where the numbers are rational, and against what theory says of one step."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction as Q
from typing import Any

import numpy as np
import pytest
import sympy as sp
from mpmath import mp

from numerics import IntegrationFailed, InvalidProblem, Problem, Unsupported, evaluate, observe, problem
from numerics.steps import Rule, explicit, heavy_ball, iterate, iterate_batch, mirror_step, projected, renormalised
from theory.charts import polar as polar_chart
from theory.descent import change, descent, second_order
from theory.dynamics import gradient_flow, vector_field
from theory.losses import square
from theory.mirror import in_predictions, mirror_map
from theory.models import hadamard, power
from theory.papers.chou_rauhut_ward import setting as crw
from theory.separable import dual_coordinates
from theory.settings import Setting, Space, family
from theory.symbols import Variable, index, size, total

Lookup = Callable[[str], Setting]

N, M, i, j, k = size("N"), size("M"), index("i"), index("j"), index("k")
MATRIX: Any = ((Q(1), Q(2), Q(-1)), (Q(0), Q(1), Q(1, 2)))
TARGET: Any = (Q(3), Q(1, 3))
FLOATS = np.array(MATRIX, dtype=float), np.array(TARGET, dtype=float)


def slope(x: Any) -> list[Q]:
    """$A^T(Ax - y)$, by hand."""
    residual = [sum(a * b for a, b in zip(row, x, strict=True)) - y for row, y in zip(MATRIX, TARGET, strict=True)]
    return [sum((MATRIX[m][n] * residual[m] for m in range(2)), Q(0)) for n in range(3)]


def layers() -> Problem:
    """x = u v, entry by entry, with the rate 2 on v."""
    u, v = (Variable(name, (N,), "parameter") for name in ("u", "v"))
    data = Variable("A", (M, N)), Variable("y", (M,))
    setting = gradient_flow(hadamard(u, v), square(*data, (N,)), {"u": sp.Integer(1), "v": sp.Integer(2)}, given=data)
    start = {"u": [1, "1/2", -1], "v": ["1/3", 1, "1/4"]}
    return problem(setting, data={"A": MATRIX, "y": TARGET}, start=start, times=(0, 1))


def by_hand(steps: int, eta: Q, beta: Q = Q(0)) -> tuple[list[Q], list[Q]]:
    u, v = [Q(1), Q(1, 2), Q(-1)], [Q(1, 3), Q(1), Q(1, 4)]
    p, q = [Q(0)] * 3, [Q(0)] * 3
    for _ in range(steps):
        g = slope([a * b for a, b in zip(u, v, strict=True)])
        p = [beta * old - b * s for old, b, s in zip(p, v, g, strict=True)]
        q = [beta * old - 2 * a * s for old, a, s in zip(q, u, g, strict=True)]
        u, v = [a + eta * d for a, d in zip(u, p, strict=True)], [b + eta * d for b, d in zip(v, q, strict=True)]
    return u, v


@pytest.mark.parametrize("rule", [explicit("1/20"), heavy_ball("1/20", "3/4")], ids=lambda rule: rule.name)
def test_steps_are_those_taken_by_hand_to_the_last_digit(rule: Rule) -> None:
    found = iterate(layers(), rule, steps=6, every=2, exact=True)
    assert found.times == (0, Q(1, 10), Q(1, 5), Q(3, 10))
    for state, steps in zip(found.states, (0, 2, 4, 6), strict=True):
        u, v = by_hand(steps, Q(1, 20), Q(rule.options.get("beta", Q(0))))
        assert state == {"u": tuple(u), "v": tuple(v)}


def test_float64_follows_the_exact_steps_and_so_does_a_batch() -> None:
    posed, rule = layers(), heavy_ball("1/20", "3/4")
    exact, rounded = (iterate(posed, rule, steps=6, exact=flag) for flag in (True, False))
    starts = {"u": np.array([[1, 0.5, -1], [1, 1, 1]]), "v": np.array([[1 / 3, 1, 0.25], [0.5, 0.5, 0.5]])}
    many = iterate_batch(posed, rule, starts, steps=6)
    for name in ("u", "v"):
        wanted = np.array(exact[name], dtype=float)
        assert np.allclose(np.array(rounded[name]), wanted, rtol=1e-13)
        assert np.allclose(many[name][0], wanted, rtol=1e-13)
        assert not np.allclose(many[name][1], wanted, rtol=1e-3)
    assert many.finished.all()


def test_no_momentum_is_the_explicit_step() -> None:
    assert iterate(layers(), heavy_ball("1/7", 0), steps=3, exact=True).states == iterate(layers(), explicit("1/7"), steps=3, exact=True).states


def test_the_heavy_ball_is_the_two_step_formula() -> None:
    found = iterate(layers(), heavy_ball("1/9", "1/2"), steps=3, exact=True)["u"]
    once = iterate(
        problem_at(found[2], iterate(layers(), heavy_ball("1/9", "1/2"), steps=3, exact=True)["v"][2]), explicit("1/9"), steps=1, exact=True
    )["u"][1]
    assert found[3] == tuple(new + (now - old) / 2 for new, now, old in zip(once, found[2], found[1], strict=True))


def problem_at(u: Any, v: Any) -> Problem:
    posed = layers()
    return problem(posed.setting, data=posed.data, start={"u": u, "v": v}, times=(0, 1))


def test_a_quadratic_law_moves_by_what_theory_says() -> None:
    """2 u_i^2 - v_i^2 is a law of the flow; a step of gradient descent moves it by eta^2 D^2Q[v, v]/2, and by nothing else."""
    posed, eta = layers(), Q(1, 20)
    law = family(2 * posed.setting["u"][i] ** 2 - posed.setting["v"][i] ** 2, (i, N))
    states = iterate(posed, explicit(eta), steps=4, exact=True).states
    told = descent(posed.setting)
    for before, after in itertools.pairwise(states):
        values = {**posed.data, **before, told.step.name: eta}
        for n in range(3):
            moved = 2 * after["u"][n] ** 2 - after["v"][n] ** 2 - (2 * before["u"][n] ** 2 - before["v"][n] ** 2)
            for expression in (second_order(told, law), change(told, law)):
                claimed = evaluate(expression.subs(i, n), told.setting, posed.sizes, values, digits=60)
                with mp.workdps(60):
                    assert abs(claimed - mp.mpf(moved.numerator) / moved.denominator) < mp.mpf(10) ** -55
            assert abs(moved) > Q(1, 10**6)


def test_gradient_descent_in_w_and_in_g_v(settings_by_name: Lookup) -> None:
    """The same model in two parametrisations: two dynamics, each its own loop."""
    A, y = FLOATS
    w, g, v = np.array([0.5, 1, 0.25]), 1.25, np.array([0.6, 0.8, 0.5])
    data = {"L": 3, "eta_r": 1, "A": MATRIX, "y": TARGET}
    plain = problem(settings_by_name("plain"), data=data, start={"w": ["1/2", 1, "1/4"]}, times=(0, 1))
    both = problem(settings_by_name("weight norm"), data={**data, "eta_u": 2}, start={"g": "5/4", "v": ["3/5", "4/5", "1/2"]}, times=(0, 1))
    for _ in range(25):
        w = w - 0.01 * 3 * w**2 * (A.T @ (A @ w**3 - y))
        u = v / np.linalg.norm(v)
        by_w = 3 * (g * u) ** 2 * (A.T @ (A @ (g * u) ** 3 - y))
        g, v = g - 0.01 * (u @ by_w), v - 0.02 * g / np.linalg.norm(v) * (by_w - u * (u @ by_w))
    assert np.allclose(iterate(plain, explicit("1/100"), steps=25)["w"][-1], w, rtol=1e-12)
    found = iterate(both, explicit("1/100"), steps=25)
    assert found["g"][-1] == pytest.approx(g, rel=1e-12)
    assert np.allclose(found["v"][-1], v, rtol=1e-12)
    assert np.linalg.norm(found["v"][-1]) > np.linalg.norm(found["v"][0])  # the law |v| of the flow is none of the steps


def polar(setting: Setting) -> Problem:
    data = {"L": 2, "eta_r": 1, "eta_u": "1/2", "A": MATRIX, "y": TARGET}
    return problem(setting, data=data, start={"r": "3/2", "u": ["2/3", "2/3", "1/3"]}, times=(0, 1))


def test_projected_steps_stay_on_the_sphere(settings_by_name: Lookup) -> None:
    A, y = FLOATS
    r, u = 1.5, np.array([2, 2, 1]) / 3
    for _ in range(30):
        G = A.T @ (A @ (r * u) ** 2 - y)
        radial = G @ u**2
        r, u = r - 0.02 * 2 * r * radial, u - 0.02 * r**2 * (G * u - u * radial)
        u = u / np.linalg.norm(u)
    found = iterate(polar(settings_by_name("polar")), projected(explicit("1/50")), steps=30)
    assert found["r"][-1] == pytest.approx(r, rel=1e-12)
    assert np.allclose(found["u"][-1], u, rtol=1e-12)


def turning() -> Problem:
    """u' = 3/4 (-u_1, u_0) on the circle, where a step of length 1 from (1, 0) has the rational norm 5/4."""
    u, B = Variable("u", (N,), "parameter"), Variable("B", (N, N))
    setting = vector_field(Setting((u, B)), Space((u,), (("u",),)), {"u": family(total(B[i, j] * u[j], (j, N)), (i, N))})
    return problem(setting, data={"B": [[0, "-3/4"], ["3/4", 0]]}, start={"u": [1, 0]}, times=(0, 1))


def test_a_projection_is_exact_or_refused() -> None:
    assert iterate(turning(), projected(explicit(1)), steps=2, exact=True)["u"] == ((1, 0), (Q(4, 5), Q(3, 5)), (Q(7, 25), Q(24, 25)))
    with pytest.raises(Unsupported, match="not rational"):
        iterate(turning(), projected(explicit(2)), steps=1, exact=True)


def test_renormalisation_keeps_the_weights(settings_by_name: Lookup) -> None:
    data = {"L": 2, "eta_r": 1, "eta_u": 2, "A": MATRIX, "y": TARGET}
    posed = problem(settings_by_name("weight norm"), data=data, start={"g": "5/4", "v": ["3/5", "4/5", "1/2"]}, times=(0, 1))
    bare, kept = (iterate(posed, rule, steps=1) for rule in (explicit("1/50"), renormalised(explicit("1/50"), "v")))
    weights = [found["g"][1] * found["v"][1] / np.linalg.norm(found["v"][1]) for found in (bare, kept)]
    assert np.allclose(*weights, rtol=1e-14)
    assert np.linalg.norm(kept["v"][1]) == pytest.approx(1, abs=1e-15)
    assert abs(np.linalg.norm(bare["v"][1]) - 1) > 1e-3
    into = iterate(posed, renormalised(explicit("1/50"), "v", into="g"), steps=1)
    assert np.allclose(into["g"][1] * into["v"][1], bare["g"][1] * bare["v"][1], rtol=1e-14)


def test_entropic_mirror_descent_is_multiplicative_weights() -> None:
    x, data = Variable("x", (N,), "parameter", "positive"), (Variable("A", (M, N)), Variable("y", (M,)))
    setting = gradient_flow(power(x, sp.Integer(1)), square(*data, (N,)), {"x": family(x[i], (i, N))}, given=data)
    setting = Setting(setting.variables, tuple(d for d in setting.definitions if d.name != "x"), (), setting.flow)
    posed = problem(setting, data={"A": MATRIX, "y": TARGET}, start={"x": [1, "1/2", "1/3"]}, times=(0, 1))
    A, y = FLOATS
    wanted = np.array([1, 0.5, 1 / 3])
    for _ in range(10):
        wanted = wanted * np.exp(-0.1 * (A.T @ (A @ wanted - y)))
    found = iterate(posed, mirror_step("1/10", family(sp.log(x[i]), (i, N))), steps=10)["x"][-1]
    assert np.allclose(found, wanted, rtol=1e-12)
    assert not np.allclose(found, iterate(posed, explicit("1/10"), steps=10)["x"][-1], rtol=1e-2)


def test_mirror_descent_with_the_map_of_the_polar_flow() -> None:
    """L = 2: the law's dual coordinates z_i = log u_i + kappa r^2/2 move with -2 kappa R G_i, R = r^2 = sum x, and are inverted by hand."""
    setting, level = crw.least_squares(sp.Integer(2)), sp.Integer(2)
    chart = polar_chart(crw.w)
    found = mirror_map(dual_coordinates(setting)[0], level, sp.Integer(2))
    flow, _ = in_predictions(setting, power(crw.w, level).after(chart.new, dict(chart.forward)), found.x, level)
    posed = problem(flow, data={"A": MATRIX, "y": TARGET, "kappa": "1/2", "eta_r": 1}, start={"x": [1, "1/2", "1/3"]}, times=(0, 1))
    A, y = FLOATS
    x, kappa = np.array([1, 0.5, 1 / 3]), 0.5
    for _ in range(8):
        R = x.sum()
        z = np.log(x / R) / 2 + kappa * R / 2 - 0.05 * 2 * kappa * R * (A.T @ (A @ x - y))
        R = np.log(np.exp(2 * z).sum()) / kappa  # from sum u^2 = 1
        x = R * np.exp(2 * z - kappa * R)
    taken = iterate(posed, mirror_step("1/20", found.gradient), steps=8)
    assert np.allclose(taken["x"][-1], x, rtol=1e-11)


def test_a_mirror_step_out_of_the_range_of_the_map_is_reported() -> None:
    """The dual coordinate x/sqrt(1 + x^2) stays below 1; a step of 1 from 3/5 would make it 3/5 + 64/125 > 1."""
    x = Variable("x", (N,), "parameter")
    setting = vector_field(Setting((x,)), Space((x,)), {"x": family(1 + 0 * x[i], (i, N))})
    dual = family(x[i] / sp.sqrt(1 + x[i] ** 2), (i, N))
    posed = problem(setting, data={}, start={"x": ["3/4"]}, times=(0, 1))
    with pytest.raises(IntegrationFailed, match=r"step 1 of mirror descent .* is no longer finite"):
        iterate(posed, mirror_step(1, dual), steps=1)
    z = 0.6 + 0.1 * 0.512
    assert iterate(posed, mirror_step("1/10", dual), steps=1)["x"][1] == pytest.approx([z / np.sqrt(1 - z**2)], rel=1e-12)


def test_a_rule_that_leaves_the_sphere_is_refused(settings_by_name: Lookup) -> None:
    with pytest.raises(InvalidProblem, match=r"u lies on a sphere.*projected"):
        iterate(polar(settings_by_name("polar")), explicit("1/50"), steps=1)


def test_a_step_that_leaves_the_declared_signs_is_reported(settings_by_name: Lookup) -> None:
    data = {"L": 2, "eta_r": 1, "A": MATRIX, "y": TARGET}
    posed = problem(settings_by_name("plain"), data=data, start={"w": [2, 2, 2]}, times=(0, 1))
    with pytest.raises(IntegrationFailed, match=r"step 1 of explicit .* makes w\[0\] = .*declared positive"):
        iterate(posed, explicit("1/4"), steps=3)
    many = iterate_batch(posed, explicit("1/4"), {"w": np.array([[2, 2, 2], [1, 1, 0.1]])}, steps=1)
    assert many.reached.tolist() == [0, 0.25]
    assert np.isnan(many["w"][0, 1]).all()
    assert np.isfinite(many["w"][1]).all()


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda: explicit(0.1), "is the float 0.1"),
        (lambda: explicit("-1/2"), "eta = -1/2 was given; a positive number"),
        (lambda: heavy_ball(1, 1), "0 <= beta < 1"),
    ],
)
def test_numbers_that_are_none_are_refused(rule: Callable[[], Rule], message: str) -> None:
    with pytest.raises(InvalidProblem, match=message):
        rule()


def test_fractions_that_grow_beyond_bound_are_reported() -> None:
    with pytest.raises(IntegrationFailed, match="more than 200000 bits; take fewer exact steps"):
        iterate(layers(), explicit("1/20"), steps=20, exact=True)


def test_what_is_not_rational_is_refused_in_exact_mode(settings_by_name: Lookup) -> None:
    posed = problem(settings_by_name("signed"), data={"A": MATRIX}, start={"p": [1, 1, 1], "m": [1, 1, 1]}, times=(0, 1))
    with pytest.raises(Unsupported, match="exp has no rational values; run it in float64"):
        iterate(posed, explicit("1/2"), steps=1, exact=True)


def test_steps_can_be_observed() -> None:
    found = iterate(layers(), explicit("1/20"), steps=3, exact=True)
    losses = [value for (value,) in observe(found, [sp.Symbol("F")])]
    u, v = by_hand(3, Q(1, 20))
    residual = [sum(a * b * c for a, b, c in zip(row, u, v, strict=True)) - y for row, y in zip(MATRIX, TARGET, strict=True)]
    loss = sum((one**2 for one in residual), Q(0)) / 2
    with mp.workdps(40):
        assert abs(losses[3] - mp.mpf(loss.numerator) / loss.denominator) < mp.mpf(10) ** -38


def test_the_time_goes_on() -> None:
    """q' = t from 0 by explicit steps of 1/2: 0, 0, 1/4, 3/4."""
    t, q = Variable("t", (), "time"), Variable("q", (), "parameter")
    posed = problem(vector_field(Setting((q, t)), Space((q,)), {"q": family(t[()] + 0 * q[()])}), data={}, start={"q": 0}, times=(0, 1))
    assert iterate(posed, explicit("1/2"), steps=3, exact=True)["q"] == (0, 0, Q(1, 4), Q(3, 4))
