"""Figures by short names, as `doseopt.plot`: each takes what a verb returns, and gives a figure of matplotlib.

Of `compare`: `heatmap`, `selection`, `enrolment`, `scenarios`, `estimates`, `benchmark`, `duration`, `frontier`; of
`posterior`: `posterior`, `curve`, `predictive`; of `table` and `paths` those of these names; of `limits`: `attained`,
`trade`, `price`, `maps`; of the candidates of `calibrate`: `calibration`; of what `record` names so: `swimmer` (the
courses), `survival` (the curve), `liver`, `improvement`; of a report's dossier: `amendment`, `conditional` and
`enrolment_needed` (its amendment), `ladder`, `silences`, `break_even`. `calendar` and `definitions` take what
`comparison.calendar.trial_calendar` and `comparison.definition_map.definition_map` return.

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

if TYPE_CHECKING:  # for type checkers and editors, which see no names that are loaded when first used
    from doseopt.plots.amendment import conditional_figure as conditional
    from doseopt.plots.amendment import summary_figure as amendment
    from doseopt.plots.benchmark import benchmark_figure as benchmark
    from doseopt.plots.break_even import break_even_figure as break_even
    from doseopt.plots.calendar import calendar_figure as calendar
    from doseopt.plots.calibration import calibration_figure as calibration
    from doseopt.plots.decision_table import decision_table_figure as table
    from doseopt.plots.definition_map import definition_map_figure as definitions
    from doseopt.plots.duration import duration_figure as duration
    from doseopt.plots.enrolment import enrolment_figure as enrolment
    from doseopt.plots.enrolment_needed import enrolment_needed_figure as enrolment_needed
    from doseopt.plots.estimates import estimates_figure as estimates
    from doseopt.plots.heatmap import heatmap_figure as heatmap
    from doseopt.plots.improvement import improvement_figure as improvement
    from doseopt.plots.ladder import ladder_figure as ladder
    from doseopt.plots.limit_maps import maps_figure as maps
    from doseopt.plots.limits import attained_figure as attained
    from doseopt.plots.limits import frontier_figure as trade
    from doseopt.plots.limits import price_figure as price
    from doseopt.plots.liver import liver_figure as liver
    from doseopt.plots.pathways import paths_figure as paths
    from doseopt.plots.posterior import posterior_curve_figure as curve
    from doseopt.plots.posterior import posterior_figure as posterior
    from doseopt.plots.posterior import posterior_predictive_figure as predictive
    from doseopt.plots.readings import silences_figure as silences
    from doseopt.plots.scenarios import scenario_figure as scenarios
    from doseopt.plots.selection import selection_figure as selection
    from doseopt.plots.survival_curve import survival_figure as survival
    from doseopt.plots.swimmer import swimmer_figure as swimmer
    from doseopt.plots.time_frontier import time_frontier_figure as frontier

_HOME = {
    "amendment": ("amendment", "summary_figure"),
    "attained": ("limits", "attained_figure"),
    "benchmark": ("benchmark", "benchmark_figure"),
    "break_even": ("break_even", "break_even_figure"),
    "calendar": ("calendar", "calendar_figure"),
    "calibration": ("calibration", "calibration_figure"),
    "conditional": ("amendment", "conditional_figure"),
    "curve": ("posterior", "posterior_curve_figure"),
    "definitions": ("definition_map", "definition_map_figure"),
    "duration": ("duration", "duration_figure"),
    "enrolment": ("enrolment", "enrolment_figure"),
    "enrolment_needed": ("enrolment_needed", "enrolment_needed_figure"),
    "estimates": ("estimates", "estimates_figure"),
    "frontier": ("time_frontier", "time_frontier_figure"),
    "heatmap": ("heatmap", "heatmap_figure"),
    "improvement": ("improvement", "improvement_figure"),
    "ladder": ("ladder", "ladder_figure"),
    "liver": ("liver", "liver_figure"),
    "maps": ("limit_maps", "maps_figure"),
    "paths": ("pathways", "paths_figure"),
    "posterior": ("posterior", "posterior_figure"),
    "predictive": ("posterior", "posterior_predictive_figure"),
    "price": ("limits", "price_figure"),
    "scenarios": ("scenarios", "scenario_figure"),
    "selection": ("selection", "selection_figure"),
    "silences": ("readings", "silences_figure"),
    "survival": ("survival_curve", "survival_figure"),
    "swimmer": ("swimmer", "swimmer_figure"),
    "table": ("decision_table", "decision_table_figure"),
    "trade": ("limits", "frontier_figure"),
}
"""Where each is drawn."""

__all__ = [
    "amendment",
    "attained",
    "benchmark",
    "break_even",
    "calendar",
    "calibration",
    "conditional",
    "curve",
    "definitions",
    "duration",
    "enrolment",
    "enrolment_needed",
    "estimates",
    "frontier",
    "heatmap",
    "improvement",
    "ladder",
    "liver",
    "maps",
    "paths",
    "posterior",
    "predictive",
    "price",
    "scenarios",
    "selection",
    "silences",
    "survival",
    "swimmer",
    "table",
    "trade",
]  # each is loaded when first used


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
