"""Average correct selection, and what it costs, by the patients that a trial may enrol."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.display.outlook import STUDY_MODEL
from doseopt.plots.placement import Canvas, End
from doseopt.plots.registered import REGISTERED, Look, looks_of, registered_first, so_far
from doseopt.plots.scaffold import Figure, axes_at, faint_grid, names_of, new_figure, percent_axis
from doseopt.plots.style import NORMAL, SMALL, fitted, full_width, styled

LEFT, RIGHT, TALL = 0.5, 1.55, 3.0
"""Inches beside the axes, and their height."""
COST, GAP, SCALE = 1.0, 0.42, 0.42
"""Inches: the panels below, between panels beside each other, and below one."""
COSTS = (
    ("overdose_selection", "Overdose (% of trials)", 100),
    ("patients_below_mtd", "Patients below the MTD", 1),
)
"""Variable, title, factor."""


@dataclass(frozen=True, eq=False)
class Curve:
    """Average correct selection y (%) by most patients x, both [K], of all designs that it is the same for."""

    names: list[str]
    x: FloatArray
    y: FloatArray
    look: Look


@dataclass(frozen=True)
class Mark:
    """A design with the enrolment planned for it."""

    name: str
    x: float
    y: float
    look: Look


@styled
def enrolment_needed_figure(tree: xr.DataTree) -> Figure:
    """Draw average correct selection against the most patients, the planned enrolments marked; below, what it costs.

    Parameters
    ----------
    tree : DataTree
        Of `doseopt.amendment.amend`; `enrolment/planned_maximum` (design) says what is planned, nan for no most.

    Returns
    -------
    Figure
        One line for designs that differ by the patients planned only; overdose selection and patients below the MTD.
    """
    ds = registered_first(tree, "enrolment")
    marks = _marks(tree, ds)
    curves = _curves(tree, ds, marks)
    subtitle = f"Averages over the study's model, {so_far(tree)}, by the most patients that the whole trial may enrol."
    if marks:
        subtitle += " Markers: the designs with the enrolment planned for them, and their percentage."
    tall = max(TALL, sum(_height(text) for text in _ends(curves)) / 72)
    below = COST + 0.25 + SCALE
    figure = new_figure(tall + below + 0.55, "How many patients correct selection takes", subtitle)
    figure.set_layout_engine("none")
    across = full_width() - LEFT - RIGHT
    ax = axes_at(figure, LEFT, below + SCALE, across, tall)
    every = np.concatenate([curve.x for curve in curves])
    ax.set_xlim(every.min() - 1, every.max() + 1)
    percent_axis(ax, "y")
    for curve in curves:
        colour, style, _ = curve.look
        wide = 1.9 if curve.look == REGISTERED else 1.4
        ax.plot(curve.x, curve.y, color=colour, linestyle=style, linewidth=wide, zorder=3)
    for mark in marks:
        colour, _, shape = mark.look
        ax.plot(mark.x, mark.y, shape, color=colour, markersize=6, markeredgecolor="white", zorder=4, clip_on=False)
    ax.set_xlabel("most patients enrolled in the trial")
    ax.set_ylabel("correct selection (% of trials)")
    canvas = Canvas(ax, 72 * across, 72 * tall)
    _costs(figure, ds, curves, every)
    _name_marks(canvas, marks, curves)
    canvas.name_ends([_end(text, curve) for text, curve in zip(_ends(curves), curves, strict=True)], 12, 20, 8)
    return figure


def _costs(figure: Figure, ds: xr.Dataset, curves: list[Curve], every: FloatArray) -> None:
    """Draw overdose selection and patients below the MTD by most patients, each line as above."""
    wide, caps = (full_width() - LEFT - GAP - 0.12) / 2, ds["enrolment"].to_numpy().astype(float)
    for k, (name, title, factor) in enumerate(COSTS):
        ax = axes_at(figure, LEFT + k * (wide + GAP), SCALE, wide, COST)
        ax.set_title(title, weight="bold")
        values = [factor * ds[name].sel(design=curve.names[0]).to_numpy() for curve in curves]
        for curve, value in zip(curves, values, strict=True):
            colour, style, _ = curve.look
            ax.plot(caps, value, color=colour, linestyle=style, linewidth=1.2, zorder=3)
        ax.set_xlim(every.min() - 1, every.max() + 1)
        ax.set_ylim(0, max(1.1 * max(float(np.nan_to_num(value).max()) for value in values), 1.0))
        faint_grid(ax)
        ax.set_xlabel("most patients enrolled")


def _marks(tree: xr.DataTree, ds: xr.Dataset) -> list[Mark]:
    """Return the designs that have a planned enrolment."""
    if "planned_maximum" not in ds:
        return []
    names = names_of(ds)
    average = 100 * tree["average"]["correct_selection"].sel(belief=STUDY_MODEL)
    planned = [float(ds["planned_maximum"].sel(design=name)) for name in names]
    each = zip(names, planned, looks_of(tree, names), strict=True)
    return [Mark(name, x, float(average.sel(design=name)), look) for name, x, look in each if not np.isnan(x)]


def _curves(tree: xr.DataTree, ds: xr.Dataset, marks: list[Mark]) -> list[Curve]:
    """Return the lines, through the marks that belong to them."""
    names, caps = names_of(ds), ds["enrolment"].to_numpy().astype(float)
    values = 100 * ds["correct_selection"].transpose("design", "enrolment").to_numpy()
    shared: dict[bytes, list[int]] = {}
    for d, row in enumerate(values):
        shared.setdefault(row.round(9).tobytes(), []).append(d)
    found = []
    for rows in shared.values():
        own, known = [names[d] for d in rows], ~np.isnan(values[rows[0]])
        points = dict(zip(caps[known].tolist(), values[rows[0]][known].tolist(), strict=True))
        points |= {mark.x: mark.y for mark in marks if mark.name in own}
        x = np.array(sorted(points))
        found.append(Curve(own, x, np.array([points[cap] for cap in x]), looks_of(tree, names)[rows[0]]))
    return found


def _name_marks(canvas: Canvas, marks: list[Mark], curves: list[Curve]) -> None:
    """Write design and percentage beside the markers of planned enrolments, where there is room among the lines."""
    for curve in curves:
        canvas.keep_off_line(curve.x, curve.y)
    canvas.keep_off_marks((mark.x, mark.y) for mark in marks)
    said = [mark.name if f"{mark.x:.0f}" in mark.name else f"{mark.name} (≤ {mark.x:.0f})" for mark in marks]
    for name, mark in zip(fitted(said, 0.25 * canvas.width, SMALL), marks, strict=True):
        text, spot = f"{name}: {mark.y:.0f}%", (mark.x, mark.y)
        box = canvas.beside(text, spot, range(5, 120, 5))
        if box is not None:
            canvas.write(text, spot, box)


def _end(text: str, curve: Curve) -> End:
    look = {"size": NORMAL, "weight": "bold" if curve.look == REGISTERED else "normal"}
    return End(text, curve.x[-1], curve.y[-1], _height(text), curve.look[0], look)


def _ends(curves: list[Curve]) -> list[str]:
    """Return what stands at the end of each line: its designs, one below the other, and what they reach."""
    room = 72 * RIGHT - 18
    return [
        "\n".join([*fitted(curve.names, room, NORMAL, bold=True), f"{curve.y[-1]:.0f}% with {curve.x[-1]:.0f}"])
        for curve in curves
    ]


def _height(text: str) -> float:
    """Return the height of some lines, in points."""
    return (text.count("\n") + 1) * (NORMAL + 2.2) + 2
