"""Gradient descent: what one step does to a quadratic law of the gradient flow, exactly.

Let $\\dot\\theta = v(\\theta)$ be a flow, block by block $v_b = -\\mathrm{rate}_b\\,g_b + \\mathrm{drift}_b$ with the gradient $g$ of the pairing,
and $\\theta^+ = \\theta + \\eta\\,v(\\theta)$ one step of gradient descent. Where $Q$ is quadratic, Taylor's formula ends after two terms,
$$Q(\\theta^+) - Q(\\theta) = \\eta\\,DQ(\\theta)[v] + \\tfrac{\\eta^2}2\\,D^2Q[v, v] ,$$
and the first of them vanishes exactly when $Q$ is a law of the flow. What is stated here is the change without that term, so that the
statement is false for a $Q$ that is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import sympy as sp

from .calculus import along, tidy
from .derivations import Derivation, Step, dot
from .settings import Definition, Flow, Setting, substitute
from .statements import Equal, Evolves, Part
from .symbols import Family, Variable, away_from, fresh, index, total
from .trees import declared_names


class NoExactStep(ValueError):
    """The identity is not stated for this flow or this quantity; the text says why."""


@dataclass(frozen=True)
class Descent:
    """Let $\\theta^+ = \\theta + \\eta\\,v(\\theta)$, block by block, with the cotangents taken at $\\theta$.

    `setting` has no flow: a constant $\\eta$, the `step`, and a definition g_b of the gradient for every block b of `gradient` are added to it.
    `velocity` is $v$ in terms of these.
    """

    setting: Setting
    step: Variable
    gradient: Mapping[str, Definition]
    velocity: Mapping[str, Family]

    @cached_property
    def updated(self) -> Mapping[str, Family]:
        """Block by block, $\\theta^+$."""
        found = {}
        for name, velocity in self.velocity.items():
            own = tuple(i for i, _ in velocity.indices)
            found[name] = Family(velocity.indices, self.setting[name][own] + self.step[()] * velocity.value)
        return found


def descent(setting: Setting, *, step: Variable | None = None) -> Descent:
    """Let the setting have a flow $v$: the map $\\theta \\mapsto \\theta + \\eta\\,v(\\theta)$; for a gradient flow, a step of gradient descent.

    The learning rates of the flow stay where they are, block $b$ moves by $-\\eta\\,\\mathrm{rate}_b\\,g_b$; those that depend on parameters are
    taken at $\\theta$. `step` is $\\eta$, a constant of the setting or a new one; by default a new and positive one.

    Raises `NoExactStep` without a flow and where blocks lie on spheres, `ValueError` for a step that is not a constant scalar, and
    `NotImplementedError` where the gradient is not uniform in its indices (see `gradient`).
    """
    flow = setting.flow
    if flow is None:
        raise NoExactStep("the setting has no flow: gradient descent takes its direction from one")
    if flow.space.spheres:
        blocks = ", ".join(name for group in flow.space.spheres for name in group)
        raise NoExactStep(
            f"{blocks} on a sphere: a straight step along the projected gradient leaves it, and what brings it back is not part of the flow; "
            "state the flow in free parameters (weight normalisation g v/|v|), where the step is what is meant"
        )
    taken = set(declared_names(setting))
    if step is None:
        step = Variable(_free("eta", taken), (), "constant", "positive")
    known = next((v for v in setting.variables if v.name == step.name), None)
    if step.shape or step.role != "constant" or (known is None and step.name in taken) or known not in (None, step):
        raise ValueError(f"the step {step} should be a scalar constant, of the setting or with a name that is free in it")
    taken.add(step.name)
    gradient = {}
    for name, slope in flow.gradient.items():
        gradient[name] = Definition(_free(f"g_{name}", taken), slope)
        taken.add(gradient[name].name)
    new = () if known else (step,)
    found = replace(setting, flow=None).having(*new, definitions=tuple(gradient.values()))
    return Descent(found, step, gradient, {block.name: _velocity(flow, block, gradient) for block in flow.space.parameters})


def _velocity(flow: Flow, block: Variable, gradient: Mapping[str, Definition]) -> Family:
    """$-\\mathrm{rate}_b\\,g_b + \\mathrm{drift}_b$, the gradient under its name."""
    if block.name not in flow.rates and block.name not in flow.drift:
        raise NoExactStep(f"the flow does not say how {block.name} moves: give it a rate or a drift")
    indices = flow.rates[block.name].indices if block.name in flow.rates else flow.drift[block.name].indices
    own = tuple(name for name, _ in indices)
    value = sp.S.Zero
    if block.name in flow.rates:
        value -= flow.rates[block.name].at(own) * gradient[block.name][own]
    if block.name in flow.drift:
        value += flow.drift[block.name].at(own)
    return Family(indices, value)


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def over_examples(setting: Setting, count: sp.Expr) -> Setting:
    """Let every cotangent be given for each of `count` examples: the flow of the sum of their pairings, so that a step is one on a batch.

    The flow of one example has the laws of a batch, since a law is linear in the velocity; the change in a step is quadratic in it.

    Raises `NoExactStep` without a flow, and where a definition, a rate or a drift mentions a cotangent: it would differ from example to example.
    """
    flow = setting.flow
    if flow is None:
        raise NoExactStep("the setting has no flow: there is nothing to sum over examples")
    cotangents = {v.name: v for v in setting.variables if v.role == "cotangent"}
    shared = [*(d.family for d in setting.definitions), *flow.rates.values(), *flow.drift.values()]
    for name in cotangents:
        if any(symbol.name == name for one in shared for symbol in one.value.free_symbols):
            raise NoExactStep(
                f"{name} stands in a definition, a rate or a drift, which would differ from example to example: put it into the pairing"
            )
    each = {name: replace(v, shape=(count, *v.shape)) for name, v in cotangents.items()}
    e = fresh(index("e"), {index(name) for name in declared_names(setting)} | flow.pairing.atoms(sp.Symbol))
    entries = {}
    for name, variable in cotangents.items():
        own = variable.indices
        entries[name] = Family(own, each[name][(e, *(i for i, _ in own))])
    variables = tuple(each.get(v.name, v) for v in setting.variables)
    return replace(setting, variables=variables, flow=replace(flow, pairing=total(substitute(flow.pairing, entries), (e, count))), instances=())


def change(found: Descent, quantity: Family) -> sp.Expr:
    """$Q(\\theta^+) - Q(\\theta)$, entry by entry.

    Raises `NoExactStep` where the quantity depends on time or on a cotangent: of these a step does not say how they go on.
    """
    value = _in_parameters(found, quantity)
    return substitute(value, found.updated) - value


def second_order(found: Descent, quantity: Family) -> sp.Expr:
    """$\\frac{\\eta^2}2\\,D^2Q[v, v]$, entry by entry.

    Raises `NoExactStep` where the quantity is not a polynomial of degree at most two in the parameters: Taylor's formula goes on there.
    """
    value = _in_parameters(found, quantity)
    degree = _degree(sp.expand(value), frozenset(found.velocity))
    if degree is None or degree > 2:
        told = "not a polynomial" if degree is None else f"of degree {degree}"
        raise NoExactStep(
            f"{value} is {told} in the parameters: a step changes it by terms of higher than second order too, and no exact form is known"
        )
    taken = set(declared_names(found.setting))
    marks = {name: Variable(_free(f"d_{name}", taken), tuple(n for _, n in velocity.indices)) for name, velocity in found.velocity.items()}

    def direction(name: str, entries: tuple[sp.Expr, ...]) -> sp.Expr:
        return marks[name][entries] if name in marks else sp.S.Zero

    # the direction stays fixed while both derivatives are taken; the velocity, which does depend on the parameters, is put in afterwards
    second = along(along(value, direction), direction)
    moved = substitute(second, {mark.name: found.velocity[name] for name, mark in marks.items()})
    return tidy(found.step[()] ** 2 * moved / 2, avoid=tuple(name for name, _ in quantity.indices))


def one_step(setting: Setting, quantity: Family, *, step: Variable | None = None) -> Part:
    """Let $Q$ be a quadratic law: $Q(\\theta^+) - Q(\\theta) = \\frac{\\eta^2}2\\,D^2Q[v, v]$, for all values of its indices.

    That $Q$ is a law is not assumed: for another quadratic $Q$ the part is false.

    >>> from theory.dynamics import gradient_flow
    >>> from theory.losses import any_loss
    >>> from theory.models import hadamard
    >>> from theory.symbols import index, size
    >>> N, i = size("N"), index("i")
    >>> u, v = Variable("u", (N,), "parameter"), Variable("v", (N,), "parameter")
    >>> setting = gradient_flow(hadamard(u, v), any_loss((N,)), {"u": sp.S.One, "v": sp.S.One})
    >>> one_step(setting, Family(((i, N),), u[i] ** 2 - v[i] ** 2)).assertion.right
    eta**2*(g_u[i]**2 - g_v[i]**2)

    Raises `NoExactStep` for a quantity that is not quadratic or depends on time, and for a flow on spheres.
    """
    found = descent(setting, step=step)
    return changes_by(found, quantity, second_order(found, quantity), "one step of gradient descent")


def changes_by(found: Descent, quantity: Family, claimed: sp.Expr, label: str = "") -> Part:
    """$Q(\\theta^+) - Q(\\theta)$ = claimed, which may mention the step, the parameters, cotangents and the gradients g_b."""
    return Part(found.setting, Equal(change(found, quantity), claimed, quantity.indices), label)


def one_step_mutants(setting: Setting, quantity: Family, *, step: Variable | None = None) -> tuple[Part, ...]:
    """Near-variants of `one_step` that are false: another order in $\\eta$, another factor, another sign, the second derivative of another quantity.

    Only the last is given where the change vanishes (a linear law, a square of one): the others would then be true. Where it vanishes by the
    setting's hypotheses alone this is not seen here, and they are given all the same; `changes_by` with 0 is the part that tells.
    """
    found = descent(setting, step=step)
    right, eta = second_order(found, quantity), found.step[()]
    wrong: dict[str, sp.Expr] = {}
    if tidy(found.setting.unfold(right)) != 0:
        wrong = {"eta for eta^2": right / eta, "1/2 forgotten": 2 * right, "sign flipped": -right}
    for name, velocity in found.velocity.items():
        if found.setting.unfold(velocity.value) != 0:
            wrong[f"second derivative of Q + |{name}|^2"] = right + eta**2 * total(velocity.value**2, *velocity.indices)
            break
    return tuple(changes_by(found, quantity, value, name) for name, value in wrong.items())


def descent_derivation(setting: Setting, quantity: Family, *, step: Variable | None = None) -> Derivation:
    """From the flow to the change in one step; that $v$ is its velocity is a part for every block, since an equality knows nothing of the flow."""
    found, part = descent(setting, step=step), one_step(setting, quantity, step=step)
    flowing = found.setting.along(setting.flow) if setting.flow else found.setting
    steps = []
    for name, velocity in found.velocity.items():
        own = tuple(i for i, _ in velocity.indices)
        entry = setting[name][own]
        moved = Part(flowing, Evolves(entry, velocity.value, velocity.indices), f"velocity of {name}")
        steps.append(Step("the velocity, with the gradient under its name", dot(entry), velocity.value, moved))
    assert isinstance(part.assertion, Equal)
    last = Step("Taylor's formula ends here, and its first term is the law", part.assertion.left, part.assertion.right, part)
    return Derivation("one step of gradient descent", (*steps, last))


def _in_parameters(found: Descent, quantity: Family) -> sp.Expr:
    """The quantity with the definitions put in."""
    value = found.setting.unfold(away_from(quantity.value, {name for name, _ in quantity.indices}))
    names = {symbol.name for symbol in value.free_symbols}
    for variable in found.setting.variables:
        if variable.name in names and variable.role in ("time", "cotangent"):
            what = "time, which moves on by the step as well" if variable.role == "time" else "a function of time of which only the shape is known"
            raise NoExactStep(f"{quantity.value} depends on {variable.name}, {what}: its change is not one of the parameters alone")
    return value


def _degree(expression: sp.Expr, names: frozenset[str]) -> int | None:
    """A bound on the degree in the named variables; None where the expression is not seen to be a polynomial in them."""
    match expression:
        case sp.Indexed():
            return int(expression.base.name in names)
        case sp.Symbol():
            return int(expression.name in names)
        case sp.Add() | sp.Mul():
            degrees = [_degree(arg, names) for arg in expression.args]
            known = [degree for degree in degrees if degree is not None]
            return None if len(known) < len(degrees) else max(known) if isinstance(expression, sp.Add) else sum(known)
        case sp.Sum():
            return _degree(expression.function, names)
        case sp.Pow() if expression.exp.is_Integer and expression.exp > 0:
            degree = _degree(expression.base, names)
            return None if degree is None else int(expression.exp) * degree
    return 0 if not any(symbol.name in names for symbol in expression.free_symbols) else None
