"""Exact instances of the diagonal model, and what is claimed of where their flows end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction as Q
from typing import Literal

import sympy as sp

from ...settings import Instance, Setting, Values
from ...statements import AtLimit, AtMost, Ending, Part
from ...symbols import Indices, Variable, index, size, total

N = size("N")
i = index("i")

x = Variable("x", (N,), "constant", "nonnegative")  # the limit of the polar flow
g = Variable("g", (N,), "constant", "nonnegative")  # the limit of plain gradient flow from the same start
v = Variable("v", (N,), "constant", "real")  # numbers of the instance
rho = Variable("rho", (), "constant", "positive")
rate = Variable("rate", (), "constant", "positive")
slow = Variable("slow", (), "constant", "positive")


@dataclass(frozen=True)
class Posed:
    """The data of a flow on the diagonal model from one start."""

    matrix: tuple[tuple[Q, ...], ...]
    target: tuple[Q, ...]
    depth: Q
    kappa: Q | None
    start: Mapping[str, Values]

    def end(self, of: Literal["x", "rho", "rate"] = "x") -> Ending:
        return Ending(of, self.matrix, self.target, self.kappa, self.depth, self.start)

    def plain(self) -> Posed:
        """Plain gradient flow from the same start."""
        return replace(self, kappa=None)

    def with_ratio(self, kappa: Q) -> Posed:
        return replace(self, kappa=kappa)

    @property
    def width(self) -> int:
        return len(self.matrix[0])


def _rows(*rows: tuple[int | Q, ...]) -> tuple[tuple[Q, ...], ...]:
    return tuple(tuple(map(Q, row)) for row in rows)


I1 = Posed(_rows((1, 2, -1, 1), (2, -1, 1, 1)), (Q(3), Q(2)), Q(2), Q(1), {"r": Q(1), "u": (Q(1, 2),) * 4})
I2 = Posed(
    _rows((1, 0, 2, -1, 1), (0, 1, 1, 1, -1), (1, 1, 0, 1, 2)),
    (Q(4), Q(1, 2), Q(4)),
    Q(3),
    Q(1, 2),
    {"r": Q(5, 4), "u": (Q(1, 4), Q(1, 4), Q(1, 4), Q(1, 2), Q(3, 4))},
)
SPARSEST = tuple(map(Q, (0, 2, 4, 0, 0, 0)))  # the solution of least norm of S1


def S1(scale: Q | int, kappa: Q | int | None, depth: int = 2) -> Posed:
    """Three equations in six unknowns with the strict solution of least norm (0, 2, 4, 0, 0, 0), from equal weights with |w_0|^2 = scale."""
    matrix = _rows((-1, 1, 1, 2, 2, 0), (0, 1, -2, 1, 2, 0), (1, 2, 0, -2, 1, 1))
    ratio = None if kappa is None else Q(kappa)
    return Posed(matrix, (Q(6), Q(-6), Q(4)), Q(depth), ratio, {"w^2": (Q(scale) / 6,) * 6})


def threshold(scale: Q) -> Posed:
    """x_1 - 2 x_2 = 1 from equal weights with |w_0|^2 = scale, kappa = 1."""
    return Posed(_rows((1, -2)), (Q(1),), Q(2), Q(1), {"w^2": (scale / 2, scale / 2)})


def row(weights: tuple[int, ...], target: int, kappa: Q, u: tuple[Q, ...], r: Q = Q(2)) -> Posed:
    """One equation, L = 2."""
    return Posed(_rows(weights), (Q(target),), Q(2), kappa, {"r": r, "u": u})


# ---- claims ------------------------------------------------------------------------------------------------------------------------------------


def at_most(
    label: str, left: sp.Expr, right: sp.Expr, data: Mapping[str, Values] | None = None, *, strict: bool = False, each: Indices = (), **ends: Ending
) -> Part:
    """left <= right, for all values of the indices; the names of `ends` are what flows end at."""
    known = {variable.name: variable for variable in (x, g, v, rho, rate, slow)}
    given = dict(data or {})
    entries = next((len(end.matrix[0]) for end in ends.values() if end.of == "x"), None)
    sizes = {"N": entries} if entries else {}
    setting = Setting(tuple(known[name] for name in (*ends, *given)), instances=(Instance(sizes),))
    return Part(setting, AtLimit(AtMost(left, right, each, strict), ends, given), label)


def within(label: str, value: sp.Expr, printed: str, data: Mapping[str, Values] | None = None, **ends: Ending) -> Part:
    """The value rounds to what is printed: it is off by at most half a unit of the last digit."""
    mantissa, _, exponent = printed.partition("e")
    unit = Q(10) ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    off = sp.Abs(value - sp.Rational(Q(printed)))
    return at_most(label, off, sp.Rational(unit) / 2, data, strict=False, each=(), **ends)


def norm(of: Variable) -> sp.Expr:
    """The l1 norm, of entries that are not negative."""
    return total(of[i], (i, N))


def distance(of: Variable) -> sp.Expr:
    """|x - v|_2."""
    return sp.sqrt(total((of[i] - v[i]) ** 2, (i, N)))
