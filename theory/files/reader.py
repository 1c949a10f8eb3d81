"""A user's theory file, read without executing anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from os import PathLike
from pathlib import Path

from ..settings import Instance, Setting, Values
from ..statements import Statement
from .claims import read_claims, unreadable
from .errors import Document, TheoryFileError
from .flows import read_world
from .ground import read_ground
from .runs import check_run, read_start, read_times
from .tables import open_document, read_tables


@dataclass(frozen=True)
class Theory:
    """What a theory file says.

    `setting` is that of all claims, without their where-variables; `sizes`, `data`, `start` and `times` are exact, for a numeric run, and empty
    where the file gives none. `data` holds the values of data and of constants.
    """

    title: str
    text: str
    setting: Setting
    statements: tuple[Statement, ...]
    sizes: Mapping[str, int] = field(default_factory=dict)
    data: Mapping[str, Values] = field(default_factory=dict)
    start: Mapping[str, Values] = field(default_factory=dict)
    times: tuple[Fraction, ...] = ()


def read(path: str | PathLike[str]) -> Theory:
    """The theory in a file.

    Raises `TheoryFileError`, whose text says what was given, what was wanted, and what to do.
    """
    return _read(open_document(Path(path)))


def read_text(text: str, name: str = "theory file") -> Theory:
    """The theory in a text, which errors call by `name`.

    >>> theory = read_text('''
    ... [sizes]
    ... N = 3
    ... [parameters]
    ... u = "N"
    ... v = "N"
    ... [model]
    ... predictor = "x[i] = u[i]*v[i]"
    ... loss = "any"
    ... [[claim]]
    ... id = "balance"
    ... conserved = "u[i]**2 - v[i]**2"
    ... ''')
    >>> theory.statements[0].parts[0].assertion.quantity
    u[i]**2 - v[i]**2
    """
    return _read(Document(name, text))


def _read(document: Document) -> Theory:
    try:
        tables = read_tables(document)
        ground = read_ground(document, tables)
        world = read_world(document, tables, ground)
        statements = read_claims(document, tables, ground, world)
        start, times = read_start(document, tables.get("start", {}), ground), read_times(document, tables.get("run", {}))
        if times:
            check_run(document, world.setting, ground, start)
    except TheoryFileError:
        raise
    except RecursionError:
        raise document.place("").error("an expression is nested too deeply", "name its parts in [definitions]") from None
    except (ValueError, TypeError, LookupError, ArithmeticError, NotImplementedError, AssertionError, AttributeError) as error:
        raise unreadable(document, error) from error
    sizes = {str(length): ground.sizes[str(length)] for length in world.setting.sizes}
    constants = {v.name for v in world.setting.variables if v.role == "constant"}
    setting = replace(world.setting, instances=(Instance(sizes, {n: v for n, v in ground.values.items() if n in constants}),))
    title = tables.get("title", Path(document.file).stem)
    return Theory(title, tables.get("text", ""), setting, statements, dict(ground.sizes), dict(ground.values), start, times)
