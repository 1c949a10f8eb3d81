"""The value of an index expression at given numbers, by recursion over its tree: no printer, no array, no integrator has a part in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp
from mpmath import mp

from theory.settings import Setting
from theory.symbols import Family

from .errors import InvalidProblem, OutOfDomain, Unsupported
from .exact import at, shape

_GUARD = 15

_FUNCTIONS: Mapping[type[sp.Function], str] = {
    sp.log: "log",
    sp.sin: "sin",
    sp.cos: "cos",
    sp.tan: "tan",
    sp.asin: "asin",
    sp.acos: "acos",
    sp.atan: "atan",
    sp.sinh: "sinh",
    sp.cosh: "cosh",
    sp.tanh: "tanh",
    sp.asinh: "asinh",
    sp.acosh: "acosh",
    sp.atanh: "atanh",
    sp.Abs: "fabs",
    sp.sign: "sign",
}


def evaluate(
    expression: sp.Expr,
    setting: Setting,
    sizes: Mapping[str, int],
    values: Mapping[str, Any],
    *,
    digits: int,
) -> Any:
    """Let names have values (rationals, mpmath numbers, nested tuples, arrays): the value of the expression, an `mpf` of about `digits` digits.

    Definitions of the setting are worked out as they are met, unless they are given a value. Digits lost to cancellation are not made up for.

    Raises `InvalidProblem` for a name without a value, `OutOfDomain` where there is no real value, `Unsupported` for what it does not know.
    """
    with mp.workdps(digits + _GUARD):
        found = _Evaluation(setting, sizes, values).value(sp.sympify(expression), {})
    with mp.workdps(digits):
        return +found


@dataclass(frozen=True)
class _Evaluation:
    setting: Setting
    sizes: Mapping[str, int]
    values: Mapping[str, Any]
    known: dict[Any, Any] = field(default_factory=dict)

    def value(self, node: sp.Expr, where: Mapping[sp.Symbol, Any]) -> Any:
        """Let the free indices of the node have the values in `where`."""
        match node:
            case sp.Rational():
                return mp.mpf(int(node.p)) / int(node.q)
            case sp.Indexed():
                return self._entry(node.base.name, tuple(int(self.value(entry, where)) for entry in node.indices))
            case sp.Symbol():
                return mp.mpf(where[node]) if node in where else self._scalar(node)
            case sp.Add():
                return mp.fsum(self.value(term, where) for term in node.args)
            case sp.Mul():
                return mp.fprod(self.value(factor, where) for factor in node.args)
            case sp.exp():
                return mp.exp(self.value(node.exp, where))
            case sp.Pow():
                return self._power(node, where)
            case sp.Sum():
                return self._remembered(node, where, self._sum)
            case sp.Integral():
                ((variable, lower, upper),) = node.limits
                ends = [self.value(lower, where), self.value(upper, where)]
                return mp.quad(lambda s: self.value(node.function, {**where, variable: s}), ends)
        if node in (sp.pi, sp.E):
            return +mp.pi if node == sp.pi else mp.e()
        if type(node) in _FUNCTIONS:
            argument = self.value(node.args[0], where)
            return _real(getattr(mp, _FUNCTIONS[type(node)])(argument), node, argument)
        if isinstance(node, sp.Float):
            raise Unsupported(f"the float {node} stands in the expression; write an exact rational")
        raise Unsupported(f"{node} cannot be evaluated; known are sums, products, powers, integrals, pi, exp, {', '.join(_FUNCTIONS.values())}")

    def _power(self, node: sp.Pow, where: Mapping[sp.Symbol, Any]) -> Any:
        base, exponent = self.value(node.base, where), self.value(node.exp, where)
        if base == 0 and exponent < 0:
            raise OutOfDomain(f"{node} divides by {node.base}, which is 0 here")
        return _real(base ** (int(exponent) if exponent == int(exponent) else exponent), node, base)

    def _sum(self, node: sp.Sum, where: Mapping[sp.Symbol, Any]) -> Any:
        *rest, (index, lower, upper) = node.limits
        inner = sp.Sum(node.function, *rest) if rest else node.function
        ends = int(self.value(lower, where)), int(self.value(upper, where)) + 1
        return mp.fsum(self.value(inner, {**where, index: n}) for n in range(*ends))

    def _entry(self, name: str, entries: tuple[int, ...]) -> Any:
        if name in self.values:
            given = self.values[name]
            found = shape(given)
            if len(found) != len(entries) or any(not 0 <= n < length for n, length in zip(entries, found, strict=True)):
                raise InvalidProblem(f"{name} was given with the shape {found}, and its entry {list(entries)} is wanted")
            return _number(at(given, entries), name)
        family = self._definition(name)
        key = name, entries
        if key not in self.known:
            own = [index for index, _ in family.indices]
            self.known[key] = self.value(family.value, dict(zip(own, entries, strict=True)))
        return self.known[key]

    def _scalar(self, symbol: sp.Symbol) -> Any:
        if symbol.name in self.values:
            return _number(self.values[symbol.name], symbol.name)
        if symbol.name in self.sizes:
            return mp.mpf(self.sizes[symbol.name])
        return self._entry(symbol.name, ())

    def _definition(self, name: str) -> Family:
        for definition in self.setting.definitions:
            if definition.name == name:
                return definition.family
        raise InvalidProblem(f"{name} has no value here and is no definition of the setting; values are known for {', '.join(self.values)}")

    def _remembered(self, node: sp.Expr, where: Mapping[sp.Symbol, Any], compute: Any) -> Any:
        key = node, tuple((symbol, where[symbol]) for symbol in sorted(node.free_symbols & where.keys(), key=str))
        if key not in self.known:
            self.known[key] = compute(node, where)
        return self.known[key]


def _number(value: Any, name: str) -> Any:
    if isinstance(value, Fraction):
        return mp.mpf(value.numerator) / value.denominator
    if isinstance(value, np.floating | np.integer):
        value = value.item()
    found = mp.mpf(value)
    if not mp.isfinite(found):
        raise OutOfDomain(f"{name} has the value {found}; a finite number is wanted")
    return found


def _real(value: Any, node: sp.Expr, argument: Any) -> Any:
    if isinstance(value, mp.mpc) or not mp.isfinite(value):
        raise OutOfDomain(f"{node} has no real value at {mp.nstr(argument, 10)}")
    return value
