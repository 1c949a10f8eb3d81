"""A flow stated for all sizes, recognised as the polar flow on the diagonal model, or as plain gradient flow of its weights.

Let A (M x N) and y (M) be constants of a statement, L, kappa and eta expressions in its constants, and G_i = sum_m A_mi (sum_n A_mn x_n - y_m).
Either r and u (N) are all that moves, x_i = (r u_i)^L, or w (N) is, x_i = w_i^L. The kernel writes

    r' = -eta L r^(L-1) sum_j G_j u_j^L,    u_i' = -kappa eta L r^L (G_i u_i^(L-1) - u_i sum_j G_j u_j^L),

or w_i' = -eta L w_i^(L-1) G_i, itself, and checks by index calculus that these are the equations of motion of the statement. Then the numbers are put
in: what `limit` proves of the polar flow with them is proved of the flow stated, in the time eta t.
"""

from __future__ import annotations

from dataclasses import replace

from flint import fmpq

from .all_sizes import conditions_of
from .graph import Graph, read_places
from .instance import entries, read_sizes, read_value
from .language import Add, Equal, Evolves, Json, Mul, Number, Pow, Ref, Rejected, Size, Statement, Sum, Tree, read_family
from .leaf import Polar

MINUS = Number(fmpq(-1))


def recognised(statement: Statement, where: Json, flow: Json) -> tuple[Polar, fmpq]:
    """The polar flow that the statement is about, with the numbers `sizes`, `values` and `start` of `where`, and eta; or `Rejected`.

    `flow` names `weights`, `radius`, `matrix` and `target`, has the trees `depth`, `kappa` and `rate`, and for every equation of motion what
    certificates for all sizes have: `gradient` and `cofactors`. Without a radius and kappa it is plain gradient flow.
    """
    if statement.claim != Equal((), Number(fmpq(0)), Number(fmpq(0))):
        raise Rejected("what is recognised is the flow, and the statement claims something else than 0 = 0")
    wanted = equations(statement, flow)
    spheres = ((flow["weights"],),) if flow["radius"] is not None else ()
    if statement.flow is None or statement.flow.spheres != spheres or len(statement.hypotheses) != len(spheres):
        raise Rejected("the direction, and nothing else, lies on a sphere, and no hypothesis is made")
    if len(flow["cofactors"]) != len(wanted):
        raise Rejected(f"{len(wanted)} equations of motion need as many lists of cofactors")
    for equation, cofactors in zip(wanted, flow["cofactors"], strict=True):
        conditions = conditions_of(replace(statement, claim=equation), {"gradient": flow["gradient"], "cofactors": cofactors})
        if conditions:
            raise Rejected(f"the flow is only defined where {' and '.join(sorted(conditions))}")
    sizes = read_sizes(statement, where["sizes"])
    constants = [name for name, symbol in statement.symbols.items() if symbol.role == "constant" and name in where["values"]]
    values = read_places(statement, {name: where["values"][name] for name in constants}, sizes)
    graph = Graph(statement, sizes, values)

    def number(key: str) -> fmpq:
        found = graph.rational(graph.walk(_tree(statement, flow[key]), {}))
        if found is None:
            raise Rejected(f"{key} is not a number, with the constants given")
        return found

    def given(name: str, *shape: Size) -> list[fmpq]:
        places = [(name, entry) for entry in entries(shape, sizes)]
        if any(place not in values for place in places):
            raise Rejected(f"{name} is given no value")
        return [values[place] for place in places]

    height, width = statement.symbols[flow["matrix"]].shape
    flat, columns = given(flow["matrix"], height, width), graph.size(width)
    matrix = tuple(tuple(flat[n : n + columns]) for n in range(0, len(flat), columns))
    start = {name: read_value(statement, name, where["start"][name], sizes) for name in _moving(flow)}
    weights = list(start[flow["weights"]].values())
    kappa, rate = None, number("rate")
    if flow["radius"] is not None:
        kappa, radius = number("kappa"), start[flow["radius"]][()]
        if sum((q**2 for q in weights), fmpq(0)) != 1 or not radius > 0:
            raise Rejected("the start is not a radius r > 0 with a direction on the sphere")
        weights = [radius * q for q in weights]
    depth, target = number("depth"), tuple(given(flow["target"], height))
    if not (rate > 0 and depth >= 2 and (kappa is None or kappa > 0) and all(q > 0 for q in weights)):
        raise Rejected("a rate and a ratio above 0, L >= 2 and positive weights are wanted")
    return Polar(kappa, depth, matrix, target, fmpq(1), tuple(weights)), rate


def _moving(flow: Json) -> list[str]:
    return [flow["weights"]] if flow["radius"] is None else [flow["radius"], flow["weights"]]


def _tree(statement: Statement, node: Json) -> Tree:
    return read_family(statement, {"indices": [], "value": node}).value


def equations(statement: Statement, flow: Json) -> list[Evolves]:
    """The equations of motion as they should be."""
    symbols, polar = statement.symbols, flow["radius"] is not None
    if polar != (flow["kappa"] is not None):
        raise Rejected("a radius comes with a ratio kappa, and a ratio with a radius")
    matrix, target, direction = (symbols[flow[key]] for key in ("matrix", "target", "weights"))
    if {symbol.name for symbol in symbols.values() if symbol.role != "constant"} != set(_moving(flow)):
        raise Rejected(f"something else moves than {' and '.join(_moving(flow))}")
    fits = len(matrix.shape) == 2 and (target.shape, direction.shape) == (matrix.shape[:1], matrix.shape[1:])
    if {matrix.role, target.role} != {"constant"} or not fits:
        raise Rejected("a matrix of constants M x N, a target of M constants and N weights are wanted")
    if polar and symbols[flow["radius"]].shape != ():
        raise Rejected("the radius is one number")
    height, width = matrix.shape
    depth, rate = _tree(statement, flow["depth"]), _tree(statement, flow["rate"])
    less = Add((depth, Number(fmpq(-1))))

    def weight(i: str) -> Tree:
        entry = Ref(direction.name, (i,))
        return Mul((Ref(flow["radius"]), entry)) if polar else entry

    def slope(i: str) -> Tree:
        fit = Sum("n'", width, Mul((Ref(matrix.name, ("m'", "n'")), Pow(weight("n'"), depth))))
        return Sum("m'", height, Mul((Ref(matrix.name, ("m'", i)), Add((fit, Mul((MINUS, Ref(target.name, ("m'",)))))))))

    entry = Ref(direction.name, ("i'",))
    every = (("i'", width),)
    if not polar:
        return [Evolves(every, entry, Mul((MINUS, rate, depth, Pow(entry, less), slope("i'"))))]
    radius = Ref(flow["radius"])
    inner = Sum("j'", width, Mul((slope("j'"), Pow(Ref(direction.name, ("j'",)), depth))))
    across = Add((Mul((slope("i'"), Pow(entry, less))), Mul((MINUS, entry, inner))))
    return [
        Evolves((), radius, Mul((MINUS, rate, depth, Pow(radius, less), inner))),
        Evolves(every, entry, Mul((MINUS, _tree(statement, flow["kappa"]), rate, depth, Pow(radius, depth), across))),
    ]
