"""Each strategy keeps its promise, says an oracle that shares no code with it; and what cannot be had is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import find, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from numerics import Problem
from proofs_check.strategies import (
    Impossible,
    Sparse,
    assignments,
    invertible,
    matrices,
    orthogonal,
    points,
    problems,
    rationals,
    register_profiles,
    sparse,
    spd,
    spheres,
    symmetric,
    with_condition,
    with_singular_values,
)
from theory.files import read_text
from theory.settings import Setting, Space
from theory.symbols import Variable, size

Q = Fraction
LENGTH = st.integers(1, 4)


def sympy(matrix: Sequence[Sequence[Fraction]]) -> sp.Matrix:
    assert all(isinstance(entry, Fraction) for row in matrix for entry in row)
    return sp.Matrix([[sp.Rational(entry.numerator, entry.denominator) for entry in row] for row in matrix])


def simplest(strategy: st.SearchStrategy[Any], such: Callable[[Any], bool] = lambda value: True) -> Any:
    return find(strategy, such, settings=settings(database=None, max_examples=5000))


def known(entries: Sequence[Any]) -> list[sp.Rational]:
    return sorted(sp.Rational(str(entry)) for entry in entries)


def eigenvalues(matrix: sp.Matrix) -> list[sp.Rational]:
    found = sp.roots(matrix.charpoly().as_expr(), sp.Symbol("lambda"))
    return sorted(value for value, times in found.items() for _ in range(times))


# ---- numbers ---------------------------------------------------------------------------------------------------------------------------------


@given(rationals("positive", height=5, least="1/3", most=2, strict=True))
def test_rationals_keep_sign_height_and_bounds(value: Fraction) -> None:
    assert Q(1, 3) < value < 2
    assert max(value.numerator, value.denominator) <= 5


def test_rationals_shrink_to_the_simplest() -> None:
    assert simplest(rationals()) == 0
    assert simplest(rationals("nonzero")) == 1
    assert simplest(rationals(), lambda q: q < 0) == -1
    assert simplest(rationals("positive"), lambda q: q < 1) == Q(1, 2)


def test_every_rational_of_the_height_can_come() -> None:
    wanted = {Q(p, q) for p in range(-3, 4) for q in range(1, 4)}
    assert {simplest(rationals(height=3), lambda found, q=q: found == q) for q in wanted} == wanted


# ---- matrices --------------------------------------------------------------------------------------------------------------------------------


@given(st.data(), LENGTH, LENGTH)
def test_matrices_have_the_rank_asked_for(data: st.DataObject, m: int, n: int) -> None:
    rank = data.draw(st.integers(0, min(m, n)))
    found = sympy(data.draw(matrices((m, n), rank=rank)))
    assert (found.shape, found.rank()) == ((m, n), rank)


@given(st.data(), st.integers(2, 4))
def test_the_kernel_is_the_span_given(data: st.DataObject, n: int) -> None:
    vectors = data.draw(matrices((data.draw(st.integers(1, n)), n)))
    dimension = sympy(vectors).rank()
    found = sympy(data.draw(matrices((data.draw(st.integers(max(n - dimension, 1), 4)), n), kernel=vectors)))
    assert (found * sympy(vectors).T).is_zero_matrix
    assert found.rank() == n - dimension


@given(matrices((3, 4), kernel=[(1, 1, 1, 1)], rank=2))
def test_a_rank_makes_the_kernel_larger(matrix: Any) -> None:
    found = sympy(matrix)
    assert found.rank() == 2
    assert (found * sp.ones(4, 1)).is_zero_matrix


@given(matrices((4, 3), kernel=[]))
def test_an_empty_kernel_makes_it_injective(matrix: Any) -> None:
    assert sympy(matrix).rank() == 3


@given(st.data(), LENGTH)
def test_invertible_matrices_are(data: st.DataObject, n: int) -> None:
    assert sympy(data.draw(invertible(n))).det() != 0


def test_invertible_matrices_need_not_have_an_lu_factorisation() -> None:
    swapped = ((Q(0), Q(1)), (Q(1), Q(0)))
    assert simplest(invertible(2), lambda found: found == swapped) == swapped


@given(st.data(), LENGTH)
def test_orthogonal_matrices_are_exactly(data: st.DataObject, n: int) -> None:
    special = data.draw(st.booleans())
    found = sympy(data.draw(orthogonal(n, special=special)))
    assert found.T * found == sp.eye(n)
    assert found.det() == 1 or not special


def test_reflections_and_half_turns_are_orthogonal_matrices_too() -> None:
    for wanted in (((Q(0), Q(1)), (Q(1), Q(0))), ((Q(-1), Q(0)), (Q(0), Q(-1)))):
        assert simplest(orthogonal(2), lambda found, wanted=wanted: found == wanted) == wanted


@given(st.data(), st.lists(rationals(height=4), min_size=1, max_size=3))
def test_symmetric_matrices_have_the_spectrum(data: st.DataObject, spectrum: list[Fraction]) -> None:
    found = sympy(data.draw(symmetric(spectrum, height=2)))
    assert found.is_symmetric()
    product = sp.prod([sp.Symbol("lambda") - sp.Rational(str(value)) for value in spectrum])
    assert sp.expand(found.charpoly().as_expr() - product) == 0


@given(st.data(), LENGTH)
def test_spd_matrices_are(data: st.DataObject, n: int) -> None:
    found = sympy(data.draw(spd(n)))
    assert found.is_symmetric()
    assert all(found[:k, :k].det() > 0 for k in range(1, n + 1))  # Sylvester


@given(st.data(), st.integers(2, 3), rationals(least=1, most=7))
def test_the_condition_number_of_spd_matrices_is_exact(data: st.DataObject, n: int, condition: Fraction) -> None:
    values = eigenvalues(sympy(data.draw(spd(n, condition=condition, height=2))))
    assert values[0] > 0
    assert values[-1] / values[0] == sp.Rational(str(condition))


@given(with_condition((2, 4), "7/2"))
def test_the_condition_number_of_rectangular_matrices(matrix: Any) -> None:
    assert np.linalg.cond(np.array(matrix, dtype=float)) == pytest.approx(3.5)
    gram = sympy(matrix) * sympy(matrix).T
    low, high = eigenvalues(gram)
    assert high / low == sp.Rational(49, 4)


@given(with_singular_values((3, 2), (2, "1/3"), height=2))
def test_the_singular_values(matrix: Any) -> None:
    assert eigenvalues(sympy(matrix).T * sympy(matrix)) == known(["1/9", 4])


def test_matrices_shrink_to_plain_ones() -> None:
    one = ((Q(1), Q(0)), (Q(0), Q(1)))
    assert simplest(matrices((2, 2), rank=2)) == simplest(orthogonal(2)) == simplest(spd(2)) == simplest(invertible(2)) == one
    assert simplest(matrices((2, 3), rank=1)) == ((1, 0, 0), (0, 0, 0))
    assert simplest(spd(2, condition=4)) == ((1, 0), (0, 4))
    assert simplest(symmetric((3, -1))) == ((3, 0), (0, -1))


# ---- sparse recovery -------------------------------------------------------------------------------------------------------------------------


@given(st.data(), st.integers(1, 4), st.integers(1, 5), st.sampled_from(("nonzero", "positive")))
def test_the_dual_certificate_is_strict(data: st.DataObject, m: int, n: int, sign: Any) -> None:
    nonzeros = data.draw(st.integers(0, min(m, n)))
    found: Sparse = data.draw(sparse((m, n), nonzeros, sign=sign))
    matrix, support = sympy(found.A), [j for j in range(n) if found.x[j] != 0]
    assert len(support) == nonzeros
    assert list(matrix * sp.Matrix(known_in_order(found.x))) == known_in_order(found.y)
    slack = list(matrix.T * sp.Matrix(known_in_order(found.dual)))
    assert all(slack[j] == sp.sign(sp.Rational(str(found.x[j]))) if j in support else abs(slack[j]) < 1 for j in range(n))
    assert matrix[:, support].rank() == nonzeros
    assert sign == "nonzero" or min(found.x) >= 0


def known_in_order(entries: Sequence[Fraction]) -> list[sp.Rational]:
    return [sp.Rational(str(entry)) for entry in entries]


@given(sparse((3, 5), 2))
def test_a_linear_program_finds_the_same_solution(found: Sparse) -> None:
    """Least |x|_1 with A x = y as a linear program in the positive and negative parts of x."""
    matrix = np.array(found.A, dtype=float)
    solved = linprog(np.ones(10), A_eq=np.hstack([matrix, -matrix]), b_eq=np.array(found.y, dtype=float))
    assert solved.status == 0
    assert solved.x[:5] - solved.x[5:] == pytest.approx(np.array(found.x, dtype=float), abs=1e-6)


# ---- points and settings ---------------------------------------------------------------------------------------------------------------------


@given(st.data(), st.lists(st.sampled_from(("positive", "nonnegative", "nonzero", "real")), min_size=1, max_size=5))
def test_points_of_a_sphere_are_on_it(data: st.DataObject, signs: list[Any]) -> None:
    point = data.draw(spheres(signs))
    assert sum(value * value for value in point) == 1
    for value, sign in zip(point, signs, strict=True):
        assert {"positive": value > 0, "nonnegative": value >= 0, "nonzero": value != 0, "real": True}[sign]


def test_points_of_a_sphere_reach_every_orthant_and_face() -> None:
    for wanted in ((Q(0), Q(-1)), (Q(-3, 5), Q(4, 5)), (Q(5, 13), Q(-12, 13))):
        assert simplest(spheres(["real"] * 2), lambda found, wanted=wanted: found == wanted) == wanted
    assert simplest(spheres(["positive"] * 3)) == (Q(2, 3), Q(2, 3), Q(1, 3))


N = size("N")
SPACE = Space(
    (Variable("r", (), "parameter", "positive"), Variable("u", (N,), "parameter", "positive"), Variable("v", (N, 2), "parameter")), (("u", "v"),)
)


@given(points(SPACE, sizes={"N": 3}))
def test_points_of_a_space_have_its_shapes_signs_and_spheres(point: dict[str, Any]) -> None:
    assert [len(row) for row in point["v"]] == [2, 2, 2]
    assert point["r"] > 0
    assert min(point["u"]) > 0
    assert sum(q * q for q in point["u"]) + sum(q * q for row in point["v"] for q in row) == 1


def setting(text: str) -> Setting:
    return read_text(text).setting


MIRROR = """
given = ["sum(i, A[k,i]*s[i]) = y[k]"]
[sizes]
N = 3
M = 2
[data]
A = "M x N"
y = "M"
s = "N, positive"
[parameters]
x = "N, positive"
[model]
predictor = "x[i] = x[i]"
loss = "{loss}"
[flow]
rates = {{ x = "x[i]" }}
[[claim]]
id = "positive"
conserved = "sum(i, s[i])"
"""


def of_claim(text: str) -> Setting:
    return read_text(text).statements[0].parts[0].setting


@given(assignments(of_claim(MIRROR.format(loss="square(A, y)"))))
def test_assignments_meet_every_hypothesis(assigned: tuple[dict[str, int], dict[str, Any]]) -> None:
    sizes, values = assigned
    A, s, y = values["A"], values["s"], values["y"]
    assert (len(A), len(A[0])) == (sizes["M"], sizes["N"])
    assert [sum(a * b for a, b in zip(row, s, strict=True)) for row in A] == list(y)
    assert min(s) > 0


def test_assignments_shrink_in_their_entries() -> None:
    """In their sizes, too, but not always to the smallest: entries that a larger size needs are in the way of a smaller one."""
    sizes, values = simplest(assignments(of_claim(MIRROR.format(loss="any(A)"))), lambda found: found[0]["N"] > 1 and found[1]["s"][1] > 1)
    assert values["s"] == (1, 2, *[1] * (sizes["N"] - 2))
    assert {entry for row in values["A"] for entry in row} == {0}


@given(problems(setting(MIRROR.format(loss="square(A, y)").split("[[claim]]")[0].split("\n", 2)[2]), times=2, sizes={"N": 2}))
def test_problems_can_be_stated(found: Problem) -> None:
    assert found.sizes["N"] == 2
    assert len(found.start["x"]) == 2
    assert len(found.times) == 3
    assert all(early < late for early, late in pairwise(found.times))


# ---- what cannot be had ----------------------------------------------------------------------------------------------------------------------


ROOT = """
given = ["a**2 = 2"]
[constants]
a = "real"
[[claim]]
id = "root"
identity = "a = a"
"""


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: rationals("positive", most=0), "no positive rational between -oo and 0"),
        (lambda: rationals(height=0), "at least 1 is wanted"),
        (lambda: matrices((2, 3), rank=3), "from 0 to 2"),
        (lambda: matrices((0, 3)), "at least one row"),
        (lambda: matrices((1, 3), kernel=[(1, 0, 0)]), "1 rows have at most the rank 1"),
        (lambda: matrices((3, 3), kernel=[(1, 0, 0)], rank=3), "leaves room for the rank 2"),
        (lambda: matrices((3, 3), kernel=[(1, 0)]), "kernel[0] is not a vector of 3 numbers"),
        (lambda: orthogonal(0), "at least 1"),
        (lambda: symmetric(()), "at least one eigenvalue"),
        (lambda: spd(1, condition=2), "of one number it is 1"),
        (lambda: spd(2, condition="1/2"), "at least 1"),
        (lambda: with_singular_values((2, 2), (1, -1)), "none negative"),
        (lambda: with_condition((2, 0), 3), "at least one row and one column"),
        (lambda: sparse((2, 5), 3), "ask for at most 2 nonzeros"),
        (lambda: sparse((2, 2), 3), "from 0 to 2 nonzeros"),
        (lambda: spheres(()), "no coordinates"),
        (lambda: points(SPACE, sizes={"M": 2}), "unknown M; the sizes are N"),
        (lambda: points(SPACE, sizes={"N": 0}), "at least 1 is wanted"),
        (lambda: problems(setting("[parameters]\nw = 'scalar'\n[model]\npredictor = 'x = w'\nloss = 'any'")), "G, an unknown function of time"),
        (lambda: problems(Setting(())), "no flow"),
        (
            lambda: assignments(of_claim(ROOT)),
            "no constant left to choose",
        ),
    ],
)
def test_the_impossible_is_refused(ask: Callable[[], Any], said: str) -> None:
    with pytest.raises(Impossible) as caught:
        ask()
    assert said in str(caught.value)


def test_profiles(monkeypatch: pytest.MonkeyPatch) -> None:
    before = settings.get_current_profile_name()
    try:
        monkeypatch.setenv("HYPOTHESIS_PROFILE", "nightly")
        assert register_profiles() == "nightly"
        assert settings.default is not None
        assert settings.default.max_examples == 2000
        monkeypatch.setenv("HYPOTHESIS_PROFILE", "ci")
        register_profiles()
        assert settings.default.derandomize
        monkeypatch.setenv("HYPOTHESIS_PROFILE", "weekly")
        with pytest.raises(ValueError, match="choose one of dev, ci, nightly"):
            register_profiles()
    finally:
        settings.load_profile(before)


# ---- the docs --------------------------------------------------------------------------------------------------------------------------------


def test_the_example_of_the_docs_runs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "testing.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    exec(compile(page.split("```python\n")[1].split("```")[0], "testing.md", "exec"), names)
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert len(tests) == 4
    for test in tests:
        test()
