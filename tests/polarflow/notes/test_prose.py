"""Prose: what is understood, what is refused, and that nothing in it runs."""

from __future__ import annotations

import pytest

from polarflow.formula import Unreadable, latex, read_math
from polarflow.notes.document import Exercise, Formula, Link, Paragraph, Table, Text, text_of
from polarflow.notes.prose import BadProse, read_prose
from polarflow.notes.words import declared, words


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


def test_data_that_two_parts_share_are_told_once():
    data = Paragraph((Text("Data: A = 1."),))

    def insert(name, style):
        return [data, Paragraph((Text(name),))]

    prose = read_prose("# T\n\n## S\n\nSo.\n\nSo.\n\n[[a]]\n\n[[b]]\n\n## R\n\n[[c]]\n", [], insert)
    told = [[text_of(block.inside) for block in section.before] for _, section in prose.sections]
    assert told == [["So.", "So.", "Data: A = 1.", "a", "b"], ["Data: A = 1.", "c"]]


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
    ("told", "shown"),
    [
        ("z: kernel(A)", r"z \in \ker A"),
        ("h: N x M, positive", r"h \in \mathbb{R}^{N \times M}, positive"),
        ("lam: M", r"\lambda \in \mathbb{R}^{M}"),
        ("A z = 0", "Az = 0"),
        ("A of full rank, in general position", "A of full rank, in general position"),
    ],
)
def test_declarations(told, shown):
    assert text_of(declared(told)) == shown


@pytest.mark.parametrize(
    ("told", "formulas"),
    [
        ("L = 2: the norm s = |x|_1", ["L = 2", "s = |x|_{1}"]),
        ("rate of log u_i + kappa r^2/2", ["u_{i}", r"\kappa", "r^{2}"]),
        ("S1, |w_0|^2 = 1/10, kappa != 2", ["|w_{0}|^{2} = 1/10", r"\kappa \ne 2"]),
        ("a law of A, and I did not", []),
        ("10^-6 off", ["10^{-6}"]),
        ("near 3.032e-06 at t = 100", [r"3.032 \cdot 10^{-6}", "t = 100"]),
        ("the sphere's metric", []),
        ("R = log|omega|^2 / kappa", ["R", r"|\omega|^{2}", r"\kappa"]),
        ("e^(3 lambda) = 2", [r"e^{3\lambda} = 2"]),
        ("L > 2, m = L - 2: x_inf", ["L > 2", "m = L - 2", r"x_{\infty}"]),
        ("rate of (u_i exp(kappa r^2/2))^(2-L)", [r"(u_{i}\exp(\kappa r^{2}/2))^{2 - L}"]),
        ("falls like exp(-2 lambda_min t)", [r"\exp(-2\lambda_{\mathrm{min}}t)"]),
        ("log|u1 + u2| and exp(kappa r1^2)", [r"\log|u_{1} + u_{2}|", r"\exp(\kappa r_{1}^{2})"]),
        ("the limit solves A x = y", ["Ax = y"]),
        ("the law of plain gradient flow w+ w-", ["w^{+}", "w^{-}"]),
        ("balanced: W2^T W2 - W1 W1^T", [r"W_{2}^{\top}", "W_{2}", "W_{1}", r"W_{1}^{\top}"]),
        ("dx = a dtheta + c x <x, dtheta>", [r"\mathrm{d}\theta", "c", "x", "x", r"\mathrm{d}\theta"]),
        ("a dtheta + c", [r"\mathrm{d}\theta", "c"]),
        ("u[i] > 0, A[k, i]", ["u_{i} > 0", "A_{k, i}"]),
    ],
)
def test_labels(told, formulas):
    assert [latex(one.layout) for one in words(told) if isinstance(one, Formula)] == formulas
