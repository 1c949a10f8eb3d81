"""Expressions and settings as plain JSON: the language in which certificates state what they prove."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import sympy as sp

from .settings import Setting
from .symbols import Family, fresh, index

Json: TypeAlias = Any

_FUNCTIONS: Mapping[type[sp.Expr], str] = {
    sp.log: "log",
    sp.exp: "exp",
    sp.sin: "sin",
    sp.cos: "cos",
    sp.asinh: "asinh",
    sp.atan: "atan",
    sp.atanh: "atanh",
    sp.Abs: "abs",
}
_AS_EXPONENTIALS = (sp.sinh, sp.cosh, sp.tanh)
_AS_SINES: Mapping[type[sp.Expr], Callable[[sp.Expr], sp.Expr]] = {sp.tan: lambda a: sp.sin(a) / sp.cos(a)}
FUNCTION_NAMES = ("abs", "asinh", "atan", "atanh", "cos", "cosh", "exp", "log", "sin", "sinh", "sqrt", "tan", "tanh")


class Unstatable(ValueError):
    """An expression that the language of certificates has no word for."""


def tree(expression: sp.Expr, declared: frozenset[str] = frozenset()) -> Json:
    """The expression as a tree of lists; a summation index that would hide another name, or a declared one, gets a new one.

    >>> from theory.symbols import Variable, size
    >>> r = Variable("r", (), "parameter", "positive")
    >>> tree(r[()] ** 2 / 2)
    ['*', ['/', 1, 2], ['^', 'r', 2]]
    """
    return _tree(expression, declared | {symbol.name for symbol in expression.free_symbols})


def _tree(expression: sp.Expr, scope: frozenset[str]) -> Json:
    match expression:
        case sp.Integer():
            return int(expression)
        case sp.Rational():
            return ["/", int(expression.p), int(expression.q)]
        case sp.Indexed():
            return ["at", expression.base.name, *(int(i) if i.is_Integer else i.name for i in expression.indices)]
        case sp.Symbol():
            return expression.name
        case sp.Add():
            return ["+", *(_tree(arg, scope) for arg in expression.args)]
        case sp.Mul():
            return ["*", *(_tree(arg, scope) for arg in expression.args)]
        case sp.exp():
            return ["exp", _tree(expression.exp, scope)]
        case sp.Pow():
            return ["^", _tree(expression.base, scope), _tree(expression.exp, scope)]
        case sp.Sum():
            names = {}
            for bound in expression.variables:
                if bound.name in scope:
                    names[bound] = fresh(bound, {index(name) for name in scope} | expression.atoms(sp.Symbol))
                scope = scope | {names.get(bound, bound).name}
            body = _tree(expression.function.xreplace(names), scope)
            for bound, _, upper in expression.limits:
                body = ["sum", names.get(bound, bound).name, length(upper + 1), body]
            return body
        case sp.Integral():
            ((variable, _, upper),) = expression.limits
            return ["integral", variable.name, _tree(upper, scope), _tree(expression.function, scope | {variable.name})]
    if expression == sp.E:
        return ["exp", 1]
    if isinstance(expression, _AS_EXPONENTIALS):
        return _tree(expression.rewrite(sp.exp), scope)
    for function, rewritten in _AS_SINES.items():
        if isinstance(expression, function):
            return _tree(rewritten(expression.args[0]), scope)
    if type(expression) in _FUNCTIONS and len(expression.args) == 1:
        return [_FUNCTIONS[type(expression)], _tree(expression.args[0], scope)]
    raise Unstatable(f"{expression} cannot be stated in a certificate: known are sums, products, powers, integrals and {', '.join(FUNCTION_NAMES)}")


def length(value: sp.Expr) -> str | int:
    """A size: its name, or the number."""
    value = sp.sympify(value)
    return int(value) if value.is_Integer else str(value)


def family_tree(family: Family, key: str = "value", declared: frozenset[str] = frozenset()) -> Json:
    """A family with its indices, which get new names where theirs are declared ones."""
    taken = {index(name) for name in declared} | family.value.atoms(sp.Symbol)
    own: list[sp.Symbol] = []
    for name, _ in family.indices:
        own.append(fresh(name, taken | set(own)) if name.name in declared else name)
    value = family.at(own) if own != [name for name, _ in family.indices] else family.value
    indices = [[name.name, length(size)] for name, (_, size) in zip(own, family.indices, strict=True)]
    return {"indices": indices, key: tree(value, declared)}


def declared_names(setting: Setting) -> frozenset[str]:
    """What no index may be called."""
    return frozenset(entry.name for entry in (*setting.variables, *setting.definitions, *setting.sizes))


def setting_tree(setting: Setting) -> Json:
    """Everything of a statement but its claim."""
    flow, declared = setting.flow, declared_names(setting)
    return {
        "sizes": [str(name) for name in setting.sizes],
        "symbols": {v.name: {"role": v.role, "shape": [length(size) for size in v.shape], "sign": v.sign} for v in setting.variables},
        "definitions": [{"name": d.name, **family_tree(d.family, declared=declared)} for d in setting.definitions],
        "hypotheses": [family_tree(h, "zero", declared) for h in setting.hypotheses],
        "flow": flow
        and {
            "pairing": tree(flow.pairing, declared),
            "held": list(flow.held),
            "spheres": [list(group) for group in flow.space.spheres],
            "rates": {name: family_tree(rate, declared=declared) for name, rate in flow.rates.items()},
            "drift": {name: family_tree(drift, declared=declared) for name, drift in flow.drift.items()},
        },
    }
