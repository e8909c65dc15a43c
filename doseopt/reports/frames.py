"""Frames: results as flat tables for CSV files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd  # type: ignore[import-untyped]  # ships no types
import xarray as xr

from doseopt.core.cohort import format_outcomes
from doseopt.display.decision_table import LIMITS
from doseopt.display.labels import names
from doseopt.display.pathways import cohort_of, courses
from doseopt.display.simulated import evaluated

KEYS = ("design", "scenario", "dose")
FURTHER = ("stop_reason", "quantile", "time_quantile", "day", "ending", "definition", "naming")
COLUMNS = [*KEYS, "measure", "value", "mcse", "units", "engine"]


def tidy(ds: xr.Dataset) -> pd.DataFrame:
    """Return every number of a comparison in long format.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`.

    Returns
    -------
    DataFrame
        Columns design, scenario, dose, measure, value, mcse, units, engine; a key that does not apply is empty, and so
        are `mcse` of what has no Monte Carlo error, and `engine` of what is said of no design. A reason for stopping, a
        quantile, a day, an ending, a definition or a naming rule is part of the measure's name, as in
        ``stopped[max_patients]``; yes and no are 1 and 0; the index `mtd` and the enrolment curves are left out
        (`acceptable` says what is correct).
    """
    how = np.array(evaluated(ds))
    parts = [_rows(ds, str(name), how) for name in ds.data_vars if _belongs(ds, str(name))]
    # one frame of all, as pandas takes long to make and to join 200 small ones
    return pd.DataFrame({column: np.concatenate([part[column] for part in parts]) for column in COLUMNS})


def _belongs(ds: xr.Dataset, name: str) -> bool:
    array = ds.variables[name]
    known = set(array.dims) <= {*KEYS, *FURTHER}
    empty = array.dtype.kind == "f" and bool(np.isnan(array).all()) and "design" not in array.dims
    return (
        known
        and array.ndim > 0
        and array.dtype.kind in "bif"
        and not name.endswith("_mcse")
        and name != "mtd"
        and not empty
    )


def _rows(ds: xr.Dataset, name: str, how: npt.NDArray[np.str_]) -> dict[str, Any]:
    """Return the columns of one variable, a value a row, given how each design was evaluated."""
    array = ds.variables[name]
    labels = [ds.variables[dimension].to_numpy().astype(str) for dimension in array.dims]
    keys = dict(zip(array.dims, np.meshgrid(*labels, indexing="ij"), strict=True))
    frame: dict[str, Any] = {key: keys[key].ravel() if key in keys else np.full(array.size, "") for key in KEYS}
    further = [keys[key].ravel() for key in FURTHER if key in keys]
    frame["measure"] = [f"{name}[{label}]" for label in further[0]] if further else np.full(array.size, name)
    frame["value"] = array.to_numpy().astype(float).ravel()
    error = ds.variables.get(f"{name}_mcse")
    frame["mcse"] = np.full(array.size, np.nan) if error is None else error.transpose(*array.dims).to_numpy().ravel()
    frame["units"] = np.full(array.size, array.attrs.get("units", "1"))
    frame["engine"] = np.full(array.size, "")
    if "design" in array.dims:
        place = np.indices(array.shape)[array.dims.index("design")].ravel()
        frame["engine"] = how[place]
    return frame


def paths_frame(ds: xr.Dataset) -> pd.DataFrame:
    """Return the pathways, a row a path: its cohorts, its probability, and what the design does at its end."""
    labels, depth = names(ds, "dose"), int(ds["depth"].max())
    columns = {name: ds[name].to_numpy().tolist() for name in ("given", "patients", "dlts", "moderate")}
    ends = {name: ds[name].to_numpy().tolist() for name in ("level", "size", "stop", "mtd", "probability")}
    rows = []
    for course in courses(ds):
        row: dict[str, object] = {"outcomes": format_outcomes(tuple(cohort_of(ds, node) for node in course))}
        for k in range(1, depth + 1):
            for name, values in columns.items():
                row[f"{name}_{k}"] = values[course[k - 1]] if k <= len(course) else None
        leaf = course[-1] if course else 0
        level, mtd = ends["level"][leaf], ends["mtd"][leaf]
        row |= {"level": level or None, "dose": labels[level - 1] if level else None}
        row |= {"size": ends["size"][leaf] or None, "stop": ends["stop"][leaf] or None, "mtd": mtd or None}
        rows.append(row | {"probability": ends["probability"][leaf]})
    frame = pd.DataFrame(rows)
    text = ("outcomes", "dose", "stop", "probability")
    return frame.astype({name: "Int64" for name in frame.columns if name not in text})


def limits_frame(ds: xr.Dataset) -> pd.DataFrame:
    """Return each design's numbers and each rule's price: name, enrolment, measure, value.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.limits_of`.
    """
    rows = []
    for name in ds.data_vars:
        if ds[name].dims == ("design",):
            rows += [
                (str(d), "", str(name), float(v)) for d, v in zip(ds["design"].values, ds[name].values, strict=True)
            ]
        elif ds[name].dims == ("rule", "enrolment"):
            for r, rule in enumerate(ds["rule"].to_numpy().tolist()):
                for k, n in enumerate(ds["enrolment"].to_numpy().tolist()):
                    rows.append((str(rule), str(n), str(name), float(ds[name][r, k])))
    return pd.DataFrame(rows, columns=["name", "enrolment", "measure", "value"])


def candidates_frame(datasets: Sequence[xr.Dataset]) -> pd.DataFrame:
    """Return every candidate of several calibrations, one a row.

    Parameters
    ----------
    datasets : sequence of Dataset
        Of `doseopt.calibration`.
    """
    parts = []
    for ds in datasets:
        values = pd.DataFrame(ds["value"].to_numpy(), columns=ds["parameter"].to_numpy())
        measures = {str(name): ds[name].to_numpy() for name in ds.data_vars if ds[name].dims == ("candidate",)}
        parts.append(pd.concat([pd.Series([ds.attrs["design"]] * len(values), name="design"), values], axis=1))
        parts[-1] = parts[-1].assign(**measures, chosen=np.arange(len(values)) == ds.attrs["chosen"])
    return pd.concat(parts, ignore_index=True)


def decisions_frame(ds: xr.Dataset) -> pd.DataFrame:
    """Return the decisions of a decision table, as `designs.decision_table` reads them again: n, y, decision."""
    frame = ds[["decision"]].to_dataframe().reset_index()[["n", "y", "decision"]]
    return frame[frame["decision"] != ""]


def boundaries_frame(ds: xr.Dataset) -> pd.DataFrame:
    """Return the boundaries of a decision table, a row for each n; empty where there is none."""
    frame = ds[list(LIMITS)].to_dataframe().astype("Int64")
    frame = frame.where(frame >= 0)
    frame[~np.repeat(ds["in_order"].to_numpy()[:, None], len(LIMITS), axis=1)] = None
    return frame.reset_index()


def pending_decisions_frame(ds: xr.Dataset) -> pd.DataFrame:
    """Return the decisions of a table with pending patients, a row for each n, y and number of pending patients."""
    names = ["n", "y", "pending", "text", "stay_from", "escalate_from"]
    frame: pd.DataFrame = ds[names].to_dataframe()[names].reset_index(drop=True)
    return frame.rename(columns={"text": "decision"})


def scores_frame(ds: xr.Dataset) -> pd.DataFrame:
    """Return the scores of a table of a design that weighs efficacy, a row for each of what may be seen at a dose."""
    names = ["n", "y", "e", "both", "desirability", "score"]
    frame: pd.DataFrame = ds[names].to_dataframe()[names].reset_index(drop=True)
    return frame
