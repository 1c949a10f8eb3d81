"""The producer of certificates about limits: multipliers and a box around them, a reason why the flow stays or falls, and rates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, log2
from time import perf_counter
from typing import Any, Literal

from flint import arb

from numerics.exact import rational
from numerics.limit import Face, Multipliers, Polar, face, least, multipliers, positive, separating

from .balls import above, exact, flint, middle
from .kernel import FORMAT, check, stays
from .kernel import leaf as leaves
from .kernel import limit as limits
from .kernel.language import Rejected
from .kernel.points import precision
from .rates import in_the_end, throughout

BITS = 128  # where no digits are asked for
SPARE = 32  # bits beyond the digits asked for
HALVINGS = 200
MORE_BITS = (1, 2, 4, 8)
WIDER = 4  # half-widths of the box over the bounds of Newton's step


Outcome = Literal["converges", "collapses", "no solution", "unknown"]


@dataclass(frozen=True)
class Limit:
    """Where the polar flow, or plain gradient flow, ends: it converges to $x$, within `within` in every coordinate, or it collapses to 0.

    `certificate` is what the kernel accepted, and `text` what it said. `rho` is the effective initialisation, within `within_rho`. `rate` and
    `steady` say that $F(t) \\le C e^{-\\mathrm{rate}\\,t}$ for some $C$, and $F(t) \\le F(0) e^{-\\mathrm{steady}\\,t}$, in times with $\\eta_r = 1$;
    `excess` bounds $\\|x\\|_1 - Q$, where $Q$ is the least norm of a solution, and `allowed` is what the theorem on the bias bounds it by.

    Without a solution $z \\ge 0$ of $Az = y$ the loss does not tend to 0, and no more is said. When the outcome is unknown, `reason` says why, and
    `x` is the point of the leaf with $Ax = y$ if one was found: the limit unless the flow collapses.
    """

    polar: Polar
    outcome: Outcome
    text: str = ""
    reason: str = ""
    certificate: Mapping[str, Any] | None = None
    x: tuple[Fraction, ...] = ()
    within: Fraction | None = None
    rho: Fraction | None = None
    within_rho: Fraction | None = None
    rate: Fraction | None = None
    steady: Fraction | None = None
    least: Fraction | None = None
    excess: Fraction | None = None
    allowed: Fraction | None = None
    seconds: float = field(default=0.0, compare=False)


def limit(
    polar: Polar,
    *,
    digits: int = 35,
    solution: Sequence[Any] | None = None,
    bias: tuple[Sequence[Any], Sequence[Any]] | None = None,
    rest: Callable[[], Mapping[str, Any] | None] | None = None,
) -> Limit:
    """Let the data of a polar flow be given: its limit to `digits` digits with a certificate, or that it collapses, or why neither is known.

    `solution` is a $z \\ge 0$ with $Az = y$ whose divergence may show that the flow does not collapse; without it the limit itself is tried.
    `bias` is a solution of least norm with the dual vector that shows it is one; without it linear programming looks for them.
    `rest` is asked for a last reason against a collapse, one that costs an integration, where no inequality decides.

    Raises `ValueError` when the kernel does not accept what `bias` or `solution` claim.
    """
    clock = perf_counter()
    base = {"format": FORMAT, "kind": "limit", **_plain(polar)}

    def done(outcome: Outcome, **more: Any) -> Limit:
        return Limit(polar, outcome, seconds=perf_counter() - clock, **more)

    given = leaves.read_polar(base)
    fallen = _fall(base, polar, given)
    if fallen is not None:
        return done("collapses", certificate=fallen, text=check(fallen).text)
    where = face(polar)
    if where is None:
        normal = separating(polar)
        if normal is None:
            return done("unknown", reason="neither a z >= 0 with A z = y was found, nor what shows that there is none")
        certificate = {**base, "outcome": "no solution", "bits": BITS, "normal": list(map(str, normal))}
        return done("no solution", certificate=certificate, text=check(certificate).text)
    if not where.rows:
        return done("unknown", reason="A is 0 where solutions of A z = y can be positive, and no certificate says where x tends to then")
    found = _enclosed(polar, given, base, where, digits)
    if isinstance(found, str):
        return done("unknown", reason=found)
    certificate, near = found
    kept: dict[str, Any] = {"x": near.x, "within": Fraction(certificate["within"])}
    with precision(certificate["bits"]):
        start = leaves.leaf(given)
        point, x = limits.enclosed(given, start, certificate)
        certificate["rho"] = None
        if polar.kappa is not None:
            rho = limits.magnification(start, point)
            kept["rho"], kept["within_rho"] = middle(rho), above(rho.rad() * 2)
            certificate["rho"] = {"value": str(kept["rho"]), "within": str(kept["within_rho"])}
        certificate["bias"] = _bias(given, start, x, bias, least(polar))
        reason = _stay(given, start, x, solution, rest)
        certificate["rate"] = in_the_end(given, certificate["rows"], start, point, digits)
        certificate["trap"] = throughout(given, certificate["rows"], start, point)
    for name, node, key in (("rate", "rate", "value"), ("steady", "trap", "rate"), ("excess", "bias", "excess"), ("allowed", "bias", "bound")):
        if certificate[node] is not None and certificate[node][key] is not None:
            kept[name] = Fraction(certificate[node][key])
    if "rate" in kept:
        kept["rate"] -= Fraction(certificate["rate"]["within"])
    if certificate["bias"] is not None:
        kept["least"] = sum(map(Fraction, certificate["bias"]["solution"]), Fraction(0))
    if reason is None:
        kept = {name: kept[name] for name in ("x", "within", "rho", "within_rho")}
        words = "neither a collapse nor its absence is certified; the point found is the limit unless the flow collapses"
        bare = {name: node for name, node in certificate.items() if name not in ("rho", "bias", "rate", "trap")} | {"outcome": "either"}
        return done("unknown", certificate=bare, text=check(bare).text, reason=words, **kept)
    certificate |= {"reason": reason}
    return done("converges", certificate=certificate, text=check(certificate).text, **kept)


def _plain(polar: Polar) -> dict[str, Any]:
    return {
        "kappa": None if polar.kappa is None else str(polar.kappa),
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
                certificate["half_widths"] = [str(max(above(entry * WIDER), Fraction(1, 2**bits))) for entry in step]
                _, x = limits.enclosed(given, start, certificate)
            except Rejected as error:
                reason = str(error)
                continue
            within = max(above(arb((entry - exact(v)).abs_upper())) for entry, v in zip(x, near.x, strict=True))
        if within <= wanted:
            return {**certificate, "within": str(within)}, near
        reason = f"the point is only known within {float(within):.3g}"
    return reason


# ---- whether it gets there ---------------------------------------------------------------------------------------------------------------------


def _stay(
    given: leaves.Polar,
    start: leaves.Leaf,
    x: Sequence[arb],
    solution: Sequence[Any] | None,
    rest: Callable[[], Mapping[str, Any] | None] | None,
) -> dict[str, Any] | None:
    """The first reason against a collapse that the kernel accepts."""
    if given.kappa is None:
        return {"by": "plain"}
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
    found = rest() if rest is not None else None
    return None if found is None else dict(found)


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


def _fall(base: Mapping[str, Any], polar: Polar, given: leaves.Polar) -> dict[str, Any] | None:
    """A certificate that the flow collapses, if there is one: y = 0, or where |omega|^2 is least, it is below 1."""
    reasons: list[dict[str, Any]] = []
    if not any(polar.target):
        normal = positive(polar)
        if normal is not None:
            reasons.append({"by": "no target", "normal": list(map(str, normal))})
    if polar.kappa is not None:
        reasons += _falling(given)
    for reason in reasons:
        certificate = {**base, "outcome": "collapse", "bits": BITS, "reason": reason}
        try:
            check(certificate)
        except Rejected:
            continue
        return certificate
    return None


def _falling(given: leaves.Polar) -> list[dict[str, Any]]:
    reasons: list[dict[str, Any]] = []
    with precision(BITS):
        start = leaves.leaf(given)
        if len(given.matrix) == 1 and given.target[0] != 0:
            between = _bracket(_slope_on_row(given, start), Fraction(1))
            if between is not None and between[0] > 0:
                reasons.append({"by": "one row", "multiplier": str(between[0])})
        between = _bracket(_slope_compared(given, start), Fraction(1))
        if between is not None and between[0] > 0:
            reasons.append({"by": "comparison", "clock": str(between[0])})
    return reasons


Slope = Callable[[Fraction], arb | None]  # the derivative of a convex function; None outside its domain


def _slope_on_row(given: leaves.Polar, start: leaves.Leaf) -> Slope:
    row = [a if given.target[0] > 0 else -a for a in given.matrix[0]]

    def slope(place: Fraction) -> arb | None:
        try:
            return stays.along(start, row, flint(place))[1]
        except Rejected:
            return None

    return slope


def _slope_compared(given: leaves.Polar, start: leaves.Leaf) -> Slope:
    rates = stays.fastest(given, start)

    def slope(place: Fraction) -> arb | None:
        try:
            squares, _ = start.norm([arb(flint(place)) * rate for rate in rates])
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
        place = _few_bits((low + high) / 2)
        value = slope(place)
        if place in (low, high) or value is None or not (value < 0 or value > 0):
            break
        low, high = (place, high) if value * side < 0 else (low, place)
    return (low, high) if low < high else (high, low)


# ---- the bias ----------------------------------------------------------------------------------------------------------------------------------


Shown = tuple[Sequence[Any], Sequence[Any]]


def _bias(given: leaves.Polar, start: leaves.Leaf, x: Sequence[arb], shown: Shown | None, found: Shown | None) -> dict[str, Any] | None:
    """What the norm of the limit exceeds the least norm by, with what is shown by the user or was found."""
    if shown is None and found is None:
        return None
    solution, dual = ([rational(entry, "bias") for entry in part] for part in shown or found or ())
    node: dict[str, Any] = {"solution": list(map(str, solution)), "dual": list(map(str, dual)), "bound": None}
    node["excess"] = str(above(sum(x, arb(0)) - exact(sum(solution, Fraction(0)))))
    try:
        node["bound"] = str(above(limits.allowance(given, start, [flint(value) for value in solution])))
    except Rejected:
        node["bound"] = None
    try:
        limits.bias(given, start, x, node)
    except Rejected as error:
        if shown is None:
            return None
        raise ValueError(f"the solution of least norm shows nothing: {error}") from error
    return node


def _few_bits(value: Fraction) -> Fraction:
    """Nearby, with at most 200 bits."""
    return value if value.denominator.bit_length() <= 200 else Fraction(round(value * 2**200), 2**200)
