"""Laws that are integrals along the curves of blocks.

Let blocks B of coordinates move with $X_i = g_i(x_B)\\, s_B$ (`blocks`), and let each have one law less than it has entries, in its own
coordinates alone. On a common level set of these laws the block is a curve, and $d\\tau_B = d\\xi_B / g_{\\xi_B}$ is the time that the block has
seen. For numbers z with $\\sum_B z_B s_B = 0$ the form $\\omega = \\sum_B z_B\\, d\\tau_B$ vanishes on the flow. It is closed on the level sets,
since there it is a sum of forms in one variable each; so it is the differential of a function, and this function, $\\sum_B z_B \\tau_B$, is a law
near every point where $\\omega$ is defined and the differentials of the laws are independent. Around a loop of a curve it may change its value.

Where the integral can be read off, or its constants can be taken out in front of it, the law is proposed as a formula for the kernel to prove.
Otherwise the kernel proves that the form vanishes on the flow (`quadrature_certificate`); that it is closed follows as said here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from math import gcd, lcm
from typing import Any

import numpy as np
import sympy as sp

from proofs_check.division import certify
from proofs_check.kernel.language import read_statement
from proofs_check.kernel.laws import Row
from proofs_check.kernel.quadrature import form_statement, velocity_statement
from theory.statements import Complete, Part, statement_tree
from theory.trees import declared_names, tree

from ..explicit.candidate import Candidate
from ..explicit.modular import Array, P, rank
from ..explicit.system import Points, System, evaluated, gradient, independent, is_law
from .antiderivatives import antiderivatives
from .blocks import Block, blocks, relations
from .leaves import Leaf, flattened, leaf, spelled

LARGEST = 200  # coordinates
CHECKS = 12  # random points at which everything is tried once more
MOST_REGIONS = 64
ORIGIN = "the times that blocks of coordinates have seen on their curves, combined so that their speeds cancel"


@dataclass(frozen=True)
class Quadrature:
    """Let `form` be $\\omega$, by its components in the symbols of the system: closed on the level sets of `laws_used`, and zero on the flow.

    Each component depends on its block alone, and on what stands still; `blocks` has the entries of each, which are one more than its laws.
    `expression` is $\\sum_B z_B \\tau_B$ as integrals in one variable each, in the symbols of the entries and of the `constants`, which are the
    values of the laws used; where a curve could not be solved for, the integrand is left in all coordinates of the block.
    """

    system: System = field(repr=False)
    expression: sp.Expr
    form: Mapping[sp.Symbol, sp.Expr]
    blocks: tuple[tuple[sp.Symbol, ...], ...]
    laws_used: tuple[sp.Expr, ...]
    constants: Mapping[sp.Symbol, sp.Expr]
    text: str
    latex: str
    origin: str

    def covector(self, points: Points) -> Array:
        """The components of $\\omega$ by all coordinates, modulo p, a column for each point."""
        return _covector(self.system, self.form, points)


@dataclass(frozen=True)
class _Time:
    """The time of a block: $d\\tau = d\\xi/g$, with its integral as formulas if there are some (each for a region), and as an integral."""

    block: Block
    along: sp.Symbol
    slope: sp.Expr
    laws: tuple[sp.Expr, ...]
    formulas: tuple[sp.Expr, ...]
    leaf: Leaf | None


def space(system: System) -> str:
    """What is searched, in words."""
    return f"integrals along the curves of blocks of the {system.dimension} coordinates, for blocks with all laws of their own but one"


def quadratures(system: System, known: Sequence[sp.Expr], *, random: np.random.Generator, largest: int = LARGEST) -> Iterator[Quadrature | Candidate]:
    """The laws $\\sum_B z_B \\tau_B$ that are independent of the known ones: formulas where the integrals can be read off, otherwise quadratures.

    A law with formulas for several regions is proposed once for each. Nothing is proposed for systems of more than `largest` coordinates.
    """
    if system.dimension > largest:
        return
    known = [law for law in known if law.free_symbols <= set(system.symbols)]
    times = [time for block in blocks(system, random) for time in [_time(system, block, known, random)] if time is not None]
    point = system.on_domain(1, random)
    rows = [gradient(system, law, point, random)[:, 0] for law in known]
    for z in relations(system, [time.block for time in times], random) if times else ():
        used = [(number, time) for number, time in zip(z, times, strict=True) if number]
        form = {time.along: sp.factor(number / time.slope) for number, time in used}
        row = _covector(system, form, point)[:, 0]
        if _rank(system, [*rows, row], point) == _rank(system, rows, point):
            continue
        rows.append(row)
        found = _quadrature(system, used, form)
        if is_quadrature(found, random):
            if all(time.formulas for _, time in used):
                yield from _candidates(system, used)
            else:
                yield found


def is_quadrature(quadrature: Quadrature, random: np.random.Generator) -> bool:
    """Whether at random points modulo p everything holds that makes the form the differential of a law on the level sets of the laws used."""
    system = quadrature.system
    points, there = system.random(CHECKS, random), system.on_domain(CHECKS, random)
    if ((quadrature.covector(points) * system.velocity(points) % P).sum(axis=0) % P).any():
        return False
    if not all(is_law(system, law, there, random) for law in quadrature.laws_used):
        return False
    return all(_closed(quadrature, symbol, random) for symbol in quadrature.form)


def _closed(quadrature: Quadrature, along: sp.Symbol, random: np.random.Generator) -> bool:
    """Whether the component depends on its block alone, and the block has all laws of its own but one: their level sets are curves."""
    system = quadrature.system
    block = next((block for block in quadrature.blocks if along in block), ())
    functions, still = spelled(system), set(system.symbols[len(system.moving) : len(system.places)])

    def entries(expression: sp.Expr) -> set[sp.Symbol]:
        return set(expression.xreplace(functions).free_symbols) - still

    own = [law for law in quadrature.laws_used if entries(law) <= set(block)]
    return bool(block) and entries(quadrature.form[along]) <= set(block) and len(independent(system, own, random)) == len(block) - 1


def quadrature_certificate(quadrature: Quadrature, point: Any, laws: Sequence[Sequence[Row]]) -> dict[str, Any]:
    """What the kernel needs for the law of a quadrature, beside the laws of a count, which are given by their gradients at the point.

    The velocities of the coordinates along the curves are proved at the sizes and values of the system, and that $\\omega$ of these velocities is
    zero; that the form is closed on the level sets the kernel sees for itself. Raises `Rejected` where one of these is not proved, and
    `Unstatable` for what cannot be written down.
    """
    system, setting = quadrature.system, quadrature.system.setting
    declared = declared_names(setting)
    counted = statement_tree(Part(setting, Complete(0, ())))
    instance = {"sizes": point["sizes"], "values": {name: point["values"][name] for name in system.values}}
    parts = []
    for along, component in quadrature.form.items():
        velocity = system.expression(system.motion.velocities[system.moving[system.symbols.index(along)]])
        meant = {"along": system.meanings[along], "component": system.meant(component), "velocity": velocity}
        part = {key: tree(expression, declared) for key, expression in meant.items()}
        parts.append({**part, "cofactors": certify(read_statement(velocity_statement(counted, part)), instance)["cofactors"]})
    cofactors = certify(read_statement(form_statement(counted, parts)), instance)["cofactors"]
    blocks = [{system.places[system.symbols.index(symbol)] for symbol in block} for block in quadrature.blocks]
    used = [
        [number, row.choice, list(row.entry)]
        for number, rows in enumerate(laws)
        for row in rows
        if (places := row.places) and any(places <= block for block in blocks)
    ]
    return {"instance": instance, "form": parts, "cofactors": cofactors, "laws": used}


def _covector(system: System, form: Mapping[sp.Symbol, sp.Expr], points: Points) -> Array:
    at = dict(zip(system.symbols, points.x, strict=True))
    result = np.zeros((system.dimension, points.count), dtype=np.int64)
    rows = [system.symbols.index(symbol) for symbol in form]
    result[rows] = evaluated(list(form.values()), at, np.random.default_rng(0))
    return result


def _rank(system: System, rows: Sequence[Array], point: Points) -> int:
    """The rank of covectors by what moves."""
    if not rows:
        return 0
    jacobian = system.jacobian(point)[:, :, 0]
    moved = [[sum(int(a) * int(b) for a, b in zip(row, column, strict=True)) % P for column in jacobian.T] for row in rows]
    return rank(np.array(moved, dtype=np.int64))


def _time(system: System, block: Block, known: Sequence[sp.Expr], random: np.random.Generator) -> _Time | None:
    """The time of a block that has laws enough; along the coordinate for which the integral is simplest."""
    laws = _own_laws(system, block, known, random)
    if laws is None:
        return None
    times = [time for k in block.entries for time in [_along(system, block, system.symbols[k], laws)]]
    with_formulas = [time for time in times if time.formulas]
    if with_formulas:
        return min(with_formulas, key=lambda time: (time.formulas[0].has(sp.Integral), len(time.formulas), sp.count_ops(time.formulas[0])))
    return min(times, key=lambda time: (time.leaf is None, sp.count_ops(time.leaf.on(time.slope)) if time.leaf else 0))


def _own_laws(system: System, block: Block, known: Sequence[sp.Expr], random: np.random.Generator) -> tuple[sp.Expr, ...] | None:
    """Independent laws in the coordinates of a block alone, one less than its entries."""
    still = set(system.symbols[len(system.moving) : len(system.places)])
    members = {system.symbols[k] for k in block.members}
    functions = spelled(system)
    own = [law.xreplace(functions) for law in known if law.free_symbols <= members | still and law.free_symbols & members]
    own.sort(key=sp.count_ops)
    chosen = [own[n] for n in independent(system, own, random)]
    return tuple(chosen) if len(chosen) == len(block.entries) - 1 else None


def _along(system: System, block: Block, along: sp.Symbol, laws: tuple[sp.Expr, ...]) -> _Time:
    slope = block.fields[system.symbols.index(along)]
    curve = leaf([system.symbols[k] for k in block.entries], along, laws)
    formulas: tuple[sp.Expr, ...] = ()
    if curve is not None:
        f = flattened(curve.on(1 / slope.xreplace(spelled(system))))
        formulas = tuple(curve.off(formula) for formula in antiderivatives(f, curve.along)) or tuple(_in_front(curve, f))
    return _Time(block, along, slope, laws, formulas, curve)


def _in_front(curve: Leaf, f: sp.Expr) -> Iterator[sp.Expr]:
    """The integral from 0, where the constants can be taken out in front of it and its integrand is a number at 0."""
    x = curve.along
    apart = sp.expand_power_exp(sp.powsimp(f).replace(lambda node: isinstance(node, sp.exp), lambda node: sp.exp(sp.expand(node.args[0]))))
    outside, inside = apart.as_independent(x, as_Add=False)
    if inside.free_symbols == {x} and inside.subs(x, 0).is_positive:
        s = sp.Symbol("s", real=True)
        front = curve.off(sp.powsimp(outside))
        end = curve.off(x)
        yield front * sp.Integral(inside.xreplace({x: s}), (s, 0, end))


def _candidates(system: System, used: Sequence[tuple[int, _Time]]) -> Iterator[Candidate]:
    for chosen in islice(product(*(time.formulas for _, time in used)), MOST_REGIONS):
        law = _scaled([number * formula for (number, _), formula in zip(used, chosen, strict=True)])
        law = law.replace(sp.log, lambda a: sp.log(a if _positive(system, a) else sp.Abs(a)))
        yield Candidate(law, _kind(law), ORIGIN)


def _positive(system: System, expression: sp.Expr) -> bool:
    """Whether an expression is positive where it is defined, by the signs of the entries; roots that are not zero are."""
    meant = system.meant(expression)
    return bool(meant.replace(lambda a: isinstance(a, sp.Pow) and a.exp == sp.S.Half, lambda a: sp.Dummy(positive=True)).is_positive)


def _kind(law: sp.Expr) -> str:
    """One word for a formula: for the least elementary function in it."""
    words = ((sp.Integral, "integral"), (sp.asinh, "logarithm"), (sp.log, "logarithm"), (sp.atan, "arctangent"), (sp.exp, "exponential"))
    return next((word for function, word in words if law.has(function)), "rational" if law.is_rational_function() else "algebraic")


def _scaled(terms: Sequence[sp.Expr]) -> sp.Expr:
    """The sum, divided by the numeric factor of its first term and multiplied by what makes the others coprime integers if they are rational."""
    factors = [sp.factor_terms(term).as_independent(*term.free_symbols, as_Add=False) for term in terms]
    quotients = [sp.radsimp(number / factors[0][0]) for number, _ in factors]
    if not all(quotient.is_Rational for quotient in quotients):
        return sp.Add(*terms)
    whole = sp.Rational(lcm(*(int(quotient.q) for quotient in quotients)), gcd(*(int(quotient.p) for quotient in quotients)))
    return sp.Add(*(quotient * whole * rest for quotient, (_, rest) in zip(quotients, factors, strict=True)))


def _quadrature(system: System, used: Sequence[tuple[int, _Time]], form: Mapping[sp.Symbol, sp.Expr]) -> Quadrature:
    total, constants, text, latex = sp.S.Zero, dict[sp.Symbol, sp.Expr](), list[str](), list[str]()
    laws: list[sp.Expr] = []
    for number, time in used:
        mine = [sp.Symbol(f"C_{len(laws) + n}", real=True) for n in range(len(time.laws))]
        constants |= dict(zip(mine, time.laws, strict=True))
        laws += time.laws
        total += number * _integral(system, time, mine)
        meant = system.meanings[time.along]
        integrand = system.meant(1 / time.slope)
        text.append(f"{_coefficient(number, first=not text)}integral of ({integrand}) d({meant})")
        latex.append(f"{_coefficient(number, first=not latex, sign='')}\\int {sp.latex(integrand)}\\, d{sp.latex(meant)}")
    levels = [system.meant(law) for law in laws]
    if levels:
        text.append(f", on the curves where {', '.join(map(str, levels))} {'is' if len(levels) == 1 else 'are'} constant")
        latex.append("\\quad\\text{where } " + ",\\ ".join(map(sp.latex, levels)) + " \\text{ are constant}")
    entries = tuple(tuple(system.symbols[k] for k in time.block.entries) for _, time in used)
    return Quadrature(system, total, form, entries, tuple(laws), constants, "".join(text), " ".join(latex), ORIGIN)


def _integral(system: System, time: _Time, constants: Sequence[sp.Symbol]) -> sp.Expr:
    s = sp.Symbol("s", real=True)
    if time.leaf is None:
        return sp.Integral((1 / time.slope).xreplace(spelled(system)), time.along)
    f = flattened(time.leaf.on(1 / time.slope.xreplace(spelled(system))))
    renamed = dict(zip(time.leaf.constants, constants, strict=True))
    back = {new: old for old, new in time.leaf.names.items() if new != time.leaf.along}
    return sp.Integral(f.xreplace({time.leaf.along: s} | renamed | back), (s, time.along))


def _coefficient(number: int, *, first: bool, sign: str = "*") -> str:
    """A factor with its sign, as it stands in a sum."""
    before = ("" if first else " + ") if number > 0 else ("-" if first else " - ")
    return before + (f"{abs(number)}{sign}" if abs(number) != 1 else "")
