"""What a certificate is said to be about: expressions read back mean the same, and nothing of a statement is left out."""

from __future__ import annotations

import ast
import json
import operator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from proofs_check.kernel.language import Add, Fn, Integral, Mul, Number, Pow, Ref, Sum, Tree
from proofs_check.kernel.telling import tell, written

CERTIFICATES = sorted((Path(__file__).parent / "certificates").glob("*.json"))
N, POINT = 2, {"a": Fraction(3, 5), "b": Fraction(-7, 2), "u": (Fraction(2, 3), Fraction(-5))}
FUNCTIONS = {"log": lambda x: 3 * x + 1, "abs": abs}  # any functions will do: only which argument they get is at stake


def trees(bound: tuple[str, ...] = ()) -> st.SearchStrategy[Tree]:
    numbers = st.builds(lambda p, q: Number(fmpq(p, q)), st.integers(-3, 3), st.integers(1, 3))
    entries = st.sampled_from([Ref("a"), Ref("b"), Ref("u", (0,)), Ref("u", (1,)), *(Ref("u", (i,)) for i in bound)])

    def larger(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        several = st.lists(inner, min_size=1, max_size=3).map(tuple)
        found = st.builds(Add, several) | st.builds(Mul, several) | st.builds(Fn, st.sampled_from(sorted(FUNCTIONS)), inner)
        return found | st.builds(Pow, inner, st.integers(-2, 3).map(lambda n: Number(fmpq(n))))

    leaves = numbers | entries
    if len(bound) < 2:
        leaves = leaves | st.deferred(lambda: st.builds(Sum, st.just(f"i{len(bound)}"), st.just("N"), trees((*bound, f"i{len(bound)}"))))
    return st.recursive(leaves, larger, max_leaves=6)


def value(tree: Tree, indices: dict[str, int]) -> Fraction:
    match tree:
        case Number(number):
            return Fraction(int(number.p), int(number.q))
        case Ref(name, ()):
            return POINT[name]
        case Ref(name, (index,)):
            return POINT[name][indices[index] if isinstance(index, str) else index]
        case Add(args):
            return sum((value(arg, indices) for arg in args), Fraction(0))
        case Mul(args):
            found = Fraction(1)
            for arg in args:
                found *= value(arg, indices)
            return found
        case Pow(base, Number(exponent)):
            return value(base, indices) ** int(exponent)
        case Sum(index, _, body):
            return sum((value(body, {**indices, index: n}) for n in range(N)), Fraction(0))
        case Fn(name, arg):
            return FUNCTIONS[name](value(arg, indices))
    raise AssertionError(tree)


OPERATIONS: dict[type, Any] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
}


def read_back(node: ast.expr, indices: dict[str, int]) -> Fraction:
    """The line as Python reads it: its brackets and its precedences."""
    match node:
        case ast.Constant(int(number)):
            return Fraction(number)
        case ast.Name(name):
            return POINT[name]
        case ast.Subscript(ast.Name(name), ast.Name(index)):
            return POINT[name][indices[index]]
        case ast.Subscript(ast.Name(name), ast.Constant(index)):
            return POINT[name][index]
        case ast.BinOp(left, ast.Pow(), right):
            return read_back(left, indices) ** int(read_back(right, indices))
        case ast.BinOp(left, operation, right):
            return OPERATIONS[type(operation)](read_back(left, indices), read_back(right, indices))
        case ast.UnaryOp(operation, operand):
            return OPERATIONS[type(operation)](read_back(operand, indices))
        case ast.Call(ast.Name("sum"), [ast.Compare(ast.Name(index), [ast.Lt()], [ast.Name("N")]), body]):
            return sum((read_back(body, {**indices, index: n}) for n in range(N)), Fraction(0))
        case ast.Call(ast.Name(name), [arg]):
            return FUNCTIONS[name](read_back(arg, indices))
    raise AssertionError(ast.dump(node))


@given(trees())
def test_an_expression_read_back_has_its_value(tree: Tree) -> None:
    line = ast.parse(written(tree), mode="eval").body
    try:
        wanted = value(tree, {})
    except ZeroDivisionError:
        with pytest.raises(ZeroDivisionError):
            read_back(line, {})
        return
    assert read_back(line, {}) == wanted


@pytest.mark.parametrize(
    ("tree", "line"),
    [
        (Add(()), "0"),
        (Mul(()), "1"),
        (Mul((Number(fmpq(-1)), Ref("a"), Ref("b"))), "-a*b"),
        (Add((Ref("a"), Mul((Number(fmpq(-1)), Ref("b"))))), "a - b"),
        (Mul((Ref("a"), Pow(Ref("b"), Number(fmpq(-1))), Pow(Ref("a"), Number(fmpq(-2))))), "a/b/a**2"),
        (Pow(Ref("a"), Number(fmpq(1, 2))), "sqrt(a)"),
        (Pow(Ref("a"), Number(fmpq(-1, 2))), "a**(-1/2)"),
        (Pow(Ref("a"), Add((Ref("b"), Number(fmpq(1))))), "a**(b + 1)"),
        (Integral("s", Ref("a"), Fn("exp", Ref("s"))), "integral(0 < s < a, exp(s))"),
    ],
)
def test_an_expression_is_written_as_one_would(tree: Tree, line: str) -> None:
    assert written(tree) == line


@pytest.mark.parametrize("path", CERTIFICATES, ids=lambda path: path.stem)
def test_every_symbol_and_every_definition_is_told(path: Path) -> None:
    certificate = json.loads(path.read_text(encoding="utf-8"))
    lines = tell(certificate)
    statement = certificate.get("enclosure", certificate).get("statement")
    if statement is not None:
        text = "\n".join(line for line in lines if not line.startswith("at: "))
        for name in (*statement["sizes"], *statement["symbols"], *(entry["name"] for entry in statement["definitions"])):
            assert name in text
        assert sum(line.startswith("definition: ") for line in lines) == len(statement["definitions"])
        assert sum(line.startswith("given: ") for line in lines) == len(statement["hypotheses"])


def change(certificate: Any, *way: Any, to: Any) -> Any:
    """A copy in which one place holds something else."""
    changed = json.loads(json.dumps(certificate))
    place = changed
    for step in way[:-1]:
        place = place[step]
    assert place[way[-1]] != to
    place[way[-1]] = to
    return changed


LAW = json.loads((Path(__file__).parent / "certificates" / "all-sizes.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("way", "to", "line"),
    [
        (("statement", "symbols", "kappa", "sign"), "nonzero", "constants: L > 0, kappa != 0, eta_r > 0, A[M,N], y[M], z[N]"),
        (("statement", "symbols", "r", "sign"), "nonnegative", "parameters: r >= 0, u[N] > 0"),
        (("statement", "hypotheses", 0, "zero"), "kappa", "given: kappa = 0 for all k < M"),
        (("statement", "flow", "rates", "r", "value"), ["+", "eta_r", 1], "flow: d/dt r = -(eta_r + 1)*dP/dr"),
        (("statement", "flow", "rates", "r", "value"), 1, "flow: d/dt r = -dP/dr"),
        (("statement", "flow", "drift"), {"r": {"indices": [], "value": ["*", -1, "r"]}}, "flow: d/dt r = -eta_r*dP/dr - r"),
        (("statement", "flow", "spheres"), [], "flow: d/dt u[i] = -(eta_r*kappa)*dP/du[i]"),
        (("statement", "claim"), {"kind": "between", "indices": [], "least": 1, "most": 3}, "claim: between 1 and 3 independent laws"),
        (
            ("statement", "claim"),
            {"kind": "gradient", "of": ["^", "r", 3], "by": "u", "indices": [["i", "N"]], "value": 0},
            "claim: d/du[i] of r**3 = 0 for all i < N",
        ),
        (
            ("statement", "claim"),
            {"kind": "at-most", "quantity": "r", "right": 0, "strict": True, "where": ["x"], "indices": []},
            "claim: d/dt of r < 0 where x >= 0",
        ),
    ],
)
def test_what_is_changed_is_told(way: tuple[Any, ...], to: Any, line: str) -> None:
    assert line not in tell(LAW)
    assert line in tell(change(LAW, *way, to=to))


def test_a_parameter_that_only_drifts_is_told() -> None:
    flow = {**LAW["statement"]["flow"], "drift": {"r": {"indices": [], "value": ["+", "r", 1]}}}
    flow["rates"] = {"u": flow["rates"]["u"]}
    assert "flow: d/dt r = r + 1" in tell(change(LAW, "statement", "flow", to=flow))


FALSE = "1\nclaim: x = x + 1 for all N"


@pytest.mark.parametrize("path", CERTIFICATES, ids=lambda path: path.stem)
def test_what_no_checker_reads_is_not_told(path: Path) -> None:
    certificate = json.loads(path.read_text(encoding="utf-8"))
    lines = tell(certificate)
    for holder in (certificate, certificate.get("point"), certificate.get("instance"), certificate.get("enclosure")):
        if isinstance(holder, dict):
            for key in ("values", "sizes", "start", "radii"):
                if certificate["kind"] != "limit":
                    holder.setdefault(key, {})["note"] = FALSE
    certificate.setdefault("note", FALSE)
    assert tell(certificate) == lines


@pytest.mark.parametrize("kind", ["all-sizes", "inequality"])
def test_numbers_beside_a_statement_for_all_are_not_told(kind: str) -> None:
    certificate = json.loads((Path(__file__).parent / "certificates" / f"{kind}.json").read_text(encoding="utf-8"))
    lines = tell(certificate)
    name = next(iter(certificate["statement"]["symbols"]))
    assert tell({**certificate, "sizes": {"N": 1, "M": 1}, "values": {name: 1}, **({"instance": {}} if kind == "all-sizes" else {})}) == lines


def test_radii_and_long_tensors_are_told() -> None:
    enclosure = json.loads((Path(__file__).parent / "certificates" / "enclosure.json").read_text(encoding="utf-8"))
    told = tell({**enclosure, "radii": {"kappa": "1/100"}, "values": {**enclosure["values"], "y": [["1/3"] * 30], "r": "7"}})
    assert "at: every kappa that differs from this by at most 1/100" in told
    assert "at: y = 30 numbers of the certificate" in told
    assert not any("r = 7" in line for line in told)  # a parameter has no value there, but a start


def test_plain_gradient_flow_is_told_from_the_polar_one() -> None:
    limit = json.loads((Path(__file__).parent / "certificates" / "limit.json").read_text(encoding="utf-8"))
    plain = tell({**limit, "kappa": None, "start": {"exponent": "1/2", "values": ["1/2", "3"]}})
    assert "flow: gradient flow of w" in plain
    assert "at: L = 2" in plain
    assert "at: w(0)**2 = [1/2, 3]" in plain
