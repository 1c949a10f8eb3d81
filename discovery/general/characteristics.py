"""Functions of one entry and of scalars that forget what couples the coordinates.

Let $w$ be a block whose entries feel the others through scalars alone: $\\frac d{dt}(\\log w_i + q) = w_i^k C B_i$, with $q$ a function of scalars
and time, $B_i$ one entry of the data or of the gradient, and $C$ common to all $i$. Then $\\theta_i = (w_i e^q)^{-k}$ (or $\\log w_i + q$, when
$k = 0$) moves with $\\dot\\theta_i = C' B_i$, the factor $C'$ again common to all $i$.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp
from flint import fmpq

from proofs_check.kernel.index import Atom, Exponent, Poly, Term, add, constant, entry, scale
from theory.symbols import Variable

from .dictionary import Feature, function, log_of, logarithm, weights_of
from .forgetting import Data, both, drops, on_spheres, unseen
from .normalising import cleared_of_constants, whole
from .opened import Motion
from .reading import expression
from .relations import relations


@dataclass(frozen=True)
class Characteristic:
    """The function $\\theta$ as a feature, and as the base and the exponent it is written with; the exponent is None for a logarithm."""

    feature: Feature
    base: Poly
    tail: Poly
    exponent: Poly | None

    def shown(self, motion: Motion, names: dict[str, sp.Symbol]) -> sp.Expr:
        """The function over the symbols of the setting."""
        if self.exponent is None:
            return expression(motion.setting, self.feature.value, names)
        base = expression(motion.setting, self.base, names) * sp.exp(expression(motion.setting, self.tail, names))
        return base ** expression(motion.setting, self.exponent, names)


def characteristic(motion: Motion, block: Variable, own: tuple[str, ...], data: Data, companions: list[Feature]) -> Characteristic | None:
    """The function of an entry of the block and of the companions that moves with the data alone; None when there is none of this form."""
    algebra, x = motion.algebra, entry(block.name, own)
    log = logarithm(motion, x)
    forget = both(on_spheres(motion), unseen(data, own, (block.name,)))
    if log is None:
        return None
    for weight in weights_of(motion, block, own):
        changes = [*(feature.change for feature in companions), log.times(motion, weight).change]
        vector = next((v for v in relations(algebra, changes, forget) if v[-1]), None)
        if vector is None:
            continue
        rate = add(*(scale(change, fmpq(c)) for c, change in zip(vector, changes, strict=True) if c))
        k = _common_exponent(on_spheres(motion)(algebra.cleared(rate)), data, own, block)
        if k is None:
            continue
        q = add(*(scale(feature.value, fmpq(c, vector[-1])) for c, feature in zip(vector, companions, strict=False) if c))
        q = algebra.multiply(q, algebra.power(weight, fmpq(-1)))
        if not k:
            law = whole(cleared_of_constants(motion, add(log_of(motion, x), q)))
            return Characteristic(function(motion, law), x, q, None)
        exponent = scale(k, fmpq(-1))
        number = exponent.number()
        power: Exponent = exponent if number is None else number
        return Characteristic(function(motion, algebra.power(algebra.multiply(x, algebra.exp(q)) if q else x, power)), x, q, exponent)
    return None


def _common_exponent(rate: Poly, data: Data, own: tuple[str, ...], block: Variable) -> Poly | None:
    """k when every term of the rate is w^k times the data and what does not depend on the index."""
    found: dict[str, Poly] = {}
    x = Atom("entry", block.name, own)
    for term in rate.terms:
        factors = dict(term.factors)
        exponent = factors.pop(x, fmpq(0))
        if not drops(Term(term.bound, tuple(factors.items()), term.power), data, own):
            return None
        poly = exponent if isinstance(exponent, Poly) else constant(exponent)
        found[poly.key] = poly
    return next(iter(found.values())) if len(found) == 1 else None
