"""Conserved quantities in enclosures: what is accepted as a law, and certificates in which a law, its constants or its pull are changed."""

from __future__ import annotations

import copy
import json
import math
from fractions import Fraction
from typing import Any

import pytest
import sympy as sp
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp

from numerics import Problem, problem
from proofs_check.division import certify
from proofs_check.enclosing import enclose, law
from proofs_check.kernel import FORMAT, check
from proofs_check.kernel.enclosure import read_start
from proofs_check.kernel.graph import motion
from proofs_check.kernel.kept import Kept, read_kept
from proofs_check.kernel.language import Rejected, read_statement
from proofs_check.kernel.passes import planned
from proofs_check.kernel.rings import Samples, working
from theory.dynamics import vector_field
from theory.settings import Setting, Space, family
from theory.statements import Evolves, Part
from theory.symbols import Variable

Json = Any

X, Y, C = Variable("x", (), "parameter", "positive"), Variable("y", (), "parameter"), Variable("c", (), "constant", "positive")
x, y, c = X[()], Y[()], C[()]
ENERGY = c * sp.log(x) + y


def setting() -> Setting:
    """x' = x, y' = -c, which keeps c log x + y and leaves its leaves in all directions."""
    return vector_field(Setting((X, Y, C)), Space((X, Y)), {"x": family(x), "y": family(-c)})


def posed(**data: Any) -> Problem:
    return problem(setting(), data={"c": 1, **data}, start={"x": 1, "y": "1/2"}, times=(0, 1))


def told(**more: Any) -> Json:
    """Three steps with the law."""
    made = law(Part(setting(), Evolves(ENERGY)))
    found = enclose(posed(), until="3/8", digits=12, laws=[made], longest="1/8", kappa=1, **more)
    assert not found.reason
    return json.loads(json.dumps(found.certificate))


@pytest.fixture(scope="module")
def certificate() -> Json:
    return told()


def test_a_law_is_pulled_to(certificate: Json) -> None:
    assert check(certificate).outcome == "proved"
    assert any(any(map(Fraction, b)) for step in certificate["steps"] for b in step["pull"])


def changed(certificate: Json, *path: Any, to: Any) -> Json:
    found = copy.deepcopy(certificate)
    inner = found
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = to
    return found


LAW = ("laws", 0, "certificate")


@pytest.mark.parametrize(
    ("path", "to", "match"),
    [
        ((*LAW, "kind"), "count", "neither for all sizes"),
        ((*LAW, "statement", "claim", "rate"), 1, "not"),
        ((*LAW, "statement", "claim", "quantity"), ["+", ["*", 2, "c", ["log", "x"]], "y"], "not"),
        ((*LAW, "statement", "claim"), {"kind": "equal", "indices": [], "left": 0, "right": 0}, "not a conserved quantity"),
        ((*LAW, "statement", "flow", "drift", "y", "value"), "c", "another setting"),
        ((*LAW, "statement", "symbols", "y", "sign"), "positive", "another setting"),
        ((*LAW, "statement", "symbols", "z"), {"role": "cotangent", "shape": [], "sign": "real"}, "a name of its own that is not a constant"),
        (("laws", 0, "values", 0, "c"), 2, "its own constants only"),
        (("laws", 0, "values", 0, "z"), 2, "its own constants only"),
        (("steps", 1, "pull"), [["1/2", "1/2"], ["1/2", "1/2"]], "1 quantities to pull to"),
        (("steps", 1, "pull"), [["1/2"]], "each with a vector of 2"),
        (("steps", 1, "pull"), [["-9", "-9"]], "step 1"),
        (("laws",), [], "quantities to pull to"),
        (("values", "c"), "11/10", "may leave the tube"),
        (("start", "y"), "3/5", "step 0"),
        (("start", "y"), 0.5, "not a rational"),
    ],
)
def test_what_is_no_law_of_the_flow_is_refused(certificate: Json, path: tuple[Any, ...], to: Any, match: str) -> None:
    with pytest.raises(Rejected, match=match):
        check(changed(certificate, *path, to=to))


def test_a_start_off_the_leaf_by_a_little_counts(certificate: Json) -> None:
    """The law is taken at the start given, so that a ball around it makes the law a ball too."""
    with pytest.raises(Rejected):
        check(certificate | {"radius": "1/1000"})


@pytest.mark.parametrize("digits", [12, 40, 80])
def test_the_value_of_a_law_at_the_start_is_known_to_all_digits(digits: int) -> None:
    """1 log 1 + 1/2 is not, but log(4/3) + 1/2 is known to the bits of the polynomials; otherwise pulling to it adds what is not known of it."""
    made = law(Part(setting(), Evolves(ENERGY)))
    free = problem(setting(), data={"c": 1}, start={"x": "4/3", "y": "1/2"}, times=(0, 1))
    where = enclose(free, until="1/16", digits=digits, laws=[made]).certificate
    begin = read_start(read_statement(where["statement"]), where)
    value = begin.constants[begin.kept.value_at_start(0)]
    assert set(value.terms) == {()}
    assert float(value.value.rad()) < 2.0 ** -where["bits"]
    with mp.workdps(digits + 20):
        assert abs(mp.mpf(value.value.mid().str(digits + 10, radius=False)) - mp.log(mp.mpf(4) / 3) - mp.mpf("0.5")) < mp.mpf(10) ** -digits


RADII = st.sampled_from(["0", "1/20", "1/5"])


@given(RADII, RADII, RADII, st.sampled_from(["0", "1/100"]), st.tuples(*[st.floats(-1, 1)] * 5))
@settings(max_examples=60)
def test_the_value_of_a_law_at_the_start_holds_those_of_all_starts(a: str, b: str, e: str, radius: str, at: tuple[float, ...]) -> None:
    """At a lambda, and as far beside its start as the radius allows, c log x + y is what the polynomial in lambda says, within its ball."""
    made = json.loads(json.dumps(law(Part(setting(), Evolves(ENERGY)))))
    told = {
        "statement": {**made["certificate"]["statement"], "claim": {"kind": "equal", "indices": [], "left": 0, "right": 0}},
        "sizes": {},
        "values": {"c": "1"},
        "start": {"x": "4/3", "y": "1/2"},
        "radii": {"x": a, "y": b, "c": e},
        "radius": radius,
        "weights": {"x": 2, "y": 1},
        "bits": 60,
        "degree": 2,
        "laws": [made],
    }
    begin = read_start(read_statement(told["statement"]), told)
    lam = {name: at[n] * float(Fraction(told["radii"][name])) for n, name in enumerate(("x", "y", "c"))}
    size = max(1.0, math.hypot(at[3], at[4]))
    beside = [float(Fraction(radius)) * part / size for part in (at[3] / 2, at[4])]  # distances are those of (2 x, y)
    true = (1 + lam["c"]) * math.log(4 / 3 + lam["x"] + beside[0]) + 0.5 + lam["y"] + beside[1]
    value = begin.constants[begin.kept.value_at_start(0)]
    scaled = [at["xyc".index(name)] for (name, _) in begin.radii]
    found = sum((c * math.prod(map(pow, scaled, powers)) for powers, c in value.terms.items()), arb(0))
    assert found.overlaps(arb(true, 1e-12))
    assert float(value.value.rad()) < 2 * (float(Fraction(a)) + float(Fraction(e))) ** 3 + 4 * float(Fraction(radius)) + 1e-15


def test_a_start_that_the_value_of_the_law_does_not_cover_is_refused(certificate: Json) -> None:
    """Pulled to the law at x = 1, y = 1/2; a box or a ball of starts has laws of its own, which the step does not hold any more."""
    for more in ({"radii": {"y": "1/1000"}, "degree": 1}, {"radii": {"x": "1/1000"}, "degree": 2}, {"radius": "1/1000"}):
        with pytest.raises(Rejected, match="step 0"):
            check(certificate | more)


def test_signs_are_kept_where_a_law_needs_them() -> None:
    """x' = -1 reaches 0 at t = 1, and c x + y is conserved wherever x is positive or not; it is proved where x is positive."""
    falling = vector_field(Setting((X, Y, C)), Space((X, Y)), {"x": family(sp.S.NegativeOne), "y": family(c)})
    made = law(Part(falling, Evolves(c * x + y)))
    free = problem(falling, data={"c": 1}, start={"x": 1, "y": 0}, times=(0, 1))
    through, until_zero = (enclose(free, until=2, digits=12, laws=laws) for laws in ([], [made]))
    assert through.outcome == "proved", through.reason
    assert until_zero.outcome == "unknown"
    assert "x of one sign" in until_zero.reason
    assert 0 < until_zero.reached <= 1
    assert check(until_zero.certificate).outcome == "proved"


def test_a_law_with_constants_in_an_interval() -> None:
    """c within 1/20: the value of the law at the start is a polynomial in lambda, as the solutions are, and these end at y = 1/2 - c t."""
    found = told(radii={"c": "1/20"}, degree=2)
    assert check(found).outcome == "proved"
    assert Fraction(found["steps"][-1]["out"]) < Fraction(1, 10**9)
    with pytest.raises(Rejected):
        check(changed(found, "radii", "c", to="1/19"))


def test_hypotheses_hold_exactly() -> None:
    """A law for all z with z A = 0 is none for another z, nor where A is only known to be in an interval."""
    A, z, t = Variable("A", ()), Variable("z", ()), Variable("q", (), "parameter")
    own = vector_field(Setting((t, A)), Space((t,)), {"q": family(A[()])})
    part = Part(own.having(z, hypotheses=(family(z[()] * A[()]),)), Evolves(z[()] * t[()]))
    free = problem(own, data={"A": 0}, start={"q": 1}, times=(0, 1))
    made = law(part, [{"z": 1}])
    assert check(enclose(free, until=1, digits=12, laws=[made]).certificate).outcome == "proved"
    moving = problem(own, data={"A": 1}, start={"q": 1}, times=(0, 1))
    still = enclose(moving, until=1, digits=12)
    assert check(still.certificate).outcome == "proved"
    with pytest.raises(Rejected, match="hypothesis of a law"):
        check(json.loads(json.dumps(still.certificate | {"laws": [made]})))
    with pytest.raises(Rejected, match="hypothesis of a law"):
        check(json.loads(json.dumps({**still.certificate, "values": {"A": "0"}, "radii": {"A": "1/10"}, "degree": 1, "laws": [made]})))


# ---- laws at explicit sizes ----------------------------------------------------------------------------------------------------------------------


def at_sizes(node: Json, sizes: Json, values: Json, **more: Json) -> Json:
    """The law of a statement, proved at these sizes and for these values of constants, and choices of its own."""
    instance = {"sizes": sizes, "values": values}
    return {"certificate": {"format": FORMAT, "kind": "instance", "statement": node, **certify(read_statement(node), instance)}, "values": [more]}


def test_a_law_at_explicit_sizes_is_one_of_these_constants_alone(certificate: Json) -> None:
    """c log x + y, proved for c = 1, is pulled to as it is where it is proved for every c; c = 2, or c near 1, it says nothing of."""
    stated = certificate["laws"][0]["certificate"]["statement"]
    for values in ({}, {"c": "1"}):
        assert check(certificate | {"laws": [at_sizes(stated, {}, values)]}).outcome == "proved"
    with pytest.raises(Rejected, match="proved for another c"):
        check(certificate | {"laws": [at_sizes(stated, {}, {"c": "2"})]})
    with pytest.raises(Rejected, match="proved for another c"):
        check(certificate | {"laws": [at_sizes(stated, {}, {"c": "1"})], "radii": {"c": "1/1000"}, "degree": 1})
    other = at_sizes(stated, {}, {})
    other["certificate"]["instance"]["sizes"] = {"N": 1}
    with pytest.raises(Rejected, match="neither for all sizes nor at those of the enclosure"):
        check(certificate | {"laws": [other]})
    false = at_sizes(stated, {}, {})
    false["certificate"] = changed(false["certificate"], "statement", "claim", "quantity", to=["+", ["*", "c", ["log", "x"]], ["*", 2, "y"]])
    with pytest.raises(Rejected, match="do not give the numerator"):
        check(certificate | {"laws": [false]})


def test_a_law_proved_for_a_value_of_its_own_constant_is_not_used_for_another(certificate: Json) -> None:
    """z (c log x + y) + (z - 3) x is conserved for z = 3."""
    stated = copy.deepcopy(certificate["laws"][0]["certificate"]["statement"])
    stated["symbols"]["z"] = {"role": "constant", "shape": [], "sign": "real"}
    stated["claim"]["quantity"] = ["+", ["*", "z", stated["claim"]["quantity"]], ["*", ["+", "z", -3], "x"]]
    made = at_sizes(stated, {}, {"z": "3"}, z="5")
    with pytest.raises(Rejected, match="proved for another z"):
        check(certificate | {"laws": [made]})


def test_conditions_that_are_not_checked_along_a_tube_are_refused(certificate: Json) -> None:
    """1/(c log x + y) asks that this is not 0, and only its proof for all sizes says so in a form that can be checked."""
    stated = certificate["laws"][0]["certificate"]["statement"]
    energy = stated["claim"]["quantity"]
    inverse = changed(stated, "claim", "quantity", to=["^", energy, -1])
    general = {"format": FORMAT, "kind": "all-sizes", "statement": inverse, "gradient": {}, "cofactors": []}
    with pytest.raises(Rejected, match="under conditions"):
        check(certificate | {"laws": [at_sizes(inverse, {}, {})]})
    found = enclose(posed(), until="3/8", digits=12, laws=[{"certificate": general, "values": [{}]}], longest="1/8", kappa=1)
    pulled = json.loads(json.dumps(found.certificate))
    assert check(pulled).outcome == "proved"
    assert any(any(map(Fraction, b)) for step in pulled["steps"] for b in step["pull"])
    with pytest.raises(Rejected, match="not certainly different from zero"):
        check(pulled | {"start": {"x": "1", "y": "0"}})
    written = changed(stated, "claim", "quantity", to=["+", ["*", "c", ["integral", "s", "x", ["^", "s", -1]]], "y"])
    diverging = {"format": FORMAT, "kind": "all-sizes", "statement": written, "gradient": {}, "cofactors": []}
    assert check(diverging).conditions == ("integral(x; %^-1) exists",)
    with pytest.raises(Rejected, match="cannot be checked along a tube"):
        check(certificate | {"laws": [{"certificate": diverging, "values": [{}]}]})


# ---- spheres and conditions, as nodes ------------------------------------------------------------------------------------------------------------


def dot(a: str, b: str) -> Json:
    return ["sum", "i", "N", ["*", ["at", a, "i"], ["at", b, "i"]]]


def on_a_sphere(quantity: Json) -> Json:
    """u' = -b + (b u) u on the sphere; (z u)/(w u) is conserved for z b = w b = 0."""
    vector = {"shape": ["N"], "sign": "real"}
    return {
        "sizes": ["N"],
        "symbols": {"u": {**vector, "role": "parameter"}, **{name: {**vector, "role": "constant"} for name in "bzw"}},
        "definitions": [],
        "hypotheses": [{"indices": [], "zero": dot(name, "b")} for name in "zw"],
        "flow": {
            "pairing": dot("b", "u"),
            "held": [],
            "rates": {"u": {"indices": [["i", "N"]], "value": 1}},
            "spheres": [["u"]],
            "drift": {},
        },
        "claim": {"kind": "evolves", "indices": [], "quantity": quantity, "rate": 0},
    }


ZU, WU = dot("z", "u"), dot("w", "u")
QUOTIENT = on_a_sphere(["*", ZU, ["^", WU, -1]]), [["*", -1, ["^", WU, -1]], ["*", ZU, ["^", WU, -2]]]
LOGARITHM = on_a_sphere(["+", ["log", ZU], ["*", -1, ["log", WU]]]), [["*", -1, ["^", ZU, -1]], ["^", WU, -1]]
GRADIENT = {"u": {"indices": [["i", "N"]], "value": ["at", "b", "i"]}}


def read(statement: Json, cofactors: Json, z: Json) -> tuple[Kept, list[arb]]:
    """What is kept by u' = -b + (b u) u for b = (0, 0, 1) and w = (2, 1, 0), and the values of its nodes at u = (3, 4, 12)/13."""
    told = [{"hypothesis": n, "at": {}, "bound": [], "times": times} for n, times in enumerate(cofactors)]
    certificate = {"format": FORMAT, "kind": "all-sizes", "statement": statement, "gradient": GRADIENT, "cofactors": told}
    setting = {**statement, "symbols": {name: statement["symbols"][name] for name in "ub"}, "hypotheses": []}
    setting["claim"] = {"kind": "equal", "indices": [], "left": 0, "right": 0}
    values = {("b", (i,)): fmpq(i // 2) for i in range(3)}
    graph = motion(read_statement(setting), {"N": 3}, values).graph
    kept = read_kept(setting, [{"certificate": certificate, "values": [{"z": z, "w": [2, 1, 0]}]}], graph, ())
    with working(100, 1):
        nodes = [*kept.nodes, *kept.positive, *kept.nonzero]
        at = {("u", (i,)): [arb(fmpq(q, 13))] for i, q in enumerate((3, 4, 12))}
        found = planned(graph, nodes).values(Samples(1), at)
        return kept, [found[n][0] for n in nodes]


def test_the_norm_of_a_sphere_comes_first_and_conditions_are_those_of_the_choice() -> None:
    """At u = (3, 4, 12)/13 with w = (2, 1, 0): |u|^2 = 1 and w u = 10/13; z u = -5/13 for z = (1, -2, 0), and 4/13 for (4, -2, 0)."""
    kept, found = read(*QUOTIENT, z=[1, -2, 0])
    assert (len(kept.nodes), len(kept.positive), len(kept.nonzero)) == (2, 0, 1)
    with working(100, 1):
        assert all(abs(value - arb(wanted)) < 1e-20 for value, wanted in zip(found, (fmpq(1), fmpq(-1, 2), fmpq(10, 13)), strict=True))
    kept, found = read(*LOGARITHM, z=[4, -2, 0])
    assert (len(kept.nodes), len(kept.positive), len(kept.nonzero)) == (2, 2, 0)
    with working(100, 1):
        wanted = [arb(1), arb(fmpq(2, 5)).log(), *sorted((arb(fmpq(4, 13)), arb(fmpq(10, 13))), key=float)]
        assert all(abs(value - other) < 1e-20 for value, other in zip([*found[:2], *sorted(found[2:], key=float)], wanted, strict=True))


def test_a_choice_that_violates_a_hypothesis_of_the_law_is_refused() -> None:
    with pytest.raises(Rejected, match="hypothesis of a law"):
        read(*QUOTIENT, z=[1, -2, 1])
