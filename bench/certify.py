"""Where the core flow ends, with certificates, against the same numbers computed by hand and without any.

    python -m bench.certify

The instances are those of `bench.settle`: the polar flow with kappa = 1, L = 2, M = N/2, and y = A x for an x > 0. `certify` gives existence, the
limit to 35 digits, the rate in the end and from the start, why there is no collapse, and a bound of the excess norm; `check` is the certificate
once more, by the kernel alone. The peers compute a part of it, as one would in a notebook: mpmath solves A x(theta_0 + A^T lambda) = y by Newton's
method at 50 digits and finds the least eigenvalue at the limit; scipy follows the flow until |A x - y| < 1e-10. Seconds are CPU time, in one
process, in turn. `digits` are those in which the limit agrees with that of mpmath, and of scipy.
"""

from __future__ import annotations

import time
from typing import Any

import mpmath
import numpy as np
from scipy.integrate import solve_ivp

from numerics import Problem
from proofs_check.certifying import certify
from proofs_check.kernel import check

from .settle import positive, timed

SIZES = (6, 10, 20, 50)
BY_HAND = 50  # digits of mpmath


def with_mpmath(posed: Problem) -> tuple[list[Any], Any]:
    """The limit, and twice the least eigenvalue of J = 4 (kappa R A D^2 A^T + (1 - kappa R)/R (Ax)(Ax)^T) there; kappa = 1, r(0) = 1."""
    with mpmath.workdps(BY_HAND):
        A = mpmath.matrix([[mpmath.mpf(q.numerator) / q.denominator for q in row] for row in posed.data["A"]])
        y = mpmath.matrix([mpmath.mpf(q.numerator) / q.denominator for q in posed.data["y"]])
        u = [mpmath.mpf(q.numerator) / q.denominator for q in posed.start["u"]]
        first = [2 * mpmath.log(value) + 1 for value in u]

        def point(multipliers: Any) -> tuple[Any, Any, Any]:
            powers = [mpmath.exp(a + b) for a, b in zip(first, A.T * multipliers, strict=True)]
            norm = sum(powers)
            return mpmath.matrix([mpmath.log(norm) * p / norm for p in powers]), norm, mpmath.log(norm)

        found = mpmath.zeros(A.rows, 1)
        while True:
            x, _, R = point(found)
            gap = A * x - y
            image = A * x
            slope = A * mpmath.diag(list(x)) * A.T + image * image.T * ((1 / R - 1) / R)
            step = mpmath.lu_solve(slope, gap)
            length = mpmath.mpf(1)
            while length > mpmath.mpf(2) ** -60:
                moved = found - length * step
                if point(moved)[1] > 1 and mpmath.norm(A * point(moved)[0] - y) < mpmath.norm(gap):
                    break
                length /= 2
            found = found - length * step
            if mpmath.norm(step) < mpmath.mpf(10) ** (8 - BY_HAND):
                break
        x, _, R = point(found)
        image = A * x
        J = 4 * (R * A * mpmath.diag(list(x)) * A.T + image * image.T * ((1 - R) / R))
        return list(x), 2 * min(mpmath.eigsy(J, eigvals_only=True))


def with_scipy(posed: Problem) -> np.ndarray:
    """The end of a trajectory, in double precision."""
    A = np.array([[float(q) for q in row] for row in posed.data["A"]])
    y = np.array([float(q) for q in posed.data["y"]])

    def velocity(_: float, state: np.ndarray) -> np.ndarray:
        r, u = state[0], state[1:]
        G = A.T @ (A @ (r * u) ** 2 - y)
        inner = G @ u**2
        return np.concatenate([[-2 * r * inner], -2 * r**2 * u * (G - inner)])

    def near(_: float, state: np.ndarray) -> float:
        return float(np.linalg.norm(A @ (state[0] * state[1:]) ** 2 - y)) - 1e-10

    near.terminal = True  # type: ignore[attr-defined]
    first = np.concatenate([[1.0], [float(q) for q in posed.start["u"]]])
    last = solve_ivp(velocity, (0, 1e5), first, method="LSODA", rtol=1e-11, atol=1e-13, events=near).y[:, -1]
    return np.asarray((last[0] * last[1:]) ** 2)


def agreeing(ours: Any, theirs: Any) -> float:
    with mpmath.workdps(BY_HAND):
        gap = max(abs(mpmath.mpf(q.numerator) / q.denominator - mpmath.mpf(value)) for q, value in zip(ours, theirs, strict=True))
        return float(-mpmath.log10(gap)) if gap else float(BY_HAND)


def main() -> None:
    certify(positive(4))  # imports and caches
    print(f"{'N':>4} {'M':>4} {'certify s':>10} {'elapsed':>8} {'check s':>8} {'/ mpmath':>9} {'/ scipy':>8} {'digits':>7} {'scipy':>6}  answers")
    for n in SIZES:
        posed = positive(n)
        clock = time.perf_counter()
        found, ours = timed(lambda posed=posed: certify(posed))  # type: ignore[misc]
        elapsed = time.perf_counter() - clock
        (x, rate), theirs = timed(lambda posed=posed: with_mpmath(posed))  # type: ignore[misc]
        last, followed = timed(lambda posed=posed: with_scipy(posed))  # type: ignore[misc]
        limit, certificate = found.limit, found.certificate
        if limit is None or certificate is None or limit.outcome != "converges":
            print(f"{n:4} {n // 2:4} {found.outcome}: {found.text}")
            continue
        _, checking = timed(lambda certificate=certificate: check(certificate))  # type: ignore[misc]
        parts = {"limit": limit.within, "rate": limit.rate, "trap": limit.steady, "excess": limit.excess}
        told = f"limit within {float(limit.within or 0):.0e}; rate {float(limit.rate or 0):.6f}, mpmath {float(rate):.6f}; lacking: "
        told += ", ".join(name for name, value in parts.items() if value is None) or "nothing"
        row = f"{n:4} {n // 2:4} {ours:10.2f} {elapsed:8.2f} {checking:8.2f} {ours / theirs:9.2f} {ours / followed:8.2f}"
        print(f"{row} {agreeing(limit.x, x):7.1f} {agreeing(limit.x, last):6.1f}  {told}", flush=True)


if __name__ == "__main__":
    main()
