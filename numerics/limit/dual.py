"""The dual of the Bregman projection, minimise $\\Phi^*(\\theta_0 + A^T\\lambda) - \\langle y, \\lambda\\rangle$, in floats and in balls.

Let $\\omega = u\\,e^{\\kappa r^2/2}$, $K = \\|\\omega\\|^2 = e^{\\kappa R}$. The dual coordinates are $\\theta_i = 2\\log\\omega_i$ for $L = 2$ and
$\\theta_i = -\\omega_i^{2-L}$ for $L > 2$. The gradient of the dual function is $A x - y$ with $x = x(\\theta_0 + A^T\\lambda)$, its Hessian
$A(\\mathrm{diag}(a) + c\\,xx^T)A^T$. Where $K \\le 1$ the convex function goes on with $x = 0$; minimisers do not lie there unless $y = 0$.

Plain gradient flow of $w$ has $\\omega = w$, $K = R$ and $c = 0$.

A state is what is known at some multipliers: the gradient, and `step`, which is Newton's where there is a Hessian and downhill elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, TypeAlias

import numpy as np
from flint import arb, arb_mat, fmpq

from .face import Face
from .polar import Polar

Vector: TypeAlias = Any  # an array of floats, or a column of balls


@dataclass(frozen=True)
class State:
    """The gradient of the dual function, its size, and the step to take, which is computed when it is asked for."""

    gradient: Vector
    size: float
    towards: Callable[[], Vector]

    @cached_property
    def step(self) -> Vector:
        return self.towards()


class Dual(Protocol):
    """The dual function in some kind of numbers."""

    def origin(self) -> Vector: ...

    def at(self, multipliers: Vector) -> State | None:
        """None outside the domain, and where numbers overflow."""
        ...

    def slope(self, state: State, step: Vector) -> float: ...

    def moved(self, multipliers: Vector, length: float, step: Vector) -> Vector: ...


class Floats:
    """In float64."""

    def __init__(self, polar: Polar, face: Face) -> None:
        self.A = np.array([[float(polar.matrix[k][n]) for n in face.support] for k in face.rows])
        self.y = np.array([float(polar.target[k]) for k in face.rows])
        self.kappa, self.L = None if polar.kappa is None else float(polar.kappa), float(polar.depth)
        logs = 2 * float(polar.exponent) * np.array([np.log(float(value)) for value in polar.values])
        radius2 = float(np.sum(np.exp(logs)))
        grown = logs[list(face.support)]  # log omega^2
        if self.kappa is not None:
            grown = grown - np.log(radius2) + self.kappa * radius2
        with np.errstate(over="ignore"):
            self.theta = grown if self.L == 2 else -np.exp((1 - self.L / 2) * grown)

    def origin(self) -> Vector:
        return np.zeros(len(self.y))

    def at(self, multipliers: Vector) -> State | None:
        with np.errstate(all="ignore"):
            return self._at(multipliers)

    def _at(self, multipliers: Vector) -> State | None:
        theta, L = self.theta + multipliers @ self.A, self.L
        if L != 2 and not np.all(theta < 0):
            return None
        logs = theta if L == 2 else -2 / (L - 2) * np.log(-theta)
        top = float(np.max(logs))
        whole = top + float(np.log(np.sum(np.exp(logs - top))))  # log K
        if not np.isfinite(whole):
            return None
        if whole <= 0 and self.kappa is not None:
            norm = float(np.linalg.norm(self.y))
            return State(-self.y, norm, lambda: self.y * ((1 + float(np.linalg.norm(multipliers))) / norm if norm else 0.0))
        R = np.exp(whole) if self.kappa is None else whole / self.kappa
        bend = 0.0 if self.kappa is None else (1 / (self.kappa * R) - 1) / R  # (R'/R - 1/K) K/R
        x = R ** (L / 2) * np.exp(L / 2 * (logs - whole))
        if L == 2:
            a, c = x, bend
        else:
            a = L / (L - 2) * x * np.exp((L / 2 - 1) * logs)
            c = L / (L - 2) * bend * np.exp((L / 2 - 1) * (whole - np.log(R)))
        image = self.A @ x
        if not (np.all(np.isfinite(a)) and np.isfinite(c) and np.all(np.isfinite(image))):
            return None
        gradient = image - self.y

        def newton() -> Vector:
            hessian = (self.A * a) @ self.A.T + c * np.outer(image, image)
            scale = np.sqrt(np.maximum(np.abs(np.diag(hessian)), 1e-300))
            with np.errstate(all="ignore"):  # what overflows is not finite, and then the step is downhill
                try:
                    step = -np.linalg.solve(hessian / np.outer(scale, scale) + 1e-14 * np.eye(len(scale)), gradient / scale) / scale
                except np.linalg.LinAlgError:
                    return -gradient
            return step if np.all(np.isfinite(step)) and gradient @ step < 0 else -gradient

        return State(gradient, float(np.linalg.norm(gradient)), newton)

    def slope(self, state: State, step: Vector) -> float:
        with np.errstate(all="ignore"):  # a step that is far too long
            return float(state.gradient @ step)

    def moved(self, multipliers: Vector, length: float, step: Vector) -> Vector:
        return multipliers + length * step


class Balls:
    """In balls of the present precision, of which only the midpoints are used."""

    def __init__(self, polar: Polar, face: Face) -> None:
        self.A = arb_mat(len(face.rows), len(face.support), [_ball(polar.matrix[k][n]) for k in face.rows for n in face.support])
        self.back = self.A.transpose()
        self.y = arb_mat(len(face.rows), 1, [_ball(polar.target[k]) for k in face.rows])
        self.kappa = None if polar.kappa is None else _ball(polar.kappa)
        self.L, self.two = _ball(polar.depth), polar.depth == 2
        squares = [_ball(value) ** _ball(2 * polar.exponent) for value in polar.values]
        radius2 = sum(squares, arb(0))
        omega2 = [squares[n] for n in face.support]
        if self.kappa is not None:
            omega2 = [square / radius2 * (self.kappa * radius2).exp() for square in omega2]
        self.theta = [value.log() if self.two else -(value ** (1 - self.L / 2)) for value in omega2]

    def origin(self) -> Vector:
        return arb_mat(self.A.nrows(), 1)

    def squares(self, multipliers: Vector) -> list[arb] | None:
        """omega_i^2."""
        theta = [(first + shift).mid() for first, shift in zip(self.theta, (self.back * multipliers).entries(), strict=True)]
        if self.two:
            return [value.exp().mid() for value in theta]
        return [((-value) ** (-2 / (self.L - 2))).mid() for value in theta] if all(value < 0 for value in theta) else None

    def x(self, multipliers: Vector) -> list[arb] | None:
        """The predictions; None where there is no point with r > 0."""
        squares = self.squares(multipliers)
        if squares is None or not (norm := sum(squares, arb(0))) > (0 if self.kappa is None else 1):
            return None
        R = norm if self.kappa is None else norm.log() / self.kappa
        return [((R * square / norm) ** (self.L / 2)).mid() for square in squares]

    def at(self, multipliers: Vector) -> State | None:
        squares = self.squares(multipliers)
        if squares is None:
            return None
        norm = sum(squares, arb(0)).mid()
        if not norm.is_finite() or norm.log() > 1e6:
            return None
        if self.kappa is not None and not norm > 1:
            size = _size(self.y)
            return State(-self.y, size, lambda: self.y * arb((1 + _size(multipliers)) / size if size else 0.0))
        L, R = self.L, norm if self.kappa is None else (norm.log() / self.kappa).mid()
        bend = arb(0) if self.kappa is None else (1 / (self.kappa * R) - 1) / R
        x = [((R * square / norm) ** (L / 2)).mid() for square in squares]
        if self.two:
            a, c = x, bend
        else:
            a = [(L / (L - 2) * entry * square ** (L / 2 - 1)).mid() for entry, square in zip(x, squares, strict=True)]
            c = L / (L - 2) * bend * (norm / R) ** (L / 2 - 1)
        image = (self.A * arb_mat(len(x), 1, x)).mid()
        gradient = (image - self.y).mid()

        def newton() -> Vector:
            rows = self.A.nrows()
            scaled = arb_mat(len(x), rows, [entry * a[n // rows] for n, entry in enumerate(self.back.entries())]).mid()
            hessian = (self.A * scaled + image * (image.transpose() * c)).mid()
            try:
                step = -(hessian.solve(gradient).mid())
            except ZeroDivisionError:
                return -gradient
            return step if (gradient.transpose() * step)[0, 0] < 0 else -gradient

        return State(gradient, _size(gradient), newton)

    def slope(self, state: State, step: Vector) -> float:
        return float((state.gradient.transpose() * step)[0, 0].mid())

    def moved(self, multipliers: Vector, length: float, step: Vector) -> Vector:
        return (multipliers + step * arb(length)).mid()


def _ball(value: Any) -> arb:
    return arb(fmpq(value.numerator, value.denominator))


def _size(column: arb_mat) -> float:
    return float(sum((entry**2 for entry in column.entries()), arb(0)).mid().sqrt().mid())
