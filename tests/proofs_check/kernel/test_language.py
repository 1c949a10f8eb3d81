"""What a statement may not say: every refusal of the reader, with the input that causes it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from proofs_check.kernel.language import Rejected, is_rational, leaves, read_family, read_statement

Json = Any


def sym(shape: Json, role: str, sign: str = "real") -> Json:
    return {"shape": shape, "role": role, "sign": sign}


STATED: Json = {
    "sizes": ["N"],
    "symbols": {
        "u": sym(["N"], "parameter"),
        "v": sym(["N"], "parameter"),
        "a": sym(["N"], "constant"),
        "b": sym([3], "constant"),
        "c": sym([], "constant", "positive"),
        "h": sym(["N"], "cotangent"),
    },
    "definitions": [
        {"name": "s", "indices": [], "value": ["sum", "i", "N", ["at", "a", "i"]]},
        {"name": "twice", "indices": [], "value": ["*", 2, "s"]},
        {"name": "moving", "indices": [], "value": ["sum", "i", "N", ["at", "u", "i"]]},
    ],
    "hypotheses": [{"indices": [], "zero": "s"}],
    "flow": {
        "pairing": ["sum", "i", "N", ["*", ["at", "h", "i"], ["at", "u", "i"]]],
        "held": [],
        "rates": {"u": {"indices": [["i", "N"]], "value": "c"}, "v": {"indices": [["i", "N"]], "value": "c"}},
        "spheres": [["u", "v"]],
        "drift": {},
    },
    "claim": {"kind": "evolves", "indices": [], "quantity": "c", "rate": 0},
}
CLAIMED = ("claim", "quantity")
RATE = {"indices": [["i", "N"]], "value": "c"}


def put(path: tuple[str | int, ...], value: Json) -> Json:
    changed = copy.deepcopy(STATED)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


def test_the_statement_is_read() -> None:
    found = read_statement(STATED)
    assert list(found.definitions) == ["s", "twice", "moving"]
    assert len(found.hypotheses) == 2  # that of the sphere comes last
    assert read_statement(put(("hypotheses", 0, "zero"), "twice")).hypotheses[0] != found.hypotheses[0]
    assert read_statement(put(("hypotheses", 0, "zero"), ["integral", "p", "c", ["*", "p", "twice"]])).hypotheses[0] != found.hypotheses[0]


def test_what_a_tree_depends_on() -> None:
    """Through the definitions, each of which is looked at once: here the same name is reached in 2^60 ways."""
    twice = [{"name": f"d{n}", "indices": [], "value": ["+", *[f"d{n - 1}" if n else "c"] * 2]} for n in range(60)]
    statement = read_statement({**STATED, "definitions": [*STATED["definitions"], *twice], "hypotheses": [{"indices": [], "zero": "d59"}]})
    assert leaves(statement.hypotheses[0].value, statement.definitions) == {"c"}
    tree = read_family(statement, {"indices": [], "value": ["integral", "p", "moving", ["^", ["log", "p"], ["sum", "i", "N", ["*", "N", "d3"]]]]})
    assert leaves(tree.value, statement.definitions) == {"c", "p", "u", "N"}
    assert leaves(tree.value, {}) == {"moving", "p", "N", "d3"}


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("claim", "indices"), [["i", "N"], ["i", "N"]], "appears twice"),
        (("claim", "indices"), [["i", "K"]], "not a declared size"),
        (("claim", "indices"), [["i", 0]], "not a declared size"),
        (("claim", "indices"), {"i": "N"}, "should be a list"),
        (("claim", "indices"), [[None, "N"]], "not a name"),
        (("symbols", "a", "shape"), "N", "should be a list"),
        (("definitions",), {}, "should be a list"),
        (("hypotheses",), "", "should be a list"),
        (("sizes",), [3], "not a name"),
        (("claim", "kind"), "believed", "not a kind of claim"),
        (("claim",), {"kind": "count", "indices": [], "count": -1}, "not a number of laws"),
        (("claim",), {"kind": "gradient", "indices": [], "of": "c", "by": "a", "value": 0}, "of the shape of its value"),
        (CLAIMED, None, "not an expression"),
        (CLAIMED, True, "not an expression"),
        (CLAIMED, 1.5, "not an expression the kernel knows"),
        (CLAIMED, ["/", 1, 0], "not an expression the kernel knows"),
        (CLAIMED, ["tan", "c"], "not an expression the kernel knows"),
        (CLAIMED, "nobody", "is not declared"),
        (CLAIMED, "a", "has 1 indices, and is given 0"),
        (CLAIMED, ["at", "a", 1.5], "is not an index"),
        (CLAIMED, ["at", "a", True], "is not an index"),
        (CLAIMED, ["at", "a", "j"], "should run over N"),
        (CLAIMED, ["sum", "j", 3, ["at", "a", "j"]], "should run over N"),
        (CLAIMED, ["at", "a", -1], "is outside"),
        (CLAIMED, ["at", "b", 3], "is outside"),
        (CLAIMED, ["sum", "2", "N", 1], "is not a name"),
        (CLAIMED, ["sum", "c", "N", 1], "hides another"),
        (CLAIMED, ["sum", "i", "N", ["sum", "i", "N", 1]], "hides another"),
        (("symbols", "c", "sign"), "negative", "not one the kernel knows"),
        (("symbols", "c", "role"), "king", "not one the kernel knows"),
        (("symbols",), [], "not well formed"),
        (("hypotheses", 0, "zero"), ["at", "u", 0], "is not a constant"),
        (("hypotheses", 0, "zero"), "moving", "is not a constant"),
        (("hypotheses", 0, "zero"), ["integral", "p", ["at", "u", 0], "p"], "is not a constant"),
        (("hypotheses", 0, "zero"), ["integral", "p", "c", ["*", "p", "moving"]], "is not a constant"),
        (("flow", "held"), ["a"], "cannot be held"),
        (("flow", "rates", "a"), RATE, "is not a parameter"),
        (("flow", "rates", "u"), {"indices": [], "value": "c"}, "do not have its shape"),
        (("flow", "rates", "u", "value"), ["at", "a", "i"], "depends on its index"),
        (("flow", "rates", "u", "value"), ["*", 2, "c"], "leaves the sphere"),
        (("flow", "drift", "u"), RATE, "leaves the sphere"),
        (("flow", "spheres"), [["u"], ["u"]], "lies on two spheres"),
        (("flow", "spheres"), [["c"]], "needs to be a vector with a rate"),
        (("flow", "rates"), {"u": RATE}, "needs to be a vector with a rate"),
        (("symbols", "w"), sym([], "parameter"), "does not say how 'w' moves"),
        (("flow", "pairing"), ["sum", "i", "N"], "not an expression the kernel knows"),
    ],
)
def test_refusals(path: tuple[str | int, ...], value: Json, words: str) -> None:
    with pytest.raises(Rejected, match=words):
        read_statement(put(path, value))


def test_inequalities() -> None:
    claim = {"kind": "at-most", "indices": [], "left": 0, "right": "c", "strict": False, "where": ["s"]}
    assert read_statement(put(("claim",), claim)).claim.indices == ()
    for change, words in (
        ({"quantity": "c"}, "either a left side"),
        ({"strict": 1}, "neither true nor false"),
        ({"where": ["c"]}, "not a definition"),
    ):
        with pytest.raises(Rejected, match=words):
            read_statement(put(("claim",), claim | change))


def test_a_family_that_is_not_one() -> None:
    with pytest.raises(Rejected, match="not well formed"):
        read_family(read_statement(STATED), {"value": 1})
    with pytest.raises(Rejected, match="is not declared"):
        read_family(read_statement(STATED), {"indices": [], "value": "nobody"})


@pytest.mark.parametrize(
    ("tree", "rational"),
    [
        (["+", "c", ["*", 2, ["^", "c", -3]]], True),
        (["sum", "i", "N", ["^", ["at", "a", "i"], 2]], True),
        (["^", "c", ["/", 1, 2]], False),
        (["^", "c", "c"], False),
        (["sum", "i", "N", ["exp", "c"]], False),
        (["integral", "v0", "c", "v0"], False),
    ],
)
def test_what_is_rational(tree: Json, rational: bool) -> None:
    assert is_rational(read_family(read_statement(STATED), {"indices": [], "value": tree}).value) is rational
