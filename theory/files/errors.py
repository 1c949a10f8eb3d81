"""What is said when a theory file cannot be read: where, what was given, what was wanted, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

WIDTH = 72
MOST_LISTED = 40
LONGEST_SENTENCE = 1_000


class TheoryFileError(ValueError):
    """A theory file that cannot be read.

    `where` is the file with the table and key, `problem` says what was given and what was wanted, `remedy` what to do;
    `excerpt` shows the place with a caret under it.
    """

    def __init__(self, where: str, problem: str, remedy: str = "", excerpt: str = "") -> None:
        self.where, self.problem, self.remedy, self.excerpt = where, problem, remedy, excerpt
        sentence = f"{where}: {problem}" + (f"; {remedy}" if remedy else "")
        super().__init__(sentence + (f"\n{excerpt}" if excerpt else ""))


@dataclass(frozen=True)
class Place:
    """Where something stands: the file, the table and key, and the text given there."""

    file: str
    key: str = ""
    text: str = ""
    line: int | None = None

    def error(self, problem: str, remedy: str = "", at: int | None = None) -> TheoryFileError:
        """The error of this place; `at` is a position in the text."""
        where = self.file + (f", {cut(self.key, 2 * WIDTH)}" if self.key else "") + (f" (line {self.line})" if self.line else "")
        return TheoryFileError(where, cut(problem, LONGEST_SENTENCE), cut(remedy, LONGEST_SENTENCE), excerpt(self.text, at) if at is not None else "")


@dataclass(frozen=True)
class Document:
    """The file as it was given, to say on which line something stands."""

    file: str
    text: str

    def place(self, key: str, given: object = "") -> Place:
        text = given if isinstance(given, str) else ""
        first = text.strip().partition("\n")[0]
        alone = len(first) > 2 and self.text.count(first) == 1
        return Place(self.file, key, text, self.text[: self.text.index(first)].count("\n") + 1 if alone else None)


def excerpt(text: str, at: int) -> str:
    """A window of the text with a caret below the position.

    >>> print(excerpt("log(w[i])", 4))
      log(w[i])
          ^
    """
    flat = "".join(character if character.isprintable() else " " for character in text)
    start = max(0, min(at - WIDTH // 2, len(flat) - WIDTH))
    window = flat[start : start + WIDTH]
    before, after = "... " if start else "", " ..." if start + WIDTH < len(flat) else ""
    return f"  {before}{window}{after}\n  {' ' * (len(before) + at - start)}^"


def shown(value: object) -> str:
    """A value in a sentence, cut when it is long."""
    try:
        text = str(value) if isinstance(value, Fraction) else repr(value)
    except (RecursionError, ValueError):
        text = f"a {type(value).__name__}"
    return text if len(text) <= WIDTH else text[: WIDTH - 4] + "...'"


def nearest(name: str, known: Iterable[str]) -> str:
    """The words "did you mean ...?", or nothing.

    >>> nearest("kapa", ["r", "kappa"])
    'did you mean kappa?'
    """
    known = list(known)
    folded = [other for other in known if other.lower() == name.lower()]
    found = folded or difflib.get_close_matches(name[:WIDTH], known, n=1)
    return f"did you mean {found[0]}?" if found else ""


def listed(names: Iterable[str]) -> str:
    """Names in a sentence, not more than a reader can look through."""
    names = list(names)
    more = len(names) - MOST_LISTED
    return ", ".join(names[:MOST_LISTED]) + (f" and {more} more" if more > 0 else "") or "none"


def cut(text: str, longest: int) -> str:
    """The text, without its middle when it is longer."""
    return text if len(text) <= longest else f"{text[: longest - 21]} ... {text[-16:]}"
