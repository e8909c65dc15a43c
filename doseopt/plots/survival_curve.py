"""The survival curve of a record to a day, with intervals of the life table, beside historical controls."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from doseopt.core.text import counted
from doseopt.plots.placement import Canvas, End
from doseopt.plots.scaffold import Axes, Figure, axes_at, faint_grid, new_figure
from doseopt.plots.style import BLUE, FAINT, GREY, NORMAL, SMALL, VERMILLION, full_width, styled, text_shade

LEFT, RIGHT, PANEL, FOOT = 0.55, 1.75, 2.3, 0.72
"""Inches: beside the axes, their height, what is below them."""
LEAST = 11.0
"""Points between the numbers at risk."""
CONTROL: dict[str, Any] = {"color": VERMILLION, "linewidth": 1.0, "linestyle": (0, (4, 2))}


@styled
def survival_figure(ds: xr.Dataset) -> Figure:
    """Draw survival to the day, an interval at each end of the life table, and the curve of the controls.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.conduct.survival.survival_curve`.
    """
    day, with_controls = float(ds.attrs["day"]), "control" in ds.attrs
    band = (
        f" Dashed, with a band: an exponential curve through the survival of {ds.attrs['control_n']} historical "
        "controls, and its 95% interval."
        if with_controls
        else ""
    )
    subtitle = (
        f"Kaplan-Meier, {counted(ds.attrs['subjects'], 'subject')}; ticks: end of follow-up, or transplantation. "
        f"Bars: {100 * ds.attrs['level']:.0f}% intervals at the ends of the intervals of the life table.{band}"
    )
    figure = new_figure(PANEL + FOOT + 0.1, f"Survival to day {day:g}", subtitle)
    figure.set_layout_engine("none")
    wide = full_width() - LEFT - RIGHT
    ax = axes_at(figure, LEFT, FOOT, wide, PANEL)
    ax.set_xlim(-0.012 * day, 1.012 * day)
    ax.set_ylim(-3, 103)
    ax.set_yticks([0, 25, 50, 75, 100])
    faint_grid(ax, "y")
    ends = [_controls(ax, ds, day)] if with_controls else []
    ends.insert(0, _curve(ax, ds, day))
    ax.set_ylabel("survival (% of subjects)")
    ax.set_xlabel("days from treatment")
    canvas = Canvas(ax, 72 * wide, 72 * PANEL)
    _at_risk(ax, ds, canvas)
    canvas.name_ends(ends, 10, 0, 4)
    return figure


def _curve(ax: Axes, ds: xr.Dataset, day: float) -> End:
    """Draw the steps, the censored and the intervals; return what stands at the end."""
    at, survival = ds["at"].to_numpy(), 100 * ds["survival"].to_numpy()
    ax.step(at, survival, where="post", color=BLUE, linewidth=1.6, zorder=3)
    lost = ds["lost"].to_numpy()
    level = survival[np.searchsorted(at, lost, side="right") - 1]
    ax.plot(lost, level, "|", color=BLUE, markersize=6, markeredgewidth=0.9, zorder=4)
    where, low, high = ds["day"].to_numpy(), 100 * ds["lower"].to_numpy(), 100 * ds["upper"].to_numpy()
    ax.vlines(where, low, high, colors=BLUE, linewidth=0.9, zorder=2.5)
    for limit in (low, high):
        ax.plot(where, limit, "_", color=BLUE, markersize=5, markeredgewidth=0.9, zorder=2.5)
    if len(where) and where[-1] == day:
        said = f"{100 * ds['estimate'].to_numpy()[-1]:.0f}% ({low[-1]:.0f} to {high[-1]:.0f}%)"
    else:
        said = f"followed to day {at[-1]:g}"
    text = f"treated on day {day:g}:\n{said}" if len(where) and where[-1] == day else f"treated:\n{said}"
    return End(text, at[-1], survival[-1], 2 * (NORMAL + 3), BLUE, {"size": NORMAL, "weight": "bold", "color": BLUE})


def _controls(ax: Axes, ds: xr.Dataset, day: float) -> End:
    """Draw exponential curves through the survival of the controls and its limits; return what stands at the end."""
    t = np.linspace(0, day, 121)
    middle, low, high = (ds.attrs[name] for name in ("control", "control_lower", "control_upper"))
    curve, lower, upper = (100 * share ** (t / day) for share in (middle, low, high))
    ax.fill_between(t, lower, upper, facecolor=FAINT, alpha=0.45, edgecolor="none", zorder=1)
    ax.plot(t, curve, zorder=2, **CONTROL)
    text = f"controls on day {day:g}:\n{curve[-1]:.0f}% ({lower[-1]:.0f} to {upper[-1]:.0f}%)"
    look = {"size": NORMAL, "color": text_shade(VERMILLION)}
    return End(text, day, curve[-1], 2 * (NORMAL + 3), VERMILLION, look)


def _at_risk(ax: Axes, ds: xr.Dataset, canvas: Canvas) -> None:
    """Put the ends of the life table on the axis, and below it those at risk, as far as there is room."""
    day = float(ds.attrs["day"])
    at = [0.0, *ds["day"].to_numpy().astype(float).tolist()]
    risk = [int(ds.attrs["subjects"]), *ds["at_risk"].to_numpy().tolist()]
    shown: list[int] = []
    for k in (0, *range(len(at) - 1, 0, -1)):
        spots = [float(canvas.place(at[j], 0)[0]) for j in (*shown, k)]
        if all(abs(spot - spots[-1]) >= LEAST for spot in spots[:-1]):
            shown.append(k)
    ax.set_xticks(sorted({at[k] for k in shown} | {day}))
    away: dict[str, Any] = {"textcoords": "offset points", "annotation_clip": False, "size": SMALL, "va": "top"}
    for k in shown:
        ax.annotate(f"{risk[k]}", (at[k], 0), (0, -31), xycoords=("data", "axes fraction"), ha="center", **away)
    ax.annotate("at risk", (0, 0), (-12, -31), xycoords="axes fraction", ha="right", color=GREY, **away)
