"""The trade-off of a calibration: the objective against overdose selection, every candidate a point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.measures.operating_characteristics import METRICS
from doseopt.plots.style import BLUE, FAINT, GREY, INK, NORMAL, SMALL, VERMILLION, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@styled
def calibration_figure(datasets: Sequence[xr.Dataset]) -> Figure:
    """Draw the candidates of one or more calibrations, a panel each, with the front and what was chosen.

    Parameters
    ----------
    datasets : sequence of Dataset
        Of `doseopt.calibration`, for the same objective.

    Returns
    -------
    Figure
    """
    attrs = datasets[0].attrs
    objective = str(attrs["objective"])
    columns = min(len(datasets), 3)
    rows = -(-len(datasets) // columns)
    where = "Above" if _better(objective) > 0 else "Below"
    subtitle = (
        "Each point is a candidate, evaluated exactly and averaged over the belief; a cross exceeds a limit, "
        f"much worse ones are outside. Line: no candidate is better in both. {where} and to the left is better."
    )
    figure = new_figure(2.3 * rows + 0.2, f"What tuning {_family(datasets)} can trade", subtitle)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax, ds in zip(axes, datasets, strict=False):
        _panel(ax, ds, objective)
    for ax in axes[len(datasets) :]:
        ax.set_axis_off()
    figure.supxlabel("overdose selection, % of trials", size=NORMAL)
    figure.supylabel(_label(objective), size=NORMAL)
    return figure


def _family(datasets: Sequence[xr.Dataset]) -> str:
    names = [str(ds.attrs["design"]) for ds in datasets]
    return names[0] if len(names) == 1 else names[0].split()[0]


def _better(objective: str) -> int:
    return 1 if objective == "utility" else METRICS[objective].better


def _percent(objective: str) -> bool:
    return objective == "utility" or METRICS[objective].units == "1"


def _label(objective: str) -> str:
    words = objective.replace("_", " ")
    return f"{words}, %" if _percent(objective) else f"{words}, {METRICS[objective].units}"


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
        below = which == "default"
        note = ax.annotate(
            text,
            place,
            xytext=(0, -6 if below else 6),
            textcoords="offset points",
            size=SMALL,
            color=colour,
            ha="center",
            va="top" if below else "bottom",
            zorder=5,
        )
        note.set_path_effects([withStroke(linewidth=2.5, foreground="white")])
        shown.append(place)
    _zoom(ax, x, y, np.array(shown), _better(objective))
    ax.set_title(str(ds.attrs["design"]), weight="bold", size=NORMAL)
    ax.grid(color=FAINT, linewidth=0.4)
    ax.set_axisbelow(True)


def _zoom(ax: Axes, x: FloatArray, y: FloatArray, shown: FloatArray, better: int) -> None:
    """Show the better three quarters of the candidates, and all that is labelled."""
    good = better * y >= np.quantile(better * y, 0.25)
    for limit, values, known in ((ax.set_xlim, x[good], shown[:, 0]), (ax.set_ylim, y[good], shown[:, 1])):
        low, high = min(values.min(), known.min()), max(values.max(), known.max())
        room = 0.15 * max(high - low, 0.5)
        limit(low - room, high + room)
