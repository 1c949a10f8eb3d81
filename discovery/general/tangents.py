"""Gradients of candidates at a random point: which laws say something that others do not.

Numbers are used to leave out what is repeated, never to claim that something holds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from random import Random

from flint import fmpq

from proofs_check.kernel.index import Atom, Exponent, Poly, of_atom

from .forgetting import holds
from .opened import Motion

_MARK = "d:"
_SMALL = 1e-9


def tangent(motion: Motion, poly: Poly, own: tuple[str, ...] | None = None) -> dict[str, float]:
    """The differential at a random point, by the entries (or sums of entries) that move; only by the entries at the indices `own`, if given."""
    differential = motion.algebra.derivative(poly, lambda name, indices: _marked(motion, name, indices))
    found: dict[str, float] = {}
    for term, coefficient in differential.terms.items():
        bound = {name for name, _ in term.bound}
        kept, value = [], number(coefficient)
        for atom, exponent in term.factors:
            if atom.name.startswith(_MARK) or any(holds(atom, name) for name in bound):
                kept.append((atom, exponent))
            else:
                value *= raised(atom, exponent)
        if term.power:
            value *= math.exp(min(50.0, value_of(term.power)))
        marks = [atom for atom, _ in kept if atom.name.startswith(_MARK)]
        if own is None or any(atom.indices == own for atom in marks):
            key = motion.algebra.canonical(term.bound, dict(kept), None, fmpq(1)).key  # labelled anew: what was taken out may have had sums inside
            found[key] = found.get(key, 0.0) + value
    return found


def _marked(motion: Motion, name: str, indices: tuple[str | int, ...]) -> Poly:
    if name in motion.velocities:
        return of_atom(Atom("entry", _MARK + name, indices))
    return Poly({})


def value_of(poly: Poly) -> float:
    """The value of a polynomial with every entry a random number that depends on its name alone."""
    total = 0.0
    for term, coefficient in poly.terms.items():
        value = number(coefficient)
        for atom, exponent in term.factors:
            value *= raised(atom, exponent)
        if term.power:
            value *= math.exp(min(50.0, value_of(term.power)))
        total += value
    return total


def evaluated(atom: Atom) -> float:
    """The value of an atom; entries under a sum are random too, which is enough to tell functions apart."""
    if atom.kind == "prime":
        return float(int(atom.name))
    if atom.kind in ("entry", "integral"):
        return Random(atom.key).uniform(0.6, 1.9)
    inner = value_of(atom.inside[0])
    match atom.kind:
        case "base":
            return inner
        case "abs":
            return abs(inner)
        case "log":
            return math.log(abs(inner))
        case "atanh":
            return math.atanh(math.tanh(inner))
    function = {"sin": math.sin, "cos": math.cos, "asinh": math.asinh, "atan": math.atan}[atom.kind]
    return function(inner)


def raised(atom: Atom, exponent: Exponent) -> float:
    """The value of a power; where the exponent is no integer, the base is positive on the domain, and its absolute value stands for it."""
    base, power = evaluated(atom), value_of(exponent) if isinstance(exponent, Poly) else number(exponent)
    return base ** int(power) if power == int(power) else abs(base) ** power


def number(value: fmpq) -> float:
    """A rational as a float, for comparisons only."""
    return int(value.p) / int(value.q)


@dataclass
class Directions:
    """The differentials seen so far, in echelon form."""

    _rows: list[tuple[str, dict[str, float]]] = field(default_factory=list)

    def adds(self, vector: dict[str, float]) -> bool:
        """Whether the differential is independent of those before; it is remembered."""
        rest = dict(vector)
        scale = max(map(abs, rest.values()), default=0.0)
        for lead, row in self._rows:
            factor = rest.get(lead, 0.0)
            for key, value in row.items() if factor else ():
                rest[key] = rest.get(key, 0.0) - factor * value
        lead = max(rest, key=lambda key: abs(rest[key]), default="")
        if not rest or abs(rest[lead]) <= _SMALL * max(scale, _SMALL):
            return False
        self._rows.append((lead, {key: value / rest[lead] for key, value in rest.items()}))
        return True

    def __len__(self) -> int:
        return len(self._rows)
