"""A design that is a table: what to do after every tally, found elsewhere (a Bayes-optimal policy, say)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from doseopt.core.design import Row
from doseopt.core.facts import Facts
from doseopt.core.parameters import MOST_DOSES, Fault, param
from doseopt.core.state import CONTINUE, NONE, Decision, IntArray, TrialState
from doseopt.designs.defaults import Defaults
from doseopt.designs.policy_table import STOP, TOO_TOXIC, TREAT, PolicyTable, code, code_type, load_policy
from doseopt.designs.tallies import Course, tallies_of


def _table_fault(value: Any) -> str | None:
    return None if isinstance(value, PolicyTable) else f"wanted the file of a policy's table, got {value!r}"


@dataclass(frozen=True)
class Policy(Defaults):
    """A design that looks every decision up in a table.

    Parameters
    ----------
    doses : int
    target : float
    table : PolicyTable
        In a study file, the name of a file of `PolicyTable.save`, sought beside it.
    digest : str, optional
        Of the table; a table with another one is refused.

    Raises
    ------
    Faults
        If the table is of other doses or has another digest; later, when a trial reaches a tally that it does not have.

    Notes
    -----
    Names: "optimal policy", "look-up table". The table is made by `doseopt.bayes_optimal`; here it is only read.

    References
    ----------
    Bartroff J, Lai TL (2010), Statistical Science 25:245.

    Examples
    --------
    The best that two patients can decide between two truths.

    >>> from doseopt import Belief, MTDRule, Rules, bayes_optimal, make_scenarios
    >>> belief = Belief(make_scenarios([[0.1, 0.25], [0.25, 0.6]]))
    >>> policy = bayes_optimal(belief, MTDRule(target=0.25), Rules(patients=2)).design
    >>> type(policy).__name__, policy.facts.cap
    ('Policy', 2)
    """

    doses: int = param(kind=int, low=1, high=MOST_DOSES)
    target: float = param(kind=float, low=0, high=1, open_low=True, open_high=True, doc="target DLT rate")
    table: PolicyTable = param(kind=PolicyTable, custom=_table_fault, file=load_policy, doc="a policy's file")
    digest: str | None = param(None, kind=str, optional=True, doc="digest of the table")

    def __post_init__(self) -> None:
        """Check the parameters, and note the digest."""
        super().__post_init__()
        object.__setattr__(self, "digest", self.table.digest)

    def _faults(self) -> list[Fault]:
        if not isinstance(self.table, PolicyTable):
            return []
        found = []
        if self.table.course.doses != self.doses:
            message = f"wanted the policy of a study of {self.doses} doses, got one of {self.table.course.doses}"
            found.append(Fault("table", message))
        if self.digest is not None and self.digest != self.table.digest:
            found.append(Fault("digest", f"wanted that of the table, {self.table.digest}, got {self.digest}"))
        return found

    @classmethod
    def example(cls) -> Self:
        """Return the design as the conformance checks try it: up after no DLT, down or stop after one."""
        course = Course(doses=2, patients=5, cohort=2, first_cohort=1, start=1, skips=False)
        table = tallies_of(course)
        codes = np.zeros((2, table.size), code_type(2))
        for stage, patients in enumerate(course.totals):
            for a in table.splits(stage):
                low, high = (table.lower, table.lower.rows(a)), (table.upper, table.upper.rows(patients - a))
                (n0, y0), (n1, y1) = ((part.n[rows, 0], part.y[rows, 0]) for part, rows in (low, high))
                safe = (2 * y0 < n0)[:, None]
                chosen = np.where(safe, np.where((n1 > 0) & (2 * y1 < n1), 1, 0), NONE)
                on = stage < len(course.totals) - 1
                up, stay = (np.where(safe, TREAT + j if on else STOP, TOO_TOXIC) for j in (1, 0))
                codes[1, table.matrix(stage, a)] = code(up, chosen, 2).ravel()
                codes[0, table.matrix(stage, a)] = code(stay, chosen, 2).ravel()
        return cls(2, 0.3, PolicyTable(course, codes, 0.3, "up unless the last cohort was toxic"))

    @cached_property
    def facts(self) -> Facts:
        """Kept: whether the last cohort was toxic, if that matters."""
        return dataclasses.replace(
            super().facts,
            memory=() if self.table.toxic is None else ("toxic_cohort",),
            stops=("complete", "too_toxic"),
            undoable=("complete",),
            ends=True,
            cap=self.table.course.patients,
            skips=self.table.course.skips,
            sizes_own_cohorts=True,
        )

    def remember(self, before: TrialState, given: Decision, outcome: IntArray) -> IntArray:
        """Keep whether this cohort was toxic."""
        if self.table.toxic is None:
            return np.zeros((len(before), 0), np.int64)
        return np.asarray(outcome[:, :1] / outcome.sum(axis=1, keepdims=True) >= self.table.toxic, np.int64)

    def first(self) -> Decision:
        """Return the first cohort."""
        dose, size = self.table.course.start - 1, self.table.course.first_cohort
        return Decision(*(np.array([part], np.int64) for part in (dose, size, CONTINUE)))

    def _looked_up(self, state: TrialState) -> tuple[IntArray, IntArray]:
        """Return moves and selections, [S] each."""
        place = self.table.tallies.number(state.n, state.y)
        variant = np.zeros(len(state), np.int64)
        if self.table.toxic is not None:
            variant = np.where(state.memory[:, 0] == 1, state.dose, self.doses - 1)
        move, selected = np.divmod(self.table.codes[variant, place].astype(np.int64), self.doses + 1)
        return move, selected - 1

    def decide(self, state: TrialState) -> Decision:
        """Look the next cohort up."""
        move, _ = self._looked_up(state)
        course = self.table.course
        stage = np.searchsorted(course.totals, state.total)
        size = np.array([*course.sizes[1:], 1])[stage]
        dose = np.where(move >= TREAT, move - TREAT, np.maximum(state.dose, 0))
        return Decision(dose, size, np.where(move >= TREAT, CONTINUE, move + 1))

    def select(self, state: TrialState, stop: IntArray) -> IntArray:
        """Look the MTD up."""
        return self._looked_up(state)[1]

    def describe(self) -> list[Row]:
        """Say what the policy is, and its course."""
        course = self.table.course
        sizes = (
            f"{course.first_cohort}, then {course.cohort}" if course.first_cohort != course.cohort else course.cohort
        )
        return [
            Row("policy", self.table.title, f"table of {self.table.tallies.size:,} tallies, digest {self.digest}"),
            Row("cohorts", f"{sizes} patients, from level {course.start}, at most {course.patients}"),
            Row("MTD", "looked up in the table, with the decision"),
        ]
