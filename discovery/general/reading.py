"""Index polynomials read back as expressions that a person recognises."""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp
from flint import fmpq

from proofs_check.kernel.index import Atom, Exponent, Poly, Term
from theory.settings import Setting
from theory.symbols import index, total

_FUNCTIONS = {"log": sp.log, "sin": sp.sin, "cos": sp.cos, "asinh": sp.asinh, "atan": sp.atan, "atanh": sp.atanh, "abs": sp.Abs}
_LETTERS = "ijklmnpqrsabcdefgh"


def letters(setting: Setting, count: int, avoid: frozenset[str] = frozenset()) -> tuple[sp.Symbol, ...]:
    """Names for indices that nothing in the setting is called."""
    taken = {entry.name for entry in (*setting.variables, *setting.definitions, *setting.sizes)} | avoid
    names = [*_LETTERS, *(f"i{n}" for n in range(1, 100))]
    return tuple(index(name) for name in [name for name in names if name not in taken][:count])


def expression(setting: Setting, poly: Poly, names: Mapping[str, sp.Symbol]) -> sp.Expr:
    """The polynomial over the symbols of a setting, its free indices named as given."""
    return sp.Add(*(_term(setting, term, coefficient, names) for term, coefficient in poly.terms.items()))


def _term(setting: Setting, term: Term, coefficient: fmpq, names: Mapping[str, sp.Symbol]) -> sp.Expr:
    own = letters(setting, len(term.bound), frozenset(symbol.name for symbol in names.values()))
    within = {**names, **{name: symbol for (name, _), symbol in zip(term.bound, own, strict=True)}}
    factors = [_atom(setting, atom, within) ** _exponent(setting, exponent, within) for atom, exponent in term.factors]
    if term.power:
        factors.append(sp.exp(expression(setting, term.power, within)))
    held = set(own)
    inside = [factor for factor in factors if factor.free_symbols & held]
    outside = [factor for factor in factors if not factor.free_symbols & held]
    body = sp.Mul(*inside)
    for symbol, (_, size) in zip(own, term.bound, strict=True):
        body = total(body, (symbol, _size(setting, size)))
    return sp.Rational(int(coefficient.p), int(coefficient.q)) * sp.Mul(*outside) * body


def _exponent(setting: Setting, exponent: Exponent, names: Mapping[str, sp.Symbol]) -> sp.Expr:
    return expression(setting, exponent, names) if isinstance(exponent, Poly) else sp.Rational(int(exponent.p), int(exponent.q))


def _size(setting: Setting, size: str | int) -> sp.Expr:
    return sp.Integer(size) if isinstance(size, int) else next(symbol for symbol in setting.sizes if symbol.name == size)


def _atom(setting: Setting, atom: Atom, names: Mapping[str, sp.Symbol]) -> sp.Expr:
    match atom.kind:
        case "entry" if any(symbol.name == atom.name for symbol in setting.sizes):
            return _size(setting, atom.name)
        case "entry":
            return setting[atom.name][tuple(sp.Integer(i) if isinstance(i, int) else names[i] for i in atom.indices)]
        case "prime":
            return sp.Integer(int(atom.name))
        case "base":
            return expression(setting, atom.inside[0], names)
        case "integral":
            raise NotImplementedError("an integral in a law")
    return _FUNCTIONS[atom.kind](expression(setting, atom.inside[0], names))
