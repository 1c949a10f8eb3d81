"""One door for all kinds of certificates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from .all_sizes import check_all_sizes
from .at_limit import check_at_limit
from .bisection import check_bisection
from .enclosure import check_enclosure
from .instance import check_instance
from .language import AtMost, Equal, Evolves, Json, Rejected, Statement, read_statement, refusing
from .limit import check_ends, check_limit
from .nonnegative import check_inequality, check_violation
from .points import check_counterexample
from .rank import check_count
from .settle import check_settle

FORMAT: Final = "polarflow.certificate/1"
KINDS: Final = (
    "all-sizes",
    "instance",
    "counterexample",
    "count",
    "inequality",
    "bisection",
    "enclosure",
    "settle",
    "limit",
    "ends",
    "at-limit",
)
_IN_WORDS: Final = {"count": check_count, "limit": check_limit, "ends": check_ends, "settle": check_settle}
_UNDER_CONDITIONS: Final = {"all-sizes": check_all_sizes, "instance": check_instance, "inequality": check_inequality}


@dataclass(frozen=True)
class Accepted:
    """What the kernel established, in words, and the conditions under which the statement is defined."""

    outcome: Literal["proved", "refuted"]
    text: str
    conditions: tuple[str, ...] = ()


@refusing("the certificate is not well formed")
def check(certificate: Json) -> Accepted:
    """What the certificate establishes; `Rejected` when it does not establish anything."""
    if certificate["format"] != FORMAT:
        raise Rejected(f"the certificate has the format {certificate['format']!r}, and this kernel reads {FORMAT!r}")
    kind = certificate["kind"]
    if kind in _IN_WORDS:
        return Accepted("proved", _IN_WORDS[kind](certificate))
    statement = read_statement(certificate["statement"])
    if kind in _UNDER_CONDITIONS:
        conditions = _UNDER_CONDITIONS[kind](statement, certificate)
        instance = None if kind == "all-sizes" else certificate.get("instance")
        return Accepted("proved", f"{_words(statement)}, {_where(statement, instance)}", tuple(conditions))
    match kind:
        case "bisection":
            cells = check_bisection(statement, certificate)
            return Accepted("proved", f"{_words(statement)}, {_where(statement, certificate['instance'])}, on {cells} cells that make up the box")
        case "counterexample" if isinstance(statement.claim, AtMost):
            entry, excess = check_violation(statement, certificate)
            at = f" at the entry {list(entry)}" if entry else ""
            return Accepted("refuted", f"at the point given the left side less the right one{at} is {excess}")
        case "counterexample":
            entry, ball, rational = check_counterexample(statement, certificate)
            at = f" at the entry {list(entry)}" if entry else ""
            return Accepted("refuted", f"at the point given the difference of the two sides{at} is {rational or ball}, not 0")
        case "enclosure":
            return Accepted("proved", check_enclosure(statement, certificate))
        case "at-limit":
            holds, found = check_at_limit(statement, certificate)
            told = _words(statement) if holds else f"it is not so that in every entry {_words(statement)}"
            return Accepted("proved" if holds else "refuted", f"{told}: {found}")
    raise Rejected(f"{kind!r} is not a kind of certificate this kernel knows: {', '.join(KINDS)} are")


def _words(statement: Statement) -> str:
    if isinstance(statement.claim, Evolves):
        return "the rate of change along the flow is as stated"
    if isinstance(statement.claim, AtMost):
        side = "rate of change along the flow" if isinstance(statement.claim.sides, Evolves) else "left side"
        told = f"the {side} is {'less than' if statement.claim.strict else 'at most'} the right side"
        return f"{told}, where {' and '.join(statement.claim.where)} >= 0" if statement.claim.where else told
    return "the two sides are equal" if isinstance(statement.claim, Equal) else "the gradient is as stated"


def _where(statement: Statement, instance: Json) -> str:
    """For which sizes: all, or those of an instance that was checked."""
    if instance is None:
        return f"for all {', '.join(statement.sizes)}" if statement.sizes else "as it stands"
    values = ", ".join(f"{name} = {value}" for name, value in [*instance["sizes"].items(), *instance["values"].items()])
    return f"at {values or 'the sizes given'}"
