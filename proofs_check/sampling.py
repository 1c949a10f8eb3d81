"""Random rational points of a setting, constructed so that every sign, sphere and hypothesis holds exactly.

Signs are drawn, spheres are parametrised by rational points, and hypotheses are solved: each is linear in the entries of some constant
(A z = 0 is linear in A), which is then drawn from the rational solutions. Nothing is filtered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any, TypeAlias

import sympy as sp
from flint import fmpq, fmpq_mat

from theory.settings import Instance, Setting, Space
from theory.symbols import Variable

Entry: TypeAlias = tuple[int, ...]
Point: TypeAlias = dict[tuple[str, Entry], Fraction]


class NoPoint(ValueError):
    """The hypotheses could not be met by solving linear equations; the text says which."""


@dataclass(frozen=True)
class Sizes:
    """The symbolic sizes with their numbers."""

    values: Mapping[str, int]

    def of(self, length: sp.Expr | int) -> int:
        return int(sp.sympify(length).xreplace({s: sp.Integer(self.values[s.name]) for s in sp.sympify(length).free_symbols}))

    def entries(self, shape: tuple[sp.Expr, ...]) -> Iterator[Entry]:
        return product(*(range(self.of(length)) for length in shape))


def rational_value(expression: sp.Expr, point: Point, sizes: Sizes, at: Mapping[sp.Symbol, int]) -> Fraction:
    """The value of a polynomial index expression at a rational point."""

    def value(node: sp.Expr, at: Mapping[sp.Symbol, int]) -> Fraction:
        match node:
            case sp.Rational():
                return Fraction(int(node.p), int(node.q))
            case sp.Indexed():
                return point[node.base.name, tuple(at[i] if i in at else int(i) for i in node.indices)]
            case sp.Symbol():
                return point[node.name, ()] if (node.name, ()) in point else Fraction(sizes.of(node))
            case sp.Add():
                return sum((value(arg, at) for arg in node.args), Fraction(0))
            case sp.Mul():
                total = Fraction(1)
                for arg in node.args:
                    total *= value(arg, at)
                return total
            case sp.Pow() if node.exp.is_Integer:
                return value(node.base, at) ** int(node.exp)
            case sp.Sum():
                ((i, _, upper),) = node.limits[-1:]
                inner = node.function if len(node.limits) == 1 else sp.Sum(node.function, *node.limits[:-1])
                return sum((value(inner, {**at, i: n}) for n in range(sizes.of(upper + 1))), Fraction(0))
        raise NoPoint(f"the hypothesis {expression} = 0 is not polynomial, so it cannot be met by choosing rational values")

    return value(expression, at)


def _small(random: Random, sign: str) -> Fraction:
    value = Fraction(random.choice((1, 2, 3, 4, 5, 7)), random.choice((1, 1, 2, 3)))
    return value if sign in ("positive", "nonnegative") or random.random() < 0.5 else -value


def _on_sphere(random: Random, signs: Sequence[str]) -> list[Fraction]:
    """A rational point of the unit sphere: the image of a rational point of the plane, inside the unit ball where all signs are to be positive."""
    if len(signs) == 1:
        return [Fraction(1)]
    free = [Fraction(random.randint(1, 9), random.randint(10, 14) * len(signs)) for _ in signs[1:]]
    norm = sum((t * t for t in free), Fraction(0))
    point = [2 * t / (1 + norm) for t in free] + [(1 - norm) / (1 + norm)]
    random.shuffle(point)
    return [value if sign in ("positive", "nonnegative") or random.random() < 0.5 else -value for value, sign in zip(point, signs, strict=True)]


def sample(setting: Setting, instance: Instance, random: Random, *, scale: Fraction = Fraction(1)) -> Point:
    """A random rational point at the sizes of the instance, with the instance's values where it gives some.

    Parameters that are not on a sphere are multiplied by the scale: small ones lie in the domains of log(1 - q), atanh and their like.

    Raises `NoPoint` when the hypotheses are not linear in anything that may still be chosen.
    """
    sizes = Sizes(instance.sizes)
    point: Point = {}
    fixed = set(instance.values)
    for variable in setting.variables:
        for entry in sizes.entries(variable.shape):
            point[variable.name, entry] = _small(random, variable.sign) * (scale if variable.role == "parameter" else 1)
        if variable.name in instance.values:
            point.update(_given(variable, instance.values[variable.name], sizes))
    exponents = {symbol.name for symbol in _exponent_symbols(setting)}
    for variable in setting.variables:
        if variable.name in exponents and variable.name not in fixed and not variable.shape:
            point[variable.name, ()] = Fraction(random.choice((1, 3, 4, 5)))
    flow = setting.flow
    space = flow.space if flow else Space(())
    for group in space.spheres:
        places = [(name, entry) for name in group for entry in sizes.entries(space[name].shape)]
        signs = [space[name].sign for name, _ in places]
        point.update(zip(places, _on_sphere(random, signs), strict=True))
    _solve_hypotheses(setting, sizes, point, fixed, random)
    return point


def _given(variable: Variable, value: Any, sizes: Sizes) -> Point:
    def pick(node: Any, entry: Entry) -> Fraction:
        for n in entry:
            node = node[n]
        return Fraction(node)

    return {(variable.name, entry): pick(value, entry) for entry in sizes.entries(variable.shape)}


def _exponent_symbols(setting: Setting) -> set[sp.Symbol]:
    expressions = [definition.family.value for definition in setting.definitions]
    if setting.flow is not None:
        expressions += [setting.flow.pairing, *(f.value for f in setting.flow.rates.values()), *(f.value for f in setting.flow.drift.values())]
    return {symbol for e in expressions for node in e.atoms(sp.Pow) for symbol in node.exp.free_symbols}


def _solve_hypotheses(setting: Setting, sizes: Sizes, point: Point, fixed: set[str], random: Random) -> None:
    """Change the entries of one constant after another until every hypothesis holds."""
    waiting = [
        (setting.unfold(family.value), dict(zip((name for name, _ in family.indices), entry, strict=True)))
        for family in setting.hypotheses
        for entry in sizes.entries(tuple(length for _, length in family.indices))
    ]
    constants = [v for v in setting.variables if v.role == "constant" and v.name not in fixed]
    settled: set[str] = set()
    while waiting:
        options = []
        for variable in constants:
            mine = [h for h in waiting if _mentions(h[0], variable.name)]
            touched = any(_mentions(e, variable.name) for e in (f.value for f in setting.hypotheses)) and variable.name not in settled
            if mine and touched and all(_linear(h[0], variable) for h in mine):
                options.append((len(mine), len(list(sizes.entries(variable.shape))), variable, mine))
        if not options:
            raise NoPoint(f"no constant left to choose so that {waiting[0][0]} = 0 holds; it needs one that enters linearly")
        _, _, variable, mine = max(options, key=lambda option: option[:2])
        _solve_linear(variable, mine, sizes, point, random)
        settled.add(variable.name)
        settled |= {v.name for v in constants if any(_mentions(e, v.name) for e, _ in mine)}
        waiting = [h for h in waiting if h not in mine]


def _mentions(expression: sp.Expr, name: str) -> bool:
    return any(symbol.name == name for symbol in expression.free_symbols)


def _linear(expression: sp.Expr, variable: Variable) -> bool:
    """Whether the expression is of degree one in the entries of the variable: they occur once in each product, to the first power."""

    def degree(node: sp.Expr) -> int:
        if isinstance(node, sp.Indexed | sp.Symbol):
            return int((node.base.name if isinstance(node, sp.Indexed) else node.name) == variable.name)
        if isinstance(node, sp.Mul):
            return sum(map(degree, node.args))
        if isinstance(node, sp.Add):
            return max(map(degree, node.args))
        if isinstance(node, sp.Sum):
            return degree(node.function)
        return 0 if not _mentions(node, variable.name) else 2

    return degree(expression) == 1 and (variable.sign == "real")


def _solve_linear(variable: Variable, equations: list[tuple[sp.Expr, dict[sp.Symbol, int]]], sizes: Sizes, point: Point, random: Random) -> None:
    """Replace the variable's entries by their values moved to a solution of the equations."""
    places = [(variable.name, entry) for entry in sizes.entries(variable.shape)]
    probe = {**point, **dict.fromkeys(places, Fraction(0))}
    constants = [rational_value(expression, probe, sizes, at) for expression, at in equations]
    columns = []
    for place in places:
        with_one = {**probe, place: Fraction(1)}
        columns.append([rational_value(expression, with_one, sizes, at) - c for (expression, at), c in zip(equations, constants, strict=True)])
    matrix = fmpq_mat(len(equations), len(places) + 1, [_fmpq(v) for row in zip(*columns, [-c for c in constants], strict=True) for v in row])
    reduced, rank = matrix.rref()
    pivots = [next(column for column in range(len(places) + 1) if reduced[row, column] != 0) for row in range(rank)]
    if pivots and pivots[-1] == len(places):
        raise NoPoint(f"no value of {variable.name} meets {equations[0][0]} = 0 with the other values given")
    for place in places:
        point[place] = _small(random, "real")
    for row, pivot in enumerate(pivots):
        value = reduced[row, len(places)]
        for column in range(pivot + 1, len(places)):
            if column not in pivots:
                value -= reduced[row, column] * _fmpq(point[places[column]])
        point[places[pivot]] = Fraction(int(value.p), int(value.q))


def _fmpq(value: Fraction) -> fmpq:
    return fmpq(value.numerator, value.denominator)


def basis(setting: Setting, quantity: sp.Expr, sizes: Sizes, point: Point) -> list[dict[str, Any]]:
    """A basis of the values that the hypotheses allow the constants which the quantity mentions and the flow does not: of ker A, for z.

    [{}] when there are no such constants; empty when zero is the only value, or the hypotheses are not homogeneous in them.
    """
    flow = setting.flow
    families = [d.family for d in setting.definitions] + ([*flow.rates.values(), *flow.drift.values()] if flow else [])
    in_flow = {s.name for e in [*([flow.pairing] if flow else []), *(f.value for f in families)] for s in e.free_symbols}
    named = {s.name for s in quantity.free_symbols}
    own = [v for v in setting.variables if v.role == "constant" and v.shape and v.name in named - in_flow]
    if not own:
        return [{}]
    places = [(v.name, entry) for v in own for entry in sizes.entries(v.shape)]
    zero = {**point, **dict.fromkeys(places, Fraction(0))}
    equations = [
        (setting.unfold(h.value), dict(zip((name for name, _ in h.indices), entry, strict=True)))
        for h in setting.hypotheses
        for entry in sizes.entries(tuple(length for _, length in h.indices))
    ]
    if any(rational_value(e, zero, sizes, at) != 0 for e, at in equations):
        return []
    rows = [[rational_value(e, {**zero, place: Fraction(1)}, sizes, at) for place in places] for e, at in equations]
    reduced, rank = fmpq_mat(len(rows), len(places), [_fmpq(q) for row in rows for q in row]).rref()
    pivots = [next(c for c in range(len(places)) if reduced[r, c] != 0) for r in range(rank)]
    found = []
    for free in (c for c in range(len(places)) if c not in pivots):
        vector = dict.fromkeys(places, Fraction(0)) | {places[free]: Fraction(1)}
        for row, pivot in enumerate(pivots):
            vector[places[pivot]] = Fraction(int(-reduced[row, free].p), int(reduced[row, free].q))
        found.append({v.name: nested(v, sizes, vector) for v in own})
    return found


def nested(variable: Variable, sizes: Sizes, point: Point) -> Any:
    """The entries of a variable as nested lists of rationals written as text."""

    def build(shape: tuple[sp.Expr, ...], entry: Entry) -> Any:
        if not shape:
            return str(point[variable.name, entry])
        return [build(shape[1:], (*entry, n)) for n in range(sizes.of(shape[0]))]

    return build(variable.shape, ())


def given_point(setting: Setting, sizes: Sizes, values: Mapping[str, Any]) -> Point:
    """The entries of the values given, under the names of the setting."""
    known = {variable.name: variable for variable in setting.variables}
    return {place: q for name, value in values.items() if name in known for place, q in _given(known[name], value, sizes).items()}


def assignment(setting: Setting, instance: Instance, point: Point, *, bits: int) -> dict[str, Any]:
    """The point as the kernel reads it."""
    sizes = Sizes(instance.sizes)

    return {
        "sizes": {str(name): sizes.of(name) for name in setting.sizes},
        "values": {variable.name: nested(variable, sizes, point) for variable in setting.variables},
        "bits": bits,
    }
