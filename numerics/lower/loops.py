"""Array statements as loops over entries, for targets without arrays of their own: one loop nest per statement, in the order of memory.

The passes, in this order: what would be recomputed inside a loop that it does not depend on gets a statement of its own; a sum that runs along memory
becomes a local variable of the loop around it, every other sum is added up in place, row by row; the loops are put in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import sympy as sp

from .arrays import Array, ArrayProgram, Shape
from .share import describe, fresh_name

Place: TypeAlias = str | int
Places: TypeAlias = tuple[Place, ...]

_VIEWS = ("pick", "diagonal", "transpose", "expand", "broadcast")
_SUMS = ("matmul", "einsum", "total")
_COSTLY = ("call", "power", "divide", *_SUMS)


@dataclass(frozen=True)
class Cell:
    """Let a number be wanted for every value of some indices: an operation of `Array` on numbers.

    The leaves are "entry" (detail: a name, places), "local" (a name), "index" (a name), "number" and "size".
    """

    op: str
    operands: tuple[Cell, ...] = ()
    detail: object = None
    places: Places = ()


@dataclass(frozen=True)
class Loop:
    """Let `index` run over 0, ..., length - 1."""

    index: str
    length: sp.Expr


@dataclass(frozen=True)
class Sum:
    """Let `name` be the sum of a cell over the loops."""

    name: str
    loops: tuple[Loop, ...]
    value: Cell


@dataclass(frozen=True)
class Nest:
    """Let `name[places]` be, inside the loops and after the sums, the value; or, when `added`, be 0 first and then have the value added to it.

    `then` are nests whose loops run inside the outermost loop of this one, after it (see `fuse`).
    """

    name: str
    shape: Shape
    places: Places
    loops: tuple[Loop, ...]
    sums: tuple[Sum, ...]
    value: Cell
    added: bool = False
    then: tuple[Nest, ...] = ()


@dataclass(frozen=True)
class LoopProgram:
    """The nests in order; what is named in `results` is asked for, the rest serves."""

    nests: tuple[Nest, ...]
    results: tuple[str, ...]

    @property
    def all_nests(self) -> tuple[Nest, ...]:
        """The nests, and those inside them."""
        return tuple(each for nest in self.nests for each in (nest, *nest.then))


def as_loops(arrays: ArrayProgram, *, taken: Iterable[str], rows: bool = True) -> LoopProgram:
    """Let an array program be given: the same as loops. Names in `taken` are not used for indices and temporaries.

    Without `rows` every sum is a local variable: where an entry is a vector itself, neighbours in memory are no neighbours in a register.
    """
    builder = _Builder({*taken, *(statement.name for statement in arrays.statements)}, frozenset(arrays.results), rows)
    for statement in arrays.statements:
        builder.assign(statement.name, statement.value)
    return LoopProgram(tuple(builder.nests), arrays.results)


@dataclass(frozen=True)
class _Contraction:
    """A sum of products: operands with letters for their axes, the letters kept, the letters summed over, all lengths."""

    operands: tuple[tuple[Array, str], ...]
    kept: str
    summed: str
    lengths: Mapping[str, sp.Expr]


@dataclass(frozen=True)
class _Builder:
    """The nests so far, the names in use, and which arrays have a statement of their own."""

    used: set[str]
    results: frozenset[str]
    rows: bool
    nests: list[Nest] = field(default_factory=list)
    known: dict[Array, str] = field(default_factory=dict)

    def assign(self, name: str, value: Array) -> None:
        """Append what computes an array under a name."""
        if value.op in _SUMS:
            self._sum_at_top(name, value)
            return
        letters = self._letters(len(value.shape))
        places = tuple(0 if length == 1 else letter for letter, length in zip(letters, value.shape, strict=True))
        sums: list[Sum] = []
        cell = self._cell(value, places, tuple(place for place in places if place != 0), sums)
        self.nests.append(Nest(name, value.shape, places, over(places, value.shape), tuple(sums), cell))

    def _sum_at_top(self, name: str, value: Array) -> None:
        contraction = _contraction(value)
        letters = self._letters(len(contraction.lengths))
        names = dict(zip([*contraction.kept, *contraction.summed], letters, strict=True))
        kept: Places = tuple(names[letter] for letter in contraction.kept)
        cell = self._summand(contraction, names)
        inner, order = _memory_order(cell, kept, letters, rows=self.rows)
        lengths = {names[letter]: length for letter, length in contraction.lengths.items()}
        if inner not in kept:
            own = tuple(Loop(index, lengths[index]) for index in order if index not in kept)
            sum_ = Sum(self._local(0) if kept or name in self.results else name, own, cell)
            self.nests.append(Nest(name, value.shape, kept, over(kept, value.shape), (sum_,), Cell("local", (), sum_.name)))
        else:
            self.nests.append(Nest(name, value.shape, kept, tuple(Loop(index, lengths[index]) for index in order), (), cell, added=True))

    def _named(self, value: Array, places: Places) -> Cell:
        """The entry of an array that gets a statement of its own, once."""
        if value not in self.known:
            name = fresh_name(describe(value), self.used)
            self.assign(name, value)
            self.known[value] = name
        return Cell("entry", (), self.known[value], tuple(0 if length == 1 else place for place, length in zip(places, value.shape, strict=True)))

    def _cell(self, value: Array, places: Places, around: Places, sums: list[Sum] | None) -> Cell:
        """Let loops run over the indices `around`: the entry of an array at the places. Sums join `sums`, or get statements of their own."""
        match value.op:
            case "name":
                return Cell("entry", (), value.detail, places)
            case "number" | "size":
                return Cell(value.op, (), value.detail)
            case "range":
                return Cell("index", (), places[0])
        if value.op in _VIEWS:
            return self._cell(value.operands[0], _seen_through(value, places), around, sums)
        if _is_costly(value) and _reached(value, places) < set(around):
            return self._named(value, places)
        if value.op in _SUMS:
            found = self._inner_sum(value, places, sums) if around and sums is not None else None
            return found or self._named(value, places)
        operands = tuple(self._cell(operand, _last(places, operand), around, sums) for operand in value.operands)
        return Cell(value.op, operands, value.detail)

    def _inner_sum(self, value: Array, places: Places, sums: list[Sum]) -> Cell | None:
        """The sum as a local variable of the loops over all of its places; none when it does not run along memory."""
        contraction = _contraction(value)
        letters = self._letters(len(contraction.lengths), taken={str(place) for place in places})
        names = {**dict(zip(contraction.kept, map(str, places), strict=True)), **dict(zip(contraction.summed, letters, strict=False))}
        if len(set(places)) < len(places) or not all(isinstance(place, str) for place in places):
            return None
        cell = self._summand(contraction, names)
        inner, order = _memory_order(cell, places, tuple(names.values()), rows=self.rows)
        if inner in places:
            return None
        own = tuple(
            Loop(names[letter], contraction.lengths[letter]) for letter in sorted(contraction.summed, key=lambda letter: order.index(names[letter]))
        )
        sums.append(Sum(self._local(len(sums)), own, cell))
        return Cell("local", (), sums[-1].name)

    def _summand(self, contraction: _Contraction, names: Mapping[str, str]) -> Cell:
        around: Places = tuple(names.values())
        factors = []
        for operand, letters in contraction.operands:
            places = tuple(names[letter] for letter in letters)
            factors.append(self._cell(operand, places, around, None))
        return factors[0] if len(factors) == 1 else Cell("multiply", tuple(factors))

    def _local(self, earlier: int) -> str:
        """The name of a sum inside loops, where some were named earlier."""
        free = [name for name in ("sum", *(f"sum_{n}" for n in range(2, 1000))) if name not in self.used]
        return free[earlier]

    def _letters(self, count: int, taken: Iterable[str] = ()) -> tuple[str, ...]:
        """Names of indices that are names of nothing else: i, j, k, ..."""
        avoided = self.used | set(taken)
        free = [letter for letter in [*"ijklpqmn", *(f"i{n}" for n in range(1, 100))] if letter not in avoided]
        return tuple(free[:count])


def over(indices: Places, lengths: Shape) -> tuple[Loop, ...]:
    """The loops over the places that are indices."""
    return tuple(Loop(index, length) for index, length in zip(indices, lengths, strict=True) if isinstance(index, str))


def _last(places: Places, operand: Array) -> Places:
    """Shapes are aligned from the right."""
    return places[len(places) - len(operand.shape) :]


def _seen_through(view: Array, places: Places) -> Places:
    """Where in the operand the entry of a view is."""
    match view.op:
        case "pick":
            waiting = iter(places)
            return tuple(next(waiting) if entry is None else entry for entry in view.detail)  # type: ignore[attr-defined]
        case "diagonal":
            return (*places, *places)
        case "transpose":
            return tuple(place for _, place in sorted(zip(view.detail, places, strict=True)))  # type: ignore[call-overload]
        case "expand":
            return tuple(place for place, keep in zip(places, view.detail, strict=True) if keep)  # type: ignore[call-overload]
    return _last(places, view.operands[0])


def _reached(value: Array, places: Places) -> set[Place]:
    """The indices on which an entry depends."""
    if value.op in _VIEWS:
        return _reached(value.operands[0], _seen_through(value, places))
    if value.is_leaf or value.op in ("range", *_SUMS):
        return {place for place in places if isinstance(place, str)}
    return set().union(*(_reached(operand, _last(places, operand)) for operand in value.operands))


def _is_costly(value: Array) -> bool:
    return value.op in _COSTLY or any(_is_costly(operand) for operand in value.operands)


def _contraction(value: Array) -> _Contraction:
    """A matrix product, `einsum` or sum over axes in one form."""
    if value.op == "einsum":
        inputs, kept = str(value.detail).split("->")
        letters = inputs.split(",")
    elif value.op == "matmul":
        left, right = (len(operand.shape) for operand in value.operands)
        letters = ["ab"[2 - left :], "bc"[:right]]
        kept = "ab"[2 - left : 1] + "bc"[1:right]
    else:
        letters = ["abcdefgh"[: len(value.operands[0].shape)]]
        axes = range(len(letters[0])) if value.detail is None else value.detail
        kept = "".join(letter for n, letter in enumerate(letters[0]) if n not in axes)  # type: ignore[operator]
    lengths = {
        letter: length for own, operand in zip(letters, value.operands, strict=True) for letter, length in zip(own, operand.shape, strict=True)
    }
    summed = "".join(letter for letter in lengths if letter not in kept)
    return _Contraction(tuple(zip(value.operands, letters, strict=True)), kept, summed, lengths)


def _memory_order(cell: Cell, kept: Places, indices: Sequence[str], *, rows: bool) -> tuple[str, list[str]]:
    """Which index runs innermost, and all of them in order: the one that steps through most arrays by neighbours and through fewest by rows.

    Without `rows` it is one that is summed over.
    """
    accesses = [*_accesses(cell), kept]

    def score(index: str) -> int:
        return sum((places[-1] == index) - 2 * (index in places[:-1]) for places in accesses if places)

    inner = max((index for index in indices if rows or index not in kept), key=score)
    largest = max(accesses, key=len)
    rest = [index for index in indices if index != inner]
    return inner, [*sorted(rest, key=lambda index: largest.index(index) if index in largest else len(largest)), inner]


def _accesses(cell: Cell) -> list[Places]:
    return [cell.places] if cell.op == "entry" else [found for operand in cell.operands for found in _accesses(operand)]
