"""Linear algebra over the field of p = 2^31 - 1 elements, on NumPy arrays of its elements.

Nothing found modulo p is proved by it: what is found here is reconstructed over Q, and then certified elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import gcd, isqrt, lcm
from typing import TypeAlias

import numpy as np
from flint import fmpq_mat, fmpz_mat, nmod_mat
from numpy.typing import NDArray

P = 2**31 - 1
Array: TypeAlias = NDArray[np.int64]


def element(q: Fraction) -> int:
    """The residue of a rational whose denominator p does not divide."""
    return q.numerator * pow(q.denominator, -1, P) % P


def power(a: Array, n: int) -> Array:
    """$a^n$, entry by entry; for $n < 0$ where no entry is zero."""
    n = n if n >= 0 else n % (P - 1)
    result = np.ones_like(a)
    for bit in bin(n)[2:]:
        result = result * result % P
        if bit == "1":
            result = result * a % P
    return result


def inverse(a: Array) -> Array:
    """$a^{-1}$, entry by entry; 0 where a is 0."""
    return power(a, P - 2)


def is_square(a: Array) -> NDArray[np.bool_]:
    return power(a, (P - 1) // 2) <= 1


def square_root(a: Array) -> Array:
    """A root of each square; for $p \\equiv 3$ modulo 4 it is $a^{(p+1)/4}$."""
    return power(a, (P + 1) // 4)


def rank(matrix: Array) -> int:
    return int(_flint(matrix).rank()) if matrix.size else 0


def nullspace(matrix: Array) -> Array:
    """A basis of $\\{v : M v = 0\\}$ in reduced form, a vector in each row."""
    rows, columns = matrix.shape
    if not columns:
        return np.zeros((0, 0), dtype=np.int64)
    if not rows:
        return np.eye(columns, dtype=np.int64)
    table = _reduced(matrix)
    pivots = [int(np.flatnonzero(row)[0]) for row in table]
    free = [c for c in range(columns) if c not in set(pivots)]
    basis = np.zeros((len(free), columns), dtype=np.int64)
    for n, c in enumerate(free):
        basis[n, c] = 1
        basis[n, pivots] = -table[:, c] % P
    return basis


def independent_columns(matrix: Array) -> list[int]:
    """The columns that are no combination of the ones before."""
    return [int(np.flatnonzero(row)[0]) for row in _reduced(matrix)] if matrix.size else []


def _reduced(matrix: Array) -> Array:
    """The rows of the reduced echelon form that are not 0."""
    reduced, size = _flint(matrix).rref()
    return np.array([[int(q) for q in row] for row in reduced.tolist()[:size]], dtype=np.int64).reshape(size, matrix.shape[1])


def regular(matrices: Array) -> NDArray[np.bool_]:
    """Square matrices [matrix, row, column], those whose leading minors do not vanish: by elimination without exchanges, in all of them at once."""
    rest = matrices.copy()
    found = np.ones(len(rest), dtype=bool)
    for k in range(rest.shape[1]):
        pivots = rest[:, k, k]
        found &= pivots != 0
        factors = rest[:, k + 1 :, k] * inverse(pivots)[:, None] % P
        rest[:, k + 1 :, k + 1 :] = (rest[:, k + 1 :, k + 1 :] - factors[:, :, None] * rest[:, None, k, k + 1 :]) % P
    return found


@dataclass
class Echelon:
    """Independent rows modulo p, gathered one after the other; each is 1 in its pivot column, and 0 in those of the rows before."""

    rows: dict[int, Array] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return len(self.rows)

    def adds(self, row: Array) -> bool:
        """Take a row in, unless it is a combination of the others."""
        row = row % P
        for column, pivot in self.rows.items():
            if row[column]:
                row = (row - row[column] * pivot) % P
        places = np.flatnonzero(row)
        if not places.size:
            return False
        first = int(places[0])
        self.rows[first] = row * pow(int(row[first]), -1, P) % P
        return True


def _flint(matrix: Array) -> nmod_mat:
    rows, columns = matrix.shape
    return nmod_mat(rows, columns, matrix.ravel().tolist(), P)


def rational(residue: int) -> Fraction | None:
    """The fraction with numerator and denominator below $\\sqrt{p/2}$ that has this residue, if there is one."""
    bound = isqrt(P // 2)
    a, b, s, t = P, residue % P, 0, 1
    while b > bound:
        a, b, s, t = b, a % b, t, s - a // b * t
    if abs(t) > bound or t == 0 or gcd(b, t) != 1:
        return None
    return Fraction(b, t)


def rationals(vector: Sequence[int] | Array) -> list[Fraction] | None:
    """A vector of residues as one of rationals, if all of its entries have small ones."""
    found = [rational(int(v)) for v in vector]
    return None if any(q is None for q in found) else [q for q in found if q is not None]


def integral(vectors: Sequence[Sequence[Fraction]]) -> list[list[int]]:
    """Short integer vectors that span, over Q, the same space and, over Z, all of its integer vectors, by LLL."""
    rows = []
    for vector in vectors:
        below = lcm(*(q.denominator for q in vector))
        rows.append([int(q * below) for q in vector])
    if not rows:
        return []
    reduced, size = fmpq_mat(fmpz_mat(rows)).rref()
    echelon = [[reduced[n, c] for c in range(len(rows[0]))] for n in range(size)]
    cleared = []
    for row in echelon:
        below = lcm(*(int(q.q) for q in row))
        cleared.append([int(q * below) for q in row])
    return [_signed([int(q) for q in row]) for row in _saturated(fmpz_mat(cleared)).lll().tolist()]


def _saturated(rows: fmpz_mat) -> fmpz_mat:
    """A basis of all integer vectors in the rational span of independent rows: with $M^T = Q\\binom{T}{0}$, Q unimodular, it is $T^{-T} M$."""
    top = fmpz_mat(rows.transpose().hnf().tolist()[: rows.nrows()])
    return (fmpq_mat(top.transpose()).inv() * fmpq_mat(rows)).numer_denom()[0]


def _signed(row: list[int]) -> list[int]:
    """Primitive, and the first entry positive."""
    common = gcd(*row) or 1
    lead = next(q for q in row if q)
    return [q // common * (1 if lead > 0 else -1) for q in row]
