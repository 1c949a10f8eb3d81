"""Laws in closed form: found on the systems of `systems`, judged by the brackets' oracle, proved by the kernel; mutants are no laws."""

from __future__ import annotations

import importlib.util
import sys
from fractions import Fraction
from functools import cache
from pathlib import Path
from random import Random
from types import ModuleType

import numpy as np
import pytest
import sympy as sp

from discovery.explicit.candidate import Candidate
from discovery.explicit.closed import closed_forms, searched
from discovery.explicit.system import System, is_law, system
from discovery.family import every_loss
from proofs_check.exact import at_instance
from theory.files import read, read_text
from theory.settings import Instance, Setting
from theory.statements import Evolves, Part
from theory.symbols import Variable


def beside(name: str) -> ModuleType:
    """A module of this folder, which is no package."""
    spec = importlib.util.spec_from_file_location(f"closed_{name}", Path(__file__).parent / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


oracle, systems = beside("bracket_oracle"), beside("systems")
EXPECTED = {expected.file: expected for expected in systems.SYSTEMS}
ONE_LOSS = ("regression_square_loss", "square_loss_one_field")  # of which the loss is not opened

# The polynomial laws, which other searches find, and how many closed forms there are beside them.
POLYNOMIAL = {
    "product_uv": [f"x_{i}**2 - x_{i + 4}**2" for i in range(4)],
    "descent_ascent": [f"x_{i}**2 + x_{i + 4}**2" for i in range(4)],
    "difference_square": [f"x_{i}*x_{i + 4}" for i in range(4)],
    "hypentropy": [f"x_{i}**2 - x_{i + 4}**2" for i in range(4)],
    "polar_square": ["x_1**2 + x_2**2 + x_3**2 + x_4**2"],
    "polar_square_symbolic": ["x_1**2 + x_2**2 + x_3**2 + x_4**2"],
    "polar_cubic": ["x_1**2 + x_2**2 + x_3**2 + x_4**2"],
    "weight_norm_square": ["x_1**2 + x_2**2 + x_3**2 + x_4**2"],
}
CLOSED = {
    "diagonal_square": ("logarithm", 2),
    "diagonal_fifth": ("rational", 2),
    "diagonal_square_symbolic": ("logarithm", 2),
    "product_uv": ("logarithm", 2),
    "descent_ascent": ("arctangent", 2),
    "difference_square": ("logarithm", 2),
    "difference_cubic": ("rational", 6),
    "polar_square": ("logarithm", 2),
    "polar_square_off_sphere": ("logarithm", 3),
    "polar_square_symbolic": ("logarithm", 2),
    "polar_cubic": ("exponential", 2),
    "polar_cubic_off_sphere": ("exponential", 3),
    "weight_norm_square": ("logarithm", 2),
    "entropic": ("logarithm", 2),
    "logistic_replicator": ("logarithm", 2),
    "hypentropy": ("logarithm", 2),
    "hypentropy_root": ("logarithm", 2),
    "weight_decay_linear": ("exponential", 3),
    "heavy_ball_linear": ("exponential", 1),
    "regression_square_loss": ("logarithm", 2),
    "square_loss_one_field": ("logarithm", 1),
}
TIME = Variable("t", (), "time", "nonnegative")


@cache
def setting_of(file: str) -> Setting:
    """The flow of every loss, with time where laws depend on it."""
    setting = read(EXPECTED[file].path).setting
    if file not in ONE_LOSS:
        setting = every_loss(setting)
    return setting.having(TIME) if EXPECTED[file].time and TIME not in setting.variables else setting


@cache
def system_of(file: str) -> System:
    (instance,) = setting_of(file).instances
    return system(setting_of(file), instance.sizes, instance.values)


@cache
def found(file: str) -> list[Candidate]:
    names = {str(symbol): symbol for symbol in system_of(file).symbols}
    known = [sp.sympify(law, locals=names) for law in POLYNOMIAL.get(file, [])]
    return list(closed_forms(system_of(file), known, random=np.random.default_rng(0)))


every_file = pytest.mark.parametrize("file", CLOSED)


@every_file
def test_all_laws_are_found(file: str) -> None:
    kind, count = CLOSED[file]
    laws = found(file)
    assert len(laws) == count
    assert kind in {law.kind for law in laws}
    assert count + len(POLYNOMIAL.get(file, [])) == EXPECTED[file].found


@every_file
def test_what_is_found_is_independent_and_conserved_in_the_eyes_of_an_oracle(file: str) -> None:
    """The oracle has its own fields; a candidate with a coordinate added changes along one of them."""
    of = oracle.system(read(EXPECTED[file].path).setting, time=EXPECTED[file].time)
    at = of.point(Random(3))
    rows = []
    for candidate in found(file):
        law = flattened(system_of(file).meant(candidate.law)).subs(of.values)
        rows.append([complex(sp.N(sp.diff(law, x).subs(at), 40)) for x in of.coordinates])
        assert all(vanishes(changed(law, field, of, at)) for field in of.fields), law
        assert not all(vanishes(changed(law + of.coordinates[0], field, of, at)) for field in of.fields), law
    assert np.linalg.matrix_rank(np.array([np.array(row) / max(map(abs, row)) for row in rows]), tol=1e-9) == len(rows)


@every_file
def test_the_kernel_proves_what_is_found(file: str) -> None:
    (instance,) = setting_of(file).instances
    for candidate in found(file):
        finding = at_instance(Part(setting_of(file), Evolves(system_of(file).meant(candidate.law))), instance)
        assert finding.outcome == "proved", (candidate.law, finding.reason)


@every_file
def test_mutants_are_no_laws(file: str) -> None:
    of, random = system_of(file), np.random.default_rng(1)
    for candidate in found(file):
        first, *rest = sp.Add.make_args(sp.expand(candidate.law))
        assert rest
        points = of.on_domain(4, random)
        assert is_law(of, candidate.law, points, random)
        assert not is_law(of, first - sp.Add(*rest), points, random), candidate.law
        assert not is_law(of, 2 * first + sp.Add(*rest), points, random), candidate.law


def flattened(law: sp.Expr) -> sp.Expr:
    """A law in the symbols of the oracle."""
    entries = {entry: oracle.scalar(str(entry.base), tuple(map(int, entry.indices))) for entry in law.atoms(sp.Indexed)}
    law = law.xreplace(entries)
    bare = {symbol: oracle.scalar(symbol.name, ()) for symbol in law.free_symbols if symbol not in entries.values()}
    return law.xreplace(bare)


def changed(law: sp.Expr, field: tuple[sp.Expr, ...], of: oracle.System, at: dict[sp.Symbol, sp.Rational]) -> sp.Expr:
    return sp.Add(*(sp.diff(law, x).subs(at) * v.subs(at) for x, v in zip(of.coordinates, field, strict=True)))


def vanishes(value: sp.Expr) -> bool:
    return bool(value == 0 if value.is_Rational else abs(sp.N(value, 60, maxn=400)) < sp.Rational(1, 10**40))


@pytest.mark.parametrize("file", ["random_quadratic", "symmetric_3_2"])
def test_nothing_is_found_where_nothing_is(file: str) -> None:
    assert found(file) == []


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_found_in_a_random_field(seed: int) -> None:
    random = Random(seed)
    names = ("a", "b", "c")
    monomials = ["1", *names, *(f"{m}*{n}" for m in names for n in names if m <= n)]
    field = "\n".join(f'{n} = "{" + ".join(f"({random.choice([-3, -2, -1, 1, 2, 3])})*{m}" for m in monomials)}"' for n in names)
    parameters = "\n".join(f'{n} = "scalar"' for n in names)
    of = system(read_text(f"[parameters]\n{parameters}\n[flow.field]\n{field}\n").setting, {})
    assert list(closed_forms(of, random=np.random.default_rng(seed))) == []


def test_a_function_of_known_laws_is_not_proposed() -> None:
    of = system_of("diagonal_square")
    laws = [candidate.law for candidate in found("diagonal_square")]
    assert list(closed_forms(of, [sp.exp(laws[0]), laws[0] + 2 * laws[1]], random=np.random.default_rng(0))) == []
    assert len(list(closed_forms(of, laws[:1], random=np.random.default_rng(0)))) == 1


def test_logarithms_with_roots_are_inverse_hyperbolic_sines() -> None:
    """asinh(p/b) for log(p + sqrt(p^2 + b^2)), which it is up to a constant: and a wrong b is refused."""
    of, random = system_of("hypentropy_root"), np.random.default_rng(0)
    laws = [of.meant(candidate.law) for candidate in found("hypentropy_root")]
    assert [str(law) for law in laws] == ["asinh(p[0]) + asinh(p[1]/2) - asinh(p[2]/3)", "2*asinh(p[0]) - asinh(p[1]/2) - asinh(p[3])"]
    x = of.symbols
    points = of.on_domain(4, random)
    assert is_law(of, 2 * sp.asinh(x[0]) - sp.asinh(x[1] / 2) - sp.asinh(x[3]), points, random)
    assert not is_law(of, 2 * sp.asinh(x[0]) - sp.asinh(x[1]) - sp.asinh(x[3]), points, random)


def test_a_spiral() -> None:
    text = '[parameters]\na = "scalar"\nb = "scalar"\n[flow.field]\na = "a - 2*b"\nb = "2*a + b"\n'
    of = system(read_text(text).setting, {})
    (law,) = closed_forms(of, random=np.random.default_rng(0))
    assert law.kind == "arctangent"
    assert str(of.meant(law.law)) == "log(a**2 + b**2) + atan(a/b)"
    assert at_instance(Part(of.setting, Evolves(of.meant(law.law))), Instance({})).outcome == "proved"


def test_forms_that_move_together_have_their_turns() -> None:
    """The third column is minus the first: u_0 + v_0 is a multiple of u_2 - v_2 along every trajectory."""
    text = '[sizes]\nN = 4\nM = 2\n[data]\nA = [[1, 0, -1, 2], [3, 1, -3, 0]]\n[parameters]\nu = "N, positive"\nv = "N, positive"\n'
    setting = every_loss(read_text(f'{text}[model]\npredictor = "x[i] = u[i]*v[i]"\nloss = "any(A)"\n').setting)
    (instance,) = setting.instances
    of = system(setting, instance.sizes, instance.values)
    balances = [of.symbols[i] ** 2 - of.symbols[i + 4] ** 2 for i in range(4)]
    laws = [candidate.law for candidate in closed_forms(of, balances, random=np.random.default_rng(0))]
    assert len(laws) == 2
    random = np.random.default_rng(1)
    assert all(is_law(of, law, of.on_domain(4, random), random) for law in laws)


def test_coefficients_beyond_a_residue_are_found_short() -> None:
    """The echelon form of the kernel of this A has minors of order 8 in it."""
    random = np.random.default_rng(3)
    values = {"A": tuple(tuple(Fraction(int(q)) for q in row) for row in random.integers(-3, 4, (8, 12)))}
    text = '[sizes]\nN = 12\nM = 8\n[data]\nA = "M x N"\n[parameters]\nw = "N, positive"\n[model]\npredictor = "x[i] = w[i]**2"\nloss = "any(A)"\n'
    setting = every_loss(read_text(text).setting)
    laws = list(closed_forms(system(setting, {"N": 12, "M": 8}, values), random=random))
    assert len(laws) == 4
    for candidate in laws:
        part = Part(setting, Evolves(system(setting, {"N": 12, "M": 8}, values).meant(candidate.law)))
        assert at_instance(part, Instance({"N": 12, "M": 8}, values)).outcome == "proved"


def test_what_is_searched_is_said() -> None:
    assert "5 coordinates" in searched(system_of("polar_square"))
