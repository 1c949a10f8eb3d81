"""Following a flow for people: a theory file's run, or a paper's experiment, with its loss and the drift of every quantity it speaks of.

>>> simulate("chou_rauhut_ward", until="1/4", points=4)["r"].round(6)
array([1.      , 1.32704 , 1.497323, 1.546397, 1.558539])
"""

from __future__ import annotations

import csv
import html
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from io import StringIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import sympy as sp
from mpmath import mp
from numpy.typing import NDArray
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from numerics import InvalidProblem, Problem, Trajectory, integrate, problem
from numerics.exact import exact
from numerics.observe import Monitored, Quantity, along, monitor
from proofs_check.sampling import Sizes, basis, given_point
from theory.files import Theory, read
from theory.papers import NAMES, paper
from theory.settings import Setting, Values
from theory.statements import Evolves, Watched
from theory.symbols import Family, Variable, total

SCHEMA = "polarflow.simulation/1"
POINTS = 200
MOST_POINTS = 10_000
RTOL = 1e-12

Floats = NDArray[np.float64]
Claim = Literal["stays", "moves", ""]


class NoRun(ValueError):
    """A target without numbers to run it with; the text says what to add."""


@dataclass(frozen=True)
class Run:
    """What is to be followed: numbers for a setting, the times asked for, and what to watch with what is claimed of it."""

    title: str
    setting: Setting
    data: Mapping[str, Any]
    start: Mapping[str, Any]
    times: tuple[Fraction, ...]
    sizes: Mapping[str, int]
    watch: Callable[[Problem], Sequence[tuple[Claim, Quantity]]]


@dataclass(frozen=True)
class Seen:
    """What was claimed of a quantity, and what it did."""

    claimed: Claim
    found: Monitored

    @property
    def agrees(self) -> bool:
        return not self.claimed or self.found.verdict == self.claimed


@dataclass(frozen=True)
class Simulation:
    """A trajectory at many times, the loss along it where there is one, and what was watched.

    `simulation["u"]` is a block at all times, an array with the axis of time first; `asked` are the places of the times that were asked for.
    """

    title: str
    trajectory: Trajectory
    asked: tuple[int, ...]
    loss: Floats | None
    seen: tuple[Seen, ...]

    def __getitem__(self, name: str) -> Any:
        blocks = self.trajectory[name]
        return np.array(blocks) if self.trajectory.digits <= 15 else blocks

    @property
    def times(self) -> Floats:
        return np.array([float(t) for t in self.trajectory.times])

    @property
    def agrees(self) -> bool:
        """Whether everything did what is claimed of it."""
        return all(one.agrees for one in self.seen)

    def block(self, name: str) -> Floats:
        """A block as doubles, a row for each time and a column for each entry."""
        return np.array([np.ravel(np.array(value, dtype=object)).astype(np.float64) for value in self.trajectory[name]])

    def columns(self) -> dict[str, Floats]:
        """Everything, entry by entry, under names such as u[0]."""
        found = {"t": self.times}
        layout = self.trajectory.problem.layout
        for name, lengths in zip(layout.names, layout.shapes, strict=True):
            for column, place in zip(self.block(name).T, np.ndindex(*lengths), strict=True):
                found[name + (f"[{','.join(map(str, place))}]" if place else "")] = column
        if self.loss is not None:
            found["loss"] = self.loss
        for one in self.seen:
            values = one.found.values
            for n, column in enumerate(values.T):
                found[one.found.quantity.label + (f"#{n}" if values.shape[1] > 1 else "")] = column
        return found

    def as_json(self) -> dict[str, Any]:
        """What was found, in the schema `polarflow.simulation/1`; numbers of more than 15 digits are strings."""
        run = self.trajectory
        return {
            "schema": SCHEMA,
            "title": self.title,
            "method": run.method,
            "digits": run.digits,
            "options": dict(run.options),
            "sizes": dict(run.problem.sizes),
            "times": [str(t) for t in run.times],
            "asked": [str(run.times[n]) for n in self.asked],
            "blocks": {name: [_plain(value, run.digits) for value in run[name]] for name in run.problem.layout.names},
            "loss": None if self.loss is None else self.loss.tolist(),
            "quantities": [
                {
                    "label": one.found.quantity.label,
                    "claimed": one.claimed or None,
                    "verdict": one.found.verdict,
                    "agrees": one.agrees,
                    "drift": one.found.drift,
                    "drift_halved": one.found.drift_halved,
                    "tolerance": one.found.tolerance,
                    "values": one.found.values.tolist(),
                }
                for one in self.seen
            ],
        }

    def write(self, path: str | Path) -> None:
        """The columns to a .csv or .parquet file, the whole of it as .json. Raises `ValueError` for another ending."""
        path = Path(path)
        match path.suffix:
            case ".json":
                content = json.dumps(self.as_json(), indent=1).encode()
            case ".csv":
                text = StringIO()
                writer = csv.writer(text, lineterminator="\n")
                columns = self.columns()
                writer.writerow(columns)
                writer.writerows(zip(*(map(repr, column.tolist()) for column in columns.values()), strict=True))
                content = text.getvalue().encode()
            case ".parquet":
                content = _parquet(self.columns())
            case _:
                raise ValueError(f"{path} was given; a name that ends in .csv, .parquet or .json is wanted")
        path.write_bytes(content)

    def plot(self, path: str | Path) -> None:
        """Trajectory, loss and drifts as a picture: .png, .svg or .pdf. Raises `ValueError` for another ending."""
        from .plots import draw

        draw(self, Path(path))

    def _repr_html_(self) -> str:
        def rows(table: Sequence[Sequence[str]], mark: str) -> str:
            return "".join(f"<tr>{''.join(f'<{mark}>{html.escape(cell)}</{mark}>' for cell in row)}</tr>" for row in table)

        head, *body = states_table(self)
        told = f"<p><b>{html.escape(self.title)}</b>, {html.escape(heading(self))}</p><table>{rows([head], 'th')}{rows(body, 'td')}</table>"
        head, *body = seen_table(self)
        return told + (f"<table>{rows([head], 'th')}{rows(body, 'td')}</table>" if body else "")


def simulate(
    given: str | Path | Theory,
    *,
    digits: int = 15,
    method: str | None = None,
    put: Mapping[str, Any] | None = None,
    until: Any = None,
    points: int | None = None,
    experiment: str = "",
    discover: bool = False,
    report: Callable[[str, float | None], None] = lambda said, share: None,
) -> Simulation:
    """Let a theory file with [start] and [run], or a shipped paper with experiments, be given: its flow, followed.

    `put` gives exact values in place of the file's, for constants, data, starts and sizes: {"kappa": "1/2"}. `until` is the last time in place of the
    file's; `points` is how many times there are beside those asked for. Every quantity that the file claims to be conserved is watched, at the
    tolerance and at half of it; with `discover` also the laws that are found. `report` is told what is being done, and which share of it is done.

    Raises `NoRun` where numbers are missing, `InvalidProblem` where they do not fit, `IntegrationFailed` where the flow cannot be followed.
    """
    run = _until(_changed(_run(given, experiment), put or {}), until)
    grid = sorted({Fraction(0), *run.times, *_between(run.times[-1], _points(points, digits))})
    posed = problem(run.setting, data=run.data, start=run.start, times=grid, sizes=run.sizes)
    report("quantities", None)
    watched = [*run.watch(posed), *(_found_laws(posed, report) if discover else ())]
    stated = {one for _, quantity in watched for one in (quantity.label, quantity.family.value)}
    watched += [("stays", q) for q in _spheres(posed) if not stated & {q.label, q.family.value}]

    in_doubles = digits <= 15 and method not in ("taylor", "odefun")

    def follow(tolerance: float) -> Trajectory:
        report(f"integrating at tolerance {tolerance:.1g}", 0.0)
        if method == "heyoka":
            return integrate(posed, digits=digits, method=method, rtol=tolerance)
        if in_doubles:
            told = {"report": lambda share: report("integrating", share)}
            return integrate(posed, digits=digits, method=method, rtol=tolerance, atol=tolerance / 100, **told)
        return integrate(posed, digits=math.ceil(-math.log10(tolerance) - 1e-9), method=method)

    tolerance = RTOL if in_doubles else 10.0**-digits
    trajectory, monitored = monitor([quantity for _, quantity in watched], follow, tolerance)
    seen = tuple(Seen(claimed, found) for (claimed, _), found in zip(watched, monitored, strict=True))
    asked = tuple(n for n, t in enumerate(trajectory.times) if t == 0 or t in run.times)
    return Simulation(run.title, trajectory, asked, _loss(trajectory), seen)


def _points(points: int | None, digits: int) -> int:
    if points is None:
        return POINTS if digits <= 15 else POINTS // 4
    if not 1 <= points <= MOST_POINTS:
        raise NoRun(f"{points} points were asked for; wanted is a number from 1 to {MOST_POINTS}")
    return points


def _between(end: Fraction, points: int) -> list[Fraction]:
    return [end * n / points for n in range(1, points + 1)]


def _loss(trajectory: Trajectory) -> Floats | None:
    setting = trajectory.problem.setting
    loss = next((d for d in setting.definitions if d.name in ("F", "F_loss") and not d.family.indices), None)
    return None if loss is None else along(trajectory, Quantity("loss", Family((), loss[()]), setting))[:, 0]


def _spheres(posed: Problem) -> list[Quantity]:
    """The sum of squares of every sphere."""
    flow, found = posed.setting.flow, []
    assert flow is not None
    for group in flow.space.spheres:
        parts = []
        for name in group:
            block = flow.space[name]
            letters = tuple((sp.Symbol(letter, integer=True, nonnegative=True), n) for letter, n in zip("ijlpq", block.shape, strict=False))
            parts.append(total(block[tuple(i for i, _ in letters)] ** 2, *letters))
        found.append(Quantity(f"|{', '.join(group)}|^2", Family((), sp.Add(*parts)), posed.setting))
    return found


def _found_laws(posed: Problem, report: Callable[[str, float | None], None]) -> list[tuple[Claim, Quantity]]:
    """The laws that discovery finds for every loss at the sizes of the run, with the values that their own constants may have."""
    from discovery.discover import Search
    from discovery.family import every_loss
    from theory.settings import Instance

    from .printing import text

    opened = every_loss(posed.setting)
    names = {variable.name for variable in opened.variables}
    values: dict[str, Values] = {name: value for name, value in posed.data.items() if name in names}
    search = Search(opened, Instance(dict(posed.sizes), values), report=lambda said: report(said, None))
    return [("stays", Quantity(text(law.quantity.value), law.quantity, law.setting, law.values or ({},))) for law in search.run()]


# ---- From what is given to a run ---------------------------------------------------------------------------------------------------------------


def _run(given: str | Path | Theory, experiment: str) -> Run:
    if isinstance(given, Theory):
        return _of_theory(given)
    name, _, claim = str(given).partition("/")
    if name in NAMES and not Path(str(given)).exists():
        return _of_paper(name, claim or experiment)
    if Path(str(given)).suffix != ".toml":
        raise NoRun(f"{given} has no numbers to run it with; give a theory file (.toml) with [start] and [run], or one of {', '.join(NAMES)}")
    return _of_theory(read(given))


def _of_theory(theory: Theory) -> Run:
    if not theory.start:
        raise NoRun(f"{theory.title} has no start; give a value for every parameter in [start], and the times or T in [run]")
    known = {v.name for v in theory.setting.variables}

    def watch(posed: Problem) -> list[tuple[Claim, Quantity]]:
        found: list[tuple[Claim, Quantity]] = []
        sizes = Sizes(posed.sizes)
        for statement in theory.statements:
            for part in statement.parts:
                if isinstance(part.assertion, Evolves) and part.assertion.rate == 0:
                    quantity = part.assertion.quantity
                    choices = basis(part.setting, quantity, sizes, given_point(part.setting, sizes, posed.data))
                    own = {v.name for v in part.setting.variables if v.role == "constant"} - known
                    if choices and own <= set(choices[0]):
                        claimed: Claim = "stays" if statement.expect == "proved" else "moves"
                        found.append((claimed, Quantity(statement.id, Family(part.assertion.indices, quantity), part.setting, tuple(choices))))
        return found

    return Run(theory.title, theory.setting, theory.data, theory.start, theory.times, {}, watch)


def _of_paper(name: str, wanted: str) -> Run:
    shipped = paper(name)
    chosen = next((e for e in shipped.experiments if not wanted or wanted in (e.id, e.statement)), None)
    if chosen is None:
        raise NoRun(f"{name} has no experiment {wanted!r}; it has {', '.join(e.id for e in shipped.experiments) or 'none'}")

    def watch(posed: Problem) -> list[tuple[Claim, Quantity]]:
        stay: list[tuple[Claim, Quantity]] = [("stays", _quantity(watched, chosen.setting)) for watched in chosen.conserved]
        return [*stay, *(("moves", _quantity(watched, chosen.setting)) for watched in chosen.moving)]

    return Run(f"{shipped.title}, {chosen.id}", chosen.setting, chosen.data, chosen.start, chosen.times, {}, watch)


def _quantity(watched: Watched, setting: Setting) -> Quantity:
    """What an experiment watches, its own constants declared with the lengths that its sums give them."""
    lengths = {index: upper + 1 for node in watched.quantity.atoms(sp.Sum) for index, _, upper in node.limits}
    own = []
    for name in watched.choices[0]:
        entry = next(entry for entry in watched.quantity.atoms(sp.Indexed) if entry.base.name == name)
        own.append(Variable(name, tuple(lengths[index] for index in entry.indices)))
    return Quantity(watched.label, Family((), watched.quantity), setting.having(*own), watched.choices)


def _changed(run: Run, put: Mapping[str, Any]) -> Run:
    """The run with other numbers. Raises `NoRun` for a name that has none."""
    data, start, sizes = dict(run.data), dict(run.start), dict(run.sizes)
    known = {size.name for size in run.setting.sizes}
    for name, value in put.items():
        if name in start:
            start[name] = _like(start[name], exact(value, name))
        elif name in data:
            data[name] = _like(data[name], exact(value, name))
        elif name in known:
            sizes[name] = int(exact(value, name))  # type: ignore[arg-type]
        else:
            remedy = 'a constant that can be set is declared with its value, as in kappa = { sign = "positive", value = 2 }'
            raise NoRun(f"there is no {name} to set; there are {', '.join([*start, *data, *sorted(known)])}; {remedy}")
    return replace(run, data=data, start=start, sizes=sizes)


def _like(old: Any, new: Any) -> Any:
    """One number stands for a tensor that has it everywhere."""
    if isinstance(old, tuple) and not isinstance(new, tuple):
        return tuple(_like(entry, new) for entry in old)
    return new


def _until(run: Run, until: Any) -> Run:
    if until is None:
        if not run.times:
            raise NoRun(f"{run.title} says nothing of how long to run; give times or T in [run], or the last time (--set T=10)")
        return run
    end = exact(until, "T")
    if not isinstance(end, Fraction) or end <= 0:
        raise InvalidProblem(f"the last time {until} was given; a positive number is wanted")
    return replace(run, times=(*(t for t in run.times if t < end), end))


def parsed(settings: Sequence[str]) -> tuple[dict[str, Any], Any]:
    """Words such as kappa=1/2, u=[0.6,0.8] and T=10 as exact values, and the last time apart. Raises `NoRun` for other words."""
    found: dict[str, Any] = {}
    for word in settings:
        name, equals, value = (piece.strip() for piece in word.partition("="))
        if not equals or not name or not value:
            raise NoRun(f"--set {word} was given; wanted is a name with a value, such as --set kappa=1/2 or --set y=[1,0.5]")
        try:
            found[name] = json.loads(value, parse_float=str) if value.startswith("[") else value
        except json.JSONDecodeError:
            raise NoRun(f'--set {word} was given; a list is written [1,0.5] or [[1,0],[0,"1/3"]]') from None
    return found, found.pop("T", None)


# ---- What people see ---------------------------------------------------------------------------------------------------------------------------


def heading(simulation: Simulation) -> str:
    run = simulation.trajectory
    sizes = " ".join(f"{name}={n}" for name, n in run.problem.sizes.items())
    return f"{sizes + ', ' if sizes else ''}{run.method}, {run.digits} digits, to t = {run.times[-1]}"


def states_table(simulation: Simulation) -> list[list[str]]:
    """At the times asked for: the loss, scalars as they are, tensors of up to four entries too, larger ones by their norm."""
    run = simulation.trajectory
    layout = run.problem.layout
    small = [name for name, lengths in zip(layout.names, layout.shapes, strict=True) if math.prod(lengths) <= 4]
    columns = [name if name in small else f"|{name}|" for name in layout.names]
    shown = min(run.digits, 12)
    table = [["t", *(["loss"] if simulation.loss is not None else []), *columns]]
    for n in simulation.asked:
        row = [str(run.times[n])]
        if simulation.loss is not None:
            row.append(f"{simulation.loss[n]:.6g}")
        for name in layout.names:
            value = run.states[n][name]
            row.append(_short(value, shown) if name in small else f"{np.linalg.norm(simulation.block(name)[n]):.6g}")
        table.append(row)
    return table


def seen_table(simulation: Simulation) -> list[list[str]]:
    table = [["quantity", "claimed", "it", "drift", "at half the tolerance"]]
    for one in simulation.seen:
        found = one.found
        verdict = found.verdict + ("" if one.agrees else " !")
        table.append(
            [found.quantity.label, one.claimed or "-", verdict, *(_drift(d, simulation.trajectory.digits) for d in (found.drift, found.drift_halved))]
        )
    return table


def _drift(drift: float, digits: int) -> str:
    """A drift; one that vanishes in the ten more digits at which drifts are taken is below them, not zero."""
    return f"{drift:.2e}" if drift or digits <= 15 else f"< 1e-{digits + 10}"


def shown(simulation: Simulation) -> Group:
    """For the terminal."""
    styles = {"stays": "green", "moves": "yellow", "unclear": "magenta"}
    parts: list[Any] = []
    for title, (head, *body) in ((simulation.title, states_table(simulation)), ("", seen_table(simulation))):
        table = Table(title=title or None, title_justify="left", title_style="bold", header_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
        for n, name in enumerate(head):
            table.add_column(Text(name), justify="left" if name in ("quantity", "claimed", "it") else "right", overflow="fold", no_wrap=n == 0)
        for row in body:
            table.add_row(*(Text(cell, style=styles.get(cell.removesuffix(" !"), "") if head[n] == "it" else "") for n, cell in enumerate(row)))
        if body:
            parts.append(table)
    return Group(*parts, Text(heading(simulation), style="dim"))


def _short(value: Any, digits: int) -> str:
    """A number or a few of them, with so many digits."""
    if isinstance(value, tuple | list) or (isinstance(value, np.ndarray) and value.ndim):
        return "(" + ", ".join(_short(entry, min(digits, 6)) for entry in value) + ")"
    return str(mp.nstr(mp.mpf(value), digits))


def _plain(value: Any, digits: int) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(entry, digits) for entry in value]
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    with mp.workdps(digits):
        return value if isinstance(value, float) else mp.nstr(value, digits)


def _parquet(columns: Mapping[str, Floats]) -> bytes:
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise ModuleNotFoundError("Parquet files are written with pyarrow; install it (pip install pyarrow), or write a .csv") from None
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.table(dict(columns)), sink)
    return bytes(sink.getvalue())
