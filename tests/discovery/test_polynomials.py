"""Polynomial laws: those of the measured systems and of random networks are found, proved and independent; fields without laws have none.

The oracle is exact: known laws are written down here, entry by entry, and vector fields by hand in SymPy.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp

from discovery.explicit.candidate import Candidate
from discovery.explicit.independence import Independence
from discovery.explicit.multiples import laws_over_laws
from discovery.explicit.polynomials import polynomial_laws, polynomial_space
from discovery.explicit.system import System, is_law, system
from proofs_check.exact import at_instance
from theory.files import read, read_text
from theory.models.network import linear_network, relu_network
from theory.settings import Instance, Setting
from theory.statements import Evolves, Part

ROOT = Path(__file__).parents[2]
NETWORKS = json.loads((ROOT / "bench" / "data" / "random_networks.json").read_text(encoding="utf-8"))
LARGEST = 40  # parameters; the rest is for the bench


def of_file(name: str) -> System:
    setting = read(ROOT / "examples" / "conservation" / f"{name}.toml").setting
    return system(setting, setting.instances[0].sizes, setting.instances[0].values)


def of_text(text: str) -> System:
    return system(read_text(text).setting, {}, {})


def field(**velocities: str) -> System:
    parameters = "\n".join(f'{name} = "scalar"' for name in velocities)
    lines = "\n".join(f'{name} = "{velocity}"' for name, velocity in velocities.items())
    return of_text(f'[arbitrary]\nc = "scalar"\n[parameters]\n{parameters}\n[flow.field]\n{lines}\n')


def of_net(setting: Setting, widths: list[int]) -> System:
    return system(setting, {f"d{k}": d for k, d in enumerate(widths)})


def laws(of: System, **options: Any) -> list[Candidate]:
    return list(polynomial_laws(of, random=np.random.default_rng(1), **options))


def meant(of: System, **options: Any) -> set[sp.Expr]:
    return {of.meant(candidate.law) for candidate in laws(of, **options)}


def proved(of: System, law: sp.Expr) -> str:
    return at_instance(Part(of.setting, Evolves(of.meant(law))), Instance(of.sizes, of.values)).outcome


FOUND: Mapping[str, int] = {
    "diagonal_fifth": 0,
    "diagonal_square_symbolic": 0,
    "product_uv": 4,
    "product_uv_rates": 4,
    "difference_square": 4,
    "descent_ascent": 4,
    "elliptic_uvw": 6,
    "exponential_factor": 3,
    "exponential_factor_adjoined": 3,
    "hypentropy": 4,
    "hypentropy_root": 0,
    "polar_square": 1,
    "polar_square_off_sphere": 0,
    "polar_square_symbolic": 1,
    "weight_norm_square": 1,
    "linear_2_2_2": 3,
    "linear_2_2_2_rates": 3,
    "linear_2_2_2_1": 6,
    "linear_one_input": 7,
    "norm_gain": 3,
    "relu_2_3_2_bias": 3,
    "scale_invariant": 1,
    "symmetric_3_2": 0,
    "random_quadratic": 0,
    "heavy_ball_linear": 0,
    "square_product": 3,
}


@pytest.mark.parametrize("name", FOUND)
def test_the_laws_of_the_measured_systems_are_found_and_proved(name: str) -> None:
    of = of_file(name)
    found = laws(of)
    assert len(found) == FOUND[name]
    assert all(proved(of, candidate.law) == "proved" for candidate in found)


@pytest.mark.parametrize("name", ["product_uv", "linear_2_2_2_rates", "relu_2_3_2_bias", "polar_square", "scale_invariant"])
def test_a_changed_law_is_none(name: str) -> None:
    of, random = of_file(name), np.random.default_rng(7)
    for candidate in laws(of):
        coordinate = of.symbols[0] * of.symbols[1]
        for wrong in (candidate.law + coordinate, candidate.law - 2 * next(iter(sp.Add.make_args(candidate.law))), candidate.law * of.symbols[0]):
            assert not is_law(of, wrong, of.on_domain(2, random), random)
            assert proved(of, wrong) != "proved"


def test_laws_look_as_people_write_them() -> None:
    of = of_file("product_uv_rates")
    u, v = of.setting["u"], of.setting["v"]
    assert meant(of) == {3 * u[n] ** 2 - v[n] ** 2 for n in range(4)}
    of = of_file("linear_2_2_2")
    U, V = of.setting["U"], of.setting["V"]
    assert meant(of) == {sum(U[k, i] * U[k, j] for k in range(2)) - sum(V[i, k] * V[j, k] for k in range(2)) for i, j in ((0, 0), (0, 1), (1, 1))}
    of = of_file("scale_invariant")
    w = of.setting["w"]
    assert meant(of) == {sum(w[k] ** 2 for k in range(4))}  # and not its root, a coordinate of its own


def known_laws(of: System, widths: list[int], diagonal: bool, bias: bool) -> Iterator[sp.Expr]:
    """The entries of $W_{l+1}^T W_{l+1} - W_l W_l^T - b_l b_l^T$, those on the diagonal alone where there are activations."""
    at = dict(zip(of.places, of.symbols, strict=True))
    for l in range(1, len(widths) - 1):
        for i in range(widths[l]):
            for j in range(i, i + 1 if diagonal else widths[l]):
                outgoing = sum(at[f"W{l + 1}", (k, i)] * at[f"W{l + 1}", (k, j)] for k in range(widths[l + 1]))
                incoming = sum(at[f"W{l}", (i, k)] * at[f"W{l}", (j, k)] for k in range(widths[l - 1]))
                yield outgoing - incoming - (at[f"b{l}", (i,)] * at[f"b{l}", (j,)] if bias else 0)


def networks() -> list[Any]:
    found = []
    for kind in ("linear", "relu"):
        for network in NETWORKS[kind]:
            widths, bias = network["widths"], bool(network.get("bias"))
            if sum(a * b for a, b in pairwise(widths)) <= LARGEST:
                found.append(pytest.param(kind, widths, bias, network["laws"], id=f"{kind}-{'-'.join(map(str, widths))}{'-bias' * bias}"))
    return found


@pytest.mark.parametrize(("kind", "widths", "bias", "count"), networks())
def test_random_networks_have_their_known_laws(kind: str, widths: list[int], bias: bool, count: int) -> None:
    depth = len(widths) - 1
    of = of_net(linear_network(depth) if kind == "linear" else relu_network(depth, bias=bias), widths)
    together = Independence(of, np.random.default_rng(2))
    found = laws(of)
    assert len(found) == count
    assert all(together.adds(candidate.law) for candidate in found)
    assert not any(together.adds(law) for law in known_laws(of, widths, kind == "relu", bias))


def test_the_largest_network_has_nothing_more_than_balances() -> None:
    of = of_net(relu_network(4, bias=True), [9, 9, 8, 8, 8])
    space = polynomial_space(of)
    assert space.terms.count == 46_971 + 306
    assert space.text == "polynomials of degree at most 2 in 306 coordinates"
    found = laws(of)
    assert len(found) == 25
    sizes = {len(sp.Add.make_args(candidate.law)) for candidate in found}
    assert sizes == {9 + 8 + 1, 8 + 8 + 1}
    assert all(coefficient in (1, -1) for candidate in found for coefficient in sp.Poly(candidate.law).coeffs())


def test_found_laws_are_laws_by_hand() -> None:
    """The flow of tr(G^T C B A) written out with matrices, and its rate of each law expanded."""
    of = of_net(linear_network(3), [2, 3, 2, 1])
    blocks = {
        name: sp.Matrix(*shape, sp.symbols(f"{name}_:{shape[0] * shape[1]}")) for name, shape in (("W1", (3, 2)), ("W2", (2, 3)), ("W3", (1, 2)))
    }
    G = sp.Matrix(1, 2, sp.symbols("g:2"))
    pairing = (G.T * blocks["W3"] * blocks["W2"] * blocks["W1"]).trace()
    at = {symbol: blocks[name][entry] for symbol, (name, entry) in zip(of.symbols, of.places, strict=True)}
    found = laws(of)
    assert len(found) == 9
    for candidate in found:
        law = candidate.law.xreplace(at)
        rate = sum(sp.diff(law, x) * sp.diff(pairing, x) for x in at.values())
        assert sp.expand(rate) == 0
        assert sp.expand(sum(sp.diff(law, x) * x for x in at.values())) != 0


@pytest.mark.parametrize("seed", range(4))
def test_random_fields_have_no_polynomial_law(seed: int) -> None:
    random = np.random.default_rng(seed)
    names = "xyzw"
    terms = [f"{a}*{b}" for n, a in enumerate(names) for b in names[n:]] + [f"c*{a}" for a in names]
    velocities = {name: " + ".join(f"{q}*{term}" for q, term in zip(random.integers(1, 9, len(terms)), terms, strict=True)) for name in names}
    of = field(**velocities)
    assert laws(of, degree=3) == []


def test_a_rate_without_a_value_becomes_a_coefficient() -> None:
    text = """
    [constants]
    eta = "positive"
    [parameters]
    u = "scalar"
    v = "scalar"
    [model]
    predictor = "x = u*v"
    loss = "any"
    [flow]
    rates = { u = 1, v = "eta" }
    """
    of = of_text(text)
    u, v, eta = (of.setting[name][()] for name in ("u", "v", "eta"))
    assert [of.meant(candidate.law) for candidate in laws(of)] == [eta * u**2 - v**2]
    assert polynomial_space(of).text == "polynomials of degree at most 2 in 2 coordinates, with coefficients of degree at most 1 in eta"
    assert [proved(of, candidate.law) for candidate in laws(of)] == ["proved"]
    assert laws(of, most_monomials=5) == []
    assert polynomial_space(of, most_monomials=5).text == "polynomials of degree at most 2 in 2 coordinates"


def test_what_stands_still_is_a_law_and_a_coefficient() -> None:
    of = field(x="0", y="2*c", z="c*x")
    x, y, z = (of.setting[name][()] for name in "xyz")
    assert [of.meant(candidate.law) for candidate in laws(of)] == [x, x * y - 2 * z]


def test_laws_of_low_degree_come_first() -> None:
    of = field(x="c*y*z", y="-c*x*z", z="2*c")
    x, y, z = (of.setting[name][()] for name in "xyz")
    assert meant(of) == {x**2 + y**2}
    of = field(x="c", y="2*c*x", z="3*c*x**2")
    x, y, z = (of.setting[name][()] for name in "xyz")
    assert [of.meant(candidate.law) for candidate in laws(of, degree=3)] == [x**2 - y, x**3 - z]
    known = [law.law for law in laws(of)]
    assert len(known) == 1
    assert len(laws(of, degree=3, known=known)) == 1
    assert len(laws(of, degree=3, enough=1)) == 1
    assert laws(of, degree=3, known=known, enough=1) == []


def test_the_budget_lowers_the_degree() -> None:
    of = of_net(linear_network(2), [2, 2, 2])
    assert polynomial_space(of, 3).text == "polynomials of degree at most 3 in 8 coordinates"
    assert polynomial_space(of, 3, most_monomials=100).degree == 2
    assert polynomial_space(of, 2, most_columns=7).degree == 1  # eight squares have one character
    assert laws(of, most_columns=7) == []
    assert len(laws(of, most_columns=8)) == 3


def test_a_search_can_be_left_early() -> None:
    search = polynomial_laws(of_net(linear_network(3), [3, 4, 3, 2]), random=np.random.default_rng(0))
    assert next(search).kind == "polynomial"
    search.close()


def test_what_vanishes_on_a_sphere_is_no_law() -> None:
    """On the sphere u_0 (|u|^2 - 1) is 0, which is a function of |u|^2 to first order."""
    of = of_file("polar_square")
    u = of.setting["u"]
    assert meant(of, degree=3) == {sum(u[k] ** 2 for k in range(4))}


def test_coefficients_that_are_laws_themselves() -> None:
    of = field(u="c*v", v="-c*u", x="(u**2 + v**2)*y*c", y="x*c")
    u, v, x, y = (of.setting[name][()] for name in "uvxy")
    known = [candidate.law for candidate in laws(of, degree=3)]
    assert {of.meant(law) for law in known} == {u**2 + v**2}
    (found,) = laws_over_laws(of, known, random=np.random.default_rng(0))
    assert sp.expand(of.meant(found.law) - (x**2 - (u**2 + v**2) * y**2)) == 0
    assert proved(of, found.law) == "proved"
    assert list(laws_over_laws(of, [*known, found.law], random=np.random.default_rng(0))) == []
    assert list(laws_over_laws(of, [], random=np.random.default_rng(0))) == []
    assert list(laws_over_laws(of, known, random=np.random.default_rng(0), most_columns=4)) == []
