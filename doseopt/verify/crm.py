"""CRM against R's dfcrm 0.2-2.1, whose own integrals are good to about 1e-6."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import log_expit

from doseopt.core.state import FloatArray
from doseopt.designs.crm import CRM
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import Coherent, MaxPatients, NoSkipping
from doseopt.models.quadrature import quadrature
from doseopt.models.skeleton import IndifferenceInterval, model_sensitivity
from doseopt.verify.cases import Case, peers
from doseopt.verify.check import Answers, Check
from doseopt.verify.trials import OPERATING, RATES, granted_exact, operating, treated

CUT = 12.0
"""The tight integrals of the reference end at |b| = 12."""
OWN, OWN_WIDE, WIDE = 1e-6, 2.5e-5, 2.0
"""dfcrm's own accuracy in plug-in rates, the same for a wide prior, and the sd(b) of such a one."""


def _getprior(given: Mapping[str, Any]) -> Answers:
    interval = IndifferenceInterval(prior_mtd=given["nu"], halfwidth=given["halfwidth"])
    return {"prior": interval.rates(given["target"], given["nlevel"], given["model"], float(given["intcpt"]))}


def _getprior_granted(given: Mapping[str, Any], ours: Answers) -> Answers:
    """Fifteen digits; the digits of the logarithm of a rate as small as 1e-141."""
    p = np.array(ours["prior"])
    return {"prior": p * (1e-13 - 1e-14 * np.log(p))}


def _getprior_cases() -> list[Case]:
    given = {name: name for name in ("halfwidth", "target", "nu", "nlevel", "model", "intcpt")}
    return peers("dfcrm_getprior.csv", "dfcrm 0.2-2.1 getprior", given, {"prior": "prior"})


def _fit(given: Mapping[str, Any]) -> CRM:
    return CRM(
        doses=given["K"],
        target=given["target"],
        skeleton=given["prior"],
        model=given["model"],
        prior_sd=given["scale"],
        intercept=given["intcpt"] or 3,
    )


def _fits(given: Mapping[str, Any]) -> Answers:
    design, state = _fit(given), treated(given["K"], np.atleast_1d(given["level"]), np.atleast_1d(given["tox"]))
    posterior = quadrature(design.curve).posterior(state.n, state.y)
    mean, variance = posterior.theta_mean()[0], posterior.theta_variance()[0]
    return {
        "estimate": mean,
        "estimate_tight": mean,
        "post_var": variance,
        "post_var_tight": variance,
        "ptox": posterior.plugin()[0],
        "mtd": int(design.decide(state).dose[0]) + 1,
    }


def _fits_granted(given: Mapping[str, Any], ours: Answers) -> Answers:
    """Grant the tight integrals what they lack beyond |b| = 12, as a dense rule of this check's own finds it."""
    mean, variance = 1e-8 + np.abs(moments(given, np.inf) - moments(given, CUT))
    off = given["own_error"]
    return {
        "estimate_tight": mean,
        "post_var_tight": variance,
        "estimate": mean + off[0],
        "post_var": variance + off[1],
        "ptox": OWN_WIDE if given["scale"] == WIDE else OWN,
    }


def moments(given: Mapping[str, Any], within: float) -> FloatArray:
    """Return posterior mean and variance of b by a dense trapezoid rule over +-14 sd, cut at |b| <= within."""
    state = treated(given["K"], np.atleast_1d(given["level"]), np.atleast_1d(given["tox"]))
    b = np.linspace(-14 * given["scale"], 14 * given["scale"], 6001)[:, None]
    s, intercept = np.array(given["prior"]), given["intcpt"] or 3
    if given["model"] == "empiric":
        log_p = np.minimum(np.exp(b) * np.log(s), -1e-300)
        log_q = np.log(-np.expm1(log_p))
    else:
        eta = intercept + np.exp(b) * (np.log(s / (1 - s)) - intercept)
        log_p, log_q = log_expit(eta), log_expit(-eta)
    prior = b[:, 0] ** 2 / (2 * given["scale"] ** 2)
    log_f = (state.y * log_p).sum(axis=1) + ((state.n - state.y) * log_q).sum(axis=1) - prior
    f = np.exp(log_f - log_f.max()) * (np.abs(b[:, 0]) <= within)
    mean = (f @ b)[0] / f.sum()
    return np.array([mean, f @ (b[:, 0] - mean) ** 2 / f.sum()])


def _fits_cases() -> list[Case]:
    given = {name: name for name in ("id", "K", "target", "model", "intcpt", "scale", "prior", "level", "tox")}
    answers = ("estimate", "post_var", "mtd", "ptox", "estimate_tight", "post_var_tight")
    cases = peers("dfcrm_fits.csv", "dfcrm 0.2-2.1 crm", given, {name: name for name in answers})
    return [replace(case, given={**case.given, "own_error": _own_error(case.printed)}) for case in cases]


def _own_error(printed: Mapping[str, tuple[str, ...]]) -> tuple[float, float]:
    """By how much the integrals of dfcrm miss its own integrands integrated tightly: mean and variance."""
    mean, variance = (
        abs(float(printed[name][0]) - float(printed[f"{name}_tight"][0])) for name in ("estimate", "post_var")
    )
    return mean, variance


def _sensitivity(given: Mapping[str, Any]) -> Answers:
    intercept = {} if given["intcpt"] is None else {"intercept": given["intcpt"]}
    found = model_sensitivity(given["prior"], given["target"], given["model"], **intercept)
    edge = 5.0  # crmsens integrates within +-5
    return {
        "lower": found.lower,
        "upper": found.upper,
        "from": (-edge, *found.boundaries),
        "to": (*found.boundaries, edge),
    }


def _sensitivity_cases() -> list[Case]:
    given = {name: name for name in ("target", "model", "intcpt", "source", "prior")}
    answers = {"lower": "iint_lower", "upper": "iint_upper", "from": "Hset_lower", "to": "Hset_upper"}
    return peers("dfcrm_crmsens.csv", "dfcrm 0.2-2.1 crmsens", given, answers)


def _exact(given: Mapping[str, Any]) -> Answers:
    base = CRM(
        doses=4,
        target=given["target"],
        skeleton=IndifferenceInterval(prior_mtd=given["nu"], halfwidth=given["halfwidth"]),
        model=given["model"],
        prior_sd=given["scale"],
        cohort=given["cohortsize"],
    )
    rules = (NoSkipping(), Coherent()) if given["restrict"] else ()
    return operating(Modified(base, (*rules, MaxPatients(given["N"]))), given["p_dlt"])


def _exact_cases() -> list[Case]:
    names = ("target", "N", "cohortsize", "model", "halfwidth", "nu", "scale", "restrict")
    given = {name: name for name in names} | RATES
    return peers("exact_boin_crm.csv", "decisions_by", given, OPERATING, lambda row: row["design"] == "CRM")


CHECKS = {
    "crm-skeletons": Check(
        "skeletons by indifference interval",
        _getprior_cases,
        _getprior,
        _getprior_granted,
        "15 digits, of rates as small as 1e-141 those of the logarithm",
    ),
    "crm-fits": Check(
        "posterior mean and variance of b, plug-in rates, MTD",
        _fits_cases,
        _fits,
        _fits_granted,
        "the *_tight columns integrate what dfcrm integrates, at relative tolerance 1e-11; they are granted 1e-8 and, "
        "as they end at |b| = 12, what a dense rule of this check's own finds beyond (up to 7e-7 where sd(b) = 2 and "
        "data are few). estimate and post_var are granted besides by how much dfcrm's own integrals miss those; "
        "ptox 1e-6, at sd(b) = 2 2.5e-5, the accuracy of its own integrals",
    ),
    "crm-indifference": Check(
        "indifference intervals of skeletons",
        _sensitivity_cases,
        _sensitivity,
        lambda given, ours: dict.fromkeys(("lower", "upper", "from", "to"), 2e-6),
        "dfcrm solves to eps = 1e-6; its intervals of b begin at -5 and end at 5 by definition",
    ),
    "crm-exact": Check("exact operating characteristics", _exact_cases, _exact, granted_exact(14)),
}
