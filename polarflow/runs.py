"""From a theory file with [start], or a paper's experiment, to exact numbers for its flow: what can be followed or certified."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import sympy as sp

from numerics import InvalidProblem, Problem
from numerics.exact import exact
from numerics.observe import Quantity
from proofs_check.sampling import Sizes, basis, given_point
from theory.files import Theory, read
from theory.papers import NAMES, paper
from theory.settings import Setting
from theory.statements import Evolves, Watched
from theory.symbols import Family, Variable

Claim = Literal["stays", "moves", ""]


class NoRun(ValueError):
    """A target without numbers to run it with; the text says what to add."""


@dataclass(frozen=True)
class Run:
    """What is to be followed: numbers for a setting, the times asked for, and what to watch with what is claimed of it."""

    title: str
    setting: Setting
    data: Mapping[str, Any]
    start: Mapping[str, Any]
    times: tuple[Fraction, ...]
    sizes: Mapping[str, int]
    watch: Callable[[Problem], Sequence[tuple[Claim, Quantity]]]


def run_of(given: str | Path | Theory, experiment: str) -> Run:
    if isinstance(given, Theory):
        return _of_theory(given)
    name, _, claim = str(given).partition("/")
    if name in NAMES and not Path(str(given)).exists():
        return _of_paper(name, claim or experiment)
    if Path(str(given)).suffix != ".toml":
        raise NoRun(f"{given} has no numbers to run it with; give a theory file (.toml) with [start] and [run], or one of {', '.join(NAMES)}")
    return _of_theory(read(given))


def _of_theory(theory: Theory) -> Run:
    if not theory.start:
        raise NoRun(f"{theory.title} has no start; give a value for every parameter in [start], and the times or T in [run]")
    known = {v.name for v in theory.setting.variables}

    def watch(posed: Problem) -> list[tuple[Claim, Quantity]]:
        found: list[tuple[Claim, Quantity]] = []
        sizes = Sizes(posed.sizes)
        for statement in theory.statements:
            for part in statement.parts:
                if isinstance(part.assertion, Evolves) and part.assertion.rate == 0:
                    quantity = part.assertion.quantity
                    choices = basis(part.setting, quantity, sizes, given_point(part.setting, sizes, posed.data))
                    own = {v.name for v in part.setting.variables if v.role == "constant"} - known
                    if choices and own <= set(choices[0]):
                        claimed: Claim = "stays" if statement.expect == "proved" else "moves"
                        found.append((claimed, Quantity(statement.id, Family(part.assertion.indices, quantity), part.setting, tuple(choices))))
        return found

    return Run(theory.title, theory.setting, theory.data, theory.start, theory.times, {}, watch)


def _of_paper(name: str, wanted: str) -> Run:
    shipped = paper(name)
    chosen = next((e for e in shipped.experiments if not wanted or wanted in (e.id, e.statement)), None)
    if chosen is None:
        raise NoRun(f"{name} has no experiment {wanted!r}; it has {', '.join(e.id for e in shipped.experiments) or 'none'}")

    def watch(posed: Problem) -> list[tuple[Claim, Quantity]]:
        stay: list[tuple[Claim, Quantity]] = [("stays", _quantity(watched, chosen.setting)) for watched in chosen.conserved]
        return [*stay, *(("moves", _quantity(watched, chosen.setting)) for watched in chosen.moving)]

    return Run(f"{shipped.title}, {chosen.id}", chosen.setting, chosen.data, chosen.start, chosen.times, {}, watch)


def _quantity(watched: Watched, setting: Setting) -> Quantity:
    """What an experiment watches, its own constants declared with the lengths that its sums give them."""
    lengths = {index: upper + 1 for node in watched.quantity.atoms(sp.Sum) for index, _, upper in node.limits}
    own = []
    for name in watched.choices[0]:
        entry = next(entry for entry in watched.quantity.atoms(sp.Indexed) if entry.base.name == name)
        own.append(Variable(name, tuple(lengths[index] for index in entry.indices)))
    return Quantity(watched.label, Family((), watched.quantity), setting.having(*own), watched.choices)


def changed(run: Run, put: Mapping[str, Any]) -> Run:
    """The run with other numbers. Raises `NoRun` for a name that has none."""
    data, start, sizes = dict(run.data), dict(run.start), dict(run.sizes)
    known = {size.name for size in run.setting.sizes}
    for name, value in put.items():
        if name in start:
            start[name] = _like(start[name], exact(value, name))
        elif name in data:
            data[name] = _like(data[name], exact(value, name))
        elif name in known:
            sizes[name] = int(exact(value, name))  # type: ignore[arg-type]
        else:
            remedy = 'a constant that can be set is declared with its value, as in kappa = { sign = "positive", value = 2 }'
            raise NoRun(f"there is no {name} to set; there are {', '.join([*start, *data, *sorted(known)])}; {remedy}")
    return replace(run, data=data, start=start, sizes=sizes)


def _like(old: Any, new: Any) -> Any:
    """One number stands for a tensor that has it everywhere."""
    if isinstance(old, tuple) and not isinstance(new, tuple):
        return tuple(_like(entry, new) for entry in old)
    return new


def ended(run: Run, until: Any) -> Run:
    if until is None:
        if not run.times:
            raise NoRun(f"{run.title} says nothing of how long to run; give times or T in [run], or the last time (--set T=10)")
        return run
    end = exact(until, "T")
    if not isinstance(end, Fraction) or end <= 0:
        raise InvalidProblem(f"the last time {until} was given; a positive number is wanted")
    return replace(run, times=(*(t for t in run.times if t < end), end))


def radii(words: Sequence[str]) -> dict[str, Any]:
    """Words such as u=1/100 and y=[1/10,0] as exact radii. Raises `NoRun` for other words."""
    found, _ = parsed(words, option="--within", example="--within u=1/100")
    return {name: exact(value, f"the radius of {name}") for name, value in found.items()}


def parsed(settings: Sequence[str], *, option: str = "--set", example: str = "--set kappa=1/2") -> tuple[dict[str, Any], Any]:
    """Words such as kappa=1/2, u=[0.6,0.8] and T=10 as exact values, and the last time apart. Raises `NoRun` for other words."""
    found: dict[str, Any] = {}
    for word in settings:
        name, equals, value = (piece.strip() for piece in word.partition("="))
        if not equals or not name or not value:
            raise NoRun(f"{option} {word} was given; wanted is a name with a value, such as {example} or {option} y=[1,0.5]")
        try:
            if value.startswith("@"):
                value = Path(value[1:]).read_text(encoding="utf-8").strip()
            found[name] = json.loads(value, parse_float=str) if value.startswith("[") else value
        except (OSError, UnicodeDecodeError) as error:
            raise NoRun(f"{option} {word} was given, and the file cannot be read: {error}") from None
        except (json.JSONDecodeError, RecursionError):
            raise NoRun(
                f'{option} {word} was given; a list is written [1,0.5] or [[1,0],[0,"1/3"]], or stands in a file: {name}=@{name}.json'
            ) from None
    return found, found.pop("T", None)
