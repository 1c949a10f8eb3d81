"""Laws in closed form that are not polynomial: logarithms, inverse powers, quotients, arctangents and exponentials.

The functions of which combinations are taken are built from the hypersurfaces that the flow cannot leave (`darboux`): where p divides its rate of
change, log p has a rate without a denominator.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement, islice

import numpy as np
import sympy as sp

from . import darboux
from .arctangents import arctangents
from .candidate import Candidate
from .combinations import SPARE, Function, combinations, is_positive, log_of
from .exponentials import exponential_laws, inverse_exponential_laws
from .independence import Independence
from .jets import Jet, Sample, sample
from .system import System

MOST_FUNCTIONS = 400
MOST_CONSTANTS = 4
MOST_BELOW = 4
MOST_COORDINATES = 40
MOST_FORMS = 64
POWERS = 4


def searched(system: System) -> str:
    """The space that is searched, in words."""
    if system.dimension > MOST_COORDINATES:
        return f"no closed forms: more than {MOST_COORDINATES} coordinates"
    return (
        f"logarithms, inverse powers up to {POWERS}, quotients and arctangents of invariant forms and quadrics in {system.dimension} coordinates, "
        "and exponentials of monomials of degree at most 2 times these"
    )


def closed_forms(system: System, known: Sequence[sp.Expr] = (), *, random: np.random.Generator) -> Iterator[Candidate]:
    """Let known laws be given: laws that are no functions of them, simple ones first."""
    if system.dimension > MOST_COORDINATES:
        return
    laws = Independence(system, random)
    for law in known:
        laws.adds(law)
    search = _Search(system, laws, sample(system, MOST_FUNCTIONS + SPARE, random))
    yield from exponential_laws(search.sample, laws, of_time=True)
    forms = sorted(islice(darboux.linear(system, random=random), MOST_FORMS), key=lambda p: _preference(system, p))
    inverses = [search.inverse(p, k) for p in forms for k in range(1, POWERS + 1)]
    yield from search.among([*inverses, *search.weighted(inverses)], "a rational combination of inverse powers of invariant forms")
    polynomials = search.polynomials()
    logs = [search.log(p) for p in forms]
    for functions in ([log for log, p in zip(logs, forms, strict=True) if is_positive(system, p)], logs):
        yield from search.among([*polynomials, *functions], "a rational combination of logarithms of invariant forms, and polynomials")
        yield from inverse_exponential_laws(search.sample, laws, forms) if functions is not logs else ()
    weighted = search.weighted([*polynomials, *logs])
    if weighted:
        yield from search.among(weighted, "a combination of logarithms and polynomials, with constants in its coefficients")
    angles = arctangents(search.sample)
    yield from search.among([*polynomials, *angles], "a rational combination of arctangents of quotients of coordinates, and polynomials")
    yield from exponential_laws(search.sample, laws)
    quadrics = list(darboux.quadratic(system, forms, random=random))
    if quadrics:
        more = [search.log(p) for p in quadrics]
        yield from search.among([*polynomials, *logs, *more], "a rational combination of logarithms of invariant quadrics and forms, and polynomials")
    for q in [*quadrics, *filter(_is_quadratic, known)][:MOST_BELOW]:
        origin = "a rational combination of logarithms of invariant forms, and quotients of polynomials by an invariant quadric"
        yield from search.among([*search.quotients(q), *polynomials, *logs], origin)


def _preference(system: System, p: sp.Expr) -> tuple[bool, int, int, str]:
    """Positive forms come first, then short ones, then those with few minus signs."""
    minus = sum(bool(term.as_coeff_Mul()[0] < 0) for term in sp.Add.make_args(p))
    return not is_positive(system, p), len(sp.Add.make_args(p)), minus, str(p)


def _is_quadratic(law: sp.Expr) -> bool:
    return bool(law.free_symbols) and law.is_polynomial(*law.free_symbols) and sp.Poly(law, *law.free_symbols).total_degree() == 2


class _Search:
    """The functions at one sample, and the laws found so far."""

    def __init__(self, system: System, laws: Independence, points: Sample) -> None:
        self.system, self.laws, self.sample = system, laws, points
        self.constants = [symbol for symbol in system.symbols if not points.coordinate(symbol).rate.any()]

    def among(self, functions: Sequence[Function], origin: str) -> Iterator[Candidate]:
        moving = [function for function in functions if function.rate.any()]
        yield from combinations(moving[:MOST_FUNCTIONS], self.sample, self.laws, origin=origin)

    def polynomials(self) -> list[Function]:
        """The monomials of degree one and two in what moves; the squares and coordinates alone where these would be too many."""
        moving = [symbol for symbol in self.system.symbols if symbol not in self.constants]
        products = [a * b for a, b in combinations_with_replacement(moving, 2)]
        if len(moving) + len(products) > MOST_FUNCTIONS // 4:
            products = [a**2 for a in moving]
        return [Function(m, self.sample.polynomial(m).rate, "polynomial") for m in (*moving, *products)]

    def log(self, p: sp.Expr) -> Function:
        return Function(log_of(self.system, p), self.sample.polynomial(p).log_rate, "logarithm")

    def inverse(self, p: sp.Expr, k: int) -> Function:
        return Function(p**-k, self.sample.polynomial(p).raised(-k).rate, "rational")

    def weighted(self, functions: Sequence[Function]) -> list[Function]:
        """The functions times each constant, and over it; nothing without constants."""
        found = []
        for constant in self.constants[:MOST_CONSTANTS]:
            jet = self.sample.coordinate(constant)
            for n in (1, -1):
                found += [function.times(constant**n, jet.raised(n)) for function in functions]
        return [*functions, *found] if found else []

    def quotients(self, q: sp.Expr) -> list[Function]:
        """The squares and coordinates over a quadratic polynomial."""
        below: Jet = self.sample.polynomial(q).raised(-1)
        above = [m for symbol in self.system.symbols for m in (symbol, symbol**2)]
        return [Function(m / q, (self.sample.polynomial(m) * below).rate, "rational") for m in above]
