"""DLT rates under a study's common model, given the data."""

from __future__ import annotations

from doseopt.conduct.posterior import actual_doses
from doseopt.core.posterior import Posterior
from doseopt.core.state import FloatArray, IntArray
from doseopt.measures.estimation import LEVEL
from doseopt.models.curves import TwoParameterLogistic
from doseopt.models.quadrature import quadrature
from doseopt.records.data import TrialData
from doseopt.study.study import Study


def known_rates(study: Study, n: IntArray, y: IntArray, data: TrialData | None = None) -> dict[str, FloatArray]:
    """Return summaries of the posterior after each of several tallies, [S, D] each.

    Parameters
    ----------
    study : Study
    n, y : int array [S, D]
        Patients and DLTs at the planned doses.
    data : TrialData, optional
        The same patients, of one tally: a model that takes doses weighs them at those that were given.
    """
    curve = study.curve()
    given = None if data is None else actual_doses(curve, data)
    posterior: Posterior = quadrature(curve).posterior(n, y)
    if given is not None and isinstance(curve, TwoParameterLogistic):
        posterior = quadrature(curve).posterior(given[1][None], given[2][None], at=given[0])
    tail = (1 - LEVEL) / 2
    return {
        "mean": posterior.mean(),
        "lower": posterior.quantile(tail),
        "upper": posterior.quantile(1 - tail),
        "p_above_target": posterior.prob(study.target),
        "p_over": posterior.prob(study.posterior.intervals[1]),
    }
