"""The statement of a theorem as a section of Rocq: variables, hypotheses, and the claim.

Let a part be given, and perhaps explicit sizes. A claim about a flow speaks of any curve that solves its equations of motion on an open interval of
time, with the signs declared and on its spheres; the cotangents are arbitrary functions of time. What has no value for some reals (a logarithm, a
quotient, a power that is not whole) has one in Rocq, by convention; so every such place becomes a hypothesis, unless the signs already say that it is
defined.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from flint import fmpq

from theory.settings import Instance, Setting
from theory.statements import Part, statement_tree
from theory.trees import declared_names, family_tree

from ..instances import sizes_of
from ..kernel.language import (
    Add,
    AtMost,
    Count,
    Equal,
    Evolves,
    Family,
    Fn,
    Gradient,
    Mul,
    Number,
    Pow,
    Ref,
    Size,
    Statement,
    Sum,
    Tree,
    read_family,
    read_statement,
)
from .terms import Terms, Unexportable, binders, dependent, mentioned, needed, over, rational
from .words import rocq_name

Mode = Literal["evolves", "conserved", "equal", "gradient"]
SIGNS: Mapping[str, str] = {"positive": "0 < {}", "nonnegative": "0 <= {}", "nonzero": "{} <> 0"}
OTHER: Mapping[type, str] = {Count: "a count of laws", AtMost: "an inequality"}
ALWAYS = "forall t, t0 < t < t1 -> "


@dataclass(frozen=True)
class Side:
    """A condition under which the statement is defined: for all values of the scope, the tree is positive, or not zero."""

    scope: tuple[tuple[str, Size], ...]
    tree: Tree
    positive: bool


@dataclass(frozen=True)
class Section:
    """A statement with the equations of motion it is about; with `sizes`, at explicit sizes, some of the constants with their `values`."""

    statement: Statement
    velocities: Mapping[str, Family]
    sizes: Mapping[str, int] | None = None
    values: Mapping[str, fmpq] = field(default_factory=dict)

    @cached_property
    def mode(self) -> Mode:
        match self.statement.claim:
            case Evolves(_, _, Number(value)) if value == 0:
                return "conserved"
            case Evolves():
                return "evolves"
            case Equal():
                return "equal"
            case Gradient():
                return "gradient"
        raise Unexportable(self._no_rule)

    @cached_property
    def names(self) -> frozenset[str]:
        """The symbols and definitions the theorem needs: those of the claim, of the motion of what it mentions, and of the hypotheses."""
        statement = self.statement
        trees = [tree for _, tree, _ in self.claimed]
        if isinstance(statement.claim, Gradient):
            trees.append(Ref(statement.claim.by))
        found = needed(statement, trees)
        while True:
            more = set(found)
            if self.mode in ("evolves", "conserved"):
                more |= needed(statement, [self.velocities[name].value for name in found if name in self.velocities])
            for hypothesis in statement.hypotheses:
                names = needed(statement, [hypothesis.value])
                if names & found:
                    more |= names
            if more == found:
                return frozenset(found)
            found = more

    @cached_property
    def hypotheses(self) -> tuple[tuple[int, Family], ...]:
        """The hypotheses with a name in common with the rest; a set of equations about other names says nothing here."""
        return tuple((n, h) for n, h in enumerate(self.statement.hypotheses) if needed(self.statement, [h.value]) & self.names)

    @cached_property
    def claimed(self) -> tuple[tuple[str, Tree, tuple[tuple[str, Size], ...]], ...]:
        """The trees of the claim with their names and indices."""
        match self.statement.claim:
            case Evolves(indices, quantity, rate):
                return ("quantity", quantity, indices), ("rate", rate, indices)
            case Equal(indices, left, right):
                return ("left", left, indices), ("right", right, indices)
            case Gradient(of, _, indices, value):
                return ("quantity", of, ()), ("value", value, indices)
        raise Unexportable(self._no_rule)

    @property
    def _no_rule(self) -> str:
        return f"there is no rule for {OTHER[type(self.statement.claim)]}; exported are evolutions along a flow, identities and gradients"

    @cached_property
    def argument(self) -> str:
        claim = self.statement.claim
        return claim.by if isinstance(claim, Gradient) else "t"

    @cached_property
    def moving(self) -> frozenset[str]:
        """What depends on time, or on the point at which the gradient is taken."""
        claim = self.statement.claim
        if isinstance(claim, Gradient):
            return dependent(self.statement, [claim.by])
        if isinstance(claim, Evolves):
            return dependent(self.statement, [s.name for s in self.statement.symbols.values() if s.role != "constant"])
        return frozenset()

    @cached_property
    def terms(self) -> Terms:
        return Terms(self.statement, self.moving, self.argument)

    @cached_property
    def moved(self) -> tuple[str, ...]:
        """The parameters whose equations of motion are hypotheses."""
        return tuple(name for name in self.velocities if name in self.names) if self.mode in ("evolves", "conserved") else ()

    @cached_property
    def definitions(self) -> tuple[str, ...]:
        return tuple(name for name in self.statement.definitions if name in self.names)

    @cached_property
    def sides(self) -> tuple[Side, ...]:
        """Where everything written down is defined, beyond what the signs say; inner places first, each once."""
        families = [self.statement.definitions[name] for name in self.definitions]
        families += [h for _, h in self.hypotheses] + [self.velocities[name] for name in self.moved]
        families += [Family(indices, tree) for _, tree, indices in self.claimed]
        found: dict[str, Side] = {}
        for family in families:
            for side in self._sides(family.value, family.indices):
                found.setdefault(self.side(side), side)
        return tuple(found.values())

    def _sides(self, tree: Tree, scope: tuple[tuple[str, Size], ...]) -> Iterator[Side]:
        match tree:
            case Add(args) | Mul(args):
                for arg in args:
                    yield from self._sides(arg, scope)
            case Sum(index, size, body):
                yield from self._sides(body, (*scope, (index, size)))
            case Fn(_, arg):
                yield from self._sides(arg, scope)
                match tree:
                    case Fn("log", Fn("abs", inside)):
                        yield from self._side(inside, scope, positive=False)
                    case Fn("log", _):
                        yield from self._side(arg, scope, positive=True)
                    case Fn("abs", _) if mentioned(arg) & self.moving:
                        yield from self._side(arg, scope, positive=False)
            case Pow(base, exponent):
                yield from self._sides(base, scope)
                yield from self._sides(exponent, scope)
                if not isinstance(exponent, Number) or exponent.value.q != 1:
                    if mentioned(exponent) & self.moving:
                        raise Unexportable("an exponent moves; exported are powers with constant exponents, and exp")
                    yield from self._side(base, scope, positive=True)
                elif exponent.value < 0:
                    yield from self._side(base, scope, positive=False)

    def _side(self, tree: Tree, scope: tuple[tuple[str, Size], ...], *, positive: bool) -> Iterator[Side]:
        if not (self.is_positive(tree) or (not positive and self.is_nonzero(tree))):
            used = _indices(tree)
            yield Side(tuple((name, size) for name, size in scope if name in used), tree, positive)

    def is_positive(self, tree: Tree) -> bool:
        """Whether the declared signs say so at once."""
        match tree:
            case Number(value):
                return value > 0
            case Ref(name, _) if name in self.statement.sizes:
                return True
            case Ref(name, _) if name in self.statement.definitions:
                return self.is_positive(self.statement.definitions[name].value)
            case Ref(name, _):
                return self.statement.symbols[name].sign == "positive" if name in self.statement.symbols else False
            case Add(args) | Mul(args):
                return bool(args) and all(map(self.is_positive, args))
            case Pow(base, _) | Sum(_, _, base):
                return self.is_positive(base)
            case Fn(name, _):
                return name == "exp"
        return False

    def is_nonzero(self, tree: Tree) -> bool:
        match tree:
            case Ref(name, _) if name in self.statement.symbols:
                return self.statement.symbols[name].sign in ("positive", "nonzero")
            case Mul(args):
                return all(self.is_positive(arg) or self.is_nonzero(arg) for arg in args)
            case Pow(base, Number(q)) if q.q == 1:
                return self.is_nonzero(base)
        return self.is_positive(tree)

    # ---- text ----

    @property
    def always(self) -> str:
        return ALWAYS if self.mode in ("evolves", "conserved") else ""

    def side(self, side: Side) -> str:
        what = self.terms.of(side.tree)
        return f"{over(side.scope)}{self.always if self._moves(side.tree) else ''}{f'0 < {what}' if side.positive else f'{what} <> 0'}"

    def _moves(self, tree: Tree) -> bool:
        return bool(mentioned(tree) & self.moving)

    def declarations(self) -> Iterator[str]:
        """Variables and definitions, in an order in which each is known before it is used."""
        statement, terms = self.statement, self.terms
        if self.sizes is None:
            if statement.sizes:
                yield f"Variables {' '.join(map(rocq_name, statement.sizes))} : nat."
        else:
            for name, size in self.sizes.items():
                yield f"Definition {rocq_name(name)} : nat := {size}."
        timed = self.mode in ("evolves", "conserved")
        for name, symbol in statement.symbols.items():
            if name not in self.names or symbol.role == "time":
                continue
            if name in self.values:
                yield f"Definition {rocq_name(name)} : R := {rational(self.values[name])[0]}."
                continue
            kind = "nat -> " * len(symbol.shape) + ("R -> R" if timed and name in self.moving else "R")
            yield f"Variable {rocq_name(name)} : {kind}."
        if timed:
            yield "Variables t0 t1 : R."
        for name in self.definitions:
            family = statement.definitions[name]
            yield f"Definition {rocq_name(name)}{binders(family)}{self.binder(name)} : R := {terms.of(family.value)}."

    def binder(self, name: str) -> str:
        """The argument of what moves."""
        return self._argument if name in self.moving else ""

    @property
    def _argument(self) -> str:
        claim = self.statement.claim
        if isinstance(claim, Gradient):
            return f" ({rocq_name(claim.by)} : {'nat -> ' * len(claim.indices)}R)"
        return " (t : R)" if self.mode in ("evolves", "conserved") else ""

    def assumptions(self) -> Iterator[tuple[str, str]]:
        """The hypotheses with their names."""
        statement, terms = self.statement, self.terms
        if self.sizes is None:
            for size in statement.sizes:
                yield f"{size}_positive", f"(0 < {rocq_name(size)})%nat"
        for name, symbol in statement.symbols.items():
            if name in self.names and symbol.sign in SIGNS and name not in self.values:
                indices = tuple((f"i{n}" if len(symbol.shape) > 1 else "i", size) for n, size in enumerate(symbol.shape))
                always = self.always if name in self.moving else ""
                yield f"{name}_{symbol.sign}", f"{over(indices)}{always}{SIGNS[symbol.sign].format(self.reference(name, indices))}"
        for n, family in self.hypotheses:
            always = self.always if self._moves(family.value) else ""
            yield f"hypothesis_{n}", f"{over(family.indices)}{always}{terms.of(family.value)} = 0"
        for n, side in enumerate(self.sides):
            yield f"defined_{n}", self.side(side)
        for name in self.moved:
            family = self.velocities[name]
            who = " ".join([rocq_name(name), *(rocq_name(index) for index, _ in family.indices)])
            who = f"({who})" if family.indices else who
            yield f"{name}_moves", f"{over(family.indices)}{ALWAYS}derivable_pt_lim {who} t ({terms.of(family.value)})"

    def reference(self, name: str, indices: tuple[tuple[str, Size], ...]) -> str:
        """An entry, with its own time where it has one."""
        words = [rocq_name(name), *(rocq_name(index) for index, _ in indices)]
        if self.always and name in self.moving:
            words.append("t")
        return " ".join(words)

    def claims(self) -> Iterator[str]:
        """The definitions of what the claim compares."""
        for name, tree, indices in self.claimed:
            if self.mode == "conserved" and name == "rate":
                continue
            argument = self._argument if self.mode != "gradient" or name == "quantity" else ""
            yield f"Definition {name}{binders(Family(indices, tree))}{argument} : R := {self.terms.of(tree)}."

    @property
    def theorem(self) -> str:
        """What is proved."""
        indices = self.statement.claim.indices
        words = "".join(f" {rocq_name(name)}" for name, _ in indices)
        match self.mode:
            case "conserved":
                return f"{over(indices)}forall s t, t0 < s < t1 -> t0 < t < t1 -> quantity{words} s = quantity{words} t"
            case "evolves":
                return f"{over(indices)}{ALWAYS}{self.moves(words)}"
            case "equal":
                return f"{over(indices)}left{words} = right{words}"
            case "gradient":
                return f"{over(indices)}{self.slope(words)}"

    def moves(self, words: str) -> str:
        """The derivative at t of the quantity with these indices."""
        of = f"(quantity{words})" if words else "quantity"
        rate = "0" if self.mode == "conserved" else f"(rate{words} t)"
        return f"derivable_pt_lim {of} t {rate}"

    def slope(self, words: str) -> str:
        """The partial derivative by the entry with these indices."""
        by = rocq_name(self.argument)
        if not words:
            return f"derivable_pt_lim quantity {by} value"
        if len(self.statement.claim.indices) > 1:
            raise Unexportable("a gradient by a matrix is not exported; state it entry by entry")
        return f"derivable_pt_lim (fun h => quantity (update {by}{words} h)) ({by}{words}) (value{words})"


def section_of(part: Part, instance: Instance | None = None) -> Section:
    """A part as a section, for all sizes or at those of the instance.

    Raises `Unexportable` for what has no place in it, and what reading the statement raises.
    """
    setting = part.setting
    statement = read_statement(statement_tree(part))
    velocities = _velocities(setting, statement) if isinstance(statement.claim, Evolves) else {}
    if instance is None:
        return Section(statement, velocities)
    values = {}
    for name, value in instance.values.items():
        if isinstance(value, tuple):
            raise Unexportable(f"{name} has a value of several entries; exported are sizes and the values of scalars")
        values[name] = fmpq(value.numerator, value.denominator)
    return Section(statement, velocities, sizes_of(setting, instance), values)


def _velocities(setting: Setting, statement: Statement) -> Mapping[str, Family]:
    if setting.flow is None:
        raise Unexportable("the claim is about a flow, and its setting has none")
    declared = declared_names(setting)
    return {name: read_family(statement, family_tree(v, declared=declared)) for name, v in setting.flow.velocities.items()}


def _indices(tree: Tree) -> set[str]:
    """The index names that occur in a tree."""
    match tree:
        case Ref(_, indices):
            return {i for i in indices if isinstance(i, str)}
        case Add(args) | Mul(args):
            return set().union(*map(_indices, args))
        case Pow(base, exponent):
            return _indices(base) | _indices(exponent)
        case Sum(index, _, body):
            return _indices(body) - {index}
        case Fn(_, arg):
            return _indices(arg)
    return set()
