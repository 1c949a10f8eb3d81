"""Formulas for people: in the grammar of theory files for the terminal, in LaTeX for everything typeset."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

import sympy as sp
from sympy.printing.latex import LatexPrinter
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


class _Latex(LatexPrinter):
    def _print_Sum(self, node: sp.Sum) -> str:
        signs = "".join(rf"\sum_{{{limit[0].name}}} " for limit in reversed(node.limits))
        body = self._print(node.function)
        return signs + (rf"\left({body}\right)" if isinstance(node.function, sp.Add) else body)

    def _print_TimeDerivative(self, node: sp.Expr) -> str:
        inner = node.args[0]
        if isinstance(inner, sp.Indexed):
            indices = ",".join(self._print(i) for i in inner.indices)
            return rf"\dot{{{self._print(inner.base)}}}_{{{indices}}}"
        if isinstance(inner, sp.Symbol):
            return rf"\dot{{{self._print(inner)}}}"
        return rf"\frac{{d}}{{dt}}\left({self._print(inner)}\right)"

    def _print_Derivative(self, node: sp.Derivative) -> str:
        return rf"\frac{{\partial {self._print(node.expr)}}}{{\partial {self._print(node.variables[0])}}}"

    def _print_Indexed(self, node: sp.Indexed) -> str:
        name = self._print(node.base)
        name = f"({name})" if "_" in name or "^" in name else name  # a second subscript needs something to stand on
        return rf"{name}_{{{','.join(self._print(i) for i in node.indices)}}}"


def text(expression: sp.Basic) -> str:
    """The expression as it may be written in a theory file.

    >>> from theory.symbols import Variable, index, size, total
    >>> u, i = Variable("u", (size("N"),)), index("i")
    >>> text(total(u[i] ** 2, (i, size("N"))))
    'sum(i, u[i]**2)'
    """
    return str(_Text().doprint(expression))


def latex(expression: sp.Basic) -> str:
    """The expression in LaTeX, with sums over named indices and dots for derivatives in time."""
    return str(_Latex().doprint(expression))


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


def formula_latex(assertion: Assertion) -> str:
    """An assertion in LaTeX."""
    match assertion:
        case Evolves(quantity, rate, _):
            return rf"\frac{{d}}{{dt}}\left[{latex(quantity)}\right] = {latex(rate)}"
        case Equal(left, right, _):
            return f"{latex(left)} = {latex(right)}"
        case Gradient(of, by, value, indices):
            entry = by[tuple(i for i, _ in indices)]
            return rf"\frac{{\partial}}{{\partial {latex(entry)}}}\left[{latex(of)}\right] = {latex(value)}"
        case Complete(count, laws):
            return rf"\#\,\text{{laws}} = {count}:\quad " + r",\; ".join(latex(law.value) for law in laws)
        case AtMost(left, right, _, strict, where):
            relation, met = "<" if strict else r"\le", r",\; ".join(rf"{latex(condition.family.value)} \ge 0" for condition in where)
            return f"{latex(left)} {relation} {latex(right)}" + (rf"\quad\text{{where}}\; {met}" if met else "")
        case AtLimit(holds, ends, _):
            return formula_latex(holds) + rf"\quad\text{{where {'; '.join(f'${latex(sp.Symbol(n))}$ is {_ending(end)}' for n, end in ends.items())}}}"
        case Observed(quantity, times, values, _):
            seen = r",\; ".join(rf"{_decimal(value)}\ (t = {time})" for time, value in zip(times, values, strict=True))
            return rf"{latex(quantity)} \approx {seen}"
        case Order(quantity, rule, _, _, until, order):
            return rf"{latex(quantity)}\Big|_0^{{{until}}} \sim C h^{{{order}}}\quad\text{{in {rule} steps of length }} h"


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
    """
    labels = list(dict.fromkeys(re.findall(r"#[0-9]+\.[0-9]+", key)))
    names = dict(zip(labels, "abcdefgh", strict=False))
    lettered = re.sub(r"#[0-9]+\.[0-9]+", lambda match: names.get(match[0], match[0]), key)
    return re.sub(r"\+ -(1\*)?", "- ", lettered)


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
