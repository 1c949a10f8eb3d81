"""Expressions with an index for every entry: definitions such as "p[i]" = "x[i]/sum(j, x[j])", and a rate or velocity for every entry of a block."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction

import sympy as sp

from ..settings import Definition
from ..symbols import Family, Indices, Variable, index
from .apart import unused
from .errors import Document, Place, listed, nearest, shown
from .grammar import Call, Entry, Index, Name, Node, Number, Plus, Power, Times, Total, mentioned, parse
from .meaning import Scope, meaning
from .tables import Toml, own_name


def expression_place(document: Document, key: str, given: Toml) -> Place:
    """The place of an expression, which is a string, or a number on its own."""
    if isinstance(given, bool) or (not isinstance(given, str | int | Fraction)):
        raise document.place(key).error(f"an expression was wanted, and {shown(given)} was given", 'put it in double quotes, as in "sum(i, u[i]**2)"')
    return document.place(key, given if isinstance(given, str) else f"({given})")


def left_side(place: Place, node: Node) -> tuple[str, tuple[Index, ...]]:
    """The name and the indices that a family is defined for."""
    if isinstance(node, Name):
        return node.name, ()
    if isinstance(node, Entry):
        return node.name, node.indices
    raise place.error("a name with its indices was wanted on the left", "write for example x[i], W[i,j] or x", node.at)


def defined(place: Place, scope: Scope, name: str, own: tuple[Index, ...], node: Node) -> tuple[Definition, int]:
    """The definition of name[own...] by an expression, and its weight."""
    found = meaning(place, scope, node, first=own)
    for letter, _ in found.indices[len(own) :]:
        written = f"{name}[{','.join([str(one.value) for one in own] + [letter.name])}]"
        raise place.error(f"the index {letter} stands free on the right side, and not on the left", f"sum over it, or write {written}", node.at)
    return Definition(name, Family(found.indices, found.value)), found.weight


def block_family(document: Document, table: str, key: str, given: Toml, scope: Scope, blocks: Mapping[str, Variable]) -> tuple[Variable, Family]:
    """What `table` gives for a block of parameters, for every entry of it.

    The key is the block (u) or its entry (u[i]); without an index in the key, the free index of the expression is meant.
    """
    named = document.place(f"[flow] {table}", key)
    name, own = left_side(named, parse(named))
    if name not in blocks:
        raise named.error(f"{name} is not a parameter; the parameters are {listed(blocks)}", nearest(name, blocks) or "declare it in [parameters]", 0)
    block = blocks[name]
    place = expression_place(document, f"[flow] {table} {key}", given)
    node = parse(place)
    if not own and block.shape:
        own = _own_entry(name, node)
    if own and len(own) != len(block.shape):
        raise named.error(
            f"{name} has the shape {' x '.join(map(str, block.shape)) or 'of a single number'}", "give it an index for every length of the shape", 0
        )
    reading = meaning(place, scope, node)
    free = {letter.name: (letter, length) for letter, length in reading.indices}
    if not own:
        if len(free) > max(1, len(block.shape)) or (len(free) > 1 and len(block.shape) > 1) or (free and len(block.shape) != 1):
            remedy = (
                f'name the indices in the key: "{name}[{",".join(own.name for own, _ in block.indices)}]" = ...'
                if block.shape
                else "sum over the index"
            )
            raise place.error(f"which index of {name} is meant by {', '.join(free)} is not clear", remedy, node.at)
        letters = [Index(0, letter) for letter in free]
    else:
        letters = list(own)
    return block, Family(_indices(place, block, letters, free, mentioned(node) | set(scope.names) | scope.reserved), reading.value)


def _indices(place: Place, block: Variable, letters: list[Index], free: Mapping[str, tuple[sp.Symbol, sp.Expr]], used: set[str]) -> Indices:
    """A name for every index of the block: that given in the key or in the expression, or any other."""
    found: list[tuple[sp.Symbol, sp.Expr]] = []
    for position, length in enumerate(block.shape):
        if position < len(letters):
            given = letters[position]
            letter, range_ = free.get(str(given.value), (None, length))
            if isinstance(given.value, int):
                raise place.error(f"an entry of {block.name} with a number was given", "give all entries at once, with an index", None)
            if range_ != length:
                raise place.error(
                    f"the index {given.value} runs over {range_} here, and {block.name} has the length {length}", "correct the index", 0
                )
            found.append((letter if letter is not None else index(given.value), length))
        else:
            found.append((unused(frozenset(used | {own.name for own, _ in found})), length))
    for name in free:
        if name not in {own.name for own, _ in found}:
            raise place.error(f"the index {name} is not one of {block.name}", "sum over it", 0)
    if len({own for own, _ in found}) != len(found):
        raise place.error(f"an index of {block.name} is named twice", "give every index a letter of its own", 0)
    return tuple(found)


def _own_entry(name: str, node: Node) -> tuple[Index, ...]:
    """The indices of the one entry of the block that the expression mentions outside of sums, if there is one."""
    found = {tuple(own.value for own in entry.indices): entry.indices for entry in _entries(node, name, frozenset())}
    return next(iter(found.values())) if len(found) == 1 else ()


def _entries(node: Node, name: str, bound: frozenset[str]) -> list[Entry]:
    match node:
        case Entry():
            letters = [own.value for own in node.indices]
            plain = all(isinstance(letter, str) and letter not in bound for letter in letters) and len(set(letters)) == len(letters)
            return [node] if node.name == name and plain else []
        case Total(_, indices, body):
            return _entries(body, name, bound | {str(own.value) for own in indices})
        case Call(_, _, arguments):
            return [entry for argument in arguments for entry in _entries(argument, name, bound)]
        case Plus(_, parts) | Times(_, parts):
            return [entry for _, part in parts for entry in _entries(part, name, bound)]
        case Power(_, base, exponent):
            return _entries(base, name, bound) + _entries(exponent, name, bound)
        case Number() | Name():
            return []


class Pending:
    """The user's definitions that have not found all their names yet, in the order of the file."""

    def __init__(self, document: Document, entries: Mapping[str, Toml], taken: dict[str, str]) -> None:
        self.waiting: dict[str, tuple[Place, tuple[Index, ...], Node]] = {}
        for key, given in entries.items():
            named = document.place("[definitions]", key)
            left = parse(named)
            name, own = left_side(named, left)
            own_name(named, name, taken)
            taken[name] = "[definitions]"
            place = expression_place(document, f"[definitions] {key}", given)
            self.waiting[name] = place, own, parse(place)

    def resolve(self, scope: Scope, later: Collection[str]) -> tuple[list[Definition], Scope]:
        """The definitions that mention none of the names still to come, and the scope with them."""
        found: list[Definition] = []
        while True:
            blocked = {*later, *self.waiting}
            ready = [name for name, (_, _, node) in self.waiting.items() if not mentioned(node) & blocked]
            if not ready:
                return found, scope
            for name in ready:
                place, own, node = self.waiting.pop(name)
                definition, weight = defined(place, scope, name, own, node)
                found.append(definition)
                scope = scope.having({name: definition}, {name: weight})

    def finish(self) -> None:
        """Nothing may be left: what is, mentions itself."""
        for name, (place, _, node) in self.waiting.items():
            circle = ", ".join(sorted(mentioned(node) & set(self.waiting)))
            raise place.error(
                f"{name} is defined by {circle or 'a name of the model'}, in a circle or without a model", "order the definitions", node.at
            )
