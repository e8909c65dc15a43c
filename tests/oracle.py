"""A second statement of the designs and of the engine: scalar, recursive, one scenario at a time.

Written from the statistical definitions (papers as cited in the design documents), not from `doseopt`, of which it
imports nothing. A trial is a tuple, a rule (`oracle_rules`) is a function of it, and `Trials.evaluate` is the
expectation over the outcomes of the next cohort, of itself. Doses are counted from 0.
"""

import math

from oracle_rules import BOIN, CRM, AcceleratedTitration, Give, Stop, ThreePlusThree, Trial

__all__ = ["BOIN", "CRM", "AcceleratedTitration", "ThreePlusThree", "Trials"]


class Trials:
    """A rule with modifiers, and the expectations over its trials in one scenario.

    Modifiers, in the order of precedence of the house: `no_skipping` "last" or "highest"; `coherent` "cohort" or
    "dose"; `run_in` (levels, top_up); `too_toxic` (confidence, above); `enough` (n, dose, only_if_staying); `cap` n.
    """

    def __init__(self, rule, *, no_skipping=None, coherent=None, too_toxic=None, enough=None, run_in=None, cap=None):
        self.rule, self.doses = rule, rule.doses
        self.no_skipping, self.coherent, self.too_toxic = no_skipping, coherent, too_toxic
        self.enough, self.run_in, self.cap = enough, run_in, cap
        self.decisions, self.ended = {}, {}

    def restricted(self, trial, dose):
        """The base design's dose, lowered to the ceilings."""
        if self.no_skipping == "last":
            dose = min(dose, trial.dose + 1)
        elif self.no_skipping == "highest":
            dose = min(dose, max(j for j in range(self.doses) if trial.n[j]) + 1)
        if self.coherent == "cohort":
            toxic = trial.last[1] / trial.last[0] >= self.rule.target
        else:
            toxic = self.coherent == "dose" and trial.y[trial.dose] / trial.n[trial.dose] > self.rule.target
        return min(dose, trial.dose) if toxic else dose

    def in_run_in(self, trial):
        """The run-in's own cohort, or None when it is over."""
        levels, top_up = self.run_in
        tried = [n for n in trial.n if n]
        if not tried:
            return Give(self.rule.first().dose, 1)
        if set(tried) == {1} and sum(trial.y) == 0 and len(tried) < levels and trial.dose + 1 < self.doses:
            return Give(trial.dose + 1, 1)
        cohort = self.rule.first().size
        struck = set(tried) == {1} and sum(trial.y) == 1 and trial.y[trial.dose] == 1
        if struck and top_up and cohort > 1 and trial.dose <= self.rule.ceiling(trial):
            return Give(trial.dose, cohort - 1)
        return None

    def stopping(self, trial, given):
        """The reason of highest rank to stop, or None."""
        if self.too_toxic:
            confidence, above = self.too_toxic
            if self.rule.chance(trial, above or self.rule.target) > confidence:
                return Stop("too_toxic", None)
        if self.enough:
            n, where, staying = self.enough
            there = {"recommended": trial.n[given.dose], "any": max(trial.n)}
            patients = trial.n[where - 1] if isinstance(where, int) else there[where]
            if patients >= n and (not staying or given.dose == trial.dose):
                return Stop("enough_at_dose", self.rule.mtd(trial))
        return None

    def decide(self, trial):
        started = sum(trial.n) > 0
        answer = self.rule.decide(trial) if started else self.rule.first()
        if isinstance(answer, Stop):
            return answer
        if started:
            answer = Give(self.restricted(trial, answer.dose), answer.size)
        if self.run_in:
            answer = self.in_run_in(trial) or answer
        stop = self.stopping(trial, answer) if started else None
        if stop:
            return stop
        if self.cap is not None:
            room = self.cap - sum(trial.n)
            if room <= 0:
                return Stop("max_patients", self.rule.mtd(trial))
            answer = Give(answer.dose, min(answer.size, room))
        return answer

    def treated(self, trial, given, dlts, moderates=0):
        """The trial after a cohort."""
        n, y = list(trial.n), list(trial.y)
        n[given.dose] += given.size
        y[given.dose] += dlts
        noted = self.rule.note(trial, given, dlts, moderates)
        last = (given.size, dlts) if self.coherent == "cohort" else (0, 0)
        return Trial(tuple(n), tuple(y), given.dose, last, *noted)

    def evaluate(self, p, moderate=None):
        """[P(none), P(1), .., P(D)], [E n_1, ..], [E y_1, ..] at the true rates p (moderate: given no DLT)."""
        memo = {}

        def expectation(trial):
            if trial in memo:
                return memo[trial]
            if trial not in self.decisions:
                self.decisions[trial] = self.decide(trial)
            answer = self.decisions[trial]
            if isinstance(answer, Stop):
                chosen = [0.0] * (self.doses + 1)
                chosen[0 if answer.mtd is None else answer.mtd + 1] = 1.0
                memo[trial] = [*chosen, *trial.n, *trial.y]
                return memo[trial]
            result = [0.0] * (3 * self.doses + 1)
            rate = p[answer.dose]
            other = moderate[answer.dose] if self.rule.graded else 0.0
            for dlts in range(answer.size + 1):
                left = answer.size - dlts
                for m in range(left + 1 if self.rule.graded else 1):
                    chance = math.comb(answer.size, dlts) * rate**dlts * (1 - rate) ** left
                    chance *= math.comb(left, m) * other**m * (1 - other) ** (left - m)
                    if chance:
                        after = expectation(self.treated(trial, answer, dlts, m))
                        result = [r + chance * a for r, a in zip(result, after, strict=True)]
            memo[trial] = result
            return result

        nothing = (0,) * self.doses
        value = expectation(Trial(nothing, nothing))
        return value[: self.doses + 1], value[self.doses + 1 : 2 * self.doses + 1], value[2 * self.doses + 1 :]

    def endings(self):
        """Orders of single patients that lead to each ending, {(n, y, mtd): orders}; DLT or none only."""
        if self.ended:
            return self.ended
        nothing = (0,) * self.doses
        waiting, found = {0: {Trial(nothing, nothing): 1}}, self.ended
        while waiting:
            for trial, orders in waiting.pop(min(waiting)).items():
                answer = self.decide(trial)
                if isinstance(answer, Stop):
                    key = trial.n, trial.y, answer.mtd
                    found[key] = found.get(key, 0) + orders
                    continue
                for dlts in range(answer.size + 1):
                    after = self.treated(trial, answer, dlts)
                    layer = waiting.setdefault(sum(after.n), {})
                    layer[after] = layer.get(after, 0) + orders * math.comb(answer.size, dlts)
        return found

    def weighed(self, p):
        """The endings in one scenario, [(n, y, mtd, probability)]."""
        return [
            (n, y, mtd, orders * math.prod(q**k * (1 - q) ** (m - k) for q, m, k in zip(p, n, y, strict=True)))
            for (n, y, mtd), orders in self.endings().items()
        ]
