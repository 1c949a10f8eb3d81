"""NumPy source: whole arrays, matrix products, one line per named value."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ..exact import Exact
from ..lower import lower
from ..program import Program
from .arrays import body
from .emitter import Emitter
from .text import check_names, documentation, header, signature


def emit(program: Program, title: str) -> str:
    """The source of `velocity` for NumPy, a module that imports nothing else."""
    check_names(program, ("np", "velocity"), "NumPy")
    lines = [header(program, title, "NumPy"), "import numpy as np", "", "", signature(program, program.time_name), *documentation(program)]
    return "\n".join([*lines, *body(program, lower(program), "np")]) + "\n"


def values(value: Exact) -> Any:
    """Exact numbers as arrays of float64. A whole scalar stays one, so that powers with it are exact."""
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 and abs(value) < 2**31 else float(value)
    return np.array(_floats(value))


def _floats(value: Exact) -> Any:
    return float(value) if isinstance(value, Fraction) else [_floats(entry) for entry in value]


EMITTER = Emitter(emit, values, 15)
