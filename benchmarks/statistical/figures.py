"""Figures of the benchmark, at the target of the registered protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmarks.statistical.designs import ENROLMENTS, OPTIMAL, REFERENCES
from benchmarks.statistical.tables import TIE, Group, ranking, regrets
from doseopt.core.state import FloatArray, IntArray
from doseopt.plots.scaffold import new_figure
from doseopt.plots.style import BLUE, FAINT, GREY, INK, NORMAL, SMALL, VERMILLION, fitted, styled
from doseopt.scenarios import GENERATORS, MTDRule

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TARGET = 0.25
CAPS = (10, 13, 25)
"""Of the figures that have no room for all."""
ROW = 0.135
"""Inches for a design."""
SHORT = {"ATD+3+3": "ATD", "3+3 up only": "3+3 up", "3+3 top on 3": "3+3 top", "3+3 six": "3+3 six"}
SHORT |= {"CRM calibrated": "CRM cal.", "Keyboard": "Keyb."}
SHADES = ("#f2f2f2", "#9ecae1", "#fdd0a2", "#c7e9c0", "#dadaeb", "#fcc5c0", "#fff2ae", "#d9d9d9", "#b3e2cd", "#e5c494")
BINS = 4
"""Classes of steepness, of as many scenarios each."""


type Panels = dict[tuple[str, int], Group]
"""By family and cap."""


def _shown(groups: Sequence[Group], caps: Sequence[int] = ENROLMENTS) -> Panels:
    """Return the random families at the target."""
    return {(g.family, g.enrolment): g for g in groups if g.target == TARGET and g.drawn and g.enrolment in caps}


def _panels(figure: Figure, shown: Panels) -> dict[tuple[str, int], Axes]:
    """Return axes by family (rows) and cap (columns)."""
    rows, columns = list(GENERATORS), sorted({n for _, n in shown})
    axes = figure.subplots(len(rows), len(columns), squeeze=False, sharex=True, sharey=True)
    found = {(family, n): axes[r, c] for r, family in enumerate(rows) for c, n in enumerate(columns)}
    for (family, n), ax in found.items():
        ax.set_title(f"{family}, N = {n}", weight="bold")
    return found


def _order(shown: Panels) -> list[str]:
    """Return the proposals by their mean over the panels, the best first."""
    mean = np.mean([g.correct[g.own].mean(axis=1) for g in shown.values()], axis=0)
    names = _own(shown)
    return [names[k] for k in np.argsort(-mean, kind="stable")]


def _own(shown: Panels) -> list[str]:
    group = next(iter(shown.values()))
    return [group.names[k] for k in group.own]


@styled
def ranking_figure(groups: Sequence[Group]) -> Figure:
    """Draw the mean probability of correct selection of each design, and its distance to the best."""
    shown = _shown(groups)
    order = [OPTIMAL, *_order(shown)]
    tables = dict(iter(ranking(list(shown.values())).groupby(["family", "enrolment"])))
    draws = next(iter(shown.values())).data.sizes["scenario"]
    figure = new_figure(
        2 * (len(order) * ROW + 0.3) + 0.3,
        "Correct selection over random scenarios",
        f"Mean over {draws:,} scenarios of each random family; target {TARGET:g}, four doses, at most N patients. "
        "Numbers: paired difference to the best design (filled) in points, with 1.96 standard errors over scenarios; "
        "at the left, where it is not 0, the probability of being the best when scenarios are drawn again. The "
        "Bayes-optimal policy is optimal for another belief than these families: a reference, no proposal.",
    )
    for (family, n), ax in _panels(figure, shown).items():
        _ranked(ax, tables[family, n].set_index("design").loc[order])
        ax.set_yticks(range(len(order)), fitted(order, 80, SMALL))
        ax.set_ylim(len(order) - 0.5, -0.5)
    figure.supxlabel("probability of correct selection (% of trials)", size=NORMAL)
    return figure


def _ranked(ax: Axes, rows: pd.DataFrame) -> None:
    """Draw one panel, a line for each design."""
    for y, (name, row) in enumerate(rows.iterrows()):
        reference, best = name in REFERENCES, name not in REFERENCES and row["rank"] == 1
        colour, face = GREY if reference else VERMILLION if best else BLUE, VERMILLION if best else "white"
        marker = "D" if reference else "o"
        ax.plot(100 * row["correct_selection"], y, marker, color=colour, markerfacecolor=face, markersize=3)
        if not best:
            apart = f"{100 * row['difference']:+.1f} ± {196 * row['standard_error']:.1f}"
            ax.text(126, y, apart, size=SMALL - 1, ha="right", va="center")
        if row["probability_best"] >= 0.005:
            ax.text(2, y, f"{100 * row['probability_best']:.0f}%", size=SMALL - 1, va="center")
    ax.set_xlim(0, 127)
    ax.set_xticks([0, 25, 50])
    ax.grid(axis="x", color=FAINT, linewidth=0.4)
    ax.set_axisbelow(True)


@styled
def regret_figure(groups: Sequence[Group]) -> Figure:
    """Draw how the regret of each design is distributed over scenarios."""
    shown = _shown(groups, CAPS)
    order = _order(shown)
    figure = new_figure(
        2 * (len(order) * 1.7 * ROW + 0.3) + 0.3,
        "Regret over random scenarios",
        f"What the probability of correct selection lacks in a scenario, in points; target {TARGET:g}, four doses, at "
        "most N patients. Blue, round: compared with the best of these designs in that scenario. Grey, square: with "
        "the complete-information benchmark at N. Mark: median; thick: middle half; thin: 5% to 95% of the scenarios.",
    )
    for key, ax in _panels(figure, shown).items():
        for (colour, marker, shift), (_, lacking) in zip(
            ((GREY, "s", 0.18), (BLUE, "o", -0.18)), regrets(shown[key]).items(), strict=True
        ):
            for y, name in enumerate(order):
                _spread(ax, 100 * lacking[shown[key].names.index(name)], y + shift, colour, marker)
        ax.axvline(0, color=INK, linewidth=0.5)
        ax.grid(axis="x", color=FAINT, linewidth=0.4)
        ax.set_axisbelow(True)
        ax.set_yticks(range(len(order)), fitted(order, 80, SMALL))
        ax.set_ylim(len(order) - 0.5, -0.5)
    figure.supxlabel("regret (points of probability of correct selection)", size=NORMAL)
    return figure


def _spread(ax: Axes, values: FloatArray, y: float, colour: str, marker: str) -> None:
    q = np.nanquantile(values, (0.05, 0.25, 0.5, 0.75, 0.95))
    ax.plot(q[[0, 4]], [y, y], color=colour, linewidth=0.6)
    ax.plot(q[[1, 3]], [y, y], color=colour, linewidth=2.2, solid_capstyle="butt")
    ax.plot(q[2], y, marker, color=colour, markerfacecolor="white", markersize=2.8)


def steepness(p: FloatArray, mtd: IntArray) -> FloatArray:
    """Return the mean difference of the DLT rate to the neighbours of the MTD, of the lowest dose where it is none."""
    at = np.maximum(mtd, 0)
    gap = np.diff(p, axis=1)
    padded = np.column_stack([np.full(len(p), np.nan), gap, np.full(len(p), np.nan)])
    return np.nanmean([np.take_along_axis(padded, (at + k)[:, None], 1)[:, 0] for k in (0, 1)], axis=0)


@styled
def wins_figure(groups: Sequence[Group]) -> Figure:
    """Draw which design is best where in truth space."""
    shown = _shown(groups, CAPS)
    figure = new_figure(
        2 * 1.75 + 0.3,
        "Which design is best where",
        f"Random scenarios by their true MTD and by the steepness there (mean step of the DLT rate to its neighbours; "
        f"fourths of equal size for each MTD); target {TARGET:g}, at most N patients. In each cell the design with the "
        "highest mean probability of correct selection (* the first of several that select alike), that mean (%), and "
        "its lead over the next design (points).",
    )
    names = _own(shown)
    for key, ax in _panels(figure, shown).items():
        _won(ax, shown[key], names)
    figure.supxlabel("true MTD (dose level)", size=NORMAL)
    return figure


def _won(ax: Axes, group: Group, names: list[str]) -> None:
    """Draw one panel, a cell for each true MTD and class of steepness."""
    p = group.data["p_dlt"].dropna("dose", how="all").to_numpy()
    mtd = MTDRule(TARGET).mtd(p)
    steep = steepness(p, mtd)
    for x, j in enumerate(range(-1, p.shape[1])):
        rows = np.flatnonzero(mtd == j)
        if len(rows) < BINS:
            continue
        for y, part in enumerate(np.array_split(rows[np.argsort(steep[rows], kind="stable")], BINS)):
            mean = group.correct[group.own][:, part].mean(axis=1)
            first, lead, shared = _first(mean)
            name = group.names[group.own[first]]
            ax.bar(x, 1, 1, y - 0.5, color=SHADES[names.index(name) % len(SHADES)], edgecolor="white", linewidth=0.8)
            text = (
                f"{SHORT.get(name, name)}{'*' * shared}\n{100 * mean[first]:.0f} +{100 * lead:.{int(lead < 0.0995)}f}"
            )
            ax.text(x, y, text, size=SMALL - 1, ha="center", va="center", linespacing=1.1)
    ax.set_xticks(range(p.shape[1] + 1), ["none", *(str(j + 1) for j in range(p.shape[1]))])
    ax.set_yticks([0, BINS - 1], ["shallow", "steep"])
    ax.set_xlim(-0.5, p.shape[1] + 0.5)
    ax.set_ylim(-0.5, BINS - 0.5)
    ax.tick_params(length=0)


def _first(mean: FloatArray) -> tuple[int, float, bool]:
    """Return the first of the best, its lead over the next that is not as good, and whether others are as good."""
    best = mean >= mean.max() - TIE
    return int(np.argmax(best)), float(mean.max() - mean[~best].max()), bool(best.sum() > 1)


FIGURES = {"ranking": ranking_figure, "regret": regret_figure, "wins": wins_figure}
"""File name -> what draws the figure."""
