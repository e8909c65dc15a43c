"""The posterior of a trial drawn: prior and posterior DLT rates, the curve, the next cohort."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.core.text import counted
from doseopt.display.panels import doses
from doseopt.plots.placement import Box, Label, beside
from doseopt.plots.scaffold import (
    Axes,
    Figure,
    dose_label,
    draw_key,
    entry,
    inside,
    name_rows,
    new_figure,
    note,
    percent_axis,
)
from doseopt.plots.scenarios import INNER, positions, ticks
from doseopt.plots.selection import EDGE
from doseopt.plots.style import (
    BLUE,
    FAINT,
    GREY,
    INK,
    NORMAL,
    SMALL,
    VERMILLION,
    full_width,
    ink_on,
    ramp,
    styled,
    text_width,
)

POSTERIOR: dict[str, Any] = {"color": BLUE, "linewidth": 1.2}
PRIOR: dict[str, Any] = {"color": GREY, "linewidth": 0.9, "linestyle": (0, (3, 1.5))}
TARGET: dict[str, Any] = {"color": VERMILLION, "linewidth": 0.8, "linestyle": (0, (4, 2)), "zorder": 1.5}
BAND: dict[str, Any] = {"facecolor": "#f9e2d3", "edgecolor": "none", "zorder": 0}
EDGED: dict[str, Any] = {"markersize": 4.5, "markeredgecolor": "white", "markeredgewidth": 0.5}
EVERYWHERE: Box = (-1e9, -1e9, 1e9, 1e9)
SPIKE = 1.5
"""A prior is cut off where it is this many times as high as the posterior's peak."""


def posterior_drawings(ds: xr.Dataset, density: Callable[[], xr.Dataset]) -> dict[str, Callable[[], Figure]]:
    """Return what draws each figure of what the data of a trial say of the DLT rates, by the name of its file.

    Parameters
    ----------
    ds : Dataset
        Of `posterior.analyse`.
    density : callable
        Returns `prior_density` and `posterior_density` (dose, rate), with the coordinate `rate`, a DLT rate from 0 to
        1; and `predictive` (dose, dlts), the probabilities of 0, 1, ... DLTs in the next cohort.
    """
    return {
        "posterior": lambda: density_figure(ds, density()),
        "curve": lambda: curve_figure(ds),
        "predictive": lambda: predictive_figure(ds, density()),
    }


def posterior_figure(tree: xr.DataTree) -> Figure:
    """Draw prior and posterior density of the DLT rate at each dose, of what `doseopt.posterior` returns."""
    return density_figure(tree["summary"].to_dataset(), tree["density"].to_dataset())


def posterior_curve_figure(tree: xr.DataTree) -> Figure:
    """Draw the posterior DLT rate against the dose, with the rates observed, of what `doseopt.posterior` returns."""
    return curve_figure(tree["summary"].to_dataset())


def posterior_predictive_figure(tree: xr.DataTree) -> Figure:
    """Draw the DLTs to be expected of the next cohort at each dose, of what `doseopt.posterior` returns."""
    return predictive_figure(tree["summary"].to_dataset(), tree["density"].to_dataset())


@styled
def density_figure(ds: xr.Dataset, density: xr.Dataset) -> Figure:
    """Draw prior and posterior density of the DLT rate, a row for each dose, the lowest at the top."""
    from matplotlib.collections import PolyCollection

    count = ds.sizes["dose"]
    subtitle = (
        f"Model: {ds.attrs['model']}. Heights are to one scale within a dose, not between doses; "
        f"a prior above {SPIKE:g} times the posterior's peak is cut off."
    )
    figure = new_figure(count * 0.62 + 0.9, "The DLT rate at each dose: prior and posterior", subtitle)
    head, ax = figure.subplots(2, 1, height_ratios=[0.3, count * 0.62 + 0.3])
    _target(ax, ds, "x")
    rate = 100 * density["rate"].to_numpy()
    prior, posterior = (
        density[f"{name}_density"].transpose("dose", "rate").to_numpy() for name in ("prior", "posterior")
    )
    peak = np.where(np.isfinite(posterior), posterior, 0).max(axis=1)
    top = np.minimum(SPIKE * peak, np.where(np.isfinite(prior), prior, np.inf).max(axis=1))
    scale = 0.68 / np.maximum(peak, top)[:, None]
    cut = prior > SPIKE * peak[:, None]
    up = np.arange(count)[:, None] - scale * np.minimum(posterior, peak[:, None])
    before = np.arange(count)[:, None] - scale * np.where(cut, np.nan, prior)
    rows = np.arange(count)
    ax.hlines(rows, 0, 1, colors=FAINT, linewidth=0.5, zorder=1, transform=ax.get_yaxis_transform())
    curves, feet = (np.stack(np.broadcast_arrays(rate, y), axis=2) for y in (up, rows[:, None]))
    areas = np.concatenate([curves, feet[:, ::-1]], axis=1)
    ax.add_collection(PolyCollection(list(areas), facecolor=BLUE, alpha=0.25, linewidth=0, zorder=2))
    for heights, zorder, look in ((up, 4, POSTERIOR), (before, 3, PRIOR)):
        # one line for all doses, with gaps, is drawn much faster than one for each
        gap = np.full((count, 1), np.nan)
        x = np.hstack([np.tile(rate, (count, 1)), gap]).ravel()
        ax.plot(x, np.hstack([heights, gap]).ravel(), zorder=zorder, **look)
    numbers = _in_percent(ds)
    for name, look, below in (("", POSTERIOR, 0.1), ("prior_", PRIOR, 0.22)):
        mean, low, high = (numbers[name + part] for part in ("mean", "lower", "upper"))
        ax.hlines(rows + below, low, high, colors=look["color"], linewidth=2 if not name else 1, zorder=4)
        ax.plot(mean, rows + below, "o" if not name else "d", color=look["color"], zorder=5, **EDGED)
    level = f"{100 * ds.attrs['level']:.0f}%"
    for j, row in enumerate(rows):
        interval = f"mean {numbers['mean'][j]:.0f}%, {level} {numbers['lower'][j]:.0f} to {numbers['upper'][j]:.0f}%"
        at: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "size": SMALL}
        ax.text(1.02, row - 0.03, f"n = {int(ds['n'][j])}, y = {int(ds['y'][j])}", va="bottom", weight="bold", **at)
        ax.text(1.02, row + 0.03, interval, va="top", color=GREY, **at)
    _dose_rows(ax, ds, 0.35, 0.75)
    percent_axis(ax, "x")
    ax.set_xlabel("DLT rate (%)")
    handles = [entry(f"posterior, mean and {level} interval", marker="o", **POSTERIOR)]
    handles += [entry("prior, the same", marker="d", **PRIOR), *_target_handles(ds)]
    draw_key(head, handles, 4)
    return figure


@styled
def curve_figure(ds: xr.Dataset) -> Figure:
    """Draw the posterior DLT rate against the dose, with the rates observed."""
    x, labels, unit = positions(ds)
    level = f"{100 * ds.attrs['level']:.0f}%"
    subtitle = (
        f"Model: {ds.attrs['model']}. Circles: patients with a DLT / evaluable patients, their area by the latter."
    )
    figure = new_figure(3.3, "Dose and toxicity: the posterior", subtitle)
    head, ax = figure.subplots(2, 1, height_ratios=[0.25, 3])
    _target(ax, ds, "y")
    numbers = _in_percent(ds)
    ax.fill_between(x, numbers["lower"], numbers["upper"], color=BLUE, alpha=0.18, linewidth=0, zorder=1.2)
    ax.vlines(x, numbers["lower"], numbers["upper"], colors=BLUE, linewidth=0.9, zorder=2)
    ax.plot(x, numbers["mean"], marker="s", markersize=4, zorder=3, **POSTERIOR)
    n, y = ds["n"].to_numpy(), ds["y"].to_numpy()
    seen, area = n > 0, min(14.0, 420 / max(n.max(), 1))
    observed: dict[str, Any] = {"facecolors": "none", "edgecolors": INK, "linewidths": 1.1}
    ax.scatter(x[seen], 100 * y[seen] / n[seen], area * n[seen], zorder=4, clip_on=False, **observed)
    taken: list[Box] = []
    for j in np.flatnonzero(seen):
        spot = (x[j], 100 * y[j] / n[j])
        at = INNER * full_width() * 72 * (x[j] - x[0]) / (np.ptp(x) or 1), spot[1]  # about, in points
        text, away = f"{y[j]}/{n[j]}", (area * n[j] / np.pi) ** 0.5 + 2
        wide, tall = text_width(text, NORMAL, bold=True) + 2, NORMAL + 3
        box = beside(Label(text, wide, tall, *at), taken, EVERYWHERE, (away, away + tall, away + 2 * tall))
        box = box or (at[0] + away, at[1], at[0] + away + wide, at[1] + tall)
        taken.append(box)
        frame = {"facecolor": "white", "edgecolor": "none", "pad": 0.4, "alpha": 0.8}
        look = {"size": NORMAL, "weight": "bold", "ha": "left", "va": "bottom"}
        note(ax, text, spot, (box[0] - at[0], box[1] - at[1]), zorder=5, bbox=frame, **look)
    percent_axis(ax, "y")
    ax.set_ylim(-8, 108)  # whole circles at 0 and 100%
    spare = 0.12 * (np.ptp(x) or 1)
    ax.set_xlim(x[0] - spare, x[-1] + spare)
    ax.set_xticks(x, ticks(labels, x, 0.85 * full_width() * 72))
    ax.set_xlabel(dose_label(unit, ", log scale"))
    ax.set_ylabel("DLT rate (%)")
    handles = [entry(f"posterior mean, {level} interval", marker="s", markersize=4, **POSTERIOR)]
    handles += [entry("observed", marker="o", markersize=6, markerfacecolor="none", color=INK, linestyle="none")]
    draw_key(head, [*handles, *_target_handles(ds)], 4)
    return figure


@styled
def predictive_figure(ds: xr.Dataset, density: xr.Dataset) -> Figure:
    """Draw the posterior predictive distribution of the DLTs in the next cohort, a bar for each dose."""
    return _cohort(ds, density["predictive"], "next", "Posterior")


@styled
def first_cohort_figure(ds: xr.Dataset) -> Figure:
    """Draw the prior predictive distribution of the DLTs in the first cohort, `first_cohort`, a bar for each dose."""
    return _cohort(ds, ds["first_cohort"], "first", "Prior")


def _cohort(ds: xr.Dataset, chance: xr.DataArray, which: str, kind: str) -> Figure:
    from matplotlib.patches import Patch

    values = 100 * chance.transpose("dose", "dlts").to_numpy()
    count, cohort = ds.sizes["dose"], values.shape[1] - 1
    subtitle = f"{kind} predictive probability of each number of DLTs, were the {which} {cohort} treated at the dose."
    figure = new_figure(count * 0.3 + 0.85, f"DLTs in the {which} cohort of {cohort}", subtitle)
    head, ax = figure.subplots(2, 1, height_ratios=[0.25, count * 0.3 + 0.1])
    colours = ramp("Oranges", np.linspace(0, 0.95, cohort + 1))
    left = np.concatenate([np.zeros((count, 1)), values.cumsum(axis=1)], axis=1)
    for k, colour in enumerate(colours):
        ax.barh(np.arange(count), values[:, k], 0.75, left[:, k], color=colour, **EDGE)
        for j in np.flatnonzero(values[:, k] > 4):
            inside(ax, left[j, k] + values[j, k] / 2, float(j), f"{values[j, k]:.0f}", color=ink_on(colour))
    _dose_rows(ax, ds, 0.5, 0.5)
    percent_axis(ax, "x")
    ax.set_xlabel(f"{kind.lower()} predictive probability (%)")
    names = [counted(k, "DLT") for k in range(cohort + 1)]
    draw_key(head, [Patch(label=name, facecolor=c, **EDGE) for name, c in zip(names, colours, strict=True)], cohort + 1)
    return figure


def _in_percent(ds: xr.Dataset) -> dict[str, FloatArray]:
    names = [prefix + part for prefix in ("", "prior_") for part in ("mean", "lower", "upper")]
    return {name: 100 * ds[name].to_numpy() for name in names}


def _target(ax: Axes, ds: xr.Dataset, which: str) -> None:
    """Draw the target interval and the target across the axes."""
    span, line = (ax.axvspan, ax.axvline) if which == "x" else (ax.axhspan, ax.axhline)
    span(100 * ds.attrs["interval_low"], 100 * ds.attrs["interval_high"], **BAND)
    line(100 * ds.attrs["target"], **TARGET)


def _target_handles(ds: xr.Dataset) -> list[Any]:
    from matplotlib.patches import Patch

    low, high, target = (100 * ds.attrs[name] for name in ("interval_low", "interval_high", "target"))
    return [Patch(label=f"target interval, {low:g} to {high:g}%", **BAND), entry(f"target, {target:g}%", **TARGET)]


def _dose_rows(ax: Axes, ds: xr.Dataset, below: float, above: float) -> None:
    """Name the doses at the left, the lowest at the top."""
    labels, unit = doses(ds)
    name_rows(ax, labels, 0.2, above=above, below=below)
    ax.tick_params(axis="y", length=0)
    ax.set_ylabel(dose_label(unit))
