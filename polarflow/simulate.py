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
from contextlib import suppress
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context
from fractions import Fraction
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import sympy as sp
from mpmath import mp
from numpy.typing import NDArray
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from numerics import InvalidProblem, Problem, Trajectory, integrate, problem
from numerics.observe import Monitored, Quantity, along, monitor
from proofs_check.enclosing import law
from theory.files import Theory
from theory.settings import Values
from theory.statements import Evolves, Part
from theory.symbols import Family, total

from .bounds import Bounds, bounds
from .runs import Claim, NoRun, changed, ended, run_of

SCHEMA = "polarflow.simulation/1"
POINTS = 200
MOST_POINTS = 10_000
RTOL = 1e-12

Floats = NDArray[np.float64]


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
    bounds: Bounds | None = None

    def __getitem__(self, name: str) -> Any:
        blocks = self.trajectory[name]
        return np.array(blocks) if self.trajectory.digits <= 15 else blocks

    @property
    def times(self) -> Floats:
        return np.array([float(t) for t in self.trajectory.times])

    @property
    def agrees(self) -> bool:
        """Whether everything did what is claimed of it, and was enclosed up to the last time where that was asked for."""
        return all(one.agrees for one in self.seen) and (self.bounds is None or self.bounds.enclosure.outcome == "proved")

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
        if self.bounds is not None:
            found["proved within"] = self.bounds.radii
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
            "enclosure": None if self.bounds is None else self.bounds.as_json(),
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
    enclose: bool = False,
    within: Mapping[str, Any] | None = None,
    report: Callable[[str, float | None], None] = lambda said, share: None,
) -> Simulation:
    """Let a theory file with [start] and [run], or a shipped paper with experiments, be given: its flow, followed.

    `put` gives exact values in place of the file's, for constants, data, starts and sizes: {"kappa": "1/2"}. `until` is the last time in place of the
    file's; `points` is how many times there are beside those asked for. Every quantity that the file claims to be conserved is watched, at the
    tolerance and at half of it; with `discover` also the laws that are found. With `enclose` it is proved how far the states computed are from the
    solution, and the laws among these quantities that are proved for all sizes hold it together; `within` are radii of constants and parameters, as
    in {"kappa": "1/1000"}, and then all solutions within them are enclosed, without laws. `report` is told what is being done, and which share of it.

    Raises `NoRun` where numbers are missing, `InvalidProblem` where they do not fit, `IntegrationFailed` where the flow cannot be followed.
    """
    run = ended(changed(run_of(given, experiment), put or {}), until)
    grid = sorted({Fraction(0), *run.times, *_between(run.times[-1], _points(points, digits))})
    posed = problem(run.setting, data=run.data, start=run.start, times=grid, sizes=run.sizes)
    report("quantities", None)
    watched = [*run.watch(posed), *(_found_laws(posed, report) if discover else ())]
    laws = _laws(watched) if enclose and not within else []
    stated = {one for _, quantity in watched for one in (quantity.label, quantity.family.value)}
    watched += [("stays", q) for q in _spheres(posed) if not stated & {q.label, q.family.value}]

    in_doubles = digits <= 15 and method not in ("taylor", "odefun")

    def follow(tolerance: float) -> Trajectory:
        report(f"integrating at tolerance {tolerance:.1g}", 0.0)
        if in_doubles:
            told = {"report": lambda share: report("integrating", share)}
            return integrate(posed, digits=digits, method=method, rtol=tolerance, atol=tolerance / 100, **told)
        return integrate(posed, digits=math.ceil(-math.log10(tolerance) - 1e-9), method=method)

    tolerance = RTOL if in_doubles else 10.0**-digits
    trajectory, monitored = monitor([quantity for _, quantity in watched], follow, tolerance)
    seen = tuple(Seen(claimed, found) for (claimed, _), found in zip(watched, monitored, strict=True))
    asked = tuple(n for n, t in enumerate(trajectory.times) if t == 0 or t in run.times)
    if enclose or within:
        report("enclosing", None)
    enclosed = bounds(trajectory, digits=digits, radii=within or {}, laws=laws) if enclose or within else None
    return Simulation(run.title, trajectory, asked, _loss(trajectory), seen, enclosed)


def _laws(watched: Sequence[tuple[Claim, Quantity]]) -> list[Any]:
    """The quantities that are claimed to stay and are proved to, as `enclose` takes them."""
    found = []
    for claimed, quantity in watched:
        if claimed == "stays":
            with suppress(InvalidProblem):  # not proved for all sizes: the enclosure does without it
                found.append(law(Part(quantity.setting, Evolves(quantity.family.value, sp.S.Zero, quantity.family.indices)), quantity.choices))
    return found


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
            parts.append(total(block[tuple(i for i, _ in block.indices)] ** 2, *block.indices))
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
    bounded = simulation.bounds
    table = [["t", *(["loss"] if simulation.loss is not None else []), *columns, *(["proved within"] if bounded else [])]]
    for n in simulation.asked:
        row = [str(run.times[n])]
        if simulation.loss is not None:
            row.append(f"{simulation.loss[n]:.6g}")
        for name in layout.names:
            value = run.states[n][name]
            row.append(_short(value, shown) if name in small else f"{np.linalg.norm(simulation.block(name)[n]):.6g}")
        if bounded:
            row.append("unknown" if math.isnan(bounded.radii[n]) else _up(float(bounded.radii[n])))
        table.append(row)
    return table


def _up(value: float) -> str:
    """Two digits, rounded up."""
    return f"{Context(prec=2, rounding=ROUND_CEILING).create_decimal(value):.1e}"


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
    if simulation.bounds is not None:
        parts.append(Text(simulation.bounds.words))
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
