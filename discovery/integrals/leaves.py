"""Curves cut out by laws: the coordinates of a block as functions of one of them, on the common level set of the laws of the block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sympy as sp

from ..explicit.system import System


@dataclass(frozen=True)
class Leaf:
    """Let $y_j = \\varphi_j(\\xi, C)$ on the curve where the laws have the values C.

    `curve` gives the $\\varphi_j$ and `constants` the law that each C is the value of. Even roots are the positive ones: the formulas are written in
    positive `names` for the coordinates, which `original` takes back to the symbols of the system.
    """

    along: sp.Symbol
    curve: Mapping[sp.Symbol, sp.Expr]
    constants: Mapping[sp.Symbol, sp.Expr]
    names: Mapping[sp.Symbol, sp.Symbol]

    def on(self, expression: sp.Expr) -> sp.Expr:
        """An expression in the symbols of the system, as a function of the coordinate along the curve and of the constants."""
        return expression.xreplace(dict(self.names)).subs(self.curve)

    def off(self, expression: sp.Expr) -> sp.Expr:
        """A function on the curve as one of the coordinates: each constant is the value of its law."""
        back = {new: old for old, new in self.names.items()}
        return flattened(expression.subs(self.constants)).xreplace(back)


def spelled(system: System) -> dict[sp.Symbol, sp.Expr]:
    """Each adjoined coordinate as the function that it is, in the symbols of the entries."""
    entries = {system.meanings[symbol]: symbol for symbol in system.symbols[: len(system.places)]}
    return {symbol: system.meanings[symbol].xreplace(entries) for symbol in system.symbols[len(system.places) :]}


def leaf(symbols: Sequence[sp.Symbol], along: sp.Symbol, laws: Sequence[sp.Expr]) -> Leaf | None:
    """The level sets of laws, solved for all of the given coordinates but one; None if that takes more than one power or function at a time."""
    names = {symbol: sp.Symbol(f"{symbol.name}p", positive=True) for law in laws for symbol in law.free_symbols} | {
        symbol: sp.Symbol(f"{symbol.name}p", positive=True) for symbol in symbols
    }
    constants = {sp.Symbol(f"C_{n}", real=True): law.xreplace(names) for n, law in enumerate(laws)}
    unknown = {names[symbol] for symbol in symbols if symbol != along}
    curve: dict[sp.Symbol, sp.Expr] = {}
    waiting = [law - constant for constant, law in constants.items()]
    while waiting:
        found = next(((n, y, value) for n, law in enumerate(waiting) for y, value in [_solved(law, unknown - curve.keys())] if y is not None), None)
        if found is None:
            return None
        n, y, value = found
        del waiting[n]
        curve[y] = value
        waiting = [law.subs(y, value) for law in waiting]
    return Leaf(names[along], curve, constants, names) if curve.keys() == unknown else None


def _solved(law: sp.Expr, unknown: set[sp.Symbol]) -> tuple[sp.Symbol | None, sp.Expr]:
    """(y, value) if y is the only unknown in law = 0, and stands in it as a + b f(y) with f a power, a logarithm or an exponential."""
    inside = law.free_symbols & unknown
    if len(inside) == 1:
        (y,) = inside
        a, b = sp.expand(law).as_independent(y, as_Add=True)
        powers = {term.as_independent(y, as_Add=False)[1] for term in sp.Add.make_args(b)}
        if len(powers) == 1:
            (f,) = powers
            value = flattened(-a / sp.Add(*(term.as_independent(y, as_Add=False)[0] for term in sp.Add.make_args(b))))
            match f:
                case sp.Symbol():
                    return y, value
                case sp.exp(args=(arg,)) if arg.has(y) and (rate := arg / y).is_Rational:
                    return y, sp.log(value) / rate
                case sp.Pow(base=base, exp=exponent) if base == y and exponent.is_Rational:
                    return y, flattened(value ** (1 / exponent))
                case sp.log(args=(arg,)) if arg == y:
                    return y, sp.exp(value)
    return None, sp.S.Zero


def flattened(expression: sp.Expr) -> sp.Expr:
    """The same with exponents multiplied out, what stands under roots factored, and powers taken out of logarithms."""
    result = expression.replace(lambda node: isinstance(node, sp.exp), lambda node: sp.exp(sp.expand(node.args[0])))
    result = result.replace(
        lambda node: isinstance(node, sp.Pow) and node.exp.is_Rational and not node.exp.is_Integer,
        lambda node: sp.factor(node.base) ** node.exp,
    )
    result = result.replace(lambda node: isinstance(node, sp.log) and isinstance(node.args[0], sp.Pow), _log_of_power)
    return sp.factor(result) if result.is_rational_function() else result


def _log_of_power(node: sp.Expr) -> sp.Expr:
    base, exponent = node.args[0].as_base_exp()
    return exponent * sp.log(base)
