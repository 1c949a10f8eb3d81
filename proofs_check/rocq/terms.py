"""Trees of the kernel's language as terms of Rocq."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from flint import fmpq

from ..kernel.language import Add, Family, Fn, Index, Integral, Mul, Number, Pow, Ref, Size, Statement, Sum, Tree
from .words import rocq_name

HALF: Final = fmpq(1, 2)
FUNCTIONS: Final[Mapping[str, str]] = {"log": "ln", "exp": "exp", "sin": "sin", "cos": "cos", "abs": "Rabs"}
_SUM, _PRODUCT, _POWER, _APPLIED, _ATOM = range(5)  # how tightly a term holds together


class Unexportable(Exception):
    """A statement that is not written for Rocq, or whose proof is not; the text says why."""


@dataclass(frozen=True)
class Terms:
    """Trees as terms. What moves takes one argument more, the `argument`: time, or the point at which a gradient is taken.

    `at` gives the indices a number, where they have one.
    """

    statement: Statement
    moving: frozenset[str] = frozenset()
    argument: str = "t"
    at: Mapping[str, int] = field(default_factory=dict)

    def where(self, at: Mapping[str, int]) -> Terms:
        return Terms(self.statement, self.moving, self.argument, {**self.at, **at})

    def of(self, tree: Tree, least: int = _SUM) -> str:
        found, strength = self._written(tree)
        return found if strength >= least else f"({found})"

    def reference(self, name: str, indices: Iterable[Index]) -> str:
        words = [rocq_name(name), *(str(self.at.get(i, rocq_name(i))) if isinstance(i, str) else str(i) for i in indices)]
        if name in self.moving and name != self.argument:
            words.append(self.argument if self.argument == "t" else rocq_name(self.argument))
        return " ".join(words)

    def _written(self, tree: Tree) -> tuple[str, int]:
        match tree:
            case Number(value):
                return rational(value)
            case Ref(name, ()) if name in self.statement.sizes:
                return f"INR {rocq_name(name)}", _APPLIED
            case Ref(name, ()) if name in self.statement.symbols and self.statement.symbols[name].role == "time":
                return self.argument, _ATOM
            case Ref(name, indices):
                found = self.reference(name, indices)
                return found, _APPLIED if " " in found else _ATOM
            case Add(args):
                return self._sum(args), _SUM
            case Mul(args):
                return self._product(args)
            case Pow(base, Number(q)) if q.q == 1 and q >= 0:
                return f"{self.of(base, _APPLIED)} ^ {q}", _POWER
            case Pow(base, Number(q)) if q.q == 1:
                return self._product((tree,))
            case Pow(base, Number(q)) if q == HALF:
                return f"sqrt {self.of(base, _ATOM)}", _APPLIED
            case Pow(base, exponent):
                return f"Rpower {self.of(base, _ATOM)} {self.of(exponent, _ATOM)}", _APPLIED
            case Sum(index, size, body):
                inner = Terms(self.statement, self.moving, self.argument, {name: k for name, k in self.at.items() if name != index})
                return f"sum {size_text(size)} (fun {rocq_name(index)} => {inner.of(body)})", _APPLIED
            case Fn(name, arg) if name in FUNCTIONS:
                return f"{FUNCTIONS[name]} {self.of(arg, _ATOM)}", _APPLIED
            case Fn(name, _):
                raise Unexportable(f"the function {name} has no rule here; exported are {', '.join(sorted(FUNCTIONS))}, powers and roots")
            case Integral():
                raise Unexportable("integrals are not exported: the standard library of Rocq has no calculus for them")

    def _sum(self, args: tuple[Tree, ...]) -> str:
        result = ""
        for part in sorted((self.of(arg, _PRODUCT) for arg in args), key=lambda part: part.startswith("- ")):
            if not result:
                result = part
            elif part.startswith("- "):
                result += f" - {part[2:]}"
            else:
                result += f" + {part}"
        return result or "0"

    def _product(self, args: tuple[Tree, ...]) -> tuple[str, int]:
        number, above, below = fmpq(1), list[str](), list[str]()
        for arg in args:
            match arg:
                case Number(value):
                    number *= value
                case Pow(base, Number(q)) if q.q == 1 and q < 0:
                    below.append(self.of(base if q == -1 else Pow(base, Number(-q)), _POWER))
                case _:
                    above.append(self.of(arg, _POWER))
        sign, number = ("- " if number < 0 else ""), abs(number)
        if number.p != 1 or not above:
            above.insert(0, str(number.p))
        if number.q != 1:
            below.insert(0, str(number.q))
        if not below:
            return sign + " * ".join(above), _PRODUCT
        under = below[0] if len(below) == 1 else f"({' * '.join(below)})"
        return f"{sign}{' * '.join(above)} / {under}", _PRODUCT


def rational(value: fmpq) -> tuple[str, int]:
    """A number, and how tightly it holds together."""
    if value.q == 1:
        return (str(value), _ATOM) if value >= 0 else (f"- {-value}", _PRODUCT)
    return f"{'- ' if value < 0 else ''}{abs(value.p)} / {value.q}", _PRODUCT


def size_text(size: Size) -> str:
    return rocq_name(size) if isinstance(size, str) else str(size)


def dependent(statement: Statement, names: Iterable[str]) -> frozenset[str]:
    """The names given, and the definitions that depend on them."""
    found = set(names)
    for name, family in statement.definitions.items():
        if mentioned(family.value) & found:
            found.add(name)
    return frozenset(found)


def mentioned(tree: Tree) -> set[str]:
    """The symbols and definitions a tree mentions by name."""
    match tree:
        case Number():
            return set()
        case Ref(name, _):
            return {name}
        case Add(args) | Mul(args):
            return set().union(*map(mentioned, args))
        case Pow(base, exponent):
            return mentioned(base) | mentioned(exponent)
        case Sum(_, _, body) | Fn(_, body):
            return mentioned(body)
        case Integral(_, upper, body):
            return mentioned(upper) | mentioned(body)


def needed(statement: Statement, trees: Iterable[Tree]) -> set[str]:
    """The names the trees mention, through the definitions."""
    found: set[str] = set()
    waiting = [name for tree in trees for name in mentioned(tree)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            if name in statement.definitions:
                waiting += mentioned(statement.definitions[name].value)
    return found


def over(indices: Iterable[tuple[str, Size]]) -> str:
    """For all values of the indices."""
    return "".join(f"forall {rocq_name(name)}, ({rocq_name(name)} < {size_text(size)})%nat -> " for name, size in indices)


def binders(family: Family) -> str:
    return "".join(f" ({rocq_name(name)} : nat)" for name, _ in family.indices)
