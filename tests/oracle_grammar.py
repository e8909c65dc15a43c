"""A plain recursion for designs with rules laid over them, read from the tables of a study file.

A trial is its history, a tuple of cohorts (dose, patients, DLTs, moderate toxicities), nothing merged; every rule is a
function of it. Of the package it imports nothing; the designs themselves are those of `oracle_rules`. Doses are counted
from 0 here, from 1 in tables.
"""

import math
from functools import lru_cache

from oracle_rules import BOIN, CRM, Give, Stop, ThreePlusThree, Trial
from scipy.integrate import quad
from scipy.special import betaincc

BASES = {"boin": BOIN, "crm": CRM, "three_plus_three": ThreePlusThree}
SAFE = ("too_toxic", "below_lowest")  # no dose is selected; nor does a demand undo them
RANKS = {
    **{"too_toxic": (0, 0), "below_lowest": (0, 1), "unsafe_dose": (1, 0), "enough_at_dose": (1, 1)},
    **{"narrow_interval": (1, 2), "target_probability": (1, 3), "repeated": (1, 4), "dlts_seen": (1, 5)},
    "enough_patients": (1, 6),
}


class Design:
    """A base with rules."""

    def __init__(self, table, target, doses, values=None):
        self.doses, self.target, self.values = doses, target, values
        own = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}
        rules = own.pop("modifiers", ())
        self.below = own.pop("below_lowest", "stay")
        self.names = own.pop("names", "any")
        self.kind = own.pop("kind")
        self.base = BASES[self.kind](doses, **{"target": target, **own})
        self.rules = [*rules, *([{"kind": "below_lowest"}] if self.below == "stop" else [])]

    def of(self, kind):
        return [rule for rule in self.rules if rule.get("kind") == kind]

    # what was seen

    def tally(self, history):
        n, y = [0] * self.doses, [0] * self.doses
        for dose, size, dlts, _ in history:
            n[dose] += size
            y[dose] += dlts
        return Trial(tuple(n), tuple(y), history[-1][0] if history else -1)

    def probability(self, trial, dose, low, high, prior=None):
        """Pr(low < p_dose <= high) under the base's own posterior, or Beta(a, b) at the dose."""
        if prior is None and self.kind == "crm":
            return crm_probability(self.base, trial, dose, low, high)
        a, b = prior or (1, 1)
        a, b = a + trial.y[dose], b + trial.n[dose] - trial.y[dose]
        return betaincc(a, b, low) - betaincc(a, b, high)

    def lowered(self, trial, mtd):
        """The dose selected, or the highest open one below it."""
        mtd = None if mtd is None else min(mtd, self.open(trial))
        return None if mtd is None or mtd < 0 else mtd

    # restrictions, sizes

    def open(self, trial):
        """The highest dose that no rule closes, -1 if none."""
        top = self.base.ceiling(trial)
        for rule in self.of("beta_safety"):
            for j in range(self.doses):
                over = self.probability(trial, j, rule.get("above", self.target), 1.0, (rule["a"], rule["b"]))
                if trial.n[j] >= rule.get("from", 3) and over > rule.get("confidence", 0.95):
                    top = min(top, j - 1)
        return top

    def floor(self, trial, dose):
        """The dose raised, as far as it is open."""
        for rule in self.of("no_skipping_down"):
            dose = max(dose, min(trial.dose - rule.get("levels", 1), self.open(trial)))
        return dose

    def ceiling(self, history, trial, dose):
        for rule in self.of("no_skipping"):
            top = (
                trial.dose
                if rule.get("relative_to", "last") == "last"
                else max(j for j in range(self.doses) if trial.n[j])
            )
            dose = min(dose, top + rule.get("levels", 1))
        for rule in self.of("max_ratio"):
            seen = self.values[trial.dose] if "from_dose" in rule else sum(trial.y)
            ranges = rule.get("from_dose", rule.get("from_dlts", []))
            ratios = rule["ratio"] if isinstance(rule["ratio"], list) else [rule["ratio"]]
            most = self.values[trial.dose] * ratios[sum(seen >= start for start in ranges)]
            dose = min(dose, max(j for j in range(self.doses) if self.values[j] <= most * (1 + 1e-9)))
        for rule in self.of("coherent"):
            if rule.get("scope", "cohort") == "cohort":
                toxic = history[-1][2] / history[-1][1] >= self.target
            else:
                toxic = trial.y[trial.dose] / trial.n[trial.dose] > self.target
            dose = min(dose, trial.dose) if toxic else dose
        return dose

    def size(self, history, trial, given):
        for rule in self.of("cohort_range"):
            given = Give(given.dose, rule["to"])
        for rule in self.of("cohorts_in_order"):
            return rule["sizes"][min(len(history), len(rule["sizes"]) - 1)]
        for rule in self.of("cohorts_by_dose"):
            return rule["sizes"][given.dose]
        for rule in self.of("cohorts_by_dlt"):
            return rule["after"] if sum(trial.y) else rule["before"]
        return given.size

    def come(self, places):
        """{patients: probability} of a cohort with so many places."""
        found = {}
        for rule in self.of("cohort_range"):
            weights = rule.get("weights", [1] * (rule["to"] - rule["from"] + 1))
            for k, weight in enumerate(weights):
                many = min(rule["from"] + k, places)
                found[many] = found.get(many, 0.0) + weight / sum(weights)
        return found or {places: 1.0}

    # stops

    def holds(self, rule, history, trial, given):
        """The reasons (sets of names) for which a rule, joined or not, would stop the trial."""
        if "all" in rule:
            best = [
                min(found, key=place) if found else None
                for found in (self.holds(part, history, trial, given) for part in rule["all"])
            ]
            return [] if None in best else [frozenset().union(*best)]
        if "any" in rule:
            return [reason for part in rule["any"] for reason in self.holds(part, history, trial, given)]
        kind = rule["kind"]
        if kind not in CONDITIONS:
            return []
        at = rule.get("dose", {"too_toxic": 1, "dlts_seen": "all"}.get(kind, "recommended"))
        at = at - 1 if isinstance(at, int) else given.dose if at == "recommended" else at
        if not CONDITIONS[kind](self, rule, history, trial, given, at):
            return []
        return [frozenset(["unsafe_dose" if kind == "too_toxic" and rule.get("selects") == "design" else kind])]

    def reason(self, history, trial, given, only_safe=False):
        found = [reason for rule in self.rules for reason in self.holds(rule, history, trial, given)]
        found = [reason for reason in found if not only_safe or reason & set(SAFE)]
        return min(found, key=place, default=None)

    # the trial

    def decide(self, history):
        trial = self.tally(history)
        answer = self.base.decide(trial) if history else self.base.first()
        why = None
        if isinstance(answer, Stop):
            why, answer = answer, Give(max(trial.dose, 0) if answer.mtd is None else answer.mtd, 0)
            if why.reason != "complete":
                return why.reason, why.mtd
        else:
            if history:
                if self.of("beta_safety") and self.open(trial) < 0:
                    return "too_toxic", None
                raised = self.floor(trial, min(answer.dose, self.open(trial)))
                answer = Give(min(self.ceiling(history, trial, raised), self.open(trial)), answer.size)
            answer = Give(answer.dose, self.size(history, trial, answer))
        reason = None
        if history and why is None:
            reason = self.reason(history, trial, answer)
        if (reason or why) and self.of("demand_at_dose"):
            safe = reason is not None and reason & {*SAFE, "unsafe_dose", "dlts_seen"}
            missing = self.of("demand_at_dose")[0]["n"] - trial.n[answer.dose]
            if missing > 0 and not safe and answer.dose <= self.open(trial):
                answer, why = Give(answer.dose, answer.size or missing), None
                reason = self.reason(history, trial, answer, only_safe=True)
        if why is not None:
            return why.reason, self.lowered(trial, why.mtd)
        if reason is not None:
            return " and ".join(sorted(reason)), None if reason & set(SAFE) else self.lowered(
                trial, self.base.mtd(trial)
            )
        for rule in self.of("max_patients"):
            room = rule["n"] - sum(trial.n)
            if room <= 0:
                return "max_patients", self.lowered(trial, self.base.mtd(trial))
            answer = Give(answer.dose, min(answer.size, room))
        return answer

    def evaluate(self, p, moderate):
        """{(n, y, mtd, reason): probability} at true rates p."""
        found = {}

        def follow(history, weight):
            answer = self.decide(history)
            if not isinstance(answer, Give):
                reason, mtd = answer
                trial = self.tally(history)
                key = trial.n, trial.y, mtd, reason
                found[key] = found.get(key, 0.0) + weight
                return
            rate = p[answer.dose]
            for many, come in self.come(answer.size).items():
                for dlts in range(many + 1):
                    chance = come * math.comb(many, dlts) * rate**dlts * (1 - rate) ** (many - dlts)
                    follow((*history, (answer.dose, many, dlts, 0)), weight * chance)

        follow((), 1.0)
        return found


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


CONDITIONS = {
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
