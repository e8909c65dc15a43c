"""Backward induction over the tallies of a course, for several classes and utilities at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType

import numpy as np
from scipy.special import comb

from doseopt.attainable import arrays
from doseopt.attainable.endings import Ending, Likelihoods, Masses, Selecting, priced
from doseopt.attainable.rules import Rules
from doseopt.beliefs.utility import Utility
from doseopt.core.compiled import compiled
from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.designs.policy_table import Codes, code_type
from doseopt.designs.tallies import Part, Tallies

TIE = 1e-12
"""Advantages up to this count as none: a trial that gains nothing by going on stops."""


@dataclass
class Problem:
    """A class of designs and a utility: what is asked, and what is found.

    Attributes
    ----------
    codes : int array [V, tallies]
        With a variant of the policy for each dose, or one (see `PolicyTable.codes`).
    later : dict of int to float array [V, A, B]
        Values of the stage that was solved last, by patients in the lower part.
    """

    rules: Rules
    utility: Utility
    tallies: Tallies
    codes: Codes = field(init=False)
    later: dict[int, FloatArray] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        doses = self.tallies.course.doses
        self.codes = np.zeros((self.variants, self.tallies.size), code_type(doses))

    @property
    def variants(self) -> int:
        """How many policies there are for what the last cohort showed."""
        return self.tallies.course.doses if self.rules.coherent else 1

    @property
    def bytes(self) -> int:
        """Bytes of its codes, and of the values of its last and largest stage."""
        stage = len(self.tallies.course.totals) - 1
        last = self.tallies.size - self.tallies.matrix(stage, self.tallies.splits(stage)[0]).start
        return int(self.codes.nbytes + 8 * self.variants * last)

    @property
    def selecting(self) -> Selecting:
        """What may be selected, and what that is worth."""
        return Selecting(self.utility.none, self.rules.select_untried, self.rules.too_toxic)


@dataclass(frozen=True)
class Moves:
    """The next cohort of a matrix of tallies, but for what it is worth: see `arrays.go_on`."""

    may_low: BoolArray
    may_high: BoolArray
    rows: IntArray
    columns: IntArray
    orders: FloatArray


class Induction:
    """Backward induction, one number of patients after the other, for problems of one course.

    What tallies weigh, and where cohorts lead, is found once for all of them.
    """

    def __init__(self, likelihoods: Likelihoods, problems: Sequence[Problem], target: float) -> None:
        self.likelihoods, self.problems, self.target = likelihoods, problems, target
        self.tallies = likelihoods.tallies
        self.steps: ModuleType = arrays
        if compiled(self.tallies.size * len(problems)) is not None:
            from doseopt.attainable import loops

            self.steps = loops

    def solve(self, progress: Callable[[float], object]) -> list[float]:
        """Fill the codes of the problems, and return their values of the empty trial."""
        course, done = self.tallies.course, 0
        for stage in range(len(course.totals) - 1, -1, -1):
            before = [problem.later for problem in self.problems]
            for problem in self.problems:
                problem.later = {}
            for a in self.tallies.splits(stage):
                self._matrix(stage, a, before)
                for later in before:
                    later.pop(a, None)  # from here on the lower part has more patients
                numbers = self.tallies.matrix(stage, a)
                done += numbers.stop - numbers.start
                progress(done / self.tallies.size)
        return [self._empty(problem) for problem in self.problems]

    def _empty(self, problem: Problem) -> float:
        """Return the value of the empty trial, whose first dose is known."""
        course, lower = self.tallies.course, self.tallies.lower
        size, dose = course.first_cohort, course.start - 1
        part, a = (lower, size) if dose < lower.high else (self.tallies.upper, 0)
        places = self._places(part, dose, size, 0, np.zeros(1, np.int64))[:, 0]
        after = problem.later[a].reshape(problem.variants, -1)  # the other part is empty
        variants = self._variants(problem, size)[dose]
        orders = comb(size, np.arange(size + 1))
        return float(sum(m * after[v, place] for m, v, place in zip(orders, variants, places, strict=True)))

    def _matrix(self, stage: int, a: int, before: Sequence[dict[int, FloatArray]]) -> None:
        """Find the values and codes of one matrix of tallies."""
        course, last = self.tallies.course, stage == len(self.tallies.course.totals) - 1
        total = course.totals[stage]
        size = 0 if last else course.sizes[stage + 1]
        moves, numbers = self._moves(total, a, size), self.tallies.matrix(stage, a)
        height, width = (part.rows(k) for part, k in ((self.tallies.lower, a), (self.tallies.upper, total - a)))
        shape = height.stop - height.start, width.stop - width.start
        none = np.zeros((1, 0, 0))
        for problem in self.problems:
            problem.later[a] = np.empty((problem.variants, *shape))
        for masses in self.likelihoods.masses(total, a):
            ends: dict[Selecting, Ending] = {}
            for problem, after in zip(self.problems, before, strict=True):
                if problem.selecting not in ends:
                    ends[problem.selecting] = self._ended(masses, problem.selecting)
                ending = ends[problem.selecting]
                self.steps.go_on(
                    priced(ending, masses, self.tallies, problem.utility, total),
                    ending.selected,
                    TIE * ending.mass,
                    ending.forced,
                    last or problem.rules.early_stop,
                    *(moves.may_low, moves.may_high, moves.rows, moves.columns),
                    self._variants(problem, size),
                    moves.orders,
                    after.get(a + size, none),
                    after.get(a, none),
                    problem.later[a],
                    problem.codes,
                    masses.first,
                    numbers.start + masses.first * shape[1],
                )

    def _ended(self, masses: Masses, selecting: Selecting) -> Ending:
        """Return what is selected at the end, and what it is worth."""
        lower, upper = self.tallies.lower, self.tallies.upper
        forced = selecting.forced(lower.n[masses.low, 0], lower.y[masses.low, 0], self.target)
        above = self.likelihoods.above.astype(float)
        worth, selected, mass, patients = self.steps.ended(
            masses.of_group,
            selecting.reward(self.likelihoods.right),
            np.ascontiguousarray(selecting.may_select(lower, masses.low)),
            np.ascontiguousarray(selecting.may_select(upper, masses.high)),
            forced,
            above[:, : lower.high] @ lower.n[masses.low].T,
            above[:, lower.high :] @ upper.n[masses.high].T,
        )
        return Ending(worth, selected, mass, patients, forced)

    def _variants(self, problem: Problem, size: int) -> IntArray:
        """Return the variant with which a trial goes on after a cohort with each number of DLTs, [D, K]."""
        doses, last = self.tallies.course.doses, problem.variants - 1
        y = np.arange(size + 1)
        toxic = problem.rules.coherent & (y / max(size, 1) >= self.target)  # a product may exceed a whole number
        return np.where(toxic, np.arange(doses)[:, None], last)

    def _moves(self, total: int, a: int, size: int) -> Moves:
        """Return what the next cohort can be, and where it leads; nothing, if it has no patients."""
        lower, upper, doses = self.tallies.lower, self.tallies.upper, self.tallies.course.doses
        low, high = lower.rows(a), upper.rows(total - a)
        may_low = np.full((doses, low.stop - low.start), size > 0)
        may_high = np.full((doses, high.stop - high.start), size > 0)
        if not self.tallies.course.skips:
            levels = np.arange(doses)[:, None]
            if total == a:  # nobody in the upper part
                may_low &= levels <= _highest(lower.n[low], lower.low) + 1
            else:
                may_high &= levels <= _highest(upper.n[high], upper.low) + 1
        rows = [self._places(lower, j, size, a, lower.keys[low]) for j in range(lower.high)]
        columns = [self._places(upper, j, size, total - a, upper.keys[high]) for j in range(lower.high, doses)]
        empty = np.zeros((0, size + 1, may_high.shape[1]), np.int64)
        return Moves(
            may_low, may_high, np.array(rows), np.array(columns) if columns else empty, comb(size, np.arange(size + 1))
        )

    def _places(self, part: Part, dose: int, size: int, patients: int, keys: IntArray) -> IntArray:
        """Return the place of part-tallies after a cohort with each number of DLTs, [K, keys]; -1 where unknown."""
        found = (part.find(patients + size, keys + part.step(dose, size, y)) for y in range(size + 1))
        return np.array([np.where(known, place, -1) for place, known in found])


def _highest(n: IntArray, low: int) -> IntArray:
    """Return the highest dose with patients in each row."""
    return np.asarray(np.where(n > 0, np.arange(low, low + n.shape[1]), -1).max(axis=1, initial=-1))
