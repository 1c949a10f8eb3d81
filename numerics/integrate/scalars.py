"""The equations of motion entry by entry, as heyoka expressions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from typing import Any

import heyoka as hy
import sympy as sp

from ..errors import Unsupported
from ..exact import entries
from ..problem import Problem, size_value
from ..program import Step, leaves

_FUNCTIONS: Mapping[type[sp.Function], Callable[[Any], Any]] = {
    sp.log: hy.log,
    sp.sin: hy.sin,
    sp.cos: hy.cos,
    sp.tan: hy.tan,
    sp.asin: hy.asin,
    sp.acos: hy.acos,
    sp.atan: hy.atan,
    sp.sinh: hy.sinh,
    sp.cosh: hy.cosh,
    sp.tanh: hy.tanh,
    sp.asinh: hy.asinh,
    sp.acosh: hy.acosh,
    sp.atanh: hy.atanh,
}


@dataclass(frozen=True)
class Equations:
    """Let state variable n be `names[n]`: its right side, in terms of `hy.par[k]` with the exact values `parameters[k]`, rational or not."""

    names: tuple[str, ...]
    right: tuple[Any, ...]
    parameters: tuple[sp.Expr, ...]


def equations(problem: Problem) -> Equations:
    """Let a problem be given: its system of scalar equations, every intermediate definition built once and shared.

    Constants in an exponent are put in at their values, so that a whole number gives products; all other data are parameters.
    """
    builder = _Builder(problem)
    for step in problem.program.definitions:
        builder.tensors[step.name] = builder.tensor(step)
    right = [expression for step in problem.program.velocities for expression in builder.tensor(step).values()]
    names = [name for block in problem.layout.names for name in builder.names[block]]
    return Equations(tuple(names), tuple(right), tuple(builder.parameters))


@dataclass
class _Builder:
    problem: Problem
    tensors: dict[str, dict[tuple[int, ...], Any]] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    parameters: list[sp.Expr] = field(default_factory=list)
    places: dict[sp.Expr, Any] = field(default_factory=dict)
    free: dict[sp.Expr, frozenset[sp.Symbol]] = field(default_factory=dict)
    shared: dict[Any, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for block, lengths in zip(self.problem.layout.names, self.problem.layout.shapes, strict=True):
            places = list(product(*map(range, lengths)))
            self.names[block] = [f"{block}{list(place) or ''}" for place in places]
            self.tensors[block] = {place: hy.expression(name) for place, name in zip(places, self.names[block], strict=True)}

    def tensor(self, step: Step) -> dict[tuple[int, ...], Any]:
        """All entries of a step, in row-major order."""
        value = self._with_exponents(step.family.value)
        own = [index for index, _ in step.family.indices]
        ranges = [range(size_value(length, self.problem.sizes)) for _, length in step.family.indices]
        return {place: self._whole(value, dict(zip(own, place, strict=True))) for place in product(*ranges)}

    def _whole(self, value: sp.Expr, where: Mapping[sp.Symbol, int]) -> Any:
        """The value of a step; a number becomes a parameter, for heyoka folds constants in double precision when a later step divides them."""
        if self._is_number(value, where):
            exact = self._exact(value, where)
            return self._number(exact) if exact in (0, 1, -1) else self._parameter(exact)
        return self.scalar(value, where)

    def _with_exponents(self, expression: sp.Expr) -> sp.Expr:
        """The expression with the values of the scalar constants that occur in an exponent."""
        inside = set().union(*(power.exp.free_symbols for power in expression.atoms(sp.Pow)))
        values = {}
        for variable in self.problem.program.inputs:
            value = self.problem.data[variable.name]
            if isinstance(value, Fraction) and variable[()] in inside:
                values[variable[()]] = sp.Rational(value.numerator, value.denominator)
        return sp.expand_power_base(expression.xreplace(values))

    def scalar(self, node: sp.Expr, where: Mapping[sp.Symbol, int]) -> Any:
        """One entry; a sum that does not depend on the place is built once, and what is a number is worked out exactly, never by heyoka."""
        if self._is_number(node, where):
            return self._number(self._exact(node, where))
        if not isinstance(node, sp.Sum | sp.Pow):
            return self._built(node, where)
        key = node, tuple((symbol, where[symbol]) for symbol in sorted(node.free_symbols & where.keys(), key=str))
        if key not in self.shared:
            self.shared[key] = self._built(node, where)
        return self.shared[key]

    def _built(self, node: sp.Expr, where: Mapping[sp.Symbol, int]) -> Any:
        match node:
            case sp.Indexed():
                return self._entry(node.base.name, tuple(int(self._exact(entry, where)) for entry in node.indices))
            case sp.Symbol():
                time = self.problem.program.time
                return hy.time if time is not None and node.name == time.name else self._entry(node.name, ())
            case sp.Add():
                return hy.sum([self.scalar(term, where) for term in node.args])
            case sp.Mul():
                return _product([self.scalar(factor, where) for factor in node.args])
            case sp.exp():
                return hy.exp(self.scalar(node.exp, where))
            case sp.Pow():
                return self._power(node, where)
            case sp.Sum():
                return self._sum(node, where)
        if type(node) in _FUNCTIONS:
            return _FUNCTIONS[type(node)](self.scalar(node.args[0], where))
        if isinstance(node, sp.Abs | sp.sign):
            raise Unsupported(f"{node} is not analytic, and Taylor's method would step over its corner; use a float64 method")
        raise Unsupported(f"{node} has no counterpart in heyoka; known are sums, products, powers and {', '.join(f.__name__ for f in _FUNCTIONS)}")

    def _is_number(self, node: sp.Expr, where: Mapping[sp.Symbol, int]) -> bool:
        if node not in self.free:
            self.free[node] = frozenset(symbol for symbol in leaves(node) if symbol not in self.problem.program.sizes)
        return self.free[node] <= where.keys()

    def _exact(self, node: sp.Expr, where: Mapping[sp.Symbol, int]) -> sp.Expr:
        values = {symbol: sp.Integer(self.problem.sizes[symbol.name]) for symbol in self.problem.program.sizes if symbol.name in self.problem.sizes}
        return node.xreplace(values | {symbol: sp.Integer(n) for symbol, n in where.items()}).doit()

    def _entry(self, name: str, place: tuple[int, ...]) -> Any:
        if name in self.tensors:
            return self.tensors[name][place]
        if name not in self.problem.data:
            raise Unsupported(f"{name} has no value in the data of the problem")
        self.tensors[name] = {where: self._parameter(sp.Rational(value)) for where, value in entries(self.problem.data[name])}
        return self.tensors[name][place]

    def _parameter(self, value: sp.Expr) -> Any:
        self.parameters.append(value)
        return hy.par[len(self.parameters) - 1]

    def _number(self, value: sp.Expr) -> Any:
        """A number in the text of the equations: a constant when it is short enough for doubles to compute with, otherwise a parameter."""
        if value.is_Rational and abs(value.p) <= 2**16 and value.q in (1, 2, 4, 8, 16):
            return hy.expression(float(value))
        if value not in self.places:
            self.places[value] = self._parameter(value)
        return self.places[value]

    def _power(self, node: sp.Pow, where: Mapping[sp.Symbol, int]) -> Any:
        if self._is_number(node.base, where):
            # As an exponential, for heyoka would take the logarithm of the base in double precision.
            return hy.exp(self.scalar(node.exp, where) * self._number(sp.log(self._exact(node.base, where))))
        base = self.scalar(node.base, where)
        if node.exp.is_Integer:
            # By products: heyoka's own power has no derivatives where the base is 0.
            found = _whole_power(base, abs(int(node.exp)))
            return found if node.exp > 0 else hy.expression(1.0) / found
        if node.exp == sp.Rational(1, 2):
            return hy.sqrt(base)
        return base ** self.scalar(node.exp, where)

    def _sum(self, node: sp.Sum, where: Mapping[sp.Symbol, int]) -> Any:
        *rest, (index, lower, upper) = node.limits
        inner = sp.Sum(node.function, *rest) if rest else node.function
        first, last = (int(self._exact(bound, where)) for bound in (lower, upper))
        return hy.sum([self.scalar(inner, {**where, index: n}) for n in range(first, last + 1)])


def _product(factors: list[Any]) -> Any:
    found = factors[0]
    for factor in factors[1:]:
        found = found * factor
    return found


def _whole_power(base: Any, exponent: int) -> Any:
    """$b^n$ for $n \\ge 1$ by repeated squaring."""
    if exponent == 1:
        return base
    half = _whole_power(base, exponent // 2)
    square = half * half
    return square if exponent % 2 == 0 else square * base
