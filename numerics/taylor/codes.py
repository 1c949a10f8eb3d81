"""A tape as a table of numbers, for the compiled loops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .tape import Derivative, Integral, Linear, Operation, Product, Quotient, Start, Tape

LINEAR, PRODUCT, QUOTIENT, DERIVATIVE, INTEGRAL, TIMED_INTEGRAL, START = range(7)

_CODES: Mapping[type[Any], int] = {Linear: LINEAR, Product: PRODUCT, Quotient: QUOTIENT, Derivative: DERIVATIVE, Integral: INTEGRAL, Start: START}


def coded(tape: Tape) -> NDArray[np.int64]:
    """One row for each operation: its code, the registers out, a, b, c, the lag, and for a linear map where its rows begin."""
    found, row = [], 0
    for op in tape.operations:
        found.append(_coded(op, row))
        row += op.out.size + 1 if isinstance(op, Linear) else 0
    return np.array(found, dtype=np.int64).reshape(-1, 7)


def _coded(op: Operation, row: int) -> list[int]:
    code, out = _CODES[type(op)], op.out
    match op:
        case Linear():
            return [code, out.at, 0, 0, 0, out.lag, row]
        case Product(_, a, b):
            return [code, out.at, a.at, b.at, 0, out.lag, 0]
        case Quotient(_, a, b, inverse):
            return [code, out.at, a.at, b.at, inverse.at, out.lag, 0]
        case Integral(_, a, timed):
            return [TIMED_INTEGRAL if timed else code, out.at, a.at, 0, 0, 0, 0]
    return [code, out.at, op.of.at, 0, 0, out.lag, 0]


def segments(tape: Tape) -> list[tuple[int, int, Start | None]]:
    """The operations between those that begin a function, each with the one that follows."""
    found, begin = [], 0
    for n, op in enumerate(tape.operations):
        if isinstance(op, Start):
            found.append((begin, n, op))
            begin = n + 1
    return [*found, (begin, len(tape.operations), None)]
