"""Polynomials in lambda with series for coefficients, against SymPy: every function, degree by degree, and what is not defined."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sympy as sp
from flint import arb, arb_mat, fmpq

from proofs_check.kernel.language import Rejected
from proofs_check.kernel.polynomials import Polynomial, Polynomials
from proofs_check.kernel.rings import Series, working

S, A, B = sp.symbols("s a b")
LENGTH, DEGREE = 3, 3
WRITTEN = {"p": sp.Rational(3, 4) + S / 5 + A / 3 - A * B * S / 2 + B**2 / 7, "q": sp.Rational(1, 2) - S / 9 + B / 4 + A * S / 3}
SERIES = Series(LENGTH)
RING = Polynomials(SERIES, 2, DEGREE)


@pytest.fixture(autouse=True)
def _precision() -> Iterator[None]:
    with working(128, LENGTH):
        yield


def given(written: sp.Expr) -> Polynomial:
    found: dict[tuple[int, ...], list[arb]] = {(0, 0): [arb(0)]}
    for (a, b), coefficient in sp.Poly(written, A, B).terms():
        line = sp.Poly(coefficient, S).all_coeffs()[::-1]
        found[a, b] = [arb(fmpq(int(c.p), int(c.q))) for c in map(sp.Rational, line)]
    return {powers: SERIES.series(line) for powers, line in found.items()}


def agrees(found: Polynomial, wanted: sp.Expr) -> None:
    """Every coefficient of s^i a^j b^k."""
    for j in range(DEGREE + 1):
        for k in range(DEGREE + 1 - j):
            inner = sp.diff(wanted, A, j, B, k).subs({A: 0, B: 0}) / (sp.factorial(j) * sp.factorial(k))
            for i in range(LENGTH):
                exact = (sp.diff(inner, S, i).subs(S, 0) / sp.factorial(i)).evalf(40)
                held = found[j, k][i] if (j, k) in found else arb(0)
                assert held.overlaps(arb(str(exact), 1e-30)), (i, j, k)
                assert held.rad() < 1e-25


CASES: dict[str, tuple[Callable[[Polynomial, Polynomial], Any], sp.Expr]] = {
    "plus": (RING.plus, WRITTEN["p"] + WRITTEN["q"]),
    "times": (RING.times, WRITTEN["p"] * WRITTEN["q"]),
    **{
        f"power {q}": ((lambda p, _, q=q: RING.power(p, fmpq(q.p, q.q))), WRITTEN["p"] ** q)  # type: ignore[misc]
        for q in map(sp.Rational, ("1", "4", "-1", "-3", "1/2", "-5/3"))
    },
    **{
        name: ((lambda p, _, name=name: RING.function(name, p)), getattr(sp, name)(WRITTEN["p"]))  # type: ignore[misc]
        for name in ("log", "exp", "sin", "cos", "asinh", "atan", "atanh")
    },
    "abs": (lambda p, _: RING.function("abs", given(-WRITTEN["p"])), WRITTEN["p"]),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_what_sympy_says(name: str) -> None:
    computed, wanted = CASES[name]
    agrees(computed(given(WRITTEN["p"]), given(WRITTEN["q"])), wanted)


def test_sums_are_taken_together() -> None:
    first, second = RING.image(arb_mat(2, 2, [1, 2, 3, -1]), [given(WRITTEN["p"]), given(WRITTEN["q"])])
    agrees(first, WRITTEN["p"] + 2 * WRITTEN["q"])
    agrees(second, 3 * WRITTEN["p"] - WRITTEN["q"])


def test_a_power_of_zero_has_coefficients() -> None:
    agrees(RING.power(given(A + S), fmpq(3)), (A + S) ** 3)


@pytest.mark.parametrize("name", ["log", "abs"])
def test_what_is_not_defined_is_refused(name: str) -> None:
    with pytest.raises(Rejected):
        RING.function(name, given(A - S))
    with pytest.raises(Rejected):
        RING.power(given(A - S), fmpq(1, 2))
    with pytest.raises(Rejected):
        RING.power(given(A - S), fmpq(-1))


def test_nothing_changes_without_lambda_and_little_with_one_monomial() -> None:
    plain = Polynomials(SERIES, 0, 0)
    value: Polynomial = {(): SERIES.series([arb(2), arb(1)])}
    assert list(plain.function("exp", plain.times(value, value))) == [()]
    agrees(RING.power(given(2 + A), fmpq(-1, 2)), (2 + A) ** sp.Rational(-1, 2))
    agrees(RING.function("exp", given(B + 1)), sp.exp(B + 1))
    still = RING.power(given(2 + S), fmpq(-1, 2))
    assert list(still) == [(0, 0)]
    agrees(still, (2 + S) ** sp.Rational(-1, 2))
