"""What would take all memory, or for ever, is refused before it is begun."""

from __future__ import annotations

from typing import Any

import pytest

from proofs_check.kernel import FORMAT, Rejected, check
from proofs_check.kernel.instance import MOST_SUMMANDS, Summands

Json = Any


def stated(left: Json, *, sizes: Json = (), **shapes: Json) -> Json:
    symbols = {name: {"role": "constant", "shape": shape, "sign": "real"} for name, shape in shapes.items()}
    claim = {"kind": "equal", "indices": [], "left": left, "right": 0}
    return {"sizes": list(sizes), "symbols": symbols, "definitions": [], "hypotheses": [], "flow": None, "claim": claim}


def by_every_route(statement: Json, sizes: Json, values: Json) -> list[Json]:
    head = {"format": FORMAT, "statement": statement}
    return [
        head | {"kind": "all-sizes", "gradient": {}, "cofactors": []},
        head | {"kind": "instance", "instance": {"sizes": sizes, "values": {}}, "cofactors": [[]]},
        head | {"kind": "instance", "instance": {"sizes": sizes, "values": values}, "cofactors": [[]]},
        head | {"kind": "counterexample", "sizes": sizes, "values": values, "bits": 64},
    ]


def tower(base: Json, exponent: int, height: int) -> Json:
    for _ in range(height):
        base = ["^", base, exponent]
    return base


@pytest.mark.parametrize("tree", [tower(2, 1000, 6), tower(2, 60, 200 // 2), ["^", 2, 10**30], ["^", "x", 10**30], ["^", ["/", 3, 7], -(10**9)]])
def test_powers(tree: Json) -> None:
    for certificate in by_every_route(stated(tree, x=[]), {}, {"x": 3}):
        with pytest.raises(Rejected):
            check(certificate)


def test_squares_of_squares() -> None:
    """x^(2^60), in sixty definitions."""
    statement = stated("d59", x=[])
    for n in range(60):
        before = f"d{n - 1}" if n else "x"
        statement["definitions"].append({"name": f"d{n}", "indices": [], "value": ["*", before, before]})
    for certificate in by_every_route(statement, {}, {"x": 3}):
        with pytest.raises(Rejected):
            check(certificate)


def test_tensors() -> None:
    statement = stated(["at", "T", 0, 0, 0], sizes=["N"], T=["N", "N", "N"])
    _, *explicit = by_every_route(statement, {"N": 5000}, {"T": [[[0]]]})
    for certificate in explicit:
        with pytest.raises(Rejected, match=r"1000000 are the most|does not have its shape"):
            check(certificate)


def test_sums() -> None:
    summands = Summands()
    assert list(summands.over(3)) == [0, 1, 2]
    with pytest.raises(Rejected, match="more than 2000000 terms"):
        summands.over(MOST_SUMMANDS)


def test_precision_and_sizes() -> None:
    *_, point = by_every_route(stated(1, sizes=["N"]), {"N": 1}, {})
    assert check(point).outcome == "refuted"
    for wrong in ({"bits": 10**6}, {"bits": 1}, {"bits": True}, {"sizes": {"N": 5001}}, {"sizes": {"N": 0}}, {"sizes": {"N": True}}):
        with pytest.raises(Rejected):
            check(point | wrong)


@pytest.mark.parametrize("number", ["1" * 5000, "1/" + "3" * 5000, "1/0", "0/0", "1e5", "٣", " 1", "1_0", 1.5, float("nan"), True, None, [1]])
def test_what_is_no_rational_number(number: Json) -> None:
    """Digits that Python takes for digits, too: what is long is refused for its length."""
    *_, point = by_every_route(stated("x", x=[]), {}, {"x": 1})
    assert check(point).outcome == "refuted"
    with pytest.raises(Rejected):
        check(point | {"values": {"x": number}})


VECTORS = {"a": ["N"], "b": ["N"]}
OVER_A, OVER_B = (["sum", "i", "N", ["at", name, "i"]] for name in VECTORS)


@pytest.mark.parametrize(
    ("tree", "N", "words"),
    [
        (["*", ["^", OVER_A, 3], ["^", OVER_B, 3]], 25, "a product of 2925 and 2925 terms"),
        (["^", ["+", 1, OVER_A], 40], 20, "is too large to be multiplied out"),
        (["*", ["^", OVER_A, 4], ["^", ["+", 1, OVER_B], -1]], 40, "a fraction of more than"),
        (["at", "a", 0], 4000, "more than 5000 entries"),
        (["log", ["+", 2**200, 1]], 1, "under a logarithm or root has more than 128 bits"),
        (["^", ["+", 1, ["^", 2, 900]], 200], 1, "numbers of more than 100000 bits"),
    ],
)
def test_what_is_too_large_to_be_multiplied_out(tree: Json, N: int, words: str) -> None:
    statement = stated(tree, sizes=["N"], **VECTORS)
    _, explicit, *_ = by_every_route(statement, {"N": N}, {})
    with pytest.raises(Rejected, match=words):
        check(explicit)
