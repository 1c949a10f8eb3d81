"""Time what the README promises, each in processes of its own, and print the table.

Every figure is the median of its runs in seconds of wall time. Speed against a peer is measured as a ratio of runs taken in turn.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DERIVE = """
import time
start = time.perf_counter()
from theory.derivations import energy_dissipation
from theory.papers.chou_rauhut_ward import L, c1, c2, c3, c4, c5, c6, least_squares
from theory.separable import dual_coordinates
imported = time.perf_counter()
for statement in (c1(), c2(), c3(), c4(), c5(), c6()):
    for part in statement.parts:
        assert part.setting.flow is None or part.setting.flow.velocities
setting = least_squares(L)
energy_dissipation(setting), dual_coordinates(setting)
print(imported - start, time.perf_counter() - imported)
"""


def run(*command: str, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done.stdout


def timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def median(action: Callable[[], float], runs: int) -> float:
    return statistics.median(action() for _ in range(runs))


def clean_clone() -> float:
    """`make verify` in a fresh clone: the environment, the installation, the main job."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "polarflow"
        run("git", "clone", "--quiet", str(ROOT), str(clone))
        return timed(lambda: run("make", "verify", cwd=clone))


def verify_cold() -> float:
    """The main job when installed, with an empty ledger."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = {"POLARFLOW_LEDGER": str(Path(folder) / "ledger.sqlite")}
        return timed(lambda: run(sys.executable, "-m", "polarflow.cli", "verify", "chou_rauhut_ward", env=ledger))


def verify_warm() -> float:
    """The same with the ledger of a run before."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = {"POLARFLOW_LEDGER": str(Path(folder) / "ledger.sqlite")}
        run(sys.executable, "-m", "polarflow.cli", "verify", "chou_rauhut_ward", env=ledger)
        return timed(lambda: run(sys.executable, "-m", "polarflow.cli", "verify", "chou_rauhut_ward", env=ledger))


def derivation() -> float:
    """C1 to C6 derived with symbolic sizes, depth and ratio, without the import of SymPy."""
    return float(run(sys.executable, "-c", DERIVE).split()[1])


def importing() -> float:
    """`import polarflow`, less the start of Python."""
    bare = timed(lambda: run(sys.executable, "-c", "pass"))
    return timed(lambda: run(sys.executable, "-c", "import polarflow")) - bare


FIGURES: tuple[tuple[str, Callable[[], float], int, float], ...] = (
    ("make verify from a clean clone, installation included", clean_clone, 1, 180),
    ("make verify when installed, ledger empty", verify_cold, 3, 30),
    ("make verify when installed, ledger warm", verify_warm, 3, 30),
    ("derivation of C1 to C6, symbolic N, M, L, kappa", derivation, 5, 5),
    ("import polarflow", importing, 5, 1),
)


def main() -> None:
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, {sys.platform}")
    print(f"{'figure':60} {'runs':>4} {'median s':>9} {'goal s':>7}")
    for name, action, runs, goal in FIGURES:
        print(f"{name:60} {runs:4} {median(action, runs):9.2f} {goal:7g}", flush=True)


if __name__ == "__main__":
    main()
