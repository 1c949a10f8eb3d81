"""Notebooks: after `%load_ext polarflow` claims and derivations show as formulas, as in the lecture notes, and certified limits as a table."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from typing import Any

from proofs_check.certifying import Certified
from theory.derivations import Derivation
from theory.statements import Part, Statement

from .formula import expression_latex, formula_latex
from .formula.latex import escaped


def of_part(part: Part) -> str:
    """The formula of one assertion."""
    return f"$\\displaystyle {formula_latex(part.assertion)}$"


def of_statement(statement: Statement) -> str:
    """All parts of a claim, each with its label."""
    rows = [rf"{formula_latex(part.assertion)} && \text{{{escaped(part.label)}}}" for part in statement.parts]
    return _rows([rf"\textbf{{{escaped(statement.id)}}}", *rows])


def of_derivation(derivation: Derivation) -> str:
    """Step by step, with the reasons."""
    return _rows(
        [rf"{expression_latex(step.left)} &= {expression_latex(step.right)} && \text{{{escaped(step.reason)}}}" for step in derivation.steps]
    )


def of_certified(found: Certified) -> str:
    """The answers as a table."""
    from .certifying import answers

    def cells(*texts: str) -> str:
        return "".join(f'<td style="text-align: left">{html.escape(text)}</td>' for text in texts)

    return f"<table>{''.join(f'<tr>{cells(row.question, row.state, row.told)}</tr>' for row in answers(found))}</table>"


def _rows(rows: list[str]) -> str:
    return "$$\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}$$"


SHOWN: Mapping[str, Mapping[type, Callable[[Any], str]]] = {
    "text/latex": {Part: of_part, Statement: of_statement, Derivation: of_derivation},
    "text/html": {Certified: of_certified},
}


def load_ipython_extension(shell: Any) -> None:
    """What `%load_ext polarflow` calls."""
    for kind, printers in SHOWN.items():
        for shown, printer in printers.items():
            shell.display_formatter.formatters[kind].for_type(shown, printer)
