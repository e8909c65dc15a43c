"""A second statement of the best design of a class: plain Python, one trial at a time, fractions instead of floats.

It shares no line with the package. `best_value` walks all tallies by recursion; `all_policies` enumerates every
deterministic policy of a tiny trial as a table, evaluates each path by path, and takes the maximum.
"""

import itertools
from fractions import Fraction
from functools import cache
from math import comb

from scipy.integrate import quad


def tail(y, n, above):
    """Pr(p > above) under Beta(1 + y, 1 + n - y), by integration."""
    whole = quad(lambda p: p**y * (1 - p) ** (n - y), 0, 1, epsabs=1e-13)[0]
    return quad(lambda p: p**y * (1 - p) ** (n - y), above, 1, epsabs=1e-13)[0] / whole


class Trial:
    """Rules of a class, beliefs and utilities as plain numbers.

    truths: list of (weight, p_true, p_observed, right), right being the set of correct answers (-1 for none).
    """

    def __init__(self, truths, doses, patients, cohort, first, start, **options):
        self.truths, self.doses, self.patients = truths, doses, patients
        self.cohort, self.first, self.start = cohort, first, start
        self.no_skipping = options.get("no_skipping", True)
        self.coherent = options.get("coherent", False)
        self.early_stop = options.get("early_stop", True)
        self.select_untried = options.get("select_untried", True)
        self.too_toxic = options.get("too_toxic")  # (confidence, above)
        self.target = options["target"]
        self.none, self.per_dlt = options.get("none", 1), options.get("per_dlt", 0)
        self.per_above, self.per_patient = options.get("per_above", 0), options.get("per_patient", 0)

    def ended(self, tally, choice):
        """Unnormalised expected utility of ending with a tally (tuple of (n, y) a dose) and a choice."""
        total = 0
        for weight, true, observed, right in self.truths:
            chance = weight
            for p, (n, y) in zip(observed, tally, strict=True):
                chance *= p**y * (1 - p) ** (n - y)
            worth = (self.none if choice == -1 else 1) if choice in right else 0
            top = max(right)
            above = sum(n for j, (n, _) in enumerate(tally) if j > top and true[j] > self.target)
            worth -= self.per_dlt * sum(y for _, y in tally) + self.per_above * above
            total += chance * (worth - self.per_patient * sum(n for n, _ in tally))
        return total

    def choices(self, tally):
        return [-1, *(j for j in range(self.doses) if self.select_untried or tally[j][0])]

    def forced(self, tally):
        if self.too_toxic is None:
            return False
        n, y = tally[0]
        return tail(y, n, self.too_toxic[1]) > self.too_toxic[0]

    def moves(self, tally, last):
        """Doses that may be given next; last = (dose, was it toxic)."""
        tried = [j for j in range(self.doses) if tally[j][0]]
        ceiling = max(tried) + 1 if self.no_skipping else self.doses - 1
        if self.coherent and last[1]:
            ceiling = min(ceiling, last[0])
        return [j for j in range(self.doses) if j <= ceiling]

    def size(self, tally):
        return min(self.cohort, self.patients - sum(n for n, _ in tally))

    def after(self, tally, dose, size, y):
        n, seen = tally[dose]
        changed = (*tally[:dose], (n + size, seen + y), *tally[dose + 1 :])
        return changed, (dose, y >= self.target * size)

    def best_value(self):
        @cache
        def value(tally, last):
            if self.forced(tally):
                return self.ended(tally, -1)
            options = []
            room = self.size(tally)
            if self.early_stop or room == 0:
                options += [self.ended(tally, c) for c in self.choices(tally)]
            if room:
                options += [self.treated(value, tally, j, room) for j in self.moves(tally, last)]
            return max(options)

        empty = ((0, 0),) * self.doses
        return self.treated(value, empty, self.start - 1, self.first)

    def treated(self, value, tally, dose, size):
        return sum(comb(size, y) * value(*self.after(tally, dose, size, y)) for y in range(size + 1))

    def all_policies(self):
        """Enumerate every policy as a table (tally, last) -> action over reachable situations, and take the best."""
        situations = []
        waiting = [self.after(((0, 0),) * self.doses, self.start - 1, self.first, y) for y in range(self.first + 1)]
        while waiting:
            here = waiting.pop()
            if here in situations:
                continue
            situations.append(here)
            room = self.size(here[0])
            if room and not self.forced(here[0]):
                for j in self.moves(*here):
                    waiting += [self.after(here[0], j, room, y) for y in range(room + 1)]
        actions = []
        for tally, last in situations:
            room = self.size(tally)
            if self.forced(tally):
                actions.append([("end", -1)])
                continue
            ends = [("end", c) for c in self.choices(tally)] if self.early_stop or not room else []
            actions.append(ends + ([("give", j) for j in self.moves(tally, last)] if room else []))
        best = None
        count = 0
        ended = cache(lambda tally, choice: float(self.ended(tally, choice)))
        for table in itertools.product(*actions):
            policy = dict(zip(situations, table, strict=True))
            count += 1

            def value(tally, last, policy=policy):
                kind, what = policy[tally, last]
                if kind == "end":
                    return ended(tally, what)
                return self.treated(value, tally, what, self.size(tally))

            found = self.treated(value, ((0, 0),) * self.doses, self.start - 1, self.first)
            best = found if best is None else max(best, found)
        return best, count


def fractions(values):
    return [Fraction(v).limit_denominator(1000) for v in values]
