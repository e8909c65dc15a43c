"""What the registered design attains, at what price, and what its enrolment cap does."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from doseopt.designs.layers import with_cap
from doseopt.engines.exact import Exact
from doseopt.engines.outcomes import judged
from doseopt.measures.operating_characteristics import measure
from doseopt.reports.sections.findings import findings
from paper.material import Material

SHOWN = ("correct_selection", "overdose_selection", "no_selection", "sample_size", "total_dlts", "patients_above_mtd")
SMALLEST = 7
"""The smallest enrolment cap looked at: a first patient and two cohorts of three."""
NEAR = 0.01
"""Within this of the design without a cap counts as attaining as much."""


def claims(material: Material) -> dict[str, Any]:
    """Return operating characteristics with and without the cap, and by cap."""
    ds, roles = material.comparison, material.roles
    right = material.right()
    none = ds["no_selection"].sel(design=roles["registered"]).to_numpy()[right]
    barred = np.isnan(ds["fewest_patients"].sel(design=roles["registered"]).to_numpy())
    correct = ds["correct_selection"].sel(design=roles["registered"]).to_numpy()
    return {
        "findings": findings(ds),
        "rows": [_row(ds, material, str(name)) for name in ds["scenario"].to_numpy()],
        "mean": {role: _means(ds.sel(design=roles[role])) for role in ("registered", "uncapped")},
        "right_count": int(right.sum()),
        "none_least": none.min(),
        "none_most": none.max(),
        "none_majority": int((none > 0.5).sum()),
        "zero_count": int((correct < 1e-12).sum()),
        "barred": [str(label) for label in ds["dose"].to_numpy()[barred]],
        "fewest": {
            role: ds["fewest_patients"].sel(design=roles[role]).to_numpy() for role in ("registered", "uncapped")
        },
        "uncapped": _size(ds.sel(design=roles["uncapped"]), right),
        "caps": by_cap(material),
    }


def _row(ds: xr.Dataset, material: Material, scenario: str) -> dict[str, Any]:
    at = ds.sel(scenario=scenario)
    values = {
        role: {name: float(at[name].sel(design=material.roles[role])) for name in SHOWN}
        for role in ("registered", "uncapped")
    }
    return {"name": scenario, **values}


def _means(ds: xr.Dataset) -> dict[str, float]:
    found = {name: float(ds[name].mean()) for name in SHOWN}
    return found | {
        "least": float(ds["correct_selection"].min()),
        "most": float(ds["correct_selection"].max()),
        "over_planned": float(ds["over_planned"].mean()),
    }


def _size(ds: xr.Dataset, right: np.ndarray) -> dict[str, Any]:
    """Return how many patients the design without a cap takes."""
    size, over = ds["sample_size"].to_numpy(), ds["over_planned"].to_numpy()
    return {
        "least": size.min(),
        "most": size.max(),
        "over_least": over[right].min(),
        "over_most": over[right].max(),
        "none_least": ds["no_selection"].to_numpy()[right].min(),
        "none_most": ds["no_selection"].to_numpy()[right].max(),
    }


def by_cap(material: Material) -> dict[str, Any]:
    """Return means over the scenarios of the registered design under every enrolment cap."""
    study = material.study
    design = study.designs[material.roles["registered"]]
    scenarios, right = study.scenarios, material.right()
    most = int(material.comparison["sample_size_quantile"].sel(design=material.roles["uncapped"]).max())
    caps = list(range(SMALLEST, most + 1))
    correct, none, size, barred = [], [], [], []
    for cap in caps:
        outcomes = judged(Exact()(with_cap(design, cap), scenarios), study.mtd)
        correct.append(float(measure(outcomes, "correct_selection")[0].mean()))
        none.append(float(measure(outcomes, "no_selection")[0].to_numpy()[right].mean()))
        size.append(float(measure(outcomes, "sample_size")[0].mean()))
        barred.append(design.facts.doses - len(set(outcomes["selected"].to_numpy().tolist()) - {-1}))
    enough = caps[int(np.flatnonzero(np.array(correct) >= correct[-1] - NEAR)[0])]
    at = {str(cap): {"correct": c, "none": n} for cap, c, n in zip(caps, correct, none, strict=True)}
    needed = next(cap for cap, count in zip(caps, barred, strict=True) if not count)
    planned = int(study.planned_enrolment or caps[0])
    return {
        "cap": caps,
        "correct": correct,
        "none": none,
        "size": size,
        "enough": enough,
        "near": NEAR,
        "planned": at[str(planned)],
        "needed": {"cap": needed, **at[str(needed)]},
        "gain_to_needed": at[str(needed)]["correct"] - at[str(planned)]["correct"],
        "last": {"cap": caps[-1], **at[str(caps[-1])]},
    }
