"""Index calculus: derivatives along a direction, sums taken apart and put together again, gradients.

Every derivative here goes through a direction: $D_\\delta f$ is linear in the direction $\\delta$, and the gradient is what multiplies it under
the sums. No Kronecker symbol is needed, and no size has to be known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import sympy as sp

from .symbols import Family, Indices, Variable, away_from, fresh, index, total

Direction = Callable[[str, tuple[sp.Expr, ...]], sp.Expr]


def along(expression: sp.Expr, direction: Direction) -> sp.Expr:
    """Let $v$ be a vector field: the derivative $D_v f$, with $v$ given entry by entry as direction(name, indices).

    >>> x = Variable("x", (sp.Symbol("N", integer=True, positive=True),), "parameter", "positive")
    >>> i = index("i")
    >>> along(sp.log(x[i]), lambda name, entries: sp.Symbol("v"))
    v/x[i]
    """
    match expression:
        case sp.Indexed():
            return direction(expression.base.name, expression.indices)
        case sp.Symbol():
            return direction(expression.name, ())
        case sp.Number() | sp.NumberSymbol():
            return sp.S.Zero
        case sp.Add():
            return sp.Add(*(along(arg, direction) for arg in expression.args))
        case sp.Mul():
            changes = [along(arg, direction) for arg in expression.args]
            return sp.Add(
                *(change * sp.Mul(*(other for m, other in enumerate(expression.args) if m != n)) for n, change in enumerate(changes) if change != 0)
            )
        case sp.Sum():
            inner = along(expression.function, direction)
            return sp.S.Zero if inner == 0 else sp.Sum(inner, *expression.limits)
        case sp.exp():
            return expression * along(expression.exp, direction)
        case sp.Pow():
            if along(expression.exp, direction) != 0:
                return expression * along(expression.exp * sp.log(expression.base), direction)
            change = along(expression.base, direction)
            return expression.exp * expression.base ** (expression.exp - 1) * change
        case sp.Integral():
            ((variable, lower, upper),) = expression.limits
            if along(lower, direction) != 0 or along(expression.function, direction) != 0:
                raise NotImplementedError("an integral whose lower limit or integrand moves")
            return expression.function.xreplace({variable: upper}) * along(upper, direction)
        case sp.Abs():
            return expression / expression.args[0] * along(expression.args[0], direction)
        case sp.Function() if len(expression.args) == 1:
            change = along(expression.args[0], direction)
            return sp.S.Zero if change == 0 else expression.fdiff(1) * change
    raise NotImplementedError(f"the derivative of {expression}")


@dataclass(frozen=True)
class Summand:
    """The sum over the bound indices of a product without sums at its top level."""

    bound: Indices
    factors: tuple[sp.Expr, ...]


def summands(expression: sp.Expr) -> list[Summand]:
    """The expression as a list of sums of products, every bound index with a name of its own."""
    taken = set(expression.free_symbols)

    def split(node: sp.Expr) -> list[Summand]:
        if isinstance(node, sp.Add):
            return [piece for arg in node.args for piece in split(arg)]
        if isinstance(node, sp.Sum):
            pieces = split(node.function)
            for name, lower, upper in node.limits:
                if lower != 0:
                    raise NotImplementedError("a sum that does not start at 0")
                pieces = [_bind(piece, name, upper + 1, taken) for piece in pieces]
            return pieces
        if isinstance(node, sp.Pow) and node.has(sp.Sum) and node.exp.is_Integer and node.exp > 0:
            return _product([split(node.base)] * int(node.exp), taken)
        if isinstance(node, sp.Mul):
            return _product([split(arg) for arg in node.args], taken)
        if isinstance(node, sp.Pow) and isinstance(node.base, sp.Add) and node.exp.is_Integer and 0 < node.exp < 9:
            return split(sp.expand(node)) if not node.has(sp.Sum) else _product([split(node.base)] * int(node.exp), taken)
        powers = sp.expand_power_base(node)
        return [Summand((), tuple(sp.Mul.make_args(powers)))]

    return split(expression)


def _bind(piece: Summand, name: sp.Symbol, length: sp.Expr, taken: set[sp.Symbol]) -> Summand:
    new = index(f"{name.name}_{len(taken)}")
    taken.add(new)
    return Summand(((new, length), *piece.bound), tuple(_renamed(factor, {name: new}) for factor in piece.factors))


def _renamed(factor: sp.Expr, names: dict[sp.Symbol, sp.Symbol]) -> sp.Expr:
    """The factor with free indices renamed; sums inside it that bind one of the names concerned get out of the way first."""
    return away_from(factor, set(names) | set(names.values())).xreplace(names)


def _product(parts: list[list[Summand]], taken: set[sp.Symbol]) -> list[Summand]:
    product = [Summand((), ())]
    for part in parts:
        product = [_join(left, right, taken) for left in product for right in part]
    return product


def _join(left: Summand, right: Summand, taken: set[sp.Symbol]) -> Summand:
    names = {}
    for name, _ in right.bound:
        if any(name == other for other, _ in left.bound):
            names[name] = index(f"{name.name}_{len(taken)}")
            taken.add(names[name])
    bound = tuple((names.get(name, name), length) for name, length in right.bound)
    return Summand((*left.bound, *bound), (*left.factors, *(_renamed(factor, names) for factor in right.factors)))


def assemble(piece: Summand, avoid: Iterable[sp.Symbol] = ()) -> sp.Expr:
    """The summand as one expression: factors without a bound index in front, independent sums side by side, usual letters for the indices."""
    product = sp.powsimp(sp.expand_power_base(sp.Mul(*piece.factors)), combine="exp")
    factors = [sp.powsimp(factor, combine="exp") for factor in sp.Mul.make_args(product)]
    bound = dict(piece.bound)
    outside = [factor for factor in factors if not factor.free_symbols & set(bound)]
    groups: list[tuple[set[sp.Symbol], list[sp.Expr]]] = []
    for factor in (factor for factor in factors if factor.free_symbols & set(bound)):
        names, members = factor.free_symbols & set(bound), [factor]
        for group in [g for g in groups if g[0] & names]:
            groups.remove(group)
            names, members = names | group[0], group[1] + members
        groups.append((names, members))
    result = sp.Mul(*outside)
    for name, length in bound.items():
        if not any(name in names for names, _ in groups):
            result *= length
    taken = set(avoid) | set().union(*(factor.free_symbols for factor in factors)) - set(bound)
    for names, members in sorted(groups, key=lambda group: sp.default_sort_key(sp.Mul(*group[1]))):
        letters: dict[sp.Symbol, sp.Symbol] = {}
        for name in bound:
            if name in names:
                letters[name] = fresh(name, taken | set(letters.values()))
        body = _renamed(sp.Mul(*members), letters)
        result *= total(body, *((letters[name], bound[name]) for name in bound if name in names))
    return result


def tidy(expression: sp.Expr, *, avoid: Iterable[sp.Symbol] = ()) -> sp.Expr:
    """The expression with its sums taken apart, like terms collected, and common factors in front."""
    pieces = [assemble(piece, avoid) for piece in summands(sp.expand_power_base(expression))]
    return sp.powsimp(sp.factor_terms(sp.Add(*pieces)), combine="exp")


def gradient(potential: sp.Expr, variable: Variable, indices: Indices) -> Family:
    """Let $f$ be an expression: the family $\\partial f/\\partial v_{i\\ldots}$ with the given names of the indices.

    Raises `NotImplementedError` where an entry of $v$ is named by a number, which would need a Kronecker symbol.
    """
    mark = Variable(f"d_{variable.name}", variable.shape, "parameter")
    change = along(potential, lambda name, entries: mark[entries] if name == variable.name else sp.S.Zero)
    parts = []
    own = [name for name, _ in indices]
    for piece in summands(sp.expand(change, power_base=False, power_exp=False, log=False, multinomial=True)) if change != 0 else ():
        marks = [factor for factor in piece.factors if _is_mark(factor, mark)]
        if len(marks) != 1:
            raise NotImplementedError(f"the derivative by {variable.name} of {potential}")
        entries = marks[0].indices if mark.shape else ()
        if len(set(entries)) != len(entries) or any(entry not in dict(piece.bound) for entry in entries):
            told = f"the model names an entry of {variable.name} by a number, or takes its diagonal: the gradient is not uniform in the index"
            raise NotImplementedError(told)
        rest = tuple(factor for factor in piece.factors if factor is not marks[0])
        names = dict(zip(entries, own, strict=True))
        bound = tuple((name, length) for name, length in piece.bound if name not in names)
        parts.append(assemble(Summand(bound, tuple(_renamed(factor, names) for factor in rest)), own))
    return Family(indices, sp.powsimp(sp.factor_terms(sp.Add(*parts)), combine="exp"))


def _is_mark(factor: sp.Expr, mark: Variable) -> bool:
    return factor == mark.symbol if not mark.shape else isinstance(factor, sp.Indexed) and factor.base == mark.symbol
