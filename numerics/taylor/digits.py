"""The tape in fixed point: whole vectors of series, eight components at a time.

The order-k coefficients of a convergent series are small, so their leading limbs are 0; products with these are left out (`reach` says up to which
order a pair of limbs is not 0 at all). That is what grades the precision by coefficient.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from .codes import DERIVATIVE, INTEGRAL, LINEAR, PRODUCT, QUOTIENT, TIMED_INTEGRAL
from .simd import LANES, TILE, combine, convolve, narrow, settle

# Room in front of the sums, for limbs above the first: they cancel, or their numbers would not fit.
FRONT = 4


def _fold(sums: Any, start: int, width: int) -> None:
    for up in range(1, 3):
        if start - up >= 0 and width * up < 64:
            for lane in range(LANES):
                sums[start * LANES + lane] += sums[(start - up) * LANES + lane] << (width * up)


fold = numba.njit(cache=True)(_fold)


def _finish(out: int, block: int, order: int, start: int, regs: Any, history: Any, rows: Any, reach: Any, sums: Any, width: int, count: int) -> None:
    """Carry, and keep the limbs from `start` on as the coefficient of this order."""
    fold(sums, start, width)
    settle(sums, start, start + count, width)
    at, depth, size, row, stride = regs[out, 0], regs[out, 1], regs[out, 3], regs[out, 4], 2 * count + 16
    at += (block * depth + order % depth) * count * LANES
    narrow(sums, start, history, at, count)
    lead = 0
    while lead < count:
        zero = True
        for lane in range(LANES):
            zero = zero and history[at + lead * LANES + lane] == 0
        if not zero:
            break
        lead += 1
    first = regs[out, 5] + block * (count // TILE)
    for pair in range(lead // TILE, count // TILE):
        reach[first + pair] = order
    if row >= 0:
        for lane in range(min(LANES, size - block * LANES)):
            to = row + (block * LANES + lane) * stride + count
            for limb in range(count):
                rows[to + limb] = history[at + limb * LANES + lane]


finish = numba.njit(cache=True)(_finish)


def _cauchy(
    order: int, low: int, high: int, a: int, i: int, b: int, j: int, start: int, regs: Any, history: Any, reach: Any, sums: Any, count: int
) -> None:
    """Add the products of orders m and order - m for low <= m <= high, block i of a and block j of b."""
    length = count * LANES
    a_at, b_at = regs[a, 0] + i * regs[a, 1] * length, regs[b, 0] + j * regs[b, 1] * length
    a_reach, b_reach = regs[a, 5] + i * (count // TILE), regs[b, 5] + j * (count // TILE)
    for p in range(0, count, TILE):
        last = min(high, reach[a_reach + p // TILE])
        for q in range(0, count, TILE):
            if FRONT + p + q > start + count:
                break
            first = max(low, order - reach[b_reach + q // TILE])
            if first <= last:
                x, y = a_at + first * length + p * LANES, b_at + (order - first) * length + q * LANES
                convolve(sums, (FRONT + p + q) * LANES, history, x, y, length, -length, last - first + 1)


cauchy = numba.njit(cache=True)(_cauchy)


def _once(history: Any, a_at: int, b_at: int, start: int, sums: Any, count: int) -> None:
    """One product."""
    for p in range(0, count, TILE):
        for q in range(0, count, TILE):
            if FRONT + p + q > start + count:
                break
            convolve(sums, (FRONT + p + q) * LANES, history, a_at + p * LANES, b_at + q * LANES, 0, 0, 1)


once = numba.njit(cache=True)(_once)


def _beginning(shift: int, count: int) -> int:
    """Where the first limb of a product stands in the sums, when exponents are `shift` larger in its factors."""
    return min(max(FRONT + shift - 1, 0), FRONT + count)


beginning = numba.njit(cache=True)(_beginning)


def _stage(
    order: int, begin: int, end: int, ops: Any, regs: Any, exps: Any, inner: Any, tables: Any, history: Any, rows: Any, reach: Any,
    pointers: Any, places: Any, factors: Any, sums: Any, buffer: Any, width: int, count: int,
) -> None:  # fmt: skip
    length = count * LANES
    for n in range(begin, end):
        code, out, a, b, c, lag, entry = ops[n, 0], ops[n, 1], ops[n, 2], ops[n, 3], ops[n, 4], ops[n, 5], ops[n, 6]
        k = order - lag
        if k < 0:
            continue
        size = regs[out, 3]
        if code == LINEAR:
            for block in range(regs[out, 2]):
                sums[:] = 0
                for lane in range(LANES):
                    i = 0 if size == 1 else block * LANES + lane
                    if i < size:
                        if size > 1 or lane == 0:
                            for chunk in range(0, count, LANES):
                                combine(buffer, chunk, rows, chunk, places, factors, pointers[entry + i], pointers[entry + i + 1])
                        for limb in range(count):
                            sums[(FRONT + limb) * LANES + lane] = buffer[limb]
                        # Limbs above the first of the result cancel in their sum, but for what they carry into it.
                        for up in range(1, inner[n] + 1):
                            for t in range(pointers[entry + i], pointers[entry + i + 1]):
                                sums[(FRONT - up) * LANES + lane] += np.int64(factors[t]) * rows[places[t] - up]
                finish(out, block, k, FRONT, regs, history, rows, reach, sums, width, count)
        elif code == PRODUCT:
            start = beginning(exps[a] + exps[b] - exps[out], count)
            for block in range(regs[out, 2]):
                sums[:] = 0
                j = block if regs[b, 2] > 1 else 0
                if a == b:
                    cauchy(k, 0, (k + 1) // 2 - 1, a, block, b, j, start, regs, history, reach, sums, count)
                    for m in range(sums.shape[0]):
                        sums[m] *= 2
                    if k % 2 == 0:
                        cauchy(k, k // 2, k // 2, a, block, b, j, start, regs, history, reach, sums, count)
                else:
                    cauchy(k, 0, k, a, block, b, j, start, regs, history, reach, sums, count)
                finish(out, block, k, start, regs, history, rows, reach, sums, width, count)
        elif code == QUOTIENT:
            start = beginning(exps[b] + exps[out] - inner[n], count)
            again = beginning(inner[n] + exps[c] - exps[out], count)
            shift = FRONT - 1 + exps[b] + exps[out] - exps[a]
            scratch = history.shape[0] - length
            for block in range(regs[out, 2]):
                sums[:] = 0
                cauchy(k, 1, k, b, block, out, block, start, regs, history, reach, sums, count)
                for m in range(sums.shape[0]):
                    sums[m] = -sums[m]
                above = regs[a, 0] + ((block if regs[a, 2] > 1 else 0) * regs[a, 1] + k % regs[a, 1]) * length
                for limb in range(count):
                    if 0 <= limb + shift <= start + count:
                        for lane in range(LANES):
                            sums[(limb + shift) * LANES + lane] += history[above + limb * LANES + lane]
                fold(sums, start, width)
                settle(sums, start, start + count, width)
                narrow(sums, start, history, scratch, count)
                sums[:] = 0
                once(history, scratch, regs[c, 0] + block * length, again, sums, count)
                finish(out, block, k, again, regs, history, rows, reach, sums, width, count)
        elif code == DERIVATIVE:
            shift = FRONT + exps[out] - exps[a]
            for block in range(regs[out, 2]):
                sums[:] = 0
                of = regs[a, 0] + (block * regs[a, 1] + (k + 1) % regs[a, 1]) * length
                for limb in range(count):
                    if 0 <= limb + shift <= FRONT + count:
                        for lane in range(LANES):
                            sums[(limb + shift) * LANES + lane] = (k + 1) * history[of + limb * LANES + lane]
                finish(out, block, k, FRONT, regs, history, rows, reach, sums, width, count)
        elif code in (INTEGRAL, TIMED_INTEGRAL) and k > 0:
            table = code - INTEGRAL
            start = beginning(exps[a] + tables[table, 1] - exps[out], count)
            for block in range(regs[out, 2]):
                sums[:] = 0
                of = regs[a, 0] + ((block if regs[a, 2] > 1 else 0) * regs[a, 1] + (k - 1) % regs[a, 1]) * length
                once(history, of, tables[table, 0] + k * length, start, sums, count)
                finish(out, block, k, start, regs, history, rows, reach, sums, width, count)


stage = numba.njit(cache=True)(_stage)
