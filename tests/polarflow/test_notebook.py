"""What a notebook shows, through the formatters of IPython themselves."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from IPython.core.formatters import DisplayFormatter

import polarflow as pf
from polarflow.certifying import certificate_of
from polarflow.notebook import SHOWN


@pytest.fixture
def show() -> DisplayFormatter:
    formatter = DisplayFormatter()
    formatter.active_types = list(SHOWN)
    pf.load_ipython_extension(SimpleNamespace(display_formatter=formatter))
    return formatter


def test_a_claim_is_shown_as_in_the_notes(show: DisplayFormatter) -> None:
    statement = next(one for one in pf.paper("chou_rauhut_ward").statements if one.id == "C6")
    part, _ = show.format(statement.parts[0])
    assert r"\log u_{i} + \frac{\kappa r^{2}}{2}" in part["text/latex"]
    whole, _ = show.format(statement)
    assert whole["text/latex"].count(r"\\") == len(statement.parts)
    assert r"\textbf{C6}" in whole["text/latex"]


def test_a_derivation_has_its_reasons(show: DisplayFormatter) -> None:
    derivation = pf.paper("chou_rauhut_ward").derivations[0]
    found, _ = show.format(derivation)
    assert r"\text{definition}" in found["text/latex"]
    assert r"\dot{r}" in found["text/latex"]


def test_what_is_certified_is_a_table(show: DisplayFormatter) -> None:
    found, _ = show.format(certificate_of("chou_rauhut_ward/I1", digits=5))
    assert "<td" in found["text/html"]
    assert "46.37" in found["text/html"]


def test_other_things_are_left_alone(show: DisplayFormatter) -> None:
    assert "text/latex" not in show.format(3)[0]
