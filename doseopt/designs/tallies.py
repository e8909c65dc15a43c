"""All tallies that trials of a fixed course of cohorts can have, numbered without gaps.

The doses are split into a lower and an upper part, and a tally is a pair of part-tallies. After a given number of
patients, `a` of them in the lower part, the tallies are a full matrix: the part-tallies of `a` patients (rows) by those
of the others (columns). The matrices follow each other in one flat numbering. Likelihoods factorise in the same way.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import BoolArray, IntArray


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

    @functools.cached_property
    def sizes(self) -> tuple[int, ...]:
        """Cohort sizes in order."""
        whole, rest = divmod(self.patients - self.first_cohort, self.cohort)
        return (self.first_cohort, *([self.cohort] * whole), *([rest] if rest else []))

    @functools.cached_property
    def totals(self) -> tuple[int, ...]:
        """Patients after each cohort."""
        return tuple(itertools.accumulate(self.sizes))

    @property
    def halves(self) -> tuple[int, int]:
        """Doses of the lower and of the upper part."""
        lower = max(self.doses // 2, 1)
        return lower, self.doses - lower

    @property
    def most_doses(self) -> int:
        """Greatest number of doses with as many patients: the key of a part-tally is a whole number of 63 bits."""
        half = 1
        while (self.patients + 1) ** (2 * (half + 1)) < 2**63:
            half += 1
        return 2 * half

    def count(self) -> int:
        """Return a bound of the number of tallies, found without listing them."""
        whole, rest = divmod(self.patients - self.first_cohort, self.cohort)
        last = self._after(whole, 2 * self.doses) * self.doses * (rest + 1) if rest else 0
        return self._after(whole, 2 * self.doses + 1) + last

    def _after(self, cohorts: int, power: int) -> int:
        """Return the tallies after that many cohorts more than the first: with a power of 2 x doses.

        A dose with k cohorts has c k + 1 counts of DLTs, so that they are the coefficient of x^k in
        (f + 1 + (c - f - 1) x) (1 + (c - 1) x)^(doses - 1) / (1 - x)^power, c being the cohort and f the first one;
        with a power one higher, those after that many cohorts or fewer.
        """
        first, more, others = self.first_cohort + 1, self.cohort - self.first_cohort - 1, self.doses - 1
        total = 0
        for i in range(min(cohorts, self.doses) + 1):
            ways = first * math.comb(others, i) * (self.cohort - 1) ** i
            if i:
                ways += more * math.comb(others, i - 1) * (self.cohort - 1) ** (i - 1)
            total += ways * math.comb(cohorts - i + power - 1, power - 1)
        return total

    def size(self, variants: int, code: int) -> int:
        """Return a bound of the bytes that a policy takes while it is found.

        Parameters
        ----------
        variants : int
            Codes for each tally.
        code : int
            Bytes of a code. The values of the tallies after two cohorts are held besides, and the part-tallies.
        """
        last = len(self.sizes) - 1
        values = sum(self._after(k, 2 * self.doses) for k in range(max(last - 1, 0), last + 1))
        parts = sum(3 * (1 + 2 * d) * replace(self, doses=d, start=1).count() for d in self.halves if d)
        return variants * (code * self.count() + 8 * values) + 8 * parts


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
        self._sorted = self._reached(course)
        n, _ = self._tally(self._sorted)
        patients = n.sum(axis=1)
        order = np.lexsort((self._sorted, patients))
        self.keys = self._sorted[order]
        self.n, self.y = self._tally(self.keys)
        self.first = np.searchsorted(patients[order], np.arange(course.patients + 2))
        self._row = np.empty(len(order), np.int64)
        self._row[order] = np.arange(len(order)) - self.first[patients[order]]

    def _tally(self, keys: IntArray) -> tuple[IntArray, IntArray]:
        digits = keys[:, None] // self.weight_n % (self.base * self.base)
        return digits % self.base, digits // self.base

    def _reached(self, course: Course) -> IntArray:
        """Return the keys of all part-tallies of the course; at each cohort the other part may have the patients.

        Those with one cohort more come from those with the most so far, until a smaller last cohort that any may get.
        """
        first, start = np.zeros(1, np.int64), course.start - 1
        if self.low <= start < self.high:
            first = self._given(first, start, course.first_cohort, course)
        found = [first]
        doses = range(self.low, self.high)
        for size in course.sizes[1:]:
            if size != course.cohort:
                found = [np.concatenate(found)]
            more = [self._given(found[-1], dose, size, course) for dose in doses]
            found.append(np.unique(np.concatenate(more)) if more else first[:0])
        return np.unique(np.concatenate(found))

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

    def find(self, keys: IntArray) -> tuple[IntArray, BoolArray]:
        """Return the row of each key among those of as many patients, and whether it is there."""
        place = np.minimum(np.searchsorted(self._sorted, keys), len(self._sorted) - 1)
        return self._row[place], self._sorted[place] == keys


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
        middle, _ = course.halves
        self.lower, self.upper = Part(course, 0, middle), Part(course, middle, course.doses)
        self._rows, self._columns = np.diff(self.lower.first), np.diff(self.upper.first)
        self._offset = np.full((len(course.totals), course.patients + 1), -1)
        self.size = 0
        for stage, patients in enumerate(course.totals):
            sizes = self._rows[: patients + 1] * self._columns[patients::-1]
            ends = self.size + np.cumsum(sizes)
            self._offset[stage, : patients + 1] = np.where(sizes > 0, ends - sizes, -1)
            self.size = int(ends[-1])

    def splits(self, stage: int) -> list[int]:
        """Return the numbers of patients that the lower part may have after a cohort."""
        return [int(a) for a in np.flatnonzero(self._offset[stage] >= 0)]

    def matrix(self, stage: int, a: int) -> slice:
        """Return the numbers of the tallies with `a` patients in the lower part, row by row."""
        begin = int(self._offset[stage, a])
        return slice(begin, begin + int(self._rows[a] * self._columns[self.course.totals[stage] - a]))

    def backwards(self) -> Iterator[tuple[int, int]]:
        """Yield the stage of each matrix and its patients in the lower part, after all that a cohort leads to.

        With the upper part's patients falling, only matrices of a cohort or two are needed at a time.
        """
        for b in range(self.course.patients, -1, -1):
            for stage in range(len(self.course.totals) - 1, -1, -1):
                if self._has(stage, self.course.totals[stage] - b):
                    yield stage, self.course.totals[stage] - b

    def _has(self, stage: int, a: int) -> bool:
        return bool(0 <= a <= self.course.patients and self._offset[stage, a] >= 0)

    @functools.cached_property
    def most_held(self) -> int:
        """Most tallies whose values are needed at a time, going backwards."""
        held, now, most = dict[tuple[int, int], int](), 0, 0
        for place in self.backwards():
            numbers = self.matrix(*place)
            held[place] = numbers.stop - numbers.start
            now += held[place]
            most = max(most, now)
            now -= sum(held.pop(each, 0) for each in self.spent(*place))
        return most

    def led(self, stage: int, a: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return the matrices, as `backwards` does, that a cohort in the lower part, and in the upper one, leads to."""
        size = self.course.sizes[stage + 1] if stage + 1 < len(self.course.sizes) else 0
        return (stage + 1, a + size), (stage + 1, a)

    def spent(self, stage: int, a: int) -> list[tuple[int, int]]:
        """Return the matrices that are needed no more after this one, going backwards."""
        after_lower, after_upper = self.led(stage, a)
        return [after_upper] if self._has(stage, after_lower[1]) else [after_upper, after_lower]

    def number(self, n: IntArray, y: IntArray) -> IntArray:
        """Return the number of each tally, [S, D] -> [S].

        Raises
        ------
        Faults
            If trials of this course cannot have such a tally.
        """
        totals = np.array(self.course.totals)
        patients, a = n.sum(axis=1), n[:, : self.lower.high].sum(axis=1)
        stage = np.minimum(np.searchsorted(totals, patients), len(totals) - 1)
        (row, low), (column, high) = (
            part.find(n[:, part.low : part.high] @ part.weight_n + y[:, part.low : part.high] @ part.weight_y)
            for part in (self.lower, self.upper)
        )
        right = low & high & (totals[stage] == patients)
        a = np.where(right, a, 0)
        offset = self._offset[stage, a]
        right &= offset >= 0
        if not right.all():
            i = int(np.argmin(right))
            raise Faults([Fault("", self._unknown(n[i], y[i]))], "policy")
        return np.asarray(offset + row * self._columns[patients - a] + column)

    def _unknown(self, n: IntArray, y: IntArray) -> str:
        course = self.course
        sizes = f"{course.first_cohort} patient{'s' * (course.first_cohort > 1)}, then cohorts of {course.cohort}"
        skip = "" if course.skips else ", no dose skipped"
        return (
            f"wanted a tally of its own course (level {course.start} first: {sizes}, at most {course.patients}{skip}), "
            f"got n={n.tolist()}, y={y.tolist()}"
        )


@functools.lru_cache(maxsize=8)
def tallies_of(course: Course) -> Tallies:
    """Return the numbering of a course, made once."""
    return Tallies(course)
