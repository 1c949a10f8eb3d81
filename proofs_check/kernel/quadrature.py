"""Laws that are integrals: a one-form that vanishes on a flow, and is closed where other laws are constant.

Let $x_k' = X_k(x, c)$ with controls c, and let $\\omega = \\sum_k f_k\\,dx_k$ with smooth $f_k$. Join coordinates j and k into one block B when $f_k$
depends on $x_j$, or one of the given laws h on both. Then $\\omega = \\sum_B \\omega_B$, where $\\omega_B$ speaks of $x_B$ alone, and every law given
is a function of one $x_B$. Let the gradients of the laws of each block have rank $n_B - 1$ at a point, for its $n_B$ coordinates. Near the point,
$n_B - 1$ of them and one more function $\\xi$ are coordinates of the block, in which $\\omega_B = a\\,d\\xi + \\sum_i b_i\\,dh_i$; and
$\\tau_B = \\int a\\,d\\xi$, with the h held fixed, has $d\\tau_B = \\omega_B + \\sum_i b_i'\\,dh_i$. Laws satisfy $dh_i(X) = 0$, so that
$H = \\sum_B \\tau_B$ has $dH(X) = \\omega(X)$. If $\\sum_k f_k X_k = 0$ for all x and c, then H is a law, and its gradient is that of the form up to
a combination of the gradients of the $h_i$. On spheres these are identities at their points, and H is a law as the others are. Constants keep their
values, and time is a coordinate that moves with speed 1.

A certificate gives the $f_k$ and $X_k$ as trees, and says which entries of which laws of the count to use; the statements to be proved about these
trees are written here, for the flow of the count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from flint import arb, fmpq

from .graph import Place
from .instance import in_tower, proved_at_instance, read_sizes, read_value
from .language import Add, Equal, Evolves, Json, Mul, Number, Ref, Rejected, Tree, read_statement
from .laws import Row, check_values, places_of
from .points import gradients_at
from .reach import independent

MOVING = ("parameter", "time")


def velocity_statement(counted: Json, part: Json) -> Json:
    """Along the flow, the coordinate of a component of the form has the velocity given with it."""
    return {**counted, "claim": {"kind": "evolves", "indices": [], "quantity": part["along"], "rate": part["velocity"]}}


def form_statement(counted: Json, parts: Sequence[Json]) -> Json:
    """The form vanishes on the velocities given."""
    total = ["+", *(["*", part["component"], part["velocity"]] for part in parts)]
    return {**counted, "claim": {"kind": "equal", "indices": [], "left": total, "right": 0}}


def form_gradient(counted: Json, quadrature: Json, laws: Sequence[Sequence[Row]], point: Json) -> Mapping[Place, fmpq | arb]:
    """The form at the point: the gradient of a law, up to a combination of those of the laws used; or `Rejected`.

    The quadrature is {"instance": as in a proof at explicit sizes, "form": [{"along": a coordinate, "component": tree, "velocity": tree,
    "cofactors": those of `velocity_statement`}, ...], "cofactors": those of `form_statement`, "laws": [[number of a law of the count, number of
    the choice of its constants, entry], ...]}.
    """
    instance, parts = quadrature["instance"], quadrature["form"]
    if instance["sizes"] != point["sizes"] or any(point["values"][name] != value for name, value in instance["values"].items()):
        raise Rejected("a form is proved to vanish for other sizes or constants than those of the point")
    components: list[tuple[Ref, Tree]] = []
    for part in parts:
        statement = read_statement(velocity_statement(counted, part))
        conditions = proved_at_instance(statement, {"instance": instance, "cofactors": part["cofactors"]}).conditions
        for text, p in conditions.items():
            if not text.endswith(("> 0", "!= 0")) or in_tower(p):  # nothing else is evaluated at the point that needs them as well
                raise Rejected(f"a velocity is stated under a condition that is not checked at the point: {text}")
        check_values(statement, conditions, point)
        assert isinstance(statement.claim, Evolves)
        along = statement.claim.quantity
        if not isinstance(along, Ref) or along.name not in statement.symbols:
            raise Rejected(f"a component of a form belongs to {part['along']}, which is not a coordinate that moves")
        component = read_statement({**counted, "claim": {"kind": "equal", "indices": [], "left": part["component"], "right": 0}}).claim
        assert isinstance(component, Equal)
        components.append((along, component.left))
    statement = read_statement(form_statement(counted, parts))
    check_values(statement, proved_at_instance(statement, {"instance": instance, "cofactors": quadrature["cofactors"]}).conditions, point)

    sizes = read_sizes(statement, point["sizes"])
    known = {(number, row.choice, row.entry): row for number, rows in enumerate(laws) for row in rows}
    wanted = [(number, choice, tuple(entry)) for number, choice, entry in quadrature["laws"]]
    if not known.keys() >= set(wanted):
        raise Rejected("a form uses a law that is not among those of the count")
    used = [known[key] for key in wanted]
    owned = [places_of(statement, tree, {}, point) | {_place(along)} for along, tree in components]
    for block in _joined([*owned, *(row.places for row in used)]):
        still = sorted(name for name, _ in block if statement.symbols[name].role not in MOVING)
        if still:
            raise Rejected(f"a form, or a law that it uses, depends on {still[0]}, which is not a coordinate that moves")
        rank = independent([row.gradient for row in used], tuple(block))  # the laws of other blocks have nothing in these columns
        if rank < len(block) - 1:
            raise Rejected(f"a form is closed on curves, and {rank} laws of a block of {len(block)} coordinates leave more than a curve")

    # sum f_k (x_k - p_k) has the differential sum f_k dx_k at p; to take it, the f_k are differentiated as well, and so they are smooth there
    differences: list[Tree] = []
    for along, tree in components:
        at = read_value(statement, along.name, point["values"][along.name], sizes)[_place(along)[1]]
        differences.append(Mul((tree, Add((along, Number(-at))))))
    (gradient,) = gradients_at(statement, (), Add(tuple(differences)), point)
    return gradient


def _place(ref: Ref) -> Place:
    return ref.name, tuple(int(k) for k in ref.indices)


def _joined(groups: Iterable[frozenset[Place]]) -> list[frozenset[Place]]:
    """The groups, those that share a place joined to one."""
    found: list[frozenset[Place]] = []
    for group in groups:
        touching = [other for other in found if other & group]
        found = [other for other in found if not other & group] + [group.union(*touching)]
    return [group for group in found if group]
