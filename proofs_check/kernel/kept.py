"""What a solution keeps: spheres, and conserved quantities with certificates of their own, as nodes of the graph of the flow that is enclosed.

Let h be conserved along x' = f(x), and let f_ext = f - (h(x) - h(x(0))) b with any vector b. The solution x of x' = f(x) solves x' = f_ext(x) too, as
long as it stays where h is proved to be conserved, and where the signs that the proof assumes hold: the second term vanishes along it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flint import fmpq

from .all_sizes import conditions_of
from .graph import Graph, Place
from .index import Poly, free_indices, tree_of
from .instance import Entry, entries, proved_at_instance, read_value
from .language import Family, Json, Rejected, Statement
from .laws import read_law

AT_START: Final = "the value at the start"  # no name of a symbol: it has spaces


@dataclass(frozen=True)
class Kept:
    """Nodes that keep their values where others are positive, or not zero."""

    nodes: tuple[int, ...] = ()
    laws: bool = False  # whether there is more than spheres
    positive: tuple[int, ...] = ()
    nonzero: tuple[int, ...] = ()

    def value_at_start(self, k: int) -> Place:
        """The constant that stands for the value of the quantity k."""
        return AT_START, (k,)


def read_kept(stated: Json, laws: Json, graph: Graph, ranges: Sequence[Place]) -> Kept:
    """|u|^2 for each sphere of the flow, then the laws, each for all of its entries and all choices of its own constants.

    The constants in `ranges` have no fixed value. Raises `Rejected` for a law of another flow, or one that is not proved for these constants.
    """
    flow = graph.statement.flow
    assert flow is not None
    nodes: list[int] = []
    positive: list[int] = []
    nonzero: list[int] = []
    for group in flow.spheres:
        blocks = [(name, entry) for name in group for entry in entries(graph.statement.symbols[name].shape, graph.sizes)]
        nodes.append(graph.total([graph.power(graph.place(*place), fmpq(2)) for place in blocks]))
    for law in laws:
        certificate = law["certificate"]
        statement, claim = read_law(stated, certificate)
        conditions = _proved(statement, certificate, graph, ranges)
        for choice in law["values"]:
            own = _with(graph, statement, choice)
            for family in statement.hypotheses[: len(certificate["statement"]["hypotheses"])]:
                if any(own.rational(node) != 0 for node in _nodes(own, family)):
                    raise Rejected("a hypothesis of a law does not certainly hold for the constants given")
            for text, poly in conditions.items():
                found = _nodes(own, Family(tuple(free_indices(poly, statement).items()), tree_of(poly)))
                (nonzero if text.endswith("!= 0") else positive).extend(found)
            nodes += _nodes(own, Family(claim.indices, claim.quantity))
    return Kept(tuple(nodes), bool(laws), tuple(positive), tuple(nonzero))


def _proved(statement: Statement, certificate: Json, graph: Graph, ranges: Sequence[Place]) -> Mapping[str, Poly]:
    """The conditions under which an accepted law holds."""
    if certificate["kind"] == "all-sizes":
        conditions = conditions_of(statement, certificate)
        found = {text: poly for text, poly in conditions.items() if poly is not None}
        if len(found) < len(conditions):
            raise Rejected("a law holds under a condition that cannot be checked along a tube")
        return found
    if certificate["kind"] != "instance" or dict(certificate["instance"]["sizes"]) != dict(graph.sizes):
        raise Rejected("a law is proved neither for all sizes nor at those of the enclosure")
    for name, value in certificate["instance"]["values"].items():
        fixed = {(name, entry): q for entry, q in read_value(statement, name, value, graph.sizes).items()}
        if any(place in ranges or graph.values.get(place) != q for place, q in fixed.items()):
            raise Rejected(f"a law is proved for another {name} than that of the enclosure")
    if proved_at_instance(statement, certificate).conditions:
        raise Rejected("a law is proved at explicit sizes under conditions, and these are not checked along a tube")
    return {}


def _with(graph: Graph, statement: Statement, choice: Json) -> Graph:
    """The graph as one of the law's statement, with the law's own constants."""
    own: dict[Place, fmpq] = {}
    for name, value in choice.items():
        if name in graph.statement.symbols or name not in statement.symbols:
            raise Rejected(f"a law may choose its own constants only, and {name} is none")
        own |= {(name, entry): q for entry, q in read_value(statement, name, value, graph.sizes).items()}
    return Graph(statement, graph.sizes, {**graph.values, **own}, graph.nodes, graph.known)


def _nodes(graph: Graph, family: Family) -> list[int]:
    """The nodes of all entries of a family."""
    chosen: list[Entry] = entries((size for _, size in family.indices), graph.sizes)
    return [graph.family(family, entry) for entry in chosen]
