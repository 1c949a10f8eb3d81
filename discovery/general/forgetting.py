"""What may be taken out of a rate of change before it has to vanish: multiples of the sphere's equation, and of what the data cannot see."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from flint import fmpq

from proofs_check.kernel.index import Atom, Poly, Term, add, of_atom, scale

from .opened import Motion

Forget = Callable[[Poly], Poly]


@dataclass(frozen=True)
class Data:
    """Let $A$ be a constant with the given axes of the shape of $z$: the hypothesis is that the sum of $A z$ over these axes vanishes."""

    name: str
    axes: tuple[int, ...]


def on_spheres(motion: Motion) -> Forget:
    """Replace, for each sphere, the sum of squares of its first block by one minus the sums of squares of the others."""
    flow = motion.statement.flow
    groups = flow.spheres if flow else ()

    def forget(poly: Poly) -> Poly:
        for first, *others in groups:
            while any(_squared(term, first) for term in poly.terms):
                poly = add(*(_replaced(motion, term, coefficient, first, others) for term, coefficient in poly.terms.items()))
        return poly

    return forget


def _squared(term: Term, name: str) -> str | None:
    """A bound index of the term that stands nowhere but in the square of the named block."""
    for index, _ in term.bound:
        holders = [
            (atom, exponent) for atom, exponent in term.factors if holds(atom, index) or (isinstance(exponent, Poly) and index in exponent.key)
        ]
        if len(holders) == 1 and holders[0][1] == fmpq(2) and holders[0][0] == Atom("entry", name, (index,)) and index not in _key(term.power):
            return index
    return None


def _replaced(motion: Motion, term: Term, coefficient: fmpq, first: str, others: list[str]) -> Poly:
    index = _squared(term, first)
    if index is None:
        return Poly({term: coefficient})
    algebra = motion.algebra
    bound = tuple(pair for pair in term.bound if pair[0] != index)
    factors = tuple(pair for pair in term.factors if pair[0] != Atom("entry", first, (index,)))
    rest = algebra.canonical(bound, dict(factors), term.power, coefficient)
    parts = [rest]
    for other in others:
        square = algebra.total("s", motion.statement.symbols[other].shape[0], of_atom(Atom("entry", other, ("s",)), fmpq(2)))
        parts.append(scale(algebra.multiply(rest, square), fmpq(-1)))
    return add(*parts)


def unseen(data: Data, own: tuple[str, ...], free: tuple[str, ...] = ()) -> Forget:
    """Drop the terms that depend on the indices `own` through one entry of the data alone, and perhaps through other entries when `free` names them.

    Summed against a vector $z$ with $A z = 0$, they vanish.
    """

    def forget(poly: Poly) -> Poly:
        return Poly({term: coefficient for term, coefficient in poly.terms.items() if not drops(term, data, own, free)})

    return forget


def drops(term: Term, data: Data, own: tuple[str, ...], free: tuple[str, ...] = ()) -> bool:
    """Whether the term is the named data entry, times what does not depend on the indices `own` (but for entries of the blocks in `free`)."""
    seen = 0
    for atom, exponent in term.factors:
        if not any(holds(atom, index) for index in own) and not (isinstance(exponent, Poly) and any(index in exponent.key for index in own)):
            continue
        if atom.kind == "entry" and atom.name == data.name and exponent == fmpq(1):
            if tuple(atom.indices[axis] for axis in data.axes) != own or any(i in own for n, i in enumerate(atom.indices) if n not in data.axes):
                return False
            seen += 1
        elif atom.kind != "entry" or atom.name not in free:
            return False
    return seen == 1 and not any(index in _key(term.power) for index in own)


def holds(atom: Atom, index: str) -> bool:
    """Whether the atom mentions the index."""
    if atom.kind == "entry":
        return index in atom.indices
    return re.search(rf"[\[,]{re.escape(index)}[\],]", atom.key) is not None


def _key(power: Poly | None) -> str:
    return power.key if power else ""


def both(first: Forget, second: Forget) -> Forget:
    """One after the other."""
    return lambda poly: second(first(poly))


def data_axes(motion: Motion, sizes: tuple[str | int, ...], role: str = "constant") -> list[Data]:
    """The constants (or cotangents) that occur in the velocities, with axes of the given sizes."""
    names = {atom.name for member in motion.velocities.values() for atom in atoms_within(member.value) if atom.kind == "entry"}
    found = []
    for name, symbol in motion.statement.symbols.items():
        if name in names and symbol.role == role and len(symbol.shape) >= len(sizes) > 0:
            starts = [s for s in range(len(symbol.shape) - len(sizes), -1, -1) if symbol.shape[s : s + len(sizes)] == sizes]
            found += [Data(name, tuple(range(s, s + len(sizes)))) for s in starts]
    return found


def atoms_within(poly: Poly) -> set[Atom]:
    """All atoms of a polynomial, those inside functions and exponents included."""
    found: set[Atom] = set()
    for term in poly.terms:
        for atom, exponent in term.factors:
            found.add(atom)
            for inner in (*atom.inside, *([exponent] if isinstance(exponent, Poly) else [])):
                found |= atoms_within(inner)
        if term.power:
            found |= atoms_within(term.power)
    return found
