"""Laws summed over an index against what the data cannot see.

Let $A$ be data and $u, v, \\ldots$ blocks of one shape. $\\sum_i z_i f(u_i, v_i, s)$ is conserved for every $z$ with $A z = 0$ when the rate of
change of $f(u_i, v_i, s)$ is a multiple of $A_{m i}$ by factors that do not depend on $i$. Three ways to such an $f$, for one block $w$ or several:

* a characteristic, $(w e^{q(s)})^{-k}$ or $\\log w + q(s)$ (see `characteristics`);
* a combination of the functions in the dictionary;
* $f = \\int dw / g(w)$ when $\\dot w_i = g(w_i) C A_{m i}$.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import sympy as sp
from flint import fmpq

from proofs_check.kernel.index import Atom, Exponent, Poly, Term, add, constant, entry, of_atom, scale
from theory.symbols import Variable

from .characteristics import characteristic
from .dictionary import ageing, distinct, entrywise, forms, scalars
from .entrywise import Site, conserved_norms
from .forgetting import Data, atoms_within, both, data_axes, drops, holds, on_spheres, unseen
from .normalising import cleared_of_constants, whole
from .opened import Motion
from .quadratic import Found
from .reading import expression
from .relations import relations
from .tangents import Directions, tangent


@dataclass(frozen=True)
class Template:
    """A function of the entries at one index, to be summed against every $z$ that the data cannot see: its normal form, and how it is written."""

    data: Data
    value: Poly
    shown: sp.Expr


def template_laws(
    motion: Motion, site: Site, known: Sequence[Found], names: dict[str, sp.Symbol], only: frozenset[str] | None = None
) -> Iterator[Template]:
    """The templates at a site, for each way to sum against a kernel of data (those in `only`, if given); `names` are the symbols for its indices."""
    for data in data_axes(motion, site.sizes):
        if only is not None and data.name not in only:
            continue
        directions = Directions()
        for law in known:
            if law.sizes == site.sizes:
                directions.adds(tangent(motion, law.value, site.own))
        ways = chain(
            _characteristics(motion, site, data, known, names),
            _from_dictionary(motion, site, data, known, names),
            _quadratures(motion, site, data, names),
        )
        while len(directions) < len(site.blocks):
            found = next(ways, None)
            if found is None:
                break
            if directions.adds(tangent(motion, found.value, site.own)):
                yield found


def _characteristics(motion: Motion, site: Site, data: Data, known: Sequence[Found], names: dict[str, sp.Symbol]) -> Iterator[Template]:
    companions = [*scalars(motion, conserved_norms(motion, known)), *ageing(motion)]
    for block in site.blocks:
        found = characteristic(motion, block, site.own, data, companions)
        if found is not None:
            yield Template(data, found.feature.value, found.shown(motion, names))


def _from_dictionary(motion: Motion, site: Site, data: Data, known: Sequence[Found], names: dict[str, sp.Symbol]) -> Iterator[Template]:
    features = distinct([*forms(motion, site.blocks, site.own), *entrywise(motion, site.blocks, site.own)])
    chosen = [
        *scalars(motion, conserved_norms(motion, known)),
        *ageing(motion),
        *features[::-1],
    ]  # the last are the first to be free in an echelon form
    forget = both(on_spheres(motion), unseen(data, site.own))
    vectors = relations(motion.algebra, [feature.change for feature in chosen], forget)
    others = len(chosen) - len(features)
    for vector in sorted(vectors, key=lambda v: (sum(map(bool, v[others:])), sum(map(bool, v)), -max(n for n, c in enumerate(v) if c))):
        law = add(*(scale(feature.value, fmpq(c)) for c, feature in zip(vector, chosen, strict=True) if c))
        law = whole(cleared_of_constants(motion, law))
        yield Template(data, law, expression(motion.setting, law, names))


def _quadratures(motion: Motion, site: Site, data: Data, names: dict[str, sp.Symbol]) -> Iterator[Template]:
    for block in site.blocks:
        slope = _own_factor(motion, site, data, block)
        if slope is None:
            continue
        w = sp.Symbol("w", positive=True) if block.sign == "positive" else sp.Symbol("w", real=True)
        shown = expression(motion.setting, entry(block.name, site.own), names)
        g = expression(motion.setting, slope, names).xreplace({shown: w})
        if not (_polynomial(g, w, 4) or _polynomial(g**2, w, 2) or _exponential(1 / g, w)):
            continue
        integral = sp.integrate(1 / g, w)
        if integral.has(sp.Integral) or not integral.has(w):
            continue
        integral = integral.replace(lambda node: isinstance(node, sp.log), lambda node: sp.log(sp.Abs(node.args[0])))
        yield Template(data, entry(block.name, site.own), integral.xreplace({w: shown}))  # its differential has the direction of the entry's


def _polynomial(g: sp.Expr, w: sp.Symbol, degree: int) -> bool:
    expanded = sp.expand(g)
    return bool(expanded.is_polynomial(w)) and sp.Poly(expanded, w).degree() <= degree


def _exponential(reciprocal: sp.Expr, w: sp.Symbol) -> bool:
    """Whether the expression is a sum of polynomials in w times exponentials of linear functions of w."""
    without = sp.expand(reciprocal).replace(lambda n: isinstance(n, sp.exp) and sp.diff(n.args[0], w, 2) == 0, lambda _: sp.S.One)
    return bool(without.is_polynomial(w))


def _own_factor(motion: Motion, site: Site, data: Data, block: Variable) -> Poly | None:
    """g(w) when the velocity of the block is g(w_i) times data and what does not depend on the index."""
    found: dict[str, Poly] = {}
    for term, coefficient in motion.algebra.cleared(motion.velocities[block.name].value).terms.items():
        mine: dict[Atom, Exponent] = {}
        rest: dict[Atom, Exponent] = {}
        for atom, exponent in term.factors:
            local = any(holds(atom, index) for index in site.own) and atom.name != data.name
            (mine if local else rest)[atom] = exponent
        bent = term.power is not None and any(index in term.power.key for index in site.own)
        outer = Term(term.bound, tuple(rest.items()), None if bent else term.power)
        inner = motion.algebra.canonical((), mine, term.power if bent else None, coefficient)
        others = {a.name for a in atoms_within(inner) if a.kind == "entry" and motion.algebra.moves(of_atom(a))} - {block.name}
        summed = any(name in inner.key for name, _ in term.bound)
        if others or summed or not drops(outer, data, site.own):
            return None
        found[outer.key] = add(found.get(outer.key, constant(0)), inner)
    slopes = list(found.values())
    if not slopes:
        return None
    first = slopes[0]
    lead = next(iter(first.terms))
    for other in slopes[1:]:
        if lead not in other.terms or scale(first, other.terms[lead] / first.terms[lead]) != other:
            return None
    return first


def linear_in_kernels(motion: Motion) -> Iterator[tuple[Data, tuple[int | str, ...], Poly]]:
    """Let a block have an axis along which it moves with the data alone: the sum of its entries against $z$, its other indices free.

    Each is given with the data, the sizes of the other indices (named @1, @2), and the entry, whose index along the axis is @0.
    """
    for block in motion.blocks:
        shape = motion.statement.symbols[block.name].shape
        if len(shape) < 2 or not motion.velocities[block.name].value:
            continue
        for axis, size in enumerate(shape):
            others = [f"@{n}" for n in range(1, len(shape))]
            entries = (*others[:axis], "@0", *others[axis:])
            for data in data_axes(motion, (size,)):
                poly = of_atom(Atom("entry", block.name, entries))
                if not both(on_spheres(motion), unseen(data, ("@0",)))(motion.algebra.cleared(motion.change(poly))):
                    yield data, (*shape[:axis], *shape[axis + 1 :]), poly
