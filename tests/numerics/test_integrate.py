"""The integrators: against each other, against odefun, against certified values, and where they must fail."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy as sp
from mpmath import mp

from numerics import METHODS, IntegrationFailed, Problem, Trajectory, Unsupported, drift, integrate, observe, problem
from theory.charts import polar, rederive
from theory.dynamics import vector_field
from theory.losses import square
from theory.models import power
from theory.settings import Setting, Space, family
from theory.symbols import Variable, index, size, total

Lookup = Callable[[str], Setting]
Values = Callable[..., dict[str, Any]]

A1: Any = [[1, 2, -1, 1], [2, -1, 1, 1]]
A2: Any = [[1, 0, 2, -1, 1], [0, 1, 1, 1, -1], [1, 1, 0, 1, 2]]
KERNEL_OF_A1 = (["-1/5", "3/5", 1, 0], ["-3/5", "-1/5", 0, 1])
KERNEL_OF_A2 = (["1/3", "-4/3", "1/3", 1, 0], ["-7/3", "1/3", "2/3", 0, 1])

# Chou, Rauhut, Ward: instances integrated independently at 60 digits; the radius of the first two at t = 1/4, the rest at t = 1.
R_I1 = "1.558539208834603525475609645315808620936"
R_I2 = "1.903592664600684960442091397540205361445"
R_I6 = "1.370800255373787722271822063818853910144"
U_I1 = (
    "0.6406142322223488081748721035577792017216",
    "0.5436019947182023691957362988639679639687",
    "0.1822534266336539382826714569311558920352",
    "0.5107778042288577742595676943015567394149",
)


def first(setting: Setting, times: Any) -> Problem:
    data = {"L": 2, "eta_r": 1, "eta_u": 1, "A": A1, "y": [3, 2]}
    return problem(setting, data=data, start={"r": 1, "u": ["1/2"] * 4}, times=times)


def second(setting: Setting, times: Any) -> Problem:
    data = {"L": 3, "eta_r": 1, "eta_u": "1/2", "A": A2, "y": [4, "1/2", 4]}
    return problem(setting, data=data, start={"r": "5/4", "u": ["1/4", "1/4", "1/4", "1/2", "3/4"]}, times=times)


def signed_polar() -> Setting:
    """Weight normalisation of a linear model, entries of either sign."""
    N, M = size("N"), size("M")
    w, L = Variable("w", (N,), "parameter"), Variable("L", (), "constant", "positive")
    rates = tuple(Variable(name, (), "constant", "positive") for name in ("eta_r", "eta_u"))
    A, y = Variable("A", (M, N)), Variable("y", (M,))
    return rederive(power(w, L[()]), square(A, y, (N,)), polar(w), {"r": rates[0][()], "u": rates[1][()]}, given=(L, *rates, A, y))


def law(setting: Setting, sign: int, ratio: sp.Expr) -> sp.Expr:
    """$\\sum_i z_i(\\log u_i + \\kappa r^2/2)$, and its mutant with the sign flipped."""
    i, N = index("i"), size("N")
    z = Variable("z", (N,))
    return total(z[i] * (sp.log(setting["u"][i]) + sign * ratio * setting["r"][()] ** 2 / 2), (i, N))


@pytest.fixture(scope="module")
def sixty(settings_by_name: Lookup) -> Trajectory:
    return integrate(first(settings_by_name("polar"), (0, "1/4", 1, 4)), digits=60)


def close(value: Any, reference: str, digits: int) -> bool:
    with mp.workdps(70):
        return bool(abs(value - mp.mpf(reference)) <= mp.mpf(10) ** (1 - digits))


def test_the_first_instance_to_38_digits(sixty: Trajectory) -> None:
    assert (sixty.method, sixty.digits) == ("taylor", 60)
    assert close(sixty["r"][1], R_I1, 38)
    assert all(close(value, reference, 38) for value, reference in zip(sixty["u"][2], U_I1, strict=True))


def test_the_second_instance_to_38_digits(settings_by_name: Lookup) -> None:
    found = integrate(second(settings_by_name("polar"), (0, "1/4")), digits=50)
    assert close(found["r"][1], R_I2, 38)
    i, z = index("i"), Variable("z", (size("N"),))
    setting = settings_by_name("polar")
    # For L > 2: sum_i z_i u_i^(2 - L) exp(-(L - 2) kappa r^2 / 2) with kappa = eta_u / eta_r = 1/2, at L = 3.
    right, wrong = (total(z[i] / setting["u"][i], (i, size("N"))) * sp.exp(sign * setting["r"][()] ** 2 / 4) for sign in (-1, 1))
    for kernel in KERNEL_OF_A2:
        assert drift(found, right, extra={"z": kernel}) < mp.mpf(10) ** -45
        assert drift(found, wrong, extra={"z": kernel}) > mp.mpf(10) ** -6


def test_entries_of_either_sign() -> None:
    data = {"L": 1, "eta_r": 1, "eta_u": 2, "A": A1, "y": [3, 2]}
    posed = problem(signed_polar(), data=data, start={"r": 1, "u": ["1/2", "-1/2", "1/2", "1/2"]}, times=(0, 1))
    assert close(integrate(posed, digits=45)["r"][1], R_I6, 38)
    assert close(integrate(posed)["r"][1], R_I6, 11)


def test_the_law_holds_and_its_mutant_does_not(sixty: Trajectory) -> None:
    setting, ratio = sixty.problem.setting, sixty.problem.setting["eta_u"][()] / sixty.problem.setting["eta_r"][()]
    for kernel in KERNEL_OF_A1:
        assert drift(sixty, law(setting, +1, ratio), extra={"z": kernel}) < mp.mpf(10) ** -45
        assert drift(sixty, law(setting, -1, ratio), extra={"z": kernel}) > mp.mpf(10) ** -6


def test_the_law_fails_off_the_kernel(sixty: Trajectory) -> None:
    assert drift(sixty, law(sixty.problem.setting, +1, sp.S.One), extra={"z": [1, 0, 0, 0]}) > mp.mpf(10) ** -6


def test_the_norm_stays_one_and_the_loss_goes_down(sixty: Trajectory) -> None:
    setting, i = sixty.problem.setting, index("i")
    assert drift(sixty, total(setting["u"][i] ** 2, (i, size("N")))) < mp.mpf(10) ** -58
    losses = [value for (value,) in observe(sixty, [sp.Symbol("F")])]
    assert losses[0] == mp.mpf(53) / 16
    assert all(later < earlier for earlier, later in itertools.pairwise(losses))


def test_taylor_agrees_with_odefun_to_45_digits(settings_by_name: Lookup) -> None:
    posed = first(settings_by_name("polar"), (0, "1/32"))
    mine, oracle = integrate(posed, digits=60), integrate(posed, digits=48, method="odefun")
    with mp.workdps(60):
        gaps = [abs(a - b) for a, b in zip(posed.layout.pack(mine.states[-1]), posed.layout.pack(oracle.states[-1]), strict=True)]
        moved = abs(mine["r"][1] - 1)
    assert max(gaps) < mp.mpf(10) ** -45
    assert moved > mp.mpf(1) / 100


def test_more_digits_confirm_fewer(settings_by_name: Lookup) -> None:
    posed = first(settings_by_name("polar"), (0, "1/3"))
    few, many = integrate(posed, digits=30), integrate(posed, digits=60)
    with mp.workdps(60):
        assert 0 < abs(few["r"][1] - many["r"][1]) < mp.mpf(10) ** -29


@pytest.mark.parametrize("method", [name for name in METHODS if name not in ("odefun", "RK23")])
def test_methods_agree_on_every_setting(setting: Setting, method: str, some_values: Values, different_sizes: dict[str, int]) -> None:
    posed = posed_on(setting, some_values(setting, seed=5, sizes=different_sizes))
    reference = integrate(posed, digits=20)
    options: dict[str, Any] = {} if method == "taylor" else {"rtol": 1e-8, "atol": 1e-10}
    found = integrate(posed, method=method, **options)
    for state, wanted in zip(found.states, reference.states, strict=True):
        packed = [float(value) for value in posed.layout.pack({name: tuple_of(value) for name, value in state.items()})]
        assert np.allclose(packed, [float(value) for value in posed.layout.pack(wanted)], rtol=1e-5, atol=1e-6)


def posed_on(setting: Setting, values: dict[str, Any]) -> Problem:
    """A short problem with these values, its starts moved to the sphere."""
    assert setting.flow is not None
    start = {block.name: values[block.name] for block in setting.flow.space.parameters}
    if setting.flow.space.spheres:
        start["u"] = [Fraction(1, 2)] * 4
    data = {name: value for name, value in values.items() if name not in start}
    return problem(setting, data=data, start=start, times=(0, Fraction(1, 128), Fraction(1, 64)))


def tuple_of(value: Any) -> Any:
    return tuple(map(tuple_of, value)) if isinstance(value, np.ndarray) else value


def scalar_flow(right: Callable[[sp.Expr], sp.Expr], *constants: Variable) -> Setting:
    q = Variable("q", (), "parameter")
    return vector_field(Setting((q, *constants)), Space((q,)), {"q": family(right(q[()]))})


@pytest.mark.parametrize(("method", "digits"), [("DOP853", 15), ("RK45", 15), ("LSODA", 15), ("taylor", 15), ("taylor", 40)])
def test_a_blow_up_is_reported_with_its_time(method: str, digits: int) -> None:
    """q' = q^2 from q(0) = 1 leaves every bound at t = 1."""
    posed = problem(scalar_flow(lambda q: q**2), data={}, start={"q": 1}, times=(0, "1/2", 2))
    with pytest.raises(IntegrationFailed, match=r"stopped near t = (1|0\.99)") as failure:
        integrate(posed, method=method, digits=digits)
    assert failure.value.reached == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(("method", "digits"), [("DOP853", 15), ("Radau", 15), ("taylor", 15), ("taylor", 40)])
def test_the_edge_of_the_domain_is_reported(method: str, digits: int) -> None:
    """q' = -1/q from q(0) = 1 reaches the singular set q = 0 at t = 1/2."""
    posed = problem(scalar_flow(lambda q: -1 / q), data={}, start={"q": 1}, times=(0, 1))
    with pytest.raises(IntegrationFailed) as failure:
        integrate(posed, method=method, digits=digits)
    assert failure.value.reached == pytest.approx(0.5, abs=1e-3)


def test_a_spent_budget_is_reported(settings_by_name: Lookup) -> None:
    with pytest.raises(IntegrationFailed, match="budget of 3 steps is spent"):
        integrate(first(settings_by_name("polar"), (0, 4)), digits=20, max_steps=3)


def test_numbers_in_the_equations_keep_all_their_digits() -> None:
    """q' = (1/3 + sqrt(2) + pi + 2^(1/5) + e) q: not one of these may pass through a double."""
    rate = sp.Rational(1, 3) + sp.sqrt(2) + sp.pi + sp.Integer(2) ** sp.Rational(1, 5) + sp.E
    posed = problem(scalar_flow(lambda q: rate * q), data={}, start={"q": "1/10"}, times=(0, "1/7"))
    with mp.workdps(60):
        exact = mp.exp((mp.mpf(1) / 3 + mp.sqrt(2) + mp.pi + mp.mpf(2) ** (mp.mpf(1) / 5) + mp.e) / 7) / 10
        assert abs(integrate(posed, digits=50)["q"][1] - exact) < mp.mpf(10) ** -48


def test_indices_as_numbers_keep_all_their_digits() -> None:
    """h_i' = h_i c_i / c_0 with a definition-like factor c_i = 1/(i + 3): quotients that doubles would fold inexactly."""
    N, i = size("N"), index("i")
    h = Variable("h", (N,), "parameter")
    setting = vector_field(Setting((h,)), Space((h,)), {"h": family(h[i] * 7 / (i + 3), (i, N))})
    posed = problem(setting, data={}, start={"h": [1, 1, 1, 1, 1]}, times=(0, 1))
    found = integrate(posed, digits=50)["h"][1]
    with mp.workdps(60):
        assert max(abs(found[n] - mp.exp(mp.mpf(7) / (n + 3))) for n in range(5)) < mp.mpf(10) ** -48


@pytest.mark.parametrize("exponent", [2, 3, 5, 7, 40])
def test_whole_powers_of_zero_are_followed(exponent: int) -> None:
    """q' = 1 + q^n from q(0) = 0, where a power recurrence would divide by q."""
    posed = problem(scalar_flow(lambda q: 1 + q**exponent), data={}, start={"q": 0}, times=(0, "1/2"))
    assert abs(integrate(posed, method="taylor")["q"][1] - integrate(posed)["q"][1]) < 1e-12


@pytest.mark.parametrize("value", [3, "3/2", "1/3"])
def test_an_exponent_takes_the_value_of_its_constant(value: Any) -> None:
    """q' = q^L has q = (1 - (L - 1) t)^(-1/(L - 1)) from q(0) = 1."""
    L = Variable("L", (), "constant", "positive")
    q = Variable("q", (), "parameter", "positive")
    setting = vector_field(Setting((q, L)), Space((q,)), {"q": family(q[()] ** L[()])})
    posed = problem(setting, data={"L": value}, start={"q": 1}, times=(0, "1/5"))
    with mp.workdps(50):
        slope = mp.mpf(Fraction(value).numerator) / Fraction(value).denominator - 1
        assert abs(integrate(posed, digits=40)["q"][1] - (1 - slope / 5) ** (-1 / slope)) < mp.mpf(10) ** -38


def test_the_time_is_there() -> None:
    """q' = t from q(0) = 0 has q = t^2/2; an observation may mention t as well."""
    t = Variable("t", (), "time")
    q = Variable("q", (), "parameter")
    setting = vector_field(Setting((q, t)), Space((q,)), {"q": family(t[()] + 0 * q[()])})
    posed = problem(setting, data={}, start={"q": 0}, times=(0, "1/3", 2))
    for digits in (15, 40):
        found = integrate(posed, digits=digits)
        assert drift(found, q[()] - t[()] ** 2 / 2) < mp.mpf(10) ** (3 - digits)


def test_a_corner_is_refused_by_taylor() -> None:
    posed = problem(scalar_flow(lambda q: sp.Abs(q) - 1), data={}, start={"q": "1/2"}, times=(0, 1))
    with pytest.raises(Unsupported, match="not analytic"):
        integrate(posed, digits=30)
    assert integrate(posed)["q"][1] == pytest.approx(2 / np.e - 1, abs=1e-9)


def test_an_unknown_method_is_named_with_those_there_are(settings_by_name: Lookup) -> None:
    with pytest.raises(ValueError, match="choose one of taylor, odefun, DOP853"):
        integrate(first(settings_by_name("polar"), (0, 1)), method="euler")


def test_float64_does_not_pretend_to_more_digits(settings_by_name: Lookup) -> None:
    with pytest.raises(ValueError, match="30 digits were asked of DOP853"):
        integrate(first(settings_by_name("polar"), (0, 1)), method="DOP853", digits=30)


def test_a_transported_flow_is_the_same_flow(settings_by_name: Lookup) -> None:
    """Over w and over (r, u), w = r u at all times; the flow taken afresh in (r, u) is another one."""
    data = {"L": 3, "eta_r": 1, "A": A1, "y": [3, 2]}
    times, polar_start = (0, "1/10", 1), {"r": 2, "u": ["1/2"] * 4}
    plain = integrate(problem(settings_by_name("plain"), data=data, start={"w": [1] * 4}, times=times), digits=30)
    moved = integrate(problem(settings_by_name("transported"), data=data, start=polar_start, times=times), digits=30)
    afresh = integrate(problem(settings_by_name("polar"), data=data | {"eta_u": 1}, start=polar_start, times=times), digits=30)
    with mp.workdps(40):
        for n in range(len(times)):
            assert max(abs(w - moved["r"][n] * u) for w, u in zip(plain["w"][n], moved["u"][n], strict=True)) < mp.mpf(10) ** -28
        assert max(abs(w - afresh["r"][2] * u) for w, u in zip(plain["w"][2], afresh["u"][2], strict=True)) > mp.mpf(10) ** -3
