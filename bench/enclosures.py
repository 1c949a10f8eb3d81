"""Enclosures of the core flow against CAPD, the C++ library for rigorous integration: cost, width, and how far each one gets.

    python -m bench.enclosures [CAPD]

CAPD is the folder of a source tree of CAPD 6.1 built with cmake in its subfolder `build`; without it only our own columns are printed. Both follow
the polar flow with kappa = 1, L = 2, A of independent normal entries over sqrt(M), M = N/2, y = A x for a sparse x, r = 1 and u near 1/sqrt(N). The
runs are taken in turn, in seconds of CPU time: ours from the problem to the certificate, and the kernel's part, the certificate checked again; CAPD's
without its compilation. heyoka compiles our equations in the first run, which stands apart, unless it finds them among those it keeps on the disk.
Our radius is that of a Euclidean ball, CAPD's width that of the widest coordinate.

A second table has the same flow for a longer time, pulled to its spheres alone and to the logarithmic laws of the kernel of A as well: seconds,
radii, and the ratios of the latter to the former. A third has boxes of starts: how far they are followed, and how far from the polynomials they end.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
from sympy import Integer

from numerics import Problem, point_on_sphere, problem
from proofs_check.enclosing import Enclosure, enclose, law
from proofs_check.kernel import check
from proofs_check.sampling import Sizes, basis, given_point
from theory.papers.chou_rauhut_ward import in_kernel, least_squares, log_law
from theory.statements import Evolves, Part

UNIT = 2**20
PEER = """
#include <capd/capdlib.h>
#include <ctime>
#include <fstream>
#include <iostream>
#include <vector>
using namespace capd;
typedef autodiff::Node Node;
static int N, M;
// r' = -2 r <G, u^2>, u' = -2 r^2 (G u - u <G, u^2>), G = A^T (A (r u)^2 - y)
static void field(Node, Node in[], int, Node out[], int, Node c[], int) {
  Node *A = c, *y = c + M * N;
  std::vector<Node> x(N), G(N), p(M);
  for (int i = 0; i < N; ++i) x[i] = sqr(in[0] * in[1 + i]);
  for (int k = 0; k < M; ++k) {
    p[k] = A[k * N] * x[0];
    for (int i = 1; i < N; ++i) p[k] = p[k] + A[k * N + i] * x[i];
    p[k] = p[k] - y[k];
  }
  for (int i = 0; i < N; ++i) {
    G[i] = A[i] * p[0];
    for (int k = 1; k < M; ++k) G[i] = G[i] + A[k * N + i] * p[k];
  }
  Node inner = G[0] * sqr(in[1]);
  for (int i = 1; i < N; ++i) inner = inner + G[i] * sqr(in[1 + i]);
  Node rate = sqr(in[0]) * -2.;
  out[0] = in[0] * inner * -2.;
  for (int i = 0; i < N; ++i) out[1 + i] = rate * (in[1 + i] * (G[i] - inner));
}
int main(int, char** argv) {
  std::ifstream in(argv[1]);
  double end;
  in >> N >> M >> end;
  auto rational = [&]() { double a, b; in >> a >> b; return interval(a) / interval(b); };
  std::vector<interval> constants;
  for (int k = 0; k < M * N + M; ++k) constants.push_back(rational());
  IVector x(N + 1);
  for (int i = 0; i <= N; ++i) x[i] = rational();
  std::clock_t start = std::clock();
  IMap f(field, N + 1, N + 1, constants.size());
  for (std::size_t k = 0; k < constants.size(); ++k) f.setParameter(k, constants[k]);
  IOdeSolver solver(f, 20);
  solver.setAbsoluteTolerance(1e-16);
  solver.setRelativeTolerance(1e-16);
  ITimeMap map(solver);
  C0Rect2Set set(x);
  try {
    IVector at = map(interval(end), set);
    double width = 0;
    for (int i = 0; i <= N; ++i) width = std::max(width, at[i].rightBound() - at[i].leftBound());
    std::cout << "width " << width;
  } catch (std::exception&) {
    std::cout << "failed at t = " << set.getCurrentTime().leftBound();
  }
  std::cout << "," << double(std::clock() - start) / CLOCKS_PER_SEC << std::endl;
}
"""


def core(n: int, seed: int = 0) -> Problem:
    """The core flow of dimension n + 1."""
    dice, m = np.random.default_rng(seed), n // 2
    A = [[_rational(entry) for entry in row] for row in dice.standard_normal((m, n)) / m**0.5]
    x = [_rational(abs(dice.standard_normal())) if i < max(1, n // 10) else Fraction(0) for i in range(n)]
    y = [sum((a * b for a, b in zip(row, x, strict=True)), Fraction(0)) for row in A]
    data = {"A": A, "y": y, "kappa": 1, "L": 2, "eta_r": 1}
    return problem(least_squares(), data=data, start={"r": 1, "u": point_on_sphere([1] * n)}, times=(0, 1))


def _rational(value: float) -> Fraction:
    return Fraction(round(float(value) * UNIT), UNIT)


def compiled(capd: Path, folder: Path) -> Path:
    """The peer's program."""
    source, program = folder / "polar.cpp", folder / "polar"
    source.write_text(PEER, encoding="utf-8")
    include = [f"-I{capd / part}" for part in ("capdExt/include", "capdAux/include", "capdAlg/include", "capdDynSys/include", "capdExt/filibsrc")]
    options = ["-O2", "-frounding-math", "-D__USE_FILIB__", "-DFILIB_HAVE_SSE", "-std=gnu++17"]
    libraries = [capd / "build" / "libcapd.a", capd / "build" / "capdExt" / "filibsrc" / "libfilib.a"]
    subprocess.run(["g++", *options, *include, source, "-o", program, *libraries], check=True)
    return program


def peer(program: Path, posed: Problem, end: int, most: float) -> tuple[str, float]:
    """What CAPD says of the width, and its CPU seconds."""
    A, y, r, u = posed.data["A"], posed.data["y"], posed.start["r"], posed.start["u"]
    assert isinstance(A, tuple)
    assert isinstance(y, tuple)
    assert isinstance(u, tuple)
    numbers = [*(entry for row in A for entry in row), *y, r, *u]  # type: ignore[union-attr]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(f"{len(u)} {len(A)} {end}\n" + "\n".join(f"{q.numerator} {q.denominator}" for q in numbers))  # type: ignore[union-attr]
        file.flush()
        try:
            done = subprocess.run([program, file.name], capture_output=True, text=True, check=True, timeout=most)
        except subprocess.TimeoutExpired:
            return f"no end in {most:g} s", most
    said, seconds = done.stdout.strip().split(",")
    return said, float(seconds)


def timed(action: Callable[[], object]) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


def compare(program: Path | None, n: int, digits: int, *, end: int = 20, runs: int = 3, most: float = 600) -> None:
    """One row: medians of the runs, and the ratio of ours to the peer's."""
    posed = core(n)
    ours, checks, theirs, said, found = [], [], [], "", list[Enclosure]()
    for _ in range(runs):
        ours.append(timed(lambda: found.append(enclose(posed, until=end, digits=digits))))
        checks.append(timed(lambda: check(found[-1].certificate)))
        if program:
            said, seconds = peer(program, posed, end, most)
            theirs.append(seconds)
    last = found[-1]
    reached = f"{float(last.radius_at(last.reached)):.1e}" if not last.reason else f"ends at t = {float(last.reached):.4g}"
    row = f"{n:5} {digits:7} {end:5} {ours[0]:9.2f} {statistics.median(ours):9.2f} {statistics.median(checks):9.2f} {reached:>18}"
    if theirs:
        ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
        row += f" {statistics.median(theirs):9.2f} {said:>24} {ratio:7.3f}"
    print(row, flush=True)


def pulled(n: int, digits: int, *, end: int = 100, runs: int = 3) -> None:
    """One row: with the spheres alone, and with the laws."""
    posed, part = core(n), Part(in_kernel(least_squares(Integer(2))), Evolves(log_law()))
    posed = problem(least_squares(Integer(2)), data={k: v for k, v in posed.data.items() if k != "L"}, start=posed.start, times=(0, 1))
    sizes = Sizes(posed.sizes)
    laws = [law(part, basis(part.setting, log_law(), sizes, given_point(part.setting, sizes, posed.data)))]
    plain, drawn, found = [], [], list[Enclosure]()
    for _ in range(runs):
        plain.append(timed(lambda: found.append(enclose(posed, until=end, digits=digits))))
        drawn.append(timed(lambda: found.append(enclose(posed, until=end, digits=digits, laws=laws))))
    radii = [float(one.radius_at(one.reached)) for one in found[-2:]]
    cost = statistics.median(b / a for a, b in zip(plain, drawn, strict=True))
    times = f"{statistics.median(plain):9.2f} {statistics.median(drawn):9.2f} {cost:7.2f}"
    print(f"{n:5} {digits:7} {end:5} {times} {radii[0]:9.1e} {radii[1]:9.1e} {radii[1] / radii[0]:7.3f}", flush=True)


def box(n: int, radius: Fraction, degree: int, *, end: int = 5) -> None:
    """One row: every start with r and the u_i within a radius."""
    found = list[Enclosure]()
    seconds = timed(lambda: found.append(enclose(core(n), until=end, digits=12, radii={"r": radius, "u": radius}, degree=degree)))
    steps = found[0].certificate["steps"]
    apart = f"{float(Fraction(steps[-1]['out'])):9.1e}" if steps else " " * 9
    print(f"{n:5} {radius!s:>7} {degree:7} {seconds:9.2f} {float(found[0].reached):9.4g} {apart}", flush=True)


def main() -> None:
    places = sys.argv[1:]
    if not places:
        print("no CAPD to compare with: give the folder of a built one, python -m bench.enclosures FOLDER")
    print(f"{'N':>5} {'digits':>7} {'t':>5} {'first, s':>9} {'ours, s':>9} {'check, s':>9} {'radius':>18} {'CAPD, s':>9} {'CAPD':>24} {'ratio':>7}")
    enclose(core(2), until=1, digits=15)  # what is imported and compiled once is not timed
    with tempfile.TemporaryDirectory() as folder:
        program = compiled(Path(places[0]), Path(folder)) if places else None
        for n, digits in ((5, 12), (5, 15), (5, 30), (10, 12), (10, 15), (10, 30), (20, 12), (20, 15), (20, 30)):
            compare(program, n, digits)
        compare(program, 50, 20, runs=1)
        compare(None, 50, 20, end=100, runs=1)
        compare(None, 200, 20, runs=1)
    print(f"\n{'N':>5} {'digits':>7} {'t':>5} {'alone, s':>9} {'laws, s':>9} {'ratio':>7} {'alone':>9} {'laws':>9} {'ratio':>7}")
    for n in (5, 10, 20):
        pulled(n, 20)
    print(f"\n{'N':>5} {'box':>7} {'degree':>7} {'ours, s':>9} {'to t':>9} {'apart':>9}")
    for n, radius, degree in ((2, 100, 1), (2, 100, 3), (2, 20, 3), (5, 1000, 1), (5, 1000, 2), (5, 100, 3)):
        box(n, Fraction(1, radius), degree)


if __name__ == "__main__":
    main()
