"""The sign flips read off a program, against all flips tried one by one on the velocities."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

from discovery.explicit.modular import P
from discovery.explicit.monomials import classes, monomials, words_of
from discovery.explicit.signs import characters
from discovery.explicit.system import Points, System, system
from theory.files import read, read_text
from theory.models.network import linear_network, relu_network
from theory.settings import Setting

EXAMPLES = Path(__file__).parents[2] / "examples" / "conservation"


def of_file(name: str) -> System:
    setting = read(EXAMPLES / f"{name}.toml").setting
    return system(setting, setting.instances[0].sizes, setting.instances[0].values)


def of_text(text: str) -> System:
    return system(read_text(text).setting, {}, {})


def of_net(setting: Setting, widths: tuple[int, ...]) -> System:
    return system(setting, {f"d{k}": d for k, d in enumerate(widths)})


SYSTEMS = {
    "linear": lambda: of_net(linear_network(2), (1, 2, 2)),
    "linear, two inputs": lambda: of_net(linear_network(3), (2, 1, 2, 1)),
    "relu": lambda: of_net(relu_network(2, bias=True), (2, 2, 1)),
    "symmetric": lambda: of_file("symmetric_3_2"),
    "squares": lambda: of_file("diagonal_square_symbolic"),
    "decay": lambda: of_file("weight_decay_linear"),
    "adjoined root": lambda: of_file("scale_invariant"),
    "sphere": lambda: of_file("polar_square"),
    "random": lambda: of_file("random_quadratic"),
}


def flips(of: System) -> set[tuple[int, ...]]:
    """The signs of the coordinates in all flips, of them and of the controls, that preserve the field at a random point; adjoined functions stay."""
    entries, controls, extra = len(of.places), len(of.motion.controls), len(of.adjoined)
    signs = np.array([(*s[:entries], *[1] * extra, *s[entries:]) for s in product((1, -1), repeat=entries + controls)]).T
    count = signs.shape[1]
    one = of.on_domain(1, np.random.default_rng(4))
    at = Points(*(np.repeat(part, count, axis=1) for part in (one.x, one.c)))
    moved = Points(at.x * signs[: of.dimension] % P, at.c * signs[of.dimension :] % P)
    same = ((of.velocity(moved) - signs[: of.dimension] * of.velocity(at)) % P == 0).all(axis=0)
    return {tuple(int(q) for q in column) for column in signs[: of.dimension, same].T}


@pytest.mark.parametrize("name", SYSTEMS)
def test_monomials_share_a_class_when_no_flip_tells_them_apart(name: str) -> None:
    of = SYSTEMS[name]()
    group = sorted(flips(of))
    terms = monomials(of.dimension, 2, range(of.dimension))
    expected: dict[tuple[int, ...], set[int]] = {}
    for row, factors in enumerate(terms.factors.tolist()):
        seen = tuple(int(np.prod([(*s, 1)[k] for k in factors])) for s in group)
        expected.setdefault(seen, set()).add(row)
    split = [set(map(int, rows)) for group_ in classes(words_of(terms, characters(of))) for rows in group_]
    assert sorted(map(sorted, split)) == sorted(map(sorted, expected.values()))


def test_a_constant_term_breaks_the_flip() -> None:
    field = '[parameters]\nx = "scalar"\ny = "scalar"\n[flow.field]\nx = "y**2*x"\ny = "{}"\n'
    odd, broken = of_text(field.format("x**2*y")), of_text(field.format("x**2*y + 1"))
    assert len(set(characters(odd).tolist())) == 2
    assert characters(odd).all()
    assert characters(broken)[0] != 0
    assert characters(broken)[1] == 0


def test_what_stands_still_may_change_its_sign() -> None:
    of = of_text('[parameters]\nx = "scalar"\ny = "scalar"\n[flow.field]\nx = "0"\ny = "x"\n')
    assert characters(of)[0] == characters(of)[1] != 0


def test_functions_have_the_parity_of_their_names() -> None:
    text = '[parameters]\nx = "scalar"\ny = "scalar"\nz = "scalar"\n[flow.field]\nx = "sin(y)"\ny = "cos(y)*x"\nz = "exp(z)"\n'
    of = of_text(text)
    word = dict(zip([str(of.meanings[symbol]) for symbol in of.symbols], characters(of).tolist(), strict=True))
    assert word["x"] == word["y"] == word["sin(y)"] != 0
    assert word["z"] == word["cos(y)"] == word["exp(z)"] == 0


def test_classes_hold_every_word_once() -> None:
    words = np.array([5, 3, 5, 7, 3, 5, 0], dtype=np.int64)
    assert [rows.tolist() for rows in classes(words)] == [[[3], [6]], [[1, 4]], [[0, 2, 5]]]
    assert classes(np.zeros(0, dtype=np.int64)) == ()


def test_rates_of_monomials_are_derivatives() -> None:
    random = np.random.default_rng(2)
    x, v = (random.integers(0, P, (3, 4), dtype=np.int64) for _ in range(2))
    terms = monomials(3, 3, (0, 1), (2,))
    symbols = sp.symbols("a b c")
    for row, (rates, values) in enumerate(zip(terms.rates(x, v), terms.values(x), strict=True)):
        coefficients = [int(k == row) for k in range(terms.count)]
        term = terms.combination(coefficients, symbols)
        assert sp.Poly(term, *symbols[:2]).total_degree() in (1, 2, 3)
        for point in range(4):
            at = {symbol: int(q) for symbol, q in zip(symbols, x[:, point], strict=True)}
            slopes = [sp.diff(term, symbol).xreplace(at) for symbol in symbols]
            assert term.xreplace(at) % P == values[point]
            assert sum(slope * int(q) for slope, q in zip(slopes, v[:, point], strict=True)) % P == rates[point]
            assert [slope % P for slope in slopes] == terms.slope(coefficients, x[:, point]).tolist()
