"""A plain recursion for designs with rules laid over them, read from the tables of a study file.

A trial is its history, a tuple of cohorts (dose, patients, DLTs, moderate toxicities), nothing merged; every rule is a
function of it. Of the package it imports nothing; the designs themselves are those of `oracle_rules`. Doses are counted
from 0 here, from 1 in tables.
"""

import itertools
import math
from fractions import Fraction

from oracle_conditions import CONDITIONS, SAFE, crm_probability, place
from oracle_rules import BOIN, CRM, Give, Stop, ThreePlusThree, Trial
from scipy.special import betaincc

BASES = {"boin": BOIN, "crm": CRM, "three_plus_three": ThreePlusThree}
TRIGGERS = {"grade2": 1, "second_grade2": 2}  # moderate toxicities that end a titration


class Design:
    """A base with rules."""

    def __init__(self, table, target, doses, values=None):
        self.doses, self.target, self.values = doses, target, values
        own = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}
        rules = list(own.pop("modifiers", ()))
        self.below = own.pop("below_lowest", "stay")
        self.names = own.pop("names", "any")
        self.kind = own.pop("kind")
        self.graded = any(rule.get("until") in TRIGGERS for rule in rules)
        self.base = BASES[self.kind](doses, **{"target": target, **own})
        for i, rule in enumerate(rules):
            if rule.get("kind") == "run_in":
                last, after = min(self.base.start + rule["levels"], doses), "fill" if rule["top_up"] else "next"
                rules[i] = {"kind": "titrate", "levels": last, "after": after}
        chosen = dict(own.pop("selection", {}))
        self.chooser = BASES[chosen.pop("kind")](doses, **{"target": target, **chosen}) if chosen else None
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

    def met(self, trial, dose):
        """Whether a dose may be named."""
        rule = self.names
        if rule == "any":
            return True
        few = trial.y[dose] <= rule.get("dlts", math.inf)
        return (
            trial.n[dose] >= rule["at_least"]
            and few
            and trial.y[dose] <= Fraction(rule.get("rate", "1")) * trial.n[dose]
        )

    def named(self, trial, own=None):
        """The dose named: `own` where the rule itself ended on it, else what the base or the chooser calls the MTD."""
        rule, within, complete = {} if self.names == "any" else self.names, self.base.ceiling(trial), own is not None
        if self.chooser:
            own = None
        mtd = self.mtd(trial) if own is None else own
        if self.chooser and mtd is not None and mtd > within:
            mtd = within if within >= 0 else None
        if not (complete and rule.get("unless_complete")):
            if rule.get("otherwise") == "best":
                keeps = own is not None and self.met(trial, own)
                mtd = (
                    own
                    if keeps
                    else self.mtd(trial, lambda j: self.met(trial, j) and (not self.chooser or j <= within))
                )
            elif mtd is not None and not self.met(trial, mtd):
                mtd = None
        return mtd

    def mtd(self, trial, *among):
        return (self.chooser or self.base).mtd(trial, *among)

    def lowered(self, full, trial, mtd):
        """The dose selected, or the highest open one below it, if it may be named."""
        if mtd is None or mtd <= self.open(full, trial):
            return mtd
        below = range(self.open(full, trial), -1, -1)
        if self.names != "any" and self.names.get("otherwise") == "best":
            return next((j for j in below if self.met(trial, j)), None)
        return next((j for j in below[:1] if self.met(trial, j)), None)

    # titration

    def over(self, rule, trial, moderates):
        """Whether its trigger has occurred, or a dose has more patients than its cohorts."""
        most = TRIGGERS.get(rule.get("until"), 0)
        many = max(trial.n, default=0) > rule.get("cohort", 1)
        return many, sum(trial.y) > 0 or (most > 0 and moderates >= most)

    def last(self, rule):
        """The number of its last level."""
        until = rule.get("until", "dlt")
        return min(until if isinstance(until, int) else rule.get("levels", self.doses), self.doses)

    def titrated(self, history):
        """Moderate toxicities of its patients, and the cohort that the base does not count: (dose, n, y)."""
        moderates, left_out = 0, (0, 0, 0)
        for rule in self.of("titrate"):
            for k, (dose, size, dlts, moderate) in enumerate(history):
                before = self.tally(history[:k])
                if dose < self.last(rule) and not before.n[dose] and not any(self.over(rule, before, moderates)):
                    moderates += moderate
                    if dlts and rule.get("after") == "three_new":
                        left_out = dose, size, dlts
        return moderates, left_out

    def counted(self, history):
        """The tally that the base sees."""
        trial, (dose, n, y) = self.tally(history), self.titrated(history)[1]
        less = [(n, y) if j == dose else (0, 0) for j in range(self.doses)]
        return trial._replace(
            n=tuple(a - b for a, (b, _) in zip(trial.n, less, strict=True)),
            y=tuple(a - b for a, (_, b) in zip(trial.y, less, strict=True)),
        )

    def titrate(self, history, trial, given):
        """The cohort that a titration gives, or the one that it leaves."""
        for rule in self.of("titrate"):
            first, whole, many = self.base.first(), self.base.first().size, rule.get("cohort", 1)
            moderates, left_out = self.titrated(history)
            large, struck = self.over(rule, trial, moderates)
            tried = [j for j in range(self.doses) if trial.n[j]]
            up, reached, last = max(tried, default=-1) + 1, first.dose + len(tried), self.last(rule)
            if large:
                return given
            if not struck and reached < last and up < self.doses:
                return Give(up if history else given.dose, many)
            at = trial.dose
            ended = history and reached <= last
            if ended and struck and sum(trial.y) == trial.y[at]:
                if rule.get("after") == "three_new" and left_out[1] and left_out[0] == at:
                    return Give(at, whole)
                if rule.get("after", "fill") != "next" and trial.n[at] < whole:
                    return Give(at, whole - trial.n[at])
            elif ended and not struck and at + 1 == up:
                if rule.get("at_last") == "fill" and trial.n[at] < whole:
                    return Give(at, whole - trial.n[at])
                if rule.get("at_last") == "next" and up < self.doses:
                    return Give(up, whole)
        return given

    # restrictions, sizes

    def open(self, full, trial):
        """The highest dose that no rule closes, -1 if none; the base counts `trial`, rules all patients."""
        top = self.base.ceiling(trial)
        for rule in self.of("beta_safety"):
            for j in range(self.doses):
                over = self.probability(full, j, rule.get("above", self.target), 1.0, (rule["a"], rule["b"]))
                if full.n[j] >= rule.get("from", 3) and over > rule.get("confidence", 0.95):
                    top = min(top, j - 1)
        return top

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
        full, trial = self.tally(history), self.counted(history)
        answer, top = self.base.decide(trial) if history else self.base.first(), self.open(full, trial)
        why = None
        if isinstance(answer, Stop):
            why, answer = answer, Give(max(trial.dose, 0) if answer.mtd is None else answer.mtd, 0)
            if why.reason != "complete":
                return why.reason, why.mtd
        else:
            if history:
                if self.of("beta_safety") and top < 0:
                    return "too_toxic", None
                raised = min(answer.dose, top)
                for rule in self.of("no_skipping_down"):
                    raised = max(raised, min(full.dose - rule.get("levels", 1), top))
                answer = Give(min(self.ceiling(history, full, raised), top), answer.size)
            answer = Give(answer.dose, self.size(history, full, answer))
            sent = self.titrate(history, full, answer)
            answer = sent if sent.dose <= top else answer
        reason = None
        if history and why is None:
            reason = self.reason(history, full, answer)
        if (reason or why) and self.of("demand_at_dose"):
            safe = reason is not None and reason & {*SAFE, "unsafe_dose", "dlts_seen"}
            missing = self.of("demand_at_dose")[0]["n"] - full.n[answer.dose]
            if missing > 0 and not safe and answer.dose <= top:
                answer, why = Give(answer.dose, answer.size or missing), None
                reason = self.reason(history, full, answer, only_safe=True)
        if why is not None:
            return why.reason, self.lowered(full, trial, self.named(trial, why.mtd))
        if reason is not None:
            named = None if reason & set(SAFE) else self.lowered(full, trial, self.named(trial))
            return " and ".join(sorted(reason)), named
        for rule in (*self.of("max_patients"), *self.of("max_enrolled")):
            room = rule["n"] - sum(full.n)
            if room <= 0:
                return rule["kind"], self.lowered(full, trial, self.named(trial))
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
            dlt, mild = p[answer.dose], moderate[answer.dose] if self.graded else 0.0
            for many, come in self.come(answer.size).items():
                for ways in itertools.product(range(many + 1), repeat=2):
                    dlts, some = ways
                    if sum(ways) <= many and (self.graded or not some):
                        rest = many - dlts - some
                        orders = math.factorial(many) / math.prod(map(math.factorial, (dlts, some, rest)))
                        each = dlt**dlts * ((1 - dlt) * mild) ** some * ((1 - dlt) * (1 - mild)) ** rest
                        follow((*history, (answer.dose, many, dlts, some)), weight * come * orders * each)

        follow((), 1.0)
        return found
