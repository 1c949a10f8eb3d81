"""Functions of a power series, each by the differential equation it solves along its argument.

With $a'$ the derivative of the argument by $\\tau$: $\\exp' = \\exp \\cdot a'$, $\\log' = a'/a$, $\\tan' = (1 + \\tan^2)a'$, and so on. Products and
quotients of series are all they take.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from .recorder import Recorder
from .tape import Register
from .views import Value, View, single

Recurrence = Callable[[Recorder, Register], Register]


def real_power(to: Recorder, a: Register, exponent: Fraction) -> Register:
    """$c' = p\\,c\\,a'/a$."""
    slope = to.whole(to.quotient(to.derivative(a), a))
    c = to.begun(a, "power", exponent)
    return to.integrated(c, to.scaled(to.product(slope, to.whole(c), (a.size,)), single(exponent)))


def _exp(to: Recorder, a: Register) -> Register:
    c = to.begun(a, "exp")
    return to.integrated(c, to.product(to.whole(to.derivative(a)), to.whole(c), (a.size,)))


def _log(to: Recorder, a: Register) -> Register:
    return to.integrated(to.begun(a, "log"), to.whole(to.quotient(to.derivative(a), a)))


def _sqrt(to: Recorder, a: Register) -> Register:
    c = to.begun(a, "sqrt")
    return to.integrated(c, to.whole(to.quotient(to.derivative(a), c), None, Fraction(1, 2)))


def _pair(name: str, other: str, sign: int, other_sign: int) -> Recurrence:
    """$c' = \\pm s\\,a'$ and $s' = \\pm c\\,a'$, the two made together."""

    def recurrence(to: Recorder, a: Register) -> Register:
        slope = to.whole(to.derivative(a))
        c, s = to.begun(a, name), to.begun(a, other)
        slopes = [to.scaled(to.product(slope, to.whole(x), (a.size,)), single(y)) for x, y in ((s, sign), (c, other_sign))]
        to.known["function", other, a] = to.integrated(s, slopes[1])
        return to.integrated(c, slopes[0])

    return recurrence


def _tangent(name: str, sign: int) -> Recurrence:
    """$c' = (1 \\pm c^2)a'$."""

    def recurrence(to: Recorder, a: Register) -> Register:
        c, factor = to.begun(a, name), to.register(a.size)
        # The product takes the factor up to order k - 1 and gives c of order k: so the factor is defined after it.
        to.integrated(c, to.product(to.whole(to.derivative(a)), to.whole(factor), (a.size,)))
        to.define(factor, _one_plus(to, c, 1, sign))
        return c

    return recurrence


def _inverse(name: str, one: int, square: int, *, root: bool, sign: int = 1) -> Recurrence:
    """$c' = \\pm a'/(\\pm 1 \\pm a^2)$, or over the root of that."""

    def recurrence(to: Recorder, a: Register) -> Register:
        below = to.settled(_one_plus(to, a, one, square), (a.size,))
        below = RECURRENCES["sqrt"](to, below) if root else below
        return to.integrated(to.begun(a, name), to.whole(to.quotient(to.derivative(a), below), None, Fraction(sign)))

    return recurrence


def _one_plus(to: Recorder, a: Register, one: int, square: int) -> Value:
    squared: View = to.product(to.whole(a), to.whole(a), (a.size,))
    return to.added([single(one), to.scaled(squared, single(square))], (a.size,))


def _remembered(name: str, recurrence: Recurrence) -> Recurrence:
    return lambda to, a: to.once(("function", name, a), lambda: recurrence(to, a))


_ALL: Mapping[str, Recurrence] = {
    "exp": _exp,
    "log": _log,
    "sqrt": _sqrt,
    "sin": _pair("sin", "cos", 1, -1),
    "cos": _pair("cos", "sin", -1, 1),
    "sinh": _pair("sinh", "cosh", 1, 1),
    "cosh": _pair("cosh", "sinh", 1, 1),
    "tan": _tangent("tan", 1),
    "tanh": _tangent("tanh", -1),
    "asin": _inverse("asin", 1, -1, root=True),
    "acos": _inverse("acos", 1, -1, root=True, sign=-1),
    "atan": _inverse("atan", 1, 1, root=False),
    "asinh": _inverse("asinh", 1, 1, root=True),
    "acosh": _inverse("acosh", -1, 1, root=True),
    "atanh": _inverse("atanh", 1, -1, root=False),
}
RECURRENCES: Mapping[str, Recurrence] = {name: _remembered(name, recurrence) for name, recurrence in _ALL.items()}
