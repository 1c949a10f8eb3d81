"""Every kind of balls against SymPy and mpmath: the numbers are inside, and what is not certainly defined, or not holomorphic, is refused."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, get_args

import pytest
import sympy as sp
from flint import acb, arb, arb_mat, arb_series, fmpq
from mpmath import mp, mpc

from proofs_check.kernel.language import Function, Rejected
from proofs_check.kernel.rings import Discs, Jet, Jets, Samples, Series, raised, working

S, A, B = sp.symbols("s a b")
LENGTH = 3
SERIES, JETS, DISCS = Series(LENGTH), Jets(LENGTH, 2), Discs()
NAMES: tuple[Function, ...] = get_args(Function)
POWERS = [fmpq(2), fmpq(7), fmpq(-1), fmpq(-3), fmpq(1, 2), fmpq(-5, 3)]


@pytest.fixture(autouse=True)
def _precision() -> Iterator[None]:
    with working(128, LENGTH):
        yield


def rational(q: sp.Rational) -> arb:
    return arb(fmpq(int(q.p), int(q.q)))


def coefficients(written: sp.Expr) -> list[sp.Expr]:
    """Of 1, s, s^2, ..."""
    return [sp.diff(written, S, n).subs(S, 0) / sp.factorial(n) for n in range(LENGTH)]


def agree(found: Sequence[arb], wanted: Sequence[sp.Expr]) -> None:
    """Each within 10^-30."""
    for own, exact in zip(found, wanted, strict=True):
        assert own.overlaps(arb(str(exact.evalf(45)), 1e-30))
        assert own.rad() < 1e-30


def series(written: sp.Expr) -> arb_series:
    return SERIES.series([rational(c) for c in sp.Poly(written, S).all_coeffs()[::-1]])


def named(name: Function, a: sp.Expr, sign: int) -> sp.Expr:
    """SymPy's function; the absolute value of what has the sign."""
    return sign * a if name == "abs" else getattr(sp, name)(a)


WRITTEN = sp.Rational(2, 3) + S / 4 - S**2 / 5
NEGATIVE = -sp.Rational(1, 2) + S / 3


# ---- series --------------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_function_of_a_series(name: Function) -> None:
    agree(SERIES.coefficients(SERIES.function(name, series(WRITTEN))), coefficients(named(name, WRITTEN, 1)))
    if name != "log":
        agree(SERIES.coefficients(SERIES.function(name, series(NEGATIVE))), coefficients(named(name, NEGATIVE, -1)))


@pytest.mark.parametrize("q", POWERS)
def test_a_power_of_a_series(q: fmpq) -> None:
    agree(SERIES.coefficients(SERIES.power(series(WRITTEN), q)), coefficients(WRITTEN ** sp.Rational(int(q.p), int(q.q))))


@pytest.mark.parametrize(("name", "a"), [("log", arb(0, 1)), ("abs", arb(0, 1)), ("atanh", arb(1)), ("atanh", arb(-2))])
def test_a_function_beside_its_domain_is_refused(name: Function, a: arb) -> None:
    with pytest.raises(Rejected, match="not certainly defined"):
        SERIES.function(name, SERIES.series([a, arb(1)]))
    with pytest.raises(Rejected, match="not certainly defined"):
        Samples(2).function(name, [arb("0.5"), a])
    with pytest.raises(Rejected, match="not certainly defined"):
        JETS.function(name, JETS.still([a]))


@pytest.mark.parametrize(("a", "q", "words"), [(arb(0, 1), fmpq(-1), "denominator"), (arb(-1), fmpq(1, 2), "root"), (arb(0), fmpq(3, 2), "root")])
def test_a_power_beside_its_domain_is_refused(a: arb, q: fmpq, words: str) -> None:
    for ring, value in ((SERIES, SERIES.series([a, arb(1)])), (Samples(2), [arb(1), a]), (JETS, JETS.still([a])), (DISCS, acb(a))):
        with pytest.raises(Rejected, match=words):
            ring.power(value, q)


def test_coefficients_that_are_not_known_are_not_zero() -> None:
    """1/(1 - s) to two terms says nothing of s^2."""
    short = arb_series([1, 1], 2)
    assert Series(2).coefficients(short) == [1, 1]
    with pytest.raises(Rejected, match="known to 2 terms, and 3 are needed"):
        SERIES.coefficients(short)


def test_powers_by_squarings() -> None:
    seen: list[int] = []

    def times(a: int, b: int) -> int:
        seen.append(a * b)
        return a * b

    assert [raised(times, 3, n) for n in range(1, 20)] == [3**n for n in range(1, 20)]
    seen.clear()
    assert raised(times, 1, 1000) == 1
    assert len(seen) < 20
    for n in (0, -1):
        with pytest.raises(ValueError, match="at least 1"):
            raised(times, 3, n)


# ---- discs ---------------------------------------------------------------------------------------------------------------------------------------


def holds(found: acb, value: Any) -> bool:
    """Whether the value is inside, as far as 40 digits tell."""
    near = acb(arb(mp.nstr(value.real, 40), 1e-35), arb(mp.nstr(value.imag, 40), 1e-35))
    return bool(found.overlaps(near))


def rectangle(x: arb, y: arb) -> tuple[acb, list[mpc]]:
    """A rectangle, its corners, its middle and points of its sides."""

    def places(side: arb) -> list[Any]:
        return [mp.mpf(str(float(side.mid()))) + mp.mpf(str(float(side.rad()))) * part * mp.mpf("0.999999") for part in (-1, 0, 1)]

    return acb(x, y), [mpc(a, b) for a, b in itertools.product(places(x), places(y))]


RIGHT = rectangle(arb(0.625, 0.25), arb(0.125, 0.5))
LEFT = rectangle(arb(-0.625, 0.25), arb(0.125, 0.5))


@pytest.mark.parametrize("name", NAMES)
def test_a_function_of_a_disc_holds_its_values(name: Function) -> None:
    """|z| is continued from the real line: z to the right, -z to the left."""
    with mp.workdps(45):
        for (disc, points), sign in ((RIGHT, 1), (LEFT, -1)):
            if name == "log" and sign < 0:
                continue
            found = DISCS.function(name, disc)
            assert found.is_finite()
            assert all(holds(found, sign * z if name == "abs" else getattr(mp, name)(z)) for z in points)


@pytest.mark.parametrize("q", POWERS)
def test_a_power_of_a_disc_holds_its_values(q: fmpq) -> None:
    with mp.workdps(45):
        disc, points = RIGHT
        found = DISCS.power(disc, q)
        assert found.is_finite()
        assert all(holds(found, z ** (mp.mpf(int(q.p)) / int(q.q))) for z in points)


@pytest.mark.parametrize(
    ("name", "disc"),
    [
        ("log", acb(arb(0, 1), arb(2))),
        ("abs", acb(arb(0, 1), arb(2))),
        ("atan", acb(arb(2), arb(1, 0.5))),
        ("asinh", acb(arb(0), arb(-1))),
        ("atanh", acb(arb(-1, 0.5), arb(2))),
    ],
)
def test_a_disc_that_meets_a_cut_is_refused(name: Function, disc: acb) -> None:
    with pytest.raises(Rejected, match="not certainly holomorphic"):
        DISCS.function(name, disc)


def test_a_denominator_and_a_root_of_a_disc_are_refused() -> None:
    with pytest.raises(Rejected, match="denominator"):
        DISCS.power(acb(arb(0, 1), arb(0, 1)), fmpq(-1))
    with pytest.raises(Rejected, match="right half plane"):
        DISCS.power(acb(arb(-1), arb(1)), fmpq(1, 2))


def test_sums_of_discs() -> None:
    one, two = DISCS.image(arb_mat(2, 2, [1, 2, 3, -1]), [acb(1, 2), acb(3, -1)])
    assert (one, two) == (acb(7), acb(0, 7))
    assert DISCS.plus(DISCS.number(fmpq(3, 2)), DISCS.times(one, two)) == acb(1.5, 49)


# ---- samples -------------------------------------------------------------------------------------------------------------------------------------


QUARTER_AND_HALF = [sp.Rational(1, 4), sp.Rational(1, 2)]


def test_samples() -> None:
    values = [arb("0.25"), arb("0.5")]
    for name in NAMES:
        agree(Samples(2).function(name, values), [named(name, q, 1) for q in QUARTER_AND_HALF])
    for q in POWERS:
        agree(Samples(2).power(values, q), [a ** sp.Rational(int(q.p), int(q.q)) for a in QUARTER_AND_HALF])
    assert Samples(2).plus(values, Samples(2).times(values, Samples(2).number(fmpq(2)))) == [arb("0.75"), arb("1.5")]
    assert Samples(2).image(arb_mat(1, 2, [2, 3]), [values, values]) == [[arb("1.25"), arb("2.5")]]


# ---- jets ----------------------------------------------------------------------------------------------------------------------------------------


def jets() -> tuple[tuple[Jet, Jet, Jet], tuple[sp.Expr, sp.Expr, sp.Expr]]:
    """Something that moves with a, something that moves with b, and something that does not move."""
    made = (
        JETS.coordinate(SERIES.coefficients(series(WRITTEN)), 0, arb(3)),
        JETS.coordinate(SERIES.coefficients(series(NEGATIVE)), 1, arb(2)),
        JETS.still([arb(1), arb(2)]),
    )
    return made, (WRITTEN + 3 * A, NEGATIVE + 2 * B, 1 + 2 * S)


def agrees(found: Jet, written: sp.Expr) -> None:
    """The series at a = b = 0, and its derivatives by a and by b."""
    there = {A: 0, B: 0}
    agree(SERIES.coefficients(found.value), coefficients(written.subs(there)))
    for column, x in enumerate((A, B)):
        rows = [arb(0)] * LENGTH if found.rows is None else [found.rows[n, column] for n in range(LENGTH)]
        agree(rows, coefficients(sp.diff(written, x).subs(there)))


def test_sums_and_products_of_jets() -> None:
    (x, y, z), (p, q, r) = jets()
    agrees(JETS.plus(JETS.times(x, y), z), p * q + r)
    agrees(JETS.times(JETS.times(x, z), JETS.plus(x, y)), p * r * (p + q))
    agrees(JETS.times(x, JETS.number(fmpq(5, 7))), p * sp.Rational(5, 7))
    assert JETS.times(z, z).rows is None


@pytest.mark.parametrize("name", NAMES)
def test_a_function_of_a_jet(name: Function) -> None:
    (x, y, z), (p, q, r) = jets()
    base, written = JETS.times(x, JETS.plus(z, y)), p * (r + q)
    agrees(JETS.function(name, base), named(name, written, 1))
    if name != "log":
        agrees(JETS.function(name, y), named(name, q, -1))
    if name != "atanh":
        assert JETS.function(name, z).rows is None


@pytest.mark.parametrize("q", POWERS)
def test_a_power_of_a_jet(q: fmpq) -> None:
    (x, y, z), (p, r, t) = jets()
    agrees(JETS.power(JETS.times(x, JETS.plus(z, y)), q), (p * (t + r)) ** sp.Rational(int(q.p), int(q.q)))


@pytest.mark.parametrize("q", [0, 1])
def test_powers_that_are_no_nodes_of_a_graph_are_refused(q: int) -> None:
    """The derivative of x^1 would be taken by x^0, and of that no ring is asked."""
    (x, _, _), _ = jets()
    with pytest.raises(ValueError, match="at least 1"):
        JETS.power(x, fmpq(q))


def test_sums_of_jets_taken_together() -> None:
    made, written = jets()
    matrix = [[1, 2, 3], [0, -1, sp.Rational(1, 2)]]
    found = JETS.image(arb_mat([[rational(sp.Rational(q)) for q in row] for row in matrix]), made)
    for own, row in zip(found, matrix, strict=True):
        agrees(own, sum(q * w for q, w in zip(row, written, strict=True)))
    (still,) = JETS.image(arb_mat(1, 2, [1, 2]), [made[2], JETS.number(fmpq(4))])
    assert still.rows is None
    agrees(still, 9 + 2 * S)
