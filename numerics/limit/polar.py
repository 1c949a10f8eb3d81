"""The data of a polar flow on the diagonal model, exact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..errors import InvalidProblem
from ..exact import exact, rational, shape

WAYS = "{'r', 'u'}, {'w'}, {'w^2'} or {'x'}"


@dataclass(frozen=True)
class Polar:
    """Let $F(x) = \\frac12\\|Ax - y\\|^2$ with $A \\in \\mathbb Q^{M\\times N}$ and $x_i = w_i^L$, $w = r u$, $L \\ge 2$: the polar flow of ratio
    $\\kappa > 0$ from $w_i = \\mathrm{values}_i^{\\mathrm{exponent}} > 0$, and without $\\kappa$ plain gradient flow of $w$; build one by `polar`,
    which checks it all."""

    matrix: tuple[tuple[Fraction, ...], ...]
    target: tuple[Fraction, ...]
    kappa: Fraction | None
    depth: Fraction
    exponent: Fraction
    values: tuple[Fraction, ...]

    @property
    def columns(self) -> tuple[tuple[Fraction, ...], ...]:
        return tuple(zip(*self.matrix, strict=True))


def polar(A: Any, y: Any, *, kappa: Any, L: Any, start: Mapping[str, Any]) -> Polar:
    """Let numbers be given as integers, `Fraction`s or strings: the data they state. With $\\kappa$ = None the flow is plain gradient flow of $w$.

    The start is `{"r": ..., "u": ...}` with $\\|u\\| = 1$ exactly, or `{"w": ...}`, or the squares `{"w^2": ...}`, or the predictions `{"x": ...}`;
    all weights are positive. The squares allow directions such as $(1, 1)/\\sqrt 2$.

    Raises `InvalidProblem` for what does not fit.

    >>> polar([[1, -2]], [1], kappa=1, L=2, start={"w^2": ["1/40", "1/40"]}).exponent
    Fraction(1, 2)
    """
    matrix, target = exact(A, "A"), exact(y, "y")
    ratio, depth = None if kappa is None else rational(kappa, "kappa"), rational(L, "L")
    if len(shape(matrix)) != 2 or 0 in shape(matrix) or shape(target) != shape(matrix)[:1]:
        raise InvalidProblem(f"A has the shape {shape(matrix)} and y {shape(target)}; M x N numbers and M numbers are wanted, M and N at least 1")
    if ratio is not None and ratio <= 0:
        raise InvalidProblem(f"kappa = {ratio} was given; the ratio of the rates is positive")
    if depth < 2:
        raise InvalidProblem(f"L = {depth} was given; L >= 2 is wanted, since for smaller L weights reach 0 in finite time")
    exponent, values = _start(start, depth)
    if shape(values) != shape(matrix)[1:]:
        raise InvalidProblem(f"A has {shape(matrix)[1]} columns, and the start has the shape {shape(values)}; one weight per column is wanted")
    assert isinstance(matrix, tuple)
    assert isinstance(target, tuple)
    return Polar(matrix, target, ratio, depth, exponent, values)  # type: ignore[arg-type]


def _start(start: Mapping[str, Any], depth: Fraction) -> tuple[Fraction, tuple[Fraction, ...]]:
    """The exponent and the values."""
    exponents = {"w": Fraction(1), "w^2": Fraction(1, 2), "x": 1 / depth}
    if set(start) == {"r", "u"}:
        r, u = rational(start["r"], "r"), _positive(start["u"], "u")
        square = sum(entry**2 for entry in u)
        if r <= 0:
            raise InvalidProblem(f"r = {r} was given; the radius is positive")
        if square != 1:
            raise InvalidProblem(
                f"the sum of the squares of u is {square}, and exactly 1 is wanted; give the squares of the weights as 'w^2' instead"
            )
        return Fraction(1), tuple(r * entry for entry in u)
    if len(start) != 1 or not set(start) <= set(exponents):
        raise InvalidProblem(f"the start was given as {', '.join(map(repr, start)) or 'nothing'}; wanted is {WAYS}")
    ((name, value),) = start.items()
    return exponents[name], _positive(value, name)


def _positive(value: Any, name: str) -> tuple[Fraction, ...]:
    found = exact(value, name)
    if len(shape(found)) != 1:
        raise InvalidProblem(f"{name} has the shape {shape(found)}; a list of numbers is wanted")
    assert isinstance(found, tuple)
    for n, entry in enumerate(found):
        if not (isinstance(entry, Fraction) and entry > 0):
            if entry == 0:
                raise InvalidProblem(f"{name}[{n}] = 0 was given; a weight that starts at 0 stays there: leave out its column of A")
            raise InvalidProblem(f"{name}[{n}] = {entry} was given; the flow starts inside the orthant, where all weights are positive")
    return found  # type: ignore[return-value]
