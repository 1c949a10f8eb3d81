"""Laws along the curves of blocks: formulas that the kernel proves, integrals that it proves to exist, and nothing where there is nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import cache
from random import Random
from typing import Any

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import quad

from discovery.discover import Search
from discovery.explicit.candidate import Candidate
from discovery.explicit.system import System, system
from discovery.integrals.quadratures import Quadrature, is_quadrature, quadrature_certificate, quadratures, space
from proofs_check.exact import at_instance, counterexample
from proofs_check.kernel import Rejected
from proofs_check.kernel.points import precision
from proofs_check.kernel.quadrature import form_gradient
from theory.files import read
from theory.settings import Instance
from theory.statements import Evolves, Part

from .systems import FOLDER

Laws = Callable[[System], list[sp.Expr]]


def opened(name: str) -> tuple[System, Instance]:
    setting = read(FOLDER / f"{name}.toml").setting
    (instance,) = setting.instances
    return system(setting, instance.sizes, instance.values), instance


def entries(of: System, name: str) -> list[sp.Symbol]:
    return [symbol for symbol, (block, _) in zip(of.symbols, of.places, strict=False) if block == name]


def each(formula: Callable[..., sp.Expr], *names: str) -> Laws:
    """The formula for every value of the index."""
    return lambda of: [formula(*together) for together in zip(*(entries(of, name) for name in names), strict=True)]


def nothing(_: System) -> list[sp.Expr]:
    return []


BALANCE = each(lambda u, v: u**2 - v**2, "u", "v")
FORMULAS: list[tuple[str, Laws, int, str]] = [
    ("product_uv", BALANCE, 2, "logarithm"),
    ("product_uv_rates", each(lambda u, v: 3 * u**2 - v**2, "u", "v"), 2, "logarithm"),
    ("descent_ascent", each(lambda u, v: u**2 + v**2, "u", "v"), 2, "arctangent"),
    ("hypentropy", each(lambda p, s: p**2 - s**2, "p", "s"), 2, "logarithm"),
    ("hypentropy_root", nothing, 2, "logarithm"),
    ("logistic_replicator", nothing, 2, "logarithm"),
    ("entropic", nothing, 2, "logarithm"),
    ("diagonal_fifth", nothing, 2, "rational"),
    ("difference_cubic", nothing, 6, "rational"),
    ("exponential_factor", each(lambda u, v: u**2 - 2 * v, "u", "v"), 2, "integral"),
    (
        "exponential_factor_adjoined",
        lambda of: [*each(lambda u, v: u**2 - 2 * v, "u", "v")(of), *each(lambda v, E: sp.log(E) - v, "v", "E")(of)],
        2,
        "integral",
    ),
]


def found(name: str, laws: Laws) -> tuple[System, Instance, list[Quadrature | Candidate]]:
    of, instance = opened(name)
    return of, instance, list(quadratures(of, laws(of), random=np.random.default_rng(0)))


@pytest.mark.parametrize(("name", "laws", "count", "kind"), FORMULAS, ids=[name for name, *_ in FORMULAS])
def test_formulas_are_found_and_proved(name: str, laws: Laws, count: int, kind: str) -> None:
    of, instance, proposed = found(name, laws)
    assert len(proposed) == count
    for candidate in proposed:
        assert isinstance(candidate, Candidate)
        assert candidate.kind == kind
        assert not candidate.law.atoms(sp.Float)
        assert at_instance(Part(of.setting, Evolves(of.meant(candidate.law))), instance).outcome == "proved"


def test_the_root_of_the_ratio_of_the_rates_is_in_the_logarithm() -> None:
    of, _, (first, _) = found("product_uv_rates", each(lambda u, v: 3 * u**2 - v**2, "u", "v"))
    assert isinstance(first, Candidate)
    u, v = entries(of, "u"), entries(of, "v")
    assert first.law == sum(z * sp.log(sp.sqrt(3) * a + b) for z, a, b in zip((1, 1, -1, 0), u, v, strict=True))


@pytest.mark.parametrize("change", [lambda law: law.subs(sp.sqrt(3), sp.sqrt(2)), lambda law: law + law.args[0]], ids=["another root", "another z"])
def test_a_formula_that_is_changed_is_refuted(change: Callable[[sp.Expr], sp.Expr]) -> None:
    of, instance, (first, _) = found("product_uv_rates", each(lambda u, v: 3 * u**2 - v**2, "u", "v"))
    assert isinstance(first, Candidate)
    assert counterexample(Part(of.setting, Evolves(of.meant(change(first.law)))), instance).outcome == "refuted"


def test_an_integral_with_another_integrand_is_refuted() -> None:
    of, instance, (first, _) = found("exponential_factor", each(lambda u, v: u**2 - 2 * v, "u", "v"))
    assert isinstance(first, Candidate)
    wrong = first.law.replace(sp.Integral, lambda f, limit: sp.Integral(f**2, limit))
    assert wrong != first.law
    part = Part(of.setting, Evolves(of.meant(wrong)))
    assert at_instance(part, instance).outcome == "unknown"
    assert counterexample(part, instance).outcome == "refuted"


def test_formulas_for_every_region_are_proposed() -> None:
    """The times of u^2 v are arctangents or logarithms, as u^2 - 2 v^2 is positive or negative, for each index apart."""
    of, instance, proposed = found("square_product", each(lambda u, v: u**2 - 2 * v**2, "u", "v"))
    conditions = set()
    for candidate in proposed:
        assert isinstance(candidate, Candidate)
        finding = at_instance(Part(of.setting, Evolves(of.meant(candidate.law))), instance)
        assert finding.outcome == "proved"
        conditions.add(finding.conditions)
    assert len(conditions) == len(proposed) == 8
    assert ("u[0]^2 - 2*v[0]^2 > 0", "u[1]^2 - 2*v[1]^2 > 0", "u[2]^2 - 2*v[2]^2 > 0") in conditions


def elliptic() -> tuple[System, Instance, Quadrature]:
    laws: Laws = lambda of: [*each(lambda u, v: u**2 - v**2, "u", "v")(of), *each(lambda u, w: u**2 - w**2, "u", "w")(of)]  # noqa: E731
    of, instance, (quadrature,) = found("elliptic_uvw", laws)
    assert isinstance(quadrature, Quadrature)
    return of, instance, quadrature


@cache
def searched() -> Search:
    """The search for the laws of the flow of u*v*w, ended."""
    of, instance = opened("elliptic_uvw")
    search = Search(of.setting, instance)
    for _ in search.run():
        pass
    return search


def certified(quadrature: Quadrature) -> Any:
    """The form at the point, if the kernel accepts it with the laws of the search."""
    search = searched()
    with precision(search.where["bits"]):
        certificate = quadrature_certificate(quadrature, search.where, search.rows)
        return form_gradient(search.tree, certificate, search.rows, search.where)


def test_an_elliptic_law_remains_an_integral_that_is_proved_to_exist() -> None:
    of, _, quadrature = elliptic()
    u, v, w = (entries(of, name) for name in "uvw")
    assert dict(quadrature.form) == {u[0]: 2 / (v[0] * w[0]), u[1]: -1 / (v[1] * w[1]), u[2]: -1 / (v[2] * w[2])}
    assert len(quadrature.expression.atoms(sp.Integral)) == 3
    assert quadrature.text.startswith("2*integral of (1/(v[0]*w[0])) d(u[0]) - integral of")
    assert "\\int" in quadrature.latex
    values = searched().where["values"]
    (a, b, c), (d, e, f) = ([Fraction(q) for q in values[name]] for name in "vw")
    found = {place: Fraction(int(q.p), int(q.q)) for place, q in certified(quadrature).items() if q != 0}
    assert found == {("u", (0,)): 2 / (a * d), ("u", (1,)): -1 / (b * e), ("u", (2,)): -1 / (c * f)}


def test_the_integral_is_conserved_along_a_trajectory() -> None:
    """The flow of u*v*w with a control that moves, integrated in floating point; shares nothing with the search but the expression it gives."""
    of, _, quadrature = elliptic()

    def velocity(t: float, x: list[float]) -> list[float]:
        nu = (math.cos(t), math.sin(3 * t) - 0.5)
        slopes = [nu[0], nu[1], 2 * nu[0] - nu[1]]  # the transpose of the data matrix [[1, 0, 2], [0, 1, -1]]
        u, v, w = x[:3], x[3:6], x[6:]
        triples = list(zip(slopes, u, v, w, strict=True))
        return [-s * b * c for s, _, b, c in triples] + [-s * a * c for s, a, _, c in triples] + [-s * a * b for s, a, b, _ in triples]

    random, h = Random(0), 1 / 1000
    start = [random.uniform(1.6, 2.0) for _ in range(3)] + [random.uniform(1.2, 1.5) for _ in range(3)] + [random.uniform(0.9, 1.1) for _ in range(3)]
    x = list(start)
    for n in range(300):
        k1 = velocity(n * h, x)
        k2 = velocity(n * h + h / 2, [a + h / 2 * b for a, b in zip(x, k1, strict=True)])
        k3 = velocity(n * h + h / 2, [a + h / 2 * b for a, b in zip(x, k2, strict=True)])
        k4 = velocity(n * h + h, [a + h * b for a, b in zip(x, k3, strict=True)])
        x = [a + h / 6 * (b + 2 * c + 2 * d + e) for a, b, c, d, e in zip(x, k1, k2, k3, k4, strict=True)]
    assert max(abs(a - b) for a, b in zip(x, start, strict=True)) > 0.1
    at = dict(zip(of.symbols, start, strict=True))
    constants = {name: law.subs(at) for name, law in quadrature.constants.items()}
    changes = []
    for term in quadrature.expression.args:
        (integral,) = term.atoms(sp.Integral)
        ((s, end),) = integral.limits
        integrand = sp.lambdify(s, integral.function.subs(constants), "math")
        k = of.symbols.index(end)
        changes.append(float(term.coeff(integral)) * quad(integrand, start[k], x[k])[0])
    assert abs(sum(changes)) < 1e-9 < 1e-2 < max(map(abs, changes))


def test_a_quadrature_that_is_changed_is_rejected() -> None:
    _, _, quadrature = elliptic()
    random = np.random.default_rng(1)
    assert is_quadrature(quadrature, random)
    first, second, third = quadrature.form
    turned = replace(quadrature, form={**quadrature.form, second: -quadrature.form[second]})
    assert not is_quadrature(turned, random)
    with pytest.raises(Rejected, match="the residual of entry"):
        certified(turned)
    assert not is_quadrature(replace(quadrature, laws_used=quadrature.laws_used[1:]), random)
    assert not is_quadrature(replace(quadrature, laws_used=(*quadrature.laws_used[1:], third)), random)
    assert not is_quadrature(replace(quadrature, laws_used=(*quadrature.laws_used[1:], quadrature.laws_used[-1] ** 2)), random)
    spread = replace(quadrature, form={symbol: component * first for symbol, component in quadrature.form.items()})
    assert not is_quadrature(spread, random)  # it vanishes on the flow, and is not closed
    with pytest.raises(Rejected, match="6 laws of a block of 9 coordinates"):
        certified(spread)
    with pytest.raises(Rejected, match="0 laws of a block of 3 coordinates"):
        certified(replace(quadrature, blocks=()))


@pytest.mark.parametrize("name", ["random_quadratic", "square_loss_one_field", "linear_2_2_2", "weight_norm_square", "polar_square", "product_uv"])
def test_nothing_is_proposed_where_blocks_have_no_laws_or_no_related_speeds(name: str) -> None:
    assert found(name, nothing)[2] == []


def test_what_is_known_is_not_proposed_again() -> None:
    of, _, proposed = found("diagonal_fifth", nothing)
    laws = [candidate.law for candidate in proposed if isinstance(candidate, Candidate)]
    assert len(list(quadratures(of, laws[:1], random=np.random.default_rng(2)))) == 1
    assert list(quadratures(of, laws, random=np.random.default_rng(2))) == []
    assert list(quadratures(of, [], random=np.random.default_rng(2), largest=3)) == []


def test_the_space_searched_is_told() -> None:
    assert "9 coordinates" in space(opened("elliptic_uvw")[0])
