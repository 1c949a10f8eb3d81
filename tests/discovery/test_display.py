"""Laws in a form for people: known cases, and that a normal form is again a law and says as much."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from discovery.display import normal_form
from discovery.explicit.system import independent, is_law, system
from proofs_check.exact import at_instance
from theory.files import read
from theory.statements import Evolves, Part

from .systems import FOLDER

u, v, w, a = sp.symbols("u v w a", positive=True)
p, q = sp.symbols("p q", real=True)
root = sp.sqrt(3)

CASES = [
    (sp.log(u - v), [u**2 - v**2], sp.log(u + v)),
    (sp.log(w) - 2 * sp.log(sp.Abs(u - v)), [u**2 - v**2], sp.log(w) + 2 * sp.log(u + v)),
    (sp.log(root * u - v) - sp.log(w), [3 * u**2 - v**2], sp.log(w) + sp.log(root * u + v)),
    (sp.log(3 * u + root * v), [], sp.log(root * u + v)),
    (sp.log(u) / 2 - sp.log(v) / 2, [], sp.log(u / v)),
    (sp.log(p - 1) - sp.log(p), [], sp.log(sp.Abs(p / (p - 1)))),
    (sp.log(u**2 * v), [], 2 * sp.log(u) + sp.log(v)),
    (v**2 / 2 - u**2 / 2, [], u**2 - v**2),
    (u**2 - 2 * v**2 + w**2, [u**2 - v**2], v**2 - w**2),
    (-sp.log(u) - u**2 / 3, [], u**2 + 3 * sp.log(u)),
    (6 / u**3 - 4 / v**3, [], 2 / v**3 - 3 / u**3),
    (a * u**2 - v**2, [], a * u**2 - v**2),
]


@pytest.mark.parametrize(("law", "known", "wanted"), CASES, ids=[str(law) for law, *_ in CASES])
def test_normal_forms(law: sp.Expr, known: list[sp.Expr], wanted: sp.Expr) -> None:
    found = normal_form(law, known)
    assert found - wanted == 0
    assert not found.as_ordered_terms()[0].could_extract_minus_sign()
    assert normal_form(found, known) == found


def test_what_is_a_function_of_the_known_comes_back() -> None:
    assert normal_form(sp.log(u**2 - v**2), [u**2 - v**2]) == sp.log(u**2 - v**2)
    assert normal_form(u**2 - v**2, [u**2 - v**2]) == u**2 - v**2


def test_coefficients_that_move_keep_their_constants() -> None:
    """log(3 u + sqrt(3) v) and log(sqrt(3) u + v) differ by a constant, which a factor r^2 makes matter."""
    law = q**2 * sp.log(3 * u + root * v) + p
    assert normal_form(law) - law == 0


def test_the_normal_form_is_a_law_that_says_as_much() -> None:
    setting = read(FOLDER / "product_uv.toml").setting
    (instance,) = setting.instances
    of = system(setting, instance.sizes, instance.values)
    x, y = of.symbols[:4], of.symbols[4:]
    known = [s**2 - t**2 for s, t in zip(x, y, strict=True)]
    law = -sp.log(x[0] - y[0]) / 2 + sp.log(x[1] + y[1]) / 2 + sp.log(x[2] - y[2]) / 2
    random = np.random.default_rng(0)
    assert is_law(of, law, of.random(5, random), random)
    found = normal_form(of.meant(law), [of.meant(h) for h in known])
    u, v = setting["u"], setting["v"]
    assert sp.expand_log(found) == sp.expand_log(sp.log((u[0] + v[0]) * (u[1] + v[1]) / (u[2] + v[2])))
    assert at_instance(Part(setting, Evolves(found)), instance).outcome == "proved"
    back = found.xreplace({meaning: symbol for symbol, meaning in of.meanings.items()})
    assert independent(of, [*known, back], random) == [0, 1, 2, 3, 4]
    assert not is_law(of, back + sp.log(x[0] + y[0]), of.random(5, random), random)
