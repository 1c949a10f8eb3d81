"""Invariant hypersurfaces: those of known systems are found, written as people write them, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from discovery.explicit import darboux
from discovery.explicit.darboux import is_invariant
from discovery.explicit.system import System, system
from theory.files import read_text


def of_field(**field: str) -> System:
    parameters = "\n".join(f'{name} = "scalar"' for name in field)
    lines = "\n".join(f'{name} = "{value}"' for name, value in field.items())
    return system(read_text(f"[parameters]\n{parameters}\n[flow.field]\n{lines}\n").setting, {})


def linear(of: System, seed: int = 0) -> set[str]:
    return {str(of.meant(p)) for p in darboux.linear(of, random=np.random.default_rng(seed))}


def quadratic(of: System, seed: int = 0) -> set[str]:
    return {str(of.meant(p)) for p in darboux.quadratic(of, random=np.random.default_rng(seed))}


def test_lotka_volterra_keeps_its_axes() -> None:
    assert linear(of_field(a="a*(1 - b)", b="b*(2*a - 3)")) == {"a", "b"}


def test_a_rational_field_keeps_what_its_numerator_keeps() -> None:
    """Along the same curves one may go with the field times a, which has no pole."""
    assert linear(of_field(a="a/(1 + b**2)", b="1/a")) == {"a"}
    assert linear(of_field(a="a/(1 + b**2)", b="b*a")) == {"a", "b"}
    assert linear(of_field(a="(a + b)/(1 + b**2)", b="1/a")) == set()


def test_a_pole_is_not_kept() -> None:
    """At a = 0 the velocity 1/a has no value."""
    assert "a" not in linear(of_field(a="1/a", b="b"))


def test_eigenforms_of_a_linear_field() -> None:
    assert linear(of_field(a="2*a + b - 1", b="a + 2*b + 1")) == {"a - b - 2", "a + b"}


def test_a_circle_that_attracts() -> None:
    """a^2 + b^2 divides its rate as well, but has no zeros modulo p."""
    assert quadratic(of_field(a="-b + a*(1 - a**2 - b**2)", b="a + b*(1 - a**2 - b**2)")) == {"-a**2 - b**2 + 1"}


def test_adjoined_functions_take_part() -> None:
    """With s = sqrt(a^2 + 1), a' = s: (a + s)' = a + s."""
    assert linear(of_field(a="sqrt(a**2 + 1)")) == {"a + sqrt(a**2 + 1)", "a - sqrt(a**2 + 1)"}
    assert "exp(a)" in linear(of_field(a="1 + exp(2*a)"))


@pytest.mark.parametrize("seed", range(3))
def test_random_fields_keep_nothing(seed: int) -> None:
    random = np.random.default_rng(seed)
    names = ("a", "b", "c")
    monomials = ["1", *names, *(f"{m}*{n}" for m in names for n in names if m <= n)]
    field = {n: " + ".join(f"({q})*{m}" for q, m in zip(random.integers(1, 9, len(monomials)), monomials, strict=True)) for n in names}
    assert linear(of_field(**field), seed) == set()
    assert quadratic(of_field(**field), seed) == set()


def test_invariance_is_refused_to_mutants() -> None:
    of = of_field(a="2*a + b - 1", b="a + 2*b + 1")
    a, b = of.symbols
    random = np.random.default_rng(0)
    assert is_invariant(of, a + b, random)
    assert not is_invariant(of, a + b + 1, random)
    assert not is_invariant(of, a + 2 * b, random)
    assert not is_invariant(of, (a + b) * (a - b), random)  # the second factor lacks its constant
    assert is_invariant(of, sp.expand((a + b) * (a - b - 2)), random)
