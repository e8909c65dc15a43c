"""A trial without any DLT ends without a result, for certain, and by how much the cap is at fault: arithmetic first."""

from __future__ import annotations

from typing import Any

import numpy as np

from doseopt.core.cohort import parse_outcomes
from doseopt.core.trial import after
from doseopt.engines.exact import Exact
from doseopt.engines.means import means_of
from paper.material import Material

PATH = "1N 2NNN 3NNN"
"""No DLT in the first seven patients, as the rules treat them."""


def claims(material: Material) -> dict[str, Any]:
    """Return what becomes of trials of the registered design without a DLT."""
    study, roles = material.study, material.roles
    design = study.designs[roles["registered"]]
    cohorts = parse_outcomes(PATH, len(study.doses.labels))
    p = study.scenarios["p_dlt"].to_numpy()
    onwards = means_of(design, p, after(design, cohorts)).selection
    belief = study.believed()
    ends = {role: _without_dlt(material, roles[role]) for role in ("registered", "naming", "uncapped")}
    reached = _chance(cohorts, belief.p_dlt)
    return {
        "path": PATH,
        "patients": sum(len(cohort.letters) for cohort in cohorts),
        "none_from_there": onwards[:, 0].min(),
        "declared_from_there": onwards[:, 1:].max(),
        "reached_least": _chance(cohorts, p).min(),
        "reached_most": _chance(cohorts, p).max(),
        "reached_in": study.scenarios["scenario"].to_numpy()[int(_chance(cohorts, p).argmax())],
        "reached_believed": float(belief.mean(reached)),
        "reached_error": float(np.max(belief.error(reached))),
        "ends": ends,
    }


def _chance(cohorts: Any, p: np.ndarray) -> np.ndarray:
    """Return the probability that no patient of some cohorts has a DLT, by scenario."""
    n = np.zeros(p.shape[1])
    for cohort in cohorts:
        n[cohort.level - 1] += len(cohort.letters)
    return np.asarray(np.prod((1 - p) ** n, axis=1))


def _without_dlt(material: Material, name: str) -> dict[str, Any]:
    """Return the only ending of a design without a DLT: its patients, and the dose declared (0 for none)."""
    outcomes = Exact()(material.study.designs[name], material.study.scenarios)
    n, y, selected = (outcomes[part].to_numpy() for part in ("n", "y", "selected"))
    (at,) = np.flatnonzero(y.sum(axis=1) == 0)
    return {"patients": int(n[at].sum()), "at_top": int(n[at, -1]), "declared": int(selected[at]) + 1}
