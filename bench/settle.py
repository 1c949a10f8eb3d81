"""Convergence with a certificate, against the same trajectory followed to as many digits without one.

    python -m bench.settle

The polar flow with kappa = 1, L = 2, A of independent normal entries over sqrt(M), M = N/2, and y = A x for an x > 0, so that there is a positive
solution; r = 1 and u near 1/sqrt(N). Seconds are CPU time: the peer is Taylor's method to the time T and the digits of the certificate, run after it
in the same process. `check` is the certificate checked again. The last column is the rate proved over the one seen between T and T + 1/rate.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np

from numerics import Problem, integrate, point_on_sphere, problem
from numerics.exact import entries
from proofs_check.kernel import check
from proofs_check.settling import SPARE, settle
from theory.papers.chou_rauhut_ward import least_squares

UNIT = 2**20
T = TypeVar("T")


def positive(n: int, seed: int = 0) -> Problem:
    """The core flow of dimension n + 1, with a positive solution."""
    dice, m = np.random.default_rng(seed), n // 2
    A = [[_rational(entry) for entry in row] for row in dice.standard_normal((m, n)) / m**0.5]
    x = [_rational(0.2 + abs(dice.standard_normal()) / 2) for _ in range(n)]
    y = [sum((a * b for a, b in zip(row, x, strict=True)), Fraction(0)) for row in A]
    data = {"A": A, "y": y, "kappa": 1, "L": 2, "eta_r": 1}
    return problem(least_squares(), data=data, start={"r": 1, "u": point_on_sphere([1] * n)}, times=(0, 1))


def _rational(value: float) -> Fraction:
    return Fraction(round(float(value) * UNIT), UNIT)


def timed(action: Callable[[], T]) -> tuple[T, float]:
    start = time.process_time()
    found = action()
    return found, time.process_time() - start


def seen(posed: Problem, now: Fraction, later: Fraction) -> float:
    """The rate at which the distance from the limit falls between two times."""
    last = later + 40 * (later - now)
    states = integrate(replace(posed, times=(Fraction(0), now, later, last)), digits=40).states[1:]

    def away(state: Any) -> float:
        gaps = (a - b for name in posed.layout.names for (_, a), (_, b) in zip(entries(state[name]), entries(states[-1][name]), strict=True))
        return math.sqrt(sum(float(gap) ** 2 for gap in gaps))

    return math.log(away(states[0]) / away(states[1])) / float(later - now)


def main() -> None:
    print(f"{'N':>4} {'digits':>6} {'T':>7} {'settle s':>9} {'over peer':>9} {'check s':>8} {'within':>9} {'rate':>9} {'over seen':>10}")
    for n in (4, 6, 10):
        posed = positive(n)
        for digits in (5, 10, 20):
            found, ours = timed(lambda posed=posed, digits=digits: settle(posed, digits=digits))  # type: ignore[misc]
            if found.state != "settles":
                print(f"{n:4} {digits:6} {found.text}")
                continue
            _, checking = timed(lambda certificate=found.certificate: check(certificate))  # type: ignore[misc]
            there = replace(posed, times=(Fraction(0), found.time))
            _, theirs = timed(lambda there=there, digits=digits: integrate(there, digits=digits + SPARE, method="taylor"))  # type: ignore[misc]
            rate = float(found.rate) / seen(posed, found.time, found.time + Fraction(round(8 / found.rate) + 1, 8))
            row = f"{n:4} {digits:6} {float(found.time):7.2f} {ours:9.2f} {ours / theirs:9.1f} {checking:8.2f}"
            print(f"{row} {float(found.within):9.1e} {float(found.rate):9.4f} {rate:10.7f}", flush=True)


if __name__ == "__main__":
    main()
