"""Many digits: our Taylor method on whole vectors against heyoka's `real` and mpmath's odefun, on the core flow.

The core flow: polar coordinates, L = 2, kappa = 1, A normal over sqrt(M) in multiples of 2^-20, M = N/2, y = A x* with N/10 entries of x* set,
r = 1, u near (1, ..., 1)/sqrt(N), T = 20. CPU time of runs taken in turn, least of each; every ratio is a peer's time over ours. "Alone" leaves out
what a run of a single short step takes, compilation above all. One run each, unchecked; the last columns are the default, which is checked.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from numerics import Problem, integrate, point_on_sphere, problem
from theory.papers.chou_rauhut_ward import depth, least_squares
from theory.settings import Setting

CASES = ((5, 30), (5, 50), (20, 30), (20, 50), (20, 100), (50, 50), (200, 30))

# odefun takes minutes for T = 20, so times are as short as they must be; both are given the same.
ODEFUN = ((5, 30, Fraction(4)), (5, 50, Fraction(2)), (20, 30, Fraction(1)), (20, 50, Fraction(1, 4)))

GROWTH = (25, 50, 100, 200, 400)


def core_flow(setting: Setting, n: int, end: Fraction, *, level: int = 2, seed: int = 0) -> Problem:
    dice, m = random.Random(seed), max(1, n // 2)
    matrix = [[Fraction(round(dice.gauss(0, 1) / m**0.5 * 2**20), 2**20) for _ in range(n)] for _ in range(m)]
    planted = [Fraction(0)] * n
    for place in dice.sample(range(n), max(1, n // 10)):
        planted[place] = Fraction(1 + round(abs(dice.gauss(0, 1)) * 2**10), 2**10)
    y = [sum(a * x for a, x in zip(row, planted, strict=True)) for row in matrix]
    data = {depth.name: level, "kappa": 1, "eta_r": 1, "A": matrix, "y": y}
    return problem(setting, data=data, start={"r": 1, "u": point_on_sphere([1] * n)}, times=(0, end))


def seconds(action: Callable[[], Any]) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


def alternated(actions: list[Callable[[], Any]], runs: int) -> list[float]:
    """The least time of each, taken in turn."""
    return [min(times) for times in zip(*([seconds(action) for action in actions] for _ in range(runs)), strict=True)]


def main() -> None:
    setting = least_squares(depth[()])
    integrate(core_flow(setting, 3, Fraction(1)), digits=20)  # loads, and compiles for the first time
    print(f"{'N':>4} {'digits':>6} {'ours s':>8} {'heyoka s':>9} {'ratio':>6} {'alone':>6} {'checked s':>10} {'achieved':>8}")
    for n, digits in CASES:
        posed, begun = core_flow(setting, n, Fraction(20)), core_flow(setting, n, Fraction(1, 2**20))

        def ours(posed: Problem = posed, digits: int = digits) -> Any:
            return integrate(posed, digits=digits, engine="vectors", check=False)

        def theirs(posed: Problem = posed, digits: int = digits) -> Any:
            return integrate(posed, digits=digits, engine="heyoka", check=False)

        runs = 3 if n < 100 else 1
        a, b, a0, b0 = alternated([ours, theirs, lambda: ours(begun), lambda: theirs(begun)], runs)  # noqa: B023, used at once
        found = integrate(posed, digits=digits)
        checked = seconds(lambda: integrate(posed, digits=digits))  # noqa: B023
        print(f"{n:4} {digits:6} {a:8.3f} {b:9.3f} {b / a:6.1f} {(b - b0) / (a - a0):6.1f} {checked:10.3f} {found.achieved:8}", flush=True)
    print(f"\n{'N':>4} {'digits':>6} {'T':>5} {'ours, checked s':>16} {'odefun s':>9} {'ratio':>7}")
    for n, digits, end in ODEFUN:
        posed = core_flow(setting, n, end)
        a, b = alternated([lambda: integrate(posed, digits=digits), lambda: integrate(posed, digits=digits, method="odefun")], 1)  # noqa: B023
        print(f"{n:4} {digits:6} {float(end):5g} {a:16.3f} {b:9.2f} {b / a:7.0f}", flush=True)
    print(f"\n{'N':>4} {'M N':>7} {'steps':>6} {'s per step, 50 digits':>22} {'over that of the row above':>28}")
    before = 0.0
    for n in GROWTH:
        # About twenty steps each.
        posed, begun = core_flow(setting, n, Fraction(400, n)), core_flow(setting, n, Fraction(1, 2**20))

        def run(posed: Problem = posed) -> Any:
            return integrate(posed, digits=50, check=False)

        steps = int(run().options["steps"])
        a, b = alternated([run, lambda: run(begun)], 3)  # noqa: B023
        per = (a - b) / (steps - 1)
        print(f"{n:4} {n * (n // 2):7} {steps:6} {per:22.5f} {per / before if before else float('nan'):28.2f}", flush=True)
        before = per


if __name__ == "__main__":
    main()
