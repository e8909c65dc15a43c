"""Exact operating characteristics and posteriors as the literature and independent programs print them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.stats import norm

from doseopt.core.state import TrialState
from doseopt.engines.exact import Exact
from doseopt.engines.graph import graph_of
from doseopt.measures.complete_information import complete_information_benchmark
from doseopt.models.quadrature import quadrature
from doseopt.models.skeleton import IndifferenceInterval
from doseopt.scenarios import make_scenarios
from doseopt.verify.cases import published
from doseopt.verify.check import SLACK, Answers, Check
from doseopt.verify.trials import design_of, operating, tally, treated

COMPARED = 12
"""Numbers of the app; each is granted its Monte Carlo error at 1e-4 / 12, two-sided."""


def _exact(given: Mapping[str, Any]) -> Answers:
    """Return operating characteristics and the outcome paths, in all and by the MTD that they end with."""
    design = design_of(given["design"])
    graph = graph_of(design)
    some = graph.selected >= 0
    paths = np.bincount(graph.selected[some], graph.cohort_paths[graph.ending][some], minlength=design.facts.doses)
    counted = {"paths": graph.counts()["paths"], "paths_by_mtd": paths.astype(int)}
    return {**operating(design, given["p_dlt"], given.get("p_moderate")), **counted}


def _percent(given: Mapping[str, Any]) -> Answers:
    """Return selection in per cent, and patients."""
    found = operating(design_of(given["design"]), given["p_dlt"])
    shares = {name: 100 * found[name] for name in ("no_selection", "selection")}
    return {**shares, "sample_size": found["sample_size"]}


def _app(given: Mapping[str, Any]) -> Answers:
    """Return the same with the error of a mean over so many trials."""
    outcomes = Exact()(design_of(given["design"]), make_scenarios([given["p_dlt"]]))
    weight, n = outcomes["weight"].to_numpy()[0], outcomes["n"].to_numpy().sum(axis=1)
    variance = weight @ (n - weight @ n) ** 2
    found = _percent(given)
    share = {name: np.asarray(found[name]) / 100 for name in ("no_selection", "selection")}
    errors = {f"{name}_error": 100 * np.sqrt(p * (1 - p) / given["trials"]) for name, p in share.items()}
    return {**found, **errors, "sample_size_error": np.sqrt(variance / given["trials"])}


def _app_granted(given: Mapping[str, Any], ours: Answers) -> Answers:
    """Monte Carlo error, and the rounding of what is printed."""
    z = norm.isf(1e-4 / 2 / COMPARED)
    return {name: z * ours[f"{name}_error"] + SLACK * half for name, half in given["rounding"].items()}


def _benchmark(given: Mapping[str, Any]) -> Answers:
    found = complete_information_benchmark(given["p_dlt"], given["patients"], given["target"], given["ties"])
    return {"selection": found}


def _skeleton(given: Mapping[str, Any]) -> Answers:
    interval = IndifferenceInterval(given["prior_mtd"], given["halfwidth"])
    return {"rates": interval.rates(given["target"], given["doses"], given["model"])}


def _crm(given: Mapping[str, Any], state: TrialState) -> Answers:
    design: Any = design_of({**given["design"], "prior_sd": given["prior_variance"] ** 0.5})
    posterior = quadrature(design.curve).posterior(state.n, state.y)
    return {
        "b": posterior.theta_mean(),
        "variance": posterior.theta_variance(),
        "plugin": posterior.plugin()[0],
        "next_dose": design.decide(state).dose + 1,
    }


def _manual(given: Mapping[str, Any]) -> Answers:
    return _crm(given, treated(given["design"]["doses"], given["levels"], given["dlts"]))


def _trial(given: Mapping[str, Any]) -> Answers:
    """Return the fit after each patient."""
    doses, levels, dlts = given["design"]["doses"], given["levels"], given["dlts"]
    states = [treated(doses, levels[: i + 1], dlts[: i + 1]) for i in range(len(levels))]
    return _crm(given, TrialState.concatenate(states))


def _blrm(given: Mapping[str, Any]) -> Answers:
    design: Any = design_of(given["design"])
    state = tally(given["n"], given["y"])
    posterior = design.posterior(state)
    dose = design.dose_values[int(design.decide(state).dose[0])]
    return {"mean": posterior.mean()[0], "sd": posterior.sd()[0], "dose_mg": f"{dose:g}"}


CHECKS = {
    "published-exact": Check("exact operating characteristics", lambda: published("exact"), _exact),
    "published-percent": Check("the same in per cent", lambda: published("percent"), _percent),
    "boin-app": Check(
        "operating characteristics by simulation",
        lambda: published("simulated"),
        _app,
        _app_granted,
        "simulated numbers are granted their Monte Carlo error (Bonferroni at 1e-4 over the 12 of them) and rounding",
    ),
    "benchmark": Check("the complete-information benchmark", lambda: published("benchmark"), _benchmark),
    "skeletons": Check("skeletons by indifference interval", lambda: published("skeleton"), _skeleton),
    "crm-trial": Check("the fit after each patient of a trial", lambda: published("trial"), _trial),
    "crm-manual": Check("the example of the manual", lambda: published("manual"), _manual),
    "blrm": Check("posterior DLT rates and the next dose", lambda: published("blrm"), _blrm),
}
