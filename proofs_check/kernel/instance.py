"""A statement at explicit sizes as identities between polynomials over Q.

Let every symbolic size be an integer. Every sum is then finite, every entry of a tensor is a generator of a polynomial ring or a rational number, and
every tree is a fraction over Q[tower, entries], where a generator of the tower stands for a real function that is not rational:

    exp(m/d), a^(m/d)     m a Laurent monomial or a fraction, a an irreducible polynomial known positive, a prime, or a base taken whole;
    log a, sin e, cos e, atan e, |e|, and an integral from 0.

The rule (b c)^q = b^q c^q is used only to take out factors whose sign is known from the declared signs. Relations that hold between these functions
wherever they are defined (s^d = a, sin^2 + cos^2 = 1, |e|^2 = e^2) are members of the ideal, beside the hypotheses. Derivatives are taken on the
trees, forward, before any hypothesis is used. If the numerator of every residual lies in the ideal, the claim holds wherever the statement is
defined; where that is beyond the declared signs, `Residual.conditions` says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from math import comb, lcm, prod
from typing import Final, TypeAlias, TypeVar, assert_never

from flint import Ordering, fmpq, fmpq_mpoly, fmpq_mpoly_ctx

from .language import (
    Add,
    Equal,
    Evolves,
    Family,
    Flow,
    Fn,
    Function,
    Gradient,
    Integral,
    Json,
    Mul,
    Number,
    Pow,
    Ref,
    Rejected,
    Sign,
    Size,
    Statement,
    Sum,
    Tree,
    leaves,
    refusing,
    within,
)

Entry: TypeAlias = tuple[int, ...]
Key: TypeAlias = tuple[int | str, Entry | int]  # (number of the hypothesis, its entry) or ("relation", number)

MOST_GENERATORS: Final = 5000
MOST_ENTRIES: Final = 1_000_000
MOST_SUMMANDS: Final = 2_000_000
LARGEST_EXPONENT: Final = 1000
MOST_PASSES: Final = 200
MOST_PRODUCTS: Final = 3_000_000  # of terms, in one multiplication
MOST_TERMS: Final = 30_000  # of a numerator whose common factor with the denominator is looked for
MOST_BITS: Final = 128  # of a number that is factored into primes
MOST_BITS_OF_ALL: Final = 100_000  # of any other
_RATIONAL: Final = re.compile(r"-?[0-9]+(/[0-9]+)?")
_VARIABLE: Final = "#v"  # the generator that stands for every variable of integration


def _product(p: fmpq_mpoly, q: fmpq_mpoly) -> fmpq_mpoly:
    if len(p) * len(q) > MOST_PRODUCTS:
        raise Rejected(f"a product of {len(p)} and {len(q)} terms: the statement is too large to be multiplied out at these sizes")
    return _bounded(p * q)


def _bits(p: fmpq_mpoly) -> int:
    """The bits of the largest coefficient."""
    return max((q.height_bits() for q in p.coeffs()), default=0)


def _bounded(p: fmpq_mpoly) -> fmpq_mpoly:
    """A product of two polynomials, whose numbers are at most about twice as long as before."""
    if _bits(p) > MOST_BITS_OF_ALL:
        raise Rejected(f"a number has more than {MOST_BITS_OF_ALL} bits")
    return p


@dataclass(frozen=True)
class Fraction:
    """num/den without common factor, den with leading coefficient 1: equal fractions are equal records."""

    num: fmpq_mpoly
    den: fmpq_mpoly

    @staticmethod
    def of(num: fmpq_mpoly, den: fmpq_mpoly) -> Fraction:
        """num/den; `ZeroDivisionError` if den is zero."""
        if not den.is_constant():
            if len(num) + len(den) > MOST_TERMS:
                raise Rejected(f"a fraction of more than {MOST_TERMS} terms: the statement is too large at these sizes")
            common = num.gcd(den)
            num, den = num / common, den / common
        lead = den.leading_coefficient()
        return Fraction(num / lead, den / lead)

    def __add__(self, other: Fraction) -> Fraction:
        if self.den == other.den:
            return Fraction.of(self.num + other.num, self.den)
        return Fraction.of(_product(self.num, other.den) + _product(other.num, self.den), _product(self.den, other.den))

    def __neg__(self) -> Fraction:
        return Fraction(-self.num, self.den)

    def __sub__(self, other: Fraction) -> Fraction:
        return self + -other

    def __mul__(self, other: Fraction) -> Fraction:
        return Fraction.of(_product(self.num, other.num), _product(self.den, other.den))

    def times(self, scalar: fmpq) -> Fraction:
        return Fraction.of(self.num * scalar, self.den)

    def over(self, other: Fraction) -> Fraction:
        return Fraction.of(_product(self.num, other.den), _product(self.den, other.num))

    def raised(self, n: int) -> Fraction:
        if abs(n) > LARGEST_EXPONENT:
            raise Rejected(f"the exponent {n} is larger than {LARGEST_EXPONENT}")
        if any(comb(len(p) + abs(n) - 1, abs(n)) > MOST_PRODUCTS for p in (self.num, self.den) if len(p) > 1):
            raise Rejected(f"the power {n} of {max(len(self.num), len(self.den))} terms is too large to be multiplied out")
        if abs(n) * max(map(_bits, (self.num, self.den))) > MOST_BITS_OF_ALL:
            raise Rejected(f"the power {n} has numbers of more than {MOST_BITS_OF_ALL} bits")
        return Fraction.of(self.num**n, self.den**n) if n >= 0 else Fraction.of(self.den**-n, self.num**-n)

    def rational(self) -> fmpq | None:
        """Its value, if it is a number."""
        if self.num.is_zero():
            return fmpq(0)
        return self.num.leading_coefficient() if self.num.is_constant() and self.den.is_constant() else None

    def monomials(self) -> Iterator[tuple[fmpq, Fraction]]:
        """(q, m) with sum q m = self; the m are Laurent monomials if the denominator is one monomial, otherwise self up to a scalar."""
        if len(self.den) == 1:
            for exponents, q in self.num.terms():
                yield q, Fraction.of(self.num.context().term(exp_vec=exponents), self.den)
        else:
            yield self.num.leading_coefficient(), self.times(1 / self.num.leading_coefficient())

    def __str__(self) -> str:
        return str(self.num) if self.den.is_constant() else f"({self.num})/({self.den})"


@dataclass(frozen=True)
class Term:
    """q m log(atom), with log(atom) = 1 if there is no atom: the logarithm of a positive function, in parts."""

    q: fmpq
    m: Fraction
    atom: Fraction | None

    def key(self) -> str:
        return f"exp: {self.m}" if self.atom is None else f"power: {self.m} of {self.atom}"


@dataclass
class Summands:
    """How many terms of sums have been written out; more than `MOST_SUMMANDS` are refused."""

    seen: int = 0

    def over(self, size: int) -> range:
        """The values of an index that a sum runs over."""
        self.seen += size
        if self.seen > MOST_SUMMANDS:
            raise Rejected(f"the sums have more than {MOST_SUMMANDS} terms at these sizes")
        return range(size)


class _Again(Exception):
    """The pass needs a larger ring or a finer root; the next pass starts with it."""


@dataclass
class Ring:
    """Q[tower, entries] with what is known of its generators: signs, meanings, relations, and the conditions collected on the way."""

    context: fmpq_mpoly_ctx
    room: int  # generators #(room-1), ..., #0 come first: under lex the later ones are eliminated first
    signs: list[Sign]
    roots: dict[str, int]  # the d of exp(m/d); kept from pass to pass
    tower: dict[str, int] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    terms: dict[int, Term] = field(default_factory=dict)  # generator = exp(term)
    logs: dict[int, Fraction] = field(default_factory=dict)  # generator = log(atom)
    relations: list[fmpq_mpoly] = field(default_factory=list)
    conditions: dict[str, fmpq_mpoly] = field(default_factory=dict)

    def number(self, q: fmpq | int) -> Fraction:
        return Fraction(self.context.constant(q), self.context.constant(1))

    def generator(self, index: int) -> Fraction:
        return Fraction(self.context.gen(index), self.context.constant(1))

    def fresh(self, key: str, text: str, sign: Sign) -> tuple[Fraction, bool]:
        """The generator of the tower that `key` names, and whether it is new."""
        new = key not in self.tower
        if new:
            if len(self.tower) == self.room:
                raise _Again
            index = self.tower[key] = self.room - 1 - len(self.tower)
            self.texts[self.context.name(index)] = text
            self.signs[index] = sign
        return self.generator(self.tower[key]), new

    def sign(self, p: fmpq_mpoly) -> Sign:
        """What the declared signs of the generators say at once, term by term."""
        positive = False
        for exponents, q in p.terms():
            if q < 0:
                return "real"
            strict = True
            for sign, e in zip(self.signs, exponents, strict=True):
                if e and sign != "positive":
                    if e % 2 and sign != "nonnegative":
                        return "real"
                    strict = strict and sign == "nonzero"
            positive = positive or strict
        return "positive" if positive else "nonnegative"

    def split(self, f: Fraction) -> tuple[fmpq, list[tuple[fmpq_mpoly, int]], list[tuple[fmpq_mpoly, int]]]:
        """f = c * product p^k, first over irreducible p that are positive, then over the others; all have positive leading coefficients."""
        (c, above), (lead, below) = f.num.factor(), f.den.factor()
        positive: list[tuple[fmpq_mpoly, int]] = []
        other: list[tuple[fmpq_mpoly, int]] = []
        for p, k in [*above, *((p, -k) for p, k in below)]:
            (positive if self.sign(p) == "positive" else other).append((p, k))
        return c / lead, positive, other

    def product(self, factors: Iterable[tuple[fmpq_mpoly, int]]) -> Fraction:
        result = self.number(1)
        for p, k in factors:
            result = result * Fraction(p, self.context.constant(1)).raised(k)
        return result

    def inverse(self, f: Fraction, *, certain: bool = False) -> Fraction:
        """1/f, on the condition that no factor of f vanishes."""
        if f.num.is_zero():
            raise Rejected("division by zero: a denominator vanishes identically")
        if not certain and not f.num.is_constant():
            for p, _ in self.split(Fraction(f.num, self.context.constant(1)))[2]:
                if not (len(p) == 1 and all(s in ("nonzero", "positive") for s, e in zip(self.signs, p.monomial(0), strict=True) if e)):
                    self.conditions[f"{self.text(p)} != 0"] = p
        return self.number(1).over(f)

    def logarithm(self, f: Fraction, *, certain: bool = False) -> list[Term]:
        """The terms of log f, on the condition f > 0: positive factors apart, all others together as one atom."""
        if f.num.is_zero():
            raise Rejected("zero has no logarithm and no power that is not an integer")
        one = self.number(1)
        c, positive, other = self.split(f)
        rest = self.product(other) if c > 0 else -self.product(other)
        terms = []
        if rest.rational() == -1:
            raise Rejected(f"{self.text(f)} is negative, and its logarithm or power is not real")
        if rest != one:
            if not certain and self.sign(f.num * f.den) != "positive" and self.sign(rest.num * rest.den) != "positive":
                self.conditions[f"{self.text(rest)} > 0"] = rest.num * rest.den
            terms.append(Term(fmpq(1), one, rest))
        for n, sign in ((c.p, 1), (c.q, -1)):
            if abs(n).height_bits() > MOST_BITS:
                raise Rejected(f"a number under a logarithm or root has more than {MOST_BITS} bits")
            terms += [Term(fmpq(sign * k), one, self.number(fmpq(p))) for p, k in abs(n).factor()]
        for p, k in positive:
            bare = p.total_degree() == 1 and len(p) == 1 and p.leading_coefficient() == 1
            known = self.terms.get(p.monomial(0).index(1)) if bare else None
            terms.append(Term(known.q * k, known.m, known.atom) if known else Term(fmpq(k), one, Fraction(p, one.num)))
        return terms

    def exponential(self, terms: Iterable[Term]) -> Fraction:
        """exp(sum of the terms), each atom and monomial once."""
        gathered: dict[str, Term] = {}
        for term in map(self.based, terms):
            before = gathered.get(term.key())
            gathered[term.key()] = Term(term.q + before.q, term.m, term.atom) if before else term
        result = self.number(1)
        for term in gathered.values():
            result = result * self.root(term)
        return result

    def based(self, term: Term) -> Term:
        """exp(m log a) as a^m: the same generator, however it was written."""
        if term.atom is None and len(term.m.num) == len(term.m.den) == 1:
            above, below = term.m.num.monomial(0), term.m.den.monomial(0)
            if [above[g] for g in self.logs if above[g] or below[g]] == [1]:
                g = next(g for g in self.logs if above[g])
                return Term(term.q, term.m.over(self.generator(g)), self.logs[g])
        return term

    def root(self, term: Term) -> Fraction:
        """exp(q m log a) = a^floor(q) * s^k with s = exp(m log(a)/d); if m = 1, s^d = a is a relation."""
        q, result, plain = term.q, self.number(1), term.atom is not None and term.m.rational() == 1
        if term.atom is not None and plain:
            result, q = term.atom.raised(int(q.floor())), q - q.floor()
        if q == 0:
            return result
        key = term.key()
        before = self.roots.get(key, 1)
        d = self.roots[key] = lcm(before, int(q.q))
        if d > LARGEST_EXPONENT:
            raise Rejected(f"a root of order {d} is needed, and {LARGEST_EXPONENT} is the largest")
        if key in self.tower and d != before:
            raise _Again
        unit = Term(fmpq(1, d), term.m, term.atom)
        base = "e" if term.atom is None else f"({self.text(term.atom)})"
        s, new = self.fresh(key, f"{base}^({self.text(term.m.times(unit.q))})", "positive")
        if new:
            self.terms[self.tower[key]] = unit
            if term.atom is not None and plain:
                self.relations.append(s.num**d * term.atom.den - term.atom.num)
        return result * s.raised(int(q * d))

    def exp(self, f: Fraction) -> Fraction:
        return self.exponential(Term(q, m, None) for q, m in f.monomials())

    def log(self, f: Fraction, *, certain: bool = False) -> Fraction:
        total = self.number(0)
        for term in self.logarithm(f, certain=certain):
            value = term.m.times(term.q)
            if term.atom is not None:
                atom, _ = self.fresh(f"log: {term.atom}", f"log({self.text(term.atom)})", "real")
                self.logs[self.tower[f"log: {term.atom}"]] = term.atom
                value = value * atom
            total = total + value
        return total

    def power(self, base: Fraction, exponent: Fraction, *, certain: bool = False) -> Fraction:
        n = exponent.rational()
        if n is not None and n.q == 1:
            return base.raised(int(n)) if n >= 0 else self.inverse(base).raised(-int(n))
        logarithm = self.logarithm(base, certain=certain)
        return self.exponential(Term(t.q * q, t.m * m, t.atom) for t in logarithm for q, m in exponent.monomials())

    def absolute(self, f: Fraction) -> Fraction:
        c, positive, other = self.split(f)
        signed = [(p, k) for p, k in other if k % 2 and self.sign(p) == "real"]
        result = self.product([*positive, *((p, k - 1 if (p, k) in signed else k) for p, k in other)]).times(abs(c))
        if not signed:
            return result
        inside = self.product((p, 1) for p, _ in signed)
        a, new = self.fresh(f"abs: {inside}", f"abs({self.text(inside)})", "nonnegative")
        if new:
            self.relations.append(a.num**2 - inside.num**2)
        return result * a

    def circular(self, f: Fraction) -> tuple[Fraction, Fraction]:
        """sin f and cos f."""
        if f.num.is_zero():
            return f, self.number(1)
        odd = f.num.leading_coefficient() < 0
        f = -f if odd else f
        s, new = self.fresh(f"sin: {f}", f"sin({self.text(f)})", "real")
        c, _ = self.fresh(f"cos: {f}", f"cos({self.text(f)})", "real")
        if new:
            self.relations.append(s.num**2 + c.num**2 - 1)
        return (-s if odd else s), c

    def function(self, name: Function, f: Fraction) -> tuple[Fraction, Callable[[], Fraction]]:
        """The value at f, and its derivative to be computed if it is needed."""
        one = self.number(1)
        odd = f.num.leading_coefficient() < 0
        match name:
            case "log":
                return self.log(f), lambda: self.inverse(f)
            case "exp":
                value = self.exp(f)
                return value, lambda: value
            case "sin":
                return self.circular(f)[0], lambda: self.circular(f)[1]
            case "cos":
                return self.circular(f)[1], lambda: -self.circular(f)[0]
            case "abs":
                value = self.absolute(f)
                return value, lambda: value * self.inverse(f)
            case "asinh":  # log(e + sqrt(1 + e^2)), whose argument is positive; odd
                root = self.power(f * f + one, self.number(fmpq(1, 2)), certain=True)
                value = self.log((-f if odd else f) + root, certain=True)
                return (-value if odd else value), lambda: self.inverse(root, certain=True)
            case "atanh":  # log((1 + e)/(1 - e))/2, whose argument is positive just where |e| < 1
                return self.log((one + f) * self.inverse(one - f)).times(fmpq(1, 2)), lambda: self.inverse(one - f * f)
            case "atan":
                g = -f if odd else f
                value = f if f.num.is_zero() else self.fresh(f"atan: {g}", f"atan({self.text(g)})", "real")[0]
                return (-value if odd else value), lambda: self.inverse(f * f + one, certain=True)
        assert_never(name)

    def text(self, value: Fraction | fmpq_mpoly) -> str:
        """Words for a reader, generators of the tower spelled out."""
        return re.sub(r"#\d+", lambda found: self.texts[found[0]], str(value))


@dataclass(frozen=True)
class Dual:
    """A value and its derivatives in the directions where they are not zero."""

    value: Fraction
    tangents: Mapping[int, Fraction] = field(default_factory=dict)

    def plus(self, other: Dual) -> Dual:
        both = dict(self.tangents)
        for way, tangent in other.tangents.items():
            both[way] = both[way] + tangent if way in both else tangent
        return Dual(self.value + other.value, both)

    def scaled(self, factor: Fraction) -> Mapping[int, Fraction]:
        return {way: factor * tangent for way, tangent in self.tangents.items()}


Motion: TypeAlias = Callable[[str, Entry], Mapping[int, Fraction]]


@dataclass
class _Walk:
    """Trees to duals: the entries move as `motion` says, the held names do not."""

    statement: Statement
    ring: Ring
    sizes: Mapping[str, int]
    atoms: Mapping[tuple[str, Entry], Fraction]
    motion: Motion
    held: frozenset[str] = frozenset()
    memory: dict[tuple[str, Entry], Dual] = field(default_factory=dict)
    summands: Summands = field(default_factory=Summands)

    def entry(self, name: str, entry: Entry) -> Dual:
        if name in self.sizes:
            return Dual(self.ring.number(self.sizes[name]))
        if (name, entry) not in self.memory:
            if name in self.statement.definitions:
                family = self.statement.definitions[name]
                if any(k >= _size(size, self.sizes) for k, (_, size) in zip(entry, family.indices, strict=True)):
                    raise Rejected(f"{name}{list(entry)} is outside its shape")
                found = self.walk(family.value, dict(zip((index for index, _ in family.indices), entry, strict=True)), {})
            elif (name, entry) in self.atoms:
                found = Dual(self.atoms[name, entry], {} if name in self.held else self.motion(name, entry))
            else:
                raise Rejected(f"{name}{list(entry)} is outside its shape")
            self.memory[name, entry] = Dual(found.value) if name in self.held else found
        return self.memory[name, entry]

    def walk(self, tree: Tree, at: Mapping[str, int], bound: Mapping[str, Dual]) -> Dual:
        ring = self.ring
        match tree:
            case Number(value):
                return Dual(ring.number(value))
            case Ref(name, indices):
                return bound[name] if name in bound else self.entry(name, tuple(at[i] if isinstance(i, str) else i for i in indices))
            case Add(args):
                total = Dual(ring.number(0))
                for arg in args:
                    total = total.plus(self.walk(arg, at, bound))
                return total
            case Sum(index, size, body):
                total = Dual(ring.number(0))
                for k in self.summands.over(_size(size, self.sizes)):
                    total = total.plus(self.walk(body, {**at, index: k}, bound))
                return total
            case Mul(args):
                total = Dual(ring.number(1))
                for arg in args:
                    factor = self.walk(arg, at, bound)
                    moved = Dual(ring.number(0), total.scaled(factor.value)).plus(Dual(ring.number(0), factor.scaled(total.value)))
                    total = Dual(total.value * factor.value, moved.tangents)
                return total
            case Fn(name, arg):
                inner = self.walk(arg, at, bound)
                result, slope = ring.function(name, inner.value)
                return Dual(result, inner.scaled(slope()) if inner.tangents else {})
            case Pow(base, exponent):
                return self.power(self.walk(base, at, bound), self.walk(exponent, at, bound))
            case Integral(variable, upper, body):
                return self.integral(variable, self.walk(upper, at, bound), body, at)
        assert_never(tree)

    def power(self, base: Dual, exponent: Dual) -> Dual:
        """d(b^a) = a b^(a-1) db + b^a log(b) da."""
        ring = self.ring
        if exponent.tangents:
            value = ring.exponential(Term(t.q * q, t.m * m, t.atom) for t in ring.logarithm(base.value) for q, m in exponent.value.monomials())
        else:
            value = ring.power(base.value, exponent.value)
        result = Dual(value)
        if base.tangents and not exponent.value.num.is_zero():
            below = ring.power(base.value, exponent.value - ring.number(1))
            result = result.plus(Dual(ring.number(0), base.scaled(exponent.value * below)))
        if exponent.tangents:
            result = result.plus(Dual(ring.number(0), exponent.scaled(value * ring.log(base.value))))
        return result

    def integral(self, variable: str, upper: Dual, body: Tree, at: Mapping[str, int]) -> Dual:
        """d of the integral from 0 to u of f(v) dv is f(u) du, for an f that depends on constants and on v alone."""
        if any(isinstance(part, Integral) for part in within(body, self.statement.definitions)):
            raise Rejected("an integrand holds another integral")
        for name in leaves(body, self.statement.definitions) - {variable, *self.sizes}:
            if self.statement.symbols[name].role != "constant":
                raise Rejected(f"an integrand mentions {name}: it may depend on constants and on its variable only")
        inside = self.walk(body, at, {variable: Dual(self.ring.generator(self.ring.context.variable_to_index(_VARIABLE)))})
        if inside.tangents:
            raise Rejected("an integral is differentiated by a constant of its integrand")
        span = f"for {variable} from 0 to {self.ring.text(upper.value)}"
        for condition in [text for text in self.ring.conditions if _VARIABLE in text]:
            self.ring.conditions[f"{condition.replace(_VARIABLE, variable)} {span}"] = self.ring.conditions.pop(condition)
        text = f"the integral of {self.ring.text(inside.value).replace(_VARIABLE, variable)} {span}"
        value, _ = self.ring.fresh(f"integral: {inside.value} to {upper.value}", text, "real")
        self.ring.conditions[f"{text} exists"] = self.ring.context.constant(1)
        slope = self.walk(body, at, {variable: Dual(upper.value)}).value if upper.tangents else self.ring.number(0)
        return Dual(value, upper.scaled(slope))


def _size(size: Size, sizes: Mapping[str, int]) -> int:
    return size if isinstance(size, int) else sizes[size]


def entries(indices: Iterable[Size], sizes: Mapping[str, int]) -> list[Entry]:
    """Every value of the indices, the last one running fastest."""
    lengths = [_size(size, sizes) for size in indices]
    if prod(lengths) > MOST_ENTRIES:
        raise Rejected(f"a tensor of {' x '.join(map(str, lengths))} entries is given, and {MOST_ENTRIES} are the most")
    return list(product(*map(range, lengths)))


def rational(node: Json) -> fmpq:
    """An integer, or a string "p" or "p/q"."""
    if isinstance(node, int) and not isinstance(node, bool):
        return fmpq(node)
    if isinstance(node, str) and _RATIONAL.fullmatch(node):
        above, _, below = node.partition("/")
        if int(below or 1):
            return fmpq(int(above), int(below or 1))
    raise Rejected(f"{str(node)[:40]!r} is not a rational number: write an integer or 'p/q'")


def read_sizes(statement: Statement, node: Json) -> dict[str, int]:
    """An integer >= 1 for every symbolic size."""
    if not isinstance(node, dict) or set(node) != set(statement.sizes):
        raise Rejected(f"the sizes given are not {sorted(statement.sizes)}")
    for name, size in node.items():
        if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= MOST_GENERATORS:
            raise Rejected(f"the size {name} = {size!r} is not an integer between 1 and {MOST_GENERATORS}")
    return dict(node)


def read_value(statement: Statement, name: str, node: Json, sizes: Mapping[str, int]) -> dict[Entry, fmpq]:
    """The entries of the symbol `name`, of its shape and with its sign."""
    symbol = statement.symbols[name]
    found: dict[Entry, Json] = {(): node}
    for size in symbol.shape:
        if not all(isinstance(part, list) and len(part) == _size(size, sizes) for part in found.values()):
            raise Rejected(f"the value of {name} does not have its shape")
        found = {(*entry, k): part for entry, parts in found.items() for k, part in enumerate(parts)}
    values = {entry: rational(part) for entry, part in found.items()}
    for entry, value in values.items():
        if (symbol.sign == "positive" and value <= 0) or (symbol.sign == "nonnegative" and value < 0) or (symbol.sign == "nonzero" and value == 0):
            raise Rejected(f"{name}{list(entry)} = {value} is not {symbol.sign}")
    return values


@dataclass(frozen=True)
class Residual:
    """What must vanish (entry by entry), the ideal it should vanish in, and the conditions under which the statement is defined."""

    ring: Ring
    entries: Mapping[Entry, Fraction]
    ideal: Mapping[Key, fmpq_mpoly]
    conditions: Mapping[str, fmpq_mpoly]


@dataclass
class _Pass:
    """One attempt to write the statement in a ring of a given room."""

    statement: Statement
    sizes: Mapping[str, int]
    values: Mapping[str, Mapping[Entry, fmpq]]
    room: int
    roots: dict[str, int]

    def __post_init__(self) -> None:
        names: list[str] = []
        signs: list[Sign] = []
        self.places: dict[tuple[str, Entry], int] = {}
        for symbol in self.statement.symbols.values():
            for entry in entries(symbol.shape, self.sizes) if symbol.name not in self.values else ():
                self.places[symbol.name, entry] = self.room + len(names)
                names.append(entry_name(symbol.name, entry))
                signs.append(symbol.sign)
            if len(names) > MOST_GENERATORS:
                raise Rejected(f"the statement has more than {MOST_GENERATORS} entries at these sizes")
        tower = [f"#{k}" for k in reversed(range(self.room))]
        context = fmpq_mpoly_ctx.get([*tower, *names, _VARIABLE], Ordering.lex)
        unknown: list[Sign] = ["real"]
        self.ring = ring = Ring(context, self.room, unknown * self.room + signs + unknown, self.roots)
        self.atoms = {place: ring.generator(index) for place, index in self.places.items()}
        self.atoms |= {(name, entry): ring.number(q) for name, block in self.values.items() for entry, q in block.items()}

    def walker(self, motion: Motion, held: frozenset[str] = frozenset()) -> _Walk:
        return _Walk(self.statement, self.ring, self.sizes, self.atoms, motion, held)

    def partial(self, moving: Callable[[str], bool], held: frozenset[str] = frozenset()) -> _Walk:
        """Each entry of the moving names is a direction of its own, numbered as its generator."""
        return self.walker(lambda name, entry: {self.places[name, entry]: self.ring.number(1)} if moving(name) else {}, held)

    def velocities(self, flow: Flow) -> dict[tuple[str, Entry], Fraction]:
        """theta' = -rate P(gradient of the pairing) + drift, with P g = g - theta (theta . g) on each sphere."""
        symbols, zero = self.statement.symbols, self.ring.number(0)
        tangents = self.partial(lambda name: symbols[name].role == "parameter", flow.held).walk(flow.pairing, {}, {}).tangents
        gradient = {place: tangents.get(index, zero) for place, index in self.places.items() if symbols[place[0]].role == "parameter"}
        for group in flow.spheres:
            blocks, radial = [place for place in gradient if place[0] in group], zero
            for place in blocks:
                radial = radial + self.atoms[place] * gradient[place]
            for place in blocks:
                gradient[place] = gradient[place] - self.atoms[place] * radial
        still = self.partial(lambda _: False)

        def block(families: Mapping[str, Family], name: str, entry: Entry) -> Fraction:
            if name not in families:
                return zero
            return still.walk(families[name].value, dict(zip((index for index, _ in families[name].indices), entry, strict=True)), {}).value

        moving = flow.rates.keys() | flow.drift.keys()
        return {(n, e): block(flow.drift, n, e) - block(flow.rates, n, e) * g for (n, e), g in gradient.items() if n in moving}

    def along(self, flow: Flow) -> _Walk:
        """Everything moves in one direction, with the flow."""
        velocities = self.velocities(flow)

        def motion(name: str, entry: Entry) -> Mapping[int, Fraction]:
            role = self.statement.symbols[name].role
            if role == "cotangent" or (role == "parameter" and (name, entry) not in velocities):
                raise Rejected(f"the flow does not say how {name} moves, and the claim differentiates it")
            return {0: velocities[name, entry]} if role == "parameter" else {0: self.ring.number(1)} if role == "time" else {}

        return self.walker(motion)

    def claim(self) -> dict[Entry, Fraction]:
        claim, zero, still = self.statement.claim, self.ring.number(0), self.partial(lambda _: False)
        names = [index for index, _ in claim.indices]
        wanted = {entry: dict(zip(names, entry, strict=True)) for entry in entries((size for _, size in claim.indices), self.sizes)}
        match claim:
            case Equal(_, left, right):
                return {entry: still.walk(left, at, {}).value - still.walk(right, at, {}).value for entry, at in wanted.items()}
            case Gradient(of, by, _, value):
                if by in self.values:
                    raise Rejected(f"the claim differentiates by {by}, which has a value in this instance")
                slopes = self.partial(lambda name: name == by).walk(of, {}, {}).tangents
                return {entry: slopes.get(self.places[by, entry], zero) - still.walk(value, at, {}).value for entry, at in wanted.items()}
            case Evolves(_, quantity, rate):
                if self.statement.flow is None:
                    raise Rejected("the claim is about a flow, and the statement has none")
                moved = self.along(self.statement.flow)
                return {e: moved.walk(quantity, at, {}).tangents.get(0, zero) - still.walk(rate, at, {}).value for e, at in wanted.items()}
        raise Rejected("the claim has no residual: it is not an identity")

    def residual(self) -> Residual:
        still, ideal = self.partial(lambda _: False), dict[Key, fmpq_mpoly]()
        for number, family in enumerate(self.statement.hypotheses):
            names = [index for index, _ in family.indices]
            for entry in entries((size for _, size in family.indices), self.sizes):
                zero = still.walk(family.value, dict(zip(names, entry, strict=True)), {}).value.num
                if "positive" in (self.ring.sign(zero), self.ring.sign(-zero)):
                    raise Rejected(f"hypothesis {number}, entry {list(entry)}, reads {zero} = 0: the statement is about nothing")
                ideal[number, entry] = zero
        found = self.claim()
        ideal |= {("relation", number): relation for number, relation in enumerate(self.ring.relations)}
        for text, p in self.ring.conditions.items():
            if any(divmod(p, member)[1].is_zero() for member in ideal.values() if not member.is_zero()):
                raise Rejected(f"the condition {text} contradicts the hypotheses: the statement is defined nowhere")
        return Residual(self.ring, found, ideal, self.ring.conditions)


T = TypeVar("T")


@refusing("the instance cannot be computed")
def _settled(statement: Statement, instance: Json, compute: Callable[[_Pass], T]) -> T:
    """What `compute` finds, once the ring has room for the tower; or `Rejected`."""
    sizes, values = read_sizes(statement, instance["sizes"]), {}
    for name, node in instance.get("values", {}).items():
        if name not in statement.symbols or statement.symbols[name].role != "constant":
            raise Rejected(f"a value is given for {name}, which is not a constant")
        values[name] = read_value(statement, name, node, sizes)
    roots: dict[str, int] = {}
    room = 4
    for _ in range(MOST_PASSES):
        attempt = _Pass(statement, sizes, values, room, roots)
        try:
            return compute(attempt)
        except _Again:
            room = room if len(attempt.ring.tower) < room else 2 * room
    raise Rejected("the roots of the statement did not settle")


def residual(statement: Statement, instance: Json) -> Residual:
    """The residual of the claim at the sizes, and with the constants, that `instance` gives; or `Rejected`."""
    return _settled(statement, instance, _Pass.residual)


def read_polynomial(node: Json, context: fmpq_mpoly_ctx) -> fmpq_mpoly:
    """[["-3/2", {"u[0]": 2, "r": 1}], ...] as a polynomial."""
    places, total = {name: k for k, name in enumerate(context.names())}, dict[tuple[int, ...], fmpq]()
    for q, powers in node:
        exponents = [0] * len(places)
        for name, e in powers.items():
            if name not in places or isinstance(e, bool) or not isinstance(e, int) or not 0 <= e <= LARGEST_EXPONENT:
                raise Rejected(f"{name}^{e} is not a power of a generator of this instance")
            exponents[places[name]] = e
        total[tuple(exponents)] = total.get(tuple(exponents), fmpq(0)) + rational(q)
    return context.from_dict(total)


def check_instance(statement: Statement, certificate: Json) -> list[str]:
    """The conditions under which the claim holds at this instance, if the cofactors prove it there; otherwise `Rejected`.

    The certificate is {"instance": ..., "cofactors": [[{"of": key, "times": polynomial}, ...] for each entry of the claim]} with keys
    [number of the hypothesis, [its indices]] or ["relation", number], and asserts numerator = sum of times * (member of the ideal).
    """
    return sorted(proved_at_instance(statement, certificate).conditions)


@refusing("the certificate is not well formed")
def proved_at_instance(statement: Statement, certificate: Json) -> Residual:
    """The residual of an accepted certificate, with each condition's polynomial; or `Rejected`."""
    target = residual(statement, certificate["instance"])
    if len(certificate["cofactors"]) != len(target.entries):
        raise Rejected(f"there are {len(certificate['cofactors'])} rows of cofactors for {len(target.entries)} entries")
    for (entry, fraction), row in zip(target.entries.items(), certificate["cofactors"], strict=True):
        total = target.ring.context.constant(0)
        for part in row:
            number, rest = part["of"]
            key = (number, tuple(rest)) if isinstance(rest, list) else (number, rest)
            total += read_polynomial(part["times"], target.ring.context) * target.ideal[key]
        if total != fraction.num:
            raise Rejected(f"the cofactors of entry {list(entry)} do not give the numerator of the residual")
    return target


def in_tower(p: fmpq_mpoly) -> bool:
    """Whether a polynomial depends on a generator of the tower, and so has no rational value."""
    return any(name.startswith("#") for name, degree in zip(p.context().names(), p.degrees(), strict=True) if degree > 0)


def value_at(p: fmpq_mpoly, values: Mapping[str, fmpq]) -> fmpq:
    """A polynomial in entries that are given by name; `Rejected` where it depends on the tower or on an entry without a value."""
    names = p.context().names()
    missing = [name for name, degree in zip(names, p.degrees(), strict=True) if degree > 0 and name not in values]
    if missing:
        raise Rejected(f"the value of {p} is not known: it depends on {', '.join(missing)}")
    return p(*(values.get(name, fmpq(0)) for name in names))


def entry_name(name: str, entry: Entry) -> str:
    """What the generator of an entry is called: u[0], or r for a scalar."""
    return f"{name}[{','.join(map(str, entry))}]" if entry else name
