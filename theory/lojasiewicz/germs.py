"""A polynomial near one of its critical points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import sympy as sp

from ..settings import Setting
from ..statements import Equal, Gradient, Part
from ..symbols import Variable


class NotAGerm(ValueError):
    """What was given is not a polynomial near a critical point; the text says why."""


@dataclass(frozen=True)
class Germ:
    """Let $f \\in \\mathbb Q[x_1, \\ldots, x_n]$, not constant, and $a \\in \\mathbb Q^n$ with $\\nabla f(a) = 0$; `germ` builds one and checks it.

    `polynomial` and `partials` are $f(a + x) - f(a)$ and its derivatives, in the displacement $x$.
    """

    variables: tuple[Variable, ...]
    value: sp.Expr
    point: tuple[sp.Rational, ...]

    @cached_property
    def symbols(self) -> tuple[sp.Symbol, ...]:
        return tuple(variable[()] for variable in self.variables)

    @property
    def origin(self) -> tuple[int, ...]:
        return (0,) * len(self.variables)

    @cached_property
    def polynomial(self) -> sp.Poly:
        moved = self.value.xreplace({x: x + a for x, a in zip(self.symbols, self.point, strict=True)})
        found = sp.Poly(moved, *self.symbols, domain=sp.QQ)
        return found - found(*self.origin)

    @cached_property
    def partials(self) -> tuple[sp.Poly, ...]:
        return tuple(self.polynomial.diff(x) for x in self.symbols)

    @cached_property
    def hessian(self) -> sp.Matrix:
        """The second derivatives at the point."""
        return sp.Matrix([[slope.diff(x)(*self.origin) for x in self.symbols] for slope in self.partials])

    @cached_property
    def setting(self) -> Setting:
        return Setting(self.variables)

    def stated(self, polynomial: sp.Poly | sp.Expr) -> sp.Expr:
        """A polynomial in the displacement as an expression in the variables themselves."""
        return sp.sympify(polynomial.as_expr()).xreplace({x: x - a for x, a in zip(self.symbols, self.point, strict=True)})

    def gradient(self, *which: int) -> tuple[Part, ...]:
        """That these derivatives are those of $f$: what ties the identities below to the function."""
        return self._derivatives(self.value, self.partials, which)

    def gradient_of(self, polynomial: sp.Poly) -> tuple[Part, ...]:
        """The derivatives of a part of $f$, a polynomial in the displacement."""
        return self._derivatives(self.stated(polynomial), tuple(map(polynomial.diff, self.symbols)), tuple(range(len(self.symbols))))

    def _derivatives(self, value: sp.Expr, slopes: Sequence[sp.Poly], which: Sequence[int]) -> tuple[Part, ...]:
        return tuple(
            Part(self.setting, Gradient(value, self.variables[j], self.stated(slopes[j])), f"derivative by {self.variables[j].name}") for j in which
        )

    def equal(self, left: sp.Expr, right: sp.Expr, label: str) -> Part:
        """An identity in the variables themselves."""
        return Part(self.setting, Equal(left, right), label)


def germ(value: sp.Expr, variables: Sequence[Variable], at: Sequence[sp.Rational | int] | None = None) -> Germ:
    """Let $f$ be a polynomial in scalar variables with rational coefficients and $a$ a rational point, the origin unless given: $f$ near $a$.

    >>> x, y = Variable("x", (), "parameter"), Variable("y", (), "parameter")
    >>> germ((x[()] * y[()] - 1) ** 2, (x, y), (1, 1)).hessian
    Matrix([
    [2, 2],
    [2, 2]])

    Raises `NotAGerm` for anything else: an expression that is no polynomial or has other names in it, a point that is not critical, or one that is
    not inside the domain that the signs of the variables declare.
    """
    names = tuple(variables)
    value = sp.sympify(value, strict=True)
    point = tuple(sp.sympify(entry, strict=True) for entry in (at if at is not None else (0,) * len(names)))
    if not names or any(variable.shape for variable in names) or len({variable.name for variable in names}) < len(names):
        raise NotAGerm("scalar variables with different names are wanted, at least one; give the entries of a tensor as variables of their own")
    if len(point) != len(names) or not all(entry.is_Rational for entry in point):
        raise NotAGerm(f"the point {point} was given, and {len(names)} rational numbers are wanted")
    outside = [variable.name for variable, entry in zip(names, point, strict=True) if not _inside(variable, entry)]
    if outside:
        told = f"{', '.join(outside)} may not have all values near the point {point}"
        raise NotAGerm(f"{told}: declare real variables, or give a point inside the domain")
    if value.has(sp.Float):
        raise NotAGerm(f"{value} has floating-point numbers in it, and rational ones are wanted")
    found = Germ(names, value, point)
    try:
        polynomial = found.polynomial
    except (sp.PolynomialError, sp.CoercionFailed) as error:
        listed = ", ".join(variable.name for variable in names)
        told = f"{value} is not a polynomial in {listed} with rational coefficients: give numbers for other names, and exact ones"
        raise NotAGerm(told) from error
    if polynomial.is_zero:
        raise NotAGerm(f"{value} is constant, and bounds nothing")
    slope = [partial(*found.origin) for partial in found.partials]
    if any(slope):
        raise NotAGerm(f"the point {point} is not critical: the gradient is {tuple(slope)} there, and the inequality holds with exponent 0")
    return found


def _inside(variable: Variable, entry: sp.Rational) -> bool:
    """Whether all numbers near the entry have the sign that is declared."""
    return variable.sign == "real" or entry > 0 or (variable.sign == "nonzero" and entry != 0)
