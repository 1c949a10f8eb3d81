"""All conservation laws of a flow: how many there can be, those that are found, and whether that is all.

Three kinds of work meet here. The kernel bounds the number of laws from above (`proofs_check.counting`); searches propose laws, for all sizes
first and then at explicit ones; the kernel proves each, and counts the independent ones. A `Search` can be interrupted: what it has found stays.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from random import Random
from typing import Any

import numpy as np
import sympy as sp

from proofs_check.counting import BITS, Reach, count_certificate, reach
from proofs_check.exact import at_instance
from proofs_check.instances import instances_of
from proofs_check.kernel import check
from proofs_check.kernel.language import Rejected, read_statement
from proofs_check.kernel.laws import Row, law_rows
from proofs_check.kernel.points import precision
from proofs_check.kernel.quadrature import form_gradient
from proofs_check.kernel.reach import independent
from proofs_check.sampling import NoPoint, Point, Sizes, assignment, basis, nested, sample
from proofs_check.verdicts import Finding
from theory.settings import Instance, Setting, Values
from theory.statements import Complete, Evolves, Part, statement_tree
from theory.symbols import Family, Variable
from theory.trees import Unstatable

from .display import normal_form
from .engines import ENGINES, Engine
from .explicit.candidate import Candidate
from .explicit.system import NotRational, System, system
from .general.channels import channel_laws
from .general.laws import GeneralLaw, general_laws
from .integrals.quadratures import Quadrature, quadrature_certificate

MOST_SYMBOLIC_DATA = 3
MOST_WRITTEN_OUT = 64
MOST_BOUNDED_FIRST = 400  # coordinates; beyond, laws are quicker found than bounded


@dataclass(frozen=True)
class Law:
    """Let `quantity` be conserved, proved by the kernel, for all values of its free indices, and of its own constants under its setting's hypotheses.

    `adds` is how many independent laws it brought at the point where laws are counted, beside those found before it.
    """

    setting: Setting
    quantity: Family
    kind: str
    finding: Finding
    origin: str
    values: tuple[Mapping[str, Any], ...]
    adds: int

    @property
    def own(self) -> tuple[Variable, ...]:
        """The constants that the law brings with it, such as z in ker A."""
        named = set(self.values[0]) if self.values else set()
        return tuple(variable for variable in self.setting.variables if variable.name in named)


@dataclass(frozen=True)
class Discovery:
    """What is known of the conservation laws of a flow.

    `possible` is the number of independent laws there can be at most, None where no bound was found; `count` is the certified number or bound.
    Of the `found` laws `laws` are formulas, and each of the `quadratures` is one more, of which the kernel proved that it exists.
    """

    setting: Setting
    instance: Instance
    dimension: int
    possible: int | None
    found: int
    laws: tuple[Law, ...]
    quadratures: tuple[Quadrature, ...]
    count: Finding | None
    searched: tuple[str, ...]
    interrupted: bool
    seconds: float

    @property
    def integrals(self) -> int:
        """How many of the independent laws are given by an integral: as quadratures, or by formulas that hold one."""
        return len(self.quadratures) + sum(law.adds for law in self.laws if law.kind == "integral")

    @property
    def complete(self) -> bool | None:
        """True when the kernel counted as many laws as there can be; False when it bounded their number, and some are missing."""
        if self.possible is None:
            return None
        if self.found == self.possible and self.count is not None and self.count.outcome == "proved":
            return True
        return None if self.interrupted else False


@dataclass
class Search:
    """The search for the laws of a setting at an instance: iterate over `run` for the laws as they are found, ask for the `result` at any time."""

    setting: Setting
    instance: Instance
    seed: int = 0
    engines: Sequence[Engine] = ENGINES
    report: Callable[[str], None] = lambda _: None
    laws: list[Law] = field(default_factory=list)
    families: list[GeneralLaw] = field(default_factory=list)
    quadratures: list[Quadrature] = field(default_factory=list)
    forms: list[Any] = field(default_factory=list)
    searched: list[str] = field(default_factory=list)
    best: Reach | None = None
    count: Finding | None = None
    ended: bool = False
    start: float = field(default_factory=time.perf_counter)

    @cached_property
    def point(self) -> Point:
        return sample(self.setting, self.instance, Random(self.seed))

    @cached_property
    def where(self) -> dict[str, Any]:
        return assignment(self.setting, self.instance, self.point, bits=BITS)

    @cached_property
    def tree(self) -> Any:
        return statement_tree(Part(self.setting, Complete(0, ())))

    @cached_property
    def rows(self) -> list[Sequence[Row]]:
        """The gradients of each of the laws found so far, at the point."""
        return []

    @cached_property
    def form_rows(self) -> list[Any]:
        """The forms of the quadratures found so far, at the point."""
        return []

    @property
    def found(self) -> int:
        return sum(law.adds for law in self.laws) + len(self.forms)

    @property
    def room(self) -> int | None:
        return None if self.best is None else self.best.possible - self.found

    def run(self) -> Iterator[Law]:
        """Bound the number of laws, then look for them until they are as many.

        The bound is sharpened step by step, and only while it leaves room: most of the cost of the last step would be to see that nothing changes.
        """
        self.searched.append("the Lie algebra at a random rational point")
        if len(self.columns) <= MOST_BOUNDED_FIRST:
            self.report("an upper bound on the number of laws")
            self.sharpen()
            self.sharpen()
        for name, proposals in self.stages():
            if self.room == 0:
                break
            self.report(name)
            for law in proposals:
                added = self.added(law)
                if added is not None:
                    self.laws.append(added)
                    yield added
                    if self.room:
                        self.sharpen()
                if self.room == 0:
                    break
            self.searched.append(name)
            if self.room != 0:
                self.report("an upper bound on the number of laws")
            while self.room != 0 and self.sharpen():
                pass
        self.report("counting")
        self.close()
        self.ended = True

    def sharpen(self) -> bool:
        """One step further in the Lie algebra; whether there was one."""
        try:
            self.best = next(self.reaching)
        except StopIteration:
            return False
        except (Rejected, NoPoint) as error:
            self.count = Finding("count", "unknown", reason=str(error))
            return False
        return True

    @cached_property
    def reaching(self) -> Iterator[Reach]:
        return reach(self.tree, self.where, seed=self.seed)

    def stages(self) -> Iterator[tuple[str, Iterator[Law]]]:
        """The searches in the order in which they are tried, each with its name."""
        yield "laws for all sizes, in index notation", self.general(general_laws(self.setting, report=self.report))
        seen = np.random.default_rng(self.seed)
        yield "sums over the kernel of the data, channel by channel", self.general(channel_laws(self.setting, self.families, random=seen))
        explicit = self.system
        if isinstance(explicit, str):
            self.searched.append(f"nothing at explicit sizes: {explicit}")
            return
        for engine in self.engines:
            yield engine.searches(explicit), self.at_sizes(explicit, engine)

    def general(self, proposals: Iterator[GeneralLaw]) -> Iterator[Law]:
        """Laws for all sizes, for a basis of the values that their own constants may have at the point."""
        for law in proposals:
            self.families.append(law)
            choices = basis(law.setting, law.quantity.value, Sizes(self.instance.sizes), self.extended(law.setting))
            if choices:
                yield Law(law.setting, law.quantity, law.kind, law.finding, law.origin, tuple(choices), 0)

    def extended(self, setting: Setting) -> Point:
        """The point, with values for what a law's setting has beside the target's."""
        known = {name for name, _ in self.point}
        extra = [variable for variable in setting.variables if variable.name not in known]
        sizes = Sizes(self.instance.sizes)
        return self.point | {(v.name, entry): Fraction(0) for v in extra for entry in sizes.entries(v.shape)}

    @cached_property
    def values(self) -> Mapping[str, Values]:
        """The values of the constants at which laws are looked for: those of the instance, and the point's for data of more than a few entries."""
        found = dict(self.instance.values)
        sizes = Sizes(self.instance.sizes)
        for variable in self.setting.variables:
            if variable.role == "constant" and variable.name not in found:
                entries = len(list(sizes.entries(variable.shape)))
                if entries > MOST_SYMBOLIC_DATA or variable.name in self.constrained:
                    found[variable.name] = _as_values(nested(variable, sizes, self.point))
        return found

    @cached_property
    def constrained(self) -> set[str]:
        """The constants that hypotheses speak of, or that stand in an exponent."""
        named = {entry.base.name for hypothesis in self.setting.hypotheses for entry in hypothesis.value.atoms(sp.Indexed)}
        flow = self.setting.flow
        assert flow is not None
        powers = [power for part in (flow.pairing, *(f.value for f in flow.velocities.values())) for power in part.atoms(sp.Pow)]
        return named | {symbol.name for power in powers for symbol in power.exp.free_symbols}

    @cached_property
    def system(self) -> System | str:
        """The flow at the explicit sizes over a finite field, or why there is none."""
        try:
            return system(self.setting, self.instance.sizes, self.values)
        except (NotRational, Rejected) as error:
            return str(error)

    def at_sizes(self, explicit: System, engine: Engine) -> Iterator[Law]:
        """What an engine finds, polished where that can be proved too; integrals are counted on the way."""
        random = np.random.default_rng(self.seed)
        instance = replace(self.instance, values=self.values)
        for candidate in engine.search(explicit, self.explicit_laws(explicit), random):
            if not isinstance(candidate, Candidate):
                self.integrate(candidate)
                if self.room == 0:
                    return
                continue
            known = self.explicit_laws(explicit)
            for law in dict.fromkeys((normal_form(candidate.law, known), candidate.law)):  # what is polished may be beyond a proof, or no new law
                meant = explicit.meant(law)
                finding = at_instance(Part(self.setting, Evolves(meant)), instance)
                before = self.found
                if finding.outcome == "proved":
                    yield Law(self.setting, Family((), meant), candidate.kind, finding, candidate.origin, ({},), 0)
                if self.found > before:
                    break
            else:
                if finding.outcome != "proved":
                    self.searched.append(f"a candidate without a proof, {meant}: {finding.reason}")

    def explicit_laws(self, explicit: System) -> list[sp.Expr]:
        """The laws found so far, entry by entry, in the symbols of the system; none for systems too large to be written out."""
        if explicit.dimension > MOST_WRITTEN_OUT:
            return []
        symbols = {meaning: symbol for symbol, meaning in explicit.meanings.items()}
        return [
            written.xreplace(symbols)
            for law in self.laws
            for entry in Sizes(self.instance.sizes).entries(tuple(length for _, length in law.quantity.indices))
            for values in law.values
            for written in [self.written_out(law, entry, values)]
        ]

    def written_out(self, law: Law, entry: tuple[int, ...], values: Mapping[str, Any]) -> sp.Expr:
        """One entry of a law with its sums unrolled and its own constants put in."""
        sizes = {length: sp.Integer(self.instance.sizes[length.name]) for length in self.setting.sizes}
        known = {variable.name for variable in law.setting.variables}
        constants = {
            law.setting[name][place]: q for name, value in {**self.values, **values}.items() for place, q in _entries(value) if name in known
        }
        return law.quantity.at(entry).xreplace(sizes).doit().xreplace(constants)

    def added(self, law: Law) -> Law | None:
        """The law with the number of independent ones it brings; None when it brings none."""
        try:
            rows = self.gradients(law)
        except Rejected as error:
            self.searched.append(f"a law that is left out: {error}")
            return None
        after = self.rank(*(row.gradient for row in rows))
        if after <= self.found:
            return None
        self.rows.append(rows)
        return replace(law, adds=after - self.found)

    def integrate(self, quadrature: Quadrature) -> None:
        """Take in a law given by an integral, if the kernel proves that it exists, and it is independent of those found before."""
        try:
            with precision(BITS):
                form = quadrature_certificate(quadrature, self.where, self.rows)
                row = form_gradient(self.tree, form, self.rows, self.where)
        except (Rejected, Unstatable) as error:
            self.searched.append(f"an integral without a proof, {quadrature.text}: {error}")
            return
        if self.rank(row) > self.found:
            self.quadratures.append(quadrature)
            self.forms.append(form)
            self.form_rows.append(row)
            if self.room:
                self.sharpen()

    def rank(self, *more: Any) -> int:
        """How many laws are independent at the point, those found and those of more gradients."""
        with precision(BITS):
            return independent([*(row.gradient for rows in self.rows for row in rows), *self.form_rows, *more], self.columns)

    @cached_property
    def columns(self) -> tuple[Any, ...]:
        statement, sizes = read_statement(self.tree), Sizes(self.instance.sizes)
        shapes = {v.name: v.shape for v in self.setting.variables}
        moving = [name for name, symbol in statement.symbols.items() if symbol.role == "parameter"]
        times = [name for name, symbol in statement.symbols.items() if symbol.role == "time"]
        return tuple((name, entry) for name in moving + times for entry in sizes.entries(shapes[name]))

    def gradients(self, law: Law) -> list[Row]:
        """The gradients of a law at the point; `Rejected` where its proof, or the conditions of its proof, do not hold there."""
        with precision(BITS):
            return law_rows(self.tree, {"certificate": law.finding.certificate, "values": list(law.values)}, self.where)

    def close(self) -> None:
        """Have the number of laws certified: exactly, if enough were found, otherwise from above."""
        if self.best is None:
            return
        start = time.perf_counter()
        laws = [{"certificate": law.finding.certificate, "values": list(law.values)} for law in self.laws]
        certificate = count_certificate(self.tree, self.where, self.best, laws, self.forms, least=self.found)
        try:
            accepted = check(certificate)
            self.count = Finding("count", "proved", "exact", accepted.text, certificate, accepted.conditions, seconds=time.perf_counter() - start)
        except Rejected as error:
            self.count = Finding("count", "unknown", reason=str(error), seconds=time.perf_counter() - start)

    def result(self) -> Discovery:
        """What is known now."""
        return Discovery(
            self.setting,
            self.instance,
            len(self.columns),
            self.best.possible if self.best and self.count and self.count.outcome == "proved" else None,
            self.found,
            tuple(self.laws),
            tuple(self.quadratures),
            self.count,
            tuple(self.searched),
            not self.ended,
            time.perf_counter() - self.start,
        )


def _as_values(node: Any) -> Values:
    return tuple(map(_as_values, node)) if isinstance(node, list) else Fraction(node)


def _entries(value: Any, place: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], sp.Rational]]:
    """The numbers in nested lists or tuples, with their places."""
    if isinstance(value, list | tuple):
        for k, part in enumerate(value):
            yield from _entries(part, (*place, k))
    else:
        q = Fraction(value)
        yield place, sp.Rational(q.numerator, q.denominator)


def discover(setting: Setting, instance: Instance | None = None, *, seed: int = 0, engines: Sequence[Engine] = ENGINES) -> Discovery:
    """Let a setting with a flow be given, and explicit sizes or else its own: its laws, their number, and whether these are all.

    The laws are those that hold for every value of the cotangents; they may depend on time where the setting has a variable of time.
    """
    search = Search(setting, instance or instances_of(setting)[0], seed, engines)
    for _ in search.run():
        pass
    return search.result()
