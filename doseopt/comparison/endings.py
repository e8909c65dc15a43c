"""Typical endings: the most probable tallies of each design, the posterior DLT rates there, and what is declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from doseopt.beliefs import Belief, integrated
from doseopt.comparison.evaluate import Engine, outcomes_of
from doseopt.core.state import FloatArray, IntArray
from doseopt.measures.endings import TOO_HIGH
from doseopt.measures.estimates import Estimates
from doseopt.models.kinds import PRIOR_SCALES, with_prior_sd
from doseopt.models.quadrature import quadrature
from doseopt.scenarios import lacking
from doseopt.study.study import Study

EACH = 3
"""Endings of each design that are typical."""
MOST = 20_000
"""Endings at most of a design that is looked at."""


@dataclass(frozen=True)
class Likely:
    """The endings, U of them, that are most probable in some of the designs, M of them, averaged over the belief.

    Parameters
    ----------
    designs : list of str
    tallies : int array [U, 2D]
        Patients, then DLTs, at each dose; those that are most probable in all designs come first.
    chance : float array [M, U, 1 + D]
        Probability that a trial ends so and declares none, or each dose.
    source : str
        Of the belief.
    error : float
        Of the average over it.
    by_prior : dict of float to (float array [U, D], float array [U, D])
        Posterior mean DLT rate, and probability of one above `TOO_HIGH`, by the factor on the prior standard
        deviations, where that is not 1.
    """

    designs: list[str]
    tallies: IntArray
    chance: FloatArray
    source: str
    error: float
    by_prior: dict[float, tuple[FloatArray, FloatArray]]


def likely_endings(study: Study, engine: Engine, sizes: Mapping[str, float]) -> Likely | None:
    """Return the most probable endings of each design under the belief; None if no design is looked at.

    Trials with the same patients and DLTs at each dose are one ending, in whichever order these came.

    Parameters
    ----------
    study : Study
    engine : Exact, Simulate or ExactWherePossible
    sizes : mapping of str to float
        Endings of the designs, nan if simulated; a design with more than `MOST` is left out, and one that looks at
        moderate toxicity if the belief says nothing of it.
    """
    belief = study.believed()
    looked_at = [
        name
        for name, design in study.designs.items()
        if sizes.get(name, np.nan) <= MOST and not lacking(belief.scenarios, design.facts.outcomes.beside)
    ]
    if not looked_at:
        return None
    found = [_most_probable(study, engine, name, belief) for name in looked_at]
    tallies = np.unique(np.concatenate(found), axis=0)

    def values(belief: Belief) -> FloatArray:
        return np.concatenate([_chances(study, engine, name, belief, tallies) for name in looked_at], axis=1)

    belief, each = integrated(belief, values)
    chance, error = belief.mean(each).reshape(len(looked_at), len(tallies), -1), belief.error(each)
    order = np.argsort(-chance.sum(axis=(0, 2)), kind="stable")
    tallies, by_prior = tallies[order], {}
    for factor in PRIOR_SCALES:
        if factor != 1:
            scaled = quadrature(with_prior_sd(study.curve(), factor)).posterior(*np.split(tallies, 2, axis=1))
            by_prior[factor] = scaled.mean(), scaled.prob(TOO_HIGH)
    return Likely(looked_at, tallies, chance[:, order], belief.source, float(error.max()), by_prior)


def _most_probable(study: Study, engine: Engine, name: str, belief: Belief) -> IntArray:
    """Return the most probable tallies of a design, patients then DLTs at each dose, [EACH, 2D]."""
    weight, first = np.zeros(1), 0
    for block in outcomes_of(study, engine, name, study.designs[name], belief.scenarios):
        here = belief.weights[first : first + block.sizes["scenario"]]
        weight, first = weight + here @ block["weight"].to_numpy(), first + len(here)
        tallies = np.concatenate([block["n"].to_numpy(), block["y"].to_numpy()], axis=1)
    distinct, which = np.unique(tallies, axis=0, return_inverse=True)
    chance = np.bincount(which.ravel(), weight)
    return np.asarray(distinct[np.argsort(-chance, kind="stable")[:EACH]])


def _chances(study: Study, engine: Engine, name: str, belief: Belief, tallies: IntArray) -> FloatArray:
    """Return the probability that a trial ends with each tally and declares none, or each dose, [R, U (1 + D)]."""
    doses, parts = tallies.shape[1] // 2, []
    for block in outcomes_of(study, engine, name, study.designs[name], belief.scenarios):
        ends = np.concatenate([block["n"].to_numpy(), block["y"].to_numpy()], axis=1)
        which, ending = np.nonzero((tallies[:, None] == ends).all(axis=2))
        place = which * (1 + doses) + 1 + block["selected"].to_numpy()[ending]
        into = np.zeros((len(ending), len(tallies) * (1 + doses)))
        into[np.arange(len(ending)), place] = 1
        parts.append(block["weight"].to_numpy()[:, ending] @ into)
    return np.concatenate(parts)


def typical_endings(designs: list[str], likely: Likely | None, estimates: Estimates) -> xr.Dataset:
    """Return the endings that are most probable, the posterior there, and what is declared.

    Parameters
    ----------
    designs : list of str
        Of the comparison.
    likely : Likely or None
    estimates : Estimates
        Of the posterior of the study.

    Returns
    -------
    Dataset
        `ending_patients`, `ending_dlts`, `ending_mean`, `ending_lower`, `ending_upper`, `ending_over` (ending, dose);
        `ending_probability` (design, ending), averaged over the belief; `ending_declared` (design, ending, dose), the
        probability that the dose is declared in trials that end so, nan where none does; `endings_not_shown` (design).
        What is nan for a design was left out. `ending_mean_by_prior` and `ending_over_by_prior` (prior_scale, ending,
        dose) are those with other prior standard deviations. The endings that are most probable in all designs come
        first. Empty if no design is looked at.
    """
    if likely is None:
        return xr.Dataset()
    patients, dlts = np.split(likely.tallies, 2, axis=1)
    mean, lower, upper, over = estimates.at(patients, dlts)
    scaled = {1: (mean, over), **likely.by_prior}
    means, overs = zip(*(scaled[factor] for factor in PRIOR_SCALES), strict=True)
    chance = likely.chance
    total = chance.sum(axis=2)
    with np.errstate(invalid="ignore"):
        declared = chance[:, :, 1:] / total[:, :, None]
    at, of = ("ending", "dose"), "of the DLT rate after the ending"
    too_high = f"posterior probability of a DLT rate above {TOO_HIGH:.3g} after the ending"
    by_scale, varied = ("prior_scale", *at), "by the factor on the prior standard deviations"
    variables: dict[str, Any] = {
        "ending_patients": (at, patients, "patients", "patients at the dose"),
        "ending_dlts": (at, dlts, "patients", "patients with a DLT at the dose"),
        "ending_mean": (at, mean, "1", f"posterior mean {of}"),
        "ending_lower": (at, lower, "1", f"posterior 5% quantile {of}"),
        "ending_upper": (at, upper, "1", f"posterior 95% quantile {of}"),
        "ending_over": (at, over, "1", too_high),
        "ending_mean_by_prior": (by_scale, np.stack(means), "1", f"posterior mean {of}, {varied}"),
        "ending_over_by_prior": (by_scale, np.stack(overs), "1", f"{too_high}, {varied}"),
        "ending_probability": (("design", "ending"), total, "1", "probability of the ending under the belief"),
        "ending_declared": (("design", *at), declared, "1", "probability that the dose is declared at the ending"),
        "endings_not_shown": ("design", 1 - total.sum(axis=1), "1", "probability of all other endings"),
    }
    names = [" ".join(f"{y}/{n}" for n, y in zip(*row, strict=True)) for row in zip(patients, dlts, strict=True)]
    result = xr.Dataset(
        {
            name: (dims, value, {"units": unit, "long_name": text})
            for name, (dims, value, unit, text) in variables.items()
        },
        coords={"design": likely.designs, "ending": names, "prior_scale": list(PRIOR_SCALES)},
    )
    about = {"belief": likely.source, "belief_error": likely.error}
    return result.reindex(design=designs).assign_attrs(about)
