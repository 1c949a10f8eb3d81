"""Prose: what is understood, what is refused, and that nothing in it runs."""

from __future__ import annotations

import pytest

from polarflow.formula import Unreadable, latex, read_math
from polarflow.notes.document import Exercise, Formula, Link, Paragraph, Table, text_of
from polarflow.notes.prose import BadProse, read_prose
from polarflow.notes.words import words


def nothing(name, style):
    raise AssertionError(name)


def test_sections_settings_and_exercises():
    told = r"""letter up = u^+
short s = sum(j, x[j])
mean kappa = the *ratio*
order = L kappa
---
# A title with $x_i$

Opening.

## C6 The laws

Before.

### After

Behind.

### Exercise 1

Why?

#### Solution

Because.

## A section of its own

| a | b |
|---|---|
| 1 | $2$ |
"""
    prose = read_prose(told, ["C6"], nothing)
    assert text_of(prose.title) == "A title with x_{i}"
    assert text_of(prose.meanings["kappa"]) == "the ratio"
    assert prose.style.order == ("L", "kappa")
    assert latex(prose.style.letters["up"]) == "u^{+}"
    assert list(prose.style.short) == ["sum(j, x[j])"]
    (_, section), (_, own) = prose.sections
    assert text_of(section.title) == "The laws"
    assert [type(block) for block in section.before] == [Paragraph]
    exercise = section.after[1]
    assert isinstance(exercise, Exercise)
    assert text_of(exercise.solution[0].inside) == "Because."
    assert isinstance(own.before[0], Table)


def test_what_is_inserted_is_asked_for_by_name():
    asked = []

    def insert(name, style):
        asked.append(name)
        return [Paragraph(())]

    read_prose("# T\n\n[[C6 / L = 2]]\n\nText [[not alone]].\n", ["C6"], insert)
    assert asked == ["C6 / L = 2"]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("# T\n\n## C9 Laws\n", "there is none"),
        ("lettre up = u\n---\n# T\n", "letter, short, mean or order"),
        ("# T\n\n### After\n\nText\n", "stands before any section"),
        ("# T\n\n## C6 x\n\n#### Solution\n\nText\n", "without an Exercise"),
        ("# T\n\n![picture](a.png)\n", "no form for"),
    ],
)
def test_what_is_not_understood_is_refused(told, said):
    with pytest.raises(BadProse, match=said):
        read_prose(told, ["C6"], nothing)


@pytest.mark.parametrize(
    "told", [r"\foo", "x_1_2", "{x", r"\left( x", r"\frac{1}", "x}", r"\left< x \right>", r"|x", r"\Vert x", r"\text x", r"\href{javascript:x}{y}"]
)
def test_mathematics_that_is_not_understood_is_refused(told):
    with pytest.raises(Unreadable, match=r"notes\.md"):
        read_math(told)


def test_nothing_runs():
    prose = read_prose("# T\n\n<script>alert(1)</script> <img src=x onerror=alert(1)> [a](javascript:alert(1)) [b](https://a.b)\n", [], nothing)
    (paragraph,) = prose.opening
    assert [one.to for one in paragraph.inside if isinstance(one, Link)] == ["https://a.b"]
    assert "<script>" in text_of(paragraph.inside)  # as text


@pytest.mark.parametrize(
    ("told", "formulas"),
    [
        ("L = 2: the norm s = |x|_1", ["L = 2", "s", "|x|_{1}"]),
        ("rate of log u_i + kappa r^2/2", ["u_{i}", r"\kappa", "r^{2}"]),
        ("S1, |w_0|^2 = 1/10, kappa != 2", ["|w_{0}|^{2} = 1/10", r"\kappa \ne 2"]),
        ("a law of A, and I did not", []),
        ("10^-6 off", ["10^{-6}"]),
        ("near 3.032e-06 at t = 100", [r"3.032 \cdot 10^{-6}", "t = 100"]),
        ("the sphere's metric", []),
        ("R = log|omega|^2 / kappa", ["R", r"|\omega|^{2}", r"\kappa"]),
        ("e^(3 lambda) = 2", [r"e^{3\lambda} = 2"]),
        ("a dtheta + c", [r"\mathrm{d}\theta", "c"]),
        ("u[i] > 0, A[k, i]", ["u_{i} > 0", "A_{k, i}"]),
    ],
)
def test_labels(told, formulas):
    assert [latex(one.layout) for one in words(told) if isinstance(one, Formula)] == formulas
