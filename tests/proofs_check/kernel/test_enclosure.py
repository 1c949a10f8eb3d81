"""The kernel on enclosures: by hand where the solution is known, against SymPy and mpmath elsewhere, and certificates with one number changed."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp
from flint import arb, arb_mat, fmpq
from hypothesis import given
from hypothesis import strategies as st

from numerics import Problem, problem
from proofs_check.enclosing import enclose
from proofs_check.kernel import FORMAT, check
from proofs_check.kernel.enclosure import read_start
from proofs_check.kernel.language import Rejected, read_statement
from proofs_check.kernel.rings import working
from proofs_check.kernel.tube import Field, Piece, defect, excess, spread, symmetric
from theory.papers.chou_rauhut_ward import least_squares

Json = Any
BITS = 60
NOTHING: Json = {"kind": "equal", "indices": [], "left": 0, "right": 0}


# ---- a flow q' = v(q) in so many coordinates, and its certificates by hand ----------------------------------------------------------------------


def moving(drift: Sequence[Json], *, constants: Sequence[str] = (), time: bool = False) -> Json:
    """The statement of q0' = drift[0], q1' = drift[1], ..."""
    symbols = {f"q{n}": {"role": "parameter", "shape": [], "sign": "real"} for n in range(len(drift))}
    symbols |= {name: {"role": "constant", "shape": [], "sign": "real"} for name in constants}
    symbols |= {"t": {"role": "time", "shape": [], "sign": "real"}} if time else {}
    flow = {"pairing": 0, "held": [], "spheres": [], "rates": {}, "drift": {f"q{n}": {"indices": [], "value": v} for n, v in enumerate(drift)}}
    return {"sizes": [], "symbols": symbols, "definitions": [], "hypotheses": [], "flow": flow, "claim": NOTHING}


def certificate(statement: Json, start: Sequence[Json], steps: Sequence[Json], **more: Json) -> Json:
    names = [f"q{n}" for n in range(len(start))]
    plain = {"sizes": {}, "values": {}, "radii": {}, "radius": 0, "weights": dict.fromkeys(names, 1), "bits": BITS}
    begin = {"start": dict(zip(names, start, strict=True))}
    return {"format": FORMAT, "kind": "enclosure", "statement": statement, **plain, **begin, "steps": list(steps), **more}


def step(rows: Sequence[Sequence[Fraction]], *, length: Json = "1/2", tube: Json, out: Json, slopes: Sequence[Json], **more: Json) -> Json:
    fixed = [[round(c * 2**BITS) for c in row] for row in rows]
    return {"length": length, "kappa": 0, "polynomials": fixed, "terms": 12, "disc": 8, "tube": tube, "out": out, "slopes": list(slopes), **more}


def decay(degree: int = 2) -> list[Fraction]:
    """The polynomial of exp(-s/2)."""
    return [Fraction(-1, 2) ** k / math.factorial(k) for k in range(degree + 1)]


def falling(**more: Json) -> Json:
    """q' = -q from 1 on [0, 1/2], along 1 - t + t^2/2, with the defect t^2/2."""
    told = {"tube": "1/10", "out": "51/1000", "slopes": ["-999/1000", "-999/1000"]} | more
    return certificate(moving([["*", -1, "q0"]]), [1], [step([decay()], **told)])


def test_a_step_by_hand() -> None:
    accepted = check(falling())
    assert accepted.outcome == "proved"
    assert "0 <= t <= 0.5 " in accepted.text
    assert "within 0.1 of the polynomials given, within 0.051 at the end" in accepted.text


def test_the_bound_is_the_one_of_the_theorem() -> None:
    """h t^2/2 <= 1/16 = D, and with mu = -1 the bound at the end is between D (1 - e^{-1/2}) / (1/2) = 0.0492 and D (1 + e^{-1/2}) / 2 = 0.0502."""
    wrong = math.exp(-0.5) - float(sum(decay()))
    assert 0.018 < abs(wrong) < 0.05
    with pytest.raises(Rejected, match=r"is only known to be within 0\.0502"):
        check(falling(out="492/10000"))


def test_more_terms_come_closer() -> None:
    told = step([decay(12)], tube="1/1000000", out="1/1000000000000", slopes=["-999/1000"] * 2, terms=14, disc=16)
    assert check(certificate(moving([["*", -1, "q0"]]), [1], [told])).outcome == "proved"


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"slopes": ["-1001/1000", "-999/1000"]}, "too small"),
        ({"slopes": ["-999/1000"]}, "1 to 1000 parts"),
        ({"slopes": []}, "1 to 1000 parts"),
        ({"tube": "1/100"}, "may leave the tube"),
        ({"tube": 0}, "positive radius"),
        ({"tube": -1}, "positive radius"),
        ({"disc": 1}, "more than 1"),
        ({"terms": 2}, "as many terms as the polynomials"),
        ({"terms": True}, "as many terms as the polynomials"),
        ({"terms": 10**9}, "as many terms as the polynomials"),
        ({"length": 0}, "not positive"),
        ({"length": "-1/2"}, "not positive"),
        ({"length": 0.5}, "not a rational"),
        ({"kappa": -1}, "kappa is at least 0"),
        ({"polynomials": [[1.5]]}, "integer coefficients"),
        ({"polynomials": [[]]}, "1 to 2000 coefficients"),
        ({"polynomials": [[1], [1]]}, "for 1 coordinates"),
    ],
)
def test_a_step_is_refused(more: Json, match: str) -> None:
    with pytest.raises(Rejected, match=match):
        check(falling(**more))


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"start": {"q0": "3/2"}}, "may leave the tube"),
        ({"radius": "1/10"}, "may leave the tube"),
        ({"radius": "-1/10"}, "is negative"),
        ({"weights": {"q0": 100}}, "may leave the tube"),
        ({"weights": {"q0": 0}}, "not positive"),
        ({"radii": {"q0": "1/10"}}, "what is no constant"),
        ({"values": {"c": 1}}, "no constant"),
        ({"start": {"q0": 1, "q1": 1}}, "no parameter"),
        ({"weights": {"q0": 1, "t": 1}}, "no parameter"),
        ({"bits": 8}, "16 to 20000 bits"),
        ({"bits": BITS + 1}, "may leave the tube"),
        ({"steps": []}, "no steps"),
        ({"sizes": {"N": 3}}, "sizes given"),
    ],
)
def test_a_beginning_is_refused(more: Json, match: str) -> None:
    with pytest.raises(Rejected, match=match):
        check(falling() | more)


def test_an_enclosure_claims_nothing_else() -> None:
    told = falling()
    told["statement"]["claim"] = {"kind": "equal", "indices": [], "left": 0, "right": 1}
    with pytest.raises(Rejected, match="claims something else"):
        check(told)


def test_steps_are_joined_where_they_meet() -> None:
    """The second step begins where the first one ended, or as far from there as is added to its distance."""
    first = step([decay(12)], tube="1/1000000", out="1/10000000", slopes=["-999/1000"] * 2, terms=14, disc=16)
    rest = [c * Fraction(math.exp(-0.5)).limit_denominator(2**50) for c in decay(12)]
    second = step([rest], tube="1/1000000", out="1/10000000", slopes=["-999/1000"] * 2, terms=14, disc=16)
    statement = moving([["*", -1, "q0"]])
    assert "0 <= t <= 1 " in check(certificate(statement, [1], [first, second])).text
    above = [c * (1 + Fraction(1, 10**5)) for c in rest]  # a solution too, but another one
    apart = step([above], tube="1/1000000", out="1/10000000", slopes=["-999/1000"] * 2, terms=14, disc=16)
    with pytest.raises(Rejected, match=r"step 1, from the time 0\.5 on: the solution may leave the tube"):
        check(certificate(statement, [1], [first, apart]))


def test_a_blow_up_is_not_stepped_over() -> None:
    """q' = q^2 from 1 ends at t = 1, and no polynomial passes for a solution beyond."""
    series = [Fraction(3, 2) ** k for k in range(12)]
    told = step([series], length="3/2", tube=10**9, out=10**9, slopes=[10**12] * 2, disc="3/2", terms=40)
    with pytest.raises(Rejected, match="step 0"):
        check(certificate(moving([["^", "q0", 2]]), [1], [told]))


def test_the_edge_of_a_domain_is_not_stepped_over() -> None:
    """q' = 0 log(q) - 1 needs no logarithm to be computed, and is not defined from t = 1 on."""
    through = moving([["+", ["*", 0, ["log", "q0"]], -1]])

    def told(length: Fraction) -> Json:
        return step([[Fraction(1), -length]], length=str(length), tube="1/100", out="1/1000", slopes=["1/1000"] * 2)

    assert check(certificate(through, [1], [told(Fraction(9, 10))])).outcome == "proved"
    with pytest.raises(Rejected, match="log"):
        check(certificate(through, [1], [told(Fraction(11, 10))]))


def test_the_time_is_known() -> None:
    """q' = t^2: from 1, q = 1 + t^3/3; the time goes on from step to step."""
    length, third = Fraction(1, 2), Fraction(1, 3)
    rows = [[1 + third * 0, 0 * third, 0 * third, third * length**3]]
    second = [[1 + third / 8, length**3, length**3, third * length**3]]
    told: Json = {"tube": "1/1000", "slopes": ["1/1000"] * 2}
    statement, start = moving([["^", "t", 2]], time=True), step(rows, out="1/10000000", **told)
    assert check(certificate(statement, [1], [start, step(second, out="2/10000000", **told)])).outcome == "proved"
    with pytest.raises(Rejected, match="step 1"):
        check(certificate(statement, [1], [start, step(rows, out="1/10", **told | {"tube": "1/50"})]))


def test_growth_between_the_ends_counts() -> None:
    """q' = 6 t (1 - t) q grows by e on [0, 1], and its logarithmic norm vanishes at both ends; the theorem allows exp(3/2)."""
    statement = moving([["*", 6, "t", ["+", 1, ["*", -1, "t"]], "q0"]], time=True)

    def told(out: str) -> Json:
        steps = [step([[Fraction(0)]], length=1, tube="1/100", out=out, slopes=["1/1000"] * 2)]
        return certificate(statement, [0], steps, radius="1/1000")

    assert check(told("45/10000")).outcome == "proved"
    with pytest.raises(Rejected, match=r"within 0\.0044"):
        check(told("27/10000"))


def test_a_constant_without_a_value_is_missed() -> None:
    statement = moving([["*", -1, "q0"]], constants=["c"])
    assert check(falling() | {"statement": statement}).outcome == "proved"
    with pytest.raises(Rejected, match=r"c.* has no value"):
        check(falling() | {"statement": moving([["*", -1, "c", "q0"]], constants=["c"])})


def test_a_constant_may_be_a_ball() -> None:
    """q' = -c q with c in [9/10, 11/10]: what is proved holds exp(-9/20) and exp(-11/20), and what is too narrow for these is refused."""
    statement = moving([["*", -1, "c", "q0"]], constants=["c"])

    def told(out: str) -> Json:
        steps = [step([decay(10)], tube="1/2", out=out, slopes=["-89/100"] * 2)]
        return certificate(statement, [1], steps, values={"c": 1}, radii={"c": "1/10"})

    assert check(told("7/100")).outcome == "proved"
    with pytest.raises(Rejected, match="is only known"):
        check(told("3/100"))  # exp(-9/20) - exp(-1/2) = 0.031
    with pytest.raises(Rejected, match="is only known"):
        check(told("7/100") | {"radii": {"c": "1/5"}})


# ---- defect, logarithmic norm -------------------------------------------------------------------------------------------------------------------

X, Y = sp.symbols("x y", positive=True)
FIELDS: dict[str, tuple[list[Json], list[sp.Expr]]] = {
    "polynomial": ([["+", ["*", "q0", "q1"], -1], ["+", ["^", "q0", 3], ["*", ["/", -1, 2], "q1"]]], [X * Y - 1, X**3 - Y / 2]),
    "powers": (
        [["^", "q0", ["/", -3, 2]], ["+", ["^", "q1", -1], ["^", "q0", ["/", 1, 3]]]],
        [X ** sp.Rational(-3, 2), 1 / Y + X ** sp.Rational(1, 3)],
    ),
    "functions": ([["*", ["log", "q1"], ["sin", "q0"]], ["+", ["exp", "q0"], ["cos", "q1"]]], [sp.log(Y) * sp.sin(X), sp.exp(X) + sp.cos(Y)]),
    "inverses": (
        [["*", ["asinh", "q0"], ["atan", "q1"]], ["+", ["atanh", ["*", ["/", 1, 4], "q0"]], ["abs", "q1"]]],
        [sp.asinh(X) * sp.atan(Y), sp.atanh(X / 4) + Y],
    ),
}
CURVE = ([Fraction(3, 4), Fraction(1, 10), Fraction(-1, 20)], [Fraction(1, 2), Fraction(1, 16), Fraction(1, 40), Fraction(1, 100)])
LENGTH = Fraction(1, 5)
WEIGHTS = (Fraction(2), Fraction(1, 3))


@pytest.fixture(params=FIELDS)
def posed(request: pytest.FixtureRequest) -> tuple[Field, Piece, list[sp.Expr]]:
    drift, written = FIELDS[request.param]
    told = certificate(moving(drift), [1, 1], [], weights={"q0": 2, "q1": "1/3"})
    rows = tuple(tuple(round(c * 2**BITS) for c in row) for row in CURVE)
    return read_start(read_statement(told["statement"]), told).pulled(fmpq(0)), Piece(fmpq(0), fmpq(1, 5), BITS, rows), written


def on_curve(s: float, derivative: int = 0) -> list[Any]:
    found = []
    for row in CURVE:
        poly = sp.Poly(sum(sp.Rational(c.numerator, c.denominator) * X**k for k, c in enumerate(row)), X)
        found.append(poly.diff((X, derivative)).eval(sp.Rational(s)) if derivative else poly.eval(sp.Rational(s)))
    return found


def test_the_defect_is_bounded_and_not_by_much_more(posed: tuple[Field, Piece, list[sp.Expr]]) -> None:
    flow, piece, written = posed
    found = float(defect(flow, piece, 40, fmpq(2)))
    true = []
    for k in range(21):
        here = dict(zip((X, Y), on_curve(k / 20), strict=True))
        gaps = [d - sp.Rational(1, 5) * f.subs(here) for d, f in zip(on_curve(k / 20, 1), written, strict=True)]
        true.append(math.hypot(*(float(w) * float(gap.evalf(30)) for w, gap in zip(WEIGHTS, gaps, strict=True))))
    assert max(true) <= found <= 3 * max(true)


def test_few_terms_are_made_up_for_by_cauchy(posed: tuple[Field, Piece, list[sp.Expr]]) -> None:
    flow, piece, _ = posed
    exact = float(defect(flow, piece, 60, fmpq(2)))
    for terms in (4, 5, 7, 10):
        assert float(defect(flow, piece, terms, fmpq(2))) >= exact * (1 - 1e-12)


def test_the_spread_bounds_the_field_on_the_disc(posed: tuple[Field, Piece, list[sp.Expr]]) -> None:
    flow, piece, written = posed
    fields = [sp.lambdify((X, Y), f, "mpmath") for f in written]

    def around(radius: float, angle: float) -> list[Any]:
        s = radius * mpmath.expjpi(angle)
        return [sum(mpmath.mpf(c.numerator) / c.denominator * s**k for k, c in enumerate(row)) for row in CURVE]

    points = [around(radius, angle / 8) for radius in (0.7, 2.0) for angle in range(16)]
    values = [[complex(f(*point)) for f in fields] for point in points]
    centre = [complex(f(*around(0, 0))) for f in fields]
    seen = max(math.hypot(*(float(w) * abs(a - b) for w, a, b in zip(WEIGHTS, value, centre, strict=True))) for value in values)
    assert seen <= 2 * float(spread(flow, piece, fmpq(2)))


@pytest.mark.parametrize(
    "times", [(Fraction(0), Fraction(0)), (Fraction(2, 3), Fraction(2, 3)), (Fraction(0), Fraction(1)), (Fraction(1, 2), Fraction(1))]
)
def test_the_symmetric_part_is_that_of_sympy(posed: tuple[Field, Piece, list[sp.Expr]], times: tuple[Fraction, Fraction]) -> None:
    """S and its first two derivatives along the curve, anywhere between the times and a little beside the curve."""
    flow, piece, written = posed
    tube, t = 1e-3, sp.Symbol("t")
    found = symmetric(flow, piece, tuple(fmpq(s.numerator, s.denominator) for s in times), arb(tube), 3)  # type: ignore[arg-type]
    jacobian = sp.Matrix(written).jacobian([X, Y])
    scaled = sp.diag(2, sp.Rational(1, 3)) * jacobian * sp.diag(sp.Rational(1, 2), 3)
    curve = [sum(sp.Rational(c.numerator, c.denominator) * t**k for k, c in enumerate(row)) for row in CURVE]
    for beside in ((0, 0), (sp.Rational(1, 2500), 0), (0, sp.Rational(-1, 500))):
        moved = {X: curve[0] + beside[0], Y: curve[1] + beside[1]}
        for k, matrix in enumerate(found):
            wanted = (((scaled + scaled.T) / 2).subs(moved)).diff(t, k) / sp.factorial(k)
            for share in (Fraction(0), Fraction(1, 3), Fraction(1)):
                at = times[0] + share * (times[1] - times[0])
                numbers = wanted.subs(t, sp.Rational(at.numerator, at.denominator)).evalf(30)
                assert all(matrix[i, j].overlaps(arb(str(numbers[i, j]), 1e-16)) for i in range(2) for j in range(2))
                assert all(matrix[i, j].rad() < 10 for i in range(2) for j in range(2))


ENTRIES = st.fractions(min_value=-3, max_value=3, max_denominator=20)


@given(st.integers(1, 6).flatmap(lambda n: st.lists(ENTRIES, min_size=n * (n + 1) // 2, max_size=n * (n + 1) // 2)), st.integers(0, 40))
def test_no_bound_is_below_the_largest_eigenvalue(lower: list[Fraction], room: int) -> None:
    """Whatever slope is offered, slope + excess is no less than the largest eigenvalue, and a slope with room is hardly exceeded."""
    n = int((math.sqrt(8 * len(lower) + 1) - 1) / 2)
    matrix = np.zeros((n, n))
    matrix[np.tril_indices(n)] = [float(c) for c in lower]
    matrix = matrix + np.tril(matrix, -1).T
    largest = float(np.linalg.eigvalsh(matrix)[-1])
    slope = Fraction(largest + (room - 20) / 10).limit_denominator(10**6)
    balls = arb_mat(n, n, [float(c) for c in matrix.ravel()])
    try:
        beyond = float(excess(balls, fmpq(slope.numerator, slope.denominator)))
    except Rejected:
        assert slope <= largest + 1e-9
    else:
        assert float(slope) + beyond >= largest - 1e-12
        assert beyond < 1e-9


def test_the_radii_of_a_matrix_count() -> None:
    wide = arb_mat(2, 2, [arb(1, 0.25), arb(0, 0.5), arb(0, 0.5), arb(1, 0.25)])
    assert 2 + float(excess(wide, fmpq(2))) >= 1.75
    assert 0.75 <= float(excess(wide, fmpq(2))) < 0.76


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_no_number_is_no_bound(bad: float) -> None:
    for place in range(4):
        entries = [arb(-1), arb(0), arb(0), arb(-1)]
        entries[place] = arb(bad)
        with pytest.raises(Rejected):
            excess(arb_mat(2, 2, entries), fmpq(1))
        with pytest.raises(Rejected):
            excess(arb_mat(2, 2, [arb(entry.mid(), 1) if k != place else arb(0, float("inf")) for k, entry in enumerate(entries)]), fmpq(1))


@pytest.mark.parametrize(
    "tree",
    [
        ["log", "q0"],
        ["^", "q0", -1],
        ["^", "q0", ["/", 1, 2]],
        ["abs", "q0"],
        ["atanh", ["+", 1, "q0"]],
        ["atan", ["*", 9, "q1"]],
        ["asinh", ["*", 9, "q1"]],
    ],
)
def test_a_disc_over_a_singularity_is_refused(tree: Json) -> None:
    """q0 from 1/4 with slope 1 meets 0 at s = -1/4; q1 = s meets the cuts of atan(9 z) and asinh(9 z) from i/9 and -i/9."""
    told = certificate(moving([tree, 1]), [1, 1], [])
    rows = ((2**BITS // 4, 2**BITS), (0, 2**BITS))
    flow = read_start(read_statement(told["statement"]), told).pulled(fmpq(0))
    with pytest.raises(Rejected):
        spread(flow, Piece(fmpq(0), fmpq(1), BITS, rows), fmpq(3, 2))


# ---- the polar flow: every number of a certificate counts ----------------------------------------------------------------------------------------


def polar() -> Problem:
    data = {"A": [["1/2", -1]], "y": ["1/3"], "kappa": "3/2", "L": 2, "eta_r": 1}
    return problem(least_squares(), data=data, start={"r": 1, "u": ["3/5", "4/5"]}, times=(0, 1))


@pytest.fixture(scope="module")
def told() -> Json:
    """Two steps of it."""
    found = enclose(polar(), until="1/16", digits=12, kappa=2, longest="1/32")
    assert not found.reason
    return json.loads(json.dumps(found.certificate))


def numbers(node: Json, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all numbers in a tree of JSON."""
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from numbers(value, (*path, key))
    elif isinstance(node, int) or (isinstance(node, str) and node.lstrip("-")[:1].isdigit()):
        yield path


def changed(node: Json, path: tuple[Any, ...], change: Callable[[Fraction], Fraction]) -> Json:
    node = copy.deepcopy(node)
    inner = node
    for key in path[:-1]:
        inner = inner[key]
    value = change(Fraction(inner[path[-1]]))
    inner[path[-1]] = int(value) if value.denominator == 1 else str(value)
    return node


def test_the_certificate_is_accepted(told: Json) -> None:
    assert len(told["steps"]) == 2
    assert "0 <= t <= 0.0625 " in check(told).text


def test_every_number_of_the_flow_and_of_the_start_counts(told: Json) -> None:
    tried = 0
    for key in ("statement", "values", "start"):
        for path in numbers(told[key]):
            if path[0] == "claim" or (path[0] == "definitions" and told["statement"]["definitions"][path[1]]["name"] == "F"):
                continue  # what the loss is worth moves nothing
            tried += 1
            for change in (lambda q: q + 1, lambda q: q * Fraction(1001, 1000) + Fraction(1, 700)):
                with pytest.raises(Rejected):
                    check(told | {key: changed(told[key], path, change)})
    assert tried >= 10


def test_every_number_of_a_step_counts(told: Json) -> None:
    tightened: dict[str, Callable[[Fraction], Fraction]] = {
        "length": lambda q: q * Fraction(999999, 1000000),
        "kappa": lambda q: q - 3,
        "polynomials": lambda q: q + 2**20,
        "terms": lambda q: q - 3,
        "disc": lambda q: Fraction(11, 10),
        "tube": lambda q: q / 2,
        "slopes": lambda q: q - Fraction(1, 1000),
        "out": lambda q: q * Fraction(99, 100),
    }
    tried = set()
    for path in numbers(told["steps"]):
        tried.add(path[1])
        with pytest.raises(Rejected):
            check(told | {"steps": changed(told["steps"], path, tightened[path[1]])})
    assert tried == set(tightened)


@pytest.mark.parametrize("change", [{"radius": "1/1000"}, {"radii": {"kappa": "1/1000"}}, {"bits": 57}, {"weights": {"r": 2, "u": 2}}])
def test_every_number_besides_counts(told: Json, change: Json) -> None:
    with pytest.raises(Rejected):
        check(told | change)


def test_a_start_off_the_sphere_is_refused(told: Json) -> None:
    with pytest.raises(Rejected, match="does not start on its sphere"):
        check(told | {"start": {"r": 1, "u": ["3/5", "4/5000001"]}})


def test_a_step_left_out_is_missed(told: Json) -> None:
    with pytest.raises(Rejected, match="step 0"):
        check(told | {"steps": told["steps"][1:]})


def test_a_flow_with_an_unknown_loss_has_no_trajectory(told: Json) -> None:
    statement = copy.deepcopy(told["statement"])
    statement["symbols"]["unknown"] = {"role": "cotangent", "shape": ["M"], "sign": "real"}
    with pytest.raises(Rejected, match="unknown function of time"):
        check(told | {"statement": statement})


def test_the_precision_outside_is_left_alone(told: Json) -> None:
    import flint

    before = flint.ctx.prec, flint.ctx.cap
    check(told)
    with pytest.raises(Rejected), working(77, 7):
        raise Rejected("inside")
    assert (flint.ctx.prec, flint.ctx.cap) == before
