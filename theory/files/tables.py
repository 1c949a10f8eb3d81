"""From the bytes of a file to its tables: TOML read exactly, and refused with one sentence where its structure is not that of a theory file."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

from .errors import Document, Place, TheoryFileError, listed, nearest, shown
from .grammar import MOST_DIGITS, NAME, number
from .meaning import WORDS

Toml: TypeAlias = Any  # what tomllib returns; every use below checks what it finds
LARGEST = 1_000_000
LARGEST_SIZE = 1_000
MOST_ENTRIES = 1_000  # of a table, a list of claims or of equations
MOST_PARTS = 100  # of a dotted key, which TOML's reader takes a time for that grows with the square
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'')

TABLES: Mapping[str, tuple[str, ...] | None] = {  # the keys of each table; none where they are the user's own names
    "sizes": None,
    "constants": None,
    "data": None,
    "arbitrary": None,
    "parameters": None,
    "definitions": None,
    "model": ("predictor", "loss"),
    "flow": ("kind", "rates", "drift", "field"),
    "claim": ("id", "title", "text", "citation", "conserved", "identity", "quantity", "rate", "where", "given", "expect"),
    "start": None,
    "run": ("times", "T"),
}
TEXTS = ("title", "text")


def open_document(path: Path) -> Document:
    """The text of a file, which must be UTF-8 and no larger than a megabyte."""
    place = Place(str(path))
    try:
        if path.is_dir():
            raise place.error("this is a directory, and a theory file was wanted", "give the path of a .toml file")
        with path.open("rb") as stream:
            raw = stream.read(LARGEST + 1)
    except FileNotFoundError:
        near = nearest(path.name, [other.name for other in path.parent.glob("*.toml")] if path.parent.is_dir() else [])
        raise place.error("there is no such file", near or "check the path") from None
    except (OSError, ValueError) as error:
        raise place.error(f"the file cannot be opened: {error}", "check the path and its permissions") from None
    if len(raw) > LARGEST:
        raise place.error(f"the file is larger than {LARGEST} bytes", "a theory file holds formulas and small data only")
    try:
        return Document(str(path), raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise place.error(f"the file is not UTF-8: byte {error.start} cannot be read", "save it as UTF-8") from None


def read_tables(document: Document) -> dict[str, Toml]:
    """The tables of a theory file, with decimals as exact fractions and no key that is not known."""
    place = Place(document.file)
    if not document.text.strip():
        raise place.error("the file is empty", "begin with title, [parameters], [model] and a [[claim]]; docs/theory-file.md shows one")
    if any(sum(map(bool, map(str.strip, key.split(".")))) > MOST_PARTS for key in re.split("[,=\n]", _QUOTED.sub("q", document.text))):
        raise place.error(f"a key has more than {MOST_PARTS} parts with dots between them", "a theory file needs three levels at most")
    try:
        tables = tomllib.loads(document.text, parse_float=lambda text: _decimal(place, text))
    except tomllib.TOMLDecodeError as error:
        raise place.error(f"this is not TOML: {_first_small(str(error))}", _remedy(document.text, error)) from None
    except TheoryFileError:
        raise
    except RecursionError:
        raise place.error("the lists or tables are nested too deeply", "a theory file needs three levels at most") from None
    except ValueError as error:
        raise place.error(f"a number cannot be read: {error}", f"give numbers of at most {MOST_DIGITS} digits") from None
    _check_structure(document, tables)
    return tables


def _remedy(text: str, error: tomllib.TOMLDecodeError) -> str:
    """What to do about the line the error names; a name in other than Latin letters is what a theorist would try."""
    line = re.search(r"at line (\d+)", str(error))
    written = text.splitlines()[int(line[1]) - 1].strip() if line else ""
    if written[:1].isalpha() and not written[:1].isascii():
        name = unicodedata.name(written[0], "")
        example = f", as {name.rpartition(' ')[2].lower()} for {written[0]}" if name.startswith("GREEK") else ""
        return f"names are written in the letters a to z{example}"
    return "strings stand in double quotes, tables in [ ]"


def _first_small(text: str) -> str:
    return text[:1].lower() + text[1:] if text else "it cannot be read"


def _decimal(place: Place, text: str) -> Fraction:
    sign, digits = (-1, text[1:]) if text[0] == "-" else (1, text.lstrip("+"))
    value = number(digits.replace("_", "")) if digits[0].isdigit() else None
    if value is None:
        raise place.error(f"the number {shown(text)} is not a decimal of at most {MOST_DIGITS} digits", 'write it as "p/q"')
    return sign * value


def _check_structure(document: Document, tables: Mapping[str, Toml]) -> None:
    known = (*TEXTS, "given", *TABLES)
    for key, value in tables.items():
        place = document.place(key, key)
        if key not in known:
            remedy = nearest(key, known) or "leave it away"
            raise place.error(f"the key or table {shown(key)} is not known; known are {listed(known)}", remedy)
        if key in TEXTS and not isinstance(value, str):
            raise place.error(f"a text was wanted, and {shown(value)} was given", "put it in double quotes")
        if isinstance(value, dict | list) and len(value) > MOST_ENTRIES:
            raise place.error(f"{len(value)} entries were given, and at most {MOST_ENTRIES} are read", "divide the file")
        if key == "given":
            continue
        if key == "claim":
            if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
                raise place.error("claims are tables [[claim]], with two brackets", "write [[claim]] above each of them")
            for number_, one in enumerate(value, 1):
                check_keys(document, f"[[claim]] {one['id'] if isinstance(one.get('id'), str) else number_}", one, TABLES["claim"] or ())
        elif key in TABLES:
            if not isinstance(value, dict):
                raise place.error(f"a table [{key}] was wanted, and {shown(value)} was given", f"write [{key}] with its entries below")
            check_keys(document, f"[{key}]", value, TABLES[key])


def check_keys(document: Document, table: str, entries: Mapping[str, Toml], known: tuple[str, ...] | None) -> None:
    """Every key is one of those known; where they are the user's, nothing is checked here."""
    for key, value in entries.items() if known is not None else ():
        if isinstance(value, dict | list) and len(value) > MOST_ENTRIES and key != "times":
            raise document.place(table, key).error(f"{key} has {len(value)} entries, and at most {MOST_ENTRIES} are read", "divide the file")
        if known is not None and key not in known:
            raise document.place(table, key).error(
                f"the key {shown(key)} is not known; known are {listed(known)}", nearest(key, known) or "leave it away"
            )


def own_name(place: Place, name: str, taken: Mapping[str, str]) -> str:
    """A name the user may declare; `taken` says where each name was declared before."""
    if not NAME.fullmatch(name):
        greek = " (write Greek letters in Latin ones, kappa)" if not name.isascii() else ""
        raise place.error(f"{shown(name)} is not a name{greek}", "a name begins with a letter and goes on with letters, digits and _")
    if name in WORDS:
        raise place.error(f"{name} is a function of the language of expressions", "choose another name")
    if name in taken:
        raise place.error(f"the name {name} is declared twice, here and in {taken[name]}", "choose another name for one of them")
    return name


def read_sizes(document: Document, entries: Mapping[str, Toml], taken: dict[str, str]) -> dict[str, int]:
    """The sizes with their values."""
    found = {}
    for name, value in entries.items():
        place = document.place(f"[sizes] {name}")
        own_name(place, name, taken)
        if name in ("x", "by"):
            raise place.error(f'{name} stands between sizes in a shape, as in "M x N"', "choose another name for the size")
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST_SIZE:
            raise place.error(f"a whole number from 1 to {LARGEST_SIZE} was wanted, and {shown(value)} was given", f"write {name} = 4")
        taken[name], found[name] = "[sizes]", value
    return found
