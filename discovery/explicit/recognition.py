"""Integer relations behind a nullspace modulo p: which short vectors are too simple to be there by chance."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm, log2

import numpy as np
from flint import fmpz_mat

from .modular import Array, P, integral, rank, rationals

BITS = 19  # of 31: what a residue tells beyond what is allowed to a coefficient and to coincidence
MOST_COLUMNS = 64


def integer_vectors(kernel: Array, *, most_columns: int = MOST_COLUMNS) -> list[list[int]]:
    """Let the rows be a reduced basis of a space modulo p: short integer vectors in it, independent over Q, as many as can be told from chance, the
    shortest first.

    Every residue is that of some fraction, so that reconstruction alone shows nothing: a vector is taken when its coefficients hold fewer bits than
    the relations modulo p that it satisfies. Where the reduced basis over Q has large entries but a short one exists, LLL finds it in the lattice
    of the integer vectors that lie in the space modulo p; this is tried up to `most_columns` columns.
    """
    taken: list[list[Fraction]] = []
    for row in kernel:
        found = rationals(row)
        if found is not None and _believed(_cleared(found), 1):
            taken.append(found)
    if len(taken) < len(kernel) and kernel.shape[1] <= most_columns:
        found_short = _in_lattice(kernel)
        if len(found_short) > len(taken):
            taken = found_short
    return sorted(integral(taken), key=lambda vector: (sum(q * q for q in vector), [not q for q in vector]))


def _believed(vector: Sequence[int], freedom: int) -> bool:
    """Whether a vector is too simple for chance, when the vectors with entries at the same places form a space of the given dimension."""
    support = sum(1 for q in vector if q)
    return sum(log2(abs(q)) for q in vector if q) <= BITS * (support - freedom)


def _cleared(vector: Sequence[Fraction]) -> list[int]:
    below = lcm(*(q.denominator for q in vector))
    return [int(q * below) for q in vector]


def _in_lattice(kernel: Array) -> list[list[Fraction]]:
    size, columns = kernel.shape
    pivots = sorted(set(range(columns)) - set(_units(kernel)))
    basis = [*kernel.tolist(), *([P if c == pivot else 0 for c in range(columns)] for pivot in pivots)]
    found = []
    for vector in fmpz_mat(basis).lll().tolist():
        row = [int(q) for q in vector]
        elsewhere = [c for c in range(columns) if not row[c]]
        if any(row) and _believed(row, size - rank(kernel[:, elsewhere])):
            found.append([Fraction(q) for q in row])
    return found


def _units(kernel: Array) -> list[int]:
    """A column for each row of a reduced basis in which this row has 1 and the others 0."""
    alone = np.flatnonzero((kernel != 0).sum(axis=0) == 1)
    found: dict[int, int] = {}
    for c in alone:
        row = int(np.flatnonzero(kernel[:, c])[0])
        if kernel[row, c] == 1:
            found[row] = int(c)
    return list(found.values())
