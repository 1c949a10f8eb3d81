"""The search for cofactors: which multiples of the hypotheses make up a residual.

Nothing here is trusted. Each hypothesis is read as a rewriting rule, its largest sum to the rest (sum_i A[k,i] z[i] to 0, sum_i u[i]^2 to 1);
what each rewriting multiplies it by is written down, and the kernel checks that the residual is the sum of these multiples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flint import fmpq

from .kernel.all_sizes import Residual
from .kernel.index import Algebra, Atom, Exponent, Poly, Term, subtract
from .kernel.language import Index, Size, Statement

MOST_REWRITINGS = 400


@dataclass(frozen=True)
class Match:
    """A place where a hypothesis applies: its indices there, and what multiplies it."""

    at: Mapping[str, Index]
    bound: tuple[tuple[str, Size], ...]
    times: Poly


def search(statement: Statement, found: Residual) -> tuple[list[dict[str, Any]], Poly]:
    """The cofactors as the certificate gives them, and what is left of the residual."""
    algebra, rest = found.algebra, found.poly
    written: list[dict[str, Any]] = []
    for _ in range(MOST_REWRITINGS):
        step = next(_matches(statement, algebra, rest, found.hypotheses), None) if rest else None
        if step is None:
            break
        number, match = step
        product = algebra.multiply(match.times, algebra.rename(found.hypotheses[number], dict(match.at)))
        rest = algebra.cleared(subtract(rest, algebra.closed(match.bound, product)))
        names = {name: f"b{n}_" for n, (name, _) in enumerate(match.bound)}
        at = {name: names.get(entry, entry) if isinstance(entry, str) else entry for name, entry in match.at.items()}
        written.append(
            {
                "hypothesis": number,
                "at": at,
                "bound": [[names[name], size] for name, size in match.bound],
                "times": poly_tree(algebra, algebra.rename(match.times, dict(names))),
            }
        )
    return written, rest


def _matches(statement: Statement, algebra: Algebra, poly: Poly, hypotheses: tuple[Poly, ...]) -> Iterator[tuple[int, Match]]:
    for number, hypothesis in enumerate(hypotheses):
        if not hypothesis:
            continue
        lead = max(hypothesis.terms, key=lambda term: (len(term.bound), len(term.factors), term.key))
        free = dict(statement.hypotheses[number].indices)
        for term, coefficient in poly.terms.items():
            bound, factors, power = algebra.opened(term)
            pattern_bound, pattern, _ = algebra.opened(lead)
            if lead.power:
                continue
            sizes = dict(pattern_bound)
            for names in _unify(list(pattern.items()), factors, {**free, **sizes}, {}, set(sizes)):
                eaten = {names[name] for name in sizes}
                if len(eaten) != len(sizes) or not eaten <= {name for name, _ in bound}:
                    continue
                rest = dict(factors)
                for atom, exponent in pattern.items():
                    target = algebra.rename_atom(atom, names)
                    if target in rest:
                        left = rest.pop(target) - exponent  # type: ignore[operator]
                        if left != fmpq(0):
                            rest[target] = left
                text = " ".join(atom.key for atom in rest) + (power.key if power else "")
                if any(f"{name}]" in text or f"{name}," in text for name in eaten if isinstance(name, str)) or set(free) - set(names):
                    continue
                times = algebra.canonical((), rest, power, coefficient / hypothesis.terms[lead])
                outer = tuple((name, size) for name, size in bound if name not in eaten)
                yield number, Match({name: names[name] for name in free}, outer, times)


def _unify(
    pattern: list[tuple[Atom, Exponent]],
    factors: Mapping[Atom, Exponent],
    sizes: Mapping[str, Size],
    names: dict[str, Index],
    consumed: set[str],
) -> Iterator[dict[str, Index]]:
    """Every way to send the pattern's indices to indices of the factors so that each atom of the pattern is among them."""
    if not pattern:
        yield names
        return
    (atom, exponent), *rest = pattern
    for target, power in factors.items():
        if target.kind != "entry" or atom.kind != "entry" or target.name != atom.name or isinstance(power, Poly) or isinstance(exponent, Poly):
            continue
        exact = any(entry in consumed for entry in atom.indices)
        if (exact and power != exponent) or not power >= exponent > 0:
            continue
        trial, fits = dict(names), True
        for own, given in zip(atom.indices, target.indices, strict=True):
            fits = fits and (own if isinstance(own, int) or own not in sizes else trial.setdefault(own, given)) == given
        if fits:
            yield from _unify(rest, factors, sizes, trial, consumed)


def poly_tree(algebra: Algebra, poly: Poly) -> Any:
    """An index polynomial in the language of statements."""
    return ["+", *(_term_tree(algebra, term, coefficient) for term, coefficient in poly.terms.items())]


def _term_tree(algebra: Algebra, term: Term, coefficient: fmpq) -> Any:
    bound, factors, power = algebra.opened(term)
    names: dict[str, Index] = {name: f"c{name[1:]}_" for name, _ in bound}
    parts: list[Any] = [_number(coefficient)]
    for atom, exponent in factors.items():
        base = _atom_tree(algebra, algebra.rename_atom(atom, names))
        parts.append(base if exponent == fmpq(1) else ["^", base, poly_tree(algebra, exponent) if isinstance(exponent, Poly) else _number(exponent)])
    if power:
        parts.append(["exp", poly_tree(algebra, algebra.rename(power, names))])
    body: Any = ["*", *parts]
    for name, size in bound:
        body = ["sum", names[name], size, body]
    return body


def _atom_tree(algebra: Algebra, atom: Atom) -> Any:
    match atom.kind:
        case "entry":
            return ["at", atom.name, *atom.indices] if atom.indices else atom.name
        case "prime":
            return int(atom.name)
        case "base":
            return poly_tree(algebra, atom.inside[0])
        case "integral":
            raise NotImplementedError("a cofactor with an integral in it")
    return [atom.kind, poly_tree(algebra, atom.inside[0])]


def _number(value: fmpq) -> Any:
    return int(value.p) if value.q == 1 else ["/", int(value.p), int(value.q)]
