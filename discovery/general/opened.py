"""The equations of motion in the kernel's normal form, with the loss left open.

A law common to all losses cannot use what the loss is: of the gradient at the prediction, only what is linear in the data is kept (G = A^T nu), and
what it is applied to (nu) becomes an unknown function of time. Nothing here is trusted; the kernel is given the flow as it was stated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import sympy as sp
from flint import fmpq

from proofs_check.kernel.index import Algebra, Atom, Poly, Term, add, constant, entry, of_atom, scale, subtract
from proofs_check.kernel.language import Family, Index, Statement, read_family, read_statement
from theory.settings import Setting
from theory.statements import Evolves, Part, gradient_tree, statement_tree
from theory.symbols import Variable

OWN = ("@0", "@1", "@2", "@3", "@4")  # names for free indices that no setting can declare


@dataclass(frozen=True)
class Member:
    """A polynomial for every value of the named indices."""

    names: tuple[str, ...]
    value: Poly


@dataclass(frozen=True)
class Motion:
    """Let $\\dot\\theta_b = v_b(\\theta, \\nu)$ be the flow, block by block, in index polynomials.

    `rates[b]` is the constant part of the block's learning rate, `decays[b]` the constant $\\lambda$ of a term $-\\lambda\\theta_b$ in its velocity;
    `degrees` are the constants that occur in exponents, and `time` is what time is called.
    """

    setting: Setting
    statement: Statement
    algebra: Algebra
    blocks: tuple[Variable, ...]
    velocities: Mapping[str, Member]
    rates: Mapping[str, Member]
    decays: Mapping[str, Poly]
    degrees: tuple[Atom, ...]
    time: str

    def at(self, member: Member, indices: tuple[Index, ...]) -> Poly:
        """The member of a family at the given indices."""
        return self.algebra.rename(member.value, dict(zip(member.names, indices, strict=True)))

    def change(self, poly: Poly) -> Poly:
        """The derivative along the flow, time included."""
        return self.algebra.derivative(poly, self._velocity)

    def _velocity(self, name: str, indices: tuple[Index, ...]) -> Poly:
        if name in self.velocities:
            return self.at(self.velocities[name], indices)
        symbol = self.statement.symbols.get(name)
        return constant(1 if symbol and symbol.role == "time" else 0)


def motion(setting: Setting, *, opaque: bool = False) -> Motion:
    """Let a setting have a flow: its equations of motion, the loss left open.

    With `opaque`, definitions in constants alone are left as names: a skew matrix B - B^T is then data whose kernel can be spoken of.

    Raises `ValueError` when the setting has no flow, `NotImplementedError`, `Unstatable` or `Rejected` when the flow has no normal form.
    """
    flow = setting.flow
    if flow is None:
        raise ValueError("conservation laws are looked for along a flow, and the setting has none")
    setting, time = with_time(opened(setting, opaque=opaque))
    statement = read_statement(statement_tree(Part(setting, Evolves(sp.S.Zero))))
    algebra = Algebra(statement)
    assert statement.flow is not None
    slopes = {name: _member(algebra, read_family(statement, node)) for name, node in gradient_tree(setting).items()}
    for group in statement.flow.spheres:
        radial = []
        for name in group:
            own, size = slopes[name].names[0], statement.symbols[name].shape[0]
            radial.append(algebra.total(own, size, algebra.multiply(entry(name, (own,)), slopes[name].value)))
        for name in group:
            own = slopes[name].names[0]
            slopes[name] = Member((own,), subtract(slopes[name].value, algebra.multiply(entry(name, (own,)), add(*radial))))
    rates = {name: _member(algebra, family) for name, family in statement.flow.rates.items()}
    drift = {name: _member(algebra, family) for name, family in statement.flow.drift.items()}
    velocities, decays = {}, {}
    for block in flow.space.parameters:
        name, names = block.name, OWN[: len(block.shape)]
        velocity = constant(0)
        if name in slopes:
            velocity = scale(algebra.multiply(_renamed(algebra, rates[name], names), _renamed(algebra, slopes[name], names)), fmpq(-1))
        if name in drift:
            velocity = add(velocity, _renamed(algebra, drift[name], names))
        velocities[name] = Member(names, algebra.cleared(velocity))
        decays[name] = _decay(algebra, velocities[name].value, entry(name, names))
    found = Motion(setting, statement, algebra, flow.space.parameters, velocities, {}, decays, _degrees(velocities), time.name)
    return replace(found, rates={block.name: _constant_part(algebra, block, rates) for block in flow.space.parameters})


def opened(setting: Setting, *, opaque: bool = False) -> Setting:
    """The setting with what the loss makes of the prediction replaced by unknown functions of time.

    The held gradient keeps its definition as long as that is linear in one other name: of G = A^T nu with nu = A x - y, only nu is opened.
    """
    flow = setting.flow
    assert flow is not None
    defined = {definition.name: definition for definition in setting.definitions}
    constants = {variable.name for variable in setting.variables if variable.role == "constant"} | {str(length) for length in setting.sizes}
    unknown: set[str] = set()
    for name in flow.held:
        while name in defined:
            carrier = _carrier(defined[name].family.value, constants)
            if carrier is None:
                unknown.add(name)
                break
            name = carrier
    variables = tuple(Variable(name, tuple(size for _, size in defined[name].family.indices), "cotangent") for name in sorted(unknown))
    still = constant_definitions(setting) if opaque else ()
    variables += tuple(Variable(name, tuple(size for _, size in defined[name].family.indices), "constant") for name in still)
    kept = tuple(definition for definition in setting.definitions if definition.name not in unknown | set(still))
    return replace(setting, variables=(*setting.variables, *variables), definitions=kept)


def with_time(setting: Setting) -> tuple[Setting, Variable]:
    """The setting with a variable for time, which may have been there, and that variable."""
    for variable in setting.variables:
        if variable.role == "time":
            return setting, variable
    taken = {entry.name for entry in (*setting.variables, *setting.definitions, *setting.sizes)}
    time = Variable(next(name for name in ("t", "time", *(f"t{n}" for n in range(100))) if name not in taken), (), "time", "nonnegative")
    return setting.having(time), time


def constant_definitions(setting: Setting) -> tuple[str, ...]:
    """The definitions that mention constants alone, and stand for tensors."""
    constants = {variable.name for variable in setting.variables if variable.role == "constant"} | {str(length) for length in setting.sizes}
    found: list[str] = []
    for definition in setting.definitions:
        held = setting.flow is not None and definition.name in setting.flow.held
        if (
            not held
            and definition.family.indices
            and _names_in(definition.family.value) <= constants | {str(name) for name, _ in definition.family.indices}
        ):
            found.append(definition.name)
            constants.add(definition.name)
    return tuple(found)


def _names_in(value: sp.Expr) -> set[str]:
    """The names of symbols and tensors that occur free."""
    tensors = {node.base.name for node in value.atoms(sp.Indexed)}
    return tensors | {symbol.name for symbol in value.free_symbols if isinstance(symbol, sp.Symbol)}


def _carrier(value: sp.Expr, constants: set[str]) -> str | None:
    """The name in which a sum of products is linear, all else being constant; None when there is no such name."""
    while isinstance(value, sp.Sum):
        value = value.function
    moving = []
    for factor in sp.Mul.make_args(value):
        names = {node.base.name if isinstance(node, sp.Indexed) else node.name for node in factor.atoms(sp.Indexed) or factor.atoms(sp.Symbol)}
        if not names <= constants:
            moving.append(factor)
    if len(moving) != 1 or not isinstance(moving[0], sp.Indexed | sp.Symbol):
        return None
    return str(moving[0].base.name if isinstance(moving[0], sp.Indexed) else moving[0].name)


def _member(algebra: Algebra, family: Family) -> Member:
    return Member(tuple(name for name, _ in family.indices), algebra.of_tree(family.value))


def _renamed(algebra: Algebra, member: Member, names: tuple[str, ...]) -> Poly:
    return algebra.rename(member.value, dict(zip(member.names, names, strict=True)))


def _degrees(velocities: Mapping[str, Member]) -> tuple[Atom, ...]:
    """The scalar constants in the exponents of the velocities."""
    found: dict[str, Atom] = {}
    for member in velocities.values():
        exponents = [e for term in member.value.terms for _, e in term.factors if isinstance(e, Poly)]
        found |= {atom.key: atom for exponent in exponents for atom in exponent.atoms() if atom.kind == "entry" and not atom.indices}
    return tuple(found.values())


def _decay(algebra: Algebra, velocity: Poly, own: Poly) -> Poly:
    """The constant with velocity = -constant * own + terms that are no constant multiples of it."""
    (atom,) = own.atoms()
    parts = {}
    for term, coefficient in velocity.terms.items():
        factors = dict(term.factors)
        if factors.pop(atom, None) == fmpq(1) and not term.bound and not term.power:
            rest = Term((), tuple(factors.items()), None)
            if not algebra.moves(Poly({rest: coefficient})):
                parts[rest] = -coefficient
    return Poly(parts)


def _constant_part(algebra: Algebra, block: Variable, rates: Mapping[str, Member]) -> Member:
    """The block's rate without the factors that move; 1 where there is none, or where it is a sum of terms that move."""
    own = OWN[: len(block.shape)]
    if block.name not in rates:
        return Member(own, constant(1))
    rate = _renamed(algebra, rates[block.name], own)
    if not rate:
        return Member(own, constant(1))
    if not algebra.moves(rate):
        return Member(own, rate)
    if len(rate.terms) == 1:
        ((term, coefficient),) = rate.terms.items()
        still = {atom: exponent for atom, exponent in term.factors if not algebra.moves(of_atom(atom, exponent))}
        return Member(own, algebra.canonical((), still, None, coefficient) if not term.bound else constant(1))
    return Member(own, constant(1))
