"""Selection and patients below the MTD against how long trials take: what a committee chooses from."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.core.text import counted
from doseopt.plots.placement import Canvas
from doseopt.plots.scaffold import Axes, Figure, axes_at, faint_grid, names_of, new_figure
from doseopt.plots.style import BLUE, GREY, INK, NORMAL, SMALL, fitted, full_width, styled

LEFT, MARGIN, BELOW, GAP = 0.42, 0.1, 0.42, 0.3
"""Inches: left of the panels, right of them, below, and between them."""
WIDER = 1.45
"""Inches right of the panels where names stand that find no room beside their marks."""
GAPS = (5, 9, 14, 20, 28, 36)
"""Points from a mark to its name, the nearest with room."""
TALL, NAME = (2.3, 1.5, 1.5), 0.135
"""Inches of the panels at least, and of a name."""
ROOM = 2.0
"""Percent of an axis that half a mark takes."""
PANELS = (
    ("correct_selection", "Correct selection, % of trials", 100, 1),
    ("overdose_selection", "Overdose selection, % of trials", 100, -1),
    ("patients_below_mtd", "Patients below the MTD, expected", 1, -1),
)
"""Variable, title, factor, and which way is better."""
type Look = tuple[str, dict[str, Any]]
WAITS: Look = ("o", {"color": "white", "markeredgecolor": INK, "markersize": 5})
PENDING: Look = ("^", {"color": BLUE, "markeredgecolor": BLUE, "markersize": 5.5})
REGISTERED: Look = ("s", {"color": INK, "markeredgecolor": INK, "markersize": 5})


def not_dominated(days: FloatArray, value: FloatArray, better: int) -> IntArray:
    """Return the designs than which none is as short and as good and better in one of them, by rising duration.

    Parameters
    ----------
    days, value : float array [P]
    better : int
        1 where high values are better, -1 where low ones are.
    """
    order = np.lexsort((-better * value, days))
    best = np.concatenate([[-np.inf], np.maximum.accumulate(better * value[order])[:-1]])
    return np.asarray(order[better * value[order] > best + 1e-9])


@styled
def time_frontier_figure(ds: xr.Dataset) -> Figure:
    """Draw each design as a point, means over the scenarios, and join those that no other dominates.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`, of a study with a clock: designs of which the duration is known.
    """
    figure, named = _figure(ds, MARGIN)
    return figure if named else _figure(ds, WIDER)[0]


def _figure(ds: xr.Dataset, margin: float) -> tuple[Figure, bool]:
    """Return the figure with so many inches at the right, and whether all names stand beside their marks."""
    shown = [panel for panel in PANELS if bool(ds[panel[0]].notnull().any())]  # nobody is below a dose that is none
    tall = [max(least, NAME * ds.sizes["design"]) for least in TALL[: len(shown)]]
    figure = new_figure(sum(tall) + len(tall) * GAP + BELOW, "Selection and how long trials take", _subtitle(ds))
    wide = full_width() - LEFT - margin
    figure.set_layout_engine("none")
    bottom, above, named = BELOW + sum(tall) + (len(tall) - 1) * GAP, None, True
    for (name, title, factor, better), inches in zip(shown, tall, strict=True):
        bottom -= inches
        ax = axes_at(figure, LEFT, bottom, wide, inches, sharex=above)
        ax.set_title(title, weight="bold")
        ax.tick_params(labelbottom=name == shown[-1][0])
        spots = _draw(ax, ds, factor * ds[name].mean("scenario").to_numpy(), factor, better)
        named &= _write(Canvas(ax, 72 * wide, 72 * inches), names_of(ds), spots, better)
        above, bottom = ax, bottom - GAP
    figure.axes[-1].set_xlabel("expected duration in days", size=NORMAL)
    return figure, named


def _subtitle(ds: xr.Dataset) -> str:
    over = f"Means over {counted(ds.sizes['scenario'], 'scenario')}. " if ds.sizes["scenario"] > 1 else ""
    marks = ["Circle: waits until a cohort has been followed up"]
    marks += ["triangle: decides while patients are pending"] if _pending(ds).any() else []
    marks += ["square: the registered design"] if ds.attrs.get("registered") in names_of(ds) else []
    return (
        f"{over}{'; '.join(marks)}. Line: designs than which none is both shorter and better. Duration: until the last "
        "cohort is decided on, or all outcomes are known."
    )


def _pending(ds: xr.Dataset) -> BoolArray:
    """Return which designs decide while patients are pending."""
    if "pending_at_decision" not in ds:
        return np.zeros(ds.sizes["design"], bool)
    return ds["pending_at_decision"].notnull().any("scenario").to_numpy()


def _draw(ax: Axes, ds: xr.Dataset, value: FloatArray, factor: int, better: int) -> FloatArray:
    """Draw the points and the line that joins some; returns the places of all, [P, 2]. Percentages have a factor."""
    from matplotlib.ticker import MaxNLocator

    days = ds["duration"].mean("scenario").to_numpy()
    spare = max(0.06 * np.ptp(days), 1.0)
    ax.set_xlim(days.min() - spare, days.max() + spare)
    low, high = (_end(value.min(), -1), _end(value.max(), 1)) if factor == 100 else _around(value)
    ticks = np.array(MaxNLocator(nbins=7, steps=[1, 2, 5, 10], integer=factor == 100).tick_values(low, high))
    ax.set_ylim(low, high)
    ax.set_yticks(ticks[(ticks >= max(low, 0)) & (ticks <= min(high, 100))])  # no percentage is beyond
    faint_grid(ax)
    joined = not_dominated(days, value, better)
    ax.plot(days[joined], value[joined], color=GREY, linewidth=1.0, zorder=2)
    pending, registered = _pending(ds), str(ds.attrs.get("registered", ""))
    for d, name in enumerate(names_of(ds)):
        marker, look = REGISTERED if name == registered else PENDING if pending[d] else WAITS
        ax.plot(days[d], value[d], marker, zorder=4, **look)
    return np.column_stack([days, value])


def _end(value: float, side: int) -> float:
    """Return an end of an axis of percentages, a multiple of ten beyond a value and room for half a mark."""
    end = 10 * (np.floor(value / 10) if side < 0 else np.ceil(value / 10))
    beyond = abs(end - value) < ROOM
    return float(np.clip(end + 10 * side * beyond, -ROOM, 100 + ROOM))


def _around(value: FloatArray) -> tuple[float, float]:
    """Return the ends of an axis of patients, with room for half a mark."""
    spare = max(0.12 * float(np.ptp(value)), 0.25)
    return float(value.min()) - spare, float(value.max()) + spare


def _write(canvas: Canvas, names: list[str], spots: FloatArray, better: int) -> bool:
    """Name the points; returns whether each name stands beside its mark."""
    line = spots[not_dominated(spots[:, 0], spots[:, 1], better)]
    canvas.keep_off_line(line[:, 0], line[:, 1])
    room, places = 72 * WIDER - 22, [(float(x), float(y)) for x, y in spots]
    column = canvas.name_marks(names, fitted(names, room, SMALL), places, room, GAPS)
    canvas.name_ends(column, 14, 6, 6)
    return not column
