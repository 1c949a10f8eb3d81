"""Quantities of a problem that are watched along compiled steps: in machine code themselves, at LOOKS places of a step at a time."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from itertools import count, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.symbols import Variable

from ..errors import InvalidProblem, Unsupported
from ..problem import Problem
from ..program import Program
from ..special import specialised
from . import field
from .build import NoCompiler, library
from .dop853 import LOOKS
from .memory import constants, parts

Floats = NDArray[np.float64]

_ROOM = 64  # crossings, at least, between two reports
_POINTERS = ("field", "still", "work", "states", "looks", "tries", "before", "roots", "direction", "ends", "found")


class Run(ctypes.Structure):
    """The struct `events` of dop853.c."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in _POINTERS),
        *((name, ctypes.c_int64) for name in ("count", "room", "begun", "crossings", "ended", "undefined")),
        ("when", ctypes.c_double),
    ]


@dataclass(frozen=True)
class Watched:
    """Let quantities of a problem be in machine code: what of each of them is a crossing, 1 from below, -1 from above, 0 both, and which end it all.

    In `at_rest` are watches that nobody keeps at the moment.
    """

    library: ctypes.CDLL
    size: int
    direction: tuple[int, ...]
    ends: tuple[bool, ...]
    constants: tuple[Floats, ...]
    still: Any
    at_rest: list[Watch] = dataclass_field(default_factory=list, compare=False)

    def watch(self) -> Watch:
        """One that is at rest or a new one: another thread may be under way."""
        try:
            return self.at_rest.pop()
        except IndexError:
            return Watch(self)


def watched(problem: Problem, quantities: Program, direction: Sequence[int], ends: Sequence[bool]) -> Watched | None:
    """Let a program have the parameters of the problem and scalar values: these in machine code.

    None without a compiler, and where C has no source. Raises `InvalidProblem` for a constant without a value.
    """
    # The values stand where those of a velocity do, one for each block; the state is what differs from place to place, as constants can.
    taken = {v.name for v in quantities.variables} | {n.name for n in quantities.sizes} | {step.name for step in quantities.steps}
    free = (name for n in count() if (name := f"value_{n}") not in taken)
    values, blocks = tuple(Variable(name, (), "parameter") for name in islice(free, len(quantities.velocities))), quantities.parameters
    program = replace(quantities, parameters=values, inputs=(*blocks, *quantities.inputs))
    special, moving = specialised(program, problem.data), frozenset(block.name for block in blocks)
    still = [variable.name for variable in special.inputs if variable.name not in moving]
    for name in still:
        if name not in problem.data:
            raise InvalidProblem(f"{name} has no value; give one in the data of the problem")
    try:
        built = library(field.source(special, tuple(sorted(problem.sizes.items())), moving, LOOKS), LOOKS)
    except (NoCompiler, Unsupported):
        return None
    return Watched(built, problem.layout.size, tuple(direction), tuple(ends), *constants(problem, still))


class Watch:
    """The quantities along one trajectory, again and again; `address` is what the compiled steps are told."""

    def __init__(self, kept: Watched) -> None:
        events, size = len(kept.direction), kept.size
        room = max(_ROOM, LOOKS * events)
        kept.library.work_size.restype = ctypes.c_int64
        # Vectors are loaded from the first four.
        lengths = {"work": kept.library.work_size(), "states": size * LOOKS, "looks": events * LOOKS, "tries": events * LOOKS}
        lengths |= {"before": events, "roots": events, "direction": events, "ends": events, "found": room * (2 + size)}
        part, address = parts(lengths)
        part["direction"].view(np.int64)[:], part["ends"].view(np.int64)[:] = kept.direction, kept.ends
        field_address = ctypes.cast(kept.library.field, ctypes.c_void_p).value
        self._run = Run(**address, field=field_address, still=ctypes.addressof(kept.still), count=events, room=room)
        self._rows, self._kept = part["found"].reshape(room, 2 + size), kept
        self.address = ctypes.addressof(self._run)

    @property
    def crossings(self) -> Floats:
        """Those of the last rounds, in the order of time: the number of the quantity, the time, the state."""
        return self._rows[: self._run.crossings].copy()

    @property
    def ended(self) -> bool:
        """Whether the last crossing ended it all."""
        return bool(self._run.ended)

    @property
    def undefined(self) -> tuple[int, float] | None:
        """The number of a quantity that was not a number, with which the steps stopped, and about when."""
        found = self._run.undefined
        return None if found < 0 else (found, self._run.when)

    def rest(self) -> None:
        """Whoever wants to watch next may take this one."""
        self._kept.at_rest.append(self)
