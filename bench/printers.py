"""What a call of the generated right sides costs, as ratios against NumPy written by hand; and what the lowering costs.

The flow is the polar flow with eta_r = kappa = 1 on Gaussian data, M = N/2, and M = 1000 for N = 10 000. Runs are taken in turn, on one thread, in
CPU time; a figure is the median over the rounds of the ratio within a round. Run it with `python -m bench.printers`.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is loaded
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import ctypes
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import sympy as sp

from numerics import compile, program, source
from theory.charts import polar, rederive
from theory.losses import square
from theory.models import power
from theory.settings import Setting
from theory.symbols import Variable, size

SIZES = ((50, 25), (1000, 500), (10_000, 1000))
TARGETS = ("numpy", "numba", "jax", "c")


def polar_flow(depth: int, rows: sp.Expr, columns: sp.Expr) -> Setting:
    w, A, y = Variable("w", (columns,), "parameter", "positive"), Variable("A", (rows, columns)), Variable("y", (rows,))
    return rederive(power(w, sp.Integer(depth)), square(A, y, (columns,)), polar(w), {"r": sp.S.One, "u": sp.S.One}, given=(A, y))


def by_hand(depth: int) -> Callable[..., Any]:
    """What one would write: nothing computed twice, no more arrays than needed."""

    def two(t: float, r: float, u: Any, A: Any, y: Any) -> Any:
        squares = u * u
        gradient = (A @ (r * r * squares) - y) @ A
        inner = gradient @ squares
        return -2 * r * inner, (2 * r * r) * (inner - gradient) * u

    def three(t: float, r: float, u: Any, A: Any, y: Any) -> Any:
        cubes = u * u * u
        gradient = (A @ (r * r * r * cubes) - y) @ A
        inner = gradient @ cubes
        return -3 * r * r * inner, (3 * r * r * r) * (inner - gradient * u) * u

    return {2: two, 3: three}[depth]


def in_c(text: str, folder: str, r: float, u: Any, A: Any, y: Any) -> Callable[[], Any]:
    """The C source behind ctypes, its arguments made once."""
    path = Path(folder) / f"velocity_{abs(hash(text))}.c"
    path.write_text(text, encoding="utf-8")
    flags = ["-std=c99", "-O3", "-march=native", "-fopenmp-simd", "-shared", "-fPIC"]
    subprocess.run(["cc", *flags, "-o", f"{path}.so", str(path), "-lm"], check=True)
    library = ctypes.CDLL(f"{path}.so")
    library.velocity_work.restype, library.velocity.restype = ctypes.c_size_t, None
    r_dot, u_dot = np.empty(1), np.empty_like(u)
    sizes = [ctypes.c_size_t({"N": len(u), "M": len(y)}[symbol.name]) for symbol in (size("N"), size("M"))]
    work = np.empty(library.velocity_work(*sizes))
    arrays = [array.ctypes.data_as(ctypes.c_void_p) for array in (u, A, y, r_dot, u_dot, work)]
    kept = (u, A, y, r_dot, u_dot, work)

    def call() -> Any:
        library.velocity(ctypes.c_double(0.0), *sizes, ctypes.c_double(r), *arrays)
        return kept[3][0], kept[4]

    return call


def ratios(calls: dict[str, Callable[[], Any]], peer: str, *, rounds: int, seconds: float) -> tuple[dict[str, float], float]:
    """Median ratios of CPU time against the peer, all run in turn; and the seconds of one call of the peer."""
    start = time.process_time()
    calls[peer]()
    repeats = max(1, round(seconds / max(time.process_time() - start, 1e-6)))
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.process_time()
            for _ in range(repeats):
                call()
            found[name].append((time.process_time() - start) / repeats)
    shared = {name: statistics.median(mine / theirs for mine, theirs in zip(times, found[peer], strict=True)) for name, times in found.items()}
    return shared, statistics.median(found[peer])


def calls_at(depth: int, columns: int, rows: int, folder: str) -> dict[str, Callable[[], Any]]:
    """By hand, the two matrix-vector products alone, and every target; all checked to agree first."""
    dice = np.random.default_rng(0)
    A = dice.standard_normal((rows, columns)) / np.sqrt(rows)
    wanted = np.zeros(columns)
    wanted[: max(1, columns // 10)] = 1.0
    y, u, r = A @ wanted, np.full(columns, 1 / np.sqrt(columns)), 1.0
    setting, mine = polar_flow(depth, size("M"), size("N")), by_hand(depth)
    calls: dict[str, Callable[[], Any]] = {"by hand": lambda: mine(0.0, r, u, A, y), "two products": lambda: (A @ u) @ A}
    for target in TARGETS:
        text = source(setting, target)
        if target == "c":
            calls[target] = in_c(text, folder, r, u, A, y)
            continue
        velocity = compile(text)
        if target == "jax":
            import jax

            device = [jax.device_put(array) for array in (u, A, y)]
            calls[target] = lambda velocity=velocity, a=device: jax.block_until_ready(velocity(0.0, r, a[0], A=a[1], y=a[2]))
        else:
            calls[target] = lambda velocity=velocity: velocity(0.0, r, u, A=A, y=y)
    reference = mine(0.0, r, u, A, y)
    for target in TARGETS:
        for found, right in zip(calls[target](), reference, strict=True):
            assert np.allclose(found, right, rtol=1e-10, atol=1e-12), target
    return calls


def lowering() -> float:
    """CPU seconds from the setting to NumPy source at N = 10 000, M = 1000, the flow built but nothing of it worked out before."""
    setting = polar_flow(2, sp.Integer(1000), sp.Integer(10_000))
    start = time.process_time()
    program(setting)
    source(setting, "numpy")
    return time.process_time() - start


def main() -> None:
    print(f"lowering and printing at N = 10 000, M = 1000: {statistics.median(lowering() for _ in range(5)):.3f} s of CPU time")
    print(
        f"{'L':>2} {'N':>6} {'M':>5} {'by hand, us':>12} {'two products':>13} "
        + " ".join(f"{name:>7}" for name in TARGETS)
        + "   (ratios to by hand)"
    )
    with tempfile.TemporaryDirectory() as folder:
        for depth in (2, 3):
            for columns, rows in SIZES:
                found, seconds = ratios(calls_at(depth, columns, rows, folder), "by hand", rounds=15, seconds=0.05)
                shown = " ".join(f"{found[name]:7.2f}" for name in TARGETS)
                print(f"{depth:2} {columns:6} {rows:5} {seconds * 1e6:12.1f} {found['two products']:13.2f} {shown}", flush=True)


if __name__ == "__main__":
    main()
