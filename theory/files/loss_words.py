"""The loss of a theory file: a word such as square(A, y), or any expression of the prediction."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from ..calculus import gradient
from ..losses import Loss, any_loss, any_loss_of, exponential, logistic, square, square_to
from ..settings import Definition, Setting, substitute
from ..symbols import Family, Variable, index, total
from .apart import unused
from .errors import Place, listed, nearest
from .grammar import mentioned, parse
from .meaning import WORDS as EXPRESSION_WORDS
from .meaning import Scope, meaning

_WORD = re.compile(r"\s*([A-Za-z_]+)\s*(?:\(([A-Za-z0-9_,\s]*)\))?\s*")
WORDS: Mapping[str, str] = {
    "any": "any",
    "arbitrary": "any",
    "generic": "any",
    "square": "square",
    "squared": "square",
    "quadratic": "square",
    "exponential": "exponential",
    "logistic": "logistic",
}
_WAYS = "any, any(A), square(y), square(A, y), exponential(A), logistic(A), and expressions of the prediction"
OURS = ("x", "G", "nu", "F")  # the prediction, the gradient of the loss at it, what A^T pulls back, the value of the loss


@dataclass(frozen=True)
class Names:
    """The names of the prediction, of the loss's gradient, of the residual and of its value: ours, or others where the file has taken them."""

    x: str
    G: str
    nu: str
    F: str

    def of(self, ours: str) -> str:
        return {"x": self.x, "G": self.G, "nu": self.nu, "F": self.F}[ours]


@dataclass(frozen=True)
class FileLoss:
    """The loss as definitions; its pairing with the prediction, or the expression itself where it is explicit."""

    name: str
    variables: tuple[Variable, ...]
    definitions: tuple[Definition, ...]
    explicit: sp.Expr | None = None


def is_word(text: str) -> bool:
    """Whether the loss is given by a word rather than an expression."""
    match = _WORD.fullmatch(text)
    return match is not None and match[1] in WORDS


def check_word(place: Place, scope: Scope) -> None:
    """Refuses what looks like a word for a loss, and is none that is known."""
    match = _WORD.fullmatch(place.text)
    if match is not None and match[2] is not None and match[1] not in {*EXPRESSION_WORDS, *scope.names}:
        remedy = nearest(match[1], WORDS) or "write the loss as an expression of the prediction"
        raise place.error(f"the loss {match[1]} is not known; known are {_WAYS}", remedy, 0)


def word_loss(place: Place, scope: Scope, output: Variable, names: Names, aliases: tuple[str, ...]) -> FileLoss:
    """Let $x$ be the prediction, of the shape of `output`: the loss that a word stands for."""
    match = _WORD.fullmatch(place.text)
    assert match is not None
    word = WORDS[match[1]]
    given = [part.strip() for part in (match[2] or "").split(",") if part.strip()]
    if word == "any" and len(given) == 1 and given[0] in (names.x, *aliases):
        given = []
    data = [_tensor(place, scope, name) for name in given]
    wanted = {"any": (0, 1), "square": (1, 2), "exponential": (0, 1, 2), "logistic": (0, 1, 2)}[word]
    if len(data) not in wanted:
        raise place.error(f"{word} takes {' or '.join(map(str, wanted))} names of data, and was given {len(data)}", f"known are {_WAYS}", 0)
    if word == "any" and not data:
        return _renamed(any_loss(output.shape), output, names)
    if word == "square" and len(data) == 1:
        _fits(place, data[0], data[0].shape, output, output.shape)
        return _renamed(square_to(_stand_in(data[0], " target")), output, names, target=data[0])
    if not data:
        return _renamed(_classifying(word, None, None, output.shape), output, names)
    matrix, target = data[0], data[1] if len(data) == 2 else None
    rows = len(matrix.shape) - 1
    if not matrix.shape:
        raise place.error(f"{matrix.name} is a single number, and a matrix is wanted", 'declare it with a shape such as "M x N"', 0)
    if matrix.shape[1:] != output.shape[:rows] or (rows < len(output.shape) and word not in ("any", "square")) or (rows == 0 and output.shape):
        _fits(place, matrix, matrix.shape, output, (*matrix.shape[:1], *output.shape))
    if target is not None:
        _fits(place, target, target.shape, output, (*matrix.shape[:1], *output.shape[rows:]))
    left, right = _stand_in(matrix, " matrix"), target and _stand_in(target, " target")
    if rows < len(output.shape):
        made = _on_matrices(left, right, output.shape)
    elif right is not None:
        made = square(left, right, output.shape) if word == "square" else _classifying(word, left, right, output.shape)
    else:
        made = {"any": any_loss_of, "exponential": exponential, "logistic": logistic}[word](left, output.shape)
    return _renamed(made, output, names, matrix=matrix, target=target)


def _tensor(place: Place, scope: Scope, name: str) -> Variable:
    found = scope.names.get(name)
    at = place.text.index(name)
    if isinstance(found, Definition):
        found = found.variable
    if found is None:
        known = [other for other, value in scope.names.items() if isinstance(value, Variable | Definition) and not other.startswith("_")]
        raise place.error(f"the name {name} is not declared; declared are {listed(known)}", nearest(name, known) or "declare it in [data]", at)
    if not isinstance(found, Variable) or (found.role != "constant" and not isinstance(scope.names[name], Definition)):
        raise place.error(f"{name} is not data, and a loss word takes data", "write the loss as an expression of the prediction", at)
    return found


def _fits(place: Place, given: Variable, shape: tuple[sp.Expr, ...], output: Variable, wanted: tuple[sp.Expr, ...]) -> None:
    if shape != wanted:
        remedy = "correct the shapes, or write the loss as an expression of the prediction"
        raise place.error(
            f"{given.name} has the shape {_by(shape)}, where {_by(wanted)} is wanted for a prediction of the shape {_by(output.shape)}", remedy, 0
        )


def _by(shape: tuple[sp.Expr, ...]) -> str:
    return " x ".join(map(str, shape)) or "of a single number"


def _stand_in(data: Variable, name: str) -> Variable:
    """Data under a name that no file can give, so that nothing of ours is mistaken for it: a file may call its data x."""
    return Variable(name, data.shape, data.role, data.sign)


def _renamed(loss: Loss, output: Variable, names: Names, **data: Variable | None) -> FileLoss:
    """A loss of the library under the names of this file, its data put in for the names that stood for them."""
    ours = {"x": output, **{v.name: v for v in loss.variables}, **{d.name: d.variable for d in loss.definitions}}
    renamed = {name: Variable(names.of(name), v.shape, v.role, v.sign) for name, v in ours.items()}
    renamed |= {f" {word}": variable for word, variable in data.items() if variable is not None}
    families = {}
    for name, variable in renamed.items():
        families[name] = Family(variable.indices, variable[tuple(own for own, _ in variable.indices)])
    variables = tuple(renamed[v.name] for v in loss.variables)
    definitions = [(d.name, d.family) for d in loss.definitions]
    made = tuple(Definition(renamed[name].name, Family(family.indices, substitute(family.value, families))) for name, family in definitions)
    return FileLoss(loss.name, variables, made)


def _on_matrices(data: Variable, target: Variable | None, shape: tuple[sp.Expr, ...]) -> Loss:
    """Let $X$ have more indices than $A$ takes: a function of $AX$, the product over the first indices of $X$."""
    rows = len(data.shape) - 1
    k, prediction = index("k"), Variable("x", shape, "parameter")
    names = prediction.indices
    first, rest = names[:rows], names[rows:]
    own, others = tuple(name for name, _ in first), tuple(name for name, _ in rest)
    shape_of_nu = (data.shape[0], *shape[rows:])
    nu = Variable("nu", shape_of_nu, "cotangent" if target is None else "parameter")
    slope = Definition("G", Family(names, total(data[(k, *own)] * nu[(k, *others)], (k, data.shape[0]))))
    if target is None:
        return Loss(f"every f({data.name} x)", (nu,), (slope,))
    applied = total(data[(k, *own)] * prediction[(*own, *others)], *first)
    residual = Definition("nu", Family(((k, data.shape[0]), *rest), applied - target[(k, *others)]))
    value = total(nu[(k, *others)] ** 2, (k, data.shape[0]), *rest) / 2
    return Loss(f"|{data.name} x - {target.name}|^2/2", (), (residual, slope, Definition("F", Family((), value))), value)


def _classifying(word: str, data: Variable | None, labels: Variable | None, shape: tuple[sp.Expr, ...]) -> Loss:
    """Let $s$ be the scores, $x$ itself or $y_k (Ax)_k$: the sum of $e^{-s}$ or of $\\log(1 + e^{-s})$ over all of them."""
    prediction = Variable("x", shape, "parameter")
    names = prediction.indices
    own = tuple(letter for letter, _ in names)

    def value(score: sp.Expr) -> sp.Expr:
        return sp.exp(-score) if word == "exponential" else sp.log(1 + sp.exp(-score))

    def slope(score: sp.Expr) -> sp.Expr:
        return -sp.exp(-score) if word == "exponential" else -1 / (1 + sp.exp(score))

    if data is None or labels is None:
        total_value = total(value(prediction[own]), *names)
        return Loss(word, (), (Definition("G", Family(names, slope(prediction[own]))), Definition("F", Family((), total_value))), total_value)
    k, rows = index("k"), data.shape[0]
    score = labels[k] * total(data[(k, *own)] * prediction[own], *names)
    nu = Definition("nu", Family(((k, rows),), labels[k] * slope(score)))
    pulled = Definition("G", Family(names, total(data[(k, *own)] * nu[k], (k, rows))))
    total_value = total(value(score), (k, rows))
    return Loss(f"{word} of {labels.name} {data.name} x", (), (nu, pulled, Definition("F", Family((), total_value))), total_value)


def expression_loss(place: Place, scope: Scope, output: Variable | None, names: Names) -> FileLoss:
    """A loss written out: its value F, and its gradient G at the prediction where it depends on nothing else that moves."""
    node = parse(place)
    found = meaning(place, scope, node)
    if found.indices:
        raise place.error(f"the index {found.indices[0][0]} stands free in the loss, which is one number", "sum over it", node.at)
    value = Definition(names.F, Family((), found.value))
    if output is None:
        return FileLoss("the loss of the file", (), (value,), found.value)
    setting = Setting((), tuple(d for d in scope.names.values() if isinstance(d, Definition)))
    unfolded = setting.unfold(found.value, keep=(output.name,))
    moving = {name for name, entry in scope.names.items() if isinstance(entry, Variable) and entry.role == "parameter"}
    if output.name not in _names(unfolded) and not moving & _names(unfolded):
        unknown = f"the loss mentions neither the prediction {output.name} nor a parameter: nothing would move"
        raise place.error(unknown, f"known are {_WAYS}", node.at)
    if moving & _names(unfolded):
        return FileLoss("the loss of the file", (), (value,), found.value)
    used, letters = frozenset(mentioned(node) | set(scope.names) | scope.reserved), list[sp.Symbol]()
    for _ in output.shape:
        letters.append(unused(used | {letter.name for letter in letters}))
    try:
        slope = Definition(names.G, gradient(unfolded, output, tuple(zip(letters, output.shape, strict=True))))
    except NotImplementedError:  # an entry of the prediction named by a number: the flow is derived from the loss itself all the same
        return FileLoss("the loss of the file", (), (value,), found.value)
    return FileLoss("the loss of the file", (), (slope, value), found.value)


def _names(expression: sp.Expr) -> set[str]:
    return {getattr(symbol, "name", "") for symbol in expression.free_symbols}
