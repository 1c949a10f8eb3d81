"""mpmath source, straight from the index notation: comprehensions over indices and exactly rounded sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy as sp
from mpmath import mp

from theory.symbols import Family, away_from

from ..errors import Unsupported
from ..exact import Exact
from ..program import Program, Step
from .emitter import Emitter
from .text import assignment, documentation, header, lengths_used, power, shape, signature

_FUNCTIONS: Mapping[type[sp.Function], str] = {
    sp.log: "mp.log",
    sp.sin: "mp.sin",
    sp.cos: "mp.cos",
    sp.tan: "mp.tan",
    sp.asin: "mp.asin",
    sp.acos: "mp.acos",
    sp.atan: "mp.atan",
    sp.sinh: "mp.sinh",
    sp.cosh: "mp.cosh",
    sp.tanh: "mp.tanh",
    sp.asinh: "mp.asinh",
    sp.acosh: "mp.acosh",
    sp.atanh: "mp.atanh",
    sp.Abs: "abs",
    sp.sign: "mp.sign",
}


def emit(program: Program, title: str) -> str:
    """The source of `velocity` for mpmath, at whatever precision `mp` has when it is called."""
    lines = [header(program, title, "mpmath"), "from mpmath import mp", "", "", signature(program, program.time_name), *documentation(program)]
    body: list[str] = []
    names = {variable.name for variable in program.variables} | {step.name for step in program.steps} | {length.name for length in program.sizes}
    for step in program.steps:
        step, hoisted = _hoist(_with_own_letters(step, names), names)
        for sum_ in hoisted:
            body += assignment(sum_.name, _text(sum_.family.value, 0), "the same for every index")
        body += assignment(step.name, _comprehension(step), shape(step.shape))
    used = {length for step in program.steps for length in _lengths(step)}
    for length, name, axis in lengths_used(program, used):
        lines.append(f"    {length} = len({name}{'[0]' * axis})")
    results = [step.name for step in program.velocities]
    lines += [*body, f"    return {', '.join(results)}{',' if len(results) == 1 else ''}"]
    return "\n".join(lines) + "\n"


def _lengths(step: Step) -> set[sp.Symbol]:
    found = {symbol for length in step.shape for symbol in sp.sympify(length).free_symbols}
    return found | {symbol for symbol in step.family.value.free_symbols if isinstance(symbol, sp.Symbol)}


def _with_own_letters(step: Step, names: set[str]) -> Step:
    """The step with no index spelt like a variable: inside a comprehension it would hide it."""
    value = step.family.value
    bound = {index for node in value.atoms(sp.Sum) for index in node.variables} | {index for index, _ in step.family.indices}
    letters = {index: sp.Symbol(f"{index.name}_index", integer=True, nonnegative=True) for index in bound if index.name in names}
    indices = tuple((letters.get(index, index), length) for index, length in step.family.indices)
    return Step(step.name, Family(indices, value.xreplace(letters)))


def _hoist(step: Step, names: set[str]) -> tuple[Step, list[Step]]:
    """The sums that do not depend on the indices of the step, under names of their own, so that they are computed once."""
    own = {index for index, _ in step.family.indices}
    if not own:
        return step, []
    found: dict[sp.Expr, Step] = {}

    def visit(node: sp.Expr) -> sp.Expr:
        if isinstance(node, sp.Sum) and not node.free_symbols & own:
            if node not in found:
                name = next(name for n in range(1, 1000) if (name := f"sum_{n}") not in names)
                names.add(name)
                found[node] = Step(name, Family((), node))
            return sp.Symbol(found[node].name, real=True)
        if isinstance(node, sp.Sum | sp.Indexed) or not node.args:
            return node
        return node.func(*(visit(arg) for arg in node.args))

    value = visit(away_from(step.family.value, own))
    return Step(step.name, Family(step.family.indices, value)), list(found.values())


def _comprehension(step: Step) -> str:
    text = _text(away_from(step.family.value, {index for index, _ in step.family.indices}), 0)
    for index, length in reversed(step.family.indices):
        text = f"[{text} for {index.name} in range({length})]"
    return text


@dataclass(frozen=True)
class _Piece:
    text: str
    strength: int  # 0 sum, 1 product, 2 sign, 3 power, 4 atom


def _text(node: sp.Expr, room: int) -> str:
    piece = _piece(node)
    return piece.text if piece.strength >= room else f"({piece.text})"


def _piece(node: sp.Expr) -> _Piece:
    match node:
        case sp.Integer():
            return _Piece(str(node), 4 if node >= 0 else 2)
        case sp.Rational():
            return _Piece(f"mp.mpf({node.p}) / {node.q}", 1)
        case sp.Indexed():
            return _Piece(node.base.name + "".join(f"[{entry}]" for entry in node.indices), 4)
        case sp.Symbol():
            # An index or a length as a value; the quotient of two ints would be a double.
            return _Piece(f"mp.mpf({node.name})" if node.is_integer else node.name, 4)
        case sp.Add():
            first, *rest = (_text(term, 1) for term in node.as_ordered_terms())
            return _Piece(first + "".join(f" - {term[1:]}" if term.startswith("-") else f" + {term}" for term in rest), 0)
        case sp.Mul():
            return _product(node)
        case sp.exp():
            return _Piece(f"mp.exp({_text(node.exp, 0)})", 4)
        case sp.Pow():
            if node.exp == sp.Rational(1, 2):
                return _Piece(f"mp.sqrt({_text(node.base, 0)})", 4)
            if node.exp == sp.Rational(-1, 2):
                return _Piece(f"1 / mp.sqrt({_text(node.base, 0)})", 1)
            base = f"mp.mpf({node.base})" if node.base.is_Integer else _text(node.base, 4)
            return _Piece(power(base, _text(node.exp, 4)), 3)
        case sp.Sum():
            return _sum(node)
    if node in (sp.pi, sp.E):
        return _Piece("mp.pi" if node == sp.pi else "mp.e", 4)
    if type(node) in _FUNCTIONS:
        return _Piece(f"{_FUNCTIONS[type(node)]}({_text(node.args[0], 0)})", 4)
    if isinstance(node, sp.Float):
        raise Unsupported(f"the float {node} stands in the expression; write an exact rational")
    raise Unsupported(f"{node} has no mpmath counterpart; known are sums, products, powers and {', '.join(_FUNCTIONS.values())}")


def _product(node: sp.Expr) -> _Piece:
    coefficient, rest = node.as_coeff_Mul()
    factors = [_text(factor, 2) for factor in rest.as_ordered_factors()]
    if abs(coefficient) != 1:
        factors.insert(0, _text(abs(coefficient), 1))
    text = " * ".join(factors)
    return _Piece(f"-{text}" if coefficient < 0 else text, 1)


def _sum(node: sp.Sum) -> _Piece:
    """`mp.fdot` for a sum of products, `mp.fsum` for every other; several limits are one generator."""
    loops = " ".join(f"for {index.name} in range({_range(lower, upper + 1)})" for index, lower, upper in reversed(node.limits))
    factors = node.function.as_ordered_factors() if isinstance(node.function, sp.Mul) else []
    if len(factors) == 2 and not any(factor.is_Number for factor in factors):
        return _Piece(f"mp.fdot(({_text(factors[0], 0)}, {_text(factors[1], 0)}) {loops})", 4)
    return _Piece(f"mp.fsum({_text(node.function, 0)} {loops})", 4)


def _range(lower: sp.Expr, stop: sp.Expr) -> str:
    return str(stop) if lower == 0 else f"{lower}, {stop}"


def values(value: Exact) -> Any:
    """Exact numbers as `mpf` at the precision of now, in nested tuples. Never an int: the quotient of two ints would be a double."""
    if isinstance(value, Fraction):
        return mp.mpf(value.numerator) / value.denominator
    return tuple(values(entry) for entry in value)


EMITTER = Emitter(emit, values, None)
