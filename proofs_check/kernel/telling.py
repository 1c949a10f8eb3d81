"""What a certificate is about, in words a person can read: the statement line by line, and the numbers it is asserted for.

Expressions are written as in theory files, with the range of every sum beside its index: sum(i < N, u[i]**2). Nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import assert_never

from flint import fmpq

from .instance import rational
from .language import (
    ROLES,
    Add,
    AtMost,
    Count,
    Equal,
    Evolves,
    Family,
    Fn,
    Gradient,
    Integral,
    Json,
    Mul,
    Number,
    Pow,
    Ref,
    Size,
    Statement,
    Sum,
    Symbol,
    Tree,
    read_statement,
)
from .leaf import read_polar

_SIGNS = {"positive": " > 0", "nonnegative": " >= 0", "nonzero": " != 0", "real": ""}
_ROLES = {"parameter": "parameters", "constant": "constants", "cotangent": "unknown functions of time", "time": "time"}
_LONGEST = 100  # characters of numbers that are shown; longer ones are counted


def tell(certificate: Json) -> tuple[str, ...]:
    """Let a certificate be accepted: a line for everything that its statement declares, defines, assumes and claims, and for its numbers.

    Numbers are told where the checker of the kind has read them, and under declared names: what else a certificate may hold is not told.
    """
    kind = certificate["kind"]
    if kind == "settle":
        return tell(certificate["enclosure"])
    if kind == "limit":
        return tuple(_diagonal(certificate))
    statement = read_statement(certificate["statement"])
    if kind in ("enclosure", "ends"):  # the claim of their statements is 0 = 0: what they establish is about the trajectory
        return (*_setting(statement), *_numbers(statement, certificate, ("constant",)), *_starts(statement, certificate))
    told = [*_setting(statement), f"claim: {_claim(statement)}"]
    if kind == "at-limit":
        for name, end in certificate["ends"].items():
            told += [f"{name} is the {end['of']} of", *(f"  {line}" for line in tell(end["certificate"]))]
    if kind in ("counterexample", "at-limit"):
        told += _numbers(statement, certificate)
    elif kind == "count":
        told += _numbers(statement, certificate["point"])
    elif kind != "all-sizes" and certificate.get("instance") is not None:
        told += _numbers(statement, certificate["instance"])
    return tuple(told)


def _diagonal(certificate: Json) -> Iterator[str]:
    """The flow of a limit, which has no statement: its model is fixed."""
    polar = read_polar(certificate)
    yield "definition: x[i] = w[i]**L"
    yield "definition: F = |A x - y|**2/2"
    yield (
        "flow: gradient flow of w"
        if polar.kappa is None
        else "flow: gradient flow of r and u, w = r*u, |u| = 1, with the rates 1 for r and kappa for u"
    )
    yield f"at: L = {polar.depth}" + ("" if polar.kappa is None else f", kappa = {polar.kappa}")
    yield _tensor("A =", certificate["matrix"])
    yield _tensor("y =", certificate["target"])
    yield _tensor("w(0) =" if polar.exponent == 1 else f"w(0)**{_tight(Number(1 / polar.exponent))} =", certificate["start"]["values"])


def _setting(statement: Statement) -> Iterator[str]:
    """What the statement declares, defines and assumes."""
    if statement.sizes:
        yield f"sizes: {', '.join(statement.sizes)}"
    for role, words in _ROLES.items():
        declared = [_declared(symbol) for symbol in statement.symbols.values() if symbol.role == role]
        if declared:
            yield f"{words}: {', '.join(declared)}"
    for name, family in statement.definitions.items():
        yield f"definition: {_entry(name, family)} = {written(family.value)}"
    spheres = statement.flow.spheres if statement.flow else ()
    for hypothesis in statement.hypotheses[: len(statement.hypotheses) - len(spheres)]:
        yield f"given: {written(hypothesis.value)} = 0{_range(hypothesis.indices)}"
    for group in spheres:
        yield f"on the unit sphere: {', '.join(group)}"
    if statement.flow is not None:
        held = f", where {', '.join(sorted(statement.flow.held))} is held" if statement.flow.held else ""
        yield f"potential: P = {written(statement.flow.pairing)}{held}"
        for name in statement.symbols:
            if name in statement.flow.rates or name in statement.flow.drift:
                yield f"flow: {_velocity(statement, name)}"


def _declared(symbol: Symbol) -> str:
    return f"{symbol.name}{_bracket(symbol.shape)}{_SIGNS[symbol.sign]}"


def _bracket(entries: tuple[Size, ...]) -> str:
    return f"[{','.join(map(str, entries))}]" if entries else ""


def _entry(name: str, family: Family) -> str:
    return name + _bracket(tuple(index for index, _ in family.indices))


def _range(indices: tuple[tuple[str, Size], ...]) -> str:
    return f" for all {', '.join(f'{name} < {size}' for name, size in indices)}" if indices else ""


def _velocity(statement: Statement, name: str) -> str:
    assert statement.flow is not None
    rate, drift = statement.flow.rates.get(name), statement.flow.drift.get(name)
    terms = []
    if rate is not None:
        projected = any(name in group for group in statement.flow.spheres)
        slope = f"dP/d{_entry(name, rate)}"
        factor = "" if rate.value == Number(fmpq(1)) else f"{_tight(rate.value)}*"
        terms.append(f"-{factor}{f'projected({slope})' if projected else slope}")
    if drift is not None:
        terms.append(written(drift.value))
    family = rate or drift
    assert family is not None
    return f"d/dt {_entry(name, family)} = {_added(terms)}"


def _claim(statement: Statement) -> str:
    claim = statement.claim
    match claim:
        case Count(least, most):
            return f"{least} independent laws, and no more" if least == most else f"between {least} and {most} independent laws"
        case Gradient(of, by, indices, value):
            told = f"d/d{by}{_bracket(tuple(name for name, _ in indices))} of {written(of)} = {written(value)}"
        case AtMost(sides, strict, where):
            told = f"{_left(sides)} {'<' if strict else '<='} {_right(sides)}"
            told += f" where {', '.join(f'{name} >= 0' for name in where)}" if where else ""
        case _:
            told = f"{_left(claim)} = {_right(claim)}"
    return told + _range(claim.indices)


def _left(sides: Equal | Evolves) -> str:
    return written(sides.left) if isinstance(sides, Equal) else f"d/dt of {written(sides.quantity)}"


def _right(sides: Equal | Evolves) -> str:
    return written(sides.right if isinstance(sides, Equal) else sides.rate)


def _numbers(statement: Statement, given: Json, roles: Collection[str] = ROLES) -> Iterator[str]:
    """The sizes and the single numbers on one line, the tensors on lines of their own."""
    values = {name: given["values"][name] for name, symbol in statement.symbols.items() if symbol.role in roles and name in given["values"]}
    single = [f"{name} = {given['sizes'][name]}" for name in statement.sizes]
    single += [f"{name} = {_number(value)}" for name, value in values.items() if not isinstance(value, list)]
    if single:
        yield f"at: {', '.join(single)}"
    yield from (_tensor(f"{name} =", value) for name, value in values.items() if isinstance(value, list))


def _starts(statement: Statement, certificate: Json) -> Iterator[str]:
    """Where the parameters begin, and how far beside these values parameters and constants may lie."""
    radii = certificate.get("radii", {})
    yield from (_tensor(f"{name}(0) =", certificate["start"][name]) for name, symbol in statement.symbols.items() if symbol.role == "parameter")
    yield from (_tensor(f"every {name} that differs from this by at most", radii[name]) for name in statement.symbols if name in radii)


def _tensor(words: str, value: Json) -> str:
    """Its numbers, or how many there are where that is long."""
    told = _number(value)
    return f"at: {words} {told if len(told) <= _LONGEST else f'{_count(value)} numbers of the certificate'}"


def _number(value: Json) -> str:
    return f"[{', '.join(map(_number, value))}]" if isinstance(value, list) else str(rational(value))


def _count(value: Json) -> int:
    return sum(map(_count, value)) if isinstance(value, list) else 1


def written(tree: Tree) -> str:
    """The expression as a line of text; sums and products are taken from the left, powers bind most tightly."""
    match tree:
        case Number(value):
            return str(value)
        case Ref(name, indices):
            return name + _bracket(indices)
        case Add(args):
            return _added([written(arg) for arg in args] or ["0"])
        case Mul(args):
            return _product(args)
        case Pow(base, Number(value)) if 2 * value == 1:
            return f"sqrt({written(base)})"
        case Pow(base, exponent):
            return f"{_tight(base)}**{_tight(exponent)}"
        case Sum(index, size, body):
            return f"sum({index} < {size}, {written(body)})"
        case Fn(name, arg):
            return f"{name}({written(arg)})"
        case Integral(variable, upper, body):
            return f"integral(0 < {variable} < {written(upper)}, {written(body)})"
    assert_never(tree)


def _added(terms: list[str]) -> str:
    first, *rest = terms
    return first + "".join(f" - {term[1:]}" if term.startswith("-") else f" + {term}" for term in rest)


def _product(args: tuple[Tree, ...]) -> str:
    """Factors, and what has a negative whole power below the line; a factor -1 in front is a sign."""
    above, below = [], []
    for arg in args:
        match arg:
            case Pow(base, Number(value)) if value < 0 and value.q == 1:
                below.append(_tight(base) if value == -1 else f"{_tight(base)}**{-value}")
            case Add() | Mul():
                above.append(f"({written(arg)})")
            case Number(value) if value < 0 or value.q != 1:
                above.append(str(value) if not above else f"({value})")
            case _:
                above.append(written(arg))
    sign = ""
    if above and above[0] == "-1" and len(above) > 1:
        sign, above = "-", above[1:]
    return sign + "".join(["*".join(above) or "1", *(f"/{factor}" for factor in below)])


def _tight(tree: Tree) -> str:
    """As the base or the exponent of a power: in brackets unless it is a name, a whole number or a call."""
    match tree:
        case Ref() | Sum() | Fn() | Integral():
            return written(tree)
        case Number(value) if value >= 0 and value.q == 1:
            return written(tree)
    return f"({written(tree)})"
