"""Designs that decide while patients are pending beside themselves with full follow-up, at the same cap."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from doseopt.comparison.evaluate import outcomes_of
from doseopt.comparison.in_time import TIMES, in_time
from doseopt.core.parameters import Faults
from doseopt.designs.waiting import Waiting
from doseopt.engines.budget import TooManyStates
from doseopt.measures.operating_characteristics import METRICS, measure
from doseopt.study.on_pending import Engine
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
        before the next decision; nan for designs that wait anyway, where the calculation is too large, and in time
        where listed arrivals are too few. Empty if all designs wait.
    """
    waits = {name: Waiting(design) for name, design in study.designs.items() if design.facts.pending}
    if not waits or study.clock is None:
        return {}
    found = xr.concat([_of(study, engine, name, design, result) for name, design in waits.items()], "design")
    about = {name: (METRICS[name].units, METRICS[name].long_name) for name in IF_WAITING}
    about |= {name: TIMES[name][1:] for name in IN_TIME}
    made = {}
    for name, (unit, text) in about.items():
        value = found[name].reindex(design=result["design"]).transpose("design", "scenario").to_numpy()
        attrs = {"units": unit, "long_name": f"{text}, if every cohort were followed up before the next decision"}
        made[f"{name}_if_waiting"] = (("design", "scenario"), value, attrs)
    return made


def _of(study: Study, engine: Engine, name: str, design: Waiting, result: xr.Dataset) -> xr.Dataset:
    """Return the measures of one design that waits, nan where they are not known."""
    assert study.clock is not None
    other = replace(study, designs={name: design}, clock=replace(study.clock, also_per_month=()))
    dims, unknown = ("design", "scenario"), np.full((1, result.sizes["scenario"]), np.nan)
    coordinates = {"design": [name], "scenario": result["scenario"].to_numpy()}
    found = xr.Dataset(dict.fromkeys((*IF_WAITING, *IN_TIME), (dims, unknown)), coordinates)
    try:
        blocks = list(outcomes_of(other, engine, name, design, study.scenarios))
    except TooManyStates:
        return found
    means = {each: np.concatenate([measure(block, each)[0].to_numpy() for block in blocks]) for each in IF_WAITING}
    found = found.assign({each: (dims, mean[None]) for each, mean in means.items()})
    counted = found.assign_coords(trials=("design", [float(blocks[0].attrs["trials"])]))
    try:
        return in_time(other, engine, counted)[[*IF_WAITING, *IN_TIME]].drop_vars("trials")
    except Faults:  # the listed arrivals are enough for the trials of the study, and not for longer ones
        return found
