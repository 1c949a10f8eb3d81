"""Trajectories followed by compiled code: the velocity of a problem, and the method of order 8 that walks along it."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import cached_property, lru_cache
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Unsupported
from ..kept import kept
from ..problem import Problem, size_value
from ..special import specialised
from . import dop853, events, field
from .build import NoCompiler, library
from .dop853 import stepper
from .memory import aligned, constants, parts
from .pieces import Pieces

Floats = NDArray[np.float64]

WIDTH = 8  # lanes of a batch
ROUNDS = 256  # steps of which the pieces are kept
_MUCH = 2**20  # bytes of pieces that are not held on to at rest
_NOTHING: Floats = np.empty(0)
_POINTERS = ("field", "still", "varying", "moving", "work", "memory", "starts", "times", "found", "reached", "taken", "pieces", "events")


@lru_cache(maxsize=2)
def _structure(lanes: int) -> type[ctypes.Structure]:
    class Run(ctypes.Structure):
        """The struct `run` of dop853.c."""

        _fields_ = [
            *((name, ctypes.c_void_p) for name in _POINTERS),
            *((name, ctypes.c_int64) for name in ("rows", "size", "count", "moments", "max_steps")),
            *((name, ctypes.c_double) for name in ("rtol", "atol")),
            *((name, ctypes.c_int64) for name in ("begun", "evaluations", "kept")),
            *((name, ctypes.c_double * lanes) for name in ("t", "h")),
            *((name, ctypes.c_int64 * lanes) for name in ("trajectory", "goal", "steps", "rejected")),
        ]

    return Run


@dataclass(frozen=True)
class Compiled:
    """Let a problem have its velocity in machine code for `lanes` states at a time.

    `start` and `times` are the problem's as doubles; `constants` are those that all trajectories share, `still` their addresses; `rows` names the
    others, each with the number of its entries. `flags` are the compiler's. In `at_rest` are walks from the start, for whoever takes one out.
    """

    lanes: int
    flags: tuple[str, ...]
    start: Floats
    times: Floats
    library: ctypes.CDLL
    constants: tuple[Floats, ...]
    still: Any
    rows: tuple[tuple[str, int], ...]
    at_rest: list[Walk] = dataclass_field(default_factory=list, compare=False)

    @cached_property
    def address(self) -> int | None:
        return ctypes.cast(self.library.field, ctypes.c_void_p).value

    @cached_property
    def memory(self) -> tuple[int, int]:
        """How many doubles the steps and the velocity work in."""
        self.library.work_size.restype = ctypes.c_int64
        return stepper(self.lanes, self.flags).memory_size(self.start.size), self.library.work_size()

    def walk(self) -> Walk:
        """From the start through the times, by one that is at rest or by a new one: another thread may be under way."""
        try:
            return self.at_rest.pop()
        except IndexError:
            return Walk(self, self.start[None], self.times)

    def velocity(self) -> Callable[[float, Floats], Floats]:
        """The velocity as a function of one state."""
        size = self.start.size
        room = aligned(1 + 2 * size + self.memory[1])
        places = (room[:1], room[1 : 1 + size], room[1 + size : 1 + 2 * size], room[1 + 2 * size :])
        moment, state, slope = places[:3]
        call, addresses = self.library.field, [ctypes.c_void_p(place.ctypes.data) for place in places]
        given = (*addresses[:3], ctypes.c_void_p(ctypes.addressof(self.still)), None, addresses[3])

        def velocity(t: float, y: Floats) -> Floats:
            moment[0], state[:] = t, y
            call(*given)
            return slope.copy()

        return velocity


def compiled(problem: Problem, lanes: int, varying: frozenset[str] = frozenset()) -> Compiled | None:
    """The velocity in machine code, where constants in `varying` differ from lane to lane.

    None without a compiler, and where C has no source for it.
    """
    return kept(problem, ("velocity", lanes, varying), lambda: _compiled(problem, lanes, varying))


def _compiled(problem: Problem, lanes: int, varying: frozenset[str]) -> Compiled | None:
    special = specialised(problem.program, {name: value for name, value in problem.data.items() if name not in varying})
    lengths = [*problem.sizes.values(), *(length for shape in problem.layout.shapes for length in shape)]
    flags = field.flags(special, lengths, lanes)
    try:
        stepper(lanes, flags)
        built = library(field.source(special, tuple(sorted(problem.sizes.items())), varying, lanes), lanes, flags)
    except (NoCompiler, Unsupported):
        return None
    names = [variable.name for variable in special.inputs if variable.name not in varying]
    rows = tuple((v.name, prod(size_value(length, problem.sizes) for length in v.shape)) for v in special.inputs if v.name in varying)
    start = np.array([float(entry) for entry in problem.layout.pack(problem.start)])
    times = np.array([float(moment) for moment in problem.times])
    return Compiled(lanes, flags, start, times, built, *constants(problem, names), rows)


class Walk:
    """Let starts have the shape (B, D): the B trajectories through increasing times, again and again, without new memory but for the results.

    `afresh` is the beginning, with tolerances, and `on` takes steps. `found` has the states, of the shape (B, T, D), NaN where none is known;
    `reached` and `steps` are as in `Trajectories`.
    """

    def __init__(self, velocity: Compiled, starts: Floats, times: Floats, varying: Mapping[str, Floats] | None = None) -> None:
        (count, size), lanes = starts.shape, velocity.lanes
        rows = sum(length for _, length in velocity.rows)
        memory, work = velocity.memory
        # Vectors are loaded from the first three.
        lengths = {"memory": memory, "work": work, "moving": rows * lanes, "varying": count * rows, "starts": count * size}
        lengths |= {"times": len(times), "reached": count, "taken": count}
        part, address = parts(lengths)
        part["starts"][:], part["times"][:] = starts.ravel(), times
        own, first = part["varying"].reshape(count, rows), 0
        for name, length in velocity.rows:
            own[:, first : first + length] = np.reshape((varying or {})[name], (count, length))
            first += length
        self.reached, self.steps = part["reached"], part["taken"].view(np.int64)
        self._shape, self._results = (count, len(times), size), ctypes.c_double * (count * len(times) * size)
        self._velocity = velocity  # which its addresses need
        self._pieces: Floats | None = None
        self._run: Any = _structure(lanes)(
            **address, field=velocity.address, still=ctypes.addressof(velocity.still), rows=rows, size=size, count=count, moments=len(times)
        )
        steps = stepper(lanes, velocity.flags)
        if (steps.run_size(), steps.events_size()) != (ctypes.sizeof(self._run), ctypes.sizeof(events.Run)):
            raise RuntimeError("the structs in dop853.c are not those in follow.py and events.py, which is an error of polarflow")
        self._follow, self._address = steps.follow, ctypes.addressof(self._run)

    def afresh(self, *, rtol: float, atol: float, max_steps: int = 2**62, dense: bool = False, watch: events.Watch | None = None) -> None:
        """The starts again, with new results. For a single trajectory the last rounds, ROUNDS at most, are kept if `dense`, and then be watched."""
        run, entries = self._run, self._results()
        self.found: Floats = np.ndarray(self._shape, np.float64, entries)
        if dense and self._pieces is None:
            self._pieces = np.empty((ROUNDS, 2 + dop853.ROWS * self._shape[2]))
            self._address_of_pieces = self._pieces.ctypes.data
        run.found, run.pieces = ctypes.addressof(entries), self._address_of_pieces if dense else None
        run.events = None if watch is None else watch.address
        run.begun, run.rtol, run.atol, run.max_steps = 0, rtol, atol, max_steps

    def rest(self) -> None:
        """The results are no longer held, and whoever wants to walk from the start next may take this walk."""
        self.found = _NOTHING
        if self._pieces is not None and self._pieces.nbytes > _MUCH:
            self._pieces = None
        self._velocity.at_rest.append(self)

    def on(self, rounds: int) -> bool:
        """Up to so many more steps of every lane; whether any are left to take."""
        return bool(self._follow(self._address, rounds))

    @property
    def evaluations(self) -> int:
        return int(self._run.evaluations)

    @property
    def time(self) -> float:
        """How far a single trajectory has come."""
        return float(self._run.t[0])

    @property
    def pieces(self) -> Pieces:
        """The steps of a single trajectory that were accepted in the last rounds."""
        assert self._pieces is not None
        return Pieces(self._pieces[: self._run.kept].copy(), self._velocity.flags)
