"""Data in hand + model -> what is known about the DLT rate at each dose: one Dataset, whichever way it was computed."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import comb

from doseopt.conduct.draws import COHORT, drawn, sampled
from doseopt.conduct.question import Question
from doseopt.core.parameters import Fault, Faults, nearest
from doseopt.measures.estimates import LEVEL
from doseopt.measures.estimation import effective_sample_size
from doseopt.models.beta import BetaBinomial
from doseopt.models.choice import FIELDS, IN_PART
from doseopt.models.kinds import PRIOR_SCALES, describe_model, with_prior_sd
from doseopt.models.quadrature.batch import Distributed
from doseopt.models.quadrature.predictive import prior_tails
from doseopt.records.trial import Trial
from doseopt.scenarios.doses import Doses
from doseopt.study.study import Study

METHODS = ("quadrature", "nuts")

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
    question : Question
    doses : Doses
        Of the study.
    seed : int
    chains : DataTree, optional
        The draws of NUTS.
    checks : Dataset, optional
        Of `doseopt.conduct.checking`, where they were asked for.
    """

    summary: xr.Dataset
    question: Question
    doses: Doses
    seed: int
    chains: xr.DataTree | None = None
    checks: xr.Dataset | None = None

    @functools.cached_property
    def tree(self) -> xr.DataTree:
        """All that is known, as ArviZ reads it: see `doseopt.posterior`; drawn when first asked for."""
        tree = self.chains if self.chains is not None else drawn(self.question, self.doses, self.seed)
        known = {"/summary": self.summary, "/density": self.density}
        known |= {} if self.checks is None else {"/checks": self.checks}
        whole = xr.DataTree.from_dict(known | {path: node.to_dataset() for path, node in tree.children.items()})
        whole.attrs = {
            **tree.attrs,
            **{name: value for name, value in self.summary.attrs.items() if name not in tree.attrs},
        }
        return whole

    @property
    def draws(self) -> xr.DataArray | None:
        """Draws of the DLT rates by NUTS (chain, draw, dose)."""
        return None if self.chains is None else self.chains["posterior"].to_dataset()["p_dlt"]

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
    population: str = "",
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
        Of the draws.
    progress : bool
        Whether NUTS shows a progress bar.
    population : str
        Whose rates are asked for, of a model of two populations; the first.

    Returns
    -------
    Analysis
    """
    asked = Question.of(study, trial, model, population)
    known: Distributed = asked.posterior
    chains: xr.DataTree | None = None
    extra: dict[str, Any] = {}
    if method == "nuts":
        from doseopt.models.nuts.draws import SampledPosterior

        chains, extra = sampled(asked, study.doses, seed, progress)
        known = asked.row(SampledPosterior(chains))
    tail = prior_tails(asked.curve, asked.n, asked.y)
    conflict = "two-sided prior-predictive tail probability of the DLTs seen at the dose"
    summary = _labelled(study, trial, asked, known).assign_coords(prior_scale=list(PRIOR_SCALES))
    summary = summary.assign(
        _sensitivity(asked) | {"prior_tail": ("dose", tail.doses, {"units": "1", "long_name": conflict})}
    )
    evidence = float(asked.posterior.log_marginal()[0])
    if chains is None and asked.external_share is not None:
        extra["external_weight"] = asked.external_share
    summary.attrs |= {"method": method, "log_marginal_likelihood": evidence, "prior_tail_total": tail.total, **extra}
    return Analysis(summary, asked, study.doses, seed, chains)


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


def check_choice(models: Sequence[str], method: str, both: bool = False) -> None:
    """Refuse models or a method that do not exist, and data given twice; all faults together."""
    unknown = [model for model in models if model not in FIELDS]
    faults = [Fault("model", f"unknown model {model!r}{nearest(model, FIELDS)}") for model in unknown]
    if method not in METHODS:
        faults.append(Fault("method", f"wanted quadrature or nuts, got {method!r}{nearest(method, METHODS)}"))
    if both:
        faults.append(Fault("data", "wanted outcomes or a file, got both"))
    if faults:
        raise Faults(faults)


def able(study: Study) -> list[str]:
    """Return the models that a study's doses allow, its own first; two populations, only if they are its own."""
    found = []
    for kind in sorted(FIELDS, key=lambda kind: kind != study.posterior.model):
        if kind == "two_populations" != study.posterior.model:
            continue
        with contextlib.suppress(Faults):  # a model that needs doses as numbers, of which this study has none
            study.curve(kind)
            found.append(kind)
    return found


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
        "population": asked.population,
        "target": study.target,
        "interval_low": low,
        "interval_high": high,
        "level": LEVEL,
        "unit": doses.unit,
        "actual_doses": int(asked.counted.given.doses is not None),
        "in_part": ", ".join(asked.counted.in_part),
        "in_part_likelihood": IN_PART.get(asked.choice.likelihood, ""),
        **trial.provenance(),
    }
    return xr.Dataset(variables, coords=coords, attrs=attrs)


def as_object(summary: xr.Dataset, checks: xr.Dataset | None = None) -> dict[str, Any]:
    """Return the summary as `doseopt posterior --json` prints it: a list `doses`, the attributes, and the checks."""
    fields = ("n", "y", *LONG_NAMES, "prior_ess")
    doses = [
        {"label": str(label), **{name: summary[name].to_numpy()[j].item() for name in fields}}
        for j, label in enumerate(summary["dose"].to_numpy().tolist())
    ]
    found = {} if checks is None else {"checks": {key: checks.to_dict()[key] for key in ("coords", "data_vars")}}
    return {"doses": doses, **{name: value for name, value in summary.attrs.items() if value != ""}, **found}
