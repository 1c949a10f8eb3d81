"""Convergence from end to end: limits computed otherwise lie in the balls, rates are those of the formula, and what does not converge is unknown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy as sp
from mpmath import mp

from numerics import InvalidProblem, Problem, integrate, problem
from numerics.exact import entries
from numerics.limit import polar as diagonal
from proofs_check.kernel import check
from proofs_check.limiting import limit
from proofs_check.settling import Settled, settle
from theory.charts import rederive, weight_norm
from theory.files import read_text
from theory.losses import square
from theory.models import power
from theory.papers.chou_rauhut_ward import least_squares
from theory.symbols import Variable, size

N, M = size("N"), size("M")
HALVES = ["1/2"] * 4
A1: Any = [[1, 2, -1, 1], [2, -1, 1, 1]]
A2: Any = [[1, 0, 2, -1, 1], [0, 1, 1, 1, -1], [1, 1, 0, 1, 2]]


def polar(A: Any, y: Any, u: Sequence[Any], *, r: Any = 1, kappa: Any = 1, L: Any = 2) -> Problem:
    return problem(least_squares(), data={"L": L, "eta_r": 1, "kappa": kappa, "A": A, "y": y}, start={"r": r, "u": u}, times=(0, 1))


def first() -> Problem:
    return polar(A1, [3, 2], HALVES)


def second() -> Problem:
    return polar(A2, [4, "1/2", 4], ["1/4", "1/4", "1/4", "1/2", "3/4"], r="5/4", kappa="1/2", L=3)


def from_file(text: str) -> Problem:
    theory = read_text(text)
    return problem(theory.setting, data=theory.data, start=theory.start, times=(0, 1), sizes=theory.sizes)


def network(W1: Any, W2: Any) -> Problem:
    """Two layers: 2 inputs, 3 hidden units, 2 outputs."""
    return from_file(f"""
title = "Two layers"
[sizes]
P = 2
H = 3
Q = 2
[data]
Y = {{ shape = "Q x P", value = [[1, "1/2"], ["-1/3", 1]] }}
[parameters]
W1 = "H x P"
W2 = "Q x H"
[model]
predictor = "X[a,b] = sum(k, W2[a,k]*W1[k,b])"
loss = "square(Y)"
[start]
W1 = {W1}
W2 = {W2}
""")


def two_layers() -> Problem:
    return network('[["1/2", "1/3"], ["-1/4", "1/2"], ["1/5", "1/7"]]', '[["1/2", "1/3", "1/4"], ["1/5", "-1/6", "1/7"]]')


def symmetric(target: str = "[[2, 1], [1, 3]]") -> Problem:
    """U U^T, whose residual is symmetric."""
    return from_file(f"""
title = "Symmetric factorisation"
[sizes]
N = 2
K = 2
[data]
Y = {{ shape = "N x N", value = {target} }}
[parameters]
U = "N x K"
[model]
predictor = "X[i,j] = sum(k, U[i,k]*U[j,k])"
loss = "square(Y)"
[start]
U = [["1/2", "1/3"], ["-1/4", "1/2"]]
""")


def signed(loss: str = "square(A, y)", definitions: str = "") -> Problem:
    """u^2 - v^2."""
    return from_file(f"""
title = "Signed diagonal network"
[sizes]
N = 3
M = 2
[data]
A = {{ shape = "M x N", value = [[1, 2, -1], [1, 0, 1]] }}
y = {{ shape = "M", value = [1, 2] }}
[parameters]
u = "N"
v = "N"
[model]
predictor = "x[i] = u[i]**2 - v[i]**2"
loss = "{loss}"
{definitions}
[start]
u = [1, 1, 1]
v = [1, "1/2", "1/3"]
""")


RESIDUAL = '[definitions]\n"e[k]" = "sum(i, A[k,i]*x[i]) - y[k]"'


def not_quadratic() -> Problem:
    return signed("sum(k, sqrt(1 + e[k]**2))", RESIDUAL)


def named_residual() -> Problem:
    return signed("sum(k, e[k]**2)/2", RESIDUAL)


def redundant() -> Problem:
    """The third row is the sum of the others."""
    return polar([*A1, [3, 1, 0, 2]], [3, 2, 5], HALVES)


def regression() -> Problem:
    """More rows than columns, and y is not in the range: the gradient vanishes, the residual does not."""
    return from_file("""
title = "Regression"
[sizes]
N = 3
M = 5
[data]
A = [[1, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 2], [0, 0, 1]]
y = [1, 0, 2, 1, 1]
[parameters]
w = "N"
[model]
predictor = "x[i] = w[i]"
loss = "square(A, y)"
[start]
w = [1, 1, 1]
""")


def normalised() -> Problem:
    """v over its norm: no sphere, roots and quotients."""
    w = Variable("w", (N,), "parameter", "positive")
    A, y = Variable("A", (M, N)), Variable("y", (M,))
    setting = rederive(power(w, sp.Integer(2)), square(A, y, (N,)), weight_norm(w), {"g": sp.S.One, "v": sp.Rational(1, 2)}, given=(A, y))
    return problem(setting, data={"A": [[1, 2, 1]], "y": [2]}, start={"g": 1, "v": ["1/2", "3/4", "1/2"]}, times=(0, 1))


def least_squares_of_squares() -> Problem:
    """G = A^T nu falls as G' = -A^T A K G with K = 4 diag(w^2): no symmetric matrix, and its symmetric part has smaller eigenvalues."""
    return from_file("""
title = "Least squares"
[sizes]
N = 3
M = 5
[data]
A = [[1, 4, 0], [1, 0, 3], [0, 1, 0], [0, 0, 2], [3, 0, 1]]
y = [5, 10, 2, 5, 5]
[parameters]
w = "N"
[model]
predictor = "x[i] = w[i]**2"
loss = "square(A, y)"
[start]
w = [1, 1, 1]
""")


def weight_decay() -> Problem:
    """Nothing vanishes in the end but the velocity, and v: there is one limit."""
    return from_file("""
title = "Weight decay"
[sizes]
N = 2
M = 1
[data]
A = [[1, 2]]
y = [3]
[parameters]
u = "N"
v = "N"
[model]
predictor = "x[i] = u[i]**2 - v[i]**2"
loss = "square(A, y)"
[flow]
drift = { u = "-u[i]/2", v = "-v[i]/2" }
[start]
u = [1, "1/2"]
v = ["1/3", "1/4"]
""")


def heavy_ball() -> Problem:
    """w'' = -2 w' - w (w^2 - 2): complex eigenvalues, with the real part -1."""
    return from_file("""
title = "Heavy ball"
[parameters]
w = "scalar"
p = "scalar"
[flow]
field = { w = "p", p = "-2*p - w*(w**2 - 2)" }
[start]
w = 1
p = 0
""")


def shear() -> Problem:
    """a' = -a + 10 b, b' = -b: no eigenvectors to speak of, and a symmetric part with an eigenvalue 4."""
    return from_file("""
title = "Shear"
[parameters]
a = "scalar"
b = "scalar"
[flow]
field = { a = "10*b - a", b = "-b" }
[start]
a = 1
b = 1
""")


SETTLE = [first, second, two_layers, symmetric, signed, not_quadratic, named_residual, redundant, regression, normalised]
SETTLE += [least_squares_of_squares, weight_decay, heavy_ball, shear]
NAMES = {"two_layers": "G", "symmetric": "G", "regression": "G", "least_squares_of_squares": "G", "not_quadratic": "e", "named_residual": "e"}
NAMES |= dict.fromkeys(("weight_decay", "heavy_ball", "shear"), "the velocity")


def flat(posed: Problem, state: Any) -> list[Any]:
    return [mp.mpf(q.numerator) / q.denominator if isinstance(q, Fraction) else q for name in posed.layout.names for _, q in entries(state[name])]


@pytest.mark.parametrize("posed", SETTLE, ids=lambda posed: posed.__name__)
def test_it_settles_where_the_trajectory_does(posed: Any) -> None:
    """Followed to 40 digits for as long again, three times: the distance from the limit stays within what is said, and falls at the rate."""
    found = settle(posed())
    assert found.state == "settles", found.text
    assert found.residual == NAMES.get(posed.__name__, "nu")
    assert 0 < found.within < Fraction(1, 10**9)
    assert check(json.loads(json.dumps(found.certificate))).text == found.text
    reference = integrate(replace(found.problem, times=(Fraction(0), *(found.time * n for n in (1, 2, 3)))), digits=40)
    with mp.workdps(50):
        points = [flat(found.problem, found.limit), *(flat(found.problem, state) for state in reference.states[1:])]
        within = mp.mpf(found.within.numerator) / found.within.denominator
        away = [mp.sqrt(mp.fsum((a - b) ** 2 for a, b in zip(points[0], point, strict=True))) for point in points[1:]]
        assert max(away) <= within
        moved = [mp.sqrt(mp.fsum((a - b) ** 2 for a, b in zip(points[-1], point, strict=True))) for point in points[1:3]]
        assert moved[1] <= within * mp.exp(-mp.mpf(found.rate.numerator) / found.rate.denominator * float(found.time)) + mp.mpf(10) ** -38


def test_the_limit_and_the_rate_of_the_first_instance() -> None:
    """The printed limit, and 46.3752530 = 2 lambda_min, the rate of the loss."""
    found = settle(first(), digits=20)
    x = [(found.limit["r"] * entry) ** 2 for entry in found.limit["u"]]
    printed = ["1.00169988447560585859", "0.72128440311870831548", "0.08107666244025954394", "0.63680797172723705437"]
    assert all(abs(a - Fraction(b)) < Fraction(2, 10**20) for a, b in zip(x, printed, strict=True))
    assert 46.375252 < 2 * found.rate < 46.3752531


@pytest.mark.parametrize("posed", [first(), second()])
def test_the_rate_is_that_of_the_formula(posed: Problem) -> None:
    """lambda_min of L^2 A D (eta_r u u^T + eta_u r^2 P) D A^T at the limit is not exceeded, and nearly reached."""
    found = settle(posed)
    A, L = np.array(posed.data["A"], dtype=float), int(posed.data["L"])  # type: ignore[arg-type]
    r, u = float(found.limit["r"]), np.array([float(entry) for entry in found.limit["u"]])
    outer, scaled = np.outer(u, u), A @ np.diag((r * u) ** (L - 1)) * L
    J = scaled @ (outer + float(posed.data["kappa"]) * r**2 * (np.eye(len(u)) - outer)) @ scaled.T  # type: ignore[arg-type]
    least = float(np.linalg.eigvalsh(J)[0])
    assert least * (1 - 1e-6) < found.rate < least * (1 + 1e-12)


@pytest.mark.parametrize(("posed", "rate"), [(heavy_ball, 1.0), (least_squares_of_squares, None)], ids=lambda case: getattr(case, "__name__", None))
def test_the_rate_is_the_least_real_part_without_symmetry(posed: Any, rate: float | None) -> None:
    found = settle(posed(), digits=7)
    if rate is None:
        A, w = np.array(found.problem.data["A"], dtype=float), np.array([float(q) for q in found.limit["w"]])
        rate = float(np.min(np.linalg.eigvals(A.T @ A @ np.diag(4 * w**2)).real))
    assert rate * (1 - 1e-6) < found.rate < rate * (1 + 1e-12)


@pytest.mark.parametrize("number", [1, 2])
def test_the_dual_system_has_the_same_limit(number: int) -> None:
    """Another certificate, that integrates nothing: the balls meet."""
    posed = [first(), second()][number - 1]
    found = settle(posed, digits=20)
    data = posed.data
    other = limit(diagonal(data["A"], data["y"], kappa=data["kappa"], L=data["L"], start=posed.start))
    assert other.outcome == "converges"
    L = int(data["L"])  # type: ignore[arg-type]
    x = [(found.limit["r"] * entry) ** L for entry in found.limit["u"]]
    slack = 10 * found.within * 2**L + other.within  # the derivative of x by r and u is below 20 here
    assert all(abs(a - b) <= slack for a, b in zip(x, other.x, strict=True))


def test_a_longer_enclosure_gives_a_sharper_rate() -> None:
    found = [settle(first(), digits=6, until=until) for until in ("1/2", "3/4", 1)]
    assert [one.time for one in found] == [Fraction(1, 2), Fraction(3, 4), 1]
    assert found[0].rate < found[1].rate < found[2].rate < Fraction("23.18762651")
    assert found[0].within > found[1].within > found[2].within


def test_too_early_is_unknown() -> None:
    found = settle(first(), until="1/100")
    assert found.state == "unknown"
    assert "enclosed up to t = 0.01" in found.text


def test_a_spent_budget_is_unknown() -> None:
    found = settle(first(), budget=2)
    assert found.state == "unknown"
    assert "budget of 2 steps is spent, raise budget" in found.text


def test_a_ball_of_starts_settles_too() -> None:
    exact, wide = settle(first()), settle(first(), radius="1/1000000")
    assert wide.state == "settles", wide.text
    assert "every start" in wide.text
    assert wide.within > Fraction(1, 10**6)
    near = flat(exact.problem, exact.limit), flat(wide.problem, wide.limit)
    assert sum((a - b) ** 2 for a, b in zip(*near, strict=True)) < float(wide.within) ** 2


def test_constants_in_intervals_settle_too() -> None:
    """The limits for y at the ends of its radius lie in the ball, and that for another y does not."""
    wide = settle(first(), radii={"y": "1/100000"}, digits=6)
    assert wide.state == "settles", wide.text
    assert "all constants" in wide.text
    for y, inside in ((["300001/100000", "199999/100000"], True), (["299999/100000", 2], True), (["31/10", 2], False)):
        other = settle(polar(A1, y, HALVES), digits=12)
        away = sum((a - b) ** 2 for a, b in zip(flat(wide.problem, wide.limit), flat(other.problem, other.limit), strict=True))
        assert (away <= float(wide.within) ** 2) == inside


def test_starts_in_intervals_settle_too() -> None:
    wide = settle(first(), radii={"r": "1/100000"}, digits=6)
    assert wide.state == "settles", wide.text
    for r, inside in (("100001/100000", True), ("99999/100000", True), ("21/20", False)):
        other = settle(polar(A1, [3, 2], HALVES, r=r), digits=12)
        away = sum((a - b) ** 2 for a, b in zip(flat(wide.problem, wide.limit), flat(other.problem, other.limit), strict=True))
        assert (away <= float(wide.within) ** 2) == inside


STAYS: dict[str, tuple[Problem, str]] = {
    "no positive solution": (polar([[1, 0, 0], [0, 1, 1]], [1, 0], ["2/3", "1/3", "2/3"]), "does not seem to decay exponentially"),
    "collapse": (polar([[1, -2]], [1], ["3/5", "4/5"], r="1/10"), "r is declared positive"),
    "no data": (polar(A1, [0, 0], HALVES), "does not seem to"),
    "saddle": (network("[[0, 0], [0, 0], [0, 0]]", "[[0, 0, 0], [0, 0, 0]]"), "the velocity to 0: an eigenvalue has the real part -1"),
    "not symmetric": (symmetric("[[2, 1], [0, 3]]"), "does not vanish anywhere"),
    "no name": (signed("sum(k, (sum(i, A[k,i]*x[i]) - y[k])**2)/2"), "not certain to vanish with"),
}


@pytest.mark.parametrize("name", STAYS)
def test_what_does_not_settle_is_unknown(name: str) -> None:
    posed, reason = STAYS[name]
    found = settle(posed)
    assert found.state == "unknown"
    assert found.certificate == {}
    assert found.rate == 0
    assert reason in found.text


def test_without_a_rate_no_certificate_closes() -> None:
    """Even where the guess in double precision is not asked: the end is enclosed, and no ball is found."""
    found = settle(STAYS["no positive solution"][0], until=20, digits=5)
    assert found.state == "unknown"
    assert "enclosed up to t = 20" in found.text


def test_the_residual_may_be_named() -> None:
    found: Settled = settle(symmetric(), residual="G")
    assert (found.state, found.residual) == ("settles", "G")
    assert settle(symmetric(), residual="x").state == "unknown"
    with pytest.raises(InvalidProblem, match="the definitions are"):
        settle(symmetric(), residual="nu")


@pytest.mark.parametrize("wrong", [{"digits": 0}, {"budget": 0}, {"until": 0}, {"until": -1}])
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="wanted"):
        settle(first(), **wrong)
