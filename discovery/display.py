"""Laws as a person would write them: what changes here is again a law of the same flow, and has to be proved anew."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from math import gcd, lcm

import sympy as sp

MOST_FACTORS = 4  # under one logarithm
MOST_ROUNDS = 20


def normal_form(law: sp.Expr, known: Sequence[sp.Expr] = ()) -> sp.Expr:
    """Let a law and others of the same flow be given: a law that is the same up to functions of these, a factor and a constant, in a short form.

    Logarithms are taken apart into those of irreducible factors, without numeric factors. Where a known law is a product $\\prod f_k$, the sum of the
    $\\log f_k$ is a law too, and the least handy of them gives way to the others: $\\log(u - v)$ to $-\\log(u + v)$ when $u^2 - v^2$ is known. Known
    laws are subtracted where that leaves fewer terms. Coefficients are coprime integers if they are rational, and the first term as printed is
    positive; a few logarithms with the coefficients 1 and -1 become that of a quotient. A law in which nothing is left comes back as it was.
    """
    logs, rest = _parts(law)
    logs = _reduced(logs, [_parts(sp.log(h))[0] for h in _extended(known, law)])
    rest = _shortened(rest, known)
    terms = sp.Add.make_args(rest) if rest != 0 else ()
    factor = _scale([*logs.values(), *(term.as_coeff_Mul()[0] for term in terms)])
    if factor is None:
        return law
    logs, rest = {f: c * factor for f, c in logs.items()}, sp.Add(*(term * factor for term in terms))
    return -rest + _together({f: -c for f, c in logs.items()}) if _begins_with_minus(logs, rest) else rest + _together(logs)


def _begins_with_minus(logs: dict[sp.Expr, sp.Expr], rest: sp.Expr) -> bool:
    """Whether the first term printed is negative; of a lone logarithm of a quotient, whether its first factor is below."""
    if rest == 0 and _joined(logs):
        return bool(logs[min(logs, key=sp.default_sort_key)] < 0)
    return bool((rest + _together(logs)).as_ordered_terms()[0].could_extract_minus_sign())


def _parts(law: sp.Expr) -> tuple[dict[sp.Expr, sp.Expr], sp.Expr]:
    """The numeric coefficients of the logarithms of irreducible functions, and the other terms."""
    logs: dict[sp.Expr, sp.Expr] = {}
    rest = sp.S.Zero
    for term in sp.Add.make_args(sp.expand_mul(law, deep=False)):
        coefficient, function = term.as_independent(sp.log, as_Add=False)
        if isinstance(function, sp.log) and coefficient.is_number:
            for f, k in _factors(function.args[0]):
                logs[f] = logs.get(f, sp.S.Zero) + coefficient * k
        elif term.free_symbols:
            rest += term
    return {f: c for f, c in logs.items() if c != 0}, rest


def _factors(argument: sp.Expr) -> list[tuple[sp.Expr, sp.Expr]]:
    """(f, k) with the argument equal to the product of the f^k up to a number and to signs."""
    roots = sorted((node for node in argument.atoms(sp.Pow) if node.base.is_Rational and node.exp == sp.S.Half), key=sp.default_sort_key)
    inner = argument.replace(sp.Abs, lambda a: a)
    factored = sp.factor(inner, extension=roots) if roots and inner.is_polynomial() else sp.factor(inner)
    found = []
    for factor in sp.Mul.make_args(factored):
        base, k = factor.as_base_exp()
        if factor.func == sp.exp or not (base.free_symbols and k.is_number):
            base, k = factor, sp.S.One
        if base.free_symbols:
            found.append((_primitive(base), k))
    return found


def _primitive(f: sp.Expr) -> sp.Expr:
    """The multiple of a sum by a number that is shortest to write, its first term positive."""
    terms = sp.Add.make_args(sp.expand(f))
    numbers = {abs(term.as_independent(*term.free_symbols, as_Add=False)[0]) for term in terms}
    multiples = [sp.expand(sp.Add(*(sp.radsimp(term / number) for term in terms))) for number in numbers]
    multiples += [sp.primitive(sp.expand(f))[1]]
    best = min(multiples, key=lambda g: (sp.count_ops(g), _has_fractions(g), str(g)))
    return -best if best.as_ordered_terms()[0].could_extract_minus_sign() else best


def _has_fractions(f: sp.Expr) -> bool:
    return any(number.q != 1 for number in f.atoms(sp.Rational) if number != sp.S.Half)


def _extended(known: Sequence[sp.Expr], law: sp.Expr) -> list[sp.Expr]:
    """Known polynomials, factored over the roots that occur in the law."""
    roots = sorted((node for node in law.atoms(sp.Pow) if node.base.is_Rational and node.exp == sp.S.Half), key=sp.default_sort_key)
    return [sp.factor(h, extension=roots) if roots else sp.factor(h) for h in known if h.is_polynomial() and not h.has(sp.Sum)]


def _reduced(logs: dict[sp.Expr, sp.Expr], relations: Sequence[dict[sp.Expr, sp.Expr]]) -> dict[sp.Expr, sp.Expr]:
    """Logarithms modulo sums of logarithms that are laws: of each relation the least handy function is put out."""
    for relation in relations:
        if len(relation) > 1:
            worst = max(relation, key=_handiness)
            if worst in logs:
                times = logs[worst] / relation[worst]
                logs = {f: logs.get(f, sp.S.Zero) - times * relation.get(f, sp.S.Zero) for f in logs | relation}
    return {f: c for f, c in logs.items() if c != 0}


def _handiness(f: sp.Expr) -> tuple[bool, int, str]:
    return not f.is_positive, sp.count_ops(f), str(f)


def _shortened(rest: sp.Expr, known: Sequence[sp.Expr]) -> sp.Expr:
    """The sum less multiples of known laws, as long as there are fewer terms."""
    table = [h for h in known if not h.has(sp.log, sp.Sum) and len(sp.Add.make_args(sp.expand(h))) > 1]
    for _ in range(MOST_ROUNDS):
        terms = sp.expand(rest).as_coefficients_dict()
        for h in table:
            own = sp.expand(h).as_coefficients_dict()
            ways = (sp.expand(rest - terms[m] / own[m] * h) for m in islice((m for m in own if m in terms), MOST_FACTORS))
            shorter = next((way for way in ways if way != 0 and len(sp.Add.make_args(way)) < len(terms)), None)
            if shorter is not None:
                rest = shorter
                break
        else:
            return rest
    return rest


def _scale(numbers: Sequence[sp.Expr]) -> sp.Expr | None:
    """The factor that makes the numbers coprime integers; None where they are no numbers, or nothing is left."""
    if not numbers or any(not number.is_number for number in numbers):
        return None
    quotients = [sp.radsimp(number / numbers[0]) for number in numbers]
    if not all(quotient.is_Rational for quotient in quotients):
        return sp.S.One
    whole = sp.Rational(lcm(*(int(quotient.q) for quotient in quotients)), gcd(*(int(quotient.p) for quotient in quotients)))
    return whole / numbers[0]


def _joined(logs: dict[sp.Expr, sp.Expr]) -> bool:
    """Whether the logarithms are written as that of a quotient."""
    return 1 < len(logs) <= MOST_FACTORS and set(logs.values()) == {sp.S.One, sp.S.NegativeOne}


def _together(logs: dict[sp.Expr, sp.Expr]) -> sp.Expr:
    if _joined(logs):
        return _log(sp.Mul(*(f**c for f, c in logs.items())))
    return sp.Add(*(c * _log(f) for f, c in logs.items()))


def _log(f: sp.Expr) -> sp.Expr:
    """The logarithm, of the absolute value where the sign is not known."""
    return sp.log(f if f.is_positive else sp.Abs(f))
