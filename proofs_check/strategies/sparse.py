"""Problems of sparse recovery whose solution is known, and known to be the only one."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from hypothesis import strategies as st

from theory.symbols import Sign

from .errors import Impossible
from .matrices import SMALL, invertible
from .rationals import rationals
from .tables import Matrix, Vector, packed, times, unpacked


@dataclass(frozen=True)
class Sparse:
    """Let $A x = y$, with a $\\nu$ that certifies $x$ as the only solution of least $\\|x\\|_1$.

    With the support $S$ of $x$: the columns $A_S$ are independent, $(A^T \\nu)_j = \\mathrm{sign}(x_j)$ on $S$, and $|(A^T \\nu)_j| < 1$ elsewhere.
    For then any $x'$ with $A x' = y$ has $\\|x'\\|_1 \\ge \\langle A^T \\nu, x' \\rangle = \\langle \\nu, y \\rangle = \\|x\\|_1$. If $x'$ is not 0
    somewhere off $S$, the inequality is strict; otherwise $A_S (x' - x)_S = 0$, and $x' = x$.
    """

    A: Matrix
    y: Vector
    x: Vector
    dual: Vector


def sparse(shape: tuple[int, int], nonzeros: int, *, sign: Sign = "nonzero", height: int = SMALL) -> st.SearchStrategy[Sparse]:
    """Let $A$ be $M \\times N$, and $x$ have exactly `nonzeros` entries that are not 0: a problem with a strict dual certificate, by construction.

    With the sign "positive" $x \\ge 0$. The matrix is $G C$ with $G$ invertible, where the first row of $C$ is $A^T \\nu$ and the columns of the
    support are triangular; so $A_S$ is injective, and $\\nu = G^{-T} e_1$.

    Raises `Impossible` when there are more nonzeros than rows or columns, or none of the sign.
    """
    m, n = shape
    if m < 1 or not 0 <= nonzeros <= n:
        raise Impossible(f"{nonzeros} nonzeros were asked for with the shape {m} x {n}; wanted are at least one row, and from 0 to {n} nonzeros")
    if nonzeros > m:
        raise Impossible(f"{nonzeros} columns of {m} entries are dependent, and the solution would not be the only one; ask for at most {m} nonzeros")
    return _sparse(m, n, nonzeros, "positive" if sign in ("positive", "nonnegative") else "nonzero", height)


@st.composite
def _sparse(draw: st.DrawFn, m: int, n: int, nonzeros: int, sign: Sign, height: int) -> Sparse:
    support = draw(st.permutations(range(n)))[:nonzeros]
    x = [Fraction(0)] * n
    for j in support:
        x[j] = draw(rationals(sign, height=height))
    entry, inside = rationals(height=height), rationals(least=-1, most=1, strict=True, height=max(height, 2))
    columns: list[list[Fraction]] = []
    for j in range(n):
        place = support.index(j) if j in support else m
        first = draw(inside) if place == m else Fraction(1 if x[j] > 0 else -1)
        above = [draw(entry) for _ in range(1, min(place, m))]
        pivot = [draw(rationals("nonzero", height=height))] if 0 < place < m else []
        columns.append([first, *above, *pivot, *(Fraction(0) for _ in range(m - 1 - len(above) - len(pivot)))])
    mixing = packed(draw(invertible(m, height=height)))
    matrix = unpacked(mixing * packed(columns, m).transpose())
    dual = unpacked(mixing.inv().transpose())
    return Sparse(matrix, times(matrix, tuple(x)), tuple(x), tuple(row[0] for row in dual))
