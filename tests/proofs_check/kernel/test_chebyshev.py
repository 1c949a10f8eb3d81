"""Functions by their values at Chebyshev's points, against what is known of them in closed form."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import pytest
from flint import arb, arb_mat, fmpq

from proofs_check.kernel import chebyshev
from proofs_check.kernel.language import Rejected
from proofs_check.kernel.rings import Samples, Series, working


@pytest.fixture(autouse=True)
def _precision() -> Iterator[None]:
    with working(128, 1):
        yield


def test_coefficients_of_chebyshevs_own_polynomials() -> None:
    """T_3(2s - 1) = 32 s^3 - 48 s^2 + 18 s - 1, and 1 = T_0; at 3 points T_3 is 0, and T_4 is -T_2."""
    third, fourth = [-1, 18, -48, 32, 0], [1, -32, 160, -256, 128]
    found = arb_mat([third, fourth, [1, 0, 0, 0, 0]]) * chebyshev.powers(6, 5) * chebyshev.transform(6)
    wanted = [[int(k == n) for k in range(6)] for n in (3, 4, 0)]
    assert all(
        c.overlaps(arb(w)) and c.rad() < 1e-30 for row, line in zip(found.tolist(), wanted, strict=True) for c, w in zip(row, line, strict=True)
    )
    folded = arb_mat([third, fourth]) * chebyshev.powers(3, 5) * chebyshev.transform(3)
    wanted = [[0, 0, 0], [0, 0, -1]]
    assert all(
        c.overlaps(arb(w)) and c.rad() < 1e-30 for row, line in zip(folded.tolist(), wanted, strict=True) for c, w in zip(row, line, strict=True)
    )


def test_rates_are_derivatives() -> None:
    """Of s^3 - 2s."""
    derivative = (arb_mat([[0, -2, 0, 1]]) * chebyshev.rates(5, 4)).entries()
    assert all((3 * s**2 - 2).overlaps(c) for s, c in zip(chebyshev.points(5), derivative, strict=True))


@pytest.mark.parametrize("count", [3, 6, 12, 20])
@pytest.mark.parametrize("disc", [Fraction(5, 4), Fraction(2), Fraction(3)])
def test_the_remainder_bounds_the_error_of_interpolation(count: int, disc: Fraction) -> None:
    """1/(b - s) with b just beyond the disc: how far it is from its interpolation, and that the bound is not idle."""
    b = float(disc) * 1.05
    values = arb_mat([[1 / (arb(b) - s) for s in chebyshev.points(count)]])
    coefficients = [float(c) for c in (values * chebyshev.transform(count)).entries()]
    places = [k / 400 for k in range(401)]
    error = max(abs(1 / (b - s) - sum(c * math.cos(k * math.acos(2 * s - 1)) for k, c in enumerate(coefficients))) for s in places)
    bound = float(chebyshev.remainder(count, fmpq(disc.numerator, disc.denominator))) / (b - float(disc))
    assert error <= bound * (1 + 1e-9) + 1e-13
    if bound > 1e-10:
        assert error > bound / 10**4


def test_samples_are_taken_one_by_one() -> None:
    ring, one, two = Samples(3), [arb(1), arb(2), arb(3)], [arb(-1), arb(4), arb("0.5")]
    series = Series(1)
    cases = [
        (ring.plus(one, two), [0, 6, 3.5]),
        (ring.times(one, two), [-1, 8, 1.5]),
        (ring.power(one, fmpq(3)), [1, 8, 27]),
        (ring.power(two, fmpq(-2)), [1, 1 / 16, 4]),
        (ring.power(one, fmpq(1, 2)), [1, math.sqrt(2), math.sqrt(3)]),
        (ring.function("log", one), list(map(math.log, (1, 2, 3)))),
        (ring.function("abs", two), [1, 4, 0.5]),
        (ring.number(fmpq(7, 2)), [3.5] * 3),
        *zip(ring.image(arb_mat([[1, 2], [0, -1]]), [one, two]), ([-1, 10, 4], [1, -4, -0.5]), strict=True),
    ]
    for found, wanted in cases:
        assert [float(c) for c in found] == pytest.approx(wanted)
    for x, y in zip(two, ring.function("atan", two), strict=True):
        assert series.function("atan", series.series([x]))[0].overlaps(y)


@pytest.mark.parametrize("q", [fmpq(-1), fmpq(1, 2)], ids=str)
def test_one_point_where_a_power_is_not_defined_is_enough(q: fmpq) -> None:
    with pytest.raises(Rejected):
        Samples(3).power([arb(1), arb(0, 1), arb(2)], q)


def test_one_point_where_a_function_is_not_defined_is_enough() -> None:
    with pytest.raises(Rejected):
        Samples(3).function("log", [arb(1), arb(0, 1), arb(2)])
