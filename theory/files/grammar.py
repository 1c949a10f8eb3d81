"""The language of expressions: text to a tree of a few kinds of nodes, nothing executed, nothing else let in.

equation   = sum "=" sum
sum        = product (("+" | "-") product)*
product    = signed (("*" | "/") signed)*
signed     = ("+" | "-")* power
power      = atom [("**" | "^") signed]          right associative, and binds tighter than a sign before it
atom       = number | name | name "[" index ("," index)* "]" | function "(" sum ("," sum)* ")" | "sum" "(" name ("," name)* "," sum ")" | "(" sum ")"
index      = name | whole number
number     = digits with an optional decimal part and an optional power of ten; always exact
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from .errors import Place

LONGEST = 20_000
DEEPEST = 100
MOST_NODES = 5_000
MOST_DIGITS = 60
LONGEST_NAME = 60


@dataclass(frozen=True)
class Number:
    at: int
    value: Fraction


@dataclass(frozen=True)
class Name:
    at: int
    name: str


@dataclass(frozen=True)
class Index:
    at: int
    value: str | int


@dataclass(frozen=True)
class Entry:
    at: int
    name: str
    indices: tuple[Index, ...]


@dataclass(frozen=True)
class Total:
    """The sum of the body over each index."""

    at: int
    indices: tuple[Index, ...]
    body: Node


@dataclass(frozen=True)
class Call:
    at: int
    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Plus:
    """Terms, each with its sign +1 or -1."""

    at: int
    terms: tuple[tuple[int, Node], ...]


@dataclass(frozen=True)
class Times:
    """Factors, each with its exponent +1 or -1."""

    at: int
    factors: tuple[tuple[int, Node], ...]


@dataclass(frozen=True)
class Power:
    at: int
    base: Node
    exponent: Node


Node: TypeAlias = Number | Name | Entry | Total | Call | Plus | Times | Power

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+)|(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|"
    r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>\*\*|==|[-+*/^=()\[\],])"
)
_HINTS = {
    ".": "there are no attributes; a decimal number has a digit after its point",
    '"': "there are no strings inside an expression",
    "'": "there are no strings inside an expression; name a new vector instead of marking it with a prime",
    "{": "group with parentheses ( )",
    "}": "group with parentheses ( )",
    "<": "only equations can be stated, with =",
    ">": "only equations can be stated, with =",
    "!": "only equations can be stated, with =",
    "%": "the operations are + - * / **",
    "@": "write a matrix product as sum(k, A[i,k]*B[k,j])",
    "|": "write abs(a), or norm(v)",
    "\u2212": "write the minus sign -",
    "\u00b7": "write the product as *",
    "\u00d7": "write the product as *",
    "\u221a": "write sqrt(a)",
    "\u2211": "write sum(i, body)",
    "\u00b2": "write **2",
    "\u00b3": "write **3",
    ":": "an entry is written u[i], one index at a time",
    ";": "an entry of a matrix is written W[i,j]",
}


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


def parse(place: Place) -> Node:
    """The expression that stands at a place."""
    parser = _Parser(place)
    node = parser.sum()
    parser.end()
    return node


def parse_equation(place: Place) -> tuple[Node, Node]:
    """The two sides of "left = right" (or "left == right")."""
    parser = _Parser(place)
    left = parser.sum()
    if not parser.take("=", "=="):
        parser.end()
        raise place.error("an equation was wanted, and there is no = in it", "write left = right", parser.token.at)
    right = parser.sum()
    parser.end()
    return left, right


def holds_equation(text: str) -> bool:
    """Whether there is an equals sign in the text."""
    return "=" in text


def number(text: str) -> Fraction | None:
    """The exact value of a decimal number, or nothing when it has more digits than are allowed.

    >>> number("0.5"), number("1e-3")
    (Fraction(1, 2), Fraction(1, 1000))
    """
    mantissa, _, exponent = text.lower().partition("e")
    digits = exponent.lstrip("+-").lstrip("0")
    if len(digits) > 2 or int(digits or 0) + sum(character.isdigit() for character in mantissa) > MOST_DIGITS:
        return None
    return Fraction(text)


def mentioned(node: Node) -> set[str]:
    """The names that stand in an expression, those of its indices among them."""
    match node:
        case Number():
            return set()
        case Name(_, name):
            return {name}
        case Entry(_, name, indices):
            return {name, *(index.value for index in indices if isinstance(index.value, str))}
        case Total(_, indices, body):
            return {str(index.value) for index in indices} | mentioned(body)
        case Call(_, _, arguments):
            return set().union(*map(mentioned, arguments))
        case Plus(_, parts) | Times(_, parts):
            return set().union(*(mentioned(part) for _, part in parts))
        case Power(_, base, exponent):
            return mentioned(base) | mentioned(exponent)


class _Parser:
    """One token ahead; every rule of the grammar a method."""

    def __init__(self, place: Place) -> None:
        self.place = place
        if len(place.text) > LONGEST:
            raise place.error(f"the expression has {len(place.text)} characters, and at most {LONGEST} are read", "name its parts in [definitions]")
        self.tokens = self._tokens()
        self.next = 0
        self.depth = 0
        self.nodes = 0
        if self.token.kind == "end":
            raise place.error("an expression was wanted, and nothing is there", "write one, such as sum(i, u[i]**2)", 0)

    def _tokens(self) -> list[_Token]:
        text, found, at = self.place.text, list[_Token](), 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise self.place.error(f"the character {text[at]!r} is not part of the language of expressions", _hint(text[at]), at)
            kind = str(match.lastgroup)
            if kind == "name" and found and found[-1].kind == "number" and found[-1].at + len(found[-1].text) == at:
                raise self.place.error(f"{found[-1].text!r} runs into {match.group()!r}", "write a product with *", at)
            if kind != "space":
                found.append(_Token(kind, match.group(), at))
            at = match.end()
        found.append(_Token("end", "the end", len(text)))
        return found

    @property
    def token(self) -> _Token:
        return self.tokens[self.next]

    def take(self, *signs: str) -> _Token | None:
        """The next token, if it is one of these signs."""
        token = self.token
        if token.kind == "sign" and token.text in signs:
            self.next += 1
            return token
        return None

    def want(self, sign: str, after: str) -> None:
        if not self.take(sign):
            raise self.place.error(f"{sign!r} was wanted {after}, and {self._found()} was found", self._missing(), self.token.at)

    def end(self) -> None:
        token = self.token
        if token.kind != "end":
            remedy = "an equals sign stands only between the two sides of an equation" if token.text in ("=", "==") else self._missing()
            raise self.place.error(f"the expression was complete, and {self._found()} follows", remedy, token.at)

    def _found(self) -> str:
        return "the end" if self.token.kind == "end" else repr(self.token.text[:LONGEST_NAME])

    def _missing(self) -> str:
        return "write a product with *" if self.token.kind in ("name", "number") or self.token.text == "(" else ""

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.place.error(f"the expression is nested deeper than {DEEPEST}", "name its parts in [definitions]", self.token.at)

    def node(self, node: Node) -> Node:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise self.place.error(f"the expression has more than {MOST_NODES} parts", "name its parts in [definitions]", node.at)
        return node

    def sum(self) -> Node:
        self.deeper()
        at, terms, sign = self.token.at, list[tuple[int, Node]](), 1
        while True:
            terms.append((sign, self.product()))
            token = self.take("+", "-")
            if token is None:
                break
            sign = 1 if token.text == "+" else -1
        self.depth -= 1
        return terms[0][1] if len(terms) == 1 else self.node(Plus(at, tuple(terms)))

    def product(self) -> Node:
        at, factors, exponent = self.token.at, list[tuple[int, Node]](), 1
        while True:
            factors.append((exponent, self.signed()))
            token = self.take("*", "/")
            if token is None:
                break
            exponent = 1 if token.text == "*" else -1
        return factors[0][1] if len(factors) == 1 else self.node(Times(at, tuple(factors)))

    def signed(self) -> Node:
        at, sign = self.token.at, 1
        while token := self.take("+", "-"):
            sign = sign if token.text == "+" else -sign
        inner = self.power()
        return inner if sign == 1 else self.node(Plus(at, ((-1, inner),)))

    def power(self) -> Node:
        base = self.atom()
        token = self.take("**", "^")
        if token is None:
            return base
        self.deeper()
        exponent = self.signed()
        self.depth -= 1
        return self.node(Power(token.at, base, exponent))

    def atom(self) -> Node:
        token = self.token
        if token.kind == "number":
            self.next += 1
            value = number(token.text)
            if value is None:
                raise self.place.error(f"a number has more than {MOST_DIGITS} digits", "declare a constant for it", token.at)
            return self.node(Number(token.at, value))
        if token.kind == "name":
            return self.named()
        if self.take("("):
            inner = self.sum()
            self.want(")", "to close the parenthesis")
            return inner
        remedy = "an index stands behind the name, as in u[i]" if token.text == "[" else ""
        raise self.place.error(f"a number, a name or a parenthesis was wanted, and {self._found()} was found", remedy, token.at)

    def named(self) -> Node:
        token = self.token
        self.next += 1
        if len(token.text) > LONGEST_NAME:
            raise self.place.error(f"a name has more than {LONGEST_NAME} characters", "choose a shorter one", token.at)
        if self.take("["):
            indices = [self.index()]
            while self.take(","):
                indices.append(self.index())
            self.want("]", f"to close the indices of {token.text}")
            return self.node(Entry(token.at, token.text, tuple(indices)))
        if not self.take("("):
            return self.node(Name(token.at, token.text))
        arguments = [self.sum()]
        while self.take(","):
            arguments.append(self.sum())
        self.want(")", f"to close {token.text}(")
        if token.text != "sum":
            return self.node(Call(token.at, token.text, tuple(arguments)))
        *names, body = arguments
        if not names:
            raise self.place.error("sum was given no index", "write sum(i, body), or sum(i, j, body)", token.at)
        indices = []
        for name in names:
            if not isinstance(name, Name):
                raise self.place.error("an index of sum was wanted, which is a name", "write sum(i, body), or sum(i, j, body)", name.at)
            indices.append(Index(name.at, name.name))
        return self.node(Total(token.at, tuple(indices), body))

    def index(self) -> Index:
        token = self.token
        if token.kind == "name":
            self.next += 1
            return Index(token.at, token.text)
        if token.kind == "number" and token.text.isdigit() and len(token.text) <= MOST_DIGITS:
            self.next += 1
            return Index(token.at, int(token.text))
        raise self.place.error(f"an index was wanted, a name or a whole number from 0, and {self._found()} was found", "", token.at)


def _hint(character: str) -> str:
    if character in _HINTS:
        return _HINTS[character]
    name = unicodedata.name(character, "")
    if name.startswith("GREEK"):
        return f"write the letter in Latin characters: {name.split()[-1].lower()}"
    return "names are made of the letters A-Z, a-z, digits and _" if not character.isascii() else ""
