"""The figures: those that the package draws, and four of the paper's own in the same style."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from doseopt.core.files import write_whole
from doseopt.plots.definition_map import definition_map_figure
from doseopt.plots.drawings import attained_figure, enrolment_figure, price_figure
from doseopt.plots.save import drawn
from doseopt.plots.scaffold import new_figure, percent_axis
from doseopt.plots.style import BLUE, FAINT, GREY, INK, NORMAL, SMALL, VERMILLION, WIDTH, styled, wrapped
from paper.material import Material

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

type Results = Mapping[str, Any]

CLOSE = 3.0
"""Percentage points below which two readings share a text."""


def figures(material: Material, results: Mapping[str, Results]) -> dict[str, Figure]:
    """Return every figure, by the name of its file."""
    return {
        "enrolment": enrolment_figure(material.comparison),
        "definitions": definition_map_figure(material.definitions),
        "turns": turns_figure(material),
        "cap": cap_figure(results["attains"], results["protocol"]),
        "silences": silences_figure(results["silences"]),
        "attained": attained_figure(material.limits),
        "price": price_figure(material.limits),
        "misled": misled_figure(results["simulation"]),
    }


def save(made: Mapping[str, Figure], folder: Path) -> list[Path]:
    """Write the figures as SVG."""
    folder.mkdir(parents=True, exist_ok=True)
    svg = {name: drawn(figure) for name, figure in made.items()}
    return [write_whole(folder / f"{name}.svg", lambda p, c=content: p.write_bytes(c)) for name, content in svg.items()]


@styled
def cap_figure(attains: Results, protocol: Results) -> Figure:
    """Draw what the registered rules do under every enrolment cap."""
    caps, planned = attains["caps"], protocol["planned"]
    subtitle = (
        "The registered rules under every enrolment cap. Correct selection: mean over all scenarios. No MTD: mean over "
        "the scenarios in which a dose is a correct selection. Exact."
    )
    figure = new_figure(2.5, "What the enrolment cap does", subtitle)
    ax = figure.add_subplot()
    x = np.array(caps["cap"])
    lines = (
        ("correct selection", caps["correct"], BLUE, "-", "o"),
        ("no MTD declared", caps["none"], VERMILLION, "--", "s"),
    )
    for name, values, colour, dashes, marker in lines:
        y = 100 * np.array(values)
        ax.plot(x, y, color=colour, linestyle=dashes, marker=marker, markersize=3.5, linewidth=1.3)
        ax.text(x[-1] + 0.35, y[-1], name, color=colour, size=NORMAL, weight="bold", va="center")
    for value, text in ((planned, "planned"), (caps["needed"]["cap"], "top dose can be declared")):
        ax.axvline(value, color=GREY, linewidth=0.7, linestyle=":", zorder=0)
        ax.text(value + 0.12, 98, text, color=GREY, size=SMALL, va="top")
    percent_axis(ax, "y", 100, 25)
    ax.set_xlim(x[0] - 0.5, x[-1] + 0.24 * (x[-1] - x[0]))
    ax.set_xticks(x[:: max(1, len(x) // 10)])
    ax.set_xlabel("enrolment cap (patients)")
    ax.set_ylabel("% of trials")
    return figure


LINES = {
    "naming": (GREY, ":"),
    "uncapped": (INK, (0, (1, 1))),
    "crm_middle": (VERMILLION, "--"),
    "crm_large": (VERMILLION, "-"),
    "boin_large": (BLUE, "-."),
}
"""Roles of the designs that are drawn where rates are off; told apart by dashes, and by colour."""
OFF = {"false_dlts": "false DLTs, % of patients", "late_dlts": "late DLTs, % of DLTs", "death": "deaths, % of patients"}


@styled
def turns_figure(material: Material) -> Figure:
    """Draw mean correct and overdose selection where DLT rates are off what the study says."""
    ds = material.turns["registered"].sel(criterion="mean")
    subtitle = (
        f"Means over the scenarios; what is right stays. Deaths are counted as the study reads them "
        f"({ds.attrs['death_counted']}). Exact."
    )
    figure = new_figure(3.6, "How wrong the study may be", subtitle)
    axes = figure.subplots(2, len(OFF), sharey="row", squeeze=False)
    for c, (kind, label) in enumerate(OFF.items()):
        for r, what in enumerate(("correct", "overdose")):
            ax, at = axes[r, c], ds.sel(perturbation=kind)
            for role, (colour, dashes) in LINES.items():
                y = at[f"perturbed_{what}_selection"].sel(design=material.roles[role])
                x, y = 100 * at["amount"].to_numpy(), 100 * y.to_numpy()
                ax.plot(x, y, color=colour, linestyle=dashes, linewidth=1.5, label=material.roles[role])
            percent_axis(ax, "y", 75, 25)
            ax.grid(color=FAINT, linewidth=0.4)
            ax.set_xlim(x[0], 50)
        ax.set_xlabel(label)
    axes[0, 0].set_ylabel("correct, % of trials")
    axes[1, 0].set_ylabel("overdose, % of trials")
    axes[1, 0].legend(loc="upper right", frameon=False, fontsize=SMALL, handlelength=3)
    return figure


@styled
def silences_figure(silences: Results) -> Figure:
    """Draw correct selection under each reading of each silence."""
    part = silences["registered"]
    rows: dict[str, list[Results]] = {}
    for row in part["rows"]:
        if not row["factor"].endswith(("_window", "naming rule")):
            rows.setdefault(row["question"], []).append(row)
    subtitle = (
        "The registered design under each reading of each silence, one changed at a time; mean over the scenarios; "
        "readings of the DLT window, and naming rules, are in the table. Filled: the reading in use. Grey band: all "
        "combinations."
    )
    figure = new_figure(0.31 * len(rows) + 0.45, "How much each silence matters", subtitle)
    ax = figure.add_subplot()
    ax.axvspan(100 * part["all_least"], 100 * part["all_most"], color="#ececec", zorder=0)
    for k, readings in enumerate(rows.values()):
        _readings(ax, k, [row for row in readings if row["correct_selection"] is not None])
    ax.set_yticks(range(len(rows)), ["\n".join(wrapped(q, 0.30 * WIDTH * 72, SMALL)) for q in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.tick_params(left=False)
    percent_axis(ax, "x", 80, 10)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("correct selection, % of trials")
    return figure


def _readings(ax: Axes, k: int, rows: list[Results]) -> None:
    """Draw one silence: a point a reading; those that lie close together share one text, in the order of the points."""
    ordered = sorted(rows, key=lambda row: (row["correct_selection"], not row["in_use"]))
    x = [100 * row["correct_selection"] for row in ordered]
    ax.plot([x[0], x[-1]], [k, k], color=GREY, linewidth=0.9, zorder=1)
    clusters = [[0]]
    for i in range(1, len(x)):
        if x[i] - x[i - 1] < CLOSE:
            clusters[-1].append(i)
        else:
            clusters.append([i])
    for i, row in enumerate(ordered):
        face = BLUE if row["in_use"] else "white"
        ax.plot(x[i], k, "o", color=face, markeredgecolor=BLUE, markersize=5, zorder=4 if row["in_use"] else 3)
    for c, cluster in enumerate(clusters):
        left = c == 0 and len(clusters) > 1
        at, align = (x[cluster[0]] - 1.2, "right") if left else (x[cluster[-1]] + 1.2, "left")
        text = " / ".join(str(ordered[i]["value"]) for i in cluster)
        ax.text(at, k, text, size=SMALL - 0.5, color=INK, ha=align, va="center_baseline", zorder=5)


@styled
def misled_figure(simulation: Results) -> Figure:
    """Draw the exact risk that a simulation puts two designs in the wrong order."""
    curve = simulation["curve"]
    subtitle = (
        "Each comparison of two designs in one scenario, once per size of simulation: the probability that simulated "
        "correct selection puts the worse design first. Sums over two independent binomial counts; differences below "
        "ten points are shown."
    )
    figure = new_figure(2.5, "When simulation would have misled", subtitle)
    ax = figure.add_subplot()
    gap = 100 * np.array(curve["gap"])
    looks = ((BLUE, "o", BLUE), (VERMILLION, "s", "white"))
    for (replicates, wrong), (colour, marker, face) in zip(curve["wrong"].items(), looks, strict=True):
        name = f"{int(replicates):,} replicates a design"
        style = {"markersize": 3.5, "markerfacecolor": face, "markeredgewidth": 0.8}
        ax.plot(gap, 100 * np.array(wrong), marker, color=colour, linestyle="none", label=name, **style)
    ax.axhline(5, color=GREY, linewidth=0.7, linestyle=":")
    ax.grid(color=FAINT, linewidth=0.4)
    ax.set_axisbelow(True)
    ax.set_xlim(0, 10)
    ax.set_ylim(0, 50)
    ax.set_xlabel("true difference of correct selection (percentage points)")
    ax.set_ylabel("wrong order, % of simulations")
    ax.legend(loc="upper right", frameon=False, fontsize=NORMAL)
    return figure
