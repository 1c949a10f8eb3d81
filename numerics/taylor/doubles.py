"""The tape in double precision: how large every coefficient is, before the digits are worked out."""

from __future__ import annotations

from typing import Any

import numba

from .codes import DERIVATIVE, INTEGRAL, LINEAR, PRODUCT, QUOTIENT, TIMED_INTEGRAL


def _stage(order: int, ops: Any, sizes: Any, bases: Any, step: float, pointers: Any, dense: Any, columns: Any, factors: Any, series: Any) -> None:
    for n in range(ops.shape[0]):
        code, out, a, b, lag, first = ops[n, 0], ops[n, 1], ops[n, 2], ops[n, 3], ops[n, 5], ops[n, 6]
        k = order - lag
        if k < 0:
            continue
        size, at = sizes[out], bases[out]
        if code == LINEAR:
            for i in range(size):
                total = 0.0
                begin, end = pointers[first + i], pointers[first + i + 1]
                if dense[first + i]:
                    known, what = series[k, columns[begin] : columns[begin] + end - begin], factors[begin:end]
                    for t in range(end - begin):
                        total += what[t] * known[t]
                else:
                    for t in range(begin, end):
                        total += factors[t] * series[k, columns[t]]
                series[k, at + i] = total
        elif code == PRODUCT:
            p, q = bases[a], bases[b]
            found = series[k, at : at + size]
            found[:] = 0.0
            for j in range(k + 1):
                left = series[j, p : p + size]
                if sizes[b] == 1:
                    scalar = series[k - j, q]
                    for i in range(size):
                        found[i] += left[i] * scalar
                else:
                    right = series[k - j, q : q + size]
                    for i in range(size):
                        found[i] += left[i] * right[i]
        elif code == QUOTIENT:
            p, q, above = bases[a], bases[b], 1 if sizes[a] > 1 else 0
            for i in range(size):
                total = series[k, p + above * i]
                for j in range(1, k + 1):
                    total -= series[j, q + i] * series[k - j, at + i]
                series[k, at + i] = total / series[0, q + i]
        elif code == DERIVATIVE:
            for i in range(size):
                series[k, at + i] = (k + 1) * series[k + 1, bases[a] + i]
        elif code in (INTEGRAL, TIMED_INTEGRAL) and k > 0:
            scale = (step if code == TIMED_INTEGRAL else 1.0) / k
            for i in range(size):
                series[k, at + i] = scale * series[k - 1, bases[a] + i]


# An integral of a register of lag 1 is of order k when that is of order k - 1: it has no lag of its own.
stage = numba.njit(cache=True, error_model="numpy", fastmath={"reassoc", "contract"})(_stage)
