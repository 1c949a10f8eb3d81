"""Trajectories followed by compiled code: the velocity of a problem, and the method of order 8 that walks along it."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Unsupported
from ..problem import Problem, size_value
from ..special import specialised
from . import dop853, field
from .build import NoCompiler, library

Floats = NDArray[np.float64]

WIDTH = 8  # lanes of a batch
_VECTOR = 8 * WIDTH  # bytes
_POINTERS = ("field", "still", "varying", "moving", "work", "memory", "starts", "times", "found", "reached", "taken", "pieces")


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


@lru_cache(maxsize=2)
def _stepper(lanes: int) -> ctypes.CDLL:
    found = library(dop853.source(), lanes)
    found.run_size.restype = found.memory_size.restype = found.follow.restype = ctypes.c_int64
    found.memory_size.argtypes = [ctypes.c_int64]
    found.follow.argtypes = [ctypes.c_void_p, ctypes.c_int64]
    if found.run_size() != ctypes.sizeof(_structure(lanes)):
        raise RuntimeError("the struct in dop853.c is not the one in follow.py, which is an error of polarflow")
    return found


@dataclass(frozen=True)
class Compiled:
    """Let a problem have its velocity in machine code for `lanes` states at a time.

    `constants` are those that all trajectories share, `still` their addresses; `rows` names the others, each with the number of its entries.
    """

    lanes: int
    start: Floats
    library: ctypes.CDLL
    constants: tuple[Floats, ...]
    still: Any
    rows: tuple[tuple[str, int], ...]

    @cached_property
    def address(self) -> int | None:
        return ctypes.cast(self.library.field, ctypes.c_void_p).value

    @cached_property
    def memory(self) -> tuple[int, int]:
        """How many doubles the steps and the velocity work in."""
        self.library.work_size.restype = ctypes.c_int64
        return _stepper(self.lanes).memory_size(self.start.size), self.library.work_size()

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


_KNOWN: dict[int, dict[Any, Compiled | None]] = {}


def compiled(problem: Problem, lanes: int, varying: frozenset[str] = frozenset()) -> Compiled | None:
    """The velocity in machine code, where constants in `varying` differ from lane to lane; None without a compiler, or where C has no source for it.

    A problem is compiled once for as long as it lives; its many fractions are made doubles once.
    """
    if id(problem) not in _KNOWN:
        _KNOWN[id(problem)] = {}
        weakref.finalize(problem, _KNOWN.pop, id(problem), None)
    known = _KNOWN[id(problem)]
    if (lanes, varying) not in known:
        known[lanes, varying] = _compiled(problem, lanes, varying)
    return known[lanes, varying]


def _compiled(problem: Problem, lanes: int, varying: frozenset[str]) -> Compiled | None:
    special = specialised(problem.program, {name: value for name, value in problem.data.items() if name not in varying})
    try:
        _stepper(lanes)
        built = library(field.source(special, tuple(sorted(problem.sizes.items())), varying, lanes), lanes)
    except (NoCompiler, Unsupported):
        return None
    names = [variable.name for variable in special.inputs if variable.name not in varying]
    constants = tuple(np.array(problem.data[name], dtype=object).astype(np.float64).ravel() for name in names)
    still = (ctypes.c_void_p * (len(constants) + 1))(*(array.ctypes.data for array in constants))
    rows = tuple((v.name, prod(size_value(length, problem.sizes) for length in v.shape)) for v in special.inputs if v.name in varying)
    start = np.array([float(entry) for entry in problem.layout.pack(problem.start)])
    return Compiled(lanes, start, built, constants, still, rows)


def aligned(count: int) -> Floats:
    """So many zeros, where vectors can be loaded from."""
    whole = np.zeros(count + _VECTOR // 8)
    first = -whole.ctypes.data % _VECTOR // 8
    return whole[first : first + count]


class Walk:
    """Let `starts` have the shape (B, D): the B trajectories through increasing `times`, taken up step by step by `on`.

    `found` has the states, of the shape (B, T, D), NaN where none is known; `reached` and `steps` are as in `Trajectories`. Of a single trajectory
    `pieces` has, for each step that was accepted in the last rounds, its time, its length, the state before it and the terms of its polynomial, if
    room is made for as many as `rounds`.
    """

    def __init__(
        self,
        velocity: Compiled,
        starts: Floats,
        times: Floats,
        *,
        rtol: float,
        atol: float,
        max_steps: int,
        varying: Mapping[str, Floats] | None = None,
        rounds: int = 0,
    ) -> None:
        (count, size), lanes = starts.shape, velocity.lanes
        rows, moments = sum(length for _, length in velocity.rows), len(times)
        memory, work = velocity.memory
        shapes = {
            "memory": (memory,),  # the first, where vectors can be loaded from, and so are the next two
            "work": (work,),
            "moving": (rows * lanes,),
            "varying": (count, rows),
            "starts": (count, size),
            "times": (moments,),
            "found": (count, moments, size),
            "reached": (count,),
            "taken": (count,),
            "pieces": (rounds, 2 + dop853.ROWS * size),
        }
        lengths = [prod(shape) for shape in shapes.values()]
        room = aligned(sum(lengths))
        ends = list(accumulate(lengths))
        part = {name: room[end - length : end].reshape(shapes[name]) for name, length, end in zip(shapes, lengths, ends, strict=True)}
        base = room.ctypes.data
        address = {name: base + 8 * (end - length) for name, length, end in zip(shapes, lengths, ends, strict=True)}
        if not rounds:
            address["pieces"] = 0
        part["starts"][:], part["times"][:], part["found"][:] = starts, times, np.nan
        first = 0
        for name, length in velocity.rows:
            part["varying"][:, first : first + length] = np.reshape((varying or {})[name], (count, length))
            first += length
        self.found, self.reached, self.steps, self._pieces = part["found"], part["reached"], part["taken"].view(np.int64), part["pieces"]
        self._velocity = velocity  # which its addresses need
        self._run: Any = _structure(lanes)(
            **address,
            field=velocity.address,
            still=ctypes.addressof(velocity.still),
            rows=rows,
            size=size,
            count=count,
            moments=moments,
            max_steps=max_steps,
            rtol=rtol,
            atol=atol,
            trajectory=(-1,) * lanes,
            steps=(-1,) * lanes,
        )
        self._follow = _stepper(lanes).follow
        self._address = ctypes.addressof(self._run)

    def on(self, rounds: int) -> bool:
        """Up to so many more steps of every lane; whether any are left to take."""
        self._run.kept = 0
        return bool(self._follow(self._address, rounds))

    @property
    def evaluations(self) -> int:
        return int(self._run.evaluations)

    @property
    def time(self) -> float:
        """How far a single trajectory has come."""
        return float(self._run.t[0])

    @property
    def pieces(self) -> Floats:
        return self._pieces[: self._run.kept].copy()
