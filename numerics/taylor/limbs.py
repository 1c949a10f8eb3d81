"""Numbers in fixed point, cut into limbs: how wide a limb is, how many there are, and the way to integers and back."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log2
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Format:
    """Let $B = 2^{\\mathrm{width}}$: a number of exponent e is $B^e \\sum_{l < \\mathrm{count}} x_l B^{-l-1}$ with $|x_l| \\le B/2$ for $l > 0$.

    The leading limb may be four times as large, so that what is between 1 and 4 needs no limb more.
    """

    width: int
    count: int

    def whole(self, limbs: NDArray[Any]) -> list[int]:
        """Limbs along the last axis: the integers $x B^{\\mathrm{count} - e}$, as a list."""
        total = np.zeros(limbs.shape[:-1], dtype=object)
        for n in range(limbs.shape[-1]):
            total = (total << self.width) + limbs[..., n].astype(object)
        return list(total.reshape(-1))

    def limbs(self, wholes: list[int]) -> NDArray[np.int64]:
        """Integers as balanced limbs, one row each."""
        left = np.array([*wholes, 0], dtype=object)[:-1]
        found = np.zeros((len(wholes), self.count), dtype=np.int64)
        half, mask = 1 << (self.width - 1), (1 << self.width) - 1
        for n in range(self.count - 1, 0, -1):
            low = ((left + half) & mask) - half
            found[:, n] = low.astype(np.int64)
            left = (left - low) >> self.width
        if any(abs(int(entry)) > 4 << self.width for entry in left):
            raise OverflowError("a number is larger than its exponent allows")
        found[:, 0] = left.astype(np.int64)
        return found


def fitting(bits: int, *, order: int, longest: int) -> Format:
    """The format with at least `bits` bits in which no sum of limb products overflows 64 bits.

    A Cauchy product adds up to (order + 1) count products of limbs below B/2; a row of a linear map has up to `longest` products of a limb with one
    that may be a leading one, below 4 B. Both must stay below $2^{62}$, half of what there is: the carry comes on top.
    """
    for width in range(28, 19, -1):
        # An even count, for the kernel multiplies limbs two by two.
        count = 2 * ceil(bits / (2 * width))
        sums = max(2 * (width - 1) + log2((order + 1) * count * 1.5), 2 * width + 1 + log2(max(1, longest)))
        if floor(sums) < 62:
            return Format(width, count)
    raise OverflowError(f"{bits} bits at order {order} with rows of {longest} entries do not fit into sums of 64 bits")
