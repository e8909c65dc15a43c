"""The pathways of a Dataset: courses from the first cohort to the last, and the cohort of a node."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.core.cohort import Cohort


def courses(ds: xr.Dataset) -> list[list[int]]:
    """Return the paths, each as the nodes that it passes, the root left out."""
    parent = ds["parent"].to_numpy().tolist()
    found = []
    for leaf in np.flatnonzero(ds["leaf"].to_numpy()).tolist():
        course, node = list[int](), leaf
        while parent[node] >= 0:
            course.insert(0, node)
            node = parent[node]
        found.append(course)
    return sorted(found)


def cohort_of(ds: xr.Dataset, node: int) -> Cohort:
    """Return the cohort of a node, its patients without toxicity first."""
    given, patients, dlts, moderate = (
        int(ds[name].to_numpy()[node]) for name in ("given", "patients", "dlts", "moderate")
    )
    return Cohort(given, "N" * (patients - dlts - moderate) + "M" * moderate + "T" * dlts)
