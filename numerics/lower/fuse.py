"""Loops run together: a matrix that one statement walks through row by row, and the next one again, is read once.

$\\nu = Ax - y$ and $G = A^T\\nu$ are the case it is for: row $k$ of $A$ gives $\\nu_k$ and is, while it is in the cache, added to $G$ times $\\nu_k$.
Where $A$ is larger than the cache, that is half of the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from .loops import Cell, Loop, LoopProgram, Nest, Place, Places


def fuse(program: LoopProgram) -> LoopProgram:
    """Let neighbouring statements walk through the rows of one array, the second adding up what the first has found of the row: in one loop."""
    found: list[Nest] = []
    for nest in program.nests:
        if found and _can_follow(found[-1], nest):
            found[-1] = replace(found[-1], then=(_renamed(nest, str(found[-1].loops[0].index)),))
        else:
            found.append(nest)
    return LoopProgram(tuple(found), program.results)


def _can_follow(first: Nest, second: Nest) -> bool:
    if first.added or first.then or len(first.loops) != 1 or not second.added or len(second.loops) < 2:
        return False
    row, other = first.loops[0], second.loops[0]
    if row.length != other.length or other.index in second.places:
        return False
    # Of what the first computes, the second may use the entry of this row alone.
    if any(entry.places != (other.index,) for entry in _entries(second.value) if entry.detail == first.name):
        return False
    rows = {entry.detail for sum_ in first.sums for entry in _entries(sum_.value) if len(entry.places) > 1 and entry.places[0] == row.index}
    return any(len(entry.places) > 1 and entry.places[0] == other.index and entry.detail in rows for entry in _entries(second.value))


def _entries(cell: Cell) -> Iterator[Cell]:
    if cell.op == "entry":
        yield cell
    for operand in cell.operands:
        yield from _entries(operand)


def _renamed(nest: Nest, row: str) -> Nest:
    """The nest without its outermost loop, whose index is `row` from now on; an index of that name takes the old one instead."""
    names = {nest.loops[0].index: row, row: nest.loops[0].index}
    loops = tuple(Loop(names.get(loop.index, loop.index), loop.length) for loop in nest.loops[1:])
    return replace(nest, places=_places(nest.places, names), loops=loops, value=_cell(nest.value, names))


def _places(places: Places, names: Mapping[str, str]) -> Places:
    def put(place: Place) -> Place:
        return names.get(place, place) if isinstance(place, str) else place

    return tuple(put(place) for place in places)


def _cell(cell: Cell, names: Mapping[str, str]) -> Cell:
    detail = names.get(str(cell.detail), cell.detail) if cell.op == "index" else cell.detail
    return Cell(cell.op, tuple(_cell(operand, names) for operand in cell.operands), detail, _places(cell.places, names))
