"""Index polynomials: what must be recognised as zero, what never may, and agreement with exact values at explicit sizes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from typing import Any, TypeAlias

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from proofs_check.kernel.all_sizes import conditions_of, residual
from proofs_check.kernel.index import Algebra, Poly, add, constant, entry, free_indices, scale, tree_of
from proofs_check.kernel.language import Equal, Number, Rejected, Statement, read_statement
from proofs_check.kernel.points import residual_at

Json = Any
Draw: TypeAlias = Callable[..., Any]
HALF = ["/", 1, 2]
SHAPES: Mapping[str, tuple[list[Json], str, str]] = {
    "u": (["N"], "parameter", "positive"),
    "v": (["N"], "parameter", "real"),
    "h": (["N"], "parameter", "nonzero"),
    "A": (["M", "N"], "constant", "real"),
    "B": (["N", "N"], "parameter", "real"),
    "c": ([], "constant", "positive"),
    "d": ([], "constant", "real"),
    "q": ([], "constant", "nonnegative"),
    "x": ([], "parameter", "real"),
    "t": ([], "parameter", "positive"),
    "L": ([], "constant", "positive"),
    "K": ([], "constant", "real"),
}
DEFINITIONS = [
    {"name": "D", "indices": [["i", "N"]], "value": ["sum", "j", "N", ["*", ["at", "B", "i", "j"], ["at", "v", "j"]]]},
    {"name": "E", "indices": [["i", "N"], ["j", "N"]], "value": ["+", ["*", ["at", "u", "i"], ["at", "v", "j"]], ["at", "B", "j", "i"]]},
    {"name": "S", "indices": [], "value": ["sum", "k", "M", ["sum", "i", "N", ["at", "A", "k", "i"]]]},
]


def at(name: str, *indices: Json) -> Json:
    return ["at", name, *indices]


def total(index: str, size: Json, body: Json) -> Json:
    return ["sum", index, size, body]


def minus(tree: Json) -> Json:
    return ["*", -1, tree]


def root(tree: Json) -> Json:
    return ["^", tree, HALF]


def stated(claim: Json, shapes: Mapping[str, tuple[list[Json], str, str]] = SHAPES) -> Statement:
    return read_statement(
        {
            "sizes": ["N", "M"],
            "symbols": {name: {"shape": shape, "role": role, "sign": sign} for name, (shape, role, sign) in shapes.items()},
            "definitions": DEFINITIONS,
            "hypotheses": [],
            "flow": None,
            "claim": claim,
        }
    )


def equal(left: Json, right: Json, *indices: list[str]) -> Statement:
    return stated({"kind": "equal", "indices": list(indices), "left": left, "right": right})


def gradient(of: Json, by: str, value: Json, *indices: list[str]) -> Statement:
    return stated({"kind": "gradient", "indices": list(indices), "of": of, "by": by, "value": value})


def conditions(statement: Statement) -> list[str]:
    return sorted(conditions_of(statement, {"gradient": {}, "cofactors": []}))


I, J, K = ["i_", "N"], ["j_", "N"], ["k_", "M"]
ui, vi, hi = at("u", "i_"), at("v", "i_"), at("h", "i_")
SQUARES = total("s", "N", ["^", at("v", "s"), 2])
SHIFTED, SCALED = ["+", at("u", "s"), "c"], ["+", 1, ["*", "t", at("u", "s")]]
# h/(h + d v) brings v up and v/(v + c h) brings h up: taking whole parts of the two has no end.
FIRST, SECOND = ["+", at("h", "s"), ["*", "d", at("v", "s")]], ["+", at("v", "s"), ["*", "c", at("h", "s")]]
BOTH = ["*", ["+", 1, minus(["*", "c", "d"])], at("h", "s"), at("v", "s"), ["^", FIRST, -1], ["^", SECOND, -1]]

TRUE: Mapping[str, tuple[Statement, list[str]]] = {
    "a sum renamed": (equal(total("s", "N", at("v", "s")), total("p", "N", at("v", "p"))), []),
    "sums exchanged": (
        equal(total("s", "N", total("p", "M", at("A", "p", "s"))), total("p", "M", total("s", "N", at("A", "p", "s")))),
        [],
    ),
    "a product of sums": (
        equal(["^", total("s", "N", at("v", "s")), 2], total("s", "N", total("p", "N", ["*", at("v", "s"), at("v", "p")]))),
        [],
    ),
    "a symmetric square": (
        equal(
            total("s", "N", total("p", "N", ["^", ["+", at("v", "s"), minus(at("v", "p"))], 2])),
            ["+", ["*", 2, "N", SQUARES], ["*", -2, ["^", total("s", "N", at("v", "s")), 2]]],
        ),
        [],
    ),
    "the square of a sum of exponentials": (
        equal(
            ["^", total("s", "N", ["*", at("v", "s"), ["exp", at("u", "s")]]), 2],
            total("s", "N", total("p", "N", ["*", at("v", "s"), at("v", "p"), ["exp", ["+", at("u", "p"), at("u", "s")]]])),
        ),
        [],
    ),
    "indices that only a log tells apart": (
        equal(
            total("s", "N", total("p", "N", ["*", at("v", "s"), ["log", ["+", at("u", "s"), ["*", 2, at("u", "p")]]]])),
            total("s", "N", total("p", "N", ["*", at("v", "p"), ["log", ["+", ["*", 2, at("u", "s")], at("u", "p")]]])),
        ),
        [],
    ),
    "an idle index": (equal(total("s", "N", "d"), ["*", "N", "d"]), []),
    "an idle index of known size": (equal(total("s", 3, "d"), ["*", 3, "d"]), []),
    "a size cancelled under its own sum": (equal(total("s", "N", ["*", "d", ["^", "N", -1]]), "d"), []),
    "a size cancelled": (equal(["*", ["^", "N", -1], total("s", "N", "d")], "d"), []),
    "a swapped definition": (
        equal(
            ["+", at("E", "i_", "j_"), minus(at("E", "j_", "i_"))],
            ["+", ["*", ui, at("v", "j_")], ["*", -1, vi, at("u", "j_")], at("B", "j_", "i_"), minus(at("B", "i_", "j_"))],
            I,
            J,
        ),
        [],
    ),
    "a definition on its diagonal": (equal(at("E", "i_", "i_"), ["+", ["*", ui, vi], at("B", "i_", "i_")], I), []),
    "a definition with a sum, used under a sum": (
        equal(total("j", "N", at("D", "j")), total("p", "N", total("s", "N", ["*", at("B", "p", "s"), at("v", "s")]))),
        [],
    ),
    "a log of a product": (equal(["log", ["*", 6, ui, ["^", "t", 3]]], ["+", ["log", 2], ["log", 3], ["log", ui], ["*", 3, ["log", "t"]]], I), []),
    "a log of a fraction": (equal(["log", ["+", ["*", 2, "c"], ["*", 2, "t"]]], ["+", ["log", 2], ["log", ["+", "c", "t"]]]), []),
    "the exponential of a log": (equal(["exp", ["*", "K", ["log", ui]]], ["^", ui, "K"], I), []),
    "the exponential of the log of a real number": (equal(["exp", ["log", "x"]], "x"), ["x > 0"]),
    "a moving exponent": (equal(["^", "t", "x"], ["exp", ["*", "x", ["log", "t"]]]), []),
    "the power of a product": (equal(["^", ["*", ui, "t"], "L"], ["*", ["^", ui, "L"], ["^", "t", "L"]], I), []),
    "a power of a power": (equal(["^", ["^", ui, "K"], "L"], ["^", ui, ["*", "K", "L"]], I), []),
    "a power of a power of a real number": (equal(["^", ["^", "x", 3], HALF], ["*", "x", root("x")]), ["x > 0"]),
    "exponents that add": (equal(["*", ["^", "x", "L"], ["^", "x", ["+", 1, minus("L")]]], "x"), ["x > 0"]),
    "exponents that cancel": (equal(["^", "x", ["+", "L", minus("L")]], 1), []),
    "the zeroth power of a power": (equal(["^", ["^", "t", "L"], 0], 1), []),
    "a prime taken out of a root": (equal(root(12), ["*", 2, root(3)]), []),
    "a fraction under a root": (equal(root(["/", 1, 8]), ["*", ["/", 1, 4], root(2)]), []),
    "a prime with a symbolic exponent": (equal(["^", ["*", 2, ["^", 2, "L"]], "K"], ["^", 2, ["+", "K", ["*", "K", "L"]]]), []),
    "a symbolic power beside a denominator": (
        equal(["^", ["+", ["^", "t", "L"], ["^", "t", -1], "d"], -1], ["*", "t", ["^", ["+", ["^", "t", ["+", 1, "L"]], 1, ["*", "d", "t"]], -1]]),
        ["1 + d*t + t^(1 + L) != 0"],
    ),
    "a nonnegative root": (equal(root(["^", "q", 2]), "q"), ["q > 0"]),
    "a root squared": (equal(["^", root(["+", "x", "d"]), 2], ["+", "x", "d"]), ["d + x > 0"]),
    "a denominator under a log": (equal(["log", ["+", 1, ["^", "c", -1]]], ["+", ["log", ["+", 1, "c"]], minus(["log", "c"])]), []),
    "a natural power of a root under a sum": (
        equal(total("s", "N", ["^", root(["+", at("u", "s"), "c"]), 4]), total("s", "N", ["^", ["+", at("u", "s"), "c"], 2])),
        [],
    ),
    "a natural power made of roots under a sum": (
        equal(total("s", "N", ["*", root(SHIFTED), ["^", SHIFTED, ["/", 3, 2]]]), total("s", "N", ["^", SHIFTED, 2])),
        [],
    ),
    "a product of roots under two sums": (
        equal(total("s", "N", total("p", "N", ["*", *[root(["+", at("u", "s"), at("u", "p")])] * 2])), ["*", 2, "N", total("s", "N", at("u", "s"))]),
        [],
    ),
    "a root beside its base under a sum": (
        equal(total("s", "N", ["*", SHIFTED, root(SHIFTED)]), total("s", "N", ["^", SHIFTED, ["/", 3, 2]])),
        [],
    ),
    "a root beside a base of products under a sum": (
        equal(total("s", "N", ["+", root(SCALED), ["*", "t", at("u", "s"), root(SCALED)]]), total("s", "N", ["^", SCALED, ["/", 3, 2]])),
        [],
    ),
    "more interchangeable indices than orders are tried": (
        equal(["^", total("s", "N", at("v", "s")), 8], ["*", *[["^", total("s", "N", at("v", "s")), 4] for _ in range(2)]]),
        [],
    ),
    "the root of a negative number squared": (equal(["^", root(minus("x")), 2], minus("x")), ["-1*x > 0"]),
    "partial fractions": (
        equal(["+", ["^", ["+", "x", 1], -1], minus(["^", ["+", "x", 2], -1])], ["^", ["*", ["+", "x", 1], ["+", "x", 2]], -1]),
        ["1 + x != 0", "2*1 + x != 0"],
    ),
    "a quotient of equal factors": (equal(["*", ["+", ["^", "x", 2], -1], ["^", ["+", "x", 1], -1]], ["+", "x", -1]), ["1 + x != 0"]),
    "a denominator inside a sum": (
        equal(
            total("s", "N", ["*", ["+", at("u", "s"), "c"], ["^", ["+", at("u", "s"), "t"], -1]]),
            ["+", "N", ["*", ["+", "c", minus("t")], total("s", "N", ["^", ["+", at("u", "s"), "t"], -1])]],
        ),
        [],
    ),
    "a denominator of products inside a sum": (
        equal(
            total("s", "N", ["*", "t", at("u", "s"), at("v", "s"), ["^", SCALED, -1]]),
            ["+", total("s", "N", at("v", "s")), minus(total("s", "N", ["*", at("v", "s"), ["^", SCALED, -1]]))],
        ),
        [],
    ),
    "a denominator with two powers inside a sum": (
        equal(
            total("s", "N", ["*", ["+", at("u", "s"), ["^", at("u", "s"), 2]], ["^", ["+", 1, at("u", "s"), ["^", at("u", "s"), 2]], -1]]),
            ["+", "N", minus(total("s", "N", ["^", ["+", 1, at("u", "s"), ["^", at("u", "s"), 2]], -1]))],
        ),
        [],
    ),
    "denominators that feed each other": (
        equal(
            total("s", "N", BOTH),
            ["+", total("s", "N", ["*", at("h", "s"), ["^", FIRST, -1]]), total("s", "N", ["*", -1, "c", at("h", "s"), ["^", SECOND, -1]])],
        ),
        ["c*h[s] + v[s] != 0", "d*v[s] + h[s] != 0"],
    ),
    "a norm normalised": (equal(total("s", "N", ["^", ["*", at("h", "s"), ["^", total("p", "N", ["^", at("h", "p"), 2]), ["/", -1, 2]]], 2]), 1), []),
    "sine and cosine": (equal(["+", ["^", ["sin", "x"], 4], minus(["^", ["cos", "x"], 4])], ["+", 1, ["*", -2, ["^", ["cos", "x"], 2]]]), []),
    "sine and cosine inside a sum": (equal(total("s", "N", ["+", ["^", ["sin", at("v", "s")], 2], ["^", ["cos", at("v", "s")], 2]]), "N"), []),
    "odd and even": (
        equal(
            ["+", ["sin", minus("x")], ["asinh", minus("d")], ["cos", minus("x")]], ["+", minus(["sin", "x"]), minus(["asinh", "d"]), ["cos", "x"]]
        ),
        [],
    ),
    "functions at zero": (equal(["+", ["sin", 0], ["cos", 0], ["atan", 0], ["asinh", 0], ["atanh", 0], ["abs", 0], ["exp", 0]], 2), []),
    "an absolute value squared": (equal(["^", ["abs", "x"], 2], ["^", "x", 2]), ["x != 0"]),
    "an absolute value of what is positive": (equal(["abs", ["+", ui, ["^", "x", 2]]], ["+", ui, ["^", "x", 2]], I), []),
    "an absolute value of what is negative": (equal(["abs", ["*", -2, "q"]], ["*", 2, "q"]), []),
    "the absolute value of a number": (equal(["abs", -3], 3), []),
    "a sum inside a log inside a sum": (
        equal(
            total("s", "N", ["log", total("p", "N", ["*", at("u", "s"), at("u", "p")])]),
            ["+", total("s", "N", ["log", at("u", "s")]), ["*", "N", ["log", total("p", "N", at("u", "p"))]]],
        ),
        [],
    ),
    "an entry named by a number": (equal(["+", at("u", 2), minus(at("u", 2))], 0), ["N > 2"]),
    "a diverging integral": (equal(["integral", "s", "t", ["^", "s", -1]], ["integral", "p", "t", ["^", "p", -1]]), ["integral(t; %^-1) exists"]),
    "an integral": (equal(["integral", "s", "t", ["*", "d", ["^", "s", HALF]]], ["integral", "p", "t", ["*", "d", ["^", "p", HALF]]]), []),
}


@pytest.mark.parametrize("name", TRUE)
def test_an_identity_is_proved_under_its_conditions(name: str) -> None:
    statement, expected = TRUE[name]
    assert conditions(statement) == expected


FALSE: Mapping[str, Statement] = {
    "capture: free against bound": equal(total("s", "N", ["*", ui, at("v", "s")]), total("s", "N", ["*", at("u", "s"), at("v", "s")]), I),
    "capture: through a definition": equal(total("j", "N", at("D", "j")), total("s", "N", ["*", at("B", "s", "s"), at("v", "s")])),
    "capture: inside a log": equal(
        total("s", "N", ["log", total("p", "N", ["*", at("u", "s"), at("u", "p")])]),
        total("s", "N", ["log", total("p", "N", ["*", at("u", "p"), at("u", "p")])]),
    ),
    "transposed": equal(at("E", "i_", "j_"), at("E", "j_", "i_"), I, J),
    "the diagonal for all": equal(total("s", "N", total("p", "N", at("B", "s", "p"))), total("s", "N", at("B", "s", "s"))),
    "one entry for all": equal(at("v", 0), vi, I),
    "N times the first entry": equal(total("s", "N", at("v", "s")), ["*", "N", at("v", 0)]),
    "a product of sums for a sum of products": equal(
        total("s", "N", ["*", at("u", "s"), at("v", "s")]), ["*", total("s", "N", at("u", "s")), total("s", "N", at("v", "s"))]
    ),
    "sine inside a sum": equal(total("s", "N", ["^", ["sin", at("v", "s")], 2]), ["*", "N", ["+", 1, minus(["^", ["cos", at("v", 0)], 2])]]),
    "a root beside another base under a sum": equal(
        total("s", "N", ["*", at("u", "s"), root(SHIFTED)]), total("s", "N", ["^", SHIFTED, ["/", 3, 2]])
    ),
    "denominators that feed each other": equal(
        total("s", "N", BOTH),
        ["+", total("s", "N", ["*", at("h", "s"), ["^", FIRST, -1]]), total("s", "N", ["*", -1, at("h", "s"), ["^", SECOND, -1]])],
    ),
    "another size": equal(total("s", "N", "d"), ["*", "M", "d"]),
    "the root of a square": equal(root(["^", "x", 2]), "x"),
    "the root of a square of what is not zero": equal(root(["^", hi, 2]), hi, I),
    "the log of a square": equal(["log", ["^", hi, 2]], ["*", 2, ["log", hi]], I),
    "the root of a product of real numbers": equal(root(["*", "x", "d"]), ["*", root("x"), root("d")]),
    "the log of a product of real numbers": equal(["log", ["*", "x", "d"]], ["+", ["log", "x"], ["log", "d"]]),
    "a power of an even power": equal(["^", ["^", "x", 2], ["*", HALF, "L"]], ["^", "x", "L"]),
    "an absolute value": equal(["abs", "x"], "x"),
    "an absolute value cubed": equal(["^", ["abs", "x"], 3], ["^", "x", 3]),
    "sine": equal(["sin", "x"], root(["+", 1, minus(["^", ["cos", "x"], 2])])),
    "a root of a sine squared": equal(root(["^", ["sin", "x"], 2]), ["sin", "x"]),
    "an odd power of a sine": equal(["^", ["sin", "x"], 3], ["+", 1, minus(["^", ["cos", "x"], 2])]),
    "parity": equal(["cos", minus("x")], minus(["cos", "x"])),
    "a prime overwritten": equal(["^", ["*", 2, ["^", 2, "L"]], "K"], ["^", 2, "K"]),
    "a log of a sum": equal(["log", ["+", ui, "t"]], ["+", ["log", ui], ["log", "t"]], I),
    "the size 1 alone": equal(["^", total("s", "N", at("v", "s")), 2], SQUARES),
    "off by one at size 1": equal(total("s", "N", total("p", "N", ["*", at("v", "s"), at("v", "p")])), ["*", "N", SQUARES]),
    "integrals with other limits": equal(["integral", "s", "t", "s"], ["integral", "s", "c", "s"]),
}


@pytest.mark.parametrize("name", FALSE)
def test_a_false_identity_is_not_proved(name: str) -> None:
    with pytest.raises(Rejected, match="the residual is not zero"):
        conditions(FALSE[name])


NOWHERE: Mapping[str, Json] = {
    "0^-1": ["^", ["+", "x", minus("x")], -1],
    "0^L": ["^", 0, "L"],
    "log 0": ["log", ["+", ui, minus(ui)]],
    "log of a negative number": ["log", -2],
    "root of a negative number": root(-1),
    "root of an empty negative sum": root(["+", -3, ["*", 2, "N", ["^", "N", -1]]]),
    "atanh 2": ["atanh", 2],
    "log of what is certainly negative": ["log", minus(["*", ["+", ui, 1], ["+", "t", 2]])],
    "root of what is certainly not positive": root(minus(["+", ["^", "x", 2], "q"])),
    "atanh of what is certainly above 1": ["atanh", ["+", 1, ui]],
    "an integral up to a negative number": ["integral", "s", -1, "s"],
    "a moving integrand": ["integral", "s", "t", ["*", "s", "x"]],
    "a root of the variable of an integral": ["integral", "s", "t", root(["+", 1, "s"])],
    "a double integral": ["integral", "s", "t", ["integral", "p", "t", "p"]],
    "a sum in an integral": ["integral", "s", "t", total("p", "N", "s")],
}


@pytest.mark.parametrize("name", NOWHERE)
def test_what_is_defined_nowhere_or_not_known_is_refused(name: str) -> None:
    tree = ["*", 0, NOWHERE[name]]
    with pytest.raises(Rejected) as found:
        conditions(equal(tree, 0, I))
    assert "residual" not in str(found.value)


HUGE: Mapping[str, Json] = {
    "a power of a number": ["^", 2, 10**9],
    "a power of a prime": ["^", 2, ["+", 10**9, HALF]],
    "a number squared again and again": "twice",
    "a product of powers of numbers": ["*", *[["^", 2, 40_000]] * 3],
    "a root of a long number": root(10**60 + 7),
    "a power of a sum": ["^", ["+", "x", "d"], 1000],
    "a power of a sum over an index": ["^", total("s", "N", at("v", "s")), 10**6],
    "a power of a long sum": ["^", ["+", *("xdcqtKL"), at("v", 0), at("u", 0), at("h", 0)], 60],
    "a denominator cleared": ["+", ["^", ["+", "x", "d"], -1000], ["^", ["+", "x", "d"], -1]],
}


@pytest.mark.parametrize("name", HUGE)
def test_what_takes_too_much_work_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofs_check.kernel.index.MOST_WORK", 10**6)
    tree = HUGE[name]
    if tree == "twice":
        tree = 2
        for _ in range(40):
            tree = ["^", tree, 2]
    start = time.process_time()
    with pytest.raises(Rejected) as found:
        conditions(equal(tree, 0))
    assert "residual" not in str(found.value)
    assert time.process_time() - start < 20


def test_nested_expressions_that_double_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofs_check.kernel.index.MOST_WORK", 10**6)
    tree: Json = "x"
    node = {"kind": "equal", "indices": [], "left": "D60", "right": 0}
    statement = stated(node | {"left": "x"})
    definitions = []
    for n in range(1, 61):
        tree = ["+", ["sin", f"D{n - 1}" if n > 1 else "x"], ["exp", f"D{n - 1}" if n > 1 else "x"]]
        definitions.append({"name": f"D{n}", "indices": [], "value": tree})
    symbols = {name: {"shape": s.shape, "role": s.role, "sign": s.sign} for name, s in statement.symbols.items()}
    long = read_statement(
        {
            "sizes": ["N", "M"],
            "symbols": {n: {**e, "shape": list(e["shape"])} for n, e in symbols.items()},
            "definitions": definitions,
            "hypotheses": [],
            "flow": None,
            "claim": node,
        }
    )
    with pytest.raises(Rejected, match="more work"):
        conditions(long)


def test_a_factorisation_is_multiplied_out_before_it_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The factors come from FLINT; were 1 - x^2 said to be (2 + x) (1 - 2 x)/2, no identity would follow."""
    statement = equal(["^", ["+", 1, minus(["^", "x", 2])], -1], ["*", 2, ["^", ["*", ["+", 2, "x"], ["+", 1, ["*", -2, "x"]]], -1]])
    factors, asked = Algebra._irreducible, []
    false = [(add(constant(2), entry("x")), 1), (add(constant(1), scale(entry("x"), fmpq(-2))), 1)]

    def irreducible(self: Algebra, poly: Poly) -> list[tuple[Poly, int]]:
        asked.append(poly.key)
        return false if poly.key == "1 + -1*x^2" else factors(self, poly)

    monkeypatch.setattr(Algebra, "_irreducible", irreducible)
    with pytest.raises(Rejected, match="the residual is not zero"):
        conditions(statement)
    assert "1 + -1*x^2" in asked


def test_a_high_degree_is_not_factored() -> None:
    assert conditions(equal(["^", ["+", ["^", "t", 100_000], -1], -1], ["^", ["+", -1, ["^", "t", 100_000]], -1])) == ["1 + -1*t^100000 != 0"]


DERIVATIVES: Mapping[str, tuple[Json, Json]] = {
    "a power": (["^", "t", "L"], ["*", "L", ["^", "t", ["+", "L", -1]]]),
    "a quotient": (["^", ["+", "t", "d"], -2], ["*", -2, ["^", ["+", "t", "d"], -3]]),
    "log": (["log", ["+", "t", "c"]], ["^", ["+", "t", "c"], -1]),
    "exp": (["exp", ["*", "d", ["^", "t", 2]]], ["*", 2, "d", "t", ["exp", ["*", "d", ["^", "t", 2]]]]),
    "sin": (["sin", ["^", "t", 2]], ["*", 2, "t", ["cos", ["^", "t", 2]]]),
    "cos": (["cos", "t"], minus(["sin", "t"])),
    "asinh": (["asinh", "t"], ["^", ["+", 1, ["^", "t", 2]], ["/", -1, 2]]),
    "atan": (["atan", ["*", 2, "t"]], ["*", 2, ["^", ["+", 1, ["*", 4, "t", "t"]], -1]]),
    "atanh": (["atanh", "t"], ["^", ["*", ["+", 1, "t"], ["+", 1, minus("t")]], -1]),
    "a root of a number": (["*", root(2), "t"], root(2)),
    "an exponent that moves in an exponential": (["^", "c", ["exp", "t"]], ["*", ["exp", "t"], ["log", "c"], ["^", "c", ["exp", "t"]]]),
    "an integral of a sum": (["integral", "s", "t", ["*", "S", ["exp", ["*", "S", "s"]]]], ["*", "S", ["exp", ["*", "S", "t"]]]),
    "abs": (["abs", ["+", "t", "d"]], ["*", ["+", "t", "d"], ["^", ["abs", ["+", "t", "d"]], -1]]),
    "a moving exponent": (["^", "t", "t"], ["*", ["+", 1, ["log", "t"]], ["^", "t", "t"]]),
    "an integral": (
        ["integral", "s", ["^", "t", 2], ["*", ["^", "s", "L"], ["exp", minus("s")]]],
        ["*", 2, "t", ["^", "t", ["*", 2, "L"]], ["exp", minus(["^", "t", 2])]],
    ),
    "a constant": (["*", "L", ["log", "c"]], 0),
}


@pytest.mark.parametrize("name", DERIVATIVES)
def test_a_derivative_is_recognised_and_a_wrong_one_is_not(name: str) -> None:
    of, value = DERIVATIVES[name]
    conditions(gradient(of, "t", value))
    with pytest.raises(Rejected, match="the residual is not zero"):
        conditions(gradient(of, "t", ["+", value, "t"]))


GRADIENTS: Mapping[str, tuple[Json, str, Json, Json]] = {
    "a square": (SQUARES, "v", ["*", 2, vi], ["*", 2, at("v", 0)]),
    "a quadratic form": (
        total("s", "N", total("p", "N", ["*", at("B", "s", "p"), at("v", "s"), at("v", "p")])),
        "v",
        total("p", "N", ["*", ["+", at("B", "i_", "p"), at("B", "p", "i_")], at("v", "p")]),
        ["*", 2, total("p", "N", ["*", at("B", "i_", "p"), at("v", "p")])],
    ),
    "a log of a sum of exponentials": (
        ["log", total("s", "N", ["exp", at("v", "s")])],
        "v",
        ["*", ["exp", vi], ["^", total("s", "N", ["exp", at("v", "s")]), -1]],
        ["exp", vi],
    ),
    "a diagonal": (total("s", "N", ["*", at("u", "s"), at("v", "s")]), "u", vi, at("v", 0)),
    "integrals of sums": (total("i", "N", ["integral", "s", at("u", "i"), ["*", "S", "s"]]), "u", ["*", "S", ui], ["*", "S", at("u", 0)]),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_a_gradient_with_indices(name: str) -> None:
    of, by, value, wrong = GRADIENTS[name]
    conditions(gradient(of, by, value, I))
    with pytest.raises(Rejected, match="the residual is not zero"):
        conditions(gradient(of, by, wrong, I))


def test_a_trace_has_no_gradient_uniform_in_the_index() -> None:
    with pytest.raises(Rejected, match="not zero"):
        conditions(gradient(total("s", "N", at("B", "s", "s")), "B", 1, I, J))


MOVING_CONSTANTS = {
    "of a power": (["^", "t", "L"], ["*", ["log", "t"], ["^", "t", "L"]]),
    "in an integrand": (["integral", "s", "t", ["*", "L", "s"]], ["integral", "s", "t", "s"]),
}


@pytest.mark.parametrize("name", MOVING_CONSTANTS)
def test_a_gradient_by_a_constant_that_was_taken_as_one_is_refused(name: str) -> None:
    with pytest.raises(Rejected, match="moves"):
        conditions(gradient(MOVING_CONSTANTS[name][0], "L", MOVING_CONSTANTS[name][1]))
    with pytest.raises(Rejected, match="moves"):
        conditions(gradient(MOVING_CONSTANTS[name][0], "L", 0))


# ---- random identities ---------------------------------------------------------------------------------------------------------------------------

NAMES = count()
EMPTY = re.compile("defined nowhere|logarithm of zero|power of zero|more work")


@st.composite
def trees(draw: st.DrawFn, scope: Mapping[str, str], depth: int) -> Json:
    """An expression over the symbols above, with the free indices of the scope."""
    rows, columns = ([i for i, size in scope.items() if size == wanted] for wanted in ("M", "N"))
    leaves: list[Json] = ["c", "d", "q", "x", "t", "L", "K", "N", "M", 2, -1, ["/", 2, 3]]
    leaves += [at(n, i) for n in "uvhD" for i in [*columns, 0]] + [at("A", k, i) for k in rows for i in columns]
    leaves += [at(n, i, j) for n in "BE" for i in columns for j in columns]
    kind = draw(st.sampled_from(["leaf", "+", "*", "*", "^", "sum", "sum", "f"])) if depth else "leaf"
    if kind in "+*":
        return [kind, draw(trees(scope, depth - 1)), draw(trees(scope, depth - 1))]
    if kind == "^":
        exponents: list[Json] = [2, 3, -1, -2, HALF, ["/", -3, 2], "L", "K", ["+", 2, minus("L")]]
        return ["^", draw(trees(scope, depth - 1)), draw(st.sampled_from(exponents))]
    if kind == "sum":
        name, size = f"s{next(NAMES)}", draw(st.sampled_from(["N", "N", "M"]))
        return ["sum", name, size, draw(trees({**scope, name: size}, depth - 1))]
    if kind == "f":
        return [draw(st.sampled_from(["log", "exp", "abs", "sin", "cos", "asinh", "atan"])), draw(trees(scope, depth - 1))]
    return draw(st.sampled_from(leaves))


def renamed(tree: Json, names: Mapping[str, str]) -> Json:
    if not isinstance(tree, list):
        return tree
    if tree[0] == "at":
        return [*tree[:2], *(names.get(i, i) if isinstance(i, str) else i for i in tree[2:])]
    if tree[0] == "sum":
        fresh = f"s{next(NAMES)}"
        return ["sum", fresh, tree[2], renamed(tree[3], {**names, tree[1]: fresh})]
    return [tree[0], *(renamed(part, names) for part in tree[1:])]


def same(tree: Json, draw: Draw) -> Json:
    """Another way to write a tree, true wherever the tree is defined: order, names of indices, distribution, sums taken apart."""
    if not isinstance(tree, list) or tree[0] in ("at", "/"):
        return tree
    head, parts = tree[0], [same(part, draw) for part in tree[1:]]
    choice = draw(st.integers(0, 2))
    match head, parts:
        case (("+" | "*"), [a, b]):
            if head == "*" and choice == 0 and isinstance(b, list) and b[0] == "+":
                return ["+", *(["*", a, part] for part in b[1:])]
            if head == "*" and choice == 1 and isinstance(b, list) and b[0] == "sum":
                return ["sum", b[1], b[2], ["*", a, b[3]]]
            return [head, b, a] if choice == 2 else [head, a, b]
        case "sum", [index, size, body]:
            if choice == 0 and isinstance(body, list) and body[0] == "+":
                return ["+", *(renamed(["sum", index, size, part], {}) for part in body[1:])]
            return renamed(["sum", index, size, body], {})
        case "^", [base, 2] if choice == 0:
            return ["*", base, renamed(base, {})]
        case "exp", [["+", a, b]]:
            return ["*", ["exp", a], ["exp", b]]
    return [head, *parts]


def tempting(tree: Json, draw: Draw) -> Json:
    """A rewriting that is true for positive numbers, or of one entry, or at size 1, put somewhere into the tree."""
    if isinstance(tree, list) and tree[0] not in ("at", "/") and draw(st.booleans()):
        position = draw(st.integers(3 if tree[0] == "sum" else 1, len(tree) - 1))
        return [*tree[:position], tempting(tree[position], draw), *tree[position + 1 :]]
    match tree:
        case ["^", ["^", a, p], q]:
            return ["^", a, ["*", p, q]]
        case ["^", ["*", a, b], p]:
            return ["*", ["^", a, p], ["^", b, p]]
        case ["^", ["sum", i, size, a], p]:
            return ["sum", i, size, ["^", a, p]]
        case ["^", a, p]:
            return ["exp", ["*", p, ["log", a]]]
        case ["log", ["*", a, b]]:
            return ["+", ["log", a], ["log", b]]
        case ["log", ["^", a, p]]:
            return ["*", p, ["log", a]]
        case ["log", a]:
            return ["*", HALF, ["log", ["^", a, 2]]]
        case ["abs", ["*", a, b]]:
            return ["*", ["abs", a], ["abs", b]]
        case ["abs", a]:
            return draw(st.sampled_from([a, root(["^", a, 2]), minus(a)]))
        case ["exp", ["log", a]]:
            return a
        case ["sin", a]:
            return root(["+", 1, minus(["^", ["cos", a], 2])])
        case ["sum", i, size, ["*", a, b]]:
            return ["*", ["sum", i, size, a], renamed(["sum", i, size, b], {})]
        case ["sum", i, size, ["sum", j, same_size, a]] if size == same_size:
            return ["sum", i, size, renamed(a, {j: i})]
        case ["*", a, b]:
            return ["*", ["^", ["*", a, b, b], 1], ["^", b, -1]]
        case ["at", "u" | "v" | "h" | "D" as name, str()]:
            return at(name, 0)
        case ["at", "B" | "E" as name, i, j]:
            return at(name, j, i)
    return draw(st.sampled_from([tree, ["abs", tree], ["^", ["^", tree, 2], HALF], ["exp", ["log", tree]]]))


def point(rows: int, columns: int, draw: Draw) -> Json:
    sizes = {"N": columns, "M": rows}
    values = {
        "positive": ["1", "2", "1/2", "3"],
        "nonzero": ["1", "-1", "2", "-1/2"],
        "nonnegative": ["0", "1", "3/2"],
        "real": ["0", "1", "-1", "2", "-2", "1/3"],
    }
    chosen = {"L": draw(st.sampled_from(["1", "2", "3", "1/2"])), "K": draw(st.sampled_from(["1", "-1", "2", "1/2", "0"]))}

    def nested(shape: list[Json], sign: str) -> Json:
        return [nested(shape[1:], sign) for _ in range(sizes[shape[0]])] if shape else draw(st.sampled_from(values[sign]))

    return {"sizes": sizes, "values": {n: chosen.get(n) or nested(shape, sign) for n, (shape, _, sign) in SHAPES.items()}, "bits": 128}


def holds(statement: Statement, wanted: Mapping[str, Poly | None], where: Json) -> bool:
    for text, poly in wanted.items():
        if poly is None:
            return False
        claim = Equal(tuple(free_indices(poly, statement).items()), tree_of(poly), Number(fmpq(0)))
        values = residual_at(replace(statement, claim=claim), where).values()
        if not all(value > 0 or (value < 0 and text.endswith("!= 0")) for value in values):
            return False
    return True


SCOPES = st.sampled_from([{}, {"i_": "N"}, {"i_": "N", "j_": "N"}, {"k_": "M"}])


@given(st.data())
def test_what_is_proved_holds_at_every_point_that_meets_the_conditions(data: st.DataObject) -> None:
    scope = data.draw(SCOPES)
    left = data.draw(trees(scope, 3))
    right = tempting(same(left, data.draw), data.draw)
    statement = equal(left, right, *([name, size] for name, size in scope.items()))
    try:
        wanted = conditions_of(statement, {"gradient": {}, "cofactors": []})
    except Rejected:
        return
    for rows, columns in ((1, 1), (2, 1), (2, 3)):
        where = point(rows, columns, data.draw)
        try:
            found = residual_at(statement, where)
            meant = holds(statement, wanted, where)
        except Rejected:  # not defined there
            continue
        assert not meant or all(value.contains(0) for value in found.values())


@given(st.data())
def test_a_tree_written_in_another_way_is_recognised(data: st.DataObject) -> None:
    scope = data.draw(SCOPES)
    left = data.draw(trees(scope, 3))
    try:
        found = residual(equal(left, same(left, data.draw), *([name, size] for name, size in scope.items())), {})
    except Rejected as error:
        if not EMPTY.search(str(error)):
            raise
        return
    assert not found.poly


@given(st.data())
def test_a_polynomial_as_a_tree_has_the_values_of_the_tree_it_came_from(data: st.DataObject) -> None:
    scope = data.draw(SCOPES)
    statement = equal(data.draw(trees(scope, 3)), 0, *([name, size] for name, size in scope.items()))
    assert isinstance(statement.claim, Equal)
    algebra = Algebra(statement)
    try:
        poly = algebra.of_tree(statement.claim.left)
        both = [replace(statement, claim=replace(statement.claim, right=tree_of(p))) for p in (poly, algebra.cleared(poly))]
    except Rejected as error:
        if not EMPTY.search(str(error)):
            raise
        return
    for written in both:
        where = point(2, 2, data.draw)
        try:
            found = residual_at(written, where)
            meant = holds(statement, algebra.conditions, where)
        except Rejected:  # not defined there
            continue
        assert not meant or all(value.contains(0) for value in found.values())


WRITTEN: Mapping[str, Json] = {
    "primes": ["*", root(6), ["^", 2, "L"]],
    "bases": ["*", ["^", ["+", "x", "d"], -2], root(["+", "t", "c"])],
    "exponentials of sums": ["exp", ["*", "d", total("s", "N", at("v", "s"))]],
    "symbolic exponents under a sum": total("s", "N", ["*", ["^", at("u", "s"), ["+", "L", "c"]], ["sin", at("v", "s")]]),
    "logarithms": ["log", ["*", 5, "t", ["+", "t", "c"]]],
    "an integral": ["integral", "s", "t", ["*", "d", ["^", "s", 2]]],
}


@pytest.mark.parametrize("name", WRITTEN)
def test_each_kind_of_factor_as_a_tree(name: str) -> None:
    """The value at a point is that of the tree the polynomial came from, in balls that know nothing of normal forms."""
    statement = equal(WRITTEN[name], 0)
    assert isinstance(statement.claim, Equal)
    again = replace(statement.claim, right=tree_of(Algebra(statement).of_tree(statement.claim.left)))
    values: Json = {n: "1" if not shape else [["1"] * 2] * 2 for n, (shape, _, _) in SHAPES.items()}
    values |= {"u": ["1", "2"], "v": ["2", "-1/3"], "h": ["3", "1"], "d": "2", "t": "3/2", "L": "5/3"}
    (gap,) = residual_at(replace(statement, claim=again), {"sizes": {"N": 2, "M": 2}, "values": values, "bits": 64}).values()
    assert gap.contains(0)
    assert gap.rad() < 1e-9
