"""Backward induction over the tallies of a course, for several classes and utilities at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import ModuleType

import numpy as np
import numpy.typing as npt
from scipy.special import comb

from doseopt.attainable import arrays
from doseopt.attainable.endings import Ending, Likelihoods, Masses, Selecting
from doseopt.attainable.rules import Rules
from doseopt.beliefs.utility import Utility
from doseopt.core.compiled import compiled
from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.designs.policy_table import Codes, code_type
from doseopt.designs.tallies import Part, Tallies

type Places = npt.NDArray[np.int32]

TIE = 1e-12
"""Advantages up to this count as none: a trial that gains nothing by going on stops."""


@dataclass
class Problem:
    """A class of designs and a utility: what is asked, and what is found.

    Attributes
    ----------
    codes : int array [V, tallies]
        With a variant of the policy for each dose, or one (see `PolicyTable.codes`).
    later : dict of (int, int) to float array [V, A, B]
        Values that are still needed, by the stage of their matrix and its patients in the lower part.
    """

    rules: Rules
    utility: Utility
    tallies: Tallies
    codes: Codes = field(init=False)
    later: dict[tuple[int, int], FloatArray] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        doses = self.tallies.course.doses
        self.codes = np.zeros((self.variants, self.tallies.size), code_type(doses))

    @property
    def variants(self) -> int:
        """How many policies there are for what the last cohort showed."""
        return self.tallies.course.doses if self.rules.coherent else 1

    @property
    def bytes(self) -> int:
        """Bytes of its codes, and of the most values that are needed at a time."""
        return int(self.codes.nbytes + 8 * self.variants * self.tallies.most_held)

    @cached_property
    def selecting(self) -> Selecting:
        """What may be selected, and what that is worth."""
        return Selecting(self.utility.none, self.rules.select_untried, self.rules.too_toxic)


@dataclass(frozen=True)
class Moves:
    """The next cohort of a matrix of tallies, but for what it is worth: see `arrays.go_on`."""

    may_low: BoolArray
    may_high: BoolArray
    rows: Places
    columns: Places
    orders: FloatArray


class Induction:
    """Backward induction, one number of patients after the other, for problems of one course.

    What tallies weigh, and where cohorts lead, is found once for all of them.
    """

    def __init__(self, likelihoods: Likelihoods, problems: Sequence[Problem], target: float) -> None:
        self.likelihoods, self.problems, self.target = likelihoods, problems, target
        self.tallies = likelihoods.tallies
        self._placed: dict[tuple[int, int, int], Places] = {}
        self._rewards = {each.selecting: each.selecting.reward(likelihoods.right) for each in problems}
        self.steps: ModuleType = arrays
        if compiled(self.tallies.size * len(problems)) is not None:
            from doseopt.attainable import loops

            self.steps = loops

    def solve(self, progress: Callable[[float], object]) -> list[float]:
        """Fill the codes of the problems, and return their values of the empty trial."""
        done = 0
        for place in self.tallies.backwards():
            self._matrix(*place)
            for problem, spent in itertools.product(self.problems, self.tallies.spent(*place)):
                problem.later.pop(spent, None)
            numbers = self.tallies.matrix(*place)
            done += numbers.stop - numbers.start
            progress(done / self.tallies.size)
        return [self._empty(problem) for problem in self.problems]

    def _empty(self, problem: Problem) -> float:
        """Return the value of the empty trial, whose first dose is known."""
        course, lower = self.tallies.course, self.tallies.lower
        size, dose = course.first_cohort, course.start - 1
        part, a = (lower, size) if dose < lower.high else (self.tallies.upper, 0)
        places = _led(part, size, np.zeros(1, np.int64))[dose - part.low, :, 0]
        after = problem.later[0, a].reshape(problem.variants, -1)  # the other part is empty
        variants = self._variants(problem, size)[dose]
        orders = comb(size, np.arange(size + 1))
        return float(sum(m * after[v, place] for m, v, place in zip(orders, variants, places, strict=True)))

    def _matrix(self, stage: int, a: int) -> None:
        """Find the values and codes of one matrix of tallies."""
        course, last = self.tallies.course, stage == len(self.tallies.course.totals) - 1
        total = course.totals[stage]
        size = 0 if last else course.sizes[stage + 1]
        moves, numbers = self._moves(total, a, size), self.tallies.matrix(stage, a)
        parts = (self.tallies.lower, a), (self.tallies.upper, total - a)
        dlts_low, dlts_high = (part.y[part.rows(patients)].sum(axis=1) for part, patients in parts)
        shape = len(dlts_low), len(dlts_high)
        after_lower, after_upper = self.tallies.led(stage, a)
        none = np.zeros((1, 0, 0))
        for problem in self.problems:
            problem.later[stage, a] = np.empty((problem.variants, *shape))
        variants = [self._variants(problem, size) for problem in self.problems]
        for masses in self.likelihoods.masses(total, a):
            ends: dict[Selecting, Ending] = {}
            rows = slice(masses.first, masses.first + masses.of_group.shape[1])
            for problem, which in zip(self.problems, variants, strict=True):
                if problem.selecting not in ends:
                    ends[problem.selecting] = self._ended(masses, problem.selecting)
                ending, utility = ends[problem.selecting], problem.utility
                self.steps.go_on(
                    *(ending.worth, ending.selected, ending.mass, ending.above),
                    *(dlts_low[rows], dlts_high),
                    (utility.per_patient * total, utility.per_dlt, utility.per_patient_above_mtd),
                    TIE,
                    ending.forced,
                    last or problem.rules.early_stop,
                    *(moves.may_low, moves.may_high, moves.rows, moves.columns),
                    which,
                    moves.orders,
                    problem.later.get(after_lower, none),
                    problem.later.get(after_upper, none),
                    problem.later[stage, a],
                    problem.codes,
                    rows.start,
                    numbers.start + rows.start * shape[1],
                )

    def _ended(self, masses: Masses, selecting: Selecting) -> Ending:
        """Return what is selected at the end, and what it is worth."""
        lower, upper = self.tallies.lower, self.tallies.upper
        forced = selecting.forced(lower.n[masses.low, 0], lower.y[masses.low, 0], self.target)
        above = self.likelihoods.above.astype(float)
        worth, selected, mass, patients = self.steps.ended(
            masses.of_group,
            self._rewards[selecting],
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
        rows, columns = self._places(lower, size, a), self._places(upper, size, total - a)
        return Moves(may_low, may_high, rows, columns, comb(size, np.arange(size + 1)))

    def _places(self, part: Part, size: int, patients: int) -> Places:
        """Return where a cohort leads part-tallies of so many patients, found once."""
        place = part.low, size, patients
        if place not in self._placed:
            self._placed[place] = _led(part, size, part.keys[part.rows(patients)])
        return self._placed[place]


def _led(part: Part, size: int, keys: IntArray) -> Places:
    """Return the places of part-tallies after a cohort with each number of DLTs, [doses, K, rows]; 0 where unknown."""
    found = np.zeros((part.high - part.low, size + 1, len(keys)), np.int32)
    for j, y in np.ndindex(found.shape[:2]):
        place, known = part.find(keys + part.step(part.low + j, size, y))
        found[j, y, known] = place[known]
    return found


def _highest(n: IntArray, low: int) -> IntArray:
    """Return the highest dose with patients in each row."""
    return np.asarray(np.where(n > 0, np.arange(low, low + n.shape[1]), -1).max(axis=1, initial=-1))
