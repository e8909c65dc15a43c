"""Registered against amended designs: the numbers that matter, and each scenario."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray, IntArray
from doseopt.core.text import counted
from doseopt.display.outlook import STUDY_MODEL
from doseopt.display.panels import Panel, doses, grouped, over, panels
from doseopt.plots.enrolment_needed import enrolment_needed_figure
from doseopt.plots.registered import AMENDED, REGISTERED, Look, looks_of, registered_first, so_far
from doseopt.plots.scaffold import (
    Axes,
    Figure,
    bare,
    draw_key,
    entry,
    faint_grid,
    lines_across,
    name_rows,
    names_of,
    note,
    percent_axis,
    segments,
    small_multiples,
)
from doseopt.plots.style import FAINT, GREY, INK, NORMAL, SMALL, WIDTH, fitted, full_width, styled

__all__ = ["conditional_figure", "enrolment_needed_figure", "summary_figure"]

ROW, PART, GAP = 0.28, 0.12, 0.13
"""Inches: a design of the summary; a design in a scenario, and between scenarios."""
QUARTER = WIDTH * 72 / 5.5
"""Points of one of four panels, about."""
FIFTH = WIDTH * 72 / 6.9
"""Points of one of five panels, about."""
SIDE = 20
"""Percentage points beside an axis of percentages, for its numbers."""
SUMMARY = {
    "correct_selection": ("Correct", "% of trials", 100),
    "overdose_selection": ("Overdose", "% of trials", 100),
    "no_selection": ("No MTD", "% of trials", 100),
    "patients_below_mtd": ("Below the MTD", "patients", 1),
    "further_dlts": ("DLTs to come", "patients", 1),
}
"""Measures: title, unit, factor."""
CONDITIONAL = {
    "correct_selection": "Correct selection",
    "no_selection": "No MTD declared",
    "overdose_selection": "Overdose selected",
    "patients_below_mtd": "Below the MTD",
}


@styled
def summary_figure(tree: xr.DataTree) -> Figure:
    """Draw the five numbers that matter, averaged over the study's model given the data so far.

    Parameters
    ----------
    tree : DataTree
        Of `doseopt.amendment.amend`.

    Returns
    -------
    Figure
        A row for each design; correct and overdose selection, no MTD declared, patients below the MTD, DLTs to come.
    """
    ds = registered_first(tree, "average")
    beliefs = [str(name) for name in ds["belief"].to_numpy() if name != STUDY_MODEL]
    subtitle = (
        f"Selection, and expected patients, averaged over the study's model, {so_far(tree)}. Square "
        "and bold: the registered design; circles: amended. "
        f"Line: the lowest to the highest under {counted(len(beliefs), 'other belief')}."
    )
    names, titles = names_of(ds), [title for title, _, _ in SUMMARY.values()]
    heading = ("Registered against amended: what matters", subtitle)
    figure, axes = small_multiples(heading, titles, 5, FIFTH, row=len(names) * ROW, rest=0.65, shared="rows")
    for ax, (name, (_, unit, factor)) in zip(axes, SUMMARY.items(), strict=True):
        each = factor * ds[name].transpose("design", "belief")
        rest = each.sel(belief=beliefs)
        shown = (each.sel(belief=STUDY_MODEL), rest.min("belief"), rest.max("belief"))
        _numbers(ax, *(values.to_numpy() for values in shown))
        if factor == 100:
            percent_axis(ax, "x", 100, 50)
        else:
            ax.set_xlim(0, max(1.1 * np.nan_to_num(each.to_numpy()).max(), 1))
            faint_grid(ax, "x")
        ax.set_xlabel(unit)
        ax.tick_params(labelsize=NORMAL)
        ax.tick_params(axis="y", pad=7)
        bare(ax)
    name_rows(axes[0], names, 0.24, size=NORMAL, bold=True, above=0.75, below=0.4)
    axes[0].get_yticklabels()[0].set_fontweight("bold")
    return figure


def _numbers(ax: Axes, value: FloatArray, low: FloatArray, high: FloatArray) -> None:
    """Draw a mark for each design with its number above and its spread behind; the registered one is the first."""
    ax.axhspan(-0.7, 0.4, color="#efefef", linewidth=0, zorder=0)
    for y, (at, start, end) in enumerate(zip(value, low, high, strict=True)):
        if np.isnan(at):  # patients below the MTD, where no dose is right
            continue
        ax.plot([start, end], [y, y], color=GREY, linewidth=0.8, marker="|", markersize=4, zorder=2, clip_on=False)
        colour, _, marker = REGISTERED if y == 0 else AMENDED[0]
        ax.plot(at, y, marker, color=colour, markersize=5.5, zorder=3, clip_on=False)
        weight = "bold" if y == 0 else "normal"
        note(ax, f"{at:z.1f}", (at, y), (0, 5), size=NORMAL, weight=weight, va="baseline", annotation_clip=False)


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
        A row for each scenario; correct selection, no MTD declared, selection of an overdose, patients below the MTD.
    """
    ds = registered_first(tree, node)
    shown, names = panels(ds), names_of(ds)
    looks = looks_of(tree, names)
    when = so_far(tree) if node == "now" else "from the start of the trial"
    rows = "means over the scenarios by their true MTD" if grouped(ds) else "scenarios with their true MTD"
    subtitle = (
        f"Percent of trials, and expected patients, {when}. Rows: {rows} ({doses(ds)[1]}). "
        "Black square and line: the registered design. "
        "Joined to it: the amended designs, solid where better, dotted where worse."
    )
    band = len(names) * PART + GAP
    size: dict[str, Any] = {"row": len(shown) * band, "key": 0.17 * -(-len(names) // 3)}
    heading = ("Correct selection, no MTD, overdose and patients below the MTD", subtitle)
    titles = list(CONDITIONAL.values())
    figure, (head, *axes) = small_multiples(heading, titles, 4, QUARTER, **size, rest=0.65 + size["key"], shared="rows")
    each = zip(fitted(names, 0.21 * full_width() * 72, NORMAL, bold=True), looks, strict=True)
    handles = [entry(name, color=colour, marker=marker, linestyle="none") for name, (colour, _, marker) in each]
    key = draw_key(head, handles, 3, NORMAL)
    key.get_texts()[0].set_fontweight("bold")
    starts = np.array([k * band for k in range(len(shown))])
    none_is_right = np.array([panel.right[0] for panel in shown])
    for ax, name in zip(axes, CONDITIONAL, strict=True):
        percent = name != "patients_below_mtd"
        values = (100 if percent else 1) * ds[name].transpose("design", "scenario").to_numpy()
        better = (name == "correct_selection") | ((name == "no_selection") & none_is_right)
        scenarios = np.stack([over(values, panel) for panel in shown], axis=1)
        _joined(ax, starts, scenarios, np.where(better, 1, -1), looks, 0 if percent else 1)
        lines_across(ax, starts - PART / 2 - GAP / 2, color=FAINT, linewidth=0.5)
        _across(ax, values, percent)
        bare(ax)
    axes[0].set_ylim(starts[-1] + band - PART / 2 - GAP / 2, -PART / 2 - GAP / 2)
    _rows(axes[0], ds, shown, (starts + (len(names) - 1) * PART / 2).tolist())
    return figure


def _across(ax: Axes, values: FloatArray, percent: bool) -> None:
    """Scale the axis of percentages, or of patients, with room beside it for numbers."""
    if percent:
        percent_axis(ax, "x", 100, 50)
        ax.set_xticks([0, 50, 100])
        top = 100.0
    else:
        faint_grid(ax, "x")
        top = max(float(np.nan_to_num(values).max()), 1.0)
    ax.set_xlim(-SIDE / 100 * top, (1 + SIDE / 100) * top)
    ax.set_xlabel("% of trials" if percent else "patients", size=NORMAL)


def _joined(ax: Axes, top: FloatArray, values: FloatArray, sign: IntArray, looks: list[Look], digits: int) -> None:
    """Draw the designs in each scenario, one under the other, [design, scenario]; the registered one is the first."""
    known = ~np.isnan(values).any(axis=0)  # patients below the MTD, where no dose is right, are not
    top, values, sign = top[known], values[:, known], sign[known]
    base, last = values[0], top + (len(values) - 1) * PART
    segments(ax, (base, base), (top, last + PART / 3), color=INK, linewidth=0.7, zorder=2)
    for d, (value, (colour, _, marker)) in enumerate(zip(values, looks, strict=True)):
        y, better = top + d * PART, sign * (value - base) > 0
        for some, style in ((better, "-"), (~better, (0, (1, 1.2)))):
            ends = (base[some], value[some]), (y[some], y[some])
            segments(ax, *ends, color=colour, linewidth=1.3, linestyle=style, zorder=3)
        ax.plot(value, y, marker, color=colour, markersize=3.8, zorder=4)
        weight = "bold" if d == 0 else "normal"
        for x, row, left in zip(value, y, value < base, strict=True):
            away = (-4 if left else 4, 0)
            note(ax, f"{x:.{digits}f}", (x, row), away, weight=weight, annotation_clip=False)


def _rows(ax: Axes, ds: xr.Dataset, shown: list[Panel], centres: list[float]) -> None:
    """Name the scenarios and their true MTD."""
    labels, room = doses(ds)[0], 0.24 * full_width() * 72
    mtd = [int(ds["mtd"].to_numpy()[panel.rows[0]]) for panel in shown]
    said = ["no dose is right" if j < 0 else f"true MTD {labels[j]}" for j in mtd]
    counts = [counted(len(panel.rows), "scenario") for panel in shown]
    above, below = (said, counts) if grouped(ds) else ([panel.title for panel in shown], said)
    lines = zip(fitted(above, room, SMALL), [fitted([text], room, SMALL)[0] for text in below], strict=True)
    ax.set_yticks(centres, [f"{first}\n{second}" for first, second in lines])
