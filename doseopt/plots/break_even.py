"""Selection and patients below the MTD where patients' DLT rates are off, and where a proposed design is no better."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from doseopt.display.break_even import WORDS, crossings
from doseopt.plots.placement import Canvas
from doseopt.plots.registered import Look
from doseopt.plots.scaffold import Axes, Figure, faint_grid, names_of, note, percent_axis, small_multiples
from doseopt.plots.style import INK, LINES, full_width, styled, text_shade

BELOW = "Below the MTD"
ROW = 0.92
"""Inches of a panel."""
MOST = 6
"""Proposed designs that are drawn; the others are in the table and the data."""


@styled
def break_even_figure(ds: xr.Dataset) -> Figure:
    """Draw selection and patients below the MTD against how wrong the study is, a row a proposed design.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.comparison.break_even`.
    """
    kinds, registered = names_of(ds, "perturbation"), str(ds.attrs["registered"])
    proposed = [name for name in names_of(ds) if name != registered]
    shown = proposed[:MOST]
    subtitle = (
        "Correct selection, and thin overdose selection, % of trials, mean over the scenarios; what is right stays "
        f"that of the true rates. Dashed: {registered}; line: the design above it. Circle: where the order turns. Last "
        "row: expected patients below the MTD, each line the design titled in its colour."
    )
    if len(proposed) > len(shown):
        subtitle += f" The first {len(shown)} of {len(proposed)} proposed designs."
    size = (full_width() * 72 - 30) / len(kinds) - 16, ROW * 72 - 4
    titles = [name for name in (*shown, BELOW) for _ in kinds]  # a phone shows some of the columns at a time
    heading = ("What would change the decision", subtitle)
    figure, axes = small_multiples(heading, titles, len(kinds), size[0], row=ROW, gap=0.3, rest=0.5, shared="none")
    looks = dict(zip(shown, LINES, strict=False))
    for k, ax in enumerate(axes):
        row, kind = k // len(kinds), kinds[k % len(kinds)]
        at = ds.sel(perturbation=kind, criterion="mean")
        if row < len(shown):
            ax.set_title(ax.get_title(loc="left"), weight="bold", color=text_shade(looks[shown[row]][0]))
            _lines(ax, at, shown[row], size, looks[shown[row]][0])
        else:
            _below(ax, at, looks, ds)
            ax.set_xlabel("\n".join(WORDS[kind]))
        ax.tick_params(labelleft=kind == kinds[0])
        ax.set_xlim(100 * float(at["amount"].min()), 100 * float(at["amount"].max()))
    return figure


def _below(ax: Axes, at: xr.Dataset, looks: Mapping[str, Look], ds: xr.Dataset) -> None:
    """Draw the patients below the MTD of all designs that are shown over one range."""
    each = at["perturbed_patients_below_mtd"]
    x = 100 * at["amount"].to_numpy()
    for name, (colour, style, _) in looks.items():
        ax.plot(x, each.sel(design=name), color=colour, linestyle=style, linewidth=1.2, zorder=3)
    ax.plot(x, each.sel(design=ds.attrs["registered"]), color=INK, linestyle="--", linewidth=1.0, zorder=4)
    highest = ds["perturbed_patients_below_mtd"].sel(criterion="mean", design=[*looks, ds.attrs["registered"]]).max()
    ax.set_ylim(0, max(1.1 * np.nan_to_num(float(highest)), 1))
    faint_grid(ax)


def _lines(ax: Axes, at: xr.Dataset, name: str, size: tuple[float, float], colour: str) -> None:
    """Draw one pair of designs over one range, and mark where the order turns."""
    pair, looks = (name, str(at.attrs["registered"])), ((colour, "-"), (INK, "--"))
    x = 100 * at["amount"].to_numpy()
    one, other = (100 * at["perturbed_correct_selection"].sel(design=each).to_numpy() for each in pair)
    for each, y, (shade, style), width in zip(pair, (one, other), looks, (1.4, 1.0), strict=True):
        ax.plot(x, y, color=shade, linestyle=style, linewidth=width, zorder=3)
        over = 100 * at["perturbed_overdose_selection"].sel(design=each).to_numpy()
        ax.plot(x, over, color=shade, linestyle=style, linewidth=0.6, zorder=2)
    percent_axis(ax, "y", 100, 25)
    faint_grid(ax)
    ax.set_xlim(x[0], x[-1])
    canvas = Canvas(ax, *size)
    for y in (one, other):
        canvas.keep_off_line(x, y)
    for turn in crossings(at.sel(design=name)):
        spot = 100 * turn, float(np.interp(100 * turn, x, one))
        ax.plot(*spot, "o", color=INK, markerfacecolor="white", markersize=5, zorder=6)
        canvas.keep_off_marks([spot])
        box = canvas.beside(f"{spot[0]:.1f}", spot, (3, 6))
        if box is not None:  # there is room
            at_x, at_y = canvas.place(*spot)
            away = (box[0] + box[2]) / 2 - at_x, (box[1] + box[3]) / 2 - at_y
            note(ax, f"{spot[0]:.1f}", spot, away, ha="center", va="center", zorder=5)
