"""The table of a design that weighs efficacy: rank-based desirability scores, by which its next dose is chosen."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from doseopt.conduct.decision_table import MOST, check_patients, chosen, described, entries_of
from doseopt.core.parameters import Fault, Faults
from doseopt.designs.boin12 import BOIN12
from doseopt.designs.layers import layers
from doseopt.study.study import Study

CELL = ("n", "y", "e", "both")
MOST_CELLS = 20_000


def scores_table(study: Study, name: str = "", patients: int | None = None) -> xr.Dataset:
    """Return the rank-based desirability scores of BOIN12 (Lin et al. 2020, Table 3), for whole cohorts at a dose.

    Parameters
    ----------
    study : Study
    name : str
        Of the design; left out: the first that has a table.
    patients : int, optional
        Largest number of patients at one dose; fewer than those that end the trial when left out.

    Returns
    -------
    Dataset
        By cell, what may be seen at a dose, n patients, y with a DLT, e with efficacy, `both` with both (-1 where that
        does not matter): `desirability`, and `score`, its rank among the admissible cells, nan for the others. By
        patients (`size`) the DLTs from which on the design goes `down`, and up to which it may go `up` whatever n is.
        By rule, `reading` and `source` of the design's description.

    Raises
    ------
    Faults
        If there is no such design, or it has no such table.

    Examples
    --------
    Lin et al. 2020, Table 3: a dose that nobody had scores 60.

    >>> from doseopt import BOIN12, MTDRule, Study
    >>> from doseopt.scenarios.doses import Doses
    >>> study = Study("a trial", 0.35, MTDRule(0.35), Doses(("1", "2")), {}, {"BOIN12": BOIN12(doses=2, target=0.35)})
    >>> scores_table(study)["score"].values[:3].tolist()
    [60.0, 35.0, 55.0]
    """
    name = chosen(study, name)
    design = study.designs[name]
    rule = layers(design).rule
    if not isinstance(rule, BOIN12):
        wanted = "wanted a design that weighs efficacy"
        raise Faults([Fault("design", f"{wanted}; of {name!r} see decision_table")], study.name)
    check_patients(patients)
    most = min(patients or max(rule.enough - 1, rule.cohort), MOST)  # with enough the trial is over
    if patients is not None and patients < rule.cohort:
        raise Faults([Fault("patients", f"wanted at least a cohort of {rule.cohort}, got {patients}")], study.name)
    sizes = range(0, most + 1, rule.cohort)
    cells = sum((n + 1) ** 2 * (n // 2 + 1 if rule.needs_both else 1) for n in sizes)
    if cells > MOST_CELLS:
        raise Faults([Fault("patients", f"wanted fewer: a table of {most} has over {MOST_CELLS:,} cells")], study.name)
    found = rule.scores(sizes)
    y = np.arange(most + 1)
    n = np.array([size for size in sizes if size])[:, None]
    moves = rule.moves(n, np.minimum(y, n))
    down, up = (moves < 0) & (y <= n), (moves > 0) & (y <= n)
    about = {"n": "patients at a dose", "y": "of them with a DLT", "e": "of them with efficacy", "both": "with both"}
    return (
        described(study, name, rule)
        .assign(
            {
                "desirability": ("cell", found.desirability, {"long_name": "Pr(U > u_b/100)"}),
                "score": ("cell", found.score, {"long_name": "rank of the desirability among admissible cells"}),
                "up": ("size", np.where(up, y, -1).max(axis=1), {"long_name": "DLTs up to which it is below lambda_e"}),
                "down": ("size", np.where(down.any(axis=1), down.argmax(axis=1), -1), {"long_name": "DLTs: down"}),
            }
        )
        .assign_coords({k: ("cell", getattr(found, k), {"units": "patients", "long_name": about[k]}) for k in CELL})
        .assign_coords(size=("size", n[:, 0], {"units": "patients", "long_name": "patients at the current dose"}))
        .assign_attrs(cohort=rule.cohort)
    )


def as_object(ds: xr.Dataset) -> dict[str, Any]:
    """Return the table as JSON holds it: one entry for each cell, its score null where it is not admissible."""
    return {
        **ds.attrs,
        "table": entries_of(ds, *CELL, "desirability", "score"),
        "boundaries": entries_of(ds, "size", "up", "down"),
        "rules": entries_of(ds, "rule", "reading", "source"),
    }
