"""Conservation laws for all sizes at once, found in index notation by linear algebra, and each proved by the kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import sympy as sp

from proofs_check.exact import all_sizes
from proofs_check.kernel.index import Algebra, Poly
from proofs_check.kernel.language import Rejected
from proofs_check.verdicts import Finding
from theory.settings import Setting
from theory.statements import Evolves, Part
from theory.symbols import Family, Indices, Variable, total
from theory.trees import Unstatable

from .entrywise import entry_laws, sites
from .forgetting import Data, on_spheres
from .opened import OWN, Motion, constant_definitions, motion, with_time
from .quadratic import Found, polynomial_laws
from .reading import expression, letters
from .templates import linear_in_kernels, template_laws


@dataclass(frozen=True)
class GeneralLaw:
    """Let $Q$ be a family of functions of the parameters: along every flow of the setting, $\\frac d{dt} Q = 0$, for all sizes.

    `setting` holds the law's own constants (a vector $z$) and hypotheses ($A z = 0$); `finding` carries the certificate that the kernel accepted.
    """

    setting: Setting
    quantity: Family
    kind: str
    finding: Finding
    origin: str


@dataclass
class _Search:
    """What one search knows as it goes on."""

    setting: Setting
    motion: Motion
    tell: Callable[[str], None]
    known: list[Found] = field(default_factory=list)
    data: frozenset[str] | None = None  # the names of the data whose kernel is spoken of; all when None


def general_laws(setting: Setting, *, report: Callable[[str], None] | None = None) -> Iterator[GeneralLaw]:
    """Let a setting have a flow: families of functions that it conserves whatever the loss, for all sizes, each as soon as it is proved.

    Looked for are, in this order: blocks that stay; quadratic contractions of the blocks, with exp(c t) where the flow has a drift; linear ones;
    functions of single entries; and sums against the kernel of the data. `report` is told in sentences what is looked for and what was not proved.

    Raises `ValueError` when the setting has no flow. A flow without a normal form has no laws here; `report` is told why.
    """
    tell = report or (lambda _: None)
    try:
        found = motion(setting)
    except (NotImplementedError, Unstatable, Rejected) as error:
        tell(f"index notation does not apply: {error}")
        return
    search = _Search(setting, found, tell)
    stages = [(stage, search) for stage in (_resting, _polynomials, _entries, _linear_templates, _templates)]
    if constants := frozenset(constant_definitions(setting)):
        named = _Search(setting, motion(setting, opaque=True), tell, search.known, constants)
        stages += [(stage, named) for stage in (_linear_templates, _templates)]
    for stage, told in stages:
        told.motion = replace(told.motion, algebra=Algebra(told.motion.statement))  # the kernel counts the work done in one algebra
        try:
            yield from stage(told)
        except (Rejected, Unstatable, NotImplementedError, ArithmeticError) as error:
            tell(f"the search {(stage.__doc__ or '').strip().rstrip('.')} stopped: {error}")


def _resting(search: _Search) -> Iterator[GeneralLaw]:
    """for blocks that stay."""
    for block in search.motion.blocks:
        if not search.motion.velocities[block.name].value:
            own = tuple(zip(letters(search.setting, len(block.shape)), block.shape, strict=True))
            yield from _proved(search, search.setting, Family(own, block[tuple(name for name, _ in own)]), "linear", "the block does not move")


def _polynomials(search: _Search) -> Iterator[GeneralLaw]:
    """for quadratic and linear contractions."""
    forget = on_spheres(search.motion)
    for degree, kind in ((2, "quadratic"), (1, "linear")):
        search.tell(f"{kind} contractions of the blocks")
        for law in polynomial_laws(search.motion, forget, degree, search.known if degree == 2 else ()):
            names = _names(search, law.sizes)
            _, time = with_time(search.setting)
            factor = sp.exp(expression(search.setting, law.growth, {}) * time[()])
            value = factor * _upright(expression(search.setting, law.value, dict(zip(OWN, names, strict=False))))
            family = Family(_indices(search, names, law.sizes), value)
            for proved in _proved(
                search, search.setting, family, kind, f"a rational combination of {kind} contractions, by linear algebra on their rates"
            ):
                search.known.append(law)
                yield proved


def _entries(search: _Search) -> Iterator[GeneralLaw]:
    """for functions of single entries."""
    search.tell("functions of the entries at one index")
    for site in sites(search.motion):
        names = _names(search, site.sizes)
        for value, written in entry_laws(search.motion, site, search.known, dict(zip(OWN, names, strict=False))):
            shown = _upright(written)
            origin = "a rational combination of logarithms and powers of the entries at one index"
            for proved in _proved(search, search.setting, Family(_indices(search, names, site.sizes), shown), kind_of(shown), origin):
                search.known.append(Found(site.sizes, value, Poly({})))
                yield proved


def _linear_templates(search: _Search) -> Iterator[GeneralLaw]:
    """for linear functions of matrices that the data cannot see."""
    search.tell("rows and columns of the blocks against the kernel of data")
    for data, sizes, poly in linear_in_kernels(search.motion):
        if search.data is not None and data.name not in search.data:
            continue
        names = _names(search, (0, *sizes))
        shown = expression(search.setting, poly, dict(zip(OWN, names, strict=False)))
        origin = f"the index moves with {data.name} alone"
        yield from _summed(search, data, names[:1], Family(_indices(search, names[1:], sizes), shown), "linear", origin)


def _templates(search: _Search) -> Iterator[GeneralLaw]:
    """for functions of entries that the data cannot see."""
    search.tell("functions of the entries summed against the kernel of data")
    for site in sites(search.motion):
        names = _names(search, site.sizes)
        for found in template_laws(search.motion, site, search.known, dict(zip(OWN, names, strict=False)), search.data):
            origin = f"its rate at an index is {found.data.name} there times what is common to all indices"
            yield from _summed(search, found.data, names, Family((), _upright(found.shown)), kind_of(found.shown), origin)


def _summed(search: _Search, data: Data, names: tuple[sp.Symbol, ...], law: Family, kind: str, origin: str) -> Iterator[GeneralLaw]:
    """The sum of z times a family over the named indices, for z in the kernel of the data."""
    setting = search.setting
    given = setting[data.name]
    constant = given if isinstance(given, Variable) else given.variable
    shape = tuple(constant.shape[axis] for axis in data.axes)
    taken = {entry.name for entry in (*setting.variables, *setting.definitions, *setting.sizes)} | {str(name) for name, _ in law.indices}
    name = next(name for name in ("z", "zeta", *(f"z{n}" for n in range(1, 100))) if name not in taken)
    z = Variable(name, shape)
    entries = _entries_of(constant, data, names, search)
    others = tuple((entry, length) for n, (entry, length) in enumerate(zip(entries, constant.shape, strict=True)) if n not in data.axes)
    over = tuple(zip(names, shape, strict=True))
    zero = Family(others, total(constant[entries] * z[names], *over))
    quantity = Family(law.indices, total(z[names] * law.value, *over))
    yield from _proved(search, setting.having(z, hypotheses=(zero,)), quantity, kind, origin)


def _entries_of(constant: Variable, data: Data, names: tuple[sp.Symbol, ...], search: _Search) -> tuple[sp.Symbol, ...]:
    spare = iter(letters(search.setting, len(constant.shape), frozenset(str(name) for name in names)))
    own = dict(zip(data.axes, names, strict=True))
    return tuple(own[axis] if axis in own else next(spare) for axis in range(len(constant.shape)))


def _proved(search: _Search, setting: Setting, quantity: Family, kind: str, origin: str) -> Iterator[GeneralLaw]:
    """The law, if the kernel accepts it."""
    timed, time = with_time(setting)
    if quantity.value.has(time[()]):
        setting = timed
    finding = all_sizes(Part(setting, Evolves(quantity.value, indices=quantity.indices)), expected=setting is search.setting)
    if finding.outcome == "proved":
        yield GeneralLaw(setting, quantity, kind, finding, origin)
    else:
        search.tell(f"{quantity.value} was expected to be conserved, and is not proved: {finding.reason}")


def _names(search: _Search, sizes: tuple[object, ...]) -> tuple[sp.Symbol, ...]:
    return letters(search.setting, len(sizes))


def _indices(search: _Search, names: tuple[sp.Symbol, ...], sizes: tuple[str | int, ...]) -> Indices:
    known = {str(symbol): symbol for symbol in search.setting.sizes}
    return tuple((name, sp.Integer(size) if isinstance(size, int) else known[size]) for name, size in zip(names, sizes, strict=True))


def _upright(value: sp.Expr) -> sp.Expr:
    """The expression or its negative, whichever is written without a minus sign in front."""
    return -value if str(value).startswith("-") else value


def kind_of(value: sp.Expr) -> str:
    """A word for the functions in a law."""
    for function, word in ((sp.atan, "arctangent"), (sp.asinh, "inverse hyperbolic sine"), (sp.exp, "exponential"), (sp.log, "logarithm")):
        if value.has(function):
            return word
    return "linear" if isinstance(value, sp.Indexed) else "power"
