"""Inequalities between numbers of which some are known by where flows end.

The statement is an inequality between constants, without a flow. Some of its constants are given as rationals, the others by certificates of the kind
`limit`: a vector of N entries is the limit x, a scalar is the magnification rho or the rate in the end. All of these are evaluated in balls.
"""

from __future__ import annotations

from typing import Final

from flint import arb, fmpq

from .graph import read_places
from .instance import read_sizes
from .language import AtMost, Equal, Json, Rejected, Statement
from .limit import Ending, ending
from .points import Place, Value, precision, sides_at

NONE = "the certificate does not say what {} is there"
WORDS: Final = {"x": "the limit", "rho": "the magnification", "rate": "the rate in the end"}


def check_at_limit(statement: Statement, certificate: Json) -> tuple[bool, str]:
    """Whether the inequality holds or fails, as the certificate claims, and what else was established."""
    claim, holds = statement.claim, certificate["holds"]
    if not isinstance(claim, AtMost) or not isinstance(claim.sides, Equal) or claim.where or statement.flow is not None or statement.hypotheses:
        raise Rejected("at limits, inequalities between constants are read: without a flow, hypotheses or conditions")
    if not isinstance(holds, bool):
        raise Rejected(f"holds = {holds!r} is neither true nor false")
    sizes, ends, given = read_sizes(statement, certificate["sizes"]), certificate["ends"], certificate["values"]
    if set(given) | set(ends) != set(statement.symbols) or set(given) & set(ends):
        raise Rejected(f"values of {sorted(given)} and ends for {sorted(ends)} are given, and the statement has {sorted(statement.symbols)}")
    if any(symbol.role != "constant" for symbol in statement.symbols.values()):
        raise Rejected("at limits all symbols are constants")
    values: dict[Place, Value] = {**read_places(statement, given, sizes)}
    told = []
    with precision(certificate["bits"]):
        for name, node in ends.items():
            found = ending(node["certificate"])
            told.append(f"{name} is {WORDS.get(node['of'])} of this flow: {found.text}")
            for entry, value in _entries(name, found, node["of"], statement, sizes):
                sign = statement.symbols[name].sign
                if sign == "nonzero":
                    raise Rejected(f"{name} is declared to be other than 0; say 'positive' or 'real'")
                if not (value > 0 or (sign == "nonnegative" and value >= 0) or sign == "real"):
                    raise Rejected(f"{name}{list(entry)} is not certainly {sign}")
                values[name, entry] = value
        pairs = sides_at(statement, claim.sides, sizes, values)
        if holds:
            wrong = next(((k, a, b) for k, (a, b) in enumerate(pairs) if not (a < b if claim.strict else a <= b)), None)
        else:
            wrong = None if any(b <= a if claim.strict else b < a for a, b in pairs) else (0, *pairs[0])
        if wrong is not None:
            _, left, right = wrong
            raise Rejected(f"the two sides are {_short(left)} and {_short(right)}: {'at most' if holds else 'more than'} is not certain")
        told.insert(0, "; ".join(f"{_short(a)} against {_short(b)}" for a, b in pairs[:4]))
    return holds, ". ".join(told)


def _entries(name: str, found: Ending, of: Json, statement: Statement, sizes: Json) -> list[tuple[tuple[int, ...], arb]]:
    """The balls of a constant, entry by entry."""
    shape = tuple(size if isinstance(size, int) else sizes[size] for size in statement.symbols[name].shape)
    if of == "x":
        if found.x is None:
            raise Rejected(NONE.format("x"))
        if shape != (len(found.x),):
            raise Rejected(f"{name} has the shape {list(shape)}, and the limit has {len(found.x)} entries")
        return [((k,), value) for k, value in enumerate(found.x)]
    if of not in ("rho", "rate") or shape:
        raise Rejected(f"{of!r} is not the limit 'x' of a vector, nor 'rho' or 'rate' of a scalar")
    value = found.rho if of == "rho" else found.rate
    if value is None:
        raise Rejected(NONE.format(of))
    return [((), value)]


def _short(value: Value) -> str:
    return str(value) if isinstance(value, fmpq) else str(value.str(12, radius=False))
