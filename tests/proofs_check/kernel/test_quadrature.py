"""Laws given by integrals: counted where the form is closed on the curves of its blocks and vanishes on the flow, refused otherwise."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from proofs_check.division import certify
from proofs_check.kernel import Rejected, check
from proofs_check.kernel.language import read_statement

Json = Any
CONTROLS: Json = {"prime": 2**31 - 1, "width": 8, "order": 5, "seed": 0}
BALLS: Json = CONTROLS | {"prime": None}


def sym(role: str, *shape: Json, sign: str = "real") -> Json:
    return {"shape": list(shape), "role": role, "sign": sign}


def driven(symbols: Json, drift: Json, definitions: Json = (), sizes: Json = ()) -> Json:
    """Every coordinate moves with the velocity given for it, and no pairing."""
    families = {name: value if isinstance(value, dict) else {"indices": [], "value": value} for name, value in drift.items()}
    flow = {"pairing": 0, "held": [], "rates": {}, "spheres": [], "drift": families}
    return {"sizes": list(sizes), "symbols": symbols, "definitions": list(definitions), "hypotheses": [], "flow": flow}


def minus(tree: Json) -> Json:
    return ["*", -1, tree]


def over(above: Json, below: Json) -> Json:
    return ["*", above, ["^", below, -1]]


def cofactors(statement: Json, instance: Json) -> Json:
    """Those that prove the statement; none where nothing does."""
    try:
        return certify(read_statement(statement), instance)["cofactors"]
    except Rejected:
        return [[]]


def law(setting: Json, quantity: Json, indices: Json = (), sizes: Json = None) -> Json:
    statement = {**setting, "claim": {"kind": "evolves", "indices": list(indices), "quantity": quantity, "rate": 0}}
    instance = {"sizes": sizes or {}, "values": {}}
    found = certify(read_statement(statement), instance)
    return {"certificate": {"kind": "instance", "statement": statement, **found}, "values": [{}]}


def quadrature(setting: Json, parts: Json, laws: Json = (), given: Json = None, sizes: Json = None) -> Json:
    """The form with the components and velocities given for its coordinates, closed by the laws of these numbers (or triples)."""
    instance = {"sizes": sizes or {}, "values": given or {}}

    def proof(claim: Json) -> Json:
        return cofactors({**setting, "claim": {"indices": [], **claim}}, instance)

    form = [
        {"along": along, "component": f, "velocity": v, "cofactors": proof({"kind": "evolves", "quantity": along, "rate": v})}
        for along, f, v in parts
    ]
    total = ["+", *(["*", f, v] for _, f, v in parts)]
    used = [[number, 0, []] if isinstance(number, int) else number for number in laws]
    return {"instance": instance, "form": form, "cofactors": proof({"kind": "equal", "left": total, "right": 0}), "laws": used}


def counted(
    setting: Json, least: int, most: int, values: Json, laws: Json = (), forms: Json = (), controls: Json = CONTROLS, sizes: Json = None
) -> Json:
    return {
        "format": "polarflow.certificate/1",
        "kind": "count",
        "statement": {**setting, "claim": {"kind": "between", "least": least, "most": most, "indices": []}},
        "point": {"sizes": sizes or {}, "values": values, "bits": 150},
        "controls": controls,
        "laws": list(laws),
        "quadratures": list(forms),
    }


# ---- what is accepted -----------------------------------------------------------------------------------------------------------------------------

# two channels, u v and p q, seen through the vector (1, 2); the third law is 2 log(u + v) - log(p + q)
PAIRS: Json = driven(
    {name: sym("parameter", sign="positive") for name in ("u", "v", "p", "q")} | {"a": sym("cotangent"), "b": sym("cotangent")},
    {"u": ["*", "a", "v"], "v": ["*", "a", "u"], "p": ["*", 2, "a", "q"], "q": ["*", 2, "a", "p"]},
)
AT_PAIRS: Json = {"u": 2, "v": 1, "p": 3, "q": "1/2", "a": 1, "b": 1}
FIRST: Json = ["+", ["^", "u", 2], minus(["^", "v", 2])]
SECOND: Json = ["+", ["^", "p", 2], minus(["^", "q", 2])]
OF_PAIRS: Json = [law(PAIRS, FIRST), law(PAIRS, SECOND)]
FORM: Json = (("u", over(2, "v"), ["*", "a", "v"]), ("p", over(-1, "q"), ["*", 2, "a", "q"]))
IN_LOGARITHMS: Json = ["+", ["*", 2, ["log", ["+", "u", "v"]]], minus(["log", ["+", "p", "q"]])]


def of_pairs(least: int, forms: Json, laws: Json = None, values: Json = AT_PAIRS) -> Json:
    return counted(PAIRS, least, 3, values, OF_PAIRS if laws is None else laws, forms)


def test_the_integral_of_a_form_is_one_more_law() -> None:
    with pytest.raises(Rejected, match="2 laws are independent"):
        check(of_pairs(3, []))
    text = check(of_pairs(3, [quadrature(PAIRS, FORM, (0, 1))])).text
    assert "3 independent laws (1 of them the integral of a form) hold whatever " in text


def test_the_form_is_the_differential_of_the_formula_up_to_the_laws() -> None:
    """The logarithm is proved by another route, and adds nothing to the form, nor the form to it."""
    form, logarithm = quadrature(PAIRS, FORM, (0, 1)), law(PAIRS, IN_LOGARITHMS)
    text = check(of_pairs(3, [form], [*OF_PAIRS, logarithm])).text
    assert "3 independent laws hold" in text  # none is due to the form alone
    for least, laws, forms in ((3, [*OF_PAIRS, logarithm], []), (3, OF_PAIRS, [form, form])):
        check(of_pairs(least, forms, laws))
    with pytest.raises(Rejected, match="3 laws are independent"):
        check(of_pairs(4, [form, form], [*OF_PAIRS, logarithm]))


def test_a_form_along_another_coordinate_is_the_same_law() -> None:
    turned = (("v", over(2, "u"), ["*", "a", "u"]), ("q", over(-1, "p"), ["*", 2, "a", "p"]))
    for forms in ([quadrature(PAIRS, turned, (0, 1))], [quadrature(PAIRS, parts, (0, 1)) for parts in (FORM, turned)]):
        assert "3 independent laws (1 of" in check(of_pairs(3, forms)).text


def test_a_form_made_of_the_laws_adds_nothing() -> None:
    of_law = (("u", ["*", 2, "u"], ["*", "a", "v"]), ("v", ["*", -2, "v"], ["*", "a", "u"]))
    assert "at least 2 independent laws hold" in check(of_pairs(2, [quadrature(PAIRS, of_law, (0,))])).text


def test_a_component_may_be_given_in_parts() -> None:
    parts = (*FORM[:1], ("p", over(-3, "q"), FORM[1][2]), ("p", over(2, "q"), FORM[1][2]))
    assert "3 independent laws (1 of" in check(of_pairs(3, [quadrature(PAIRS, parts, (0, 1))])).text


def test_time_and_single_coordinates_are_blocks() -> None:
    """x' = -2 x and y' = y in time: x e^(2 t) and y e^-t, as integrals of dx/x + 2 dt and dy/y - dt."""
    setting = driven({"x": sym("parameter"), "y": sym("parameter"), "t": sym("time")}, {"x": ["*", -2, "x"], "y": "y"})
    forms = [
        quadrature(setting, (("x", over(1, "x"), ["*", -2, "x"]), ("t", 2, 1))),
        quadrature(setting, (("y", over(1, "y"), "y"), ("t", -1, 1))),
    ]
    text = check(counted(setting, 2, 2, {"x": 1, "y": -3, "t": 5}, (), forms)).text
    assert "2 independent laws (2 of them the integral of a form)" in text


def test_symbolic_sizes_families_and_definitions() -> None:
    """u_i' = k a v_i, v_i' = k a u_i: one family of laws, whose entries serve one block each."""
    indices: Json = [["i", "N"]]
    velocity = {name: {"indices": indices, "value": ["*", "k", "a", ["at", other, "i"]]} for name, other in ("uv", "vu")}
    symbols = {"u": sym("parameter", "N", sign="positive"), "v": sym("parameter", "N", sign="positive"), "k": sym("constant"), "a": sym("cotangent")}
    slow = {"name": "slow", "indices": indices, "value": ["^", ["at", "v", "i"], -1]}
    setting, sizes = driven(symbols, velocity, [slow], ["N"]), {"N": 2}
    balance = law(setting, ["+", ["^", ["at", "u", "i"], 2], minus(["^", ["at", "v", "i"], 2])], indices, sizes)
    parts = [(["at", "u", k], ["*", sign, ["at", "slow", k]], ["*", "k", "a", ["at", "v", k]]) for k, sign in enumerate((1, -1))]
    values = {"u": [1, 2], "v": [3, "1/3"], "k": 7, "a": 1}
    form = quadrature(setting, parts, [[0, 0, [0]], [0, 0, [1]]], {"k": 7}, sizes)
    assert "3 independent laws (1 of" in check(counted(setting, 3, 3, values, [balance], [form], sizes=sizes)).text
    for wrong, reason in (
        (quadrature(setting, parts, [[0, 0, [0]], [0, 0, [0]]], {"k": 7}, sizes), "more than a curve"),
        (quadrature(setting, parts, [[0, 0, [0]], [0, 0, [2]]], {"k": 7}, sizes), "not among those"),
        (quadrature(setting, parts, [[0, 0, [0]], [0, 1, [1]]], {"k": 7}, sizes), "not among those"),
        (quadrature(setting, parts, [[0, 0, [0]], [-1, 0, [1]]], {"k": 7}, sizes), "not among those"),
        (quadrature(setting, parts, [[0, 0, [0]], [0, 0, [1]]], {"k": 8}, sizes), "other sizes or constants"),
        (quadrature(setting, parts, [[0, 0, [0]], [0, 0, [1]]], {"k": 7}, {"N": 3}), "other sizes or constants"),
        (quadrature(setting, [(["at", "u", 2], *parts[0][1:])], [[0, 0, [0]]], {"k": 7}, sizes), "outside its shape"),
        (quadrature(setting, [(["at", "slow", 0], *parts[0][1:])], [[0, 0, [0]]], {"k": 7}, sizes), "do not give the numerator"),
        (
            quadrature(setting, [(["at", "slow", 0], 0, minus(["*", ["^", ["at", "v", 0], -2], "k", "a", ["at", "u", 0]]))], (), {"k": 7}, sizes),
            "not a coord",
        ),
        (quadrature(setting, [("k", 1, 0)], (), None, sizes), "not a coordinate that moves"),
        (quadrature(setting, [("N", 1, 0)], (), None, sizes), "not a coordinate that moves"),
        (quadrature(setting, [(3, 1, 0)], (), None, sizes), "not a coordinate that moves"),
    ):
        with pytest.raises(Rejected, match=reason):
            check(counted(setting, 3, 3, values, [balance], [wrong], sizes=sizes))


def test_on_a_circle_the_norm_closes_the_form() -> None:
    """u' = -nu (e_0 - u_0 u) on the circle and y' = -nu: u_0' = -nu u_1^2 there, so that artanh(u_0) - y stays."""
    setting = {
        "sizes": [],
        "symbols": {"u": sym("parameter", 2), "y": sym("parameter"), "nu": sym("cotangent")},
        "definitions": [],
        "hypotheses": [],
        "flow": {
            "pairing": ["*", "nu", ["+", ["at", "u", 0], "y"]],
            "held": [],
            "rates": {"u": {"indices": [["i", 2]], "value": 1}, "y": {"indices": [], "value": 1}},
            "spheres": [["u"]],
            "drift": {},
        },
    }
    norm = law(setting, ["+", *(["^", ["at", "u", k], 2] for k in range(2))])
    parts = ((["at", "u", 0], ["^", ["at", "u", 1], -2], minus(["*", "nu", ["^", ["at", "u", 1], 2]])), ("y", -1, minus("nu")))
    values = {"u": ["3/5", "4/5"], "y": 1, "nu": 1}
    assert "2 independent laws (1 of" in check(counted(setting, 2, 2, values, [norm], [quadrature(setting, parts, (0,))])).text
    with pytest.raises(Rejected, match="0 laws of a block of 2 coordinates"):
        check(counted(setting, 2, 2, values, [norm], [quadrature(setting, parts)]))
    other = (parts[0], ("y", 1, minus("nu")))
    with pytest.raises(Rejected, match="do not give the numerator"):
        check(counted(setting, 2, 2, values, [norm], [quadrature(setting, other, (0,))]))


# ---- what is refused ------------------------------------------------------------------------------------------------------------------------------

# x' = a, y' = b, z' = x b - y a: the form dz - x dy + y dx vanishes on the flow, and there is no law at all
CONTACT: Json = driven(
    {name: sym("parameter") for name in "xyz"} | {"a": sym("cotangent"), "b": sym("cotangent")},
    {"x": "a", "y": "b", "z": ["+", ["*", "x", "b"], minus(["*", "y", "a"])]},
)
AT_CONTACT: Json = {"x": 1, "y": 2, "z": 3, "a": 1, "b": 2}
CONTACT_FORM: Json = (("z", 1, ["+", ["*", "x", "b"], minus(["*", "y", "a"])]), ("y", minus("x"), "b"), ("x", "y", "a"))

# x' = a and y' = b: no law at all
PLANE: Json = driven(
    {"x": sym("parameter"), "y": sym("parameter"), "a": sym("cotangent"), "b": sym("cotangent")},
    {"x": "a", "y": "b"},
    [{"name": "hidden", "indices": [], "value": "b"}, {"name": "beside", "indices": [], "value": "y"}],
)
AT_PLANE: Json = {"x": 1, "y": 2, "a": 1, "b": 2}
# x' = a and y' = a: x - y is a law
TWINS: Json = driven(
    {"x": sym("parameter"), "y": sym("parameter"), "a": sym("cotangent"), "b": sym("cotangent")},
    {"x": "a", "y": "a"},
    [{"name": "inner", "indices": [], "value": ["*", "x", "y"]}],
)

SOME: Json = driven(TWINS["symbols"], {name: ["*", "a", over("b", "b")] for name in "xy"})  # the same, for b different from 0


def of_twins(f: Json, g: Json, x: Json = 1, y: Json = 2, velocity: Json = "a", **more: Json) -> Json:
    return counted(TWINS, 1, 1, {"x": x, "y": y, "a": 1, "b": 1}, (), [quadrature(TWINS, (("x", f, velocity), ("y", g, "a")), **more)])


def in_plane(f: Json, g: Json) -> Json:
    return counted(PLANE, 1, 2, AT_PLANE, (), [quadrature(PLANE, (("x", f, "a"), ("y", g, "b")))])


LOG: Json = ["log", "x"]
ONLY_ABOVE_ONE: Json = ["+", ["^", ["^", LOG, ["/", 1, 2]], 2], minus(LOG)]  # zero where log x > 0, and nothing elsewhere
FALSE: Mapping[str, tuple[Callable[[], Json], str]] = {
    "a form that is not closed": (lambda: counted(CONTACT, 1, 3, AT_CONTACT, (), [quadrature(CONTACT, CONTACT_FORM)]), "0 laws of a block of 2"),
    "a form that does not vanish": (
        lambda: of_pairs(3, [quadrature(PAIRS, (("u", over(3, "v"), FORM[0][2]), FORM[1]), (0, 1))]),
        "do not give the numerator",
    ),
    "a sign that is turned": (
        lambda: of_pairs(3, [quadrature(PAIRS, (("u", over(-2, "v"), FORM[0][2]), FORM[1]), (0, 1))]),
        "do not give the numerator",
    ),
    "half a form": (lambda: of_pairs(3, [quadrature(PAIRS, FORM[:1], (0, 1))]), "do not give the numerator"),
    "a velocity that is wrong": (
        lambda: of_pairs(3, [quadrature(PAIRS, (("u", over(1, "v"), ["*", 2, "a", "v"]), FORM[1]), (0, 1))]),
        "do not give the numerator",
    ),
    "a block without its law": (lambda: of_pairs(3, [quadrature(PAIRS, FORM, (0,))]), "0 laws of a block of 2"),
    "a law twice, and another block without its own": (lambda: of_pairs(3, [quadrature(PAIRS, FORM, (0, 0))]), "0 laws of a block of 2"),
    "a law of two blocks, which joins them": (
        lambda: of_pairs(3, [quadrature(PAIRS, FORM, (0, 2))], [*OF_PAIRS, law(PAIRS, ["+", FIRST, SECOND])]),
        "2 laws of a block of 4",
    ),
    "the law itself as one of a block": (
        lambda: of_pairs(3, [quadrature(PAIRS, FORM, (0, 2))], [*OF_PAIRS, law(PAIRS, IN_LOGARITHMS)]),
        "2 laws of a block of 4",
    ),
    "a power of a law beside it": (
        lambda: of_pairs(
            3,
            [quadrature(PAIRS, (("u", over("p", "v"), FORM[0][2]), ("p", minus(over("p", ["*", 2, "q"])), FORM[1][2])), (0, 1, 2))],
            [*OF_PAIRS, law(PAIRS, ["^", FIRST, 2])],
        ),
        "2 laws of a block of 4",
    ),
    "a form that mixes its blocks": (
        lambda: of_pairs(3, [quadrature(PAIRS, (("u", over("p", "v"), FORM[0][2]), ("p", minus(over("p", ["*", 2, "q"])), FORM[1][2])), (0, 1))]),
        "2 laws of a block of 4",
    ),
    "a law that degenerates at the point": (
        lambda: of_pairs(3, [quadrature(PAIRS, FORM, (2, 1))], [*OF_PAIRS, law(PAIRS, ["^", ["+", FIRST, -3], 2])]),
        "0 laws of a block of 2",
    ),
    "a law that is not given": (lambda: of_pairs(3, [quadrature(PAIRS, FORM, (0, 2))]), "not among those of the count"),
    "a form with cotangents in it": (lambda: in_plane("b", minus("a")), "depends on [ab], which is not a coordinate"),
    "a cotangent in a definition": (lambda: in_plane("hidden", minus("a")), "depends on [ab], which is not a coordinate"),
    "a definition that hides a coordinate": (lambda: of_twins("inner", minus("inner")), "0 laws of a block of 2"),
    "a definition as a coordinate": (
        lambda: counted(PLANE, 1, 2, AT_PLANE, (), [quadrature(PLANE, (("hidden", 0, 0),))]),
        "how b moves",
    ),
    "another coordinate behind a definition": (
        lambda: counted(PLANE, 1, 2, AT_PLANE, (), [quadrature(PLANE, (("beside", 0, "b"),))]),
        "not a coordinate that moves",
    ),
    "a cotangent as a coordinate": (lambda: counted(PLANE, 1, 2, AT_PLANE, (), [quadrature(PLANE, (("a", 0, 0),))]), "how a moves"),
    "a sum as a coordinate": (
        lambda: counted(PLANE, 1, 2, AT_PLANE, (), [quadrature(PLANE, ((["+", "x", "y"], 0, ["+", "a", "b"]),))]),
        "not a coordinate that moves",
    ),
    "a form that is not defined at the point": (lambda: of_twins(["+", 1, over("x", "x"), -1], -1, x=0), "at the point that is 0"),
    "a form with a logarithm that is not defined at the point": (
        lambda: of_twins(["+", 1, ["*", 0, ["log", ["log", "x"]]]], -1, x="1/2"),
        "certainly positive",
    ),
    "a form with an edge at the point": (lambda: of_twins(["+", 1, ["abs", "x"], minus(["abs", "x"])], -1, x=0), "division by 0"),
    "a form that holds an integral": (
        lambda: of_twins(["+", 1, ["integral", "s", "x", 1], minus(["integral", "s", "x", 1])], -1),
        "mentions an integral",
    ),
    "a velocity that is stated for some points only": (
        lambda: of_twins(1, -1, x="1/2", velocity=["+", "a", ONLY_ABOVE_ONE]),
        "not checked at the point",
    ),
    "a velocity that is not defined at the point": (lambda: of_twins(1, -1, x=0, velocity=["*", "a", over("x", "x")]), "at the point that is 0"),
    "a flow for some cotangents only": (
        lambda: counted(SOME, 1, 1, {"x": 1, "y": 2, "a": 1, "b": 1}, (), [quadrature(SOME, (("x", 1, "a"), ("y", -1, "a")))]),
        "depends on b",
    ),
    "a velocity for some cotangents only": (lambda: of_twins(1, -1, velocity=["*", "a", over("b", "b")]), "depends on b"),
    "a place outside its shape": (
        lambda: counted(PLANE, 1, 2, AT_PLANE, (), [quadrature(PLANE, ((["at", "x", 0], 0, "a"),))]),
        "has 0 indices",
    ),
    "a name that is not declared": (lambda: in_plane("c", 0), "not declared"),
    "a form that is none": (lambda: counted(PLANE, 0, 2, AT_PLANE, (), [{"form": []}]), "not well formed"),
    "a law that is no triple": (lambda: of_pairs(3, [quadrature(PAIRS, FORM, ([0, 0],))]), "not enough values"),
}


@pytest.mark.parametrize("name", FALSE)
def test_a_false_quadrature_is_rejected(name: str) -> None:
    build, reason = FALSE[name]
    with pytest.raises(Rejected, match=reason):
        check(build())


def test_what_the_false_ones_are_made_from_is_accepted() -> None:
    assert "1 independent laws (1 of" in check(of_twins(1, -1)).text
    assert "1 independent laws (1 of" in check(of_twins(["+", 1, ["abs", "x"], minus(["abs", "x"])], -1)).text
    assert "1 independent laws (1 of" in check(of_twins(1, -1, velocity=["*", "a", over("x", "x")])).text
    for nothing in (counted(CONTACT, 0, 0, AT_CONTACT), counted(PLANE, 0, 0, AT_PLANE)):
        assert "0 independent laws hold whatever a and b are, and no more" in check(nothing).text


# ---- every number changed -------------------------------------------------------------------------------------------------------------------------


def leaves(node: Json, path: tuple[Json, ...] = ()) -> Iterator[tuple[tuple[Json, ...], Json]]:
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from leaves(value, (*path, key))
    else:
        yield path, node


def test_every_number_and_name_of_a_form_counts() -> None:
    node = of_pairs(3, [quadrature(PAIRS, FORM, (0, 1))])
    check(node)
    tampered = 0
    for path, value in leaves(node["quadratures"]):
        wrong: list[Json] = [value + 1, -value - 3] if isinstance(value, int) else [name for name in ("u", "p", "a", "b", "1") if name != value]
        for other in wrong:
            changed = copy.deepcopy(node)
            place = changed["quadratures"]
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = other
            tampered += 1
            with pytest.raises(Rejected):
                pytest.fail(f"{path} changed from {value} to {other} was accepted: {check(changed).text}")
    assert tampered > 50
