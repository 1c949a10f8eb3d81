"""Laws of single entries.

Let blocks $u, v, \\ldots$ have the same shape. A function $f(u_i, v_i, s)$ of the entries at one index and of scalars $s$ is a law for every $i$ when
its rate of change vanishes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sympy as sp
from flint import fmpq

from proofs_check.kernel.index import Atom, Poly, Term, add, of_atom, scale
from proofs_check.kernel.language import Size
from theory.symbols import Variable

from .characteristics import Characteristic, characteristic
from .dictionary import Feature, ageing, beside_spheres, distinct, entrywise, forms, scalars
from .forgetting import atoms_within, data_axes, holds, on_spheres
from .normalising import cleared_of_constants
from .opened import OWN, Motion
from .quadratic import Found, consequences
from .reading import expression
from .relations import Span, relations
from .tangents import Directions, number, raised, tangent


@dataclass(frozen=True)
class Site:
    """The blocks of one shape, seen at one index (or pair of indices)."""

    sizes: tuple[Size, ...]
    blocks: tuple[Variable, ...]

    @property
    def own(self) -> tuple[str, ...]:
        return OWN[: len(self.sizes)]


def sites(motion: Motion) -> list[Site]:
    """The shapes of the blocks that move, scalars first."""
    found: dict[tuple[Size, ...], list[Variable]] = {}
    for block in motion.blocks:
        if motion.velocities[block.name].value:
            found.setdefault(motion.statement.symbols[block.name].shape, []).append(block)
    return [Site(sizes, tuple(blocks)) for sizes, blocks in sorted(found.items(), key=lambda item: len(item[0])) if len(sizes) <= 2]


def entry_laws(motion: Motion, site: Site, known: Sequence[Found], names: dict[str, sp.Symbol]) -> Iterator[tuple[Poly, sp.Expr]]:
    """The laws at a site that hold for every index, each with how it is written; for the scalars, norms take part.

    `names` are the symbols for the indices of the site.
    """
    directions = known_directions(motion, site, known)
    scalar_blocks = [block for block in motion.blocks if not block.shape and motion.velocities[block.name].value]
    blocks = list(dict.fromkeys([*site.blocks, *scalar_blocks]))
    if site.sizes and len(directions) >= len(blocks) - velocity_rank(motion, blocks, site):
        return
    companions = [*scalars(motion, conserved_norms(motion, known)), *ageing(motion)]
    features: list[Feature] = []
    along: dict[str, Characteristic] = {}
    if site.sizes:
        features = [*entrywise(motion, site.blocks, site.own), *forms(motion, site.blocks, site.own)]
        for data in (*data_axes(motion, site.sizes), *data_axes(motion, site.sizes, "cotangent")):
            bases = [characteristic(motion, block, site.own, data, companions) for block in site.blocks]
            along |= {base.feature.value.key: base for base in bases if base is not None and base.exponent is not None}
            features += [base.feature for base in bases if base is not None]
        features = distinct(features)
    else:
        companions += beside_spheres(motion)
    chosen = [*features, *companions]
    span = Span(motion.algebra)
    for law in known:
        for consequence in consequences(motion, law, site.sizes) if not law.growth else ():
            span.adds(consequence)
    forget = on_spheres(motion)
    for vector in relations(motion.algebra, [feature.change for feature in chosen], forget):
        if site.sizes and not any(vector[: len(features)]):
            continue
        value = add(*(scale(feature.value, fmpq(c)) for c, feature in zip(vector, chosen, strict=True) if c))
        if span.adds(value) and directions.adds(tangent(motion, value)):
            value = cleared_of_constants(motion, value)
            keys = [feature.value.key for c, feature in zip(vector, chosen, strict=True) if c]
            if all(key in along for key in keys):
                coefficients = [c for c in vector if c]
                yield value, sp.Add(*(c * along[key].shown(motion, names) for c, key in zip(coefficients, keys, strict=True)))
            else:
                yield value, expression(motion.setting, value, names)


def velocity_rank(motion: Motion, blocks: Sequence[Variable], site: Site) -> int:
    """The rank of the velocities at one index, as functions of what is unknown (the loss, and the entries at other indices), at a random point.

    As many functions of these entries as there are blocks, less the rank, can be conserved at most.
    """
    directions = Directions()
    given = {name for name, symbol in motion.statement.symbols.items() if symbol.role in ("constant", "time")}
    seen = {block.name for block in blocks} | given | set(motion.statement.sizes)
    columns: dict[str, dict[str, float]] = {}
    for block in blocks:
        own = site.own if block.shape else ()
        for term, coefficient in motion.at(motion.velocities[block.name], own).terms.items():
            kept, value = [], number(coefficient)
            for atom, exponent in term.factors:
                local = all(a.name in seen and a.indices in ((), site.own) for a in _entries(atom))
                if local and not any(holds(atom, name) for name, _ in term.bound):
                    value *= raised(atom, exponent)
                else:
                    kept.append((atom, exponent))
            row = columns.setdefault(Term(term.bound, tuple(kept), term.power).key, {})
            row[block.name] = row.get(block.name, 0.0) + value
    return sum(directions.adds(row) for row in columns.values())


def _entries(atom: Atom) -> set[Atom]:
    return {inner for inner in atoms_within(of_atom(atom)) if inner.kind == "entry"}


def conserved_norms(motion: Motion, known: Sequence[Found]) -> list[Poly]:
    """The conserved sums of squares of one block, but for those on spheres, where they are 1."""
    spherical = {name for group in (motion.statement.flow.spheres if motion.statement.flow else ()) for name in group}
    norms = [law.value for law in known if not law.sizes and not law.growth and len(law.value.terms) == 1]
    return [norm for norm in norms if next(iter(norm.terms)).bound and spherical.isdisjoint(atom.name for atom in norm.atoms())]


def known_directions(motion: Motion, site: Site, known: Sequence[Found]) -> Directions:
    """The differentials of the laws already found that are functions of the entries at one index and of scalars.

    A factor exp(c t) does not turn them: two laws with one differential would differ by a function of time alone.
    """
    directions = Directions()
    for law in known:
        if law.sizes == site.sizes or not any(atom.indices for atom in law.value.atoms()):
            directions.adds(tangent(motion, law.value))
    return directions
