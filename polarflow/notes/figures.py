"""An experiment as tables and pictures: the trajectory, the loss, and how the drift of each quantity falls with the digits worked at."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from mpmath import mp

from numerics import InvalidProblem
from proofs_check.balls import flint
from proofs_check.certifying import NotDiagonal, recognise
from proofs_check.drift import Drift, measure
from proofs_check.kernel.decimals import below
from proofs_check.limiting import limit
from theory.statements import Experiment

from ..formula import Layout, Style, latex, layout, letter, read_math
from ..formula.house import flat
from ..formula.layout import Letter, Number, Script
from ..plots import COLOURS, GREY, INK
from ..simulate import Simulation, simulate
from ..targets import Target
from .document import Figure, Formula, Inline, Table, Text
from .words import words

PRECISIONS = (20, 30, 40, 60)
DIGITS = 30  # of the worked instance; fewer are shown
LIMIT_DIGITS = 10  # of where it ends, for the rates
FALLS = 30  # the loss is shown until it has fallen by about e^30
SHOWN = 12
MOST_ENTRIES = 6
LEAST_LOSS = 1e-20  # of the largest; below it there is nothing but rounding
NARROW, WIDE = (6.3, 2.5), (6.3, 2.7)  # inches


@dataclass(frozen=True)
class Rates:
    """The loss at many times, $\\mu$ with $F \\le C e^{-\\mu t}$ for some $C$, and one with $F \\le F(0) e^{-\\mu t}$, if one is proved."""

    times: Sequence[float]
    loss: Sequence[float]
    ending: Fraction
    steady: Fraction | None


@dataclass(frozen=True)
class Worked:
    """A followed experiment: the states at the times asked for, drifts at several precisions, and pictures."""

    name: str  # of its pictures, in all of the document
    experiment: Experiment
    simulation: Simulation
    precise: Simulation
    drifts: Mapping[int, Sequence[Drift]]
    rates: Rates | None = None

    def states(self, style: Style) -> Table:
        """The loss and the first entries of every block at the times asked for, digits that are right."""
        run = self.precise.trajectory
        head: list[tuple[Inline, ...]] = [(Formula(Letter("t")),)]
        columns: list[list[str]] = [[str(run.times[n]) for n in self.precise.asked]]
        lay = run.problem.layout
        for name, lengths in zip(lay.names, lay.shapes, strict=True):
            for place in list(np.ndindex(*lengths))[:MOST_ENTRIES]:
                head.append((Formula(_entry(letter(name, style), place)),))
                columns.append([mp.nstr(_at(run.states[n][name], place), SHOWN, strip_zeros=False) for n in self.precise.asked])
        head, columns = head[: MOST_ENTRIES + 1], columns[: MOST_ENTRIES + 1]
        rows = tuple(tuple((Text(cell),) for cell in cells) for cells in zip(*columns, strict=True))
        return Table(tuple(head), rows, (Text(f"The trajectory, integrated with {DIGITS} digits; {SHOWN} are shown."),))

    def falls(self, style: Style) -> Table:
        """Every quantity with its largest distance from its start, at each precision."""
        known = sorted(self.drifts)
        head: list[tuple[Inline, ...]] = [(Text("quantity"),), (Text("claimed"),), *((Text(f"{d} digits"),) for d in known)]
        watched = (*self.experiment.conserved, *self.experiment.moving)
        rows: list[tuple[tuple[Inline, ...], ...]] = []
        for n, (one, drift) in enumerate(zip(watched, self.drifts[known[-1]], strict=True)):
            told: tuple[Inline, ...] = (Formula(layout(one.quantity, style)),) if drift.conserved else words(one.label, style)
            sizes = [(Formula(_power(self.drifts[d][n].value, d)),) for d in known]
            rows.append((told, (Text("stays" if drift.conserved else "moves"),), *sizes))
        return Table(
            tuple(head),
            tuple(rows),
            (Text("Largest distance from the start. What is conserved falls with the digits worked at; what is not stays."),),
        )

    @property
    def figures(self) -> tuple[Figure, ...]:
        return (_trajectory(self), *((_rates(self.name, self.experiment.id, self.rates),) if self.rates else ()), _falling(self))


def worked(name: str, target: Target, experiment: Experiment, known: Sequence[Drift], digits: int) -> Worked:
    """Follow an experiment; `known` are its drifts at `digits` digits, which are not computed again."""
    drifts = {d: measure(experiment, digits=d) for d in PRECISIONS if d < digits} | {digits: tuple(known)}
    given = target.name if target.name.endswith(".toml") else f"{target.name}/{experiment.id}"
    simulation = simulate(given)
    return Worked(name, experiment, simulation, simulate(given, digits=DIGITS, points=1), drifts, _proved_rates(given, simulation))


def _proved_rates(given: str, simulation: Simulation) -> Rates | None:
    """What is proved of how fast the loss falls, where the flow is one on the diagonal model and its limit is positive."""
    try:
        found = recognise(simulation.trajectory.problem)
    except (NotDiagonal, InvalidProblem):
        return None
    ended = limit(found.polar, digits=LIMIT_DIGITS)
    if ended.rate is None or simulation.loss is None:
        return None
    ending = ended.rate * found.rate
    falls = min(Fraction(simulation.trajectory.times[-1]), FALLS / ending)  # later there is nothing to be seen
    near = simulate(given, until=falls)
    assert near.loss is not None
    return Rates(list(map(float, near.times)), list(map(float, near.loss)), ending, None if ended.steady is None else ended.steady * found.rate)


def _trajectory(found: Worked) -> Figure:
    """Blocks side by side, and the loss."""
    run = found.simulation
    names = run.trajectory.problem.layout.names
    loss = np.zeros(0) if run.loss is None else run.loss
    panels = [*names, *(["loss"] if run.loss is not None else [])]

    def draw(figure: Any) -> None:
        axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for axis, name in zip(axes, panels, strict=True):
            axis.set_xlabel("$t$")
            axis.set_xlim(run.times[0], run.times[-1])
            if name == "loss":
                axis.plot(run.times, loss, color=INK, linewidth=1.3)
                axis.set_title("$F$")
                if np.all(loss > 0):
                    axis.set_yscale("log")
                    axis.set_ylim(bottom=max(loss.min() / 3, LEAST_LOSS * loss.max()))
                continue
            values = run.block(name)
            scalar = values.shape[1] == 1
            axis.set_title(f"${latex(letter(name))}$")
            for n in range(min(values.shape[1], MOST_ENTRIES)):
                axis.plot(run.times, values[:, n], color=INK if scalar else COLOURS[n], linewidth=1.3, label=f"${latex(_entry(letter(name), (n,)))}$")
            if not scalar:
                axis.legend(frameon=False, fontsize=7, ncols=2, handlelength=1.2)

    told = (
        f"Curves over time of {', '.join(panels)}; the loss on a logarithmic scale."
        if run.loss is not None
        else f"Curves over time of {', '.join(panels)}."
    )
    caption = (Text(f"Experiment {found.experiment.id}: the trajectory" + (" and the loss." if run.loss is not None else ".")),)
    return _figure(f"{found.name}-trajectory", draw, NARROW, caption, told)


def _rates(name: str, experiment: str, known: Rates) -> Figure:
    """The loss under what is proved of it; of the rate in the end the slope is proved, and not the height."""

    def draw(figure: Any) -> None:
        axis = figure.subplots()
        times, loss = np.array(known.times), np.array(known.loss)
        axis.plot(times, loss, color=INK, linewidth=1.5, label="the loss, integrated")
        if known.steady is not None:
            bound = loss[0] * np.exp(-float(known.steady) * times)
            axis.plot(times, bound, color=COLOURS[0], linestyle="--", linewidth=1.5, label=f"proved: ${_power_law('F(0)', known.steady)}$")
        half = times >= times[-1] / 2
        slope = 3 * loss[-1] * np.exp(-float(known.ending) * (times - times[-1]))
        axis.plot(times[half], slope[half], color=COLOURS[1], linestyle="-.", linewidth=1.5, label=f"proved: ${_power_law('C', known.ending)}$")
        axis.set_yscale("log")
        axis.set_xlabel("$t$")
        axis.set_ylabel("$F$")
        axis.set_xlim(times[0], times[-1])
        axis.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5))

    end = Formula(read_math(rf"F \le {_power_law('C', known.ending)}"))
    caption: tuple[Inline, ...] = (Text(f"Experiment {experiment}: the loss, and what is proved of how fast it falls: "),)
    if known.steady is not None:
        caption += (Formula(read_math(rf"F \le {_power_law('F(0)', known.steady)}")), Text(" from the start on, and "))
    caption += (end, Text(" for some "), Formula(Letter("C")), Text(", of which the slope is shown. The rates are rounded down."))
    told = f"The loss falls over time on a logarithmic scale, in the end along a line of the slope {below(flint(known.ending))} that is proved."
    return _figure(f"{name}-rates", draw, WIDE, caption, told)


def _power_law(factor: str, rate: Fraction) -> str:
    """The rate rounded down, in LaTeX that notes and Matplotlib both read."""
    front, _, power = below(flint(rate)).lower().partition("e")
    return rf"{factor}\, e^{{-{front}" + (rf" \cdot 10^{{{int(power)}}}" if power else "") + r" t}"


def _falling(found: Worked) -> Figure:
    """The drift of every quantity against the digits worked at."""
    known = sorted(found.drifts)
    last = found.drifts[known[-1]]

    def draw(figure: Any) -> None:
        axis = figure.subplots()
        moving = 0
        for n, drift in enumerate(last):
            sizes = [max(float(mp.log10(found.drifts[d][n].value)) if found.drifts[d][n].value else -d - 10.0, -d - 10.0) for d in known]
            if drift.conserved:
                colour = COLOURS[(0, 2, 5)[n % 3]]
                axis.plot(
                    known, sizes, color=colour, marker="o", markersize=4, linewidth=1.5, label=_mathtext(found.experiment.conserved[n], drift.label)
                )
            else:
                marker = "svD^<>Px"[moving % 8]
                axis.plot(known, sizes, color=COLOURS[1], marker=marker, markersize=3.5, linewidth=0.8, alpha=0.8, label=drift.label)
                moving += 1
        axis.plot(known, [-d for d in known], color=GREY, linestyle=":", linewidth=1, label="$10^{-\\mathrm{digits}}$")
        axis.set_xlabel("digits worked at")
        axis.set_ylabel("$\\log_{10}$ of the drift")
        axis.set_xticks(known)
        axis.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1.01, 0.5))

    stay = ", ".join(d.label for d in last if d.conserved)
    told = f"The drift of {stay} falls by as many powers of ten as there are more digits; that of every variant stays where it is."
    caption = (Text(f"Experiment {found.experiment.id}: the drift of laws falls with the digits worked at, that of false variants does not."),)
    return _figure(f"{found.name}-drift", draw, WIDE, caption, told)


def against_scale(name: str, series: Mapping[str, Sequence[tuple[Fraction, Fraction]]], what: str) -> Figure:
    """Let values at several scales of the start be given, by the flow: a curve for each, on logarithmic axes."""

    def draw(figure: Any) -> None:
        axis = figure.subplots()
        for n, (label, points) in enumerate(series.items()):
            scales, values = zip(*((float(x), float(y)) for x, y in sorted(points)), strict=True)
            axis.plot(scales, values, color=COLOURS[n % len(COLOURS)], marker="osDv^<"[n % 6], markersize=4, linewidth=1.3, label=label)
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_xlabel("scale of the start, $\\Vert w_0 \\Vert^2$")
        axis.set_ylabel(what)
        axis.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1.01, 0.5))

    caption = (Text(f"The values of the table against the scale of the start: {what}."),)
    told = f"Curves of {what} against the scale of the start, one for each flow; the numbers are in the table."
    return _figure(name, draw, WIDE, caption, told)


def _figure(name: str, draw: Any, size: tuple[float, float], caption: tuple[Inline, ...], told: str) -> Figure:
    return Figure(name, picture(name, draw, size), caption, told)


def picture(name: str, draw: Callable[[Any], None], size: tuple[float, float]) -> Callable[[str], bytes]:
    """What `draw` puts on a figure of so many inches, in the style of the notes, in the form that is asked for: svg, pdf or png."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure as Canvas

    inks = ("axes.edgecolor", "axes.labelcolor", "text.color", "xtick.color", "ytick.color", "legend.labelcolor")
    style: Any = dict.fromkeys(inks, INK) | {
        "font.size": 8,
        "font.family": "DejaVu Sans",
        "mathtext.fontset": "cm",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 9,
        "axes.grid": True,
        "grid.color": "#88888844",
        "grid.linewidth": 0.5,
        "svg.hashsalt": name,
        "svg.fonttype": "path",
    }

    def written(form: str) -> bytes:
        with rc_context(style):
            figure = Canvas(figsize=size, layout="constrained")
            draw(figure)
            sink = io.BytesIO()
            undated: Any = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(form)
            figure.savefig(sink, format=form, dpi=200, metadata=undated, transparent=form == "svg")
        return _clean(sink.getvalue().decode(), name) if form == "svg" else sink.getvalue()

    return written


def _clean(svg: str, name: str) -> bytes:
    """The picture alone, its names its own, its ink that of the page: it can stand within a page beside others, in light and dark."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    stem = re.sub(r"\W+", "-", name)
    for own in dict.fromkeys(re.findall(r'\bid="([^"]+)"', svg)):
        svg = re.sub(rf'(\bid="|"#|url\(#){re.escape(own)}(?=["\)])', rf"\g<1>{stem}-{own}", svg)
    return svg.encode()


def _mathtext(watched: Any, label: str) -> str:
    """The quantity as Matplotlib can set it, or its label."""
    from matplotlib.mathtext import MathTextParser

    told = latex(flat(layout(watched.quantity))).replace(r"\Vert", r"\Vert ").replace(r"\left\Vert ", r"\Vert ").replace(r"\right\Vert ", r"\Vert ")
    try:
        MathTextParser("path").parse(f"${told}$")
    except ValueError:
        return label
    return f"${told}$"


def _entry(base: Layout, place: tuple[int, ...]) -> Layout:
    if not place:
        return base
    told = Number(",".join(map(str, place)))
    return Script(base.base, told, base.above) if isinstance(base, Script) and base.below is None else Script(base, told)


def _at(value: Any, place: tuple[int, ...]) -> Any:
    for n in place:
        value = value[n]
    return value


def _power(value: Any, digits: int) -> Layout:
    """A size such as 3.1e-45 as a layout; one that vanishes in the ten more digits at which drifts are taken is below them, not zero."""
    if value is None:
        return Letter("?", "upright")
    if not value:
        return read_math(f"< 10^{{-{digits + 10}}}")
    mantissa, _, exponent = mp.nstr(value, 2, min_fixed=0, max_fixed=0).partition("e")
    return read_math(rf"{mantissa}\cdot 10^{{{int(exponent or 0)}}}")
