"""What a command is about: a shipped paper, one of its claims, or a user's theory file."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from pathlib import Path

from numerics import problem
from proofs_check.sampling import Sizes, basis, given_point
from theory.derivations import Derivation, energy_dissipation, equations_of_motion
from theory.files import Theory, read
from theory.papers import NAMES, paper
from theory.separable import NotSeparable, dual_coordinates
from theory.settings import Setting
from theory.statements import Evolves, Experiment, Statement, Watched


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


def resolve(given: str) -> Target:
    """The target named `paper`, `paper/claim`, `file.toml` or `file.toml/claim`.

    Raises `NoSuchTarget`, and what reading the file raises.
    """
    if given.split("/")[0] in NAMES and not Path(given).exists():
        name, _, claim = given.partition("/")
        shipped = paper(name)
        return _only(Target(name, shipped.title, shipped.setting, shipped.statements, shipped.derivations, shipped.experiments), claim)
    path, claim = _file(given)
    return _only(_from_file(read(path), str(path)), claim)


def _file(given: str) -> tuple[Path, str]:
    before, dot, after = given.rpartition(".toml")
    if dot and after.startswith("/"):
        return Path(before + dot), after[1:]
    if dot and not after:
        return Path(given), ""
    near = difflib.get_close_matches(given.split("/")[0], NAMES, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise NoSuchTarget(f"{given!r} is neither a shipped paper ({', '.join(NAMES)}) nor a theory file ending in .toml.{hint} Try: polarflow list")


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
    return replace(target, statements=tuple(chosen), derivations=(), experiments=experiments)


def _from_file(theory: Theory, name: str) -> Target:
    setting = theory.setting
    derivations: list[Derivation] = []
    if setting.flow is not None:
        derivations.append(equations_of_motion(setting))
        if any(d.name == "F" for d in setting.definitions) and not setting.flow.drift:
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
    problem(theory.setting, data=theory.data, start=theory.start, times=(0, *theory.times))  # what is wrong with it is said before any work is done
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
