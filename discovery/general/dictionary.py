"""The functions of which laws are looked for: logarithms, powers, linear forms, arctangents, and what scalars and norms add to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from flint import fmpq

from proofs_check.kernel.index import Atom, Exponent, Poly, add, constant, entry, scale, subtract
from theory.symbols import Variable

from .forgetting import atoms_within, holds
from .opened import OWN, Member, Motion
from .quotient import quotient

POWERS = (2, 1, -1, -2, 3, -3, 4, -4)
SCALAR_POWERS = (2, 1, -1, -2, 3, 4)


@dataclass(frozen=True)
class Feature:
    """A function of the parameters, and its rate of change along the flow."""

    value: Poly
    change: Poly

    def times(self, motion: Motion, weight: Poly) -> Feature:
        """The multiple by a constant."""
        return Feature(motion.algebra.multiply(weight, self.value), motion.algebra.multiply(weight, self.change))


def function(motion: Motion, poly: Poly) -> Feature:
    """A polynomial as a feature."""
    return Feature(poly, motion.change(poly))


def logarithm(motion: Motion, poly: Poly) -> Feature | None:
    """log|p| with its rate, where that has no pole at p = 0; None elsewhere, because the poles of different logarithms do not cancel."""
    algebra, change = motion.algebra, motion.change(poly)
    if len(poly.terms) == 1 and not next(iter(poly.terms)).bound:
        rate: Poly | None = algebra.multiply(change, algebra.power(poly, fmpq(-1)))
    elif any(atom.kind == "base" and _meet(atom, poly) for atom in change.atoms()):
        rate = algebra.multiply(change, algebra.power(poly, fmpq(-1)))  # there are poles already
    else:
        rate = quotient(algebra, change, poly)
    return None if rate is None else Feature(log_of(motion, poly), rate)


def _meet(base: Atom, poly: Poly) -> bool:
    """Whether a base holds what the polynomial holds: an entry at the same free index, or, where there is none, the same block under a sum."""
    own = {index for atom in atoms_within(poly) for index in atom.indices if str(index).startswith("@")}
    if own:
        return any(holds(base, str(index)) for index in own)
    return not {atom.name for atom in poly.atoms()}.isdisjoint(atom.name for atom in atoms_within(base.inside[0]))


def arctangent(motion: Motion, x: Poly, y: Poly) -> Feature | None:
    """atan(x/y) with its rate (x'y - x y')/(x^2 + y^2), where the division goes through."""
    algebra = motion.algebra
    turning = subtract(algebra.multiply(motion.change(x), y), algebra.multiply(x, motion.change(y)))
    rate = quotient(algebra, turning, add(algebra.multiply(x, x), algebra.multiply(y, y)))
    return None if rate is None else Feature(algebra.apply("atan", algebra.multiply(x, algebra.power(y, fmpq(-1)))), rate)


def log_of(motion: Motion, poly: Poly) -> Poly:
    """The logarithm of the absolute value, or of the polynomial itself where it is positive by its signs."""
    algebra = motion.algebra
    return algebra.log(poly if algebra.sign(poly) == "positive" else algebra.apply("abs", poly))


def entrywise(motion: Motion, blocks: Sequence[Variable], own: tuple[str, ...]) -> list[Feature]:
    """Logarithms and powers of one entry of each block, with the weights that the learning rates ask for."""
    found: list[Feature] = []
    for block in blocks:
        x = entry(block.name, own)
        exponents: list[Exponent] = [fmpq(k) for k in POWERS]
        exponents += [e for e in own_exponents(motion, block, own) if e not in exponents]
        features = [logarithm(motion, x), *(function(motion, motion.algebra.power(x, k)) for k in exponents)]
        found += [feature.times(motion, weight) for feature in features if feature for weight in weights_of(motion, block, own)]
    return distinct(found)


def own_exponents(motion: Motion, block: Variable, own: tuple[str, ...]) -> list[Exponent]:
    """1 - e for every power e of the block's entry in its velocity: the powers whose rate of change does not hold the entry."""
    found: dict[str, Exponent] = {}
    x = next(iter(entry(block.name, own).atoms()))
    for term in motion.at(motion.velocities[block.name], own).terms:
        exponent = dict(term.factors).get(x, fmpq(0))
        turned = subtract(constant(1), exponent if isinstance(exponent, Poly) else constant(exponent))
        number = turned.number()
        if number != 0:
            found.setdefault(turned.key, turned if number is None else number)
    return list(found.values())


def forms(motion: Motion, blocks: Sequence[Variable], own: tuple[str, ...]) -> Iterator[Feature]:
    """For each two blocks with rates a and b: log|u +- sqrt(a/b) v|, atan of the quotient, and the product u v, with the weights of the rates."""
    for u, v in combinations(blocks, 2):
        x, y = entry(u.name, own), motion.algebra.multiply(entry(v.name, own), _ratio(motion, u, v, own))
        product = function(motion, motion.algebra.multiply(entry(u.name, own), entry(v.name, own)))
        found = (logarithm(motion, add(x, y)), logarithm(motion, subtract(x, y)), arctangent(motion, x, y), product)
        weights = {weight.key: weight for block in (u, v) for weight in weights_of(motion, block, own)}
        yield from (feature.times(motion, weight) for feature in found if feature for weight in weights.values())


def _ratio(motion: Motion, u: Variable, v: Variable, own: tuple[str, ...]) -> Poly:
    """The square root of the size of the ratio of the constant parts of two rates."""
    algebra = motion.algebra
    a, b = (motion.at(motion.rates[block.name], own) for block in (u, v))
    ratio = algebra.multiply(a, algebra.power(b, fmpq(-1)))
    if len(ratio.terms) == 1 and next(iter(ratio.terms.values())) < 0:
        ratio = scale(ratio, fmpq(-1))
    return algebra.power(ratio, fmpq(1, 2))


def weights_of(motion: Motion, block: Variable, own: tuple[str, ...]) -> list[Poly]:
    """1, and one over the constants in the block's rate."""
    weights = (constant(1), weight_of(motion, motion.rates[block.name], own))
    return list({weight.key: weight for weight in weights}.values())


def weight_of(motion: Motion, rate: Member, indices: tuple[str, ...]) -> Poly:
    """One over a rate; over its constants alone where it is one product, so that rational factors are left to the linear algebra."""
    value = motion.at(rate, indices)
    if len(value.terms) == 1:
        ((term, _),) = value.terms.items()
        value = Poly({term: fmpq(1)})
    return motion.algebra.power(value, fmpq(-1))


def scalars(motion: Motion, norms: Sequence[Poly]) -> list[Feature]:
    """Functions of the scalar blocks and of norms: powers and logarithms, also divided by each of the given conserved norms."""
    algebra = motion.algebra
    moving = [block for block in motion.blocks if motion.velocities[block.name].value and not block.shape]
    bases: list[tuple[Poly, list[Poly], Iterable[int]]] = [(entry(b.name), weights_of(motion, b, ()), SCALAR_POWERS) for b in moving]
    conserved = {norm.key for norm in norms}
    for norm, block in moving_norms(motion):
        if norm.key not in conserved:
            bases.append((norm, weights_of(motion, block, OWN[: len(block.shape)]), (1,)))
    found = []
    for base, weights, powers in bases:
        features = [*(function(motion, algebra.power(base, fmpq(k))) for k in powers), logarithm(motion, base)]
        found += [feature.times(motion, weight) for feature in features if feature for weight in weights]
    found += [feature.times(motion, algebra.power(norm, fmpq(-1))) for feature in list(found) for norm in norms]
    return distinct(found)


def ageing(motion: Motion) -> Iterator[Feature]:
    """The constants at which blocks decay, times time."""
    for decay in {poly.key: poly for poly in motion.decays.values() if poly}.values():
        yield Feature(motion.algebra.multiply(decay, entry(motion.time)), decay)


def beside_spheres(motion: Motion) -> Iterator[Feature]:
    """log|1 - |u|^2| for vectors that are not held on a sphere: where a flow leaves it, it may do so in a way that is known."""
    for norm, block in moving_norms(motion):
        if len(block.shape) == 1 and (feature := logarithm(motion, subtract(constant(1), norm))):
            yield from (feature.times(motion, weight) for weight in weights_of(motion, block, OWN[:1]))


def moving_norms(motion: Motion) -> Iterator[tuple[Poly, Variable]]:
    """The squared norms of the blocks that move, but for those on spheres and those with a rate for each entry."""
    spherical = {name for group in (motion.statement.flow.spheres if motion.statement.flow else ()) for name in group}
    for block in motion.blocks:
        uniform = not any(name in motion.rates[block.name].value.key for name in OWN)
        if block.shape and motion.velocities[block.name].value and block.name not in spherical and uniform:
            own = tuple(f"s{n}" for n in range(len(block.shape)))
            shape = motion.statement.symbols[block.name].shape
            yield motion.algebra.closed(zip(own, shape, strict=True), motion.algebra.power(entry(block.name, own), fmpq(2))), block


def distinct(features: Iterable[Feature]) -> list[Feature]:
    """Each feature once."""
    return list({feature.value.key: feature for feature in features}.values())
