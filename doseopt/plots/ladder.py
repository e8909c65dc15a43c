"""The ladder of amendments: what each step gains, from the smallest change on, and what it costs."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.display.outlook import STUDY_MODEL
from doseopt.plots.scaffold import (
    Axes,
    Figure,
    bare,
    faint_grid,
    lines_across,
    name_rows,
    names_of,
    note,
    percent_axis,
    segments,
    small_multiples,
)
from doseopt.plots.style import BLUE, FAINT, GREY, INK, NORMAL, PURPLE, VERMILLION, full_width, styled

ROW = 0.165
"""Inches of a step."""
SIDE = 14
"""Percentage points beside an axis, for its numbers."""
TITLES = ("Correct", "Overdose", "Below the MTD", "Patients")


@styled
def ladder_figure(ds: xr.Dataset, wanted: float) -> Figure:
    """Draw gain against change: correct selection of each step, the smallest change on top, and what it costs.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.amendment.ladder`, or some of its steps.
    wanted : float
        The probability of correct selection that is wanted.

    Returns
    -------
    Figure
        A row for each step; the line is the most that a change of so much or less attains.
    """
    at = ds.sel(average=STUDY_MODEL)
    names = [f"{name}*" if outcome else name for name, outcome in zip(names_of(ds, "step"), ds["outcome"], strict=True)]
    subtitle = (
        "Selection in % of trials, and patients, averaged over the study's model; the smallest change on top. Line: "
        "the most that so much change or less "
        f"attains; it crosses the dashed line, {100 * wanted:g}%, at the first step that is enough. "
        "Patients, below the "
        "MTD and in all: expected (dot) and at most (bar). *: what is declared the MTD changes, a "
        "primary outcome where it is registered."
    )
    heading = ("Gain against change", subtitle)
    figure, axes = small_multiples(
        heading, TITLES, 4, full_width() * 72 / 6.3, row=len(names) * ROW, rest=0.6, shared="rows"
    )
    correct, overdose = (100 * at[name].to_numpy() for name in ("correct_selection", "overdose_selection"))
    _climb(axes[0], np.where(ds["window"].to_numpy() == "", correct, 0))
    axes[0].axvline(100 * wanted, color=GREY, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1)
    _dots(axes[0], correct, BLUE, climbing=True)
    _dots(axes[1], overdose, VERMILLION)
    for ax in axes[:2]:
        percent_axis(ax, "x", 100, 50)
        ax.set_xlim(-SIDE, 100 + SIDE)
        ax.set_xticks([0, 50, 100])
        ax.set_xlabel("% of trials")
    _below(axes[2], at["patients_below_mtd"].to_numpy())
    _patients(axes[3], at["sample_size"].to_numpy(), ds["most_patients"].to_numpy())
    for ax in axes:
        bare(ax)
        edges = np.flatnonzero(np.diff(ds["rung"].to_numpy())) + 0.5
        lines_across(ax, edges, color=FAINT, linewidth=0.5, zorder=0)
    name_rows(axes[0], names, 0.28)
    return figure


def _climb(ax: Axes, correct: FloatArray) -> None:
    """Draw the most that a step and those before it attain."""
    best, rows = np.maximum.accumulate(correct), np.arange(len(correct))
    ax.plot(np.repeat(best, 2)[:-1], np.repeat(rows, 2)[1:], color=INK, linewidth=0.9, zorder=2)


def _dots(ax: Axes, value: FloatArray, colour: str, climbing: bool = False) -> None:
    """Draw a dot with its number for each step, away from the line if there is one."""
    below = value < np.maximum.accumulate(value) if climbing else np.zeros(len(value), bool)
    ax.plot(value, range(len(value)), "o", color=colour, markersize=3.6, zorder=3)
    for y, (x, left) in enumerate(zip(value, below, strict=True)):
        note(ax, f"{x:.0f}", (x, y), (-5 if left else 5, 0), annotation_clip=False)


def _below(ax: Axes, expected: FloatArray) -> None:
    """Draw the patients expected below the MTD; nothing where no dose is right."""
    ax.plot(expected, range(len(expected)), "o", color=PURPLE, markersize=3.6, zorder=3)
    for y in np.flatnonzero(np.isfinite(expected)).tolist():
        note(ax, f"{expected[y]:.1f}", (expected[y], y), (5, 0), annotation_clip=False)
    ax.set_xlim(0, 1.45 * max(float(np.nan_to_num(expected).max()), 1.0))
    faint_grid(ax, "x")
    ax.set_xlabel("expected", size=NORMAL)


def _patients(ax: Axes, expected: FloatArray, most: FloatArray) -> None:
    """Draw the patients expected, and at most."""
    rows = np.arange(len(most))
    segments(ax, (expected, most), (rows, rows), color=GREY, linewidth=0.9, zorder=2)
    ax.plot(most, rows, "|", color=GREY, markersize=5, zorder=2)
    ax.plot(expected, rows, "o", color=INK, markersize=3.6, zorder=3)
    for y, top in enumerate(most):
        note(ax, f"{top:.0f}", (top, y), (5, 0), annotation_clip=False)
    ax.set_xlim(0, 1.25 * float(most.max()))
    faint_grid(ax, "x")
    ax.set_xlabel("expected, at most", size=NORMAL)
