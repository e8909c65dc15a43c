"""The map of definitions: which design is best in each cell, and what it attains there."""

from __future__ import annotations

import string

import numpy as np
import xarray as xr

from doseopt.display.labels import names
from doseopt.plots.scaffold import Axes, Figure, inside, small_multiples
from doseopt.plots.style import LINES, full_width, ink_on, styled

CELL = 0.32
"""Inches a target takes."""
LETTERS = string.ascii_uppercase + string.ascii_lowercase


@styled
def definition_map_figure(ds: xr.Dataset) -> Figure:
    """Draw a panel for each definition (row) and naming rule (column): targets upwards, shares of false DLTs across.

    Parameters
    ----------
    ds : Dataset
        Of `definition_map`.
    """
    designs, named = names(ds, "design"), names(ds, "naming")
    best = np.flatnonzero(ds["ahead"].any([dim for dim in ds["ahead"].dims if dim != "design"]).to_numpy())
    letters = {int(d): LETTERS[k % len(LETTERS)] for k, d in enumerate(best)}
    key = "; ".join(f"{letter} {designs[d]}" for d, letter in letters.items())
    what = "Panels: definition of right, naming rule. Best by correct selection, = those within 0.5 points of it"
    subtitle = f"{what}; correct/overdose selection in %, below: patients below the MTD. {key}."
    definitions = ds["definition"].to_numpy().tolist()
    titles = [f"{rule.replace('_', ' ')}, {name}" for rule in definitions for name in named]
    columns, row = len(named), ds.sizes["target"] * CELL
    heading = ("Which design is best", subtitle)
    width = 0.93 * full_width() * 72 / columns - 8
    figure, axes = small_multiples(heading, titles, columns, width, row=row, gap=0.3, rest=0.35)
    for k, ax in enumerate(axes):
        _panel(ax, ds.isel(definition=k // columns, naming=k % columns), letters)
        if k % columns == 0:
            ax.set_ylabel("target")
        if k >= len(axes) - columns:
            ax.set_xlabel("false DLTs (% of patients)")
    return figure


def _panel(ax: Axes, ds: xr.Dataset, letters: dict[int, str]) -> None:
    """Draw the cells of one definition and naming rule."""
    from matplotlib.colors import to_rgba

    order = ("target", "false_dlts", "design")
    variables = ("correct", "overdose", "below", "ahead")
    correct, overdose, below, ahead = (ds[name].transpose(*order).to_numpy() for name in variables)
    for t, f in np.ndindex(correct.shape[:2]):
        best = int(correct[t, f].argmax())
        place = list(letters).index(best)
        full = np.array(to_rgba(LINES[place % len(LINES)][0]))
        red, green, blue, _ = (1 - (1 - full) * (0.75 if place < len(LINES) else 0.4)).tolist()
        colour = (red, green, blue, 1.0)
        ax.bar(f, 1, 1, t - 0.5, color=colour, edgecolor="white", linewidth=0.8)
        level = [best, *(d for d in np.flatnonzero(ahead[t, f]).tolist() if d != best)]
        who = "=".join(letters[d] for d in level[:3]) + ("=.." if len(level) > 3 else "")
        few = "" if np.isnan(below[t, f, best]) else f"\n{below[t, f, best]:.1f}"
        text = f"{who} {100 * correct[t, f, best]:.0f}/{100 * overdose[t, f, best]:.0f}{few}"
        inside(ax, f, t, text, color=ink_on(colour))
    ax.set_xticks(range(ds.sizes["false_dlts"]), [f"{100 * v:g}" for v in ds["false_dlts"].to_numpy()])
    ax.set_yticks(range(ds.sizes["target"]), [f"{v:.3g}" for v in ds["target"].to_numpy()])
    ax.set_xlim(-0.5, ds.sizes["false_dlts"] - 0.5)
    ax.set_ylim(-0.5, ds.sizes["target"] - 0.5)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
