"""What has to be computed, and in which order, for the velocity of a flow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from keyword import iskeyword

import sympy as sp

from theory.settings import Setting
from theory.symbols import Family, Variable

from .errors import InvalidProblem, Unsupported

_RESERVED = ("np", "mp", "velocity", "len", "range", "abs")


@dataclass(frozen=True)
class Step:
    """Let `name` be computed from what stands before it: one definition of the setting, or the velocity of one block."""

    name: str
    family: Family

    @property
    def shape(self) -> tuple[sp.Expr, ...]:
        return tuple(length for _, length in self.family.indices)


@dataclass(frozen=True)
class Program:
    """Let $\\dot\\theta = v(\\theta)$: the parameters, the constants that $v$ really uses, and the steps that lead to it.

    The definitions stay named intermediates; none is unfolded, and none is computed that the velocities do not need.
    `sizes` are the symbolic lengths; `time` is the variable of time where the flow depends on it.
    """

    parameters: tuple[Variable, ...]
    inputs: tuple[Variable, ...]
    definitions: tuple[Step, ...]
    velocities: tuple[Step, ...]
    sizes: tuple[sp.Symbol, ...]
    time: Variable | None = None

    @property
    def steps(self) -> tuple[Step, ...]:
        return (*self.definitions, *self.velocities)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """All arguments of the velocity, time excepted."""
        return (*self.parameters, *self.inputs)

    @property
    def time_name(self) -> str:
        """The name of the time argument, which there is also when nothing depends on it."""
        if self.time is not None:
            return self.time.name
        return "t" if all(variable.name != "t" for variable in self.variables) else "time"


def program(setting: Setting) -> Program:
    """Let a setting with a flow be given: the program of its velocity.

    Raises `InvalidProblem` without a flow, and `Unsupported` when an expression mentions a name that the setting does not have.
    """
    if setting.flow is None:
        raise InvalidProblem("the setting has no flow and so no velocity; build it by gradient_flow, rederive, transport or vector_field")
    parameters = setting.flow.space.parameters
    velocities = tuple(Step(f"{block.name}_dot", setting.flow.velocities[block.name]) for block in parameters)
    needed = set().union(*(names_in(step.family) for step in velocities))
    definitions: list[Step] = []
    for definition in reversed(setting.definitions):
        if definition.name in needed:
            definitions.insert(0, Step(definition.name, definition.family))
            needed |= names_in(definition.family)
    computed = {step.name for step in definitions}
    blocks = {block.name for block in parameters}
    others = {v.name: v for v in setting.variables if v.name not in blocks | computed}
    sizes = _sizes(setting, parameters)
    unknown = needed - computed - blocks - set(others) - {length.name for length in sizes}
    if unknown:
        raise Unsupported(f"the velocity mentions {', '.join(sorted(unknown))}, which the setting does not declare; add the variable to it")
    inputs = tuple(v for v in others.values() if v.name in needed and v.role != "time")
    time = next((v for v in others.values() if v.role == "time"), None)
    names = [*blocks, *(v.name for v in inputs), *computed]
    for name in names:
        if not name.isidentifier() or iskeyword(name) or name in _RESERVED:
            other = f"{name}_" if name.isidentifier() else "w_plus"
            raise Unsupported(f"{name!r} cannot be the name of an argument in generated source; rename the variable, to {other!r} for instance")
        if name in {length.name for length in sizes}:
            raise Unsupported(f"{name!r} is the name of a size and of a variable; rename one of the two")
    return Program(tuple(parameters), inputs, tuple(definitions), velocities, sizes, time)


def names_in(family: Family) -> set[str]:
    """The names of the tensors and scalars that a family mentions, its indices excepted."""
    own = {index for index, _ in family.indices}
    return {symbol.name for symbol in leaves(family.value, own)}


def leaves(expression: sp.Expr, bound: Iterable[sp.Symbol] = ()) -> set[sp.Symbol]:
    """The symbols of an expression that no sum, integral or family binds, an entry u[i] counting as the symbol u."""
    hidden = set(bound)

    def visit(node: sp.Basic, hidden: set[sp.Symbol]) -> set[sp.Symbol]:
        if isinstance(node, sp.Indexed):
            inner: set[sp.Symbol] = set().union(*(visit(entry, hidden) for entry in node.indices))
            return {sp.Symbol(node.base.name)} | inner
        if isinstance(node, sp.Symbol):
            return set() if node in hidden else {node}
        if isinstance(node, sp.Sum | sp.Integral):
            found: set[sp.Symbol] = set().union(*(visit(bound, hidden) for limit in node.limits for bound in limit[1:]))
            return found | visit(node.function, hidden | set(node.variables))
        return set().union(*(visit(arg, hidden) for arg in node.args))

    return visit(expression, hidden)


def _sizes(setting: Setting, parameters: Sequence[Variable]) -> tuple[sp.Symbol, ...]:
    lengths = [length for block in parameters for length in block.shape if isinstance(length, sp.Symbol)]
    return tuple(dict.fromkeys([*setting.sizes, *lengths]))
