"""Figures of a comparison. Takes the Dataset of `doseopt.compare`, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import xarray as xr

from doseopt.plots.enrolment import enrolment_figure
from doseopt.plots.estimates import estimates_figure
from doseopt.plots.heatmap import heatmap_figure
from doseopt.plots.save import save_figure
from doseopt.plots.scenarios import scenario_figure
from doseopt.plots.selection import selection_figure

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

__all__ = [
    "FIGURES",
    "enrolment_figure",
    "estimates_figure",
    "heatmap_figure",
    "save_figure",
    "save_figures",
    "scenario_figure",
    "selection_figure",
]

FIGURES: dict[str, Callable[[xr.Dataset], Figure]] = {
    "selection": selection_figure,
    "scenarios": scenario_figure,
    "enrolment": enrolment_figure,
    "heatmap": heatmap_figure,
}
"""Every figure of operating characteristics, by the name of its file; `estimates_figure` joins with a posterior."""


def save_figures(ds: xr.Dataset, folder: str | Path) -> list[Path]:
    """Write every figure as SVG and as PNG, each whole or not at all.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`.
    folder : path
        Made if it is not there.

    Returns
    -------
    list of Path
    """
    figures = FIGURES | ({"estimates": estimates_figure} if "posterior_mean" in ds else {})
    return [path for name, draw in figures.items() for path in save_figure(draw(ds), folder, name)]
