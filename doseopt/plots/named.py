"""Figures by short names, as `doseopt.plot`: each takes the Dataset of a verb and returns a figure of matplotlib.

Of `compare`: `heatmap`, `selection`, `enrolment`, `scenarios`, `estimates`, `duration`, `frontier`, `calendar`; of
`table`, `paths`, `limits` (`attained`, `trade`, `price`, `maps`), `calibrate` (`calibration`).

Examples
--------
>>> from doseopt import BOIN, MaxPatients, Modified, compare, plot
>>> found = compare(Modified(BOIN(doses=2, target=0.25), (MaxPatients(n=6),)), truth=[0.1, 0.3])
>>> type(plot.heatmap(found)).__name__
'Figure'
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    pass

_HOME = {
    "attained": ("limits", "attained_figure"),
    "break_even": ("break_even", "break_even_figure"),
    "calendar": ("calendar", "calendar_figure"),
    "calibration": ("calibration", "calibration_figure"),
    "definitions": ("definition_map", "definition_map_figure"),
    "duration": ("duration", "duration_figure"),
    "enrolment": ("enrolment", "enrolment_figure"),
    "estimates": ("estimates", "estimates_figure"),
    "frontier": ("time_frontier", "time_frontier_figure"),
    "heatmap": ("heatmap", "heatmap_figure"),
    "maps": ("limit_maps", "maps_figure"),
    "paths": ("pathways", "paths_figure"),
    "price": ("limits", "price_figure"),
    "scenarios": ("scenarios", "scenario_figure"),
    "selection": ("selection", "selection_figure"),
    "table": ("decision_table", "decision_table_figure"),
    "trade": ("limits", "frontier_figure"),
}
"""Where each is drawn."""

__all__ = sorted(_HOME)  # each is loaded when first used


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Load a figure when it is first used."""
        if name not in _HOME:
            from doseopt.core.parameters import nearest

            raise AttributeError(f"no figure {name!r}{nearest(name, _HOME)}")
        room, function = _HOME[name]
        return getattr(importlib.import_module(f"doseopt.plots.{room}"), function)
