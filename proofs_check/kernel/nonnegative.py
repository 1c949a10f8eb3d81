"""Inequalities by witnesses: right - left = W on the domain, and W is nonnegative at sight.

Let the claim be f <= g (or d/dt f <= g along the flow), wherever the statement is defined and the definitions named in `where` are nonnegative.
Its certificate holds a tree W for all entries of the claim, or one for each entry at explicit sizes, with what proves the identity f = g - W there.
That W >= 0 is read off the tree, by rules that need no proof beyond a glance:

    positive and nonnegative symbols, sizes, exp and |.| are what they say; sums, products and powers of such are such again;
    an even power of anything is nonnegative, and a sum over a range is what its body is;
    a definition named in `where` is nonnegative; any other definition is what its value is;
    t - 1 - log t >= 0 for every t > 0.

The last is the tangent of a concave function: t - 1 - log t has the derivative 1 - 1/t, and so its least value, 0, at t = 1. With sums and
products it is enough for e^s >= 1 + s (t = e^s), for weighted means, sum_i p_i x_i - m with m = prod_i x_i^(p_i) and sum p_i = 1, which is
m sum_i p_i (t_i - 1 - log t_i) with t_i = x_i/m, and for Kullback and Leibler's divergence (t_i = q_i/p_i). Squares are enough for Cauchy and
Schwarz: sum_i a_i^2 sum_j b_j^2 - (sum_i a_i b_i)^2 = 1/2 sum_ij (a_i b_j - a_j b_i)^2, by Lagrange's identity. Neither is built in.

W may not ask for more than the statement does: where it needs a condition of its own (0 = (1/h) h for a hypothesis h = 0), it is refused.
A claim with conditions is not to be about nothing: its certificate gives a point that meets them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from flint import fmpq

from .all_sizes import check_all_sizes, residual, told
from .index import Algebra
from .instance import check_instance, entries, read_sizes, read_value
from .instance import residual as residual_at_instance
from .language import (
    Add,
    AtMost,
    Equal,
    Evolves,
    Fn,
    Index,
    Integral,
    Json,
    Mul,
    Number,
    Pow,
    Ref,
    Rejected,
    Sign,
    Statement,
    Sum,
    Tree,
    read_family,
)
from .points import residual_at

MINUS_ONE = Number(fmpq(-1))


def sign(statement: Statement, tree: Tree) -> Sign:
    """What is certain at sight of a tree, wherever it is defined and the conditions of the claim hold."""
    where = statement.claim.where if isinstance(statement.claim, AtMost) else ()
    known: dict[str, Sign] = dict.fromkeys(statement.sizes, "positive")
    known |= {symbol.name: symbol.sign for symbol in statement.symbols.values()}
    for name, family in statement.definitions.items():  # each mentions only those before it
        own = _sign(known, family.value)
        known[name] = "nonnegative" if name in where and own != "positive" else own
    return _sign(known, tree)


def _sign(known: Mapping[str, Sign], tree: Tree) -> Sign:
    match tree:
        case Number(value):
            return "positive" if value > 0 else "nonzero" if value < 0 else "nonnegative"
        case Ref(name, _):
            return known.get(name, "real")  # a variable of integration has no sign
        case Add(args):
            signs = {_sign(known, arg) for arg in args}
            if signs <= {"positive", "nonnegative"}:
                return "positive" if "positive" in signs else "nonnegative"
            return "nonnegative" if above_tangent(tree) else "real"
        case Mul(args):
            signs = {_sign(known, arg) for arg in args}
            return next((kind for kind, factors in _PRODUCTS.items() if signs <= factors), "real")
        case Sum(_, _, body):
            inner = _sign(known, body)
            return inner if inner in ("positive", "nonnegative") else "real"
        case Pow(base, exponent):
            return _sign_of_power(_sign(known, base), exponent)
        case Fn("exp", _):
            return "positive"
        case Fn("abs", arg):
            return "positive" if _sign(known, arg) in ("positive", "nonzero") else "nonnegative"
        case Fn("asinh" | "atan" | "atanh", arg):  # increasing, and 0 at 0
            return _sign(known, arg)
    return "real"


_PRODUCTS: Mapping[Sign, set[Sign]] = {
    "positive": {"positive"},
    "nonnegative": {"positive", "nonnegative"},
    "nonzero": {"positive", "nonzero"},
}


def _sign_of_power(base: Sign, exponent: Tree) -> Sign:
    """A power that is not a whole number, or is not known to be one, is only taken of a base that is positive anyway."""
    match exponent:
        case Number(value) if value.q == 1 and int(value.p) % 2 == 0:
            return "positive" if base in ("positive", "nonzero") or value < 0 else "nonnegative"
        case Number(value) if value.q == 1 or base == "nonnegative":
            return base
    return "positive" if base == "positive" else "real"


def above_tangent(tree: Add) -> bool:
    """Whether a sum reads t - 1 - log t, in any order, the terms of t taken together or apart."""
    for n, term in enumerate(tree.args):
        match term:
            case Mul((Number(value), Fn("log", t))) if value == -1:
                rest = [*tree.args[:n], *tree.args[n + 1 :]]
                for parts in ((t,), *((t.args,) if isinstance(t, Add) else ())):
                    wanted = [*parts, MINUS_ONE]
                    if len(rest) == len(wanted) and all(rest.count(arg) == wanted.count(arg) for arg in wanted):
                        return True
    return False


def at_entry(tree: Tree, at: Mapping[str, int]) -> Tree:
    """The tree with the indices of the claim replaced by numbers; names that it binds differ from them."""

    def put(node: Tree) -> Tree:
        match node:
            case Ref(name, indices):
                return Ref(name, tuple(_entry(i, at) for i in indices))
            case Add(args):
                return Add(tuple(map(put, args)))
            case Mul(args):
                return Mul(tuple(map(put, args)))
            case Pow(base, exponent):
                return Pow(put(base), put(exponent))
            case Sum(index, size, body):
                return Sum(index, size, put(body))
            case Fn(name, arg):
                return Fn(name, put(arg))
            case Integral(variable, upper, body):
                return Integral(variable, put(upper), put(body))
        return node

    return put(tree)


def _entry(index: Index, at: Mapping[str, int]) -> Index:
    return at.get(index, index) if isinstance(index, str) else index


def claimed(statement: Statement) -> AtMost:
    """The claim of a statement that claims an inequality; otherwise `Rejected`."""
    if not isinstance(statement.claim, AtMost):
        raise Rejected("the claim is not an inequality")
    return statement.claim


def equation(statement: Statement, witness: Tree | None = None, at: Mapping[str, int] | None = None) -> Statement:
    """The statement that left = right - W, for all entries of the claim or at one; without a witness, that left = right."""
    sides, tail = claimed(statement).sides, () if witness is None else (Mul((MINUS_ONE, witness)),)
    indices = sides.indices if at is None else ()
    if isinstance(sides, Evolves):
        quantity, rate = at_entry(sides.quantity, at or {}), at_entry(sides.rate, at or {})
        return replace(statement, claim=Evolves(indices, quantity, Add((rate, *tail))))
    return replace(statement, claim=Equal(indices, at_entry(sides.left, at or {}), Add((at_entry(sides.right, at or {}), *tail))))


def member(statement: Statement, name: str) -> Statement:
    """The statement that a condition is met with equality."""
    family = statement.definitions[name]
    return replace(statement, claim=Equal(family.indices, Ref(name, tuple(index for index, _ in family.indices)), Number(fmpq(0))))


def inhabited(statement: Statement, point: Json, instance: Json = None) -> None:
    """Let a point be given: `Rejected` unless it certainly meets all conditions of the claim, signs and hypotheses, and is one of the instance."""
    for name in claimed(statement).where:
        for entry, value in residual_at(member(statement, name), point).items():
            if not value >= 0:
                raise Rejected(
                    f"the condition {name}{list(entry) if entry else ''} >= 0 is not certainly met at the point given: it is {value.str(10)}"
                )
    if instance is not None:
        sizes = read_sizes(statement, instance["sizes"])
        if read_sizes(statement, point["sizes"]) != sizes:
            raise Rejected("the point given has other sizes than the instance")
        for name, value in instance["values"].items():
            if read_value(statement, name, value, sizes) != read_value(statement, name, point["values"][name], sizes):
                raise Rejected(f"{name} has another value at the point given than in the instance")


def check_inequality(statement: Statement, certificate: Json) -> list[str]:
    """The conditions under which the statement is defined, if the certificate proves the inequality there; otherwise `Rejected`.

    For all sizes it is {"witness": tree, "gradient": ..., "cofactors": [...]}, at explicit sizes {"instance": ..., "proofs": [{"witness": tree,
    "cofactors": [...]} for each entry of the claim]}; and a `point` where the claim has conditions.
    """
    claim = claimed(statement)
    if claim.where:
        inhabited(statement, certificate["point"], certificate.get("instance"))
        residual_at(equation(statement), certificate["point"])  # the statement is defined there
    if "instance" in certificate:
        return _check_at_instance(statement, claim, certificate)
    witness = read_family(statement, {"indices": [list(pair) for pair in claim.indices], "value": certificate["witness"]}).value
    _refuse_unsigned(statement, claim, witness)
    algebra = Algebra(statement, dict(residual(equation(statement), certificate["gradient"]).conditions))
    with told():
        for name in claim.where:
            algebra.of_tree(statement.definitions[name].value)
        own = set(algebra.conditions)
        algebra.of_tree(witness)
    _refuse_narrower(algebra.conditions.keys() - own)
    check_all_sizes(equation(statement, witness), certificate)
    return sorted(own)


def _check_at_instance(statement: Statement, claim: AtMost, certificate: Json) -> list[str]:
    sizes = read_sizes(statement, certificate["instance"]["sizes"])
    wanted = entries((size for _, size in claim.indices), sizes)
    if len(certificate["proofs"]) != len(wanted):
        raise Rejected(f"there are {len(certificate['proofs'])} proofs for {len(wanted)} entries")
    found: set[str] = set()
    for name in claim.where:
        found |= residual_at_instance(member(statement, name), certificate["instance"]).conditions.keys()
    for entry, proof in zip(wanted, certificate["proofs"], strict=True):
        at = {name: k for (name, _), k in zip(claim.indices, entry, strict=True)}
        witness = read_family(statement, {"indices": [], "value": proof["witness"]}).value
        _refuse_unsigned(statement, claim, witness)
        found |= residual_at_instance(equation(statement, at=at), certificate["instance"]).conditions.keys()
        proved = check_instance(equation(statement, witness, at), {"instance": certificate["instance"], "cofactors": [proof["cofactors"]]})
        _refuse_narrower(set(proved) - found)
    return sorted(found)


def _refuse_unsigned(statement: Statement, claim: AtMost, witness: Tree) -> None:
    found = sign(statement, witness)
    if found not in (("positive",) if claim.strict else ("positive", "nonnegative")):
        raise Rejected(f"the witness is not seen to be {'positive' if claim.strict else 'nonnegative'}: of its sign no more is known than {found!r}")


def _refuse_narrower(conditions: set[str]) -> None:
    for text in conditions:
        raise Rejected(f"the witness, and not the statement, needs that {text[:400]}")


def check_violation(statement: Statement, certificate: Json) -> tuple[tuple[int, ...], str]:
    """(entry, left - right) at a point of the domain where the inequality certainly fails; otherwise `Rejected`.

    The certificate is a point, as for an identity: {"sizes": ..., "values": ..., "bits": 333}.
    """
    inhabited(statement, certificate)
    excess = residual_at(equation(statement), certificate)
    for entry, value in excess.items():
        if value.is_finite() and (value > 0 or (claimed(statement).strict and value >= 0)):
            return entry, value.str(30)
    raise Rejected(f"no entry of the inequality certainly fails: {', '.join(value.str(10) for value in excess.values())}"[:400])
