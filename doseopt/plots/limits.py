"""Attainment drawn: bars to a bound, the trade against overdosing, the price of rules."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.display.attained import ATTAINABLE, is_correct_selection, of_study
from doseopt.plots.placement import Canvas, End
from doseopt.plots.scaffold import Axes, Figure, faint_grid, inside, name_rows, names_of, new_figure, percent_axis
from doseopt.plots.style import BLUE, FAINT, GREY, INK, LINES, NORMAL, SMALL, VERMILLION, fitted, styled, text_width

ROW = 0.26
"""Inches a design takes."""
TALL = 3.6
INNER = (5.0 * 72, (TALL - 0.42) * 72)
"""Height of the trade-off figure in inches; size of its axes in points, about."""


def what(ds: xr.Dataset) -> str:
    """Return the name of the utility, for an axis."""
    return "correct selection, % of trials" if is_correct_selection(ds) else "expected utility, × 100"


@styled
def attained_figure(ds: xr.Dataset) -> Figure:
    """Draw what each design attains, and what is attainable with its own patients.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.limits_of`.
    """
    rows = np.flatnonzero(of_study(ds))
    rows = rows[np.argsort(ds["most_patients"].to_numpy()[rows], kind="stable")]
    shown = ds.isel(design=rows)
    subtitle, title = "Averages over the belief. Bar: what the design attains.", "What is attained"
    if bool(shown["attainable"].notnull().any()):
        title += " of what is attainable"
        subtitle += (
            " Diamond: the most that any design attains with as many patients. Line: the most with no more patients "
            "above the MTD on average."
        )
    if bool(shown["attainable"].isnull().any()):
        subtitle += " Without a diamond: not computed, because too large."
    figure = new_figure(len(rows) * ROW + 0.55, title, subtitle)
    ax = figure.add_subplot()
    most = shown["most_patients"].to_numpy()
    at = np.arange(len(rows)) + 0.35 * np.cumsum(np.diff(most, prepend=0) > 0)
    _bars(ax, at, shown)
    each = zip(names_of(shown), most, strict=True)
    names = [name if f"{n:.0f}" in name else f"{name} (≤ {n:.0f})" for name, n in each]
    name_rows(ax, names, 0.28, at.tolist(), size=NORMAL, above=0.55, below=0.55)
    ax.tick_params(labelsize=NORMAL)
    percent_axis(ax, "x", 100, 20)
    ax.set_xlabel(what(ds))
    return figure


def _bars(ax: Axes, at: FloatArray, shown: xr.Dataset) -> None:
    """Draw what is attained as bars, with the bounds and the numbers."""
    attained, best, safe = (
        100 * shown[name].to_numpy() for name in ("utility", "attainable", "attainable_same_exposure")
    )
    ax.barh(at, attained, 0.62, color=BLUE, zorder=2)
    ax.barh(at, best, 0.62, color="none", edgecolor=GREY, linewidth=0.6, linestyle=":", zorder=1)
    for y, value, bound, limit in zip(at, attained, best, safe, strict=True):
        look = {"color": "white", "ha": "right"} if value > 12 else {"color": INK, "ha": "left"}
        beside = value - 1 if value > 12 else value + 1
        inside(ax, beside, y, f"{value:.0f}", size=NORMAL, weight="bold", zorder=5, **look)
        if np.isnan(bound):
            continue
        ax.plot([limit, limit], [y - 0.31, y + 0.31], color=VERMILLION, linewidth=1.6, zorder=3)
        ax.plot(bound, y, "D", color=INK, markersize=4, zorder=4, clip_on=False)
        inside(ax, bound + 1.8, y, f"{bound:.0f}", color=INK, ha="left")


@styled
def frontier_figure(ds: xr.Dataset) -> Figure:
    """Draw the most that can be attained for each number of patients above the MTD, and where the designs are.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.limits_of`, with the frontiers.
    """
    subtitle = (
        "Averages over the belief. Lines: the best trade, by most patients; no design of the class is above its line. "
        "Points: the designs, each with the marker of its class."
    )
    figure = new_figure(TALL, "Correct selection against patients above the MTD", subtitle)
    ax = figure.add_subplot()
    ax.set_xlim(0, 1.02 * float(max(ds[v].max() for v in ("frontier_exposure", "patients_above_mtd"))) or 1)
    ax.set_ylim(0, 100)
    most = {str(name): float(n) for name, n in zip(ds["design"].values, ds["most_patients"].values, strict=True)}
    policies = sorted(ds["policy"].to_numpy().tolist(), key=lambda name: most[name])
    looks = {most[name]: LINES[k % len(LINES)] for k, name in enumerate(policies)}
    canvas, ends = Canvas(ax, *INNER), []
    for name in policies:
        colour, line, _ = looks[most[name]]
        front = ds.sel(policy=name)
        order = np.argsort(front["frontier_exposure"].to_numpy())
        x = front["frontier_exposure"].to_numpy()[order]
        y = 100 * front["frontier_utility"].to_numpy()[order]
        ax.plot(x, y, color=colour, linestyle=line, linewidth=1.3, zorder=2)
        canvas.keep_off_line(x, y)
        ends.append(End(f"≤ {most[name]:.0f} patients", x[-1], y[-1], SMALL + 3, FAINT, {"color": colour}))
    canvas.name_ends(ends, 8, 0, 0)
    rows = np.flatnonzero(of_study(ds))
    x, y = ds["patients_above_mtd"].to_numpy()[rows], 100 * ds["utility"].to_numpy()[rows]
    for k, design in enumerate(rows.tolist()):
        colour, _, marker = looks.get(float(ds["most_patients"][design]), (GREY, "", "o"))
        ax.plot(x[k], y[k], marker, color=colour, markersize=5, markeredgecolor="white", markeredgewidth=0.5, zorder=4)
    _name_points(canvas, names_of(ds.isel(design=rows)), x, y)
    faint_grid(ax)
    ax.set_xlabel("expected patients above the MTD")
    ax.set_ylabel(what(ds))
    return figure


def _name_points(canvas: Canvas, names: list[str], x: FloatArray, y: FloatArray) -> None:
    """Write the designs' names beside their points, the highest first."""
    names, spots = fitted(names, INNER[0] / 2, SMALL), list(zip(x.tolist(), y.tolist(), strict=True))
    canvas.keep_off_marks(spots)
    for k in np.argsort(-y):
        box = canvas.beside(names[k], spots[k], (5, 10, 16, 24, 34, 46))
        if box is None:
            left = canvas.place(*spots[k])[0]
            box = (left, 2, left + text_width(names[k], SMALL) + 2, 10)
            canvas.taken.append(box)
        canvas.write(names[k], spots[k], box)


@styled
def price_figure(ds: xr.Dataset) -> Figure:
    """Draw what each rule costs the best design, by most patients.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.limits_of`, with the prices.
    """
    shown = ds[["price"]].drop_sel(rule=ATTAINABLE).dropna("rule", how="all").dropna("enrolment", how="all")
    subtitle = (
        "What the best design loses by a rule, in percentage points, against one patient at a time with free stopping; "
        "left of 0: what it gains by a freedom."
    )
    figure = new_figure(shown.sizes["rule"] * ROW + 0.75, "The price of rules", subtitle)
    ax = figure.add_subplot()
    at = np.arange(shown.sizes["rule"])
    caps = shown["enrolment"].to_numpy().tolist()
    spread = 0.5 / max(len(caps), 1)
    for k, cap in enumerate(caps):
        colour, _, marker = LINES[k % len(LINES)]
        value = 100 * shown["price"].sel(enrolment=cap).to_numpy()
        y = at + (k - (len(caps) - 1) / 2) * spread
        ax.hlines(y, 0, value, color=colour, linewidth=0.9, zorder=2)
        ax.plot(value, y, marker, color=colour, markersize=4, label=f"≤ {cap} patients", zorder=3)
    ax.axvline(0, color=INK, linewidth=0.8)
    name_rows(ax, names_of(shown, "rule"), 0.36)
    faint_grid(ax, "x")
    points = "percentage points of correct selection" if is_correct_selection(ds) else "utility × 100"
    ax.set_xlabel(f"price, {points}")
    ax.legend(loc="center right", frameon=False, fontsize=SMALL)
    return figure
