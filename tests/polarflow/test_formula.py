"""The house printer: what is laid out means what was given. The oracle reads layouts as a person does, with numbers; it knows no printer."""

from __future__ import annotations

import contextlib
import math
import random
from collections.abc import Iterator

import pytest
import sympy as sp

from polarflow.formula import Style, assertion, decimal, latex, latex_lines, layout, mathml, mathml_lines, read_math, typst
from polarflow.formula.breaking import WIDEST, display
from polarflow.formula.layout import (
    EQUALS,
    Accent,
    Big,
    Fence,
    Fraction,
    Gap,
    Layout,
    Letter,
    Name,
    Number,
    Root,
    Row,
    Script,
    Sign,
    row,
    width,
)
from theory.papers import NAMES, paper
from theory.statements import Complete, Equal, Evolves, Gradient
from theory.symbols import Variable, index, size, total

SIZE = 3
N, M = size("N"), size("M")
i, j, k = index("i"), index("j"), index("k")
u, z, A = Variable("u", (N,), "parameter", "positive"), Variable("z", (N,)), Variable("A", (M, N))
r, kappa, L = sp.Symbol("r", positive=True), sp.Symbol("kappa", positive=True), sp.Symbol("L", positive=True)
FUNCTIONS = {"log": math.log, "exp": math.exp, "sin": math.sin, "cos": math.cos, "artanh": math.atanh, "arsinh": math.asinh}


# ---- What SymPy means --------------------------------------------------------------------------------------------------------------------------


class Values:
    """A random value for everything that is asked for, the same each time."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __call__(self, name: str, *entries: int) -> float:
        return random.Random(f"{self.seed} {name} {entries}").uniform(0.3, 0.9 + self.seed % 7)


def meant(e: sp.Basic, values: Values, bound: dict[str, int]) -> float:
    match e:
        case sp.Number():
            return float(e)
        case sp.Symbol():
            stem = e.name.rstrip("0123456789")
            if stem in ARRAYS and stem != e.name:  # x1 is written as an entry of x is
                return values(stem, int(e.name.removeprefix(stem)))
            return bound[e.name] if e.name in bound else values(latex(layout(e)))
        case sp.Indexed():
            return values(latex(layout(sp.Symbol(str(e.base.name)))), *(int(meant(entry, values, bound)) for entry in e.indices))
        case sp.Add():
            return sum(meant(arg, values, bound) for arg in e.args)
        case sp.Mul():
            return math.prod(meant(arg, values, bound) for arg in e.args)
        case sp.exp():
            return math.exp(meant(e.args[0], values, bound))
        case sp.Pow():
            return meant(e.base, values, bound) ** meant(e.exp, values, bound)
        case sp.Sum():
            (name, *_), *rest = e.limits
            assert not rest
            return sum(meant(e.function, values, bound | {name.name: n}) for n in range(SIZE))
        case sp.Abs():
            return abs(meant(e.args[0], values, bound))
        case sp.Function():
            return FUNCTIONS[{"atanh": "artanh", "asinh": "arsinh"}.get(e.func.__name__, e.func.__name__)](meant(e.args[0], values, bound))
    raise NotImplementedError(e)


# ---- What a reader sees ------------------------------------------------------------------------------------------------------------------------


def read(node: Layout, values: Values, bound: dict[str, int]) -> float:
    """Terms at plus and minus, factors side by side; a sum sign takes the rest of its term, a name what stands behind it."""
    items = [item for item in (node.items if isinstance(node, Row) else (node,)) if not isinstance(item, Gap)]
    value, sign, term = 0.0, 1, []
    for item in [*items, Sign("+", "binary")]:
        if isinstance(item, Sign) and item.kind == "prefix":
            assert not term
            sign = -sign
        elif isinstance(item, Sign) and item.kind == "binary" and item.text in "+−":
            value += sign * product(term, values, bound)
            sign, term = (1 if item.text == "+" else -1), []
        else:
            term.append(item)
    return value


def product(items: list[Layout], values: Values, bound: dict[str, int]) -> float:
    assert items
    value, n, divide = 1.0, 0, False
    while n < len(items):
        item = items[n]
        n += 1
        if item == Sign("/"):
            divide = True
            continue
        if item == Sign("·", "binary"):
            continue
        if isinstance(item, Big):
            assert isinstance(item.below, Letter)
            return value * sum(product(items[n:], values, bound | {item.below.text: m}) for m in range(SIZE))
        if isinstance(item, Name) or (isinstance(item, Script) and isinstance(item.base, Name)):
            name, power = (item.text, 1.0) if isinstance(item, Name) else (item.base.text, read(item.above, values, bound))
            found = FUNCTIONS[name](factor(items[n], values, bound)) ** power
            n += 1
        else:
            found = factor(item, values, bound)
        assert not (divide and n < len(items) and items[n] != Sign("/")), "what stands behind a slash and one factor is read either way"
        value = value / found if divide else value * found
    return value


def factor(item: Layout, values: Values, bound: dict[str, int]) -> float:
    match item:
        case Number(text):
            return float(text)
        case Letter(text):
            return bound[text] if text in bound else values(latex(item))
        case Fraction(above, below):
            return read(above, values, bound) / read(below, values, bound)
        case Root(body, None):
            return math.sqrt(read(body, values, bound))
        case Fence("|", body, _):
            return abs(read(body, values, bound))
        case Fence("‖", body, _):
            return math.sqrt(sum(values(latex(body), n) ** 2 for n in range(SIZE)))
        case Fence("(", body, ")"):
            return read(body, values, bound)
        case Script(Letter("e", "upright"), None, above) if above is not None:
            return math.exp(read(above, values, bound))
        case Script(base, below, above):
            power = read(above, values, bound) if above is not None else 1.0
            return (factor(base, values, bound) if below is None else entry(base, below, values, bound)) ** power
    raise NotImplementedError(item)


def entry(base: Layout, below: Layout, values: Values, bound: dict[str, int]) -> float:
    parts = [part for part in (below.items if isinstance(below, Row) else (below,)) if part != Sign(",", "punctuation")]
    own = isinstance(parts[0], Letter) and parts[0].text in bound
    if own or (isinstance(parts[0], Number) and len(parts) == 1 and "," not in parts[0].text and latex(base) in ARRAYS):
        return values(latex(base), *(place(part, bound) for part in parts))
    name = latex(Script(base, parts[0]))
    return values(name, *(place(part, bound) for part in parts[1:]))


def place(part: Layout, bound: dict[str, int]) -> int:
    return int(part.text) if isinstance(part, Number) else bound[part.text]  # type: ignore[union-attr]


ARRAYS = {"h", "z", "x", "u", "v", "w"}


def expressions(name: str) -> Iterator[sp.Expr]:
    for statement in paper(name).statements:
        for part in (*statement.parts, *statement.mutants):
            match part.assertion:
                case Evolves(quantity, rate, _):
                    yield from (quantity, rate)
                case Equal(left, right, _):
                    yield from (left, right)
                case Gradient(of, _, value, _):
                    yield from (of, value)
                case Complete(_, laws):
                    yield from (law.value for law in laws)


def agree(e: sp.Expr, shown: Layout) -> bool:
    """At the first point where all roots and logarithms are real."""
    free = dict.fromkeys("ijkl", 1)
    for seed in range(100):
        values = Values(seed)
        try:
            wanted = meant(e, values, free)
        except ValueError:
            continue
        if isinstance(wanted, float | int):
            return math.isclose(wanted, read(shown, values, free), rel_tol=1e-9, abs_tol=1e-9)
    raise AssertionError(f"no point was found for {e}")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_laid_out_means_what_was_given(name):
    tried = 0
    for e in dict.fromkeys(expressions(name)):
        if e.has(sp.Integral):
            continue
        tried += 1
        assert agree(e, layout(e)), (e, latex(layout(e)))
    assert tried > 100


@pytest.mark.parametrize(
    "wrong",
    [
        row(Letter("L"), Sign("+", "binary"), Letter("κ")),  # brackets lost around a sum
        Script(Row((Letter("L"), Letter("κ"))), None, Number("2")),
    ],
)
def test_the_oracle_can_tell(wrong):
    e = kappa * (L + kappa)
    with contextlib.suppress(NotImplementedError):
        assert not agree(e, wrong)


def test_a_slash_is_not_followed_by_a_factor():
    assert latex(layout(sp.exp(kappa * r**2 * (2 - L) / 2))) == r"\mathrm{e}^{(2 - L)\kappa r^{2}/2}"
    with pytest.raises(AssertionError, match="either way"):
        read(row(Letter("κ"), Sign("/"), Number("2"), Letter("r")), Values(0), {})


# ---- Snapshots ---------------------------------------------------------------------------------------------------------------------------------

SNAPSHOTS = [
    (sp.log(u[i]) + kappa * r**2 / 2, r"\log u_{i} + \frac{\kappa r^{2}}{2}"),
    (total(z[i] * (sp.log(u[i]) + kappa * r**2 / 2), (i, N)), r"\sum_{i} z_{i}\left(\log u_{i} + \frac{\kappa r^{2}}{2}\right)"),
    ((u[i] * sp.exp(kappa * r**2 / 2)) ** (2 - L), r"(u_{i}\mathrm{e}^{\kappa r^{2}/2})^{2 - L}"),
    (total(A[k, i] * u[i], (i, N)) - z[k], r"\sum_{i} A_{ki}u_{i} - z_{k}"),
    (-(2 - L) * kappa, r"(L - 2)\kappa"),
    (sp.sqrt(total(u[j] ** 2, (j, N))), r"\Vert u\Vert "),
    (1 / total(u[j] ** 2, (j, N)), r"\frac{1}{\Vert u\Vert ^{2}}"),
    (sp.sin(r) ** 2 * sp.cos(r), r"\cos r\sin^{2}r"),
    (total(-u[i] * z[i], (i, N)), r"\sum_{i} (-u_{i}z_{i})"),
    (sp.Rational(6577767, 5000000), "1.3155534"),
    (sp.Rational(1, 10**34), "10^{-34}"),
    (sp.Rational(1, 3), r"\frac{1}{3}"),
    (sp.Integer(-4), "-4"),
    (2 * sp.Abs(r - 1), r"2|r - 1|"),
]


@pytest.mark.parametrize(("e", "told"), SNAPSHOTS)
def test_latex(e, told):
    assert latex(layout(e)) == told


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("1/2000", r"5 \cdot 10^{-4}"),
        ("1294/625", "2.0704"),
        ("-1/2", "-0.5"),
        ("434", "434"),
        ("1/3", r"\frac{1}{3}"),
        ("0", "0"),
        ("100", "100"),
        ("0.72128440311870831548", "0.72128440311870831548"),
    ],
)
def test_decimals_are_exact(value, told):
    assert latex(decimal(sp.Rational(value))) == told


def test_dots_and_derivatives():
    shown = assertion(Evolves(u[i], -kappa * u[i], ((i, N),)))
    assert latex_lines(shown.lines) == r"\dot{u}_{i} = -\kappa u_{i}"
    assert shown.every is not None
    assert latex(shown.every) == "i"
    shown = assertion(Gradient(total(u[i] ** 3, (i, N)), u, 3 * u[i] ** 2, ((i, N),)))
    assert latex_lines(shown.lines) == r"\frac{\partial}{\partial u_{i}}\,\left(\sum_{j} u_{j}^{3}\right) = 3u_{i}^{2}"  # the bound index steps aside


def test_typst_and_mathml():
    e = sp.log(u[i]) + kappa * r**2 / 2
    assert typst(layout(e)) == 'op("log") attach(u, b: i) + frac(κ attach(r, t: 2), 2)'
    assert mathml(layout(e)).startswith('<math><semantics><mrow><mi>log</mi><mspace width="0.167em"/><msub><mi>u</mi><mi>i</mi></msub><mo')
    assert '<annotation encoding="application/x-tex">\\log u_{i}' in mathml(layout(e))


def test_short_names_are_told():
    s = total(u[j], (j, N))
    style = Style(short={"sum(j, u[j])": Letter("s")})
    shown = assertion(Evolves(s**2, kappa * total(u[i], (i, N))), style)
    assert latex_lines(shown.lines) == r"\frac{\mathrm{d}}{\mathrm{d}t}\,s^{2} = \kappa s"  # and not the square of a velocity
    ((name, value),) = shown.where
    assert (latex(name), latex(value)) == ("s", r"\sum_{j} u_{j}")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_printed_can_be_read_again(name):
    """The LaTeX of every formula is within the part of LaTeX that prose may use, and reading it changes nothing."""
    for e in dict.fromkeys(expressions(name)):
        told = latex(layout(e))
        assert latex(read_math(told)) == told


# ---- Lines -------------------------------------------------------------------------------------------------------------------------------------


def test_long_formulas_are_broken_between_terms():
    terms = [Variable(f"W{n}", (N,))[i] * r**n for n in range(1, 40)]
    shown = display(Letter("F"), (EQUALS, layout(sp.Add(*terms))))
    assert len(shown.lines) > 2
    assert all(width(left) + width(right) <= WIDEST for left, right in shown.lines)
    assert sum(latex_lines(shown).count(rf"W_{{{n}, i}}") for n in range(1, 40)) == 39
    second = [item for item in shown.lines[1][1].items if not isinstance(item, Gap)]  # type: ignore[union-attr]
    assert second[0] == Sign("+", "binary")
    assert mathml_lines(shown).count("<mtr>") == len(shown.lines)


def test_products_that_are_broken_say_so():
    sums = [sp.Add(*(sp.Symbol(f"a{n}{m}") for m in range(9))) for n in range(4)]
    shown = display(Letter("F"), (EQUALS, layout(sp.Mul(*sums))))
    begins = [next(item for item in right.items if not isinstance(item, Gap)) for _, right in shown.lines[1:]]  # type: ignore[union-attr]
    assert all(isinstance(item, Sign) and item.text in "·+" for item in begins)


def test_one_line_stays_one_line():
    shown = display(Accent("dot", Letter("r")), (EQUALS, Number("0")))
    assert len(shown.lines) == 1


def test_along_a_curve_the_derivative_is_not_partial() -> None:
    a, r = sp.symbols("a r")
    assert latex(layout(sp.Derivative(a, r))) == r"\frac{\mathrm{d}a}{\mathrm{d}r}"
    assert latex(layout(sp.Derivative(sp.Function("f")(a, r), r))) == r"\frac{\partial f(a, r)}{\partial r}"
