"""The search for cofactors: what it finds adds up, and it gives up without harm."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs_check import cofactors
from proofs_check.cofactors import poly_tree, search
from proofs_check.kernel.all_sizes import check_all_sizes, residual
from proofs_check.kernel.index import Algebra
from proofs_check.kernel.language import Equal, Rejected, Statement, read_family, read_statement
from proofs_check.kernel.points import residual_at

Json = Any


def at(name: str, *indices: Json) -> Json:
    return ["at", name, *indices]


def total(index: str, size: Json, body: Json) -> Json:
    return ["sum", index, size, body]


def stated(left: Json, right: Json = 0, indices: Json = (), hypotheses: Json = None) -> Statement:
    """z and y in the kernel of A, and u on the unit sphere."""
    kernel = [{"indices": [["k", "M"]], "zero": total("i", "N", ["*", at("A", "k", "i"), at(name, "i")])} for name in "zy"]
    sphere = {"indices": [], "zero": ["+", total("i", "N", ["^", at("u", "i"), 2]), -1]}
    shapes = {"A": ["M", "N"], "z": ["N"], "y": ["N"], "u": ["N"], "e": ["M"], "B": ["M", "M"], "c": []}
    return read_statement(
        {
            "sizes": ["N", "M"],
            "symbols": {name: {"shape": shape, "role": "constant", "sign": "positive" if name == "c" else "real"} for name, shape in shapes.items()},
            "definitions": [],
            "hypotheses": [*kernel, sphere] if hypotheses is None else hypotheses,
            "flow": None,
            "claim": {"kind": "equal", "indices": list(indices), "left": left, "right": right},
        }
    )


def proved(statement: Statement) -> int:
    """The number of cofactors found, once the kernel has accepted them."""
    found, rest = search(statement, residual(statement, {}))
    assert not rest, rest.key
    check_all_sizes(statement, {"gradient": {}, "cofactors": found})
    return len(found)


def row(vector: str, k: str, i: str = "s") -> Json:
    return total(i, "N", ["*", at("A", k, i), at(vector, i)])


FOUND: dict[str, tuple[Statement, int]] = {
    "nothing to do": (stated(["*", 2, "c"], ["+", "c", "c"]), 0),
    "at a free index": (stated(row("z", "a"), 0, [["a", "M"]]), 1),
    "under a sum": (stated(total("p", "M", ["*", at("e", "p"), row("z", "p")])), 1),
    "both vectors": (stated(total("p", "M", ["*", at("e", "p"), ["+", row("z", "p"), ["*", 3, "c", row("y", "p", "t")]]])), 2),
    "a product of two rows": (stated(total("p", "M", total("q", "M", ["*", at("B", "p", "q"), row("z", "p"), row("z", "q", "t")]))), 1),
    "the sphere": (stated(["*", "c", total("p", "N", ["^", at("u", "p"), 2])], "c"), 1),
    "the sphere twice": (stated(["^", total("p", "N", ["^", at("u", "p"), 2]), 2], 1), 2),
    "a symbolic power beside it": (stated(["*", ["^", "c", ["/", 1, 2]], ["log", "c"], total("p", "M", ["*", at("e", "p"), row("z", "p")])]), 1),
    "the exponential of a sum beside it": (stated(["*", ["exp", total("p", "N", at("u", "p"))], row("z", "a")], 0, [["a", "M"]]), 1),
    "the power of a sum beside it": (
        stated(["*", ["^", ["+", "c", total("p", "N", ["^", at("z", "p"), 2])], -1], row("z", "a")], 0, [["a", "M"]]),
        1,
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_the_cofactors_are_found_and_accepted(name: str) -> None:
    statement, number = FOUND[name]
    assert proved(statement) == number


LOST = {
    "one entry too many": stated(["+", row("z", "a"), at("A", "a", 0)], 0, [["a", "M"]]),
    "the transposed sum": stated(total("p", "M", ["*", at("A", "p", "a"), at("e", "p")]), 0, [["a", "N"]]),
    "a weighted sum": stated(total("s", "N", ["*", at("u", "s"), at("A", "a", "s"), at("z", "s")]), 0, [["a", "M"]]),
    "another power": stated(total("p", "N", ["^", at("u", "p"), 4]), 1),
    "no hypotheses": stated(total("p", "N", ["^", at("u", "p"), 2]), 1, hypotheses=[]),
    "a hypothesis that says nothing": stated("c", 1, hypotheses=[{"indices": [], "zero": ["+", "c", ["*", -1, "c"]]}]),
}


@pytest.mark.parametrize("name", LOST)
def test_what_does_not_follow_is_left(name: str) -> None:
    _, rest = search(LOST[name], residual(LOST[name], {}))
    assert rest


def test_the_search_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """c = c^2 + 1 as a rule from the left would go on for ever."""
    monkeypatch.setattr(cofactors, "MOST_REWRITINGS", 5)
    statement = stated("c", 0, hypotheses=[{"indices": [], "zero": ["+", ["*", -1, "c"], ["^", "c", 2], 1]}])
    found, rest = search(statement, residual(statement, {}))
    assert rest
    assert len(found) <= 5


LEAVES = st.sampled_from(["c", 2, ["/", -1, 3], "N", at("e", "a"), at("A", "a", 0), ["log", "c"], ["sin", at("e", "a")], ["exp", at("e", "a")]])


def _grown(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    return st.one_of(
        st.tuples(st.sampled_from("+*"), inner, inner).map(list),
        inner.map(lambda t: total("s", "N", ["*", at("z", "s"), at("A", "a", "s"), t])),
        inner.map(lambda t: ["^", ["+", 1, ["^", t, 2]], -1]),
        inner.map(lambda t: ["^", ["+", 1, ["exp", t]], ["*", "c", ["/", 1, 2]]]),
        inner.map(lambda t: ["abs", t]),
    )


POINT = {
    "sizes": {"N": 2, "M": 2},
    "values": {"A": [[1, -2], [2, -4]], "z": [2, 1], "y": [-4, -2], "u": ["3/5", "4/5"], "e": ["1/3", -2], "B": [[1, 2], [3, 4]], "c": "5/2"},
    "bits": 128,
}


@given(st.recursive(LEAVES, _grown, max_leaves=6))
def test_a_polynomial_written_as_a_tree_has_the_values_of_the_tree_it_came_from(tree: Json) -> None:
    statement = stated(_apart(tree, count()), 0, [["a", "M"]])
    assert isinstance(statement.claim, Equal)
    algebra = Algebra(statement)
    written = poly_tree(algebra, algebra.of_tree(statement.claim.left))
    right = read_family(statement, {"indices": [["a", "M"]], "value": written}).value
    try:
        found = residual_at(replace(statement, claim=replace(statement.claim, right=right)), POINT)
    except Rejected:  # the absolute value of 0 in a denominator
        return
    assert all(value.contains(0) for value in found.values())


def _apart(tree: Json, numbers: Any, inside: str = "") -> Json:
    """The same tree with each summation index named differently."""
    if not isinstance(tree, list):
        return inside if tree == "s" and inside else tree
    if tree[0] == "sum":
        name = f"s{next(numbers)}"
        return ["sum", name, tree[2], _apart(tree[3], numbers, name)]
    return [_apart(part, numbers, inside) for part in tree]
