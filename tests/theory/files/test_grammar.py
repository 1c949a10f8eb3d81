"""The grammar against an evaluator of its own, and against everything that is not an expression."""

from __future__ import annotations

import time
from fractions import Fraction
from typing import Any

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.files.errors import Place, TheoryFileError
from theory.files.grammar import parse, parse_equation
from theory.files.meaning import Scope, meaning
from theory.symbols import Variable, size, total

N, M = size("N"), size("M")
SIZES = {"N": 3, "M": 2}
VARIABLES = {
    "u": Variable("u", (N,), "parameter", "positive"),
    "v": Variable("v", (N,), "parameter"),
    "y": Variable("y", (M,)),
    "A": Variable("A", (M, N)),
    "r": Variable("r", (), "parameter", "positive"),
    "c": Variable("c"),
}
SCOPE = Scope({**VARIABLES, "N": N, "M": M, "half": sp.Rational(1, 2)}, SIZES)
VALUES: dict[str, Any] = {
    "u": [Fraction(1), Fraction(2), Fraction(3, 2)],
    "v": [Fraction(-1), Fraction(1, 3), Fraction(5)],
    "y": [Fraction(2), Fraction(-7, 2)],
    "A": [[Fraction(1), Fraction(0), Fraction(2)], [Fraction(-1), Fraction(1, 2), Fraction(3)]],
    "r": Fraction(4, 3),
    "c": Fraction(-2),
    "N": Fraction(3),
    "M": Fraction(2),
    "half": Fraction(1, 2),
}


def read(text: str) -> sp.Expr:
    place = Place("f.toml", "[[claim]] a, conserved", text)
    return meaning(place, SCOPE, parse(place)).value


def refusal(text: str) -> str:
    with pytest.raises(TheoryFileError) as caught:
        read(text)
    return str(caught.value)


def outcome(text: str) -> str:
    try:
        return f"read {read(text)}"
    except TheoryFileError as error:
        return str(error)


# ---- a second evaluator: texts with the value they should have -------------------------------------------------------------------------------


def numbers() -> st.SearchStrategy[tuple[str, Any]]:
    whole = st.integers(0, 40).map(lambda n: (str(n), lambda at: Fraction(n)))
    decimal = st.decimals(0, 9, places=2).map(lambda d: (str(d), lambda at: Fraction(str(d))))
    return whole | decimal


def names(bound: tuple[str, ...]) -> st.SearchStrategy[tuple[str, Any]]:
    scalars = st.sampled_from(["r", "c", "N", "M", "half"]).map(lambda name: (name, lambda at: VALUES[name]))
    first = st.sampled_from(["0", "1", "2", *(i for i in bound if i in "ij")])
    second = st.sampled_from(["0", "1", *(k for k in bound if k in "kl")])

    def at(entry: str, where: dict[str, int]) -> int:
        return where[entry] if entry in where else int(entry)

    vectors = st.tuples(st.sampled_from(["u", "v"]), first).map(lambda p: (f"{p[0]}[{p[1]}]", lambda w: VALUES[p[0]][at(p[1], w)]))
    matrix = st.tuples(second, first).map(lambda p: (f"A[{p[0]}, {p[1]}]", lambda w: VALUES["A"][at(p[0], w)][at(p[1], w)]))
    return scalars | vectors | matrix


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3, bound: tuple[str, ...] = (), sums: bool = True) -> tuple[str, Any]:
    if depth == 0:
        return draw(numbers() | names(bound))
    inner = expressions(depth - 1, bound, sums)
    kind = draw(st.sampled_from(["leaf", "+", "-", "*", "/", "**", "^", "negative", *(["sum"] if sums else [])]))
    if kind in "+-*":
        (left, f), (right, g) = draw(inner), draw(inner)
        apply = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b}[kind]
        return f"({left}) {kind} ({right})", lambda w: apply(f(w), g(w))
    if kind == "/":
        (left, f), n = draw(inner), draw(st.integers(1, 9))
        return f"({left})/{n}", lambda w: f(w) / n
    if kind in ("**", "^"):
        (base, f), n = draw(inner), draw(st.integers(0, 3))
        return f"({base}){kind}{n}", lambda w: f(w) ** n
    if kind == "negative":
        body, f = draw(inner)
        return f"-({body})", lambda w: -f(w)
    if kind == "sum" and len(bound) < 4:
        letter, length, entry = draw(st.sampled_from([("i", 3, "u[i]"), ("j", 3, "v[j]"), ("k", 2, "y[k]"), ("l", 2, "y[l]")]))
        if letter not in bound:
            body, f = draw(expressions(depth - 1, (*bound, letter)))
            name = entry[0]
            return f"sum({letter}, {entry}*({body}))", lambda w: sum((VALUES[name][n] * f({**w, letter: n}) for n in range(length)), Fraction(0))
    return draw(numbers() | names(bound))


def evaluated(expression: sp.Expr) -> sp.Expr:
    """The value of a SymPy expression, by sums written out."""
    while expression.has(sp.Sum):
        innermost = min(expression.atoms(sp.Sum), key=lambda node: len(node.atoms(sp.Sum)))
        letter, _, upper = innermost.limits[-1]
        inner = sp.Sum(innermost.function, *innermost.limits[:-1]) if len(innermost.limits) > 1 else innermost.function
        terms = [inner.xreplace({letter: sp.Integer(n)}) for n in range(SIZES[str(upper + 1)])]
        expression = expression.xreplace({innermost: sp.Add(*terms)})

    def number(value: Fraction) -> sp.Rational:
        return sp.Rational(value.numerator, value.denominator)

    known: dict[sp.Expr, sp.Expr] = {N: sp.Integer(3), M: sp.Integer(2)}
    for entry in expression.atoms(sp.Indexed):
        value = VALUES[entry.base.name]
        for n in entry.indices:
            value = value[int(n)]
        known[entry] = number(value)
    known |= {VARIABLES[name][()]: number(VALUES[name]) for name in ("r", "c")}
    return expression.xreplace(known)


@given(expressions())
@settings(max_examples=150, deadline=None)
def test_the_value_is_that_of_exact_arithmetic(drawn: tuple[str, Any]) -> None:
    text, value = drawn
    wanted = value({})
    assert evaluated(read(text)) == sp.Rational(wanted.numerator, wanted.denominator)


@given(expressions(sums=False))
@settings(max_examples=100, deadline=None)
def test_what_sympy_prints_is_read_as_the_same(drawn: tuple[str, Any]) -> None:
    once = read(drawn[0])
    assert sp.expand(read(str(once)) - once) == 0


@given(st.text(max_size=80))
@settings(max_examples=400, deadline=None)
def test_no_text_does_anything_but_refuse(text: str) -> None:
    assert outcome(text).startswith(("read", "f.toml, [[claim]] a, conserved: "))


@given(st.lists(st.sampled_from([*"()[]+-*/^,=. 019iku", "sum(", "sum(i,", "u[i]", "A[k,i]", "log(", "exp(", "**", "norm(v)", "abs("]), max_size=25))
@settings(max_examples=400, deadline=None)
def test_no_jumble_of_words_does_anything_but_refuse(words: list[str]) -> None:
    assert outcome("".join(words)).startswith(("read", "f.toml, [[claim]] a, conserved: "))


# ---- what the words mean ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("0.5", "1/2"),
        (".5", "1/2"),
        ("1e-3", "1/1000"),
        ("2^3^2", "2**9"),
        ("-r**2", "-(r**2)"),
        ("2**-1", "1/2"),
        ("r**-2", "1/r**2"),
        ("--r", "r"),
        ("8/4/2", "1"),
        ("8/4*2", "4"),
        ("1 - 2 - 3", "-4"),
        ("ln(r)", "log(r)"),
        ("arcsinh(c)", "asinh(c)"),
        ("sqrt(r)", "r**(1/2)"),
        ("norm(v)**2", "sum(i, v[i]**2)"),
        ("norm2(A)", "sum(k, i, A[k,i]**2)"),
        ("dot(u, v)", "sum(i, u[i]*v[i])"),
        ("sum(k, i, A[k,i])", "sum(k, sum(i, A[k,i]))"),
        ("half*2", "1"),
        ("exp(0)", "1"),
        ("abs(-3)", "3"),
    ],
)
def test_spellings(text: str, same: str) -> None:
    def plain(expression: sp.Expr) -> sp.Expr:
        for node in expression.atoms(sp.Sum):
            expression = expression.xreplace({node: sp.Sum(node.function, *sorted(node.limits, key=str))})
        return expression

    left, right = plain(read(text)), plain(read(same))
    assert left == right or evaluated(left) == evaluated(right)


def test_free_indices_are_found_with_their_ranges() -> None:
    place = Place("f", "", "A[k,i]*u[i] + y[k]")
    found = meaning(place, SCOPE, parse(place))
    assert [(str(letter), length) for letter, length in found.indices] == [("k", M), ("i", N)]


def test_a_sum_has_the_range_of_its_index() -> None:
    place = Place("f", "", "sum(i, A[k,i]*u[i])")
    (k, _), i = meaning(place, SCOPE, parse(place)).indices[0], sp.Symbol("i", integer=True, nonnegative=True)
    assert read(place.text) == total(VARIABLES["A"][k, i] * VARIABLES["u"][i], (i, N))


def test_an_equation_has_two_sides() -> None:
    left, right = parse_equation(Place("f", "", "r == c"))
    assert (left.at, right.at) == (0, 5)


# ---- what is refused -------------------------------------------------------------------------------------------------------------------------

REFUSED = [
    ("", "nothing is there"),
    ("__import__('os')", 'the character "\'"'),
    ("r.x", "the character '.'"),
    ("lambda z: z", "the character ':'"),
    ("{r}", "the character '{'"),
    ("r; c", "the character ';'"),
    ("r @ c", "write a matrix product as"),
    ("κ*r", "write the letter in Latin characters: kappa"),
    ("r²", "write **2"),
    ("r − c", "write the minus sign -"),
    ("r < c", "only equations"),
    ("2r", "runs into 'r'"),
    ("2 r", "write a product with *"),
    ("r(2)", "r is not a function"),
    ("(r", "')' was wanted to close the parenthesis"),
    ("r)", "the expression was complete"),
    ("r +", "a number, a name or a parenthesis was wanted"),
    ("r = c", "an equals sign stands only between"),
    ("u", "u has 1 index and was given none; write u[i]"),
    ("r[i]", "it is a single number"),
    ("u[i,j]", "gives u 2 indices, and it has 1 index"),
    ("u[3]", "the last is 2 at N = 3"),
    ("u[i+1]", "']' was wanted to close the indices of u"),
    ("u[-1]", "an index was wanted"),
    ("u[N]", "not an index"),
    ("w[i]", "the name w is not declared"),
    ("halff", "did you mean half?"),
    ("pi", "only rational numbers are exact"),
    ("foo(r)", "the function foo is not known"),
    ("prod(i, u[i])", "exp(sum(i, log(...)))"),
    ("log", "write log(...)"),
    ("log(r, c)", "log takes 1 argument, and was given 2"),
    ("sum(u[i])", "write sum(i, body)"),
    ("sum(2, u[i])", "an index of sum was wanted"),
    ("sum(i, r)", "its range is not known"),
    ("sum(i, y[i]*u[i])", "the index i runs over M in y[i], and over N in u[i]"),
    ("u[i]*y[i]", "the index i runs over N in u[i], and over M in y[i]"),
    ("u[i]*sum(i, v[i])", "give the sum another letter"),
    ("sum(i, u[i])*v[i]", "stands outside of the sum too"),
    ("sum(i, sum(i, u[i]))", "give the sum another letter"),
    ("sum(r, u[r])", "the index r has the name of something declared"),
    ("sum(i, i*u[i])", "the index i stands where a number was wanted"),
    ("norm(r)", "is a single number"),
    ("dot(u, y)", "dot takes two tensors of one shape"),
    ("norm(u[i])", "norm(v) with the name of a tensor"),
    ("1/0", "division by zero"),
    ("1/(r - r)", "division by zero"),
    ("0**-1", "zero is raised"),
    ("log(0)", "not a real number"),
    ("sqrt(-2)", "not a real number"),
    ("sqrt(-r**2)", "not a real number"),
    ("atan(1)", "pi cannot be stated"),
    ("2**1000000000", "the exponent 1000000000 is too large"),
    ("9**9**9", "is too large"),
    ("r**65", "the exponent 65 is too large"),
    ("r**(1/65)", "is too large"),
    ("exp(1000000000*log(2))", "is too large"),
    ("((((2**64)**64)**64)**64)**64", "written out"),
    ("1e99999999", "more than 60 digits"),
    ("1" * 61, "more than 60 digits"),
    ("r" * 61, "more than 60 characters"),
    ("(" * 9_900 + "r" + ")" * 9_900, "nested deeper than 100"),
    ("(" * 101 + "r" + ")" * 101, "nested deeper than 100"),
    ("log(" * 5_000, "nested deeper than 100"),
    ("r**" * 5_000 + "r", "nested deeper than 100"),
    ("sinh(" * 90 + "r" + ")" * 90, "written out"),
    ("+".join(["r*c"] * 3000), "more than 5000 parts"),
    ("r" + " " * 20_000, "at most 20000 are read"),
]


@pytest.mark.parametrize(("text", "told"), REFUSED, ids=[text[:24] or "empty" for text, _ in REFUSED])
def test_refusals_say_why(text: str, told: str) -> None:
    start = time.perf_counter()
    message = refusal(text)
    assert told in message
    assert message.startswith("f.toml, [[claim]] a, conserved: ")
    assert time.perf_counter() - start < 10


def test_the_caret_stands_under_the_fault() -> None:
    *_, shown, caret = refusal("log(r) + w[i]").split("\n")
    assert shown[caret.index("^")] == "w"


def test_the_caret_stands_under_the_fault_of_a_long_expression() -> None:
    *_, shown, caret = refusal("+".join(["r"] * 100) + "+ w +" + "+".join(["c"] * 100)).split("\n")
    assert shown[caret.index("^")] == "w"
    assert len(shown) < 100


@pytest.mark.parametrize("text", ["+".join(["r*u[i]"] * 1200), "*".join(["(r+1)"] * 1200), "-" * 15_000 + "r", "(" * 90 + "r" + ")" * 90])
def test_large_expressions_are_read(text: str) -> None:
    assert isinstance(read(text), sp.Expr)
