"""Truth space: where each design is best, and how far each is from the optimal policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import FloatArray, IntArray
from doseopt.display.attained import of_study, same_cap, winners
from doseopt.plots.scaffold import Axes, Figure, inside, names_of, new_figure
from doseopt.plots.style import GREY, INK, NORMAL, SMALL, fitted, full_width, styled

if TYPE_CHECKING:
    from matplotlib.contour import QuadContourSet

LEVELS = (-60, -40, -30, -20, -10, -5, 0, 5, 10, 20, 30, 40, 60)
EDGE = 0.9
"""Dose levels between the middle of a name and the ends of the picture."""
HATCHES = ("", "////", "....", "\\\\\\\\", "xxxx", "----")
MOST = 4
"""Designs of a row."""
WRITTEN = 0.3
"""Share of a map around a name, in which no other stands."""
SHADES = ("#f2f2f2", "#9ecae1", "#fdd0a2", "#c7e9c0", "#dadaeb", "#fcc5c0")


@styled
def maps_figure(ds: xr.Dataset) -> Figure:
    """Draw truth space for each number of patients: which design is best, and each one's distance to the optimum.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.limits_of`, with at least two designs of the same most patients.

    Raises
    ------
    Faults
        Without two such designs.
    """
    if not same_cap(ds):
        raise Faults([Fault("maps", "wanted two designs of the same most patients, to be told apart")])
    groups = {most: _best(ds, rows) for most, rows in same_cap(ds).items()}
    kinds = list(dict.fromkeys(_kind(name) for rows in groups.values() for name in names_of(ds.isel(design=rows))))
    policies = {most: _policies(ds, most) for most in groups}
    columns = 1 + max(len(rows) if policies[most].size else 0 for most, rows in groups.items())
    subtitle = (
        "Across: the dose level at which the DLT rate is the target. Up: odds ratio of a DLT between doses. Thin lines "
        "part the true MTDs. First column: which design selects correctly most often."
    )
    if columns > 1:
        subtitle += (
            " Others: correct selection minus that of the policy that is optimal on average over the belief, in "
            "points; below 0 the design is behind."
        )
    if any(len(groups[most]) < len(rows) for most, rows in same_cap(ds).items()):
        subtitle += f" Of the designs with as many patients the {MOST} that attain most are shown."
    figure = new_figure(len(groups) * 1.75 + 0.65, "Designs over truth space", subtitle)
    axes = figure.subplots(len(groups), columns, squeeze=False, sharex=True, sharey=True)
    filled: QuadContourSet | None = None
    for r, (most, rows) in enumerate(groups.items()):
        correct = ds["map_correct_selection"].to_numpy()[rows]
        names = names_of(ds.isel(design=rows))
        _winners(axes[r, 0], ds, correct, names, [kinds.index(_kind(name)) for name in names], f"best with ≤ {most}")
        policy = policies[most]
        for k in range(columns - 1):
            ax = axes[r, 1 + k]
            if k < len(rows) and policy.size:
                gap = 100 * (correct[k] - ds["map_correct_selection"].to_numpy()[policy[0]])
                filled = _distance(ax, ds, gap, names[k])
            else:
                ax.set_axis_off()
    if filled is not None:
        bar = figure.colorbar(filled, ax=axes, location="bottom", fraction=0.06, aspect=60, pad=0.02)
        bar.set_label("correct selection minus the optimal policy's, points", size=SMALL)
        bar.ax.tick_params(labelsize=SMALL)
    return figure


def _best(ds: xr.Dataset, rows: IntArray) -> IntArray:
    """Return the designs that attain most, in the order of the study."""
    order = np.argsort(-ds["utility"].to_numpy()[rows], kind="stable")
    return np.sort(rows[order[:MOST]])


def _policies(ds: xr.Dataset, most: int) -> IntArray:
    """Return the optimal policies with as many patients."""
    return np.flatnonzero(~of_study(ds) & (ds["most_patients"].to_numpy() == most))


def _kind(name: str) -> str:
    """Return the first word of a design's name, by which it looks the same in all rows."""
    return name.split()[0]


def _grid(ds: xr.Dataset) -> tuple[FloatArray, FloatArray]:
    return ds["location"].to_numpy(), ds["odds_ratio"].to_numpy()


def _frame(ax: Axes, ds: xr.Dataset, title: str) -> None:
    """Draw the borders between true MTDs, and the axes."""
    mtd = ds["map_mtd"].to_numpy()
    x, y = _grid(ds)
    for level in np.unique(mtd)[1:]:
        ax.contour(x, y, mtd, levels=[level - 0.5], colors=INK, linewidths=0.5)
    ax.set_yscale("log")
    ax.set_yticks([1.5, 3, 6, 12], ["1.5", "3", "6", "12"])
    ax.set_yticks([], minor=True)
    doses = int(mtd.max()) + 1
    ax.set_xticks(range(1, doses + 1))
    ax.set_title(fitted([title], full_width() * 72 / 4.6, NORMAL, bold=True)[0], weight="bold", size=NORMAL)


def _winners(ax: Axes, ds: xr.Dataset, correct: FloatArray, names: list[str], looks: list[int], title: str) -> None:
    """Shade where each design is best, and write its name where it has most room."""
    from scipy.ndimage import distance_transform_edt

    x, y = _grid(ds)
    best = winners(correct).argmax(axis=0)
    free = np.ones(best.shape, bool)
    for k, name in enumerate(fitted(names, full_width() * 72 / 4.6, SMALL)):
        mine = np.asarray(best == k)
        if not mine.any():
            continue
        colour, hatch = SHADES[looks[k] % len(SHADES)], HATCHES[looks[k] % len(HATCHES)]
        ax.contourf(x, y, mine.astype(float), levels=[0.5, 1.5], colors=[colour], hatches=[hatch])
        room = distance_transform_edt(np.pad(mine, 1))[1:-1, 1:-1]
        room = room * free
        whole = room * ((x >= x[0] + EDGE) & (x <= x[-1] - EDGE))  # elsewhere a name does not fit into the picture
        row, column = np.unravel_index(int((whole if whole.any() else room).argmax()), room.shape)
        rows, columns = np.indices(free.shape)
        free &= np.hypot((rows - row) / WRITTEN / len(y), (columns - column) / WRITTEN / len(x)) > 1
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.9}
        at = float(np.clip(x[column], x[0] + EDGE, x[-1] - EDGE))
        inside(ax, at, y[row], name.replace(" ", "\n") if len(name) > 10 else name, va="center", bbox=box)
    _frame(ax, ds, title)


def _distance(ax: Axes, ds: xr.Dataset, gap: FloatArray, name: str) -> QuadContourSet:
    """Fill by the distance to the optimum, with a line at 0."""
    x, y = _grid(ds)
    filled = ax.contourf(x, y, np.clip(gap, -100, 100), levels=LEVELS, cmap="PuOr", extend="both")
    if gap.min() < 0 < gap.max():
        ax.contour(x, y, gap, levels=[0], colors=GREY, linewidths=1.0, linestyles="--")
    _frame(ax, ds, name)
    return filled
