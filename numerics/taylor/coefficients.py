"""The coefficients of linear maps as limbs."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, lcm
from typing import Any

import numpy as np

from .limbs import Format
from .tape import Linear, Whole


@dataclass(frozen=True)
class Entries:
    """Let entry n add `limbs[n] * B**powers[n]` times component `components[n]` of register `sources[n]` to row `rows[n]`, rows in order."""

    rows: Whole
    sources: Whole
    components: Whole
    powers: Whole
    limbs: Whole


def entries(op: Linear, form: Format) -> Entries:
    """Let a linear map be given: an entry for each limb that is not 0. Dyadic coefficients are exact, others have the precision of the format."""
    width = form.width
    nothing = np.zeros(0, dtype=np.int64)
    found: list[tuple[Any, ...]] = [(nothing,) * 5]
    if len(op.coefficients):
        power = -_below(op.coefficients, form)
        up = 1 - width * power
        left: Any = np.array([*(((x.numerator << up) // x.denominator + 1) >> 1 for x in op.coefficients), 0], dtype=object)[:-1]
        half, mask = 1 << (width - 1), (1 << width) - 1
        while np.any(left != 0):
            low = ((left + half) & mask) - half
            kept = np.flatnonzero(low != 0)
            found.append((op.rows[kept], op.sources[kept], op.entries[kept], np.full(len(kept), power), low[kept].astype(np.int64)))
            left, power = (left - low) >> width, power + 1
    columns = [np.concatenate(parts) for parts in zip(*found, strict=True)]
    order = np.argsort(columns[0], kind="stable")
    return Entries(*(column[order] for column in columns))


def longest_row(op: Linear, form: Format) -> int:
    """At most how many entries a row has."""
    if not len(op.coefficients):
        return 1
    above = max(0, max(-_smallness(x) for x in op.coefficients))
    return int(np.bincount(op.rows).max()) * (_below(op.coefficients, form) + above // form.width + 2)


def _below(coefficients: Any, form: Format) -> int:
    """How many limbs below 1 are wanted."""
    common = lcm(*{x.denominator for x in coefficients})
    if common & (common - 1) == 0:
        return ceil((common.bit_length() - 1) / form.width)
    return form.count + 2 + max(0, ceil(max(_smallness(x) for x in coefficients) / form.width))


def _smallness(x: Fraction) -> int:
    """About $-\\log_2 |x|$."""
    return x.denominator.bit_length() - abs(x.numerator).bit_length()
