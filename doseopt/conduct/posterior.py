"""Data in hand + model -> what is known about the DLT rate at each dose: one Dataset, whichever way it was computed."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import comb

from doseopt.conduct.question import Question
from doseopt.core.parameters import Fault, Faults, nearest
from doseopt.measures.estimation import LEVEL, effective_sample_size
from doseopt.models.beta import BetaBinomial
from doseopt.models.choice import FIELDS, PRIOR_SCALES, describe_model, with_prior_sd
from doseopt.models.predictive import prior_tails
from doseopt.models.quadrature.batch import Distributed
from doseopt.records.trial import Trial
from doseopt.study.study import Study

METHODS = ("quadrature", "nuts")
COHORT = 3
"""Patients of the next cohort whose DLTs are predicted."""

LONG_NAMES = {
    "mean": "posterior mean DLT rate",
    "sd": "posterior standard deviation of the DLT rate",
    "lower": "lower end of the 90% interval of the DLT rate",
    "upper": "upper end of the 90% interval of the DLT rate",
    "p_under": "posterior probability that the DLT rate is below the target interval",
    "p_target": "posterior probability that the DLT rate is in the target interval",
    "p_over": "posterior probability that the DLT rate is above the target interval",
    "p_above_target": "posterior probability that the DLT rate is above the target rate",
}


@dataclass(frozen=True, eq=False)
class Analysis:
    """What is known of the DLT rates from data in hand.

    Attributes
    ----------
    summary : Dataset
        (dose) and, for the sensitivity, (prior_scale, dose).
    tree : DataTree or None
        The draws of NUTS.
    question : Question
    """

    summary: xr.Dataset
    tree: xr.DataTree | None
    question: Question

    @functools.cached_property
    def density(self) -> xr.Dataset:
        """Densities, computed when first asked for.

        `prior_density` and `posterior_density` (dose, rate), always by quadrature; `predictive` (dose, dlts), the
        probability of each number of DLTs in the next cohort of 3.
        """
        labels = self.summary["dose"].to_numpy().tolist()
        return _densities(labels, self.question.prior, self.question.posterior)


def analyse(
    study: Study,
    trial: Trial,
    model: str | None = None,
    method: str = "quadrature",
    seed: int = 1,
    progress: bool = False,
) -> Analysis:
    """Return the posterior of the DLT rates, with its prior, its sensitivity to it, and how they agree with the data.

    Parameters
    ----------
    study : Study
    trial : Trial
    model : str, optional
        A kind of `posterior_model.FIELDS`; the study's choice when left out.
    method : {"quadrature", "nuts"}
    seed : int
        For NUTS.
    progress : bool
        Whether NUTS shows a progress bar.

    Returns
    -------
    Analysis
    """
    asked = Question.of(study, trial, model)
    posterior = computed = asked.posterior
    tree: xr.DataTree | None = None
    extra: dict[str, Any] = {}
    if method == "nuts":
        posterior, tree, extra = _sampled(asked, study, seed, progress)
    tail = prior_tails(asked.curve, asked.n, asked.y)
    conflict = "two-sided prior-predictive tail probability of the DLTs seen at the dose"
    summary = _labelled(study, trial, asked, posterior).assign_coords(prior_scale=list(PRIOR_SCALES))
    summary = summary.assign(
        _sensitivity(asked) | {"prior_tail": ("dose", tail.doses, {"units": "1", "long_name": conflict})}
    )
    evidence = float(computed.log_marginal()[0])
    summary.attrs |= {"method": method, "log_marginal_likelihood": evidence, "prior_tail_total": tail.total, **extra}
    return Analysis(summary, tree, asked)


def _densities(labels: list[str], prior: Distributed, posterior: Distributed) -> xr.Dataset:
    """Return densities of the DLT rate as the rise of its distribution function, and what they predict."""
    edges = np.linspace(0, 1, 201)
    middle = (edges[:-1] + edges[1:]) / 2
    mass, before = (np.diff(one.below(edges[1:-1])[0].T, axis=1, prepend=0.0, append=1.0) for one in (posterior, prior))
    count = np.arange(COHORT + 1)
    chance = comb(COHORT, count) * middle[:, None] ** count * (1 - middle[:, None]) ** (COHORT - count)
    rate = {"units": "1", "long_name": "DLT rate"}
    return xr.Dataset(
        {
            "prior_density": (("dose", "rate"), before * 200, {"units": "1", "long_name": "prior density"}),
            "posterior_density": (("dose", "rate"), mass * 200, {"units": "1", "long_name": "posterior density"}),
            "predictive": (
                ("dose", "dlts"),
                mass @ chance,
                {"units": "1", "long_name": f"probability of so many DLTs in the next cohort of {COHORT}"},
            ),
        },
        coords={"dose": labels, "rate": ("rate", middle, rate), "dlts": count},
    )


def check_choice(model: str, method: str, both: bool = False) -> None:
    """Refuse a model or method that does not exist, and data given twice; all faults together."""
    faults = []
    if model and model not in FIELDS:
        faults.append(Fault("model", f"unknown model {model!r}{nearest(model, FIELDS)}"))
    if method not in METHODS:
        faults.append(Fault("method", f"wanted quadrature or nuts, got {method!r}{nearest(method, METHODS)}"))
    if both:
        faults.append(Fault("data", "wanted outcomes or a file, got both"))
    if faults:
        raise Faults(faults)


def _sensitivity(asked: Question) -> dict[str, tuple[Any, ...]]:
    """Return the summaries with the prior standard deviations halved, as they are, and doubled, (prior_scale, dose)."""
    cases = [
        asked if factor == 1 else dataclasses.replace(asked, curve=with_prior_sd(asked.curve, factor))
        for factor in PRIOR_SCALES
    ]
    each = [case.known for case in cases]
    varied = "by the factor on the prior standard deviations"
    return {
        f"sensitivity_{name}": (
            ("prior_scale", "dose"),
            np.stack([summary[name] for summary in each]),
            {"units": "1", "long_name": f"{text}, {varied}"},
        )
        for name, text in LONG_NAMES.items()
    }


def _labelled(study: Study, trial: Trial, asked: Question, posterior: Distributed) -> xr.Dataset:
    """Return the summaries of posterior and prior, (dose), and what they were made from."""
    one = {"units": "1"}
    values = asked.known if posterior is asked.posterior else asked.summary(posterior)
    prior = asked.summary(asked.prior)
    variables: dict[str, Any] = {
        "n": ("dose", asked.n, {"units": "patients", "long_name": "evaluable patients at the dose"}),
        "y": ("dose", asked.y, {"units": "patients", "long_name": "patients with a DLT at the dose"}),
    }
    for name, text in LONG_NAMES.items():
        variables[name] = ("dose", values[name], one | {"long_name": text})
        variables[f"prior_{name}"] = ("dose", prior[name], one | {"long_name": text.replace("posterior", "prior")})
    worth = effective_sample_size(prior["mean"], prior["sd"])
    variables["prior_ess"] = ("dose", worth, {"units": "patients", "long_name": "patients that the prior is worth"})
    doses = study.doses
    coords: dict[str, Any] = {"dose": list(doses.labels)}
    if doses.values is not None:
        coords["dose_value"] = ("dose", list(doses.values), {"units": doses.unit, "long_name": "planned dose"})
    low, high = asked.choice.intervals
    attrs = {
        **study.provenance(),
        "model": "beta" if isinstance(asked.curve, BetaBinomial) else asked.choice.model,
        "prior": describe_model(asked.curve) if asked.named else study.describe_model(),
        "target": study.target,
        "interval_low": low,
        "interval_high": high,
        "level": LEVEL,
        "unit": doses.unit,
        "actual_doses": int(asked.at is not None),
        **trial.provenance(),
    }
    return xr.Dataset(variables, coords=coords, attrs=attrs)


def _sampled(
    asked: Question, study: Study, seed: int, progress: bool
) -> tuple[Distributed, xr.DataTree, dict[str, Any]]:
    """Sample by NUTS, and say how well that went."""
    from doseopt.models.nuts.draws import SampledPosterior, diagnose
    from doseopt.models.nuts.pymc import sample

    doses = study.doses
    given, n, y = asked.at or (None, asked.n, asked.y)
    tree = sample(
        asked.curve,
        n,
        y,
        seed=seed,
        at=given,
        next_cohort=COHORT,
        labels=doses.labels,
        values=doses.values,
        unit=doses.unit or None,
        progress=progress,
    )
    found = diagnose(tree)
    extra = {
        "seed": seed,
        "sampler": str(tree.attrs.get("sampler", "")),
        "max_rhat": found.max_rhat,
        "min_ess_bulk": found.min_ess_bulk,
        "min_ess_tail": found.min_ess_tail,
        "divergences": found.divergences,
        "diagnostics": found.words(),
    }
    return SampledPosterior(tree), tree, extra


def as_object(summary: xr.Dataset) -> dict[str, Any]:
    """Return the summary as `doseopt posterior --json` prints it: a list `doses`, and the attributes."""
    fields = ("n", "y", *LONG_NAMES, "prior_ess")
    doses = [
        {"label": str(label), **{name: summary[name].to_numpy()[j].item() for name in fields}}
        for j, label in enumerate(summary["dose"].to_numpy().tolist())
    ]
    return {"doses": doses, **{name: value for name, value in summary.attrs.items() if value != ""}}
