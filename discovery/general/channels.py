"""Laws for every data matrix, read off the flow with the identity in its place.

Let $G = A^T\\nu$ be the gradient of the loss at the prediction, and let $A = I$. A function f of the entries at one index, and of scalars, with
$\\frac d{dt} f_i = G_i\\,h$ for every i, where h is the same for all, gives the law $\\sum_i z_i f_i$ for every A and every z with $A z = 0$. What is
asked of f at two indices, $G_1 \\dot f_0 - G_0 \\dot f_1 = 0$, is linear in f.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
import sympy as sp

from proofs_check.exact import all_sizes
from proofs_check.kernel.language import Rejected
from theory.settings import Setting
from theory.statements import Evolves, Part
from theory.symbols import Family, Variable, total
from theory.trees import Unstatable

from ..explicit import darboux
from ..explicit.combinations import Function, is_positive, log_of, relations, simplest, written
from ..explicit.independence import Independence
from ..explicit.jets import Sample, sample
from ..explicit.modular import Array, P
from ..explicit.system import NotRational, System, system
from .laws import GeneralLaw, kind_of
from .reading import letters

SIZE = 3  # of the index; functions are compared at the first two of its values
OTHER = 2  # of the other sizes
POINTS = 300
POWERS = 4


def channel_laws(
    setting: Setting, known: Sequence[GeneralLaw] = (), *, random: np.random.Generator, report: Callable[[str], None] | None = None
) -> Iterator[GeneralLaw]:
    """Let a setting have a flow: laws $\\sum_i z_i f_i$ with z in the kernel of a data matrix, proved for all sizes, beside those known.

    f is a combination of inverse powers, or of logarithms, of invariant forms in the entries at one index and in scalars, and of these entries
    and scalars and their squares. `report` is told what was expected to be a law and was not proved.
    """
    for data in setting.variables:
        if data.role == "constant" and len(data.shape) == 2 and all(isinstance(length, sp.Symbol) for length in data.shape):
            channel = _channel(setting, data, random)
            for f in channel.functions(known) if channel else ():
                yield from _proved(setting, data, f, report or (lambda _: None))


def _proved(setting: Setting, data: Variable, f: Family, tell: Callable[[str], None]) -> Iterator[GeneralLaw]:
    """The sum against z, if the kernel accepts it."""
    taken = {entry.name for entry in (*setting.variables, *setting.definitions, *setting.sizes)}
    z = Variable(next(name for name in ("z", "zeta", *(f"z{n}" for n in range(1, 100))) if name not in taken), data.shape[1:])
    ((i, length),) = f.indices
    (m,) = letters(setting, 1, frozenset({str(i)}))
    extended = setting.having(z, hypotheses=(Family(((m, data.shape[0]),), total(data[m, i] * z[i], (i, length))),))
    quantity = Family((), total(z[i] * f.value, (i, length)))
    finding = all_sizes(Part(extended, Evolves(quantity.value)))
    if finding.outcome == "proved":
        origin = f"with the identity for {data.name}, its rate at an index is the gradient there times what is common to all indices"
        yield GeneralLaw(extended, quantity, kind_of(quantity.value), finding, origin)
    else:
        tell(f"{quantity.value} was expected to be conserved, and is not proved: {finding.reason}")


def _channel(setting: Setting, data: Variable, random: np.random.Generator) -> _Channel | None:
    sizes = {length.name: SIZE if length in data.shape else OTHER for length in setting.sizes}
    identity = tuple(tuple(Fraction(int(j == k)) for k in range(SIZE)) for j in range(SIZE))
    try:
        found = system(setting, sizes, {data.name: identity})
    except (NotRational, Rejected, Unstatable, NotImplementedError):
        return None
    alone = {entry for _, entry in found.motion.controls} == {(k,) for k in range(SIZE)} and len(found.motion.controls) == SIZE
    return _Channel(setting, data, found, sample(found, POINTS, random), random) if alone else None


@dataclass(frozen=True)
class _Channel:
    """The flow with the identity for one matrix; its controls are the gradient of the loss."""

    setting: Setting
    data: Variable
    system: System
    sample: Sample
    random: np.random.Generator

    def functions(self, known: Sequence[GeneralLaw]) -> Iterator[Family]:
        """The functions of the entries at one index that give laws, and are no functions of those that do already."""
        memory = Independence(self.system, self.random)
        for law in self.at_first(known):
            memory.adds(law)
        forms = [p for p in darboux.linear(self.system, random=self.random) if p.free_symbols <= self.next.keys() and self.is_local(p)]
        forms.sort(key=lambda p: (not is_positive(self.system, p), len(sp.Add.make_args(p)), str(p)))
        inverses = [(p**-k, "rational", p, -k) for p in forms for k in range(1, POWERS + 1)]
        polynomials = [(m, "polynomial", m, 1) for a in self.next if self.moves(a) for m in (a, a**2)]
        logs = [(log_of(self.system, p), "logarithm", p, 0) for p in forms]
        for group in (inverses, [*polynomials, *logs]):
            still = [Function(f, self.rate(p, k), kind) for f, kind, p, k in group]
            deque(simplest(still, relations(still), memory), maxlen=0)  # laws by themselves
            skew = [Function(f, self.skew(p, k), kind) for f, kind, p, k in group]
            for vector in simplest(skew, relations(skew), memory):
                yield self.family(written(skew, vector))

    def at_first(self, laws: Sequence[GeneralLaw]) -> list[sp.Expr]:
        """What known laws say of the first index: members of families, and the functions summed against z."""
        symbols = {meaning: symbol for symbol, meaning in self.system.meanings.items()}
        sizes = {length: sp.Integer(self.system.sizes[length.name]) for length in self.setting.sizes}
        found = []
        for law in laws:
            own = [v for v in law.setting.variables if v not in self.setting.variables and v.shape == self.data.shape[1:]]
            chosen = {v[k]: sp.Integer(int(k == 0)) for v in own for k in range(SIZE)}
            value = law.quantity.at((0,) * len(law.quantity.indices)).xreplace(sizes).doit().xreplace(chosen).xreplace(symbols)
            if value.free_symbols and value.free_symbols <= set(self.system.symbols):
                found.append(value)
        return found

    @cached_property
    def next(self) -> Mapping[sp.Symbol, sp.Symbol]:
        """The coordinates at the first index, each with its fellow at the second; scalars are their own fellows."""
        symbols = {meaning: symbol for symbol, meaning in self.system.meanings.items()}
        found = {}
        for symbol, meaning in self.system.meanings.items():
            entries = meaning.atoms(sp.Indexed)
            if all(entry.indices == (0,) and self.shape(entry.base.name) == self.data.shape[1:] for entry in entries):
                fellow = meaning.xreplace({entry: entry.base[1] for entry in entries})
                if fellow in symbols:
                    found[symbol] = symbols[fellow]
        return found

    def shape(self, name: str) -> tuple[sp.Expr, ...]:
        named = self.setting[name]
        return named.shape if isinstance(named, Variable) else named.variable.shape

    def moves(self, symbol: sp.Symbol) -> bool:
        return bool(self.sample.coordinate(symbol).rate.any())

    def is_local(self, f: sp.Expr) -> bool:
        """Whether a function depends on an entry at the index that moves."""
        return any(self.moves(a) and self.next[a] != a for a in f.free_symbols)

    def rate(self, p: sp.Expr, k: int) -> Array:
        """The rate of $p^k$, or of log p for k = 0."""
        jet = self.sample.polynomial(p)
        return jet.raised(k).rate if k else jet.log_rate

    def skew(self, p: sp.Expr, k: int) -> Array:
        """$G_1 \\dot f_0 - G_0 \\dot f_1$."""
        fellow = p.xreplace({a: self.next[a] for a in p.free_symbols})
        place = {entry: n for n, (_, entry) in enumerate(self.system.motion.controls)}
        first, second = (self.sample.points.c[place[n,]] for n in (0, 1))
        return (second * self.rate(p, k) % P - first * self.rate(fellow, k)) % P

    def family(self, f: sp.Expr) -> Family:
        """The function at a free index."""
        (i,) = letters(self.setting, 1)
        meant = self.system.meant(f)
        return Family(((i, self.data.shape[1]),), meant.xreplace({entry: entry.base[i] for entry in meant.atoms(sp.Indexed)}))
