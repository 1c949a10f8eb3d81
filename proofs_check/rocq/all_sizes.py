"""Proofs for all sizes.

A sum over a symbolic range is written as a combination of sums of products: what does not depend on the index is taken out, the rest is split term by
term, and a sum inside a product of a sum is joined with it, in one order of the ranges. Each such rewriting is proved by `sum_ext` from an identity
between the summands at one index, where every entry is a number, and by linearity (`sum_plus`, `sum_scal`, `sum_swap`). With the sums that are left
for unknowns, the residual of the claim is a fraction again, and the multiples of the hypotheses that the search for the kernel's certificates finds
close it. Nothing is believed here either: Rocq checks every step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, permutations
from typing import TypeAlias, TypeVar

from flint import Ordering, fmpq, fmpq_mpoly, fmpq_mpoly_ctx

from theory.statements import Part, gradient_tree

from ..cofactors import search
from ..division import divide
from ..kernel.all_sizes import residual
from ..kernel.instance import MOST_PASSES, Fraction, Ring, _Again, _Pass
from ..kernel.language import Add, Equal, Evolves, Fn, Index, Mul, Number, Pow, Ref, Sign, Size, Statement, Sum, Symbol, Tree, read_family
from .section import Section
from .terms import Unexportable, over, size_text
from .tower import Tower
from .words import rocq_name

T = TypeVar("T")
Bound: TypeAlias = tuple[str, Size]
ONE = Number(fmpq(1))
ZERO = Number(fmpq(0))
INTO = "  "
MOST_RANGES = 5  # of a sum of products: all their orders are looked at


def free(tree: Tree) -> frozenset[str]:
    """The indices that are free in a tree."""
    match tree:
        case Ref(_, indices):
            return frozenset(i for i in indices if isinstance(i, str))
        case Add(args) | Mul(args):
            return frozenset().union(*map(free, args))
        case Pow(base, exponent):
            return free(base) | free(exponent)
        case Fn(_, arg):
            return free(arg)
        case Sum(index, _, body):
            return free(body) - {index}
    return frozenset()


def renamed(tree: Tree, names: Mapping[str, Index]) -> Tree:
    """The tree with free indices replaced; a bound one that would hide a new one gets another name first."""
    match tree:
        case Ref(name, indices):
            return Ref(name, tuple(names.get(i, i) if isinstance(i, str) else i for i in indices))
        case Add(args):
            return Add(tuple(renamed(arg, names) for arg in args))
        case Mul(args):
            return Mul(tuple(renamed(arg, names) for arg in args))
        case Pow(base, exponent):
            return Pow(renamed(base, names), renamed(exponent, names))
        case Fn(name, arg):
            return Fn(name, renamed(arg, names))
        case Sum(index, size, body):
            inner = {old: new for old, new in names.items() if old != index}
            taken = {new for old, new in inner.items() if old in free(body)}
            own = index
            while own in taken:
                own += "_"
            return Sum(own, size, renamed(body, {**inner, index: own}))
    return tree


def shape(tree: Tree, depth: int = 0) -> Tree:
    """The tree with its bound indices called by their depth: equal for trees that differ in these names alone."""
    match tree:
        case Add(args):
            return Add(tuple(shape(arg, depth) for arg in args))
        case Mul(args):
            return Mul(tuple(shape(arg, depth) for arg in args))
        case Pow(base, exponent):
            return Pow(shape(base, depth), shape(exponent, depth))
        case Fn(name, arg):
            return Fn(name, shape(arg, depth))
        case Sum(index, size, body):
            return Sum(f"#{depth}", size, shape(renamed(body, {index: f"#{depth}"}), depth + 1))
    return tree


@dataclass(frozen=True)
class Term:
    """coefficient * sum of the body over the index, where the coefficient does not depend on it; `joined` is the sum in its one order."""

    coefficient: Tree
    body: Tree
    joined: Tree


@dataclass
class Calculus:
    """A section whose entries, cotangents and sums are names for numbers, so that a summand at one index is a fraction of the kernel's tower."""

    section: Section
    written: frozenset[str]  # the definitions that are written out
    roots: dict[str, int]  # how fine the roots of the tower are, in every ring alike
    trees: dict[str, Tree] = field(default_factory=dict)
    names: dict[Tree, str] = field(default_factory=dict)
    steps: int = 0

    # ---- numbers ----

    def number(self, tree: Tree) -> Ref:
        """The name of a number: an entry, or a sum."""
        key = shape(tree)
        if key not in self.names:
            name = f"n{len(self.names)}"
            self.names[key], self.trees[name] = name, tree
        return Ref(self.names[key])

    def sign(self, tree: Tree) -> Sign:
        match tree:
            case Ref(name, _) if name in self.section.statement.symbols:
                return self.section.statement.symbols[name].sign
        return "positive" if self.section.is_positive(tree) else "real"

    def settled(self, compute: Callable[[_Pass], T]) -> T:
        symbols = {name: Symbol(name, (), "constant", self.sign(tree)) for name, tree in self.trees.items()}
        statement, room = Statement((), symbols, {}, (), None, Equal((), ZERO, ZERO)), 4
        for _ in range(MOST_PASSES):
            attempt = _Pass(statement, {}, {}, room, self.roots)
            try:
                return compute(attempt)
            except _Again:
                room = room if len(attempt.ring.tower) < room else 2 * room
            except (LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, ValueError) as error:
                raise Unexportable(f"a summand cannot be computed: {type(error).__name__}: {error}") from error
        raise Unexportable("the roots of the statement did not settle")

    def out(self, tree: Tree) -> Tree:
        """Names put back into what they stand for."""
        match tree:
            case Ref(name, ()) if name in self.trees:
                return self.trees[name]
            case Add(args):
                return Add(tuple(map(self.out, args)))
            case Mul(args):
                return Mul(tuple(map(self.out, args)))
            case Pow(base, exponent):
                return Pow(self.out(base), self.out(exponent))
            case Fn(name, arg):
                return Fn(name, self.out(arg))
        return tree

    def text(self, tree: Tree) -> str:
        return self.section.terms.of(self.out(tree))

    def tower(self, ring: Ring) -> Tower:
        return _Words(ring, {}, lambda name: self.text(Ref(name)), self)

    def whole(self, tree: Tree) -> Tree:
        """The tree with the chosen definitions written out."""
        match tree:
            case Ref(name, indices) if name in self.written:
                family = self.section.statement.definitions[name]
                return self.whole(renamed(family.value, {own: k for (own, _), k in zip(family.indices, indices, strict=True)}))
            case Add(args):
                return Add(tuple(map(self.whole, args)))
            case Mul(args):
                return Mul(tuple(map(self.whole, args)))
            case Pow(base, exponent):
                return Pow(self.whole(base), self.whole(exponent))
            case Fn(name, arg):
                return Fn(name, self.whole(arg))
            case Sum(index, size, body):
                own = self.index(index)
                return Sum(own, size, self.whole(renamed(body, {index: own})))
        return tree

    def index(self, like: str) -> str:
        """A name for a bound index that nothing else has."""
        statement = self.section.statement
        while True:
            self.steps += 1
            name = f"{like.rstrip(''.join(map(str, range(10))))}{self.steps}"
            if name not in statement.symbols and name not in statement.definitions and name not in statement.sizes:
                return name

    # ---- sums ----

    def inside(self, tree: Tree) -> Tree:
        """A whole tree with names for entries and combinations of named sums for sums."""
        match tree:
            case Ref() | Fn("abs", _):
                return self.number(tree)
            case Add(args):
                return Add(tuple(map(self.inside, args)))
            case Mul(args):
                return Mul(tuple(map(self.inside, args)))
            case Pow(base, exponent):
                return Pow(self.inside(base), self.inside(exponent))
            case Fn(name, arg):
                return Fn(name, self.inside(arg))
            case Sum(index, size, body):
                return self.combined(self.split((index, size), self.inside(body)))
        return tree

    def combined(self, terms: Sequence[Term]) -> Tree:
        return _plus(_times(term.coefficient, self.number(term.joined)) for term in terms)

    def split(self, bound: Bound, body: Tree) -> tuple[Term, ...]:
        """The sum of the body as a combination of sums of products."""
        return tuple(
            Term(coefficient, product, self.joined(bound, product))
            for coefficient, product in self.settled(lambda attempt: self._split(attempt, bound[0], _value(attempt, body)))
        )

    def _split(self, attempt: _Pass, index: str, f: Fraction) -> list[tuple[Tree, Tree]]:
        ring = attempt.ring
        words = [self.generator(ring, g) if any(p.degrees()[g] for p in (f.num, f.den)) else ONE for g in range(ring.context.nvars())]
        moves = [index in free(self.out(word)) for word in words]

        def power(g: int, e: int) -> Tree:
            return words[g] if e == 1 else Pow(words[g], Number(fmpq(e)))

        outer, inner = list[Tree](), list[Tree]()
        lead, factors = f.den.factor()
        for p, k in factors:
            fixed = not any(moves[g] and d for g, d in enumerate(p.degrees()))
            (outer if fixed else inner).append(Pow(self.polynomial(ring, p), Number(fmpq(-k))))
        groups: dict[tuple[int, ...], list[Tree]] = {}
        for exponents, q in f.num.terms():
            key = tuple(e if moves[g] else 0 for g, e in enumerate(exponents))
            rest = [power(g, e) for g, e in enumerate(exponents) if e and not moves[g]]
            groups.setdefault(key, []).append(_times(Number(q / lead), *rest))
        return [(_times(_plus(parts), *outer), Mul((*(power(g, e) for g, e in enumerate(key) if e), *inner))) for key, parts in groups.items()]

    def generator(self, ring: Ring, index: int) -> Tree:
        if index in ring.logs:
            return Fn("log", self.fraction(ring, ring.logs[index]))
        if index in ring.terms:
            term = ring.terms[index]
            exponent = self.fraction(ring, term.m.times(term.q))
            return Fn("exp", exponent) if term.atom is None else Pow(self.fraction(ring, term.atom), exponent)
        name = ring.context.name(index)
        if name not in self.trees:
            raise Unexportable(f"{ring.texts.get(name, name)} has no rule for all sizes")
        return Ref(name)

    def polynomial(self, ring: Ring, p: fmpq_mpoly) -> Tree:
        terms: list[Tree] = []
        for exponents, q in p.terms():
            powers = (Pow(self.generator(ring, g), Number(fmpq(e))) if e > 1 else self.generator(ring, g) for g, e in enumerate(exponents) if e)
            terms.append(_times(Number(q), *powers))
        return _plus(terms)

    def fraction(self, ring: Ring, f: Fraction) -> Tree:
        if (value := f.rational()) is not None:
            return Number(value)
        if f.den.is_constant():
            return self.polynomial(ring, f.num * (1 / f.den.leading_coefficient()))
        return _times(self.polynomial(ring, f.num), Pow(self.polynomial(ring, f.den), Number(fmpq(-1))))

    def opened(self, bound: Bound, product: Tree) -> tuple[list[Tree], list[Sum]]:
        """The factors of a product, and those of them that are sums depending on the index, a square twice."""
        kept, inner = list[Tree](), list[Sum]()
        for factor in product.args if isinstance(product, Mul) else (product,):
            match self.out(factor):
                case Sum() as tree if bound[0] in free(tree):
                    inner.append(tree)
                case Pow(Sum() as tree, Number(q)) if q.q == 1 and q > 0 and bound[0] in free(tree):
                    inner += [tree] * int(q)
                case tree:
                    kept.append(tree)
        return kept, inner

    def joined(self, bound: Bound, product: Tree) -> Tree:
        """The sum of a product, with the sums inside it, in the first of all orders of its ranges."""
        layers = _layers(bound, *self.opened(bound, product))
        return _first(layers)[1]

    # ---- proofs ----

    def fresh(self, letter: str) -> str:
        self.steps += 1
        return f"{letter}{self.steps}"

    def rewritings(self, trees: Sequence[Tree], indent: str) -> tuple[list[str], list[str]]:
        """Equations for every sum and every function value in the trees, inner ones first: the lines that prove them, and their names."""
        lines: list[str] = []
        done: dict[Tree, str] = {}

        def visit(tree: Tree) -> None:
            match tree:
                case Add(args) | Mul(args):
                    for arg in args:
                        visit(arg)
                case Pow(base, exponent):
                    visit(base)
                    visit(exponent)
                    if not isinstance(exponent, Number) or exponent.value.q != 1:
                        place(tree, base)
                case Fn(function, arg):
                    visit(arg)
                    if function != "abs":
                        place(tree, arg)
                case Sum():
                    if shape(tree) not in done:
                        name = self.fresh("E")
                        lines.extend(self.summed(tree, name, indent))
                        done[shape(tree)] = name

        def place(tree: Tree, base: Tree) -> None:
            if shape(tree) not in done:
                name = self.fresh("E")
                lines.extend(self.placed(tree, base, name, _outermost_last(done), indent))
                done[shape(tree)] = name

        for tree in trees:
            visit(tree)
        return lines, _outermost_last(done)

    def placed(self, tree: Tree, base: Tree, name: str, before: Sequence[str], indent: str) -> Iterator[str]:
        """A logarithm as a sum of logarithms, a power or an exponential as a product of powers."""
        inner, value = self.inside(base), self.inside(tree)
        again = "".join(f" try rewrite {known};" for known in reversed(before))
        terms = self.section.terms

        def told(attempt: _Pass) -> tuple[str, str, tuple[str, str]]:
            tower, f = self.tower(attempt.ring), _value(attempt, value)
            if isinstance(tree, Fn) and tree.name not in ("log", "exp"):
                raise Unexportable(f"{tree.name} has no rule for all sizes")
            positive = not (isinstance(tree, Fn) and tree.name == "log")
            right = tower.factored(f) if positive else tower.fraction(f)
            if isinstance(tree, Fn) and tree.name == "exp":
                return right, "", ("", "")
            return right, tower.factored(_value(attempt, inner)), tower.parts(_value(attempt, inner))

        right, whole, (product, rest) = self.settled(told)
        yield f"{indent}assert ({name} : {terms.of(tree)} = {right})."
        if not whole:
            yield f"{indent}{{ apply ln_inv; [gf_pos | gf_pos | rewrite ln_exp;{again} gf_ln; gf_field]. }}"
            return
        yield f"{indent}{{ assert (B : {terms.of(base)} = {whole}) by ({again[1:]} gf_field)."
        if rest:
            yield f"{indent}  assert (Q : 0 < {terms.of(base)}) by gf_pos. rewrite B in Q."
            yield f"{indent}  assert (P := positive_factor ({product}) {rest} ltac:(gf_pos) Q)."
        yield f"{indent}  try rewrite B."
        if isinstance(tree, Fn):
            yield f"{indent}  gf_ln;{again} gf_field. }}"
        else:
            yield f"{indent}  apply ln_inv; [gf_pos | gf_pos | gf_ln;{again} gf_field]. }}"

    def summed(self, tree: Sum, name: str, indent: str) -> Iterator[str]:
        """A sum as a combination of sums of products."""
        terms = self.split((tree.index, tree.size), self.inside(tree.body))
        yield f"{indent}assert ({name} : {self.section.terms.of(tree)} = {self.text(self.combined(terms))})."
        yield f"{indent}{{ transitivity ({self.summands((tree.index, tree.size), terms)})."
        yield f"{indent}  {{ apply sum_ext; intros {_word(tree.index)} H{_word(tree.index)}."
        lines, known = self.rewritings([tree.body], indent + 2 * INTO)
        yield from lines
        yield from (f"{indent}    try rewrite {one}." for one in reversed(known))
        yield f"{indent}    gf_field. }}"
        yield from self.linear((tree.index, tree.size), terms, indent + INTO)
        yield f"{indent}}}"

    def summands(self, bound: Bound, terms: Sequence[Term]) -> str:
        parts = [f"({self.text(term.coefficient)}) * ({self.text(term.body)})" for term in terms] or ["0"]
        return f"sum {size_text(bound[1])} (fun {_word(bound[0])} => {' + '.join(parts)})"

    def linear(self, bound: Bound, terms: Sequence[Term], indent: str) -> Iterator[str]:
        """From the sum of a combination to the combination of sums, each in its one order."""
        size, index = size_text(bound[1]), _word(bound[0])
        parts = [f"({self.text(term.coefficient)}) * ({self.text(term.body)})" for term in terms]
        if not parts:
            yield f"{indent}rewrite sum_zero. ring."
            return
        for n in range(len(parts) - 1, 0, -1):
            yield f"{indent}rewrite (sum_plus {size} (fun {index} => {' + '.join(parts[:n])}) (fun {index} => {parts[n]}))."
        for term in terms:
            yield f"{indent}rewrite (sum_scal {size} ({self.text(term.coefficient)}) (fun {index} => {self.text(term.body)}))."
        names = []
        for term in terms:
            names.append(self.fresh("F"))
            yield from self.ordered(bound, term, names[-1], indent)
        yield f"{indent}{' '.join(f'try rewrite {one}.' for one in names)} gf_field."

    def ordered(self, bound: Bound, term: Term, name: str, indent: str) -> Iterator[str]:
        """The sum of a product with sums in it, in its one order: what stands beside an inner sum goes into it, then ranges are exchanged."""
        size, index, terms = size_text(bound[1]), _word(bound[0]), self.section.terms
        kept, inner = self.opened(bound, term.body)
        layers = _layers(bound, kept, inner)
        bounds, factors = _flat(layers)
        order, _ = _first(layers)
        yield f"{indent}assert ({name} : sum {size} (fun {index} => {self.text(term.body)}) = {self.text(term.joined)})."
        yield f"{indent}{{ transitivity ({self.nest(bounds, factors)})."
        yield f"{indent}  {{ apply sum_ext; intros {index} H{index}."
        beside = list(kept)
        for n, (total, (own, inside)) in enumerate(zip(inner, layers[1:], strict=True)):
            rest = terms.of(Mul((*beside, *inner[n + 1 :])))
            yield f"{indent}    transitivity (({rest}) * ({terms.of(total)})); [gf_field |]."
            body: Tree = total
            for word, length in own:
                assert isinstance(body, Sum)
                body = renamed(body.body, {body.index: word})
                yield f"{indent}    rewrite <- (sum_scal {size_text(length)} ({rest}) (fun {_word(word)} => {terms.of(body)}))."
                yield f"{indent}    apply sum_ext; intros {_word(word)} H{_word(word)}; cbv beta."
            beside += inside
        yield f"{indent}    gf_field. }}"
        now = list(bounds)
        for target, wanted in enumerate(order):
            for place in range(now.index(wanted), target, -1):
                (a, n_a), (b, n_b) = now[place - 1], now[place]
                rest = self.nest(now[place + 1 :], factors)
                deep = "".join(f"apply sum_ext; intros {_word(one)} H{_word(one)}; " for one, _ in now[: place - 1])
                now[place - 1 : place + 1] = [now[place], now[place - 1]]
                yield f"{indent}  transitivity ({self.nest(now, factors)})."
                yield f"{indent}  {{ {deep}apply (sum_swap {size_text(n_a)} {size_text(n_b)} (fun {_word(a)} {_word(b)} => {rest})). }}"
        deep = "".join(f"apply sum_ext; intros {_word(one)} H{_word(one)}; " for one, _ in now)
        yield f"{indent}  {deep}gf_field."
        yield f"{indent}}}"

    def nest(self, bounds: Sequence[Bound], factors: Sequence[Tree]) -> str:
        text = self.section.terms.of(Mul(tuple(factors)))
        for index, size in reversed(bounds):
            text = f"sum {size_text(size)} (fun {_word(index)} => {text})"
        return text

    # ---- motion ----

    def rate(self, tree: Tree) -> Tree:
        """The derivative along the flow of a whole tree, with names for entries and sums."""
        return self.settled_rate(self.inside_fixed(tree))

    def inside_fixed(self, tree: Tree) -> Tree:
        """A whole tree with names for entries and for its outermost sums, each sum as it stands."""
        match tree:
            case Ref() | Sum() | Fn("abs", _):
                return self.number(tree)
            case Add(args):
                return Add(tuple(map(self.inside_fixed, args)))
            case Mul(args):
                return Mul(tuple(map(self.inside_fixed, args)))
            case Pow(base, exponent):
                return Pow(self.inside_fixed(base), self.inside_fixed(exponent))
            case Fn(name, arg):
                return Fn(name, self.inside_fixed(arg))
        return tree

    def settled_rate(self, tree: Tree) -> Tree:
        """The derivative of a tree in names, and sums in their one form again."""
        speeds = {name: self.speed(self.trees[name]) for name in sorted(_refs(tree))}

        def compute(attempt: _Pass) -> Tree:
            still = attempt.partial(lambda _: False)
            moved = attempt.walker(lambda name, _: {0: still.walk(speeds[name], {}, {}).value} if name in speeds else {})
            return self.fraction(attempt.ring, moved.walk(tree, {}, {}).tangents.get(0, attempt.ring.number(0)))

        return self.inside(self.out(self.settled(compute)))

    def speed(self, tree: Tree) -> Tree:
        """How fast an entry or a sum moves."""
        section = self.section
        if isinstance(tree, Sum):
            return self.combined(self.split((tree.index, tree.size), self.rate(tree.body)))
        if isinstance(tree, Fn):
            return Mul((self.inside(tree), Pow(self.inside(tree.arg), Number(fmpq(-1))), self.rate(tree.arg)))
        assert isinstance(tree, Ref)
        if tree.name in section.moved:
            family = section.velocities[tree.name]
            return self.inside(self.whole(renamed(family.value, {own: k for (own, _), k in zip(family.indices, tree.indices, strict=True)})))
        if tree.name in section.statement.symbols and section.statement.symbols[tree.name].role == "time":
            return ONE
        if tree.name in section.moving:
            raise Unexportable(f"the claim differentiates {tree.name}, and the flow does not say how it moves")
        return ZERO

    def velocities(self, tree: Tree) -> list[Tree]:
        """The right sides of the equations of motion of the entries outside of sums."""
        found: list[Tree] = []
        for entry in _entries(tree):
            if entry.name in self.section.moved:
                family = self.section.velocities[entry.name]
                found.append(self.whole(renamed(family.value, {own: k for (own, _), k in zip(family.indices, entry.indices, strict=True)})))
        return found

    def derivatives(self, tree: Tree, indent: str) -> Iterator[str]:
        """How each outermost sum of a whole tree moves."""
        for total in {shape(total): total for total in _sums(tree)}.values():
            name, bound = self.fresh("D"), (total.index, total.size)
            terms = self.split(bound, self.rate(total.body))
            size, index = size_text(total.size), _word(total.index)
            yield f"{indent}assert ({name} : derivable_pt_lim (fun t => {self.section.terms.of(total)}) t ({self.text(self.combined(terms))}))."
            yield f"{indent}{{ refine (dpl_eq _ _ _ _ _ _)."
            yield f"{indent}  {{ apply (dpl_sum {size} (fun {index} t => {self.section.terms.of(total.body)})). intros {index} H{index}."
            yield from self.derivatives(total.body, indent + 2 * INTO)
            yield f"{indent}    gf_derive. }}"
            yield f"{indent}  transitivity ({self.summands(bound, terms)})."
            yield f"{indent}  {{ apply sum_ext; intros {index} H{index}; cbv beta; cbn [INR pred]{self.unfolding}."
            lines, known = self.rewritings([total.body, *self.velocities(total.body)], indent + 2 * INTO)
            yield from lines
            yield from (f"{indent}    try rewrite {one}." for one in reversed(known))
            yield f"{indent}    gf_field. }}"
            yield from self.linear(bound, terms, indent + INTO)
            yield f"{indent}}}"

    @property
    def unfolding(self) -> str:
        names = [rocq_name(name) for name in reversed(self.section.definitions) if name in self.written]
        return f"; unfold {', '.join(names)}" if names else ""


@dataclass(frozen=True)
class _Words(Tower):
    """The tower with its generators written just as the calculus writes them, so that Rocq sees one term wherever there is one."""

    calculus: Calculus

    def generator(self, index: int) -> str:
        return self.calculus.text(self.calculus.generator(self.ring, index))

    def polynomial(self, p: fmpq_mpoly) -> str:
        return self.calculus.text(self.calculus.polynomial(self.ring, p))

    def fraction(self, f: Fraction) -> str:
        return self.calculus.text(self.calculus.fraction(self.ring, f))


def proof(section: Section, part: Part) -> Iterator[str]:
    """The proof of the theorem of a section for all sizes.

    Raises `Unexportable` where there is no rule, or the multiples of the hypotheses are not found.
    """
    held = frozenset(section.statement.flow.held) if section.statement.flow else frozenset()
    everything = frozenset(section.definitions)
    wanted = [everything - held, everything] if held & everything else [everything]
    for last, written in enumerate(wanted, start=1):
        try:
            return iter(_settled(section, written, part))
        except Unexportable:
            if last == len(wanted):
                raise
    raise AssertionError("there is always one way to write the definitions")


def _settled(section: Section, written: frozenset[str], part: Part) -> list[str]:
    """The proof with roots as fine as any of its steps needs, so that all steps speak of the same ones."""
    roots: dict[str, int] = {}
    for _ in range(MOST_PASSES):
        before = dict(roots)
        lines = list(_proof(Calculus(section, written, roots), part))
        if roots == before:
            return lines
    raise Unexportable("the roots of the statement did not settle")


def _proof(calculus: Calculus, part: Part) -> Iterator[str]:
    section, claim = calculus.section, calculus.section.statement.claim
    words = "".join(f" {_word(name)}" for name, _ in claim.indices)
    fixed = "".join(f" {_word(name)} H{_word(name)}" for name, _ in claim.indices)
    trees = [calculus.whole(tree) for _, tree, _ in section.claimed]
    unfold = f"unfold {'left, right' if isinstance(claim, Equal) else 'quantity' if section.mode == 'conserved' else 'quantity, rate'}"
    match claim:
        case Evolves():
            found = Add((calculus.rate(trees[0]), Mul((Number(fmpq(-1)), calculus.inside(trees[1])))))
            yield f"Lemma moves : {over(claim.indices)}forall t, t0 < t < t1 -> {section.moves(words)}."
            yield "Proof."
            yield f"  intros{fixed} t Ht. {unfold}{calculus.unfolding}."
            yield from calculus.derivatives(trees[0], INTO)
            yield f"  refine (dpl_eq _ _ _ _ _ _); [gf_derive | cbv beta; cbn [INR pred]{calculus.unfolding}]."
            trees += calculus.velocities(trees[0])
        case Equal():
            found = Add((calculus.inside(trees[0]), Mul((Number(fmpq(-1)), calculus.inside(trees[1])))))
            yield f"Theorem equal : {section.theorem}."
            yield "Proof."
            yield f"  intros{fixed}. {unfold}{calculus.unfolding}."
        case _:
            raise Unexportable("a gradient is proved at explicit sizes: its entries need an index that is singled out")
    lines, known = calculus.rewritings(trees, INTO)
    yield from lines
    yield from _closed(calculus, part, found, known)
    yield "Qed."
    if section.mode == "conserved":
        of = f"(quantity{words})" if words else "quantity"
        lemma = f"(moves{''.join(f' {one}' for one in fixed.split())})" if words else "moves"
        yield f"Theorem conserved : {section.theorem}."
        yield "Proof."
        yield f"  {f'intros{fixed}. ' if words else ''}exact (constant_of_derivative {of} t0 t1 {lemma})."
        yield "Qed."
    elif section.mode == "evolves":
        yield f"Theorem evolves : {section.theorem}."
        yield "Proof."
        yield "  exact moves."
        yield "Qed."


def _closed(calculus: Calculus, part: Part, found: Tree, known: Sequence[str]) -> Iterator[str]:
    """The claim at the end: rewritten, and as the sum of multiples of the hypotheses."""
    members = list(_multiples(calculus, part)) if not _vanishes(calculus, found) else []
    zeros = [calculus.inside(product) for product, _ in members]

    def compute(attempt: _Pass) -> tuple[list[tuple[int, str]], list[tuple[str, str]], str]:
        ring, tower = attempt.ring, calculus.tower(attempt.ring)
        f, fractions = _value(attempt, found), [_value(attempt, zero) for zero in zeros]
        ideal = [g.num for g in fractions] + ring.relations
        for order, pairs in ((ring.context, 0), (fmpq_mpoly_ctx.from_context(ring.context, ordering=Ordering.degrevlex), 100)):
            times, rest = divide(f.num.project_to_context(order), [g.project_to_context(order) for g in ideal], pairs=pairs)
            if rest.is_zero():
                break
        else:
            raise Unexportable(f"the claim leaves {ring.text(rest)[:200]}, which no multiple of the hypotheses was found for")
        row = [(n, tower.polynomial(c)) for n, c in enumerate(times) if not c.is_zero()]
        texts = [(tower.polynomial(g.num), tower.polynomial(g.den)) for g in fractions]
        texts += [(tower.polynomial(relation), "\n".join(tower.relation(relation))) for relation in ring.relations]
        return row, texts, tower.polynomial(f.den)

    row, texts, den = calculus.settled(compute)
    for n, _ in row:
        zero, extra = texts[n]
        yield f"  assert (Z{n} : {zero} = 0)."
        if n >= len(members):
            yield from extra.split("\n")
            continue
        product, lines = members[n]
        yield f"  {{ assert (Z : {calculus.text(product)} = 0)."
        yield f"    {{ {lines} }}"
        inner, names = calculus.rewritings([product], 2 * INTO)
        yield from inner
        yield from (f"    try rewrite {one} in Z." for one in reversed(names))
        yield f"    apply (zero_times _ _ ({extra}) Z); gf_field. }}"
    yield from (f"  try rewrite {one}." for one in reversed(known))
    if not row:
        yield "  gf_field."
        return
    total = " + ".join(f"({c}) * ({texts[n][0]})" for n, c in row)
    yield f"  apply (equal_up_to _ _ (({total}) / ({den}))); [gf_field |]."
    yield f"  rewrite {', '.join(f'Z{n}' for n, _ in row)}. unfold Rdiv; ring."


def _vanishes(calculus: Calculus, found: Tree) -> bool:
    return calculus.settled(lambda attempt: _value(attempt, found).num.is_zero())


def _multiples(calculus: Calculus, part: Part) -> Iterator[tuple[Tree, str]]:
    """The multiples of hypotheses that the kernel's certificate sums up, each with the tactics that prove it is zero."""
    section = calculus.section
    cofactors, _ = search(section.statement, residual(section.statement, gradient_tree(part.setting)))
    names = dict(section.hypotheses)
    for cofactor in cofactors:
        number, bound = int(cofactor["hypothesis"]), [(str(name), size) for name, size in cofactor["bound"]]
        if number not in names:
            raise Unexportable("a hypothesis is needed that the theorem does not have")
        indices = [*([name, size] for name, size in section.statement.claim.indices), *([name, size] for name, size in bound)]
        times = calculus.whole(read_family(section.statement, {"indices": indices, "value": cofactor["times"]}).value)
        at: dict[str, Index] = dict(cofactor["at"])
        zero = calculus.whole(renamed(names[number].value, at))
        product: Tree = Mul((times, zero))
        arguments = []
        for own, _ in names[number].indices:
            entry = at[own]
            arguments.append(f"{entry} ltac:(lia)" if isinstance(entry, int) else f"{_word(entry)} H{_word(entry)}")
        moves = section.always and "t0 < t < t1" in dict(section.assumptions())[f"hypothesis_{number}"]
        source = " ".join([f"hypothesis_{number}", *arguments, *(["t", "Ht"] if moves else [])])
        unfolding = f"{calculus.unfolding[2:]} in H. " if calculus.unfolding else ""
        lines = f"assert (H := {source}). {unfolding}rewrite H. ring."
        for name, size in reversed(bound):
            product = Sum(name, size, product)
            lines = f"rewrite <- (sum_zero {size_text(size)}) at 1; apply sum_ext; intros {_word(name)} H{_word(name)}. {lines}"
        yield product, lines


Layer: TypeAlias = tuple[list[Bound], list[Tree]]


def _layers(bound: Bound, kept: Sequence[Tree], inner: Sequence[Sum]) -> list[Layer]:
    """The ranges and factors of a sum of a product, and of every sum inside it, all ranges under names of their own."""
    layers: list[Layer] = [([bound], list(kept))]
    taken = {bound[0]}.union(*map(free, (*kept, *inner)))
    for total in inner:
        bounds: list[Bound] = []
        body: Tree = total
        while isinstance(body, Sum):
            own = body.index
            while own in taken:
                own += "_"
            taken.add(own)
            bounds.append((own, body.size))
            body = renamed(body.body, {body.index: own})
        layers.append((bounds, list(body.args) if isinstance(body, Mul) else [body]))
    if sum(len(bounds) for bounds, _ in layers) > MOST_RANGES:
        raise Unexportable(f"a sum over more than {MOST_RANGES} ranges at once")
    return layers


def _flat(layers: Sequence[Layer]) -> tuple[list[Bound], list[Tree]]:
    """All ranges, and all factors, each base once."""
    powers: dict[Tree, fmpq] = {}
    for factor in (factor for _, factors in layers for factor in factors):
        match factor:
            case Pow(base, Number(q)) if q.q == 1:
                powers[base] = powers.get(base, fmpq(0)) + q
            case _:
                powers[factor] = powers.get(factor, fmpq(0)) + 1
    factors = [base if q == 1 else Pow(base, Number(q)) for base, q in powers.items() if q != 0]
    return [bound for bounds, _ in layers for bound in bounds], factors


def _first(layers: Sequence[Layer]) -> tuple[tuple[Bound, ...], Tree]:
    """The first of all orders of the ranges, and the sum in it."""
    bounds, factors = _flat(layers)
    found = [(order, _written(order, factors)) for order in permutations(bounds)]
    return min(found, key=lambda one: repr(one[1]))


def _written(order: Sequence[Bound], factors: Sequence[Tree]) -> Tree:
    """The sum over these ranges in this order, under names that say the order, of the product in alphabetical order."""
    taken = frozenset().union(*map(free, factors)) - {name for name, _ in order}
    fresh = (name for name in (f"q{n}" for n in count()) if name not in taken)
    names: dict[str, Index] = {name: next(fresh) for name, _ in order}
    tree: Tree = Mul(tuple(sorted((renamed(factor, names) for factor in factors), key=repr)))
    for name, size in reversed(order):
        tree = Sum(str(names[name]), size, tree)
    return tree


def _outermost_last(done: Mapping[Tree, str]) -> list[str]:
    """The names of equations, those for larger terms last: used in reverse, none of them spoils the term that another one is to replace."""
    return [done[tree] for tree in sorted(done, key=lambda tree: len(repr(tree)))]


def _times(*factors: Tree) -> Tree:
    """The product, without ones."""
    kept = tuple(factor for factor in factors if factor != ONE)
    return kept[0] if len(kept) == 1 else Mul(kept) if kept else ONE


def _plus(terms: Iterable[Tree]) -> Tree:
    kept = tuple(terms)
    return kept[0] if len(kept) == 1 else Add(kept) if kept else ZERO


def _value(attempt: _Pass, tree: Tree) -> Fraction:
    return attempt.partial(lambda _: False).walk(tree, {}, {}).value


def _refs(tree: Tree) -> set[str]:
    return {entry.name for entry in _entries(tree)}


def _entries(tree: Tree) -> Iterator[Ref]:
    """The entries of a tree outside of sums."""
    match tree:
        case Ref():
            yield tree
        case Add(args) | Mul(args):
            for arg in args:
                yield from _entries(arg)
        case Pow(base, exponent):
            yield from _entries(base)
            yield from _entries(exponent)
        case Fn(_, arg):
            yield from _entries(arg)


def _sums(tree: Tree) -> Iterator[Sum]:
    """The outermost sums of a tree."""
    match tree:
        case Sum():
            yield tree
        case Add(args) | Mul(args):
            for arg in args:
                yield from _sums(arg)
        case Pow(base, exponent):
            yield from _sums(base)
            yield from _sums(exponent)
        case Fn(_, arg):
            yield from _sums(arg)


def _word(index: str) -> str:
    return rocq_name(index)
