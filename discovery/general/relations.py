"""Linear algebra on index polynomials: which rational combinations vanish, and which laws follow from others.

A combination is looked for by comparing coefficients of normal forms. The polynomials are brought to one normal form together, each multiplied by a
tag, because how far a denominator has to be cleared depends on what it is added to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import gcd, lcm
from random import Random

from flint import fmpq, fmpq_mat

from proofs_check.kernel.index import Algebra, Atom, Poly, Term, add, of_atom

PRIME = 2**31 - 1
_TAG = "!"  # sorts before every name, so that it does not disturb the canonical order of bound indices


def relations(algebra: Algebra, polys: Sequence[Poly], forget: Callable[[Poly], Poly]) -> list[list[int]]:
    """A basis of the rational relations among polynomials modulo what `forget` takes out of them, each with coprime integer coefficients.

    `forget` has to be linear. The relations are those of an echelon form: each but the first few polynomials is expressed in earlier ones.
    """
    rows: dict[str, dict[int, fmpq]] = {}
    for number, term, coefficient in _tagged(algebra, [forget(algebra.cleared(forget(poly))) for poly in polys], forget):
        rows.setdefault(term.key, {})[number] = coefficient
    alive = set(range(len(polys)))
    while lonely := {next(iter(live)) for row in rows.values() if len(live := row.keys() & alive) == 1}:
        alive -= lonely
    columns = sorted(alive)
    if not columns:
        return []
    place = {number: n for n, number in enumerate(columns)}
    lines = [[row.get(number, fmpq(0)) for number in columns] for row in rows.values() if row.keys() & alive]
    return [_spread(vector, columns, len(polys)) for vector in kernel(lines, len(place))]


def _tagged(algebra: Algebra, polys: Sequence[Poly], forget: Callable[[Poly], Poly]) -> list[tuple[int, Term, fmpq]]:
    if not any(atom.kind in ("base", "sin", "abs") for poly in polys for atom in poly.atoms()):
        return [(number, term, coefficient) for number, poly in enumerate(polys) for term, coefficient in poly.terms.items()]
    tags = [Atom("entry", f"{_TAG}{number}") for number in range(len(polys))]
    together = forget(algebra.cleared(add(*(algebra.multiply(of_atom(tag), poly) for tag, poly in zip(tags, polys, strict=True)))))
    found = []
    for term, coefficient in together.terms.items():
        (tag,) = (atom for atom, _ in term.factors if atom.name.startswith(_TAG))
        rest = Term(term.bound, tuple((atom, exponent) for atom, exponent in term.factors if atom is not tag), term.power)
        found.append((int(tag.name[1:]), rest, coefficient))
    return found


def kernel(lines: Sequence[Sequence[fmpq]], width: int) -> list[list[int]]:
    """A basis of the vectors of the given width that all lines annihilate, in integers without a common factor."""
    if not lines:
        return [[int(n == m) for n in range(width)] for m in range(width)]
    reduced, rank = fmpq_mat(len(lines), width, [entry for line in lines for entry in line]).rref()
    pivots = [next(c for c in range(width) if reduced[row, c] != 0) for row in range(rank)]
    basis = []
    for free in (c for c in range(width) if c not in pivots):
        vector = [fmpq(0)] * width
        vector[free] = fmpq(1)
        for row, pivot in enumerate(pivots):
            vector[pivot] = -reduced[row, free]
        basis.append(_primitive(vector))
    return basis


def _primitive(vector: Sequence[fmpq]) -> list[int]:
    """The multiple with coprime integers, the first of them positive."""
    below = lcm(*(int(entry.q) for entry in vector))
    whole = [int((entry * below).p) for entry in vector]
    content = gcd(*whole) * (1 if next(entry for entry in whole if entry) > 0 else -1)
    return [entry // content for entry in whole]


def _spread(vector: Sequence[int], columns: Sequence[int], width: int) -> list[int]:
    wide = [0] * width
    for entry, column in zip(vector, columns, strict=True):
        wide[column] = entry
    return wide


@dataclass
class Span:
    """The polynomials seen so far, as vectors over the constants: the scalar constants are random residues, so that what depends on another
    polynomial with coefficients in the constants is found to (up to a coincidence, which loses a law and never makes one)."""

    algebra: Algebra
    seed: int = 0
    _values: dict[str, int] = field(default_factory=dict)
    _rows: dict[str, dict[str, int]] = field(default_factory=dict)

    def adds(self, poly: Poly) -> bool:
        """Whether the polynomial is independent of those before; it is remembered."""
        vector = self._vector(poly)
        for lead, row in self._rows.items():
            if factor := vector.get(lead, 0):
                for key, value in row.items():
                    vector[key] = (vector.get(key, 0) - factor * value) % PRIME
        vector = {key: value for key, value in vector.items() if value}
        if not vector:
            return False
        lead = min(vector)
        inverse = pow(vector[lead], -1, PRIME)
        self._rows[lead] = {key: value * inverse % PRIME for key, value in vector.items()}
        return True

    def _vector(self, poly: Poly) -> dict[str, int]:
        vector: dict[str, int] = {}
        for term, coefficient in poly.terms.items():
            value = int(coefficient.p) * pow(int(coefficient.q), -1, PRIME)
            kept = []
            for atom, exponent in term.factors:
                if isinstance(exponent, fmpq) and exponent.q == 1 and not self.algebra.moves(of_atom(atom)) and "[" not in atom.key:
                    value = value * pow(self._value(atom), int(exponent.p), PRIME) % PRIME
                else:
                    kept.append((atom, exponent))
            key = Term(term.bound, tuple(kept), term.power).key
            vector[key] = (vector.get(key, 0) + value) % PRIME
        return vector

    def _value(self, atom: Atom) -> int:
        return self._values.setdefault(atom.key, Random(f"{self.seed} {atom.key}").randrange(1, PRIME))
