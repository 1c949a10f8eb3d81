"""Flows as straight-line programs: values and gradients against SymPy, velocities against the point route, and the economy of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import pytest
import sympy as sp
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from proofs_check.kernel.graph import Graph, Place, motion
from proofs_check.kernel.language import Fn, Number, Pow, Ref, Rejected, Statement, Tree, read_family, read_statement
from proofs_check.kernel.points import precision, residual_at

Json = Any
SIZES = {"N": 2, "M": 3}


def sym(shape: Sequence[Json], role: str, sign: str = "real") -> Json:
    return {"shape": list(shape), "role": role, "sign": sign}


SETTING: Json = {
    "sizes": ["N", "M"],
    "symbols": {
        "r": sym([], "parameter", "positive"),
        "u": sym(["N"], "parameter", "positive"),
        "W": sym(["M", "N"], "parameter"),
        "nu": sym(["M"], "cotangent"),
        "c": sym([], "constant"),
        "t": sym([], "time"),
    },
    "definitions": [
        {"name": "y", "indices": [["k", "M"]], "value": ["sum", "j", "N", ["*", ["at", "W", "k", "j"], ["^", ["at", "u", "j"], 2]]]},
        {"name": "G", "indices": [["k", "M"]], "value": ["*", "c", ["at", "nu", "k"], ["+", 1, ["at", "y", "k"]]]},
    ],
    "hypotheses": [],
    "flow": None,
    "claim": {"kind": "equal", "indices": [], "left": 0, "right": 0},
}
SHAPES: Mapping[str, tuple[str, ...]] = {"r": (), "u": ("N",), "W": ("M", "N"), "nu": ("M",), "c": (), "t": ()}
PLACES: tuple[Place, ...] = tuple(
    (name, entry) for name, shape in SHAPES.items() for entry in product(*(range(SIZES[s]) for s in shape)) if name != "c"
)
AT: Mapping[Place, sp.Rational] = {place: sp.Rational(2 * n + 3, 5 + n % 4) for n, place in enumerate(PLACES)}
CONSTANT = fmpq(3, 7)


# ---- the oracle: trees written out in SymPy -------------------------------------------------------------------------------------------------------


def symbol(name: str, entry: tuple[int, ...] = ()) -> sp.Symbol:
    return sp.Symbol("_".join([name, *map(str, entry)]), real=True)


def written(node: Json, at: Mapping[str, int], held: Mapping[str, sp.Expr] | None = None) -> sp.Expr:
    """A tree of JSON as an expression, sums written out; `held` definitions stand as symbols of their own."""
    match node:
        case int():
            return sp.Integer(node)
        case str():
            return sp.Rational(3, 7) if node == "c" else sp.Integer(SIZES[node]) if node in SIZES else symbol(node)
        case ["/", p, q]:
            return sp.Rational(p, q)
        case ["at", name, *indices]:
            entry = tuple(at[i] if isinstance(i, str) else i for i in indices)
            definition = next((d for d in SETTING["definitions"] if d["name"] == name), None)
            if definition is None or (held is not None and name in held):
                return symbol(name, entry)
            return written(definition["value"], dict(zip((i for i, _ in definition["indices"]), entry, strict=True)), held)
        case ["+", *args]:
            return sp.Add(*(written(a, at, held) for a in args))
        case ["*", *args]:
            return sp.Mul(*(written(a, at, held) for a in args))
        case ["^", a, q]:
            return written(a, at, held) ** written(q, at, held)
        case ["sum", index, size, body]:
            return sp.Add(*(written(body, {**at, index: k}, held) for k in range(size if isinstance(size, int) else SIZES[size])))
        case [str(name), a]:
            return {"abs": sp.Abs}.get(name, getattr(sp, name, None))(written(a, at, held))
    raise AssertionError(node)


# ---- values of a graph, in plain balls ------------------------------------------------------------------------------------------------------------


def evaluated(graph: Graph, n: int, at: Mapping[Place, sp.Rational] = AT) -> arb:
    values: dict[int, arb] = {}
    for k in graph.under([n]):
        match graph.nodes[k]:
            case ["number", q]:
                values[k] = arb(q)
            case ["place", place]:
                values[k] = arb(fmpq(int(at[place].p), int(at[place].q)))
            case ["held", a]:
                values[k] = values[a]
            case ["+", args]:
                values[k] = sum((values[a] for a in args), arb(0))
            case ["*", a, b]:
                values[k] = values[a] * values[b]
            case ["^", a, q]:
                values[k] = values[a] ** (int(q) if q.q == 1 else arb(q))
            case ["abs", a]:
                values[k] = abs(values[a])
            case [name, a]:
                values[k] = getattr(values[a], name)()
    return values[n]


def close(found: arb, wanted: sp.Expr) -> bool:
    value = wanted.subs({symbol(*place): q for place, q in AT.items()})
    exact = arb(str(sp.N(value, 30)))
    return bool(abs(found - exact) <= (abs(exact) + 1) * arb("1e-20"))


LEAVES = st.sampled_from(
    [2, -1, ["/", 3, 2], "r", "c", "t", "N", ["at", "u", 0], ["at", "u", 1], ["at", "W", 2, 1], ["at", "nu", 0], ["at", "y", 1], ["at", "G", 2]]
)


def nodes(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    square = inner.map(lambda e: ["+", 1, ["*", e, e]])
    return st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda args: ["+", *args]),
        st.lists(inner, min_size=1, max_size=3).map(lambda args: ["*", *args]),
        st.tuples(inner, st.integers(0, 3)).map(lambda p: ["^", *p]),
        st.tuples(square, st.sampled_from([-1, -2, ["/", 1, 2], ["/", -2, 3]])).map(lambda p: ["^", *p]),
        square.map(lambda e: ["log", e]),
        square.map(lambda e: ["abs", ["*", -1, e]]),
        square.map(lambda e: ["exp", ["^", e, -1]]),
        square.map(lambda e: ["atanh", ["*", ["/", 1, 2], ["^", e, -1]]]),
        st.tuples(st.sampled_from(["sin", "cos", "asinh", "atan"]), inner).map(list),
        inner.map(lambda e: ["sum", "i", "N", ["*", e, ["at", "u", "i"], ["at", "W", 1, "i"]]] if "'sum'" not in str(e) else e),
    )


TREES = st.recursive(LEAVES, nodes, max_leaves=6)


@given(TREES)
def test_values_and_gradients_are_those_of_sympy(node: Json) -> None:
    statement = read_statement(SETTING)
    graph = Graph(statement, SIZES, {("c", ()): CONSTANT})
    top = graph.walk(read_family(statement, {"indices": [], "value": node}).value, {})
    wanted, gradient = written(node, {}), graph.gradient(top)
    with precision(300):
        assert close(evaluated(graph, top), wanted)
        for place in PLACES:
            slope = sp.diff(wanted, symbol(*place))
            assert close(evaluated(graph, gradient[place]) if place in gradient else arb(0), slope)


def test_what_is_held_is_not_differentiated() -> None:
    statement = read_statement(SETTING)
    node = ["sum", "k", "M", ["*", ["at", "G", "k"], ["at", "y", "k"]]]
    tree = read_family(statement, {"indices": [], "value": node}).value
    graph = Graph(statement, SIZES, {("c", ()): CONSTANT})
    gradient = graph.gradient(graph.walk(tree, {}, frozenset({"G"})))
    free = graph.gradient(graph.walk(tree, {}))
    held = written(node, {}, {"G": sp.Integer(0)})
    definition = {symbol("G", (k,)): written(["at", "G", k], {}) for k in range(SIZES["M"])}
    assert {name for name, _ in gradient} == {"u", "W"}
    with precision(300):
        for place in gradient:
            assert close(evaluated(graph, gradient[place]), sp.diff(held, symbol(*place)).subs(definition))
            assert close(evaluated(graph, free[place]), sp.diff(written(node, {}), symbol(*place)))


# ---- velocities -----------------------------------------------------------------------------------------------------------------------------------

FLOW: Json = {
    "pairing": ["sum", "k", "M", ["*", ["at", "G", "k"], "r", ["at", "y", "k"]]],
    "held": ["G"],
    "rates": {
        "r": {"indices": [], "value": ["+", 1, ["^", "r", 2]]},
        "u": {"indices": [["j", "N"]], "value": ["*", "c", "r"]},
        "W": {"indices": [["k", "M"], ["j", "N"]], "value": ["*", ["at", "u", "j"], ["at", "W", "k", "j"]]},
    },
    "spheres": [["u"]],
    "drift": {"r": {"indices": [], "value": ["*", -1, "t", "r"]}, "W": {"indices": [["k", "M"], ["j", "N"]], "value": ["at", "nu", "k"]}},
}


@pytest.mark.parametrize("spheres", [[], [["u"]]])
@pytest.mark.parametrize("held", [[], ["G"]])
def test_velocities_are_those_of_the_point_route(spheres: Json, held: Json) -> None:
    node = {**SETTING, "flow": FLOW | {"spheres": spheres, "held": held}}
    values: Json = {"r": "5/4", "u": ["3/5", "4/5"], "W": [["1", "-2"], ["1/3", "2"], ["5", "1/7"]], "nu": ["2", "-1", "1/2"], "c": "3/7", "t": "2/3"}
    statement = read_statement(node)
    found = motion(statement, SIZES, {("c", ()): CONSTANT})
    assert found.moving == tuple(place for place in PLACES if place[0] != "nu")
    assert found.controls == tuple(place for place in PLACES if place[0] == "nu")
    point: dict[Place, sp.Rational] = {}
    for name, entry in PLACES:
        value = values[name]
        for k in entry:
            value = value[k]
        point[name, entry] = sp.Rational(value)
    for name in ("r", "u", "W"):
        names = [f"i{n}" for n, _ in enumerate(SHAPES[name])]
        claim = {"kind": "evolves", "indices": [list(p) for p in zip(names, SHAPES[name], strict=True)], "quantity": ["at", name, *names], "rate": 0}
        wanted = residual_at(read_statement({**node, "claim": claim}), {"sizes": SIZES, "values": values, "bits": 200})
        for entry, velocity in wanted.items():
            with precision(200):
                assert abs(evaluated(found.graph, found.velocities[name, entry], point) - velocity) < arb("1e-50")
    assert found.graph.rational(found.velocities["t", ()]) == 1


# ---- economy and refusals -------------------------------------------------------------------------------------------------------------------------


def network(depth: int, width: int) -> Statement:
    """The pairing of a linear network, as nested sums: width^(depth + 1) paths."""
    body: Json = ["at", "W0", "i1", "i0"]
    for n in range(1, depth):
        body = ["sum", f"i{n}", width, ["*", ["at", f"W{n}", f"i{n + 1}", f"i{n}"], body]]
    pairing = ["sum", f"i{depth}", width, ["sum", "i0", width, ["*", ["at", "G", f"i{depth}", "i0"], body]]]
    names = [f"W{n}" for n in range(depth)]
    symbols = {name: sym([width, width], "parameter") for name in names} | {"G": sym([width, width], "cotangent")}
    rates = {name: {"indices": [["a", width], ["b", width]], "value": 1} for name in names}
    flow = {"pairing": pairing, "held": ["G"], "rates": rates, "spheres": []}
    return read_statement({**SETTING, "sizes": [], "symbols": symbols, "definitions": [], "flow": flow})


def test_a_network_costs_its_layers_and_not_its_paths() -> None:
    found = {depth: len(motion(network(depth, 4), {}, {}).graph.nodes) for depth in (2, 4, 6, 8)}
    assert found[8] < 2000  # of 4^9 paths
    assert found[8] - found[6] == found[6] - found[4]


def test_trees_that_come_and_go_are_not_mixed_up() -> None:
    """A tree is known by its address, which another may be given once it is gone."""
    graph = Graph(read_statement(SETTING), SIZES, {})
    for n in range(200):
        assert graph.rational(graph.walk(Number(fmpq(n)), {})) == n


def test_equal_parts_are_one_node() -> None:
    graph = Graph(read_statement(SETTING), SIZES, {})
    trees: list[Tree] = [Fn("exp", Ref("r")), Fn("exp", Ref("r")), Pow(Fn("exp", Ref("r")), Number(fmpq(1)))]
    assert len({graph.walk(tree, {}) for tree in trees}) == 1
    assert graph.walk(Ref("u", ("i",)), {"i": 0}) != graph.walk(Ref("u", ("i",)), {"i": 1})


def test_a_size_is_a_number() -> None:
    graph = Graph(read_statement(SETTING), SIZES, {})
    for name, size in SIZES.items():
        assert graph.rational(graph.walk(Ref(name), {})) == size


def test_the_places_of_nodes_are_those_left_when_constants_are_numbers() -> None:
    """G_1 + c r, with c a number or not."""
    statement = read_statement(SETTING)
    tree = read_family(statement, {"indices": [], "value": ["+", ["at", "G", 1], ["*", "c", "r"]]}).value
    own = {symbol(*place) for place in PLACES} & written(["at", "G", 1], {}).free_symbols
    for values, more in (({("c", ()): CONSTANT}, set()), ({}, {("c", ())})):
        graph = Graph(statement, SIZES, values)
        found = graph.places([graph.walk(tree, {})])
        assert found == {place for place in PLACES if symbol(*place) in own} | {("r", ())} | more


REFUSED: Sequence[tuple[Json, str]] = [
    (["^", 0, -1], "division by zero"),
    (["^", "r", 1001], "the exponent 1001"),
    (["^", "r", ["/", 1, 65]], "root of order beyond"),
    (["^", ["^", ["^", 3, 1000], 1000], 1000], "bits"),
    (["*", *[["^", 2, 999]] * 200], "bits"),
    (["integral", "s", "r", "s"], "integral"),
    (["at", "u", 2], "outside its shape"),
    (["at", "y", 3], "outside its shape"),
]


@pytest.mark.parametrize(("node", "reason"), REFUSED)
def test_what_is_too_large_or_not_there_is_refused(node: Json, reason: str) -> None:
    statement = read_statement(SETTING)
    graph = Graph(statement, SIZES, {})
    with pytest.raises(Rejected, match=reason):
        graph.walk(read_family(statement, {"indices": [], "value": node}).value, {})


def test_too_many_operations_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofs_check.kernel.graph.MOST_NODES", 50)
    with pytest.raises(Rejected, match="more than 50 operations"):
        motion(network(3, 4), {}, {})
