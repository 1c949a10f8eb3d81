"""Taylor coefficients along a flow, against SymPy's derivatives: d/dt of d/dt of ..., at small points modulo p."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from discovery.explicit.modular import P
from discovery.explicit.series import monomials, product, trajectory
from discovery.explicit.system import Points, System, system
from theory.files import read_text

FIELDS = (
    {"a": "a*b - 2", "b": "a**2 + 3*b"},
    {"a": "b/(1 + a**2)", "b": "1/b**2 - a"},
    {"a": "sqrt(a + b)", "b": "1/sqrt(a + b)"},
    {"a": "exp(2*a)*b", "b": "log(a)"},
    {"a": "sin(b)", "b": "cos(b) + atan(a)"},
)


def of_field(field: dict[str, str]) -> System:
    parameters = "\n".join(f'{name} = "positive scalar"' for name in field)
    lines = "\n".join(f'{name} = "{value}"' for name, value in field.items())
    return system(read_text(f"[parameters]\n{parameters}\n[flow.field]\n{lines}\n").setting, {})


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_coefficients_are_derivatives_over_factorials(field: dict[str, str]) -> None:
    """On the domain: a function of the coordinates is a symbol of its own in SymPy's chain rule, valued as the system values it."""
    of = of_field(field)
    points = of.on_domain(3, np.random.default_rng(0))
    series = trajectory(of, points, 5)
    a, b = sp.symbols("a b", positive=True)
    velocity = [sp.sympify(field[name], locals={"a": a, "b": b}) for name in "ab"]
    meant = [of.meanings[symbol].xreplace({of.setting["a"][()]: a, of.setting["b"][()]: b}) for symbol in of.symbols]
    for row, start in enumerate(meant):
        derivative = start
        for k in range(5):
            values = modular(derivative / sp.factorial(k), meant, points)
            assert series[k, row].tolist() == values, (start, k)
            derivative = sp.diff(derivative, a) * velocity[0] + sp.diff(derivative, b) * velocity[1]


def modular(expression: sp.Expr, meant: list[sp.Expr], points: Points) -> list[int]:
    """The values of an expression that is rational in the coordinates, which may be functions of others."""
    symbols = sp.symbols(f"y:{len(meant)}")
    written = sp.powdenest(sp.expand_trig(sp.expand_power_exp(sp.expand(expression))), force=True)
    for symbol, value in reversed(list(zip(symbols, meant, strict=True))):
        for node in sorted(written.atoms(sp.Pow, sp.exp), key=sp.count_ops, reverse=True):
            if isinstance(value, sp.Pow) and isinstance(node, sp.Pow) and node.base == value.base:
                written = written.xreplace({node: symbol ** (2 * node.exp)})
            if isinstance(value, sp.exp) and isinstance(node, sp.exp):
                written = written.xreplace({node: symbol ** (node.args[0] / value.args[0])})
        written = written.xreplace({value: symbol})
    above, below = sp.fraction(sp.together(written))
    top, bottom = (sp.Poly(part, *symbols) for part in (above, below))
    return [residue(top, column) * pow(residue(bottom, column), -1, P) % P for column in points.x.T]


def residue(poly: sp.Poly, column: np.ndarray) -> int:
    total = 0
    for exponents, q in poly.terms():
        term = int(q.p) * pow(int(q.q), -1, P)
        for x, n in zip(column, exponents, strict=True):
            term = term * pow(int(x), int(n), P) % P
        total += term
    return total % P


def test_products_are_cut_off() -> None:
    one, other = (np.array(rows, dtype=np.int64)[:, None] for rows in ([1, 2, 3], [4, 5, 6]))
    assert product(one, other)[:, 0].tolist() == [4, 13, 28]


def test_monomials_of_series() -> None:
    series = np.array([[[2], [3]], [[1], [5]]], dtype=np.int64)  # 2 + t and 3 + 5 t
    found = monomials(series, [{}, {0: 2}, {0: 1, 1: 1}])
    assert found[:, :, 0].tolist() == [[1, 4, 6], [0, 4, 13]]
