"""Formulas for the terminal, in the grammar of theory files; `polarflow.formula` has them typeset."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

import sympy as sp
from sympy.printing.str import StrPrinter

from theory.statements import Assertion, AtLimit, AtMost, Complete, Ending, Equal, Evolves, Gradient, Observed, Order


class _Text(StrPrinter):
    def _print_Sum(self, node: sp.Sum) -> str:
        names = ", ".join(str(limit[0]) for limit in node.limits)
        return f"sum({names}, {self._print(node.function)})"

    def _print_Integral(self, node: sp.Integral) -> str:
        ((variable, lower, upper),) = node.limits
        return f"integral({variable} from {self._print(lower)} to {self._print(upper)}, {self._print(node.function)})"

    def _print_Abs(self, node: sp.Abs) -> str:
        return f"abs({self._print(node.args[0])})"

    def _print_TimeDerivative(self, node: sp.Expr) -> str:
        inner = self._print(node.args[0])
        return f"d/dt {inner}" if isinstance(node.args[0], sp.Symbol | sp.Indexed) else f"d/dt [{inner}]"

    def _print_Derivative(self, node: sp.Derivative) -> str:
        return f"d {self._print(node.expr)}/d {self._print(node.variables[0])}"


def text(expression: sp.Basic) -> str:
    """The expression as it may be written in a theory file.

    >>> from theory.symbols import Variable, index, size, total
    >>> u, i = Variable("u", (size("N"),)), index("i")
    >>> text(total(u[i] ** 2, (i, size("N"))))
    'sum(i, u[i]**2)'
    """
    return str(_Text().doprint(expression))


def formula(assertion: Assertion) -> str:
    """An assertion on one line."""
    match assertion:
        case Evolves(quantity, rate, indices):
            told = f"d/dt [{text(quantity)}] = {text(rate)}"
        case Equal(left, right, indices):
            told = f"{text(left)} = {text(right)}"
        case Gradient(of, by, value, indices):
            entry = f"{by.name}[{','.join(i.name for i, _ in indices)}]" if indices else by.name
            told = f"d [{text(of)}] / d {entry} = {text(value)}"
        case Complete(count, laws):
            return f"exactly {count} independent laws: {'; '.join(text(law.value) for law in laws)}"
        case AtMost(left, right, indices, strict, where):
            met = [f"{text(condition.family.value)} >= 0" for condition in where]
            told = f"{text(left)} {'<' if strict else '<='} {text(right)}"
            told += f"   where {', '.join(met)}" if met else ""
        case AtLimit(holds, ends, _):
            return f"{formula(holds)}   where {'; '.join(f'{name} is {_ending(end)}' for name, end in ends.items())}"
        case Observed(quantity, times, values, _):
            seen = ", ".join(f"{_decimal(value)} at t = {time}" for time, value in zip(times, values, strict=True))
            return f"{text(quantity)} is near {seen}"
        case Order(quantity, rule, first, halvings, until, order):
            steps = f"{rule} steps of length h, {first} halved {halvings} times, to t = {until}"
            return f"{text(quantity)} moves by about C*h{f'**{order}' if order > 1 else ''} in {steps}"
    return told + (f"   for all {', '.join(i.name for i, _ in indices)}" if indices else "")


def _ending(end: Ending) -> str:
    """What of which flow.

    >>> from fractions import Fraction as Q
    >>> _ending(Ending("x", ((Q(1), Q(2)),), (Q(1),), None, Q(2), {"w": (Q(1), Q(1, 2))}))
    'the limit of plain gradient flow, L = 2, A = [[1, 2]], y = [1], w = [1, 1/2]'
    """
    of = {"x": "the limit", "rho": "the magnification", "rate": "the rate in the end"}[end.of]
    flow = "plain gradient flow" if end.kappa is None else f"the polar flow, kappa = {end.kappa}"
    start = ", ".join(f"{name} = {_list(value)}" for name, value in end.start.items())
    return f"{of} of {flow}, L = {end.depth}, A = {_list(end.matrix)}, y = {_list(end.target)}, {start}"


def _list(value: object) -> str:
    return f"[{', '.join(map(_list, value))}]" if isinstance(value, tuple | list) else str(value)


def _decimal(value: Fraction) -> str:
    return f"{float(value):.10g}"


def condition(key: str) -> str:
    """A condition of the kernel with its numbered bound indices as letters.

    >>> condition("1 + -1*sum_#0.0<N v[#0.0]^2 > 0")
    '1 - sum_a<N v[a]^2 > 0'
    >>> condition("-1*x + log(sum_#0.0<N *exp(-1*xi[#0.0])) > 0")
    '-x + log(sum_a<N exp(-xi[a])) > 0'
    """
    labels = list(dict.fromkeys(re.findall(r"#[0-9]+\.[0-9]+", key)))
    names = dict(zip(labels, "abcdefgh", strict=False))
    lettered = re.sub(r"#[0-9]+\.[0-9]+", lambda match: names.get(match[0], match[0]), key)
    told = re.sub(r"\+ -(1\*)?", "- ", lettered)
    return re.sub(r"(^|[ (])\*exp\(", r"\1exp(", re.sub(r"(^|\()-1\*", r"\1-", told))


def essential(conditions: Sequence[str]) -> list[str]:
    """The conditions without those that say of an absolute value what another says of its argument.

    >>> essential(["u - 1 != 0", "abs(u - 1) > 0", "u > 0"])
    ['u - 1 != 0', 'u > 0']
    """
    nonzero = {line.removesuffix(" != 0") for line in conditions if line.endswith(" != 0")}
    said = {f"abs({inner}) {relation} 0" for inner in nonzero for relation in (">", "!=")}
    return [line for line in conditions if line not in said]


def kind(assertion: Assertion) -> str:
    """The kind of an assertion, as the ledger names it."""
    if isinstance(assertion, Evolves):
        return "Conserved" if assertion.rate == 0 else "Evolves"
    names: dict[type, str] = {
        Equal: "Identity",
        AtMost: "Inequality",
        Gradient: "Gradient",
        Complete: "Complete",
        AtLimit: "Limit",
        Observed: "Observed",
        Order: "Order",
    }
    return names[type(assertion)]
