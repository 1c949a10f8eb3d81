"""A simulation as a picture: a panel for each block, one for the loss, and one for the drift of every quantity watched."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .simulate import Seen, Simulation

# Okabe and Ito's colours, told apart by everyone; black is for single curves.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
INK, GREY = "#222222", "#888888"
MOST_PANELS, MOST_LINES, COLUMNS = 12, 6, 3
FORMATS = (".png", ".svg", ".pdf")


def draw(simulation: Simulation, path: Path) -> None:
    """Write the picture. Raises `ValueError` for an ending that is not known."""
    if path.suffix not in FORMATS:
        raise ValueError(f"{path} was given; a name that ends in {', '.join(FORMATS)} is wanted")
    path.write_bytes(picture(simulation, path.suffix[1:]))


def picture(simulation: Simulation, form: str) -> bytes:
    """The picture as the content of a file."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    names = simulation.trajectory.problem.layout.names
    watched = sorted(simulation.seen, key=lambda one: one.claimed != "stays")[:MOST_PANELS]
    panels = len(names) + (simulation.loss is not None) + (simulation.bounds is not None) + len(watched)
    rows = -(-panels // COLUMNS)
    style: Any = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "polarflow", "axes.titlelocation": "left"}
    with rc_context(style), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a curve that is zero everywhere has no logarithmic scale of its own
        figure = Figure(figsize=(3.9 * COLUMNS, 2.5 * rows + 0.5), layout="constrained")
        figure.suptitle(simulation.title, x=0.01, ha="left", fontweight="bold")
        axes = list(figure.subplots(rows, COLUMNS, squeeze=False).flat)
        for axis in axes[panels:]:
            axis.set_visible(False)
        for axis, name in zip(axes, names, strict=False):
            _block(axis, simulation, name)
        rest = axes[len(names) :]
        if simulation.loss is not None:
            _loss(rest.pop(0), simulation)
        if simulation.bounds is not None:
            _within(rest.pop(0), simulation)
        floor, top = _limits(watched)
        for n, (axis, one) in enumerate(zip(rest, watched, strict=False)):
            _drift(axis, simulation, one, (floor, top), legend=n == 0)
        for axis in axes[:panels]:
            axis.set_xlim(simulation.times[0], simulation.times[-1])
            axis.grid(visible=True, color="#e6e6e6", linewidth=0.6)
            axis.set_axisbelow(True)
        for axis in axes[max(0, panels - COLUMNS) : panels]:
            axis.set_xlabel("t")
        sink = io.BytesIO()
        figure.savefig(sink, format=form, dpi=150, metadata={"Date": None} if form == "svg" else None)
    return sink.getvalue()


def _block(axis: Any, simulation: Simulation, name: str) -> None:
    values = simulation.block(name)
    axis.set_title(name)
    if values.shape[1] > MOST_LINES:
        axis.plot(simulation.times, values, color=COLOURS[0], linewidth=0.8, alpha=max(0.15, min(0.8, 12 / values.shape[1])))
        axis.set_title(f"{name}, {values.shape[1]} entries")
        return
    layout = simulation.trajectory.problem.layout
    shape = layout.shapes[layout.names.index(name)]
    for n, place in enumerate(np.ndindex(*shape)):
        label = f"{name}[{','.join(map(str, place))}]"
        axis.plot(simulation.times, values[:, n], color=COLOURS[n] if shape else INK, linewidth=1.4, label=label)
        if simulation.bounds is not None:
            width = simulation.bounds.widths[name][:, n]
            axis.fill_between(
                simulation.times, values[:, n] - width, values[:, n] + width, color=COLOURS[n] if shape else INK, alpha=0.25, linewidth=0
            )
    if shape:
        axis.legend(frameon=False, fontsize=7, ncols=2, handlelength=1.2)


def _loss(axis: Any, simulation: Simulation) -> None:
    assert simulation.loss is not None
    axis.set_title("loss")
    axis.plot(simulation.times, simulation.loss, color=INK, linewidth=1.4)
    if (simulation.loss > 0).all():
        axis.set_yscale("log")


def _within(axis: Any, simulation: Simulation) -> None:
    """How far the solution is from the states computed, and where that is not known any more."""
    assert simulation.bounds is not None
    bounds = simulation.bounds
    axis.set_title("proved within")
    axis.plot(simulation.times, np.where(bounds.radii > 0, bounds.radii, np.nan), color=COLOURS[2], linewidth=1.4)
    axis.set_yscale("log")
    if bounds.enclosure.reason:
        axis.axvspan(float(bounds.enclosure.reached), simulation.times[-1], color="#eeeeee", linewidth=0)
        axis.set_title("unknown beyond", loc="right", fontsize=8, color=COLOURS[1])


def _limits(watched: list[Seen]) -> tuple[float, float]:
    """One scale for all drifts, so that panels can be compared: whole decades around everything that is not zero."""
    sizes = [np.abs(part)[1:].max(axis=1) for one in watched for part in (one.found.departures, one.found.halved)]
    positive = np.concatenate([size[size > 0] for size in sizes]) if sizes else np.array([])
    if not positive.size:
        return 1e-17, 1e-14
    return float(10 ** np.floor(np.log10(positive.min()))), float(10 ** np.ceil(np.log10(positive.max()) + 0.3))


def _drift(axis: Any, simulation: Simulation, one: Seen, limits: tuple[float, float], *, legend: bool) -> None:
    found = one.found
    label = found.quantity.label
    colour = COLOURS[2] if found.verdict == "stays" else COLOURS[1]
    told = found.verdict + (f", not {one.claimed}" if not one.agrees else "")
    room = 34 - len(told)
    axis.set_title(f"drift of {label if len(label) <= room else label[: room - 1] + '…'}", fontsize=9)
    axis.set_title(told, loc="right", fontsize=8, color=colour, fontweight="normal" if one.agrees else "bold")
    for departures, dashes, name in ((found.departures, "-", "at the tolerance"), (found.halved, ":", "at half the tolerance")):
        size = np.abs(departures).max(axis=1)
        axis.plot(simulation.times[1:], np.where(size > 0, size, np.nan)[1:], linestyle=dashes, color=colour, linewidth=1.4, label=name)
    axis.set_yscale("log")
    axis.set_ylim(*limits)
    if found.drift == 0 == found.drift_halved:
        axis.text(0.5, 0.5, "0 throughout", transform=axis.transAxes, ha="center", fontsize=8, color=GREY)
    elif legend:
        axis.legend(frameon=False, fontsize=8)
