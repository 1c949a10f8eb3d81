"""Stochastic steps against equations whose solutions are known path by path, each under its own convention."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp

from numerics import InvalidProblem, Problem, Unsupported, problem
from numerics.steps import euler_maruyama, heun, iterate, iterate_batch, projected
from theory.dynamics import vector_field
from theory.settings import Setting, Space, family
from theory.symbols import Variable, index, size

N, i, m = size("N"), index("i"), index("m")
FINE, PATHS = 256, 400
DICE = np.random.default_rng(11)
WIENER = DICE.standard_normal((2, FINE, PATHS)) / np.sqrt(FINE)  # increments over a unit of time, for two entries


def growth() -> tuple[Problem, Any]:
    """dq_i = q_i/2 dt + c_i q_i dW_i with c = (1/2, 1)."""
    q, c = Variable("q", (N,), "parameter"), Variable("c", (N,))
    setting = vector_field(Setting((q, c)), Space((q,)), {"q": family(q[i] / 2, (i, N))})
    return problem(setting, data={"c": ["1/2", 1]}, start={"q": [1, 2]}, times=(0, 1)), {"q": family(c[i] * q[i], (i, N))}


def increments(steps: int) -> Any:
    coarse = WIENER.reshape(2, steps, FINE // steps, PATHS).sum(axis=2)
    return lambda count, shape: coarse[:, count]


def solution(*, ito: bool) -> Any:
    """q_i(1) = q_i(0) exp(a - c^2/2 + c W(1)) in the sense of Ito; without the correction in that of Stratonovich."""
    c = np.array([0.5, 1.0])[:, None]
    return np.array([1, 2])[:, None] * np.exp(0.5 - ito * c**2 / 2 + c * WIENER.sum(axis=1))


def error(rule: Any, steps: int, *, ito: bool) -> float:
    posed, diffusion = growth()
    starts = {"q": np.tile([1.0, 2.0], (PATHS, 1))}
    found = iterate_batch(posed, rule(sp.Rational(1, steps), diffusion, increments=increments(steps)), starts, steps=steps)
    return float(np.mean(np.abs(found["q"][:, -1].T - solution(ito=ito))))


def test_euler_maruyama_solves_the_equation_of_ito() -> None:
    errors = [error(euler_maruyama, steps, ito=True) for steps in (16, 64, 256)]
    assert 1.6 < errors[0] / errors[1] < 2.5  # a quarter of the step halves the error: order 1/2
    assert 1.6 < errors[1] / errors[2] < 2.5
    assert error(euler_maruyama, 256, ito=False) > 5 * errors[2]


def test_heun_solves_the_equation_of_stratonovich() -> None:
    errors = [error(heun, steps, ito=False) for steps in (16, 64, 256)]
    assert 3 < errors[0] / errors[1] < 5  # order 1
    assert 3 < errors[1] / errors[2] < 5
    assert error(heun, 256, ito=True) > 20 * errors[2]


def circle() -> tuple[Problem, Any]:
    """d(a, b) = (-b, a) dW with one Wiener process for both blocks: tangent to the circles."""
    a, b = Variable("a", (), "parameter"), Variable("b", (), "parameter")
    setting = vector_field(Setting((a, b)), Space((a, b)), {"a": family(0 * a[()]), "b": family(0 * b[()])})
    shared = {"a": family(-b[()], (m, sp.Integer(1))), "b": family(a[()], (m, sp.Integer(1)))}
    return problem(setting, data={}, start={"a": "3/5", "b": "4/5"}, times=(0, 1)), shared


def test_a_law_of_the_noise_is_kept_by_stratonovich_and_not_by_ito() -> None:
    """In the sense of Ito a^2 + b^2 grows like e^t."""
    posed, shared = circle()
    kept = iterate(posed, heun("1/1000", shared), steps=1000, seed=3)
    grown = iterate(posed, euler_maruyama("1/1000", shared), steps=1000, seed=3)
    assert kept["a"][-1] ** 2 + kept["b"][-1] ** 2 == pytest.approx(1, abs=2e-3)
    assert grown["a"][-1] ** 2 + grown["b"][-1] ** 2 == pytest.approx(np.e, rel=0.2)
    assert abs(kept["a"][-1] - 0.6) > 0.01


def test_one_wiener_process_is_not_two() -> None:
    a, b = Variable("a", (), "parameter"), Variable("b", (), "parameter")
    setting = vector_field(Setting((a, b)), Space((a, b)), {"a": family(0 * a[()]), "b": family(0 * b[()])})
    posed = problem(setting, data={}, start={"a": 0, "b": 0}, times=(0, 1))
    own = iterate(posed, euler_maruyama(1, {"a": family(sp.Integer(1)), "b": family(sp.Integer(1))}), steps=3)
    one = iterate(posed, euler_maruyama(1, {name: family(sp.Integer(1), (m, sp.Integer(1))) for name in ("a", "b")}), steps=3)
    assert own["a"][-1] != own["b"][-1]
    assert one["a"][-1] == one["b"][-1] != 0


def test_the_seed_decides_and_is_recorded() -> None:
    posed, shared = circle()
    first, again, other = (iterate(posed, heun("1/10", shared), steps=5, seed=seed) for seed in (1, 1, 2))
    assert first["a"] == again["a"] != other["a"]
    assert first.options == {"dt": "1/10", "convention": "Stratonovich", "steps": 5, "seed": 1}


def test_what_cannot_be_is_refused() -> None:
    posed, shared = circle()
    with pytest.raises(Unsupported, match="increments are not rational"):
        iterate(posed, heun("1/10", shared), steps=1, exact=True)
    with pytest.raises(InvalidProblem, match="no Ito equation on the sphere"):
        projected(euler_maruyama("1/10", shared))
    with pytest.raises(InvalidProblem, match=r"the diffusion of a has the shape \(1, 1\)"):
        iterate(posed, heun("1/10", {"a": family(sp.Integer(1), (m, sp.Integer(1)), (i, sp.Integer(1)))}), steps=1)
    with pytest.raises(InvalidProblem, match="unknown block c"):
        iterate(posed, heun("1/10", {"c": family(sp.Integer(1))}), steps=1)
    with pytest.raises(InvalidProblem, match="different kinds"):
        iterate(posed, heun("1/10", {"a": family(sp.Integer(1)), "b": family(sp.Integer(1), (m, sp.Integer(2)))}), steps=1)
