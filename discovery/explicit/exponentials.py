"""Laws with an exponential factor.

Let q be a function and $\\dot y = \\alpha\\,\\dot q\\,y$ with a number $\\alpha$: then $e^{-\\alpha q} y$ is a law. For y in the span of given
functions and a given q this is an eigenvalue problem: the matrices of the rates $\\dot y_k$ and of $\\dot q\\,y_k$ at random points form a
pencil, and $\\alpha$ is one of its eigenvalues.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import combinations, combinations_with_replacement, starmap
from operator import mul, xor

import numpy as np
import sympy as sp
from flint import nmod_mat

from .candidate import Candidate
from .independence import Independence
from .jets import Jet, Sample
from .modular import Array, P, integral, nullspace, rational, rationals
from .signs import characters
from .system import System, is_law

FEW = 40
MOST_SPANNING = 120
MOST_EXPONENTS = 80
MOST_CONSTANTS = 3
MOST_MOVING = 16
MOST_FOR_PRODUCTS = 6
TALLEST_EXPONENT = 60
TALLEST = 2000


def inverse_exponential_laws(sample: Sample, laws: Independence, forms: Sequence[sp.Expr]) -> Iterator[Candidate]:
    """The laws $e^{-\\alpha q} y$ that are no functions of those known, y a combination of equal inverse powers of invariant forms."""
    exponents = _exponents(sample)
    for k in (1, 2, 3):
        yield from _within(sample, laws, [p**-k for p in forms], exponents)


def exponential_laws(sample: Sample, laws: Independence, *, of_time: bool = False) -> Iterator[Candidate]:
    """The laws $e^{-\\alpha q} y$ that are no functions of those known, y a polynomial of degree at most two; with `of_time`, q is the time."""
    exponents = _exponents(sample, of_time=of_time)
    for span in _quadrics(sample.system, _moving(sample)) if exponents else ():
        yield from _within(sample, laws, span, exponents)


def _within(sample: Sample, laws: Independence, span: Sequence[sp.Expr], exponents: Sequence[tuple[sp.Expr, Array]]) -> Iterator[Candidate]:
    jets = [_jet(sample, f) for f in span]
    chosen = _independent(jets)
    for q, rate in exponents if chosen else ():
        for alpha, vectors in pencil([jets[n] for n in chosen], rate):
            yield from _laws(sample, laws, [span[n] for n in chosen], q, alpha, vectors)


def _moving(sample: Sample) -> list[sp.Symbol]:
    return [symbol for symbol in sample.system.symbols if sample.coordinate(symbol).rate.any()]


def _quadrics(system: System, moving: Sequence[sp.Symbol]) -> list[list[sp.Expr]]:
    """The monomials of degree at most two, all of them, or class by class where flips of signs tell them apart and there are many."""
    if len(moving) > MOST_MOVING:
        return []
    words = dict(zip(system.symbols, characters(system).tolist(), strict=True))
    classes: dict[int, list[sp.Expr]] = {}
    for pair in [(), *((a,) for a in moving), *combinations_with_replacement(moving, 2)]:
        classes.setdefault(reduce(xor, (words[a] for a in pair), 0), []).append(sp.Mul(*pair))
    together = [monomial for members in classes.values() for monomial in members]
    return [members for members in ([together] if len(together) <= FEW else classes.values()) if len(members) <= MOST_SPANNING]


def _exponents(sample: Sample, *, of_time: bool = False) -> list[tuple[sp.Expr, Array]]:
    """Time, squares, coordinates and products of what moves, also times or over a constant, each with its rate of change."""
    system, moving = sample.system, _moving(sample)
    still = [symbol for symbol in system.symbols if symbol not in moving][:MOST_CONSTANTS]
    times = [symbol for symbol in moving if system.meanings[symbol] in _times(system)]
    plain = [*times, *(() if of_time else [*(a**2 for a in moving), *(a for a in moving if a not in times)])]
    plain += list(starmap(mul, combinations(moving, 2))) if len(moving) <= MOST_FOR_PRODUCTS and not of_time else []
    written = [q for base in plain for q in (base, *(base * c for c in still), *(base / c for c in still))][:MOST_EXPONENTS]
    return [(q, rate) for q in written if (rate := _jet(sample, q).rate).any()]


def _times(system: System) -> set[sp.Expr]:
    return {variable[()] for variable in system.setting.variables if variable.role == "time"}


def _jet(sample: Sample, f: sp.Expr) -> Jet:
    """The jet of a quotient of polynomials."""
    above, below = f.as_numer_denom()
    return sample.polynomial(above) * sample.polynomial(below).raised(-1)


def _independent(jets: Sequence[Jet]) -> list[int]:
    """The functions that are no combinations of earlier ones on the domain."""
    dependent: Iterable[Array] = nullspace(np.array([jet.value for jet in jets], dtype=np.int64).T) if jets else []
    dropped = {int(np.flatnonzero(row)[-1]) for row in dependent}
    return [n for n in range(len(jets)) if n not in dropped]


def pencil(jets: Sequence[Jet], rate: Array) -> Iterator[tuple[sp.Rational, Array]]:
    """The rational $\\alpha \\ne 0$ of small height, and for each a basis of the y in the span with $\\dot y = \\alpha \\dot q y$."""
    size = len(jets)
    rates = np.array([jet.rate for jet in jets], dtype=np.int64).T
    products = np.array([jet.value * rate % P for jet in jets], dtype=np.int64).T
    square = slice(0, size)  # the points are random: any of them will do
    left, right = (nmod_mat(size, size, matrix[square].ravel().tolist(), P) for matrix in (products, rates))
    try:
        quotient = left.solve(right)
    except ZeroDivisionError:
        return
    for root, _ in quotient.charpoly().roots():
        alpha = rational(int(root))
        if alpha is None or alpha == 0 or max(abs(alpha.numerator), alpha.denominator) > TALLEST_EXPONENT:
            continue
        vectors = nullspace((rates - int(root) * products % P) % P)
        if len(vectors):
            yield sp.Rational(alpha.numerator, alpha.denominator), vectors


def _laws(sample: Sample, laws: Independence, span: Sequence[sp.Expr], q: sp.Expr, alpha: sp.Rational, vectors: Array) -> Iterator[Candidate]:
    system, random = sample.system, laws.random
    exact = [found for vector in vectors if (found := rationals(vector)) and max(max(abs(c.numerator), c.denominator) for c in found) <= TALLEST]
    for vector in integral(exact):
        y = sp.Add(*(c * f for c, f in zip(vector, span, strict=True) if c))
        law = sp.exp(-alpha * q) * y
        if y.free_symbols and is_law(system, law, system.on_domain(8, random), random) and laws.adds(law):
            yield Candidate(law, "exponential", "an eigenvector of the flow: its rate of change is a number times that of the exponent, times itself")
