"""Each design beside the complete-information benchmark: how far correct selection is from it."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.display.panels import grouped, over, panels
from doseopt.plots.scaffold import Axes, Figure, below_beside, design_multiples
from doseopt.plots.style import BLUE, GREY, NORMAL, ORANGE, VERMILLION, styled


@styled
def benchmark_figure(ds: xr.Dataset) -> Figure:
    """Draw correct selection of each design and of the benchmark with as many patients, a panel for each scenario.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`, with a scenario where the benchmark is known. More than 12 are averaged by their true MTD.
    """
    known = ds["benchmark_correct_selection"].notnull().all("design").to_numpy()
    shown = [panel for panel in panels(ds) if known[panel.rows].all()]
    whose = "; mean over the n scenarios with that true MTD" if grouped(ds) else ""
    subtitle = (
        f"Correct selection, % of trials{whose}. Dot: the design. Bar: the benchmark with the design's expected number "
        "of patients. Cross: overdose selection. At the right: expected patients below the MTD. Not shown where no "
        "dose is correct; no bound for designs that use prior information."
    )
    heading = ("Designs beside the complete-information benchmark", subtitle)
    figure, axes, _ = design_multiples(heading, ds, shown, bar=0.135, rest=0.35, ragged=True)
    names = ("correct_selection", "benchmark_correct_selection", "overdose_selection")
    values = [100 * ds[name].to_numpy() for name in names]
    below = ds["patients_below_mtd"].to_numpy()
    for ax, panel in zip(axes, shown, strict=True):
        _panel(ax, *(over(value, panel) for value in values))
        below_beside(ax, over(below, panel))
    figure.supxlabel("correct and overdose selection in % of trials", size=NORMAL)
    return figure


def _panel(ax: Axes, design: FloatArray, benchmark: FloatArray, overdose: FloatArray) -> None:
    """Draw dots, bars and crosses, [design] in percent; the line between says which way the distance goes."""
    row = np.arange(len(design))
    colours = np.where(design < benchmark, VERMILLION, GREY).tolist()
    ax.hlines(row, design, benchmark, colors=colours, linewidth=1.2, capstyle="projecting", zorder=2)
    ax.plot(benchmark, row, "|", color=GREY, markersize=6, markeredgewidth=1.6, zorder=3, clip_on=False)
    ax.plot(overdose, row, "x", color=ORANGE, markersize=3.2, markeredgewidth=0.9, zorder=3, clip_on=False)
    ax.plot(design, row, "o", color=BLUE, markersize=3.2, zorder=4, clip_on=False)
