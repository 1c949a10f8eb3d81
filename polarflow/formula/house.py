"""The house style: SymPy in index notation as a layout.

The order of terms and factors is declared and does not depend on SymPy's: numbers, constants, scalars, then what has indices, functions,
brackets, and sums last; of two terms the one without a sum first, and never a minus where a plus can lead. Time derivatives have dots, sums
name their index alone, square roots of sums of squares are norms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sympy as sp

from theory.statements import TimeDerivative
from theory.symbols import away_from

from .layout import (
    MINUS,
    NEGATIVE,
    PLUS,
    Accent,
    Big,
    Fence,
    Fraction,
    Gap,
    Layout,
    Letter,
    Name,
    Number,
    Root,
    Row,
    Script,
    Sign,
    Words,
    row,
    tall,
    width,
)

_SPELLED = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lamda mu nu xi pi rho sigma tau upsilon phi chi psi omega "
    "Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega"
)
GREEK = dict(zip(_SPELLED.split(), "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ", strict=True))
GREEK["lam"] = GREEK["lambda"] = GREEK["lamda"]
SPELLED = {"atanh": "artanh", "asinh": "arsinh", "acosh": "arcosh", "asin": "arcsin", "acos": "arccos", "atan": "arctan"}
WIDE = 4.0  # em
LONG = 10_000  # of a denominator; a longer one is written as a decimal where that is exact
ADD, MUL, POW = 1, 2, 3  # how tightly the place binds that an expression is put in


@dataclass(frozen=True)
class Style:
    """The letters of a paper: layouts for identifiers, an order for scalars, and short names for expressions that keep coming back."""

    letters: Mapping[str, Layout] = field(default_factory=dict)
    order: tuple[str, ...] = ("kappa", "eta", "L")
    short: Mapping[str, Layout] = field(default_factory=dict)  # by the expression's text, summation indices named j


PLAIN = Style()


def letter(name: str, style: Style = PLAIN) -> Layout:
    """An identifier: `kappa` as κ, `eta_r` as η with a subscript, `u1` as u with a subscript.

    >>> from .latex import latex
    >>> [latex(letter(name)) for name in ("kappa", "eta_r", "u1", "rate")]
    ['\\\\kappa', '\\\\eta_{r}', 'u_{1}', '\\\\mathrm{rate}']
    """
    if name in style.letters:
        return style.letters[name]
    stem, _, below = name.partition("_")
    if not below and stem not in GREEK:
        digits = len(stem) - len(stem.rstrip("0123456789"))
        stem, below = (stem[:-digits], stem[-digits:]) if digits and stem[:-digits] else (stem, "")
    plain = GREEK.get(stem, stem)
    base = Letter(plain, "italic" if len(plain) == 1 else "upright")
    if not below:
        return base
    return Script(base, Number(below) if below.isdigit() else letter(below, style))


def layout(expression: sp.Basic, style: Style = PLAIN) -> Layout:
    """An expression in the house style."""
    return _House(style).put(expression)


class _House:
    """One walk through an expression; `used` collects the short names that occurred."""

    def __init__(self, style: Style, taken: Iterable[sp.Symbol] = ()) -> None:
        self.style = style
        self.taken = frozenset(taken)  # the indices that have a meaning here: no sum within may use them for its own
        self.used: dict[str, sp.Basic] = {}
        self._known: dict[tuple[sp.Basic, int, bool, frozenset[sp.Symbol]], Layout] = {}
        self._texts: dict[sp.Basic, tuple[str, sp.Basic]] = {}
        self.inline = False  # within an exponent: nothing stands behind a fraction, which is printed with a slash there

    def put(self, e: sp.Basic, place: int = 0) -> Layout:
        """The layout of an expression for a place that binds so tightly; each is worked out once."""
        key = (e, place, self.inline, self.taken)
        if key not in self._known:
            self._known[key] = self._put(e, place)
        return self._known[key]

    def _put(self, e: sp.Basic, place: int) -> Layout:
        short = self._short(e)
        if short is not None:
            return short
        match e:
            case sp.Integer():
                number = _number(abs(e))
                return self._fenced(row(NEGATIVE, number), place >= MUL) if e < 0 else self._fenced(number, isinstance(number, Row) and place >= POW)
            case sp.Rational():
                part = _number(abs(e))
                return self._fenced(row(NEGATIVE, part) if e < 0 else part, place >= (MUL if e < 0 else POW))
            case sp.Symbol():
                return letter(e.name, self.style)
            case sp.Indexed():
                return self._entry(e)
            case sp.Add():
                return self._fenced(self._add(e), place >= MUL)
            case sp.Mul():
                return self._fenced(self._mul(e), place >= POW or (place == MUL and self._negative(e)))
            case sp.exp():
                return self._exp(e, place)
            case sp.Pow():
                return self._pow(e, place)
            case sp.Sum() if _norm(e) is not None:
                return self._pow(sp.Pow(e, sp.S.One, evaluate=False), place)
            case sp.Sum():
                return self._fenced(self._sum(e), place >= MUL)
            case sp.Integral():
                return self._fenced(self._integral(e), place >= MUL)
            case sp.Abs():
                return Fence("|", self.put(e.args[0]), "|")
            case TimeDerivative():
                return self._dotted(e.args[0])
            case sp.Derivative():
                d = Letter("d", "upright") if e.expr.is_Symbol else Sign("∂")  # along a curve a(r) there is nothing else to differentiate by
                return self._fenced(Fraction(row(d, self.put(e.expr, POW)), row(d, self.put(e.variables[0], POW))), place >= POW)
            case sp.Function():
                return self._function(e, place)
            case _:
                return Words(str(e))

    # ---- Names ---------------------------------------------------------------------------------------------------------------------------------

    def _short(self, e: sp.Basic) -> Layout | None:
        if not self.style.short or not isinstance(e, sp.Add | sp.Sum | sp.Mul | sp.Pow):
            return None
        if e not in self._texts:
            self._texts[e] = canonical(e)
        key, settled = self._texts[e]
        if key not in self.style.short:
            return None
        self.used[key] = settled
        return self.style.short[key]

    def _entry(self, e: sp.Indexed) -> Layout:
        base = letter(e.base.name, self.style)
        indices = [self.put(index) for index in e.indices]
        apart = any(not isinstance(index, Letter) or len(index.text) > 1 for index in indices)
        told = _listed(indices) if apart else row(*indices)
        match base:
            case Script(inner, None, above):
                return Script(inner, told, above)
            case Script(inner, below, above) if below is not None:
                return Script(inner, row(below, Sign(",", "punctuation"), told), above)
            case _:
                return Script(base, told)

    def _dotted(self, e: sp.Expr) -> Layout:
        inner = self.put(e)
        if isinstance(e, sp.Symbol | sp.Indexed) or self._short(e) is not None:  # a name; the dot of a power would be read as the power of a dot
            match inner:
                case Letter():
                    return Accent("dot", inner)
                case Script(Letter() as base, below, above):
                    return Script(Accent("dot", base), below, above)
        return row(
            Fraction(Letter("d", "upright"), row(Letter("d", "upright"), Letter("t"))), Gap(0.17), inner if _closed(inner) else Fence("(", inner, ")")
        )

    # ---- Sums and products ---------------------------------------------------------------------------------------------------------------------

    def _add(self, e: sp.Add) -> Layout:
        terms = sorted(e.as_ordered_terms(), key=self._term_rank)  # a stable order: SymPy's where ours says nothing
        if any(isinstance(part, sp.Indexed) for term in terms for part in sp.Mul.make_args(term)):
            terms.sort(key=lambda term: bool(term.is_number))  # among coordinates the constant comes last
        lead = next((n for n, term in enumerate(terms) if not self._negative(term)), 0)
        terms.insert(0, terms.pop(lead))
        items: list[Layout] = []
        for n, term in enumerate(terms):
            negative = self._negative(term)
            shown = self.put(-term if negative else term, ADD)
            items += [NEGATIVE if n == 0 else MINUS, shown] if negative else [shown] if n == 0 else [PLUS, shown]
        return row(*items)

    def _term_rank(self, term: sp.Expr) -> tuple[bool, bool, int]:
        named = [self.style.order.index(name) for entry in term.atoms(sp.Indexed) if (name := str(entry.base.name)) in self.style.order]
        return bool(term.has(sp.Sum, sp.Integral)), not term.has(sp.log), min(named, default=0)

    def _mul(self, e: sp.Mul) -> Layout:
        negative, number, rest = self._split(e)
        told = self._factors(number, rest)
        return row(NEGATIVE, told) if negative else told

    def _split(self, e: sp.Expr) -> tuple[bool, sp.Rational, tuple[sp.Expr, ...]]:
        """The sign in front of a product, its positive number, and the factors; a sum of scalars takes a minus in: -(2 - L) is (L - 2)."""
        number, factors, negative = sp.S.One, [], False
        for factor in sp.Mul.make_args(e):
            if factor.is_Rational:
                number *= factor
            elif isinstance(factor, sp.Add) and all(t.could_extract_minus_sign() for t in factor.args):
                factors.append(sp.Add(*(-t for t in factor.args)))
                negative = not negative
            else:
                factors.append(factor)
        if number < 0:
            negative, number = not negative, -number
        if negative:
            for n, factor in enumerate(factors):
                signed = isinstance(factor, sp.Add) and any(map(self._negative, factor.args))  # or all would be negative
                if signed and not factor.has(sp.Indexed, sp.Sum) and self._short(factor) is None:
                    factors[n] = sp.Add(*(-t for t in factor.args))
                    return False, number, tuple(factors)
        return negative, number, tuple(factors)

    def _negative(self, e: sp.Expr) -> bool:
        """Whether the expression is printed with a minus in front."""
        return self._split(e)[0] if isinstance(e, sp.Mul) else bool(e.is_Rational and e < 0)

    def _factors(self, number: sp.Rational, given: Sequence[sp.Expr]) -> Layout:
        above: list[sp.Expr] = []
        below: list[sp.Expr] = []
        for factor in given:
            base, exponent = factor.as_base_exp()
            inverse = isinstance(factor, sp.Pow) and exponent.is_Rational and exponent < 0
            (below if inverse else above).append(base**-exponent if inverse else factor)
        above = sorted(above, key=self._factor_rank)
        if number.q != 1:
            below.insert(0, sp.Integer(number.q))
        if number.p != 1:
            above.insert(0, sp.Integer(number.p))
        if not below:
            return self._product(above)
        below = sorted(below, key=self._factor_rank)
        heavy = [f for f in above if self._heavy(self.put(f, MUL))]
        simple = [f for f in above if f not in heavy]
        if not heavy or self.inline:
            simple = above
            return self._fraction(simple, below)
        front = self._fraction(simple, below)
        return row(front, self._product(heavy))

    def _fraction(self, above: Sequence[sp.Expr], below: Sequence[sp.Expr]) -> Layout:
        """A factor that is alone on its side of a fraction needs no brackets there; with a slash it does."""
        bare = 0 if not self.inline else MUL
        sides = (self.put(side[0], bare) if len(side) == 1 and isinstance(side[0], sp.Add) else self._product(side) for side in (above, below))
        return Fraction(*sides)

    @staticmethod
    def _heavy(shown: Layout) -> bool:
        """Whether a factor stands beside a fraction rather than on it."""
        return tall(shown) or (isinstance(shown, Fence) and width(shown) > WIDE) or width(shown) > 2 * WIDE

    def _product(self, factors: Sequence[sp.Expr]) -> Layout:
        if not factors:
            return Number("1")
        items: list[Layout] = []
        for n, factor in enumerate(factors):
            last = n == len(factors) - 1
            shown = self.put(factor, 0 if last and isinstance(factor, sp.Sum | sp.Integral) and len(factors) > 0 else MUL)
            if n and isinstance(factor, sp.Number):
                items.append(Sign("·", "binary"))
            items.append(shown)
        return row(*items)

    def _factor_rank(self, factor: sp.Expr) -> tuple[int, int, str]:
        base, _ = (factor.base, factor.exp) if isinstance(factor, sp.Pow) and not isinstance(factor, sp.exp) else (factor, sp.S.One)
        name = str(base)
        if self._short(base) is not None:
            return 4, 0, name
        if base.is_number:
            return 0, 0, name
        if isinstance(base, sp.Add) and len(base.args) == 2 and base.args[0].is_number and not base.has(sp.Indexed, sp.Sum, sp.Function):
            return 1, 0, name  # L - 2 is a number to a reader
        if isinstance(base, sp.Symbol):
            order, stem = self.style.order, base.name.partition("_")[0]
            return 2, order.index(stem) if stem in order else len(order), name
        if _norm(base) is not None and isinstance(factor, sp.Pow):
            return 3, 0, name
        if isinstance(factor, sp.exp):
            return 5, 0, name
        if isinstance(base, sp.Indexed):
            order = self.style.order
            return 4, 0 if base.base.name[0].isupper() else 1 + (order.index(base.base.name) if base.base.name in order else len(order)), name
        if isinstance(base, sp.Function):
            return 6, 0, f"{base.args} {name}"
        if isinstance(factor, sp.Sum | sp.Integral):
            return 8, 0, name
        return 7, not isinstance(base, sp.Mul | sp.Add), name

    def _sum(self, e: sp.Sum) -> Layout:
        signs: list[Layout] = [Big("∑", letter(limit[0].name, self.style)) for limit in reversed(e.limits)]
        before, self.taken = self.taken, self.taken | {limit[0] for limit in e.limits}
        body = away_from(e.function, set(self.taken))
        inner = self.put(body, MUL if self._negative(body) else 0)
        self.taken = before
        return row(*signs, Fence("(", inner, ")") if isinstance(body, sp.Add) and self._short(body) is None else inner)

    def _integral(self, e: sp.Integral) -> Layout:
        items: list[Layout] = []
        for limit in reversed(e.limits):
            lower, upper = (self.put(limit[1]), self.put(limit[2])) if len(limit) == 3 else (None, None)
            items.append(Big("∫", lower, upper))
        body = self.put(e.function, MUL)
        return row(*items, body, *(part for limit in e.limits for part in (Gap(0.17), Letter("d", "upright"), self.put(limit[0]))))

    # ---- Powers and functions ------------------------------------------------------------------------------------------------------------------

    def _exponent(self, e: sp.Expr) -> Layout:
        """An exponent on one line: fractions with a slash."""
        outer, self.inline = self.inline, True
        shown = flat(self.put(e))
        self.inline = outer
        return shown

    def _exp(self, e: sp.exp, place: int) -> Layout:
        exponent = e.args[0]
        if exponent.has(sp.Sum) and not self._only_short(exponent):
            shown = row(Name("exp"), Fence("(", self.put(exponent), ")"))
        else:
            shown = Script(Letter("e", "upright"), None, self._exponent(exponent))
        return self._fenced(shown, place >= POW)

    def _only_short(self, e: sp.Expr) -> bool:
        """Whether every sum in an expression has a short name."""
        if self._short(e) is not None or not e.has(sp.Sum):
            return True
        return not isinstance(e, sp.Sum) and all(self._only_short(arg) for arg in e.args)

    def _pow(self, e: sp.Pow, place: int) -> Layout:
        base, exponent = e.base, e.exp
        norm = _norm(base)
        if norm is not None and not exponent.has(sp.Sum) and (exponent.is_Integer or (2 * exponent).is_Integer or not exponent.is_number):
            whole = sp.expand(2 * exponent)
            told: Layout = Fence("‖", letter(norm, self.style), "‖")
            if whole.could_extract_minus_sign() and whole.is_number:
                return Fraction(Number("1"), told if whole == -1 else Script(told, None, self._exponent(-whole)))
            return told if whole == 1 else Script(told, None, self._exponent(whole))
        if exponent.is_Rational and exponent < 0:
            return self._fenced(Fraction(Number("1"), self.put(base**-exponent)), place >= POW)
        if exponent == sp.S.Half:
            return Root(self.put(base))
        above = self._exponent(exponent)
        if isinstance(base, sp.Function) and not isinstance(base, sp.exp | sp.Abs) and exponent.is_Integer and isinstance(base, sp.sin | sp.cos):
            return row(Script(Name(SPELLED.get(base.func.__name__, base.func.__name__)), None, above), *self._argument(base))
        inner = self.put(base, POW)
        match inner:
            case Script(core, below, None):
                return self._fenced(Script(core, below, above), place >= POW)
            case Letter() | Number() | Fence():
                return self._fenced(Script(inner, None, above), place >= POW)
        return self._fenced(Script(Fence("(", self.put(base), ")"), None, above), place >= POW)

    def _function(self, e: sp.Function, place: int) -> Layout:
        name = e.func.__name__
        if name in GREEK or len(name) == 1:
            return row(letter(name, self.style), Fence("(", _listed([self.put(arg) for arg in e.args]), ")"))
        return row(Name(SPELLED.get(name, name)), *self._argument(e))

    def _argument(self, e: sp.Function) -> tuple[Layout, ...]:
        inner = _listed([self.put(arg) for arg in e.args])
        simple = len(e.args) == 1 and (isinstance(inner, Letter | Script | Number) or (isinstance(inner, Fence) and inner.left != "("))
        return (inner,) if simple else (Fence("(", inner, ")"),)

    @staticmethod
    def _fenced(inner: Layout, needed: bool) -> Layout:
        return Fence("(", inner, ")") if needed else inner


def number(value: sp.Rational) -> Layout:
    """A rational in a place of its own."""
    return row(NEGATIVE, _number(-value)) if value < 0 else _number(value)


def decimal(value: sp.Rational) -> Layout:
    """A rational as a decimal where it is one, and as `number` has it elsewhere."""
    if _places(value) is None:
        return number(value)
    return row(NEGATIVE, _decimal(-value)) if value < 0 else _decimal(value)


def _number(value: sp.Rational) -> Layout:
    """A positive rational: a decimal where that is exact and a fraction would be long."""
    if (value.q < LONG and value.p < LONG * LONG) or _places(value) is None:
        whole = Number(str(value.p))
        return whole if value.q == 1 else Fraction(whole, Number(str(value.q)))
    return _decimal(value)


def _places(value: sp.Rational) -> int | None:
    """The number of places of a decimal, if there are finitely many."""
    twos, fives = (next(n for n in range(4000) if value.q % p ** (n + 1)) for p in (2, 5))
    return max(twos, fives) if value.q == 2**twos * 5**fives else None


def _decimal(value: sp.Rational) -> Layout:
    """A positive rational with finitely many places; with a power of ten if it is small."""
    places = _places(value) or 0
    digits = int(value * 10**places)
    while digits and digits % 10 == 0 and (places > 0 or value >= LONG * LONG):
        digits, places = digits // 10, places - 1
    told = str(digits)
    if places <= 0 and value < LONG * LONG:
        return Number(str(int(value)))
    if places > 0 and places - len(told) < 3:
        told = told.rjust(places + 1, "0")
        return Number(f"{told[:-places]}.{told[-places:]}")
    power = len(told) - 1 - places
    ten = Script(Number("10"), None, row(NEGATIVE, Number(str(-power))) if power < 0 else Number(str(power)))
    front = told[0] + (f".{told[1:]}" if told[1:] else "")
    return ten if front == "1" else row(Number(front), Sign("·", "binary"), ten)


def canonical(e: sp.Basic) -> tuple[str, sp.Basic]:
    """The expression with its outer summation index named j, and the text of that: equal sums have equal texts."""
    from polarflow.printing import text

    free = sp.Symbol("j", integer=True, nonnegative=True)
    if isinstance(e, sp.Sum) and len(e.limits) == 1 and e.limits[0][0] != free and free not in e.function.free_symbols:
        (own, lower, upper) = e.limits[0]
        e = sp.Sum(e.function.xreplace({own: free}), (free, lower, upper))
    return text(e), e


def flat(node: Layout) -> Layout:
    """A layout on one line: fractions with a slash, as exponents have them."""
    match node:
        case Fraction(above, below):
            top, bottom = flat(above), flat(below)
            top = Fence("(", top, ")") if _is_sum(top) else top
            bottom = bottom if isinstance(bottom, Letter | Number | Script) else Fence("(", bottom, ")")
            return row(top, Sign("/"), bottom)
        case Row(items):
            return row(*map(flat, items))
        case Fence(left, body, right):
            return Fence(left, flat(body), right)
        case Script(base, below, above):
            return Script(flat(base), below, above)
        case _:
            return node


def _is_sum(node: Layout) -> bool:
    return isinstance(node, Row) and any(isinstance(item, Sign) and item.kind == "binary" for item in node.items)


def _norm(base: sp.Expr) -> str | None:
    """The name of the vector of which this is the sum of squares."""
    if isinstance(base, sp.Sum) and len(base.limits) == 1:
        body, own = base.function, base.limits[0][0]
        if isinstance(body, sp.Pow) and body.exp == 2 and isinstance(body.base, sp.Indexed) and body.base.indices == (own,):
            return str(body.base.base.name)
    return None


def _closed(node: Layout) -> bool:
    """Whether d/dt may stand before it without brackets."""
    if isinstance(node, Row):
        return isinstance(node.items[0], Big) and not _is_sum(node)
    return not isinstance(node, Fraction)


def _listed(items: Sequence[Layout]) -> Layout:
    found: list[Layout] = []
    for n, item in enumerate(items):
        found += [Sign(",", "punctuation"), item] if n else [item]
    return row(*found)
