"""The figures of a comparison and of what is attainable, each from the Dataset and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import xarray as xr

from doseopt.display.attained import ATTAINABLE, same_cap
from doseopt.display.simulated import error_of, evaluated, simulated, with_simulated_named
from doseopt.plots.benchmark import benchmark_figure
from doseopt.plots.enrolment import enrolment_figure
from doseopt.plots.estimates import estimates_figure
from doseopt.plots.heatmap import heatmap_figure
from doseopt.plots.limit_maps import maps_figure
from doseopt.plots.limits import attained_figure, frontier_figure, price_figure
from doseopt.plots.reliability import reliability_figure
from doseopt.plots.save import save_figure
from doseopt.plots.scenarios import scenario_figure
from doseopt.plots.selection import selection_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "FIGURES",
    "attained_figure",
    "benchmark_figure",
    "drawings",
    "enrolment_figure",
    "estimates_figure",
    "frontier_figure",
    "heatmap_figure",
    "limit_drawings",
    "maps_figure",
    "price_figure",
    "reliability_figure",
    "save_figure",
    "scenario_figure",
    "selection_figure",
]

FIGURES: dict[str, Callable[[xr.Dataset], Figure]] = {
    "selection": selection_figure,
    "scenarios": scenario_figure,
    "enrolment": enrolment_figure,
    "heatmap": heatmap_figure,
}
"""Every figure of operating characteristics, by the name of its file."""

WITH: dict[str, tuple[str, Callable[[xr.Dataset], Figure]]] = {
    "benchmark": ("benchmark_correct_selection", benchmark_figure),
    "estimates": ("posterior_mean", estimates_figure),
    "reliability": ("reliability_said", reliability_figure),
}
"""Figures that join where their variable is known, by the name of their file."""


def drawings(ds: xr.Dataset) -> dict[str, Callable[[], Figure]]:
    """Return what draws each figure of a comparison that its Dataset has the data for, by the name of its file."""
    ds = _with_error(ds)
    known = {name: draw for name, (needed, draw) in WITH.items() if needed in ds and bool(ds[needed].notnull().any())}
    return {name: partial(draw, ds) for name, draw in (FIGURES | known).items()}


def _with_error(ds: xr.Dataset) -> xr.Dataset:
    """Return a comparison whose simulated designs are called so, with their standard error in percentage points."""
    if not simulated(ds).any():
        return ds
    error, how = (
        100 * error_of(ds, "correct_selection").transpose("design", ...).max("scenario").to_numpy(),
        evaluated(ds),
    )
    return with_simulated_named(ds, lambda d, name: f"{name} ({how[d]}, se {error[d]:.1g})")


def limit_drawings(ds: xr.Dataset) -> dict[str, Callable[[], Figure]]:
    """Return what draws each figure of what is attainable that a Dataset has data for, by the name of its file.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.limits_of`.
    """
    draw: dict[str, Callable[[xr.Dataset], Figure]] = {"attained": attained_figure}
    if "frontier_utility" in ds:
        draw["frontier"] = frontier_figure
    if "price" in ds and bool(ds["price"].drop_sel(rule=ATTAINABLE).notnull().any()):
        draw["price"] = price_figure
    if "map_correct_selection" in ds and same_cap(ds):
        draw["maps"] = maps_figure
    return {name: partial(figure, ds) for name, figure in draw.items()}
