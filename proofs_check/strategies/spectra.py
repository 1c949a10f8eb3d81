"""Matrices with given eigenvalues, singular values or condition number, exactly; positive definite ones."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from flint import fmpq_mat
from hypothesis import strategies as st

from numerics.exact import rational

from .errors import Impossible
from .matrices import SMALL, unit_lower
from .orthogonal import turning
from .rationals import rationals
from .tables import Matrix, diagonal, unpacked


def symmetric(spectrum: Sequence[Any], *, height: int = SMALL) -> st.SearchStrategy[Matrix]:
    """Let $\\lambda_1, \\ldots, \\lambda_n$ be rationals: a symmetric rational $n \\times n$ matrix with these eigenvalues.

    It is $Q\\,\\mathrm{diag}(\\lambda)\\,Q^T$ with $Q$ orthogonal. It shrinks to the diagonal matrix. Raises `Impossible` for an empty spectrum.
    """
    values = [rational(value, f"spectrum[{n}]") for n, value in enumerate(spectrum)]
    if not values:
        raise Impossible("an empty spectrum was given; a matrix has at least one eigenvalue")
    return turning(len(values), True, height).map(lambda turned: unpacked(_conjugated(turned, values)))


def spd(n: int, *, condition: Any = None, height: int = SMALL) -> st.SearchStrategy[Matrix]:
    """Let $A$ be a symmetric positive definite rational matrix, $n \\times n$.

    With a condition number, $A = Q D Q^T$ and $\\lambda_\\max/\\lambda_\\min$ is that number exactly. Without one, $A = L D L^T$, and every such
    matrix is of this form. It shrinks to the identity, or to a diagonal matrix with the eigenvalues 1 and condition.

    Raises `Impossible` for a condition number below 1, or other than 1 for $n = 1$.
    """
    if n < 1:
        raise Impossible(f"the size {n} was given; at least 1 is wanted")
    if condition is None:
        return _gram(n, height).map(unpacked)
    return _with_eigenvalues(n, _spread(n, condition, height), height).map(unpacked)


def with_singular_values(shape: tuple[int, int], values: Sequence[Any], *, height: int = SMALL) -> st.SearchStrategy[Matrix]:
    """Let $\\sigma_1, \\ldots, \\sigma_{\\min(m,n)} \\ge 0$ be rationals: an $m \\times n$ matrix with these singular values, $U \\Sigma V^T$.

    It shrinks to $\\Sigma$. Raises `Impossible` for negative values, or a wrong number of them.
    """
    m, n = shape
    given = [rational(value, f"values[{k}]") for k, value in enumerate(values)]
    if min(m, n) < 1 or len(given) != min(m, n) or any(value < 0 for value in given):
        raise Impossible(
            f"the singular values ({', '.join(map(str, given))}) were given for the shape {m} x {n}; "
            f"wanted are {max(min(m, n), 0)} numbers, none negative, and at least one row and column"
        )
    return _turned(shape, st.just(given), height)


def with_condition(shape: tuple[int, int], condition: Any, *, height: int = SMALL) -> st.SearchStrategy[Matrix]:
    """Let $\\kappa \\ge 1$ be rational: an $m \\times n$ matrix of full rank with $\\sigma_\\max/\\sigma_\\min = \\kappa$ exactly.

    It shrinks to a diagonal matrix. Raises `Impossible` for $\\kappa < 1$, or $\\kappa \\ne 1$ where there is one singular value.
    """
    if min(shape) < 1:
        raise Impossible(f"the shape {shape[0]} x {shape[1]} was given; at least one row and one column are wanted")
    return _turned(shape, _spread(min(shape), condition, height), height)


def _spread(n: int, condition: Any, height: int) -> st.SearchStrategy[list[Fraction]]:
    """n positive numbers, the last of which is `condition` times the first, and the others are between these."""
    ratio = rational(condition, "condition")
    if ratio < 1 or (n == 1 and ratio != 1):
        why = "of one number it is 1" if n == 1 else "it is the largest value over the smallest, at least 1"
        raise Impossible(f"the condition number {ratio} was given; {why}")
    return _spread_over(n, ratio, height)


@st.composite
def _spread_over(draw: st.DrawFn, n: int, ratio: Fraction, height: int) -> list[Fraction]:
    scale = draw(rationals("positive", height=height))
    between = [draw(rationals(least=0, most=1, height=height)) for _ in range(n - 2)]
    shares = [Fraction(0), *between, Fraction(1)] if n > 1 else [Fraction(0)]
    return [scale * (1 + (ratio - 1) * share) for share in shares]


@st.composite
def _gram(draw: st.DrawFn, n: int, height: int) -> fmpq_mat:
    pivots = [draw(rationals("positive", height=height)) for _ in range(n)]
    return _conjugated(draw(unit_lower(n, height)), pivots)


@st.composite
def _with_eigenvalues(draw: st.DrawFn, n: int, values: st.SearchStrategy[list[Fraction]], height: int) -> fmpq_mat:
    return _conjugated(draw(turning(n, True, height)), draw(values))


@st.composite
def _turned(draw: st.DrawFn, shape: tuple[int, int], values: st.SearchStrategy[list[Fraction]], height: int) -> Matrix:
    m, n = shape
    return unpacked(draw(turning(m, False, height)) * diagonal(draw(values), m, n) * draw(turning(n, True, height)).transpose())


def _conjugated(factor: fmpq_mat, values: Sequence[Fraction]) -> fmpq_mat:
    return factor * diagonal(values, len(values), len(values)) * factor.transpose()
