"""Constants that are given again and again, as one table: what does not depend on them is computed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sympy as sp

from theory.settings import Setting, substitute
from theory.symbols import Family, fresh, index

from .errors import InvalidProblem
from .exact import Exact, exact, shape
from .problem import size_value
from .program import names_in


def tabled(
    family: Family, setting: Setting, choices: Sequence[Mapping[str, Any]], sizes: Mapping[str, int]
) -> tuple[Family, Setting, dict[str, Exact]]:
    """Let $f_{i\\ldots}(z)$ be a family over a setting, and $z_1, \\ldots, z_n$ choices for constants of it: $f_{ci\\ldots} = f_{i\\ldots}(z_c)$.

    The constants become tables in the setting and in the values, with a row for each choice. Definitions that depend on them are put in. A single
    choice is no table, and has no index.

    Raises `InvalidProblem` where a choice does not have the shape of its constant, as far as `sizes` are known.
    """
    own = [variable for variable in setting.variables if variable.name in choices[0]]
    rows = {variable.name: tuple(exact(choice[variable.name], variable.name) for choice in choices) for variable in own}
    for variable in own:
        wanted = tuple(_length(length, sizes) for length in variable.shape)
        for given in {shape(row) for row in rows[variable.name]}:
            if len(given) != len(wanted) or any(length not in (None, found) for length, found in zip(wanted, given, strict=True)):
                known = ", ".join("?" if length is None else str(length) for length in wanted)
                raise InvalidProblem(
                    f"{variable.name} was given with the shape {given}; wanted is ({', '.join(map(str, variable.shape))}), which is ({known}) here; "
                    f"give each choice of it that shape"
                )
    if len(choices) == 1:
        return family, setting, {name: row for name, (row,) in rows.items()}
    moving = {variable.name for variable in own}
    for definition in setting.definitions:
        if names_in(definition.family) & moving:
            moving.add(definition.name)
    value = setting.unfold(family.value, keep=tuple(definition.name for definition in setting.definitions if definition.name not in moving))
    choice, count = fresh(index("c"), value.atoms(sp.Symbol) | {name for name, _ in family.indices}), sp.Integer(len(choices))
    tables = {variable.name: replace(variable, shape=(count, *variable.shape)) for variable in own}
    entries = {}
    for variable in own:
        letters = variable.indices
        entries[variable.name] = Family(letters, tables[variable.name][(choice, *(letter for letter, _ in letters))])
    variables = tuple(tables.get(variable.name, variable) for variable in setting.variables)
    return Family(((choice, count), *family.indices), substitute(value, entries)), replace(setting, variables=variables), dict(rows)


def _length(length: sp.Expr, sizes: Mapping[str, int]) -> int | None:
    """The number, where it is known."""
    return size_value(length, sizes) if {symbol.name for symbol in sp.sympify(length).free_symbols} <= sizes.keys() else None
