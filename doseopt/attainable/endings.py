"""Values of trials that end with a tally, weighed with its likelihood; a whole matrix of tallies at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from doseopt.beliefs import Belief
from doseopt.beliefs.utility import Utility
from doseopt.core.state import NONE, BoolArray, FloatArray, IntArray
from doseopt.designs.modifiers import TooToxic
from doseopt.designs.tallies import Part, Tallies
from doseopt.models.beta import BetaBinomial
from doseopt.scenarios import MTDRule, above_mtd
from doseopt.scenarios.mtd_rule import judged_on, planned_of

KEPT = 1_500_000_000
"""Bytes of likelihoods that are kept; of larger problems they are computed again where they are needed."""


@dataclass(frozen=True)
class Ending:
    """Trials that end here, rows by columns of a matrix of tallies.

    Attributes
    ----------
    value : float array [A, B]
        Expected utility x mass.
    selected : int array [A, B]
    mass : float array [A, B]
        Likelihood of the tally, weighed by the belief; orders of patients left out.
    forced : bool array [A]
        Rows where the safety rule stops the trial.
    """

    value: FloatArray
    selected: IntArray
    mass: FloatArray
    forced: BoolArray


class Endings:
    """Best selections and what they are worth, from products of the likelihoods of both parts of a tally.

    Scenarios in which the same doses are acceptable, and the same above the MTD, form a group; only the mass of each
    group at a tally is needed.
    """

    def __init__(
        self,
        belief: Belief,
        mtd: MTDRule,
        utility: Utility,
        tallies: Tallies,
        select_untried: bool,
        too_toxic: TooToxic | None,
    ) -> None:
        self.tallies, self.utility, self.select_untried, self.too_toxic = tallies, utility, select_untried, too_toxic
        weighed = np.flatnonzero(belief.weights)
        p_dlt = belief.p_dlt[weighed]
        acceptable, _ = judged_on(mtd, p_dlt, planned_of(belief.scenarios))
        judgement = np.concatenate([acceptable, above_mtd(p_dlt, acceptable, mtd.target)], axis=1)
        groups, group = np.unique(judgement, axis=0, return_inverse=True)
        right, above = np.split(groups, 2, axis=1)
        by_group = np.argsort(group, kind="stable")
        self.cuts = np.searchsorted(group[by_group], np.arange(len(right) + 1))
        order = weighed[by_group]
        nothing = ~right.any(axis=1)
        self.reward = np.column_stack([utility.none * nothing, right]).astype(float)  # [group, none and doses]
        self.above = above.astype(float)  # [group, dose]
        p, k = belief.p_observed[order], np.arange(tallies.course.patients + 1)[:, None]
        self.dlt = [q**k for q in p.T]  # a dose: [count, scenario]
        self.no_dlt = [(1 - q) ** k for q in p.T]
        self.weight = belief.weights[order]
        self.target = mtd.target
        size = 8 * len(p) * (len(tallies.lower.keys) + len(tallies.upper.keys))
        self._kept: dict[tuple[bool, int], FloatArray] | None = {} if size <= KEPT else None

    def _likelihood(self, part: Part, patients: int) -> FloatArray:
        """Return the likelihood of each part-tally in each scenario, [rows, R]; the belief's weights with the upper."""
        place = (part is self.tallies.upper, patients)
        if self._kept is not None and place in self._kept:
            return self._kept[place]
        rows = part.rows(patients)
        n, y = part.n[rows], part.y[rows]
        result = np.ones((len(n), len(self.weight)))
        if part is self.tallies.upper:
            result *= self.weight
        for j in range(part.high - part.low):
            result *= self.dlt[part.low + j][y[:, j]]
            result *= self.no_dlt[part.low + j][n[:, j] - y[:, j]]
        if self._kept is not None:
            self._kept[place] = result
        return result

    def at(self, total: int, a: int) -> Ending:
        """Return the endings after `total` patients, `a` of them in the lower part."""
        lower, upper = self.tallies.lower, self.tallies.upper
        low, high = lower.rows(a), upper.rows(total - a)
        one, two = self._likelihood(lower, a), self._likelihood(upper, total - a)
        groups = [one[:, i:j] @ two[:, i:j].T for i, j in zip(self.cuts[:-1], self.cuts[1:], strict=True)]
        forced = self._too_toxic(lower.n[low, 0], lower.y[low, 0])
        value = sum((r * g for r, g in zip(self.reward[:, 0], groups, strict=True) if r), np.zeros(groups[0].shape))
        selected = np.full(value.shape, NONE)
        for dose in range(self.tallies.course.doses):
            worth = sum((r * g for r, g in zip(self.reward[:, 1 + dose], groups, strict=True) if r), 0 * value)
            better = (worth > value) & ~forced[:, None] & self._may_select(dose, low, high)
            value, selected = np.where(better, worth, value), np.where(better, dose, selected)
        mass = sum(groups[1:], groups[0])
        return Ending(value - self._price(groups, mass, total, low, high), selected, mass, forced)

    def _may_select(self, dose: int, low: slice, high: slice) -> BoolArray:
        lower, upper = self.tallies.lower, self.tallies.upper
        if self.select_untried:
            return np.ones((1, 1), bool)
        if dose < lower.high:
            return np.asarray(lower.n[low, dose] > 0)[:, None]
        return np.asarray(upper.n[high, dose - upper.low] > 0)[None, :]

    def _price(self, groups: list[FloatArray], mass: FloatArray, total: int, low: slice, high: slice) -> FloatArray:
        """Return what the patients cost, x mass."""
        lower, upper, utility = self.tallies.lower, self.tallies.upper, self.utility
        price = utility.per_patient * total * mass
        if utility.per_dlt:
            price = price + utility.per_dlt * np.add.outer(lower.y[low].sum(axis=1), upper.y[high].sum(axis=1)) * mass
        if utility.per_patient_above_mtd:
            for above, group in zip(self.above, groups, strict=True):
                number = np.add.outer(lower.n[low] @ above[: lower.high], upper.n[high] @ above[lower.high :])
                price = price + utility.per_patient_above_mtd * number * group
        return np.asarray(price)

    def _too_toxic(self, n: IntArray, y: IntArray) -> BoolArray:
        """Return where the lowest dose is too toxic to go on."""
        if self.too_toxic is None:
            return np.zeros(len(n), bool)
        above = self.target if self.too_toxic.above is None else self.too_toxic.above
        certain = BetaBinomial(1).posterior(n[:, None], y[:, None]).prob(above)[:, 0] > self.too_toxic.confidence
        return np.asarray(certain)
