"""The machine below the high-precision integrator: limbs, carries, and series against exact rational ones."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import numpy as np
import pytest

from numerics import Problem, point_on_sphere, problem
from numerics.taylor import Machine, record
from numerics.taylor.coefficients import entries
from numerics.taylor.digits import FRONT, cauchy
from numerics.taylor.limbs import Format, fitting
from numerics.taylor.magnitudes import Magnitudes
from numerics.taylor.simd import LANES
from numerics.taylor.tape import Linear, Product, Register, Tape
from theory.dynamics import vector_field
from theory.papers.chou_rauhut_ward import depth, least_squares
from theory.settings import Setting, Space, family
from theory.symbols import Variable, index, size, total

CONSTANT = Variable("c", (size("N"),))
N, i, j = size("N"), index("i"), index("j")


def logistic(start: list[Fraction], rates: list[Fraction]) -> Problem:
    """x_i' = c_i x_i (1 - mean x): a vector, a scalar beside it, constants that are no dyadics."""
    x = Variable("x", (N,), "parameter")
    right = CONSTANT[i] * x[i] * (1 - total(x[j], (j, N)) / N)
    setting = vector_field(Setting((x, CONSTANT)), Space((x,)), {"x": family(right, (i, N))})
    return problem(setting, data={"c": rates}, start={"x": start}, times=(0, 1))


def exact_series(start: list[Fraction], rates: list[Fraction], order: int) -> list[list[Fraction]]:
    series = [list(start)]
    for k in range(order):
        factor = [Fraction(int(m == 0)) - sum(series[m], Fraction(0)) / len(start) for m in range(k + 1)]
        terms = [sum((series[m][n] * factor[k - m] for m in range(k + 1)), Fraction(0)) for n in range(len(start))]
        series.append([rate * term / (k + 1) for rate, term in zip(rates, terms, strict=True)])
    return series


@pytest.mark.parametrize("length", [1, 3, 8, 19])
@pytest.mark.parametrize("bits", [90, 170, 500])
def test_coefficients_are_those_of_exact_arithmetic(length: int, bits: int) -> None:
    dice, step, order = Random(length), Fraction(1, 8), 24
    start = [Fraction(dice.randint(-9, 9), dice.randint(5, 11)) for _ in range(length)]
    rates = [Fraction(dice.randint(-9, 9), dice.randint(3, 11)) for _ in range(length)]
    posed = logistic(start, rates)
    machine = Machine(record(posed, bits=bits + 100), order=order, bits=bits)
    magnitudes = Magnitudes(machine.tape, order)
    state = [round(entry * 2**machine.bits) for entry in start]
    magnitudes.run(machine.doubles(state), float(step))
    machine.expand(state, step, magnitudes.bounds(1.0, float(step)))
    (register,) = machine.tape.states
    wanted = exact_series(start, rates, order)
    for k, exact in enumerate(wanted):
        found = machine._get(register, k)
        for value, entry in zip(found, exact, strict=True):
            # A limb may be empty, and sums of a few dozen roundings cost some bits more.
            assert abs(Fraction(value, 2**machine.bits) - entry * step**k) < Fraction(1, 2 ** (bits - 36))
    at_end = [sum(wanted[k][n] * step**k for k in range(order + 1)) for n in range(length)]
    assert all(abs(Fraction(a, 2**machine.bits) - b) < Fraction(1, 2 ** (bits - 36)) for a, b in zip(machine.end(), at_end, strict=True))
    slope = [sum(k * wanted[k][n] * step**k for k in range(order + 1)) for n in range(length)]
    assert all(abs(Fraction(a, 2**machine.bits) - b) < Fraction(1, 2 ** (bits - 42)) for a, b in zip(machine.slope(), slope, strict=True))


@pytest.mark.parametrize("form", [Format(20, 4), Format(27, 8), Format(28, 2)])
def test_integers_become_limbs_and_come_back(form: Format) -> None:
    dice = Random(0)
    top = 1 << form.width * form.count
    numbers = [0, 1, -1, top - 1, -top, 4 * top, *(dice.randint(-2 * top, 2 * top) for _ in range(50))]
    limbs = form.limbs(numbers)
    assert form.whole(limbs) == numbers
    assert np.abs(limbs[:, 1:]).max() <= 1 << (form.width - 1)
    with pytest.raises(OverflowError, match="larger than its exponent allows"):
        form.limbs([5 * top])


@pytest.mark.parametrize(("bits", "order", "longest"), [(134, 40, 1), (200, 110, 900), (700, 330, 20_000), (1400, 700, 100)])
def test_the_largest_sums_there_can_be_do_not_overflow(bits: int, order: int, longest: int) -> None:
    """All limbs at their bounds, in the compiled loop, against Python's integers."""
    form = fitting(bits, order=order, longest=longest)
    assert form.width * form.count >= bits
    half, length = 1 << (form.width - 1), form.count * LANES
    history = np.full(2 * (order + 1) * length, half, dtype=np.int32)
    # Only order 0 has a leading limb beyond half of B: the sums of coefficients are bounded by 4 B^e.
    for at in (0, (order + 1) * length):
        history[at : at + LANES] = 4 << form.width
    regs = np.array([[0, order + 1, 1, 8, -1, 0], [(order + 1) * length, order + 1, 1, 8, -1, form.count // 2]], dtype=np.int64)
    reach = np.full(form.count, order, dtype=np.int64)
    sums = np.zeros((FRONT + 3 * form.count + 8) * LANES, dtype=np.int64)
    cauchy(order, 0, order, 0, 0, 1, 0, FRONT, regs, history, reach, sums, form.count)
    limbs = history.reshape(2, order + 1, form.count, LANES)[:, :, :, 0].astype(object)
    wanted = [sum(sum(limbs[0, m, p] * limbs[1, order - m, s - p] for p in range(s + 1)) for m in range(order + 1)) for s in range(form.count)]
    assert [int(entry) for entry in sums.reshape(-1, LANES)[FRONT : FRONT + form.count, 3]] == wanted
    assert longest * (half * (4 << form.width)) < 2**63


def test_coefficients_of_a_linear_map_are_kept() -> None:
    """Dyadic ones exactly, others far beyond the format; their limbs sum to them."""
    form = Format(27, 6)
    numbers = [Fraction(3, 2**40), Fraction(-7), Fraction(10**20), Fraction(1, 3), Fraction(-5, 10**30)]
    every = np.arange(5)
    for chosen, slack in (([0, 1, 2], Fraction(0)), ([0, 1, 2, 3, 4], Fraction(1, 2 ** (27 * 8)))):
        op = Linear(
            Register(0, len(chosen)), every[: len(chosen)], every[: len(chosen)], every[: len(chosen)], np.array(numbers, dtype=object)[chosen]
        )
        found = entries(op, form)
        for n in chosen:
            places = np.flatnonzero(found.rows == n)
            value = sum(Fraction(int(found.limbs[t])) * Fraction(2) ** (27 * int(found.powers[t])) for t in places)
            assert abs(value - numbers[n]) <= slack * abs(numbers[n])


def taped(n: int, level: int) -> Tape:
    A = [[Fraction((3 * row + 7 * column) % 11 - 5, 7) for column in range(n)] for row in range(n // 2)]
    data = {depth.name: level, "kappa": 1, "eta_r": 1, "A": A, "y": [1] * (n // 2)}
    start = {"r": 1, "u": point_on_sphere([1] * n)}
    return record(problem(least_squares(depth[()]), data=data, start=start, times=(0, 1)), bits=200)


@pytest.mark.parametrize(("level", "vectors", "numbers"), [(2, 6, 2), (3, 7, 3)])
def test_the_tape_does_not_grow_with_the_sizes(level: int, vectors: int, numbers: int) -> None:
    """The products of series are what costs; here is how many there are on the core flow."""
    small, large = taped(12, level), taped(40, level)
    for tape, n in ((small, 12), (large, 40)):
        products = [op for op in tape.operations if isinstance(op, Product)]
        assert [sum(op.out.size == n for op in products), sum(op.out.size == 1 for op in products)] == [vectors, numbers]
    assert len(small.operations) == len(large.operations)


def test_a_number_divided_by_a_sum_is_one_quotient() -> None:
    """h_i' = h_i / sum h^2: one division, not one for each entry."""
    h = Variable("h", (N,), "parameter")
    setting = vector_field(Setting((h,)), Space((h,)), {"h": family(h[i] / total(h[j] ** 2, (j, N)), (i, N))})
    tape = record(problem(setting, data={}, start={"h": [1] * 20}, times=(0, 1)), bits=100)
    assert [op.out.size for op in tape.operations if type(op).__name__ == "Quotient"] == [1]
