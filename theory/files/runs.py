"""From [start] and [run] to exact numbers: where a numeric run begins, and the times at which it is read."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import prod

from ..settings import Setting, Values
from .declarations import exact, exact_values, few_enough, filled, fitted, flat
from .errors import Document, listed, nearest, shown
from .ground import Ground
from .tables import Toml

MOST_TIMES = 10_000


def read_start(document: Document, entries: Mapping[str, Toml], ground: Ground) -> dict[str, Values]:
    """A value for every parameter, of its shape and sign, on its sphere; one number stands for a tensor that has it everywhere."""
    blocks = {v.name: v for v in ground.parameters}
    found: dict[str, Values] = {}
    for name, given in entries.items():
        place = document.place(f"[start] {name}")
        if name not in blocks:
            raise place.error(
                f"{name} is not a parameter; the parameters are {listed(blocks)}", nearest(name, blocks) or "declare it in [parameters]"
            )
        value = exact_values(place, given)
        shape = blocks[name].shape
        if shape and not isinstance(value, tuple):
            lengths = tuple(int(n) if n.is_Integer else ground.sizes[str(n)] for n in shape)
            few_enough(place, prod(lengths))
            value = filled(value, lengths)
        found[name] = fitted(place, value, shape, blocks[name].sign, ground.sizes)
    missing = [name for name in blocks if name not in found]
    if found and missing:
        raise document.place("[start]").error(
            f"values for {listed(found)} were given, and none for {listed(missing)}", "give a start for every parameter"
        )
    for group in ground.spheres if found else ():
        square = sum((value**2 for name in group for value in flat(found[name])), Fraction(0))
        if square != 1:
            remedy = "give exact values such as 3/5 and 4/5, or 1/2 four times"
            raise document.place(f"[start] {' and '.join(group)}").error(
                f"the sum of squares is {square}, and 1 is wanted on the unit sphere", remedy
            )
    return {name: found[name] for name in blocks if name in found}


def read_times(document: Document, entries: Mapping[str, Toml]) -> tuple[Fraction, ...]:
    """The times of a run: positive, each later than the one before."""
    if "times" in entries and "T" in entries:
        raise document.place("[run]").error("times and T were both given", "give one of them")
    key = "T" if "T" in entries else "times"
    given = entries.get(key, [])
    place = document.place(f"[run] {key}", given)
    listing = given if isinstance(given, list) else [given]
    if len(listing) > MOST_TIMES or any(isinstance(one, list) for one in listing):
        raise place.error(f"a list of at most {MOST_TIMES} times was wanted, and {shown(given)} was given", "write times = [1, 4]")
    times = tuple(exact(place, one) for one in listing)
    for before, after in zip((Fraction(0), *times), times, strict=False):
        if after <= before:
            raise place.error(f"the time {after} follows {before}", "give positive times, each later than the one before")
    return times


def check_run(document: Document, setting: Setting, ground: Ground, start: Mapping[str, Values]) -> None:
    """A numeric run needs a flow, a start, and a value for everything that stands still; a loss of which nothing is known cannot be run."""
    place = document.place("[run]")
    if setting.flow is None:
        raise place.error("a run was asked for, and the file has no flow", "write [model] with predictor and loss, or [flow] with a field")
    ours = {v.name for v in ground.arbitrary}
    unknown = [v.name for v in setting.variables if v.role == "cotangent"]
    if ours:
        raise place.error(
            f"a run was asked for, and there are no values for {listed(name for name in unknown if name in ours)} in [arbitrary]",
            "declare them in [data] with values, and choose a loss with a value",
        )
    if unknown:
        raise place.error(
            f"a run was asked for, and of the loss {listed(unknown)} is not known", 'choose a loss with a value, such as "square(A, y)"'
        )
    if not start:
        raise place.error("a run was asked for, and no start was given", "give a value for every parameter in [start]")
    missing = [v.name for v in setting.variables if v.role == "constant" and v.name not in ground.values]
    if missing:
        remedy = f'give exact values, as in {missing[0]} = {{ shape = "M x N", value = [[1, 2]] }} or {{ sign = "positive", value = 2 }}'
        raise place.error(f"a run was asked for, and {listed(missing)} has no value", remedy)
