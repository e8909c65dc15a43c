"""Designs at interims that a study states: what each would do there, and attain."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.amendment.outlook import expected, model_now
from doseopt.beliefs.of_model import COARSE
from doseopt.conduct.pathways import paths
from doseopt.designs.waiting import made_to_wait
from doseopt.records.trial import Trial
from doseopt.study.amendment import Proposal
from doseopt.study.study import Study

MEASURES = (
    "correct_selection",
    "no_selection",
    "overdose_selection",
    "further_patients",
    "further_dlts",
    "patients_below_mtd",
)


def at_interims(study: Study, proposal: Proposal) -> xr.Dataset:
    """Return what each design would do and attain at the interims of the study file, averaged over the study's model.

    Parameters
    ----------
    study : Study
    proposal : Proposal

    Returns
    -------
    Dataset
        `MEASURES` and `level`, `size` and `mtd` of the next decision, (interim, design); `outcomes` (interim).
    """
    chosen = study.choose([proposal.registered, *proposal.amended])
    designs = {name: made_to_wait(design) for name, design in chosen.items()}
    values = np.empty((len(MEASURES), len(proposal.interims), len(designs)))
    nodes = np.zeros((3, len(proposal.interims), len(designs)), int)
    for i, outcomes in enumerate(proposal.interims.values()):
        trial = Trial.from_outcomes(outcomes, study.doses)
        seen, belief = trial.after(designs[proposal.registered]), model_now(study, trial, COARSE)
        for d, (name, design) in enumerate(designs.items()):
            going, start = seen.standing(design)
            found, _ = expected(study, going, belief, start)
            values[:, i, d] = [found[measure] for measure in MEASURES]
            root = paths(study, trial, name, 1, judge=proposal.registered).isel(node=0)
            nodes[:, i, d] = [int(root[part]) for part in ("level", "size", "mtd")]
    dims = ("interim", "design")
    data = {name: (dims, value) for name, value in zip(MEASURES, values, strict=True)}
    data |= {name: (dims, value) for name, value in zip(("level", "size", "mtd"), nodes, strict=True)}
    coords = {"interim": list(proposal.interims), "design": list(designs)}
    return xr.Dataset(data, coords=coords | {"outcomes": ("interim", list(proposal.interims.values()))})
