"""What the limit rests on is proved for all sizes where it can be; and the threshold of the collapse, found by minimising."""

from __future__ import annotations

import pytest
import sympy as sp

from proofs_check.exact import all_sizes
from theory.papers import paper
from theory.statements import Equal, Evolves, Gradient, Part

# C12 has sums of powers with a symbolic exponent, and is proved at explicit sizes for L > 2.
IDENTITIES = [
    (statement.id, part)
    for statement in paper("chou_rauhut_ward").statements
    if statement.id in {"C11", "C12", "C13", "C14", "C15", "C16", "C18", "C19"}
    for part in statement.parts
    if isinstance(part.assertion, Equal | Evolves | Gradient) and not (statement.id == "C12" and "L > 2" in part.label)
]


def label(case: tuple[str, Part]) -> str:
    return f"{case[0]}: {case[1].label}"


@pytest.mark.parametrize("case", IDENTITIES, ids=label)
def test_identities_are_proved_for_all_sizes(case: tuple[str, Part]) -> None:
    assert all_sizes(case[1]).outcome == "proved"


def test_the_threshold_by_minimising() -> None:
    """log(e^t/2 + e^(-2t)/2) is least, -log(32/27)/3, where e^(3t) = 2."""
    q = sp.Symbol("q", positive=True)  # e^t
    value = (q + q**-2) / 2
    (place,) = sp.solve(sp.diff(value, q), q)
    assert place == sp.root(2, 3)
    assert sp.powdenest(value.subs(q, place) ** 3, force=True).equals(sp.Rational(27, 32))
