"""The decision table of a design that looks at one dose, as a picture."""

from __future__ import annotations

import xarray as xr

from doseopt.display.decision_table import LEGEND, LIMITS, last_row, limit_text, limits_shown, row_name, whole_cohorts
from doseopt.plots.scaffold import Axes, Figure, inside, new_figure
from doseopt.plots.style import FAINT, GREY, INK, SMALL, full_width, ink_on, styled, text_width

COLOURS = {"E": "#6fb1e4", "S": "#ffffff", "D": "#ffc266", "DU": "#a63c00"}
"""Apart in grey too: light, white, lighter, dark."""
ROW, CELL, LABEL = 0.155, 0.17, 1.05
"""Inches: height of a row, least width of a cell, width of the names of the rows."""


@styled
def decision_table_figure(ds: xr.Dataset) -> Figure:
    """Draw the decisions by patients (columns) and DLTs (rows) at the current dose, the boundaries below.

    Parameters
    ----------
    ds : Dataset
        Of `conduct.decision_table`.
    """
    parts = blocks(ds, full_width() - 0.2)
    heights = [ROW * rows_of(part) for part in parts]
    subtitle = (
        f"Target DLT rate {100 * ds.attrs['target']:g}%. Columns: n evaluable patients at the current dose; rows: y of "
        f"them with a DLT.{bold_note(ds)}"
    )
    figure = new_figure(sum(heights) + 0.12 * len(parts) + ROW * 2.2, f"Decisions of {ds.attrs['design']}", subtitle)
    axes = figure.subplots(len(parts) + 1, 1, height_ratios=[*heights, ROW * 2.2], squeeze=False)[:, 0]
    for ax, part in zip(axes[:-1], parts, strict=True):
        draw_block(ax, part, parts[0].sizes["n"], LABEL / (full_width() - 0.2))
    draw_key(axes[-1], full_width() - 0.2)
    return figure


def bold_note(ds: xr.Dataset) -> str:
    """Say what is set in bold."""
    return f" Bold: {whole_cohorts(ds)}." if whole_cohorts(ds) else ""


def blocks(ds: xr.Dataset, width: float) -> list[xr.Dataset]:
    """Split the columns so that each part fits into a width in inches, as even in number as that allows."""
    count, most = ds.sizes["n"], int((width - LABEL) / CELL)
    each = -(-count // -(-count // most))
    return [ds.isel(n=slice(start, start + each)) for start in range(0, count, each)]


def rows_of(part: xr.Dataset) -> int:
    """Return how many rows a part of the table takes: its head, the decisions, the boundaries."""
    return 2 + last_row(part) + len(limits_shown(part))


def draw_block(ax: Axes, part: xr.Dataset, columns: int, label: float) -> None:
    """Draw some columns of the table.

    Parameters
    ----------
    ax : Axes
    part : Dataset
    columns : int
        Columns that there is room for.
    label : float
        Share of the width that the names of the rows take.
    """
    n, whole, decision = (part[name].to_numpy() for name in ("n", "whole_cohorts", "decision"))
    rows, limits = last_row(part) + 1, limits_shown(part)
    bottom, columns = rows + len(limits), max(columns, 10)
    ax.set_axis_off()
    ax.set_xlim(-columns * label / (1 - label), columns)
    ax.set_ylim(bottom + 0.1, -1.1)
    names = ["n", *(row_name(part, y) for y in range(rows)), *(LIMITS[name] for name in limits)]
    for r, name in enumerate(names, -1):
        ax.text(-0.3, r + 0.5, name, ha="right", va="center_baseline", size=SMALL, color=INK)
    for i in range(len(n)):
        bold = "bold" if whole[i] else "normal"
        written = {-1: str(n[i])} | {rows + k: limit_text(part, name, i) for k, name in enumerate(limits)}
        for r, text in written.items():
            inside(ax, i + 0.5, r + 0.5, text, weight=bold)
        for y in range(min(rows, int(n[i]) + 1)):
            _draw_cell(ax, i, y, str(decision[i, y]), bold)
    for r in (0, rows):
        ax.plot([0, len(n)], [r, r], color=GREY, linewidth=0.6)


def _draw_cell(ax: Axes, c: float, r: float, letter: str, weight: str) -> None:
    from matplotlib.colors import to_rgba
    from matplotlib.patches import Rectangle

    colour = to_rgba(COLOURS[letter])
    ax.add_patch(Rectangle((c, r), 1, 1, facecolor=colour, edgecolor=FAINT, linewidth=0.4))
    inside(ax, c + 0.5, r + 0.5, letter, weight=weight, color=ink_on(colour))


def draw_key(ax: Axes, width: float) -> None:
    """Say what the letters mean, over a width in inches."""
    ax.set_axis_off()
    ax.set_xlim(0, width / CELL)
    ax.set_ylim(2.2, 0)
    left = 0.0
    for letter, meaning in LEGEND.items():
        row = float(letter == "DU")
        left = 0.0 if row else left
        _draw_cell(ax, left, 0.1 + row, letter, "normal")
        ax.text(left + 1.3, 0.6 + row, meaning, va="center_baseline", size=SMALL)
        left += 2.5 + text_width(meaning, SMALL) / 72 / CELL
