"""Figures of what is certified: the phase diagram against the exact threshold, the loss under its proved rates."""

from __future__ import annotations

from fractions import Fraction
from xml.etree import ElementTree

import numpy as np
import pytest
import sympy as sp

from polarflow.notes import BadProse, phases
from polarflow.notes.compose import chapter
from polarflow.notes.document import Figure, text_of
from polarflow.notes.figures import _proved_rates, _rates
from polarflow.notes.phases import cells, contradicting, diagram, threshold
from polarflow.simulate import simulate
from polarflow.targets import resolve
from polarflow.verifying import PartResult, Row
from proofs_check.verdicts import Finding, Verdict
from theory.files.errors import TheoryFileError
from theory.statements import Ending

EDGE = "log(32/27)/3"
ROW = ((Fraction(1), Fraction(-2)),)


def ending(kappa=Fraction(1), scale=Fraction(1, 20), depth=Fraction(2)):
    return Ending("x", ROW, (Fraction(1),), kappa, depth, {"w^2": (scale / 2, scale / 2)})


@pytest.fixture(scope="module")
def found():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phases, "CELLS", 6)
        return cells(ending())


def test_cells_lie_on_the_side_of_the_threshold_that_their_certificates_say(found):
    edge = threshold(EDGE)
    assert sp.expand_log(edge - sp.log(sp.Rational(32, 27)) / 3) == 0
    assert len(found) == 36
    assert set(found.values()) == {"converges", "collapses"}
    assert {(ratio, scale) for ratio, scale in found} == {(Fraction(2 * n + 1, 6), Fraction(2 * m + 1, 60)) for n in range(6) for m in range(6)}
    for (ratio, scale), outcome in found.items():  # by the function whose least value decides, on a grid
        least = min(float(ratio * scale) + np.log((np.exp(t) + np.exp(-2 * t)) / 2) for t in np.linspace(0, 1, 2001))
        assert outcome == ("converges" if least > 0 else "collapses")
    assert contradicting(found, edge) == 0
    assert contradicting(found, edge * 3) > 0
    assert contradicting(found, edge / 3) > 0


def test_the_caption_counts_and_a_false_threshold_is_told(found):
    told = text_of(diagram("phase", found, threshold(EDGE)).caption)
    collapsed = sum(outcome == "collapses" for outcome in found.values())
    assert f"converges in {36 - collapsed} and collapses in {collapsed}," in told
    assert "None is open." in told
    assert "every decided cell agrees with it." in told
    assert "decided cells contradict it." in text_of(diagram("phase", found, threshold("log(32/27)")).caption)
    some = dict.fromkeys(list(found)[:3], "unknown")
    assert " 3 are open." in text_of(diagram("phase", {**found, **some}, None).caption)
    picture = diagram("phase", {**found, **some}, threshold(EDGE)).picture("svg")
    assert ElementTree.fromstring(picture).tag.endswith("svg")


@pytest.mark.parametrize(
    "end",
    [
        ending(kappa=None),
        Ending("x", ROW, (Fraction(1),), Fraction(1), Fraction(2), {"w": (Fraction(1), Fraction(1))}),
        Ending("x", ((Fraction(1), Fraction(1)),), (Fraction(-1),), Fraction(1), Fraction(2), {"w^2": (Fraction(1), Fraction(1))}),
    ],
)
def test_no_diagram_of_what_has_none(end):
    with pytest.raises(ValueError, match=r"wanted is|no solution"):
        cells(end)


def test_a_threshold_is_a_number():
    with pytest.raises(TheoryFileError):
        threshold("kappa/3")
    with pytest.raises(TheoryFileError):
        threshold("__import__('os')")


def invented(claim):
    target = resolve(f"chou_rauhut_ward/{claim}")
    (statement,) = target.statements
    verdict = Verdict((Finding("invented", "unknown"),))
    return target, [Row(statement.id, statement.title, statement, [PartResult(part, "proved", verdict) for part in statement.parts])]


def test_prose_asks_for_a_diagram(monkeypatch):
    monkeypatch.setattr(phases, "CELLS", 2)
    target, rows = invented("C21")
    label = next(part.label for part in target.statements[0].parts if "below" in part.label)
    blocks = chapter(target, rows, f"## C21 Title\n\n[[phase C21 / {label}; {EDGE}]]\n").blocks
    (figure,) = [block for block in blocks if isinstance(block, Figure)]
    assert "each of 4 cells" in text_of(figure.caption)
    for wrong in ("phase C21 / no such part", "phase C21 / the derivative of log K", f"phase C21 / {label}; kappa"):
        with pytest.raises(BadProse, match="was given"):
            chapter(target, rows, f"## C21 Title\n\n[[{wrong}]]\n")


def test_the_loss_stays_under_the_rate_that_is_proved():
    given = "chou_rauhut_ward/I1"
    known = _proved_rates(given, simulate(given))
    assert known is not None
    assert known.steady is not None
    times, loss = np.array(known.times), np.array(known.loss)
    assert np.all(loss <= loss[0] * np.exp(-float(known.steady) * times) * (1 + 1e-9))
    late = times >= 0.8 * times[-1]
    slopes = np.diff(np.log(loss[late])) / np.diff(times[late])
    assert np.allclose(slopes, -float(known.ending), rtol=1e-2)
    figure = _rates("r", "I1", known)
    assert "e^{-46.3752t}" in text_of(figure.caption)
    assert "e^{-0.323677t}" in text_of(figure.caption)
    assert ElementTree.fromstring(figure.picture("svg")).tag.endswith("svg")


def test_no_rate_is_drawn_where_none_is_proved():
    given = "chou_rauhut_ward/I6"  # depth 1, where no theorem speaks of the end
    assert _proved_rates(given, simulate(given)) is None
