"""What an expression means: its tree over the names of a scope, with the range of every index found from the shapes it stands in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import sympy as sp

from ..settings import Definition
from ..symbols import Indices, Variable, index, total
from ..trees import Json, Unstatable, tree
from .errors import Place, listed, nearest
from .grammar import Call, Entry, Index, Name, Node, Number, Plus, Power, Times, Total, mentioned

LARGEST_EXPONENT = 64
LARGEST_NUMBER = 10_000  # given to a function that grows like exp, or turns: SymPy works with all its digits
HEAVIEST = 20_000  # parts after every definition is put in and every power with a number written out
DEEPEST_FRACTION = 12
DEEPEST_TREE = 180  # the kernel reads 200, and a claim stands a little deeper than its parts

Function = Callable[[sp.Expr], sp.Expr]


def _absolute(argument: sp.Expr) -> sp.Expr:
    """SymPy takes products and conjugates apart inside |a|, at a cost that doubles with every level."""
    if argument.is_number:
        return sp.Abs(argument)
    return argument if argument.is_nonnegative else sp.Abs(argument, evaluate=False)


# acosh, asin and acos have no word in the language of certificates, and are written with those that have one.
FUNCTIONS: Mapping[str, Function] = {
    "log": sp.log,
    "exp": sp.exp,
    "sqrt": sp.sqrt,
    "sin": sp.sin,
    "cos": sp.cos,
    "tan": sp.tan,
    "sinh": sp.sinh,
    "cosh": sp.cosh,
    "tanh": sp.tanh,
    "asinh": sp.asinh,
    "acosh": lambda a: sp.log(a + sp.sqrt(a**2 - 1)),
    "atanh": sp.atanh,
    "asin": lambda a: sp.atan(a / sp.sqrt(1 - a**2)),
    "acos": lambda a: 2 * sp.atan(sp.sqrt(1 - a**2) / (1 + a)),
    "atan": sp.atan,
    "abs": _absolute,
}
_TIMES_WRITTEN = {
    "tan": 2,
    "sinh": 2,
    "cosh": 2,
    "tanh": 4,
    "acosh": 2,
    "asin": 2,
    "acos": 3,
    "abs": 2,
}  # how often the argument stands in the certificate
OTHER_SPELLINGS = {
    "ln": "log",
    "arcsinh": "asinh",
    "arsinh": "asinh",
    "arccosh": "acosh",
    "arcosh": "acosh",
    "arctanh": "atanh",
    "artanh": "atanh",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "Abs": "abs",
}
_GROWING = ("exp", "sinh", "cosh", "tanh", "sin", "cos", "tan")
OF_TENSORS = ("dot", "norm", "norm2")
WORDS = frozenset({"sum", *FUNCTIONS, *OTHER_SPELLINGS, *OF_TENSORS})
_REFUSED = {
    "prod": "for positive factors write exp(sum(i, log(...)))",
    "product": "for positive factors write exp(sum(i, log(...)))",
    "max": "it has no derivative everywhere",
    "min": "it has no derivative everywhere",
    "relu": "it has no derivative everywhere",
    "sign": "write abs(a)/a",
    "pow": "write a**b",
    "square": "write a**2",
    "sigmoid": "write 1/(1 + exp(-a))",
    "softplus": "write log(1 + exp(a))",
    "trace": "write sum(i, W[i,i])",
    "tr": "write sum(i, W[i,i])",
    "transpose": "write W[j,i]",
}


@dataclass(frozen=True)
class Scope:
    """The names that may be mentioned, and what is known of the sizes.

    A name stands for a tensor (or scalar) that was declared, or for an expression without indices: a number, a size. `weights` holds the
    number of parts of each definition; `reserved` are names that no index may bear.
    """

    names: Mapping[str, Variable | Definition | sp.Expr]
    sizes: Mapping[str, int] = field(default_factory=dict)
    weights: Mapping[str, int] = field(default_factory=dict)
    reserved: frozenset[str] = frozenset()

    def having(self, names: Mapping[str, Variable | Definition | sp.Expr], weights: Mapping[str, int] | None = None) -> Scope:
        return Scope({**self.names, **names}, self.sizes, {**self.weights, **(weights or {})}, self.reserved)

    def undeclared(self, name: str, place: Place, at: int) -> Exception:
        known = [other for other in self.names if not other.startswith("_")]
        base, _, entry = name.rpartition("_")
        remedy = nearest(name, known) or (
            'declare it in the file, or under the claim, as in where = { z = "kernel(A)" }' if "[[claim]]" in place.key else "declare it in the file"
        )
        if base in known:
            remedy = f"an entry is written {base}[{entry}]"
        if name in ("pi", "e", "E"):
            remedy = "write exp(1) for e" if name != "pi" else 'declare it as a constant, pi = "positive": only rational numbers are exact'
        return place.error(f"the name {name} is not declared; declared are {listed(known)}", remedy, at)


@dataclass(frozen=True)
class Meaning:
    """Expressions read together: they share their free indices, which stand in the order of first mention."""

    values: tuple[sp.Expr, ...]
    indices: Indices
    weight: int

    @property
    def value(self) -> sp.Expr:
        return self.values[0]


def meaning(place: Place, scope: Scope, *nodes: Node, first: tuple[Index, ...] = ()) -> Meaning:
    """The expressions of the nodes over the scope, indices named in `first` in front.

    Raises `TheoryFileError` where the nodes make no sense together: a name that is not declared, a range in conflict, a number that is not real.
    """
    builder = _Builder(place, scope, set().union(*map(mentioned, nodes)))
    for own in first:
        builder.declare(own)
    try:
        built = [builder.build(node) for node in nodes]
        _check_tree(place, [tree(value) for value, _ in built], nodes[0].at)
    except RecursionError:
        raise place.error("the expression is nested too deeply", "name its parts in [definitions]", nodes[0].at) from None
    except Unstatable as unstatable:
        raise place.error(str(unstatable), "rewrite the expression with these", nodes[0].at) from None
    return Meaning(tuple(value for value, _ in built), builder.indices(), sum(weight for _, weight in built))


def _check_tree(place: Place, trees: list[Json], at: int) -> None:
    level, depth = trees, 0
    while level:
        level, depth = [part for node in level if isinstance(node, list) for part in node], depth + 1
    if depth > DEEPEST_TREE:
        raise place.error(
            f"the expression is nested {depth} deep as sums, products and powers, and at most {DEEPEST_TREE}", "name its parts in [definitions]", at
        )


@dataclass
class _Slot:
    """An index in use, and the range its uses have given it."""

    at: int
    size: sp.Expr | None = None
    used: str = ""


class _Builder:
    def __init__(self, place: Place, scope: Scope, words: set[str]) -> None:
        self.place, self.scope, self.words = place, scope, words
        self.free: dict[str, _Slot] = {}
        self.bound: dict[str, _Slot] = {}
        self.once_bound: dict[str, int] = {}
        self.below = 0

    # ---- indices -----------------------------------------------------------------------------------------------------------------------------

    def declare(self, own: Index) -> None:
        self._nameable(own)
        if str(own.value) in self.free:
            raise self.place.error(f"the index {own.value} is named twice", "give every index a letter of its own", own.at)
        self.free[str(own.value)] = _Slot(own.at)

    def indices(self) -> Indices:
        found = []
        for name, slot in self.free.items():
            if name in self.once_bound:
                at = self.once_bound[name]
                raise self.place.error(f"the index {name} is summed over here, and stands outside of the sum too", "give the sum another letter", at)
            if slot.size is None:
                raise self.place.error(f"the index {name} stands in no entry, so its range is not known", "use it, or leave it away", slot.at)
            found.append((index(name), slot.size))
        return tuple(found)

    def _nameable(self, own: Index) -> None:
        name = str(own.value)
        if isinstance(own.value, int):
            raise self.place.error(f"a name for an index was wanted, and {name} was given", "choose a letter, such as i", own.at)
        found = self.scope.names.get(name)
        is_time = isinstance(found, Variable) and found.role == "time"  # t is free to be an index where time is not meant
        if (found is not None and not is_time) or name in self.scope.reserved:
            raise self.place.error(f"the index {name} has the name of something declared in the file", "choose another letter for the index", own.at)

    def _run(self, own: Index, length: sp.Expr, what: str) -> sp.Expr:
        """The index at a place where it runs over `length`."""
        if isinstance(own.value, int):
            count = int(length) if length.is_Integer else self.scope.sizes.get(str(length))
            if count is not None and own.value >= count:
                last = f"the last is {count - 1}" + ("" if length.is_Integer else f" at {length} = {count}")
                raise self.place.error(f"{what} has no entry {own.value}: entries are counted from 0, and {last}", "", own.at)
            return sp.Integer(own.value)
        slot = self.bound.get(own.value)
        if slot is None:
            if own.value not in self.free:
                if own.value in self.scope.names and not isinstance(self.scope.names[own.value], Variable | Definition):
                    raise self.place.error(
                        f"{own.value} is a size or a number, not an index", "entries are named by an index or a whole number from 0", own.at
                    )
                self.declare(own)
            slot = self.free[own.value]
        if slot.size is None:
            slot.size, slot.used = length, what
        elif slot.size != length:
            first = f"the index {own.value} runs over {slot.size} in {slot.used}, and over {length} in {what}"
            raise self.place.error(first, "use two indices, or correct the shapes", own.at)
        return index(own.value)

    # ---- nodes -------------------------------------------------------------------------------------------------------------------------------

    def build(self, node: Node) -> tuple[sp.Expr, int]:
        value, weight = self._build(node)
        if weight > HEAVIEST:
            raise self.place.error(
                f"written out, with its definitions put in, the expression has more than {HEAVIEST} parts", "state something smaller", node.at
            )
        return value, weight

    def _build(self, node: Node) -> tuple[sp.Expr, int]:
        match node:
            case Number(_, value):
                return sp.Rational(value.numerator, value.denominator), 1 + value.numerator.bit_length() // 64
            case Name(at, name):
                return self._scalar(name, at), self.scope.weights.get(name, 1)
            case Entry():
                return self._entry(node), self.scope.weights.get(node.name, 1)
            case Total(at, indices, body):
                return self._total(at, indices, body)
            case Plus(_, terms):
                built = [(sign, *self.build(term)) for sign, term in terms]
                return sp.Add(*(value if sign == 1 else -value for sign, value, _ in built)), 1 + sum(weight for *_, weight in built)
            case Times(_, factors):
                parts, weight = [], 1
                for exponent, factor in factors:
                    value, heavy = self.build(factor) if exponent == 1 else self._below(factor)
                    if exponent == -1 and value == 0:
                        raise self.place.error("division by zero", "", factor.at)
                    parts.append(value if exponent == 1 else 1 / value)
                    weight += heavy
                return sp.Mul(*parts), weight
            case Power():
                return self._power(node)
            case Call():
                return self._call(node)

    def _below(self, node: Node) -> tuple[sp.Expr, int]:
        """A denominator or the base of a power: SymPy asks each for the signs of all that it holds, at a cost that doubles with every level."""
        self.below += 1
        if self.below > DEEPEST_FRACTION:
            raise self.place.error(
                f"fractions and powers are nested deeper than {DEEPEST_FRACTION}",
                "name their parts as constants, or state something smaller",
                node.at,
            )
        value, weight = self.build(node)
        self.below -= 1
        return value, _inside(weight)

    def _declared(self, name: str, at: int) -> Variable | Definition | sp.Expr:
        if name not in self.scope.names:
            if name in WORDS:
                raise self.place.error(f"{name} is a function and was given no argument", f"write {name}(...)", at)
            raise self.scope.undeclared(name, self.place, at)
        return self.scope.names[name]

    def _scalar(self, name: str, at: int) -> sp.Expr:
        if name in self.bound or name in self.free:
            raise self.place.error(f"the index {name} stands where a number was wanted", "an index only names entries, as in u[i]", at)
        found = self._declared(name, at)
        shape = _shape(found)
        if shape:
            letters = ",".join(own.name for own, _ in Variable(name, shape).indices)
            raise self.place.error(f"{name} has {_count(len(shape))} and was given none", f"write {name}[{letters}]", at)
        return found[()] if isinstance(found, Variable | Definition) else found

    def _entry(self, node: Entry) -> sp.Expr:
        found = self._declared(node.name, node.at)
        shape, given = _shape(found), len(node.indices)
        written = f"{node.name}[{','.join(str(own.value) for own in node.indices)}]"
        if len(shape) != given:
            wanted = f"it has {_count(len(shape))}" if shape else "it is a single number"
            raise self.place.error(f"{written} gives {node.name} {_count(given)}, and {wanted}", "", node.at)
        assert isinstance(found, Variable | Definition)
        return found[tuple(self._run(own, length, written) for own, length in zip(node.indices, shape, strict=True))]

    def _total(self, at: int, indices: tuple[Index, ...], body: Node) -> tuple[sp.Expr, int]:
        for own in indices:
            self._nameable(own)
            name = str(own.value)
            if name in self.bound or name in self.free:
                raise self.place.error(f"the index {name} of this sum is in use around it", "give the sum another letter", own.at)
            self.bound[name] = _Slot(own.at)
            self.once_bound.setdefault(name, own.at)
        value, weight = self.build(body)
        ranges = []
        for own in reversed(indices):
            slot = self.bound.pop(str(own.value))
            if slot.size is None:
                raise self.place.error(
                    f"the index {own.value} does not stand in the body of its sum, so its range is not known",
                    "use it in the body, or multiply by the size instead",
                    own.at,
                )
            ranges.append((index(str(own.value)), slot.size))
        return (total(value, *ranges) if value != 0 else sp.S.Zero), weight + 1

    def _power(self, node: Power) -> tuple[sp.Expr, int]:
        (base, weight), (exponent, other) = self._below(node.base), self.build(node.exponent)
        times = 1
        for coefficient in exponent.atoms(sp.Rational):
            if abs(coefficient.p) > LARGEST_EXPONENT or coefficient.q > LARGEST_EXPONENT:
                remedy = f"numbers in exponents have a numerator and a denominator of at most {LARGEST_EXPONENT}"
                raise self.place.error(f"the exponent {_brief(coefficient)} is too large", remedy, node.exponent.at)
        if _beyond(exponent, LARGEST_EXPONENT):
            raise self.place.error("the exponent is too large", f"the largest is {LARGEST_EXPONENT}", node.exponent.at)
        if exponent.is_Rational:
            times = max(1, abs(int(exponent)))
            if base == 0 and exponent < 0:
                raise self.place.error("zero is raised to a negative power", "", node.at)
        if weight * times > HEAVIEST:
            raise self.place.error(f"written out, the power has more than {HEAVIEST} parts", "state something smaller", node.at)
        return self._real(base**exponent, node.at), weight * times + other

    def _call(self, node: Call) -> tuple[sp.Expr, int]:
        name = OTHER_SPELLINGS.get(node.function, node.function)
        if name in OF_TENSORS:
            return self._of_tensors(name, node)
        if name not in FUNCTIONS:
            known = [*FUNCTIONS, "sum", *OF_TENSORS]
            if node.function in self.scope.names:
                raise self.place.error(
                    f"{node.function} is not a function", "write a product with *, and an entry with brackets, as in u[i]", node.at
                )
            remedy = _REFUSED.get(node.function) or nearest(node.function, known)
            raise self.place.error(f"the function {node.function} is not known; known are {listed(known)}", remedy, node.at)
        if len(node.arguments) != 1:
            raise self.place.error(f"{name} takes 1 argument, and was given {len(node.arguments)}", "", node.at)
        argument, weight = self.build(node.arguments[0])
        weight *= _TIMES_WRITTEN.get(name, 1)
        if weight > HEAVIEST:
            raise self.place.error(f"written out, the expression has more than {HEAVIEST} parts", "state something smaller", node.at)
        if name == "exp":
            self._no_large_power(argument, node.at)
        if name in _GROWING and _beyond(argument, LARGEST_NUMBER):
            raise self.place.error(f"{name} is given a number beyond {LARGEST_NUMBER}", "make it a symbol with a value, in [constants]", node.at)
        return self._real(FUNCTIONS[name](argument), node.at), _inside(weight)

    def _no_large_power(self, argument: sp.Expr, at: int) -> None:
        """exp(c log a) is a^c: the same bound holds for c."""
        for term in sp.Add.make_args(argument):
            coefficient = sp.Mul(*(factor for factor in sp.Mul.make_args(term) if factor.is_Rational))
            if term.has(sp.log) and (abs(coefficient.p) > LARGEST_EXPONENT or coefficient.q > LARGEST_EXPONENT):
                raise self.place.error(f"the exponent {_brief(coefficient)} is too large", f"the largest is {LARGEST_EXPONENT}", at)

    def _of_tensors(self, name: str, node: Call) -> tuple[sp.Expr, int]:
        wanted = 2 if name == "dot" else 1
        if len(node.arguments) != wanted or not all(isinstance(argument, Name) for argument in node.arguments):
            example = "dot(u, v) with the names of two tensors of one shape" if wanted == 2 else f"{name}(v) with the name of a tensor"
            raise self.place.error(f"{name} was not given as {example}", "for anything else write sum(i, ...)", node.at)
        found = []
        for argument in node.arguments:
            assert isinstance(argument, Name)
            tensor = self._declared(argument.name, argument.at)
            if not isinstance(tensor, Variable | Definition) or not _shape(tensor):
                raise self.place.error(f"{argument.name} is a single number, and {name} takes tensors", "", argument.at)
            found.append(tensor)
        left, right = found[0], found[-1]
        if _shape(left) != _shape(right):
            raise self.place.error(
                f"{left.name} has the shape {_text(left)}, and {right.name} {_text(right)}", "dot takes two tensors of one shape", node.at
            )
        letters = [letter for letter in "ijklmnpqabcdefgh" if letter not in {*self.words, *self.scope.names, *self.scope.reserved}]
        letters += [f"i{n}" for n in range(20, 40) if f"i{n}" not in self.words]
        own = tuple(index(letter) for letter in letters[: len(_shape(left))])
        value = total(left[own] * right[own], *zip(own, _shape(left), strict=True))
        weight = 1 + sum(self.scope.weights.get(tensor.name, 1) for tensor in found)
        return (sp.sqrt(value) if name == "norm" else value), weight

    def _real(self, value: sp.Expr, at: int) -> sp.Expr:
        if value.has(sp.zoo, sp.nan, sp.oo, sp.I) or value.is_extended_real is False:
            raise self.place.error("this is not a real number", "check the signs under roots and logarithms, and division by zero", at)
        return value


def _inside(weight: int) -> int:
    """The weight of what stands in a function or a fraction: it grows with the depth, through definitions, too, as the work does."""
    return weight + weight // 3 + 1


def _beyond(value: sp.Expr, largest: int) -> bool:
    """Whether this is a number, and larger."""
    return bool(value.is_number) and (value**2 - largest**2).is_positive is not False


def _shape(found: Variable | Definition | sp.Expr) -> tuple[sp.Expr, ...]:
    if isinstance(found, Definition):
        return found.variable.shape
    return found.shape if isinstance(found, Variable) else ()


def _text(found: Variable | Definition) -> str:
    return " x ".join(map(str, _shape(found))) or "of a single number"


def _count(number: int) -> str:
    return "1 index" if number == 1 else f"{number} indices"


def _brief(value: sp.Rational) -> str:
    return str(value) if value.p.bit_length() + value.q.bit_length() < 100 else "given"
