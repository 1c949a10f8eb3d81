"""Quadratic and linear candidates in index notation, and the rational combinations of them that the flow conserves.

Let $T$, $S$ be blocks. A candidate sums $T_{\\ldots} S_{\\ldots}$ over some pairs of indices, sets others equal, and leaves at most two indices free:
the entries of $W W^T$, the squares of the rows of $W$, $u_i v_i$, $\\|W\\|^2$. Candidates with the same free indices are combined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations, product

from flint import fmpq

from proofs_check.kernel.index import Atom, Poly, add, constant, of_atom, scale
from proofs_check.kernel.language import Size
from theory.symbols import Variable

from .dictionary import weight_of
from .normalising import cleared_of_constants
from .opened import OWN, Motion
from .relations import Span, relations

MOST_FREE = 2
_SUMMED = ("~s0", "~s1", "~s2", "~s3", "~s4")

Sizes = tuple[Size, ...]


@dataclass(frozen=True)
class Candidate:
    """A product of entries, by its free indices $@0$, $@1$, ...; `decay` is the rate at which drifts alone make it decay."""

    value: Poly
    decay: Poly


@dataclass(frozen=True)
class Found:
    """A conserved family: `value` with free indices $@0$, $@1$, ... of the given sizes, times exp(growth * t)."""

    sizes: Sizes
    value: Poly
    growth: Poly


def polynomial_laws(motion: Motion, forget: Callable[[Poly], Poly], degree: int, known: Sequence[Found] = ()) -> Iterator[Found]:
    """The conserved combinations of candidates of the given degree (1 or 2), those with most free indices first.

    What follows from laws already found, by choosing, equating or summing over their indices, is left out.
    """
    laws = list(known)
    groups = candidates(motion, degree)
    for sizes in sorted(groups, key=lambda key: (-len(key), tuple(map(str, key)))):
        members = groups[sizes]
        changes = [motion.change(member.value) for member in members]
        for growth in _growths(members):
            moved = [add(change, motion.algebra.multiply(growth, member.value)) for change, member in zip(changes, members, strict=True)]
            vectors = relations(motion.algebra, moved, forget)
            if not vectors:
                continue
            span = Span(motion.algebra)
            for law in laws:
                for consequence in consequences(motion, law, sizes) if law.growth == growth else ():
                    span.adds(consequence)
            for vector in vectors:
                value = add(*(scale(member.value, fmpq(c)) for c, member in zip(vector, members, strict=True) if c))
                if span.adds(value):
                    found = Found(sizes, cleared_of_constants(motion, value), growth)
                    for consequence in consequences(motion, found, sizes):
                        span.adds(consequence)
                    laws.append(found)
                    yield found


def candidates(motion: Motion, degree: int) -> dict[Sizes, list[Candidate]]:
    """The candidates, by the sizes of their free indices."""
    groups: dict[Sizes, dict[str, Candidate]] = {}
    blocks = [block for block in motion.blocks if motion.velocities[block.name].value]
    shapes = {block.name: motion.statement.symbols[block.name].shape for block in blocks}
    for chosen in [(block,) for block in blocks] if degree == 1 else [*((b, b) for b in blocks), *combinations(blocks, 2)]:
        decay = add(*(motion.decays[block.name] for block in chosen))
        for entries, sizes, summed in _contractions([shapes[block.name] for block in chosen]):
            names = [index for index in dict.fromkeys(index for indices in entries for index in indices) if index in sizes]
            for order in permutations(names):
                free = tuple(sizes[name] for name in order)
                if free != tuple(sorted(free, key=str)):
                    continue
                renamed = [tuple(dict(zip(order, OWN, strict=False)).get(index, index) for index in indices) for indices in entries]
                for weight in _weights(motion, chosen, renamed):
                    factors: dict[Atom, fmpq] = {}
                    for block, indices in zip(chosen, renamed, strict=True):
                        atom = Atom("entry", block.name, indices)
                        factors[atom] = factors.get(atom, fmpq(0)) + 1
                    body = motion.algebra.multiply(weight, motion.algebra.canonical((), dict(factors), None, fmpq(1)))
                    value = motion.algebra.closed(summed, body)
                    groups.setdefault(free, {}).setdefault(value.key, Candidate(value, decay))
    return {free: list(members.values()) for free, members in groups.items()}


def _contractions(shapes: Sequence[Sizes]) -> Iterator[tuple[list[tuple[str, ...]], dict[str, Size], list[tuple[str, Size]]]]:
    """Names for the indices of one or two tensors: those of the free ones with their sizes, and the summed ones with theirs."""
    if len(shapes) == 1:
        (shape,) = shapes
        for bound in product((False, True), repeat=len(shape)):
            if bound.count(False) <= MOST_FREE:
                entries = tuple(_SUMMED[n] if held else f"f{n}" for n, held in enumerate(bound))
                sizes = {f"f{n}": size for n, (size, held) in enumerate(zip(shape, bound, strict=True)) if not held}
                yield [entries], sizes, [(_SUMMED[n], size) for n, (size, held) in enumerate(zip(shape, bound, strict=True)) if held]
        return
    left, right = shapes
    for count in range(min(len(left), len(right)) + 1):
        if len(left) + len(right) - 2 * count > MOST_FREE:
            continue
        for mine in combinations(range(len(left)), count):
            for yours in permutations(range(len(right)), count):
                if any(left[p] != right[q] for p, q in zip(mine, yours, strict=True)):
                    continue
                for equal in product((False, True), repeat=count):
                    first = [f"f{p}" for p in range(len(left))]
                    second = [f"g{q}" for q in range(len(right))]
                    summed = []
                    for n, (p, q, shared) in enumerate(zip(mine, yours, equal, strict=True)):
                        first[p] = second[q] = f"f{p}" if shared else _SUMMED[n]
                        if not shared:
                            summed.append((_SUMMED[n], left[p]))
                    sizes = {name: size for name, size in [*zip(first, left, strict=True), *zip(second, right, strict=True)] if name[0] != "~"}
                    if len(sizes) <= MOST_FREE:
                        yield [tuple(first), tuple(second)], sizes, summed


def _weights(motion: Motion, blocks: Sequence[Variable], entries: Sequence[tuple[str, ...]]) -> list[Poly]:
    """1, one over the constant part of the rate of each block up to rational factors, and the constants in exponents (degrees of homogeneity)."""
    found = {"1": constant(1)}
    for block, indices in zip(blocks, entries, strict=True):
        weight = weight_of(motion, motion.rates[block.name], indices)
        found.setdefault(weight.key, weight)
    found |= {atom.key: of_atom(atom) for atom in motion.degrees}
    return list(found.values())


def _growths(members: Sequence[Candidate]) -> list[Poly]:
    """The constants c for which exp(c t) times a combination is tried: none, and what undoes the decay of a candidate."""
    return list({growth.key: growth for growth in (constant(0), *(member.decay for member in members))}.values())


def consequences(motion: Motion, law: Found, sizes: Sizes) -> Iterator[Poly]:
    """What the members of a law are, as families with free indices of the given sizes: indices chosen, equated, exchanged or summed over."""
    own = OWN[: len(law.sizes)]
    choices = [[*(OWN[n] for n, wanted in enumerate(sizes) if wanted == size), *_SUMMED[: len(own)]] for size in law.sizes]
    for target in product(*choices):
        bound = {name: size for name, size in zip(target, law.sizes, strict=True) if name in _SUMMED}
        fits = all(size == bound.get(name, size) for name, size in zip(target, law.sizes, strict=True))
        if fits and {name for name in target if name not in bound} == set(OWN[: len(sizes)]):
            yield motion.algebra.closed(bound.items(), motion.algebra.rename(law.value, dict(zip(own, target, strict=True))))
