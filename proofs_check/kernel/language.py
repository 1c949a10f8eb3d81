"""The statements the kernel reads: symbols with shapes and signs, expression trees, a flow, a claim.

A statement is plain JSON. A number is an integer or ["/", p, q]; a scalar is its name; an entry of a tensor is ["at", name, index, ...] with each
index an integer or a name; ["+", ...] and ["*", ...] take any number of arguments, ["^", base, exponent] two; ["sum", index, size, body] runs
over 0 <= index < size; ["integral", variable, upper, body] is the integral of the body from 0 to the upper limit; the functions are those of
`FUNCTIONS`. Nothing here computes: this module reads, checks scopes and shapes, and refuses whatever it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias, assert_never, cast, get_args

from flint import fmpq

Json: TypeAlias = Any  # what json.load returns; every use below checks what it finds
Index: TypeAlias = str | int
Size: TypeAlias = str | int
Role = Literal["parameter", "constant", "cotangent", "time"]
Sign = Literal["positive", "nonnegative", "nonzero", "real"]
Function = Literal["log", "exp", "sin", "cos", "asinh", "atan", "atanh", "abs"]

FUNCTIONS: Final = frozenset(get_args(Function))
ROLES: Final = frozenset(get_args(Role))
SIGNS: Final = frozenset(get_args(Sign))
DEEPEST: Final = 200
LARGEST_SIZE: Final = 5000


class Rejected(ValueError):
    """A certificate the kernel does not accept; the text says why."""


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Whatever goes wrong while a certificate is read or computed with is a rejection; `what` says so in words."""
    try:
        yield
    except Rejected:
        raise
    except (LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, ValueError) as error:
        raise Rejected(f"{what}: {type(error).__name__}: {error}") from error


@dataclass(frozen=True)
class Number:
    value: fmpq


@dataclass(frozen=True)
class Ref:
    name: str
    indices: tuple[Index, ...] = ()


@dataclass(frozen=True)
class Add:
    args: tuple[Tree, ...]


@dataclass(frozen=True)
class Mul:
    args: tuple[Tree, ...]


@dataclass(frozen=True)
class Pow:
    base: Tree
    exponent: Tree


@dataclass(frozen=True)
class Sum:
    index: str
    size: Size
    body: Tree


@dataclass(frozen=True)
class Fn:
    name: Function
    arg: Tree


@dataclass(frozen=True)
class Integral:
    """The integral of the body over 0 <= variable <= upper."""

    variable: str
    upper: Tree
    body: Tree


Tree: TypeAlias = Number | Ref | Add | Mul | Pow | Sum | Fn | Integral


@dataclass(frozen=True)
class Symbol:
    """A name with a shape. Parameters move along the flow, constants do not; of a cotangent nothing is known but its shape."""

    name: str
    shape: tuple[Size, ...]
    role: Role
    sign: Sign


@dataclass(frozen=True)
class Family:
    """A tree for every value of its indices, each index with its size."""

    indices: tuple[tuple[str, Size], ...]
    value: Tree


@dataclass(frozen=True)
class Flow:
    """theta' = -rate * P(gradient of the pairing) + drift, where P projects each sphere's blocks on the tangent space.

    The pairing is differentiated with the names in `held` kept fixed: with pairing sum_i G_i x_i(theta) and G held this is the gradient flow
    of every loss whose gradient at x is G. A held name may have a definition (G = A^T nu), which is put in after the differentiation.
    """

    pairing: Tree
    held: frozenset[str]
    rates: Mapping[str, Family]
    spheres: tuple[tuple[str, ...], ...]
    drift: Mapping[str, Family]


@dataclass(frozen=True)
class Evolves:
    """Along the flow, d/dt quantity = rate."""

    indices: tuple[tuple[str, Size], ...]
    quantity: Tree
    rate: Tree


@dataclass(frozen=True)
class Equal:
    """left = right on the domain."""

    indices: tuple[tuple[str, Size], ...]
    left: Tree
    right: Tree


@dataclass(frozen=True)
class Gradient:
    """d(of) / d(by) = value, entry by entry."""

    of: Tree
    by: str
    indices: tuple[tuple[str, Size], ...]
    value: Tree


@dataclass(frozen=True)
class Count:
    """Of the independent laws of the flow that hold for every value of its cotangents there are at least `least`, and at most `most`."""

    least: int
    most: int
    indices: tuple[tuple[str, Size], ...] = ()


@dataclass(frozen=True)
class AtMost:
    """The first side of an identity is at most the second, or less if `strict`, wherever every entry of the definitions in `where` is >= 0."""

    sides: Equal | Evolves
    strict: bool
    where: tuple[str, ...]

    @property
    def indices(self) -> tuple[tuple[str, Size], ...]:
        return self.sides.indices


Claim: TypeAlias = Evolves | Equal | Gradient | Count | AtMost


@dataclass(frozen=True)
class Statement:
    sizes: tuple[str, ...]
    symbols: Mapping[str, Symbol]
    definitions: Mapping[str, Family]
    hypotheses: tuple[Family, ...]  # each entry vanishes; one per sphere is added by the reader
    flow: Flow | None
    claim: Claim


@dataclass
class _Reader:
    sizes: tuple[str, ...]
    symbols: dict[str, Symbol] = field(default_factory=dict)
    definitions: dict[str, Family] = field(default_factory=dict)

    def shape_of(self, name: str) -> tuple[Size, ...]:
        if name in self.symbols:
            return self.symbols[name].shape
        if name in self.definitions:
            return tuple(size for _, size in self.definitions[name].indices)
        if name in self.sizes:
            return ()
        raise Rejected(f"the name {name!r} is not declared")

    def size(self, node: Json) -> Size:
        if isinstance(node, int) and not isinstance(node, bool) and 1 <= node <= LARGEST_SIZE:
            return node
        if isinstance(node, str) and node in self.sizes:
            return node
        raise Rejected(f"{node!r} is not a declared size")

    def indices(self, node: Json) -> tuple[tuple[str, Size], ...]:
        pairs = tuple((name, self.size(size)) for name, size in _list(node))
        if len({name for name, _ in pairs}) != len(pairs):
            raise Rejected(f"an index appears twice in {node!r}")
        return pairs

    def tree(self, node: Json, scope: Mapping[str, Size], depth: int = 0) -> Tree:
        if depth > DEEPEST:
            raise Rejected(f"an expression is nested deeper than {DEEPEST}")
        if isinstance(node, bool) or node is None:
            raise Rejected(f"{node!r} is not an expression")
        if isinstance(node, int):
            return Number(fmpq(node))
        if isinstance(node, str):
            if scope.get(node) == _VARIABLE:
                return Ref(node)
            return self.reference(node, (), scope)
        match node:
            case ["/", int(p), int(q)] if q != 0 and not (isinstance(p, bool) or isinstance(q, bool)):
                return Number(fmpq(p, q))
            case ["at", str(name), *entries]:
                return self.reference(name, tuple(entries), scope)
            case ["+", *args]:
                return Add(tuple(self.tree(a, scope, depth + 1) for a in args))
            case ["*", *args]:
                return Mul(tuple(self.tree(a, scope, depth + 1) for a in args))
            case ["^", base, exponent]:
                return Pow(self.tree(base, scope, depth + 1), self.tree(exponent, scope, depth + 1))
            case ["sum", str(index), size, body]:
                self.fresh(index, scope)
                bound = self.size(size)
                return Sum(index, bound, self.tree(body, {**scope, index: bound}, depth + 1))
            case ["integral", str(variable), upper, body]:
                self.fresh(variable, scope)
                return Integral(variable, self.tree(upper, scope, depth + 1), self.tree(body, {**scope, variable: _VARIABLE}, depth + 1))
            case [str(name), arg] if name in FUNCTIONS:
                return Fn(cast("Function", name), self.tree(arg, scope, depth + 1))
        raise Rejected(f"{str(node)[:80]} is not an expression the kernel knows")

    def fresh(self, name: str, scope: Mapping[str, Size]) -> None:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise Rejected(f"{name!r} is not a name")
        if name in scope or name in self.symbols or name in self.definitions or name in self.sizes:
            raise Rejected(f"the bound name {name!r} hides another")

    def reference(self, name: str, entries: tuple[Json, ...], scope: Mapping[str, Size]) -> Ref:
        shape = self.shape_of(name)
        if len(entries) != len(shape):
            raise Rejected(f"{name} has {len(shape)} indices, and is given {len(entries)}")
        for entry, size in zip(entries, shape, strict=True):
            if isinstance(entry, bool) or not isinstance(entry, int | str):
                raise Rejected(f"{entry!r} is not an index")
            if isinstance(entry, str) and scope.get(entry) != size:
                raise Rejected(f"the index {entry!r} of {name} should run over {size}")
            if isinstance(entry, int) and (entry < 0 or (isinstance(size, int) and entry >= size)):
                raise Rejected(f"the index {entry} of {name} is outside 0..{size}-1")
        return Ref(name, cast("tuple[Index, ...]", entries))

    def family(self, node: Json, key: str = "value") -> Family:
        indices = self.indices(node["indices"])
        for name, _ in indices:
            self.fresh(name, {})
        return Family(indices, self.tree(node[key], dict(indices)))

    def number(self, node: Json) -> int:
        if isinstance(node, bool) or not isinstance(node, int) or node < 0:
            raise Rejected(f"{node!r} is not a number of laws")
        return node

    def constant(self, tree: Tree) -> None:
        """Where there is a flow, hypotheses are about constants, so that it cannot leave them."""
        for name in leaves(tree, self.definitions):
            if name in self.symbols and self.symbols[name].role != "constant":
                raise Rejected(f"a hypothesis mentions {name!r}, which is not a constant")

    def blocks(self, node: Json) -> dict[str, Family]:
        found = {str(name): self.family(entry) for name, entry in node.items()}
        for name, entry in found.items():
            if self.symbols.get(name) is None or self.symbols[name].role != "parameter":
                raise Rejected(f"{name!r} is not a parameter")
            if tuple(size for _, size in entry.indices) != self.symbols[name].shape:
                raise Rejected(f"the indices given for {name!r} do not have its shape")
        return found

    def flow(self, node: Json) -> Flow:
        spheres = tuple(tuple(str(name) for name in _list(group)) for group in node["spheres"])
        rates = self.blocks(node["rates"])
        for name in (name for group in spheres for name in group):
            if name not in rates or len(self.symbols[name].shape) != 1:
                raise Rejected(f"the sphere block {name!r} needs to be a vector with a rate")
            if any(isinstance(part, Ref) and rates[name].indices[0][0] in part.indices for part in within(rates[name].value, {})):
                raise Rejected(f"the rate of {name!r}, which lies on a sphere, depends on its index")
        if len({name for group in spheres for name in group}) != sum(map(len, spheres)):
            raise Rejected("a block lies on two spheres")
        drift = self.blocks(node.get("drift", {}))
        for group in spheres:
            if any(rates[name].value != rates[group[0]].value for name in group) or not drift.keys().isdisjoint(group):
                raise Rejected(f"the flow leaves the sphere of {', '.join(group)}: its blocks need one rate, and no drift")
        for name, symbol in self.symbols.items():
            if symbol.role == "parameter" and name not in rates and name not in drift:
                raise Rejected(f"the flow does not say how {name!r} moves: it has neither a rate nor a drift")
        return Flow(self.tree(node["pairing"], {}), self.held(node["held"]), rates, spheres, drift)

    def held(self, names: Json) -> frozenset[str]:
        for name in _list(names):
            if name not in self.definitions and (name not in self.symbols or self.symbols[name].role != "cotangent"):
                raise Rejected(f"{name!r} cannot be held: it is neither a cotangent nor a definition")
        return frozenset(names)

    def claim(self, node: Json) -> Claim:
        indices = self.indices(node["indices"])
        for name, _ in indices:
            self.fresh(name, {})
        scope = dict(indices)
        match node["kind"]:
            case "evolves":
                return Evolves(indices, self.tree(node["quantity"], scope), self.tree(node["rate"], scope))
            case "equal":
                return Equal(indices, self.tree(node["left"], scope), self.tree(node["right"], scope))
            case "gradient":
                by = str(node["by"])
                if by not in self.symbols or self.symbols[by].shape != tuple(size for _, size in indices):
                    raise Rejected(f"the gradient by {by!r} needs a declared symbol of the shape of its value")
                return Gradient(self.tree(node["of"], {}), by, indices, self.tree(node["value"], scope))
            case "at-most":
                return self.at_most(node, indices)
            case "count":
                return Count(self.number(node["count"]), self.number(node["count"]))
            case "between":
                return Count(self.number(node["least"]), self.number(node["most"]))
        raise Rejected(f"{node['kind']!r} is not a kind of claim the kernel knows")

    def at_most(self, node: Json, indices: tuple[tuple[str, Size], ...]) -> AtMost:
        """left <= right, or, with a `quantity` in place of `left`, d/dt quantity <= right."""
        if ("left" in node) == ("quantity" in node):
            raise Rejected("an inequality has either a left side, or a quantity that moves along the flow")
        if not isinstance(node["strict"], bool):
            raise Rejected(f"strict = {node['strict']!r} is neither true nor false")
        where = tuple(str(name) for name in _list(node["where"]))
        for name in where:
            if name not in self.definitions:
                raise Rejected(f"{name!r} is not a definition, and cannot be a condition")
        scope = dict(indices)
        right = self.tree(node["right"], scope)
        if "quantity" in node:
            return AtMost(Evolves(indices, self.tree(node["quantity"], scope), right), node["strict"], where)
        return AtMost(Equal(indices, self.tree(node["left"], scope), right), node["strict"], where)


_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VARIABLE: Final = -1  # in a scope: a variable of integration, not an index


def _list(node: Json) -> list[Json]:
    if not isinstance(node, list):
        raise Rejected(f"{str(node)[:80]} should be a list")
    return node


def parts(tree: Tree) -> tuple[Tree, ...]:
    """The trees that a tree is made of."""
    match tree:
        case Number() | Ref():
            return ()
        case Add(args) | Mul(args):
            return args
        case Pow(base, exponent):
            return base, exponent
        case Sum(_, _, body) | Fn(_, body):
            return (body,)
        case Integral(_, upper, body):
            return upper, body
    assert_never(tree)


def within(tree: Tree, definitions: Mapping[str, Family]) -> Iterator[Tree]:
    """Every tree inside a tree, itself included, and inside each of the definitions that it depends on, once."""
    waiting, seen = [tree], set[str]()
    while waiting:
        found = waiting.pop()
        yield found
        waiting += parts(found)
        if isinstance(found, Ref) and found.name in definitions and found.name not in seen:
            seen.add(found.name)
            waiting.append(definitions[found.name].value)


def leaves(tree: Tree, definitions: Mapping[str, Family]) -> set[str]:
    """The symbols, sizes and variables that a tree depends on, through the definitions."""
    return {part.name for part in within(tree, definitions) if isinstance(part, Ref)} - definitions.keys()


def is_rational(tree: Tree) -> bool:
    """Whether a tree holds no functions, integrals, or powers that are not whole numbers."""
    match tree:
        case Number() | Ref():
            return True
        case Add(args) | Mul(args):
            return all(map(is_rational, args))
        case Pow(base, Number(value)):
            return value.q == 1 and is_rational(base)
        case Sum(_, _, body):
            return is_rational(body)
    return False


@refusing("the statement is not well formed")
def read_statement(node: Json) -> Statement:
    """The statement written in `node`, or `Rejected` with what is wrong."""
    reader = _Reader(sizes=())
    for name in _list(node["sizes"]):
        reader.fresh(name, {})
        reader.sizes = (*reader.sizes, name)
    for name, entry in node["symbols"].items():
        reader.fresh(name, {})
        if entry["role"] not in ROLES or entry["sign"] not in SIGNS:
            raise Rejected(f"the declaration of {name!r} is not one the kernel knows")
        shape = tuple(reader.size(size) for size in _list(entry["shape"]))
        reader.symbols[name] = Symbol(name, shape, entry["role"], entry["sign"])
    for entry in _list(node["definitions"]):
        reader.fresh(entry["name"], {})
        reader.definitions[entry["name"]] = reader.family(entry)
    hypotheses = [reader.family(entry, "zero") for entry in _list(node["hypotheses"])]
    flow = reader.flow(node["flow"]) if node["flow"] is not None else None
    for hypothesis in hypotheses if flow else ():
        reader.constant(hypothesis.value)
    for group in flow.spheres if flow else ():
        squares = (Sum("i'", reader.symbols[n].shape[0], Pow(Ref(n, ("i'",)), Number(fmpq(2)))) for n in group)
        hypotheses.append(Family((), Add((*squares, Number(fmpq(-1))))))
    return Statement(reader.sizes, reader.symbols, reader.definitions, tuple(hypotheses), flow, reader.claim(node["claim"]))


@refusing("a family is not well formed")
def read_family(statement: Statement, node: Json) -> Family:
    """A family of trees over the symbols of a statement, as certificates give them."""
    return _Reader(statement.sizes, dict(statement.symbols), dict(statement.definitions)).family(node)
