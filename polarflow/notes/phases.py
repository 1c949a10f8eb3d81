"""A phase diagram: an instance of a claim with other ratios and other scales of the start, each cell decided by a certificate or left open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import sympy as sp

from numerics.limit import polar
from proofs_check.limiting import Outcome, limit
from theory.files.errors import Place
from theory.files.grammar import parse
from theory.files.meaning import Scope, meaning
from theory.statements import Ending

from ..formula import EQUALS, latex, layout, read_math
from ..formula.layout import row
from ..plots import COLOURS, GREY, INK
from .document import Figure, Formula, Inline, Text
from .figures import picture

CELLS = 16  # on a side
RATIOS, SCALES = 2, 4  # the axes end at these multiples of the instance's own
DIGITS = 3  # of limits; only what becomes of the flow is asked
SIZE = (5.2, 3.1)  # inches
LOOKS = {"converges": (COLOURS[5], "", "converges"), "collapses": (COLOURS[1], "////", "collapses"), "unknown": ("none", "....", "unknown")}

Cells = Mapping[tuple[Fraction, Fraction], Outcome]  # by the ratio and the square of the radius at the start


def threshold(text: str) -> sp.Expr:
    """A number in the grammar of theory files. Raises `TheoryFileError` for what is none."""
    place = Place("the prose", "phase", text)
    return meaning(place, Scope({}), parse(place)).value


def cells(end: Ending) -> Cells:
    """Let the polar flow from weights with the squares of `end` be given: what becomes of it at other ratios and scales, in the same direction.

    Raises `ValueError` for plain gradient flow, for a start that is given otherwise, and where there is no solution for the flow to converge to.
    """
    squares = end.start.get("w^2")
    if end.kappa is None or not isinstance(squares, tuple):
        raise ValueError("wanted is a part about a polar flow that starts at given squares of the weights")
    entries = tuple(Fraction(str(entry)) for entry in squares)
    own = sum(entries, Fraction(0))
    found: dict[tuple[Fraction, Fraction], Outcome] = {}
    for n in range(CELLS):
        ratio = RATIOS * end.kappa * Fraction(2 * n + 1, 2 * CELLS)
        for m in range(CELLS):
            scale = SCALES * own * Fraction(2 * m + 1, 2 * CELLS)
            start = {"w^2": tuple(entry * scale / own for entry in entries)}
            outcome = limit(polar(end.matrix, end.target, kappa=ratio, L=end.depth, start=start), digits=DIGITS).outcome
            if outcome == "no solution":
                raise ValueError("its data have no solution, and where the flow then ends is not known")
            found[ratio, scale] = outcome
    return found


def diagram(name: str, found: Cells, product: sp.Expr | None) -> Figure:
    """The picture, with the curve $\\kappa \\|w_0\\|^2$ = `product` if that is said to part collapse from convergence."""
    ratios, scales = (sorted({float(key[side]) for key in found}) for side in (0, 1))
    ends = [(3 * axis[-1] - axis[-2]) / 2 for axis in (ratios, scales)]

    def draw(figure: Any) -> None:
        from matplotlib.patches import Patch, Rectangle

        axis = figure.subplots()
        wide, high = (edge / len(own) for edge, own in zip(ends, (ratios, scales), strict=True))
        for (ratio, scale), outcome in found.items():
            colour, hatch, _ = LOOKS[outcome]
            corner = (float(ratio) - wide / 2, float(scale) - high / 2)
            axis.add_patch(
                Rectangle(corner, wide, high, facecolor=colour, edgecolor="white" if colour != "none" else GREY, linewidth=0.4, hatch=hatch)
            )
        if product is not None:
            rest = [ends[0] * n / 400 for n in range(1, 401)]
            told = rf"$\kappa\,\Vert w_0 \Vert^2 = {latex(layout(product))}$"
            axis.plot(rest, [float(product) / ratio for ratio in rest], color=INK, linewidth=1.8, label=told)
        axis.set(xlim=(0, ends[0]), ylim=(0, ends[1]), xlabel=r"ratio $\kappa$", ylabel=r"scale of the start, $\Vert w_0 \Vert^2$")
        axis.grid(visible=False)
        used = [LOOKS[key] for key in LOOKS if key in set(found.values())]
        keys = [Patch(facecolor=colour, edgecolor="white" if colour != "none" else GREY, hatch=hatch, label=told) for colour, hatch, told in used]
        lines, labels = axis.get_legend_handles_labels()
        named = [*keys, *lines]
        axis.legend(named, [*(key.get_label() for key in keys), *labels], frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5))

    count = Counter(found.values())
    open_ = f" {count['unknown']} are open." if count["unknown"] else " None is open."
    decided = f"it converges in {count['converges']} and collapses in {count['collapses']}, with a certificate for each that the kernel accepted."
    caption: tuple[Inline, ...] = (Text(f"What becomes of the flow, asked at the centre of each of {len(found)} cells: {decided}{open_}"),)
    if product is not None:
        against = contradicting(found, product)
        agrees = "every decided cell agrees with it." if not against else f"{against} decided cells contradict it."
        curve = row(read_math(r"\kappa \Vert w_0\Vert^2"), EQUALS, layout(product))
        caption += (Text(" The curve is the threshold "), Formula(curve), Text(f"; {agrees}"))
    told = (
        f"A grid of ratios and scales of the start: {count['converges']} cells converge, {count['collapses']} collapse, {count['unknown']} are open."
    )
    return Figure(name, picture(name, draw, SIZE), caption, told)


def contradicting(found: Cells, product: sp.Expr) -> int:
    """How many cells collapse above the threshold, or converge at or below it."""
    wrong = 0
    for (ratio, scale), outcome in found.items():
        below = bool(sp.Rational(ratio * scale) <= product)
        wrong += (outcome == "collapses" and not below) or (outcome == "converges" and below)
    return wrong
