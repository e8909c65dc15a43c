"""Designs that decide while patients are pending beside themselves with full follow-up, at the same cap."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from doseopt.comparison.evaluate import outcomes_of
from doseopt.comparison.in_time import TIMES, in_time
from doseopt.comparison.on_pending import Engine
from doseopt.designs.waiting import Waiting
from doseopt.measures.operating_characteristics import METRICS, measure
from doseopt.study.study import Study

IF_WAITING = ("correct_selection", "overdose_selection", "sample_size", "total_dlts")
IN_TIME = ("duration", "turned_away")


def if_waiting(study: Study, engine: Engine, result: xr.Dataset) -> dict[str, Any]:
    """Return what the designs of a study that decide while patients are pending would attain if they waited.

    Parameters
    ----------
    study : Study
    engine : Exact, Simulate or ExactWherePossible
    result : Dataset
        The operating characteristics of the study's designs.

    Returns
    -------
    dict
        Variables `<name>_if_waiting` (design, scenario) of `IF_WAITING` and `IN_TIME`, each cohort being followed up
        before the next decision; nan for designs that wait anyway. Empty if all do.
    """
    waits = {name: Waiting(design) for name, design in study.designs.items() if design.facts.pending}
    if not waits or study.clock is None:
        return {}
    other = replace(study, designs=waits, clock=replace(study.clock, also_per_month=()))
    means: dict[str, list[Any]] = {name: [] for name in IF_WAITING}
    trials = []
    for name, design in waits.items():
        blocks = list(outcomes_of(other, engine, name, design, study.scenarios))
        trials.append(float(blocks[0].attrs["trials"]))
        for each in IF_WAITING:
            means[each].append(np.concatenate([measure(block, each)[0].to_numpy() for block in blocks]))
    coordinates = {"design": list(waits), "scenario": result["scenario"], "trials": ("design", trials)}
    found = xr.Dataset({n: (("design", "scenario"), np.array(rows)) for n, rows in means.items()}, coordinates)
    found = in_time(other, engine, found)
    about = {name: (METRICS[name].units, METRICS[name].long_name) for name in IF_WAITING}
    about |= {name: TIMES[name][1:] for name in IN_TIME}
    made = {}
    for name, (unit, text) in about.items():
        value = found[name].reindex(design=result["design"]).transpose("design", "scenario").to_numpy()
        attrs = {"units": unit, "long_name": f"{text}, if every cohort were followed up before the next decision"}
        made[f"{name}_if_waiting"] = (("design", "scenario"), value, attrs)
    return made
