"""Source straight from the index notation: comprehensions over indices, for arithmetic that knows no arrays.

What differs from one library to the next is a `Dialect`; the text is built here once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import sympy as sp

from theory.symbols import Family, away_from

from ..errors import Unsupported
from ..program import Program, Step
from .text import assignment, lengths_used, power, shape


@dataclass(frozen=True)
class Piece:
    """Text, and how tightly it binds: 0 a sum, 1 a product, 2 a sign, 3 a power, 4 an atom."""

    text: str
    strength: int


@dataclass(frozen=True)
class Dialect:
    """Let a library have numbers of its own.

    `functions` are templates such as `mp.log({})` or `{}.log()`; `constants` the texts of pi and e; `whole` a template that makes an integer,
    an index or a length one of the library's numbers; `fraction` the text of a rational that is not whole; `total` a template around
    `term for i in range(N)`, `dot`, where there is one, around two factors and their loops. `bare_arguments` says whether functions take an int.
    """

    name: str
    functions: Mapping[type[sp.Function], str]
    constants: Mapping[sp.Expr, str]
    whole: str
    fraction: Callable[[sp.Rational], Piece]
    total: str
    dot: str | None = None
    bare_arguments: bool = True


def body(program: Program, dialect: Dialect, reserved: Iterable[str] = ()) -> list[str]:
    """The lines of the function: lengths, then every step, then what is returned."""
    lines: list[str] = []
    names = {variable.name for variable in program.variables} | {step.name for step in program.steps} | {length.name for length in program.sizes}
    names |= set(reserved)
    for step in program.steps:
        step, hoisted = _hoist(_with_own_letters(step, names), names)
        for sum_ in hoisted:
            lines += assignment(sum_.name, _text(sum_.family.value, 0, dialect), "the same for every index")
        lines += assignment(step.name, _comprehension(step, dialect), shape(step.shape))
    used = {length for step in program.steps for length in _lengths(step)}
    sizes = [f"    {length} = len({name}{'[0]' * axis})" for length, name, axis in lengths_used(program, used)]
    results = [step.name for step in program.velocities]
    return [*sizes, *lines, f"    return {', '.join(results)}{',' if len(results) == 1 else ''}"]


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


def _comprehension(step: Step, dialect: Dialect) -> str:
    text = _text(away_from(step.family.value, {index for index, _ in step.family.indices}), 0, dialect)
    for index, length in reversed(step.family.indices):
        text = f"[{text} for {index.name} in range({length})]"
    return text


def _text(node: sp.Expr, room: int, dialect: Dialect) -> str:
    piece = _piece(node, dialect)
    return piece.text if piece.strength >= room else f"({piece.text})"


def _piece(node: sp.Expr, dialect: Dialect) -> Piece:
    match node:
        case sp.Integer() if abs(node) <= 2**53:
            return Piece(str(node), 4 if node >= 0 else 2)
        case sp.Integer():
            return Piece(dialect.whole.format(node), 4)
        case sp.Rational():
            return dialect.fraction(node)
        case sp.Indexed():
            return Piece(node.base.name + "".join(f"[{entry}]" for entry in node.indices), 4)
        case sp.Symbol():
            # An index or a length as a value; the quotient of two ints would be a double.
            return Piece(dialect.whole.format(node.name) if node.is_integer else node.name, 4)
        case sp.Add():
            first, *rest = (_text(term, 1, dialect) for term in node.as_ordered_terms())
            return Piece(first + "".join(f" - {term[1:]}" if term.startswith("-") else f" + {term}" for term in rest), 0)
        case sp.Mul():
            return _product(node, dialect)
        case sp.exp():
            return _called(sp.exp, node.exp, dialect)
        case sp.Pow():
            return _power(node, dialect)
        case sp.Sum():
            return _sum(node, dialect)
    if node in dialect.constants:
        return Piece(dialect.constants[node], 4)
    if type(node) in dialect.functions:
        return _called(type(node), node.args[0], dialect)
    if isinstance(node, sp.Float):
        raise Unsupported(f"the float {node} stands in the expression; write an exact rational")
    known = ", ".join(sorted(function.__name__.lower() for function in dialect.functions))
    raise Unsupported(f"{node} has no {dialect.name} counterpart; known are sums, products, powers and {known}")


def _called(function: type[sp.Function], argument: sp.Expr, dialect: Dialect) -> Piece:
    template = dialect.functions[function]
    return Piece(template.format(_argument(argument, 4 if template.startswith("{}") else 0, dialect)), 4)


def _argument(node: sp.Expr, room: int, dialect: Dialect) -> str:
    """The text where a Python number will not do, `arb(2).sqrt()`."""
    if not node.is_Rational or (node.is_Integer and dialect.bare_arguments):
        return _text(node, room, dialect)
    top = dialect.whole.format(node.p)
    if node.is_Integer:
        return top
    text = f"{top} / {dialect.whole.format(node.q)}"
    return f"({text})" if room > 1 else text


def _power(node: sp.Pow, dialect: Dialect) -> Piece:
    if node.exp == sp.Rational(1, 2):
        return _called(sp.sqrt, node.base, dialect)
    if node.exp == sp.Rational(-1, 2):
        return Piece(f"1 / {_called(sp.sqrt, node.base, dialect).text}", 1)
    base = _argument(node.base, 4, dialect) if not node.base.is_Integer else dialect.whole.format(node.base)
    return Piece(power(base, _text(node.exp, 4, dialect)), 3)


def _product(node: sp.Expr, dialect: Dialect) -> Piece:
    coefficient, rest = node.as_coeff_Mul()
    factors = [_text(factor, 2, dialect) for factor in rest.as_ordered_factors()]
    if abs(coefficient) != 1:
        factors.insert(0, _text(abs(coefficient), 1, dialect))
    text = " * ".join(factors)
    return Piece(f"-{text}" if coefficient < 0 else text, 1)


def _sum(node: sp.Sum, dialect: Dialect) -> Piece:
    """One generator for all limits; a sum of products of two is a dot product where the library has one."""
    loops = " ".join(f"for {index.name} in range({_range(lower, upper + 1)})" for index, lower, upper in reversed(node.limits))
    factors = node.function.as_ordered_factors() if isinstance(node.function, sp.Mul) else []
    if dialect.dot and len(factors) == 2 and not any(factor.is_Number for factor in factors):
        return Piece(dialect.dot.format(_text(factors[0], 0, dialect), _text(factors[1], 0, dialect), loops), 4)
    return Piece(dialect.total.format(f"{_argument(node.function, 0, dialect)} {loops}"), 4)


def _range(lower: sp.Expr, stop: sp.Expr) -> str:
    return str(stop) if lower == 0 else f"{lower}, {stop}"
