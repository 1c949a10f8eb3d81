"""Fractions of the kernel's tower as terms of Rocq."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from flint import fmpq_mpoly

from ..kernel.instance import Fraction, Ring
from .terms import FUNCTIONS, HALF, Unexportable, rational


@dataclass(frozen=True)
class Tower:
    """A ring of the kernel with words for its generators: `entry` writes an entry, `arguments` holds those of sines, cosines and absolute values."""

    ring: Ring
    arguments: Mapping[str, Fraction]
    entry: Callable[[str], str]

    def generator(self, index: int) -> str:
        ring = self.ring
        if index in ring.logs:
            return f"ln ({self.fraction(ring.logs[index])})"
        if index in ring.terms:
            term = ring.terms[index]
            exponent = term.m.times(term.q)
            if term.atom is None:
                return f"exp ({self.fraction(exponent)})"
            base = self.fraction(term.atom)
            return f"sqrt ({base})" if exponent.rational() == HALF else f"Rpower ({base}) ({self.fraction(exponent)})"
        name = ring.context.name(index)
        for key, place in ring.tower.items():
            if place == index:
                kind = key.partition(":")[0]
                if key in self.arguments:
                    return f"{FUNCTIONS[kind]} ({self.fraction(self.arguments[key])})"
                raise Unexportable(f"{ring.texts[name]} has no rule here")
        return self.entry(name)

    def polynomial(self, p: fmpq_mpoly) -> str:
        terms = []
        for exponents, q in p.terms():
            parts = [f"({self.generator(g)})" + (f" ^ {e}" if e > 1 else "") for g, e in enumerate(exponents) if e]
            number = rational(q)[0]
            terms.append(" * ".join([f"({number})", *parts] if q != 1 or not parts else parts))
        return " + ".join(terms) or "0"

    def fraction(self, f: Fraction) -> str:
        if f.den.is_constant():
            return self.polynomial(f.num * (1 / f.den.leading_coefficient()))
        return f"({self.polynomial(f.num)}) / ({self.polynomial(f.den)})"

    def parts(self, f: Fraction) -> tuple[str, str]:
        """A positive fraction as powers of factors known to be positive, its number split into primes, and the rest if there is one."""
        c, positive, other = self.ring.split(f)
        rest = self.ring.product(other) if c > 0 else -self.ring.product(other)
        powers = [(str(p), int(k)) for n, sign in ((abs(c).p, 1), (abs(c).q, -1)) for p, k in ((p, sign * k) for p, k in n.factor())]
        powers += [(f"({self.polynomial(p)})", k) for p, k in positive]
        above = " * ".join(_power(base, k) for base, k in powers if k > 0) or "1"
        below = " * ".join(_power(base, -k) for base, k in powers if k < 0)
        return f"{above} / ({below})" if below else above, "" if rest.rational() == 1 else f"({self.fraction(rest)})"

    def factored(self, f: Fraction) -> str:
        """The product of the parts."""
        product, rest = self.parts(f)
        return f"{product} * {rest}" if rest and "/" not in product else f"({product}) * {rest}" if rest else product

    def relation(self, zero: fmpq_mpoly) -> Iterator[str]:
        """s^d = a for a root, sin^2 + cos^2 = 1."""
        ring = self.ring
        for index, term in ring.terms.items():
            if term.atom is not None and term.m.rational() == 1:
                d, s = term.q.q, ring.context.gen(index)
                if s**d * term.atom.den - term.atom.num == zero:
                    root, base = f"({self.generator(index)}) ^ {d}", self.fraction(term.atom)
                    yield f"  {{ assert (W : {root} = {base}) by gf_by_ln."
                    yield f"    apply (zero_times ({root} - ({base})) _ ({self.polynomial(term.atom.den)})); [rewrite W; ring | gf_field]. }}"
                    return
        for key, inside in self.arguments.items():
            if key.startswith("abs") and self.ring.context.gen(self.ring.tower[key]) ** 2 - inside.num**2 == zero:
                text = self.fraction(inside)
                yield f"  {{ apply (zero_times (Rabs ({text}) ^ 2 - ({text}) ^ 2) _ 1); [rewrite pow2_abs; ring | ring]. }}"
                return
        yield "  { gf_circle. }"


def _power(base: str, k: int) -> str:
    return base if k == 1 else f"{base} ^ {k}"


def absolute(ring: Ring, f: Fraction) -> Fraction | None:
    """f or -f, whichever the kernel takes the absolute value of; nothing where it takes factors out first."""
    a = ring.absolute(f)
    return next((g for g in (f, -f) if f"abs: {g}" in ring.tower and a == ring.generator(ring.tower[f"abs: {g}"])), None)
