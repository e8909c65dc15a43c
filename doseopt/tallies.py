"""All tallies that trials of a fixed course of cohorts can have, numbered without gaps.

The doses are split into a lower and an upper part, and a tally is a pair of part-tallies. After a given number of
patients, `a` of them in the lower part, the tallies are a full matrix: the part-tallies of `a` patients (rows) by those
of the others (columns). The matrices follow each other in one flat numbering. Likelihoods factorise in the same way.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import polynomial

from doseopt.parameters import Fault, Faults
from doseopt.state import BoolArray, IntArray


@dataclass(frozen=True)
class Course:
    """How many patients come when; which doses they get is not fixed, but for the first cohort.

    Parameters
    ----------
    doses, patients : int
    cohort, first_cohort : int
        Sizes; the last cohort is what is left.
    start : int
        Level of the first cohort, counted from 1.
    skips : bool
        Whether a dose more than one level above the highest tried may be given.
    """

    doses: int
    patients: int
    cohort: int
    first_cohort: int
    start: int
    skips: bool

    @property
    def sizes(self) -> tuple[int, ...]:
        """Cohort sizes in order."""
        whole, rest = divmod(self.patients - self.first_cohort, self.cohort)
        return (self.first_cohort, *([self.cohort] * whole), *([rest] if rest else []))

    @property
    def totals(self) -> tuple[int, ...]:
        """Patients after each cohort."""
        return tuple(itertools.accumulate(self.sizes))

    def count(self) -> int:
        """Return a bound of the number of tallies, found without listing them."""
        whole, rest = divmod(self.patients - self.first_cohort, self.cohort)
        k = np.arange(whole + 1)
        other, product = self.cohort * k + 1.0, self.cohort * k + self.first_cohort + 1.0
        for _ in range(self.doses - 1):
            product = polynomial.polymul(product, other)[: whole + 1]
        last = product[-1] * self.doses * (rest + 1) if rest else 0
        return int(product.sum() + last)


class Part:
    """The part-tallies of some neighbouring doses, grouped by their patients and sorted by key.

    Attributes
    ----------
    n, y : int array [rows, doses of the part]
    first : int array [patients + 2]
        Where the rows of each number of patients begin.
    """

    def __init__(self, course: Course, low: int, high: int) -> None:
        self.low, self.high, self.base = low, high, course.patients + 1
        self.weight_n = self.base ** (2 * np.arange(high - low))
        self.weight_y = self.base * self.weight_n
        keys = self._reached(course)
        n, _ = self._tally(keys)
        order = np.lexsort((keys, n.sum(axis=1)))
        self.keys = keys[order]
        self.n, self.y = self._tally(self.keys)
        self.first = np.searchsorted(self.n.sum(axis=1), np.arange(course.patients + 2))

    def _tally(self, keys: IntArray) -> tuple[IntArray, IntArray]:
        digits = keys[:, None] // self.weight_n % (self.base * self.base)
        return digits % self.base, digits // self.base

    def _reached(self, course: Course) -> IntArray:
        """Return the keys of all part-tallies of the course; at each cohort the other part may have the patients."""
        start, keys = course.start - 1, np.zeros(1, np.int64)
        for k, size in enumerate(course.sizes):
            doses = [start] if k == 0 else range(self.low, self.high)
            found = [self._given(keys, dose, size, course) for dose in doses if self.low <= dose < self.high]
            keys = np.unique(np.concatenate([*([] if k == 0 and found else [keys]), *found]))
        return keys

    def _given(self, keys: IntArray, dose: int, size: int, course: Course) -> IntArray:
        """Return the keys after a cohort at a dose, with each number of DLTs."""
        j = dose - self.low
        if not course.skips and dose >= course.start and j > 0:
            keys = keys[self._tally(keys)[0][:, j - 1] > 0]
        return np.concatenate([keys + self.step(dose, size, y) for y in range(size + 1)])

    def step(self, dose: int, size: int, y: int) -> int:
        """Return what a cohort with y DLTs at a dose adds to the key."""
        return int(size * self.weight_n[dose - self.low] + y * self.weight_y[dose - self.low])

    def rows(self, patients: int) -> slice:
        """Return where the part-tallies of that many patients are."""
        return slice(int(self.first[patients]), int(self.first[patients + 1]))

    def find(self, patients: int, keys: IntArray) -> tuple[IntArray, BoolArray]:
        """Return the row of each key among those of that many patients, and whether it is there."""
        known = self.keys[self.rows(patients)]
        row = np.minimum(np.searchsorted(known, keys), max(len(known) - 1, 0))
        return row, known[row] == keys if len(known) else np.zeros(len(keys), bool)


class Tallies:
    """The numbering of all tallies of a course.

    Attributes
    ----------
    lower, upper : Part
    size : int
        How many tallies there are.
    """

    def __init__(self, course: Course) -> None:
        self.course = course
        middle = max(course.doses // 2, 1)
        self.lower, self.upper = Part(course, 0, middle), Part(course, middle, course.doses)
        self._offset = np.full((len(course.totals), course.patients + 1), -1)
        self.size = 0
        for stage, patients in enumerate(course.totals):
            for a in range(patients + 1):
                rows, columns = (int(np.diff(part.first)[k]) for part, k in self._halves(patients, a))
                if rows * columns:
                    self._offset[stage, a] = self.size
                    self.size += rows * columns

    def _halves(self, patients: int, a: int) -> tuple[tuple[Part, int], tuple[Part, int]]:
        return (self.lower, a), (self.upper, patients - a)

    def splits(self, stage: int) -> list[int]:
        """Return the numbers of patients that the lower part may have after a cohort."""
        return [int(a) for a in np.flatnonzero(self._offset[stage] >= 0)]

    def matrix(self, stage: int, a: int) -> slice:
        """Return the numbers of the tallies with `a` patients in the lower part, row by row."""
        columns = int(np.diff(self.upper.first)[self.course.totals[stage] - a])
        begin = int(self._offset[stage, a])
        return slice(begin, begin + int(np.diff(self.lower.first)[a]) * columns)

    def number(self, n: IntArray, y: IntArray) -> IntArray:
        """Return the number of each tally, [S, D] -> [S].

        Raises
        ------
        Faults
            If trials of this course cannot have such a tally.
        """
        totals = np.array(self.course.totals)
        stage = np.minimum(np.searchsorted(totals, n.sum(axis=1)), len(totals) - 1)
        places, right = [], totals[stage] == n.sum(axis=1)
        for part in (self.lower, self.upper):
            own_n, own_y = n[:, part.low : part.high], y[:, part.low : part.high]
            patients = np.minimum(own_n.sum(axis=1), self.course.patients)
            places.append(_find(part, patients, own_n @ part.weight_n + own_y @ part.weight_y))
            right &= places[-1][1]
        (row, _), (column, _) = places
        a = np.minimum(n[:, : self.lower.high].sum(axis=1), self.course.patients)
        b = np.minimum(n.sum(axis=1) - a, self.course.patients)
        offset = self._offset[stage, a]
        right &= offset >= 0
        if not right.all():
            i = int(np.argmin(right))
            raise Faults([Fault("", self._unknown(n[i], y[i]))], "policy")
        return offset + row * np.diff(self.upper.first)[b] + column

    def _unknown(self, n: IntArray, y: IntArray) -> str:
        course = self.course
        sizes = f"{course.first_cohort} patient{'s' * (course.first_cohort > 1)}, then cohorts of {course.cohort}"
        skip = "" if course.skips else ", no dose skipped"
        return (
            f"wanted a tally of its own course (level {course.start} first: {sizes}, at most {course.patients}{skip}), "
            f"got n={n.tolist()}, y={y.tolist()}"
        )


def _find(part: Part, patients: IntArray, keys: IntArray) -> tuple[IntArray, BoolArray]:
    """Return the row of each part-tally among those of its number of patients, and whether it is known."""
    row, known = np.zeros(len(keys), np.int64), np.zeros(len(keys), bool)
    for count in np.unique(patients):
        at = patients == count
        row[at], known[at] = part.find(int(count), keys[at])
    return row, known


@functools.lru_cache(maxsize=8)
def tallies_of(course: Course) -> Tallies:
    """Return the numbering of a course, made once."""
    return Tallies(course)
