"""Keyboard, mTPI-2 and i3+3 once more, written from their papers: moves at the current dose by plain loops.

Elimination, selection and the trials themselves are those of `oracle_rules.BOIN`; of the package nothing is imported.
"""

from oracle_rules import BOIN, Give, Stop
from scipy.special import betainc

MARGIN = 0.05


class Interval(BOIN):
    """An interval design: `move` is +1, 0 or -1; a dose can be eliminated from the first patient on."""

    defaults = BOIN.defaults | {"eliminate_from": 1}

    def decide(self, trial):
        ceiling = self.ceiling(trial)
        if ceiling < 0:
            return Stop("too_toxic", None)
        to = trial.dose + self.move(trial.n[trial.dose], trial.y[trial.dose])
        return Give(min(max(to, 0), ceiling), self.cohort)


class Keyboard(Interval):
    """Yan et al. 2017, and as Guo et al. 2017 have it for mTPI-2: the piece with the largest mass per length."""

    def pieces(self):
        low, high = self.target - MARGIN, self.target + MARGIN
        found = [(low, high, 0)]
        while low > 1e-9:
            found.append((max(low - 2 * MARGIN, 0.0), low, 1))
            low -= 2 * MARGIN
        while high < 1 - 1e-9:
            found.append((high, min(high + 2 * MARGIN, 1.0), -1))
            high += 2 * MARGIN
        return found

    def move(self, n, y):
        a, b = 1 + y, 1 + n - y
        masses = [
            ((betainc(a, b, high) - betainc(a, b, low)) / (high - low), low, to) for low, high, to in self.pieces()
        ]
        largest = max(mass for mass, _, _ in masses)
        return max((low, to) for mass, low, to in masses if mass > largest - 1e-12)[1]


class ThreePlusThreeInterval(Interval):
    """Liu, Wang & Ji 2020: i3+3."""

    def move(self, n, y):
        low, high, near = self.target - MARGIN, self.target + MARGIN, 1e-12
        if y / n < low - near:
            return 1
        if y / n <= high + near:
            return 0
        return 0 if (y - 1) / n < low - near else -1
