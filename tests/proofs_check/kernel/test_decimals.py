"""Numbers in a few digits never say more than is known."""

from __future__ import annotations

from decimal import localcontext
from fractions import Fraction

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from proofs_check.kernel.decimals import about, above, below, near

rationals = st.fractions() | st.builds(lambda q, n: q * Fraction(10) ** n, st.fractions(), st.integers(-60, 60))


def flint(q: Fraction) -> fmpq:
    return fmpq(q.numerator, q.denominator)


@given(rationals)
def test_bounds_are_rounded_outwards(q: Fraction) -> None:
    assert Fraction(below(flint(q))) <= q <= Fraction(above(flint(q)))
    assert abs(Fraction(near(flint(q))) - q) <= abs(q) / 10**19


def test_the_precision_that_others_work_with_does_not_count() -> None:
    """Two digits and half-even would make 0.33 of what is to be at least 1/3."""
    third = fmpq(1, 3)
    with localcontext(prec=2):
        assert (below(third), above(third), near(third)) == ("0.333333", "0.333334", "0." + "3" * 20)
        assert about(third, fmpq(1, 100)) == f"{near(third)} within 0.0100001"


@given(rationals, rationals.map(abs))
def test_what_is_about_q_holds_all_that_is_near_q(q: Fraction, within: Fraction) -> None:
    a, _, b = about(flint(q), flint(within)).partition(" within ")
    assert Fraction(a) - Fraction(b) <= q - within <= q + within <= Fraction(a) + Fraction(b)


@pytest.mark.parametrize(
    ("q", "within", "said"),
    [
        (Fraction(1, 4), Fraction(1, 8), "0.25 within 0.125"),
        (Fraction(1, 3), Fraction(1, 10**40), "0.33333333333333333333 within 3.33334e-21"),
    ],
)
def test_digits_that_are_left_out_are_made_up_for(q: Fraction, within: Fraction, said: str) -> None:
    assert about(flint(q), flint(within)) == said
