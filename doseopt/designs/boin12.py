"""The Bayesian optimal interval phase I/II design."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from scipy.special import betainc

from doseopt.core.design import Row, highest_admissible
from doseopt.core.facts import Facts
from doseopt.core.outcome_space import mean_utility
from doseopt.core.parameters import Fault, param
from doseopt.core.state import CONTINUE, NONE, BoolArray, Decision, FloatArray, IntArray, TrialState
from doseopt.core.tunable import Tunable
from doseopt.designs.boin import BOIN
from doseopt.designs.efficacy import UtilityDesign
from doseopt.designs.interval import DOWN, TOO_TOXIC, UP, last_largest
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients
from doseopt.designs.selection import TIE, closest

NONE_ADMISSIBLE, ENOUGH = 2, 3


@dataclass(frozen=True, eq=False)
class Scores:
    """Desirability of what may be seen at a dose, one entry each.

    Attributes
    ----------
    n, y, e, both : int array [Q]
        Patients, those with a DLT, with efficacy, and with both; -1 where it does not matter who had both.
    desirability, score : float array [Q]
        Pr(U > u_b/100), and its rank among what is admissible, the mean rank for equal ones; nan for what is not.
    """

    n: IntArray
    y: IntArray
    e: IntArray
    both: IntArray
    desirability: FloatArray
    score: FloatArray


@dataclass(frozen=True)
class BOIN12(UtilityDesign):
    """Bayesian optimal interval phase I/II design, which seeks the optimal biological dose.

    With u_b = u + (100 - u)/2, u the mean utility at rates phi_T of a DLT and phi_E of efficacy, a dose's desirability
    is Pr(U > u_b/100), U ~ Beta(1 + x, 1 + n - x). A dose is admissible if Pr(p_T > phi_T) <= cutoff at it and at each
    dose below, and Pr(p_E < phi_E) < cutoff_e at it. At the current dose d, with y DLTs in n patients, lambda_e and
    lambda_d those of BOIN:

        n >= explore_from, y/n < lambda_d and d + 1 untried      d + 1
        y/n >= lambda_d                                          d - 1, also where efficacy rules it out
        lambda_e < y/n < lambda_d and n >= n_star                the more desirable admissible one of d - 1, d
        otherwise                                                the most desirable admissible one of d - 1, d, d + 1

    Ties go up. The trial stops, and selects none, where the lowest dose is too toxic or none to choose from is
    admissible; and it stops at `enough` patients at a dose. OBD: of the tried, admissible doses not above the one whose
    isotonic estimate of the DLT rate is closest to phi_T, that with the highest estimated utility, ties to the lower.

    Parameters
    ----------
    doses : int
    target : float
        phi_T, the highest acceptable DLT rate.
    phi_e : float
        phi_E, the lowest acceptable efficacy rate.
    u2, u3 : float
        Utility of neither, and of both.
    n_star : int
        Patients at a dose from which on no higher one is tried while y/n is between the boundaries.
    explore_from : int
        Patients at a dose from which on the next is tried if nobody was treated there.
    enough : int
        Patients at a dose that end the trial.
    cutoff, cutoff_e : float
        Posterior probabilities that rule out a dose.
    saf, tox : float
        phi1/phi_T and phi2/phi_T of the boundaries.
    select_by : {"mean", "desirability"}
        The estimated utility by which the OBD is selected: the mean of U, or the desirability, as one package does.
    eliminate_from, cohort, start : int
        As of BOIN.

    Notes
    -----
    Names: "BOIN12". Efficacy counts as known when DLTs are. Going down to a dose that is admissible but for its
    efficacy is as published; a dose that is too toxic is never given.

    References
    ----------
    Lin, Zhou, Yan, Li & Yuan 2020, JCO Precision Oncology 4:1393.

    Examples
    --------
    Two published decisions (Lin et al. 2020, Data Supplement): after no response in three at dose 1, and then one
    patient of three with both efficacy and a DLT at dose 2.

    >>> from doseopt import BOIN12, after
    >>> design = BOIN12(doses=5, target=0.35)
    >>> [design.decide(after(design, seen)).dose.item() + 1 for seen in ("1NNN", "1NNN 2ENT 3ETT 2EEN")]
    [2, 2]
    """

    n_star: int = param(6, low=1, doc="patients from which on a dose between the boundaries is not left upwards")
    explore_from: int = param(9, low=1, doc="patients from which on an untried next dose is tried")
    enough: int = param(12, low=1, doc="patients at a dose that end the trial")
    saf: float = param(0.6, low=0, high=1, open_low=True, open_high=True, doc="phi1 = saf * target")
    tox: float = param(1.4, low=1, open_low=True, doc="phi2 = tox * target")
    select_by: str = param("mean", choices=("mean", "desirability"), doc="utility by which the OBD is selected")

    safety_source: ClassVar[str] = "Lin et al. 2020"

    @classmethod
    def example(cls) -> Modified:
        """Return the design as the conformance checks try it."""
        return Modified(cls(doses=3, target=0.35, u3=55.0), (MaxPatients(n=12),))

    def _faults(self) -> list[Fault]:
        found = super()._faults()
        numbers = (self.tox, self.target)
        if all(isinstance(each, int | float) for each in numbers) and 0 < self.target < 1 <= self.tox * self.target:
            found.append(Fault("tox", f"wanted tox * target below 1, got {self.tox * self.target:g}"))
        return found

    @property
    def facts(self) -> Facts:
        """What is fixed before the trial begins."""
        return dataclasses.replace(super().facts, stops=("too_toxic", "none_admissible", "enough_at_dose"))

    @cached_property
    def boundaries(self) -> BOIN:
        """The interval design whose boundaries these are."""
        return BOIN(doses=self.doses, target=self.target, saf=self.saf, tox=self.tox)

    @cached_property
    def benchmark(self) -> float:
        """u_b."""
        return 50 + float(mean_utility(self.target, self.phi_e, self.u2, self.u3)) / 2

    def tunable(self) -> tuple[Tunable, ...]:
        """Return the cutoffs and the cohort size."""
        return (Tunable("cutoff_e", 0.75, 0.995), *super().tunable())

    def moves(self, n: IntArray, y: IntArray) -> IntArray:
        """Compare y/n with the boundaries."""
        return self.boundaries.moves(n, y)

    def desirability(self, state: TrialState) -> FloatArray:
        """Return Pr(U > u_b/100) at each dose, [S, D]."""
        x = self.quasi_events(state)
        return np.asarray(betainc(1 + state.n - x, 1 + x, 1 - self.benchmark / 100))

    def scores(self, sizes: Sequence[int]) -> Scores:
        """Return the rank-based desirability scores, a table that a protocol may hold instead of the formula.

        Parameters
        ----------
        sizes : sequence of int
            Numbers of patients at a dose, 0 for an untried one.

        Examples
        --------
        Lin et al. 2020, Table 3: an untried dose has score 60; 91 with efficacy in all of three and no DLT.

        >>> from doseopt import BOIN12
        >>> scores = BOIN12(doses=5, target=0.35).scores((0, 3, 6, 9))
        >>> scores.score[(scores.n == 0) | ((scores.n == 3) & (scores.y == 0) & (scores.e == 3))].tolist()
        [60.0, 91.0]
        """
        from scipy.stats import rankdata  # half a second, which no command pays that draws no table

        each = [(n, y, e) for n in sizes for y in range(n + 1) for e in range(n + 1)]
        ways = [(*c, b) for c in each for b in (_both_of(*c) if self.needs_both else (-1,))]
        n, y, e, both = np.array(ways, np.int64).T
        kept = np.stack([e, both], axis=1) if self.needs_both else e[:, None]
        one = dataclasses.replace(self, doses=1, start=1)
        state = TrialState(n[:, None], y[:, None], np.zeros(len(n), np.int64), kept)
        desirability = one.desirability(state)[:, 0]
        rank = np.full(len(n), np.nan)
        good = one.worthwhile(state)[:, 0]
        rank[good] = rankdata(np.round(desirability[good], 12))
        return Scores(n, y, e, both, desirability, rank)

    def worthwhile(self, state: TrialState) -> BoolArray:
        """Return which doses are admissible by toxicity and by efficacy, [S, D]."""
        return self.admissible(state) & ~self.futile(state)

    def decide(self, state: TrialState) -> Decision:
        """Choose among the doses next to the current one."""
        good, level, here = self.worthwhile(state), np.arange(self.doses), state.dose[:, None]
        n, y = state.n[state.at, state.dose], state.y[state.at, state.dose]
        move = self.moves(n, y)
        settled = (move != UP) & (n >= self.n_star)
        among = good & (np.abs(level - here) <= 1) & ~(settled[:, None] & (level > here))
        dose = last_largest(np.where(among, self.desirability(state), -1.0))
        stop = np.where(among.any(axis=1), CONTINUE, NONE_ADMISSIBLE)
        above = np.minimum(state.dose + 1, self.doses - 1)
        explore = (n >= self.explore_from) & (move != DOWN) & (state.n[state.at, above] == 0)
        dose, stop = np.where(explore, above, dose), np.where(explore, CONTINUE, stop)
        lower = highest_admissible(np.maximum(state.dose - 1, 0), self.admissible(state))
        down = move == DOWN
        dose, stop = np.where(down, lower, dose), np.where(down, CONTINUE, stop)
        stop = np.where((stop == CONTINUE) & (n >= self.enough), ENOUGH, stop)
        stop = np.where(good.any(axis=1), stop, NONE_ADMISSIBLE)
        stop = np.where(self.admissible(state)[:, 0], stop, TOO_TOXIC)
        return Decision(np.maximum(dose, 0), np.full(len(state), self.cohort), stop)

    def select_among(self, state: TrialState, stop: IntArray, allowed: BoolArray) -> IntArray:
        """Return the OBD among some doses."""
        estimate = self.estimated(state)
        mtd = closest(estimate, self.target, self.selectable(estimate))
        utility = self.estimated_utility(state) if self.select_by == "mean" else 100 * self.desirability(state)
        among = state.tried & self.worthwhile(state) & allowed & (np.arange(self.doses) <= mtd[:, None])
        utility = np.where(among, utility, -np.inf)
        best = (utility >= utility.max(axis=1, keepdims=True) - 100 * TIE).argmax(axis=1)
        none = (stop == TOO_TOXIC) | (stop == NONE_ADMISSIBLE) | ~among.any(axis=1)
        return np.where(none, NONE, best)

    def describe(self) -> list[Row]:
        """Return the rule, the readings chosen, and what the whole family shares."""
        source, b = "Lin et al. 2020", self.boundaries
        choice = (
            f"down if y/n >= {b.lambda_d:.4f}; between that and {b.lambda_e:.4f} with n >= {self.n_star} the better of "
            f"the dose and the one below; else the best of it and both next to it; from n >= {self.explore_from} up to "
            "an untried dose"
        )
        better = (
            f"Pr(U > {self.benchmark / 100:.4f}), utilities 100 (efficacy alone), {self.u2:g} (neither), {self.u3:g} "
            "(both), 0 (DLT alone); ties go up"
        )
        futile = (
            f"a dose is not chosen, when Pr(p_E < {self.phi_e:g}) >= {self.cutoff_e:g} under Beta(1,1); it is given on "
            "the way down"
        )
        obd = {"mean": "posterior mean of U", "desirability": "desirability"}[self.select_by]
        rows = [
            Row("decision", choice, source),
            Row("better", better, source),
            Row("too little efficacy", futile, source),
            Row(
                "end", f"{self.enough} patients at a dose; or none to choose from is admissible: none selected", source
            ),
            Row("OBD", f"the tried, admissible dose up to the MTD with the highest {obd}", source),
        ]
        return [*rows, *super().describe()]


def _both_of(n: int, y: int, e: int) -> range:
    """Return how many of n patients may have had both, y a DLT and e efficacy."""
    return range(max(0, y + e - n), min(y, e) + 1)
