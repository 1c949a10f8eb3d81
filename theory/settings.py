"""Spaces, flows and settings: what a statement speaks about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import TypeAlias

import sympy as sp

from .calculus import gradient, tidy
from .symbols import Family, Variable, away_from, total

Values: TypeAlias = Fraction | tuple["Values", ...]


@dataclass(frozen=True)
class Space:
    """Let $\\theta$ be the named blocks of parameters; the blocks of each sphere satisfy $\\sum \\theta^2 = 1$ together."""

    parameters: tuple[Variable, ...]
    spheres: tuple[tuple[str, ...], ...] = ()

    def __getitem__(self, name: str) -> Variable:
        for variable in self.parameters:
            if variable.name == name:
                return variable
        raise KeyError(f"the space has the blocks {', '.join(v.name for v in self.parameters)}, and no {name!r}")


@dataclass(frozen=True)
class Definition:
    """Let name[i...] stand for an expression."""

    name: str
    family: Family

    @cached_property
    def variable(self) -> Variable:
        return Variable(self.name, tuple(length for _, length in self.family.indices), "parameter")

    def __getitem__(self, entries: sp.Expr | int | tuple[sp.Expr | int, ...]) -> sp.Expr:
        return self.variable[entries]


@dataclass(frozen=True)
class Flow:
    """$\\dot\\theta = -\\mathrm{rate}\\cdot P\\,\\nabla_\\theta\\,\\mathrm{pairing} + \\mathrm{drift}$.

    The pairing $\\sum_i G_i x_i(\\theta)$ is differentiated with the names in `held` fixed; $P$ projects each sphere's blocks on its tangent space.
    """

    space: Space
    pairing: sp.Expr
    held: tuple[str, ...]
    rates: Mapping[str, Family]
    drift: Mapping[str, Family] = field(default_factory=dict)

    @cached_property
    def gradient(self) -> Mapping[str, Family]:
        """Block by block, the derivative of the pairing."""
        return {
            block.name: gradient(self.pairing, block, self.rates[block.name].indices) for block in self.space.parameters if block.name in self.rates
        }

    @cached_property
    def velocities(self) -> Mapping[str, Family]:
        """Block by block, the right side of the equations of motion."""
        found = {}
        for block in self.space.parameters:
            if block.name in self.rates:
                slope, rate = self.gradient[block.name], self.rates[block.name]
                own = tuple(name for name, _ in slope.indices)
                value = -rate.at(own) * (slope.value - self._radial_part(block, own))
                indices = slope.indices
            elif block.name in self.drift:
                indices, value = self.drift[block.name].indices, sp.S.Zero
                own = tuple(name for name, _ in indices)
            else:
                raise ValueError(f"the flow does not say how {block.name} moves: give it a rate or a drift")
            if block.name in self.drift:
                value += self.drift[block.name].at(own)
            found[block.name] = Family(indices, tidy(value, avoid=own))
        return found

    def _radial_part(self, block: Variable, own: tuple[sp.Symbol, ...]) -> sp.Expr:
        for group in self.space.spheres:
            if block.name in group:
                parts = []
                for name in group:
                    slope = self.gradient[name]
                    parts.append(total(self.space[name][tuple(i for i, _ in slope.indices)] * slope.value, *slope.indices))
                return block[own] * away_from(sp.Add(*parts), set(own))
        return sp.S.Zero


@dataclass(frozen=True)
class Instance:
    """Explicit sizes, and rational values for some of the constants: the second route to a proof."""

    sizes: Mapping[str, int]
    values: Mapping[str, Values] = field(default_factory=dict)


@dataclass(frozen=True)
class Setting:
    """Let variables, definitions and hypotheses be given, and perhaps a flow: all that a statement may mention.

    A hypothesis is a family of expressions that vanish. `instances` are the explicit sizes at which statements are proved a second time.
    """

    variables: tuple[Variable, ...]
    definitions: tuple[Definition, ...] = ()
    hypotheses: tuple[Family, ...] = ()
    flow: Flow | None = None
    instances: tuple[Instance, ...] = ()

    def having(
        self,
        *variables: Variable,
        definitions: tuple[Definition, ...] = (),
        hypotheses: tuple[Family, ...] = (),
    ) -> Setting:
        """The same setting with more in it."""
        return replace(
            self,
            variables=(*self.variables, *variables),
            definitions=(*self.definitions, *definitions),
            hypotheses=(*self.hypotheses, *hypotheses),
        )

    def along(self, flow: Flow) -> Setting:
        """The same setting with another flow."""
        return replace(self, flow=flow)

    @cached_property
    def sizes(self) -> tuple[sp.Symbol, ...]:
        """The symbolic sizes, in the order of their first use."""
        found: dict[sp.Symbol, None] = {}
        shapes = [variable.shape for variable in self.variables]
        shapes += [tuple(length for _, length in definition.family.indices) for definition in self.definitions]
        for length in (length for shape in shapes for length in shape):
            if isinstance(length, sp.Symbol):
                found[length] = None
        return tuple(found)

    def __getitem__(self, name: str) -> Variable | Definition:
        entries: tuple[Variable | Definition, ...] = (*self.variables, *self.definitions)
        for entry in entries:
            if entry.name == name:
                return entry
        raise KeyError(f"the setting has no {name!r}")

    def unfold(self, expression: sp.Expr, keep: tuple[str, ...] = ()) -> sp.Expr:
        """The expression with the definitions put in, except those to keep."""
        for definition in reversed(self.definitions):
            if definition.name not in keep:
                expression = substitute(expression, {definition.name: definition.family})
        return expression


def substitute(expression: sp.Expr, families: Mapping[str, Family]) -> sp.Expr:
    """The expression with every entry of the named tensors (or the named scalar) replaced by the member of its family."""

    def put(node: sp.Expr) -> sp.Expr:
        if isinstance(node, sp.Indexed) and node.base.name in families:
            return families[node.base.name].at(node.indices)
        if isinstance(node, sp.Symbol) and node.name in families:
            return families[node.name].value
        if isinstance(node, sp.Sum):
            taken = set().union(*(family.value.free_symbols - {i for i, _ in family.indices} for family in families.values()))
            node = away_from(node, taken)
            return sp.Sum(put(node.function), *node.limits)
        if isinstance(node, sp.Indexed) or not node.args:
            return node
        return node.func(*(put(arg) for arg in node.args))

    return put(expression)


def family(value: sp.Expr, *indices: tuple[sp.Symbol, sp.Expr]) -> Family:
    """A family from an expression and its indices with their sizes."""
    return Family(tuple(indices), sp.sympify(value))
