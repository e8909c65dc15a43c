"""Attainment drawn: bars to a bound, the trade against overdosing, the price of rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.display.attained import ATTAINABLE, is_correct_selection, of_study
from doseopt.plots.placement import Box, Label, along, beside, spread
from doseopt.plots.style import (
    BLUE,
    FAINT,
    GREY,
    INK,
    LINES,
    NORMAL,
    SMALL,
    VERMILLION,
    WIDTH,
    fitted,
    new_figure,
    percent_axis,
    styled,
    text_width,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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

    Returns
    -------
    Figure
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
    attained, best, safe = (
        100 * shown[name].to_numpy() for name in ("utility", "attainable", "attainable_same_exposure")
    )
    at = np.arange(len(rows)) + 0.35 * np.cumsum(np.diff(shown["most_patients"].to_numpy(), prepend=0) > 0)
    ax.barh(at, attained, 0.62, color=BLUE, zorder=2)
    ax.barh(at, best, 0.62, color="none", edgecolor=GREY, linewidth=0.6, linestyle=":", zorder=1)
    for y, value, bound, limit in zip(at, attained, best, safe, strict=True):
        inside = value > 12
        ax.text(
            value - 1 if inside else value + 1,
            y,
            f"{value:.0f}",
            size=NORMAL,
            weight="bold",
            color="white" if inside else INK,
            ha="right" if inside else "left",
            va="center_baseline",
            zorder=5,
        )
        if np.isnan(bound):
            continue
        ax.plot([limit, limit], [y - 0.31, y + 0.31], color=VERMILLION, linewidth=1.6, zorder=3)
        ax.plot(bound, y, "D", color=INK, markersize=4, zorder=4, clip_on=False)
        ax.text(bound + 1.8, y, f"{bound:.0f}", size=SMALL, color=INK, va="center_baseline")
    names = [
        f"{name} (≤ {most:.0f})" if f"{most:.0f}" not in str(name) else str(name)
        for name, most in zip(shown["design"].to_numpy(), shown["most_patients"].to_numpy(), strict=True)
    ]
    ax.set_yticks(at, fitted(names, 0.28 * WIDTH * 72, NORMAL))
    ax.set_ylim(at[-1] + 0.55, at[0] - 0.55)
    ax.tick_params(left=False, labelsize=NORMAL)
    percent_axis(ax, "x", 100, 20)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(what(ds))
    return figure


@styled
def frontier_figure(ds: xr.Dataset) -> Figure:
    """Draw the most that can be attained for each number of patients above the MTD, and where the designs are.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.limits_of`, with the frontiers.

    Returns
    -------
    Figure
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
    taken: list[Box] = []
    ends = []
    for name in policies:
        colour, line, _ = looks[most[name]]
        front = ds.sel(policy=name)
        order = np.argsort(front["frontier_exposure"].to_numpy())
        x = front["frontier_exposure"].to_numpy()[order]
        y = 100 * front["frontier_utility"].to_numpy()[order]
        ax.plot(x, y, color=colour, linestyle=line, linewidth=1.3, zorder=2)
        taken += along(*_points(ax, x, y))
        ends.append((x[-1], y[-1], colour, f"≤ {most[name]:.0f} patients"))
    _name_lines(ax, ends)
    rows = np.flatnonzero(of_study(ds))
    x, y = ds["patients_above_mtd"].to_numpy()[rows], 100 * ds["utility"].to_numpy()[rows]
    for k, design in enumerate(rows.tolist()):
        colour, _, marker = looks.get(float(ds["most_patients"][design]), (GREY, "", "o"))
        ax.plot(x[k], y[k], marker, color=colour, markersize=5, markeredgecolor="white", markeredgewidth=0.5, zorder=4)
    _name_points(ax, [str(ds["design"].to_numpy()[k]) for k in rows], x, y, taken)
    ax.grid(color=FAINT, linewidth=0.4)
    ax.set_axisbelow(True)
    ax.set_xlabel("expected patients above the MTD")
    ax.set_ylabel(what(ds))
    return figure


def _points(ax: Axes, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return places in points from the lower left corner, for axes of about the size that the layout gives."""
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    return (x - left) / (right - left) * INNER[0], (y - low) / (high - low) * INNER[1]


def _name_lines(ax: Axes, ends: list[tuple[float, float, str, str]]) -> None:
    """Write the names of the lines at the right of the axes, none over another."""
    x, y = _points(ax, np.array([end[0] for end in ends]), np.array([end[1] for end in ends]))
    heights = [SMALL + 3.0] * len(ends)
    for k, centre in enumerate(spread(y.tolist(), heights, 0, INNER[1])):
        _, _, colour, text = ends[k]
        ax.annotate(
            text,
            ends[k][:2],
            xytext=(INNER[0] - x[k] + 8, centre - y[k]),
            textcoords="offset points",
            size=SMALL,
            color=colour,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": FAINT, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 2},
        )


def _name_points(ax: Axes, names: list[str], x: FloatArray, y: FloatArray, taken: list[Box]) -> None:
    """Write the designs' names beside their points, with a thin line where they are further off."""
    px, py = _points(ax, x, y)
    names = fitted(names, INNER[0] / 2, SMALL)
    boxes = [*taken, *((a - 4, b - 4, a + 4, b + 4) for a, b in zip(px, py, strict=True))]
    for k in np.argsort(-y):
        label = Label(names[k], text_width(names[k], SMALL) + 2, SMALL + 2, px[k], py[k])
        box = beside(label, boxes, (2, 2, *INNER), (5, 10, 16, 24, 34, 46)) or (px[k], 2, px[k] + label.width, 10)
        boxes.append(box)
        middle = ((box[0] + box[2]) / 2 - px[k], (box[1] + box[3]) / 2 - py[k])
        ax.annotate(
            names[k],
            (x[k], y[k]),
            xytext=middle,
            textcoords="offset points",
            size=SMALL,
            ha="center",
            va="center",
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.4, "shrinkA": 0, "shrinkB": 3},
            zorder=3,
        )


@styled
def price_figure(ds: xr.Dataset) -> Figure:
    """Draw what each rule costs the best design, by most patients.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.limits_of`, with the prices.

    Returns
    -------
    Figure
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
    ax.set_yticks(at, fitted([str(rule) for rule in shown["rule"].to_numpy()], 0.36 * WIDTH * 72, SMALL))
    ax.set_ylim(len(at) - 0.4, -0.6)
    ax.tick_params(left=False)
    ax.grid(axis="x", color=FAINT, linewidth=0.4)
    ax.set_axisbelow(True)
    ax.spines["left"].set_visible(False)
    points = "percentage points of correct selection" if is_correct_selection(ds) else "utility × 100"
    ax.set_xlabel(f"price, {points}")
    ax.legend(loc="center right", frameon=False, fontsize=SMALL)
    return figure
