"""Enclosures from end to end: they hold the trajectories computed otherwise, end honestly, and the kernel accepts what is written down."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import sympy as sp
from mpmath import mp

from numerics import InvalidProblem, Problem, Unsupported, integrate, point_on_sphere, problem
from proofs_check.enclosing import Enclosure, enclose, law
from proofs_check.kernel import check
from proofs_check.kernel.language import Rejected
from proofs_check.sampling import Sizes, basis, given_point
from theory.charts import rederive, weight_norm
from theory.dynamics import vector_field
from theory.files import read
from theory.losses import logistic
from theory.models import power
from theory.papers.chou_rauhut_ward import least_squares
from theory.settings import Setting, Space, family
from theory.statements import Evolves, Part
from theory.symbols import Variable, size

N, M = size("N"), size("M")
A1: Any = [[1, 2, -1, 1], [2, -1, 1, 1]]
A2: Any = [[1, 0, 2, -1, 1], [0, 1, 1, 1, -1], [1, 1, 0, 1, 2]]


def first() -> Problem:
    data = {"L": 2, "eta_r": 1, "kappa": 1, "A": A1, "y": [3, 2]}
    return problem(least_squares(), data=data, start={"r": 1, "u": ["1/2"] * 4}, times=(0, 1))


def second() -> Problem:
    data = {"L": 3, "eta_r": 1, "kappa": "1/2", "A": A2, "y": [4, "1/2", 4]}
    return problem(least_squares(), data=data, start={"r": "5/4", "u": ["1/4", "1/4", "1/4", "1/2", "3/4"]}, times=(0, 1))


def depth_of_one_and_a_half() -> Problem:
    """Roots in the velocity."""
    data = {"L": "3/2", "eta_r": 1, "kappa": 2, "A": [[1, -1]], "y": ["1/2"]}
    return problem(least_squares(), data=data, start={"r": 1, "u": ["3/5", "4/5"]}, times=(0, 1))


def normalised() -> Problem:
    """v over its norm, and a logistic loss: no sphere, roots, quotients and exponentials."""
    w = Variable("w", (N,), "parameter", "positive")
    A = Variable("A", (M, N))
    setting = rederive(power(w, sp.Integer(2)), logistic(A, (N,)), weight_norm(w), {"g": sp.S.One, "v": sp.Rational(1, 2)}, given=(A,))
    return problem(setting, data={"A": [[1, -2], [2, 1]]}, start={"g": 1, "v": ["1/2", "3/4"]}, times=(0, 1))


def driven() -> Problem:
    """q' = cos(t) - q^3/3, p' = atan(q) - p with the time in the velocity."""
    q, p, t = Variable("q", (), "parameter"), Variable("p", (), "parameter"), Variable("t", (), "time")
    right = {"q": family(sp.cos(t[()]) - q[()] ** 3 / 3), "p": family(sp.atan(q[()]) - p[()])}
    return problem(vector_field(Setting((p, q, t)), Space((q, p)), right), data={}, start={"q": 1, "p": "1/3"}, times=(0, 1))


POSED = {f.__name__: f for f in (first, second, depth_of_one_and_a_half, normalised, driven)}


def distance(found: Enclosure, t: Fraction, state: Mapping[str, Any]) -> Any:
    """Between q(t) and a state."""
    layout, centre = found.problem.layout, found.centre_at(t)
    pairs = zip(layout.pack(centre), layout.pack(state), strict=True)
    return mp.sqrt(mp.fsum((mp.mpf(a.numerator) / a.denominator - b) ** 2 for a, b in pairs))


def holds(found: Enclosure, posed: Problem, *, digits: int = 60) -> list[tuple[Any, Any]]:
    """Distances and radii at nine times, those where steps meet among them."""
    lengths = [Fraction(step["length"]) for step in found.certificate["steps"]]
    meetings = list(itertools.accumulate(lengths))[:: max(1, len(lengths) // 3)]
    times = sorted({found.reached * Fraction(k, 5) for k in range(1, 6)} | set(meetings))
    reference = integrate(replace(posed, times=(Fraction(0), *times)), digits=digits)
    with mp.workdps(digits + 10):
        radii = [found.radius_at(t) for t in times]
        return [
            (distance(found, t, state), mp.mpf(radius.numerator) / radius.denominator)
            for t, radius, state in zip(times, radii, reference.states[1:], strict=True)
        ]


@pytest.mark.parametrize("name", POSED)
def test_the_trajectory_lies_inside(name: str) -> None:
    posed = POSED[name]()
    found = enclose(posed, until=1, digits=30)
    assert (found.reason, found.reached, found.outcome) == ("", 1, "proved")
    assert found.radius_at(1) < Fraction(1, 10**27)
    seen = holds(found, posed)
    assert all(gap <= radius for gap, radius in seen)
    assert any(gap > radius / 10**6 for gap, radius in seen)  # and the radius is not idle
    accepted = check(json.loads(json.dumps(found.certificate)))
    assert accepted.outcome == "proved"
    assert "0 <= t <= 1 " in accepted.text


@pytest.mark.parametrize("posed", [first(), driven()])
def test_mpmath_agrees(posed: Problem) -> None:
    """odefun shares nothing with the polynomials."""
    end = Fraction(1, 32)
    found = enclose(posed, until=end, digits=25)
    oracle = integrate(replace(posed, times=(Fraction(0), end)), digits=35, method="odefun")
    with mp.workdps(50):
        assert distance(found, end, oracle.states[-1]) <= mp.mpf(found.radius_at(end).numerator) / found.radius_at(end).denominator


def test_three_routes_and_the_enclosure_agree() -> None:
    """Series on vectors, and heyoka's on scalars, to the digits they claim; odefun, which claims none; all where the solution is proved to be."""
    end = Fraction(1, 8)
    posed = replace(first(), times=(Fraction(0), end))
    routes = [integrate(posed, digits=30, engine=engine) for engine in ("vectors", "heyoka")] + [integrate(posed, digits=35, method="odefun")]
    assert [route.achieved for route in routes[:2]] >= [30, 30]
    found = enclose(posed, until=end, digits=40)
    with mp.workdps(60):
        radius = mp.mpf(found.radius_at(end).numerator) / found.radius_at(end).denominator
        assert radius < mp.mpf(10) ** -38
        for route in routes:
            assert distance(found, end, route.states[-1]) <= radius + mp.mpf(10) ** -30
        for one, other in itertools.combinations(routes, 2):
            pairs = list(zip(posed.layout.pack(one.states[-1]), posed.layout.pack(other.states[-1]), strict=True))
            assert all(abs(a - b) <= mp.mpf(10) ** -30 for a, b in pairs)
            assert any(a != b for a, b in pairs)  # they are not one route under three names


def test_neighbours_of_the_start_lie_inside() -> None:
    """Within 1/10000 of the start and on the sphere; what starts much farther away is not held."""
    found = enclose(first(), until="1/2", digits=15, radius="1/10000")
    assert found.reason == ""
    assert "on the spheres" in check(found.certificate).text
    near = point_on_sphere([Fraction(50003, 100000), Fraction(49998, 100000), Fraction(1, 2), Fraction(1, 2)], bits=40)
    for r, inside in (("100005/100000", True), ("99994/100000", True), ("11/10", False)):
        moved = problem(least_squares(), data=first().data, start={"r": r, "u": near}, times=(0, 1))
        assert all((gap <= radius) == inside for gap, radius in holds(found, moved, digits=20))


def test_a_constant_in_an_interval() -> None:
    data = dict(first().data)
    found = enclose(first(), until="1/2", digits=15, radii={"kappa": "1/100000", "y": "1/100000"})
    assert found.reason == ""
    for kappa, y in (("100001/100000", ["300001/100000", "199999/100000"]), ("99999/100000", ["3", "200001/100000"])):
        moved = problem(least_squares(), data=data | {"kappa": kappa, "y": y}, start=first().start, times=(0, 1))
        assert all(gap <= radius for gap, radius in holds(found, moved, digits=20))
    far = problem(least_squares(), data=data | {"kappa": "3/2"}, start=first().start, times=(0, 1))
    assert all(gap > radius for gap, radius in holds(found, far, digits=20))


def apart(found: Enclosure, posed: Problem) -> list[tuple[Any, Any]]:
    """At three times and for every entry, the distance of a trajectory from the centre, and the bound of it."""
    times = [found.reached * Fraction(k, 3) for k in (1, 2, 3)]
    reference = integrate(replace(posed, times=(Fraction(0), *times)), digits=30)
    layout, pairs = posed.layout, []
    for t, state in zip(times, reference.states[1:], strict=True):
        columns = (layout.pack(block) for block in (state, found.centre_at(t), found.widths_at(t)))
        pairs += [(abs(x - mp.mpf(c.numerator) / c.denominator), mp.mpf(w.numerator) / w.denominator) for x, c, w in zip(*columns, strict=True)]
    return pairs


@pytest.mark.parametrize("degree", [2, 3])
def test_a_wide_box_of_starts(degree: int) -> None:
    """Starts at the edge of a box of a hundredth; every higher degree comes closer, and the bounds are not idle."""
    data = {"L": 2, "eta_r": 1, "kappa": 1, "A": [[1, "1/2"]], "y": [1]}
    narrow = problem(least_squares(), data=data, start={"r": 1, "u": ["3/5", "4/5"]}, times=(0, 1))
    found = enclose(narrow, until=2, digits=10, radii={"r": "1/100", "u": "1/100"}, degree=degree)
    assert found.reason == ""
    assert "every start on the spheres with r within 0.01, u within 0.01 of the one given" in check(json.loads(json.dumps(found.certificate))).text
    seen = []
    for r, u in (("101/100", [Fraction(6099, 10000), Fraction(79246, 100000)]), ("99/100", [Fraction(5925, 10000), Fraction(8056, 10000)])):
        near = point_on_sphere(u, bits=40)
        assert all(abs(a - b) <= Fraction(1, 100) for a, b in zip(near, (Fraction(3, 5), Fraction(4, 5)), strict=True))
        seen += apart(found, problem(least_squares(), data=data, start={"r": r, "u": near}, times=(0, 1)))
    assert all(gap <= width for gap, width in seen)
    assert any(gap > width / 2 for gap, width in seen)
    assert Fraction(found.certificate["steps"][-1]["out"]) < {2: Fraction(1, 500), 3: Fraction(1, 25_000)}[degree]
    far = problem(least_squares(), data=data, start={"r": "11/10", "u": ["3/5", "4/5"]}, times=(0, 1))
    assert any(gap > width for gap, width in apart(found, far))


def test_a_wide_interval_of_constants() -> None:
    """kappa and an entry of y known to a fortieth: solutions at the corners lie inside, and near the edge."""
    data = dict(first().data)
    found = enclose(first(), until="1/4", digits=10, radii={"kappa": "1/40", "y": ["1/40", 0]})
    assert found.reason == ""
    assert "for all constants with kappa within 0.025, y[0] within 0.025 of the values given" in check(found.certificate).text
    seen = []
    for kappa, y in (("41/40", "121/40"), ("39/40", "121/40"), ("41/40", "119/40"), ("79/80", "3")):
        seen += apart(found, problem(least_squares(), data=data | {"kappa": kappa, "y": [y, 2]}, start=first().start, times=(0, 1)))
    assert all(gap <= width for gap, width in seen)
    assert any(gap > width / 2 for gap, width in seen)
    other = problem(least_squares(), data=data | {"y": [3, "23/10"]}, start=first().start, times=(0, 1))
    assert any(gap > width for gap, width in apart(found, other))


def test_an_exponent_in_an_interval() -> None:
    """L within 1/1000: it is no variable of the equations that are followed, and still every value is enclosed."""
    found = enclose(first(), until="1/8", digits=10, radii={"L": "1/1000"})
    assert found.reason == ""
    for L in ("2001/1000", "1999/1000"):
        moved = problem(least_squares(), data=dict(first().data) | {"L": L}, start=first().start, times=(0, 1))
        assert all(gap <= radius for gap, radius in holds(found, moved, digits=20))


def test_a_box_too_wide_ends_early() -> None:
    found = enclose(first(), until=2, digits=10, radii={"u": "1/5"}, degree=1)
    assert found.outcome == "unknown"
    assert found.reached < 2


def test_many_departures_are_followed_to_lower_degrees() -> None:
    degrees = [
        enclose(first(), until="1/64", digits=8, radii=radii).certificate["degree"] for radii in ({}, {"u": "1/1000"}, {"u": "1/1000", "A": "1/1000"})
    ]
    assert degrees == [0, 3, 2]


def example() -> tuple[Problem, Part]:
    """The example of the manual, and its law for every z in the kernel of A."""
    theory = read(Path(__file__).resolve().parents[2] / "examples" / "polar_diagonal.toml")
    part = next(part for statement in theory.statements for part in statement.parts if statement.id == "log-law")
    return problem(theory.setting, data=theory.data, start=theory.start, times=(0, 1)), part


def laws_of(posed: Problem, part: Part) -> list[Any]:
    sizes = Sizes(posed.sizes)
    assert isinstance(part.assertion, Evolves)
    return [law(part, basis(part.setting, part.assertion.quantity, sizes, given_point(part.setting, sizes, posed.data)))]


def test_laws_contract() -> None:
    """Along a long time the distance falls to what the last steps add, which without laws is kept for ever."""
    posed, part = example()
    plain, pulled = (enclose(posed, until=12, digits=15, laws=laws) for laws in ([], laws_of(posed, part)))
    assert plain.reason == pulled.reason == ""
    assert pulled.radius_at(12) < plain.radius_at(12) / 4
    assert all(gap <= radius for gap, radius in holds(pulled, posed, digits=40))
    assert check(json.loads(json.dumps(pulled.certificate))).outcome == "proved"


def test_laws_that_are_not_known_well_enough_are_left_alone() -> None:
    """A start within a ball leaves the laws as wide as the ball; pulling to them would gain nothing, and is not done where it would cost."""
    posed, part = example()
    plain, pulled = (enclose(posed, until=2, digits=15, laws=laws, radius="1/1000000") for laws in ([], laws_of(posed, part)))
    assert pulled.radius_at(2) <= plain.radius_at(2) * Fraction(101, 100)


def test_every_number_of_a_set_and_of_a_pull_counts() -> None:
    posed, part = example()
    found = enclose(posed, until="5/16", digits=10, radii={"kappa": "1/10000"}, degree=1, laws=laws_of(posed, part))
    told = json.loads(json.dumps(found.certificate))
    assert check(told).outcome == "proved"
    assert any(any(map(Fraction, b)) for step in told["steps"] for b in step["pull"])
    with pytest.raises(Rejected):
        check(told | {"radii": {"kappa": "11/100000"}})
    with pytest.raises(Rejected):
        check(told | {"degree": 0})
    for n, step in list(enumerate(told["steps"]))[::3]:
        for k in range(len(step["across"])):
            for i in range(len(step["across"][k][1])):
                wrong = json.loads(json.dumps(told))
                wrong["steps"][n]["across"][k][1][i][0] += 2 ** (told["bits"] - 8)
                with pytest.raises(Rejected):
                    check(wrong)
            wrong = json.loads(json.dumps(told))
            del wrong["steps"][n]["across"][k]
            with pytest.raises(Rejected):
                check(wrong)
        for k, b in enumerate(step["pull"]):
            wrong = json.loads(json.dumps(told))
            wrong["steps"][n]["pull"][k] = [str(-9 * Fraction(q)) for q in b]
            with pytest.raises(Rejected):
                check(wrong)


def test_what_is_not_conserved_is_no_law() -> None:
    posed, part = example()
    assert isinstance(part.assertion, Evolves)
    with pytest.raises(InvalidProblem, match="not proved to be conserved"):
        law(replace(part, assertion=Evolves(2 * part.assertion.quantity + posed.setting["r"][()])))
    with pytest.raises(InvalidProblem, match="a conserved quantity is wanted"):
        law(replace(part, assertion=Evolves(part.assertion.quantity, sp.S.One)))
    other = first()
    with pytest.raises(InvalidProblem, match="another setting"):
        enclose(other, until=1, laws=laws_of(posed, part))


def test_a_limit_is_approached_for_a_long_time() -> None:
    """The radius grows no more when the trajectory has come to rest."""
    found = enclose(first(), until=50, digits=20)
    assert found.reason == ""
    assert found.radius_at(50) < 10 * found.radius_at(5)
    assert found.radius_at(50) < Fraction(1, 10**17)
    assert "exists for 0 <= t <= 50 and" in check(found.certificate).text


def test_pulling_to_the_sphere_is_what_keeps_it_narrow() -> None:
    free, pulled = (enclose(first(), until=2, digits=20, kappa=kappa) for kappa in (0, 10))
    assert free.reason == pulled.reason == ""
    assert pulled.radius_at(2) * 1000 < free.radius_at(2)


def scalar(right: Any) -> Problem:
    q = Variable("q", (), "parameter")
    return problem(vector_field(Setting((q,)), Space((q,)), {"q": family(right(q[()]))}), data={}, start={"q": 1}, times=(0, 1))


@pytest.mark.parametrize(("right", "until", "ends"), [(lambda q: q**2, 2, 1.0), (lambda q: -1 / q, 1, 0.5), (lambda q: sp.log(q) - 1, 3, 0.597)])
def test_the_end_is_honest(right: Any, until: int, ends: float) -> None:
    """Blow-up at t = 1, a denominator that vanishes at t = 1/2, a logarithm at its end: reached is before that, and what was reached is proved."""
    found = enclose(scalar(right), until=until, digits=15, most_steps=400)
    assert found.outcome == "unknown"
    assert f"of {until}" in found.reason
    assert ends - 0.05 < found.reached < ends
    assert check(found.certificate).outcome == "proved"
    with pytest.raises(ValueError, match="ask for an earlier time"):
        found.radius_at(until)


def test_a_start_too_wide_ends_early() -> None:
    found = enclose(scalar(lambda q: q**2), until=Fraction(9, 10), digits=15, radius="1/10")
    assert found.outcome == "unknown"
    assert 0 < found.reached < Fraction(9, 10)


def test_a_spent_budget_is_an_end() -> None:
    found = enclose(first(), until=5, digits=20, most_steps=2)
    assert (found.outcome, len(found.certificate["steps"])) == ("unknown", 2)
    assert "budget of 2 steps" in found.reason


def test_another_flow_is_not_the_one_enclosed() -> None:
    """The certificate of a flow, with the sign of its radial rate changed, or with the sphere forgotten."""
    certificate = json.loads(json.dumps(enclose(first(), until="1/8", digits=15).certificate))
    assert check(certificate).outcome == "proved"
    rates = certificate["statement"]["flow"]["rates"]
    mutants = [{"rates": rates | {"r": {"indices": [], "value": ["*", -1, "eta_r"]}}}, {"spheres": []}]
    for mutant in mutants:
        with pytest.raises(Rejected):
            check(certificate | {"statement": certificate["statement"] | {"flow": certificate["statement"]["flow"] | mutant}})


@pytest.mark.parametrize(
    "wrong",
    [
        {"radius": "-1"},
        {"radii": {"kappa": -1}},
        {"radii": {"q": 1}},
        {"radii": {"r": 2}},
        {"radii": {"u": ["1/10"]}},
        {"kappa": -2},
        {"radius": 0.5},
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidProblem):
        enclose(first(), until=1, **wrong)


def test_a_corner_is_refused() -> None:
    with pytest.raises(Unsupported, match="not analytic"):
        enclose(scalar(lambda q: sp.Abs(q) - 1), until=1)


@pytest.mark.parametrize("degree", [0, 9])
def test_a_degree_that_is_not_known(degree: int) -> None:
    with pytest.raises(ValueError, match="a number from 1 to 8 is wanted"):
        enclose(first(), until=1, degree=degree)


@pytest.mark.parametrize("until", [0, -1])
def test_a_time_that_is_not_positive(until: int) -> None:
    with pytest.raises(ValueError, match="a positive time is wanted"):
        enclose(first(), until=until)
