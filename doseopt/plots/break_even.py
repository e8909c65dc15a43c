"""Correct and overdose selection where patients' DLT rates are off, and where a proposed design is no better."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from doseopt.display.break_even import WORDS, crossings
from doseopt.plots.placement import Canvas
from doseopt.plots.scaffold import Axes, Figure, faint_grid, names_of, note, percent_axis, small_multiples
from doseopt.plots.style import BLUE, INK, ORANGE, SMALL, VERMILLION, fitted, full_width, styled

ROW = 0.92
"""Inches of a panel."""
MOST = 6
"""Proposed designs that are drawn; the others are in the table and the data."""


@styled
def break_even_figure(ds: xr.Dataset) -> Figure:
    """Draw what each proposed design and the registered one select against how wrong the study is.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.comparison.break_even`.
    """
    kinds = names_of(ds, "perturbation")
    proposed = [name for name in names_of(ds) if name != ds.attrs["registered"]]
    shown = proposed[:MOST]
    subtitle = (
        "Correct selection, and thin overdose selection, % of trials, mean over the scenarios; what is right stays "
        f"that of the true rates. Dashed: {ds.attrs['registered']}; line: the design above it. Circle: where the order "
        "turns."
    )
    if len(proposed) > len(shown):
        subtitle += f" The first {len(shown)} of {len(proposed)} proposed designs."
    titles = [name if kind == kinds[0] else "" for name in shown for kind in kinds]
    size = (full_width() * 72 - 30) / len(kinds) - 16, ROW * 72 - 4
    heading = ("What would change the decision", subtitle)
    figure, axes = small_multiples(
        heading, titles, len(kinds), len(kinds) * size[0], row=ROW, gap=0.3, rest=0.5, shared="rows"
    )
    for k, ax in enumerate(axes):
        name, kind = shown[k // len(kinds)], kinds[k % len(kinds)]
        _lines(ax, ds.sel(perturbation=kind, criterion="mean"), name, size)
        if k >= len(axes) - len(kinds):
            ax.set_xlabel("\n".join(WORDS[kind]))
    return figure


def _lines(ax: Axes, at: xr.Dataset, name: str, size: tuple[float, float]) -> None:
    """Draw one pair of designs over one range, each line with its name, and mark where the order turns."""
    pair = (name, str(at.attrs["registered"]))
    x = 100 * at["amount"].to_numpy()
    one, other = (100 * at["perturbed_correct_selection"].sel(design=each).to_numpy() for each in pair)
    ax.plot(x, other, color=INK, linestyle="--", linewidth=1.0, zorder=2)
    ax.plot(x, one, color=BLUE, linewidth=1.4, zorder=3)
    for each, style in zip(pair, ("-", "--"), strict=True):
        over = 100 * at["perturbed_overdose_selection"].sel(design=each).to_numpy()
        ax.plot(x, over, color=ORANGE, linestyle=style, linewidth=0.7, zorder=2)
    percent_axis(ax, "y", 100, 25)
    faint_grid(ax)
    ax.set_xlim(x[0], x[-1])
    canvas = Canvas(ax, *size)
    for y in (one, other):
        canvas.keep_off_line(x, y)
    for turn in crossings(at.sel(design=name)):
        spot = 100 * turn, float(np.interp(100 * turn, x, one))
        ax.plot(*spot, "o", color=VERMILLION, markerfacecolor="white", markersize=5, zorder=6)
        canvas.keep_off_marks([spot])
        _write(canvas, f"{spot[0]:.1f}", [spot], VERMILLION)
    start = int(np.abs(one - other).argmax())
    order = np.argsort(np.abs(np.arange(len(x)) - start), kind="stable")[:: len(x) // 20]
    for text, y, colour in zip(fitted(pair, 0.6 * size[0], SMALL), (one, other), (BLUE, INK), strict=True):
        _write(canvas, text, [(x[k], y[k]) for k in order], colour)


def _write(canvas: Canvas, text: str, spots: Sequence[tuple[float, float]], colour: str) -> None:
    """Write beside the first of some places that has room; nowhere if none has."""
    for spot in spots:
        box = canvas.beside(text, spot, (3, 6))
        if box is not None:
            x, y = canvas.place(*spot)
            away = (box[0] + box[2]) / 2 - x, (box[1] + box[3]) / 2 - y
            note(canvas.ax, text, spot, away, color=colour, ha="center", va="center", zorder=5)
            return
