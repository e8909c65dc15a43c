"""The trade-off of a calibration: the objective against overdose selection, every candidate a point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.measures.operating_characteristics import METRICS
from doseopt.plots.scaffold import Axes, Figure, faint_grid, note, small_multiples
from doseopt.plots.style import BLUE, FAINT, GREY, INK, NORMAL, VERMILLION, full_width, styled, text_shade


@styled
def calibration_figure(datasets: xr.Dataset | Sequence[xr.Dataset]) -> Figure:
    """Draw the candidates of one or more calibrations, a panel each, with the front and what was chosen.

    Parameters
    ----------
    datasets : Dataset or sequence of Dataset
        Of `doseopt.calibration`, for the same objective.
    """
    datasets = [datasets] if isinstance(datasets, xr.Dataset) else datasets
    attrs = datasets[0].attrs
    objective = str(attrs["objective"])
    where = "Above" if _better(objective) > 0 else "Below"
    subtitle = (
        "Each point is a candidate, evaluated exactly and averaged over the belief; a cross exceeds a limit, "
        f"much worse ones are outside. Line: no candidate is better in both. {where} and to the left is better."
    )
    titles = [str(ds.attrs["design"]) for ds in datasets]
    family = titles[0] if len(titles) == 1 else titles[0].split()[0]
    heading = (f"What tuning {family} can trade", subtitle)
    columns = min(len(datasets), 3)
    width = 0.92 * full_width() * 72 / columns - 24
    figure, axes = small_multiples(heading, titles, columns, width, row=2.3, rest=0.2, shared="none")
    for ax, ds in zip(axes, datasets, strict=True):
        _panel(ax, ds, objective)
    figure.supxlabel("overdose selection, % of trials", size=NORMAL)
    units = "%" if _percent(objective) else METRICS[objective].units
    figure.supylabel(f"{objective.replace('_', ' ')}, {units}", size=NORMAL)
    return figure


def _better(objective: str) -> int:
    return 1 if objective == "utility" else METRICS[objective].better


def _percent(objective: str) -> bool:
    return objective == "utility" or METRICS[objective].units == "1"


def _panel(ax: Axes, ds: xr.Dataset, objective: str) -> None:
    """Draw one calibration; percent where the measure is a probability."""
    from matplotlib.patheffects import withStroke

    scale = 100 if _percent(objective) else 1
    x, y = 100 * ds["overdose_selection"].to_numpy(), scale * ds[objective].to_numpy()
    kept = ds["excess"].to_numpy() == 0
    ax.plot(x[kept], y[kept], "o", color=GREY, markersize=2.2, alpha=0.6, markeredgewidth=0)
    ax.plot(x[~kept], y[~kept], "x", color=FAINT, markersize=3, markeredgewidth=0.6, zorder=1)
    front = np.flatnonzero(ds["front"].to_numpy())
    front = front[np.argsort(x[front])]
    ax.plot(x[front], y[front], "-", color=INK, linewidth=0.9, drawstyle="steps-post", zorder=2)
    shown = []
    marks = {"default": (VERMILLION, "s", "as it is"), "calibrated": (BLUE, "D", "calibrated")}
    for which in ds["which"].to_numpy().tolist():
        at = ds["compared"].sel(which=which, belief="belief")
        place = 100 * float(at.sel(measure="overdose_selection")), scale * float(at.sel(measure=objective))
        colour, marker, text = marks[which]
        ax.plot(*place, marker, color=colour, markersize=5, markeredgecolor="white", markeredgewidth=0.6, zorder=4)
        away = (0, -6 if which == "default" else 6)
        written = note(ax, text, place, away, color=text_shade(colour), zorder=5)
        written.set_path_effects([withStroke(linewidth=2.5, foreground="white")])
        shown.append(place)
    _zoom(ax, x, y, np.array(shown), _better(objective))
    faint_grid(ax)


def _zoom(ax: Axes, x: FloatArray, y: FloatArray, shown: FloatArray, better: int) -> None:
    """Show the better three quarters of the candidates, and all that is labelled."""
    good = better * y >= np.quantile(better * y, 0.25)
    for limit, values, known in ((ax.set_xlim, x[good], shown[:, 0]), (ax.set_ylim, y[good], shown[:, 1])):
        low, high = min(values.min(), known.min()), max(values.max(), known.max())
        room = 0.15 * max(high - low, 0.5)
        limit(low - room, high + room)
