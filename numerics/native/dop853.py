"""The stepper in C: `dop853.c`, with the tableau written out above it.

The coefficients are SciPy's. A combination of slopes is one expression, so that it is read from memory once and its zeros cost nothing.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from scipy.integrate import DOP853

from .build import library

ROWS = 8  # of a piece: the state before a step, and the seven terms of the polynomial that leads on from it
LOOKS = 8  # places of a step where events are looked for, the end among them; they go through the vector registers together
NUMBERS = ("-fno-tree-vectorize",)  # flags for a state that is too short for vectors

# How the slopes are combined for the state at which each but the first is taken; the thirteenth is taken at the end of the step.
_STAGES = [*(DOP853.A[stage, :stage] for stage in range(1, 12)), DOP853.B, *DOP853.A_EXTRA]
_NODES = [*DOP853.C, 1.0, *DOP853.C_EXTRA]

_STAGE = """
static void stage_{number}(int64_t size, const double *restrict step, const double *restrict y, const double *restrict k, double *restrict to)
{{
    const int64_t all = size * LANES;
    for (int64_t i = 0; i < size; i++)
        for (int l = 0; l < LANES; l++) {{
            const int64_t n = i * LANES + l;
            to[n] = {value};
        }}
}}
"""
_SUM = """
static inline double sum_{name}(const double *k, int64_t all)
{{
    return {combined};
}}
"""
_TABLE = """
#define LOOKS {looks}
typedef void stage_t(int64_t size, const double *restrict step, const double *restrict y, const double *restrict k, double *restrict to);
static stage_t *const STAGES[] = {{0, {stages}}};
static const double NODES[] = {{{nodes}}};
"""


def combined(coefficients: Iterable[Any], place: str) -> str:
    """`0.25 * k[n + 3 * all] + ...`"""
    return " + ".join(f"{float(value)!r} * k[{place} + {number} * all]" for number, value in enumerate(coefficients) if value != 0)


def _stage(number: int, row: Sequence[float]) -> str:
    """The slope that is still being computed comes last: of a state on the way it is multiplied and added, and no more is waited for.

    At the end of the step everything is added to the state at once, so that it is rounded once.
    """
    latest = max(n for n, value in enumerate(row) if value != 0)
    if number == DOP853.n_stages or latest == 0:
        return _STAGE.format(number=number, value=f"y[n] + step[l] * ({combined(row, 'n')})")
    return _STAGE.format(number=number, value=f"y[n] + step[l] * ({combined(row[:latest], 'n')}) + step[l] * {row[latest]!r} * k[n + {latest} * all]")


@lru_cache(maxsize=1)
def source() -> str:
    """The translation unit; LANES is the compiler's to be told."""
    sums = {"fifth": DOP853.E5, "third": DOP853.E3, **{f"dense_{n}": row for n, row in enumerate(DOP853.D)}}
    parts = [
        *(_stage(number, [float(value) for value in row]) for number, row in enumerate(_STAGES, 1)),
        *(_SUM.format(name=name, combined=combined(row, "0")) for name, row in sums.items()),
        _TABLE.format(
            looks=LOOKS, stages=", ".join(f"stage_{n}" for n in range(1, len(_STAGES) + 1)), nodes=", ".join(repr(float(node)) for node in _NODES)
        ),
    ]
    return "".join([*parts, "\n", (Path(__file__).parent / "dop853.c").read_text(encoding="utf-8")])


@lru_cache(maxsize=4)
def stepper(lanes: int, flags: tuple[str, ...] = ()) -> ctypes.CDLL:
    """What `dop853.c` exports, for so many lanes and compiled with `flags`. Raises `NoCompiler` without a compiler."""
    # Number by number, a sum is to be taken as it is written: the last slope, which is still being computed, comes last.
    order = ("-fno-associative-math",) if flags == NUMBERS else ()
    found, count, address = library(source(), lanes, (*flags, *order)), ctypes.c_int64, ctypes.c_void_p
    found.run_size.restype = found.events_size.restype = found.memory_size.restype = found.follow.restype = count
    found.memory_size.argtypes = [count]
    found.follow.argtypes = [address, count]
    found.between.restype = None
    found.between.argtypes = [address, count, count, address, count, address]
    return found
