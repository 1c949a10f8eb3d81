"""Index polynomials: the normal form that decides identities with symbolic sizes.

Let N, M, ... be symbolic sizes. An index polynomial is a finite sum of terms
    q * sum over bound indices of  f_1^e_1 ... f_k^e_k * exp(E),
with q rational, the f_j atoms (an entry u[i] or A[k,i]; a logarithm, sine, ... of an index polynomial; an index polynomial that could not be
expanded, such as the base of 1/(u+v)), the exponents e_j rational numbers or index polynomials in the constants, and E an index polynomial.
Products, sums over indices, powers, logarithms and derivatives are taken in this form; bound indices are renamed canonically, so that equal
terms meet and cancel. Every rewriting used is an identity on the domain where the statement is defined; what it needs of that domain beyond
the declared signs is collected in `Algebra.conditions`. Zero means identical; different normal forms mean nothing. Work is counted, so that no
certificate, however it was written, keeps the kernel busy for long.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, TypeAlias, assert_never, cast

from flint import Ordering, fmpq, fmpq_mpoly_ctx, fmpz

from .language import Add, Fn, Function, Index, Integral, Mul, Number, Pow, Ref, Rejected, Size, Statement, Sum, Tree

Exponent: TypeAlias = "fmpq | Poly"
ONE: Final = fmpq(1)
LARGEST_POWER: Final = 64
MOST_LABELLINGS: Final = 5040
MOST_TAILS: Final = 8  # exponentials of a base among which the one to divide by is chosen
MOST_ROUNDS: Final = 100  # of spreading denominators inside sums
MOST_WORK: Final = 10**8  # characters of keys, roughly: half a minute
MOST_BITS: Final = 100_000  # of a coefficient
MOST_BITS_FACTORED: Final = 128
MOST_FACTORED: Final = (200, 40, 40)  # terms, atoms and degree of a polynomial that is factored
VARIABLE: Final = "%"  # the variable of every integral


@dataclass(frozen=True, eq=False)
class Atom:
    """An entry of a symbol, a prime, the base of a power, a function, or an integral; two atoms are equal when their keys are."""

    kind: str  # "entry", "prime", "base", "integral", or the name of a function
    name: str = ""
    indices: tuple[Index, ...] = ()
    inside: tuple[Poly, ...] = ()

    @cached_property
    def key(self) -> str:
        if self.kind == "entry":
            return f"{self.name}[{','.join(map(str, self.indices))}]" if self.indices else self.name
        if self.kind == "prime":
            return f"'{self.name}"
        return f"{self.kind}({'; '.join(poly.key for poly in self.inside)})"

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Atom) and self.key == other.key


@dataclass(frozen=True, eq=False)
class Term:
    """The sum over the bound indices of the product of the factors and exp(power)."""

    bound: tuple[tuple[str, Size], ...] = ()
    factors: tuple[tuple[Atom, Exponent], ...] = ()
    power: Poly | None = None

    @cached_property
    def key(self) -> str:
        sums = "".join(f"sum_{name}<{size} " for name, size in self.bound)
        product = "*".join(atom.key if exponent == ONE else f"{atom.key}^{_text(exponent)}" for atom, exponent in self.factors)
        tail = f"*exp({self.power.key})" if self.power else ""
        return (sums + product + tail) or "1"

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Term) and self.key == other.key


UNIT: Final = Term()


class Poly:
    """A finite sum of terms with rational coefficients, none of them zero."""

    def __init__(self, terms: Mapping[Term, fmpq]) -> None:
        self.terms = {term: coefficient for term, coefficient in terms.items() if coefficient != 0}

    @cached_property
    def key(self) -> str:
        ordered = sorted(self.terms, key=lambda term: term.key)
        return " + ".join(term.key if self.terms[term] == 1 else f"{self.terms[term]}*{term.key}" for term in ordered) or "0"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Poly) and self.terms == other.terms

    def __bool__(self) -> bool:
        return bool(self.terms)

    def number(self) -> fmpq | None:
        """The rational number this polynomial is, if it is one."""
        if not self.terms:
            return fmpq(0)
        return self.terms.get(UNIT) if len(self.terms) == 1 else None

    def atoms(self) -> Iterable[Atom]:
        for term in self.terms:
            yield from (atom for atom, _ in term.factors)


def _text(exponent: Exponent) -> str:
    return f"({exponent.key})" if isinstance(exponent, Poly) else str(exponent)


def constant(value: fmpq | int) -> Poly:
    return Poly({UNIT: fmpq(value)})


def of_atom(atom: Atom, exponent: Exponent = ONE) -> Poly:
    return Poly({Term(factors=((atom, exponent),)): ONE})


def _bare(atom: Atom) -> Poly:
    return atom.inside[0] if atom.kind == "base" else of_atom(atom)


def entry(name: str, indices: tuple[Index, ...] = ()) -> Poly:
    return of_atom(Atom("entry", name, indices))


def add(*polys: Poly) -> Poly:
    total: dict[Term, fmpq] = {}
    for poly in polys:
        for term, coefficient in poly.terms.items():
            total[term] = total.get(term, fmpq(0)) + coefficient
    return Poly(total)


def scale(poly: Poly, factor: fmpq) -> Poly:
    return Poly({term: factor * coefficient for term, coefficient in poly.terms.items()})


def subtract(left: Poly, right: Poly) -> Poly:
    return add(left, scale(right, fmpq(-1)))


def _exponent(value: Exponent) -> Exponent:
    """A rational exponent is kept as a number."""
    if isinstance(value, Poly):
        number = value.number()
        return value if number is None else number
    return value


def _as_poly(value: Exponent) -> Poly:
    return value if isinstance(value, Poly) else constant(value)


def _add_exponents(a: Exponent, b: Exponent) -> Exponent:
    if isinstance(a, Poly) or isinstance(b, Poly):
        return _exponent(add(_as_poly(a), _as_poly(b)))
    return a + b


def _integer(value: Exponent) -> int | None:
    return int(value.p) if isinstance(value, fmpq) and value.q == 1 else None


def _floor(value: fmpq) -> int:
    return int(fmpz(value.p) // fmpz(value.q))


def _whole_part(exponent: Exponent) -> tuple[Exponent, int]:
    """The exponent as (class, integer): exponents of one class differ by integers."""
    number = exponent.terms.get(UNIT, fmpq(0)) if isinstance(exponent, Poly) else exponent
    whole = _floor(number)
    return _add_exponents(exponent, fmpq(-whole)), whole


@dataclass
class Algebra:
    """The operations on index polynomials over the symbols of one statement."""

    statement: Statement
    conditions: dict[str, Poly | None] = field(default_factory=dict)  # each text with what is to be nonzero or positive, if that can be said
    _work: int = 0
    _fresh: Iterable[int] = field(default_factory=itertools.count)
    _definitions: dict[tuple[str, frozenset[str]], Poly] = field(default_factory=dict)

    # ---- signs -------------------------------------------------------------------------------------------------------------------------------

    def sign(self, value: Atom | Poly) -> str:
        """ "positive", "nonnegative" or "real": what is certain from the declared signs."""
        if isinstance(value, Poly):
            signs = {self._term_sign(term) if coefficient > 0 else "real" for term, coefficient in value.terms.items()}
            if not signs:
                return "nonnegative"
            return "real" if "real" in signs else "positive" if "positive" in signs else "nonnegative"
        if value.kind == "entry":
            symbol = self.statement.symbols.get(value.name)
            if symbol is None:  # a size or a variable of integration; a direction has no sign
                return "positive" if value.name in self.statement.sizes or value.name == VARIABLE else "real"
            return symbol.sign if symbol.sign in ("positive", "nonnegative") else "real"
        if value.kind == "prime":
            return "positive"
        if value.kind == "base":
            return self.sign(value.inside[0])
        return "nonnegative" if value.kind == "abs" else "real"

    def _term_sign(self, term: Term) -> str:
        signs = set()
        for atom, exponent in term.factors:
            whole = _integer(exponent)
            if whole is None:  # a power that is no integer is defined where its base is positive
                signs.add("positive")
            elif whole % 2 == 0:
                signs.add("positive" if self.sign(atom) == "positive" or self._nonzero(atom) else "nonnegative")
            else:
                signs.add(self.sign(atom))
        return "real" if "real" in signs else "nonnegative" if "nonnegative" in signs else "positive"

    def _nonzero(self, atom: Atom) -> bool:
        symbol = self.statement.symbols.get(atom.name) if atom.kind == "entry" else None
        return symbol is not None and symbol.sign in ("positive", "nonzero")

    def moves(self, poly: Poly) -> bool:
        """Whether the polynomial holds anything but constants."""
        for term in poly.terms:
            for atom, exponent in term.factors:
                symbol = self.statement.symbols.get(atom.name)
                if atom.kind == "entry" and atom.name not in self.statement.sizes and (symbol is None or symbol.role != "constant"):
                    return True
                if any(map(self.moves, atom.inside)) or (isinstance(exponent, Poly) and self.moves(exponent)):
                    return True
            if term.power and self.moves(term.power):
                return True
        return False

    def spend(self, work: int) -> None:
        """Count work, and refuse what takes too much of it."""
        self._work += work
        if self._work > MOST_WORK:
            raise Rejected("the normal form takes more work than the kernel is ready to do")

    # ---- products and sums -------------------------------------------------------------------------------------------------------------------

    def fresh(self) -> str:
        return f"~{next(iter(self._fresh))}"

    def canonical(self, bound: Iterable[tuple[str, Size]], factors: Mapping[Atom, Exponent], power: Poly | None, coefficient: fmpq) -> Poly:
        """One term in normal form: idle factors folded away, bound indices named by their place."""
        kept: dict[Atom, Exponent] = {}
        for atom, exponent in factors.items():
            if atom.kind == "prime":
                exponent, whole = _whole_part(exponent)
                coefficient *= _number_power(fmpq(int(atom.name)), whole)
            if exponent != fmpq(0):
                kept[atom] = exponent
        power = power or None
        text = " ".join([atom.key + _text(exponent) for atom, exponent in kept.items()] + ([power.key] if power else []))
        if coefficient.height_bits() > MOST_BITS:
            raise Rejected(f"a coefficient has more than {MOST_BITS} bits")
        used = _labels(text)
        live = [(name, size) for name, size in bound if name in used]
        self.spend(400 + len(text) * (1 + len(live) ** 2))
        for name, size in bound:
            if name not in used:
                if isinstance(size, int):
                    coefficient *= size
                else:
                    atom = Atom("entry", size)
                    kept[atom] = _add_exponents(kept.get(atom, fmpq(0)), ONE)
                    if kept[atom] == fmpq(0):
                        del kept[atom]
        if not live:
            return Poly({Term((), tuple(sorted(kept.items(), key=lambda item: item[0].key)), power): coefficient})
        height = 1 + max((int(depth) for depth in re.findall(r"sum_#([0-9]+)", text)), default=-1)
        # First away from every label in use, then to the least of the labellings that respect the colours.
        away = {name: self.fresh() for name, _ in live}
        kept, power = self._rename_parts(kept, power, away)
        live = [(away[name], size) for name, size in live]
        best: Term | None = None
        for order in _labellings(live, kept, power):
            self.spend(400 + len(text))
            labels = {name: f"#{height}.{place}" for place, (name, _) in enumerate(order)}
            renamed, renamed_power = self._rename_parts(kept, power, labels)
            term = Term(
                tuple((labels[name], size) for name, size in order),
                tuple(sorted(renamed.items(), key=lambda item: item[0].key)),
                renamed_power,
            )
            if best is None or term.key < best.key:
                best = term
        assert best is not None
        return Poly({best: coefficient})

    def opened(self, term: Term) -> tuple[tuple[tuple[str, Size], ...], dict[Atom, Exponent], Poly | None]:
        """The term with its bound indices renamed to names in use nowhere: the only form in which terms may be taken apart."""
        if not term.bound:
            return (), dict(term.factors), term.power
        away = {name: self.fresh() for name, _ in term.bound}
        factors, power = self._rename_parts(dict(term.factors), term.power, away)
        return tuple((away[name], size) for name, size in term.bound), factors, power

    def closed(self, bound: Iterable[tuple[str, Size]], poly: Poly) -> Poly:
        """The sum of the polynomial over indices that are free in it."""
        for name, size in bound:
            poly = self.total(name, size, poly)
        return poly

    def _rename_parts(
        self, factors: Mapping[Atom, Exponent], power: Poly | None, names: Mapping[str, Index]
    ) -> tuple[dict[Atom, Exponent], Poly | None]:
        renamed: dict[Atom, Exponent] = {}
        for atom, exponent in factors.items():
            atom = self.rename_atom(atom, names)
            exponent = _exponent(self.rename(exponent, names)) if isinstance(exponent, Poly) else exponent
            renamed[atom] = _add_exponents(renamed[atom], exponent) if atom in renamed else exponent
        return renamed, self.rename(power, names) if power else None

    def rename_atom(self, atom: Atom, names: Mapping[str, Index]) -> Atom:
        indices = tuple(names.get(i, i) if isinstance(i, str) else i for i in atom.indices)
        return Atom(atom.kind, atom.name, indices, tuple(self.rename(poly, names) for poly in atom.inside))

    def rename(self, poly: Poly, names: Mapping[str, Index]) -> Poly:
        """The polynomial with its free indices renamed, all at once."""
        if not any(name in poly.key for name in names):
            return poly
        parts = []
        for term, coefficient in poly.terms.items():
            factors, power = self._rename_parts(dict(term.factors), term.power, names)
            parts.append(self.canonical(term.bound, factors, power, coefficient))
        return add(*parts)

    def multiply(self, *polys: Poly) -> Poly:
        product = constant(1)
        for poly in polys:
            product = self._times(product, poly)
        return product

    def _times(self, left: Poly, right: Poly) -> Poly:
        total: dict[Term, fmpq] = {}
        for a, p in left.terms.items():
            for b, q in right.terms.items():
                bound, factors, power = self.opened(a)
                other_bound, other, other_power = self.opened(b)
                for atom, exponent in other.items():
                    factors[atom] = _add_exponents(factors[atom], exponent) if atom in factors else exponent
                joint = add(power, other_power) if power and other_power else power or other_power
                for term, coefficient in self.canonical((*bound, *other_bound), factors, joint, p * q).terms.items():
                    total[term] = total.get(term, fmpq(0)) + coefficient
        return Poly(total)

    def total(self, index: str, size: Size, body: Poly) -> Poly:
        """The sum of the body over 0 <= index < size."""
        name = self.fresh()
        moved = self.rename(body, {index: name})
        parts = []
        for term, coefficient in moved.terms.items():
            parts.append(self.canonical((*term.bound, (name, size)), dict(term.factors), term.power, coefficient))
        return add(*parts)

    # ---- powers, logarithms, exponentials ----------------------------------------------------------------------------------------------------

    def power(self, base: Poly, exponent: Exponent) -> Poly:
        exponent = _exponent(exponent)
        whole = _integer(exponent)
        if whole is not None and whole >= 0 and (len(base.terms) != 1 or next(iter(base.terms)).bound):
            if whole > LARGEST_POWER:
                raise Rejected(f"the power {whole} of a sum is larger than {LARGEST_POWER}")
            return self.multiply(*[base] * whole)
        if not base:
            raise Rejected("a power of zero that is not a natural number")
        if isinstance(exponent, Poly) and self.moves(exponent):
            return self.exp(self.multiply(exponent, self.log(base)))
        if len(base.terms) == 1:
            ((term, coefficient),) = base.terms.items()
            if not term.bound:
                return self._monomial_power(term, coefficient, exponent)
        content, pieces = self._split(base, whole is not None)
        result = self.power(content, exponent)
        for piece, multiplicity in pieces:
            self._require(piece, "nonzero" if whole is not None else "positive")
            times = _scaled(exponent, multiplicity)
            result = self.multiply(result, of_atom(Atom("base", inside=(piece,)), times))
        return result

    def _monomial_power(self, term: Term, coefficient: fmpq, exponent: Exponent) -> Poly:
        whole = _integer(exponent)
        if whole is not None:
            for atom, power in term.factors if whole < 0 else ():
                if not (self._nonzero(atom) or atom.kind in ("base", "prime") or _integer(power) is None):
                    self._require(_bare(atom), "nonzero")
            factors = {atom: _exponent(_scaled(power, whole)) for atom, power in term.factors}
            tail = scale(term.power, fmpq(whole)) if term.power else None
            return self._expanded(self.canonical((), factors, tail, _number_power(coefficient, whole)))
        tail = self.multiply(term.power, _as_poly(exponent)) if term.power else None
        factors = {}
        unsigned: dict[Atom, Exponent] = {}
        alone = self._alone(term, coefficient)
        for atom, power in term.factors:
            if atom == alone or self._positive(atom, power):
                self._require(_bare(atom), "positive")
                factors[atom] = _exponent(self.multiply(_as_poly(power), _as_poly(exponent)))
            else:
                unsigned[atom] = power
        for prime, multiplicity in _primes(abs(coefficient)):
            own = Atom("prime", str(prime))
            factors[own] = _add_exponents(factors.get(own, fmpq(0)), _scaled(exponent, multiplicity))
        result = self.canonical((), factors, tail, ONE)
        if unsigned or coefficient < 0:
            inner = self.canonical((), unsigned, None, fmpq(1 if coefficient > 0 else -1))
            self._require(inner, "positive")
            result = self.multiply(result, of_atom(Atom("base", inside=(inner,)), exponent))
        return result

    def _alone(self, term: Term, coefficient: fmpq) -> Atom | None:
        """The atom that has to be positive for the term to be: the only one of unknown sign, to an odd power."""
        unknown = [(atom, _integer(exponent)) for atom, exponent in term.factors if not self._positive(atom, exponent)]
        return unknown[0][0] if len(unknown) == 1 and (unknown[0][1] or 0) % 2 == 1 and coefficient > 0 else None

    def _positive(self, atom: Atom, exponent: Exponent) -> bool:
        """Whether atom^exponent may be raised to any power factor by factor: (f^a)^b = f^(ab) for f >= 0 wherever f^a and the result are defined."""
        return _integer(exponent) is None or self.sign(atom) in ("positive", "nonnegative")

    def _split(self, poly: Poly, signed: bool) -> tuple[Poly, list[tuple[Poly, int]]]:
        """poly = content * product of piece^multiplicity, with a monomial content.

        The content is positive unless `signed`, and so are the pieces when there are several, so that any power goes through the product.
        """
        whole = poly
        tail = self._tail(poly)
        if tail:
            poly = self.multiply(poly, self.canonical((), {}, scale(tail, fmpq(-1)), ONE))
        lead = min(poly.terms, key=lambda term: term.key)
        factor = _content(poly) * (-1 if signed and poly.terms[lead] < 0 else 1)
        exponents: dict[Atom, list[Exponent]] = {}
        local: set[Atom] = set()
        for term in poly.terms:
            for atom, exponent in term.factors:
                exponents.setdefault(atom, []).append(exponent)
                if term.bound and _holds_bound(atom, term):
                    local.add(atom)
        common: dict[Atom, fmpq] = {}
        for atom, powers in exponents.items():
            if atom not in local and (signed or self.sign(atom) == "positive"):
                numbers = [e for e in powers if isinstance(e, fmpq)]
                common[atom] = min(numbers if len(numbers) == len(poly.terms) else [*numbers, fmpq(0)])
        inverse = self.canonical((), {a: -e for a, e in common.items()}, scale(tail, fmpq(-1)) if tail else None, 1 / factor)
        content = self.canonical((), dict(common), tail, factor)
        rest = self._expanded(self.multiply(whole, inverse))
        pieces = self._irreducible(rest)
        if (len(pieces) > 1 or pieces[0][1] > 1) and (signed or all(self.sign(piece) != "real" for piece, _ in pieces)):
            product = self.multiply(*(piece for piece, multiplicity in pieces for _ in range(multiplicity)))
            first = next(iter(rest.terms))
            ratio = rest.terms[first] / product.terms[first] if first in product.terms else fmpq(0)
            if (signed or ratio > 0) and scale(product, ratio) == rest:
                return scale(content, ratio), pieces
        return content, [(rest, 1)]

    def _expanded(self, poly: Poly) -> Poly:
        """The polynomial with the natural powers of bases multiplied out."""
        parts = []
        for term, coefficient in poly.terms.items():
            if not any(atom.kind == "base" and (_integer(exponent) or 0) > 0 for atom, exponent in term.factors):
                parts.append(Poly({term: coefficient}))
                continue
            bound, factors, power = self.opened(term)
            bases = {atom: exponent for atom, exponent in factors.items() if atom.kind == "base" and (_integer(exponent) or 0) > 0}
            bare = self.canonical((), {a: e for a, e in factors.items() if a not in bases}, power, coefficient)
            parts.append(self.closed(bound, self.multiply(bare, *(self.power(a.inside[0], e) for a, e in bases.items()))))
        return add(*parts)

    def _tail(self, poly: Poly) -> Poly | None:
        """The exponential to divide by, the same for all multiples of the polynomial by exponentials: 1 + e^-s is e^-s (1 + e^s)."""
        outer = [term for term in poly.terms if not (term.power and _labels(term.power.key) & {name for name, _ in term.bound})]
        tails = {term.power.key if term.power else "": term.power for term in outer}
        if not any(tails.values()) or len(tails) > MOST_TAILS:
            return None

        def divided(tail: Poly | None) -> str:
            return self.multiply(poly, self.canonical((), {}, scale(tail, fmpq(-1)), ONE)).key if tail else poly.key

        return min(tails.values(), key=divided)

    def _irreducible(self, poly: Poly) -> list[tuple[Poly, int]]:
        """The irreducible factors, primitive and with a positive leading coefficient, where the polynomial is one without sums; itself otherwise."""
        atoms = sorted(set(poly.atoms()), key=lambda atom: atom.key)
        plain = all(not term.bound and not term.power and all((_integer(e) or 0) > 0 for _, e in term.factors) for term in poly.terms)
        degree = max((sum(_integer(e) or 0 for _, e in term.factors) for term in poly.terms), default=0)
        if not plain or not atoms or any(given > most for given, most in zip((len(poly.terms), len(atoms), degree), MOST_FACTORED, strict=True)):
            return [(poly, 1)]
        ring = fmpq_mpoly_ctx.get([f"g{n}" for n in range(len(atoms))], Ordering.lex)
        place = {atom: n for n, atom in enumerate(atoms)}
        packed = {}
        for term, coefficient in poly.terms.items():
            exponents = [0] * len(atoms)
            for atom, exponent in term.factors:
                exponents[place[atom]] = _integer(exponent) or 0
            packed[tuple(exponents)] = coefficient
        _, factors = ring.from_dict(packed).factor()
        pieces = []
        for factor, multiplicity in factors:
            piece = add(
                *(
                    self.canonical((), {atoms[n]: fmpq(e) for n, e in enumerate(exponents) if e}, None, coefficient)
                    for exponents, coefficient in factor.to_dict().items()
                )
            )
            lead = piece.terms[min(piece.terms, key=lambda term: term.key)]
            pieces.append((scale(piece, (1 if lead > 0 else -1) / _content(piece)), int(multiplicity)))
        return pieces

    def _require(self, poly: Poly, what: str) -> None:
        """Record that the statement is defined only where the polynomial is nonzero or positive, unless the declared signs decide it."""
        above, below = self.sign(poly), self.sign(scale(poly, fmpq(-1)))
        if not poly or (what == "positive" and below != "real"):
            raise Rejected(f"the statement is defined nowhere: {poly.key[:200]} would have to be {what}")
        if above == "positive" or (what == "nonzero" and below == "positive"):
            return
        if what == "positive":
            if self._alike(poly) not in {self._alike(known) for text, known in self.conditions.items() if known and text.endswith("> 0")}:
                self.conditions[f"{poly.key} > 0"] = poly
        elif not self.factors(poly) <= set().union(*(self.factors(known) for known in self.conditions.values() if known)):
            self.conditions[f"{poly.key} != 0"] = poly

    def factors(self, poly: Poly) -> set[str]:
        """The keys of factors that do not vanish where the polynomial does not, and only there."""
        content, pieces = self._split(poly, True)
        return {self._alike(of_atom(atom)) for atom in content.atoms()} | {self._alike(piece) for piece, _ in pieces}

    def _alike(self, poly: Poly) -> str:
        """A key that does not depend on how the free indices are named."""
        return self.closed(free_indices(poly, self.statement).items(), of_atom(Atom("log", inside=(poly,)))).key

    def log(self, poly: Poly) -> Poly:
        if not poly:
            raise Rejected("the logarithm of zero")
        if len(poly.terms) == 1 and not next(iter(poly.terms)).bound:
            ((term, coefficient),) = poly.terms.items()
            parts = [term.power] if term.power else []
            unsigned: dict[Atom, Exponent] = {}
            alone = self._alone(term, coefficient)
            for atom, exponent in term.factors:
                if atom == alone or self._positive(atom, exponent):
                    parts.append(self.multiply(_as_poly(exponent), self._log_atom(atom)))
                else:
                    unsigned[atom] = exponent
            parts.extend(scale(of_atom(Atom("log", inside=(constant(p),))), fmpq(m)) for p, m in _primes(abs(coefficient)))
            if unsigned or coefficient < 0:
                inner = self.canonical((), unsigned, None, fmpq(1 if coefficient > 0 else -1))
                self._require(inner, "positive")
                parts.append(of_atom(Atom("log", inside=(inner,))))
            return add(*parts)
        content, pieces = self._split(poly, False)
        parts = [] if content == constant(1) else [self.log(content)]
        for piece, multiplicity in pieces:
            self._require(piece, "positive")
            parts.append(scale(of_atom(Atom("log", inside=(piece,))), fmpq(multiplicity)))
        return add(*parts)

    def _log_atom(self, atom: Atom) -> Poly:
        if atom.kind == "prime":
            return of_atom(Atom("log", inside=(constant(int(atom.name)),)))
        inner = _bare(atom)
        self._require(inner, "positive")
        return of_atom(Atom("log", inside=(inner,)))

    def exp(self, poly: Poly) -> Poly:
        rest: dict[Term, fmpq] = {}
        result = constant(1)
        for term, coefficient in poly.terms.items():
            logs = [atom for atom, exponent in term.factors if atom.kind == "log" and exponent == ONE]
            others = {atom: exponent for atom, exponent in term.factors if atom not in logs[:1]}
            factor = self.canonical((), others, term.power, coefficient) if logs and not term.bound else None
            if factor is not None and not self.moves(factor):
                result = self.multiply(result, self.power(logs[0].inside[0], _exponent(factor)))
            else:
                rest[term] = coefficient
        return self.multiply(result, Poly({Term(power=Poly(rest)): ONE})) if rest else result

    def apply(self, name: str, poly: Poly) -> Poly:
        if name == "exp":
            return self.exp(poly)
        if name == "log":
            return self.log(poly)
        if name == "abs":
            for signed in (poly, scale(poly, fmpq(-1))):
                if self.sign(signed) != "real":
                    return signed
            self._require(poly, "nonzero")  # so that it may be differentiated
        if name == "atanh":
            self._require(subtract(constant(1), self.multiply(poly, poly)), "positive")
        if not poly and name != "cos":
            return constant(0)
        if not poly:
            return constant(1)
        # asinh, atan, atanh and sin are odd, cos and abs even: the leading coefficient is made positive.
        lead = poly.terms[min(poly.terms, key=lambda term: term.key)]
        if lead < 0:
            flipped = of_atom(Atom(name, inside=(scale(poly, fmpq(-1)),)))
            return flipped if name in ("cos", "abs") else scale(flipped, fmpq(-1))
        return of_atom(Atom(name, inside=(poly,)))

    # ---- trees -------------------------------------------------------------------------------------------------------------------------------

    def of_tree(self, tree: Tree, held: frozenset[str] = frozenset()) -> Poly:
        """The normal form of a tree; definitions are put in, except those that are held."""
        found = self._of_tree(tree, held)
        self.spend(400 + len(found.key))
        return found

    def _of_tree(self, tree: Tree, held: frozenset[str]) -> Poly:
        match tree:
            case Number(value):
                return constant(value)
            case Ref(name, indices):
                self._within(name, indices)
                if name in self.statement.definitions and name not in held:
                    family = self.statement.definitions[name]
                    if (name, held) not in self._definitions:
                        self._definitions[name, held] = self.of_tree(family.value, held)
                    names = {own: given for (own, _), given in zip(family.indices, indices, strict=True)}
                    return self.rename(self._definitions[name, held], names)
                return entry(name, indices)
            case Add(args):
                return add(*(self.of_tree(a, held) for a in args))
            case Mul(args):
                return self.multiply(*(self.of_tree(a, held) for a in args))
            case Pow(base, exponent):
                return self.power(self.of_tree(base, held), self.of_tree(exponent, held))
            case Sum(index, size, body):
                return self.total(index, size, self.of_tree(body, held))
            case Fn(name, arg):
                return self.apply(name, self.of_tree(arg, held))
            case Integral(variable, upper, body):
                inner = self.of_tree(_with_variable(body, variable), held)
                limit = self.of_tree(upper, held)
                if self.moves(_without(inner)):
                    raise Rejected("the integrand depends on more than constants and its variable")
                self._require(limit, "positive")
                found = Atom("integral", inside=(limit, inner))
                if not self._integrable(inner):
                    self.conditions[f"{found.key} exists"] = None
                return of_atom(found)
        assert_never(tree)

    def _within(self, name: str, indices: tuple[Index, ...]) -> None:
        """Record that an entry named by numbers exists only where the sizes are large enough."""
        symbol = self.statement.symbols.get(name)
        shape = symbol.shape if symbol else [size for _, size in self.statement.definitions[name].indices] if indices else []
        for index, size in zip(indices, shape, strict=bool(indices)):
            if isinstance(index, int) and index > 0 and isinstance(size, str):
                self.conditions[f"{size} > {index}"] = subtract(entry(size), constant(index))

    def _integrable(self, integrand: Poly) -> bool:
        """Whether every term is certainly v^e exp(E) times constants, with e > -1 and E a polynomial in v."""
        for term in integrand.terms:
            powers = [exponent for atom, exponent in term.factors if atom.name == VARIABLE]
            below = [exponent for t in (term.power.terms if term.power else ()) for atom, exponent in t.factors if atom.name == VARIABLE]
            if any(self.sign(add(_as_poly(e), constant(1))) != "positive" for e in powers) or any((_integer(e) or 0) < 1 for e in below):
                return False
        return True

    # ---- derivatives -------------------------------------------------------------------------------------------------------------------------

    def derivative(self, poly: Poly, of_entry: Callable[[str, tuple[Index, ...]], Poly]) -> Poly:
        """The derivative along the vector field (or direction) whose value at an entry is of_entry(name, indices)."""
        self.spend(400 + len(poly.key))
        known = dict(self.conditions)
        parts = []
        for term, coefficient in poly.terms.items():
            bound, factors, power = self.opened(term)
            for atom, exponent in factors.items():
                if isinstance(exponent, Poly) and self.derivative(exponent, of_entry):
                    raise Rejected(f"the exponent {exponent.key} moves")
                change = self._atom_derivative(atom, of_entry)
                if change:
                    lowered = self.canonical((), {**factors, atom: _add_exponents(exponent, fmpq(-1))}, power, coefficient)
                    parts.append(self.closed(bound, self.multiply(lowered, _as_poly(exponent), change)))
            shift = self.derivative(power, of_entry) if power else None
            if shift:
                parts.append(self.closed(bound, self.multiply(self.canonical((), factors, power, coefficient), shift)))
        self.conditions = known  # what a derivative divides by, the statement has divided by, or taken a logarithm of, before
        return add(*parts)

    def _atom_derivative(self, atom: Atom, of_entry: Callable[[str, tuple[Index, ...]], Poly]) -> Poly:
        if atom.kind == "entry":
            return of_entry(atom.name, atom.indices)
        if atom.kind == "prime":
            return constant(0)
        inner = atom.inside[0]
        change = self.derivative(inner, of_entry)
        if atom.kind == "integral" and self.derivative(atom.inside[1], of_entry):
            raise Rejected("the integrand moves")
        if not change or atom.kind == "base":
            return change
        if atom.kind == "integral":
            return self.multiply(self._insert(atom.inside[1], inner), change)
        square = self.multiply(inner, inner)
        slope = {
            "log": lambda: self.power(inner, fmpq(-1)),
            "sin": lambda: self.apply("cos", inner),
            "cos": lambda: scale(self.apply("sin", inner), fmpq(-1)),
            "asinh": lambda: self.power(add(constant(1), square), fmpq(-1, 2)),
            "atan": lambda: self.power(add(constant(1), square), fmpq(-1)),
            "atanh": lambda: self.power(subtract(constant(1), square), fmpq(-1)),
            "abs": lambda: self.multiply(of_atom(atom), self.power(inner, fmpq(-1))),
        }[atom.kind]()
        return self.multiply(slope, change)

    def _insert(self, integrand: Poly, value: Poly) -> Poly:
        """The integrand with its variable replaced."""
        parts = []
        for term, coefficient in integrand.terms.items():
            bound, factors, power = self.opened(term)
            product = constant(coefficient)
            for atom, exponent in factors.items():
                if atom.kind == "entry" and atom.name == VARIABLE:
                    product = self.multiply(product, self.power(value, exponent))
                else:  # an integrand holds its variable nowhere but in powers and in exp
                    product = self.multiply(product, of_atom(atom, exponent))
            if power:
                product = self.multiply(product, self.exp(self._insert(power, value)))
            parts.append(self.closed(bound, product))
        return add(*parts)

    # ---- zero --------------------------------------------------------------------------------------------------------------------------------

    def cleared(self, poly: Poly) -> Poly:
        """The same function with denominators, radicals and sin^2 brought to a form in which equal functions cancel."""
        known = dict(self.conditions)
        done: set[str] = set()
        poly = self._clear_local(poly)
        while special := {a for a in poly.atoms() if a.kind in ("base", "sin", "abs") and a.key not in done}:
            atom = max(special, key=lambda a: (len(a.key), a.key))  # what contains comes before what is contained
            done.add(atom.key)
            if not any(atom in dict(term.factors) and _holds_bound(atom, term) for term in poly.terms):
                poly = self._clear_local(self._clear(poly, atom))
        poly = self._clear_under_sums(poly)
        self.conditions = known
        return poly

    def _clear_under_sums(self, poly: Poly) -> Poly:
        """Terms that sum over the same indices, cleared together under one sum where that leaves fewer of them."""
        groups: dict[tuple[tuple[str, Size], ...], list[Term]] = {}
        for term in poly.terms:
            groups.setdefault(term.bound, []).append(term)
        for bound, members in groups.items():
            terms = [term for term in members if term in poly.terms]  # some may have cancelled with an earlier group
            if not any(atom.kind != "entry" and _holds_bound(atom, term) for term in terms for atom, _ in term.factors):
                continue
            names: dict[str, Index] = {name: self.fresh() for name, _ in bound}
            body = Poly({})
            for term in terms:
                factors, power = self._rename_parts(dict(term.factors), term.power, names)
                body = add(body, self.canonical((), factors, power, poly.terms[term]))
            body = self.cleared(body)
            if len(body.terms) < len(terms):
                rest = Poly({term: coefficient for term, coefficient in poly.terms.items() if term not in terms})
                poly = add(rest, self.closed(((str(names[name]), size) for name, size in bound), body))
        return poly

    def _clear(self, poly: Poly, atom: Atom) -> Poly:
        classes: dict[str, list[tuple[Term, fmpq, Exponent, int]]] = {}
        for term, coefficient in poly.terms.items():
            exponent = dict(term.factors).get(atom, fmpq(0))
            kind, whole = _whole_part(exponent)
            classes.setdefault(_text(kind), []).append((term, coefficient, kind, whole))
        parts = []
        for members in classes.values():
            least = min(whole for *_, whole in members)
            for term, coefficient, kind, whole in members:
                rest = {a: e for a, e in term.factors if a != atom}
                bare = self.canonical(term.bound, rest, term.power, coefficient)
                keep, spread = self._spread(atom, whole - least)
                parts.append(self.multiply(bare, of_atom(atom, _add_exponents(kind, fmpq(least + keep))), spread))
        return add(*parts)

    def _spread(self, atom: Atom, excess: int) -> tuple[int, Poly]:
        """atom^excess = atom^keep * polynomial."""
        inner = atom.inside[0]
        if atom.kind == "base":
            return 0, self.power(inner, fmpq(excess))
        if atom.kind == "sin":
            cosine = self.apply("cos", inner)
            return excess % 2, self.power(subtract(constant(1), self.multiply(cosine, cosine)), fmpq(excess // 2))
        return excess % 2, self.power(self.multiply(inner, inner), fmpq(excess // 2))

    def _clear_local(self, poly: Poly) -> Poly:
        """Bases that hold a bound index, term by term.

        With x^d a term of the base B that is alone in its power of x, x^d B^e becomes B^(e+1) less the other terms of B times B^e, until no
        power of x beside B reaches d: each f(x) B^e has one such form. Powers of B that are natural numbers are expanded. Two bases may
        feed each other, and then all is left as it was.
        """
        done: list[Poly] = []
        waiting = self._expanded(poly)
        for _ in range(MOST_ROUNDS):
            if not waiting:
                return add(*done)
            spreads = [(Poly({term: coefficient}), self._spread_bound(term, coefficient)) for term, coefficient in waiting.terms.items()]
            done += [own for own, spread in spreads if spread is None]
            waiting = add(*(spread for _, spread in spreads if spread is not None))
        return poly

    def _spread_bound(self, term: Term, coefficient: fmpq) -> Poly | None:
        bound, factors, power = self.opened(term)
        names = {name for name, _ in bound}
        for base in [a for a in factors if a.kind == "base" and _labels(a.key) & names]:
            inner = base.inside[0]
            lead = self._lead(inner)
            if lead is None:
                continue
            x, degree, share = lead
            reached = _integer(factors.get(x, fmpq(0)))
            if reached is not None and reached >= degree:
                lowered = {**factors, x: fmpq(reached - degree)}
                bare = self.canonical((), lowered, power, coefficient / share)
                others = subtract(inner, scale(of_atom(x, fmpq(degree)), share))
                return self.closed(bound, subtract(self.multiply(bare, of_atom(base)), self.multiply(bare, others)))
        return None

    def _lead(self, inner: Poly) -> tuple[Atom, int, fmpq] | None:
        """An atom x, d and q such that q x^d is a term of the polynomial and no other term has x in a power of d or more."""
        for term in sorted(inner.terms, key=lambda term: term.key):
            if not term.bound and not term.power and len(term.factors) == 1:
                ((x, exponent),) = term.factors
                degree = _integer(exponent)
                powers = [dict(other.factors).get(x, fmpq(0)) for other in inner.terms if other != term]
                if degree is not None and degree > 0 and all((_integer(p) is not None and (_integer(p) or 0) < degree) for p in powers):
                    return x, degree, inner.terms[term]
        return None


def _content(poly: Poly) -> fmpq:
    """The largest positive rational of which all coefficients are integer multiples: it does not depend on how indices are named."""
    above, below = fmpz(0), fmpz(1)
    for coefficient in poly.terms.values():
        above, below = above.gcd(coefficient.p), below.lcm(coefficient.q)
    return fmpq(above, below)


def _labels(text: str) -> set[str]:
    """The names of bound indices in a key."""
    return set(re.findall(r"[~#][0-9.]+", text))


def _holds_bound(atom: Atom, term: Term) -> bool:
    """Whether an atom of the term depends on an index the term sums over."""
    return not _labels(atom.key).isdisjoint(name for name, _ in term.bound)


def _labellings(bound: list[tuple[str, Size]], factors: Mapping[Atom, Exponent], power: Poly | None) -> Iterable[tuple[tuple[str, Size], ...]]:
    """Orders of the bound indices that respect colours refined from where each index stands; all of them when there are few."""
    texts = [f"{atom.key}^{_text(exponent)}" for atom, exponent in factors.items()] + ([power.key] if power else [])
    colour = {name: str(size) for name, size in bound}
    for _ in bound:
        views = {name: _view(name, colour, texts) for name, _ in bound}
        ranks = {text: f"<{rank}>" for rank, text in enumerate(sorted(set(views.values())))}
        refined = {name: ranks[views[name]] for name, _ in bound}
        if refined == colour:
            break
        colour = refined
    groups: dict[str, list[tuple[str, Size]]] = {}
    for name, size in bound:
        groups.setdefault(colour[name], []).append((name, size))
    ordered = [groups[c] for c in sorted(groups, key=lambda c: (len(c), c))]
    if math.prod(math.factorial(len(group)) for group in ordered) > MOST_LABELLINGS:
        return [tuple(pair for group in ordered for pair in group)]
    return (tuple(pair for group in choice for pair in group) for choice in itertools.product(*(itertools.permutations(group) for group in ordered)))


def _view(name: str, colour: Mapping[str, str], texts: Iterable[str]) -> str:
    """Where an index stands: the factors that hold it, itself marked and the other bound indices as their colours.

    Within a factor the words are sorted: their order, and the labels of the sums inside, may depend on how the indices are named now.
    """
    seen = []
    for text in texts:
        if name in _labels(text):
            marked = re.sub(r"~\d+|#[0-9.]+", lambda m: "@" if m[0] == name else colour.get(m[0], "#" if m[0][0] == "#" else m[0]), text)
            seen.append(" ".join(sorted(re.split(r"[ +*();^]+", marked))))
    return colour[name] + "|" + "|".join(sorted(seen))


def _scaled(exponent: Exponent, by: int) -> Exponent:
    return scale(exponent, fmpq(by)) if isinstance(exponent, Poly) else exponent * by


def _number_power(base: fmpq, exponent: int) -> fmpq:
    """base^exponent, if it is not too long to write down."""
    if abs(exponent) * base.height_bits() > MOST_BITS and abs(base) != 1:
        raise Rejected(f"the power {base}^{exponent} has more than {MOST_BITS} bits")
    return base**exponent


def _primes(value: fmpq) -> list[tuple[int, int]]:
    """The prime factorisation of a positive rational."""
    if value.height_bits() > MOST_BITS_FACTORED:
        raise Rejected(f"a number under a root or a logarithm has more than {MOST_BITS_FACTORED} bits")
    return [(int(p), m) for p, m in fmpz(value.p).factor()] + [(int(p), -m) for p, m in fmpz(value.q).factor()]


def _with_variable(tree: Tree, variable: str) -> Tree:
    match tree:
        case Ref(name, ()) if name == variable:
            return Ref(VARIABLE)
        case Add(args):
            return Add(tuple(_with_variable(a, variable) for a in args))
        case Mul(args):
            return Mul(tuple(_with_variable(a, variable) for a in args))
        case Pow(base, exponent):
            return Pow(_with_variable(base, variable), _with_variable(exponent, variable))
        case Fn(name, arg):
            return Fn(name, _with_variable(arg, variable))
        case Sum() | Integral():
            raise Rejected("a sum or an integral inside an integral")
        case _:
            return tree


def _without(integrand: Poly) -> Poly:
    """The integrand's terms without the variable itself, to ask whether anything else in them moves."""
    parts: dict[Term, fmpq] = {}
    for term, coefficient in integrand.terms.items():
        factors = tuple((a, e) for a, e in term.factors if a.name != VARIABLE)
        parts[Term(term.bound, factors, None)] = coefficient
        if term.power:
            parts.update(_without(term.power).terms)
    return Poly(parts)


def free_indices(poly: Poly, statement: Statement) -> dict[str, Size]:
    """The free indices of a polynomial, each with its size."""
    found: dict[str, Size] = {}
    for term in poly.terms:
        for atom, exponent in term.factors:
            for inner in (*atom.inside, *([exponent] if isinstance(exponent, Poly) else [])):
                found |= free_indices(inner, statement)
            if atom.indices:
                symbol = statement.symbols.get(atom.name)
                shape = symbol.shape if symbol else [size for _, size in statement.definitions[atom.name].indices]
                found |= {name: size for name, size in zip(atom.indices, shape, strict=True) if isinstance(name, str) and name[0] != "#"}
        if term.power:
            found |= free_indices(term.power, statement)
    return found


def tree_of(poly: Poly) -> Tree:
    """The polynomial as a tree again: what `Algebra.of_tree` turns back into it. Bound indices keep their labels."""
    return Add(tuple(_term_tree(term, coefficient) for term, coefficient in poly.terms.items()))


def _term_tree(term: Term, coefficient: fmpq) -> Tree:
    factors = (Pow(_atom_tree(atom), tree_of(e) if isinstance(e, Poly) else Number(e)) for atom, e in term.factors)
    tree: Tree = Mul((Number(coefficient), *factors, *([Fn("exp", tree_of(term.power))] if term.power else [])))
    for name, size in term.bound:
        tree = Sum(name, size, tree)
    return tree


def _atom_tree(atom: Atom) -> Tree:
    match atom.kind:
        case "entry":
            return Ref(atom.name, atom.indices)
        case "prime":
            return Number(fmpq(int(atom.name)))
        case "base":
            return tree_of(atom.inside[0])
        case "integral":
            limit, integrand = map(tree_of, atom.inside)
            return Integral(VARIABLE, limit, integrand)
    return Fn(cast("Function", atom.kind), tree_of(atom.inside[0]))
