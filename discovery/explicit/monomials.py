"""Monomials in the coordinates of a system, all of a kind at once in NumPy arrays modulo p."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from math import comb

import numpy as np
import sympy as sp

from .modular import Array, P


@dataclass(frozen=True)
class Monomials:
    """Let row r be $\\prod_j x_{f_{rj}}$ for the numbers $f_{rj}$ of coordinates in `factors`; the number D stands for the factor 1."""

    factors: Array

    @property
    def count(self) -> int:
        return len(self.factors)

    def some(self, rows: Array) -> Monomials:
        return Monomials(self.factors[rows])

    def values(self, x: Array) -> Array:
        """[monomial, point]"""
        return self._product(_with_last(x, 1), range(self.factors.shape[1]))

    def rates(self, x: Array, v: Array) -> Array:
        """[monomial, point]: the derivatives along the velocities v of the coordinates."""
        x, v = _with_last(x, 1), _with_last(v, 0)
        degree = self.factors.shape[1]
        total = np.zeros((self.count, x.shape[1]), dtype=np.int64)
        for j in range(degree):
            rest = self._product(x, [i for i in range(degree) if i != j])
            total = (total + v[self.factors[:, j]] * rest) % P
        return total

    def slope(self, coefficients: Sequence[int], x: Array) -> Array:
        """The gradient of a combination at one point x."""
        one = _with_last(x[:, None], 1)
        degree = self.factors.shape[1]
        result = np.zeros(len(one), dtype=np.int64)
        weights = np.array([c % P for c in coefficients], dtype=np.int64)
        for j in range(degree):
            rest = self._product(one, [i for i in range(degree) if i != j])[:, 0]
            np.add.at(result, self.factors[:, j], weights * rest % P)
        return result[:-1] % P

    def combination(self, coefficients: Sequence[int], symbols: Sequence[sp.Symbol]) -> sp.Expr:
        symbols = (*symbols, sp.S.One)
        return sp.Add(*(c * sp.Mul(*(symbols[k] for k in row)) for c, row in zip(coefficients, self.factors.tolist(), strict=True) if c))

    def _product(self, x: Array, columns: Sequence[int]) -> Array:
        if not columns:
            return np.ones((self.count, x.shape[1]), dtype=np.int64)
        product = x[self.factors[:, columns[0]]]
        for j in columns[1:]:
            product = product * x[self.factors[:, j]] % P
        return product


def _with_last(x: Array, value: int) -> Array:
    return np.concatenate([x, np.full((1, x.shape[1]), value, dtype=np.int64)])


def how_many(moving: int, degree: int, constants: int = 0) -> int:
    """The number of monomials of degree 1 to `degree` in what moves, each alone and with every constant."""
    return (comb(moving + degree, degree) - 1) * (1 + constants)


def monomials(dimension: int, degree: int, moving: Sequence[int], constants: Sequence[int] = ()) -> Monomials:
    """Those of degree 1 to `degree` in the coordinates `moving`, each alone and with every constant; those of the first coordinates come first."""
    names = np.array([*moving, dimension], dtype=np.int64)
    if degree == 2:
        chosen = np.stack(np.triu_indices(len(names)), axis=1)
    else:
        chosen = np.array(list(combinations_with_replacement(range(len(names)), degree)), dtype=np.int64)
    factors = names[chosen][:-1]  # the last one is 1
    if constants:
        weights = np.array([dimension, *constants], dtype=np.int64)
        factors = np.column_stack([np.repeat(factors, len(weights), axis=0), np.tile(weights, len(factors))])
    return Monomials(factors)


def classes(words: Array) -> tuple[Array, ...]:
    """The numbers of equal words together: for each size, smallest first, an array with such a class in each row."""
    order = np.argsort(words, kind="stable")
    starts = np.flatnonzero(np.diff(words[order], prepend=-1))  # no word is negative
    sizes = np.diff(starts, append=len(words))
    found = (order[starts[sizes == size][:, None] + np.arange(size)] for size in np.unique(sizes))
    return tuple(rows[np.argsort(rows[:, 0])] for rows in found)


def words_of(terms: Monomials, characters: Array) -> Array:
    """The character of each monomial, from those of the coordinates."""
    extended = np.append(characters, 0)
    return np.bitwise_xor.reduce(extended[terms.factors], axis=1) if terms.count else np.zeros(0, dtype=np.int64)
