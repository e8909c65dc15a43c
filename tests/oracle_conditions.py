"""What ends a trial in `oracle_grammar`, rule by rule, and in which order of the reasons."""

import math
from functools import lru_cache

from oracle_rules import CRM, Trial
from scipy.integrate import quad
from scipy.stats import beta

SAFE = ("too_toxic", "below_lowest")  # no dose is selected; nor does a demand undo them
RANKS = {
    **{"too_toxic": (0, 0), "below_lowest": (0, 1), "unsafe_dose": (1, 0), "enough_at_dose": (1, 1)},
    **{"narrow_interval": (1, 2), "target_probability": (1, 3), "repeated": (1, 4), "dlts_seen": (1, 5)},
    "enough_patients": (1, 6),
}


def place(reason):
    """What reasons are ordered by: those that select none first, then by rank, then by name."""
    ranks = [RANKS[name] for name in reason]
    return min(r[0] for r in ranks), max(r[1] for r in ranks), " and ".join(sorted(reason))


def crm_density(rule, trial, b):
    return math.exp(rule.log_density(trial, b, [rule.logs(b, j) for j in range(rule.doses)]))


@lru_cache(maxsize=100_000)
def _crm_mass(skeleton, sd, model, intercept, n, y, low, high):
    rule = CRM(len(skeleton), skeleton=skeleton, prior_sd=sd, model=model, intercept=intercept)
    trial = Trial(n, y)
    return quad(lambda b: crm_density(rule, trial, b), low, high, epsabs=1e-13, epsrel=1e-11, limit=400)[0]


def crm_probability(rule, trial, dose, low, high):
    """Pr(low < p <= high): the rate falls with b, so it is the mass between the b at which it is high and low."""
    s, reach = rule.skeleton[dose], 9 * rule.prior_sd

    def at(rate):
        if rate >= 1:
            return -reach
        if rate <= 0:
            return reach
        if rule.model == "empiric":
            ratio = math.log(rate) / math.log(s)
        else:
            ratio = (math.log(rate / (1 - rate)) - rule.intercept) / (math.log(s / (1 - s)) - rule.intercept)
        return min(max(math.log(ratio), -reach), reach) if ratio > 0 else -reach

    def mass(a, b):
        return _crm_mass(rule.skeleton, rule.prior_sd, rule.model, rule.intercept, trial.n, trial.y, a, b)

    return mass(at(high), at(low)) / (mass(-reach, 0.0) + mass(0.0, reach))


def _too_toxic(design, rule, history, trial, given, at):
    return design.probability(trial, at, rule.get("above", design.target), 1.0, rule.get("prior")) > rule.get(
        "confidence", 0.95
    )


def _enough(design, rule, history, trial, given, at):
    patients = max(trial.n) if at == "any" else trial.n[at]
    return patients >= rule["n"] and (not rule.get("only_if_staying") or given.dose == trial.dose)


def _repeated(design, rule, history, trial, given, at):
    last = [cohort[0] for cohort in history][-(rule["times"] - 1) :]
    return len(last) == rule["times"] - 1 and set(last) == {given.dose}


def _below(design, rule, history, trial, given, at):
    n, y = trial.n[0], trial.y[0]
    if trial.dose != 0:
        return False
    rule = design.base
    return y / n > rule.lambda_d or (y / n == rule.lambda_d and rule.tie == "deescalate")


def _narrow(design, rule, history, trial, given, at):
    law = beta(1 + trial.y[given.dose], 1 + trial.n[given.dose] - trial.y[given.dose])
    return law.ppf(0.95) - law.ppf(0.05) < rule["width"]


CONDITIONS = {
    "narrow_interval": _narrow,
    "too_toxic": _too_toxic,
    "enough_at_dose": _enough,
    "target_probability": lambda d, rule, h, trial, g, at: (
        d.probability(trial, at, *rule["interval"]) >= rule["probability"]
    ),
    "repeated": _repeated,
    "dlts_seen": lambda d, rule, h, trial, g, at: (sum(trial.y) if at == "all" else trial.y[at]) >= rule["y"],
    "enough_patients": lambda d, rule, h, trial, g, at: sum(trial.n) >= rule["n"],
    "below_lowest": _below,
}
