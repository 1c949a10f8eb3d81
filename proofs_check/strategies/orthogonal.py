"""Rational orthogonal matrices, by Cayley's transform."""

from __future__ import annotations

from fractions import Fraction

from flint import fmpq_mat
from hypothesis import strategies as st

from .errors import Impossible
from .matrices import SMALL
from .rationals import rationals
from .tables import Matrix, diagonal, packed, unpacked


def orthogonal(n: int, *, special: bool = False, height: int = SMALL) -> st.SearchStrategy[Matrix]:
    """Let $Q$ be a rational $n \\times n$ matrix with $Q^T Q = I$, exactly: $Q = D (I - S)(I + S)^{-1}$, with $S^T = -S$ and signs $D$.

    $I + S$ is always invertible, and every rational orthogonal matrix is of this form, for some choice of the signs. With `special` there are no
    signs: $\\det Q = 1$, and -1 is no eigenvalue. It shrinks to the identity. Numerators and denominators of $S$ go up to `height`.

    Reference: A. Cayley, *Sur quelques propriétés des déterminants gauches*, J. reine angew. Math. 32 (1846).
    """
    if n < 1:
        raise Impossible(f"the size {n} was given; at least 1 is wanted")
    return turning(n, special, height).map(unpacked)


@st.composite
def turning(draw: st.DrawFn, n: int, special: bool, height: int) -> fmpq_mat:
    """The orthogonal matrix as FLINT's."""
    entry = rationals(height=height)
    below = [[draw(entry) if j < i else Fraction(0) for j in range(n)] for i in range(n)]
    skew = packed([[below[i][j] - below[j][i] for j in range(n)] for i in range(n)], n)
    one = diagonal([Fraction(1)] * n, n, n)
    turned = (one - skew) * (one + skew).inv()
    if special:
        return turned
    return diagonal([Fraction(draw(st.sampled_from((1, -1)))) for _ in range(n)], n, n) * turned
