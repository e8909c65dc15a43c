"""Registered against amended designs: the numbers that matter, and each scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.core.text import counted
from doseopt.display.outlook import STUDY_MODEL
from doseopt.display.panels import Panel, doses, grouped, over, panels
from doseopt.plots.enrolment_needed import enrolment_needed_figure
from doseopt.plots.registered import AMENDED, REGISTERED, Look, looks_of, names_of, registered_first, so_far
from doseopt.plots.style import FAINT, GREY, INK, NORMAL, SMALL, WIDTH, fitted, new_figure, percent_axis, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["conditional_figure", "enrolment_needed_figure", "summary_figure"]

ROW, PART, GAP = 0.36, 0.12, 0.13
"""Inches: a design of the summary; a design in a scenario, and between scenarios."""
SIDE = 20
"""Percentage points beside an axis of percentages, for its numbers."""
SUMMARY = {
    "correct_selection": ("Correct selection", "% of trials", 100),
    "no_selection": ("No MTD declared", "% of trials", 100),
    "further_dlts": ("DLTs still to come", "expected patients", 1),
}
"""Measures: title, unit, factor."""
CONDITIONAL = {
    "correct_selection": "Correct selection",
    "no_selection": "No MTD declared",
    "overdose_selection": "Overdose selected",
}


@styled
def summary_figure(tree: xr.DataTree) -> Figure:
    """Draw the three numbers that matter, averaged over the study's model given the data so far.

    Parameters
    ----------
    tree : DataTree
        Of `doseopt.amendment.amend`.

    Returns
    -------
    Figure
        A row for each design; correct selection, no MTD declared, and DLTs still to come.
    """
    ds = registered_first(tree, "average")
    beliefs = [str(name) for name in ds["belief"].to_numpy() if name != STUDY_MODEL]
    subtitle = (
        f"Averages over the study's model, {so_far(tree)}. Square and bold: the registered design; circles: amended. "
        f"Thin line: the lowest to the highest under {counted(len(beliefs), 'other belief')}: {', '.join(beliefs)}."
    )
    names = names_of(ds)
    figure = new_figure(len(names) * ROW + 0.65, "Registered against amended: what matters", subtitle)
    axes = figure.subplots(1, 3, sharey=True)
    for ax, (name, (title, unit, factor)) in zip(axes, SUMMARY.items(), strict=True):
        each = factor * ds[name].transpose("design", "belief")
        rest = each.sel(belief=beliefs)
        _numbers(
            ax, each.sel(belief=STUDY_MODEL).to_numpy(), rest.min("belief").to_numpy(), rest.max("belief").to_numpy()
        )
        if factor == 100:
            percent_axis(ax, "x", 100, 50)
        else:
            ax.set_xlim(0, max(1.1 * float(each.max()), 1))
            ax.grid(axis="x", color=FAINT, linewidth=0.4)
        ax.set_title(title, weight="bold")
        ax.set_xlabel(unit)
        ax.tick_params(left=False, labelsize=NORMAL)
        ax.tick_params(axis="y", pad=7)
        ax.spines["left"].set_visible(False)
    axes[0].set_yticks(range(len(names)), fitted(names, 0.24 * WIDTH * 72, NORMAL, bold=True))
    axes[0].get_yticklabels()[0].set_fontweight("bold")
    axes[0].set_ylim(len(names) - 0.6, -0.75)
    return figure


def _numbers(ax: Axes, value: FloatArray, low: FloatArray, high: FloatArray) -> None:
    """Draw a mark for each design with its number above and its spread behind; the registered one is the first."""
    ax.axhspan(-0.7, 0.4, color="#efefef", linewidth=0, zorder=0)
    for y, (at, start, end) in enumerate(zip(value, low, high, strict=True)):
        ax.plot([start, end], [y, y], color=GREY, linewidth=0.8, marker="|", markersize=4, zorder=2, clip_on=False)
        colour, _, marker = REGISTERED if y == 0 else AMENDED[0]
        ax.plot(at, y, marker, color=colour, markersize=5.5, zorder=3, clip_on=False)
        ax.annotate(
            f"{at:.1f}",
            (at, y),
            (0, 5),
            textcoords="offset points",
            size=NORMAL,
            weight="bold" if y == 0 else "normal",
            ha="center",
            annotation_clip=False,
        )


@styled
def conditional_figure(tree: xr.DataTree, node: str = "now") -> Figure:
    """Draw what each design selects in each scenario, amended designs joined to the registered one.

    Parameters
    ----------
    tree : DataTree
        Of `doseopt.amendment.amend`. More than 12 scenarios are averaged by their true MTD.
    node : {"now", "start"}
        From the data so far on, or from the empty trial.

    Returns
    -------
    Figure
        A row for each scenario; correct selection, no MTD declared and selection of an overdose.
    """
    ds = registered_first(tree, node)
    shown, names = panels(ds), names_of(ds)
    looks = looks_of(tree, names)
    when = so_far(tree) if node == "now" else "from the start of the trial"
    rows = "means over the scenarios by their true MTD" if grouped(ds) else "scenarios with their true MTD"
    subtitle = (
        f"Percent of trials, {when}. Rows: {rows} ({doses(ds)[1]}). Black square and line: the registered design. "
        "Joined to it: the amended designs, solid where better, dotted where worse."
    )
    lines = -(-len(names) // 3)
    band = len(names) * PART + GAP
    heights = [0.17 * lines, len(shown) * band]
    figure = new_figure(sum(heights) + 0.65, "Correct selection, no MTD and overdose by scenario", subtitle)
    grid = figure.add_gridspec(2, 3, height_ratios=heights)
    _key(figure.add_subplot(grid[0, :]), names, looks)
    axes = [figure.add_subplot(grid[1, k]) for k in range(3)]
    starts = np.arange(len(shown)) * band
    for ax, (name, title) in zip(axes, CONDITIONAL.items(), strict=True):
        values = 100 * ds[name].transpose("design", "scenario").to_numpy()
        for start, panel in zip(starts, shown, strict=True):
            none_is_right = bool(panel.right[0])
            sign = 1 if name == "correct_selection" or (name == "no_selection" and none_is_right) else -1
            _joined(ax, start, over(values, panel), sign, looks)
            ax.axhline(start - PART / 2 - GAP / 2, color=FAINT, linewidth=0.5)
        ax.set_title(title, weight="bold")
        _percents(ax, starts[-1] + band)
    _rows(axes[0], ds, shown, (starts + (len(names) - 1) * PART / 2).tolist())
    figure.supxlabel("% of trials", size=NORMAL)
    return figure


def _percents(ax: Axes, bottom: float) -> None:
    percent_axis(ax, "x", 100, 50)
    ax.set_xlim(-SIDE, 100 + SIDE)
    ax.set_xticks([0, 50, 100])
    ax.set_ylim(bottom - PART / 2 - GAP / 2, -PART / 2 - GAP / 2)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)


def _joined(ax: Axes, top: float, values: FloatArray, sign: int, looks: list[Look]) -> None:
    """Draw the designs in one scenario, one under the other, [design] in percent; the registered one is the first."""
    base, last = values[0], top + (len(values) - 1) * PART
    ax.plot([base, base], [top, last + PART / 3], color=INK, linewidth=0.7, zorder=2)
    for d, (value, (colour, _, marker)) in enumerate(zip(values, looks, strict=True)):
        y = top + d * PART
        style = "-" if sign * (value - base) > 0 else (0, (1, 1.2))
        ax.plot([base, value], [y, y], color=colour, linewidth=1.3, linestyle=style, zorder=3)
        ax.plot(value, y, marker, color=colour, markersize=3.8, zorder=4)
        side = -1 if value < base else 1
        ax.annotate(
            f"{value:.0f}",
            (value, y),
            (side * 4, 0),
            textcoords="offset points",
            size=SMALL,
            weight="bold" if d == 0 else "normal",
            ha="left" if side > 0 else "right",
            va="center_baseline",
        )


def _rows(ax: Axes, ds: xr.Dataset, shown: list[Panel], centres: list[float]) -> None:
    """Name the scenarios and their true MTD."""
    labels, room = doses(ds)[0], 0.24 * WIDTH * 72
    mtd = [int(ds["mtd"].to_numpy()[panel.rows[0]]) for panel in shown]
    said = ["no dose is right" if j < 0 else f"true MTD {labels[j]}" for j in mtd]
    counts = [counted(len(panel.rows), "scenario") for panel in shown]
    above, below = (said, counts) if grouped(ds) else ([panel.title for panel in shown], said)
    lines = zip(fitted(above, room, SMALL), [fitted([text], room, SMALL)[0] for text in below], strict=True)
    ax.set_yticks(centres, [f"{first}\n{second}" for first, second in lines])
    ax.tick_params(left=False, labelsize=SMALL)


def _key(ax: Axes, names: list[str], looks: list[Look]) -> None:
    """Draw each design's marker and name, three a line, in the order of the rows."""
    room = WIDTH * 72 * 0.7 / 3  # what the longest names of scenarios leave
    lines = -(-len(names) // 3)
    for k, (name, (colour, _, marker)) in enumerate(
        zip(fitted(names, room - 16, NORMAL, bold=True), looks, strict=True)
    ):
        x, y = (k % 3) * room, -(k // 3)
        ax.plot(x + 4, y, marker, color=colour, markersize=4.5)
        ax.text(x + 12, y, name, weight="bold" if k == 0 else "normal", va="center_baseline")
    ax.set_xlim(0, 3 * room)
    ax.set_ylim(0.5 - lines, 0.5)
    ax.set_axis_off()
