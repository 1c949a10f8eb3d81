"""The theorems about convergence over many random rational problems: each property with the number of problems it says something about, and with a
variant that is false and must be seen to fail on some of them.

The trajectories are integrated to 25 digits with no use of a limit; limits come with certificates; the formulas here are written out once more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction as Q
from functools import cache
from itertools import pairwise
from random import Random
from typing import Any

import mpmath
import pytest
import sympy as sp
from mpmath import mpf

from numerics import integrate, problem
from numerics.limit import Polar, bregman, polar
from proofs_check.limiting import Limit, limit
from theory.papers.chou_rauhut_ward.setting import least_squares

DIGITS = 25
TIMES = (Q(0), Q(1, 10), Q(3, 10), Q(1), Q(3))
DIRECTIONS = [(Q(3, 5), Q(4, 5)), (Q(2, 3), Q(1, 3), Q(2, 3)), (Q(3, 7), Q(2, 7), Q(6, 7)), (Q(1, 2),) * 4]
PROBLEMS = 36
SMALL = mpf(10) ** -18


@dataclass(frozen=True)
class Case:
    """One random problem: its limit with a certificate, the trajectory at a few times, and the limit of plain gradient flow."""

    data: Polar
    planted: tuple[Q, ...]
    ended: Limit
    plain: Limit
    states: tuple[tuple[mpf, tuple[mpf, ...]], ...]

    @property
    def kappa(self) -> mpf:
        return number(self.data.kappa)

    @property
    def L(self) -> int:
        return int(self.data.depth)

    def x(self, n: int) -> list[mpf]:
        r, u = self.states[n]
        return [(r * v) ** self.L for v in u]

    def residual(self, n: int) -> mpmath.matrix:
        return matrix(self) * mpmath.matrix(self.x(n)) - mpmath.matrix([number(q) for q in self.data.target])

    def loss(self, n: int) -> mpf:
        return mpmath.norm(self.residual(n)) ** 2 / 2

    def decay(self, n: int) -> mpf:
        """-F' = (L r^(L-1) s)^2 + kappa (L r^L)^2 |G u^(L-1) - u s|^2 with s = <G, u^L>, in the time with eta_r = 1."""
        (r, u), L = self.states[n], self.L
        G = list(matrix(self).T * self.residual(n))
        s = mpmath.fsum(g * v**L for g, v in zip(G, u, strict=True))
        across = mpmath.fsum((g * v ** (L - 1) - v * s) ** 2 for g, v in zip(G, u, strict=True))
        return (L * r ** (L - 1) * s) ** 2 + self.kappa * (L * r**L) ** 2 * across


def number(q: Any) -> mpf:
    return mpf(q.numerator) / q.denominator


def matrix(case: Case) -> mpmath.matrix:
    return mpmath.matrix([[number(q) for q in row] for row in case.data.matrix])


@cache
def pool() -> tuple[Case, ...]:
    """Half of the planted solutions are sparse, and a third of the starts have kappa r^2 = 1."""
    random, found = Random(5), []
    while len(found) < PROBLEMS:
        u = random.choice(DIRECTIONS)
        rows = random.randint(1, len(u) - 1)
        A = [[random.randint(-2, 2) for _ in u] for _ in range(rows)]
        planted = tuple(Q(random.randint(1, 4), 2) if random.random() < 0.75 else Q(0) for _ in u)
        y = [sum(a * z for a, z in zip(row, planted, strict=True)) for row in A]
        if not any(y) or sp.Matrix(A).rank() < rows:
            continue
        r, L = random.choice([Q(1, 2), Q(1), Q(3, 2)]), random.choice([2, 2, 3])
        kappa = 1 / r**2 if random.random() < 0.35 else random.choice([Q(1, 3), Q(1), Q(2)])
        data = polar(A, y, kappa=kappa, L=L, start={"r": r, "u": u})
        setting = least_squares(sp.Integer(L))
        values = {"A": A, "y": y, "kappa": kappa, "eta_r": 1, "L": L}
        posed = problem(
            setting, data={v.name: values[v.name] for v in setting.variables if v.role == "constant"}, start={"r": r, "u": u}, times=TIMES
        )
        run = integrate(posed, digits=DIGITS)
        with mpmath.workdps(DIGITS + 10):
            states = tuple((mpf(state["r"]), tuple(map(mpf, state["u"]))) for state in run.states)
        plain = limit(polar(A, y, kappa=None, L=L, start={"r": r, "u": u}), digits=20)
        found.append(Case(data, planted, limit(data, digits=20), plain, states))
    return tuple(found)


# ---- what is said of each problem; None where it says nothing -----------------------------------------------------------------------------------


def energy(case: Case, factor: int = 1) -> bool:
    """<G, x'> = -|grad|^2 in the metric of the flow, with x' by the chain rule."""
    for n in range(len(TIMES)):
        (r, u), L, A, e = case.states[n], case.L, matrix(case), case.residual(n)
        G = list(A.T * e)
        s = mpmath.fsum(g * v**L for g, v in zip(G, u, strict=True))
        dr = -L * r ** (L - 1) * s
        du = [-case.kappa * L * r**L * (g * v ** (L - 1) - v * s) for g, v in zip(G, u, strict=True)]
        dx = [L * (r * v) ** (L - 1) * (dr * v + r * dv) for v, dv in zip(u, du, strict=True)]
        if abs(mpmath.fsum(g * d for g, d in zip(G, dx, strict=True)) + factor * case.decay(n)) > SMALL * (1 + case.decay(n)):
            return False
    return True


def divergence_falls(case: Case, sign: int = 1) -> bool | None:
    """D(z, x(t)) does not increase, for the planted solution z."""
    if not any(case.planted) or case.ended.outcome == "collapses":
        return None
    values = [bregman(case.data, case.planted, case.x(n), digits=DIGITS + 10) for n in range(len(TIMES))]
    return all(sign * (b - a) <= SMALL for a, b in pairwise(values))


def polyak(case: Case, least: Callable[[mpf], mpf] = lambda share: min(mpf(1), share)) -> bool:
    """-F' >= 2 L^2 min(1, kappa r^2) lambda_min(A D^2 A^T) F, D = diag(w^(L-1))."""
    for n in range(len(TIMES)):
        (r, u), L, A = case.states[n], case.L, matrix(case)
        D2 = mpmath.diag([(r * v) ** (2 * L - 2) for v in u])
        floor = min(mpmath.eigsy(A * D2 * A.T, eigvals_only=True))
        if case.decay(n) < 2 * L**2 * least(case.kappa * r**2) * floor * case.loss(n) - SMALL:
            return False
    return True


def ends_there(case: Case, place: Callable[[Case], Sequence[Q]] = lambda case: case.ended.x) -> bool | None:
    """Where the residual is small at the last time, x is near the limit that the dual gives."""
    if case.ended.outcome != "converges" or case.loss(-1) > mpf(10) ** -12:
        return None
    return max(abs(a - number(b)) for a, b in zip(case.x(-1), place(case), strict=True)) < mpf(10) ** -4


def excess(case: Case, factor: Q = Q(1)) -> bool | None:
    """|x|_1 - Q is at most what the theorem on the bias allows."""
    found = case.ended
    if found.outcome != "converges" or found.allowed is None or found.least is None:
        return None
    return sum(found.x) - found.least <= factor * found.allowed


def no_less_sparse(case: Case, wanted: bool = True) -> bool | None:
    """L = 2 and kappa r(0)^2 = 1: the norm of the limit is no larger than that of plain gradient flow from the same start."""
    first = case.data.kappa * sum(value**2 for value in case.data.values) if case.data.kappa else Q(0)
    if case.L != 2 or (first == 1) is not wanted or {case.ended.outcome, case.plain.outcome} != {"converges"}:
        return None
    return sum(case.ended.x) <= sum(case.plain.x) + Q(1, 10**15)


def magnified(case: Case, power: int = 1) -> bool | None:
    """Plain gradient flow from w(0)/rho ends at the same place."""
    if case.ended.outcome != "converges" or case.ended.rho is None:
        return None
    scale = case.ended.rho**power
    start = [value / scale for value in case.data.values]
    other = limit(polar(case.data.matrix, case.data.target, kappa=None, L=case.L, start={"w": start}), digits=15)
    return other.outcome == "converges" and max(abs(a - b) for a, b in zip(case.ended.x, other.x, strict=True)) < Q(1, 10**12)


def falls_as_proved(case: Case, factor: int = 1) -> bool | None:
    """F(t) <= F(0) exp(-mu t) with the mu that is proved from the start on."""
    if case.ended.outcome != "converges" or case.ended.steady is None:
        return None
    mu = factor * number(case.ended.steady)
    return all(case.loss(n) <= case.loss(0) * mpmath.exp(-mu * number(t)) * (1 + SMALL) for n, t in enumerate(TIMES))


# ---- the tables: property, how many problems at least it must say something about, a false variant -----------------------------------------------

PROPERTIES: Mapping[str, tuple[Callable[[Case], bool | None], int, Callable[[Case], bool | None]]] = {
    "energy identity": (energy, 36, lambda case: energy(case, 2)),
    "the divergence falls": (divergence_falls, 36, lambda case: divergence_falls(case, -1)),
    "Polyak-Lojasiewicz": (polyak, 36, lambda case: polyak(case, lambda share: mpf(1))),
    "the limit of the dual": (ends_there, 20, lambda case: ends_there(case, lambda case: case.plain.x)),
    "the l1 bound": (excess, 15, lambda case: excess(case, Q(1, 100))),
    "never less sparse at kappa r^2 = 1": (no_less_sparse, 10, lambda case: no_less_sparse(case, False)),
    "the magnification": (magnified, 30, lambda case: magnified(case, -1)),
    "the rate from the start": (falls_as_proved, 10, lambda case: falls_as_proved(case, 1000)),
}


@pytest.mark.parametrize("name", PROPERTIES)
def test_it_holds_wherever_it_says_something(name: str, record_property: Callable[[str, object], None]) -> None:
    holds, least, _ = PROPERTIES[name]
    with mpmath.workdps(DIGITS + 10):
        told = [found for found in map(holds, pool()) if found is not None]
    record_property("non-vacuous", len(told))
    assert all(told)
    assert len(told) >= least, f"only {len(told)} of {PROBLEMS} problems are not vacuous"


@pytest.mark.parametrize("name", PROPERTIES)
def test_a_variant_is_seen_to_fail(name: str) -> None:
    _, _, variant = PROPERTIES[name]
    with mpmath.workdps(DIGITS + 10):
        assert any(found is False for found in map(variant, pool()))
