"""Statements: typed, inert, and unable to check themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import sympy as sp

from .settings import Definition, Setting, Values
from .symbols import Family, Indices, Variable
from .trees import Unstatable, declared_names, family_tree, length, setting_tree, tree

if TYPE_CHECKING:
    from .derivations import Derivation

Evidence = Literal["rocq", "exact", "enclosed", "sampled"]


class TimeDerivative(sp.Function):
    """$\\dot q$, the rate of a quantity along the flow: a name, never evaluated."""

    nargs = 1


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


@dataclass(frozen=True)
class AtMost:
    """left $\\le$ right (or $<$, if strict) on the domain, for all values of the indices; left may be the `TimeDerivative` of a quantity.

    `where` narrows the domain to the points at which every entry of these definitions is nonnegative: the sides of a box, or the case
    $\\kappa r^2 \\le 1$. They have to be named, so that a proof can refer to them; the setting has no other definition of their names.
    `because`, where it is given, is an expression for right - left whose sign is plain; without one it is looked for. A kernel checks it either way.
    """

    left: sp.Expr
    right: sp.Expr
    indices: Indices = ()
    strict: bool = False
    where: tuple[Definition, ...] = ()
    because: sp.Expr | None = None


@dataclass(frozen=True)
class Ending:
    """Something of where a flow on the diagonal model $x = w^{\\odot L}$ with the loss $\\frac12\\|Ax - y\\|^2$ ends, from exact data.

    `of` is the limit "x", the magnification "rho", or the "rate" in the end, $2\\lambda_{\\min}$ of what moves the residual, with $\\eta_r = 1$.
    The start is {"r": ..., "u": ...}, {"w": ...}, {"w^2": ...} or {"x": ...}; without a ratio kappa the flow is plain gradient flow of w.
    """

    of: Literal["x", "rho", "rate"]
    matrix: tuple[tuple[Fraction, ...], ...]
    target: tuple[Fraction, ...]
    kappa: Fraction | None
    depth: Fraction
    start: Mapping[str, Values]


@dataclass(frozen=True)
class AtLimit:
    """An inequality between constants, of which some are `data` and the others what flows end at."""

    holds: AtMost
    ends: Mapping[str, Ending]
    data: Mapping[str, Values]


@dataclass(frozen=True)
class Observed:
    """From exact data, a quantity is near `values[n]` at `times[n]`, by at most `within[n]`: what integration shows, and no proof."""

    quantity: sp.Expr
    times: tuple[Fraction, ...]
    values: tuple[Fraction, ...]
    within: tuple[Fraction, ...]
    data: Mapping[str, Values]
    start: Mapping[str, Values]
    digits: int = 30


@dataclass(frozen=True)
class Order:
    """After the time `until` in steps of length $h$ by a rule, a quantity has moved by about $C h^p$, $p$ near `order`, $C$ of the `sign` given.

    Every halving of the step from the first on gives a slope, and each must be near: one value of a drift says nothing of where it comes from.
    """

    quantity: sp.Expr
    rule: Literal["explicit", "projected"]
    first: Fraction
    halvings: int
    until: Fraction
    order: int
    data: Mapping[str, Values]
    start: Mapping[str, Values]
    sign: Literal["positive", "negative", "any"] = "any"


Assertion: TypeAlias = Evolves | Equal | Gradient | Complete | AtMost | AtLimit | Observed | Order


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
    expect: Literal["proved", "supported", "refuted"] = "proved"


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
    if isinstance(part.assertion, AtLimit):
        return statement_tree(Part(part.setting, part.assertion.holds))
    setting = part.setting.having(definitions=part.assertion.where) if isinstance(part.assertion, AtMost) else part.setting
    declared = declared_names(setting)
    claim: dict[str, Any]
    match part.assertion:
        case Evolves(quantity, rate, indices):
            claim = {"kind": "evolves", "quantity": tree(quantity, declared), "rate": tree(rate, declared)}
        case Equal(left, right, indices):
            claim = {"kind": "equal", "left": tree(left, declared), "right": tree(right, declared)}
        case Gradient(of, by, value, indices):
            claim = {"kind": "gradient", "of": tree(of, declared), "by": by.name, "value": tree(value, declared)}
        case Observed() | Order():
            raise Unstatable("what is observed in a run has no place in a certificate")
        case Complete(count):
            claim, indices = {"kind": "count", "count": count}, ()
        case AtMost(left, right, indices, strict, where):
            moving = isinstance(left, TimeDerivative)
            side = {"quantity": tree(left.args[0], declared)} if moving else {"left": tree(left, declared)}
            claim = {"kind": "at-most", **side, "right": tree(right, declared), "strict": strict, "where": [entry.name for entry in where]}
    claim["indices"] = [[name.name, length(size)] for name, size in indices]
    return {**setting_tree(setting), "claim": claim}


def gradient_tree(setting: Setting) -> Any:
    """The derived gradient of the pairing, block by block: what a certificate for all sizes offers for checking."""
    declared = declared_names(setting)
    return {name: family_tree(slope, declared=declared) for name, slope in setting.flow.gradient.items()} if setting.flow else {}
