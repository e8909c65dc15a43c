"""Operating characteristics of designs that decide by a prior, where the truth departs from it: exact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from doseopt.core.parameters import Fault, Faults
from doseopt.core.posterior import Posterior
from doseopt.designs.blrm import BLRM
from doseopt.designs.crm import CRM
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients, NoSkipping
from doseopt.engines.exact import Exact
from doseopt.engines.outcomes import judged
from doseopt.measures.operating_characteristics import operating_characteristics
from doseopt.models.curves import Empiric, OneParameterLogistic, TwoParameterLogistic
from doseopt.models.kinds import PosteriorCurve
from doseopt.scenarios.dataset import make_scenarios
from doseopt.study.study import Study

TRUTHS = {"as the prior's medians": 0.5, "as its 95% quantiles": 0.95, "as its 5% quantiles": 0.05}
"""Truths, by the quantiles of the prior that the DLT rates are."""
MEASURES = ("correct_selection", "overdose_selection", "no_selection", "patients_above_mtd", "total_dlts")
PATIENTS, FEWER, MANY = 24, 12, 8
"""Most patients, and most where doses are more than so many: with them it takes about a second."""


def design_of(study: Study, curve: PosteriorCurve, patients: int) -> Modified:
    """Return the design that decides by a model: a BLRM or a CRM in cohorts of three, which skips no untried dose."""
    doses = study.doses
    common: dict[str, Any] = {"doses": len(doses.labels), "target": study.target}
    base: BLRM | CRM
    if isinstance(curve, TwoParameterLogistic):
        prior: dict[str, Any] = {"reference_dose": curve.reference_dose, "mean": curve.mean, "cov": curve.cov}
        intervals = study.posterior.intervals
        base = BLRM(**common, dose_values=curve.values, unit=doses.unit, intervals=intervals, **prior)
    elif isinstance(curve, Empiric | OneParameterLogistic):
        intercept: dict[str, Any] = (
            {} if isinstance(curve, Empiric) else {"model": "logistic", "intercept": curve.intercept}
        )
        base = CRM(**common, skeleton=curve.skeleton, prior_sd=curve.prior_sd, **intercept)
    else:
        raise Faults([Fault("model", "wanted one that a design decides by")])
    return Modified(base, (NoSkipping(), MaxPatients(n=patients)))


def if_wrong(study: Study, curves: Mapping[str, PosteriorCurve], prior: Posterior) -> xr.Dataset:
    """Return `MEASURES` (prior, truth) of the design with each prior, `truth_p_dlt` (truth, dose), and the enrolment.

    Parameters
    ----------
    study : Study
        Its definition of right judges.
    curves : mapping of str to PosteriorCurve
        Models that differ by their priors.
    prior : Posterior
        Before data, of the model whose quantiles are the truths.
    """
    most = PATIENTS if len(study.doses.labels) <= MANY else FEWER
    patients = min(study.planned_enrolment or most, most)
    rates = np.stack([prior.quantile(level)[0] for level in TRUTHS.values()])
    scenarios = make_scenarios(np.clip(rates, 0, 1), list(TRUTHS), list(study.doses.labels))
    each = [
        operating_characteristics(judged(Exact()(design_of(study, curve, patients), scenarios), study.mtd))
        for curve in curves.values()
    ]
    dims = ("prior", "truth")
    found: dict[str, Any] = {
        name: (dims, np.stack([one[name].to_numpy() for one in each]), each[0][name].attrs) for name in MEASURES
    }
    found["truth_p_dlt"] = (("truth", "dose"), rates, {"units": "1", "long_name": "DLT rate if the truth is so"})
    coords = {"prior": list(curves), "truth": list(TRUTHS), "dose": list(study.doses.labels)}
    return xr.Dataset(found, coords, {"most_patients": patients})
