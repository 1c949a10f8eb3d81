"""The velocity in C for several trajectories at a time: the loops of the export, with vectors of doubles in place of doubles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import prod

import sympy as sp

from ..emit.c import Kind, functions, helpers
from ..errors import Unsupported
from ..problem import size_value
from ..program import Program, Step
from .dop853 import NUMBERS

_KIND = Kind("lanes_t", "LANES_ZERO", "LANES_ZERO + {}", tile=4)
_NAMES = ("log", "exp", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "fabs", "sign")
_SHORT = 8  # numbers in a vector register
_RESERVED = frozenset(["lanes_t", "EXPORT", "field", "work_size", "int64_t", *(f"lanes_{name}" for name in (*_NAMES, "power"))])

# Compilers know the operations of vectors, and that a double beside one is meant for every lane; of functions they know nothing.
_VECTORS = """
typedef double lanes_t __attribute__((vector_size(8 * LANES), may_alias));
#define LANES_ZERO ((lanes_t){0.0})
#define EACH for (int l = 0; l < LANES; l++)
"""
_FUNCTION = """
static inline lanes_t lanes_{name}(lanes_t x)
{{
    EACH x[l] = {name}(x[l]);
    return x;
}}
#define {name}(x) lanes_{name}(LANES_ZERO + (x))
"""
_POWER = """
static inline lanes_t lanes_power(lanes_t x, lanes_t exponent)
{
    EACH x[l] = power(x[l], exponent[l]);
    return x;
}
#define power(x, exponent) lanes_power(LANES_ZERO + (x), LANES_ZERO + (exponent))
"""
_FIELD = """
EXPORT void field(const double *t, const double *y, double *slope, const double *const *still, const double *moving, double *work)
{{
    const {kind} *const state = (const {kind} *)y, *const own = (const {kind} *)moving;
    {kind} *const found = ({kind} *)slope;
    (void)state, (void)own, (void)still;
    velocity({arguments});
}}

EXPORT int64_t work_size(void)
{{
    return (int64_t)velocity_work({sizes}) * LANES;
}}
"""


@lru_cache(maxsize=64)
def source(program: Program, sizes: tuple[tuple[str, int], ...], varying: frozenset[str], lanes: int) -> str:
    """Let constants in `varying` differ from lane to lane: the translation unit of `field` for so many lanes.

    Sizes are numbers here, so that short loops are unrolled. Raises `Unsupported` where there is no such source.
    """
    for name in [*(v.name for v in program.variables), *(n.name for n in program.sizes), *(step.name for step in program.steps)]:
        if "__" in name:
            raise Unsupported(f"{name!r} has two underscores in a row, as the names of the source have; rename the variable")
    kind, lengths = Kind() if lanes == 1 else _KIND, dict(sizes)
    still = frozenset(v.name for v in program.inputs) - varying
    lines = functions(program, kind, _RESERVED, still)
    text = "\n".join(lines)
    parts = ["#include <math.h>\n#include <stddef.h>", *helpers(lines)]
    if lanes > 1:
        parts += [_VECTORS, *(_FUNCTION.format(name=name) for name in _NAMES if f"{name}(" in text), _POWER if "power(" in text else ""]
    given = ", ".join(str(lengths[size.name]) for size in program.sizes if f"const size_t {size}," in text or f"const size_t {size})" in text)
    arguments = [f"*(const {kind.name} *)t", *([given] if given else []), *_places(program, lengths, still), f"({kind.name} *)work"]
    return "\n".join([*parts, text, _FIELD.format(kind=kind.name, arguments=", ".join(arguments), sizes=given)])


def flags(program: Program, lengths: Iterable[int], lanes: int) -> tuple[str, ...]:
    """What the compiler is told beside for the velocity and the steps along it, where `lengths` are those of all loops.

    For a single state, rows shorter than a vector are faster number by number, as long as no entry has more to do than one row: what is written as
    vectors and numbers and read as others is waited for. Products of matrices have enough to do meanwhile.
    """
    short = lanes == 1 and max(lengths, default=1) < _SHORT and all(_loops(step) <= 2 for step in program.steps)
    return NUMBERS if short else ()


def _loops(step: Step) -> int:
    return len({index for index, _ in step.family.indices} | {bound for total in step.family.value.atoms(sp.Sum) for bound, *_ in total.limits})


def _places(program: Program, lengths: Mapping[str, int], still: frozenset[str]) -> list[str]:
    """Where the blocks, the constants and the results are, in the order of the arguments of `velocity`."""

    def length(shape: tuple[sp.Expr, ...]) -> int:
        return prod(size_value(each, lengths) for each in shape)

    blocks, results, constants = [], [], []
    at = own = shared = 0
    for block in program.parameters:
        blocks.append(f"state + {at}" if block.shape else f"state[{at}]")
        results.append(f"found + {at}")
        at += length(block.shape)
    for variable in program.inputs:
        if variable.name in still:
            constants.append(f"still[{shared}]" if variable.shape else f"*still[{shared}]")
            shared += 1
        else:
            constants.append(f"own + {own}" if variable.shape else f"own[{own}]")
            own += length(variable.shape)
    return [*blocks, *constants, *results]
