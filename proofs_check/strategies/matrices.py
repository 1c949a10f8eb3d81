"""Matrices with a rank, or with a kernel."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from flint import fmpq_mat
from hypothesis import strategies as st

from numerics.exact import exact

from .errors import Impossible
from .rationals import rationals
from .tables import Matrix, annihilator, diagonal, packed, unpacked

SMALL = 3  # height of the entries of factors, whose products grow


def matrices(
    shape: tuple[int, int], *, rank: int | None = None, kernel: Sequence[Sequence[Any]] | None = None, height: int = SMALL
) -> st.SearchStrategy[Matrix]:
    """Let $A$ be a rational $m \\times n$ matrix: any, or with the rank, or the kernel, that is wanted.

    With a kernel alone, $\\ker A$ is the span of its vectors, no more: `kernel=[]` makes $A$ injective. With a kernel and a rank, $\\ker A$
    contains them. The matrix is a product of factors whose entries have numerators and denominators up to `height`: of a column echelon form, an
    invertible matrix and a row echelon form for a rank; and behind these of a basis of the linear forms that vanish on the kernel. Every matrix
    with the rank, or with the kernel, is such a product, of entries of some height.

    Raises `Impossible` for a rank or kernel that no matrix of the shape has.
    """
    m, n = shape
    if m < 1 or n < 1:
        raise Impossible(f"the shape {m} x {n} was given; at least one row and one column are wanted")
    most = min(m, n)
    if rank is not None and not 0 <= rank <= most:
        raise Impossible(f"no {m} x {n} matrix has the rank {rank}; it is from 0 to {most}")
    if kernel is None:
        return (_entries(m, n, height) if rank is None else _of_rank(m, n, rank, height)).map(unpacked)
    forms = annihilator(_spanning(kernel, n))
    free = forms.nrows()
    if rank is None and free > m:
        raise Impossible(
            f"the kernel given has the dimension {n - free}, so that the rank is {free}, and {m} rows have at most the rank {m}; "
            f"give more vectors or rows, or a rank of at most {m} for a matrix whose kernel contains these"
        )
    if rank is not None and rank > free:
        raise Impossible(f"the kernel given has the dimension {n - free} and leaves room for the rank {free} at most; the rank {rank} was asked for")
    return _of_rank(m, free, free if rank is None else rank, height).map(lambda left: unpacked(left * forms))


def invertible(n: int, *, height: int = SMALL) -> st.SearchStrategy[Matrix]:
    """Let $A$ be a rational $n \\times n$ matrix with $\\det A \\ne 0$: $A = P L D U$.

    $P$ is a permutation, $L$ and $U$ are triangles with ones on the diagonal, and $D$ is a diagonal without zeros; every
    invertible matrix is such a product. It shrinks to the identity.
    """
    if n < 1:
        raise Impossible(f"the size {n} was given; at least 1 is wanted")
    return _invertible(n, height).map(unpacked)


def _spanning(kernel: Sequence[Sequence[Any]], n: int) -> fmpq_mat:
    rows = []
    for number, vector in enumerate(kernel):
        entries = exact(list(vector), f"kernel[{number}]")
        if not isinstance(entries, tuple) or len(entries) != n or not all(isinstance(entry, Fraction) for entry in entries):
            raise Impossible(f"kernel[{number}] is not a vector of {n} numbers, as many as there are columns")
        rows.append([entry for entry in entries if isinstance(entry, Fraction)])
    return packed(rows, n)


@st.composite
def _entries(draw: st.DrawFn, m: int, n: int, height: int) -> fmpq_mat:
    entry = rationals(height=height)
    return packed([[draw(entry) for _ in range(n)] for _ in range(m)], n)


@st.composite
def unit_lower(draw: st.DrawFn, n: int, height: int) -> fmpq_mat:
    """Ones on the diagonal, anything below, 0 above."""
    entry = rationals(height=height)
    return packed([[draw(entry) if j < i else Fraction(int(i == j)) for j in range(n)] for i in range(n)], n)


@st.composite
def _permutation(draw: st.DrawFn, n: int) -> fmpq_mat:
    order = draw(st.permutations(range(n)))
    return packed([[Fraction(int(order[i] == j)) for j in range(n)] for i in range(n)], n)


@st.composite
def _invertible(draw: st.DrawFn, n: int, height: int) -> fmpq_mat:
    pivots = [draw(rationals("nonzero", height=height)) for _ in range(n)]
    lower, upper = draw(unit_lower(n, height)), draw(unit_lower(n, height)).transpose()
    return draw(_permutation(n)) * lower * diagonal(pivots, n, n) * upper


@st.composite
def _of_rank(draw: st.DrawFn, m: int, n: int, rank: int, height: int) -> fmpq_mat:
    """$\\Pi \\binom{I}{X} G\\, (I\\; Y)\\, \\Pi'$: any basis of the columns, up to its order, is the identity above something."""
    if rank == 0:
        return fmpq_mat(m, n)
    middle = draw(_invertible(rank, height))
    left = draw(_permutation(m)) * draw(_identity_above(m, rank, height))
    right = draw(_identity_above(n, rank, height)).transpose() * draw(_permutation(n))
    return left * middle * right


@st.composite
def _identity_above(draw: st.DrawFn, m: int, rank: int, height: int) -> fmpq_mat:
    entry = rationals(height=height)
    return packed([[Fraction(int(i == j)) if i < rank else draw(entry) for j in range(rank)] for i in range(m)], rank)
