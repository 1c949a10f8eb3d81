"""What the generated source looks like: readable, with shapes, and never one operation per entry."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp
from mpmath import mp

from numerics import EMITTERS, InvalidProblem, Unsupported, compile, program, source
from numerics.lower import lower
from theory.charts import polar, rederive
from theory.dynamics import gradient_flow, vector_field
from theory.losses import any_loss, square
from theory.models import power
from theory.settings import Setting, Space, family
from theory.symbols import Variable, index, size, total

Lookup = Callable[[str], Setting]
PYTHON = [name for name, emitter in EMITTERS.items() if emitter.language == "Python"]

POLAR = '''import numpy as np


def velocity(t, r, u, *, L, eta_r, eta_u, A, y):
    """The velocities of the blocks, in this order: r (), u (N,).

    Constants: L (), eta_r (), eta_u (), A (M, N), y (M,).
    """
    r_to_L = r**L  # ()
    u_to_L = u**L  # (N,)
    x = r_to_L * u_to_L  # (N,)
    nu = A @ x - y  # (M,)
    G = nu @ A  # (N,)
    G_dot_u_to_L = G @ u_to_L  # ()
    r_dot = -L * eta_r * r ** (L - 1) * G_dot_u_to_L  # ()
    u_dot = L * eta_u * r_to_L * (G_dot_u_to_L * u - G * u ** (L - 1))  # (N,)
    return r_dot, u_dot
'''


def sized_polar(rows: sp.Expr | int, columns: sp.Expr | int) -> Setting:
    w = Variable("w", (sp.sympify(columns),), "parameter", "positive")
    A, y = Variable("A", (sp.sympify(rows), sp.sympify(columns))), Variable("y", (sp.sympify(rows),))
    return rederive(power(w, sp.Integer(2)), square(A, y, w.shape), polar(w), {"r": sp.S.One, "u": sp.S.One}, given=(A, y))


def body(text: str) -> str:
    return text[text.index("#include" if text.startswith("/*") else "import") :]


def test_the_source_of_the_polar_flow(settings_by_name: Lookup) -> None:
    assert body(source(settings_by_name("polar"), "numpy")) == POLAR


def test_a_chain_of_matrices_is_multiplied_in_pairs(settings_by_name: Lookup) -> None:
    text = source(settings_by_name("linear net, depth 3"), "numpy")
    assert "W2_W1 = W2 @ W1" in text
    assert "x = W3 @ W2_W1" in text
    assert "einsum" not in text


def test_three_indices_go_through_einsum(settings_by_name: Lookup) -> None:
    text = source(settings_by_name("sensed net"), "numpy")
    assert 'np.einsum("ijk,jk->i", B, x) - y' in text
    assert 'np.einsum("ijk,i->jk", B, nu)' in text


def test_a_norm_is_computed_once(settings_by_name: Lookup) -> None:
    text = source(settings_by_name("weight norm"), "numpy")
    assert text.count("v @ v") == 1
    assert "squared_norm_v = v @ v" in text


@pytest.mark.parametrize("target", PYTHON)
def test_every_statement_says_its_shape(setting: Setting, target: str) -> None:
    tree = ast.parse(source(setting, target))
    (function,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "velocity")
    lines = source(setting, target).splitlines()
    shapes = {step.name: f"# ({', '.join(map(str, step.shape))}{',' if len(step.shape) == 1 else ''})" for step in program(setting).steps}
    for statement in function.body:
        if isinstance(statement, ast.Assign) and isinstance(name := statement.targets[0], ast.Name) and name.id in shapes:
            assert lines[statement.lineno - 1].endswith(shapes.pop(name.id))
    assert not shapes
    assert all(len(line) <= 150 for line in lines)


def test_every_array_of_the_c_source_says_its_shape(setting: Setting) -> None:
    lines = source(setting, "c").splitlines()
    for step in program(setting).steps:
        told = f"({', '.join(map(str, step.shape))}{',' if len(step.shape) == 1 else ''})"
        assert any(line.strip() == f"// {step.name} {told}" for line in lines) or not step.shape, step.name
    assert all(len(line) <= 150 for line in lines)


def test_the_header_of_c_names_its_origin(setting: Setting) -> None:
    header, _, rest = source(setting, "c", title="The flow of */ w^L").partition(" */\n")
    assert "Generated from: The flow of * / w^L" in header
    assert rest.startswith("#include")
    assert all(step.name in header for step in program(setting).definitions)


@pytest.mark.parametrize("target", PYTHON)
def test_the_header_names_its_origin_and_no_time(setting: Setting, target: str) -> None:
    text = source(setting, target, title='The "flow" of\n$w^L$ \\ """')
    header = ast.get_docstring(ast.parse(text))
    assert header is not None
    assert "Generated from: The 'flow' of $w^L$ \\ '''" in header
    assert source(setting, target, title="a") == source(setting, target, title="a")
    for step in program(setting).definitions:
        assert step.name in header


def test_numpy_never_loops(setting: Setting) -> None:
    tree = ast.parse(source(setting, "numpy"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.For | ast.comprehension | ast.While)]


def test_nothing_is_computed_twice(setting: Setting) -> None:
    """No operation on arrays occurs twice in the array program."""
    seen = set()
    for statement in lower(program(setting)).statements:
        waiting = [statement.value]
        while waiting:
            node = waiting.pop()
            waiting.extend(node.operands)
            if node.shape and not node.is_leaf and node.op not in ("expand", "transpose", "pick", "negate"):
                assert node not in seen, node
                seen.add(node)


def test_only_what_the_velocity_uses_is_computed(settings_by_name: Lookup) -> None:
    needed = program(settings_by_name("polar"))
    assert [step.name for step in needed.definitions] == ["x", "nu", "G"]
    assert "F" not in re.findall(r"\b\w+\b", body(source(settings_by_name("polar"), "numpy")))


@pytest.mark.parametrize("target", EMITTERS)
def test_the_source_does_not_grow_with_the_sizes(target: str) -> None:
    def masked(rows: int, columns: int) -> str:
        return re.sub(rf"\b({rows}|{columns}|{columns - 1}|{rows - 1})\b", "#", body(source(sized_polar(rows, columns), target)))

    assert masked(17, 23) == masked(1000, 10_000)


def test_a_thousand_by_ten_thousand() -> None:
    setting = sized_polar(1000, 10_000)
    statements = lower(program(setting)).statements
    assert [statement.name for statement in statements if statement.asked] == ["x", "nu", "G", "r_dot", "u_dot"]
    assert len(statements) <= 8
    A = np.full((1000, 10_000), 1e-3)
    r_dot, u_dot = compile(source(setting, "numpy"))(0.0, 1.0, np.full(10_000, 1e-2), A=A, y=np.zeros(1000))
    # x_i = 10^-4, nu_k = 10^-3, G_i = 10^-3, and sum G_i u_i^2 = 10^-3.
    assert r_dot == pytest.approx(-2e-3, rel=1e-12)
    assert u_dot == pytest.approx(np.zeros(10_000), abs=1e-15)


def test_the_same_source_is_compiled_once(settings_by_name: Lookup) -> None:
    text = source(settings_by_name("polar"), "numpy")
    assert compile(text) is compile(text)


def test_only_our_own_text_is_executed() -> None:
    with pytest.raises(ValueError, match=r"only source written by numerics\.emit\.source"):
        compile("raise SystemExit")


def test_an_unknown_target_is_named_with_those_there_are(settings_by_name: Lookup) -> None:
    with pytest.raises(KeyError, match="numpy, numba, jax, mpmath, arb, heyoka, c"):
        source(settings_by_name("polar"), "fortran")


def test_an_unknown_cotangent_is_an_argument() -> None:
    """For every f(x): the source takes G."""
    N = size("N")
    w = Variable("w", (N,), "parameter", "positive")
    setting = gradient_flow(power(w, sp.Integer(2)), any_loss((N,)), {"w": sp.S.One})
    assert "def velocity(t, w, *, G):" in source(setting, "numpy")


def field_on(expression: sp.Expr, **more: Variable) -> Setting:
    h = Variable("h", (size("N"),), "parameter", "positive")
    return vector_field(Setting((h, *more.values())), Space((h,)), {"h": family(expression, (index("i"), size("N")))})


h = Variable("h", (size("N"),), "parameter", "positive")
i, k = index("i"), index("k")


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        (sp.Float(0.5) * h[i], "float"),
        (h[i + 1], r"an index on its own"),
        (total(h[k], (k, i + 1)), "whole range"),
        (sp.gamma(h[i]), "no array counterpart"),
        (h[i] * sp.Symbol("q"), "mentions q"),
    ],
)
def test_what_has_no_counterpart_is_refused(expression: sp.Expr, said: str) -> None:
    with pytest.raises(Unsupported, match=said):
        source(field_on(expression), "numpy")


def test_a_name_that_python_keeps_for_itself_is_refused() -> None:
    lam = Variable("lambda", (), "constant")
    with pytest.raises(Unsupported, match="'lambda' cannot be the name"):
        source(field_on(h[i] * lam[()], lam=lam), "numpy")


@pytest.mark.parametrize(
    ("target", "name"), [("c", "double"), ("c", "exp"), ("numba", "njit"), ("jax", "jnp"), ("heyoka", "hy"), ("arb", "arb"), ("c", "\u03b8")]
)
def test_a_name_that_the_target_keeps_for_itself_is_refused(target: str, name: str) -> None:
    taken = Variable(name, (), "constant")
    with pytest.raises(Unsupported, match=f"'{name}'.*rename the variable"):
        source(field_on(h[i] * taken[()], taken=taken), target)


def test_heyoka_refuses_corners() -> None:
    with pytest.raises(Unsupported, match="no heyoka counterpart"):
        source(field_on(sp.Abs(h[i] - 1)), "heyoka")


@pytest.mark.parametrize("target", ["numpy", "numba", "jax", "c"])
@pytest.mark.parametrize("number", [sp.Integer(10) ** 400, sp.Rational(1, 10**400)])
def test_a_number_beyond_doubles_is_refused(target: str, number: sp.Rational) -> None:
    with pytest.raises(Unsupported, match="out of the range of double precision"):
        source(field_on(number * h[i]), target)


@pytest.mark.parametrize("target", ["numpy", "numba", "jax", "c"])
def test_a_quotient_beyond_doubles_is_rounded_once(target: str) -> None:
    """Numerator and denominator beyond 2^53, each of which would be rounded by itself."""
    number = sp.Rational(3**40 + 1, 7**30)
    assert repr((3**40 + 1) / 7**30) in body(source(field_on(sp.exp(number) * h[i]), target)).replace("\n", " ")


def test_c_is_not_executed(settings_by_name: Lookup) -> None:
    with pytest.raises(ValueError, match="this is C; write it to a file"):
        compile(source(settings_by_name("polar"), "c"))


def test_numba_refuses_what_is_not_double_precision(settings_by_name: Lookup) -> None:
    velocity = compile(source(settings_by_name("polar"), "numba"))
    ones = [np.ones(3, dtype=np.float32), 2.0, 1.0, 1.0, np.ones((2, 3)), np.ones(2)]
    with pytest.raises(TypeError, match="No matching definition"):
        velocity(0.0, 1.0, *ones)


@pytest.mark.parametrize("target", ["numpy", "numba", "jax"])
def test_whole_numbers_do_not_overflow(target: str) -> None:
    """q' = q^L at q = 3 and L = 50, both given as ints: 3^50 is beyond 64 bits."""
    q, L = Variable("q", (), "parameter", "positive"), Variable("L", (), "constant", "positive")
    velocity = compile(source(vector_field(Setting((q, L)), Space((q,)), {"q": family(q[()] ** L[()])}), target))
    assert float(velocity(0, 3, L=50)[0]) == pytest.approx(3.0**50, rel=1e-13)


def test_jax_differentiates_the_velocity(settings_by_name: Lookup) -> None:
    """The derivative by eta_r of r' = eta_r g is g: the same as r' at eta_r = 1."""
    import jax

    velocity = compile(source(settings_by_name("polar"), "jax"))
    A, y, u = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([1.0, -1.0]), np.array([0.6, 0.8])
    slope = jax.jacfwd(lambda rate: velocity(0.0, 2.0, u, L=3, eta_r=rate, eta_u=1.0, A=A, y=y)[0])(0.25)
    assert float(slope) == pytest.approx(float(velocity(0.0, 2.0, u, L=3, eta_r=1.0, eta_u=1.0, A=A, y=y)[0]), rel=1e-14)


def test_heyoka_follows_the_flow_to_its_precision(settings_by_name: Lookup) -> None:
    """q' = q/3 from q(0) = 1: a third in double precision would be off in the 17th digit."""
    import heyoka as hy

    q = Variable("q", (), "parameter")
    text = source(vector_field(Setting((q,)), Space((q,)), {"q": family(q[()] / 3)}), "heyoka")
    namespace: dict[str, Any] = {}
    exec(text, namespace)
    equations, numbers = namespace["system"]()
    one = hy.real(1, 200)
    solver = hy.taylor_adaptive(equations, [one], pars=[hy.real(n, 200) for n in numbers], fp_type=hy.real, prec=200, time=hy.real(0, 200))
    solver.propagate_until(hy.real(1, 200))
    with mp.workdps(60):
        assert abs(mp.mpf(str(solver.state[0])) - mp.exp(mp.mpf(1) / 3)) < mp.mpf(10) ** -55


DOCUMENTATION = (Path(__file__).resolve().parents[2] / "docs" / "export.md").read_text(encoding="utf-8")


def test_the_documentation_runs() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", DOCUMENTATION, flags=re.DOTALL)
    exec(builtins.compile(block, "export.md", "exec"), {})


def test_the_documentation_names_every_target() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", DOCUMENTATION, flags=re.MULTILINE)) == set(EMITTERS)


def test_a_setting_without_a_flow_is_refused() -> None:
    with pytest.raises(InvalidProblem, match="no flow"):
        source(Setting((h,)), "numpy")
