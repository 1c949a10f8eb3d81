"""Statements: typed, inert, and unable to check themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import sympy as sp

from .settings import Setting, Values
from .symbols import Family, Indices, Variable
from .trees import declared_names, family_tree, length, setting_tree, tree

if TYPE_CHECKING:
    from .derivations import Derivation

Evidence = Literal["rocq", "exact", "enclosed", "sampled"]


@dataclass(frozen=True)
class Evolves:
    """Along the flow, $\\frac{d}{dt}$ quantity = rate, for all values of the indices; a rate of 0 makes it a conservation law."""

    quantity: sp.Expr
    rate: sp.Expr = sp.S.Zero
    indices: Indices = ()


@dataclass(frozen=True)
class Equal:
    """left = right on the domain, for all values of the indices."""

    left: sp.Expr
    right: sp.Expr
    indices: Indices = ()


@dataclass(frozen=True)
class Gradient:
    """$\\partial$ of $/\\partial$ by $=$ value, for all values of the indices."""

    of: sp.Expr
    by: Variable
    value: sp.Expr
    indices: Indices = ()


@dataclass(frozen=True)
class Complete:
    """The flow has `count` independent laws that hold for every loss, spheres included, and no more.

    Stated at the setting's instances. `laws` are families of conserved quantities; each may hold a constant subject to the setting's
    hypotheses (a vector of the kernel of A), and is then read for a basis of the values allowed.
    """

    count: int
    laws: tuple[Family, ...]


Assertion: TypeAlias = Evolves | Equal | Gradient | Complete


@dataclass(frozen=True)
class Part:
    """An assertion in its setting; several parts make a statement."""

    setting: Setting
    assertion: Assertion
    label: str = ""


@dataclass(frozen=True)
class Statement:
    """A claim of a paper or of a user, with what it needs and the least evidence it must reach.

    `mutants` are near-variants that are false and must be refuted; each is a part whose label says what was changed.
    """

    id: str
    title: str
    parts: tuple[Part, ...]
    mutants: tuple[Part, ...] = ()
    domain: str = ""
    given: tuple[str, ...] = ()
    citation: str = ""
    provenance: str = ""
    required: Evidence = "exact"
    expect: Literal["proved", "refuted"] = "proved"


@dataclass(frozen=True)
class Watched:
    """A quantity to be watched along an experiment, for each of the choices given of the constants it has of its own."""

    label: str
    quantity: sp.Expr
    choices: tuple[Mapping[str, Values], ...] = ({},)


@dataclass(frozen=True)
class Experiment:
    """One exact problem to be integrated: the data, the start, the times, and what is seen to stay or to move along it."""

    id: str
    statement: str
    setting: Setting
    data: Mapping[str, Values]
    start: Mapping[str, Values]
    times: tuple[Fraction, ...]
    conserved: tuple[Watched, ...]
    moving: tuple[Watched, ...] = ()


@dataclass(frozen=True)
class Paper:
    """A paper as one module of statements that get checked; `setting` is its main flow."""

    id: str
    title: str
    citation: str
    setting: Setting
    statements: tuple[Statement, ...]
    derivations: tuple[Derivation, ...] = ()
    experiments: tuple[Experiment, ...] = ()


def statement_tree(part: Part) -> Any:
    """A part as the kernel reads it.

    Raises `Unstatable` for an expression without a place in the language of certificates.
    """
    declared = declared_names(part.setting)
    match part.assertion:
        case Evolves(quantity, rate, indices):
            claim = {"kind": "evolves", "quantity": tree(quantity, declared), "rate": tree(rate, declared)}
        case Equal(left, right, indices):
            claim = {"kind": "equal", "left": tree(left, declared), "right": tree(right, declared)}
        case Gradient(of, by, value, indices):
            claim = {"kind": "gradient", "of": tree(of, declared), "by": by.name, "value": tree(value, declared)}
        case Complete(count):
            claim, indices = {"kind": "count", "count": count}, ()
    claim["indices"] = [[name.name, length(size)] for name, size in indices]
    return {**setting_tree(part.setting), "claim": claim}


def gradient_tree(setting: Setting) -> Any:
    """The derived gradient of the pairing, block by block: what a certificate for all sizes offers for checking."""
    declared = declared_names(setting)
    return {name: family_tree(slope, declared=declared) for name, slope in setting.flow.gradient.items()} if setting.flow else {}
