"""Inequalities at limits: what holds, what fails, and certificates with one thing changed."""

from __future__ import annotations

import copy
from fractions import Fraction as Q
from typing import Any

import pytest
import sympy as sp

from proofs_check.at_limit import at_limit
from proofs_check.kernel import check
from proofs_check.kernel.language import Rejected
from theory.papers.chou_rauhut_ward.instances import I1, S1, at_most, g, norm, rate, rho, threshold, x
from theory.papers.chou_rauhut_ward.setting import N, i

Json = Any
FOUR = ((i, N),)


def certificate(holds: bool = True) -> Json:
    """The norm of the limit of I1 is 2.44086892...; its magnification 1.3155..., its rate 46.375..."""
    bound = sp.Rational(24409 if holds else 24408, 10000) * rho[()] * rate[()]
    part = at_most("", norm(x) * rho[()] * rate[()], bound, x=I1.end(), rho=I1.end("rho"), rate=I1.end("rate"))
    found = at_limit(part)
    assert found.outcome == ("proved" if holds else "refuted")
    assert found.grade == "enclosed"
    assert found.certificate is not None
    return copy.deepcopy(dict(found.certificate))


def test_both_ways() -> None:
    assert check(certificate()).outcome == "proved"
    assert check(certificate(holds=False)).outcome == "refuted"
    for holds in (True, False):
        with pytest.raises(Rejected, match="is not certain"):
            check({**certificate(holds), "holds": not holds})


def test_entries_fail_if_one_does() -> None:
    """x = (1.0017, 0.7213, 0.0811, 0.6368)."""
    assert at_limit(at_most("", x[i], sp.Rational(11, 10), each=FOUR, x=I1.end())).outcome == "proved"
    assert at_limit(at_most("", x[i], sp.Rational(9, 10), each=FOUR, x=I1.end())).outcome == "refuted"
    assert at_limit(at_most("", sp.Rational(9, 10), x[i], each=FOUR, x=I1.end())).outcome == "refuted"


def test_what_cannot_be_decided_is_unknown() -> None:
    """x - x is known to be within 10^-40 of 0, and no more."""
    found = at_limit(at_most("", norm(x), norm(g), x=I1.end(), g=I1.end()))
    assert found.outcome == "unknown"
    assert "is not certain" in found.reason
    undecided = at_limit(at_most("", norm(x), sp.Integer(100), x=S1(48, Q(1, 48)).end()))
    assert undecided.outcome == "unknown"
    assert "neither a collapse nor its absence is certified" in undecided.reason


def test_a_collapse_ends_at_0() -> None:
    fallen = threshold(Q(56, 1000))
    assert at_limit(at_most("", norm(x), sp.S.Zero, x=fallen.end())).outcome == "proved"
    assert at_limit(at_most("", norm(x), sp.S.Zero, strict=True, x=fallen.end())).outcome == "refuted"
    assert at_limit(at_most("", rate[()], sp.S.One, rate=fallen.end("rate"))).outcome == "unknown"


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("holds",), 1, "neither true nor false"),
        (("sizes", "N"), 5, "has the shape"),
        (("values",), {"rho": 1}, "the statement has"),
        (("ends", "x", "of"), "rho", "is not the limit"),
        (("ends", "rho", "of"), "x", "has the shape"),
        (("ends", "x", "certificate", "target"), ["3", "3"], "box is not certainly"),
        (("ends", "x", "certificate", "kappa"), "2", "box is not certainly"),
        (("ends", "rate", "certificate", "rate"), None, "does not say what rate is"),
        (("statement", "claim", "kind"), "equal", r"not well formed|inequalities between constants"),
        (("statement", "symbols", "x", "role"), "parameter", "constants"),
        (("statement", "symbols", "x", "sign"), "nonzero", "other than 0"),
        (("bits",), 1, "precision"),
    ],
)
def test_one_thing_changed(path: tuple[str, ...], value: Json, words: str) -> None:
    changed = certificate()
    node = changed
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    with pytest.raises(Rejected, match=words):
        check(changed)


def test_an_end_may_not_be_missing_or_twice() -> None:
    changed = certificate()
    changed["values"] = {"x": ["0", "0", "0", "0"]}
    with pytest.raises(Rejected, match="are given"):
        check(changed)
    del changed["ends"]["x"]
    with pytest.raises(Rejected, match=r"is not certain|differ"):
        check({**changed, "holds": False})


def test_a_flow_without_a_solution_has_no_limit() -> None:
    """x_1 + ... + x_4 = -1 has no solution x >= 0: where the flow tends to, if anywhere, is not established."""
    changed = certificate()
    own = {name: changed["ends"]["x"]["certificate"][name] for name in ("kappa", "depth", "start", "bits")}
    changed["ends"]["x"]["certificate"] = own | {"matrix": [[1] * 4], "target": [-1], "outcome": "no solution", "normal": [1]}
    with pytest.raises(Rejected, match="does not say what x is there"):
        check(changed)


def test_what_is_not_less_may_be_equal() -> None:
    """0 < 0 fails, and what is said of it must not be that 0 <= 0 fails."""
    strict = at_limit(at_most("", norm(x), sp.S.Zero, strict=True, x=threshold(Q(1, 20)).end()))
    assert strict.outcome == "refuted"
    assert check(strict.certificate).text.startswith("it is not so that in every entry the left side is less than the right side: ")


def test_the_sign_of_an_end_is_checked() -> None:
    """Where the flow collapses the limit is 0, which is not positive."""
    found = at_limit(at_most("", norm(x), sp.S.Zero, x=threshold(Q(1, 20)).end()))
    assert found.certificate is not None
    for sign, words in (("positive", "not certainly positive"), ("nonnegative", ""), ("real", "")):
        changed = copy.deepcopy(dict(found.certificate))
        changed["statement"]["symbols"]["x"]["sign"] = sign
        if not words:
            assert check(changed).outcome == "proved"
            continue
        with pytest.raises(Rejected, match=words):
            check(changed)
