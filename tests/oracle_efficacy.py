"""A second statement of BOIN12: scalar, recursive, one scenario at a time.

Written from the rule as Lin et al. 2020 state it, not from `doseopt`, of which it imports nothing.
A trial is (n, y, e, b) by dose, counted from 0: patients, DLTs, efficacy, both; and the current dose.
"""

import math
from functools import cache

from scipy.stats import beta


def boundaries(phi, saf=0.6, tox=1.4):
    """BOIN's lambda_e and lambda_d, from the log likelihood ratios of Liu & Yuan 2015."""

    def between(low, high):
        return math.log((1 - low) / (1 - high)) / math.log(high * (1 - low) / (low * (1 - high)))

    return between(saf * phi, phi), between(phi, tox * phi)


def isotonic(n, y):
    """Pooled adjacent violators of (y + .05)/(n + .1), weighed by inverse variances, at tried doses."""
    blocks = []
    for j, (m, k) in enumerate(zip(n, y, strict=True)):
        if not m:
            continue
        a, b = k + 0.05, m - k + 0.05
        blocks.append([a / (a + b), (a + b) ** 2 * (a + b + 1) / (a * b), [j]])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            low, high = blocks[-2], blocks.pop()
            weight = low[1] + high[1]
            low[:] = [(low[0] * low[1] + high[0] * high[1]) / weight, weight, low[2] + high[2]]
    return {j: rate for rate, _, doses in blocks for j in doses}


class BOIN12:
    def __init__(self, doses, phi_t, phi_e=0.25, u2=40, u3=60, cap=12, cohort=3, n_star=6, explore=9, enough=12):
        self.doses, self.phi_t, self.phi_e, self.u2, self.u3 = doses, phi_t, phi_e, u2, u3
        self.cap, self.cohort, self.n_star, self.explore, self.enough = cap, cohort, n_star, explore, enough
        self.low, self.high = boundaries(phi_t)
        worst = 100 * phi_e * (1 - phi_t) + u2 * (1 - phi_t) * (1 - phi_e) + u3 * phi_t * phi_e
        self.benchmark = worst + (100 - worst) / 2
        self.tail = cache(lambda n, y: beta.sf(phi_t, 1 + y, 1 + n - y))
        self.little = cache(lambda n, e: beta.cdf(phi_e, 1 + e, 1 + n - e))
        self.better = cache(lambda n, x: beta.sf(self.benchmark / 100, 1 + x / 100, 1 + n - x / 100))

    def points(self, n, y, e, b):
        """Sum of the utilities of the patients at a dose: efficacy alone, neither, both."""
        return 100 * (e - b) + self.u2 * (n - y - e + b) + self.u3 * b

    def safe(self, trial, j):
        return all(not n or self.tail(n, y) <= 0.95 for n, y in zip(trial[0][: j + 1], trial[1][: j + 1], strict=True))

    def good(self, trial, j):
        return self.safe(trial, j) and self.little(trial[0][j], trial[2][j]) < 0.90

    def obd(self, trial):
        n, y, e, b, _ = trial
        rates = {j: rate for j, rate in isotonic(n, y).items() if self.safe(trial, j)}
        rates = isotonic([n[j] if j in rates else 0 for j in range(self.doses)], y) if rates else {}
        if not rates:
            return None
        gap = min(abs(rate - self.phi_t) for rate in rates.values())
        near = [j for j, rate in rates.items() if abs(rate - self.phi_t) <= gap + 1e-9]
        mtd = max(near) if rates[near[0]] < self.phi_t else min(near)
        among = [j for j in range(mtd + 1) if n[j] and self.good(trial, j)]
        mean = {j: (1 + self.points(n[j], y[j], e[j], b[j]) / 100) / (2 + n[j]) for j in among}
        return min(among, key=lambda j: (-round(mean[j], 10), j)) if among else None

    def decide(self, trial):
        """The next dose, or ("stop", selected)."""
        n, y, e, b, d = trial
        if not self.safe(trial, 0) or not any(self.good(trial, j) for j in range(self.doses)):
            return "stop", None
        rate = y[d] / n[d]
        if n[d] >= self.explore and rate < self.high and d + 1 < self.doses and not n[d + 1]:
            dose = d + 1
        elif rate >= self.high:
            dose = max(j for j in range(self.doses) if j <= max(d - 1, 0) and self.safe(trial, j))
        else:
            last = d if rate > self.low and n[d] >= self.n_star else d + 1
            among = [j for j in range(max(d - 1, 0), min(last, self.doses - 1) + 1) if self.good(trial, j)]
            if not among:
                return "stop", None
            dose = max(among, key=lambda j: (round(self.better(n[j], self.points(n[j], y[j], e[j], b[j])), 10), j))
        return ("stop", self.obd(trial)) if n[d] >= self.enough or sum(n) >= self.cap else dose

    def characteristics(self, p, q):
        """[P(none), P(1), ..], [E n_1, ..], [E y_1, ..], by expectation over the next cohort, patients independent."""
        found = {}

        def expect(trial):
            if trial in found:
                return found[trial]
            answer = 0 if not sum(trial[0]) else self.decide(trial)
            if isinstance(answer, tuple):
                chosen = [0.0] * (self.doses + 1)
                chosen[0 if answer[1] is None else answer[1] + 1] = 1.0
                found[trial] = [*chosen, *trial[0], *trial[1]]
                return found[trial]
            j, size, total = answer, min(self.cohort, self.cap - sum(trial[0])), [0.0] * (3 * self.doses + 1)
            for y in range(size + 1):
                for e in range(size + 1):
                    for b in range(max(0, y + e - size), min(y, e) + 1):
                        ways = math.comb(size, y) * math.comb(y, b) * math.comb(size - y, e - b)
                        chance = ways * p[j] ** y * (1 - p[j]) ** (size - y) * q[j] ** e * (1 - q[j]) ** (size - e)
                        kept = b if self.u2 + self.u3 != 100 else 0
                        after = tuple(
                            tuple(v + (more if k == j else 0) for k, v in enumerate(part))
                            for part, more in zip(trial[:4], (size, y, e, kept), strict=True)
                        )
                        total = [t + chance * x for t, x in zip(total, expect((*after, j)), strict=True)]
            found[trial] = total
            return total

        nothing = (0,) * self.doses
        value = expect((nothing, nothing, nothing, nothing, 0))
        return value[: self.doses + 1], value[self.doses + 1 : 2 * self.doses + 1], value[2 * self.doses + 1 :]
