"""Laws that are rational combinations of given functions: the rates of change are evaluated, and a nullspace is taken.

Let $f_1, \\ldots, f_n$ be functions with rational derivatives: polynomials, logarithms and inverse powers of polynomials, arctangents, quotients.
$\\sum a_k f_k$ is a law exactly if $\\sum a_k \\dot f_k = 0$ everywhere, which is linear in a.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd

import numpy as np
import sympy as sp

from .candidate import Candidate
from .independence import Independence
from .jets import Jet, Sample
from .modular import Array, Echelon, P, integral, nullspace, rationals
from .recognition import integer_vectors
from .system import System, is_law

SPARE = 24  # points more than functions
TALLEST = 2000


@dataclass(frozen=True)
class Function:
    """Let f be a function of the coordinates: how it is written, its rate of change at the points of a sample, and a word for its kind.

    Those of kind "polynomial" are there for the others: a law made of them alone is not looked for here.
    """

    written: sp.Expr
    rate: Array
    kind: str

    def times(self, written: sp.Expr, constant: Jet) -> Function:
        """The product with something that stays."""
        return Function(written * self.written, constant.value * self.rate % P, self.kind)


def log_of(system: System, p: sp.Expr) -> sp.Expr:
    """log p where p is positive by its signs, log|p| elsewhere; up to a constant, asinh(x/a) for $\\log(x + \\sqrt{x^2 + a^2})$."""
    pair = _conjugate_root(system, p)
    if pair:
        return sp.asinh(pair)
    return sp.log(p) if is_positive(system, p) else sp.log(sp.Abs(p))


def is_positive(system: System, p: sp.Expr) -> bool:
    """Whether the declared signs make a polynomial positive, term by term, or it is a root that outweighs what is added."""
    strict = _conjugate_root(system, p) is not None
    for term in () if strict else sp.Add.make_args(p):
        scale, rest = term.as_coeff_Mul()
        if scale < 0:
            return False
        signs = [_sign(system, base) if n % 2 else "even" for base, n in rest.as_powers_dict().items() if base.free_symbols]
        if any(sign not in ("positive", "nonnegative", "even") for sign in signs):
            return False
        strict = strict or all(sign == "positive" for sign in signs)
    return strict


def _conjugate_root(system: System, p: sp.Expr) -> sp.Expr | None:
    """x/a when p is s + x or s - x, where $s = \\sqrt{x^2 + a^2}$ is a coordinate and a a constant without a root; -x/a in the second case."""
    constants = {system.setting[name][entry]: symbol for symbol, (name, entry) in zip(system.symbols, system.places, strict=False)}
    for root in system.symbols[len(system.places) :]:
        sign, x = (p - root).as_coeff_Mul()
        if abs(sign) == 1 and x in system.meanings:
            a = sp.sqrt(sp.expand(system.meanings[root] ** 2 - system.meanings[x] ** 2))
            still = {constants[entry] for entry in a.atoms(sp.Indexed) | (a.free_symbols & constants.keys()) if entry in constants}
            if a.is_positive and not a.atoms(sp.Pow) and still <= set(system.symbols[len(system.moving) :]):
                return sign * x / a.xreplace(constants)
    return None


def _sign(system: System, symbol: sp.Symbol) -> str:
    meaning = system.meanings[symbol]
    return "positive" if meaning.is_positive else "nonnegative" if meaning.is_nonnegative else "real"


def combinations(functions: Sequence[Function], sample: Sample, laws: Independence, *, origin: str) -> Iterator[Candidate]:
    """The laws among the combinations that are no functions of those known, which they join; the first functions are preferred."""
    system, random = sample.system, laws.random
    for vector in simplest(functions, relations(functions), laws):
        law = written(functions, vector)
        if is_law(system, law, system.on_domain(8, random), random):
            kinds = {function.kind for q, function in zip(vector, functions, strict=True) if q}
            yield Candidate(law, min(kinds - {"polynomial"}), origin)


def relations(functions: Sequence[Function]) -> list[list[Fraction]]:
    """The combinations whose rate of change vanishes at all points of the sample, those of polynomials alone left out.

    They are in an echelon form, but for those whose coefficients there are too large to be told from residues: of these, short combinations.
    """
    if not functions:
        return []
    kernel = nullspace(np.array([function.rate for function in functions], dtype=np.int64).T)
    wanted = np.array([function.kind != "polynomial" for function in functions])
    rows = [vector for vector in kernel if vector[wanted].any()]
    exact = [rationals(vector) for vector in rows]
    easy = [q is not None and max(max(abs(c.numerator), c.denominator) for c in q) <= TALLEST for q in exact]
    hard = np.array([row for row, known in zip(rows, easy, strict=True) if not known], dtype=np.int64).reshape(-1, len(functions))
    support = np.flatnonzero(hard.any(axis=0))
    found = [q for q, known in zip(exact, easy, strict=True) if known and q is not None]
    for short in integer_vectors(hard[:, support]) if len(hard) else ():
        vector = [Fraction(0)] * len(functions)
        for place, c in zip(support, short, strict=True):
            vector[place] = Fraction(c)
        found.append(vector)
    return found


def simplest(functions: Sequence[Function], vectors: Sequence[Sequence[Fraction]], known: Independence) -> Iterator[list[int]]:
    """Integer combinations of these that are no functions of those known, which they join; those that a reader takes in at once first."""
    chosen = [vector for vector in map(_whole, sorted(vectors, key=_length)) if known.adds(written(functions, vector))]
    short = integral([[Fraction(q) for q in vector] for vector in chosen])
    spanned = Echelon()
    for vector in sorted([*chosen, *short], key=_length):  # whose independence is that of vectors
        if spanned.adds(np.array(vector, dtype=np.int64) % P):
            yield _leading_positive(functions, vector)


def written(functions: Sequence[Function], vector: Sequence[int]) -> sp.Expr:
    """A combination as an expression."""
    return sp.Add(*(q * function.written for q, function in zip(vector, functions, strict=True) if q))


def _length(vector: Sequence[Fraction] | Sequence[int]) -> tuple[int, int]:
    """How many functions take part, and the last of them: what a reader has to take in."""
    return sum(map(bool, vector)), max(n for n, q in enumerate(vector) if q)


def _whole(vector: Sequence[Fraction]) -> list[int]:
    return integral([vector])[0]


def _leading_positive(functions: Sequence[Function], vector: Sequence[int]) -> list[int]:
    """The first function that is no polynomial gets a positive coefficient."""
    lead = next(q for q, function in zip(vector, functions, strict=True) if q and function.kind != "polynomial")
    return [q // gcd(*vector) * (1 if lead > 0 else -1) for q in vector]
