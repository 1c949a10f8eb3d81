"""Cofactors for the kernel: a polynomial written as a combination of given ones, if it lies in their ideal.

Let p and g_1, ..., g_m be polynomials over Q. `divide` finds c_1, ..., c_m and r with p = sum c_k g_k + r, where no term of r is divisible by a
leading term of the g_k, or, if r != 0 then, of a Groebner basis as far as the budget goes (Buchberger; Cox, Little, O'Shea, section 2.7).
Nothing here is trusted: the kernel multiplies out what it is given.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from flint import Ordering, fmpq_mpoly, fmpq_mpoly_ctx

from .kernel.instance import Key, residual
from .kernel.language import Rejected, Statement

Row = dict[int, fmpq_mpoly]


def _reduce(p: fmpq_mpoly, basis: Sequence[fmpq_mpoly]) -> tuple[Row, fmpq_mpoly]:
    """Quotients by the basis and a remainder with no term divisible by a leading term; each round lowers terms, so the rounds end."""
    quotients: Row = {}
    moved = True
    while moved and not p.is_zero():
        moved = False
        for k, g in enumerate(basis):
            q, p = divmod(p, g)
            if not q.is_zero():
                quotients[k] = quotients[k] + q if k in quotients else q
                moved = True
    return quotients, p


def _combine(quotients: Row, rows: Sequence[Row]) -> Row:
    """sum over k of quotient_k * row_k: what quotients by the basis are as quotients by the divisors."""
    total: Row = {}
    for k, q in quotients.items():
        for n, c in rows[k].items():
            total[n] = total[n] + q * c if n in total else q * c
    return total


def _pair(f: fmpq_mpoly, g: fmpq_mpoly) -> tuple[fmpq_mpoly, fmpq_mpoly] | None:
    """(s, t) with s f - t g free of both leading terms, or nothing if those are coprime and the pair is known to reduce to zero."""
    a, b = f.monomial(0), g.monomial(0)
    top = tuple(map(max, a, b))
    if all(x + y == z for x, y, z in zip(a, b, top, strict=True)):
        return None
    term = f.context().term
    return (
        term(1 / f.leading_coefficient(), [z - x for x, z in zip(a, top, strict=True)]),
        term(1 / g.leading_coefficient(), [z - y for y, z in zip(b, top, strict=True)]),
    )


def divide(p: fmpq_mpoly, divisors: Sequence[fmpq_mpoly], *, pairs: int = 300, seconds: float = 20) -> tuple[list[fmpq_mpoly], fmpq_mpoly]:
    """(cofactors, remainder) with p = sum cofactor * divisor + remainder; the remainder is zero if p was found to lie in the ideal.

    At most `pairs` pairs of the growing basis are looked at, those of low degree first, for about `seconds` seconds.
    """
    deadline = time.monotonic() + seconds
    context = p.context()
    basis = [g for g in divisors if not g.is_zero()]
    rows: list[Row] = [{n: context.constant(1)} for n, g in enumerate(divisors) if not g.is_zero()]
    quotients, rest = _reduce(p, basis)
    found = _combine(quotients, rows)
    waiting = [(j, k) for k in range(len(basis)) for j in range(k)]
    for _ in range(pairs):
        if rest.is_zero() or not waiting or time.monotonic() > deadline:
            break
        waiting.sort(key=lambda pair: sum(map(max, basis[pair[0]].monomial(0), basis[pair[1]].monomial(0))), reverse=True)
        j, k = waiting.pop()
        if (sides := _pair(basis[j], basis[k])) is None:
            continue
        s, t = sides
        steps, new = _reduce(s * basis[j] - t * basis[k], basis)
        if new.is_zero():
            continue
        rows.append(_combine({n: -q for n, q in steps.items()} | {len(rows): context.constant(1)}, [*rows, _combine({j: s, k: -t}, rows)]))
        basis.append(new)
        waiting += [(n, len(basis) - 1) for n in range(len(basis) - 1)]
        quotients, rest = _reduce(rest, basis)
        for n, c in _combine(quotients, rows).items():
            found[n] = found[n] + c if n in found else c
    return [found.get(n, context.constant(0)) for n in range(len(divisors))], rest


def write_polynomial(p: fmpq_mpoly) -> list[Any]:
    """[["-3/2", {"u[0]": 2, "r": 1}], ...], as the kernel reads it."""
    names = p.context().names()
    return [[str(q), {name: int(e) for name, e in zip(names, exponents, strict=True) if e}] for exponents, q in p.terms()]


def _members(ideal: Mapping[Key, fmpq_mpoly], context: fmpq_mpoly_ctx) -> list[fmpq_mpoly]:
    return [member.project_to_context(context) for member in ideal.values()]


def certify(statement: Statement, instance: Any, *, pairs: int = 300) -> dict[str, Any]:
    """A certificate for `check_instance`, or `Rejected` with the entry that could not be brought into the ideal.

    The ring's own lexical order is tried by division alone, then the graded order with a Groebner basis.
    """
    target = residual(statement, instance)
    keys = [[number, list(rest) if isinstance(rest, tuple) else rest] for number, rest in target.ideal]
    orders = [(target.ring.context, 0), (fmpq_mpoly_ctx.from_context(target.ring.context, ordering=Ordering.degrevlex), pairs)]
    table = []
    for entry, fraction in target.entries.items():
        for context, budget in orders:
            cofactors, rest = divide(fraction.num.project_to_context(context), _members(target.ideal, context), pairs=budget)
            if rest.is_zero():
                break
        else:
            raise Rejected(f"the residual of entry {list(entry)} leaves {target.ring.text(rest)[:200]} after {pairs} pairs")
        table.append([{"of": key, "times": write_polynomial(c)} for key, c in zip(keys, cofactors, strict=True) if not c.is_zero()])
    return {"instance": instance, "cofactors": table}
