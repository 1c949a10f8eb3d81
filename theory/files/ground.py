"""What a theory file declares before anything moves: sizes, constants, data and parameters, with what is known of their values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from ..settings import Definition, Values
from ..symbols import Family, Role, Variable, index, size
from .declarations import SYMMETRIES, Declaration, declaration, exact, exact_values, fitted, flat, shape_of_values, tied_shape
from .errors import Document, Place, shown
from .grammar import mentioned, parse
from .meaning import Scope
from .tables import Toml, check_keys, own_name, read_sizes

_NUMERIC = re.compile(r"[-+*/^().0-9eE\s]*[0-9][-+*/^().0-9eE\s]*")
_DECLARED_KEYS = ("shape", "sign", "value")
DATA_WORDS = tuple(SYMMETRIES)


@dataclass(frozen=True)
class Ground:
    """The declared names. `values` are exact values of constants, for an instance; `taken` says where each name was declared.

    `arbitrary` are the cotangents of the file: functions of time of which nothing is known but shape and sign.
    """

    document: Document
    sizes: Mapping[str, int]
    numbers: Mapping[str, sp.Rational]
    constants: tuple[Variable, ...]
    arbitrary: tuple[Variable, ...]
    parameters: tuple[Variable, ...]
    definitions: tuple[Definition, ...]
    spheres: tuple[tuple[str, ...], ...]
    values: Mapping[str, Values]
    taken: Mapping[str, str]

    @property
    def variables(self) -> tuple[Variable, ...]:
        return (*self.parameters, *self.constants, *self.arbitrary)

    def scope(self) -> Scope:
        """The names, as expressions see them."""
        names: dict[str, Variable | Definition | sp.Expr] = {v.name: v for v in self.variables}
        names |= {d.name: d for d in self.definitions}
        names |= self.numbers
        shapes = {length for variable in self.variables for length in variable.shape}
        names |= {name: size(name) for name in self.sizes if size(name) in shapes}
        return Scope(names, self.sizes, {}, frozenset(self.taken))


def read_ground(document: Document, tables: Mapping[str, Toml]) -> Ground:
    """The declarations of a file."""
    taken: dict[str, str] = {}
    sizes = read_sizes(document, tables.get("sizes", {}), taken)
    ground = _Gathered(document, sizes, taken)
    for table in ("constants", "data"):
        for name, given in tables.get(table, {}).items():
            place = document.place(f"[{table}] {name}", given)
            own_name(place, name, taken)
            taken[name] = f"[{table}]"
            ground.constant(place, name, given, numeric=table == "constants")
    for name, given in tables.get("arbitrary", {}).items():
        place = document.place(f"[arbitrary] {name}", given)
        own_name(place, name, taken)
        taken[name] = "[arbitrary]"
        ground.unknown(place, name, given)
    for name, given in tables.get("parameters", {}).items():
        place = document.place(f"[parameters] {name}", given)
        own_name(place, name, taken)
        taken[name] = "[parameters]"
        ground.parameter(place, name, given)
    ground.counts(tables)
    return Ground(
        document,
        sizes,
        ground.numbers,
        tuple(ground.constants),
        tuple(ground.arbitrary),
        tuple(ground.parameters),
        tuple(ground.definitions),
        tuple(map(tuple, ground.spheres.values())),
        ground.values,
        taken,
    )


def symmetric(place: Place, name: str, found: Declaration, taken: Mapping[str, str], role: Role = "constant") -> tuple[Variable, Definition]:
    """A matrix S = (R + R^T)/2 (or minus) over a free matrix R: no hypothesis is needed, and every R is admitted."""
    shape = found.shape or ()
    if len(shape) != 2 or shape[0] != shape[1]:
        raise place.error(f"{name} is declared symmetric or skew, and is not a square matrix", 'write a shape such as "N x N"')
    if found.symmetry < 0 and found.sign != "real":
        raise place.error(f"{name} is declared skew and {found.sign}, and its diagonal is zero", "leave the sign away")
    free = Variable(f"{name}_free", shape, role, found.sign if found.sign != "nonzero" else "real")
    if free.name in taken:
        raise place.error(f"the name {free.name} is needed for {name}, and is declared in {taken[free.name]}", "choose another name there")
    letters = [letter for letter in "ijklmnpq" if letter not in taken and letter not in (name, free.name)]
    i, j = index(letters[0] if letters else "i1"), index(letters[1] if len(letters) > 1 else "i2")
    value = (free[i, j] + found.symmetry * free[j, i]) / 2
    return free, Definition(name, Family(((i, shape[0]), (j, shape[1])), value))


class _Gathered:
    """The declarations read so far."""

    def __init__(self, document: Document, sizes: Mapping[str, int], taken: dict[str, str]) -> None:
        self.document, self.sizes, self.taken = document, sizes, taken
        self.numbers: dict[str, sp.Rational] = {}
        self.constants: list[Variable] = []
        self.arbitrary: list[Variable] = []
        self.parameters: list[Variable] = []
        self.definitions: list[Definition] = []
        self.spheres: dict[str, list[str]] = {}
        self.values: dict[str, Values] = {}

    def constant(self, place: Place, name: str, given: Toml, *, numeric: bool) -> None:
        """A number, a list of numbers, a declaration, or { shape = ..., sign = ..., value = ... }."""
        value: Values | None = None
        if isinstance(given, list):
            value = exact_values(place, given)
            self.add(place, name, Declaration(tied_shape(place, shape_of_values(place, value), self.sizes)), value)
        elif isinstance(given, dict):
            check_keys(self.document, place.key, given, _DECLARED_KEYS)
            words = [given[key] for key in ("shape", "sign") if key in given]
            if not all(isinstance(word, str) for word in words):
                raise place.error("shape and sign are words", 'write { shape = "M x N", sign = "positive", value = [[1, 2]] }')
            value = exact_values(place, given["value"]) if "value" in given else None
            found = declaration(Place(place.file, place.key, ", ".join(words), place.line), self.sizes, DATA_WORDS) if words else Declaration(None)
            if value is not None and "shape" not in given and not found.shape:
                found = Declaration(tied_shape(place, shape_of_values(place, value), self.sizes), found.sign, found.symmetry)
            self.add(place, name, found, value)
        elif isinstance(given, str) and not (numeric and _NUMERIC.fullmatch(given)):
            self.add(place, name, declaration(place, self.sizes, DATA_WORDS), None)
        else:
            fraction = exact(place, given)
            self.numbers[name] = sp.Rational(fraction.numerator, fraction.denominator)

    def add(self, place: Place, name: str, found: Declaration, value: Values | None) -> None:
        variable = Variable(name, found.shape or (), "constant", found.sign)
        if value is not None:
            fitted(place, value, variable.shape, found.sign, self.sizes)
        if found.symmetry:
            variable, definition = symmetric(place, name, found, self.taken)
            self.taken[variable.name] = self.taken[name]
            self.definitions.append(definition)
            if isinstance(value, tuple) and list(flat(value)) != [found.symmetry * one for one in flat(tuple(zip(*value, strict=True)))]:
                raise place.error(
                    f"the values of {name} are not {'symmetric' if found.symmetry > 0 else 'skew'}", "correct the values, or the declaration"
                )
        self.constants.append(variable)
        if value is not None:
            self.values[variable.name] = value

    def unknown(self, place: Place, name: str, given: Toml) -> None:
        """A declaration in words; a value would contradict the table."""
        if not isinstance(given, str) or _NUMERIC.fullmatch(given):
            raise place.error(f"what is arbitrary has no value, and {shown(given)} was given", 'write a shape such as "N", or declare it in [data]')
        found = declaration(place, self.sizes, DATA_WORDS)
        variable = Variable(name, found.shape or (), "cotangent", found.sign)
        if found.symmetry:
            variable, definition = symmetric(place, name, found, self.taken, "cotangent")
            self.taken[variable.name] = self.taken[name]
            self.definitions.append(definition)
        self.arbitrary.append(variable)

    def parameter(self, place: Place, name: str, given: Toml) -> None:
        if not isinstance(given, str):
            raise place.error(
                f"a declaration in words was wanted, and {shown(given)} was given",
                'write "N, positive"; values belong in [start], and what does not move in [constants]',
            )
        found = declaration(place, self.sizes, ("sphere",))
        for _, arguments, at in found.calls:
            if len(arguments) > 1:
                raise place.error("a block lies on one sphere", "write sphere, or sphere(name) to share one", at)
            if len(found.shape or ()) != 1:
                raise place.error(f"{name} is declared on a sphere, and is not a vector", 'write a shape such as "N, sphere"', at)
            self.spheres.setdefault(arguments[0] if arguments else f" {name}", []).append(name)
        if len(found.calls) > 1:
            raise place.error("a block lies on one sphere", "name one sphere", found.calls[1][2])
        self.parameters.append(Variable(name, found.shape or (), "parameter", found.sign))

    def counts(self, tables: Mapping[str, Toml]) -> None:
        """A declared size that is nowhere a length, and stands in formulas: a positive constant, with its value in an instance."""
        lengths = {length for variable in (*self.parameters, *self.constants, *self.arbitrary) for length in variable.shape}
        for claim in tables.get("claim", []):
            where = claim.get("where", {})
            for text in where.values() if isinstance(where, dict) else ():
                lengths |= {size(word) for word in re.findall(r"\w+", text)} if isinstance(text, str) else set()
        words = Counter(re.findall(r"\w+", self.document.text))
        for name, value in self.sizes.items():
            if size(name) not in lengths and words[name] > 1:
                self.constants.append(Variable(name, (), "constant", "positive"))
                self.values[name] = exact(Place(self.document.file), value)


def names_in(document: Document, given: Toml) -> set[str]:
    """The names in a text that is an expression; none in anything else, or where it cannot be read."""
    if not isinstance(given, str):
        return set()
    try:
        return mentioned(parse(document.place("", given)))
    except ValueError:
        return set()
