"""What a command is about: a shipped paper, one of its claims, or a user's theory file."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from numerics import InvalidProblem, Unsupported, problem
from proofs_check.sampling import Sizes, basis, given_point
from theory.derivations import Derivation, energy_dissipation, equations_of_motion, moves_unknown
from theory.files import Theory, read
from theory.models import linear_network, relu_network
from theory.papers import NAMES, paper
from theory.separable import NotSeparable, dual_coordinates
from theory.settings import Instance, Setting
from theory.statements import Evolves, Experiment, Statement, Watched

LARGEST_WIDTH = 1000
NETWORKS: Mapping[str, tuple[str, Callable[[int], Setting]]] = {
    "linear_network": ("Deep linear network", linear_network),
    "relu_network": ("ReLU network with frozen patterns", relu_network),
    "relu_network_bias": ("ReLU network with biases and frozen patterns", lambda depth: relu_network(depth, bias=True)),
}


class NoSuchTarget(ValueError):
    """A target that does not exist; the text says which ones do."""


@dataclass(frozen=True)
class Target:
    """The main setting, statements, derivations and experiments a command works on."""

    name: str
    title: str
    setting: Setting
    statements: tuple[Statement, ...]
    derivations: tuple[Derivation, ...]
    experiments: tuple[Experiment, ...]
    claim: str = ""  # the one asked for, if it was one


def resolve(given: str) -> Target:
    """The target named `paper`, `paper/claim`, `network:widths`, `file.toml` or `file.toml/claim`.

    Raises `NoSuchTarget`, and what reading the file raises.
    """
    if given.split("/")[0] in NAMES and not Path(given).exists():
        name, _, claim = given.partition("/")
        shipped = paper(name)
        return _only(Target(name, shipped.title, shipped.setting, shipped.statements, shipped.derivations, shipped.experiments), claim)
    if given.partition(":")[0] in NETWORKS and not Path(given).exists():
        return _network(given)
    path, claim = _file(given)
    return _only(_from_file(read(path), str(path)), claim)


@cache
def _built(name: str, depth: int) -> Setting:
    """The network of a depth, whose widths are symbols: what is derived from it once is there for all widths."""
    return NETWORKS[name][1](depth)


def _network(given: str) -> Target:
    """A network with the widths of its layers, from the input to the output: linear_network:5,3,2."""
    name, _, widths = given.partition(":")
    try:
        sizes = [int(width) for width in widths.replace("-", ",").split(",")]
    except ValueError:
        sizes = []
    if len(sizes) < 2 or not all(1 <= width <= LARGEST_WIDTH for width in sizes):
        raise NoSuchTarget(
            f"{given!r} does not say how wide the layers are; write two or more widths from 1 to {LARGEST_WIDTH}, the inputs first: {name}:5,3,2"
        )
    setting = replace(_built(name, len(sizes) - 1), instances=(Instance({f"d{n}": width for n, width in enumerate(sizes)}),))
    return Target(given, f"{NETWORKS[name][0]} {'-'.join(map(str, sizes))}", setting, (), (equations_of_motion(setting),), ())


def _file(given: str) -> tuple[Path, str]:
    before, dot, after = given.rpartition(".toml")
    if dot and after.startswith("/"):
        return Path(before + dot), after[1:]
    if dot and not after:
        return Path(given), ""
    near = [f"{given}.toml"] if Path(f"{given}.toml").exists() else difflib.get_close_matches(given.split("/")[0], NAMES, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    known = f"a shipped paper ({', '.join(NAMES)}), nor a network such as linear_network:5,3,2, nor a theory file ending in .toml"
    raise NoSuchTarget(f"{given!r} is neither {known}.{hint} Try: polarflow list")


def _only(target: Target, claim: str) -> Target:
    if not claim:
        return target
    chosen = [statement for statement in target.statements if statement.id == claim]
    if not chosen:
        known = [statement.id for statement in target.statements]
        near = difflib.get_close_matches(claim, known, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise NoSuchTarget(f"{target.name} has no claim {claim!r}; it has {', '.join(known)}.{hint}")
    experiments = tuple(e for e in target.experiments if e.statement == claim)
    return replace(target, claim=claim, statements=tuple(chosen), derivations=(), experiments=experiments)


def _from_file(theory: Theory, name: str) -> Target:
    setting = theory.setting
    derivations: list[Derivation] = []
    if setting.flow is not None:
        derivations.append(equations_of_motion(setting))
        value = next((d for d in setting.definitions if d.name == "F"), None)
        if value is not None and not setting.flow.drift and not moves_unknown(setting, setting.unfold(value[()])):
            derivations.append(energy_dissipation(setting)[1])
        derivations += _separated(setting)
    return Target(name, theory.title, setting, theory.statements, tuple(derivations), _experiments(theory))


def _separated(setting: Setting) -> list[Derivation]:
    """Dual coordinates, where one scalar and one vector make up the space and the method applies."""
    assert setting.flow is not None
    scalars = [v.name for v in setting.flow.space.parameters if not v.shape]
    vectors = [v.name for v in setting.flow.space.parameters if len(v.shape) == 1]
    if len(scalars) != 1 or len(vectors) != 1 or len(setting.flow.space.parameters) != 2 or not setting.flow.held:
        return []
    try:
        return [dual.derivation for dual in dual_coordinates(setting, scalars[0], vectors[0])]
    except NotSeparable:
        return []


def _experiments(theory: Theory) -> tuple[Experiment, ...]:
    """The run a theory file asks for, watching every conserved quantity for a basis of what its own constants may be."""
    if not theory.times:
        return ()
    try:  # what is wrong with it is said before any work is done
        problem(theory.setting, data=theory.data, start=theory.start, times=(0, *theory.times))
    except Unsupported as error:
        raise InvalidProblem(f"the run of {theory.title} cannot be computed: {error}") from error
    known = {v.name for v in theory.setting.variables}
    stay: list[Watched] = []
    move: list[Watched] = []
    for statement in theory.statements:
        assertion = statement.parts[0].assertion
        if isinstance(assertion, Evolves) and assertion.rate == 0 and not assertion.indices:
            setting, sizes = statement.parts[0].setting, Sizes(theory.sizes)
            choices = tuple(basis(setting, assertion.quantity, sizes, given_point(setting, sizes, theory.data)))
            own = {v.name for v in setting.variables} - known
            if choices and own <= set(choices[0]):
                (stay if statement.expect == "proved" else move).append(Watched(statement.id, assertion.quantity, choices))
    if not (stay or move):
        return ()
    return (Experiment("run", "", theory.setting, theory.data, theory.start, theory.times, tuple(stay), tuple(move)),)
