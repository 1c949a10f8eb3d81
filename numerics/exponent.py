"""An exponent read off a trajectory: evidence for how the gradient goes to zero with the loss, with an error bar, and no proof.

Along a gradient flow $\\dot F = -g^2$, with $g$ the norm of the gradient in the metric of the flow. Between two times the slope of $\\log g$
against $\\log(F - F_*)$ is formed; where $g \\sim c\\,(F - F_*)^\\theta$ on the trajectory, the slopes go to $\\theta$. This is the exponent on this
trajectory: a gradient inequality near its limit can have no smaller one, and may need a larger one elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, Literal

import sympy as sp
from mpmath import mp

from theory.lojasiewicz import metric_form

from .integrate.trajectory import Trajectory
from .observe import observe

KEPT = 8  # digits that a sample must have to be used
FEWEST = 6  # samples


class NotSettled(ValueError):
    """The trajectory does not show an exponent; the text says why."""


@dataclass(frozen=True)
class Estimate:
    """Let $\\theta$ be within `error` of `theta`, as far as the slopes of the last samples tell.

    `least` is how the least value was treated: given, or eliminated. `samples` of the trajectory had the digits to be used; the last is at `until`.
    """

    theta: Any
    error: Any
    least: Literal["given", "eliminated"]
    slopes: tuple[Any, ...]
    samples: int
    until: Fraction
    digits: int

    def contains(self, theta: Fraction | sp.Rational) -> bool:
        """Whether the exponent given is within the error bar."""
        return bool(abs(self.theta - mp.mpf(int(theta.numerator)) / int(theta.denominator)) <= self.error)

    def __str__(self) -> str:
        return f"{mp.nstr(self.theta, 8)} +- {mp.nstr(self.error, 2)}"


def geometric_times(first: Fraction | int, ratio: Fraction | int, count: int) -> tuple[Fraction, ...]:
    """0, and as many times as wanted, each the one before times the ratio: good for losses that fall like a power of time, and for others.

    >>> geometric_times(1, 2, 3)
    (Fraction(0, 1), Fraction(1, 1), Fraction(2, 1), Fraction(4, 1))
    """
    return (Fraction(0), *(Fraction(first) * Fraction(ratio) ** n for n in range(count)))


def estimate_exponent(trajectory: Trajectory, *, value: sp.Expr | None = None, least: Fraction | int | None = Fraction(0)) -> Estimate:
    """Let a trajectory of a gradient flow of $F$ be given at many digits: an estimate of $\\theta$ with an error bar.

    `value` is $F$, by default the loss of the setting; `least` the value $F_*$ that it goes to, 0 where a square loss can be zero. With `least`
    None it is eliminated: from three samples each, the $F_*$ for which both slopes agree.

    The last slopes are extrapolated by Aitken's method. The error bar is how far that moves the last slope, plus how far it moved from one slope
    to the next; if the slopes do not converge at a geometric rate, it is twice their spread in the second half.

    Raises `NotSettled` when fewer than six samples have eight digits or more, and when the loss does not go to `least`.
    """
    setting = trajectory.problem.setting
    loss = value if value is not None else setting["F"][()]
    rows = observe(trajectory, [loss, metric_form(setting)], digits=trajectory.digits + 10)
    with mp.workdps(trajectory.digits + 10):
        error = mp.mpf(10) ** -(trajectory.achieved or trajectory.digits)
        floor = None if least is None else mp.mpf(Fraction(least).numerator) / Fraction(least).denominator
        kept = _kept(rows, floor, error)
        if len(kept) < FEWEST:
            told = f"{len(kept)} of {len(rows)} samples have {KEPT} digits, and {FEWEST} are wanted"
            raise NotSettled(f"{told}: give more times, closer together, or ask for more digits")
        slopes = _slopes(kept, floor) if floor is not None else _without_least(kept)
        if slopes[-1] >= 1:
            told = f"the last slope is {mp.nstr(slopes[-1], 4)}, and exponents are below 1"
            raise NotSettled(f"{told}: the loss does not go to {least}; least=None eliminates the least value" if least is not None else told)
        theta, bar = _extrapolated(slopes)
        last = trajectory.times[len(kept) - 1]
        return Estimate(
            theta, bar + mp.mpf(10) ** -KEPT, "eliminated" if least is None else "given", tuple(slopes), len(kept), last, trajectory.digits
        )


def _kept(samples: Sequence[Sequence[Any]], floor: Any, error: Any) -> list[tuple[Any, Any]]:
    """The loss and the gradient, from the first sample on, as long as both have the digits."""
    found: list[tuple[Any, Any]] = []
    for f, square in samples:
        g = mp.sqrt(max(square, 0))
        above = f - floor if floor is not None else found[-1][0] - f if found else abs(f)
        lost = max(g * error, abs(f) * mp.eps)  # of the loss, which is as wrong as the state along the gradient; and of its own digits
        if above <= 0 or lost > above * mp.mpf(10) ** -KEPT or error > g * mp.mpf(10) ** -KEPT:
            break
        found.append((f, g))
    return found


def _slopes(samples: Sequence[tuple[Any, Any]], floor: Any) -> list[Any]:
    return [mp.log(g / g_) / mp.log((f - floor) / (f_ - floor)) for (f, g), (f_, g_) in pairwise(samples)]


def _without_least(samples: Sequence[tuple[Any, Any]]) -> list[Any]:
    found = []
    for first, second, third in zip(samples, samples[1:], samples[2:], strict=False):
        floor = _least((first, second, third))
        if floor is not None:
            found.append(_slopes((second, third), floor)[0])
        else:
            found.clear()  # not yet like a power
    if len(found) < FEWEST - 2:
        raise NotSettled("the loss and the gradient are not related like powers, whatever the least value: give later times")
    return found


def _least(three: Sequence[tuple[Any, Any]]) -> Any:
    """The least value for which two slopes agree: the ratio of the logarithms grows with it from that of the differences down to 0."""
    (f0, g0), (f1, g1), (f2, g2) = three
    if not g0 > g1 > g2:
        return None
    wanted = mp.log(g0 / g1) / mp.log(g1 / g2)

    def excess(e: Any) -> Any:
        above = mp.exp(e)
        return mp.log1p((f0 - f1) / (above + f1 - f2)) / mp.log1p((f1 - f2) / above) - wanted

    middle = mp.log(f1 - f2)
    low, high = middle - 3 * mp.dps, middle + 3 * mp.dps
    if excess(low) > 0 or excess(high) < 0:
        return None
    for _ in range(4 * mp.dps):
        centre = (low + high) / 2
        low, high = (centre, high) if excess(centre) < 0 else (low, centre)
    return f2 - mp.exp((low + high) / 2)


def _extrapolated(slopes: Sequence[Any]) -> tuple[Any, Any]:
    """The limit of the slopes, and the error bar."""
    tail = slopes[len(slopes) // 2 :]
    spread = 2 * (max(tail) - min(tail))
    first, second = _aitken(slopes[-4:-1]), _aitken(slopes[-3:])
    if first is None or second is None:
        return slopes[-1], spread
    return second, abs(second - slopes[-1]) + abs(second - first)


def _aitken(three: Sequence[Any]) -> Any:
    a, b, c = three
    earlier, later = b - a, c - b
    if abs(later) <= mp.mpf(10) ** (2 * KEPT - mp.dps):
        return c  # nothing left but rounding
    return c - later**2 / (later - earlier) if abs(later) < abs(earlier) else None
