"""The laws of a count: each is re-checked by its own certificate, and brings its gradients at the point where laws are counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from flint import arb, fmpq, fmpq_mpoly

from .all_sizes import conditions_of
from .graph import Graph, Place, read_places
from .index import Poly, free_indices, tree_of
from .instance import Entry, entries, entry_name, in_tower, proved_at_instance, read_sizes, read_value, value_at
from .language import Equal, Evolves, Family, Json, Number, Rejected, Statement, Tree, is_rational, read_statement
from .points import gradients_at, residual_at


@dataclass(frozen=True)
class Row:
    """Let h be one entry of a conserved quantity, for one choice of its own constants: its gradient at the point, by what moves."""

    statement: Statement
    quantity: Family
    choice: int
    entry: Entry
    point: Json
    gradient: Mapping[Place, fmpq | arb]

    @property
    def places(self) -> frozenset[Place]:
        """What h is a function of near the point."""
        at = dict(zip((name for name, _ in self.quantity.indices), self.entry, strict=True))
        return places_of(self.statement, self.quantity.value, at, self.point)


def read_law(setting: Json, certificate: Json) -> tuple[Statement, Evolves]:
    """What a certificate claims of a law of a flow: the sizes, definitions and symbols are those of the setting, and constants of its own.

    Whether it is proved is not asked. Raises `Rejected` for a law of another setting, and for a quantity that is not claimed to be conserved.
    """
    stated = certificate["statement"]
    if any(stated[key] != setting[key] for key in ("sizes", "definitions", "flow")) or any(
        stated["symbols"].get(name) != declared for name, declared in setting["symbols"].items()
    ):
        raise Rejected("a law is one of another setting: sizes, definitions, symbols and flow are to be the same")
    statement = read_statement(stated)
    if any(symbol.role != "constant" for name, symbol in statement.symbols.items() if name not in setting["symbols"]):
        raise Rejected("a law brings a name of its own that is not a constant")
    claim = statement.claim
    if not isinstance(claim, Evolves) or claim.rate != Number(fmpq(0)):
        raise Rejected("a law is not a conserved quantity")
    return statement, claim


def places_of(statement: Statement, tree: Tree, at: Mapping[str, int], point: Json) -> frozenset[Place]:
    """The entries a tree depends on when definitions and sums are written out and constants have the values of the point, or more of them.

    What is multiplied by zero is left out, so that the tree has to be defined near the point. Raises `Rejected` for a tree with an integral.
    """
    sizes = read_sizes(statement, point["sizes"])
    constants = {name: point["values"][name] for name, symbol in statement.symbols.items() if symbol.role == "constant"}
    graph = Graph(statement, sizes, read_places(statement, constants, sizes))
    return frozenset(graph.places([graph.walk(tree, at)]))


def law_rows(counted: Json, law: Json, point: Json) -> list[Row]:
    """The gradients at the point of the quantities a law's certificate proves conserved, for each choice given of its own constants."""
    certificate = law["certificate"]
    statement, claim = read_law(counted, certificate)
    conditions: Mapping[str, Poly | None] = {}
    explicit: Mapping[str, fmpq_mpoly] = {}
    given: Mapping[str, Json] = {}
    if certificate["kind"] == "all-sizes":
        conditions = conditions_of(statement, certificate)
    elif certificate["kind"] == "instance" and certificate["instance"]["sizes"] == point["sizes"]:
        given = certificate["instance"]["values"]
        explicit = proved_at_instance(statement, certificate).conditions
    else:
        raise Rejected("a law is proved neither for all sizes nor at those of the point")
    rows: list[Row] = []
    wanted = entries((size for _, size in claim.indices), read_sizes(statement, point["sizes"]))
    for choice, values in enumerate(law["values"]):
        if any(statement.symbols[name].role != "constant" for name in values):
            raise Rejected("a law may choose its constants only")
        if _used(counted["flow"], counted["definitions"]) & set(values):
            raise Rejected("a law may not choose a constant of the flow")
        chosen = {**point, "values": {**point["values"], **values}}
        if any(chosen["values"][name] != value for name, value in given.items()):
            raise Rejected("a law is proved for other constants than those of the point, or than those it chooses")
        check_point(statement, conditions, chosen)
        check_values(statement, explicit, chosen)
        gradients = gradients_at(statement, claim.indices, claim.quantity, chosen)
        quantity = Family(claim.indices, claim.quantity)
        rows += [Row(statement, quantity, choice, entry, chosen, gradient) for entry, gradient in zip(wanted, gradients, strict=True)]
    return rows


def check_point(statement: Statement, conditions: Mapping[str, Poly | None], point: Json) -> None:
    """Refuse a point that violates a sign, a hypothesis or a condition, and a condition that holds for some cotangents only."""
    residual_at(replace(statement, claim=Equal((), Number(fmpq(0)), Number(fmpq(0)))), point)
    known = {name: symbol for name, symbol in statement.symbols.items() if symbol.role != "cotangent"}
    still = replace(statement, symbols=known)  # a law is to hold for every cotangent, so that no condition may depend on their values
    there = {**point, "values": {name: point["values"][name] for name in known}}
    for text, poly in conditions.items():
        if poly is None:
            _leave_to_the_quantity(statement, text)
            continue
        claim = Equal(tuple(free_indices(poly, statement).items()), tree_of(poly), Number(fmpq(0)))
        values = residual_at(replace(still, claim=claim), there).values()
        if not all(value > 0 or (value < 0 and text.endswith("!= 0")) for value in values):
            raise Rejected(f"a law holds only where {text}, and that is not certain at the point")


def check_values(statement: Statement, conditions: Mapping[str, fmpq_mpoly], point: Json) -> None:
    """Refuse a point that violates a condition of a proof at explicit sizes, and a condition that holds for some cotangents only."""
    sizes, values = read_sizes(statement, point["sizes"]), dict[str, fmpq]()
    for name in (name for name, symbol in statement.symbols.items() if conditions and symbol.role != "cotangent"):
        values |= {entry_name(name, entry): q for entry, q in read_value(statement, name, point["values"][name], sizes).items()}
    for text, p in conditions.items():
        if not text.endswith(("> 0", "!= 0")) or in_tower(p):
            _leave_to_the_quantity(statement, text)
            continue
        value = value_at(p, values)
        if not (value > 0 or (value < 0 and text.endswith("!= 0"))):
            raise Rejected(f"a law holds only where {text}, and at the point that is {value}")


def _leave_to_the_quantity(statement: Statement, condition: str) -> None:
    """Leave a condition to the evaluation of the quantity in balls, which needs it as well: one on integrals, which no flow holds, or one on other
    functions, if the flow is rational."""
    flow = statement.flow
    assert flow is not None
    families = [*statement.definitions.values(), *flow.rates.values(), *flow.drift.values()]
    if not condition.endswith(" exists") and not all(map(is_rational, [flow.pairing, *(family.value for family in families)])):
        raise Rejected(f"a law holds under a condition that is not checked at the point: {condition}")


def _used(*nodes: Json) -> set[str]:
    """Every name in a tree of JSON."""
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, str):
            names.add(node)
        elif isinstance(node, list):
            names |= _used(*node)
        elif isinstance(node, dict):
            names |= _used(*node.values())
    return names
