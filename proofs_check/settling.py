"""The producer of certificates that a trajectory converges: how far to enclose it, and the ball in which its residual decays from there on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil, log, log2, log10, sqrt
from time import perf_counter
from typing import Any, Literal

import numpy as np
from flint import arb, arb_mat, fmpq, fmpq_mat
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, eig, eigh, solve_continuous_lyapunov

from numerics import IntegrationFailed, InvalidProblem, Problem, integrate
from numerics.exact import entries, rational

from .balls import above, exact, flint, fraction
from .enclosing import Enclosure, enclose
from .kernel import FORMAT
from .kernel.graph import Motion, Place, motion
from .kernel.language import Rejected, read_statement
from .kernel.rings import Series
from .kernel.settle import VELOCITY, Residual, Rest, read_end, read_residual, rest, settled
from .kernel.tube import norm
from .written import flow_alone, plain

EARLIEST, LATEST = -20, 20  # powers of 2: the times at which the residual is looked at
FALLEN = 1e-6  # of its size at the start; a residual in double precision says little below
SLOW = 5  # doublings of the time from the thousandth to the millionth: by then it decays like a power of t
MARGIN = 1.1  # of the time, over what the rate seen asks for
SPARE = 5  # digits of the enclosure beyond those of the limit
MOST_SPARE = 200
LATER = Fraction(3, 2)
SHARE = Fraction(1, 2)  # of what the limit may be off by: what the enclosure leaves open at its end
TRIES = 4  # enclosures, each with more digits than the one before, or LATER times as long
BALLS = 8  # radii tried at one end
ROOM = 2  # of a ball, over what the trajectory is known to need
SHARES = tuple(2.0**-k for k in range(34, 0, -1))  # what a rate may lose to the widths of the ball
LOST = 1e-3  # of the rate: for less, T is not given up
SKEWED = 1e4  # the condition of eigenvectors from which on they are not used
BEHIND = 0.05  # of the rate, where they are not
UNIT = 2**40  # of the entries of L
BUDGET = 2000


@dataclass(frozen=True)
class Settled:
    """Let $\\theta(t)$ be the solution of a problem: whether it is proved to converge, and how.

    If `state` is `settles`, it exists for all $t \\ge 0$. From `time` $= T$ on the definition `residual` (or the velocity) is at most a constant
    times $e^{-\\mu t}$ with $\\mu$ = `rate`, and so is the distance from the limit; `text` has the constants. In the limit the residual vanishes,
    and `limit` is at most `within` away from it, in the Euclidean norm of all coordinates. `radius` is that of the ball around $\\theta(T)$ in
    which the rate was proved. `text` is what the kernel established, or why nothing was.
    """

    problem: Problem
    state: Literal["settles", "unknown"]
    text: str
    digits: int
    residual: str = ""
    time: Fraction = Fraction(0)
    rate: Fraction = Fraction(0)
    radius: Fraction = Fraction(0)
    limit: Mapping[str, Any] = field(default_factory=dict)
    within: Fraction = Fraction(0)
    certificate: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = field(default=0.0, compare=False)


def settle(
    problem: Problem,
    *,
    digits: int = 10,
    until: Any = None,
    budget: int = BUDGET,
    residual: str = "",
    radius: Any = 0,
    radii: Mapping[str, Any] | None = None,
) -> Settled:
    """Let a problem be given: whether its solution converges to a point where the residual of its loss vanishes, with a certificate.

    The limit is sought to `digits` digits, and `within` says how many were found: the solution is enclosed for as long as it seems to need for them,
    or until the time `until`. A longer time gives a rate nearer to the true one. `budget` is the number of steps of an enclosure. `residual` names
    the definition that should vanish; by default those are tried that the flow vanishes with, and then the velocity itself. `radius` and `radii` are
    those of `enclose`: a ball of starts, constants and starts in intervals.

    Nothing is said of a solution that does not converge, or not exponentially, or to one of many limits without a residual that vanishes there: all
    of these are `unknown`, with the reason. Raises `ValueError` for a time or a number of digits that is not positive, `InvalidProblem` for a
    `residual` that is no definition, and what `enclose` raises.
    """
    clock = perf_counter()
    if digits < 1 or budget < 1:
        raise ValueError(f"digits = {digits} and budget = {budget} were given; positive numbers are wanted")
    end = None if until is None else rational(until, "until")
    blurred = bool(radii) or rational(radius, "radius") != 0
    best: Settled | None = None
    reason = ""
    try:
        found, others = _read(problem, residual)
        plan: _Plan | None = _Plan(_enough(problem, found, digits, others) if end is None else end, SPARE, end is not None, blurred)
        for _ in range(TRIES):
            if plan is None:
                break
            enclosure = enclose(problem, until=plan.time, digits=digits + plan.spare, radius=radius, radii=radii, most_steps=budget)
            if not enclosure.certificate["steps"]:
                reason = f"no step could be enclosed: {enclosure.reason}"
                break
            settled, reason = _first_closed(enclosure, found, digits, others)
            best = min((one for one in (best, settled) if one is not None), key=lambda one: one.within, default=None)
            if settled is not None and (blurred or settled.within * 10**digits <= 1):
                break
            if enclosure.reason and len(enclosure.certificate["steps"]) == budget:
                reason += f"; the budget of {budget} steps is spent, raise budget or ask for fewer digits"
                break
            reason += f"; {enclosure.reason}" if enclosure.reason else ""
            plan = plan.after(enclosure, settled, digits)
    except (Rejected, IntegrationFailed) as error:
        reason = str(error)
    return replace(best or Settled(problem, "unknown", reason, digits), seconds=perf_counter() - clock)


@dataclass(frozen=True)
class _Plan:
    """Until when a solution is enclosed, and to how many digits more than are asked of the limit."""

    time: Fraction
    spare: int
    fixed: bool  # the time was asked for
    blurred: bool  # starts or constants are not points, and more digits do not help

    def after(self, enclosure: Enclosure, settled: Settled | None, digits: int) -> _Plan | None:
        """What to try where this was not enough, or None."""
        wide = enclosure.radius_at(enclosure.reached)
        narrow = self.blurred or wide * 10**digits <= SHARE
        if narrow and (enclosure.reason or self.fixed):
            return None
        time = self.time * (LATER if narrow else 1)
        # The width grows by a factor in every unit of time, whatever it is at the start, and the residual is not known better than it allows.
        lost = 0 if self.blurred else ceil((digits + self.spare + _log10(wide)) * float(time / enclosure.reached)) + 2
        missed = 0 if settled is None else max(0, ceil(digits + _log10(settled.within)))
        spare = max(self.spare, lost) + missed
        return replace(self, time=time, spare=spare) if spare <= MOST_SPARE else None


# ---- the residual --------------------------------------------------------------------------------------------------------------------------------


def _read(problem: Problem, name: str) -> tuple[list[Residual], list[str]]:
    """The definition of that name, or all that the flow vanishes with and then the velocity; and why not others. `Rejected` if there are none."""
    names = [definition.name for definition in problem.setting.definitions]
    if name and name not in names:
        raise InvalidProblem(f"the residual {name!r} was asked for; the definitions are {', '.join(names) or 'none'}")
    moving, found, reasons = _motion(problem), [], []
    for one in [name] if name else [*names, None]:
        try:
            found.append(read_residual(moving, one))
        except Rejected as error:
            reasons.append(str(error))
    if not found:
        raise Rejected(_joined(reasons))
    return found, reasons


def _joined(reasons: Sequence[str]) -> str:
    return "; ".join(dict.fromkeys(reasons))


def _motion(problem: Problem) -> Motion:
    tree = flow_alone(problem.setting)
    statement = read_statement(tree)
    constants = [name for name, symbol in statement.symbols.items() if symbol.role == "constant" and name in problem.data]
    values = {(name, place): fmpq(q.numerator, q.denominator) for name in constants for place, q in entries(problem.data[name])}
    return motion(statement, {name: problem.sizes[name] for name in statement.sizes}, values)


# ---- how long ------------------------------------------------------------------------------------------------------------------------------------


def _enough(problem: Problem, found: Sequence[Residual], digits: int, others: Sequence[str]) -> Fraction:
    """A time by which some residual has fallen by `digits` digits, guessed in double precision; `Rejected` if none seems to."""
    doubled = [Fraction(2) ** k for k in range(EARLIEST, LATEST + 1)]
    trajectory = integrate(replace(problem, times=(Fraction(0), *doubled)), method="LSODA")
    times, reasons = list(map(float, trajectory.times)), []
    for residual in found:
        try:
            return _short(_falls(residual.name, times, [_size(residual, problem, state) for state in trajectory.states], digits))
        except Rejected as error:
            reasons.append(str(error))
    raise Rejected(_joined([f"{_joined(reasons)} (in double precision)", *others]))


def _falls(name: str, times: Sequence[float], sizes: Sequence[float], digits: int) -> float:
    """When something has fallen by so many digits, that has these sizes at these times, each but the first two twice the one before."""
    if sizes[0] == 0:
        return 1.0
    last = next((n for n, size in enumerate(sizes) if size <= FALLEN * sizes[0]), None)
    if last is None:
        raise Rejected(f"|{name}| does not seem to tend to 0: it is {sizes[0]:.3g} at the start and {sizes[-1]:.3g} at t = {times[-1]:.3g}")
    first = next(n for n, size in enumerate(sizes) if size <= FALLEN**0.5 * sizes[0])
    if last - first > SLOW:
        seen = f"it is {sizes[first]:.3g} at t = {times[first]:.3g}, and {sizes[last]:.3g} only at t = {times[last]:.3g}"
        raise Rejected(f"|{name}| does not seem to decay exponentially: {seen}")
    # At the rate of the last doubling of the time but one, where the residual is still well above rounding; or in proportion, if that is sooner.
    longest = times[last] * max(1.0, digits * log(10) / -log(FALLEN))
    fallen = log(sizes[last - 2] / sizes[last - 1]) if last > 1 and sizes[last - 1] > 0 else 0.0
    if not fallen > 0:
        return longest
    needed = MARGIN * (log(sizes[last - 1]) + digits * log(10)) * (times[last - 1] - times[last - 2]) / fallen
    return min(longest, times[last - 1] + max(0.0, needed))


def _size(residual: Residual, problem: Problem, state: Mapping[str, Any]) -> float:
    """|e| in a state of doubles."""
    ring = Series(1)
    values = zip(_places(problem), problem.layout.pack_arrays([state[name] for name in problem.layout.names]), strict=True)
    try:
        found = residual.whole.values(ring, {place: ring.series([arb(float(value))]) for place, value in values})
    except Rejected as error:
        raise Rejected(f"{residual.name} is not defined at a state of the run in double precision: {error}") from error
    return sqrt(sum(float(found[n][0]) ** 2 for n in residual.nodes))


def _places(problem: Problem) -> list[Place]:
    return [(name, place) for name in problem.layout.names for place, _ in entries(problem.start[name])]


# ---- the ball ------------------------------------------------------------------------------------------------------------------------------------


def _first_closed(enclosure: Enclosure, found: Sequence[Residual], digits: int, others: Sequence[str]) -> tuple[Settled | None, str]:
    """With the first residual that is proved to vanish, or none and the reasons, those why others are not looked at among them."""
    reasons = []
    for one in found:
        try:
            return _closed(enclosure, one, digits), ""
        except Rejected as error:
            reasons.append(str(error))
    return None, f"enclosed up to t = {float(enclosure.reached):.6g}, where {_joined([*reasons, *others])}"


def _closed(enclosure: Enclosure, posed: Residual, digits: int) -> Settled:
    """The smallest ball around the end of an enclosure, of a few, which the kernel accepts that the solution does not leave.

    Its steps were accepted one by one when it was made, and are not checked again.
    """
    problem, given = enclosure.problem, enclosure.certificate
    end = read_end(read_statement(given["statement"]), given)
    name = None if posed.name == VELOCITY else posed.name
    residual = read_residual(end.begin.motion, name)
    frame = _frame(rest(end, residual, fmpq(0)), residual)
    size, known, radius = fraction(end.size(residual, frame)), fraction(end.within), Fraction(0)
    for _ in range(BALLS):
        rate, ratio = _rates(rest(end, residual, flint(radius)), frame, f"on a ball of radius {float(radius):.3g} for {residual.name}")
        needed = known + above(exact(size) * (exact(ratio) / exact(rate)).sqrt())
        if needed < radius:
            break
        radius = _rounded(needed * ROOM)
    else:
        seen = f"the size of {residual.name} is {float(size):.3g}, the rate {float(rate):.3g}"
        raise Rejected(f"no ball was found that holds the rest of the trajectory: {seen}")
    unit = Fraction(1, 10 ** (digits + SPARE))
    point = {place: round(fraction(q) / unit) * unit for place, q in zip(end.begin.coordinates, end.point, strict=True)}
    rounding = norm(end.begin.weights, [exact(point[place] - fraction(q)) for place, q in zip(end.begin.coordinates, end.point, strict=True)])
    limit = problem.layout.unpack([point[place] for place in _places(problem)])
    within = _rounded(needed + above(rounding))
    certificate = {
        "format": FORMAT,
        "kind": "settle",
        "enclosure": given,
        "residual": name,
        "frame": None if frame == residual.relation else [[str(q) for q in row] for row in frame.tolist()],
        "rate": str(rate),
        "ratio": str(ratio),
        "radius": str(radius),
        "limit": {name: plain(value) for name, value in limit.items()},
        "within": str(within),
    }
    return Settled(problem, "settles", settled(end, certificate), digits, residual.name, enclosure.reached, rate, radius, limit, within, certificate)


def _frame(where: Rest, residual: Residual) -> fmpq_mat:
    """L for the residual: T, unless it makes the rate smaller than the least real part of an eigenvalue of K; `Rejected` if no L will do."""
    turning = _floats(where.turning)
    try:
        values, vectors = eig(turning)
        best, own = float(np.min(values.real)), _least(where, residual.relation)
    except (LinAlgError, ValueError) as error:
        raise Rejected(f"the eigenvalues for {residual.name} could not be computed: {error}") from error
    if not best > 0:
        raise Rejected(f"nothing pulls every combination of the entries of {residual.name} to 0: an eigenvalue has the real part {best:.3g}")
    if own >= best * (1 - LOST):
        return residual.relation
    one = np.eye(len(turning))
    if np.linalg.cond(vectors) < SKEWED:
        back = np.linalg.inv(vectors)
        metric = (back.conj().T @ back).real
    else:  # S with S K + K^T S = 2 a S + 1, so that sym H > a S
        metric = solve_continuous_lyapunov(turning.T - best * (1 - BEHIND) * one, one)
    try:
        root = np.linalg.cholesky(metric / np.trace(metric)).T
    except LinAlgError as error:
        raise Rejected(f"no norm was found in which {residual.name} falls: {error}") from error
    return fmpq_mat([[fmpq(round(float(c) * UNIT), UNIT) for c in row] for row in root])


def _least(where: Rest, frame: fmpq_mat) -> float:
    """The largest mu in (1), for the midpoints."""
    return float(eigh(_floats(where.pulling(frame)), _floats(arb_mat(frame.transpose() * frame)), eigvals_only=True)[0])


def _rates(where: Rest, frame: fmpq_mat, what: str) -> tuple[Fraction, Fraction]:
    """A rate and a ratio that the kernel accepts, each nearly the best; `Rejected` if there are none."""
    try:
        least = _least(where, frame)
        most = float(eigh(_floats(where.moving), _floats(where.pulling(frame)), eigvals_only=True)[-1]) if least > 0 else 0.0
    except (LinAlgError, ValueError) as error:
        raise Rejected(f"the eigenvalues {what} could not be computed: {error}") from error
    if not least > 0:
        raise Rejected(f"{what} the least eigenvalue is {least:.3g}")
    for share in SHARES:
        rate, ratio = _few_bits(least * (1 - share)), _few_bits(most * (1 + share))
        try:
            where.decays(frame, flint(rate), flint(ratio))
        except Rejected as error:
            last = error
        else:
            return rate, ratio
    raise Rejected(f"{what}, {last}")


def _floats(matrix: arb_mat) -> NDArray[np.float64]:
    return np.array([[float(c) for c in row] for row in matrix.tolist()])


# ---- numbers -------------------------------------------------------------------------------------------------------------------------------------


def _short(value: float) -> Fraction:
    """About as much, with few bits."""
    unit = Fraction(2) ** (ceil(log2(value)) - 8)
    return ceil(Fraction(value) / unit) * unit


def _few_bits(value: float) -> Fraction:
    unit = Fraction(2) ** (ceil(log2(value)) - 48)
    return Fraction(round(Fraction(value) / unit)) * unit


def _rounded(value: Fraction) -> Fraction:
    """A little more, with few bits."""
    unit = Fraction(2) ** (value.numerator.bit_length() - value.denominator.bit_length() - 16)
    return (value // unit + 1) * unit


def _log10(value: Fraction) -> float:
    """About."""
    return (value.numerator.bit_length() - value.denominator.bit_length()) * log10(2)
