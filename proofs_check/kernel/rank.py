"""How many conservation laws a flow has: a lower bound on its Lie algebra, and as many independent laws as that leaves room for.

Let theta' = X_0 + sum_c nu_c X_c with arbitrary cotangents nu, on R^D. A function conserved for every nu has a gradient that vanishes on the Lie
algebra of X_0, X_1, ... . If iterated brackets reach rank r at a point, there are at most D - r independent laws near it. The certificate names
the brackets, gives the laws with their own certificates, and the minor of their gradients that does not vanish; then the count is exact.

On spheres the fields are tangent, and at their points a bracket depends on nothing outside; laws are conserved there only, and their gradients
vanish on the brackets all the same. The norms are among the laws, so that D - r counts them too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from flint import arb, arb_mat, fmpq, fmpq_mat

from .all_sizes import conditions_of, told
from .index import Poly, free_indices, tree_of
from .instance import Entry, Fraction, Ring, check_instance, read_value, velocities
from .language import Count, Equal, Evolves, Json, Number, Rejected, Statement, read_statement
from .points import Place, gradients_at, precision, residual_at

Field: TypeAlias = Mapping[Place, Fraction]
DEEPEST_BRACKET = 8
MOST_TERMS = 400  # of an entry of a field, numerator and denominator
MOST_LETTERS = 400  # of all words together


@dataclass(frozen=True)
class Family:
    """The fields X_c, and X_0 where it is not zero, as rational functions of the parameters; `generators` numbers the ring's variables."""

    ring: Ring
    generators: Mapping[Place, int]
    moving: tuple[Place, ...]
    fields: tuple[Field, ...]

    def partial(self, f: Fraction, place: Place) -> Fraction:
        g = self.generators[place]
        return Fraction.of(f.num.derivative(g) * f.den - f.num * f.den.derivative(g), f.den * f.den)

    def along(self, field: Field, f: Fraction) -> Fraction:
        total = self.ring.number(0)
        for place in self.moving:
            if not field[place].num.is_zero():
                total = total + field[place] * self.partial(f, place)
                if len(total.num) + len(total.den) > MOST_TERMS:
                    raise Rejected(f"an entry of a bracket has more than {MOST_TERMS} terms")
        return total

    def word(self, word: Json, depth: int = 0) -> Field:
        """A field for its number, the bracket of two words for a pair."""
        if depth > DEEPEST_BRACKET:
            raise Rejected(f"a bracket is nested deeper than {DEEPEST_BRACKET}")
        if isinstance(word, int) and not isinstance(word, bool) and 0 <= word < len(self.fields):
            return self.fields[word]
        if not isinstance(word, list) or len(word) != 2:
            raise Rejected(f"{word!r} is neither the number of a field nor a bracket of two")
        first, second = (self.word(part, depth + 1) for part in word)
        return {place: self.along(first, second[place]) - self.along(second, first[place]) for place in self.moving}

    def value(self, f: Fraction, at: Mapping[Place, fmpq]) -> fmpq:
        """The value at a point of a function of the parameters alone."""
        known = [fmpq(0)] * len(self.ring.context.names())
        for place in self.moving:
            known[self.generators[place]] = at[place]
        free = {g for g, q in enumerate(f.num.degrees()) if q > 0} | {g for g, q in enumerate(f.den.degrees()) if q > 0}
        if not free <= {self.generators[place] for place in self.moving}:
            raise Rejected("a field depends on more than the parameters")
        below = f.den(*known)
        if below == 0:
            raise Rejected("a field is singular at the point")
        return f.num(*known) / below

    def check_defined(self, at: Mapping[Place, fmpq]) -> None:
        """Refuse a point where the flow is not defined, though its fields as fractions in lowest terms may be."""
        for text, p in self.ring.conditions.items():
            value = self.value(Fraction(p, self.ring.context.constant(1)), at)
            if not ((value > 0 and text.endswith("> 0")) or (value != 0 and text.endswith("!= 0"))):
                raise Rejected(f"the flow is not defined at the point, where {text} fails")


def vector_fields(statement: Statement, instance: Json) -> Family:
    """The fields of the flow, whose velocities must be rational in the parameters and affine in the cotangents."""
    ring, generators, found = velocities(statement, instance)
    moving = tuple(place for place in generators if statement.symbols[place[0]].role == "parameter")
    controls = [g for place, g in generators.items() if statement.symbols[place[0]].role == "cotangent"]
    rates = {place: found.get(place, ring.number(0)) for place in moving}
    fields: list[Field] = []
    rest = dict(rates)
    for g in controls:
        field = {place: Fraction.of(f.num.derivative(g), f.den) for place, f in rates.items()}
        fields.append(field)
        rest = {place: rest[place] - field[place] * ring.generator(g) for place in moving}
    if any(f.num.degrees()[g] > 0 or f.den.degrees()[g] > 0 for g in controls for field in [*fields, rest] for f in field.values()):
        raise Rejected("the velocities are not affine in the cotangents")
    if any(not f.num.is_zero() for f in rest.values()):
        fields.append(rest)
    return Family(ring, generators, moving, tuple(fields))


def fields_rank(family: Family, words: Json, at: Mapping[Place, fmpq]) -> int:
    """The rank of the named brackets at a point."""
    if _letters(words) > MOST_LETTERS:
        raise Rejected(f"the brackets hold more than {MOST_LETTERS} fields")
    rows = [[family.value(field[place], at) for place in family.moving] for field in (family.word(word) for word in words)]
    return int(fmpq_mat(rows).rank()) if rows else 0


def _letters(word: Json) -> int:
    return sum(map(_letters, word)) if isinstance(word, list) else 1


def check_count(certificate: Json) -> str:
    """Accept the certificate and say what it establishes, or raise `Rejected`."""
    with told():
        return _check_count(certificate)


def _check_count(certificate: Json) -> str:
    statement = read_statement(certificate["statement"])
    if not isinstance(statement.claim, Count):
        raise Rejected("the statement does not count laws")
    if any(symbol.role == "time" for symbol in statement.symbols.values()):
        raise Rejected("laws that depend on time are not bounded by brackets: a counted flow may not mention time")
    point = certificate["point"]
    constants = {name: value for name, value in point["values"].items() if name in statement.symbols and statement.symbols[name].role == "constant"}
    family = vector_fields(statement, {"sizes": point["sizes"], "values": constants})
    _check_point(statement, {}, point)
    at = _moving_values(statement, point)
    family.check_defined(at)
    rank = fields_rank(family, certificate["brackets"], at)
    rows: list[Mapping[Place, fmpq | arb]] = []
    with precision(point["bits"]):
        for law in certificate["laws"]:
            rows += law_gradients(certificate["statement"], law, point)
        laws = _minor(rows, family.moving, certificate["minor"])
    room = len(family.moving) - rank
    if laws != room:
        raise Rejected(f"{laws} laws are independent and the brackets leave room for {room}: the count is open")
    if laws != statement.claim.count:
        raise Rejected(f"there are {laws} independent laws, and the statement says {statement.claim.count}")
    near = f"near the point and for its constants, {laws} independent laws hold for every cotangent, and no more"
    return f"{near}: {len(family.moving)} parameters, brackets of rank {rank}"


def law_gradients(counted: Json, law: Json, point: Json) -> list[Mapping[Place, fmpq | arb]]:
    """The gradients at the point of the quantities a law's certificate proves conserved, for each choice given of its own constants."""
    certificate = law["certificate"]
    for key in ("sizes", "symbols", "definitions", "hypotheses", "flow"):
        if certificate["statement"][key] != counted[key]:
            raise Rejected("a law is proved for another setting than that of the count")
    statement = read_statement(certificate["statement"])
    claim = statement.claim
    if not isinstance(claim, Evolves) or claim.rate != Number(fmpq(0)):
        raise Rejected("a law is not a conserved quantity")
    conditions: Mapping[str, Poly | None] = {}
    given: Mapping[str, Json] = {}
    if certificate["kind"] == "all-sizes":
        conditions = conditions_of(statement, certificate)
    elif certificate["kind"] == "instance" and certificate["instance"]["sizes"] == point["sizes"]:
        given = certificate["instance"]["values"]
        conditions = dict.fromkeys(check_instance(statement, certificate))
    else:
        raise Rejected("a law is proved neither for all sizes nor at those of the point")
    rows: list[Mapping[Place, fmpq | arb]] = []
    for values in law["values"]:
        if any(statement.symbols[name].role != "constant" for name in values):
            raise Rejected("a law may choose its constants only")
        if _used(counted["flow"], counted["definitions"]) & set(values):
            raise Rejected("a law may not choose a constant of the flow")
        chosen = {**point, "values": {**point["values"], **values}}
        if any(chosen["values"][name] != value for name, value in given.items()):
            raise Rejected("a law is proved for other constants than those of the point, or than those it chooses")
        _check_point(statement, conditions, chosen)
        rows += gradients_at(statement, claim.indices, claim.quantity, chosen)
    return rows


def _check_point(statement: Statement, conditions: Mapping[str, Poly | None], point: Json) -> None:
    """Refuse a point that violates a sign, a hypothesis or a condition."""
    residual_at(replace(statement, claim=Equal((), Number(fmpq(0)), Number(fmpq(0)))), point)
    for text, poly in conditions.items():
        if poly is None:
            raise Rejected(f"a law holds under a condition that is not checked at the point: {text}")
        claim = Equal(tuple(free_indices(poly, statement).items()), tree_of(poly), Number(fmpq(0)))
        values = residual_at(replace(statement, claim=claim), point).values()
        if not all(value > 0 or (value < 0 and text.endswith("!= 0")) for value in values):
            raise Rejected(f"a law holds only where {text}, and that is not certain at the point")


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


def _moving_values(statement: Statement, point: Json) -> dict[Place, fmpq]:
    found: dict[Place, fmpq] = {}
    for name, symbol in statement.symbols.items():
        if symbol.role == "parameter":
            values: Mapping[Entry, fmpq] = read_value(statement, name, point["values"][name], point["sizes"])
            found |= {(name, entry): q for entry, q in values.items()}
    return found


def _minor(rows: list[Mapping[Place, fmpq | arb]], moving: tuple[Place, ...], minor: Json) -> int:
    """The size of the named minor of the matrix of gradients, whose determinant certainly does not vanish."""
    chosen, columns = minor["rows"], minor["columns"]
    if len(chosen) != len(columns) or len(set(chosen)) != len(chosen) or len(set(columns)) != len(columns):
        raise Rejected("the minor is not square, or names a row or column twice")
    if not chosen:
        return 0
    matrix = [[rows[n].get(moving[c], fmpq(0)) for c in columns] for n in chosen]
    if all(isinstance(q, fmpq) for row in matrix for q in row):
        certain = fmpq_mat(matrix).det() != 0
    else:
        determinant = arb_mat([[arb(q) for q in row] for row in matrix]).det()
        certain = determinant > 0 or determinant < 0
    if not certain:
        raise Rejected("the minor of the laws' gradients is not certainly different from zero")
    return len(chosen)
