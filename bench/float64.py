"""float64 against its peers: the polar flow, one trajectory, one with dense output, with an event, with its laws watched, a stiff one, and batches of
random starts, all at one tolerance.

    OMP_NUM_THREADS=1 python -m bench.float64

Peers are solve_ivp (DOP853) with right sides written by hand in NumPy and in Numba, heyoka and diffrax; those that are not installed are left out
(pip install numba heyoka diffrax). All are run in turn, in one process, after a run that compiles; a figure is the least CPU time of the runs, and
what counts is the ratio. The error is that of what is asked for, against a run at the tightest tolerance; for laws it is the drift.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp
from scipy.integrate import solve_ivp

from numerics import Problem, integrate, point_on_sphere, problem
from numerics.batch import integrate_batch
from numerics.integrate.float64 import Event, follow
from numerics.observe import Quantity, monitor
from theory.papers.chou_rauhut_ward import least_squares
from theory.settings import family
from theory.symbols import Variable, index, total
from theory.symbols import size as symbolic

RTOL, ATOL, END = 1e-10, 1e-12, 20
SINGLE, BATCHES = (5, 20, 50, 200), ((5, 1024), (20, 1024), (50, 256), (200, 32))
GRID = np.linspace(0, END, 1001)
STIFFNESS = 1000
Peer = Callable[[], Any]


def core(size: int, kappa: int = 1) -> Problem:
    """L = 2, A of N(0, 1)/sqrt(M) with M = N/2, y = A x for a sparse x, r = 1, u near the diagonal."""
    dice = np.random.default_rng(0)
    rows = max(1, size // 2)

    def rational(value: float) -> Fraction:
        return Fraction(round(value * 2**20), 2**20)

    A = [[rational(entry) for entry in row] for row in dice.standard_normal((rows, size)) / np.sqrt(rows)]
    x = [Fraction(0)] * size
    for place in dice.choice(size, max(1, size // 10), replace=False):
        x[place] = rational(abs(dice.standard_normal()))
    y = [sum((a * b for a, b in zip(row, x, strict=True)), Fraction(0)) for row in A]
    data = {"A": A, "y": y, "kappa": kappa, "eta_r": 1}
    return problem(least_squares(sp.Integer(2)), data=data, start={"r": 1, "u": point_on_sphere([1] * size)}, times=(0, END))


def arrays(posed: Problem) -> tuple[Any, Any, Any]:
    A, y = (np.array(posed.data[name], dtype=object).astype(float) for name in ("A", "y"))
    return A, y, np.array([float(entry) for entry in posed.layout.pack(posed.start)])


def by_hand(A: Any, y: Any, kappa: int = 1) -> Callable[[float, Any], Any]:
    AT = np.ascontiguousarray(A.T)

    def velocity(_: float, state: Any) -> Any:
        r, u = state[0], state[1:]
        square = u * u
        G = AT @ (r * r * (A @ square) - y)
        radial = G @ square
        found = np.empty_like(state)
        found[0] = -2 * r * radial
        found[1:] = (-2 * kappa * r * r) * (G - radial) * u
        return found

    return velocity


def by_numba(A: Any, y: Any, kappa: int = 1) -> Callable[[float, Any], Any]:
    from numba import njit

    @njit(fastmath={"reassoc", "contract"})
    def velocity(_: float, state: Any) -> Any:
        rows, size = A.shape
        r = state[0]
        G = np.zeros(size)
        for k in range(rows):
            residual = 0.0
            for i in range(size):
                residual += A[k, i] * state[i + 1] * state[i + 1]
            residual = r * r * residual - y[k]
            for i in range(size):
                G[i] += A[k, i] * residual
        radial = 0.0
        for i in range(size):
            radial += G[i] * state[i + 1] * state[i + 1]
        found = np.empty(size + 1)
        found[0] = -2 * r * radial
        for i in range(size):
            found[i + 1] = -2 * kappa * r * r * (G[i] - radial) * state[i + 1]
        return found

    return velocity


def by_heyoka(A: Any, y: Any, lanes: int, *, rtol: float = RTOL, loss: float | None = None, seen: Callable[[float], None] = print) -> tuple[Any, Any]:
    """An integrator for one trajectory, or for several lanes at once; `seen` is told the times where the loss falls below `loss`."""
    import heyoka as hy

    rows, size = A.shape
    r, *u = hy.make_vars("r", *(f"u_{i}" for i in range(size)))
    residuals = [r**2 * hy.sum([A[k, i] * u[i] ** 2 for i in range(size)]) - y[k] for k in range(rows)]
    G = [hy.sum([A[k, i] * residuals[k] for k in range(rows)]) for i in range(size)]
    radial = hy.sum([G[i] * u[i] ** 2 for i in range(size)])
    system = [(r, -2.0 * r * radial), *((u[i], -2.0 * r**2 * u[i] * (G[i] - radial)) for i in range(size))]
    start = np.zeros(size + 1) if lanes == 1 else np.zeros((size + 1, lanes))
    start[...] = 0.5
    build = hy.taylor_adaptive if lanes == 1 else hy.taylor_adaptive_batch
    events: dict[str, Any] = {}
    if loss is not None:
        below = 0.5 * hy.sum([residual**2 for residual in residuals]) - loss
        events["nt_events"] = [hy.nt_event(below, lambda _, t, sign: seen(t), direction=hy.event_direction.negative)]
    return build(system, start, tol=rtol, compact_mode=size > 20, **events), hy


def single_heyoka(A: Any, y: Any, start: Any) -> Peer:
    solver, _ = by_heyoka(A, y, 1)

    def run() -> Any:
        solver.time, solver.state[:] = 0.0, start
        solver.propagate_until(float(END))
        return solver.state.copy()

    return run


def batch_heyoka(A: Any, y: Any, starts: Any) -> Peer:
    lanes = 8
    solver, _ = by_heyoka(A, y, lanes)

    def run() -> Any:
        found = np.empty_like(starts)
        for first in range(0, starts.shape[1], lanes):
            solver.set_time(0.0)
            solver.state[:] = starts[:, first : first + lanes]
            solver.propagate_until([float(END)] * lanes)
            found[:, first : first + lanes] = solver.state
        return found

    return run


def by_diffrax(A: Any, y: Any, start: Any, *, batch: bool) -> Peer:
    import diffrax
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    A, y = jnp.array(A), jnp.array(y)

    def velocity(t: Any, state: Any, _: Any) -> Any:
        r, u = state[0], state[1:]
        square = u * u
        G = A.T @ (r * r * (A @ square) - y)
        radial = G @ square
        return jnp.concatenate([jnp.array([-2 * r * radial]), -2 * r * r * (G - radial) * u])

    def solve(state: Any) -> Any:
        term, control = diffrax.ODETerm(velocity), diffrax.PIDController(rtol=RTOL, atol=ATOL)
        found = diffrax.diffeqsolve(term, diffrax.Dopri8(), 0.0, float(END), None, state, stepsize_controller=control, max_steps=100_000)
        return found.ys[-1]

    compiled = jax.jit(jax.vmap(solve)) if batch else jax.jit(solve)
    given = jnp.array(start.T if batch else start)
    return lambda: np.array(compiled(given).block_until_ready()).T


def alternated(peers: dict[str, Peer], reference: Any, runs: int, count: int) -> None:
    """Every peer in turn, `runs` times, after one run for nothing; the least time of each, its ratio to ours, and its error.

    What is done within microseconds is done over and over for some milliseconds each time, so that no clock and no cold cache is measured. States by
    block are put in one column, to compare them, outside the time.
    """
    found = {name: np.abs(column(run()) - reference).max() for name, run in peers.items()}

    def timed(run: Peer, repeats: int) -> float:
        start = time.process_time()
        for _ in range(repeats):
            run()
        return (time.process_time() - start) / repeats

    repeats = {name: max(1, round(5e-3 / max(min(timed(run, 1) for _ in range(3)), 1e-6))) for name, run in peers.items()}
    times: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(runs):
        for name, run in peers.items():
            times[name].append(timed(run, repeats[name]))
    ours = min(times["polarflow"])
    for name, values in times.items():
        print(f"    {name:22} {1e6 * min(values) / count:12.1f} us   {min(values) / ours:7.2f} x   error {found[name]:.0e}", flush=True)


def installed(*names: str) -> bool:
    return all(importlib.util.find_spec(name) is not None for name in names)


def column(found: Any) -> Any:
    """r and u, at one time or with the axis of times first, as a column for each time; what is a column already as it is."""
    if isinstance(found, Mapping):
        return np.concatenate([np.asarray(found["r"])[None], np.asarray(found["u"]).T])
    return np.asarray(found)


def single(size: int, runs: int) -> None:
    posed = core(size)
    A, y, start = arrays(posed)
    hand = by_hand(A, y)

    def solved(velocity: Any) -> Peer:
        return lambda: solve_ivp(velocity, (0, END), start, method="DOP853", rtol=RTOL, atol=ATOL).y[:, -1]

    peers: dict[str, Peer] = {"polarflow": lambda: integrate(posed, rtol=RTOL, atol=ATOL).states.rows[-1], "solve_ivp, NumPy": solved(hand)}
    if installed("numba"):
        peers["solve_ivp, Numba"] = solved(by_numba(A, y))
    if installed("heyoka"):
        peers["heyoka"] = single_heyoka(A, y, start)
    if installed("jax", "diffrax"):
        peers["diffrax Dopri8"] = by_diffrax(A, y, start, batch=False)
    reference = solve_ivp(hand, (0, END), start, method="DOP853", rtol=1e-13, atol=1e-15).y[:, -1]
    print(f"one trajectory, N = {size}")
    alternated(peers, reference, runs, 1)


def dense(size: int, runs: int) -> None:
    """The states at a thousand times, from the steps that one trajectory takes anyway."""
    posed = core(size)
    A, y, start = arrays(posed)
    hand = by_hand(A, y)

    def solved(velocity: Any, rtol: float = RTOL, atol: float = ATOL) -> Any:
        return solve_ivp(velocity, (0, END), start, method="DOP853", rtol=rtol, atol=atol, dense_output=True).sol(GRID)

    peers: dict[str, Peer] = {"polarflow": lambda: follow(posed, rtol=RTOL, atol=ATOL)(GRID), "solve_ivp, NumPy": lambda: solved(hand)}
    if installed("numba"):
        numba = by_numba(A, y)
        peers["solve_ivp, Numba"] = lambda: solved(numba)
    if installed("heyoka"):
        solver, _ = by_heyoka(A, y, 1)

        def run() -> Any:
            solver.time, solver.state[:] = 0.0, start
            return solver.propagate_grid(GRID)[-1].T

        peers["heyoka"] = run
    print(f"one trajectory with a thousand states in between, N = {size}")
    alternated(peers, solved(hand, 1e-13, 1e-15), runs, 1)


def event(size: int, runs: int) -> None:
    """When the loss falls below half of what it is at first."""
    posed = core(size)
    A, y, start = arrays(posed)
    hand = by_hand(A, y)
    residual = start[0] ** 2 * (A @ start[1:] ** 2) - y
    half = float(residual @ residual / 4)

    def falls(_: float, state: Any) -> float:
        residual = state[0] ** 2 * (A @ state[1:] ** 2) - y
        return float(residual @ residual / 2 - half)

    falls.direction = -1  # type: ignore[attr-defined]

    def solved(velocity: Any, rtol: float = RTOL, atol: float = ATOL) -> Any:
        return solve_ivp(velocity, (0, END), start, method="DOP853", rtol=rtol, atol=atol, events=falls).t_events[0]

    below = [Event(sp.Symbol("F") - sp.Rational(half), "down")]
    options: dict[str, Any] = {"rtol": RTOL, "atol": ATOL, "events": below, "dense": False}  # as the peers, which keep nothing in between
    peers: dict[str, Peer] = {"polarflow": lambda: [found.time for found in follow(posed, **options).crossings]}
    peers["solve_ivp, NumPy"] = lambda: solved(hand)
    if installed("numba"):
        numba = by_numba(A, y)
        peers["solve_ivp, Numba"] = lambda: solved(numba)
    if installed("heyoka"):
        seen: list[float] = []
        solver, _ = by_heyoka(A, y, 1, loss=half, seen=seen.append)

        def run() -> Any:
            seen.clear()
            solver.time, solver.state[:] = 0.0, start
            solver.propagate_until(float(END))
            return list(seen)

        peers["heyoka"] = run
    print(f"one trajectory and when its loss has halved, N = {size}")
    alternated(peers, solved(hand, 1e-13, 1e-15), runs, 1)


def laws(size: int, runs: int) -> None:
    """How far the laws sum_i z_i (log u_i + kappa r^2/2), A z = 0, drift at fifty times, in one run and in one with half the tolerance."""
    posed = replace(core(size), times=tuple(Fraction(END * n, 50) for n in range(51)))
    A, y, start = arrays(posed)
    hand, times = by_hand(A, y), np.linspace(0, END, 51)
    exact: Any = posed.data["A"]
    kernel = sp.Matrix([[sp.Rational(entry.numerator, entry.denominator) for entry in row] for row in exact]).nullspace()
    choices = [[Fraction(int(entry.p), int(entry.q)) for entry in vector] for vector in kernel]
    Z = np.array(choices, dtype=object).astype(float)
    i, N, z = index("i"), symbolic("N"), Variable("z", (symbolic("N"),))
    value = total(z[i] * (sp.log(posed.setting["u"][i]) + posed.setting["r"][()] ** 2 / 2), (i, N))
    watched = [Quantity("laws", family(value), posed.setting.having(z), tuple({"z": choice} for choice in choices))]

    def ours() -> float:
        _, (found,) = monitor(watched, lambda rtol: integrate(posed, rtol=rtol, atol=rtol / 100), RTOL)
        return max(found.drift, found.drift_halved)

    def drift(states: Any) -> float:
        values = Z @ (np.log(states[1:]) + states[0] ** 2 / 2)
        return float(np.abs(values - values[:, :1]).max())

    def solved(velocity: Any, rtol: float) -> Any:
        return solve_ivp(velocity, (0, END), start, method="DOP853", rtol=rtol, atol=rtol / 100, t_eval=times).y

    peers: dict[str, Peer] = {"polarflow": ours, "solve_ivp, NumPy": lambda: max(drift(solved(hand, rtol)) for rtol in (RTOL, RTOL / 2))}
    if installed("numba"):
        numba = by_numba(A, y)
        peers["solve_ivp, Numba"] = lambda: max(drift(solved(numba, rtol)) for rtol in (RTOL, RTOL / 2))
    if installed("heyoka"):
        solvers = [by_heyoka(A, y, 1, rtol=rtol)[0] for rtol in (RTOL, RTOL / 2)]

        def run() -> float:
            found = []
            for solver in solvers:
                solver.time, solver.state[:] = 0.0, start
                found.append(drift(solver.propagate_grid(times)[-1].T))
            return max(found)

        peers["heyoka"] = run
    print(f"the drift of {len(choices)} laws, N = {size}")
    alternated(peers, 0.0, runs, 1)


def stiff(size: int, method: str, runs: int) -> None:
    """kappa = 1000: u settles a thousand times faster than r."""
    posed = core(size, STIFFNESS)
    A, y, start = arrays(posed)
    hand = by_hand(A, y, STIFFNESS)

    def solved(velocity: Any, rtol: float = 1e-8, atol: float = 1e-10) -> Any:
        return solve_ivp(velocity, (0, END), start, method=method, rtol=rtol, atol=atol).y[:, -1]

    def ours() -> Any:
        return integrate(posed, method=method, rtol=1e-8, atol=1e-10).states[-1]

    peers: dict[str, Peer] = {"polarflow": ours, "solve_ivp, NumPy": lambda: solved(hand)}
    if installed("numba"):
        numba = by_numba(A, y, STIFFNESS)
        peers["solve_ivp, Numba"] = lambda: solved(numba)
    reference = solve_ivp(hand, (0, END), start, method="Radau", rtol=1e-12, atol=1e-14).y[:, -1]
    print(f"one stiff trajectory by {method}, rtol 1e-8, N = {size}")
    alternated(peers, reference, runs, 1)


def batch(size: int, count: int, runs: int) -> None:
    posed = core(size)
    A, y, _ = arrays(posed)
    u = np.abs(np.random.default_rng(1).standard_normal((count, size)))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    starts = np.vstack([np.ones(count), u.T])

    def ours(rtol: float = RTOL) -> Any:
        found = integrate_batch(posed, {"r": starts[0], "u": u}, rtol=rtol, atol=rtol / 100)
        return np.vstack([found["r"][:, -1], found["u"][:, -1].T])

    peers: dict[str, Peer] = {"polarflow": ours}
    if installed("numba"):
        velocity = by_numba(A, y)

        def one_by_one() -> Any:
            return np.array([solve_ivp(velocity, (0, END), start, method="DOP853", rtol=RTOL, atol=ATOL).y[:, -1] for start in starts.T]).T

        peers["solve_ivp, Numba"] = one_by_one
    if installed("heyoka"):
        peers["heyoka, 8 lanes"] = batch_heyoka(A, y, starts)
    if installed("jax", "diffrax"):
        peers["diffrax Dopri8, vmap"] = by_diffrax(A, y, starts, batch=True)
    print(f"{count} trajectories, N = {size}; per trajectory")
    alternated(peers, ours(1e-13), runs, count)


def main() -> None:
    quick = sys.argv[1:] == ["quick"]
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}; rtol {RTOL:g}, atol {ATOL:g}, T = {END}")
    if absent := [name for name in ("numba", "heyoka", "diffrax") if not installed(name)]:
        print(f"absent, and not compared with: {', '.join(absent)} (pip install {' '.join(absent)})")
    for size in SINGLE[:2] if quick else SINGLE:
        single(size, 3 if quick else 21 if size <= 20 else 7)
    for size in SINGLE[:1] if quick else SINGLE[:3]:
        dense(size, 3 if quick else 7)
    for size in SINGLE[:1] if quick else SINGLE[:2]:
        event(size, 3 if quick else 7)
        laws(size, 3 if quick else 7)
    for method in ("LSODA",) if quick else ("LSODA", "BDF", "Radau"):
        stiff(20, method, 3)
    for size, count in BATCHES[:1] if quick else BATCHES:
        batch(size, count, 1 if quick else 3)


if __name__ == "__main__":
    main()
