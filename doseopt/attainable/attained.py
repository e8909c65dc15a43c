"""Study -> what its designs attain of what is attainable under its belief."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import xarray as xr

from doseopt.attainable import Optimum, Rules, bayes_optimal, error_of
from doseopt.attainable.accuracy import attained_by
from doseopt.attainable.frontier import frontier, frontier_bound, frontiers
from doseopt.attainable.maps import truth_map
from doseopt.attainable.price import price_of_rules
from doseopt.beliefs import ACCURACY, Belief
from doseopt.core.design import Design
from doseopt.core.parameters import Fault, Faults, demand
from doseopt.core.progress import Progress, in_percent
from doseopt.core.state import FloatArray
from doseopt.designs.policy import Policy
from doseopt.display.attained import reasons
from doseopt.engines.budget import TooManyStates
from doseopt.engines.graph import most_patients
from doseopt.study.study import Study

MEASURES = (
    "correct_selection",
    "overdose_selection",
    "no_selection",
    "sample_size",
    "total_dlts",
    "patients_above_mtd",
)
"""Measures that are averaged over the belief."""
PATIENT_PRICES = (0.0, 0.001, 0.002, 0.003, 0.004, 0.006, 0.008, 0.012, 0.018)
"""Prices of a patient by which is bounded what the same expected number of patients can attain."""


@dataclass(frozen=True)
class Limits:
    """What is attained and attainable.

    Attributes
    ----------
    dataset : Dataset
        See `limits_of`.
    policies : dict of str to Design
        The designs that attain the attainable, by names such as "optimal 10".
    """

    dataset: xr.Dataset
    policies: dict[str, Policy]


def limits_of(study: Study, progress: Progress = lambda _: None) -> Limits:
    """Compare every design of a study with what is attainable under its belief and utility.

    Parameters
    ----------
    study : Study
        Designs that look at moderate toxicity see more than tallies and are left out.
    progress : callable, optional
        Told each step when its turn comes, and how much of it is done.

    Returns
    -------
    Limits
        The Dataset holds, for each design and each optimal policy (dimension `design`): `utility`, its expectation
        under the belief; the averages of `MEASURES` and, where there is an MTD, patients below it; `most_patients`;
        `attainable`, the best of all designs with the same cap and start that see one patient after the other; of
        averages and `attainable` the `<name>_error` too, 0 where they are sums; `regret`, attainable minus attained;
        `efficiency`, their ratio, if the utility is the probability of correct selection, else nan;
        `attainable_same_size` and `attainable_same_exposure`, bounds of what designs attain whose expected number of
        patients, or of patients above the MTD, is no larger than this one's. Then `frontier_utility` and
        `frontier_exposure` (policy, exposure_price), the best trades of utility against patients above the MTD;
        `optimum` and `price` (rule, enrolment) of `price_of_rules`; and the maps of `truth_map`, if no dose may be
        inserted. The attribute
        `not_computed` says, a line each, what was too large, why, and what is not.

    Raises
    ------
    Faults
        If every design looks at moderate toxicity.
    TooManyStates
        If every design is too large.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from doseopt import limits_of, load_study
    >>> study = load_study("renji-elo")
    >>> found = limits_of(replace(study, designs={"BOIN 10": study.designs["BOIN 10"]}))
    >>> round(float(found.dataset["regret"][0]), 3)
    0.104
    """
    demand(isinstance(study, Study), "study", "a Study", study)
    facts = {name: design.facts for name, design in study.designs.items()}
    designs = {name: study.designs[name] for name, its in facts.items() if not (its.outcomes.beside or its.in_time)}
    if not designs:
        wanted = "wanted at least one that looks at DLTs only, not at moderate toxicity or efficacy, and waits for them"
        raise Faults([Fault("designs", wanted)])
    left_out = ", ".join(name for name in study.designs if name not in designs)
    belief, attained, found, refused = averages(study, designs, progress, _class)
    classes = {rules: each for rules, each in found.items() if each is not None}
    rows: dict[str, dict[str, float]] = {}
    for name, (rules, row) in attained.items():
        rows[name] = row | _compared(row, classes[rules], study) if rules in classes else row
    designs = {name: design for name, design in designs.items() if name in rows}
    named = {_policy_name(rules, study): each for rules, each in classes.items()}
    policies = {name: each.best.optimum.design for name, each in named.items()}
    for name, policy in policies.items():
        _, rows[name] = _attained(policy, belief, study)
    result = _labelled(rows)
    caps = sorted({design.facts.cap for design in designs.values() if design.facts.cap is not None})
    if caps:
        known = {rules: (each.best.optimum.value, each.best.error) for rules, each in classes.items()}
        prices = price_of_rules(belief, study.mtd, caps, study.utility, progress=progress, known=known)
        result = result.merge(prices)
    if named:
        result = result.merge(frontiers({name: each.front for name, each in named.items()}))
    if study.doses.plan is None:
        result = result.merge(truth_map({**designs, **policies}, study.mtd, progress), join="outer")
    lines = [reasons(refused), *([prices.attrs["not_computed"]] if caps else [])]
    shares = [name for name in result if str(name).endswith("_error") and result[name].attrs["units"] == "1"]
    said = {
        "left_out": left_out,
        "not_computed": "\n".join(line for line in lines if line),
        "error": max((float(result[name].max()) for name in shares), default=0.0),
    }
    return Limits(result.assign_attrs(_attributes(study, belief) | said), policies)


type Attained = dict[str, tuple[Rules, dict[str, float]]]


def averages[T](
    study: Study,
    designs: Mapping[str, Design],
    progress: Progress,
    solve: Callable[[Belief, Study, Rules, Progress], T],
) -> tuple[Belief, Attained, dict[Rules, T | None], dict[str, str]]:
    """Return the belief by rules that are fine enough, what designs attain under it, what is solved of each class.

    And what was refused, with the reason; if all designs were, that is raised.
    """
    belief, attained, refused = study.believed(), {}, {}
    for name, design in designs.items():
        progress(name)
        try:
            attained[name] = _attained(design, belief, study)
        except TooManyStates as error:
            refused[name] = str(error)
    if not attained:
        raise TooManyStates(reasons(refused))
    while belief.finer is not None and max(_largest_error(row) for _, row in attained.values()) > ACCURACY:
        belief = belief.finer()
        attained = {name: _attained(designs[name], belief, study) for name in attained}
    found: dict[Rules, T | None] = {}
    for rules in dict.fromkeys(rules for rules, _ in attained.values()):
        progress(rules.describe())
        try:
            found[rules] = solve(belief, study, rules, progress)
        except TooManyStates as error:
            found[rules] = None
            refused[f"what is attainable with {rules.describe()}"] = str(error)
    return belief, attained, found, refused


def _largest_error(row: Mapping[str, float]) -> float:
    """Return the largest error of an average, of numbers of patients relative to the most."""
    most = row["most_patients"]
    return max(row[f"{name}_error"] / (most if LABELS[name][0] == "patients" else 1) for name in AVERAGED)


@dataclass(frozen=True)
class Best:
    """The best of a class, and the error of its value as an integral."""

    optimum: Optimum
    error: float


def best_of(belief: Belief, study: Study, rules: Rules, progress: Progress) -> Best:
    """Return the best of a class."""
    best = bayes_optimal(belief, study.mtd, rules, study.utility, progress=in_percent(progress, rules.describe()))
    return Best(best, error_of(best.design, belief, study.mtd, study.utility))


@dataclass(frozen=True)
class _Class:
    """A class of designs: its best, and what it can trade for fewer patients above the MTD, or fewer patients."""

    rules: Rules
    best: Best
    front: xr.Dataset
    by_size: Callable[[], xr.Dataset]


def _class(belief: Belief, study: Study, rules: Rules, progress: Progress) -> _Class:
    """Return the class; what fewer patients cost is found when first asked for."""
    best, front = frontier(belief, study.mtd, rules, study.utility, progress=progress)

    @cache
    def by_size() -> xr.Dataset:
        return frontier(belief, study.mtd, rules, study.utility, "per_patient", PATIENT_PRICES, best, progress)[1]

    return _Class(rules, Best(best, float(front["error"][0])), front, by_size)


def _attained(design: Design, belief: Belief, study: Study) -> tuple[Rules, dict[str, float]]:
    """Return the class that a design belongs to, and what it attains, averaged over the belief."""
    most = most_patients(design)
    rules = Rules(most, start=int(design.first().dose[0]) + 1, no_skipping=not design.facts.skips)
    values = attained_by(design, belief, study.mtd, study.utility, kept=True)
    row = {name: float(belief.mean(values[name])) for name in (*MEASURES, "utility")}
    row |= {f"{name}_error": float(belief.error(values[name])) for name in (*MEASURES, "utility")}
    row |= _below(values["patients_below_mtd"], belief)
    return rules, row | {"most_patients": float(most)}


def _below(patients: FloatArray, belief: Belief) -> dict[str, float]:
    """Return the average of the patients below the MTD over what has one, [R] with nan elsewhere, and its error."""
    part = ~np.isnan(patients)
    both = np.stack([np.where(part, patients, 0.0), part], axis=1)
    (total, share), (missed, error) = belief.mean(both).tolist(), belief.error(both).tolist()
    if not share:
        return {"patients_below_mtd": np.nan, "patients_below_mtd_error": 0.0}
    mean = total / share
    return {"patients_below_mtd": mean, "patients_below_mtd_error": (missed + mean * error) / share}


def _policy_name(rules: Rules, study: Study) -> str:
    """Return the name of a class's best design, which no design of the study has."""
    start = f" from level {rules.start}" if rules.start > 1 else ""
    name = f"optimal {rules.patients}{start}{'' if rules.no_skipping else ', skipping'}"
    while name in study.designs:
        name += " (policy)"
    return name


def _compared(row: dict[str, float], found: _Class, study: Study) -> dict[str, float]:
    """Return the attainable beside what a design attains."""
    best = size = found.best.optimum.value
    if row["sample_size"] < found.rules.patients - 0.5:
        size = frontier_bound(found.by_size(), row["sample_size"])
    return {
        "attainable": best,
        "attainable_error": found.best.error,
        "regret": best - row["utility"],
        "efficiency": row["utility"] / best if study.utility.is_correct_selection and best > 0 else np.nan,
        "attainable_same_size": size,
        "attainable_same_exposure": frontier_bound(found.front, row["patients_above_mtd"]),
    }


LABELS = {
    "utility": ("1", "expected utility under the belief"),
    "most_patients": ("patients", "most patients that a trial can have"),
    "attainable": ("1", "expected utility of the best design with the same cap and start, one patient at a time"),
    "regret": ("1", "attainable minus attained"),
    "efficiency": ("1", "attained as a share of the attainable"),
    "attainable_same_size": ("1", "bound of expected utility with the same expected number of patients"),
    "attainable_same_exposure": ("1", "bound of expected utility with the same expected patients above the MTD"),
    "correct_selection": ("1", "probability of correct selection, mean over the belief"),
    "overdose_selection": ("1", "probability of selecting a dose above the MTD, mean over the belief"),
    "no_selection": ("1", "probability that no dose is selected, mean over the belief"),
    "sample_size": ("patients", "expected sample size, mean over the belief"),
    "total_dlts": ("patients", "expected patients with a DLT, mean over the belief"),
    "patients_above_mtd": ("patients", "expected patients above the MTD, mean over the belief"),
    "patients_below_mtd": ("patients", "expected patients below the MTD, mean over the part of the belief with one"),
}

AVERAGED = (*MEASURES, "utility", "patients_below_mtd")
COARSER = "difference by a coarser rule of integration"
ERRORS = {f"{name}_error": (LABELS[name][0], f"{COARSER}: {name}") for name in (*AVERAGED, "attainable")}


def _labelled(rows: dict[str, dict[str, float]]) -> xr.Dataset:
    variables = {
        name: ("design", [row.get(name, np.nan) for row in rows.values()], {"units": units, "long_name": text})
        for name, (units, text) in (LABELS | ERRORS).items()
    }
    return xr.Dataset(variables, coords={"design": list(rows)})


def _attributes(study: Study, belief: Belief) -> dict[str, Any]:
    return {
        **study.provenance(),
        "target": study.target,
        "mtd_rule": study.mtd.describe(),
        "unit": study.doses.unit,
        "belief": belief.source,
        "scenarios": int(np.count_nonzero(belief.weights)),
        "utility": study.utility.describe(),
    }
