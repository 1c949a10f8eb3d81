"""Losses: what is known of the gradient $G = \\nabla f(x)$, and the value where there is one."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from .settings import Definition
from .symbols import Family, Variable, index, total


@dataclass(frozen=True)
class Loss:
    """Let $f$ be a function of the prediction $x$ with gradient $G$.

    `definitions` ends with what is known of $G$ (nothing, for every $f(x)$, and then `variables` holds $G$ itself);
    `value` is $f$ in terms of the definitions.
    """

    name: str
    variables: tuple[Variable, ...]
    definitions: tuple[Definition, ...]
    value: sp.Expr | None = None


def any_loss(shape: tuple[sp.Expr, ...]) -> Loss:
    """Every $f(x)$: the gradient $G$ is an unknown function of time."""
    return Loss("every f(x)", (Variable("G", shape, "cotangent"),), ())


def any_loss_of(data: Variable, shape: tuple[sp.Expr, ...]) -> Loss:
    """Let $A$ be given: every $f(Ax)$, so that $G = A^T\\nu$ with $\\nu$ an unknown function of time."""
    nu = Variable("nu", data.shape[:1], "cotangent")
    return Loss(f"every f({data.name} x)", (nu,), (_pulled_back(data, nu, shape),))


def square(data: Variable, target: Variable, shape: tuple[sp.Expr, ...]) -> Loss:
    """Let $A$, $y$ be given: $F(x) = \\frac12\\|Ax - y\\|^2$, so that $G = A^T\\nu$ with the residual $\\nu = Ax - y$."""
    k, length = index("k"), data.shape[0]
    prediction = Variable("x", shape, "parameter")
    nu = Definition("nu", Family(((k, length),), _applied(data, prediction, shape) - target[k]))
    value = total(nu[k] ** 2, (k, length)) / 2
    definitions = (nu, _pulled_back(data, nu.variable, shape), Definition("F", Family((), value)))
    return Loss(f"|{data.name} x - {target.name}|^2/2", (), definitions, value)


def square_to(target: Variable) -> Loss:
    """Let $Y$ have the shape of the prediction: $F(x) = \\frac12\\|x - Y\\|^2$, so that $G = x - Y$."""
    names = target.indices
    own = tuple(name for name, _ in names)
    prediction = Variable("x", target.shape, "parameter")
    difference = Definition("G", Family(names, prediction[own] - target[own]))
    value = total(difference[own] ** 2, *names) / 2
    return Loss(f"|x - {target.name}|^2/2", (), (difference, Definition("F", Family((), value))), value)


def exponential(data: Variable, shape: tuple[sp.Expr, ...]) -> Loss:
    """Let $A$ be given: $F(x) = \\sum_k e^{-(Ax)_k}$, so that $G = A^T\\nu$ with $\\nu_k = -e^{-(Ax)_k}$."""
    k, length = index("k"), data.shape[0]
    prediction = Variable("x", shape, "parameter")
    nu = Definition("nu", Family(((k, length),), -sp.exp(-_applied(data, prediction, shape))))
    value = -total(nu[k], (k, length))
    definitions = (nu, _pulled_back(data, nu.variable, shape), Definition("F", Family((), value)))
    return Loss(f"sum exp(-{data.name} x)", (), definitions, value)


def logistic(data: Variable, shape: tuple[sp.Expr, ...]) -> Loss:
    """Let $A$ be given: $F(x) = \\sum_k \\log(1 + e^{-(Ax)_k})$, so that $\\nu_k = -1/(1 + e^{(Ax)_k})$."""
    k, length = index("k"), data.shape[0]
    prediction = Variable("x", shape, "parameter")
    score = _applied(data, prediction, shape)
    nu = Definition("nu", Family(((k, length),), -1 / (1 + sp.exp(score))))
    value = total(sp.log(1 + sp.exp(-score)), (k, length))
    definitions = (nu, _pulled_back(data, nu.variable, shape), Definition("F", Family((), value)))
    return Loss(f"sum log(1+exp(-{data.name} x))", (), definitions, value)


def _applied(data: Variable, prediction: Variable, shape: tuple[sp.Expr, ...]) -> sp.Expr:
    _check_shapes(data, shape)
    names = prediction.indices
    own = tuple(name for name, _ in names)
    return total(data[(index("k"), *own)] * prediction[own], *names)


def _pulled_back(data: Variable, nu: Variable, shape: tuple[sp.Expr, ...]) -> Definition:
    _check_shapes(data, shape)
    k, names = index("k"), Variable("G", shape).indices
    own = tuple(name for name, _ in names)
    return Definition("G", Family(names, total(data[(k, *own)] * nu[k], (k, data.shape[0]))))


def _check_shapes(data: Variable, shape: tuple[sp.Expr, ...]) -> None:
    if data.shape[1:] != shape:
        wanted = " x ".join(map(str, ("M", *shape)))
        raise ValueError(
            f"{data.name} is {' x '.join(map(str, data.shape))} and acts on a prediction that is {' x '.join(map(str, shape))}: it should be {wanted}"
        )
