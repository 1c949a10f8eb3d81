"""From [definitions], [model] and [flow] to a setting: what is predicted, what is lost, and how the parameters move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import comb, prod

import sympy as sp

from ..settings import Definition, Flow, Setting, Space
from ..symbols import Family, Variable, total
from .apart import apart, setting_apart, unused
from .errors import Document, Place, listed, shown
from .families import Pending, block_family, defined, expression_place, left_side
from .grammar import holds_equation, mentioned, parse, parse_equation
from .ground import Ground, names_in
from .loss_words import OURS, FileLoss, Names, check_word, expression_loss, is_word, word_loss
from .meaning import Scope, meaning
from .tables import Toml

KINDS = ("gradient", "field")
MOST_NESTED = 400  # parts of functions, roots and denominators, each as often as there are such around it
MOST_TERMS = 1_000  # of what is differentiated, multiplied out: deriving takes seconds there, and grows with the square
_UNCOUNTED = 1_000_000  # terms, from where on they are not counted
TIME = Variable("t", (), "time", "nonnegative")


@dataclass(frozen=True)
class World:
    """The setting of a file, the scope of its claims, and what must vanish where a field given outright is to keep its spheres."""

    setting: Setting
    scope: Scope
    tangent: tuple[tuple[tuple[str, ...], sp.Expr], ...]


def read_world(document: Document, tables: Mapping[str, Toml], ground: Ground) -> World:
    """The setting that the claims of a file speak about."""
    taken = dict(ground.taken)
    model, flow = tables.get("model", {}), tables.get("flow", {})
    pending = Pending(document, tables.get("definitions", {}), taken)
    output, alias, names = _output_name(document, model, ground, taken)
    scope = replace(ground.scope(), reserved=frozenset(taken))
    if "t" not in taken:
        scope = scope.having({"t": TIME})
    theirs = {name for name in (names.x, alias, names.G, names.nu, names.F) if name}
    early, scope = pending.resolve(scope, theirs)
    variables, definitions = ground.variables, (*ground.definitions, *early)
    x = _prediction(document, model, ground, scope, names.x, output)
    if x is not None:
        definition, weight = x
        definitions = (*definitions, definition)
        scope = scope.having({definition.name: definition, **({alias: definition} if alias else {})}, {definition.name: weight, alias: weight})
    middle, scope = pending.resolve(scope, {names.G, names.nu, names.F} - set(scope.names))
    definitions = (*definitions, *middle)
    loss = _loss(document, model, scope, x[0] if x else None, names, alias)
    if loss is not None:
        variables, definitions = (*variables, *loss.variables), (*definitions, *loss.definitions)
        scope = scope.having({v.name: v for v in loss.variables}).having({d.name: d for d in loss.definitions})
    late, scope = pending.resolve(scope, ())
    pending.finish()
    definitions = (*definitions, *late)
    setting = Setting(variables, definitions)
    if any("t" in names_in(document, given) for given in _texts(flow)) and "t" not in taken:
        setting = setting.having(TIME)
    setting, tangent = _moving(document, flow, ground, setting, scope, x[0] if x else None, loss, names)
    return World(setting_apart(setting), scope, tangent)


def _texts(node: Toml) -> list[Toml]:
    return [text for value in node.values() for text in _texts(value)] if isinstance(node, dict) else [node]


# ---- the prediction and the loss -------------------------------------------------------------------------------------------------------------


def _output_name(document: Document, model: Mapping[str, Toml], ground: Ground, taken: dict[str, str]) -> tuple[str, str, Names]:
    """The name the file gives to the prediction, its alias if the definition is called x, and the names of what comes with a loss."""
    given, output = model.get("predictor"), "x"
    if given is not None:
        place = expression_place(document, "[model] predictor", given)
        if holds_equation(place.text):
            left, _ = parse_equation(place)
            output, _ = left_side(place, left)
        elif "x" in taken:
            output = "prediction"
    own = "x" if "x" not in taken else output
    if given is None or (output in taken and output in {v.name for v in ground.parameters}):
        own = "x" if "x" not in taken else next(name for name in ("prediction", *(f"prediction{n}" for n in range(1, 99))) if name not in taken)
    elif output in taken:
        raise place.error(f"the prediction is called {output}, which is declared in {taken[output]}", "give the prediction another name", 0)
    alias = output if output != own and output not in taken else ""
    if alias:
        taken[alias] = "[model]"
    names = {"x": own}
    for ours in OURS[1:]:
        names[ours] = (
            ours
            if ours not in taken and ours != own
            else next(name for name in (f"{ours}_loss", f"{ours}_of_loss", f"{ours}_of_f") if name not in taken)
        )
    if model:
        taken.update(dict.fromkeys(names.values(), "[model]"))
    return output, alias, Names(names["x"], names["G"], names["nu"], names["F"])


def _prediction(document: Document, model: Mapping[str, Toml], ground: Ground, scope: Scope, name: str, output: str) -> tuple[Definition, int] | None:
    given = model.get("predictor")
    if given is None:
        loss = model.get("loss")
        if not isinstance(loss, str) or not is_word(loss):
            return None
        if len(ground.parameters) != 1:
            place = document.place("[model] loss", loss)
            raise place.error("there is a loss, and no predictor that says what is predicted", 'write predictor = "x[i] = ..."')
        return _identity(ground.parameters[0], name)
    place = expression_place(document, "[model] predictor", given)
    if not holds_equation(place.text):
        node = parse(place)
        free = meaning(place, scope, node).indices
        if len(free) > 1:
            raise place.error(
                f"the prediction has the indices {listed(letter.name for letter, _ in free)}, and their order is not said", 'write "x[i,j] = ..."', 0
            )
        return Definition(name, Family(free, meaning(place, scope, node).value)), meaning(place, scope, node).weight
    left, right = parse_equation(place)
    _, own = left_side(place, left)
    parameters = {v.name: v for v in ground.parameters}
    if output in parameters:
        if type(left) is not type(right) or mentioned(left) != mentioned(right) or str(_bare(left)) != str(_bare(right)):
            raise place.error(f"the prediction is called {output}, which is a parameter", "give the prediction another name", 0)
        return _identity(parameters[output], name)
    definition, weight = defined(place, scope, name, own, right)
    if not mentioned(right) & {*parameters, *(d for d, entry in scope.names.items() if isinstance(entry, Definition))}:
        raise place.error("the prediction mentions no parameter: nothing would be learned", f"the parameters are {listed(parameters)}", right.at)
    return definition, weight


def _bare(node: object) -> object:
    return (getattr(node, "name", None), [own.value for own in getattr(node, "indices", ())])


def _identity(block: Variable, name: str) -> tuple[Definition, int]:
    indices = block.indices
    return Definition(name, Family(indices, block[tuple(own for own, _ in indices)])), 1


def _loss(document: Document, model: Mapping[str, Toml], scope: Scope, x: Definition | None, names: Names, alias: str) -> FileLoss | None:
    given = model.get("loss")
    if given is None:
        return None
    place = expression_place(document, "[model] loss", given)
    if x is not None and is_word(place.text):
        return word_loss(place, scope, x.variable, names, (alias,) if alias else ())
    check_word(place, scope)
    return expression_loss(place, scope, x.variable if x else None, names)


# ---- the flow --------------------------------------------------------------------------------------------------------------------------------


def _moving(
    document: Document,
    flow: Mapping[str, Toml],
    ground: Ground,
    setting: Setting,
    scope: Scope,
    x: Definition | None,
    loss: FileLoss | None,
    names: Names,
) -> tuple[Setting, tuple[tuple[tuple[str, ...], sp.Expr], ...]]:
    """The setting with its flow, and what must vanish where a field given outright is to keep its spheres."""
    place = document.place("[flow]")
    kind = flow.get("kind", "field" if "field" in flow else "gradient")
    if kind not in KINDS:
        raise document.place("[flow] kind", kind).error(f"the kind {shown(kind)} is not known; known are {listed(KINDS)}", "")
    if (kind == "field") != ("field" in flow):
        raise place.error(
            f"the kind is {kind}, and field is {'' if 'field' in flow else 'not '}given", 'write field = { "u[i]" = "..." } for a flow given outright'
        )
    for other in ("rates", "drift"):
        if "field" in flow and other in flow:
            raise place.error(f"field gives the whole right side, and {other} was given too", f"leave {other} away, or write it into the field")
    blocks = {v.name: v for v in ground.parameters}
    if "field" in flow:
        field = _families(document, flow, "field", scope, blocks)
        still = [name for name in blocks if name not in field]
        if still:
            raise place.error(f"field says nothing of {listed(still)}", "give a right side for every parameter, 0 for one that does not move")
        setting, pushed, pull = _on_spheres(setting, ground, scope, {name: field[name] for name in blocks})
        apart_from_spheres = {name: field[name] for name in blocks if name not in pushed}
        rates = {name: Family(_own(blocks[name], scope), sp.S.One) for name in pushed}
        tangent = tuple((group, sp.Add(*(pull[name] for name in group))) for group in ground.spheres)
        made = Flow(Space(ground.parameters, ground.spheres), -sp.Add(*pull.values()), tuple(pushed.values()), rates, apart_from_spheres)
        return setting.along(made), tangent
    if loss is None:
        if x is not None:
            raise document.place("[model]").error("there is a predictor and no loss", 'write loss = "any", "square(A, y)", or an expression')
        if flow:
            raise place.error("there is a flow, and no [model] that it is the gradient flow of", "write [model] with predictor and loss, or a field")
        return setting, ()
    rates = {name: Family(_own(block, scope), sp.S.One) for name, block in blocks.items()} | _families(document, flow, "rates", scope, blocks)
    drift = _families(document, flow, "drift", scope, blocks)
    _rates_on_spheres(document, ground, rates)
    if loss.explicit is not None:
        pairing, held = setting.unfold(loss.explicit), tuple[str, ...]()
    else:
        assert x is not None
        own = tuple(letter for letter, _ in x.family.indices)
        slope = Variable(names.G, x.variable.shape, "cotangent" if loss.variables and not loss.definitions else "parameter")
        pairing, held = setting.unfold(total(slope[own] * x[own], *x.family.indices), keep=(names.G,)), (names.G,)
    on_spheres = {name: family for name, family in drift.items() if any(name in group for group in ground.spheres)}
    setting, forces, pull = _on_spheres(setting, ground, scope, {name: _over(document, name, f, rates[name]) for name, f in on_spheres.items()})
    pairing, held = sp.Add(pairing, *(-value for value in pull.values())), (*held, *forces.values())
    free = {name: family for name, family in drift.items() if name not in on_spheres}
    made = Flow(Space(ground.parameters, ground.spheres), apart(pairing, frozenset()), held, {name: rates[name] for name in blocks}, free)
    _differentiable(document.place("[model] predictor"), made)
    return setting.along(made), ()


def _on_spheres(setting: Setting, ground: Ground, scope: Scope, pushes: Mapping[str, Family]) -> tuple[Setting, dict[str, str], dict[str, sp.Expr]]:
    """What pushes a block along a sphere, as a definition V that is held: the gradient of -V . u, projected on the tangent space, moves u by V.

    Returned are the setting with the definitions, their names, and V . u, block by block.
    """
    held: dict[str, str] = {}
    pull: dict[str, sp.Expr] = {}
    blocks = {v.name: v for v in ground.parameters}
    for name in (name for group in ground.spheres for name in group if name in pushes):
        held[name] = next(
            other for other in (f"push_{name}", *(f"push_{name}_{n}" for n in range(99))) if other not in scope.names and other not in ground.taken
        )
        definition = Definition(held[name], pushes[name])
        setting = setting.having(definitions=(definition,))
        own = tuple(letter for letter, _ in pushes[name].indices)
        pull[name] = total(definition[own] * blocks[name][own], *pushes[name].indices)
    return setting, held, pull


def _over(document: Document, name: str, drift: Family, rate: Family) -> Family:
    """The drift divided by the rate, which the flow multiplies it by."""
    if rate.value == 0:
        raise document.place(f"[flow] drift {name}").error(f"{name} lies on a sphere and has the rate 0, and a drift", "give the flow as a field")
    return Family(drift.indices, drift.value / rate.at([letter for letter, _ in drift.indices]))


def _families(document: Document, flow: Mapping[str, Toml], table: str, scope: Scope, blocks: Mapping[str, Variable]) -> dict[str, Family]:
    given = flow.get(table, {})
    if not isinstance(given, dict):
        raise document.place(f"[flow] {table}", given).error(
            f"entries for the parameters were wanted, and {shown(given)} was given", f'write {table} = {{ u = "..." }}'
        )
    found: dict[str, Family] = {}
    for key, text in given.items():
        block, family = block_family(document, table, key, text, scope, blocks)
        if block.name in found:
            raise document.place(f"[flow] {table} {key}").error(f"{block.name} is given twice", "leave one of them away")
        found[block.name] = family
    return found


def _own(block: Variable, scope: Scope) -> tuple[tuple[sp.Symbol, sp.Expr], ...]:
    names = set(scope.names) | scope.reserved
    found: list[tuple[sp.Symbol, sp.Expr]] = []
    for length in block.shape:
        found.append((unused(frozenset(names | {own.name for own, _ in found})), length))
    return tuple(found)


def _rates_on_spheres(document: Document, ground: Ground, rates: Mapping[str, Family]) -> None:
    for group in ground.spheres:
        for name in group:
            place = document.place(f"[flow] rates {name}")
            if any(own in rates[name].value.free_symbols for own, _ in rates[name].indices):
                raise place.error(f"{name} lies on a sphere, and its rate depends on the entry", "on a sphere all entries have one rate")
            if rates[name].value != rates[group[0]].value:
                values = f"{rates[group[0]].value} and {rates[name].value}"
                raise place.error(f"{group[0]} and {name} share a sphere, and have the rates {values}", "blocks on one sphere have one rate")


def multiplied_out(expression: sp.Expr, *, differentiated: bool = False) -> int:
    """The number of terms of an expression without products and powers of sums, at most.

    With `differentiated`, denominators are counted as well, each to one power more: in a derivative they are multiplied out. Beyond a million, the
    answer is some number beyond a million.

    >>> u, v = sp.symbols("u v")
    >>> multiplied_out((u + v) ** 2 * (u + 1)), multiplied_out(1 / (u + v), differentiated=True)
    (6, 3)
    """

    def count(node: sp.Expr) -> int:
        match node:
            case sp.Add():
                return sum(map(count, node.args))
            case sp.Mul():
                return prod(min(count(part), _UNCOUNTED) for part in node.args)
            case sp.Pow() if node.exp.is_Integer and (node.exp > 0 or differentiated):
                power = int(node.exp) if node.exp > 0 else 1 - int(node.exp)
                if differentiated and node.has(sp.Sum):  # every copy of a sum has an index of its own, and like terms are not collected
                    return min(count(node.base), _UNCOUNTED) ** power
                return comb(min(count(node.base), _UNCOUNTED) + power - 1, power)
            case sp.Sum():
                return count(node.function)
        return 1

    return count(expression)


def nested(expression: sp.Expr) -> int:
    """The parts inside functions and powers, each as often as there are such around it beyond the first: how fast derivatives of derivatives grow.

    >>> u = sp.Symbol("u")
    >>> nested(sp.sin(u) + sp.sqrt(u)), nested(sp.sin(u + sp.sin(u)))
    (0, 1)
    """

    def count(node: sp.Expr, around: int) -> int:
        if not node.args or isinstance(node, sp.Indexed):
            return max(0, around - 1)
        deeper = isinstance(node, sp.Function) or (isinstance(node, sp.Pow) and not (node.exp.is_Integer and node.exp > 0))
        return max(0, around - 1) + sum(count(part, around + deeper) for part in node.args)

    return count(expression, 0)


def _differentiable(place: Place, flow: Flow) -> None:
    if multiplied_out(flow.pairing, differentiated=True) > MOST_TERMS:
        raise place.error(f"the model has more than {MOST_TERMS} terms when it is multiplied out", "state a smaller one")
    if nested(flow.pairing) > MOST_NESTED:
        raise place.error("the model has functions inside functions, or fractions inside fractions, too deep to be derived", "state a smaller one")
    try:
        _ = flow.gradient
    except NotImplementedError as unable:
        remedy = "name entries by indices; where single entries differ, declare them as scalars of their own"
        raise place.error(f"the gradient cannot be derived: {unable}", remedy) from None
    except RecursionError:
        raise place.error("the model is nested too deeply", "state a smaller one") from None
