"""The mathematics of prose: a part of LaTeX, read to the same layouts that formulas are printed from.

What is not understood is refused, so that no format shows something else than another.
"""

from __future__ import annotations

import re

from .latex import COMMANDS, NAMES
from .layout import Accent, Big, Fence, Fraction, Gap, Kind, Layout, Letter, Name, Number, Root, Script, Sign, Words, row

_TOKEN = re.compile(r"\\[a-zA-Z]+\*?|\\.|[{}_^]|\d+(?:\.\d+)?|\s+|.")
_SIGNS = {command: char for char, command in COMMANDS.items()} | {
    "leq": "≤", "geq": "≥", "neq": "≠", "|": "‖", "lVert": "‖", "rVert": "‖", "lvert": "|", "rvert": "|", "epsilon": "ε", "phi": "φ", "colon": ":",
    "rightarrow": "→", "ldots": "…", "iff": "⇔", "implies": "⇒", "vert": "|", "mid": "|", "lambda": "λ", "coloneqq": "≔",
}  # fmt: skip
_RELATIONS = set("=<>≤≥≠∈→↦⟂≈≪≫∼∝⟶⇒⇔⊂≔≡:")
_BINARY = set("+−·×⊙±∖∪∩")
_GAPS = {",": 0.17, ":": 0.22, ";": 0.28, "quad": 1.0, "qquad": 2.0, "!": -0.17, " ": 0.28}
_FACES = {"mathbb": "blackboard", "mathbf": "bold", "mathcal": "script", "mathrm": "upright"}
_LETTERS = set("αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩℓ")


class Unreadable(ValueError):
    """Mathematics that is not understood; the text says what it was and what is."""


def read_math(source: str) -> Layout:
    r"""The layout of a formula written in LaTeX.

    >>> from .latex import latex
    >>> latex(read_math(r"\dot u_i = -\kappa \tfrac12 r^{L-1}"))
    '\\dot{u}_{i} = -\\kappa\\frac{1}{2}r^{L - 1}'

    Raises `Unreadable`.
    """
    reader = _Reader(source)
    found = reader.until(())
    reader.end()
    return found


class _Reader:
    def __init__(self, source: str) -> None:
        self.source = source
        self.tokens = [t for t in _TOKEN.findall(source) if not t.isspace()]
        self.place = 0

    def fail(self, said: str) -> Unreadable:
        return Unreadable(f"the formula {self.source!r} {said}; use the part of LaTeX that docs/notes.md lists")

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        if not token:
            raise self.fail("ends too early")
        self.place += 1
        return token

    def end(self) -> None:
        if self.peek():
            raise self.fail(f"has {self.peek()!r} where nothing fits")

    def until(self, closing: tuple[str, ...]) -> Layout:
        items: list[Layout] = []
        while self.peek() and self.peek() not in closing:
            items.append(self.scripted(items))
        return row(*items)

    def scripted(self, before: list[Layout]) -> Layout:
        node = self.atom(before)
        below = above = None
        primes = 0
        while self.peek() in ("_", "^", "'"):
            mark = self.take()
            if mark == "'":
                primes += 1
            elif (mark == "_" and below is not None) or (mark == "^" and above is not None):
                raise self.fail("has two scripts at one place")
            elif mark == "_":
                below = self.group()
            else:
                above = self.group()
        if primes:
            above = row(*[Sign("′")] * primes, *([above] if above is not None else []))
        if isinstance(node, Big):
            return Big(node.text, below, above)
        return Script(node, below, above) if below is not None or above is not None else node

    def group(self) -> Layout:
        """What is in braces, or one symbol."""
        if self.peek() == "{":
            self.take()
            inner = self.until(("}",))
            if self.take() != "}":
                raise self.fail("has a brace that is not closed")
            return inner
        return self.atom([])

    def words(self) -> str:
        """The text in braces, spaces kept."""
        match = re.compile(r"\s*\{([^{}]*)\}").match(self.source, self._offset())
        if match is None:
            raise self.fail("has a command for text without its braces")
        while self.take() != "}":
            pass
        return match[1]

    def _offset(self) -> int:
        spans = [m for m in _TOKEN.finditer(self.source) if not m[0].isspace()]
        return spans[self.place].start() if self.place < len(spans) else len(self.source)

    def atom(self, before: list[Layout]) -> Layout:
        token = self.take()
        if token == "{":
            self.place -= 1
            return self.group()
        if token.startswith("\\"):
            return self.command(token[1:], before)
        if token[0].isdigit():
            return Number(token)
        if token.isalpha():
            return Letter(token)
        if token == "|":
            return self.between("|", ("|",))
        if token in "}&":
            raise self.fail(f"has {token!r} where nothing fits")
        return _sign({"-": "−", "*": "·"}.get(token, token), before)

    def command(self, name: str, before: list[Layout]) -> Layout:
        if name in ("frac", "tfrac", "dfrac"):
            return Fraction(self.digit_or_group(), self.digit_or_group())
        if name == "sqrt":
            return Root(self.group())
        if name in ("dot", "bar", "hat", "tilde"):
            return Accent(name, self.group())  # type: ignore[arg-type]
        if name in _FACES:
            inner = self.words()
            return Letter(inner, _FACES[name])  # type: ignore[arg-type]
        if name in ("text", "textrm"):
            return Words(self.words())
        if name == "operatorname":
            return Name(self.words())
        if name == "left":
            left = self.delimiter()
            body = self.until(("\\right",))
            if self.take() != "\\right":
                raise self.fail(r"has a \left without its \right")
            return Fence(left, body, self.delimiter())
        if name in ("bigl", "bigr", "Bigl", "Bigr", "big", "Big"):
            return Sign(("large " if name[0] == "B" else "") + self.delimiter(), "close" if name.endswith("r") else "open")
        if name in ("Vert", "lVert", "|"):
            return self.between("‖", ("\\Vert", "\\rVert", "\\|"))
        if name in _GAPS:
            return Gap(_GAPS[name])
        if name in ("sum", "prod", "int"):
            return Big(_SIGNS[name])
        if name in NAMES:
            return Name(name)
        if name in _SIGNS:
            return Letter(_SIGNS[name]) if _SIGNS[name] in _LETTERS else _sign(_SIGNS[name], before)
        raise self.fail(f"has the command \\{name}, which is not known")

    def between(self, bar: str, closing: tuple[str, ...]) -> Layout:
        """What stands between two bars."""
        body = self.until(closing)
        if self.take() not in closing:
            raise self.fail(f"has a {bar} that is not closed")
        return Fence(bar, body, bar)

    def digit_or_group(self) -> Layout:
        """An argument; of \\tfrac12 each digit is one."""
        token = self.peek()
        if token.isdigit() and len(token) > 1:
            self.tokens[self.place] = token[1:]
            return Number(token[0])
        return self.group()

    def delimiter(self) -> str:
        token = self.take()
        token = _SIGNS.get(token[1:], "") if token.startswith("\\") else token
        if token == ".":
            return ""
        if token not in ("(", ")", "[", "]", "{", "}", "|", "‖", "⟨", "⟩"):
            raise self.fail(f"has {token!r} for a bracket")
        return token


def _sign(text: str, before: list[Layout]) -> Sign:
    kind: Kind = "ordinary"
    if text in _RELATIONS:
        kind = "relation"
    elif text in _BINARY:
        leads = not before or (
            isinstance(before[-1], Sign) and (before[-1].kind in ("relation", "binary", "punctuation", "prefix") or before[-1].text in "([{")
        )
        kind = "prefix" if leads else "binary"
    elif text in ",;":
        kind = "punctuation"
    return Sign(text, kind)
