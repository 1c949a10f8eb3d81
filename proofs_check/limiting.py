"""The producer of certificates about limits: multipliers from `numerics.limit`, a box around them, and a reason why the flow stays or falls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, log2
from time import perf_counter
from typing import Any, Literal

from flint import arb, fmpq

from numerics.exact import rational
from numerics.limit import Face, Multipliers, Polar, face, multipliers

from .kernel import FORMAT, check, stays
from .kernel import leaf as leaves
from .kernel import limit as limits
from .kernel.language import Rejected
from .kernel.points import precision

SPARE = 32  # bits beyond the digits asked for
HALVINGS = 200
MORE_BITS = (1, 2, 4, 8)
WIDER = 4  # half-widths of the box over the bounds of Newton's step


@dataclass(frozen=True)
class Limit:
    """Where the polar flow ends: it converges to $x$, within `within` in every coordinate, or it collapses to 0.

    `certificate` is what the kernel accepted, and `text` what it said.

    When the outcome is unknown, `reason` says why, and `x` is the point of the leaf with $Ax = y$ if one was found: the limit unless the flow
    collapses. `rho` is the effective initialisation, within `within_rho`.
    """

    polar: Polar
    outcome: Literal["converges", "collapses", "unknown"]
    text: str = ""
    reason: str = ""
    certificate: Mapping[str, Any] | None = None
    x: tuple[Fraction, ...] = ()
    within: Fraction | None = None
    rho: Fraction | None = None
    within_rho: Fraction | None = None
    seconds: float = field(default=0.0, compare=False)


def limit(polar: Polar, *, digits: int = 35, solution: Sequence[Any] | None = None, bias: tuple[Sequence[Any], Sequence[Any]] | None = None) -> Limit:
    """Let the data of a polar flow be given: its limit to `digits` digits with a certificate, or that it collapses, or why neither is known.

    `solution` is a $z \\ge 0$ with $Az = y$ whose divergence may show that the flow does not collapse; without it the limit itself is tried.
    `bias` is a solution of least norm with the dual vector that shows it is one, when the certificate is to bound the excess of $\\|x_\\infty\\|_1$.

    Raises `ValueError` when the kernel does not accept what `bias` or `solution` claim.
    """
    clock = perf_counter()
    base = {"format": FORMAT, "kind": "limit", **_plain(polar)}

    def done(outcome: Literal["converges", "collapses", "unknown"], **more: Any) -> Limit:
        return Limit(polar, outcome, seconds=perf_counter() - clock, **more)

    given = leaves.read_polar(base)
    fallen = _fall(base, given)
    if fallen is not None:
        return done("collapses", certificate=fallen, text=check(fallen).text)
    where = face(polar)
    if where is None:
        return done("unknown", reason="no z >= 0 with A z = y was found, and only limits with A x = y are certified")
    found = _enclosed(polar, given, base, where, digits)
    if isinstance(found, str):
        return done("unknown", reason=found)
    certificate, near = found
    kept: dict[str, Any] = {"x": near.x, "within": Fraction(certificate["within"])}
    with precision(certificate["bits"]):
        start = leaves.leaf(given)
        point, x = limits.enclosed(given, start, certificate)
        rho = limits.magnification(start, point)
        kept["rho"], kept["within_rho"] = _middle(rho), _above(rho.rad() * 2)
        certificate["rho"] = {"value": str(kept["rho"]), "within": str(kept["within_rho"])}
        certificate["bias"] = _bias(given, start, x, bias)
        reason = _stay(given, start, x, solution)
    if reason is None:
        return done(
            "unknown", reason="neither a collapse nor its absence is certified; the point found is the limit unless the flow collapses", **kept
        )
    certificate |= {"reason": reason}
    return done("converges", certificate=certificate, text=check(certificate).text, **kept)


def _plain(polar: Polar) -> dict[str, Any]:
    return {
        "kappa": str(polar.kappa),
        "depth": str(polar.depth),
        "matrix": [list(map(str, row)) for row in polar.matrix],
        "target": list(map(str, polar.target)),
        "start": {"exponent": str(polar.exponent), "values": list(map(str, polar.values))},
    }


# ---- the point ---------------------------------------------------------------------------------------------------------------------------------


def _enclosed(polar: Polar, given: leaves.Polar, base: Mapping[str, Any], where: Face, digits: int) -> tuple[dict[str, Any], Multipliers] | str:
    """The certificate so far, with a box that the kernel maps into itself and that gives the digits; or why there is none."""
    wanted = Fraction(1, 10**digits)
    least = ceil(digits * log2(10)) + SPARE
    reason = "no multipliers were found: the limit is too near the boundary of its face for the bits tried"
    near: Multipliers | None = None
    for bits in (least * factor for factor in MORE_BITS):
        found = multipliers(polar, where, bits=bits, guess=near)
        if found is None:
            continue
        near = found
        certificate = {
            **base,
            "outcome": "convergence",
            "bits": bits,
            "support": list(where.support),
            "normal": list(map(str, where.normal)),
            "rows": list(where.rows),
            "centre": list(map(str, near.values)),
            "limit": list(map(str, near.x)),
        }
        with precision(bits):
            start = leaves.leaf(given)
            try:
                _, step = limits.read_face(given, start, certificate).step()
                certificate["half_widths"] = [str(max(_above(entry * WIDER), Fraction(1, 2**bits))) for entry in step]
                _, x = limits.enclosed(given, start, certificate)
            except Rejected as error:
                reason = str(error)
                continue
            within = max(_above(arb((entry - _exact(v)).abs_upper())) for entry, v in zip(x, near.x, strict=True))
        if within <= wanted:
            return {**certificate, "within": str(within)}, near
        reason = f"the point is only known within {float(within):.3g}"
    return reason


# ---- whether it gets there ---------------------------------------------------------------------------------------------------------------------


def _stay(given: leaves.Polar, start: leaves.Leaf, x: Sequence[arb], solution: Sequence[Any] | None) -> dict[str, Any] | None:
    """The first reason against a collapse that the kernel accepts."""
    if solution is not None:
        told: dict[str, Any] = {"by": "divergence", "solution": [str(rational(entry, "solution")) for entry in solution]}
        try:
            stays.by_divergence(given, start, told, x)
        except Rejected as error:
            raise ValueError(f"the solution given shows nothing: {error}") from error
        return told
    for reason in _reasons(given, start):
        try:
            stays.STAYS[reason["by"]](given, start, reason, x)
        except Rejected:
            continue
        return reason
    return None


def _reasons(given: leaves.Polar, start: leaves.Leaf) -> Iterator[dict[str, Any]]:
    yield {"by": "loss"}
    partner = _partners(given)
    if partner is not None:
        yield {"by": "pairs", "partner": partner}
    yield {"by": "divergence", "solution": "limit"}
    if len(given.matrix) == 1 and given.target[0] != 0:
        yield {"by": "one row", "between": None}
        between = _bracket(_slope_on_row(given, start), Fraction(2))
        if between is not None:
            yield {"by": "one row", "between": list(map(str, between))}


def _partners(given: leaves.Polar) -> list[int] | None:
    """For every column the number of its opposite with the same weight."""
    free: dict[Any, list[int]] = {}
    partner: dict[int, int] = {}
    for n, column in enumerate(given.columns):
        key = (given.values[n], tuple(map(str, column)))
        opposite = (given.values[n], tuple(str(-a) for a in column))
        if all(a == 0 for a in column):
            partner[n] = n
        elif free.get(opposite):
            other = free[opposite].pop()
            partner[n], partner[other] = other, n
        else:
            free.setdefault(key, []).append(n)
    return [partner[n] for n in range(len(given.values))] if len(partner) == len(given.values) else None


def _fall(base: Mapping[str, Any], given: leaves.Polar) -> dict[str, Any] | None:
    """A certificate that the flow collapses, if there is one: where |omega|^2 is least, it is below 1."""
    bits = 128
    reasons = []
    with precision(bits):
        start = leaves.leaf(given)
        if len(given.matrix) == 1 and given.target[0] != 0:
            between = _bracket(_slope_on_row(given, start), Fraction(1))
            if between is not None and between[0] > 0:
                reasons.append({"by": "one row", "multiplier": str(between[0])})
        between = _bracket(_slope_compared(given, start), Fraction(1))
        if between is not None and between[0] > 0:
            reasons.append({"by": "comparison", "clock": str(between[0])})
    for reason in reasons:
        certificate = {**base, "outcome": "collapse", "bits": bits, "reason": reason}
        try:
            check(certificate)
        except Rejected:
            continue
        return certificate
    return None


Slope = Callable[[Fraction], arb | None]  # the derivative of a convex function; None outside its domain


def _slope_on_row(given: leaves.Polar, start: leaves.Leaf) -> Slope:
    row = [a if given.target[0] > 0 else -a for a in given.matrix[0]]

    def slope(place: Fraction) -> arb | None:
        try:
            return stays.along(start, row, _flint(place))[1]
        except Rejected:
            return None

    return slope


def _slope_compared(given: leaves.Polar, start: leaves.Leaf) -> Slope:
    rates = stays.fastest(given, start)

    def slope(place: Fraction) -> arb | None:
        try:
            squares, _ = start.norm([arb(_flint(place)) * rate for rate in rates])
        except Rejected:
            return None
        powers = squares if start.two else [square ** (start.depth / 2) for square in squares]
        return sum((rate * value for rate, value in zip(rates, powers, strict=True)), arb(0))

    return slope


def _bracket(slope: Slope, scale: Fraction) -> tuple[Fraction, Fraction] | None:
    """Two places, near each other, between which a convex function is least; None if none were found on the way to either side."""
    first = slope(Fraction(0))
    if first is None or not (first < 0 or first > 0):
        return None
    side = 1 if first < 0 else -1
    low, step, high = Fraction(0), scale / 1024, None
    for _ in range(HALVINGS):
        place = low + side * step
        value = slope(place)
        if value is None:
            step /= 2
            if step < abs(low) / 2**60 + Fraction(1, 2**80):
                return None
            continue
        if value * side > 0:
            high = place
            break
        if not value * side < 0:
            return None
        low, step = place, 2 * step
    if high is None:
        return None
    for _ in range(HALVINGS):
        middle = _few_bits((low + high) / 2)
        value = slope(middle)
        if middle in (low, high) or value is None or not (value < 0 or value > 0):
            break
        low, high = (middle, high) if value * side < 0 else (low, middle)
    return (low, high) if low < high else (high, low)


# ---- the bias ----------------------------------------------------------------------------------------------------------------------------------


def _bias(given: leaves.Polar, start: leaves.Leaf, x: Sequence[arb], shown: tuple[Sequence[Any], Sequence[Any]] | None) -> dict[str, Any] | None:
    if shown is None:
        return None
    solution, dual = ([rational(entry, "bias") for entry in part] for part in shown)
    node: dict[str, Any] = {"solution": list(map(str, solution)), "dual": list(map(str, dual)), "bound": None}
    node["excess"] = str(_above(sum(x, arb(0)) - _exact(sum(solution, Fraction(0)))))
    try:
        node["bound"] = str(_above(limits.allowance(given, start, [_flint(value) for value in solution])))
    except Rejected:
        node["bound"] = None
    try:
        limits.bias(given, start, x, node)
    except Rejected as error:
        raise ValueError(f"the solution of least norm shows nothing: {error}") from error
    return node


# ---- numbers -----------------------------------------------------------------------------------------------------------------------------------


def _flint(value: Fraction) -> fmpq:
    return fmpq(value.numerator, value.denominator)


def _exact(value: Fraction) -> arb:
    return arb(_flint(value))


def _middle(value: arb) -> Fraction:
    mantissa, exponent = value.mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def _above(value: arb) -> Fraction:
    """A little more than the upper end, with few bits."""
    upper = _middle(arb(value.upper()))
    if upper == 0:
        return Fraction(0)
    unit = Fraction(2) ** (abs(upper.numerator).bit_length() - upper.denominator.bit_length() - 16)
    return (upper // unit + 1) * unit


def _few_bits(value: Fraction) -> Fraction:
    """Nearby, with at most 200 bits."""
    return value if value.denominator.bit_length() <= 200 else Fraction(round(value * 2**200), 2**200)
