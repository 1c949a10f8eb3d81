"""What is proved of one trajectory, for people: whether it exists for all times, where it ends, how fast, why it does not collapse, and its bias.

>>> answers(certificate_of("chou_rauhut_ward/I1"))[2].told
'F <= C exp(-46.3752 t) for some C; F <= F(0) exp(-0.323677 t) from the start on'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from numerics import Problem, problem
from proofs_check.balls import flint
from proofs_check.certifying import DIGITS, Certified, certify
from proofs_check.kernel.decimals import above, below, near
from proofs_check.limiting import Limit
from proofs_check.settling import Settled
from theory.files import Theory

from .runs import changed, run_of

SCHEMA = "polarflow.certified/1"
MOST_ENTRIES = 30
STYLES = {"proved": "green", "unknown": "magenta", "-": "dim"}


@dataclass(frozen=True)
class Answer:
    """One of the questions, whether it is answered by what the kernel accepted, and the answer or why there is none."""

    question: str
    state: Literal["proved", "unknown", "-"]
    told: str


def certificate_of(given: str | Path | Theory, *, digits: int = DIGITS, put: Mapping[str, Any] | None = None, experiment: str = "") -> Certified:
    """Let a theory file with [start], or a shipped paper with experiments, be given: what is proved of where its trajectory ends.

    `put` gives exact values in place of the file's, as in {"kappa": "1/2"}. Raises `NoRun` where numbers are missing, `InvalidProblem` where they do
    not fit.
    """
    return certify(posed(given, put=put, experiment=experiment)[1], digits=digits)


def posed(given: str | Path | Theory, *, put: Mapping[str, Any] | None = None, experiment: str = "") -> tuple[str, Problem]:
    """The title of a theory file, or of a paper with its experiment, and the problem it poses."""
    run = changed(run_of(given, experiment), put or {})
    return run.title, problem(run.setting, data=run.data, start=run.start, times=(0, 1), sizes=run.sizes)


def answers(found: Certified) -> list[Answer]:
    """Existence, limit, rate, no collapse, and the bias of the limit."""
    if found.limit is not None and found.diagonal is not None:
        rows = _of_limit(found.limit, found.diagonal.rate, found.digits)
        if found.limit.outcome == "unknown" and found.settled is not None:
            rows.append(Answer("following it", "unknown", found.settled.text))
        return rows
    assert found.settled is not None
    return _of_settled(found.settled)


def _of_limit(found: Limit, rate: Fraction, digits: int) -> list[Answer]:
    plain = found.polar.kappa is None
    flow = "plain gradient flow" if plain else f"the polar flow, kappa = {found.polar.kappa}"
    exists = Answer("existence", "proved" if found.certificate else "unknown", f"for all t >= 0; it is {flow}, L = {found.polar.depth}")
    match found.outcome:
        case "collapses":
            rows = [Answer("limit", "proved", "x = 0"), Answer("rate", "-", "not looked for at a collapse")]
            return [exists, *rows, Answer("no collapse", "proved", f"it collapses: {_after(found.text)}"), Answer("l1 excess", "-", "the limit is 0")]
        case "no solution":
            told = found.text.partition("and ")[2].partition("; where")[0]
            rows = [Answer("limit", "unknown", f"{told}; where x tends to is not known")]
            return [exists, *rows, *(Answer(q, "-", "there is no solution") for q in ("rate", "no collapse", "l1 excess"))]
        case "unknown":
            known = f"within {_up(found.within)} of the x below, or 0" if found.within is not None else found.reason
            rows = [Answer("limit", "unknown", known), Answer("rate", "unknown", "asks for the limit")]
            return [exists, *rows, Answer("no collapse", "unknown", found.reason), Answer("l1 excess", "unknown", "asks for the limit")]
    assert found.within is not None
    limit = Answer("limit", "proved", f"to {digits} digits: x, below, is within {_up(found.within)} of it in every coordinate")
    if found.rate is None:
        fast = Answer("rate", "unknown", "the limit is at the boundary of the orthant, where no rate is claimed")
    else:
        steady = f"; F <= F(0) exp(-{_down(found.steady * rate)} t) from the start on" if found.steady is not None else ""
        fast = Answer("rate", "proved", f"F <= C exp(-{_down(found.rate * rate)} t) for some C{steady}")
    bias = Answer("l1 excess", "unknown", "no solution of least norm was found with a proof")
    if found.excess is not None:
        allowed = f", where the theorem on the bias allows {_up(found.allowed)}" if found.allowed is not None else ""
        bias = Answer("l1 excess", "proved", f"|x|_1 - Q <= {_up(found.excess)}{allowed}; the least norm of a solution is Q = {_short(found.least)}")
    return [exists, limit, fast, Answer("no collapse", "proved", found.text.rpartition("no collapse: ")[2]), bias]


def _of_settled(found: Settled) -> list[Answer]:
    if found.state == "unknown":
        return [Answer(question, "unknown", found.text if question == "limit" else "") for question in ("existence", "limit", "rate")]
    name, time = found.residual, float(found.time)
    return [
        Answer("existence", "proved", f"for all t >= 0; enclosed up to T = {time:.6g}"),
        Answer("limit", "proved", f"a point where {name} = 0, within {_up(found.within)} of the one below"),
        Answer("rate", "proved", f"|{name}| and the distance to the limit fall like exp(-{_down(found.rate)} t) from t = T on"),
        Answer("no collapse", "-", "asked of the diagonal model"),
        Answer("l1 excess", "-", "asked of the diagonal model"),
    ]


def _after(text: str) -> str:
    return text.partition("tends to 0: ")[2]


def shown(title: str, found: Certified) -> Group:
    """For the terminal."""
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("question", no_wrap=True)
    table.add_column("is", no_wrap=True)
    table.add_column("answer", overflow="fold")
    for row in answers(found):
        table.add_row(row.question, Text(row.state, style=STYLES[row.state]), Text(row.told))
    parts: list[Any] = [table]
    entries = _entries(found)
    if entries:
        width = max(len(name) for name, _ in entries)
        parts += [Text(f"{name:<{width}} = {value}") for name, value in entries[:MOST_ENTRIES]]
        if len(entries) > MOST_ENTRIES:
            parts.append(Text(f"... and {len(entries) - MOST_ENTRIES} more; --json writes all of them", style="dim"))
        parts.append(Text(""))
    if found.apart:
        parts.append(Text(found.apart, style="dim"))
    return Group(*parts, Text(f"{found.outcome}, {found.seconds:.1f} s", style="dim"))


def _entries(found: Certified) -> list[tuple[str, str]]:
    """The entries of the limit, or of the candidate, by their names."""
    if found.limit is not None:
        digits = found.digits
        return [(f"x[{n}]", _decimal(value, digits)) for n, value in enumerate(found.limit.x)]
    if found.settled is None or found.settled.state == "unknown":
        return []
    digits = found.settled.digits + 2
    return [(name, _decimal(value, digits)) for name, value in _flat(found.settled.limit)]


def _flat(blocks: Mapping[str, Any]) -> list[tuple[str, Fraction]]:
    found: list[tuple[str, Fraction]] = []

    def walk(name: str, places: tuple[int, ...], value: Any) -> None:
        if isinstance(value, tuple | list):
            for n, entry in enumerate(value):
                walk(name, (*places, n), entry)
        else:
            found.append((name + (f"[{','.join(map(str, places))}]" if places else ""), Fraction(value)))

    for name, value in blocks.items():
        walk(name, (), value)
    return found


def as_json(title: str, found: Certified) -> dict[str, Any]:
    """What was found, in the schema `polarflow.certified/1`; exact numbers are strings."""
    limit, settled = found.limit, found.settled
    names = ("within", "rho", "within_rho", "rate", "steady", "least", "excess", "allowed")
    return {
        "schema": SCHEMA,
        "title": title,
        "outcome": found.outcome,
        "digits": found.digits,
        "answers": [{"question": row.question, "state": row.state, "answer": row.told} for row in answers(found)],
        "text": found.text,
        "limit": None
        if limit is None
        else {
            "x": [_decimal(value, found.digits) for value in limit.x],
            **{name: None if getattr(limit, name) is None else str(getattr(limit, name)) for name in names},
            "eta": None if found.diagonal is None else str(found.diagonal.rate),
        },
        "settled": None
        if settled is None or settled.state == "unknown"
        else {
            "residual": settled.residual,
            "time": str(settled.time),
            "rate": str(settled.rate),
            "within": str(settled.within),
            "limit": {name: _decimal(value, settled.digits + 2) for name, value in _flat(settled.limit)},
        },
        "certificate": found.certificate,
        "seconds": found.seconds,
    }


def _decimal(value: Fraction, digits: int) -> str:
    """Rounded to so many decimals."""
    whole = round(value * 10**digits)
    sign, figures = "-" if whole < 0 else "", f"{abs(whole):0{digits + 1}d}"
    return f"{sign}{figures[:-digits]}.{figures[-digits:]}"


def _short(value: Fraction | None) -> str:
    """As it is, or the first digits of what has many."""
    assert value is not None
    return str(value) if len(str(value)) <= 20 else f"{near(flint(value))}..."


def _up(value: Fraction | None) -> str:
    assert value is not None
    return above(flint(value))


def _down(value: Fraction) -> str:
    return below(flint(value))
