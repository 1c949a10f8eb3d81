"""What can be proved of where a flow ends, with one start, and how fast: from its equations if their shape is known, or by following it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import product
from time import perf_counter
from typing import Any, Literal

import sympy as sp

from numerics import Problem
from numerics.limit import Polar
from numerics.limit import polar as polar_data
from theory.settings import Setting
from theory.statements import gradient_tree
from theory.symbols import Variable, index
from theory.trees import declared_names, tree

from .balls import fraction
from .cofactors import search
from .kernel import FORMAT, check
from .kernel.all_sizes import residual
from .kernel.diagonal import equations, recognised
from .kernel.language import Rejected, Statement, read_statement
from .limiting import Limit, limit
from .settling import Settled, settle
from .written import flow_alone, numbers

DIGITS = 35
SETTLED_DIGITS = 10  # of a limit that is found by following the flow


class NotDiagonal(ValueError):
    """A problem whose flow is not recognised as one on the diagonal model; the text says why."""


@dataclass(frozen=True)
class Diagonal:
    """Let the flow of a problem be the polar flow, or plain gradient flow, of a diagonal model, in the time $\\eta t$ with $\\eta$ = `rate`.

    `flow` is how a certificate says so, and `where` the numbers put in.
    """

    polar: Polar
    rate: Fraction
    flow: Mapping[str, Any]
    where: Mapping[str, Any]


@dataclass(frozen=True)
class Certified:
    """What is proved of the solution of a problem, with a certificate the kernel accepted, and its words.

    `limit` is there for flows on the diagonal model, `settled` where the flow was followed; `apart` says why a flow is not one on that model. The
    rates of `limit` are in the time $\\eta t$, with $\\eta$ = `rate`.
    """

    problem: Problem
    digits: int
    diagonal: Diagonal | None
    limit: Limit | None
    settled: Settled | None
    apart: str = ""
    certificate: Mapping[str, Any] | None = None
    text: str = ""
    seconds: float = field(default=0.0, compare=False)

    @property
    def outcome(self) -> Literal["converges", "collapses", "no solution", "unknown"]:
        if self.limit is not None and self.limit.outcome != "unknown":
            return self.limit.outcome
        return "converges" if self.settled is not None and self.settled.state == "settles" else "unknown"


def certify(problem: Problem, *, digits: int = DIGITS) -> Certified:
    """Let a problem be given: where its solution ends, and how fast, with a certificate.

    A flow on the diagonal model is recognised whatever its names are, and ends where a convex dual says, to `digits` digits. Any other flow, and a
    flow on the model of which no inequality decides whether it collapses, is followed until it comes to rest; then up to 10 digits are found.

    Raises `ValueError` for a number of digits that is not positive, `InvalidProblem` for what cannot be followed.
    """
    clock = perf_counter()
    if digits < 1:
        raise ValueError(f"digits = {digits} was given; a positive number is wanted")

    def done(**found: Any) -> Certified:
        return replace(Certified(problem, digits, None, None, None), **found, seconds=perf_counter() - clock)

    try:
        found = recognise(problem)
    except NotDiagonal as error:
        settled = settle(problem, digits=min(digits, SETTLED_DIGITS))
        return done(settled=settled, apart=str(error), certificate=settled.certificate or None, text=settled.text)
    tried: list[Settled] = []

    def rest() -> Mapping[str, Any] | None:
        tried.append(settle(problem, digits=min(digits, SETTLED_DIGITS)))
        if tried[0].state == "unknown" or found.polar.kappa is None:
            return None
        return {"by": "rest", "flow": dict(found.flow), "settle": dict(tried[0].certificate)}

    ended = limit(found.polar, digits=digits, rest=rest)
    if ended.certificate is None:
        return done(diagonal=found, limit=ended, settled=tried[0] if tried else None, text=ended.reason)
    certificate = {"format": FORMAT, "kind": "ends", **found.where, "flow": found.flow, "limit": ended.certificate}
    return done(diagonal=found, limit=ended, settled=tried[0] if tried else None, certificate=certificate, text=check(certificate).text)


# ---- recognising a flow --------------------------------------------------------------------------------------------------------------------------


def recognise(problem: Problem) -> Diagonal:
    """The polar flow on a diagonal model, or its plain gradient flow, that a problem is; the kernel has accepted that it is.

    Raises `NotDiagonal` for other flows.
    """
    where = {"statement": flow_alone(problem.setting), **numbers(problem)}
    reason = "its parameters are neither a radius r and a direction u on the sphere, nor one vector of weights"
    statement = read_statement(where["statement"])
    for guess in _guesses(problem):
        try:
            flow = {**guess, "cofactors": [_cofactors(replace(statement, claim=e), guess["gradient"]) for e in equations(statement, guess)]}
            data, rate = recognised(statement, where, flow)
        except Rejected as error:
            reason = str(error)
            continue
        start = {"w": tuple(map(fraction, data.values))}
        matrix, target = (tuple(tuple(map(fraction, row)) for row in part) for part in (data.matrix, [data.target]))
        kappa = None if data.kappa is None else fraction(data.kappa)
        return Diagonal(polar_data(matrix, target[0], kappa=kappa, L=fraction(data.depth), start=start), fraction(rate), flow, where)
    raise NotDiagonal(f"not recognised as a flow on the diagonal model: {reason}")


def _cofactors(statement: Statement, gradient: Any) -> list[dict[str, Any]]:
    """What the hypotheses are to be multiplied by, if the claim holds; the kernel sees whether it does."""
    return search(statement, residual(statement, gradient))[0]


def _guesses(problem: Problem) -> Iterator[dict[str, Any]]:
    """What the names may stand for, as a certificate says it, but for the cofactors."""
    setting = problem.setting
    flow = setting.flow
    moving = [v for v in setting.variables if v.role == "parameter"]
    vectors, scalars = ([v for v in moving if len(v.shape) == rank] for rank in (1, 0))
    if flow is None or flow.drift or len(vectors) != 1 or len(scalars) > 1 or len(moving) != len(vectors) + len(scalars):
        return
    (weights,), radius = vectors, scalars[0] if scalars else None
    rate = flow.rates[(radius or weights).name].value
    kappa = None if radius is None else sp.cancel(flow.rates[weights.name].value / rate)
    matrices = [v for v in setting.variables if v.role == "constant" and v.shape[1:] == weights.shape and v.name in problem.data]
    targets = [v for v in setting.variables if v.role == "constant" and len(v.shape) == 1 and v.name in problem.data]
    declared = declared_names(setting)
    for depth, matrix, target in product(_depths(setting, weights, radius), matrices, targets):
        if target.shape == matrix.shape[:1] and len(matrix.shape) == 2:
            yield {
                "radius": None if radius is None else radius.name,
                "weights": weights.name,
                "matrix": matrix.name,
                "target": target.name,
                "depth": tree(depth, declared),
                "kappa": None if kappa is None else tree(kappa, declared),
                "rate": tree(rate, declared),
                "gradient": gradient_tree(setting),
            }


def _depths(setting: Setting, weights: Variable, radius: Variable | None) -> Iterator[sp.Expr]:
    """L, where some definition is (r u_i)^L or w_i^L, or a multiple."""
    i = index("i")
    by = weights[i] if radius is None else radius[()]
    parameters = {v.name for v in setting.variables if v.role == "parameter"}
    for definition in setting.definitions:
        if len(definition.family.indices) == 1:
            value = setting.unfold(definition[i])
            depth = sp.cancel(by * sp.diff(value, by) / value) if value.has(by) else sp.S.Zero
            if depth != 0 and not {str(entry) for entry in depth.atoms(sp.Symbol)} & {*parameters, "i"}:
                yield depth
