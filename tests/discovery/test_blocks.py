"""Blocks, the curves they move on, and antiderivatives along these."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

from discovery.explicit.system import System, system
from discovery.integrals.antiderivatives import antiderivatives
from discovery.integrals.blocks import blocks, rational_velocity, relations
from discovery.integrals.leaves import leaf
from theory.files import read, read_text

from .systems import FOLDER

x = sp.Symbol("x", positive=True)
c = sp.Symbol("c", real=True)


def opened(name: str) -> System:
    setting = read(FOLDER / f"{name}.toml").setting
    (instance,) = setting.instances
    return system(setting, instance.sizes, instance.values)


def test_the_blocks_of_a_product_are_its_channels() -> None:
    of = opened("product_uv_rates")
    found = list(blocks(of, np.random.default_rng(0)))
    assert [block.members for block in found] == [(0, 4), (1, 5), (2, 6), (3, 7)]
    assert dict(found[1].fields) == {1: of.symbols[5], 5: 3 * of.symbols[1]}
    z = sp.Matrix(relations(of, found, np.random.default_rng(1)))
    assert z.rank() == 2
    assert (z * sp.Matrix([[1, 0], [0, 1], [1, 1], [2, -1]])).is_zero_matrix


def test_with_one_row_of_data_the_channels_are_still_apart() -> None:
    """Every ratio of velocities is free of the one control; the channels are told apart by what the velocities depend on."""
    of = opened("exponential_factor")
    assert [[of.meanings[of.symbols[k]] for k in block.members] for block in blocks(of, np.random.default_rng(0))] == [
        [of.setting["u"][i], of.setting["v"][i], sp.exp(of.setting["v"][i])] for i in range(3)
    ]


def test_a_factor_that_moves_is_common_to_all_speeds() -> None:
    """The gain g slows all channels alike, and has no curve of its own; the relation of the speeds holds whatever it is."""
    text = """
    [sizes]
    N = 3
    M = 2
    [data]
    A = [[1, 0, -3], [0, 1, 1]]
    [parameters]
    w = "N, positive"
    g = "positive scalar"
    [arbitrary]
    k = "M"
    [flow.field]
    "w[i]" = "g*w[i]**2*sum(m, A[m,i]*k[m])"
    g = "sum(m, k[m])*sum(i, w[i])*g**3"
    """
    setting = read_text(text).setting
    of = system(setting, {"N": 3, "M": 2}, {"A": tuple(tuple(map(Fraction, row)) for row in ((1, 0, -3), (0, 1, 1)))})
    found = list(blocks(of, np.random.default_rng(0)))
    assert [list(block.fields.values()) for block in found] == [[symbol**2] for symbol in of.symbols[:3]]
    assert relations(of, found, np.random.default_rng(1)) == [[3, -1, 1]]


def test_velocities_are_written_as_they_are_evaluated() -> None:
    of = opened("hypentropy_root")
    random = np.random.default_rng(3)
    points = of.random(1, random)
    values = dict(zip(of.symbols, map(int, points.x[:, 0]), strict=True)) | {
        sp.Symbol(f"c_{k}", real=True): int(v) for k, v in enumerate(points.c[:, 0])
    }
    for k in range(len(of.moving)):
        assert int(rational_velocity(of, k).subs(values)) % (2**31 - 1) == int(of.velocity(points)[k, 0])


def test_level_sets_are_solved_one_law_after_another() -> None:
    u, v, w, E = sp.symbols("u v w E", real=True)
    curve = leaf([u, v, w], u, [v**2 - w**2, u**2 - 2 * v**2])
    assert curve is not None
    first, second = curve.constants
    p = curve.along
    assert sp.expand(curve.curve[curve.names[v]] ** 2 - (p**2 - second) / 2) == 0
    assert sp.expand(curve.curve[curve.names[w]] ** 2 - (p**2 - second) / 2 + first) == 0
    assert curve.off(curve.on(v * w)) == v * w
    exponential = leaf([u, v, E], u, [sp.log(E) - v, u**2 - 2 * v])
    assert exponential is not None
    assert exponential.off(exponential.on(1 / E)) == 1 / E


@pytest.mark.parametrize("law", ["u**3 + u*v**2 + v", "u*v + sin(v)", "u"])
def test_what_is_not_solved_is_said_so(law: str) -> None:
    u, v = sp.symbols("u v", real=True)
    assert leaf([u, v], u, [sp.sympify(law, {"u": u, "v": v})]) is None


INTEGRANDS = [
    1 / x,
    x**-4,
    sp.sqrt(x),
    1 / (c + 2 * x**2),
    1 / (3 - x**2),
    1 / (x * (1 - x)),
    1 / (2 * x * (x**2 - c)),
    (x + 1) / (x**2 + c * x + 3),
    1 / (x - 2) ** 2,
    1 / sp.sqrt(3 * x**2 - c),
    2 / sp.sqrt(c - x**2),
    1 / sp.sqrt(4 * x**2 + 9),
    1 / sp.sqrt(x**2 + x + c),
    1 / sp.sqrt(x + c),
]


@pytest.mark.parametrize("f", INTEGRANDS, ids=str)
def test_antiderivatives_have_the_derivative(f: sp.Expr) -> None:
    """To 30 digits at complex values too, where each formula goes on analytically."""
    found = antiderivatives(f, x)
    assert found
    for formula in found:
        for at in ({x: sp.Rational(7, 10), c: sp.Rational(1, 2)}, {x: sp.Rational(9, 4), c: -sp.Rational(5, 3)}):
            assert abs(sp.N((sp.diff(formula, x) - f).subs(at), 30)) < 1e-25


@pytest.mark.parametrize("f", [1 / sp.sqrt(x**4 + c), sp.exp(-(x**2)), 1 / (x**2 + 1) ** 2, 1 / (x**5 + x + c), sp.sin(x)], ids=str)
def test_what_is_not_read_off_is_left(f: sp.Expr) -> None:
    assert antiderivatives(f, x) == []
