"""The true dose-toxicity curves, the MTD marked: a panel for each scenario."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.display.panels import Panel, doses, grouped, panels
from doseopt.plots.scaffold import Axes, Figure, dose_label, note, percent_axis, small_multiples
from doseopt.plots.style import (
    BLUE,
    FAINT,
    GREY,
    NORMAL,
    SMALL,
    VERMILLION,
    by_page,
    fitted,
    full_width,
    styled,
    text_width,
)

INNER = 0.72
"""Share of an axis between its first and its last dose, at least."""


@styled
def scenario_figure(ds: xr.Dataset) -> Figure:
    """Draw the true DLT rate against the dose, a panel for each scenario, the correct selection marked.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`, or scenarios with `acceptable` and `mtd`. More than 12 are shown by their true MTD.
    """
    shown, (x, labels, unit) = panels(ds), positions(ds)
    columns = min(by_page(4, 2), len(shown))
    width = 0.9 * full_width() * 72 / columns - 12
    target = 100 * float(ds.attrs["target"])
    ring = "the true MTD, on the mean of n curves" if grouped(ds) else "the correct selection, with its DLT rate"
    subtitle = f"True DLT rate (%) at each dose; ringed: {ring}; dashed line: the target, {target:g}%."
    heading, titles = ("The scenarios: dose and toxicity", subtitle), [panel.title for panel in shown]
    figure, axes = small_multiples(heading, titles, columns, width, row=1.25, rest=0.45)
    for ax, panel in zip(axes, shown, strict=True):
        _panel(ax, x, 100 * ds["p_dlt"].to_numpy(), panel, target)
        ax.set_xlim(x[0] - 0.3 * (x[-1] - x[0] or 1) / 2, x[-1] + 0.3 * (x[-1] - x[0] or 1) / 2)
        ax.set_xticks(x, ticks(labels, x, width))
    figure.supxlabel(dose_label(unit, ", log scale"), size=NORMAL)
    figure.supylabel("true DLT rate (%)", size=NORMAL)
    return figure


def positions(ds: xr.Dataset) -> tuple[FloatArray, list[str], str]:
    """Return where the doses are (the logarithm of their values, or equally spaced), their labels and the unit."""
    labels, unit = doses(ds)
    if "dose_value" in ds.coords:
        return np.log10(ds["dose_value"].to_numpy().astype(float)), labels, unit
    return np.arange(len(labels), dtype=float), labels, unit


def ticks(labels: list[str], x: FloatArray, width: float) -> list[str]:
    """Leave out labels that would touch a neighbour's: the lowest and the highest dose stay, then from the left.

    Parameters
    ----------
    labels : list of str
    x : float array [D]
        Where they are, ascending.
    width : float
        Points of the axis, of which the doses take most.
    """
    at = (x - x[0]) / (np.ptp(x) or 1) * INNER * width
    room = 2 * max(INNER * width / max(len(labels) - 1, 1) - 3, 14)
    cut = fitted(labels, room, SMALL)
    half = [text_width(label, SMALL) / 2 + 1.5 for label in cut]
    shown: list[int] = []
    for k in dict.fromkeys((0, len(labels) - 1, *range(len(labels)))):
        if all(abs(at[k] - at[j]) >= half[k] + half[j] for j in shown):
            shown.append(k)
    return [label if k in shown else "" for k, label in enumerate(cut)]


def _panel(ax: Axes, x: FloatArray, p: FloatArray, panel: Panel, target: float) -> None:
    """Draw the scenarios of one panel over all others in grey."""
    others = p if len(p) <= 30 else p[:: len(p) // 30]
    own = p[panel.rows]
    ax.plot(x, others.T if len(own) == 1 else own.T, color=FAINT, linewidth=0.5, zorder=1)
    ax.axhline(target, color=VERMILLION, linewidth=0.8, linestyle=(0, (4, 2)), zorder=2)
    curve = own.mean(axis=0)
    ax.plot(x, curve, color=BLUE, linewidth=1.4, marker="o", markersize=2.8, zorder=3)
    for j in np.flatnonzero(panel.right[1:]):
        ax.plot(x[j], curve[j], "o", markersize=8, markerfacecolor="none", markeredgecolor="black", zorder=4)
    marked = np.flatnonzero(panel.right[1:])
    if marked.size:
        low = curve[marked[0]] < 70
        text = " to ".join(dict.fromkeys(f"{curve[j]:.0f}%" for j in (marked[0], marked[-1])))
        at = (x[marked].mean(), curve[marked].max() if low else curve[marked].min())
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8}
        note(ax, text, at, (0, 6 if low else -6), bbox=box, zorder=5)
    else:
        ax.text(0.03, 0.93, "none is correct", transform=ax.transAxes, size=SMALL, color=GREY, va="top")
    percent_axis(ax, "y", 100, 25)
