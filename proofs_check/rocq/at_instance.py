"""Proofs at explicit sizes.

The residual of the claim is a fraction whose numerator is sum c_k g_k, with g_k the hypotheses and the relations between roots; the c_k are found
as for the kernel's certificates. Rocq differentiates by its own rules. Every logarithm, power, root and exponential is then replaced by what it is
in the kernel's tower, each replacement proved by taking logarithms; what is left is an identity between fractions, which `field` decides, and the
cofactors close it. Nothing is believed here: if a cofactor or a replacement is wrong, Rocq refuses the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from flint import Ordering, fmpq_mpoly, fmpq_mpoly_ctx

from ..division import divide
from ..kernel.instance import Entry, Fraction, Key, _Pass, _settled, entries
from ..kernel.language import Add, Evolves, Family, Fn, Mul, Number, Pow, Ref, Sum, Tree
from .section import Section
from .terms import Unexportable
from .tower import Tower, absolute
from .words import rocq_name


@dataclass(frozen=True)
class Place:
    """A function value that is not rational, at numbers for its indices, as a fraction in the tower; and its base as a product, where it has one."""

    tree: Tree
    at: Mapping[str, int]
    value: Fraction
    inner: Fraction


@dataclass
class Proof:
    """What the lemmas are written from: the residual with its certificate, and every place where a function has to be replaced."""

    section: Section
    tower: Tower
    residuals: Mapping[Entry, Fraction]
    ideal: Mapping[Key, Fraction]
    table: Mapping[Entry, Sequence[tuple[Key, fmpq_mpoly]]]
    places: Mapping[Entry, tuple[Place, ...]]

    # ---- lemmas ----

    @property
    def sized(self) -> str:
        return _unfolded([rocq_name(name) for name in self.section.sizes or ()])

    @property
    def folded(self) -> str:
        """Names put back into what they stand for, and sums written out."""
        section = self.section
        names = [*(name for name, _, _ in section.claimed), *reversed([rocq_name(name) for name in section.definitions])]
        if section.mode == "conserved":
            names.remove("rate")
        names += [rocq_name(name) for name in section.values if name in section.names] + [rocq_name(name) for name in section.sizes or ()]
        return f"unfold {', '.join(names)}"

    def lemma(self, entry: Entry) -> Iterator[str]:
        section, name = self.section, "_".join(["entry", *map(str, entry)])
        words = "".join(f" {k}" for k in entry)
        timed = section.mode in ("evolves", "conserved")
        match section.mode:
            case "equal":
                yield f"Lemma {name} : left{words} = right{words}."
            case "gradient":
                yield f"Lemma {name} : {section.slope(words)}."
            case _:
                yield f"Lemma {name} : forall t, t0 < t < t1 -> {section.moves(words)}."
        yield "Proof."
        if timed:
            yield "  intros t Ht."
        here = list(self.known(timed))
        for known, (source, at) in here:
            arguments = "".join(f" {k}%nat ltac:({self.sized}; lia)" for k in at)
            yield f"  assert ({known} := {source}{arguments}{' t Ht' if timed and self.timed(source) else ''})."
            yield f"  {self.folded} in {known}; cbn [sum] in {known}."
        yield from self.replacements(self.places[entry])
        if section.mode == "equal":
            yield f"  {self.folded}; cbn [sum]."
        else:
            yield f"  {self.folded}; cbn [sum update Nat.eqb]."
            yield "  refine (dpl_eq _ _ _ _ _ _); [gf_derive | cbv beta; cbn [INR pred update Nat.eqb]]."
        for n in reversed(range(len(self.places[entry]))):
            yield f"  try rewrite E{n}."
        yield from self.closing(entry)
        yield "Qed."

    def timed(self, source: str) -> bool:
        return source in self._timed

    @property
    def _timed(self) -> frozenset[str]:
        return frozenset(name for name, text in self.section.assumptions() if "t0 < t < t1" in text)

    def known(self, timed: bool) -> Iterator[tuple[str, tuple[str, Entry]]]:
        """Every hypothesis at every value of its indices."""
        section, sizes = self.section, self.section.sizes or {}
        for name, symbol in section.statement.symbols.items():
            if name in section.names and symbol.sign in ("positive", "nonnegative", "nonzero") and name not in section.values:
                for at in entries(symbol.shape, sizes):
                    yield "_".join([f"S_{name}", *map(str, at)]), (f"{name}_{symbol.sign}", at)
        for n, family in section.hypotheses:
            for at in entries((size for _, size in family.indices), sizes):
                yield "_".join([f"H_{n}", *map(str, at)]), (f"hypothesis_{n}", at)
        for n, side in enumerate(section.sides):
            for at in entries((size for _, size in side.scope), sizes):
                yield "_".join([f"C_{n}", *map(str, at)]), (f"defined_{n}", at)
        if timed:
            for name in section.moved:
                for at in entries((size for _, size in section.velocities[name].indices), sizes):
                    yield "_".join([f"D_{name}", *map(str, at)]), (f"{name}_moves", at)

    def replacements(self, places: Sequence[Place]) -> Iterator[str]:
        """E_n: the n-th function value is this product of powers, or this sum of logarithms; inner ones come first."""
        for n, place in enumerate(places):
            terms = self.section.terms.where(place.at)
            inner = "".join(f" try rewrite E{m};" for m in reversed(range(n)))
            written_out = f"{self.folded}; cbn [sum];{inner}"
            base = _base(place.tree)
            positive = isinstance(place.tree, Pow) or (isinstance(place.tree, Fn) and place.tree.name == "exp")
            yield f"  assert (E{n} : {terms.of(place.tree)} = {(self.tower.factored if positive else self.tower.fraction)(place.value)})."
            match place.tree:
                case Fn("sin" | "cos", arg):
                    odd = not place.inner.num.is_zero() and place.inner.num.leading_coefficient() < 0
                    turned = f"- ({self.tower.fraction(-place.inner)})" if odd else self.tower.fraction(place.inner)
                    sign = "try rewrite sin_neg; try rewrite cos_neg; " if odd else ""
                    yield f"  {{ assert (B : {terms.of(arg)} = {turned}) by ({written_out} field; gf_nz)."
                    yield f"    try rewrite B. {sign}rewrite ?sin_0, ?cos_0; try reflexivity; ring. }}"
                case Fn("abs", arg):
                    up = absolute(self.tower.ring, place.inner)
                    if up is None:
                        raise Unexportable("the absolute value of a product has no rule here")
                    turned = self.tower.fraction(up) if up == place.inner else f"- ({self.tower.fraction(up)})"
                    yield f"  {{ assert (B : {terms.of(arg)} = {turned}) by ({written_out} gf_field)."
                    yield "    try rewrite B. rewrite ?Rabs_Ropp. try reflexivity; ring. }"
                case Fn("exp", _):
                    yield f"  {{ apply ln_inv; [gf_pos | gf_pos | rewrite ln_exp; {written_out} gf_ln; gf_field]. }}"
                case _:
                    yield f"  {{ assert (B : {terms.of(base)} = {self.tower.factored(place.inner)})."
                    yield f"    {{ {written_out} gf_field. }}"
                    product, rest = self.tower.parts(place.inner)
                    if rest:
                        yield f"    assert (Q : 0 < {terms.of(base)}) by ({self.folded}; cbn [sum]; gf_pos). rewrite B in Q."
                        yield f"    assert (P := positive_factor ({product}) {rest} ltac:(gf_pos) Q)."
                    if isinstance(place.tree, Fn):
                        yield f"    try rewrite B. gf_ln. {written_out} gf_field. }}"
                    else:
                        yield f"    try rewrite B. apply ln_inv; [gf_pos | gf_pos | gf_ln; {written_out} gf_field]. }}"
            yield f"  {self.folded} in E{n}; cbn [sum] in E{n}."

    def closing(self, entry: Entry) -> Iterator[str]:
        """The identity that is left: by the cofactors of the certificate, each hypothesis as the polynomial the certificate knows."""
        row, den = self.table[entry], self.residuals[entry].den
        if not row:
            yield "  gf_field."
            return
        for n, (key, _) in enumerate(row):
            zero = self.tower.polynomial(self.ideal[key].num)
            yield f"  assert (Z{n} : {zero} = 0)."
            if key[0] == "relation":
                yield from self.tower.relation(self.ideal[key].num)
            else:
                source = "_".join([f"H_{key[0]}", *map(str, key[1])])  # type: ignore[arg-type]
                below = self.tower.polynomial(self.ideal[key].den)
                rewritten = "".join(f" try rewrite E{n} in {source};" for n in reversed(range(len(self.places[entry]))))
                yield f"  {{ {rewritten} apply (zero_times _ _ ({below}) {source}); gf_field. }}"
        total = " + ".join(f"({self.tower.polynomial(times)}) * ({self.tower.polynomial(self.ideal[key].num)})" for key, times in row)
        yield f"  apply (equal_up_to _ _ (({total}) / ({self.tower.polynomial(den)}))); [gf_field |]."
        yield f"  rewrite {', '.join(f'Z{n}' for n in range(len(row)))}. unfold Rdiv; ring."


def _unfolded(names: Sequence[str]) -> str:
    return f"unfold {', '.join(names)} in *" if names else "idtac"


def _base(tree: Tree) -> Tree:
    match tree:
        case Pow(base, _):
            return base
        case Fn(_, arg):
            return arg
    raise AssertionError(tree)


def _walk(section: Section, tree: Tree, at: Mapping[str, int]) -> Iterator[tuple[Tree, Mapping[str, int]]]:
    """Every function value in a tree that is not rational, with numbers for its indices; inner ones first, definitions followed."""
    match tree:
        case Ref(name, indices) if name in section.statement.definitions:
            family = section.statement.definitions[name]
            inner = {own: (at[i] if isinstance(i, str) else i) for (own, _), i in zip(family.indices, indices, strict=True)}
            yield from _walk(section, family.value, inner)
        case Add(args) | Mul(args):
            for arg in args:
                yield from _walk(section, arg, at)
        case Sum(index, size, body):
            for k in range(size if isinstance(size, int) else (section.sizes or {})[size]):
                yield from _walk(section, body, {**at, index: k})
        case Fn(_, arg):
            yield from _walk(section, arg, at)
            yield tree, at
            if isinstance(tree, Fn) and tree.name in ("sin", "cos"):
                yield Fn("cos" if tree.name == "sin" else "sin", arg), at
        case Pow(base, exponent):
            yield from _walk(section, base, at)
            yield from _walk(section, exponent, at)
            if not isinstance(exponent, Number) or exponent.value.q != 1:
                yield tree, at


def _unrolled(section: Section, tree: Tree, at: Mapping[str, int]) -> Tree:
    """The tree with sums and definitions written out: what Rocq compares."""
    match tree:
        case Ref(name, indices):
            numbers = tuple(at[i] if isinstance(i, str) else i for i in indices)
            if name in section.statement.definitions:
                family = section.statement.definitions[name]
                return _unrolled(section, family.value, {own: k for (own, _), k in zip(family.indices, numbers, strict=True)})
            return Ref(name, numbers)
        case Add(args):
            return Add(tuple(_unrolled(section, arg, at) for arg in args))
        case Mul(args):
            return Mul(tuple(_unrolled(section, arg, at) for arg in args))
        case Sum(index, size, body):
            length = size if isinstance(size, int) else (section.sizes or {})[size]
            return Sum("", length, Add(tuple(_unrolled(section, body, {**at, index: k}) for k in range(length))))
        case Fn(name, arg):
            return Fn(name, _unrolled(section, arg, at))
        case Pow(base, exponent):
            return Pow(_unrolled(section, base, at), _unrolled(section, exponent, at))
    return tree


def proof(section: Section) -> Iterator[str]:
    """The lemmas and the proof of the theorem, for a section at explicit sizes.

    Raises `Unexportable` where a function has no rule or no cofactors are found.
    """
    written = _prepared(section)
    claim = section.statement.claim
    for entry in written.residuals:
        yield from written.lemma(entry)
    yield f"Theorem {section.mode} : {section.theorem}."
    yield "Proof."
    names = [rocq_name(name) for name, _ in claim.indices]
    lengths = [size if isinstance(size, int) else (section.sizes or {})[size] for _, size in claim.indices]
    for name in names:
        yield f"  intros {name} H{name}."
    yield "  " + _cases(names, lengths, (), section.mode, written.sized) + "."
    yield "Qed."


def _cases(names: Sequence[str], lengths: Sequence[int], done: Entry, mode: str, sized: str) -> str:
    """The theorem from the lemmas, by cases of the indices."""
    if not names:
        lemma = "_".join(["entry", *map(str, done)])
        quantity = f"(quantity{''.join(f' {k}' for k in done)})" if done else "quantity"
        return f"exact (constant_of_derivative {quantity} t0 t1 {lemma})" if mode == "conserved" else f"exact {lemma}"
    pattern = names[0]
    for _ in range(lengths[0]):
        pattern = f"[|{pattern}]"
    inner = " | ".join(f"({_cases(names[1:], lengths[1:], (*done, k), mode, sized)})" for k in range(lengths[0]))
    return f"destruct {names[0]} as {pattern}; [{inner} | exfalso; {sized}; lia]"


def _prepared(section: Section) -> Proof:
    where = {"sizes": dict(section.sizes or {}), "values": {name: str(value) for name, value in section.values.items()}}
    return _settled(section.statement, where, lambda attempt: _computed(section, attempt))


def _computed(section: Section, attempt: _Pass) -> Proof:
    """Everything the lemmas are written from, in one ring: residuals, members of the ideal, cofactors, and the places of functions."""
    ring, sizes, claim = attempt.ring, section.sizes or {}, section.statement.claim
    still = attempt.partial(lambda _: False)

    def members(family: Family) -> Iterator[tuple[Entry, Mapping[str, int]]]:
        for entry in entries((size for _, size in family.indices), sizes):
            yield entry, dict(zip((name for name, _ in family.indices), entry, strict=True))

    found = _residuals(section, attempt)
    ideal: dict[Key, Fraction] = {}
    for number, family in section.hypotheses:
        for entry, at in members(family):
            ideal[number, entry] = still.walk(family.value, at, {}).value
    places: dict[Entry, tuple[Place, ...]] = {}
    arguments: dict[str, Fraction] = {}
    for wanted in found:
        here: dict[Tree, Place] = {}
        own: Mapping[str, int] = dict(zip((name for name, _ in claim.indices), wanted, strict=True))
        sources: list[tuple[Tree, Mapping[str, int]]] = [(tree, own if indices else {}) for _, tree, indices in section.claimed]
        for family in (*(h for _, h in section.hypotheses), *(section.velocities[name] for name in section.moved)):
            sources += [(family.value, inside) for _, inside in members(family)]
        for tree, inside in (place for source, where in sources for place in _walk(section, source, where)):
            key = _unrolled(section, tree, inside)
            if key not in here:
                inner = still.walk(_base(tree), inside, {}).value
                here[key] = Place(tree, inside, still.walk(tree, inside, {}).value, inner)
                if isinstance(tree, Fn) and tree.name == "abs" and (bare := absolute(ring, inner)):
                    arguments[f"abs: {bare}"] = bare
                if isinstance(tree, Fn) and tree.name in ("sin", "cos"):
                    up = -inner if not inner.num.is_zero() and inner.num.leading_coefficient() < 0 else inner
                    arguments[f"sin: {up}"] = arguments[f"cos: {up}"] = up
        places[wanted] = tuple(here.values())
    one = ring.context.constant(1)
    ideal |= {("relation", number): Fraction(relation, one) for number, relation in enumerate(ring.relations)}
    table = {entry: _cofactors(attempt, f.num, {key: g.num for key, g in ideal.items()}) for entry, f in found.items()}
    return Proof(section, Tower(ring, arguments, lambda name: _entry(section, name)), found, ideal, table, places)


def _entry(section: Section, name: str) -> str:
    """A generator such as u[0] as a term."""
    symbol, _, inside = name.partition("[")
    return section.terms.of(Ref(symbol, tuple(int(k) for k in inside.rstrip("]").split(",")) if inside else ()))


def _residuals(section: Section, attempt: _Pass) -> Mapping[Entry, Fraction]:
    """What has to vanish; along a flow, with the equations of motion as the section states them."""
    claim = section.statement.claim
    if not isinstance(claim, Evolves):
        return attempt.claim()
    still, sizes = attempt.partial(lambda _: False), section.sizes or {}
    zero = attempt.ring.number(0)

    def motion(name: str, entry: Entry) -> Mapping[int, Fraction]:
        role = section.statement.symbols[name].role
        if name in section.moved:
            family = section.velocities[name]
            return {0: still.walk(family.value, dict(zip((own for own, _ in family.indices), entry, strict=True)), {}).value}
        if role == "cotangent":
            raise Unexportable(f"the claim differentiates {name}, and the flow does not say how it moves")
        return {0: attempt.ring.number(1)} if role == "time" else {}

    moved, found = attempt.walker(motion), {}
    for entry in entries((size for _, size in claim.indices), sizes):
        at = dict(zip((name for name, _ in claim.indices), entry, strict=True))
        found[entry] = moved.walk(claim.quantity, at, {}).tangents.get(0, zero) - still.walk(claim.rate, at, {}).value
    return found


def _cofactors(attempt: _Pass, p: fmpq_mpoly, ideal: Mapping[Key, fmpq_mpoly]) -> list[tuple[Key, fmpq_mpoly]]:
    """p as a combination of the members of the ideal, or `Unexportable`."""
    context = attempt.ring.context
    for order, pairs in ((context, 0), (fmpq_mpoly_ctx.from_context(context, ordering=Ordering.degrevlex), 300)):
        times, rest = divide(p.project_to_context(order), [g.project_to_context(order) for g in ideal.values()], pairs=pairs)
        if rest.is_zero():
            return [(key, c) for key, c in zip(ideal, times, strict=True) if not c.is_zero()]
    raise Unexportable(f"the claim leaves {attempt.ring.text(rest)[:200]}, which was not brought into the ideal of the hypotheses")
