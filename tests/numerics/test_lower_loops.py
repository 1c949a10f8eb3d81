"""Loops from array programs: along memory, nothing recomputed, nothing scalarised."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import sympy as sp

from numerics import program, source
from numerics.lower import Array, Cell, Loop, LoopProgram, Nest, Sum, as_loops, fuse, lower
from theory.dynamics import vector_field
from theory.settings import Setting, Space, family
from theory.symbols import Variable, index, size, total

Lookup = Callable[[str], Setting]
NETS = ("polar", "weight norm", "plain", "transported", "signed", "layers of vectors", "linear net, depth 2", "linear net, depth 3", "sensed net")


def loops_of(setting: Setting) -> LoopProgram:
    needed = program(setting)
    return as_loops(lower(needed), taken=[v.name for v in needed.variables] + [n.name for n in needed.sizes])


def inside(cell: Cell) -> Iterator[Cell]:
    yield cell
    for operand in cell.operands:
        yield from inside(operand)


def bodies(nest: Nest) -> list[tuple[tuple[str, ...], Cell]]:
    """What is computed under which loops, the outermost first."""
    around = tuple(loop.index for loop in nest.loops)
    return [(around, nest.value), *((around + tuple(loop.index for loop in sum_.loops), sum_.value) for sum_ in nest.sums)]


def outer_sums() -> Setting:
    """W' = a row and a column, each with a logarithm, added up with numbers and indices."""
    M, N = size("M"), size("N")
    W, t = Variable("W", (M, N), "parameter", "positive"), Variable("t", (), "time")
    i, j, k = index("i"), index("j"), index("k")
    value = sp.log(1 + t[()] + total(W[i, k], (k, N))) - sp.log(total(W[k, j], (k, M))) + i - j
    return vector_field(Setting((W, t)), Space((W,)), {"W": family(value, (i, M), (j, N))})


def nodes(array: Array) -> Iterator[Array]:
    yield array
    for operand in array.operands:
        yield from nodes(operand)


def check_shapes(setting: Setting) -> None:
    sizes = {symbol: sp.Integer(number) for symbol, number in zip(program(setting).sizes, (7, 5, 3, 2, 11, 13), strict=False)}
    for statement in lower(program(setting)).statements:
        for node in nodes(statement.value):
            if node.op in ("add", "subtract", "negate", "multiply", "divide", "power", "call"):
                shapes = [tuple(int(sp.sympify(n).xreplace(sizes)) for n in each.shape) for each in (node, *node.operands)]
                assert shapes[0] == np.broadcast_shapes(*shapes[1:]), node


def test_every_operation_has_the_shape_that_numpy_gives_it(setting: Setting) -> None:
    check_shapes(setting)


def test_partial_sums_of_rows_and_columns_have_their_own_shapes() -> None:
    check_shapes(outer_sums())


@pytest.mark.parametrize("name", NETS)
def test_the_innermost_loop_steps_to_neighbours(settings_by_name: Lookup, name: str) -> None:
    for nest in loops_of(settings_by_name(name)).nests:
        for around, value in bodies(nest):
            places = [cell.places for cell in inside(value) if cell.op == "entry"]
            places += [nest.places] if nest.added or not nest.sums else []
            assert not any(around[-1] in entry[:-1] for entry in places if around), (nest.name, value)


def test_nothing_costly_is_repeated(setting: Setting) -> None:
    """A function, a power or a quotient inside loops depends on all of their indices."""
    for nest in loops_of(setting).nests:
        for around, value in bodies(nest):
            for cell in inside(value):
                if cell.op in ("call", "power", "divide"):
                    met = {place for leaf in inside(cell) for place in (*leaf.places, *([leaf.detail] if leaf.op == "index" else []))}
                    sums = {sum_.name for sum_ in nest.sums} if value is nest.value else set()
                    assert set(around) <= met or any(leaf.op == "local" and leaf.detail in sums for leaf in inside(cell)), (nest.name, cell)


def test_every_array_is_computed_before_it_is_used(setting: Setting) -> None:
    found = loops_of(setting)
    known = {variable.name for variable in program(setting).variables} | {program(setting).time_name}
    for nest in found.nests:
        for _, value in bodies(nest):
            assert {str(cell.detail) for cell in inside(value) if cell.op == "entry"} <= known
        assert nest.name not in known
        known.add(nest.name)
    assert set(found.results) <= known


def test_a_row_that_all_rows_share_is_computed_once() -> None:
    """Vectors of logarithms first, no logarithm inside the double loop."""
    for nest in loops_of(outer_sums()).nests:
        for around, cell in bodies(nest):
            assert not (len(around) == 2 and any(leaf.op == "call" for leaf in inside(cell)))


def test_a_matrix_is_read_once(settings_by_name: Lookup) -> None:
    """G = A^T nu is added up in the loop over rows that computes nu = A x - y; also where the data has three indices."""
    for name, matrix in (("polar", "A"), ("weight norm", "A"), ("sensed net", "B")):
        found = fuse(loops_of(settings_by_name(name)))
        walks = [
            nest for nest in found.nests if any(cell.detail == matrix for each in (nest, *nest.then) for _, v in bodies(each) for cell in inside(v))
        ]
        assert [(nest.name, [each.name for each in nest.then]) for nest in walks] == [("nu", ["G"])]
        assert [nest.name for nest in found.all_nests] == [nest.name for nest in loops_of(settings_by_name(name)).nests]


def entry(name: str, *places: str) -> Cell:
    return Cell("entry", (), name, places)


def rows_twice(second: Cell, *, places: tuple[str, ...] = ("i",), loops: tuple[str, ...]) -> LoopProgram:
    """nu_k = sum_i C_ki x_i, and then a second statement g, added up over the loops given as an index and its length."""
    N, K = size("N"), size("K")
    made = tuple(Loop(loop[:-1], {"N": N, "K": K}[loop[-1]]) for loop in loops)
    first = Nest(
        "nu",
        (K,),
        ("k",),
        (Loop("k", K),),
        (Sum("sum", (Loop("i", N),), Cell("multiply", (entry("C", "k", "i"), entry("x", "i")))),),
        Cell("local", (), "sum"),
    )
    return LoopProgram((first, Nest("g", (N,), places, made, (), second, added=True)), ("g",))


@pytest.mark.parametrize(
    ("second", "loops", "fused"),
    [
        (Cell("multiply", (entry("nu", "l"), entry("C", "l", "i"))), ("lK", "iN"), True),
        (Cell("multiply", (entry("nu", "l"), entry("C", "l", "i"))), ("lN", "iN"), False),  # another number of rows
        (Cell("multiply", (entry("nu", "i"), entry("C", "l", "i"))), ("lK", "iN"), False),  # needs entries that are not there yet
        (Cell("multiply", (entry("nu", "l"), entry("D", "l", "i"))), ("lK", "iN"), False),  # nothing is read twice
        (Cell("multiply", (entry("nu", "l"), entry("C", "i", "l"))), ("lK", "iN"), False),  # by columns
    ],
)
def test_loops_are_fused_only_where_nothing_changes(second: Cell, loops: tuple[str, ...], fused: bool) -> None:
    program_ = rows_twice(second, loops=loops)
    found = fuse(program_)
    if not fused:
        assert found == program_
        return
    ((nest,),) = (found.nests,)
    (inner,) = nest.then
    assert inner.value == Cell("multiply", (entry("nu", "k"), entry("C", "k", "i")))
    assert [loop.index for loop in inner.loops] == ["i"]


def test_an_index_in_the_way_changes_places() -> None:
    """The second statement calls its rows i and its columns k."""
    found = fuse(rows_twice(Cell("multiply", (entry("nu", "i"), entry("C", "i", "k"))), places=("k",), loops=("iK", "kN")))
    (inner,) = found.nests[0].then
    assert (inner.places, inner.value) == (("i",), Cell("multiply", (entry("nu", "k"), entry("C", "k", "i"))))


@pytest.mark.parametrize("target", ["c", "numba"])
def test_the_transposed_product_goes_by_rows(settings_by_name: Lookup, target: str) -> None:
    text = source(settings_by_name("polar"), target)
    wanted = "G[j] += nu[i] * A[i * N + j];" if target == "c" else "G[j] += nu[i] * A[i, j]"
    lines = [line.strip() for line in text.splitlines()]
    inner = lines[lines.index(wanted) - 1]
    assert inner in ("for (size_t j = 0; j < N; j++)", "for j in range(N):")
