"""Many digits: what is claimed is true, on solutions known in closed form, against odefun, and by conservation; and what must be noticed is."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import Any

import pytest
import sympy as sp
from flint import fmpz_mat
from mpmath import mp

from numerics import EMITTERS, IntegrationFailed, Problem, Trajectory, Unsupported, compile, drift, integrate, point_on_sphere, problem
from numerics.taylor import coefficients, machine
from theory.dynamics import vector_field
from theory.papers.chou_rauhut_ward import depth, kappa, least_squares
from theory.settings import Setting, Space, family
from theory.symbols import Variable, index, size, total

taylor = importlib.import_module("numerics.integrate.taylor")

Lookup = Callable[[str], Setting]
Values = Callable[..., dict[str, Any]]
ENGINES = ("vectors", "heyoka")


def scalar(right: Callable[[Any, Any], sp.Expr], start: Any, end: Any) -> Problem:
    """q' = f(q, t)."""
    q, t = Variable("q", (), "parameter"), Variable("t", (), "time")
    setting = vector_field(Setting((q, t)), Space((q,)), {"q": family(right(q[()], t[()]) + 0 * t[()])})
    return problem(setting, data={}, start={"q": start}, times=(0, end))


# Right side, start, end, and the solution at the end.
KNOWN: dict[str, tuple[Callable[[Any, Any], sp.Expr], Any, Any, Callable[[], Any]]] = {
    "growth": (lambda q, t: q / 3, 1, 7, lambda: mp.exp(mp.mpf(7) / 3)),
    "growth to e^60": (lambda q, t: 3 * q, 1, 20, lambda: mp.exp(60)),
    "decay": (lambda q, t: -5 * q, "1/7", 12, lambda: mp.exp(-60) / 7),
    "logistic": (lambda q, t: q * (1 - q), "1/10", 9, lambda: 1 / (1 + 9 * mp.exp(-9))),
    "before a pole": (lambda q, t: q**2, 1, "99/100", lambda: mp.mpf(100)),
    "tangent": (lambda q, t: 1 + q**2, 0, "3/2", lambda: mp.tan(mp.mpf(3) / 2)),
    "Gauss": (lambda q, t: -t * q, 1, 6, lambda: mp.exp(-18)),
    "logarithm": (lambda q, t: sp.exp(-q), 0, 50, lambda: mp.log(51)),
    "a square": (lambda q, t: sp.sqrt(q), 1, 8, lambda: mp.mpf(25)),
    "a real power": (lambda q, t: q ** sp.Rational(5, 3), 1, "7/5", lambda: mp.mpf(15) ** (mp.mpf(3) / 2)),
    "a negative power": (lambda q, t: q**-3, 1, 10, lambda: mp.mpf(41) ** (mp.mpf(1) / 4)),
    "moving exponent": (lambda q, t: (1 + t) ** (-q / q), 0, 3, lambda: mp.log(4)),
    "numbers no double holds": (lambda q, t: (sp.pi + sp.sqrt(2) + sp.Rational(1, 3)) * q, 1, 1, lambda: mp.exp(mp.pi + mp.sqrt(2) + mp.mpf(1) / 3)),
}


def error(found: Trajectory, exact: Any) -> Any:
    """Of the last state, relative to max(1, |x|)."""
    return abs(found["q"][-1] - exact) / max(mp.one, abs(exact))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", KNOWN)
def test_never_fewer_true_digits_than_claimed(name: str, engine: str) -> None:
    right, start, end, solution = KNOWN[name]
    posed = scalar(right, start, end)
    for digits in (16, 30, 60):
        found = integrate(posed, digits=digits, engine=engine)
        with mp.workdps(digits + 30):
            assert found.achieved is not None
            assert found.achieved >= digits
            assert error(found, solution()) < mp.mpf(10) ** -found.achieved


@pytest.mark.parametrize("name", ["logistic", "a real power"])
def test_two_hundred_digits(name: str) -> None:
    right, start, end, solution = KNOWN[name]
    found = integrate(scalar(right, start, end), digits=200)
    with mp.workdps(240):
        assert error(found, solution()) < mp.mpf(10) ** -200


def test_a_turning_plane_of_vectors() -> None:
    """x' = J x keeps the circle; J has thirds in it, so its coefficients have all limbs."""
    x, J, i, j, N = Variable("x", (size("N"),), "parameter"), Variable("J", (size("N"), size("N"))), index("i"), index("j"), size("N")
    setting = vector_field(Setting((x, J)), Space((x,)), {"x": family(total(J[i, j] * x[j], (j, N)), (i, N))})
    posed = problem(setting, data={"J": [[0, "-1/3"], ["1/3", 0]]}, start={"x": [1, 0]}, times=(0, "1/7", 1, 30))
    found = integrate(posed, digits=50)
    with mp.workdps(70):
        for moment, state in zip(found.times, found["x"], strict=True):
            angle = mp.mpf(moment.numerator) / moment.denominator / 3
            assert max(abs(state[0] - mp.cos(angle)), abs(state[1] - mp.sin(angle))) < mp.mpf(10) ** -found.achieved


@pytest.mark.parametrize(
    "name", ["exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan", "asinh", "acosh", "atanh"]
)
def test_every_function_has_its_recurrence(name: str) -> None:
    """q' = f(a + t/4) is an integral, which mpmath works out by quadrature."""
    a = sp.Rational(5, 4) if name == "acosh" else sp.Rational(1, 5)
    found = integrate(scalar(lambda q, t: getattr(sp, name)(a + t / 4), 0, 1), digits=40, engine="vectors")
    with mp.workdps(60):
        exact = mp.quad(lambda t: getattr(mp, name)(mp.mpf(a.p) / a.q + t / 4), [0, 1])
        assert error(found, exact) < mp.mpf(10) ** -40


def test_what_the_flow_loses_is_put_in_before() -> None:
    """q' = 2(q - sin t) + cos t has sin t, and every error grows by e^(2 t), 10^17 in the end."""
    posed = scalar(lambda q, t: 2 * (q - sp.sin(t)) + sp.cos(t), 0, 20)
    with mp.workdps(60):
        assert error(integrate(posed, digits=30, check=False), mp.sin(20)) > mp.mpf(10) ** -25
        found = integrate(posed, digits=30)
        assert error(found, mp.sin(20)) < mp.mpf(10) ** -found.achieved < mp.mpf(10) ** -29


def test_it_says_so_when_runs_do_not_come_to_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taylor, "_ROUNDS", 1)
    posed = scalar(lambda q, t: 2 * (q - sp.sin(t)) + sp.cos(t), 0, 20)
    with pytest.raises(IntegrationFailed, match=r"agree to \d+ digits only, and 30 were asked for"):
        integrate(posed, digits=30)


def test_a_series_with_gaps_is_not_overstepped() -> None:
    """q' = 1 + q^300 from 0: the coefficients up to order 300 say that q = t for ever; the equation at the end of a step does not."""
    found = integrate(scalar(lambda q, t: 1 + q**300, 0, 1), digits=30)
    assert int(found.options["rejected"]) > 0
    with mp.workdps(50):
        time = mp.quad(lambda s: 1 / (1 + s**300), [0, mp.mpf(9) / 10, mp.mpf(98) / 100, 1, found["q"][-1]])
        assert abs(time - 1) < mp.mpf(10) ** -30
    with pytest.raises(IntegrationFailed) as failure:
        integrate(scalar(lambda q, t: 1 + q**300, 0, 2), digits=30)
    assert failure.value.reached == pytest.approx(float(mp.pi / 300 / mp.sin(mp.pi / 300)), abs=1e-9)


def core_flow(n: int, level: int, times: Any) -> tuple[Problem, list[list[Fraction]]]:
    """The core flow on a small whole matrix, and the kernel of that."""
    dice, m = Random(n), n // 2
    matrix = [[dice.randint(-3, 3) for _ in range(n)] for _ in range(m)]
    planted = [1 if place < max(1, n // 10) else 0 for place in range(n)]
    A = [[Fraction(entry, n) for entry in row] for row in matrix]
    y = [sum(a * x for a, x in zip(row, planted, strict=True)) for row in A]
    data = {depth.name: level, kappa.name: 1, "eta_r": 1, "A": A, "y": y}
    posed = problem(least_squares(depth[()]), data=data, start={"r": 1, "u": point_on_sphere([1] * n)}, times=times)
    basis, rank = fmpz_mat(matrix).nullspace()
    columns = [[Fraction(int(basis[row, column])) for row in range(n)] for column in range(rank)]
    return posed, [[entry / max(map(abs, z)) for entry in z] for z in columns]


@pytest.mark.parametrize("n", [5, 20])
@pytest.mark.parametrize("level", [2, 3])
def test_the_laws_of_the_core_flow_hold_to_the_digits_asked_for(n: int, level: int) -> None:
    posed, kernel = core_flow(n, level, (0, 1, 5, 20))
    found = integrate(posed, digits=50)
    setting, i, N = posed.setting, index("i"), size("N")
    z, r, u = Variable("z", (N,)), setting["r"][()], setting["u"]

    def law(sign: int) -> sp.Expr:
        if level == 2:
            return total(z[i] * (sp.log(u[i]) + sign * r**2 / 2), (i, N))
        return total(z[i] / u[i], (i, N)) * sp.exp(-sign * r**2 / 2)

    assert drift(found, total(u[i] ** 2, (i, N))) < mp.mpf(10) ** -50
    for vector in kernel[:3]:
        # A law with log u or 1/u in it is as good as the smallest u; its terms are added up.
        scale = mp.mpf(10) * len(vector) / min(found["u"][-1]) ** (level - 1)
        assert drift(found, law(+1), extra={"z": vector}) < mp.mpf(10) ** -50 * scale
    # A vector that sums to 0 does not see r.
    assert max(drift(found, law(-1), extra={"z": vector}) for vector in kernel[:3]) > mp.mpf(10) ** -6


def test_the_core_flow_against_odefun() -> None:
    posed, _ = core_flow(4, 3, (0, "1/4"))
    mine, oracle = integrate(posed, digits=40), integrate(posed, digits=50, method="odefun")
    with mp.workdps(60):
        for a, b in zip(posed.layout.pack(mine.states[-1]), posed.layout.pack(oracle.states[-1]), strict=True):
            assert abs(a - b) < mp.mpf(10) ** -mine.achieved


@pytest.mark.parametrize("engine", ENGINES)
def test_the_claim_on_the_core_flow_is_below_what_more_digits_say(engine: str) -> None:
    posed, _ = core_flow(10, 2, (0, 5))
    few, many = integrate(posed, digits=25, engine=engine), integrate(posed, digits=60)
    with mp.workdps(70):
        worst = max(abs(a - b) for a, b in zip(posed.layout.pack(few.states[-1]), posed.layout.pack(many.states[-1]), strict=True))
        assert 0 < worst < mp.mpf(10) ** -few.achieved


def test_the_engines_agree_on_every_setting(setting: Setting, some_values: Values, different_sizes: dict[str, int]) -> None:
    """One works entry by entry on scalar equations, the other on whole vectors from the array program."""
    values = some_values(setting, seed=11, sizes=different_sizes)
    assert setting.flow is not None
    start = {block.name: values[block.name] for block in setting.flow.space.parameters}
    if setting.flow.space.spheres:
        start["u"] = ["1/2", "1/2", "1/2", "1/2"]
    data = {name: value for name, value in values.items() if name not in start}
    posed = problem(setting, data=data, start=start, times=(0, Fraction(1, 200), Fraction(1, 100)))
    mine, other = (integrate(posed, digits=40, engine=engine) for engine in ENGINES)
    assert (mine.options["engine"], other.options["engine"]) == ENGINES
    with mp.workdps(60):
        for state, wanted in zip(mine.states, other.states, strict=True):
            for a, b in zip(posed.layout.pack(state), posed.layout.pack(wanted), strict=True):
                assert abs(a - b) <= mp.mpf(10) ** -40 * max(1, abs(b))


@pytest.mark.parametrize("end", [3, 40])
def test_a_flow_that_has_come_to_rest(settings_by_name: Lookup, end: int) -> None:
    """The residual A x - y is far below what doubles can see of it; still no digit may be lost."""
    data = {"L": 2, "eta_r": 1, "eta_u": 1, "A": [[1, 2, -1, 1], [2, -1, 1, 1]], "y": [3, 2]}
    posed = problem(settings_by_name("polar"), data=data, start={"r": 1, "u": ["1/2"] * 4}, times=(0, end))
    few, many = integrate(posed, digits=25), integrate(posed, digits=50)
    with mp.workdps(60):
        assert max(map(abs, _velocity(many))) < mp.mpf(10) ** -25
        pairs = zip(posed.layout.pack(few.states[-1]), posed.layout.pack(many.states[-1]), strict=True)
        assert max(abs(a - b) for a, b in pairs) < mp.mpf(10) ** -few.achieved


def _velocity(found: Trajectory) -> list[Any]:
    layout, program = found.problem.layout, found.problem.program
    constants = {variable.name: EMITTERS["mpmath"].values(found.problem.data[variable.name]) for variable in program.inputs}
    velocity = compile(EMITTERS["mpmath"].emit(program, ""))
    return layout.pack(dict(zip(layout.names, velocity(mp.zero, *found.states[-1].values(), **constants), strict=True)))


def test_a_flow_that_starts_at_rest() -> None:
    """Velocities that are 0, and doubles of thirds that are not."""
    posed = scalar(lambda q, t: (q - sp.Rational(1, 3)) ** 2 + q**3 - q / 9, "1/3", 7)
    assert abs(integrate(posed, digits=40)["q"][-1] - mp.mpf(1) / 3) < mp.mpf(10) ** -14
    with mp.workdps(60):
        assert abs(integrate(posed, digits=40)["q"][-1] - mp.mpf(1) / 3) < mp.mpf(10) ** -40


def test_times_inside_a_step_are_as_good_as_its_end() -> None:
    posed, _ = core_flow(6, 2, (0, *(Fraction(n, 97) for n in range(1, 98))))
    dense = integrate(posed, digits=40)
    for place in (1, 40, 96):
        alone, _ = core_flow(6, 2, (0, posed.times[place]))
        with mp.workdps(60):
            pairs = zip(posed.layout.pack(dense.states[place]), posed.layout.pack(integrate(alone, digits=40).states[-1]), strict=True)
            assert max(abs(a - b) for a, b in pairs) < mp.mpf(10) ** -40


def test_a_wrong_limb_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both runs would follow the same wrong field and agree; the generated source does not."""

    def wrong(op: Any, form: Any) -> coefficients.Entries:
        found = coefficients.entries(op, form)
        return coefficients.Entries(found.rows, found.sources, found.components, found.powers - (found.powers < 0), found.limbs)

    monkeypatch.setattr(machine, "entries", wrong)
    with pytest.raises(IntegrationFailed, match="off that of the mpmath source"):
        integrate(core_flow(6, 2, (0, 1))[0], digits=30)


def test_fewer_digits_than_are_asked_for_are_not_claimed() -> None:
    posed, _ = core_flow(4, 2, (0, 1))
    found = integrate(posed, digits=40, check=False)
    with mp.workdps(60):
        moved = [{name: _moved(block, mp.mpf(10) ** -33) for name, block in state.items()} for state in found.states]
    other = Trajectory(posed, found.times, tuple(moved), 40, "taylor")
    assert taylor.agreement(found, other, 42) == 31
    assert taylor.agreement(found, found, 42) == 42


def _moved(block: Any, by: Any) -> Any:
    return tuple(entry + by for entry in block) if isinstance(block, tuple) else block + by


def test_the_rule_for_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    posed, _ = core_flow(4, 2, (0, 1))
    double, many = integrate(posed, digits=15, method="taylor"), integrate(posed, digits=20)
    assert (double.options["engine"], double.achieved) == ("heyoka", None)
    assert many.options["engine"] == "vectors"
    monkeypatch.setattr(taylor, "find_spec", lambda name: None)
    without = integrate(posed, digits=20)
    assert without.options["engine"] == "heyoka"
    assert without.achieved is not None
    with pytest.raises(ValueError, match="no engine 'numba'; choose one of vectors, heyoka"):
        integrate(posed, digits=20, engine="numba")


def test_an_array_of_exponents_goes_to_the_other_engine() -> None:
    h, p, N, i = Variable("h", (size("N"),), "parameter", "positive"), Variable("p", (size("N"),)), size("N"), index("i")
    setting = vector_field(Setting((h, p)), Space((h,)), {"h": family(h[i] ** p[i], (i, N))})
    posed = problem(setting, data={"p": ["1/2", "1/3"]}, start={"h": [1, 1]}, times=(0, 1))
    assert integrate(posed, digits=20).options["engine"] == "heyoka"
    with pytest.raises(Unsupported, match="array of exponents"):
        integrate(posed, digits=20, engine="vectors")


@pytest.mark.parametrize("engine", ENGINES)
def test_the_end_of_the_domain_is_reported_at_many_digits(engine: str) -> None:
    for posed in (scalar(lambda q, t: q**2, 1, 2), scalar(lambda q, t: sp.log(2 - t), 0, 3)):
        with pytest.raises(IntegrationFailed, match="stopped near t = ") as failure:
            integrate(posed, digits=30, engine=engine)
        assert failure.value.reached == pytest.approx(1 if posed.start["q"] == 1 else 2, abs=1e-2)
    with pytest.raises(IntegrationFailed, match="budget of 2 steps"):
        integrate(scalar(lambda q, t: q * (1 - q), "1/10", 40), digits=30, engine=engine, max_steps=2)
