"""A claim as one file of Rocq: a module for every part that is exported, and a reason for every part that is not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files

from theory.settings import Instance
from theory.statements import Part, Statement
from theory.trees import Unstatable

from ..instances import instances_of, label
from ..kernel.language import Rejected
from . import all_sizes, at_instance
from .reading import Misread, read_back
from .section import section_of
from .terms import Unexportable

PRELUDE = "GradientFlow"
HEADER = f"""From Coq Require Import Reals Lra Lia.
Require Import {PRELUDE}.
Open Scope R_scope.
"""


@dataclass(frozen=True)
class Module:
    """One part, written and read back: the text of its module, and the name of the theorem in it.

    `route` says for which sizes it stands; without an instance, for all of them. `conditions` is what it assumes beyond signs and equations.
    """

    part: Part
    route: str
    theorem: str
    text: str
    instance: Instance | None
    conditions: tuple[str, ...]


@dataclass(frozen=True)
class Refused:
    """A part that is not exported, with the reason."""

    part: Part
    reason: str


@dataclass(frozen=True)
class Exported:
    """A claim as a file: its modules, its text, and the parts left out."""

    name: str
    text: str
    modules: tuple[Module, ...]
    refused: tuple[Refused, ...]


def prelude() -> str:
    """The file GradientFlow.v, which every exported file needs beside it."""
    return (files(__package__) / f"{PRELUDE}.v").read_text(encoding="utf-8")


def export(statement: Statement) -> Exported:
    """The parts of a statement as theorems of Rocq, those that cannot be exported with the reason.

    A theorem is about every differentiable solution of the flow on an open interval of time. Whether it is proved, Rocq says:
    `proofs_check.rocq.check` asks it.
    """
    modules: list[Module] = []
    refused: list[Refused] = []
    for n, part in enumerate(statement.parts):
        try:
            modules.append(module(part, f"part_{n + 1}"))
        except (Unexportable, Misread, Rejected, Unstatable, NotImplementedError) as error:
            refused.append(Refused(part, str(error)))
    lines = [_comment(f"{statement.id}: {statement.title}"), _comment(f"To check it: coqc -R . '' {PRELUDE}.v, then the same with this file.")]
    lines += [_comment(f"Left out, {one.part.label or 'the claim'}: {one.reason}") for one in refused]
    text = "\n".join([*lines, "", HEADER, *(one.text for one in modules)])
    return Exported(identifier(statement.id), text, tuple(modules), tuple(refused))


def module(part: Part, name: str) -> Module:
    """One part as a module of that name: for all sizes where the proof is found, or else at the sizes of its first instance.

    Raises `Unexportable`, `Rejected` or `Unstatable` with the reason, and `Misread` if the text, read back, is not the part.
    """
    first = instances_of(part.setting)[0]
    wanted: list[Instance | None] = [None] if part.setting.sizes else []
    wanted += [Instance(first.sizes), first] if first.values else [first]
    for last, instance in enumerate(wanted, start=1):
        try:
            section = section_of(part, instance)
            lines = [*section.declarations(), *(f"Hypothesis {known} : {text}." for known, text in section.assumptions()), *section.claims()]
            lines += all_sizes.proof(section, part) if instance is None else at_instance.proof(section)
            route = "all sizes" if instance is None else label(part.setting, instance) or "exact"
            lines = [f"Module {name}.", "Section statement.", *lines, "End statement.", f"End {name}.", ""]
            text = "\n".join([*([_comment(part.label)] if part.label else []), *lines])
            return Module(part, route, f"{name}.{section.mode}", text, instance, read_back(part, instance, text))
        except (Unexportable, Rejected):
            if last == len(wanted):
                raise
    raise AssertionError("there is always an instance")


def _comment(text: str) -> str:
    """A comment; what opens or closes comments and strings in Rocq is taken out of it."""
    words = re.sub(r"[(][*]|[*][)]|\"", " ", " ".join(text.split()))
    return f"(* {words} *)"


def identifier(text: str) -> str:
    """A name for a file or a library of Rocq: letters, digits and underscores."""
    found = re.sub(r"\W|[^\x00-\x7f]", "_", text)
    return found if re.match(r"[A-Za-z]", found) else f"claim_{found}"
