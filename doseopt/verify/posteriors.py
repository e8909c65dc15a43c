"""Posterior DLT rates as SAS, Stan, dfcrm and papers give them, and what trial-analysis vignettes do with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from doseopt.core.trial import after
from doseopt.designs.blrm import BLRM
from doseopt.designs.crm import CRM
from doseopt.models.base import Model
from doseopt.models.curves import Empiric, OneParameterLogistic, TwoParameterLogistic
from doseopt.models.quadrature import quadrature
from doseopt.verify.cases import Case, quoted
from doseopt.verify.check import SLACK, Answers, Check
from doseopt.verify.trials import tally

CUTS = (0.0, 0.2, 0.35, 0.6, 1.0)
"""The intervals of the SAS programs: under, target, excessive and unacceptable toxicity."""
TARGET = 0.25
"""Of the trialr vignettes; `Pr(p>0.25)`."""
GRID = (1.0, 3.0, 9.0, 20.0, 30.0, 45.0, 60.0, 80.0, 100.0)
TRIAL = BLRM(
    doses=len(GRID),
    target=0.25,
    dose_values=GRID,
    unit="mg",
    reference_dose=56.0,
    mean=(-0.85, 1.0),
    cov=((1.0, -0.5), (-0.5, 1.0)),
    intervals=(0.2, 0.35),
    feasibility=0.25,
)
"""The trial of crmPack's vignette; its increments are given as the highest dose allowed."""
SAMPLED_MEAN = 0.02
"""Four standard errors of the posterior mean of a DLT rate by Stan."""
SAMPLED_SHARE = 4 * (0.25 * 0.75 / 1000) ** 0.5
"""Four standard errors of a probability of 0.25 in 1,000 draws."""


def _by_dose(names: Iterable[str], **rows: Any) -> Answers:
    """Return `quantity@name` for each quantity and dose, from its value at each dose."""
    labels = list(names)
    return {f"{what}@{label}": v for what, row in rows.items() for label, v in zip(labels, row, strict=True)}


def _sas(given: Mapping[str, Any]) -> Answers:
    asked = given["inputs"]
    variance = np.square(asked["sd"])
    curve = TwoParameterLogistic(
        tuple(asked["doses"]), "mg", asked["ref"], tuple(asked["mean"]), ((variance[0], 0.0), (0.0, variance[1]))
    )
    posterior = quadrature(curve).posterior(np.array([asked["n"]]), np.array([asked["y"]]))
    parts = np.array([posterior.prob(low, high)[0] for low, high in pairwise(CUTS)])
    return _by_dose(
        (f"{dose:g}" for dose in asked["doses"]),
        LOSS=np.array(asked["losses"]) @ parts,
        PTARGET=parts[1],
        POVEREX=parts[2],
        POVERUN=parts[3],
        POVER=parts[2] + parts[3],
        PMEAN=posterior.mean()[0],
        PQ75=posterior.quantile(0.75)[0],
    )


def _table_1(given: Mapping[str, Any]) -> Answers:
    asked = given["inputs"]
    doses = len(asked["skeleton"])
    n, y = (np.array([[*asked[name], *[0] * (doses - len(asked[name]))]]) for name in ("n", "y"))
    posterior = quadrature(Empiric(tuple(asked["skeleton"]), asked["prior_sd"])).posterior(n, y)
    return _by_dose(map(str, range(1, doses + 1)), mean=posterior.mean()[0], sd=posterior.sd()[0])


def _curve(asked: Mapping[str, Any], case: str) -> Model:
    """Return the model that a vignette names; the standard deviation of its slope is 1 or the root of 1.34."""
    if "values" in asked:
        mean, values, (first, second) = tuple(asked["mean"]), tuple(asked["values"]), map(tuple, asked["cov"])
        return TwoParameterLogistic(values, asked["unit"], asked["reference_dose"], mean, (first, second))
    spread = 1.0 if "sd 1" in case else 1.34**0.5
    kind = Empiric if case.startswith("empiric") else OneParameterLogistic
    return kind(tuple(asked["skeleton"]), spread)


def _vignette(given: Mapping[str, Any]) -> Answers:
    """Return posterior summaries at each dose after an outcome string; quantities may end with that string."""
    asked, curve = given["inputs"], _curve(given["inputs"], given["case"])
    seen = after(CRM(doses=curve.doses, target=TARGET, skeleton=_increasing(curve.doses)), asked["outcomes"])
    posterior: Any = quadrature(curve).posterior(seen.n, seen.y)
    found = _by_dose(
        map(str, range(1, curve.doses + 1)),
        mean=posterior.mean()[0],
        median=posterior.quantile(0.5)[0],
        **{f"Pr(p>{TARGET:g})": posterior.prob(TARGET)[0]},
        **({} if isinstance(curve, TwoParameterLogistic) else {"plugin": posterior.plugin()[0]}),
    )
    return {quantity: found[quantity.split()[0]] for quantity in given["granted"]}


def _increasing(doses: int) -> tuple[float, ...]:
    return tuple((np.arange(doses) + 1) / (doses + 1))


def _next(given: Mapping[str, Any]) -> Answers:
    """Return the dose whose posterior mean is closest to the target, no restriction; and how far from it all are."""
    model = "empiric" if given["case"].startswith("empiric") else "logistic"
    design = CRM(
        doses=5, target=TARGET, skeleton=(0.05, 0.15, 0.25, 0.4, 0.6), model=model, prior_sd=1.0, estimate="mean"
    )
    state = after(design, given["inputs"])
    return {"next": int(design.decide(state).dose[0]) + 1, "apart": np.abs(design.estimated(state)[0] - TARGET)}


def _next_granted(given: Mapping[str, Any], ours: Answers) -> Answers:
    """Grant another dose where the two closest lie nearer to each other than the error of a sampled mean."""
    as_good = np.flatnonzero(ours["apart"] < ours["apart"].min() + SAMPLED_MEAN) + 1
    return {"next": np.abs(as_good - ours["next"]).max()}


def _crmpack(given: Mapping[str, Any]) -> Answers:
    """Return the next dose among those up to the increment's limit, and Pr(target interval) at each dose."""
    asked = given["inputs"]
    posterior = TRIAL.posterior(tally(asked["n"], asked.get("y") or SEEN[tuple(asked["n"])]))
    low, high = TRIAL.intervals
    target, over = posterior.prob(low, high)[0], posterior.prob(high)[0]
    near = np.array(GRID) <= asked.get("limit", np.inf)
    chosen = [
        round(GRID[int(np.argmax(np.where(near & (over < limit), target, -1)))])
        for limit in TRIAL.feasibility + np.array([0, -SAMPLED_SHARE, SAMPLED_SHARE])
    ]
    by_dose: dict[str, Any] = {f"Pr(target)@{dose:g}": p for dose, p in zip(GRID, target, strict=True)}
    return by_dose | {"next dose": chosen[0], "next dose, sampled": chosen}


def _crmpack_granted(given: Mapping[str, Any], ours: Answers) -> Answers:
    """Grant another dose where sampling may put the probability of an overdose on the other side of its limit."""
    chosen = np.array(ours["next dose, sampled"])
    return {**_granted(given, ours), "next dose": np.abs(chosen - ours["next dose"]).max()}


SEEN: Mapping[tuple[int, ...], Sequence[int]] = {
    (1, 1, 1, 1, 0, 0, 0, 0, 0): (0, 0, 0, 1, 0, 0, 0, 0, 0),
    (1, 1, 1, 4, 6, 6, 0, 0, 0): (0, 0, 0, 1, 0, 2, 0, 0, 0),
}
"""The DLTs of the two data sets whose probabilities the vignette prints."""


def _granted(given: Mapping[str, Any], ours: Answers) -> Answers:
    """Grant what the table says: rounding, and the Monte Carlo error of what was sampled."""
    return {quantity: limit * SLACK for quantity, limit in given["granted"].items()}


def _of(text: str) -> list[Case]:
    return quoted("crm_vignettes_oc.csv", lambda row: row["source"].startswith(text))


def _trialr(decisions: bool) -> list[Case]:
    return quoted("trialr_bcrm_posterior.csv", lambda row: (row["quantity"] == "next") is decisions)


CHECKS = {
    "blrm-sas": Check(
        "posteriors of the two-parameter logistic model by SAS PROC MCMC",
        lambda: quoted("sas_blrm_posterior.csv"),
        _sas,
        _granted,
        "sampled: granted four Monte Carlo standard errors and rounding",
    ),
    "crm-table-1": Check(
        "posterior mean and sd of the DLT rates in a CRM",
        lambda: quoted("neuenschwander_table1_crm.csv"),
        _table_1,
        _granted,
        "the paper sampled; it prints three digits",
    ),
    "crm-posteriors": Check(
        "posteriors of one- and two-parameter models in vignettes",
        lambda: _trialr(False),
        _vignette,
        _granted,
        "sampled by Stan: granted four Monte Carlo standard errors and rounding; dfcrm's plug-in rates to their digits",
    ),
    "crm-next-by-mean": Check(
        "the next dose by the posterior mean",
        lambda: _trialr(True),
        _next,
        _next_granted,
        "sampled by Stan: another dose is granted where two are equally close within four Monte Carlo standard errors",
    ),
    "crmpack-trial": Check(
        "the trial of a vignette by the interval rule",
        lambda: _of("crmPack"),
        _crmpack,
        _crmpack_granted,
        "sampled by JAGS, 1,000 draws: granted four Monte Carlo standard errors and rounding, and the dose to which "
        "these lead where the probability of an overdose lies as near to its limit",
    ),
}
