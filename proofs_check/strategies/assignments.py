"""Points of a setting: everything it declares has a rational value, and every hypothesis holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from hypothesis import reject
from hypothesis import strategies as st

from numerics.exact import Exact
from theory.settings import Instance, Setting, Space, Values

from ..instances import instances_of
from ..instances import sizes_of as tied_sizes
from ..sampling import NoPoint, Point, Sizes, _exponent_symbols, given_point
from .errors import Impossible
from .hypotheses import Solving, solved, solving
from .points import LARGEST_SIZE, draw_entries, draw_on_spheres, draw_sizes, known_sizes, tensor
from .rationals import HEIGHT

# Of parameters: small ones lie in the domains of log(1 - q), atanh and their like.
SCALES = (Fraction(1), Fraction(1, 8), Fraction(1, 3), Fraction(1, 100), Fraction(5))
EXPONENTS = (1, 2, 3, 4, 5)


def assignments(
    setting: Setting, *, sizes: Mapping[str, int] | None = None, values: Mapping[str, Values] | None = None, largest: int = LARGEST_SIZE
) -> st.SearchStrategy[tuple[dict[str, int], dict[str, Exact]]]:
    """Let every variable of a setting have a rational value, such that its sign, its sphere and every hypothesis of the setting hold exactly.

    What comes is a pair: the number of every symbolic size, and the value of every variable. Sizes that are not given are drawn, from 1 to the
    largest, the small ones first; variables with `values` keep them. Hypotheses are solved for a constant that enters linearly ($A z = 0$ for
    $A$, with $z$ drawn); only where a draw leaves them without a solution ($A x = y \\ne 0$ with $x = 0$) is it thrown away.

    Raises `Impossible` when no constant is left that the hypotheses could be solved for.
    """
    known_sizes([size.name for size in setting.sizes], sizes or {})
    return _assigned(recipe(setting, Instance(dict(sizes or {}), dict(values or {}))), largest)


@dataclass(frozen=True)
class Recipe:
    """A setting with some sizes and values given, and what has to be known of it to draw points."""

    setting: Setting
    given: Instance
    steps: tuple[Solving, ...]
    exponents: frozenset[str]


def recipe(setting: Setting, given: Instance) -> Recipe:
    """Raises `Impossible` where the hypotheses cannot be solved."""
    try:
        steps = solving(setting, given.values)
    except NoPoint as error:
        raise Impossible(f"the hypotheses of the setting cannot be met by drawing and solving: {error}") from None
    return Recipe(setting, given, steps, frozenset(symbol.name for symbol in _exponent_symbols(setting)))


@st.composite
def _assigned(draw: st.DrawFn, made: Recipe, largest: int) -> tuple[dict[str, int], dict[str, Exact]]:
    try:
        at, point = draw(located(made, largest))
    except NoPoint:
        reject()
    return dict(at.sizes), {v.name: tensor(v, Sizes(at.sizes), point) for v in made.setting.variables}


@st.composite
def located(draw: st.DrawFn, made: Recipe, largest: int) -> tuple[Instance, Point]:
    """The instance with all its sizes, and a point there. Raises `NoPoint` where what was drawn leaves the hypotheses without a solution."""
    setting, values = made.setting, made.given.values
    sizes = draw_sizes(draw, [size.name for size in setting.sizes], made.given.sizes, largest)
    space = setting.flow.space if setting.flow else Space(())
    spherical = {name for group in space.spheres for name in group}
    free = [variable for variable in setting.variables if variable.name not in spherical and variable.name not in values]
    scale = draw(st.sampled_from(SCALES)) if any(v.role == "parameter" for v in free) else Fraction(1)
    point = given_point(setting, sizes, values) | draw_on_spheres(draw, space, sizes)
    for variable in free:
        if variable.name in made.exponents and not variable.shape:
            point[variable.name, ()] = Fraction(draw(st.sampled_from(EXPONENTS)))
        else:
            drawn = draw_entries(draw, variable, sizes, HEIGHT)
            point |= {place: value * scale for place, value in drawn.items()} if variable.role == "parameter" else drawn
    for step in made.steps:
        point |= solved(step, sizes, point)
    return Instance(sizes.values, values), point


def tied(setting: Setting) -> tuple[Instance, ...]:
    """The setting's instances, without their sizes where no value is tied to these: a claim is for all sizes."""
    names = {variable.name for variable in setting.variables}
    found = []
    for instance in instances_of(setting):
        values = {name: value for name, value in instance.values.items() if name in names}
        found.append(Instance(tied_sizes(setting, instance) if any(isinstance(value, tuple) for value in values.values()) else {}, values))
    return tuple(found)
