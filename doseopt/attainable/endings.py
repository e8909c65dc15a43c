"""Values of trials that end with a tally, weighed with its likelihood; many tallies at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from doseopt.beliefs import Belief
from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.designs.modifiers import TooToxic
from doseopt.designs.tallies import Part, Tallies
from doseopt.models.beta import BetaBinomial
from doseopt.scenarios import MTDRule, above_mtd
from doseopt.scenarios.mtd_rule import judged_on, planned_of

KEPT = 32_000_000
"""Bytes of likelihoods that are kept: of lower part-tallies with few patients, which many in the upper part go with."""
BLOCK = 1_500_000
"""Bytes of the masses, or of likelihoods, at a time, so that they stay in a processor's own memory."""


@dataclass(frozen=True)
class Masses:
    """Likelihoods of tallies, summed over the scenarios of each group: some rows of a matrix of tallies.

    Attributes
    ----------
    first : int
        Of the A rows of the matrix.
    low, high : slice
        Part-tallies of the rows, and of the B columns.
    of_group : float array [G, rows, B]
        Weighed by the belief; orders of patients left out.
    """

    first: int
    low: slice
    high: slice
    of_group: FloatArray


@dataclass(frozen=True)
class Ending:
    """Trials that end here, rows by columns of a matrix of tallies; whatever a patient's price.

    Attributes
    ----------
    worth : float array [A, B]
        Expected reward of the best selection x mass.
    selected : int array [A, B]
        That selection.
    mass : float array [A, B]
    above : float array [A, B]
        Expected patients above the MTD x mass.
    forced : bool array [A]
        Rows where the safety rule stops the trial.
    """

    worth: FloatArray
    selected: IntArray
    mass: FloatArray
    above: FloatArray
    forced: BoolArray


class Likelihoods:
    """Masses of tallies, from products of the likelihoods of both parts of a tally.

    Scenarios in which the same doses are acceptable, and the same above the MTD, form a group; only the mass of each
    group at a tally is needed.

    Attributes
    ----------
    right, above : bool array [G, D]
        Doses that are acceptable, and above the MTD.
    """

    def __init__(self, belief: Belief, mtd: MTDRule, tallies: Tallies) -> None:
        self.tallies = tallies
        weighed = np.flatnonzero(belief.weights)
        p_dlt = belief.p_dlt[weighed]
        acceptable, _ = judged_on(mtd, p_dlt, planned_of(belief.scenarios))
        judgement = np.concatenate([acceptable, above_mtd(p_dlt, acceptable, mtd.target)], axis=1)
        groups, group = np.unique(judgement, axis=0, return_inverse=True)
        self.right, self.above = np.split(groups, 2, axis=1)
        by_group = np.argsort(group, kind="stable")
        self.cuts = np.searchsorted(group[by_group], np.arange(len(groups) + 1))
        order = weighed[by_group]
        p, k = belief.p_observed[order], np.arange(tallies.course.patients + 1)[:, None]
        self.dlt = [q**k for q in p.T]  # a dose: [count, scenario]
        self.no_dlt = [(1 - q) ** k for q in p.T]
        self.weight = belief.weights[order]
        self._kept: dict[int, FloatArray] = {}
        rows = tallies.lower.first[1:]  # with so many patients at the most
        self._most_kept = int(np.searchsorted(8 * len(p) * rows, KEPT, side="right")) - 1
        self._upper = -1, np.empty(0)

    def _of(self, part: Part, patients: int) -> FloatArray:
        """Return the likelihood of each part-tally in each scenario, [rows, R]; the belief's weights with the upper."""
        rows = part.rows(patients)
        result = np.ones((rows.stop - rows.start, len(self.weight)))
        if part is self.tallies.upper:
            result *= self.weight
        step = max(BLOCK // (8 * len(self.weight)), 1)
        for first in range(0, len(result), step):
            some = result[first : first + step]
            at = slice(rows.start + first, rows.start + first + len(some))
            n, y = part.n[at], part.y[at]
            for j in range(part.high - part.low):
                some *= self.dlt[part.low + j][y[:, j]]
                some *= self.no_dlt[part.low + j][n[:, j] - y[:, j]]
        return result

    def _lower(self, patients: int) -> FloatArray:
        """Return the likelihoods of the lower part-tallies, kept if these patients are few."""
        found = self._kept.get(patients)
        if found is None:
            found = self._of(self.tallies.lower, patients)
            if patients <= self._most_kept:
                self._kept[patients] = found
        return found

    def masses(self, total: int, a: int) -> Iterator[Masses]:
        """Yield the masses after `total` patients, `a` of them in the lower part, some rows at a time."""
        lower, upper = self.tallies.lower.rows(a), self.tallies.upper.rows(total - a)
        if (
            self._upper[0] != total - a
        ):  # asked for with every number of patients in the lower part, one after the other
            self._upper = total - a, self._of(self.tallies.upper, total - a)
        one, two = self._lower(a), self._upper[1]
        cuts = list(zip(self.cuts[:-1], self.cuts[1:], strict=True))
        step = max(BLOCK // (8 * len(cuts) * max(len(two), 1)), 1)
        for first in range(0, len(one), step):
            rows = slice(first, min(first + step, len(one)))
            masses = np.empty((len(cuts), rows.stop - first, len(two)))
            for mass, (i, j) in zip(masses, cuts, strict=True):
                np.matmul(one[rows, i:j], two[:, i:j].T, out=mass)
            yield Masses(first, slice(lower.start + first, lower.start + rows.stop), upper, masses)


@dataclass(frozen=True)
class Selecting:
    """What may be selected at the end of a trial, and what that is worth.

    Parameters
    ----------
    none : float
        Reward for selecting none where only that is correct.
    untried : bool
        Whether an untried dose may be selected.
    too_toxic : TooToxic, optional
        Stops a trial, which then selects none.
    """

    none: float
    untried: bool
    too_toxic: TooToxic | None

    def reward(self, right: BoolArray) -> FloatArray:
        """Return the reward of selecting none, and each dose, in each group, [G, 1 + D]."""
        return np.column_stack([self.none * ~right.any(axis=1), right]).astype(float)

    def may_select(self, part: Part, rows: slice) -> BoolArray:
        """Return which doses of a part may be selected, [doses of the part, rows]."""
        return np.asarray((part.n[rows] > 0) | self.untried).T

    def forced(self, n: IntArray, y: IntArray, target: float) -> BoolArray:
        """Return where the lowest dose is too toxic to go on."""
        if self.too_toxic is None:
            return np.zeros(len(n), bool)
        above = target if self.too_toxic.above is None else self.too_toxic.above
        certain = BetaBinomial(1).posterior(n[:, None], y[:, None]).prob(above)[:, 0] > self.too_toxic.confidence
        return np.asarray(certain)
