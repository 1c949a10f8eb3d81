"""One step of gradient descent on a law: proved where it is one, refuted where it is not, and compared with steps that are carried out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from itertools import product as pairs
from pathlib import Path
from typing import TypeAlias

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from proofs_check.exact import all_sizes, at_instance, verdict
from theory.charts import polar, rederive
from theory.descent import NoExactStep, changes_by, descent, descent_derivation, one_step, one_step_mutants, over_examples
from theory.dynamics import gradient_flow, vector_field
from theory.losses import Loss, any_loss, any_loss_of, square, square_to
from theory.models import Model, hadamard, power, product
from theory.models.network import relu_network
from theory.settings import Flow, Instance, Setting, Space, family
from theory.statements import Equal, Evolves, Part
from theory.symbols import Family, Variable, index, size, total

ONE = sp.S.One
N, M = size("N"), size("M")
i, j, k, e = index("i"), index("j"), index("k"), index("e")
u, v, w = (Variable(name, (N,), "parameter") for name in "uvw")
A, z = Variable("A", (M, N)), Variable("z", (N,))
a, b = Variable("a", (), "constant", "positive"), Variable("b", (), "constant", "positive")
KERNEL = Family(((k, M),), total(A[k, i] * z[i], (i, N)))

Case: TypeAlias = tuple[Setting, Family]


# ---- settings and their laws -------------------------------------------------------------------------------------------------------------------


def layers(depth: int) -> list[Variable]:
    widths = [size(f"n{level}") for level in range(depth + 1)]
    return [Variable(f"W{level + 1}", (widths[level + 1], widths[level]), "parameter") for level in range(depth)]


def linear(depth: int, loss: Callable[[tuple[sp.Expr, ...]], Loss] = any_loss, rates: Sequence[sp.Expr] = ()) -> Setting:
    weights = layers(depth)
    rates = rates or [ONE] * depth
    wanted = loss((weights[-1].shape[0], weights[0].shape[1]))
    given = tuple(v for rate in rates for v in (a, b) if v.symbol in rate.free_symbols)
    given += (Variable("Y", (weights[-1].shape[0], weights[0].shape[1])),) if wanted.value is not None else ()
    instance = Instance({f"n{level}": 2 + level % 2 for level in range(depth + 1)})
    return gradient_flow(product(*weights), wanted, dict(zip([v.name for v in weights], rates, strict=True)), given=given, instances=(instance,))


def gram(weight: Variable, *, out: bool) -> Family:
    """W W^T, over the outputs of W, or W^T W, over its inputs."""
    own, other = weight.shape if out else weight.shape[::-1]
    entry = (lambda n: weight[n, k]) if out else (lambda n: weight[k, n])
    return family(total(entry(i) * entry(j), (k, other)), (i, own), (j, own))


def balance(earlier: Variable, later: Variable, ratio: sp.Expr = ONE) -> Family:
    """W_{l+1}^T W_{l+1} - ratio W_l W_l^T."""
    return Family(gram(later, out=False).indices, gram(later, out=False).value - ratio * gram(earlier, out=True).value)


def untied(rates: Mapping[str, sp.Expr], loss: Loss | None = None, given: tuple[Variable, ...] = ()) -> Setting:
    return gradient_flow(hadamard(u, v), loss or any_loss((N,)), dict(rates), given=given, instances=(Instance({"N": 3, "M": 2}),))


def gated() -> Case:
    """Two layers with an activation pattern and inputs of each example, of which nothing is known: a law for all losses and all data."""
    outer, inner = Variable("c", (M,), "parameter"), Variable("W", (M, N), "parameter")
    examples = size("E")
    pattern, inputs = Variable("D", (examples, M), "cotangent"), Variable("X", (examples, N), "cotangent")
    predicted = total(outer[k] * pattern[e, k] * total(inner[k, j] * inputs[e, j], (j, N)), (k, M))
    setting = gradient_flow(Model(Space((outer, inner)), family(predicted, (e, examples))), any_loss((examples,)), {"c": ONE, "W": ONE})
    setting = setting.having(pattern, inputs)
    return setting, family(outer[k] ** 2 - total(inner[k, j] ** 2, (j, N)), (k, M))


def batch(depth: int = 3) -> Case:
    """ReLU layers on a batch: the second hidden layer of three, with its bias."""
    setting = over_examples(relu_network(depth, bias=True), size("E"))
    before, after, bias = setting["W2"], setting["W3"], setting["b2"]
    assert isinstance(before, Variable)
    assert isinstance(after, Variable)
    law = total(after[k, i] ** 2, (k, after.shape[0])) - total(before[i, k] ** 2, (k, before.shape[1])) - bias[i] ** 2
    return setting, family(law, (i, before.shape[0]))


def oscillator() -> Case:
    q, p = Variable("q", (), "parameter"), Variable("p", (), "parameter")
    field = {"q": Family((), p[()]), "p": Family((), -q[()])}
    return vector_field(Setting((q, p)), Space((q, p)), field), family(q[()] ** 2 + p[()] ** 2)


def drifting() -> Case:
    """A drift along which the law holds as well: u' = -v G + a v, v' = -u G + a u."""
    setting = untied({"u": ONE, "v": ONE}, given=(a,))
    assert setting.flow is not None
    drift = {"u": Family(((i, N),), a[()] * v[i]), "v": Family(((i, N),), a[()] * u[i])}
    return setting.along(replace(setting.flow, drift=drift)), family(u[i] ** 2 - v[i] ** 2, (i, N))


def regression(quantity: sp.Expr, *, kernel: bool = True) -> Case:
    setting = gradient_flow(power(w, ONE), any_loss_of(A, (N,)), {"w": ONE}, given=(A,), instances=(Instance({"N": 3, "M": 2}),))
    return setting.having(z, hypotheses=(KERNEL,) if kernel else ()), family(quantity)


def summed() -> Case:
    """x = u + v: every u_i - v_i is a law, and so is every product of two of them."""
    model = Model(Space((u, v)), family(u[i] + v[i], (i, N)))
    setting = gradient_flow(model, any_loss((N,)), {"u": ONE, "v": ONE})
    return setting, family((u[i] - v[i]) * (u[j] - v[j]), (i, N), (j, N))


def timed() -> Case:
    """Rates that depend on time: the step is taken with those of its start."""
    t = Variable("t", (), "time")
    setting = untied({"u": 1 + t[()] ** 2, "v": 1 + t[()] ** 2}).having(t)
    return setting, family(u[i] ** 2 - v[i] ** 2, (i, N))


BALANCE = family(u[i] ** 2 - v[i] ** 2, (i, N))
QUADRATIC: dict[str, Case] = {
    **{f"linear net of depth {n}, layers {m + 1} and {m + 2}": (linear(n), balance(*layers(n)[m : m + 2])) for n in (2, 3, 4) for m in range(n - 1)},
    "linear net with rates": (linear(2, rates=(a[()], b[()])), balance(*layers(2), ratio=b[()] / a[()])),
    "linear net, square loss": (linear(2, lambda shape: square_to(Variable("Y", shape))), balance(*layers(2))),
    "diagonal": (untied({"u": ONE, "v": ONE}), BALANCE),
    "diagonal, square loss": (untied({"u": ONE, "v": ONE}, square(A, Variable("y", (M,)), (N,)), (A, Variable("y", (M,)))), BALANCE),
    "diagonal, rates that depend on parameters": (untied({"u": u[i] ** 2 * a[()], "v": u[i] ** 2 * a[()]}, given=(a,)), BALANCE),
    "diagonal, rates with sums": (untied(dict.fromkeys("uv", 1 + total(u[j] ** 2, (j, N)))), BALANCE),
    "diagonal, rates in time": timed(),
    "diagonal, summed with weights": (untied({"u": ONE, "v": ONE}, given=(z,)), family(total(z[i] * (u[i] ** 2 - v[i] ** 2), (i, N)))),
    "activation patterns": gated(),
    "ReLU layers on a batch": batch(),
    "oscillator": oscillator(),
    "drift": drifting(),
}
STANDING: dict[str, Case] = {
    "linear law": regression(total(z[i] * w[i], (i, N))),
    "product of linear laws": summed(),
}


@pytest.mark.parametrize("name", QUADRATIC)
def test_the_change_is_of_second_order(name: str) -> None:
    part = one_step(*QUADRATIC[name])
    assert all_sizes(part).outcome == "proved"
    for instance in part.setting.instances:
        assert at_instance(part, instance).outcome == "proved"


@pytest.mark.parametrize("name", QUADRATIC)
def test_every_mutant_is_refuted(name: str) -> None:
    mutants = one_step_mutants(*QUADRATIC[name])
    assert [mutant.label for mutant in mutants[:3]] == ["eta for eta^2", "1/2 forgotten", "sign flipped"]
    assert len(mutants) == 4
    assert [verdict(mutant).outcome for mutant in mutants] == ["refuted"] * 4


@pytest.mark.parametrize("name", STANDING)
def test_linear_laws_and_their_products_do_not_change(name: str) -> None:
    setting, quantity = STANDING[name]
    assert verdict(one_step(setting, quantity)).outcome == "proved"
    assert verdict(changes_by(descent(setting), quantity, sp.S.Zero)).outcome == "proved"
    (mutant,) = one_step_mutants(setting, quantity)
    assert verdict(mutant).outcome == "refuted"


def test_a_change_that_vanishes_by_the_hypotheses_makes_its_multiples_true() -> None:
    setting, quantity = regression(total(z[i] * w[i], (i, N)) ** 2)
    assert verdict(changes_by(descent(setting), quantity, sp.S.Zero)).outcome == "proved"
    *multiples, another = one_step_mutants(setting, quantity)
    assert [verdict(part).outcome for part in multiples] == ["proved"] * 3
    assert verdict(another).outcome == "refuted"


@pytest.mark.parametrize("name", ["linear net of depth 3, layers 2 and 3", "linear net, square loss", "drift", "oscillator", "activation patterns"])
def test_the_velocities_of_the_step_are_those_of_the_flow(name: str) -> None:
    setting, quantity = QUADRATIC[name]
    parts = descent_derivation(setting, quantity).parts
    assert [verdict(part).outcome for part in parts] == ["proved"] * (len(setting.flow.space.parameters) + 1 if setting.flow else 0)
    moved = parts[0]
    assert isinstance(moved.assertion, Evolves)
    assert verdict(replace(moved, assertion=replace(moved.assertion, rate=2 * moved.assertion.rate))).outcome == "refuted"


# ---- what is known by hand ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("depth", "level"), [(2, 0), (3, 0), (3, 1), (4, 1)])
def test_balancedness_moves_by_the_gram_matrices_of_the_gradients(depth: int, level: int) -> None:
    earlier, later = layers(depth)[level : level + 2]
    found = descent(linear(depth))
    eta, g1, g2 = found.step[()], found.gradient[earlier.name], found.gradient[later.name]
    inner = total(g2[k, i] * g2[k, j], (k, later.shape[0]))
    outer = total(g1[i, k] * g1[j, k], (k, earlier.shape[1]))
    quantity = balance(earlier, later)
    assert verdict(changes_by(found, quantity, eta**2 * (inner - outer))).outcome == "proved"
    assert verdict(changes_by(found, quantity, eta**2 * (inner + outer))).outcome == "refuted"
    assert verdict(changes_by(found, quantity, eta**2 * (outer - inner))).outcome == "refuted"


def test_the_diagonal_model_forgets_its_imbalance() -> None:
    found = descent(QUADRATIC["diagonal"][0])
    factor = found.step[()] ** 2 * found.setting["G"][i] ** 2
    assert verdict(changes_by(found, BALANCE, -factor * BALANCE.value)).outcome == "proved"
    assert verdict(changes_by(found, BALANCE, factor * BALANCE.value)).outcome == "refuted"
    assert verdict(changes_by(found, BALANCE, -factor * (u[i] ** 2 + v[i] ** 2))).outcome == "refuted"


def test_an_euler_step_of_the_oscillator_gains_energy() -> None:
    setting, energy = oscillator()
    found = descent(setting)
    assert verdict(changes_by(found, energy, found.step[()] ** 2 * energy.value)).outcome == "proved"


def test_rates_stand_squared_before_the_squared_gradients() -> None:
    found = descent(linear(2, rates=(a[()], b[()])))
    earlier, later = layers(2)
    eta, g1, g2 = found.step[()], found.gradient["W1"], found.gradient["W2"]
    inner = b[()] ** 2 * total(g2[k, i] * g2[k, j], (k, later.shape[0]))
    outer = a[()] * b[()] * total(g1[i, k] * g1[j, k], (k, earlier.shape[1]))  # (b/a) a^2
    assert verdict(changes_by(found, balance(earlier, later, b[()] / a[()]), eta**2 * (inner - outer))).outcome == "proved"


def test_on_a_batch_the_gradients_are_added_before_they_are_squared() -> None:
    setting, _ = batch()
    assert setting["G"].shape == (size("E"), size("d3"))  # type: ignore[union-attr]
    scalar = Variable("c", (), "parameter")
    flow = Flow(Space((scalar,)), Variable("G", (), "cotangent")[()] * scalar[()], ("G",), {"c": Family((), ONE)})
    found = descent(over_examples(Setting((scalar, Variable("G", (), "cotangent")), flow=flow), M))
    slope, eta = found.setting["G"], found.step[()]
    square = family(scalar[()] ** 2)
    first = -2 * eta * scalar[()] * total(slope[k], (k, M))
    assert verdict(changes_by(found, square, first + eta**2 * total(slope[k], (k, M)) ** 2)).outcome == "proved"
    assert verdict(changes_by(found, square, first + eta**2 * total(slope[k] ** 2, (k, M)))).outcome == "refuted"


def test_a_cotangent_outside_the_pairing_has_no_batch() -> None:
    with pytest.raises(NoExactStep, match="nu stands in a definition"):
        over_examples(regression(sp.S.Zero)[0], size("E"))
    with pytest.raises(NoExactStep, match="no flow"):
        over_examples(Setting((u,)), size("E"))


# ---- what is false, and what is refused --------------------------------------------------------------------------------------------------------

FALSE: dict[str, Case] = {
    "one Gram matrix": (linear(2), gram(layers(2)[0], out=True)),
    "their sum": (linear(2), balance(*layers(2), ratio=-ONE)),
    "rates forgotten": (linear(2, rates=(a[()], b[()])), balance(*layers(2))),
    "z outside the kernel": regression(total(z[i] * w[i], (i, N)), kernel=False),
    "the loss itself": (linear(1, lambda shape: square_to(Variable("Y", shape))), family(Variable("F", (), "parameter")[()])),
}


@pytest.mark.parametrize("name", FALSE)
def test_a_quantity_that_is_no_law_is_refuted(name: str) -> None:
    assert verdict(one_step(*FALSE[name])).outcome == "refuted"


def cubic() -> Case:
    """H = p^2/2 + q^3 along q' = p, p' = -3 q^2."""
    q, p = Variable("q", (), "parameter"), Variable("p", (), "parameter")
    field = {"q": Family((), p[()]), "p": Family((), -3 * q[()] ** 2)}
    return vector_field(Setting((q, p)), Space((q, p)), field), family(p[()] ** 2 / 2 + q[()] ** 3)


def test_a_cubic_law_is_refused_and_would_be_false() -> None:
    setting, energy = cubic()
    q, p = setting["q"][()], setting["p"][()]
    assert verdict(Part(setting, Evolves(energy.value))).outcome == "proved"
    with pytest.raises(NoExactStep, match="of degree 3"):
        one_step(setting, energy)
    found = descent(setting)
    h = found.step[()]
    second = h**2 / 2 * (9 * q**4 + 6 * q * p**2)
    assert verdict(changes_by(found, energy, second)).outcome == "refuted"
    assert verdict(changes_by(found, energy, second + h**3 * p**3)).outcome == "proved"  # Taylor's third term


def test_laws_that_are_not_polynomials_are_refused() -> None:
    positive = Variable("w", (N,), "parameter", "positive")
    setting = gradient_flow(power(positive, sp.Integer(2)), any_loss_of(A, (N,)), {"w": ONE}, given=(A,)).having(z, hypotheses=(KERNEL,))
    for value in (sp.log(positive[i]), 1 / positive[i], sp.sqrt(positive[i]), 2 ** positive[i], abs(positive[i] - z[i])):
        with pytest.raises(NoExactStep, match="not a polynomial"):
            one_step(setting, family(total(z[i] * value, (i, N))))


def test_the_degree_of_a_product_is_the_sum_of_the_degrees() -> None:
    with pytest.raises(NoExactStep, match="of degree 3"):
        one_step(QUADRATIC["diagonal"][0], family(total(u[i] * v[i] ** 2, (i, N))))


def test_powers_that_cancel_do_not_count() -> None:
    setting, _ = QUADRATIC["diagonal"]
    quantity = family((u[i] - v[i]) * (u[i] + v[i]) + (u[i] ** 2 + 1) ** 2 - u[i] ** 4 - 2 * u[i] ** 2, (i, N))
    assert verdict(one_step(setting, quantity)).outcome == "proved"


@pytest.mark.parametrize("role", ["time", "cotangent"])
def test_quantities_that_move_by_themselves_are_refused(role: str) -> None:
    setting, _ = QUADRATIC["diagonal"]
    moving = Variable("t", (), role)  # type: ignore[arg-type]
    with pytest.raises(NoExactStep, match="depends on t,"):
        one_step(setting.having(moving), family(moving[()] * (u[i] ** 2 - v[i] ** 2), (i, N)))


def test_spheres_are_refused() -> None:
    setting = rederive(power(w, sp.Integer(2)), any_loss((N,)), polar(w), {"r": ONE, "u": ONE})
    with pytest.raises(NoExactStep, match="u on a sphere"):
        one_step(setting, family(total(setting["u"][i] ** 2, (i, N))))


def test_what_does_not_move_in_a_known_way_is_refused() -> None:
    with pytest.raises(NoExactStep, match="no flow"):
        descent(Setting((u,)))
    with pytest.raises(NoExactStep, match="how v moves"):
        descent(Setting((u, v), flow=Flow(Space((u, v)), total(u[i], (i, N)), (), {"u": Family(((i, N),), ONE)})))


def test_the_step_is_a_constant_of_the_setting_or_a_new_one() -> None:
    eta, h = Variable("eta", (), "constant", "positive"), Variable("h", (), "constant", "real")
    setting = untied({"u": eta[()], "v": eta[()]}, given=(eta,))
    assert descent(setting).step.name == "eta_"
    found = descent(setting, step=eta)
    assert [variable.name for variable in found.setting.variables].count("eta") == 1
    assert verdict(one_step(setting, BALANCE, step=eta)).outcome == "proved"
    assert verdict(one_step(setting, BALANCE, step=h)).outcome == "proved"  # of either sign
    for step in (u, Variable("h", (N,)), Variable("h", (), "parameter"), Variable("G"), Variable("eta", (), "constant", "real"), Variable("N")):
        with pytest.raises(ValueError, match="should be a scalar constant"):
            descent(setting, step=step)


def test_names_that_are_taken_are_avoided() -> None:
    setting = untied({"u": ONE, "v": ONE}).having(Variable("g_u"), Variable("d_v"), Variable("eta"))
    part = one_step(setting, BALANCE)
    assert str(part.assertion.right) == "eta_**2*(g_u_[i]**2 - g_v[i]**2)"  # type: ignore[union-attr]
    assert verdict(part).outcome == "proved"
    assert list(descent(untied({"u": ONE, "v": ONE}), step=Variable("g_v")).gradient.values())[1].name == "g_v_"


# ---- against steps that are carried out --------------------------------------------------------------------------------------------------------

Matrix: TypeAlias = list[list[Fraction]]
Env: TypeAlias = dict[str, Callable[..., Fraction]]
rationals = st.builds(Fraction, st.integers(-6, 6), st.integers(1, 4))
steps = st.builds(Fraction, st.integers(1, 9), st.integers(1, 20))


def times(left: Matrix, right: Matrix) -> Matrix:
    return [[sum((p * q for p, q in zip(row, column, strict=True)), Fraction(0)) for column in zip(*right, strict=True)] for row in left]


def loss_of(weights: list[Matrix], target: Matrix) -> Fraction:
    predicted = weights[0]
    for weight in weights[1:]:
        predicted = times(weight, predicted)
    return sum(((p - q) ** 2 for row, wanted in zip(predicted, target, strict=True) for p, q in zip(row, wanted, strict=True)), Fraction(0)) / 2


def slope(weights: list[Matrix], target: Matrix, level: int, row: int, column: int) -> Fraction:
    """The loss is a polynomial of degree two in each single entry: its central difference is its derivative, exactly."""

    def moved(by: int) -> Fraction:
        changed = [[list(line) for line in weight] for weight in weights]
        changed[level][row][column] += by
        return loss_of(changed, target)

    return (moved(1) - moved(-1)) / 2


def balances(earlier: Matrix, later: Matrix) -> Matrix:
    over = times([list(column) for column in zip(*later, strict=True)], later)
    under = times(earlier, [list(column) for column in zip(*earlier, strict=True)])
    return [[p - q for p, q in zip(one, other, strict=True)] for one, other in zip(over, under, strict=True)]


def value_of(expression: sp.Expr, env: Env, at: dict[str, int]) -> Fraction:
    """The value of an expression; env gives entries and sizes, at the indices that are bound."""
    if isinstance(expression, sp.Rational):
        return Fraction(int(expression.p), int(expression.q))
    if isinstance(expression, sp.Indexed):
        return env[expression.base.name](*(at[str(entry)] for entry in expression.indices))
    if isinstance(expression, sp.Symbol):
        return env[expression.name]()
    if isinstance(expression, sp.Sum):
        ((name, _, upper), *outer) = expression.limits[::-1]
        inner = sp.Sum(expression.function, *outer[::-1]) if outer else expression.function
        return sum((value_of(inner, env, {**at, name.name: n}) for n in range(int(value_of(upper, env, at)) + 1)), Fraction(0))
    parts = [value_of(arg, env, at) for arg in expression.args]
    if isinstance(expression, sp.Add):
        return sum(parts, Fraction(0))
    if isinstance(expression, sp.Mul):
        found = Fraction(1)
        for part in parts:
            found *= part
        return found
    assert isinstance(expression, sp.Pow)
    return parts[0] ** int(parts[1])


def evaluated(part: Part, known: Mapping[str, Matrix | Fraction], sizes: Mapping[str, int], at: dict[str, int]) -> tuple[Fraction, Fraction]:
    """Both sides of an equality, its definitions read in their order."""
    env: Env = {name: (lambda length=length: Fraction(length)) for name, length in sizes.items()}
    for name, value in known.items():
        env[name] = (lambda *entry, value=value: value[entry[0]][entry[1]]) if isinstance(value, list) else (lambda value=value: value)
    for definition in part.setting.definitions:
        names, body = [name.name for name, _ in definition.family.indices], definition.family.value
        env[definition.name] = lambda *entry, names=names, body=body: value_of(body, env, dict(zip(names, entry, strict=True)))
    assert isinstance(part.assertion, Equal)
    return value_of(part.assertion.left, env, at), value_of(part.assertion.right, env, at)


@st.composite
def trained(draw: st.DrawFn) -> tuple[list[int], list[Matrix], Matrix, Fraction, int]:
    """Widths, weights, a target, a step and the number of the earlier of two layers."""
    widths = draw(st.lists(st.integers(1, 3), min_size=3, max_size=4))

    def matrix(rows: int, columns: int) -> Matrix:
        return [[draw(rationals) for _ in range(columns)] for _ in range(rows)]

    weights = [matrix(later, earlier) for earlier, later in pairwise(widths)]
    return widths, weights, matrix(widths[-1], widths[0]), draw(steps), draw(st.integers(0, len(weights) - 2))


STEPS = {
    (depth, level): one_step(linear(depth, lambda shape: square_to(Variable("Y", shape))), balance(*layers(depth)[level : level + 2]))
    for depth in (2, 3)
    for level in range(depth - 1)
}


@given(trained())
def test_a_step_that_is_carried_out_changes_the_balance_by_as_much(
    network: tuple[list[int], list[Matrix], Matrix, Fraction, int],
) -> None:
    widths, weights, target, step, level = network
    after = [
        [[entry - step * slope(weights, target, n, row, column) for column, entry in enumerate(line)] for row, line in enumerate(weight)]
        for n, weight in enumerate(weights)
    ]
    old, new = balances(*weights[level : level + 2]), balances(*after[level : level + 2])
    known: dict[str, Matrix | Fraction] = {f"W{n + 1}": weight for n, weight in enumerate(weights)} | {"Y": target, "eta": step}
    sizes = {f"n{n}": width for n, width in enumerate(widths)}
    for row, column in pairs(range(widths[level + 1]), repeat=2):
        left, right = evaluated(STEPS[len(weights), level], known, sizes, {"i": row, "j": column})
        assert left == right == new[row][column] - old[row][column]


@given(st.lists(st.tuples(rationals, rationals, rationals), min_size=1, max_size=4), steps, st.integers(1, 4))
def test_over_a_run_the_imbalance_of_the_diagonal_model_is_a_product(
    start: list[tuple[Fraction, Fraction, Fraction]], step: Fraction, many: int
) -> None:
    """Gradient descent on |u v - y|^2/2, coordinate by coordinate: u^2 - v^2 is multiplied by 1 - (eta G)^2 in every step."""
    for p, q, wanted in start:
        weight, other, factor = p, q, Fraction(1)
        for _ in range(many):
            residual = weight * other - wanted
            factor *= 1 - (step * residual) ** 2
            weight, other = weight - step * residual * other, other - step * residual * weight
        assert weight**2 - other**2 == factor * (p**2 - q**2)


def test_the_document_runs() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "discrete.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    exec(compile(block, "discrete.md", "exec"), {})
