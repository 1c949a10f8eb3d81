"""Eight series side by side: the three inner loops, written as LLVM vectors, for no compiler finds them in plain loops.

A limb of eight neighbouring components is eight int32 in a row. Products are taken in int64, exactly; the limbs of `Format` leave room for the sums.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 8
TILE = 2

_I64 = ir.IntType(64)
_LONG = ir.VectorType(_I64, LANES)
_SHORT = ir.VectorType(ir.IntType(32), LANES)


def _constant(value: int) -> Any:
    return ir.Constant(_I64, value)


def _cell(builder: Any, value: Any) -> Any:
    found: Any = getattr(cgutils, "alloca_once_value")(builder, value)  # noqa: B009, numba leaves it untyped
    return found


def _place(context: Any, builder: Any, kind: Any, array: Any, index: Any, vector: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), vector.as_pointer())


def _load(builder: Any, place: Any, bytes_: int) -> Any:
    found = builder.load(place)
    found.align = bytes_
    return found


def _store(builder: Any, value: Any, place: Any, bytes_: int) -> None:
    builder.store(value, place).align = bytes_


def _splat(builder: Any, value: Any, vector: Any) -> Any:
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


def _convolve(typing: Any, sums: Any, sums_at: Any, history: Any, a_at: Any, b_at: Any, a_step: Any, b_step: Any, count: Any) -> Any:
    """`sums[p + q] += a_j[p] * b_j[q]` for p, q < TILE, summed over j < count; a_j starts at `a_at + j a_step`, b_j likewise."""
    i = types.int64
    signature = types.void(sums, i, history, i, i, i, i, i)

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        sums, sums_at, history, a_at, b_at, a_step, b_step, count = arguments
        cells = [_cell(builder, ir.Constant(_LONG, [0] * LANES)) for _ in range(2 * TILE - 1)]
        with cgutils.for_range(builder, count, intp=_I64) as loop:
            limbs = []
            for start, step in ((a_at, a_step), (b_at, b_step)):
                at = builder.add(start, builder.mul(loop.index, step))
                places = [_place(context, builder, signature.args[2], history, builder.add(at, _constant(LANES * n)), _SHORT) for n in range(TILE)]
                limbs.append([builder.sext(_load(builder, place, 4), _LONG) for place in places])
            for p in range(TILE):
                for q in range(TILE):
                    builder.store(builder.add(builder.load(cells[p + q]), builder.mul(limbs[0][p], limbs[1][q])), cells[p + q])
        for n, cell in enumerate(cells):
            place = _place(context, builder, signature.args[0], sums, builder.add(sums_at, _constant(LANES * n)), _LONG)
            _store(builder, builder.add(_load(builder, place, 8), builder.load(cell)), place, 8)
        return context.get_dummy_value()

    return signature, code


def _settle(typing: Any, sums: Any, first: Any, last: Any, width: Any) -> Any:
    """Carry from limb `last` up to limb `first`, so that all but the first are balanced."""
    i = types.int64
    signature = types.void(sums, i, i, i)

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        sums, first, last, width = arguments
        carry = _cell(builder, ir.Constant(_LONG, [0] * LANES))
        shift = _splat(builder, width, _LONG)
        half = _splat(builder, builder.shl(_constant(1), builder.sub(width, _constant(1))), _LONG)
        with cgutils.for_range(builder, builder.sub(last, first), intp=_I64) as loop:
            at = builder.mul(builder.sub(last, loop.index), _constant(LANES))
            place = _place(context, builder, signature.args[0], sums, at, _LONG)
            value = builder.add(_load(builder, place, 8), builder.load(carry))
            up = builder.ashr(builder.add(value, half), shift)
            builder.store(up, carry)
            _store(builder, builder.sub(value, builder.shl(up, shift)), place, 8)
        place = _place(context, builder, signature.args[0], sums, builder.mul(first, _constant(LANES)), _LONG)
        _store(builder, builder.add(_load(builder, place, 8), builder.load(carry)), place, 8)
        return context.get_dummy_value()

    return signature, code


def _narrow(typing: Any, sums: Any, first: Any, history: Any, at: Any, count: Any) -> Any:
    """`count` limbs from limb `first` on, copied to `history[at:]` as int32."""
    i = types.int64
    signature = types.void(sums, i, history, i, i)

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        sums, first, history, at, count = arguments
        with cgutils.for_range(builder, count, intp=_I64) as loop:
            start = builder.mul(builder.add(first, loop.index), _constant(LANES))
            value = _load(builder, _place(context, builder, signature.args[0], sums, start, _LONG), 8)
            end = builder.add(at, builder.mul(loop.index, _constant(LANES)))
            _store(builder, builder.trunc(value, _SHORT), _place(context, builder, signature.args[2], history, end, _SHORT), 4)
        return context.get_dummy_value()

    return signature, code


def _combine(typing: Any, found: Any, found_at: Any, rows: Any, shift: Any, places: Any, factors: Any, first: Any, last: Any) -> Any:
    """`found[l] = sum over first <= t < last of factors[t] * rows[places[t] + shift + l]`, for eight neighbouring limbs l."""
    i = types.int64
    signature = types.void(found, i, rows, i, places, factors, i, i)

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        found, found_at, rows, shift, places, factors, first, last = arguments
        cell = _cell(builder, ir.Constant(_LONG, [0] * LANES))
        where = context.make_array(signature.args[4])(context, builder, places).data
        what = context.make_array(signature.args[5])(context, builder, factors).data
        with cgutils.for_range(builder, builder.sub(last, first), intp=_I64) as loop:
            t = builder.add(first, loop.index)
            at = builder.add(builder.load(builder.gep(where, [t])), shift)
            limbs = builder.sext(_load(builder, _place(context, builder, signature.args[2], rows, at, _SHORT), 4), _LONG)
            factor = builder.sext(_splat(builder, builder.load(builder.gep(what, [t])), _SHORT), _LONG)
            builder.store(builder.add(builder.load(cell), builder.mul(factor, limbs)), cell)
        _store(builder, builder.load(cell), _place(context, builder, signature.args[0], found, found_at, _LONG), 8)
        return context.get_dummy_value()

    return signature, code


# Numba's types describe the Python functions above, which take one argument more than what they make.
convolve: Any = intrinsic(_convolve)
settle: Any = intrinsic(_settle)
narrow: Any = intrinsic(_narrow)
combine: Any = intrinsic(_combine)
