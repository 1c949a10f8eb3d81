"""The settings that every printer and every integrator is tested on, and rational data for them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from random import Random
from typing import Any

import pytest
import sympy as sp

from numerics.problem import size_value
from numerics.program import Program, program
from theory.charts import polar, rederive, transport, weight_norm
from theory.dynamics import gradient_flow, vector_field
from theory.losses import exponential, logistic, square, square_to
from theory.models import difference, hadamard, power, product
from theory.settings import Setting, Space, family
from theory.symbols import Variable, index, size, total

N, M = size("N"), size("M")
L = Variable("L", (), "constant", "positive")
RATES = eta_r, eta_u = tuple(Variable(name, (), "constant", "positive") for name in ("eta_r", "eta_u"))
A, y = Variable("A", (M, N)), Variable("y", (M,))
w = Variable("w", (N,), "parameter", "positive")
i, j, k = index("i"), index("j"), index("k")


def _weights(*, depth: int) -> list[Variable]:
    widths = [size(name) for name in "abcd"[: depth + 1]]
    return [Variable(f"W{n + 1}", (widths[n + 1], widths[n]), "parameter") for n in range(depth)]


def polar_flow() -> Setting:
    rates = {"r": eta_r[()], "u": eta_u[()]}
    return rederive(power(w, L[()]), square(A, y, (N,)), polar(w), rates, given=(L, *RATES, A, y))


def weight_normalised() -> Setting:
    rates = {"g": eta_r[()], "v": eta_u[()]}
    return rederive(power(w, L[()]), square(A, y, (N,)), weight_norm(w), rates, given=(L, *RATES, A, y))


def plain_power() -> Setting:
    return gradient_flow(power(w, L[()]), square(A, y, (N,)), {"w": eta_r[()]}, given=(L, eta_r, A, y))


def transported() -> Setting:
    return transport(plain_power(), polar(w))


def signed() -> Setting:
    plus, minus = (Variable(name, (N,), "parameter", "positive") for name in ("p", "m"))
    model = difference(power(plus, sp.Integer(3)), power(minus, sp.Integer(3)))
    return gradient_flow(model, logistic(A, (N,)), {"p": sp.Integer(1), "m": sp.Rational(1, 3)}, given=(A,))


def layers_of_vectors() -> Setting:
    first, second = (Variable(name, (N,), "parameter") for name in ("a", "b"))
    return gradient_flow(hadamard(first, second), exponential(A, (N,)), {"a": eta_r[()], "b": sp.Integer(2)}, given=(eta_r, A))


def linear_net(depth: int) -> Setting:
    layers = _weights(depth=depth)
    target = Variable("Y", (layers[-1].shape[0], layers[0].shape[1]))
    return gradient_flow(product(*layers), square_to(target), {layer.name: sp.Integer(1) for layer in layers}, given=(target,))


def sensed_net() -> Setting:
    """Three indices in the data."""
    layers = _weights(depth=3)
    shape = (layers[-1].shape[0], layers[0].shape[1])
    sensing = Variable("B", (M, *shape))
    rates = {layer.name: sp.Rational(1, 3) for layer in layers}
    return gradient_flow(product(*layers), square(sensing, y, shape), rates, given=(sensing, y))


def functions() -> Setting:
    """Every function, entries named by numbers, diagonals, indices and sizes as values, and the time."""
    s, h, t = Variable("s", (), "parameter"), Variable("h", (N,), "parameter", "positive"), Variable("t", (), "time")
    C, T = Variable("C", (N, N)), Variable("T", (N, N, N))
    k_ = Variable("k", (), "constant", "positive")  # spelt like an index, which must not hide it
    on_s = sp.sin(s[()]) + sp.tanh(h[0]) + sp.atan(C[0, 0]) * sp.pi + t[()] * sp.sqrt(2) + N * k_[()]
    parts = [sp.log(h[i]), sp.exp(-h[i]), sp.cos(C[i, i]), sp.asinh(s[()]) / 3, sp.Rational(1, 7) / (i + 1), sp.sqrt(h[i] + 1)]
    sums = total(C[i, j] * h[j] * k_[()], (j, N)) + total(C[j, i] ** 2 * T[i, j, k], (j, N), (k, N)) + total(sp.sinh(C[0, j]), (j, N))
    space = Space((s, h))
    bare = Setting((s, h, t, C, T, k_))
    return vector_field(bare, space, {"s": family(on_s), "h": family(sp.Add(*parts) + sums / total(h[j] ** 2, (j, N)), (i, N))})


SETTINGS: dict[str, Callable[[], Setting]] = {
    "polar": polar_flow,
    "weight norm": weight_normalised,
    "plain": plain_power,
    "transported": transported,
    "signed": signed,
    "layers of vectors": layers_of_vectors,
    "linear net, depth 2": lambda: linear_net(2),
    "linear net, depth 3": lambda: linear_net(3),
    "sensed net": sensed_net,
    "functions": functions,
}

_built: dict[str, Setting] = {}


def built(name: str) -> Setting:
    if name not in _built:
        _built[name] = SETTINGS[name]()
    return _built[name]


@pytest.fixture(scope="session", params=SETTINGS)
def setting(request: pytest.FixtureRequest) -> Setting:
    return built(request.param)


@pytest.fixture(scope="session")
def settings_by_name() -> Callable[[str], Setting]:
    return built


@pytest.fixture(scope="session")
def draw_values() -> Callable[..., dict[str, Any]]:
    """Values for all arguments of a program, of the declared shapes and signs, each from `number(low, high)`."""

    def tensor(lengths: tuple[int, ...], entry: Callable[[], Fraction]) -> Any:
        return tuple(tensor(lengths[1:], entry) for _ in range(lengths[0])) if lengths else entry()

    def draw(needed: Program, sizes: dict[str, int], number: Callable[[Fraction, Fraction], Fraction]) -> dict[str, Any]:
        found = {}
        for variable in needed.variables:
            low = Fraction(1, 4) if variable.sign == "positive" else Fraction(-2)
            lengths = tuple(size_value(length, sizes) for length in variable.shape)
            found[variable.name] = tensor(lengths, partial(number, low, Fraction(2)))
        if "L" in found:
            found["L"] = Fraction(round(found["L"] * 2 + 1), 2) if found["L"] < 1 else Fraction(round(found["L"] + 1))
        return found

    return draw


@pytest.fixture(scope="session")
def some_values(draw_values: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Values from a seed."""

    def values(setting: Setting, *, seed: int, sizes: dict[str, int]) -> dict[str, Any]:
        dice = Random(seed)
        return draw_values(program(setting), sizes, lambda low, high: low + (high - low) * Fraction(dice.randrange(61), 60))

    return values


@pytest.fixture(scope="session")
def different_sizes() -> dict[str, int]:
    """No two alike, so that a transposed array does not fit."""
    return {"N": 4, "M": 3, "a": 5, "b": 2, "c": 4, "d": 3}
