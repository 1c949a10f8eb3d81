"""Common subexpressions, computed once, under names that say what they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from .arrays import Array, ArrayProgram, Statement

_VIEWS = ("expand", "transpose", "pick", "negate")
_ARITHMETIC = ("add", "subtract", "negate", "multiply", "divide", "pick")


def share(values: Sequence[tuple[str, Array]], *, taken: Iterable[str], results: Sequence[str]) -> ArrayProgram:
    """Let named array expressions be given, in order: the statements in which no operation occurs twice."""
    uses = Counter(operand for node in _all_nodes(value for _, value in values) for operand in node.operands)
    uses.update(value for _, value in values)
    names: dict[Array, str] = {}
    used = {*taken, *(name for name, _ in values)}
    statements: list[Statement] = []

    def rewritten(node: Array, root: bool = False) -> Array:
        if node in names and not root:
            return Array("name", (), node.shape, names[node])
        new = Array(node.op, tuple(rewritten(operand) for operand in node.operands), node.shape, node.detail)
        if root or node.is_leaf or uses[node] < 2 or _is_cheap(node):
            return new
        name = fresh_name(describe(new), used)
        names[node] = name
        statements.append(Statement(name, new, asked=False))
        return Array("name", (), node.shape, name)

    for name, value in values:
        found = Array("name", (), value.shape, names[value]) if value in names else rewritten(value, root=True)
        statements.append(Statement(name, found, asked=True))
        if not value.is_leaf:
            names.setdefault(value, name)
    return ArrayProgram(tuple(statements), tuple(results))


def _is_cheap(node: Array) -> bool:
    """A view of something named, or a little arithmetic of scalars."""
    if node.op in _VIEWS and node.operands[0].is_leaf:
        return True
    return not node.shape and node.op in _ARITHMETIC and all(operand.is_leaf or _is_cheap(operand) for operand in node.operands)


def _all_nodes(roots: Iterable[Array]) -> set[Array]:
    found: set[Array] = set()
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(node.operands)
    return found


def describe(node: Array) -> str:
    """A readable name for a value: `u_squared`, `r_to_L_minus_1`, `norm_v`, `G_dot_x`; `shared` when there is none.

    >>> import sympy as sp
    >>> u = Array("name", (), (sp.Symbol("N"),), "u")
    >>> describe(Array("power", (u, Array("number", (), (), sp.Integer(2))), u.shape))
    'u_squared'
    """
    words = _words(node)
    return words if words and len(words) <= 28 else "shared"


def _words(node: Array) -> str:
    parts = [_words(operand) for operand in node.operands]
    if not all(parts):
        return ""
    match node.op:
        case "name":
            return str(node.detail)
        case "size":
            return str(node.detail)
        case "number":
            return str(node.detail) if getattr(node.detail, "is_Integer", False) and int(node.detail) >= 0 else ""  # type: ignore[call-overload]
        case "power":
            if parts[1] in ("2", "3"):
                return f"{parts[0]}_{'squared' if parts[1] == '2' else 'cubed'}"
            return f"{parts[0]}_to_{parts[1]}"
        case "add":
            return "_plus_".join(parts)
        case "subtract":
            return f"{parts[0]}_minus_{parts[1]}"
        case "divide":
            return f"{parts[0]}_over_{parts[1]}"
        case "multiply":
            return "_".join(parts)
        case "matmul":
            both = all(len(operand.shape) == 1 for operand in node.operands)
            return (f"squared_norm_{parts[0]}" if parts[0] == parts[1] else f"{parts[0]}_dot_{parts[1]}") if both else "_".join(parts)
        case "call":
            return f"norm_{parts[0][13:]}" if node.detail == "sqrt" and parts[0].startswith("squared_norm_") else f"{node.detail}_{parts[0]}"
        case "total":
            return f"sum_{parts[0]}"
        case "transpose":
            return f"{parts[0]}_T"
    return ""


def fresh_name(name: str, used: set[str]) -> str:
    """The name, numbered when it is used already; it is used from then on."""
    if not name.isidentifier():
        name = "shared"
    candidate, n = name, 1
    while candidate in used:
        n += 1
        candidate = f"{name}_{n}"
    used.add(candidate)
    return candidate
