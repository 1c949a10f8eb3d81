"""From [[claim]] to statements: what holds along the flow, or identically, for all values of the where-variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, cast

import sympy as sp

from ..settings import Definition, Instance, Setting, Values
from ..statements import Assertion, Equal, Evolves, Part, Statement
from ..symbols import Family, Indices, Variable, index, size, total
from .apart import apart, setting_apart, unused
from .declarations import SYMMETRIES, Declaration, declaration
from .errors import Document, Place, TheoryFileError, listed, nearest, shown
from .families import expression_place
from .flows import TIME, World, multiplied_out
from .grammar import holds_equation, mentioned, parse, parse_equation
from .ground import Ground, symmetric
from .meaning import Scope, meaning
from .tables import Toml, own_name

KERNELS = ("kernel", "ker", "null", "nullspace", "null_space")
LEFT_KERNELS = ("left_kernel", "left_null", "left_nullspace", "cokernel")
SOLUTIONS = ("solution",)
WHERE_WORDS = (*KERNELS, *LEFT_KERNELS, *SOLUTIONS, *SYMMETRIES)
KINDS = ("conserved", "identity", "quantity")
MOST_TERMS = 20_000  # of a claim, multiplied out
EXPONENT_VALUES = (3, 5, 7, 11, 13)  # of symbolic constants in exponents, at the explicit instance: away from the special 0, 1 and 2


@dataclass(frozen=True)
class _Given:
    """The where-variables and hypotheses of a claim, and what they say in words."""

    scope: Scope
    variables: tuple[Variable, ...] = ()
    definitions: tuple[Definition, ...] = ()
    hypotheses: tuple[Family, ...] = ()
    words: tuple[str, ...] = ()


def read_claims(document: Document, tables: Mapping[str, Toml], ground: Ground, world: World) -> tuple[Statement, ...]:
    """The claims of a file as statements, in their order."""
    everywhere = _equations(document, "given", tables.get("given", []), _Given(world.scope))
    found: dict[str, Statement] = {}
    for number, entries in enumerate(tables.get("claim", []), 1):
        name = entries.get("id")
        if not isinstance(name, str) or not name.strip():
            remedy = 'write id = "a-short-name"'
            raise document.place(f"[[claim]] number {number}").error(
                f"a claim needs an id, and {'none' if name is None else shown(name)} was given", remedy
            )
        if name in found:
            raise document.place(f"[[claim]] {name}").error("there are two claims with this id", "give every claim an id of its own")
        found[name] = _claim(document, name, entries, ground, world, everywhere)
    return tuple(found.values())


def _claim(document: Document, name: str, entries: Mapping[str, Toml], ground: Ground, world: World, everywhere: _Given) -> Statement:
    table = f"[[claim]] {name}"
    for key in ("title", "text", "citation"):
        if not isinstance(entries.get(key, ""), str):
            raise document.place(f"{table}, {key}").error(f"a text was wanted, and {shown(entries[key])} was given", "put it in double quotes")
    expect = entries.get("expect", "proved")
    if expect not in ("proved", "refuted"):
        raise document.place(f"{table}, expect").error(f"{shown(expect)} was given", 'write expect = "proved" or "refuted"')
    given = _where(document, table, entries.get("where", {}), ground, everywhere)
    given = _equations(document, f"{table}, given", entries.get("given", []), given)
    assertion, uses_time = _assertion(document, table, entries, given.scope)
    sides = (assertion.quantity, assertion.rate) if isinstance(assertion, Evolves) else (assertion.left, assertion.right)
    if max(multiplied_out(world.setting.unfold(side)) for side in sides) > MOST_TERMS:
        raise document.place(table).error(f"the claim has more than {MOST_TERMS} terms when it is multiplied out", "state a smaller one")
    if isinstance(assertion, Evolves) and world.setting.flow is None:
        raise document.place(table).error(
            "the claim is about a flow, and the file has none", "write [model] with predictor and loss, or [flow] with a field"
        )
    if isinstance(assertion, Evolves):
        _of_parameters(document, table, entries, assertion, world, ground)
    setting = world.setting.having(*given.variables, definitions=given.definitions, hypotheses=given.hypotheses)
    if uses_time and TIME not in setting.variables:
        setting = setting.having(TIME)
    setting = setting_apart(_with_instance(setting, assertion, ground))
    parts = [Part(setting, _apart(assertion, setting))]
    if isinstance(assertion, Evolves) and expect == "proved":
        for group, radial in world.tangent:
            told = f"the field is tangent to the sphere of {' and '.join(group)}"
            parts.append(Part(setting, _apart(Equal(radial, sp.S.Zero), setting), told))
    return Statement(
        id=name,
        title=entries.get("title", name),
        parts=tuple(parts),
        domain=_domain(setting, ground),
        given=given.words,
        citation=entries.get("citation", ""),
        provenance=document.file,
        expect=cast('Literal["proved", "refuted"]', expect),
    )


# ---- what is asserted ------------------------------------------------------------------------------------------------------------------------


def _assertion(document: Document, table: str, entries: Mapping[str, Toml], scope: Scope) -> tuple[Evolves | Equal, bool]:
    kinds = [key for key in KINDS if key in entries]
    if len(kinds) != 1 or ("rate" in entries) != (kinds == ["quantity"]):
        was = f"{listed([*kinds, *(['rate'] if 'rate' in entries else [])])} was given" if kinds or "rate" in entries else "none was given"
        remedy = 'write one of conserved = "...", identity = "left = right", or quantity = "..." with rate = "..."'
        raise document.place(table).error(f"a claim asserts exactly one thing, and {was}", remedy)
    place = expression_place(document, f"{table}, {kinds[0]}", entries[kinds[0]])
    if kinds == ["identity"]:
        left, right = parse_equation(place)
        found = meaning(place, scope, left, right)
        return Equal(found.values[0], found.values[1], found.indices), "t" in mentioned(left) | mentioned(right)
    if holds_equation(place.text):
        at = place.text.index("=")
        inside = place.text.count("(", 0, at) > place.text.count(")", 0, at)
        raise place.error(
            f"an expression was wanted for {kinds[0]}, and there is an = in it",
            "write sum(i, body): an index has the range of the places it stands in" if inside else 'write identity = "left = right" for an equation',
            at,
        )
    node = parse(place)
    quantity = meaning(place, scope, node)
    if kinds == ["conserved"]:
        return Evolves(quantity.value, sp.S.Zero, quantity.indices), "t" in mentioned(node)
    other = expression_place(document, f"{table}, rate", entries["rate"])
    rate_node = parse(other)
    rate = meaning(other, scope, rate_node)
    indices = _joined(other, quantity.indices, rate.indices)
    return Evolves(quantity.value, rate.value, indices), "t" in mentioned(node) | mentioned(rate_node)


def _of_parameters(document: Document, table: str, entries: Mapping[str, Toml], claim: Evolves, world: World, ground: Ground) -> None:
    """What moves along the flow is known of; a rate may mention what is arbitrary, a quantity may not."""
    named = {getattr(symbol, "name", "") for symbol in world.setting.unfold(claim.quantity).free_symbols}
    unknown = [variable.name for variable in ground.arbitrary if variable.name in named]
    if unknown:
        key = "conserved" if "conserved" in entries else "quantity"
        raise document.place(f"{table}, {key}", entries[key]).error(
            f"the quantity depends on {listed(unknown)}, and nothing is known of how what is arbitrary changes",
            "state a law of the parameters, constants and data; its rate may mention what is arbitrary",
        )


def _joined(place: Place, left: Indices, right: Indices) -> Indices:
    """The free indices of a quantity and of its rate, which are one set."""
    known = {own.name: length for own, length in left}
    for own, length in right:
        if own.name not in known:
            raise place.error(f"the index {own} stands free in the rate, and not in the quantity", "sum over it, or use the quantity's index", 0)
        if known[own.name] != length:
            raise place.error(
                f"the index {own} runs over {length} in the rate, and over {known[own.name]} in the quantity", "use the quantity's index", 0
            )
    return left


def _apart(assertion: Evolves | Equal, setting: Setting) -> Evolves | Equal:
    """The assertion with no index that hides something declared in its setting."""
    taken = frozenset({*(v.name for v in setting.variables), *(d.name for d in setting.definitions), *map(str, setting.sizes)})
    names: dict[sp.Symbol, sp.Symbol] = {}
    sides = (assertion.quantity, assertion.rate) if isinstance(assertion, Evolves) else (assertion.left, assertion.right)
    used = {getattr(s, "name", "") for side in sides for s in side.free_symbols | {v for n in side.atoms(sp.Sum) for v in n.variables}}
    for own, _ in assertion.indices:
        if own.name in taken:
            names[own] = unused(taken | used | {new.name for new in names.values()})
    free = {own.name for own, _ in assertion.indices} | {new.name for new in names.values()}
    left, right = (apart(side, taken | free).xreplace(names) for side in sides)
    indices = tuple((names.get(own, own), length) for own, length in assertion.indices)
    return Evolves(left, right, indices) if isinstance(assertion, Evolves) else Equal(left, right, indices)


# ---- where and given -------------------------------------------------------------------------------------------------------------------------


def _where(document: Document, table: str, entries: Toml, ground: Ground, given: _Given) -> _Given:
    if not isinstance(entries, dict):
        raise document.place(f"{table}, where").error(
            f"a table of names was wanted, and {shown(entries)} was given", 'write where = { z = "kernel(A)" }'
        )
    entries = dict(entries)
    equations = entries.pop("given", [])
    taken = {**ground.taken, **dict.fromkeys(given.scope.reserved, "the file"), **{name: "the model" for name in given.scope.names if name != "t"}}
    for name, text in entries.items():
        place = document.place(f"{table}, where {name}", text)
        own_name(place, name, taken)
        taken[name] = "where"
        if not isinstance(text, str):
            raise place.error(f"a declaration in words was wanted, and {shown(text)} was given", 'write for example "kernel(A)", "N" or "positive"')
        given = _one(place, name, text, ground, given, taken)
    return _equations(document, f"{table}, where given", equations, given)


def _one(place: Place, name: str, text: str, ground: Ground, given: _Given, taken: Mapping[str, str]) -> _Given:
    found = declaration(place, ground.sizes, WHERE_WORDS)
    shape, hypotheses = found.shape, list[Family]()
    for word, arguments, at in found.calls:
        data = [_data(place, given.scope, argument, at) for argument in arguments]
        wanted = 2 if word in SOLUTIONS else 1
        if len(data) != wanted:
            example = "solution(A, y)" if wanted == 2 else f"{word}(A)"
            raise place.error(f"{word} takes {wanted} names of data, and was given {len(data)}", f"write {example}", at)
        matrix = data[0]
        if len(matrix.shape) < (2 if word in LEFT_KERNELS else 1):
            raise place.error(f"{matrix.name} is not a matrix, and {word} takes one", 'declare it with a shape such as "M x N"', at)
        rows, columns = matrix.shape[: len(matrix.shape) > 1], matrix.shape[len(matrix.shape) > 1 :]
        own = rows if word in LEFT_KERNELS else columns
        if shape is not None and shape != own:
            raise place.error(f"{name} is declared {_by(shape)}, and is {_by(own)} by {word}({', '.join(arguments)})", "leave the shape away", at)
        shape = own
        target = data[1] if wanted == 2 else None
        if target is not None and target.shape != rows:
            told = f"{target.name} has the shape {_by(target.shape)}, and {_by(rows)} is wanted for {matrix.name} {name} = {target.name}"
            raise place.error(told, "correct the shapes in [data]", at)
        variable = Variable(name, own, "constant", found.sign if not found.symmetry else "real")
        hypotheses.append(_equation_of(word, matrix, target, variable))
    words = (*given.words, f"{name}: {text.strip()}")
    if found.symmetry:
        variable, definition = symmetric(place, name, Declaration(shape, found.sign, found.symmetry), taken)
        scope = given.scope.having({name: definition}, {name: 4})
        return _Given(scope, (*given.variables, variable), (*given.definitions, definition), (*given.hypotheses, *hypotheses), words)
    variable = Variable(name, shape or (), "constant", found.sign)
    sized = {str(length): size(str(length)) for length in variable.shape if not length.is_Integer}
    scope = given.scope.having({**sized, name: variable})
    return _Given(scope, (*given.variables, variable), given.definitions, (*given.hypotheses, *hypotheses), words)


def _data(place: Place, scope: Scope, name: str, at: int) -> Variable:
    found = scope.names.get(name)
    if isinstance(found, Definition):
        found = found.variable
    elif not isinstance(found, Variable) or found.role != "constant":
        known = [other for other, entry in scope.names.items() if isinstance(entry, Variable) and entry.role == "constant"]
        raise place.error(f"{name} is not data; declared are {listed(known)}", nearest(name, known) or "declare it in [data]", at)
    assert isinstance(found, Variable)
    return found


def _equation_of(word: str, matrix: Variable, target: Variable | None, variable: Variable) -> Family:
    """A z = 0, or c^T A = 0, or A z = y, row by row; a vector A is one row."""
    names = tuple((index(letter), length) for letter, length in zip("kijlpq", matrix.shape, strict=False))
    rows, columns = names[: len(names) > 1], names[len(names) > 1 :]
    entries = tuple(letter for letter, _ in names)
    if word in LEFT_KERNELS:
        return Family(columns, total(matrix[entries] * variable[rows[0][0]], *rows))
    applied = total(matrix[entries] * variable[tuple(letter for letter, _ in columns)], *columns)
    return Family(rows, applied - target[tuple(letter for letter, _ in rows)] if target is not None else applied)


def _equations(document: Document, key: str, entries: Toml, given: _Given) -> _Given:
    """The hypotheses written as equations among constants."""
    entries = [entries] if isinstance(entries, str) else entries
    if not isinstance(entries, list) or not all(isinstance(text, str) for text in entries):
        raise document.place(key).error(f"a list of equations was wanted, and {shown(entries)} was given", 'write given = ["sum(i, a[i]) = 1"]')
    hypotheses = list(given.hypotheses)
    for text in entries:
        place = document.place(key, text)
        left, right = parse_equation(place)
        moving = {name for name in mentioned(left) | mentioned(right) if _moves(name, given.scope)}
        if moving:
            raise place.error(
                f"{listed(sorted(moving))} moves along the flow, and a hypothesis is about constants",
                "state an equation among constants, data and where-variables",
                0,
            )
        found = meaning(place, given.scope, left, right)
        hypotheses.append(Family(found.indices, found.values[0] - found.values[1]))
    return replace(given, hypotheses=tuple(hypotheses), words=(*given.words, *(text.strip() for text in entries)))


def _moves(name: str, scope: Scope) -> bool:
    """Whether a name stands for something that is not constant along the flow; a symmetric matrix is made of a constant one."""
    entry = scope.names.get(name)
    if isinstance(entry, Definition):
        return any(_moves(getattr(symbol, "name", ""), scope) for symbol in entry.family.value.free_symbols)
    return isinstance(entry, Variable) and entry.role != "constant"


def _by(shape: tuple[sp.Expr, ...]) -> str:
    return " x ".join(map(str, shape)) or "a single number"


# ---- instance and domain ---------------------------------------------------------------------------------------------------------------------


def _with_instance(setting: Setting, assertion: Assertion, ground: Ground) -> Setting:
    """The setting with its explicit instance: the sizes and values of the file, and a number for every constant that stands in an exponent."""
    constants = {v.name: v for v in setting.variables if v.role == "constant"}
    values: dict[str, Values] = {name: value for name, value in ground.values.items() if name in constants}
    bound = {getattr(symbol, "name", "") for hypothesis in setting.hypotheses for symbol in hypothesis.value.free_symbols}
    spare = iter(EXPONENT_VALUES)
    for name in _exponents(setting, assertion):
        if name in constants and name not in values and name not in bound and not constants[name].shape:
            values[name] = Fraction(next(spare, 17))
    sizes = {str(length): ground.sizes[str(length)] for length in setting.sizes}
    return replace(setting, instances=(Instance(sizes, values),))


def _exponents(setting: Setting, assertion: Assertion) -> list[str]:
    """The names that stand in exponents, in the order of their names."""
    expressions = [d.family.value for d in setting.definitions]
    if setting.flow is not None:
        expressions += [setting.flow.pairing, *(f.value for f in (*setting.flow.rates.values(), *setting.flow.drift.values()))]
    if isinstance(assertion, Evolves):
        expressions += [assertion.quantity, assertion.rate]
    elif isinstance(assertion, Equal):
        expressions += [assertion.left, assertion.right]
    powers = {power for expression in expressions for power in expression.atoms(sp.Pow) if not isinstance(power, sp.exp)}
    return sorted({getattr(symbol, "name", "") for power in powers for symbol in power.exp.free_symbols})


def _domain(setting: Setting, ground: Ground) -> str:
    """Signs and spheres in words."""
    phrases = []
    relation = {"positive": "> 0", "nonnegative": ">= 0", "nonzero": "!= 0"}
    for variable in setting.variables:
        if variable.sign in relation and variable.role != "time":
            letters = ",".join(i.name for i, _ in variable.indices)
            phrases.append(f"{variable.name}[{letters}] {relation[variable.sign]}" if letters else f"{variable.name} {relation[variable.sign]}")
    phrases += [" + ".join(f"|{name}|^2" for name in group) + " = 1" for group in ground.spheres]
    return ", ".join(phrases)


def unreadable(document: Document, error: Exception) -> TheoryFileError:
    """The error for what no rule above foresaw."""
    return document.place("").error(
        f"the file could not be understood: {type(error).__name__}: {error}", "this is a fault of the reader: please report it"
    )
