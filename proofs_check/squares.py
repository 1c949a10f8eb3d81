"""Sums of squares: a polynomial that is nonnegative on a set written so that one sees it, with exact rational numbers.

Let p, g_1, ..., g_m and h_1, ..., h_l be polynomials over Q. On the set where all g_j >= 0 and all h_k = 0 the polynomial p is nonnegative if

    p = s_0 + sum_j g_j s_j + sum_k h_k c_k,    s_j sums of squares, c_k arbitrary (Putinar; Schmuedgen, with products among the g_j).

A sum of squares is m^T Q m with a vector m of polynomials and a positive semidefinite matrix Q. The Q are found by semidefinite programming in
floating point (Clarabel), as far inside the cone as possible. Where no solution lies inside, the kernels of the Q found are rounded to rational
vectors, m is restricted to what they leave, and the search is repeated. Then the entries of Q are rounded, the linear equations are solved
exactly, and L D L^T in rationals decides. Nothing here is trusted: what comes out is multiplied out by the kernel.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement
from math import comb, sqrt
from typing import Any, Final, TypeAlias

import clarabel
import numpy as np
from flint import fmpq, fmpq_mat, fmpq_mpoly
from scipy.optimize import linprog
from scipy.sparse import csc_matrix

Exponents: TypeAlias = tuple[int, ...]
Vector: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

MOST_UNKNOWNS: Final = 1500
ROUNDS: Final = 4  # of restrictions
INSIDE: Final = 1e-5  # of the least eigenvalue, relative to 1
NUMBER: Final = 1e-4  # below it an eigenvalue is taken for zero
DENOMINATORS: Final = (1, 2, 12, 60, 840, 2**12, 2**20, 2**30, 2**40)


@dataclass(frozen=True)
class Squares:
    """multiplier * sum of d q^2, with rational d > 0."""

    multiplier: fmpq_mpoly
    squares: tuple[tuple[fmpq, fmpq_mpoly], ...]


@dataclass(frozen=True)
class _Block:
    """multiplier * m^T Q m, with the vector m."""

    multiplier: fmpq_mpoly
    basis: tuple[fmpq_mpoly, ...]

    @property
    def size(self) -> int:
        return len(self.basis) * (len(self.basis) + 1) // 2


def sum_of_squares(p: fmpq_mpoly, nonnegative: Sequence[fmpq_mpoly], zero: Sequence[fmpq_mpoly], degree: int) -> tuple[Squares, ...] | None:
    """p as a combination with nonnegative multipliers 1, g_1, ..., g_m, modulo the h_k, all products of at most this degree; or nothing."""
    if p.is_zero():
        return ()
    one = p.context().constant(1)
    live = sorted({n for q in (p, *nonnegative, *zero) for n, d in enumerate(q.degrees()) if d})
    free = not nonnegative and not zero
    blocks = []
    for multiplier in (one, *nonnegative):
        most = (degree - multiplier.total_degree()) // 2
        if most >= 0:
            monomials = _monomials(p, live, most)
            blocks.append(_Block(multiplier, tuple(_half(p, monomials) if free else monomials)))
    multiples = [h * m for h in zero for m in _monomials(p, live, degree - h.total_degree())]
    for _ in range(ROUNDS):
        blocks = [block for block in blocks if block.basis]
        if not blocks or sum(block.size for block in blocks) + len(multiples) > MOST_UNKNOWNS:
            return None
        system = _System.of(p, blocks, multiples)
        found = system.solve()
        if found is None:
            return None
        values, least = found
        if least > INSIDE:
            return system.rounded(values)
        smaller = [_restricted(block, matrix) for block, matrix in zip(blocks, system.matrices(values), strict=True)]
        if smaller == blocks:
            return system.rounded(values)
        blocks = smaller
    return None


def _monomials(p: fmpq_mpoly, live: Sequence[int], most: int) -> list[fmpq_mpoly]:
    context = p.context()
    if most < 0 or comb(len(live) + most, most) > MOST_UNKNOWNS:
        return []
    found = []
    for total in range(most + 1):
        for choice in combinations_with_replacement(live, total):
            exponents = [0] * context.nvars()
            for n in choice:
                exponents[n] += 1
            found.append(context.term(exp_vec=exponents))
    return found


def _half(p: fmpq_mpoly, monomials: Iterable[fmpq_mpoly]) -> list[fmpq_mpoly]:
    """The monomials whose squares lie in the Newton polytope of p: no others occur in the squares (Reznick 1978)."""
    points = np.array([list(map(int, e)) for e in p.monoms()], dtype=float).T
    system = np.vstack([points, np.ones(points.shape[1])])

    def inside(m: fmpq_mpoly) -> bool:
        target = np.append(2.0 * np.array([int(e) for e in m.monomial(0)]), 1.0)
        return bool(linprog(np.zeros(points.shape[1]), A_eq=system, b_eq=target, bounds=(0, None)).status == 0)

    return [m for m in monomials if inside(m)]


@dataclass(frozen=True)
class _System:
    """The linear equations, coefficient by coefficient, for the upper triangles of the Q and the coefficients of the multiples of the h_k."""

    blocks: tuple[_Block, ...]
    columns: tuple[Mapping[Exponents, fmpq], ...]
    rows: tuple[Exponents, ...]
    target: Mapping[Exponents, fmpq]

    @staticmethod
    def of(p: fmpq_mpoly, blocks: Sequence[_Block], multiples: Sequence[fmpq_mpoly]) -> _System:
        columns = []
        for block in blocks:
            for a, b in _triangle(len(block.basis)):
                product = block.multiplier * block.basis[a] * block.basis[b]
                columns.append(_coefficients(product if a == b else 2 * product))
        columns += [_coefficients(multiple) for multiple in multiples]
        target = _coefficients(p)
        rows = tuple(sorted({*target, *(row for column in columns for row in column)}))
        return _System(tuple(blocks), tuple(columns), rows, target)

    def solve(self) -> tuple[Vector, float] | None:
        """Entries and the least eigenvalue of the Q, at most 1, where it is largest; or nothing, if no Q is nearly semidefinite."""
        count = len(self.columns)
        place = {row: n for n, row in enumerate(self.rows)}
        scale = max(1.0, max((abs(_float(q)) for q in self.target.values()), default=1.0))
        entries = [(place[row], n, _float(q)) for n, column in enumerate(self.columns) for row, q in column.items()]
        right = [_float(self.target.get(row, fmpq(0))) / scale for row in self.rows]
        cones: list[Any] = [clarabel.ZeroConeT(len(self.rows))]
        height, offset = len(self.rows), 0
        for block in self.blocks:
            for k, (a, b) in enumerate(_triangle(len(block.basis))):
                entries.append((height + k, offset + k, -1.0 if a == b else -sqrt(2)))
                if a == b:
                    entries.append((height + k, count, 1.0))
            right += [0.0] * block.size
            cones.append(clarabel.PSDTriangleConeT(len(block.basis)))
            height, offset = height + block.size, offset + block.size
        entries.append((height, count, 1.0))
        right.append(1.0)
        cones.append(clarabel.NonnegativeConeT(1))
        height += 1
        i, j, values = zip(*entries, strict=True)
        cost = np.zeros(count + 1)
        cost[count] = -1.0
        settings = clarabel.DefaultSettings()
        settings.verbose = False
        solution = clarabel.DefaultSolver(
            csc_matrix((count + 1, count + 1)), cost, csc_matrix((values, (i, j)), shape=(height, count + 1)), np.array(right), cones, settings
        ).solve()
        if str(solution.status) not in ("Solved", "AlmostSolved"):
            return None
        found = np.array(solution.x)
        return (found[:count] * scale, float(found[count])) if found[count] > -NUMBER else None

    def matrices(self, values: Vector) -> Iterator[Vector]:
        offset = 0
        for block in self.blocks:
            matrix = np.zeros((len(block.basis), len(block.basis)))
            for k, (a, b) in enumerate(_triangle(len(block.basis))):
                matrix[a, b] = matrix[b, a] = values[offset + k]
            offset += block.size
            yield matrix

    def rounded(self, values: Vector) -> tuple[Squares, ...] | None:
        """The solution nearby with rational entries, the simplest that is semidefinite; or nothing."""
        rows = [[column.get(row, fmpq(0)) for column in self.columns] + [self.target.get(row, fmpq(0))] for row in self.rows]
        reduced, rank = fmpq_mat(rows).rref()
        pivots = [next(n for n in range(len(self.columns) + 1) if reduced[row, n] != 0) for row in range(rank)]
        if len(self.columns) in pivots:
            return None
        free = [n for n in range(len(self.columns)) if n not in set(pivots)]
        for denominator in DENOMINATORS:
            exact = {n: fmpq(round(float(values[n]) * denominator), denominator) for n in free}
            for row, pivot in enumerate(pivots):
                exact[pivot] = reduced[row, len(self.columns)] - sum((reduced[row, n] * exact[n] for n in free if reduced[row, n] != 0), fmpq(0))
            if (found := self.squares(exact)) is not None:
                return found
        return None

    def squares(self, exact: Mapping[int, fmpq]) -> tuple[Squares, ...] | None:
        offset, found = 0, []
        for block in self.blocks:
            size = len(block.basis)
            matrix = [[fmpq(0)] * size for _ in range(size)]
            for k, (a, b) in enumerate(_triangle(size)):
                matrix[a][b] = matrix[b][a] = exact[offset + k]
            offset += block.size
            if (factors := ldl(matrix)) is None:
                return None
            squares = tuple((d, sum((c * m for c, m in zip(row, block.basis, strict=True) if c != 0), block.multiplier * 0)) for d, row in factors)
            if squares:
                found.append(Squares(block.multiplier, squares))
        return tuple(found)


def ldl(matrix: Sequence[Sequence[fmpq]]) -> list[tuple[fmpq, list[fmpq]]] | None:
    """[(d, l), ...] with matrix = sum of d l l^T and all d > 0, for a symmetric rational matrix; nothing if it is not positive semidefinite."""
    rest = [list(row) for row in matrix]
    found = []
    for k in range(len(rest)):
        d = rest[k][k]
        if d < 0 or (d == 0 and any(entry != 0 for entry in rest[k])):
            return None
        if d > 0:
            row = [entry / d for entry in rest[k]]
            found.append((d, row))
            rest = [[entry - d * row[a] * row[b] for b, entry in enumerate(line)] for a, line in enumerate(rest)]
    return found


def _restricted(block: _Block, matrix: Vector) -> _Block:
    """The block without the directions in which the matrix vanishes, if these are rational."""
    sizes, vectors = np.linalg.eigh(matrix)
    null = vectors[:, sizes < NUMBER * max(1.0, float(sizes[-1]))].T
    if not len(null):
        return block
    rows = [row for row in map(_rational, _reduced(null)) if row is not None]
    if not rows:
        return block
    left = _complement(rows)
    zero = block.multiplier * 0
    return _Block(block.multiplier, tuple(sum((c * m for c, m in zip(row, block.basis, strict=True) if c != 0), zero) for row in left))


def _reduced(rows: Vector) -> Vector:
    """The reduced echelon form, with the largest pivots: the rational basis of a rational space."""
    a = rows.copy()
    done: set[int] = set()
    for k in range(len(a)):
        pivot = max((n for n in range(a.shape[1]) if n not in done), key=lambda n: float(np.max(np.abs(a[k:, n]))))
        swap = k + int(np.argmax(np.abs(a[k:, pivot])))
        a[[k, swap]] = a[[swap, k]]
        a[k] /= a[k, pivot]
        for other in range(len(a)):
            if other != k:
                a[other] -= a[other, pivot] * a[k]
        done.add(pivot)
    return a


def _rational(row: Vector) -> list[fmpq] | None:
    """The row in small rationals, if it is near one."""
    found = [Fraction(float(entry)).limit_denominator(60) for entry in row]
    if max(abs(float(q) - float(entry)) for q, entry in zip(found, row, strict=True)) > 1e-3:
        return None
    return [fmpq(q.numerator, q.denominator) for q in found]


def _complement(rows: Sequence[Sequence[fmpq]]) -> list[list[fmpq]]:
    """A basis of the vectors orthogonal to the rows."""
    width = len(rows[0])
    reduced, rank = fmpq_mat([list(row) for row in rows]).rref()
    pivots = [next(n for n in range(width) if reduced[row, n] != 0) for row in range(rank)]
    found = []
    for free in (n for n in range(width) if n not in pivots):
        vector = [fmpq(0)] * width
        vector[free] = fmpq(1)
        for row, pivot in enumerate(pivots):
            vector[pivot] = -reduced[row, free]
        found.append(vector)
    return found


def _triangle(size: int) -> Iterator[tuple[int, int]]:
    """The upper triangle, column by column, as Clarabel stacks it."""
    return ((a, b) for b in range(size) for a in range(b + 1))


def _coefficients(p: fmpq_mpoly) -> dict[Exponents, fmpq]:
    return {tuple(map(int, exponents)): q for exponents, q in p.terms()}


def _float(q: fmpq) -> float:
    return int(q.p) / int(q.q)
