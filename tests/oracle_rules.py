"""The designs of the oracle: see `oracle`, which lays the modifiers over them and runs the trials.

A trial is a tuple and a rule answers it with `Give` or `Stop`. Doses are counted from 0.
"""

import math
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from scipy.special import betaincc


class Trial(NamedTuple):
    n: tuple[int, ...]
    y: tuple[int, ...]
    dose: int = -1  # last given
    last: tuple[int, int] = (0, 0)  # patients and DLTs of the last cohort
    moderate: int = 0  # moderate toxicities in titration
    left_out: tuple[int, int, int] = (0, 0, 0)  # dose, patients, DLTs that a 3+3 rule does not count


class Give(NamedTuple):
    dose: int
    size: int


class Stop(NamedTuple):
    reason: str
    mtd: int | None


def closest(estimates, target):
    """The dose (a key) whose estimate is closest to the target, ties to the lower."""
    return min(sorted(estimates), key=lambda j: abs(estimates[j] - target)) if estimates else None


# Designs: first(), decide(trial), mtd(trial) when another rule ends the trial, ceiling(trial), chance(trial, above).


class Rule:
    graded = False

    def __init__(self, doses, target=0.25, start=1, cohort=3, **options):
        self.doses, self.target, self.start, self.cohort = doses, target, start - 1, cohort
        for name, value in {**self.defaults, **options}.items():
            setattr(self, name, value)

    defaults: ClassVar[dict[str, Any]] = {}

    def first(self):
        return Give(self.start, self.cohort)

    def ceiling(self, trial):
        """The highest dose that is not excluded; -1 if there is none."""
        return self.doses - 1

    def note(self, trial, given, dlts, moderates):
        """What the rule keeps beside the tally after a cohort."""
        return trial.moderate, trial.left_out

    def chance(self, trial, above):
        """Pr(p_1 > above) under Beta(1, 1)."""
        return float(betaincc(1 + trial.y[0], 1 + trial.n[0] - trial.y[0], above))


class ThreePlusThree(Rule):
    defaults: ClassVar[dict[str, Any]] = {
        "on_descent": "three_then_six",
        "confirm_top": True,
        "mtd_at_cap": "definition",
    }

    def counted(self, trial):
        dose, patients, dlts = trial.left_out
        n, y = list(trial.n), list(trial.y)
        n[dose] -= patients
        y[dose] -= dlts
        return n, y

    def ceiling(self, trial):
        _, y = self.counted(trial)
        return next((j for j in range(self.doses) if y[j] >= 2), self.doses) - 1

    def decide(self, trial):
        n, y = self.counted(trial)
        j, top = trial.dose, self.ceiling(trial)
        if y[j] >= 2 or (self.on_descent == "declare" and top < self.doses - 1):
            return self.descend(n, min(j - 1, top) if y[j] >= 2 else top)
        if n[j] < 3:
            return Give(j, 3 - n[j])
        if y[j] == 1 and n[j] < 6:
            return Give(j, 6 - n[j])
        if j < top:
            return Give(j + 1, 3 - n[j + 1])
        if n[j] >= 6 or (j == self.doses - 1 and not self.confirm_top):
            return Stop("complete", j)
        return Give(j, 6 - n[j])

    def descend(self, n, j):
        if j < 0:
            return Stop("too_toxic", None)
        if n[j] >= 6 or self.on_descent == "declare":
            return Stop("complete", j)
        return Give(j, 3 - n[j] if n[j] < 3 and self.on_descent == "three_then_six" else 6 - n[j])

    def mtd(self, trial, among=None):
        """`among`: dose -> whether it may be named, in place of the rule's own word on it."""
        n, y = self.counted(trial)
        within = range(self.ceiling(trial) + 1)
        if among:
            return max((j for j in within if n[j] > 0 and among(j)), default=None)
        if self.mtd_at_cap == "definition":
            return max((j for j in within if n[j] >= 6 and y[j] <= 1), default=None)
        return max((j for j in within if n[j] > 0), default=None)


class AcceleratedTitration(ThreePlusThree):
    defaults: ClassVar[dict[str, Any]] = {
        **ThreePlusThree.defaults,
        **{"titrate": 1, "titration_cohort": 1, "trigger": "first_dlt", "after_dlt": "fill"},
    }

    def __init__(self, doses, **options):
        super().__init__(doses, **options)
        self.moderates = {"first_dlt": math.inf, "first_moderate": 1, "second_moderate": 2}[self.trigger]
        self.graded = self.trigger != "first_dlt"

    def size(self, dose):
        return self.titration_cohort if dose < self.titrate else 3

    def first(self):
        return Give(self.start, self.size(self.start))

    def untriggered(self, trial):
        return sum(trial.y) == 0 and trial.moderate < self.moderates

    def note(self, trial, given, dlts, moderates):
        moderate, left_out = trial.moderate, trial.left_out
        if self.untriggered(trial) and given.dose < self.titrate and trial.n[given.dose] == 0:
            moderate = min(2, moderate + moderates) if self.graded else 0
            if dlts and self.after_dlt == "three_new":
                left_out = (given.dose, given.size, dlts)
        return moderate, left_out

    def decide(self, trial):
        if self.untriggered(trial) and trial.dose < self.titrate and trial.dose + 1 < self.doses:
            return Give(trial.dose + 1, self.size(trial.dose + 1))
        return super().decide(trial)


class BOIN(Rule):
    defaults: ClassVar[dict[str, Any]] = {
        **{"saf": 0.6, "tox": 1.4, "cutoff": 0.95, "eliminate_from": 3, "extra_safe": False, "offset": 0.05},
        **{"tie": "deescalate", "bounded": False, "titration": False},
    }

    def __init__(self, doses, target=0.25, **options):
        super().__init__(doses, target, **options)
        p, p1, p2 = target, self.saf * target, self.tox * target
        self.lambda_e = math.log((1 - p1) / (1 - p)) / math.log(p * (1 - p1) / (p1 * (1 - p)))
        self.lambda_d = math.log((1 - p) / (1 - p2)) / math.log(p2 * (1 - p) / (p * (1 - p2)))

    def first(self):
        return Give(0, 1) if self.titration else super().first()

    def ceiling(self, trial):
        for j, (n, y) in enumerate(zip(trial.n, trial.y, strict=True)):
            cutoff = self.cutoff - (self.offset if self.extra_safe and j == 0 else 0)
            if n >= self.eliminate_from and betaincc(1 + y, 1 + n - y, self.target) > cutoff:
                return j - 1
        return self.doses - 1

    def decide(self, trial):
        j, ceiling = trial.dose, self.ceiling(trial)
        n, y = max(trial.n[j], 1), trial.y[j]  # of patients who are not counted none had a DLT
        if ceiling < 0:
            return Stop("too_toxic", None)
        singles = all(m <= 1 for m in trial.n) and j == sum(trial.n) - 1  # one patient at each dose so far
        if self.titration and singles:
            if sum(trial.y) == 0 and j + 1 < self.doses:
                return Give(j + 1, 1)
            if self.cohort > 1 and j <= ceiling:
                return Give(j, self.cohort - 1)
        if y / n <= self.lambda_e:
            j += 1
        elif y / n > self.lambda_d or (y / n == self.lambda_d and self.tie == "deescalate"):
            j -= 1
        return Give(min(max(j, 0), ceiling), self.cohort)

    def mtd(self, trial, among=lambda j: True):
        blocks = []  # [weighted mean, weight, doses], pooled while they violate the order
        for j in range(self.ceiling(trial) + 1):
            if trial.n[j]:
                a, b = trial.y[j] + 0.05, trial.n[j] - trial.y[j] + 0.05
                blocks.append([a / (a + b), (a + b) ** 2 * (a + b + 1) / (a * b), [j]])
                while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
                    (m1, w1, d1), (m2, w2, d2) = blocks[-2:]
                    blocks[-2:] = [[(m1 * w1 + m2 * w2) / (w1 + w2), w1 + w2, d1 + d2]]
        estimate = {j: mean for mean, _, doses in blocks for j in doses}
        estimate = {j: e + 1e-10 * (k + 1) for k, (j, e) in enumerate(sorted(estimate.items()))}
        if self.bounded:
            estimate = {j: e for j, e in estimate.items() if e <= self.lambda_d}
        return closest({j: e for j, e in estimate.items() if among(j)}, self.target)


def softplus(x):
    return max(x, 0) + math.log1p(math.exp(-abs(x)))


def simpson(f, low, high, intervals):
    h = (high - low) / intervals
    return (
        h
        / 3
        * math.fsum(f(low + i * h) * (1 if i in (0, intervals) else 2 + 2 * (i % 2)) for i in range(intervals + 1))
    )


class CRM(Rule):
    """One parameter b ~ N(0, sd^2), integrated by Simpson's rule over +-9 sd in 720 intervals."""

    defaults: ClassVar[dict[str, Any]] = {
        **{"skeleton": (), "model": "empiric", "intercept": 3.0, "prior_sd": math.sqrt(1.34)},
        **{"estimate": "plugin", "select_untried": True},
    }

    def __init__(self, doses, target=0.25, **options):
        super().__init__(doses, target, **options)
        self.memo = {}

    def logs(self, b, j):
        """log p_j and log(1 - p_j)."""
        if self.model == "empiric":
            log_p = math.exp(b) * math.log(self.skeleton[j])
            return log_p, (math.log(-math.expm1(log_p)) if log_p < -1e-300 else -1e300)
        eta = self.intercept + math.exp(b) * (math.log(self.skeleton[j] / (1 - self.skeleton[j])) - self.intercept)
        return -softplus(-eta), -softplus(eta)

    @cached_property
    def nodes(self):
        at = [self.prior_sd * (i / 40 - 9) for i in range(721)]
        return at, [[self.logs(b, j) for j in range(self.doses)] for b in at]

    def log_density(self, trial, b, logs):
        tally = [(n, y, lp, lq) for n, y, (lp, lq) in zip(trial.n, trial.y, logs, strict=True) if n]
        return -0.5 * (b / self.prior_sd) ** 2 + sum(y * lp + (n - y) * lq for n, y, lp, lq in tally)

    def estimates(self, trial):
        key = trial.n, trial.y
        if key not in self.memo:
            at, logs = self.nodes
            density = [self.log_density(trial, b, each) for b, each in zip(at, logs, strict=True)]
            highest = max(density)
            weight = [math.exp(d - highest) * (2 + 2 * (i % 2)) for i, d in enumerate(density)]
            total = math.fsum(weight)
            if self.estimate == "plugin":
                b = math.fsum(w * x for w, x in zip(weight, at, strict=True)) / total
                p = [math.exp(self.logs(b, j)[0]) for j in range(self.doses)]
            else:
                rows = [
                    math.fsum(w * math.exp(e[j][0]) for w, e in zip(weight, logs, strict=True))
                    for j in range(self.doses)
                ]
                p = [row / total for row in rows]
            self.memo[key] = p
        return dict(enumerate(self.memo[key]))

    def decide(self, trial):
        return Give(closest(self.estimates(trial), self.target), self.cohort)

    def mtd(self, trial, among=None):
        if among:
            return closest({j: e for j, e in self.estimates(trial).items() if among(j)}, self.target)
        tried = {j: e for j, e in self.estimates(trial).items() if self.select_untried or trial.n[j]}
        return closest(tried, self.target)

    def chance(self, trial, above):
        """Pr(p_1 > above): the rate falls with b, so this is the mass below the b at which p_1 = above."""
        s = self.skeleton[0]
        if self.model == "empiric":
            ratio = math.log(above) / math.log(s)
        else:
            ratio = (math.log(above / (1 - above)) - self.intercept) / (math.log(s / (1 - s)) - self.intercept)
        low, high = -9 * self.prior_sd, 9 * self.prior_sd
        middle = min(max(math.log(ratio), low), high) if ratio > 0 else low

        def f(b):
            return math.exp(self.log_density(trial, b, [self.logs(b, j) for j in range(self.doses)]))

        below, beyond = simpson(f, low, middle, 600), simpson(f, middle, high, 600)
        return below / (below + beyond)
