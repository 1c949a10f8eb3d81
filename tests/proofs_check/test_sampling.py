"""Random points are constructed to satisfy everything exactly; the kernel's own reading of a point is the judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest
import sympy as sp
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from proofs_check.exact import instances_of
from proofs_check.kernel.language import Equal, Number, read_statement
from proofs_check.kernel.points import residual_at
from proofs_check.sampling import NoPoint, Sizes, assignment, rational_value, sample
from theory.papers import chou_rauhut_ward
from theory.settings import Instance, Setting, family
from theory.statements import Observed, Order, Part, statement_tree
from theory.symbols import Variable, index, size, total

N, M = size("N"), size("M")
i, k = index("i"), index("k")
PARTS: Mapping[str, Part] = {
    f"{statement.id}, {kind}: {part.label}": part
    for statement in chou_rauhut_ward.paper().statements
    for kind, parts in (("part", statement.parts), ("mutant", statement.mutants))
    for part in parts
    if not isinstance(part.assertion, Observed | Order)
}
NOTHING = Equal((), Number(fmpq(0)), Number(fmpq(0)))


@pytest.mark.parametrize("name", PARTS)
def test_points_of_the_paper_satisfy_every_hypothesis(name: str) -> None:
    setting = PARTS[name].setting
    statement = replace(read_statement(statement_tree(PARTS[name])), claim=NOTHING)
    for instance in instances_of(setting):
        for seed in range(2):
            point = sample(setting, instance, Random(seed))
            # refuses a wrong shape, a wrong sign, and a hypothesis or sphere that does not hold exactly
            residual_at(statement, assignment(setting, instance, point, bits=64))


def a_setting(*variables: Variable, hypotheses: tuple[sp.Expr, ...] = ()) -> Setting:
    return Setting(variables, hypotheses=tuple(family(h) for h in hypotheses))


A, z, y, x = Variable("A", (M, N)), Variable("z", (N,)), Variable("y", (M,)), Variable("x", (N,), "constant", "positive")
LINEAR = Setting((A, z, y), hypotheses=(family(total(A[k, i] * z[i], (i, N)) - y[k], (k, M)),))


@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 4))
def test_a_linear_hypothesis_is_solved(seed: int, columns: int, rows: int) -> None:
    point = sample(LINEAR, Instance({"N": columns, "M": rows}), Random(seed))
    for m in range(rows):
        assert sum(point["A", (m, n)] * point["z", (n,)] for n in range(columns)) == point["y", (m,)]


@given(st.integers(0, 10**6), st.integers(1, 4))
def test_what_an_instance_gives_is_kept(seed: int, columns: int) -> None:
    given_z = tuple(Fraction(n + 1, 3) for n in range(columns))
    point = sample(LINEAR, Instance({"N": columns, "M": 2}, {"z": given_z}), Random(seed))
    assert tuple(point["z", (n,)] for n in range(columns)) == given_z
    for m in range(2):
        assert sum(point["A", (m, n)] * given_z[n] for n in range(columns)) == point["y", (m,)]


def test_seeds_give_different_points() -> None:
    points = [sample(LINEAR, Instance({"N": 3, "M": 2}), Random(seed)) for seed in range(5)]
    assert all(p != q for n, p in enumerate(points) for q in points[:n])
    assert points[0] == sample(LINEAR, Instance({"N": 3, "M": 2}), Random(0))


UNSOLVABLE = {
    "not linear": a_setting(z, hypotheses=(total(z[i] ** 2, (i, N)) - 2,)),
    "a sign": a_setting(x, hypotheses=(total(x[i], (i, N)) - 2,)),
    "no constant": a_setting(Variable("w", (N,), "parameter"), hypotheses=(Variable("w", (N,), "parameter")[0],)),
    "an exponential": a_setting(z, hypotheses=(sp.exp(z[0]) - 2,)),
    "contradictory": a_setting(z, hypotheses=(z[0], z[0] - 1)),
}


@pytest.mark.parametrize("name", UNSOLVABLE)
def test_what_cannot_be_solved_is_told(name: str) -> None:
    with pytest.raises(NoPoint):
        sample(UNSOLVABLE[name], Instance({"N": 2}), Random(0))


def test_a_hypothesis_that_is_not_polynomial_is_told_with_its_text() -> None:
    with pytest.raises(NoPoint, match="not polynomial"):
        rational_value(sp.exp(z[0]), {("z", (0,)): Fraction(1)}, Sizes({"N": 1}), {})


def test_rational_values() -> None:
    point = {("z", (n,)): Fraction(n + 1, 2) for n in range(3)} | {("c", ()): Fraction(3)}
    c = Variable("c")[()]
    sizes = Sizes({"N": 3, "M": 2})
    assert rational_value(total(z[i] ** 2, (i, N)), point, sizes, {}) == Fraction(14, 4)
    assert rational_value(sp.Sum(z[i] * z[k], (i, 0, N - 1), (k, 0, M - 1)), point, sizes, {}) == 3 * Fraction(3, 2)
    assert rational_value(c * N / 2 - z[k] ** -1, point, sizes, {k: 1}) == Fraction(9, 2) - 1
    assert sizes.of(2 * N + 1) == 7
    assert len(list(sizes.entries((N, M)))) == 6
