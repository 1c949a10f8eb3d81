"""Laws in index notation: what is found, that nothing else is, and that a search that lies proves nothing.

The oracle shares nothing with the search: vector fields are written out by hand at explicit sizes, and the rate of a law is a difference quotient
with 60 digits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product as cartesian
from pathlib import Path
from random import Random
from typing import Any

import mpmath
import pytest
import sympy as sp
from flint import fmpq

from discovery.general import characteristics, entrywise, quadratic, templates
from discovery.general.laws import GeneralLaw, general_laws
from discovery.general.opened import motion
from discovery.general.quotient import quotient
from discovery.general.reading import expression
from discovery.general.relations import Span, kernel, relations
from proofs_check.exact import all_sizes
from proofs_check.kernel import check
from proofs_check.kernel.all_sizes import residual
from proofs_check.kernel.index import add, constant, entry, scale, subtract
from proofs_check.kernel.language import read_statement
from theory.charts import polar, rederive
from theory.dynamics import gradient_flow, vector_field
from theory.files import read, read_text
from theory.losses import any_loss, any_loss_of, square
from theory.models import Model, hadamard, power, product
from theory.models.network import relu_network
from theory.separable import dual_coordinates
from theory.settings import Setting, Space
from theory.statements import Equal, Evolves, Part, gradient_tree, statement_tree
from theory.symbols import Family, Variable, index, size, total

N, M = size("N"), size("M")
i, j, k = index("i"), index("j"), index("k")
A = Variable("A", (M, N))
EXAMPLES = Path(__file__).parents[2] / "examples"


def linear(depth: int, rates: Mapping[str, sp.Expr] | None = None, given: tuple[Variable, ...] = ()) -> Setting:
    d = [size(f"d{n}") for n in range(depth + 1)]
    layers = [Variable(f"W{n}", (d[n], d[n - 1]), "parameter") for n in range(1, depth + 1)]
    return gradient_flow(product(*layers), any_loss((d[depth], d[0])), {w.name: (rates or {}).get(w.name, sp.S.One) for w in layers}, given=given)


def written(law: GeneralLaw) -> str:
    free = ",".join(str(name) for name, _ in law.quantity.indices)
    return f"[{free}] {law.quantity.value}"


def found(setting: Setting) -> list[str]:
    laws = list(general_laws(setting))
    for law in laws:
        assert law.finding.outcome == "proved"
        assert law.finding.certificate is not None
        check(dict(law.finding.certificate))
        assert law.origin
    return [written(law) for law in laws]


def entrywise_vectors(*names: str, model: str, loss: str = "any(A)", more: str = "", signs: str = "N, positive") -> Setting:
    parameters = "\n".join(f'{name} = "{signs}"' for name in names)
    return read_text(
        f'[sizes]\nN = 3\nM = 2\n[data]\nA = "M x N"\n{more}[parameters]\n{parameters}\n[model]\npredictor = "{model}"\nloss = "{loss}"\n'
    ).setting


# ---- what is found -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_balancedness_of_deep_linear_nets(depth: int) -> None:
    expected = [
        f"[i,j] Sum(W{n}[i, k]*W{n}[j, k], (k, 0, d{n - 1} - 1)) - Sum(W{n + 1}[k, i]*W{n + 1}[k, j], (k, 0, d{n + 1} - 1))" for n in range(1, depth)
    ]
    assert found(linear(depth)) == expected


def test_symbolic_learning_rates_balance() -> None:
    rho = Variable("rho", (), "constant", "positive")
    assert found(linear(2, {"W1": rho[()]}, (rho,))) == ["[i,j] rho*Sum(W2[k, i]*W2[k, j], (k, 0, d2 - 1)) - Sum(W1[i, k]*W1[j, k], (k, 0, d0 - 1))"]


@pytest.mark.parametrize(("bias", "term"), [(False, ""), (True, "b1[i]**2 + ")])
def test_each_neuron_of_a_relu_net_has_its_law(bias: bool, term: str) -> None:
    assert found(relu_network(3, bias=bias))[0] == f"[i] {term}Sum(W1[i, j]**2, (j, 0, d0 - 1)) - Sum(W2[j, i]**2, (j, 0, d2 - 1))"
    assert len(found(relu_network(3, bias=bias))) == 2


POLAR = polar(Variable("w", (N,), "parameter", "positive"))
kappa, L = Variable("kappa", (), "constant", "positive"), Variable("L", (), "constant", "positive")


def on_sphere(depth: sp.Expr, ratio: sp.Expr = kappa[()]) -> Setting:
    w = Variable("w", (N,), "parameter", "positive")
    return rederive(power(w, depth), any_loss_of(A, (N,)), POLAR, {"r": sp.S.One, "u": ratio}, given=(L, kappa, A))


KNOWN: dict[str, tuple[Callable[[], Setting], list[str]]] = {
    "u v": (
        lambda: entrywise_vectors("u", "v", model="x[i] = u[i]*v[i]"),
        ["[i] u[i]**2 - v[i]**2", "[] Sum(log(u[i] + v[i])*z[i], (i, 0, N - 1))"],
    ),
    "u v, signs unknown": (
        lambda: entrywise_vectors("u", "v", model="x[i] = u[i]*v[i]", signs="N"),
        ["[i] u[i]**2 - v[i]**2", "[] Sum(log(Abs(u[i] + v[i]))*z[i], (i, 0, N - 1))"],
    ),
    "u^2 - v^2": (
        lambda: entrywise_vectors("u", "v", model="x[i] = u[i]**2 - v[i]**2"),
        ["[i] u[i]*v[i]", "[] Sum(log(u[i])*z[i], (i, 0, N - 1))"],
    ),
    "u^3 - v^3": (
        lambda: entrywise_vectors("u", "v", model="x[i] = u[i]**3 - v[i]**3"),
        ["[i] 1/v[i] + 1/u[i]", "[] Sum(z[i]/u[i], (i, 0, N - 1))"],
    ),
    "u v w, any loss": (
        lambda: gradient_flow(hadamard(*(Variable(n, (N,), "parameter") for n in "uvw")), any_loss((N,)), dict.fromkeys("uvw", sp.S.One)),
        ["[i] u[i]**2 - v[i]**2", "[i] u[i]**2 - w[i]**2"],
    ),
    "w^L": (
        lambda: gradient_flow(power(Variable("w", (N,), "parameter", "positive"), L[()]), any_loss_of(A, (N,)), {"w": sp.S.One}, given=(L, A)),
        ["[] Sum(w[i]**(2 - L)*z[i], (i, 0, N - 1))"],
    ),
    "linear regression": (lambda: entrywise_vectors("w", model="x[i] = w[i]"), ["[] Sum(w[i]*z[i], (i, 0, N - 1))"]),
    "square loss": (
        lambda: entrywise_vectors("w", model="x[i] = w[i]**2", loss="square(A, y)", more='y = "M"\n'),
        ["[] Sum(log(w[i])*z[i], (i, 0, N - 1))"],
    ),
    "polar, L = 2": (
        lambda: on_sphere(sp.Integer(2)),
        ["[] Sum(u[i]**2, (i, 0, N - 1))", "[] Sum((kappa*r**2 + 2*log(u[i]))*z[i], (i, 0, N - 1))"],
    ),
    "polar, L = 3": (
        lambda: on_sphere(sp.Integer(3)),
        ["[] Sum(u[i]**2, (i, 0, N - 1))", "[] Sum(exp(-kappa*r**2/2)*z[i]/u[i], (i, 0, N - 1))"],
    ),
    "polar, every L": (
        lambda: on_sphere(L[()]),
        ["[] Sum(u[i]**2, (i, 0, N - 1))", "[] Sum((exp(kappa*r**2/2)*u[i])**(2 - L)*z[i], (i, 0, N - 1))"],
    ),
}


@pytest.mark.parametrize("name", KNOWN)
def test_the_laws_of_the_literature(name: str) -> None:
    setting, expected = KNOWN[name]
    assert found(setting()) == expected


def from_text(text: str) -> list[str]:
    return found(read_text(text).setting)


def test_weight_normalisation() -> None:
    text = """
[sizes]
N = 3
M = 2
[data]
A = "M x N"
[parameters]
g = "positive"
v = "N, positive"
[model]
predictor = "x[i] = (g*v[i]/norm(v))**2"
loss = "any(A)"
"""
    assert from_text(text) == ["[] Sum(v[i]**2, (i, 0, N - 1))", "[] Sum((g**2/Sum(v[j]**2, (j, 0, N - 1)) + 2*log(v[i]))*z[i], (i, 0, N - 1))"]


def test_weight_decay_brings_time_in() -> None:
    text = """
[sizes]
N = 3
M = 2
[constants]
lambda = "positive"
[data]
A = "M x N"
[parameters]
u = "N, positive"
v = "N, positive"
[model]
predictor = "x[i] = u[i]*v[i]"
loss = "any(A)"
[flow]
drift = { u = "-lambda*u[i]", v = "-lambda*v[i]" }
"""
    laws = from_text(text)
    assert laws == ["[i] (u[i]**2 - v[i]**2)*exp(2*lambda*t)", "[] Sum((lambda*t + log(u[i] + v[i]))*z[i], (i, 0, N - 1))"]


def test_descent_and_ascent() -> None:
    text = """
[sizes]
N = 3
M = 2
[constants]
rho = "positive"
[data]
A = "M x N"
[parameters]
u = "N, positive"
v = "N, positive"
[model]
predictor = "x[i] = u[i]*v[i]"
loss = "any(A)"
[flow]
rates = { u = 1, v = "-rho" }
"""
    assert from_text(text) == ["[i] rho*u[i]**2 + v[i]**2", "[] Sum(atan(sqrt(rho)*u[i]/v[i])*z[i], (i, 0, N - 1))"]


METRICS = {
    "x[i]": "[] Sum(log(x[i])*z[i], (i, 0, N - 1))",
    "x[i]*(1 - x[i])": "[] Sum((log(Abs(x[i] - 1)) - log(x[i]))*z[i], (i, 0, N - 1))",
    "sqrt(x[i]**2 + 1)": "[] Sum(asinh(x[i])*z[i], (i, 0, N - 1))",
    "1 + x[i]**2": "[] Sum(atan(x[i])*z[i], (i, 0, N - 1))",
}


@pytest.mark.parametrize("metric", METRICS)
def test_mirror_flows(metric: str) -> None:
    text = f"""
[sizes]
N = 3
M = 2
[data]
A = "M x N"
[parameters]
x = "N, positive"
[model]
predictor = "x[i] = x[i]"
loss = "any(A)"
[flow]
rates = {{ x = "{metric}" }}
"""
    assert from_text(text) == [METRICS[metric]]


def test_what_the_inputs_do_not_see() -> None:
    text = """
[sizes]
P = 3
H = 2
K = 2
[data]
X = "K x P"
[parameters]
a = "H"
W = "H x P"
[model]
predictor = "f[k] = sum(i, a[i]*sum(j, W[i,j]*X[k,j]))"
loss = "any"
"""
    laws = from_text(text)
    assert "[j] Sum(W[j, i]*z[i], (i, 0, P - 1))" in laws
    assert len(laws) == 2


def test_replicator_with_a_skew_matrix() -> None:
    text = """
[sizes]
N = 3
[data]
B = "N x N, skew"
[parameters]
p = "N, positive"
[flow.field]
"p[i]" = "p[i]*(sum(j, B[i,j]*p[j]))"
"""
    assert from_text(text) == ["[] Sum(p[i], (i, 0, N - 1))", "[] Sum(log(p[i])*z[i], (i, 0, N - 1))"]


def test_heavy_ball_conserves_an_angular_momentum() -> None:
    H, P, Q = size("H"), size("P"), size("Q")
    W, V, pW, pV = (Variable(name, shape, "parameter") for name, shape in (("W", (H, P)), ("V", (Q, H)), ("pW", (H, P)), ("pV", (Q, H))))
    G, gamma = Variable("G", (Q, P), "cotangent"), Variable("gamma", (), "constant", "positive")
    field = {
        "W": Family(((i, H), (j, P)), pW[i, j]),
        "V": Family(((i, Q), (j, H)), pV[i, j]),
        "pW": Family(((i, H), (j, P)), -gamma[()] * pW[i, j] - total(V[k, i] * G[k, j], (k, Q))),
        "pV": Family(((i, Q), (j, H)), -gamma[()] * pV[i, j] - total(G[i, k] * W[j, k], (k, P))),
    }
    (law,) = general_laws(vector_field(Setting((W, V, pW, pV, gamma, G)), Space((W, V, pW, pV)), field))
    assert law.quantity.value.has(sp.exp)
    swapped = law.quantity.at((j, i))
    assert sp.expand(swapped + law.quantity.value) == 0


# ---- what is not a law -------------------------------------------------------------------------------------------------------------------------


def symmetric() -> Setting:
    U, d = Variable("U", (N, size("d")), "parameter"), size("d")
    return gradient_flow(Model(Space((U,)), Family(((i, N), (j, N)), total(U[i, k] * U[j, k], (k, d)))), any_loss((N, N)), {"U": sp.S.One})


def quadratic_field(seed: int) -> Setting:
    random = Random(seed)
    x = Variable("x", (N,), "parameter")
    y, b = Variable("y", (N,), "parameter"), Variable("B", (N, N))
    values = [
        total(random.choice((1, 2, -3)) * b[i, j] * x[j] * y[j], (j, N)) + random.choice((1, -2)) * x[i] ** 2 + y[i],
        random.choice((2, 5)) * x[i] * y[i] + total(b[j, i] * x[j] ** 2, (j, N)) + 1,
    ]
    field = {"x": Family(((i, N),), values[0]), "y": Family(((i, N),), values[1])}
    return vector_field(Setting((x, y, b)), Space((x, y)), field)


@pytest.mark.parametrize("setting", [symmetric, *(lambda n=n: quadratic_field(n) for n in range(4))])
def test_nothing_is_found_where_there_is_nothing(setting: Callable[[], Setting]) -> None:
    told: list[str] = []
    assert list(general_laws(setting(), report=told.append)) == []
    assert told
    assert not any("not proved" in text for text in told)


def test_a_search_that_lies_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def lie(_algebra: Any, polys: Sequence[Any], _forget: Any) -> list[list[int]]:
        return [[n + 2 for n in range(len(polys))]] if polys else []

    for module in (quadratic, entrywise, templates, characteristics):
        monkeypatch.setattr(module, "relations", lie)
    told: list[str] = []
    assert list(general_laws(symmetric(), report=told.append)) == []
    assert any("not proved" in text for text in told)


def test_laws_are_given_as_they_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    laws = general_laws(entrywise_vectors("u", "v", model="x[i] = u[i]*v[i]"))
    assert written(next(laws)) == "[i] u[i]**2 - v[i]**2"

    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(templates, "relations", interrupted)
    with pytest.raises(KeyboardInterrupt):
        next(laws)


def test_a_setting_without_a_flow_is_refused() -> None:
    with pytest.raises(ValueError, match="flow"):
        list(general_laws(Setting((A,))))


def test_a_flow_outside_index_notation_says_so() -> None:
    u = Variable("u", (N,), "parameter")
    corner = gradient_flow(Model(Space((u,)), Family((), u[0] * u[1])), any_loss(()), {"u": sp.S.One})
    told: list[str] = []
    assert list(general_laws(corner, report=told.append)) == []
    assert "index notation does not apply" in told[0]


MUTANTS = [
    ("u v", lambda value: value.replace(lambda node: node == 2, lambda _: sp.Integer(3))),
    ("u^2 - v^2", lambda value: value * Variable("u", (N,), "parameter", "positive")[i]),
]


@pytest.mark.parametrize(("name", "mutate"), MUTANTS, ids=[name for name, _ in MUTANTS])
def test_near_misses_are_not_proved(name: str, mutate: Callable[[sp.Expr], sp.Expr]) -> None:
    law = next(iter(general_laws(KNOWN[name][0]())))
    part = Part(law.setting, Evolves(mutate(law.quantity.value), indices=law.quantity.indices))
    assert all_sizes(part).outcome != "proved"


def test_without_its_hypothesis_a_template_is_not_proved() -> None:
    law = list(general_laws(KNOWN["w^L"][0]()))[-1]
    assert law.setting.hypotheses
    part = Part(replace(law.setting, hypotheses=()), Evolves(law.quantity.value, indices=law.quantity.indices))
    assert all_sizes(part).outcome != "proved"


# ---- the oracle --------------------------------------------------------------------------------------------------------------------------------

Point = dict[str, Any]


def value_at(value: sp.Expr, point: Point, sizes: Mapping[str, int]) -> Any:
    """An expression at a point, by its structure."""
    match value:
        case sp.Integer():
            return mpmath.mpf(int(value))
        case sp.Rational():
            return mpmath.mpf(int(value.p)) / int(value.q)
        case sp.Indexed():
            entry = point[value.base.name]
            for place in value.indices:
                entry = entry[int(place) if place.is_Integer else point[place.name]]
            return entry
        case sp.Symbol():
            return point[value.name]
        case sp.Add():
            return mpmath.fsum(value_at(arg, point, sizes) for arg in value.args)
        case sp.Mul():
            return mpmath.fprod(value_at(arg, point, sizes) for arg in value.args)
        case sp.exp():
            return mpmath.exp(value_at(value.exp, point, sizes))
        case sp.Pow():
            return mpmath.power(value_at(value.base, point, sizes), value_at(value.exp, point, sizes))
        case sp.Sum():
            names = [name for name, _, _ in value.limits]
            ranges = [range(sizes[str(upper + 1)]) for _, _, upper in value.limits]
            return mpmath.fsum(value_at(value.function, point | dict(zip(map(str, names), at, strict=True)), sizes) for at in cartesian(*ranges))
    functions = {sp.log: mpmath.log, sp.atan: mpmath.atan, sp.asinh: mpmath.asinh, sp.Abs: abs}
    return functions[type(value)](value_at(value.args[0], point, sizes))


def moved(point: Point, velocity: Point, step: Any) -> Point:
    def shift(value: Any, by: Any) -> Any:
        return [shift(a, b) for a, b in zip(value, by, strict=True)] if isinstance(value, list) else value + step * by

    return {name: shift(value, velocity[name]) if name in velocity else value for name, value in point.items()}


def rate_of(law: GeneralLaw, point: Point, velocity: Point, sizes: Mapping[str, int]) -> list[Any]:
    step = mpmath.mpf(10) ** -20
    found = []
    for at in cartesian(*(range(sizes[str(length)]) for _, length in law.quantity.indices)):
        here = dict(zip((str(name) for name, _ in law.quantity.indices), at, strict=True))
        ahead, behind = (value_at(law.quantity.value, moved(point, velocity, s) | here, sizes) for s in (step, -step))
        found.append((ahead - behind) / (2 * step))
    return found


def numbers(random: Random, *shape: int) -> Any:
    if not shape:
        return mpmath.mpf(random.randrange(10, 99)) / 37
    return [numbers(random, *shape[1:]) for _ in range(shape[0])]


def entrywise_field(random: Random, slopes: Callable[[list[Any], list[Any]], tuple[list[Any], list[Any]]]) -> tuple[Point, Point, dict[str, int]]:
    """u and v in dimension 3 with one row of data, and z in its kernel."""
    u, v, a, nu = numbers(random, 3), numbers(random, 3), numbers(random, 3), numbers(random)
    du, dv = slopes(u, v)
    z = [a[1], -a[0], mpmath.mpf(0)]
    velocity = {"u": [-s * x * nu for s, x in zip(du, a, strict=True)], "v": [-s * x * nu for s, x in zip(dv, a, strict=True)]}
    return {"u": u, "v": v, "A": [a], "z": z}, velocity, {"N": 3, "M": 1}


FIELDS: dict[str, Callable[[list[Any], list[Any]], tuple[list[Any], list[Any]]]] = {
    "u v": lambda u, v: (v, u),
    "u^2 - v^2": lambda u, v: ([2 * x for x in u], [-2 * x for x in v]),
    "u^3 - v^3": lambda u, v: ([3 * x**2 for x in u], [-3 * x**2 for x in v]),
}


@pytest.mark.parametrize("name", FIELDS)
def test_the_oracle_agrees_on_vectors(name: str) -> None:
    with mpmath.workdps(60):
        point, velocity, sizes = entrywise_field(Random(name), FIELDS[name])
        for law in general_laws(KNOWN[name][0]()):
            assert all(abs(rate) < mpmath.mpf(10) ** -30 for rate in rate_of(law, point, velocity, sizes))
        other = next(field for key, field in FIELDS.items() if key != name)
        _, wrong, _ = entrywise_field(Random(name), other)
        assert any(abs(rate) > 1e-3 for law in general_laws(KNOWN[name][0]()) for rate in rate_of(law, point, wrong, sizes))


def times(*matrices: list[list[Any]]) -> list[list[Any]]:
    result, *others = matrices
    for other in others:
        result = [[mpmath.fsum(a * b for a, b in zip(row, column, strict=True)) for column in zip(*other, strict=True)] for row in result]
    return result


def transposed(matrix: list[list[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*matrix, strict=True)]


def test_the_oracle_agrees_on_matrices() -> None:
    """W1' = -(W3 W2)^T G, W2' = -W3^T G W1^T, W3' = -G (W2 W1)^T."""
    random, widths = Random(3), [2, 3, 4, 2]
    with mpmath.workdps(60):
        W1, W2, W3 = (numbers(random, widths[n + 1], widths[n]) for n in range(3))
        G = numbers(random, widths[3], widths[0])
        point = {"W1": W1, "W2": W2, "W3": W3}
        velocity = {
            "W1": times(transposed(times(W3, W2)), G),
            "W2": times(transposed(W3), G, transposed(W1)),
            "W3": times(G, transposed(times(W2, W1))),
        }
        laws = list(general_laws(linear(3)))
        sizes = {f"d{n}": width for n, width in enumerate(widths)}
        assert all(abs(rate) < mpmath.mpf(10) ** -30 for law in laws for rate in rate_of(law, point, velocity, sizes))
        velocity["W2"] = times(transposed(W3), G, transposed(W1), W1, transposed(W1))
        assert all(any(abs(rate) > 1 for rate in rate_of(law, point, velocity, sizes)) for law in laws)


@pytest.mark.parametrize("depth", [sp.Integer(2), sp.Integer(5), L[()]], ids=str)
def test_the_method_of_characteristics_agrees(depth: sp.Expr) -> None:
    """The dual coordinate found by integrating characteristics is the function under the sum, up to a factor."""
    setting = on_sphere(depth)
    law = list(general_laws(setting))[-1]
    z = Variable("z", (N,))
    assert isinstance(law.quantity.value, sp.Sum)
    inside = sp.cancel(law.quantity.value.function / z[i]) if depth == 2 else law.quantity.value.function / z[i]
    (dual,) = [d for d in dual_coordinates(setting) if not isinstance(d.condition, sp.Eq)]
    ratio = inside / dual.at(i)
    point = {kappa[()]: sp.Rational(3, 2), L[()]: sp.Rational(7, 2), Variable("r", (), "parameter", "positive")[()]: sp.Rational(5, 3)}
    u = Variable("u", (N,), "parameter", "positive")[i]
    values = [ratio.xreplace({u: at}).subs(point).evalf(30) for at in (sp.Rational(1, 3), sp.Rational(4, 5))]
    assert abs(values[0] - values[1]) < 1e-25


# ---- the parts ---------------------------------------------------------------------------------------------------------------------------------


def test_the_kernel_of_a_matrix() -> None:
    lines = [[fmpq(1), fmpq(2), fmpq(3)], [fmpq(2), fmpq(4), fmpq(6)]]
    vectors = kernel(lines, 3)
    assert len(vectors) == 2
    assert all(sum(a * b for a, b in zip(line, vector, strict=True)) == 0 for line in lines for vector in vectors)
    assert kernel([[fmpq(1), fmpq(0)], [fmpq(1, 2), fmpq(1, 3)]], 2) == []
    assert kernel([[fmpq(2, 3), fmpq(-1, 2)]], 2) == [[3, 4]]


def test_division_goes_through_or_not() -> None:
    here = motion(KNOWN["u v"][0]())
    u, v, w = entry("u", ("@0",)), entry("v", ("@0",)), entry("A", ("@1", "@0"))
    times = here.algebra.multiply
    p = add(u, scale(v, fmpq(2)))
    assert quotient(here.algebra, times(p, p, w), p) == times(p, w)
    assert quotient(here.algebra, add(times(p, p, w), constant(1)), p) is None
    norm = here.algebra.total("s", "N", times(entry("u", ("s",)), entry("u", ("s",))))
    assert quotient(here.algebra, times(subtract(constant(1), norm), w), subtract(constant(1), norm)) == w
    assert quotient(here.algebra, add(times(subtract(constant(1), norm), w), norm), subtract(constant(1), norm)) is None


def test_relations_see_through_denominators() -> None:
    """1/(u (u+v)) + 1/(v (u+v)) = 1/(u v): only together can the three be cleared."""
    algebra = motion(KNOWN["u v"][0]()).algebra
    u, v = entry("u", ("@0",)), entry("v", ("@0",))
    inverse = {name: algebra.power(poly, fmpq(-1)) for name, poly in (("u", u), ("v", v), ("+", add(u, v)))}
    polys = [algebra.multiply(inverse["u"], inverse["+"]), algebra.multiply(inverse["v"], inverse["+"]), algebra.multiply(inverse["u"], inverse["v"])]
    assert relations(algebra, polys, lambda poly: poly) == [[1, 1, -1]]
    assert relations(algebra, polys[:2], lambda poly: poly) == []


def test_dependence_over_the_constants_is_seen() -> None:
    algebra = motion(on_sphere(sp.Integer(2))).algebra
    span = Span(algebra)
    u, r, c = entry("u", ("@0",)), entry("r"), entry("kappa")
    assert span.adds(add(u, algebra.multiply(c, r)))
    assert not span.adds(add(algebra.multiply(c, u), algebra.multiply(c, c, r)))
    assert span.adds(add(u, r))
    assert not span.adds(scale(r, fmpq(5, 7)))


def test_expressions_read_back_have_the_same_normal_form() -> None:
    """Through the setting's own symbols and the language of statements."""
    for name in ("polar, every L", "u v, signs unknown", "polar, L = 2"):
        law = list(general_laws(KNOWN[name][0]()))[-1]
        statement = read_statement(statement_tree(Part(law.setting, Equal(law.quantity.value, sp.S.Zero))))
        poly = residual(statement, gradient_tree(law.setting)).poly
        again = expression(law.setting, poly, {})
        back = read_statement(statement_tree(Part(law.setting, Equal(law.quantity.value, again))))
        assert not residual(back, gradient_tree(law.setting)).poly


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_the_laws_claimed_in_the_examples_are_found(file: Path) -> None:
    """As many families as the file claims to be conserved and to follow from no other claim."""
    independent = {"kernel_law": 1, "plain_diagonal": 1, "polar_diagonal": 2, "two_layer_linear": 1}
    assert len(found(read(file).setting)) >= independent[file.stem]


def test_square_loss_is_opened() -> None:
    """The laws use of the square loss only that its gradient is in the range of A^T."""
    y, w = Variable("y", (M,)), Variable("w", (N,), "parameter", "positive")
    stated = gradient_flow(power(w, sp.Integer(2)), square(A, y, (N,)), {"w": sp.S.One}, given=(A, y))
    (law,) = general_laws(stated)
    assert {variable.name for variable in law.setting.variables} == {"w", "A", "y", "z"}
