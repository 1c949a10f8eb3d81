"""Index calculus against plain SymPy: sums unrolled at explicit sizes, scalar derivatives, no index in sight."""

from __future__ import annotations

import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from theory.calculus import along, gradient, summands, tidy
from theory.settings import Setting, substitute
from theory.symbols import Family, Variable, away_from, index, size, total

N, M = size("N"), size("M")
i, j, k = index("i"), index("j"), index("k")
u = Variable("u", (N,), "parameter", "positive")
v = Variable("v", (N,), "parameter", "positive")
W = Variable("W", (M, N), "parameter")
r = Variable("r", (), "parameter", "positive")
SIZES = {N: 3, M: 2}


def unrolled(expression: sp.Expr, at: dict[sp.Symbol, int] | None = None) -> sp.Expr:
    """The expression at the sizes above, with one scalar symbol for each entry."""
    at = at or {}
    if isinstance(expression, sp.Sum):
        ((name, _, upper),) = expression.limits[-1:]
        inner = expression.function if len(expression.limits) == 1 else sp.Sum(expression.function, *expression.limits[:-1])
        return sp.Add(*(unrolled(inner, {**at, name: n}) for n in range(int(upper.subs(SIZES)) + 1)))
    if isinstance(expression, sp.Indexed):
        return sp.Symbol(f"{expression.base.name}_{'_'.join(str(at.get(e, e)) for e in expression.indices)}", positive=True)
    if expression in SIZES:
        return sp.Integer(SIZES[expression])
    return expression.func(*(unrolled(arg, at) for arg in expression.args)) if expression.args else expression


TERMS = [
    total(u[i] ** 2, (i, N)),
    total(u[i] * v[i], (i, N)),
    total(W[k, i] * u[i], (i, N), (k, M)),
    total(total(W[k, i] * u[i], (i, N)) ** 2, (k, M)),
    r[()] ** 3 * total(sp.log(u[i]), (i, N)),
    sp.sqrt(total(u[j] ** 2, (j, N))),
    sp.exp(r[()] * total(v[j], (j, N))),
    total(u[i] / total(u[j] * v[j], (j, N)), (i, N)),
    sp.sin(r[()]) * total(sp.asinh(u[i] / v[i]), (i, N)),
]
expressions = st.lists(st.tuples(st.sampled_from(TERMS), st.integers(-3, 3), st.sampled_from(TERMS)), min_size=1, max_size=3).map(
    lambda parts: sp.Add(*(c * a * away_from(b, a.free_symbols) for a, c, b in parts))
)


@given(expressions)
def test_the_gradient_is_that_of_the_unrolled_expression(expression: sp.Expr) -> None:
    for block, indices in ((u, ((index("a"), N),)), (W, ((index("a"), M), (index("b"), N))), (r, ())):
        found = gradient(expression, block, indices)
        shape = [SIZES[length] for length in block.shape]
        for entry in ([n] for n in range(shape[0])) if len(shape) == 1 else ([a, b] for a in range(2) for b in range(3)) if shape else ([],):
            at = {name: n for (name, _), n in zip(indices, entry, strict=True)}
            scalar = unrolled(block[tuple(entry)]) if shape else r[()]
            assert sp.simplify(unrolled(found.value, at) - sp.diff(unrolled(expression), scalar)) == 0


@given(expressions)
def test_tidying_and_taking_apart_change_nothing(expression: sp.Expr) -> None:
    assert sp.simplify(unrolled(tidy(expression)) - unrolled(expression)) == 0
    pieces = sp.Add(*(total(sp.Mul(*piece.factors), *piece.bound) for piece in summands(expression)))
    assert sp.simplify(unrolled(pieces) - unrolled(expression)) == 0


def test_a_derivative_along_a_field() -> None:
    field = {"u": Family(((i, N),), -u[i]), "r": Family((), sp.Integer(2))}
    moved = along(r[()] * total(u[i] ** 2, (i, N)), lambda name, entries: field[name].at(entries))
    assert sp.expand(unrolled(moved)) == sp.expand((2 - 2 * r[()]) * unrolled(total(u[i] ** 2, (i, N))))


def test_an_integral_moves_with_its_upper_limit() -> None:
    rho = sp.Symbol("rho", positive=True)
    area = sp.Integral(rho**2, (rho, 0, r[()] ** 2))
    assert along(area, lambda name, _: sp.Integer(name == "r")) == 2 * r[()] ** 5


def test_substitution_does_not_capture_bound_indices() -> None:
    x = Variable("x", (N,), "parameter")
    put = substitute(total(x[j] * u[j], (j, N)), {"x": Family(((i, N),), total(W[k, i] * u[j], (j, N), (k, M)))})
    wanted = sum(unrolled(total(W[k, j] * u[i], (i, N), (k, M)), {j: n}) * sp.Symbol(f"u_{n}", positive=True) for n in range(3))
    assert sp.expand(unrolled(put) - wanted) == 0


def test_a_setting_unfolds_its_definitions_in_order() -> None:
    from theory.losses import square
    from theory.models import power

    A, y, w = Variable("A", (M, N)), Variable("y", (M,)), Variable("w", (N,), "parameter", "positive")
    model, loss = power(w, sp.Integer(2)), square(A, y, (N,))
    setting = Setting((w, A, y), (model.definition, *loss.definitions))
    value = setting.unfold(setting["F"][()])
    assert {symbol.name for symbol in value.free_symbols if isinstance(symbol, sp.Symbol)} >= {"A", "w", "y"}
    assert not {"x", "nu", "G"} & {symbol.name for symbol in value.free_symbols}
