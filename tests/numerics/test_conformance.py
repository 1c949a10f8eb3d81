"""Every printer, on every setting, against the recursive evaluator: shapes, constants, agreement to the precision asked for."""

from __future__ import annotations

import ctypes
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import flint
import heyoka as hy
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp

from numerics import EMITTERS, compile, evaluate, program, source
from numerics.exact import entries, shape
from numerics.problem import size_value
from numerics.program import Program
from theory.charts import polar, rederive
from theory.dynamics import gradient_flow, vector_field
from theory.losses import Loss, any_loss, square, square_to
from theory.mirror import in_predictions
from theory.models import Model, linear_network, power
from theory.settings import Definition, Setting, Space, family
from theory.symbols import Variable, index, size, total

DIGITS = 40
BITS = 200  # of heyoka's reals, more than 40 digits
ARB_BITS = 104  # less than 40 digits, so that the reference is exact beside the radius
RESULT = {"mpmath": DIGITS, "heyoka": DIGITS, "arb": 31}  # digits of the others are those of a double

Lookup = Callable[[str], Setting]
Values = Callable[..., dict[str, Any]]
N, M = size("N"), size("M")
i, j, k = index("i"), index("j"), index("k")
A, y = Variable("A", (M, N)), Variable("y", (M,))
w = Variable("w", (N,), "parameter", "positive")


# ---- Settings beside those of conftest ---------------------------------------------------------------------------------------------------------


def polar_at(depth: int) -> Setting:
    model = power(w, sp.Integer(depth))
    return rederive(model, square(A, y, (N,)), polar(w), {"r": sp.S.One, "u": sp.Rational(3, 7)}, given=(A, y))


def network_to_target() -> Setting:
    """The network of `linear_network(3)` with its cotangent given a value: the square loss to a target."""
    bare = linear_network(3, rates={"W2": sp.Rational(1, 3)})
    G = bare["G"]
    assert isinstance(G, Variable)
    assert bare.flow is not None
    Y = Variable("Y", G.shape)
    p, q, a, b = (index(name) for name in ("p", "q", "a", "b"))
    W1, W2, W3 = (bare[f"W{n}"] for n in (1, 2, 3))
    entry = total(W3[p, a] * W2[a, b] * W1[b, q], (a, size("d2")), (b, size("d1")))
    x = Definition("x", family(entry, (p, G.shape[0]), (q, G.shape[1])))
    blocks = tuple(v for v in bare.variables if v.role == "parameter")
    return Setting((*blocks, Y), (x, *square_to(Y).definitions)).along(bare.flow)


def softmax() -> Setting:
    """Cross entropy: G = exp(x)/sum exp(x) - Y, where x = w^2."""
    x, Y = Variable("x", (N,), "parameter"), Variable("Y", (N,))
    known = Definition("G", family(sp.exp(x[i]) / total(sp.exp(x[j]), (j, N)) - Y[i], (i, N)))
    return gradient_flow(power(w, sp.Integer(2)), Loss("cross entropy", (Y,), (known,)), {"w": sp.S.One}, given=(Y,))


def mirror() -> Setting:
    """The polar flow of depth 2 in its predictions alone."""
    depth = sp.Integer(2)
    model: Model = power(w, depth)
    rates = {"r": sp.S.One, "u": sp.Rational(1, 2)}
    setting = rederive(model, square(A, y, (N,)), polar(w), rates, given=(A, y))
    u, r = Variable("u", (N,), "parameter", "positive"), Variable("r", (), "parameter", "positive")
    through = Model(Space((r, u)), family((r[()] * u[i]) ** depth, (i, N)))
    return in_predictions(setting, through, Variable("x", (N,), "parameter", "positive"), depth)[0]


def scalars() -> Setting:
    """Prey and predator, and a block that nothing moves but the number 3."""
    p, q, s = (Variable(name, (), "parameter", "positive") for name in ("p", "q", "s"))
    c = Variable("c", (), "constant", "positive")
    right = {"p": p[()] - c[()] * p[()] * q[()], "q": p[()] * q[()] / 3 - q[()] ** sp.Rational(3, 2), "s": sp.Integer(3)}
    space = Space((p, q, s))
    return vector_field(Setting((p, q, s, c)), space, {name: family(value) for name, value in right.items()})


def annealed() -> Setting:
    """A matrix driven by time, and rows of it summed."""
    t, W = Variable("t", (), "time"), Variable("W", (M, N), "parameter", "positive")
    row = total(W[i, k] * sp.exp(-t[()] * W[i, k]), (k, N))
    column = total(W[k, j], (k, M)) ** 2
    return vector_field(Setting((W, t)), Space((W,)), {"W": family(sp.log(1 + t[()]) * row - column / (1 + t[()]) + i - j, (i, M), (j, N))})


def constants() -> Setting:
    """Numbers that a double does not hold, or that are easily rounded on the way, a whole number beyond 2^53, and small powers."""
    h, s = Variable("h", (N,), "parameter", "positive"), Variable("s", (), "parameter")
    rate = sp.Rational(1, 3) + sp.sqrt(2) + sp.pi + sp.Integer(2) ** sp.Rational(1, 5) + sp.E + sp.log(3) + sp.sin(sp.Rational(1, 7))
    large = (sp.Integer(10) ** 20 + 1) * s[()] / 3 + sp.Rational(10**17 + 1, 10**18) * s[()]
    space = Space((h, s))
    return vector_field(
        Setting((h, s)), space, {"h": family(rate * h[i] / (i + 3) + h[i] ** (i + 1) * N / 7 + h[i] ** 4, (i, N)), "s": family(large)}
    )


def nested() -> Setting:
    """Sums in functions, in quotients and in one another, whose operands are no plain arrays."""
    h, C = Variable("h", (N,), "parameter", "positive"), Variable("C", (N, N), "constant", "positive")
    inner = sp.log(total(C[j, k] * sp.sqrt(h[k]), (k, N)))
    outer = total(C[i, j] * inner * sp.exp(-h[j]), (j, N))
    pairs = total(sp.sqrt(h[j] + C[j, k]) * C[k, i], (j, N), (k, N))
    value = (
        outer / (1 + total(h[j] ** 3, (j, N)))
        + pairs
        + total(C[k, j] * C[k, i] * h[k], (k, N), (j, N)) ** 4 / 1000
        + 1 / total(C[j, j] / h[i], (j, N))
    )
    return vector_field(Setting((h, C)), Space((h,)), {"h": family(value, (i, N))})


MORE: dict[str, Callable[[], Setting]] = {
    "polar, L = 2": lambda: polar_at(2),
    "polar, L = 3": lambda: polar_at(3),
    "polar, L = 5": lambda: polar_at(5),
    "linear network, depth 3": network_to_target,
    "softmax": softmax,
    "every loss": lambda: gradient_flow(power(w, sp.Integer(2)), any_loss((N,)), {"w": sp.S.One}),
    "mirror": mirror,
    "scalars": scalars,
    "annealed": annealed,
    "constants": constants,
    "nested": nested,
}


@lru_cache
def more(name: str) -> Setting:
    return MORE[name]()


# ---- Running what was printed ------------------------------------------------------------------------------------------------------------------


@contextmanager
def precision() -> Iterator[None]:
    before = flint.ctx.prec
    flint.ctx.prec = ARB_BITS
    try:
        with mp.workdps(DIGITS + 10):
            yield
    finally:
        flint.ctx.prec = before


def emitted(setting: Setting, target: str, values: Mapping[str, Any], sizes: Mapping[str, int], time: Fraction) -> list[Any]:
    """The velocities by a printer, as nested sequences of its own numbers."""
    needed, text = program(setting), source(setting, target)
    with precision():
        if target == "c":
            return run_c(needed, text, values, sizes, time)
        if target == "heyoka":
            return run_heyoka(needed, text, values, sizes, time)
        emitter = EMITTERS[target]
        given_ = {name: emitter.values(value) for name, value in values.items()}
        blocks = [given_[block.name] for block in needed.parameters]
        found = compile(text)(emitter.values(time), *blocks, **{v.name: given_[v.name] for v in needed.inputs})
        return [np.asarray(block).tolist() if hasattr(block, "dtype") else block for block in found]


@lru_cache(maxsize=64)
def built_c(text: str) -> ctypes.CDLL:
    """The translation unit, compiled without a single warning."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "velocity.c"
        path.write_text(text, encoding="utf-8")
        flags = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wshadow", "-Werror", "-O2", "-fopenmp-simd"]
        done = subprocess.run(["cc", *flags, "-shared", "-fPIC", "-o", f"{path}.so", str(path), "-lm"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr + text
        return ctypes.CDLL(f"{path}.so")


def run_c(needed: Program, text: str, values: Mapping[str, Any], sizes: Mapping[str, int], time: Fraction) -> list[Any]:
    """What is passed follows the printed prototypes, word for word; the results and the work lie between sentinels."""
    library = built_c(text)
    prototype = text[text.index("void velocity(") :].partition("{")[0]
    doubles = {name: np.array(EMITTERS["c"].values(value), dtype=np.float64) for name, value in values.items()}
    results = {step.name: np.full(np.prod([size_value(n, sizes) for n in step.shape], dtype=int) + 2, 7.0) for step in needed.velocities}
    names = re.findall(r"const size_t (\w+)", text[text.index("size_t velocity_work(") :].partition("{")[0])
    library.velocity_work.restype = ctypes.c_size_t
    work = np.full(library.velocity_work(*(ctypes.c_size_t(sizes[name]) for name in names)) + 2, 7.0)
    arguments: list[Any] = []
    for kind, name in re.findall(r"(const size_t |const double \*restrict |const double |double \*restrict )(\w+)", prototype):
        if kind == "const size_t ":
            arguments.append(ctypes.c_size_t(sizes[name]))
        elif kind == "const double ":
            arguments.append(ctypes.c_double(float(time) if name == needed.time_name else float(doubles[name])))
        else:
            array = doubles[name] if kind.startswith("const") else (work if name == "work" else results[name])[1:]
            arguments.append(array.ctypes.data_as(ctypes.POINTER(ctypes.c_double)))
    library.velocity.restype = None
    library.velocity(*arguments)
    assert all(array[0] == array[-1] == 7 for array in (work, *results.values())), "C wrote outside of its arrays"
    return [results[step.name][1:-1].reshape([size_value(n, sizes) for n in step.shape]).tolist() for step in needed.velocities]


def run_heyoka(needed: Program, text: str, values: Mapping[str, Any], sizes: Mapping[str, int], time: Fraction) -> list[Any]:
    """The right sides as a compiled function of heyoka's reals, at more than 40 digits."""
    namespace: dict[str, Any] = {}
    exec(text, namespace)
    lengths = {symbol.name for block in needed.parameters for length in block.shape for symbol in length.free_symbols}
    equations, parameters = namespace["system"](**{name: sizes[name] for name in lengths}, **{v.name: values[v.name] for v in needed.inputs})
    function = hy.cfunc([right for _, right in equations], [left for left, _ in equations], fp_type=hy.real, prec=BITS, compact_mode=True)
    state = [real(entry) for block in needed.parameters for _, entry in entries(values[block.name])]
    options: dict[str, Any] = {"pars": [real(value) for value in parameters]} if parameters else {}
    if function.is_time_dependent:
        options["time"] = real(time)
    vector = [mp.mpf(str(value)) for value in function(state, **options)]
    blocks = []
    for step in needed.velocities:
        lengths = [size_value(length, sizes) for length in step.shape]
        count = int(np.prod(lengths, dtype=int))
        blocks.append(np.array(vector[:count], dtype=object).reshape(lengths).tolist())
        vector = vector[count:]
    return blocks


def real(value: Any) -> Any:
    return hy.real(Fraction(value).numerator, BITS) / hy.real(Fraction(value).denominator, BITS)


def expected(setting: Setting, values: Mapping[str, Any], sizes: Mapping[str, int], time: Fraction) -> list[dict[tuple[int, ...], Any]]:
    """The velocities by recursion, entry by entry."""
    needed = program(setting)
    found = []
    for step in needed.velocities:
        lengths = tuple(size_value(length, sizes) for length in step.shape)
        block = {}
        for place in np.ndindex(*lengths):
            block[place] = evaluate(step.family.at(place), setting, sizes, {**values, needed.time_name: time}, digits=DIGITS)
        found.append(block)
    return found


def check(setting: Setting, target: str, values: Mapping[str, Any], sizes: Mapping[str, int], time: Fraction) -> None:
    found = emitted(setting, target, values, sizes, time)
    for mine, theirs, step in zip(found, expected(setting, values, sizes, time), program(setting).velocities, strict=True):
        assert shape(mine) == tuple(size_value(length, sizes) for length in step.shape)
        with mp.workdps(DIGITS + 20):
            scale = 1 + max(abs(value) for value in theirs.values())
            allowed = scale * mp.mpf(10) ** (4 - RESULT.get(target, 15))
            for place, value in entries(mine):
                middle, radius = ball(value)
                assert radius <= allowed, (target, step.name, place)
                # A ball has to contain the reference, up to the reference's own last digits.
                slack = radius + scale * mp.mpf(10) ** (3 - DIGITS) if target == "arb" else allowed
                assert abs(middle - theirs[place]) <= slack, (target, step.name, place)


def ball(value: Any) -> tuple[Any, Any]:
    """The midpoint and the radius as they are; radius 0 for numbers that are no balls."""
    if not isinstance(value, flint.arb):
        return mp.mpf(value), mp.zero
    parts = [part.man_exp() for part in (value.mid(), value.rad())]
    middle, radius = (mp.ldexp(int(mantissa), int(exponent)) for mantissa, exponent in parts)
    return middle, radius


# ---- The suite ---------------------------------------------------------------------------------------------------------------------------------


def sizes_for(different: dict[str, int]) -> dict[str, int]:
    return {**different, "d0": 3, "d1": 5, "d2": 2, "d3": 4}


@pytest.mark.parametrize("target", EMITTERS)
def test_printers_agree_with_the_evaluator(setting: Setting, target: str, some_values: Values, different_sizes: dict[str, int]) -> None:
    check(setting, target, some_values(setting, seed=1, sizes=different_sizes), different_sizes, Fraction(1, 3))


@pytest.mark.parametrize("name", MORE)
@pytest.mark.parametrize("target", EMITTERS)
def test_printers_agree_on_more_settings(name: str, target: str, some_values: Values, different_sizes: dict[str, int]) -> None:
    sizes = sizes_for(different_sizes)
    check(more(name), target, some_values(more(name), seed=2, sizes=sizes), sizes, Fraction(2, 3))


@pytest.mark.parametrize("target", EMITTERS)
def test_printers_agree_at_size_one(setting: Setting, target: str, some_values: Values, different_sizes: dict[str, int]) -> None:
    ones = dict.fromkeys(different_sizes, 1)
    check(setting, target, some_values(setting, seed=3, sizes=ones), ones, Fraction(0))


@pytest.mark.parametrize("name", MORE)
@pytest.mark.parametrize("target", EMITTERS)
def test_printers_agree_on_more_settings_at_size_one(name: str, target: str, some_values: Values, different_sizes: dict[str, int]) -> None:
    ones = dict.fromkeys(sizes_for(different_sizes), 1)
    check(more(name), target, some_values(more(name), seed=4, sizes=ones), ones, Fraction(1, 5))


# JAX and heyoka compile anew for every shape.
@pytest.mark.parametrize("target", [name for name in EMITTERS if name not in ("jax", "heyoka")])
@settings(max_examples=10, deadline=None, derandomize=True)
@given(data=st.data())
def test_printers_agree_on_any_rational_data(setting: Setting, target: str, data: st.DataObject, draw_values: Callable[..., dict[str, Any]]) -> None:
    sizes = {name: data.draw(st.integers(1, 3), label=name) for name in ("N", "M", "a", "b", "c", "d")}
    values = draw_values(program(setting), sizes, lambda low, high: data.draw(st.fractions(min_value=low, max_value=high, max_denominator=12)))
    check(setting, target, values, sizes, Fraction(1, 2))


@pytest.mark.parametrize("target", EMITTERS)
def test_a_wrong_velocity_would_be_seen(target: str, settings_by_name: Lookup, some_values: Values, different_sizes: dict[str, int]) -> None:
    """A rate that is off in the digits that the target has is refused."""
    setting = settings_by_name("polar")
    values = some_values(setting, seed=1, sizes=different_sizes)
    wrong = values | {"eta_u": values["eta_u"] + Fraction(1, 10 ** (RESULT.get(target, 15) - 6))}
    mine, theirs = emitted(setting, target, wrong, different_sizes, Fraction(0)), expected(setting, values, different_sizes, Fraction(0))
    with mp.workdps(DIGITS):
        far = [abs(ball(value)[0] - theirs[1][place]) > 10 * ball(value)[1] for place, value in entries(mine[1])]
        assert any(far)
        assert max(abs(ball(value)[0] - theirs[1][place]) for place, value in entries(mine[1])) > mp.mpf(10) ** (4 - RESULT.get(target, 15))


def test_balls_become_thinner_with_precision() -> None:
    """What is enclosed at 104 bits is enclosed 96 bits better at 200."""
    setting, values = more("constants"), {"h": (Fraction(1, 3), Fraction(5, 7)), "s": Fraction(2, 9)}
    velocity, radii = compile(source(setting, "arb")), []
    for bits in (ARB_BITS, 200):
        before, flint.ctx.prec = flint.ctx.prec, bits
        try:
            h_dot, s_dot = velocity(*(EMITTERS["arb"].values(value) for value in (Fraction(0), values["h"], values["s"])))
        finally:
            flint.ctx.prec = before
        radii.append([ball(value)[1] for value in (*h_dot, s_dot)])
    assert all(0 < thin <= thick * mp.mpf(2) ** -90 for thick, thin in zip(*radii, strict=True))
