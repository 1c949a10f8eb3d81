"""Declarations: a shape, a sign and perhaps a constraint, in words such as "M x N, positive"; and explicit exact values."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import sympy as sp

from ..settings import Values
from ..symbols import Sign, size
from .errors import WIDTH, Place, cut, listed, nearest, shown
from .grammar import MOST_DIGITS, NAME, parse
from .meaning import Scope, meaning

SIGNS: Mapping[str, Sign] = {
    "positive": "positive",
    "nonnegative": "nonnegative",
    "non-negative": "nonnegative",
    "nonzero": "nonzero",
    "non-zero": "nonzero",
    "real": "real",
}
SYMMETRIES: Mapping[str, int] = {"symmetric": 1, "skew": -1, "antisymmetric": -1, "skew-symmetric": -1}
_IDLE = frozenset({"scalar", "vector", "matrix", "tensor", "number", "constant", "integer", "rational", "of", "unit"})
_BY = frozenset({"x", "×", "*", "by"})
_WORD = re.compile(r"\s*(?:([A-Za-z_][A-Za-z0-9_-]*)(?:\s*\(([^()]*)\))?|([0-9]+)|([×*,]))")
DEEPEST_LIST = 8
MOST_NUMBERS = 100_000  # of one name


@dataclass(frozen=True)
class Declaration:
    """What is declared of a name; `calls` are the words with arguments, such as kernel(A), with their position."""

    shape: tuple[sp.Expr, ...] | None
    sign: Sign = "real"
    symmetry: int = 0
    calls: tuple[tuple[str, tuple[str, ...], int], ...] = ()


def declaration(place: Place, sizes: Mapping[str, int], calls: tuple[str, ...] = ()) -> Declaration:
    """The declaration that stands at a place; `calls` are the words besides shape and sign that are known there.

    Raises `TheoryFileError` for a word that means nothing.
    """
    shape: list[sp.Expr] = []
    sign: Sign | None = None
    symmetry, scalar, unmeasured, by = 0, False, False, True
    found: list[tuple[str, tuple[str, ...], int]] = []
    for word, arguments, at in _words(place):
        dimensions = _dimensions(word, sizes) if arguments is None else None
        if word == ",":
            by = True
        elif word in _BY and word not in sizes:
            if not shape or by:
                raise place.error(f"{word!r} stands between two sizes, and here it does not", 'write a shape as "M x N"', at)
            by = True
        elif dimensions is not None:
            if not by:
                raise place.error(f"two sizes follow each other at {word}", 'write a shape as "M x N"', at)
            shape, by = [*shape, *dimensions], False
        elif word in SIGNS and arguments is None:
            if sign not in (None, "real", SIGNS[word]):
                raise place.error(f"the signs {sign} and {word} were both given", "give the stronger one", at)
            sign = SIGNS[word]
        elif word in SYMMETRIES and arguments is None and "symmetric" in calls:
            symmetry = SYMMETRIES[word]
        elif word in calls:
            found.append((word, tuple(part.strip() for part in (arguments or "").split(",") if part.strip()), at))
        elif word in _IDLE and arguments is None:
            scalar = scalar or word in ("scalar", "number")
            unmeasured = unmeasured or word in ("vector", "matrix", "tensor")
        else:
            raise _unknown(place, word, at, sizes, calls)
    if unmeasured and not (shape or scalar or found):
        raise place.error("a vector or matrix was declared without its lengths", 'write them, as in "N" or "M x N"')
    if scalar and shape:
        raise place.error(f"a scalar has no shape, and {' x '.join(map(str, shape))} was given", "leave one of the two away")
    return Declaration(tuple(shape) if shape or scalar or not found else None, sign or "real", symmetry, tuple(found))


def _words(place: Place) -> Iterator[tuple[str, str | None, int]]:
    at, text = 0, place.text.rstrip()
    if not text:
        raise place.error("a declaration was wanted, and the text is empty", 'write for example "N, positive", "M x N" or "scalar"')
    while at < len(text):
        match = _WORD.match(text, at)
        if match is None:
            raise place.error(f"the character {text[at:].lstrip()[0]!r} is not part of a declaration", 'write for example "M x N, positive"', at)
        yield match[1] or match[3] or match[4], match[2], match.end() - len(match[0].lstrip())
        at = match.end()


def _dimensions(word: str, sizes: Mapping[str, int]) -> list[sp.Expr] | None:
    if word in sizes:
        return [size(word)]
    if word.isdigit() and 0 < len(word) < 7 and int(word) > 0:
        return [sp.Integer(word)]
    parts = word.split("x")
    if len(parts) > 1 and all(parts):
        each = [_dimensions(part, sizes) for part in parts]
        return [one for many in each for one in many or []] if all(each) else None
    return None


def _unknown(place: Place, word: str, at: int, sizes: Mapping[str, int], calls: tuple[str, ...]) -> Exception:
    if word == "negative":
        return place.error(
            "a sign negative was given, and there is none", f"declare it {listed(['positive'])}, and write a minus in the formulas", at
        )
    if "=" in place.text and calls:
        return place.error("an equation was given, and a declaration was wanted", 'write z = "kernel(A)" for A z = 0, and equations into given', at)
    known = [*sizes, "scalar", *dict.fromkeys(SIGNS.values()), *calls]
    remedy = nearest(word, known) or (f"declare the size in [sizes], {word} = 4" if NAME.fullmatch(word) else "sizes are positive")
    return place.error(f"{cut(word, WIDTH)} is neither a declared size nor one of {listed(known[len(sizes) :])}", remedy, at)


def exact(place: Place, given: object) -> Fraction:
    """A number from TOML: an integer, a decimal (read exactly), or a string such as "3/2"."""
    if isinstance(given, bool) or not isinstance(given, int | Fraction | str):
        raise place.error(f"an exact number was wanted, and {shown(given)} was given", 'write 3, 0.5 or "3/2"')
    if isinstance(given, str):
        inner = Place(place.file, place.key, given, place.line)
        value = meaning(inner, Scope({}), parse(inner)).value
        if not value.is_Rational:
            raise place.error(f"a rational number was wanted, and {shown(given)} was given", 'write 3, 0.5 or "3/2"')
        given = Fraction(int(value.p), int(value.q))
    value_ = Fraction(given)
    if max(value_.numerator.bit_length(), value_.denominator.bit_length()) > 4 * MOST_DIGITS:
        raise place.error(f"the number has more than {MOST_DIGITS} digits", "give a shorter one")
    return value_


def exact_values(place: Place, given: object, depth: int = 0) -> Values:
    """A number, or nested lists of them."""
    if not isinstance(given, list):
        return exact(place, given)
    if depth == 0:
        few_enough(place, _leaves(given))
    if depth >= DEEPEST_LIST:
        raise place.error(f"the lists are nested deeper than {DEEPEST_LIST}", "give at most one level for every index")
    if not given:
        raise place.error("an empty list was given", "give at least one value")
    return tuple(exact_values(place, part, depth + 1) for part in given)


def few_enough(place: Place, count: int) -> None:
    """Raises `TheoryFileError` for more numbers than a run can be expected to take."""
    if count > MOST_NUMBERS:
        raise place.error(f"these are {count} numbers, and at most {MOST_NUMBERS} are read", "a theory file holds formulas and small data only")


def _leaves(given: object) -> int:
    return sum(map(_leaves, given)) if isinstance(given, list) else 1


def shape_of_values(place: Place, values: Values) -> tuple[int, ...]:
    """The shape of nested tuples, all of one length at every level."""
    if not isinstance(values, tuple):
        return ()
    shapes = {shape_of_values(place, part) for part in values}
    if len(shapes) > 1:
        raise place.error(f"the rows have different shapes: {listed(sorted(map(str, shapes)))}", "give all rows the same length")
    return (len(values), *shapes.pop())


def tied_shape(place: Place, lengths: tuple[int, ...], sizes: Mapping[str, int]) -> tuple[sp.Expr, ...]:
    """The symbolic shape of explicit values: each length is the one size declared with that value, or a number when none is."""
    shape = []
    for length in lengths:
        names = [name for name, value in sizes.items() if value == length]
        if len(names) > 1:
            remedy = f'say which: {{ shape = "{names[0]}", value = [...] }}'
            raise place.error(f"the values have the length {length}, which is that of {' and of '.join(names)}", remedy)
        shape.append(size(names[0]) if names else sp.Integer(length))
    return tuple(shape)


def fitted(place: Place, values: Values, shape: tuple[sp.Expr, ...], sign: Sign, sizes: Mapping[str, int]) -> Values:
    """The values, if they have the shape and the sign."""
    lengths = shape_of_values(place, values)
    wanted = tuple(int(length) if length.is_Integer else sizes[str(length)] for length in shape)
    if lengths != wanted:
        named = " x ".join(f"{length} = {value}" if not length.is_Integer else str(value) for length, value in zip(shape, wanted, strict=True))
        raise place.error(
            f"values of the shape {_by(lengths)} were given, and {named or 'a single number'} was wanted", "correct the values or [sizes]"
        )
    for value in flat(values):
        wrong = {"positive": value <= 0, "nonnegative": value < 0, "nonzero": value == 0, "real": False}[sign]
        if wrong:
            raise place.error(f"the value {value} was given for something declared {sign}", "correct the value or the sign")
    return values


def filled(value: Fraction, lengths: tuple[int, ...]) -> Values:
    """A tensor with one value everywhere."""
    return tuple(filled(value, lengths[1:]) for _ in range(lengths[0])) if lengths else value


def flat(values: Values) -> Iterator[Fraction]:
    if isinstance(values, tuple):
        yield from itertools.chain.from_iterable(map(flat, values))
    else:
        yield values


def _by(lengths: tuple[int, ...]) -> str:
    return " x ".join(map(str, lengths)) or "of a single number"
