"""Frames: results as tidy tables for a spreadsheet, a number a row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # ships no types
import xarray as xr

from doseopt.display.decision_table import LIMITS


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
