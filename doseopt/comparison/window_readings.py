"""Readings of what happens in the DLT window: what each makes of the designs, the other events as stated."""

from __future__ import annotations

import dataclasses

import xarray as xr

from doseopt.comparison.evaluate import Engine, in_one, outcomes_of
from doseopt.measures.operating_characteristics import measure
from doseopt.study.study import Study

MEASURES = ("correct_selection", "no_selection", "overdose_selection", "sample_size", "enrolled")
DIMENSION = "window_reading"


def window_readings(study: Study, engine: Engine) -> xr.Dataset:
    """Return some measures under each reading of each event, (window_reading, design, scenario).

    Parameters
    ----------
    study : Study
        With window events.
    engine : Exact, Simulate or ExactWherePossible

    Returns
    -------
    Dataset
        `<measure>_by_reading`; the first reading is that no such event happens.
    """
    assert study.window_events is not None
    rows = {}
    for label, events in study.window_events.variants().items():
        other = dataclasses.replace(study, window_events=events)
        parts = []
        for name, design in study.designs.items():
            blocks = outcomes_of(other, engine, name, design, other.scenarios)
            parts.append(in_one(_measured(outcomes) for outcomes in blocks))
        rows[label] = xr.concat(parts, xr.DataArray(list(study.designs), dims="design", name="design"))
    return xr.concat(list(rows.values()), xr.DataArray(list(rows), dims=DIMENSION, name=DIMENSION))


def _measured(outcomes: xr.Dataset) -> xr.Dataset:
    found = {}
    for name in MEASURES:
        value, _ = measure(outcomes, name)
        text = f"{value.attrs['long_name']}, by reading of what happens in the window"
        found[f"{name}_by_reading"] = value.assign_attrs(long_name=text)
    return xr.Dataset(found)
